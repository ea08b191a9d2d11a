/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rooms of act_mirrorx share.  Data flows one way:
 *
 *	act_mirrorx.c -> select.c -> spread.c -> copy.c -> encap.c -> underlay.c
 *
 * mirror.c leads a packet through them.
 */
#ifndef MIRRORX_H
#define MIRRORX_H

#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/local_lock.h>
#include <linux/overflow.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/tc_act/tc_mirrorx.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/act_api.h>
#include <net/dst.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "anonymize.h"
#include "encap.h"
#include "flow.h"
#include "headers.h"
#include "sample.h"

/* Counters start after UNSPEC and PAD of the uapi enum. */
#define MIRRORX_STAT_FIRST	TCA_MIRRORX_STATS_SENT
#define MIRRORX_STATS		(__TCA_MIRRORX_STATS_MAX - MIRRORX_STAT_FIRST)

/* What there is to say about a copy that is sent: a set of counters. */
#define MIRRORX_NOTE(what)	BIT((what) - MIRRORX_STAT_FIRST)

/**
 * struct mirrorx_cpu - what an action keeps per CPU
 * @gap: frames to pass over before the next sample is taken
 * @gaps: the kind of gaps of which @gap is one, &mirrorx_params.gaps; 0 at first.
 *	One of another kind is not used
 * @run: how many frames in a row are still to be chosen, while @gap is 0
 * @syncp: protects @stats on 32-bit machines
 * @stats: counters, enum tca_mirrorx_stats less MIRRORX_STAT_FIRST
 *
 * Written with BH off, by its own CPU alone.
 */
struct mirrorx_cpu {
	u64 gap;
	u64 gaps;
	u32 run;
	struct u64_stats_sync syncp;
	u64_stats_t stats[MIRRORX_STATS];
};

/**
 * struct mirrorx_flight - who owns the copies of a namespace
 * @owners: how many there are, a power of two
 * @owner: socks that are nothing but that, referenced
 */
struct mirrorx_flight {
	unsigned int owners;
	struct sock *owner[] __counted_by(owners);
};

/**
 * struct mirrorx_net - a namespace
 * @actions: its actions; first, as tc looks for it there
 * @flight: owners of its copies, NULL until there is an action; they stay until
 *	the end of the namespace
 */
struct mirrorx_net {
	struct tc_action_net actions;
	struct mirrorx_flight *flight;
};

/* What is limited */
enum {
	MIRRORX_LIMIT_BYTES,
	MIRRORX_LIMIT_PACKETS,
	MIRRORX_LIMITS
};

/**
 * struct mirrorx_limit - how much may be sent
 * @rate: bytes or packets per second; 0 for no limit
 * @burst: bytes or packets at once
 * @cfg: how long @rate takes for some of them
 * @depth_ns: how long it takes for @burst
 */
struct mirrorx_limit {
	u64 rate;
	u32 burst;
	struct psched_ratecfg cfg;
	s64 depth_ns;
};

/**
 * struct mirrorx_session_key - what makes a session, all bytes of it
 * @net: namespace of its actions
 * @saddr: source address, network order; 0 if the route decides
 * @daddr: collector's address, likewise
 * @id: ERSPAN Session ID
 * @ipv6: family of both addresses
 */
struct mirrorx_session_key {
	struct net *net;
	u8 saddr[16];
	u8 daddr[16];
	u16 id;
	bool ipv6;
};

/**
 * struct mirrorx_session - what the actions of a session have in common
 * @node: in the table of sessions
 * @rcu: frees it after its last reader
 * @users: actions, or snapshots of their configuration
 * @key: what the actions say
 * @cpu_seq: next GRE sequence number of a CPU's copies, where it is their Hw ID;
 *	with BH off
 * @seq: next GRE sequence number of all others
 */
struct mirrorx_session {
	struct rhash_head node;
	struct rcu_head rcu;
	unsigned int users;
	struct mirrorx_session_key key;
	u32 __percpu *cpu_seq;
	atomic_t seq ____cacheline_aligned_in_smp;
};

/**
 * struct mirrorx_route - route to a collector, not changed once it is made
 * @rcu: frees it after its last reader
 * @collector: where it leads; is there as long as the route can be found
 * @dst: the route, referenced
 * @cookie: for dst_check()
 * @mtu: dst_mtu() when it was made, at most 65535
 * @protocol: of the outer packets
 * @plain: the IP stack would do no more with a copy than we do, but for hooks
 * @plain_ipv4: that, and it is IPv4's
 * @v6_next_hop: whether the next hop is IPv6, also of an IPv4 route
 * @next_hop: its address, network order
 * @encap: headers of the copies that go there
 */
struct mirrorx_route {
	struct rcu_head rcu;
	struct mirrorx_collector *collector;
	struct dst_entry *dst;
	u32 cookie;
	u32 mtu;
	__be16 protocol;
	bool plain;
	bool plain_ipv4;
	bool v6_next_hop;
	union {
		__be32 v4;
		struct in6_addr v6;
	} next_hop;
	struct mirrorx_encap encap;
};

/* How many datagrams in fragments each CPU knows */
#define MIRRORX_DATAGRAMS	64

/* And how many flows, in one direction */
#define MIRRORX_KNOWN_BITS	7
#define MIRRORX_KNOWN_FLOWS	BIT(MIRRORX_KNOWN_BITS)

/**
 * struct mirrorx_datagram - to which flow a datagram in fragments belongs
 * @hash: of the datagram
 * @flow: hash of the flow
 */
struct mirrorx_datagram {
	u64 hash;
	u64 flow;
};

/**
 * struct mirrorx_known_flow - a flow, in one direction
 * @hash: mirrorx_flow_hash()
 * @ends: that of its frames
 *
 * In one cache line, where that has 64 bytes or more.
 */
struct mirrorx_known_flow {
	u64 hash;
	struct mirrorx_flow_ends ends;
} __aligned(64);

/**
 * struct mirrorx_flows - what a CPU knows of flows, with BH off
 * @lock: for PREEMPT_RT, see struct mirrorx_heads
 * @datagrams: hashed by datagram
 * @known: hashed by ends
 */
struct mirrorx_flows {
	local_lock_t lock;
	struct mirrorx_datagram datagrams[MIRRORX_DATAGRAMS];
	struct mirrorx_known_flow known[MIRRORX_KNOWN_FLOWS];
};

/* Gaps are all the same; in place of a scale, which is never as large. */
#define MIRRORX_EVERY		BIT_ULL(63)

/* Collectors of an action, a bit for each */
#define MIRRORX_COLLECTORS_MAX	64

/* What flows are shared out in; a power of two */
#define MIRRORX_SLOT_BITS	12
#define MIRRORX_SLOTS		BIT(MIRRORX_SLOT_BITS)

/**
 * struct mirrorx_collector - one of the collectors of an action
 * @daddr: its address, network order; IPv4 uses the first four bytes
 * @hash: of the address, the same on every host with this seed
 * @why: it was out of reach, enum tca_mirrorx_stats
 * @session: sequence numbers; survives a replace that does not change it
 * @pmtu: hears what routers say about the copies
 * @route: to it, as found last; replaced by whoever finds it outdated
 * @away: jiffies at which to try again, where it was out of reach; 0 if it was not
 * @share: this action's copies that go there
 *
 * @why, @away and @share are for actions with several collectors.
 */
struct mirrorx_collector {
	u8 daddr[16];
	u32 hash;
	u8 why;
	struct mirrorx_session *session;
	struct mirrorx_pmtu *pmtu;
	struct mirrorx_route __rcu *route;
	unsigned long away;
	struct mirrorx_share __percpu *share;
};

/**
 * struct mirrorx_share - what an action keeps per CPU about one of several
 *	collectors
 * @copies: made for it
 * @moved: copies of its flows that went to another
 *
 * Written with BH off, by its own CPU alone; &mirrorx_cpu.syncp protects it.
 */
struct mirrorx_share {
	u64_stats_t copies;
	u64_stats_t moved;
};

/**
 * struct mirrorx_params - configuration of an action, replaced whole
 * @rcu: frees the snapshot after its last reader
 * @net: namespace of the action, which outlives it
 * @conf: what the headers say, as configured, to the first collector; a source
 *	address of zero is chosen by the route
 * @gaps: how many frames sampling passes over at a time: MIRRORX_EVERY and their
 *	number, or a mean as mirrorx_sample_scale() has it; 0 for none
 * @run: how many it chooses then
 * @trunc: bytes to keep of a frame, as configured
 * @trunc_after: enum tc_mirrorx_header behind which they count
 * @keep: the same, with U32_MAX for the whole frame
 * @fixlen: make what is left of a frame a valid packet
 * @plaintext: copy what is plaintext here and ciphertext on the wire
 * @pan: key of the pseudonyms of addresses; NULL to leave them
 * @anon_mac: MAC addresses have pseudonyms, too
 * @zero_payload: clear what follows the headers
 * @looks: any option that looks into the frame before it is copied, or copies it
 *	more than once
 * @amends: any option for which a copy may differ from its frame
 * @after: that, or copies are counted for each of several collectors as well
 * @limited: there is a limit
 * @limit: how much may be sent
 * @oversize: enum tc_mirrorx_oversize
 * @sample: one frame, or flow, in this many
 * @sample_mode: enum tc_mirrorx_sample
 * @flow_inner: the flow is what a tunnel carries
 * @flow_limit: a flow is chosen up to this lower half of its hash
 * @flow_keyed: who does not know the seed must not choose the hash of a flow, nor who
 *	does not know @pan guess what it is of
 * @flow_key: for mirrorx_flow_hash(); the seed comes first, and a secret of @pan
 * @flows: what CPUs know of them; NULL where they are of no interest
 * @ifindex: restricts the route; 0 for any device
 * @ifname: name of that device when it was configured
 * @mark: of the copies, also for their route
 * @priority: of the copies
 * @flight: owners of the copies; the namespace's
 * @by_flow: copies need &mirrorx_encap_meta.flow
 * @spread: enum tc_mirrorx_spread
 * @slot: which collector has which of MIRRORX_SLOTS; for SPREAD_FLOW, else NULL
 * @shares: of the collectors; NULL if there is one only
 * @collectors: how many there are
 * @collector: the collectors
 */
struct mirrorx_params {
	struct rcu_head rcu;
	struct net *net;
	struct mirrorx_encap_conf conf;
	u64 gaps;
	u32 run;
	u32 trunc;
	u32 keep;
	u8 trunc_after;
	bool fixlen;
	bool plaintext;
	bool anon_mac;
	bool zero_payload;
	bool looks;
	bool amends;
	bool after;
	bool limited;
	u8 oversize;
	struct mirrorx_limit limit[MIRRORX_LIMITS];
	u32 sample;
	u8 sample_mode;
	bool flow_inner;
	u32 flow_limit;
	bool flow_keyed;
	siphash_key_t flow_key;
	struct mirrorx_flows __percpu *flows;
	int ifindex;
	char ifname[IFNAMSIZ];
	u32 mark;
	u32 priority;
	struct mirrorx_pan *pan;
	const struct mirrorx_flight *flight;
	bool by_flow;
	u8 spread;
	u8 *slot;
	struct mirrorx_share __percpu *shares;
	u32 collectors;
	struct mirrorx_collector collector[] __counted_by(collectors);
};

/**
 * struct mirrorx_wait - copies that wait for their next hop to be resolved
 * @lock: protects the rest; BH is off
 * @queue: the copies, from the outer IP header on
 * @neigh: their next hop, referenced; NULL if none waits
 * @first_len: length of the copy that @neigh keeps itself; 0 if there is none
 * @first_notes: what there is to say about that one
 * @work: looks whether the next hop has answered
 */
struct mirrorx_wait {
	spinlock_t lock;	/* taken with BH off */
	struct sk_buff_head queue;
	struct neighbour *neigh;
	u32 first_len;
	u32 first_notes;
	struct delayed_work work;
};

/**
 * struct tcf_mirrorx - the action
 * @common: what every tc action has
 * @params: current configuration; written under tcf_lock
 * @cpu: counters and sampling state, which survive a replace
 * @wait: copies whose next hop is not resolved yet
 * @full_at: when the limits' buckets will be full again, ktime_get_ns(); survive a
 *	replace, too
 */
struct tcf_mirrorx {
	struct tc_action common;
	struct mirrorx_params __rcu *params;
	struct mirrorx_cpu __percpu *cpu;
	struct mirrorx_wait wait;
	atomic64_t full_at[MIRRORX_LIMITS] ____cacheline_aligned_in_smp;
};

#define to_mirrorx(a) ((struct tcf_mirrorx *)(a))

/* params.c */
struct mirrorx_params *mirrorx_params_new(struct net *net,
					  struct mirrorx_net *mnet,
					  struct nlattr *nla,
					  struct tc_mirrorx *parm,
					  struct netlink_ext_ack *extack);
void mirrorx_params_free(struct mirrorx_params *params);
void mirrorx_params_retire(struct mirrorx_params *params);
int mirrorx_params_dump(struct sk_buff *msg,
			const struct mirrorx_params *params);
size_t mirrorx_params_size(const struct mirrorx_params *params);

/* session.c */
struct mirrorx_session *
mirrorx_session_get(struct net *net, const struct mirrorx_encap_conf *conf);
void mirrorx_session_put(struct mirrorx_session *session);
int mirrorx_session_init(void);
void mirrorx_session_exit(void);

/* spread.c */
u32 mirrorx_spread_best(const struct mirrorx_params *params, u32 slot, u64 not);
int mirrorx_spread_init(struct mirrorx_params *params);
void mirrorx_spread_free(struct mirrorx_params *params);
int mirrorx_spread_dump(struct sk_buff *msg, const struct mirrorx_params *params,
			const struct mirrorx_cpu __percpu *cpus);

/* mirror.c */
int tcf_mirrorx_act(struct sk_buff *skb, const struct tc_action *a,
		    struct tcf_result *res);

/* stats.c */

/**
 * mirrorx_stats_add() - count
 * @cpu: this CPU's part of the action; BH is off
 * @what: counter
 * @n: how many
 */
static inline void mirrorx_stats_add(struct mirrorx_cpu *cpu,
				     enum tca_mirrorx_stats what, u64 n)
{
	u64_stats_update_begin(&cpu->syncp);
	u64_stats_add(&cpu->stats[what - MIRRORX_STAT_FIRST], n);
	u64_stats_update_end(&cpu->syncp);
}

/**
 * mirrorx_stats_sent() - count a copy that the underlay has taken, or refused
 * @cpu: this CPU's part of the action; BH is off
 * @taken: which of both
 * @bytes: its length from the outer IP header on
 * @notes: what else to count, MIRRORX_NOTE()
 */
static inline void mirrorx_stats_sent(struct mirrorx_cpu *cpu, bool taken,
				      u32 bytes, u32 notes)
{
	u64_stats_t *stats = cpu->stats;

	if (unlikely(!taken)) {
		mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_XMIT, 1);
		return;
	}
	u64_stats_update_begin(&cpu->syncp);
	u64_stats_inc(&stats[TCA_MIRRORX_STATS_SENT - MIRRORX_STAT_FIRST]);
	u64_stats_add(&stats[TCA_MIRRORX_STATS_BYTES - MIRRORX_STAT_FIRST],
		      bytes);
	for (; notes; notes &= notes - 1)
		u64_stats_inc(&stats[__ffs(notes)]);
	u64_stats_update_end(&cpu->syncp);
}

int mirrorx_stats_dump(struct sk_buff *msg, const struct tcf_mirrorx *m,
		       const struct mirrorx_flight *flight);
size_t mirrorx_stats_size(void);

/* select.c */
bool mirrorx_is_unencrypted(const struct sk_buff *skb);
void mirrorx_draw(struct mirrorx_cpu *cpu, const struct mirrorx_params *params);

/**
 * mirrorx_pass_over_one() - does sampling pass over the next frame?
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration
 *
 * There is a gap only if there is, or was, sampling.
 *
 * Return: true if so, and it is counted.  Otherwise nothing has changed, and
 * mirrorx_choose() is to be asked
 */
static inline bool mirrorx_pass_over_one(struct mirrorx_cpu *cpu,
					 const struct mirrorx_params *params)
{
	u64 left;

	if (cpu->gaps != params->gaps ||
	    check_sub_overflow(cpu->gap, 1, &left))
		return false;
	cpu->gap = left;
	mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_UNSAMPLED, 1);
	return true;
}

/**
 * mirrorx_pass_over() - does sampling pass over the next frames, all of them?
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration
 * @frames: how many
 *
 * Return: true if so, and they are counted.  Otherwise nothing has changed,
 * and each of them is to be asked for with mirrorx_choose()
 */
static inline bool mirrorx_pass_over(struct mirrorx_cpu *cpu,
				     const struct mirrorx_params *params,
				     u64 frames)
{
	if (!params->gaps)
		return false;

	/* a gap of another kind says nothing about this one */
	if (unlikely(cpu->gaps != params->gaps))
		mirrorx_draw(cpu, params);
	if (cpu->gap < frames)
		return false;
	cpu->gap -= frames;
	mirrorx_stats_add(cpu, TCA_MIRRORX_STATS_UNSAMPLED, frames);
	return true;
}

/**
 * mirrorx_choose() - does sampling choose the next frame?
 * @cpu: this CPU's part of the action; BH is off
 * @params: configuration
 *
 * Return: true if so; otherwise the frame is counted
 */
static inline bool mirrorx_choose(struct mirrorx_cpu *cpu,
				  const struct mirrorx_params *params)
{
	if (!params->gaps)
		return true;
	if (mirrorx_pass_over(cpu, params, 1))
		return false;
	if (!cpu->run)
		cpu->run = params->run;
	if (!--cpu->run)
		mirrorx_draw(cpu, params);
	return true;
}

/* limit.c */
void mirrorx_limit_init(struct mirrorx_limit *limit, u64 rate, u32 burst);
bool mirrorx_limit_allows(atomic64_t full_at[MIRRORX_LIMITS],
			  const struct mirrorx_params *params, u32 bytes);
void mirrorx_limit_carry_over(atomic64_t full_at[MIRRORX_LIMITS],
			      const struct mirrorx_params *params);

/* flight.c */

/*
 * Of one owner: what a device's ring and a queue of 1000 jumbo frames have room
 * for, and what twenty sessions make of one large window of TCP.
 */
#define MIRRORX_FLIGHT_MAX	(16 << 20)

/* As many as there are CPUs with a Hw ID of their own. */
#define MIRRORX_OWNERS_MAX	64

/*
 * A queue that plays a wire (netem) gives the memory back at once, as a device
 * would, but keeps a reference for each packet.
 */
#define MIRRORX_REFERENCE	4096

struct mirrorx_flight *mirrorx_flight_get(struct mirrorx_net *mnet);
void mirrorx_flight_free(struct mirrorx_flight *flight);
u64 mirrorx_in_flight(const struct mirrorx_flight *flight, u64 *max);
bool mirrorx_is_own(const struct sk_buff *skb);

/**
 * mirrorx_held() - memory that the copies of an owner hold
 * @sk: owner
 *
 * Return: bytes, at some moment
 */
static inline u64 mirrorx_held(const struct sock *sk)
{
	/* one of both is the owner's own */
	return refcount_read(&sk->sk_wmem_alloc) - 1 +
	       (refcount_read(&sk->sk_refcnt) - 1) * (u64)MIRRORX_REFERENCE;
}

/**
 * mirrorx_owner() - who owns a copy that this CPU makes
 * @flight: owners of the namespace
 *
 * BH is off.
 *
 * Return: the owner, or NULL if its copies hold all that they may already
 */
static inline struct sock *mirrorx_owner(const struct mirrorx_flight *flight)
{
	unsigned int i = smp_processor_id() & (flight->owners - 1);
	struct sock *sk = flight->owner[i];

	return likely(mirrorx_held(sk) < MIRRORX_FLIGHT_MAX) ? sk : NULL;
}

/**
 * mirrorx_own() - charge a copy to its owner
 * @copy: new skb
 * @sk: owner
 *
 * What skb_set_owner_w() does to a packet that had no owner, and a socket that
 * is no half-open connection and has no flow.
 */
static inline void mirrorx_own(struct sk_buff *copy, struct sock *sk)
{
	copy->sk = sk;
	copy->destructor = sock_wfree;
	refcount_add(copy->truesize, &sk->sk_wmem_alloc);
}

/* copy.c and segment.c */

/* Ethernet, two VLAN tags, IPv6 with 24 bytes of extensions, full TCP header */
#define MIRRORX_HEAD_MAX	(ETH_HLEN + 2 * VLAN_HLEN + 64 + 60)

/**
 * struct mirrorx_frame - one frame of the wire, described but not yet copied
 * @skb: the original, or a segment made of it; only read
 * @start: offset in @skb, from skb->data, of its link-layer header, or of its
 *	network header where it has none
 * @rest: offset in @skb, from skb->data, of the bytes after @head
 * @rest_len: how many of them there are
 * @head_len: bytes of @head in use
 * @tag: outermost VLAN tag, MIRRORX_TAGGED | TCI in host order; 0 if untagged
 * @sum_pos: where in the frame a checksum is to be completed; 0 where it is
 *	complete
 * @sum_start: where in the frame that checksum starts to count
 * @sum_crc32c: it is SCTP's CRC32c, not the Internet checksum
 * @sum_zero: an Internet checksum of 0 is written as 0; elsewhere 0 would say
 *	that there is none
 * @head: bytes in front of the rest that are not in @skb like this: a tag put
 *	back, a link-layer header made up, a segment's headers
 */
struct mirrorx_frame {
	const struct sk_buff *skb;
	int start;
	int rest;
	u32 rest_len;
	u32 tag;
	u16 head_len;
	u16 sum_pos;
	u16 sum_start;
	bool sum_crc32c;
	bool sum_zero;
	u8 head[MIRRORX_HEAD_MAX] __aligned(4);
};

/**
 * struct mirrorx_burst - the frames of the wire that one packet stands for, or
 *	the smaller ones that a frame is split into
 * @skb: the original; only read
 * @segs: segments, where the stack had to make them; owned by the burst
 * @next_seg: the one that comes next
 * @frames: how many frames there are
 * @index: of the next frame
 * @gso_size: payload of each frame but the last
 * @payload: of all frames together
 * @whole: headers of the packet, and all its payload; what each segment
 *	starts from
 * @l3: offset in @whole of the IP header
 * @l4: offset in @whole of the TCP or UDP header
 * @tcp: which of both
 * @fixed_id: they all have the same IPv4 ID
 * @pieces: of one frame
 */
struct mirrorx_burst {
	const struct sk_buff *skb;
	struct sk_buff *segs;
	struct sk_buff *next_seg;
	u32 frames;
	u32 index;
	u32 gso_size;
	u32 payload;
	u16 l3;
	u16 l4;
	bool tcp;
	bool fixed_id;
	bool pieces;
	struct mirrorx_frame whole;
};

static inline u32 mirrorx_frame_len(const struct mirrorx_frame *frame)
{
	return frame->head_len + frame->rest_len;
}

u32 mirrorx_segments(const struct sk_buff *skb);

/**
 * mirrorx_frames() - how many frames of the wire a packet stands for
 * @skb: the packet
 *
 * Return: at least 1
 */
static inline u32 mirrorx_frames(const struct sk_buff *skb)
{
	return likely(!skb_is_gso(skb)) ? 1 : mirrorx_segments(skb);
}

bool mirrorx_frame_init_any(struct mirrorx_frame *frame,
			    const struct sk_buff *skb);

/**
 * mirrorx_frame_init() - describe the frame that a packet is on the wire
 * @frame: to be filled
 * @skb: packet at a tc hook, or a segment of it with skb->data at its MAC
 *	header; only read, and to stay until the frame is copied
 *
 * A GSO packet comes out as one frame that no wire would carry.
 *
 * Return: false if the packet has no whole link-layer header
 */
static inline bool mirrorx_frame_init(struct mirrorx_frame *frame,
				      const struct sk_buff *skb)
{
	int start = skb_mac_offset(skb);

	/* a header that was never set counts as one that lies too far */
	if (unlikely(skb->dev->type != ARPHRD_ETHER || start > 0 ||
		     (int)skb_headlen(skb) - start < ETH_HLEN ||
		     skb_vlan_tag_present(skb) ||
		     eth_type_vlan(eth_hdr(skb)->h_proto) ||
		     skb->ip_summed == CHECKSUM_PARTIAL))
		return mirrorx_frame_init_any(frame, skb);

	frame->skb = skb;
	frame->start = start;
	frame->rest = start;
	frame->rest_len = skb->len - start;
	frame->head_len = 0;
	frame->tag = 0;
	frame->sum_pos = 0;
	return true;
}

bool mirrorx_pull_head(struct mirrorx_frame *frame, u32 head_len);
bool mirrorx_strip_tag(struct mirrorx_frame *frame);
void mirrorx_frame_view(struct mirrorx_view *view,
			const struct mirrorx_frame *frame);
u32 mirrorx_header_end(const struct mirrorx_frame *frame, u8 header);
u32 mirrorx_readable(const struct mirrorx_frame *frame);

void mirrorx_blank_esp(struct sk_buff *copy, const struct sk_buff *skb);
void mirrorx_copy_exit(void);
bool mirrorx_burst_init(struct mirrorx_burst *burst, const struct sk_buff *skb);
bool mirrorx_burst_split(struct mirrorx_burst *burst,
			 const struct mirrorx_frame *frame, u32 room);
bool mirrorx_burst_next(struct mirrorx_burst *burst,
			struct mirrorx_frame *frame);
void mirrorx_burst_end(struct mirrorx_burst *burst);

/* pseudonym.c */

/* Of both halves of a key */
#define MIRRORX_PAN_KEY_LEN	32

struct mirrorx_pan *mirrorx_pan_new(const u8 *key);
void mirrorx_pan_free(struct mirrorx_pan *pan);
u64 mirrorx_pan_flows(const struct mirrorx_pan *pan);
u64 mirrorx_pan_id(const struct mirrorx_pan *pan);

/* underlay.c, wait.c and pmtu.c */

/**
 * struct mirrorx_path - the way to the collector for the copies of one packet;
 *	all of it holds under RCU
 * @route: route
 * @neigh: next hop; NULL if only the IP stack knows it
 * @by_stack: whether copies go through the IP stack
 * @resolved: whether the link-layer address of @neigh is known, or that is not our
 *	concern
 * @local_out: hooks to ask where copies do not; may be NULL
 * @post_routing: and these
 * @mtu: bytes of an outer packet that pass, IP header included
 * @headroom: in front of the outer IP header
 * @tailroom: behind the slice
 */
struct mirrorx_path {
	const struct mirrorx_route *route;
	struct neighbour *neigh;
	const struct nf_hook_entries *local_out;
	const struct nf_hook_entries *post_routing;
	u32 mtu;
	u16 headroom;
	u16 tailroom;
	bool by_stack;
	bool resolved;
};

enum tca_mirrorx_stats mirrorx_path_find(struct mirrorx_path *path,
					 const struct mirrorx_params *params,
					 struct mirrorx_collector *collector);
void mirrorx_route_free(struct mirrorx_route *route);
void mirrorx_route_forget(struct mirrorx_collector *collector);
bool mirrorx_xmit(struct neighbour *neigh, struct sk_buff *copy);
void mirrorx_wait_init(struct mirrorx_wait *wait);
void mirrorx_wait_end(struct mirrorx_wait *wait);
bool mirrorx_wait_for(struct tcf_mirrorx *m, struct neighbour *neigh,
		      struct sk_buff *copy, u32 notes);
void mirrorx_wait_flush(struct tcf_mirrorx *m);
u32 mirrorx_waiting(const struct mirrorx_wait *wait);
struct mirrorx_pmtu *mirrorx_pmtu_get(const struct mirrorx_params *params,
				      const u8 *daddr);
void mirrorx_pmtu_put(struct mirrorx_pmtu *pmtu);
int mirrorx_pmtu_init(void);
void mirrorx_pmtu_exit(void);
int mirrorx_ifindex(const struct mirrorx_params *params);

#endif /* MIRRORX_H */
