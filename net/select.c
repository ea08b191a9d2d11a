// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this packet to be copied?
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/random.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "mirrorx.h"

#define TAGS_MAX		8

static __always_inline bool is_erspan(const struct sk_buff *skb, int offset)
{
	struct gre_base_hdr buf;
	const struct gre_base_hdr *gre;

	gre = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	return gre && (gre->protocol == htons(ETH_P_ERSPAN2) ||	/* type III */
		       gre->protocol == htons(ETH_P_ERSPAN));	/* I and II */
}

/*
 * Behind the first fragment there is no GRE header to be seen.  ERSPAN is what
 * GRE of that size is most likely to be, and a copy of a copy worse than none.
 */
static noinline bool is_erspan_ipv4(const struct sk_buff *skb, int offset)
{
	struct iphdr buf;
	const struct iphdr *iph;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->protocol != IPPROTO_GRE)
		return false;
	return iph->frag_off & htons(IP_OFFSET) ||
	       is_erspan(skb, offset + iph->ihl * 4);
}

static bool is_erspan_fragment(const struct sk_buff *skb, int offset)
{
	const struct frag_hdr *fh;
	struct frag_hdr buf;

	fh = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!fh || fh->nexthdr != IPPROTO_GRE)
		return false;
	return fh->frag_off & htons(IP6_OFFSET) ||
	       is_erspan(skb, offset + sizeof(*fh));
}

static noinline bool is_erspan_ipv6(const struct sk_buff *skb, int offset)
{
	struct ipv6hdr buf;
	const struct ipv6hdr *ip6h;

	ip6h = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!ip6h)
		return false;
	if (ip6h->nexthdr == NEXTHDR_FRAGMENT)
		return is_erspan_fragment(skb, offset + sizeof(*ip6h));
	return ip6h->nexthdr == IPPROTO_GRE &&
	       is_erspan(skb, offset + sizeof(*ip6h));
}

static bool is_erspan_l3(const struct sk_buff *skb, int offset, __be16 proto)
{
	switch (proto) {
	case htons(ETH_P_IP):
		return is_erspan_ipv4(skb, offset);
	case htons(ETH_P_IPV6):
		return is_erspan_ipv6(skb, offset);
	default:
		return false;
	}
}

/* What follows tags that are in the frame, and where; 0 if it is not there. */
static noinline __be16 skip_tags(const struct sk_buff *skb, int *offset)
{
	__be16 proto = skb->protocol;
	const struct vlan_hdr *tag;
	struct vlan_hdr buf;
	int depth;

	*offset = skb_mac_offset(skb) + ETH_HLEN;
	for (depth = 0; depth < TAGS_MAX && eth_type_vlan(proto); depth++) {
		tag = skb_header_pointer(skb, *offset, sizeof(buf), &buf);
		if (!tag)
			return 0;
		proto = tag->h_vlan_encapsulated_proto;
		*offset += sizeof(*tag);
	}
	return proto;
}

/*
 * A copy of a copy is known by what it is: ERSPAN inside of IP.  That holds
 * behind queues, veth pairs, bridges, clones and on other hosts, where marks
 * on the skb are gone.  Within a tunnel it cannot be seen; there it is known by
 * its owner.
 */
static __always_inline bool is_copy(const struct sk_buff *skb)
{
	int offset = skb_network_offset(skb);
	__be16 proto = skb->protocol;

	/* nearly all packets are done with here */
	if (likely(skb_headlen(skb) >= offset + sizeof(struct ipv6hdr))) {
		if (likely(proto == htons(ETH_P_IP)) &&
		    likely(ip_hdr(skb)->protocol != IPPROTO_GRE))
			return false;
		if (proto == htons(ETH_P_IPV6) &&
		    likely(ipv6_hdr(skb)->nexthdr != IPPROTO_GRE) &&
		    likely(ipv6_hdr(skb)->nexthdr != NEXTHDR_FRAGMENT))
			return false;
	}
	if (unlikely(eth_type_vlan(proto)))
		proto = skip_tags(skb, &offset);
	return is_erspan_l3(skb, offset, proto);
}

static bool is_collector(const struct mirrorx_params *params, const void *addr,
			 size_t len)
{
	u32 i;

	for (i = 0; i < params->collectors; i++)
		if (!memcmp(addr, params->collector[i].daddr, len))
			return true;
	return false;
}

/* One behind the other, both addresses of a packet; does it come from one, or go there? */
static bool is_of_collector(const struct mirrorx_params *params,
			    const void *addrs, size_t len)
{
	return params->conf.ipv6 == (len == sizeof(struct in6_addr)) &&
	       (is_collector(params, addrs, len) ||
		is_collector(params, addrs + len, len));
}

/* GRE as that of copies is, or the port of VXLAN or Geneve, and the VNI? */
static bool is_alike(const struct sk_buff *skb, int offset,
		     const struct mirrorx_params *params, const void *addrs,
		     size_t len)
{
	const struct mirrorx_encap_conf *conf = &params->conf;
	struct {
		struct udphdr udp;
		__be32 tunnel[2];
	} buf;
	const struct gre_base_hdr *gre;
	const typeof(buf) *p;

	if (conf->encap == TC_MIRRORX_ENCAP_GRETAP) {
		gre = skb_header_pointer(skb, offset, sizeof(*gre), &buf);
		return gre && !gre->flags &&
		       gre->protocol == htons(ETH_P_TEB) &&
		       is_of_collector(params, addrs, len);
	}
	p = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	return p && p->udp.dest == htons(conf->dst_port) &&
	       (ntohl(p->tunnel[1]) >> 8 == conf->vni ||
		is_of_collector(params, addrs, len));
}

static bool is_alike_ipv4(const struct sk_buff *skb, int offset,
			  const struct mirrorx_params *params)
{
	const struct iphdr *iph;
	struct iphdr buf;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->protocol != mirrorx_encap_proto(&params->conf))
		return false;
	if (iph->frag_off & htons(IP_OFFSET))
		return is_of_collector(params, &iph->saddr, sizeof(iph->saddr));
	return is_alike(skb, offset + iph->ihl * 4, params, &iph->saddr,
			sizeof(iph->saddr));
}

static bool is_alike_ipv6(const struct sk_buff *skb, int offset,
			  const struct mirrorx_params *params)
{
	u8 proto, wanted = mirrorx_encap_proto(&params->conf);
	struct {
		struct ipv6hdr ip6h;
		struct frag_hdr fh;
	} buf;
	const struct ipv6hdr *ip6h;
	const struct frag_hdr *fh;

	ip6h = skb_header_pointer(skb, offset, sizeof(*ip6h), &buf.ip6h);
	if (!ip6h)
		return false;
	proto = ip6h->nexthdr;
	offset += sizeof(*ip6h);
	if (proto == NEXTHDR_FRAGMENT) {
		fh = skb_header_pointer(skb, offset, sizeof(*fh), &buf.fh);
		if (!fh)
			return false;
		proto = fh->nexthdr;
		if (fh->frag_off & htons(IP6_OFFSET))
			return proto == wanted &&
			       is_of_collector(params, &ip6h->saddr,
					       sizeof(ip6h->saddr));
		offset += sizeof(*fh);
	}
	return proto == wanted &&
	       is_alike(skb, offset, params, &ip6h->saddr,
			sizeof(ip6h->saddr));
}

/*
 * All encapsulations but ERSPAN carry others' traffic as well, which may be
 * mirrored.  Another host's copy, or one that has lost its owner, is known by
 * what it has in common with the copies of this action: it is on its way to or
 * from the same collector, as those of two hosts that mirror each other are, or
 * has the same VNI.
 */
static noinline bool
is_tunnelled_copy_any(const struct sk_buff *skb,
		      const struct mirrorx_params *params)
{
	int offset = skb_network_offset(skb);
	__be16 proto = skb->protocol;

	if (eth_type_vlan(proto))
		proto = skip_tags(skb, &offset);
	switch (proto) {
	case htons(ETH_P_IP):
		return is_alike_ipv4(skb, offset, params);
	case htons(ETH_P_IPV6):
		return is_alike_ipv6(skb, offset, params);
	default:
		return false;
	}
}

/* Received packets have no owner, nearly all others are a socket's. */
static bool is_own(const struct sk_buff *skb)
{
	return skb->sk && mirrorx_is_own(skb);
}

/* TCP, which most packets are, is done with here. */
static __always_inline bool
is_tunnelled_copy(const struct sk_buff *skb,
		  const struct mirrorx_params *params)
{
	int offset = skb_network_offset(skb);

	if (likely(skb->protocol == htons(ETH_P_IP)) &&
	    likely(skb_headlen(skb) >= offset + sizeof(struct iphdr)) &&
	    ip_hdr(skb)->protocol != IPPROTO_UDP &&
	    ip_hdr(skb)->protocol != IPPROTO_GRE)
		return false;
	return is_tunnelled_copy_any(skb, params);
}

/**
 * mirrorx_is_unencrypted() - is this packet of ESP yet to be encrypted?
 * @skb: packet at egress, or a segment made of it
 *
 * Return: true if a device will do that, or the stack behind the hook
 */
bool mirrorx_is_unencrypted(const struct sk_buff *skb)
{
	const struct xfrm_offload *xo = xfrm_offload((struct sk_buff *)skb);

	return xo && !(xo->flags & CRYPTO_DONE);
}

/*
 * Does IPsec protect on the wire what is plaintext in this packet?
 *
 * Before it is sent: if a device, or the stack for its sake, has yet to encrypt
 * it.  A packet that was decrypted by hardware, and is sent on, may tell of that
 * as well.  After it was received: if it came as ESP, and the hardware or the
 * stack decrypted it, where the device is the one that it came by.  A device
 * without a link layer (xfrm, vti) is on the inner side of IPsec.
 */
static noinline bool is_ipsec_plaintext(const struct sk_buff *skb)
{
	if (skb_at_tc_ingress(skb))
		return skb_sec_path(skb) && skb->dev->type == ARPHRD_ETHER;
	return mirrorx_is_unencrypted(skb);
}

#ifdef CONFIG_XFRM_OFFLOAD
static noinline bool has_ipsec_state(const struct sk_buff *skb, struct net *net)
{
	struct dst_entry *dst = skb_dst(skb);
	struct flowi fl;
	bool secret;

	if (xfrm_decode_session(net, (struct sk_buff *)skb, &fl,
				dst->ops->family))
		return false;
	dst = xfrm_lookup(net, dst_clone(dst), &fl, skb->sk, 0);
	if (IS_ERR(dst))
		return true;
	secret = xfrm_dst_is_for_device(dst);
	dst_release(dst);
	return secret;
}

/*
 * Is the device going to turn this packet into ESP, all by itself?  Nothing in
 * the packet tells, so it is looked up as the stack did that sent it; but only
 * for devices that can do so, and if there are policies at all.
 */
static __always_inline bool is_for_ipsec_device(const struct sk_buff *skb)
{
	struct net *net;

	if (likely(!xfrm_dev_makes_esp(skb->dev)) ||
	    skb_at_tc_ingress(skb) || !skb_dst(skb))
		return false;
	net = dev_net(skb->dev);
	return net->xfrm.policy_count[XFRM_POLICY_OUT] &&
	       !(skb_dst(skb)->flags & DST_NOXFRM) && has_ipsec_state(skb, net);
}
#else
static __always_inline bool is_for_ipsec_device(const struct sk_buff *skb)
{
	return false;
}
#endif

static __always_inline bool is_secret(const struct sk_buff *skb)
{
	return skb_is_decrypted(skb) || is_for_ipsec_device(skb) ||
	       (secpath_exists(skb) && is_ipsec_plaintext(skb));
}

/**
 * mirrorx_refuse() - may this packet be copied at all?
 * @skb: packet at a tc hook
 * @params: configuration
 *
 * Return: 0 if it may, else the reason
 */
static __always_inline enum tca_mirrorx_stats
mirrorx_refuse(const struct sk_buff *skb, const struct mirrorx_params *params)
{
	if (unlikely(is_copy(skb) || is_own(skb)))
		return TCA_MIRRORX_STATS_LOOP;
	if (unlikely(params->conf.encap != TC_MIRRORX_ENCAP_ERSPAN) &&
	    unlikely(is_tunnelled_copy(skb, params)))
		return TCA_MIRRORX_STATS_LOOP;
	if (unlikely(is_secret(skb)) && !params->plaintext)
		return TCA_MIRRORX_STATS_SECRET;
	return 0;
}

/**
 * mirrorx_draw() - draw the distance to the next sample
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration with sampling
 */
void mirrorx_draw(struct mirrorx_cpu *cpu, const struct mirrorx_params *params)
{
	cpu->run = 0;
	cpu->gaps = params->gaps;
	cpu->gap = cpu->gaps & MIRRORX_EVERY ?
		   cpu->gaps & ~MIRRORX_EVERY :
		   mirrorx_sample_gap(cpu->gaps, get_random_u64());
}
