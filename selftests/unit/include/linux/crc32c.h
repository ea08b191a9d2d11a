/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/types.h>

/* Castagnoli's polynomial, a bit at a time */
static inline __u32 crc32c(__u32 crc, const void *from, unsigned int len)
{
	const __u8 *p = from;
	int bit;

	for (; len; len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}
