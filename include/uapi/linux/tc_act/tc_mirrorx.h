/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * tc action mirrorx: copy the selected packets to a remote collector in
 * ERSPAN type I, II or III, or in GRE, VXLAN or Geneve.
 *
 * TCA_ACT_OPTIONS of the action holds one attribute per parameter, parsed
 * strictly: NLA_F_NESTED is required, unknown attributes and wrong sizes are
 * refused with an extack message.  On add and replace an absent attribute
 * means its default.  A dump carries every effective value, so it can be sent
 * back as it is (less the output-only attributes) and gives the same action.
 *
 * Numbers are in host byte order; addresses are in network order.
 */
#ifndef __LINUX_TC_MIRRORX_H
#define __LINUX_TC_MIRRORX_H

#include <linux/types.h>
#include <linux/pkt_cls.h>

/**
 * struct tc_mirrorx - TCA_MIRRORX_PARMS: what every tc action has
 * @tc_gen: index, capabilities, control action, reference and bind counts
 *
 * Never grows; each parameter is an attribute of its own.
 */
struct tc_mirrorx {
	tc_gen;
};

/**
 * enum tca_mirrorx - attributes of the action, nested in TCA_ACT_OPTIONS
 *
 * The first three are numbered so that a tc which does not know mirrorx still
 * prints the control action, index and times.  Append only.
 *
 * @TCA_MIRRORX_UNSPEC: not used
 * @TCA_MIRRORX_TM: struct tcf_t, output only
 * @TCA_MIRRORX_PARMS: struct tc_mirrorx, mandatory
 * @TCA_MIRRORX_PAD: alignment of 64-bit attributes, output only
 * @TCA_MIRRORX_DST_IP4: be32, collector; exactly one of DST_IP4 and DST_IP6
 * @TCA_MIRRORX_DST_IP6: struct in6_addr, collector
 * @TCA_MIRRORX_SRC_IP4: be32, outer source; default: chosen by the route
 * @TCA_MIRRORX_SRC_IP6: struct in6_addr, outer source
 * @TCA_MIRRORX_IFINDEX: u32, restricts the route to this output interface or
 *	VRF; default: any
 * @TCA_MIRRORX_ID: u32, ERSPAN Session ID, 0..1023, default 0.  Actions of a
 *	namespace with the same DST, SRC and ID share its sequence numbers
 * @TCA_MIRRORX_ERSPAN_VER: u32, enum tc_mirrorx_erspan, default ERSPAN_III.  What a type
 *	has no field for may only have its default
 * @TCA_MIRRORX_ERSPAN_DIR: u32, enum tc_mirrorx_dir, default AUTO
 * @TCA_MIRRORX_ERSPAN_HWID: u32, ERSPAN Hw ID, 0..63, default 0; or
 *	TC_MIRRORX_HWID_CPU
 * @TCA_MIRRORX_SGT: u32, Security Group Tag, 0..65535, default 0
 * @TCA_MIRRORX_TIMESTAMP: u32, enum tc_mirrorx_timestamp, default 100US, or NS
 *	with a subheader that takes nothing else
 * @TCA_MIRRORX_TRUNC: u32, bytes of the frame to keep, 14..65535; 0, the
 *	default, keeps the whole frame.  With TCA_MIRRORX_TRUNC_AFTER, bytes to
 *	keep behind that header, 0..65535
 * @TCA_MIRRORX_SAMPLE: u32, copy one frame, or flow, in this many; from 1, the
 *	default, which is all of them
 * @TCA_MIRRORX_TOS: u32, outer TOS or traffic class, 0..255, default 0
 * @TCA_MIRRORX_TTL: u32, outer TTL or hop limit, 1..255, default 64
 * @TCA_MIRRORX_MARK: u32, skb mark of the copies, default 0
 * @TCA_MIRRORX_PRIORITY: u32, skb priority of the copies, default 0
 * @TCA_MIRRORX_STATS: nested enum tca_mirrorx_stats, output only
 * @TCA_MIRRORX_SUBHEADER: u32, Platf ID of the platform subheader: 1, 3, 5 or 7;
 *	0 for none.  Default 5 with TIMESTAMP_NS, else none.  The draft allows
 *	1 with 100US, 3 with all, 5 and 7 with NS
 * @TCA_MIRRORX_PORT: u32, port identity in the Index of type II (20 bits) or in
 *	the subheader (32, 14, 16 or 20 bits).  Without it, the field has the
 *	length of the original frame if TCA_MIRRORX_FIXLEN is set, else the
 *	ifindex of the mirrored device; what does not fit is 0
 * @TCA_MIRRORX_VLAN_TAG: u32, enum tc_mirrorx_vlan_tag, default KEEP
 * @TCA_MIRRORX_TRUNC_AFTER: u32, enum tc_mirrorx_header, default NONE
 * @TCA_MIRRORX_FIXLEN: u32, 1 to rewrite lengths and checksums within a frame
 *	that is cut, so that what is left of it is a valid packet; default 0
 * @TCA_MIRRORX_OVERSIZE: u32, enum tc_mirrorx_oversize, default CUT
 * @TCA_MIRRORX_LIMIT_RATE: u64, copies may take so many bytes per second, outer
 *	IP header included; 0, the default, for any number
 * @TCA_MIRRORX_LIMIT_BURST: u32, and so many at once, if none were sent before;
 *	not 0 with LIMIT_RATE, else 0.  A copy that is larger is never sent
 * @TCA_MIRRORX_LIMIT_PACKETS: u32, so many copies may be sent per second; 0, the
 *	default, for any number
 * @TCA_MIRRORX_LIMIT_PACKET_BURST: u32, and so many at once, likewise
 * @TCA_MIRRORX_PLAINTEXT: u32, 1 to copy frames whose payload is plaintext here,
 *	and ciphertext on the wire; default 0
 * @TCA_MIRRORX_SAMPLE_MODE: u32, enum tc_mirrorx_sample, default RANDOM
 * @TCA_MIRRORX_SAMPLE_BURST: u32, frames in a row that are chosen together, from 1,
 *	the default; as many times fewer rows.  Not with SAMPLE_FLOW.  Its product
 *	with SAMPLE - 1 is less than 2^32
 * @TCA_MIRRORX_FLOW_SEED: u64, what decides which flows are chosen, default 0;
 *	with SAMPLE_FLOW or SPREAD_FLOW
 * @TCA_MIRRORX_FLOW_INNER: u32, 1 to take what tunnels carry (IP or Ethernet in
 *	IP, GRE, VXLAN or Geneve) for the flow; default 0; with SAMPLE_FLOW
 *	or SPREAD_FLOW
 * @TCA_MIRRORX_ENCAP: u32, enum tc_mirrorx_encap, default ERSPAN.  What a format
 *	has no field for may only have its default
 * @TCA_MIRRORX_VNI: u32, VXLAN or Geneve Network Identifier, 0..16777215,
 *	default 0
 * @TCA_MIRRORX_DST_PORT: u32, UDP destination port of VXLAN or Geneve, 1..65535,
 *	default 4789 or 6081
 * @TCA_MIRRORX_MORE_IP4: array of up to 63 be32, further collectors, with SPREAD;
 *	all are different, and of the family of the first
 * @TCA_MIRRORX_MORE_IP6: array of up to 63 struct in6_addr, likewise
 * @TCA_MIRRORX_SPREAD: u32, enum tc_mirrorx_spread, default NONE
 * @TCA_MIRRORX_COLLECTORS: array of struct tc_mirrorx_collector, one for each, the
 *	first one first; with SPREAD, output only
 * @TCA_MIRRORX_ANON_KEY: 32 bytes, input only: IP addresses in the copies become
 *	pseudonyms by this key (Crypto-PAn: AES-128 by its first half, and a pad from
 *	its second); default: they stay.  No dump has it, so a dump that is sent back
 *	needs it again
 * @TCA_MIRRORX_ANON_ID: u64, output only: fingerprint of the key.  The first 8
 *	bytes, as a number, of what AES makes of the pad with the two last bits
 *	inverted
 * @TCA_MIRRORX_ANON_MAC: u32, 1 for pseudonyms of MAC addresses, too, which needs
 *	ANON_KEY; default 0
 * @TCA_MIRRORX_ZERO_PAYLOAD: u32, 1 to clear what follows the transport header;
 *	default 0
 * @__TCA_MIRRORX_MAX: end of the list
 */
enum tca_mirrorx {
	TCA_MIRRORX_UNSPEC,
	TCA_MIRRORX_TM,
	TCA_MIRRORX_PARMS,
	TCA_MIRRORX_PAD,
	TCA_MIRRORX_DST_IP4,
	TCA_MIRRORX_DST_IP6,
	TCA_MIRRORX_SRC_IP4,
	TCA_MIRRORX_SRC_IP6,
	TCA_MIRRORX_IFINDEX,
	TCA_MIRRORX_ID,
	TCA_MIRRORX_ERSPAN_VER,
	TCA_MIRRORX_ERSPAN_DIR,
	TCA_MIRRORX_ERSPAN_HWID,
	TCA_MIRRORX_SGT,
	TCA_MIRRORX_TIMESTAMP,
	TCA_MIRRORX_TRUNC,
	TCA_MIRRORX_SAMPLE,
	TCA_MIRRORX_TOS,
	TCA_MIRRORX_TTL,
	TCA_MIRRORX_MARK,
	TCA_MIRRORX_PRIORITY,
	TCA_MIRRORX_STATS,
	TCA_MIRRORX_SUBHEADER,
	TCA_MIRRORX_PORT,
	TCA_MIRRORX_VLAN_TAG,
	TCA_MIRRORX_TRUNC_AFTER,
	TCA_MIRRORX_FIXLEN,
	TCA_MIRRORX_OVERSIZE,
	TCA_MIRRORX_LIMIT_RATE,
	TCA_MIRRORX_LIMIT_BURST,
	TCA_MIRRORX_LIMIT_PACKETS,
	TCA_MIRRORX_LIMIT_PACKET_BURST,
	TCA_MIRRORX_PLAINTEXT,
	TCA_MIRRORX_SAMPLE_MODE,
	TCA_MIRRORX_SAMPLE_BURST,
	TCA_MIRRORX_FLOW_SEED,
	TCA_MIRRORX_FLOW_INNER,
	TCA_MIRRORX_ENCAP,
	TCA_MIRRORX_VNI,
	TCA_MIRRORX_DST_PORT,
	TCA_MIRRORX_MORE_IP4,
	TCA_MIRRORX_MORE_IP6,
	TCA_MIRRORX_SPREAD,
	TCA_MIRRORX_COLLECTORS,
	TCA_MIRRORX_ANON_KEY,
	TCA_MIRRORX_ANON_ID,
	TCA_MIRRORX_ANON_MAC,
	TCA_MIRRORX_ZERO_PAYLOAD,
	__TCA_MIRRORX_MAX
};

#define TCA_MIRRORX_MAX (__TCA_MIRRORX_MAX - 1)

/**
 * enum tc_mirrorx_erspan - type of the ERSPAN header, as Linux counts
 * @TC_MIRRORX_ERSPAN_I: type I: no header, the frame follows GRE.  No sequence
 *	number, Session ID, VLAN or T
 * @TC_MIRRORX_ERSPAN_II: type II
 * @TC_MIRRORX_ERSPAN_III: type III
 * @__TC_MIRRORX_ERSPAN_MAX: end of the list
 */
enum tc_mirrorx_erspan {
	TC_MIRRORX_ERSPAN_I,
	TC_MIRRORX_ERSPAN_II,
	TC_MIRRORX_ERSPAN_III,
	__TC_MIRRORX_ERSPAN_MAX
};

#define TC_MIRRORX_ERSPAN_MAX (__TC_MIRRORX_ERSPAN_MAX - 1)

/* The Hw ID is the CPU that made the copy, which has a sequence of its own. */
#define TC_MIRRORX_HWID_CPU 64

/**
 * enum tc_mirrorx_dir - what the D bit of the copies says
 * @TC_MIRRORX_DIR_AUTO: the hook at which the packet was seen
 * @TC_MIRRORX_DIR_INGRESS: always ingress (D = 0)
 * @TC_MIRRORX_DIR_EGRESS: always egress (D = 1)
 * @__TC_MIRRORX_DIR_MAX: end of the list
 */
enum tc_mirrorx_dir {
	TC_MIRRORX_DIR_AUTO,
	TC_MIRRORX_DIR_INGRESS,
	TC_MIRRORX_DIR_EGRESS,
	__TC_MIRRORX_DIR_MAX
};

#define TC_MIRRORX_DIR_MAX (__TC_MIRRORX_DIR_MAX - 1)

/**
 * enum tc_mirrorx_timestamp - unit of the ERSPAN timestamp
 * @TC_MIRRORX_TIMESTAMP_100US: 32 bits of 100 us since 1970, wraps after 4.97
 *	days
 * @TC_MIRRORX_TIMESTAMP_100NS: 32 bits of 100 ns since 1970, wraps after
 *	429.5 s
 * @TC_MIRRORX_TIMESTAMP_NS: nanoseconds, with a subheader: of the second, and the
 *	seconds since 1970 (Platf ID 5, IEEE 1588), or both halves of a 64-bit
 *	number since 1970 (Platf ID 3 and 7)
 * @__TC_MIRRORX_TIMESTAMP_MAX: end of the list
 */
enum tc_mirrorx_timestamp {
	TC_MIRRORX_TIMESTAMP_100US,
	TC_MIRRORX_TIMESTAMP_100NS,
	TC_MIRRORX_TIMESTAMP_NS,
	__TC_MIRRORX_TIMESTAMP_MAX
};

#define TC_MIRRORX_TIMESTAMP_MAX (__TC_MIRRORX_TIMESTAMP_MAX - 1)

/**
 * enum tc_mirrorx_vlan_tag - what becomes of a frame's outermost VLAN tag
 * @TC_MIRRORX_VLAN_TAG_KEEP: stays in the frame.  Type III repeats it in VLAN
 *	and COS, type II has En = 3, COS, and 0 for VLAN
 * @TC_MIRRORX_VLAN_TAG_STRIP: is taken out of the frame, and is in VLAN and COS
 *	only; type II has En = 2
 * @__TC_MIRRORX_VLAN_TAG_MAX: end of the list
 */
enum tc_mirrorx_vlan_tag {
	TC_MIRRORX_VLAN_TAG_KEEP,
	TC_MIRRORX_VLAN_TAG_STRIP,
	__TC_MIRRORX_VLAN_TAG_MAX
};

#define TC_MIRRORX_VLAN_TAG_MAX (__TC_MIRRORX_VLAN_TAG_MAX - 1)

/**
 * enum tc_mirrorx_header - where TCA_MIRRORX_TRUNC starts to count; in a frame
 *	without this header, behind the last one that it has
 * @TC_MIRRORX_HEADER_NONE: at the start of the frame
 * @TC_MIRRORX_HEADER_L2: behind the Ethernet header and VLAN tags
 * @TC_MIRRORX_HEADER_L3: behind ARP, or IPv4 or IPv6 with options and extensions
 * @TC_MIRRORX_HEADER_L4: behind the header of TCP with options, UDP, UDP-Lite,
 *	SCTP, DCCP, ICMP, ICMPv6 or IGMP
 * @__TC_MIRRORX_HEADER_MAX: end of the list
 */
enum tc_mirrorx_header {
	TC_MIRRORX_HEADER_NONE,
	TC_MIRRORX_HEADER_L2,
	TC_MIRRORX_HEADER_L3,
	TC_MIRRORX_HEADER_L4,
	__TC_MIRRORX_HEADER_MAX
};

#define TC_MIRRORX_HEADER_MAX (__TC_MIRRORX_HEADER_MAX - 1)

/**
 * enum tc_mirrorx_sample - which frames TCA_MIRRORX_SAMPLE chooses
 * @TC_MIRRORX_SAMPLE_RANDOM: each with the same probability
 * @TC_MIRRORX_SAMPLE_EVERY: each N-th that a CPU sees
 * @TC_MIRRORX_SAMPLE_FLOW: all of one flow in N, in both directions: those for
 *	which the lower half of SipHash-2-4 of the flow is at most (2^32 - 1) / N.
 *	Actions with the same FLOW_SEED, the first half of the key, choose the same
 *	flows, and those with a larger N some of them
 * @__TC_MIRRORX_SAMPLE_MAX: end of the list
 */
enum tc_mirrorx_sample {
	TC_MIRRORX_SAMPLE_RANDOM,
	TC_MIRRORX_SAMPLE_EVERY,
	TC_MIRRORX_SAMPLE_FLOW,
	__TC_MIRRORX_SAMPLE_MAX
};

#define TC_MIRRORX_SAMPLE_MAX (__TC_MIRRORX_SAMPLE_MAX - 1)

/**
 * enum tc_mirrorx_oversize - what becomes of a copy that exceeds the path's MTU
 * @TC_MIRRORX_OVERSIZE_CUT: it is cut to fit, with T set
 * @TC_MIRRORX_OVERSIZE_FRAGMENT: it is sent in fragments of the outer packet
 * @TC_MIRRORX_OVERSIZE_SPLIT: of a TCP segment several smaller ones are made,
 *	with a copy for each; all else is cut
 * @__TC_MIRRORX_OVERSIZE_MAX: end of the list
 */
enum tc_mirrorx_oversize {
	TC_MIRRORX_OVERSIZE_CUT,
	TC_MIRRORX_OVERSIZE_FRAGMENT,
	TC_MIRRORX_OVERSIZE_SPLIT,
	__TC_MIRRORX_OVERSIZE_MAX
};

#define TC_MIRRORX_OVERSIZE_MAX (__TC_MIRRORX_OVERSIZE_MAX - 1)

/**
 * enum tc_mirrorx_encap - what is between the outer IP header and the frame
 * @TC_MIRRORX_ENCAP_ERSPAN: GRE and ERSPAN
 * @TC_MIRRORX_ENCAP_GRETAP: GRE alone, with Transparent Ethernet Bridging as its
 *	protocol
 * @TC_MIRRORX_ENCAP_VXLAN: UDP and VXLAN
 * @TC_MIRRORX_ENCAP_GENEVE: UDP and Geneve without options
 * @__TC_MIRRORX_ENCAP_MAX: end of the list
 */
enum tc_mirrorx_encap {
	TC_MIRRORX_ENCAP_ERSPAN,
	TC_MIRRORX_ENCAP_GRETAP,
	TC_MIRRORX_ENCAP_VXLAN,
	TC_MIRRORX_ENCAP_GENEVE,
	__TC_MIRRORX_ENCAP_MAX
};

#define TC_MIRRORX_ENCAP_MAX (__TC_MIRRORX_ENCAP_MAX - 1)

/**
 * enum tc_mirrorx_spread - what each of several collectors gets
 * @TC_MIRRORX_SPREAD_NONE: there is only one
 * @TC_MIRRORX_SPREAD_FLOW: the copies of its share of the flows, both directions of
 *	each.  Actions with the same collectors and FLOW_SEED share them out alike,
 *	and another collector more or less moves only its own share
 * @TC_MIRRORX_SPREAD_COPY: a copy of each frame
 * @__TC_MIRRORX_SPREAD_MAX: end of the list
 */
enum tc_mirrorx_spread {
	TC_MIRRORX_SPREAD_NONE,
	TC_MIRRORX_SPREAD_FLOW,
	TC_MIRRORX_SPREAD_COPY,
	__TC_MIRRORX_SPREAD_MAX
};

#define TC_MIRRORX_SPREAD_MAX (__TC_MIRRORX_SPREAD_MAX - 1)

/**
 * struct tc_mirrorx_collector - one of several collectors, since the action was
 *	last configured
 * @copies: made for it
 * @moved: copies of its flows that went to another, since it was out of reach
 * @away: why it is out of reach, enum tca_mirrorx_stats; 0 if it is not.  As of the
 *	last frame that was to go there
 * @pad: 0
 */
struct tc_mirrorx_collector {
	__u64 copies;
	__u64 moved;
	__u32 away;
	__u32 pad;
};

/**
 * enum tca_mirrorx_stats - u64 counters, nested in TCA_MIRRORX_STATS
 *
 * Each frame of the wire that the action sees (each segment of a GSO packet is
 * one) is counted in exactly one of SENT and the reasons from UNSAMPLED to XMIT,
 * LIMITED and CONGESTED; so is each copy that it is split into more, or that goes to
 * another collector as well, and counted in SPLIT, too:
 *
 *	seen + SPLIT = SENT + reasons
 *
 * IN_FLIGHT is what is the case now, in all of the namespace.  All others say
 * more about the copies in SENT.
 *
 * @TCA_MIRRORX_STATS_UNSPEC: not used
 * @TCA_MIRRORX_STATS_PAD: alignment
 * @TCA_MIRRORX_STATS_SENT: copies handed to the underlay
 * @TCA_MIRRORX_STATS_BYTES: their bytes, outer IP header included
 * @TCA_MIRRORX_STATS_TRUNCATED: those cut by TCA_MIRRORX_TRUNC
 * @TCA_MIRRORX_STATS_CUT: those cut to fit the MTU of the path, or to what the
 *	kernel itself can read of a frame
 * @TCA_MIRRORX_STATS_UNSAMPLED: not chosen by TCA_MIRRORX_SAMPLE, and not looked
 *	at any further
 * @TCA_MIRRORX_STATS_LOOP: already a mirrored copy, ours or another's
 * @TCA_MIRRORX_STATS_SECRET: plaintext here, ciphertext on the wire; see
 *	TCA_MIRRORX_PLAINTEXT
 * @TCA_MIRRORX_STATS_NO_ROUTE: no route, or no source address, to the collector
 * @TCA_MIRRORX_STATS_NO_NEIGH: the next hop's link-layer address is unknown; a
 *	few copies wait for it, and if it comes they count as SENT instead
 * @TCA_MIRRORX_STATS_DEV_DOWN: the underlay device is gone, down or has no
 *	carrier
 * @TCA_MIRRORX_STATS_MTU: the path's MTU has no room for the headers and an
 *	Ethernet header
 * @TCA_MIRRORX_STATS_NO_MEM: no memory for the copy
 * @TCA_MIRRORX_STATS_BAD_FRAME: no whole link-layer header, or a packet that
 *	could not be split into the wire's segments
 * @TCA_MIRRORX_STATS_XMIT: refused by the underlay's queue, filter or policy
 * @TCA_MIRRORX_STATS_FRAGMENTED: copies sent in fragments of the outer packet;
 *	each is one in SENT, with its BYTES before that
 * @TCA_MIRRORX_STATS_SPLIT: copies beyond the first of each frame that was split, or
 *	went to several collectors
 * @TCA_MIRRORX_STATS_UNFIXED: copies that were cut, and in which
 *	TCA_MIRRORX_FIXLEN found nothing that it could make valid
 * @TCA_MIRRORX_STATS_REBUILT: copies of received frames that had been joined
 *	(GRO) before they were seen: where they ended and what their checksums
 *	and IP IDs were is derived from the joined packet
 * @TCA_MIRRORX_STATS_LIMITED: beyond TCA_MIRRORX_LIMIT_RATE or LIMIT_PACKETS
 * @TCA_MIRRORX_STATS_CONGESTED: too much memory is held by copies that have been
 *	sent before, and wait in queues
 * @TCA_MIRRORX_STATS_IN_FLIGHT: bytes of memory that such copies hold now
 * @TCA_MIRRORX_STATS_IN_FLIGHT_MAX: bytes that they may hold; each CPU has an
 *	equal share of it
 * @__TCA_MIRRORX_STATS_MAX: end of the list
 */
enum tca_mirrorx_stats {
	TCA_MIRRORX_STATS_UNSPEC,
	TCA_MIRRORX_STATS_PAD,
	TCA_MIRRORX_STATS_SENT,
	TCA_MIRRORX_STATS_BYTES,
	TCA_MIRRORX_STATS_TRUNCATED,
	TCA_MIRRORX_STATS_CUT,
	TCA_MIRRORX_STATS_UNSAMPLED,
	TCA_MIRRORX_STATS_LOOP,
	TCA_MIRRORX_STATS_SECRET,
	TCA_MIRRORX_STATS_NO_ROUTE,
	TCA_MIRRORX_STATS_NO_NEIGH,
	TCA_MIRRORX_STATS_DEV_DOWN,
	TCA_MIRRORX_STATS_MTU,
	TCA_MIRRORX_STATS_NO_MEM,
	TCA_MIRRORX_STATS_BAD_FRAME,
	TCA_MIRRORX_STATS_XMIT,
	TCA_MIRRORX_STATS_FRAGMENTED,
	TCA_MIRRORX_STATS_SPLIT,
	TCA_MIRRORX_STATS_UNFIXED,
	TCA_MIRRORX_STATS_REBUILT,
	TCA_MIRRORX_STATS_LIMITED,
	TCA_MIRRORX_STATS_CONGESTED,
	TCA_MIRRORX_STATS_IN_FLIGHT,
	TCA_MIRRORX_STATS_IN_FLIGHT_MAX,
	__TCA_MIRRORX_STATS_MAX
};

#define TCA_MIRRORX_STATS_MAX (__TCA_MIRRORX_STATS_MAX - 1)

#endif /* __LINUX_TC_MIRRORX_H */
