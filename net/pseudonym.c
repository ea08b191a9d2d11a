// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudonyms of addresses that keep common prefixes: Crypto-PAn, as published by
 * J. Xu, J. Fan, M. Ammar and S. Moon, "Prefix-Preserving IP Address
 * Anonymization", ICNP 2002, for IPv6 with 128 bits instead of 32.
 *
 * Bit i of a pseudonym is bit i of the address, xor the first bit of what AES
 * makes of the i bits in front of it, filled up with a secret pad.  That is a
 * block of AES for each bit, so each CPU remembers the addresses that it saw
 * last, and prefixes of them, where the chain of bits can go on.  Sets of the
 * table are chosen by a keyed hash: whoever sends packets may push others'
 * addresses out, but only by chance.
 */
#include <crypto/aes.h>
#include <linux/local_lock.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "mirrorx.h"

#define SETS	128
#define WAYS	4

/* What else is encrypted differs from all that addresses can make of the pad. */
#define LAST		(AES_BLOCK_SIZE - 1)
#define LAST_OF_MAC	0x01
#define LAST_OF_ID	0x03
#define LAST_OF_FLOWS	0x05

/**
 * struct pan_entry - an address, or a prefix, and its pseudonym
 * @in: address, network order, 0 behind it
 * @out: pseudonym, likewise
 * @bits: length; 0 if there is none
 */
struct pan_entry {
	u32 in[4];
	u32 out[4];
	u32 bits;
};

/**
 * struct pan_cache - what a CPU remembers, with BH off
 * @sets: hashed by address
 * @next: which entry of a set is replaced next
 * @lock: for PREEMPT_RT, see struct mirrorx_heads
 */
struct pan_cache {
	struct pan_entry sets[SETS][WAYS];
	u32 next;
	local_lock_t lock;
};

/**
 * struct mirrorx_pan - a key; not changed once it is made, but for @cache
 * @aes: first half of it
 * @pad: second half, encrypted
 * @id: its fingerprint
 * @seed: of the hash of addresses
 * @cache: of each CPU
 */
struct mirrorx_pan {
	struct aes_enckey aes;
	u8 pad[AES_BLOCK_SIZE];
	u64 id;
	hsiphash_key_t seed;
	struct pan_cache __percpu *cache;
};

/* From one bit up to another; OUT has what is in front of them already. */
static void chain(const struct mirrorx_pan *pan, const u8 *in, u8 *out,
		  unsigned int from, unsigned int to)
{
	u8 block[AES_BLOCK_SIZE], enc[AES_BLOCK_SIZE], bit;
	unsigned int i;

	/* starts at a byte */
	memcpy(block, in, from / 8);
	memcpy(block + from / 8, pan->pad + from / 8,
	       sizeof(block) - from / 8);
	for (i = from; i < to; i++) {
		bit = 0x80 >> i % 8;
		aes_encrypt(&pan->aes, enc, block);
		if (enc[0] & 0x80)
			out[i / 8] ^= bit;
		block[i / 8] = (block[i / 8] & ~bit) | (in[i / 8] & bit);
	}
}

/* Not of prefixes: a MAC address says little by its first half. */
static void scramble(const struct mirrorx_pan *pan, const u8 *in, u8 *out)
{
	u8 block[AES_BLOCK_SIZE];

	memcpy(block, pan->pad, sizeof(block));
	memcpy(block, in, ETH_ALEN);
	block[LAST] ^= LAST_OF_MAC;
	aes_encrypt(&pan->aes, block, block);
	memcpy(out, block, ETH_ALEN);
}

static void find(const struct mirrorx_pan *pan, struct pan_cache *cache,
		 const u32 in[4], u32 out[4], u32 bits);

/* A chain goes on from the pseudonym of a prefix, which others may share. */
static noinline void make(const struct mirrorx_pan *pan,
			  struct pan_cache *cache, const u32 in[4],
			  u32 out[4], u32 bits, u32 prefix)
{
	u32 head[4] = { }, name[4];

	memcpy(out, in, sizeof(head));
	if (bits == MIRRORX_BITS_MAC) {
		scramble(pan, (const u8 *)in, (u8 *)out);
		return;
	}
	if (prefix) {
		memcpy(head, in, prefix / 8);
		find(pan, cache, head, name, prefix);
		memcpy(out, name, prefix / 8);
	}
	chain(pan, (const u8 *)in, (u8 *)out, prefix, bits);
}

static u32 prefix_of(u32 bits)
{
	return bits == MIRRORX_BITS_IPV4 ? 16 :
	       bits == MIRRORX_BITS_IPV6 ? 64 : 0;
}

/* A pseudonym from the table, or one that goes there */
static void find(const struct mirrorx_pan *pan, struct pan_cache *cache,
		 const u32 in[4], u32 out[4], u32 bits)
{
	struct pan_entry *entry, *set;
	u32 i;

	i = hsiphash_4u32(in[0], in[1], in[2], in[3] ^ bits, &pan->seed);
	set = cache->sets[i % SETS];
	for (entry = set; entry < set + WAYS; entry++) {
		if (entry->bits == bits && entry->in[0] == in[0] &&
		    entry->in[1] == in[1] && entry->in[2] == in[2] &&
		    entry->in[3] == in[3]) {
			memcpy(out, entry->out, sizeof(entry->out));
			return;
		}
	}
	make(pan, cache, in, out, bits, prefix_of(bits));
	entry = &set[cache->next++ % WAYS];
	memcpy(entry->in, in, sizeof(entry->in));
	memcpy(entry->out, out, sizeof(entry->out));
	entry->bits = bits;
}

/* Documented in anonymize.h */
void mirrorx_pseudonym(const struct mirrorx_pan *pan, u8 *addr,
		       unsigned int bits)
{
	u32 in[4] = { }, out[4];

	memcpy(in, addr, bits / 8);
	local_lock_nested_bh(&pan->cache->lock);
	find(pan, this_cpu_ptr(pan->cache), in, out, bits);
	local_unlock_nested_bh(&pan->cache->lock);
	memcpy(addr, out, bits / 8);
}

/* One that AES, or the pad, would not be secret with */
static bool is_weak(const u8 *key)
{
	const u8 *pad = key + AES_KEYSIZE_128;

	return !memchr_inv(key, *key, AES_KEYSIZE_128) ||
	       !memchr_inv(pad, *pad, AES_BLOCK_SIZE) ||
	       !memcmp(key, pad, AES_BLOCK_SIZE);
}

/* What else comes of the key, and is not told by anything that is seen of it */
static u64 derive(const struct mirrorx_pan *pan, u8 last)
{
	u8 block[AES_BLOCK_SIZE];

	memcpy(block, pan->pad, sizeof(block));
	block[LAST] ^= last;
	aes_encrypt(&pan->aes, block, block);
	return get_unaligned_be64(block);
}

/**
 * mirrorx_pan_new() - take a key
 * @key: MIRRORX_PAN_KEY_LEN bytes
 *
 * Sleeps.
 *
 * Return: the key, to be freed with mirrorx_pan_free(), or an error; -EKEYREJECTED
 * for one that is no secret
 */
struct mirrorx_pan *mirrorx_pan_new(const u8 *key)
{
	struct mirrorx_pan *pan;
	int err, cpu;

	if (is_weak(key))
		return ERR_PTR(-EKEYREJECTED);
	pan = kzalloc(sizeof(*pan), GFP_KERNEL_ACCOUNT);
	if (!pan)
		return ERR_PTR(-ENOMEM);
	pan->cache = alloc_percpu_gfp(struct pan_cache, GFP_KERNEL_ACCOUNT);
	err = pan->cache ? aes_prepareenckey(&pan->aes, key, AES_KEYSIZE_128) :
			   -ENOMEM;
	if (err) {
		mirrorx_pan_free(pan);
		return ERR_PTR(err);
	}
	for_each_possible_cpu(cpu)
		local_lock_init(&per_cpu_ptr(pan->cache, cpu)->lock);
	aes_encrypt(&pan->aes, pan->pad, key + AES_KEYSIZE_128);
	pan->id = derive(pan, LAST_OF_ID);
	get_random_bytes(&pan->seed, sizeof(pan->seed));
	return pan;
}

/**
 * mirrorx_pan_free() - forget a key, and addresses
 * @pan: key that no packet can find any more, or NULL
 */
void mirrorx_pan_free(struct mirrorx_pan *pan)
{
	int cpu;

	if (!pan)
		return;
	if (pan->cache)
		for_each_possible_cpu(cpu)
			memzero_explicit(per_cpu_ptr(pan->cache, cpu)->sets,
					 sizeof(pan->cache->sets));
	free_percpu(pan->cache);
	kfree_sensitive(pan);
}

/**
 * mirrorx_pan_flows() - a secret for hashes of flows, which are of real addresses
 * @pan: key
 *
 * Who sees such a hash, as in a port, and guesses the addresses must not find that
 * he is right.
 *
 * Return: a number that is the same on all hosts with the key
 */
u64 mirrorx_pan_flows(const struct mirrorx_pan *pan)
{
	return derive(pan, LAST_OF_FLOWS);
}

/**
 * mirrorx_pan_id() - by what a key is known
 * @pan: key
 *
 * Return: its fingerprint
 */
u64 mirrorx_pan_id(const struct mirrorx_pan *pan)
{
	return pan->id;
}
