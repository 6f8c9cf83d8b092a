/*
 * remove_one_row_joins
 *
 *     Join c > 1                     Project a, 5 AS c
 *       X (a)                 =>       Filter 5 > 1
 *       Values (5) AS c                  X
 *
 * Also over a projection of constants over the one row of no columns (SELECT 5).
 *
 * Why:  one row of constants is known now: its values can be folded, and its join need not be.
 *
 * Not when:
 *   (1) the join is no inner one; a left, single or semi join decides what to keep by the row.
 *   (2) the one row is made by something that must run first (an aggregate, a LIMIT 1).
 */
#include "sql/optimizer/rules/rules.h"

/* The row's values by column, when the plan is one row of expressions without columns. */
static bool one_row(Arena *arena, const Plan *plan, ColumnVec *values)
{
    const PlanValues *row = plan_as_values(plan);
    const PlanProject *project = plan_as_project(plan);
    const Expr *const *exprs;

    if (project != NULL) {
        row = plan_as_values(project->head.inputs[0]);
        if (row == NULL || row->rows.count != 1 || row->head.column_count != 0)
            return false; /* (2) */
        exprs = project->exprs.items;
    } else if (row != NULL && row->rows.count == 1) {
        exprs = row->rows.items[0].items;
    } else {
        return false;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (expr_columns(arena, exprs[i]).count > 0 || expr_is_volatile(exprs[i]))
            return false;
        column_vec_add(values, exprs[i], plan->columns[i]);
    }
    return true;
}

static const Plan *remove_one_row_joins(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    ColumnVec values = {.arena = rc->arena}, outputs = {.arena = rc->arena};
    MapVec map = {.arena = rc->arena};
    const Plan *other;
    ColumnMap columns;

    if (join->kind != JOIN_INNER)
        return plan; /* (1) */
    if (one_row(rc->arena, plan->inputs[1], &values))
        other = plan->inputs[0];
    else if (one_row(rc->arena, plan->inputs[0], &values))
        other = plan->inputs[1];
    else
        return plan;
    for (uint32_t i = 0; i < values.count; i++)
        map_vec_add(&map, values.columns[i].id, values.exprs[i]);
    columns = map_vec_map(&map);
    if (join->condition != NULL)
        other =
            plan_filter(rc->arena, other, expr_substitute(rc->arena, join->condition, &columns));
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const Expr *value = map_vec_find(&map, plan->columns[i].id);

        column_vec_add(&outputs,
                       value != NULL ? value : expr_of_column(rc->arena, &plan->columns[i]),
                       plan->columns[i]);
    }
    return column_vec_project(&outputs, other);
}

const Rule rule_remove_one_row_joins = {
    .name = "remove_one_row_joins",
    .root = PLAN_JOIN,
    .rewrite = remove_one_row_joins,
};
