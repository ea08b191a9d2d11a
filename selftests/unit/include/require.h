/* SPDX-License-Identifier: GPL-2.0-only */
/* For the fuzzers: what must hold, or the input that broke it is kept. */
#include <stdio.h>
#include <stdlib.h>

#define require(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,	\
			#condition);					\
		abort();						\
	}								\
} while (0)
