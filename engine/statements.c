/* statements.c -- the statements that are no queries: views, tables, settings */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/invariant.h"
#include "engine/session_internal.h"
#include "engine/write_job.h"

Status statement__check_schema(const AstName *name, Error *err)
{
    if (name->schema == NULL || strcmp(name->schema, "public") == 0)
        return ST_OK;
    error_set_state(err, ST_BAD_INPUT, "3F000", "schema \"%s\" does not exist", name->schema);
    error_at(err, name->offset);
    return ST_BAD_INPUT;
}

Status statement__rename_columns(Arena *arena, const Plan *plan, AstNames names, Error *err,
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

    TRY(statement__check_schema(&create->name, err));
    if (create->is_recursive || create->options.count > 0)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: CREATE %sVIEW%s",
                         create->is_recursive ? "RECURSIVE " : "",
                         create->options.count > 0 ? " with options" : "");
    if (create->head.param_count > 0) {
        error_set_state(err, ST_BAD_INPUT, "42P02", "a view has no parameters");
        error_hint(err, "Write the value of $%u into it.", create->head.param_count);
        return ST_BAD_INPUT;
    }
    TRY(query__bind(&result->query, create->select, err, &plan));
    TRY(statement__rename_columns(arena, plan, create->columns, err, &columns));
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
                                       create->is_replace, create->is_temporary, err);
}

static Status drop(Result *result, const AstDrop *statement, Error *err)
{
    for (uint32_t i = 0; i < statement->name_count; i++) {
        TRY(statement__check_schema(&statement->names[i], err));
        TRY(session_catalog_drop(result->query.session->catalog, statement->names[i].name,
                                 statement->is_view, statement->if_exists, err));
    }
    result->command = statement->is_view ? "DROP VIEW" : "DROP TABLE";
    return ST_OK;
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

/* --- transactions --- */

/* Scripts have them around statements: each takes effect by itself, and that is said. */
static Status transaction(Result *result, const AstTransaction *statement, Error *err)
{
    if (statement->is_undo) {
        error_set(err, ST_NOT_SUPPORTED, "not supported: %s", statement->tag);
        error_hint(err, "There are no transactions: each statement has taken effect when it ends.");
        error_at(err, statement->head.offset);
        return ST_NOT_SUPPORTED;
    }
    result->command = statement->tag;
    if (strcmp(statement->tag, "COMMIT") != 0)
        result->notice = "there are no transactions: each statement takes effect when it ends";
    return ST_OK;
}

Status statement__run(Result *result, const AstStatement *statement, Error *err)
{
    switch (statement->kind) {
    case AST_STMT_CREATE_VIEW:
        return create_view(result, ast_stmt_as_create_view(statement), err);
    case AST_STMT_CREATE_TABLE_AS:
    case AST_STMT_COPY:
        return write_job_run(result, statement, err);
    case AST_STMT_DROP:
        return drop(result, ast_stmt_as_drop(statement), err);
    case AST_STMT_EXPLAIN:
        return explain__run(result, ast_stmt_as_explain(statement), err);
    case AST_STMT_SET:
        return set(result, ast_stmt_as_set(statement), err);
    case AST_STMT_SHOW:
        return show(result, ast_stmt_as_show(statement), err);
    case AST_STMT_TRANSACTION:
        return transaction(result, ast_stmt_as_transaction(statement), err);
    case AST_STMT_OTHER:
        error_set(err, ST_NOT_SUPPORTED, "not supported: %s", ast_stmt_as_other(statement)->what);
        error_at(err, statement->offset);
        return ST_NOT_SUPPORTED;
    case AST_STMT_SELECT:
        break;
    }
    UNREACHABLE("statement kind");
}
