/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_NET_ACT_API_H
#define MIRRORX_COMPAT_NET_ACT_API_H

#include_next <net/act_api.h>

/* Up to 6.8 tc loads "act_mirrorx", which is the module's name. */
#ifndef MODULE_ALIAS_NET_ACT
#define MODULE_ALIAS_NET_ACT(kind)	MODULE_ALIAS("net-act-" kind)
#endif

#endif /* MIRRORX_COMPAT_NET_ACT_API_H */
