// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a copy to its collector.
 *
 * The kernel finds route, source address and next hop; the route is kept, and
 * checked each time it is used.  RCU alone protects it: no packet takes a
 * reference, so that nothing is written that CPUs share.
 *
 * Copies are locally generated packets: where netfilter hooks, an IPsec policy,
 * a VRF or another feature of the IP stack waits for such packets, they are
 * handed to the stack.  Where none does, they go straight to the next hop, which
 * is the same with less work.  Either way the next hop has to be known first,
 * for what the stack drops later for want of one would not be counted.
 *
 * The original's sender never hears of any of it: no copy is ever larger than
 * the path's MTU.
 */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/percpu.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
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

/*
 * Who sends a copy on this CPU?  With a PREEMPT_RT that lets tasks with BH off
 * preempt each other, it may be one of several; the others' nested packets are
 * then known by what they are or by their owner.
 */
static DEFINE_PER_CPU(struct task_struct *, mirrorx_sender);

/**
 * mirrorx_sending() - does this packet come from sending a copy?
 *
 * Return: true if so
 */
static bool mirrorx_sending(void)
{
	return this_cpu_read(mirrorx_sender) == current;
}

/* A device that came back under its name is the same to the operator. */
static const struct net_device *find_dev(const struct mirrorx_params *params)
{
	const struct net_device *dev;

	dev = dev_get_by_index_rcu(params->net, params->ifindex);
	return dev ?: dev_get_by_name_rcu(params->net, params->ifname);
}

/**
 * mirrorx_ifindex() - the device to which the route is restricted
 * @params: configuration with a device; under RCU
 *
 * Return: its index, or 0 while it is gone
 */
int mirrorx_ifindex(const struct mirrorx_params *params)
{
	const struct net_device *dev = find_dev(params);

	return dev ? dev->ifindex : 0;
}

static __always_inline bool is_up(const struct net_device *dev)
{
	return netif_running(dev) && netif_carrier_ok(dev);
}

static struct dst_entry *look_up_ipv4(const struct mirrorx_params *params,
				      int oif, struct mirrorx_encap_conf *conf)
{
	struct flowi4 fl4 = {
		.flowi4_oif = oif,
		.flowi4_mark = params->mark,
		.flowi4_proto = mirrorx_encap_proto(conf),
		.fl4_dport = htons(conf->dst_port),
	};
	struct rtable *rt;

	flowi4_set_tos(&fl4, conf->tos);
	memcpy(&fl4.daddr, conf->daddr, sizeof(fl4.daddr));
	memcpy(&fl4.saddr, conf->saddr, sizeof(fl4.saddr));
	rt = ip_route_output_flow(params->net, &fl4, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-ENETUNREACH);
	}
	memcpy(conf->saddr, &fl4.saddr, sizeof(fl4.saddr));
	return &rt->dst;
}

static struct dst_entry *look_up_ipv6(const struct mirrorx_params *params,
				      int oif, struct mirrorx_encap_conf *conf)
{
	struct flowi6 fl6 = {
		.flowi6_oif = oif,
		.flowi6_mark = params->mark,
		.flowi6_proto = mirrorx_encap_proto(conf),
		.fl6_dport = htons(conf->dst_port),
		.flowlabel = ip6_make_flowinfo(conf->tos, 0),
	};
	struct dst_entry *dst;

	memcpy(&fl6.daddr, conf->daddr, sizeof(fl6.daddr));
	memcpy(&fl6.saddr, conf->saddr, sizeof(fl6.saddr));
	dst = ip6_dst_lookup_flow(params->net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	/* IPv4 does that by itself; the device says in which VRF to look */
	if (!ipv6_chk_addr(params->net, &fl6.saddr, dst->dev, 0)) {
		dst_release(dst);
		return ERR_PTR(-EADDRNOTAVAIL);
	}
	memcpy(conf->saddr, &fl6.saddr, sizeof(fl6.saddr));
	return dst;
}

/*
 * Would the stack do no more than we do?  IPsec and lightweight tunnels have
 * an output of their own; a VRF shows packets to its hooks and queues; devices
 * other than Ethernet may look at the skb's route.
 */
static bool is_plain(const struct dst_entry *dst, bool ipv6)
{
	const struct net_device *dev = dst->dev;

	return dst->output == (ipv6 ? ip6_output : ip_output) &&
	       !dst->lwtstate && dev->type == ARPHRD_ETHER &&
	       !netif_is_l3_slave(dev) && !netif_is_l3_master(dev);
}

static void find_next_hop_ipv4(struct mirrorx_route *route, const __u8 *daddr)
{
	const struct rtable *rt = dst_rtable(route->dst);

	route->v6_next_hop = rt->rt_gw_family == AF_INET6;
	if (route->v6_next_hop)
		route->next_hop.v6 = rt->rt_gw6;
	else if (rt->rt_gw_family == AF_INET)
		route->next_hop.v4 = rt->rt_gw4;
	else
		memcpy(&route->next_hop.v4, daddr, sizeof(__be32));
}

static void find_next_hop_ipv6(struct mirrorx_route *route, __u8 *daddr)
{
	route->v6_next_hop = true;
	route->next_hop.v6 = *rt6_nexthop(dst_rt6_info(route->dst),
					  (struct in6_addr *)daddr);
}

/**
 * mirrorx_route_free() - free a route
 * @route: not in use any more, or NULL
 */
void mirrorx_route_free(struct mirrorx_route *route)
{
	if (!route)
		return;
	dst_release(route->dst);
	kfree(route);
}

static void free_after_grace(struct rcu_head *rcu)
{
	mirrorx_route_free(container_of(rcu, struct mirrorx_route, rcu));
}

static enum tca_mirrorx_stats
init_route(struct mirrorx_route *route, const struct mirrorx_params *params,
	   struct mirrorx_collector *collector)
{
	struct mirrorx_encap_conf conf = params->conf;
	const struct net_device *dev;
	bool ipv6 = is_ipv6(params);
	struct dst_entry *dst;
	int oif = 0;

	memcpy(conf.daddr, collector->daddr, sizeof(conf.daddr));
	if (params->ifindex) {
		dev = find_dev(params);
		if (!dev || !is_up(dev))
			return TCA_MIRRORX_STATS_DEV_DOWN;
		oif = dev->ifindex;
	}
	dst = ipv6 ? look_up_ipv6(params, oif, &conf) :
		     look_up_ipv4(params, oif, &conf);
	/* routing says that nothing is there, IPsec policies that none may go */
	if (IS_ERR(dst))
		return PTR_ERR(dst) == -EPERM ? TCA_MIRRORX_STATS_XMIT :
						TCA_MIRRORX_STATS_NO_ROUTE;

	route->collector = collector;
	route->dst = dst;
	route->cookie = ipv6 ? rt6_get_cookie(dst_rt6_info(route->dst)) : 0;
	/* one that is no good from the start: IPsec has yet to agree on keys */
	if (!dst_check(route->dst, route->cookie))
		return TCA_MIRRORX_STATS_XMIT;
	if (!is_up(route->dst->dev))
		return TCA_MIRRORX_STATS_DEV_DOWN;

	route->plain = is_plain(route->dst, ipv6);
	route->plain_ipv4 = route->plain && !ipv6;
	route->mtu = min(dst_mtu(route->dst), MTU_MAX);
	route->protocol = ipv6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	if (ipv6)
		find_next_hop_ipv6(route, conf.daddr);
	else
		find_next_hop_ipv4(route, conf.daddr);
	mirrorx_encap_init(&route->encap, &conf);
	return 0;
}

/*
 * Several CPUs may do this at once; the last one's route is kept.  One that is
 * of no use is not kept, so that packets without a way leave no work for RCU; nor
 * is any in a namespace that ends, see mirrorx_exit_devices().
 */
static noinline enum tca_mirrorx_stats
make_route(struct mirrorx_path *path, const struct mirrorx_params *params,
	   struct mirrorx_collector *collector)
{
	struct mirrorx_route *route, *old;
	enum tca_mirrorx_stats reason;

	route = kzalloc(sizeof(*route), GFP_ATOMIC | __GFP_NOWARN);
	if (!route)
		return TCA_MIRRORX_STATS_NO_MEM;
	reason = init_route(route, params, collector);
	if (reason) {
		mirrorx_route_free(route);
		return reason;
	}

	path->route = route;
	old = route;
	if (check_net(params->net))
		old = unrcu_pointer(xchg(&collector->route,
					 RCU_INITIALIZER(route)));
	if (old)
		call_rcu(&old->rcu, free_after_grace);
	return 0;
}

/**
 * mirrorx_route_forget() - keep no route to a collector
 * @collector: collector
 *
 * In a namespace that ends, none is kept from then on.
 */
void mirrorx_route_forget(struct mirrorx_collector *collector)
{
	struct mirrorx_route *old = unrcu_pointer(xchg(&collector->route, NULL));

	if (old)
		call_rcu(&old->rcu, free_after_grace);
}

/* dst_check(), which is no more than that for a plain route of IPv4 */
static __always_inline bool is_current(const struct mirrorx_route *route,
				       const struct mirrorx_params *params)
{
	const struct dst_entry *dst = route->dst;

	if (unlikely(!route->plain_ipv4))
		return dst_check(route->dst, route->cookie);
	return READ_ONCE(dst->obsolete) == DST_OBSOLETE_FORCE_CHK &&
	       dst_rtable(dst)->rt_genid == rt_genid_ipv4(params->net);
}

/* Has a router told the MTU of this route? */
static bool has_told_mtu(const struct dst_entry *dst)
{
	/* either is true while it is written */
	return data_race(dst_rtable(dst)->rt_pmtu != 0);
}

/*
 * dst_mtu(), which changes for a plain route of IPv4 only where routers say so:
 * all else makes the route outdated.
 */
static __always_inline u32 route_mtu(const struct mirrorx_route *route)
{
	if (likely(route->plain_ipv4 && !has_told_mtu(route->dst)))
		return route->mtu;
	return min(dst_mtu(route->dst), MTU_MAX);
}

/*
 * A route that leads to a device without carrier may stay valid although there
 * is another one (IPv6 multipath): then too it is time to look again.
 */
static __always_inline enum tca_mirrorx_stats
find_route(struct mirrorx_path *path, const struct mirrorx_params *params,
	   struct mirrorx_collector *collector)
{
	path->route = rcu_dereference(collector->route);
	if (likely(path->route && is_current(path->route, params) &&
		   is_up(path->route->dst->dev)))
		return 0;
	return make_route(path, params, collector);
}

#ifdef CONFIG_NETFILTER
/*
 * Hooks of security modules judge a packet, but never route, keep or change it;
 * they are known by their place in the order.
 */
static bool is_judge(const struct nf_hook_ops *ops)
{
	return nf_hook_is_function(ops) &&
	       (ops->priority == NF_IP_PRI_SELINUX_FIRST ||
		ops->priority == NF_IP_PRI_SELINUX_LAST);
}

static __always_inline bool only_judges(const struct nf_hook_entries *hooks)
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
static __always_inline bool find_hooks(struct mirrorx_path *path,
				       const struct mirrorx_params *params)
{
	const struct netns_nf *nf = &params->net->nf;
	struct nf_hook_entries __rcu * const *hooks;

	hooks = is_ipv6(params) ? nf->hooks_ipv6 : nf->hooks_ipv4;
	path->local_out = rcu_dereference(hooks[NF_INET_LOCAL_OUT]);
	path->post_routing = rcu_dereference(hooks[NF_INET_POST_ROUTING]);
	return only_judges(path->local_out) && only_judges(path->post_routing);
}

static __always_inline bool ask(const struct nf_hook_entries *hooks,
				struct sk_buff *copy,
				struct nf_hook_state *state)
{
	unsigned int i;

	if (!hooks)
		return true;
	for (i = 0; i < hooks->num_hook_entries; i++)
		if (nf_hook_entry_hookfn(&hooks->hooks[i], copy, state) !=
		    NF_ACCEPT)
			return false;
	return true;
}

static __always_inline bool hooks_accept(const struct mirrorx_path *path,
					 const struct mirrorx_params *params,
					 struct sk_buff *copy)
{
	struct nf_hook_state state __uninitialized;

	nf_hook_state_init(&state, NF_INET_LOCAL_OUT,
			   is_ipv6(params) ? NFPROTO_IPV6 : NFPROTO_IPV4,
			   NULL, copy->dev, NULL, params->net, NULL);
	if (!ask(path->local_out, copy, &state))
		return false;
	state.hook = NF_INET_POST_ROUTING;
	return ask(path->post_routing, copy, &state);
}
#else
static __always_inline bool find_hooks(struct mirrorx_path *path,
				       const struct mirrorx_params *params)
{
	return true;
}

static __always_inline bool hooks_accept(const struct mirrorx_path *path,
					 const struct mirrorx_params *params,
					 struct sk_buff *copy)
{
	return true;
}
#endif

static __always_inline enum tca_mirrorx_stats
find_neigh(struct mirrorx_path *path)
{
	const struct mirrorx_route *route = path->route;
	struct net_device *dev = route->dst->dev;
	struct neighbour *neigh;

	neigh = route->v6_next_hop ? ip_neigh_gw6(dev, &route->next_hop.v6) :
				     ip_neigh_gw4(dev, route->next_hop.v4);
	if (IS_ERR(neigh))
		return TCA_MIRRORX_STATS_NO_NEIGH;

	path->neigh = neigh;
	path->resolved = READ_ONCE(neigh->nud_state) & NUD_VALID;
	return 0;
}

/**
 * mirrorx_path_find() - find the way to the collector
 * @path: to be filled; holds under RCU
 * @params: configuration
 * @collector: collector; its route is checked, and found anew if need be
 *
 * BH is off.
 *
 * Return: 0, or the reason why no copy can be sent
 */
__always_inline enum tca_mirrorx_stats
mirrorx_path_find(struct mirrorx_path *path,
		  const struct mirrorx_params *params,
		  struct mirrorx_collector *collector)
{
	enum tca_mirrorx_stats reason;
	const struct net_device *dev;
	const struct dst_entry *dst;

	reason = find_route(path, params, collector);
	if (unlikely(reason))
		return reason;

	dst = path->route->dst;
	dev = dst->dev;
	path->mtu = route_mtu(path->route);
	path->headroom = LL_RESERVED_SPACE(dev) + dst->header_len;
	path->tailroom = dev->needed_tailroom + dst->trailer_len;
	path->neigh = NULL;
	path->by_stack = true;

	if (unlikely(path->mtu < path->route->encap.len + ETH_HLEN))
		return TCA_MIRRORX_STATS_MTU;
	if (unlikely(!path->route->plain)) {
		path->resolved = true;	/* or asked for by the stack */
		return 0;
	}
	path->by_stack = !find_hooks(path, params);
	return find_neigh(path);
}

static noinline int xmit_by_stack(struct sk_buff *copy)
{
	struct net *net = dev_net(copy->dev);

	if (IS_ENABLED(CONFIG_IPV6) && copy->protocol == htons(ETH_P_IPV6))
		return ip6_local_out(net, NULL, copy);
	return ip_local_out(net, NULL, copy);
}

/**
 * mirrorx_xmit() - send a copy on its way
 * @neigh: next hop, resolved; under RCU or referenced
 * @copy: packet from the outer IP header on; consumed.  With a route it goes
 *	through the IP stack, without one to @neigh
 *
 * BH is off.
 *
 * Return: true if it was taken
 */
__always_inline bool mirrorx_xmit(struct neighbour *neigh, struct sk_buff *copy)
{
	bool queue_chosen = netdev_xmit_txqueue_skipped();
	int err;

	/* what is sent from in here, by whatever way, is not mirrored */
	this_cpu_write(mirrorx_sender, current);
	if (unlikely(skb_dst(copy)))
		err = xmit_by_stack(copy);
	else	/* a neighbour keeps the link-layer header of its own protocol */
		err = neigh_output(neigh, copy,
				   copy->protocol != neigh->tbl->protocol);
	this_cpu_write(mirrorx_sender, NULL);

	/* that of the original, which is still in its hook */
	if (unlikely(queue_chosen))
		netdev_xmit_skip_txqueue(true);
	return !net_xmit_eval(err);
}

static noinline bool send_later(struct tcf_mirrorx *m, struct mirrorx_cpu *cpu,
				const struct mirrorx_path *path,
				struct sk_buff *copy, u32 notes)
{
	/* who has waited goes first */
	if (path->resolved) {
		mirrorx_wait_flush(m);
		return false;
	}
	if (!mirrorx_wait_for(m, path->neigh, copy, notes)) {
		mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_NO_NEIGH, 1);
		kfree_skb(copy);
	}
	return true;
}

/*
 * The IP stack makes the fragments, and the checksum of an IPv4 header that has
 * changed.
 */
static noinline void allow_fragments(const struct mirrorx_params *params,
				     struct sk_buff *copy)
{
	copy->ignore_df = true;
	if (is_ipv6(params))
		return;
	ip_hdr(copy)->frag_off = 0;
	__ip_select_ident(params->net, ip_hdr(copy), 1);
}

/**
 * mirrorx_send() - send a copy to the collector, and count it
 * @m: the action
 * @cpu: this CPU's part of it
 * @path: the way, from mirrorx_path_find() under the same RCU section
 * @params: configuration
 * @copy: packet from the outer IP header on; consumed.  If it is larger than the
 *	path's MTU, it is sent in fragments
 * @notes: what to count with it, MIRRORX_NOTE()
 *
 * BH is off.
 */
static __always_inline void
mirrorx_send(struct tcf_mirrorx *m, struct mirrorx_cpu *cpu,
	     const struct mirrorx_path *path,
	     const struct mirrorx_params *params, struct sk_buff *copy,
	     u32 notes)
{
	bool fragment = copy->len > path->mtu;
	u32 len = copy->len;

	skb_reset_network_header(copy);
	skb_set_transport_header(copy, path->route->encap.ip_len);
	copy->protocol = path->route->protocol;
	copy->mark = params->mark;
	copy->priority = params->priority;
	copy->dev = path->route->dst->dev;
	if (unlikely(fragment))
		allow_fragments(params, copy);

	if (unlikely(path->by_stack || fragment)) {
		skb_dst_set(copy, dst_clone(path->route->dst));
	} else if (unlikely(!hooks_accept(path, params, copy))) {
		kfree_skb(copy);
		mirrorx_stats_sent(cpu, false, len, notes);
		return;
	}
	if (unlikely(path->neigh && (!path->resolved ||
				     READ_ONCE(m->wait.neigh))))
		if (send_later(m, cpu, path, copy, notes))
			return;
	mirrorx_stats_sent(cpu, mirrorx_xmit(path->neigh, copy), len,
			   notes);
}
