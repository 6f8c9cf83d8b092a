/*
 * emit_kernel.c -- a kernel's two loops; kernel_call.h has the C that this emits
 *
 * The second loop computes what it needs of the first one's lines again: they are pure, and a
 * column of the rows kept is cheaper than a column of all rows carried from loop to loop.
 */
#include <stdio.h>
#include <string.h>

#include "codegen/jit/emit.h"
#include "core/base/invariant.h"

/* Marks what the marked lines need. */
static void close_over(const Kernel *kernel, bool *is_wanted)
{
    for (uint32_t i = kernel->line_count; i-- > 0;) {
        const KernelLine *line = &kernel->lines[i];

        if (!is_wanted[i])
            continue;
        for (uint32_t j = 0; j < line->arg_count; j++)
            is_wanted[line->args[j]] = true;
        if (line->guard != NO_REGISTER)
            is_wanted[line->guard] = true;
    }
}

/* The loop over all rows: kept[n++] = row where the predicate holds. Returns n. */
static LLVMValueRef emit_filter_loop(Emit *emit, LLVMValueRef selection, LLVMValueRef count,
                                     LLVMValueRef kept)
{
    const Kernel *kernel = emit->kernel;
    bool *is_wanted = ARENA_ARRAY(emit->arena, bool, kernel->line_count);
    LLVMValueRef number = emit_slot(emit, emit->i64), n, row32, keep;
    EmitLoop loop;

    is_wanted[kernel->predicate] = true;
    close_over(kernel, is_wanted);
    emit_loop_begin(emit, count, &loop);
    row32 = emit_load(emit, emit->i32, emit_element(emit, emit->i32, selection, loop.index));
    emit->row = LLVMBuildZExt(emit->builder, row32, emit->i64, "row");
    emit_lines(emit, kernel->line_count, is_wanted);
    n = emit_load(emit, emit->i64, number);
    if (kernel->agg_count > 0)
        row32 = LLVMBuildTrunc(emit->builder, loop.index, emit->i32, "");
    emit_store(emit, row32, emit_element(emit, emit->i32, kept, n));
    keep = LLVMBuildZExt(emit->builder, emit_mask_of(emit, kernel->predicate), emit->i64,
                         "filter.keep");
    emit_store(emit, LLVMBuildAdd(emit->builder, n, keep, ""), number);
    emit_loop_end(emit, &loop);
    return emit_load(emit, emit->i64, number);
}

/* outputs[index][row] = value, and its validity bit. Bare inputs are passed on by the caller. */
static void emit_output(Emit *emit, uint32_t index)
{
    const Kernel *kernel = emit->kernel;
    uint32_t line = kernel->outputs[index];
    const EmitRegister *value = &emit->registers[line];
    LLVMTypeRef type = emit_type(emit, type_phys(kernel->lines[line].type));
    LLVMBuilderRef builder = emit->builder;
    LLVMValueRef base, word_index, at, word, bit;

    base = emit_pointer_at(
        emit, emit_call_field(emit, offsetof(KernelCall, outputs), emit->pointer), index);
    emit_store(emit, emit_load(emit, type, emit_address_of(emit, line)),
               emit_element(emit, type, base, emit->row));
    if (value->is_null == NULL)
        return;
    base = emit_pointer_at(
        emit, emit_call_field(emit, offsetof(KernelCall, output_validity), emit->pointer), index);
    word_index = LLVMBuildLShr(builder, emit->row, emit_i64(emit, 6), "");
    at = emit_element(emit, emit->i64, base, word_index);
    word = emit_load(emit, emit->i64, at);
    bit = LLVMBuildShl(builder, LLVMBuildZExt(builder, value->is_null, emit->i64, ""),
                       LLVMBuildAnd(builder, emit->row, emit_i64(emit, 63), ""), "");
    emit_store(emit, LLVMBuildAnd(builder, word, LLVMBuildNot(builder, bit, ""), ""), at);
}

/* Inputs and constants the caller passes on as they are. */
static bool is_bare(const Kernel *kernel, uint32_t output)
{
    LineKind kind = kernel->lines[kernel->outputs[output]].kind;

    return kind == LINE_INPUT || kind == LINE_PARAM;
}

static LLVMValueRef agg_condition(Emit *emit, const KernelAgg *agg)
{
    LLVMValueRef condition = agg->filter == NO_REGISTER ? NULL : emit_mask_of(emit, agg->filter);

    if (agg->skips_null && agg->arg != NO_REGISTER && emit->registers[agg->arg].is_null != NULL)
        condition = emit_and(emit, condition, emit_not(emit, emit->registers[agg->arg].is_null));
    return condition;
}

/* count += condition */
static void emit_count(Emit *emit, LLVMValueRef state, LLVMValueRef condition)
{
    LLVMValueRef one = condition == NULL ? emit_i64(emit, 1)
                                         : LLVMBuildZExt(emit->builder, condition, emit->i64, "");

    emit_store(emit, LLVMBuildAdd(emit->builder, emit_load(emit, emit->i64, state), one, ""),
               state);
}

static void emit_agg(Emit *emit, const KernelAgg *agg, LLVMValueRef block)
{
    LLVMValueRef state = emit_element(emit, emit->i8, block, emit_i64(emit, agg->state_offset));
    LLVMValueRef condition = agg_condition(emit, agg);
    LLVMTypeRef nothing = LLVMVoidTypeInContext(emit->context);
    LLVMValueRef args[4] = {state};
    uint32_t arg_count = 2;
    char name[96];
    EmitIf branch;

    if (agg->op == AGGOP_count_star || agg->op == AGGOP_count_any) {
        emit_count(emit, state, condition);
        return;
    }
    args[1] = emit_address_of(emit, agg->arg);
    if (agg->op == AGGOP_first_any) {
        LLVMValueRef is_null = emit->registers[agg->arg].is_null;

        args[2] = emit_i64(emit, phys_bytes(type_phys(agg->types.arg)));
        args[3] = is_null == NULL ? LLVMConstInt(emit->i8, 0, 0)
                                  : LLVMBuildZExt(emit->builder, is_null, emit->i8, "");
        arg_count = 4;
    }
    emit->uses_group[5] = true;
    snprintf(name, sizeof name, "vonk_agg_%s", agg_op_table[agg->op].name);
    if (condition != NULL)
        emit_if_begin(emit, condition, &branch);
    emit_call_named(emit, name, nothing, arg_count, args);
    if (condition != NULL)
        emit_if_end(emit, &branch);
}

/* states[position & state_mask] */
static LLVMValueRef state_block(Emit *emit, LLVMValueRef position)
{
    LLVMValueRef states = emit_call_field(emit, offsetof(KernelCall, states), emit->pointer);
    LLVMValueRef mask = emit_call_field(emit, offsetof(KernelCall, state_mask), emit->i64);

    return emit_load(
        emit, emit->pointer,
        emit_element(emit, emit->pointer, states, LLVMBuildAnd(emit->builder, position, mask, "")));
}

/* The loop over the rows kept: positions[k], which for aggregates is a place in the selection. */
static void emit_result_loop(Emit *emit, LLVMValueRef selection, LLVMValueRef kept,
                             LLVMValueRef count)
{
    const Kernel *kernel = emit->kernel;
    bool *is_wanted = ARENA_ARRAY(emit->arena, bool, kernel->line_count);
    LLVMValueRef position, block;
    EmitLoop loop;

    for (uint32_t i = 0; i < kernel->output_count; i++)
        is_wanted[kernel->outputs[i]] |= !is_bare(kernel, i);
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        if (kernel->aggs[i].arg != NO_REGISTER)
            is_wanted[kernel->aggs[i].arg] = true;
        if (kernel->aggs[i].filter != NO_REGISTER)
            is_wanted[kernel->aggs[i].filter] = true;
    }
    close_over(kernel, is_wanted);
    emit_loop_begin(emit, count, &loop);
    position = loop.index;
    if (kept != NULL)
        position = LLVMBuildZExt(
            emit->builder,
            emit_load(emit, emit->i32, emit_element(emit, emit->i32, kept, loop.index)), emit->i64,
            "kept");
    emit->row = position;
    if (kept == NULL || kernel->agg_count > 0)
        emit->row = LLVMBuildZExt(
            emit->builder,
            emit_load(emit, emit->i32, emit_element(emit, emit->i32, selection, position)),
            emit->i64, "row");
    emit_lines(emit, kernel->line_count, is_wanted);
    for (uint32_t i = 0; i < kernel->output_count; i++)
        if (!is_bare(kernel, i))
            emit_output(emit, i);
    if (kernel->agg_count > 0) {
        block = state_block(emit, position);
        for (uint32_t i = 0; i < kernel->agg_count; i++)
            if (!kernel->aggs[i].is_shared)
                emit_agg(emit, &kernel->aggs[i], block);
    }
    emit_loop_end(emit, &loop);
}

static bool has_results(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->output_count; i++)
        if (!is_bare(kernel, i))
            return true;
    return kernel->agg_count > 0;
}

static void add_string_attribute(Emit *emit, const char *name, const char *value)
{
    LLVMAddAttributeAtIndex(emit->function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(emit->context, name, (unsigned)strlen(name),
                                                      value, (unsigned)strlen(value)));
}

void emit_kernel(Emit *emit, const char *symbol)
{
    const Kernel *kernel = emit->kernel;
    LLVMTypeRef type = LLVMFunctionType(emit->i64, &emit->pointer, 1, 0);
    LLVMValueRef selection, count, kept = NULL;
    LLVMBasicBlockRef first;

    emit->function = LLVMAddFunction(emit->module, symbol, type);
    add_string_attribute(emit, "target-cpu", jit_host()->cpu);
    add_string_attribute(emit, "target-features", jit_host()->features);
    emit->entry = LLVMAppendBasicBlockInContext(emit->context, emit->function, "entry");
    first = LLVMAppendBasicBlockInContext(emit->context, emit->function, "start");
    emit->call = LLVMGetParam(emit->function, 0);
    LLVMPositionBuilderAtEnd(emit->builder, emit->entry);
    LLVMBuildBr(emit->builder, first);
    LLVMPositionBuilderAtEnd(emit->builder, first);

    emit->ctx = emit_call_field(emit, offsetof(KernelCall, ctx), emit->pointer);
    selection = emit_call_field(emit, offsetof(KernelCall, selection), emit->pointer);
    count = emit_call_field(emit, offsetof(KernelCall, count), emit->i64);
    if (kernel->predicate != NO_REGISTER) {
        kept = emit_call_field(emit, offsetof(KernelCall, kept), emit->pointer);
        count = emit_filter_loop(emit, selection, count, kept);
    }
    if (has_results(kernel))
        emit_result_loop(emit, selection, kept, count);
    LLVMBuildRet(emit->builder, count);
}
