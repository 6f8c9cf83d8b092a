/* rpc_bytes.h -- what the IDL calls binary, as bytes in plain C */
#ifndef VONK_CLUSTER_RPC_RPC_BYTES_H
#define VONK_CLUSTER_RPC_RPC_BYTES_H

#include "core/base/wire.h"

typedef struct _GByteArray GByteArray; /* GLib's */

GByteArray *rpc_bytes_of(WireBytes bytes);
void rpc_bytes_free(GByteArray *array); /* accepts NULL */

/* Accepts NULL: nothing came. */
WireBytes rpc_bytes_copy(const GByteArray *array, Arena *arena);

/* As an answer: instead of what Thrift has put there. */
void rpc_bytes_give(WireBytes bytes, GByteArray **answer);

#endif
