/*
 * driver_backend.c -- see driver_backend.h
 *
 * Locks, in this order: an executor's `reports`, the driver's, the backend's. The driver's calls of
 * the backend come with its lock held; calls of the driver are made without the backend's.
 */
#include "cluster/driver_backend.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "cluster/block_fetcher.h"
#include "cluster/block_server.h"
#include "cluster/kept_places.h"
#include "cluster/object_swarm.h"
#include "cluster/remote_executor.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/plan/plan_wire.h"
#include "exec/user_shared.h"

/* Short tasks that wait at an executor: as many as make a message's price small beside theirs. */
enum { AHEAD_A_SLOT = 32 };

/* Masters that have forgotten what they said may call an application anew. */
enum { APPLICATIONS_MAX = 8 };

struct ClusterBackend {
    TaskBackend backend; /* first */
    Driver *driver;
    BlockStore *store;
    BackendOptions options;
    Arena *arena;
    BlockFetcher *fetcher;
    RpcServer *server;
    BlockServer blocks;
    ObjectSwarm *swarm;
    _Atomic uint64_t object_bytes;          /* that it has sent */
    RemoteSender sender;                    /* what executors' threads send with */
    KeptPlaces kept;                        /* of executors that have ended */
    pthread_cond_t named;                   /* there is an application */
    uint32_t application_count;             /* 0: the master has not answered yet */
    int64_t applications[APPLICATIONS_MAX]; /* what it has been, the last one first */
    bool has_said_one_copy;
    uint32_t host_count;
    const char *hosts[HOSTS_MAX]; /* by number */
};

SchedulerConfig cluster_backend_config(void)
{
    SchedulerConfig config = scheduler_config_default();

    config.executor_timeout_ms = 10000;
    config.cancel_timeout_ms = 5000;
    config.blocks_outlive_executors = true; /* those that are kept; the driver knows of others */
    config.no_executor_timeout_ms = 60000;
    config.speculates = true;
    config.speculation_min_ms = 2000;
    config.speculation_slower_percent = 300;
    return config;
}

static ClusterBackend *backend_of(TaskBackend *base)
{
    return (ClusterBackend *)base; /* its first member */
}

/* --- executors come and go --- */

static void lock(ClusterBackend *backend)
{
    pthread_mutex_lock(&backend->sender.lock);
}

static void unlock(ClusterBackend *backend)
{
    pthread_mutex_unlock(&backend->sender.lock);
}

/* With the lock. */
static BlockFate fate_of_blocks(const RemoteExecutor *executor)
{
    return executor->keeper_port != 0 && !executor->worker_has_ended ? BLOCKS_KEPT : BLOCKS_LOST;
}

/* With the lock. Where a place is now, or that it is gone. */
static void tell_all(ClusterBackend *backend, const OrderPeer *peer)
{
    LIST_EACH(node, &backend->sender.executors)
    order_put_peer(remote_executor_orders(LIST_OWNER(node, RemoteExecutor, node), 0), peer);
    remote_sender_wake(&backend->sender);
    block_fetcher_peer(backend->fetcher, peer);
}

/* With the lock. True: it was here. Nothing is sent to it any more, and the others know. */
static bool cut_off(ClusterBackend *backend, RemoteExecutor *executor)
{
    OrderPeer gone = {.place = executor->place, .host = executor->host};

    if (executor->is_gone)
        return false;
    if (fate_of_blocks(executor) == BLOCKS_KEPT && executor->place != 0) {
        gone.port = executor->keeper_port;
        gone.owner = executor->owner;
        kept_places_add(&backend->kept, &gone);
    }
    remote_executor_end(&backend->sender, executor);
    object_swarm_lose(backend->swarm, executor->place);
    tell_all(backend, &gone);
    return true;
}

static void tell_given_up(ClusterBackend *backend, int64_t number, const char *reason)
{
    LOG_INFO("driver", "executor %lld is given up: %s", (long long)number, reason);
    if (backend->options.executor_given_up != NULL)
        backend->options.executor_given_up(backend->options.context, number, reason);
}

static void lose(ClusterBackend *backend, RemoteExecutor *executor, const ExecutorEnd *end)
{
    BlockFate fate;
    bool was_here;

    lock(backend);
    fate = fate_of_blocks(executor);
    was_here = cut_off(backend, executor);
    unlock(backend);
    if (!was_here)
        return;
    if (end->has_crashed)
        driver_executor_crashed(backend->driver, executor->place, fate, end->attempt, end->reason);
    else
        driver_executor_lost(backend->driver, executor->place, fate, end->reason);
    lock(backend);
    kept_places_told(&backend->kept, backend->store, executor->place);
    unlock(backend);
    tell_given_up(backend, executor->number, end->reason);
}

/* What those before it have left with the same worker is known to be gone before anybody asks. */
static void lose_kept_at(ClusterBackend *backend, const char *host, uint16_t port)
{
    uint64_t place;

    do {
        lock(backend);
        place = kept_places_take_at(&backend->kept, host, port);
        if (place != 0)
            tell_all(backend, &(OrderPeer){.place = place, .host = host});
        unlock(backend);
        if (place != 0)
            driver_executor_lost(backend->driver, place, BLOCKS_LOST, "its worker has ended");
    } while (place != 0);
}

/* From a sending thread: it takes no orders any more. */
static void on_unreachable(void *context, RemoteExecutor *executor, const char *reason)
{
    lose(context, executor, &(ExecutorEnd){.reason = reason});
    if (executor->worker_has_ended) /* it is this thread that has found out */
        lose_kept_at(context, executor->host, executor->keeper_port);
}

/* With the lock. */
static uint32_t host_number(ClusterBackend *backend, const char *host)
{
    for (uint32_t i = 0; i < backend->host_count; i++)
        if (strcmp(backend->hosts[i], host) == 0)
            return i;
    if (backend->host_count == HOSTS_MAX)
        return HOSTS_MAX - 1; /* only a preference */
    backend->hosts[backend->host_count] = arena_strdup(backend->arena, host);
    return backend->host_count++;
}

/* With the lock. The one of that number, held; NULL: there is none. */
static RemoteExecutor *hold_number(ClusterBackend *backend, int64_t number)
{
    LIST_EACH(node, &backend->sender.executors)
    {
        RemoteExecutor *executor = LIST_OWNER(node, RemoteExecutor, node);

        if (executor->number == number) {
            executor->references++;
            return executor;
        }
    }
    return NULL;
}

static RemoteExecutor *hold_place(ClusterBackend *backend, uint64_t place)
{
    RemoteExecutor *found;

    lock(backend);
    found = remote_sender_find(&backend->sender, place);
    if (found != NULL)
        found->references++;
    unlock(backend);
    return found;
}

static void let_go(ClusterBackend *backend, RemoteExecutor *executor)
{
    if (executor == NULL)
        return;
    lock(backend);
    remote_executor_unref(executor);
    unlock(backend);
}

/* With the lock. It clears away what those before it have kept of other outputs. */
static void tell_wanted(ClusterBackend *backend, RemoteExecutor *executor)
{
    Arena *arena = arena_new(NULL, "wanted", ARENA_NO_CAP);
    const uint64_t *outputs;
    uint32_t count;
    uint64_t last = block_store_outputs(backend->store, arena, &count, &outputs);

    order_put_wanted(remote_executor_orders(executor, count * sizeof *outputs), last, count,
                     outputs);
    arena_free(arena);
}

/* With the lock. Before it may be given tasks: who is here, and who serves what others kept. */
static void tell_newcomer(ClusterBackend *backend, RemoteExecutor *newcomer)
{
    LIST_EACH(node, &backend->sender.executors)
    {
        const RemoteExecutor *other = LIST_OWNER(node, RemoteExecutor, node);
        OrderPeer peer = {.place = other->place, .host = other->host, .port = other->port};

        if (other->place != 0) /* else it is new as well, and tells all when it is settled */
            order_put_peer(remote_executor_orders(newcomer, 0), &peer);
    }
    kept_places_put(&backend->kept, remote_executor_orders(newcomer, 0));
    if (newcomer->keeper_port != 0)
        tell_wanted(backend, newcomer);
}

/* With the lock. Before it makes anything: it takes no orders until it has a place. */
static void tell_others(ClusterBackend *backend, const RemoteExecutor *newcomer)
{
    OrderPeer self = {.place = newcomer->place, .host = newcomer->host, .port = newcomer->port};

    block_fetcher_peer(backend->fetcher, &self);
    LIST_EACH(node, &backend->sender.executors)
    {
        RemoteExecutor *other = LIST_OWNER(node, RemoteExecutor, node);

        if (other != newcomer)
            order_put_peer(remote_executor_orders(other, 0), &self);
    }
}

/* Executors may be faster than the master's answer to this process. */
static bool is_own_application(ClusterBackend *backend, int64_t application)
{
    bool is_own = false;

    lock(backend);
    while (backend->application_count == 0 && !backend->sender.is_closing)
        pthread_cond_wait(&backend->named, &backend->sender.lock);
    for (uint32_t i = 0; i < backend->application_count; i++)
        is_own |= backend->applications[i] == application;
    unlock(backend);
    return is_own;
}

void cluster_backend_set_application(ClusterBackend *backend, int64_t application)
{
    const BackendOptions *options = &backend->options;
    Identity own = options->rpc->channel_keys_identity(options->keys);
    uint32_t others = backend->application_count;

    if (others > 0 && backend->applications[0] == application)
        return;
    if (others == APPLICATIONS_MAX)
        others--;
    options->rpc->rpc_pool_speak_as(options->pool, (Identity){own.driver, application});
    lock(backend);
    memmove(&backend->applications[1], &backend->applications[0],
            others * sizeof *backend->applications);
    backend->applications[0] = application;
    backend->application_count = others + 1;
    pthread_cond_broadcast(&backend->named);
    unlock(backend);
}

/* A driver that is a member could be called with the key of any application. */
static Status check_caller(ClusterBackend *backend, const char *what, Error *err)
{
    const BackendOptions *options = &backend->options;
    Identity caller = options->rpc->rpc_caller();

    if (identity_is_member(caller) ||
        (caller.driver == options->rpc->channel_keys_identity(options->keys).driver &&
         is_own_application(backend, caller.application)))
        return ST_OK;
    return options->rpc->rpc_refuse(err, what);
}

static Status check_build(const ExecutorHello *hello, Error *err)
{
    if (strcmp(hello->version, VONK_VERSION) != 0)
        return error_set(err, ST_NOT_SUPPORTED, "the driver is Vonk %s, and the executor Vonk %s",
                         VONK_VERSION, hello->version);
    if (hello->vocabulary != plan_wire_vocabulary())
        return error_set(err, ST_NOT_SUPPORTED,
                         "the driver and the executor are different builds of Vonk %s",
                         VONK_VERSION);
    return ST_OK;
}

static Status on_register(void *context, const ExecutorHello *hello, Error *err,
                          uint64_t *place_out)
{
    ClusterBackend *backend = context;
    RemoteExecutor *executor, *before;
    ExecutorSpec spec = {.slots = hello->slots, .ahead = AHEAD_A_SLOT * hello->slots};
    char name[48];
    Status status;
    BlockFate fate;
    bool is_gone;

    TRY(check_caller(backend, "be an executor of another application", err));
    TRY(check_build(hello, err));
    lock(backend);
    before = hold_number(backend, hello->executor);
    spec.host = host_number(backend, hello->address.host);
    unlock(backend);
    if (before != NULL)
        lose(backend, before, &(ExecutorEnd){.reason = "it came anew"});
    let_go(backend, before);
    snprintf(name, sizeof name, "executor %lld", (long long)hello->executor);
    spec.name = name;
    lock(backend);
    status = remote_executor_start(&backend->sender, hello, err, &executor);
    if (status == ST_OK) {
        executor->references++; /* here: it may be gone before this is through */
        tell_newcomer(backend, executor);
    }
    unlock(backend);
    if (status != ST_OK)
        return status;
    driver_executor_added(backend->driver, &spec, &executor->id);
    lock(backend);
    *place_out = executor->id;
    remote_executor_settle(executor);
    is_gone = executor->is_gone; /* its worker was faster */
    if (!is_gone)
        tell_others(backend, executor);
    fate = fate_of_blocks(executor);
    remote_sender_wake(&backend->sender);
    unlock(backend);
    if (is_gone)
        driver_executor_lost(backend->driver, *place_out, fate, "it has ended");
    driver_copy_kept(backend->driver);
    LOG_INFO("driver", "executor %lld has come from %s:%u with %u slots",
             (long long)hello->executor, hello->address.host, hello->address.port, hello->slots);
    let_go(backend, executor);
    return ST_OK;
}

static Status on_ended(void *context, const ExecutorEnd *end, Error *err)
{
    ClusterBackend *backend = context;
    RemoteExecutor *executor;

    TRY(check_caller(backend, "speak for executors of another application", err));
    lock(backend);
    executor = hold_number(backend, end->executor);
    unlock(backend);
    if (executor != NULL)
        lose(backend, executor, end);
    let_go(backend, executor);
    return ST_OK;
}

/* --- reports --- */

static TaskResult result_of(const AttemptReport *report)
{
    return (TaskResult){.status = report->error.status,
                        .error = report->error,
                        .has_lost_input = report->has_lost_input,
                        .lost_source = report->lost_source,
                        .lost_map = report->lost_map,
                        .lost_place = report->lost_place,
                        .hash = report->hash,
                        .rows = report->rows,
                        .bytes = report->bytes,
                        .stored_bytes = report->stored_bytes,
                        .is_kept = report->is_kept,
                        .cpu_ms = report->cpu_ms,
                        .counts_bytes = report->counts,
                        .sample = report->sample,
                        .sizes = report->sizes};
}

static void tasks_ended(ClusterBackend *backend, RemoteExecutor *executor,
                        const ExecutorReport *report, Arena *arena)
{
    TaskLaunch *launches = ARENA_ARRAY(arena, TaskLaunch, report->ended_count);
    TaskResult *results = ARENA_ARRAY(arena, TaskResult, report->ended_count);
    uint32_t count = 0;

    lock(backend);
    for (uint32_t i = 0; i < report->ended_count; i++)
        /* else it was said before, or its executor was given up */
        if (remote_executor_take_launch(executor, report->ended[i].attempt, &launches[count]))
            results[count++] = result_of(&report->ended[i]);
    unlock(backend);
    if (count > 0)
        driver_tasks_ended(backend->driver, count, launches, results);
}

static Status take_report(ClusterBackend *backend, RemoteExecutor *executor, WireBytes bytes,
                          Arena *arena, Error *err, WireBytes *answer_out)
{
    WireWriter to = {.arena = arena};
    ExecutorReport report;
    AttemptId *unwanted;
    uint32_t count;
    bool is_known;

    TRY(report_take(bytes, arena, err, &report));
    tasks_ended(backend, executor, &report, arena);
    for (uint32_t i = 0; i < report.copy_count; i++)
        driver_copy_made(backend->driver, report.copies[i].output, report.copies[i].map,
                         executor->place, report.copies[i].hash);
    unwanted = ARENA_ARRAY(arena, AttemptId, report.running_count);
    count = driver_heartbeat(backend->driver, executor->place, report.launches_taken,
                             report.running, report.running_count, unwanted, &is_known);
    if (!is_known)
        return error_set(err, ST_BAD_INPUT, "the driver does not know it any more");
    lock(backend);
    remote_executor_forget_unknown(executor, &report);
    unlock(backend);
    answer_put(&to, count, unwanted);
    *answer_out = (WireBytes){to.bytes, to.length};
    return ST_OK;
}

static Status on_report(void *context, uint64_t place, WireBytes bytes, Arena *arena, Error *err,
                        WireBytes *answer_out)
{
    ClusterBackend *backend = context;
    RemoteExecutor *executor;
    Status status;

    TRY(check_caller(backend, "report to another application", err));
    executor = hold_place(backend, place);
    if (executor == NULL)
        return error_set(err, ST_BAD_INPUT, "the driver does not know it any more");
    pthread_mutex_lock(&executor->reports);
    status = take_report(backend, executor, bytes, arena, err, answer_out);
    pthread_mutex_unlock(&executor->reports);
    let_go(backend, executor);
    return status;
}

static Status on_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                        Arena *arena, Error *err, BlockPiece *piece_out)
{
    const BackendOptions *options = &((ClusterBackend *)context)->options;

    if (options->fetch_object == NULL)
        return error_set(err, ST_BAD_INPUT, "the driver has no such file");
    return options->fetch_object(options->context, hash, offset, piece_bytes, arena, err,
                                 piece_out);
}

static Status on_fetch_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                              Arena *arena, Error *err, BlockPiece *piece_out)
{
    TRY(check_caller(context, "read objects of another application", err));
    return on_object(context, hash, offset, piece_bytes, arena, err, piece_out);
}

/* Where a peer is; false: it has gone meanwhile. */
static bool find_peer(ClusterBackend *backend, SwarmAnswer *answer, Arena *arena)
{
    const RemoteExecutor *peer;

    lock(backend);
    peer = remote_sender_find(&backend->sender, answer->place);
    if (peer != NULL) {
        answer->host = arena_strdup(arena, peer->host);
        answer->port = peer->port;
    }
    unlock(backend);
    if (peer == NULL)
        object_swarm_lose(backend->swarm, answer->place);
    return peer != NULL;
}

static Status read_chunk(ClusterBackend *backend, uint64_t object, SwarmAnswer *answer,
                         Arena *arena, Error *err)
{
    uint64_t offset = (uint64_t)answer->chunk * SWARM_CHUNK_BYTES;
    BlockPiece piece;

    TRY(on_object(backend, object, offset, SWARM_CHUNK_BYTES, arena, err, &piece));
    answer->bytes = (WireBytes){piece.bytes, piece.byte_count};
    answer->checksum = XXH3_64bits(piece.bytes, piece.byte_count);
    object_swarm_gave(backend->swarm, object, answer->chunk, answer->checksum);
    atomic_fetch_add(&backend->object_bytes, piece.byte_count);
    return ST_OK;
}

static Status on_ask_chunk(void *context, WireBytes asked, Arena *arena, Error *err,
                           WireBytes *answer_out)
{
    ClusterBackend *backend = context;
    WireWriter to = {.arena = arena};
    SwarmAnswer answer;
    BlockPiece piece;
    uint64_t total;
    SwarmAsk ask;

    TRY(check_caller(backend, "read objects of another application", err));
    TRY(swarm_ask_take(asked, err, &ask));
    total = object_swarm_total(backend->swarm, ask.object);
    if (total == 0) {
        TRY(on_object(backend, ask.object, 0, 1, arena, err, &piece));
        total = piece.total_bytes;
    }
    do
        TRY(object_swarm_ask(backend->swarm, &ask, total, clock_now_ns() / 1000000, err, &answer));
    while (answer.kind == SWARM_PEER && !find_peer(backend, &answer, arena));
    if (answer.kind == SWARM_GIVE)
        TRY(read_chunk(backend, ask.object, &answer, arena, err));
    swarm_answer_put(&to, &answer);
    *answer_out = (WireBytes){to.bytes, to.length};
    return ST_OK;
}

static Status check_reader(void *context, Error *err)
{
    return check_caller(context, "read blocks of another application", err);
}

/* Only what plans name: what else tasks make is not the driver's to give. */
static BlockOutput *on_output(void *context, uint64_t output)
{
    const BackendOptions *options = &((ClusterBackend *)context)->options;

    return options->find_output == NULL ? NULL : options->find_output(options->context, output);
}

/* --- what the driver says --- */

static void backend_launch(TaskBackend *base, const TaskLaunch *launch)
{
    ClusterBackend *backend = backend_of(base);
    StageOrder order = job_stage_order(launch->stage);
    RemoteExecutor *executor;

    lock(backend);
    executor = remote_sender_find_id(&backend->sender, launch->executor);
    if (executor != NULL) {
        remote_executor_put_launch(executor, &order, launch);
        remote_sender_wake(&backend->sender);
    }
    unlock(backend);
}

static void backend_cancel(TaskBackend *base, ExecutorId id, AttemptId attempt,
                           uint64_t launch_number)
{
    ClusterBackend *backend = backend_of(base);
    RemoteExecutor *executor;

    lock(backend);
    executor = remote_sender_find_id(&backend->sender, id);
    if (executor != NULL) {
        order_put_cancel(remote_executor_orders(executor, 0), attempt, launch_number);
        remote_sender_wake(&backend->sender);
    }
    unlock(backend);
}

static ExecutorId backend_copy(TaskBackend *base, const BlockOutput *output, uint32_t partition,
                               ExecutorId at)
{
    ClusterBackend *backend = backend_of(base);
    const RemoteExecutor *from;
    RemoteExecutor *to;
    ExecutorId told = 0;

    lock(backend);
    from = remote_sender_find(&backend->sender, at);
    to = from == NULL ? NULL : remote_sender_copier(&backend->sender, from);
    if (to != NULL) {
        told = to->place;
        remote_executor_put_copy(to, output, partition);
        remote_sender_wake(&backend->sender);
    } else if (from != NULL && !backend->has_said_one_copy) {
        backend->has_said_one_copy = true;
        LOG_WARN("driver", "partitions that are to be kept twice have one copy: there is no other "
                           "executor");
    }
    unlock(backend);
    return told;
}

static void backend_stage_released(TaskBackend *base, StageId stage)
{
    ClusterBackend *backend = backend_of(base);

    lock(backend);
    LIST_EACH(node, &backend->sender.executors)
    remote_executor_drop_stage(LIST_OWNER(node, RemoteExecutor, node), stage);
    remote_sender_wake(&backend->sender);
    unlock(backend);
}

static void backend_executor_gone(TaskBackend *base, ExecutorId id, const char *reason)
{
    ClusterBackend *backend = backend_of(base);
    RemoteExecutor *executor;
    int64_t number = 0;

    lock(backend);
    executor = remote_sender_find_id(&backend->sender, id);
    if (executor != NULL) {
        number = executor->number;
        (void)cut_off(backend, executor);
        kept_places_told(&backend->kept, backend->store, executor->place);
    }
    unlock(backend);
    if (executor != NULL)
        tell_given_up(backend, number, reason);
}

static void backend_executor_drained(TaskBackend *base, ExecutorId id)
{
    ClusterBackend *backend = backend_of(base);
    RemoteExecutor *executor;

    lock(backend);
    executor = remote_sender_find_id(&backend->sender, id);
    if (executor != NULL) {
        order_put_end(remote_executor_orders(executor, 0), "it was drained");
        remote_sender_wake(&backend->sender);
    }
    unlock(backend);
}

static const TaskBackendClass cluster_class = {.launch = backend_launch,
                                               .cancel = backend_cancel,
                                               .copy = backend_copy,
                                               .stage_released = backend_stage_released,
                                               .executor_gone = backend_executor_gone,
                                               .executor_drained = backend_executor_drained};

void cluster_backend_drain(ClusterBackend *backend, int64_t number)
{
    RemoteExecutor *executor;

    lock(backend);
    executor = hold_number(backend, number);
    if (executor != NULL)
        executor->is_draining = true;
    unlock(backend);
    if (executor != NULL && executor->place != 0)
        driver_executor_drain(backend->driver, executor->place);
    let_go(backend, executor);
}

/* --- what the store says --- */

static void on_forget(void *context, uint64_t output)
{
    ClusterBackend *backend = context;

    lock(backend);
    LIST_EACH(node, &backend->sender.executors)
    remote_executor_drop_output(LIST_OWNER(node, RemoteExecutor, node), output);
    remote_sender_wake(&backend->sender);
    unlock(backend);
}

static void on_forget_map(void *context, uint64_t output, uint32_t map, uint64_t place)
{
    ClusterBackend *backend = context;
    RemoteExecutor *executor;

    lock(backend);
    executor = remote_sender_find(&backend->sender, place);
    if (executor != NULL) {
        order_put_drop_map(remote_executor_orders(executor, 0), output, map);
        remote_sender_wake(&backend->sender);
    }
    unlock(backend);
}

/* --- its life --- */

static Status start(ClusterBackend *backend, Error *err)
{
    const BackendOptions *options = &backend->options;
    FetcherHooks hooks = {backend, on_forget, on_forget_map};
    RpcEndpoint endpoint = {.host = options->host, .port = options->port, .keys = options->keys};
    DriverHandler handler = {.blocks = block_server_handler(&backend->blocks),
                             .context = backend,
                             .register_executor = on_register,
                             .executor_ended = on_ended,
                             .report = on_report,
                             .fetch_object = on_fetch_object,
                             .ask_chunk = on_ask_chunk};

    TRY(block_fetcher_new(options->rpc, options->pool, hooks, err, &backend->fetcher));
    return options->rpc->rpc_driver_serve(&endpoint, &handler, err, &backend->server);
}

Status cluster_backend_new(Driver *driver, BlockStore *store, const BackendOptions *options,
                           Error *err, ClusterBackend **backend_out)
{
    Arena *arena = arena_new(NULL, "cluster backend", ARENA_NO_CAP);
    ClusterBackend *backend = ARENA_NEW(arena, ClusterBackend);
    Status status;

    *backend_out = NULL;
    backend->backend.class = &cluster_class;
    backend->driver = driver;
    backend->store = store;
    backend->options = *options;
    backend->arena = arena;
    backend->swarm = object_swarm_new();
    backend->blocks =
        (BlockServer){.context = backend, .check = check_reader, .find = on_output, .brings = true};
    pthread_cond_init(&backend->named, NULL);
    remote_sender_init(&backend->sender, options->rpc, options->pool, on_unreachable, backend);
    driver_set_backend(driver, &backend->backend);
    status = start(backend, err);
    if (status != ST_OK) {
        cluster_backend_free(backend);
        return status;
    }
    block_store_set_source(store, block_fetcher_source(backend->fetcher));
    *backend_out = backend;
    return ST_OK;
}

void cluster_backend_free(ClusterBackend *backend)
{
    if (backend == NULL)
        return;
    block_store_set_source(backend->store, NULL);
    remote_sender_close(&backend->sender, "the driver has ended");
    pthread_cond_broadcast(&backend->named);
    backend->options.rpc->rpc_server_stop(backend->server); /* whose calls ask for executors */
    remote_sender_fini(&backend->sender);
    block_fetcher_free(backend->fetcher);
    object_swarm_free(backend->swarm);
    kept_places_fini(&backend->kept);
    pthread_cond_destroy(&backend->named);
    arena_free(backend->arena);
}

uint16_t cluster_backend_port(const ClusterBackend *backend)
{
    return backend->options.rpc->rpc_server_port(backend->server);
}

uint64_t cluster_backend_object_bytes(const ClusterBackend *backend)
{
    return atomic_load(&backend->object_bytes);
}

ClusterSize cluster_backend_size(ClusterBackend *backend)
{
    ClusterSize size = {0};

    lock(backend);
    LIST_EACH(node, &backend->sender.executors)
    {
        size.executors++;
        size.slots += LIST_OWNER(node, RemoteExecutor, node)->slots;
    }
    unlock(backend);
    return size;
}
