/*
 * executor_process.c -- see executor_process.h
 *
 * The server's threads take orders, a thread a slot runs tasks, and the thread of executor_run
 * reports. A report says at one moment what was taken, what runs and what has ended.
 */
#include "cluster/executor_process.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cluster/block_fetcher.h"
#include "cluster/block_server.h"
#include "cluster/executor_stages.h"
#include "cluster/membership.h"
#include "cluster/object_cache.h"
#include "core/base/big_stack.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "core/rdd/block_keep.h"
#include "exec/user_shared.h"
#include "exec/user_task.h"

enum {
    SLOTS_MAX = 256,
    HEARTBEAT_MS = 1000,
    LOOK_EVERY_MS = 200, /* whether it should stop, which a signal may say */
    CALL_MS = 5000,
    REGISTER_MS = 10000,
    GOODBYE_MS = 500,
    DRIVER_SILENT_MS = 10000,
    DRIVER_GONE_MS = 1000, /* nobody listens where it was: its process has ended */
    REPORTS_MAX = 1000,    /* in one message */
    IDLE_CONNECTIONS = 64,
    REST_BYTES_MIN = 48 << 20,
    REST_BYTES_MAX = 512 << 20
};

/* A launch that was taken. */
typedef struct Attempt {
    Arena *arena;
    OrderLaunch launch;
    atomic_bool stop;
    ListNode node; /* of waiting, or of running */
} Attempt;

typedef struct Ended {
    Arena *arena;
    AttemptReport report;
    ListNode node;
} Ended;

struct Executor {
    ExecutorOptions options;
    Arena *arena;
    const RpcModule *rpc;
    ChannelKeys *keys;
    RpcPool *rpc_pool;
    MemPool *pool;
    BlockStore *store;
    BlockKeep *keep; /* NULL: what it makes goes with it */
    BlockFetcher *fetcher;
    ObjectCache *objects;
    BlockCopier *copier;
    BlockServer blocks;
    RpcServer *server;
    UserShared *shared;
    ExecutorStages *stages; /* NULL until it is registered */
    uint64_t place;
    atomic_bool must_stop;

    pthread_mutex_t orders;  /* being carried out; before the lock */
    uint64_t messages_taken; /* of them, with their lock */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t work, news;
    bool is_ready, is_ending;
    bool has_ended;     /* executor_end */
    const char *reason; /* to end */
    uint64_t launches_taken;
    List waiting, running; /* Attempts */
    List ended;            /* that the driver does not know yet, the oldest first */
    uint32_t thread_count;
    pthread_t threads[SLOTS_MAX];
};

static int64_t in_ms(int64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

/* --- ends --- */

/* With the lock. */
static void add_ended(Executor *executor, const AttemptReport *report)
{
    Arena *arena = arena_new(NULL, "report", ARENA_NO_CAP);
    Ended *ended = ARENA_NEW(arena, Ended);

    ended->arena = arena;
    ended->report = *report;
    if (report->counts.byte_count > 0)
        ended->report.counts.bytes =
            arena_copy(arena, report->counts.bytes, report->counts.byte_count);
    if (report->sample.byte_count > 0)
        ended->report.sample.bytes =
            arena_copy(arena, report->sample.bytes, report->sample.byte_count);
    if (report->sizes.byte_count > 0)
        ended->report.sizes.bytes =
            arena_copy(arena, report->sizes.bytes, report->sizes.byte_count);
    list_push(&executor->ended, &ended->node);
    pthread_cond_signal(&executor->news);
}

/* With the lock. One that never ran. */
static void end_unrun(Executor *executor, Attempt *attempt, Status status, const char *why)
{
    AttemptReport report = {.attempt = attempt->launch.attempt,
                            .launch_number = attempt->launch.launch_number,
                            .error = ERROR_NONE};

    (void)error_set(&report.error, status, "%s", why);
    list_remove(&executor->waiting, &attempt->node);
    arena_free(attempt->arena);
    add_ended(executor, &report);
}

/* --- tasks --- */

static AttemptReport report_of(const Attempt *attempt, const TaskResult *result)
{
    AttemptReport report = {.attempt = attempt->launch.attempt,
                            .launch_number = attempt->launch.launch_number,
                            .error = result->error,
                            .hash = result->hash,
                            .rows = result->rows,
                            .bytes = result->bytes,
                            .stored_bytes = result->stored_bytes,
                            .is_kept = result->is_kept,
                            .sample = result->sample,
                            .sizes = result->sizes,
                            .cpu_ms = result->cpu_ms,
                            .has_lost_input = result->has_lost_input,
                            .lost_source = result->lost_source,
                            .lost_map = result->lost_map,
                            .lost_place = result->lost_place};

    report.error.status = result->status;
    return report;
}

static void run_stage_task(Executor *executor, ExecutorStage *stage, Attempt *attempt,
                           TaskResult *result)
{
    const OrderLaunch *launch = &attempt->launch;

    if (launch->partition >= stage->wire.fragment.partition_count) {
        *result = (TaskResult){.error = ERROR_NONE};
        result->status =
            error_set(&result->error, ST_CORRUPT, "a launch of a partition that there is not");
        return;
    }
    task_run(&stage->work, launch->partition, launch->number, &attempt->stop, result);
    if (result->blocks == NULL)
        return;
    block_output_put(stage->output, launch->partition, result->blocks, executor->place);
    result->is_kept = executor->keep != NULL && !stage->is_persisted &&
                      result->cpu_ms >= executor->options.keep_least_ms &&
                      block_keep_add(executor->keep, stage->output, launch->partition,
                                     stage->wire.settings.encrypts);
}

static void run_attempt(Executor *executor, Attempt *attempt)
{
    TaskResult result = {.error = ERROR_NONE};
    ExecutorStage *stage;
    AttemptReport report;

    user_task_blame(attempt->launch.attempt);
    result.status =
        executor_stages_hold(executor->stages, attempt->launch.stage, &result.error, &stage);
    if (result.status == ST_OK) {
        uint32_t turn = user_shared_begin_task(executor->shared);

        run_stage_task(executor, stage, attempt, &result);
        user_shared_end_task(executor->shared, turn);
        executor_stages_let_go(executor->stages, stage);
    }
    report = report_of(attempt, &result);
    report.counts = user_counts_encode(result.counts, attempt->arena);
    pthread_mutex_lock(&executor->lock);
    list_remove(&executor->running, &attempt->node);
    add_ended(executor, &report);
    pthread_mutex_unlock(&executor->lock);
    task_result_fini(&result);
    arena_free(attempt->arena);
}

static void *slot_main(void *opaque)
{
    Executor *executor = opaque;
    CrashStack stack;

    user_task_crash_stack_init(&stack);
    pthread_mutex_lock(&executor->lock);
    while (!executor->is_ending) {
        ListNode *node = list_take(&executor->waiting);

        if (node == NULL) {
            pthread_cond_wait(&executor->work, &executor->lock);
            continue;
        }
        list_push(&executor->running, node);
        pthread_mutex_unlock(&executor->lock);
        run_attempt(executor, LIST_OWNER(node, Attempt, node));
        pthread_mutex_lock(&executor->lock);
    }
    pthread_mutex_unlock(&executor->lock);
    user_task_crash_stack_fini(&stack);
    return NULL;
}

/* --- orders --- */

static void take_peer(void *context, const OrderPeer *peer)
{
    Executor *executor = context;

    if (peer->place != executor->place)
        block_fetcher_peer(executor->fetcher, peer);
}

static void take_stage(void *context, const OrderStage *stage)
{
    executor_stages_add(((Executor *)context)->stages, stage);
}

static void take_places(void *context, uint64_t output, uint32_t count, const RemoteChange *changes)
{
    executor_stages_places(((Executor *)context)->stages, output, count, changes);
}

static void take_launch(void *context, const OrderLaunch *launch)
{
    Executor *executor = context;
    Attempt *attempt;
    Arena *arena;

    pthread_mutex_lock(&executor->lock);
    if (launch->launch_number > executor->launches_taken) {
        executor->launches_taken = launch->launch_number;
        arena = arena_new(NULL, "attempt", ARENA_NO_CAP);
        attempt = ARENA_NEW(arena, Attempt);
        attempt->arena = arena;
        attempt->launch = *launch;
        atomic_store(&attempt->stop, false);
        list_push(&executor->waiting, &attempt->node);
        pthread_cond_signal(&executor->work);
    }
    pthread_mutex_unlock(&executor->lock);
}

/* With the lock. */
static void stop_attempt(Executor *executor, uint64_t id)
{
    LIST_EACH(node, &executor->waiting)
    {
        Attempt *attempt = LIST_OWNER(node, Attempt, node);

        if (attempt->launch.attempt == id)
            end_unrun(executor, attempt, ST_CANCELLED, "it was cancelled before it began");
    }
    LIST_EACH(node, &executor->running)
    {
        Attempt *attempt = LIST_OWNER(node, Attempt, node);

        if (attempt->launch.attempt == id)
            atomic_store(&attempt->stop, true);
    }
}

static void take_cancel(void *context, uint64_t attempt, uint64_t launch_number)
{
    Executor *executor = context;

    pthread_mutex_lock(&executor->lock);
    if (launch_number > executor->launches_taken)
        executor->launches_taken = launch_number;
    stop_attempt(executor, attempt);
    pthread_mutex_unlock(&executor->lock);
}

static void take_drop_stage(void *context, uint64_t stage)
{
    executor_stages_drop(((Executor *)context)->stages, stage);
}

static void take_drop_output(void *context, uint64_t output)
{
    Executor *executor = context;

    executor_stages_drop_output(executor->stages, output);
    if (executor->keep != NULL)
        block_keep_drop(executor->keep, output);
}

static void take_drop_map(void *context, uint64_t output, uint32_t map)
{
    Executor *executor = context;

    executor_stages_drop_map(executor->stages, output, map);
    if (executor->keep != NULL)
        block_keep_drop_map(executor->keep, output, map);
}

static void take_copy(void *context, const OrderCopy *copy)
{
    Executor *executor = context;
    BlockOutput *output = executor_stages_copied(executor->stages, copy);

    if (output != NULL)
        block_copier_add(executor->copier, output, copy->of.map);
}

/* From the copier's thread. */
static void on_copied(void *context)
{
    Executor *executor = context;

    pthread_mutex_lock(&executor->lock);
    pthread_cond_signal(&executor->news);
    pthread_mutex_unlock(&executor->lock);
}

static void take_wanted(void *context, uint64_t last, uint32_t count, const uint64_t *outputs)
{
    Executor *executor = context;

    if (executor->keep != NULL)
        block_keep_only(executor->keep, last, count, outputs);
}

static void take_end(void *context, const char *reason)
{
    Executor *executor = context;

    pthread_mutex_lock(&executor->lock);
    executor->reason = arena_strdup(executor->arena, reason);
    pthread_cond_signal(&executor->news);
    pthread_mutex_unlock(&executor->lock);
}

static Status deliver(void *context, WireBytes orders, Error *err)
{
    Executor *executor = context;
    Status status;
    OrderTaker taker = {.context = executor,
                        .peer = take_peer,
                        .stage = take_stage,
                        .places = take_places,
                        .launch = take_launch,
                        .cancel = take_cancel,
                        .drop_stage = take_drop_stage,
                        .drop_output = take_drop_output,
                        .drop_map = take_drop_map,
                        .copy = take_copy,
                        .wanted = take_wanted,
                        .end = take_end};
    bool is_ready;

    pthread_mutex_lock(&executor->lock);
    is_ready = executor->is_ready;
    pthread_mutex_unlock(&executor->lock);
    if (!is_ready) /* its driver knows of it before it does */
        return error_set(err, ST_IO, "the executor is about to start");
    /* one message after the other, also when its sender has lost patience and sent it again */
    pthread_mutex_lock(&executor->orders);
    status = orders_take(orders, &taker, &executor->messages_taken, err);
    pthread_mutex_unlock(&executor->orders);
    return status;
}

BlockOutput *executor_output(void *context, uint64_t output)
{
    Executor *executor = context;
    bool is_ready;

    pthread_mutex_lock(&executor->lock);
    is_ready = executor->is_ready;
    pthread_mutex_unlock(&executor->lock);
    return is_ready ? executor_stages_output(executor->stages, output) : NULL;
}

/* --- reports --- */

static uint32_t count_list(const List *list)
{
    uint32_t count = 0;

    LIST_EACH(node, list) count++;
    return count;
}

/* With the lock. *ended_out: so many of the oldest are in it. */
static WireBytes make_report(Executor *executor, Arena *arena, uint32_t *ended_out,
                             uint32_t *copied_out)
{
    WireWriter to = {.arena = arena};
    ExecutorReport report = {.launches_taken = executor->launches_taken};
    const List *lists[] = {&executor->waiting, &executor->running};
    uint32_t known = count_list(&executor->waiting) + count_list(&executor->running);
    uint32_t count = count_list(&executor->ended);
    AttemptReport *ended =
        ARENA_ARRAY(arena, AttemptReport, count < REPORTS_MAX ? count : REPORTS_MAX);
    AttemptId *running;

    report.running = running = ARENA_ARRAY(arena, AttemptId, known + count);
    for (int i = 0; i < 2; i++)
        LIST_EACH(node, lists[i])
    running[report.running_count++] = LIST_OWNER(node, Attempt, node)->launch.attempt;
    report.ended = ended;
    LIST_EACH(node, &executor->ended)
    {
        const AttemptReport *one = &LIST_OWNER(node, Ended, node)->report;

        if (report.ended_count < REPORTS_MAX)
            ended[report.ended_count++] = *one;
        else
            running[report.running_count++] = one->attempt; /* the next report has it */
    }
    *ended_out = report.ended_count;
    report.copies = block_copier_made(executor->copier, arena, &report.copy_count);
    *copied_out = report.copy_count;
    report_put(&to, &report);
    return (WireBytes){to.bytes, to.length};
}

/* The driver has the report. */
static void take_answer(Executor *executor, WireBytes answer, uint32_t ended, uint32_t copied,
                        Arena *arena)
{
    const AttemptId *unwanted = NULL;
    Error err = ERROR_NONE;
    uint32_t count = 0;

    if (answer_take(answer, arena, &err, &count, &unwanted) != ST_OK)
        LOG_WARN("executor", "%s", err.message);
    pthread_mutex_lock(&executor->lock);
    for (; ended > 0; ended--)
        arena_free(LIST_OWNER(list_take(&executor->ended), Ended, node)->arena);
    block_copier_told(executor->copier, copied);
    for (uint32_t i = 0; i < count; i++)
        stop_attempt(executor, unwanted[i]);
    pthread_mutex_unlock(&executor->lock);
}

static Status report(Executor *executor, Error *err)
{
    Arena *arena = arena_new(NULL, "report", ARENA_NO_CAP);
    WireBytes bytes, answer;
    uint32_t ended, copied;
    Status status;

    pthread_mutex_lock(&executor->lock);
    bytes = make_report(executor, arena, &ended, &copied);
    pthread_mutex_unlock(&executor->lock);
    status = executor->rpc->rpc_driver_report(executor->rpc_pool, executor->options.driver,
                                              executor->place, bytes, in_ms(CALL_MS), arena, err,
                                              &answer);
    if (status == ST_OK)
        take_answer(executor, answer, ended, copied, arena);
    arena_free(arena);
    return status;
}

/* Until there is something to report, or it is time for a sign of life. */
static void wait_for_news(Executor *executor, int64_t until_ns)
{
    pthread_mutex_lock(&executor->lock);
    while (list_is_empty(&executor->ended) && !block_copier_has_news(executor->copier) &&
           executor->reason == NULL && !atomic_load(&executor->must_stop) &&
           clock_now_ns() < until_ns) {
        int64_t look_ns = in_ms(LOOK_EVERY_MS), at_ns = look_ns < until_ns ? look_ns : until_ns;
        struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};

        pthread_cond_timedwait(&executor->news, &executor->lock, &at);
    }
    pthread_mutex_unlock(&executor->lock);
}

/* Why it should end; NULL: it should not. */
static const char *reason_to_end(Executor *executor, int64_t heard_ns, bool is_refused)
{
    int64_t most_ms = is_refused ? DRIVER_GONE_MS : DRIVER_SILENT_MS;
    const char *reason;

    pthread_mutex_lock(&executor->lock);
    reason = executor->reason;
    pthread_mutex_unlock(&executor->lock);
    if (reason == NULL && atomic_load(&executor->must_stop))
        reason = "it was told to stop";
    if (reason == NULL && clock_now_ns() - heard_ns > most_ms * 1000000)
        reason = is_refused ? "its driver is gone" : "its driver is silent";
    return reason;
}

/* So that nobody has to find out. */
static void say_goodbye(Executor *executor, const char *reason)
{
    ExecutorEnd end = {.executor = executor->options.executor, .reason = reason};
    Error err = ERROR_NONE;

    if (executor->rpc->rpc_driver_executor_ended(executor->rpc_pool, executor->options.driver, &end,
                                                 in_ms(GOODBYE_MS), &err) != ST_OK)
        LOG_INFO("executor", "the driver does not hear of it: %s", err.message);
}

static void serve(Executor *executor)
{
    int64_t heard_ns = clock_now_ns();
    bool is_refused = false;
    const char *reason;

    while ((reason = reason_to_end(executor, heard_ns, is_refused)) == NULL) {
        Error err = ERROR_NONE;
        Status status = report(executor, &err);

        is_refused = strcmp(err.sqlstate, SQLSTATE_REFUSED) == 0;
        if (status == ST_OK) {
            heard_ns = clock_now_ns();
            wait_for_news(executor, heard_ns + (int64_t)HEARTBEAT_MS * 1000000);
        } else if (status == ST_BAD_INPUT) {
            LOG_WARN("executor", "it was given up: %s", err.message);
            return;
        } else {
            LOG_INFO("executor", "the driver does not answer: %s", err.message);
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        }
    }
    say_goodbye(executor, reason);
    LOG_INFO("executor", "ends: %s", reason); /* its last words */
}

/* --- what all executors have --- */

static Status fetch_shared(void *context, uint64_t hash, Arena *arena, Error *err,
                           WireBytes *bytes_out)
{
    return object_cache_copy(((Executor *)context)->objects, hash, arena, err, bytes_out);
}

static void forget_shared(void *context, uint64_t hash)
{
    object_cache_forget(((Executor *)context)->objects, hash);
}

static Status give_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                          Arena *arena, Error *err, BlockPiece *piece_out)
{
    return object_cache_piece(((Executor *)context)->objects, hash, offset, piece_bytes, arena, err,
                              piece_out);
}

Status executor_fetch_object(Executor *executor, uint64_t hash, Arena *arena, Error *err,
                             const char **path_out)
{
    const char *path = arena_printf(arena, "%s/object-%016llx.so", executor->options.folder,
                                    (unsigned long long)hash);

    *path_out = path;
    return access(path, R_OK) == 0
               ? ST_OK
               : object_cache_to_file(executor->objects, hash, path, arena, err);
}

/* --- its life --- */

static uint64_t make_room(void *store, uint64_t bytes)
{
    return block_store_spill(store, bytes);
}

static Status open_network(Executor *executor, Error *err)
{
    const ExecutorOptions *options = &executor->options;
    const RpcModule *rpc;

    TRY(rpc_module(err, &rpc));
    executor->rpc = rpc;
    TRY(membership_keys(rpc, options->secret_file, err, &executor->keys));
    executor->rpc_pool = rpc->rpc_pool_new(executor->keys, IDLE_CONNECTIONS);
    TRY(block_fetcher_new(rpc, executor->rpc_pool, (FetcherHooks){0}, err, &executor->fetcher));
    block_fetcher_peer(executor->fetcher,
                       &(OrderPeer){DRIVER_PLACE, options->driver.host, options->driver.port});
    executor->objects = object_cache_new(rpc, executor->rpc_pool, options->driver, executor->pool);
    return ST_OK;
}

/* Without it the executor works as well. */
static void open_keep(Executor *executor)
{
    const ExecutorOptions *options = &executor->options;
    Error err = ERROR_NONE;
    Status status = ST_OK;
    KeepKey key;

    if (options->keeper_port == 0 || options->keep_bytes == 0)
        return;
    if (options->keep_key != NULL)
        status = membership_key(executor->rpc, options->keep_key, &err, key.bytes);
    if (status == ST_OK)
        status = block_keep_open(options->keep_folder, options->executor, options->keep_bytes,
                                 options->keep_key == NULL ? NULL : &key, &err, &executor->keep);
    if (status != ST_OK)
        LOG_WARN("executor", "what tasks make does not outlive this process: %s", err.message);
}

/* Of what it may have: the process itself, code that is compiled and messages need some, too, and
 * who asks for more than it may have is ended instead of refused. */
static uint64_t pool_bytes(uint64_t memory_bytes)
{
    uint64_t rest = memory_bytes / 8;

    rest = rest < REST_BYTES_MIN ? REST_BYTES_MIN : rest > REST_BYTES_MAX ? REST_BYTES_MAX : rest;
    return memory_bytes - (rest < memory_bytes / 2 ? rest : memory_bytes / 2);
}

Status executor_new(const ExecutorOptions *options, Error *err, Executor **executor_out)
{
    Arena *arena = arena_new(NULL, "executor", ARENA_NO_CAP);
    Executor *executor = ARENA_NEW(arena, Executor);
    pthread_condattr_t attr;
    Status status;

    *executor_out = NULL;
    executor->arena = arena;
    executor->options = *options;
    atomic_store(&executor->must_stop, false);
    pthread_mutex_init(&executor->lock, NULL);
    pthread_mutex_init(&executor->orders, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&executor->news, &attr);
    pthread_cond_init(&executor->work, &attr);
    pthread_condattr_destroy(&attr);
    executor->pool = mem_pool_new(NULL, "executor", pool_bytes(options->memory_bytes));
    executor->store = block_store_new(executor->pool, options->folder);
    executor->shared = user_shared_new_remote(fetch_shared, forget_shared, executor);
    mem_pool_on_pressure(executor->pool, make_room, executor->store);
    executor->blocks = (BlockServer){
        .context = executor, .find = executor_output, .damage_every = options->damage_every};
    executor->copier = block_copier_new(on_copied, executor);
    status = open_network(executor, err);
    if (status != ST_OK) {
        executor_free(executor);
        return status;
    }
    open_keep(executor);
    block_store_set_source(executor->store, block_fetcher_source(executor->fetcher));
    *executor_out = executor;
    return ST_OK;
}

MemPool *executor_pool(Executor *executor)
{
    return executor->pool;
}

BlockStore *executor_store(Executor *executor)
{
    return executor->store;
}

void executor_stop(Executor *executor)
{
    atomic_store(&executor->must_stop, true);
}

static Status start_server(Executor *executor, Error *err)
{
    RpcEndpoint endpoint = {.host = executor->options.host, .keys = executor->keys};
    ExecutorHandler handler = {.blocks = block_server_handler(&executor->blocks),
                               .context = executor,
                               .fetch_object = give_object,
                               .deliver = deliver};

    return executor->rpc->rpc_executor_serve(&endpoint, &handler, err, &executor->server);
}

static Status register_with_driver(Executor *executor, Error *err)
{
    const ExecutorOptions *options = &executor->options;
    ExecutorHello hello = {
        .version = VONK_VERSION,
        .vocabulary = plan_wire_vocabulary(),
        .executor = options->executor,
        .address = {options->host, executor->rpc->rpc_server_port(executor->server)},
        .slots = options->cores,
        .application = options->application,
        .keeper_port = executor->keep == NULL ? 0 : options->keeper_port};

    return executor->rpc->rpc_driver_register_executor(executor->rpc_pool, options->driver, &hello,
                                                       in_ms(REGISTER_MS), err, &executor->place);
}

static Status start_threads(Executor *executor, Error *err)
{
    while (executor->thread_count < executor->options.cores && executor->thread_count < SLOTS_MAX) {
        int failure = big_stack_thread(TASK_STACK_BYTES, slot_main, executor,
                                       &executor->threads[executor->thread_count]);

        if (failure != 0)
            return error_set_errno(err, failure, "cannot start a thread");
        executor->thread_count++;
    }
    return ST_OK;
}

static void begin(Executor *executor, const PlanWireHooks *hooks)
{
    StagesSpec spec = {.store = executor->store,
                       .cache = executor->options.cache,
                       .spill_bytes =
                           pool_bytes(executor->options.memory_bytes) / 2 / executor->options.cores,
                       .place = executor->place,
                       .hooks = hooks,
                       .shared = executor->shared};

    object_cache_set_place(executor->objects, executor->place);
    executor->stages = executor_stages_new(&spec);
    pthread_mutex_lock(&executor->lock);
    executor->is_ready = true;
    pthread_mutex_unlock(&executor->lock);
}

Status executor_run(Executor *executor, const PlanWireHooks *hooks, Error *err)
{
    TRY(start_server(executor, err));
    TRY(start_threads(executor, err));
    TRY(register_with_driver(executor, err));
    LOG_INFO("executor", "executor %lld serves %s:%u, %u slots",
             (long long)executor->options.executor, executor->options.host,
             executor->rpc->rpc_server_port(executor->server), executor->options.cores);
    begin(executor, hooks);
    serve(executor);
    return ST_OK;
}

void executor_end(Executor *executor)
{
    if (executor->rpc != NULL)
        executor->rpc->rpc_server_stop(executor->server);
    executor->server = NULL;
    pthread_mutex_lock(&executor->lock);
    executor->is_ending = true;
    LIST_EACH(node, &executor->running)
    atomic_store(&LIST_OWNER(node, Attempt, node)->stop, true);
    pthread_cond_broadcast(&executor->work);
    pthread_mutex_unlock(&executor->lock);
    while (executor->thread_count > 0)
        pthread_join(executor->threads[--executor->thread_count], NULL);
}

void executor_free(Executor *executor)
{
    if (executor == NULL)
        return;
    executor_end(executor);
    block_copier_free(executor->copier);
    while (!list_is_empty(&executor->waiting))
        arena_free(LIST_OWNER(list_take(&executor->waiting), Attempt, node)->arena);
    while (!list_is_empty(&executor->ended))
        arena_free(LIST_OWNER(list_take(&executor->ended), Ended, node)->arena);
    executor_stages_free(executor->stages);
    user_shared_free(executor->shared);
    object_cache_free(executor->objects);
    block_fetcher_free(executor->fetcher);
    block_store_free(executor->store);
    block_keep_close(executor->keep);
    mem_pool_free(executor->pool);
    if (executor->rpc != NULL) {
        executor->rpc->rpc_pool_free(executor->rpc_pool);
        executor->rpc->channel_keys_free(executor->keys);
    }
    pthread_cond_destroy(&executor->news);
    pthread_cond_destroy(&executor->work);
    pthread_mutex_destroy(&executor->lock);
    pthread_mutex_destroy(&executor->orders);
    arena_free(executor->arena);
}
