// SPDX-License-Identifier: GPL-2.0-only
/*
 * What routers say about the copies.
 *
 * "Fragmentation needed", "packet too big" and redirects are handed to whoever
 * answers for the packet's protocol, and for GRE that is nobody unless a tunnel
 * is configured, nor for UDP from ports that no socket has (of which newer kernels
 * note them, but with the route of packets without a mark): copies too large for
 * a link behind the first router would vanish for ever.  A raw socket that is
 * bound to the collector hears of them, and the kernel does the rest: it notes
 * the path's MTU with the route, which the next copy then finds.  The socket
 * receives nothing.
 *
 * All actions that ask for the same route share one, since each of these sockets
 * is looked at for every packet of GRE, or UDP, that the host receives.
 */
#include <linux/in.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "mirrorx.h"

/**
 * struct mirrorx_pmtu_key - what the kernel has to know to find a route
 * @net: namespace of the actions
 * @daddr: collector's address, network order
 * @mark: mark of the copies
 * @ifindex: device that the route must use, or 0
 * @proto: IP protocol of the copies
 * @ipv6: family of the address
 */
struct mirrorx_pmtu_key {
	struct net *net;
	u8 daddr[16];
	u32 mark;
	int ifindex;
	u8 proto;
	bool ipv6;
};

/**
 * struct mirrorx_pmtu - listens to what routers say
 * @node: in the table of listeners
 * @users: configurations of actions
 * @key: what they have in common
 * @sock: raw socket
 */
struct mirrorx_pmtu {
	struct rhash_head node;
	unsigned int users;
	struct mirrorx_pmtu_key key;
	struct socket *sock;
};

static const struct rhashtable_params mirrorx_pmtu_table = {
	.head_offset = offsetof(struct mirrorx_pmtu, node),
	.key_offset = offsetof(struct mirrorx_pmtu, key),
	.key_len = sizeof(struct mirrorx_pmtu_key),
	.automatic_shrinking = true,
};

/* Of all namespaces */
static struct rhashtable mirrorx_pmtus;
static DEFINE_MUTEX(mirrorx_pmtus_mutex);

/* What connect() does, but for the route, of which there may be none. */
static void connect_sock(struct sock *sk, const struct mirrorx_pmtu_key *key)
{
	lock_sock(sk);
	if (key->ipv6)
		memcpy(&sk->sk_v6_daddr, key->daddr, sizeof(sk->sk_v6_daddr));
	else
		memcpy(&inet_sk(sk)->inet_daddr, key->daddr,
		       sizeof(inet_sk(sk)->inet_daddr));
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_mark = key->mark;
	sk->sk_bound_dev_if = key->ifindex;
	sk->sk_rcvbuf = 0;
	release_sock(sk);
}

/* Under the mutex */
static struct mirrorx_pmtu *new_pmtu(const struct mirrorx_pmtu_key *key)
{
	struct mirrorx_pmtu *pmtu;
	int err;

	pmtu = kzalloc(sizeof(*pmtu), GFP_KERNEL_ACCOUNT);
	if (!pmtu)
		return ERR_PTR(-ENOMEM);
	memcpy(&pmtu->key, key, sizeof(*key));	/* all bytes */
	err = sock_create_kern(key->net, key->ipv6 ? AF_INET6 : AF_INET,
			       SOCK_RAW, key->proto, &pmtu->sock);
	if (err)
		goto free_pmtu;
	connect_sock(pmtu->sock->sk, key);
	err = rhashtable_insert_fast(&mirrorx_pmtus, &pmtu->node,
				     mirrorx_pmtu_table);
	if (err)
		goto release_sock;
	return pmtu;

release_sock:
	sock_release(pmtu->sock);
free_pmtu:
	kfree(pmtu);
	return ERR_PTR(err);
}

/**
 * mirrorx_pmtu_get() - listen to what routers say on the way to a collector
 * @params: configuration
 * @daddr: the collector's address
 *
 * Sleeps.
 *
 * Return: what is to be given back with mirrorx_pmtu_put(), or an error
 */
struct mirrorx_pmtu *mirrorx_pmtu_get(const struct mirrorx_params *params,
				      const u8 *daddr)
{
	struct mirrorx_pmtu_key key;
	struct mirrorx_pmtu *pmtu;

	memset(&key, 0, sizeof(key));	/* also what lies between the fields */
	key.net = params->net;
	memcpy(key.daddr, daddr, sizeof(key.daddr));
	key.mark = params->mark;
	key.ifindex = params->ifindex;
	key.proto = mirrorx_encap_proto(&params->conf);
	key.ipv6 = params->conf.ipv6;

	mutex_lock(&mirrorx_pmtus_mutex);
	pmtu = rhashtable_lookup_fast(&mirrorx_pmtus, &key, mirrorx_pmtu_table);
	if (!pmtu)
		pmtu = new_pmtu(&key);
	if (!IS_ERR(pmtu))
		pmtu->users++;
	mutex_unlock(&mirrorx_pmtus_mutex);
	return pmtu;
}

/**
 * mirrorx_pmtu_put() - listen no more
 * @pmtu: from mirrorx_pmtu_get()
 *
 * Sleeps.
 */
void mirrorx_pmtu_put(struct mirrorx_pmtu *pmtu)
{
	bool last;

	mutex_lock(&mirrorx_pmtus_mutex);
	last = !--pmtu->users;
	if (last)
		rhashtable_remove_fast(&mirrorx_pmtus, &pmtu->node,
				       mirrorx_pmtu_table);
	mutex_unlock(&mirrorx_pmtus_mutex);
	if (!last)
		return;
	sock_release(pmtu->sock);
	kfree(pmtu);
}

/**
 * mirrorx_pmtu_init() - prepare for listeners
 *
 * Return: 0 or an error
 */
int mirrorx_pmtu_init(void)
{
	return rhashtable_init(&mirrorx_pmtus, &mirrorx_pmtu_table);
}

/**
 * mirrorx_pmtu_exit() - there are no listeners any more, nor will be
 */
void mirrorx_pmtu_exit(void)
{
	rhashtable_destroy(&mirrorx_pmtus);
}
