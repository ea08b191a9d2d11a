/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outer headers as bytes.  Pure: also compiled in user space by the tests.
 */
#ifndef MIRRORX_ENCAP_H
#define MIRRORX_ENCAP_H

#include <linux/types.h>

/* IPv6 40, GRE with a sequence number 8, ERSPAN type III 12, subheader 8 */
#define MIRRORX_ENCAP_MAX	68

/* In a tag: there is one, whatever its TCI says */
#define MIRRORX_TAGGED		0x10000u

/**
 * enum mirrorx_port - what stands in the field for the port
 * @MIRRORX_PORT_IFINDEX: interface index of the mirrored device
 * @MIRRORX_PORT_LENGTH: length of the original frame
 * @MIRRORX_PORT_VALUE: a configured value
 */
enum mirrorx_port {
	MIRRORX_PORT_IFINDEX,
	MIRRORX_PORT_LENGTH,
	MIRRORX_PORT_VALUE,
};

/**
 * struct mirrorx_encap_conf - what the outer headers of a session say
 * @saddr: source address, network order; IPv4 uses the first four bytes
 * @daddr: collector's address, likewise
 * @ipv6: family of both addresses
 * @tos: TOS or traffic class
 * @ttl: TTL or hop limit
 * @type: of ERSPAN, enum tc_mirrorx_erspan
 * @session: ERSPAN Session ID, 0..1023
 * @dir: enum tc_mirrorx_dir
 * @hwid: ERSPAN Hw ID, 0..63, or TC_MIRRORX_HWID_CPU
 * @sgt: Security Group Tag
 * @timestamp: enum tc_mirrorx_timestamp
 * @platf: Platf ID of the subheader, 1, 3, 5 or 7; 0 for none
 * @port: enum mirrorx_port
 * @port_value: for MIRRORX_PORT_VALUE; fits mirrorx_encap_port_bits()
 * @strip: the outermost VLAN tag is not in the frame any more
 */
struct mirrorx_encap_conf {
	__u8 saddr[16];
	__u8 daddr[16];
	bool ipv6;
	__u8 tos;
	__u8 ttl;
	__u8 type;
	__u16 session;
	__u8 dir;
	__u8 hwid;
	__u16 sgt;
	__u8 timestamp;
	__u8 platf;
	__u8 port;
	__u32 port_value;
	bool strip;
};

/**
 * struct mirrorx_encap - outer headers of a session, as far as all of its
 *	copies share them
 * @hdr: the headers, with zeroes where a copy has values of its own
 * @len: bytes of @hdr in use
 * @ip_len: bytes of the IP header in front of GRE
 * @type: of ERSPAN, enum tc_mirrorx_erspan
 * @timestamp: enum tc_mirrorx_timestamp
 * @platf: Platf ID of the subheader; 0 for none
 * @port: enum mirrorx_port
 * @port_bits: width of the port's field; 0 if copies have none of their own
 * @port_word: offset in @hdr of the word that ends with it
 * @dir_auto: the D bit follows the hook
 * @hwid_cpu: the Hw ID is the CPU
 * @usual: type III over IPv4, without a subheader
 * @word0: first word of the ERSPAN header, host order
 * @tag_mask: what of a tag's VLAN and COS goes into the first word
 * @tag_en: what type II says there about a frame with a tag
 * @ip_sum: sum of the IPv4 header's words, not folded
 */
struct mirrorx_encap {
	__u8 hdr[MIRRORX_ENCAP_MAX];
	__u8 len;
	__u8 ip_len;
	__u8 type;
	__u8 timestamp;
	__u8 platf;
	__u8 port;
	__u8 port_bits;
	__u8 port_word;
	bool dir_auto;
	bool hwid_cpu;
	bool usual;
	__u32 word0;
	__u32 tag_mask;
	__u32 tag_en;
	__u32 ip_sum;
};

/**
 * struct mirrorx_encap_meta - what is particular to one copy
 * @time_ns: when the frame was seen, ns since 1970
 * @seq: GRE sequence number
 * @slice_len: bytes of the frame that follow the headers
 * @frame_len: bytes of the frame on the wire
 * @ifindex: of the device on which it was seen
 * @tag: outermost VLAN tag of the frame, MIRRORX_TAGGED | TCI; 0 if untagged
 * @cpu: that makes the copy, 0..63
 * @truncated: the slice is shorter than the frame
 * @egress: seen at an egress hook
 */
struct mirrorx_encap_meta {
	__u64 time_ns;
	__u32 seq;
	__u32 slice_len;
	__u32 frame_len;
	__u32 ifindex;
	__u32 tag;
	__u8 cpu;
	bool truncated;
	bool egress;
};

unsigned int mirrorx_encap_port_bits(__u8 type, __u8 platf);
void mirrorx_encap_init(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf);
void mirrorx_encap_write(__u8 *to, const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta);

#endif /* MIRRORX_ENCAP_H */
