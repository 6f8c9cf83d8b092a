/*
 * join.h -- a join at work: what its operators share
 *
 *     build op      (sink of the right input)   rows -> JoinTable, runtime filters
 *     probe op      (streams the left input)    keys -> matches -> residual -> what the kind wants
 *     unmatched op  (source, after the probe)   build rows with or without a match: RIGHT_*, FULL
 *
 * "Pairs" are rows of both inputs: the residual condition and null_aware are kernels over the left
 * input's columns followed by the right one's. Columns that nobody needs are neither kept nor
 * gathered: column_of_nulls stands for them.
 *
 * What a task has no memory for is written to files by the keys' hash, both inputs; then it is
 * joined part by part, and the unmatched op gives it all out (join_spill.h).
 *
 * A nested join is a join without keys: every row is a candidate, the condition is the residual.
 * Inequalities of the condition leave fewer candidates (join_range.h); the keys are theirs then.
 */
#ifndef VONK_EXEC_JOIN_H
#define VONK_EXEC_JOIN_H

#include "exec/gather.h"
#include "exec/join_probe.h"
#include "exec/operators.h"

enum { JOIN_NO_MATCH = UINT32_MAX, JOIN_NOT_KEPT = UINT32_MAX };

/* Where a column of the output comes from. */
typedef enum JoinSide { JOIN_SIDE_NONE, JOIN_SIDE_LEFT, JOIN_SIDE_RIGHT, JOIN_SIDE_MARK } JoinSide;

typedef struct JoinOutput {
    JoinSide side;
    uint32_t index; /* column of that input */
} JoinOutput;

/* Key expressions of one input: columns picked, or a kernel's outputs. */
typedef struct JoinKeys {
    uint32_t count;
    uint32_t *picks; /* NULL: the kernel computes them */
    Kernel *kernel;
} JoinKeys;

typedef struct Join {
    Operator build, probe, unmatched;
    const ExecContext *context;
    Arena *arena;
    JoinKind kind;
    const Plan *node, *left, *right;
    JoinKeys left_keys, right_keys;
    JoinRange range;       /* nested joins */
    uint32_t output_count; /* node's columns; one more, the left row's number, for join_spill.h */
    const JoinOutput *outputs;
    uint32_t *kept_place; /* by right column: which kept one, or JOIN_NOT_KEPT */
    uint32_t kept_count;
    uint32_t *kept; /* right columns in the table */
    JoinLayout layout;
    JoinTable table;
    Kernel *residual;    /* NULL: none */
    Kernel *null_aware;  /* NULL: none; else its output says TRUE, FALSE or NULL for a pair */
    bool *left_is_used;  /* by left column: the residual or null_aware looks at it */
    bool *right_is_used; /* by right column */
    bool is_single;      /* probe: a row has at most one match that matters */
    uint32_t filter_count;
    JoinFilter **filters;
    uint32_t filling_count; /* filters that want the table's rows */
    JoinFilter **filling;
    uint32_t fill_tasks;
    struct JoinSpill *spill; /* NULL: the right input has to fit */
} Join;

static inline bool join_marks_build(JoinKind kind)
{
    return kind == JOIN_FULL || kind == JOIN_RIGHT_OUTER || kind == JOIN_RIGHT_SEMI ||
           kind == JOIN_RIGHT_ANTI;
}

/* The build rows of RIGHT_SEMI that match come out at the end as well. */
static inline bool join_keeps_unmatched_build(JoinKind kind)
{
    return kind == JOIN_FULL || kind == JOIN_RIGHT_OUTER || kind == JOIN_RIGHT_ANTI;
}

/* Evaluates keys for the batch: keys_out has room for all. */
MUST_CHECK Status join_keys_evaluate(const JoinKeys *keys, KernelInstance *instance,
                                     const Batch *batch, Error *err, Column *keys_out);

/* Kept column `place` of rows matches[0..count), NULL for JOIN_NO_MATCH. at NULL: values 0..count,
 * else values at[i] of a column of row_count rows; is_padded: the other rows are NULL (else they
 * hold anything). */
Column join_gather(const Join *join, ColumnBuffers *buffers, uint32_t place,
                   const uint32_t *matches, uint32_t count, const uint32_t *at, uint32_t row_count,
                   bool is_padded);

/* The output's columns of build rows without a left one. */
void join_build_columns(const Join *join, ColumnBuffers *buffers, const uint32_t *matches,
                        uint32_t count, Column *columns_out);

/* Buffers for all kept columns. */
MUST_CHECK Status join_buffers_init(const Join *join, Arena *arena, ColumnBuffers *buffers,
                                    Error *err);

/* The table, empty; and what it holds let go. */
void join_open_table(Join *join);
void join_close_table(Join *join);

/* A left row is decided by whether it has a match. */
bool join_asks_only(const Join *join);

extern const OperatorClass join_build_class, join_probe_class, join_unmatched_class;

#endif
