// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer: any session, any copy; every bit of the headers is compared with
 * what the draft says is there, and nothing around them may change.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/tc_act/tc_mirrorx.h>

#include "encap.h"
#include "require.h"

#define CANARY		0xa5
#define MARGIN		80
#define SLICE_MAX	0xffff

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
	require(take(r, 8) == mirrorx_encap_proto(conf));
	take(r, 16);
	take_bytes(r, conf->saddr, 4);
	take_bytes(r, conf->daddr, 4);
}

static void check_ipv6(struct reader *r, const struct mirrorx_encap_conf *conf,
		       const struct mirrorx_encap_meta *meta, unsigned int len)
{
	require(take(r, 4) == 6);
	require(take(r, 8) == conf->tos);
	require(take(r, 20) == (meta->flow & 0xfffff ? meta->flow & 0xfffff : 1));
	require(take(r, 16) == len - 40 + meta->slice_len);
	require(take(r, 8) == mirrorx_encap_proto(conf));
	require(take(r, 8) == conf->ttl);
	take_bytes(r, conf->saddr, 16);
	take_bytes(r, conf->daddr, 16);
}

/* What the field for the port has to say, by its width */
static __u32 port_of(const struct mirrorx_encap_conf *conf,
		     const struct mirrorx_encap_meta *meta, unsigned int width)
{
	__u32 port = conf->port == MIRRORX_PORT_VALUE ? conf->port_value :
		     conf->port == MIRRORX_PORT_LENGTH ? meta->frame_len :
		     meta->ifindex;

	return width == 32 || port < 1u << width ? port : 0;
}

static void check_erspan2(struct reader *r,
			  const struct mirrorx_encap_conf *conf,
			  const struct mirrorx_encap_meta *meta)
{
	bool tagged = meta->tag & MIRRORX_TAGGED;
	unsigned int vlan = meta->tag & 0xfff, cos = meta->tag >> 13 & 7;

	require(take(r, 4) == 1);			/* Ver */
	require(take(r, 12) == (conf->strip ? vlan : 0));
	require(take(r, 3) == cos);
	require(take(r, 2) == (!tagged ? 0 : conf->strip ? 2 : 3)); /* En */
	require(take(r, 1) == meta->truncated);
	require(take(r, 10) == conf->session);
	require(take(r, 12) == 0);			/* Reserved */
	require(take(r, 20) == port_of(conf, meta, 20));
}

/* In the unit of the session; of Platf ID 5 seconds in the upper half */
static __u64 stamp_of(const struct mirrorx_encap_conf *conf, __u64 ns)
{
	if (conf->platf == 5)
		return ns / 1000000000 << 32 | ns % 1000000000;
	return conf->timestamp == TC_MIRRORX_TIMESTAMP_NS ? ns :
	       conf->timestamp == TC_MIRRORX_TIMESTAMP_100NS ? ns / 100 :
	       ns / 100000;
}

static unsigned int gra_of(const struct mirrorx_encap_conf *conf)
{
	return conf->platf == 5 ? 2 :
	       conf->timestamp == TC_MIRRORX_TIMESTAMP_NS ? 3 :
	       conf->timestamp == TC_MIRRORX_TIMESTAMP_100NS ? 1 : 0;
}

static void check_subheader(struct reader *r,
			    const struct mirrorx_encap_conf *conf,
			    const struct mirrorx_encap_meta *meta)
{
	__u32 upper = stamp_of(conf, meta->time_ns) >> 32;

	require(take(r, 6) == conf->platf);
	switch (conf->platf) {
	case 1:
		require(take(r, 26) == 0);	/* Reserved, VSM Domain */
		require(take(r, 32) == port_of(conf, meta, 32));
		return;
	case 3:
		require(take(r, 12) == 0);	/* Reserved */
		require(take(r, 14) == port_of(conf, meta, 14));
		break;
	case 5:
		require(take(r, 10) == 0);	/* Switch ID */
		require(take(r, 16) == port_of(conf, meta, 16));
		break;
	case 7:
		require(take(r, 6) == 0);	/* Reserved */
		require(take(r, 20) == port_of(conf, meta, 20));
		break;
	}
	require(take(r, 32) == upper);
}

static void check_erspan3(struct reader *r,
			  const struct mirrorx_encap_conf *conf,
			  const struct mirrorx_encap_meta *meta)
{
	bool egress = conf->dir == TC_MIRRORX_DIR_AUTO ?
		meta->egress : conf->dir == TC_MIRRORX_DIR_EGRESS;
	__u8 hwid = conf->hwid == TC_MIRRORX_HWID_CPU ? meta->cpu : conf->hwid;

	require(take(r, 4) == 2);			/* Ver */
	require(take(r, 12) == (meta->tag & 0xfff));
	require(take(r, 3) == (meta->tag >> 13 & 7));	/* COS */
	require(take(r, 2) == 0);			/* BSO */
	require(take(r, 1) == meta->truncated);
	require(take(r, 10) == conf->session);
	require(take(r, 32) == (__u32)stamp_of(conf, meta->time_ns));
	require(take(r, 16) == conf->sgt);
	require(take(r, 1) == 1);			/* P */
	require(take(r, 5) == 0);			/* FT */
	require(take(r, 6) == hwid);
	require(take(r, 1) == egress);
	require(take(r, 2) == gra_of(conf));
	require(take(r, 1) == (conf->platf != 0));	/* O */
	if (conf->platf)
		check_subheader(r, conf, meta);
}

/* GRE, and what follows */
static void check_erspan(struct reader *r,
			 const struct mirrorx_encap_conf *conf,
			 const struct mirrorx_encap_meta *meta)
{
	switch (conf->type) {
	case TC_MIRRORX_ERSPAN_I:
		require(take(r, 32) == 0x000088be);
		break;
	case TC_MIRRORX_ERSPAN_II:
		require(take(r, 32) == 0x100088be);
		require(take(r, 32) == meta->seq);
		check_erspan2(r, conf, meta);
		break;
	case TC_MIRRORX_ERSPAN_III:
		require(take(r, 32) == 0x100022eb);
		require(take(r, 32) == meta->seq);
		check_erspan3(r, conf, meta);
		break;
	}
}

/* By words, from the addresses of IPv6 to the end of the slice */
static bool is_sum_right(const __u8 *ip, unsigned int len)
{
	unsigned int i, sum = 17 + len - 40;

	for (i = 8; i < len; i++)
		sum += i % 2 ? ip[i] : ip[i] << 8;
	return sum % 0xffff == 0;
}

static void check_udp(struct reader *r, const struct mirrorx_encap_conf *conf,
		      const struct mirrorx_encap_meta *meta, unsigned int len)
{
	unsigned int sum;

	require(take(r, 16) == (0xc000 | (meta->flow & 0x3fff)));
	require(take(r, 16) == conf->dst_port);
	require(take(r, 16) == 16 + meta->slice_len);
	sum = take(r, 16);
	require(!sum == !conf->ipv6);
	require(!sum || is_sum_right(r->bytes, len + meta->slice_len));
	require(take(r, 32) == (conf->encap == TC_MIRRORX_ENCAP_VXLAN ?
				0x08000000 : 0x00006558));
	require(take(r, 24) == conf->vni);
	require(take(r, 8) == 0);
}

static void check(const __u8 *bytes, const struct mirrorx_encap_conf *conf,
		  const struct mirrorx_encap_meta *meta, unsigned int len)
{
	struct reader r = { .bytes = bytes };

	if (conf->ipv6)
		check_ipv6(&r, conf, meta, len);
	else
		check_ipv4(&r, conf, meta, len);
	if (conf->encap == TC_MIRRORX_ENCAP_GRETAP)
		require(take(&r, 32) == 0x00006558);
	else if (conf->encap != TC_MIRRORX_ENCAP_ERSPAN)
		check_udp(&r, conf, meta, len);
	else
		check_erspan(&r, conf, meta);
	require(r.bit == 8 * len);
}

/* What the draft allows together, and how wide the field for the port is */
static const struct {
	__u8 type, timestamp, platf, width;
} formats[] = {
	{ TC_MIRRORX_ERSPAN_I, 0, 0, 0 },
	{ TC_MIRRORX_ERSPAN_II, 0, 0, 20 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_100US, 0, 0 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_100NS, 0, 0 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_100US, 1, 32 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_100US, 3, 14 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_100NS, 3, 14 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_NS, 3, 14 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_NS, 5, 16 },
	{ TC_MIRRORX_ERSPAN_III, TC_MIRRORX_TIMESTAMP_NS, 7, 20 },
};

static __u32 any_width(struct reader *in)
{
	unsigned int less = take(in, 5);

	return take(in, 32) >> less;
}

/* Every input is a session and a copy within their ranges. */
static void make(struct mirrorx_encap_conf *conf,
		 struct mirrorx_encap_meta *meta, struct reader *in)
{
	unsigned int i;
	__u8 width;

	for (i = 0; i < 16; i++) {
		conf->saddr[i] = take(in, 8);
		conf->daddr[i] = take(in, 8);
	}
	i = take(in, 8) % (sizeof(formats) / sizeof(*formats));
	conf->type = formats[i].type;
	conf->timestamp = formats[i].timestamp;
	conf->platf = formats[i].platf;
	width = formats[i].width;
	require(mirrorx_encap_port_bits(conf->type, conf->platf) == width);

	conf->ipv6 = take(in, 1);
	conf->encap = take(in, 2);
	conf->vni = take(in, 24);
	conf->dst_port = take(in, 16);
	meta->flow = take(in, 32);
	conf->session = take(in, 10);
	conf->hwid = take(in, 8) % (TC_MIRRORX_HWID_CPU + 1);
	conf->dir = take(in, 2) % (TC_MIRRORX_DIR_MAX + 1);
	conf->tos = take(in, 8);
	conf->ttl = take(in, 8);
	conf->sgt = take(in, 16);
	conf->port = take(in, 2) % (MIRRORX_PORT_VALUE + 1);
	conf->port_value = take(in, 32);
	conf->port_value &= (1ull << width) - 1;
	conf->strip = take(in, 1);
	meta->truncated = take(in, 1);
	meta->egress = take(in, 1);
	meta->cpu = take(in, 6);
	meta->tag = take(in, 16);
	meta->tag = take(in, 1) ? meta->tag | MIRRORX_TAGGED : 0;
	meta->frame_len = any_width(in);
	meta->ifindex = any_width(in);
	meta->seq = take(in, 32);
	meta->time_ns = take(in, 64);
	meta->slice_len = any_width(in) >> 16;
}

/* Two addresses, and the bits of all else that make() takes */
#define INPUT	(32 + (8 + 74 + 88 + 232) / 8 + 1)

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static __u8 place[MARGIN + MIRRORX_ENCAP_MAX + SLICE_MAX + MARGIN];
	struct mirrorx_encap_conf conf = { };
	struct mirrorx_encap_meta meta = { };
	struct reader in = { .bytes = data };
	struct mirrorx_encap encap;
	unsigned int i, end, all;

	if (size < INPUT)
		return 0;
	make(&conf, &meta, &in);
	mirrorx_encap_init(&encap, &conf);
	end = MARGIN + encap.len;
	if (encap.len + meta.slice_len > 65535)
		meta.slice_len = 65535 - encap.len;

	/* the slice, which only a checksum looks at */
	all = end + MARGIN;
	if (conf.ipv6 && mirrorx_encap_proto(&conf) == 17)
		all += meta.slice_len;
	memset(place, CANARY, all);
	mirrorx_encap_write(place + MARGIN, &encap, &meta);
	check(place + MARGIN, &conf, &meta, encap.len);
	for (i = 0; i < all; i++)
		require((i >= MARGIN && i < end) || place[i] == CANARY);
	return 0;
}
