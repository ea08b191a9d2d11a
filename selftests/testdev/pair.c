// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs of devices: what one end sends, the other one receives.
 */
#include <linux/etherdevice.h>

#include "testdev.h"

/**
 * pair_deliver() - hand what was sent to the other end
 * @skb: nobody else's; consumed
 * @dev: device that sends it
 */
void pair_deliver(struct sk_buff *skb, struct net_device *dev)
{
	struct pair *pair = netdev_priv(dev);
	struct net_device *peer;

	rcu_read_lock();
	peer = rcu_dereference(pair->peer);
	if (!peer || !netif_running(peer)) {
		kfree_skb(skb);
		goto out;
	}
	skb_scrub_packet(skb, true);
#ifdef CONFIG_TLS_DEVICE
	skb->decrypted = 0;
#endif
	skb->dev = peer;
	pair = netdev_priv(peer);
	skb = pair->receive(skb, peer);
	if (skb) {
		skb->protocol = eth_type_trans(skb, peer);
		netif_rx(skb);
	}
out:
	rcu_read_unlock();
}

void pair_setup(struct net_device *dev)
{
	struct pair *pair = netdev_priv(dev);

	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->needs_free_netdev = true;
	spin_lock_init(&pair->lock);
}

/* The second of a pair says which one is the first. */
static int new_end(struct net *src_net, struct net_device *dev,
		   struct nlattr *tb[])
{
	struct pair *pair = netdev_priv(dev), *other;
	struct net_device *peer = NULL;
	int err;

	if (tb[IFLA_LINK]) {
		peer = __dev_get_by_index(src_net, nla_get_u32(tb[IFLA_LINK]));
		if (!peer || peer->rtnl_link_ops != dev->rtnl_link_ops)
			return -ENODEV;
		other = netdev_priv(peer);
		if (rtnl_dereference(other->peer))
			return -EBUSY;
	}
	err = register_netdevice(dev);
	if (err || !peer)
		return err;
	rcu_assign_pointer(pair->peer, peer);
	rcu_assign_pointer(other->peer, dev);
	return 0;
}

#ifdef HAVE_NEWLINK_PARAMS
int pair_newlink(struct net_device *dev, struct rtnl_newlink_params *params,
		 struct netlink_ext_ack *extack)
{
	return new_end(params->src_net, dev, params->tb);
}
#else
int pair_newlink(struct net *src_net, struct net_device *dev,
		 struct nlattr *tb[], struct nlattr *data[],
		 struct netlink_ext_ack *extack)
{
	return new_end(src_net, dev, tb);
}
#endif

void pair_dellink(struct net_device *dev, struct list_head *head)
{
	struct pair *pair = netdev_priv(dev), *other;
	struct net_device *peer = rtnl_dereference(pair->peer);

	RCU_INIT_POINTER(pair->peer, NULL);
	unregister_netdevice_queue(dev, head);
	if (!peer)
		return;
	other = netdev_priv(peer);
	RCU_INIT_POINTER(other->peer, NULL);
	unregister_netdevice_queue(peer, head);
}
