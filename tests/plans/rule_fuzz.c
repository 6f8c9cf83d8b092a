/*
 * rule_fuzz.c -- random queries keep their rows whatever the rules do
 *
 *     rule_fuzz COUNT [FIRST_SEED [DISABLED]]   that many random queries
 *     rule_fuzz -c SQL [SEED]                   one query, everything shown
 *
 * Each query's bound plan is interpreted (plan_interpreter.h), and so are the plans made of it by
 * all rules, by all but one, by none but the required ones, and by a random choice. All must give
 * the same rows. A query that fails as bound, or takes too long, is passed over. For one that
 * differs, the rules are switched off one by one, to name those without which it does not.
 *
 * Exit 0: all alike; 1: not; 2: usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "sql/optimizer/optimizer.h"
#include "sql/parser/parse.h"
#include "tests/plans/physical_as_logical.h"
#include "tests/plans/plan_interpreter.h"
#include "tests/plans/random_sql.h"
#include "tests/plans/toy_catalog.h"

enum { STEPS_MAX = 300000 };

typedef enum Verdict { ALIKE, PASSED_OVER, DIFFERENT } Verdict;

typedef struct Trial {
    Arena *arena;
    const char *sql;
    uint64_t seed; /* of the tables' rows */
    const Plan *bound;
    PlanIds ids;
    Rows expected;
    Rows got;
    const Plan *plan;
    Error err;
} Trial;

/* --- rows of the toy tables: few, small and with NULLs --- */

static uint64_t table_seed;
static const char *always_disabled = "";

static uint32_t mixed(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t z = (table_seed * 31 + a) * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u + c;

    z = (z ^ (z >> 31)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 33);
}

static Rows toy_rows(Arena *arena, const Table *table)
{
    uint32_t count = table->name[0] == 't' ? 6 : table->name[0] == 'u' ? 5 : 4;
    Rows rows = {.column_count = table->column_count, .count = count};

    rows.items = ARENA_ARRAY(arena, const Value *, count);
    for (uint32_t r = 0; r < count; r++) {
        Value *row = ARENA_ARRAY(arena, Value, table->column_count);

        for (uint32_t c = 0; c < table->column_count; c++) {
            uint32_t word = mixed((uint64_t)table->name[0], r, c);

            row[c] = value_null(table->columns[c].type);
            if (table->columns[c].type.id == TYPE_INT4 &&
                (!table->columns[c].is_nullable || word % 4 != 0))
                row[c] = value_int4((int32_t)(word / 4 % 4));
        }
        rows.items[r] = row;
    }
    return rows;
}

/* --- one query --- */

static Status interpret(Trial *trial, const Plan *plan, Rows *rows_out)
{
    Interpreter in = {
        .arena = trial->arena, .err = &trial->err, .table_rows = toy_rows, .steps_left = STEPS_MAX};

    return interpret_plan(&in, plan, rows_out);
}

static Status bind_trial(Trial *trial)
{
    BindRequest request = {.arena = trial->arena,
                           .ids = &trial->ids,
                           .catalog = &toy_catalog,
                           .eval_const = interpret_const};
    AstStatements statements;

    TRY(parse_sql(trial->arena, trial->sql, strlen(trial->sql), NULL, &trial->err, &statements));
    if (statements.count != 1 || statements.items[0]->kind != AST_STMT_SELECT)
        return error_set(&trial->err, ST_BAD_INPUT, "no SELECT");
    return bind_select_statement(&request, ((const AstSelectStmt *)statements.items[0])->select,
                                 &trial->err, &trial->bound);
}

/* ST_INTERNAL: not the rows expected. */
static Status compare(Trial *trial, const Plan *plan)
{
    trial->plan = plan;
    TRY(interpret(trial, plan, &trial->got));
    if (!rows_equal_as_bags(trial->arena, &trial->expected, &trial->got))
        return ST_INTERNAL;
    return ST_OK;
}

/* The bound plan through the rules but those disabled, and through the physical planner. */
static Verdict try_rules(Trial *trial, const char *disabled)
{
    PlanIds ids = trial->ids;
    OptimizeRequest request = {.arena = trial->arena,
                               .ids = &ids,
                               .disabled_rules = disabled,
                               .memory_bytes = (uint64_t)1 << 30,
                               .threads = 1,
                               .eval_const = interpret_const};
    OptimizeResult result;
    Status status;

    trial->err = ERROR_NONE;
    trial->plan = NULL;
    trial->got = (Rows){0};
    status = optimize(&request, trial->bound, &trial->err, &result);
    if (status == ST_OK)
        status = compare(trial, result.logical);
    if (status == ST_OK)
        status = compare(trial, physical_as_logical(trial->arena, result.physical));
    return status == ST_OK ? ALIKE : status == ST_NOT_SUPPORTED ? PASSED_OVER : DIFFERENT;
}

/* One rule after the other, by the seed. */
static const char *one_rule(Trial *trial)
{
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    return arena_printf(trial->arena, "%s,%s", always_disabled, names[trial->seed % count]);
}

/* Every other rule or so, by the seed. */
static const char *some_rules(Trial *trial)
{
    StrBuf buf = {.arena = trial->arena};
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    strbuf_printf(&buf, "%s,", always_disabled);
    for (uint32_t i = 0; i < count; i++)
        if (mixed(777, i, trial->seed) % 2 == 0)
            strbuf_printf(&buf, "%s,", names[i]);
    return strbuf_text(&buf);
}

static void name_guilty_rules(Trial *trial, const char *disabled)
{
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    printf("without these it does not differ:");
    for (uint32_t i = 0; i < count; i++) {
        const char *more = arena_printf(trial->arena, "%s,%s", disabled, names[i]);

        if (strcmp(disabled, "all") != 0 && try_rules(trial, more) == ALIKE)
            printf(" %s", names[i]);
    }
    printf("\n");
}

static void show(Trial *trial, const char *disabled)
{
    printf("rules disabled: %s\nbound plan:\n%s", disabled, plan_print(trial->arena, trial->bound));
    if (trial->plan != NULL)
        printf("plan after rules:\n%s", plan_print(trial->arena, trial->plan));
    if (trial->err.message[0] != '\0')
        printf("error: %s\n%s\n", trial->err.message, trial->err.detail);
    printf("expected rows:\n%sgot rows:\n%s", rows_print(trial->arena, &trial->expected),
           rows_print(trial->arena, &trial->got));
}

static Verdict run_trial(Trial *trial, bool is_shown)
{
    const char *choices[] = {always_disabled, "all", one_rule(trial), some_rules(trial)};
    Verdict verdict = ALIKE;

    if (bind_trial(trial) != ST_OK || interpret(trial, trial->bound, &trial->expected) != ST_OK) {
        if (is_shown || trial->err.status == ST_INTERNAL)
            printf("ERROR: %s\n%s\n", trial->err.message, trial->sql);
        return PASSED_OVER;
    }
    for (uint32_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        Verdict one = try_rules(trial, choices[i]);

        if (one == DIFFERENT)
            printf("seed %llu differs: %s\n", (unsigned long long)trial->seed, trial->sql);
        if (one == DIFFERENT || is_shown)
            show(trial, choices[i]);
        if (one == DIFFERENT) {
            name_guilty_rules(trial, choices[i]);
            return DIFFERENT;
        }
        if (one == PASSED_OVER)
            verdict = PASSED_OVER;
    }
    return verdict;
}

static Verdict run_one(const char *sql, uint64_t seed, bool is_shown)
{
    Trial trial = {.arena = arena_new(NULL, "trial", ARENA_NO_CAP), .seed = seed};
    Verdict verdict;

    table_seed = seed;
    trial.sql = sql == NULL ? random_sql(trial.arena, seed) : sql;
    verdict = run_trial(&trial, is_shown);
    arena_free(trial.arena);
    return verdict;
}

int main(int argc, char **argv)
{
    uint64_t first, count, verdicts[3] = {0};

    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: rule_fuzz COUNT [FIRST_SEED [DISABLED]] | -c SQL [SEED]\n");
        return 2;
    }
    if (argc > 2 && strcmp(argv[1], "-c") == 0)
        return run_one(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 1, true) == DIFFERENT;
    count = strtoull(argv[1], NULL, 10);
    first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (argc > 3)
        always_disabled = argv[3];
    for (uint64_t i = 0; i < count && verdicts[DIFFERENT] < 5; i++)
        verdicts[run_one(NULL, first + i, false)]++;
    printf("%llu queries alike, %llu passed over, %llu differ\n",
           (unsigned long long)verdicts[ALIKE], (unsigned long long)verdicts[PASSED_OVER],
           (unsigned long long)verdicts[DIFFERENT]);
    return verdicts[DIFFERENT] == 0 ? 0 : 1;
}
