/* emit.c -- see emit.h */
#include "codegen/jit/emit.h"

#include <stdio.h>

#include "core/base/invariant.h"

static LLVMBasicBlockRef new_block(const Emit *emit, const char *name)
{
    return LLVMAppendBasicBlockInContext(emit->context, emit->function, name);
}

/* The entry block's builder position: before its terminator once it has one. */
static void enter_entry(Emit *emit, LLVMBasicBlockRef *back_to)
{
    LLVMValueRef terminator = LLVMGetBasicBlockTerminator(emit->entry);

    *back_to = LLVMGetInsertBlock(emit->builder);
    if (terminator != NULL)
        LLVMPositionBuilderBefore(emit->builder, terminator);
    else
        LLVMPositionBuilderAtEnd(emit->builder, emit->entry);
}

void emit_loop_begin(Emit *emit, LLVMValueRef count, EmitLoop *loop)
{
    LLVMBasicBlockRef before = LLVMGetInsertBlock(emit->builder);
    LLVMValueRef zero = emit_i64(emit, 0), is_empty;

    loop->body = new_block(emit, "row");
    loop->end = new_block(emit, "rows.done");
    loop->count = count;
    is_empty = LLVMBuildICmp(emit->builder, LLVMIntEQ, count, zero, "is.empty");
    LLVMBuildCondBr(emit->builder, is_empty, loop->end, loop->body);
    LLVMPositionBuilderAtEnd(emit->builder, loop->body);
    loop->index = LLVMBuildPhi(emit->builder, emit->i64, "i");
    LLVMAddIncoming(loop->index, &zero, &before, 1);
}

void emit_loop_end(Emit *emit, const EmitLoop *loop)
{
    LLVMValueRef next = LLVMBuildNUWAdd(emit->builder, loop->index, emit_i64(emit, 1), "i.next");
    LLVMValueRef is_done = LLVMBuildICmp(emit->builder, LLVMIntEQ, next, loop->count, "is.done");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(emit->builder);

    LLVMAddIncoming(loop->index, &next, &last, 1);
    LLVMBuildCondBr(emit->builder, is_done, loop->end, loop->body);
    LLVMPositionBuilderAtEnd(emit->builder, loop->end);
}

void emit_if_begin(Emit *emit, LLVMValueRef condition, EmitIf *branch)
{
    LLVMBasicBlockRef then = new_block(emit, "then");

    branch->end = new_block(emit, "endif");
    LLVMBuildCondBr(emit->builder, condition, then, branch->end);
    LLVMPositionBuilderAtEnd(emit->builder, then);
}

void emit_if_end(Emit *emit, const EmitIf *branch)
{
    LLVMBuildBr(emit->builder, branch->end);
    LLVMPositionBuilderAtEnd(emit->builder, branch->end);
}

LLVMValueRef emit_slot(Emit *emit, LLVMTypeRef type)
{
    LLVMBasicBlockRef back_to;
    LLVMValueRef slot, zero;

    enter_entry(emit, &back_to);
    slot = LLVMBuildAlloca(emit->builder, type, "slot");
    LLVMSetAlignment(slot, 16);
    zero = LLVMBuildStore(emit->builder, LLVMConstNull(type), slot);
    LLVMSetAlignment(zero, 16);
    LLVMPositionBuilderAtEnd(emit->builder, back_to);
    return slot;
}

LLVMValueRef emit_call_field(Emit *emit, size_t offset, LLVMTypeRef type)
{
    LLVMBasicBlockRef back_to;
    LLVMValueRef at = emit_i64(emit, offset), field;

    enter_entry(emit, &back_to);
    field = LLVMBuildLoad2(emit->builder, type,
                           LLVMBuildInBoundsGEP2(emit->builder, emit->i8, emit->call, &at, 1, ""),
                           "field");
    LLVMPositionBuilderAtEnd(emit->builder, back_to);
    return field;
}

LLVMValueRef emit_pointer_at(Emit *emit, LLVMValueRef array, uint32_t index)
{
    LLVMBasicBlockRef back_to;
    LLVMValueRef at = emit_i64(emit, index), pointer;

    enter_entry(emit, &back_to);
    pointer = LLVMBuildLoad2(emit->builder, emit->pointer,
                             LLVMBuildInBoundsGEP2(emit->builder, emit->pointer, array, &at, 1, ""),
                             "base");
    LLVMPositionBuilderAtEnd(emit->builder, back_to);
    return pointer;
}

LLVMValueRef emit_element(Emit *emit, LLVMTypeRef type, LLVMValueRef base, LLVMValueRef index)
{
    return LLVMBuildInBoundsGEP2(emit->builder, type, base, &index, 1, "");
}

/* 16-byte values promise 8-byte alignment only. */
static unsigned alignment(Emit *emit, LLVMTypeRef type)
{
    if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind)
        return type == emit->pointer || LLVMGetTypeKind(type) == LLVMDoubleTypeKind ? 8 : 4;
    return LLVMGetIntTypeWidth(type) <= 8    ? 1
           : LLVMGetIntTypeWidth(type) >= 64 ? 8
                                             : LLVMGetIntTypeWidth(type) / 8;
}

LLVMValueRef emit_load(Emit *emit, LLVMTypeRef type, LLVMValueRef address)
{
    LLVMValueRef value = LLVMBuildLoad2(emit->builder, type, address, "");

    LLVMSetAlignment(value, alignment(emit, type));
    return value;
}

void emit_store(Emit *emit, LLVMValueRef value, LLVMValueRef address)
{
    LLVMSetAlignment(LLVMBuildStore(emit->builder, value, address),
                     alignment(emit, LLVMTypeOf(value)));
}

/* --- what overlaps with nothing --- */

static LLVMValueRef scope_list(Emit *emit, LLVMMetadataRef *scopes, size_t count)
{
    return LLVMMetadataAsValue(emit->context, LLVMMDNodeInContext2(emit->context, scopes, count));
}

/* The scope itself: its name and the domain of all. */
static LLVMMetadataRef new_scope(Emit *emit, uint32_t number)
{
    LLVMMetadataRef domain = LLVMMDStringInContext2(emit->context, "vonk", 4), parts[2];
    char name[32];
    int name_bytes = snprintf(name, sizeof name, "scope %u", number);

    parts[0] = LLVMMDStringInContext2(emit->context, name, (size_t)name_bytes);
    parts[1] = LLVMMDNodeInContext2(emit->context, &domain, 1);
    return LLVMMDNodeInContext2(emit->context, parts, 2);
}

void emit_scopes(Emit *emit, const bool *first_targets, const bool *second_targets)
{
    uint32_t line_count = emit->kernel->line_count, scope_count = 2 * line_count + 1, count = 0;
    LLVMMetadataRef *scopes = ARENA_ARRAY(emit->arena, LLVMMetadataRef, scope_count);
    LLVMMetadataRef *others = ARENA_ARRAY(emit->arena, LLVMMetadataRef, scope_count);

    emit->scopes = ARENA_ARRAY(emit->arena, LLVMValueRef, scope_count);
    emit->others = ARENA_ARRAY(emit->arena, LLVMValueRef, scope_count);
    for (uint32_t i = 0; i < scope_count; i++)
        if (i == 0 || first_targets[(i - 1) / 2] || second_targets[(i - 1) / 2])
            scopes[i] = new_scope(emit, i);
    for (uint32_t i = 0; i < scope_count; i++) {
        if (scopes[i] == NULL)
            continue;
        count = 0;
        for (uint32_t j = 0; j < scope_count; j++)
            if (j != i && scopes[j] != NULL)
                others[count++] = scopes[j];
        emit->scopes[i] = scope_list(emit, &scopes[i], 1);
        emit->others[i] = scope_list(emit, others, count);
    }
}

static void set_scope(Emit *emit, LLVMValueRef access, uint32_t scope)
{
    LLVMSetMetadata(access, LLVMGetMDKindIDInContext(emit->context, "alias.scope", 11),
                    emit->scopes[scope]);
    LLVMSetMetadata(access, LLVMGetMDKindIDInContext(emit->context, "noalias", 7),
                    emit->others[scope]);
}

LLVMValueRef emit_load_column(Emit *emit, LLVMTypeRef type, LLVMValueRef column)
{
    LLVMValueRef value = emit_load(emit, type, emit_element(emit, type, column, emit->row));

    set_scope(emit, value, 0);
    return value;
}

void emit_store_column(Emit *emit, LLVMValueRef value, LLVMValueRef column, uint32_t scope)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    LLVMValueRef store =
        LLVMBuildStore(emit->builder, value, emit_element(emit, type, column, emit->row));

    LLVMSetAlignment(store, alignment(emit, type));
    set_scope(emit, store, scope);
}

LLVMValueRef emit_constant(Emit *emit, LLVMTypeRef type, LLVMValueRef address)
{
    LLVMValueRef slot = emit_slot(emit, type);
    LLVMBasicBlockRef back_to;

    enter_entry(emit, &back_to);
    emit_store(emit, emit_load(emit, type, address), slot);
    LLVMPositionBuilderAtEnd(emit->builder, back_to);
    return slot;
}

LLVMValueRef emit_i64(Emit *emit, uint64_t number)
{
    return LLVMConstInt(emit->i64, number, 0);
}

LLVMTypeRef emit_type(Emit *emit, Phys phys)
{
    switch (phys) {
    case PHYS_BOOL:
        return emit->i8;
    case PHYS_INT16:
        return LLVMInt16TypeInContext(emit->context);
    case PHYS_INT32:
        return emit->i32;
    case PHYS_INT64:
        return emit->i64;
    case PHYS_FLOAT32:
        return LLVMFloatTypeInContext(emit->context);
    case PHYS_FLOAT64:
        return LLVMDoubleTypeInContext(emit->context);
    case PHYS_INT128:
    case PHYS_STR:
    case PHYS_INTERVAL:
        return LLVMInt128TypeInContext(emit->context);
    case PHYS_COUNT:
        break;
    }
    UNREACHABLE("physical form");
}

LLVMValueRef emit_call_named(Emit *emit, const char *name, LLVMTypeRef result, uint32_t arg_count,
                             LLVMValueRef *args)
{
    LLVMValueRef function = LLVMGetNamedFunction(emit->module, name);
    LLVMTypeRef types[8], type;

    CHECK(arg_count <= 8);
    for (uint32_t i = 0; i < arg_count; i++)
        types[i] = LLVMTypeOf(args[i]);
    type = LLVMFunctionType(result, types, arg_count, 0);
    if (function == NULL)
        function = LLVMAddFunction(emit->module, name, type);
    return LLVMBuildCall2(emit->builder, type, function, args, arg_count, "");
}

LLVMValueRef emit_or(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    return LLVMBuildOr(emit->builder, a, b, "");
}

LLVMValueRef emit_and(Emit *emit, LLVMValueRef a, LLVMValueRef b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    return LLVMBuildAnd(emit->builder, a, b, "");
}

LLVMValueRef emit_not(Emit *emit, LLVMValueRef a)
{
    return LLVMBuildNot(emit->builder, a, "");
}
