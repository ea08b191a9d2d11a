/* SPDX-License-Identifier: GPL-2.0-only */
#include_next <linux/types.h>
#include <stdbool.h>

#define __aligned(n)	__attribute__((aligned(n)))
#define __uninitialized
#define noinline	__attribute__((noinline))
#define fallthrough	__attribute__((fallthrough))
#define likely(x)	__builtin_expect(!!(x), 1)
