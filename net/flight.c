// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies in flight: sent, but still in a queue or on a device.
 *
 * Each is charged to an owner, as a socket's packets are, until its memory is
 * free again: whatever becomes of the underlay, a namespace's copies hold no
 * more than a fixed amount.  The owner stays with the copy through queues,
 * tunnels, encryption and other namespaces, where it also tells that the packet
 * is one.
 *
 * CPUs have owners of their own, so that sending a copy writes nothing that they
 * share.
 */
#include <linux/in.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "mirrorx.h"

/* Its address in sk_user_data tells our owners from others. */
static char mirrorx_mark __aligned(8);

/* Of all namespaces: they are made once in the life of each. */
static DEFINE_MUTEX(mirrorx_flight_mutex);

/*
 * An UDP socket without a port, closed at once: it receives nothing and is in
 * nobody's list, but it is what the IP stack expects of an owner.  It belongs to
 * the first namespace, which outlives all copies, and its destructor to the
 * kernel, which outlives the module.
 */
static struct sock *new_owner(void)
{
	struct socket *sock;
	struct sock *sk;

	if (sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
			     &sock))
		return NULL;

	sk = sock->sk;
	sock_hold(sk);
	sk->sk_user_data = &mirrorx_mark;
	/* nobody waits for room to write: less work per copy */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	sock_release(sock);
	return sk;
}

/**
 * mirrorx_flight_free() - give up the owners of a namespace
 * @flight: owners, or NULL; copies that are still in flight keep theirs
 */
void mirrorx_flight_free(struct mirrorx_flight *flight)
{
	unsigned int i;

	if (!flight)
		return;
	for (i = 0; i < flight->owners; i++)
		if (flight->owner[i])
			sock_put(flight->owner[i]);
	kfree(flight);
}

static struct mirrorx_flight *new_flight(void)
{
	struct mirrorx_flight *flight;
	unsigned int i, owners;

	owners = roundup_pow_of_two(min_t(unsigned int, nr_cpu_ids,
					  MIRRORX_OWNERS_MAX));
	flight = kzalloc(struct_size(flight, owner, owners), GFP_KERNEL_ACCOUNT);
	if (!flight)
		return NULL;

	flight->owners = owners;
	for (i = 0; i < owners; i++) {
		flight->owner[i] = new_owner();
		if (!flight->owner[i]) {
			mirrorx_flight_free(flight);
			return NULL;
		}
	}
	return flight;
}

/**
 * mirrorx_flight_get() - the owners of a namespace, made if there are none
 * @mnet: namespace, which keeps them
 *
 * Sleeps.
 *
 * Return: the owners, or NULL without memory
 */
struct mirrorx_flight *mirrorx_flight_get(struct mirrorx_net *mnet)
{
	mutex_lock(&mirrorx_flight_mutex);
	if (!mnet->flight)
		mnet->flight = new_flight();
	mutex_unlock(&mirrorx_flight_mutex);
	return mnet->flight;
}

/**
 * mirrorx_is_own() - is this packet a copy of ours, whatever it is wrapped in?
 * @skb: packet
 *
 * Return: true if so
 */
bool mirrorx_is_own(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	return sk && sk_fullsock(sk) && sk->sk_user_data == &mirrorx_mark;
}

/**
 * mirrorx_in_flight() - memory that the copies of a namespace hold
 * @flight: its owners
 * @max: to be filled with what they may hold, in bytes
 *
 * Return: bytes, at some moment
 */
u64 mirrorx_in_flight(const struct mirrorx_flight *flight, u64 *max)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < flight->owners; i++)
		sum += mirrorx_held(flight->owner[i]);
	*max = (u64)flight->owners * MIRRORX_FLIGHT_MAX;
	return sum;
}
