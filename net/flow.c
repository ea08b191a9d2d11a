// SPDX-License-Identifier: GPL-2.0-only
/*
 * To which flow does a frame belong?
 *
 * A flow is what has the same addresses, protocol and ports, whichever of both
 * ends sends.  Of what is no IP, or not whole, it is what has the same MAC
 * addresses and EtherType.
 *
 * Frames come from the network: each byte is read only once it is known to lie
 * within the frame, and every loop has an end.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include <asm/byteorder.h>

#include "flow.h"

/* A tunnel in a tunnel in a tunnel; what is deeper belongs to that one. */
#define TUNNELS_MAX		4

#define IPV4_LEN		20
#define IPV4_FRAG_OFF		6
#define IPV4_PROTO		9
#define IPV4_ADDRS		12
#define IPV4_ADDR_LEN		4
#define IPV6_LEN		40
#define IPV6_NEXT		6
#define IPV6_ADDRS		8
#define IPV6_ADDR_LEN		16

#define UDP_LEN			8
#define UDP_DEST		2
#define PORTS_LEN		4

#define KIND_ETHERNET		2
#define KIND_IPV4		MIRRORX_FLOW_IPV4
#define KIND_IPV6		MIRRORX_FLOW_IPV6
#define DATAGRAM		1

/* In &mirrorx_flow_ends.what */
#define PROTO_SHIFT		32
#define IS_IPV6			((__u64)KIND_IPV6 << 40)

/* RFC 2784 and 2890; the version, and bits of RFC 1701 that are not used more */
#define GRE_LEN			4
#define GRE_C			0x8000
#define GRE_K			0x2000
#define GRE_S			0x1000
#define GRE_OTHER		0x4007

#define VXLAN_PORT		4789	/* RFC 7348 */
#define VXLAN_LEN		8
#define VXLAN_I			0x08

#define GENEVE_PORT		6081	/* RFC 8926 */
#define GENEVE_LEN		8
#define GENEVE_VERSION		0xc0
#define GENEVE_OPT_LEN		0x3f
#define GENEVE_TYPE		2

static bool has_ports(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	default:
		return false;
	}
}

/* For four bytes, memcmp() would be a call to compare two registers. */
static __always_inline int compare(const __u8 *a, const __u8 *b, __u32 len)
{
	__u32 x, y;

	if (len != IPV4_ADDR_LEN)
		return memcmp(a, b, len);
	x = get_unaligned_be32(a);
	y = get_unaligned_be32(b);
	return x < y ? -1 : x > y;
}

/* Both addresses lie one behind the other, and so do the ports. */
static __always_inline void put_ends(struct mirrorx_flow_key *key,
				     const __u8 *addrs, __u32 len, __u32 ports)
{
	int order = compare(addrs, addrs + len, len);
	bool swap = order > 0 || (!order && ports >> 16 > (ports & 0xffff));

	if (swap)
		ports = ports << 16 | ports >> 16;
	memcpy(key->bytes, addrs + (swap ? len : 0), len);
	memcpy(key->bytes + len, addrs + (swap ? 0 : len), len);
	put_unaligned_be32(ports, key->bytes + 2 * len);
}

static __always_inline void put_ip(struct mirrorx_flow_key *key,
				   const __u8 *addrs, __u32 len, __u32 ports,
				   __u8 proto, __u8 kind)
{
	put_ends(key, addrs, len, ports);
	put_unaligned_be32((__u32)proto << 8 | kind, key->bytes + 2 * len + 4);
	key->len = 2 * len + 8;
}

static __always_inline __u64 word(const __u8 *bytes)
{
	__u64 word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Ports in network order are as good as others to tell flows apart. */
static __always_inline __u64 pack(const __u8 *l4, __u64 proto)
{
	__u32 ports;

	memcpy(&ports, l4, sizeof(ports));
	return proto << PROTO_SHIFT | ports;
}

static __always_inline bool is_usual(__u64 proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_TCP;
}

static __always_inline bool is_fragment(const __u8 *ip)
{
	__be16 frag_off;

	memcpy(&frag_off, ip + IPV4_FRAG_OFF, sizeof(frag_off));
	return frag_off & __cpu_to_be16(MIRRORX_FRAGMENT_MORE |
					MIRRORX_FRAGMENT_OFFSET);
}

static __always_inline bool find_usual_ipv4(struct mirrorx_flow_ends *ends,
					    const __u8 *ip)
{
	__u64 proto = ip[IPV4_PROTO];

	if (ip[0] != 0x45 || is_fragment(ip) || !is_usual(proto))
		return false;
	ends->what = pack(ip + IPV4_LEN, proto);
	ends->addrs[0] = word(ip + IPV4_ADDRS);
	return true;
}

static __always_inline bool find_usual_ipv6(struct mirrorx_flow_ends *ends,
					    const __u8 *ip)
{
	__u64 proto = ip[IPV6_NEXT];

	if (ip[0] >> 4 != 6 || !is_usual(proto))
		return false;
	ends->what = pack(ip + IPV6_LEN, proto) | IS_IPV6;
	ends->addrs[0] = word(ip + IPV6_ADDRS);
	ends->addrs[1] = word(ip + IPV6_ADDRS + 8);
	ends->addrs[2] = word(ip + IPV6_ADDRS + 16);
	ends->addrs[3] = word(ip + IPV6_ADDRS + 24);
	return true;
}

/**
 * mirrorx_flow_usual() - mirrorx_flow_find() for what most frames are
 * @ends: of the flow, of which mirrorx_flow_key() makes the key
 * @frame: from the Ethernet header on
 * @len: bytes of it that lie in one piece
 *
 * It does not look into tunnels.
 *
 * Return: MIRRORX_FLOW_IPV4 or MIRRORX_FLOW_IPV6; 0 if it is no whole packet of TCP
 * or UDP right behind the Ethernet header
 */
__always_inline __u8 mirrorx_flow_usual(struct mirrorx_flow_ends *ends,
					const __u8 *frame, __u32 len)
{
	const __u8 *ip = frame + ETH_HLEN;

	if (len < ETH_HLEN + IPV4_LEN + PORTS_LEN)
		return 0;
	switch (get_unaligned_be16(frame + 2 * ETH_ALEN)) {
	case ETH_P_IP:
		return find_usual_ipv4(ends, ip) ? KIND_IPV4 : 0;
	case ETH_P_IPV6:
		return len >= ETH_HLEN + IPV6_LEN + PORTS_LEN &&
		       find_usual_ipv6(ends, ip) ? KIND_IPV6 : 0;
	default:
		return 0;
	}
}

/**
 * mirrorx_flow_same() - are these of the same flow, in the same direction?
 * @a: as mirrorx_flow_usual() has filled it
 * @b: likewise, or all 0
 * @kind: what it said of @a
 *
 * Return: whether they are
 */
__always_inline bool mirrorx_flow_same(const struct mirrorx_flow_ends *a,
				       const struct mirrorx_flow_ends *b,
				       __u8 kind)
{
	__u64 other = (a->what ^ b->what) | (a->addrs[0] ^ b->addrs[0]);

	if (kind == KIND_IPV6)
		other |= (a->addrs[1] ^ b->addrs[1]) |
			 (a->addrs[2] ^ b->addrs[2]) |
			 (a->addrs[3] ^ b->addrs[3]);
	return !other;
}

/* Source and destination, in host order */
static __always_inline __u32 ports_of(const struct mirrorx_flow_ends *ends)
{
	__u32 ports = ends->what;

	return get_unaligned_be32(&ports);
}

/**
 * mirrorx_flow_is_tunnel() - may a frame be one of a tunnel?
 * @ends: as mirrorx_flow_usual() has filled it
 *
 * Return: whether it is of UDP, and to a port of VXLAN or Geneve
 */
bool mirrorx_flow_is_tunnel(const struct mirrorx_flow_ends *ends)
{
	__u16 port = ports_of(ends);

	return (__u8)(ends->what >> PROTO_SHIFT) == IPPROTO_UDP &&
	       (port == VXLAN_PORT || port == GENEVE_PORT);
}

/**
 * mirrorx_flow_key() - what tells a flow from others
 * @key: to be filled
 * @ends: of a frame of it
 * @kind: what mirrorx_flow_usual() said of it
 */
__always_inline void mirrorx_flow_key(struct mirrorx_flow_key *key,
				      const struct mirrorx_flow_ends *ends,
				      __u8 kind)
{
	const __u8 *addrs = (const __u8 *)ends->addrs;
	__u32 ports = ports_of(ends);
	__u8 proto = ends->what >> PROTO_SHIFT;

	if (kind == KIND_IPV4)
		put_ip(key, addrs, IPV4_ADDR_LEN, ports, proto, KIND_IPV4);
	else
		put_ip(key, addrs, IPV6_ADDR_LEN, ports, proto, KIND_IPV6);
}

static void put_ethernet(struct mirrorx_flow_key *key, const __u8 *macs,
			 __u16 ethertype)
{
	put_ends(key, macs, ETH_ALEN, 0);
	put_unaligned_be16(ethertype, key->bytes + 2 * ETH_ALEN);
	key->bytes[2 * ETH_ALEN + 2] = 0;
	key->bytes[2 * ETH_ALEN + 3] = KIND_ETHERNET;
	key->len = 2 * ETH_ALEN + 4;
}

/* Of the packet whose headers these are, behind the Ethernet header at L2 */
static void put_key(struct mirrorx_flow_key *key,
		    const struct mirrorx_headers *h,
		    const struct mirrorx_view *view, __u32 l2)
{
	__u8 buf[MIRRORX_READ_MAX], ports_buf[PORTS_LEN];
	const __u8 *at, *ports_at;
	__u32 ports = 0;

	if (!h->ipv4 && !h->ipv6) {
		if (mirrorx_read(view, l2, 2 * ETH_ALEN, buf, &at))
			put_ethernet(key, at, h->ethertype);
		return;
	}
	if (has_ports(h->proto) && !(h->fragment & MIRRORX_FRAGMENT_OFFSET) &&
	    mirrorx_read(view, h->l4, PORTS_LEN, ports_buf, &ports_at))
		ports = get_unaligned_be32(ports_at);
	if (h->ipv4 && mirrorx_read(view, h->l3 + IPV4_ADDRS, 2 * IPV4_ADDR_LEN,
				    buf, &at))
		put_ip(key, at, IPV4_ADDR_LEN, ports, h->proto, KIND_IPV4);
	if (h->ipv6 && mirrorx_read(view, h->l3 + IPV6_ADDRS, 2 * IPV6_ADDR_LEN,
				    buf, &at))
		put_ip(key, at, IPV6_ADDR_LEN, ports, h->proto, KIND_IPV6);
}

/* The outermost datagram that comes in fragments decides what is missing. */
static void put_datagram(struct mirrorx_flow *flow,
			 const struct mirrorx_headers *h)
{
	__u8 *end = flow->datagram.bytes + flow->key.len - 8;

	if (!h->fragment || !flow->key.len || flow->datagram.len)
		return;
	flow->datagram = flow->key;
	put_unaligned_be32(h->id, end);
	/* of IPv6, only the first one tells the protocol for sure */
	end[5] = DATAGRAM;
	if (h->ipv6)
		end[6] = 0;
	flow->later = h->fragment & MIRRORX_FRAGMENT_OFFSET;
}

/* What these carry start at *AT, with this EtherType, 0 for a frame. */
static bool find_gre(const struct mirrorx_view *view, __u32 *at,
		     __u16 *ethertype)
{
	__u8 buf[GRE_LEN];
	const __u8 *gre;
	__u16 flags;

	if (!mirrorx_read(view, *at, GRE_LEN, buf, &gre))
		return false;
	flags = get_unaligned_be16(gre);
	*ethertype = get_unaligned_be16(gre + 2);
	*at += GRE_LEN + 4 * (!!(flags & GRE_C) + !!(flags & GRE_K) +
			      !!(flags & GRE_S));
	return !(flags & GRE_OTHER);
}

static bool find_udp(const struct mirrorx_view *view, __u32 *at,
		     __u16 *ethertype)
{
	__u8 buf[UDP_LEN + VXLAN_LEN];
	const __u8 *udp, *more;

	if (!mirrorx_read(view, *at, sizeof(buf), buf, &udp))
		return false;
	more = udp + UDP_LEN;
	switch (get_unaligned_be16(udp + UDP_DEST)) {
	case VXLAN_PORT:
		*at += UDP_LEN + VXLAN_LEN;
		*ethertype = ETH_P_TEB;
		return more[0] & VXLAN_I;
	case GENEVE_PORT:
		*at += UDP_LEN + GENEVE_LEN + 4 * (more[0] & GENEVE_OPT_LEN);
		*ethertype = get_unaligned_be16(more + GENEVE_TYPE);
		return !(more[0] & GENEVE_VERSION);
	default:
		return false;
	}
}

/*
 * Go on with what a tunnel's packet carries, which starts at *AT then; false if it
 * is none, or the headers are not all there.
 */
static bool enter_tunnel(struct mirrorx_headers *h,
			 const struct mirrorx_view *view, __u32 *at)
{
	__u16 ethertype;

	if ((!h->ipv4 && !h->ipv6) || h->fragment & MIRRORX_FRAGMENT_OFFSET)
		return false;
	*at = h->l4;
	switch (h->proto) {
	case IPPROTO_IPIP:
		ethertype = ETH_P_IP;
		break;
	case IPPROTO_IPV6:
		ethertype = ETH_P_IPV6;
		break;
	case IPPROTO_GRE:
		if (!find_gre(view, at, &ethertype))
			return false;
		break;
	case IPPROTO_UDP:
		if (!find_udp(view, at, &ethertype))
			return false;
		break;
	default:
		return false;
	}
	if (*at > view->len || (ethertype != ETH_P_IP &&
				ethertype != ETH_P_IPV6 &&
				ethertype != ETH_P_TEB))
		return false;
	if (ethertype == ETH_P_TEB)
		return mirrorx_headers_find_inner(h, view, *at, 0);
	return mirrorx_headers_find_inner(h, view, *at, ethertype) &&
	       (h->ipv4 || h->ipv6);
}

/**
 * mirrorx_flow_find() - find out to which flow a frame belongs
 * @flow: to be filled
 * @view: the frame, from the Ethernet header on
 * @inner: in a tunnel, to which flow what it carries belongs: IP or Ethernet in
 *	IP, GRE, VXLAN or Geneve
 */
void mirrorx_flow_find(struct mirrorx_flow *flow,
		       const struct mirrorx_view *view, bool inner)
{
	struct mirrorx_headers h;
	__u32 at = 0;
	int depth;

	flow->key.len = 0;
	flow->datagram.len = 0;
	flow->later = false;
	mirrorx_headers_find(&h, view);
	put_key(&flow->key, &h, view, 0);
	put_datagram(flow, &h);
	for (depth = 0; depth < TUNNELS_MAX && inner; depth++) {
		if (!enter_tunnel(&h, view, &at))
			return;
		put_key(&flow->key, &h, view, at);
		put_datagram(flow, &h);
	}
}
