/* kernel_prune.c -- the last step of building: lines that nobody needs go; see kernel_internal.h */
#include "core/base/invariant.h"

#include "codegen/kernel_internal.h"

static void need(bool *is_needed, uint32_t reg)
{
    if (reg != NO_REGISTER)
        is_needed[reg] = true;
}

static uint32_t renumber(const uint32_t *numbers, uint32_t reg)
{
    return reg == NO_REGISTER ? NO_REGISTER : numbers[reg];
}

static void mark_needed(const Kernel *kernel, const KernelLine *lines, const uint32_t *outputs,
                        const KernelAgg *aggs, bool *is_needed)
{
    need(is_needed, kernel->predicate);
    for (uint32_t i = 0; i < kernel->output_count; i++)
        need(is_needed, outputs[i]);
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        need(is_needed, aggs[i].arg);
        need(is_needed, aggs[i].filter);
    }
    for (uint32_t i = kernel->line_count; i-- > 0;) {
        if (!is_needed[i])
            continue;
        need(is_needed, lines[i].guard);
        for (uint32_t j = 0; j < lines[i].arg_count; j++)
            need(is_needed, lines[i].args[j]);
    }
}

void kernel__prune(Kernel *kernel, KernelLine *lines, uint32_t *outputs, KernelAgg *aggs)
{
    bool *is_needed = ARENA_ARRAY(kernel->arena, bool, kernel->line_count);
    uint32_t *numbers = ARENA_ARRAY(kernel->arena, uint32_t, kernel->line_count);
    uint32_t kept = 0, kept_in_filter = 0;

    mark_needed(kernel, lines, outputs, aggs, is_needed);
    for (uint32_t i = 0; i < kernel->line_count; i++) {
        if (!is_needed[i])
            continue;
        numbers[i] = kept;
        kept_in_filter += i < kernel->filter_line_count;
        lines[kept] = lines[i];
        lines[kept].guard = renumber(numbers, lines[kept].guard);
        for (uint32_t j = 0; j < lines[kept].arg_count; j++)
            lines[kept].args[j] = numbers[lines[kept].args[j]];
        kept++;
    }
    for (uint32_t i = 0; i < kernel->output_count; i++)
        outputs[i] = numbers[outputs[i]];
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        aggs[i].arg = renumber(numbers, aggs[i].arg);
        aggs[i].filter = renumber(numbers, aggs[i].filter);
    }
    kernel->predicate = renumber(numbers, kernel->predicate);
    kernel->filter_line_count = kept_in_filter;
    kernel->line_count = kept;
    kernel->lines = lines;
    kernel->outputs = outputs;
    kernel->aggs = aggs;
}
