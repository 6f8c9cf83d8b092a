/* rpc_blocks_internal.h -- the answers of Blocks, for services that extend it */
#ifndef VONK_CLUSTER_RPC_RPC_BLOCKS_INTERNAL_H
#define VONK_CLUSTER_RPC_RPC_BLOCKS_INTERNAL_H

#include "cluster/rpc/rpc_blocks.h"

typedef struct _vrpcBlockKey vrpcBlockKey; /* the IDL's */
typedef struct _vrpcBlockPiece vrpcBlockPiece;
typedef struct _vrpcCallError vrpcCallError;
typedef struct _GByteArray GByteArray; /* GLib's */

int rpc__blocks_fetch(const BlocksHandler *handler, vrpcBlockPiece **answer,
                      const vrpcBlockKey *key, int64_t offset, int32_t piece_bytes,
                      vrpcCallError **failure);
int rpc__blocks_fetch_many(const BlocksHandler *handler, GByteArray **answer,
                           const GByteArray *wanted, vrpcCallError **failure);

/* A piece of an object, from the handler's function. */
int rpc__object_fetch(ObjectPieceFn fetch, void *context, vrpcBlockPiece **answer, int64_t hash,
                      int64_t offset, int32_t piece_bytes, vrpcCallError **failure);

void rpc__give_piece(const BlockPiece *piece, vrpcBlockPiece *answer);

/* ST_CORRUPT for what is no piece at that offset; its bytes live in the arena. */
MUST_CHECK Status rpc__take_piece(const vrpcBlockPiece *answer, uint64_t offset,
                                  uint32_t piece_bytes, Arena *arena, Error *err,
                                  BlockPiece *piece_out);

#endif
