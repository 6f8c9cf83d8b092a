/*
 * vonk/rdd_sets.h -- several RDDs become one, without a key
 *
 * Cost: said at each call. Order: the first RDD's partitions come before the second's, and keep
 * their order, where nothing is shuffled. Ownership: handles are the session's. Errors: RDDs of two
 * sessions, or of other record types; kept to the action.
 */
#ifndef VONK_RDD_SETS_H
#define VONK_RDD_SETS_H

#include "vonk/rdd_keys.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/*
 * The records of both; duplicates stay.
 * Cost: narrow. Order: a's partitions before b's, each as it was. Ownership: the RDD is the
 * session's. Errors: other records; two sessions.
 *
 *     VonkRdd *all = vonk_rdd_union(a, b);
 *     return vonk_rdd_print_csv(all);
 */
VONK_API VonkRdd *vonk_rdd_union(VonkRdd *a, VonkRdd *b);

/*
 * Each record once, as SQL's DISTINCT.
 * Cost: shuffle of what differs in each partition. Order: none that is promised, but the same each
 * time. Ownership: the RDD is the session's. Errors: the RDD's.
 *
 *     VonkRdd *once = vonk_rdd_distinct(words);
 *     return vonk_rdd_print_csv(once);
 */
VONK_API VonkRdd *vonk_rdd_distinct(VonkRdd *rdd);

/*
 * The records that both have, each once, as SQL's INTERSECT.
 * Cost: shuffle of both, as a join; spills. Order: none that is promised, but the same each time.
 * Ownership: the RDD is the session's. Errors: other records; two sessions.
 *
 *     VonkRdd *both = vonk_rdd_intersection(a, b);
 *     return vonk_rdd_print_csv(both);
 */
VONK_API VonkRdd *vonk_rdd_intersection(VonkRdd *a, VonkRdd *b);

/*
 * The records of a that b does not have, as often as a has them.
 * Cost: shuffle of both, as a join; spills. Order: a's within a partition. Ownership: the RDD is
 * the session's. Errors: other records; two sessions.
 *
 *     VonkRdd *only_a = vonk_rdd_subtract(a, b);
 *     return vonk_rdd_print_csv(only_a);
 */
VONK_API VonkRdd *vonk_rdd_subtract(VonkRdd *a, VonkRdd *b);

/*
 * One record for each pair of a record of a and one of b: void fn(VonkTask *, const A *, const B *,
 * Out *). It has the partitions of the larger one, or of the other one, where that has twice as
 * many or more and is not tiny.
 * Cost: all of one RDD is sent to each partition of the other; a task holds the smaller one's
 * records that it pairs in memory, or reads them piece by piece from the disk. Order: by the rows
 * of the larger side, as the plan knows them, then by the other's; the same each time. Ownership:
 * the closure is copied; the RDD is the session's. Errors: other records; two sessions; vonk_fail.
 *
 *     VonkRdd *pairs = vonk_rdd_cartesian(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(pairs);
 */
#define vonk_rdd_cartesian(a, A, b, B, Out, fn, ...)                                               \
    VONK__JOIN(4, a, A, b, B, Out, fn, ##__VA_ARGS__)

/*
 * The first record of a with the first of b, and so on, partition by partition: void fn(VonkTask *,
 * const A *, const B *, Out *).
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors:
 * other records; two sessions; at the action, other numbers of partitions, or of records within
 * one; vonk_fail.
 *
 *     VonkRdd *pairs = vonk_rdd_zip(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(pairs);
 */
#define vonk_rdd_zip(a, A, b, B, Out, fn, ...)                                                     \
    vonk__rdd_zip(                                                                                 \
        (a), (b), &A##_vonk, &B##_vonk, &Out##_vonk,                                               \
        VONK__CALL(fn, void (*)(VonkTask *, const A *, const B *, Out *), ##__VA_ARGS__))

/*
 * The same partitions of two RDDs side by side: void fn(VonkTask *, VonkIn *a, VonkIn *b, VonkOut
 * *).
 * Cost: narrow; rows flow through. Order: as emitted. Ownership: the closure is copied; the RDD is
 * the session's. Errors: other records; two sessions; at the action, other numbers of partitions;
 * vonk_fail.
 *
 *     VonkRdd *pairs = vonk_rdd_zip_partitions(a, Count, b, Count, Count, add_sides);
 *     return vonk_rdd_print_csv(pairs);
 */
#define vonk_rdd_zip_partitions(a, A, b, B, Out, fn, ...)                                          \
    vonk__rdd_group(                                                                               \
        (VonkRdd *[]){(a), (b)}, 2, false, (const VonkRecordType *[]){&A##_vonk, &B##_vonk},       \
        &Out##_vonk,                                                                               \
        VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/* --- the macros' --- */

VONK_API VonkRdd *vonk__rdd_zip(VonkRdd *a, VonkRdd *b, const VonkRecordType *a_type,
                                const VonkRecordType *b_type, const VonkRecordType *out,
                                VonkCall call);

#endif
#ifdef __cplusplus
}
#endif
#endif
