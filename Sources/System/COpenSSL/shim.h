#ifndef MILLRACE_COPENSSL_SHIM_H
#define MILLRACE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

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

/// One derivation by scrypt, everything it needs and what comes out, for a thread that must not run Swift.
typedef struct copenssl_scrypt {
    const char *_Nonnull password;
    size_t password_length;
    const unsigned char *_Nonnull salt;
    size_t salt_length;
    uint64_t rounds, block_size, parallelism, memory;
    unsigned char *_Nonnull key;
    size_t key_length;
    int result;
} copenssl_scrypt;

static inline void copenssl_scrypt_run(void *_Nullable context) {
    copenssl_scrypt *job = (copenssl_scrypt *)context;
#ifdef __GLIBC__
    // A derivation takes 16 MiB. Once something as large was freed, malloc would put the next into the heap of its helper
    // thread, whose end nothing trims, not even malloc_trim: it would keep them for good. With a fixed threshold they
    // are mapped, and unmapped, each time.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
    job->result = EVP_PBE_scrypt(job->password, job->password_length, job->salt, job->salt_length, job->rounds,
                                 job->block_size, job->parallelism, job->memory, job->key, job->key_length);
}

#endif
