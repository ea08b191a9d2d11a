/* SPDX-License-Identifier: GPL-2.0-only */
#include <asm/byteorder.h>
#include <linux/types.h>
#include <string.h>

#define __force
#define htons(x)	__cpu_to_be16(x)
#define htonl(x)	__cpu_to_be32(x)
#define CSUM_MANGLED_0	((__sum16)0xffff)

static inline __wsum csum_add(__wsum a, __wsum b)
{
	__u64 sum = (__u64)a + b;

	return (__u32)sum + (sum >> 32);
}

static inline __wsum csum_sub(__wsum a, __wsum b)
{
	return csum_add(a, ~b);
}

static inline __wsum csum_tcpudp_nofold(__be32 saddr, __be32 daddr, __u32 len,
					__u8 proto, __wsum sum)
{
	sum = csum_add(csum_add(sum, saddr), daddr);
	return csum_add(csum_add(sum, htonl(len)), htons(proto));
}

static inline __wsum csum_partial(const void *from, int len, __wsum sum)
{
	const __u8 *p = from;
	__u16 word;

	for (; len > 0; len -= 2, p += 2) {
		word = 0;
		memcpy(&word, p, len > 1 ? 2 : 1);
		sum = csum_add(sum, word);
	}
	return sum;
}

static inline __sum16 csum_fold(__wsum sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* RFC 1624, equation 3 */
static inline void csum_replace2(__sum16 *sum, __be16 was, __be16 now)
{
	*sum = csum_fold(csum_add(csum_add((__u16)~*sum, (__u16)~was), now));
}

static inline void csum_replace_by_diff(__sum16 *sum, __wsum diff)
{
	*sum = csum_fold(csum_add(diff, ~(__wsum)*sum));
}
