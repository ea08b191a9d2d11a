// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any copy, whose addresses are replaced and whose payload is cleared.
 *
 * Input: options (u8: MAC addresses, payload), and the frame, which has memory of
 * exactly its size.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

#include "anonymize.h"
#include "headers.h"
#include "require.h"

#define MAC		1
#define ZERO		2

static unsigned int replaced;

/* In one piece here. */
bool mirrorx_fetch(const void *from, __u32 offset, __u32 len, __u8 *to)
{
	require(!from || offset || len || to);
	return false;
}

/* Any change will do, if it is one. */
void mirrorx_pseudonym(const struct mirrorx_pan *pan, __u8 *addr,
		       unsigned int bits)
{
	unsigned int i;

	require(!pan);
	require(bits == MIRRORX_BITS_IPV4 || bits == MIRRORX_BITS_IPV6 ||
		bits == MIRRORX_BITS_MAC);
	for (i = 0; i < bits / 8; i++)
		addr[i] ^= 0xa5 + i;
	replaced++;
}

/* Mod 0xffff, where 0 and 0xffff are the same */
static __u32 l4_sum(const struct mirrorx_headers *h, const __u8 *frame,
		    __u32 end)
{
	__wsum sum = csum_partial(frame + h->l4, end - h->l4, 0);

	if (h->proto != IPPROTO_ICMP)
		sum = csum_partial(frame + h->l3 + (h->ipv4 ? 12 : 8),
				   h->ipv4 ? 8 : 32, sum);
	return csum_fold(sum) % 0xffff;
}

static bool has_sum(const struct mirrorx_headers *h, const __u8 *was, __u32 end)
{
	if (h->end == h->l4 || h->fragment || h->end > end)
		return false;
	switch (h->proto) {
	case IPPROTO_TCP:
		return true;
	case IPPROTO_UDP:
		return get_unaligned_be16(was + h->l4 + 6);
	case IPPROTO_ICMP:
		return h->ipv4;
	case IPPROTO_ICMPV6:
		return h->ipv6;
	default:
		return false;
	}
}

static void check(const struct mirrorx_headers *h, const __u8 *was,
		  const __u8 *now, __u32 len)
{
	__u32 end = len;

	if (!h->ipv4 && !h->ipv6) {
		__u32 from = h->ethertype == ETH_P_ARP ? h->l4 : h->l3;

		for (; from < len; from++)
			require(!now[from]);
		return;
	}
	if (h->ip_len && h->l3 + h->ip_len < end)
		end = h->l3 + h->ip_len;
	if (end < h->l4)
		end = h->l4;
	for (__u32 i = end; i < len; i++)
		require(!now[i]);
	require(memcmp(was + h->l3 + (h->ipv4 ? 12 : 8),
		       now + h->l3 + (h->ipv4 ? 12 : 8), h->ipv4 ? 8 : 32));
	if (h->ipv4)
		require(csum_fold(csum_partial(was + h->l3, h->l4 - h->l3, 0)) %
			0xffff == csum_fold(csum_partial(now + h->l3,
							 h->l4 - h->l3, 0)) %
			0xffff);
	if (has_sum(h, was, end))
		require(l4_sum(h, was, end) == l4_sum(h, now, end));
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct mirrorx_view view;
	struct mirrorx_headers h;
	__u8 *was, *now;
	__u32 len, i;

	if (size < 1 + ETH_HLEN)
		return 0;
	len = size - 1;
	was = malloc(len);
	now = malloc(len);
	memcpy(was, data + 1, len);
	memcpy(now, was, len);
	view = (struct mirrorx_view){ .data = was, .data_len = len, .len = len };
	mirrorx_headers_find(&h, &view);

	if (*data & ZERO) {
		mirrorx_headers_zero(now, len);
		if (h.ipv4 || h.ipv6)
			for (i = h.end; i < len; i++)
				require(!now[i]);
		memcpy(was, now, len);
	}
	replaced = 0;
	mirrorx_anonymize(now, len, NULL, *data & MAC, *data & ZERO);
	require(replaced <= MIRRORX_PSEUDONYMS_MAX);
	check(&h, was, now, len);
	if (!(*data & MAC))
		require(!memcmp(was, now, 2 * ETH_ALEN));
	free(was);
	free(now);
	return 0;
}
