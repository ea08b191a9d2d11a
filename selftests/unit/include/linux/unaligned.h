/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/types.h>

static inline __u16 get_unaligned_be16(const void *from)
{
	const __u8 *p = from;

	return p[0] << 8 | p[1];
}

static inline __u32 get_unaligned_be32(const void *from)
{
	const __u8 *p = from;

	return (__u32)get_unaligned_be16(p) << 16 | get_unaligned_be16(p + 2);
}

static inline __u64 get_unaligned_be64(const void *from)
{
	return (__u64)get_unaligned_be32(from) << 32 |
	       get_unaligned_be32((const __u8 *)from + 4);
}

static inline void put_unaligned_be16(__u16 val, void *to)
{
	__u8 *p = to;

	p[0] = val >> 8;
	p[1] = val;
}

static inline void put_unaligned_be32(__u32 val, void *to)
{
	__u8 *p = to;

	put_unaligned_be16(val >> 16, p);
	put_unaligned_be16(val, p + 2);
}
