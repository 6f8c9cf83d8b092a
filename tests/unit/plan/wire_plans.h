/*
 * wire_plans.h -- plans that have every kind of node, expression, value and function between them
 *
 * They need not make sense, but hold what plan_check and plan_wire demand.
 */
#ifndef VONK_TESTS_UNIT_PLAN_WIRE_PLANS_H
#define VONK_TESTS_UNIT_PLAN_WIRE_PLANS_H

#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/plan.h"

enum { WIRE_PLANS_MAX = 64 };

typedef struct WirePlans {
    Arena *arena;
    PlanIds ids;
    Table *table;
    uint32_t count;
    const Plan *plans[WIRE_PLANS_MAX];
} WirePlans;

static inline void wire_plans_close(Table *table)
{
    (void)table;
}

static const TableClass wire_plans_class = {.format = "test", .close = wire_plans_close};

static inline Table *wire_plans_table(Arena *arena)
{
    static const TableColumn columns[] = {{.name = "k", .type = {.id = TYPE_INT4}},
                                          {.name = "a", .type = {.id = TYPE_INT8}},
                                          {.name = "s", .type = {.id = TYPE_TEXT}},
                                          {.name = "list", .refused = "list"}};
    Table *table = ARENA_NEW(arena, Table);

    *table = (Table){.class = &wire_plans_class,
                     .name = "t",
                     .column_count = 4,
                     .columns = columns,
                     .ref_count = 1};
    return table;
}

static inline const Plan *wire_plans_add(WirePlans *to, const Plan *plan)
{
    CHECK(to->count < WIRE_PLANS_MAX);
    return to->plans[to->count++] = plan;
}

static inline PlanColumn wire_plans_column(WirePlans *to, TypeId type, const char *name)
{
    return (PlanColumn){plan_new_column(&to->ids), type_of(type), name, true};
}

static inline const Plan *wire_plans_scan(WirePlans *to)
{
    PlanColumn columns[] = {wire_plans_column(to, TYPE_INT4, "k"),
                            wire_plans_column(to, TYPE_INT8, "a"),
                            wire_plans_column(to, TYPE_TEXT, "s")};

    return plan_scan(to->arena, to->table, "x", 3, (uint32_t[]){0, 1, 2}, columns);
}

static inline const Expr *wire_plans_ref(WirePlans *to, const Plan *plan, uint32_t column)
{
    return expr_column(to->arena, plan->columns[column].id, plan->columns[column].type);
}

/* --- expressions --- */

static inline void wire_plans_values(WirePlans *to)
{
    Arena *arena = to->arena;
    Value values[] = {value_bool(true),
                      {.type = type_of(TYPE_INT2), .int16 = -7},
                      value_int4(INT32_MIN),
                      value_int8(INT64_MAX),
                      value_decimal(-12345, 18, 2),
                      value_decimal((Int128)7 << 100, 38, 10),
                      {.type = type_of(TYPE_FLOAT4), .float32 = -0.0f},
                      value_float8(__builtin_nan("")),
                      value_text(arena, ""),
                      value_text(arena, "longer than what is stored inline: \xc3\xa9"),
                      {.type = {.id = TYPE_VARCHAR, .length = 5}, .str = str_make("abc", 3)},
                      {.type = type_of(TYPE_DATE), .int32 = -1},
                      {.type = type_of(TYPE_TIMESTAMP), .int64 = 1700000000000000},
                      {.type = type_of(TYPE_INTERVAL), .interval = {-1, 40, -5}},
                      value_null(type_of(TYPE_TEXT)),
                      value_null(type_of(TYPE_NULL))};
    enum { COUNT = sizeof values / sizeof values[0] };
    PlanColumn columns[COUNT];
    const Expr *row[COUNT];
    ExprList rows[2];

    for (uint32_t i = 0; i < COUNT; i++) {
        columns[i] = wire_plans_column(to, values[i].type.id, "v");
        columns[i].type = values[i].type;
        row[i] = expr_const(arena, values[i]);
    }
    rows[0] = rows[1] = (ExprList){COUNT, arena_copy(arena, row, sizeof row)};
    wire_plans_add(to, plan_values(arena, COUNT, columns, 2, rows));
    wire_plans_add(to, plan_values(arena, 0, NULL, 0, NULL));
}

static inline const Expr *wire_plans_predicate(WirePlans *to, const Plan *scan)
{
    Arena *arena = to->arena;
    const Expr *a = wire_plans_ref(to, scan, 1), *s = wire_plans_ref(to, scan, 2);
    const Expr *one = expr_const(arena, value_int8(1));
    const Expr *word = expr_const(arena, value_text(arena, "w%"));
    Type boolean = type_of(TYPE_BOOL);
    const Expr *sum = expr_call2(arena, FUNC_ADD, type_of(TYPE_INT8), a, one);
    const Expr *parts[] = {
        expr_call2(arena, FUNC_GT, boolean, sum, one),
        expr_call2(arena, FUNC_LIKE, boolean, s, word),
        expr_call1(arena, FUNC_NOT, boolean, expr_call1(arena, FUNC_IS_NULL, boolean, s)),
        expr_call(arena, FUNC_IN, boolean, 3, (const Expr *[]){a, one, one}),
        expr_call(arena, FUNC_CASE, boolean, 3,
                  (const Expr *[]){expr_call2(arena, FUNC_EQ, boolean, sum, a), expr_true(arena),
                                   expr_const(arena, value_bool(false))}),
        expr_call2(arena, FUNC_LT, boolean, expr_cast(arena, s, type_of(TYPE_INT8)), sum)};

    return expr_join_and(arena, sizeof parts / sizeof parts[0], parts);
}

/* --- rows --- */

static inline void wire_plans_simple(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *scan = wire_plans_add(to, wire_plans_scan(to));
    const Plan *filter =
        wire_plans_add(to, plan_filter(arena, scan, wire_plans_predicate(to, scan)));
    PlanScan *filtered = arena_copy(arena, scan, sizeof *filtered);
    const Expr *predicate =
        expr_call2(arena, FUNC_GE, type_of(TYPE_BOOL), wire_plans_ref(to, scan, 0),
                   expr_const(arena, value_int4(3)));
    SortKey keys[] = {{filter->columns[1].id, filter->columns[1].type, true, false},
                      {filter->columns[2].id, filter->columns[2].type, false, true}};
    SortKeyList order = {2, keys};
    const Expr *exprs[] = {
        wire_plans_ref(to, filter, 2),
        expr_call1(arena, FUNC_LENGTH, type_of(TYPE_INT4), wire_plans_ref(to, filter, 2))};
    PlanColumn columns[] = {filter->columns[2], wire_plans_column(to, TYPE_INT4, "length")};
    const Plan *project = wire_plans_add(to, plan_project(arena, filter, 2, exprs, columns));
    PlanTopN *top =
        (PlanTopN *)plan_new(arena, PLAN_TOP_N, 1, &filter, filter->column_count, filter->columns);

    filtered->predicates = (ExprList){1, arena_copy(arena, &predicate, sizeof predicate)};
    filtered->row_limit = 10;
    filtered->runtime_filters = (RuntimeFilterList){
        1, arena_copy(arena, &(RuntimeFilter){1, FILTER_KEY, 0, scan->columns[0].id},
                      sizeof(RuntimeFilter))};
    wire_plans_add(to, &filtered->head);
    wire_plans_add(to, plan_sort(arena, filter, 2, keys));
    wire_plans_add(to, plan_limit(arena, project, 3, ALL_ROWS));
    wire_plans_add(to, plan_group_limit(arena, filter, 1, &filter->columns[0].id, order, 0, 2));
    wire_plans_add(to, plan_group_concat(arena, filter, 1, &filter->columns[0].id, order,
                                         filter->columns[2].id, filter->columns[2].id,
                                         wire_plans_column(to, TYPE_TEXT, "concat")));
    wire_plans_add(to, plan_distinct(arena, project));
    top->keys = (SortKeyList){2, arena_copy(arena, keys, sizeof keys)};
    top->fetch_rows = 5;
    wire_plans_add(to, &top->head);
    wire_plans_add(to, plan_write(arena, scan, "/tmp/x.csv", "csv",
                                  (NameList){3, (const char *[]){"k", "a", "s"}},
                                  (OptionList){1, (const char *[]){"delimiter", ";"}},
                                  wire_plans_column(to, TYPE_INT8, "rows")));
}

static inline void wire_plans_aggregate(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *scan = wire_plans_scan(to);
    const Expr *a = wire_plans_ref(to, scan, 1);
    const Expr *filter = expr_call1(arena, FUNC_IS_NOT_NULL, type_of(TYPE_BOOL), a);
    const Expr *aggs[] = {expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL),
                          expr_agg(arena, AGG_SUM, type_decimal(38, 0), 1, &a, true, filter)};
    PlanColumn columns[] = {wire_plans_column(to, TYPE_INT8, "count"),
                            wire_plans_column(to, TYPE_INT8, "sum")};

    columns[1].type = type_decimal(38, 0);
    wire_plans_add(to, plan_aggregate(arena, scan, 1, &scan->columns[2].id, 2, aggs, columns));
}

static inline void wire_plans_series(WirePlans *to)
{
    Arena *arena = to->arena;
    PlanColumn column = wire_plans_column(to, TYPE_INT8, "g");
    const Expr *args[] = {expr_const(arena, value_int8(1)), expr_const(arena, value_int8(9)),
                          expr_const(arena, value_int8(2))};
    PlanTableFunction *series =
        (PlanTableFunction *)plan_new(arena, PLAN_TABLE_FUNCTION, 0, NULL, 1, &column);

    series->function = TABLE_FUNCTION_GENERATE_SERIES;
    series->args = (ExprList){3, arena_copy(arena, args, sizeof args)};
    wire_plans_add(to, &series->head);
}

/* --- several inputs --- */

static inline void wire_plans_joins(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *left = wire_plans_scan(to), *right = wire_plans_scan(to);
    const Expr *equal = expr_call2(arena, FUNC_EQ, type_of(TYPE_BOOL), wire_plans_ref(to, left, 1),
                                   wire_plans_ref(to, right, 1));
    PlanColumn mark = wire_plans_column(to, TYPE_BOOL, "mark");
    const Expr *left_key = wire_plans_ref(to, left, 0), *right_key = wire_plans_ref(to, right, 0);
    const Plan *inputs[] = {left, right};
    bool null_equal = true;

    wire_plans_add(to, plan_join(arena, JOIN_FULL, left, right, equal));
    wire_plans_add(to, plan_mark_join(arena, left, right, NULL, equal, mark));
    wire_plans_add(to, plan_anti_join(arena, left, right, NULL, equal));
    for (int kind = JOIN_INNER; kind <= JOIN_RIGHT_ANTI; kind++) {
        PlanColumn own_mark = wire_plans_column(to, TYPE_BOOL, "mark");
        uint32_t count;
        const PlanColumn *columns =
            plan_join_columns(arena, (JoinKind)kind, left, right, &own_mark, &count);
        PlanHashJoin *hash =
            (PlanHashJoin *)plan_new(arena, PLAN_HASH_JOIN, 2, inputs, count, columns);
        PlanNestedJoin *nested =
            (PlanNestedJoin *)plan_new(arena, PLAN_NESTED_JOIN, 2, inputs, count, columns);

        hash->kind = nested->kind = kind;
        hash->mark = nested->mark = kind == JOIN_MARK ? own_mark.id : 0;
        hash->left_keys = (ExprList){1, arena_copy(arena, &left_key, sizeof left_key)};
        hash->right_keys = (ExprList){1, arena_copy(arena, &right_key, sizeof right_key)};
        hash->null_equal = (BoolList){1, arena_copy(arena, &null_equal, sizeof null_equal)};
        hash->residual = nested->condition = equal;
        hash->runtime_filters = (RuntimeFilterList){
            1, arena_copy(arena, &(RuntimeFilter){1, FILTER_KEY, 0, left->columns[0].id},
                          sizeof(RuntimeFilter))};
        wire_plans_add(to, &hash->head);
        wire_plans_add(to, &nested->head);
    }
}

static inline void wire_plans_sets(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *inputs[] = {wire_plans_scan(to), wire_plans_scan(to)};
    PlanColumn columns[] = {wire_plans_column(to, TYPE_INT8, "a"),
                            wire_plans_column(to, TYPE_INT8, "b")};
    ColumnId ids[2][2];
    ColumnList maps[2];
    const Plan *shared[2];

    for (uint32_t i = 0; i < 2; i++) {
        ids[i][0] = ids[i][1] = inputs[i]->columns[1].id;
        maps[i] = (ColumnList){2, ids[i]};
    }
    wire_plans_add(to, plan_union(arena, 2, inputs, maps, 2, columns));
    wire_plans_add(to,
                   plan_setop(arena, SETOP_EXCEPT, true, inputs[0], inputs[1], maps, 2, columns));
    for (uint32_t i = 0; i < 2; i++) {
        PlanColumn own[] = {wire_plans_column(to, TYPE_INT8, "c"),
                            wire_plans_column(to, TYPE_INT8, "d")};

        shared[i] = plan_shared(arena, inputs[0], 7, "w", true, &maps[0], 2, own);
    }
    wire_plans_add(to, plan_join(arena, JOIN_INNER, shared[0], shared[1], NULL));
}

static inline void wire_plans_subqueries(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *outer = wire_plans_scan(to), *inner = wire_plans_scan(to);
    const Expr *outer_a = wire_plans_ref(to, outer, 1);
    const Plan *correlated = plan_filter(
        arena, inner,
        expr_call2(arena, FUNC_EQ, type_of(TYPE_BOOL), outer_a, wire_plans_ref(to, inner, 1)));
    const Plan *one = plan_select_columns(arena, correlated, 1, &inner->columns[1].id);
    const Expr *any =
        expr_subquery(arena, SUBQUERY_ANY, type_of(TYPE_BOOL), FUNC_EQ, one, 1, &outer_a);
    const Expr *exists =
        expr_subquery(arena, SUBQUERY_EXISTS, type_of(TYPE_BOOL), FUNC_EQ, correlated, 0, NULL);

    wire_plans_add(to, plan_filter(arena, outer, expr_and(arena, any, exists)));
}

/* --- records --- */

typedef struct WireRecord {
    int64_t key;
    RecordText text;
    int64_t index;
    bool text_missing, first_missing, second_missing;
} WireRecord;

static inline void wire_plans_function(void)
{
}

static inline void wire_plans_other_function(void)
{
}

static const RecordField wire_plans_fields[] = {
    {"key", {.id = TYPE_INT8}, offsetof(WireRecord, key), RECORD_NEVER_NULL, true, 1},
    {"text",
     {.id = TYPE_TEXT},
     offsetof(WireRecord, text),
     offsetof(WireRecord, text_missing),
     false,
     0}};
static const RecordLayout wire_plans_layout = {"WireRecord", sizeof(WireRecord), 2,
                                               wire_plans_fields};

static inline const Plan *wire_plans_calls(WirePlans *to, const Plan *scan, ColumnList args)
{
    static const int64_t bases[] = {0, 10};
    static const IndexBases index = {2, bases, 1};
    static const RecordPair pair = {8, offsetof(WireRecord, first_missing),
                                    offsetof(WireRecord, second_missing), 8};
    static const UserFunction inner = {.name = "users", .call = wire_plans_other_function};
    const Plan *plan = scan;

    for (int kind = CALL_MAP; kind <= CALL_PAIR; kind++) {
        CallStep step = {.kind = (CallKind)kind,
                         .function = {.name = "an own",
                                      .call = wire_plans_function,
                                      .closure = "bytes",
                                      .closure_bytes = 5,
                                      .inner = kind == CALL_MAP ? &inner : NULL},
                         .in = &wire_plans_layout,
                         .out = &wire_plans_layout,
                         .index = kind == CALL_MAP_INDEXED ? &index : NULL,
                         .pair = kind == CALL_PAIR ? &pair : NULL,
                         .keeps_keys = kind == CALL_MAP};
        const PlanColumn *columns = plan_record_columns(to->arena, &wire_plans_layout, &to->ids);
        ColumnId *ids = ARENA_ARRAY(to->arena, ColumnId, 2);

        plan = wire_plans_add(to, plan_call(to->arena, plan, args, &step, columns));
        ids[0] = columns[0].id;
        ids[1] = columns[1].id;
        args = (ColumnList){2, ids};
    }
    return plan;
}

static inline void wire_plans_records(WirePlans *to)
{
    Arena *arena = to->arena;
    const Plan *scan = wire_plans_scan(to), *inputs[] = {scan, scan};
    ColumnId ids[] = {scan->columns[1].id, scan->columns[2].id};
    ColumnList args = {2, ids}, both[] = {args, args};
    WireRecord zero = {.key = 5, .text = {"a text that is somewhere else", 29}};
    CombineSpec *combine = ARENA_NEW(arena, CombineSpec);
    GroupSpec *beside, *group = ARENA_NEW(arena, GroupSpec);
    UserFunction function = {.name = "f", .call = wire_plans_function};

    wire_plans_calls(to, scan, args);
    *combine = (CombineSpec){.in = &wire_plans_layout,
                             .acc = &wire_plans_layout,
                             .add = function,
                             .merge = function,
                             .zero = arena_copy(arena, &zero, sizeof zero),
                             .has_keys = true,
                             .partitions = 4};
    wire_plans_add(to, plan_combine(arena, scan, args, combine, true,
                                    plan_record_columns(arena, &wire_plans_layout, &to->ids)));
    *group = (GroupSpec){.input_count = 2,
                         .in = {&wire_plans_layout, &wire_plans_layout},
                         .out = &wire_plans_layout,
                         .function = function,
                         .has_keys = true};
    wire_plans_add(to, plan_group(arena, inputs, both, group,
                                  plan_record_columns(arena, &wire_plans_layout, &to->ids)));
    beside = arena_copy(arena, group, sizeof *beside);
    beside->has_keys = false;
    beside->last_is_for_all = true;
    wire_plans_add(to, plan_group(arena, inputs, both, beside,
                                  plan_record_columns(arena, &wire_plans_layout, &to->ids)));
    wire_plans_add(to, plan_exchange(arena, EXCHANGE_HASH, scan, 8, args));
    wire_plans_add(to, plan_exchange_keep(arena, scan, 3, KEEP_DISK | KEEP_COMPRESSED));
    wire_plans_add(to, plan_exchange_place(arena, scan, 2, args, &wire_plans_layout, function));
    wire_plans_add(to, plan_exchange_range(
                           arena, scan, 4,
                           (SortKeyList){1, &(SortKey){ids[0], type_of(TYPE_INT8), true, false}}));
}

static inline void wire_plans_make(WirePlans *to, Arena *arena)
{
    *to = (WirePlans){.arena = arena, .table = wire_plans_table(arena)};
    wire_plans_values(to);
    wire_plans_simple(to);
    wire_plans_aggregate(to);
    wire_plans_series(to);
    wire_plans_joins(to);
    wire_plans_sets(to);
    wire_plans_subqueries(to);
    wire_plans_records(to);
}

#endif
