// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of an action: per CPU, one enum in uapi order.
 */
#include <net/netlink.h>

#include "mirrorx.h"

static void mirrorx_stats_fetch(u64 sums[MIRRORX_STATS],
				struct mirrorx_cpu __percpu *cpus)
{
	u64 snapshot[MIRRORX_STATS];
	unsigned int start;
	int cpu, i;

	memset(sums, 0, MIRRORX_STATS * sizeof(*sums));
	for_each_possible_cpu(cpu) {
		const struct mirrorx_cpu *one = per_cpu_ptr(cpus, cpu);

		do {
			start = u64_stats_fetch_begin(&one->syncp);
			for (i = 0; i < MIRRORX_STATS; i++)
				snapshot[i] = u64_stats_read(&one->stats[i]);
		} while (u64_stats_fetch_retry(&one->syncp, start));

		for (i = 0; i < MIRRORX_STATS; i++)
			sums[i] += snapshot[i];
	}
}

/**
 * mirrorx_stats_dump() - put the TCA_MIRRORX_STATS nest into a message
 * @msg: netlink message
 * @m: the action
 * @flight: owners of its namespace's copies
 *
 * Return: 0, or -EMSGSIZE
 */
int mirrorx_stats_dump(struct sk_buff *msg, const struct tcf_mirrorx *m,
		       const struct mirrorx_flight *flight)
{
	u64 sums[MIRRORX_STATS];
	struct nlattr *nest;
	int i;

	nest = nla_nest_start(msg, TCA_MIRRORX_STATS);
	if (!nest)
		return -EMSGSIZE;

	mirrorx_stats_fetch(sums, m->cpu);
	/* copies that wait for a neighbour have none so far */
	sums[TCA_MIRRORX_STATS_NO_NEIGH - MIRRORX_STAT_FIRST] +=
		mirrorx_waiting(&m->wait);
	sums[TCA_MIRRORX_STATS_IN_FLIGHT - MIRRORX_STAT_FIRST] =
		mirrorx_in_flight(flight, &sums[TCA_MIRRORX_STATS_IN_FLIGHT_MAX -
						MIRRORX_STAT_FIRST]);
	for (i = 0; i < MIRRORX_STATS; i++)
		if (nla_put_u64_64bit(msg, MIRRORX_STAT_FIRST + i, sums[i],
				      TCA_MIRRORX_STATS_PAD))
			return -EMSGSIZE;

	nla_nest_end(msg, nest);
	return 0;
}

/**
 * mirrorx_stats_size() - room that mirrorx_stats_dump() takes
 *
 * Return: bytes
 */
size_t mirrorx_stats_size(void)
{
	return nla_total_size(0) +
	       MIRRORX_STATS * nla_total_size_64bit(sizeof(u64));
}
