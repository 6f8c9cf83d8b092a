/*
 * decimal_rules.c -- how many digits a numeric result has, before and after the point
 *
 *     i = p - s: digits before the point
 *     a + b, a - b   scale max(s1,s2)       precision max(i1,i2) + scale + 1
 *     a * b          scale s1 + s2          precision p1 + p2; over 38 the scale is 22 at most
 *     a / b          scale max(16,s1,s2)    precision 38
 *     a % b          scale max(s1,s2)       precision of the common type
 *     a < b          compared at scale max(s1,s2), whatever the digits: see align_to
 *
 * Precision is capped at 38: from there on the value itself decides, at run time, whether it fits.
 * Up to 18 digits a numeric is one 64-bit word, so all operands of one operation are brought to
 * the word of its result.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sql/binder/binder_internal.h"

enum {
    DIVISION_SCALE_MIN = 16,
    CAST_SCALE = 16,        /* of text and floats cast to numeric, when no constant tells more */
    PRODUCT_SCALE_MAX = 22, /* of capped products: leaves 16 digits before the point */
    DOUBLE_DIGITS = 15      /* PostgreSQL shows 15 digits of a float8 cast to numeric */
};

static int int_max(int a, int b)
{
    return a > b ? a : b;
}

static int int_min(int a, int b)
{
    return a < b ? a : b;
}

static int digits_before_point(Type type)
{
    return type.precision - type.scale;
}

static Type capped_decimal(int precision, int scale)
{
    scale = int_min(scale, DECIMAL_DIGITS);
    return type_decimal(int_max(int_min(precision, DECIMAL_DIGITS), int_max(scale, 1)), scale);
}

/* --- types of values --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(const char *text, size_t bytes, size_t at)
{
    while (at < bytes && is_digit(text[at]))
        at++;
    return at;
}

/* The exponent behind an 'e', or false. */
static bool read_exponent(const char *text, size_t bytes, size_t at, int *exponent_out)
{
    bool is_negative = false;
    int exponent = 0;

    if (at < bytes && (text[at] == '+' || text[at] == '-'))
        is_negative = text[at++] == '-';
    if (at >= bytes)
        return false;
    for (; at < bytes; at++) {
        if (!is_digit(text[at]))
            return false;
        if (exponent < 100000)
            exponent = exponent * 10 + (text[at] - '0');
    }
    *exponent_out = is_negative ? -exponent : exponent;
    return true;
}

bool bind__decimal_literal(const char *text, size_t bytes, int *digits_out, int *scale_out)
{
    size_t at = 0, first, point, end;
    int exponent = 0, before, after;

    while (bytes > 0 && strchr(" \t\n\r\f\v", text[bytes - 1]) != NULL)
        bytes--;
    while (at < bytes && strchr(" \t\n\r\f\v", text[at]) != NULL)
        at++;
    if (at < bytes && (text[at] == '+' || text[at] == '-'))
        at++;
    first = at;
    while (first < bytes && text[first] == '0') /* leading zeros are no digits */
        first++;
    point = skip_digits(text, bytes, first);
    end = point;
    if (point < bytes && text[point] == '.')
        end = skip_digits(text, bytes, point + 1);
    after = end > point ? (int)(end - point - 1) : 0;
    if (point == at && after == 0)
        return false;
    if (end < bytes &&
        ((text[end] != 'e' && text[end] != 'E') || !read_exponent(text, bytes, end + 1, &exponent)))
        return false;
    before = (int)int_min((int)(point - first), 1000000) + exponent;
    *scale_out = int_max(after - exponent, 0);
    *digits_out = int_max(int_max(before, 0) + *scale_out, 1);
    return true;
}

static int digits_of_integer(const Value *value)
{
    Int128 number = value_as_int128(value);
    int digits = 1;

    for (; number > 9 || number < -9; number /= 10)
        digits++;
    return digits;
}

Type bind__decimal_type_of(const Expr *expr)
{
    bool is_value = expr->kind == EXPR_CONST && !expr->value.is_null;

    switch (expr->type.id) {
    case TYPE_DECIMAL:
        return expr->type;
    case TYPE_INT2:
        return type_decimal(is_value ? digits_of_integer(&expr->value) : 5, 0);
    case TYPE_INT4:
        return type_decimal(is_value ? digits_of_integer(&expr->value) : 10, 0);
    case TYPE_INT8:
        return type_decimal(is_value ? digits_of_integer(&expr->value) : 19, 0);
    default:
        return bind__decimal_of_cast(expr);
    }
}

Type bind__decimal_common(Type a, Type b)
{
    int scale = int_max(a.scale, b.scale);

    return capped_decimal(int_max(digits_before_point(a), digits_before_point(b)) + scale, scale);
}

static bool float_digits(const Value *value, int *digits_out, int *scale_out)
{
    char text[64];
    int length = value->type.id == TYPE_FLOAT4
                     ? snprintf(text, sizeof text, "%.6g", (double)value->float32)
                     : snprintf(text, sizeof text, "%.*g", DOUBLE_DIGITS, value->float64);

    return bind__decimal_literal(text, (size_t)length, digits_out, scale_out);
}

Type bind__decimal_of_cast(const Expr *expr)
{
    bool is_value = expr->kind == EXPR_CONST && !expr->value.is_null;
    bool is_literal = false;
    int digits, scale;

    if (expr->type.id == TYPE_DECIMAL || type_is_integer(expr->type))
        return bind__decimal_type_of(expr);
    if (is_value && type_is_float(expr->type))
        is_literal = float_digits(&expr->value, &digits, &scale);
    else if (is_value && (type_is_text(expr->type) || expr->type.id == TYPE_NULL))
        is_literal = bind__decimal_literal(str_bytes(&expr->value.str), expr->value.str.length,
                                           &digits, &scale);
    return is_literal ? capped_decimal(digits, scale) : type_decimal(DECIMAL_DIGITS, CAST_SCALE);
}

/* --- bringing operands to one word and scale --- */

static bool is_wide(Type type)
{
    return type.precision > DECIMAL64_DIGITS;
}

/* expr at that scale, as a 128-bit word or not. */
static Status fit_decimal(Binder *b, const Expr **expr, int scale, bool wide)
{
    Type own = bind__decimal_type_of(*expr);
    int precision = digits_before_point(own) + scale;

    if (bind__is_long_number(*expr))
        return bind__refuse_long_number(b, *expr);
    if ((*expr)->type.id == TYPE_DECIMAL && own.scale == scale && is_wide(own) == wide)
        return ST_OK;
    if (wide)
        precision = int_max(precision, DECIMAL64_DIGITS + 1);
    return bind__coerce(b, *expr, capped_decimal(precision, scale), expr);
}

/* A constant without its trailing zeros: 24.00 is 24 at scale 0. */
static int needed_scale(const Expr *expr)
{
    Type type = bind__decimal_type_of(expr);
    int scale = type.scale;
    Int128 number;

    if (expr->kind != EXPR_CONST || expr->value.is_null || type_is_float(expr->type))
        return scale;
    if (expr->type.id != TYPE_DECIMAL)
        return 0;
    for (number = value_as_int128(&expr->value); scale > 0 && number % 10 == 0; scale--)
        number /= 10;
    return scale;
}

/* An integer column against 24.0: compared as integers, so that the column stays bare. */
static Status unify_integer(Binder *b, const Expr *integer, const Expr **constant, bool *done_out)
{
    int digits_max = integer->type.id == TYPE_INT2 ? 4 : integer->type.id == TYPE_INT4 ? 9 : 18;
    Type type = bind__decimal_type_of(*constant);
    const Expr *folded;

    *done_out = false;
    if (!type_is_integer(integer->type) || (*constant)->kind != EXPR_CONST ||
        (*constant)->type.id != TYPE_DECIMAL || (*constant)->value.is_null ||
        needed_scale(*constant) > 0 || digits_before_point(type) > digits_max)
        return ST_OK;
    TRY(bind__coerce(b, *constant, integer->type, &folded));
    *constant = folded;
    *done_out = true;
    return ST_OK;
}

static bool is_null_constant(const Expr *expr)
{
    return expr->kind == EXPR_CONST && expr->value.is_null;
}

/* The digits after the point that each side needs: a constant beside a column only what it uses. */
static int compared_scale(const Expr *left, const Expr *right)
{
    bool is_left_constant = left->kind == EXPR_CONST, is_right_constant = right->kind == EXPR_CONST;
    int left_scale = bind__decimal_type_of(left).scale;
    int right_scale = bind__decimal_type_of(right).scale;

    if (is_left_constant)
        left_scale = needed_scale(left);
    if (is_right_constant)
        right_scale = needed_scale(right);
    return int_max(left_scale, right_scale);
}

/* The side with fewer digits after the point, where 38 digits do not hold both sides at the other's
 * scale. It is brought there all the same, and what has no room becomes +-10^38: more than all that
 * the other side can be, so that comparing is exact and never fails. */
static Status align_to(Binder *b, const Expr **expr, int scale)
{
    int own_scale =
        (*expr)->kind == EXPR_CONST ? needed_scale(*expr) : bind__decimal_type_of(*expr).scale;
    int32_t offset = (*expr)->sql_offset;
    const Expr *call;
    Value value;

    TRY(fit_decimal(b, expr, own_scale, true));
    if (own_scale == scale)
        return ST_OK;
    call = expr_call2(b->arena, FUNC_ALIGN, type_decimal(DECIMAL_DIGITS, scale), *expr,
                      expr_const(b->arena, value_int4(scale - own_scale)));
    if ((*expr)->kind == EXPR_CONST) {
        TRY(bind__place_error(b, offset, b->request->eval_const(b->arena, call, b->err, &value)));
        call = expr_const(b->arena, value);
    }
    *expr = bind__expr_at(b, call, offset);
    return ST_OK;
}

bool bind__decimals_share_scale(const Expr *needle, uint32_t count, const Expr *const *items)
{
    int before = digits_before_point(bind__decimal_type_of(needle));
    int scale = bind__decimal_type_of(needle).scale;

    for (uint32_t i = 0; i < count; i++) {
        before = int_max(before, digits_before_point(bind__decimal_type_of(items[i])));
        scale = int_max(scale, compared_scale(needle, items[i]));
    }
    return before + scale <= DECIMAL_DIGITS;
}

/* NULL has any number of digits: it takes the other side's. */
static Status unify_null(Binder *b, const Expr **left, const Expr **right)
{
    const Expr **null = is_null_constant(*left) ? left : right;
    const Expr **other = null == left ? right : left;

    TRY(bind__coerce(b, *other, bind__decimal_type_of(*other), other));
    *null = bind__expr_at(b, expr_const(b->arena, value_null((*other)->type)), (*null)->sql_offset);
    return ST_OK;
}

Status bind__unify_decimals(Binder *b, const Expr **left, const Expr **right)
{
    int scale, before;
    bool done;

    if (is_null_constant(*left) || is_null_constant(*right))
        return unify_null(b, left, right);
    TRY(unify_integer(b, *left, right, &done));
    if (!done)
        TRY(unify_integer(b, *right, left, &done));
    if (done)
        return ST_OK;
    scale = compared_scale(*left, *right);
    before = int_max(digits_before_point(bind__decimal_type_of(*left)),
                     digits_before_point(bind__decimal_type_of(*right)));
    if (before + scale > DECIMAL_DIGITS) {
        TRY(align_to(b, left, scale));
        return align_to(b, right, scale);
    }
    TRY(fit_decimal(b, left, scale, before + scale > DECIMAL64_DIGITS));
    return fit_decimal(b, right, scale, before + scale > DECIMAL64_DIGITS);
}

/* --- calls --- */

static Status finish_call(Binder *b, FuncId func, Type type, uint32_t arg_count,
                          const Expr *const *args, int32_t offset, const Expr **expr_out)
{
    *expr_out = bind__expr_at(b, expr_call(b->arena, func, type, arg_count, args), offset);
    return ST_OK;
}

static Status make_sum(Binder *b, FuncId func, const Expr **args, int32_t offset,
                       const Expr **expr_out)
{
    Type a = bind__decimal_type_of(args[0]), c = bind__decimal_type_of(args[1]);
    int scale = int_max(a.scale, c.scale);
    int before = int_max(digits_before_point(a), digits_before_point(c));
    Type type = capped_decimal(before + scale + 1, scale);

    TRY(fit_decimal(b, &args[0], scale, is_wide(type)));
    TRY(fit_decimal(b, &args[1], scale, is_wide(type)));
    return finish_call(b, func, type, 2, args, offset, expr_out);
}

/* Operands of 64-bit words may have a wide product; the kernel builder knows how. */
static Status make_product(Binder *b, const Expr **args, int32_t offset, const Expr **expr_out)
{
    Type a = bind__decimal_type_of(args[0]), c = bind__decimal_type_of(args[1]);
    int scale = a.scale + c.scale;
    bool wide;
    Type type;

    if (a.precision + c.precision > DECIMAL_DIGITS)
        scale = int_min(scale, int_max(PRODUCT_SCALE_MAX, int_max(a.scale, c.scale)));
    type = capped_decimal(digits_before_point(a) + digits_before_point(c) + scale, scale);
    wide = is_wide(a) || is_wide(c);
    TRY(fit_decimal(b, &args[0], a.scale, wide));
    TRY(fit_decimal(b, &args[1], c.scale, wide));
    if (wide && !is_wide(type))
        type.precision = DECIMAL64_DIGITS + 1;
    return finish_call(b, FUNC_MUL, type, 2, args, offset, expr_out);
}

/* Operands keep their scales: the kernel builder adds digits to the dividend. */
static Status make_quotient(Binder *b, const Expr **args, int32_t offset, const Expr **expr_out)
{
    Type a = bind__decimal_type_of(args[0]), c = bind__decimal_type_of(args[1]);
    int scale = int_max(DIVISION_SCALE_MIN, int_max(a.scale, c.scale));

    TRY(fit_decimal(b, &args[0], a.scale, true));
    TRY(fit_decimal(b, &args[1], c.scale, true));
    return finish_call(b, FUNC_DIV, type_decimal(DECIMAL_DIGITS, scale), 2, args, offset, expr_out);
}

static Status make_remainder(Binder *b, const Expr **args, int32_t offset, const Expr **expr_out)
{
    Type type =
        bind__decimal_common(bind__decimal_type_of(args[0]), bind__decimal_type_of(args[1]));

    TRY(fit_decimal(b, &args[0], type.scale, is_wide(type)));
    TRY(fit_decimal(b, &args[1], type.scale, is_wide(type)));
    return finish_call(b, FUNC_MOD, type, 2, args, offset, expr_out);
}

/* A type of the argument's word: functions of one numeric give what they take. */
static Type same_word(Type word, int precision, int scale)
{
    precision = is_wide(word) ? int_max(precision, DECIMAL64_DIGITS + 1)
                              : int_min(precision, DECIMAL64_DIGITS);
    return capped_decimal(precision, scale);
}

/* floor, ceil, round, trunc, sign of one argument: scale 0. */
static Status make_integral(Binder *b, FuncId func, const Expr **args, int32_t offset,
                            const Expr **expr_out)
{
    Type own = bind__decimal_type_of(args[0]);

    TRY(fit_decimal(b, &args[0], own.scale, is_wide(own)));
    return finish_call(b, func, same_word(own, digits_before_point(own) + 1, 0), 1, args, offset,
                       expr_out);
}

/* round(x, n), trunc(x, n): computed at the argument's scale, then shown with n digits. */
static Status make_rounded(Binder *b, FuncId func, const Expr **args, int32_t offset,
                           const Expr **expr_out)
{
    Type own = bind__decimal_type_of(args[0]);
    bool is_known = args[1]->kind == EXPR_CONST && !args[1]->value.is_null;
    int scale = own.scale;
    Type type;

    if (is_known)
        scale = int_max(0, int_min(args[1]->value.int32, DECIMAL_DIGITS));
    type = capped_decimal(digits_before_point(own) + 1 + scale, scale);
    TRY(fit_decimal(b, &args[0], own.scale, is_wide(own)));
    TRY(finish_call(b, func, same_word(own, own.precision + 1, own.scale), 2, args, offset,
                    expr_out));
    return is_known ? bind__coerce(b, *expr_out, type, expr_out) : ST_OK;
}

/* div(a, b): the whole part of the quotient. */
static Status make_whole_quotient(Binder *b, const Expr **args, int32_t offset,
                                  const Expr **expr_out)
{
    Type type =
        bind__decimal_common(bind__decimal_type_of(args[0]), bind__decimal_type_of(args[1]));

    TRY(fit_decimal(b, &args[0], type.scale, is_wide(type)));
    TRY(fit_decimal(b, &args[1], type.scale, is_wide(type)));
    return finish_call(b, FUNC_INT_DIV, same_word(type, type.precision, 0), 2, args, offset,
                       expr_out);
}

/* Another function: numeric arguments stay as they are where there is an overload, else become
 * 128-bit words; a numeric result has the first numeric's type. */
static Status make_other(Binder *b, const Signature *signature, const Expr **args, int32_t offset,
                         const Expr **expr_out)
{
    OpType words[OP_ARGS_MAX];
    Type result = type_of(signature->result);
    const Op *op;

    for (uint32_t i = 0; i < signature->arg_count; i++) {
        if (signature->args[i] == TYPE_DECIMAL)
            TRY(bind__coerce(b, args[i], bind__decimal_type_of(args[i]), &args[i]));
        words[i] = optype_of(args[i]->type);
    }
    op = op_find(signature->func, signature->arg_count, words);
    for (uint32_t i = 0; op == NULL && i < signature->arg_count; i++)
        if (signature->args[i] == TYPE_DECIMAL) {
            TRY(fit_decimal(b, &args[i], args[i]->type.scale, true));
            words[i] = OPTYPE_DEC128;
        }
    if (op == NULL)
        op = op_find(signature->func, signature->arg_count, words);
    if (op == NULL)
        return bind__not_supported(b, offset, "function %s of these types",
                                   func_name(signature->func));
    for (uint32_t i = signature->arg_count; result.id == TYPE_DECIMAL && i > 0; i--)
        if (args[i - 1]->type.id == TYPE_DECIMAL)
            result = same_word(optype_type(op->result), args[i - 1]->type.precision,
                               args[i - 1]->type.scale);
    return finish_call(b, signature->func, result, signature->arg_count, args, offset, expr_out);
}

Status bind__make_decimal_call(Binder *b, const Signature *signature, const Expr **args,
                               int32_t offset, const Expr **expr_out)
{
    for (uint32_t i = 0; i < signature->arg_count; i++) {
        if (bind__is_unknown(args[i]))
            TRY(bind__coerce(b, args[i], type_of(signature->args[i]), &args[i]));
        else if (signature->args[i] != TYPE_DECIMAL)
            TRY(bind__coerce(b, args[i], type_of(signature->args[i]), &args[i]));
    }
    switch (signature->func) {
    case FUNC_ADD:
    case FUNC_SUB:
        return make_sum(b, signature->func, args, offset, expr_out);
    case FUNC_MUL:
        return make_product(b, args, offset, expr_out);
    case FUNC_DIV:
        return make_quotient(b, args, offset, expr_out);
    case FUNC_MOD:
        return make_remainder(b, args, offset, expr_out);
    case FUNC_INT_DIV:
        return make_whole_quotient(b, args, offset, expr_out);
    case FUNC_ROUND:
    case FUNC_TRUNC:
        if (signature->arg_count == 2)
            return make_rounded(b, signature->func, args, offset, expr_out);
        return make_integral(b, signature->func, args, offset, expr_out);
    case FUNC_FLOOR:
    case FUNC_CEIL:
    case FUNC_SIGN:
        return make_integral(b, signature->func, args, offset, expr_out);
    default:
        return make_other(b, signature, args, offset, expr_out);
    }
}

Type bind__decimal_agg_type(AggId agg, OpType result, Type arg)
{
    Type type = optype_type(result);

    if (type.id != TYPE_DECIMAL)
        return type;
    if (agg == AGG_MIN || agg == AGG_MAX || agg == AGG_FIRST)
        return arg;
    type.scale = agg == AGG_SUM ? arg.scale : (uint8_t)int_max(DIVISION_SCALE_MIN, arg.scale);
    return type;
}
