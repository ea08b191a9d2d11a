// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outer headers of a copy: IPv4 or IPv6, and
 *
 *	GRE and ERSPAN of type I, II or III (draft-foschiano-erspan-03, section 4)
 *	GRE alone (RFC 1701 with no flag)
 *	UDP and VXLAN (RFC 7348)
 *	UDP and Geneve (RFC 8926)
 *
 * All that the copies of a session share is laid out once, when the action is
 * configured; per copy the bytes are taken over and a few fields filled in.
 * Nothing here knows skbs, locks or netlink, so the same file is compiled in
 * user space for tests with published vectors, sanitizers and fuzzing.
 *
 * Type I has no header of its own, and GRE without a sequence number.  The
 * others, in 32-bit words:
 *
 *	type II		Ver(4)=1 | VLAN(12) | COS(3) | En(2) | T(1) | Session ID(10)
 *			Reserved(12) | Index(20)
 *
 *	type III	Ver(4)=2 | VLAN(12) | COS(3) | BSO(2) | T(1) | Session ID(10)
 *			Timestamp(32)
 *			SGT(16) | P(1) | FT(5) | Hw ID(6) | D(1) | Gra(2) | O(1)
 *
 * and with O = 1 one of the platform subheaders:
 *
 *	Platf ID(6)=1 | 0(14) | VSM Domain ID(12)	Port ID(32)
 *	Platf ID(6)=3 | 0(12) | Port ID(14)		Timestamp, upper half(32)
 *	Platf ID(6)=5 | Switch ID(10) | Port ID(16)	Seconds(32)
 *	Platf ID(6)=7 | 0(6) | Source Index(20)		Timestamp, upper half(32)
 *
 * BSO stays 0, "good or unknown": the stack is not told of more.  P = 1 and
 * FT = 0 say that an Ethernet frame follows.  VSM Domain and Switch ID are 0.
 *
 *	VXLAN		Flags(8)=I | 0(24)
 *			VNI(24) | 0(8)
 *
 *	Geneve		Ver(2)=0 | Opt Len(6)=0 | O(1)=0 | C(1)=0 | 0(6) | Protocol(16)
 *			VNI(24) | 0(8)
 */
#include <linux/compiler.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/tc_act/tc_mirrorx.h>
#include <net/checksum.h>

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

/* GRE of RFC 1701 with no flag but S, as the draft wants it */
#define GRE_LEN			4
#define GRE_SEQ_LEN		4
#define GRE_FLAGS_S		0x1000
#define GRE_PROTO_ERSPAN	0x88be	/* types I and II */
#define GRE_PROTO_ERSPAN3	0x22eb

#define UDP_LEN			8
#define UDP_DEST		2
#define UDP_LENGTH		4
#define UDP_CHECK		6

/* VXLAN or Geneve */
#define TUNNEL_LEN		8
#define TUNNEL_VNI		4
#define TUNNEL_VNI_SHIFT	8
#define VXLAN_I			0x08
#define GENEVE_PROTO		2

/* First word, types II and III */
#define ERSPAN_VER_SHIFT	28
#define ERSPAN_VLAN_SHIFT	16
#define ERSPAN_COS_SHIFT	13
#define ERSPAN_VLAN		0x0fff0000u
#define ERSPAN_COS		0x0000e000u
#define ERSPAN_EN_SHIFT		11
#define ERSPAN_T		0x00000400u

#define ERSPAN2_LEN		8
#define ERSPAN2_INDEX		4
#define ERSPAN2_EN_STRIPPED	2
#define ERSPAN2_EN_KEPT		3

#define ERSPAN3_LEN		12
#define ERSPAN3_TIMESTAMP	4
#define ERSPAN3_WORD2		8
#define ERSPAN3_SGT_SHIFT	16
#define ERSPAN3_P		0x00008000u
#define ERSPAN3_HWID		10	/* in the half of that word from here on */
#define ERSPAN3_HWID_SHIFT	4
#define ERSPAN3_D		0x00000008u
#define ERSPAN3_GRA_SHIFT	1
#define ERSPAN3_O		0x00000001u

#define GRA_100US		0u
#define GRA_100NS		1u
#define GRA_1588		2u
#define GRA_NS			3u	/* a unit of the platform's */

#define PLATF_LEN		8
#define PLATF_SHIFT		26
#define PLATF_WORD1		4

/* Type III without a subheader over IPv4, and VXLAN or Geneve */
#define LEN_USUAL		(IPV4_LEN + GRE_LEN + GRE_SEQ_LEN + ERSPAN3_LEN)
#define LEN_USUAL_UDP		(IPV4_LEN + UDP_LEN + TUNNEL_LEN)

#define VLAN_TCI_VID		0x0fff
#define VLAN_TCI_PCP		0xe000
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

static __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/**
 * mirrorx_encap_proto() - what do copies look like to routers and firewalls?
 * @conf: what their headers say
 *
 * Return: the IP protocol
 */
__u8 mirrorx_encap_proto(const struct mirrorx_encap_conf *conf)
{
	switch (conf->encap) {
	case TC_MIRRORX_ENCAP_VXLAN:
	case TC_MIRRORX_ENCAP_GENEVE:
		return IPPROTO_UDP;
	default:
		return IPPROTO_GRE;
	}
}

/**
 * mirrorx_encap_has_flow() - do headers tell the flow that a frame belongs to?
 * @conf: what they say
 *
 * Return: true if UDP's source port does, or IPv6's flow label
 */
bool mirrorx_encap_has_flow(const struct mirrorx_encap_conf *conf)
{
	return conf->ipv6 || mirrorx_encap_proto(conf) == IPPROTO_UDP;
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
	ip[9] = mirrorx_encap_proto(conf);
	memcpy(ip + IPV4_SADDR, conf->saddr, 4);
	memcpy(ip + IPV4_DADDR, conf->daddr, 4);
}

static void init_ipv6(__u8 *ip, const struct mirrorx_encap_conf *conf)
{
	put_unaligned_be32(0x60000000u | (__u32)conf->tos << 20, ip);
	ip[6] = mirrorx_encap_proto(conf);
	ip[7] = conf->ttl;
	memcpy(ip + IPV6_SADDR, conf->saddr, 16);
	memcpy(ip + IPV6_DADDR, conf->daddr, 16);
}

/**
 * mirrorx_encap_port_bits() - how wide is the field for the port?
 * @type: of ERSPAN, enum tc_mirrorx_erspan
 * @platf: Platf ID of the subheader; 0 for none
 *
 * Return: bits, 0 if there is no such field
 */
unsigned int mirrorx_encap_port_bits(__u8 type, __u8 platf)
{
	if (type == TC_MIRRORX_ERSPAN_II)
		return 20;
	switch (platf) {
	case 1:
		return 32;
	case 3:
		return 14;
	case 5:
		return 16;
	case 7:
		return 20;
	default:
		return 0;
	}
}

/* The port is the end of this word. */
static void init_port(struct mirrorx_encap *encap,
		      const struct mirrorx_encap_conf *conf, __u8 *word)
{
	if (conf->port == MIRRORX_PORT_VALUE) {
		put_unaligned_be32(get_unaligned_be32(word) | conf->port_value,
				   word);
		return;
	}
	encap->port = conf->port;
	encap->port_bits = mirrorx_encap_port_bits(conf->type, conf->platf);
	encap->port_word = word - encap->hdr;
}

static __u32 gra(const struct mirrorx_encap_conf *conf)
{
	switch (conf->timestamp) {
	case TC_MIRRORX_TIMESTAMP_NS:
		return conf->platf == 5 ? GRA_1588 : GRA_NS;
	case TC_MIRRORX_TIMESTAMP_100NS:
		return GRA_100NS;
	default:
		return GRA_100US;
	}
}

static void init_erspan2(struct mirrorx_encap *encap,
			 const struct mirrorx_encap_conf *conf)
{
	__u8 *erspan = encap->hdr + encap->len;

	/*
	 * With En = 3 VLAN means nothing, and some receivers count what it says
	 * as one tag more: 0.
	 */
	if (conf->strip) {
		encap->tag_mask = ERSPAN_VLAN | ERSPAN_COS;
		encap->tag_en = ERSPAN2_EN_STRIPPED << ERSPAN_EN_SHIFT;
	} else {
		encap->tag_mask = ERSPAN_COS;
		encap->tag_en = ERSPAN2_EN_KEPT << ERSPAN_EN_SHIFT;
	}
	encap->len += ERSPAN2_LEN;
	init_port(encap, conf, erspan + ERSPAN2_INDEX);
}

static void init_erspan3(struct mirrorx_encap *encap,
			 const struct mirrorx_encap_conf *conf)
{
	__u8 *erspan = encap->hdr + encap->len;
	__u8 *platf = erspan + ERSPAN3_LEN;
	__u32 word2;

	encap->timed = true;
	encap->tag_mask = ERSPAN_VLAN | ERSPAN_COS;
	word2 = (__u32)conf->sgt << ERSPAN3_SGT_SHIFT | ERSPAN3_P |
		gra(conf) << ERSPAN3_GRA_SHIFT;
	if (conf->hwid == TC_MIRRORX_HWID_CPU)
		encap->seq = MIRRORX_SEQ_CPU;
	else
		word2 |= (__u32)conf->hwid << ERSPAN3_HWID_SHIFT;
	if (conf->dir == TC_MIRRORX_DIR_EGRESS)
		word2 |= ERSPAN3_D;
	encap->len += ERSPAN3_LEN;
	if (conf->platf) {
		word2 |= ERSPAN3_O;
		put_unaligned_be32((__u32)conf->platf << PLATF_SHIFT, platf);
		encap->len += PLATF_LEN;
		init_port(encap, conf,
			  conf->platf == 1 ? platf + PLATF_WORD1 : platf);
	}
	put_unaligned_be32(word2, erspan + ERSPAN3_WORD2);
	encap->usual = !conf->ipv6 && !conf->platf;
}

static void init_erspan(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf)
{
	encap->timestamp = conf->timestamp;
	encap->platf = conf->platf;
	encap->dir_auto = conf->dir == TC_MIRRORX_DIR_AUTO;
	encap->word0 = (__u32)conf->type << ERSPAN_VER_SHIFT | conf->session;
	if (conf->type == TC_MIRRORX_ERSPAN_II)
		init_erspan2(encap, conf);
	else
		init_erspan3(encap, conf);
}

static __u16 gre_proto(const struct mirrorx_encap_conf *conf)
{
	if (conf->encap == TC_MIRRORX_ENCAP_GRETAP)
		return ETH_P_TEB;
	return conf->type == TC_MIRRORX_ERSPAN_III ? GRE_PROTO_ERSPAN3 :
						     GRE_PROTO_ERSPAN;
}

static void init_gre(struct mirrorx_encap *encap,
		     const struct mirrorx_encap_conf *conf)
{
	__u8 *gre = encap->hdr + encap->len;

	encap->type = conf->encap == TC_MIRRORX_ENCAP_GRETAP ?
		      TC_MIRRORX_ERSPAN_I : conf->type;
	put_unaligned_be16(gre_proto(conf), gre + 2);
	encap->len += GRE_LEN;
	if (encap->type == TC_MIRRORX_ERSPAN_I) {
		encap->seq = MIRRORX_SEQ_NONE;
		return;
	}

	put_unaligned_be16(GRE_FLAGS_S, gre);
	encap->len += GRE_SEQ_LEN;
	init_erspan(encap, conf);
}

/*
 * Over IPv4 without a checksum, as both say; over IPv6, where receivers do not
 * take that for granted (RFC 6935), each copy has its own.
 */
static void init_udp(struct mirrorx_encap *encap,
		     const struct mirrorx_encap_conf *conf)
{
	__u8 *udp = encap->hdr + encap->len;
	__u8 *tunnel = udp + UDP_LEN;

	put_unaligned_be16(conf->dst_port, udp + UDP_DEST);
	if (conf->encap == TC_MIRRORX_ENCAP_VXLAN)
		tunnel[0] = VXLAN_I;
	else
		put_unaligned_be16(ETH_P_TEB, tunnel + GENEVE_PROTO);
	put_unaligned_be32(conf->vni << TUNNEL_VNI_SHIFT, tunnel + TUNNEL_VNI);
	encap->len += UDP_LEN + TUNNEL_LEN;
	encap->seq = MIRRORX_SEQ_NONE;
	encap->udp = true;
	encap->usual_udp = !conf->ipv6;
}

/**
 * mirrorx_encap_init() - lay out the headers of a session
 * @encap: to be filled
 * @conf: what they say, all values within their ranges
 */
void mirrorx_encap_init(struct mirrorx_encap *encap,
			const struct mirrorx_encap_conf *conf)
{
	memset(encap, 0, sizeof(*encap));
	if (conf->ipv6) {
		encap->ip_len = IPV6_LEN;
		init_ipv6(encap->hdr, conf);
	} else {
		encap->ip_len = IPV4_LEN;
		init_ipv4(encap->hdr, conf);
		encap->ip_sum = sum_words(encap->hdr, IPV4_LEN);
	}
	encap->len = encap->ip_len;
	if (mirrorx_encap_proto(conf) == IPPROTO_UDP)
		init_udp(encap, conf);
	else
		init_gre(encap, conf);
	encap->flow = mirrorx_encap_has_flow(conf);
}

static __always_inline void write_ipv4(__u8 *ip,
				       const struct mirrorx_encap *encap,
				       __u32 tot_len)
{
	put_unaligned_be16(tot_len, ip + IPV4_TOT_LEN);
	put_unaligned_be16(~fold_sum(encap->ip_sum + tot_len), ip + IPV4_CHECK);
}

/* A label of 0 would say that there is no flow. */
static __always_inline void write_ipv6(__u8 *ip,
				       const struct mirrorx_encap_meta *meta,
				       __u32 tot_len)
{
	__u32 label = meta->flow & MIRRORX_FLOW_LABEL ?: 1;

	put_unaligned_be32(get_unaligned_be32(ip) | label, ip);
	put_unaligned_be16(tot_len - IPV6_LEN, ip + IPV6_PAYLOAD_LEN);
}

/* What the field has no room for is left out. */
static void write_port(__u8 *to, const struct mirrorx_encap *encap,
		       const struct mirrorx_encap_meta *meta)
{
	__u32 port = encap->port == MIRRORX_PORT_LENGTH ? meta->frame_len :
							  meta->ifindex;

	if ((__u64)port >> encap->port_bits)
		return;
	to += encap->port_word;
	put_unaligned_be32(get_unaligned_be32(to) | port, to);
}

static __always_inline void write_word0(__u8 *erspan,
					const struct mirrorx_encap *encap,
					const struct mirrorx_encap_meta *meta)
{
	__u32 tag = meta->tag, word0 = encap->word0;

	if (meta->truncated)
		word0 |= ERSPAN_T;
	if (tag)
		word0 |= encap->tag_en | (encap->tag_mask &
			 ((tag & VLAN_TCI_VID) << ERSPAN_VLAN_SHIFT |
			  (tag & VLAN_TCI_PCP) >> VLAN_TCI_PCP_SHIFT <<
			  ERSPAN_COS_SHIFT));
	put_unaligned_be32(word0, erspan);
}

/* What the field for it holds, in its lower half; platforms show the upper. */
static __always_inline __u64 stamp(const struct mirrorx_encap *encap,
				   __u64 time_ns)
{
	__u32 ns;

	switch (encap->timestamp) {
	case TC_MIRRORX_TIMESTAMP_NS:
		if (encap->platf != 5)
			return time_ns;
		time_ns = div_u64_rem(time_ns, NS_PER_SECOND, &ns);
		return time_ns << 32 | ns;
	case TC_MIRRORX_TIMESTAMP_100NS:
		return div_u64(time_ns, 100);
	default:
		return div_u64(time_ns, 100000);
	}
}

static __always_inline void write_erspan3(__u8 *erspan,
					  const struct mirrorx_encap *encap,
					  const struct mirrorx_encap_meta *meta)
{
	put_unaligned_be32(stamp(encap, meta->time_ns),
			   erspan + ERSPAN3_TIMESTAMP);
	if (meta->egress && encap->dir_auto)
		erspan[ERSPAN3_WORD2 + 3] |= ERSPAN3_D;
	if (encap->seq == MIRRORX_SEQ_CPU)
		put_unaligned_be16(get_unaligned_be16(erspan + ERSPAN3_HWID) |
				   meta->cpu << ERSPAN3_HWID_SHIFT,
				   erspan + ERSPAN3_HWID);
}

static void write_platf(__u8 *platf, const struct mirrorx_encap *encap,
			const struct mirrorx_encap_meta *meta)
{
	if (encap->platf > 1)
		put_unaligned_be32(stamp(encap, meta->time_ns) >> 32,
				   platf + PLATF_WORD1);
}

/* The headers of the session, and IP's values of this copy */
static __always_inline void write_ip(__u8 *to,
				     const struct mirrorx_encap *encap,
				     const struct mirrorx_encap_meta *meta,
				     __u32 len, __u32 ip_len)
{
	memcpy(to, encap->hdr, len);
	if (ip_len == IPV4_LEN)
		write_ipv4(to, encap, len + meta->slice_len);
	else
		write_ipv6(to, meta, len + meta->slice_len);
}

/* Over the pseudo header of RFC 8200, section 8.1, and all that UDP carries. */
static void write_udp_sum(__u8 *ip, __u32 len)
{
	__wsum sum = csum_partial(ip + IPV6_SADDR, IPV6_LEN - IPV6_SADDR, 0);
	__u8 *udp = ip + IPV6_LEN;
	__sum16 check;

	sum = csum_tcpudp_nofold(0, 0, len, IPPROTO_UDP, sum);
	check = csum_fold(csum_partial(udp, len, sum)) ?: CSUM_MANGLED_0;
	memcpy(udp + UDP_CHECK, &check, sizeof(check));
}

/* With constants for lengths and type, most of it is gone before it is run. */
static __always_inline void write_udp(__u8 *to,
				      const struct mirrorx_encap *encap,
				      const struct mirrorx_encap_meta *meta,
				      __u32 len, __u32 ip_len)
{
	__u32 udp_len = len - ip_len + meta->slice_len;
	__u8 *udp = to + ip_len;

	write_ip(to, encap, meta, len, ip_len);
	put_unaligned_be16(MIRRORX_UDP_PORTS |
			   (meta->flow & MIRRORX_UDP_PORT_MASK), udp);
	put_unaligned_be16(udp_len, udp + UDP_LENGTH);
	if (ip_len == IPV6_LEN)
		write_udp_sum(to, udp_len);
}

static __always_inline void write_gre(__u8 *to,
				      const struct mirrorx_encap *encap,
				      const struct mirrorx_encap_meta *meta,
				      __u32 len, __u32 ip_len, __u8 type)
{
	__u8 *seq = to + ip_len + GRE_LEN;
	__u8 *erspan = seq + GRE_SEQ_LEN;

	write_ip(to, encap, meta, len, ip_len);
	if (type == TC_MIRRORX_ERSPAN_I)
		return;
	put_unaligned_be32(meta->seq, seq);
	write_word0(erspan, encap, meta);
	if (type == TC_MIRRORX_ERSPAN_III)
		write_erspan3(erspan, encap, meta);
}

static noinline void write_any(__u8 *to, const struct mirrorx_encap *encap,
			       const struct mirrorx_encap_meta *meta)
{
	__u8 *erspan = to + encap->ip_len + GRE_LEN + GRE_SEQ_LEN;

	if (encap->udp) {
		write_udp(to, encap, meta, encap->len, encap->ip_len);
		return;
	}
	write_gre(to, encap, meta, encap->len, encap->ip_len, encap->type);
	if (encap->platf)
		write_platf(erspan + ERSPAN3_LEN, encap, meta);
	if (encap->port_bits)
		write_port(to, encap, meta);
}

/**
 * mirrorx_encap_write() - write the outer headers of one copy
 * @to: place for &mirrorx_encap.len bytes, directly in front of the slice
 * @encap: headers of the session
 * @meta: what is particular to this copy; the whole packet fits 65535 bytes
 */
__always_inline void mirrorx_encap_write(__u8 *to,
					 const struct mirrorx_encap *encap,
					 const struct mirrorx_encap_meta *meta)
{
	if (likely(encap->usual))
		write_gre(to, encap, meta, LEN_USUAL, IPV4_LEN,
			  TC_MIRRORX_ERSPAN_III);
	else if (likely(encap->usual_udp))
		write_udp(to, encap, meta, LEN_USUAL_UDP, IPV4_LEN);
	else
		write_any(to, encap, meta);
}
