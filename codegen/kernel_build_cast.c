/*
 * kernel_build_cast.c -- casts: the operation's further arguments, and casts that are none
 *
 * A cast that changes nothing in memory (varchar to text, numeric(5,2) to numeric(9,2)) emits no
 * line.
 */
#include "codegen/kernel_build.h"

static uint32_t emit_cast(Builder *b, OpType to_word, Type to, uint32_t arg_count,
                          const uint32_t *args, uint32_t guard)
{
    OpType from_word = optype_of(build__type(b, args[0]));

    for (uint32_t i = 0; i < OP_COUNT_; i++) {
        const Op *op = &op_table[i];

        if (op->func == FUNC_CAST && op->args[0] == from_word && op->result == to_word &&
            op->arg_count == arg_count)
            return build__op(b, op->id, to, arg_count, args, guard);
    }
    if (b->status != ST_OK)
        return 0;
    return build__fail(
        b, error_set_state(b->err, ST_BAD_INPUT, "42846", "cannot cast type %s to %s",
                           type_id_name(build__type(b, args[0]).id), type_id_name(to.id)));
}

static uint32_t cast_text(Builder *b, uint32_t reg, Type to, uint32_t guard)
{
    uint32_t args[3] = {reg, 0, 0};
    Type from = build__type(b, reg);

    if (to.length == 0 && (to.id != TYPE_CHAR || from.id == TYPE_CHAR))
        return reg;
    args[1] = build__int4(b, to.id == TYPE_CHAR);
    args[2] = build__int4(b, to.length);
    return emit_cast(b, OPTYPE_TEXT, to, 3, args, guard);
}

static bool is_same_decimal(Type from, Type to)
{
    return from.scale == to.scale && from.precision <= to.precision;
}

static uint32_t cast_to_decimal(Builder *b, uint32_t reg, Type to, uint32_t guard)
{
    Type from = build__type(b, reg);
    uint32_t args[OP_ARGS_MAX] = {reg}, count = 1;
    bool scales_up;

    if (from.id == TYPE_DECIMAL && is_same_decimal(from, to)) {
        if (type_phys(from) == type_phys(to))
            return reg;
        return build__op(b, OP_widen_dec64, to, 1, args, guard);
    }
    scales_up =
        optype_of(from) == OPTYPE_DEC64 && optype_of(to) == OPTYPE_DEC64 && to.scale > from.scale;
    if (from.id == TYPE_DECIMAL)
        args[count++] = build__int4(b, scales_up ? to.scale - from.scale : from.scale);
    args[count++] = build__int4(b, to.precision);
    args[count++] = build__int4(b, to.scale);
    if (scales_up)
        return build__op(b, OP_scale_up_dec64, to, count, args, guard);
    return emit_cast(b, optype_of(to), to, count, args, guard);
}

static uint32_t cast_to_text(Builder *b, uint32_t reg, Type to, uint32_t guard)
{
    Type from = build__type(b, reg), text = type_of(TYPE_TEXT);
    uint32_t args[2] = {reg, 0}, count = 1;

    if (from.id == TYPE_DECIMAL)
        args[count++] = build__int4(b, from.scale);
    return cast_text(b, emit_cast(b, OPTYPE_TEXT, text, count, args, guard), to, guard);
}

uint32_t build__cast(Builder *b, uint32_t reg, Type to, uint32_t guard)
{
    Type from = build__type(b, reg);
    const Value *constant = build__const(b, reg);
    uint32_t args[2] = {reg, 0}, count = 1;

    if (b->status != ST_OK || type_equal(from, to))
        return reg;
    if (constant != NULL && constant->is_null)
        return build__null(b, to);
    if (type_is_text(to))
        return type_is_text(from) ? cast_text(b, reg, to, guard) : cast_to_text(b, reg, to, guard);
    if (to.id == TYPE_DECIMAL)
        return cast_to_decimal(b, reg, to, guard);
    if (from.id == to.id)
        return reg;
    if (from.id == TYPE_DECIMAL)
        args[count++] = build__int4(b, from.scale);
    return emit_cast(b, optype_of(to), to, count, args, guard);
}
