/*
 * rpc_blocks.h -- the service Blocks of the IDL, in plain C: pieces of blocks, asked for and given
 *
 * Whoever includes this sees neither Thrift nor GLib.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_BLOCKS_H
#define VONK_CLUSTER_RPC_RPC_BLOCKS_H

#include "cluster/rpc/rpc_pool.h"
#include "cluster/rpc/rpc_server.h"
#include "core/base/arena.h"
#include "core/base/wire.h"

enum { BLOCK_PIECE_BYTES_MAX = 1 << 20 };

/* Whose blocks are asked for: zeros, of the process that is asked; else of an executor that may
 * have ended, whose worker has kept them. */
typedef struct BlockOwner {
    int64_t application, executor;
} BlockOwner;

typedef struct BlockName {
    BlockOwner owner;
    int64_t output;
    int32_t map_task, reduce_partition, number;
} BlockName;

/* Of a block of total_bytes whose hash that is; the hash is checked by who has all pieces. */
typedef struct BlockPiece {
    uint64_t total_bytes, hash;
    const void *bytes;
    uint32_t byte_count;
} BlockPiece;

/* A piece of an object by its hash. The bytes live in the arena, or as long as the server. */
typedef Status (*ObjectPieceFn)(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                                Arena *arena, Error *err, BlockPiece *piece_out);

/* --- asking --- */

/* The piece lives in the arena. ST_IO: no answer, or none before the deadline. */
MUST_CHECK Status rpc_blocks_fetch(RpcPool *pool, RpcAddress address, BlockName name,
                                   uint64_t offset, uint32_t piece_bytes, int64_t deadline_ns,
                                   Arena *arena, Error *err, BlockPiece *piece_out);

/* What follows an answer: read in its order, to where it stays. Nobody has looked at it. */
typedef struct BlocksBehind {
    void *context;
    Status (*read)(void *context, void *bytes, size_t byte_count, Error *err);
} BlocksBehind;

/* Both are there during the call. */
typedef Status (*TakeBlocksFn)(void *context, WireBytes answer, const BlocksBehind *behind,
                               Error *err);

/* What the other side makes of bytes that say which blocks are wanted, while it comes; the status
 * of take is that of the call. NULL: whatever comes, nothing is wanted. */
MUST_CHECK Status rpc_blocks_fetch_many(RpcPool *pool, RpcAddress address, WireBytes wanted,
                                        int64_t deadline_ns, TakeBlocksFn take, void *context,
                                        Error *err);

/* --- answering --- */

enum { BLOCKS_BEHIND_MAX = 320 };

/* What lies behind is sent from there. */
typedef struct BlocksAnswer {
    WireBytes said;
    uint32_t behind_count; /* at most BLOCKS_BEHIND_MAX */
    const WireBytes *behind;
} BlocksAnswer;

/* Called by any number of threads at once. The piece's bytes must stay until `done` (may be NULL)
 * is called with them. */
typedef struct BlocksHandler {
    void *context;
    Status (*fetch)(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                    Error *err, BlockPiece *piece_out);
    void (*done)(void *context, const BlockPiece *piece);
    /* The answer lives in the arena, which goes when it is sent. NULL: there is no such call. */
    Status (*fetch_many)(void *context, WireBytes wanted, Arena *arena, Error *err,
                         BlocksAnswer *answer_out);
} BlocksHandler;

/* Until rpc_server_stop; the handler is copied. */
MUST_CHECK Status rpc_blocks_serve(const RpcEndpoint *endpoint, const BlocksHandler *handler,
                                   Error *err, RpcServer **server_out);

#endif
