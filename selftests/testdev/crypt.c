// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that encrypts what it sends, and decrypts what it receives: kTLS, by
 * the kernel's own fallback, and ESP with rfc4106(gcm(aes)) by keys that the
 * kernel gave it.  What is between the two ends of a pair is what would be on
 * the wire of such hardware.
 *
 * IPsec with "crypto" offload: the kernel makes the ESP packet, and the device
 * encrypts it.  With "packet" offload the device makes it, too; here only in
 * IPv4, and of what is sent only in transport mode.
 */
#include <crypto/aead.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/scatterlist.h>
#include <net/esp.h>
#include <net/ip.h>
#include <net/tls.h>
#include <net/xfrm.h>

#include "testdev.h"

#define IV_LEN		8
#define ICV_LEN		16
#define ESP_LEN		((int)sizeof(struct ip_esp_hdr) + IV_LEN)

/**
 * struct sa - an IPsec state of the device's
 * @x: the kernel's
 * @aead: with its key
 * @seq: of the last packet that the device made
 */
struct sa {
	struct xfrm_state *x;
	struct crypto_aead *aead;
	u32 seq;
};

/* Offset of the ESP header in a linear frame, or 0 */
static int esp_offset(const struct sk_buff *skb)
{
	const struct iphdr *iph = (void *)(skb->data + ETH_HLEN);
	const struct ipv6hdr *ip6h = (void *)iph;
	const struct ethhdr *eth = (void *)skb->data;

	if (eth->h_proto == htons(ETH_P_IP) &&
	    skb->len >= ETH_HLEN + sizeof(*iph) + ESP_LEN + ICV_LEN &&
	    iph->protocol == IPPROTO_ESP)
		return ETH_HLEN + iph->ihl * 4;
	if (eth->h_proto == htons(ETH_P_IPV6) &&
	    skb->len >= ETH_HLEN + sizeof(*ip6h) + ESP_LEN + ICV_LEN &&
	    ip6h->nexthdr == IPPROTO_ESP)
		return ETH_HLEN + sizeof(*ip6h);
	return 0;
}

static int do_crypt(const struct sa *sa, struct sk_buff *skb, int esp,
		    bool encrypt)
{
	u32 len = skb->len - esp - ESP_LEN;
	struct aead_request *req;
	struct scatterlist sg;
	u8 iv[IV_LEN];
	int err;

	req = aead_request_alloc(sa->aead, GFP_ATOMIC);
	if (!req)
		return -ENOMEM;
	memcpy(iv, skb->data + esp + sizeof(struct ip_esp_hdr), IV_LEN);
	sg_init_one(&sg, skb->data + esp, skb->len - esp);
	aead_request_set_callback(req, 0, NULL, NULL);
	aead_request_set_ad(req, ESP_LEN);
	aead_request_set_crypt(req, &sg, &sg, encrypt ? len - ICV_LEN : len,
			       iv);
	err = encrypt ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req);
	aead_request_free(req);
	return err;
}

static int encrypt(const struct sa *sa, struct sk_buff *skb, int esp)
{
	struct ip_esp_hdr *esph = (void *)(skb->data + esp);
	__be64 iv = cpu_to_be64(ntohl(esph->seq_no));

	memcpy(esph + 1, &iv, sizeof(iv));
	return do_crypt(sa, skb, esp, true);
}

static void set_ipv4(struct sk_buff *skb, u8 proto)
{
	struct iphdr *iph = (void *)(skb->data + ETH_HLEN);

	iph->protocol = proto;
	iph->tot_len = htons(skb->len - ETH_HLEN);
	ip_send_check(iph);
}

/* Packet offload: make an ESP packet of a frame of IPv4. */
static struct sk_buff *wrap(struct sa *sa, struct sk_buff *skb)
{
	const struct iphdr *iph = (void *)(skb->data + ETH_HLEN);
	int esp = ETH_HLEN + iph->ihl * 4, i, pad;
	struct ip_esp_hdr *esph;
	u8 proto = iph->protocol, *tail;

	pad = -(skb->len - esp + 2) & 3;
	if (pskb_expand_head(skb, ESP_LEN, pad + 2 + ICV_LEN, GFP_ATOMIC)) {
		kfree_skb(skb);
		return NULL;
	}
	skb_push(skb, ESP_LEN);
	memmove(skb->data, skb->data + ESP_LEN, esp);
	esph = (void *)(skb->data + esp);
	esph->spi = sa->x->id.spi;
	esph->seq_no = htonl(++sa->seq);
	tail = skb_put_zero(skb, pad + 2 + ICV_LEN);
	for (i = 0; i < pad; i++)
		tail[i] = i + 1;
	tail[pad] = pad;
	tail[pad + 1] = proto;
	set_ipv4(skb, IPPROTO_ESP);
	if (!encrypt(sa, skb, esp))
		return skb;
	kfree_skb(skb);
	return NULL;
}

/* ... and back, to the frame, or the packet in a tunnel */
static void unwrap(struct sk_buff *skb, int esp)
{
	u8 *trailer = skb->data + skb->len - ICV_LEN - 2;
	u8 proto = trailer[1];
	int head = proto == IPPROTO_IPIP ? ETH_HLEN : esp;

	skb_trim(skb, skb->len - ICV_LEN - 2 - trailer[0]);
	memmove(skb->data + esp + ESP_LEN - head, skb->data, head);
	skb_pull(skb, esp + ESP_LEN - head);
	if (head == esp)
		set_ipv4(skb, proto);
}

/* Older kernels know one direction, and one type. */
static bool is_inbound(const struct sa *sa)
{
#ifdef HAVE_OFFLOAD_DIR
	return sa->x->xso.dir == XFRM_DEV_OFFLOAD_IN;
#else
	return sa->x->xso.flags & XFRM_OFFLOAD_INBOUND;
#endif
}

static bool is_packet_offload(const struct sa *sa)
{
#ifdef HAVE_OFFLOAD_TYPE
	return sa->x->xso.type == XFRM_DEV_OFFLOAD_PACKET;
#else
	return false;
#endif
}

static bool is_for(const struct sa *sa, const struct sk_buff *skb, int esp)
{
	const struct ip_esp_hdr *esph = (void *)(skb->data + esp);

	return is_inbound(sa) && sa->x->id.spi == esph->spi;
}

/* With the policies of the tests, IPsec is for UDP and TCP. */
static bool is_to(const struct sa *sa, const struct sk_buff *skb)
{
	const struct ethhdr *eth = (void *)skb->data;
	const struct iphdr *iph = (void *)(eth + 1);

	return !is_inbound(sa) && is_packet_offload(sa) &&
	       eth->h_proto == htons(ETH_P_IP) &&
	       iph->daddr == sa->x->id.daddr.a4 &&
	       (iph->protocol == IPPROTO_UDP || iph->protocol == IPPROTO_TCP);
}

/* The stack is told by the sec_path that there is nothing left to do. */
static void decrypted_by(struct sk_buff *skb, struct xfrm_state *x)
{
	struct sec_path *sp = secpath_set(skb);
	struct xfrm_offload *xo;

	if (!sp)
		return;
	xfrm_state_hold(x);
	sp->xvec[sp->len++] = x;
	sp->olen++;
	xo = xfrm_offload(skb);
	xo->flags = CRYPTO_DONE;
	xo->status = CRYPTO_SUCCESS;
}

static struct sk_buff *crypt_receive(struct sk_buff *skb,
				     struct net_device *dev)
{
	struct pair *pair = netdev_priv(dev);
	int i, esp = esp_offset(skb);
	struct sa *sa;

	if (!esp || !(dev->features & NETIF_F_HW_ESP))
		return skb;
	spin_lock_bh(&pair->lock);
	for (i = 0; i < SA_MAX; i++) {
		sa = pair->sas[i];
		if (!sa || !is_for(sa, skb, esp))
			continue;
		if (!do_crypt(sa, skb, esp, false)) {
			decrypted_by(skb, sa->x);
			if (is_packet_offload(sa))
				unwrap(skb, esp);
		}
		break;
	}
	spin_unlock_bh(&pair->lock);
	return skb;
}

static struct sk_buff *encrypt_esp(struct sk_buff *skb, struct net_device *dev,
				   struct xfrm_state *x)
{
	struct pair *pair = netdev_priv(dev);
	int i, esp = esp_offset(skb);
	struct sa *sa;

	spin_lock_bh(&pair->lock);
	for (i = 0; i < SA_MAX; i++) {
		sa = pair->sas[i];
		if (sa && x && sa->x == x && esp) {
			if (encrypt(sa, skb, esp)) {
				kfree_skb(skb);
				skb = NULL;
			}
			break;
		}
		if (sa && !x && is_to(sa, skb)) {
			skb = wrap(sa, skb);
			break;
		}
	}
	spin_unlock_bh(&pair->lock);
	return skb;
}

/* What a device with GSO of ESP would cut and encrypt, just as it got it. */
static void show_gso(struct sk_buff *skb, struct net_device *dev)
{
	skb_gso_reset(skb);
	pair_deliver(skb, dev);
}

static netdev_tx_t crypt_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct xfrm_state *x = NULL;
	struct sk_buff *copy;

#ifdef CONFIG_TLS_DEVICE
	if (skb->decrypted) {
		skb = tls_encrypt_skb(skb);
		if (!skb)
			return NETDEV_TX_OK;
	}
#endif
	if (xfrm_offload(skb))
		x = xfrm_input_state(skb);
	copy = skb_copy(skb, GFP_ATOMIC);
	if (copy && skb_is_gso(copy)) {
		show_gso(copy, dev);
		copy = NULL;
	}
	if (copy && copy->ip_summed == CHECKSUM_PARTIAL &&
	    skb_checksum_help(copy)) {
		kfree_skb(copy);
		copy = NULL;
	}
	if (copy)
		copy = encrypt_esp(copy, dev, x);
	if (copy)
		pair_deliver(copy, dev);
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static int add_sa(struct xfrm_state *x)
{
	struct pair *pair = netdev_priv(x->xso.dev);
	struct sa *sa;
	int i, err;

	if (!x->aead || x->props.aalgo || x->encap ||
	    x->aead->alg_icv_len != ICV_LEN * 8)
		return -EINVAL;
	sa = kzalloc(sizeof(*sa), GFP_KERNEL);
	if (!sa)
		return -ENOMEM;
	sa->x = x;
	sa->aead = crypto_alloc_aead(x->aead->alg_name, 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(sa->aead)) {
		err = PTR_ERR(sa->aead);
		goto free;
	}
	err = crypto_aead_setkey(sa->aead, x->aead->alg_key,
				 (x->aead->alg_key_len + 7) / 8) ?:
	      crypto_aead_setauthsize(sa->aead, ICV_LEN);
	if (err)
		goto free_aead;

	spin_lock_bh(&pair->lock);
	for (i = 0; i < SA_MAX && pair->sas[i]; i++)
		;
	if (i < SA_MAX)
		pair->sas[i] = sa;
	spin_unlock_bh(&pair->lock);
	if (i < SA_MAX) {
		x->xso.offload_handle = (unsigned long)sa;
		return 0;
	}
	err = -ENOSPC;
free_aead:
	crypto_free_aead(sa->aead);
free:
	kfree(sa);
	return err;
}

/* Newer kernels say which device, of those that share the hardware. */
#ifdef HAVE_STATE_DEVICE
#define STATE	struct net_device *dev, struct xfrm_state *x
#else
#define STATE	struct xfrm_state *x
#endif

#ifdef HAVE_PACKET_OFFLOAD
static int state_add(STATE, struct netlink_ext_ack *extack)
{
	return add_sa(x);
}

static int policy_add(struct xfrm_policy *policy,
		      struct netlink_ext_ack *extack)
{
	return 0;
}

static void policy_delete(struct xfrm_policy *policy)
{
}
#else
static int state_add(STATE)
{
	return add_sa(x);
}
#endif

static void state_delete(STATE)
{
	struct pair *pair = netdev_priv(x->xso.dev);
	int i;

	spin_lock_bh(&pair->lock);
	for (i = 0; i < SA_MAX; i++)
		if (pair->sas[i] && pair->sas[i]->x == x)
			pair->sas[i] = NULL;
	spin_unlock_bh(&pair->lock);
}

static void state_free(STATE)
{
	struct sa *sa = (struct sa *)x->xso.offload_handle;

	crypto_free_aead(sa->aead);
	kfree(sa);
}

static bool offload_ok(struct sk_buff *skb, struct xfrm_state *x)
{
	return true;
}

static const struct xfrmdev_ops crypt_xfrm_ops = {
	.xdo_dev_state_add = state_add,
	.xdo_dev_state_delete = state_delete,
	.xdo_dev_state_free = state_free,
	.xdo_dev_offload_ok = offload_ok,
#ifdef HAVE_PACKET_OFFLOAD
	.xdo_dev_policy_add = policy_add,
	.xdo_dev_policy_delete = policy_delete,
#endif
};

#ifdef CONFIG_TLS_DEVICE
static int tls_add(struct net_device *dev, struct sock *sk,
		   enum tls_offload_ctx_dir direction,
		   struct tls_crypto_info *info, u32 seq)
{
	return 0;
}

static void tls_del(struct net_device *dev, struct tls_context *context,
		    enum tls_offload_ctx_dir direction)
{
}

static const struct tlsdev_ops crypt_tls_ops = {
	.tls_dev_add = tls_add,
	.tls_dev_del = tls_del,
};
#endif

static const struct net_device_ops crypt_ops = {
	.ndo_start_xmit = crypt_xmit,
};

static void crypt_setup(struct net_device *dev)
{
	struct pair *pair = netdev_priv(dev);

	pair_setup(dev);
	pair->receive = crypt_receive;
	dev->netdev_ops = &crypt_ops;
#ifdef CONFIG_TLS_DEVICE
	dev->tlsdev_ops = &crypt_tls_ops;
#endif
	dev->xfrmdev_ops = &crypt_xfrm_ops;
	dev->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA |
			 NETIF_F_HW_TLS_TX | NETIF_F_HW_ESP;
	dev->hw_features = dev->features | NETIF_F_TSO | NETIF_F_GSO_ESP;
	dev->hw_enc_features |= dev->hw_features;
}

struct rtnl_link_ops crypt_link_ops = {
	.kind = "crypt",
	.priv_size = sizeof(struct pair),
	.setup = crypt_setup,
	.newlink = pair_newlink,
	.dellink = pair_dellink,
};
