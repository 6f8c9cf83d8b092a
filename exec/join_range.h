/*
 * join_range.h -- candidates of a nested join by its inequalities
 *
 *     ON l.t >= r.low AND l.t < r.high AND r.name LIKE l.pattern
 *
 *        key 0 <= bound        key 1 > bound       (left to the residual)
 *
 *     rows by key 0    1  3  4  4  7  9        l.t = 5:  the first four ...
 *     their key 1      2  9  5  6  8 12                  of which those above 5: 9 and 6
 *       maxima             9     6    12
 *
 * Of the conjuncts that compare an expression of the left input with one of the right, those over
 * one right expression (key 0) become bounds in an order of the build rows, and one over another
 * (key 1) is found there by a tree of maxima. A candidate costs a few steps, a row without any
 * costs a binary search: nobody looks at all pairs. The residual still sees the candidates unless
 * the bounds say it all. Candidates come out in the build input's order, as without an index.
 *
 * Keys become 64-bit integers in the order of their values; texts by their first 8 bytes (more
 * candidates than matches). NULLs match nothing. An expression that fails on some row leaves
 * the rows it stands for to the residual, which says so if it must.
 *
 * Thread: made by one; then immutable. A JoinRangeCursor is one thread's.
 */
#ifndef VONK_EXEC_JOIN_RANGE_H
#define VONK_EXEC_JOIN_RANGE_H

#include "exec/join_table.h"

enum { RANGE_KEYS_MAX = 2, RANGE_BOUNDS_MAX = 4, RANGE_LEVELS_MAX = 9, RANGE_FEW_MAX = 32 };

/* The build row's key is at least (or at most) the left row's value i, for bounds[i]. */
typedef struct RangeBound {
    uint32_t key;
    bool is_least;
    bool is_strict;
} RangeBound;

typedef struct JoinRange {
    uint32_t bound_count; /* 0: no inequality that helps */
    RangeBound bounds[RANGE_BOUNDS_MAX];
    uint32_t key_count;
    const Expr *left[RANGE_BOUNDS_MAX]; /* by bound */
    const Expr *right[RANGE_KEYS_MAX];  /* by key   */
    bool is_exact;                      /* the bounds are the whole condition */
    _Atomic bool is_broken;             /* a right expression failed: no index */

    /* the index */
    bool is_ready;
    bool is_in_order;                  /* rows[] ascends                     */
    uint32_t row_count, count;         /* rows of the table; in the index    */
    uint32_t *rows;                    /* by key 0, then by row              */
    int64_t *keys;                     /* key 0 of rows[i]                   */
    uint32_t level_count;              /* 0: no key 1                        */
    int64_t *levels[RANGE_LEVELS_MAX]; /* key 1, complemented where the bound is an upper one, and
                                          the maxima of so many of the level below */
    void *memory;
    size_t memory_bytes;
} JoinRange;

/* What of the condition helps. */
void join_range_choose(JoinRange *range, Arena *arena, const Expr *condition, const Plan *left,
                       const Plan *right);

/* The batch's selected rows of a key column as bigints in the same order; values and validity have
 * room for a batch. */
Column join_range_key(const Column *key, const Batch *batch, int64_t *values, uint64_t *validity);

/* keys[i]: where key i, made by join_range_key, stands in the table's rows. */
MUST_CHECK Status join_range_build(JoinRange *range, const JoinTable *table, const JoinField *keys,
                                   Error *err);
void join_range_close(JoinRange *range, MemPool *pool); /* accepts a zeroed one */

/* A left row's candidates. */
typedef struct JoinRangeCursor {
    const JoinRange *range;
    bool any_order; /* they need not come in build order */
    uint32_t place, end;
    int64_t least; /* of level 0 */
    bool is_few;   /* they stand in few[], ... */
    uint32_t few_count, few_next;
    uint32_t few[RANGE_FEW_MAX];
    uint64_t *bits; /* ... or, a bit a row, in words word to last */
    uint32_t word, last_word;
} JoinRangeCursor;

MUST_CHECK Status join_range_cursor_init(JoinRangeCursor *cursor, const JoinRange *range,
                                         bool any_order, MemPool *pool, Error *err);
void join_range_cursor_fini(JoinRangeCursor *cursor, MemPool *pool); /* accepts a zeroed one */

/* left: values of the bounds. */
void join_range_start(JoinRangeCursor *cursor, const Column *left, uint32_t row);
/* Writes up to `most` more candidates; fewer: that was all. */
uint32_t join_range_next(JoinRangeCursor *cursor, uint32_t most, uint32_t *matches_out);

#endif
