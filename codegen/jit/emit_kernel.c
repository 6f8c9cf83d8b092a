/*
 * emit_kernel.c -- a kernel's loops; see kernel_call.h
 *
 * The results' loop computes what it needs of the predicate's lines again: they are pure, and
 * mostly cheaper than a column of them carried from loop to loop.
 */
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

/* Inputs and constants need no code. */
static void mark_target(const Kernel *kernel, uint32_t line, bool *is_target)
{
    if (line != NO_REGISTER && kernel->lines[line].kind != LINE_INPUT &&
        kernel->lines[line].kind != LINE_PARAM)
        is_target[line] = true;
}

/* The lines that a part has to leave. */
static const bool *part_targets(const Emit *emit, KernelPart part)
{
    const Kernel *kernel = emit->kernel;
    bool *is_target = ARENA_ARRAY(emit->arena, bool, kernel->line_count + 1);

    if (part == KERNEL_PREDICATE) {
        mark_target(kernel, kernel->predicate, is_target);
        return is_target;
    }
    for (uint32_t i = 0; i < kernel->output_count; i++)
        mark_target(kernel, kernel->outputs[i], is_target);
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        mark_target(kernel, kernel->aggs[i].arg, is_target);
        mark_target(kernel, kernel->aggs[i].filter, is_target);
    }
    if (kernel->predicate != NO_REGISTER) /* it is there already */
        is_target[kernel->predicate] = false;
    return is_target;
}

static bool has_any(const bool *is_target, uint32_t count)
{
    return memchr(is_target, true, count) != NULL;
}

/* values[line][row] = value; validity[line][row] = is not null */
static void emit_target(Emit *emit, uint32_t index)
{
    LLVMTypeRef type = emit_type(emit, type_phys(emit->kernel->lines[index].type));
    LLVMValueRef value = emit_load(emit, type, emit_address_of(emit, index));
    LLVMValueRef is_null = emit->registers[index].is_null, all, base;

    all = emit_call_field(emit, offsetof(KernelCall, values), emit->pointer);
    base = emit_pointer_at(emit, all, index);
    emit_store_column(emit, value, base, EMIT_VALUES_SCOPE(index));
    if (!emit->kernel->lines[index].is_nullable)
        return;
    all = emit_call_field(emit, offsetof(KernelCall, validity), emit->pointer);
    base = emit_pointer_at(emit, all, index);
    value = is_null == NULL ? LLVMConstInt(emit->i8, 1, 0)
                            : LLVMBuildZExt(emit->builder, emit_not(emit, is_null), emit->i8, "");
    emit_store_column(emit, value, base, EMIT_VALIDITY_SCOPE(index));
}

static void emit_rows(Emit *emit, const bool *is_target)
{
    uint32_t line_count = emit->kernel->line_count;
    bool *is_needed = ARENA_ARRAY(emit->arena, bool, line_count + 1);
    LLVMValueRef count = emit_call_field(emit, offsetof(KernelCall, count), emit->i64), wanted;
    EmitLoop loop;

    memcpy(is_needed, is_target, line_count * sizeof *is_needed);
    close_over(emit->kernel, is_needed);
    emit_loop_begin(emit, count, &loop);
    emit->row = loop.index;
    wanted = emit_call_field(emit, offsetof(KernelCall, wanted), emit->pointer);
    emit->is_wanted = LLVMBuildTrunc(emit->builder, emit_load_column(emit, emit->i8, wanted),
                                     emit->i1, "is.wanted");
    emit_lines(emit, line_count, is_needed);
    for (uint32_t i = 0; i < line_count; i++)
        if (is_target[i])
            emit_target(emit, i);
    emit_loop_end(emit, &loop);
}

/* if (part is the call's) { for all rows ... } */
static void emit_part(Emit *emit, KernelPart part)
{
    const bool *is_target = part_targets(emit, part);
    LLVMValueRef asked = emit_call_field(emit, offsetof(KernelCall, part), emit->i64);
    EmitIf branch;

    if (!has_any(is_target, emit->kernel->line_count))
        return;
    asked = LLVMBuildICmp(emit->builder, LLVMIntEQ, asked, emit_i64(emit, part), "is.part");
    emit_if_begin(emit, asked, &branch);
    emit_rows(emit, is_target);
    emit_if_end(emit, &branch);
}

static void add_string_attribute(Emit *emit, const char *name, const char *value)
{
    LLVMAddAttributeAtIndex(emit->function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(emit->context, name, (unsigned)strlen(name),
                                                      value, (unsigned)strlen(value)));
}

/* As wide as the values are: then a vector of it has as many lanes as theirs. */
static LLVMTypeRef failed_type(Emit *emit)
{
    for (uint32_t i = 0; i < emit->kernel->line_count; i++)
        if (phys_bytes(type_phys(emit->kernel->lines[i].type)) >= 8)
            return emit->i64;
    return emit->i32;
}

/* The errors that loops have gathered in a register. */
static void emit_failed(Emit *emit)
{
    LLVMTypeRef type = LLVMGetAllocatedType(emit->failed);
    LLVMValueRef error = emit_load(emit, emit->i32, emit->ctx);
    LLVMValueRef failed = emit_load(emit, type, emit->failed);

    _Static_assert(offsetof(OpCtx, error) == 0, "the error is where ctx points");
    failed = LLVMBuildTrunc(emit->builder, failed, emit->i32, "");
    emit_store(emit, emit_or(emit, error, failed), emit->ctx);
}

void emit_kernel(Emit *emit, const char *symbol)
{
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(emit->context), &emit->pointer, 1, 0);
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
    emit->masked_ctx = emit_slot(emit, LLVMArrayType2(emit->i64, (sizeof(OpCtx) + 7) / 8));
    emit->failed = emit_slot(emit, failed_type(emit));
    emit_scopes(emit, part_targets(emit, KERNEL_PREDICATE), part_targets(emit, KERNEL_RESULTS));
    emit_part(emit, KERNEL_PREDICATE);
    emit_part(emit, KERNEL_RESULTS);
    emit_failed(emit);
    LLVMBuildRetVoid(emit->builder);
}
