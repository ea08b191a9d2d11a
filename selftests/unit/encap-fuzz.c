// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any session, any copy; every bit of the headers is compared with
 * what the draft says is there, and nothing around them may change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tc_act/tc_mirrorx.h>

#include "encap.h"

#define CANARY		0xa5
#define MARGIN		80

#define require(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,	\
			#condition);					\
		abort();						\
	}								\
} while (0)

struct reader {
	const __u8 *bytes;
	unsigned int bit;
};

static __u64 take(struct reader *r, unsigned int width)
{
	__u64 val = 0;

	for (; width; width--, r->bit++)
		val = val << 1 | (r->bytes[r->bit / 8] >> (7 - r->bit % 8) & 1);
	return val;
}

static void take_bytes(struct reader *r, const void *expected, unsigned int len)
{
	require(!memcmp(r->bytes + r->bit / 8, expected, len));
	r->bit += 8 * len;
}

static void check_ipv4(struct reader *r, const struct mirrorx_encap_conf *conf,
		       const struct mirrorx_encap_meta *meta, unsigned int len)
{
	struct reader words = *r;
	unsigned int sum = 0, i;

	for (i = 0; i < 10; i++)
		sum += take(&words, 16);
	require(sum % 0xffff == 0 && sum);

	require(take(r, 8) == 0x45);
	require(take(r, 8) == conf->tos);
	require(take(r, 16) == len + meta->slice_len);
	require(take(r, 16) == 0);		/* ID */
	require(take(r, 16) == 0x4000);		/* DF, no offset */
	require(take(r, 8) == conf->ttl);
	require(take(r, 8) == 47);
	take(r, 16);
	take_bytes(r, conf->saddr, 4);
	take_bytes(r, conf->daddr, 4);
}

static void check_ipv6(struct reader *r, const struct mirrorx_encap_conf *conf,
		       const struct mirrorx_encap_meta *meta, unsigned int len)
{
	require(take(r, 4) == 6);
	require(take(r, 8) == conf->tos);
	require(take(r, 20) == 0);		/* flow label */
	require(take(r, 16) == len - 40 + meta->slice_len);
	require(take(r, 8) == 47);
	require(take(r, 8) == conf->ttl);
	take_bytes(r, conf->saddr, 16);
	take_bytes(r, conf->daddr, 16);
}

static void check_erspan(struct reader *r,
			 const struct mirrorx_encap_conf *conf,
			 const struct mirrorx_encap_meta *meta)
{
	bool ns = conf->gra == TC_MIRRORX_TIMESTAMP_NS;
	bool egress = conf->dir == TC_MIRRORX_DIR_AUTO ?
		meta->egress : conf->dir == TC_MIRRORX_DIR_EGRESS;
	__u64 unit = conf->gra == TC_MIRRORX_TIMESTAMP_100NS ? 100 : 100000;
	__u64 stamp = ns ? meta->time_ns % 1000000000 : meta->time_ns / unit;

	require(take(r, 4) == 2);			/* Ver */
	require(take(r, 12) == (meta->vlan_tci & 0xfff));
	require(take(r, 3) == meta->vlan_tci >> 13);	/* COS */
	require(take(r, 2) == 0);			/* BSO */
	require(take(r, 1) == meta->truncated);
	require(take(r, 10) == conf->session);
	require(take(r, 32) == (__u32)stamp);
	require(take(r, 16) == conf->sgt);
	require(take(r, 1) == 1);			/* P */
	require(take(r, 5) == 0);			/* FT */
	require(take(r, 6) == conf->hwid);
	require(take(r, 1) == egress);
	require(take(r, 2) == conf->gra);
	require(take(r, 1) == ns);			/* O */
	if (ns) {
		require(take(r, 6) == 5);		/* Platf ID */
		require(take(r, 26) == 0);		/* Switch, port */
		require(take(r, 32) == (__u32)(meta->time_ns / 1000000000));
	}
}

static void check(const __u8 *bytes, const struct mirrorx_encap_conf *conf,
		  const struct mirrorx_encap_meta *meta, unsigned int len)
{
	struct reader r = { .bytes = bytes };

	if (conf->ipv6)
		check_ipv6(&r, conf, meta, len);
	else
		check_ipv4(&r, conf, meta, len);
	require(take(&r, 32) == 0x100022eb);		/* GRE */
	require(take(&r, 32) == meta->seq);
	check_erspan(&r, conf, meta);
	require(r.bit == 8 * len);
}

/* Every input is a session and a copy within their ranges. */
static void make(struct mirrorx_encap_conf *conf,
		 struct mirrorx_encap_meta *meta, struct reader *in)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		conf->saddr[i] = take(in, 8);
		conf->daddr[i] = take(in, 8);
	}
	conf->ipv6 = take(in, 1);
	conf->session = take(in, 10);
	conf->hwid = take(in, 6);
	conf->gra = take(in, 2) % (TC_MIRRORX_TIMESTAMP_MAX + 1);
	conf->dir = take(in, 2) % (TC_MIRRORX_DIR_MAX + 1);
	conf->tos = take(in, 8);
	conf->ttl = take(in, 8);
	conf->sgt = take(in, 16);
	meta->truncated = take(in, 1);
	meta->egress = take(in, 1);
	meta->vlan_tci = take(in, 16);
	meta->seq = take(in, 32);
	meta->time_ns = take(in, 64);
	meta->slice_len = take(in, 16);
}

#define INPUT	(32 + (45 + 24 + 16 + 32 + 64 + 16) / 8 + 1)

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	__u8 place[MARGIN + MIRRORX_ENCAP_MAX + MARGIN];
	struct mirrorx_encap_conf conf = { };
	struct mirrorx_encap_meta meta = { };
	struct reader in = { .bytes = data };
	struct mirrorx_encap encap;
	unsigned int i, end;

	if (size < INPUT)
		return 0;
	make(&conf, &meta, &in);
	mirrorx_encap_init(&encap, &conf);
	end = MARGIN + encap.len;
	if (encap.len + meta.slice_len > 65535)
		meta.slice_len = 65535 - encap.len;

	memset(place, CANARY, sizeof(place));
	mirrorx_encap_write(place + MARGIN, &encap, &meta);
	check(place + MARGIN, &conf, &meta, encap.len);
	for (i = 0; i < sizeof(place); i++)
		require((i >= MARGIN && i < end) || place[i] == CANARY);
	return 0;
}
