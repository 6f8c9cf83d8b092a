/* rpc_executor.c -- see rpc_executor.h */
#include "cluster/rpc/rpc_executor.h"

#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_blocks_internal.h"
#include "cluster/rpc/rpc_bytes.h"
#include "cluster/rpc/rpc_call.h"
#include "cluster/rpc/rpc_server_internal.h"
#include "vrpc_executor.h"

/* --- asking --- */

Status rpc_executor_deliver(RpcPool *pool, RpcAddress address, WireBytes orders,
                            int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    GByteArray *sent;
    Status status;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_EXECUTOR_CLIENT, deadline_ns, err));
    sent = rpc_bytes_of(orders);
    is_answered = vrpc_executor_client_deliver(call.client, sent, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    g_byte_array_unref(sent);
    return status;
}

Status rpc_executor_fetch_object(RpcPool *pool, RpcAddress address, uint64_t hash, uint64_t offset,
                                 uint32_t piece_bytes, int64_t deadline_ns, Arena *arena,
                                 Error *err, BlockPiece *piece_out)
{
    vrpcBlockPiece *answer;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *piece_out = (BlockPiece){0};
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_EXECUTOR_CLIENT, deadline_ns, err));
    answer = g_object_new(VRPC_TYPE_BLOCK_PIECE, NULL);
    is_answered =
        vrpc_executor_client_fetch_object(call.client, &answer, (gint64)hash, (gint64)offset,
                                          (gint32)piece_bytes, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        status = rpc__take_piece(answer, offset, piece_bytes, arena, err, piece_out);
    g_clear_object(&answer);
    return status;
}

/* --- answering --- */

typedef struct ExecutorService {
    vrpcExecutorHandler parent;
    ExecutorHandler handler;
} ExecutorService;

typedef struct ExecutorServiceClass {
    vrpcExecutorHandlerClass parent;
} ExecutorServiceClass;

GType executor_service_get_type(void);
G_DEFINE_TYPE(ExecutorService, executor_service, VRPC_TYPE_EXECUTOR_HANDLER)

static gboolean service_deliver(vrpcExecutorIf *iface, const GByteArray *orders,
                                vrpcCallError **failure, GError **error)
{
    const ExecutorHandler *handler = &((ExecutorService *)iface)->handler;
    Error err = ERROR_NONE;
    Status status;

    (void)error;
    if (orders == NULL)
        status = error_set(&err, ST_BAD_INPUT, "no orders were sent");
    else
        status = handler->deliver(handler->context, (WireBytes){orders->data, orders->len}, &err);
    return call_answer(status, &err, failure);
}

static gboolean service_object(vrpcExecutorIf *iface, vrpcBlockPiece **answer, const gint64 hash,
                               const gint64 offset, const gint32 piece_bytes,
                               vrpcCallError **failure, GError **error)
{
    const ExecutorHandler *handler = &((ExecutorService *)iface)->handler;

    (void)error;
    return rpc__object_fetch(handler->fetch_object, handler->context, answer, hash, offset,
                             piece_bytes, failure);
}

static gboolean service_fetch(vrpcBlocksIf *iface, vrpcBlockPiece **answer, const vrpcBlockKey *key,
                              const gint64 offset, const gint32 piece_bytes,
                              vrpcCallError **failure, GError **error)
{
    (void)error;
    return rpc__blocks_fetch(&((ExecutorService *)iface)->handler.blocks, answer, key, offset,
                             piece_bytes, failure);
}

static gboolean service_fetch_many(vrpcBlocksIf *iface, GByteArray **answer,
                                   const GByteArray *wanted, vrpcCallError **failure,
                                   GError **error)
{
    (void)error;
    return rpc__blocks_fetch_many(&((ExecutorService *)iface)->handler.blocks, answer, wanted,
                                  failure);
}

static void executor_service_class_init(ExecutorServiceClass *class)
{
    class->parent.deliver = service_deliver;
    class->parent.fetch_object = service_object;
    class->parent.parent.fetch = service_fetch;
    class->parent.parent.fetch_many = service_fetch_many;
}

static void executor_service_init(ExecutorService *service)
{
    service->handler = (ExecutorHandler){.context = NULL};
}

Status rpc_executor_serve(const RpcEndpoint *endpoint, const ExecutorHandler *handler, Error *err,
                          RpcServer **server_out)
{
    static const char *const calls[] = {"deliver", "fetch_object", "fetch", "fetch_many", NULL};
    ExecutorService *service = g_object_new(executor_service_get_type(), NULL);
    ThriftProcessor *processor =
        g_object_new(VRPC_TYPE_EXECUTOR_PROCESSOR, "handler", service, NULL);
    Status status;

    service->handler = *handler;
    status = rpc_server_start(endpoint, processor, calls, err, server_out);
    g_object_unref(processor);
    g_object_unref(service);
    return status;
}
