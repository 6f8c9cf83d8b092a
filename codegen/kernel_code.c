/* kernel_code.c -- see kernel_code.h */
#include "codegen/kernel_code.h"

#include <math.h>

#include "codegen/code_cache.h"

/* Compiling takes about 1 ms a line, cannot be interrupted, and holds up others that wait. */
enum { LINES_WORTH_COMPILING = 250 };

/* Measured, in ns: what the first kernel of a process costs, LLVM's loading among it, and any
 * other; what each operation adds to that, and what it saves a row. */
#define FIRST_KERNEL_NS  60e6
#define KERNEL_NS        15e6
#define OPERATION_NS     2e6
#define SAVED_NS_PER_ROW 0.5

struct KernelCode {
    double rows_worth; /* compiling */
    _Atomic uint64_t rows;
    atomic_bool was_asked;
    _Atomic(CodeEntry *) entry;
    bool was_in_memory; /* the cache had it when it was asked */
};

/*
 * Whether code is measurably faster than tier 0: its loops are vectorised, which one operation that
 * is not prevents, and text is better off in tier 0, which looks at each dictionary entry once.
 */
static bool is_vectorised(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        const KernelLine *line = &kernel->lines[i];

        if (line->kind == LINE_IN || (line->kind == LINE_OP && op_table[line->op].may_fail &&
                                      !op_is_masked(&op_table[line->op])))
            return false;
        if (line->kind != LINE_INPUT && phys_bytes(type_phys(line->type)) > 8)
            return false;
        for (uint32_t j = 0; line->kind == LINE_OP && j < line->arg_count; j++)
            if (phys_bytes(type_phys(kernel->lines[line->args[j]].type)) > 8)
                return false;
    }
    return true;
}

static bool has_work(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->line_count; i++)
        if (kernel->lines[i].kind != LINE_INPUT && kernel->lines[i].kind != LINE_PARAM)
            return true;
    return kernel->agg_count > 0;
}

/* How many rows make up for compiling, twice over: nobody knows how many are still to come. */
static double rows_worth_compiling(const Kernel *kernel)
{
    double operations = 0, cost_ns;

    for (uint32_t i = 0; i < kernel->line_count; i++)
        operations += kernel->lines[i].kind == LINE_OP;
    cost_ns = code_cache_has_module(kernel->cache) ? KERNEL_NS : FIRST_KERNEL_NS;
    cost_ns += OPERATION_NS * operations;
    return operations == 0 ? INFINITY : 2 * cost_ns / (SAVED_NS_PER_ROW * operations);
}

static void release_kernel(const Kernel *kernel)
{
    kernel_unref((Kernel *)(uintptr_t)kernel);
}

static void ask(Kernel *kernel, KernelCode *code)
{
    CodeRequest request = {.name = kernel->name,
                           .text = kernel_print(kernel->arena, kernel),
                           .kernel = kernel_ref(kernel),
                           .kernel_release = release_kernel};
    CodeEntry *entry = code_cache_request(kernel->cache, &request);

    if (entry == NULL)
        return;
    code->was_in_memory = code_entry_code(entry) != NULL;
    atomic_store_explicit(&code->entry, entry, memory_order_release);
    if (kernel->jit == JIT_ON)
        code_entry_wait(kernel->cache, entry, CODE_WAIT_LONG);
}

void kernel_code_start(Kernel *kernel)
{
    KernelCode *code;

    if (kernel->cache == NULL || kernel->jit == JIT_OFF || !has_work(kernel) ||
        kernel->line_count + kernel->agg_count > LINES_WORTH_COMPILING ||
        (kernel->jit == JIT_AUTO && !is_vectorised(kernel)))
        return;
    code = ARENA_NEW(kernel->arena, KernelCode);
    code->rows_worth = rows_worth_compiling(kernel);
    atomic_store(&kernel->code, code);
    if (kernel->jit == JIT_ON || kernel->expected_rows >= code->rows_worth) {
        atomic_store(&code->was_asked, true);
        ask(kernel, code);
    }
}

KernelEntry kernel_code_for(Kernel *kernel, uint32_t row_count)
{
    KernelCode *code = atomic_load_explicit(&kernel->code, memory_order_relaxed);
    CodeEntry *entry;

    if (code == NULL)
        return NULL;
    entry = atomic_load_explicit(&code->entry, memory_order_acquire);
    if (entry != NULL)
        return (KernelEntry)(uintptr_t)code_entry_code(entry);
    if ((double)atomic_fetch_add_explicit(&code->rows, row_count, memory_order_relaxed) >
            code->rows_worth &&
        !atomic_exchange(&code->was_asked, true))
        ask(kernel, code);
    return NULL;
}

void kernel_code_stop(Kernel *kernel)
{
    KernelCode *code = atomic_load(&kernel->code);

    if (code != NULL)
        code_entry_release(kernel->cache, atomic_load(&code->entry));
}

void kernel_code_statistics(const Kernel *kernel, KernelStatistics *statistics)
{
    KernelCode *code = atomic_load(&kernel->code);
    CodeEntry *entry = code == NULL ? NULL : atomic_load(&code->entry);
    CodeEntryInfo info;

    if (entry == NULL || code_entry_code(entry) == NULL)
        return;
    info = code_entry_info(entry);
    statistics->is_compiled = true;
    statistics->was_cache_hit = code->was_in_memory || info.is_from_disk;
    statistics->compile_ms = code->was_in_memory ? 0 : info.compile_ms;
}
