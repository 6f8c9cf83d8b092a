/* row_spill.c -- see row_spill.h */
#include "exec/row_spill.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"

/* --- rows --- */

RecordShape row_shape_make(Arena *arena, const RowLayout *layout)
{
    uint32_t *offsets = ARENA_ARRAY(arena, uint32_t, layout->field_count);
    RecordShape shape = {.bytes = layout->row_bytes, .text_offsets = offsets, .is_row = true};

    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].phys == PHYS_STR)
            offsets[shape.text_count++] = layout->fields[i].offset;
    return shape;
}

static size_t rows_bytes(const RowSpill *spill)
{
    return (size_t)spill->capacity * spill->layout.row_bytes;
}

Status row_spill_init(RowSpill *spill, SpillSpace *space, uint32_t kind, Arena *arena,
                      uint32_t column_count, const PlanColumn *columns, uint32_t capacity,
                      Error *err)
{
    Type *types = ARENA_ARRAY(arena, Type, column_count);

    for (uint32_t i = 0; i < column_count; i++)
        types[i] = columns[i].type;
    *spill = (RowSpill){.layout = row_layout_make(arena, 0, column_count, types, 0),
                        .pool = space->pool,
                        .consumer = space->consumer,
                        .capacity = capacity,
                        .rows = ARENA_ARRAY(arena, void *, capacity)};
    space->kinds[kind] = row_shape_make(arena, &spill->layout);
    text_store_init(&spill->texts, space->pool, space->consumer);
    TRY(mem_pool_alloc(space->pool, rows_bytes(spill), space->consumer, err, &spill->memory));
    for (uint32_t i = 0; i < capacity; i++)
        spill->rows[i] = (char *)spill->memory + (size_t)i * spill->layout.row_bytes;
    return row_reader_init(&spill->reader, &spill->layout, capacity, arena, space->pool,
                           space->consumer, err);
}

void row_spill_fini(RowSpill *spill)
{
    if (spill->pool == NULL)
        return;
    text_store_fini(&spill->texts);
    mem_pool_release(spill->pool, spill->memory, rows_bytes(spill));
    row_reader_fini(&spill->reader);
    spill->pool = NULL;
}

Status row_spill_fill(RowSpill *spill, const Column *columns, const uint32_t *selection,
                      uint32_t count, Error *err)
{
    ASSERT(count <= spill->capacity);
    return row_write(&spill->layout, NULL, columns, selection, count, spill->rows, err);
}

Status row_spill_take(RowSpill *spill, const char *row, Error *err)
{
    char *copy = spill->rows[spill->count];

    ASSERT(spill->count < spill->capacity);
    if (spill->count == 0) { /* of the batch before */
        text_store_fini(&spill->texts);
        text_store_init(&spill->texts, spill->pool, spill->consumer);
    }
    memcpy(copy, row, spill->layout.row_bytes);
    for (uint32_t i = 0; spill->layout.has_text && i < spill->layout.field_count; i++) {
        Str text;

        if (spill->layout.fields[i].phys != PHYS_STR)
            continue;
        memcpy(&text, copy + spill->layout.fields[i].offset, sizeof text);
        if (text.length <= STR_INLINE_BYTES)
            continue;
        TRY(text_store_own(&spill->texts, &text, err));
        memcpy(copy + spill->layout.fields[i].offset, &text, sizeof text);
    }
    spill->count++;
    return ST_OK;
}

uint32_t row_spill_columns(RowSpill *spill)
{
    uint32_t count = spill->count;

    if (count > 0)
        row_reader_read(&spill->reader, (const void *const *)spill->rows, count);
    spill->count = 0;
    return count;
}

/* --- merging --- */

int spilled_compare_first(const void *context, const SpilledRecord *a, const SpilledRecord *b)
{
    (void)context;
    return a->first < b->first ? -1 : a->first > b->first;
}

Status row_merge_init(RowMerge *merge, const SpillSpace *space, uint32_t run_count,
                      const SpillRun *runs, RunCompareFn compare, const void *context, Error *err)
{
    CHECK(run_count <= MERGE_RUNS_MAX);
    memset(merge, 0, sizeof *merge);
    merge->compare = compare;
    merge->context = context;
    for (; merge->run_count < run_count; merge->run_count++)
        TRY(spill_reader_init(&merge->readers[merge->run_count], space, &runs[merge->run_count],
                              err));
    return ST_OK;
}

void row_merge_fini(RowMerge *merge)
{
    for (uint32_t i = 0; i <= merge->run_count && i < MERGE_RUNS_MAX; i++)
        if (merge->readers[i].space != NULL)
            spill_reader_fini(&merge->readers[i]);
}

static bool is_before(const RowMerge *merge, uint32_t a, uint32_t b)
{
    int order = merge->compare(merge->context, &merge->records[a], &merge->records[b]);

    return order < 0 || (order == 0 && a < b);
}

/* The run at `at` goes down to where it belongs. */
static void sift(RowMerge *merge, uint32_t at)
{
    uint32_t run = merge->heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= merge->heap_count)
            break;
        if (child + 1 < merge->heap_count &&
            is_before(merge, merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!is_before(merge, merge->heap[child], run))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = run;
}

static Status begin(RowMerge *merge, Error *err)
{
    for (uint32_t i = 0; i < merge->run_count; i++) {
        bool is_any;

        TRY(spill_reader_next(&merge->readers[i], err, &merge->records[i], &is_any));
        if (is_any)
            merge->heap[merge->heap_count++] = i;
    }
    for (uint32_t i = merge->heap_count / 2; i-- > 0;)
        sift(merge, i);
    merge->is_begun = true;
    return ST_OK;
}

Status row_merge_next(RowMerge *merge, Error *err, const SpilledRecord **record_out)
{
    *record_out = NULL;
    if (!merge->is_begun) {
        TRY(begin(merge, err));
    } else if (merge->heap_count > 0) { /* the one that was given out last goes */
        uint32_t run = merge->heap[0];
        bool is_any;

        TRY(spill_reader_next(&merge->readers[run], err, &merge->records[run], &is_any));
        if (!is_any)
            merge->heap[0] = merge->heap[--merge->heap_count];
        if (merge->heap_count > 0)
            sift(merge, 0);
    }
    if (merge->heap_count > 0)
        *record_out = &merge->records[merge->heap[0]];
    return ST_OK;
}

static Status merge_all(RowMerge *merge, SpillWriter *writer, const atomic_bool *stop, Error *err)
{
    const SpilledRecord *record;

    for (;;) {
        TRY(stop_check(stop, err));
        TRY(row_merge_next(merge, err, &record));
        if (record == NULL)
            return spill_writer_finish(writer, err);
        TRY(spill_write(writer, record, err));
    }
}

Status row_merge_into(RowMerge *merge, SpillSpace *space, const atomic_bool *stop, Error *err,
                      SpillRun *run_out)
{
    SpillWriter writer;
    Status status = spill_writer_init(&writer, space, err);

    if (status == ST_OK)
        status = merge_all(merge, &writer, stop, err);
    spill_writer_fini(&writer);
    *run_out = writer.run;
    return status;
}

/* --- first in, first out --- */

static Status open_fifo(RowFifo *fifo, uint32_t column_count, const PlanColumn *columns,
                        uint32_t batch_rows, const char *folder, MemPool *pool,
                        const char *consumer, Error *err)
{
    fifo->arena = arena_new(NULL, "rows that wait", ARENA_NO_CAP);
    spill_space_init(&fifo->space, folder, pool, consumer);
    TRY(row_spill_init(&fifo->rows, &fifo->space, 0, fifo->arena, column_count, columns, batch_rows,
                       err));
    return spill_writer_init(&fifo->writer, &fifo->space, err);
}

Status row_fifo_put(RowFifo *fifo, const Batch *batch, const PlanColumn *columns,
                    uint32_t batch_rows, const char *folder, MemPool *pool, const char *consumer,
                    Error *err)
{
    if (fifo->arena == NULL)
        TRY(open_fifo(fifo, batch->column_count, columns, batch_rows, folder, pool, consumer, err));
    TRY(row_spill_fill(&fifo->rows, batch->columns, NULL, batch->row_count, err));
    for (uint32_t i = 0; i < batch->row_count; i++) {
        SpilledRecord record = {.record = fifo->rows.rows[i]};

        TRY(spill_write(&fifo->writer, &record, err));
    }
    fifo->row_count += batch->row_count;
    return ST_OK;
}

/* What was written so far is read next. */
static Status turn(RowFifo *fifo, Error *err)
{
    TRY(spill_writer_finish(&fifo->writer, err));
    spill_reader_fini(&fifo->reader);
    TRY(spill_reader_init(&fifo->reader, &fifo->space, &fifo->writer.run, err));
    fifo->writer.run = (SpillRun){.record_count = 0};
    return ST_OK;
}

Status row_fifo_take(RowFifo *fifo, Error *err, Batch *batch_out)
{
    uint32_t count;
    bool is_any = true;

    CHECK(fifo->row_count > 0);
    while (is_any && fifo->rows.count < fifo->rows.capacity) {
        SpilledRecord record;

        is_any = false;
        if (fifo->reader.buffer != NULL)
            TRY(spill_reader_next(&fifo->reader, err, &record, &is_any));
        if (is_any)
            TRY(row_spill_take(&fifo->rows, record.record, err));
        if (is_any || fifo->rows.count > 0)
            continue;
        TRY(turn(fifo, err));
        is_any = true;
    }
    count = row_spill_columns(&fifo->rows);
    fifo->row_count -= count;
    *batch_out = (Batch){.column_count = fifo->rows.layout.field_count,
                         .row_count = count,
                         .columns = fifo->rows.reader.columns,
                         .selected_count = count};
    return ST_OK;
}

void row_fifo_fini(RowFifo *fifo)
{
    if (fifo->arena == NULL)
        return;
    spill_reader_fini(&fifo->reader);
    spill_writer_fini(&fifo->writer);
    row_spill_fini(&fifo->rows);
    spill_space_fini(&fifo->space);
    arena_free(fifo->arena);
    *fifo = (RowFifo){.arena = NULL};
}
