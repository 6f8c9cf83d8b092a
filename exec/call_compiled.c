/* call_compiled.c -- see call_compiled.h */
#include "exec/call_compiled.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/record_io.h"

/* Measured: a chain takes 10 to 40 ms to compile, on a thread of its own. */
#define ROWS_WORTH_COMPILING 50000.0

/* What user functions may call of Vonk. */
static const JitSymbol user_symbols[] = {
    {"vonk_fail", (void *)(uintptr_t)vonk_fail},
    {"vonk_task_alloc", (void *)(uintptr_t)vonk_task_alloc},
    {"vonk__wrong_record", (void *)(uintptr_t)vonk__wrong_record},
    {"vonk_text_to_int8", (void *)(uintptr_t)vonk_text_to_int8},
    {"vonk_text_to_float8", (void *)(uintptr_t)vonk_text_to_float8},
};

static CodeEntry *ask(const ExecContext *context, CallStepList steps, double expected_rows)
{
    CodeRequest request = {.name = steps.first->function.name,
                           .symbol_count = sizeof user_symbols / sizeof *user_symbols,
                           .symbols = user_symbols};
    CodeEntry *entry;

    if (context->cache == NULL || context->jit == JIT_OFF ||
        (context->jit == JIT_AUTO && expected_rows >= 0 && expected_rows < ROWS_WORTH_COMPILING))
        return NULL;
    request.chain = user_chain_new(steps);
    if (request.chain == NULL)
        return NULL;
    request.text = request.chain->text;
    entry = code_cache_request(context->cache, &request);
    if (entry != NULL && context->jit == JIT_ON)
        (void)code_entry_wait(context->cache, entry);
    return entry;
}

/* --- opening --- */

static const PlanColumn *record_columns(Arena *arena, const RecordLayout *layout)
{
    PlanIds ids = {0};

    return plan_record_columns(arena, layout, &ids);
}

static bool flush(ChainCall *call, uint32_t count);

static void make_tasks(CompiledCall *compiled, Arena *arena)
{
    uint32_t count = compiled->step_count;
    VonkTask **tasks = ARENA_ARRAY(arena, VonkTask *, count);
    VonkOut **outs = ARENA_ARRAY(arena, VonkOut *, count);
    uint64_t **numbers = ARENA_ARRAY(arena, uint64_t *, count);
    int64_t *bases = ARENA_ARRAY(arena, int64_t, count);

    compiled->users = ARENA_ARRAY(arena, UserTask, count);
    for (uint32_t k = 0; k < count; k++) {
        const CallStep *step = compiled->steps[k];
        UserTask *user = &compiled->users[k];

        user_task_init(user, compiled->context, compiled->node);
        user->function = &step->function;
        user->task.closure = step->function.closure;
        tasks[k] = &user->task;
        numbers[k] = &user->record;
        outs[k] = ARENA_NEW(arena, VonkOut);
        outs[k]->record_bytes = step->out->bytes;
        if (step->index != NULL) {
            CHECK(user->task.partition < step->index->partition_count);
            bases[k] = step->index->bases[user->task.partition];
        }
    }
    compiled->call.tasks = tasks;
    compiled->call.outs = outs;
    compiled->call.numbers = numbers;
    compiled->call.bases = bases;
}

static void make_arrays(CompiledCall *compiled, Arena *arena)
{
    const RecordLayout *in = compiled->steps[0]->in;
    const RecordLayout *out = compiled->steps[compiled->step_count - 1]->out;

    compiled->values = ARENA_ARRAY(arena, const void *, in->field_count);
    compiled->validity = ARENA_ARRAY(arena, const uint64_t *, in->field_count);
    compiled->all_valid = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX / 64);
    memset(compiled->all_valid, 0xff, BATCH_ROWS_MAX / 8);
    compiled->out_nulls = ARENA_ARRAY(arena, uint8_t *, out->field_count);
    for (uint32_t i = 0; i < out->field_count; i++)
        if (out->fields[i].null_offset != RECORD_NEVER_NULL)
            compiled->out_nulls[i] = ARENA_ARRAY(arena, uint8_t, compiled->out->capacity);
    compiled->call.values = compiled->values;
    compiled->call.validity = compiled->validity;
    compiled->call.out_values = compiled->out->values;
    compiled->call.out_nulls = compiled->out_nulls;
    compiled->call.out_capacity = compiled->out->capacity;
    compiled->call.flush = flush;
}

Status call_compiled_open(CompiledCall *compiled, const ExecContext *context, Arena *arena,
                          const CallStep *const *steps, const PlanCall *node, ColumnBuffers *out,
                          Column *columns, Error *err)
{
    const RecordLayout *in = node->steps.first->in;

    *compiled =
        (CompiledCall){.context = context,
                       .node = &node->head,
                       .step_count = node->steps.count,
                       .steps = steps,
                       .out = out,
                       .columns = columns,
                       .entry = ask(context, node->steps, node->head.inputs[0]->estimated_rows)};
    if (compiled->entry == NULL)
        return ST_OK;
    make_tasks(compiled, arena);
    make_arrays(compiled, arena);
    return column_buffers_init(&compiled->flat, arena, context->pool, in->field_count,
                               record_columns(arena, in), BATCH_ROWS_MAX, "call", err);
}

void call_compiled_close(CompiledCall *compiled)
{
    if (compiled->entry == NULL)
        return;
    for (uint32_t k = 0; compiled->users != NULL && k < compiled->step_count; k++)
        user_task_fini(&compiled->users[k]);
    column_buffers_fini(&compiled->flat);
    code_entry_release(compiled->context->cache, compiled->entry);
    compiled->entry = NULL;
}

/* --- running --- */

/* The column's values, a row after the other. */
static const void *flat_values(CompiledCall *compiled, uint32_t number, const Column *column,
                               uint32_t row_count)
{
    if (column->form == COLUMN_FLAT)
        return column->values;
    gather_values(column, NULL, row_count, compiled->flat.values[number]);
    return compiled->flat.values[number];
}

static const uint64_t *flat_validity(CompiledCall *compiled, uint32_t number, const Column *column,
                                     uint32_t row_count)
{
    if (column->validity == NULL)
        return compiled->all_valid;
    if (column->form != COLUMN_CONST)
        return column->validity;
    (void)gather_validity(column, NULL, row_count, compiled->flat.validity[number], 0);
    return compiled->flat.validity[number];
}

static Status pass_on(CompiledCall *compiled, uint32_t count)
{
    const RecordLayout *layout = compiled->steps[compiled->step_count - 1]->out;

    if (count == 0)
        return ST_OK;
    TRY(columns_from_arrays(layout, (const uint8_t *const *)compiled->out_nulls,
                            compiled->call.is_text_too_long, count, compiled->out,
                            compiled->columns, compiled->err));
    return compiled->emit(compiled->emit_context, count);
}

/* From within the loop. */
static bool flush(ChainCall *call, uint32_t count)
{
    CompiledCall *compiled = (CompiledCall *)((char *)call - offsetof(CompiledCall, call));
    VonkTask **running = user_task_running(), *before = *running;

    *running = NULL;
    compiled->status = pass_on(compiled, count);
    *running = before;
    if (compiled->status == ST_OK)
        compiled->status = stop_check(compiled->context->stop, compiled->err);
    return compiled->status == ST_OK;
}

static Status failure(CompiledCall *compiled, Error *err)
{
    for (uint32_t k = 0; k < compiled->step_count; k++)
        if (compiled->users[k].task.is_failed) {
            *user_task_running() = &compiled->users[k].task;
            return user_task_end(&compiled->users[k], err);
        }
    return ST_OK;
}

static void begin(CompiledCall *compiled, const uint64_t *numbers)
{
    for (uint32_t k = 0; k < compiled->step_count; k++)
        compiled->users[k].record = numbers[k];
    compiled->call.running = user_task_running();
    compiled->has_begun = true;
}

/* Whose function a crash would be in, until the code says otherwise. */
static VonkTask *first_telling(const CompiledCall *compiled)
{
    for (uint32_t k = 0; k < compiled->step_count; k++)
        if (compiled->steps[k]->function.code->may_crash ||
            compiled->steps[k]->function.code->may_fail)
            return &compiled->users[k].task;
    return &compiled->users[0].task;
}

Status call_compiled_run(CompiledCall *compiled, ChainEntry code, const uint64_t *numbers,
                         const Batch *batch, const Column *const *args,
                         Status (*emit_columns)(void *context, uint32_t count), void *context,
                         Error *err)
{
    const RecordLayout *in = compiled->steps[0]->in;
    ChainCall *call = &compiled->call;

    if (!compiled->has_begun)
        begin(compiled, numbers);
    TRY(records_check_nulls(in, args, batch->selection, batch->selected_count, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        compiled->values[i] = flat_values(compiled, i, args[i], batch->row_count);
        compiled->validity[i] = flat_validity(compiled, i, args[i], batch->row_count);
    }
    compiled->emit = emit_columns;
    compiled->emit_context = context;
    compiled->err = err;
    compiled->status = ST_OK;
    call->rows = batch->selection;
    call->out_count = 0;
    *call->running = first_telling(compiled);
    /* without a flat_map a row makes one record at most: what is made of a run fits */
    for (uint32_t at = 0; at < batch->selected_count && compiled->status == ST_OK;) {
        uint32_t left = batch->selected_count - at, room = call->out_capacity;

        call->from = at;
        call->count = left < room ? left : room;
        code(call);
        at += call->count;
        *call->running = NULL;
        TRY(compiled->status);
        TRY(failure(compiled, err));
        TRY(pass_on(compiled, call->out_count));
        call->out_count = 0;
        *call->running = first_telling(compiled);
    }
    *call->running = NULL;
    for (uint32_t k = 0; k < compiled->step_count; k++)
        user_task_reset(&compiled->users[k]);
    return compiled->status;
}
