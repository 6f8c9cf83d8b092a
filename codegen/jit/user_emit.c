/*
 * user_emit.c -- the loop over a CALL's steps, around its functions' bitcode
 *
 *     void chain(ChainCall *call)                   loads what the loop needs, calls
 *     void loop(call, arrays...)                    fields of row i -> record; steps_0(&state, it)
 *     void steps_k(State *state, In *record)        function k and what follows it; at the end
 *                                                   fields of the record -> row state->count
 *     void emit_k(VonkOut *out, record, bytes)      vonk__emit of flat_map k's copy of the bitcode:
 *                                                   its out is the state, and it calls steps_k+1
 *
 * Each step has its own copy of the job's bitcode: what vonk_emit means is another thing in each.
 * Once all is inlined, the state and the records are registers.
 */
#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/jit/jit_llvm.h"
#include "codegen/jit/user_emit.h"
#include "codegen/jit/user_facts.h"
#include "codegen/jit/user_job.h"
#include "core/base/heap.h"
#include "core/base/invariant.h"
#include "core/base/str.h"

enum { RECORD_ALIGN = 16 };

static bool may_fail(const Chain *chain, uint32_t k)
{
    return chain->chain->steps[k].code->may_fail || chain->emits_wrong[k];
}

static bool tells(const Chain *chain, uint32_t k)
{
    return chain->chain->steps[k].code->may_crash || may_fail(chain, k);
}

static LLVMValueRef number(const Chain *chain, uint64_t value)
{
    return LLVMConstInt(chain->i64, value, false);
}

/* The address of a member, by its offset. */
static LLVMValueRef at(const Chain *chain, LLVMValueRef base, uint64_t offset)
{
    LLVMValueRef index = number(chain, offset);

    return offset == 0 ? base
                       : LLVMBuildInBoundsGEP2(chain->builder, chain->i8, base, &index, 1, "");
}

static LLVMValueRef element(const Chain *chain, LLVMTypeRef type, LLVMValueRef base,
                            LLVMValueRef index)
{
    return LLVMBuildInBoundsGEP2(chain->builder, type, base, &index, 1, "");
}

static LLVMValueRef load(const Chain *chain, LLVMTypeRef type, LLVMValueRef from, const char *name)
{
    return LLVMBuildLoad2(chain->builder, type, from, name);
}

/* call->member, a pointer; or call->member[index]. */
static LLVMValueRef call_member(const Chain *chain, LLVMValueRef call, size_t offset)
{
    return load(chain, chain->pointer, at(chain, call, offset), "");
}

static LLVMValueRef call_item(const Chain *chain, LLVMValueRef call, size_t offset, uint32_t index)
{
    return load(
        chain, chain->pointer,
        element(chain, chain->pointer, call_member(chain, call, offset), number(chain, index)), "");
}

static LLVMValueRef state_member(const Chain *chain, LLVMValueRef state, uint32_t index)
{
    return LLVMBuildStructGEP2(chain->builder, chain->state, state, index, "");
}

static LLVMBasicBlockRef new_block(const Chain *chain, LLVMValueRef function, const char *name)
{
    return LLVMAppendBasicBlockInContext(chain->context, function, name);
}

static void begin_block(const Chain *chain, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(chain->builder, block);
}

static void add_flag(const Chain *chain, LLVMValueRef function, unsigned place, const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddAttributeAtIndex(function, place, LLVMCreateEnumAttribute(chain->context, kind, 0));
}

/* --- fields --- */

static LLVMTypeRef field_type(const Chain *chain, const RecordField *field)
{
    return LLVMIntTypeInContext(chain->context, 8 * (unsigned)phys_bytes(type_phys(field->type)));
}

static bool may_be_null(const RecordField *field)
{
    return field->null_offset != RECORD_NEVER_NULL;
}

static LLVMValueRef aligned_load(const Chain *chain, LLVMTypeRef type, LLVMValueRef from,
                                 unsigned bytes)
{
    LLVMValueRef value = load(chain, type, from, "");

    LLVMSetAlignment(value, bytes);
    return value;
}

static void aligned_store(const Chain *chain, LLVMValueRef value, LLVMValueRef to, unsigned bytes)
{
    LLVMSetAlignment(LLVMBuildStore(chain->builder, value, to), bytes);
}

/* Intervals are two words. */
static unsigned field_align(const RecordField *field)
{
    unsigned bytes = (unsigned)phys_bytes(type_phys(field->type));

    return bytes == 16 && type_phys(field->type) != PHYS_INT128 ? 8 : bytes;
}

static void call_support(const Chain *chain, LLVMValueRef function, LLVMValueRef *args,
                         unsigned count)
{
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(function), function, args, count, "");
}

/* values[row] -> the record's field. */
static void load_field(const Chain *chain, const RecordField *field, LLVMValueRef values,
                       LLVMValueRef validity, LLVMValueRef row, LLVMValueRef record)
{
    LLVMTypeRef type = field_type(chain, field);
    LLVMValueRef from = element(chain, type, values, row), to = at(chain, record, field->offset);
    bool is_text = type_phys(field->type) == PHYS_STR;
    LLVMValueRef value, word, bit, is_null;
    LLVMValueRef args[2] = {from, to};

    if (is_text) {
        call_support(chain, chain->load_text, args, 2);
        value = NULL;
    } else {
        value = aligned_load(chain, type, from, field_align(field));
    }
    if (may_be_null(field)) {
        word = load(chain, chain->i64,
                    element(chain, chain->i64, validity,
                            LLVMBuildLShr(chain->builder, row, number(chain, 6), "")),
                    "");
        bit = LLVMBuildLShr(chain->builder, word,
                            LLVMBuildAnd(chain->builder, row, number(chain, 63), ""), "");
        is_null =
            LLVMBuildNot(chain->builder, LLVMBuildTrunc(chain->builder, bit, chain->i1, ""), "");
        LLVMBuildStore(chain->builder, LLVMBuildZExt(chain->builder, is_null, chain->i8, ""),
                       at(chain, record, field->null_offset));
        if (is_text) {
            LLVMValueRef bytes = at(chain, to, offsetof(VonkText, bytes));

            LLVMBuildStore(chain->builder,
                           LLVMBuildSelect(chain->builder, is_null, LLVMConstNull(chain->pointer),
                                           load(chain, chain->pointer, to, ""), ""),
                           to);
            LLVMBuildStore(chain->builder,
                           LLVMBuildSelect(chain->builder, is_null, number(chain, 0),
                                           load(chain, chain->i64, bytes, ""), ""),
                           bytes);
        } else {
            value = LLVMBuildSelect(chain->builder, is_null, LLVMConstNull(type), value, "");
        }
    }
    if (value != NULL)
        aligned_store(chain, value, to, field_align(field));
}

/* The record's field -> values[row]. */
static void store_field(const Chain *chain, const RecordField *field, LLVMValueRef call,
                        LLVMValueRef values, LLVMValueRef nulls, LLVMValueRef row,
                        LLVMValueRef record)
{
    LLVMTypeRef type = field_type(chain, field);
    LLVMValueRef from = at(chain, record, field->offset), to = element(chain, type, values, row);

    if (type_phys(field->type) == PHYS_STR) {
        LLVMValueRef args[3] = {from, to, at(chain, call, offsetof(ChainCall, is_text_too_long))};

        call_support(chain, chain->store_text, args, 3);
    } else {
        aligned_store(chain, aligned_load(chain, type, from, field_align(field)), to,
                      field_align(field));
    }
    if (may_be_null(field))
        LLVMBuildStore(chain->builder,
                       load(chain, chain->i8, at(chain, record, field->null_offset), ""),
                       element(chain, chain->i8, nulls, row));
}

/* --- the output --- */

/* Where the state keeps the output's arrays: values, then nulls, field by field. */
static uint32_t values_member(const Chain *chain, uint32_t field)
{
    (void)chain;
    return STATE_ARRAYS + 2 * field;
}

/* Where the state keeps the record that flat_map k was given. */
static uint32_t input_member(const Chain *chain, uint32_t k)
{
    return values_member(chain, chain->out->field_count) + k;
}

static void stop(const Chain *chain, LLVMValueRef state)
{
    LLVMBuildStore(chain->builder, LLVMConstInt(chain->i1, 1, false),
                   state_member(chain, state, STATE_STOPPED));
}

/* A full output is passed on. */
static void make_room(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                      LLVMValueRef call)
{
    LLVMValueRef count_at = state_member(chain, state, STATE_COUNT);
    LLVMValueRef count = load(chain, chain->i64, count_at, "count"), args[2], ok;
    LLVMValueRef capacity = LLVMBuildZExt(
        chain->builder,
        load(chain, chain->i32, at(chain, call, offsetof(ChainCall, out_capacity)), ""), chain->i64,
        "capacity");
    LLVMBasicBlockRef full = new_block(chain, function, "full");
    LLVMBasicBlockRef refused = new_block(chain, function, "refused");
    LLVMBasicBlockRef room = new_block(chain, function, "room");
    LLVMTypeRef params[2] = {chain->pointer, chain->i32};

    LLVMBuildCondBr(chain->builder, LLVMBuildICmp(chain->builder, LLVMIntEQ, count, capacity, ""),
                    full, room);
    begin_block(chain, full);
    args[0] = call;
    args[1] = LLVMBuildTrunc(chain->builder, count, chain->i32, "");
    ok = LLVMBuildCall2(chain->builder, LLVMFunctionType(chain->i1, params, 2, false),
                        call_member(chain, call, offsetof(ChainCall, flush)), args, 2, "ok");
    LLVMAddCallSiteAttribute(
        ok, LLVMAttributeReturnIndex,
        LLVMCreateEnumAttribute(chain->context, LLVMGetEnumAttributeKindForName("zeroext", 7), 0));
    LLVMBuildStore(chain->builder, number(chain, 0), count_at);
    LLVMBuildCondBr(chain->builder, ok, room, refused);
    begin_block(chain, refused);
    stop(chain, state);
    LLVMBuildRetVoid(chain->builder);
    begin_block(chain, room);
}

static void store_record(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                         LLVMValueRef record)
{
    LLVMValueRef call = load(chain, chain->pointer, state_member(chain, state, STATE_CALL), "call");
    LLVMValueRef count_at = state_member(chain, state, STATE_COUNT), count;

    if (chain->has_flat_map)
        make_room(chain, function, state, call);
    count = load(chain, chain->i64, count_at, "count");
    for (uint32_t i = 0; i < chain->out->field_count; i++) {
        uint32_t member = values_member(chain, i);

        store_field(chain, &chain->out->fields[i], call,
                    load(chain, chain->pointer, state_member(chain, state, member), ""),
                    load(chain, chain->pointer, state_member(chain, state, member + 1), ""), count,
                    record);
    }
    LLVMBuildStore(chain->builder, LLVMBuildAdd(chain->builder, count, number(chain, 1), ""),
                   count_at);
}

/* --- steps --- */

static LLVMValueRef steps_function(const Chain *chain, uint32_t number_of)
{
    char name[40];
    LLVMValueRef function;

    snprintf(name, sizeof name, "vonk_steps_%u", number_of);
    function = LLVMGetNamedFunction(chain->module, name);
    if (function == NULL) {
        function = LLVMAddFunction(chain->module, name, chain->steps_type);
        add_flag(chain, function, LLVMAttributeFunctionIndex, "nounwind");
    }
    return function;
}

static LLVMValueRef new_record(const Chain *chain, const RecordLayout *layout)
{
    LLVMValueRef record =
        LLVMBuildAlloca(chain->builder, LLVMArrayType2(chain->i8, layout->bytes), layout->name);

    LLVMSetAlignment(record, RECORD_ALIGN);
    LLVMBuildMemSet(chain->builder, record, LLVMConstInt(chain->i8, 0, false),
                    number(chain, layout->bytes), RECORD_ALIGN);
    return record;
}

/* Counts the record where an error or a crash may tell its number. Returns the number before. */
static LLVMValueRef count_record(const Chain *chain, uint32_t k, LLVMValueRef call,
                                 LLVMValueRef task)
{
    const ChainStep *step = &chain->chain->steps[k];
    LLVMValueRef place, before, store;

    if (!tells(chain, k) && step->kind != CALL_MAP_INDEXED)
        return NULL;
    place = call_item(chain, call, offsetof(ChainCall, numbers), k);
    before = load(chain, chain->i64, place, "before");
    store = LLVMBuildStore(chain->builder,
                           LLVMBuildAdd(chain->builder, before, number(chain, 1), ""), place);
    if (tells(chain, k))
        LLVMSetVolatile(store, true);
    if (tells(chain, k) && chain->telling > 1) {
        store = LLVMBuildStore(chain->builder, task,
                               call_member(chain, call, offsetof(ChainCall, running)));
        LLVMSetVolatile(store, true);
    }
    return before;
}

static void ret_if_failed(const Chain *chain, LLVMValueRef function, LLVMValueRef state, uint32_t k,
                          LLVMValueRef task)
{
    LLVMBasicBlockRef failed, fine;
    LLVMValueRef flag;

    if (!may_fail(chain, k))
        return;
    failed = new_block(chain, function, "failed");
    fine = new_block(chain, function, "fine");
    flag = load(chain, chain->i8, at(chain, task, offsetof(VonkTask, is_failed)), "");
    LLVMBuildCondBr(
        chain->builder,
        LLVMBuildICmp(chain->builder, LLVMIntNE, flag, LLVMConstInt(chain->i8, 0, false), ""),
        failed, fine);
    begin_block(chain, failed);
    stop(chain, state);
    LLVMBuildRetVoid(chain->builder);
    begin_block(chain, fine);
}

/* NULL where the side is missing. */
static LLVMValueRef pair_side(const Chain *chain, LLVMValueRef record, uint32_t offset,
                              uint32_t missing)
{
    LLVMValueRef flag = load(chain, chain->i8, at(chain, record, missing), "");

    return LLVMBuildSelect(
        chain->builder,
        LLVMBuildICmp(chain->builder, LLVMIntNE, flag, LLVMConstInt(chain->i8, 0, false), ""),
        LLVMConstNull(chain->pointer), at(chain, record, offset), "");
}

static LLVMValueRef record_index(const Chain *chain, uint32_t k, LLVMValueRef call,
                                 LLVMValueRef before)
{
    LLVMValueRef bases = call_member(chain, call, offsetof(ChainCall, bases));
    LLVMValueRef base =
        load(chain, chain->i64, element(chain, chain->i64, bases, number(chain, k)), "base");
    LLVMValueRef stride = number(chain, (uint64_t)chain->chain->steps[k].stride);

    return LLVMBuildAdd(chain->builder, base, LLVMBuildMul(chain->builder, before, stride, ""), "");
}

static LLVMValueRef call_user(const Chain *chain, uint32_t k, LLVMValueRef *args, unsigned count)
{
    LLVMValueRef function = user_chain_function(chain, k);

    return LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(function), function, args, count,
                          "");
}

/* The record made gets the keys of the one it is made from, whatever the function did to them. */
static void copy_keys(const Chain *chain, const ChainStep *step, LLVMValueRef from, LLVMValueRef to)
{
    const RecordLayout *in = step->in, *out = step->out;
    uint32_t j = 0;

    for (uint32_t i = 0; i < in->field_count; i++) {
        const RecordField *a = &in->fields[i], *b;
        uint64_t bytes = phys_bytes(type_phys(a->type));

        if (!a->is_key)
            continue;
        while (j < out->field_count && !out->fields[j].is_key)
            j++;
        CHECK(j < out->field_count);
        b = &out->fields[j++];
        LLVMBuildMemCpy(chain->builder, at(chain, to, b->offset), field_align(b),
                        at(chain, from, a->offset), field_align(a), number(chain, bytes));
        if (may_be_null(b))
            LLVMBuildStore(chain->builder,
                           may_be_null(a)
                               ? load(chain, chain->i8, at(chain, from, a->null_offset), "")
                               : LLVMConstInt(chain->i8, 0, false),
                           at(chain, to, b->null_offset));
    }
}

/* One step; returns the record that the next one gets, NULL when nothing follows here. */
static LLVMValueRef emit_step(const Chain *chain, uint32_t k, LLVMValueRef function,
                              LLVMValueRef state, LLVMValueRef record)
{
    const ChainStep *step = &chain->chain->steps[k];
    LLVMValueRef call = load(chain, chain->pointer, state_member(chain, state, STATE_CALL), "call");
    LLVMValueRef task = call_item(chain, call, offsetof(ChainCall, tasks), k);
    LLVMValueRef before = count_record(chain, k, call, task);
    LLVMValueRef args[4] = {task, record}, made = record, kept;
    LLVMBasicBlockRef keep, drop;
    unsigned count = 2;

    switch (step->kind) {
    case CALL_MAP_INDEXED:
        args[count++] = record_index(chain, k, call, before);
        args[count++] = made = new_record(chain, step->out);
        break;
    case CALL_MAP:
        args[count++] = made = new_record(chain, step->out);
        break;
    case CALL_PAIR:
        args[1] = pair_side(chain, record, 0, step->pair->first_missing);
        args[count++] =
            pair_side(chain, record, step->pair->second_offset, step->pair->second_missing);
        args[count++] = made = new_record(chain, step->out);
        break;
    case CALL_FLAT_MAP:
        args[count++] = state;
        made = NULL;
        if (step->keeps_keys)
            LLVMBuildStore(chain->builder, record,
                           state_member(chain, state, input_member(chain, k)));
        break;
    case CALL_FOREACH:
        made = NULL;
        break;
    case CALL_FILTER:
        break;
    }
    kept = call_user(chain, k, args, count);
    ret_if_failed(chain, function, state, k, task);
    if (step->keeps_keys && made != NULL && made != record)
        copy_keys(chain, step, record, made);
    if (step->kind != CALL_FILTER)
        return made;
    keep = new_block(chain, function, "keep");
    drop = new_block(chain, function, "drop");
    LLVMBuildCondBr(chain->builder, kept, keep, drop);
    begin_block(chain, drop);
    LLVMBuildRetVoid(chain->builder);
    begin_block(chain, keep);
    return record;
}

/* Steps k and those behind it, up to the next flat_map, whose records go on in emit_. */
static void emit_steps(const Chain *chain, uint32_t k)
{
    LLVMValueRef function = steps_function(chain, k);
    LLVMValueRef state = LLVMGetParam(function, 0), record = LLVMGetParam(function, 1);

    LLVMSetLinkage(function, LLVMPrivateLinkage);
    begin_block(chain, new_block(chain, function, "entry"));
    if (k > 0 && chain->may_stop) {
        LLVMBasicBlockRef go = new_block(chain, function, "go"),
                          stopped = new_block(chain, function, "stopped");

        LLVMBuildCondBr(chain->builder,
                        load(chain, chain->i1, state_member(chain, state, STATE_STOPPED), ""),
                        stopped, go);
        begin_block(chain, stopped);
        LLVMBuildRetVoid(chain->builder);
        begin_block(chain, go);
    }
    while (record != NULL && k < chain->chain->step_count)
        record = emit_step(chain, k++, function, state, record);
    if (record != NULL)
        store_record(chain, function, state, record);
    LLVMBuildRetVoid(chain->builder);
}

/* The record as it goes on from flat_map k. */
static LLVMValueRef keep_keys(const Chain *chain, uint32_t k, LLVMValueRef state,
                              LLVMValueRef record)
{
    const ChainStep *step = &chain->chain->steps[k];
    LLVMValueRef copy;

    if (!step->keeps_keys)
        return record;
    copy = new_record(chain, step->out);
    LLVMBuildMemCpy(chain->builder, copy, RECORD_ALIGN, record, 1, number(chain, step->out->bytes));
    copy_keys(chain, step,
              load(chain, chain->pointer, state_member(chain, state, input_member(chain, k)), ""),
              copy);
    return copy;
}

/* What vonk__emit is in the copy of flat_map k. */
static void emit_emit(const Chain *chain, uint32_t k)
{
    uint32_t bytes = chain->chain->steps[k].out->bytes;
    char name[40];
    LLVMValueRef function, state, record, args[2], call;
    LLVMBasicBlockRef right, wrong;
    LLVMTypeRef params[2] = {chain->pointer, chain->i64};
    LLVMTypeRef type = LLVMFunctionType(chain->nothing, params, 2, false);

    snprintf(name, sizeof name, "vonk_emit_%u", k);
    function = LLVMGetNamedFunction(chain->module, name);
    if (function == NULL)
        return; /* it never emits */
    LLVMSetLinkage(function, LLVMPrivateLinkage);
    add_flag(chain, function, LLVMAttributeFunctionIndex, "nounwind");
    state = LLVMGetParam(function, 0);
    record = LLVMGetParam(function, 1);
    begin_block(chain, new_block(chain, function, "entry"));
    right = new_block(chain, function, "right");
    wrong = new_block(chain, function, "wrong");
    LLVMBuildCondBr(chain->builder,
                    LLVMBuildICmp(chain->builder, LLVMIntEQ, LLVMGetParam(function, 2),
                                  number(chain, bytes), ""),
                    right, wrong);
    begin_block(chain, right);
    args[0] = state;
    args[1] = keep_keys(chain, k, state, record);
    LLVMBuildCall2(chain->builder, chain->steps_type, steps_function(chain, k + 1), args, 2, "");
    LLVMBuildRetVoid(chain->builder);
    begin_block(chain, wrong);
    call = load(chain, chain->pointer, state_member(chain, state, STATE_CALL), "call");
    args[0] = call_item(chain, call, offsetof(ChainCall, outs), k);
    args[1] = LLVMGetParam(function, 2);
    function = LLVMGetNamedFunction(chain->module, "vonk__wrong_record");
    if (function == NULL)
        function = LLVMAddFunction(chain->module, "vonk__wrong_record", type);
    LLVMBuildCall2(chain->builder, type, function, args, 2, "");
    LLVMBuildRetVoid(chain->builder);
}

/* --- the loop --- */

/* Parameters: call, then per input field values and validity, then per output field values and
 * nulls. No two of the arrays overlap. */
static LLVMValueRef loop_function(const Chain *chain)
{
    uint32_t count =
        1 + 2 * chain->in->field_count + (chain->has_output ? 2 * chain->out->field_count : 0);
    LLVMTypeRef *params = ARENA_ARRAY(chain->chain->arena, LLVMTypeRef, count);
    LLVMValueRef function;

    for (uint32_t i = 0; i < count; i++)
        params[i] = chain->pointer;
    function = LLVMAddFunction(chain->module, "vonk_loop",
                               LLVMFunctionType(chain->nothing, params, count, false));
    LLVMSetLinkage(function, LLVMPrivateLinkage);
    for (uint32_t i = 1; i < count; i++)
        add_flag(chain, function, i + 1, "noalias");
    add_flag(chain, function, LLVMAttributeFunctionIndex, "noinline");
    add_flag(chain, function, LLVMAttributeFunctionIndex, "nounwind");
    return function;
}

static LLVMValueRef make_state(const Chain *chain, LLVMValueRef loop)
{
    LLVMValueRef state = LLVMBuildAlloca(chain->builder, chain->state, "state");
    LLVMValueRef call = LLVMGetParam(loop, 0);
    uint32_t first = 1 + 2 * chain->in->field_count;

    LLVMBuildStore(chain->builder, call, state_member(chain, state, STATE_CALL));
    LLVMBuildStore(
        chain->builder,
        LLVMBuildZExt(chain->builder,
                      load(chain, chain->i32, at(chain, call, offsetof(ChainCall, out_count)), ""),
                      chain->i64, ""),
        state_member(chain, state, STATE_COUNT));
    LLVMBuildStore(chain->builder, LLVMConstInt(chain->i1, 0, false),
                   state_member(chain, state, STATE_STOPPED));
    for (uint32_t i = 0; chain->has_output && i < 2 * chain->out->field_count; i++)
        LLVMBuildStore(chain->builder, LLVMGetParam(loop, first + i),
                       state_member(chain, state, STATE_ARRAYS + i));
    return state;
}

static LLVMValueRef word_of(const Chain *chain, LLVMValueRef call, size_t offset)
{
    return LLVMBuildZExt(chain->builder, load(chain, chain->i32, at(chain, call, offset), ""),
                         chain->i64, "");
}

/* The row's record, through the steps. */
static void emit_row(const Chain *chain, LLVMValueRef loop, LLVMValueRef state, LLVMValueRef record,
                     LLVMValueRef row)
{
    LLVMValueRef args[2] = {state, record};

    for (uint32_t i = 0; i < chain->in->field_count; i++)
        load_field(chain, &chain->in->fields[i], LLVMGetParam(loop, 1 + 2 * i),
                   LLVMGetParam(loop, 2 + 2 * i), row, record);
    LLVMBuildCall2(chain->builder, chain->steps_type, steps_function(chain, 0), args, 2, "");
}

static void emit_loop(const Chain *chain, LLVMValueRef loop)
{
    LLVMBasicBlockRef entry = new_block(chain, loop, "entry"),
                      head = new_block(chain, loop, "head"),
                      selected = new_block(chain, loop, "selected"),
                      body = new_block(chain, loop, "body"), next = new_block(chain, loop, "next"),
                      end = new_block(chain, loop, "end");
    LLVMValueRef call = LLVMGetParam(loop, 0), state, record, rows, from, last, i, row, picked;
    LLVMValueRef phi_values[2];
    LLVMBasicBlockRef phi_blocks[2];

    begin_block(chain, entry);
    state = make_state(chain, loop);
    record = new_record(chain, chain->in);
    rows = call_member(chain, call, offsetof(ChainCall, rows));
    from = word_of(chain, call, offsetof(ChainCall, from));
    last = LLVMBuildAdd(chain->builder, from, word_of(chain, call, offsetof(ChainCall, count)), "");
    LLVMBuildCondBr(chain->builder, LLVMBuildICmp(chain->builder, LLVMIntULT, from, last, ""), head,
                    end);
    begin_block(chain, head);
    i = LLVMBuildPhi(chain->builder, chain->i64, "i");
    LLVMBuildCondBr(chain->builder, LLVMBuildIsNull(chain->builder, rows, ""), body, selected);
    begin_block(chain, selected);
    picked = LLVMBuildZExt(chain->builder,
                           load(chain, chain->i32, element(chain, chain->i32, rows, i), ""),
                           chain->i64, "");
    LLVMBuildBr(chain->builder, body);
    begin_block(chain, body);
    row = LLVMBuildPhi(chain->builder, chain->i64, "row");
    phi_values[0] = i, phi_blocks[0] = head;
    phi_values[1] = picked, phi_blocks[1] = selected;
    LLVMAddIncoming(row, phi_values, phi_blocks, 2);
    emit_row(chain, loop, state, record, row);
    if (chain->may_stop)
        LLVMBuildCondBr(chain->builder,
                        load(chain, chain->i1, state_member(chain, state, STATE_STOPPED), ""), end,
                        next);
    else
        LLVMBuildBr(chain->builder, next);
    begin_block(chain, next);
    phi_values[0] = from, phi_blocks[0] = entry;
    phi_values[1] = LLVMBuildAdd(chain->builder, i, number(chain, 1), ""), phi_blocks[1] = next;
    LLVMAddIncoming(i, phi_values, phi_blocks, 2);
    LLVMBuildCondBr(chain->builder,
                    LLVMBuildICmp(chain->builder, LLVMIntULT, phi_values[1], last, ""), head, end);
    begin_block(chain, end);
    LLVMBuildStore(
        chain->builder,
        LLVMBuildTrunc(chain->builder,
                       load(chain, chain->i64, state_member(chain, state, STATE_COUNT), ""),
                       chain->i32, ""),
        at(chain, call, offsetof(ChainCall, out_count)));
    LLVMBuildRetVoid(chain->builder);
}

static void emit_entry(const Chain *chain, const char *symbol)
{
    LLVMTypeRef type = LLVMFunctionType(chain->nothing, (LLVMTypeRef[]){chain->pointer}, 1, false);
    LLVMValueRef function = LLVMAddFunction(chain->module, symbol, type), call, *args;
    LLVMValueRef loop = loop_function(chain);
    uint32_t count = 0;

    begin_block(chain, new_block(chain, function, "entry"));
    call = LLVMGetParam(function, 0);
    args = ARENA_ARRAY(chain->chain->arena, LLVMValueRef, LLVMCountParams(loop));
    args[count++] = call;
    for (uint32_t i = 0; i < chain->in->field_count; i++) {
        args[count++] = call_item(chain, call, offsetof(ChainCall, values), i);
        args[count++] = call_item(chain, call, offsetof(ChainCall, validity), i);
    }
    for (uint32_t i = 0; chain->has_output && i < chain->out->field_count; i++) {
        args[count++] = call_item(chain, call, offsetof(ChainCall, out_values), i);
        args[count++] = call_item(chain, call, offsetof(ChainCall, out_nulls), i);
    }
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(loop), loop, args, count, "");
    LLVMBuildRetVoid(chain->builder);
    emit_loop(chain, loop);
}

/* --- the module --- */

static Status make_module(Chain *chain, const char *symbol, LLVMTargetMachineRef machine,
                          Error *err)
{
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMPassBuilderOptionsRef options;
    LLVMErrorRef failure;
    char *message = NULL;

    LLVMSetModuleDataLayout(chain->module, layout);
    LLVMDisposeTargetData(layout);
    TRY(user_link_support(chain, err));
    for (uint32_t k = 0; k < chain->chain->step_count; k++)
        TRY(user_link_step(chain, k, err));
    for (uint32_t k = 0; k < chain->chain->step_count; k++)
        chain->telling += tells(chain, k);
    emit_entry(chain, symbol);
    emit_steps(chain, 0);
    for (uint32_t k = 0; k < chain->chain->step_count; k++)
        if (chain->chain->steps[k].kind == CALL_FLAT_MAP) {
            emit_emit(chain, k);
            emit_steps(chain, k + 1);
        }
    user_adopt(chain->module, false);
    if (LLVMVerifyModule(chain->module, LLVMReturnStatusAction, &message) != 0)
        return jit_fail(message, "a chain's code is not well-formed", err);
    LLVMDisposeMessage(message);
    options = LLVMCreatePassBuilderOptions();
    failure = LLVMRunPasses(chain->module, "globaldce,default<O2>", machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (failure != NULL) {
        message = LLVMGetErrorMessage(failure);
        error_set(err, ST_INTERNAL, "LLVM could not optimise a chain: %.500s", message);
        LLVMDisposeErrorMessage(message);
        return ST_INTERNAL;
    }
    return ST_OK;
}

static Status emit_object(Chain *chain, LLVMTargetMachineRef machine, Error *err, void **object_out,
                          size_t *bytes_out)
{
    LLVMMemoryBufferRef buffer;
    char *message = NULL;

    if (LLVMTargetMachineEmitToMemoryBuffer(machine, chain->module, LLVMObjectFile, &message,
                                            &buffer) != 0)
        return jit_fail(message, "LLVM could not compile a chain", err);
    *bytes_out = LLVMGetBufferSize(buffer);
    *object_out = heap_new(*bytes_out);
    memcpy(*object_out, LLVMGetBufferStart(buffer), *bytes_out);
    LLVMDisposeMemoryBuffer(buffer);
    return ST_OK;
}

Status user_chain_compile(const UserChain *of, const char *symbol, Error *err, void **object_out,
                          size_t *bytes_out)
{
    LLVMTargetMachineRef machine = jit_target_machine();
    Chain chain = {.chain = of};
    Status status = ST_OK;

    *object_out = NULL;
    user_chain_open(&chain);
    if (machine == NULL)
        status = error_set(err, ST_INTERNAL, "LLVM does not know this CPU");
    if (status == ST_OK)
        status = make_module(&chain, symbol, machine, err);
    if (status == ST_OK)
        status = emit_object(&chain, machine, err, object_out, bytes_out);
    LLVMDisposeBuilder(chain.builder);
    LLVMDisposeModule(chain.module);
    LLVMContextDispose(chain.context);
    if (machine != NULL)
        LLVMDisposeTargetMachine(machine);
    return status;
}
