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
#define IPV4_ID			4
#define IPV4_FRAG_OFF		6
#define IPV4_PROTO		9
#define IPV4_CHECK		10
#define IPV4_ADDRS		12
#define IPV4_LOOSE_ROUTE	131
#define IPV4_STRICT_ROUTE	137

#define IPV6_LEN		40
#define IPV6_PAYLOAD_LEN	4
#define IPV6_NEXT		6
#define IPV6_ADDRS		8
#define IPV6_EXTENSION_LEN	8
#define IPV6_EXTENSION_FIXED(proto)	((proto) == IPV6_ROUTING ? 4 : 2)
#define IPV6_FRAG_OFF		2
#define IPV6_ID			4
#define IPV6_MF			0x0001
#define IPV6_OFFSET		0xfff8
#define IPV6_OFFSET_SHIFT	3
#define IPV6_SEGMENTS_LEFT	3
#define IPV6_HOME_ADDRESS_LEN	24	/* of options that have one, at least */

#define IPV6_HOP_BY_HOP		0
#define IPV6_ROUTING		43
#define IPV6_FRAGMENT		44
#define IPV6_AH			51
#define IPV6_NO_NEXT		59
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
#define ICMP_EXTENDED		5	/* bytes other than 0: RFC 4884 */
#define ICMP_ECHO_REPLY		0
#define ICMP_UNREACHABLE	3
#define ICMP_ECHO		8
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER		12
#define ICMPV6_EXTENDED		4
#define ICMPV6_PARAMETER	4	/* the last kind of error */
#define ICMPV6_ECHO		128
#define ICMPV6_ECHO_REPLY	129
#define SCTP_LEN		12
#define DCCP_LEN		12
#define DCCP_DOFF		4
#define ESP_LEN			8

#define LLC_LEN			4	/* with two bytes of control */
#define LLC_SNAP		0xaa
#define LLC_STP			0x42

/*
 * All that finds headers is inlined into both of its users: where the frame is
 * known to lie in one piece, the other way to read it goes away, and what was
 * found stays in registers.
 */

/* Ethernet header and tags; false if not even the EtherType is there. */
static __always_inline bool find_l2(struct mirrorx_headers *h,
				    const struct mirrorx_view *view,
				    __u32 offset)
{
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *type;
	int depth;

	h->type_at = offset + 2 * ETH_ALEN;
	for (depth = 0; ; depth++) {
		if (!mirrorx_read(view, h->type_at, 2, buf, &type))
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

static __always_inline void find_arp(struct mirrorx_headers *h,
				     const struct mirrorx_view *view)
{
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *arp;
	__u32 len;

	if (!mirrorx_read(view, h->l3, ARP_LEN, buf, &arp))
		return;
	len = ARP_LEN + 2 * arp[ARP_HLEN] + 2 * arp[ARP_PLEN];
	if (len <= view->len - h->l3)
		h->l4 = h->l3 + len;
}

/*
 * Length of an IPv4 header that is not the usual one, 0 if it is none.  The
 * checksum of a packet with a source route is over the last address of the
 * route; a byte that only looks like one costs no more than that a copy is not
 * fixed.
 */
static __always_inline __u32 ipv4_len(struct mirrorx_headers *h,
				      const struct mirrorx_view *view,
				      const __u8 *ip)
{
	__u32 len = (ip[0] & 15) * 4, more = len - IPV4_LEN;
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *options;

	if (ip[0] >> 4 != 4 || len < IPV4_LEN ||
	    !mirrorx_read(view, h->l3 + IPV4_LEN, more, buf, &options))
		return 0;
	h->routed = memchr(options, IPV4_LOOSE_ROUTE, more) ||
		    memchr(options, IPV4_STRICT_ROUTE, more);
	return len;
}

static __always_inline bool find_ipv4(struct mirrorx_headers *h,
				      const struct mirrorx_view *view)
{
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	__u32 len = IPV4_LEN;
	__u16 frag_off;
	const __u8 *ip;

	if (!mirrorx_read(view, h->l3, IPV4_LEN, buf, &ip))
		return false;

	frag_off = get_unaligned_be16(ip + IPV4_FRAG_OFF);
	h->fragment = frag_off & (MIRRORX_FRAGMENT_MORE | MIRRORX_FRAGMENT_OFFSET);
	h->id = get_unaligned_be16(ip + IPV4_ID);
	h->ip_len = get_unaligned_be16(ip + IPV4_TOT_LEN);
	h->proto = ip[IPV4_PROTO];
	if (ip[0] != 0x45)
		len = ipv4_len(h, view, ip);
	h->l4 = h->l3 + len;
	h->ipv4 = len;
	return len && !(frag_off & MIRRORX_FRAGMENT_OFFSET);
}

static __always_inline bool is_extension(__u8 proto)
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

static __always_inline __u32 extension_len(__u8 proto, const __u8 *extension)
{
	if (proto == IPV6_FRAGMENT)
		return IPV6_EXTENSION_LEN;
	if (proto == IPV6_AH)		/* in words, RFC 4302 section 2.2 */
		return (extension[1] + 2) * 4;
	return (extension[1] + 1) * 8;
}

/* The extension headers; false where no transport header follows. */
static __always_inline bool find_extensions(struct mirrorx_headers *h,
					    const struct mirrorx_view *view)
{
	bool later = false;
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *ext;
	__u16 frag_off;
	__u32 len;
	int i;

	for (i = 0; is_extension(h->proto); i++) {
		if (i == EXTENSIONS_MAX ||
		    !mirrorx_read(view, h->l4, IPV6_EXTENSION_LEN, buf, &ext))
			return false;
		len = extension_len(h->proto, ext);
		if (len > view->len - h->l4)
			return false;

		if (h->proto == IPV6_ROUTING && ext[IPV6_SEGMENTS_LEFT])
			h->routed = true;
		/* RFC 6275: the checksum is over the home address */
		if (h->proto == IPV6_DESTINATION && len >= IPV6_HOME_ADDRESS_LEN)
			h->routed = true;
		if (h->proto == IPV6_FRAGMENT) {
			frag_off = get_unaligned_be16(ext + IPV6_FRAG_OFF);
			h->id = get_unaligned_be32(ext + IPV6_ID);
			/* all of a packet may be one, RFC 6946 */
			h->fragment = frag_off >> IPV6_OFFSET_SHIFT;
			if (frag_off & IPV6_MF)
				h->fragment |= MIRRORX_FRAGMENT_MORE;
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

static __always_inline bool find_ipv6(struct mirrorx_headers *h,
				      const struct mirrorx_view *view)
{
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *ip;
	__u16 payload_len;

	if (!mirrorx_read(view, h->l3, IPV6_LEN, buf, &ip) || ip[0] >> 4 != 6)
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
static __always_inline __u32 transport_len(__u8 proto,
					   const struct mirrorx_view *view,
					   __u32 at)
{
	__u8 buf[MIRRORX_READ_MAX] __uninitialized;
	const __u8 *header;
	__u32 len;

	if (proto == IPPROTO_UDP)	/* these two in front, as the most frequent */
		return UDP_LEN;
	if (proto == IPPROTO_TCP) {
		if (!mirrorx_read(view, at + TCP_DOFF, 1, buf, &header))
			return 0;
		len = (*header >> 4) * 4;
		return len < TCP_LEN ? 0 : len;
	}

	switch (proto) {
	case IPPROTO_DCCP:
		if (!mirrorx_read(view, at + DCCP_DOFF, 1, buf, &header))
			return 0;
		len = *header * 4;
		return len < DCCP_LEN ? 0 : len;
	case IPPROTO_SCTP:
		return SCTP_LEN;
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case PROTO_ICMPV6:
		return ICMP_LEN;
	default:
		return 0;
	}
}

/*
 * From this offset on there is a packet of this EtherType, or a frame if it is 0.
 * Returns false if not even the EtherType is there.
 */
static __always_inline bool find(struct mirrorx_headers *h,
				 const struct mirrorx_view *view,
				 __u32 offset, __u16 ethertype)
{
	bool transport = false;
	__u32 len;

	*h = (struct mirrorx_headers){ .l3 = offset, .ethertype = ethertype };
	if (!ethertype && !find_l2(h, view, offset))
		return false;
	h->l4 = h->l3;

	if (h->ethertype == ETH_P_IP)
		transport = find_ipv4(h, view);
	else if (h->ethertype == ETH_P_IPV6)
		transport = find_ipv6(h, view);
	else if (h->ethertype == ETH_P_ARP)
		find_arp(h, view);

	h->end = h->l4;
	if (transport) {
		len = transport_len(h->proto, view, h->l4);
		if (len <= view->len - h->l4)
			h->end += len;
	}
	return true;
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
	if (!find(h, view, 0, 0)) {
		h->l3 = view->len;
		h->l4 = view->len;
		h->end = view->len;
	}
}

/**
 * mirrorx_headers_find_inner() - find the headers of what a frame carries
 * @h: to be filled; all offsets in the frame, @type_at only if a frame is carried
 * @view: the frame
 * @offset: where in it that starts, within the frame
 * @ethertype: what it is, host order; 0 for a frame
 *
 * Return: false if not even the type of the carried frame is there
 */
bool mirrorx_headers_find_inner(struct mirrorx_headers *h,
				const struct mirrorx_view *view, __u32 offset,
				__u16 ethertype)
{
	return find(h, view, offset, ethertype);
}

/* Sum of the pseudo header, RFC 9293 section 3.1 and RFC 8200 section 8.1 */
static __always_inline __wsum pseudo_sum(const struct mirrorx_headers *h,
					 const __u8 *frame, __u32 len)
{
	const __u8 *addrs = frame + h->l3 + IPV6_ADDRS;
	__be32 saddr, daddr;
	__wsum sum = 0;

	if (h->ipv4) {
		memcpy(&saddr, frame + h->l3 + IPV4_ADDRS, sizeof(saddr));
		memcpy(&daddr, frame + h->l3 + IPV4_ADDRS + 4, sizeof(daddr));
	} else {
		sum = csum_partial(addrs, 32, 0);
		saddr = 0;
		daddr = 0;
	}
	return csum_tcpudp_nofold(saddr, daddr, len, h->proto, sum);
}

/* A checksum up to @end, with a pseudo header that says @len; 0 for none */
static __always_inline void write_sum(const struct mirrorx_headers *h,
				      __u8 *frame, __u32 end, __u32 check,
				      __u32 len)
{
	__u8 *l4 = frame + h->l4;
	__wsum start = 0;
	__sum16 sum = 0;

	memcpy(l4 + check, &sum, sizeof(sum));
	if (len)
		start = pseudo_sum(h, frame, len);
	sum = csum_fold(csum_partial(l4, end - h->l4, start));
	if (!sum && (h->proto == IPPROTO_UDP || h->proto == IPPROTO_UDPLITE))
		sum = CSUM_MANGLED_0;
	memcpy(l4 + check, &sum, sizeof(sum));
}

static __always_inline void fix_sum(const struct mirrorx_headers *h,
				    __u8 *frame, __u32 end, __u32 check,
				    bool pseudo)
{
	write_sum(h, frame, end, check, pseudo ? end - h->l4 : 0);
}

/*
 * Echo ends in any number of any bytes, and so do errors behind the header that
 * they quote, and 8 bytes, if no extensions follow.  All else has lengths of its
 * own.
 */
static bool may_be_cut(const struct mirrorx_headers *h, const __u8 *icmp,
		       __u32 len)
{
	const __u8 *quote = icmp + ICMP_LEN;

	if (h->ipv6)
		return icmp[0] == ICMPV6_ECHO || icmp[0] == ICMPV6_ECHO_REPLY ||
		       (icmp[0] <= ICMPV6_PARAMETER &&
			!icmp[ICMPV6_EXTENDED] &&
			len >= ICMP_LEN + IPV6_LEN + 8);
	if (icmp[0] == ICMP_ECHO || icmp[0] == ICMP_ECHO_REPLY)
		return true;
	return (icmp[0] == ICMP_UNREACHABLE || icmp[0] == ICMP_TIME_EXCEEDED ||
		icmp[0] == ICMP_PARAMETER) && !icmp[ICMP_EXTENDED] &&
	       len >= ICMP_LEN + IPV4_LEN + 8 &&
	       len >= ICMP_LEN + (*quote & 15u) * 4 + 8;
}

/*
 * What is not known here may have lengths of its own, as tunnels, SCTP and
 * routing protocols do.  By value, or what was found would have to be in memory
 * for all.
 */
static noinline bool fix_other(struct mirrorx_headers h, __u8 *frame, __u32 end)
{
	__u8 *l4 = frame + h.l4;
	__u32 len = end - h.l4;

	if (h.proto == IPV6_NO_NEXT)
		return true;
	if (h.proto == IPPROTO_ESP)
		return len >= ESP_LEN;
	if (h.proto != (h.ipv4 ? IPPROTO_ICMP : PROTO_ICMPV6) ||
	    h.end == h.l4 || (h.ipv6 && h.routed) || !may_be_cut(&h, l4, len))
		return false;
	fix_sum(&h, frame, end, ICMP_CHECK, h.ipv6);
	return true;
}

/* Length and checksum of what IP carries; false if it would not be valid. */
static __always_inline bool fix_l4(const struct mirrorx_headers *h,
				   __u8 *frame, __u32 end)
{
	__u8 *l4 = frame + h->l4;
	__u32 check, len;

	if (h->proto != IPPROTO_TCP && h->proto != IPPROTO_UDP)
		return fix_other(*h, frame, end);
	/* without its whole header, or for an address that is not at hand */
	if (h->end == h->l4 || h->routed)
		return false;

	check = TCP_CHECK;
	if (h->proto == IPPROTO_UDP) {
		check = UDP_CHECK;
		len = get_unaligned_be16(l4 + UDP_LENGTH);
		if (len < UDP_LEN || len > h->ip_len - (h->l4 - h->l3))
			return false;
		if (h->l4 + len <= end)
			return true;
		put_unaligned_be16(end - h->l4, l4 + UDP_LENGTH);
		/* none, where there was none */
		if (!get_unaligned_be16(l4 + UDP_CHECK))
			return true;
	}
	fix_sum(h, frame, end, check, true);
	return true;
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

static __always_inline bool fix_ip(const struct mirrorx_headers *h,
				   __u8 *frame, __u32 len, __u32 frame_len)
{
	__u32 end = len;

	/* jumbograms, and lies */
	if (h->ip_len < h->l4 - h->l3 || h->ip_len > frame_len - h->l3)
		return false;
	if (h->l3 + h->ip_len <= len)
		return true;		/* only padding was cut */
	/* all fragments but the last are multiples of 8; the rest is padding */
	if (h->fragment & MIRRORX_FRAGMENT_MORE)
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

/*
 * IEEE 802.3: a length where Ethernet has a type.  What follows SNAP has lengths
 * of its own, and BPDUs have one size.
 */
static bool fix_802_3(const struct mirrorx_headers *h, __u8 *frame, __u32 len,
		      __u32 frame_len)
{
	const __u8 *llc = frame + h->l3;
	__u32 left = len - h->l3;

	if (h->ethertype > frame_len - h->l3)
		return false;
	if (h->ethertype <= left)
		return true;		/* only padding was cut */
	if (left < LLC_LEN || *llc == LLC_SNAP || *llc == LLC_STP)
		return false;
	put_unaligned_be16(left, frame + h->type_at);
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
	struct mirrorx_headers h __uninitialized;

	if (!find(&h, &view, 0, 0))
		return false;
	if (h.ethertype < ETH_P_802_3_MIN)
		return fix_802_3(&h, frame, len, frame_len);
	if (h.ethertype == ETH_P_ARP)
		return h.l4 > h.l3;
	if (!h.ipv4 && !h.ipv6)
		return false;
	return fix_ip(&h, frame, len, frame_len);
}

/* What follows is zeros, which add nothing to a sum, but the length stays. */
static void zero_sum(const struct mirrorx_headers *h, __u8 *frame)
{
	__u32 len = h->ip_len - (h->l4 - h->l3), check;
	const __u8 *l4 = frame + h->l4;

	/* its sum is over other packets too, or over what is not at hand */
	if (h->fragment || h->routed || h->end == h->l4 ||
	    h->ip_len <= h->l4 - h->l3)
		return;

	switch (h->proto) {
	case IPPROTO_TCP:
		check = TCP_CHECK;
		break;
	case IPPROTO_UDP:
		len = get_unaligned_be16(l4 + UDP_LENGTH) ?: len;
		fallthrough;
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		check = UDP_CHECK;
		if (h->proto != IPPROTO_DCCP &&
		    !get_unaligned_be16(l4 + UDP_CHECK))
			return;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
		check = ICMP_CHECK;
		len = 0;
		break;
	case PROTO_ICMPV6:
		check = ICMP_CHECK;
		break;
	default:
		return;
	}
	write_sum(h, frame, h->end, check, len);
}

/**
 * mirrorx_headers_zero() - clear what follows the headers
 * @frame: a slice of a frame, to be changed
 * @len: its length
 *
 * Lengths stay.  Checksums are those of a packet with such a payload, where it
 * is not in fragments.
 */
void mirrorx_headers_zero(__u8 *frame, __u32 len)
{
	const struct mirrorx_view view = {
		.data = frame,
		.data_len = len,
		.len = len,
	};
	struct mirrorx_headers h __uninitialized;

	mirrorx_headers_find(&h, &view);
	if (!h.ipv4 && !h.ipv6 && h.ethertype != ETH_P_ARP)
		h.end = h.l3;
	memset(frame + h.end, 0, len - h.end);
	if (h.ipv4 || h.ipv6)
		zero_sum(&h, frame);
}

/**
 * mirrorx_headers_clear_extensions() - clear what IPv6 extension headers say
 * @h: headers of the packet, which is IPv6
 * @frame: the frame that they were found in, to be changed
 *
 * Routes, home addresses and the like are addresses.  What is left says how long
 * it is; options become padding.
 */
void mirrorx_headers_clear_extensions(const struct mirrorx_headers *h,
				      __u8 *frame)
{
	__u8 proto = frame[h->l3 + IPV6_NEXT];
	__u32 at = h->l3 + IPV6_LEN, len;
	__u8 *ext;

	for (; at < h->l4; at += len) {
		ext = frame + at;
		len = extension_len(proto, ext);
		/* nothing but flags and numbers fits into 8 bytes */
		if (len > IPV6_EXTENSION_LEN && proto != IPV6_AH)
			memset(ext + IPV6_EXTENSION_FIXED(proto), 0,
			       len - IPV6_EXTENSION_FIXED(proto));
		proto = ext[0];
	}
}
