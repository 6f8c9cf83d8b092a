/*
 * explain.c -- EXPLAIN: each step of a query's life, as text, JSON or DOT
 *
 *     EXPLAIN q                       the physical plan with estimates
 *     EXPLAIN ANALYZE q               runs q; rows estimated and seen, time, memory, bytes read,
 *                                     tier and cache hits per operator
 *     EXPLAIN (RULES) q               which rules fired, the plan before and after
 *     EXPLAIN (STAGES | KERNELS | CODE | CONFIG) q
 *     EXPLAIN (..., FORMAT JSON|DOT) q
 *
 * q may be CREATE TABLE AS or COPY ... TO: ANALYZE writes what they write.
 *
 * Any number of steps may be asked for at once. JSON: one object with a member a step. DOT: one
 * graph with the plan's tree, other steps as notes in it.
 */
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/invariant.h"
#include "core/plan/plan_brief.h"
#include "engine/explain_internal.h"
#include "engine/query_job.h"
#include "engine/write_job.h"

typedef struct ExplainOptions {
    bool analyze, plan, rules, stages, kernels, code, config;
    bool ignored; /* PostgreSQL's other switches: what they add is always shown, or not there */
    ExplainFormat format;
} ExplainOptions;

static Status read_switch(const AstOption *option, bool *field_out, Error *err)
{
    static const char *const on[] = {"on", "true", "1"}, *const off[] = {"off", "false", "0"};

    *field_out = true;
    if (option->value == NULL)
        return ST_OK;
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        if (strcasecmp(option->value, on[i]) == 0)
            return ST_OK;
        if (strcasecmp(option->value, off[i]) == 0) {
            *field_out = false;
            return ST_OK;
        }
    }
    error_set_state(err, ST_BAD_INPUT, "42601", "%s requires a Boolean value", option->name);
    error_at(err, option->offset);
    return ST_BAD_INPUT;
}

static Status read_format(const AstOption *option, ExplainFormat *format_out, Error *err)
{
    static const char *const words[] = {
        [EXPLAIN_TEXT] = "text", [EXPLAIN_JSON] = "json", [EXPLAIN_DOT] = "dot"};

    for (int i = EXPLAIN_TEXT; i <= EXPLAIN_DOT; i++) {
        if (option->value != NULL && strcasecmp(option->value, words[i]) == 0) {
            *format_out = (ExplainFormat)i;
            return ST_OK;
        }
    }
    error_set_state(err, ST_BAD_INPUT, "22023",
                    "unrecognized value for EXPLAIN option \"format\": \"%s\"",
                    option->value == NULL ? "" : option->value);
    error_at(err, option->offset);
    return ST_BAD_INPUT;
}

static Status read_options(const AstOptions *list, ExplainOptions *options_out, Error *err)
{
    ExplainOptions options = {0};
    const struct {
        const char *name;
        bool *field;
    } switches[] = {{"analyze", &options.analyze},  {"plan", &options.plan},
                    {"rules", &options.rules},      {"stages", &options.stages},
                    {"kernels", &options.kernels},  {"code", &options.code},
                    {"config", &options.config},    {"verbose", &options.ignored},
                    {"costs", &options.ignored},    {"buffers", &options.ignored},
                    {"timing", &options.ignored},   {"summary", &options.ignored},
                    {"settings", &options.ignored}, {"wal", &options.ignored}};
    enum { SWITCHES = sizeof switches / sizeof switches[0] };

    for (uint32_t i = 0; i < list->count; i++) {
        const AstOption *option = &list->items[i];
        int j = 0;

        if (strcmp(option->name, "format") == 0) {
            TRY(read_format(option, &options.format, err));
            continue;
        }
        while (j < SWITCHES && strcmp(option->name, switches[j].name) != 0)
            j++;
        if (j == SWITCHES) {
            error_set_state(err, ST_BAD_INPUT, "42601", "unrecognized EXPLAIN option \"%s\"",
                            option->name);
            error_hint(err,
                       "Options: ANALYZE, PLAN, RULES, STAGES, KERNELS, CODE, CONFIG, FORMAT.");
            error_at(err, option->offset);
            return ST_BAD_INPUT;
        }
        TRY(read_switch(option, switches[j].field, err));
    }
    if (options.analyze ||
        (!options.rules && !options.stages && !options.kernels && !options.code && !options.config))
        options.plan = true;
    *options_out = options;
    return ST_OK;
}

static Status take_rows(Execution *execution, Error *err)
{
    Status status;
    Batch batch;

    do {
        status = exec_next(execution, err, &batch);
    } while (status == ST_OK && batch.row_count > 0);
    return status;
}

/* Runs the plan to its end, writing what a job writes, and keeps what each operator saw. */
static Status run_analyze(Query *query, WriteJob *job, const Plan *physical, Error *err,
                          uint32_t *count_out, const OperatorStatistics **rows_out,
                          double *total_ms_out)
{
    int64_t start_ns = clock_now_ns();
    Execution *execution;
    Status status;

    *count_out = 0;
    *rows_out = NULL;
    TRY(query__start(query, physical, true, err, &execution));
    status = job != NULL ? write_job_take(job, execution, err) : take_rows(execution, err);
    *total_ms_out = (double)(clock_now_ns() - start_ns) / 1e6;
    if (status == ST_OK && query->job == NULL)
        *count_out = exec_statistics(execution, query->arena, rows_out);
    exec_close(execution);
    return status;
}

/* What each stage of the job did: a line. */
static const char *job_text(const Query *query)
{
    StrBuf buf = {.arena = query->arena};
    const StageReport *stages;
    uint32_t count = query_job_stages(query->job, &stages);

    for (uint32_t i = 0; i < count; i++) {
        char bytes[BYTES_TEXT_MAX];

        strbuf_printf(&buf, "Stage %s: tasks %u", stages[i].name, stages[i].tasks);
        if (stages[i].attempts != stages[i].tasks)
            strbuf_printf(&buf, " (%u attempts)", stages[i].attempts);
        strbuf_printf(&buf, ", rows %llu, %s, time %.3f ms", (unsigned long long)stages[i].rows,
                      str_of_bytes(stages[i].bytes, bytes), stages[i].ms);
        if (stages[i].change != NULL)
            strbuf_printf(&buf, ", %s", stages[i].change);
        strbuf_putc(&buf, '\n');
    }
    return strbuf_text(&buf);
}

static Status add_plan(Query *query, WriteJob *job, const ExplainOptions *options,
                       const OptimizeResult *optimized, ExplainWriter *writer, Error *err)
{
    ExplainedPlan plan = {.plan = optimized->physical};
    uint32_t seen_count;

    if (query_job_is_wanted(query, plan.plan))
        TRY(query_job_distribute(query, plan.plan, err, &plan.plan));
    plan.lines = plan_brief_lines(query->arena, plan.plan, &plan.node_count);
    if (options->analyze) {
        TRY(run_analyze(query, job, optimized->physical, err, &seen_count, &plan.seen,
                        &plan.total_ms));
        plan.peak_bytes = mem_pool_peak_bytes(query->pool);
        CHECK(query->job != NULL || seen_count == plan.node_count);
    }
    explain__add_plan(writer, &plan);
    if (query->job != NULL)
        explain__add_text(writer, "job", job_text(query));
    return ST_OK;
}

static Status add_steps(Query *query, const ExplainOptions *options,
                        const OptimizeResult *optimized, ExplainWriter *writer, Error *err)
{
    CodeCache *cache = session_code_cache(query->session);
    const SettingInForce *settings;
    const char *text;
    uint32_t count;

    if (options->rules)
        explain__add_rules(writer, optimized->trace_count, optimized->trace);
    if (options->stages)
        explain__add_text(writer, "stages", exec_print_stages(query->arena, optimized->physical));
    if (options->kernels || options->code) {
        TRY(exec_print_kernels(query->arena, optimized->physical, options->code, cache, err,
                               &text));
        explain__add_text(writer, options->code ? "code" : "kernels", text);
    }
    if (options->config) {
        count = config_describe(query->arena, &query->session->config, &settings);
        explain__add_config(writer, count, settings);
    }
    return ST_OK;
}

/* The text's lines as rows of one column. */
static void set_lines(Result *result, char *text)
{
    static const char *const names[] = {"QUERY PLAN"};
    Arena *arena = result->query.arena;
    uint32_t count = 0;
    const char *const **rows;
    char *rest = text;

    for (const char *at = text; *at != '\0'; at++)
        count += *at == '\n';
    rows = ARENA_ARRAY(arena, const char *const *, count + 1);
    count = 0;
    for (char *line; *rest != '\0' && (line = strsep(&rest, "\n")) != NULL;) {
        const char **row = ARENA_ARRAY(arena, const char *, 1);

        row[0] = line;
        rows[count++] = row;
        if (rest == NULL)
            break;
    }
    result__set_text(result, 1, names, count, rows);
}

/* The statement's plan; *job_out: what it writes, NULL when it is a query. */
static Status bind_explained(Query *query, const AstStatement *statement, Error *err,
                             WriteJob **job_out, const Plan **plan_out)
{
    const AstSelectStmt *select = ast_stmt_as_select(statement);

    *job_out = NULL;
    if (select != NULL) {
        TRY(query__bind(query, select->select, err, plan_out));
        *plan_out = query__show_chars(query, *plan_out);
        return ST_OK;
    }
    if (!write_job_is_one(statement)) {
        error_set(err, ST_NOT_SUPPORTED, "not supported: EXPLAIN of this statement");
        error_at(err, statement->offset);
        return ST_NOT_SUPPORTED;
    }
    *job_out = ARENA_NEW(query->arena, WriteJob);
    TRY(write_job_bind(query, statement, err, *job_out));
    *plan_out = (*job_out)->plan;
    return ST_OK;
}

Status explain__run(Result *result, const AstExplain *explain, Error *err)
{
    Query *query = &result->query;
    ExplainOptions options;
    ExplainWriter writer;
    OptimizeResult optimized;
    const Plan *plan;
    WriteJob *job;

    result->command = "EXPLAIN";
    TRY(read_options(&explain->options, &options, err));
    TRY(bind_explained(query, explain->statement, err, &job, &plan));
    explain__begin(&writer, query->arena, options.format);
    if (plan != NULL) {
        TRY(query__optimize(query, plan, options.rules, err, &optimized));
        if (options.plan)
            TRY(add_plan(query, job, &options, &optimized, &writer, err));
        TRY(add_steps(query, &options, &optimized, &writer, err));
    } else { /* IF NOT EXISTS, and it does */
        explain__add_text(&writer, "plan", "Nothing to do\n");
    }
    set_lines(result, arena_strdup(query->arena, explain__end(&writer)));
    return ST_OK;
}
