/* remote_executor.c -- see remote_executor.h */
#include "cluster/remote_executor.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cluster/block_wire.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum {
    CHUNK_BYTES = 1 << 20, /* of one message, but for a plan that is larger */
    CALL_MS = 5000,
    GIVE_UP_MS = 5000, /* nothing is taken for so long */
    PROBE_MS = 500,
    REFUSED_GIVE_UP_MS = 400, /* nobody listens: its worker may be about to say why */
    ASK_KEEPER_MS = 200,
    CLOSING_MS = 1000, /* when the driver ends         */
    BACKOFF_MS_MAX = 100
};

typedef struct Chunk {
    Arena *arena;
    WireWriter orders;
    ListNode node;
} Chunk;

typedef struct Launch {
    Arena *arena;
    TaskLaunch launch;
    ListNode node;
} Launch;

/* --- orders --- */

WireWriter *remote_executor_orders(RemoteExecutor *executor, size_t bytes)
{
    Chunk *last =
        executor->chunks.last == NULL ? NULL : LIST_OWNER(executor->chunks.last, Chunk, node);
    Arena *arena;

    if (last == NULL || last->orders.length + bytes > CHUNK_BYTES) {
        arena = arena_new(NULL, "orders", ARENA_NO_CAP);
        last = ARENA_NEW(arena, Chunk);
        last->arena = arena;
        last->orders = (WireWriter){.arena = arena};
        orders_begin(&last->orders, ++executor->messages);
        list_push(&executor->chunks, &last->node);
    }
    return &last->orders;
}

/* It will have that output, and must be told when nobody wants it any more. */
static void note_output(RemoteExecutor *executor, uint64_t output)
{
    if (!id_map_get(&executor->outputs, output, NULL))
        id_map_set(&executor->outputs, output, 0);
}

static void put_stage(RemoteExecutor *executor, const StageOrder *order)
{
    Arena *arena = arena_new(NULL, "stage order", ARENA_NO_CAP);
    uint64_t *inputs = ARENA_ARRAY(arena, uint64_t, order->input_count);
    OrderStage stage = {.stage = order->id,
                        .output = block_output_id(order->output),
                        .level = block_output_level(order->output),
                        .is_persisted = order->is_persisted,
                        .input_count = order->input_count,
                        .inputs = inputs,
                        .plan = order->plan,
                        .ranges = order->ranges};

    note_output(executor, stage.output);
    for (uint32_t i = 0; i < order->input_count; i++)
        if (order->inputs[i] != NULL) {
            inputs[i] = block_output_id(order->inputs[i]);
            note_output(executor, inputs[i]);
        }
    if (order->shared != NULL) {
        Error err = ERROR_NONE;

        stage.has_shared = true;
        if (user_shared_names(order->shared, arena, &err, &stage.shared) != ST_OK)
            LOG_WARN("driver", "executors cannot have the shared values: %s", err.message);
    }
    order_put_stage(
        remote_executor_orders(executor, order->plan.byte_count + order->ranges.byte_count),
        &stage);
    id_map_set(&executor->stages, order->id, 1);
    arena_free(arena);
}

static void put_places(RemoteExecutor *executor, const BlockOutput *output)
{
    Arena *arena = arena_new(NULL, "places", ARENA_NO_CAP);
    uint64_t id = block_output_id(output), version = 0;
    const RemoteChange *changes;
    uint32_t count;

    (void)id_map_get(&executor->outputs, id, &version);
    count = block_output_changes(output, &version, arena, &changes);
    id_map_set(&executor->outputs, id, version);
    if (count > 0)
        order_put_places(remote_executor_orders(executor, count * sizeof *changes), id, count,
                         changes);
    arena_free(arena);
}

static void forget_launch(RemoteExecutor *executor, Launch *launch)
{
    (void)id_map_drop(&executor->by_attempt, launch->launch.attempt);
    list_remove(&executor->launches, &launch->node);
    arena_free(launch->arena);
}

void remote_executor_put_launch(RemoteExecutor *executor, const StageOrder *order,
                                const TaskLaunch *launch)
{
    OrderLaunch said = {.stage = order->id,
                        .attempt = launch->attempt,
                        .launch_number = launch->launch_number,
                        .partition = launch->partition,
                        .number = launch->number};
    Launch *entry = id_map_thing(&executor->by_attempt, launch->attempt);
    Arena *arena;

    if (!id_map_get(&executor->stages, order->id, NULL))
        put_stage(executor, order);
    for (uint32_t i = 0; i < order->input_count; i++)
        if (order->inputs[i] != NULL)
            put_places(executor, order->inputs[i]);
    order_put_launch(remote_executor_orders(executor, sizeof said), &said);
    if (entry == NULL) {
        arena = arena_new(NULL, "launch", ARENA_NO_CAP);
        entry = ARENA_NEW(arena, Launch);
        entry->arena = arena;
        list_push(&executor->launches, &entry->node);
        id_map_set_thing(&executor->by_attempt, launch->attempt, entry);
    }
    entry->launch = *launch;
}

void remote_executor_put_copy(RemoteExecutor *executor, const BlockOutput *output,
                              uint32_t partition)
{
    OrderCopy copy = {.output = block_output_id(output),
                      .level = block_output_level(output),
                      .map_count = block_output_map_count(output),
                      .reduce_count = block_output_reduce_count(output),
                      .of = {partition, block_output_remote(output, partition)}};

    block_output_columns(output, &copy.column_count, &copy.columns);
    note_output(executor, copy.output);
    order_put_copy(remote_executor_orders(executor, copy.column_count * sizeof *copy.columns),
                   &copy);
    executor->copies++;
}

void remote_executor_drop_stage(RemoteExecutor *executor, StageId stage)
{
    if (id_map_drop(&executor->stages, stage))
        order_put_drop_stage(remote_executor_orders(executor, 0), stage);
}

void remote_executor_drop_output(RemoteExecutor *executor, uint64_t output)
{
    /* also of others, which have ended, in its folder */
    if (id_map_drop(&executor->outputs, output) || executor->keeper_port != 0)
        order_put_drop_output(remote_executor_orders(executor, 0), output);
}

bool remote_executor_take_launch(RemoteExecutor *executor, AttemptId attempt,
                                 TaskLaunch *launch_out)
{
    Launch *launch = id_map_thing(&executor->by_attempt, attempt);

    if (launch == NULL)
        return false;
    *launch_out = launch->launch;
    forget_launch(executor, launch);
    return true;
}

void remote_executor_forget_unknown(RemoteExecutor *executor, const ExecutorReport *report)
{
    IdMap running = {0};

    for (uint32_t i = 0; i < report->running_count; i++)
        id_map_set(&running, report->running[i], 1);
    LIST_EACH(node, &executor->launches)
    {
        Launch *launch = LIST_OWNER(node, Launch, node);

        if (launch->launch.launch_number <= report->launches_taken &&
            !id_map_get(&running, launch->launch.attempt, NULL))
            forget_launch(executor, launch);
    }
    id_map_fini(&running);
}

/* --- sending --- */

static void nap(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool is_refused(const Error *err)
{
    return strcmp(err->sqlstate, SQLSTATE_REFUSED) == 0;
}

/* Where nobody listens for the executor: a worker holds its keepers' socket as long as it lives, so
 * when nobody does there either, nobody is left to say how the executor has ended. */
static bool has_worker_ended(const RemoteExecutor *executor)
{
    Arena *arena = arena_new(NULL, "question", ARENA_NO_CAP);
    WireWriter nothing = {.arena = arena};
    Error err = ERROR_NONE;
    bool has_ended;

    fetch_wanted_put(&nothing, &(FetchWanted){.owner = executor->owner});
    has_ended = executor->sender->rpc->rpc_blocks_fetch_many(
                    executor->sender->pool, (RpcAddress){executor->host, executor->keeper_port},
                    (WireBytes){nothing.bytes, nothing.length},
                    clock_now_ns() + (int64_t)ASK_KEEPER_MS * 1000000, NULL, NULL, &err) != ST_OK &&
                is_refused(&err);
    arena_free(arena);
    return has_ended;
}

/* With the lock. */
static bool may_try_again(const RemoteExecutor *executor, const Error *err, int64_t start_ns)
{
    int64_t most_ms = executor->sender->is_closing ? CLOSING_MS
                      : is_refused(err)            ? REFUSED_GIVE_UP_MS
                                                   : GIVE_UP_MS;

    return !executor->is_gone && clock_now_ns() - start_ns < most_ms * 1000000;
}

/* Until the executor has it, or takes nothing for too long. */
static Status send_chunk(RemoteExecutor *executor, const Chunk *chunk, Error *err)
{
    RemoteSender *sender = executor->sender;
    WireBytes orders = {chunk->orders.bytes, chunk->orders.length};
    int64_t start_ns = clock_now_ns(), backoff_ms = 1;
    bool again = true;
    Status status;

    for (;;) {
        int64_t deadline_ns = clock_now_ns() + (int64_t)CALL_MS * 1000000;
        bool is_worker_gone;

        status = sender->rpc->rpc_executor_deliver(
            sender->pool, (RpcAddress){executor->host, executor->port}, orders, deadline_ns, err);
        if (status == ST_OK)
            return ST_OK;
        is_worker_gone =
            is_refused(err) && executor->keeper_port != 0 && has_worker_ended(executor);
        pthread_mutex_lock(&sender->lock);
        executor->worker_has_ended |= is_worker_gone;
        again = !is_worker_gone && may_try_again(executor, err, start_ns);
        pthread_mutex_unlock(&sender->lock);
        if (!again)
            return status;
        nap(backoff_ms);
        backoff_ms = 2 * backoff_ms < BACKOFF_MS_MAX ? 2 * backoff_ms : BACKOFF_MS_MAX;
    }
}

/* With the lock. Until something changes; when nothing does for a while there are orders without
 * any: whether somebody takes them is known sooner than by the executor's silence. */
static void wait_for_orders(RemoteExecutor *executor)
{
    int64_t until_ns = executor->sent_ns + (int64_t)PROBE_MS * 1000000;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    RemoteSender *sender = executor->sender;

    if (pthread_cond_timedwait(&sender->changed, &sender->lock, &until) != ETIMEDOUT)
        return;
    executor->sent_ns = clock_now_ns();
    if (!executor->is_gone && executor->place != 0)
        (void)remote_executor_orders(executor, 0);
}

/* With the lock. The orders that go out next; NULL: it is over. */
static Chunk *next_chunk(RemoteExecutor *executor)
{
    /* one that has no place yet has not heard that it is known, and would refuse them */
    while (!executor->is_gone && (list_is_empty(&executor->chunks) || executor->place == 0)) {
        if (executor->sender->is_closing)
            return NULL;
        wait_for_orders(executor);
    }
    return executor->is_gone ? NULL : LIST_OWNER(list_take(&executor->chunks), Chunk, node);
}

static void *sender_main(void *opaque)
{
    RemoteExecutor *executor = opaque;
    RemoteSender *sender = executor->sender;
    Status status = ST_OK;
    Chunk *chunk;

    pthread_mutex_lock(&sender->lock);
    while (status == ST_OK && (chunk = next_chunk(executor)) != NULL) {
        Error err = ERROR_NONE;

        pthread_mutex_unlock(&sender->lock);
        status = send_chunk(executor, chunk, &err);
        arena_free(chunk->arena);
        if (status != ST_OK)
            sender->unreachable(sender->context, executor, err.message);
        pthread_mutex_lock(&sender->lock);
        executor->sent_ns = clock_now_ns();
    }
    executor->has_ended = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    return NULL;
}

void remote_sender_wake(RemoteSender *sender)
{
    pthread_cond_broadcast(&sender->changed);
}

/* --- their lives --- */

void remote_sender_init(RemoteSender *sender, const RpcModule *rpc, RpcPool *pool,
                        void (*unreachable)(void *context, RemoteExecutor *executor,
                                            const char *reason),
                        void *context)
{
    pthread_condattr_t monotonic;

    *sender =
        (RemoteSender){.rpc = rpc, .pool = pool, .unreachable = unreachable, .context = context};
    pthread_mutex_init(&sender->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sender->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

RemoteExecutor *remote_sender_find(const RemoteSender *sender, uint64_t place)
{
    return id_map_thing(&sender->by_place, place);
}

RemoteExecutor *remote_sender_find_id(const RemoteSender *sender, ExecutorId id)
{
    RemoteExecutor *found = remote_sender_find(sender, id);

    LIST_EACH(node, &sender->executors)
    {
        if (found != NULL)
            break;
        if (LIST_OWNER(node, RemoteExecutor, node)->id == id)
            found = LIST_OWNER(node, RemoteExecutor, node);
    }
    return found;
}

static int distance(const RemoteExecutor *a, const RemoteExecutor *b)
{
    return strcmp(a->host, b->host) != 0 ? 2 : a->keeper_port != b->keeper_port;
}

RemoteExecutor *remote_sender_copier(const RemoteSender *sender, const RemoteExecutor *of)
{
    RemoteExecutor *best = NULL;

    LIST_EACH(node, &sender->executors)
    {
        RemoteExecutor *other = LIST_OWNER(node, RemoteExecutor, node);
        int nearer = best == NULL ? 0 : distance(best, of) - distance(other, of);

        if (other == of || other->place == 0 || other->is_draining)
            continue;
        if (best == NULL || nearer < 0 || (nearer == 0 && other->copies < best->copies))
            best = other;
    }
    return best;
}

void remote_executor_settle(RemoteExecutor *executor)
{
    executor->place = executor->id;
    if (!executor->is_gone) /* its worker may have been faster */
        id_map_set_thing(&executor->sender->by_place, executor->place, executor);
}

static void free_executor(RemoteExecutor *executor)
{
    while (!list_is_empty(&executor->launches))
        forget_launch(executor, LIST_OWNER(executor->launches.first, Launch, node));
    while (!list_is_empty(&executor->chunks))
        arena_free(LIST_OWNER(list_take(&executor->chunks), Chunk, node)->arena);
    id_map_fini(&executor->by_attempt);
    id_map_fini(&executor->stages);
    id_map_fini(&executor->outputs);
    pthread_mutex_destroy(&executor->reports);
    arena_free(executor->arena);
}

void remote_executor_unref(RemoteExecutor *executor)
{
    if (--executor->references == 0)
        free_executor(executor);
}

/* Threads that have ended are joined. */
static void join_over(RemoteSender *sender)
{
    LIST_EACH(node, &sender->over)
    {
        RemoteExecutor *executor = LIST_OWNER(node, RemoteExecutor, node);

        if (!executor->has_ended)
            continue;
        pthread_join(executor->thread, NULL); /* it takes no lock any more */
        list_remove(&sender->over, &executor->node);
        remote_executor_unref(executor);
    }
}

static bool have_ended(const List *executors)
{
    LIST_EACH(node, executors)
    if (!LIST_OWNER(node, RemoteExecutor, node)->has_ended)
        return false;
    return true;
}

Status remote_executor_start(RemoteSender *sender, const ExecutorHello *hello, Error *err,
                             RemoteExecutor **executor_out)
{
    Arena *arena = arena_new(NULL, "remote executor", ARENA_NO_CAP);
    RemoteExecutor *executor = ARENA_NEW(arena, RemoteExecutor);
    int failure;

    *executor_out = NULL;
    join_over(sender);
    executor->sender = sender;
    executor->arena = arena;
    executor->references = 1;
    executor->number = hello->executor;
    executor->host = arena_strdup(arena, hello->address.host);
    executor->port = hello->address.port;
    executor->slots = hello->slots;
    executor->owner = (BlockOwner){hello->application, hello->executor};
    executor->keeper_port = hello->keeper_port;
    pthread_mutex_init(&executor->reports, NULL);
    failure = sender->is_closing ? ECANCELED
                                 : pthread_create(&executor->thread, NULL, sender_main, executor);
    if (failure != 0) {
        free_executor(executor);
        return error_set_errno(err, failure, "cannot start a thread");
    }
    list_push(&sender->executors, &executor->node);
    *executor_out = executor;
    return ST_OK;
}

void remote_executor_end(RemoteSender *sender, RemoteExecutor *executor)
{
    executor->is_gone = true;
    while (!list_is_empty(&executor->launches))
        forget_launch(executor, LIST_OWNER(executor->launches.first, Launch, node));
    (void)id_map_drop(&sender->by_place, executor->place);
    list_remove(&sender->executors, &executor->node);
    list_push(&sender->over, &executor->node);
    pthread_cond_broadcast(&sender->changed);
}

void remote_sender_close(RemoteSender *sender, const char *reason)
{
    pthread_mutex_lock(&sender->lock);
    sender->is_closing = true;
    LIST_EACH(node, &sender->executors)
    order_put_end(remote_executor_orders(LIST_OWNER(node, RemoteExecutor, node), 0), reason);
    pthread_cond_broadcast(&sender->changed);
    while (!have_ended(&sender->executors) || !have_ended(&sender->over))
        pthread_cond_wait(&sender->changed, &sender->lock);
    pthread_mutex_unlock(&sender->lock);
}

void remote_sender_fini(RemoteSender *sender)
{
    pthread_mutex_lock(&sender->lock);
    list_append(&sender->over, &sender->executors);
    join_over(sender);
    id_map_fini(&sender->by_place);
    pthread_mutex_unlock(&sender->lock);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->lock);
}
