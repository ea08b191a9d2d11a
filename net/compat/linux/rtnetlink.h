/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_RTNETLINK_H
#define MIRRORX_COMPAT_LINUX_RTNETLINK_H

#include_next <linux/rtnetlink.h>

/* Kernels in which no action chooses a queue */
#ifndef HAVE_XMIT_SKIP_TXQUEUE
static inline void netdev_xmit_skip_txqueue(bool skip)
{
}
#endif

/*
 * Has an action chosen the queue of the packet in hand?  Kernels whose function
 * returns that keep it themselves while another packet is sent from a tc hook;
 * in others that packet clears it.
 */
static inline bool netdev_xmit_txqueue_skipped(void)
{
#if defined(HAVE_SKIP_TXQUEUE_KEPT) || !defined(HAVE_XMIT_SKIP_TXQUEUE)
	return false;
#elif defined(CONFIG_PREEMPT_RT) && defined(HAVE_TASK_NET_XMIT)
	return current->net_xmit.skip_txqueue;
#else
	return __this_cpu_read(softnet_data.xmit.skip_txqueue);
#endif
}

#endif /* MIRRORX_COMPAT_LINUX_RTNETLINK_H */
