/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distance to the next sample.  Pure: also compiled in user space by the tests.
 */
#ifndef MIRRORX_SAMPLE_H
#define MIRRORX_SAMPLE_H

#include <linux/types.h>

__u64 mirrorx_sample_scale(__u32 rate);
__u64 mirrorx_sample_gap(__u64 scale, __u64 random);

#endif /* MIRRORX_SAMPLE_H */
