/* write_job.c -- see write_job.h */
#include "engine/write_job.h"

#include <string.h>
#include <strings.h>

#include "core/base/invariant.h"
#include "formats/format.h"
#include "formats/memory_table.h"

/* --- COPY's words --- */

/* (a, "b c") as the text that formats read lists of columns from. */
static const char *list_text(Arena *arena, AstNames list)
{
    StrBuf buf = {.arena = arena};

    if (list.count == 1 && strcmp(list.items[0], "*") == 0)
        return "*";
    for (uint32_t i = 0; i < list.count; i++) {
        strbuf_puts(&buf, i == 0 ? "\"" : ", \"");
        for (const char *at = list.items[i]; *at != '\0'; at++) {
            strbuf_putc(&buf, *at);
            if (*at == '"')
                strbuf_putc(&buf, '"');
        }
        strbuf_putc(&buf, '"');
    }
    return strbuf_text(&buf);
}

/* COPY's options but FORMAT as the format's own; bare ones mean "true". */
static OptionList copy_options(Arena *arena, const AstOptions *options, const char **format_out)
{
    const char **items = ARENA_ARRAY(arena, const char *, 2 * (size_t)options->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < options->count; i++) {
        const AstOption *option = &options->items[i];

        if (strcmp(option->name, "format") == 0) {
            *format_out = option->value;
            continue;
        }
        items[2 * count] = option->name;
        items[2 * count + 1] = option->list.count > 0  ? list_text(arena, option->list)
                               : option->value == NULL ? "true"
                                                       : option->value;
        count++;
    }
    return (OptionList){count, items};
}

/* SELECT columns FROM table, for COPY table (columns) TO. */
static const AstSelect *select_of_table(Arena *arena, const AstCopy *copy)
{
    uint32_t count = copy->columns.count == 0 ? 1 : copy->columns.count;
    AstSelect *select = ARENA_NEW(arena, AstSelect);
    AstFromTable *table = ARENA_NEW(arena, AstFromTable);
    const AstFrom **froms = ARENA_ARRAY(arena, const AstFrom *, 1);
    AstTarget *targets = ARENA_ARRAY(arena, AstTarget, count);

    table->head = (AstFrom){.kind = AST_FROM_TABLE, .offset = copy->table.offset};
    table->name = copy->table;
    froms[0] = &table->head;
    for (uint32_t i = 0; i < count; i++) {
        AstColumn *column = ARENA_NEW(arena, AstColumn);

        column->head = (AstExpr){AST_COLUMN, copy->table.offset};
        column->is_star = copy->columns.count == 0;
        if (!column->is_star)
            column->names = (AstNames){1, &copy->columns.items[i]};
        targets[i] = (AstTarget){.expr = &column->head, .offset = copy->table.offset};
    }
    *select = (AstSelect){.kind = AST_SELECT_PLAIN,
                          .offset = copy->table.offset,
                          .target_count = count,
                          .targets = targets,
                          .from = {1, froms}};
    return select;
}

/* --- what is to be done --- */

static const Plan *write_plan(Query *query, const Plan *plan, const PlanColumn *columns,
                              const char *path, const char *format, OptionList options)
{
    const char **names = ARENA_ARRAY(query->arena, const char *, plan->column_count);
    PlanColumn count = {
        .id = plan_new_column(&query->ids), .type = type_of(TYPE_INT8), .name = "count"};

    for (uint32_t i = 0; i < plan->column_count; i++)
        names[i] = columns[i].name;
    return plan_write(query->arena, plan, path, format, (NameList){plan->column_count, names},
                      options, count);
}

/* Without a database folder the table lives in memory. */
static Status bind_create_table(WriteJob *job, const AstCreateTableAs *create, Error *err)
{
    Query *query = job->query;
    SessionCatalog *catalog = query->session->catalog;
    const char *path, *name = create->name.name;
    Status status;

    TRY(statement__check_schema(&create->name, err));
    if (create->is_materialized_view || create->select == NULL || create->options.count > 0 ||
        (create->access_method != NULL && strcasecmp(create->access_method, "parquet") != 0))
        return error_set(err, ST_NOT_SUPPORTED, "not supported: this form of CREATE TABLE AS");
    job->command = "CREATE TABLE AS";
    status = session_catalog_check_free(catalog, name, err);
    if (status != ST_OK && create->if_not_exists && err != NULL &&
        strcmp(err->sqlstate, "42P07") == 0)
        return ST_OK;
    TRY(status);
    TRY(query__bind(query, create->select, err, &job->plan));
    TRY(statement__rename_columns(query->arena, job->plan, create->columns, err, &job->columns));
    if (create->with_no_data)
        job->plan = plan_limit(query->arena, job->plan, 0, 0);
    job->command = "SELECT"; /* psql's tag for CREATE TABLE AS */
    path = create->is_temporary ? NULL : session_catalog_new_path(catalog, query->arena, name);
    if (path == NULL)
        job->table_name = name;
    else
        job->plan = write_plan(query, job->plan, job->columns, path, "parquet", (OptionList){0});
    return ST_OK;
}

static Status bind_copy(WriteJob *job, const AstCopy *copy, Error *err)
{
    Arena *arena = job->query->arena;
    const char *format_name = NULL;
    OptionList options = copy_options(arena, &copy->options, &format_name);
    const AstSelect *select = copy->select;
    const Format *format;
    const Plan *plan;

    if (copy->is_from || copy->is_program || copy->path == NULL) {
        error_set(err, ST_NOT_SUPPORTED, "not supported: COPY %s%s", copy->is_from ? "FROM" : "TO",
                  copy->is_program     ? " PROGRAM"
                  : copy->path == NULL ? " STDOUT"
                                       : "");
        error_hint(err, "%s",
                   copy->is_from ? "Name the file in a query: CREATE TABLE t AS SELECT * FROM "
                                   "read_csv('file.csv')."
                                 : "Use COPY ... TO 'file', or vonk sql --format csv.");
        return ST_NOT_SUPPORTED;
    }
    if (select == NULL && copy->table.name == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: COPY of this statement");
    if (select == NULL)
        select = select_of_table(arena, copy);
    format = format_find(format_name, copy->path);
    if (format == NULL) {
        error_set_state(err, ST_BAD_INPUT, "22023", "COPY to \"%s\": no such format: \"%s\"",
                        copy->path, format_name == NULL ? copy->path : format_name);
        error_hint(err, "Add (FORMAT parquet) or (FORMAT csv).");
        return ST_BAD_INPUT;
    }
    TRY(query__bind(job->query, select, err, &plan));
    plan = query__show_chars(job->query, plan);
    job->command = "COPY";
    job->plan = write_plan(job->query, plan, plan->columns, copy->path, format->name, options);
    return ST_OK;
}

bool write_job_is_one(const AstStatement *statement)
{
    return statement->kind == AST_STMT_CREATE_TABLE_AS || statement->kind == AST_STMT_COPY;
}

Status write_job_bind(Query *query, const AstStatement *statement, Error *err, WriteJob *job_out)
{
    *job_out = (WriteJob){.query = query};
    if (statement->kind == AST_STMT_COPY)
        return bind_copy(job_out, ast_stmt_as_copy(statement), err);
    return bind_create_table(job_out, ast_stmt_as_create_table_as(statement), err);
}

/* --- doing it --- */

static Status new_table(const WriteJob *job, Error *err, Table **table_out)
{
    uint32_t count = job->plan->column_count;
    TableColumn *columns = ARENA_ARRAY(job->query->arena, TableColumn, count);

    for (uint32_t i = 0; i < count; i++)
        columns[i] =
            (TableColumn){job->columns[i].name, job->columns[i].type, job->columns[i].is_nullable};
    return memory_table_new(job->table_name, count, columns, 0, job->query->session->pool, err,
                            table_out);
}

static Status take_batches(WriteJob *job, Execution *execution, Table *table, Error *err)
{
    Batch batch;

    for (;;) {
        TRY(exec_next(execution, err, &batch));
        if (batch.row_count == 0)
            return ST_OK;
        if (table != NULL) {
            TRY(memory_table_add(table, &batch, err));
            job->row_count += batch.selected_count;
        } else { /* one row: how many were written */
            job->row_count =
                (uint64_t)value_from_column(&batch.columns[0], batch_row(&batch, 0)).int64;
        }
    }
}

Status write_job_take(WriteJob *job, Execution *execution, Error *err)
{
    Table *table = NULL;
    Status status;

    if (job->table_name != NULL)
        TRY(new_table(job, err, &table));
    status = take_batches(job, execution, table, err);
    if (table == NULL)
        return status;
    if (status == ST_OK)
        return session_add_table(job->query->session, job->table_name, table, err);
    table_unref(table);
    return status;
}

Status write_job_run(Result *result, const AstStatement *statement, Error *err)
{
    OptimizeResult optimized;
    Execution *execution;
    WriteJob job;
    Status status;

    TRY(write_job_bind(&result->query, statement, err, &job));
    result->command = job.command;
    if (job.plan == NULL)
        return ST_OK;
    TRY(query__optimize(job.query, job.plan, false, err, &optimized));
    TRY(query__start(job.query, optimized.physical, false, err, &execution));
    status = write_job_take(&job, execution, err);
    exec_close(execution);
    result->rows_returned = job.row_count;
    result->tag_has_count = true;
    return status;
}
