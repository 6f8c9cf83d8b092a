/* kernel_eval_filter.c -- how many rows of a sample a predicate keeps, for the optimizer */
#include "codegen/kernel.h"

/* Rows [first, first + count) of the columns, as a batch refers to them. */
static void slice_columns(Arena *arena, uint32_t column_count, const Column *values, uint32_t first,
                          uint32_t count, Column *slices)
{
    for (uint32_t c = 0; c < column_count; c++) {
        size_t bytes = phys_bytes(type_phys(values[c].type));

        slices[c] = values[c];
        slices[c].values = (const char *)values[c].values + first * bytes;
        if (values[c].validity != NULL && first > 0) {
            uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(count));

            bitmap_copy(validity, 0, values[c].validity, first, count);
            slices[c].validity = validity;
        }
    }
}

static Status count_kept(const KernelRequest *request, MemPool *pool, Arena *arena,
                         const Column *values, uint32_t row_count, Error *err,
                         uint32_t *kept_count_out)
{
    Column *columns = ARENA_ARRAY(arena, Column, request->input_count);
    Kernel *kernel = NULL;
    KernelInstance *instance = NULL;
    Status status = kernel_build(request, err, &kernel);

    if (status == ST_OK)
        status = kernel_instance_new(kernel, pool, err, &instance);
    for (uint32_t first = 0; status == ST_OK && first < row_count; first += BATCH_ROWS_MAX) {
        uint32_t rest = row_count - first, kept = 0;
        uint32_t rows = rest < BATCH_ROWS_MAX ? rest : BATCH_ROWS_MAX;
        Batch batch = {.column_count = request->input_count,
                       .row_count = rows,
                       .columns = columns,
                       .selected_count = rows};
        const uint32_t *selection;

        slice_columns(arena, request->input_count, values, first, rows, columns);
        status = kernel_filter(instance, &batch, err, &selection, &kept);
        *kept_count_out += kept;
    }
    kernel_instance_free(instance);
    kernel_unref(kernel);
    return status;
}

Status kernel_eval_filter(Arena *arena, const Expr *predicate, uint32_t column_count,
                          const PlanColumn *columns, const Column *values, uint32_t row_count,
                          Error *err, uint32_t *kept_count_out)
{
    KernelRequest request = {.name = "sample",
                             .input_count = column_count,
                             .inputs = columns,
                             .predicate = predicate,
                             .expected_rows = row_count};
    MemPool *pool = mem_pool_new(NULL, "sample", MEM_POOL_NO_LIMIT);
    Status status;

    *kept_count_out = 0;
    status = count_kept(&request, pool, arena, values, row_count, err, kept_count_out);
    mem_pool_free(pool);
    return status;
}
