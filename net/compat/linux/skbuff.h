/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_LINUX_SKBUFF_H
#define MIRRORX_COMPAT_LINUX_SKBUFF_H

#include_next <linux/skbuff.h>

#ifndef HAVE_SKB_IS_DECRYPTED
static inline bool skb_is_decrypted(const struct sk_buff *skb)
{
#ifdef CONFIG_TLS_DEVICE
	return skb->decrypted;
#else
	return false;
#endif
}
#endif

#ifndef HAVE_SKB_FRAGS_READABLE
static inline bool skb_frags_readable(const struct sk_buff *skb)
{
	return true;
}
#endif

/* Would pskb_copy() take another's zero-copy pages from the original? */
static inline bool skb_copy_orphans(struct sk_buff *skb)
{
#ifdef HAVE_SKBFL_DONT_ORPHAN
	return skb_zcopy(skb) &&
	       !(skb_shinfo(skb)->flags & SKBFL_DONT_ORPHAN);
#else
	return skb_zcopy(skb);
#endif
}

/*
 * When it was received.  A time to send, which may be left from before, is told
 * from that by being no time since 1970 but since the host was booted.
 */
#ifndef HAVE_SKB_TSTAMP
static inline ktime_t skb_tstamp(const struct sk_buff *skb)
{
	const ktime_t year = 365LL * 24 * 3600 * NSEC_PER_SEC;

	return skb->tstamp < 30 * year ? 0 : skb->tstamp;
}
#endif

#ifndef HAVE_NAPI_BUILD_SKB
#define napi_build_skb	build_skb
#endif

#ifndef HAVE_PAGE_FRAG_CACHE_DRAIN
static inline void page_frag_cache_drain(struct page_frag_cache *nc)
{
	if (!nc->va)
		return;
	__page_frag_cache_drain(virt_to_head_page(nc->va), nc->pagecnt_bias);
	nc->va = NULL;
}
#endif

#endif /* MIRRORX_COMPAT_LINUX_SKBUFF_H */
