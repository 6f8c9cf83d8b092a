/* secret.c -- see secret.h */
#include "cluster/rpc/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32 };

/* A file of root's may be read by the group that it names: so Kubernetes gives secrets to those who
 * are not root. */
static Status check_file(int fd, const char *path, Error *err)
{
    struct stat file;
    mode_t forbidden = S_IRWXG | S_IRWXO;

    if (fstat(fd, &file) != 0)
        return error_set_errno(err, errno, "cannot look at the secret file \"%s\"", path);
    if (!S_ISREG(file.st_mode))
        return error_set(err, ST_BAD_INPUT, "the secret file \"%s\" is no plain file", path);
    if (file.st_uid != 0 && file.st_uid != geteuid())
        return error_set(err, ST_BAD_INPUT, "the secret file \"%s\" belongs to another user", path);
    if (file.st_uid == 0)
        forbidden &= ~(mode_t)S_IRGRP;
    if ((file.st_mode & forbidden) != 0) {
        error_set(err, ST_BAD_INPUT, "others than its owner may use the secret file \"%s\"", path);
        error_hint(err, "Make it yours alone: chmod 600 '%s'.", path);
        return ST_BAD_INPUT;
    }
    return ST_OK;
}

/* All of it, but for white space behind. Returns its length; -1: errno. */
static ssize_t read_whole(int fd, unsigned char *bytes, size_t capacity)
{
    size_t length = 0;

    while (length < capacity) {
        ssize_t got = read(fd, bytes + length, capacity - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == ' ' ||
                          bytes[length - 1] == '\r' || bytes[length - 1] == '\t'))
        length--;
    return (ssize_t)length;
}

/* HKDF (RFC 5869) with SHA-256: the secret is used for nothing else under this name. */
static bool derive_key(const unsigned char *bytes, size_t byte_count, const char *info,
                       unsigned char *key)
{
    static const unsigned char salt[] = "vonk cluster";
    size_t key_bytes = SECRET_KEY_BYTES;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    bool is_done =
        context != NULL && EVP_PKEY_derive_init(context) > 0 &&
        EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) > 0 &&
        EVP_PKEY_CTX_set1_hkdf_salt(context, salt, sizeof salt - 1) > 0 &&
        EVP_PKEY_CTX_set1_hkdf_key(context, bytes, (int)byte_count) > 0 &&
        EVP_PKEY_CTX_add1_hkdf_info(context, (const unsigned char *)info, (int)strlen(info)) > 0 &&
        EVP_PKEY_derive(context, key, &key_bytes) > 0;

    EVP_PKEY_CTX_free(context);
    return is_done;
}

Status secret_read(const char *path, Error *err, Secret *secret_out)
{
    unsigned char bytes[SECRET_FILE_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length;
    Status status;

    *secret_out = (Secret){{0}};
    if (fd < 0)
        return error_set_errno(err, errno, "cannot open the secret file \"%s\"", path);
    status = check_file(fd, path, err);
    length = status == ST_OK ? read_whole(fd, bytes, sizeof bytes) : 0;
    if (length < 0)
        status = error_set_errno(err, errno, "cannot read the secret file \"%s\"", path);
    close(fd);
    if (status == ST_OK && length < SECRET_BYTES) {
        status = error_set(err, ST_BAD_INPUT, "the secret file \"%s\" has fewer than %d bytes",
                           path, SECRET_BYTES);
        error_hint(err, "vonk cluster init makes one.");
    }
    if (status == ST_OK &&
        !derive_key(bytes, (size_t)length, "vonk rpc tls psk 1", secret_out->key))
        status = error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

Status secret_make(const char *path, Error *err)
{
    unsigned char bytes[SECRET_BYTES];
    char text[2 * SECRET_BYTES + 2];
    int fd;
    bool is_written;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return error_set(err, ST_IO, "the system has no random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * sizeof bytes] = '\n';
    OPENSSL_cleanse(bytes, sizeof bytes);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        OPENSSL_cleanse(text, sizeof text);
        return error_set_errno(err, errno, "cannot make the secret file \"%s\"", path);
    }
    is_written = write(fd, text, sizeof text - 1) == (ssize_t)(sizeof text - 1) && fsync(fd) == 0;
    OPENSSL_cleanse(text, sizeof text);
    if (close(fd) != 0 || !is_written) {
        unlink(path);
        return error_set_errno(err, errno, "cannot write the secret file \"%s\"", path);
    }
    return ST_OK;
}

void secret_wipe(Secret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}

Status secret_derive(const Secret *secret, const char *purpose, Error *err,
                     char derived_out[SECRET_DERIVED_BYTES])
{
    unsigned char key[SECRET_KEY_BYTES];

    derived_out[0] = '\0';
    if (!derive_key(secret->key, sizeof secret->key, purpose, key))
        return error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    for (size_t i = 0; i < sizeof key; i++)
        snprintf(derived_out + 2 * i, 3, "%02x", key[i]);
    OPENSSL_cleanse(key, sizeof key);
    return ST_OK;
}
