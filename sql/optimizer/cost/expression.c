/*
 * expression.c -- what is known of an expression's values
 *
 *     l_extendedprice * (1 - l_discount)      901.00..104949.50 * (1.00 - 0.00..0.10)
 *                                             => 810.90..104949.50, as many values as rows allow
 */
#include <math.h>

#include "core/data/decimal.h"
#include "sql/optimizer/cost/cost_internal.h"

/* Different characters at a place of a short text: digits are ten. */
#define CHARACTERS_EXPECTED 12.0

const ColumnEstimate *cost__scope_column(const Scope *scope, ColumnId id)
{
    for (uint32_t i = 0; i < scope->plan_count; i++) {
        int32_t index = plan_column_index(scope->plans[i], id);

        if (index >= 0)
            return &scope->rels[i]->columns[index];
    }
    return NULL;
}

static double scope_rows(const Scope *scope)
{
    double rows = 1;

    for (uint32_t i = 0; i < scope->plan_count; i++)
        rows *= fmax(1, scope->rels[i]->rows);
    return rows;
}

static ColumnEstimate constant(const Value *value)
{
    ColumnEstimate estimate = {.distinct_count = 1, .domain_count = 1, .deviation = -1};

    estimate.null_fraction = value->is_null;
    estimate.value_bytes = (double)phys_bytes(type_phys(value->type));
    if (cost__value_on_line(value, &estimate.low)) {
        estimate.has_line = true;
        estimate.high = estimate.low;
        if (!type_is_float(value->type)) {
            estimate.has_bounds = true;
            estimate.min = estimate.max = value_as_int128(value);
        }
    }
    return estimate;
}

static void set_line(ColumnEstimate *out, double a, double b, double c, double d)
{
    out->low = fmin(fmin(a, b), fmin(c, d));
    out->high = fmax(fmax(a, b), fmax(c, d));
    out->has_line = isfinite(out->low) && isfinite(out->high);
}

static void arithmetic_line(FuncId func, const ColumnEstimate *a, const ColumnEstimate *b,
                            ColumnEstimate *out)
{
    if (!a->has_line || !b->has_line)
        return;
    if (func == FUNC_ADD)
        set_line(out, a->low + b->low, a->high + b->high, a->low + b->low, a->high + b->high);
    else if (func == FUNC_SUB)
        set_line(out, a->low - b->high, a->high - b->low, a->low - b->high, a->high - b->low);
    else if (func == FUNC_MUL)
        set_line(out, a->low * b->low, a->low * b->high, a->high * b->low, a->high * b->high);
}

/* EXTRACT(field FROM source): a date's years, and the fields that repeat. */
static void extract_line(const Expr *expr, const ColumnEstimate *source, ColumnEstimate *out)
{
    static const struct {
        const char *field;
        double low, high;
    } fields[] = {{"month", 1, 12},  {"day", 1, 31},    {"dow", 0, 6},   {"hour", 0, 23},
                  {"minute", 0, 59}, {"quarter", 1, 4}, {"doy", 1, 366}, {"isodow", 1, 7}};
    double days = expr->args[1]->type.id == TYPE_TIMESTAMP ? 86400e6 : 1;
    const Expr *field = expr->args[0];
    Str name;

    if (field->kind != EXPR_CONST || field->value.is_null || !type_is_text(field->type))
        return;
    name = field->value.str;
    if (str_equal(name, str_make("year", 4)) && source->has_line) {
        double first = 1970 + floor(source->low / days / 365.2425);
        double last = 1970 + floor(source->high / days / 365.2425);

        set_line(out, first, last, first, last);
        out->distinct_count = fmin(source->distinct_count, out->high - out->low + 1);
        return;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!str_equal(name, str_make(fields[i].field, (uint32_t)strlen(fields[i].field))))
            continue;
        set_line(out, fields[i].low, fields[i].high, fields[i].low, fields[i].high);
        out->distinct_count = fmin(source->distinct_count, out->high - out->low + 1);
    }
}

static void union_of(ColumnEstimate *out, const ColumnEstimate *arg, bool is_first)
{
    if (is_first) {
        *out = *arg;
        return;
    }
    out->distinct_count += arg->distinct_count;
    out->has_line &= arg->has_line;
    out->low = fmin(out->low, arg->low);
    out->high = fmax(out->high, arg->high);
    out->has_bounds &= arg->has_bounds;
    out->min = arg->min < out->min ? arg->min : out->min;
    out->max = arg->max > out->max ? arg->max : out->max;
}

/* CASE c1 v1 c2 v2 ... else and COALESCE: any of the values. */
static ColumnEstimate any_of(const Scope *scope, const Expr *expr)
{
    ColumnEstimate out = cost__unknown_column(expr->type, scope_rows(scope));
    double distinct_max = out.distinct_count;
    bool is_first = true;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        ColumnEstimate arg;

        if (expr->func == FUNC_CASE && i % 2 == 0 && i + 1 < expr->arg_count)
            continue;
        if (expr->args[i]->kind == EXPR_CONST && expr->args[i]->value.is_null)
            continue;
        arg = cost__expr(scope, expr->args[i]);
        union_of(&out, &arg, is_first);
        is_first = false;
    }
    out.distinct_count = fmin(distinct_max, out.distinct_count);
    return out;
}

/* --- bounds: as the operations compute them, on unscaled integers --- */

static bool is_exact_number(Type type)
{
    return type_is_integer(type) || type.id == TYPE_DECIMAL;
}

static void set_bounds(ColumnEstimate *out, uint32_t count, const Int128 *corners)
{
    out->has_bounds = true;
    out->min = out->max = corners[0];
    for (uint32_t i = 1; i < count; i++) {
        out->min = corners[i] < out->min ? corners[i] : out->min;
        out->max = corners[i] > out->max ? corners[i] : out->max;
    }
}

/* Scales are the operation's contract: equal for + and -, added up by *. */
static void arithmetic_bounds(const Expr *expr, const ColumnEstimate *a, const ColumnEstimate *b,
                              ColumnEstimate *out)
{
    Int128 corners[4];
    bool overflows;

    if (!a->has_bounds || !b->has_bounds || !is_exact_number(expr->type) ||
        !is_exact_number(expr->args[0]->type) || !is_exact_number(expr->args[1]->type))
        return;
    if (expr->func == FUNC_ADD) {
        overflows = __builtin_add_overflow(a->min, b->min, &corners[0]) ||
                    __builtin_add_overflow(a->max, b->max, &corners[1]);
    } else if (expr->func == FUNC_SUB) {
        overflows = __builtin_sub_overflow(a->min, b->max, &corners[0]) ||
                    __builtin_sub_overflow(a->max, b->min, &corners[1]);
    } else {
        overflows = expr->func != FUNC_MUL ||
                    expr->type.scale != expr->args[0]->type.scale + expr->args[1]->type.scale ||
                    __builtin_mul_overflow(a->min, b->min, &corners[0]) ||
                    __builtin_mul_overflow(a->min, b->max, &corners[1]) ||
                    __builtin_mul_overflow(a->max, b->min, &corners[2]) ||
                    __builtin_mul_overflow(a->max, b->max, &corners[3]);
    }
    if (!overflows)
        set_bounds(out, expr->func == FUNC_MUL ? 4 : 2, corners);
}

static void cast_bounds(const Expr *expr, const ColumnEstimate *from, ColumnEstimate *out)
{
    Type source = expr->args[0]->type;
    Int128 corners[2];

    if (from->has_bounds && is_exact_number(source) && is_exact_number(expr->type) &&
        decimal_rescale(from->min, source.scale, expr->type.scale, &corners[0]) &&
        decimal_rescale(from->max, source.scale, expr->type.scale, &corners[1]))
        set_bounds(out, 2, corners);
}

void estimate_call_bounds(const Expr *expr, const ColumnEstimate *args, ColumnEstimate *out)
{
    Int128 ends[2];

    out->has_bounds = false;
    if (expr->func == FUNC_CAST && expr->arg_count == 1) {
        cast_bounds(expr, &args[0], out);
    } else if (expr->func == FUNC_NEG && args[0].has_bounds && is_exact_number(expr->type)) {
        if (!__builtin_sub_overflow((Int128)0, args[0].min, &ends[0]) &&
            !__builtin_sub_overflow((Int128)0, args[0].max, &ends[1]))
            set_bounds(out, 2, ends);
    } else if (expr->arg_count == 2) {
        arithmetic_bounds(expr, &args[0], &args[1], out);
    }
}

/* substring(x, n, 2): texts that short are few. */
static double substring_count(const Expr *expr)
{
    const Expr *length = expr->arg_count == 3 ? expr->args[2] : NULL;

    if (length == NULL || length->kind != EXPR_CONST || length->value.is_null ||
        length->value.int32 < 0 || length->value.int32 > 8)
        return INFINITY;
    return pow(CHARACTERS_EXPECTED, length->value.int32);
}

static ColumnEstimate call(const Scope *scope, const Expr *expr)
{
    ColumnEstimate out = cost__unknown_column(expr->type, scope_rows(scope));
    ColumnEstimate args[2] = {{0}};
    double distinct = 1;

    out.distinct_is_guess = false;
    if (expr->func == FUNC_CASE || expr->func == FUNC_COALESCE)
        return any_of(scope, expr);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        ColumnEstimate arg = cost__expr(scope, expr->args[i]);

        distinct = fmin(distinct * fmax(1, arg.distinct_count), 1e18);
        out.null_fraction = fmax(out.null_fraction, arg.null_fraction);
        if (i < 2)
            args[i] = arg;
    }
    out.distinct_count = fmin(out.distinct_count, distinct);
    if (expr->arg_count > 0 && expr->arg_count <= 2)
        estimate_call_bounds(expr, args, &out);
    if (expr->func == FUNC_CAST && args[0].has_line && type_is_number(expr->type) &&
        type_is_number(expr->args[0]->type))
        set_line(&out, args[0].low, args[0].high, args[0].low, args[0].high);
    else if (expr->arg_count == 2 && type_is_number(expr->type))
        arithmetic_line(expr->func, &args[0], &args[1], &out);
    if (expr->func == FUNC_EXTRACT && expr->arg_count == 2)
        extract_line(expr, &args[1], &out);
    else if (expr->func == FUNC_SUBSTRING)
        out.distinct_count = fmin(out.distinct_count, substring_count(expr));
    return out;
}

ColumnEstimate cost__expr(const Scope *scope, const Expr *expr)
{
    const ColumnEstimate *column;
    ColumnEstimate out;

    switch (expr->kind) {
    case EXPR_COLUMN:
        column = cost__scope_column(scope, expr->column);
        return column != NULL ? *column : cost__unknown_column(expr->type, scope_rows(scope));
    case EXPR_CONST:
        return constant(&expr->value);
    case EXPR_CALL:
        out = call(scope, expr);
        out.domain_count = out.distinct_count;
        return out;
    default:
        return cost__unknown_column(expr->type, scope_rows(scope));
    }
}
