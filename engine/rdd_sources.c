/* rdd_sources.c -- where RDDs come from: files, arrays, ranges, queries; see rdd_internal.h */
#include <stdio.h>

#include "core/base/invariant.h"
#include "engine/rdd_internal.h"
#include "exec/record_io.h"
#include "formats/format.h"
#include "formats/memory_table.h"
#include "formats/series_table.h"

static void unref_table(void *table)
{
    table_unref(table);
}

/* What the scan gives, as the layout has it: files know fewer types of text than records. */
static const Plan *with_types(RddSession *rdds, const Plan *scan, const RecordLayout *layout)
{
    const Expr **exprs = ARENA_ARRAY(rdds->arena, const Expr *, layout->field_count);
    bool is_right = true;

    for (uint32_t i = 0; i < layout->field_count; i++) {
        const PlanColumn *column = &scan->columns[i];

        is_right &= type_equal(column->type, layout->fields[i].type);
        exprs[i] = expr_cast(rdds->arena, expr_column(rdds->arena, column->id, column->type),
                             layout->fields[i].type);
    }
    return is_right ? scan
                    : plan_project(rdds->arena, scan, layout->field_count, exprs,
                                   plan_record_columns(rdds->arena, layout, &rdds->ids));
}

VonkRdd *rdd_scan(RddSession *rdds, Table *table, const RecordLayout *layout)
{
    uint32_t *columns = ARENA_ARRAY(rdds->arena, uint32_t, layout->field_count);
    PlanColumn *stored =
        arena_copy(rdds->arena, plan_record_columns(rdds->arena, layout, &rdds->ids),
                   layout->field_count * sizeof *stored);
    const Plan *scan;

    arena_on_free(rdds->arena, unref_table, table);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        columns[i] = i;
        stored[i].type = table->columns[i].type;
    }
    scan = plan_scan(rdds->arena, table, NULL, layout->field_count, columns, stored);
    return rdd_new(rdds, with_types(rdds, scan, layout), layout);
}

static VonkRdd *open_text(VonkSession *session, const char *path, const VonkRecordType *type,
                          OptionList options)
{
    if (session == NULL)
        return NULL;

    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Table *table;

    if (path == NULL)
        (void)error_set(&err, ST_BAD_INPUT, "no path was given");
    if (layout == NULL || path == NULL ||
        format_open_table(path, "text", options, rdds->jobs->pool, &err, &table) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_scan(rdds, table, layout);
}

VonkRdd *vonk_rdd_text_file(VonkSession *session, const char *path)
{
    return open_text(session, path, &VonkLine_vonk, (OptionList){0});
}

VonkRdd *vonk_rdd_whole_text_files(VonkSession *session, const char *path)
{
    static const char *const whole[] = {"whole", "true"};

    return open_text(session, path, &VonkFile_vonk, (OptionList){1, whole});
}

VonkRdd *vonk_rdd_binary_records(VonkSession *session, const char *path, uint32_t record_bytes)
{
    char bytes[16];
    const char *const option[] = {"record_bytes", bytes};

    snprintf(bytes, sizeof bytes, "%u", record_bytes);
    return open_text(session, path, &VonkLine_vonk, (OptionList){1, option});
}

/* Records [from, end) of the array: a split of the table. */
static Status add_split(const RecordLayout *layout, const char *records, size_t from, size_t end,
                        ColumnBuffers *buffers, Column *columns, Table *table, Error *err)
{
    while (from < end) {
        uint32_t run = end - from < BATCH_ROWS_MAX ? (uint32_t)(end - from) : BATCH_ROWS_MAX;
        Batch batch = {.column_count = layout->field_count,
                       .row_count = run,
                       .selected_count = run,
                       .columns = columns};

        TRY(columns_from_records(layout, records + from * layout->bytes, run, buffers, columns,
                                 err));
        TRY(memory_table_add(table, &batch, err));
        from += run;
    }
    memory_table_end_split(table);
    return ST_OK;
}

/* The records as a table in memory. */
static Status fill_table(RddSession *rdds, const RecordLayout *layout, const char *records,
                         size_t count, uint32_t partitions, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "parallelize", ARENA_NO_CAP);
    const PlanColumn *columns = plan_record_columns(arena, layout, &rdds->ids);
    TableColumn *table_columns = ARENA_ARRAY(arena, TableColumn, layout->field_count);
    Column *batch_columns = ARENA_ARRAY(arena, Column, layout->field_count);
    ColumnBuffers buffers = {0};
    Status status;

    for (uint32_t i = 0; i < layout->field_count; i++)
        table_columns[i] =
            (TableColumn){layout->fields[i].name, layout->fields[i].type, columns[i].is_nullable};
    status = memory_table_new(layout->name, layout->field_count, table_columns, 0, rdds->jobs->pool,
                              err, table_out);
    if (status == ST_OK)
        status = column_buffers_init(&buffers, arena, rdds->jobs->pool, layout->field_count,
                                     columns, BATCH_ROWS_MAX, "parallelize", err);
    for (uint32_t p = 0; status == ST_OK && p < partitions; p++)
        status = add_split(layout, records, (size_t)((UInt128)count * p / partitions),
                           (size_t)((UInt128)count * (p + 1) / partitions), &buffers, batch_columns,
                           *table_out, err);
    column_buffers_fini(&buffers);
    arena_free(arena);
    return status;
}

VonkRdd *vonk__rdd_parallelize(VonkSession *session, const VonkRecordType *type,
                               const void *records, size_t count, uint32_t partitions)
{
    if (session == NULL)
        return NULL;

    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Table *table = NULL;

    if (records == NULL && count > 0)
        (void)error_set(&err, ST_BAD_INPUT, "the array of records is NULL");
    if (err.status != ST_OK || rdd_check_partitions(partitions, &err) != ST_OK ||
        fill_table(rdds, layout, records, count, partitions, &err, &table) != ST_OK) {
        table_unref(table);
        return rdd_failed(rdds, &err);
    }
    return rdd_scan(rdds, table, layout);
}

/* How many numbers from `from` up to, not including, `to` there are. */
static uint64_t series_count(int64_t from, int64_t to, int64_t step)
{
    Int128 distance = step > 0 ? (Int128)to - from : (Int128)from - to;
    Int128 stride = step > 0 ? (Int128)step : -(Int128)step;

    return distance <= 0 ? 0 : (uint64_t)((distance + stride - 1) / stride);
}

VonkRdd *vonk_rdd_range(VonkSession *session, int64_t from, int64_t to, int64_t step,
                        uint32_t partitions)
{
    if (session == NULL)
        return NULL;

    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, &VonkNumber_vonk, &err);

    if (step == 0)
        (void)error_set_state(&err, ST_BAD_INPUT, "22023", "the step of a range cannot be zero");
    if (err.status != ST_OK || rdd_check_partitions(partitions, &err) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_scan(rdds,
                    series_table_new("range", from, step, series_count(from, to, step), partitions),
                    layout);
}

VonkRdd *vonk__rdd_sql(VonkSession *session, const VonkRecordType *type, const char *sql)
{
    if (session == NULL)
        return NULL;

    RddSession *rdds = rdd_session(session);
    Error err = ERROR_NONE;
    const RecordLayout *layout = rdd_layout(rdds, type, &err);
    Type *types;
    const Plan *plan;

    if (sql == NULL)
        (void)error_set(&err, ST_BAD_INPUT, "the SQL is NULL");
    if (err.status != ST_OK)
        return rdd_failed(rdds, &err);
    types = ARENA_ARRAY(rdds->arena, Type, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++)
        types[i] = layout->fields[i].type;
    if (session_bind_query(session->session, rdds->arena, &rdds->ids, sql, layout->field_count,
                           types, &err, &plan) != ST_OK)
        return rdd_failed(rdds, &err);
    plan = rdd_replace_tables(rdds->arena, &rdds->ids, plan);
    return rdd_new(rdds, plan_sort_keep(rdds->arena, plan), layout);
}
