/*
 * distribute.h -- a physical plan becomes one that runs partition by partition
 *
 *     Combine add by key            Combine add by key                  per partition
 *       Call flat map split   =>      Exchange hash (word)              rows of one word meet
 *         Scan lines                    Combine partially add by key    per partition
 *                                         Call flat map split
 *                                           Scan lines                  a split is a partition
 *
 * Before, a node speaks of all rows; after, of those of its partition, and exchanges say which rows
 * meet where. Exchanges that the plan has already stay; none is added where rows meet anyway.
 */
#ifndef VONK_SQL_OPTIMIZER_DISTRIBUTE_H
#define VONK_SQL_OPTIMIZER_DISTRIBUTE_H

#include "core/plan/plan.h"

/* The same wherever and however often a plan is distributed: partitions depend on data and plan. */
#define DISTRIBUTE_SPLIT_BYTES    ((uint64_t)32 << 20)
#define DISTRIBUTE_PARTITIONS_MAX 64

/* The partitions of a table: splits of at most DISTRIBUTE_SPLIT_BYTES; live in the arena. */
MUST_CHECK Status distribute_splits(Table *table, Arena *arena, Error *err, uint32_t *count_out,
                                    const Split **splits_out);

/* plan_out lives in the arena. ST_NOT_SUPPORTED for what cannot run that way. deal: for tests, so
 * that little data has partitions: the rows of a table of one are dealt into so many; 0: not. */
MUST_CHECK Status distribute(Arena *arena, PlanIds *ids, const Plan *physical, uint32_t deal,
                             Error *err, const Plan **plan_out);

/* The plan with the needed columns, without what only others need; it may have others too. Of
 * scans, filters, projections, calls and unions. */
const Plan *distribute_only_columns(Arena *arena, const Plan *plan, ColumnSet needed);

/* --- what a join's sides cost: also asked when their sizes are known (core/rdd/adaptive.h) --- */

/* Every partition of the join's other input may have all of that side: none of its rows comes out
 * because it has no match in some partition. */
bool distribute_may_repeat(JoinKind kind, uint32_t side);

/* By type; a guess for texts. */
double distribute_row_bytes(const Plan *plan);

/* Whether a side of so many rows and bytes had better be sent to all partitions of the other one
 * than so many rows be moved by their keys; -1: nobody knows how many. */
bool distribute_repeating_pays(double rows, double bytes, uint32_t other_partitions,
                               double moved_rows);

#endif
