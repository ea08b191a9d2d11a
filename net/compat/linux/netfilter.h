/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_NETFILTER_H
#define MIRRORX_COMPAT_LINUX_NETFILTER_H

#include_next <linux/netfilter.h>

/*
 * Is this hook a function of the kernel's own, no chain of rules?  Where hooks do
 * not say so, they have a chain or have none.
 */
static inline bool nf_hook_is_function(const struct nf_hook_ops *ops)
{
#ifdef HAVE_NF_HOOK_OPS_TYPE
	return ops->hook_ops_type == NF_HOOK_OP_UNDEFINED;
#else
	return !ops->priv;
#endif
}

#endif /* MIRRORX_COMPAT_LINUX_NETFILTER_H */
