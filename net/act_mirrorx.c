// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc action mirrorx: send a copy of each packet to a remote collector, in
 * ERSPAN over IPv4 or IPv6.
 *
 * This file is tc's face of it: the action's operations and its lifetime.
 * Parameters are an immutable snapshot behind RCU, replaced whole.  Counters and
 * sampling state belong to the action, sequence numbers to the session, and all
 * of them stay.  Whatever happens to a copy, the original goes on with the
 * action's control action, and one counter says what happened.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/neighbour.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/pkt_cls.h>

#include "mirrorx.h"

/* Never seen by user space; far from the ids that the kernel has given out. */
#define TCA_ID_MIRRORX	0x4d58

DECLARE_TC_ACTION(mirrorx);

/*
 * Look for the collector before the first packet does, so that its next hop is
 * resolved by then; and tell who configures it if it is out of reach.
 */
static void look_for_collector(const struct mirrorx_params *params,
			       struct mirrorx_collector *collector,
			       struct netlink_ext_ack *extack)
{
	const struct mirrorx_limit *limit = &params->limit[MIRRORX_LIMIT_BYTES];
	enum tca_mirrorx_stats reason;
	struct mirrorx_path path;

	local_bh_disable();
	rcu_read_lock();
	reason = mirrorx_path_find(&path, params, collector);
	if (!reason && path.neigh && !path.resolved)
		neigh_event_send(path.neigh, NULL);
	rcu_read_unlock();
	local_bh_enable();

	if (reason == TCA_MIRRORX_STATS_NO_ROUTE)
		NL_SET_ERR_MSG(extack, "No route to the collector yet");
	else if (reason == TCA_MIRRORX_STATS_DEV_DOWN)
		NL_SET_ERR_MSG(extack, "The device to the collector is down");
	else if (reason == TCA_MIRRORX_STATS_MTU)
		NL_SET_ERR_MSG(extack,
			       "The MTU to the collector has no room for a copy");
	else if (!reason && limit->rate && limit->burst < path.mtu)
		NL_SET_ERR_MSG(extack,
			       "No copy larger than burst is sent, and the MTU to the collector is larger");
}

static struct mirrorx_cpu __percpu *new_cpus(void)
{
	struct mirrorx_cpu __percpu *cpus = alloc_percpu_gfp(struct mirrorx_cpu,
							 GFP_KERNEL_ACCOUNT);
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
	if (!params && err) {
		NL_SET_ERR_MSG(extack, "No collector: dst_ip is missing");
		tcf_idr_release(*a, bind);
		return -EINVAL;
	}
	if (!params) {
		NL_SET_ERR_MSG(extack,
			       "No collector: dst_ip is missing, and no action has this index");
		tcf_idr_cleanup(tn, index);
		return -EINVAL;
	}
	if (err)
		return 0;

	/* no_percpu asks for what would only be slower */
	err = tcf_idr_create(tn, index, est, a, &act_mirrorx_ops, bind, true,
			     flags);
	if (err) {
		tcf_idr_cleanup(tn, index);
		return err;
	}
	/* a packet may still come in this jiffy, and is then the first use */
	(*a)->tcfa_tm.lastuse--;
	mirrorx_wait_init(&to_mirrorx(*a)->wait);
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
	mirrorx_limit_carry_over(m->full_at, params);
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
	struct mirrorx_net *mnet = net_generic(net, TC_ACTION_NET_ID(mirrorx));
	bool bind = flags & TCA_ACT_FLAGS_BIND;
	struct tcf_chain *goto_ch = NULL;
	struct mirrorx_params *params;
	struct tc_mirrorx parm;
	int ret, err;
	bool real;
	u32 i;

	params = mirrorx_params_new(net, mnet, nla, &parm, extack);
	if (IS_ERR(params))
		return PTR_ERR(params);

	ret = get_action(&mnet->actions, parm.index, est, a, params, flags,
			 extack);
	if (ret < 0 || (!ret && bind))
		goto free_params;

	err = tcf_action_check_ctrlact(parm.action, tp, &goto_ch, extack);
	if (err < 0) {
		tcf_idr_release(*a, bind);
		ret = err;
		goto free_params;
	}

	for (i = 0; i < params->collectors; i++)
		look_for_collector(params, &params->collector[i], extack);
	real = !params->pan;
	params = swap_params(to_mirrorx(*a), parm.action, goto_ch, params);
	if (params && params->pan && real)
		NL_SET_ERR_MSG(extack,
			       "Copies have real addresses from now on: no key was given");
	mirrorx_params_retire(params);
	return ret;

free_params:
	mirrorx_params_free(params);
	return ret;
}

/* The last reference is gone, and with it the last reader. */
static void tcf_mirrorx_cleanup(struct tc_action *a)
{
	struct tcf_mirrorx *m = to_mirrorx(a);

	mirrorx_wait_end(&m->wait);
	mirrorx_params_retire(rcu_dereference_protected(m->params, 1));
	free_percpu(m->cpu);
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
	const struct mirrorx_flight *flight;
	const struct mirrorx_params *params;
	struct tcf_t t;
	int err;

	spin_lock_bh(&m->tcf_lock);
	params = rcu_dereference_protected(m->params,
					   lockdep_is_held(&m->tcf_lock));
	opt.action = m->tcf_action;
	flight = params->flight;
	err = mirrorx_params_dump(skb, params) ?:
	      mirrorx_spread_dump(skb, params, m->cpu);
	spin_unlock_bh(&m->tcf_lock);

	tcf_tm_dump(&t, &m->tcf_tm);
	if (err || nla_put(skb, TCA_MIRRORX_PARMS, sizeof(opt), &opt) ||
	    nla_put_64bit(skb, TCA_MIRRORX_TM, sizeof(t), &t,
			  TCA_MIRRORX_PAD) ||
	    mirrorx_stats_dump(skb, m, flight)) {
		nlmsg_trim(skb, tail);
		return -1;
	}
	return skb->len;
}

static size_t tcf_mirrorx_get_fill_size(const struct tc_action *a)
{
	size_t size;

	rcu_read_lock();
	size = mirrorx_params_size(rcu_dereference(to_mirrorx(a)->params));
	rcu_read_unlock();
	return nla_total_size(sizeof(struct tc_mirrorx)) +
	       nla_total_size_64bit(sizeof(struct tcf_t)) + size +
	       mirrorx_stats_size();
}

static struct tc_action_ops act_mirrorx_ops = {
	.kind = "mirrorx",
	.id = TCA_ID_MIRRORX,
	.owner = THIS_MODULE,
	.act = tcf_mirrorx_act,
	.dump = tcf_mirrorx_dump,
	TC_ACTION_OPS(mirrorx),
	.cleanup = tcf_mirrorx_cleanup,
	.get_fill_size = tcf_mirrorx_get_fill_size,
	.size = sizeof(struct tcf_mirrorx),
};

static __net_init int mirrorx_init_net(struct net *net)
{
	struct mirrorx_net *mnet = net_generic(net, TC_ACTION_NET_ID(mirrorx));

	return tc_action_net_init(net, &mnet->actions, &act_mirrorx_ops);
}

static void __net_exit mirrorx_exit_net(struct list_head *net_list)
{
	struct mirrorx_net *mnet;
	struct net *net;

	tc_action_net_exit(net_list, TC_ACTION_NET_ID(mirrorx));
	/* No cached route may outlive the namespace that counts it. */
	rcu_barrier();
	list_for_each_entry(net, net_list, exit_list) {
		mnet = net_generic(net, TC_ACTION_NET_ID(mirrorx));
		mirrorx_flight_free(mnet->flight);
	}
}

static struct pernet_operations mirrorx_net_ops = {
	.init = mirrorx_init_net,
	.exit_batch = mirrorx_exit_net,
	.id = &TC_ACTION_NET_ID(mirrorx),
	.size = sizeof(struct mirrorx_net),
};

static void forget_routes(struct tcf_mirrorx *m)
{
	struct mirrorx_params *params;
	u32 i;

	spin_lock_bh(&m->tcf_lock);
	params = rcu_dereference_protected(m->params,
					   lockdep_is_held(&m->tcf_lock));
	for (i = 0; i < params->collectors; i++)
		mirrorx_route_forget(&params->collector[i]);
	spin_unlock_bh(&m->tcf_lock);
}

/*
 * A namespace waits for its loopback device, which in old kernels routes of IPv6
 * hold, before it frees the actions that no filter had.
 */
static void __net_exit mirrorx_exit_devices(struct net *net)
{
	struct mirrorx_net *mnet = net_generic(net, TC_ACTION_NET_ID(mirrorx));
	struct tcf_idrinfo *idrinfo = mnet->actions.idrinfo;
	struct tc_action *a;
	unsigned long id, tmp;

	mutex_lock(&idrinfo->lock);
	idr_for_each_entry_ul(&idrinfo->action_idr, a, tmp, id)
		if (!IS_ERR(a))		/* which one is that is being made */
			forget_routes(to_mirrorx(a));
	mutex_unlock(&idrinfo->lock);
}

static struct pernet_operations mirrorx_devices_ops = {
	.exit = mirrorx_exit_devices,
};

static int __init mirrorx_init_module(void)
{
	int err;

	err = mirrorx_session_init();
	if (err)
		return err;
	err = mirrorx_pmtu_init();
	if (err)
		goto exit_session;
	err = tcf_register_action(&act_mirrorx_ops, &mirrorx_net_ops);
	if (err)
		goto exit_pmtu;
	err = register_pernet_device(&mirrorx_devices_ops);
	if (err)
		goto unregister_action;
	return 0;

unregister_action:
	tcf_unregister_action(&act_mirrorx_ops, &mirrorx_net_ops);
	rcu_barrier();
exit_pmtu:
	mirrorx_pmtu_exit();
exit_session:
	mirrorx_session_exit();
	return err;
}

static void __exit mirrorx_exit_module(void)
{
	unregister_pernet_device(&mirrorx_devices_ops);
	tcf_unregister_action(&act_mirrorx_ops, &mirrorx_net_ops);
	/* callbacks of ours may still be on their way */
	rcu_barrier();
	mirrorx_pmtu_exit();
	mirrorx_session_exit();
	mirrorx_copy_exit();
}

module_init(mirrorx_init_module);
module_exit(mirrorx_exit_module);
MODULE_DESCRIPTION("tc action that mirrors packets to an ERSPAN collector");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_ACT("mirrorx");
