/*
 * plan_runner.h -- small tables in memory, plans over them, and their rows as text
 */
#ifndef VONK_TESTS_PLAN_RUNNER_H
#define VONK_TESTS_PLAN_RUNNER_H

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "exec/exec.h"
#include "formats/memory_table.h"

#define NIL INT64_MIN /* stands for NULL in tables of integers */

typedef struct Runner {
    Arena *arena;
    MemPool *pool;
    PlanIds ids;
    uint32_t table_count;
    Table *tables[64];
} Runner;

typedef struct RunMode {
    uint32_t threads;
    uint32_t batch_rows;
    size_t spill_bytes; /* 0: nothing is spilled */
} RunMode;

static const RunMode run_modes[] = {{1, 2048}, {1, 1}, {1, 3}, {2, 2048}, {2, 1}, {8, 3}, {8, 64}};
enum { RUN_MODE_COUNT = sizeof run_modes / sizeof run_modes[0] };

static inline Runner runner_open(void)
{
    return (Runner){.arena = arena_new(NULL, "test", ARENA_NO_CAP),
                    .pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT)};
}

/* Checks that nothing of the pool is left. */
static inline void runner_close(Runner *runner)
{
    for (uint32_t i = 0; i < runner->table_count; i++)
        table_unref(runner->tables[i]);
    arena_free(runner->arena);
    ck_assert_uint_eq(mem_pool_used_bytes(runner->pool), 0);
    mem_pool_free(runner->pool);
}

/* --- tables --- */

/* A number as a value of the type; texts are long or short by the number. */
static inline Value number_as(Arena *arena, Type type, int64_t number)
{
    Value value = value_null(type);

    if (number == NIL)
        return value;
    value.is_null = false;
    switch (type_phys(type)) {
    case PHYS_INT16:
        value.int16 = (int16_t)number;
        break;
    case PHYS_INT32:
        value.int32 = (int32_t)number;
        break;
    case PHYS_INT64:
        value.int64 = number;
        break;
    case PHYS_INT128:
        value.int128 = number;
        break;
    case PHYS_FLOAT64:
        value.float64 = (double)number;
        break;
    case PHYS_STR: {
        const char *text =
            arena_printf(arena, number % 2 ? "%" PRId64 : "a long text %" PRId64, number);

        value.str = str_make(text, (uint32_t)strlen(text));
        break;
    }
    default:
        ck_abort_msg("type without numbers");
    }
    return value;
}

/* rows[r * column_count + c] */
static inline Table *runner_table(Runner *runner, uint32_t column_count, const Type *types,
                                  uint32_t row_count, const int64_t *rows, uint32_t split_rows)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    TableColumn *table_columns = ARENA_ARRAY(runner->arena, TableColumn, column_count);
    Column *columns = ARENA_ARRAY(runner->arena, Column, column_count);
    Error err = ERROR_NONE;
    Table *table;

    for (uint32_t c = 0; c < column_count; c++)
        table_columns[c] = (TableColumn){.name = names[c], .type = types[c], .is_nullable = true};
    ck_assert_int_eq(
        memory_table_new("t", column_count, table_columns, split_rows, runner->pool, &err, &table),
        ST_OK);
    for (uint32_t first = 0; first < row_count; first += split_rows) {
        uint32_t count = row_count - first < split_rows ? row_count - first : split_rows;
        Batch batch = {.column_count = column_count,
                       .row_count = count,
                       .selected_count = count,
                       .columns = columns};

        for (uint32_t c = 0; c < column_count; c++) {
            size_t bytes = phys_bytes(type_phys(types[c]));
            char *values = arena_alloc(runner->arena, bytes * count);
            uint64_t *validity = ARENA_ARRAY(runner->arena, uint64_t, bitmap_words(count));

            for (uint32_t i = 0; i < count; i++) {
                Value value =
                    number_as(runner->arena, types[c], rows[(first + i) * column_count + c]);

                bitmap_put(validity, i, !value.is_null);
                memcpy(values + i * bytes, value.bytes, bytes);
            }
            columns[c] = (Column){
                .type = types[c], .form = COLUMN_FLAT, .values = values, .validity = validity};
        }
        ck_assert_int_eq(memory_table_add(table, &batch, &err), ST_OK);
    }
    runner->tables[runner->table_count++] = table;
    return table;
}

static inline const Plan *runner_scan(Runner *runner, Table *table)
{
    uint32_t *indexes = ARENA_ARRAY(runner->arena, uint32_t, table->column_count);
    PlanColumn *columns = ARENA_ARRAY(runner->arena, PlanColumn, table->column_count);

    for (uint32_t i = 0; i < table->column_count; i++) {
        indexes[i] = i;
        columns[i] = (PlanColumn){.id = plan_new_column(&runner->ids),
                                  .type = table->columns[i].type,
                                  .name = table->columns[i].name,
                                  .is_nullable = true};
    }
    return plan_scan(runner->arena, table, "t", table->column_count, indexes, columns);
}

static inline const Expr *column_of(Runner *runner, const Plan *plan, uint32_t index)
{
    return expr_column(runner->arena, plan->columns[index].id, plan->columns[index].type);
}

static inline const Expr *bool_call(Runner *runner, FuncId func, const Expr *a, const Expr *b)
{
    return expr_call2(runner->arena, func, type_of(TYPE_BOOL), a, b);
}

/* --- running --- */

static inline void add_value(StrBuf *text, const Column *column, uint32_t row)
{
    Value value = value_from_column(column, row);

    if (value.is_null)
        strbuf_puts(text, "-");
    else if (type_phys(value.type) == PHYS_STR)
        strbuf_add(text, str_bytes(&value.str), value.str.length);
    else if (type_phys(value.type) == PHYS_FLOAT64)
        strbuf_printf(text, "%g", value.float64);
    else
        strbuf_printf(text, "%" PRId64, (int64_t)value_as_int128(&value));
}

static inline void add_batch(StrBuf *text, const Batch *batch)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        for (uint32_t c = 0; c < batch->column_count; c++) {
            strbuf_puts(text, c == 0 ? "" : ",");
            add_value(text, &batch->columns[c], i);
        }
        strbuf_putc(text, '\n');
    }
}

static inline ExecRequest runner_request(Runner *runner, const Plan *plan, RunMode mode)
{
    return (ExecRequest){.plan = plan,
                         .pool = runner->pool,
                         .threads = mode.threads,
                         .batch_rows = mode.batch_rows,
                         .jit = JIT_OFF,
                         .spill_folder = mode.spill_bytes > 0 ? "/tmp" : NULL,
                         .spill_bytes = mode.spill_bytes};
}

/* All rows as text, a line each; on failure the status, with the error in *err. */
static inline Status runner_try(Runner *runner, const Plan *plan, RunMode mode, Error *err,
                                const char **text_out)
{
    ExecRequest request = runner_request(runner, plan, mode);
    StrBuf text = {.arena = runner->arena};
    Execution *execution;
    Batch batch = {0};
    Status status = exec_start(&request, err, &execution);

    *text_out = "";
    if (status != ST_OK)
        return status;
    do {
        status = exec_next(execution, err, &batch);
        if (status == ST_OK) {
            ck_assert_ptr_null(batch.selection);
            add_batch(&text, &batch);
        }
    } while (status == ST_OK && batch.row_count > 0);
    exec_close(execution);
    *text_out = strbuf_text(&text);
    return status;
}

static inline const char *runner_rows(Runner *runner, const Plan *plan, RunMode mode)
{
    Error err = ERROR_NONE;
    const char *text;
    Status status = runner_try(runner, plan, mode, &err, &text);

    ck_assert_msg(status == ST_OK, "%s", err.message);
    return text;
}

/* The plan gives these rows in every mode. */
static inline void runner_expect(Runner *runner, const Plan *plan, const char *expected)
{
    for (uint32_t i = 0; i < RUN_MODE_COUNT; i++) {
        const char *rows = runner_rows(runner, plan, run_modes[i]);

        ck_assert_msg(strcmp(rows, expected) == 0, "%u threads, batches of %u:\n%s\nexpected\n%s",
                      run_modes[i].threads, run_modes[i].batch_rows, rows, expected);
    }
}

static inline int runner_main(const char *name, void (*add_tests)(TCase *tests))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 60);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
