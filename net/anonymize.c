// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which bytes of a copy are addresses, and what becomes of those that might be?
 *
 * Addresses at known places are replaced, and checksums follow them, by RFC 1624:
 * one that was right stays right, and a wrong one stays wrong.  Headers that
 * cannot be read, or that nothing is known of here, are cleared with all that
 * follows them: what might be an address never leaves.  Only what TCP, UDP, DCCP
 * and echo carry stays as it is.
 *
 * Frames come from the network: each byte is read only once it is known to lie
 * within the copy, and every loop has an end.  Nothing here knows skbs, locks or
 * netlink, so the same file is compiled in user space for tests, sanitizers and
 * fuzzing.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

#include "anonymize.h"
#include "headers.h"

/* Packets within packets, all of a frame's */
#define PACKETS_MAX		4

#define ARP_ETHER_IPV4		0x0001080006040000ULL
#define ARP_ETHER_IPV4_MASK	0xffffffffffff0000ULL
#define ARP_SHA			8
#define ARP_SPA			14
#define ARP_THA			18
#define ARP_TPA			24

#define IPV4_LEN		20
#define IPV4_OFFSET		0x1fff
#define IPV4_CHECK		10
#define IPV4_SADDR		12
#define IPV4_DADDR		16
#define IPV6_SADDR		8
#define IPV6_DADDR		24
#define PROTO_ICMPV6		58
#define PROTO_IPV6		41

#define TCP_CHECK		16
#define UDP_LEN			8
#define UDP_DPORT		2
#define UDP_CHECK		6	/* and that of UDP-Lite and DCCP */
#define ICMP_CHECK		2
#define ICMP_REST		4	/* behind type, code and checksum */
#define ICMP_LEN		8
#define QUOTED_MIN		8	/* of what IP carries */

#define ICMP_ECHO_REPLY		0
#define ICMP_UNREACHABLE	3
#define ICMP_QUENCH		4
#define ICMP_REDIRECT		5
#define ICMP_ECHO		8
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETER		12
#define ICMPV6_PARAMETER	4	/* the last kind of error */
#define ICMPV6_ECHO		128
#define ICMPV6_ECHO_REPLY	129
#define MLD_QUERY		130
#define MLD_DONE		132
#define MLD_LEN			24
#define ND_ROUTER_SOLICIT	133
#define ND_ROUTER_ADVERT	134
#define ND_SOLICIT		135
#define ND_ADVERT		136
#define ND_REDIRECT		137
#define ND_ADDR			16
#define ND_SOURCE_LLADDR	1
#define ND_TARGET_LLADDR	2
#define ND_PREFIX		3
#define ND_PREFIX_AT		16
#define ND_MTU			5

#define GRE_LEN			4
#define GRE_CSUM		0x8000
#define GRE_KEY			0x2000
#define GRE_SEQ			0x1000
#define GRE_KNOWN		(GRE_CSUM | GRE_KEY | GRE_SEQ)
#define GRE_CHECK		4
#define VXLAN_PORT		4789
#define VXLAN_PORT_LINUX	8472
#define VXLAN_FLAGS		0x08000000
#define VXLAN_LEN		8
#define GENEVE_PORT		6081
#define GENEVE_PROTO		2
#define GENEVE_LEN		8

/**
 * struct walk - through one frame
 * @pan: key
 * @mac: MAC addresses are replaced, too
 * @zeroed: what transport headers are followed by is cleared already
 * @quoted: the packet in hand is one that an ICMP error quotes
 * @packets: so many packets may follow within those that were seen
 * @addresses: and so many addresses
 */
struct walk {
	const struct mirrorx_pan *pan;
	bool mac;
	bool zeroed;
	bool quoted;
	__u8 packets;
	__u8 addresses;
};

static void walk_frame(struct walk *w, __u8 *frame, __u32 len);
static void walk_within(struct walk *w, __u8 *frame, __u32 l3, __u32 len,
			__u16 ethertype);

static void clear(__u8 *frame, __u32 from, __u32 to)
{
	if (from < to)
		memset(frame + from, 0, to - from);
}

/* Returns by how much a sum over the address grows. */
static __wsum replace(struct walk *w, __u8 *addr, unsigned int bits)
{
	__wsum was = csum_partial(addr, bits / 8, 0);

	if (w->addresses) {
		w->addresses--;
		mirrorx_pseudonym(w->pan, addr, bits);
	} else {
		memset(addr, 0, bits / 8);
	}
	return csum_sub(csum_partial(addr, bits / 8, 0), was);
}

/*
 * Those that are nobody's stay.  Others of groups do not: the address of a
 * neighbour solicitation has 24 bits of the one that is looked for.
 */
static void replace_mac(struct walk *w, __u8 *addr)
{
	static const __u8 nobody[2][ETH_ALEN] = {
		{ }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	__u8 group = addr[0] & 1;

	if (!w->mac || !memcmp(addr, nobody[0], ETH_ALEN) ||
	    !memcmp(addr, nobody[1], ETH_ALEN))
		return;
	replace(w, addr, MIRRORX_BITS_MAC);
	addr[0] = (addr[0] & ~3) | 2 | group;
}

/* What it is a sum of has grown. */
static void update(__u8 *check, __wsum diff, bool zero_is_none)
{
	__sum16 sum;

	memcpy(&sum, check, sizeof(sum));
	if (zero_is_none && !sum)
		return;
	csum_replace_by_diff(&sum, diff);
	if (zero_is_none && !sum)
		sum = CSUM_MANGLED_0;
	memcpy(check, &sum, sizeof(sum));
}

static void walk_arp(struct walk *w, __u8 *frame,
		     const struct mirrorx_headers *h, __u32 len)
{
	__u8 *arp = frame + h->l3;

	if (h->l4 == h->l3 || (get_unaligned_be64(arp) & ARP_ETHER_IPV4_MASK) !=
			      ARP_ETHER_IPV4) {
		clear(frame, h->l3, len);
		return;
	}
	replace_mac(w, arp + ARP_SHA);
	replace_mac(w, arp + ARP_THA);
	replace(w, arp + ARP_SPA, MIRRORX_BITS_IPV4);
	replace(w, arp + ARP_TPA, MIRRORX_BITS_IPV4);
	clear(frame, h->l4, len);
}

static void walk_quoted(struct walk *w, __u8 *frame, __u32 from, __u32 end,
			__u16 ethertype)
{
	w->quoted = true;
	walk_within(w, frame, from, end, ethertype);
	w->quoted = false;
}

static void walk_icmp(struct walk *w, __u8 *frame, __u32 l4, __u32 end)
{
	__u8 *icmp = frame + l4;

	switch (icmp[0]) {
	case ICMP_ECHO:
	case ICMP_ECHO_REPLY:
		break;
	case ICMP_REDIRECT:
		replace(w, icmp + ICMP_REST, MIRRORX_BITS_IPV4);
		fallthrough;
	case ICMP_UNREACHABLE:
	case ICMP_QUENCH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER:
		walk_quoted(w, frame, l4 + ICMP_LEN, end, ETH_P_IP);
		break;
	default:
		clear(frame, l4 + ICMP_REST, end);
	}
}

/* RFC 4861 section 4.6 */
static void walk_nd_options(struct walk *w, __u8 *frame, __u32 at, __u32 end)
{
	__u8 *option;
	__u32 len;

	for (; at + 8 <= end; at += len) {
		option = frame + at;
		len = option[1] * 8;
		if (!len || len > end - at)
			break;
		if ((option[0] == ND_SOURCE_LLADDR ||
		     option[0] == ND_TARGET_LLADDR) && len == 8)
			replace_mac(w, option + 2);
		else if (option[0] == ND_PREFIX && len == 32)
			replace(w, option + ND_PREFIX_AT, MIRRORX_BITS_IPV6);
		else if (option[0] != ND_MTU)
			clear(frame, at + 2, at + len);
	}
	clear(frame, at, end);
}

/* COUNT addresses, and options */
static void walk_nd(struct walk *w, __u8 *frame, __u32 at, __u32 end,
		    unsigned int count)
{
	for (; count && at + ND_ADDR <= end; count--, at += ND_ADDR)
		replace(w, frame + at, MIRRORX_BITS_IPV6);
	if (count)
		clear(frame, at, end);
	else
		walk_nd_options(w, frame, at, end);
}

static void walk_icmpv6(struct walk *w, __u8 *frame, __u32 l4, __u32 end)
{
	__u8 type = frame[l4];

	switch (type) {
	case 1 ... ICMPV6_PARAMETER:
		walk_quoted(w, frame, l4 + ICMP_LEN, end, ETH_P_IPV6);
		break;
	case ICMPV6_ECHO:
	case ICMPV6_ECHO_REPLY:
		break;
	case MLD_QUERY ... MLD_DONE:
		walk_nd(w, frame, l4 + ICMP_LEN, min(end, l4 + MLD_LEN), 1);
		clear(frame, l4 + MLD_LEN, end);
		break;
	case ND_ROUTER_SOLICIT:
		walk_nd(w, frame, l4 + ICMP_LEN, end, 0);
		break;
	case ND_ROUTER_ADVERT:
		walk_nd(w, frame, min(end, l4 + 2 * ICMP_LEN), end, 0);
		break;
	case ND_SOLICIT:
	case ND_ADVERT:
		walk_nd(w, frame, l4 + ICMP_LEN, end, 1);
		break;
	case ND_REDIRECT:
		walk_nd(w, frame, l4 + ICMP_LEN, end, 2);
		break;
	default:
		clear(frame, l4 + ICMP_REST, end);
	}
}

static void walk_tunnel(struct walk *w, __u8 *frame, __u32 from, __u32 end,
			__u16 ethertype)
{
	if (ethertype != ETH_P_TEB)
		walk_within(w, frame, from, end, ethertype);
	else if (w->packets && end - from >= ETH_HLEN)
		walk_frame(w, frame + from, end - from);
	else
		clear(frame, from, end);
}

/* RFC 2784 and 2890 */
static void walk_gre(struct walk *w, __u8 *frame, __u32 l4, __u32 end)
{
	__u8 *gre = frame + l4;
	__u32 len = GRE_LEN;
	__u16 flags;
	__wsum was;

	if (end - l4 < GRE_LEN) {
		clear(frame, l4, end);
		return;
	}
	flags = get_unaligned_be16(gre);
	len += !!(flags & GRE_CSUM) * 4 + !!(flags & GRE_KEY) * 4 +
	       !!(flags & GRE_SEQ) * 4;
	if (flags & ~GRE_KNOWN || len > end - l4) {
		clear(frame, l4, end);
		return;
	}
	was = csum_partial(gre, end - l4, 0);
	walk_tunnel(w, frame, l4 + len, end, get_unaligned_be16(gre + 2));
	if (flags & GRE_CSUM)
		update(gre + GRE_CHECK,
		       csum_sub(csum_partial(gre, end - l4, 0), was), false);
}

/* VXLAN, RFC 7348, and Geneve, RFC 8926, where they look like that. */
static void walk_udp(struct walk *w, __u8 *frame, __u32 l4, __u32 end)
{
	__u32 at = l4 + UDP_LEN, len = GENEVE_LEN;
	__u8 *inner = frame + at;

	if (end - l4 < UDP_LEN + VXLAN_LEN)
		return;
	switch (get_unaligned_be16(frame + l4 + UDP_DPORT)) {
	case VXLAN_PORT:
	case VXLAN_PORT_LINUX:
		if (get_unaligned_be32(inner) == VXLAN_FLAGS)
			walk_tunnel(w, frame, at + VXLAN_LEN, end, ETH_P_TEB);
		break;
	case GENEVE_PORT:
		len += (inner[0] & 0x3f) * 4;
		if (inner[0] >> 6 || len > end - at)
			break;
		clear(frame, at + GENEVE_LEN, at + len);
		walk_tunnel(w, frame, at + len, end,
			    get_unaligned_be16(inner + GENEVE_PROTO));
		break;
	}
}

/* What IP carries has addresses of its own, which are in its checksum. */
static __wsum walk_body(struct walk *w, __u8 *frame,
			const struct mirrorx_headers *h, __u32 end)
{
	__u8 *l4 = frame + h->l4;
	__wsum was;

	was = csum_partial(l4, end - h->l4, 0);
	if (h->proto == IPPROTO_UDP)
		walk_udp(w, frame, h->l4, end);
	else if (h->ipv4)
		walk_icmp(w, frame, h->l4, end);
	else
		walk_icmpv6(w, frame, h->l4, end);
	return csum_sub(csum_partial(l4, end - h->l4, 0), was);
}

static bool is_tunnel_port(const __u8 *udp)
{
	__u16 port = get_unaligned_be16(udp + UDP_DPORT);

	return port == VXLAN_PORT || port == VXLAN_PORT_LINUX ||
	       port == GENEVE_PORT;
}

static void walk_transport(struct walk *w, __u8 *frame,
			   const struct mirrorx_headers *h, __u32 end,
			   __wsum diff)
{
	bool none = h->proto == IPPROTO_UDP || h->proto == IPPROTO_UDPLITE;
	__u32 check = h->proto == IPPROTO_TCP ? TCP_CHECK : UDP_CHECK;
	bool body = h->proto == IPPROTO_UDP && h->end > h->l4 &&
		    is_tunnel_port(frame + h->l4);

	if (h->proto == IPPROTO_ICMP || h->proto == PROTO_ICMPV6) {
		if (h->end == h->l4) {
			clear(frame, h->l4, end);
			return;
		}
		check = ICMP_CHECK;
		body = true;
		if (h->ipv4)
			diff = 0;
	}
	if (body && !w->zeroed && !w->quoted)
		diff = csum_add(diff, walk_body(w, frame, h, end));
	if (check + sizeof(__sum16) <= end - h->l4)
		update(frame + h->l4 + check, diff, none);
}

/* Behind an IP header; by DIFF a sum over its addresses has grown. */
static void walk_l4(struct walk *w, __u8 *frame,
		    const struct mirrorx_headers *h, __u32 end, __wsum diff)
{
	bool later = h->fragment & IPV4_OFFSET;
	bool icmpv6 = h->proto == PROTO_ICMPV6;

	switch (h->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		if (!later)
			walk_transport(w, frame, h, end, diff);
		break;
	case IPPROTO_ESP:
		break;
	case IPPROTO_ICMP:
	case PROTO_ICMPV6:
		if (later || h->ipv4 == icmpv6)
			clear(frame, h->l4, end);
		else
			walk_transport(w, frame, h, end, diff);
		break;
	case IPPROTO_GRE:
	case IPPROTO_IPIP:
	case PROTO_IPV6:
		if (later || w->zeroed || w->quoted)
			clear(frame, h->l4, end);
		else if (h->proto == IPPROTO_GRE)
			walk_gre(w, frame, h->l4, end);
		else
			walk_within(w, frame, h->l4, end,
				    h->proto == IPPROTO_IPIP ? ETH_P_IP :
							       ETH_P_IPV6);
		break;
	default:
		clear(frame, h->l4, end);
	}
	/* an error may have any extensions behind what it quotes */
	if (w->quoted)
		clear(frame, max(h->end, h->l4 + QUOTED_MIN), end);
}

static __wsum walk_ipv4(struct walk *w, __u8 *frame,
			const struct mirrorx_headers *h)
{
	__u32 options = h->l3 + IPV4_LEN;
	__u8 *ip = frame + h->l3;
	__wsum diff, was;

	diff = replace(w, ip + IPV4_SADDR, MIRRORX_BITS_IPV4);
	diff = csum_add(diff, replace(w, ip + IPV4_DADDR, MIRRORX_BITS_IPV4));
	if (likely(h->l4 == options)) {
		update(ip + IPV4_CHECK, diff, false);
		return diff;
	}
	/* routes, with addresses: 0 ends a list of options */
	was = csum_partial(frame + options, h->l4 - options, 0);
	clear(frame, options, h->l4);
	update(ip + IPV4_CHECK, csum_sub(diff, was), false);
	return diff;
}

static __wsum walk_ipv6(struct walk *w, __u8 *frame,
			const struct mirrorx_headers *h)
{
	__u8 *ip = frame + h->l3;
	__wsum diff;

	diff = replace(w, ip + IPV6_SADDR, MIRRORX_BITS_IPV6);
	diff = csum_add(diff, replace(w, ip + IPV6_DADDR, MIRRORX_BITS_IPV6));
	mirrorx_headers_clear_extensions(h, frame);
	return diff;
}

static void walk_packet(struct walk *w, __u8 *frame, struct mirrorx_headers *h,
			__u32 len)
{
	__u32 end = len;
	__wsum diff;

	if (!w->packets || !(h->ipv4 || h->ipv6)) {
		clear(frame, h->l3, len);
		return;
	}
	w->packets--;
	diff = h->ipv4 ? walk_ipv4(w, frame, h) : walk_ipv6(w, frame, h);
	/* behind that there is padding, of any bytes */
	if (h->ip_len)
		end = min(len, max(h->l3 + h->ip_len, h->l4));
	if (h->end > end)
		h->end = h->l4;
	clear(frame, end, len);
	walk_l4(w, frame, h, end, diff);
}

/* A packet within a frame */
static void walk_within(struct walk *w, __u8 *frame, __u32 l3, __u32 len,
			__u16 ethertype)
{
	const struct mirrorx_view view = {
		.data = frame,
		.data_len = len,
		.len = len,
	};
	struct mirrorx_headers h __uninitialized;

	/* 0 is no EtherType, and would stand for a frame */
	if (!ethertype ||
	    !mirrorx_headers_find_inner(&h, &view, l3, ethertype)) {
		clear(frame, l3, len);
		return;
	}
	walk_packet(w, frame, &h, len);
}

static void walk_frame(struct walk *w, __u8 *frame, __u32 len)
{
	const struct mirrorx_view view = {
		.data = frame,
		.data_len = len,
		.len = len,
	};
	struct mirrorx_headers h __uninitialized;

	mirrorx_headers_find(&h, &view);
	replace_mac(w, frame);
	replace_mac(w, frame + ETH_ALEN);
	if (h.ethertype == ETH_P_ARP)
		walk_arp(w, frame, &h, len);
	else
		walk_packet(w, frame, &h, len);
}

/**
 * mirrorx_anonymize() - replace the addresses in a copy
 * @frame: the copy, from the Ethernet header on, all of which it has
 * @len: its length
 * @pan: key
 * @mac: replace MAC addresses, too
 * @zeroed: mirrorx_headers_zero() has been there
 *
 * BH is off.
 */
void mirrorx_anonymize(__u8 *frame, __u32 len, const struct mirrorx_pan *pan,
		       bool mac, bool zeroed)
{
	struct walk w = {
		.pan = pan,
		.mac = mac,
		.zeroed = zeroed,
		.packets = PACKETS_MAX,
		.addresses = MIRRORX_PSEUDONYMS_MAX,
	};

	walk_frame(&w, frame, len);
}
