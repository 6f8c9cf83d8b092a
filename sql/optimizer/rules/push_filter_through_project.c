/*
 * push_filter_through_project
 *
 *     Filter x > 1                    Project a + b AS x
 *       Project a + b AS x      =>      Filter a + b > 1
 *         X                               X
 *
 * Why:  on its way to the scan; and the projection computes fewer rows.
 *
 * Not when:
 *   (1) the predicate, or a projected expression that it uses, is volatile: it would be computed
 *       twice, with two results.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_filter_through_project(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanProject *project = plan_as_project(plan->inputs[0]);
    ExprVec below = {.arena = rc->arena}, stays = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;
    ColumnMap map;

    if (project == NULL)
        return plan;
    map = project_map(rc->arena, project);
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = expr_substitute(rc->arena, parts[i], &map);

        if (expr_is_volatile(part))
            expr_vec_add(&stays, parts[i]); /* (1) */
        else
            expr_vec_add(&below, part);
    }
    return plan_filter_below(rc, plan, &below, &stays);
}

const Rule rule_push_filter_through_project = {
    .name = "push_filter_through_project",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_through_project,
};
