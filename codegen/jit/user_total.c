/*
 * user_total.c -- whether a function takes every record that its type allows; see UserCode.is_total
 *
 * Without loops it ends. It cannot crash when it divides by constants only, reads its records, its
 * closure and constants at fixed places, and looks into a text only when it has asked how many
 * bytes that has: a function that has not expects records of which it knows more than their type
 * says.
 */
#include <stddef.h>

#include "codegen/jit/user_facts_internal.h"
#include "vonk/record.h"

/* Where a pointer comes from that is no Pointer: a text of a record, the closure, a constant.
 * is_fixed_out: at an offset that does not depend on the record. */
static LLVMValueRef base_of(LLVMValueRef address, bool *is_fixed_out)
{
    *is_fixed_out = true;
    while (LLVMIsAGetElementPtrInst(address) != NULL) {
        for (int i = 1; i < LLVMGetNumOperands(address); i++)
            *is_fixed_out &= LLVMIsAConstantInt(LLVMGetOperand(address, (unsigned)i)) != NULL;
        address = LLVMGetOperand(address, 0);
    }
    return address;
}

/* --- texts --- */

enum { BLOCKS_MAX = 256, STEPS_BACK_MAX = 8 };

/* Whether a value is made of how many bytes the text has, whose place in a record is given. */
static bool is_made_of_bytes(const Facts *facts, LLVMValueRef value, const Pointer *text,
                             uint32_t steps)
{
    if (LLVMIsALoadInst(value) != NULL) {
        const Pointer *from = facts_pointer(facts, LLVMGetOperand(value, 0));

        return from != NULL && from->root == text->root &&
               from->offset == text->offset + (int64_t)offsetof(VonkText, bytes);
    }
    if (steps == 0 || LLVMIsAInstruction(value) == NULL || LLVMIsACallInst(value) != NULL)
        return false;
    for (int i = 0; i < LLVMGetNumOperands(value); i++)
        if (is_made_of_bytes(facts, LLVMGetOperand(value, (unsigned)i), text, steps - 1))
            return true;
    return false;
}

static bool asks(const Facts *facts, LLVMValueRef end, const Pointer *text)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(end);

    if (opcode == LLVMBr && LLVMIsConditional(end))
        return is_made_of_bytes(facts, LLVMGetCondition(end), text, STEPS_BACK_MAX);
    return opcode == LLVMSwitch &&
           is_made_of_bytes(facts, LLVMGetOperand(end, 0), text, STEPS_BACK_MAX);
}

static bool has(const LLVMBasicBlockRef *blocks, uint32_t count, LLVMBasicBlockRef block)
{
    for (uint32_t i = 0; i < count; i++)
        if (blocks[i] == block)
            return true;
    return false;
}

/* On each way to the block the function asks how many bytes the text has. */
static bool has_asked(const Facts *facts, LLVMBasicBlockRef block, const Pointer *text)
{
    LLVMBasicBlockRef reached[BLOCKS_MAX] = {LLVMGetFirstBasicBlock(facts->function)};
    uint32_t count = 1;

    if (text->offset == ANYWHERE)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(reached[i]);

        if (reached[i] == block)
            return false;
        if (asks(facts, end, text))
            continue;
        for (unsigned k = 0; k < LLVMGetNumSuccessors(end); k++) {
            LLVMBasicBlockRef next = LLVMGetSuccessor(end, k);

            if (has(reached, count, next))
                continue;
            if (count == BLOCKS_MAX)
                return false;
            reached[count++] = next;
        }
    }
    return true;
}

/* bytes: how many are looked at; NULL: it is a load. */
static bool may_look(const Facts *facts, LLVMValueRef address, LLVMValueRef bytes,
                     LLVMBasicBlockRef block)
{
    const Pointer *pointer = facts_pointer(facts, address);
    bool is_fixed;
    LLVMValueRef base;

    if (pointer != NULL)
        return pointer->offset != ANYWHERE || pointer->root == ROOT_TASK;
    base = base_of(address, &is_fixed);
    if (LLVMIsAConstant(base) != NULL)
        return is_fixed;
    if (LLVMIsALoadInst(base) == NULL)
        return false;
    pointer = facts_pointer(facts, LLVMGetOperand(base, 0));
    if (pointer == NULL)
        return false;
    if (pointer->root == ROOT_TASK)
        return is_fixed;
    return pointer->root >= 0 &&
           (has_asked(facts, block, pointer) ||
            (bytes != NULL && is_made_of_bytes(facts, bytes, pointer, STEPS_BACK_MAX)));
}

/* --- instructions --- */

static bool takes_any_call(const Facts *facts, LLVMValueRef call, LLVMBasicBlockRef block)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);

    if (LLVMIsAFunction(callee) == NULL)
        return false;
    if (facts_has_name(callee, "vonk_text_to_int8") ||
        facts_has_name(callee, "vonk_text_to_float8"))
        return true;
    if (facts_is_memory_intrinsic(callee))
        return LLVMIsAConstantInt(LLVMGetOperand(call, 2)) != NULL &&
               facts_pointer(facts, LLVMGetOperand(call, 0)) != NULL &&
               (facts_name_starts(callee, "llvm.memset.") ||
                may_look(facts, LLVMGetOperand(call, 1), NULL, block));
    if (facts_is_arithmetic(callee))
        return true;
    if (!LLVMIsDeclaration(callee))
        return false;
    if (facts_has_name(callee, "memchr"))
        return may_look(facts, LLVMGetOperand(call, 0), LLVMGetOperand(call, 2), block);
    return (facts_has_name(callee, "memcmp") || facts_has_name(callee, "bcmp")) &&
           may_look(facts, LLVMGetOperand(call, 0), LLVMGetOperand(call, 2), block) &&
           may_look(facts, LLVMGetOperand(call, 1), LLVMGetOperand(call, 2), block);
}

static bool takes_any(const Facts *facts, LLVMValueRef line, LLVMBasicBlockRef block)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(line);

    if (opcode == LLVMCall)
        return takes_any_call(facts, line, block);
    if (opcode == LLVMLoad)
        return may_look(facts, LLVMGetOperand(line, 0), NULL, block);
    if (opcode == LLVMStore)
        return facts_pointer(facts, LLVMGetOperand(line, 1)) != NULL;
    if (opcode == LLVMAlloca) /* one as long as a field says may not fit the stack */
        return LLVMIsAConstantInt(LLVMGetOperand(line, 0)) != NULL;
    if (!facts_is_division(opcode))
        return opcode != LLVMAtomicCmpXchg && opcode != LLVMAtomicRMW && opcode != LLVMFence &&
               opcode != LLVMInvoke && opcode != LLVMCallBr && opcode != LLVMUnreachable;
    return facts_divides_safely(line);
}

/* Every loop has an edge to a block that stands before. */
static bool may_loop(LLVMValueRef function, LLVMBasicBlockRef block)
{
    LLVMValueRef end = LLVMGetBasicBlockTerminator(block);

    for (LLVMBasicBlockRef at = LLVMGetFirstBasicBlock(function); at != NULL;
         at = at == block ? NULL : LLVMGetNextBasicBlock(at))
        for (unsigned i = 0; i < LLVMGetNumSuccessors(end); i++)
            if (LLVMGetSuccessor(end, i) == at)
                return true;
    return false;
}

bool facts_is_total(const Facts *facts)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(facts->function); block != NULL;
         block = LLVMGetNextBasicBlock(block)) {
        if (may_loop(facts->function, block))
            return false;
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (!takes_any(facts, line, block))
                return false;
    }
    return true;
}
