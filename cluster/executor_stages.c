/* executor_stages.c -- see executor_stages.h */
#include "cluster/executor_stages.h"

#include <pthread.h>

#include "core/base/log.h"
#include "core/base/spill_file.h"

typedef struct HeldOutput {
    Arena *arena;
    BlockOutput *output;
    ListNode node;
} HeldOutput;

struct ExecutorStages {
    Arena *arena;
    StagesSpec spec;
    pthread_mutex_t opening; /* a stage again that could not be opened; before the lock */
    pthread_mutex_t lock;    /* of what follows */
    List stages, outputs;
};

ExecutorStages *executor_stages_new(const StagesSpec *spec)
{
    Arena *arena = arena_new(NULL, "stages", ARENA_NO_CAP);
    ExecutorStages *stages = ARENA_NEW(arena, ExecutorStages);

    stages->arena = arena;
    stages->spec = *spec;
    pthread_mutex_init(&stages->opening, NULL);
    pthread_mutex_init(&stages->lock, NULL);
    return stages;
}

/* --- outputs --- */

/* With the lock. */
static HeldOutput *find_output(const ExecutorStages *stages, uint64_t id)
{
    LIST_EACH(node, &stages->outputs)
    if (block_output_id(LIST_OWNER(node, HeldOutput, node)->output) == id)
        return LIST_OWNER(node, HeldOutput, node);
    return NULL;
}

typedef struct OutputShape {
    uint64_t id;
    uint32_t level, map_count, reduce_count, column_count;
    const PlanColumn *columns;
} OutputShape;

/* With the lock. The output, referenced; made when it is new. */
static Status have_output(ExecutorStages *stages, const OutputShape *shape, Error *err,
                          BlockOutput **output_out)
{
    HeldOutput *known = find_output(stages, shape->id);
    Arena *arena;

    *output_out = NULL;
    if (known == NULL) {
        arena = arena_new(NULL, "output", ARENA_NO_CAP);
        known = ARENA_NEW(arena, HeldOutput);
        known->arena = arena;
        known->output = block_output_new(stages->spec.store, shape->level, shape->map_count,
                                         shape->reduce_count, shape->column_count, shape->columns);
        block_output_set_id(known->output, shape->id);
        list_push(&stages->outputs, &known->node);
    }
    if (shape->level != 0) /* it was only read here so far */
        block_output_set_level(known->output, shape->level);
    if (block_output_map_count(known->output) != shape->map_count ||
        block_output_reduce_count(known->output) != shape->reduce_count)
        return error_set(err, ST_CORRUPT, "an output is of another shape than it was");
    *output_out = block_output_ref(known->output);
    return ST_OK;
}

BlockOutput *executor_stages_copied(ExecutorStages *stages, const OrderCopy *copy)
{
    OutputShape shape = {copy->output,       copy->level,        copy->map_count,
                         copy->reduce_count, copy->column_count, copy->columns};
    BlockOutput *output = NULL;
    Error err = ERROR_NONE;

    pthread_mutex_lock(&stages->lock);
    if (have_output(stages, &shape, &err, &output) != ST_OK)
        LOG_WARN("executor", "a partition has one copy only: %s", err.message);
    pthread_mutex_unlock(&stages->lock);
    if (output != NULL)
        block_output_put_remote(output, copy->of.map, &copy->of.at);
    return output;
}

static void forget_output(ExecutorStages *stages, HeldOutput *known)
{
    list_remove(&stages->outputs, &known->node);
    block_output_unref(known->output);
    arena_free(known->arena);
}

void executor_stages_drop_output(ExecutorStages *stages, uint64_t output)
{
    HeldOutput *known;

    pthread_mutex_lock(&stages->lock);
    known = find_output(stages, output);
    if (known != NULL)
        forget_output(stages, known);
    pthread_mutex_unlock(&stages->lock);
}

BlockOutput *executor_stages_output(ExecutorStages *stages, uint64_t output)
{
    BlockOutput *found = NULL;
    HeldOutput *known;

    pthread_mutex_lock(&stages->lock);
    known = find_output(stages, output);
    if (known != NULL)
        found = block_output_ref(known->output);
    pthread_mutex_unlock(&stages->lock);
    return found;
}

void executor_stages_drop_map(ExecutorStages *stages, uint64_t output, uint32_t map)
{
    BlockOutput *found = executor_stages_output(stages, output);

    if (found != NULL && map < block_output_map_count(found))
        block_output_drop(found, map);
    block_output_unref(found);
}

void executor_stages_places(ExecutorStages *stages, uint64_t output, uint32_t count,
                            const RemoteChange *changes)
{
    BlockOutput *found = executor_stages_output(stages, output);

    for (uint32_t i = 0; found != NULL && i < count; i++)
        if (changes[i].map < block_output_map_count(found))
            block_output_put_remote(found, changes[i].map, &changes[i].at);
    block_output_unref(found);
}

/* --- stages --- */

/* With the lock. */
static ExecutorStage *find_stage(const ExecutorStages *stages, uint64_t id)
{
    LIST_EACH(node, &stages->stages)
    if (LIST_OWNER(node, ExecutorStage, node)->id == id)
        return LIST_OWNER(node, ExecutorStage, node);
    return NULL;
}

static void free_stage(ExecutorStage *stage)
{
    for (uint32_t i = 0; i < stage->wire.fragment.source_count; i++)
        if (stage->work.inputs != NULL && stage->work.inputs[i] != NULL) {
            block_output_end_use(stage->work.inputs[i]);
            block_output_unref(stage->work.inputs[i]);
        }
    if (stage->output != NULL)
        block_output_end_use(stage->output);
    block_output_unref(stage->output);
    arena_free(stage->arena);
}

/* With the lock. */
static void unref_stage(ExecutorStage *stage)
{
    if (--stage->references == 0)
        free_stage(stage);
}

/* With the lock. Its outputs, as its fragment has them. */
static Status find_blocks(ExecutorStages *stages, ExecutorStage *stage, const OrderStage *order,
                          Error *err)
{
    const Fragment *fragment = &stage->wire.fragment;
    OutputShape shape = {order->output,
                         order->level,
                         fragment->partition_count,
                         fragment->reduce_count,
                         fragment->plan->column_count,
                         fragment->plan->columns};

    if (order->input_count != fragment->source_count)
        return error_set(err, ST_CORRUPT, "a stage has not the inputs of its plan");
    TRY(have_output(stages, &shape, err, &stage->output));
    block_output_begin_use(stage->output);
    stage->work.inputs = ARENA_ARRAY(stage->arena, BlockOutput *, fragment->source_count);
    for (uint32_t i = 0; i < fragment->source_count; i++) {
        const FragmentSource *source = &fragment->sources[i];

        if (source->leaf->kind != PLAN_EXCHANGE)
            continue;
        shape = (OutputShape){order->inputs[i],
                              0,
                              stage->wire.inputs[i].map_count,
                              stage->wire.inputs[i].reduce_count,
                              source->leaf->column_count,
                              source->leaf->columns};
        TRY(have_output(stages, &shape, err, &stage->work.inputs[i]));
        block_output_begin_use(stage->work.inputs[i]);
    }
    return ST_OK;
}

/* Where its rows go, when they go by ranges. */
static Status take_ranges(ExecutorStage *stage, WireBytes ranges, Error *err)
{
    const Fragment *fragment = &stage->wire.fragment;
    const PlanExchange *exchange = fragment->exchange;

    if (exchange == NULL || exchange->kind != EXCHANGE_RANGE)
        return ST_OK;
    TRY(ranges_decode(ranges, stage->arena, fragment->plan, exchange->order, fragment->reduce_count,
                      err, &stage->work.ranges));
    stage->work.has_ranges = true;
    return ST_OK;
}

static void set_up(ExecutorStages *stages, ExecutorStage *stage, uint32_t level)
{
    StageWork *work = &stage->work;

    work->store = stages->spec.store;
    work->level = level;
    work->codec = stage->is_persisted ? CODEC_NONE : stage->wire.settings.codec;
    work->batch_rows = stage->wire.settings.batch_rows;
    work->jit = stages->spec.cache == NULL ? JIT_OFF : stage->wire.settings.jit;
    work->cache = stages->spec.cache;
    work->spill_bytes = stages->spec.spill_bytes;
}

static void open_stage(ExecutorStages *stages, ExecutorStage *stage, const OrderStage *order)
{
    Error *err = &stage->error;

    stage->error = ERROR_NONE;
    stage->status = stage_decode(order->plan, stages->spec.hooks, stage->arena, err, &stage->wire);
    if (stage->status == ST_OK && stage->wire.settings.encrypts)
        stage->status = spill_files_encrypt(err);
    if (stage->status == ST_OK)
        stage->status = take_ranges(stage, order->ranges, err);
    set_up(stages, stage, order->level);
    pthread_mutex_lock(&stages->lock);
    if (stage->status == ST_OK)
        stage->status = find_blocks(stages, stage, order, err);
    pthread_mutex_unlock(&stages->lock);
}

/* What a file or another process has refused, and may grant to the next task. */
static bool may_open_later(const ExecutorStage *stage)
{
    return stage->status == ST_IO || stage->status == ST_OUT_OF_MEMORY;
}

static OrderStage copy_order(Arena *arena, const OrderStage *order)
{
    OrderStage copy = *order;

    copy.inputs = arena_copy(arena, order->inputs, order->input_count * sizeof *order->inputs);
    copy.plan.bytes = arena_copy(arena, order->plan.bytes, order->plan.byte_count);
    copy.ranges.bytes = arena_copy(arena, order->ranges.bytes, order->ranges.byte_count);
    return copy;
}

void executor_stages_add(ExecutorStages *stages, const OrderStage *order)
{
    Arena *arena;
    ExecutorStage *stage;

    pthread_mutex_lock(&stages->lock);
    stage = find_stage(stages, order->stage);
    pthread_mutex_unlock(&stages->lock);
    if (stage != NULL)
        return; /* it comes again */
    arena = arena_new(NULL, "stage", ARENA_NO_CAP);
    stage = ARENA_NEW(arena, ExecutorStage);
    stage->arena = arena;
    stage->id = order->stage;
    stage->references = 1;
    stage->is_persisted = order->is_persisted;
    stage_work_init(&stage->work, &stage->wire.fragment);
    open_stage(stages, stage, order);
    if (may_open_later(stage))
        stage->order = copy_order(arena, order);
    if (order->has_shared) {
        user_shared_learn(stages->spec.shared, &order->shared);
        stage->work.shared = stages->spec.shared;
    }
    pthread_mutex_lock(&stages->lock);
    list_push(&stages->stages, &stage->node);
    pthread_mutex_unlock(&stages->lock);
}

static void drop_stage(ExecutorStages *stages, ExecutorStage *stage)
{
    list_remove(&stages->stages, &stage->node);
    unref_stage(stage);
}

void executor_stages_drop(ExecutorStages *stages, uint64_t id)
{
    ExecutorStage *stage;

    pthread_mutex_lock(&stages->lock);
    stage = find_stage(stages, id);
    if (stage != NULL)
        drop_stage(stages, stage);
    pthread_mutex_unlock(&stages->lock);
}

Status executor_stages_hold(ExecutorStages *stages, uint64_t id, Error *err,
                            ExecutorStage **stage_out)
{
    ExecutorStage *stage;
    Status status;

    *stage_out = NULL;
    pthread_mutex_lock(&stages->lock);
    stage = find_stage(stages, id);
    if (stage != NULL)
        stage->references++;
    pthread_mutex_unlock(&stages->lock);
    if (stage == NULL)
        return error_set(err, ST_CANCELLED, "its stage is not known here");
    pthread_mutex_lock(&stages->opening);
    if (may_open_later(stage))
        open_stage(stages, stage, &stage->order);
    status = stage->status;
    if (status != ST_OK && err != NULL)
        *err = stage->error;
    pthread_mutex_unlock(&stages->opening);
    if (status == ST_OK)
        *stage_out = stage;
    else
        executor_stages_let_go(stages, stage);
    return status;
}

void executor_stages_let_go(ExecutorStages *stages, ExecutorStage *stage)
{
    pthread_mutex_lock(&stages->lock);
    unref_stage(stage);
    pthread_mutex_unlock(&stages->lock);
}

void executor_stages_free(ExecutorStages *stages)
{
    if (stages == NULL)
        return;
    while (!list_is_empty(&stages->stages))
        drop_stage(stages, LIST_OWNER(stages->stages.first, ExecutorStage, node));
    while (!list_is_empty(&stages->outputs))
        forget_output(stages, LIST_OWNER(stages->outputs.first, HeldOutput, node));
    pthread_mutex_destroy(&stages->lock);
    pthread_mutex_destroy(&stages->opening);
    arena_free(stages->arena);
}
