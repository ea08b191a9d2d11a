/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outer headers as bytes.  Pure: also compiled in user space by the tests.
 */
#ifndef MIRRORX_ENCAP_H
#define MIRRORX_ENCAP_H

#include <linux/types.h>

/* IPv6 40, GRE with a sequence number 8, ERSPAN type III 12, subheader 8 */
#define MIRRORX_ENCAP_MAX	68

/**
 * struct mirrorx_encap_conf - what the outer headers of a session say
 * @saddr: source address, network order; IPv4 uses the first four bytes
 * @daddr: collector's address, likewise
 * @ipv6: family of both addresses
 * @tos: TOS or traffic class
 * @ttl: TTL or hop limit
 * @session: ERSPAN Session ID, 0..1023
 * @hwid: ERSPAN Hw ID, 0..63
 * @sgt: Security Group Tag
 * @gra: timestamp granularity as in the header, enum tc_mirrorx_timestamp
 * @dir: enum tc_mirrorx_dir
 */
struct mirrorx_encap_conf {
	__u8 saddr[16];
	__u8 daddr[16];
	bool ipv6;
	__u8 tos;
	__u8 ttl;
	__u16 session;
	__u8 hwid;
	__u16 sgt;
	__u8 gra;
	__u8 dir;
};

/**
 * struct mirrorx_encap - outer headers of a session, as far as all of its
 *	copies share them
 * @hdr: the headers, with zeroes where a copy has values of its own
 * @len: bytes of @hdr in use
 * @ip_len: bytes of the IP header in front of GRE
 * @word0: first word of the ERSPAN header, host order
 * @ip_sum: sum of the IPv4 header's words, not folded
 * @gra: timestamp granularity
 * @dir_auto: the D bit follows the hook
 */
struct mirrorx_encap {
	__u8 hdr[MIRRORX_ENCAP_MAX];
	__u8 len;
	__u8 ip_len;
	__u8 gra;
	bool dir_auto;
	__u32 word0;
	__u32 ip_sum;
};

/**
 * struct mirrorx_encap_meta - what is particular to one copy
 * @time_ns: when the frame was seen, ns since 1970
 * @seq: GRE sequence number
 * @slice_len: bytes of the frame that follow the headers
 * @vlan_tci: outermost VLAN tag of the frame, host order; 0 if untagged
 * @truncated: the slice is shorter than the frame
 * @egress: seen at an egress hook
 */
struct mirrorx_encap_meta {
	__u64 time_ns;
	__u32 seq;
	__u32 slice_len;
	__u16 vlan_tci;
	bool truncated;
	bool egress;
};

void mirrorx_encap_init(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf);
void mirrorx_encap_write(__u8 *to, const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta);

#endif /* MIRRORX_ENCAP_H */
