/*
 * emit_lines.c -- a line of a kernel as code for one row
 *
 *     %2 = gt_int4(%0, $0)          vonk_op_gt_int4(ctx, &slot2, &column0[row], params[0]);
 *     %7 = div_int4(%3, %4) if %2   if (mask2 & !null3 & !null4) vonk_op_div_int4(ctx, &slot7,
 *                                   ...);
 *     %9 = %2 & %8                  mask9 = mask2 & mask8;
 */
#include <stdio.h>

#include "codegen/jit/emit.h"
#include "core/base/invariant.h"

/* Which group of ops_bitcode.c an operation stands in. */
static const uint8_t op_groups[OP_COUNT_] = {
#define FUNC(word, name, properties)
#define ALIAS(name, word)
#define OP1(word, c, r, a, e)           [OP_##c] = OPS_GROUP,
#define OP2(word, c, r, a, b, e)        [OP_##c] = OPS_GROUP,
#define OP3(word, c, r, a, b, c_, e)    [OP_##c] = OPS_GROUP,
#define OP4(word, c, r, a, b, c_, d, e) [OP_##c] = OPS_GROUP,
#define OPS_GROUP                       0
#include "core/plan/functions_compare.def"
#undef OPS_GROUP
#define OPS_GROUP 1
#include "core/plan/functions_math.def"
#undef OPS_GROUP
#define OPS_GROUP 2
#include "core/plan/functions_text.def"
#undef OPS_GROUP
#define OPS_GROUP 3
#include "core/plan/functions_date.def"
#undef OPS_GROUP
#define OPS_GROUP 4
#include "core/plan/functions_cast.def"
#undef OPS_GROUP
};

static LLVMValueRef line_slot(Emit *emit, uint32_t index)
{
    if (emit->slots[index] == NULL)
        emit->slots[index] =
            emit_slot(emit, emit_type(emit, type_phys(emit->kernel->lines[index].type)));
    return emit->slots[index];
}

/* Masks serve as booleans as they are. */
LLVMValueRef emit_address_of(Emit *emit, uint32_t index)
{
    EmitRegister *self = &emit->registers[index];

    if (self->address == NULL) {
        self->address = line_slot(emit, index);
        emit_store(emit, LLVMBuildZExt(emit->builder, self->mask, emit->i8, ""), self->address);
    }
    return self->address;
}

static LLVMValueRef register_value(Emit *emit, uint32_t index)
{
    return emit_load(emit, emit_type(emit, type_phys(emit->kernel->lines[index].type)),
                     emit_address_of(emit, index));
}

/* Booleans that are never NULL serve as masks as they are. */
LLVMValueRef emit_mask_of(Emit *emit, uint32_t index)
{
    EmitRegister *self = &emit->registers[index];

    if (self->mask == NULL)
        self->mask = LLVMBuildICmp(emit->builder, LLVMIntNE, register_value(emit, index),
                                   LLVMConstInt(emit->i8, 0, 0), "");
    return self->mask;
}

/* Into its slot: operations take addresses, and LLVM makes a register of it. */
static void emit_input(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    LLVMValueRef all = emit_call_field(emit, offsetof(KernelCall, inputs), emit->pointer);
    LLVMValueRef base = emit_pointer_at(emit, all, line->index), is_valid;

    out->address = line_slot(emit, index);
    emit_store(emit, emit_load_column(emit, emit_type(emit, type_phys(line->type)), base),
               out->address);
    if (!line->is_nullable)
        return;
    all = emit_call_field(emit, offsetof(KernelCall, input_validity), emit->pointer);
    is_valid = emit_load_column(emit, emit->i8, emit_pointer_at(emit, all, line->index));
    out->is_null =
        LLVMBuildICmp(emit->builder, LLVMIntEQ, is_valid, LLVMConstInt(emit->i8, 0, 0), "is.null");
}

/* Constants are loaded once, and have one slot for all loops. */
static void emit_param(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    LLVMValueRef all = emit_call_field(emit, offsetof(KernelCall, params), emit->pointer);

    if (emit->slots[index] == NULL)
        emit->slots[index] = emit_constant(emit, emit_type(emit, type_phys(line->type)),
                                           emit_pointer_at(emit, all, line->index));
    out->address = emit->slots[index];
    if (line->is_nullable)
        out->is_null = LLVMConstInt(emit->i1, 1, 0);
}

static bool reads_text(const Emit *emit, const KernelLine *line)
{
    for (uint32_t i = 0; i < line->arg_count; i++)
        if (type_phys(emit->kernel->lines[line->args[i]].type) == PHYS_STR)
            return true;
    return false;
}

static LLVMValueRef call_op(Emit *emit, const KernelLine *line, LLVMValueRef ctx, LLVMValueRef out)
{
    LLVMValueRef args[2 + OP_ARGS_MAX] = {ctx, out};
    char name[96];

    for (uint32_t i = 0; i < line->arg_count; i++)
        args[2 + i] = emit_address_of(emit, line->args[i]);
    snprintf(name, sizeof name, "vonk_op_%s", op_table[line->op].name);
    emit->uses_group[op_groups[line->op]] = true;
    return emit_call_named(emit, name, LLVMVoidTypeInContext(emit->context), 2 + line->arg_count,
                           args);
}

/* ctx.error = 0; op(&ctx, ...); failed |= run_it & (ctx.error != 0); */
static void emit_masked_op(Emit *emit, const KernelLine *line, LLVMValueRef out,
                           LLVMValueRef run_it)
{
    LLVMValueRef none = LLVMConstInt(emit->i32, 0, 0), error, failed;
    LLVMTypeRef type = LLVMGetAllocatedType(emit->failed);

    emit_store(emit, none, emit->masked_ctx);
    call_op(emit, line, emit->masked_ctx, out);
    error = emit_load(emit, emit->i32, emit->masked_ctx);
    error = LLVMBuildICmp(emit->builder, LLVMIntNE, error, none, "");
    error = LLVMBuildZExt(emit->builder, emit_and(emit, run_it, error), type, "");
    failed = emit_load(emit, type, emit->failed);
    emit_store(emit, LLVMBuildOr(emit->builder, failed, error, ""), emit->failed);
}

/* i1: the row is wanted by the line, and no argument is NULL; NULL: always. */
static LLVMValueRef row_condition(Emit *emit, const KernelLine *line, LLVMValueRef is_null)
{
    LLVMValueRef run_it = emit->is_wanted;

    if (line->guard != NO_REGISTER)
        run_it = emit_and(emit, run_it, emit_mask_of(emit, line->guard));
    if (is_null != NULL)
        run_it = emit_and(emit, run_it, emit_not(emit, is_null));
    return run_it;
}

static void emit_op(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    const Op *op = &op_table[line->op];
    LLVMValueRef run_it = NULL;
    EmitIf branch;

    out->address = line_slot(emit, index);
    for (uint32_t i = 0; i < line->arg_count; i++) {
        (void)emit_address_of(emit, line->args[i]); /* made before the branch */
        out->is_null = emit_or(emit, out->is_null, emit->registers[line->args[i]].is_null);
    }
    if (op->may_fail || op_is_masked(op) || reads_text(emit, line))
        run_it = row_condition(emit, line, out->is_null);
    if (op_is_masked(op)) {
        emit_masked_op(emit, line, out->address, run_it);
        return;
    }
    if (run_it != NULL)
        emit_if_begin(emit, run_it, &branch);
    call_op(emit, line, emit->ctx, out->address);
    if (run_it != NULL)
        emit_if_end(emit, &branch);
}

/* value_set_has returns a C bool: i8 whose lowest bit counts. */
static void emit_in(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    LLVMValueRef all = emit_call_field(emit, offsetof(KernelCall, sets), emit->pointer);
    LLVMValueRef args[2] = {emit_pointer_at(emit, all, line->index),
                            emit_address_of(emit, line->args[0])};
    LLVMValueRef run_it = NULL, found;
    EmitIf branch;

    out->address = line_slot(emit, index);
    out->is_null = emit->registers[line->args[0]].is_null;
    if (reads_text(emit, line))
        run_it = row_condition(emit, line, out->is_null);
    if (run_it != NULL)
        emit_if_begin(emit, run_it, &branch);
    found = emit_call_named(emit, "value_set_has", emit->i1, 2, args);
    emit_store(emit, LLVMBuildZExt(emit->builder, found, emit->i8, ""), out->address);
    if (run_it != NULL)
        emit_if_end(emit, &branch);
}

static void emit_select(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    LLVMValueRef mask = emit_mask_of(emit, line->args[0]);
    const EmitRegister *yes = &emit->registers[line->args[1]];
    const EmitRegister *no = &emit->registers[line->args[2]];
    LLVMValueRef never = LLVMConstInt(emit->i1, 0, 0);

    out->address = line_slot(emit, index);
    emit_store(emit,
               LLVMBuildSelect(emit->builder, mask, register_value(emit, line->args[1]),
                               register_value(emit, line->args[2]), ""),
               out->address);
    if (yes->is_null != NULL || no->is_null != NULL)
        out->is_null = LLVMBuildSelect(emit->builder, mask, yes->is_null ? yes->is_null : never,
                                       no->is_null ? no->is_null : never, "");
}

static void emit_bool(Emit *emit, const KernelLine *line, uint32_t index, EmitRegister *out)
{
    LLVMValueRef is_true = emit_mask_of(emit, line->args[0]);
    LLVMValueRef is_false = emit_mask_of(emit, line->args[1]);

    out->address = line_slot(emit, index);
    emit_store(emit, LLVMBuildZExt(emit->builder, is_true, emit->i8, ""), out->address);
    if (line->is_nullable)
        out->is_null = emit_not(emit, LLVMBuildOr(emit->builder, is_true, is_false, ""));
}

/* i1: the boolean is not NULL and TRUE (FALSE). */
static LLVMValueRef truth(Emit *emit, uint32_t index, bool wanted)
{
    LLVMValueRef value = register_value(emit, index);
    LLVMValueRef is_it = LLVMBuildICmp(emit->builder, wanted ? LLVMIntNE : LLVMIntEQ, value,
                                       LLVMConstInt(emit->i8, 0, 0), "");

    if (emit->registers[index].is_null == NULL)
        return is_it;
    return LLVMBuildAnd(emit->builder, is_it, emit_not(emit, emit->registers[index].is_null), "");
}

static LLVMValueRef null_mask(Emit *emit, uint32_t index)
{
    LLVMValueRef is_null = emit->registers[index].is_null;

    return is_null != NULL ? is_null : LLVMConstInt(emit->i1, 0, 0);
}

static LLVMValueRef emit_mask(Emit *emit, const KernelLine *line)
{
    switch (line->kind) {
    case LINE_IS_TRUE:
        return truth(emit, line->args[0], true);
    case LINE_IS_FALSE:
        return truth(emit, line->args[0], false);
    case LINE_IS_NULL:
        return null_mask(emit, line->args[0]);
    case LINE_IS_NOT_NULL:
        return emit_not(emit, null_mask(emit, line->args[0]));
    case LINE_MASK_AND:
        return emit_and(emit, emit_mask_of(emit, line->args[0]), emit_mask_of(emit, line->args[1]));
    case LINE_MASK_OR:
        return emit_or(emit, emit_mask_of(emit, line->args[0]), emit_mask_of(emit, line->args[1]));
    case LINE_MASK_AND_NOT:
        return emit_and(emit, emit_mask_of(emit, line->args[0]),
                        emit_not(emit, emit_mask_of(emit, line->args[1])));
    case LINE_MASK_NOT:
        return emit_not(emit, emit_mask_of(emit, line->args[0]));
    default:
        UNREACHABLE("mask line");
    }
}

static void emit_line(Emit *emit, uint32_t index)
{
    const KernelLine *line = &emit->kernel->lines[index];
    EmitRegister *out = &emit->registers[index];

    *out = (EmitRegister){0};
    switch (line->kind) {
    case LINE_INPUT:
        emit_input(emit, line, index, out);
        return;
    case LINE_PARAM:
        emit_param(emit, line, index, out);
        return;
    case LINE_OP:
        emit_op(emit, line, index, out);
        return;
    case LINE_IN:
        emit_in(emit, line, index, out);
        return;
    case LINE_SELECT:
        emit_select(emit, line, index, out);
        return;
    case LINE_BOOL:
        emit_bool(emit, line, index, out);
        return;
    default:
        out->mask = emit_mask(emit, line);
        return;
    }
}

void emit_lines(Emit *emit, uint32_t line_count, const bool *is_wanted)
{
    for (uint32_t i = 0; i < line_count; i++)
        if (is_wanted[i])
            emit_line(emit, i);
}
