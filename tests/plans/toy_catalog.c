/* toy_catalog.c -- see toy_catalog.h */
#include "tests/plans/toy_catalog.h"

#include <string.h>

#define NOT_NULL(name, ...) {name, {__VA_ARGS__}, false}
#define NULLABLE(name, ...) {name, {__VA_ARGS__}, true}
#define DECIMAL_15_2        .id = TYPE_DECIMAL, .precision = 15, .scale = 2

typedef struct ToyTable {
    Table table;
    double row_count;
    bool is_exact;
} ToyTable;

static TableStatistics toy_statistics(const Table *table)
{
    const ToyTable *toy = (const ToyTable *)table;

    return (TableStatistics){.row_count = toy->row_count, .row_count_is_exact = toy->is_exact};
}

static ColumnStatistics toy_column_statistics(const Table *table, uint32_t column)
{
    ColumnStatistics none = {.null_count = -1, .distinct_count = -1};

    if (!((const ToyTable *)table)->is_exact || column > 0)
        return none;
    return (ColumnStatistics){.has_range = true,
                              .min = value_int4(1),
                              .max = value_int4(9),
                              .range_is_exact = true,
                              .null_count = 2,
                              .distinct_count = 8};
}

static void toy_close(Table *table)
{
    (void)table;
}

/* Estimates are the textbook's. */
static Status toy_sample(const Table *table, Arena *arena, const uint32_t *columns,
                         uint32_t column_count, uint32_t row_count, Error *err, Column *columns_out,
                         uint32_t *row_count_out)
{
    (void)arena;
    (void)columns;
    (void)column_count;
    (void)row_count;
    (void)columns_out;
    *row_count_out = 0;
    return error_set(err, ST_NOT_SUPPORTED, "%s has no rows", table->name);
}

static const TableClass toy_class = {.format = "toy",
                                     .statistics = toy_statistics,
                                     .column_statistics = toy_column_statistics,
                                     .close = toy_close,
                                     .sample = toy_sample};

static const TableColumn t_columns[] = {
    NOT_NULL("k", .id = TYPE_INT4),    NULLABLE("a", .id = TYPE_INT4),
    NULLABLE("b", .id = TYPE_INT4),    NULLABLE("i2", .id = TYPE_INT2),
    NULLABLE("i8", .id = TYPE_INT8),   NULLABLE("s", .id = TYPE_TEXT),
    NULLABLE("d", .id = TYPE_DATE),    NULLABLE("ts", .id = TYPE_TIMESTAMP),
    NULLABLE("n", DECIMAL_15_2),       NULLABLE("f", .id = TYPE_FLOAT8),
    NULLABLE("flag", .id = TYPE_BOOL),
};

static const TableColumn u_columns[] = {
    NOT_NULL("k", .id = TYPE_INT4),
    NULLABLE("a", .id = TYPE_INT4),
    NULLABLE("b", .id = TYPE_INT4),
    NULLABLE("s", .id = TYPE_TEXT),
};

static const TableColumn v_columns[] = {
    NOT_NULL("k", .id = TYPE_INT4),
    NULLABLE("a", .id = TYPE_INT4),
};

static const TableColumn exact_columns[] = {
    NULLABLE("a", .id = TYPE_INT4),
    NULLABLE("s", .id = TYPE_TEXT),
};

static const TableColumn region_columns[] = {
    NOT_NULL("r_regionkey", .id = TYPE_INT8),
    NOT_NULL("r_name", .id = TYPE_TEXT),
    NOT_NULL("r_comment", .id = TYPE_TEXT),
};

static const TableColumn nation_columns[] = {
    NOT_NULL("n_nationkey", .id = TYPE_INT8),
    NOT_NULL("n_name", .id = TYPE_TEXT),
    NOT_NULL("n_regionkey", .id = TYPE_INT8),
    NOT_NULL("n_comment", .id = TYPE_TEXT),
};

static const TableColumn supplier_columns[] = {
    NOT_NULL("s_suppkey", .id = TYPE_INT8), NOT_NULL("s_name", .id = TYPE_TEXT),
    NOT_NULL("s_address", .id = TYPE_TEXT), NOT_NULL("s_nationkey", .id = TYPE_INT8),
    NOT_NULL("s_phone", .id = TYPE_TEXT),   NOT_NULL("s_acctbal", DECIMAL_15_2),
    NOT_NULL("s_comment", .id = TYPE_TEXT),
};

static const TableColumn customer_columns[] = {
    NOT_NULL("c_custkey", .id = TYPE_INT8),    NOT_NULL("c_name", .id = TYPE_TEXT),
    NOT_NULL("c_address", .id = TYPE_TEXT),    NOT_NULL("c_nationkey", .id = TYPE_INT8),
    NOT_NULL("c_phone", .id = TYPE_TEXT),      NOT_NULL("c_acctbal", DECIMAL_15_2),
    NOT_NULL("c_mktsegment", .id = TYPE_TEXT), NOT_NULL("c_comment", .id = TYPE_TEXT),
};

static const TableColumn part_columns[] = {
    NOT_NULL("p_partkey", .id = TYPE_INT8),   NOT_NULL("p_name", .id = TYPE_TEXT),
    NOT_NULL("p_mfgr", .id = TYPE_TEXT),      NOT_NULL("p_brand", .id = TYPE_TEXT),
    NOT_NULL("p_type", .id = TYPE_TEXT),      NOT_NULL("p_size", .id = TYPE_INT4),
    NOT_NULL("p_container", .id = TYPE_TEXT), NOT_NULL("p_retailprice", DECIMAL_15_2),
    NOT_NULL("p_comment", .id = TYPE_TEXT),
};

static const TableColumn partsupp_columns[] = {
    NOT_NULL("ps_partkey", .id = TYPE_INT8),  NOT_NULL("ps_suppkey", .id = TYPE_INT8),
    NOT_NULL("ps_availqty", .id = TYPE_INT4), NOT_NULL("ps_supplycost", DECIMAL_15_2),
    NOT_NULL("ps_comment", .id = TYPE_TEXT),
};

static const TableColumn orders_columns[] = {
    NOT_NULL("o_orderkey", .id = TYPE_INT8),    NOT_NULL("o_custkey", .id = TYPE_INT8),
    NOT_NULL("o_orderstatus", .id = TYPE_TEXT), NOT_NULL("o_totalprice", DECIMAL_15_2),
    NOT_NULL("o_orderdate", .id = TYPE_DATE),   NOT_NULL("o_orderpriority", .id = TYPE_TEXT),
    NOT_NULL("o_clerk", .id = TYPE_TEXT),       NOT_NULL("o_shippriority", .id = TYPE_INT4),
    NOT_NULL("o_comment", .id = TYPE_TEXT),
};

static const TableColumn lineitem_columns[] = {
    NOT_NULL("l_orderkey", .id = TYPE_INT8),    NOT_NULL("l_partkey", .id = TYPE_INT8),
    NOT_NULL("l_suppkey", .id = TYPE_INT8),     NOT_NULL("l_linenumber", .id = TYPE_INT4),
    NOT_NULL("l_quantity", DECIMAL_15_2),       NOT_NULL("l_extendedprice", DECIMAL_15_2),
    NOT_NULL("l_discount", DECIMAL_15_2),       NOT_NULL("l_tax", DECIMAL_15_2),
    NOT_NULL("l_returnflag", .id = TYPE_TEXT),  NOT_NULL("l_linestatus", .id = TYPE_TEXT),
    NOT_NULL("l_shipdate", .id = TYPE_DATE),    NOT_NULL("l_commitdate", .id = TYPE_DATE),
    NOT_NULL("l_receiptdate", .id = TYPE_DATE), NOT_NULL("l_shipinstruct", .id = TYPE_TEXT),
    NOT_NULL("l_shipmode", .id = TYPE_TEXT),    NOT_NULL("l_comment", .id = TYPE_TEXT),
};

#define TOY(table_name, rows, exact)                                                               \
    {{.class = &toy_class,                                                                         \
      .name = #table_name,                                                                         \
      .column_count = sizeof table_name##_columns / sizeof table_name##_columns[0],                \
      .columns = table_name##_columns,                                                             \
      .ref_count = 1},                                                                             \
     rows,                                                                                         \
     exact}

static ToyTable toy_tables[] = {
    TOY(t, 1000, false),       TOY(u, 500, false),          TOY(v, 100000, false),
    TOY(exact, 10, true),      TOY(region, 5, false),       TOY(nation, 25, false),
    TOY(supplier, 1e4, false), TOY(customer, 1.5e5, false), TOY(part, 2e5, false),
    TOY(partsupp, 8e5, false), TOY(orders, 1.5e6, false),   TOY(lineitem, 6001215, false),
};

enum { TOY_COUNT = sizeof toy_tables / sizeof toy_tables[0] };

static Status toy_lookup(void *context, Arena *arena, const char *name, Error *err,
                         Table **table_out, const AstSelect **view_out)
{
    (void)context;
    (void)arena;
    (void)err;
    *table_out = NULL;
    *view_out = NULL;
    for (uint32_t i = 0; i < TOY_COUNT; i++)
        if (strcmp(toy_tables[i].table.name, name) == 0)
            *table_out = &toy_tables[i].table;
    return ST_OK;
}

static Status toy_open_file(void *context, const char *path, const char *format, OptionList options,
                            Error *err, Table **table_out)
{
    (void)context;
    (void)format;
    (void)options;
    *table_out = NULL;
    return error_set(err, ST_NOT_SUPPORTED, "no files here: %s", path);
}

static uint32_t toy_names(void *context, Arena *arena, const char *const **names_out)
{
    const char **names = ARENA_ARRAY(arena, const char *, TOY_COUNT);

    (void)context;
    for (uint32_t i = 0; i < TOY_COUNT; i++)
        names[i] = toy_tables[i].table.name;
    *names_out = names;
    return TOY_COUNT;
}

const Catalog toy_catalog = {.lookup = toy_lookup, .open_file = toy_open_file, .names = toy_names};
