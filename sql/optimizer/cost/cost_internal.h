/*
 * cost_internal.h -- what the files of cost/ share
 *
 *     statistics.c   what a table's files and a sample of it say about its columns
 *     sample.c       predicates tried on a sample; sample_read.c reads one
 *     selectivity.c  what part of the rows a predicate keeps
 *     expression.c   what is known of an expression's values
 *     cardinality.c  one function a plan node, and the memory of what was estimated before
 *     cardinality_join.c    joins
 */
#ifndef VONK_SQL_OPTIMIZER_COST_COST_INTERNAL_H
#define VONK_SQL_OPTIMIZER_COST_COST_INTERNAL_H

#include "sql/optimizer/cost/cardinality.h"

enum { SAMPLE_ROWS = 2048 };

/* Some columns of some rows of a table. */
typedef struct Sample {
    uint32_t row_count; /* 0: reading it failed */
    uint32_t column_count;
    const uint32_t *columns; /* the table's */
    const Column *values;    /* FLAT        */
    struct Sample *next;
} Sample;

/* What is known of a table; made once a query. */
typedef struct TableFacts {
    const Table *table;
    double rows;
    ColumnEstimate *columns; /* one a table column */
    bool *is_described;      /* columns[i] is filled in */
    Sample *samples;
    struct TableFacts *next;
} TableFacts;

struct Estimator {
    Arena *arena;
    const OptimizeRequest *request;
    bool use_samples;
    ColumnSet wanted; /* columns that predicates, joins and groups use */
    TableFacts *tables;
    uint32_t memo_count, memo_capacity; /* a power of two; open addressing by the node's address */
    const Plan **memo_plans;
    const RelEstimate **memo_estimates;
};

/* The columns that an expression may speak of: those of up to two plans. */
typedef struct Scope {
    Estimator *estimator;
    uint32_t plan_count;
    const Plan *plans[2];
    const RelEstimate *rels[2];
} Scope;

/* A column about which nothing is known, in a relation of that many rows. */
ColumnEstimate cost__unknown_column(Type type, double rows);

/* The column's estimate, or NULL when no plan of the scope has it. */
const ColumnEstimate *cost__scope_column(const Scope *scope, ColumnId id);

/* --- statistics.c --- */
TableFacts *cost__table_facts(Estimator *estimator, const Table *table);
/* What is known of the table's column, with a sample's help when one is allowed and is_wanted. */
const ColumnEstimate *cost__table_column(Estimator *estimator, TableFacts *facts, uint32_t column,
                                         bool is_wanted);
/* A sample that has these columns, read unless one has been; NULL when there is none. */
const Sample *cost__sample(Estimator *estimator, TableFacts *facts, uint32_t count,
                           const uint32_t *columns);
/* The sample's values of the table's column. */
const Column *cost__sample_column(const Sample *sample, uint32_t column);
/* Where a value lies on the number line; false for texts, NULLs and the like. */
bool cost__value_on_line(const Value *value, double *out);

/* --- expression.c --- */
ColumnEstimate cost__expr(const Scope *scope, const Expr *expr);

/* --- selectivity.c --- */
double cost__selectivity(const Scope *scope, const Expr *predicate);
double cost__conjuncts_selectivity(const Scope *scope, uint32_t count, const Expr *const *parts);
/* Narrows columns (as plan's) by what the conjuncts say of them. */
void cost__narrow_columns(const Plan *plan, ColumnEstimate *columns, uint32_t count,
                          const Expr *const *parts);

/* --- sample.c --- */
/* The part of a table's rows that a scan's conjuncts keep; scope is the unfiltered scan. */
double cost__scan_selectivity(const Scope *scope, const PlanScan *scan, uint32_t count,
                              const Expr *const *parts);

/* --- sample_read.c --- */
/* A sample through the table's scans, for tables without a way of their own. */
MUST_CHECK Status cost__sample_by_scan(const Table *table, Arena *arena, const uint32_t *columns,
                                       uint32_t column_count, uint32_t row_count, Error *err,
                                       Column *columns_out, uint32_t *row_count_out);

/* --- cardinality_join.c --- */
const RelEstimate *cost__estimate_join(Estimator *estimator, const Plan *plan);

#endif
