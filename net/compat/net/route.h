/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_NET_ROUTE_H
#define MIRRORX_COMPAT_NET_ROUTE_H

#include_next <net/route.h>

#ifndef dst_rtable
#define dst_rtable(ptr)	container_of(ptr, struct rtable, dst)
#endif

#endif /* MIRRORX_COMPAT_NET_ROUTE_H */
