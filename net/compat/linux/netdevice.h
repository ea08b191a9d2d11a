/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_NETDEVICE_H
#define MIRRORX_COMPAT_LINUX_NETDEVICE_H

#include_next <linux/netdevice.h>

/* Is what stands in the place of the hardware's stamp a cookie of the driver? */
static inline bool skb_hwtstamp_is_cookie(const struct sk_buff *skb)
{
#ifdef HAVE_NDO_GET_TSTAMP
	return skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP_NETDEV;
#else
	return false;
#endif
}

/* The time that such a cookie stands for, or 0 where nobody knows */
static inline ktime_t
netdev_cookie_tstamp(struct net_device *dev,
		     const struct skb_shared_hwtstamps *cookie)
{
#ifdef HAVE_NDO_GET_TSTAMP
	const struct net_device_ops *ops = dev->netdev_ops;

	if (ops->ndo_get_tstamp)
		return ops->ndo_get_tstamp(dev, cookie, false);
#endif
	return 0;
}

#endif /* MIRRORX_COMPAT_LINUX_NETDEVICE_H */
