/* join_spill.c -- both inputs to files, and what was joined out of them; see join_spill.h */
#include "exec/join_spill.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"

static const char consumer_name[] = "hash join";

enum { ACTIVE_BYTES = 512 << 10 }; /* collected between two writes */

void join_spill_make(Join *join)
{
    if (join->context->threads != 1 || join->context->spill_folder == NULL ||
        join->null_aware != NULL)
        return;
    join->spill = ARENA_NEW(join->arena, JoinSpill);
    join->spill->join = join;
}

/* --- life --- */

static RecordShape build_shape(const Join *join, Arena *arena)
{
    const JoinLayout *layout = &join->layout;
    uint32_t *offsets = ARENA_ARRAY(arena, uint32_t, layout->key_count + layout->column_count);
    RecordShape shape = {.bytes = layout->row_bytes, .text_offsets = offsets, .is_row = true};

    for (uint32_t k = 0; k < layout->key_count; k++)
        if (layout->keys[k].phys == PHYS_STR)
            offsets[shape.text_count++] = layout->keys[k].offset;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        bool is_new = layout->columns[c].phys == PHYS_STR;

        for (uint32_t i = 0; i < shape.text_count; i++)
            is_new &= offsets[i] != layout->columns[c].offset;
        if (is_new)
            offsets[shape.text_count++] = layout->columns[c].offset;
    }
    return shape;
}

static size_t scratch_bytes(void)
{
    return (size_t)3 * BATCH_ROWS_MAX * sizeof(uint64_t);
}

Status join_spill_open(Join *join, Error *err)
{
    JoinSpill *spill = join->spill;

    if (spill == NULL)
        return ST_OK;
    *spill = (JoinSpill){.join = join, .arena = arena_new(NULL, "join spill", ARENA_NO_CAP)};
    spill_space_init(&spill->space, join->context->spill_folder, join->context->pool,
                     consumer_name);
    spill->space.kinds[JOIN_SPILL_BUILD] = build_shape(join, spill->arena);
    return spill_set_init(&spill->build, &spill->space, 0, err);
}

void join_spill_close(Join *join)
{
    JoinSpill *spill = join->spill;

    if (spill == NULL || spill->arena == NULL)
        return;
    spill_set_fini(&spill->build);
    spill_set_fini(&spill->left);
    row_spill_fini(&spill->left_rows);
    row_spill_fini(&spill->out_rows);
    mem_pool_release(join->context->pool, spill->scratch, scratch_bytes());
    spill_space_fini(&spill->space);
    arena_free(spill->arena);
    *spill = (JoinSpill){.join = join};
}

/* --- build rows --- */

Status join_segments_spill(JoinSpill *spill, const JoinSegment *segments, uint32_t segment_count,
                           const uint64_t *numbers, uint64_t *number, SpillSet *set, Error *err)
{
    const JoinLayout *layout = &spill->join->layout;
    uint64_t place = 0;

    for (uint32_t s = 0; s < segment_count; s++) {
        const JoinChunk *chunk = segments[s].chunk;

        TRY(stop_check(spill->join->context->stop, err));
        for (uint32_t i = segments[s].first; i < segments[s].first + segments[s].count; i++) {
            uint64_t first = numbers != NULL ? numbers[place++] : (*number)++;
            bool is_nowhere = chunk->is_nowhere != NULL && chunk->is_nowhere[i] != 0;
            SpilledRecord record = {.kind = JOIN_SPILL_BUILD,
                                    .hash = layout->is_direct_able
                                                ? join_hash_word(chunk->hashes[i])
                                                : chunk->hashes[i],
                                    .first = first << 1 | is_nowhere,
                                    .record = chunk->rows + (size_t)i * layout->row_bytes};

            if (layout->key_count == 0)
                record.hash = 0;
            TRY(spill_set_add(set, &record, err));
        }
    }
    return ST_OK;
}

/* What the left input needs, now that there is room. */
static Status activate(JoinSpill *spill, Error *err)
{
    const Join *join = spill->join;
    void *memory;

    if (spill->is_active)
        return ST_OK;
    spill->is_active = true;
    TRY(mem_pool_alloc(join->context->pool, scratch_bytes(), consumer_name, err, &memory));
    spill->scratch = memory;
    TRY(row_spill_init(&spill->left_rows, &spill->space, JOIN_SPILL_LEFT, spill->arena,
                       join->left->column_count, join->left->columns, BATCH_ROWS_MAX, err));
    TRY(row_spill_init(&spill->out_rows, &spill->space, JOIN_SPILL_OUT, spill->arena,
                       join->node->column_count, join->node->columns, BATCH_ROWS_MAX, err));
    return spill_set_init(&spill->left, &spill->space, 0, err);
}

Status join_spill_rows(Join *join, JoinRows *rows, Error *err)
{
    JoinSpill *spill = join->spill;

    TRY(join_segments_spill(spill, rows->segments, rows->segment_count, NULL, &spill->build_count,
                            &spill->build, err));
    join_rows_clear(rows);
    return activate(spill, err);
}

Status join_spill_table(Join *join, Error *err)
{
    JoinSpill *spill = join->spill;
    JoinTable *table = &join->table;

    TRY(join_segments_spill(spill, table->segments, table->segment_count, NULL, &spill->build_count,
                            &spill->build, err));
    join_close_table(join);
    join_open_table(join);
    return activate(spill, err);
}

/* Memory was refused: the batch's rows that are not in come after the others are out. */
static Status add_rest(Join *join, JoinRows *rows, const Column *keys, const Column *columns,
                       const Batch *batch, uint32_t done, Error *err)
{
    uint32_t rest[BATCH_ROWS_MAX];
    Batch part = *batch;

    TRY(join_spill_rows(join, rows, err));
    for (uint32_t i = done; i < batch->selected_count; i++)
        rest[i - done] = batch_row(batch, i);
    part.selection = rest;
    part.selected_count = batch->selected_count - done;
    return join_rows_add(rows, keys, columns, &part, err);
}

Status join_spill_add(Join *join, JoinRows *rows, const Column *keys, const Column *columns,
                      const Batch *batch, Error *err)
{
    uint64_t before = rows->row_count;
    Status status = join_rows_add(rows, keys, columns, batch, err);

    if (join->spill == NULL || (status != ST_OK && status != ST_OUT_OF_MEMORY))
        return status;
    if (status == ST_OUT_OF_MEMORY)
        return add_rest(join, rows, keys, columns, batch, (uint32_t)(rows->row_count - before),
                        err);
    if (join_spill_is_much(join, rows) ||
        (join->spill->is_active && join_rows_bytes(rows) > ACTIVE_BYTES))
        return join_spill_rows(join, rows, err);
    return ST_OK;
}

/* --- left rows --- */

Status join_spill_left(const Join *join, const Column *keys, const Batch *batch, Error *err)
{
    JoinSpill *spill = join->spill;
    uint64_t *hashes = spill->scratch + 2 * BATCH_ROWS_MAX;

    join_keys_hash(&join->layout, keys, batch, spill->scratch, hashes);
    TRY(row_spill_fill(&spill->left_rows, batch->columns, batch->selection, batch->selected_count,
                       err));
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        SpilledRecord record = {.kind = JOIN_SPILL_LEFT,
                                .hash = hashes[i],
                                .first = spill->left_count++,
                                .record = spill->left_rows.rows[i]};

        TRY(spill_set_add(&spill->left, &record, err));
    }
    return ST_OK;
}

/* --- what comes out --- */

struct JoinSpillCursor {
    JoinSpill *spill;
    JoinResults results;
    bool is_lone; /* after the pairs */
    RowMerge merge;
};

static Status open_run(JoinSpillCursor *cursor, const SpillRun *run, Error *err)
{
    row_merge_fini(&cursor->merge);
    return row_merge_init(&cursor->merge, &cursor->spill->space, 1, run, spilled_compare_first,
                          NULL, err);
}

static Status join_all(JoinSpillCursor *cursor, Error *err)
{
    JoinSpill *spill = cursor->spill;
    JoinResults parts[SPILL_PARTS] = {0};

    TRY(spill_set_finish(&spill->build, err));
    TRY(spill_set_finish(&spill->left, err));
    spill_set_fini(&spill->build);
    spill_set_fini(&spill->left);
    join_close_table(spill->join);
    for (uint32_t i = 0; i < SPILL_PARTS; i++)
        TRY(join_part(spill, &spill->build.parts[i].run, &spill->left.parts[i].run, 1, err,
                      &parts[i]));
    return join_merge_parts(spill, parts, err, &cursor->results);
}

Status join_spill_join(Join *join, Error *err, JoinSpillCursor **cursor_out)
{
    JoinSpill *spill = join->spill;
    JoinSpillCursor *cursor = ARENA_NEW(spill->arena, JoinSpillCursor);

    *cursor_out = cursor;
    cursor->spill = spill;
    spill->is_joining = true;
    join->output_count++;
    TRY(join_all(cursor, err));
    return open_run(cursor, &cursor->results.pairs, err);
}

void join_spill_end(JoinSpillCursor *cursor)
{
    if (cursor == NULL)
        return;
    row_merge_fini(&cursor->merge);
    if (cursor->spill->is_joining)
        cursor->spill->join->output_count--;
    cursor->spill->is_joining = false;
}

/* The next row; NULL at the end. */
static Status next_row(JoinSpillCursor *cursor, Error *err, const SpilledRecord **record_out)
{
    TRY(row_merge_next(&cursor->merge, err, record_out));
    if (*record_out != NULL || cursor->is_lone)
        return ST_OK;
    cursor->is_lone = true;
    TRY(open_run(cursor, &cursor->results.lone, err));
    return row_merge_next(&cursor->merge, err, record_out);
}

Status join_spill_next(JoinSpillCursor *cursor, uint64_t *sequence, Error *err, Batch *batch_out)
{
    RowSpill *rows = &cursor->spill->out_rows;
    const SpilledRecord *record = NULL;
    uint32_t count;

    TRY(stop_check(cursor->spill->join->context->stop, err));
    do {
        TRY(next_row(cursor, err, &record));
        if (record != NULL)
            TRY(row_spill_take(rows, record->record, err));
    } while (record != NULL && rows->count < cursor->spill->join->context->batch_rows);
    count = row_spill_columns(rows);
    *batch_out = (Batch){.column_count = rows->layout.field_count,
                         .row_count = count,
                         .selected_count = count,
                         .columns = rows->reader.columns,
                         .sequence = *sequence};
    *sequence += count;
    return ST_OK;
}
