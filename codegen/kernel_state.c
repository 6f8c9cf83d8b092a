/* kernel_state.c -- blocks of aggregate states: merged, owned, finished; see kernel.h */
#include "core/base/invariant.h"

#include "codegen/kernel_internal.h"

size_t kernel_state_bytes(const Kernel *kernel)
{
    return kernel->state_bytes;
}

void kernel_state_init(const Kernel *kernel, void *block)
{
    memset(block, 0, kernel->state_bytes);
}

void kernel_state_merge(const Kernel *kernel, void *into, const void *from)
{
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        uint32_t offset = kernel->aggs[i].state_offset;

        if (!kernel->aggs[i].is_shared)
            agg_merge(kernel->aggs[i].op, (char *)into + offset, (const char *)from + offset);
    }
}

/* --- texts in states --- */

bool kernel__agg_holds_text(const KernelAgg *agg)
{
    return agg->op == AGGOP_min_text || agg->op == AGGOP_max_text ||
           (agg->op == AGGOP_first_any && type_phys(agg->types.arg) == PHYS_STR);
}

bool kernel_state_has_text(const Kernel *kernel)
{
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        if (kernel__agg_holds_text(&kernel->aggs[i]))
            return true;
    return false;
}

uint32_t kernel_state_texts(const Kernel *kernel, uint32_t *offsets)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        const KernelAgg *agg = &kernel->aggs[i];
        size_t offset = agg->op == AGGOP_first_any ? offsetof(FirstState, value)
                                                   : offsetof(TextBestState, value);

        if (kernel__agg_holds_text(agg) && !agg->is_shared)
            offsets[count++] = (uint32_t)(agg->state_offset + offset);
    }
    return count;
}

static Status own_text(Str *text, bool is_set, uint8_t *is_owned, KernelOwnFn own, void *context,
                       Error *err)
{
    if (!is_set || *is_owned)
        return ST_OK;
    if (text->length > STR_INLINE_BYTES)
        TRY(own(context, text, err));
    *is_owned = 1;
    return ST_OK;
}

static Status own_state(const KernelAgg *agg, void *state, KernelOwnFn own, void *context,
                        Error *err)
{
    if (agg->op == AGGOP_first_any) {
        FirstState *first = state;

        return own_text((Str *)(void *)first->value, first->is_set && !first->is_null,
                        &first->is_owned, own, context, err);
    }
    TextBestState *best = state;

    return own_text(&best->value, best->is_set, &best->is_owned, own, context, err);
}

Status kernel_state_own(const Kernel *kernel, void *block, KernelOwnFn own, void *context,
                        Error *err)
{
    for (uint32_t i = 0; i < kernel->agg_count; i++) {
        const KernelAgg *agg = &kernel->aggs[i];

        if (kernel__agg_holds_text(agg))
            TRY(own_state(agg, (char *)block + agg->state_offset, own, context, err));
    }
    return ST_OK;
}

/* --- results --- */

/* The states themselves. */
static void copy_states(const KernelAgg *agg, Arena *arena, const void *const *blocks,
                        uint32_t count, Column *column_out)
{
    uint32_t bytes = (uint32_t)agg_state_bytes(agg->op);
    Str *values = ARENA_ARRAY(arena, Str, count);
    char *copies = ARENA_ARRAY(arena, char, (size_t)count *bytes);

    for (uint32_t i = 0; i < count; i++) {
        memcpy(copies + (size_t)i * bytes, (const char *)blocks[i] + agg->state_offset, bytes);
        values[i] = str_make(copies + (size_t)i * bytes, bytes);
    }
    *column_out = (Column){.type = agg->types.result, .form = COLUMN_FLAT, .values = values};
}

static Status finish_column(const KernelAgg *agg, Arena *arena, const void *const *blocks,
                            uint32_t count, Error *err, Column *column_out)
{
    size_t bytes = phys_bytes(type_phys(agg->types.result));
    char *values = ARENA_ARRAY(arena, char, count *bytes);
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(count));
    OpCtx ctx = {.error = 0};
    bool any_null = false;

    for (uint32_t i = 0; i < count; i++) {
        const void *state = (const char *)blocks[i] + agg->state_offset;
        bool has_value = agg_finish(&ctx, agg->op, &agg->types, state, values + i * bytes);

        if (ctx.error != 0)
            return kernel__op_error(&ctx, err);
        bitmap_put(validity, i, has_value);
        any_null |= !has_value;
    }
    *column_out = (Column){.type = agg->types.result,
                           .form = COLUMN_FLAT,
                           .values = values,
                           .validity = any_null ? validity : NULL};
    return ST_OK;
}

Status kernel_state_finish(const Kernel *kernel, Arena *arena, const void *const *blocks,
                           uint32_t count, Error *err, Column *columns_out)
{
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        if (kernel->aggs[i].step == AGG_TO_STATE)
            copy_states(&kernel->aggs[i], arena, blocks, count, &columns_out[i]);
        else
            TRY(finish_column(&kernel->aggs[i], arena, blocks, count, err, &columns_out[i]));
    return ST_OK;
}
