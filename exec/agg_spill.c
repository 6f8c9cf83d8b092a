/* agg_spill.c -- see agg_spill.h */
#include "exec/agg_spill.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/agg_merger.h"
#include "exec/agg_table_internal.h"
#include "exec/spill_resolve.h"

enum { SLOTS_FIRST = 1024, POLL_ROWS = 16 * 1024 };

static AggHead *head_of(void *row)
{
    return row;
}

static const RecordShape *shape_of(const AggSpill *spill)
{
    return &spill->space.kinds[0];
}

/* --- life --- */

/* The fields' texts, then those of the states. */
static void add_text_offsets(AggSpill *spill, Arena *arena, uint32_t text_count,
                             const uint32_t *text_offsets)
{
    const RowLayout *layout = &spill->spec->layout;
    RecordShape *shape = &spill->space.kinds[0];
    RecordShape fields = row_shape_make(arena, layout);
    uint32_t *all = ARENA_ARRAY(arena, uint32_t, fields.text_count + text_count);

    for (uint32_t i = 0; i < fields.text_count; i++)
        all[i] = fields.text_offsets[i];
    for (uint32_t i = 0; i < text_count; i++)
        all[fields.text_count + i] = layout->tail_offset + text_offsets[i];
    *shape = fields;
    shape->text_count += text_count;
    shape->text_offsets = all;
}

static void start_rows(AggSpill *spill)
{
    const AggSpec *spec = spill->spec;

    row_store_init(&spill->rows, spec->layout.row_bytes, spec->pool, spec->consumer);
    text_store_init(&spill->texts, spec->pool, spec->consumer);
}

static void drop_rows(AggSpill *spill)
{
    row_store_fini(&spill->rows);
    text_store_fini(&spill->texts);
    mem_pool_release(spill->spec->pool, spill->slots, spill->slot_count * sizeof(uint64_t));
    spill->slots = NULL;
    spill->slot_count = 0;
}

bool agg_spill_is_possible(const ExecContext *context, const AggSpec *spec)
{
    return context->threads == 1 && context->spill_folder != NULL && spec->key_count > 0;
}

Status agg_spill_open(AggSpill *spill, Arena *arena, const AggSpec *spec,
                      const ExecContext *context, uint32_t text_count, const uint32_t *text_offsets,
                      Error *err)
{
    spill->spec = spec;
    spill->context = context;
    spill->is_open = true;
    spill_space_init(&spill->space, context->spill_folder, spec->pool, spec->consumer);
    add_text_offsets(spill, arena, text_count, text_offsets);
    start_rows(spill);
    return spill_writer_init(&spill->writer, &spill->space, err);
}

void agg_spill_close(AggSpill *spill)
{
    if (!spill->is_open)
        return;
    drop_rows(spill);
    spill_writer_fini(&spill->writer);
    spill_space_fini(&spill->space);
    spill->is_open = false;
}

/* --- the table's groups --- */

void agg_spill_note(AggSpill *spill, const AggTable *table)
{
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        spill->row_counts[p] = table->partitions[p].row_count;
}

void agg_spill_undo(const AggSpill *spill, AggTable *table)
{
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        row_store_cut(&table->partitions[p], spill->row_counts[p]);
}

bool agg_spill_is_due(const AggSpill *spill, const AggTable *table)
{
    return spill->is_open && agg_table_bytes(table) > spill->context->spill_bytes;
}

static int compare_places(const void *a, const void *b)
{
    uint64_t x = head_of(*(void *const *)a)->place, y = head_of(*(void *const *)b)->place;

    return x < y ? -1 : x > y;
}

static Status write_row(SpillWriter *writer, void *row, Error *err)
{
    SpilledRecord record = {
        .hash = head_of(row)->hash, .first = head_of(row)->place, .record = row};

    return spill_write(writer, &record, err);
}

/* The rows of one batch may have changed places with each other, but not with those of others. */
static Status write_partition(AggSpill *spill, const RowStore *rows, Error *err)
{
    const uint32_t capacity = 2 * BATCH_ROWS_MAX;
    uint32_t held = 0;

    for (uint32_t c = 0; c < rows->chunk_count; c++) {
        const RowChunk *chunk = &rows->chunks[c];

        for (uint32_t i = 0; i < chunk->row_count; i++) {
            spill->window[held++] = (char *)chunk->rows + (size_t)i * rows->row_bytes;
            if (held < capacity)
                continue;
            TRY(stop_check(spill->context->stop, err));
            qsort(spill->window, held, sizeof *spill->window, compare_places);
            for (held = 0; held < capacity / 2; held++)
                TRY(write_row(&spill->writer, spill->window[held], err));
            memmove(spill->window, spill->window + held, held * sizeof *spill->window);
        }
    }
    qsort(spill->window, held, sizeof *spill->window, compare_places);
    for (uint32_t i = 0; i < held; i++)
        TRY(write_row(&spill->writer, spill->window[i], err));
    return ST_OK;
}

static Status empty_table(AggTable *table, Error *err)
{
    const AggSpec *spec = table->spec;

    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++) {
        row_store_fini(&table->partitions[p]);
        row_store_init(&table->partitions[p], spec->layout.row_bytes, spec->pool, spec->consumer);
    }
    text_store_fini(&table->texts);
    text_store_init(&table->texts, spec->pool, spec->consumer);
    agg__direct_clear(table->direct);
    mem_pool_release(spec->pool, table->slots, table->slot_count * sizeof(uint64_t));
    table->slot_count = 0;
    table->group_count = 0;
    table->has_repeats = false;
    table->rows_since_clear = table->rows_since_growth = 0;
    table->groups_at_growth = table->rows_to_skip = 0;
    TRY(agg__slots_new(spec, 4 * BATCH_ROWS_MAX, err, &table->slots));
    table->slot_count = 4 * BATCH_ROWS_MAX;
    return ST_OK;
}

Status agg_spill_write(AggSpill *spill, AggTable *table, Error *err)
{
    spill->has_begun = true;
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++) {
        if (table->partitions[p].row_count == 0)
            continue;
        spill->writer.run = spill->groups[p];
        TRY(write_partition(spill, &table->partitions[p], err));
        TRY(spill_writer_finish(&spill->writer, err));
        spill->groups[p] = spill->writer.run;
    }
    return empty_table(table, err);
}

/* --- a partition that is read back: spill_resolve's client --- */

static Str *text_at(void *row, uint32_t offset)
{
    return (Str *)(void *)((char *)row + offset);
}

/* from: a group whose texts may be those of into, which are owned. */
static Status own_texts(TextStore *texts, const RecordShape *shape, void *into, const void *before,
                        Error *err)
{
    for (uint32_t i = 0; i < shape->text_count; i++) {
        uint32_t offset = shape->text_offsets[i];
        Str *text = text_at(into, offset);

        if (text->length <= STR_INLINE_BYTES ||
            (before != NULL && memcmp(text, (const char *)before + offset, sizeof *text) == 0))
            continue;
        TRY(text_store_own(texts, text, err));
    }
    return ST_OK;
}

static Status fold_into(AggSpill *spill, void *row, const void *from, Error *err)
{
    const AggSpec *spec = spill->spec;
    const RecordShape *shape = shape_of(spill);
    uint32_t tail = spec->layout.tail_offset;
    void *before = spill->window; /* room for a group, or nothing that is a text */

    if (spec->state_bytes == 0)
        return ST_OK;
    if (spec->layout.row_bytes > sizeof spill->window)
        return error_set(err, ST_NOT_SUPPORTED, "a group of %u bytes cannot be spilled",
                         spec->layout.row_bytes);
    memcpy(before, row, spec->layout.row_bytes);
    spec->state_merge(spec->context, (char *)row + tail, (const char *)from + tail);
    return own_texts(&spill->texts, shape, row, before, err);
}

static Status make_slots(AggSpill *spill, Error *err)
{
    if (spill->slots == NULL) {
        TRY(agg__slots_new(spill->spec, SLOTS_FIRST, err, &spill->slots));
        spill->slot_count = SLOTS_FIRST;
    }
    return 2 * (spill->rows.row_count + 1) <= spill->slot_count
               ? ST_OK
               : agg__slots_double(spill->spec, &spill->slots, &spill->slot_count, err);
}

static Status keep_row(AggSpill *spill, const void *from, uint64_t position, Error *err)
{
    void *row;
    Status status;

    TRY(row_store_add_one(&spill->rows, err, &row));
    memcpy(row, from, spill->spec->layout.row_bytes);
    status = own_texts(&spill->texts, shape_of(spill), row, NULL, err);
    if (status != ST_OK)
        row_store_cut(&spill->rows, spill->rows.row_count - 1);
    else
        spill->slots[position] = agg__slot_make(head_of(row)->hash, row);
    return status;
}

/* Of a group's rows the first one comes first: its keys stay. */
static Status client_add(void *opaque, const SpilledRecord *record, Error *err, bool *is_added_out)
{
    AggSpill *spill = opaque;
    const AggSpec *spec = spill->spec;
    uint64_t position;
    Status status;

    TRY(make_slots(spill, err));
    for (position = record->hash & (spill->slot_count - 1); spill->slots[position] != 0;
         position = (position + 1) & (spill->slot_count - 1)) {
        void *row = agg__slot_row(spill->slots[position]);

        if (!agg__slot_has_salt(spill->slots[position], record->hash) ||
            !row_equal(&spec->layout, spec->key_count, row, record->record))
            continue;
        *is_added_out = true;
        return fold_into(spill, row, record->record, err);
    }
    status = keep_row(spill, record->record, position, err);
    *is_added_out = status == ST_OK;
    return status;
}

typedef Status (*RowFn)(void *to, void *row, Error *err);

static Status each_row(AggSpill *spill, RowFn fn, void *to, Error *err)
{
    const RowStore *rows = &spill->rows;

    for (uint32_t c = 0; c < rows->chunk_count; c++)
        for (uint32_t i = 0; i < rows->chunks[c].row_count; i++)
            TRY(fn(to, (char *)rows->chunks[c].rows + (size_t)i * rows->row_bytes, err));
    drop_rows(spill);
    start_rows(spill);
    return ST_OK;
}

static Status row_to_set(void *set, void *row, Error *err)
{
    SpilledRecord record = {
        .hash = head_of(row)->hash, .first = head_of(row)->place, .record = row};

    return spill_set_add(set, &record, err);
}

static Status row_to_writer(void *writer, void *row, Error *err)
{
    return write_row(writer, row, err);
}

static Status client_dump(void *opaque, SpillSet *set, Error *err)
{
    return each_row(opaque, row_to_set, set, err);
}

static Status client_finish(void *opaque, SpillWriter *results, Error *err)
{
    ((AggSpill *)opaque)->group_count += ((AggSpill *)opaque)->rows.row_count;
    return each_row(opaque, row_to_writer, results, err);
}

static size_t client_bytes(void *opaque)
{
    const AggSpill *spill = opaque;

    return spill->rows.used_bytes + spill->texts.used_bytes + spill->slot_count * sizeof(uint64_t);
}

static void client_print_key(void *opaque, const SpilledRecord *record, char *text,
                             size_t text_bytes)
{
    (void)opaque, (void)record;
    if (text_bytes > 0)
        text[0] = '\0';
}

Status agg_spill_finish(AggSpill *spill, Error *err)
{
    SpillClient client = {.context = spill,
                          .bytes_max = spill->context->spill_bytes,
                          .add = client_add,
                          .dump = client_dump,
                          .finish = client_finish,
                          .bytes = client_bytes,
                          .print_key = client_print_key,
                          .stop = spill->context->stop};

    spill_writer_fini(&spill->writer);
    for (uint32_t p = 0; p < AGG_PARTITION_COUNT; p++)
        TRY(spill_resolve_run(&client, &spill->space, &spill->groups[p], 0, err,
                              &spill->results[p]));
    return ST_OK;
}

/* --- results --- */

Status agg_spill_cursor_open(AggSpillCursor *cursor, AggSpill *spill, Arena *arena, Error *err)
{
    const AggSpec *spec = spill->spec;
    uint32_t capacity = spill->context->batch_rows;
    void *memory;

    cursor->spill = spill;
    cursor->is_merged = spill->group_count <= AGG_ORDERED_GROUPS_MAX;
    text_store_init(&cursor->texts, spec->pool, spec->consumer);
    cursor->rows = ARENA_ARRAY(arena, void *, capacity);
    TRY(mem_pool_alloc(spec->pool, (size_t)capacity * spec->layout.row_bytes, spec->consumer, err,
                       &memory));
    cursor->memory = memory;
    cursor->memory_bytes = (size_t)capacity * spec->layout.row_bytes;
    for (uint32_t i = 0; i < capacity; i++)
        cursor->rows[i] = cursor->memory + (size_t)i * spec->layout.row_bytes;
    return ST_OK;
}

void agg_spill_cursor_close(AggSpillCursor *cursor)
{
    if (cursor->spill == NULL)
        return;
    if (cursor->is_reading)
        row_merge_fini(&cursor->merge);
    text_store_fini(&cursor->texts);
    mem_pool_release(cursor->spill->spec->pool, cursor->memory, cursor->memory_bytes);
    cursor->spill = NULL;
}

/* The next runs to be read: all of them, or one. False: there is none. */
static Status begin_reading(AggSpillCursor *cursor, Error *err, bool *is_any_out)
{
    AggSpill *spill = cursor->spill;
    SpillRun runs[AGG_PARTITION_COUNT];
    uint32_t count = 0;

    for (; cursor->next < AGG_PARTITION_COUNT && (cursor->is_merged || count == 0); cursor->next++)
        if (spill->results[cursor->next].record_count > 0)
            runs[count++] = spill->results[cursor->next];
    *is_any_out = cursor->is_reading = count > 0;
    return count == 0 ? ST_OK
                      : row_merge_init(&cursor->merge, &spill->space, count, runs,
                                       spilled_compare_first, NULL, err);
}

static Status next_group(AggSpillCursor *cursor, Error *err, const SpilledRecord **record_out)
{
    for (*record_out = NULL; *record_out == NULL;) {
        bool is_any = true;

        if (!cursor->is_reading)
            TRY(begin_reading(cursor, err, &is_any));
        if (!is_any)
            return ST_OK;
        TRY(row_merge_next(&cursor->merge, err, record_out));
        if (*record_out == NULL) {
            row_merge_fini(&cursor->merge);
            cursor->is_reading = false;
        }
    }
    return ST_OK;
}

Status agg_spill_take(AggSpillCursor *cursor, Error *err, uint32_t *count_out)
{
    AggSpill *spill = cursor->spill;
    const AggSpec *spec = spill->spec;
    uint32_t count = 0;

    TRY(stop_check(spill->context->stop, err));
    text_store_fini(&cursor->texts);
    text_store_init(&cursor->texts, spec->pool, spec->consumer);
    while (count < spill->context->batch_rows) {
        const SpilledRecord *record;

        TRY(next_group(cursor, err, &record));
        if (record == NULL)
            break;
        memcpy(cursor->rows[count], record->record, spec->layout.row_bytes);
        TRY(own_texts(&cursor->texts, shape_of(spill), cursor->rows[count++], NULL, err));
    }
    *count_out = count;
    return ST_OK;
}
