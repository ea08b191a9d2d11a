// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies whose next hop is not resolved yet.
 *
 * The first of them is sent all the same: the kernel asks for the next hop in
 * its name, and keeps it until the answer comes or the question is given up.
 * The others wait here, because what the neighbour drops would vanish uncounted,
 * and go on in their order or are counted.  While they wait they are shown as
 * having no neighbour, so that the counters add up at any time.
 */
#include <net/neighbour.h>

#include "mirrorx.h"

/* More than that is a flow, which should not be delayed by seconds. */
#define WAIT_MAX	64

#define WAIT_POLL	msecs_to_jiffies(10)

struct wait_cb {
	u32 notes;
};

#define WAIT_CB(skb)	((struct wait_cb *)(skb)->cb)

static bool is_pending(const struct neighbour *neigh)
{
	return !READ_ONCE(neigh->dead) &&
	       READ_ONCE(neigh->nud_state) & NUD_INCOMPLETE;
}

static bool is_resolved(const struct neighbour *neigh)
{
	return !READ_ONCE(neigh->dead) &&
	       READ_ONCE(neigh->nud_state) & NUD_VALID;
}

static void count(struct mirrorx_cpu *cpu, bool resolved, u32 len,
		  u32 notes)
{
	if (resolved)
		mirrorx_stats_sent(cpu, true, len, notes);
	else
		mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_NO_NEIGH, 1);
}

/* Send the copies, or drop them if the next hop has not answered. */
static void send_queue(struct mirrorx_cpu *cpu, struct sk_buff_head *queue,
		       struct neighbour *neigh)
{
	struct sk_buff *copy;
	u32 notes, len;

	while ((copy = __skb_dequeue(queue))) {
		if (!is_resolved(neigh)) {
			mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_NO_NEIGH, 1);
			kfree_skb(copy);
			continue;
		}
		notes = WAIT_CB(copy)->notes;
		memset(copy->cb, 0, sizeof(copy->cb));
		len = copy->len;
		mirrorx_stats_sent(cpu, mirrorx_xmit(neigh, copy), len, notes);
	}
}

/**
 * mirrorx_wait_flush() - send or drop the copies that wait
 * @m: the action
 *
 * BH is off.
 */
void mirrorx_wait_flush(struct tcf_mirrorx *m)
{
	struct mirrorx_cpu *cpu = this_cpu_ptr(m->cpu);
	struct mirrorx_wait *wait = &m->wait;
	struct sk_buff_head queue;
	struct neighbour *neigh;

	__skb_queue_head_init(&queue);
	spin_lock(&wait->lock);
	neigh = wait->neigh;
	WRITE_ONCE(wait->neigh, NULL);
	if (wait->first_len)
		count(cpu, is_resolved(neigh), wait->first_len,
		      wait->first_notes);
	WRITE_ONCE(wait->first_len, 0);
	skb_queue_splice_init(&wait->queue, &queue);
	spin_unlock(&wait->lock);

	if (!neigh)
		return;
	send_queue(cpu, &queue, neigh);
	neigh_release(neigh);
}

static void look_again(struct work_struct *work)
{
	struct tcf_mirrorx *m = container_of(to_delayed_work(work),
					     struct tcf_mirrorx, wait.work);
	struct mirrorx_wait *wait = &m->wait;
	bool pending;

	local_bh_disable();
	spin_lock(&wait->lock);
	pending = wait->neigh && is_pending(wait->neigh);
	spin_unlock(&wait->lock);
	if (pending)
		schedule_delayed_work(&wait->work, WAIT_POLL);
	else
		mirrorx_wait_flush(m);
	local_bh_enable();
}

/* The kernel takes it as the reason to ask for its next hop. */
static void send_first(struct tcf_mirrorx *m, struct neighbour *neigh,
		       struct sk_buff *copy)
{
	if (mirrorx_xmit(neigh, copy))
		return;

	spin_lock(&m->wait.lock);
	WRITE_ONCE(m->wait.first_len, 0);
	spin_unlock(&m->wait.lock);
	mirrorx_stats_add(this_cpu_ptr(m->cpu), TCA_MIRRORX_STATS_XMIT, 1);
}

/**
 * mirrorx_wait_for() - let a copy wait for its next hop
 * @m: the action
 * @neigh: next hop, not resolved; under RCU
 * @copy: packet from the outer IP header on; consumed if true comes back
 * @notes: what to count with it, MIRRORX_NOTE()
 *
 * BH is off.
 *
 * Return: false if too many wait already
 */
bool mirrorx_wait_for(struct tcf_mirrorx *m, struct neighbour *neigh,
		      struct sk_buff *copy, u32 notes)
{
	struct mirrorx_wait *wait = &m->wait;
	bool first, room;

	/* the route has changed: who waits for another next hop is too late */
	if (unlikely(READ_ONCE(wait->neigh) &&
		     READ_ONCE(wait->neigh) != neigh))
		mirrorx_wait_flush(m);

	spin_lock(&wait->lock);
	first = !wait->neigh && refcount_inc_not_zero(&neigh->refcnt);
	room = wait->neigh == neigh && skb_queue_len(&wait->queue) < WAIT_MAX;
	if (first) {
		WRITE_ONCE(wait->neigh, neigh);
		WRITE_ONCE(wait->first_len, copy->len);
		wait->first_notes = notes;
	} else if (room) {
		WAIT_CB(copy)->notes = notes;
		__skb_queue_tail(&wait->queue, copy);
	}
	if (first || room)
		schedule_delayed_work(&wait->work, WAIT_POLL);
	spin_unlock(&wait->lock);

	if (first)
		send_first(m, neigh, copy);
	return first || room;
}

/**
 * mirrorx_waiting() - how many copies wait
 * @wait: of the action
 *
 * Return: their number at some moment
 */
u32 mirrorx_waiting(const struct mirrorx_wait *wait)
{
	return skb_queue_len_lockless(&wait->queue) +
	       (READ_ONCE(wait->first_len) != 0);
}

/**
 * mirrorx_wait_init() - nobody waits
 * @wait: of a new action
 */
void mirrorx_wait_init(struct mirrorx_wait *wait)
{
	spin_lock_init(&wait->lock);
	__skb_queue_head_init(&wait->queue);
	INIT_DELAYED_WORK(&wait->work, look_again);
}

/**
 * mirrorx_wait_end() - drop the copies that wait
 * @wait: of an action that sees no packets any more
 *
 * Sleeps.
 */
void mirrorx_wait_end(struct mirrorx_wait *wait)
{
	cancel_delayed_work_sync(&wait->work);
	__skb_queue_purge(&wait->queue);
	if (wait->neigh)
		neigh_release(wait->neigh);
}
