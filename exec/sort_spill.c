/* sort_spill.c -- see sort_spill.h */
#include "exec/sort_spill.h"

#include "core/base/stop_check.h"

Status sort_spill_open(SortSpill *spill, const SortSpec *spec, const char *folder,
                       uint32_t batch_rows, Error *err)
{
    *spill = (SortSpill){.arena = arena_new(NULL, "sort spill", ARENA_NO_CAP),
                         .spec = spec,
                         .order = spec->shape.key};
    spill->order.compared_from = 0;
    spill_space_init(&spill->space, folder, spec->pool, spec->consumer);
    TRY(row_spill_init(&spill->rows, &spill->space, 0, spill->arena, spec->column_count,
                       spec->input_columns, batch_rows, err));
    return spill_writer_init(&spill->writer, &spill->space, err);
}

void sort_spill_close(SortSpill *spill)
{
    if (spill->arena == NULL)
        return;
    row_merge_fini(&spill->merge);
    spill_writer_fini(&spill->writer);
    row_spill_fini(&spill->rows);
    spill_space_fini(&spill->space);
    arena_free(spill->arena);
    *spill = (SortSpill){.arena = NULL};
}

/* --- merging --- */

static int compare(const void *context, const SpilledRecord *a, const SpilledRecord *b)
{
    const SortSpill *spill = context;

    return sort_key_compare(&spill->order, &spill->rows.layout, a->record, b->record);
}

static Status open_merge(SortSpill *spill, Error *err)
{
    return row_merge_init(&spill->merge, &spill->space, spill->run_count, spill->runs, compare,
                          spill, err);
}

/* All runs as one: there would be too many to read side by side. */
static Status merge_runs(SortSpill *spill, Error *err)
{
    Status status = open_merge(spill, err);

    if (status == ST_OK)
        status =
            row_merge_into(&spill->merge, &spill->space, spill->spec->stop, err, &spill->runs[0]);
    row_merge_fini(&spill->merge);
    spill->run_count = 1;
    return status;
}

Status sort_spill_merge(SortSpill *spill, Error *err)
{
    spill_writer_fini(&spill->writer);
    return open_merge(spill, err);
}

Status sort_spill_next(SortSpill *spill, Error *err, Batch *batch_out)
{
    const SpilledRecord *record = NULL;
    uint32_t count;

    TRY(stop_check(spill->spec->stop, err));
    do {
        TRY(row_merge_next(&spill->merge, err, &record));
        if (record != NULL)
            TRY(row_spill_take(&spill->rows, record->record, err));
    } while (record != NULL && spill->rows.count < spill->rows.capacity);
    count = row_spill_columns(&spill->rows);
    *batch_out = (Batch){.column_count = spill->rows.layout.field_count,
                         .row_count = count,
                         .selected_count = count,
                         .columns = spill->rows.reader.columns,
                         .sequence = spill->sequence};
    spill->sequence += count;
    return ST_OK;
}

/* --- runs --- */

static Status sort(Sorter *sorter, Error *err)
{
    uint32_t tasks = 1;

    for (uint32_t phase = 0; tasks > 0; phase++) {
        TRY(sorter_begin(sorter, phase, err, &tasks));
        for (uint32_t t = 0; t < tasks; t++)
            TRY(sorter_task(sorter, phase, t, err));
    }
    return ST_OK;
}

static Status write_batch(SortSpill *spill, const Batch *batch, Error *err)
{
    TRY(stop_check(spill->spec->stop, err));
    TRY(row_spill_fill(&spill->rows, batch->columns, batch->selection, batch->selected_count, err));
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        SpilledRecord record = {.record = spill->rows.rows[i]};

        TRY(spill_write(&spill->writer, &record, err));
    }
    return ST_OK;
}

static Status write_sorted(SortSpill *spill, const Sorter *sorter, Error *err)
{
    SortCursor *cursor;
    Batch batch = {.row_count = 1};
    Status status = sort_cursor_open(sorter, spill->rows.capacity, err, &cursor);

    if (status == ST_OK)
        sort_cursor_seek(cursor, 0, 0, sorter->row_count);
    while (status == ST_OK && batch.row_count > 0) {
        sort_cursor_next(cursor, &batch);
        status = write_batch(spill, &batch, err);
    }
    sort_cursor_close(cursor);
    if (status == ST_OK)
        status = spill_writer_finish(&spill->writer, err);
    return status;
}

Status sort_spill_run(SortSpill *spill, SortRun *run, Error *err)
{
    Sorter sorter;
    Status status;

    if (run->entries.row_count == 0)
        return ST_OK;
    sort_run_end(run);
    sorter_init(&sorter, spill->spec);
    sorter_add_run(&sorter, run);
    status = sort(&sorter, err);
    if (status == ST_OK)
        status = write_sorted(spill, &sorter, err);
    sorter_fini(&sorter);
    sort_run_fini(run);
    TRY(status);
    if (spill->run_count == MERGE_RUNS_MAX)
        TRY(merge_runs(spill, err));
    spill->runs[spill->run_count++] = spill->writer.run;
    spill->writer.run = (SpillRun){.record_count = 0};
    return sort_run_init(run, spill->spec, err);
}
