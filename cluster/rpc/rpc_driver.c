/* rpc_driver.c -- see rpc_driver.h */
#include "cluster/rpc/rpc_driver.h"

#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_blocks_internal.h"
#include "cluster/rpc/rpc_bytes.h"
#include "cluster/rpc/rpc_call.h"
#include "cluster/rpc/rpc_server_internal.h"
#include "vrpc_driver.h"

/* --- asking --- */

static vrpcExecutorInfo *info_of(const ExecutorHello *hello)
{
    vrpcBuild *build = g_object_new(VRPC_TYPE_BUILD, "version", hello->version, "vocabulary",
                                    (gint64)hello->vocabulary, NULL);
    vrpcAddress *address = g_object_new(VRPC_TYPE_ADDRESS, "host", hello->address.host, "port",
                                        (gint)hello->address.port, NULL);
    vrpcExecutorInfo *info =
        g_object_new(VRPC_TYPE_EXECUTOR_INFO, "build", build, "executor", (gint64)hello->executor,
                     "address", address, "slots", (gint)hello->slots, "application",
                     (gint64)hello->application, "keeper_port", (gint)hello->keeper_port, NULL);

    g_object_unref(build);
    g_object_unref(address);
    return info;
}

Status rpc_driver_register_executor(RpcPool *pool, RpcAddress address, const ExecutorHello *hello,
                                    int64_t deadline_ns, Error *err, uint64_t *place_out)
{
    vrpcExecutorInfo *info;
    gboolean is_answered;
    gint64 place = 0;
    Status status;
    RpcCall call;

    *place_out = 0;
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_DRIVER_CLIENT, deadline_ns, err));
    info = info_of(hello);
    is_answered =
        vrpc_driver_client_register_executor(call.client, &place, info, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *place_out = (uint64_t)place;
    g_object_unref(info);
    return status;
}

Status rpc_driver_executor_ended(RpcPool *pool, RpcAddress address, const ExecutorEnd *end,
                                 int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_DRIVER_CLIENT, deadline_ns, err));
    is_answered = vrpc_driver_client_executor_ended(
        call.client, (gint64)end->executor, end->has_crashed, end->reason, (gint64)end->attempt,
        &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

Status rpc_driver_report(RpcPool *pool, RpcAddress address, uint64_t place, WireBytes report,
                         int64_t deadline_ns, Arena *arena, Error *err, WireBytes *answer_out)
{
    GByteArray *sent, *answer = NULL;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *answer_out = (WireBytes){0};
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_DRIVER_CLIENT, deadline_ns, err));
    sent = rpc_bytes_of(report);
    is_answered = vrpc_driver_client_report(call.client, &answer, (gint64)place, sent,
                                            &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *answer_out = rpc_bytes_copy(answer, arena);
    rpc_bytes_free(answer);
    g_byte_array_unref(sent);
    return status;
}

Status rpc_driver_fetch_object(RpcPool *pool, RpcAddress address, uint64_t hash, uint64_t offset,
                               uint32_t piece_bytes, int64_t deadline_ns, Arena *arena, Error *err,
                               BlockPiece *piece_out)
{
    vrpcBlockPiece *answer;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *piece_out = (BlockPiece){0};
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_DRIVER_CLIENT, deadline_ns, err));
    answer = g_object_new(VRPC_TYPE_BLOCK_PIECE, NULL);
    is_answered =
        vrpc_driver_client_fetch_object(call.client, &answer, (gint64)hash, (gint64)offset,
                                        (gint32)piece_bytes, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        status = rpc__take_piece(answer, offset, piece_bytes, arena, err, piece_out);
    g_clear_object(&answer);
    return status;
}

Status rpc_driver_ask_chunk(RpcPool *pool, RpcAddress address, WireBytes asked, int64_t deadline_ns,
                            Arena *arena, Error *err, WireBytes *answer_out)
{
    GByteArray *sent, *answer = NULL;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *answer_out = (WireBytes){0};
    TRY(rpc_call_begin(&call, pool, address, VRPC_TYPE_DRIVER_CLIENT, deadline_ns, err));
    sent = rpc_bytes_of(asked);
    is_answered =
        vrpc_driver_client_ask_chunk(call.client, &answer, sent, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *answer_out = rpc_bytes_copy(answer, arena);
    rpc_bytes_free(answer);
    g_byte_array_unref(sent);
    return status;
}

/* --- answering --- */

typedef struct DriverService {
    vrpcDriverHandler parent;
    DriverHandler handler;
} DriverService;

typedef struct DriverServiceClass {
    vrpcDriverHandlerClass parent;
} DriverServiceClass;

GType driver_service_get_type(void);
G_DEFINE_TYPE(DriverService, driver_service, VRPC_TYPE_DRIVER_HANDLER)

static const DriverHandler *handler_of(vrpcDriverIf *iface)
{
    return &((DriverService *)iface)->handler;
}

static gboolean service_register(vrpcDriverIf *iface, gint64 *answer, const vrpcExecutorInfo *info,
                                 vrpcCallError **failure, GError **error)
{
    const DriverHandler *handler = handler_of(iface);
    const vrpcAddress *address = info->address;
    Error err = ERROR_NONE;
    uint64_t place = 0;
    Status status;

    (void)error;
    if (info->build == NULL || info->build->version == NULL || address == NULL ||
        address->host == NULL || address->port <= 0 || address->port > UINT16_MAX ||
        info->slots <= 0 || info->executor < 0 || info->keeper_port < 0 ||
        info->keeper_port > UINT16_MAX) {
        status = error_set(&err, ST_BAD_INPUT, "an executor without an address or slots");
    } else {
        ExecutorHello hello = {.version = info->build->version,
                               .vocabulary = (uint64_t)info->build->vocabulary,
                               .executor = info->executor,
                               .address = {address->host, (uint16_t)address->port},
                               .slots = (uint32_t)info->slots,
                               .application = info->application,
                               .keeper_port = (uint16_t)info->keeper_port};

        status = handler->register_executor(handler->context, &hello, &err, &place);
    }
    *answer = (gint64)place;
    return call_answer(status, &err, failure);
}

static gboolean service_ended(vrpcDriverIf *iface, const gint64 executor,
                              const gboolean has_crashed, const gchar *reason, const gint64 attempt,
                              vrpcCallError **failure, GError **error)
{
    const DriverHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;
    ExecutorEnd end = {.executor = executor,
                       .reason = reason == NULL ? "it has ended" : reason,
                       .has_crashed = has_crashed,
                       .attempt = (uint64_t)attempt};

    (void)error;
    return call_answer(handler->executor_ended(handler->context, &end, &err), &err, failure);
}

static gboolean service_report(vrpcDriverIf *iface, GByteArray **answer, const gint64 place,
                               const GByteArray *report, vrpcCallError **failure, GError **error)
{
    const DriverHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;
    WireBytes made = {0};
    Arena *arena;
    Status status;

    (void)error;
    if (report == NULL) {
        status = error_set(&err, ST_BAD_INPUT, "no report was sent");
        return call_answer(status, &err, failure);
    }
    arena = arena_new(NULL, "report", ARENA_NO_CAP);
    status = handler->report(handler->context, (uint64_t)place,
                             (WireBytes){report->data, report->len}, arena, &err, &made);
    if (status == ST_OK)
        rpc_bytes_give(made, answer);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_object(vrpcDriverIf *iface, vrpcBlockPiece **answer, const gint64 hash,
                               const gint64 offset, const gint32 piece_bytes,
                               vrpcCallError **failure, GError **error)
{
    const DriverHandler *handler = handler_of(iface);

    (void)error;
    return rpc__object_fetch(handler->fetch_object, handler->context, answer, hash, offset,
                             piece_bytes, failure);
}

static gboolean service_ask_chunk(vrpcDriverIf *iface, GByteArray **answer, const GByteArray *asked,
                                  vrpcCallError **failure, GError **error)
{
    const DriverHandler *handler = handler_of(iface);
    Arena *arena = arena_new(NULL, "chunk", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    WireBytes made = {0};
    Status status;

    (void)error;
    if (asked == NULL || handler->ask_chunk == NULL)
        status = error_set(&err, ST_BAD_INPUT, "nothing was asked for that is given here");
    else
        status = handler->ask_chunk(handler->context, (WireBytes){asked->data, asked->len}, arena,
                                    &err, &made);
    if (status == ST_OK)
        rpc_bytes_give(made, answer);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_fetch(vrpcBlocksIf *iface, vrpcBlockPiece **answer, const vrpcBlockKey *key,
                              const gint64 offset, const gint32 piece_bytes,
                              vrpcCallError **failure, GError **error)
{
    (void)error;
    return rpc__blocks_fetch(&((DriverService *)iface)->handler.blocks, answer, key, offset,
                             piece_bytes, failure);
}

static gboolean service_fetch_many(vrpcBlocksIf *iface, GByteArray **answer,
                                   const GByteArray *wanted, vrpcCallError **failure,
                                   GError **error)
{
    (void)error;
    return rpc__blocks_fetch_many(&((DriverService *)iface)->handler.blocks, answer, wanted,
                                  failure);
}

static void driver_service_class_init(DriverServiceClass *class)
{
    class->parent.parent.fetch = service_fetch;
    class->parent.parent.fetch_many = service_fetch_many;
    class->parent.register_executor = service_register;
    class->parent.executor_ended = service_ended;
    class->parent.report = service_report;
    class->parent.fetch_object = service_object;
    class->parent.ask_chunk = service_ask_chunk;
}

static void driver_service_init(DriverService *service)
{
    service->handler = (DriverHandler){.context = NULL};
}

Status rpc_driver_serve(const RpcEndpoint *endpoint, const DriverHandler *handler, Error *err,
                        RpcServer **server_out)
{
    static const char *const calls[] = {
        "register_executor", "executor_ended", "report",     "fetch_object",
        "ask_chunk",         "fetch",          "fetch_many", NULL};
    DriverService *service = g_object_new(driver_service_get_type(), NULL);
    ThriftProcessor *processor = g_object_new(VRPC_TYPE_DRIVER_PROCESSOR, "handler", service, NULL);
    Status status;

    service->handler = *handler;
    status = rpc_server_start(endpoint, processor, calls, err, server_out);
    g_object_unref(processor);
    g_object_unref(service);
    return status;
}
