/* op_hash_join.c -- a join is made from its plan node; see join.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join.h"
#include "exec/join_spill.h"

/* What hash and nested joins have in common. */
typedef struct JoinSpec {
    const Plan *node;
    bool is_nested; /* the keys are those of the range */
    JoinKind kind;
    ExprList left_keys, right_keys;
    const bool *null_equal;
    const Expr *residual;
    const Expr *null_aware;
    ColumnId mark;
    RuntimeFilterList filters;
} JoinSpec;

/* --- keys --- */

static Status make_keys(Join *join, Operator *op, const Plan *input, ExprList exprs,
                        const char *name, Error *err, JoinKeys *keys)
{
    KernelRequest request = {.name = name,
                             .input_count = input->column_count,
                             .inputs = input->columns,
                             .output_count = exprs.count,
                             .outputs = exprs.items,
                             .expected_rows = input->estimated_rows,
                             .jit = join->context->jit,
                             .cache = join->context->cache};
    bool is_bare = true;

    keys->count = exprs.count;
    keys->picks = ARENA_ARRAY(join->arena, uint32_t, exprs.count);
    for (uint32_t i = 0; i < exprs.count; i++) {
        int32_t index = exprs.items[i]->kind == EXPR_COLUMN
                            ? plan_column_index(input, exprs.items[i]->column)
                            : -1;

        is_bare &= index >= 0;
        keys->picks[i] = (uint32_t)index;
    }
    if (is_bare)
        return ST_OK;
    keys->picks = NULL;
    TRY(kernel_build(&request, err, &keys->kernel));
    operator_add_kernel(op, join->arena, keys->kernel);
    return ST_OK;
}

static bool is_nullable(const Plan *input, const Expr *expr)
{
    const PlanColumn *column = expr->kind == EXPR_COLUMN ? plan_column(input, expr->column) : NULL;

    return column == NULL || column->is_nullable;
}

/* --- columns --- */

static void choose_outputs(Join *join, const JoinSpec *spec, ColumnSet needed)
{
    JoinOutput *outputs = ARENA_ARRAY(join->arena, JoinOutput, join->node->column_count + 1);

    join->output_count = join->node->column_count;
    outputs[join->output_count] =
        (JoinOutput){.side = JOIN_SIDE_LEFT, .index = join->left->column_count};
    for (uint32_t i = 0; i < join->node->column_count; i++) {
        ColumnId id = join->node->columns[i].id;
        int32_t left = plan_column_index(join->left, id);
        int32_t right = plan_column_index(join->right, id);

        if (!column_set_has(needed, id))
            continue;
        if (join->kind == JOIN_MARK && id == spec->mark)
            outputs[i] = (JoinOutput){.side = JOIN_SIDE_MARK};
        else if (left >= 0)
            outputs[i] = (JoinOutput){.side = JOIN_SIDE_LEFT, .index = (uint32_t)left};
        else if (right >= 0)
            outputs[i] = (JoinOutput){.side = JOIN_SIDE_RIGHT, .index = (uint32_t)right};
    }
    join->outputs = outputs;
}

static bool *columns_used(Arena *arena, const Plan *input, ColumnSet used)
{
    bool *is_used = ARENA_ARRAY(arena, bool, input->column_count);

    for (uint32_t i = 0; i < input->column_count; i++)
        is_used[i] = column_set_has(used, input->columns[i].id);
    return is_used;
}

static void choose_kept(Join *join)
{
    uint32_t count = join->right->column_count;

    join->kept = ARENA_ARRAY(join->arena, uint32_t, count);
    join->kept_place = ARENA_ARRAY(join->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_kept = join->right_is_used[i];

        for (uint32_t o = 0; o < join->node->column_count; o++)
            is_kept |= join->outputs[o].side == JOIN_SIDE_RIGHT && join->outputs[o].index == i;
        join->kept_place[i] = is_kept ? join->kept_count : JOIN_NOT_KEPT;
        if (is_kept)
            join->kept[join->kept_count++] = i;
    }
}

static void make_layout(Join *join, const JoinSpec *spec)
{
    Arena *arena = join->arena;
    uint32_t key_count = spec->is_nested ? 0 : spec->right_keys.count;
    uint32_t column_count = join->kept_count + join->range.key_count;
    Type *types = ARENA_ARRAY(arena, Type, key_count);
    bool *nullable = ARENA_ARRAY(arena, bool, key_count);
    int32_t *key_of_column = ARENA_ARRAY(arena, int32_t, column_count);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, column_count);

    for (uint32_t i = 0; i < key_count; i++) {
        types[i] = spec->right_keys.items[i]->type;
        nullable[i] = is_nullable(join->right, spec->right_keys.items[i]);
    }
    for (uint32_t c = 0; c < join->kept_count; c++) {
        columns[c] = join->right->columns[join->kept[c]];
        key_of_column[c] = -1;
        for (uint32_t k = 0; k < key_count; k++)
            if (spec->right_keys.items[k]->kind == EXPR_COLUMN &&
                spec->right_keys.items[k]->column == columns[c].id)
                key_of_column[c] = (int32_t)k;
    }
    for (uint32_t c = join->kept_count; c < column_count; c++) {
        columns[c] = (PlanColumn){.type = type_of(TYPE_INT8), .is_nullable = true};
        key_of_column[c] = -1;
    }
    join->layout =
        join_layout_make(arena, key_count, types, nullable, spec->null_equal, column_count, columns,
                         key_of_column, join_keeps_unmatched_build(join->kind));
}

/* --- kernels over pairs --- */

static Status make_pair_kernels(Join *join, const JoinSpec *spec, Error *err)
{
    uint32_t left_count = join->left->column_count, right_count = join->right->column_count;
    PlanColumn *inputs = ARENA_ARRAY(join->arena, PlanColumn, left_count + right_count);
    KernelRequest request = {.name = "join.condition",
                             .input_count = left_count + right_count,
                             .inputs = inputs,
                             .predicate = spec->residual,
                             .expected_rows = join->left->estimated_rows,
                             .jit = join->context->jit,
                             .cache = join->context->cache};

    if (left_count > 0)
        memcpy(inputs, join->left->columns, left_count * sizeof *inputs);
    if (right_count > 0)
        memcpy(inputs + left_count, join->right->columns, right_count * sizeof *inputs);
    if (!expr_is_true(spec->residual)) {
        TRY(kernel_build(&request, err, &join->residual));
        operator_add_kernel(&join->probe, join->arena, join->residual);
    }
    if (spec->null_aware == NULL)
        return ST_OK;
    request.name = "join.null_aware";
    request.predicate = NULL;
    request.output_count = 1;
    request.outputs = &spec->null_aware;
    TRY(kernel_build(&request, err, &join->null_aware));
    operator_add_kernel(&join->probe, join->arena, join->null_aware);
    return ST_OK;
}

/* --- making --- */

/* Which of the range's bounds says what the filter is to say; bound_count: none. */
static uint32_t filter_bound(const JoinRange *range, const RuntimeFilter *wanted)
{
    uint32_t b = 0;

    while (b < range->bound_count &&
           (range->left[b]->kind != EXPR_COLUMN || range->left[b]->column != wanted->column ||
            range->bounds[b].is_least != (wanted->kind == FILTER_AT_MOST)))
        b++;
    return b;
}

static void make_filters(Join *join, const JoinSpec *spec)
{
    join->filters = ARENA_ARRAY(join->arena, JoinFilter *, spec->filters.count);
    join->filling = ARENA_ARRAY(join->arena, JoinFilter *, spec->filters.count);
    for (uint32_t i = 0; i < spec->filters.count; i++) {
        const RuntimeFilter *wanted = &spec->filters.items[i];
        uint32_t key = spec->is_nested ? filter_bound(&join->range, wanted) : wanted->key;
        JoinFilter *filter = NULL;

        if (key < spec->left_keys.count)
            filter = join_filter_new(join->context, join->arena, wanted->id, key,
                                     spec->left_keys.items[key]->type);

        if (filter != NULL)
            join->filters[join->filter_count++] = filter;
    }
}

static Operator make_operator(const Join *join, const OperatorClass *class, const Plan *input)
{
    return (Operator){.class = class,
                      .context = join->context,
                      .node = join->node,
                      .input_column_count = input->column_count,
                      .input_columns = input->columns};
}

static Status make_parts(Join *join, const JoinSpec *spec, ColumnSet needed, Error *err)
{
    Arena *arena = join->arena;
    ColumnSet used = column_set_union(arena, expr_columns(arena, spec->residual),
                                      expr_columns(arena, spec->null_aware));

    TRY(make_keys(join, &join->build, join->right, spec->right_keys, "join.build_key", err,
                  &join->right_keys));
    TRY(make_keys(join, &join->probe, join->left, spec->left_keys, "join.probe_key", err,
                  &join->left_keys));
    choose_outputs(join, spec, needed);
    join->left_is_used = columns_used(arena, join->left, used);
    join->right_is_used = columns_used(arena, join->right, used);
    choose_kept(join);
    make_layout(join, spec);
    make_filters(join, spec);
    return make_pair_kernels(join, spec, err);
}

static void choose_range(Join *join, JoinSpec *spec)
{
    join_range_choose(&join->range, join->arena, spec->residual, join->left, join->right);
    spec->left_keys = (ExprList){join->range.bound_count, join->range.left};
    spec->right_keys = (ExprList){join->range.key_count, join->range.right};
}

static Status make_join(const ExecContext *context, Arena *arena, JoinSpec *spec, ColumnSet needed,
                        Error *err, JoinOperators *ops_out)
{
    Join *join = ARENA_NEW(arena, Join);
    Status status;

    *join = (Join){.context = context,
                   .arena = arena,
                   .kind = spec->kind,
                   .node = spec->node,
                   .left = spec->node->inputs[0],
                   .right = spec->node->inputs[1]};
    join->build = make_operator(join, &join_build_class, join->right);
    join->probe = make_operator(join, &join_probe_class, join->left);
    join->unmatched = make_operator(join, &join_unmatched_class, join->right);
    if (spec->is_nested)
        choose_range(join, spec);
    status = make_parts(join, spec, needed, err);
    if (status != ST_OK) {
        operator_release(&join->build);
        operator_release(&join->probe);
        return status;
    }
    join_spill_make(join);
    *ops_out = (JoinOperators){
        .build = &join->build,
        .probe = &join->probe,
        .unmatched = join_marks_build(spec->kind) || join->spill != NULL ? &join->unmatched : NULL,
        .filter_count = join->filter_count,
        .filters = join->filters};
    return ST_OK;
}

Status op_hash_join_new(const ExecContext *context, Arena *arena, const PlanHashJoin *node,
                        ColumnSet needed, Error *err, JoinOperators *ops_out)
{
    JoinSpec spec = {.node = &node->head,
                     .kind = (JoinKind)node->kind,
                     .left_keys = node->left_keys,
                     .right_keys = node->right_keys,
                     .null_equal = node->null_equal.items,
                     .residual = node->residual,
                     .null_aware = node->null_aware,
                     .mark = node->mark,
                     .filters = node->runtime_filters};

    for (uint32_t i = 0; i < node->left_keys.count; i++)
        if (type_phys(node->left_keys.items[i]->type) != type_phys(node->right_keys.items[i]->type))
            return error_set(err, ST_INTERNAL, "the keys of a hash join differ in type");
    return make_join(context, arena, &spec, needed, err, ops_out);
}

Status op_nested_join_new(const ExecContext *context, Arena *arena, const PlanNestedJoin *node,
                          ColumnSet needed, Error *err, JoinOperators *ops_out)
{
    JoinSpec spec = {.node = &node->head,
                     .is_nested = true,
                     .kind = (JoinKind)node->kind,
                     .residual = node->condition,
                     .null_aware = node->null_aware,
                     .mark = node->mark,
                     .filters = node->runtime_filters};

    return make_join(context, arena, &spec, needed, err, ops_out);
}
