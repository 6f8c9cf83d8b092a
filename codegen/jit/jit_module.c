/* jit_module.c -- the module's face: kernels to objects; see jit_module.h */
#include "codegen/jit_module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Linker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/jit/emit.h"
#include "codegen/jit/jit_link.h"
#include "codegen/jit/user_job.h"
#include "core/base/heap.h"
#include "core/base/invariant.h"

static void emit_open(Emit *emit, Arena *arena, const Kernel *kernel)
{
    *emit = (Emit){.arena = arena, .kernel = kernel, .context = LLVMContextCreate()};
    emit->module = LLVMModuleCreateWithNameInContext("kernel", emit->context);
    LLVMSetTarget(emit->module, jit_host()->triple);
    emit->builder = LLVMCreateBuilderInContext(emit->context);
    emit->i1 = LLVMInt1TypeInContext(emit->context);
    emit->i8 = LLVMInt8TypeInContext(emit->context);
    emit->i32 = LLVMInt32TypeInContext(emit->context);
    emit->i64 = LLVMInt64TypeInContext(emit->context);
    emit->pointer = LLVMPointerTypeInContext(emit->context, 0);
    emit->registers = ARENA_ARRAY(arena, EmitRegister, kernel->line_count);
    emit->slots = ARENA_ARRAY(arena, LLVMValueRef, kernel->line_count);
}

static void emit_close(Emit *emit)
{
    LLVMDisposeBuilder(emit->builder);
    LLVMDisposeModule(emit->module);
    LLVMContextDispose(emit->context);
}

/* Links in the operations that the kernel uses. */
static Status link_operations(Emit *emit, Error *err)
{
    for (uint32_t group = 0; group < JIT_OPS_GROUPS; group++) {
        LLVMModuleRef operations;

        if (!emit->uses_group[group])
            continue;
        TRY(jit_ops_module(emit->context, group, err, &operations));
        if (LLVMLinkModules2(emit->module, operations) != 0)
            return error_set(err, ST_INTERNAL, "LLVM could not link the operations");
    }
    jit_adopt_operations(emit->module);
    return ST_OK;
}

/* The kernel's module, optimised. */
static Status make_module(Emit *emit, const char *symbol, LLVMTargetMachineRef machine, Error *err)
{
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    char *message = NULL;

    LLVMSetModuleDataLayout(emit->module, layout);
    LLVMDisposeTargetData(layout);
    emit_kernel(emit, symbol);
    TRY(link_operations(emit, err));
    if (LLVMVerifyModule(emit->module, LLVMReturnStatusAction, &message) != 0)
        return jit_fail(message, "a kernel's code is not well-formed", err);
    LLVMDisposeMessage(message);
    return jit_optimise(emit->module, machine, err);
}

static Status emit_file(LLVMModuleRef module, LLVMTargetMachineRef machine,
                        LLVMCodeGenFileType type, Error *err, LLVMMemoryBufferRef *buffer_out)
{
    char *message = NULL;

    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, buffer_out) != 0)
        return jit_fail(message, "LLVM could not compile a kernel", err);
    return ST_OK;
}

static Status module_compile(const Kernel *kernel, const char *symbol, Error *err,
                             void **object_out, size_t *bytes_out)
{
    Arena *arena = arena_new(NULL, "kernel code", ARENA_NO_CAP);
    LLVMTargetMachineRef machine = jit_target_machine();
    LLVMMemoryBufferRef buffer = NULL;
    Status status = ST_OK;
    Emit emit;

    *object_out = NULL;
    emit_open(&emit, arena, kernel);
    if (machine == NULL)
        status = error_set(err, ST_INTERNAL, "LLVM does not know this CPU");
    if (status == ST_OK)
        status = make_module(&emit, symbol, machine, err);
    if (status == ST_OK)
        status = emit_file(emit.module, machine, LLVMObjectFile, err, &buffer);
    if (status == ST_OK) {
        *bytes_out = LLVMGetBufferSize(buffer);
        *object_out = heap_new(*bytes_out);
        memcpy(*object_out, LLVMGetBufferStart(buffer), *bytes_out);
        LLVMDisposeMemoryBuffer(buffer);
    }
    emit_close(&emit);
    if (machine != NULL)
        LLVMDisposeTargetMachine(machine);
    arena_free(arena);
    return status;
}

/* The module as text, without the long lists of what the CPU can do. */
static const char *print_module(Arena *arena, LLVMModuleRef module)
{
    static const char attributes[] = "attributes #";
    char *ir = LLVMPrintModuleToString(module);
    StrBuf text = {.arena = arena};

    for (const char *line = ir, *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n';
        if (strncmp(line, attributes, strlen(attributes)) != 0)
            strbuf_add(&text, line, (size_t)(end - line));
    }
    LLVMDisposeMessage(ir);
    return strbuf_text(&text);
}

static Status module_explain(Arena *arena, const Kernel *kernel, Error *err, const char **text_out)
{
    LLVMTargetMachineRef machine = jit_target_machine();
    LLVMMemoryBufferRef buffer = NULL;
    Status status = ST_OK;
    Emit emit;

    *text_out = "";
    emit_open(&emit, arena, kernel);
    if (machine == NULL)
        status = error_set(err, ST_INTERNAL, "LLVM does not know this CPU");
    if (status == ST_OK)
        status = make_module(&emit, "vonk_kernel", machine, err);
    if (status == ST_OK) {
        *text_out = print_module(arena, emit.module);
        status = emit_file(emit.module, machine, LLVMAssemblyFile, err, &buffer);
    }
    if (status == ST_OK) {
        *text_out = arena_printf(arena, "%s\n%.*s", *text_out, (int)LLVMGetBufferSize(buffer),
                                 LLVMGetBufferStart(buffer));
        LLVMDisposeMemoryBuffer(buffer);
    }
    emit_close(&emit);
    if (machine != NULL)
        LLVMDisposeTargetMachine(machine);
    return status;
}

extern __attribute__((visibility("default"))) const char vonk_jit_interface[];
const char vonk_jit_interface[] = VONK_JIT_INTERFACE;

__attribute__((visibility("default"))) const JitModule *vonk_jit_module(uint32_t symbol_count,
                                                                        const JitSymbol *symbols);

const JitModule *vonk_jit_module(uint32_t symbol_count, const JitSymbol *symbols)
{
    static JitModule module = {
        .compile = module_compile,
        .compile_chain = user_chain_compile,
        .object_free = free,
        .load = jit_link_load,
        .unload = jit_link_unload,
        .define = jit_link_define,
        .prepare_job = user_job_prepare,
        .explain = module_explain,
    };

    jit_link_symbols(symbol_count, symbols);
    module.target = jit_host()->target;
    return &module;
}
