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

static bool read_request(struct request *r)
{
	unsigned int ipv6, truncated, egress;
	char saddr[33], daddr[33];

	memset(r, 0, sizeof(*r));
	if (scanf("%u %hhu %hhu %hu %hhu %hu %hhu %hhu", &ipv6, &r->conf.tos,
		  &r->conf.ttl, &r->conf.session, &r->conf.hwid, &r->conf.sgt,
		  &r->conf.gra, &r->conf.dir) != 8)
		return false;
	if (scanf("%llu %u %u %hu %u %u %32s %32s", &r->meta.time_ns,
		  &r->meta.seq, &r->meta.slice_len, &r->meta.vlan_tci,
		  &truncated, &egress, saddr, daddr) != 8)
		return false;
	r->conf.ipv6 = ipv6;
	r->meta.truncated = truncated;
	r->meta.egress = egress;
	read_address(r->conf.daddr, daddr);
	read_address(r->conf.saddr, saddr);
	return true;
}

/* All bytes have to be written, whatever was in their place. */
static __u8 *encapsulate(const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta, int background)
{
	__u8 *to = malloc(encap->len);	/* ASan guards both ends */

	memset(to, background, encap->len);
	mirrorx_encap_write(to, encap, meta);
	return to;
}

int main(void)
{
	struct mirrorx_encap encap;
	struct request r;
	__u8 *one, *two;
	int i;

	while (read_request(&r)) {
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
	}
	return feof(stdin) ? 0 : 1;
}
