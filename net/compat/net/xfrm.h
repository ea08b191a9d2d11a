/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_NET_XFRM_H
#define MIRRORX_COMPAT_NET_XFRM_H

#include_next <net/xfrm.h>

#if defined(HAVE_XFRM_DECODE_NET) && defined(CONFIG_XFRM_OFFLOAD)
static inline bool xfrm_dev_makes_esp(const struct net_device *dev)
{
	return dev->xfrmdev_ops && dev->xfrmdev_ops->xdo_dev_policy_add;
}

static inline bool xfrm_dst_is_for_device(const struct dst_entry *dst)
{
	return dst->xfrm && dst->xfrm->xso.type == XFRM_DEV_OFFLOAD_PACKET;
}
#else
static inline bool xfrm_dev_makes_esp(const struct net_device *dev)
{
	return false;
}

static inline bool xfrm_dst_is_for_device(const struct dst_entry *dst)
{
	return false;
}
#endif

/* The one without a namespace pulls headers: a packet must only be read. */
#ifndef HAVE_XFRM_DECODE_NET
#define xfrm_decode_session(net, skb, fl, family) \
	((void)(net), (void)(skb), (void)(fl), (void)(family), -EOPNOTSUPP)
#endif

#endif /* MIRRORX_COMPAT_NET_XFRM_H */
