// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outer headers of a copy: IPv4 or IPv6, GRE, ERSPAN type III
 * (draft-foschiano-erspan-03, section 4.3).
 *
 * All that the copies of a session share is laid out once, when the action is
 * configured; per copy the bytes are taken over and a few fields filled in.
 * Nothing here knows skbs, locks or netlink, so the same file is compiled in
 * user space for tests with published vectors, sanitizers and fuzzing.
 *
 * ERSPAN type III, in 32-bit words:
 *
 *	Ver(4)=2 | VLAN(12) | COS(3) | BSO(2) | T(1) | Session ID(10)
 *	Timestamp(32)
 *	SGT(16) | P(1) | FT(5) | Hw ID(6) | D(1) | Gra(2) | O(1)
 *
 * and with O = 1 the platform subheader; Platf ID 5 gives IEEE 1588 time its
 * seconds:
 *
 *	Platf ID(6)=5 | Switch ID(10) | Port ID(16)
 *	Seconds(32)
 *
 * BSO stays 0, "good or unknown".  P = 1 and FT = 0 say that an Ethernet
 * frame follows.
 */
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/tc_act/tc_mirrorx.h>

#include "encap.h"

#define IPV4_LEN		20
#define IPV4_TOT_LEN		2
#define IPV4_FRAG_OFF		6
#define IPV4_CHECK		10
#define IPV4_SADDR		12
#define IPV4_DADDR		16
#define IPV4_DF			0x4000

#define IPV6_LEN		40
#define IPV6_PAYLOAD_LEN	4
#define IPV6_SADDR		8
#define IPV6_DADDR		24

#define IPPROTO_GRE_OUTER	47

/* GRE of RFC 1701 with S = 1 and nothing else, as the draft wants it */
#define GRE_LEN			8
#define GRE_FLAGS_S		0x1000
#define GRE_PROTO_ERSPAN3	0x22eb
#define GRE_SEQ			4

#define ERSPAN3_LEN		12
#define ERSPAN3_VER		0x20000000u
#define ERSPAN3_VLAN_SHIFT	16
#define ERSPAN3_COS_SHIFT	13
#define ERSPAN3_T		0x00000400u
#define ERSPAN3_TIMESTAMP	4
#define ERSPAN3_WORD2		8
#define ERSPAN3_SGT_SHIFT	16
#define ERSPAN3_P		0x00008000u
#define ERSPAN3_HWID_SHIFT	4
#define ERSPAN3_D		0x00000008u
#define ERSPAN3_GRA_SHIFT	1
#define ERSPAN3_O		0x00000001u

#define PLATF_LEN		8
#define PLATF_5			(5u << 26)
#define PLATF_5_SECONDS		4

/* IPv4 without a subheader */
#define LEN_MIN			(IPV4_LEN + GRE_LEN + ERSPAN3_LEN)

#define VLAN_TCI_VID		0x0fff
#define VLAN_TCI_PCP_SHIFT	13

#define NS_PER_SECOND		1000000000u

static __u32 sum_words(const __u8 *bytes, unsigned int len)
{
	__u32 sum = 0;
	unsigned int i;

	for (i = 0; i < len; i += 2)
		sum += get_unaligned_be16(bytes + i);
	return sum;
}

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

static void init_ipv4(__u8 *ip, const struct mirrorx_encap_conf *conf)
{
	ip[0] = 0x45;
	ip[1] = conf->tos;
	/*
	 * With DF the packet is atomic and its ID means nothing (RFC 6864,
	 * section 4.1): 0.
	 */
	put_unaligned_be16(IPV4_DF, ip + IPV4_FRAG_OFF);
	ip[8] = conf->ttl;
	ip[9] = IPPROTO_GRE_OUTER;
	memcpy(ip + IPV4_SADDR, conf->saddr, 4);
	memcpy(ip + IPV4_DADDR, conf->daddr, 4);
}

static void init_ipv6(__u8 *ip, const struct mirrorx_encap_conf *conf)
{
	put_unaligned_be32(0x60000000u | (__u32)conf->tos << 20, ip);
	ip[6] = IPPROTO_GRE_OUTER;
	ip[7] = conf->ttl;
	memcpy(ip + IPV6_SADDR, conf->saddr, 16);
	memcpy(ip + IPV6_DADDR, conf->daddr, 16);
}

/**
 * mirrorx_encap_init() - lay out the headers of a session
 * @encap: to be filled
 * @conf: what they say, all values within their ranges
 */
void mirrorx_encap_init(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf)
{
	bool subheader = conf->gra == TC_MIRRORX_TIMESTAMP_NS;
	__u8 *gre, *erspan;
	__u32 word2;

	memset(encap, 0, sizeof(*encap));
	encap->gra = conf->gra;
	encap->dir_auto = conf->dir == TC_MIRRORX_DIR_AUTO;

	if (conf->ipv6) {
		encap->ip_len = IPV6_LEN;
		init_ipv6(encap->hdr, conf);
	} else {
		encap->ip_len = IPV4_LEN;
		init_ipv4(encap->hdr, conf);
		encap->ip_sum = sum_words(encap->hdr, IPV4_LEN);
	}

	gre = encap->hdr + encap->ip_len;
	put_unaligned_be16(GRE_FLAGS_S, gre);
	put_unaligned_be16(GRE_PROTO_ERSPAN3, gre + 2);

	erspan = gre + GRE_LEN;
	encap->word0 = ERSPAN3_VER | conf->session;
	word2 = (__u32)conf->sgt << ERSPAN3_SGT_SHIFT | ERSPAN3_P |
		(__u32)conf->hwid << ERSPAN3_HWID_SHIFT |
		(__u32)conf->gra << ERSPAN3_GRA_SHIFT;
	if (conf->dir == TC_MIRRORX_DIR_EGRESS)
		word2 |= ERSPAN3_D;
	encap->len = encap->ip_len + GRE_LEN + ERSPAN3_LEN;

	if (subheader) {
		word2 |= ERSPAN3_O;
		put_unaligned_be32(PLATF_5, erspan + ERSPAN3_LEN);
		encap->len += PLATF_LEN;
	}
	put_unaligned_be32(word2, erspan + ERSPAN3_WORD2);
}

static void write_ipv4(__u8 *ip, const struct mirrorx_encap *encap,
		       __u32 slice_len)
{
	__u16 tot_len = encap->len + slice_len;

	put_unaligned_be16(tot_len, ip + IPV4_TOT_LEN);
	put_unaligned_be16(~fold(encap->ip_sum + tot_len), ip + IPV4_CHECK);
}

static void write_ipv6(__u8 *ip, const struct mirrorx_encap *encap,
		       __u32 slice_len)
{
	put_unaligned_be16(encap->len - IPV6_LEN + slice_len,
			   ip + IPV6_PAYLOAD_LEN);
}

static void write_time(__u8 *erspan, __u8 gra, __u64 time_ns)
{
	__u32 stamp, seconds;

	switch (gra) {
	case TC_MIRRORX_TIMESTAMP_NS:
		seconds = div_u64_rem(time_ns, NS_PER_SECOND, &stamp);
		put_unaligned_be32(seconds, erspan + ERSPAN3_LEN +
				   PLATF_5_SECONDS);
		break;
	case TC_MIRRORX_TIMESTAMP_100NS:
		stamp = div_u64(time_ns, 100);
		break;
	default:
		stamp = div_u64(time_ns, 100000);
		break;
	}
	put_unaligned_be32(stamp, erspan + ERSPAN3_TIMESTAMP);
}

/**
 * mirrorx_encap_write() - write the outer headers of one copy
 * @to: place for &mirrorx_encap.len bytes
 * @encap: headers of the session
 * @meta: what is particular to this copy; the whole packet fits 65535 bytes
 */
void mirrorx_encap_write(__u8 *to, const struct mirrorx_encap *encap,
			 const struct mirrorx_encap_meta *meta)
{
	__u8 *gre = to + encap->ip_len;
	__u8 *erspan = gre + GRE_LEN;
	__u32 word0;

	/* most often that is all: a known size is copied by a few moves */
	memcpy(to, encap->hdr, LEN_MIN);
	if (encap->len > LEN_MIN)
		memcpy(to + LEN_MIN, encap->hdr + LEN_MIN,
		       encap->len - LEN_MIN);
	if (encap->ip_len == IPV4_LEN)
		write_ipv4(to, encap, meta->slice_len);
	else
		write_ipv6(to, encap, meta->slice_len);

	put_unaligned_be32(meta->seq, gre + GRE_SEQ);

	word0 = encap->word0;
	if (meta->truncated)
		word0 |= ERSPAN3_T;
	if (meta->vlan_tci)
		word0 |= (__u32)(meta->vlan_tci & VLAN_TCI_VID) <<
			 ERSPAN3_VLAN_SHIFT |
			 (__u32)(meta->vlan_tci >> VLAN_TCI_PCP_SHIFT) <<
			 ERSPAN3_COS_SHIFT;
	put_unaligned_be32(word0, erspan);

	write_time(erspan, encap->gra, meta->time_ns);
	if (meta->egress && encap->dir_auto)
		erspan[ERSPAN3_WORD2 + 3] |= ERSPAN3_D;
}
