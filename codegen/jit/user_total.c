/*
 * user_total.c -- whether a function takes every record that its type allows; see UserCode.is_total
 *
 * Without loops it ends. It cannot crash when it divides by constants only, reads its records, its
 * closure and constants at fixed places, and looks into a text only behind some condition: a
 * function that has not asked whether the text has any bytes expects records of which it knows
 * more than their type says.
 */
#include "codegen/jit/user_facts_internal.h"

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

/* Before an unconditional look into a text nobody has asked whether it has any bytes. */
static bool may_look(const Facts *facts, LLVMValueRef address, bool is_conditional)
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
    return pointer->root == ROOT_TASK ? is_fixed : pointer->root >= 0 && is_conditional;
}

static bool takes_any_call(const Facts *facts, LLVMValueRef call, bool is_conditional)
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
                may_look(facts, LLVMGetOperand(call, 1), is_conditional));
    if (facts_is_arithmetic(callee))
        return true;
    return is_conditional && LLVMIsDeclaration(callee) &&
           (facts_has_name(callee, "memcmp") || facts_has_name(callee, "bcmp") ||
            facts_has_name(callee, "memchr"));
}

static bool takes_any(const Facts *facts, LLVMValueRef line, bool is_conditional)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(line);

    if (opcode == LLVMCall)
        return takes_any_call(facts, line, is_conditional);
    if (opcode == LLVMLoad)
        return may_look(facts, LLVMGetOperand(line, 0), is_conditional);
    if (opcode == LLVMStore)
        return facts_pointer(facts, LLVMGetOperand(line, 1)) != NULL;
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
    LLVMBasicBlockRef first = LLVMGetFirstBasicBlock(facts->function);

    for (LLVMBasicBlockRef block = first; block != NULL; block = LLVMGetNextBasicBlock(block)) {
        if (may_loop(facts->function, block))
            return false;
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (!takes_any(facts, line, block != first))
                return false;
    }
    return true;
}
