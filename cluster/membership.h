/*
 * membership.h -- what makes a process a member of a cluster: the secret, the build, and that it is
 * this process and no other
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_MEMBERSHIP_H
#define VONK_CLUSTER_MEMBERSHIP_H

#include "cluster/rpc_module.h"

/* The file that is named, or what VONK_SECRET_FILE names, or NULL: no secret, loopback only. */
const char *membership_secret_file(const char *given);

/* The keys of connections, from the file; NULL for no file. Free with rpc->channel_keys_free. */
MUST_CHECK Status membership_keys(const RpcModule *rpc, const char *secret_file, Error *err,
                                  ChannelKeys **keys_out);

/* For a third party that this cluster uses: made from the secret, which it does not tell. */
enum { MEMBERSHIP_PASSWORD_BYTES = SECRET_DERIVED_BYTES + 8 };
MUST_CHECK Status membership_password(const RpcModule *rpc, const char *secret_file,
                                      const char *whose, Error *err,
                                      char password_out[MEMBERSHIP_PASSWORD_BYTES]);

/* What a file holds that a process was given, for what is no connection (secret_hand_over_key). */
MUST_CHECK Status membership_key(const RpcModule *rpc, const char *file, Error *err,
                                 unsigned char key_out[SECRET_KEY_BYTES]);

/* Of this program. */
RpcBuild membership_build(void);

/* A number that no other process has had: of 63 random bits, not 0. */
int64_t membership_incarnation(void);

#endif
