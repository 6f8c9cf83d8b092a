/*
 * selectivity.c -- what part of the rows a predicate keeps, by the textbook
 *
 *     column = constant      1 / distinct values          (Selinger et al. 1979)
 *     column < constant      the part of the range below it
 *     a AND b                the product; ranges over one column are put together first
 *     what nobody knows      a fixed guess
 */
#include <math.h>

#include "sql/optimizer/cost/cost_internal.h"

#define GUESS_RANGE    (1.0 / 3)
#define GUESS_EQUAL    0.05
#define GUESS_PREFIX   0.02
#define GUESS_LIKE     0.05
#define GUESS_BOOLEAN  0.5
#define GUESS_ANYTHING 0.25

static double clamp(double selectivity)
{
    return fmin(1, fmax(0, selectivity));
}

static const Expr *without_cast(const Expr *expr)
{
    while (expr->kind == EXPR_CALL && expr->func == FUNC_CAST && expr->arg_count == 1)
        expr = expr->args[0];
    return expr;
}

/* The part of the normal distribution above z standard deviations. */
static double normal_above(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

/* column < value or column > value; equality weighs nothing but at the range's ends. */
static double part_beyond(const ColumnEstimate *column, FuncId func, double value)
{
    bool wants_less = func == FUNC_LT || func == FUNC_LE;
    double part;

    if (column->deviation > 0) {
        part = normal_above((value - column->mean) / column->deviation);
        return clamp(wants_less ? 1 - part : part);
    }
    if (!column->has_line)
        return GUESS_RANGE;
    if (column->high <= column->low) {
        bool holds = wants_less ? column->low < value : column->low > value;

        return holds || ((func == FUNC_LE || func == FUNC_GE) && column->low == value);
    }
    part = (value - column->low) / (column->high - column->low);
    /* <= reaches one value further than <: counts when there are few. */
    if ((func == FUNC_LE || func == FUNC_GT) && value >= column->low && value < column->high)
        part += 1 / fmax(column->distinct_count, 1);
    return clamp(wants_less ? part : 1 - part);
}

static double equals_value(const ColumnEstimate *column, const Value *value)
{
    double at;

    if (value->is_null)
        return 0;
    if (column->has_line && cost__value_on_line(value, &at) &&
        (at < column->low || at > column->high))
        return 0;
    return 1 / fmax(1, column->distinct_count);
}

static double compare_const(const Scope *scope, FuncId func, const Expr *side, const Value *value)
{
    ColumnEstimate column = cost__expr(scope, side);
    double not_null = 1 - column.null_fraction, at;

    if (value->is_null)
        return 0;
    if (func == FUNC_EQ)
        return not_null * equals_value(&column, value);
    if (func == FUNC_NE)
        return not_null * (1 - equals_value(&column, value));
    if (!cost__value_on_line(value, &at))
        return not_null * GUESS_RANGE;
    return not_null * part_beyond(&column, func, at);
}

static double compare_exprs(const Scope *scope, FuncId func, const Expr *a, const Expr *b)
{
    ColumnEstimate left = cost__expr(scope, a), right = cost__expr(scope, b);
    double not_null = (1 - left.null_fraction) * (1 - right.null_fraction);
    double equal = 1 / fmax(1, fmax(left.distinct_count, right.distinct_count));

    if (func == FUNC_EQ)
        return not_null * equal;
    if (func == FUNC_NE)
        return not_null * (1 - equal);
    if (left.has_line && right.has_line && left.high < right.low)
        return func == FUNC_LT || func == FUNC_LE ? not_null : 0;
    if (left.has_line && right.has_line && left.low > right.high)
        return func == FUNC_GT || func == FUNC_GE ? not_null : 0;
    return not_null * GUESS_RANGE;
}

static double comparison(const Scope *scope, const Expr *expr)
{
    const Expr *a = expr->args[0], *b = expr->args[1];

    if (b->kind == EXPR_CONST)
        return compare_const(scope, expr->func, a, &b->value);
    if (a->kind == EXPR_CONST)
        return compare_const(scope, func_mirrored(expr->func), b, &a->value);
    return compare_exprs(scope, expr->func, a, b);
}

static double in_list(const Scope *scope, const Expr *expr)
{
    ColumnEstimate needle = cost__expr(scope, expr->args[0]);
    double sum = 0;

    for (uint32_t i = 1; i < expr->arg_count; i++) {
        const Expr *item = expr->args[i];

        sum += item->kind == EXPR_CONST ? equals_value(&needle, &item->value)
                                        : 1 / fmax(1, needle.distinct_count);
    }
    return clamp(sum) * (1 - needle.null_fraction);
}

/* "abc%" keeps less than "%abc%"; "%" keeps all. */
static double like(const Expr *expr)
{
    const Expr *pattern = expr->arg_count > 1 ? expr->args[1] : NULL;
    const char *text;

    if (pattern == NULL || pattern->kind != EXPR_CONST || pattern->value.is_null ||
        !type_is_text(pattern->type))
        return GUESS_LIKE;
    text = str_bytes(&pattern->value.str);
    if (pattern->value.str.length == 1 && text[0] == '%')
        return 1;
    return pattern->value.str.length > 0 && text[0] != '%' && text[0] != '_' ? GUESS_PREFIX
                                                                             : GUESS_LIKE;
}

static double null_part(const Scope *scope, const Expr *expr)
{
    return cost__expr(scope, expr).null_fraction;
}

static double any_part(const Scope *scope, const Expr *expr)
{
    double none = 1;

    for (uint32_t i = 0; i < expr->arg_count; i++)
        none *= 1 - cost__selectivity(scope, expr->args[i]);
    return 1 - none;
}

static double call_selectivity(const Scope *scope, const Expr *expr)
{
    switch (expr->func) {
    case FUNC_AND:
        return cost__conjuncts_selectivity(scope, expr->arg_count, expr->args);
    case FUNC_OR:
        return any_part(scope, expr);
    case FUNC_NOT:
        return 1 - cost__selectivity(scope, expr->args[0]);
    case FUNC_IS_TRUE:
        return cost__selectivity(scope, expr->args[0]);
    case FUNC_IS_FALSE:
        return 1 - cost__selectivity(scope, expr->args[0]);
    case FUNC_IS_NULL:
        return null_part(scope, expr->args[0]);
    case FUNC_IS_NOT_NULL:
        return 1 - null_part(scope, expr->args[0]);
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        return comparison(scope, expr);
    case FUNC_NOT_DISTINCT_FROM:
        return compare_exprs(scope, FUNC_EQ, expr->args[0], expr->args[1]);
    case FUNC_DISTINCT_FROM:
        return compare_exprs(scope, FUNC_NE, expr->args[0], expr->args[1]);
    case FUNC_IN:
        return in_list(scope, expr);
    case FUNC_LIKE:
    case FUNC_ILIKE:
        return like(expr);
    case FUNC_STARTS_WITH:
        return GUESS_PREFIX;
    case FUNC_ENDS_WITH:
    case FUNC_CONTAINS:
        return GUESS_LIKE;
    default:
        return GUESS_ANYTHING;
    }
}

double cost__selectivity(const Scope *scope, const Expr *predicate)
{
    if (predicate == NULL)
        return 1;
    if (predicate->kind == EXPR_CONST)
        return !predicate->value.is_null && predicate->value.boolean ? 1 : 0;
    if (predicate->kind == EXPR_CALL)
        return clamp(call_selectivity(scope, predicate));
    return GUESS_BOOLEAN;
}

/* --- conjunctions --- */

/* column op constant, for the four orders and =; false for anything else. */
static bool as_bound(const Expr *part, ColumnId *column_out, FuncId *func_out, double *value_out)
{
    const Expr *a, *b;

    if (part->kind != EXPR_CALL || part->arg_count != 2 ||
        (part->func != FUNC_LT && part->func != FUNC_LE && part->func != FUNC_GT &&
         part->func != FUNC_GE && part->func != FUNC_EQ))
        return false;
    a = without_cast(part->args[0]);
    b = without_cast(part->args[1]);
    *func_out = part->func;
    if (a->kind == EXPR_CONST) {
        const Expr *other = a;

        a = b;
        b = other;
        *func_out = func_mirrored(part->func);
    }
    if (a->kind != EXPR_COLUMN || b->kind != EXPR_CONST)
        return false;
    *column_out = a->column;
    return cost__value_on_line(&b->value, value_out);
}

/* The bounds on one column among parts[from..): put together into low..high; done[] marks them. */
static double range_selectivity(const Scope *scope, uint32_t from, uint32_t count,
                                const Expr *const *parts, bool *done)
{
    double low = -INFINITY, high = INFINITY, value, selectivity = 1;
    ColumnId column = 0, other;
    const ColumnEstimate *estimate;
    FuncId func;

    if (!as_bound(parts[from], &column, &func, &value) || func == FUNC_EQ)
        return cost__selectivity(scope, parts[from]);
    estimate = cost__scope_column(scope, column);
    if (estimate == NULL || !estimate->has_line || estimate->deviation > 0)
        return cost__selectivity(scope, parts[from]);
    for (uint32_t i = from; i < count; i++) {
        if (done[i] || !as_bound(parts[i], &other, &func, &value) || other != column ||
            func == FUNC_EQ)
            continue;
        done[i] = true;
        if (func == FUNC_LT || func == FUNC_LE)
            high = fmin(high, value);
        else
            low = fmax(low, value);
    }
    if (low > high)
        return 0;
    if (high < INFINITY)
        selectivity = part_beyond(estimate, FUNC_LE, high);
    if (low > -INFINITY)
        selectivity -= 1 - part_beyond(estimate, FUNC_GE, low);
    return fmax(selectivity, 1 / fmax(1, estimate->distinct_count)) * (1 - estimate->null_fraction);
}

double cost__conjuncts_selectivity(const Scope *scope, uint32_t count, const Expr *const *parts)
{
    bool *done = ARENA_ARRAY(scope->estimator->arena, bool, count);
    double selectivity = 1;

    for (uint32_t i = 0; i < count; i++) {
        if (!done[i])
            selectivity *= range_selectivity(scope, i, count, parts, done);
    }
    return clamp(selectivity);
}

/* --- what a column looks like behind a predicate on it --- */

static void narrow_line(ColumnEstimate *column, FuncId func, double value)
{
    double before = column->high - column->low, part;

    if (!column->has_line)
        return;
    if (func == FUNC_LT || func == FUNC_LE)
        column->high = fmax(column->low, fmin(column->high, value));
    else
        column->low = fmin(column->high, fmax(column->low, value));
    part = before > 0 ? (column->high - column->low) / before : 1;
    column->domain_count = fmax(1, column->domain_count * part);
    column->distinct_count = fmax(1, column->distinct_count * part);
}

static void narrow_to(ColumnEstimate *column, double distinct_max)
{
    column->domain_count = fmin(column->domain_count, distinct_max);
    column->distinct_count = fmin(column->distinct_count, distinct_max);
    column->distinct_is_guess = false;
}

void cost__narrow_columns(const Plan *plan, ColumnEstimate *columns, uint32_t count,
                          const Expr *const *parts)
{
    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = parts[i];
        const Expr *side;
        ColumnId id = 0;
        FuncId func;
        double value;
        int32_t index;

        if (part->kind != EXPR_CALL || part->arg_count == 0)
            continue;
        side = without_cast(part->args[0]);
        if (side->kind != EXPR_COLUMN && part->arg_count > 1)
            side = without_cast(part->args[1]);
        index = side->kind == EXPR_COLUMN ? plan_column_index(plan, side->column) : -1;
        if (index < 0)
            continue;
        if (func_properties(part->func) & FUNC_STRICT)
            columns[index].null_fraction = 0;
        if (as_bound(part, &id, &func, &value) && func != FUNC_EQ)
            narrow_line(&columns[index], func, value);
        else if (part->func == FUNC_EQ && part->arg_count == 2 &&
                 (part->args[0]->kind == EXPR_CONST || part->args[1]->kind == EXPR_CONST))
            narrow_to(&columns[index], 1);
        else if (part->func == FUNC_IN)
            narrow_to(&columns[index], part->arg_count - 1);
    }
}
