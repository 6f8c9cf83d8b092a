/* secret.c -- see secret.h */
#include "cluster/rpc/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/rpc/node_keys.h"
#include "cluster/rpc/revoked.h"

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

/* All of it, but for white space behind; also of a descriptor that others read, too. Returns its
 * length; -1: errno. */
static ssize_t read_whole(int fd, char *bytes, size_t capacity)
{
    size_t length = 0;

    while (length < capacity) {
        ssize_t got = pread(fd, bytes + length, capacity - length, (off_t)length);

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

/* "fd:4": that descriptor; -1: it is a path. */
static int given_fd(const char *path)
{
    char *end;
    long fd;

    if (strncmp(path, "fd:", 3) != 0)
        return -1;
    fd = strtol(path + 3, &end, 10);
    return end != path + 3 && *end == '\0' && fd >= 0 && fd <= INT_MAX ? (int)fd : -1;
}

Status secret_read_file(const char *path, Error *err, char *bytes, size_t *length_out)
{
    int given = given_fd(path), fd = given;
    ssize_t length = 0;
    Status status = ST_OK;

    *length_out = 0;
    if (given < 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            return error_set_errno(err, errno, "cannot open the secret file \"%s\"", path);
        status = check_file(fd, path, err);
    }
    if (status == ST_OK)
        length = read_whole(fd, bytes, SECRET_FILE_BYTES_MAX);
    if (length < 0)
        status = error_set_errno(err, errno, "cannot read the secret file \"%s\"", path);
    if (given < 0)
        close(fd);
    if (status == ST_OK && length < SECRET_BYTES) {
        status = error_set(err, ST_BAD_INPUT, "the secret file \"%s\" has fewer than %d bytes",
                           path, SECRET_BYTES);
        error_hint(err, "vonk cluster init makes one.");
    }
    *length_out = length < 0 ? 0 : (size_t)length;
    return status;
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

/* --- keys of those who are no members --- */

/* One step down. */
static bool derive_below(unsigned char key[SECRET_KEY_BYTES], Identity step)
{
    unsigned char above[SECRET_KEY_BYTES];
    char text[IDENTITY_TEXT_BYTES], info[IDENTITY_TEXT_BYTES + 16];
    bool is_done;

    identity_text(step, text);
    snprintf(info, sizeof info, "vonk key 1 %s", text);
    memcpy(above, key, sizeof above);
    is_done = derive_key(above, sizeof above, info, key);
    OPENSSL_cleanse(above, sizeof above);
    return is_done;
}

bool secret_key_of(const unsigned char *key, Identity own, Identity who,
                   unsigned char key_out[SECRET_KEY_BYTES])
{
    if (!identity_holds(own, who))
        return false;
    memcpy(key_out, key, SECRET_KEY_BYTES);
    return (who.driver == own.driver || derive_below(key_out, (Identity){who.driver, 0})) &&
           (who.application == own.application ||
            derive_below(key_out, (Identity){0, who.application}));
}

/* "vonk key 1 app/7 0123...", "vonk key 1 member 0123..." */
static const char key_begins[] = "vonk key 1 ", key_member[] = "member";

static bool parse_name(const char *text, size_t length, Identity *who_out)
{
    *who_out = (Identity){0};
    return (length == strlen(key_member) && memcmp(text, key_member, length) == 0) ||
           identity_parse(text, length, who_out);
}

/* False: it is none. */
static bool parse_key(const char *bytes, size_t length, Secret *secret)
{
    const char *text = bytes + sizeof key_begins - 1, *space;

    if (length < sizeof key_begins || memcmp(bytes, key_begins, sizeof key_begins - 1) != 0)
        return false;
    space = memchr(text, ' ', length - (sizeof key_begins - 1));
    if (space == NULL || !parse_name(text, (size_t)(space - text), &secret->who) ||
        length - (size_t)(space + 1 - bytes) != 2 * sizeof secret->key)
        return false;
    for (size_t i = 0; i < sizeof secret->key; i++) {
        char digits[3] = {space[1 + 2 * i], space[2 + 2 * i], '\0'}, *end;

        secret->key[i] = (unsigned char)strtoul(digits, &end, 16);
        if (end != digits + 2)
            return false;
    }
    return true;
}

static void print_key(const unsigned char *key, Identity who, char *bytes, size_t *length_out)
{
    char name[IDENTITY_TEXT_BYTES];
    size_t length;

    identity_text(who, name);
    length = (size_t)snprintf(bytes, SECRET_FILE_BYTES_MAX, "%s%s ", key_begins,
                              name[0] == '\0' ? key_member : name);
    for (size_t i = 0; i < SECRET_KEY_BYTES; i++, length += 2)
        snprintf(bytes + length, 3, "%02x", key[i]);
    *length_out = length;
}

/* A key pair's file has a secret too, for what is no connection; but that of an application's. */
static Status check_node(const char *path, Secret *secret, Error *err)
{
    NodeKeys keys;
    Status status = node_keys_parse(secret->node, secret->node_bytes, path, err, &keys);

    secret->who = keys.who;
    if (status == ST_OK && !identity_is_member(keys.who)) {
        node_keys_fini(&keys);
        return ST_OK;
    }
    if (status == ST_OK && keys.authority == NULL) {
        error_set(err, ST_BAD_INPUT, "\"%s\" is the authority's file, and no node's", path);
        error_hint(err, "Only vonk cluster init needs it.");
        status = ST_BAD_INPUT;
    }
    if (status == ST_OK &&
        !derive_key(keys.secret, sizeof keys.secret, "vonk rpc tls psk 1", secret->key))
        status = error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    node_keys_fini(&keys);
    return status;
}

Status secret_read(const char *path, Error *err, Secret *secret_out)
{
    size_t length;
    Status status;

    *secret_out = (Secret){.who = {0}};
    status = secret_read_file(path, err, secret_out->node, &length);
    if (status == ST_OK && node_keys_are_in(secret_out->node, length)) {
        secret_out->node_bytes = (uint32_t)length;
        revoked_file_beside(path, secret_out->revoked_file);
        return check_node(path, secret_out, err);
    }
    if (status == ST_OK && parse_key(secret_out->node, length, secret_out)) {
        OPENSSL_cleanse(secret_out->node, sizeof secret_out->node);
        return ST_OK;
    }
    if (status == ST_OK && !derive_key((const unsigned char *)secret_out->node, length,
                                       "vonk rpc tls psk 1", secret_out->key))
        status = error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    OPENSSL_cleanse(secret_out->node, sizeof secret_out->node);
    return status;
}

/* With those that are shut out now. */
static Status narrow_node(const Secret *secret, Identity who, char *bytes, size_t *length,
                          Error *err)
{
    Revoked *revoked = revoked_new(secret->revoked_file, secret->node, secret->node_bytes);
    Status status = node_keys_make_below(bytes, *length, who, err, bytes, length);

    if (status == ST_OK)
        status = revoked_print(revoked, bytes, length, err);
    revoked_free(revoked);
    return status;
}

/* In place of what the file holds. */
static Status narrow(const char *path, Identity who, char *bytes, size_t *length, Error *err)
{
    Secret secret;
    Status status;

    if (identity_is_member(who))
        return ST_OK;
    status = secret_read(path, err, &secret);
    if (status == ST_OK && secret.node_bytes != 0)
        status = narrow_node(&secret, who, bytes, length, err);
    else if (status == ST_OK && !secret_key_of(secret.key, secret.who, who, secret.key))
        status = error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    else if (status == ST_OK)
        print_key(secret.key, who, bytes, length);
    secret_wipe(&secret);
    return status;
}

static Status hold(const char *bytes, size_t length, Error *err, int *fd_out)
{
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    int failure;

    *fd_out = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd_out >= 0 && write(*fd_out, bytes, length) == (ssize_t)length &&
        fcntl(*fd_out, F_ADD_SEALS, seals) == 0)
        return ST_OK;
    failure = errno;
    if (*fd_out >= 0)
        close(*fd_out);
    *fd_out = -1;
    return error_set_errno(err, failure, "cannot hold the secret in memory");
}

Status secret_hand_over(const char *path, Identity who, Error *err, int *fd_out)
{
    char bytes[SECRET_FILE_BYTES_MAX];
    size_t length;
    Status status = secret_read_file(path, err, bytes, &length);

    *fd_out = -1;
    if (status == ST_OK)
        status = narrow(path, who, bytes, &length, err);
    if (status == ST_OK)
        status = hold(bytes, length, err, fd_out);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

Status secret_hand_over_key(const unsigned char *key, Identity who, Error *err, int *fd_out)
{
    unsigned char below[SECRET_KEY_BYTES];
    char bytes[SECRET_FILE_BYTES_MAX];
    size_t length = 0;
    Status status = ST_OK;

    *fd_out = -1;
    if (secret_key_of(key, (Identity){0}, who, below)) {
        print_key(below, who, bytes, &length);
        status = hold(bytes, length, err, fd_out);
    } else {
        status = error_set(err, ST_INTERNAL, "OpenSSL derives no key");
    }
    OPENSSL_cleanse(below, sizeof below);
    OPENSSL_cleanse(bytes, length);
    return status;
}

Status secret_write_file(const char *path, const char *bytes, size_t byte_count, Error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool is_written;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot make the secret file \"%s\"", path);
    is_written = write(fd, bytes, byte_count) == (ssize_t)byte_count && fsync(fd) == 0;
    if (close(fd) != 0 || !is_written) {
        unlink(path);
        return error_set_errno(err, errno, "cannot write the secret file \"%s\"", path);
    }
    return ST_OK;
}

Status secret_make(const char *path, Error *err)
{
    unsigned char bytes[SECRET_BYTES];
    char text[2 * SECRET_BYTES + 2];
    Status status;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return error_set(err, ST_IO, "the system has no random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * sizeof bytes] = '\n';
    status = secret_write_file(path, text, sizeof text - 1, err);
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(text, sizeof text);
    return status;
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
