// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of several collectors gets a copy?
 *
 * Flows are shared out in slots, by their hash.  Each slot belongs to the collector
 * that has the largest number there (rendezvous hashing), which depends on nothing
 * but its address and the seed: a collector more or less moves only what it gets or
 * had, and hosts with the same collectors agree.  A collector that is out of reach
 * is no collector, with the same rule, until it is found to be back.
 */
#include <linux/jhash.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "mirrorx.h"

static u32 number_of(const struct mirrorx_collector *collector, u32 slot)
{
	return jhash_2words(collector->hash, slot, 0);
}

/**
 * mirrorx_spread_best() - to whom does a slot belong?
 * @params: configuration with several collectors
 * @slot: slot
 * @not: those that do not count, a bit for each
 *
 * Return: index of the collector; that of none if none is left
 */
u32 mirrorx_spread_best(const struct mirrorx_params *params, u32 slot, u64 not)
{
	u32 best = params->collectors, most = 0, number, i;

	for (i = 0; i < params->collectors; i++) {
		if (not & BIT_ULL(i))
			continue;
		number = number_of(&params->collector[i], slot);
		/* of two with the same number, the same one in any order */
		if (best == params->collectors || number > most ||
		    (number == most && params->collector[i].hash >
				       params->collector[best].hash)) {
			best = i;
			most = number;
		}
	}
	return best;
}

static int share_out(struct mirrorx_params *params)
{
	u32 slot, i;

	params->slot = kmalloc(MIRRORX_SLOTS, GFP_KERNEL_ACCOUNT);
	if (!params->slot)
		return -ENOMEM;
	for (i = 0; i < params->collectors; i++)
		params->collector[i].hash =
			siphash(params->collector[i].daddr,
				sizeof(params->collector[i].daddr),
				&params->flow_key);
	for (slot = 0; slot < MIRRORX_SLOTS; slot++)
		params->slot[slot] = mirrorx_spread_best(params, slot, 0);
	return 0;
}

/**
 * mirrorx_spread_init() - prepare for several collectors
 * @params: configuration
 *
 * Sleeps.
 *
 * Return: 0 or -ENOMEM; then mirrorx_spread_free() is still to be called
 */
int mirrorx_spread_init(struct mirrorx_params *params)
{
	u32 i;

	if (!params->spread)
		return 0;
	params->shares =
		__alloc_percpu_gfp(params->collectors * sizeof(struct mirrorx_share),
				   __alignof__(struct mirrorx_share),
				   GFP_KERNEL_ACCOUNT);
	if (!params->shares)
		return -ENOMEM;
	for (i = 0; i < params->collectors; i++)
		params->collector[i].share = params->shares + i;
	return params->spread == TC_MIRRORX_SPREAD_FLOW ? share_out(params) : 0;
}

/**
 * mirrorx_spread_free() - undo mirrorx_spread_init()
 * @params: configuration that no packet uses any more
 */
void mirrorx_spread_free(struct mirrorx_params *params)
{
	kfree(params->slot);
	free_percpu(params->shares);
}

static void add_share(struct tc_mirrorx_collector *sum,
		      const struct mirrorx_share *share,
		      const struct u64_stats_sync *syncp)
{
	u64 copies, moved;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(syncp);
		copies = u64_stats_read(&share->copies);
		moved = u64_stats_read(&share->moved);
	} while (u64_stats_fetch_retry(syncp, start));
	sum->copies += copies;
	sum->moved += moved;
}

/**
 * mirrorx_spread_dump() - put TCA_MIRRORX_COLLECTORS into a message
 * @msg: netlink message
 * @params: configuration
 * @cpus: of the action
 *
 * Return: 0, or -EMSGSIZE
 */
int mirrorx_spread_dump(struct sk_buff *msg, const struct mirrorx_params *params,
			const struct mirrorx_cpu __percpu *cpus)
{
	struct tc_mirrorx_collector *sums;
	struct nlattr *attr;
	int cpu;
	u32 i;

	if (!params->spread)
		return 0;
	attr = nla_reserve_64bit(msg, TCA_MIRRORX_COLLECTORS,
				 params->collectors * sizeof(*sums),
				 TCA_MIRRORX_PAD);
	if (!attr)
		return -EMSGSIZE;
	sums = nla_data(attr);
	memset(sums, 0, nla_len(attr));
	for (i = 0; i < params->collectors; i++) {
		for_each_possible_cpu(cpu)
			add_share(&sums[i],
				  per_cpu_ptr(params->shares, cpu) + i,
				  &per_cpu_ptr(cpus, cpu)->syncp);
		if (READ_ONCE(params->collector[i].away))
			sums[i].away = READ_ONCE(params->collector[i].why);
	}
	return 0;
}
