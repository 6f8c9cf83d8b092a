/*
 * distribute_internal.h -- what the files that distribute a plan share
 *
 *     distribute.c             node by node: where rows are becomes where they must be
 *     distribute_aggregate.c   aggregates in two halves
 *     distribute_join.c        which side of a join goes where
 *     distribute_filters.c     a join's runtime filters, through exchanges
 *     distribute_columns.c     exchanges carry what is read above them
 */
#ifndef VONK_SQL_OPTIMIZER_DISTRIBUTE_INTERNAL_H
#define VONK_SQL_OPTIMIZER_DISTRIBUTE_INTERNAL_H

#include "core/plan/plan.h"

typedef enum SpreadKind {
    SPREAD_ANY,   /* nothing is known                       */
    SPREAD_HASH,  /* by the hash of keys                    */
    SPREAD_RANGE, /* by order, and partitions ascend        */
    SPREAD_PLACE  /* by a user's partitioner over keys      */
} SpreadKind;

/* A plan and how its rows lie. */
typedef struct Spread {
    const Plan *plan;
    uint32_t partitions;
    SpreadKind kind;
    ColumnList keys;
    SortKeyList order;
    UserFunction partitioner;
    const RecordLayout *placed; /* of the keys, as the partitioner gets them */
} Spread;

typedef struct Distributor {
    Arena *arena;
    PlanIds *ids;
    uint32_t deal;
    Error *err;
    struct SharedSpread *shared;
} Distributor;

MUST_CHECK Status distribute__visit(Distributor *to, const Plan *plan, Spread *out);

/* Rows alike in keys meet; the same when they do already. */
Spread distribute__hashed(Distributor *to, Spread input, ColumnList keys, uint32_t partitions);
/* Rows go where the partitioner of `like` sends those that are alike in keys: NULL plan: its
 * records cannot hold such keys. */
Spread distribute__placed(Distributor *to, Spread input, ColumnList keys, const Spread *like);
Spread distribute__gathered(Distributor *to, Spread input);
const Plan *distribute__broadcast(Distributor *to, Spread input);
uint32_t distribute__at_most(uint32_t partitions);
bool distribute__has_columns(const Plan *plan, ColumnList list);

/* A hash or a nested join. */
MUST_CHECK Status distribute__join(Distributor *to, const Plan *plan, Spread *out);

/* The most that is sent to every partition, by estimate. */
#define BROADCAST_BYTES_MAX (8.0 * (1 << 20))

/* The join, distributed: both inputs are what its tasks read. What scans in the left one learn from
 * the right one though an exchange stands between is put there. */
MUST_CHECK Status distribute__send_filters(Distributor *to, const PlanHashJoin *join,
                                           const Plan **left, const Plan **right);

/* Whether a scan in the left input is so much larger than the right one that all of its tasks had
 * better know the keys of that. */
MUST_CHECK Status distribute__wants_keys(Distributor *to, const PlanHashJoin *join,
                                         const Plan *left, bool *wants_out);

/* The distributed plan, whose exchanges carry no column that nobody reads. */
const Plan *distribute_drop_columns(Arena *arena, const Plan *plan);

#endif
