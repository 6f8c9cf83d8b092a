/*
 * user_job.c -- see user_job.h
 *
 *     bitcode of job.c --+--> without debug information: what is inlined from, and analysed
 *                        +--> with `vonk_job = { symbols and facts, that bitcode }`: the object
 */
#include "codegen/jit/user_job.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "codegen/jit/jit_llvm.h"
#include "codegen/jit/user_facts.h"
#include "core/base/heap.h"

enum { JOB_FUNCTIONS_MAX = 10000 };

typedef struct JobMaker {
    Arena *arena;
    LLVMContextRef context;
    LLVMModuleRef module; /* what the object is made from */
    LLVMModuleRef simple; /* the analysis's own copy */
    LLVMMemoryBufferRef kept;
    LLVMTypeRef pointer, word;
} JobMaker;

static Status parse(JobMaker *job, const void *bitcode, size_t bytes, Error *err)
{
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(bitcode, bytes, "job");
    bool is_bad = LLVMParseBitcodeInContext2(job->context, buffer, &job->module) != 0;

    LLVMDisposeMemoryBuffer(buffer);
    if (is_bad) {
        job->module = NULL;
        return error_set(err, ST_BAD_INPUT, "the job's bitcode cannot be read");
    }
    return ST_OK;
}

static LLVMValueRef text_constant(JobMaker *job, const char *name, const char *bytes, size_t count)
{
    LLVMValueRef value = LLVMConstStringInContext2(job->context, bytes, count, false);
    LLVMValueRef global = LLVMAddGlobal(job->module, LLVMTypeOf(value), name);

    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, 16);
    return global;
}

static LLVMValueRef symbol_constant(JobMaker *job, LLVMValueRef function)
{
    size_t bytes;
    const char *name = LLVMGetValueName2(function, &bytes);
    const char *facts = user_facts_of(job->arena, LLVMGetNamedFunction(job->simple, name));
    LLVMValueRef members[3] = {text_constant(job, "vonk_job_name", name, bytes), function,
                               text_constant(job, "vonk_job_facts", facts, strlen(facts))};

    return LLVMConstStructInContext(job->context, members, 3, false);
}

static void add_table(JobMaker *job)
{
    LLVMValueRef *symbols = ARENA_ARRAY(job->arena, LLVMValueRef, JOB_FUNCTIONS_MAX), table, all;
    LLVMTypeRef members[3] = {job->pointer, job->pointer, job->pointer};
    LLVMTypeRef symbol = LLVMStructTypeInContext(job->context, members, 3, false);
    const char *kept = LLVMGetBufferStart(job->kept);
    size_t kept_bytes = LLVMGetBufferSize(job->kept);
    LLVMValueRef values[6];
    unsigned count = 0;

    for (LLVMValueRef function = LLVMGetFirstFunction(job->module);
         function != NULL && count < JOB_FUNCTIONS_MAX; function = LLVMGetNextFunction(function))
        if (user_facts_apply(function))
            symbols[count++] = symbol_constant(job, function);
    all = LLVMConstArray2(symbol, symbols, count);
    table = LLVMAddGlobal(job->module, LLVMTypeOf(all), "vonk_job_symbols");
    LLVMSetInitializer(table, all);
    LLVMSetLinkage(table, LLVMPrivateLinkage);
    values[0] = LLVMConstInt(job->word, JOB_TABLE_VERSION, false);
    values[1] = LLVMConstInt(job->word, count, false);
    values[2] = table;
    values[3] = text_constant(job, "vonk_job_bitcode", kept, kept_bytes);
    values[4] = LLVMConstInt(job->word, kept_bytes, false);
    values[5] = LLVMConstInt(job->word, XXH3_64bits(kept, kept_bytes), false);
    all = LLVMConstStructInContext(job->context, values, 6, false);
    table = LLVMAddGlobal(job->module, LLVMTypeOf(all), "vonk_job");
    LLVMSetInitializer(table, all);
    LLVMSetVisibility(table, LLVMDefaultVisibility);
}

static Status prepare(JobMaker *job, const void *bitcode, size_t bytes, Error *err)
{
    TRY(parse(job, bitcode, bytes, err));
    job->pointer = LLVMPointerTypeInContext(job->context, 0);
    job->word = LLVMInt64TypeInContext(job->context);
    job->simple = LLVMCloneModule(job->module);
    LLVMStripModuleDebugInfo(job->simple);
    job->kept = LLVMWriteBitcodeToMemoryBuffer(job->simple);
    TRY(user_facts_simplify(job->simple, err));
    add_table(job);
    return ST_OK;
}

Status user_job_prepare(const void *bitcode, size_t bytes, Error *err, void **made_out,
                        size_t *made_bytes_out)
{
    JobMaker job = {.arena = arena_new(NULL, "job", ARENA_NO_CAP), .context = LLVMContextCreate()};
    Status status;

    *made_out = NULL;
    (void)jit_host();
    status = prepare(&job, bitcode, bytes, err);
    if (status == ST_OK) {
        LLVMMemoryBufferRef made = LLVMWriteBitcodeToMemoryBuffer(job.module);

        *made_bytes_out = LLVMGetBufferSize(made);
        *made_out = heap_new(*made_bytes_out);
        memcpy(*made_out, LLVMGetBufferStart(made), *made_bytes_out);
        LLVMDisposeMemoryBuffer(made);
    }
    if (job.kept != NULL)
        LLVMDisposeMemoryBuffer(job.kept);
    if (job.simple != NULL)
        LLVMDisposeModule(job.simple);
    if (job.module != NULL)
        LLVMDisposeModule(job.module);
    LLVMContextDispose(job.context);
    arena_free(job.arena);
    return status;
}
