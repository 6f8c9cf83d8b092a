/* kernel_eval.c -- an expression without columns, evaluated once: a kernel over one row of none */
#include "codegen/kernel.h"

static Status eval(const KernelRequest *request, MemPool *pool, Arena *arena, Error *err,
                   Value *value_out)
{
    Batch batch = {.row_count = 1, .selected_count = 1};
    Kernel *kernel = NULL;
    KernelInstance *instance = NULL;
    const uint32_t *selection;
    uint32_t count;
    Column column;
    Status status = kernel_build(request, err, &kernel);

    if (status == ST_OK)
        status = kernel_instance_new(kernel, pool, err, &instance);
    if (status == ST_OK)
        status = kernel_project(instance, &batch, err, &column, &selection, &count);
    if (status == ST_OK)
        *value_out = value_copy(arena, value_from_column(&column, 0));
    kernel_instance_free(instance);
    kernel_unref(kernel);
    return status;
}

Status kernel_eval_const(Arena *arena, const Expr *expr, Error *err, Value *value_out)
{
    KernelRequest request = {
        .name = "constant", .output_count = 1, .outputs = &expr, .expected_rows = 1};
    MemPool *pool;
    Status status;

    if (expr->kind == EXPR_CONST) {
        *value_out = value_copy(arena, expr->value);
        return ST_OK;
    }
    pool = mem_pool_new(NULL, "constant", MEM_POOL_NO_LIMIT);
    status = eval(&request, pool, arena, err, value_out);
    mem_pool_free(pool);
    return status;
}
