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
 * A fragment but the first has no ports.  Each CPU remembers which flows the last
 * datagrams in fragments belonged to; fragments that come first, or elsewhere, or
 * too late, belong to a flow without ports.
 */
#include <linux/hash.h>
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
 * and that is all.  BH is off; if tasks with BH off preempt each other here, a
 * fragment belongs to a wrong flow at worst.
 */
static u64 hash_fragment(const struct mirrorx_flow *flow,
			 const struct mirrorx_params *params)
{
	u64 datagram = hash_key(&flow->datagram, params);
	u64 hash = hash_key(&flow->key, params);
	struct mirrorx_datagram *known;

	known = this_cpu_ptr(params->datagrams) + datagram % MIRRORX_DATAGRAMS;
	if (flow->later)
		return known->hash == datagram ? known->flow : hash;
	known->hash = datagram;
	known->flow = hash;
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

/* Is all that mirrorx_flow_usual() reads in one piece? */
static __always_inline bool is_usual(const struct sk_buff *skb)
{
	int start = skb_mac_offset(skb);

	return skb->dev->type == ARPHRD_ETHER && start <= 0 &&
	       (int)skb_headlen(skb) - start >= MIRRORX_FLOW_USUAL;
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
	struct mirrorx_flow_key key __uninitialized;
	u64 first, second;

	if (unlikely(params->flow_inner || !is_usual(skb) ||
		     !mirrorx_flow_usual(&key, skb_mac_header(skb))))
		return hash_any(skb, params);
	first = get_unaligned_le64(key.bytes);
	second = get_unaligned_le64(key.bytes + 8);
	if (params->flow_keyed)
		return siphash_2u64(first, second, &params->flow_key);
	return mix(mix(0, first), second);
}
