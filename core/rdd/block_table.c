/* block_table.c -- see block_table.h */
#include "core/rdd/block_table.h"

#include <string.h>

#include "core/base/invariant.h"

/* --- blocks --- */

typedef struct BlockTable {
    Table table;
    Arena *arena;
    BlockOutput *output;
    BlockRange range;
    bool has_split_per_map; /* else one for all */
    _Atomic uint32_t *lost_map;
} BlockTable;

typedef struct BlockScan {
    const BlockTable *table;
    const ScanRequest *request;
    BlockRange range; /* what is left, the reduce partition at hand included */
    BlockReader reader;
    Block *block;
    uint32_t row;
    uint64_t sequence;
    Arena *arena;
    BlockView view;
} BlockScan;

static Status block_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                           uint32_t *count_out, const Split **splits_out)
{
    const BlockTable *table = (const BlockTable *)base;
    const BlockRange *range = &table->range;
    uint32_t maps = range->map_to - range->map_from;
    uint32_t count = table->has_split_per_map ? maps : 1;
    Split *splits = ARENA_ARRAY(arena, Split, count);

    (void)target_bytes;
    (void)err;
    if (count == 1) /* also of no maps at all */
        splits[0] = (Split){.start = range->map_from, .length = maps};
    for (uint32_t i = 0; count > 1 && i < count; i++)
        splits[i] = (Split){.start = range->map_from + i, .length = 1};
    for (uint32_t m = 0; m < maps; m++)
        for (uint32_t r = range->reduce; r < range->reduce_to; r++)
            splits[count > 1 ? m : 0].row_count +=
                (double)block_output_rows(table->output, range->map_from + m, r);
    *count_out = count;
    *splits_out = splits;
    return ST_OK;
}

static TableStatistics block_statistics(const Table *base)
{
    const BlockTable *table = (const BlockTable *)base;
    uint64_t rows = 0;

    if (!table->has_split_per_map)
        return (TableStatistics){.row_count = -1};
    for (uint32_t m = table->range.map_from; m < table->range.map_to; m++)
        rows += block_output_rows(table->output, m, table->range.reduce);
    return (TableStatistics){.row_count = (double)rows};
}

static ColumnStatistics block_column_statistics(const Table *base, uint32_t column)
{
    (void)base;
    (void)column;
    return (ColumnStatistics){.null_count = -1, .distinct_count = -1};
}

static void block_scan_close(TableScan *opaque)
{
    BlockScan *scan = (BlockScan *)opaque;

    if (scan == NULL)
        return;
    block_unref(scan->block);
    block_reader_close(&scan->reader);
    arena_free(scan->arena);
}

static Status block_scan_open(const Table *base, const Split *split, const ScanRequest *request,
                              Error *err, TableScan **scan_out)
{
    const BlockTable *table = (const BlockTable *)base;
    Arena *arena = arena_new(NULL, "block scan", ARENA_NO_CAP);
    BlockScan *scan = ARENA_NEW(arena, BlockScan);
    BlockRange range = {.map_from = (uint32_t)split->start,
                        .map_to = (uint32_t)(split->start + split->length),
                        .reduce = table->range.reduce,
                        .reduce_to = table->range.reduce_to,
                        .is_shared = table->range.is_shared};

    (void)err;
    *scan = (BlockScan){.table = table,
                        .request = request,
                        .arena = arena,
                        .range = range,
                        .view = block_view_make(arena, request->column_count, request->batch_rows)};
    block_reader_open(&scan->reader, table->output, range, 0, request->cancelled);
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

/* The next block with rows; NULL at the end. */
static Status next_block(BlockScan *scan, Error *err)
{
    const BlockTable *table = scan->table;
    Status status;

    block_unref(scan->block);
    scan->row = 0;
    status = block_reader_next(&scan->reader, err, &scan->block);
    while (status == ST_OK && scan->block == NULL &&
           scan->range.reduce + 1 < scan->range.reduce_to) {
        scan->range.reduce++;
        block_reader_close(&scan->reader);
        block_reader_open(&scan->reader, table->output, scan->range, 0, scan->request->cancelled);
        status = block_reader_next(&scan->reader, err, &scan->block);
    }
    if (status == ST_CORRUPT && table->lost_map != NULL)
        atomic_store(table->lost_map, scan->reader.map);
    else if (status == ST_CORRUPT)
        error_hint(err, "A local checkpoint has no lineage: what is lost of it, or was given back "
                        "by unpersist, cannot be made again.");
    return status;
}

static Status block_scan_next(TableScan *opaque, Error *err, Batch *batch_out,
                              bool *exact_filters_out)
{
    BlockScan *scan = (BlockScan *)opaque;
    const ScanRequest *request = scan->request;
    uint32_t step = request->batch_rows, left;

    *exact_filters_out = false;
    *batch_out = (Batch){.column_count = request->column_count};
    if (scan->block == NULL || scan->row == block_row_count(scan->block)) {
        TRY(next_block(scan, err));
        if (scan->block == NULL)
            return ST_OK;
    }
    left = block_row_count(scan->block) - scan->row;
    if (left < step)
        step = left;
    for (uint32_t i = 0; i < request->column_count; i++)
        block_view_column(&scan->view, i, scan->block, request->columns[i],
                          scan->table->table.columns[request->columns[i]].type, scan->row, step);
    batch_out->columns = scan->view.columns;
    batch_out->row_count = batch_out->selected_count = step;
    batch_out->sequence = scan->sequence;
    batch_out->texts = &scan->block->texts;
    scan->row += step;
    scan->sequence += step;
    return ST_OK;
}

static void block_close(Table *base)
{
    BlockTable *table = (BlockTable *)base;

    block_output_unref(table->output);
    arena_free(table->arena);
}

static const TableClass block_class = {
    .format = "exchange",
    .splits = block_splits,
    .statistics = block_statistics,
    .column_statistics = block_column_statistics,
    .scan_open = block_scan_open,
    .scan_next = block_scan_next,
    .scan_close = block_scan_close,
    .close = block_close,
};

static BlockTable *table_new(BlockOutput *output, BlockRange range, uint32_t column_count,
                             const TableColumn *columns)
{
    Arena *arena = arena_new(NULL, "block table", ARENA_NO_CAP);
    BlockTable *table = ARENA_NEW(arena, BlockTable);
    TableColumn *own = ARENA_ARRAY(arena, TableColumn, column_count);

    for (uint32_t i = 0; i < column_count; i++)
        own[i] = (TableColumn){arena_strdup(arena, columns[i].name), columns[i].type,
                               columns[i].is_nullable};
    table->table = (Table){.class = &block_class,
                           .name = "exchange",
                           .column_count = column_count,
                           .columns = own,
                           .ref_count = 1};
    table->arena = arena;
    table->output = block_output_ref(output);
    table->range = range;
    return table;
}

Table *block_table_new(BlockOutput *output, BlockRange range, uint32_t column_count,
                       const PlanColumn *columns, _Atomic uint32_t *lost_map)
{
    Arena *arena = arena_new(NULL, "columns", ARENA_NO_CAP);
    TableColumn *own = ARENA_ARRAY(arena, TableColumn, column_count);
    BlockTable *table;

    for (uint32_t i = 0; i < column_count; i++)
        own[i] = (TableColumn){columns[i].name, columns[i].type, columns[i].is_nullable};
    table = table_new(output, range, column_count, own);
    table->lost_map = lost_map;
    arena_free(arena);
    return &table->table;
}

Table *checkpoint_table_new(BlockOutput *output, const char *name, uint32_t column_count,
                            const TableColumn *columns)
{
    BlockRange all = {.map_to = block_output_map_count(output), .reduce_to = 1};
    BlockTable *table = table_new(output, all, column_count, columns);

    table->table.name = arena_strdup(table->arena, name);
    table->has_split_per_map = true;
    return &table->table;
}

BlockOutput *checkpoint_table_output(const Table *table)
{
    const BlockTable *self = (const BlockTable *)table;

    return table->class == &block_class && self->has_split_per_map ? self->output : NULL;
}

/* --- slices --- */

typedef struct SliceTable {
    Table table;
    Arena *arena;
    Table *whole;
    uint32_t split_count;
    const Split *splits;
} SliceTable;

typedef struct SliceScan {
    const SliceTable *table;
    const ScanRequest *request;
    uint32_t split; /* the one at hand */
    TableScan *scan;
    uint64_t sequence; /* of the split's first row */
    uint64_t rows;     /* seen of the split        */
} SliceScan;

static Status slice_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                           uint32_t *count_out, const Split **splits_out)
{
    const SliceTable *table = (const SliceTable *)base;
    Split *split = ARENA_NEW(arena, Split);

    (void)target_bytes;
    (void)err;
    for (uint32_t i = 0; i < table->split_count; i++) {
        split->row_count += table->splits[i].row_count;
        split->bytes += table->splits[i].bytes;
    }
    *count_out = table->split_count > 0;
    *splits_out = split;
    return ST_OK;
}

static TableStatistics slice_statistics(const Table *base)
{
    TableStatistics whole =
        ((const SliceTable *)base)->whole->class->statistics(((const SliceTable *)base)->whole);

    whole.row_count = -1;
    whole.row_count_is_exact = false;
    return whole;
}

static ColumnStatistics slice_column_statistics(const Table *base, uint32_t column)
{
    const Table *whole = ((const SliceTable *)base)->whole;
    ColumnStatistics statistics = whole->class->column_statistics(whole, column);

    statistics.range_is_exact = false;
    statistics.null_count = -1;
    return statistics;
}

static void slice_scan_close(TableScan *opaque)
{
    SliceScan *scan = (SliceScan *)opaque;

    if (scan == NULL)
        return;
    if (scan->scan != NULL)
        scan->table->whole->class->scan_close(scan->scan);
    mem_pool_release(scan->request->pool, scan, sizeof *scan);
}

static Status slice_scan_open(const Table *base, const Split *split, const ScanRequest *request,
                              Error *err, TableScan **scan_out)
{
    void *memory;

    (void)split;
    *scan_out = NULL;
    TRY(mem_pool_alloc(request->pool, sizeof(SliceScan), "scan", err, &memory));
    *(SliceScan *)memory = (SliceScan){.table = (const SliceTable *)base, .request = request};
    *scan_out = memory;
    return ST_OK;
}

static Status slice_scan_next(TableScan *opaque, Error *err, Batch *batch_out,
                              bool *exact_filters_out)
{
    SliceScan *scan = (SliceScan *)opaque;
    const SliceTable *table = scan->table;
    const TableClass *class = table->whole->class;

    *batch_out = (Batch){.column_count = scan->request->column_count};
    *exact_filters_out = false;
    while (scan->split < table->split_count) {
        if (scan->scan == NULL)
            TRY(class->scan_open(table->whole, &table->splits[scan->split], scan->request, err,
                                 &scan->scan));
        TRY(class->scan_next(scan->scan, err, batch_out, exact_filters_out));
        if (batch_out->row_count > 0) {
            scan->rows = batch_out->sequence + batch_out->row_count;
            batch_out->sequence += scan->sequence;
            return ST_OK;
        }
        class->scan_close(scan->scan);
        scan->scan = NULL;
        scan->sequence += scan->rows;
        scan->rows = 0;
        scan->split++;
    }
    return ST_OK;
}

static void slice_close(Table *base)
{
    SliceTable *table = (SliceTable *)base;

    table_unref(table->whole);
    arena_free(table->arena);
}

static const TableClass slice_class = {
    .format = "slice",
    .splits = slice_splits,
    .statistics = slice_statistics,
    .column_statistics = slice_column_statistics,
    .scan_open = slice_scan_open,
    .scan_next = slice_scan_next,
    .scan_close = slice_scan_close,
    .close = slice_close,
};

Table *slice_table_new(Table *whole, uint32_t split_count, const Split *splits)
{
    Arena *arena = arena_new(NULL, "slice", ARENA_NO_CAP);
    SliceTable *table = ARENA_NEW(arena, SliceTable);

    table->table = (Table){.class = &slice_class,
                           .name = whole->name,
                           .path = whole->path,
                           .column_count = whole->column_count,
                           .columns = whole->columns,
                           .ref_count = 1};
    table->arena = arena;
    table->whole = table_ref(whole);
    table->split_count = split_count;
    table->splits = splits;
    return &table->table;
}
