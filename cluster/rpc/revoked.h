/*
 * revoked.h -- names of nodes that are shut out, in a file that is read again when it has changed
 *
 *     keys/revoked: a name a line         beside the node's own file, keys/a.pem
 *
 * What a process below a node is given has the names of that moment behind its certificates.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_REVOKED_H
#define VONK_CLUSTER_RPC_REVOKED_H

#include "cluster/rpc/secret.h"

/* The file beside a node's; "": it has none, as it is no file itself. */
void revoked_file_beside(const char *path, char file_out[SECRET_PATH_BYTES]);

typedef struct Revoked Revoked;

/* file: maybe not there (yet); "": none. given: lines of "revoked NAME" among others. */
Revoked *revoked_new(const char *file, const char *given, size_t given_bytes);
void revoked_free(Revoked *revoked); /* accepts NULL */

bool revoked_has(Revoked *revoked, const char *name);

/* Lines of all names, behind *length bytes of SECRET_FILE_BYTES_MAX. ST_BAD_INPUT: too many. */
MUST_CHECK Status revoked_print(Revoked *revoked, char *bytes, size_t *length, Error *err);

/* One more name in DIR/revoked; there already is as good. */
MUST_CHECK Status revoked_add(const char *folder, const char *name, Error *err);

#endif
