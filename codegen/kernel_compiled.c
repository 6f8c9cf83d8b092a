/* kernel_compiled.c -- see kernel_compiled.h and kernel_call.h */
#include "codegen/kernel_compiled.h"

#include "codegen/kernel_code.h"
#include "codegen/vector/vector_mask.h"
#include "core/base/invariant.h"

/* Batches that tier 0 had to run again before it gets all of them: the data is not for the code. */
enum { FAILED_BATCHES_MAX = 4 };

/* A loop over all rows is several times faster a row than tier 0 over a selection. */
enum { DENSE_WEIGHT = 8 };

size_t compiled__array_count(const Kernel *kernel)
{
    return 2 * (size_t)kernel->input_count + kernel->param_count + 2 * (size_t)kernel->line_count;
}

/* Points the call at an input; false when it is a constant column. */
static bool set_input(KernelInstance *instance, uint32_t index, const void **values,
                      const uint8_t **validity)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    const Column *column;

    if (!state->is_read)
        return true;
    column = interpret__flat(instance, index);
    if (column->form != COLUMN_FLAT)
        return false;
    values[line->index] = column->values;
    if (!line->is_nullable)
        return true;
    validity[line->index] = instance->true_bytes;
    if (column->validity != NULL) {
        vector_masks()->of_bits(column->validity, 0, instance->row_count, state->valid_bytes);
        validity[line->index] = state->valid_bytes;
    }
    return true;
}

static bool set_call(KernelInstance *instance, const Batch *batch, KernelCall *call)
{
    const Kernel *kernel = instance->kernel;
    void **arrays = instance->call_arrays;
    const void **inputs = (const void **)arrays;
    const uint8_t **input_validity = (const uint8_t **)(arrays + kernel->input_count);
    const void **params = (const void **)(arrays + 2 * (size_t)kernel->input_count);
    void **values = (void **)(params + kernel->param_count);
    uint8_t **validity = (uint8_t **)(values + kernel->line_count);

    for (uint32_t i = 0; i < kernel->line_count; i++) {
        const KernelLine *line = &kernel->lines[i];

        values[i] = instance->states[i].values;
        validity[i] = instance->states[i].valid_bytes;
        if (line->kind == LINE_PARAM)
            params[line->index] = kernel->params[line->index].bytes;
        if (line->kind == LINE_INPUT || line->kind == LINE_PARAM)
            interpret__lines(instance, batch, i, i + 1);
        if (line->kind == LINE_INPUT && !set_input(instance, i, inputs, input_validity))
            return false;
    }
    *call = (KernelCall){.ctx = &instance->ctx,
                         .inputs = inputs,
                         .input_validity = input_validity,
                         .params = params,
                         .sets = kernel->sets,
                         .values = values,
                         .validity = validity};
    return instance->status == ST_OK;
}

/* The rows wanted, a byte a row. */
static const uint8_t *wanted_bytes(KernelInstance *instance)
{
    Rows rows = instance->base;

    if (rows.selection == NULL)
        return instance->true_bytes;
    memset(instance->wanted, 0, instance->row_count);
    for (uint32_t k = 0; k < rows.count; k++)
        instance->wanted[rows.selection[k]] = 1;
    return instance->wanted;
}

/* Whether a loop over all rows does less than tier 0 over those that are wanted. */
static bool is_dense(const KernelInstance *instance)
{
    return instance->base.count * DENSE_WEIGHT >= instance->row_count;
}

/* false: some row that is wanted has failed. */
static bool run_part(KernelInstance *instance, KernelEntry entry, KernelPart part, KernelCall *call)
{
    call->part = part;
    call->wanted = wanted_bytes(instance);
    call->count = instance->row_count;
    entry(call);
    instance->failed_batches += instance->ctx.error != 0;
    return instance->ctx.error == 0;
}

/* A line that a part has left becomes a register as tier 0 has it. */
static void take_line(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    const uint64_t *validity = NULL;

    if (line->kind == LINE_INPUT || line->kind == LINE_PARAM)
        return;
    if (line->is_nullable && index != instance->kernel->predicate) {
        pack_mask(state->valid_bytes, instance->row_count, state->validity);
        validity = state->validity;
    }
    instance->registers[index] = (Column){
        .type = line->type, .form = COLUMN_FLAT, .values = state->values, .validity = validity};
}

static void take_results(KernelInstance *instance)
{
    const Kernel *kernel = instance->kernel;

    for (uint32_t i = 0; i < kernel->output_count; i++)
        take_line(instance, kernel->outputs[i]);
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        if (kernel->aggs[i].arg != NO_REGISTER)
            take_line(instance, kernel->aggs[i].arg);
        if (kernel->aggs[i].filter != NO_REGISTER)
            take_line(instance, kernel->aggs[i].filter);
    }
}

bool compiled__run(KernelInstance *instance, const Batch *batch)
{
    Kernel *kernel = instance->kernel;
    KernelEntry entry = kernel_code_for(kernel, batch->selected_count);
    KernelCall call;

    if (entry == NULL || instance->failed_batches >= FAILED_BATCHES_MAX)
        return false;
    interpret__begin(instance, batch);
    if (!is_dense(instance))
        return false;
    if (!set_call(instance, batch, &call))
        return false;
    if (kernel->predicate != NO_REGISTER) {
        if (!run_part(instance, entry, KERNEL_PREDICATE, &call))
            return false;
        take_line(instance, kernel->predicate);
        interpret__keep(instance, kernel->predicate);
    }
    if (!is_dense(instance))
        interpret__lines(instance, batch, 0, kernel->line_count);
    else if (run_part(instance, entry, KERNEL_RESULTS, &call))
        take_results(instance);
    else
        return false;
    atomic_fetch_add_explicit(&kernel->tier1_rows, batch->selected_count, memory_order_relaxed);
    return true;
}
