/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_RTNETLINK_H
#define MIRRORX_COMPAT_LINUX_RTNETLINK_H

#include_next <linux/rtnetlink.h>

/*
 * Has an action chosen the queue of the packet in hand?  Kernels whose function
 * returns that keep it themselves while another packet is sent from a tc hook;
 * in others that packet clears it.
 */
static inline bool netdev_xmit_txqueue_skipped(void)
{
#ifdef HAVE_SKIP_TXQUEUE_KEPT
	return false;
#elif defined(CONFIG_PREEMPT_RT) && defined(HAVE_TASK_NET_XMIT)
	return current->net_xmit.skip_txqueue;
#else
	return __this_cpu_read(softnet_data.xmit.skip_txqueue);
#endif
}

#endif /* MIRRORX_COMPAT_LINUX_RTNETLINK_H */
