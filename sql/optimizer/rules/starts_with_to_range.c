/*
 * starts_with_to_range
 *
 *     Filter starts_with(s, 'abc')           Filter s >= 'abc' AND s < 'abd'
 *       Scan t                        =>       Scan t
 *
 * Why:  row groups and pages have bounds to compare with; and comparisons mostly end in the first
 *       four bytes. Text is ordered by bytes, so the range is the prefix exactly.
 *
 * Not when:
 *   (1) the input is no scan: elsewhere one call is cheaper than two comparisons.
 *   (2) the prefix is empty, or ends in byte 0xFF.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_prefix_test(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->func == FUNC_STARTS_WITH &&
           expr->args[0]->kind == EXPR_COLUMN && expr->args[1]->kind == EXPR_CONST &&
           !expr->args[1]->value.is_null && expr->args[1]->value.str.length > 0;
}

/* The least text above all that start with the prefix; false when there is none. (2) */
static bool next_prefix(Arena *arena, Str prefix, Str *next_out)
{
    unsigned char *bytes = arena_copy(arena, str_bytes(&prefix), prefix.length);

    if (bytes[prefix.length - 1] == 0xFF)
        return false;
    bytes[prefix.length - 1]++;
    *next_out = str_make((const char *)bytes, prefix.length);
    return true;
}

static const Plan *starts_with_to_range(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    ExprVec parts = {.arena = rc->arena};
    const Expr *const *old;
    bool changed = false;
    uint32_t count;

    if (plan->inputs[0]->kind != PLAN_SCAN)
        return plan; /* (1) */
    count = expr_split_and(rc->arena, filter->predicate, &old);
    for (uint32_t i = 0; i < count; i++) {
        Value bound;

        if (!is_prefix_test(old[i]) ||
            !next_prefix(rc->arena, old[i]->args[1]->value.str, &bound.str)) {
            expr_vec_add(&parts, old[i]);
            continue;
        }
        bound.type = old[i]->args[1]->type;
        bound.is_null = false;
        changed = true;
        expr_vec_add(
            &parts, expr_call2(rc->arena, FUNC_GE, old[i]->type, old[i]->args[0], old[i]->args[1]));
        expr_vec_add(&parts, expr_call2(rc->arena, FUNC_LT, old[i]->type, old[i]->args[0],
                                        expr_const(rc->arena, bound)));
    }
    return changed ? plan_filter(rc->arena, plan->inputs[0], expr_vec_and(&parts)) : plan;
}

const Rule rule_starts_with_to_range = {
    .name = "starts_with_to_range",
    .root = PLAN_FILTER,
    .rewrite = starts_with_to_range,
};
