// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much may be sent: token buckets without a lock.
 *
 * All that there is to a bucket is the time at which it will be full again (the
 * "virtual scheduling" of ITU-T I.371, GCRA): taking tokens moves that time on,
 * by what they take to come back.  A CPU whose copy is refused writes nothing,
 * so a flood makes no line bounce; and those that are sent write no more often
 * than the limit allows.
 */
#include <linux/ktime.h>
#include <net/sch_generic.h>

#include "mirrorx.h"

/**
 * mirrorx_limit_init() - prepare a limit
 * @limit: to be filled
 * @rate: bytes or packets per second; 0 for none
 * @burst: bytes or packets at once
 */
void mirrorx_limit_init(struct mirrorx_limit *limit, u64 rate, u32 burst)
{
	static const struct tc_ratespec plain;

	limit->rate = rate;
	limit->burst = burst;
	if (!rate)
		return;
	psched_ratecfg_precompute(&limit->cfg, &plain, rate);
	limit->depth_ns = psched_l2t_ns(&limit->cfg, burst);
}

static bool take(atomic64_t *full_at, const struct mirrorx_limit *limit,
		 u32 tokens, s64 now)
{
	s64 cost = psched_l2t_ns(&limit->cfg, tokens);
	s64 then, was = atomic64_read(full_at);

	do {
		then = max(was, now) + cost;
		if (then > now + limit->depth_ns)
			return false;
	} while (!atomic64_try_cmpxchg(full_at, &was, then));
	return true;
}

static void give_back(atomic64_t *full_at, const struct mirrorx_limit *limit,
		      u32 tokens)
{
	atomic64_sub(psched_l2t_ns(&limit->cfg, tokens), full_at);
}

/**
 * mirrorx_limit_allows() - may a copy be sent? If so, it is taken for sent
 * @full_at: buckets of the action
 * @params: configuration with a limit of one kind or both
 * @bytes: length of the copy
 *
 * Return: true if it may
 */
bool mirrorx_limit_allows(atomic64_t full_at[MIRRORX_LIMITS],
			  const struct mirrorx_params *params, u32 bytes)
{
	const struct mirrorx_limit *rate = &params->limit[MIRRORX_LIMIT_BYTES];
	const struct mirrorx_limit *pps = &params->limit[MIRRORX_LIMIT_PACKETS];
	s64 now = ktime_get_ns();

	if (rate->rate &&
	    !take(&full_at[MIRRORX_LIMIT_BYTES], rate, bytes, now))
		return false;
	if (!pps->rate || take(&full_at[MIRRORX_LIMIT_PACKETS], pps, 1, now))
		return true;
	if (rate->rate)
		give_back(&full_at[MIRRORX_LIMIT_BYTES], rate, bytes);
	return false;
}

/**
 * mirrorx_limit_carry_over() - let buckets go on under another configuration
 * @full_at: buckets of the action
 * @params: configuration that they will have
 *
 * What was taken stays taken, but a bucket cannot be emptier than empty: else
 * a slow limit would go on long after it was lifted.
 */
void mirrorx_limit_carry_over(atomic64_t full_at[MIRRORX_LIMITS],
			      const struct mirrorx_params *params)
{
	s64 empty, now = ktime_get_ns();
	int i;

	for (i = 0; i < MIRRORX_LIMITS; i++) {
		empty = now + params->limit[i].depth_ns;
		if (atomic64_read(&full_at[i]) > empty)
			atomic64_set(&full_at[i], empty);
	}
}
