/* series_table.c -- see series_table.h. A split is a run of the numbers' indexes. */
#include "formats/series_table.h"

#include "core/base/arena.h"

enum { SERIES_SPLITS_MAX = 1 << 24 /* a message may not ask for more */ };

typedef struct SeriesTable {
    Table table;
    Arena *arena;
    TableColumn column;
    int64_t first, step;
    uint64_t count;
    uint32_t split_count;
} SeriesTable;

typedef struct SeriesScan {
    const SeriesTable *table;
    const ScanRequest *request;
    Arena *arena;
    uint64_t next, end; /* indexes */
    uint64_t sequence;
    int64_t *values;
    uint32_t *selection;
    Column *columns;
} SeriesScan;

static int64_t value_at(const SeriesTable *table, uint64_t index)
{
    return (int64_t)((uint64_t)table->first + (uint64_t)table->step * index);
}

static Status series_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                            uint32_t *count_out, const Split **splits_out)
{
    const SeriesTable *table = (const SeriesTable *)base;
    Split *splits = ARENA_ARRAY(arena, Split, table->split_count);

    (void)target_bytes, (void)err;
    for (uint32_t i = 0; i < table->split_count; i++) {
        uint64_t from = (uint64_t)((UInt128)table->count * i / table->split_count);
        uint64_t end = (uint64_t)((UInt128)table->count * (i + 1) / table->split_count);

        splits[i] = (Split){.start = from, .length = end - from, .row_count = (double)(end - from)};
    }
    *count_out = table->split_count;
    *splits_out = splits;
    return ST_OK;
}

static SplitWindows series_windows(const Table *base, Arena *arena, const Split *split,
                                   const WindowRequest *request)
{
    (void)base;
    return windows_of_places(arena, split, request, request->least_bytes / sizeof(int64_t), 0, 1);
}

static TableStatistics series_statistics(const Table *base)
{
    return (TableStatistics){.row_count = (double)((const SeriesTable *)base)->count,
                             .row_count_is_exact = true};
}

static ColumnStatistics series_column_statistics(const Table *base, uint32_t column)
{
    const SeriesTable *table = (const SeriesTable *)base;
    ColumnStatistics statistics = {.distinct_count = (double)table->count, .value_bytes = 8};
    int64_t last = table->count == 0 ? 0 : value_at(table, table->count - 1);

    (void)column;
    if (table->count == 0)
        return statistics;
    statistics.has_range = statistics.range_is_exact = true;
    statistics.min = value_int8(table->step > 0 ? table->first : last);
    statistics.max = value_int8(table->step > 0 ? last : table->first);
    return statistics;
}

static Status series_scan_open(const Table *base, const Split *split, const ScanRequest *request,
                               Error *err, TableScan **scan_out)
{
    Arena *arena = arena_new(NULL, "series scan", ARENA_NO_CAP);
    SeriesScan *scan = ARENA_NEW(arena, SeriesScan);

    (void)err;
    *scan = (SeriesScan){.table = (const SeriesTable *)base,
                         .request = request,
                         .arena = arena,
                         .next = split->start,
                         .end = split->start + split->length,
                         .values = ARENA_ARRAY(arena, int64_t, request->batch_rows),
                         .selection = ARENA_ARRAY(arena, uint32_t, request->batch_rows),
                         .columns = ARENA_ARRAY(arena, Column, request->column_count + 1)};
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

/* by value, so that the compiler sees that nothing it reads is written (it vectorises this) */
static void fill(int64_t *values, int64_t first, int64_t step, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int64_t)((uint64_t)first + (uint64_t)step * i);
}

static Status series_scan_next(TableScan *opaque, Error *err, Batch *batch_out, bool *exact_out)
{
    SeriesScan *scan = (SeriesScan *)opaque;
    const ScanRequest *request = scan->request;
    Column column = {.type = type_of(TYPE_INT8), .form = COLUMN_FLAT, .values = scan->values};

    *exact_out = true;
    *batch_out = (Batch){.column_count = request->column_count, .columns = scan->columns};
    for (uint32_t i = 0; i < request->column_count; i++)
        scan->columns[i] = column;
    while (batch_out->selected_count == 0 && scan->next < scan->end) {
        uint64_t left = scan->end - scan->next;
        uint32_t count = left < request->batch_rows ? (uint32_t)left : request->batch_rows;

        fill(scan->values, value_at(scan->table, scan->next), scan->table->step, count);
        batch_out->row_count = batch_out->selected_count = count;
        batch_out->selection = NULL;
        batch_out->sequence = scan->sequence;
        for (uint32_t p = 0; p < request->predicate_count && batch_out->selected_count > 0; p++) {
            const ScanPredicate *predicate = &request->predicates[p];

            if (predicate->ready != NULL && !atomic_load(predicate->ready))
                continue;
            TRY(predicate->keep(predicate->context, request->thread, &column, count,
                                batch_out->selection, batch_out->selected_count, scan->selection,
                                &batch_out->selected_count, err));
            batch_out->selection = scan->selection;
        }
        scan->next += count;
        scan->sequence += count;
        if (request->counters != NULL)
            request->counters->decoded_rows += count;
    }
    if (batch_out->selected_count == 0)
        batch_out->row_count = 0;
    return ST_OK;
}

static void series_scan_close(TableScan *scan)
{
    if (scan != NULL)
        arena_free(((SeriesScan *)scan)->arena);
}

static void series_close(Table *table)
{
    arena_free(((SeriesTable *)table)->arena);
}

static Status series_write(const Table *base, WireWriter *to, Error *err)
{
    const SeriesTable *table = (const SeriesTable *)base;

    (void)err;
    wire_put_text(to, table->column.name);
    wire_put_u64(to, (uint64_t)table->first);
    wire_put_u64(to, (uint64_t)table->step);
    wire_put_u64(to, table->count);
    wire_put_u32(to, table->split_count);
    return ST_OK;
}

static const TableClass series_class = {
    .format = "series",
    .splits = series_splits,
    .statistics = series_statistics,
    .column_statistics = series_column_statistics,
    .scan_open = series_scan_open,
    .scan_next = series_scan_next,
    .scan_close = series_scan_close,
    .close = series_close,
    .write = series_write,
    .windows = series_windows,
};

Table *series_table_new(const char *name, int64_t first, int64_t step, uint64_t count,
                        uint32_t split_count)
{
    Arena *arena = arena_new(NULL, "series table", ARENA_NO_CAP);
    SeriesTable *table = ARENA_NEW(arena, SeriesTable);

    *table =
        (SeriesTable){.arena = arena,
                      .column = {.name = arena_strdup(arena, name), .type = type_of(TYPE_INT8)},
                      .first = first,
                      .step = step,
                      .count = count,
                      .split_count = split_count == 0 ? 1 : split_count};
    table->table = (Table){.class = &series_class,
                           .name = table->column.name,
                           .column_count = 1,
                           .columns = &table->column,
                           .ref_count = 1};
    return &table->table;
}

Status series_table_receive(WireReader *from, Table **table_out)
{
    Arena *arena = arena_new(NULL, "series table", ARENA_NO_CAP);
    const char *name = wire_get_name(from, arena);
    int64_t first = (int64_t)wire_get_u64(from), step = (int64_t)wire_get_u64(from);
    uint64_t count = wire_get_u64(from);
    uint32_t splits = wire_get_below(from, SERIES_SPLITS_MAX + 1, "pieces of a series");

    if (from->status == ST_OK)
        *table_out = series_table_new(name, first, step, count, splits);
    arena_free(arena);
    return from->status;
}
