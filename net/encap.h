/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outer headers as bytes.  Pure: also compiled in user space by the tests.
 */
#ifndef MIRRORX_ENCAP_H
#define MIRRORX_ENCAP_H

#include <linux/types.h>

/* IPv6 40, GRE with a sequence number 8, ERSPAN type III 12, subheader 8 */
#define MIRRORX_ENCAP_MAX	68

/*
 * The source port of a copy over UDP is one of these, by the flow of its frame
 * (RFC 7348, section 5).
 */
#define MIRRORX_UDP_PORTS	0xc000	/* the dynamic ones of RFC 6335 */
#define MIRRORX_UDP_PORT_MASK	0x3fff

/* Of the same, in the outer IPv6 header (RFC 6437, section 3) */
#define MIRRORX_FLOW_LABEL	0xfffff

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
 * enum mirrorx_seq - which number counts a copy
 * @MIRRORX_SEQ_SESSION: the session's
 * @MIRRORX_SEQ_CPU: one of the CPU's own, which is the Hw ID, too
 * @MIRRORX_SEQ_NONE: none, as its headers have no place for it
 */
enum mirrorx_seq {
	MIRRORX_SEQ_SESSION,
	MIRRORX_SEQ_CPU,
	MIRRORX_SEQ_NONE,
};

/**
 * struct mirrorx_encap_conf - what the outer headers of a session say
 * @saddr: source address, network order; IPv4 uses the first four bytes
 * @daddr: collector's address, likewise
 * @ipv6: family of both addresses
 * @tos: TOS or traffic class
 * @ttl: TTL or hop limit
 * @encap: enum tc_mirrorx_encap; what follows up to @strip is ERSPAN's, and has
 *	its default with others
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
 * @vni: of VXLAN and Geneve
 * @dst_port: UDP destination port of these
 */
struct mirrorx_encap_conf {
	__u8 saddr[16];
	__u8 daddr[16];
	bool ipv6;
	__u8 tos;
	__u8 ttl;
	__u8 encap;
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
	__u32 vni;
	__u16 dst_port;
};

/**
 * struct mirrorx_encap - outer headers of a session, as far as all of its
 *	copies share them
 * @hdr: the headers, with zeroes where a copy has values of its own
 * @len: bytes of @hdr in use
 * @ip_len: bytes of the IP header in front of GRE or UDP
 * @type: of ERSPAN, enum tc_mirrorx_erspan; I for GRE alone, which is as long
 * @timestamp: enum tc_mirrorx_timestamp
 * @platf: Platf ID of the subheader; 0 for none
 * @port: enum mirrorx_port
 * @port_bits: width of the port's field; 0 if copies have none of their own
 * @port_word: offset in @hdr of the word that ends with it
 * @dir_auto: the D bit follows the hook
 * @timed: copies tell the time
 * @usual: type III over IPv4, without a subheader
 * @udp: VXLAN or Geneve
 * @usual_udp: that over IPv4
 * @flow: copies tell the flow that their frame belongs to
 * @seq: enum mirrorx_seq
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
	bool timed;
	bool usual;
	bool udp;
	bool usual_udp;
	bool flow;
	__u8 seq;
	__u32 word0;
	__u32 tag_mask;
	__u32 tag_en;
	__u32 ip_sum;
};

/**
 * struct mirrorx_encap_meta - what is particular to one copy
 * @time_ns: when the frame was seen, ns since 1970; for &mirrorx_encap.timed
 * @flow: hash of the frame's flow; for &mirrorx_encap.flow
 * @seq: GRE sequence number; not for MIRRORX_SEQ_NONE
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
	__u32 flow;
	__u32 seq;
	__u32 slice_len;
	__u32 frame_len;
	__u32 ifindex;
	__u32 tag;
	__u8 cpu;
	bool truncated;
	bool egress;
};

__u8 mirrorx_encap_proto(const struct mirrorx_encap_conf *conf);
bool mirrorx_encap_has_flow(const struct mirrorx_encap_conf *conf);
unsigned int mirrorx_encap_port_bits(__u8 type, __u8 platf);
void mirrorx_encap_init(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf);
void mirrorx_encap_write(__u8 *to, const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta);

#endif /* MIRRORX_ENCAP_H */
