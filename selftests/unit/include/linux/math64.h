/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * With WITHOUT_INT128 the arithmetic is that of 32-bit machines, where the
 * kernel puts a product together from halves.
 */
#include <linux/types.h>

static inline __u64 div_u64_rem(__u64 dividend, __u32 divisor, __u32 *rem)
{
	*rem = dividend % divisor;
	return dividend / divisor;
}

static inline __u64 div_u64(__u64 dividend, __u32 divisor)
{
	return dividend / divisor;
}

/* Good for any shift, on every machine. */
static inline __u64 mul_u64_u64_shr(__u64 a, __u64 b, unsigned int shift)
{
	return (unsigned __int128)a * b >> shift;
}

static inline __u64 mul_u64_u32_shr(__u64 a, __u32 b, unsigned int shift)
{
#ifdef WITHOUT_INT128
	__u64 low = (a & 0xffffffff) * b, high = (a >> 32) * b;

	/* Undefined for a shift of more than 32, and UBSan says so. */
	return (low >> shift) + (high ? high << (32 - shift) : 0);
#else
	return (unsigned __int128)a * b >> shift;
#endif
}
