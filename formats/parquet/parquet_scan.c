/*
 * parquet_scan.c -- rows out of row groups
 *
 *     row group:  statistics or Bloom filters say no?  -> passed over
 *                 page indexes        -> ranges of rows that may match
 *     window of up to batch_rows rows of a range:
 *                 predicates, the best first, each on the rows that are left
 *                 no row left?        -> the other columns are not even positioned
 *                 the other columns   -> a batch with a selection
 *
 * Predicate columns that are wanted too are decoded once. A batch never spans row groups, so it
 * has one dictionary per column.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "formats/parquet/bloom_filter.h"
#include "formats/parquet/page_index.h"
#include "formats/parquet/parquet_internal.h"
#include "formats/parquet/scan_filter.h"

enum { REORDER_WINDOWS = 16 };

typedef struct ParquetScan {
    const ParquetTable *table;
    const ParquetFile *stored;
    const ScanRequest *request;
    Split split;
    const File *file;
    File *opened; /* the scan's own descriptor, or NULL */
    CodecState *codecs;
    Arena *arena;       /* the scan's                       */
    Arena *group_arena; /* page indexes of the row group     */

    uint32_t reader_count; /* one a column used, wanted ones first */
    ColumnReader *readers;
    bool *is_loaded;          /* this window; one a reader          */
    uint32_t *output_readers; /* of request->columns            */
    uint32_t filter_count;
    ScanFilter *filters;
    uint32_t *filter_order;
    uint32_t *selection;
    Column *columns;

    uint32_t group;                  /* the next row group                 */
    int64_t group_rows, group_start; /* of the current one; start counts in the split */
    RowRanges ranges;
    uint32_t range; /* in ranges                          */
    int64_t row;    /* in the row group                   */
    uint32_t windows;
    uint64_t counted_bytes, index_bytes;
} ParquetScan;

static size_t selection_bytes(const ScanRequest *request)
{
    /* rows, scratch for dictionaries, and what branch-free loops write past the end */
    return (2 * (size_t)request->batch_rows + 16) * sizeof(uint32_t);
}

/* The reader of a table's column, made on first use. */
static Status use_column(ParquetScan *scan, uint32_t column, Error *err, uint32_t *reader_out)
{
    const ParquetColumn *stored = &scan->stored->columns[column];
    ColumnReader *reader;

    *reader_out = 0;
    if (stored->refused != NULL)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: type %s of column \"%s\" in \"%s\"",
                         stored->refused, stored->name, scan->stored->at.path);
    for (uint32_t i = 0; i < scan->reader_count; i++)
        if (scan->readers[i].column == stored) {
            *reader_out = i;
            return ST_OK;
        }
    reader = &scan->readers[scan->reader_count];
    *reader_out = scan->reader_count++;
    return column_reader_init(reader, stored, scan->request->batch_rows, scan->request->pool,
                              scan->codecs, err);
}

/* One filter a column: predicates on the same one are answered together. */
static Status init_filters(ParquetScan *scan, Error *err)
{
    const ScanRequest *request = scan->request;

    for (uint32_t i = 0; i < request->predicate_count; i++) {
        uint32_t reader, f = 0;
        ScanFilter *filter;

        TRY(use_column(scan, request->predicates[i].column, err, &reader));
        while (f < scan->filter_count && scan->filters[f].reader != &scan->readers[reader])
            f++;
        filter = &scan->filters[f];
        if (f == scan->filter_count) {
            *filter = (ScanFilter){.reader = &scan->readers[reader],
                                   .thread = request->thread,
                                   .rows_max = request->batch_rows,
                                   .pool = request->pool};
            filter->predicates =
                ARENA_ARRAY(scan->arena, const ScanPredicate *, request->predicate_count);
            scan->filter_order[scan->filter_count++] = f;
        }
        filter->predicates[filter->predicate_count++] = &request->predicates[i];
    }
    return ST_OK;
}

static Status init_scan(ParquetScan *scan, Error *err)
{
    const ScanRequest *request = scan->request;
    uint32_t readers_max = request->column_count + request->predicate_count;
    void *memory;

    scan->readers = ARENA_ARRAY(scan->arena, ColumnReader, readers_max);
    scan->is_loaded = ARENA_ARRAY(scan->arena, bool, readers_max);
    scan->output_readers = ARENA_ARRAY(scan->arena, uint32_t, request->column_count);
    scan->columns = ARENA_ARRAY(scan->arena, Column, request->column_count);
    scan->filters = ARENA_ARRAY(scan->arena, ScanFilter, request->predicate_count);
    scan->filter_order = ARENA_ARRAY(scan->arena, uint32_t, request->predicate_count);
    TRY(mem_pool_alloc(request->pool, selection_bytes(request), "Parquet scan", err, &memory));
    scan->selection = memory;
    for (uint32_t i = 0; i < request->column_count; i++)
        TRY(use_column(scan, request->columns[i], err, &scan->output_readers[i]));
    TRY(init_filters(scan, err));
    return parquet__file_use(scan->stored, err, &scan->file, &scan->opened);
}

Status parquet__scan_open(const Table *base, const Split *split, const ScanRequest *request,
                          Error *err, TableScan **scan_out)
{
    const ParquetTable *table = (const ParquetTable *)base;
    Arena *arena = arena_new(NULL, "Parquet scan", ARENA_NO_CAP);
    ParquetScan *scan = ARENA_NEW(arena, ParquetScan);
    Status status;

    *scan_out = NULL;
    CHECK(split->file < table->file_count && request->batch_rows > 0);
    scan->table = table;
    scan->stored = &table->files[split->file];
    CHECK(split->start + split->length <= scan->stored->footer.row_group_count);
    scan->request = request;
    scan->split = *split;
    scan->group = (uint32_t)split->start;
    scan->arena = arena;
    scan->group_arena = arena_new(arena, "Parquet row group", ARENA_NO_CAP);
    scan->codecs = codec_state_new();
    status = init_scan(scan, err);
    if (status != ST_OK) {
        parquet__scan_close((TableScan *)scan);
        return status;
    }
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

static void count_bytes(ParquetScan *scan)
{
    uint64_t bytes = scan->index_bytes;

    for (uint32_t i = 0; i < scan->reader_count; i++)
        bytes += scan->readers[i].source.read_bytes;
    if (scan->request->counters != NULL)
        scan->request->counters->read_bytes += bytes - scan->counted_bytes;
    scan->counted_bytes = bytes;
}

void parquet__scan_close(TableScan *base)
{
    ParquetScan *scan = (ParquetScan *)base;

    if (scan == NULL)
        return;
    count_bytes(scan);
    for (uint32_t i = 0; i < scan->filter_count; i++)
        scan_filter_fini(&scan->filters[i]);
    for (uint32_t i = 0; i < scan->reader_count; i++)
        column_reader_fini(&scan->readers[i]);
    if (scan->selection != NULL)
        mem_pool_release(scan->request->pool, scan->selection, selection_bytes(scan->request));
    codec_state_free(scan->codecs);
    file_close(scan->opened);
    arena_free(scan->arena);
}

static void count_pruned(ParquetScan *scan, int64_t rows)
{
    if (scan->request->counters != NULL)
        scan->request->counters->pruned_rows += (uint64_t)rows;
}

static bool group_may_match(const ParquetScan *scan, uint32_t group)
{
    const ScanRequest *request = scan->request;

    for (uint32_t i = 0; i < request->predicate_count; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        ParquetBounds bounds;

        if (!parquet__predicate_is_ready(predicate) || predicate->kind == PREDICATE_OTHER)
            continue;
        bounds = parquet__chunk_bounds(scan->stored, predicate->column, group);
        if (!parquet__bounds_may_match(&bounds, predicate))
            return false;
    }
    return true;
}

/* Asked last: it is the only one that reads. */
static Status ask_blooms(ParquetScan *scan, uint32_t number, Error *err, bool *may_match_out)
{
    const ParquetRowGroup *group = &scan->stored->footer.row_groups[number];
    const ScanRequest *request = scan->request;

    *may_match_out = true;
    for (uint32_t i = 0; i < request->predicate_count && *may_match_out; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        const ParquetColumn *column = &scan->stored->columns[predicate->column];

        if (parquet__predicate_is_ready(predicate))
            TRY(bloom_filter_prune(scan->file, column, &group->chunks[column->leaf], predicate, err,
                                   may_match_out, &scan->index_bytes));
    }
    return ST_OK;
}

/* The rows of the current row group that are in windows of the split. */
static RowRanges windows_of_group(const ParquetScan *scan, int64_t row_count)
{
    const Split *split = &scan->split;
    RowRanges ranges = {.items = ARENA_ARRAY(scan->group_arena, RowRange, split->window_count)};

    for (uint32_t i = 0; i < split->window_count; i++) {
        int64_t start = (int64_t)window_start((uint64_t)split->row_count, split->window_rows,
                                              split->window_count, i, split) -
                        scan->group_start;
        int64_t end = start + (int64_t)split->window_rows;

        start = start < 0 ? 0 : start;
        end = end > row_count ? row_count : end;
        if (start >= end)
            continue;
        if (ranges.count > 0 && ranges.items[ranges.count - 1].end == start)
            ranges.items[ranges.count - 1].end = end;
        else
            ranges.items[ranges.count++] = (RowRange){.start = start, .end = end};
    }
    return ranges;
}

static Status find_ranges(ParquetScan *scan, uint32_t number, Error *err)
{
    const ParquetFooter *footer = &scan->stored->footer;
    const ParquetRowGroup *group = &footer->row_groups[number];
    const ScanRequest *request = scan->request;
    int64_t kept = 0;

    arena_reset(scan->group_arena);
    scan->ranges = scan->split.window_rows == 0
                       ? row_ranges_all(scan->group_arena, group->row_count)
                       : windows_of_group(scan, group->row_count);
    for (uint32_t i = 0; i < request->predicate_count && scan->ranges.count > 0; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        const ParquetColumn *column = &scan->stored->columns[predicate->column];

        if (parquet__predicate_is_ready(predicate) && predicate->kind != PREDICATE_OTHER)
            TRY(page_index_prune(scan->file, column, footer->leaf_orders[column->leaf],
                                 &group->chunks[column->leaf], group->row_count, predicate,
                                 scan->group_arena, err, &scan->ranges, &scan->index_bytes));
    }
    for (uint32_t i = 0; i < scan->ranges.count; i++)
        kept += scan->ranges.items[i].end - scan->ranges.items[i].start;
    count_pruned(scan, group->row_count - kept);
    scan->range = 0;
    scan->row = scan->ranges.count > 0 ? scan->ranges.items[0].start : 0;
    return ST_OK;
}

static Status begin_group(ParquetScan *scan, uint32_t number, Error *err)
{
    const ParquetRowGroup *group = &scan->stored->footer.row_groups[number];

    bool may_match = group_may_match(scan, number);

    scan->group_rows = group->row_count;
    if (may_match)
        TRY(ask_blooms(scan, number, err, &may_match));
    if (!may_match) {
        count_pruned(scan, group->row_count);
        return ST_OK;
    }
    TRY(find_ranges(scan, number, err));
    for (uint32_t i = 0; i < scan->reader_count; i++)
        TRY(column_reader_begin_chunk(&scan->readers[i], scan->file, group, number, err));
    return ST_OK;
}

/* Makes scan->row a row of a range; *at_end_out: there is none left in the split. */
static Status find_row(ParquetScan *scan, Error *err, bool *at_end_out)
{
    *at_end_out = false;
    for (;;) {
        if (scan->range < scan->ranges.count && scan->row < scan->ranges.items[scan->range].end)
            return ST_OK;
        if (scan->range + 1 < scan->ranges.count) {
            scan->row = scan->ranges.items[++scan->range].start;
            continue;
        }
        scan->group_start += scan->group_rows;
        scan->group_rows = 0;
        scan->ranges.count = 0;
        if (scan->group == scan->split.start + scan->split.length) {
            *at_end_out = true;
            return ST_OK;
        }
        TRY(begin_group(scan, scan->group++, err));
    }
}

/* Best first, by what was seen so far: a matter of speed only. */
static void order_filters(ParquetScan *scan)
{
    for (uint32_t i = 1; i < scan->filter_count; i++) {
        uint32_t moved = scan->filter_order[i], k = i;
        double rank = scan_filter_rank(&scan->filters[moved]);

        for (; k > 0 && scan_filter_rank(&scan->filters[scan->filter_order[k - 1]]) > rank; k--)
            scan->filter_order[k] = scan->filter_order[k - 1];
        scan->filter_order[k] = moved;
    }
}

static Status apply_filters(ParquetScan *scan, ScanRows *rows, Error *err)
{
    if (scan->windows++ % REORDER_WINDOWS == 0)
        order_filters(scan);
    for (uint32_t i = 0; i < scan->filter_count && rows->selected_count > 0; i++) {
        ScanFilter *filter = &scan->filters[scan->filter_order[i]];

        TRY(scan_filter_apply(filter, scan->row, scan->group_rows - scan->row,
                              &scan->is_loaded[filter->reader - scan->readers], rows, err));
    }
    return ST_OK;
}

static Status fill_batch(ParquetScan *scan, const ScanRows *rows, Error *err, Batch *batch)
{
    const ScanRequest *request = scan->request;

    for (uint32_t i = 0; i < request->column_count; i++) {
        uint32_t reader = scan->output_readers[i];

        if (!scan->is_loaded[reader])
            TRY(column_reader_load(&scan->readers[reader], scan->row, rows->row_count, err));
        scan->is_loaded[reader] = true;
        column_reader_column(&scan->readers[reader], rows->selection, rows->selected_count,
                             &scan->columns[i]);
    }
    *batch = (Batch){.column_count = request->column_count,
                     .row_count = rows->row_count,
                     .columns = scan->columns,
                     .selection = rows->selection,
                     .selected_count = rows->selected_count,
                     .sequence = (uint64_t)(scan->group_start + scan->row)};
    return ST_OK;
}

/* The next window; batch_out->row_count stays 0 when all of its rows are dropped. */
static Status read_window(ParquetScan *scan, Error *err, Batch *batch_out)
{
    int64_t left = scan->ranges.items[scan->range].end - scan->row;
    uint32_t count = left < scan->request->batch_rows ? (uint32_t)left : scan->request->batch_rows;
    ScanRows rows = {.row_count = count, .selected_count = count, .buffer = scan->selection};

    memset(scan->is_loaded, 0, scan->reader_count * sizeof *scan->is_loaded);
    TRY(apply_filters(scan, &rows, err));
    if (rows.selected_count == count)
        rows.selection = NULL;
    if (rows.selected_count > 0)
        TRY(fill_batch(scan, &rows, err, batch_out));
    if (scan->request->counters != NULL)
        scan->request->counters->decoded_rows += count;
    scan->row += count;
    return ST_OK;
}

Status parquet__scan_next(TableScan *base, Error *err, Batch *batch_out, bool *exact_filters_out)
{
    ParquetScan *scan = (ParquetScan *)base;

    *batch_out = (Batch){0};
    *exact_filters_out = true;
    while (batch_out->row_count == 0) {
        bool at_end;

        if (scan->request->cancelled != NULL && atomic_load(scan->request->cancelled))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        TRY(find_row(scan, err, &at_end));
        if (at_end)
            break;
        TRY(read_window(scan, err, batch_out));
    }
    count_bytes(scan);
    return ST_OK;
}
