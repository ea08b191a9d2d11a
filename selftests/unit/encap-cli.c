// SPDX-License-Identifier: GPL-2.0-only
/*
 * For encap.py: reads sessions and copies, one per line, and prints the outer
 * headers in hex.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encap.h"

struct request {
	struct mirrorx_encap_conf conf;
	struct mirrorx_encap_meta meta;
};

static void read_address(__u8 to[16], const char *hex)
{
	unsigned int i, byte;

	for (i = 0; i < 16 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		to[i] = byte;
}

static bool read_conf(struct mirrorx_encap_conf *conf)
{
	unsigned int ipv6, strip;
	char saddr[33], daddr[33];

	if (scanf("%32s %32s %u %hhu %hhu %hhu %hu %hhu", saddr, daddr, &ipv6,
		  &conf->tos, &conf->ttl, &conf->type, &conf->session,
		  &conf->dir) != 8)
		return false;
	if (scanf("%hhu %u %hu", &conf->encap, &conf->vni,
		  &conf->dst_port) != 3)
		return false;
	if (scanf("%hhu %hu %hhu %hhu %hhu %u %u", &conf->hwid, &conf->sgt,
		  &conf->timestamp, &conf->platf, &conf->port,
		  &conf->port_value, &strip) != 7)
		return false;
	conf->ipv6 = ipv6;
	conf->strip = strip;
	read_address(conf->saddr, saddr);
	read_address(conf->daddr, daddr);
	return true;
}

static bool read_meta(struct mirrorx_encap_meta *meta)
{
	unsigned int truncated, egress;

	if (scanf("%llu %u %u %u %u %u %hhu %u %u %u", &meta->time_ns, &meta->seq,
		  &meta->slice_len, &meta->frame_len, &meta->ifindex,
		  &meta->tag, &meta->cpu, &truncated, &egress,
		  &meta->flow) != 10)
		return false;
	meta->truncated = truncated;
	meta->egress = egress;
	return true;
}

/*
 * All bytes have to be written, whatever was in their place.  The slice counts for
 * a checksum; its bytes are those that encap.py has in mind.
 */
static __u8 *encapsulate(const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta, int background)
{
	static const __u8 ethernet[14] = { [12] = 0x88, 0xb5 };
	__u8 *to = malloc(encap->len + meta->slice_len); /* ASan guards both ends */
	unsigned int i;

	memset(to, background, encap->len);
	for (i = 0; i < meta->slice_len; i++)
		to[encap->len + i] = i < sizeof(ethernet) ? ethernet[i] :
							    i * 7 + (i >> 8);
	mirrorx_encap_write(to, encap, meta);
	return to;
}

int main(void)
{
	struct mirrorx_encap encap;
	struct request r = { };
	__u8 *one, *two;
	int i;

	while (read_conf(&r.conf)) {
		if (!read_meta(&r.meta))
			return 1;
		mirrorx_encap_init(&encap, &r.conf);
		one = encapsulate(&encap, &r.meta, 0);
		two = encapsulate(&encap, &r.meta, 0xff);
		if (memcmp(one, two, encap.len))
			return 1;
		for (i = 0; i < encap.len; i++)
			printf("%02x", one[i]);
		printf("\n");
		free(one);
		free(two);
		memset(&r, 0, sizeof(r));
	}
	return feof(stdin) ? 0 : 1;
}
