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
 * Each flat_map has its own copy of the job's bitcode: what vonk_emit means is another thing in
 * each; all other functions share one. Once all is inlined, the state and the records are
 * registers.
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

static bool may_fail(const Chain *chain, uint32_t k)
{
    return chain->codes[k]->may_fail || chain->emits_wrong[k];
}

bool user_tells(const Chain *chain, uint32_t k)
{
    return chain->codes[k]->may_crash || may_fail(chain, k);
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

        user_store_field(chain, &chain->out->fields[i], call,
                         load(chain, chain->pointer, state_member(chain, state, member), ""),
                         load(chain, chain->pointer, state_member(chain, state, member + 1), ""),
                         count, record);
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

void user_set_running(const Chain *chain, uint32_t k, LLVMValueRef call, LLVMValueRef task)
{
    LLVMValueRef store;

    if (!user_tells(chain, k) || chain->telling < 2)
        return;
    store = LLVMBuildStore(chain->builder, task,
                           call_member(chain, call, offsetof(ChainCall, running)));
    LLVMSetVolatile(store, true);
}

LLVMValueRef user_count_record(const Chain *chain, uint32_t k, LLVMValueRef call, LLVMValueRef task)
{
    bool is_indexed =
        k < chain->chain->step_count && chain->chain->steps[k].kind == CALL_MAP_INDEXED;
    LLVMValueRef place, before, store;

    if (!user_tells(chain, k) && !is_indexed)
        return NULL;
    place = call_item(chain, call, offsetof(ChainCall, numbers), k);
    before = load(chain, chain->i64, place, "before");
    store = LLVMBuildStore(chain->builder,
                           LLVMBuildAdd(chain->builder, before, number(chain, 1), ""), place);
    if (user_tells(chain, k))
        LLVMSetVolatile(store, true);
    user_set_running(chain, k, call, task);
    return before;
}

void user_return_if_failed(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                           uint32_t k, LLVMValueRef task)
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

LLVMValueRef user_call(const Chain *chain, uint32_t k, LLVMValueRef *args, unsigned count)
{
    LLVMValueRef function = chain->functions[k];

    return LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(function), function, args, count,
                          "");
}

/* One step; returns the record that the next one gets, NULL when nothing follows here. */
static LLVMValueRef emit_step(const Chain *chain, uint32_t k, LLVMValueRef function,
                              LLVMValueRef state, LLVMValueRef record)
{
    const ChainStep *step = &chain->chain->steps[k];
    LLVMValueRef call = load(chain, chain->pointer, state_member(chain, state, STATE_CALL), "call");
    LLVMValueRef task = call_item(chain, call, offsetof(ChainCall, tasks), k);
    LLVMValueRef before = user_count_record(chain, k, call, task);
    LLVMValueRef args[4] = {task, record}, made = record, kept;
    LLVMBasicBlockRef keep, drop;
    unsigned count = 2;

    switch (step->kind) {
    case CALL_MAP_INDEXED:
        args[count++] = record_index(chain, k, call, before);
        args[count++] = made = user_new_record(chain, step->out);
        break;
    case CALL_MAP:
        args[count++] = made = user_new_record(chain, step->out);
        break;
    case CALL_PAIR:
        args[1] = pair_side(chain, record, 0, step->pair->first_missing);
        args[count++] =
            pair_side(chain, record, step->pair->second_offset, step->pair->second_missing);
        args[count++] = made = user_new_record(chain, step->out);
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
    kept = user_call(chain, k, args, count);
    user_return_if_failed(chain, function, state, k, task);
    if (step->keeps_keys && made != NULL && made != record)
        user_copy_keys(chain, step->in, record, step->out, made);
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
    if (!chain->may_stop) /* into both loops */
        add_flag(chain, function, LLVMAttributeFunctionIndex, "alwaysinline");
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
    if (record != NULL && chain->chain->combine != NULL)
        user_combine_record(chain, function, state, record);
    else if (record != NULL)
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
    copy = user_new_record(chain, step->out);
    LLVMBuildMemCpy(chain->builder, copy, RECORD_ALIGN, record, 1, number(chain, step->out->bytes));
    user_copy_keys(
        chain, step->in,
        load(chain, chain->pointer, state_member(chain, state, input_member(chain, k)), ""),
        step->out, copy);
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

static bool has_keys(const Chain *chain)
{
    return chain->chain->combine != NULL && chain->chain->combine->has_keys;
}

/* Parameters: call, then per input field values and validity, then per output field values and
 * nulls, or the rows' accumulators. No two of the arrays overlap. */
static LLVMValueRef loop_function(const Chain *chain, const char *name)
{
    uint32_t count = 1 + 2 * chain->in->field_count +
                     (chain->has_output ? 2 * chain->out->field_count : 0) + has_keys(chain);
    LLVMTypeRef *params = ARENA_ARRAY(chain->chain->arena, LLVMTypeRef, count);
    LLVMValueRef function;

    for (uint32_t i = 0; i < count; i++)
        params[i] = chain->pointer;
    function = LLVMAddFunction(chain->module, name,
                               LLVMFunctionType(chain->nothing, params, count, false));
    LLVMSetLinkage(function, LLVMPrivateLinkage);
    for (uint32_t i = 1; i < count; i++)
        add_flag(chain, function, i + 1, "noalias");
    add_flag(chain, function, LLVMAttributeFunctionIndex, "noinline");
    add_flag(chain, function, LLVMAttributeFunctionIndex, "nounwind");
    return function;
}

/* The only accumulator is a variable of the loop. */
static void take_acc(const Chain *chain, LLVMValueRef call, LLVMValueRef state)
{
    const RecordLayout *layout = chain->chain->combine->acc;
    LLVMValueRef acc = user_new_record(chain, layout);

    LLVMBuildMemCpy(chain->builder, acc, RECORD_ALIGN,
                    call_member(chain, call, offsetof(ChainCall, acc)), RECORD_ALIGN,
                    number(chain, layout->bytes));
    LLVMBuildStore(chain->builder, acc, state_member(chain, state, STATE_ACC));
    LLVMBuildStore(
        chain->builder,
        LLVMBuildTrunc(chain->builder,
                       load(chain, chain->i8, at(chain, call, offsetof(ChainCall, has_acc)), ""),
                       chain->i1, ""),
        state_member(chain, state, STATE_HAS_ACC));
}

static void give_acc(const Chain *chain, LLVMValueRef call, LLVMValueRef state)
{
    LLVMBuildMemCpy(chain->builder, call_member(chain, call, offsetof(ChainCall, acc)),
                    RECORD_ALIGN,
                    load(chain, chain->pointer, state_member(chain, state, STATE_ACC), ""),
                    RECORD_ALIGN, number(chain, chain->chain->combine->acc->bytes));
    LLVMBuildStore(
        chain->builder,
        LLVMBuildZExt(chain->builder,
                      load(chain, chain->i1, state_member(chain, state, STATE_HAS_ACC), ""),
                      chain->i8, ""),
        at(chain, call, offsetof(ChainCall, has_acc)));
}

/* The row's accumulator, which says in its address whether it is new (CHAIN_ACC_IS_NEW). */
static void pick_acc(const Chain *chain, LLVMValueRef loop, LLVMValueRef state, LLVMValueRef i)
{
    LLVMValueRef accs = LLVMGetParam(loop, LLVMCountParams(loop) - 1);
    LLVMValueRef word = load(chain, chain->i64, element(chain, chain->i64, accs, i), "tagged");
    LLVMValueRef is_new = LLVMBuildTrunc(chain->builder, word, chain->i1, "is_new");
    LLVMValueRef address =
        LLVMBuildAnd(chain->builder, word, number(chain, ~(uint64_t)CHAIN_ACC_IS_NEW), "");

    LLVMBuildStore(chain->builder,
                   LLVMBuildIntToPtr(chain->builder, address, chain->pointer, "acc"),
                   state_member(chain, state, STATE_ACC));
    LLVMBuildStore(chain->builder, LLVMBuildNot(chain->builder, is_new, ""),
                   state_member(chain, state, STATE_HAS_ACC));
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
    if (chain->chain->combine != NULL && !has_keys(chain))
        take_acc(chain, call, state);
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

/* What is known of the batch, for LLVM to make vectors of the loop. */
typedef enum LoopKind {
    LOOP_ANY,
    LOOP_ALL_ROWS, /* call->rows is NULL         */
    LOOP_NO_NULLS  /* and call->has_no_nulls set */
} LoopKind;

/* The row's record, through the steps. */
static void emit_row(const Chain *chain, LLVMValueRef loop, LoopKind kind, LLVMValueRef state,
                     LLVMValueRef record, LLVMValueRef i, LLVMValueRef row)
{
    LLVMValueRef args[2] = {state, record};

    if (has_keys(chain))
        pick_acc(chain, loop, state, i);
    for (uint32_t f = 0; f < chain->in->field_count; f++)
        user_load_field(chain, &chain->in->fields[f], LLVMGetParam(loop, 1 + 2 * f),
                        kind == LOOP_NO_NULLS ? NULL : LLVMGetParam(loop, 2 + 2 * f), row, record);
    LLVMBuildCall2(chain->builder, chain->steps_type, steps_function(chain, 0), args, 2, "");
}

/* Row number i of those selected; of all (rows is NULL): i. */
static LLVMValueRef pick_row(const Chain *chain, LLVMValueRef loop, LLVMValueRef rows,
                             LLVMValueRef i)
{
    LLVMBasicBlockRef head = LLVMGetInsertBlock(chain->builder);
    LLVMBasicBlockRef selected = new_block(chain, loop, "selected"),
                      body = new_block(chain, loop, "body");
    LLVMValueRef row, values[2] = {i, NULL};
    LLVMBasicBlockRef blocks[2] = {head, selected};

    LLVMBuildCondBr(chain->builder, LLVMBuildIsNull(chain->builder, rows, ""), body, selected);
    begin_block(chain, selected);
    values[1] = LLVMBuildZExt(chain->builder,
                              load(chain, chain->i32, element(chain, chain->i32, rows, i), ""),
                              chain->i64, "");
    LLVMBuildBr(chain->builder, body);
    begin_block(chain, body);
    row = LLVMBuildPhi(chain->builder, chain->i64, "row");
    LLVMAddIncoming(row, values, blocks, 2);
    return row;
}

static void emit_loop(const Chain *chain, LLVMValueRef loop, LoopKind kind)
{
    LLVMBasicBlockRef entry = new_block(chain, loop, "entry"),
                      head = new_block(chain, loop, "head"), next = new_block(chain, loop, "next"),
                      end = new_block(chain, loop, "end");
    LLVMValueRef call = LLVMGetParam(loop, 0), state, record, rows, from, last, i;
    LLVMValueRef phi_values[2];
    LLVMBasicBlockRef phi_blocks[2];

    begin_block(chain, entry);
    state = make_state(chain, loop);
    record = user_new_record(chain, chain->in);
    rows = call_member(chain, call, offsetof(ChainCall, rows));
    from = word_of(chain, call, offsetof(ChainCall, from));
    last = LLVMBuildAdd(chain->builder, from, word_of(chain, call, offsetof(ChainCall, count)), "");
    LLVMBuildCondBr(chain->builder, LLVMBuildICmp(chain->builder, LLVMIntULT, from, last, ""), head,
                    end);
    begin_block(chain, head);
    i = LLVMBuildPhi(chain->builder, chain->i64, "i");
    emit_row(chain, loop, kind, state, record, i,
             kind == LOOP_ANY ? pick_row(chain, loop, rows, i) : i);
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
    if (chain->chain->combine != NULL && !has_keys(chain))
        give_acc(chain, call, state);
    LLVMBuildStore(
        chain->builder,
        LLVMBuildTrunc(chain->builder,
                       load(chain, chain->i64, state_member(chain, state, STATE_COUNT), ""),
                       chain->i32, ""),
        at(chain, call, offsetof(ChainCall, out_count)));
    LLVMBuildRetVoid(chain->builder);
}

/* A loop that the entry calls, and then returns, when the condition holds; it goes on where that
 * does not. */
static LLVMValueRef call_loop_if(const Chain *chain, LLVMValueRef entry, LLVMValueRef condition,
                                 const char *name, LLVMValueRef *args)
{
    LLVMValueRef loop = loop_function(chain, name);
    LLVMBasicBlockRef special = new_block(chain, entry, "special"),
                      other = new_block(chain, entry, "other");

    LLVMBuildCondBr(chain->builder, condition, special, other);
    begin_block(chain, special);
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(loop), loop, args, LLVMCountParams(loop),
                   "");
    LLVMBuildRetVoid(chain->builder);
    begin_block(chain, other);
    return loop;
}

static bool may_have_nulls(const Chain *chain)
{
    for (uint32_t i = 0; i < chain->in->field_count; i++)
        if (user_field_may_be_null(&chain->in->fields[i]))
            return true;
    return false;
}

static void emit_entry(const Chain *chain, const char *symbol)
{
    LLVMTypeRef type = LLVMFunctionType(chain->nothing, (LLVMTypeRef[]){chain->pointer}, 1, false);
    LLVMValueRef function = LLVMAddFunction(chain->module, symbol, type), call, *args;
    LLVMValueRef loops[3] = {loop_function(chain, "vonk_loop")}, all_rows, no_nulls;
    uint32_t count = 0;

    begin_block(chain, new_block(chain, function, "entry"));
    call = LLVMGetParam(function, 0);
    args = ARENA_ARRAY(chain->chain->arena, LLVMValueRef, LLVMCountParams(loops[LOOP_ANY]));
    args[count++] = call;
    for (uint32_t i = 0; i < chain->in->field_count; i++) {
        args[count++] = call_item(chain, call, offsetof(ChainCall, values), i);
        args[count++] = call_item(chain, call, offsetof(ChainCall, validity), i);
    }
    for (uint32_t i = 0; chain->has_output && i < chain->out->field_count; i++) {
        args[count++] = call_item(chain, call, offsetof(ChainCall, out_values), i);
        args[count++] = call_item(chain, call, offsetof(ChainCall, out_nulls), i);
    }
    if (has_keys(chain))
        args[count++] = call_member(chain, call, offsetof(ChainCall, accs));
    if (!chain->may_stop) {
        all_rows = LLVMBuildIsNull(chain->builder,
                                   call_member(chain, call, offsetof(ChainCall, rows)), "all_rows");
        no_nulls = LLVMBuildTrunc(
            chain->builder,
            load(chain, chain->i8, at(chain, call, offsetof(ChainCall, has_no_nulls)), ""),
            chain->i1, "no_nulls");
        if (may_have_nulls(chain))
            loops[LOOP_NO_NULLS] =
                call_loop_if(chain, function, LLVMBuildAnd(chain->builder, all_rows, no_nulls, ""),
                             "vonk_loop_no_nulls", args);
        loops[LOOP_ALL_ROWS] = call_loop_if(chain, function, all_rows, "vonk_loop_all", args);
    }
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(loops[LOOP_ANY]), loops[LOOP_ANY], args,
                   count, "");
    LLVMBuildRetVoid(chain->builder);
    for (LoopKind kind = LOOP_ANY; kind <= LOOP_NO_NULLS; kind++)
        if (loops[kind] != NULL)
            emit_loop(chain, loops[kind], kind);
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
    TRY(user_link_functions(chain, err));
    for (uint32_t k = 0; k < chain->function_count; k++)
        chain->telling += user_tells(chain, k);
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
