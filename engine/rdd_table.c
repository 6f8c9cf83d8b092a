/*
 * rdd_table.c -- an RDD under a name, for SQL
 *
 *     SELECT ... FROM hits JOIN ...      Join                     Join
 *                                          Scan hits       =>       Project, the RDD's columns
 *                                          ...                        the RDD's plan
 *
 * The name is a table of the session whose scans are replaced by the RDD's plan when a query is
 * bound: so the query, the RDD and what is done to the query's rows are one plan.
 */
#include "core/base/pointer_map.h"
#include "engine/rdd_internal.h"

typedef struct RddTable {
    Table table;
    Arena *arena;
    const VonkRdd *rdd;
} RddTable;

/* --- the table --- */

static Status table_splits(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                           uint32_t *count_out, const Split **splits_out)
{
    (void)table, (void)target_bytes, (void)err;
    *splits_out = ARENA_NEW(arena, Split);
    *count_out = 1;
    return ST_OK;
}

static TableStatistics table_statistics(const Table *table)
{
    (void)table;
    return (TableStatistics){.row_count = -1};
}

static ColumnStatistics table_column_statistics(const Table *table, uint32_t column)
{
    (void)table, (void)column;
    return (ColumnStatistics){.null_count = -1, .distinct_count = -1};
}

static Status table_scan_open(const Table *table, const Split *split, const ScanRequest *request,
                              Error *err, TableScan **scan_out)
{
    (void)split, (void)request;
    *scan_out = NULL;
    return error_set(err, ST_INTERNAL, "a scan of the RDD \"%s\" is not replaced", table->name);
}

static Status table_scan_next(TableScan *scan, Error *err, Batch *batch_out, bool *exact_out)
{
    (void)scan, (void)err, (void)exact_out;
    *batch_out = (Batch){0};
    return ST_OK;
}

static void table_scan_close(TableScan *scan)
{
    (void)scan;
}

static void table_close(Table *table)
{
    arena_free(((RddTable *)table)->arena);
}

static const TableClass rdd_class = {
    .format = "rdd",
    .splits = table_splits,
    .statistics = table_statistics,
    .column_statistics = table_column_statistics,
    .scan_open = table_scan_open,
    .scan_next = table_scan_next,
    .scan_close = table_scan_close,
    .close = table_close,
};

VonkStatus vonk_rdd_register(VonkRdd *rdd, const char *name, VonkError *error)
{
    Arena *arena;
    RddTable *table;
    TableColumn *columns;

    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);
    if (name == NULL)
        return rdd_missing(error, "the name");
    arena = arena_new(NULL, "RDD as a table", ARENA_NO_CAP);
    table = ARENA_NEW(arena, RddTable);
    columns = ARENA_ARRAY(arena, TableColumn, rdd->layout->field_count);
    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        columns[i] = (TableColumn){.name = arena_strdup(arena, rdd->layout->fields[i].name),
                                   .type = rdd->layout->fields[i].type,
                                   .is_nullable = rdd->plan->columns[i].is_nullable};
    *table = (RddTable){.table = {.class = &rdd_class,
                                  .name = arena_strdup(arena, name),
                                  .column_count = rdd->layout->field_count,
                                  .columns = columns,
                                  .ref_count = 1},
                        .arena = arena,
                        .rdd = rdd};
    session_name_rdds(rdd->rdds->session->session, (NamedRdds){.context = rdd->rdds,
                                                               .ids = &rdd->rdds->ids,
                                                               .replace = rdd_replace_tables,
                                                               .complete = rdd_complete_request});
    return (VonkStatus)session_add_table(rdd->rdds->session->session, name, &table->table,
                                         (Error *)error);
}

/* --- its scans --- */

typedef struct Replacer {
    Arena *arena;
    PlanIds *ids;
    PointerMap shared; /* inputs of SHARED nodes -> what they became: those of several stay one */
} Replacer;

static const Plan *replace(Replacer *to, const Plan *plan);

static const Plan *rdd_rows(Replacer *to, const PlanScan *scan)
{
    const VonkRdd *rdd = ((const RddTable *)scan->table)->rdd;
    const Plan *below = rdd_apart(to->arena, to->ids, rdd->plan);
    ColumnId *ids = ARENA_ARRAY(to->arena, ColumnId, scan->head.column_count + 1);
    ColumnList map = {scan->head.column_count, ids};

    for (uint32_t i = 0; i < scan->head.column_count; i++)
        ids[i] = below->columns[scan->table_columns.items[i]].id;
    /* a bare column would keep its id in a projection; a union gives the query's */
    return plan_union(to->arena, 1, &below, &map, scan->head.column_count, scan->head.columns);
}

static const Expr *replace_in_expr(void *context, const Expr *expr)
{
    Replacer *to = context;
    const Plan *plan;
    Expr *copy;

    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    plan = replace(to, expr->plan);
    if (plan == expr->plan)
        return expr;
    copy = arena_copy(to->arena, expr, sizeof *copy);
    copy->plan = plan;
    return copy;
}

static const Plan *replace_shared(Replacer *to, const Plan *input)
{
    const Plan *after = pointer_map_get(&to->shared, input);

    if (after == NULL) {
        after = replace(to, input);
        pointer_map_set(&to->shared, to->arena, input, after);
    }
    return after;
}

static const Plan *replace(Replacer *to, const Plan *plan)
{
    Arena *arena = to->arena;
    const Plan **inputs;

    if (plan->kind == PLAN_SCAN && plan_as_scan(plan)->table->class == &rdd_class)
        return rdd_rows(to, plan_as_scan(plan));
    inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = plan->kind == PLAN_SHARED ? replace_shared(to, plan->inputs[i])
                                              : replace(to, plan->inputs[i]);
    return plan_rewrite_exprs(arena, plan_with_inputs(arena, plan, inputs), replace_in_expr, to);
}

const Plan *rdd_replace_tables(Arena *arena, PlanIds *ids, const Plan *plan)
{
    return replace(&(Replacer){.arena = arena, .ids = ids}, plan);
}
