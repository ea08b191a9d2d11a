/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses in a copy, as bytes.  Pure: also compiled in user space by the
 * tests.
 */
#ifndef MIRRORX_ANONYMIZE_H
#define MIRRORX_ANONYMIZE_H

#include <linux/types.h>

/* Bits of the addresses that have pseudonyms */
#define MIRRORX_BITS_IPV4	32
#define MIRRORX_BITS_MAC	48
#define MIRRORX_BITS_IPV6	128

/* How many addresses of a frame are replaced; what is beyond them is cleared. */
#define MIRRORX_PSEUDONYMS_MAX	16

struct mirrorx_pan;

void mirrorx_anonymize(__u8 *frame, __u32 len, const struct mirrorx_pan *pan,
		       bool mac, bool zeroed);

/**
 * mirrorx_pseudonym() - replace an address
 * @pan: key
 * @addr: the address, in network order
 * @bits: its length, one of MIRRORX_BITS_*
 *
 * BH is off.
 */
void mirrorx_pseudonym(const struct mirrorx_pan *pan, __u8 *addr,
		       unsigned int bits);

#endif /* MIRRORX_ANONYMIZE_H */
