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

/* Short on purpose: see ARCHITECTURE.md for what longer lists cost and gain. */
static const char pass_list[] =
    "always-inline,globaldce,"
    "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm),early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg)";

extern const char jit_ops_bitcode[], jit_ops_bitcode_end[];

static JitHost host;

static void init_host(void)
{
    char *target;

    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    host.triple = LLVMGetDefaultTargetTriple();
    host.cpu = LLVMGetHostCPUName();
    host.features = LLVMGetHostCPUFeatures();
    CHECK(asprintf(&target, "vonk %s, llvm %s, %s, %s, %s", VONK_VERSION, LLVM_VERSION_TEXT,
                   host.triple, host.cpu, host.features) > 0);
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

/* Makes a function of the bitcode inlinable into code for this CPU, and private. */
static void adopt_function(LLVMContextRef context, LLVMValueRef function)
{
    const JitHost *self = jit_host();
    static const char *const stale[] = {"target-cpu", "target-features", "tune-cpu"};

    if (LLVMIsDeclaration(function))
        return;
    for (size_t i = 0; i < sizeof stale / sizeof stale[0]; i++)
        LLVMRemoveStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, stale[i],
                                         (unsigned)strlen(stale[i]));
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, "target-cpu", 10, self->cpu,
                                                      (unsigned)strlen(self->cpu)));
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, "target-features", 15,
                                                      self->features,
                                                      (unsigned)strlen(self->features)));
    LLVMSetLinkage(function, LLVMPrivateLinkage);
}

Status jit_ops_module(LLVMContextRef context, Error *err, LLVMModuleRef *module_out)
{
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRange(
        jit_ops_bitcode, (size_t)(jit_ops_bitcode_end - jit_ops_bitcode), "ops", 0);

    /* lazily: only what a kernel calls is ever parsed; the module takes the buffer */
    if (LLVMGetBitcodeModuleInContext2(context, buffer, module_out) != 0) {
        LLVMDisposeMemoryBuffer(buffer);
        return error_set(err, ST_INTERNAL, "the operations' bitcode cannot be read");
    }
    for (LLVMValueRef function = LLVMGetFirstFunction(*module_out); function != NULL;
         function = LLVMGetNextFunction(function))
        adopt_function(context, function);
    return ST_OK;
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
