/*
 * operators.h -- makers of operators, beside those in operator.h
 *
 * All live in the arena. needed: the columns that anything above uses; a column that is not needed
 * may come out as column_of_nulls.
 */
#ifndef VONK_EXEC_OPERATORS_H
#define VONK_EXEC_OPERATORS_H

#include "exec/operator.h"
#include "exec/runtime_filter.h"

/* Sources. filters[i]: what the node's runtime filter i is made by; NULL: nothing. */
MUST_CHECK Status op_scan_new(const ExecContext *context, Arena *arena, const PlanScan *node,
                              ColumnSet needed, JoinFilter *const *filters, Error *err,
                              Operator **op_out);
MUST_CHECK Status op_values_new(const ExecContext *context, Arena *arena, const PlanValues *node,
                                Error *err, Operator **op_out);
MUST_CHECK Status op_table_function_new(const ExecContext *context, Arena *arena,
                                        const PlanTableFunction *node, Error *err,
                                        Operator **op_out);
/* Each of the input's rows with every value of its series. */
MUST_CHECK Status op_series_rows_new(const ExecContext *context, Arena *arena,
                                     const PlanTableFunction *node, Error *err, Operator **op_out);
/* Bytes and rows that a scan has worked off, from any thread. */
void op_scan_progress(const Operator *op, uint64_t *rows, uint64_t *bytes, uint64_t *bytes_total);
bool op_is_scan(const Operator *op);

/* input's rows for which the predicate (may be NULL) holds, as project's columns (NULL: all of
 * input's). node: whose rows come out. */
MUST_CHECK Status op_project_new(const ExecContext *context, Arena *arena, const Plan *node,
                                 const Plan *input, const Expr *predicate,
                                 const PlanProject *project, Error *err, Operator **op_out);

/* Output column j is input's column map.ids[j]. */
MUST_CHECK Status op_map_new(const ExecContext *context, Arena *arena, const Plan *node,
                             const Plan *input, ColumnList map, Error *err, Operator **op_out);

/* Sinks that are sources afterwards. */
MUST_CHECK Status op_limit_new(const ExecContext *context, Arena *arena, const PlanLimit *node,
                               Error *err, Operator **op_out);
/* The input's columns, not the node's: readers map them. */
MUST_CHECK Status op_shared_new(const ExecContext *context, Arena *arena, const PlanShared *node,
                                Error *err, Operator **op_out);

/* User functions over records. combine: streaming when partial, else a sink that is a source
 * afterwards. group: reads its inputs itself; set off by the one row of a source below it. into:
 * the combine that alone gets what a call makes, as the next operator, or NULL: compiled code may
 * then put records into its accumulator, and emits none. */
MUST_CHECK Status op_call_new(const ExecContext *context, Arena *arena, const PlanCall *node,
                              Operator *into, Error *err, Operator **op_out);
MUST_CHECK Status op_combine_new(const ExecContext *context, Arena *arena, const PlanCombine *node,
                                 Error *err, Operator **op_out);
MUST_CHECK Status op_group_new(const ExecContext *context, Arena *arena, const PlanGroup *node,
                               Error *err, Operator **op_out);

typedef struct JoinOperators {
    Operator *build;     /* sink of the right input               */
    Operator *probe;     /* streams the left input                */
    Operator *unmatched; /* source, after the probe: build rows that only come out then; or NULL */
    uint32_t filter_count; /* for scans in the left input */
    JoinFilter **filters;
} JoinOperators;

MUST_CHECK Status op_hash_join_new(const ExecContext *context, Arena *arena,
                                   const PlanHashJoin *node, ColumnSet needed, Error *err,
                                   JoinOperators *ops_out);
MUST_CHECK Status op_nested_join_new(const ExecContext *context, Arena *arena,
                                     const PlanNestedJoin *node, ColumnSet needed, Error *err,
                                     JoinOperators *ops_out);

#endif
