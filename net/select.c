// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this packet to be copied?
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/random.h>
#include <net/gre.h>

#include "mirrorx.h"

#define GRE_PROTO_ERSPAN	htons(ETH_P_ERSPAN)	/* types I and II */
#define GRE_PROTO_ERSPAN3	htons(ETH_P_ERSPAN2)	/* type III */

#define TAGS_MAX		8

static bool is_erspan(const struct sk_buff *skb, int offset)
{
	struct gre_base_hdr buf;
	const struct gre_base_hdr *gre;

	gre = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	return gre && (gre->protocol == GRE_PROTO_ERSPAN3 ||
		       gre->protocol == GRE_PROTO_ERSPAN);
}

static bool is_erspan_ipv4(const struct sk_buff *skb, int offset)
{
	struct iphdr buf;
	const struct iphdr *iph;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	return iph && unlikely(iph->protocol == IPPROTO_GRE) &&
	       is_erspan(skb, offset + iph->ihl * 4);
}

static bool is_erspan_ipv6(const struct sk_buff *skb, int offset)
{
	struct ipv6hdr buf;
	const struct ipv6hdr *ip6h;

	ip6h = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	return ip6h && unlikely(ip6h->nexthdr == IPPROTO_GRE) &&
	       is_erspan(skb, offset + sizeof(*ip6h));
}

/* Offset of what follows the tags that are in the frame, and its EtherType. */
static int skip_tags(const struct sk_buff *skb, __be16 *proto)
{
	int offset = skb_mac_offset(skb) + ETH_HLEN;
	const struct vlan_hdr *tag;
	struct vlan_hdr buf;
	int depth;

	for (depth = 0; depth < TAGS_MAX && eth_type_vlan(*proto); depth++) {
		tag = skb_header_pointer(skb, offset, sizeof(buf), &buf);
		if (!tag)
			break;
		*proto = tag->h_vlan_encapsulated_proto;
		offset += sizeof(*tag);
	}
	return offset;
}

/*
 * A copy of a copy is known by what it is: ERSPAN inside of IP.  That holds
 * behind queues, veth pairs, bridges, clones and on other hosts, where marks
 * on the skb are gone.
 */
static bool is_copy(const struct sk_buff *skb)
{
	int offset = skb_network_offset(skb);
	__be16 proto = skb->protocol;

	if (unlikely(eth_type_vlan(proto)))
		offset = skip_tags(skb, &proto);

	switch (proto) {
	case htons(ETH_P_IP):
		return is_erspan_ipv4(skb, offset);
	case htons(ETH_P_IPV6):
		return is_erspan_ipv6(skb, offset);
	default:
		return false;
	}
}

/**
 * mirrorx_refuse() - may this packet be copied at all?
 * @skb: packet at a tc hook
 *
 * Return: 0 if it may, else the reason
 */
enum tca_mirrorx_stats mirrorx_refuse(const struct sk_buff *skb)
{
	if (unlikely(mirrorx_sending() || is_copy(skb)))
		return TCA_MIRRORX_STATS_LOOP;
	if (unlikely(skb_is_decrypted(skb)))
		return TCA_MIRRORX_STATS_SECRET;
	return 0;
}

/* A gap that was drawn for another rate says nothing about this one. */
static void check_gap(struct mirrorx_cpu *cpu,
		      const struct mirrorx_params *params)
{
	if (likely(cpu->scale == params->sample_scale))
		return;
	cpu->scale = params->sample_scale;
	cpu->gap = mirrorx_sample_gap(cpu->scale, get_random_u64());
}

/**
 * mirrorx_pass_over() - does sampling pass over the next frames, all of them?
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration
 * @frames: how many
 *
 * Return: true if so, and they are counted.  Otherwise nothing has changed,
 * and each of them is to be asked for with mirrorx_choose()
 */
bool mirrorx_pass_over(struct mirrorx_cpu *cpu,
		       const struct mirrorx_params *params, u64 frames)
{
	if (!params->sample_scale)
		return false;

	check_gap(cpu, params);
	if (cpu->gap < frames)
		return false;
	cpu->gap -= frames;
	mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_UNSAMPLED, frames);
	return true;
}

/**
 * mirrorx_choose() - does sampling choose the next frame?
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration
 *
 * Return: true if so; otherwise the frame is counted
 */
bool mirrorx_choose(struct mirrorx_cpu *cpu,
		    const struct mirrorx_params *params)
{
	if (!params->sample_scale)
		return true;

	if (mirrorx_pass_over(cpu, params, 1))
		return false;
	cpu->gap = mirrorx_sample_gap(cpu->scale, get_random_u64());
	return true;
}
