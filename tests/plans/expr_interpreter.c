/* expr_interpreter.c -- expressions, subqueries and aggregates, value by value */
#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "tests/plans/interpreter_internal.h"

static Status refuse(Interpreter *in, const Expr *expr)
{
    return error_set(in->err, ST_NOT_SUPPORTED, "interpreter: %s", expr_print(in->arena, expr));
}

static Value null_bool(void)
{
    return value_null(type_of(TYPE_BOOL));
}

static bool is_integral(Type type)
{
    return type_is_integer(type) || type.id == TYPE_DECIMAL || type.id == TYPE_DATE ||
           type.id == TYPE_BOOL;
}

static Int128 integral(const Value *value)
{
    return value->type.id == TYPE_BOOL ? value->boolean : value_as_int128(value);
}

static Status make_integral(Interpreter *in, const Expr *expr, Int128 number, Value *out)
{
    Int128 limit = expr->type.id == TYPE_INT2   ? INT16_MAX
                   : expr->type.id == TYPE_INT4 ? INT32_MAX
                   : expr->type.id == TYPE_INT8 ? INT64_MAX
                                                : (Int128)INT64_MAX * 1000000000;

    if (number > limit || number < -limit - 1)
        return error_set_state(in->err, ST_BAD_INPUT, "22003", "out of range");
    *out = value_null(expr->type);
    out->is_null = false;
    switch (type_phys(expr->type)) {
    case PHYS_BOOL:
        out->boolean = number != 0;
        break;
    case PHYS_INT16:
        out->int16 = (int16_t)number;
        break;
    case PHYS_INT32:
        out->int32 = (int32_t)number;
        break;
    case PHYS_INT64:
        out->int64 = (int64_t)number;
        break;
    case PHYS_INT128:
        out->int128 = number;
        break;
    default:
        return refuse(in, expr);
    }
    return ST_OK;
}

/* --- comparisons --- */

static bool can_compare(const Value *a, const Value *b)
{
    if (type_is_text(a->type) && type_is_text(b->type))
        return true;
    return is_integral(a->type) && is_integral(b->type) && a->type.scale == b->type.scale;
}

static int order_of(const Value *a, const Value *b)
{
    Int128 x, y;

    if (type_is_text(a->type))
        return str_compare(a->str, b->str);
    x = integral(a);
    y = integral(b);
    return x < y ? -1 : x > y;
}

bool interpreter__same_value(const Value *a, const Value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null && b->is_null;
    return order_of(a, b) == 0;
}

static bool meets(FuncId func, int order)
{
    switch (func) {
    case FUNC_EQ:
        return order == 0;
    case FUNC_NE:
        return order != 0;
    case FUNC_LT:
        return order < 0;
    case FUNC_LE:
        return order <= 0;
    case FUNC_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static Status compare(Interpreter *in, const Expr *expr, const Value *args, Value *out)
{
    *out = null_bool();
    if (args[0].is_null || args[1].is_null)
        return ST_OK;
    if (!can_compare(&args[0], &args[1]))
        return refuse(in, expr);
    *out = value_bool(meets(expr->func, order_of(&args[0], &args[1])));
    return ST_OK;
}

/* --- arithmetic and casts --- */

static Int128 power_of_ten(int exponent)
{
    Int128 power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

static Status cast(Interpreter *in, const Expr *expr, const Value *arg, Value *out)
{
    Type from = arg->type, to = expr->type;
    Int128 number;

    if (arg->is_null || type_equal(from, to) || (type_is_text(from) && type_is_text(to))) {
        *out = arg->is_null ? value_null(to) : *arg;
        out->type = to;
        return ST_OK;
    }
    if (!is_integral(from) || !is_integral(to))
        return refuse(in, expr);
    number = integral(arg);
    if (to.scale >= from.scale) {
        number *= power_of_ten(to.scale - from.scale);
    } else {
        Int128 unit = power_of_ten(from.scale - to.scale);
        Int128 half = number < 0 ? -unit / 2 : unit / 2;

        number = (number + half) / unit;
    }
    return make_integral(in, expr, number, out);
}

static Status arithmetic(Interpreter *in, const Expr *expr, const Value *args, Value *out)
{
    Int128 a, b = 0, result;

    *out = value_null(expr->type);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (args[i].is_null)
            return ST_OK;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!is_integral(args[i].type) || args[i].type.scale != 0)
            return refuse(in, expr);
    if (!is_integral(expr->type) || expr->type.scale != 0)
        return refuse(in, expr);
    a = integral(&args[0]);
    if (expr->arg_count > 1)
        b = integral(&args[1]);
    if ((expr->func == FUNC_DIV || expr->func == FUNC_MOD) && b == 0)
        return error_set_state(in->err, ST_BAD_INPUT, "22012", "division by zero");
    result = expr->func == FUNC_ADD   ? a + b
             : expr->func == FUNC_SUB ? a - b
             : expr->func == FUNC_MUL ? a * b
             : expr->func == FUNC_DIV ? a / b
             : expr->func == FUNC_MOD ? a % b
                                      : -a;
    return make_integral(in, expr, result, out);
}

/* --- logic and control: arguments are evaluated as they are needed --- */

static Status and_or(Interpreter *in, const Expr *expr, const Env *env, Value *out)
{
    bool is_and = expr->func == FUNC_AND, has_null = false;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        Value value;

        TRY(interpreter__expr(in, expr->args[i], env, &value));
        if (value.is_null) {
            has_null = true;
        } else if ((value.boolean != 0) != is_and) {
            *out = value_bool(!is_and);
            return ST_OK;
        }
    }
    *out = has_null ? null_bool() : value_bool(is_and);
    return ST_OK;
}

static Status case_when(Interpreter *in, const Expr *expr, const Env *env, Value *out)
{
    uint32_t i;

    for (i = 0; i + 1 < expr->arg_count; i += 2) {
        bool holds;

        TRY(interpreter__holds(in, expr->args[i], env, &holds));
        if (holds)
            return interpreter__expr(in, expr->args[i + 1], env, out);
    }
    if (i < expr->arg_count)
        return interpreter__expr(in, expr->args[i], env, out);
    *out = value_null(expr->type);
    return ST_OK;
}

static Status coalesce(Interpreter *in, const Expr *expr, const Env *env, Value *out)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        TRY(interpreter__expr(in, expr->args[i], env, out));
        if (!out->is_null)
            return ST_OK;
    }
    *out = value_null(expr->type);
    return ST_OK;
}

static Status in_list(Interpreter *in, const Expr *expr, const Value *args, Value *out)
{
    bool has_null = args[0].is_null;

    for (uint32_t i = 1; i < expr->arg_count && !args[0].is_null; i++) {
        if (args[i].is_null) {
            has_null = true;
        } else if (!can_compare(&args[0], &args[i])) {
            return refuse(in, expr);
        } else if (order_of(&args[0], &args[i]) == 0) {
            *out = value_bool(true);
            return ST_OK;
        }
    }
    *out = has_null ? null_bool() : value_bool(false);
    return ST_OK;
}

/* --- calls --- */

static Status call_on_values(Interpreter *in, const Expr *expr, const Value *args, Value *out)
{
    bool is_null = expr->arg_count > 0 && args[0].is_null;

    switch (expr->func) {
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        return compare(in, expr, args, out);
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
    case FUNC_DIV:
    case FUNC_MOD:
    case FUNC_NEG:
        return arithmetic(in, expr, args, out);
    case FUNC_CAST:
        return cast(in, expr, &args[0], out);
    case FUNC_IN:
        return in_list(in, expr, args, out);
    case FUNC_NOT:
        *out = is_null ? null_bool() : value_bool(!args[0].boolean);
        return ST_OK;
    case FUNC_IS_NULL:
        *out = value_bool(is_null);
        return ST_OK;
    case FUNC_IS_NOT_NULL:
        *out = value_bool(!is_null);
        return ST_OK;
    case FUNC_IS_TRUE:
        *out = value_bool(!is_null && args[0].boolean);
        return ST_OK;
    case FUNC_IS_FALSE:
        *out = value_bool(!is_null && !args[0].boolean);
        return ST_OK;
    case FUNC_DISTINCT_FROM:
    case FUNC_NOT_DISTINCT_FROM:
        *out = value_bool(interpreter__same_value(&args[0], &args[1]) ==
                          (expr->func == FUNC_NOT_DISTINCT_FROM));
        return ST_OK;
    default:
        return refuse(in, expr);
    }
}

static Status call(Interpreter *in, const Expr *expr, const Env *env, Value *out)
{
    Value *args;

    if (expr->func == FUNC_AND || expr->func == FUNC_OR)
        return and_or(in, expr, env, out);
    if (expr->func == FUNC_CASE)
        return case_when(in, expr, env, out);
    if (expr->func == FUNC_COALESCE)
        return coalesce(in, expr, env, out);
    args = ARENA_ARRAY(in->arena, Value, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        TRY(interpreter__expr(in, expr->args[i], env, &args[i]));
    return call_on_values(in, expr, args, out);
}

/* --- subqueries --- */

static Status compare_with_row(Interpreter *in, const Expr *subquery, const Value *args,
                               const Value *row, Value *out)
{
    Expr comparison = {.kind = EXPR_CALL, .func = subquery->func, .arg_count = 2};
    bool has_null = false;

    comparison.type = type_of(TYPE_BOOL);
    for (uint32_t i = 0; i < subquery->arg_count; i++) {
        Value pair[2] = {args[i], row[i]}, value;

        TRY(compare(in, &comparison, pair, &value));
        if (!value.is_null && !value.boolean) {
            *out = value_bool(false);
            return ST_OK;
        }
        has_null |= value.is_null;
    }
    *out = has_null ? null_bool() : value_bool(true);
    return ST_OK;
}

static Status any_all(Interpreter *in, const Expr *expr, const Rows *rows, const Env *env,
                      Value *out)
{
    bool is_any = expr->subquery == SUBQUERY_ANY, has_null = false;
    Value *args = ARENA_ARRAY(in->arena, Value, expr->arg_count);

    if (expr->arg_count > 1 && (!is_any || expr->func != FUNC_EQ))
        return refuse(in, expr);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        TRY(interpreter__expr(in, expr->args[i], env, &args[i]));
    for (uint32_t row = 0; row < rows->count; row++) {
        Value value;

        TRY(compare_with_row(in, expr, args, rows->items[row], &value));
        has_null |= value.is_null;
        if (!value.is_null && (value.boolean != 0) == is_any) {
            *out = value_bool(is_any);
            return ST_OK;
        }
    }
    *out = has_null ? null_bool() : value_bool(!is_any);
    return ST_OK;
}

static Status subquery(Interpreter *in, const Expr *expr, const Env *env, Value *out)
{
    Rows rows;

    if (in->table_rows == NULL)
        return refuse(in, expr); /* a constant was asked for */
    TRY(interpreter__plan(in, expr->plan, env, &rows));
    switch (expr->subquery) {
    case SUBQUERY_EXISTS:
        *out = value_bool(rows.count > 0);
        return ST_OK;
    case SUBQUERY_SCALAR:
        if (rows.count > 1)
            return error_set_state(in->err, ST_BAD_INPUT, "21000", "more than one row");
        *out = rows.count == 0 ? value_null(expr->type) : rows.items[0][0];
        return ST_OK;
    case SUBQUERY_ANY:
    case SUBQUERY_ALL:
        return any_all(in, expr, &rows, env, out);
    }
    return refuse(in, expr);
}

/* --- */

Status interpreter__expr(Interpreter *in, const Expr *expr, const Env *env, Value *value_out)
{
    switch (expr->kind) {
    case EXPR_CONST:
        *value_out = expr->value;
        return ST_OK;
    case EXPR_COLUMN:
        for (; env != NULL; env = env->outer)
            for (uint32_t i = 0; i < env->column_count; i++)
                if (env->columns[i].id == expr->column) {
                    *value_out = env->values[i];
                    return ST_OK;
                }
        return error_set(in->err, ST_INTERNAL, "no column #%u", expr->column);
    case EXPR_CALL:
        return call(in, expr, env, value_out);
    case EXPR_SUBQUERY:
        return subquery(in, expr, env, value_out);
    case EXPR_AGG:
        break;
    }
    return refuse(in, expr);
}

/* Conjuncts have no order: one that does not hold decides, though another fails. */
static Status all_hold(Interpreter *in, const Expr *conjunction, const Env *env, bool *hold_out)
{
    Status failed = ST_OK;

    *hold_out = true;
    for (uint32_t i = 0; *hold_out && i < conjunction->arg_count; i++) {
        Status status = interpreter__holds(in, conjunction->args[i], env, hold_out);

        failed = status == ST_OK ? failed : status;
    }
    return *hold_out ? failed : ST_OK;
}

Status interpreter__holds(Interpreter *in, const Expr *predicate, const Env *env, bool *holds_out)
{
    Value value;

    *holds_out = true;
    if (predicate == NULL)
        return ST_OK;
    if (predicate->kind == EXPR_CALL && predicate->func == FUNC_AND)
        return all_hold(in, predicate, env, holds_out);
    TRY(interpreter__expr(in, predicate, env, &value));
    *holds_out = !value.is_null && value.boolean;
    return ST_OK;
}

Status interpret_const(Arena *arena, const Expr *expr, Error *err, Value *value_out)
{
    Interpreter in = {.arena = arena, .err = err, .steps_left = 1000};

    return interpreter__expr(&in, expr, NULL, value_out);
}

/* --- aggregates --- */

/* The argument's values that count: FILTER, NULLs and DISTINCT seen to. */
static Status agg_values(Interpreter *in, const Expr *agg, const PlanColumn *columns,
                         const Rows *rows, const Env *env, Rows *values)
{
    *values = (Rows){.column_count = 1};
    for (uint32_t i = 0; i < rows->count; i++) {
        Env row_env = {rows->column_count, columns, rows->items[i], env};
        Value value = value_bool(true);
        bool holds, is_new = true;

        TRY(interpreter__holds(in, agg->filter, &row_env, &holds));
        if (!holds)
            continue;
        if (agg->arg_count > 0)
            TRY(interpreter__expr(in, agg->args[0], &row_env, &value));
        if (value.is_null && (agg_properties(agg->agg) & AGG_SKIPS_NULL))
            continue;
        for (uint32_t j = 0; agg->is_distinct && j < values->count; j++)
            is_new &= !interpreter__same_value(&values->items[j][0], &value);
        if (is_new)
            interpreter__add_row(in, values, &value);
    }
    return ST_OK;
}

static Status agg_sum(Interpreter *in, const Expr *agg, const Rows *values, Value *out)
{
    Int128 sum = 0;

    for (uint32_t i = 0; i < values->count; i++)
        sum += integral(&values->items[i][0]);
    if (agg->agg == AGG_AVG)
        sum = sum * power_of_ten(agg->type.scale - agg->args[0]->type.scale) / values->count;
    return make_integral(in, agg, sum, out);
}

Status interpreter__agg(Interpreter *in, const Expr *agg, const PlanColumn *columns,
                        const Rows *rows, const Env *env, Value *value_out)
{
    Rows values;

    TRY(agg_values(in, agg, columns, rows, env, &values));
    if (agg->agg == AGG_COUNT || agg->agg == AGG_COUNT_STAR) {
        *value_out = value_int8(values.count);
        return ST_OK;
    }
    *value_out = value_null(agg->type);
    if (values.count == 0)
        return ST_OK;
    switch (agg->agg) {
    case AGG_SUM:
    case AGG_AVG:
        if (!is_integral(agg->args[0]->type) || !is_integral(agg->type))
            return refuse(in, agg);
        return agg_sum(in, agg, &values, value_out);
    case AGG_FIRST:
        *value_out = values.items[0][0];
        return ST_OK;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BOOL_AND:
    case AGG_BOOL_OR: {
        bool wants_less = agg->agg == AGG_MIN || agg->agg == AGG_BOOL_AND;

        *value_out = values.items[0][0];
        for (uint32_t i = 1; i < values.count; i++) {
            int order = order_of(&values.items[i][0], value_out);

            if (wants_less ? order < 0 : order > 0)
                *value_out = values.items[i][0];
        }
        return ST_OK;
    }
    default:
        return refuse(in, agg);
    }
}
