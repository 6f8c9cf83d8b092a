/* memory_table.c -- see memory_table.h. What is added is kept in blocks of up to BATCH_ROWS_MAX
 * rows. */
#include "formats/memory_table.h"

#include <string.h>

#include "core/base/invariant.h"

enum { DEFAULT_SPLIT_ROWS = 65536 };

static const char consumer_name[] = "table in memory";

typedef struct Block {
    uint32_t row_count;
    Column *columns;
} Block;

typedef struct MemoryTable {
    Table table;
    MemPool *pool;
    Arena *arena;
    size_t reserved_bytes;
    uint32_t split_rows;
    uint32_t block_count, block_capacity;
    Block *blocks;
    uint64_t row_count;
    ColumnStatistics *statistics;
    uint32_t end_count, end_capacity;
    uint32_t *ends; /* of splits, in blocks */
    bool are_ends_said;
    uint64_t last_rows; /* of the last split, where they are not */
} MemoryTable;

struct TableScan {
    const MemoryTable *table;
    const ScanRequest *request;
    Arena *arena;
    uint64_t block, end_block;
    uint32_t row;      /* in the block             */
    uint64_t sequence; /* of that row in the split */
    Column *columns;
    uint64_t **validity; /* for rows that do not start at a word */
    uint32_t *selection;
};

/* --- adding --- */

static Status account(MemoryTable *table, Error *err)
{
    size_t used_bytes = arena_used_bytes(table->arena);

    TRY(mem_pool_reserve(table->pool, used_bytes - table->reserved_bytes, consumer_name, err));
    table->reserved_bytes = used_bytes;
    return ST_OK;
}

static void add_to_statistics(ColumnStatistics *statistics, const Column *column, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        Value value = value_from_column(column, i);

        if (value.is_null) {
            statistics->null_count++;
            continue;
        }
        if (!statistics->has_range || value_compare(&value, &statistics->min) < 0)
            statistics->min = value;
        if (!statistics->has_range || value_compare(&value, &statistics->max) > 0)
            statistics->max = value;
        statistics->has_range = statistics->range_is_exact = true;
    }
}

/* What was added last ends a split. */
static void add_end(MemoryTable *table)
{
    if (table->end_count == table->end_capacity) {
        uint32_t capacity = table->end_capacity == 0 ? 16 : 2 * table->end_capacity;
        uint32_t *grown = ARENA_ARRAY(table->arena, uint32_t, capacity);

        if (table->end_count > 0)
            memcpy(grown, table->ends, table->end_count * sizeof *grown);
        table->ends = grown;
        table->end_capacity = capacity;
    }
    table->ends[table->end_count++] = table->block_count;
}

/* The last block goes to the last split, or to one of its own when that has rows enough. */
static void add_to_split(MemoryTable *table, uint32_t row_count)
{
    if (table->end_count == 0 || table->last_rows >= table->split_rows) {
        add_end(table);
        table->last_rows = 0;
    }
    table->ends[table->end_count - 1] = table->block_count;
    table->last_rows += row_count;
}

Status memory_table_add(Table *base, const Batch *batch, Error *err)
{
    MemoryTable *table = (MemoryTable *)base;
    Block *block;

    CHECK(batch->column_count == base->column_count);
    if (batch->selected_count == 0)
        return ST_OK;
    if (table->block_count == table->block_capacity) {
        uint32_t capacity = table->block_capacity == 0 ? 16 : 2 * table->block_capacity;
        Block *grown = ARENA_ARRAY(table->arena, Block, capacity);

        if (table->block_count > 0)
            memcpy(grown, table->blocks, table->block_count * sizeof *grown);
        table->blocks = grown;
        table->block_capacity = capacity;
    }
    block = &table->blocks[table->block_count];
    block->row_count = batch->selected_count;
    block->columns = ARENA_ARRAY(table->arena, Column, base->column_count);
    for (uint32_t i = 0; i < base->column_count; i++) {
        block->columns[i] = column_copy(table->arena, &batch->columns[i], batch->selection,
                                        batch->selected_count, true);
        block->columns[i].type = base->columns[i].type;
        add_to_statistics(&table->statistics[i], &block->columns[i], block->row_count);
    }
    TRY(account(table, err));
    table->block_count++;
    table->row_count += batch->selected_count;
    if (!table->are_ends_said)
        add_to_split(table, batch->selected_count);
    return ST_OK;
}

void memory_table_end_split(Table *base)
{
    MemoryTable *table = (MemoryTable *)base;

    if (!table->are_ends_said)
        table->end_count = 0;
    table->are_ends_said = true;
    add_end(table);
}

/* --- splits and statistics --- */

/* target_bytes does not matter: the splits' size was said when the table was made. A split is its
 * number, so that whoever has the same pieces in another form has the same splits. */
static Status memory_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                            uint32_t *count_out, const Split **splits_out)
{
    const MemoryTable *table = (const MemoryTable *)base;
    Split *splits = ARENA_ARRAY(arena, Split, table->end_count + 1);
    uint32_t block = 0;

    (void)target_bytes, (void)err;
    for (uint32_t i = 0; i < table->end_count; i++) {
        splits[i] = (Split){.start = i, .length = 1};
        for (; block < table->ends[i]; block++)
            splits[i].row_count += table->blocks[block].row_count;
    }
    *count_out = table->end_count;
    *splits_out = splits;
    return ST_OK;
}

static TableStatistics memory_statistics(const Table *base)
{
    const MemoryTable *table = (const MemoryTable *)base;

    return (TableStatistics){.row_count = (double)table->row_count, .row_count_is_exact = true};
}

static ColumnStatistics memory_column_statistics(const Table *base, uint32_t column)
{
    return ((const MemoryTable *)base)->statistics[column];
}

/* --- scanning --- */

static Status memory_scan_open(const Table *base, const Split *split, const ScanRequest *request,
                               Error *err, TableScan **scan_out)
{
    const MemoryTable *table = (const MemoryTable *)base;
    Arena *arena = arena_new(NULL, "memory scan", ARENA_NO_CAP);
    TableScan *scan = ARENA_NEW(arena, TableScan);

    (void)err;
    *scan = (TableScan){.table = table,
                        .request = request,
                        .arena = arena,
                        .block = split->start == 0 ? 0 : table->ends[split->start - 1],
                        .end_block = table->ends[split->start],
                        .columns = ARENA_ARRAY(arena, Column, request->column_count + 1),
                        .validity = ARENA_ARRAY(arena, uint64_t *, request->column_count + 1),
                        .selection = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX)};
    for (uint32_t i = 0; i <= request->column_count; i++)
        scan->validity[i] = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX / 64);
    *scan_out = scan;
    return ST_OK;
}

/* Rows [from, from + count) of the column; bits_out is used when they do not start at a word. */
static Column slice(const Column *column, uint32_t from, uint32_t count, uint64_t *bits_out)
{
    Column part = *column;

    part.values = (const char *)column->values + from * phys_bytes(type_phys(column->type));
    if (column->validity != NULL && from % 64 == 0) {
        part.validity = column->validity + from / 64;
    } else if (column->validity != NULL) {
        bitmap_copy(bits_out, 0, column->validity, from, count);
        part.validity = bits_out;
    }
    return part;
}

static Status apply_predicates(TableScan *scan, const Block *block, uint32_t from, Batch *batch,
                               Error *err)
{
    const ScanRequest *request = scan->request;

    for (uint32_t i = 0; i < request->predicate_count && batch->selected_count > 0; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        Column column = slice(&block->columns[predicate->column], from, batch->row_count,
                              scan->validity[request->column_count]);

        if (predicate->ready != NULL && !atomic_load(predicate->ready))
            continue;
        TRY(predicate->keep(predicate->context, request->thread, &column, batch->row_count,
                            batch->selection, batch->selected_count, scan->selection,
                            &batch->selected_count, err));
        batch->selection = scan->selection;
    }
    return ST_OK;
}

static Status memory_scan_next(TableScan *scan, Error *err, Batch *batch_out, bool *exact_out)
{
    const ScanRequest *request = scan->request;

    *exact_out = true;
    *batch_out = (Batch){.column_count = request->column_count, .columns = scan->columns};
    while (scan->block < scan->end_block) {
        const Block *block = &scan->table->blocks[scan->block];
        uint32_t from = scan->row, left = block->row_count - from;
        uint32_t count = left < request->batch_rows ? left : request->batch_rows;

        batch_out->row_count = batch_out->selected_count = count;
        batch_out->selection = NULL;
        batch_out->sequence = scan->sequence;
        for (uint32_t i = 0; i < request->column_count; i++)
            scan->columns[i] =
                slice(&block->columns[request->columns[i]], from, count, scan->validity[i]);
        TRY(apply_predicates(scan, block, from, batch_out, err));
        scan->row += count;
        scan->sequence += count;
        if (request->counters != NULL)
            request->counters->decoded_rows += count;
        if (scan->row == block->row_count) {
            scan->row = 0;
            scan->block++;
        }
        if (batch_out->selected_count > 0)
            return ST_OK;
    }
    *batch_out = (Batch){.column_count = request->column_count};
    return ST_OK;
}

static void memory_scan_close(TableScan *scan)
{
    if (scan != NULL)
        arena_free(scan->arena);
}

static void memory_close(Table *base)
{
    MemoryTable *table = (MemoryTable *)base;

    mem_pool_unreserve(table->pool, table->reserved_bytes);
    arena_free(table->arena);
}

static const TableClass memory_class = {
    .format = "memory",
    .splits = memory_splits,
    .statistics = memory_statistics,
    .column_statistics = memory_column_statistics,
    .scan_open = memory_scan_open,
    .scan_next = memory_scan_next,
    .scan_close = memory_scan_close,
    .close = memory_close,
};

Status memory_table_new(const char *name, uint32_t column_count, const TableColumn *columns,
                        uint32_t split_rows, MemPool *pool, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "memory table", ARENA_NO_CAP);
    MemoryTable *table = ARENA_NEW(arena, MemoryTable);
    TableColumn *copies = arena_copy(arena, columns, column_count * sizeof *columns);
    Status status;

    *table_out = NULL;
    for (uint32_t i = 0; i < column_count; i++)
        copies[i].name = arena_strdup(arena, columns[i].name);
    *table = (MemoryTable){.table = {.class = &memory_class,
                                     .name = arena_strdup(arena, name),
                                     .column_count = column_count,
                                     .columns = copies,
                                     .ref_count = 1},
                           .pool = pool,
                           .arena = arena,
                           .split_rows = split_rows == 0 ? DEFAULT_SPLIT_ROWS : split_rows,
                           .statistics = ARENA_ARRAY(arena, ColumnStatistics, column_count)};
    for (uint32_t i = 0; i < column_count; i++)
        table->statistics[i].distinct_count = -1;
    status = account(table, err);
    if (status != ST_OK)
        arena_free(arena);
    else
        *table_out = &table->table;
    return status;
}
