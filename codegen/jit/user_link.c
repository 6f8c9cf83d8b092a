/* user_link.c -- a chain's module, and bitcode into it; see user_emit.h */
#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include <stdio.h>
#include <string.h>

#include "codegen/jit/jit_llvm.h"
#include "codegen/jit/user_emit.h"
#include "codegen/jit/user_facts.h"

extern const char jit_user_support[], jit_user_support_end[];

void user_chain_open(Chain *chain)
{
    const UserChain *of = chain->chain;
    const ChainStep *last = &of->steps[of->step_count - 1];
    LLVMTypeRef *members;
    uint32_t count;

    chain->context = LLVMContextCreate();
    chain->module = LLVMModuleCreateWithNameInContext("chain", chain->context);
    LLVMSetTarget(chain->module, jit_host()->triple);
    chain->builder = LLVMCreateBuilderInContext(chain->context);
    chain->i1 = LLVMInt1TypeInContext(chain->context);
    chain->i8 = LLVMInt8TypeInContext(chain->context);
    chain->i32 = LLVMInt32TypeInContext(chain->context);
    chain->i64 = LLVMInt64TypeInContext(chain->context);
    chain->nothing = LLVMVoidTypeInContext(chain->context);
    chain->pointer = LLVMPointerTypeInContext(chain->context, 0);
    chain->in = of->steps[0].in;
    chain->out = last->out;
    chain->has_output = last->kind != CALL_FOREACH;
    for (uint32_t k = 0; k < of->step_count; k++) {
        chain->has_flat_map |= of->steps[k].kind == CALL_FLAT_MAP;
        chain->may_stop |= of->steps[k].code->may_fail;
    }
    chain->may_stop |= chain->has_flat_map;
    chain->emits_wrong = ARENA_ARRAY(of->arena, bool, of->step_count);
    count = STATE_ARRAYS + 2 * chain->out->field_count + of->step_count;
    members = ARENA_ARRAY(of->arena, LLVMTypeRef, count);
    members[STATE_CALL] = chain->pointer;
    members[STATE_COUNT] = chain->i64;
    members[STATE_STOPPED] = chain->i1;
    for (uint32_t i = STATE_ARRAYS; i < count; i++)
        members[i] = chain->pointer;
    chain->state = LLVMStructTypeInContext(chain->context, members, count, false);
    chain->steps_type =
        LLVMFunctionType(chain->nothing, (LLVMTypeRef[]){chain->pointer, chain->pointer}, 2, false);
}

LLVMValueRef user_chain_function(const Chain *chain, uint32_t k)
{
    char name[40];

    snprintf(name, sizeof name, "vonk_user_%u", k);
    return LLVMGetNamedFunction(chain->module, name);
}

static void delete_global(LLVMModuleRef module, const char *name)
{
    LLVMValueRef global = LLVMGetNamedGlobal(module, name);

    if (global != NULL)
        LLVMDeleteGlobal(global);
}

static void delete_body(LLVMValueRef function)
{
    LLVMBasicBlockRef block;

    /* blocks use each other's values: these are replaced first */
    for (block = LLVMGetFirstBasicBlock(function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (LLVMGetTypeKind(LLVMTypeOf(line)) != LLVMVoidTypeKind)
                LLVMReplaceAllUsesWith(line, LLVMGetUndef(LLVMTypeOf(line)));
    for (block = LLVMGetFirstBasicBlock(function); block != NULL;
         block = LLVMGetNextBasicBlock(block)) {
        LLVMValueRef line;

        while ((line = LLVMGetLastInstruction(block)) != NULL)
            LLVMInstructionEraseFromParent(line);
    }
    while ((block = LLVMGetFirstBasicBlock(function)) != NULL)
        LLVMDeleteBasicBlock(block);
}

static void make_private(LLVMModuleRef module)
{
    for (LLVMValueRef function = LLVMGetFirstFunction(module); function != NULL;
         function = LLVMGetNextFunction(function))
        if (!LLVMIsDeclaration(function))
            LLVMSetLinkage(function, LLVMInternalLinkage);
    for (LLVMValueRef global = LLVMGetFirstGlobal(module); global != NULL;
         global = LLVMGetNextGlobal(global))
        if (!LLVMIsDeclaration(global))
            LLVMSetLinkage(global, LLVMInternalLinkage);
}

/* Whether all calls of vonk__emit say that the record has so many bytes. */
static bool emits_bytes(LLVMValueRef emit, uint64_t bytes)
{
    for (LLVMUseRef use = LLVMGetFirstUse(emit); use != NULL; use = LLVMGetNextUse(use)) {
        LLVMValueRef call = LLVMGetUser(use), size;

        if (LLVMIsACallInst(call) == NULL || LLVMGetCalledValue(call) != emit)
            return false;
        size = LLVMGetOperand(call, 2);
        if (LLVMIsAConstantInt(size) == NULL || LLVMConstIntGetZExtValue(size) != bytes)
            return false;
    }
    return true;
}

Status user_link_step(Chain *chain, uint32_t k, Error *err)
{
    const UserCode *code = chain->chain->steps[k].code;
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
        code->job->bitcode, code->job->bitcode_bytes, "job");
    LLVMModuleRef module;
    LLVMValueRef function, emit;
    char name[40];
    bool is_bad = LLVMParseBitcodeInContext2(chain->context, buffer, &module) != 0;

    LLVMDisposeMemoryBuffer(buffer);
    if (is_bad)
        return error_set(err, ST_INTERNAL, "a job's bitcode cannot be read");
    delete_global(module, "llvm.global_ctors");
    delete_global(module, "llvm.global_dtors");
    delete_global(module, "llvm.used");
    delete_global(module, "llvm.compiler.used");
    make_private(module);
    function = LLVMGetNamedFunction(module, code->name);
    emit = LLVMGetNamedFunction(module, "vonk__emit");
    if (emit != NULL) {
        snprintf(name, sizeof name, "vonk_emit_%u", k);
        delete_body(emit);
        LLVMSetLinkage(emit, LLVMExternalLinkage);
        LLVMSetValueName2(emit, name, strlen(name));
        chain->emits_wrong[k] = !emits_bytes(emit, chain->chain->steps[k].out->bytes);
        if (LLVMGetFirstUse(emit) == NULL)
            LLVMDeleteFunction(emit);
    }
    if (function == NULL || LLVMIsDeclaration(function)) {
        LLVMDisposeModule(module);
        return error_set(err, ST_INTERNAL, "a job's bitcode has no function %s", code->name);
    }
    snprintf(name, sizeof name, "vonk_user_%u", k);
    LLVMSetLinkage(function, LLVMExternalLinkage);
    LLVMSetValueName2(function, name, strlen(name));
    user_adopt(module, true);
    if (LLVMLinkModules2(chain->module, module) != 0)
        return error_set(err, ST_INTERNAL, "LLVM could not link a job's functions");
    LLVMSetLinkage(user_chain_function(chain, k), LLVMPrivateLinkage);
    return ST_OK;
}

Status user_link_support(Chain *chain, Error *err)
{
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRange(
        jit_user_support, (size_t)(jit_user_support_end - jit_user_support), "support", 0);
    LLVMModuleRef module;
    bool is_bad = LLVMParseBitcodeInContext2(chain->context, buffer, &module) != 0;

    LLVMDisposeMemoryBuffer(buffer);
    if (is_bad)
        return error_set(err, ST_INTERNAL, "the support's bitcode cannot be read");
    user_adopt(module, true);
    if (LLVMLinkModules2(chain->module, module) != 0)
        return error_set(err, ST_INTERNAL, "LLVM could not link a chain's support");
    chain->load_text = LLVMGetNamedFunction(chain->module, "vonk_user_load_text");
    chain->store_text = LLVMGetNamedFunction(chain->module, "vonk_user_store_text");
    LLVMSetLinkage(chain->load_text, LLVMPrivateLinkage);
    LLVMSetLinkage(chain->store_text, LLVMPrivateLinkage);
    return ST_OK;
}
