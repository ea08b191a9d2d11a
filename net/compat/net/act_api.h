/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_NET_ACT_API_H
#define MIRRORX_COMPAT_NET_ACT_API_H

#include_next <net/act_api.h>

/* Up to 6.8 tc loads "act_mirrorx", which is the module's name. */
#ifndef MODULE_ALIAS_NET_ACT
#define MODULE_ALIAS_NET_ACT(kind)	MODULE_ALIAS("net-act-" kind)
#endif

/*
 * CPUs meet at an action's times, which older kernels read and write as if there
 * were one.
 */
#ifndef HAVE_LASTUSE_ONCE
static inline void tcf_lastuse_update_once(struct tcf_t *tm)
{
	unsigned long now = jiffies;

	if (READ_ONCE(tm->lastuse) != now)
		WRITE_ONCE(tm->lastuse, now);
	if (unlikely(!READ_ONCE(tm->firstuse)))
		WRITE_ONCE(tm->firstuse, now);
}

static inline void tcf_tm_dump_once(struct tcf_t *to, const struct tcf_t *tm)
{
	struct tcf_t once = {
		.install = READ_ONCE(tm->install),
		.lastuse = READ_ONCE(tm->lastuse),
		.expires = READ_ONCE(tm->expires),
		.firstuse = READ_ONCE(tm->firstuse),
	};

	tcf_tm_dump(to, &once);
}

#define tcf_lastuse_update	tcf_lastuse_update_once
#define tcf_tm_dump		tcf_tm_dump_once
#endif

/* Where a CPU's part of the statistics is of a type of its own */
#ifndef HAVE_GNET_STATS_BASIC_SYNC
#define _bstats_update	_bstats_cpu_update
#define bstats_update	bstats_cpu_update
#endif

/*
 * Up to 6.0 an action looks itself for others of its kind.  DECLARE_TC_ACTION() is
 * for what comes before its operations, and TC_ACTION_OPS() among those.
 */
#ifdef HAVE_ACTION_NET_ID
#define TC_ACTION_NET_ID(name)	(act_##name##_ops.net_id)
#define DECLARE_TC_ACTION(name)	static struct tc_action_ops act_##name##_ops
#define TC_ACTION_OPS(name)	.init = tcf_##name##_init
#else
#define TC_ACTION_NET_ID(name)	tcf_##name##_net_id
#define DECLARE_TC_ACTION(name)						\
static struct tc_action_ops act_##name##_ops;				\
static unsigned int tcf_##name##_net_id;				\
static int tcf_##name##_init(struct net *net, struct nlattr *nla,	\
			     struct nlattr *est, struct tc_action **a,	\
			     struct tcf_proto *tp, u32 flags,		\
			     struct netlink_ext_ack *extack);		\
									\
static int tcf_##name##_init_old(struct net *net, struct nlattr *nla,	\
				 struct nlattr *est, struct tc_action **a, \
				 int ovr, int bind, bool rtnl_held,	\
				 struct tcf_proto *tp, u32 flags,	\
				 struct netlink_ext_ack *extack)	\
{									\
	flags |= bind ? TCA_ACT_FLAGS_BIND : 0;				\
	flags |= ovr ? TCA_ACT_FLAGS_REPLACE : 0;			\
	return tcf_##name##_init(net, nla, est, a, tp, flags, extack);	\
}									\
									\
static int tcf_##name##_walk(struct net *net, struct sk_buff *skb,	\
			     struct netlink_callback *cb, int type,	\
			     const struct tc_action_ops *ops,		\
			     struct netlink_ext_ack *extack)		\
{									\
	return tcf_generic_walker(net_generic(net, tcf_##name##_net_id), \
				  skb, cb, type, ops, extack);		\
}									\
									\
static int tcf_##name##_lookup(struct net *net, struct tc_action **a,	\
			       u32 index)				\
{									\
	return tcf_idr_search(net_generic(net, tcf_##name##_net_id), a,	\
			      index);					\
}									\
static struct tc_action_ops act_##name##_ops
#define TC_ACTION_OPS(name)						\
	.init = tcf_##name##_init_old,					\
	.walk = tcf_##name##_walk,					\
	.lookup = tcf_##name##_lookup

/* It told of these by arguments of their own, and does not know them as flags. */
#define TCA_ACT_FLAGS_BIND	BIT(17)
#define TCA_ACT_FLAGS_REPLACE	BIT(18)
static inline int
tcf_idr_create_old(struct tc_action_net *tn, u32 index, struct nlattr *est,
		   struct tc_action **a, const struct tc_action_ops *ops,
		   int bind, bool cpustats, u32 flags)
{
	flags &= ~(TCA_ACT_FLAGS_BIND | TCA_ACT_FLAGS_REPLACE);
	return tcf_idr_create(tn, index, est, a, ops, bind, cpustats, flags);
}

#define tcf_idr_create	tcf_idr_create_old
#endif

#endif /* MIRRORX_COMPAT_NET_ACT_API_H */
