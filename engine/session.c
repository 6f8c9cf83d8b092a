/* session.c -- sessions, scripts and results; see session.h */
#include "engine/session_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/big_stack.h"
#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "sql/parser/parse.h"

enum { QUERY_ARENA_CAP_BYTES = 256 << 20 };

struct Script {
    Arena *arena;
    AstStatements statements;
};

Status session_open(const char *database, Error *err, Session **session_out)
{
    Arena *arena = arena_new(NULL, "session", ARENA_NO_CAP);
    Session *session = ARENA_NEW(arena, Session);
    Status status;

    *session_out = NULL;
    session->arena = arena;
    session->pool = mem_pool_new(NULL, "session", MEM_POOL_NO_LIMIT);
    config_init(&session->config, arena);
    atomic_init(&session->cancelled, false);
    status = session_catalog_new(database, session->pool, err, &session->catalog);
    if (status != ST_OK) {
        session_close(session);
        return status;
    }
    *session_out = session;
    return ST_OK;
}

void session_close(Session *session)
{
    if (session == NULL)
        return;
    session_catalog_free(session->catalog);
    session_jobs_free(session->jobs);
    code_cache_free(session->code_cache);
    mem_pool_free(session->pool);
    arena_free(session->arena);
}

Config *session_config(Session *session)
{
    return &session->config;
}

MemPool *session_pool(Session *session)
{
    return session->pool;
}

void session_cancel(Session *session)
{
    atomic_store(&session->cancelled, true);
}

void session_clear_cancel(Session *session)
{
    atomic_store(&session->cancelled, false);
}

Status script_parse(Session *session, const char *text, size_t bytes, Error *err,
                    Script **script_out)
{
    Arena *arena = arena_new(NULL, "syntax tree", QUERY_ARENA_CAP_BYTES);
    Script *script = ARENA_NEW(arena, Script);
    Status status;

    *script_out = NULL;
    script->arena = arena;
    status = parse_sql(arena, text, bytes, &session->cancelled, err, &script->statements);
    if (status == ST_OK)
        status = arena_check(arena, err);
    if (status != ST_OK) {
        arena_free(arena);
        return status;
    }
    *script_out = script;
    return ST_OK;
}

void script_free(Script *script)
{
    if (script != NULL)
        arena_free(script->arena);
}

const AstStatements *script_statements(const Script *script)
{
    return &script->statements;
}

/* --- running --- */

static int64_t now_micros(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static Result *result_new(Session *session, uint32_t param_count, const Value *params)
{
    Arena *arena = arena_new(NULL, "plan", QUERY_ARENA_CAP_BYTES);
    Result *result = ARENA_NEW(arena, Result);

    result->query = (Query){.session = session,
                            .arena = arena,
                            .resources = config_resources(&session->config),
                            .catalog = session_catalog_for_query(session->catalog, arena),
                            .param_count = param_count,
                            .params = params,
                            .now_micros = now_micros()};
    if (session->rdds.ids != NULL)
        result->query.ids = *session->rdds.ids;
    result->query.pool = mem_pool_new(session->pool, "query", result->query.resources.memory_bytes);
    mem_pool_set_cancel(result->query.pool, &session->cancelled);
    return result;
}

Status result__start_plan(Result *result, const Plan *plan, Error *err)
{
    OptimizeResult optimized;

    TRY(query__optimize(&result->query, plan, false, err, &optimized));
    TRY(query__start(&result->query, optimized.physical, false, err, &result->execution));
    result->has_rows = true;
    result->column_count = plan->column_count;
    result->columns = plan->columns;
    return ST_OK;
}

static Status run_select(Result *result, const AstSelect *select, Error *err)
{
    const Plan *plan;

    TRY(query__bind(&result->query, select, err, &plan));
    plan = query__show_chars(&result->query, plan);
    TRY(result__start_plan(result, plan, err));
    result->command = "SELECT";
    result->tag_has_count = true;
    return ST_OK;
}

typedef struct StatementRun {
    Result *result;
    const AstStatement *statement;
    Error *err;
} StatementRun;

static Status run_statement(void *opaque)
{
    const StatementRun *run = opaque;
    const AstStatement *statement = run->statement;
    const Query *query = &run->result->query;
    const AstSelectStmt *select = ast_stmt_as_select(statement);

    TRY(stop_check(&query->session->cancelled, run->err)); /* while it was parsed */
    if (statement->param_count > query->param_count)
        return error_set_state(run->err, ST_BAD_INPUT, "42P02", "there is no parameter $%u",
                               statement->param_count);
    return select != NULL ? run_select(run->result, select->select, run->err)
                          : statement__run(run->result, statement, run->err);
}

Status session_run(Session *session, const AstStatement *statement, uint32_t param_count,
                   const Value *params, Error *err, Result **result_out)
{
    Result *result = result_new(session, param_count, params);
    StatementRun run = {result, statement, err};
    Status status = session->rdds.replace == NULL
                        ? run_statement(&run)
                        : big_stack_run(PLANNING_STACK_BYTES, run_statement, &run, err);

    *result_out = NULL;
    if (status != ST_OK) {
        result_free(result);
        return status;
    }
    *result_out = result;
    return ST_OK;
}

/* --- results --- */

void result__set_text(Result *result, uint32_t column_count, const char *const *names,
                      uint32_t row_count, const char *const *const *rows)
{
    PlanColumn *columns = ARENA_ARRAY(result->query.arena, PlanColumn, column_count);

    for (uint32_t i = 0; i < column_count; i++)
        columns[i] = (PlanColumn){.id = plan_new_column(&result->query.ids),
                                  .type = type_of(TYPE_TEXT),
                                  .name = names[i],
                                  .is_nullable = true};
    result->has_rows = true;
    result->column_count = column_count;
    result->columns = columns;
    result->text_row_count = row_count;
    result->text_rows = rows;
}

/* The next rows of text as a batch in the query's arena. */
static void next_text_rows(Result *result, Batch *batch_out)
{
    Arena *arena = result->query.arena;
    uint32_t left = result->text_row_count - result->next_text_row;
    uint32_t count = left < BATCH_ROWS_MAX ? left : BATCH_ROWS_MAX;
    Column *columns = ARENA_ARRAY(arena, Column, result->column_count);

    for (uint32_t i = 0; i < result->column_count; i++) {
        Str *values = ARENA_ARRAY(arena, Str, count);
        uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(count));

        for (uint32_t row = 0; row < count; row++) {
            const char *text = result->text_rows[result->next_text_row + row][i];

            bitmap_put(validity, row, text != NULL);
            if (text != NULL)
                values[row] = str_make(text, (uint32_t)strlen(text));
        }
        columns[i] = (Column){.type = type_of(TYPE_TEXT),
                              .form = COLUMN_FLAT,
                              .values = values,
                              .validity = validity};
    }
    *batch_out = (Batch){.column_count = result->column_count,
                         .row_count = count,
                         .columns = columns,
                         .selected_count = count};
    result->next_text_row += count;
}

Status result_next(Result *result, Error *err, Batch *batch_out)
{
    *batch_out = (Batch){0};
    if (result->execution != NULL)
        TRY(exec_next(result->execution, err, batch_out));
    else if (result->next_text_row < result->text_row_count)
        next_text_rows(result, batch_out);
    result->rows_returned += batch_out->selected_count;
    return ST_OK;
}

KeptBatch *result_keep_batch(Result *result)
{
    return result->execution == NULL ? NULL : exec_keep_batch(result->execution);
}

uint32_t result_column_count(const Result *result)
{
    return result->column_count;
}

const PlanColumn *result_columns(const Result *result)
{
    return result->columns;
}

bool result_has_rows(const Result *result)
{
    return result->has_rows;
}

const char *result_tag(Result *result)
{
    if (!result->tag_has_count)
        return result->command;
    result->tag = arena_printf(result->query.arena, "%s %llu", result->command,
                               (unsigned long long)result->rows_returned);
    return result->tag;
}

const char *result_notice(const Result *result)
{
    return result->notice;
}

ExecProgress result_progress(const Result *result)
{
    return result->execution == NULL ? (ExecProgress){0} : exec_progress(result->execution);
}

uint64_t result_peak_bytes(const Result *result)
{
    return mem_pool_peak_bytes(result->query.pool);
}

void result_free(Result *result)
{
    MemPool *pool;

    if (result == NULL)
        return;
    pool = result->query.pool;
    exec_close(result->execution);
    arena_free(result->query.arena);
    mem_pool_free(pool);
}

/* --- what there is --- */

Status session_relations(Session *session, Arena *arena, Error *err, uint32_t *count_out,
                         const RelationInfo **relations_out)
{
    return session_catalog_list(session->catalog, arena, err, count_out, relations_out);
}

Status session_describe(Session *session, Arena *arena, const char *name, Error *err,
                        uint32_t *count_out, const PlanColumn **columns_out)
{
    Result *result = result_new(session, 0, NULL);
    AstNames star = {0};
    AstColumn all = {.head = {AST_COLUMN, -1}, .names = star, .is_star = true};
    AstTarget target = {.expr = &all.head, .offset = -1};
    AstFromTable table = {.head = {.kind = AST_FROM_TABLE, .offset = -1},
                          .name = {.name = name, .offset = -1}};
    const AstFrom *from = &table.head;
    AstSelect select = {.kind = AST_SELECT_PLAIN,
                        .offset = -1,
                        .target_count = 1,
                        .targets = &target,
                        .from = {1, &from}};
    const Plan *plan;
    Status status = query__bind(&result->query, &select, err, &plan);

    *count_out = 0;
    *columns_out = NULL;
    if (status == ST_OK) {
        PlanColumn *columns =
            arena_copy(arena, plan->columns, plan->column_count * sizeof *columns);

        for (uint32_t i = 0; i < plan->column_count; i++)
            columns[i].name = arena_strdup(arena, columns[i].name);
        *count_out = plan->column_count;
        *columns_out = columns;
    }
    result_free(result);
    return status;
}

Status session_add_table(Session *session, const char *name, Table *table, Error *err)
{
    return session_catalog_add_table(session->catalog, name, table, err);
}

/* --- plans of RDDs --- */

static Status cast_columns(const BindRequest *request, const Plan *plan, uint32_t count,
                           const Type *types, Error *err, const Plan **plan_out)
{
    const Expr **exprs = ARENA_ARRAY(request->arena, const Expr *, count);
    PlanColumn *columns = ARENA_ARRAY(request->arena, PlanColumn, count);

    if (plan->column_count != count)
        return error_set(err, ST_BAD_INPUT, "the query has %u columns where %u are wanted",
                         plan->column_count, count);
    for (uint32_t i = 0; i < count; i++) {
        const Expr *column =
            expr_column(request->arena, plan->columns[i].id, plan->columns[i].type);

        columns[i] = plan->columns[i];
        columns[i].type = types[i];
        exprs[i] = column;
        if (type_equal(column->type, types[i]))
            continue;
        TRY(bind_assignment_cast(request, column, types[i], err, &exprs[i]));
        columns[i].id = plan_new_column(request->ids);
    }
    *plan_out = plan_project(request->arena, plan, count, exprs, columns);
    return ST_OK;
}

Status session_bind_query(Session *session, Arena *arena, PlanIds *ids, const char *sql,
                          uint32_t type_count, const Type *types, Error *err, const Plan **plan_out)
{
    Catalog catalog = session_catalog_for_query(session->catalog, arena);
    BindRequest request = {.arena = arena,
                           .ids = ids,
                           .catalog = &catalog,
                           .now_micros = now_micros(),
                           .cancelled = &session->cancelled,
                           .eval_const = kernel_eval_const};
    AstStatements statements;
    const AstSelectStmt *select;
    const Plan *plan;

    *plan_out = NULL;
    session_begin(session);
    TRY(parse_sql(arena, sql, strlen(sql), &session->cancelled, err, &statements));
    select = statements.count == 1 ? ast_stmt_as_select(statements.items[0]) : NULL;
    if (select == NULL)
        return error_set(err, ST_BAD_INPUT, "one SELECT is wanted here");
    TRY(bind_select_statement(&request, select->select, err, &plan));
    return cast_columns(&request, plan, type_count, types, err, plan_out);
}

Status session_optimize(Session *session, Arena *arena, PlanIds *ids, const Plan *plan, Error *err,
                        const Plan **physical_out)
{
    Resources resources = config_resources(&session->config);
    OptimizeRequest request = {.arena = arena,
                               .ids = ids,
                               .disabled_rules = session->config.optimizer_disable,
                               .memory_bytes = resources.memory_bytes,
                               .threads = resources.threads,
                               .eval_const = kernel_eval_const,
                               .eval_filter = kernel_eval_filter,
                               .cancelled = &session->cancelled};
    OptimizeResult optimized;

    *physical_out = NULL;
    TRY(optimize(&request, plan, err, &optimized));
    *physical_out = optimized.physical;
    return arena_check(arena, err);
}

const atomic_bool *session_cancelled(const Session *session)
{
    return &session->cancelled;
}

void session_begin(Session *session)
{
    atomic_store(&session->cancelled, false);
}
