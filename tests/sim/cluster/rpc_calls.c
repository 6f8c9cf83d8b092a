/*
 * rpc_calls.c -- the calls of rpc_module.h over the simulated network
 *
 * Each has what it asks in a struct, copied into the request's arena, and what is answered in one
 * in the answer's. Those that no simulated process makes are not there.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "network.h"

static WireBytes copy_bytes(Arena *arena, WireBytes bytes)
{
    return (WireBytes){arena_copy(arena, bytes.bytes, bytes.byte_count), bytes.byte_count};
}

/* A call whose answer is no more than a status. */
static Status call_plain(RpcAddress to, const CallSpec *spec, Arena *arena, const void *request,
                         int64_t deadline_ns, Error *err)
{
    const void *nothing;
    Arena *answer;
    Status status = network_call(to, spec, arena, request, deadline_ns, err, &answer, &nothing);

    arena_free(answer);
    return status;
}

/* --- executors --- */

static Status serve_deliver(const Service *service, const void *request, Answer *answer)
{
    return service->executor.deliver(service->executor.context, *(const WireBytes *)request,
                                     &answer->error);
}

static const CallSpec deliver_spec = {"deliver", 1u << SERVICE_EXECUTOR, serve_deliver};

static Status call_deliver(RpcPool *pool, RpcAddress to, WireBytes orders, int64_t deadline_ns,
                           Error *err)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP);
    WireBytes *request = ARENA_NEW(arena, WireBytes);

    (void)pool;
    *request = copy_bytes(arena, orders);
    return call_plain(to, &deliver_spec, arena, request, deadline_ns, err);
}

/* --- drivers --- */

static ExecutorHello *copy_hello(Arena *arena, const ExecutorHello *hello)
{
    ExecutorHello *copy = arena_copy(arena, hello, sizeof *hello);

    copy->version = arena_strdup(arena, hello->version);
    copy->address.host = arena_strdup(arena, hello->address.host);
    return copy;
}

static Status serve_register(const Service *service, const void *request, Answer *answer)
{
    answer->result = ARENA_NEW(answer->arena, uint64_t);
    return service->driver.register_executor(service->driver.context, request, &answer->error,
                                             answer->result);
}

static const CallSpec register_spec = {"register executor", 1u << SERVICE_DRIVER, serve_register};

static Status call_register_executor(RpcPool *pool, RpcAddress to, const ExecutorHello *hello,
                                     int64_t deadline_ns, Error *err, uint64_t *place_out)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    const void *result;
    Status status = network_call(to, &register_spec, arena, copy_hello(arena, hello), deadline_ns,
                                 err, &answer, &result);

    (void)pool;
    if (status == ST_OK)
        *place_out = *(const uint64_t *)result;
    arena_free(answer);
    return status;
}

static Status serve_driver_ended(const Service *service, const void *end, Answer *answer)
{
    return service->driver.executor_ended(service->driver.context, end, &answer->error);
}

static const CallSpec driver_ended_spec = {"executor ended", 1u << SERVICE_DRIVER,
                                           serve_driver_ended};

static Status call_driver_ended(RpcPool *pool, RpcAddress to, const ExecutorEnd *end,
                                int64_t deadline_ns, Error *err)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP);
    ExecutorEnd *request = ARENA_NEW(arena, ExecutorEnd);

    (void)pool;
    *request = *end;
    request->reason = arena_strdup(arena, end->reason);
    return call_plain(to, &driver_ended_spec, arena, request, deadline_ns, err);
}

typedef struct ReportRequest {
    uint64_t place;
    WireBytes report;
} ReportRequest;

static Status serve_report(const Service *service, const void *opaque, Answer *answer)
{
    const ReportRequest *request = opaque;

    answer->result = ARENA_NEW(answer->arena, WireBytes);
    return service->driver.report(service->driver.context, request->place, request->report,
                                  answer->arena, &answer->error, answer->result);
}

static const CallSpec report_spec = {"report", 1u << SERVICE_DRIVER, serve_report};

static Status call_report(RpcPool *pool, RpcAddress to, uint64_t place, WireBytes report,
                          int64_t deadline_ns, Arena *arena, Error *err, WireBytes *answer_out)
{
    Arena *request_arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    ReportRequest *request = ARENA_NEW(request_arena, ReportRequest);
    const void *result;
    Status status;

    (void)pool;
    *request = (ReportRequest){place, copy_bytes(request_arena, report)};
    status =
        network_call(to, &report_spec, request_arena, request, deadline_ns, err, &answer, &result);
    if (status == ST_OK)
        *answer_out = copy_bytes(arena, *(const WireBytes *)result);
    arena_free(answer);
    return status;
}

static Status call_fetch_object(RpcPool *pool, RpcAddress to, uint64_t hash, uint64_t offset,
                                uint32_t piece_bytes, int64_t deadline_ns, Arena *arena, Error *err,
                                BlockPiece *piece_out)
{
    (void)pool;
    (void)to;
    (void)hash;
    (void)offset;
    (void)piece_bytes;
    (void)deadline_ns;
    (void)arena;
    (void)piece_out;
    return error_set(err, ST_NOT_SUPPORTED, "no simulated job has files");
}

static Status call_ask_chunk(RpcPool *pool, RpcAddress to, WireBytes asked, int64_t deadline_ns,
                             Arena *arena, Error *err, WireBytes *answer_out)
{
    (void)pool;
    (void)to;
    (void)asked;
    (void)deadline_ns;
    (void)arena;
    (void)answer_out;
    return error_set(err, ST_NOT_SUPPORTED, "no simulated job has files");
}

/* --- blocks --- */

static const BlocksHandler *blocks_of(const Service *service)
{
    if (service->executor.blocks.fetch != NULL)
        return &service->executor.blocks;
    return service->driver.blocks.fetch != NULL ? &service->driver.blocks : &service->blocks;
}

enum { HAVE_BLOCKS = 1u << SERVICE_BLOCKS | 1u << SERVICE_EXECUTOR | 1u << SERVICE_DRIVER };

typedef struct PieceRequest {
    BlockName name;
    uint64_t offset;
    uint32_t piece_bytes;
} PieceRequest;

static BlockPiece copy_piece(Arena *arena, const BlockPiece *piece)
{
    BlockPiece copy = *piece;

    copy.bytes = arena_copy(arena, piece->bytes, piece->byte_count);
    return copy;
}

/* A handler keeps what it gives in its thread until it is sent: nobody else runs meanwhile. */
static Status serve_piece(const Service *service, const void *opaque, Answer *answer)
{
    const BlocksHandler *blocks = blocks_of(service);
    const PieceRequest *request = opaque;
    BlockPiece piece, *copy = ARENA_NEW(answer->arena, BlockPiece);
    Status status = blocks->fetch(blocks->context, request->name, request->offset,
                                  request->piece_bytes, &answer->error, &piece);

    if (status != ST_OK)
        return status;
    fiber_hold_on();
    *copy = copy_piece(answer->arena, &piece);
    if (blocks->done != NULL)
        blocks->done(blocks->context, &piece);
    fiber_let_go_on();
    answer->result = copy;
    return ST_OK;
}

static const CallSpec piece_spec = {"fetch", HAVE_BLOCKS, serve_piece};

static Status call_fetch(RpcPool *pool, RpcAddress to, BlockName name, uint64_t offset,
                         uint32_t piece_bytes, int64_t deadline_ns, Arena *arena, Error *err,
                         BlockPiece *piece_out)
{
    Arena *request_arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    PieceRequest *request = ARENA_NEW(request_arena, PieceRequest);
    const void *result;
    Status status;

    (void)pool;
    *request = (PieceRequest){name, offset, piece_bytes};
    status =
        network_call(to, &piece_spec, request_arena, request, deadline_ns, err, &answer, &result);
    if (status == ST_OK)
        *piece_out = copy_piece(arena, result);
    arena_free(answer);
    return status;
}

/* What lies behind is copied before its arena goes, which lets go of it: nobody else runs
 * meanwhile. */
static Status serve_many(const Service *service, const void *request, Answer *answer)
{
    const BlocksHandler *blocks = blocks_of(service);
    Arena *arena = arena_new(NULL, "blocks for somebody", ARENA_NO_CAP);
    WireWriter behind = {.arena = answer->arena};
    WireBytes *copies = ARENA_ARRAY(answer->arena, WireBytes, 2);
    BlocksAnswer given;
    Status status = blocks->fetch_many(blocks->context, *(const WireBytes *)request, arena,
                                       &answer->error, &given);

    fiber_hold_on();
    if (status == ST_OK) {
        for (uint32_t i = 0; i < given.behind_count; i++)
            wire_put_bytes(&behind, given.behind[i].bytes, given.behind[i].byte_count);
        copies[0] = copy_bytes(answer->arena, given.said);
        copies[1] = (WireBytes){behind.bytes, behind.length};
        answer->result = copies;
    }
    arena_free(arena);
    fiber_let_go_on();
    return status;
}

static const CallSpec many_spec = {"fetch many", HAVE_BLOCKS, serve_many};

static Status read_behind(void *context, void *bytes, size_t byte_count, Error *err)
{
    WireBytes *left = context;

    if (byte_count > left->byte_count)
        return error_set(err, ST_CORRUPT, "less follows than is said");
    memcpy(bytes, left->bytes, byte_count);
    *left = (WireBytes){(const char *)left->bytes + byte_count, left->byte_count - byte_count};
    return ST_OK;
}

static Status call_fetch_many(RpcPool *pool, RpcAddress to, WireBytes wanted, int64_t deadline_ns,
                              TakeBlocksFn take, void *context, Error *err)
{
    Arena *request_arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    WireBytes *request = ARENA_NEW(request_arena, WireBytes);
    const void *result;
    Status status;

    (void)pool;
    *request = copy_bytes(request_arena, wanted);
    status =
        network_call(to, &many_spec, request_arena, request, deadline_ns, err, &answer, &result);
    if (status == ST_OK && take != NULL) {
        const WireBytes *copies = result;
        WireBytes left = copies[1];

        status = take(context, copies[0], &(BlocksBehind){&left, read_behind}, err);
    }
    arena_free(answer);
    return status;
}

/* --- the master, of workers --- */

static Status serve_register_worker(const Service *service, const void *request, Answer *answer)
{
    answer->result = ARENA_NEW(answer->arena, int64_t);
    return service->master.register_worker(service->master.context, request, &answer->error,
                                           answer->result);
}

static const CallSpec register_worker_spec = {"register worker", 1u << SERVICE_MASTER,
                                              serve_register_worker};

static Status call_register_worker(RpcPool *pool, RpcAddress to, const WorkerInfo *info,
                                   int64_t deadline_ns, Error *err, int64_t *worker_out)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    WorkerInfo *request = arena_copy(arena, info, sizeof *info);
    const void *result;
    Status status;

    (void)pool;
    request->name = arena_strdup(arena, info->name);
    request->running =
        arena_copy(arena, info->running, info->running_count * sizeof *info->running);
    status =
        network_call(to, &register_worker_spec, arena, request, deadline_ns, err, &answer, &result);
    if (status == ST_OK)
        process_self()->number = *worker_out = *(const int64_t *)result;
    arena_free(answer);
    return status;
}

typedef struct BeatRequest {
    WorkerReport report;
    int32_t wait_ms;
} BeatRequest;

static WorkerOrders copy_orders(Arena *arena, const WorkerOrders *orders)
{
    WorkerOrders copy = *orders;
    ExecutorOrder *start = arena_copy(arena, orders->start, orders->start_count * sizeof *start);

    for (uint32_t i = 0; i < orders->start_count; i++) {
        start[i].driver.host = arena_strdup(arena, start[i].driver.host);
        start[i].job = copy_bytes(arena, start[i].job);
    }
    copy.start = start;
    copy.stop = arena_copy(arena, orders->stop, orders->stop_count * sizeof *orders->stop);
    copy.ended = arena_copy(arena, orders->ended, orders->ended_count * sizeof *orders->ended);
    return copy;
}

static Status serve_worker_heartbeat(const Service *service, const void *opaque, Answer *answer)
{
    const BeatRequest *request = opaque;
    WorkerOrders orders = {0}, *copy = ARENA_NEW(answer->arena, WorkerOrders);
    Status status =
        service->master.worker_heartbeat(service->master.context, &request->report,
                                         request->wait_ms, answer->arena, &answer->error, &orders);

    if (status == ST_OK)
        *copy = copy_orders(answer->arena, &orders);
    answer->result = copy;
    return status;
}

static const CallSpec worker_heartbeat_spec = {"worker heartbeat", 1u << SERVICE_MASTER,
                                               serve_worker_heartbeat};

static Status call_worker_heartbeat(RpcPool *pool, RpcAddress to, const WorkerReport *report,
                                    int32_t wait_ms, int64_t deadline_ns, Arena *arena, Error *err,
                                    WorkerOrders *orders_out)
{
    Arena *request_arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    BeatRequest *request = ARENA_NEW(request_arena, BeatRequest);
    const void *result;
    Status status;

    (void)pool;
    *request = (BeatRequest){*report, wait_ms};
    request->report.executors = arena_copy(request_arena, report->executors,
                                           report->executor_count * sizeof *report->executors);
    request->report.applications =
        arena_copy(request_arena, report->applications,
                   report->application_count * sizeof *report->applications);
    status = network_call(to, &worker_heartbeat_spec, request_arena, request, deadline_ns, err,
                          &answer, &result);
    if (status == ST_OK)
        *orders_out = copy_orders(arena, result);
    arena_free(answer);
    return status;
}

/* What several calls name. */
typedef struct NameRequest {
    int64_t id, incarnation, executor;
    int32_t exit_code;
    const char *reason;
} NameRequest;

static Status call_name(RpcAddress to, const CallSpec *spec, NameRequest name, int64_t deadline_ns,
                        Error *err)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP);
    NameRequest *request = arena_copy(arena, &name, sizeof name);

    if (name.reason != NULL)
        request->reason = arena_strdup(arena, name.reason);
    return call_plain(to, spec, arena, request, deadline_ns, err);
}

static Status serve_master_ended(const Service *service, const void *opaque, Answer *answer)
{
    const NameRequest *request = opaque;

    return service->master.executor_ended(service->master.context, request->id,
                                          request->incarnation, request->executor, request->reason,
                                          request->exit_code, &answer->error);
}

static const CallSpec master_ended_spec = {"executor ended", 1u << SERVICE_MASTER,
                                           serve_master_ended};

static Status call_master_ended(RpcPool *pool, RpcAddress to, int64_t worker, int64_t incarnation,
                                int64_t executor, const char *reason, int32_t exit_code,
                                int64_t deadline_ns, Error *err)
{
    (void)pool;
    return call_name(to, &master_ended_spec,
                     (NameRequest){worker, incarnation, executor, exit_code, reason}, deadline_ns,
                     err);
}

static Status serve_end_worker(const Service *service, const void *opaque, Answer *answer)
{
    const NameRequest *request = opaque;

    return service->master.end_worker(service->master.context, request->id, request->incarnation,
                                      &answer->error);
}

static const CallSpec end_worker_spec = {"end worker", 1u << SERVICE_MASTER, serve_end_worker};

static Status call_end_worker(RpcPool *pool, RpcAddress to, int64_t worker, int64_t incarnation,
                              int64_t deadline_ns, Error *err)
{
    (void)pool;
    return call_name(to, &end_worker_spec, (NameRequest){.id = worker, .incarnation = incarnation},
                     deadline_ns, err);
}

static Status serve_drain(const Service *service, const void *opaque, Answer *answer)
{
    return service->master.drain_worker(service->master.context, ((const NameRequest *)opaque)->id,
                                        &answer->error);
}

static const CallSpec drain_spec = {"drain worker", 1u << SERVICE_MASTER, serve_drain};

static Status call_drain(RpcPool *pool, RpcAddress to, int64_t worker, int64_t deadline_ns,
                         Error *err)
{
    (void)pool;
    return call_name(to, &drain_spec, (NameRequest){.id = worker}, deadline_ns, err);
}

/* --- the master, of drivers --- */

static Status serve_register_application(const Service *service, const void *request,
                                         Answer *answer)
{
    answer->result = ARENA_NEW(answer->arena, int64_t);
    return service->master.register_application(service->master.context, request, &answer->error,
                                                answer->result);
}

static const CallSpec register_application_spec = {"register application", 1u << SERVICE_MASTER,
                                                   serve_register_application};

static Status call_register_application(RpcPool *pool, RpcAddress to, const ApplicationInfo *info,
                                        int64_t deadline_ns, Error *err, int64_t *application_out)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    ApplicationInfo *request = arena_copy(arena, info, sizeof *info);
    const void *result;
    Status status;

    (void)pool;
    request->name = arena_strdup(arena, info->name);
    request->driver.host = arena_strdup(arena, info->driver.host);
    status = network_call(to, &register_application_spec, arena, request, deadline_ns, err, &answer,
                          &result);
    if (status == ST_OK)
        *application_out = *(const int64_t *)result;
    arena_free(answer);
    return status;
}

static ApplicationNews copy_news(Arena *arena, const ApplicationNews *news)
{
    ApplicationNews copy = *news;

    copy.problem = news->problem == NULL ? NULL : arena_strdup(arena, news->problem);
    copy.draining =
        arena_copy(arena, news->draining, news->draining_count * sizeof *news->draining);
    return copy;
}

/* What stages do is only shown: it stays behind. */
static Status serve_application_heartbeat(const Service *service, const void *opaque,
                                          Answer *answer)
{
    const NameRequest *request = opaque;
    ApplicationNews news = {0}, *copy = ARENA_NEW(answer->arena, ApplicationNews);
    Status status = service->master.application_heartbeat(service->master.context, request->id,
                                                          request->incarnation, NULL, 0,
                                                          answer->arena, &answer->error, &news);

    if (status == ST_OK)
        *copy = copy_news(answer->arena, &news);
    answer->result = copy;
    return status;
}

static const CallSpec application_heartbeat_spec = {"application heartbeat", 1u << SERVICE_MASTER,
                                                    serve_application_heartbeat};

static Status call_application_heartbeat(RpcPool *pool, RpcAddress to, int64_t application,
                                         int64_t incarnation, const StageLine *stages,
                                         uint32_t stage_count, int64_t deadline_ns, Arena *arena,
                                         Error *err, ApplicationNews *news_out)
{
    Arena *request_arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    NameRequest *request = ARENA_NEW(request_arena, NameRequest);
    const void *result;
    Status status;

    (void)pool;
    (void)stages;
    (void)stage_count;
    *request = (NameRequest){.id = application, .incarnation = incarnation};
    status = network_call(to, &application_heartbeat_spec, request_arena, request, deadline_ns, err,
                          &answer, &result);
    if (status == ST_OK)
        *news_out = copy_news(arena, result);
    arena_free(answer);
    return status;
}

static Status serve_release(const Service *service, const void *opaque, Answer *answer)
{
    const NameRequest *request = opaque;

    return service->master.release_executor(service->master.context, request->id,
                                            request->incarnation, request->executor,
                                            request->reason, &answer->error);
}

static const CallSpec release_spec = {"release executor", 1u << SERVICE_MASTER, serve_release};

static Status call_release(RpcPool *pool, RpcAddress to, int64_t application, int64_t incarnation,
                           int64_t executor, const char *reason, int64_t deadline_ns, Error *err)
{
    (void)pool;
    return call_name(to, &release_spec,
                     (NameRequest){application, incarnation, executor, 0, reason}, deadline_ns,
                     err);
}

static Status serve_end_application(const Service *service, const void *opaque, Answer *answer)
{
    const NameRequest *request = opaque;

    return service->master.end_application(service->master.context, request->id,
                                           request->incarnation, &answer->error);
}

static const CallSpec end_application_spec = {"end application", 1u << SERVICE_MASTER,
                                              serve_end_application};

static Status call_end_application(RpcPool *pool, RpcAddress to, int64_t application,
                                   int64_t incarnation, int64_t deadline_ns, Error *err)
{
    (void)pool;
    return call_name(to, &end_application_spec,
                     (NameRequest){.id = application, .incarnation = incarnation}, deadline_ns,
                     err);
}

static Status serve_counts(const Service *service, const void *request, Answer *answer)
{
    (void)request;
    answer->result = ARENA_NEW(answer->arena, MasterCounts);
    return service->master.counts(service->master.context, &answer->error, answer->result);
}

static const CallSpec counts_spec = {"counts", 1u << SERVICE_MASTER, serve_counts};

static Status call_counts(RpcPool *pool, RpcAddress to, int64_t deadline_ns, Error *err,
                          MasterCounts *counts_out)
{
    Arena *arena = arena_new(NULL, "request", ARENA_NO_CAP), *answer;
    const void *result;
    Status status = network_call(to, &counts_spec, arena, NULL, deadline_ns, err, &answer, &result);

    (void)pool;
    if (status == ST_OK)
        *counts_out = *(const MasterCounts *)result;
    arena_free(answer);
    return status;
}

/* --- servers, pools, keys --- */

static Status serve_blocks(const RpcEndpoint *endpoint, const BlocksHandler *handler, Error *err,
                           RpcServer **server_out)
{
    Service service = {.blocks = *handler};

    (void)err;
    *server_out = network_serve(SERVICE_BLOCKS, &service, endpoint);
    return ST_OK;
}

static Status serve_executor(const RpcEndpoint *endpoint, const ExecutorHandler *handler,
                             Error *err, RpcServer **server_out)
{
    Service service = {.executor = *handler};

    (void)err;
    *server_out = network_serve(SERVICE_EXECUTOR, &service, endpoint);
    return ST_OK;
}

static Status serve_driver(const RpcEndpoint *endpoint, const DriverHandler *handler, Error *err,
                           RpcServer **server_out)
{
    Service service = {.driver = *handler};

    (void)err;
    *server_out = network_serve(SERVICE_DRIVER, &service, endpoint);
    return ST_OK;
}

static Status serve_master(const RpcEndpoint *endpoint, const MasterHandler *handler, Error *err,
                           RpcServer **server_out)
{
    Service service = {.master = *handler};

    (void)err;
    *server_out = network_serve(SERVICE_MASTER, &service, endpoint);
    return ST_OK;
}

static RpcPool *pool_new(const ChannelKeys *keys, uint32_t idle_max)
{
    static char pool; /* connections are not simulated */

    (void)keys;
    (void)idle_max;
    return (RpcPool *)&pool;
}

static void pool_free(RpcPool *pool)
{
    (void)pool;
}

/* Everybody is a member. */
static void pool_speak_as(RpcPool *pool, Identity as)
{
    (void)pool;
    (void)as;
}

static Identity caller(void)
{
    return (Identity){0};
}

static Identity keys_identity(const ChannelKeys *keys)
{
    (void)keys;
    return (Identity){0};
}

/* Nobody's: nothing is encrypted. */
static Status hand_over_key(const unsigned char *key, Identity who, Error *err, int *fd_out)
{
    (void)key;
    (void)who;
    (void)err;
    *fd_out = -1;
    return ST_OK;
}

static void keys_free(ChannelKeys *keys)
{
    (void)keys;
}

/* A descriptor that nobody opens: its number is the port's (network_serve). */
static Status listen_at(const char *host, uint16_t port, const ChannelKeys *keys, Error *err,
                        int *listener_out, uint16_t *port_out)
{
    (void)host;
    (void)port;
    (void)keys;
    (void)err;
    *port_out = network_listen();
    *listener_out = *port_out;
    return ST_OK;
}

static const RpcModule module = {.channel_listen = listen_at,
                                 .channel_keys_free = keys_free,
                                 .channel_keys_identity = keys_identity,
                                 .rpc_pool_speak_as = pool_speak_as,
                                 .rpc_caller = caller,
                                 .secret_hand_over_key = hand_over_key,
                                 .rpc_pool_new = pool_new,
                                 .rpc_pool_free = pool_free,
                                 .rpc_server_port = network_port,
                                 .rpc_server_stop = network_stop,
                                 .rpc_master_register_worker = call_register_worker,
                                 .rpc_master_worker_heartbeat = call_worker_heartbeat,
                                 .rpc_master_executor_ended = call_master_ended,
                                 .rpc_master_end_worker = call_end_worker,
                                 .rpc_master_drain_worker = call_drain,
                                 .rpc_master_register_application = call_register_application,
                                 .rpc_master_application_heartbeat = call_application_heartbeat,
                                 .rpc_master_release_executor = call_release,
                                 .rpc_master_end_application = call_end_application,
                                 .rpc_master_counts = call_counts,
                                 .rpc_master_serve = serve_master,
                                 .rpc_blocks_fetch = call_fetch,
                                 .rpc_blocks_fetch_many = call_fetch_many,
                                 .rpc_blocks_serve = serve_blocks,
                                 .rpc_executor_deliver = call_deliver,
                                 .rpc_executor_fetch_object = call_fetch_object,
                                 .rpc_executor_serve = serve_executor,
                                 .rpc_driver_register_executor = call_register_executor,
                                 .rpc_driver_executor_ended = call_driver_ended,
                                 .rpc_driver_report = call_report,
                                 .rpc_driver_fetch_object = call_fetch_object,
                                 .rpc_driver_ask_chunk = call_ask_chunk,
                                 .rpc_driver_serve = serve_driver};

const RpcModule *network_rpc(void)
{
    return &module;
}
