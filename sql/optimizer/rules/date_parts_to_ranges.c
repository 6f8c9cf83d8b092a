/*
 * date_parts_to_ranges
 *
 *     extract(year FROM d) = 1995           =>   d >= '1995-01-01' AND d < '1996-01-01'
 *     extract(year FROM d) > 1995           =>   d >= '1996-01-01'
 *     date_trunc('month', ts) = '1995-03-01'
 *                                           =>   ts >= '1995-03-01' AND ts < '1995-04-01'
 *     CAST(ts AS date) <= '1995-03-01'      =>   ts < '1995-03-02'
 *
 * All values that a step function takes to one value are a range.
 *
 * Why:  the column itself is compared: no calendar arithmetic per row, its range tells how many
 *       rows are kept, and scans can prune.
 *
 * Not when:
 *   (1) what is taken apart is no column, or a column cast: it would be computed twice.
 *   (2) the constant lies between two steps and the comparison is = or <>.
 *         date_trunc('month', ts) = '1995-03-15'
 *   (3) the part comes again every year (month, dow), or the unit is longer than a year.
 *   (4) a bound has no value of the column's type: year 0, year 300000.
 */
#include <string.h>
#include <strings.h>

#include "sql/optimizer/rules/rules.h"

#define MICROS_PER_SECOND INT64_C(1000000)

/* The comparison's constant c among the steps: the last one at or below it, and the next one. */
typedef struct Steps {
    const Expr *low;
    const Expr *next;
    bool is_exact; /* c is low */
} Steps;

/* --- constants --- */

static const Expr *computed(RuleCtx *rc, const Expr *expr)
{
    Error ignored = ERROR_NONE;
    Value value;

    if (expr->kind == EXPR_CONST)
        return expr;
    if (rc->request->eval_const(rc->arena, expr, &ignored, &value) != ST_OK || value.is_null)
        return NULL; /* (4) */
    value.type = expr->type;
    return expr_const(rc->arena, value);
}

static bool is_constant(const Expr *expr)
{
    return expr->kind == EXPR_CONST && !expr->value.is_null;
}

static bool is_field(const Expr *expr, const char *name)
{
    return is_constant(expr) && type_is_text(expr->type) &&
           expr->value.str.length == strlen(name) &&
           strncasecmp(str_bytes(&expr->value.str), name, strlen(name)) == 0;
}

/* --- the steps of each function --- */

static const Expr *year_start(RuleCtx *rc, int32_t year, Type type)
{
    const Expr *args[3] = {expr_const(rc->arena, value_int4(year)),
                           expr_const(rc->arena, value_int4(1)),
                           expr_const(rc->arena, value_int4(1))};
    const Expr *date =
        computed(rc, expr_call(rc->arena, FUNC_MAKE_DATE, type_of(TYPE_DATE), 3, args));

    return date == NULL ? NULL : computed(rc, expr_cast(rc->arena, date, type));
}

static bool year_steps(RuleCtx *rc, const Expr *call, const Expr *constant, Steps *steps)
{
    Type type = call->args[1]->type;
    double year;

    if (!is_field(call->args[0], "year") || !type_is_number(constant->type) ||
        (type.id != TYPE_DATE && type.id != TYPE_TIMESTAMP))
        return false; /* (3) */
    year = value_as_double(&constant->value);
    if (!(year >= 1 && year <= 200000) || year != (double)(int32_t)year)
        return false; /* (4) */
    *steps = (Steps){.low = year_start(rc, (int32_t)year, type),
                     .next = year_start(rc, (int32_t)year + 1, type),
                     .is_exact = true};
    return true;
}

/* One step of date_trunc's unit; false: (3) */
static bool unit_length(const Expr *unit, Interval *length_out)
{
    static const struct {
        const char *name;
        Interval length;
    } units[] = {
        {"second", {.micros = MICROS_PER_SECOND}},
        {"minute", {.micros = 60 * MICROS_PER_SECOND}},
        {"hour", {.micros = 3600 * MICROS_PER_SECOND}},
        {"day", {.days = 1}},
        {"week", {.days = 7}},
        {"month", {.months = 1}},
        {"quarter", {.months = 3}},
        {"year", {.months = 12}},
    };

    for (uint32_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (is_field(unit, units[i].name)) {
            *length_out = units[i].length;
            return true;
        }
    return false;
}

static bool trunc_steps(RuleCtx *rc, const Expr *call, const Expr *constant, Steps *steps)
{
    Type type = type_of(TYPE_TIMESTAMP);
    Value length = {.type = type_of(TYPE_INTERVAL)};

    if (call->type.id != TYPE_TIMESTAMP || constant->type.id != TYPE_TIMESTAMP ||
        !unit_length(call->args[0], &length.interval))
        return false;
    steps->low =
        computed(rc, expr_call2(rc->arena, FUNC_DATE_TRUNC, type, call->args[0], constant));
    if (steps->low == NULL)
        return false;
    steps->is_exact = value_compare(&steps->low->value, &constant->value) == 0;
    steps->next = computed(
        rc, expr_call2(rc->arena, FUNC_ADD, type, steps->low, expr_const(rc->arena, length)));
    return true;
}

static bool day_steps(RuleCtx *rc, const Expr *cast, const Expr *constant, Steps *steps)
{
    Type type = cast->args[0]->type;
    const Expr *next;

    if (cast->type.id != TYPE_DATE || type.id != TYPE_TIMESTAMP || constant->type.id != TYPE_DATE)
        return false;
    next = computed(rc, expr_call2(rc->arena, FUNC_ADD, cast->type, constant,
                                   expr_const(rc->arena, value_int4(1))));
    *steps = (Steps){.low = computed(rc, expr_cast(rc->arena, constant, type)), .is_exact = true};
    steps->next = next == NULL ? NULL : computed(rc, expr_cast(rc->arena, next, type));
    return true;
}

/* --- comparisons --- */

static const Expr *compare(RuleCtx *rc, FuncId func, const Expr *column, const Expr *bound)
{
    return expr_call2(rc->arena, func, type_of(TYPE_BOOL), column, bound);
}

static const Expr *in_range(RuleCtx *rc, FuncId func, const Expr *column, const Steps *steps)
{
    const Expr *at_least = steps->is_exact ? steps->low : steps->next;

    switch (func) {
    case FUNC_LT:
        return compare(rc, FUNC_LT, column, at_least);
    case FUNC_GE:
        return compare(rc, FUNC_GE, column, at_least);
    case FUNC_LE:
        return compare(rc, FUNC_LT, column, steps->next);
    case FUNC_GT:
        return compare(rc, FUNC_GE, column, steps->next);
    case FUNC_EQ:
        return expr_call2(rc->arena, FUNC_AND, type_of(TYPE_BOOL),
                          compare(rc, FUNC_GE, column, steps->low),
                          compare(rc, FUNC_LT, column, steps->next));
    default:
        return expr_call2(rc->arena, FUNC_OR, type_of(TYPE_BOOL),
                          compare(rc, FUNC_LT, column, steps->low),
                          compare(rc, FUNC_GE, column, steps->next));
    }
}

static bool is_comparison(const Expr *expr)
{
    return expr->kind == EXPR_CALL &&
           (expr->func == FUNC_EQ || expr->func == FUNC_NE || expr->func == FUNC_LT ||
            expr->func == FUNC_LE || expr->func == FUNC_GT || expr->func == FUNC_GE);
}

/* (1) */
static bool is_column(const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->func == FUNC_CAST)
        expr = expr->args[0];
    return expr->kind == EXPR_COLUMN;
}

/* What the step function is of, and its steps around the constant; NULL: none, or unknown. */
static const Expr *find_steps(RuleCtx *rc, const Expr *call, const Expr *constant, Steps *steps)
{
    bool found = false;

    switch (call->func) {
    case FUNC_EXTRACT:
    case FUNC_DATE_PART:
        found = year_steps(rc, call, constant, steps);
        break;
    case FUNC_DATE_TRUNC:
        found = trunc_steps(rc, call, constant, steps);
        break;
    case FUNC_CAST:
        found = day_steps(rc, call, constant, steps);
        break;
    default:
        break;
    }
    if (!found || steps->low == NULL || steps->next == NULL)
        return NULL; /* (4) */
    return call->args[call->arg_count - 1];
}

static const Expr *date_parts_to_ranges(RuleCtx *rc, const Expr *expr)
{
    Steps steps = {0};
    const Expr *column;

    if (!is_comparison(expr) || rc->request->eval_const == NULL ||
        expr->args[0]->kind != EXPR_CALL || !is_constant(expr->args[1]))
        return expr;
    column = find_steps(rc, expr->args[0], expr->args[1], &steps);
    if (column == NULL || !is_column(column))
        return expr;
    if (!steps.is_exact && (expr->func == FUNC_EQ || expr->func == FUNC_NE))
        return expr; /* (2) */
    return in_range(rc, expr->func, column, &steps);
}

const Rule rule_date_parts_to_ranges = {
    .name = "date_parts_to_ranges",
    .root = RULE_ANY_KIND,
    .rewrite_expr = date_parts_to_ranges,
};
