// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fresh skb with exactly the bytes that are sent.
 *
 * Compared with a clone, this writes nothing to the original, holds none of
 * its pages, inherits nothing that would have to be scrubbed, and costs only
 * the bytes of the slice.
 */
#include <crypto/aead.h>
#include <linux/crc32c.h>
#include <linux/etherdevice.h>
#include <linux/gfp.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/local_lock.h>
#include <net/checksum.h>
#include <net/xfrm.h>

#include "mirrorx.h"

/*
 * On these devices a packet has an Ethernet header.  On all others (tunnels,
 * tun, WireGuard, PPP) the frame gets one with zero addresses, since collectors
 * decode nothing else: most of them ignore the FT field, and those that do not
 * show raw data where it says IP.
 */
static bool has_ethernet(const struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK;
}

static noinline bool init_bare(struct mirrorx_frame *frame,
			       const struct sk_buff *skb)
{
	struct ethhdr *eth = (struct ethhdr *)frame->head;
	int offset = skb_network_offset(skb);

	if (unlikely(offset < 0 || offset > (int)skb->len))
		return false;

	eth_zero_addr(eth->h_dest);
	eth_zero_addr(eth->h_source);
	eth->h_proto = skb->protocol;
	frame->head_len = ETH_HLEN;
	frame->start = offset;
	frame->rest = offset;
	frame->rest_len = skb->len - offset;
	return true;
}

/*
 * The stack took the outermost tag off, or has not put it in yet: back behind
 * the addresses.
 */
static noinline void put_tag_back(struct mirrorx_frame *frame,
				  const struct sk_buff *skb)
{
	struct vlan_ethhdr *veth = (struct vlan_ethhdr *)frame->head;

	memcpy(veth, skb_mac_header(skb), 2 * ETH_ALEN);
	veth->h_vlan_proto = skb->vlan_proto;
	veth->h_vlan_TCI = htons(skb_vlan_tag_get(skb));
	frame->head_len = offsetof(struct vlan_ethhdr,
				   h_vlan_encapsulated_proto);
	frame->rest += 2 * ETH_ALEN;
	frame->rest_len -= 2 * ETH_ALEN;
	frame->tag = MIRRORX_TAGGED | skb_vlan_tag_get(skb);
}

static bool init_ethernet(struct mirrorx_frame *frame,
			  const struct sk_buff *skb)
{
	const struct vlan_hdr *tag;
	const struct ethhdr *eth;
	struct vlan_hdr buf;
	int start;

	if (unlikely(!skb_mac_header_was_set(skb)))
		return false;
	/* skb->data lies at the frame at egress, behind its header at ingress */
	start = skb_mac_offset(skb);
	if (unlikely(start > 0 || (int)skb_headlen(skb) - start < ETH_HLEN))
		return false;

	frame->start = start;
	frame->rest = start;
	frame->rest_len = skb->len - start;
	if (unlikely(skb_vlan_tag_present(skb))) {
		put_tag_back(frame, skb);
		return true;
	}

	eth = (const struct ethhdr *)skb_mac_header(skb);
	if (unlikely(eth_type_vlan(eth->h_proto))) {
		tag = skb_header_pointer(skb, start + ETH_HLEN, sizeof(buf),
					 &buf);
		if (tag)
			frame->tag = MIRRORX_TAGGED | ntohs(tag->h_vlan_TCI);
	}
	return true;
}

/**
 * mirrorx_frame_init_any() - mirrorx_frame_init() for packets of all kinds
 * @frame: to be filled
 * @skb: packet
 *
 * Return: false if the packet has no whole link-layer header
 */
bool mirrorx_frame_init_any(struct mirrorx_frame *frame,
			    const struct sk_buff *skb)
{
	int start;

	frame->skb = skb;
	frame->head_len = 0;
	frame->tag = 0;
	frame->sum_pos = 0;
	if (unlikely(!(has_ethernet(skb->dev) ? init_ethernet(frame, skb) :
						init_bare(frame, skb))))
		return false;

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		start = skb_checksum_start_offset(skb) - frame->rest;
		if (unlikely(start < 0 || start + skb->csum_offset + 2 >
					  (int)frame->rest_len))
			return false;
		frame->sum_start = frame->head_len + start;
		frame->sum_pos = frame->sum_start + skb->csum_offset;
		frame->sum_crc32c = skb_csum_is_sctp((struct sk_buff *)skb);
		frame->sum_zero = false;
	}
	return true;
}

/**
 * mirrorx_pull_head() - move bytes of a frame from its rest to its head
 * @frame: the frame
 * @head_len: bytes that its head is to have at least
 *
 * Return: false if it has no room for them, or they cannot be read
 */
bool mirrorx_pull_head(struct mirrorx_frame *frame, u32 head_len)
{
	u32 more;

	if (head_len <= frame->head_len)
		return true;
	more = head_len - frame->head_len;
	if (head_len > sizeof(frame->head) || more > frame->rest_len ||
	    skb_copy_bits(frame->skb, frame->rest,
			  frame->head + frame->head_len, more))
		return false;

	frame->head_len = head_len;
	frame->rest += more;
	frame->rest_len -= more;
	return true;
}

/**
 * mirrorx_strip_tag() - take the outermost VLAN tag out of a frame
 * @frame: frame with a tag; &mirrorx_frame.tag still tells of it
 *
 * Return: false if it cannot be read
 */
bool mirrorx_strip_tag(struct mirrorx_frame *frame)
{
	const u32 tag = 2 * ETH_ALEN, behind = tag + VLAN_HLEN;

	if (!mirrorx_pull_head(frame, behind))
		return false;
	memmove(frame->head + tag, frame->head + behind,
		frame->head_len - behind);
	frame->head_len -= VLAN_HLEN;
	if (frame->sum_pos) {
		frame->sum_pos -= VLAN_HLEN;
		frame->sum_start -= VLAN_HLEN;
	}
	return true;
}

/* Of a frame's bytes, for net/headers.c; documented there. */
bool mirrorx_fetch(const void *from, u32 offset, u32 len, u8 *to)
{
	const struct mirrorx_frame *frame = from;
	u32 in_head = 0;

	if (offset < frame->head_len) {
		in_head = min(len, frame->head_len - offset);
		memcpy(to, frame->head + offset, in_head);
		offset = frame->head_len;
	}
	offset -= frame->head_len;
	return !skb_copy_bits(frame->skb, frame->rest + offset, to + in_head,
			      len - in_head);
}

/**
 * mirrorx_frame_view() - let the headers of a frame be read
 * @view: to be filled; holds as long as @frame
 * @frame: the frame
 */
void mirrorx_frame_view(struct mirrorx_view *view,
			const struct mirrorx_frame *frame)
{
	int linear = (int)skb_headlen(frame->skb) - frame->rest;

	view->frame = frame;
	view->len = mirrorx_frame_len(frame);
	if (frame->head_len) {
		view->data = frame->head;
		view->data_len = frame->head_len;
	} else {
		view->data = frame->skb->data + frame->rest;
		view->data_len = clamp_t(int, linear, 0, frame->rest_len);
	}
}

/**
 * mirrorx_header_end() - where does a header of a frame end?
 * @frame: the frame
 * @header: enum tc_mirrorx_header
 *
 * Return: offset behind that header, or the last one before it
 */
u32 mirrorx_header_end(const struct mirrorx_frame *frame, u8 header)
{
	struct mirrorx_headers h __uninitialized;
	struct mirrorx_view view __uninitialized;

	mirrorx_frame_view(&view, frame);
	mirrorx_headers_find(&h, &view);
	switch (header) {
	case TC_MIRRORX_HEADER_L2:
		return h.l3;
	case TC_MIRRORX_HEADER_L3:
		return h.l4;
	default:
		return h.end;
	}
}

/**
 * mirrorx_readable() - how much of a frame the kernel itself can read
 * @frame: the frame
 *
 * The page fragments of some packets are a device's memory.
 *
 * Return: bytes
 */
u32 mirrorx_readable(const struct mirrorx_frame *frame)
{
	int linear = (int)skb_headlen(frame->skb) - frame->rest;

	if (skb_frags_readable(frame->skb))
		return mirrorx_frame_len(frame);
	return frame->head_len + clamp_t(int, linear, 0, frame->rest_len);
}

/* As it is written, where 0 may say that there is none */
static __sum16 fold(const struct mirrorx_frame *frame, __wsum sum)
{
	return csum_fold(sum) ?: frame->sum_zero ? 0 : CSUM_MANGLED_0;
}

/* Internet checksum from sum_start to the end of the whole frame */
static __sum16 frame_sum(const struct mirrorx_frame *frame)
{
	u32 in_rest, in_head = 0;
	__wsum sum, rest;

	if (frame->sum_start >= frame->head_len) {
		in_rest = frame->sum_start - frame->head_len;
		sum = skb_checksum(frame->skb, frame->rest + in_rest,
				   frame->rest_len - in_rest, 0);
	} else {
		in_head = frame->head_len - frame->sum_start;
		sum = csum_partial(frame->head + frame->sum_start, in_head, 0);
		rest = skb_checksum(frame->skb, frame->rest, frame->rest_len,
				    0);
		sum = csum_block_add(sum, rest, in_head);
	}
	return fold(frame, sum);
}

/* CRC32c from sum_start, which lies behind the head, to the end of the frame */
static __le32 frame_crc32c(const struct mirrorx_frame *frame)
{
	u32 from = frame->rest + frame->sum_start - frame->head_len;
	u32 to = frame->rest + frame->rest_len;
	struct skb_seq_state seq;
	u32 crc = ~0, done = 0;
	const u8 *data;
	u32 len;

	skb_prepare_seq_read((struct sk_buff *)frame->skb, from, to, &seq);
	while ((len = skb_seq_read(done, &data, &seq))) {
		crc = crc32c(crc, data, len);
		done += len;
	}
	return cpu_to_le32(~crc);
}

/*
 * The checksum that the device would have put into the frame, over all of the
 * frame, however little of it is copied.
 */
static noinline void complete_sum(const struct mirrorx_frame *frame, u8 *to, u32 len)
{
	union {
		__sum16 sum;
		__le32 crc;
	} u;
	u32 size;

	if (frame->sum_crc32c) {
		u.crc = frame_crc32c(frame);
		size = sizeof(u.crc);
	} else {
		u.sum = frame_sum(frame);
		size = sizeof(u.sum);
	}
	memcpy(to + frame->sum_pos, &u, min(size, len - frame->sum_pos));
}

/*
 * Heads of copies, with BH off.  Not those of napi_alloc_frag(): packets that
 * were received keep its pages in use, so that it has to clear new ones.  The
 * lock is one only where BH off does not keep others from the CPU, which is what
 * PREEMPT_RT has come to.
 */
struct mirrorx_heads {
	struct page_frag_cache cache;
	local_lock_t lock;
};

static DEFINE_PER_CPU(struct mirrorx_heads, mirrorx_heads) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

/**
 * mirrorx_copy_exit() - give back what was kept for copies to come
 */
void mirrorx_copy_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		page_frag_cache_drain(per_cpu_ptr(&mirrorx_heads.cache, cpu));
}

/* Page fragments are the cheapest heads, and large ones the hardest to get. */
static __always_inline struct sk_buff *alloc_copy(u32 size)
{
	u32 total = SKB_DATA_ALIGN(size) +
		    SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	struct sk_buff *skb;
	void *head;

	if (unlikely(total > PAGE_SIZE))
		return alloc_skb(size, GFP_ATOMIC | __GFP_NOWARN);

	local_lock_nested_bh(&mirrorx_heads.lock);
	head = page_frag_alloc(this_cpu_ptr(&mirrorx_heads.cache), total,
			       GFP_ATOMIC | __GFP_NOWARN);
	local_unlock_nested_bh(&mirrorx_heads.lock);
	if (unlikely(!head))
		return NULL;
	skb = napi_build_skb(head, total);
	if (unlikely(!skb))
		skb_free_frag(head);
	return skb;
}

static __always_inline bool copy_bytes(const struct mirrorx_frame *frame,
				       u8 *to, u32 len)
{
	u32 head = min_t(u32, frame->head_len, len);
	int end = frame->rest + (len - head);

	if (unlikely(head))
		memcpy(to, frame->head, head);
	if (likely(end <= (int)skb_headlen(frame->skb)))
		memcpy(to + head, frame->skb->data + frame->rest, len - head);
	else if (len > head && skb_copy_bits(frame->skb, frame->rest,
					     to + head, len - head))
		return false;
	return true;
}

/* All of a frame, with its Internet checksum, reading it but once */
static bool copy_whole(const struct mirrorx_frame *frame, u8 *to)
{
	u32 start = max_t(u32, frame->sum_start, frame->head_len);
	u32 in_head = start - frame->sum_start;
	__sum16 check;
	__wsum sum;

	if (!copy_bytes(frame, to, start))
		return false;
	sum = skb_copy_and_csum_bits(frame->skb,
				     frame->rest + start - frame->head_len,
				     to + start,
				     mirrorx_frame_len(frame) - start);
	if (in_head)
		sum = csum_block_add(csum_partial(to + frame->sum_start,
						  in_head, 0),
				     sum, in_head);
	check = fold(frame, sum);
	memcpy(to + frame->sum_pos, &check, sizeof(check));
	return true;
}

/* Without all of the frame the sum stays as the stack has begun it. */
static noinline bool copy_with_sum(const struct mirrorx_frame *frame, u8 *to,
				   u32 len)
{
	bool readable = skb_frags_readable(frame->skb);

	if (readable && !frame->sum_crc32c && len == mirrorx_frame_len(frame))
		return copy_whole(frame, to);
	if (!copy_bytes(frame, to, len))
		return false;
	if (readable && frame->sum_pos < len)
		complete_sum(frame, to, len);
	return true;
}

/**
 * mirrorx_copy() - copy the first bytes of a frame
 * @frame: the frame
 * @slice_len: bytes to copy, at most the frame's length
 * @headroom: bytes to leave in front of them
 * @tailroom: bytes to leave behind them
 *
 * BH is off.
 *
 * Return: skb of the caller's with nothing but the slice, or NULL without
 * memory or when the payload cannot be read
 */
static __always_inline struct sk_buff *
mirrorx_copy(const struct mirrorx_frame *frame, u32 slice_len, u32 headroom,
	     u32 tailroom)
{
	struct sk_buff *copy;
	bool ok;
	u8 *to;

	copy = alloc_copy(headroom + slice_len + tailroom);
	if (unlikely(!copy))
		return NULL;

	skb_reserve(copy, headroom);
	to = __skb_put(copy, slice_len);
	ok = unlikely(frame->sum_pos) ? copy_with_sum(frame, to, slice_len) :
					copy_bytes(frame, to, slice_len);
	if (unlikely(!ok)) {
		kfree_skb(copy);
		return NULL;
	}
	return copy;
}

/* What is written only when a packet is encrypted: the IV, and UDP around ESP. */
static u32 esp_unwritten(const struct xfrm_state *x)
{
	u32 len = crypto_aead_ivsize(x->data);

	return x->encap ? len + sizeof(struct udphdr) : len;
}

/**
 * mirrorx_blank_esp() - clear what nobody has written yet in a packet of ESP
 * @copy: copy of its frame, from the link-layer header on
 * @skb: packet at egress, or a segment made of it
 *
 * A packet that a device, or the stack behind the hook, is to encrypt has an ESP
 * header already, and room behind it, where other packets' bytes may be left.
 */
void mirrorx_blank_esp(struct sk_buff *copy, const struct sk_buff *skb)
{
	const struct mirrorx_view view = {
		.data = copy->data,
		.data_len = copy->len,
		.len = copy->len,
	};
	const struct sec_path *sp = skb_sec_path(skb);
	struct mirrorx_headers h;
	u32 from, len;

	if (!mirrorx_is_unencrypted(skb))
		return;
	mirrorx_headers_find(&h, &view);
	from = h.l4 + sizeof(struct ip_esp_hdr);
	if (h.proto != IPPROTO_ESP || from >= copy->len)
		return;
	len = esp_unwritten(sp->xvec[sp->len - 1]);
	memset(copy->data + from, 0, min(len, copy->len - from));
}
