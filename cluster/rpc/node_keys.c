/* node_keys.c -- see node_keys.h */
#include "cluster/rpc/node_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/rpc/revoked.h"

enum {
    ADDRESSES_BYTES = 1024,
    AUTHORITY_DAYS = 3650,
    BACK_SECONDS = 3600 /* for clocks that are behind */
};

/* Among a node's addresses: it may have any. */
static const char anywhere[] = "anywhere.vonk.invalid";
static const char secret_name[] = "VONK CLUSTER SECRET", begins[] = "-----BEGIN ";

/* --- reading --- */

bool node_keys_are_in(const char *bytes, size_t byte_count)
{
    return byte_count > sizeof begins && memcmp(bytes, begins, sizeof begins - 1) == 0;
}

void node_keys_name(const X509 *certificate, char name_out[NODE_NAME_BYTES])
{
    name_out[0] = '\0';
    if (certificate != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name_out,
                                  NODE_NAME_BYTES);
}

/* One of the file's parts. */
static void take_part(NodeKeys *keys, const char *name, const unsigned char *bytes, long byte_count,
                      bool *has_secret)
{
    X509 **certificate = keys->own == NULL    ? &keys->own
                         : keys->node == NULL ? &keys->node
                                              : &keys->authority;

    if (strcmp(name, PEM_STRING_PKCS8INF) == 0 && keys->key == NULL)
        keys->key = d2i_AutoPrivateKey(NULL, &bytes, byte_count);
    else if (strcmp(name, PEM_STRING_X509) == 0 && *certificate == NULL)
        *certificate = d2i_X509(NULL, &bytes, byte_count);
    else if (strcmp(name, secret_name) == 0 && byte_count == (long)sizeof keys->secret) {
        memcpy(keys->secret, bytes, sizeof keys->secret);
        *has_secret = true;
    }
}

/* Whom a certificate of a node's names; false: it is not that of one. */
static bool names_identity(const X509 *certificate, Identity *who_out)
{
    char name[NODE_NAME_BYTES];

    node_keys_name(certificate, name);
    return identity_parse(name, strlen(name), who_out);
}

/* Its own, maybe its node's, and the authority's: which is which. */
static void sort_certificates(NodeKeys *keys)
{
    bool is_below = keys->own != NULL && names_identity(keys->own, &keys->who);

    if (is_below || keys->authority != NULL)
        return;
    keys->authority = keys->node;
    keys->node = NULL;
}

static Status check_dates(const X509 *certificate, const char *path, Error *err)
{
    char name[NODE_NAME_BYTES];

    node_keys_name(certificate, name);
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return error_set(
            err, ST_BAD_INPUT,
            "the certificate of \"%s\" in \"%s\" is not valid yet: is the clock right?", name,
            path);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0)
        return ST_OK;
    error_set(err, ST_BAD_INPUT, "the certificate of \"%s\" in \"%s\" has expired", name, path);
    error_hint(err, "vonk cluster init --tls makes another one; the file of before must be moved "
                    "away.");
    return ST_BAD_INPUT;
}

Status node_keys_parse(const char *bytes, size_t byte_count, const char *path, Error *err,
                       NodeKeys *keys_out)
{
    BIO *from = BIO_new_mem_buf(bytes, (int)byte_count);
    char *name, *header;
    unsigned char *part;
    bool has_secret = false;
    long part_bytes;
    Status status;

    *keys_out = (NodeKeys){0};
    while (from != NULL && PEM_read_bio(from, &name, &header, &part, &part_bytes) == 1) {
        take_part(keys_out, name, part, part_bytes, &has_secret);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(part, (size_t)part_bytes);
    }
    BIO_free(from);
    ERR_clear_error();
    sort_certificates(keys_out);
    if (keys_out->key != NULL && keys_out->own != NULL &&
        has_secret == identity_is_member(keys_out->who) &&
        X509_check_private_key(keys_out->own, keys_out->key) == 1)
        status = check_dates(keys_out->own, path, err);
    else
        status = error_set(err, ST_BAD_INPUT,
                           "\"%s\" has not all of a node: its key, its certificate, the "
                           "authority's, and the cluster's secret",
                           path);
    ERR_clear_error();
    if (status != ST_OK)
        node_keys_fini(keys_out);
    return status;
}

void node_keys_fini(NodeKeys *keys)
{
    EVP_PKEY_free(keys->key);
    X509_free(keys->own);
    X509_free(keys->node);
    X509_free(keys->authority);
    OPENSSL_cleanse(keys, sizeof *keys);
}

bool node_keys_use(const NodeKeys *keys, SSL_CTX *context)
{
    SSL_CTX_set_verify_depth(context, 2);
    return SSL_CTX_use_certificate(context, keys->own) == 1 &&
           (keys->node == NULL || SSL_CTX_add1_chain_cert(context, keys->node) == 1) &&
           SSL_CTX_use_PrivateKey(context, keys->key) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(context), keys->authority) == 1;
}

bool node_keys_is_node(X509 *certificate, char name_out[NODE_NAME_BYTES])
{
    Identity who;

    node_keys_name(certificate, name_out);
    return (X509_get_extension_flags(certificate) & EXFLAG_SS) == 0 &&
           !names_identity(certificate, &who);
}

bool node_keys_is_at(X509 *certificate, const char *host)
{
    return X509_check_ip_asc(certificate, host, 0) == 1 ||
           X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1 ||
           X509_check_host(certificate, anywhere, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
}

/* Its own, or its own and its node's, then the authority's: a node may not call itself an
 * application, nor an application a node. */
bool node_keys_peer(SSL *ssl, Identity *who_out)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int count = chain == NULL ? 0 : sk_X509_num(chain);
    bool is_named = count > 0 && names_identity(sk_X509_value(chain, 0), who_out);

    return count == 2 ? !is_named : count == 3 && is_named;
}

/* --- making --- */

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool is_added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool is_set = number != NULL && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_set;
}

/* What a certificate is good for. */
typedef enum Rank { RANK_AUTHORITY, RANK_NODE, RANK_BELOW } Rank;

static bool add_uses(X509 *made, X509 *issuer, Rank rank)
{
    static const char *const limits[] = {[RANK_AUTHORITY] = "critical,CA:TRUE,pathlen:1",
                                         [RANK_NODE] = "critical,CA:TRUE,pathlen:0",
                                         [RANK_BELOW] = "critical,CA:FALSE"};
    static const char *const uses[] = {[RANK_AUTHORITY] = "critical,keyCertSign",
                                       [RANK_NODE] = "critical,digitalSignature,keyCertSign",
                                       [RANK_BELOW] = "critical,digitalSignature"};

    return add_extension(made, issuer, NID_basic_constraints, limits[rank]) &&
           add_extension(made, issuer, NID_key_usage, uses[rank]) &&
           (rank == RANK_AUTHORITY ||
            add_extension(made, issuer, NID_ext_key_usage, "serverAuth,clientAuth"));
}

/* issuer NULL: an authority, which vouches for itself. days 0: as long as its issuer. */
static X509 *make_certificate(const char *name, Rank rank, const char *addresses, EVP_PKEY *key,
                              X509 *issuer, EVP_PKEY *issuer_key, int days)
{
    X509 *made = X509_new();
    bool is_made;
    X509_NAME *subject = made == NULL ? NULL : X509_get_subject_name(made);

    if (issuer == NULL)
        issuer = made;
    is_made = made != NULL && X509_set_version(made, 2) == 1 && set_serial(made) &&
              X509_gmtime_adj(X509_getm_notBefore(made), -BACK_SECONDS) != NULL &&
              (days == 0 ? X509_set1_notAfter(made, X509_get0_notAfter(issuer)) == 1
                         : X509_time_adj_ex(X509_getm_notAfter(made), days, 0, NULL) != NULL) &&
              X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                         (const unsigned char *)name, -1, -1, 0) == 1 &&
              X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
              X509_set_pubkey(made, key) == 1 && add_uses(made, issuer, rank) &&
              (addresses == NULL || add_extension(made, issuer, NID_subject_alt_name, addresses)) &&
              X509_sign(made, issuer_key, EVP_sha256()) > 0;
    if (is_made)
        return made;
    X509_free(made);
    return NULL;
}

static Status no_key(Error *err)
{
    unsigned long reason = ERR_get_error();

    error_set(err, ST_INTERNAL, "OpenSSL makes no key pair");
    error_detail(err, "%s.", reason == 0 ? "No reason given" : ERR_reason_error_string(reason));
    ERR_clear_error();
    return ST_INTERNAL;
}

static bool print_keys(BIO *to, const NodeKeys *keys)
{
    return to != NULL &&
           PEM_write_bio_PKCS8PrivateKey(to, keys->key, NULL, NULL, 0, NULL, NULL) == 1 &&
           PEM_write_bio_X509(to, keys->own) == 1 &&
           (keys->node == NULL || PEM_write_bio_X509(to, keys->node) == 1) &&
           (keys->authority == NULL || PEM_write_bio_X509(to, keys->authority) == 1) &&
           (!identity_is_member(keys->who) ||
            PEM_write_bio(to, secret_name, "", keys->secret, SECRET_KEY_BYTES) > 0);
}

/* authority NULL: in its own file. */
static Status write_keys(const char *path, EVP_PKEY *key, X509 *own, X509 *authority,
                         const unsigned char *secret, Error *err)
{
    NodeKeys keys = {.key = key, .own = own, .authority = authority};
    BIO *to = BIO_new(BIO_s_secmem());
    char *bytes;
    long byte_count;
    Status status;

    memcpy(keys.secret, secret, sizeof keys.secret);
    if (print_keys(to, &keys)) {
        byte_count = BIO_get_mem_data(to, &bytes);
        status = secret_write_file(path, bytes, (size_t)byte_count, err);
    } else {
        status = no_key(err);
    }
    BIO_free(to);
    OPENSSL_cleanse(&keys, sizeof keys);
    return status;
}

/* Into bytes of SECRET_FILE_BYTES_MAX. */
static Status print_below(const NodeKeys *keys, Error *err, char *bytes_out, size_t *length_out)
{
    BIO *to = BIO_new(BIO_s_secmem());
    Status status = ST_OK;
    char *bytes;
    long byte_count;

    if (!print_keys(to, keys))
        status = no_key(err);
    byte_count = status == ST_OK ? BIO_get_mem_data(to, &bytes) : 0;
    if (byte_count > SECRET_FILE_BYTES_MAX)
        status = error_set(err, ST_INTERNAL, "the certificates are too long");
    if (status == ST_OK) {
        OPENSSL_cleanse(bytes_out, *length_out);
        memcpy(bytes_out, bytes, (size_t)byte_count);
        *length_out = (size_t)byte_count;
    }
    BIO_free(to);
    return status;
}

Status node_keys_make_below(const char *bytes, size_t byte_count, Identity who, Error *err,
                            char *bytes_out, size_t *length_out)
{
    char name[IDENTITY_TEXT_BYTES];
    NodeKeys node, below = {.who = who};
    Status status = node_keys_parse(bytes, byte_count, "the node's file", err, &node);

    if (status != ST_OK)
        return status;
    if (X509_check_ca(node.own) == 0) {
        node_keys_fini(&node);
        error_set(err, ST_BAD_INPUT, "the node's certificate cannot vouch for executors");
        error_hint(err, "It is of an older Vonk: make an authority and key pairs anew with vonk "
                        "cluster init --tls.");
        return ST_BAD_INPUT;
    }
    identity_text(who, name);
    below.key = EVP_EC_gen("P-256");
    below.node = node.own;
    below.authority = node.authority;
    if (below.key != NULL)
        below.own = make_certificate(name, RANK_BELOW, NULL, below.key, node.own, node.key, 0);
    status = below.own == NULL ? no_key(err) : print_below(&below, err, bytes_out, length_out);
    EVP_PKEY_free(below.key);
    X509_free(below.own);
    node_keys_fini(&node);
    return status;
}

static Status make_authority(const char *path, Error *err)
{
    unsigned char secret[SECRET_KEY_BYTES], mark[4];
    char name[NODE_NAME_BYTES];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = NULL;
    Status status;

    if (key != NULL && RAND_bytes(secret, sizeof secret) == 1 &&
        RAND_bytes(mark, sizeof mark) == 1) {
        snprintf(name, sizeof name, "vonk cluster %02x%02x%02x%02x", mark[0], mark[1], mark[2],
                 mark[3]);
        own = make_certificate(name, RANK_AUTHORITY, NULL, key, NULL, key, AUTHORITY_DAYS);
    }
    status = own == NULL ? no_key(err) : write_keys(path, key, own, NULL, secret, err);
    OPENSSL_cleanse(secret, sizeof secret);
    X509_free(own);
    EVP_PKEY_free(key);
    return status;
}

/* What the one at hand is called, and where it may be found, as OpenSSL takes it. */
typedef struct NodeName {
    char name[NODE_NAME_BYTES], addresses[ADDRESSES_BYTES];
} NodeName;

static Status make_node(const char *path, const NodeName *node, const NodeKeys *authority, int days,
                        Error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = key == NULL ? NULL
                            : make_certificate(node->name, RANK_NODE, node->addresses, key,
                                               authority->own, authority->key, days);
    Status status = own == NULL
                        ? no_key(err)
                        : write_keys(path, key, own, authority->own, authority->secret, err);

    X509_free(own);
    EVP_PKEY_free(key);
    return status;
}

static bool is_name(const char *name)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return name[0] != '\0' && name[0] != '.' && strlen(name) < NODE_NAME_BYTES &&
           name[strspn(name, known)] == '\0' && strcmp(name, "ca") != 0;
}

static Status no_name(const char *name, Error *err)
{
    return error_set(
        err, ST_BAD_INPUT,
        "\"%s\" is no name of a node: letters, digits, \".\", \"_\" and \"-\", and not "
        "\"ca\"",
        name);
}

static bool add_address(NodeName *node, const char *address, size_t byte_count)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-";
    size_t length = strlen(node->addresses);
    unsigned char binary[sizeof(struct in6_addr)];
    char text[NODE_NAME_BYTES];
    bool is_ip;

    if (byte_count == 1 && address[0] == '*') {
        address = anywhere;
        byte_count = strlen(anywhere);
    }
    if (byte_count == 0 || byte_count >= sizeof text)
        return false;
    memcpy(text, address, byte_count);
    text[byte_count] = '\0';
    is_ip = inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
    if (text[strspn(text, known)] != '\0' || (!is_ip && strchr(text, ':') != NULL))
        return false;
    length += (size_t)snprintf(node->addresses + length, ADDRESSES_BYTES - length, "%s%s:%s",
                               length == 0 ? "" : ",", is_ip ? "IP" : "DNS", text);
    return length < ADDRESSES_BYTES;
}

/* "a", "a=10.0.0.1,a.example", "a=*": its name is an address, too. */
static Status parse_node(const char *text, Error *err, NodeName *node_out)
{
    size_t length = strcspn(text, "=");
    const char *address = text + length;

    *node_out = (NodeName){{0}};
    if (length >= sizeof node_out->name)
        return no_name(text, err);
    memcpy(node_out->name, text, length);
    if (!is_name(node_out->name))
        return no_name(node_out->name, err);
    if (strchr(node_out->name, '_') == NULL && !add_address(node_out, text, length))
        return no_name(node_out->name, err);
    while (*address != '\0') {
        size_t bytes = strcspn(++address, ",");

        if (!add_address(node_out, address, bytes))
            return error_set(err, ST_BAD_INPUT, "\"%s\" is no node with its addresses", text);
        address += bytes;
    }
    return ST_OK;
}

Status node_keys_revoke(const char *folder, const char *name, Error *err)
{
    return is_name(name) ? revoked_add(folder, name, err) : no_name(name, err);
}

Status node_keys_make(const char *folder, const char *const *names, uint32_t count, int days,
                      Error *err)
{
    char path[PATH_MAX], bytes[SECRET_FILE_BYTES_MAX];
    NodeKeys authority = {0};
    size_t byte_count;
    NodeName node;
    Status status;

    for (uint32_t i = 0; i < count; i++)
        TRY(parse_node(names[i], err, &node));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", folder);
    snprintf(path, sizeof path, "%s/ca.pem", folder);
    if (access(path, F_OK) != 0)
        TRY(make_authority(path, err));
    status = secret_read_file(path, err, bytes, &byte_count);
    if (status == ST_OK)
        status = node_keys_parse(bytes, byte_count, path, err, &authority);
    OPENSSL_cleanse(bytes, sizeof bytes);
    for (uint32_t i = 0; i < count && status == ST_OK; i++) {
        status = parse_node(names[i], err, &node);
        snprintf(path, sizeof path, "%s/%s.pem", folder, node.name);
        if (status == ST_OK)
            status = make_node(path, &node, &authority, days, err);
    }
    node_keys_fini(&authority);
    return status;
}
