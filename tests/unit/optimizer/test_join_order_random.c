/*
 * test_join_order_random.c -- random trees of inner, left, semi and anti joins mean the same before
 * and after join_order, whatever order made-up statistics suggest
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_table.h"
#include "sql/optimizer/cost/cardinality.h"

enum { COLUMNS = 2, ROWS = 4, VALUES = 4, RELATIONS_MAX = 7, RESULT_MAX = 4000, TREES = 3000 };

#define NIL INT32_MIN /* NULL */

typedef struct Rows {
    uint32_t count, width;
    int32_t *values; /* row by row */
} Rows;

typedef struct World {
    Fixture fix;
    uint64_t seed;
    const Table *tables[RELATIONS_MAX];
    Rows data[RELATIONS_MAX];
    uint32_t table_count;
    bool too_large;
} World;

static uint32_t pick(World *world, uint32_t below)
{
    world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->seed >> 33) % below;
}

/* --- making --- */

static const Plan *random_table(World *world)
{
    Fixture *fix = &world->fix;
    double rows = (double[]){1, 10, 100, 1000, 1e5}[pick(world, 5)];
    Table *table = fake_table(fix, "t", rows, COLUMNS);
    Rows *data = &world->data[world->table_count];

    data->count = pick(world, ROWS + 1);
    data->width = COLUMNS;
    data->values = ARENA_ARRAY(fix->arena, int32_t, ROWS *COLUMNS);
    for (uint32_t i = 0; i < data->count * COLUMNS; i++)
        data->values[i] = pick(world, 6) == 0 ? NIL : (int32_t)pick(world, VALUES);
    for (uint32_t i = 0; i < COLUMNS; i++)
        fake_distinct(table, i, 1 + pick(world, 1000));
    world->tables[world->table_count++] = table;
    return fake_scan(fix, table);
}

static const Expr *random_column(World *world, const Plan *plan)
{
    return col(&world->fix, plan, pick(world, plan->column_count));
}

static const Expr *random_condition(World *world, const Plan *left, const Plan *right)
{
    Fixture *fix = &world->fix;
    Type type = type_of(TYPE_BOOL);
    const Expr *condition = NULL;
    uint32_t count = pick(world, 8) == 0 ? 0 : 1 + pick(world, 2);

    for (uint32_t i = 0; i < count; i++) {
        const Expr *a = random_column(world, left), *b = random_column(world, right);
        const Expr *part;

        switch (pick(world, 10)) {
        case 0:
            part = call(fix, FUNC_LT, a, b);
            break;
        case 1:
            part = call(fix, FUNC_OR, call(fix, FUNC_EQ, a, b),
                        expr_call1(fix->arena, FUNC_IS_NULL, type, pick(world, 2) ? a : b));
            break;
        case 2:
            part = call(fix, FUNC_LE, a, random_column(world, left));
            break;
        default:
            part = call(fix, FUNC_EQ, a, b);
        }
        condition = expr_and(fix->arena, condition, part);
    }
    return condition;
}

static const Plan *random_tree(World *world, uint32_t relations)
{
    static const JoinKind kinds[] = {JOIN_INNER, JOIN_INNER, JOIN_INNER, JOIN_INNER,
                                     JOIN_LEFT,  JOIN_LEFT,  JOIN_SEMI,  JOIN_ANTI};
    uint32_t on_left;
    const Plan *left, *right;

    if (relations == 1)
        return random_table(world);
    on_left = pick(world, 3) == 0 ? 1 + pick(world, relations - 1) : relations - 1;
    left = random_tree(world, on_left);
    right = random_tree(world, relations - on_left);
    return plan_join(world->fix.arena, kinds[pick(world, 8)], left, right,
                     random_condition(world, left, right));
}

/* --- evaluating, the slow and plain way --- */

typedef struct Env {
    const Plan *plans[2];
    const int32_t *rows[2];
} Env;

enum { FALSE_ = 0, TRUE_ = 1 };

static int32_t eval(const Env *env, const Expr *expr)
{
    int32_t a, b;

    if (expr->kind == EXPR_COLUMN) {
        for (int i = 0; i < 2; i++) {
            int32_t index =
                env->plans[i] == NULL ? -1 : plan_column_index(env->plans[i], expr->column);

            if (index >= 0)
                return env->rows[i][index];
        }
        ck_abort_msg("column not found");
    }
    a = eval(env, expr->args[0]);
    if (expr->func == FUNC_IS_NULL)
        return a == NIL;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        b = eval(env, expr->args[i]);
        if (expr->func == FUNC_AND)
            a = a == FALSE_ || b == FALSE_ ? FALSE_ : a == NIL || b == NIL ? NIL : TRUE_;
        else if (expr->func == FUNC_OR)
            a = a == TRUE_ || b == TRUE_ ? TRUE_ : a == NIL || b == NIL ? NIL : FALSE_;
        else if (a == NIL || b == NIL)
            a = NIL;
        else
            a = expr->func == FUNC_EQ ? a == b : expr->func == FUNC_LT ? a < b : a <= b;
    }
    return a;
}

static void add_row(World *world, Rows *out, const int32_t *left, uint32_t left_width,
                    const int32_t *right, uint32_t right_width)
{
    int32_t *row = out->values + (size_t)out->count * out->width;

    if (out->count == RESULT_MAX) {
        world->too_large = true;
        return;
    }
    memcpy(row, left, left_width * sizeof *row);
    for (uint32_t i = 0; i < right_width; i++)
        row[left_width + i] = right == NULL ? NIL : right[i];
    out->count++;
}

static Rows run(World *world, const Plan *plan);

static Rows run_join(World *world, const PlanJoin *join)
{
    const Plan *const *inputs = join->head.inputs;
    Rows left = run(world, inputs[0]), right = run(world, inputs[1]);
    bool keeps_right = join->kind == JOIN_INNER || join->kind == JOIN_LEFT;
    Rows out = {.width = join->head.column_count};

    out.values = ARENA_ARRAY(world->fix.arena, int32_t, (size_t)RESULT_MAX *out.width);
    for (uint32_t l = 0; l < left.count && !world->too_large; l++) {
        const int32_t *row = left.values + (size_t)l * left.width;
        bool found = false;

        for (uint32_t r = 0; r < right.count && !world->too_large; r++) {
            const int32_t *other = right.values + (size_t)r * right.width;
            Env env = {{inputs[0], inputs[1]}, {row, other}};

            if (join->condition != NULL && eval(&env, join->condition) != TRUE_)
                continue;
            found = true;
            if (keeps_right)
                add_row(world, &out, row, left.width, other, right.width);
        }
        if ((join->kind == JOIN_SEMI && found) || (join->kind == JOIN_ANTI && !found))
            add_row(world, &out, row, left.width, NULL, 0);
        else if (join->kind == JOIN_LEFT && !found)
            add_row(world, &out, row, left.width, NULL, right.width);
    }
    return out;
}

static Rows run_project(World *world, const PlanProject *project)
{
    Rows in = run(world, project->head.inputs[0]);
    Rows out = {.count = in.count, .width = project->head.column_count};

    out.values = ARENA_ARRAY(world->fix.arena, int32_t, (size_t)in.count *out.width);
    for (uint32_t row = 0; row < in.count; row++) {
        for (uint32_t i = 0; i < out.width; i++) {
            int32_t from =
                plan_column_index(project->head.inputs[0], project->exprs.items[i]->column);

            out.values[row * out.width + i] = in.values[row * in.width + (uint32_t)from];
        }
    }
    return out;
}

static Rows run(World *world, const Plan *plan)
{
    if (plan->kind == PLAN_JOIN)
        return run_join(world, plan_as_join(plan));
    if (plan->kind == PLAN_PROJECT)
        return run_project(world, plan_as_project(plan));
    ck_assert_int_eq(plan->kind, PLAN_SCAN);
    for (uint32_t i = 0; i < world->table_count; i++) {
        if (world->tables[i] == plan_as_scan(plan)->table)
            return world->data[i];
    }
    ck_abort_msg("table not found");
}

static uint32_t sorted_width;

static int compare_rows(const void *a, const void *b)
{
    const int32_t *left = a, *right = b;

    for (uint32_t i = 0; i < sorted_width; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

static bool same_rows(Rows a, Rows b)
{
    size_t bytes = a.width * sizeof(int32_t);

    if (a.count != b.count || a.width != b.width)
        return false;
    sorted_width = a.width;
    qsort(a.values, a.count, bytes, compare_rows);
    qsort(b.values, b.count, bytes, compare_rows);
    return a.count == 0 || memcmp(a.values, b.values, a.count * bytes) == 0;
}

/* true: the order changed. */
static bool try_tree(uint64_t seed)
{
    World *world = calloc(1, sizeof *world);
    const Plan *plan, *after;
    Rows before_rows, after_rows;
    bool changed;

    fixture_open(&world->fix);
    world->seed = seed * 7919 + 17;
    plan = random_tree(world, 3 + pick(world, RELATIONS_MAX - 2));
    after = rule_join_order.rewrite(&world->fix.rc, plan);
    ck_assert_int_eq(plan_check(world->fix.arena, after, (ColumnSet){0}, &world->fix.err), ST_OK);
    before_rows = run(world, plan);
    after_rows = run(world, after);
    if (!world->too_large && !same_rows(before_rows, after_rows)) {
        fprintf(stderr, "seed %llu: %u rows, then %u\n%s\n%s\n", (unsigned long long)seed,
                before_rows.count, after_rows.count, plan_print(world->fix.arena, plan),
                plan_print(world->fix.arena, after));
        ck_abort_msg("the order changed the result");
    }
    changed = after != plan;
    fixture_close(&world->fix);
    free(world);
    return changed;
}

START_TEST(same_result)
{
    const char *more = getenv("VONK_TEST_TREES");
    uint64_t trees = more != NULL ? strtoull(more, NULL, 10) : TREES;
    uint64_t changed = 0;

    for (uint64_t seed = 1; seed <= trees; seed++)
        changed += try_tree(seed);
    ck_assert_uint_gt(changed, trees / 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {same_result};

    return run_tests("join_order_random", tests, sizeof tests / sizeof tests[0]);
}
