// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of the wire that a packet stands for.
 *
 * A GSO packet (from a local sender, or merged by GRO at receipt) is many
 * frames to the wire and to a collector.  For TCP and UDP each of them is
 * described from the packet's headers and its piece of the payload, so that no
 * segment is ever built and a slice costs only its bytes.  All other shapes
 * (tunnels, SCTP, lists of fragments, jumbograms) are segmented by the stack.
 *
 * A segment that is too large for the underlay is split in the same way.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/gso.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "mirrorx.h"

/* What says no more than how a TCP or UDP packet is to be segmented. */
#define PLAIN_TCP	(SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_DODGY | \
			 SKB_GSO_TCP_ECN | SKB_GSO_TCP_FIXEDID)
#define PLAIN_UDP	(SKB_GSO_UDP_L4 | SKB_GSO_DODGY)

static bool is_tcp(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6);
}

static bool is_plain(const struct sk_buff *skb)
{
	unsigned int type = skb_shinfo(skb)->gso_type;

	return !skb->encapsulation && skb_transport_header_was_set(skb) &&
	       ((is_tcp(skb) && !(type & ~PLAIN_TCP)) ||
		((type & SKB_GSO_UDP_L4) && !(type & ~PLAIN_UDP)));
}

/**
 * mirrorx_segments() - how many frames of the wire a GSO packet stands for
 * @skb: GSO packet
 *
 * Those from virtual machines and raw sockets come without the number.
 *
 * Return: at least 1
 */
u32 mirrorx_segments(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	struct tcphdr buf;
	const struct tcphdr *th;
	u32 headers;

	if (shinfo->gso_segs)
		return shinfo->gso_segs;
	if (shinfo->gso_size == GSO_BY_FRAGS ||
	    !skb_transport_header_was_set(skb))
		return 1;

	headers = skb_transport_offset(skb);
	if (is_tcp(skb)) {
		th = skb_header_pointer(skb, headers, sizeof(buf), &buf);
		headers += th ? th->doff * 4 : 0;
	} else {
		headers += sizeof(struct udphdr);
	}
	if (skb->len <= headers)
		return 1;
	return DIV_ROUND_UP(skb->len - headers, shinfo->gso_size);
}

/* Is what lies between the IP and the transport header what IP says it is? */
static bool check_l3(const struct mirrorx_burst *burst)
{
	const struct ipv6hdr *ip6h = (void *)(burst->whole.head + burst->l3);
	const struct iphdr *iph = (void *)ip6h;
	u8 proto = burst->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	u32 len = burst->l4 - burst->l3;

	if (iph->version == 4)
		return iph->ihl >= 5 && iph->ihl * 4 == len &&
		       iph->protocol == proto && iph->tot_len;

	/* extensions, a jumbogram's option among them, are the stack's matter */
	return iph->version == 6 && len == sizeof(*ip6h) &&
	       ip6h->nexthdr == proto && ip6h->payload_len;
}

static u32 l4_len(const struct mirrorx_burst *burst)
{
	const struct tcphdr *th = (void *)(burst->whole.head + burst->l4);

	return burst->tcp ? th->doff * 4 : sizeof(struct udphdr);
}

/* Take the headers apart; false if their shape is not the known one. */
static bool init_plain(struct mirrorx_burst *burst)
{
	struct mirrorx_frame *whole = &burst->whole;
	const struct sk_buff *skb = burst->skb;
	int shift, l3, l4;
	u32 fixed;

	burst->tcp = is_tcp(skb);
	burst->fixed_id = skb_shinfo(skb)->gso_type & SKB_GSO_TCP_FIXEDID;
	/* from offsets in the skb to offsets in the frame */
	shift = whole->head_len - whole->rest;
	l3 = skb_network_offset(skb) + shift;
	l4 = skb_transport_offset(skb) + shift;
	fixed = burst->tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	if (l3 < ETH_HLEN || l4 < l3 + (int)sizeof(struct iphdr) ||
	    !mirrorx_pull_head(whole, l4 + fixed))
		return false;

	burst->l3 = l3;
	burst->l4 = l4;
	if (!check_l3(burst) || l4_len(burst) < fixed ||
	    !mirrorx_pull_head(whole, l4 + l4_len(burst)))
		return false;

	burst->gso_size = skb_shinfo(skb)->gso_size;
	burst->payload = whole->rest_len;
	burst->frames = DIV_ROUND_UP(burst->payload, burst->gso_size);
	return burst->payload > 0;
}

/* Let skb->data be where the frame starts; pskb_copy() copies no headroom. */
static void to_link_layer(struct sk_buff *whole, const struct sk_buff *skb,
			  int start)
{
	if (start < 0)
		memcpy(__skb_push(whole, -start), skb->data + start, -start);
	else
		__skb_pull(whole, start);
}

/*
 * Segments made by the stack, from a private copy of the head: segmentation
 * writes to it.  Pages are shared, but not longer than the action runs.
 */
static bool init_by_stack(struct mirrorx_burst *burst)
{
	const struct sk_buff *skb = burst->skb;
	struct sk_buff *whole, *segs;

	/* it may have to read what only a device can */
	if (!skb_frags_readable(skb))
		return false;
	/* pskb_copy() would take another's zero-copy pages from the original */
	if (skb_copy_orphans((struct sk_buff *)skb))
		whole = skb_copy(skb, GFP_ATOMIC | __GFP_NOWARN);
	else
		whole = pskb_copy((struct sk_buff *)skb,
				  GFP_ATOMIC | __GFP_NOWARN);
	if (!whole)
		return false;
	/* a sec_path is shared, and segmentation of ESP writes to it */
	if (secpath_exists(whole) && !secpath_set(whole)) {
		kfree_skb(whole);
		return false;
	}

	to_link_layer(whole, skb, burst->whole.start);
	segs = __skb_gso_segment(whole, NETIF_F_SG, !skb_at_tc_ingress(skb));
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(whole);
		return false;
	}
	consume_skb(whole);

	burst->segs = segs;
	burst->next_seg = segs;
	for (burst->frames = 0; segs; segs = segs->next)
		burst->frames++;
	return true;
}

/**
 * mirrorx_burst_init() - find the frames that a packet stands for
 * @burst: to be filled; to be ended with mirrorx_burst_end()
 * @skb: packet at a tc hook; only read, and to stay until the burst ends
 *
 * Return: false if the packet has no whole link-layer header, or could not be
 * segmented; the burst is then ended already
 */
bool mirrorx_burst_init(struct mirrorx_burst *burst, const struct sk_buff *skb)
{
	burst->skb = skb;
	burst->segs = NULL;
	burst->index = 0;
	burst->pieces = false;
	if (!mirrorx_frame_init(&burst->whole, skb))
		return false;

	if (is_plain(skb) && init_plain(burst))
		return true;
	return init_by_stack(burst);
}

static void fill_ipv4(struct mirrorx_frame *frame, u16 l3, u32 index,
		      bool fixed_id)
{
	struct iphdr *iph = (void *)(frame->head + l3);

	iph->tot_len = htons(mirrorx_frame_len(frame) - l3);
	if (!fixed_id)
		iph->id = htons(ntohs(iph->id) + index);
	ip_send_check(iph);
}

static void fill_ipv6(struct mirrorx_frame *frame, u16 l3)
{
	struct ipv6hdr *ip6h = (void *)(frame->head + l3);

	ip6h->payload_len = htons(mirrorx_frame_len(frame) - l3 -
				  sizeof(*ip6h));
}

static void fill_tcp(struct tcphdr *th, u32 offset, bool last)
{
	th->seq = htonl(ntohl(th->seq) + offset);
	if (offset)
		th->cwr = 0;
	if (!last) {
		th->fin = 0;
		th->psh = 0;
	}
}

/*
 * What a GSO packet does not have, a single segment may: SYN, which takes a
 * sequence number of its own, RST, and a pointer to urgent data.
 */
static void fill_piece(struct tcphdr *th, u32 offset, bool last)
{
	u16 urgent = ntohs(th->urg_ptr);

	if (!last)
		th->rst = 0;
	if (!offset)
		return;
	if (th->syn)
		th->seq = htonl(ntohl(th->seq) + 1);
	th->syn = 0;
	th->urg = th->urg && urgent > offset;
	th->urg_ptr = th->urg ? htons(urgent - offset) : 0;
}

/* Sum of the pseudo header, which is what completing a checksum starts from */
static __sum16 pseudo_sum(const struct mirrorx_frame *frame, u16 l3, u16 l4,
			  u8 proto)
{
	const struct ipv6hdr *ip6h = (const void *)(frame->head + l3);
	const struct iphdr *iph = (const void *)ip6h;
	u32 len = mirrorx_frame_len(frame) - l4;

	if (iph->version == 4)
		return ~csum_tcpudp_magic(iph->saddr, iph->daddr, len, proto,
					  0);
	return ~csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, proto, 0);
}

/*
 * The same for a segment of a packet in which it has begun: from the whole
 * packet's, as the stack does it, so that what was wrong there is as wrong here.
 */
static __sum16 begun_sum(const struct mirrorx_burst *burst,
			 const struct mirrorx_frame *frame)
{
	const void *l4 = burst->whole.head + burst->l4;
	u32 len = mirrorx_frame_len(frame) - burst->l4;
	const struct udphdr *uh = l4;
	const struct tcphdr *th = l4;
	__wsum change;

	if (!burst->tcp)
		return csum16_add(csum16_sub(uh->check, uh->len), htons(len));
	change = (__force __wsum)htonl(~(mirrorx_frame_len(&burst->whole) -
					 burst->l4) + len);
	return ~csum_fold(csum_add(csum_unfold(th->check), change));
}

static __sum16 first_sum(const struct mirrorx_burst *burst,
			 const struct mirrorx_frame *frame)
{
	u8 proto = burst->tcp ? IPPROTO_TCP : IPPROTO_UDP;

	if (burst->skb->ip_summed == CHECKSUM_PARTIAL && !burst->pieces)
		return begun_sum(burst, frame);
	return pseudo_sum(frame, burst->l3, burst->l4, proto);
}

static void fill_l4(const struct mirrorx_burst *burst,
		    struct mirrorx_frame *frame, u32 offset, bool last)
{
	struct tcphdr *th = (void *)(frame->head + burst->l4);
	struct udphdr *uh = (void *)th;

	frame->sum_start = burst->l4;
	frame->sum_crc32c = false;
	frame->sum_zero = burst->tcp;
	if (burst->tcp) {
		if (burst->pieces)
			fill_piece(th, offset, last);
		fill_tcp(th, offset, last);
		th->check = first_sum(burst, frame);
		frame->sum_pos = burst->l4 + offsetof(struct tcphdr, check);
	} else {
		uh->len = htons(mirrorx_frame_len(frame) - burst->l4);
		if (!uh->check && burst->skb->ip_summed != CHECKSUM_PARTIAL)
			return;	/* sent without one */
		uh->check = first_sum(burst, frame);
		frame->sum_pos = burst->l4 + offsetof(struct udphdr, check);
	}
}

static void next_plain(struct mirrorx_burst *burst,
		       struct mirrorx_frame *frame)
{
	u32 offset = burst->index * burst->gso_size;
	u32 left = burst->payload - offset;
	const struct iphdr *iph;

	*frame = burst->whole;
	frame->rest += offset;
	frame->rest_len = min(left, burst->gso_size);

	iph = (const void *)(frame->head + burst->l3);
	if (iph->version == 4)
		fill_ipv4(frame, burst->l3, burst->index, burst->fixed_id);
	else
		fill_ipv6(frame, burst->l3);
	fill_l4(burst, frame, offset, left <= burst->gso_size);
}

/* A frame that says it is damaged must not come out as good ones. */
static bool is_sound(const struct mirrorx_burst *burst)
{
	const struct mirrorx_frame *whole = &burst->whole;
	const struct iphdr *iph = (const void *)(whole->head + burst->l3);
	u32 in_head = whole->head_len - burst->l4;
	__wsum sum, rest;

	if (iph->version == 4 && ip_fast_csum(iph, iph->ihl))
		return false;
	if (whole->sum_pos)	/* the checksum is to be made */
		return true;
	sum = csum_unfold(pseudo_sum(whole, burst->l3, burst->l4,
				     IPPROTO_TCP));
	sum = csum_partial(whole->head + burst->l4, in_head, sum);
	rest = skb_checksum(whole->skb, whole->rest, whole->rest_len, 0);
	return !csum_fold(csum_block_add(sum, rest, in_head));
}

/**
 * mirrorx_burst_split() - split a TCP segment into smaller ones
 * @burst: to be filled; needs no end
 * @frame: frame that is too large; stays as it is
 * @room: bytes that each of the smaller ones may have
 *
 * They carry all the data, in pieces of about the same size, and are as valid
 * as the frame.
 *
 * Return: false if the frame is not one whole TCP segment
 */
bool mirrorx_burst_split(struct mirrorx_burst *burst,
			 const struct mirrorx_frame *frame, u32 room)
{
	u32 len = mirrorx_frame_len(frame);
	struct mirrorx_headers h;
	struct mirrorx_view view;

	mirrorx_frame_view(&view, frame);
	mirrorx_headers_find(&h, &view);
	if ((!h.ipv4 && !h.ipv6) || h.fragment || h.routed ||
	    h.proto != IPPROTO_TCP || h.end == h.l4 || h.end >= room ||
	    h.end >= len || h.l3 + h.ip_len != len)
		return false;

	burst->skb = frame->skb;
	burst->segs = NULL;
	burst->index = 0;
	burst->tcp = true;
	burst->fixed_id = true;	/* still one datagram of the sender's */
	burst->pieces = true;
	burst->l3 = h.l3;
	burst->l4 = h.l4;
	burst->whole = *frame;
	if (!mirrorx_pull_head(&burst->whole, h.end) ||
	    burst->whole.head_len != h.end || !is_sound(burst))
		return false;

	burst->payload = burst->whole.rest_len;
	burst->frames = DIV_ROUND_UP(burst->payload, room - h.end);
	burst->gso_size = DIV_ROUND_UP(burst->payload, burst->frames);
	burst->frames = DIV_ROUND_UP(burst->payload, burst->gso_size);
	return true;
}

/**
 * mirrorx_burst_next() - describe the next frame
 * @burst: with frames left, by @index and @frames
 * @frame: to be filled
 *
 * Return: false if this segment has no whole link-layer header
 */
bool mirrorx_burst_next(struct mirrorx_burst *burst,
			struct mirrorx_frame *frame)
{
	bool ok = true;

	if (burst->segs) {
		skb_reset_mac_header(burst->next_seg);
		ok = mirrorx_frame_init(frame, burst->next_seg);
		burst->next_seg = burst->next_seg->next;
	} else {
		next_plain(burst, frame);
	}
	burst->index++;
	return ok;
}

/**
 * mirrorx_burst_end() - free what the burst made
 * @burst: after mirrorx_burst_init() returned true
 */
void mirrorx_burst_end(struct mirrorx_burst *burst)
{
	if (burst->segs)
		kfree_skb_list(burst->segs);
}
