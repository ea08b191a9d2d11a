// SPDX-License-Identifier: GPL-2.0-only
/*
 * For flow.py: one request per line, all bytes in hex.
 *
 *	BYTES INNER FRAME	what tells the flow of the frame, of which only that
 *				many bytes lie in one piece; what tells its datagram
 *				or -; whether it is not the first fragment; and
 *				what the short cut for usual frames says, or -
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "whole.h"

static void print(const struct mirrorx_flow_key *key, const char *end)
{
	__u32 i;

	for (i = 0; i < key->len; i++)
		printf("%02x", key->bytes[i]);
	printf("%s%s", key->len ? "" : "-", end);
}

static void find(__u32 data_len, int inner)
{
	__u8 *first = copy(data_len), *all = copy(frame_len);
	struct mirrorx_view view = {
		.data = first,
		.data_len = data_len,
		.len = frame_len,
		.frame = all,
	};
	struct mirrorx_flow_key usual = { .len = 0 };
	struct mirrorx_flow_ends ends;
	struct mirrorx_flow flow;
	__u8 kind;

	mirrorx_flow_find(&flow, &view, inner);
	print(&flow.key, " ");
	print(&flow.datagram, " ");
	printf("%d ", flow.later);
	kind = mirrorx_flow_usual(&ends, first, data_len);
	if (kind && !(inner && mirrorx_flow_is_tunnel(&ends)))
		mirrorx_flow_key(&usual, &ends, kind);
	print(&usual, "\n");
	free(first);
	free(all);
}

int main(void)
{
	static char hex[2 * FRAME_MAX + 1];
	unsigned int data_len, byte;
	int inner;

	while (scanf("%u %d %131070s", &data_len, &inner, hex) == 3) {
		for (frame_len = 0; sscanf(hex + 2 * frame_len, "%2x", &byte) == 1; )
			frame[frame_len++] = byte;
		if (data_len > frame_len)
			return 1;
		find(data_len, inner);
	}
	return feof(stdin) ? 0 : 1;
}
