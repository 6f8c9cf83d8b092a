/*
 * op_call.c -- user functions over records, one after the other
 *
 *     Call  flat map split, filter is_long, map to_count
 *
 *     rows -> records of split -> [buffer] -> is_long drops -> to_count -> [buffer] -> columns
 *
 * A batch's rows become records; each step runs over all of them before the next one starts, and
 * what it makes waits in a buffer of its own. A flat_map hands its buffer on whenever it is full.
 *
 * Where the functions' bitcode is at hand, one compiled loop does all of it (call_compiled.h), from
 * the first batch for which its code is there.
 *
 * A function's records are numbered through its partition, whatever the batches: an error names the
 * same record each time.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/call_compiled.h"
#include "exec/combine_chain.h"
#include "exec/operators.h"
#include "exec/record_io.h"
#include "exec/record_keys.h"
#include "exec/user_task.h"

/* Buffers of all steps together; long chains work in smaller runs. */
enum { CHAIN_BYTES = 1 << 20, RUN_ROWS_MIN = 16 };

typedef void (*MapFunction)(VonkTask *, const void *, void *);
typedef void (*MapIndexedFunction)(VonkTask *, const void *, int64_t, void *);
typedef void (*FlatMapFunction)(VonkTask *, const void *, VonkOut *);
typedef bool (*FilterFunction)(VonkTask *, const void *);
typedef void (*ForeachFunction)(VonkTask *, const void *);
typedef void (*PairFunction)(VonkTask *, const void *, const void *, void *);

typedef struct CallOp {
    Operator op;
    const PlanCall *node;
    const CallStep *const *steps;
    const uint32_t *places; /* by argument: which input column */
    uint32_t run_rows;      /* records that a buffer holds     */
    Operator *into;         /* the combine that gets the records; NULL: another operator */
} CallOp;

typedef struct StepState {
    struct CallLocal *local;
    const CallStep *step;
    uint32_t number;
    char *buffer; /* of what the step makes; NULL: it works in place */
    VonkOut out;
    uint64_t record;   /* how many it got */
    RecordKeys keys;   /* of a step that keeps them: a of what it gets, b of what it makes */
    const char *input; /* of a flat map that keeps keys: the record at hand, ... */
    char *unkeyed;     /* ... and what it made of it that has no key yet         */
} StepState;

typedef struct CallLocal {
    CallOp *op;
    Arena *arena;
    UserTask user;
    void *memory; /* the buffers */
    size_t memory_bytes;
    char *records; /* of the first step */
    uint32_t step_count;
    StepState *steps;
    ColumnBuffers buffers;
    Column *columns;
    const Column **args;
    CompiledCall compiled;
    ChainCode combined; /* the same, into the combine's accumulator */
    uint64_t *numbers;  /* room for the steps' */

    /* of the batch at hand */
    Emitter *emitter;
    Error *err;
    Status status;
    uint32_t split;
    uint64_t sequence;
} CallLocal;

static void push(CallLocal *local, uint32_t number, char *records, uint32_t count);

/* --- the end of the chain --- */

static void set_wanted(CallLocal *local, bool is_wanted)
{
    user_task_set_wanted(&local->user, is_wanted);
    chain_code_set_wanted(&local->compiled.code, is_wanted);
}

static Status emit_columns(void *opaque, uint32_t count)
{
    CallLocal *local = opaque;
    Batch batch = {.column_count = local->buffers.column_count,
                   .row_count = count,
                   .columns = local->columns,
                   .selected_count = count,
                   .split = local->split,
                   .sequence = local->sequence};

    local->sequence += count;
    TRY(emit(local->emitter, &batch, local->err));
    if (emit_is_done(local->emitter))
        set_wanted(local, false);
    return ST_OK;
}

static void emit_records(CallLocal *local, const char *records, uint32_t count)
{
    const RecordLayout *layout = local->steps[local->step_count - 1].step->out;

    local->status =
        columns_from_records(layout, records, count, &local->buffers, local->columns, local->err);
    if (local->status == ST_OK)
        local->status = emit_columns(local, count);
}

/* --- steps --- */

static void begin_step(StepState *state)
{
    user_task_begin(&state->local->user, &state->step->function);
}

static void end_step(StepState *state)
{
    Status status = user_task_end(&state->local->user, state->local->err);

    if (state->local->status == ST_OK)
        state->local->status = status;
}

static void copy_keys(const StepState *state, const char *records, uint32_t count)
{
    const CallStep *step = state->step;

    for (uint32_t i = 0; step->keeps_keys && i < count; i++)
        record_keys_copy(&state->keys, records + (size_t)i * step->in->bytes,
                         state->buffer + (size_t)i * step->out->bytes);
}

static void run_map(StepState *state, char *records, uint32_t count)
{
    CallLocal *local = state->local;
    const CallStep *step = state->step;
    MapFunction call = (MapFunction)step->function.call;
    VonkTask *task = &local->user.task;

    memset(state->buffer, 0, (size_t)count * step->out->bytes);
    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        local->user.record = ++state->record;
        call(task, records + (size_t)i * step->in->bytes,
             state->buffer + (size_t)i * step->out->bytes);
    }
    end_step(state);
    copy_keys(state, records, count);
    push(local, state->number + 1, state->buffer, count);
}

static void run_map_indexed(StepState *state, char *records, uint32_t count)
{
    CallLocal *local = state->local;
    const CallStep *step = state->step;
    MapIndexedFunction call = (MapIndexedFunction)step->function.call;
    VonkTask *task = &local->user.task;
    int64_t base = step->index->bases[task->partition];

    memset(state->buffer, 0, (size_t)count * step->out->bytes);
    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        int64_t index = base + (int64_t)state->record * step->index->stride;

        local->user.record = ++state->record;
        call(task, records + (size_t)i * step->in->bytes, index,
             state->buffer + (size_t)i * step->out->bytes);
    }
    end_step(state);
    push(local, state->number + 1, state->buffer, count);
}

static void run_pair(StepState *state, char *records, uint32_t count)
{
    CallLocal *local = state->local;
    const CallStep *step = state->step;
    PairFunction call = (PairFunction)step->function.call;
    VonkTask *task = &local->user.task;

    memset(state->buffer, 0, (size_t)count * step->out->bytes);
    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        const char *record = records + (size_t)i * step->in->bytes;

        local->user.record = ++state->record;
        call(task, record[step->pair->first_missing] ? NULL : record,
             record[step->pair->second_missing] ? NULL : record + step->pair->second_offset,
             state->buffer + (size_t)i * step->out->bytes);
    }
    end_step(state);
    push(local, state->number + 1, state->buffer, count);
}

/* What was made of the record at hand gets its key. */
static void key_made(StepState *state)
{
    if (!state->step->keeps_keys)
        return;
    for (; state->unkeyed < state->out.next; state->unkeyed += state->out.record_bytes)
        record_keys_copy(&state->keys, state->input, state->unkeyed);
}

static void flush_flat_map(VonkOut *out)
{
    StepState *state = (StepState *)((char *)out - offsetof(StepState, out));
    CallLocal *local = state->local;
    uint32_t count = (uint32_t)((size_t)(out->next - state->buffer) / out->record_bytes);
    UserPlace place = user_task_pause(&local->user);
    VonkTask *task = &local->user.task;

    key_made(state);
    out->next = state->unkeyed = state->buffer;
    if (task->is_failed || local->status != ST_OK)
        return;
    if (!user_task_is_wanted(&local->user)) {
        user_task_drop(&local->user, count);
        return;
    }
    push(local, state->number + 1, state->buffer, count);
    if (local->status != ST_OK)
        user_task_fail(&local->user, local->err); /* the loop over this step's records ends */
    user_task_resume(&local->user, place);
}

static void run_flat_map(StepState *state, char *records, uint32_t count)
{
    CallLocal *local = state->local;
    const CallStep *step = state->step;
    FlatMapFunction call = (FlatMapFunction)step->function.call;
    VonkTask *task = &local->user.task;
    uint32_t made;

    state->out.next = state->unkeyed = state->buffer;
    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        local->user.record = ++state->record;
        state->input = records + (size_t)i * step->in->bytes;
        call(task, state->input, &state->out);
        key_made(state);
    }
    end_step(state);
    made = (uint32_t)((size_t)(state->out.next - state->buffer) / step->out->bytes);
    push(local, state->number + 1, state->buffer, made);
}

static void run_filter(StepState *state, char *records, uint32_t count)
{
    CallLocal *local = state->local;
    size_t bytes = state->step->in->bytes;
    FilterFunction call = (FilterFunction)state->step->function.call;
    VonkTask *task = &local->user.task;
    uint32_t kept = 0;

    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        local->user.record = ++state->record;
        if (!call(task, records + i * bytes))
            continue;
        if (kept < i)
            memcpy(records + kept * bytes, records + i * bytes, bytes);
        kept++;
    }
    end_step(state);
    push(local, state->number + 1, records, kept);
}

static void run_foreach(StepState *state, const char *records, uint32_t count)
{
    CallLocal *local = state->local;
    ForeachFunction call = (ForeachFunction)state->step->function.call;
    VonkTask *task = &local->user.task;

    begin_step(state);
    for (uint32_t i = 0; i < count && !task->is_failed; i++) {
        local->user.record = ++state->record;
        call(task, records + (size_t)i * state->step->in->bytes);
    }
    end_step(state);
}

/* records: mutable, valid until this returns. */
static void push(CallLocal *local, uint32_t number, char *records, uint32_t count)
{
    StepState *state;

    if (count == 0 || local->status != ST_OK || local->user.task.is_failed)
        return;
    if (number == local->step_count) {
        emit_records(local, records, count);
        return;
    }
    state = &local->steps[number];
    switch (state->step->kind) {
    case CALL_MAP:
        run_map(state, records, count);
        return;
    case CALL_MAP_INDEXED:
        run_map_indexed(state, records, count);
        return;
    case CALL_FLAT_MAP:
        run_flat_map(state, records, count);
        return;
    case CALL_FILTER:
        run_filter(state, records, count);
        return;
    case CALL_FOREACH:
        run_foreach(state, records, count);
        return;
    case CALL_PAIR:
        run_pair(state, records, count);
        return;
    }
    UNREACHABLE("kind of a call");
}

/* --- the operator --- */

static bool makes_records(const CallStep *step)
{
    return step->kind == CALL_MAP || step->kind == CALL_MAP_INDEXED ||
           step->kind == CALL_FLAT_MAP || step->kind == CALL_PAIR;
}

static size_t bytes_a_record(const PlanCall *node)
{
    size_t bytes = node->steps.first->in->bytes;

    for (const CallStep *step = node->steps.last; step != NULL; step = step->before)
        if (makes_records(step))
            bytes += step->out->bytes;
    return bytes;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static void place_buffers(CallLocal *local, const CallOp *op)
{
    uint32_t count = op->node->steps.count;
    char *next = local->memory;

    local->records = next;
    next += aligned((size_t)op->run_rows * op->steps[0]->in->bytes);
    local->step_count = count;
    local->steps = ARENA_ARRAY(local->arena, StepState, count);
    for (uint32_t i = 0; i < count; i++) {
        const CallStep *step = op->steps[i];
        StepState *state = &local->steps[i];

        *state = (StepState){.local = local, .step = step, .number = i};
        if (!makes_records(step))
            continue;
        state->buffer = next;
        next += aligned((size_t)op->run_rows * step->out->bytes);
        state->out = (VonkOut){.next = state->buffer,
                               .end = state->buffer + (size_t)op->run_rows * step->out->bytes,
                               .record_bytes = step->out->bytes,
                               .flush = flush_flat_map};
        if (step->keeps_keys)
            state->keys = record_keys_make(local->arena, step->in, step->out);
    }
}

static void call_local_close(Operator *base, void *opaque)
{
    CallLocal *local = opaque;

    if (local == NULL)
        return;
    call_compiled_close(&local->compiled);
    chain_code_close(&local->combined);
    user_task_fini(&local->user);
    column_buffers_fini(&local->buffers);
    mem_pool_release(base->context->pool, local->memory, local->memory_bytes);
    arena_free(local->arena);
}

/* Numbers were given out for as many partitions as there are now; files may have changed. */
static Status check_indexes(const CallLocal *local, Error *err)
{
    for (uint32_t i = 0; i < local->op->node->steps.count; i++) {
        const CallStep *step = local->op->steps[i];

        if (step->index != NULL && local->user.task.partition >= step->index->partition_count)
            return error_set(err, ST_BAD_INPUT,
                             "%s: partition %u was not there when numbers were given out",
                             user_function_name(&step->function), local->user.task.partition);
    }
    return ST_OK;
}

static Status call_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    CallOp *op = (CallOp *)base;
    const RecordLayout *out = op->node->steps.last->out;
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    CallLocal *local = ARENA_NEW(arena, CallLocal);
    const CombineSpec *into;
    Status status;

    (void)thread;
    local->arena = arena;
    local->op = op;
    local->columns = ARENA_ARRAY(arena, Column, out->field_count);
    local->args = ARENA_ARRAY(arena, const Column *, op->node->args.count);
    local->memory_bytes =
        op->run_rows * bytes_a_record(op->node) + 64 * (op->node->steps.count + 1);
    user_task_init(&local->user, base->context, base->node);
    status = mem_pool_alloc(base->context->pool, local->memory_bytes, base->class->name, err,
                            &local->memory);
    if (status == ST_OK) {
        memset(local->memory, 0, local->memory_bytes);
        place_buffers(local, op);
        status = column_buffers_init(&local->buffers, arena, base->context->pool, out->field_count,
                                     op->node->head.columns, op->run_rows, base->class->name, err);
    }
    local->numbers = ARENA_ARRAY(arena, uint64_t, op->node->steps.count + 2); /* add, create */
    if (status == ST_OK)
        status = check_indexes(local, err);
    into = op->into == NULL ? NULL : op_combine_takes_chain(op->into, op->node);
    if (status == ST_OK && into != NULL)
        status = chain_code_open(&local->combined, base->context, arena, op->node->steps, into,
                                 base->node, err);
    if (status == ST_OK && local->combined.entry == NULL)
        status = call_compiled_open(&local->compiled, base->context, arena, op->node,
                                    &local->buffers, local->columns, err);
    if (status != ST_OK) {
        call_local_close(base, local);
        return status;
    }
    *local_out = local;
    return ST_OK;
}

/* Rows [from, from + count) of the selected ones. */
static Status call_run(CallLocal *local, const Batch *batch, uint32_t from, uint32_t count,
                       Error *err)
{
    const CallOp *op = local->op;
    uint32_t rows[BATCH_ROWS_MAX];

    for (uint32_t i = 0; i < count; i++)
        rows[i] = batch_row(batch, from + i);
    TRY(records_from_columns(op->node->steps.first->in, local->args, rows, count, local->records,
                             err));
    push(local, 0, local->records, count);
    user_task_reset(&local->user);
    return local->status;
}

static Status run_combined(CallLocal *local, ChainEntry entry, const Batch *batch, Error *err)
{
    Status status;

    TRY(stop_check(local->op->op.context->stop, err));
    chain_code_begin(&local->combined, local->numbers);
    TRY(chain_code_set(&local->combined, batch, local->args, err));
    local->combined.call.out_count = 0;
    status = op_combine_run_chain(local->op->into, &local->combined, entry, local->step_count,
                                  batch->selected_count, err);
    chain_code_reset(&local->combined);
    return status;
}

static Status call_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                           Error *err)
{
    CallOp *op = (CallOp *)base;
    CallLocal *local = opaque;
    ChainEntry code = call_compiled_code(&local->compiled);
    ChainEntry combined = chain_code_entry(&local->combined);

    if (batch->split != local->split) {
        local->split = batch->split;
        local->sequence = 0;
        set_wanted(local, true);
    }
    for (uint32_t i = 0; i < op->node->args.count; i++)
        local->args[i] = &batch->columns[op->places[i]];
    local->emitter = emitter;
    local->err = err;
    local->status = ST_OK;
    for (uint32_t i = 0; i < local->step_count; i++)
        local->numbers[i] = local->steps[i].record;
    if (combined != NULL)
        return run_combined(local, combined, batch, err);
    if (code != NULL) {
        TRY(stop_check(base->context->stop, err));
        return call_compiled_run(&local->compiled, code, local->numbers, batch, local->args,
                                 emit_columns, local, err);
    }
    for (uint32_t from = 0; from < batch->selected_count; from += op->run_rows) {
        uint32_t left = batch->selected_count - from;

        TRY(stop_check(base->context->stop, err));
        TRY(call_run(local, batch, from, left < op->run_rows ? left : op->run_rows, err));
    }
    return ST_OK;
}

static const OperatorClass call_class = {
    .name = "call",
    .local_open = call_local_open,
    .consume = call_consume,
    .local_close = call_local_close,
};

Status op_call_new(const ExecContext *context, Arena *arena, const PlanCall *node, Operator *into,
                   Error *err, Operator **op_out)
{
    CallOp *op = ARENA_NEW(arena, CallOp);
    const Plan *input = node->head.inputs[0];
    size_t rows = CHAIN_BYTES / bytes_a_record(node);
    uint32_t *places = ARENA_ARRAY(arena, uint32_t, node->args.count);

    (void)err;
    for (uint32_t i = 0; i < node->args.count; i++)
        places[i] = (uint32_t)plan_column_index(input, node->args.ids[i]);
    op->op = (Operator){.class = &call_class,
                        .context = context,
                        .node = &node->head,
                        .input_column_count = input->column_count,
                        .input_columns = input->columns};
    op->node = node;
    op->into = into;
    op->steps = call_steps(arena, node->steps);
    op->places = places;
    op->run_rows = rows < RUN_ROWS_MIN          ? RUN_ROWS_MIN
                   : rows > context->batch_rows ? context->batch_rows
                                                : (uint32_t)rows;
    for (uint32_t i = 0; i < node->steps.count; i++)
        op->op.makes_more_rows |= op->steps[i]->kind == CALL_FLAT_MAP;
    *op_out = &op->op;
    return ST_OK;
}
