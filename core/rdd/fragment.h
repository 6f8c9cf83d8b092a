/*
 * fragment.h -- a distributed plan, cut at its exchanges: what the stages of a job run
 *
 *     Combine add by key            fragment 1: Combine over what fragment 0 made      (the result)
 *       Exchange hash (word)   =>
 *         Combine partially         fragment 0: Combine partially over lines, into n partitions
 *           Scan lines
 *
 * A fragment runs once a partition: in its plan each source is replaced by the partition's share
 * (fragment_restrict). An exchange that several places read is made once. A range exchange becomes
 * two fragments: the first one samples the rows, of which the second learns where ranges begin. It
 * is a stage of its own that looks at some of them (sample_stage.h); where that cannot be done, it
 * makes all of them and keeps them, and the second just moves them.
 */
#ifndef VONK_CORE_RDD_FRAGMENT_H
#define VONK_CORE_RDD_FRAGMENT_H

#include "core/base/pointer_map.h"
#include "core/plan/plan.h"
#include "core/scheduler/scheduler.h"

/* A leaf of a fragment's plan. */
typedef struct FragmentSource {
    const Plan *leaf; /* a SCAN, or an EXCHANGE */
    uint32_t partition_count;
    uint32_t producer; /* EXCHANGE: the fragment that fills it */
    uint32_t split_count;
    const Split *splits; /* SCAN */
} FragmentSource;

/* What one task reads. */
typedef struct TaskShare {
    uint32_t first, count; /* partitions of the fragment's plan; in a table: of its source */
    uint32_t source;       /* of which it reads just a part; NO_SOURCE: none               */
    PartitionRange maps;   /* that part: what these tasks of its producer made             */
} TaskShare;

enum { NO_SOURCE = UINT32_MAX, NO_FRAGMENT = UINT32_MAX };

typedef struct Fragment {
    uint32_t id;
    const Plan *plan;
    const PlanExchange *exchange; /* what the rows go through; NULL: they are the result */
    uint32_t partition_count;     /* of tasks                                            */
    uint32_t reduce_count;        /* partitions that each task makes rows for            */
    uint32_t source_count, source_capacity;
    FragmentSource *sources;
    PointerMap numbers;    /* of sources, by leaf: one more, as a pointer */
    uint32_t reader_count; /* fragments that read it */
    uint32_t sampler; /* the fragment that finds its ranges; NO_FRAGMENT: they are not asked for */
    /* By task, in the order of partitions (adaptive.h). NULL: each reads the one of its number. */
    const TaskShare *shares;
} Fragment;

typedef struct FragmentSet {
    uint32_t count;
    Fragment *items; /* each reads earlier ones only; the last is the result */
} FragmentSet;

/* distributed: see distribute.h. Lives in the arena. */
MUST_CHECK Status fragments_cut(Arena *arena, const Plan *distributed, Error *err,
                                FragmentSet *set_out);

/* Its source with that leaf, or NULL. */
FragmentSource *fragment_source(const Fragment *fragment, const Plan *leaf);
/* Unless it has one with that leaf. */
void fragment_add_source(Fragment *fragment, Arena *arena, FragmentSource source);

/* Another plan, whose leaves are among those sources; finds them in the order of its walk. */
void fragment_set_plan(Fragment *fragment, Arena *arena, const Plan *plan, uint32_t known_count,
                       const FragmentSource *known);

/* Takes over how many tasks its producers have by now; counts its own. */
void fragment_count_tasks(const FragmentSet *set, Fragment *fragment);

/* Whether its tasks say how many bytes they make for each partition. */
bool fragment_is_measured(const Fragment *fragment);

/* Whether its tasks sample what they make, for the ranges of who moves it. */
bool fragment_is_sampled(const Fragment *fragment);

/* The partitions that the fragment's plan has, over its sources' partitions; or a part of it. */
uint32_t fragment_partitions(const Fragment *fragment);
uint32_t fragment_plan_partitions(const Fragment *fragment, const Plan *plan);

/* Its rows are dealt out to as many partitions as it says. */
bool exchange_spreads(const PlanExchange *exchange);

/* An exchange that all tasks read all of. */
bool fragment_is_broadcast(const Plan *plan);

static inline TaskShare fragment_share(const Fragment *fragment, uint32_t task)
{
    return fragment->shares != NULL ? fragment->shares[task] : (TaskShare){task, 1, NO_SOURCE, {0}};
}

/* The producer's tasks whose blocks partition `partition` of the exchange has. */
PartitionRange exchange_maps(const PlanExchange *exchange, uint32_t map_count,
                             uint32_t reduce_count, uint32_t partition);

/* By task of the fragment: which tasks of the source's producer made its rows; lives in the arena.
 * NULL: all. */
const PartitionRange *fragment_takes(const FragmentSet *set, const Fragment *fragment,
                                     uint32_t source, Arena *arena);

/* The same of what must be there before it begins. */
const PartitionRange *fragment_reads(const FragmentSet *set, const Fragment *fragment,
                                     uint32_t source, Arena *arena);

/* "map split, combine add": the user's functions in the fragment, else what its plan is; "sample
 * call parse" where it only looks at some rows. */
const char *fragment_label(const Fragment *fragment, Arena *arena);

/* The table that stands for a share of a source; the caller keeps it until the plan is done. */
typedef Table *(*FragmentTableFn)(void *context, const FragmentSource *source,
                                  const TaskShare *share);

/* The fragment's plan for one task. */
const Plan *fragment_restrict(const Fragment *fragment, Arena *arena, uint32_t task,
                              FragmentTableFn table_of, void *context);

#endif
