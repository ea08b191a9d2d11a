/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_LOCAL_LOCK_H
#define MIRRORX_COMPAT_LINUX_LOCAL_LOCK_H

#include_next <linux/local_lock.h>

/* Kernels without it: BH off is a lock of its own on PREEMPT_RT. */
#ifndef local_lock_nested_bh
#define local_lock_nested_bh(lock)	((void)(lock))
#define local_unlock_nested_bh(lock)	((void)(lock))
#endif

#endif /* MIRRORX_COMPAT_LINUX_LOCAL_LOCK_H */
