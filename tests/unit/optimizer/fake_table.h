/*
 * fake_table.h -- tables that have statistics and no rows, and short ways to write plans over them
 *
 *     Fixture fix; fixture_open(&fix);
 *     Table *t = fake_table(&fix, "t", 1000, 2);
 *     fake_range(t, 0, 1, 1000);
 *     const Plan *scan = fake_scan(&fix, t);      its columns are scan->columns[0], [1]
 */
#ifndef VONK_TESTS_UNIT_OPTIMIZER_FAKE_TABLE_H
#define VONK_TESTS_UNIT_OPTIMIZER_FAKE_TABLE_H

#include <check.h>

#include "sql/optimizer/optimizer_internal.h"

typedef struct Fixture {
    Arena *arena;
    PlanIds ids;
    Error err;
    OptimizeRequest request;
    RuleCtx rc;
} Fixture;

typedef struct FakeTable {
    Table table;
    double rows;
    ColumnStatistics *statistics;
    const Column *sample; /* one a column, or NULL */
    uint32_t sample_rows;
} FakeTable;

static inline void fixture_open(Fixture *fix)
{
    *fix = (Fixture){.arena = arena_new(NULL, "test", ARENA_NO_CAP), .err = ERROR_NONE};
    fix->request = (OptimizeRequest){.arena = fix->arena, .ids = &fix->ids, .threads = 1};
    fix->rc = (RuleCtx){
        .request = &fix->request, .arena = fix->arena, .ids = &fix->ids, .err = &fix->err};
}

static inline void fixture_close(Fixture *fix)
{
    arena_free(fix->arena);
}

static inline TableStatistics fake_table_statistics(const Table *table)
{
    return (TableStatistics){.row_count = ((const FakeTable *)table)->rows};
}

static inline ColumnStatistics fake_column_statistics(const Table *table, uint32_t column)
{
    return ((const FakeTable *)table)->statistics[column];
}

static inline Status fake_sample(const Table *table, Arena *arena, const uint32_t *columns,
                                 uint32_t column_count, uint32_t row_count, Error *err,
                                 Column *columns_out, uint32_t *row_count_out)
{
    const FakeTable *fake = (const FakeTable *)table;

    (void)arena;
    *row_count_out = fake->sample_rows < row_count ? fake->sample_rows : row_count;
    if (fake->sample == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "no sample");
    for (uint32_t i = 0; i < column_count; i++)
        columns_out[i] = fake->sample[columns[i]];
    return ST_OK;
}

static const TableClass fake_class = {.format = "fake",
                                      .statistics = fake_table_statistics,
                                      .column_statistics = fake_column_statistics,
                                      .sample = fake_sample};

/* Columns c0, c1, ... of type bigint. */
static inline Table *fake_table(Fixture *fix, const char *name, double rows, uint32_t column_count)
{
    FakeTable *fake = ARENA_NEW(fix->arena, FakeTable);
    TableColumn *columns = ARENA_ARRAY(fix->arena, TableColumn, column_count);

    fake->rows = rows;
    fake->statistics = ARENA_ARRAY(fix->arena, ColumnStatistics, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        columns[i] = (TableColumn){.name = arena_printf(fix->arena, "c%u", i),
                                   .type = type_of(TYPE_INT8),
                                   .is_nullable = true};
        fake->statistics[i] = (ColumnStatistics){.null_count = 0, .distinct_count = -1};
    }
    fake->table = (Table){.class = &fake_class,
                          .name = name,
                          .column_count = column_count,
                          .columns = columns,
                          .ref_count = 1};
    return &fake->table;
}

static inline void fake_type(Table *table, uint32_t column, Type type)
{
    ((TableColumn *)(void *)&table->columns[column])->type = type;
}

static inline Value fake_value(Type type, int64_t number)
{
    Value value = value_null(type);

    value.is_null = false;
    if (type_phys(type) == PHYS_INT32)
        value.int32 = (int32_t)number;
    else if (type_phys(type) == PHYS_INT128)
        value.int128 = number;
    else
        value.int64 = number;
    return value;
}

static inline void fake_range(Table *table, uint32_t column, int64_t min, int64_t max)
{
    ColumnStatistics *statistics = &((FakeTable *)table)->statistics[column];

    statistics->has_range = true;
    statistics->min = fake_value(table->columns[column].type, min);
    statistics->max = fake_value(table->columns[column].type, max);
}

static inline void fake_distinct(Table *table, uint32_t column, double count)
{
    ((FakeTable *)table)->statistics[column].distinct_count = count;
}

static inline const Plan *fake_scan(Fixture *fix, Table *table)
{
    uint32_t *places = ARENA_ARRAY(fix->arena, uint32_t, table->column_count);
    PlanColumn *columns = ARENA_ARRAY(fix->arena, PlanColumn, table->column_count);

    for (uint32_t i = 0; i < table->column_count; i++) {
        places[i] = i;
        columns[i] = (PlanColumn){.id = plan_new_column(&fix->ids),
                                  .type = table->columns[i].type,
                                  .name = table->columns[i].name,
                                  .is_nullable = table->columns[i].is_nullable};
    }
    return plan_scan(fix->arena, table, table->name, table->column_count, places, columns);
}

static inline const Expr *col(Fixture *fix, const Plan *plan, uint32_t index)
{
    return expr_column(fix->arena, plan->columns[index].id, plan->columns[index].type);
}

static inline const Expr *num(Fixture *fix, int64_t number)
{
    return expr_const(fix->arena, value_int8(number));
}

static inline const Expr *call(Fixture *fix, FuncId func, const Expr *a, const Expr *b)
{
    return expr_call2(fix->arena, func, type_of(TYPE_BOOL), a, b);
}

static inline const Expr *eq(Fixture *fix, const Plan *a, uint32_t a_column, const Plan *b,
                             uint32_t b_column)
{
    return call(fix, FUNC_EQ, col(fix, a, a_column), col(fix, b, b_column));
}

static inline int run_tests(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
