/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTDEV_H
#define TESTDEV_H

#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <net/rtnetlink.h>

#define SA_MAX		8

/**
 * struct pair - one end of a pair of devices
 * @peer: the other end, which receives what this one sends
 * @receive: what the hardware does with a packet that came in; consumes it if
 *	it returns NULL
 * @lock: of @sas
 * @sas: IPsec states that the device has the keys of
 */
struct pair {
	struct net_device __rcu *peer;
	struct sk_buff *(*receive)(struct sk_buff *skb, struct net_device *dev);
	spinlock_t lock;
	struct sa *sas[SA_MAX];
};

void pair_setup(struct net_device *dev);
#ifdef HAVE_NEWLINK_PARAMS
int pair_newlink(struct net_device *dev, struct rtnl_newlink_params *params,
		 struct netlink_ext_ack *extack);
#else
int pair_newlink(struct net *src_net, struct net_device *dev,
		 struct nlattr *tb[], struct nlattr *data[],
		 struct netlink_ext_ack *extack);
#endif
void pair_dellink(struct net_device *dev, struct list_head *head);
void pair_deliver(struct sk_buff *skb, struct net_device *dev);

extern struct rtnl_link_ops stamp_link_ops, cookie_link_ops;
extern struct rtnl_link_ops crypt_link_ops, opaque_link_ops;

#endif
