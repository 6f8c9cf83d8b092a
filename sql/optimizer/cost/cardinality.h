/*
 * cardinality.h -- how many rows a plan node gives, and what its columns look like
 *
 *     estimator_of(rc) -> estimate_plan(node) -> rows, and per column: distinct values, range,
 *         nulls
 *
 * Starts from what the files say (row counts, min/max, null counts) and from a sample of rows,
 * and works up the tree. Estimates are kept per node: asking again costs a look-up.
 *
 * An estimate never decides what a query returns, with one exception: `bounds`, which hold for
 * certain as long as the file's own statistics are true, and which narrow_decimals.c uses to pick
 * a width. An operation whose width was too small raises an overflow error.
 */
#ifndef VONK_SQL_OPTIMIZER_COST_CARDINALITY_H
#define VONK_SQL_OPTIMIZER_COST_CARDINALITY_H

#include "sql/optimizer/rule.h"

typedef struct Estimator Estimator;

typedef struct ColumnEstimate {
    double distinct_count;  /* among the node's rows                                           */
    double domain_count;    /* values the column draws from: predicates on other columns thin out
                              distinct_count, but leave this; joins match on it               */
    bool distinct_is_guess; /* only from the row count or a sparse range                      */
    bool is_sampled;        /* a sample was read, which knows how often a value occurs        */
    double null_fraction;
    double value_bytes;
    bool has_line; /* low and high: where the values lie on the number line           */
    double low, high;
    bool has_bounds; /* integers, numerics (unscaled), dates, timestamps: no value outside */
    Int128 min, max;
    double mean, deviation; /* of sums and counts per group; deviation < 0: unknown           */
} ColumnEstimate;

typedef struct RelEstimate {
    double rows;
    double base_rows;              /* before predicates thinned them out */
    const ColumnEstimate *columns; /* as the node's columns              */
} RelEstimate;

/* The query's estimator. Lives in the query's arena. */
Estimator *estimator_of(RuleCtx *rc);

/* Notes which columns predicates, joins and groups of the plan use, and whether a sample is worth
 * its reading (the plan joins something). To be called before a plan's first estimate. */
void estimator_prepare(Estimator *estimator, const Plan *plan);

/* Never NULL. Columns of nodes above joins have rough numbers at best. */
const RelEstimate *estimate_plan(Estimator *estimator, const Plan *plan);

/* What is known of one of the plan's columns; unknown things where the plan lacks it. */
ColumnEstimate estimate_column(Estimator *estimator, const Plan *plan, ColumnId id);

/* The exact bounds of a CAST, NEG, +, - or * from its arguments'; has_bounds false for others, and
 * where 128 bits do not hold them. Sets nothing else. */
void estimate_call_bounds(const Expr *expr, const ColumnEstimate *args, ColumnEstimate *out);

/* The part of plan's rows that satisfy the predicate, 0..1. */
double estimate_selectivity(Estimator *estimator, const Plan *plan, const Expr *predicate);

/* The part of left x right pairs that satisfy a join condition, 0..1. */
double estimate_join_selectivity(Estimator *estimator, const Plan *left, const Plan *right,
                                 const Expr *condition);

/*
 * The part of pairs equal in all keys (columns of two inputs, pairwise). Several keys of one table
 * have no more combinations than the table has rows; base_rows says how many those are.
 */
double estimate_keys_selectivity(uint32_t key_count, const ColumnEstimate *left,
                                 const ColumnEstimate *right, double left_base_rows,
                                 double right_base_rows);

/* Rows of a join of that kind, given its inputs' estimates and what an INNER one would give. */
double estimate_join_rows(Estimator *estimator, JoinKind kind, const Plan *left, const Plan *right,
                          const Expr *condition);

/* Different values among `rows` draws from `distinct_count` equally likely ones (Cardenas 1975). */
double estimate_distinct_drawn(double distinct_count, double rows);

#endif
