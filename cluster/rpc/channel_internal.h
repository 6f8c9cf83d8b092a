/* channel_internal.h -- what channel.c and channel_keys.c share */
#ifndef VONK_CLUSTER_RPC_CHANNEL_INTERNAL_H
#define VONK_CLUSTER_RPC_CHANNEL_INTERNAL_H

#include <openssl/ssl.h>

#include "cluster/rpc/channel.h"
#include "cluster/rpc/revoked.h"
#include "core/base/arena.h"

enum { HELLO_BYTES = 8, PEER_BYTES = 80, PEER_NAME_BYTES = 65 /* a node's, or an identity */ };

/* What the hello says: how this process proves who it is. */
typedef enum Proof { PROOF_NONE, PROOF_SECRET, PROOF_KEY_PAIR, PROOFS } Proof;

struct ChannelKeys {
    Arena *arena;
    Identity who;
    Proof proof;
    unsigned char key[SECRET_KEY_BYTES]; /* of PROOF_SECRET */
    SSL_CTX *client, *server;
    Revoked *revoked;   /* of PROOF_KEY_PAIR */
    BIO_METHOD *socket; /* as OpenSSL's own, but a peer that is gone raises no SIGPIPE */
};

typedef enum State { SENDS_HELLO, GETS_HELLO, SHAKES_HANDS, IS_WELCOMED, IS_OPEN } State;

struct Channel {
    Arena *arena;
    const ChannelKeys *keys; /* NULL: plain */
    int fd;
    bool is_server;
    State state;
    bool sent_hello, got_hello;
    uint32_t hello_done;              /* bytes of the one at hand */
    unsigned char hello[HELLO_BYTES]; /* theirs */
    SSL *ssl;
    Identity as;                    /* a client speaks as that */
    Identity identity;              /* of the other side       */
    const char *host;               /* a client's, while it connects; NULL: of this machine */
    char node[PEER_NAME_BYTES];     /* whose certificate the other side has, or its node's   */
    char stranger[PEER_NAME_BYTES]; /* who it says it is, when that is not to be proved here */
    char peer[PEER_BYTES];
};

#endif
