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

Status kernel__finish(const KernelInstance *instance, Error *err)
{
    if (instance->status != ST_OK && err != NULL)
        *err = instance->error;
    return instance->status;
}

void kernel__filter_rows(KernelInstance *instance, const Batch *batch)
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
    if (!compiled__run(instance, batch))
        kernel__filter_rows(instance, batch);
    put_selection(instance, batch, selection_out, count_out);
    return kernel__finish(instance, err);
}

Status kernel_project(KernelInstance *instance, const Batch *batch, Error *err, Column *columns_out,
                      const uint32_t **selection_out, uint32_t *count_out)
{
    const Kernel *kernel = instance->kernel;

    if (!compiled__run(instance, batch)) {
        kernel__filter_rows(instance, batch);
        interpret__lines(instance, batch, kernel->filter_line_count, kernel->line_count);
    }
    for (uint32_t i = 0; i < kernel->output_count; i++) {
        columns_out[i] = instance->registers[kernel->outputs[i]];
        columns_out[i].type = kernel->output_types[i];
    }
    put_selection(instance, batch, selection_out, count_out);
    return kernel__finish(instance, err);
}
