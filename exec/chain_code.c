/* chain_code.c -- see chain_code.h */
#include "exec/chain_code.h"

#include <string.h>

#include "core/base/invariant.h"
#include "exec/record_io.h"

/* Measured: a chain takes 10 to 40 ms to compile, on a thread of its own. */
#define ROWS_WORTH_COMPILING 50000.0

/* Code is many times as fast as calls: so many rows are done sooner when they wait a little for it,
 * which mostly is as long as it takes to find it on the disk. */
#define ROWS_WORTH_WAITING 1e6
enum { WAIT_MS = 60 };

/* What user functions may call of Vonk. */
static const JitSymbol user_symbols[] = {
    {"vonk_fail", (void *)(uintptr_t)vonk_fail},
    {"vonk_task_alloc", (void *)(uintptr_t)vonk_task_alloc},
    {"vonk__wrong_record", (void *)(uintptr_t)vonk__wrong_record},
    {"vonk_text_to_int8", (void *)(uintptr_t)vonk_text_to_int8},
    {"vonk_text_to_float8", (void *)(uintptr_t)vonk_text_to_float8},
};

static CodeEntry *ask(const ExecContext *context, CallStepList steps, const CombineSpec *combine,
                      double expected_rows)
{
    const UserFunction *first = steps.count > 0 ? &steps.first->function : &combine->add;
    CodeRequest request = {.name = first->name,
                           .symbol_count = sizeof user_symbols / sizeof *user_symbols,
                           .symbols = user_symbols};
    CodeEntry *entry;

    if (context->cache == NULL || context->jit == JIT_OFF ||
        (context->jit == JIT_AUTO && expected_rows >= 0 && expected_rows < ROWS_WORTH_COMPILING))
        return NULL;
    request.chain = user_chain_new(steps, combine);
    if (request.chain == NULL)
        return NULL;
    request.text = request.chain->text;
    entry = code_cache_request(context->cache, &request);
    if (entry != NULL && (context->jit == JIT_ON || expected_rows >= ROWS_WORTH_WAITING))
        (void)code_entry_wait(context->cache, entry,
                              context->jit == JIT_ON ? CODE_WAIT_LONG : WAIT_MS);
    return entry;
}

/* --- opening --- */

static void list_functions(ChainCode *code, Arena *arena, CallStepList steps,
                           const CombineSpec *combine)
{
    uint32_t at = steps.count;

    code->functions = ARENA_ARRAY(arena, const UserFunction *, steps.count + 2);
    code->function_count = steps.count;
    for (const CallStep *step = steps.last; step != NULL; step = step->before)
        code->functions[--at] = &step->function;
    if (combine != NULL)
        code->functions[code->function_count++] = &combine->add;
    if (combine != NULL && combine->zero == NULL && combine->create.call != NULL)
        code->functions[code->function_count++] = &combine->create;
}

static void make_tasks(ChainCode *code, Arena *arena)
{
    VonkTask **tasks = ARENA_ARRAY(arena, VonkTask *, code->function_count);
    uint64_t **numbers = ARENA_ARRAY(arena, uint64_t *, code->function_count);

    code->users = ARENA_ARRAY(arena, UserTask, code->function_count);
    for (uint32_t k = 0; k < code->function_count; k++) {
        UserTask *user = &code->users[k];

        user_task_init(user, code->context, code->node);
        user->function = code->functions[k];
        user->task.closure = user->function->closure;
        tasks[k] = &user->task;
        numbers[k] = &user->record;
    }
    code->call.tasks = tasks;
    code->call.numbers = numbers;
}

static void make_step_arrays(ChainCode *code, Arena *arena, CallStepList steps)
{
    VonkOut **outs = ARENA_ARRAY(arena, VonkOut *, steps.count);
    int64_t *bases = ARENA_ARRAY(arena, int64_t, steps.count);
    uint32_t k = steps.count;

    for (const CallStep *step = steps.last; step != NULL; step = step->before) {
        outs[--k] = ARENA_NEW(arena, VonkOut);
        outs[k]->record_bytes = step->out->bytes;
        if (step->index != NULL) {
            CHECK(code->users[k].task.partition < step->index->partition_count);
            bases[k] = step->index->bases[code->users[k].task.partition];
        }
    }
    code->call.outs = outs;
    code->call.bases = bases;
}

static Status make_input(ChainCode *code, Arena *arena, Error *err)
{
    PlanIds ids = {0};

    code->values = ARENA_ARRAY(arena, const void *, code->in->field_count);
    code->validity = ARENA_ARRAY(arena, const uint64_t *, code->in->field_count);
    code->all_valid = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX / 64);
    memset(code->all_valid, 0xff, BATCH_ROWS_MAX / 8);
    code->call.values = code->values;
    code->call.validity = code->validity;
    return column_buffers_init(&code->flat, arena, code->context->pool, code->in->field_count,
                               plan_record_columns(arena, code->in, &ids), BATCH_ROWS_MAX, "call",
                               err);
}

Status chain_code_open(ChainCode *code, const ExecContext *context, Arena *arena,
                       CallStepList steps, const CombineSpec *combine, const Plan *node, Error *err)
{
    *code = (ChainCode){
        .context = context, .node = node, .in = steps.count > 0 ? steps.first->in : combine->in};
    code->entry = ask(context, steps, combine, node->inputs[0]->estimated_rows);
    if (code->entry == NULL)
        return ST_OK;
    list_functions(code, arena, steps, combine);
    make_tasks(code, arena);
    make_step_arrays(code, arena, steps);
    return make_input(code, arena, err);
}

void chain_code_close(ChainCode *code)
{
    if (code->entry == NULL)
        return;
    for (uint32_t k = 0; code->users != NULL && k < code->function_count; k++)
        user_task_fini(&code->users[k]);
    column_buffers_fini(&code->flat);
    code_entry_release(code->context->cache, code->entry);
    code->entry = NULL;
}

/* --- running --- */

/* The column's values, a row after the other. */
static const void *flat_values(ChainCode *code, uint32_t number, const Column *column,
                               uint32_t row_count)
{
    if (column->form == COLUMN_FLAT)
        return column->values;
    gather_values(column, NULL, row_count, code->flat.values[number]);
    return code->flat.values[number];
}

static const uint64_t *flat_validity(ChainCode *code, uint32_t number, const Column *column,
                                     uint32_t row_count)
{
    if (column->validity == NULL)
        return code->all_valid;
    if (column->form != COLUMN_CONST)
        return column->validity;
    (void)gather_validity(column, NULL, row_count, code->flat.validity[number], 0);
    return code->flat.validity[number];
}

void chain_code_begin(ChainCode *code, const uint64_t *numbers)
{
    for (uint32_t k = 0; !code->has_begun && k < code->function_count; k++)
        code->users[k].record = numbers[k];
    code->has_begun = true;
}

Status chain_code_set(ChainCode *code, const Batch *batch, const Column *const *args, Error *err)
{
    TRY(records_check_nulls(code->in, args, batch->selection, batch->selected_count, err));
    code->call.has_no_nulls = true;
    for (uint32_t i = 0; i < code->in->field_count; i++) {
        code->call.has_no_nulls &= args[i]->validity == NULL;
        code->values[i] = flat_values(code, i, args[i], batch->row_count);
        code->validity[i] = flat_validity(code, i, args[i], batch->row_count);
    }
    code->call.rows = batch->selection;
    return ST_OK;
}

/* Whose function a crash would be in, until the code says otherwise. */
static VonkTask *first_telling(const ChainCode *code)
{
    for (uint32_t k = 0; k < code->function_count; k++)
        if (code->functions[k]->code->may_crash || code->functions[k]->code->may_fail)
            return &code->users[k].task;
    return &code->users[0].task;
}

static Status failure(ChainCode *code, Error *err)
{
    for (uint32_t k = 0; k < code->function_count; k++)
        if (code->users[k].task.is_failed) {
            *user_task_running() = &code->users[k].task;
            return user_task_end(&code->users[k], err);
        }
    return ST_OK;
}

Status chain_code_run(ChainCode *code, ChainEntry entry, uint32_t from, uint32_t count, Error *err)
{
    code->call.from = from;
    code->call.count = count;
    code->call.running = user_task_running();
    *code->call.running = first_telling(code);
    entry(&code->call);
    *code->call.running = NULL;
    return failure(code, err);
}

bool chain_code_has_failed(const ChainCode *code)
{
    for (uint32_t k = 0; k < code->function_count; k++)
        if (code->users[k].task.is_failed)
            return true;
    return false;
}

void chain_code_set_wanted(ChainCode *code, bool is_wanted)
{
    for (uint32_t k = 0; code->users != NULL && k < code->function_count; k++)
        user_task_set_wanted(&code->users[k], is_wanted);
}

void chain_code_reset(ChainCode *code)
{
    for (uint32_t k = 0; k < code->function_count; k++)
        user_task_reset(&code->users[k]);
}
