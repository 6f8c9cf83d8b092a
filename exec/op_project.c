/*
 * op_project.c -- filters and a projection, as one kernel
 *
 *     Project a + 1             kernel: predicate b > 2, output a + 1
 *       Filter b > 2      =>
 *
 * Columns that are only passed through are not copied; dropped rows are left out of the selection.
 */
#include "exec/operators.h"

typedef struct ProjectOp {
    Operator op;
    Kernel *kernel;        /* NULL: columns are only picked */
    bool has_outputs;      /* else the kernel only filters, and columns are passed on */
    const uint32_t *picks; /* without outputs: which input column each output is */
} ProjectOp;

typedef struct ProjectLocal {
    KernelInstance *instance;
    Arena *arena;
    Column *columns;
} ProjectLocal;

static Status project_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    Arena *arena = arena_new(NULL, "project", ARENA_NO_CAP);
    ProjectLocal *local = ARENA_NEW(arena, ProjectLocal);
    ProjectOp *op = (ProjectOp *)base;

    (void)thread;
    local->arena = arena;
    local->columns = ARENA_ARRAY(arena, Column, base->node->column_count);
    *local_out = local;
    if (op->kernel == NULL)
        return ST_OK;
    return kernel_instance_new(op->kernel, base->context->pool, err, &local->instance);
}

static void project_local_close(Operator *base, void *opaque)
{
    ProjectLocal *local = opaque;

    (void)base;
    if (local == NULL)
        return;
    kernel_instance_free(local->instance);
    arena_free(local->arena);
}

static Status project_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                              Error *err)
{
    ProjectLocal *local = opaque;
    ProjectOp *op = (ProjectOp *)base;
    Batch out = *batch;

    out.column_count = base->node->column_count;
    out.columns = local->columns;
    if (op->has_outputs)
        out.texts = NULL; /* some are made here */
    if (op->has_outputs)
        TRY(kernel_project(local->instance, batch, err, local->columns, &out.selection,
                           &out.selected_count));
    else if (op->kernel != NULL)
        TRY(kernel_filter(local->instance, batch, err, &out.selection, &out.selected_count));
    if (!op->has_outputs)
        for (uint32_t i = 0; i < out.column_count; i++)
            local->columns[i] = batch->columns[op->picks[i]];
    return emit(emitter, &out, err);
}

static const OperatorClass project_class = {
    .name = "project",
    .local_open = project_local_open,
    .consume = project_consume,
    .local_close = project_local_close,
};

static ProjectOp *make(const ExecContext *context, Arena *arena, const Plan *node,
                       const Plan *input)
{
    ProjectOp *op = ARENA_NEW(arena, ProjectOp);

    op->op = (Operator){.class = &project_class,
                        .context = context,
                        .node = node,
                        .input_column_count = input->column_count,
                        .input_columns = input->columns};
    return op;
}

/* All outputs are columns as they are: picks says which; NULL when some are not. */
static const uint32_t *bare_columns(Arena *arena, const Plan *input, const PlanProject *project)
{
    uint32_t count = project == NULL ? input->column_count : project->exprs.count;
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, count);

    for (uint32_t i = 0; i < count; i++) {
        int32_t index = (int32_t)i;

        if (project != NULL && project->exprs.items[i]->kind != EXPR_COLUMN)
            return NULL;
        if (project != NULL)
            index = plan_column_index(input, project->exprs.items[i]->column);
        if (index < 0)
            return NULL;
        picks[i] = (uint32_t)index;
    }
    return picks;
}

Status op_project_new(const ExecContext *context, Arena *arena, const Plan *node, const Plan *input,
                      const Expr *predicate, const PlanProject *project, Error *err,
                      Operator **op_out)
{
    ProjectOp *op = make(context, arena, node, input);
    KernelRequest request = {.name = project == NULL     ? "filter"
                                     : predicate == NULL ? "project"
                                                         : "filter.project",
                             .input_count = input->column_count,
                             .inputs = input->columns,
                             .predicate = predicate,
                             .expected_rows = input->estimated_rows,
                             .jit = context->jit,
                             .cache = context->cache};

    op->picks = bare_columns(arena, input, project);
    op->has_outputs = op->picks == NULL;
    if (op->has_outputs) {
        request.output_count = project->exprs.count;
        request.outputs = project->exprs.items;
    }
    if (op->has_outputs || predicate != NULL) {
        TRY(kernel_build(&request, err, &op->kernel));
        operator_add_kernel(&op->op, arena, op->kernel);
    }
    *op_out = &op->op;
    return ST_OK;
}
