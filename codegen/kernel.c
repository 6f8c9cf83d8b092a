/* kernel.c -- kernels: sharing, statistics, and the calls that run one; see kernel.h */
#include "codegen/kernel.h"

#include "core/base/invariant.h"

#include "codegen/kernel_code.h"
#include "codegen/kernel_compiled.h"
#include "codegen/kernel_instance.h"

Kernel *kernel_ref(Kernel *kernel)
{
    atomic_fetch_add(&kernel->references, 1);
    return kernel;
}

void kernel_unref(Kernel *kernel)
{
    if (kernel == NULL || atomic_fetch_sub(&kernel->references, 1) > 1)
        return;
    kernel_code_stop(kernel);
    arena_free(kernel->arena);
}

KernelStatistics kernel_statistics(const Kernel *kernel)
{
    KernelStatistics statistics = {.tier0_rows = atomic_load(&kernel->tier0_rows),
                                   .tier1_rows = atomic_load(&kernel->tier1_rows)};

    kernel_code_statistics(kernel, &statistics);
    return statistics;
}

Status kernel_explain_code(Arena *arena, Kernel *kernel, Error *err, const char **text_out)
{
    *text_out = "";
    if (kernel->cache == NULL)
        return ST_OK;
    return code_cache_explain(kernel->cache, arena, kernel, err, text_out);
}

/* --- tier 0 --- */

static Status finish(KernelInstance *instance, Error *err)
{
    if (instance->status != ST_OK && err != NULL)
        *err = instance->error;
    return instance->status;
}

/* Runs the filter's lines and leaves the rows it keeps as the rows wanted. */
static void filter_rows(KernelInstance *instance, const Batch *batch)
{
    const Kernel *kernel = instance->kernel;

    ASSERT(batch->row_count <= BATCH_ROWS_MAX);
    interpret__begin(instance, batch);
    interpret__lines(instance, batch, 0, kernel->filter_line_count);
    if (kernel->predicate != NO_REGISTER)
        interpret__keep(instance, kernel->predicate);
    atomic_fetch_add_explicit(&instance->kernel->tier0_rows, batch->selected_count,
                              memory_order_relaxed);
}

static void put_selection(const KernelInstance *instance, const Batch *batch,
                          const uint32_t **selection_out, uint32_t *count_out)
{
    bool keeps_all = batch->selection == NULL && instance->base.count == batch->row_count;

    *selection_out = keeps_all ? NULL : instance->base.selection;
    *count_out = instance->base.count;
}

Status kernel_filter(KernelInstance *instance, const Batch *batch, Error *err,
                     const uint32_t **selection_out, uint32_t *count_out)
{
    if (!compiled__run(instance, batch, NULL, NULL))
        filter_rows(instance, batch);
    put_selection(instance, batch, selection_out, count_out);
    return finish(instance, err);
}

Status kernel_project(KernelInstance *instance, const Batch *batch, Error *err, Column *columns_out,
                      const uint32_t **selection_out, uint32_t *count_out)
{
    const Kernel *kernel = instance->kernel;
    bool is_compiled = compiled__run(instance, batch, NULL, NULL);

    if (!is_compiled) {
        filter_rows(instance, batch);
        interpret__lines(instance, batch, kernel->filter_line_count, kernel->line_count);
    }
    for (uint32_t i = 0; i < kernel->output_count; i++) {
        columns_out[i] =
            is_compiled ? compiled__output(instance, i) : instance->registers[kernel->outputs[i]];
        columns_out[i].type = kernel->output_types[i];
    }
    put_selection(instance, batch, selection_out, count_out);
    return finish(instance, err);
}

/* --- aggregates --- */

/* FIRST, of any type: only the first row of a group counts. */
static void update_first(const KernelAgg *agg, const Column *column, Rows rows,
                         void *const *row_states, void *single)
{
    size_t bytes = phys_bytes(type_phys(agg->types.arg));

    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows_at(rows, k);
        char *block = single != NULL ? single : row_states[row];

        first_add((FirstState *)(void *)(block + agg->state_offset), column_value(column, row),
                  bytes, column_is_null(column, row));
        if (single != NULL)
            return;
    }
}

static void update_agg(KernelInstance *instance, const KernelAgg *agg, bool has_states,
                       void *single)
{
    Rows rows = interpret__rows(instance, agg->filter);
    const VectorAgg *vector = vector_agg(agg->op);
    VectorAggCall call = {.states = instance->row_states, .offset = agg->state_offset};
    const Column *column;

    if (agg->arg != NO_REGISTER) {
        column = interpret__flat(instance, agg->arg);
        if (agg->op == AGGOP_first_any) {
            update_first(agg, column, rows, instance->row_states, has_states ? NULL : single);
            return;
        }
        if (column->form == COLUMN_CONST && column_is_null(column, 0))
            return;
        if (column->form != COLUMN_CONST && column->validity != NULL) {
            rows.count = rows_where_valid(rows, column->validity, instance->scratch);
            rows.selection = instance->scratch;
        }
        call.values = column->values;
        call.step = column->form == COLUMN_CONST ? 0 : UINT32_MAX;
    }
    call.count = rows.count;
    call.selection = rows.selection;
    if (call.count == 0)
        return;
    if (has_states) {
        vector->many(&call);
        return;
    }
    call.single = (char *)single + agg->state_offset;
    vector->single(&call);
}

Status kernel_aggregate(KernelInstance *instance, const Batch *batch, void *const *states,
                        void *single, Error *err)
{
    const Kernel *kernel = instance->kernel;

    if (compiled__run(instance, batch, states, single))
        return ST_OK;
    filter_rows(instance, batch);
    interpret__lines(instance, batch, kernel->filter_line_count, kernel->line_count);
    if (instance->status != ST_OK)
        return finish(instance, err);
    if (states != NULL) /* from the order of the batch's selection to physical rows */
        for (uint32_t i = 0; i < batch->selected_count; i++)
            instance->row_states[batch_row(batch, i)] = states[i];
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        update_agg(instance, &kernel->aggs[i], states != NULL, single);
    return finish(instance, err);
}
