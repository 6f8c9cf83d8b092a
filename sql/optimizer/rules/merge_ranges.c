/*
 * merge_ranges
 *
 *     Filter a > 1 AND a > 5                 =>   Filter a > 5
 *     Filter a >= 5 AND a <= 5               =>   Filter a = 5
 *     Filter a < 1 AND a > 5                 =>   Filter FALSE
 *     Filter a IN (1, 7, 9) AND a > 5        =>   Filter a IN (7, 9)
 *
 * In filters and join conditions, where NULL counts as FALSE.
 *
 * Why:  fewer comparisons a row; and an empty range empties the plan.
 *
 * Not when:
 *   (1) a constant does not compare with the column as it lies in memory: unwrap_casts comes first.
 */
#include "sql/optimizer/rules/rules.h"

/* Past this many conjuncts they are left alone: each is compared with each. */
enum { CONJUNCTS_MAX = 200 };

typedef struct Merger {
    Arena *arena;
    ExprVec parts;
    bool changed;
    bool is_false;
} Merger;

static bool is_lower(const Expr *bound)
{
    return bound->func == FUNC_GT || bound->func == FUNC_GE;
}

static bool is_same_column(const Expr *a, const Expr *b)
{
    return a->args[0]->column == b->args[0]->column;
}

/* Two bounds of one column that no value meets. */
static bool contradict(const Expr *a, const Expr *b)
{
    int order = value_compare(&a->args[1]->value, &b->args[1]->value);

    if (a->func == FUNC_EQ)
        return !value_meets_bound(&a->args[1]->value, b);
    if (b->func == FUNC_EQ)
        return !value_meets_bound(&b->args[1]->value, a);
    if (is_lower(a) == is_lower(b))
        return false;
    if (order == 0)
        return a->func == FUNC_LT || a->func == FUNC_GT || b->func == FUNC_LT || b->func == FUNC_GT;
    return is_lower(a) ? order > 0 : order < 0;
}

/* a >= c AND a <= c */
static bool meet_in_one(const Expr *a, const Expr *b)
{
    return ((a->func == FUNC_GE && b->func == FUNC_LE) ||
            (a->func == FUNC_LE && b->func == FUNC_GE)) &&
           value_compare(&a->args[1]->value, &b->args[1]->value) == 0;
}

static bool is_in_list(const Expr *expr)
{
    if (expr->kind != EXPR_CALL || expr->func != FUNC_IN || expr->args[0]->kind != EXPR_COLUMN)
        return false;
    for (uint32_t i = 1; i < expr->arg_count; i++)
        if (expr->args[i]->kind != EXPR_CONST || expr->args[i]->value.is_null ||
            !types_compare_alike(expr->args[i]->type, expr->args[0]->type))
            return false; /* (1) */
    return true;
}

/* Drops the list's values that do not meet the bound, at which all of the bound is said. */
static const Expr *narrow_list(Merger *merger, const Expr *list, const Expr *bound)
{
    ExprVec args = {.arena = merger->arena};

    expr_vec_add(&args, list->args[0]);
    for (uint32_t i = 1; i < list->arg_count; i++)
        if (value_meets_bound(&list->args[i]->value, bound))
            expr_vec_add(&args, list->args[i]);
    if (args.count == 1)
        return NULL;
    if (args.count == 2)
        return expr_call2(merger->arena, FUNC_EQ, list->type, args.items[0], args.items[1]);
    return expr_call(merger->arena, FUNC_IN, list->type, args.count, args.items);
}

static void drop(Merger *merger, uint32_t i)
{
    merger->parts.items[i] = NULL;
    merger->changed = true;
}

/* Looks at parts i and j; either may go, or change. */
static void merge_pair(Merger *merger, uint32_t i, uint32_t j)
{
    const Expr *a = merger->parts.items[i], *b = merger->parts.items[j];

    if (is_in_list(a) && expr_is_column_bound(b) && is_same_column(a, b)) {
        merger->parts.items[i] = narrow_list(merger, a, b);
        merger->is_false |= merger->parts.items[i] == NULL;
        drop(merger, j);
    } else if (expr_is_column_bound(a) && is_in_list(b) && is_same_column(a, b)) {
        merge_pair(merger, j, i);
    } else if (!expr_is_column_bound(a) || !expr_is_column_bound(b) || !is_same_column(a, b)) {
        return;
    } else if (contradict(a, b)) {
        merger->is_false = true;
    } else if (expr_bound_implies(a, b)) {
        drop(merger, j);
    } else if (expr_bound_implies(b, a)) {
        drop(merger, i);
    } else if (meet_in_one(a, b)) {
        merger->parts.items[i] =
            expr_call2(merger->arena, FUNC_EQ, a->type, a->args[0], a->args[1]);
        drop(merger, j);
    }
}

static const Expr *merge(Arena *arena, const Expr *predicate)
{
    Merger merger = {.arena = arena, .parts = {.arena = arena}};
    ExprVec kept = {.arena = arena};

    expr_vec_add_and(&merger.parts, predicate);
    if (merger.parts.count < 2 || merger.parts.count > CONJUNCTS_MAX)
        return predicate;
    for (uint32_t i = 0; i < merger.parts.count; i++)
        for (uint32_t j = i + 1; j < merger.parts.count; j++)
            if (merger.parts.items[i] != NULL && merger.parts.items[j] != NULL)
                merge_pair(&merger, i, j);
    if (merger.is_false)
        return expr_const(arena, value_bool(false));
    if (!merger.changed)
        return predicate;
    for (uint32_t i = 0; i < merger.parts.count; i++)
        if (merger.parts.items[i] != NULL)
            expr_vec_add(&kept, merger.parts.items[i]);
    return expr_vec_and(&kept);
}

static const Plan *merge_ranges(RuleCtx *rc, const Plan *plan)
{
    return plan_map_predicate(rc, plan, merge);
}

const Rule rule_merge_ranges = {
    .name = "merge_ranges",
    .root = RULE_ANY_KIND,
    .rewrite = merge_ranges,
};
