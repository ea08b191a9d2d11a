// SPDX-License-Identifier: GPL-2.0-only
/*
 * For sample.py: one request per line, one answer per line.
 *
 *	scale RATE		mirrorx_sample_scale()
 *	gap RATE RANDOM		mirrorx_sample_gap()
 *	above RATE GAP		the largest random number that gives a gap of at
 *				least GAP
 *	mean RATE		mean gap over evenly spread random numbers
 *	order RATE		1 if a larger random number never gives a
 *				larger gap (of those with the bit set that the
 *				module sets)
 *	draw RATE N BINS	N random gaps: how many of them below each of
 *				BINS bounds that follow, and how many are left
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define STRATA	(1 << 20)

static __u64 state = 1;

/* splitmix64 */
static __u64 random64(void)
{
	__u64 z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The gap falls as the random number grows: bisect. */
static __u64 above(__u64 scale, __u64 gap)
{
	__u64 bit, most = 0;

	for (bit = 1ull << 63; bit; bit >>= 1)
		if (mirrorx_sample_gap(scale, most | bit) >= gap)
			most |= bit;
	return most;
}

static double mean(__u64 scale)
{
	__u64 step = (1ull << 63) / STRATA * 2, i;
	double sum = 0;

	for (i = 0; i < STRATA; i++)
		sum += mirrorx_sample_gap(scale, i * step + step / 2);
	return sum / STRATA;
}

static bool falls(__u64 scale)
{
	__u64 a, b, near;
	int i;

	for (i = 0; i < 1000000; i++) {
		a = random64() >> (random64() % 64) | 2;
		near = (a + (random64() >> random64() % 64)) | 2;
		b = near > a ? near : ~0ull;
		if (mirrorx_sample_gap(scale, a) < mirrorx_sample_gap(scale, b))
			return false;
	}
	return true;
}

static void draw(__u64 scale, unsigned int n, unsigned int bins)
{
	__u64 *bounds = calloc(bins, sizeof(*bounds)), gap;
	unsigned int *counts = calloc(bins + 1, sizeof(*counts)), i;

	for (i = 0; i < bins; i++)
		if (scanf("%llu", &bounds[i]) != 1)
			exit(1);
	while (n--) {
		gap = mirrorx_sample_gap(scale, random64());
		for (i = 0; i < bins && gap >= bounds[i]; i++)
			;
		counts[i]++;
	}
	for (i = 0; i <= bins; i++)
		printf("%u ", counts[i]);
	printf("\n");
	free(bounds);
	free(counts);
}

int main(void)
{
	unsigned int rate, n, bins;
	__u64 scale, number;
	char what[8];

	while (scanf("%7s %u", what, &rate) == 2) {
		scale = mirrorx_sample_scale(rate);
		if (!strcmp(what, "scale"))
			printf("%llu\n", scale);
		else if (!strcmp(what, "gap") && scanf("%llu", &number) == 1)
			printf("%llu\n", mirrorx_sample_gap(scale, number));
		else if (!strcmp(what, "above") && scanf("%llu", &number) == 1)
			printf("%llu\n", above(scale, number));
		else if (!strcmp(what, "mean"))
			printf("%.17g\n", mean(scale));
		else if (!strcmp(what, "order"))
			printf("%d\n", falls(scale));
		else if (!strcmp(what, "draw") &&
			 scanf("%u %u", &n, &bins) == 2)
			draw(scale, n, bins);
		else
			return 1;
	}
	return feof(stdin) ? 0 : 1;
}
