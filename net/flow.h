/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To which flow does a frame belong?  Pure: also compiled in user space by the
 * tests.
 */
#ifndef MIRRORX_FLOW_H
#define MIRRORX_FLOW_H

#include <linux/types.h>

#include "headers.h"

/* What a key is made of, besides Ethernet */
#define MIRRORX_FLOW_IPV4	4
#define MIRRORX_FLOW_IPV6	6

/* Of IPv6: two addresses, and a word with ports, protocol and kind */
#define MIRRORX_FLOW_MAX	40

/* The shortest key, which IPv4 has as well */
#define MIRRORX_FLOW_MIN	16

/**
 * struct mirrorx_flow_key - bytes that tell one flow, or datagram, from others
 * @bytes: the same for both directions, in network order.  Both addresses, the lower
 *	one first, then for IPv4 and IPv6 the ports in the same order, or 0, two
 *	bytes 0, the protocol, and 4 or 6; for all else the EtherType, 0, and 2.
 *	What tells a datagram has its ID in place of the ports, and a 1 in front of
 *	the protocol
 * @len: how many, a multiple of 8; 0 for none
 */
struct mirrorx_flow_key {
	__u8 bytes[MIRRORX_FLOW_MAX] __aligned(8);
	__u32 len;
};

/**
 * struct mirrorx_flow_ends - how a frame of TCP or UDP tells its flow, which frames
 *	in the other direction tell the other way round
 * @what: ports in network order, protocol, and whether it is IPv6; never 0
 * @addrs: source and destination, network order; IPv4 uses the first word only
 */
struct mirrorx_flow_ends {
	__u64 what;
	__u64 addrs[4];
};

/**
 * struct mirrorx_flow - what a frame says of its flow
 * @key: of the flow
 * @datagram: if it is a fragment, of the datagram
 * @later: it is not the first one, so that @key has no ports
 */
struct mirrorx_flow {
	struct mirrorx_flow_key key;
	struct mirrorx_flow_key datagram;
	bool later;
};

__u8 mirrorx_flow_usual(struct mirrorx_flow_ends *ends, const __u8 *frame,
			__u32 len);
bool mirrorx_flow_is_tunnel(const struct mirrorx_flow_ends *ends);
bool mirrorx_flow_same(const struct mirrorx_flow_ends *a,
		       const struct mirrorx_flow_ends *b, __u8 kind);
void mirrorx_flow_key(struct mirrorx_flow_key *key,
		      const struct mirrorx_flow_ends *ends, __u8 kind);
void mirrorx_flow_find(struct mirrorx_flow *flow,
		       const struct mirrorx_view *view, bool inner);

#endif /* MIRRORX_FLOW_H */
