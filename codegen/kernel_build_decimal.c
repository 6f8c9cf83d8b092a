/*
 * kernel_build_decimal.c -- arithmetic of numerics: what the scales of the plan's types make of it
 *
 *     a + b, a % b   both brought to the larger scale
 *     a * b          at scale s1 + s2; digits beyond the result's scale are rounded off
 *     a / b          the dividend gets s - s1 + s2 more digits, so that the quotient has scale s
 *     round(a, n)    at a's scale
 *
 * Then the result is cast to the plan's type. Operations run in 64 bits where the operands and the
 * result are such, else in 128; the product of two 64-bit numbers needs no wide operands.
 */
#include "codegen/kernel_build.h"

static bool is_wide(Type type)
{
    return type_phys(type) == PHYS_INT128;
}

static int32_t int_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* A numeric type of that scale with all digits its word has. */
static Type word_type(bool wide, int32_t scale)
{
    return type_decimal(wide ? DECIMAL_DIGITS : DECIMAL64_DIGITS, scale);
}

static uint32_t to_word(Builder *b, uint32_t reg, bool wide, int32_t scale, uint32_t guard)
{
    Type type = build__type(b, reg);

    if (is_wide(type) == wide && type.scale == scale)
        return reg;
    return build__cast(b, reg, word_type(wide, scale), guard);
}

void build__same_scale(Builder *b, uint32_t args[2], bool wide, uint32_t guard)
{
    Type left = build__type(b, args[0]), right = build__type(b, args[1]);
    int32_t scale = int_max(left.scale, right.scale);
    int32_t before = int_max(left.precision - left.scale, right.precision - right.scale);

    wide |= is_wide(left) || is_wide(right) ||
            (left.scale != right.scale && before + scale > DECIMAL64_DIGITS);
    args[0] = to_word(b, args[0], wide, scale, guard);
    args[1] = to_word(b, args[1], wide, scale, guard);
}

/* The 64-bit number behind one that was widened, or reg itself. */
static uint32_t before_widening(const Builder *b, uint32_t reg)
{
    if (reg < b->kernel->line_count && b->lines[reg].kind == LINE_OP &&
        b->lines[reg].op == OP_widen_dec64)
        return b->lines[reg].args[0];
    return reg;
}

/* A wide constant that 64 bits hold becomes one. */
static uint32_t narrow_constant(Builder *b, uint32_t reg)
{
    const Value *constant = build__const(b, reg);
    Value narrow;

    if (constant == NULL || constant->is_null || !is_wide(constant->type) ||
        !decimal_fits(constant->int128, DECIMAL64_DIGITS))
        return reg;
    narrow = value_decimal(constant->int128, DECIMAL64_DIGITS, constant->type.scale);
    return build__param(b, &narrow);
}

static uint32_t build_product(Builder *b, Type type, const uint32_t *args, uint32_t guard)
{
    uint32_t factors[3] = {narrow_constant(b, before_widening(b, args[0])),
                           narrow_constant(b, before_widening(b, args[1])), 0};
    Type left = build__type(b, factors[0]), right = build__type(b, factors[1]);
    int32_t scale = left.scale + right.scale, drop = scale - type.scale;
    bool both_narrow = !is_wide(left) && !is_wide(right);

    if (drop > 0) {
        factors[0] = to_word(b, factors[0], true, left.scale, guard);
        factors[1] = to_word(b, factors[1], true, right.scale, guard);
        factors[2] = build__int4(b, drop);
        return build__op(b, OP_mul_scaled_dec128, word_type(true, type.scale), 3, factors, guard);
    }
    if (both_narrow)
        return build__op(b, is_wide(type) ? OP_mul_wide_dec64 : OP_mul_dec64,
                         word_type(is_wide(type), scale), 2, factors, guard);
    factors[0] = to_word(b, factors[0], true, left.scale, guard);
    factors[1] = to_word(b, factors[1], true, right.scale, guard);
    return build__op(b, OP_mul_dec128, word_type(true, scale), 2, factors, guard);
}

static uint32_t build_quotient(Builder *b, Type type, const uint32_t *args, uint32_t guard)
{
    Type left = build__type(b, args[0]), right = build__type(b, args[1]);
    int32_t more_digits = type.scale - left.scale + right.scale, scale = type.scale;
    uint32_t operands[3];

    if (more_digits < 0) { /* the quotient has more digits than wanted */
        scale -= more_digits;
        more_digits = 0;
    }
    operands[0] =
        to_word(b, args[0], true, left.scale + int_max(more_digits - DECIMAL_DIGITS, 0), guard);
    operands[1] = to_word(b, args[1], true, right.scale, guard);
    operands[2] = build__int4(b, more_digits > DECIMAL_DIGITS ? DECIMAL_DIGITS : more_digits);
    return build__op(b, OP_div_scaled_dec128, word_type(true, scale), 3, operands, guard);
}

static uint32_t build_sum(Builder *b, FuncId func, Type type, const uint32_t *args, uint32_t guard)
{
    uint32_t operands[2] = {args[0], args[1]};
    int32_t scale;
    Type operand;

    build__same_scale(b, operands, is_wide(type), guard);
    operand = build__type(b, operands[0]);
    scale = func == FUNC_INT_DIV ? 0 : operand.scale;
    return build__call(b, func, word_type(is_wide(operand), scale), 2, operands, guard);
}

static FuncId scaled_form(FuncId func)
{
    switch (func) {
    case FUNC_SIGN:
        return FUNC_SIGN_SCALED;
    case FUNC_CEIL:
        return FUNC_CEIL_SCALED;
    case FUNC_FLOOR:
        return FUNC_FLOOR_SCALED;
    case FUNC_ROUND:
        return FUNC_ROUND_SCALED;
    default:
        return FUNC_TRUNC_SCALED;
    }
}

static uint32_t build_rounding(Builder *b, FuncId func, uint32_t arg_count, const uint32_t *args,
                               uint32_t guard)
{
    Type type = build__type(b, args[0]);
    uint32_t scaled_args[3] = {args[0], arg_count == 2 ? args[1] : 0, 0};

    scaled_args[arg_count] = build__int4(b, type.scale);
    return build__call(b, scaled_form(func),
                       word_type(is_wide(type), arg_count == 2 ? type.scale : 0), arg_count + 1,
                       scaled_args, guard);
}

static bool all_decimal(const Builder *b, uint32_t arg_count, const uint32_t *args)
{
    for (uint32_t i = 0; i < arg_count; i++)
        if (build__type(b, args[i]).id != TYPE_DECIMAL)
            return false;
    return true;
}

bool build__decimal(Builder *b, FuncId func, Type type, uint32_t arg_count, const uint32_t *args,
                    uint32_t guard, uint32_t *reg_out)
{
    bool are_decimal = all_decimal(b, arg_count, args);
    uint32_t reg;

    if (type.id != TYPE_DECIMAL)
        return false;
    switch (func) {
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MOD:
    case FUNC_INT_DIV:
        if (!are_decimal)
            return false;
        reg = build_sum(b, func, type, args, guard);
        break;
    case FUNC_MUL:
        if (!are_decimal)
            return false;
        reg = build_product(b, type, args, guard);
        break;
    case FUNC_DIV:
        if (!are_decimal)
            return false;
        reg = build_quotient(b, type, args, guard);
        break;
    case FUNC_NEG:
    case FUNC_ABS:
        reg = build__call(b, func, build__type(b, args[0]), arg_count, args, guard);
        break;
    case FUNC_SIGN:
    case FUNC_CEIL:
    case FUNC_FLOOR:
    case FUNC_ROUND:
    case FUNC_TRUNC:
        reg = build_rounding(b, func, arg_count, args, guard);
        break;
    default:
        return false;
    }
    *reg_out = to_word(b, reg, is_wide(type), type.scale, guard);
    return true;
}
