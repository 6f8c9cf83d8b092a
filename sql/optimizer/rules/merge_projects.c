/*
 * merge_projects
 *
 *     Project x + 1                 Project (a * 2) + 1
 *       Project a * 2 AS x    =>      X
 *         X
 *
 * A projection of all its input's columns in order is dropped.
 *
 * Why:  one kernel instead of two, and rules see through.
 *
 * Not when:
 *   (1) an expression of the lower one is used more than once above: it would be computed again.
 *         SELECT x + x FROM (SELECT a * 2 AS x FROM t) s
 *   (2) the lower one is volatile.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct UseCount {
    ColumnId column;
    uint32_t count;
} UseCount;

static bool count_use(void *context, const Expr *expr)
{
    UseCount *use = context;

    use->count += expr->kind == EXPR_COLUMN && expr->column == use->column;
    return true;
}

static uint32_t count_uses(const PlanProject *above, ColumnId column)
{
    UseCount use = {column, 0};

    for (uint32_t i = 0; i < above->exprs.count; i++)
        expr_visit(above->exprs.items[i], count_use, &use);
    return use.count;
}

static bool is_identity(const PlanProject *project)
{
    const Plan *input = project->head.inputs[0];

    if (project->exprs.count != input->column_count)
        return false;
    for (uint32_t i = 0; i < input->column_count; i++) {
        const Expr *expr = project->exprs.items[i];

        if (expr->kind != EXPR_COLUMN || expr->column != input->columns[i].id ||
            project->head.columns[i].id != input->columns[i].id)
            return false;
    }
    return true;
}

static const Plan *merge_projects(RuleCtx *rc, const Plan *plan)
{
    const PlanProject *above = plan_as_project(plan);
    const PlanProject *below = plan_as_project(plan->inputs[0]);
    const Expr **exprs;
    ColumnMap map;

    if (is_identity(above))
        return plan->inputs[0];
    if (below == NULL)
        return plan;
    for (uint32_t i = 0; i < below->exprs.count; i++) {
        const Expr *expr = below->exprs.items[i];

        if (expr_is_volatile(expr))
            return plan; /* (2) */
        if (expr->arg_count > 0 && count_uses(above, below->head.columns[i].id) > 1)
            return plan; /* (1) */
    }
    map = project_map(rc->arena, below);
    exprs = ARENA_ARRAY(rc->arena, const Expr *, above->exprs.count);
    for (uint32_t i = 0; i < above->exprs.count; i++)
        exprs[i] = expr_substitute(rc->arena, above->exprs.items[i], &map);
    return plan_project(rc->arena, below->head.inputs[0], above->exprs.count, exprs, plan->columns);
}

const Rule rule_merge_projects = {
    .name = "merge_projects",
    .root = PLAN_PROJECT,
    .rewrite = merge_projects,
};
