/* agg_table.c -- finding or making the group of each row of a batch; see agg_table.h */
#include "exec/agg_table.h"

#include <string.h>

#include "codegen/kernel.h"
#include "core/base/invariant.h"
#include "core/base/prefetch.h"
#include "exec/agg_table_internal.h"

enum {
    SLOTS_FIRST = 4096,
    SLOTS_FIRST_MAX = 256 * 1024,
    SLOTS_PREFETCHED = 32 * 1024, /* from here on slots are not in the nearest cache */
    SKIPPED_ROWS = 1024 * 1024    /* then look again whether grouping helps */
};

/* At most half of the slots are taken. */
static uint64_t room_for(uint64_t slot_count)
{
    return slot_count / 2;
}

/* For as many groups as are expected. For very many as for few: they may come one after the
 * other, and then do best with a small table. */
static uint64_t first_slot_count(const AggSpec *spec)
{
    uint64_t slot_count = SLOTS_FIRST;

    if (spec->expected_groups > (double)room_for(SLOTS_FIRST_MAX))
        return slot_count;
    while ((double)room_for(slot_count) < spec->expected_groups + BATCH_ROWS_MAX)
        slot_count *= 2;
    return slot_count;
}

/* --- slots --- */

Status agg__slots_new(const AggSpec *spec, uint64_t slot_count, Error *err, uint64_t **slots_out)
{
    void *memory;

    *slots_out = NULL;
    TRY(mem_pool_alloc(spec->pool, slot_count * sizeof(uint64_t), spec->consumer, err, &memory));
    memset(memory, 0, slot_count * sizeof(uint64_t));
    *slots_out = memory;
    return ST_OK;
}

/* Only a row's slot is written here, so rows are read once each: 16 at a time, for their cache
 * misses to overlap. */
static void move_slots(const uint64_t *from, uint64_t from_count, uint64_t *to, uint64_t to_count)
{
    enum { AHEAD = 16 };
    uint64_t mask = to_count - 1;

    for (uint64_t i = 0; i < from_count; i++) {
        uint64_t position;

        if (i + AHEAD < from_count && from[i + AHEAD] != 0)
            __builtin_prefetch(agg__slot_row(from[i + AHEAD]));
        if (from[i] == 0)
            continue;
        position = ((const AggHead *)agg__slot_row(from[i]))->hash & mask;
        while (to[position] != 0)
            position = (position + 1) & mask;
        to[position] = from[i];
    }
}

Status agg__slots_double(const AggSpec *spec, uint64_t **slots, uint64_t *slot_count, Error *err)
{
    uint64_t *grown;

    TRY(agg__slots_new(spec, *slot_count * 2, err, &grown));
    move_slots(*slots, *slot_count, grown, *slot_count * 2);
    mem_pool_release(spec->pool, *slots, *slot_count * sizeof(uint64_t));
    *slots = grown;
    *slot_count *= 2;
    return ST_OK;
}

/* --- life --- */

Status agg_table_init(AggTable *table, const AggSpec *spec, Error *err)
{
    void *scratch;

    *table = (AggTable){.spec = spec};
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        row_store_init(&table->partitions[p], spec->layout.row_bytes, spec->pool, spec->consumer);
    text_store_init(&table->texts, spec->pool, spec->consumer);
    TRY(mem_pool_alloc(spec->pool, sizeof(AggScratch), spec->consumer, err, &scratch));
    table->scratch = scratch;
    TRY(agg__slots_new(spec, first_slot_count(spec), err, &table->slots));
    table->slot_count = first_slot_count(spec);
    return agg__direct_new(spec, err, &table->direct);
}

void agg_table_end(AggTable *table)
{
    if (table->spec == NULL)
        return;
    mem_pool_release(table->spec->pool, table->scratch, sizeof(AggScratch));
    table->scratch = NULL;
    mem_pool_release(table->spec->pool, table->slots, table->slot_count * sizeof(uint64_t));
    table->slots = NULL;
    agg__direct_free(table->spec, table->direct);
    table->direct = NULL;
}

void agg_table_fini(AggTable *table)
{
    if (table->spec == NULL)
        return;
    agg_table_end(table);
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        row_store_fini(&table->partitions[p]);
    text_store_fini(&table->texts);
    table->spec = NULL;
}

uint64_t agg_table_row_count(const AggTable *table)
{
    uint64_t row_count = 0;

    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        row_count += table->partitions[p].row_count;
    return row_count;
}

uint64_t agg_table_bytes(const AggTable *table)
{
    uint64_t bytes = table->texts.used_bytes + table->slot_count * sizeof(uint64_t);

    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        bytes += table->partitions[p].used_bytes;
    return bytes;
}

/* --- making groups --- */

/* The partition's next row will be written soon: a row's lines come from memory while others are
 * made. */
PREFETCHER void prefetch_next_row(const char *row, uint32_t row_bytes)
{
    __builtin_prefetch(row + row_bytes, 1);
    __builtin_prefetch(row + 2 * (size_t)row_bytes - 1, 1);
}

/* A row with its head set; keys and states are written by fill_fresh. */
static inline Status make_row(AggTable *table, const Batch *batch, uint64_t place, uint32_t i,
                              Error *err, void **row_out)
{
    uint64_t hash = table->scratch->hashes[i];
    AggHead *head;

    TRY(row_store_add_one(&table->partitions[hash >> AGG_PARTITION_SHIFT], err, row_out));
    head = *row_out;
    head->hash = hash;
    head->place = place + batch_row(batch, i);
    prefetch_next_row(*row_out, table->spec->layout.row_bytes);
    return ST_OK;
}

static Status fill_fresh(AggTable *table, const Column *columns, uint32_t count, Error *err)
{
    const AggSpec *spec = table->spec;
    AggScratch *scratch = table->scratch;

    TRY(row_write(&spec->layout, &table->texts, columns, scratch->fresh_source, count,
                  scratch->fresh_rows, err));
    if (spec->state_bytes > 0)
        for (uint32_t k = 0; k < count; k++)
            memcpy((char *)scratch->fresh_rows[k] + spec->layout.tail_offset, spec->state_template,
                   spec->state_bytes);
    return ST_OK;
}

/* Every row becomes a group of its own. */
static Status append_all(AggTable *table, const Batch *batch, const Column *columns, uint64_t place,
                         Error *err)
{
    AggScratch *scratch = table->scratch;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        TRY(make_row(table, batch, place, i, err, &scratch->rows[i]));
        scratch->fresh_rows[i] = scratch->rows[i];
        scratch->fresh_source[i] = batch_row(batch, i);
    }
    return fill_fresh(table, columns, batch->selected_count, err);
}

/* The row will be compared, then its states updated. */
PREFETCHER void prefetch_row(const AggTable *table, const char *row)
{
    __builtin_prefetch(row);
    if (table->spec->state_bytes > 0)
        __builtin_prefetch(row + table->spec->layout.tail_offset);
}

/*
 * One step for each pending row: to an empty slot, where it makes its group, or to a slot of its
 * salt, whose row is then a candidate. Returns through the counts; scratch->positions says where
 * each row stands.
 */
static Status probe_slots(AggTable *table, const Batch *batch, uint64_t place, uint32_t pending,
                          Error *err, uint32_t *fresh_count_out, uint32_t *candidate_count_out)
{
    AggScratch *scratch = table->scratch;
    uint64_t *slots = table->slots, mask = table->slot_count - 1;
    uint32_t fresh_count = 0, candidate_count = 0;

    for (uint32_t k = 0; k < pending; k++) {
        uint32_t i = scratch->pending[k];
        uint64_t hash = scratch->hashes[i], position = scratch->positions[i];

        while (slots[position] != 0 && !agg__slot_has_salt(slots[position], hash))
            position = (position + 1) & mask;
        scratch->positions[i] = position;
        if (slots[position] != 0) {
            scratch->rows[i] = agg__slot_row(slots[position]);
            prefetch_row(table, scratch->rows[i]);
            scratch->candidates[candidate_count++] = i;
            continue;
        }
        TRY(make_row(table, batch, place, i, err, &scratch->rows[i]));
        slots[position] = agg__slot_make(hash, scratch->rows[i]);
        scratch->fresh_rows[fresh_count] = scratch->rows[i];
        scratch->fresh_source[fresh_count++] = batch_row(batch, i);
    }
    *fresh_count_out = fresh_count;
    *candidate_count_out = candidate_count;
    return ST_OK;
}

static Status group_pending(AggTable *table, const Batch *batch, const Column *columns,
                            uint64_t place, uint32_t pending, Error *err)
{
    AggScratch *scratch = table->scratch;
    uint64_t mask = table->slot_count - 1;

    for (uint32_t k = 0; k < pending; k++) {
        uint32_t i = scratch->pending[k];

        scratch->positions[i] = scratch->hashes[i] & mask;
        if (table->slot_count >= SLOTS_PREFETCHED)
            __builtin_prefetch(&table->slots[scratch->positions[i]]);
    }
    while (pending > 0) {
        uint32_t fresh_count, candidate_count;

        TRY(probe_slots(table, batch, place, pending, err, &fresh_count, &candidate_count));
        TRY(fill_fresh(table, columns, fresh_count, err));
        table->group_count += fresh_count;
        row_match(&table->spec->layout, table->spec->key_count, columns, batch->selection,
                  scratch->rows, scratch->candidates, candidate_count, scratch->pending, &pending);
        for (uint32_t k = 0; k < pending; k++) {
            uint32_t i = scratch->pending[k];

            scratch->positions[i] = (scratch->positions[i] + 1) & mask;
        }
    }
    return ST_OK;
}

/* --- room --- */

static void forget_groups(AggTable *table)
{
    memset(table->slots, 0, table->slot_count * sizeof(uint64_t));
    agg__direct_clear(table->direct);
    table->has_repeats |= table->group_count > 0;
    table->group_count = 0;
    table->rows_since_clear = 0;
    table->rows_since_growth = 0;
    table->groups_at_growth = 0;
}

static Status make_room(AggTable *table, uint32_t rows, Error *err)
{
    while (table->rows_to_skip == 0 && table->group_count + rows > room_for(table->slot_count)) {
        AggChoice choice = table->slot_count < 4 * (uint64_t)rows ? AGG_GROW : agg__choose(table);

        if (choice == AGG_GROW) {
            TRY(agg__slots_double(table->spec, &table->slots, &table->slot_count, err));
            table->rows_since_growth = 0;
            table->groups_at_growth = table->group_count;
            continue;
        }
        forget_groups(table);
        if (choice == AGG_SKIP) {
            table->rows_to_skip = SKIPPED_ROWS;
            table->has_repeats = true;
        }
    }
    return ST_OK;
}

Status agg_table_find(AggTable *table, const Batch *batch, const Column *columns, uint64_t place,
                      Error *err, void **states_out)
{
    uint32_t rows = batch->selected_count, pending;
    AggScratch *scratch = table->scratch;

    TRY(make_room(table, rows, err));
    if (table->rows_to_skip > 0) {
        kernel_hash(table->spec->key_count, columns, batch, scratch->hashes);
        TRY(append_all(table, batch, columns, place, err));
        table->rows_to_skip -= rows < table->rows_to_skip ? rows : table->rows_to_skip;
    } else {
        pending = agg__direct_find(table->direct, batch, columns, scratch);
        if (pending > 0) {
            kernel_hash(table->spec->key_count, columns, batch, scratch->hashes);
            TRY(group_pending(table, batch, columns, place, pending, err));
            agg__direct_learn(table->direct, rows, scratch);
        }
        table->rows_since_clear += rows;
        table->rows_since_growth += rows;
    }
    for (uint32_t i = 0; i < rows; i++)
        states_out[i] = (char *)scratch->rows[i] + table->spec->layout.tail_offset;
    return ST_OK;
}

Status agg_table_find_only(AggTable *table, const Batch *batch, const Column *columns,
                           uint64_t place, Error *err, void **state_out)
{
    AggScratch *scratch = table->scratch;

    if (table->group_count == 0) {
        scratch->hashes[0] = 0;
        TRY(make_row(table, batch, place, 0, err, &scratch->fresh_rows[0]));
        scratch->fresh_source[0] = batch_row(batch, 0);
        TRY(fill_fresh(table, columns, 1, err));
        table->group_count = 1;
    }
    *state_out = (char *)table->partitions[0].chunks[0].rows + table->spec->layout.tail_offset;
    return ST_OK;
}

Status agg_table_add_empty(AggTable *table, Error *err)
{
    const AggSpec *spec = table->spec;
    void *row;

    TRY(row_store_add_one(&table->partitions[0], err, &row));
    memset(row, 0, spec->layout.row_bytes);
    memset((char *)row + spec->layout.null_offset, 0xff, spec->layout.null_bytes);
    if (spec->state_bytes > 0)
        memcpy((char *)row + spec->layout.tail_offset, spec->state_template, spec->state_bytes);
    return ST_OK;
}
