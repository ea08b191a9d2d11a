// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet through the rooms, one after the other:
 *
 *	select.c	is it to be copied?
 *	spread.c	to which collector?
 *	underlay.c	is there a way to it?
 *	copy.c		a fresh skb with a slice of the frame
 *	encap.c		the outer headers, as bytes
 *	underlay.c	transmit
 *
 * What lies on the stack here is filled by the rooms before it is read, and
 * clearing it first, as kernels do by default, would cost more than they do.
 */
#include <linux/netdevice.h>
#include <net/sch_generic.h>

#include "mirrorx.h"

/* How long a collector that is out of reach is left alone */
#define AWAY_RETRY	(HZ / 10)

/**
 * struct mirror - one packet on its way
 * @m: the action
 * @cpu: this CPU's part of it
 * @params: its configuration
 * @instead_of: of several collectors, the one that its flow belongs to, where another
 *	gets its copies; else NULL
 * @notes: what there is to say about all its copies, MIRRORX_NOTE()
 * @path: the way to the collector
 * @meta: what is particular to the copy in hand
 */
struct mirror {
	struct tcf_mirrorx *m;
	struct mirrorx_cpu *cpu;
	struct mirrorx_params *params;
	const struct mirrorx_collector *instead_of;
	u32 notes;
	struct mirrorx_path path;
	struct mirrorx_encap_meta meta;
};

static u32 room(const struct mirror *mirror)
{
	return mirror->path.mtu - mirror->path.route->encap.len;
}

/*
 * The session's sequence, or that of this CPU, which stays while BH is off; 0
 * where copies have no number.
 */
static u32 next_seq(struct mirror *mirror)
{
	struct mirrorx_session *session = mirror->path.route->collector->session;
	u8 seq = mirror->path.route->encap.seq;

	if (likely(seq == MIRRORX_SEQ_SESSION))
		return atomic_inc_return(&session->seq) - 1;
	if (seq != MIRRORX_SEQ_CPU)
		return 0;
	mirror->meta.cpu = smp_processor_id();
	return this_cpu_inc_return(*session->cpu_seq) - 1;
}

/* As one of several collectors' */
static __always_inline void count_copy(const struct mirror *mirror,
				       const struct mirrorx_collector *to)
{
	u64_stats_update_begin(&mirror->cpu->syncp);
	u64_stats_inc(&this_cpu_ptr(to->share)->copies);
	if (unlikely(mirror->instead_of))
		u64_stats_inc(&this_cpu_ptr(mirror->instead_of->share)->moved);
	u64_stats_update_end(&mirror->cpu->syncp);
}

/* Where options change a copy, all that is done to it; returns what to note. */
static noinline u32 amend(const struct mirror *mirror,
			  const struct mirrorx_frame *frame,
			  struct sk_buff *copy)
{
	const struct mirrorx_params *params = mirror->params;

	if (params->spread)
		count_copy(mirror, mirror->path.route->collector);
	if (params->plaintext && mirror->meta.egress)
		mirrorx_blank_esp(copy, frame->skb);
	if (params->zero_payload)
		mirrorx_headers_zero(copy->data, copy->len);
	if (params->pan)
		mirrorx_anonymize(copy->data, copy->len, params->pan,
				  params->anon_mac, params->zero_payload);
	if (params->fixlen && mirror->meta.truncated &&
	    !mirrorx_headers_fix(copy->data, copy->len,
				 mirrorx_frame_len(frame)))
		return MIRRORX_NOTE(TCA_MIRRORX_STATS_UNFIXED);
	return 0;
}

/* Send a copy of as much of a frame as meta says; returns 0, or why not. */
static __always_inline enum tca_mirrorx_stats
mirror_slice(struct mirror *mirror, const struct mirrorx_frame *frame,
	     u32 notes)
{
	const struct mirrorx_route *route = mirror->path.route;
	const struct mirrorx_encap *encap = &route->encap;
	const struct mirrorx_path *path = &mirror->path;
	struct mirrorx_encap_meta *meta = &mirror->meta;
	u32 frame_len = mirrorx_frame_len(frame);
	struct sk_buff *copy;
	struct sock *owner;

	owner = mirrorx_owner(mirror->params->flight);
	if (unlikely(!owner))
		return TCA_MIRRORX_STATS_CONGESTED;
	if (unlikely(mirror->params->limited) &&
	    !mirrorx_limit_allows(mirror->m->full_at, mirror->params,
				  encap->len + meta->slice_len))
		return TCA_MIRRORX_STATS_LIMITED;

	meta->truncated = meta->slice_len < frame_len;
	copy = mirrorx_copy(frame, meta->slice_len,
			    path->headroom + encap->len,
			    path->tailroom);
	if (unlikely(!copy))
		return TCA_MIRRORX_STATS_NO_MEM;
	mirrorx_own(copy, owner);

	if (unlikely(mirror->params->after)) {
		if (likely(!mirror->params->amends))
			count_copy(mirror, route->collector);
		else
			notes |= amend(mirror, frame, copy);
	}

	meta->seq = next_seq(mirror);
	meta->tag = frame->tag;
	mirrorx_encap_write(__skb_push(copy, encap->len), encap, meta);
	mirrorx_send(mirror->m, mirror->cpu, path, mirror->params, copy, notes);
	return 0;
}

/* Send copies of smaller segments; false if the frame cannot be split. */
static noinline bool mirror_pieces(struct mirror *mirror,
				   const struct mirrorx_frame *frame)
{
	struct mirrorx_burst burst __uninitialized;
	struct mirrorx_frame piece __uninitialized;
	enum tca_mirrorx_stats reason;

	if (!mirrorx_burst_split(&burst, frame, room(mirror)))
		return false;

	mirrorx_stats_add(mirror->cpu, TCA_MIRRORX_STATS_SPLIT,
			  burst.frames - 1);
	while (burst.index < burst.frames) {
		mirrorx_burst_next(&burst, &piece);
		mirror->meta.slice_len = mirrorx_frame_len(&piece);
		reason = mirror_slice(mirror, &piece, mirror->notes);
		if (reason)
			mirrorx_stats_add(mirror->cpu, reason, 1);
	}
	return true;
}

/*
 * What does not fit is cut, or goes in fragments, and what only a device could
 * read is left out; returns what to note.
 */
static noinline u32 make_fit(struct mirror *mirror,
			     const struct mirrorx_frame *frame, u32 notes)
{
	u32 *len = &mirror->meta.slice_len, limit = room(mirror);

	if (mirror->params->oversize == TC_MIRRORX_OVERSIZE_FRAGMENT)
		limit = U16_MAX - mirror->path.route->encap.len;
	limit = min(limit, mirrorx_readable(frame));
	if (*len > limit) {
		*len = limit;
		notes &= ~MIRRORX_NOTE(TCA_MIRRORX_STATS_TRUNCATED);
		notes |= MIRRORX_NOTE(TCA_MIRRORX_STATS_CUT);
	}
	if (*len > room(mirror))
		notes |= MIRRORX_NOTE(TCA_MIRRORX_STATS_FRAGMENTED);
	return notes;
}

/* Send a copy of one frame; returns 0, or why there is none. */
static __always_inline enum tca_mirrorx_stats
mirror_frame(struct mirror *mirror, const struct mirrorx_frame *frame, u32 keep)
{
	struct mirrorx_encap_meta *meta = &mirror->meta;
	const struct mirrorx_params *params = mirror->params;
	u32 frame_len = mirrorx_frame_len(frame);
	u32 notes = mirror->notes;

	meta->slice_len = frame_len;
	if (keep < frame_len) {
		meta->slice_len = keep;
		notes |= MIRRORX_NOTE(TCA_MIRRORX_STATS_TRUNCATED);
	}
	if (unlikely(meta->slice_len > room(mirror) ||
		     !skb_frags_readable(frame->skb))) {
		if (params->oversize == TC_MIRRORX_OVERSIZE_SPLIT &&
		    meta->slice_len == frame_len &&
		    skb_frags_readable(frame->skb) &&
		    mirror_pieces(mirror, frame))
			return 0;
		notes = make_fit(mirror, frame, notes);
	}
	return mirror_slice(mirror, frame, notes);
}

static noinline enum tca_mirrorx_stats
find_way(struct mirror *mirror, struct mirrorx_collector *collector)
{
	return mirrorx_path_find(&mirror->path, mirror->params, collector);
}

/* Where options look into the frame, before it is copied */
static noinline enum tca_mirrorx_stats
look_and_mirror(struct mirror *mirror, struct mirrorx_frame *frame)
{
	const struct mirrorx_params *params = mirror->params;
	u32 keep = params->keep;

	mirror->meta.frame_len = mirrorx_frame_len(frame);
	if (params->conf.strip && frame->tag && !mirrorx_strip_tag(frame))
		return TCA_MIRRORX_STATS_BAD_FRAME;
	if (params->trunc_after)
		keep += mirrorx_header_end(frame, params->trunc_after);
	return mirror_frame(mirror, frame, keep);
}

/* Send a copy of one frame to each collector. */
static noinline enum tca_mirrorx_stats
mirror_to_all(struct mirror *mirror, const struct mirrorx_frame *frame)
{
	struct mirrorx_params *params = mirror->params;
	struct mirrorx_frame one __uninitialized;
	enum tca_mirrorx_stats reason;
	u32 i;

	mirrorx_stats_add(mirror->cpu, TCA_MIRRORX_STATS_SPLIT,
			  params->collectors - 1);
	for (i = 0; i < params->collectors; i++) {
		one = *frame;		/* options may change it */
		reason = find_way(mirror, &params->collector[i]) ?:
			 look_and_mirror(mirror, &one);
		if (reason)
			mirrorx_stats_add(mirror->cpu, reason, 1);
	}
	return 0;
}

/* Send copies of one frame; returns 0, or why there are none. */
static __always_inline enum tca_mirrorx_stats
mirror_chosen(struct mirror *mirror, struct mirrorx_frame *frame)
{
	const struct mirrorx_params *params = mirror->params;

	if (unlikely(params->looks))
		return params->spread == TC_MIRRORX_SPREAD_COPY ?
		       mirror_to_all(mirror, frame) :
		       look_and_mirror(mirror, frame);
	mirror->meta.frame_len = mirrorx_frame_len(frame);
	return mirror_frame(mirror, frame, params->keep);
}

/* Does sampling pass over this packet, as it does over all of its flow? */
static __always_inline bool pass_over_flow(struct mirrorx_cpu *cpu,
					   const struct mirrorx_params *params,
					   const struct sk_buff *skb)
{
	if (lower_32_bits(mirrorx_flow_hash(skb, params)) <= params->flow_limit)
		return false;
	mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_UNSAMPLED,
			  mirrorx_frames(skb));
	return true;
}

/* Send copies of the chosen ones among the frames of a GSO packet. */
static void mirror_burst(struct mirror *mirror, struct mirrorx_burst *burst)
{
	enum tca_mirrorx_stats reason;
	struct mirrorx_frame frame __uninitialized;
	bool ok;

	while (burst->index < burst->frames) {
		ok = mirrorx_burst_next(burst, &frame);
		if (!mirrorx_choose(mirror->cpu, mirror->params))
			continue;
		reason = ok ? mirror_chosen(mirror, &frame) :
			      TCA_MIRRORX_STATS_BAD_FRAME;
		if (reason)
			mirrorx_stats_add(mirror->cpu, reason, 1);
	}
}

/*
 * The stamp of the hardware, or 0.  Some drivers put a cookie in its place, and
 * know what time it stands for.
 */
static noinline u64 hw_time_ns(const struct sk_buff *skb)
{
	struct skb_shared_hwtstamps *hw = skb_hwtstamps((struct sk_buff *)skb);

	if (!skb_hwtstamp_is_cookie(skb))
		return ktime_to_ns(hw->hwtstamp);
	return ktime_to_ns(netdev_cookie_tstamp(skb->dev, hw));
}

/*
 * When was this packet on the wire, in ns since 1970?  At ingress the stamp of
 * the hardware knows, else the one of the stack.  At egress skb->tstamp is when
 * to send and not when sent, so it is now.
 */
static __always_inline u64 time_ns(const struct sk_buff *skb)
{
	u64 hw;

	if (skb_at_tc_ingress(skb)) {
		if (unlikely(skb_hwtstamps((struct sk_buff *)skb)->hwtstamp)) {
			hw = hw_time_ns(skb);
			if (hw)
				return hw;
		}
		if (skb_tstamp(skb))
			return ktime_to_ns(skb_tstamp(skb));
	}
	return ktime_get_real_ns();
}

/*
 * What headers that are not the usual ones tell of a packet.  Of the hash, the
 * half by which sampling does not choose flows.
 */
static noinline void set_meta(struct mirror *mirror, const struct sk_buff *skb)
{
	const struct mirrorx_encap *encap = &mirror->path.route->encap;

	if (encap->timed)
		mirror->meta.time_ns = time_ns(skb);
	if (encap->flow)
		mirror->meta.flow =
			upper_32_bits(mirrorx_flow_hash(skb, mirror->params));
}

/* The next hop has not answered, now or since it was found out of reach. */
static bool is_silent(const struct mirrorx_path *path, unsigned long away)
{
	return !path->resolved &&
	       (away || READ_ONCE(path->neigh->nud_state) & NUD_FAILED);
}

/*
 * Try a collector.  One that is out of reach is not tried again for a while, so that
 * no packet pays for all of them; to ask for its next hop is how to notice that it
 * is back.
 */
static enum tca_mirrorx_stats try_collector(struct mirror *mirror,
					    struct mirrorx_collector *collector)
{
	unsigned long away = READ_ONCE(collector->away);
	enum tca_mirrorx_stats reason;

	if (away && time_before(jiffies, away))
		return READ_ONCE(collector->why);
	reason = find_way(mirror, collector);
	if (!reason && is_silent(&mirror->path, away)) {
		neigh_event_send(mirror->path.neigh, NULL);
		reason = TCA_MIRRORX_STATS_NO_NEIGH;
	}
	if (reason) {
		WRITE_ONCE(collector->why, reason);
		WRITE_ONCE(collector->away, (jiffies + AWAY_RETRY) ?: 1);
	} else if (away) {
		WRITE_ONCE(collector->away, 0);
	}
	return reason;
}

static u32 slot_of(u32 flow)
{
	return flow >> (32 - MIRRORX_SLOT_BITS);
}

/* The flows of one that is out of reach go to others, each where it would go then. */
static noinline enum tca_mirrorx_stats
find_substitute(struct mirror *mirror, struct mirrorx_collector *own)
{
	struct mirrorx_params *params = mirror->params;
	u32 i, slot = slot_of(mirror->meta.flow);
	u64 tried = BIT_ULL(own - params->collector);
	enum tca_mirrorx_stats reason;

	reason = try_collector(mirror, own);
	if (!reason)
		return 0;
	mirror->instead_of = own;
	while ((i = mirrorx_spread_best(params, slot, tried)) < params->collectors) {
		tried |= BIT_ULL(i);
		if (!try_collector(mirror, &params->collector[i]))
			return 0;
	}
	return reason;
}

/* Each collector has its turn later. */
static noinline enum tca_mirrorx_stats choose_all(struct mirror *mirror,
						  const struct sk_buff *skb)
{
	if (mirror->params->by_flow)
		mirror->meta.flow =
			upper_32_bits(mirrorx_flow_hash(skb, mirror->params));
	return 0;
}

/* To the collector that the flow belongs to, if nothing speaks against it */
static __always_inline enum tca_mirrorx_stats
choose_way(struct mirror *mirror, const struct sk_buff *skb)
{
	struct mirrorx_params *params = mirror->params;
	struct mirrorx_collector *own;
	u32 flow;

	mirror->instead_of = NULL;
	if (unlikely(!params->slot))
		return choose_all(mirror, skb);
	flow = upper_32_bits(mirrorx_flow_hash(skb, params));
	mirror->meta.flow = flow;
	own = &params->collector[params->slot[slot_of(flow)]];
	OPTIMIZER_HIDE_VAR(own);	/* which is found only once then */
	if (likely(!data_race(own->away)) &&
	    likely(!mirrorx_path_find(&mirror->path, params, own)) &&
	    likely(mirror->path.resolved))
		return 0;
	return find_substitute(mirror, own);
}

/* Find the way; what holds for all copies of a packet is known with it. */
static __always_inline enum tca_mirrorx_stats
set_out(struct mirror *mirror, const struct sk_buff *skb)
{
	struct mirrorx_params *params = mirror->params;
	enum tca_mirrorx_stats reason;

	if (params->spread) {
		reason = choose_way(mirror, skb);
		if (unlikely(reason))
			return reason;
		mirror->meta.time_ns = time_ns(skb);
	} else {
		reason = mirrorx_path_find(&mirror->path, params,
					   params->collector);
		if (unlikely(reason))
			return reason;
		if (likely(mirror->path.route->encap.usual))
			mirror->meta.time_ns = time_ns(skb);
		else
			set_meta(mirror, skb);
	}
	mirror->meta.egress = !skb_at_tc_ingress(skb);
	mirror->meta.ifindex = skb->dev->ifindex;
	return 0;
}

/* As many frames as sampling chooses are not copied, for this reason. */
static void count_chosen(const struct mirror *mirror, u32 frames,
			 enum tca_mirrorx_stats reason)
{
	while (frames--)
		if (mirrorx_choose(mirror->cpu, mirror->params))
			mirrorx_stats_add(mirror->cpu, reason, 1);
}

static noinline void mirror_gso(struct mirror *mirror, const struct sk_buff *skb)
{
	u32 frames = mirrorx_frames(skb);
	struct mirrorx_burst burst __uninitialized;
	enum tca_mirrorx_stats reason;

	if (mirrorx_sending()) {
		mirrorx_stats_add(mirror->cpu, TCA_MIRRORX_STATS_LOOP, frames);
		return;
	}
	if (mirrorx_pass_over(mirror->cpu, mirror->params, frames))
		return;
	if (unlikely(mirror->params->flow_limit) &&
	    pass_over_flow(mirror->cpu, mirror->params, skb))
		return;
	if (skb_at_tc_ingress(skb))
		mirror->notes = MIRRORX_NOTE(TCA_MIRRORX_STATS_REBUILT);

	rcu_read_lock();
	reason = mirrorx_refuse(skb, mirror->params) ?: set_out(mirror, skb);
	if (likely(!reason)) {
		if (likely(mirrorx_burst_init(&burst, skb))) {
			mirror_burst(mirror, &burst);
			mirrorx_burst_end(&burst);
		} else {
			reason = TCA_MIRRORX_STATS_BAD_FRAME;
		}
	}
	rcu_read_unlock();
	if (unlikely(reason))
		count_chosen(mirror, frames, reason);
}

static __always_inline enum tca_mirrorx_stats
mirror_single(struct mirror *mirror, const struct sk_buff *skb)
{
	struct mirrorx_frame frame __uninitialized;
	enum tca_mirrorx_stats reason;

	reason = mirrorx_refuse(skb, mirror->params);
	if (unlikely(reason))
		return reason;
	reason = set_out(mirror, skb);
	if (unlikely(reason))
		return reason;
	if (unlikely(!mirrorx_frame_init(&frame, skb)))
		return TCA_MIRRORX_STATS_BAD_FRAME;
	return mirror_chosen(mirror, &frame);
}

static noinline int mirror_packet(const struct sk_buff *skb,
				  struct tcf_mirrorx *m,
				  struct mirrorx_cpu *cpu,
				  struct mirrorx_params *params)
{
	struct mirror mirror __uninitialized;
	enum tca_mirrorx_stats reason;

	mirror.m = m;
	mirror.cpu = cpu;
	mirror.params = params;
	mirror.notes = 0;

	if (unlikely(skb_is_gso(skb))) {
		mirror_gso(&mirror, skb);
	} else if (mirrorx_choose(cpu, params)) {
		rcu_read_lock();
		reason = mirror_single(&mirror, skb);
		rcu_read_unlock();
		if (unlikely(reason))
			mirrorx_stats_add(cpu, reason, 1);
	}
	return READ_ONCE(m->tcf_action);
}

static noinline int mirror_of_flow(const struct sk_buff *skb,
				   struct tcf_mirrorx *m,
				   struct mirrorx_cpu *cpu,
				   struct mirrorx_params *params)
{
	if (pass_over_flow(cpu, params, skb))
		return READ_ONCE(m->tcf_action);
	return mirror_packet(skb, m, cpu, params);
}

/**
 * tcf_mirrorx_act() - run the action: send a copy of a packet, or count why not
 * @skb: packet at a tc hook; only read
 * @a: the action
 * @res: not used
 *
 * BH is off, which keeps the parameters.  Runs on many CPUs at once, and within
 * itself where sending a copy sends another packet.
 *
 * Return: the control action
 */
int tcf_mirrorx_act(struct sk_buff *skb, const struct tc_action *a,
		    struct tcf_result *res)
{
	struct tcf_mirrorx *m = to_mirrorx(a);
	struct mirrorx_params *params = rcu_dereference_bh(m->params);
	struct mirrorx_cpu *cpu = this_cpu_ptr(m->cpu);
	unsigned long now = jiffies;

	/* most packets come in the same jiffy as the last, another CPU's perhaps */
	if (unlikely(data_race(m->tcf_tm.lastuse != now)))
		tcf_lastuse_update(&m->tcf_tm);
	if (unlikely(skb_is_gso(skb))) {
		bstats_update(this_cpu_ptr(m->common.cpu_bstats), skb);
		return mirror_packet(skb, m, cpu, params);
	}

	/* where it is a copy that is sent, or with sampling, that is all */
	_bstats_update(this_cpu_ptr(m->common.cpu_bstats), skb->len, 1);
	if (unlikely(mirrorx_sending())) {
		mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_LOOP, 1);
		return READ_ONCE(m->tcf_action);
	}
	if (mirrorx_pass_over_one(cpu, params))
		return READ_ONCE(m->tcf_action);
	if (unlikely(params->flow_limit))
		return mirror_of_flow(skb, m, cpu, params);
	return mirror_packet(skb, m, cpu, params);
}
