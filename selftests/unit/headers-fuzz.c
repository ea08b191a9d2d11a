// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any frame, in any two pieces, and any slice of it.
 *
 * Input: how many bytes lie in the first piece (u16), length of the slice
 * (u16), which fetch fails (u8, 255: none), little endian, and the frame.
 * Frames, pieces and slices have memory of exactly their size.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/unaligned.h>
#include <net/checksum.h>

#include "headers.h"
#include "pieces.h"
#include "require.h"

#define CONTROL		5
#define MORE_FRAGMENTS	0x2000

static void check_order(const struct mirrorx_headers *h, __u32 len)
{
	require(h->l3 <= h->l4 && h->l4 <= h->end && h->end <= len);
	require(len < ETH_HLEN || h->type_at < h->l3);
	require(!(h->ipv4 && h->ipv6));
	require(h->end == h->l4 || h->ipv4 || h->ipv6);
}

static struct mirrorx_headers check_find(const __u8 *bytes, __u32 len,
					 __u32 first, unsigned int failure)
{
	struct frame frame = { bytes, len, NONE_FAILS };
	__u8 *piece = copy(bytes, first);
	struct mirrorx_view whole = { bytes, len, len, NULL };
	struct mirrorx_view parts = { piece, first, len, &frame };
	struct mirrorx_headers one, two;

	mirrorx_headers_find(&one, &whole);
	check_order(&one, len);
	mirrorx_headers_find(&two, &parts);
	require(!memcmp(&one, &two, sizeof(one)));

	/* what cannot be read is as good as not there */
	frame.until_failure = failure;
	mirrorx_headers_find(&two, &parts);
	check_order(&two, len);
	require(two.l4 <= one.l4 || one.l3 != two.l3);
	free(piece);
	return one;
}

static __sum16 sum(const __u8 *bytes, __u32 len, __wsum start)
{
	return csum_fold(csum_partial(bytes, len, start));
}

static __wsum pseudo_header(const __u8 *ip, bool ipv6, __u32 len, __u8 proto)
{
	__u8 header[40] = { 0 };

	memcpy(header, ip + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);
	put_unaligned_be32(len, header + 32);
	header[39] = proto;
	return csum_partial(header, sizeof(header), 0);
}

/* What was shortened has right checksums, and says what is left. */
static void check_valid(const struct mirrorx_headers *h, const __u8 *now,
			const __u8 *was, __u32 len)
{
	const __u8 *ip = now + h->l3, *l4 = now + h->l4;
	__u32 ip_len, l4_len;
	__wsum pseudo;

	ip_len = h->ipv4 ? get_unaligned_be16(ip + 2) :
			   40u + get_unaligned_be16(ip + 4);
	require(ip_len >= h->l4 - h->l3 && ip_len <= len - h->l3);
	l4_len = ip_len - (h->l4 - h->l3);
	/* as right or wrong as it was */
	if (h->ipv4)
		require(sum(ip, h->l4 - h->l3, 0) % 0xffff ==
			sum(was + h->l3, h->l4 - h->l3, 0) % 0xffff);
	if (!memcmp(now, was, len))
		return;			/* all of it was there */

	require(l4_len);
	if (h->fragment & MORE_FRAGMENTS)
		require(l4_len % 8 == 0);
	if (h->fragment) {
		require(!memcmp(l4, was + h->l4, len - h->l4));
		return;
	}

	pseudo = pseudo_header(ip, h->ipv6, l4_len, h->proto);
	switch (h->proto) {
	case IPPROTO_TCP:
	case IPPROTO_ICMPV6:
		require(!sum(l4, l4_len, pseudo));
		break;
	case IPPROTO_ICMP:
		require(!sum(l4, l4_len, 0));
		break;
	case IPPROTO_UDP:
		require(get_unaligned_be16(l4 + 4) <= l4_len);
		if (memcmp(l4, was + h->l4, 8) && get_unaligned_be16(l4 + 6))
			require(!sum(l4, l4_len, pseudo));
		break;
	}
}

/* Makes the bytes that a fix may change the same in both. */
static void forget(const struct mirrorx_headers *h, __u8 *a, const __u8 *b)
{
	static const struct {
		__u8 proto, at, len;
	} sums[] = {
		{ IPPROTO_TCP, 16, 2 }, { IPPROTO_UDP, 4, 4 },
		{ IPPROTO_ICMP, 2, 2 }, { IPPROTO_ICMPV6, 2, 2 },
	};
	__u32 i;

	if (h->ethertype < ETH_P_802_3_MIN)
		memcpy(a + h->type_at, b + h->type_at, 2);
	if (h->ipv4) {
		memcpy(a + h->l3 + 2, b + h->l3 + 2, 2);
		memcpy(a + h->l3 + 10, b + h->l3 + 10, 2);
	}
	if (h->ipv6)
		memcpy(a + h->l3 + 4, b + h->l3 + 4, 2);
	if (h->fragment)
		return;
	for (i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		if (h->end > h->l4 && h->proto == sums[i].proto)
			memcpy(a + h->l4 + sums[i].at, b + h->l4 + sums[i].at,
			       sums[i].len);
}

static void check_fix(const __u8 *bytes, __u32 frame_len, __u32 len)
{
	__u8 *slice = copy(bytes, len), *again;
	struct mirrorx_view view = { bytes, len, len, NULL };
	struct mirrorx_headers h, then;

	mirrorx_headers_find(&h, &view);
	if (!mirrorx_headers_fix(slice, len, frame_len)) {
		require(!memcmp(slice, bytes, len));
		free(slice);
		return;
	}

	require(len >= ETH_HLEN && h.l3 <= len);
	view.data = slice;
	mirrorx_headers_find(&then, &view);
	require(then.l3 == h.l3 && then.l4 == h.l4 && then.end == h.end);
	if (h.ethertype < ETH_P_802_3_MIN)
		require(get_unaligned_be16(slice + h.type_at) <= len - h.l3);
	if (h.ipv4 || h.ipv6)
		check_valid(&h, slice, bytes, len);

	/* once more, as the slice that it is and as the frame it has become */
	again = copy(slice, len);
	require(mirrorx_headers_fix(again, len, frame_len));
	require(!memcmp(again, slice, len));
	require(mirrorx_headers_fix(again, len, len));
	require(!memcmp(again, slice, len));

	forget(&h, again, bytes);
	require(!memcmp(again, bytes, len));
	free(again);
	free(slice);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	__u32 first, len, frame_len;
	unsigned int failure;
	__u8 *frame;

	if (size < CONTROL)
		return 0;
	frame_len = size - CONTROL;
	first = (data[0] | data[1] << 8) % (frame_len + 1);
	len = (data[2] | data[3] << 8) % (frame_len + 1);
	failure = data[4];
	frame = copy(data + CONTROL, frame_len);
	check_find(frame, frame_len, first, failure);
	check_fix(frame, frame_len, len);
	free(frame);
	return 0;
}
