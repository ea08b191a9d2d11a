// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc action mirrorx: send a copy of each packet to a remote collector, in
 * ERSPAN type III over IPv4 or IPv6.
 *
 * This file is tc's face of it: netlink, lifetime, and the way of a packet
 * through the rooms, one after the other:
 *
 *	select.c	is it to be copied?
 *	copy.c		a fresh skb with a slice of the frame
 *	encap.c		the outer headers, as bytes
 *	underlay.c	route, next hop, transmit
 *
 * Parameters are an immutable snapshot behind RCU, replaced whole.  Counters,
 * sequence number and sampling state belong to the action and stay.  Whatever
 * happens to a copy, the original goes on with the action's control action,
 * and one counter says what happened.
 */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/pkt_cls.h>
#include <net/sch_generic.h>

#include "mirrorx.h"

/* Never seen by user space; far from the ids that the kernel has given out. */
#define TCA_ID_MIRRORX	0x4d58

#define SESSION_MAX	1023
#define HWID_MAX	63

static struct tc_action_ops act_mirrorx_ops;

/* NLA_POLICY_RANGE() holds no more than an s16. */
static struct netlink_range_validation ifindex_range = {
	.min = 1,
	.max = S32_MAX,
};

static struct netlink_range_validation u16_range = {
	.max = U16_MAX,
};

static const struct nla_policy mirrorx_policy[TCA_MIRRORX_MAX + 1] = {
	[TCA_MIRRORX_TM] = {
		.type = NLA_REJECT,
		.reject_message = "Times are output only",
	},
	[TCA_MIRRORX_PARMS] =
		NLA_POLICY_EXACT_LEN(sizeof(struct tc_mirrorx)),
	[TCA_MIRRORX_PAD] = {
		.type = NLA_REJECT,
		.reject_message = "Padding is output only",
	},
	[TCA_MIRRORX_DST_IP4] = { .type = NLA_BE32 },
	[TCA_MIRRORX_DST_IP6] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[TCA_MIRRORX_SRC_IP4] = { .type = NLA_BE32 },
	[TCA_MIRRORX_SRC_IP6] =
		NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[TCA_MIRRORX_IFINDEX] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[TCA_MIRRORX_ID] = NLA_POLICY_MAX(NLA_U32, SESSION_MAX),
	[TCA_MIRRORX_ERSPAN_VER] = NLA_POLICY_RANGE(NLA_U32, 2, 2),
	[TCA_MIRRORX_ERSPAN_DIR] = NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_DIR_MAX),
	[TCA_MIRRORX_ERSPAN_HWID] = NLA_POLICY_MAX(NLA_U32, HWID_MAX),
	[TCA_MIRRORX_SGT] = NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[TCA_MIRRORX_TIMESTAMP] =
		NLA_POLICY_MAX(NLA_U32, TC_MIRRORX_TIMESTAMP_MAX),
	[TCA_MIRRORX_TRUNC] = NLA_POLICY_FULL_RANGE(NLA_U32, &u16_range),
	[TCA_MIRRORX_SAMPLE] = NLA_POLICY_MIN(NLA_U32, 1),
	[TCA_MIRRORX_TOS] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
	[TCA_MIRRORX_TTL] = NLA_POLICY_RANGE(NLA_U32, 1, U8_MAX),
	[TCA_MIRRORX_MARK] = { .type = NLA_U32 },
	[TCA_MIRRORX_PRIORITY] = { .type = NLA_U32 },
	[TCA_MIRRORX_STATS] = {
		.type = NLA_REJECT,
		.reject_message = "Counters are output only",
	},
};

static u32 get_u32(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* Send a slice of one frame; returns 0 or why it was not sent. */
static enum tca_mirrorx_stats
mirrorx_mirror_frame(struct tcf_mirrorx *m, struct mirrorx_cpu *cpu,
		     const struct mirrorx_params *params,
		     const struct mirrorx_path *path,
		     const struct mirrorx_frame *frame,
		     struct mirrorx_encap_meta *meta)
{
	u32 wanted = mirrorx_frame_len(frame);
	u32 room = path->mtu - params->encap.len;
	enum tca_mirrorx_stats cut = 0;
	struct sk_buff *copy;

	meta->slice_len = wanted;
	if (params->trunc && params->trunc < meta->slice_len) {
		meta->slice_len = params->trunc;
		cut = TCA_MIRRORX_STATS_TRUNCATED;
	}
	if (unlikely(room < meta->slice_len)) {
		meta->slice_len = room;
		cut = TCA_MIRRORX_STATS_CUT;
	}

	copy = mirrorx_copy(frame, meta->slice_len,
			    path->headroom + params->encap.len,
			    path->tailroom);
	if (unlikely(!copy))
		return TCA_MIRRORX_STATS_NO_MEM;

	meta->saddr = &path->saddr;
	meta->seq = atomic_inc_return(&m->seq) - 1;
	meta->vlan_tci = frame->vlan_tci;
	meta->truncated = cut;
	mirrorx_encap_write(__skb_push(copy, params->encap.len),
			    &params->encap, meta);
	if (unlikely(!mirrorx_send(path, params, copy)))
		return TCA_MIRRORX_STATS_XMIT;

	mirrorx_stats_sent(cpu, params->encap.len + meta->slice_len, cut);
	return 0;
}

/* Send the chosen ones of the frames that a GSO packet stands for. */
static void mirrorx_mirror_burst(struct tcf_mirrorx *m, struct mirrorx_cpu *cpu,
				 const struct mirrorx_params *params,
				 const struct mirrorx_path *path,
				 struct mirrorx_burst *burst,
				 struct mirrorx_encap_meta *meta)
{
	enum tca_mirrorx_stats reason;
	struct mirrorx_frame frame;
	bool ok;

	while (burst->index < burst->frames) {
		ok = mirrorx_burst_next(burst, &frame);
		if (!mirrorx_choose(cpu, params))
			continue;
		reason = ok ? mirrorx_mirror_frame(m, cpu, params, path, &frame,
						   meta) :
			      TCA_MIRRORX_STATS_BAD_FRAME;
		if (reason)
			mirrorx_stats_add(cpu, reason, 1);
	}
}

static void mirrorx_mirror_gso(struct tcf_mirrorx *m, struct mirrorx_cpu *cpu,
			       struct mirrorx_params *params,
			       const struct sk_buff *skb,
			       struct mirrorx_encap_meta *meta)
{
	u32 i, frames = mirrorx_frames(skb);
	enum tca_mirrorx_stats reason;
	struct mirrorx_burst burst;
	struct mirrorx_path path;

	if (mirrorx_pass_over(cpu, params, frames))
		return;

	reason = mirrorx_path_find(&path, params);
	if (likely(!reason)) {
		if (likely(mirrorx_burst_init(&burst, skb))) {
			mirrorx_mirror_burst(m, cpu, params, &path, &burst,
					     meta);
			mirrorx_burst_end(&burst);
		} else {
			reason = TCA_MIRRORX_STATS_BAD_FRAME;
		}
		mirrorx_path_put(&path);
	}
	if (unlikely(reason))
		for (i = 0; i < frames; i++)
			if (mirrorx_choose(cpu, params))
				mirrorx_stats_add(cpu, reason, 1);
}

static void mirrorx_mirror_single(struct tcf_mirrorx *m,
				  struct mirrorx_cpu *cpu,
				  struct mirrorx_params *params,
				  const struct sk_buff *skb,
				  struct mirrorx_encap_meta *meta)
{
	enum tca_mirrorx_stats reason;
	struct mirrorx_frame frame;
	struct mirrorx_path path;

	if (!mirrorx_choose(cpu, params))
		return;

	reason = mirrorx_path_find(&path, params);
	if (likely(!reason)) {
		reason = TCA_MIRRORX_STATS_BAD_FRAME;
		if (likely(mirrorx_frame_init(&frame, skb)))
			reason = mirrorx_mirror_frame(m, cpu, params, &path,
						      &frame, meta);
		mirrorx_path_put(&path);
	}
	if (unlikely(reason))
		mirrorx_stats_add(cpu, reason, 1);
}

static void mirrorx_mirror(struct tcf_mirrorx *m, const struct sk_buff *skb)
{
	struct mirrorx_cpu *cpu = this_cpu_ptr(m->cpu);
	struct mirrorx_encap_meta meta;
	enum tca_mirrorx_stats reason;
	struct mirrorx_params *params;

	reason = mirrorx_refuse(skb);
	if (unlikely(reason)) {
		mirrorx_stats_add(cpu, reason, mirrorx_frames(skb));
		return;
	}

	params = rcu_dereference(m->params);
	meta.time_ns = mirrorx_time_ns(skb);
	meta.egress = !skb_at_tc_ingress(skb);
	if (unlikely(skb_is_gso(skb)))
		mirrorx_mirror_gso(m, cpu, params, skb, &meta);
	else
		mirrorx_mirror_single(m, cpu, params, skb, &meta);
}

/* BH is off. */
static int tcf_mirrorx_act(struct sk_buff *skb, const struct tc_action *a,
			   struct tcf_result *res)
{
	struct tcf_mirrorx *m = to_mirrorx(a);
	int retval = READ_ONCE(m->tcf_action);

	tcf_lastuse_update(&m->tcf_tm);
	tcf_action_update_bstats(&m->common, skb);

	rcu_read_lock();
	mirrorx_mirror(m, skb);
	rcu_read_unlock();

	return retval;
}

static int parse_dst(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *dst4 = tb[TCA_MIRRORX_DST_IP4];
	const struct nlattr *dst6 = tb[TCA_MIRRORX_DST_IP6];
	struct in6_addr addr6;
	__be32 addr4;

	if (dst4 && dst6) {
		NL_SET_ERR_MSG_ATTR(extack, dst6,
				    "Two collectors: dst_ip is IPv4 and IPv6");
		return -EINVAL;
	}
	if (dst4) {
		addr4 = nla_get_in_addr(dst4);
		if (ipv4_is_zeronet(addr4) || ipv4_is_loopback(addr4) ||
		    ipv4_is_multicast(addr4) || ipv4_is_lbcast(addr4)) {
			NL_SET_ERR_MSG_ATTR(extack, dst4,
					    "dst_ip is not a unicast address of a collector");
			return -EADDRNOTAVAIL;
		}
		memcpy(conf->daddr, &addr4, sizeof(addr4));
		return 0;
	}

	addr6 = nla_get_in6_addr(dst6);
	if (!IS_ENABLED(CONFIG_IPV6) || !ipv6_mod_enabled()) {
		NL_SET_ERR_MSG_ATTR(extack, dst6,
				    "dst_ip is IPv6, which this kernel has not enabled");
		return -EAFNOSUPPORT;
	}
	if (ipv6_addr_any(&addr6) || ipv6_addr_loopback(&addr6) ||
	    ipv6_addr_is_multicast(&addr6) || ipv6_addr_v4mapped(&addr6)) {
		NL_SET_ERR_MSG_ATTR(extack, dst6,
				    "dst_ip is not a unicast address of a collector");
		return -EADDRNOTAVAIL;
	}
	if (ipv6_addr_type(&addr6) & IPV6_ADDR_LINKLOCAL &&
	    !tb[TCA_MIRRORX_IFINDEX]) {
		NL_SET_ERR_MSG_ATTR(extack, dst6,
				    "dst_ip is a link-local address, which needs dev");
		return -EINVAL;
	}
	memcpy(conf->daddr, &addr6, sizeof(addr6));
	conf->ipv6 = true;
	return 0;
}

static int parse_src(struct mirrorx_encap_conf *conf, struct nlattr **tb,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *src4 = tb[TCA_MIRRORX_SRC_IP4];
	const struct nlattr *src6 = tb[TCA_MIRRORX_SRC_IP6];
	struct in6_addr addr6;
	__be32 addr4;

	if (conf->ipv6 ? !!src4 : !!src6) {
		NL_SET_ERR_MSG_ATTR(extack, src4 ?: src6,
				    "src_ip and dst_ip are of different families");
		return -EINVAL;
	}
	if (src4) {
		addr4 = nla_get_in_addr(src4);
		if (ipv4_is_zeronet(addr4) || ipv4_is_loopback(addr4) ||
		    ipv4_is_multicast(addr4) || ipv4_is_lbcast(addr4)) {
			NL_SET_ERR_MSG_ATTR(extack, src4,
					    "src_ip is not a unicast address that a collector could see");
			return -EADDRNOTAVAIL;
		}
		memcpy(conf->saddr, &addr4, sizeof(addr4));
	}
	if (src6) {
		addr6 = nla_get_in6_addr(src6);
		if (ipv6_addr_any(&addr6) || ipv6_addr_loopback(&addr6) ||
		    ipv6_addr_is_multicast(&addr6) ||
		    ipv6_addr_v4mapped(&addr6)) {
			NL_SET_ERR_MSG_ATTR(extack, src6,
					    "src_ip is not a unicast address that a collector could see");
			return -EADDRNOTAVAIL;
		}
		memcpy(conf->saddr, &addr6, sizeof(addr6));
	}
	return 0;
}

static int parse_dev(struct mirrorx_params *params, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	const struct net_device *dev;

	if (!attr)
		return 0;

	params->ifindex = nla_get_u32(attr);
	rcu_read_lock();
	dev = dev_get_by_index_rcu(params->net, params->ifindex);
	if (dev)
		strscpy(params->ifname, dev->name, sizeof(params->ifname));
	rcu_read_unlock();
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "dev does not exist");
		return -ENODEV;
	}
	return 0;
}

static int parse_trunc(struct mirrorx_params *params, const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	params->trunc = get_u32(attr, 0);
	if (params->trunc && params->trunc < ETH_HLEN) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "trunc leaves no whole Ethernet header of 14 bytes");
		return -ERANGE;
	}
	return 0;
}

static int parse_params(struct mirrorx_params *params, struct nlattr **tb,
			struct netlink_ext_ack *extack)
{
	struct mirrorx_encap_conf *conf = &params->conf;
	int err;

	err = parse_dst(conf, tb, extack);
	if (!err)
		err = parse_src(conf, tb, extack);
	if (!err)
		err = parse_dev(params, tb[TCA_MIRRORX_IFINDEX], extack);
	if (!err)
		err = parse_trunc(params, tb[TCA_MIRRORX_TRUNC], extack);
	if (err)
		return err;

	conf->session = get_u32(tb[TCA_MIRRORX_ID], 0);
	conf->dir = get_u32(tb[TCA_MIRRORX_ERSPAN_DIR], TC_MIRRORX_DIR_AUTO);
	conf->hwid = get_u32(tb[TCA_MIRRORX_ERSPAN_HWID], 0);
	conf->sgt = get_u32(tb[TCA_MIRRORX_SGT], 0);
	conf->gra = get_u32(tb[TCA_MIRRORX_TIMESTAMP],
			    TC_MIRRORX_TIMESTAMP_100US);
	conf->tos = get_u32(tb[TCA_MIRRORX_TOS], 0);
	conf->ttl = get_u32(tb[TCA_MIRRORX_TTL], IPDEFTTL);
	params->mark = get_u32(tb[TCA_MIRRORX_MARK], 0);
	params->priority = get_u32(tb[TCA_MIRRORX_PRIORITY], 0);
	params->sample = get_u32(tb[TCA_MIRRORX_SAMPLE], 1);
	if (params->sample > 1)
		params->sample_scale = mirrorx_sample_scale(params->sample);
	mirrorx_encap_init(&params->encap, conf);
	return 0;
}

static void free_params(struct mirrorx_params *params)
{
	dst_cache_destroy(&params->dst_cache);
	kfree(params);
}

static void free_params_rcu(struct rcu_head *rcu)
{
	free_params(container_of(rcu, struct mirrorx_params, rcu));
}

/* Returns NULL where the attributes only name an action that exists. */
static struct mirrorx_params *new_params(struct net *net, struct nlattr **tb,
					 struct netlink_ext_ack *extack)
{
	struct mirrorx_params *params;
	int err;

	if (!tb[TCA_MIRRORX_DST_IP4] && !tb[TCA_MIRRORX_DST_IP6])
		return NULL;

	params = kzalloc(sizeof(*params), GFP_KERNEL);
	if (!params)
		return ERR_PTR(-ENOMEM);
	params->net = net;

	err = parse_params(params, tb, extack);
	if (!err)
		err = dst_cache_init(&params->dst_cache, GFP_KERNEL);
	if (err) {
		kfree(params);
		return ERR_PTR(err);
	}
	return params;
}

/*
 * Look for the collector before the first packet does, so that its next hop is
 * resolved by then; and tell who configures it if it is out of reach.
 */
static void look_for_collector(struct mirrorx_params *params,
			       struct netlink_ext_ack *extack)
{
	enum tca_mirrorx_stats reason;
	struct mirrorx_path path;

	local_bh_disable();
	rcu_read_lock();
	reason = mirrorx_path_find(&path, params);
	if (!reason)
		mirrorx_path_put(&path);
	rcu_read_unlock();
	local_bh_enable();

	if (reason == TCA_MIRRORX_STATS_NO_ROUTE)
		NL_SET_ERR_MSG(extack, "No route to the collector yet");
	else if (reason == TCA_MIRRORX_STATS_DEV_DOWN)
		NL_SET_ERR_MSG(extack, "The device to the collector is down");
	else if (reason == TCA_MIRRORX_STATS_MTU)
		NL_SET_ERR_MSG(extack,
			       "The MTU to the collector has no room for a copy");
}

static struct mirrorx_cpu __percpu *new_cpus(void)
{
	struct mirrorx_cpu __percpu *cpus = alloc_percpu(struct mirrorx_cpu);
	int cpu;

	if (cpus)
		for_each_possible_cpu(cpu)
			u64_stats_init(&per_cpu_ptr(cpus, cpu)->syncp);
	return cpus;
}

/*
 * Get the action of this index, or make it.  Returns ACT_P_CREATED, 0 if it
 * exists (to be bound as it is, or to be changed), or an error.
 */
static int get_action(struct tc_action_net *tn, u32 index, struct nlattr *est,
		      struct tc_action **a, const struct mirrorx_params *params,
		      u32 flags, struct netlink_ext_ack *extack)
{
	bool bind = flags & TCA_ACT_FLAGS_BIND;
	int err;

	err = tcf_idr_check_alloc(tn, &index, a, bind);
	if (err < 0)
		return err;
	if (err && bind)
		return 0;
	if (err && !(flags & TCA_ACT_FLAGS_REPLACE)) {
		NL_SET_ERR_MSG(extack, "An action with this index exists");
		tcf_idr_release(*a, bind);
		return -EEXIST;
	}
	if (!params) {
		NL_SET_ERR_MSG(extack, "No collector: dst_ip is missing");
		if (err)
			tcf_idr_release(*a, bind);
		else
			tcf_idr_cleanup(tn, index);
		return -EINVAL;
	}
	if (err)
		return 0;

	err = tcf_idr_create_from_flags(tn, index, est, a, &act_mirrorx_ops,
					bind, flags);
	if (err) {
		tcf_idr_cleanup(tn, index);
		return err;
	}
	to_mirrorx(*a)->cpu = new_cpus();
	if (!to_mirrorx(*a)->cpu) {
		tcf_idr_release(*a, bind);
		return -ENOMEM;
	}
	return ACT_P_CREATED;
}

/* Returns what was there before, to be freed by the caller. */
static struct mirrorx_params *swap_params(struct tcf_mirrorx *m, int action,
					  struct tcf_chain *goto_ch,
					  struct mirrorx_params *params)
{
	spin_lock_bh(&m->tcf_lock);
	goto_ch = tcf_action_set_ctrlact(&m->common, action, goto_ch);
	params = rcu_replace_pointer(m->params, params,
				     lockdep_is_held(&m->tcf_lock));
	spin_unlock_bh(&m->tcf_lock);

	if (goto_ch)
		tcf_chain_put_by_act(goto_ch);
	return params;
}

/* The rtnl may or may not be held. */
static int tcf_mirrorx_init(struct net *net, struct nlattr *nla,
			    struct nlattr *est, struct tc_action **a,
			    struct tcf_proto *tp, u32 flags,
			    struct netlink_ext_ack *extack)
{
	struct tc_action_net *tn = net_generic(net, act_mirrorx_ops.net_id);
	bool bind = flags & TCA_ACT_FLAGS_BIND;
	struct nlattr *tb[TCA_MIRRORX_MAX + 1];
	struct tcf_chain *goto_ch = NULL;
	struct mirrorx_params *params;
	struct tc_mirrorx *parm;
	int ret, err;

	if (!nla) {
		NL_SET_ERR_MSG(extack, "mirrorx needs options");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, TCA_MIRRORX_MAX, nla, mirrorx_policy,
			       extack);
	if (err)
		return err;
	if (!tb[TCA_MIRRORX_PARMS]) {
		NL_SET_ERR_MSG(extack, "TCA_MIRRORX_PARMS is missing");
		return -EINVAL;
	}
	parm = nla_data(tb[TCA_MIRRORX_PARMS]);

	params = new_params(net, tb, extack);
	if (IS_ERR(params))
		return PTR_ERR(params);

	ret = get_action(tn, parm->index, est, a, params, flags, extack);
	if (ret < 0 || (!ret && bind))
		goto free_params;

	err = tcf_action_check_ctrlact(parm->action, tp, &goto_ch, extack);
	if (err < 0) {
		tcf_idr_release(*a, bind);
		ret = err;
		goto free_params;
	}

	look_for_collector(params, extack);
	params = swap_params(to_mirrorx(*a), parm->action, goto_ch, params);
	if (params)
		call_rcu(&params->rcu, free_params_rcu);
	return ret;

free_params:
	if (params)
		free_params(params);
	return ret;
}

/* The last reference is gone, and with it the last reader. */
static void tcf_mirrorx_cleanup(struct tc_action *a)
{
	struct tcf_mirrorx *m = to_mirrorx(a);
	struct mirrorx_params *params;

	params = rcu_dereference_protected(m->params, 1);
	if (params)
		call_rcu(&params->rcu, free_params_rcu);
	free_percpu(m->cpu);
}

static int dump_addr(struct sk_buff *msg, bool ipv6, int attr4, int attr6,
		     const void *addr)
{
	return ipv6 ? nla_put(msg, attr6, sizeof(struct in6_addr), addr) :
		      nla_put(msg, attr4, sizeof(__be32), addr);
}

static int dump_path(struct sk_buff *msg, const struct mirrorx_params *params)
{
	const struct mirrorx_encap_conf *conf = &params->conf;
	int ifindex;

	if (dump_addr(msg, conf->ipv6, TCA_MIRRORX_DST_IP4,
		      TCA_MIRRORX_DST_IP6, conf->daddr))
		return -EMSGSIZE;
	if (memchr_inv(conf->saddr, 0, sizeof(conf->saddr)) &&
	    dump_addr(msg, conf->ipv6, TCA_MIRRORX_SRC_IP4,
		      TCA_MIRRORX_SRC_IP6, conf->saddr))
		return -EMSGSIZE;
	if (!params->ifindex)
		return 0;

	rcu_read_lock();
	ifindex = mirrorx_ifindex(params);
	rcu_read_unlock();
	return nla_put_u32(msg, TCA_MIRRORX_IFINDEX,
			   ifindex ?: params->ifindex);
}

static int dump_params(struct sk_buff *msg, const struct mirrorx_params *params)
{
	const struct mirrorx_encap_conf *conf = &params->conf;

	if (dump_path(msg, params) ||
	    nla_put_u32(msg, TCA_MIRRORX_ID, conf->session) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_VER, 2) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_DIR, conf->dir) ||
	    nla_put_u32(msg, TCA_MIRRORX_ERSPAN_HWID, conf->hwid) ||
	    nla_put_u32(msg, TCA_MIRRORX_SGT, conf->sgt) ||
	    nla_put_u32(msg, TCA_MIRRORX_TIMESTAMP, conf->gra) ||
	    nla_put_u32(msg, TCA_MIRRORX_TRUNC, params->trunc) ||
	    nla_put_u32(msg, TCA_MIRRORX_SAMPLE, params->sample) ||
	    nla_put_u32(msg, TCA_MIRRORX_TOS, conf->tos) ||
	    nla_put_u32(msg, TCA_MIRRORX_TTL, conf->ttl) ||
	    nla_put_u32(msg, TCA_MIRRORX_MARK, params->mark) ||
	    nla_put_u32(msg, TCA_MIRRORX_PRIORITY, params->priority))
		return -EMSGSIZE;
	return 0;
}

static int tcf_mirrorx_dump(struct sk_buff *skb, struct tc_action *a, int bind,
			    int ref)
{
	unsigned char *tail = skb_tail_pointer(skb);
	struct tcf_mirrorx *m = to_mirrorx(a);
	struct tc_mirrorx opt = {
		.index = m->tcf_index,
		.refcnt = refcount_read(&m->tcf_refcnt) - ref,
		.bindcnt = atomic_read(&m->tcf_bindcnt) - bind,
	};
	const struct mirrorx_params *params;
	struct tcf_t t;
	int err;

	spin_lock_bh(&m->tcf_lock);
	params = rcu_dereference_protected(m->params,
					   lockdep_is_held(&m->tcf_lock));
	opt.action = m->tcf_action;
	err = dump_params(skb, params);
	spin_unlock_bh(&m->tcf_lock);

	tcf_tm_dump(&t, &m->tcf_tm);
	if (err || nla_put(skb, TCA_MIRRORX_PARMS, sizeof(opt), &opt) ||
	    nla_put_64bit(skb, TCA_MIRRORX_TM, sizeof(t), &t,
			  TCA_MIRRORX_PAD) ||
	    mirrorx_stats_dump(skb, m->cpu)) {
		nlmsg_trim(skb, tail);
		return -1;
	}
	return skb->len;
}

static size_t tcf_mirrorx_get_fill_size(const struct tc_action *a)
{
	return nla_total_size(sizeof(struct tc_mirrorx)) +
	       nla_total_size_64bit(sizeof(struct tcf_t)) +
	       2 * nla_total_size(sizeof(struct in6_addr)) +
	       (TCA_MIRRORX_STATS - TCA_MIRRORX_IFINDEX) *
			nla_total_size(sizeof(u32)) +
	       mirrorx_stats_size();
}

static struct tc_action_ops act_mirrorx_ops = {
	.kind = "mirrorx",
	.id = TCA_ID_MIRRORX,
	.owner = THIS_MODULE,
	.act = tcf_mirrorx_act,
	.dump = tcf_mirrorx_dump,
	.init = tcf_mirrorx_init,
	.cleanup = tcf_mirrorx_cleanup,
	.get_fill_size = tcf_mirrorx_get_fill_size,
	.size = sizeof(struct tcf_mirrorx),
};

static __net_init int mirrorx_init_net(struct net *net)
{
	struct tc_action_net *tn = net_generic(net, act_mirrorx_ops.net_id);

	return tc_action_net_init(net, tn, &act_mirrorx_ops);
}

static void __net_exit mirrorx_exit_net(struct list_head *net_list)
{
	tc_action_net_exit(net_list, act_mirrorx_ops.net_id);
	/* No cached route may outlive the namespace that counts it. */
	rcu_barrier();
}

static struct pernet_operations mirrorx_net_ops = {
	.init = mirrorx_init_net,
	.exit_batch = mirrorx_exit_net,
	.id = &act_mirrorx_ops.net_id,
	.size = sizeof(struct tc_action_net),
};

static int __init mirrorx_init_module(void)
{
	return tcf_register_action(&act_mirrorx_ops, &mirrorx_net_ops);
}

static void __exit mirrorx_exit_module(void)
{
	tcf_unregister_action(&act_mirrorx_ops, &mirrorx_net_ops);
	/* callbacks of ours may still be on their way */
	rcu_barrier();
}

module_init(mirrorx_init_module);
module_exit(mirrorx_exit_module);
MODULE_DESCRIPTION("tc action that mirrors packets to an ERSPAN collector");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_ACT("mirrorx");
