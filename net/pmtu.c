// SPDX-License-Identifier: GPL-2.0-only
/*
 * What routers say about the copies.
 *
 * "Fragmentation needed", "packet too big" and redirects are handed to whoever
 * answers for the packet's protocol, and for GRE that is nobody unless a tunnel
 * is configured: copies too large for a link behind the first router would
 * vanish for ever.  A raw socket that is bound to the collector hears of them,
 * and the kernel does the rest: it notes the path's MTU with the route, which
 * the next copy then finds.  The socket receives nothing.
 *
 * It also owns the copies that leave by a device that may wrap them in something
 * else, where the mirror would not know them again.
 */
#include <linux/in.h>
#include <linux/net.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "mirrorx.h"

/* Its address in sk_user_data tells our sockets from others. */
static char mirrorx_mark;

/**
 * mirrorx_pmtu_open() - listen to what routers say on the way to the collector
 * @params: configuration that is not in use yet
 *
 * Sleeps.
 *
 * Return: 0 or an error
 */
int mirrorx_pmtu_open(struct mirrorx_params *params)
{
	const struct mirrorx_encap_conf *conf = &params->conf;
	struct sock *sk;
	int err;

	err = sock_create_kern(params->net, conf->ipv6 ? AF_INET6 : AF_INET,
			       SOCK_RAW, IPPROTO_GRE, &params->pmtu);
	if (err)
		return err;

	/* What connect() does, but for the route, of which there may be none. */
	sk = params->pmtu->sk;
	sock_hold(sk);
	params->owner = sk;
	lock_sock(sk);
	if (conf->ipv6)
		memcpy(&sk->sk_v6_daddr, conf->daddr, sizeof(sk->sk_v6_daddr));
	else
		memcpy(&inet_sk(sk)->inet_daddr, conf->daddr,
		       sizeof(inet_sk(sk)->inet_daddr));
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_mark = params->mark;
	sk->sk_bound_dev_if = params->ifindex;
	sk->sk_rcvbuf = 0;
	sk->sk_user_data = &mirrorx_mark;
	/* nobody waits for room to write: less work per copy */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	release_sock(sk);
	return 0;
}

/**
 * mirrorx_own() - make a copy known as one, whatever it will be wrapped in
 * @params: configuration, in use
 * @copy: skb without an owner
 *
 * The owner stays with the skb through queues, tunnels and encryption, and its
 * destructor is not ours: a copy may outlive the action and the module.
 */
void mirrorx_own(const struct mirrorx_params *params, struct sk_buff *copy)
{
	skb_set_owner_w(copy, params->owner);
}

/**
 * mirrorx_is_own() - has this packet been marked by mirrorx_own()?
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
 * mirrorx_pmtu_close() - listen no more
 * @params: configuration; packets may still see it, and own their copies with
 *	&mirrorx_params.owner until the last of them is done
 *
 * Sleeps.
 */
void mirrorx_pmtu_close(struct mirrorx_params *params)
{
	sock_release(params->pmtu);
}
