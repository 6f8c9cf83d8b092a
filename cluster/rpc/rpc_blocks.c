/* rpc_blocks.c -- see rpc_blocks.h */
#include "cluster/rpc/rpc_blocks.h"

#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_blocks_internal.h"
#include "cluster/rpc/rpc_bytes.h"
#include "cluster/rpc/rpc_call.h"
#include "cluster/rpc/rpc_server_internal.h"
#include "vrpc_blocks.h"

/* --- asking --- */

static vrpcBlockKey *key_of(BlockName name)
{
    return g_object_new(VRPC_TYPE_BLOCK_KEY, "application", (gint64)name.owner.application,
                        "executor", (gint64)name.owner.executor, "output", (gint64)name.output,
                        "map_task", (gint)name.map_task, "reduce_partition",
                        (gint)name.reduce_partition, "number", (gint)name.number, NULL);
}

Status rpc__take_piece(const vrpcBlockPiece *answer, uint64_t offset, uint32_t piece_bytes,
                       Arena *arena, Error *err, BlockPiece *piece_out)
{
    uint64_t total = (uint64_t)answer->total_bytes;

    if (answer->total_bytes < 0 || offset > total || answer->piece->len > piece_bytes ||
        answer->piece->len > total - offset || (answer->piece->len == 0 && offset < total))
        return error_set(
            err, ST_CORRUPT, "a piece of %u bytes at %llu was sent of a block of %lld bytes",
            answer->piece->len, (unsigned long long)offset, (long long)answer->total_bytes);
    *piece_out = (BlockPiece){.total_bytes = total,
                              .hash = (uint64_t)answer->hash,
                              .bytes = arena_copy(arena, answer->piece->data, answer->piece->len),
                              .byte_count = answer->piece->len};
    return ST_OK;
}

Status rpc_blocks_fetch(RpcPool *pool, RpcAddress address, BlockName name, uint64_t offset,
                        uint32_t piece_bytes, int64_t deadline_ns, Arena *arena, Error *err,
                        BlockPiece *piece_out)
{
    vrpcBlockPiece *answer;
    vrpcBlockKey *key;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *piece_out = (BlockPiece){0};
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_BLOCKS_CLIENT, deadline_ns, err));
    answer = g_object_new(VRPC_TYPE_BLOCK_PIECE, NULL);
    key = key_of(name);
    is_answered = vrpc_blocks_client_fetch(call.client, &answer, key, (gint64)offset,
                                           (gint32)piece_bytes, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        status = rpc__take_piece(answer, offset, piece_bytes, arena, err, piece_out);
    g_clear_object(&answer);
    g_object_unref(key);
    return status;
}

static Status read_behind(void *io, void *bytes, size_t byte_count, Error *err)
{
    return frame_io_read_tail(io, bytes, byte_count, err);
}

Status rpc_blocks_fetch_many(RpcPool *pool, RpcAddress address, WireBytes wanted,
                             int64_t deadline_ns, TakeBlocksFn take, void *context, Error *err)
{
    GByteArray *sent, *answer = NULL;
    gboolean is_answered;
    Status status;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_BLOCKS_CLIENT, deadline_ns, err));
    sent = rpc_bytes_of(wanted);
    is_answered =
        vrpc_blocks_client_fetch_many(call.client, &answer, sent, &call.failure, &call.error);
    status = rpc_call_answered(&call, is_answered, err);
    if (status == ST_OK && take != NULL)
        status =
            take(context, answer == NULL ? (WireBytes){0} : (WireBytes){answer->data, answer->len},
                 &(BlocksBehind){call.io, read_behind}, err);
    rpc_bytes_free(answer);
    g_byte_array_unref(sent);
    rpc_call_over(&call);
    return status;
}

/* --- answering --- */

typedef struct BlocksService {
    vrpcBlocksHandler parent;
    BlocksHandler handler;
} BlocksService;

typedef struct BlocksServiceClass {
    vrpcBlocksHandlerClass parent;
} BlocksServiceClass;

GType blocks_service_get_type(void);
G_DEFINE_TYPE(BlocksService, blocks_service, VRPC_TYPE_BLOCKS_HANDLER)

int rpc__blocks_fetch(const BlocksHandler *handler, vrpcBlockPiece **answer,
                      const vrpcBlockKey *key, int64_t offset, int32_t piece_bytes,
                      vrpcCallError **failure)
{
    BlockName name = {{key->application, key->executor},
                      key->output,
                      key->map_task,
                      key->reduce_partition,
                      key->number};
    BlockPiece piece = {0};
    Error err = ERROR_NONE;
    Status status;

    if (offset < 0 || piece_bytes <= 0 || piece_bytes > BLOCK_PIECE_BYTES_MAX)
        status = error_set(&err, ST_BAD_INPUT, "a piece of %d bytes at %lld is none that is given",
                           piece_bytes, (long long)offset);
    else
        status = handler->fetch(handler->context, name, (uint64_t)offset, (uint32_t)piece_bytes,
                                &err, &piece);
    if (status != ST_OK) {
        *failure = call_error_of(&err);
        return FALSE;
    }
    rpc__give_piece(&piece, *answer);
    if (handler->done != NULL)
        handler->done(handler->context, &piece);
    return TRUE;
}

int rpc__object_fetch(ObjectPieceFn fetch, void *context, vrpcBlockPiece **answer, int64_t hash,
                      int64_t offset, int32_t piece_bytes, vrpcCallError **failure)
{
    BlockPiece piece = {0};
    Error err = ERROR_NONE;
    Arena *arena;
    Status status;

    if (fetch == NULL || offset < 0 || piece_bytes <= 0 || piece_bytes > BLOCK_PIECE_BYTES_MAX) {
        status = error_set(&err, ST_BAD_INPUT, "a piece of %d bytes at %lld is none that is given",
                           piece_bytes, (long long)offset);
        return call_answer(status, &err, failure);
    }
    arena = arena_new(NULL, "object", ARENA_NO_CAP);
    status = fetch(context, (uint64_t)hash, (uint64_t)offset, (uint32_t)piece_bytes, arena, &err,
                   &piece);
    if (status == ST_OK)
        rpc__give_piece(&piece, *answer);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

void rpc__give_piece(const BlockPiece *piece, vrpcBlockPiece *answer)
{
    GByteArray *bytes = rpc_bytes_of((WireBytes){piece->bytes, piece->byte_count});

    g_object_set(answer, "total_bytes", (gint64)piece->total_bytes, "hash", (gint64)piece->hash,
                 "piece", bytes, NULL);
    g_byte_array_unref(bytes);
}

_Static_assert((int)BLOCKS_BEHIND_MAX <= (int)FRAME_TAIL_PARTS_MAX,
               "a frame has room for all of them");

static void free_arena(void *arena)
{
    arena_free(arena);
}

int rpc__blocks_fetch_many(const BlocksHandler *handler, GByteArray **answer,
                           const GByteArray *wanted, vrpcCallError **failure)
{
    Error err = ERROR_NONE;
    BlocksAnswer made = {.behind_count = 0};
    Arena *arena;
    Status status;

    if (handler->fetch_many == NULL || wanted == NULL) {
        (void)error_set(&err, ST_NOT_SUPPORTED, "blocks are given one at a time here");
        *failure = call_error_of(&err);
        return FALSE;
    }
    arena = arena_new(NULL, "blocks for somebody", ARENA_NO_CAP);
    status = handler->fetch_many(handler->context, (WireBytes){wanted->data, wanted->len}, arena,
                                 &err, &made);
    if (status != ST_OK) {
        *failure = call_error_of(&err);
        arena_free(arena);
        return FALSE;
    }
    rpc_bytes_give(made.said, answer);
    frame_io_attach(rpc__served(), &(FrameTail){made.behind_count, made.behind, free_arena, arena});
    return TRUE;
}

static gboolean service_fetch(vrpcBlocksIf *iface, vrpcBlockPiece **answer, const vrpcBlockKey *key,
                              const gint64 offset, const gint32 piece_bytes,
                              vrpcCallError **failure, GError **error)
{
    (void)error;
    return rpc__blocks_fetch(&((BlocksService *)iface)->handler, answer, key, offset, piece_bytes,
                             failure);
}

static gboolean service_fetch_many(vrpcBlocksIf *iface, GByteArray **answer,
                                   const GByteArray *wanted, vrpcCallError **failure,
                                   GError **error)
{
    (void)error;
    return rpc__blocks_fetch_many(&((BlocksService *)iface)->handler, answer, wanted, failure);
}

static void blocks_service_class_init(BlocksServiceClass *class)
{
    class->parent.fetch = service_fetch;
    class->parent.fetch_many = service_fetch_many;
}

static void blocks_service_init(BlocksService *service)
{
    service->handler = (BlocksHandler){0};
}

Status rpc_blocks_serve(const RpcEndpoint *endpoint, const BlocksHandler *handler, Error *err,
                        RpcServer **server_out)
{
    static const char *const calls[] = {"fetch", "fetch_many", NULL};
    BlocksService *service = g_object_new(blocks_service_get_type(), NULL);
    ThriftProcessor *processor = g_object_new(VRPC_TYPE_BLOCKS_PROCESSOR, "handler", service, NULL);
    Status status;

    service->handler = *handler;
    status = rpc_server_start(endpoint, processor, calls, err, server_out);
    g_object_unref(processor);
    g_object_unref(service);
    return status;
}
