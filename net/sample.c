// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing each frame with probability 1/N is the same as passing over G
 * frames before each chosen one, where G is geometric:
 *
 *	P(G = g) = (1 - 1/N)^g / N,    G = floor(log2(U) / log2(1 - 1/N))
 *
 * for U uniform in (0, 1].  So one random number is drawn per chosen frame
 * instead of one per frame.  The logarithm is taken in fixed point, one bit
 * per squaring, good to 2^-26; the bias of the rate stays below 10^-6.
 */
#include <linux/bitops.h>
#include <linux/math64.h>

#include "sample.h"

#define LOG_BITS	26	/* fraction bits of a logarithm: Q6.26 */
#define SCALE_BITS	24	/* fraction bits of a scale: Q33.24 */
#define LN2_Q32		2977044472u	/* ln 2 * 2^32, rounded */

/* -log2(x / 2^64) for x > 0, as Q6.26 */
static __u32 neg_log2(__u64 x)
{
	unsigned int shift = 64 - fls64(x);
	__u64 mantissa = x << shift >> 32;	/* [1, 2) as Q1.31 */
	__u32 log = 0;
	int i;

	for (i = 0; i < LOG_BITS; i++) {
		mantissa = mantissa * mantissa >> 31;
		log <<= 1;
		if (mantissa >> 32) {
			mantissa >>= 1;
			log |= 1;
		}
	}
	return ((shift + 1) << LOG_BITS) - log;
}

/**
 * mirrorx_sample_scale() - 1 / -log2(1 - 1/N), for mirrorx_sample_gap()
 * @rate: N, from 2
 *
 * From 64 up by the series N - 1/2 - 1/(12 N) of -1 / ln(1 - 1/N), where the
 * logarithm itself would lose digits.
 *
 * Return: the scale as Q33.24
 */
__u64 mirrorx_sample_scale(__u32 rate)
{
	__u64 one = 1ull << SCALE_BITS;

	if (rate < 64)
		return div_u64(one << LOG_BITS,
			       neg_log2(div_u64(~0ull, rate) * (rate - 1)));

	return mul_u64_u32_shr(rate * one - one / 2 - div_u64(one, rate) / 12,
			       LN2_Q32, 32);
}

/**
 * mirrorx_sample_gap() - how many frames to pass over before the next sample
 * @scale: of the rate, mirrorx_sample_scale()
 * @random: uniform over all u64
 *
 * Return: a geometrically distributed number, N - 1 on average
 */
__u64 mirrorx_sample_gap(__u64 scale, __u64 random)
{
	/* the set bit keeps the argument from 0, and the result in 32 bits */
	return mul_u64_u64_shr(scale, neg_log2(random | 2),
			       SCALE_BITS + LOG_BITS);
}
