/*
 * test_join.c -- joins of all kinds against a naive reference, in changing modes
 *
 * Tables have columns key, key, value. The reference tries every pair in the order of left rows,
 * then of right ones.
 */
#include "tests/unit/exec/plan_runner.h"

enum { COLUMNS = 3, LEFT_ROWS_MAX = 120, RIGHT_ROWS_MAX = 90 };

typedef enum Residual { RESIDUAL_NONE, RESIDUAL_LESS } Residual;

/* One join: how keys are compared, and what the tables hold. */
typedef struct JoinCase {
    JoinKind kind;
    uint32_t key_count;
    bool null_equal;
    Residual residual; /* left value < right value */
    bool null_aware;   /* compares the values for equality; keys are the condition */
    Type key_type;
    int64_t key_factor; /* spreads keys, so that the table is hashed */
    bool is_unique;     /* right keys are 0, 1, 2, ... */
} JoinCase;

typedef struct JoinData {
    uint32_t left_rows, right_rows;
    int64_t left[LEFT_ROWS_MAX * COLUMNS], right[RIGHT_ROWS_MAX * COLUMNS];
} JoinData;

/* --- the reference --- */

typedef enum Truth { IS_FALSE, IS_TRUE, IS_NULL } Truth;

static bool keys_match(const JoinCase *test, const int64_t *left, const int64_t *right)
{
    for (uint32_t k = 0; k < test->key_count; k++) {
        if ((left[k] == NIL || right[k] == NIL) &&
            !(test->null_equal && left[k] == NIL && right[k] == NIL))
            return false;
        if (left[k] != right[k])
            return false;
    }
    if (test->residual == RESIDUAL_LESS)
        return left[2] != NIL && right[2] != NIL && left[2] < right[2];
    return true;
}

static Truth pair_truth(const JoinCase *test, const int64_t *left, const int64_t *right)
{
    if (!keys_match(test, left, right))
        return IS_FALSE;
    if (!test->null_aware)
        return IS_TRUE;
    if (left[2] == NIL || right[2] == NIL)
        return IS_NULL;
    return left[2] == right[2] ? IS_TRUE : IS_FALSE;
}

static void add_cells(Runner *runner, StrBuf *text, const JoinCase *test, const int64_t *row)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        Type type = c < 2 ? test->key_type : type_of(TYPE_INT4);
        Value value = value_null(type);
        Column column;

        if (row != NULL)
            value = number_as(runner->arena, type,
                              c < 2 && row[c] != NIL ? row[c] * test->key_factor : row[c]);
        column = value_as_column(&value);
        strbuf_puts(text, c == 0 ? "" : ",");
        add_value(text, &column, 0);
    }
}

static void add_pair(Runner *runner, StrBuf *text, const JoinCase *test, const int64_t *left,
                     const int64_t *right)
{
    add_cells(runner, text, test, left);
    strbuf_putc(text, ',');
    add_cells(runner, text, test, right);
    strbuf_putc(text, '\n');
}

/* What one left row gives; false: a second match of a SINGLE join. */
static bool add_left(Runner *runner, StrBuf *text, const JoinCase *test, const JoinData *data,
                     const int64_t *left, bool *matched)
{
    bool pads = test->kind == JOIN_LEFT || test->kind == JOIN_FULL || test->kind == JOIN_SINGLE;
    bool shows_pairs = pads || test->kind == JOIN_INNER || test->kind == JOIN_RIGHT_OUTER;
    uint32_t true_count = 0, null_count = 0;

    for (uint32_t r = 0; r < data->right_rows; r++) {
        Truth truth = pair_truth(test, left, data->right + r * COLUMNS);

        true_count += truth == IS_TRUE;
        null_count += truth == IS_NULL;
        matched[r] |= truth == IS_TRUE;
        if (truth == IS_TRUE && shows_pairs)
            add_pair(runner, text, test, left, data->right + r * COLUMNS);
    }
    if (test->kind == JOIN_SINGLE && true_count > 1)
        return false;
    if (pads && true_count == 0)
        add_pair(runner, text, test, left, NULL);
    if (test->kind == JOIN_MARK) {
        add_cells(runner, text, test, left);
        strbuf_puts(text, true_count > 0 ? ",1\n" : null_count > 0 ? ",-\n" : ",0\n");
    }
    if ((test->kind == JOIN_SEMI && true_count > 0) ||
        (test->kind == JOIN_ANTI && true_count + null_count == 0)) {
        add_cells(runner, text, test, left);
        strbuf_putc(text, '\n');
    }
    return true;
}

/* NULL: the join must fail. */
static const char *reference(Runner *runner, const JoinCase *test, const JoinData *data)
{
    StrBuf text = {.arena = runner->arena};
    bool matched[RIGHT_ROWS_MAX] = {false};

    for (uint32_t l = 0; l < data->left_rows; l++)
        if (!add_left(runner, &text, test, data, data->left + l * COLUMNS, matched))
            return NULL;
    for (uint32_t r = 0; r < data->right_rows; r++) {
        const int64_t *right = data->right + r * COLUMNS;

        if ((test->kind == JOIN_FULL || test->kind == JOIN_RIGHT_OUTER) && !matched[r])
            add_pair(runner, &text, test, NULL, right);
        if ((test->kind == JOIN_RIGHT_SEMI && matched[r]) ||
            (test->kind == JOIN_RIGHT_ANTI && !matched[r])) {
            add_cells(runner, &text, test, right);
            strbuf_putc(&text, '\n');
        }
    }
    return strbuf_text(&text);
}

/* --- the plan --- */

static Table *make_table(Runner *runner, const JoinCase *test, uint32_t row_count,
                         const int64_t *rows, uint32_t split_rows)
{
    Type types[COLUMNS] = {test->key_type, test->key_type, type_of(TYPE_INT4)};
    int64_t *spread = ARENA_ARRAY(runner->arena, int64_t, row_count *COLUMNS);

    for (uint32_t i = 0; i < row_count * COLUMNS; i++)
        spread[i] = i % COLUMNS < 2 && rows[i] != NIL ? rows[i] * test->key_factor : rows[i];
    return runner_table(runner, COLUMNS, types, row_count, spread, split_rows);
}

static Plan *new_join(Runner *runner, const JoinCase *test, PlanKind plan_kind, const Plan *left,
                      const Plan *right, PlanColumn mark)
{
    const Plan *inputs[2] = {left, right};
    uint32_t count;
    const PlanColumn *columns =
        plan_join_columns(runner->arena, test->kind, left, right, &mark, &count);

    return plan_new(runner->arena, plan_kind, 2, inputs, count, columns);
}

static const Expr *value_call(Runner *runner, FuncId func, const Plan *left, const Plan *right)
{
    return bool_call(runner, func, column_of(runner, left, 2), column_of(runner, right, 2));
}

static const Plan *make_nested(Runner *runner, const JoinCase *test, const Plan *left,
                               const Plan *right, PlanColumn mark)
{
    PlanNestedJoin *join =
        (PlanNestedJoin *)new_join(runner, test, PLAN_NESTED_JOIN, left, right, mark);

    join->kind = test->kind;
    join->mark = mark.id;
    if (test->residual == RESIDUAL_LESS)
        join->condition = value_call(runner, FUNC_LT, left, right);
    if (test->null_aware)
        join->null_aware = value_call(runner, FUNC_EQ, left, right);
    return &join->head;
}

static const Plan *make_hash(Runner *runner, const JoinCase *test, const Plan *left,
                             const Plan *right, PlanColumn mark)
{
    PlanHashJoin *join = (PlanHashJoin *)new_join(runner, test, PLAN_HASH_JOIN, left, right, mark);
    const Expr **keys = ARENA_ARRAY(runner->arena, const Expr *, 2 * test->key_count);
    bool *null_equal = ARENA_ARRAY(runner->arena, bool, test->key_count);

    for (uint32_t k = 0; k < test->key_count; k++) {
        keys[k] = column_of(runner, left, k);
        keys[test->key_count + k] = column_of(runner, right, k);
        null_equal[k] = test->null_equal;
    }
    join->kind = test->kind;
    join->mark = mark.id;
    join->left_keys = (ExprList){test->key_count, keys};
    join->right_keys = (ExprList){test->key_count, keys + test->key_count};
    join->null_equal = (BoolList){test->key_count, null_equal};
    if (test->residual == RESIDUAL_LESS)
        join->residual = value_call(runner, FUNC_LT, left, right);
    if (test->null_aware)
        join->null_aware = value_call(runner, FUNC_EQ, left, right);
    return &join->head;
}

static const Plan *make_plan(Runner *runner, const JoinCase *test, const Plan *left,
                             const Plan *right)
{
    PlanColumn mark = {.id = plan_new_column(&runner->ids),
                       .type = type_of(TYPE_BOOL),
                       .name = "mark",
                       .is_nullable = true};

    return test->key_count == 0 ? make_nested(runner, test, left, right, mark)
                                : make_hash(runner, test, left, right, mark);
}

/* --- random data --- */

static int64_t random_number(unsigned *seed, int64_t most)
{
    return rand_r(seed) % 10 == 0 ? NIL : rand_r(seed) % most - most / 4;
}

static JoinData random_data(const JoinCase *test, unsigned seed)
{
    JoinData data = {.left_rows = (uint32_t)rand_r(&seed) % LEFT_ROWS_MAX,
                     .right_rows = (uint32_t)rand_r(&seed) % RIGHT_ROWS_MAX};
    int64_t keys = 3 + rand_r(&seed) % 60;

    if (test->kind == JOIN_SINGLE && !test->is_unique && seed % 4 != 0)
        data.right_rows %= 4;
    for (uint32_t i = 0; i < LEFT_ROWS_MAX * COLUMNS; i++)
        data.left[i] = random_number(&seed, i % COLUMNS == 2 ? 5 : keys);
    for (uint32_t i = 0; i < RIGHT_ROWS_MAX * COLUMNS; i++)
        data.right[i] = random_number(&seed, i % COLUMNS == 2 ? 5 : keys);
    for (uint32_t r = 0; r < RIGHT_ROWS_MAX && test->is_unique; r++)
        data.right[r * COLUMNS] = r;
    return data;
}

static const char *describe(Runner *runner, const JoinCase *test)
{
    return arena_printf(runner->arena, "%s join, %u keys%s%s%s, key type %d * %" PRId64 "%s",
                        join_kind_name(test->kind), test->key_count,
                        test->null_equal ? ", null equal" : "", test->residual ? ", residual" : "",
                        test->null_aware ? ", null aware" : "", test->key_type.id, test->key_factor,
                        test->is_unique ? ", unique" : "");
}

static void check_mode(Runner *runner, const JoinCase *test, const Plan *plan, RunMode mode,
                       const char *expected, unsigned seed)
{
    Error err = ERROR_NONE;
    const char *rows;
    Status status = runner_try(runner, plan, mode, &err, &rows);

    if (expected == NULL) {
        ck_assert_int_eq(status, ST_BAD_INPUT);
        ck_assert_str_eq(err.sqlstate, "21000");
        return;
    }
    ck_assert_msg(status == ST_OK, "%s: %s", describe(runner, test), err.message);
    ck_assert_msg(strcmp(rows, expected) == 0,
                  "%s, seed %u, %u threads, batches of %u, spills at %zu:\n%s\nexpected\n%s",
                  describe(runner, test), seed, mode.threads, mode.batch_rows, mode.spill_bytes,
                  rows, expected);
}

/* From tables of one row, of which a key's rows are many, to ones that may just fit. */
static void check_spilled(Runner *runner, const JoinCase *test, const Plan *plan,
                          const char *expected, unsigned seed)
{
    bool needs_all = test->kind == JOIN_SINGLE || test->kind == JOIN_MARK;
    const RunMode modes[] = {
        {1, 1 + seed * 37 % 64, 1}, {1, 2048, 1000}, {1, 5, 30000 - seed * 571 % 6000}};
    uint32_t mode = needs_all && !test->is_unique ? 2 : seed % 3;

    if (!test->null_aware)
        check_mode(runner, test, plan, modes[mode], expected, seed);
}

static void check_case(const JoinCase *test, unsigned seed)
{
    Runner runner = runner_open();
    JoinData data = random_data(test, seed);
    const char *expected = reference(&runner, test, &data);
    const Plan *left =
        runner_scan(&runner, make_table(&runner, test, data.left_rows, data.left, 1 + seed % 40));
    const Plan *right =
        runner_scan(&runner, make_table(&runner, test, data.right_rows, data.right, 1 + seed % 30));
    const Plan *plan = make_plan(&runner, test, left, right);

    for (uint32_t i = seed % 3; i < RUN_MODE_COUNT; i += 3)
        check_mode(&runner, test, plan, run_modes[i], expected, seed);
    check_spilled(&runner, test, plan, expected, seed);
    runner_close(&runner);
}

/* --- tests --- */

static const struct {
    TypeId type;
    int64_t factor;
} key_forms[] = {{TYPE_INT8, 1},        {TYPE_INT4, 1}, {TYPE_INT2, 1},  {TYPE_INT8, 1000000007},
                 {TYPE_INT4, 19999999}, {TYPE_TEXT, 1}, {TYPE_FLOAT8, 1}};
enum { KEY_FORM_COUNT = sizeof key_forms / sizeof key_forms[0] };

static const JoinKind kinds[] = {JOIN_INNER,      JOIN_LEFT,      JOIN_FULL,   JOIN_SEMI,
                                 JOIN_ANTI,       JOIN_MARK,      JOIN_SINGLE, JOIN_RIGHT_OUTER,
                                 JOIN_RIGHT_SEMI, JOIN_RIGHT_ANTI};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

START_TEST(hash_joins)
{
    for (uint32_t form = 0; form < KEY_FORM_COUNT; form++) {
        for (uint32_t variant = 0; variant < 16; variant++) {
            JoinCase test = {.kind = kinds[_i],
                             .key_count = 1 + variant % 2,
                             .null_equal = variant / 2 % 2,
                             .residual = variant / 4 % 2 ? RESIDUAL_LESS : RESIDUAL_NONE,
                             .is_unique = variant / 8 % 2,
                             .key_type = type_of(key_forms[form].type),
                             .key_factor = key_forms[form].factor};

            check_case(&test, variant * 31 + form + 1);
        }
    }
}
END_TEST

START_TEST(null_aware_joins)
{
    for (uint32_t variant = 0; variant < 8; variant++) {
        JoinCase test = {.kind = _i ? JOIN_MARK : JOIN_ANTI,
                         .key_count = variant % 2,
                         .residual = variant / 2 % 2 ? RESIDUAL_LESS : RESIDUAL_NONE,
                         .null_aware = true,
                         .key_type = type_of(variant / 4 ? TYPE_TEXT : TYPE_INT8),
                         .key_factor = 1};

        for (unsigned seed = 1; seed < 8; seed++)
            check_case(&test, seed);
    }
}
END_TEST

START_TEST(nested_joins)
{
    for (uint32_t variant = 0; variant < 2; variant++) {
        JoinCase test = {.kind = kinds[_i],
                         .residual = variant ? RESIDUAL_LESS : RESIDUAL_NONE,
                         .key_type = type_of(TYPE_INT4),
                         .key_factor = 1};

        for (unsigned seed = 1; seed < 6; seed++)
            check_case(&test, seed);
    }
}
END_TEST

/* One key on both sides: n * m pairs, handed on in batches, in bounded memory. */
START_TEST(one_huge_key)
{
    enum { ROWS = 3000 };
    Runner runner = runner_open();
    Type type = type_of(TYPE_INT8);
    int64_t *rows = ARENA_ARRAY(runner.arena, int64_t, ROWS);
    Table *table = runner_table(&runner, 1, &type, ROWS, rows, 500);
    JoinCase test = {.kind = JOIN_INNER, .key_count = 1, .key_type = type, .key_factor = 1};
    const Plan *plan = make_hash(&runner, &test, runner_scan(&runner, table),
                                 runner_scan(&runner, table), (PlanColumn){0});
    ExecRequest request = runner_request(&runner, plan, (RunMode){2, 2048});
    uint64_t before = mem_pool_used_bytes(runner.pool), count = 0;
    Error err = ERROR_NONE;
    Execution *execution;
    Batch batch;

    ck_assert_int_eq(exec_start(&request, &err, &execution), ST_OK);
    do {
        ck_assert_int_eq(exec_next(execution, &err, &batch), ST_OK);
        count += batch.row_count;
    } while (batch.row_count > 0);
    exec_close(execution);
    ck_assert_uint_eq(count, (uint64_t)ROWS * ROWS);
    ck_assert_uint_lt(mem_pool_peak_bytes(runner.pool) - before, 100 << 20);
    runner_close(&runner);
}
END_TEST

static const RunMode memory_modes[] = {{1, 16}, {2, 16}, {1, 16, 1 << 20}, {1, 16, 2000}};

/* Every allocation fails in turn: an error or the right rows, and nothing left behind. */
START_TEST(memory_refused)
{
    Runner runner = runner_open();
    JoinCase test = {.kind = JOIN_FULL,
                     .key_count = 1,
                     .residual = RESIDUAL_LESS,
                     .key_type = type_of(TYPE_TEXT),
                     .key_factor = 1};
    JoinData data = random_data(&test, 5);
    const Plan *left =
        runner_scan(&runner, make_table(&runner, &test, data.left_rows, data.left, 20));
    const Plan *right =
        runner_scan(&runner, make_table(&runner, &test, data.right_rows, data.right, 20));
    const Plan *plan = make_plan(&runner, &test, left, right);
    uint64_t before = mem_pool_used_bytes(runner.pool);
    RunMode mode = memory_modes[_i];
    const char *expected = reference(&runner, &test, &data);
    uint32_t refused = 0;
    uint64_t nth = 1;

    for (uint32_t in_row = 0; in_row < 60 && nth < 20000; nth++) {
        Error err = ERROR_NONE;
        const char *rows;
        Status status;

        mem_pool_fail_nth(runner.pool, nth);
        status = runner_try(&runner, plan, mode, &err, &rows);
        ck_assert(status == ST_OK || status == ST_OUT_OF_MEMORY);
        if (status == ST_OK)
            ck_assert_str_eq(rows, expected);
        ck_assert_uint_eq(mem_pool_used_bytes(runner.pool), before);
        refused += status != ST_OK;
        in_row = status == ST_OK ? in_row + 1 : 0;
    }
    ck_assert_uint_gt(refused, 20);
    ck_assert_uint_lt(nth, 20000);
    mem_pool_fail_nth(runner.pool, 0);
    runner_close(&runner);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, hash_joins, 0, KIND_COUNT);
    tcase_add_loop_test(tests, nested_joins, 0, KIND_COUNT);
    tcase_add_loop_test(tests, null_aware_joins, 0, 2);
    tcase_add_test(tests, one_huge_key);
    tcase_add_loop_test(tests, memory_refused, 0, 4);
}

int main(void)
{
    return runner_main("join", add_tests);
}
