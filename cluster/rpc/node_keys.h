/*
 * node_keys.h -- a key pair for each node of a cluster, and an authority that vouches for them
 *
 *     vonk cluster init --tls DIR a b   ->   DIR/ca.pem   DIR/a.pem   DIR/b.pem, each 0600
 *
 * A node's file is what its processes are started with (--secret-file a.pem): its private key, its
 * certificate, the authority's certificate, and a secret that all nodes have, from which what is
 * not a connection is derived (secret_derive). The authority's file has its private key instead: it
 * makes more nodes' files, and no node needs it.
 *
 * A node vouches, in its turn, for the executors and drivers that it starts: their certificates say
 * who they are (identity.h), in the place of a node's name, and are as good as the node's own.
 */
#ifndef VONK_CLUSTER_RPC_NODE_KEYS_H
#define VONK_CLUSTER_RPC_NODE_KEYS_H

#include <openssl/ssl.h>

#include "cluster/rpc/secret.h"

enum { NODE_NAME_BYTES = 65 };

/* What a file holds; freed with node_keys_fini. */
typedef struct NodeKeys {
    EVP_PKEY *key;
    X509 *own, *node, *authority; /* NULL in the authority's own file: own is what it is; node:
                                   * who vouches for own, when that is not the authority */
    Identity who;
    unsigned char secret[SECRET_KEY_BYTES];
} NodeKeys;

bool node_keys_are_in(const char *bytes, size_t byte_count);
/* ST_BAD_INPUT: what there is not, or that the certificate is not valid today. */
MUST_CHECK Status node_keys_parse(const char *bytes, size_t byte_count, const char *path,
                                  Error *err, NodeKeys *keys_out);
void node_keys_fini(NodeKeys *keys);

/* What a process of that identity is given, of a node's file; bytes_out of SECRET_FILE_BYTES_MAX,
 * which may be the file's. */
MUST_CHECK Status node_keys_make_below(const char *bytes, size_t byte_count, Identity who,
                                       Error *err, char *bytes_out, size_t *length_out);

/* Shows its own certificate, and knows the authority. */
bool node_keys_use(const NodeKeys *keys, SSL_CTX *context);

/* The name of the node whose certificate it is; false: it is the authority's, or of who is below a
 * node. */
bool node_keys_is_node(X509 *certificate, char name_out[NODE_NAME_BYTES]);

/* Whether the node may be found at that host: it says so, or that it may be anywhere. */
bool node_keys_is_at(X509 *certificate, const char *host);

/* Who the other side is, by certificates that have been verified; false: they are nobody's. */
bool node_keys_peer(SSL *ssl, Identity *who_out);

/* Of a certificate; "" when it has none. */
void node_keys_name(const X509 *certificate, char name_out[NODE_NAME_BYTES]);

#endif
