#ifndef MILLRACE_COPENSSL_SHIM_H
#define MILLRACE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

/// SHA-256 without the look-up of a provider, which costs `SHA256` four allocations and most of its time on short
/// messages. The functions are deprecated in favour of that look-up, not broken.
static inline void copenssl_sha256(const void *_Nullable message, size_t length, unsigned char *_Nonnull digest) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, message, length);
    SHA256_Final(digest, &context);
#pragma GCC diagnostic pop
}

#endif
