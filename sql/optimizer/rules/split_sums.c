/*
 * split_sums
 *
 *     Aggregate k, sum(x), sum(x + 1), sum(x - 2)        Project k, s, s + 1 * n, s - 2 * n
 *       X                                          =>      Aggregate k, sum(x) AS s, count(x) AS n
 *                                                            X
 *
 * Why:  one state is updated for all of them, and nothing is computed per row.
 *
 * Not when:
 *   (1) no two sums share an x: nothing is saved.
 *   (2) x + c might overflow for some row: an error that a sum would not see. The type that
 *       x was widened from, or the file's min and max, says that it cannot.
 *   (3) x is no integer: floats round at each step, numerics have their own rules of scale.
 *   (4) it is a sum of DISTINCT values.
 */
#include <stdint.h>

#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/rules/rules.h"

/* sum(base + added), or sum(base) itself. */
typedef struct Sum {
    bool is_sum;
    const Expr *base;
    int64_t added;
} Sum;

static bool range_of(Type type, Int128 *min_out, Int128 *max_out)
{
    switch (type.id) {
    case TYPE_INT2:
        *min_out = INT16_MIN, *max_out = INT16_MAX;
        return true;
    case TYPE_INT4:
        *min_out = INT32_MIN, *max_out = INT32_MAX;
        return true;
    case TYPE_INT8:
        *min_out = INT64_MIN, *max_out = INT64_MAX;
        return true;
    default:
        return false; /* (3) */
    }
}

/* x of CAST(x AS a wider integer). */
static const Expr *before_widening(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->func == FUNC_CAST && type_is_integer(expr->type) &&
           type_is_integer(expr->args[0]->type) && expr->args[0]->type.id <= expr->type.id)
        expr = expr->args[0];
    return expr;
}

static bool is_small_const(const Expr *expr, int64_t *value_out)
{
    Int128 value;

    if (expr->kind != EXPR_CONST || expr->value.is_null || !type_is_integer(expr->type))
        return false;
    value = value_as_int128(&expr->value);
    *value_out = (int64_t)value;
    return value >= INT32_MIN && value <= INT32_MAX; /* times a count it is still a bigint */
}

/* Whether base + added has a value of the type in every row. (2) */
static bool cannot_overflow(RuleCtx *rc, const Plan *input, const Expr *base, int64_t added,
                            Type type)
{
    Int128 min, max, type_min, type_max;

    if (!range_of(base->type, &min, &max) || !range_of(type, &type_min, &type_max))
        return false;
    if (base->kind == EXPR_COLUMN) {
        ColumnEstimate estimate = estimate_column(estimator_of(rc), input, base->column);

        min = estimate.has_bounds && estimate.min > min ? estimate.min : min;
        max = estimate.has_bounds && estimate.max < max ? estimate.max : max;
    }
    return min + added >= type_min && max + added <= type_max;
}

static Sum look_at(RuleCtx *rc, const Plan *input, const Expr *agg)
{
    const Expr *arg = agg->arg_count == 1 ? agg->args[0] : NULL, *base;
    Sum sum = {.is_sum = false};

    if (agg->agg != AGG_SUM || agg->is_distinct || arg == NULL || !type_is_integer(arg->type))
        return sum; /* (3) (4) */
    sum = (Sum){.is_sum = true, .base = before_widening(arg)};
    if (arg->kind != EXPR_CALL || arg->arg_count != 2 ||
        (arg->func != FUNC_ADD && arg->func != FUNC_SUB))
        return sum;
    base = before_widening(arg->args[0]);
    if (!is_small_const(arg->args[1], &sum.added)) {
        base = before_widening(arg->args[1]);
        if (arg->func == FUNC_SUB || !is_small_const(arg->args[0], &sum.added))
            return sum;
    }
    if (arg->func == FUNC_SUB)
        sum.added = -sum.added;
    if (base->kind == EXPR_CONST || !cannot_overflow(rc, input, base, sum.added, arg->type))
        sum.added = 0;
    else
        sum.base = base;
    return sum;
}

static bool share_base(const Sum *a, const Expr *agg_a, const Sum *b, const Expr *agg_b)
{
    return a->is_sum && b->is_sum && expr_equal(a->base, b->base) &&
           expr_equal(agg_a->filter, agg_b->filter);
}

/* Whether sum i becomes a sum of its base that another one needs as well. */
static bool is_split(const PlanAggregate *aggregate, const Sum *sums, uint32_t i)
{
    bool is_shared = false;

    for (uint32_t j = 0; j < aggregate->aggs.count; j++)
        is_shared |= j != i && share_base(&sums[i], aggregate->aggs.items[i], &sums[j],
                                          aggregate->aggs.items[j]);
    return is_shared && sums[i].added != 0; /* (1) */
}

/* The aggregate's column among those that are kept; a new one if it is not there. */
static const Expr *add_agg(RuleCtx *rc, ColumnVec *aggs, const Expr *agg, const char *name)
{
    PlanColumn column;

    for (uint32_t i = 0; i < aggs->count; i++)
        if (expr_equal(aggs->exprs[i], agg))
            return expr_of_column(rc->arena, &aggs->columns[i]);
    column = column_named(rc, agg->type, name, agg->agg == AGG_SUM);
    column_vec_add(aggs, agg, column);
    return expr_of_column(rc->arena, &column);
}

static Type sum_type(Type base, Type wide)
{
    return base.id == TYPE_INT8 ? wide : type_of(TYPE_INT8);
}

/* sum(base) + added * count(base), in the type of sum(base + added). */
static const Expr *split(RuleCtx *rc, ColumnVec *aggs, const Sum *sum, const Expr *agg)
{
    Arena *arena = rc->arena;
    Type bigint = type_of(TYPE_INT8);
    const Expr *total = add_agg(rc, aggs,
                                expr_agg(arena, AGG_SUM, sum_type(sum->base->type, agg->type), 1,
                                         &sum->base, false, agg->filter),
                                "sum");
    const Expr *count = add_agg(
        rc, aggs, expr_agg(arena, AGG_COUNT, bigint, 1, &sum->base, false, agg->filter), "count");
    const Expr *more =
        expr_call2(arena, FUNC_MUL, bigint, count, expr_const(arena, value_int8(sum->added)));

    return expr_call2(arena, FUNC_ADD, agg->type, expr_cast(arena, total, agg->type),
                      expr_cast(arena, more, agg->type));
}

static const Plan *split_sums(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    uint32_t key_count = aggregate->keys.count, agg_count = aggregate->aggs.count;
    Sum *sums = ARENA_ARRAY(rc->arena, Sum, agg_count);
    ColumnVec outputs = {.arena = rc->arena}, aggs = {.arena = rc->arena};
    bool changes = false;

    for (uint32_t i = 0; i < agg_count; i++)
        sums[i] = look_at(rc, plan->inputs[0], aggregate->aggs.items[i]);
    for (uint32_t i = 0; i < agg_count; i++) {
        bool is_kept = !is_split(aggregate, sums, i);

        changes |= !is_kept;
        if (is_kept)
            column_vec_add(&aggs, aggregate->aggs.items[i], plan->columns[key_count + i]);
    }
    if (!changes)
        return plan;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        bool is_kept = i < key_count || !is_split(aggregate, sums, i - key_count);

        column_vec_add(
            &outputs,
            is_kept ? expr_of_column(rc->arena, column)
                    : split(rc, &aggs, &sums[i - key_count], aggregate->aggs.items[i - key_count]),
            *column);
    }
    return column_vec_project(&outputs, plan_aggregate(rc->arena, plan->inputs[0], key_count,
                                                       aggregate->keys.ids, aggs.count, aggs.exprs,
                                                       aggs.columns));
}

const Rule rule_split_sums = {
    .name = "split_sums",
    .root = PLAN_AGGREGATE,
    .rewrite = split_sums,
};
