/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIRRORX_COMPAT_CRYPTO_AES_H
#define MIRRORX_COMPAT_CRYPTO_AES_H

#include_next <crypto/aes.h>

/* Since 7.0 there is a key for encryption alone. */
#ifndef HAVE_AES_ENCKEY
struct aes_enckey {
	struct crypto_aes_ctx ctx;
};

static inline int aes_prepareenckey(struct aes_enckey *key, const u8 *in,
				    size_t len)
{
	return aes_expandkey(&key->ctx, in, len);
}

#define aes_encrypt(key, out, in)	aes_encrypt(&(key)->ctx, out, in)
#endif

#endif /* MIRRORX_COMPAT_CRYPTO_AES_H */
