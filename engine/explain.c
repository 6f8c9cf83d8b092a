/*
 * explain.c -- EXPLAIN: each step of a query's life, as text, JSON or DOT
 *
 *     EXPLAIN q                       the physical plan with estimates
 *     EXPLAIN ANALYZE q               runs q; rows estimated and seen, time, memory, bytes read
 *                                     per operator
 *     EXPLAIN (RULES) q               which rules fired, the plan before and after
 *     EXPLAIN (STAGES | KERNELS | CODE | CONFIG) q
 *     EXPLAIN (..., FORMAT JSON|DOT) q
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "engine/session_internal.h"

typedef enum ExplainFormat { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_DOT } ExplainFormat;

typedef struct ExplainOptions {
    bool analyze, plan, rules, stages, kernels, code, config;
    ExplainFormat format;
} ExplainOptions;

static bool is_on(const AstOption *option)
{
    const char *value = option->value;

    return value == NULL || strcasecmp(value, "on") == 0 || strcasecmp(value, "true") == 0 ||
           strcmp(value, "1") == 0;
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
    } switches[] = {{"analyze", &options.analyze}, {"plan", &options.plan},
                    {"rules", &options.rules},     {"stages", &options.stages},
                    {"kernels", &options.kernels}, {"code", &options.code},
                    {"config", &options.config}};
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
        *switches[j].field = is_on(option);
    }
    if (!options.rules && !options.stages && !options.kernels && !options.code && !options.config)
        options.plan = true;
    *options_out = options;
    return ST_OK;
}

/* --- JSON and DOT --- */

static void add_json_text(StrBuf *buf, const char *text)
{
    strbuf_putc(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_printf(buf, "\\%c", *text);
        else if (*text == '\n')
            strbuf_puts(buf, "\\n");
        else if ((unsigned char)*text < 0x20)
            strbuf_printf(buf, "\\u%04x", (unsigned char)*text);
        else
            strbuf_putc(buf, *text);
    }
    strbuf_putc(buf, '"');
}

/* The statistics of node, or NULL when it did not run. */
static const OperatorStatistics *find_statistics(const OperatorStatistics *rows, uint32_t count,
                                                 const Plan *node)
{
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].node == node)
            return &rows[i];
    return NULL;
}

typedef struct Tree {
    StrBuf *buf;
    Arena *arena;
    uint32_t row_count;
    const OperatorStatistics *rows;
    uint32_t next_id; /* DOT */
} Tree;

static void add_json_node(Tree *tree, const Plan *plan, uint32_t indent)
{
    const OperatorStatistics *seen = find_statistics(tree->rows, tree->row_count, plan);
    StrBuf *buf = tree->buf;

    strbuf_printf(buf, "%*s{\"node\": ", (int)indent, "");
    add_json_text(buf, plan_kind_name(plan->kind));
    strbuf_puts(buf, ", \"text\": ");
    add_json_text(buf, plan_print_node(tree->arena, plan));
    if (plan->estimated_rows >= 0)
        strbuf_printf(buf, ", \"rows_estimated\": %.0f", plan->estimated_rows);
    if (seen != NULL)
        strbuf_printf(buf,
                      ", \"rows\": %llu, \"cpu_ms\": %.3f, \"memory_bytes\": %llu, "
                      "\"read_bytes\": %llu, \"stage\": %u",
                      (unsigned long long)seen->rows, seen->cpu_ms,
                      (unsigned long long)seen->memory_bytes, (unsigned long long)seen->read_bytes,
                      seen->stage);
    strbuf_puts(buf, ", \"inputs\": [");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        strbuf_puts(buf, i == 0 ? "\n" : ",\n");
        add_json_node(tree, plan->inputs[i], indent + 2);
    }
    strbuf_puts(buf, "]}");
}

static uint32_t add_dot_node(Tree *tree, const Plan *plan)
{
    const OperatorStatistics *seen = find_statistics(tree->rows, tree->row_count, plan);
    uint32_t id = tree->next_id++;
    StrBuf label = {.arena = tree->arena};

    strbuf_puts(&label, plan_print_node(tree->arena, plan));
    if (seen != NULL)
        strbuf_printf(&label, "\nrows %llu, %.1f ms", (unsigned long long)seen->rows, seen->cpu_ms);
    strbuf_printf(tree->buf, "  n%u [label=", id);
    add_json_text(tree->buf, strbuf_text(&label));
    strbuf_puts(tree->buf, "];\n");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        uint32_t input = add_dot_node(tree, plan->inputs[i]);

        strbuf_printf(tree->buf, "  n%u -> n%u;\n", input, id);
    }
    return id;
}

/* --- text --- */

static void add_statistics_line(StrBuf *buf, const OperatorStatistics *seen)
{
    const KernelStatistics *kernel = &seen->kernel;

    strbuf_printf(buf, "%*s%s: rows %llu", (int)(2 * seen->depth), "",
                  plan_kind_name(seen->node->kind), (unsigned long long)seen->rows);
    if (seen->node->estimated_rows >= 0)
        strbuf_printf(buf, " (estimated %.0f)", seen->node->estimated_rows);
    strbuf_printf(buf, ", time %.3f ms, stage %u", seen->cpu_ms, seen->stage);
    if (seen->memory_bytes > 0)
        strbuf_printf(buf, ", memory %.1f KiB", (double)seen->memory_bytes / 1024);
    if (seen->read_bytes > 0)
        strbuf_printf(buf, ", read %.1f KiB", (double)seen->read_bytes / 1024);
    if (seen->pruned_rows > 0)
        strbuf_printf(buf, ", pruned rows %llu", (unsigned long long)seen->pruned_rows);
    if (kernel->tier0_rows + kernel->tier1_rows > 0)
        strbuf_printf(buf, ", kernel rows interpreted %llu compiled %llu%s",
                      (unsigned long long)kernel->tier0_rows,
                      (unsigned long long)kernel->tier1_rows,
                      kernel->was_cache_hit ? " (code from cache)" : "");
    if (kernel->compile_ms > 0)
        strbuf_printf(buf, ", compile %.1f ms", kernel->compile_ms);
    strbuf_putc(buf, '\n');
}

static void add_rules(StrBuf *buf, const OptimizeResult *optimized)
{
    for (uint32_t i = 0; i < optimized->trace_count; i++) {
        const RuleTrace *step = &optimized->trace[i];

        strbuf_printf(buf, "%s / %s: fired %u time%s\n", step->batch, step->rule, step->fired,
                      step->fired == 1 ? "" : "s");
        strbuf_printf(buf, "before:\n%s", plan_print(buf->arena, step->before));
        strbuf_printf(buf, "after:\n%s\n", plan_print(buf->arena, step->after));
    }
}

static void add_config(StrBuf *buf, const Query *query)
{
    const Config *config = &query->session->config;
    const SettingInfo *settings;
    uint32_t count = config_settings(&settings);

    for (uint32_t i = 0; i < count; i++)
        strbuf_printf(buf, "%s = %s\n", settings[i].name,
                      config_get(buf->arena, config, settings[i].name));
    strbuf_printf(buf, "memory used for a query: %.1f MiB (from the %s)\n",
                  (double)query->resources.memory_bytes / 1048576, query->resources.memory_from);
    strbuf_printf(buf, "threads used for a query: %u (from the %s)\n", query->resources.threads,
                  query->resources.threads_from);
}

/* Runs the plan to its end and keeps what each operator saw. */
static Status run_analyze(Query *query, const Plan *physical, Error *err, uint32_t *count_out,
                          const OperatorStatistics **rows_out, double *total_ms_out)
{
    int64_t start_ns = clock_now_ns();
    Execution *execution;
    Status status;
    Batch batch;

    *count_out = 0;
    *rows_out = NULL;
    TRY(query__start(query, physical, true, err, &execution));
    do {
        status = exec_next(execution, err, &batch);
    } while (status == ST_OK && batch.row_count > 0);
    *total_ms_out = (double)(clock_now_ns() - start_ns) / 1e6;
    if (status == ST_OK)
        *count_out = exec_statistics(execution, query->arena, rows_out);
    exec_close(execution);
    return status;
}

static Status add_plan(Query *query, const ExplainOptions *options, const OptimizeResult *optimized,
                       StrBuf *buf, Error *err)
{
    Tree tree = {.buf = buf, .arena = query->arena};
    double total_ms = 0;

    if (options->analyze)
        TRY(run_analyze(query, optimized->physical, err, &tree.row_count, &tree.rows, &total_ms));
    if (options->format == EXPLAIN_JSON) {
        add_json_node(&tree, optimized->physical, 0);
        strbuf_putc(buf, '\n');
    } else if (options->format == EXPLAIN_DOT) {
        strbuf_puts(buf, "digraph plan {\n  rankdir=BT;\n  node [shape=box];\n");
        add_dot_node(&tree, optimized->physical);
        strbuf_puts(buf, "}\n");
    } else if (!options->analyze) {
        strbuf_puts(buf, plan_print(query->arena, optimized->physical));
    } else {
        for (uint32_t i = 0; i < tree.row_count; i++)
            add_statistics_line(buf, &tree.rows[i]);
        strbuf_printf(buf, "Execution time: %.3f ms, peak memory %.1f KiB\n", total_ms,
                      (double)mem_pool_peak_bytes(query->pool) / 1024);
    }
    return ST_OK;
}

/* Steps other than the plan are text; as JSON one object with a member a step. */
static Status add_step(const ExplainOptions *options, const char *name, const char *text,
                       bool *is_first, StrBuf *buf)
{
    if (options->format == EXPLAIN_JSON) {
        strbuf_printf(buf, "%s\"%s\": ", *is_first ? "{" : ",\n ", name);
        add_json_text(buf, text);
    } else {
        strbuf_puts(buf, text);
    }
    *is_first = false;
    return ST_OK;
}

static Status add_steps(Query *query, const ExplainOptions *options,
                        const OptimizeResult *optimized, StrBuf *buf, Error *err)
{
    CodeCache *cache = query__code_cache(query);
    bool is_first = true;
    const char *text;

    if (options->rules) {
        StrBuf rules = {.arena = query->arena};

        add_rules(&rules, optimized);
        TRY(add_step(options, "rules", strbuf_text(&rules), &is_first, buf));
    }
    if (options->stages)
        TRY(add_step(options, "stages", exec_print_stages(query->arena, optimized->physical),
                     &is_first, buf));
    if (options->kernels || options->code) {
        TRY(exec_print_kernels(query->arena, optimized->physical, options->code, cache, err,
                               &text));
        TRY(add_step(options, options->code ? "code" : "kernels", text, &is_first, buf));
    }
    if (options->config) {
        StrBuf config = {.arena = query->arena};

        add_config(&config, query);
        TRY(add_step(options, "config", strbuf_text(&config), &is_first, buf));
    }
    if (options->format == EXPLAIN_JSON && !is_first)
        strbuf_puts(buf, "}\n");
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

Status explain__run(Result *result, const AstExplain *explain, Error *err)
{
    Query *query = &result->query;
    const AstSelectStmt *select = ast_stmt_as_select(explain->statement);
    ExplainOptions options;
    OptimizeResult optimized;
    const Plan *plan;
    StrBuf buf = {.arena = query->arena};

    result->command = "EXPLAIN";
    TRY(read_options(&explain->options, &options, err));
    if (select == NULL) {
        error_set(err, ST_NOT_SUPPORTED, "not supported: EXPLAIN of this statement");
        error_at(err, explain->statement->offset);
        return ST_NOT_SUPPORTED;
    }
    TRY(query__bind(query, select->select, err, &plan));
    TRY(query__optimize(query, plan, options.rules, err, &optimized));
    if (options.plan)
        TRY(add_plan(query, &options, &optimized, &buf, err));
    TRY(add_steps(query, &options, &optimized, &buf, err));
    set_lines(result, arena_strdup(query->arena, strbuf_text(&buf)));
    return ST_OK;
}
