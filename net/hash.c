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

static __always_inline bool find_ends(struct mirrorx_flow_ends *ends,
				      const struct sk_buff *skb, bool inner)
{
	int start = skb_mac_offset(skb);

	return skb->dev->type == ARPHRD_ETHER && start <= 0 &&
	       mirrorx_flow_usual(ends, skb_mac_header(skb),
				  skb_headlen(skb) - start, inner);
}

static noinline u64 hash_ends(const struct mirrorx_flow_ends *ends,
			      const struct mirrorx_params *params)
{
	struct mirrorx_flow_key key __uninitialized;

	mirrorx_flow_key(&key, ends);
	return hash_key(&key, params);
}

/* Of a flow that this CPU may have seen lately */
static __always_inline u64 hash_known(const struct mirrorx_flow_ends *ends,
				      const struct mirrorx_params *params)
{
	u64 place = mix(mix(0, ends->what), ends->addrs[0] ^ ends->addrs[1] ^
					    ends->addrs[2] ^ ends->addrs[3]);
	struct mirrorx_known_flow *known;
	u64 hash;

	local_lock_nested_bh(&params->flows->lock);
	known = this_cpu_ptr(params->flows)->known + place % MIRRORX_KNOWN_FLOWS;
	if (unlikely(!mirrorx_flow_same(&known->ends, ends))) {
		known->hash = hash_ends(ends, params);
		known->ends = *ends;
	}
	hash = known->hash;
	local_unlock_nested_bh(&params->flows->lock);
	return hash;
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

	if (unlikely(!find_ends(&ends, skb, params->flow_inner)))
		return hash_any(skb, params);
	return hash_known(&ends, params);
}
