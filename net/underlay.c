// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a copy to its collector.
 *
 * The kernel finds route, source address and next hop; the route is cached per
 * CPU and checked each time it is used.  Copies are locally generated packets:
 * where netfilter hooks, an IPsec policy, a VRF or another feature of the IP
 * stack waits for such packets, they are handed to the stack.  Where none does,
 * they go straight to the next hop, which is the same with less work.
 *
 * The original's sender never hears of any of it: no copy is ever larger than
 * the path's MTU.
 */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/percpu.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "mirrorx.h"

/* A device takes whole outer packets of up to 64 KiB, less one byte. */
#define MTU_MAX		65535u

/* Leaves no trace of IPv6 in the code where the kernel has none. */
static bool is_ipv6(const struct mirrorx_params *params)
{
	return IS_ENABLED(CONFIG_IPV6) && params->conf.ipv6;
}

/* Is this CPU within mirrorx_send()?  BH is off there, so the task is too. */
static DEFINE_PER_CPU(bool, mirrorx_in_send);

/**
 * mirrorx_sending() - does this packet come from sending a copy?
 *
 * Return: true if so
 */
bool mirrorx_sending(void)
{
	return this_cpu_read(mirrorx_in_send);
}

/**
 * mirrorx_ifindex() - the device to which the route is restricted
 * @params: configuration with a device; under RCU
 *
 * A device that came back under its name is the same to the operator.
 *
 * Return: its index, or 0 while it is gone
 */
int mirrorx_ifindex(const struct mirrorx_params *params)
{
	const struct net_device *dev;

	dev = dev_get_by_index_rcu(params->net, params->ifindex);
	if (!dev)
		dev = dev_get_by_name_rcu(params->net, params->ifname);
	return dev ? dev->ifindex : 0;
}

static struct dst_entry *find_route_ipv4(struct mirrorx_path *path,
					 struct mirrorx_params *params, int oif)
{
	struct flowi4 fl4 = {
		.flowi4_oif = oif,
		.flowi4_mark = params->mark,
		.flowi4_tos = params->conf.tos & INET_DSCP_MASK,
		.flowi4_proto = IPPROTO_GRE,
	};
	struct rtable *rt;

	memcpy(&fl4.daddr, params->conf.daddr, sizeof(fl4.daddr));
	memcpy(&fl4.saddr, params->conf.saddr, sizeof(fl4.saddr));
	rt = ip_route_output_flow(params->net, &fl4, NULL);
	if (IS_ERR(rt))
		return NULL;
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return NULL;
	}

	path->saddr.v4 = fl4.saddr;
	dst_cache_set_ip4(&params->dst_cache, &rt->dst, fl4.saddr);
	return &rt->dst;
}

static struct dst_entry *find_route_ipv6(struct mirrorx_path *path,
					 struct mirrorx_params *params, int oif)
{
	struct flowi6 fl6 = {
		.flowi6_oif = oif,
		.flowi6_mark = params->mark,
		.flowi6_proto = IPPROTO_GRE,
		.flowlabel = ip6_make_flowinfo(params->conf.tos, 0),
	};
	struct dst_entry *dst;

	memcpy(&fl6.daddr, params->conf.daddr, sizeof(fl6.daddr));
	memcpy(&fl6.saddr, params->conf.saddr, sizeof(fl6.saddr));
	dst = ip6_dst_lookup_flow(params->net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return NULL;

	path->saddr.v6 = fl6.saddr;
	dst_cache_set_ip6(&params->dst_cache, dst, &fl6.saddr);
	return dst;
}

static struct dst_entry *cached_route(struct mirrorx_path *path,
				      struct mirrorx_params *params)
{
	struct rtable *rt;

	if (is_ipv6(params))
		return dst_cache_get_ip6(&params->dst_cache, &path->saddr.v6);
	rt = dst_cache_get_ip4(&params->dst_cache, &path->saddr.v4);
	return rt ? &rt->dst : NULL;
}

static enum tca_mirrorx_stats find_route(struct mirrorx_path *path,
					 struct mirrorx_params *params)
{
	int oif = 0;

	path->dst = cached_route(path, params);
	if (likely(path->dst))
		return 0;

	if (params->ifindex) {
		oif = mirrorx_ifindex(params);
		if (!oif)
			return TCA_MIRRORX_STATS_DEV_DOWN;
	}
	path->dst = is_ipv6(params) ? find_route_ipv6(path, params, oif) :
					find_route_ipv4(path, params, oif);
	return path->dst ? 0 : TCA_MIRRORX_STATS_NO_ROUTE;
}

#ifdef CONFIG_NETFILTER
/*
 * Hooks of security modules judge a packet, but never route, keep or change it;
 * they are known by their place in the order.
 */
static bool is_judge(const struct nf_hook_ops *ops)
{
	return ops->hook_ops_type == NF_HOOK_OP_UNDEFINED &&
	       (ops->priority == NF_IP_PRI_SELINUX_FIRST ||
		ops->priority == NF_IP_PRI_SELINUX_LAST);
}

static bool only_judges(const struct nf_hook_entries *hooks)
{
	struct nf_hook_ops **ops;
	unsigned int i;

	if (!hooks)
		return true;
	ops = nf_hook_entries_get_hook_ops(hooks);
	for (i = 0; i < hooks->num_hook_entries; i++)
		if (!is_judge(READ_ONCE(ops[i])))
			return false;
	return true;
}

/* Netfilter's hooks for local packets; false if they need the IP stack. */
static bool find_hooks(struct mirrorx_path *path,
		       const struct mirrorx_params *params)
{
	const struct netns_nf *nf = &params->net->nf;
	struct nf_hook_entries __rcu * const *hooks;

	hooks = is_ipv6(params) ? nf->hooks_ipv6 : nf->hooks_ipv4;
	path->local_out = rcu_dereference(hooks[NF_INET_LOCAL_OUT]);
	path->post_routing = rcu_dereference(hooks[NF_INET_POST_ROUTING]);
	return only_judges(path->local_out) && only_judges(path->post_routing);
}

static bool ask(const struct nf_hook_entries *hooks, unsigned int hook,
		const struct mirrorx_params *params, struct sk_buff *copy)
{
	struct nf_hook_state state;
	unsigned int i;

	nf_hook_state_init(&state, hook,
			   is_ipv6(params) ? NFPROTO_IPV6 : NFPROTO_IPV4,
			   NULL, copy->dev, NULL, params->net, NULL);
	for (i = 0; i < hooks->num_hook_entries; i++)
		if (nf_hook_entry_hookfn(&hooks->hooks[i], copy, &state) !=
		    NF_ACCEPT)
			return false;
	return true;
}

static bool hooks_accept(const struct mirrorx_path *path,
			 const struct mirrorx_params *params,
			 struct sk_buff *copy)
{
	return (!path->local_out ||
		ask(path->local_out, NF_INET_LOCAL_OUT, params, copy)) &&
	       (!path->post_routing ||
		ask(path->post_routing, NF_INET_POST_ROUTING, params, copy));
}
#else
static bool find_hooks(struct mirrorx_path *path,
		       const struct mirrorx_params *params)
{
	return true;
}

static bool hooks_accept(const struct mirrorx_path *path,
			 const struct mirrorx_params *params,
			 struct sk_buff *copy)
{
	return true;
}
#endif

/*
 * Would the stack do no more than we do?  IPsec and lightweight tunnels have
 * an output of their own; a VRF shows packets to its hooks and queues; devices
 * other than Ethernet may look at the skb's route.
 */
static bool is_direct(struct mirrorx_path *path,
		      const struct mirrorx_params *params)
{
	const struct dst_entry *dst = path->dst;
	const struct net_device *dev = dst->dev;

	return dst->output == (is_ipv6(params) ? ip6_output : ip_output) &&
	       !dst->lwtstate && dev->type == ARPHRD_ETHER &&
	       !netif_is_l3_slave(dev) && !netif_is_l3_master(dev) &&
	       find_hooks(path, params);
}

static struct neighbour *find_neigh(struct mirrorx_path *path,
				    const struct mirrorx_params *params)
{
	struct net_device *dev = path->dst->dev;
	const struct in6_addr *daddr = (const void *)params->conf.daddr;
	struct rtable *rt;
	__be32 daddr4;

	if (is_ipv6(params))
		return ip_neigh_gw6(dev, rt6_nexthop(dst_rt6_info(path->dst),
						     daddr));

	rt = dst_rtable(path->dst);
	path->v6gw = rt->rt_gw_family == AF_INET6;
	if (path->v6gw)
		return ip_neigh_gw6(dev, &rt->rt_gw6);
	if (rt->rt_gw_family == AF_INET)
		return ip_neigh_gw4(dev, rt->rt_gw4);
	memcpy(&daddr4, params->conf.daddr, sizeof(daddr4));
	return ip_neigh_gw4(dev, daddr4);
}

/*
 * A copy for a next hop that does not answer would wait in the neighbour's
 * queue and vanish there uncounted, so it is dropped and counted at once; the
 * kernel is told to resolve the next hop.
 */
static enum tca_mirrorx_stats find_next_hop(struct mirrorx_path *path,
					    const struct mirrorx_params *params)
{
	struct neighbour *neigh = find_neigh(path, params);

	if (IS_ERR(neigh))
		return TCA_MIRRORX_STATS_NO_NEIGH;
	if (unlikely(!(READ_ONCE(neigh->nud_state) & NUD_VALID))) {
		neigh_event_send(neigh, NULL);
		return TCA_MIRRORX_STATS_NO_NEIGH;
	}
	path->neigh = neigh;
	return 0;
}

/**
 * mirrorx_path_find() - find the way to the collector
 * @path: to be filled; to be put with mirrorx_path_put() where 0 comes back
 * @params: configuration; its cache is used and filled
 *
 * Under RCU, BH is off.
 *
 * Return: 0, or the reason why no copy can be sent
 */
enum tca_mirrorx_stats mirrorx_path_find(struct mirrorx_path *path,
					 struct mirrorx_params *params)
{
	enum tca_mirrorx_stats reason;
	const struct net_device *dev;

	reason = find_route(path, params);
	if (unlikely(reason))
		return reason;

	dev = path->dst->dev;
	path->mtu = min(dst_mtu(path->dst), MTU_MAX);
	path->headroom = LL_RESERVED_SPACE(dev) + path->dst->header_len;
	path->tailroom = dev->needed_tailroom + path->dst->trailer_len;
	path->neigh = NULL;

	if (unlikely(!netif_running(dev) || !netif_carrier_ok(dev)))
		reason = TCA_MIRRORX_STATS_DEV_DOWN;
	else if (path->mtu < params->encap.len + ETH_HLEN)
		reason = TCA_MIRRORX_STATS_MTU;
	else if (is_direct(path, params))
		reason = find_next_hop(path, params);

	if (unlikely(reason))
		dst_release(path->dst);
	return reason;
}

/**
 * mirrorx_path_put() - done with the way
 * @path: from mirrorx_path_find()
 */
void mirrorx_path_put(struct mirrorx_path *path)
{
	dst_release(path->dst);
}

static int send_direct(const struct mirrorx_path *path,
		       const struct mirrorx_params *params,
		       struct sk_buff *copy)
{
	if (unlikely(!hooks_accept(path, params, copy))) {
		kfree_skb(copy);
		return -EPERM;
	}
	return neigh_output(path->neigh, copy, path->v6gw);
}

static int send_by_stack(const struct mirrorx_path *path,
			 const struct mirrorx_params *params,
			 struct sk_buff *copy)
{
	skb_dst_set(copy, dst_clone(path->dst));
	if (is_ipv6(params))
		return ip6_local_out(params->net, NULL, copy);
	return ip_local_out(params->net, NULL, copy);
}

/**
 * mirrorx_send() - send a copy to the collector
 * @path: the way, from mirrorx_path_find() under the same RCU section
 * @params: configuration
 * @copy: packet from the outer IP header on; consumed
 *
 * BH is off.
 *
 * Return: true if the underlay took it
 */
bool mirrorx_send(const struct mirrorx_path *path,
		  const struct mirrorx_params *params, struct sk_buff *copy)
{
	int err;

	skb_reset_network_header(copy);
	skb_set_transport_header(copy, params->encap.ip_len);
	copy->protocol = is_ipv6(params) ? htons(ETH_P_IPV6) :
					     htons(ETH_P_IP);
	copy->mark = params->mark;
	copy->priority = params->priority;
	copy->dev = path->dst->dev;

	/* What is sent from in here, by whatever way, is not mirrored. */
	this_cpu_write(mirrorx_in_send, true);
	if (path->neigh)
		err = send_direct(path, params, copy);
	else
		err = send_by_stack(path, params, copy);
	this_cpu_write(mirrorx_in_send, false);

	return !net_xmit_eval(err);
}
