/* jit_llvm.c -- see jit_llvm.h */
#include "codegen/jit/jit_llvm.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"

enum { INLINE_INSTRUCTIONS_MAX = 120 };

/* Short on purpose. Loops are not interleaved: that makes code several times as long, which takes
 * as many times as long to compile, and gains little. */
static const char pass_list[] =
    "globaldce,always-inline,globaldce,"
    "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm),early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-vectorize<interleave-forced-only>,early-cse,instcombine<no-verify-fixpoint>,simplifycfg)";

/* ops_bitcode.c, once a group, embedded by ops_embed.S. */
#define GROUPS(X)  X(0) X(1) X(2) X(3) X(4)
#define DECLARE(n) extern const char jit_ops_##n[], jit_ops_##n##_end[];
GROUPS(DECLARE)
#undef DECLARE

typedef struct Bitcode {
    const char *start, *end;
} Bitcode;

static const Bitcode bitcode[JIT_OPS_GROUPS] = {
#define RANGE(n) {jit_ops_##n, jit_ops_##n##_end},
    GROUPS(RANGE)
#undef RANGE
};

static JitHost host;

static void init_host(void)
{
    char *target, identity[160];

    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    host.triple = LLVMGetDefaultTargetTriple();
    host.cpu = LLVMGetHostCPUName();
    host.features = LLVMGetHostCPUFeatures();
    jit_identity(identity, sizeof identity);
    CHECK(asprintf(&target, "vonk %s, build %s, llvm %s, %s, %s, %s", VONK_VERSION, identity,
                   LLVM_VERSION_TEXT, host.triple, host.cpu, host.features) > 0);
    host.target = target;
}

const JitHost *jit_host(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_host);
    return &host;
}

Status jit_fail(char *message, const char *what, Error *err)
{
    error_set(err, ST_INTERNAL, "%s: %.500s", what, message == NULL ? "unknown" : message);
    LLVMDisposeMessage(message);
    return ST_INTERNAL;
}

LLVMTargetMachineRef jit_target_machine(void)
{
    const JitHost *self = jit_host();
    LLVMTargetRef target;
    char *message;

    if (LLVMGetTargetFromTriple(self->triple, &target, &message) != 0) {
        LLVMDisposeMessage(message);
        return NULL;
    }
    return LLVMCreateTargetMachine(target, self->triple, self->cpu, self->features,
                                   LLVMCodeGenLevelLess, LLVMRelocPIC, LLVMCodeModelJITDefault);
}

Status jit_ops_module(LLVMContextRef context, uint32_t group, Error *err, LLVMModuleRef *module_out)
{
    size_t bytes = (size_t)(bitcode[group].end - bitcode[group].start);
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRange(bitcode[group].start, bytes, "ops", 0);

    /* lazily: the linker materialises what it takes; the module owns the buffer */
    if (LLVMGetBitcodeModuleInContext2(context, buffer, module_out) != 0) {
        LLVMDisposeMemoryBuffer(buffer);
        return error_set(err, ST_INTERNAL, "the operations' bitcode cannot be read");
    }
    return ST_OK;
}

static void set_text(LLVMContextRef context, LLVMValueRef function, const char *name,
                     const char *value)
{
    LLVMRemoveStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, name,
                                     (unsigned)strlen(name));
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, name, (unsigned)strlen(name), value,
                                                      (unsigned)strlen(value)));
}

/* Whether the function is worth copying into each kernel that calls it. */
static bool is_small(LLVMValueRef function)
{
    uint32_t count = 0;

    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block != NULL;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef line = LLVMGetFirstInstruction(block); line != NULL;
             line = LLVMGetNextInstruction(line))
            if (++count > INLINE_INSTRUCTIONS_MAX)
                return false;
    return true;
}

void jit_adopt_operations(LLVMModuleRef module)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    unsigned always_inline = LLVMGetEnumAttributeKindForName("alwaysinline", 12);

    for (LLVMValueRef function = LLVMGetFirstFunction(module); function != NULL;
         function = LLVMGetNextFunction(function)) {
        size_t name_bytes;
        const char *name = LLVMGetValueName2(function, &name_bytes);

        if (LLVMIsDeclaration(function) || strncmp(name, "vonk_op_", 8) != 0)
            continue;
        set_text(context, function, "target-cpu", host.cpu);
        set_text(context, function, "target-features", host.features);
        LLVMRemoveStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, "tune-cpu", 8);
        LLVMSetLinkage(function, LLVMPrivateLinkage);
        if (LLVMGetFirstUse(function) != NULL && is_small(function))
            LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                                    LLVMCreateEnumAttribute(context, always_inline, 0));
    }
}

Status jit_optimise(LLVMModuleRef module, LLVMTargetMachineRef machine, Error *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failure = LLVMRunPasses(module, pass_list, machine, options);

    LLVMDisposePassBuilderOptions(options);
    if (failure != NULL) {
        char *message = LLVMGetErrorMessage(failure);

        error_set(err, ST_INTERNAL, "LLVM could not optimise a kernel: %.500s", message);
        LLVMDisposeErrorMessage(message);
        return ST_INTERNAL;
    }
    return ST_OK;
}
