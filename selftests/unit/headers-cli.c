// SPDX-License-Identifier: GPL-2.0-only
/*
 * For headers.py: one request per line, all bytes in hex.
 *
 *	find BYTES FRAME	where the headers of the frame are, of which
 *				only that many bytes lie in one piece
 *	fix LEN FRAME		may a slice of LEN bytes pass for a packet, and
 *				what became of it
 *	cuts FRAME		the same, a line for each LEN from 14 on
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "whole.h"

static void find(__u32 data_len)
{
	__u8 *first = copy(data_len), *all = copy(frame_len);
	struct mirrorx_view view = {
		.data = first,
		.data_len = data_len,
		.len = frame_len,
		.frame = all,
	};
	struct mirrorx_headers h;

	mirrorx_headers_find(&h, &view);
	printf("%u %u %u %u %u %u\n", h.type_at, h.l3, h.l4, h.end, h.ethertype,
	       h.proto);
	free(first);
	free(all);
}

static void fix(__u32 len)
{
	__u8 *slice = copy(len);
	__u32 i;

	printf("%d ", mirrorx_headers_fix(slice, len, frame_len));
	for (i = 0; i < len; i++)
		printf("%02x", slice[i]);
	printf("\n");
	free(slice);
}

static bool read_frame(void)
{
	static char hex[2 * FRAME_MAX + 1];
	unsigned int byte;

	if (scanf("%131070s", hex) != 1)
		return false;
	frame_len = strlen(hex) / 2;
	for (__u32 i = 0; i < frame_len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		frame[i] = byte;
	}
	return true;
}

int main(void)
{
	__u32 len = 0;
	char what[8];

	while (scanf("%7s", what) == 1) {
		if (strcmp(what, "cuts") && scanf("%u", &len) != 1)
			return 1;
		if (!read_frame() || len > frame_len)
			return 1;
		if (!strcmp(what, "find"))
			find(len);
		else if (!strcmp(what, "fix"))
			fix(len);
		else
			for (len = 14; len <= frame_len; len++)
				fix(len);
		len = 0;
	}
	return feof(stdin) ? 0 : 1;
}
