/* statements.c -- the statements that are no queries: views, tables, COPY, settings */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/invariant.h"
#include "engine/session_internal.h"
#include "formats/format.h"
#include "formats/memory_table.h"

static Status no_schema(const AstName *name, Error *err)
{
    if (name->schema == NULL || strcmp(name->schema, "public") == 0)
        return ST_OK;
    error_set_state(err, ST_BAD_INPUT, "3F000", "schema \"%s\" does not exist", name->schema);
    error_at(err, name->offset);
    return ST_BAD_INPUT;
}

/* Renames the first columns of plan, as CREATE VIEW v (a, b) AS asks. */
static Status rename_columns(Arena *arena, const Plan *plan, AstNames names, Error *err,
                             const PlanColumn **columns_out)
{
    PlanColumn *columns = arena_copy(arena, plan->columns, plan->column_count * sizeof *columns);

    if (names.count > plan->column_count)
        return error_set_state(err, ST_BAD_INPUT, "42601", "too many column names were specified");
    for (uint32_t i = 0; i < names.count; i++)
        columns[i].name = names.items[i];
    for (uint32_t i = 0; i < plan->column_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(columns[i].name, columns[j].name) == 0)
                return error_set_state(err, ST_BAD_INPUT, "42701",
                                       "column \"%s\" specified more than once", columns[i].name);
    *columns_out = columns;
    return ST_OK;
}

/* --- views --- */

static Status create_view(Result *result, const AstCreateView *create, Error *err)
{
    Arena *arena = result->query.arena;
    const char *text = create->select_text;
    const PlanColumn *columns;
    const Plan *plan;
    StrBuf buf = {.arena = arena};

    TRY(no_schema(&create->name, err));
    if (create->is_recursive || create->is_temporary || create->options.count > 0)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: CREATE %s VIEW%s",
                         create->is_recursive   ? "RECURSIVE"
                         : create->is_temporary ? "TEMPORARY"
                                                : "",
                         create->options.count > 0 ? " with options" : "");
    TRY(query__bind(&result->query, create->select, err, &plan));
    TRY(rename_columns(arena, plan, create->columns, err, &columns));
    if (create->columns.count > 0) {
        /* the new names become the alias of the query's columns */
        strbuf_printf(&buf, "SELECT * FROM (%s\n) AS v (", text);
        for (uint32_t i = 0; i < create->columns.count; i++)
            strbuf_printf(&buf, "%s\"%s\"", i == 0 ? "" : ", ", create->columns.items[i]);
        strbuf_putc(&buf, ')');
        text = strbuf_text(&buf);
    }
    result->command = "CREATE VIEW";
    return session_catalog_create_view(result->query.session->catalog, create->name.name, text,
                                       create->is_replace, err);
}

/* --- CREATE TABLE AS --- */

/* The plan has run to its end: from here on the result is a tag with a count. */
static void finish_rows(Result *result)
{
    exec_close(result->execution);
    result->execution = NULL;
    result->has_rows = false;
    result->column_count = 0;
    result->tag_has_count = true;
}

/* Runs plan, whose one row is the number of rows written. */
static Status run_write(Result *result, const Plan *plan, Error *err)
{
    Batch batch;

    TRY(result__start_plan(result, plan, err));
    for (;;) {
        TRY(exec_next(result->execution, err, &batch));
        if (batch.row_count == 0)
            break;
        result->rows_returned =
            (uint64_t)value_from_column(&batch.columns[0], batch_row(&batch, 0)).int64;
    }
    finish_rows(result);
    return ST_OK;
}

static const Plan *write_plan(Result *result, const Plan *plan, const PlanColumn *columns,
                              const char *path, const char *format, OptionList options)
{
    Arena *arena = result->query.arena;
    const char **names = ARENA_ARRAY(arena, const char *, plan->column_count);
    PlanColumn count = {
        .id = plan_new_column(&result->query.ids), .type = type_of(TYPE_INT8), .name = "count"};

    for (uint32_t i = 0; i < plan->column_count; i++)
        names[i] = columns[i].name;
    return plan_write(arena, plan, path, format, (NameList){plan->column_count, names}, options,
                      count);
}

/* Without a database folder the table lives in memory. */
static Status create_in_memory(Result *result, const char *name, const Plan *plan,
                               const PlanColumn *columns, Error *err)
{
    Session *session = result->query.session;
    TableColumn *table_columns = ARENA_ARRAY(result->query.arena, TableColumn, plan->column_count);
    Table *table;
    Status status;
    Batch batch;

    for (uint32_t i = 0; i < plan->column_count; i++)
        table_columns[i] = (TableColumn){columns[i].name, columns[i].type, columns[i].is_nullable};
    TRY(result__start_plan(result, plan, err));
    TRY(memory_table_new(name, plan->column_count, table_columns, 0, session->pool, err, &table));
    do {
        status = exec_next(result->execution, err, &batch);
        if (status == ST_OK && batch.row_count > 0)
            status = memory_table_add(table, &batch, err);
        result->rows_returned += batch.selected_count;
    } while (status == ST_OK && batch.row_count > 0);
    finish_rows(result);
    if (status != ST_OK) {
        table_unref(table);
        return status;
    }
    return session_add_table(session, name, table, err);
}

static Status create_table_as(Result *result, const AstCreateTableAs *create, Error *err)
{
    Arena *arena = result->query.arena;
    SessionCatalog *catalog = result->query.session->catalog;
    const char *name = create->name.name;
    const PlanColumn *columns;
    const Plan *plan;
    const char *path;
    Status status;

    TRY(no_schema(&create->name, err));
    if (create->is_materialized_view || create->select == NULL || create->options.count > 0 ||
        (create->access_method != NULL && strcasecmp(create->access_method, "parquet") != 0))
        return error_set(err, ST_NOT_SUPPORTED, "not supported: this form of CREATE TABLE AS");
    status = session_catalog_check_free(catalog, name, err);
    if (status != ST_OK && create->if_not_exists && err != NULL &&
        strcmp(err->sqlstate, "42P07") == 0) {
        result->command = "CREATE TABLE AS";
        return ST_OK;
    }
    TRY(status);
    TRY(query__bind(&result->query, create->select, err, &plan));
    TRY(rename_columns(arena, plan, create->columns, err, &columns));
    if (create->with_no_data)
        plan = plan_limit(arena, plan, 0, 0);
    result->command = "SELECT"; /* psql's tag for CREATE TABLE AS */
    path = create->is_temporary ? NULL : session_catalog_new_path(catalog, arena, name);
    if (path == NULL)
        return create_in_memory(result, name, plan, columns, err);
    return run_write(result, write_plan(result, plan, columns, path, "parquet", (OptionList){0}),
                     err);
}

static Status drop(Result *result, const AstDrop *statement, Error *err)
{
    for (uint32_t i = 0; i < statement->name_count; i++) {
        TRY(no_schema(&statement->names[i], err));
        TRY(session_catalog_drop(result->query.session->catalog, statement->names[i].name,
                                 statement->is_view, statement->if_exists, err));
    }
    result->command = statement->is_view ? "DROP VIEW" : "DROP TABLE";
    return ST_OK;
}

/* --- COPY --- */

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

static Status copy_to(Result *result, const AstCopy *copy, Error *err)
{
    Arena *arena = result->query.arena;
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
    TRY(query__bind(&result->query, select, err, &plan));
    plan = query__show_chars(&result->query, plan);
    result->command = "COPY";
    return run_write(
        result, write_plan(result, plan, plan->columns, copy->path, format->name, options), err);
}

/* --- settings --- */

static Status set(Result *result, const AstSet *statement, Error *err)
{
    Config *config = session_config(result->query.session);
    StrBuf value = {.arena = result->query.arena};

    result->command = "SET";
    switch (statement->set) {
    case AST_SET_VALUE:
        for (uint32_t i = 0; i < statement->values.count; i++)
            strbuf_printf(&value, "%s%s", i == 0 ? "" : ",", statement->values.items[i]);
        return config_set(config, statement->name, strbuf_text(&value), err);
    case AST_SET_DEFAULT:
        return config_reset(config, statement->name, err);
    case AST_SET_RESET:
        result->command = "RESET";
        return config_reset(config, statement->name, err);
    case AST_SET_RESET_ALL:
        result->command = "RESET";
        return config_reset(config, "all", err);
    }
    UNREACHABLE("SET kind");
}

static void show_all(Result *result)
{
    static const char *const names[] = {"name", "setting", "description"};
    Arena *arena = result->query.arena;
    const SettingInfo *settings;
    uint32_t count = config_settings(&settings);
    const char *const **rows = ARENA_ARRAY(arena, const char *const *, count);

    for (uint32_t i = 0; i < count; i++) {
        const char **row = ARENA_ARRAY(arena, const char *, 3);

        row[0] = settings[i].name;
        row[1] = config_get(arena, session_config(result->query.session), settings[i].name);
        row[2] = settings[i].what;
        rows[i] = row;
    }
    result__set_text(result, 3, names, count, rows);
}

static void show_tables(Result *result, const RelationInfo *relations, uint32_t count)
{
    static const char *const names[] = {"name"};
    Arena *arena = result->query.arena;
    const char *const **rows = ARENA_ARRAY(arena, const char *const *, count);

    for (uint32_t i = 0; i < count; i++)
        rows[i] = &relations[i].name;
    result__set_text(result, 1, names, count, rows);
}

static Status show(Result *result, const AstShow *statement, Error *err)
{
    Arena *arena = result->query.arena;
    Session *session = result->query.session;
    const char **row = ARENA_ARRAY(arena, const char *, 1);
    const char *const **rows = ARENA_ARRAY(arena, const char *const *, 1);
    const RelationInfo *relations;
    uint32_t count;

    result->command = "SHOW";
    if (strcasecmp(statement->name, "all") == 0) {
        show_all(result);
        return ST_OK;
    }
    if (strcasecmp(statement->name, "tables") == 0) {
        TRY(session_relations(session, arena, err, &count, &relations));
        show_tables(result, relations, count);
        return ST_OK;
    }
    row[0] = config_get(arena, &session->config, statement->name);
    if (row[0] == NULL) /* for the error and its hint */
        return config_reset(&session->config, statement->name, err);
    rows[0] = row;
    result__set_text(result, 1, &statement->name, 1, rows);
    return ST_OK;
}

Status statement__run(Result *result, const AstStatement *statement, Error *err)
{
    switch (statement->kind) {
    case AST_STMT_CREATE_VIEW:
        return create_view(result, ast_stmt_as_create_view(statement), err);
    case AST_STMT_CREATE_TABLE_AS:
        return create_table_as(result, ast_stmt_as_create_table_as(statement), err);
    case AST_STMT_DROP:
        return drop(result, ast_stmt_as_drop(statement), err);
    case AST_STMT_COPY:
        return copy_to(result, ast_stmt_as_copy(statement), err);
    case AST_STMT_EXPLAIN:
        return explain__run(result, ast_stmt_as_explain(statement), err);
    case AST_STMT_SET:
        return set(result, ast_stmt_as_set(statement), err);
    case AST_STMT_SHOW:
        return show(result, ast_stmt_as_show(statement), err);
    case AST_STMT_OTHER:
        error_set(err, ST_NOT_SUPPORTED, "not supported: %s", ast_stmt_as_other(statement)->what);
        error_at(err, statement->offset);
        return ST_NOT_SUPPORTED;
    case AST_STMT_SELECT:
        break;
    }
    UNREACHABLE("statement kind");
}
