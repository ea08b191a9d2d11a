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

/* The short cut comes to the same. */
static void check_usual(const struct mirrorx_flow *flow, const __u8 *first)
{
	struct mirrorx_flow_key usual;

	if (!mirrorx_flow_usual(&usual, first))
		return;
	require(usual.len == flow->key.len && !flow->datagram.len);
	require(!memcmp(usual.bytes, flow->key.bytes, usual.len));
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
	if (first_len >= MIRRORX_FLOW_USUAL)
		check_usual(&flow, first);
	free(first);
	free(all);
	return 0;
}
