// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flow of a packet as a number: SipHash-2-4 of what tells it from others
 * (struct mirrorx_flow_key), with the action's seed as the first half of the key
 * and 0 as the second, or with anonymize a secret of its key.  So hosts agree that
 * have the same seed, and who does not know it cannot choose the number.
 *
 * Where flows are neither sampled nor shared out, nor addresses to be hidden, it only
 * has to spread them over ports, and is something that takes a fraction of the time.
 *
 * Each CPU remembers the hashes of the flows that it saw last, in each direction,
 * as to compare addresses takes a fraction of the time, too.  Who makes flows
 * collide there takes that time from himself and his neighbours, and no more.
 *
 * A fragment but the first has no ports.  Each CPU remembers which flows the last
 * datagrams in fragments belonged to; fragments that come first, or elsewhere, or
 * too late, belong to a flow without ports.
 */
#include <linux/hash.h>
#include <linux/local_lock.h>
#include <linux/siphash.h>
#include <linux/unaligned.h>

#include "mirrorx.h"

/* Multiplication carries upwards, and the shift brings it down again. */
static __always_inline u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * GOLDEN_RATIO_64;
	return hash ^ hash >> 32;
}

static u64 hash_key(const struct mirrorx_flow_key *key,
		    const struct mirrorx_params *params)
{
	u64 hash = 0;
	u32 i;

	if (params->flow_keyed)
		return siphash(key->bytes, key->len, &params->flow_key);
	for (i = 0; i < key->len; i += sizeof(hash))
		hash = mix(hash, get_unaligned_le64(key->bytes + i));
	return hash;
}

/*
 * Where an attacker makes datagrams collide, their fragments belong to no flow,
 * and that is all.
 */
static u64 hash_fragment(const struct mirrorx_flow *flow,
			 const struct mirrorx_params *params)
{
	u64 datagram = hash_key(&flow->datagram, params);
	u64 hash = hash_key(&flow->key, params);
	struct mirrorx_datagram *known;

	local_lock_nested_bh(&params->flows->lock);
	known = this_cpu_ptr(params->flows)->datagrams +
		datagram % MIRRORX_DATAGRAMS;
	if (!flow->later) {
		known->hash = datagram;
		known->flow = hash;
	} else if (known->hash == datagram) {
		hash = known->flow;
	}
	local_unlock_nested_bh(&params->flows->lock);
	return hash;
}

static noinline u64 hash_any(const struct sk_buff *skb,
			     const struct mirrorx_params *params)
{
	struct mirrorx_frame frame __uninitialized;
	struct mirrorx_flow flow __uninitialized;
	struct mirrorx_view view;

	if (!mirrorx_frame_init(&frame, skb))
		return 0;
	mirrorx_frame_view(&view, &frame);
	mirrorx_flow_find(&flow, &view, params->flow_inner);
	if (unlikely(flow.datagram.len))
		return hash_fragment(&flow, params);
	return hash_key(&flow.key, params);
}

/* The piece of a frame in an skb that starts with its Ethernet header, if there is one */
static __always_inline u32 find_piece(const u8 **piece, const struct sk_buff *skb)
{
	int start = skb_mac_offset(skb);

	if (unlikely(skb->dev->type != ARPHRD_ETHER || start > 0))
		return 0;
	*piece = skb_mac_header(skb);
	return skb_headlen(skb) - start;
}

/*
 * A flow that this CPU has not seen lately takes the place of another, but for one
 * whose packets are to be looked into, each of them.
 */
static noinline u64 hash_new(struct mirrorx_known_flow *known,
			     const struct sk_buff *skb, const u8 *piece, u32 len,
			     const struct mirrorx_params *params)
{
	struct mirrorx_flow_key key __uninitialized;
	struct mirrorx_flow_ends ends = {};
	u64 hash;
	u8 kind;

	kind = mirrorx_flow_usual(&ends, piece, len);
	if (params->flow_inner && mirrorx_flow_is_tunnel(&ends))
		return hash_any(skb, params);
	mirrorx_flow_key(&key, &ends, kind);
	hash = hash_key(&key, params);
	local_lock_nested_bh(&params->flows->lock);
	known->hash = hash;
	known->ends = ends;
	local_unlock_nested_bh(&params->flows->lock);
	return hash;
}

/* @ends stays in registers, as nobody is told where it is. */
static __always_inline u64 hash_usual(const struct mirrorx_flow_ends *ends,
				      u8 kind, const struct sk_buff *skb,
				      const u8 *piece, u32 len,
				      const struct mirrorx_params *params)
{
	u64 hash, mixed = ends->what ^ ends->addrs[0];
	struct mirrorx_known_flow *known;
	bool same;

	if (kind == MIRRORX_FLOW_IPV6)
		mixed ^= ends->addrs[1] ^ ends->addrs[2] ^ ends->addrs[3];
	local_lock_nested_bh(&params->flows->lock);
	known = this_cpu_ptr(params->flows)->known +
		hash_64(mixed, MIRRORX_KNOWN_BITS);
	same = mirrorx_flow_same(ends, &known->ends, kind);
	hash = known->hash;
	local_unlock_nested_bh(&params->flows->lock);
	return likely(same) ? hash : hash_new(known, skb, piece, len, params);
}

/**
 * mirrorx_flow_hash() - the flow of a packet as a number
 * @skb: packet at a tc hook; only read
 * @params: configuration that needs flows
 *
 * BH is off.
 *
 * Return: the number, the same for both directions; 0 if there is no whole
 * link-layer header
 */
static __always_inline u64 mirrorx_flow_hash(const struct sk_buff *skb,
					     const struct mirrorx_params *params)
{
	struct mirrorx_flow_ends ends __uninitialized;
	const u8 *piece = NULL;
	u32 len;

	len = find_piece(&piece, skb);
	switch (mirrorx_flow_usual(&ends, piece, len)) {
	case MIRRORX_FLOW_IPV4:
		return hash_usual(&ends, MIRRORX_FLOW_IPV4, skb, piece, len,
				  params);
	case MIRRORX_FLOW_IPV6:
		return hash_usual(&ends, MIRRORX_FLOW_IPV6, skb, piece, len,
				  params);
	default:
		return hash_any(skb, params);
	}
}
