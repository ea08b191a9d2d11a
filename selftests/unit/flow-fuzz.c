// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: the flow of any frame, in any two pieces.
 *
 * Input: how many bytes lie in the first piece (u16, little endian), which fetch
 * fails (u8, 255: none), and the frame.  Frames and pieces have memory of exactly
 * their size.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/unaligned.h>

#include "flow.h"
#include "pieces.h"
#include "require.h"

#define CONTROL		3

static void check_key(const struct mirrorx_flow_key *key)
{
	require(key->len == 0 || key->len == MIRRORX_FLOW_MIN ||
		key->len == MIRRORX_FLOW_MAX);
}

/* Any other byte is another flow, but for what IPv4 does not use. */
static void check_ends(const struct mirrorx_flow_ends *ends, __u8 kind,
		       __u8 which)
{
	__u8 used = kind == MIRRORX_FLOW_IPV4 ? 16 : sizeof(*ends);
	struct mirrorx_flow_ends other = *ends;

	require(ends->what && mirrorx_flow_same(ends, &other, kind));
	((__u8 *)&other)[which % sizeof(other)] ^= 1 << which % 8;
	require(mirrorx_flow_same(ends, &other, kind) ==
		(which % sizeof(other) >= used));
}

/* It is not what the memory is at first, nor the same in the other kind. */
static void check_kind(const struct mirrorx_flow_ends *ends, __u8 kind)
{
	struct mirrorx_flow_ends none = { 0 };

	require(kind == MIRRORX_FLOW_IPV4 || kind == MIRRORX_FLOW_IPV6);
	require(!mirrorx_flow_same(ends, &none, kind));
	require(ends->what >> 40 == (kind == MIRRORX_FLOW_IPV6 ? kind : 0));
}

/* The short cut comes to the same. */
static void check_usual(const struct mirrorx_flow *flow, const __u8 *first,
			__u32 len, bool inner)
{
	struct mirrorx_flow_ends ends = { 1, { 1, 1, 1, 1 } };
	struct mirrorx_flow_key usual;
	__u8 kind;

	kind = mirrorx_flow_usual(&ends, first, len);
	if (!kind || (inner && mirrorx_flow_is_tunnel(&ends)))
		return;
	mirrorx_flow_key(&usual, &ends, kind);
	require(usual.len == flow->key.len && !flow->datagram.len);
	require(!memcmp(usual.bytes, flow->key.bytes, usual.len));
	check_kind(&ends, kind);
	check_ends(&ends, kind, len);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct mirrorx_flow flow, inner;
	struct mirrorx_view view;
	struct frame frame;
	__u8 *first, *all;
	__u32 first_len;

	if (size < CONTROL)
		return 0;
	frame.len = size - CONTROL;
	first_len = data[0] | data[1] << 8;
	if (first_len > frame.len)
		first_len = frame.len;
	first = copy(data + CONTROL, first_len);
	all = copy(data + CONTROL, frame.len);
	frame.bytes = all;
	view = (struct mirrorx_view){ first, first_len, frame.len, &frame };

	frame.until_failure = data[2];
	mirrorx_flow_find(&inner, &view, true);
	check_key(&inner.key);
	check_key(&inner.datagram);

	frame.until_failure = NONE_FAILS;
	mirrorx_flow_find(&flow, &view, false);
	check_key(&flow.key);
	require(!flow.datagram.len || flow.datagram.len == flow.key.len);
	require(!flow.later || flow.datagram.len);
	require(flow.key.len || frame.len < 14);
	check_usual(&flow, first, first_len, false);
	mirrorx_flow_find(&inner, &view, true);
	check_usual(&inner, first, first_len, true);
	free(first);
	free(all);
	return 0;
}
