/* user_link.c -- a chain's module, and bitcode into it; see user_emit.h */
#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include <stdio.h>
#include <string.h>

#include "codegen/jit/jit_llvm.h"
#include "codegen/jit/user_emit.h"
#include "codegen/jit/user_facts.h"

extern const char jit_user_support[], jit_user_support_end[];

/* A function's number -> its code. */
static void number_functions(Chain *chain)
{
    const UserChain *of = chain->chain;

    chain->codes = ARENA_ARRAY(of->arena, const UserCode *, of->step_count + 2);
    for (uint32_t k = 0; k < of->step_count; k++)
        chain->codes[chain->function_count++] = of->steps[k].code;
    if (of->combine != NULL)
        chain->codes[chain->function_count++] = of->combine->add;
    if (of->combine != NULL && of->combine->create != NULL)
        chain->codes[chain->function_count++] = of->combine->create;
    chain->functions = ARENA_ARRAY(of->arena, LLVMValueRef, chain->function_count);
    chain->emits_wrong = ARENA_ARRAY(of->arena, bool, chain->function_count);
    for (uint32_t k = 0; k < chain->function_count; k++)
        chain->may_stop |= chain->codes[k]->may_fail;
}

static void make_types(Chain *chain)
{
    const UserChain *of = chain->chain;
    uint32_t count = STATE_ARRAYS + 2 * chain->out->field_count + of->step_count;
    LLVMTypeRef *members = ARENA_ARRAY(of->arena, LLVMTypeRef, count);

    chain->i1 = LLVMInt1TypeInContext(chain->context);
    chain->i8 = LLVMInt8TypeInContext(chain->context);
    chain->i32 = LLVMInt32TypeInContext(chain->context);
    chain->i64 = LLVMInt64TypeInContext(chain->context);
    chain->nothing = LLVMVoidTypeInContext(chain->context);
    chain->pointer = LLVMPointerTypeInContext(chain->context, 0);
    for (uint32_t i = 0; i < count; i++)
        members[i] = chain->pointer;
    members[STATE_COUNT] = chain->i64;
    members[STATE_STOPPED] = members[STATE_HAS_ACC] = chain->i1;
    chain->state = LLVMStructTypeInContext(chain->context, members, count, false);
    chain->steps_type =
        LLVMFunctionType(chain->nothing, (LLVMTypeRef[]){chain->pointer, chain->pointer}, 2, false);
}

void user_chain_open(Chain *chain)
{
    const UserChain *of = chain->chain;

    chain->context = LLVMContextCreate();
    chain->module = LLVMModuleCreateWithNameInContext("chain", chain->context);
    LLVMSetTarget(chain->module, jit_host()->triple);
    chain->builder = LLVMCreateBuilderInContext(chain->context);
    chain->in = of->step_count > 0 ? of->steps[0].in : of->combine->in;
    chain->out = of->combine != NULL ? of->combine->acc : of->steps[of->step_count - 1].out;
    chain->has_output = of->combine == NULL && of->steps[of->step_count - 1].kind != CALL_FOREACH;
    for (uint32_t k = 0; k < of->step_count; k++)
        chain->has_flat_map |= of->steps[k].kind == CALL_FLAT_MAP;
    chain->may_stop = chain->has_flat_map;
    number_functions(chain);
    make_types(chain);
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

static Status parse_job(const Chain *chain, const JobTable *job, Error *err,
                        LLVMModuleRef *module_out)
{
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRange(job->bitcode, job->bitcode_bytes, "job", 0);
    bool is_bad = LLVMParseBitcodeInContext2(chain->context, buffer, module_out) != 0;

    LLVMDisposeMemoryBuffer(buffer);
    if (is_bad)
        return error_set(err, ST_INTERNAL, "a job's bitcode cannot be read");
    delete_global(*module_out, "llvm.global_ctors");
    delete_global(*module_out, "llvm.global_dtors");
    delete_global(*module_out, "llvm.used");
    delete_global(*module_out, "llvm.compiler.used");
    LLVMSetModuleInlineAsm2(*module_out, "", 0); /* what it defines is in the object */
    make_private(*module_out);
    return ST_OK;
}

/* What flat_map k's copy of the job emits goes to vonk_emit_k. */
static void divert_emit(Chain *chain, uint32_t k, LLVMModuleRef module)
{
    LLVMValueRef emit = LLVMGetNamedFunction(module, "vonk__emit");
    char name[40];

    if (emit == NULL)
        return;
    snprintf(name, sizeof name, "vonk_emit_%u", k);
    delete_body(emit);
    LLVMSetLinkage(emit, LLVMExternalLinkage);
    LLVMSetValueName2(emit, name, strlen(name));
    chain->emits_wrong[k] = !emits_bytes(emit, chain->chain->steps[k].out->bytes);
    if (LLVMGetFirstUse(emit) == NULL)
        LLVMDeleteFunction(emit);
}

static bool is_flat_map(const Chain *chain, uint32_t k)
{
    return k < chain->chain->step_count && chain->chain->steps[k].kind == CALL_FLAT_MAP;
}

/* Whether function k is to be found in the copy that function `first` made necessary. */
static bool shares_copy(const Chain *chain, uint32_t first, uint32_t k)
{
    return k == first || (!is_flat_map(chain, first) && !is_flat_map(chain, k) &&
                          chain->codes[k]->job->hash == chain->codes[first]->job->hash);
}

static void name_of(uint32_t k, char name[40])
{
    snprintf(name, 40, "vonk_user_%u", k);
}

/* The functions of a copy get the name vonk_user_k: the first k of those that are one function.
 * numbers[k]: that k. */
static Status name_functions(Chain *chain, uint32_t first, LLVMModuleRef module, uint32_t *numbers,
                             Error *err)
{
    LLVMValueRef *found = ARENA_ARRAY(chain->chain->arena, LLVMValueRef, chain->function_count);
    char name[40];

    for (uint32_t k = first; k < chain->function_count; k++) {
        if (!shares_copy(chain, first, k))
            continue;
        found[k] = LLVMGetNamedFunction(module, chain->codes[k]->name);
        if (found[k] == NULL || LLVMIsDeclaration(found[k]))
            return error_set(err, ST_INTERNAL, "a job's bitcode has no function %s",
                             chain->codes[k]->name);
    }
    for (uint32_t k = chain->function_count; k-- > first;) {
        if (found[k] == NULL)
            continue;
        for (uint32_t i = first; i <= k; i++)
            if (found[i] == found[k]) {
                numbers[k] = i;
                break;
            }
        name_of(numbers[k], name);
        LLVMSetLinkage(found[k], LLVMExternalLinkage);
        LLVMSetValueName2(found[k], name, strlen(name));
    }
    return ST_OK;
}

static Status link_copy(Chain *chain, uint32_t first, uint32_t *numbers, Error *err)
{
    LLVMModuleRef module;
    Status status;

    TRY(parse_job(chain, chain->codes[first]->job, err, &module));
    if (is_flat_map(chain, first))
        divert_emit(chain, first, module);
    status = name_functions(chain, first, module, numbers, err);
    if (status != ST_OK) {
        LLVMDisposeModule(module);
        return status;
    }
    user_adopt(module, true);
    if (LLVMLinkModules2(chain->module, module) != 0)
        return error_set(err, ST_INTERNAL, "LLVM could not link a job's functions");
    return ST_OK;
}

Status user_link_functions(Chain *chain, Error *err)
{
    uint32_t *numbers = ARENA_ARRAY(chain->chain->arena, uint32_t, chain->function_count);
    char name[40];

    for (uint32_t k = 0; k < chain->function_count; k++)
        numbers[k] = UINT32_MAX;
    for (uint32_t k = 0; k < chain->function_count; k++)
        if (numbers[k] == UINT32_MAX)
            TRY(link_copy(chain, k, numbers, err));
    for (uint32_t k = 0; k < chain->function_count; k++) {
        name_of(numbers[k], name);
        chain->functions[k] = LLVMGetNamedFunction(chain->module, name);
        LLVMSetLinkage(chain->functions[k], LLVMPrivateLinkage);
    }
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
