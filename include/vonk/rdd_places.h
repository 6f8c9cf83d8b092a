/*
 * vonk/rdd_places.h -- which partition records are in, in what order, and how long they are kept
 *
 * Cost: a shuffle; take and its likes gather what each partition gives, persist moves nothing.
 * Order: which record goes where depends on the data and the call only. Ownership: handles are the
 * session's; what is kept stays until unpersist, or as long as the session. Errors: no partitions
 * at all; an order that names no field, kept to the action.
 */
#ifndef VONK_RDD_PLACES_H
#define VONK_RDD_PLACES_H

#include "vonk/rdd_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/* --- partitions --- */

/*
 * The same records in n partitions of about equal size: each partition deals its own one by one,
 * its record i (from 0) to partition (p + i) % n, where p is its own number.
 * Cost: shuffle of all records. Order: the input's within a partition. Ownership: the RDD is the
 * session's. Errors: 0 partitions or more than 100,000.
 *
 *     VonkRdd *even = vonk_rdd_repartition(words, 16);
 *     return vonk_rdd_print_csv(even);
 */
VONK_API VonkRdd *vonk_rdd_repartition(VonkRdd *rdd, uint32_t n);

/*
 * At most n partitions: neighbours are put together, partition p of m in p * n / m; more than there
 * are change nothing.
 * Cost: rows move through blocks, but a partition's stay together. Order: kept. Ownership: the RDD
 * is the session's. Errors: 0 partitions.
 *
 *     VonkRdd *one = vonk_rdd_coalesce(words, 1);
 *     return vonk_rdd_print_csv(one);
 */
VONK_API VonkRdd *vonk_rdd_coalesce(VonkRdd *rdd, uint32_t n);

/*
 * Records of equal keys in the same one of n partitions, by hash. Calls by key that follow need no
 * shuffle.
 * Cost: shuffle of all records. Order: the input's within a partition. Ownership: the RDD is the
 * session's. Errors: no key; 0 partitions or more than 100,000.
 *
 *     VonkRdd *placed = vonk_rdd_persist(vonk_rdd_partition_by(counts, 8));
 *     return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(placed, Count, add));
 */
VONK_API VonkRdd *vonk_rdd_partition_by(VonkRdd *rdd, uint32_t n);

/*
 * fn says which of n partitions a record goes to:
 * uint32_t fn(VonkTask *, const Type *, uint32_t n).
 * It sees the record's key, and zeros in other fields; all of a record without a key. Equal keys
 * must go to the same partition. Calls by key that follow need no shuffle, nor do joins of two that
 * the same function with the same closure has placed; a join or cogroup with others places those.
 * Cost: shuffle of all records, unless they lie so. Order: the input's within a partition.
 * Ownership: the closure is copied; the RDD is the session's. Errors: other records; 0 partitions
 * or more than 100,000; at the action, a partition from n on; vonk_fail.
 *
 *     VonkRdd *placed = vonk_rdd_partition_with(counts, Count, 8, by_length);
 *     return vonk_rdd_print_csv(placed);
 */
#define vonk_rdd_partition_with(rdd, Type, n, fn, ...)                                             \
    vonk__rdd_place(                                                                               \
        (rdd), &Type##_vonk, (n),                                                                  \
        VONK__CALL(fn, uint32_t (*)(VonkTask *, const Type *, uint32_t), ##__VA_ARGS__))

/*
 * partition_by, and each partition sorted (NULL: by key): cheaper than a sort of all, where a
 * function then reads whole partitions.
 * Cost: shuffle of all records; a task sorts its partition, spilled when memory is short. Order: as
 * said, within a partition; ties keep theirs. Ownership: order is copied; the RDD is the session's.
 * Errors: no key; 0 partitions or more than 100,000; an order as sort_by's.
 *
 *     VonkRdd *sorted = vonk_rdd_repartition_and_sort_within_partitions(counts, 8, "word, n DESC");
 *     return vonk_rdd_print_csv(sorted);
 */
VONK_API VonkRdd *vonk_rdd_repartition_and_sort_within_partitions(VonkRdd *rdd, uint32_t n,
                                                                  const char *order);

/* --- order --- */

/*
 * Sorted by fields, as SQL's ORDER BY says it: "n DESC NULLS LAST, word"; NULL: by the key.
 * Partitions become ranges that a sample finds; a key that many records have fills several.
 * Cost: shuffle of all records; a task sorts its partition, spilled when memory is short. Order: as
 * said; ties keep theirs, NULLs come last, in a descending order first. Ownership: order is copied;
 * the RDD is the session's. Errors: an order that names no field of the record, or says something
 * else behind it; NULL without a key.
 *
 *     VonkRdd *sorted = vonk_rdd_sort_by(counts, "n DESC, word");
 *     return vonk_rdd_print_csv(sorted);
 */
VONK_API VonkRdd *vonk_rdd_sort_by(VonkRdd *rdd, const char *order);

/*
 * As sort_by, by the key fields, ascending.
 * Cost: shuffle of all records, as sort_by. Order: of the key; ties keep theirs, NULLs come last.
 * Ownership: the RDD is the session's. Errors: no key.
 *
 *     VonkRdd *sorted = vonk_rdd_sort_by_key(counts);
 *     return vonk_rdd_print_csv(sorted);
 */
VONK_API VonkRdd *vonk_rdd_sort_by_key(VonkRdd *rdd);

/*
 * The records of two RDDs in that order (NULL: that of the key): for what came sorted, as two
 * sorted files or a kept sort_by, and right for what did not.
 * Cost: shuffle of both into ranges that a sample finds; a task sorts its partition, spilled when
 * memory is short. Order: as said; of equal ones a's come first. Ownership: order is copied; the
 * RDD is the session's. Errors: other records; two sessions; an order as sort_by's.
 *
 *     VonkRdd *all = vonk_rdd_merge_sorted(sorted_a, sorted_b, "word");
 *     return vonk_rdd_print_csv(all);
 */
VONK_API VonkRdd *vonk_rdd_merge_sorted(VonkRdd *a, VonkRdd *b, const char *order);

/*
 * The first n records, in one partition.
 * Cost: of each partition no more than n are made, which are gathered. Order: kept. Ownership: the
 * RDD is the session's. Errors: n below 0.
 *
 *     VonkRdd *some = vonk_rdd_take(lines, 10);
 *     return vonk_rdd_print_csv(some);
 */
VONK_API VonkRdd *vonk_rdd_take(VonkRdd *rdd, int64_t n);

/*
 * The n records that sort_by would put first, in one partition (order NULL: by the key).
 * Cost: no sort of all: each partition keeps its n first, which are gathered. Order: as said; ties
 * keep theirs. Ownership: order is copied; the RDD is the session's. Errors: n below 0; an order as
 * sort_by's.
 *
 *     VonkRdd *rare = vonk_rdd_take_ordered(counts, 10, "n, word");
 *     return vonk_rdd_print_csv(rare);
 */
VONK_API VonkRdd *vonk_rdd_take_ordered(VonkRdd *rdd, int64_t n, const char *order);

/*
 * The n records that sort_by would put last, the last one first (order NULL: by the key).
 * Cost: no sort of all: each partition keeps its n last, which are gathered. Order: as said,
 * reversed; ties keep theirs. Ownership: order is copied; the RDD is the session's. Errors: n below
 * 0; an order as sort_by's.
 *
 *     VonkRdd *frequent = vonk_rdd_top(counts, 10, "n");
 *     return vonk_rdd_print_csv(frequent);
 */
VONK_API VonkRdd *vonk_rdd_top(VonkRdd *rdd, int64_t n, const char *order);

/* --- keeping --- */

/*
 * The records are kept once an action has made them, for later actions: in memory, spilled when
 * that is short (VONK_MEMORY | VONK_DISK). A partition that is lost is made again.
 * Cost: narrow; memory or disk for the records, until unpersist or the session's end. Order: kept.
 * Ownership: returns the RDD to go on with, which is the session's. Errors: at the action, a disk
 * that is full.
 *
 *     VonkRdd *kept = vonk_rdd_persist(counts);
 *     return vonk_rdd_print_csv(kept);
 */
VONK_API VonkRdd *vonk_rdd_persist(VonkRdd *rdd);

/* Where records are kept, in any sum. */
typedef enum VonkKeep {
    VONK_MEMORY = 1,
    VONK_DISK = 2,
    VONK_COMPRESSED = 4,  /* by LZ4: smaller, unpacked each time they are read            */
    VONK_TWO_REPLICAS = 8 /* at two executors, if there are two; one that is lost is made again */
} VonkKeep;

/*
 * As persist, at a level: a sum of VonkKeep. What is short decides where a partition is; the answer
 * never depends on it.
 *
 *     memory alone       what does not fit while no job reads it is dropped, and the next job makes
 *                        those partitions again (a job that needs them spills, as all do)
 *     memory and disk    what does not fit is written to the disk, and read from there
 *     disk alone         written as soon as it is made: takes no memory between jobs
 *
 * Cost: narrow; memory or disk for the records, until unpersist or the session's end. Order: kept.
 * Ownership: returns the RDD to go on with, which is the session's. Errors: neither memory nor
 * disk; at the action, a disk that is full.
 *
 *     VonkRdd *kept = vonk_rdd_persist_at(counts, VONK_MEMORY | VONK_COMPRESSED);
 *     return vonk_rdd_print_csv(kept);
 */
VONK_API VonkRdd *vonk_rdd_persist_at(VonkRdd *rdd, unsigned keep);

/*
 * Gives back what persist keeps; later actions compute the records again, and keep them again. Jobs
 * that run go on. Of a local checkpoint nothing is left: an action on it is an error. NULL, and an
 * RDD that keeps nothing: no effect.
 * Cost: none; does not wait. Order: does not matter. Ownership: the handle stays the session's.
 * Errors: none.
 *
 *     VonkRdd *kept = vonk_rdd_persist(counts);
 *     vonk_rdd_unpersist(kept);
 */
VONK_API void vonk_rdd_unpersist(VonkRdd *rdd);

/*
 * Writes the records to a new folder (as save_as_parquet) now, and returns an RDD that reads them,
 * with the same partitions: its lineage ends there, and the folder outlives the session. Texts may
 * hold any bytes.
 * Cost: a job now. Order: kept. Ownership: folder is copied; the files are the caller's, who
 * removes them; the RDD is the session's. Errors: of the job; a folder that is there; an interval
 * that Parquet cannot hold (negative, of parts of a millisecond, or of more than 49 days of time);
 * all kept to the action.
 *
 *     VonkRdd *fixed = vonk_rdd_checkpoint(counts, "checkpoints/counts-1");
 *     return vonk_rdd_print_csv(fixed);
 */
VONK_API VonkRdd *vonk_rdd_checkpoint(VonkRdd *rdd, const char *folder);

/*
 * As checkpoint, into memory of this process, spilled when that is short: for the rounds of a long
 * loop, each of which gives back what the round before has made.
 * Cost: a job now; memory or disk for the records. Order: kept. Ownership: the records are there
 * until unpersist, or until the session closes; the RDD is the session's. Errors: of the job, kept
 * to the action.
 *
 *     VonkRdd *fixed = vonk_rdd_local_checkpoint(counts);
 *     return vonk_rdd_print_csv(fixed);
 */
VONK_API VonkRdd *vonk_rdd_local_checkpoint(VonkRdd *rdd);

/* --- the macros' --- */

VONK_API VonkRdd *vonk__rdd_place(VonkRdd *rdd, const VonkRecordType *type, uint32_t n,
                                  VonkCall call);

#endif
#ifdef __cplusplus
}
#endif
#endif
