/*
 * secret.h -- what the processes of a cluster share, and nobody else
 *
 *     vonk cluster init -> a file of 256 random bits, 0600 -> --secret-file
 *
 * or a file that has a key pair of the node as well (node_keys.h).
 *
 * From it comes the key that both ends of a connection must have (channel.h). The file itself is
 * never sent, and neither is the key.
 *
 * What a process is given that runs users' code is no secret of the cluster's but a key of its own
 * identity's (identity.h), which comes from it by HKDF, step by step: from the cluster's the
 * driver's, from that one its application's. Nobody comes back up.
 */
#ifndef VONK_CLUSTER_RPC_SECRET_H
#define VONK_CLUSTER_RPC_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "cluster/rpc/identity.h"
#include "core/base/status.h"

enum { SECRET_KEY_BYTES = 32, SECRET_FILE_BYTES_MAX = 8192, SECRET_PATH_BYTES = 1024 };

typedef struct Secret {
    Identity who; /* whose it is */
    unsigned char key[SECRET_KEY_BYTES];
    uint32_t node_bytes; /* not 0: of node, a key pair for connections (node_keys.h) */
    char node[SECRET_FILE_BYTES_MAX];
    char revoked_file[SECRET_PATH_BYTES]; /* of nodes that are shut out, or "" (revoked.h) */
} Secret;

/* The file must be a plain one of at least 32 bytes that only its owner may read: this process's
 * user, or root, who may let a group read it; or "fd:4", a descriptor that this process was given
 * (secret_hand_over). Wipe it with secret_wipe. */
MUST_CHECK Status secret_read(const char *path, Error *err, Secret *secret_out);

/* A new file with a new secret; one that is there already stays, and is an error. */
MUST_CHECK Status secret_make(const char *path, Error *err);

/* One file for each node, and the authority's where there is none yet, in a folder which is made;
 * see node_keys.h. names: "a=10.0.0.1,a.example". A node's file that is there stays, and is an
 * error. */
MUST_CHECK Status node_keys_make(const char *folder, const char *const *names, uint32_t count,
                                 int days, Error *err);

/* The node is shut out by all that read the list in the folder of their own file. */
MUST_CHECK Status node_keys_revoke(const char *folder, const char *name, Error *err);

/* What is in such a file, of SECRET_FILE_BYTES_MAX, without white space behind; and a new one. */
MUST_CHECK Status secret_read_file(const char *path, Error *err, char *bytes, size_t *length_out);
MUST_CHECK Status secret_write_file(const char *path, const char *bytes, size_t byte_count,
                                    Error *err);

/* A descriptor for a process that is started and cannot, or should not, read the file: in memory,
 * and never to change. It holds what the file does for a member, else the key of that identity. */
MUST_CHECK Status secret_hand_over(const char *path, Identity who, Error *err, int *fd_out);

/* So is the key of that identity, below a member's that is no file. */
MUST_CHECK Status secret_hand_over_key(const unsigned char *key, Identity who, Error *err,
                                       int *fd_out);

/* The key of who is below: false: it is not, or OpenSSL fails. */
bool secret_key_of(const unsigned char *key, Identity own, Identity who,
                   unsigned char key_out[SECRET_KEY_BYTES]);

void secret_wipe(Secret *secret);

/* Another one, in hexadecimal, from which nobody learns this one: one for each purpose. */
enum { SECRET_DERIVED_BYTES = 2 * SECRET_KEY_BYTES + 1 };
MUST_CHECK Status secret_derive(const Secret *secret, const char *purpose, Error *err,
                                char derived_out[SECRET_DERIVED_BYTES]);

#endif
