/*
 * bind_fixture.h -- SQL text to a plan over a small catalog without rows
 *
 *     Fixture fix; fixture_open(&fix);
 *     const char *plan = bind_text(&fix, "SELECT a FROM t");      the printed plan, or the error
 *
 * Tables:  t (a int4, b int8, c text, d numeric(12,2), e date, f float8, g bool, h int2)
 *          u (a int4, x text, y timestamp, z varchar(10), w char(3), r real, i interval)
 *          n (a int4 not null, k numeric(38,16))
 * Views:   v: SELECT a, c AS name FROM t WHERE a > 1         loop: SELECT * FROM loop
 */
#ifndef VONK_TESTS_UNIT_BINDER_BIND_FIXTURE_H
#define VONK_TESTS_UNIT_BINDER_BIND_FIXTURE_H

#include <check.h>

#include "core/data/value_text.h"
#include "sql/binder/binder.h"
#include "sql/parser/parse.h"

typedef struct Fixture {
    Arena *arena;
    PlanIds ids;
    Error err;
    Catalog catalog;
} Fixture;

static const TableColumn t_columns[] = {
    {"a", {.id = TYPE_INT4}, true}, {"b", {.id = TYPE_INT8}, true},
    {"c", {.id = TYPE_TEXT}, true}, {"d", {.id = TYPE_DECIMAL, .precision = 12, .scale = 2}, true},
    {"e", {.id = TYPE_DATE}, true}, {"f", {.id = TYPE_FLOAT8}, true},
    {"g", {.id = TYPE_BOOL}, true}, {"h", {.id = TYPE_INT2}, true}};
static const TableColumn u_columns[] = {{"a", {.id = TYPE_INT4}, true},
                                        {"x", {.id = TYPE_TEXT}, true},
                                        {"y", {.id = TYPE_TIMESTAMP}, true},
                                        {"z", {.id = TYPE_VARCHAR, .length = 10}, true},
                                        {"w", {.id = TYPE_CHAR, .length = 3}, true},
                                        {"r", {.id = TYPE_FLOAT4}, true},
                                        {"i", {.id = TYPE_INTERVAL}, true}};
static const TableColumn n_columns[] = {
    {"a", {.id = TYPE_INT4}, false},
    {"k", {.id = TYPE_DECIMAL, .precision = 38, .scale = 16}, true}};

static const TableClass no_rows_class = {.format = "none"};
static Table fake_tables[] = {
    {.class = &no_rows_class, .name = "t", .column_count = 8, .columns = t_columns},
    {.class = &no_rows_class, .name = "u", .column_count = 7, .columns = u_columns},
    {.class = &no_rows_class, .name = "n", .column_count = 2, .columns = n_columns}};

static const AstSelect *parse_select(Arena *arena, const char *sql, Error *err)
{
    AstStatements statements;
    const AstSelectStmt *select;

    if (parse_sql(arena, sql, strlen(sql), NULL, err, &statements) != ST_OK ||
        statements.count != 1)
        return NULL;
    select = ast_stmt_as_select(statements.items[0]);
    return select == NULL ? NULL : select->select;
}

static Status fixture_lookup(void *context, Arena *arena, const char *name, Error *err,
                             Table **table_out, const AstSelect **view_out)
{
    (void)context;
    *table_out = NULL;
    *view_out = NULL;
    for (uint32_t i = 0; i < sizeof fake_tables / sizeof *fake_tables; i++)
        if (strcmp(fake_tables[i].name, name) == 0)
            *table_out = &fake_tables[i];
    if (strcmp(name, "v") == 0)
        *view_out = parse_select(arena, "SELECT a, c AS name FROM t WHERE a > 1", err);
    if (strcmp(name, "loop") == 0)
        *view_out = parse_select(arena, "SELECT * FROM loop", err);
    if (strcmp(name, "bad") == 0)
        *view_out = parse_select(arena, "SELECT nosuch FROM t", err);
    return ST_OK;
}

static Status fixture_open_file(void *context, const char *path, const char *format,
                                OptionList options, Error *err, Table **table_out)
{
    (void)context;
    (void)format;
    (void)options;
    *table_out = NULL;
    if (strstr(path, "missing") != NULL)
        return error_set_state(err, ST_IO, "58P01", "could not open file \"%s\"", path);
    *table_out = &fake_tables[0];
    return ST_OK;
}

static uint32_t fixture_names(void *context, Arena *arena, const char *const **names_out)
{
    static const char *const names[] = {"t", "u", "n", "v", "lineitem"};

    (void)context;
    (void)arena;
    *names_out = names;
    return sizeof names / sizeof *names;
}

/* Enough of kernel_eval_const for the casts that the binder folds. */
static Status fixture_eval(Arena *arena, const Expr *expr, Error *err, Value *value_out)
{
    const Expr *arg = expr->arg_count > 0 ? expr->args[0] : NULL;
    const char *text;

    if (expr->kind == EXPR_CONST) {
        *value_out = expr->value;
        return ST_OK;
    }
    if (expr->func == FUNC_LIKE_ESCAPE) {
        *value_out = value_text(arena, "escaped");
        return ST_OK;
    }
    if (expr->func != FUNC_CAST || arg->kind != EXPR_CONST)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: fixture_eval of this");
    if (arg->value.is_null) {
        *value_out = value_null(expr->type);
        return ST_OK;
    }
    text = value_print_arena(arena, &arg->value);
    if (type_is_integer(expr->type) && arg->type.id == TYPE_DECIMAL) {
        Int128 whole;

        value_parse_decimal(text, strlen(text), 38, 0, &whole);
        text =
            value_print_arena(arena, &(Value){.type = type_of(TYPE_INT8), .int64 = (int64_t)whole});
    }
    if (expr->type.length > 0 && strlen(text) > (size_t)expr->type.length)
        text = arena_strndup(arena, text, (size_t)expr->type.length);
    return value_parse(expr->type, text, strlen(text), err, value_out);
}

static void fixture_open(Fixture *fix)
{
    *fix = (Fixture){.arena = arena_new(NULL, "test", 64 << 20), .err = ERROR_NONE};
    fix->catalog =
        (Catalog){.lookup = fixture_lookup, .open_file = fixture_open_file, .names = fixture_names};
}

static void fixture_close(Fixture *fix)
{
    arena_free(fix->arena);
}

static const Plan *bind_plan(Fixture *fix, const char *sql)
{
    const AstSelect *select;
    const Plan *plan = NULL;
    Value params[] = {value_int4(7), value_text(fix->arena, "2000-01-01")};
    BindRequest request = {.arena = fix->arena,
                           .ids = &fix->ids,
                           .catalog = &fix->catalog,
                           .param_count = 2,
                           .params = params,
                           .now_micros = INT64_C(946684800000000),
                           .eval_const = fixture_eval};

    fix->err = ERROR_NONE;
    fix->ids = (PlanIds){0};
    select = parse_select(fix->arena, sql, &fix->err);
    if (select == NULL || bind_select_statement(&request, select, &fix->err, &plan) != ST_OK)
        return NULL;
    if (plan_check(fix->arena, plan, (ColumnSet){0, NULL}, &fix->err) != ST_OK)
        return NULL;
    return plan;
}

/* "ERROR 42703 at 7: ...", each of detail and hint on a line of its own. */
static const char *error_text(Fixture *fix)
{
    const Error *err = &fix->err;
    StrBuf buf = {.arena = fix->arena};

    strbuf_printf(&buf, "ERROR %s at %d: %s\n", err->sqlstate, (int)err->sql_offset, err->message);
    if (err->detail[0] != '\0')
        strbuf_printf(&buf, "DETAIL: %s\n", err->detail);
    if (err->hint[0] != '\0')
        strbuf_printf(&buf, "HINT: %s\n", err->hint);
    return strbuf_text(&buf);
}

static inline const char *bind_text(Fixture *fix, const char *sql)
{
    const Plan *plan = bind_plan(fix, sql);

    return plan == NULL ? error_text(fix) : plan_print(fix->arena, plan);
}

/* "a integer, sum numeric(38,2)", or the error. */
static inline const char *result_text(Fixture *fix, const char *sql)
{
    const Plan *plan = bind_plan(fix, sql);
    StrBuf buf = {.arena = fix->arena};

    if (plan == NULL)
        return error_text(fix);
    for (uint32_t i = 0; i < plan->column_count; i++)
        strbuf_printf(&buf, "%s%s %s", i > 0 ? ", " : "", plan->columns[i].name,
                      type_name(fix->arena, plan->columns[i].type));
    return strbuf_text(&buf);
}

static void add_shape(StrBuf *buf, const Plan *plan)
{
    const PlanScan *scan = plan_as_scan(plan);
    const PlanJoin *join = plan_as_join(plan);

    if (join != NULL)
        strbuf_printf(buf, "%s ", join_kind_name((JoinKind)join->kind));
    strbuf_puts(buf, scan != NULL ? scan->table->name : plan_kind_name(plan->kind));
    if (plan->input_count == 0)
        return;
    strbuf_putc(buf, '(');
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (i > 0)
            strbuf_puts(buf, ", ");
        add_shape(buf, plan->inputs[i]);
    }
    strbuf_putc(buf, ')');
}

/* "Project(Filter(t))", or the error. */
static inline const char *shape_text(Fixture *fix, const char *sql)
{
    const Plan *plan = bind_plan(fix, sql);
    StrBuf buf = {.arena = fix->arena};

    if (plan == NULL)
        return error_text(fix);
    add_shape(&buf, plan);
    return strbuf_text(&buf);
}

/* The i-th output of a plan whose top is a Project, as text. */
static inline const char *output_text(Fixture *fix, const char *sql, uint32_t i)
{
    const Plan *plan = bind_plan(fix, sql);
    const PlanProject *project = plan_as_project(plan);

    if (plan == NULL)
        return error_text(fix);
    return project == NULL ? plan_print(fix->arena, plan)
                           : expr_print(fix->arena, project->exprs.items[i]);
}

typedef struct TextCase {
    const char *sql;
    const char *expected;
} TextCase;

/* Each case in a fresh fixture. */
static inline void check_cases(const char *(*text)(Fixture *fix, const char *sql),
                               const TextCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Fixture fix;
        const char *got;

        fixture_open(&fix);
        got = text(&fix, cases[i].sql);
        ck_assert_msg(strcmp(got, cases[i].expected) == 0, "%s\n  expected %s\n  got      %s",
                      cases[i].sql, cases[i].expected, got);
        fixture_close(&fix);
    }
}

#define CHECK_CASES(text, cases) check_cases((text), (cases), sizeof(cases) / sizeof *(cases))

#endif
