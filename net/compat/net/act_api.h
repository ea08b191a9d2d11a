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

#endif /* MIRRORX_COMPAT_NET_ACT_API_H */
