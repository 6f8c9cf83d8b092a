/*
 * plan_test.c -- golden tests of the optimizer's rules: SQL, the plan before, the plan after
 *
 *     plan_test [--update] FILE.plan...
 *
 * A file is named after a rule. Lines up to the first case are its head comment; then
 *
 *     === a limit goes below a projection
 *     with: prune_columns
 *     SELECT a + 1 FROM t LIMIT 3
 *     --- before
 *     ...
 *     --- after
 *     ...
 *
 * before: only the rules that have no switch, and those that `with:` names. after: the file's rule
 * too; "unchanged" when that is the same. For a rule without a switch, before is the bound plan and
 * after what all such rules make of it. A file that is named after no rule shows one plan, made by
 * all rules but those that `without:` names. An error is shown as "ERROR: ...". Every plan shown,
 * and the physical plan that follows from it, has been sent through core/plan/plan_wire.h.
 *
 * Exit 0: all as expected (or updated); 1: not; 2: usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/kernel.h"
#include "core/base/invariant.h"
#include "core/plan/plan_wire_here.h"
#include "sql/optimizer/optimizer.h"
#include "sql/parser/parse.h"
#include "tests/plans/toy_catalog.h"

enum { CASES_MAX = 400, PLANS_MAX = 2 };

typedef struct Case {
    const char *title;
    const char *with; /* names, or "" */
    const char *without;
    const char *sql;
    const char *plans[PLANS_MAX]; /* as expected; "" when missing */
} Case;

typedef struct PlanFile {
    const char *path;
    const char *rule; /* the file's name without folder and ending */
    const char *head;
    uint32_t count;
    Case cases[CASES_MAX];
} PlanFile;

static const char *const required_rules[] = {
#define RULE(name)
#define REQUIRED_RULE(name) #name,
#include "sql/optimizer/rules/rules.def"
};

/* --- files --- */

static char *read_whole(Arena *arena, const char *path)
{
    StrBuf buf = {.arena = arena};
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t got;

    if (file == NULL)
        return NULL;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        strbuf_add(&buf, chunk, got);
    fclose(file);
    return arena_strdup(arena, strbuf_text(&buf));
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Cuts the next line off *text, without its newline; NULL at the end. */
static char *next_line(char **text)
{
    char *line = *text, *end;

    if (*line == '\0')
        return NULL;
    end = strchr(line, '\n');
    if (end == NULL) {
        *text = line + strlen(line);
    } else {
        *end = '\0';
        *text = end + 1;
    }
    return line;
}

typedef enum Section { IN_HEAD, IN_SQL, IN_BEFORE, IN_AFTER } Section;

static void parse_file(Arena *arena, PlanFile *file, char *text)
{
    StrBuf head = {.arena = arena}, sql = {.arena = arena};
    StrBuf plans[PLANS_MAX] = {{.arena = arena}, {.arena = arena}};
    Section section = IN_HEAD;
    Case *current = NULL;
    char *line;

    while ((line = next_line(&text)) != NULL) {
        if (starts_with(line, "=== ")) {
            CHECK(file->count < CASES_MAX);
            current = &file->cases[file->count++];
            *current = (Case){
                .title = arena_strdup(arena, line + 4), .with = "", .without = "", .sql = ""};
            sql = (StrBuf){.arena = arena};
            plans[0] = plans[1] = (StrBuf){.arena = arena};
            section = IN_SQL;
        } else if (section == IN_SQL && starts_with(line, "with: ")) {
            current->with = arena_strdup(arena, line + 6);
        } else if (section == IN_SQL && starts_with(line, "without: ")) {
            current->without = arena_strdup(arena, line + 9);
        } else if (strcmp(line, "--- before") == 0 || strcmp(line, "--- plan") == 0) {
            section = IN_BEFORE;
        } else if (strcmp(line, "--- after") == 0) {
            section = IN_AFTER;
        } else {
            StrBuf *to = section == IN_HEAD  ? &head
                         : section == IN_SQL ? &sql
                                             : &plans[section - IN_BEFORE];

            if (*line != '\0' || section == IN_HEAD)
                strbuf_printf(to, "%s\n", line);
        }
        if (current != NULL) {
            current->sql = arena_strdup(arena, strbuf_text(&sql));
            current->plans[0] = arena_strdup(arena, strbuf_text(&plans[0]));
            current->plans[1] = arena_strdup(arena, strbuf_text(&plans[1]));
        }
    }
    file->head = strbuf_text(&head);
}

/* --- plans --- */

static bool is_in(const char *const *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_required(const char *rule)
{
    return is_in(required_rules, sizeof required_rules / sizeof required_rules[0], rule);
}

static bool is_rule(const char *rule)
{
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    return is_required(rule) || is_in(names, count, rule);
}

/* name stands in the list "name, name". */
static bool lists(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ' || at[-1] == ',') &&
            (at[length] == '\0' || at[length] == ' ' || at[length] == ','))
            return true;
    return false;
}

/* All rules but those in the list. */
static const char *all_but(Arena *arena, const char *list)
{
    StrBuf buf = {.arena = arena};
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    for (uint32_t i = 0; i < count; i++)
        if (!lists(list, names[i]))
            strbuf_printf(&buf, "%s,", names[i]);
    return strbuf_text(&buf);
}

static Status bind_sql(Arena *arena, PlanIds *ids, const char *sql, Error *err,
                       const Plan **plan_out)
{
    BindRequest request = {.arena = arena,
                           .ids = ids,
                           .catalog = &toy_catalog,
                           .now_micros = 1700000000000000,
                           .eval_const = kernel_eval_const};
    AstStatements statements;

    TRY(parse_sql(arena, sql, strlen(sql), NULL, err, &statements));
    if (statements.count != 1 || statements.items[0]->kind != AST_STMT_SELECT)
        return error_set(err, ST_BAD_INPUT, "a case is one SELECT");
    return bind_select_statement(&request, ((const AstSelectStmt *)statements.items[0])->select,
                                 err, plan_out);
}

/* disabled NULL: the bound plan. */
static Status make_plan(Arena *arena, const char *sql, bool only_bound, const char *disabled,
                        Error *err, const Plan **plan_out)
{
    PlanIds ids = {0};
    OptimizeRequest request = {.arena = arena,
                               .ids = &ids,
                               .disabled_rules = disabled,
                               .memory_bytes = (uint64_t)1 << 30,
                               .threads = 2,
                               .eval_const = kernel_eval_const};
    OptimizeResult result;

    TRY(bind_sql(arena, &ids, sql, err, plan_out));
    if (only_bound)
        return plan_wire_here(*plan_out, NULL, arena, err, plan_out);
    TRY(optimize(&request, *plan_out, err, &result));
    TRY(plan_wire_here(result.physical, NULL, arena, err, plan_out));
    return plan_wire_here(result.logical, NULL, arena, err, plan_out);
}

static const char *show_plan(Arena *arena, const char *sql, bool only_bound, const char *disabled)
{
    Error err = ERROR_NONE;
    const Plan *plan;

    if (make_plan(arena, sql, only_bound, disabled, &err, &plan) != ST_OK)
        return arena_printf(arena, "ERROR: %s\n%s%s", err.message, err.detail,
                            err.detail[0] == '\0' ? "" : "\n");
    return plan_print(arena, plan);
}

static void make_plans(Arena *arena, const PlanFile *file, const Case *c,
                       const char *plans[PLANS_MAX])
{
    plans[1] = "";
    if (!is_rule(file->rule)) {
        plans[0] = show_plan(arena, c->sql, false, c->without);
        return;
    }
    if (is_required(file->rule)) {
        plans[0] = show_plan(arena, c->sql, true, NULL);
        plans[1] = show_plan(arena, c->sql, false, all_but(arena, c->with));
    } else {
        plans[0] = show_plan(arena, c->sql, false, all_but(arena, c->with));
        plans[1] = show_plan(arena, c->sql, false,
                             all_but(arena, arena_printf(arena, "%s,%s", c->with, file->rule)));
    }
    if (strcmp(plans[0], plans[1]) == 0)
        plans[1] = "unchanged\n";
}

/* --- checking and updating --- */

static void write_case(FILE *out, const PlanFile *file, const Case *c,
                       const char *const plans[PLANS_MAX])
{
    fprintf(out, "=== %s\n", c->title);
    if (c->with[0] != '\0')
        fprintf(out, "with: %s\n", c->with);
    if (c->without[0] != '\0')
        fprintf(out, "without: %s\n", c->without);
    fputs(c->sql, out);
    if (is_rule(file->rule))
        fprintf(out, "--- before\n%s--- after\n%s\n", plans[0], plans[1]);
    else
        fprintf(out, "--- plan\n%s\n", plans[0]);
}

static void report(const PlanFile *file, const Case *c, const char *const plans[PLANS_MAX])
{
    printf("%s: \"%s\" differs\n%s", file->path, c->title, c->sql);
    for (uint32_t i = 0; i < PLANS_MAX; i++)
        if (strcmp(plans[i], c->plans[i]) != 0)
            printf("--- expected %s\n%s--- got\n%s", i == 0 ? "before" : "after", c->plans[i],
                   plans[i]);
}

static const char *rule_of_path(Arena *arena, const char *path)
{
    const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    const char *end = strrchr(name, '.');

    return arena_strndup(arena, name, end == NULL ? strlen(name) : (size_t)(end - name));
}

/* How many cases fail; -1 when the file cannot be read or written. */
static int run_file(const char *path, bool update, uint32_t *case_count)
{
    Arena *arena = arena_new(NULL, "plan file", ARENA_NO_CAP);
    PlanFile *file = ARENA_NEW(arena, PlanFile);
    char *text = read_whole(arena, path);
    FILE *out = NULL;
    int failed = 0;

    file->path = path;
    file->rule = rule_of_path(arena, path);
    if (text != NULL)
        parse_file(arena, file, text);
    if (text != NULL && update)
        out = fopen(path, "wb");
    if (text == NULL || (update && out == NULL)) {
        fprintf(stderr, "%s: cannot be %s\n", path, text == NULL ? "read" : "written");
        arena_free(arena);
        return -1;
    }
    if (out != NULL)
        fputs(file->head, out);
    for (uint32_t i = 0; i < file->count; i++) {
        const char *plans[PLANS_MAX];
        const Case *c = &file->cases[i];

        make_plans(arena, file, c, plans);
        if (out != NULL) {
            write_case(out, file, c, plans);
        } else if (strcmp(plans[0], c->plans[0]) != 0 || strcmp(plans[1], c->plans[1]) != 0) {
            report(file, c, plans);
            failed++;
        }
    }
    *case_count += file->count;
    if (out != NULL && fclose(out) != 0)
        failed = -1;
    arena_free(arena);
    return failed;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    int first = update ? 2 : 1, failed = 0;
    uint32_t case_count = 0;

    if (argc <= first) {
        fprintf(stderr, "usage: plan_test [--update] FILE.plan...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        int result = run_file(argv[i], update, &case_count);

        failed += result < 0 ? 1 : result;
    }
    printf("%u plan cases, %d failed\n", case_count, failed);
    return failed == 0 ? 0 : 1;
}
