/*
 * op_scan.c -- a table's rows: splits, predicates, runtime filters
 *
 * The table's scan reads the columns that are needed, and those of predicates. What it has not
 * filtered itself is filtered here. Filters that join builds have made by now join the predicates
 * when the operator opens.
 */
#include "core/base/invariant.h"
#include "exec/gather.h"
#include "exec/operators.h"
#include "exec/scan_predicate.h"

enum { SPLIT_BYTES = 8 << 20, NOT_READ = UINT32_MAX };

typedef struct ScanOp {
    Operator op;
    Arena *arena;
    const PlanScan *node;
    uint32_t split_count;
    const Split *splits;
    uint64_t bytes_total;
    double rows_estimate;
    uint32_t column_count; /* read from the table */
    uint32_t *columns;
    uint32_t *places; /* by output column: which of the read ones, or NOT_READ */
    uint32_t static_count;
    uint32_t predicate_count; /* static ones, then those of filters */
    ScanPredicate *predicates;
    uint32_t *predicate_places; /* by predicate: which of the read columns, or NOT_READ */
    JoinFilter *const *filters;
    _Atomic uint64_t done_rows, done_bytes;
} ScanOp;

typedef struct ScanCursor {
    Arena *arena;
    TableScan *scan;
    const Split *split;
    ScanRequest request;
    ScanCounters counters;
    Column *columns;
    uint32_t *selection;
    int64_t left_rows; /* of the row limit, in this split */
} ScanCursor;

/* --- the operator --- */

static Status scan_open(Operator *base, Error *err)
{
    ScanOp *op = (ScanOp *)base;

    (void)err;
    op->predicate_count = op->static_count;
    for (uint32_t i = 0; i < op->node->runtime_filters.count; i++) {
        int32_t index =
            plan_column_index(&op->node->head, op->node->runtime_filters.items[i].column);
        ScanPredicate *made = &op->predicates[op->predicate_count];
        uint32_t count;

        if (op->filters[i] == NULL || index < 0)
            continue;
        if (join_filter_is_empty(op->filters[i]))
            op->split_count = 0;
        count = join_filter_predicates(
            op->filters[i], op->arena, op->node->table_columns.items[index],
            op->node->head.columns[index].type, base->context->threads, made);
        for (uint32_t p = 0; p < count; p++)
            op->predicate_places[op->predicate_count + p] = op->places[index];
        op->predicate_count += count;
    }
    return ST_OK;
}

static void scan_close(Operator *base)
{
    ScanOp *op = (ScanOp *)base;

    for (uint32_t i = 0; i < op->static_count; i++)
        scan_predicate_close(&op->predicates[i]);
}

static uint32_t scan_split_count(Operator *base)
{
    return ((ScanOp *)base)->split_count;
}

static double scan_row_estimate(Operator *base)
{
    return ((ScanOp *)base)->rows_estimate;
}

/* --- one thread's reading --- */

static Status scan_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    ScanOp *op = (ScanOp *)base;
    Arena *arena = arena_new(NULL, "scan", ARENA_NO_CAP);
    ScanCursor *cursor = ARENA_NEW(arena, ScanCursor);

    (void)err;
    cursor->arena = arena;
    cursor->columns = ARENA_ARRAY(arena, Column, base->node->column_count);
    cursor->selection = arena_alloc_raw(arena, BATCH_ROWS_MAX * sizeof(uint32_t));
    cursor->request = (ScanRequest){.column_count = op->column_count,
                                    .columns = op->columns,
                                    .predicate_count = op->predicate_count,
                                    .predicates = op->predicates,
                                    .batch_rows = base->context->batch_rows,
                                    .thread = thread,
                                    .pool = base->context->pool,
                                    .cancelled = base->context->stop,
                                    .counters = &cursor->counters};
    *cursor_out = cursor;
    return ST_OK;
}

static void end_split(ScanOp *op, ScanCursor *cursor)
{
    if (cursor->scan == NULL)
        return;
    op->node->table->class->scan_close(cursor->scan);
    cursor->scan = NULL;
    atomic_fetch_add_explicit(&op->done_bytes, cursor->split->bytes, memory_order_relaxed);
    atomic_fetch_add(&op->op.read_bytes, cursor->counters.read_bytes);
    atomic_fetch_add(&op->op.pruned_rows, cursor->counters.pruned_rows);
    cursor->counters = (ScanCounters){0};
}

static void scan_source_close(Operator *base, void *opaque)
{
    ScanCursor *cursor = opaque;

    if (cursor == NULL)
        return;
    end_split((ScanOp *)base, cursor);
    arena_free(cursor->arena);
}

static Status scan_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    ScanOp *op = (ScanOp *)base;
    ScanCursor *cursor = opaque;
    const Table *table = op->node->table;

    end_split(op, cursor);
    cursor->split = &op->splits[split];
    cursor->left_rows = op->node->row_limit;
    return table->class->scan_open(table, cursor->split, &cursor->request, err, &cursor->scan);
}

/* What the table's scan has not dropped. */
static Status filter_again(const ScanOp *op, ScanCursor *cursor, Batch *batch, Error *err)
{
    for (uint32_t i = 0; i < op->predicate_count && batch->selected_count > 0; i++) {
        const ScanPredicate *predicate = &op->predicates[i];

        if (op->predicate_places[i] == NOT_READ)
            continue;
        TRY(predicate->keep(predicate->context, cursor->request.thread,
                            &batch->columns[op->predicate_places[i]], batch->row_count,
                            batch->selection, batch->selected_count, cursor->selection,
                            &batch->selected_count, err));
        batch->selection = cursor->selection;
    }
    return ST_OK;
}

static void limit_rows(ScanCursor *cursor, Batch *batch)
{
    if (batch->selected_count > cursor->left_rows) {
        if (batch->selection == NULL)
            batch->row_count = (uint32_t)cursor->left_rows;
        batch->selected_count = (uint32_t)cursor->left_rows;
    }
    if (cursor->left_rows != ALL_ROWS)
        cursor->left_rows -= batch->selected_count;
}

static Status scan_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    ScanOp *op = (ScanOp *)base;
    ScanCursor *cursor = opaque;
    bool is_exact;
    Batch read;

    do {
        *batch_out = (Batch){.column_count = base->node->column_count};
        if (cursor->left_rows <= 0)
            return ST_OK;
        if (atomic_load_explicit(base->context->stop, memory_order_relaxed))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        read = (Batch){0};
        TRY(op->node->table->class->scan_next(cursor->scan, err, &read, &is_exact));
        if (read.row_count == 0) {
            end_split(op, cursor);
            return ST_OK;
        }
        atomic_fetch_add_explicit(&op->done_rows, read.row_count, memory_order_relaxed);
        if (!is_exact)
            TRY(filter_again(op, cursor, &read, err));
    } while (read.selected_count == 0);
    limit_rows(cursor, &read);
    for (uint32_t i = 0; i < base->node->column_count; i++)
        cursor->columns[i] = op->places[i] == NOT_READ
                                 ? column_of_nulls(base->node->columns[i].type)
                                 : read.columns[op->places[i]];
    *batch_out = read;
    batch_out->column_count = base->node->column_count;
    batch_out->columns = cursor->columns;
    return ST_OK;
}

static const OperatorClass scan_class = {
    .name = "scan",
    .open = scan_open,
    .close = scan_close,
    .split_count = scan_split_count,
    .source_open = scan_source_open,
    .source_split = scan_source_split,
    .source_next = scan_source_next,
    .source_close = scan_source_close,
    .row_estimate = scan_row_estimate,
};

bool op_is_scan(const Operator *op)
{
    return op->class == &scan_class;
}

void op_scan_progress(const Operator *base, uint64_t *rows, uint64_t *bytes, uint64_t *bytes_total)
{
    const ScanOp *op = (const ScanOp *)base;

    *rows = atomic_load_explicit(&op->done_rows, memory_order_relaxed);
    *bytes = atomic_load_explicit(&op->done_bytes, memory_order_relaxed);
    *bytes_total = op->bytes_total;
}

/* --- making --- */

static Status choose_columns(ScanOp *op, Arena *arena, ColumnSet needed, Error *err)
{
    const Plan *node = &op->node->head;
    const Table *table = op->node->table;

    op->columns = ARENA_ARRAY(arena, uint32_t, node->column_count);
    op->places = ARENA_ARRAY(arena, uint32_t, node->column_count);
    for (uint32_t i = 0; i < node->column_count; i++) {
        const TableColumn *column;

        op->places[i] = NOT_READ;
        if (!column_set_has(needed, node->columns[i].id))
            continue;
        column = &table->columns[op->node->table_columns.items[i]];
        if (column->refused != NULL)
            return error_set(err, ST_NOT_SUPPORTED,
                             "not supported: type %s of column \"%s\" in \"%s\"", column->refused,
                             column->name, table->path == NULL ? table->name : table->path);
        op->places[i] = op->column_count;
        op->columns[op->column_count++] = op->node->table_columns.items[i];
    }
    return ST_OK;
}

static Status make_predicates(ScanOp *op, Arena *arena, Error *err)
{
    uint32_t count = op->node->predicates.count;
    uint32_t most = count + JOIN_FILTER_PREDICATES_MAX * op->node->runtime_filters.count;

    op->predicates = ARENA_ARRAY(arena, ScanPredicate, most);
    op->predicate_places = ARENA_ARRAY(arena, uint32_t, most);
    for (uint32_t i = 0; i < count; i++) {
        ScanPredicate *predicate = &op->predicates[i];

        TRY(scan_predicate_make(op->op.context, arena, &op->op, op->node,
                                op->node->predicates.items[i], err, predicate));
        op->static_count++;
        op->predicate_places[i] = NOT_READ;
        for (uint32_t c = 0; c < op->column_count; c++)
            if (op->columns[c] == predicate->column)
                op->predicate_places[i] = c;
        CHECK(op->predicate_places[i] != NOT_READ);
    }
    return ST_OK;
}

Status op_scan_new(const ExecContext *context, Arena *arena, const PlanScan *node, ColumnSet needed,
                   JoinFilter *const *filters, Error *err, Operator **op_out)
{
    ScanOp *op = ARENA_NEW(arena, ScanOp);
    ColumnSet used = column_set_union(arena, needed, plan_used_columns(arena, &node->head));
    Status status;

    op->op = (Operator){.class = &scan_class, .context = context, .node = &node->head};
    op->arena = arena;
    op->node = node;
    op->filters = filters;
    status = choose_columns(op, arena, used, err);
    if (status == ST_OK)
        status = make_predicates(op, arena, err);
    if (status == ST_OK)
        status = node->table->class->splits(node->table, arena, SPLIT_BYTES, err, &op->split_count,
                                            &op->splits);
    if (status != ST_OK) {
        operator_release(&op->op);
        return status;
    }
    for (uint32_t i = 0; i < op->split_count; i++) {
        op->bytes_total += op->splits[i].bytes;
        op->rows_estimate += op->splits[i].row_count;
    }
    *op_out = &op->op;
    return ST_OK;
}
