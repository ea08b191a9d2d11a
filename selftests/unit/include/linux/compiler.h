/* SPDX-License-Identifier: GPL-2.0-only */
#define likely(x)	__builtin_expect(!!(x), 1)
