/*
 * join_table.c -- see join_table.h
 *
 *     phase 0   order the segments, choose the form; tasks: clear, then mark bits or count slots
 *     phase 1   where each part's rows start; tasks: move rows
 *     phase 2   let go of what was collected
 *
 * A task reads all hashes and picks those of its part: cheap next to moving rows, as long as there
 * are few parts.
 */
#include "exec/join_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join_table_internal.h"

static const char consumer_name[] = "hash join build";

enum {
    PART_ROWS_MIN = 32768,       /* fewer are not worth a task of their own            */
    DIRECT_SPARSE = 64,          /* possible keys a row that a direct table may have   */
    DIRECT_RANGE_SMALL = 1 << 18 /* always direct below this                           */
};

void join_table_init(JoinTable *table, const ExecContext *context, const JoinLayout *layout)
{
    *table = (JoinTable){
        .context = context, .layout = layout, .min_key = INT64_MAX, .max_key = INT64_MIN};
}

static void release(JoinTable *table, void *pointer_to_pointer, size_t *bytes)
{
    void **memory = pointer_to_pointer;

    mem_pool_release(table->context->pool, *memory, *bytes);
    *memory = NULL;
    *bytes = 0;
}

static Status acquire(JoinTable *table, size_t bytes, Error *err, void *pointer_to_pointer,
                      size_t *bytes_out)
{
    void **memory = pointer_to_pointer;

    TRY(mem_pool_alloc(table->context->pool, bytes, consumer_name, err, memory));
    *bytes_out = bytes;
    table->peak_bytes += bytes;
    return ST_OK;
}

/* What is of no use once rows have been moved; texts stay. */
static void release_collected(JoinTable *table)
{
    MemPool *pool = table->context->pool;

    for (JoinChunk *chunk = table->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        mem_pool_release(pool, chunk, chunk->memory_bytes);
    }
    table->chunks = NULL;
    mem_pool_release(pool, table->segments, table->segment_capacity * sizeof(JoinSegment));
    table->segments = NULL;
    mem_pool_release(pool, table->segment_rows, table->segment_count * sizeof(uint64_t));
    table->segment_rows = NULL;
    mem_pool_release(pool, table->parts, table->part_count * sizeof(JoinPart));
    table->parts = NULL;
}

void join_table_close(JoinTable *table)
{
    if (table->context == NULL)
        return;
    release_collected(table);
    for (uint32_t i = 0; i < table->text_count; i++)
        text_store_fini(&table->texts[i]);
    mem_pool_release(table->context->pool, table->texts, table->text_capacity * sizeof(TextStore));
    release(table, &table->rows, &table->rows_bytes);
    release(table, &table->words, &table->words_bytes);
    release(table, &table->ends, &table->ends_bytes);
    release(table, &table->entries, &table->entries_bytes);
    release(table, &table->order, &table->order_bytes);
    release(table, &table->matched, &table->matched_bytes);
    table->context = NULL;
}

/* --- combining --- */

static Status reserve_segments(JoinTable *table, uint32_t more, Error *err)
{
    uint32_t needed = table->segment_count + more;
    uint32_t capacity = table->segment_capacity == 0 ? 16 : table->segment_capacity;
    void *memory = table->segments;

    if (needed <= table->segment_capacity)
        return ST_OK;
    while (capacity < needed)
        capacity *= 2;
    TRY(mem_pool_realloc(table->context->pool, &memory,
                         table->segment_capacity * sizeof(JoinSegment),
                         capacity * sizeof(JoinSegment), consumer_name, err));
    table->segments = memory;
    table->segment_capacity = capacity;
    return ST_OK;
}

static Status reserve_text(JoinTable *table, Error *err)
{
    uint32_t capacity = table->text_capacity == 0 ? 8 : 2 * table->text_capacity;
    void *memory = table->texts;

    if (table->text_count < table->text_capacity)
        return ST_OK;
    TRY(mem_pool_realloc(table->context->pool, &memory, table->text_capacity * sizeof(TextStore),
                         capacity * sizeof(TextStore), consumer_name, err));
    table->texts = memory;
    table->text_capacity = capacity;
    return ST_OK;
}

Status join_table_combine(JoinTable *table, JoinRows *rows, Error *err)
{
    JoinChunk *last = rows->chunks;
    uint64_t row_count = (uint64_t)table->row_count + rows->row_count;

    if (row_count >= UINT32_MAX)
        return error_set(err, ST_NOT_SUPPORTED,
                         "a hash join's build side has more than 4 billion rows");
    TRY(reserve_segments(table, rows->segment_count, err));
    TRY(reserve_text(table, err));
    if (rows->segment_count > 0)
        memcpy(table->segments + table->segment_count, rows->segments,
               rows->segment_count * sizeof(JoinSegment));
    table->segment_count += rows->segment_count;
    rows->segment_count = 0;
    if (last != NULL) {
        while (last->next != NULL)
            last = last->next;
        last->next = table->chunks;
        table->chunks = rows->chunks;
        rows->chunks = NULL;
    }
    table->texts[table->text_count++] = rows->texts;
    table->peak_bytes += rows->used_bytes + rows->texts.used_bytes;
    text_store_init(&rows->texts, table->context->pool, consumer_name);
    table->row_count = (uint32_t)row_count;
    table->reachable_count += (uint32_t)(rows->row_count - rows->nowhere_count);
    if (rows->min_key < table->min_key)
        table->min_key = rows->min_key;
    if (rows->max_key > table->max_key)
        table->max_key = rows->max_key;
    return ST_OK;
}

/* --- phase 0: order and form --- */

static int compare_segments(const void *a, const void *b)
{
    const JoinSegment *x = a, *y = b;

    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static Status order_segments(JoinTable *table, Error *err)
{
    uint64_t row = 0;
    void *memory;

    if (table->segment_count > 0)
        qsort(table->segments, table->segment_count, sizeof(JoinSegment), compare_segments);
    TRY(mem_pool_alloc(table->context->pool, table->segment_count * sizeof(uint64_t), consumer_name,
                       err, &memory));
    table->segment_rows = memory;
    for (uint32_t i = 0; i < table->segment_count; i++) {
        table->segment_rows[i] = row;
        row += table->segments[i].count;
    }
    CHECK(row == table->row_count);
    return ST_OK;
}

static bool wants_direct(const JoinTable *table)
{
    uint64_t range = (uint64_t)table->max_key - (uint64_t)table->min_key;

    if (!table->layout->is_direct_able || table->reachable_count == 0)
        return false;
    return range < DIRECT_RANGE_SMALL || range / DIRECT_SPARSE < table->reachable_count;
}

static Status make_direct(JoinTable *table, Error *err)
{
    table->form = JOIN_FORM_DIRECT;
    table->range = (uint64_t)table->max_key - (uint64_t)table->min_key + 1;
    table->slot_count = (table->range + 63) / 64; /* words: a part begins at a whole one */
    TRY(acquire(table, table->slot_count * sizeof(JoinWord), err, &table->words,
                &table->words_bytes));
    return ST_OK;
}

static Status make_hashed(JoinTable *table, Error *err)
{
    uint32_t bits = 6;

    while (((uint64_t)1 << bits) < table->reachable_count + table->reachable_count / 4)
        bits++;
    table->form = JOIN_FORM_HASHED;
    table->slot_count = (uint64_t)1 << bits;
    table->shift = 64 - bits;
    TRY(acquire(table, (table->slot_count + 1) * sizeof(uint64_t), err, &table->entries,
                &table->entries_bytes));
    table->entries[0] = 0;
    return ST_OK;
}

static Status make_parts(JoinTable *table, Error *err)
{
    uint32_t count = table->row_count / PART_ROWS_MIN + 1;
    void *memory;

    if (count > table->context->threads)
        count = table->context->threads;
    TRY(mem_pool_alloc(table->context->pool, count * sizeof(JoinPart), consumer_name, err,
                       &memory));
    table->parts = memory;
    table->part_count = count;
    for (uint32_t i = 0; i < count; i++)
        table->parts[i] = (JoinPart){.first_slot = table->slot_count * i / count,
                                     .end_slot = table->slot_count * (i + 1) / count};
    return ST_OK;
}

static Status begin_marking(JoinTable *table, Error *err, uint32_t *task_count_out)
{
    TRY(order_segments(table, err));
    if (table->keeps_order)
        TRY(acquire(table, table->row_count * sizeof(uint32_t), err, &table->order,
                    &table->order_bytes));
    if (table->keeps_matched) {
        TRY(acquire(table, table->row_count, err, &table->matched, &table->matched_bytes));
        memset((void *)table->matched, 0, table->row_count);
    }
    if (table->layout->key_count == 0)
        table->form = JOIN_FORM_ALL;
    else if (wants_direct(table))
        TRY(make_direct(table, err));
    else
        TRY(make_hashed(table, err));
    table->has_rows = !table->asks_only || table->form != JOIN_FORM_DIRECT ||
                      table->reachable_count <= JOIN_ROWS_FEW;
    if (table->has_rows)
        TRY(acquire(table, (size_t)table->row_count * table->layout->row_bytes, err, &table->rows,
                    &table->rows_bytes));
    TRY(make_parts(table, err));
    *task_count_out = table->form == JOIN_FORM_ALL ? 1 : table->part_count;
    return ST_OK;
}

/* --- phase 1: where parts start --- */

static Status begin_moving(JoinTable *table, Error *err, uint32_t *task_count_out)
{
    uint64_t rows = 0;
    bool has_duplicates = false;

    for (uint32_t i = 0; i < table->part_count; i++) {
        table->parts[i].first_row = rows;
        rows += table->parts[i].row_count;
        has_duplicates |= table->parts[i].has_duplicates;
    }
    table->is_unique = table->form == JOIN_FORM_ALL ? table->row_count <= 1 : !has_duplicates;
    if (table->form == JOIN_FORM_DIRECT) {
        join_table__rank(table);
        if (has_duplicates && table->has_rows) {
            TRY(acquire(table, ((size_t)table->distinct_count + 1) * sizeof(uint32_t), err,
                        &table->ends, &table->ends_bytes));
            memset(table->ends, 0, table->ends_bytes);
        }
    }
    *task_count_out = table->form == JOIN_FORM_ALL ? 1 : table->part_count;
    return ST_OK;
}

static void end_moving(JoinTable *table)
{
    if (table->form == JOIN_FORM_HASHED)
        for (uint32_t i = 0; i < table->part_count; i++)
            table->is_unique &= !table->parts[i].has_duplicates;
    release_collected(table);
}

Status join_table_finish_begin(JoinTable *table, uint32_t phase, Error *err,
                               uint32_t *task_count_out)
{
    *task_count_out = 0;
    if (phase == 0)
        return begin_marking(table, err, task_count_out);
    if (phase == 1)
        return begin_moving(table, err, task_count_out);
    if (phase == 2)
        end_moving(table);
    return ST_OK;
}

Status join_table_finish_task(JoinTable *table, uint32_t phase, uint32_t task, Error *err)
{
    if (phase == 0)
        return join_table__mark(table, &table->parts[task], err);
    return join_table__move(table, task, err);
}
