/* kernel_compiled.c -- see kernel_compiled.h and kernel_call.h */
#include "codegen/kernel_compiled.h"

#include "codegen/kernel_code.h"
#include "core/base/invariant.h"

enum { BITMAP_WORDS = BATCH_ROWS_MAX / 64 };

#define EIGHT(x) x, x, x, x, x, x, x, x
static const uint64_t all_ones[BITMAP_WORDS] = {EIGHT(UINT64_MAX), EIGHT(UINT64_MAX),
                                                EIGHT(UINT64_MAX), EIGHT(UINT64_MAX)};
_Static_assert(BITMAP_WORDS == 32, "all_ones covers a batch");

/* 0, 1, 2, ...: the selection of all rows. */
static const uint32_t *identity(void)
{
#define ROW4(n)    n, n + 1, n + 2, n + 3
#define ROW16(n)   ROW4(n), ROW4(n + 4), ROW4(n + 8), ROW4(n + 12)
#define ROW64(n)   ROW16(n), ROW16(n + 16), ROW16(n + 32), ROW16(n + 48)
#define ROW256(n)  ROW64(n), ROW64(n + 64), ROW64(n + 128), ROW64(n + 192)
#define ROW1024(n) ROW256(n), ROW256(n + 256), ROW256(n + 512), ROW256(n + 768)
    static const uint32_t rows[BATCH_ROWS_MAX] = {ROW1024(0), ROW1024(1024)};

    return rows;
}

size_t compiled__array_count(const Kernel *kernel)
{
    return 2 * (size_t)kernel->input_count + kernel->param_count + 2 * (size_t)kernel->output_count;
}

static bool is_passed_on(const Kernel *kernel, uint32_t output)
{
    LineKind kind = kernel->lines[kernel->outputs[output]].kind;

    return kind == LINE_INPUT || kind == LINE_PARAM;
}

/* Points the call at the inputs; false when one is a constant column. */
static bool set_inputs(KernelInstance *instance, const Batch *batch, KernelCall *call,
                       void **arrays)
{
    const Kernel *kernel = instance->kernel;
    const void **values = (const void **)arrays;
    const uint64_t **validity = (const uint64_t **)(arrays + kernel->input_count);
    const void **params = (const void **)(arrays + 2 * (size_t)kernel->input_count);

    for (uint32_t i = 0; i < kernel->line_count; i++) {
        const KernelLine *line = &kernel->lines[i];
        const Column *column;

        if (line->kind == LINE_PARAM)
            params[line->index] = kernel->params[line->index].bytes;
        if (line->kind == LINE_INPUT || line->kind == LINE_PARAM)
            interpret__lines(instance, batch, i, i + 1);
        if (line->kind != LINE_INPUT)
            continue;
        column = interpret__flat(instance, i);
        if (column->form != COLUMN_FLAT)
            return false;
        values[line->index] = column->values;
        validity[line->index] = column->validity == NULL ? all_ones : column->validity;
    }
    call->inputs = values;
    call->input_validity = validity;
    call->params = params;
    call->sets = kernel->sets;
    return true;
}

static void set_outputs(KernelInstance *instance, KernelCall *call, void **arrays)
{
    const Kernel *kernel = instance->kernel;
    uint64_t **validity = (uint64_t **)(arrays + kernel->output_count);

    for (uint32_t i = 0; i < kernel->output_count; i++) {
        const LineState *state = &instance->states[kernel->outputs[i]];

        if (is_passed_on(kernel, i))
            continue;
        arrays[i] = state->values;
        validity[i] = state->validity;
        memcpy(state->validity, all_ones, sizeof all_ones);
    }
    call->outputs = arrays;
    call->output_validity = validity;
}

bool compiled__run(KernelInstance *instance, const Batch *batch, void *const *states, void *single)
{
    Kernel *kernel = instance->kernel;
    KernelEntry entry = kernel_code_for(kernel, batch->selected_count);
    KernelCall call = {.ctx = &instance->ctx,
                       .selection = batch->selection ? batch->selection : identity(),
                       .count = batch->selected_count,
                       .kept = instance->kept,
                       .states = states != NULL ? states : &single,
                       .state_mask = states != NULL ? UINT64_MAX : 0};
    size_t input_arrays = 2 * (size_t)kernel->input_count + kernel->param_count;
    uint64_t kept;

    if (entry == NULL)
        return false;
    interpret__begin(instance, batch);
    if (!set_inputs(instance, batch, &call, instance->call_arrays))
        return false;
    set_outputs(instance, &call, instance->call_arrays + input_arrays);
    kept = entry(&call);
    if (instance->ctx.error != 0)
        return false;
    if (kernel->predicate != NO_REGISTER)
        instance->base = (Rows){.selection = instance->kept, .count = (uint32_t)kept};
    atomic_fetch_add_explicit(&kernel->tier1_rows, batch->selected_count, memory_order_relaxed);
    return true;
}

Column compiled__output(KernelInstance *instance, uint32_t output)
{
    const Kernel *kernel = instance->kernel;
    uint32_t line = kernel->outputs[output];
    Column column = instance->registers[line];

    if (!is_passed_on(kernel, output))
        column = (Column){
            .form = COLUMN_FLAT,
            .values = instance->states[line].values,
            .validity = kernel->lines[line].is_nullable ? instance->states[line].validity : NULL};
    column.type = kernel->output_types[output];
    return column;
}
