/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * tc action mirrorx: copy the selected packets to a remote collector in
 * ERSPAN type III.
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
 * @TCA_MIRRORX_ID: u32, ERSPAN Session ID, 0..1023, default 0
 * @TCA_MIRRORX_ERSPAN_VER: u32, 2 (ERSPAN type III, as Linux counts)
 * @TCA_MIRRORX_ERSPAN_DIR: u32, enum tc_mirrorx_dir, default AUTO
 * @TCA_MIRRORX_ERSPAN_HWID: u32, ERSPAN Hw ID, 0..63, default 0
 * @TCA_MIRRORX_SGT: u32, Security Group Tag, 0..65535, default 0
 * @TCA_MIRRORX_TIMESTAMP: u32, enum tc_mirrorx_timestamp, default 100US
 * @TCA_MIRRORX_TRUNC: u32, bytes of the frame to keep, 14..65535; 0, the
 *	default, keeps the whole frame
 * @TCA_MIRRORX_SAMPLE: u32, copy one frame in this many, at random; from 1,
 *	the default, which is every frame
 * @TCA_MIRRORX_TOS: u32, outer TOS or traffic class, 0..255, default 0
 * @TCA_MIRRORX_TTL: u32, outer TTL or hop limit, 1..255, default 64
 * @TCA_MIRRORX_MARK: u32, skb mark of the copies, default 0
 * @TCA_MIRRORX_PRIORITY: u32, skb priority of the copies, default 0
 * @TCA_MIRRORX_STATS: nested enum tca_mirrorx_stats, output only
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
	__TCA_MIRRORX_MAX
};

#define TCA_MIRRORX_MAX (__TCA_MIRRORX_MAX - 1)

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
 * enum tc_mirrorx_timestamp - unit of the ERSPAN timestamp; the values are
 *	those of the header's Gra field
 * @TC_MIRRORX_TIMESTAMP_100US: 32 bits of 100 us since 1970, wraps after 4.97
 *	days
 * @TC_MIRRORX_TIMESTAMP_100NS: 32 bits of 100 ns since 1970, wraps after
 *	429.5 s
 * @TC_MIRRORX_TIMESTAMP_NS: IEEE 1588 nanoseconds, and the seconds since 1970
 *	in a platform subheader (O = 1, Platf ID 5)
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
 * enum tca_mirrorx_stats - u64 counters, nested in TCA_MIRRORX_STATS
 *
 * All but BYTES, TRUNCATED and CUT count frames as the wire carries them (each
 * segment of a GSO packet is one), and every frame that the action sees is
 * counted in exactly one of SENT and the reasons from UNSAMPLED on.
 *
 * @TCA_MIRRORX_STATS_UNSPEC: not used
 * @TCA_MIRRORX_STATS_PAD: alignment
 * @TCA_MIRRORX_STATS_SENT: copies handed to the underlay
 * @TCA_MIRRORX_STATS_BYTES: their bytes, outer IP header included
 * @TCA_MIRRORX_STATS_TRUNCATED: those cut by TCA_MIRRORX_TRUNC
 * @TCA_MIRRORX_STATS_CUT: those cut to fit the MTU of the path
 * @TCA_MIRRORX_STATS_UNSAMPLED: not chosen by TCA_MIRRORX_SAMPLE
 * @TCA_MIRRORX_STATS_LOOP: already a mirrored copy, ours or another's
 * @TCA_MIRRORX_STATS_SECRET: plaintext here, ciphertext on the wire
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
	__TCA_MIRRORX_STATS_MAX
};

#define TCA_MIRRORX_STATS_MAX (__TCA_MIRRORX_STATS_MAX - 1)

#endif /* __LINUX_TC_MIRRORX_H */
