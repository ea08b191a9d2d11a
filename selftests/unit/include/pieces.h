/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the fuzzers: a frame that does not lie in one piece.
 */
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "require.h"

#define NONE_FAILS	255

struct frame {
	const __u8 *bytes;
	__u32 len;
	unsigned int until_failure;
};

/* A frame is not asked for what it does not have. */
bool mirrorx_fetch(const void *from, __u32 offset, __u32 len, __u8 *to)
{
	struct frame *frame = (struct frame *)from;

	require(len && offset < frame->len && len <= frame->len - offset);
	if (frame->until_failure != NONE_FAILS && !frame->until_failure--) {
		frame->until_failure = 0;
		return false;
	}
	memcpy(to, frame->bytes + offset, len);
	return true;
}

static __u8 *copy(const __u8 *from, __u32 len)
{
	__u8 *to = malloc(len ?: 1);

	memcpy(to, from, len);
	return to;
}
