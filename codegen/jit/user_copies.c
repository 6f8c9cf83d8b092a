/*
 * user_copies.c -- bytes of the record made that are bytes of a record given; see ByteCopy
 *
 * What a function stores of what it has loaded is a copy, when the store runs whatever the record,
 * is the only one there, and nothing is written to the record given.
 */
#include "codegen/jit/user_facts_internal.h"

/* Of a function with more blocks only the first is known to run always. */
enum { BLOCKS_MAX = 256 };

static uint32_t number_of(const LLVMBasicBlockRef *blocks, uint32_t count, LLVMBasicBlockRef block)
{
    uint32_t i = 0;

    while (i < count && blocks[i] != block)
        i++;
    return i;
}

/* No way from the first block to the function's return goes past the block. */
static bool always_runs(const Facts *facts, LLVMBasicBlockRef block)
{
    LLVMBasicBlockRef reached[BLOCKS_MAX] = {LLVMGetFirstBasicBlock(facts->function)};
    uint32_t count = 1;

    if (block == reached[0])
        return true;
    for (uint32_t i = 0; i < count; i++) {
        LLVMValueRef last = LLVMGetBasicBlockTerminator(reached[i]);

        if (LLVMGetInstructionOpcode(last) == LLVMRet)
            return false;
        for (unsigned k = 0; k < LLVMGetNumSuccessors(last); k++) {
            LLVMBasicBlockRef next = LLVMGetSuccessor(last, k);

            if (next == block || number_of(reached, count, next) < count)
                continue;
            if (count == BLOCKS_MAX)
                return false;
            reached[count++] = next;
        }
    }
    return true;
}

/* Writes that meet the copy; its own is one. */
static uint32_t count_writers(const Facts *facts, ByteCopy copy)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < facts->pointer_count; i++) {
        const Pointer *pointer = &facts->pointers[i];

        if (pointer->root != (int)facts->record_count - 1)
            continue;
        for (LLVMUseRef use = LLVMGetFirstUse(pointer->value); use != NULL;
             use = LLVMGetNextUse(use)) {
            LLVMValueRef user = LLVMGetUser(use);
            LLVMOpcode opcode = LLVMGetInstructionOpcode(user);
            uint64_t bytes = 0;

            if (opcode == LLVMStore && LLVMGetOperand(user, 1) == pointer->value)
                bytes = LLVMStoreSizeOfType(facts->layout, LLVMTypeOf(LLVMGetOperand(user, 0)));
            else if (opcode == LLVMCall)
                bytes = facts_is_memory_intrinsic(LLVMGetCalledValue(user))
                            ? facts_constant_or_all(LLVMGetOperand(user, 2))
                            : UINT32_MAX;
            count += bytes > 0 && (pointer->offset == ANYWHERE ||
                                   (pointer->offset < (int64_t)copy.out + copy.bytes &&
                                    copy.out < pointer->offset + (int64_t)bytes));
        }
    }
    return count;
}

static void add_copy(Facts *facts, LLVMBasicBlockRef block, const Pointer *to, const Pointer *from,
                     uint64_t bytes)
{
    ByteCopy copy;

    if (to == NULL || from == NULL || to->root != (int)facts->record_count - 1 || from->root < 0 ||
        to->root == from->root || to->offset == ANYWHERE || from->offset == ANYWHERE ||
        bytes >= UINT32_MAX || facts->copy_count == FACTS_RANGES_MAX)
        return;
    copy = (ByteCopy){(uint32_t)from->root, (uint32_t)to->offset, (uint32_t)from->offset,
                      (uint32_t)bytes};
    if (facts->write_count[from->root] == 0 && count_writers(facts, copy) == 1 &&
        always_runs(facts, block))
        facts->copies[facts->copy_count++] = copy;
}

static void find_in_block(Facts *facts, LLVMBasicBlockRef block)
{
    for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
         line = LLVMGetNextInstruction(line)) {
        LLVMOpcode opcode = LLVMGetInstructionOpcode(line);

        if (opcode == LLVMStore && LLVMIsALoadInst(LLVMGetOperand(line, 0)) != NULL)
            add_copy(facts, block, facts_pointer(facts, LLVMGetOperand(line, 1)),
                     facts_pointer(facts, LLVMGetOperand(LLVMGetOperand(line, 0), 0)),
                     LLVMStoreSizeOfType(facts->layout, LLVMTypeOf(LLVMGetOperand(line, 0))));
        if (opcode == LLVMCall && LLVMIsAFunction(LLVMGetCalledValue(line)) != NULL &&
            (facts_name_starts(LLVMGetCalledValue(line), "llvm.memcpy.") ||
             facts_name_starts(LLVMGetCalledValue(line), "llvm.memmove.")))
            add_copy(facts, block, facts_pointer(facts, LLVMGetOperand(line, 0)),
                     facts_pointer(facts, LLVMGetOperand(line, 1)),
                     facts_constant_or_all(LLVMGetOperand(line, 2)));
    }
}

/* The record made is written where we do not see it: who has its address may write any of it. */
static bool is_written_anywhere(const Facts *facts)
{
    uint32_t made = facts->record_count - 1;

    for (uint32_t i = 0; i < facts->write_count[made]; i++)
        if (facts->writes[made][i].to == UINT32_MAX)
            return true;
    return false;
}

void facts_find_copies(Facts *facts)
{
    if (facts->record_count < 2 || is_written_anywhere(facts))
        return;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(facts->function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        find_in_block(facts, block);
}
