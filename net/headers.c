// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where do the headers of a frame end, and what makes a slice of one a valid
 * packet?
 *
 * Analysers refuse a packet that is shorter than its own length field says.
 * Lengths that say what is left after a cut, with checksums that fit them, give
 * them a packet that somebody might have sent.
 *
 * Frames come from the network: each byte is read only once it is known to lie
 * within the frame, and every loop has an end.  Nothing here knows skbs, locks
 * or netlink, so the same file is compiled in user space for tests, sanitizers
 * and fuzzing.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

#include "headers.h"

/* More tags, or more IPv6 extension headers, than that are no packet to parse. */
#define TAGS_MAX		8
#define EXTENSIONS_MAX		16

#define TAG_LEN			4

#define ARP_LEN			8
#define ARP_HLEN		4
#define ARP_PLEN		5

#define IPV4_LEN		20
#define IPV4_TOT_LEN		2
#define IPV4_FRAG_OFF		6
#define IPV4_MF			0x2000
#define IPV4_OFFSET		0x1fff
#define IPV4_PROTO		9
#define IPV4_CHECK		10
#define IPV4_ADDRS		12

#define IPV6_LEN		40
#define IPV6_PAYLOAD_LEN	4
#define IPV6_NEXT		6
#define IPV6_ADDRS		8
#define IPV6_EXTENSION_LEN	8
#define IPV6_FRAG_OFF		2
#define IPV6_MF			0x0001
#define IPV6_OFFSET		0xfff8
#define IPV6_SEGMENTS_LEFT	3

#define IPV6_HOP_BY_HOP		0
#define IPV6_ROUTING		43
#define IPV6_FRAGMENT		44
#define IPV6_AH			51
#define IPV6_DESTINATION	60
#define IPV6_MOBILITY		135
#define IPV6_HIP		139
#define IPV6_SHIM6		140
#define PROTO_ICMPV6		58

#define TCP_LEN			20
#define TCP_DOFF		12
#define TCP_CHECK		16
#define UDP_LEN			8
#define UDP_LENGTH		4
#define UDP_CHECK		6
#define ICMP_LEN		8
#define ICMP_CHECK		2
#define SCTP_LEN		12
#define DCCP_DOFF		4

#define FETCH_MAX		IPV6_LEN

static const __u8 *fetch(const struct mirrorx_view *view, __u32 offset,
			 __u32 len, __u8 *buf)
{
	if (offset + len <= view->data_len)
		return view->data + offset;
	if (offset + len > view->len ||
	    !mirrorx_fetch(view->frame, offset, len, buf))
		return NULL;
	return buf;
}

/* Ethernet header and tags; false if not even the EtherType is there. */
static bool find_l2(struct mirrorx_headers *h, const struct mirrorx_view *view)
{
	__u8 buf[FETCH_MAX];
	const __u8 *type;
	int depth;

	h->type_at = 2 * ETH_ALEN;
	for (depth = 0; ; depth++) {
		type = fetch(view, h->type_at, 2, buf);
		if (!type)
			break;
		h->ethertype = get_unaligned_be16(type);
		h->l3 = h->type_at + 2;
		if ((h->ethertype != ETH_P_8021Q &&
		     h->ethertype != ETH_P_8021AD) || depth == TAGS_MAX)
			return true;
		h->type_at += TAG_LEN;
	}
	/* a tag without what it is a tag of */
	if (depth)
		h->type_at -= TAG_LEN;
	return depth > 0;
}

static void find_arp(struct mirrorx_headers *h, const struct mirrorx_view *view)
{
	__u8 buf[FETCH_MAX];
	const __u8 *arp = fetch(view, h->l3, ARP_LEN, buf);
	__u32 len;

	if (!arp)
		return;
	len = ARP_LEN + 2 * arp[ARP_HLEN] + 2 * arp[ARP_PLEN];
	if (len <= view->len - h->l3)
		h->l4 = h->l3 + len;
}

static bool find_ipv4(struct mirrorx_headers *h, const struct mirrorx_view *view)
{
	__u8 buf[FETCH_MAX];
	const __u8 *ip = fetch(view, h->l3, IPV4_LEN, buf);
	__u16 frag_off;
	__u32 len;

	if (!ip || ip[0] >> 4 != 4)
		return false;
	len = (ip[0] & 15) * 4;
	if (len < IPV4_LEN || len > view->len - h->l3)
		return false;

	frag_off = get_unaligned_be16(ip + IPV4_FRAG_OFF);
	h->ip_len = get_unaligned_be16(ip + IPV4_TOT_LEN);
	h->proto = ip[IPV4_PROTO];
	h->more = frag_off & IPV4_MF;
	h->fragment = frag_off & (IPV4_MF | IPV4_OFFSET);
	h->l4 = h->l3 + len;
	h->ipv4 = true;
	return !(frag_off & IPV4_OFFSET);
}

static bool is_extension(__u8 proto)
{
	switch (proto) {
	case IPV6_HOP_BY_HOP:
	case IPV6_ROUTING:
	case IPV6_FRAGMENT:
	case IPV6_AH:
	case IPV6_DESTINATION:
	case IPV6_MOBILITY:
	case IPV6_HIP:
	case IPV6_SHIM6:
		return true;
	default:
		return false;
	}
}

static __u32 extension_len(__u8 proto, const __u8 *extension)
{
	if (proto == IPV6_FRAGMENT)
		return IPV6_EXTENSION_LEN;
	if (proto == IPV6_AH)		/* in words, RFC 4302 section 2.2 */
		return (extension[1] + 2) * 4;
	return (extension[1] + 1) * 8;
}

/* The extension headers; false where no transport header follows. */
static bool find_extensions(struct mirrorx_headers *h,
			    const struct mirrorx_view *view)
{
	bool later = false;
	__u8 buf[FETCH_MAX];
	const __u8 *ext;
	__u16 frag_off;
	__u32 len;
	int i;

	for (i = 0; is_extension(h->proto); i++) {
		ext = fetch(view, h->l4, IPV6_EXTENSION_LEN, buf);
		if (!ext || i == EXTENSIONS_MAX)
			return false;
		len = extension_len(h->proto, ext);
		if (len > view->len - h->l4)
			return false;

		if (h->proto == IPV6_ROUTING && ext[IPV6_SEGMENTS_LEFT])
			h->routed = true;
		if (h->proto == IPV6_FRAGMENT) {
			frag_off = get_unaligned_be16(ext + IPV6_FRAG_OFF);
			h->more = frag_off & IPV6_MF;
			/* all of a packet may be one, RFC 6946 */
			h->fragment = frag_off & (IPV6_MF | IPV6_OFFSET);
			later = frag_off & IPV6_OFFSET;
		}
		h->proto = ext[0];
		h->l4 += len;
		if (later)		/* its next header is in the first */
			break;
	}
	h->ipv6 = true;
	return !later;
}

static bool find_ipv6(struct mirrorx_headers *h, const struct mirrorx_view *view)
{
	__u8 buf[FETCH_MAX];
	const __u8 *ip = fetch(view, h->l3, IPV6_LEN, buf);
	__u16 payload_len;

	if (!ip || ip[0] >> 4 != 6)
		return false;

	payload_len = get_unaligned_be16(ip + IPV6_PAYLOAD_LEN);
	h->proto = ip[IPV6_NEXT];
	/* else a jumbogram, RFC 2675 */
	if (payload_len || h->proto != IPV6_HOP_BY_HOP)
		h->ip_len = IPV6_LEN + payload_len;
	h->l4 = h->l3 + IPV6_LEN;
	return find_extensions(h, view);
}

/* Bytes of the transport header, 0 if it is not known. */
static __u32 transport_len(__u8 proto, const struct mirrorx_view *view, __u32 at)
{
	__u8 buf[FETCH_MAX];
	const __u8 *header;
	__u32 len;

	switch (proto) {
	case IPPROTO_TCP:
		header = fetch(view, at + TCP_DOFF, 1, buf);
		len = header ? (*header >> 4) * 4 : 0;
		return len < TCP_LEN ? 0 : len;
	case IPPROTO_DCCP:
		header = fetch(view, at + DCCP_DOFF, 1, buf);
		return header ? *header * 4 : 0;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return UDP_LEN;
	case IPPROTO_SCTP:
		return SCTP_LEN;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case PROTO_ICMPV6:
		return ICMP_LEN;
	default:
		return 0;
	}
}

/**
 * mirrorx_headers_find() - find the headers of a frame
 * @h: to be filled
 * @view: the frame, from the Ethernet header on
 *
 * What is not whole, or contradicts itself, counts as not there.
 */
void mirrorx_headers_find(struct mirrorx_headers *h,
			  const struct mirrorx_view *view)
{
	bool transport = false;
	__u32 len;

	memset(h, 0, sizeof(*h));
	if (!find_l2(h, view))
		h->l3 = view->len;
	h->l4 = h->l3;

	if (h->ethertype == ETH_P_IP)
		transport = find_ipv4(h, view);
	else if (h->ethertype == ETH_P_IPV6)
		transport = find_ipv6(h, view);
	else if (h->ethertype == ETH_P_ARP)
		find_arp(h, view);

	h->end = h->l4;
	if (!transport)
		return;
	len = transport_len(h->proto, view, h->l4);
	if (len <= view->len - h->l4)
		h->end += len;
}

/* Sum of the pseudo header, RFC 9293 section 3.1 and RFC 8200 section 8.1 */
static __wsum pseudo_sum(const struct mirrorx_headers *h, const __u8 *frame,
			 __u32 len)
{
	const __u8 *addrs = frame + h->l3 + (h->ipv4 ? IPV4_ADDRS : IPV6_ADDRS);
	__wsum sum = csum_partial(addrs, h->ipv4 ? 8 : 32, 0);

	sum = csum_add(sum, (__force __wsum)htonl(len));
	return csum_add(sum, (__force __wsum)htons(h->proto));
}

static __sum16 l4_sum(const struct mirrorx_headers *h, const __u8 *frame,
		      __u32 end, bool pseudo)
{
	__wsum sum = pseudo ? pseudo_sum(h, frame, end - h->l4) : 0;

	return csum_fold(csum_partial(frame + h->l4, end - h->l4, sum));
}

static void fix_sum(const struct mirrorx_headers *h, __u8 *frame, __u32 end,
		    __u32 check, bool pseudo)
{
	__sum16 sum;

	put_unaligned_be16(0, frame + h->l4 + check);
	sum = l4_sum(h, frame, end, pseudo);
	if (h->proto == IPPROTO_UDP && !sum)
		sum = CSUM_MANGLED_0;
	memcpy(frame + h->l4 + check, &sum, sizeof(sum));
}

static bool fix_udp(const struct mirrorx_headers *h, __u8 *frame, __u32 end)
{
	__u8 *udp = frame + h->l4;
	__u32 len = get_unaligned_be16(udp + UDP_LENGTH);

	if (len < UDP_LEN || len > h->ip_len - (h->l4 - h->l3))
		return false;
	if (h->l4 + len <= end)
		return true;
	put_unaligned_be16(end - h->l4, udp + UDP_LENGTH);
	/* none, where there was none */
	if (get_unaligned_be16(udp + UDP_CHECK))
		fix_sum(h, frame, end, UDP_CHECK, true);
	return true;
}

/* Length and checksum of what IP carries; false if it would not be valid. */
static bool fix_l4(const struct mirrorx_headers *h, __u8 *frame, __u32 end)
{
	bool whole = h->end > h->l4 && h->end <= end;

	switch (h->proto) {
	case IPPROTO_TCP:
		if (!whole || h->routed)
			return false;
		fix_sum(h, frame, end, TCP_CHECK, true);
		return true;
	case IPPROTO_UDP:
		return whole && !h->routed && fix_udp(h, frame, end);
	case IPPROTO_ICMP:
		if (!whole)
			return false;
		fix_sum(h, frame, end, ICMP_CHECK, false);
		return true;
	case PROTO_ICMPV6:
		if (!whole || h->routed)
			return false;
		fix_sum(h, frame, end, ICMP_CHECK, true);
		return true;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
	case IPPROTO_IGMP:
		return false;	/* chunks, or sums of a kind of their own */
	default:		/* knows no length of its own, as far as IP goes */
		return true;
	}
}

static void fix_ipv4(__u8 *ip, __u16 len)
{
	__be16 was, now = htons(len);
	__sum16 sum;

	memcpy(&was, ip + IPV4_TOT_LEN, sizeof(was));
	memcpy(ip + IPV4_TOT_LEN, &now, sizeof(now));
	/* RFC 1624: a wrong checksum stays as wrong as it was */
	memcpy(&sum, ip + IPV4_CHECK, sizeof(sum));
	csum_replace2(&sum, was, now);
	memcpy(ip + IPV4_CHECK, &sum, sizeof(sum));
}

static bool fix_ip(const struct mirrorx_headers *h, __u8 *frame, __u32 len,
		   __u32 frame_len)
{
	__u32 end = len;

	/* jumbograms, and lies */
	if (h->ip_len < h->l4 - h->l3 || h->ip_len > frame_len - h->l3)
		return false;
	if (h->l3 + h->ip_len <= len)
		return true;		/* only padding was cut */
	/* all fragments but the last are multiples of 8; the rest is padding */
	if (h->more)
		end -= (end - h->l4) % 8;
	if (end == h->l4)
		return false;
	if (!h->fragment && !fix_l4(h, frame, end))
		return false;

	if (h->ipv4)
		fix_ipv4(frame + h->l3, end - h->l3);
	else
		put_unaligned_be16(end - h->l3 - IPV6_LEN,
				   frame + h->l3 + IPV6_PAYLOAD_LEN);
	return true;
}

/* IEEE 802.3: a length where Ethernet has a type */
static bool fix_802_3(const struct mirrorx_headers *h, __u8 *frame, __u32 len,
		      __u32 frame_len)
{
	if (h->ethertype > frame_len - h->l3)
		return false;
	if (h->ethertype <= len - h->l3)
		return true;
	if (len == h->l3)
		return false;
	put_unaligned_be16(len - h->l3, frame + h->type_at);
	return true;
}

/**
 * mirrorx_headers_fix() - make a slice of a frame a valid packet
 * @frame: the slice, to be changed
 * @len: its length
 * @frame_len: length of the whole frame
 *
 * All or nothing: what would not be valid stays as it was.
 *
 * Return: whether it is valid now, as far as the checksum of its IP header is
 */
bool mirrorx_headers_fix(__u8 *frame, __u32 len, __u32 frame_len)
{
	struct mirrorx_view view = {
		.data = frame,
		.data_len = len,
		.len = len,
	};
	struct mirrorx_headers h;

	mirrorx_headers_find(&h, &view);
	if (len < ETH_HLEN)
		return false;
	if (h.ethertype < ETH_P_802_3_MIN)
		return fix_802_3(&h, frame, len, frame_len);
	if (h.ethertype == ETH_P_ARP)
		return h.l4 > h.l3;
	if (!h.ipv4 && !h.ipv6)
		return false;
	return fix_ip(&h, frame, len, frame_len);
}
