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
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include "mirrorx.h"

static DEFINE_HASHTABLE(mirrorx_sessions, 8);
static DEFINE_SPINLOCK(mirrorx_sessions_lock);

static u32 hash(const struct mirrorx_session_key *key)
{
	return jhash(key, sizeof(*key), 0);
}

/* Under the lock */
static struct mirrorx_session *find(const struct mirrorx_session_key *key)
{
	struct mirrorx_session *session;

	hash_for_each_possible(mirrorx_sessions, session, node, hash(key))
		if (!memcmp(&session->key, key, sizeof(*key)))
			return session;
	return NULL;
}

static void free_session(struct mirrorx_session *session)
{
	free_percpu(session->cpu_seq);
	kfree(session);
}

static struct mirrorx_session *new_session(const struct mirrorx_session_key *key)
{
	struct mirrorx_session *session;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return NULL;
	memcpy(&session->key, key, sizeof(*key));	/* all bytes */
	session->users = 1;
	session->cpu_seq = alloc_percpu(u32);
	if (session->cpu_seq)
		return session;
	kfree(session);
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
	struct mirrorx_session *session, *made;
	struct mirrorx_session_key key;

	memset(&key, 0, sizeof(key));	/* also what lies between the fields */
	key.net = net;
	memcpy(key.saddr, conf->saddr, sizeof(key.saddr));
	memcpy(key.daddr, conf->daddr, sizeof(key.daddr));
	key.id = conf->session;
	key.ipv6 = conf->ipv6;

	made = new_session(&key);
	if (!made)
		return NULL;

	spin_lock_bh(&mirrorx_sessions_lock);
	session = find(&key);
	if (session)
		session->users++;
	else
		hash_add(mirrorx_sessions, &made->node, hash(&key));
	spin_unlock_bh(&mirrorx_sessions_lock);

	if (!session)
		return made;
	free_session(made);
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
 */
void mirrorx_session_put(struct mirrorx_session *session)
{
	bool last;

	spin_lock_bh(&mirrorx_sessions_lock);
	last = !--session->users;
	if (last)
		hash_del(&session->node);
	spin_unlock_bh(&mirrorx_sessions_lock);
	if (last)
		call_rcu(&session->rcu, free_after_grace);
}
