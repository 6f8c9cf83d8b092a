/*
 * kernel_build_call.c -- operations: which overload, and which form of it; see kernel_build.h
 *
 * Where a constant allows, another form is taken: LIKE 'abc%' is starts_with, EXTRACT(year ...) has
 * its field looked up, a constant on the left of a comparison or sum goes to the right.
 */
#include "codegen/kernel_build.h"

#include "codegen/ops/date_field.h"

/* Cheap and safe everywhere: better computed for all rows than with a guard. */
static bool wants_guard(const Op *op)
{
    bool has_text = op->result == OPTYPE_TEXT;

    for (uint32_t i = 0; i < op->arg_count; i++)
        has_text |= op->args[i] == OPTYPE_TEXT;
    return op->may_fail || has_text;
}

/* What the operation really gives, should the plan's type lie otherwise in memory. */
static Type result_type(const Op *op, Type wanted)
{
    Type natural = optype_type(op->result);

    if (type_phys(natural) == type_phys(wanted))
        return wanted;
    natural.scale = wanted.scale;
    return natural;
}

uint32_t build__op(Builder *b, OpId op, Type type, uint32_t arg_count, const uint32_t *args,
                   uint32_t guard)
{
    KernelLine line = {.kind = LINE_OP,
                       .op = op,
                       .arg_count = arg_count,
                       .guard = NO_REGISTER,
                       .type = result_type(&op_table[op], type)};

    for (uint32_t i = 0; i < arg_count; i++) {
        const Value *constant = build__const(b, args[i]);

        if (constant != NULL && constant->is_null)
            return build__null(b, type);
        line.args[i] = args[i];
        line.is_nullable |= build__is_nullable(b, args[i]);
    }
    if (guard != MASK_ALL && wants_guard(&op_table[op]))
        line.guard = build__mask_value(b, guard);
    return build__emit(b, line);
}

static bool is_null_const(const Builder *b, uint32_t reg)
{
    const Value *constant = build__const(b, reg);

    return constant != NULL && constant->is_null;
}

uint32_t build__call(Builder *b, FuncId func, Type type, uint32_t arg_count, const uint32_t *args,
                     uint32_t guard)
{
    OpType words[OP_ARGS_MAX];
    const Op *op;

    for (uint32_t i = 0; i < arg_count; i++) {
        if (is_null_const(b, args[i]))
            return build__null(b, type);
        words[i] = optype_of(build__type(b, args[i]));
    }
    op = op_find(func, arg_count, words);
    if (b->status == ST_OK && op == NULL)
        return build__fail(b, error_set(b->err, ST_NOT_SUPPORTED,
                                        "not supported: %s of these types", func_name(func)));
    if (op == NULL)
        return 0;
    return build__op(b, op->id, type, arg_count, args, guard);
}

/* --- comparisons --- */

uint32_t build__compare(Builder *b, FuncId func, uint32_t left, uint32_t right, uint32_t guard)
{
    uint32_t args[2] = {left, right};

    if (is_null_const(b, left) || is_null_const(b, right))
        return build__null(b, type_of(TYPE_BOOL));
    if (build__const(b, left) != NULL && build__const(b, right) == NULL) {
        args[0] = right;
        args[1] = left;
        func = func_mirrored(func);
    }
    if (build__type(b, left).id == TYPE_DECIMAL && build__type(b, right).id == TYPE_DECIMAL)
        build__same_scale(b, args, false, guard);
    return build__call(b, func, type_of(TYPE_BOOL), 2, args, guard);
}

/* --- LIKE --- */

static bool is_plain(Str pattern, uint32_t from, uint32_t to)
{
    const char *bytes = str_bytes(&pattern);

    for (uint32_t i = from; i < to; i++)
        if (bytes[i] == '%' || bytes[i] == '_' || bytes[i] == '\\')
            return false;
    return true;
}

/* 'a', 'a%', '%a' and '%a%' without other wild cards; FUNC_LIKE when it is none of them. */
static FuncId simple_like(Str pattern, uint32_t *from, uint32_t *to)
{
    const char *bytes = str_bytes(&pattern);
    uint32_t length = pattern.length;
    bool open_start = length > 0 && bytes[0] == '%';
    bool open_end = length > 1 && bytes[length - 1] == '%';

    *from = open_start;
    *to = length - open_end;
    if (*from > *to || !is_plain(pattern, *from, *to))
        return FUNC_LIKE;
    if (open_start && open_end)
        return FUNC_CONTAINS;
    if (open_start)
        return FUNC_ENDS_WITH;
    return open_end ? FUNC_STARTS_WITH : FUNC_EQ;
}

static uint32_t build_like(Builder *b, uint32_t text, uint32_t pattern, uint32_t guard)
{
    const Value *constant = build__const(b, pattern);
    uint32_t args[2] = {text, pattern}, from, to;
    FuncId func = FUNC_LIKE;
    Value part;

    if (constant != NULL && !constant->is_null) {
        func = simple_like(constant->str, &from, &to);
        if (func != FUNC_LIKE) {
            part = *constant;
            part.str = str_make(str_bytes(&constant->str) + from, to - from);
            args[1] = build__param(b, &part);
        }
    }
    return build__call(b, func, type_of(TYPE_BOOL), 2, args, guard);
}

/* --- fields of dates --- */

static FuncId field_form(FuncId func)
{
    return func == FUNC_EXTRACT     ? FUNC_EXTRACT_FIELD
           : func == FUNC_DATE_PART ? FUNC_DATE_PART_FIELD
                                    : FUNC_DATE_TRUNC_FIELD;
}

static uint32_t build_field(Builder *b, const Expr *call, const uint32_t *args, uint32_t guard)
{
    const Value *name = build__const(b, args[0]);
    TypeId source = (TypeId)build__type(b, args[1]).id;
    uint32_t field_args[2] = {0, args[1]};
    Type natural = call->type;
    DateField field;

    if (name == NULL || name->is_null) {
        if (call->func == FUNC_EXTRACT && name == NULL)
            return build__fail(b,
                               error_set(b->err, ST_NOT_SUPPORTED,
                                         "not supported: EXTRACT of a field that is no constant"));
        return build__call(b, call->func, call->type, 2, args, guard);
    }
    field = op__date_field(name->str);
    if (field == FIELD_UNKNOWN)
        return build__fail(b, error_set_state(b->err, ST_BAD_INPUT, "22023",
                                              "unit \"%.*s\" not recognized for type %s",
                                              (int)name->str.length, str_bytes(&name->str),
                                              type_id_name(source)));
    if (call->func == FUNC_EXTRACT)
        natural = type_decimal(DECIMAL64_DIGITS, op_date_field_scale((int32_t)field, source));
    field_args[0] = build__int4(b, (int32_t)field);
    return build__cast(b, build__call(b, field_form(call->func), natural, 2, field_args, guard),
                       call->type, guard);
}

/* --- calls --- */

static void constant_to_right(const Builder *b, FuncId func, uint32_t arg_count, uint32_t *args)
{
    uint32_t left = args[0];

    if (arg_count != 2 || !(func_properties(func) & FUNC_COMMUTES) ||
        type_phys(build__type(b, args[0])) != type_phys(build__type(b, args[1])) ||
        build__const(b, args[0]) == NULL || build__const(b, args[1]) != NULL)
        return;
    args[0] = args[1];
    args[1] = left;
}

uint32_t build__strict(Builder *b, const Expr *call, uint32_t guard)
{
    uint32_t args[OP_ARGS_MAX], reg;
    bool has_decimal = false;

    if (call->arg_count > OP_ARGS_MAX || call->arg_count == 0)
        return build__fail(b,
                           error_set(b->err, ST_NOT_SUPPORTED, "not supported: %s of %u arguments",
                                     func_name(call->func), call->arg_count));
    for (uint32_t i = 0; i < call->arg_count; i++) {
        args[i] = build__value(b, call->args[i], guard);
        has_decimal |= build__type(b, args[i]).id == TYPE_DECIMAL;
    }
    constant_to_right(b, call->func, call->arg_count, args);
    switch (call->func) {
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        return build__compare(b, call->func, args[0], args[1], guard);
    case FUNC_LIKE:
        return build_like(b, args[0], args[1], guard);
    case FUNC_EXTRACT:
    case FUNC_DATE_PART:
    case FUNC_DATE_TRUNC:
        return build_field(b, call, args, guard);
    default:
        if (has_decimal &&
            build__decimal(b, call->func, call->type, call->arg_count, args, guard, &reg))
            return reg;
        return build__call(b, call->func, call->type, call->arg_count, args, guard);
    }
}

/* --- concat, concat_ws: NULLs are passed over --- */

static uint32_t short_text(Builder *b, const char *text)
{
    Value value = value_null(type_of(TYPE_TEXT));

    value.is_null = false;
    value.str = str_make(text, (uint32_t)strlen(text));
    return build__param(b, &value);
}

/* Booleans are t and f here, unlike in casts. */
static uint32_t as_text(Builder *b, const Expr *arg, uint32_t guard)
{
    uint32_t value = build__value(b, arg, guard), text;

    if (build__type(b, value).id != TYPE_BOOL)
        return build__cast(b, value, type_of(TYPE_TEXT), guard);
    text = build__select(b, build__mask_of(b, LINE_IS_TRUE, value), short_text(b, "t"),
                         short_text(b, "f"));
    return build__select(b, build__mask_of(b, LINE_IS_NULL, value),
                         build__null(b, type_of(TYPE_TEXT)), text);
}

static uint32_t concat_two(Builder *b, uint32_t left, uint32_t right, uint32_t guard)
{
    uint32_t args[2] = {left, right};

    return build__op(b, OP_concat_text, type_of(TYPE_TEXT), 2, args, guard);
}

static uint32_t build_concat_all(Builder *b, const Expr *call, uint32_t guard)
{
    uint32_t result = short_text(b, "");

    for (uint32_t i = 0; i < call->arg_count; i++) {
        uint32_t text = as_text(b, call->args[i], guard);

        text = build__select(b, build__mask_of(b, LINE_IS_NOT_NULL, text), text, short_text(b, ""));
        result = i == 0 ? text : concat_two(b, result, text, guard);
    }
    return result;
}

static uint32_t build_concat_ws(Builder *b, const Expr *call, uint32_t guard)
{
    uint32_t separator = as_text(b, call->args[0], guard);
    uint32_t result = short_text(b, ""), has_any = MASK_NONE;

    for (uint32_t i = 1; i < call->arg_count; i++) {
        uint32_t text = as_text(b, call->args[i], guard);
        uint32_t is_there = build__mask_of(b, LINE_IS_NOT_NULL, text);
        uint32_t more = concat_two(b, concat_two(b, result, separator, guard), text, guard);

        more = build__select(b, has_any, more, text);
        result = build__select(b, is_there, more, result);
        has_any = build__mask_or(b, has_any, is_there);
    }
    return build__select(b, build__mask_of(b, LINE_IS_NULL, separator),
                         build__null(b, type_of(TYPE_TEXT)), result);
}

uint32_t build__concat(Builder *b, const Expr *call, uint32_t guard)
{
    return call->func == FUNC_CONCAT ? build_concat_all(b, call, guard)
                                     : build_concat_ws(b, call, guard);
}
