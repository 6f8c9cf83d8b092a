/*
 * channel_keys.c -- what proves who a process is, as OpenSSL takes it; see channel.h
 *
 * Pre-shared keys have a name, which says whose they are, so that a server makes the one that a
 * client has of what it has itself (secret_key_of).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cluster/rpc/channel_internal.h"
#include "cluster/rpc/node_keys.h"

enum { PSK_NAME_BYTES = IDENTITY_TEXT_BYTES + 16 };
static const char psk_member[] = "vonk-cluster-1";

static int socket_bio_write(BIO *bio, const char *bytes, int count)
{
    ssize_t done = send((int)(intptr_t)BIO_get_data(bio), bytes, (size_t)count, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)done;
}

static int socket_bio_read(BIO *bio, char *bytes, int count)
{
    ssize_t done = recv((int)(intptr_t)BIO_get_data(bio), bytes, (size_t)count, 0);

    BIO_clear_retry_flags(bio);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)done;
}

static long socket_bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* The session that the key of that identity is: both ends must have made the same one. */
static SSL_SESSION *psk_session(SSL *ssl, const ChannelKeys *keys, Identity who)
{
    static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
    SSL_SESSION *session = SSL_SESSION_new();
    unsigned char key[SECRET_KEY_BYTES];
    bool has_key = secret_key_of(keys->key, keys->who, who, key);

    has_key =
        has_key && session != NULL && SSL_SESSION_set1_master_key(session, key, sizeof key) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (has_key && cipher != NULL && SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* "vonk-cluster-1", of a member; "vonk-cluster-1/app/7" */
static void psk_name(Identity who, char name_out[PSK_NAME_BYTES])
{
    char text[IDENTITY_TEXT_BYTES];

    identity_text(who, text);
    snprintf(name_out, PSK_NAME_BYTES, "%s%s%s", psk_member, text[0] == '\0' ? "" : "/", text);
}

/* OpenSSL copies the name at once. */
static __thread char used_name[PSK_NAME_BYTES];

static int use_psk(SSL *ssl, const EVP_MD *digest, const unsigned char **id, size_t *id_bytes,
                   SSL_SESSION **session)
{
    const Channel *channel = SSL_get_app_data(ssl);

    psk_name(channel->as, used_name);
    *id = (const unsigned char *)used_name;
    *id_bytes = strlen(used_name);
    *session = NULL;
    if (digest != NULL && EVP_MD_get_type(digest) != NID_sha256)
        return 1; /* a hello for another hash: goes without, and fails */
    *session = psk_session(ssl, channel->keys, channel->as);
    return *session != NULL;
}

/* False: nobody's name. */
static bool parse_psk_name(const char *name, size_t byte_count, Identity *who_out)
{
    size_t member = strlen(psk_member);

    *who_out = (Identity){0};
    if (byte_count < member || memcmp(name, psk_member, member) != 0)
        return false;
    return byte_count == member ||
           (name[member] == '/' &&
            identity_parse(name + member + 1, byte_count - member - 1, who_out));
}

static int find_psk(SSL *ssl, const unsigned char *id, size_t id_bytes, SSL_SESSION **session)
{
    Channel *channel = SSL_get_app_data(ssl);
    Identity who;

    *session = NULL;
    if (!parse_psk_name((const char *)id, id_bytes, &who))
        return 1;
    if (!identity_holds(channel->keys->who, who)) {
        identity_text(who, channel->stranger);
        if (identity_is_member(who))
            snprintf(channel->stranger, sizeof channel->stranger, "a member");
        return 1;
    }
    channel->identity = who;
    *session = psk_session(ssl, channel->keys, who);
    return *session != NULL;
}

/* The key alone: a certificate instead of it is nobody's. */
static void use_secret(SSL_CTX *context, bool is_server)
{
    if (is_server) {
        SSL_CTX_set_psk_find_session_callback(context, find_psk);
    } else {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_psk_use_session_callback(context, use_psk);
    }
}

/* Of each certificate, the authority's first: a node that is shut out, and one that is elsewhere
 * than where it was looked for. */
static int verify_pair(int is_good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    Channel *channel = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);

    if (!is_good || !node_keys_is_node(certificate, channel->node))
        return is_good;
    if (revoked_has(channel->keys->revoked, channel->node))
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
    else if (channel->host != NULL && !node_keys_is_at(certificate, channel->host))
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    else
        return 1;
    return 0;
}

/* TLS 1.3 alone: no tickets, no early data. node NULL: with the secret. */
static SSL_CTX *new_context(const NodeKeys *node, bool is_server)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    if (context == NULL)
        return NULL;
    if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1 ||
        (node != NULL && !node_keys_use(node, context))) {
        SSL_CTX_free(context);
        return NULL;
    }
    if (node == NULL)
        use_secret(context, is_server);
    else
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify_pair);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return context;
}

static Status new_contexts(ChannelKeys *keys, const Secret *secret, Error *err)
{
    NodeKeys node = {0};

    if (secret->node_bytes != 0)
        TRY(node_keys_parse(secret->node, secret->node_bytes, "the node's file", err, &node));
    keys->revoked = revoked_new(secret->revoked_file, secret->node, secret->node_bytes);
    keys->proof = node.key != NULL ? PROOF_KEY_PAIR : PROOF_SECRET;
    keys->client = new_context(node.key != NULL ? &node : NULL, false);
    keys->server = new_context(node.key != NULL ? &node : NULL, true);
    node_keys_fini(&node);
    keys->socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vonk socket");
    return keys->client != NULL && keys->server != NULL && keys->socket != NULL
               ? ST_OK
               : error_set(err, ST_INTERNAL, "OpenSSL cannot be set up for TLS 1.3");
}

Status channel_keys_new(const Secret *secret, Error *err, ChannelKeys **keys_out)
{
    Arena *arena = arena_new(NULL, "channel keys", ARENA_NO_CAP);
    ChannelKeys *keys = ARENA_NEW(arena, ChannelKeys);
    Status status;

    *keys_out = NULL;
    keys->arena = arena;
    keys->who = secret->who;
    memcpy(keys->key, secret->key, sizeof keys->key);
    status = new_contexts(keys, secret, err);
    if (status != ST_OK) {
        channel_keys_free(keys);
        return status;
    }
    BIO_meth_set_write(keys->socket, socket_bio_write);
    BIO_meth_set_read(keys->socket, socket_bio_read);
    BIO_meth_set_ctrl(keys->socket, socket_bio_control);
    *keys_out = keys;
    return ST_OK;
}

void channel_keys_free(ChannelKeys *keys)
{
    if (keys == NULL)
        return;
    SSL_CTX_free(keys->client);
    SSL_CTX_free(keys->server);
    BIO_meth_free(keys->socket);
    revoked_free(keys->revoked);
    OPENSSL_cleanse(keys->key, sizeof keys->key);
    arena_free(keys->arena);
}

Identity channel_keys_identity(const ChannelKeys *keys)
{
    return keys == NULL ? (Identity){0} : keys->who;
}
