// SPDX-License-Identifier: GPL-2.0-only
/*
 * Payload that the CPU must not read, as with memory of another device: what is
 * received has LINEAR bytes in its head, and the rest in pages that say so.  On
 * kernels that do not know the like they are ordinary pages.
 *
 * GSO packets and unfinished checksums come through as they are.
 */
#include <linux/etherdevice.h>

#include "testdev.h"

#define LINEAR		80

static bool move_to_pages(struct sk_buff *skb, const struct sk_buff *from)
{
	unsigned int offset, len, i;
	struct page *page;

	for (i = 0, offset = LINEAR; offset < from->len; i++, offset += len) {
		len = min_t(unsigned int, from->len - offset, PAGE_SIZE);
		page = i < MAX_SKB_FRAGS ? alloc_page(GFP_ATOMIC) : NULL;
		if (!page)
			return false;
		skb_add_rx_frag(skb, i, page, 0, len, PAGE_SIZE);
		if (skb_copy_bits(from, offset, page_address(page), len))
			return false;
	}
	return true;
}

static struct sk_buff *opaque_receive(struct sk_buff *from,
				      struct net_device *dev)
{
	struct sk_buff *skb;

	if (from->len <= LINEAR)
		return from;
	skb = netdev_alloc_skb(dev, LINEAR);
	if (!skb || skb_copy_bits(from, 0, skb_put(skb, LINEAR), LINEAR) ||
	    !move_to_pages(skb, from)) {
		kfree_skb(skb);
		kfree_skb(from);
		return NULL;
	}

	if (skb_transport_header_was_set(from))
		skb_set_transport_header(skb, skb_transport_offset(from));
	if (from->ip_summed == CHECKSUM_PARTIAL) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) +
				  from->csum_start - skb_headroom(from);
		skb->csum_offset = from->csum_offset;
	}
	skb_shinfo(skb)->gso_size = skb_shinfo(from)->gso_size;
	skb_shinfo(skb)->gso_segs = skb_shinfo(from)->gso_segs;
	skb_shinfo(skb)->gso_type = skb_shinfo(from)->gso_type;
#ifdef HAVE_UNREADABLE
	skb->unreadable = 1;
#endif
	consume_skb(from);
	return skb;
}

static netdev_tx_t opaque_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);

	consume_skb(skb);
	if (copy)
		pair_deliver(copy, dev);
	return NETDEV_TX_OK;
}

static const struct net_device_ops opaque_ops = {
	.ndo_start_xmit = opaque_xmit,
};

static void opaque_setup(struct net_device *dev)
{
	struct pair *pair = netdev_priv(dev);

	pair_setup(dev);
	pair->receive = opaque_receive;
	dev->netdev_ops = &opaque_ops;
	dev->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC |
			 NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4 | NETIF_F_HIGHDMA;
	dev->hw_features = dev->features;
}

struct rtnl_link_ops opaque_link_ops = {
	.kind = "opaque",
	.priv_size = sizeof(struct pair),
	.setup = opaque_setup,
	.newlink = pair_newlink,
	.dellink = pair_dellink,
};
