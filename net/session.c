// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequence numbers of sessions.
 *
 * To a collector, a session is its own address, the sender's and the Session ID
 * (draft-foschiano-erspan-03, section 4.2), and GRE's sequence number counts the
 * packets of one.  Actions of a namespace that say the same belong to the same
 * session, such as those for both directions of a device: a receiver would take
 * numbers of their own for packets that were lost or came late.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "mirrorx.h"

static const struct rhashtable_params mirrorx_session_table = {
	.head_offset = offsetof(struct mirrorx_session, node),
	.key_offset = offsetof(struct mirrorx_session, key),
	.key_len = sizeof(struct mirrorx_session_key),
	.automatic_shrinking = true,
};

/* Of all namespaces */
static struct rhashtable mirrorx_sessions;
static DEFINE_MUTEX(mirrorx_sessions_mutex);

static void free_session(struct mirrorx_session *session)
{
	free_percpu(session->cpu_seq);
	kfree(session);
}

/* Under the mutex; NULL without memory */
static struct mirrorx_session *new_session(const struct mirrorx_session_key *key)
{
	struct mirrorx_session *session;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	memcpy(&session->key, key, sizeof(*key));	/* all bytes */
	session->cpu_seq = alloc_percpu_gfp(u32, GFP_KERNEL_ACCOUNT);
	if (session->cpu_seq &&
	    !rhashtable_insert_fast(&mirrorx_sessions, &session->node,
				    mirrorx_session_table))
		return session;
	free_session(session);
	return NULL;
}

/**
 * mirrorx_session_get() - take part in a session, which may be a new one
 * @net: namespace of the action
 * @conf: what its headers say
 *
 * Sleeps.
 *
 * Return: the session, to be left with mirrorx_session_put(), or NULL without
 * memory
 */
struct mirrorx_session *
mirrorx_session_get(struct net *net, const struct mirrorx_encap_conf *conf)
{
	struct mirrorx_session_key key;
	struct mirrorx_session *session;

	memset(&key, 0, sizeof(key));	/* also what lies between the fields */
	key.net = net;
	memcpy(key.saddr, conf->saddr, sizeof(key.saddr));
	memcpy(key.daddr, conf->daddr, sizeof(key.daddr));
	key.id = conf->session;
	key.ipv6 = conf->ipv6;

	mutex_lock(&mirrorx_sessions_mutex);
	session = rhashtable_lookup_fast(&mirrorx_sessions, &key,
					 mirrorx_session_table);
	if (!session)
		session = new_session(&key);
	if (session)
		session->users++;
	mutex_unlock(&mirrorx_sessions_mutex);
	return session;
}

static void free_after_grace(struct rcu_head *rcu)
{
	free_session(container_of(rcu, struct mirrorx_session, rcu));
}

/**
 * mirrorx_session_put() - leave a session
 * @session: session; packets may use it up to the end of a grace period
 *
 * When the last action has left, the next one that says the same starts at 0.
 * Sleeps.
 */
void mirrorx_session_put(struct mirrorx_session *session)
{
	bool last;

	mutex_lock(&mirrorx_sessions_mutex);
	last = !--session->users;
	if (last)
		rhashtable_remove_fast(&mirrorx_sessions, &session->node,
				       mirrorx_session_table);
	mutex_unlock(&mirrorx_sessions_mutex);
	if (last)
		call_rcu(&session->rcu, free_after_grace);
}

/**
 * mirrorx_session_init() - prepare for sessions
 *
 * Return: 0 or an error
 */
int mirrorx_session_init(void)
{
	return rhashtable_init(&mirrorx_sessions, &mirrorx_session_table);
}

/**
 * mirrorx_session_exit() - there are no sessions any more, nor will be
 */
void mirrorx_session_exit(void)
{
	rhashtable_destroy(&mirrorx_sessions);
}
