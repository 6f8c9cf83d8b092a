/*
 * adaptive.h -- what the tasks of a stage read, decided when it is known how large that is
 *
 *     fragments_cut -> stages run -> adaptive_shape, once what a fragment reads has been made
 *
 *     partitions   0   1   2   3         4   5            task 0 reads 0 to 2    merged
 *     bytes        .   .   -   --------  --  -     =>     tasks 1 to 3 each read what some map
 *                                                         tasks made of 3        split
 *                                                         task 4 reads 4 and 5   merged
 *
 * Pure: plans and sizes in, shares out. No time, no threads, no executors: a stage has the same
 * tasks however often it is asked (docs/adr/0011).
 *
 * Thread: none of it keeps anything.
 */
#ifndef VONK_CORE_RDD_ADAPTIVE_H
#define VONK_CORE_RDD_ADAPTIVE_H

#include "core/rdd/fragment.h"

/* split_bytes: a join's partition that is larger, and larger than others, is split; 0: never. */
typedef struct AdaptiveSettings {
    uint64_t merge_bytes; /* neighbours are read by one task up to so many; 0: never */
    uint64_t split_bytes;
    bool turns_joins;   /* a side that is small is sent to all */
    bool shapes_result; /* nobody counts the partitions of the job's result */
} AdaptiveSettings;

/* Whether the fragment's tasks depend on the sizes of what it reads. */
bool adaptive_waits(const FragmentSet *set, const Fragment *fragment,
                    const AdaptiveSettings *settings);

/* What a source of a fragment has: bytes[map * partition_count + partition], as its tasks said.
 * What an EXCHANGE_KEEP has counts as made by one task. Of scans and broadcasts: nothing. */
typedef struct SourceSizes {
    uint32_t map_count, partition_count;
    const uint64_t *bytes;
} SourceSizes;

/* Gives the fragment its shares; its tasks are counted already. sizes: by source. Lives in
 * the arena. *change_out: what was changed, in words; NULL: nothing. */
void adaptive_shape(Fragment *fragment, const AdaptiveSettings *settings, const SourceSizes *sizes,
                    Arena *arena, const char **change_out);

/* --- joins --- */

/* A join that moves both sides by its keys: its fragment, and those that make them. */
typedef struct JoinTurn {
    uint32_t reader, probe, build;
    const PlanHashJoin *join;
} JoinTurn;

/* Whether the fragment has one whose build side may turn out to be small enough to be sent to all:
 * then the probe side had better wait for it. */
bool adaptive_find_turn(const FragmentSet *set, const Fragment *fragment,
                        const AdaptiveSettings *settings, JoinTurn *turn_out);

/* It was made: is it? */
bool adaptive_turns(const FragmentSet *set, const JoinTurn *turn, uint64_t rows, uint64_t bytes);

/* The join's fragment takes over the plan of the probe side's, which sends the build side to all
 * instead. Neither has begun. */
void adaptive_turn(const FragmentSet *set, const JoinTurn *turn, Arena *arena);

/* --- the decision alone --- */

typedef struct ShapeSource {
    uint32_t number; /* of the fragment's sources */
    SourceSizes sizes;
    bool may_split;
} ShapeSource;

/* Partitions that all sources have alike, [first, first + count) of the fragment's. */
typedef struct ShapeInput {
    uint32_t first, count;
    uint32_t source_count;
    const ShapeSource *sources;
    uint64_t merge_bytes, split_bytes;
} ShapeInput;

typedef struct ShareList {
    Arena *arena;
    uint32_t count, capacity;
    TaskShare *items;
} ShareList;

/* Appends the shares of these partitions: in their order, each row in one share. */
void adaptive_share(ShareList *shares, const ShapeInput *input);

#endif
