/*
 * cipher_module.h -- encryption of files at rest, in a module: OpenSSL is loaded where it is wanted
 *
 * AES-256 in counter mode: as many bytes as there were, at any offset, both ways by the same call.
 * It hides; whether bytes are those that were written is told by the checksum of whoever wrote
 * them. A key and stream must see each offset once.
 *
 * Thread: any.
 */
#ifndef VONK_CORE_BASE_CIPHER_MODULE_H
#define VONK_CORE_BASE_CIPHER_MODULE_H

#include <stddef.h>

#include "core/base/status.h"

#define CIPHER_INTERFACE "ctr 1"

typedef struct CipherKey {
    unsigned char key[32];
    uint64_t stream;
} CipherKey;

typedef struct CipherModule {
    /* from and to may be the same. False: the library refuses. */
    bool (*ctr)(const CipherKey *key, uint64_t offset, const void *from, void *to,
                size_t byte_count);
} CipherModule;

/* The module exports this as "vonk_cipher_module". */
typedef const CipherModule *(*CipherModuleFn)(void);

/* Loads the module when it is first called; it stays. ST_NOT_SUPPORTED: there is none. */
MUST_CHECK Status cipher_module(Error *err, const CipherModule **module_out);

/* A key that nobody has ever had. ST_IO: the system has no random numbers. */
MUST_CHECK Status cipher_key_make(Error *err, CipherKey *key_out);

#endif
