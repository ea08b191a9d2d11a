/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_NET_ROUTE_H
#define MIRRORX_COMPAT_NET_ROUTE_H

#include_next <net/route.h>

#ifndef dst_rtable
#define dst_rtable(ptr)	container_of(ptr, struct rtable, dst)
#endif

#ifndef INET_DSCP_MASK
#define INET_DSCP_MASK	0xfc
#endif

/* The whole DSCP, and no ECN, decides on the route. */
static inline void flowi4_set_tos(struct flowi4 *fl4, u8 tos)
{
#ifdef HAVE_FLOWI4_DSCP
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

#endif /* MIRRORX_COMPAT_NET_ROUTE_H */
