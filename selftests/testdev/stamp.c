// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive stamps of the hardware.
 *
 * A device of the kind "stamp" receives what it sends.  The last 8 bytes of a
 * frame are its stamp, in ns since 1970, network order; 0 for none.  The kind
 * "cookie" is the same, but hands on a cookie in its place, as some drivers do,
 * and tells what it stands for when it is asked.
 */
#include <linux/etherdevice.h>

#include "testdev.h"

#define COOKIE		4711		/* less than its time */

#ifdef HAVE_COOKIES
static ktime_t cookie_get(struct net_device *dev,
			  const struct skb_shared_hwtstamps *hw, bool cycles)
{
	return hw->hwtstamp + COOKIE;
}

static void put_cookie(struct sk_buff *skb, const struct net_device *dev)
{
	if (!dev->netdev_ops->ndo_get_tstamp)
		return;
	skb_hwtstamps(skb)->hwtstamp -= COOKIE;
	skb_shinfo(skb)->tx_flags |= SKBTX_HW_TSTAMP_NETDEV;
}
#else
static void put_cookie(struct sk_buff *skb, const struct net_device *dev)
{
}
#endif

static netdev_tx_t stamp_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);
	__be64 stamp;

	consume_skb(skb);
	if (!copy)
		return NETDEV_TX_OK;

	if (!skb_copy_bits(copy, copy->len - sizeof(stamp), &stamp,
			   sizeof(stamp)) && stamp) {
		skb_hwtstamps(copy)->hwtstamp = be64_to_cpu(stamp);
		put_cookie(copy, dev);
	}
	copy->protocol = eth_type_trans(copy, dev);
	netif_rx(copy);
	return NETDEV_TX_OK;
}

static const struct net_device_ops stamp_ops = {
	.ndo_start_xmit = stamp_xmit,
};

static void stamp_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->needs_free_netdev = true;
	dev->netdev_ops = &stamp_ops;
}

struct rtnl_link_ops stamp_link_ops = {
	.kind = "stamp",
	.setup = stamp_setup,
};

#ifdef HAVE_COOKIES
static const struct net_device_ops cookie_ops = {
	.ndo_start_xmit = stamp_xmit,
	.ndo_get_tstamp = cookie_get,
};

static void cookie_setup(struct net_device *dev)
{
	stamp_setup(dev);
	dev->netdev_ops = &cookie_ops;
}

struct rtnl_link_ops cookie_link_ops = {
	.kind = "cookie",
	.setup = cookie_setup,
};
#endif
