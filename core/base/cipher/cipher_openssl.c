/* cipher_openssl.c -- what libvonk_cipher.so exports; see core/base/cipher_module.h */
#include <limits.h>
#include <openssl/evp.h>

#include "core/base/cipher_module.h"

enum { BLOCK_BYTES = 16, PIECE_BYTES_MAX = 1 << 30 };

/* The stream's number, then which block of it. */
static void counter_at(unsigned char counter[BLOCK_BYTES], uint64_t stream, uint64_t block)
{
    for (int i = 0; i < 8; i++) {
        counter[i] = (unsigned char)(stream >> (56 - 8 * i));
        counter[8 + i] = (unsigned char)(block >> (56 - 8 * i));
    }
}

static bool run(EVP_CIPHER_CTX *context, const CipherKey *key, uint64_t offset, const void *from,
                void *to, size_t byte_count)
{
    unsigned char counter[BLOCK_BYTES], skipped[BLOCK_BYTES] = {0};
    int skip = (int)(offset % BLOCK_BYTES), out;

    counter_at(counter, key->stream, offset / BLOCK_BYTES);
    if (EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, key->key, counter) != 1 ||
        (skip > 0 && EVP_EncryptUpdate(context, skipped, &out, skipped, skip) != 1))
        return false;
    while (byte_count > 0) {
        int piece = byte_count < PIECE_BYTES_MAX ? (int)byte_count : PIECE_BYTES_MAX;

        if (EVP_EncryptUpdate(context, to, &out, from, piece) != 1 || out != piece)
            return false;
        from = (const char *)from + piece;
        to = (char *)to + piece;
        byte_count -= (size_t)piece;
    }
    return true;
}

static bool cipher_ctr(const CipherKey *key, uint64_t offset, const void *from, void *to,
                       size_t byte_count)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool is_done = context != NULL && run(context, key, offset, from, to, byte_count);

    EVP_CIPHER_CTX_free(context);
    return is_done;
}

extern __attribute__((visibility("default"))) const char vonk_cipher_interface[];
const char vonk_cipher_interface[] = CIPHER_INTERFACE;

__attribute__((visibility("default"))) const CipherModule *vonk_cipher_module(void);

const CipherModule *vonk_cipher_module(void)
{
    static const CipherModule module = {.ctr = cipher_ctr};

    return &module;
}
