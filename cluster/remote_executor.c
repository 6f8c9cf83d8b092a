/* remote_executor.c -- see remote_executor.h */
#include "cluster/remote_executor.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"

enum {
    CHUNK_BYTES = 1 << 20, /* of one message, but for a plan that is larger */
    CALL_MS = 5000,
    GIVE_UP_MS = 5000, /* nothing is taken for so long */
    PROBE_MS = 2000,
    REFUSED_GIVE_UP_MS = 1000, /* nobody listens: its worker may be about to say why */
    CLOSING_MS = 1000,         /* when the driver ends         */
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
        list_push(&executor->chunks, &last->node);
    }
    return &last->orders;
}

static bool knows_stage(const RemoteExecutor *executor, StageId stage)
{
    for (uint32_t i = executor->stage_count; i-- > 0;)
        if (executor->stages[i] == stage)
            return true;
    return false;
}

static void note_stage(RemoteExecutor *executor, StageId stage)
{
    if (executor->stage_count == executor->stage_capacity) {
        uint32_t capacity = executor->stage_capacity == 0 ? 16 : 2 * executor->stage_capacity;
        StageId *stages = ARENA_ARRAY(executor->arena, StageId, capacity);

        if (executor->stage_count > 0)
            memcpy(stages, executor->stages, executor->stage_count * sizeof *stages);
        executor->stages = stages;
        executor->stage_capacity = capacity;
    }
    executor->stages[executor->stage_count++] = stage;
}

/* What it knows of the output; a new entry when that is nothing. */
static KnownOutput *known_output(RemoteExecutor *executor, uint64_t output)
{
    for (uint32_t i = executor->output_count; i-- > 0;)
        if (executor->outputs[i].output == output)
            return &executor->outputs[i];
    if (executor->output_count == executor->output_capacity) {
        uint32_t capacity = executor->output_capacity == 0 ? 16 : 2 * executor->output_capacity;
        KnownOutput *outputs = ARENA_ARRAY(executor->arena, KnownOutput, capacity);

        if (executor->output_count > 0)
            memcpy(outputs, executor->outputs, executor->output_count * sizeof *outputs);
        executor->outputs = outputs;
        executor->output_capacity = capacity;
    }
    executor->outputs[executor->output_count] = (KnownOutput){.output = output};
    return &executor->outputs[executor->output_count++];
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

    for (uint32_t i = 0; i < order->input_count; i++)
        if (order->inputs[i] != NULL)
            inputs[i] = block_output_id(order->inputs[i]);
    if (order->shared != NULL) {
        Error err = ERROR_NONE;

        stage.has_shared = true;
        if (user_shared_names(order->shared, arena, &err, &stage.shared) != ST_OK)
            LOG_WARN("driver", "executors cannot have the shared values: %s", err.message);
    }
    order_put_stage(
        remote_executor_orders(executor, order->plan.byte_count + order->ranges.byte_count),
        &stage);
    note_stage(executor, order->id);
    (void)known_output(executor, stage.output);
    arena_free(arena);
}

static void put_places(RemoteExecutor *executor, const BlockOutput *output)
{
    KnownOutput *known = known_output(executor, block_output_id(output));
    Arena *arena = arena_new(NULL, "places", ARENA_NO_CAP);
    const RemoteChange *changes;
    uint32_t count = block_output_changes(output, &known->version, arena, &changes);

    if (count > 0)
        order_put_places(remote_executor_orders(executor, count * sizeof *changes), known->output,
                         count, changes);
    arena_free(arena);
}

static Launch *find_launch(const RemoteExecutor *executor, AttemptId attempt)
{
    LIST_EACH(node, &executor->launches)
    if (LIST_OWNER(node, Launch, node)->launch.attempt == attempt)
        return LIST_OWNER(node, Launch, node);
    return NULL;
}

static void forget_launch(RemoteExecutor *executor, Launch *launch)
{
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
    Launch *entry = find_launch(executor, launch->attempt);
    Arena *arena;

    if (!knows_stage(executor, order->id))
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
    }
    entry->launch = *launch;
}

void remote_executor_drop_stage(RemoteExecutor *executor, StageId stage)
{
    for (uint32_t i = 0; i < executor->stage_count; i++)
        if (executor->stages[i] == stage) {
            executor->stages[i] = executor->stages[--executor->stage_count];
            order_put_drop_stage(remote_executor_orders(executor, 0), stage);
            return;
        }
}

void remote_executor_drop_output(RemoteExecutor *executor, uint64_t output)
{
    bool is_known = executor->keeper_port != 0; /* of others, which have ended, in its folder */

    for (uint32_t i = 0; i < executor->output_count; i++)
        if (executor->outputs[i].output == output) {
            executor->outputs[i] = executor->outputs[--executor->output_count];
            is_known = true;
            break;
        }
    if (is_known)
        order_put_drop_output(remote_executor_orders(executor, 0), output);
}

bool remote_executor_take_launch(RemoteExecutor *executor, AttemptId attempt,
                                 TaskLaunch *launch_out)
{
    Launch *launch = find_launch(executor, attempt);

    if (launch == NULL)
        return false;
    *launch_out = launch->launch;
    forget_launch(executor, launch);
    return true;
}

void remote_executor_forget_unknown(RemoteExecutor *executor, const ExecutorReport *report)
{
    LIST_EACH(node, &executor->launches)
    {
        Launch *launch = LIST_OWNER(node, Launch, node);
        bool is_named = launch->launch.launch_number > report->launches_taken;

        for (uint32_t i = 0; !is_named && i < report->running_count; i++)
            is_named = report->running[i] == launch->launch.attempt;
        if (!is_named)
            forget_launch(executor, launch);
    }
}

/* --- sending --- */

static void nap(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* With the lock. */
static bool may_try_again(const RemoteExecutor *executor, const Error *err, int64_t start_ns)
{
    bool is_refused = strcmp(err->sqlstate, SQLSTATE_REFUSED) == 0;
    int64_t most_ms = executor->sender->is_closing ? CLOSING_MS
                      : is_refused                 ? REFUSED_GIVE_UP_MS
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

        status = sender->rpc->rpc_executor_deliver(
            sender->pool, (RpcAddress){executor->host, executor->port}, orders, deadline_ns, err);
        if (status == ST_OK)
            return ST_OK;
        pthread_mutex_lock(&sender->lock);
        again = may_try_again(executor, err, start_ns);
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

RemoteExecutor *remote_sender_find(RemoteSender *sender, uint64_t place)
{
    LIST_EACH(node, &sender->executors)
    if (place != 0 && LIST_OWNER(node, RemoteExecutor, node)->place == place)
        return LIST_OWNER(node, RemoteExecutor, node);
    return NULL;
}

RemoteExecutor *remote_sender_find_id(RemoteSender *sender, ExecutorId id)
{
    LIST_EACH(node, &sender->executors)
    if (LIST_OWNER(node, RemoteExecutor, node)->id == id)
        return LIST_OWNER(node, RemoteExecutor, node);
    return NULL;
}

static void free_executor(RemoteExecutor *executor)
{
    while (!list_is_empty(&executor->launches))
        forget_launch(executor, LIST_OWNER(executor->launches.first, Launch, node));
    while (!list_is_empty(&executor->chunks))
        arena_free(LIST_OWNER(list_take(&executor->chunks), Chunk, node)->arena);
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
    pthread_mutex_unlock(&sender->lock);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->lock);
}
