/*
 * physical_setop.c -- INTERSECT and EXCEPT [ALL]: both inputs grouped by all columns, and counted
 *
 *     Except All c          Table Function generate_series(1, a - b)
 *       A (x)         =>      Filter a > b
 *       B (y)                   Aggregate keys c, count(*) FILTER (WHERE is_first) AS a,
 *                                                 count(*) FILTER (WHERE NOT is_first) AS b
 *                                 Union c, is_first
 *                                   Project x, true
 *                                     A
 *                                   Project y, false
 *                                     B
 *
 * INTERSECT ALL takes the lesser count; without ALL the filter is all there is to it.
 *
 * Why:  an aggregate runs in parallel, partition by partition, and spills; its groups show their
 *       first row, which is the first input's, and come in that order.
 */
#include "sql/optimizer/physical_internal.h"
#include "sql/optimizer/rules/rules.h"

/* An input under the set operation's columns, and which one it is. */
static const Plan *marked(RuleCtx *rc, const PlanSetop *setop, uint32_t input, ColumnId *ids)
{
    const Plan *plan = setop->head.inputs[input];
    ColumnVec outputs = {.arena = rc->arena};

    for (uint32_t i = 0; i < setop->head.column_count; i++) {
        PlanColumn column = *plan_column(plan, setop->maps[input].ids[i]);
        const Expr *source = expr_of_column(rc->arena, &column);

        ids[i] = column.id = plan_new_column(rc->ids);
        column_vec_add(&outputs, source, column);
    }
    ids[setop->head.column_count] = plan_new_column(rc->ids);
    column_vec_add(&outputs, expr_const(rc->arena, value_bool(input == 0)),
                   (PlanColumn){.id = ids[setop->head.column_count],
                                .type = type_of(TYPE_BOOL),
                                .name = "is_first"});
    return column_vec_project(&outputs, plan);
}

/* Rows of both inputs; the last column is is_first. */
static const Plan *united(RuleCtx *rc, const PlanSetop *setop)
{
    uint32_t count = setop->head.column_count;
    PlanColumn *columns = ARENA_ARRAY(rc->arena, PlanColumn, count + 1);
    const Plan *inputs[2];
    ColumnList maps[2];

    for (uint32_t i = 0; i < 2; i++) {
        ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, count + 1);

        inputs[i] = marked(rc, setop, i, ids);
        maps[i] = (ColumnList){count + 1, ids};
    }
    for (uint32_t c = 0; c < count; c++) {
        columns[c] = setop->head.columns[c];
        columns[c].is_nullable =
            inputs[0]->columns[c].is_nullable || inputs[1]->columns[c].is_nullable;
    }
    columns[count] = column_named(rc, type_of(TYPE_BOOL), "is_first", false);
    return plan_union(rc->arena, 2, inputs, maps, count + 1, columns);
}

/* The last two columns are how many rows either input has. */
static const Plan *counted(RuleCtx *rc, const PlanSetop *setop)
{
    const Plan *both = united(rc, setop);
    uint32_t count = setop->head.column_count;
    const Expr *is_first = expr_of_column(rc->arena, &both->columns[count]);
    const Expr *filters[2] = {is_first, expr_not(rc->arena, is_first)};
    ColumnId *keys = ARENA_ARRAY(rc->arena, ColumnId, count);
    const Expr *aggs[2];
    PlanColumn columns[2];

    for (uint32_t c = 0; c < count; c++)
        keys[c] = both->columns[c].id;
    for (uint32_t i = 0; i < 2; i++) {
        aggs[i] =
            expr_agg(rc->arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, filters[i]);
        columns[i] = column_named(rc, type_of(TYPE_INT8), i == 0 ? "a" : "b", false);
    }
    return plan_aggregate(rc->arena, both, count, keys, 2, aggs, columns);
}

static const Expr *comparison(Arena *arena, FuncId func, const Expr *a, const Expr *b)
{
    return expr_call2(arena, func, type_of(TYPE_BOOL), a, b);
}

/* Whether a row comes out at all. */
static const Expr *is_in_result(Arena *arena, const PlanSetop *setop, const Expr *a, const Expr *b)
{
    const Expr *zero = expr_const(arena, value_int8(0));

    if (setop->kind == SETOP_EXCEPT && setop->is_all)
        return comparison(arena, FUNC_GT, a, b);
    return expr_and(arena, comparison(arena, FUNC_GT, a, zero),
                    comparison(arena, setop->kind == SETOP_EXCEPT ? FUNC_EQ : FUNC_GT, b, zero));
}

/* Each row as often as the difference, or the lesser, of its counts says. */
static const Plan *repeated(RuleCtx *rc, const PlanSetop *setop, const Plan *plan, const Expr *a,
                            const Expr *b)
{
    FuncId func = setop->kind == SETOP_EXCEPT ? FUNC_SUB : FUNC_LEAST;
    const Expr *one = expr_const(rc->arena, value_int8(1));
    const Expr *args[] = {one, expr_call2(rc->arena, func, type_of(TYPE_INT8), a, b), one};

    return plan_table_function(rc->arena, plan, TABLE_FUNCTION_GENERATE_SERIES, (ExprList){3, args},
                               column_named(rc, type_of(TYPE_INT8), "nth", false));
}

const Plan *physical_lower_setop(RuleCtx *rc, const PlanSetop *setop)
{
    const Plan *plan = counted(rc, setop);
    uint32_t count = setop->head.column_count;
    const Expr *a = expr_of_column(rc->arena, &plan->columns[count]);
    const Expr *b = expr_of_column(rc->arena, &plan->columns[count + 1]);

    plan = plan_filter(rc->arena, plan, is_in_result(rc->arena, setop, a, b));
    if (setop->is_all)
        plan = repeated(rc, setop, plan, a, b);
    return plan_select_like(rc->arena, plan, &setop->head);
}
