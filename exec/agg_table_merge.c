/* agg_table_merge.c -- groups made more than once become one; see agg_table.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/prefetch.h"
#include "core/base/stop_check.h"
#include "exec/agg_table_internal.h"
#include "exec/sorter_radix.h"

enum {
    FOLD_BLOCK = 64, /* rows whose cache misses overlap */
    POLL_ROWS = 16 * 1024,
    SLOTS_LEAST = 1024,
    ROWS_OF_NEAR_SLOTS = 32 * 1024 /* slots for so many rows are near even if no row is folded */
};

static uint64_t power_of_two(uint64_t least)
{
    uint64_t power = SLOTS_LEAST;

    while (power < least)
        power *= 2;
    return power;
}

static void *tail(const AggSpec *spec, void *row)
{
    return (char *)row + spec->layout.tail_offset;
}

/* The group shows the values of its first row. */
static void fold_row(const AggSpec *spec, void *into, void *from)
{
    if (((const AggHead *)from)->place < ((const AggHead *)into)->place)
        memcpy(into, from, spec->layout.tail_offset);
    if (spec->state_bytes > 0)
        spec->state_merge(spec->context, tail(spec, into), tail(spec, from));
}

/* True when the row was folded into one that is in the slots; else it now is in the slots itself.
 */
static bool fold_or_keep(const AggSpec *spec, uint64_t *slots, uint64_t mask, void *row)
{
    uint64_t hash = ((const AggHead *)row)->hash;
    uint64_t position = hash & mask;

    for (; slots[position] != 0; position = (position + 1) & mask) {
        void *kept = agg__slot_row(slots[position]);

        if (agg__slot_has_salt(slots[position], hash) &&
            row_equal(&spec->layout, spec->key_count, kept, row)) {
            fold_row(spec, kept, row);
            return true;
        }
    }
    slots[position] = agg__slot_make(hash, row);
    return false;
}

/* The slots of the rows of a block two blocks ahead. */
PREFETCHER void prefetch_slots(const uint64_t *slots, uint64_t mask, void *const *rows,
                               uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        __builtin_prefetch(&slots[((const AggHead *)rows[i])->hash & mask]);
}

/* What rows of the next block will be compared with, mostly, and merged into. */
PREFETCHER void prefetch_candidates(const AggSpec *spec, const uint64_t *slots, uint64_t mask,
                                    void *const *rows, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t hash = ((const AggHead *)rows[i])->hash, slot = slots[hash & mask];

        if (slot == 0 || !agg__slot_has_salt(slot, hash))
            continue;
        __builtin_prefetch(agg__slot_row(slot));
        if (spec->state_bytes > 0)
            __builtin_prefetch(tail(spec, agg__slot_row(slot)));
    }
}

static uint64_t block_rows(uint64_t start, uint64_t total)
{
    if (start >= total)
        return 0;
    return total - start < FOLD_BLOCK ? total - start : FOLD_BLOCK;
}

PREFETCHER void prefetch_ahead(const AggSpec *spec, const AggGroups *groups, uint64_t start,
                               const uint64_t *slots, uint64_t slot_count)
{
    uint64_t next = start + FOLD_BLOCK, after = next + FOLD_BLOCK, total = groups->count;

    prefetch_slots(slots, slot_count - 1, groups->rows + after, block_rows(after, total));
    prefetch_candidates(spec, slots, slot_count - 1, groups->rows + next, block_rows(next, total));
}

/* Folds groups->rows in place. */
static Status fold_repeats(const AggSpec *spec, AggGroups *groups, Error *err)
{
    uint64_t total = groups->count, kept = 0, *slots;
    uint64_t slot_count = power_of_two(total <= ROWS_OF_NEAR_SLOTS ? 2 * total : total);
    Status status = agg__slots_new(spec, slot_count, err, &slots);

    for (uint64_t start = 0; start < total && status == ST_OK; start += FOLD_BLOCK) {
        uint64_t end = start + block_rows(start, total);

        if (start % POLL_ROWS == 0)
            status = stop_check(spec->stop, err);
        if (status == ST_OK && kept + FOLD_BLOCK > slot_count / 2)
            status = agg__slots_double(spec, &slots, &slot_count, err);
        if (status != ST_OK)
            break;
        prefetch_ahead(spec, groups, start, slots, slot_count);
        for (uint64_t i = start; i < end; i++) {
            void *row = groups->rows[i];

            if (!fold_or_keep(spec, slots, slot_count - 1, row))
                groups->rows[kept++] = row;
        }
    }
    groups->count = kept;
    mem_pool_release(spec->pool, slots, slot_count * sizeof(uint64_t));
    return status;
}

/* --- order --- */

typedef struct PlacedRow {
    uint64_t place;
    void *row;
} PlacedRow;

static bool is_sorted(const AggGroups *groups)
{
    for (uint64_t i = 1; i < groups->count; i++)
        if (((const AggHead *)groups->rows[i - 1])->place >
            ((const AggHead *)groups->rows[i])->place)
            return false;
    return true;
}

static Status sort_by_place(const AggSpec *spec, AggGroups *groups, Error *err)
{
    size_t bytes = groups->count * sizeof(PlacedRow);
    void *memory;
    PlacedRow *placed;

    if (is_sorted(groups))
        return ST_OK;
    TRY(mem_pool_alloc(spec->pool, 2 * bytes, spec->consumer, err, &memory));
    placed = memory;
    for (uint64_t i = 0; i < groups->count; i++)
        placed[i] = (PlacedRow){((const AggHead *)groups->rows[i])->place, groups->rows[i]};
    sorter_radix(1, 2, memory, (uint64_t *)(void *)(placed + groups->count), groups->count);
    for (uint64_t i = 0; i < groups->count; i++)
        groups->rows[i] = placed[i].row;
    mem_pool_release(spec->pool, memory, 2 * bytes);
    return ST_OK;
}

/* --- whole sets --- */

static Status groups_new(const AggSpec *spec, uint64_t capacity, Error *err, AggGroups *groups_out)
{
    void *memory;

    *groups_out = (AggGroups){.pool = spec->pool};
    TRY(mem_pool_alloc(spec->pool, capacity * sizeof(void *), spec->consumer, err, &memory));
    groups_out->rows = memory;
    groups_out->capacity = capacity;
    return ST_OK;
}

void agg_groups_fini(AggGroups *groups)
{
    mem_pool_release(groups->pool, groups->rows, groups->capacity * sizeof(void *));
    *groups = (AggGroups){0};
}

Status agg_table_merge(const AggSpec *spec, AggTable *const *tables, uint32_t table_count,
                       uint32_t first, uint32_t end, Error *err, AggGroups *groups_out)
{
    uint64_t total = 0;
    uint32_t tables_with_rows = 0;
    bool has_repeats = false;

    *groups_out = (AggGroups){0};
    for (uint32_t t = 0; t < table_count; t++) {
        uint64_t before = total;

        for (uint32_t p = first; p < end; p++)
            total += tables[t]->partitions[p].row_count;
        tables_with_rows += total > before;
        has_repeats |= tables[t]->has_repeats && total > before;
    }
    if (total == 0)
        return ST_OK;
    TRY(groups_new(spec, total, err, groups_out));
    for (uint32_t t = 0; t < table_count; t++) {
        for (uint32_t p = first; p < end; p++) {
            row_store_list(&tables[t]->partitions[p], groups_out->rows + groups_out->count);
            groups_out->count += tables[t]->partitions[p].row_count;
        }
    }
    if (has_repeats || tables_with_rows > 1)
        TRY(fold_repeats(spec, groups_out, err));
    return sort_by_place(spec, groups_out, err);
}

Status agg_groups_join(const AggSpec *spec, AggGroups *sets, uint32_t set_count, Error *err,
                       AggGroups *groups_out)
{
    uint64_t total = 0;
    Status status;

    *groups_out = (AggGroups){0};
    for (uint32_t s = 0; s < set_count; s++)
        total += sets[s].count;
    TRY(groups_new(spec, total, err, groups_out));
    for (uint32_t s = 0; s < set_count; s++) {
        if (sets[s].count > 0)
            memcpy(groups_out->rows + groups_out->count, sets[s].rows,
                   sets[s].count * sizeof(void *));
        groups_out->count += sets[s].count;
    }
    status = sort_by_place(spec, groups_out, err);
    for (uint32_t s = 0; s < set_count && status == ST_OK; s++)
        agg_groups_fini(&sets[s]);
    if (status != ST_OK)
        agg_groups_fini(groups_out);
    return status;
}
