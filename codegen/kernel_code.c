/* kernel_code.c -- see kernel_code.h */
#include "codegen/kernel_code.h"

#include "codegen/code_cache.h"

/* Measured: a kernel takes 3 to 10 ms to compile and then saves one to several ns a row. */
enum { ROWS_WORTH_COMPILING = 1000000, ROWS_BEFORE_ASKING = 300000 };

/* Compiling takes about 1 ms a line, cannot be interrupted, and holds up others that wait. */
enum { LINES_WORTH_COMPILING = 250 };

struct KernelCode {
    _Atomic uint64_t rows;
    atomic_bool was_asked;
    _Atomic(CodeEntry *) entry;
    bool was_in_memory; /* the cache had it when it was asked */
};

/* Text is better off in tier 0, which looks at each dictionary entry once. */
static bool works_on_text(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        const KernelLine *line = &kernel->lines[i];

        if (line->kind != LINE_OP && line->kind != LINE_IN)
            continue;
        for (uint32_t j = 0; j < line->arg_count; j++)
            if (type_phys(kernel->lines[line->args[j]].type) == PHYS_STR)
                return true;
    }
    return false;
}

static bool has_work(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->line_count; i++)
        if (kernel->lines[i].kind != LINE_INPUT && kernel->lines[i].kind != LINE_PARAM)
            return true;
    return kernel->agg_count > 0;
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
        code_entry_wait(kernel->cache, entry);
}

void kernel_code_start(Kernel *kernel)
{
    KernelCode *code;

    if (kernel->cache == NULL || kernel->jit == JIT_OFF || !has_work(kernel) ||
        kernel->line_count + kernel->agg_count > LINES_WORTH_COMPILING ||
        (kernel->jit == JIT_AUTO && works_on_text(kernel)))
        return;
    code = ARENA_NEW(kernel->arena, KernelCode);
    atomic_store(&kernel->code, code);
    if (kernel->jit == JIT_ON || kernel->expected_rows >= ROWS_WORTH_COMPILING) {
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
    if (atomic_fetch_add_explicit(&code->rows, row_count, memory_order_relaxed) >
            ROWS_BEFORE_ASKING &&
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
