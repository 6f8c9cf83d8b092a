/*
 * push_limit
 *
 *     Limit 3 skip 2             Limit 3 skip 2
 *       Union              =>      Union
 *         A                          Limit 5
 *         B                            A
 *                                    Limit 5
 *                                      B
 *
 *     through a projection:  Limit (Project X)   =>  Project (Limit X)
 *     into a left join:      Limit (L LEFT R)    =>  Limit (Limit L LEFT R): each left row is
 *                            there at least once, and in order
 *     limits of limits become one.
 *
 * Why:  a limit further down stops the scan earlier.
 *
 * Not when:
 *   (1) the input is limited that far already: it would go on for ever.
 *   (2) there is no end (LIMIT ALL): only rows are skipped.
 */
#include "sql/optimizer/rules/rules.h"

/* Rows that must be there to skip and fetch; ALL_ROWS when without end. */
static int64_t rows_needed(const PlanLimit *limit)
{
    return limit->fetch_rows > ALL_ROWS - limit->skip_rows ? ALL_ROWS
                                                           : limit->skip_rows + limit->fetch_rows;
}

/* input with at most rows; itself when it has no more anyway. */
static const Plan *limited(RuleCtx *rc, const Plan *input, int64_t rows)
{
    return plan_row_bounds(input).max <= rows ? input
                                              : plan_limit(rc->arena, input, 0, rows); /* (1) */
}

static const Plan *merge_limits(RuleCtx *rc, const PlanLimit *above, const PlanLimit *below)
{
    int64_t left = below->fetch_rows == ALL_ROWS          ? ALL_ROWS
                   : below->fetch_rows > above->skip_rows ? below->fetch_rows - above->skip_rows
                                                          : 0;
    int64_t skip = above->skip_rows > ALL_ROWS - below->skip_rows
                       ? ALL_ROWS
                       : above->skip_rows + below->skip_rows;

    return plan_limit(rc->arena, below->head.inputs[0], skip,
                      above->fetch_rows < left ? above->fetch_rows : left);
}

static const Plan *limit_inputs(RuleCtx *rc, const Plan *plan, int64_t rows, uint32_t count)
{
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = i < count ? limited(rc, plan->inputs[i], rows) : plan->inputs[i];
    return plan_with_inputs(rc->arena, plan, inputs);
}

static const Plan *push_limit(RuleCtx *rc, const Plan *plan)
{
    const PlanLimit *limit = plan_as_limit(plan);
    const Plan *input = plan->inputs[0];
    const PlanJoin *join = plan_as_join(input);
    int64_t rows = rows_needed(limit);

    if (limit->skip_rows == 0 && plan_row_bounds(input).max <= limit->fetch_rows)
        return input;
    if (input->kind == PLAN_LIMIT)
        return merge_limits(rc, limit, (const PlanLimit *)input);
    if (input->kind == PLAN_PROJECT)
        return plan_with_input(
            rc->arena, input,
            plan_limit(rc->arena, input->inputs[0], limit->skip_rows, limit->fetch_rows));
    if (rows == ALL_ROWS)
        return plan; /* (2) */
    if (input->kind == PLAN_UNION)
        return plan_with_input(rc->arena, plan, limit_inputs(rc, input, rows, input->input_count));
    if (join != NULL && (join->kind == JOIN_LEFT || join->kind == JOIN_MARK))
        return plan_with_input(rc->arena, plan, limit_inputs(rc, input, rows, 1));
    return plan;
}

const Rule rule_push_limit = {
    .name = "push_limit",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_LIMIT,
    .rewrite = push_limit,
};
