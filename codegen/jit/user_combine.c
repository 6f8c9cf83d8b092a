/*
 * user_combine.c -- the end of a chain that ends in accumulators; see user_emit.h
 *
 *     if (state->has_acc)
 *         add(task, state->acc, record);
 *     else
 *         what create makes of the record, or the record itself, becomes *state->acc;
 *
 * The state's accumulator is a variable of the loop where there is just one, or else a row of the
 * table, or a slot, where the row's key stands already. What add gets of a slot is a record made of
 * it; what is not its key goes back there.
 */
#include "codegen/jit/user_emit.h"

static uint32_t add_number(const Chain *chain)
{
    return chain->chain->step_count;
}

static uint32_t create_number(const Chain *chain)
{
    return chain->chain->step_count + 1;
}

static LLVMValueRef task_of(const Chain *chain, LLVMValueRef call, uint32_t k)
{
    return call_item(chain, call, offsetof(ChainCall, tasks), k);
}

/* The key, which add may change (*sum = *more), stays as it was found: that of one word, as tables
 * look there (exec/word_table.h), and texts, which would be pointed to where they do not stay. One
 * word a number, two a text. */
static void keep_key(const Chain *chain, LLVMValueRef acc, LLVMValueRef *words, bool restores)
{
    const ChainCombine *combine = chain->chain->combine;

    for (uint32_t i = 0; combine->has_keys && i < 2 * combine->acc->field_count; i++) {
        const RecordField *field = &combine->acc->fields[i / 2];
        Phys phys = type_phys(field->type);
        LLVMValueRef word;

        if (!field->is_key || (phys != PHYS_STR && (phys != PHYS_INT64 || i % 2 == 1)))
            continue;
        word = at(chain, acc, field->offset + i % 2 * sizeof(uint64_t));
        if (restores)
            LLVMBuildStore(chain->builder, words[i], word);
        else
            words[i] = load(chain, chain->i64, word, "key");
    }
}

static uint32_t key_offset(const RecordLayout *layout)
{
    uint32_t i = 0;

    while (!layout->fields[i].is_key)
        i++;
    return layout->fields[i].offset;
}

/* A variable of the function: SROA makes registers of those of the first block alone. */
static LLVMValueRef new_variable(const Chain *chain, LLVMValueRef function, uint32_t bytes)
{
    LLVMBasicBlockRef block = LLVMGetInsertBlock(chain->builder);
    LLVMValueRef first = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function)), variable;

    if (first != NULL)
        LLVMPositionBuilderBefore(chain->builder, first);
    variable = LLVMBuildAlloca(chain->builder, LLVMArrayType2(chain->i8, bytes), "shown");
    LLVMSetAlignment(variable, RECORD_ALIGN);
    begin_block(chain, block);
    return variable;
}

/* The slot's record. */
static LLVMValueRef show_slot(const Chain *chain, LLVMValueRef function, LLVMValueRef slot)
{
    const RecordLayout *layout = chain->chain->combine->acc;
    LLVMValueRef shown = new_variable(chain, function, layout->bytes), args[2];

    LLVMBuildMemCpy(chain->builder, shown, RECORD_ALIGN, slot, RECORD_ALIGN,
                    number(chain, layout->bytes));
    args[0] = at(chain, slot, key_offset(layout));
    args[1] = at(chain, shown, key_offset(layout));
    LLVMBuildCall2(chain->builder, LLVMGlobalGetValueType(chain->load_text), chain->load_text, args,
                   2, "");
    return shown;
}

/* What the record has beside the key goes to its slot. */
static void set_slot(const Chain *chain, LLVMValueRef slot, LLVMValueRef record)
{
    const RecordLayout *layout = chain->chain->combine->acc;
    uint32_t key = key_offset(layout), behind = key + sizeof(VonkText);

    LLVMBuildMemCpy(chain->builder, slot, sizeof(uint64_t), record, sizeof(uint64_t),
                    number(chain, key));
    LLVMBuildMemCpy(chain->builder, at(chain, slot, behind), sizeof(uint64_t),
                    at(chain, record, behind), sizeof(uint64_t),
                    number(chain, layout->bytes - behind));
}

static void call_add_of_slot(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                             LLVMValueRef call, LLVMValueRef slot, LLVMValueRef record)
{
    uint32_t k = add_number(chain);
    LLVMValueRef task = task_of(chain, call, k), shown = show_slot(chain, function, slot);
    LLVMValueRef args[3] = {task, shown, record};

    (void)user_call(chain, k, args, 3);
    set_slot(chain, slot, shown);
    user_return_if_failed(chain, function, state, k, task);
}

static void call_add(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                     LLVMValueRef call, LLVMValueRef acc, LLVMValueRef record)
{
    uint32_t k = add_number(chain);
    LLVMValueRef task = task_of(chain, call, k), args[3] = {task, acc, record};
    LLVMValueRef *words =
        ARENA_ARRAY(chain->chain->arena, LLVMValueRef, 2 * chain->chain->combine->acc->field_count);

    if (chain->chain->combine->has_slots) {
        call_add_of_slot(chain, function, state, call, acc, record);
        return;
    }
    keep_key(chain, acc, words, false);
    (void)user_call(chain, k, args, 3);
    keep_key(chain, acc, words, true);
    user_return_if_failed(chain, function, state, k, task);
}

/* The accumulator's first value. */
static void begin_acc(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                      LLVMValueRef call, LLVMValueRef acc, LLVMValueRef record)
{
    const ChainCombine *combine = chain->chain->combine;
    LLVMValueRef first = user_new_record(chain, combine->acc);
    uint32_t k = create_number(chain);

    if (combine->create != NULL) {
        LLVMValueRef task = task_of(chain, call, k), args[3] = {task, record, first};

        user_set_running(chain, k, call, task);
        (void)user_call(chain, k, args, 3);
        user_return_if_failed(chain, function, state, k, task);
    } else {
        LLVMBuildMemCpy(chain->builder, first, RECORD_ALIGN, record, RECORD_ALIGN,
                        number(chain, combine->acc->bytes));
    }
    if (combine->has_slots) {
        set_slot(chain, acc, first);
        return;
    }
    if (combine->has_keys)
        user_copy_keys(chain, combine->acc, acc, combine->acc, first);
    LLVMBuildMemCpy(chain->builder, acc, RECORD_ALIGN, first, RECORD_ALIGN,
                    number(chain, combine->acc->bytes));
}

void user_combine_record(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                         LLVMValueRef record)
{
    const ChainCombine *combine = chain->chain->combine;
    LLVMValueRef call = load(chain, chain->pointer, state_member(chain, state, STATE_CALL), "call");
    LLVMValueRef acc = load(chain, chain->pointer, state_member(chain, state, STATE_ACC), "acc");
    LLVMValueRef has_acc = state_member(chain, state, STATE_HAS_ACC);
    LLVMValueRef count_at = state_member(chain, state, STATE_COUNT);
    LLVMBasicBlockRef begin, add, done;

    LLVMBuildStore(
        chain->builder,
        LLVMBuildAdd(chain->builder, load(chain, chain->i64, count_at, ""), number(chain, 1), ""),
        count_at);
    if (combine->create != NULL)
        (void)user_count_record(chain, create_number(chain), call,
                                task_of(chain, call, create_number(chain)));
    (void)user_count_record(chain, add_number(chain), call,
                            task_of(chain, call, add_number(chain)));
    if (combine->has_zero) {
        LLVMBuildStore(chain->builder, LLVMConstInt(chain->i1, 1, false), has_acc);
        call_add(chain, function, state, call, acc, record);
        return;
    }
    begin = new_block(chain, function, "begin");
    add = new_block(chain, function, "add");
    done = new_block(chain, function, "done");
    LLVMBuildCondBr(chain->builder, load(chain, chain->i1, has_acc, "has_acc"), add, begin);
    begin_block(chain, begin);
    LLVMBuildStore(chain->builder, LLVMConstInt(chain->i1, 1, false), has_acc);
    begin_acc(chain, function, state, call, acc, record);
    LLVMBuildBr(chain->builder, done);
    begin_block(chain, add);
    call_add(chain, function, state, call, acc, record);
    LLVMBuildBr(chain->builder, done);
    begin_block(chain, done);
}
