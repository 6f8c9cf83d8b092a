/*
 * vonk/rdd_keys.h -- by key: the fields that the record type declares as VONK_KEY
 *
 * Keys are equal as in GROUP BY: NULL equals NULL, NaN equals NaN, -0.0 equals 0.0. Cost: a
 * shuffle, unless records lie by their key already (partition_by, a call by key before, map_values
 * in between). Partitions: as many as the input has, at most 64, or VONK_PARTITIONS(n). Order:
 * within a partition keys come in the order of their first arrival, and a key's records in that of
 * the input's rows; so answers are the same each time. Ownership: handles are the session's;
 * closures and zeros are copied. Errors: a record type without a key; keys of other types; at the
 * action, whatever a function reports with vonk_fail.
 */
#ifndef VONK_RDD_KEYS_H
#define VONK_RDD_KEYS_H

#include "vonk/rdd_records.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/* --- a key's records become one --- */

/*
 * One record a key: fn adds the second to the first, and leaves the key as it is: void fn(VonkTask
 * *, Type *sum, const Type *more). Combined within each partition before the shuffle, so fn must be
 * associative.
 * Cost: shuffle of a record a key and partition; none where they lie by key. Order: keys by first
 * arrival. Ownership: the closure is copied; the RDD is the session's. Errors: other records; no
 * key; vonk_fail.
 *
 *     VonkRdd *counts = vonk_rdd_reduce_by_key(words, Count, add);
 *     return vonk_rdd_print_csv(vonk_rdd_top(counts, 10, "n"));
 */
#define vonk_rdd_reduce_by_key(rdd, Type, fn, ...)                                                 \
    vonk__rdd_combine((rdd), true, &Type##_vonk, &Type##_vonk, NULL, (VonkCall){0},                \
                      VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),   \
                      VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__))

/*
 * As reduce_by_key, but each key's sum starts as *zero (whose key does not matter), which must not
 * change a sum that it is added to.
 * Cost: shuffle of a record a key and partition; none where they lie by key. Order: keys by first
 * arrival. Ownership: *zero, its texts and the closure are copied; the RDD is the session's.
 * Errors: other records; no key; vonk_fail.
 *
 *     VonkRdd *counts = vonk_rdd_fold_by_key(words, Count, &(Count){.n = 0}, add);
 *     return vonk_rdd_print_csv(counts);
 */
#define vonk_rdd_fold_by_key(rdd, Type, zero, fn, ...)                                             \
    vonk_rdd_aggregate_by_key(rdd, Type, Type, zero, fn, fn, ##__VA_ARGS__)

/*
 * Each key's records go into an accumulator that starts as *zero (whose key does not matter): add
 * takes a record in, merge another partition's accumulator. zero must not change a sum that it is
 * merged into. void add(VonkTask *, Acc *, const In *); void merge(VonkTask *, Acc *, const Acc *).
 * Cost: shuffle of an accumulator a key and partition; none where they lie by key. Order: keys by
 * first arrival. Ownership: *zero, its texts and the closure are copied; the RDD is the session's.
 * Errors: other records; no key, or another one in Acc; vonk_fail.
 *
 *     VonkRdd *means = vonk_rdd_aggregate_by_key(sales, Sale, Mean, &(Mean){0}, take_in, unite);
 *     return vonk_rdd_print_csv(means);
 */
#define vonk_rdd_aggregate_by_key(rdd, In, Acc, zero, add, merge, ...)                             \
    vonk__rdd_combine((rdd), true, &In##_vonk, &Acc##_vonk, VONK__IN(zero, Acc), (VonkCall){0},    \
                      VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),     \
                      VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__))

/*
 * As aggregate_by_key, but `create` makes the accumulator of a key's first record: void
 * create(VonkTask *, const In *, Acc *).
 * Cost: shuffle of an accumulator a key and partition; none where they lie by key. Order: keys by
 * first arrival. Ownership: the closure is copied; the RDD is the session's. Errors: other records;
 * no key, or another one in Acc; vonk_fail.
 *
 *     VonkRdd *means = vonk_rdd_combine_by_key(sales, Sale, Mean, first, take_in, unite);
 *     return vonk_rdd_print_csv(means);
 */
#define vonk_rdd_combine_by_key(rdd, In, Acc, create, add, merge, ...)                             \
    vonk__rdd_combine((rdd), true, &In##_vonk, &Acc##_vonk, NULL,                                  \
                      VONK__CALL(create, void (*)(VonkTask *, const In *, Acc *), ##__VA_ARGS__),  \
                      VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),     \
                      VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__))

/*
 * How many records each key has. Out has the key's fields and one VONK_FIELD(int8, ...).
 * Cost: shuffle of a count a key and partition; none where they lie by key. Order: keys by first
 * arrival. Ownership: the RDD is the session's. Errors: no key; an Out of other fields.
 *
 *     VonkRdd *counts = vonk_rdd_count_by_key(sales, ShopCount);
 *     return vonk_rdd_print_csv(counts);
 */
#define vonk_rdd_count_by_key(rdd, Out) vonk__rdd_count_by_key((rdd), &Out##_vonk)

/*
 * How often each record is there: all of its fields are the key. Out declares them as keys, and one
 * VONK_FIELD(int8, ...).
 * Cost: shuffle of a count a value and partition. Order: values by first arrival. Ownership: the
 * RDD is the session's. Errors: an Out of other fields.
 *
 *     VonkRdd *counts = vonk_rdd_count_by_value(lines, LineCount);
 *     return vonk_rdd_print_csv(vonk_rdd_top(counts, 10, "n"));
 */
#define vonk_rdd_count_by_value(rdd, Out) vonk__rdd_count_by_value((rdd), &Out##_vonk)

/* --- a key's records meet in a function --- */

/*
 * fn reads all records of one key: void fn(VonkTask *, VonkIn *, VonkOut *). What was read stays
 * until fn returns. Prefer reduce and aggregate where they do.
 * Cost: shuffle of all records; a task holds its keys' records, spilled by key: those of one key
 * must fit into memory. Order: keys by first arrival, a key's records as the input's. Ownership:
 * the closure is copied; the RDD is the session's. Errors: other records; no key; vonk_fail.
 *
 *     VonkRdd *sessions = vonk_rdd_group_by_key(clicks, Click, Session, cut);
 *     return vonk_rdd_print_csv(sessions);
 */
#define vonk_rdd_group_by_key(rdd, In, Out, fn, ...)                                               \
    vonk__rdd_group((VonkRdd *[]){(rdd)}, 1, true, (const VonkRecordType *[]){&In##_vonk},         \
                    &Out##_vonk,                                                                   \
                    VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * key_by, then group_by_key: key_fn puts a key before each record (Keyed), fn reads those of one
 * key. Options are for both functions.
 * Cost: shuffle of all records, as group_by_key. Order: keys by first arrival, a key's records as
 * the input's. Ownership: closures are copied; the RDD is the session's. Errors: those of key_by
 * and group_by_key.
 *
 *     VonkRdd *days = vonk_rdd_group_by(lines, VonkLine, LineOfDay, find_day, DayCount, count_day);
 *     return vonk_rdd_print_csv(days);
 */
#define vonk_rdd_group_by(rdd, In, Keyed, key_fn, Out, fn, ...)                                    \
    vonk_rdd_group_by_key(vonk_rdd_key_by(rdd, In, Keyed, key_fn, ##__VA_ARGS__), Keyed, Out, fn,  \
                          ##__VA_ARGS__)

/*
 * fn reads the records of one key of two RDDs; one side may have none: void fn(VonkTask *, VonkIn
 * *a, VonkIn *b, VonkOut *). The keys' types must agree.
 * Cost: shuffle of each RDD that does not lie by key, as group_by_key. Order: keys by first
 * arrival; those of a before those only b has. Ownership: the closure is copied; the RDD is the
 * session's. Errors: other records; no key, or other types of keys; two sessions; vonk_fail.
 *
 *     VonkRdd *merged = vonk_rdd_cogroup(clicks, Click, users, User, Profile, merge_profile);
 *     return vonk_rdd_print_csv(merged);
 */
#define vonk_rdd_cogroup(a, A, b, B, Out, fn, ...)                                                 \
    vonk__rdd_group(                                                                               \
        (VonkRdd *[]){(a), (b)}, 2, true, (const VonkRecordType *[]){&A##_vonk, &B##_vonk},        \
        &Out##_vonk,                                                                               \
        VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * As cogroup, of three RDDs: void fn(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkOut *).
 * Cost: shuffle of each RDD that does not lie by key, as group_by_key. Order: keys by first
 * arrival, RDD by RDD. Ownership: the closure is copied; the RDD is the session's. Errors: as
 * cogroup.
 *
 *     VonkRdd *merged = vonk_rdd_cogroup3(a, Count, b, Count, c, Count, Count, add_sides_3);
 *     return vonk_rdd_print_csv(merged);
 */
#define vonk_rdd_cogroup3(a, A, b, B, c, C, Out, fn, ...)                                          \
    vonk__rdd_group((VonkRdd *[]){(a), (b), (c)}, 3, true,                                         \
                    (const VonkRecordType *[]){&A##_vonk, &B##_vonk, &C##_vonk}, &Out##_vonk,      \
                    VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkOut *),  \
                               ##__VA_ARGS__))

/*
 * As cogroup, of four RDDs: void fn(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkIn *, VonkOut *).
 * Cost: shuffle of each RDD that does not lie by key, as group_by_key. Order: keys by first
 * arrival, RDD by RDD. Ownership: the closure is copied; the RDD is the session's. Errors: as
 * cogroup.
 *
 *     VonkRdd *m = vonk_rdd_cogroup4(a, Count, b, Count, c, Count, d, Count, Count, add_sides_4);
 *     return vonk_rdd_print_csv(m);
 */
#define vonk_rdd_cogroup4(a, A, b, B, c, C, d, D, Out, fn, ...)                                    \
    vonk__rdd_group(                                                                               \
        (VonkRdd *[]){(a), (b), (c), (d)}, 4, true,                                                \
        (const VonkRecordType *[]){&A##_vonk, &B##_vonk, &C##_vonk, &D##_vonk}, &Out##_vonk,       \
        VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkIn *, VonkOut *),    \
                   ##__VA_ARGS__))

/* --- records of some keys --- */

/*
 * The records whose key is at least low's and at most high's (records of Type, of which only the
 * key counts; NULL: no bound). Several key fields compare one after the other, as far as needed: a
 * record of which that compares a NULL is in no range.
 * Cost: narrow; a range of a file's sorted column is read without the rest. Order: kept. Ownership:
 * bounds are copied; the RDD is the session's. Errors: other records; no key.
 *
 *     VonkRdd *some = vonk_rdd_filter_by_range(counts, Count, &low, &high);
 *     return vonk_rdd_print_csv(some);
 */
#define vonk_rdd_filter_by_range(rdd, Type, low, high)                                             \
    vonk__rdd_filter_by_range((rdd), &Type##_vonk, VONK__IN(low, Type), VONK__IN(high, Type))

/*
 * The records of a whose key no record of b has; b may be of another type with the same key.
 * Cost: shuffle, as join. Order: a's within a partition. Ownership: the RDD is the session's.
 * Errors: no key, or other types of keys; two sessions.
 *
 *     VonkRdd *fresh = vonk_rdd_subtract_by_key(clicks, users);
 *     return vonk_rdd_print_csv(fresh);
 */
VONK_API VonkRdd *vonk_rdd_subtract_by_key(VonkRdd *a, VonkRdd *b);

/* --- joins --- */

/*
 * One record for each pair of records of equal keys: void fn(VonkTask *, const A *, const B *, Out
 * *). With VONK_PARTITIONS(n) both sides are placed by key in n.
 * Cost: shuffle of both, or the smaller side is sent to every partition; none where both lie by
 * key. A task holds its part of the smaller side, or joins it piece by piece from the disk. Order:
 * by the rows of the larger side, as the plan knows them, then by the other's; the same each time.
 * Ownership: the closure is copied; the RDD is the session's. Errors: other records; no key, or
 * other types of keys; two sessions; vonk_fail.
 *
 *     VonkRdd *named = vonk_rdd_join(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(named);
 */
#define vonk_rdd_join(a, A, b, B, Out, fn, ...) VONK__JOIN(0, a, A, b, B, Out, fn, ##__VA_ARGS__)

/*
 * As join, and each record of a without a match once, with b NULL.
 * Cost: shuffle, as join. Order: as join's. Ownership: the closure is copied; the RDD is the
 * session's. Errors: as join.
 *
 *     VonkRdd *named = vonk_rdd_left_join(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(named);
 */
#define vonk_rdd_left_join(a, A, b, B, Out, fn, ...)                                               \
    VONK__JOIN(1, a, A, b, B, Out, fn, ##__VA_ARGS__)

/*
 * As join, and each record of b without a match once, with a NULL.
 * Cost: shuffle, as join. Order: as join's. Ownership: the closure is copied; the RDD is the
 * session's. Errors: as join.
 *
 *     VonkRdd *named = vonk_rdd_right_join(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(named);
 */
#define vonk_rdd_right_join(a, A, b, B, Out, fn, ...)                                              \
    VONK__JOIN(2, a, A, b, B, Out, fn, ##__VA_ARGS__)

/*
 * As join, and each record of either side without a match once, with the other one NULL.
 * Cost: shuffle, as join. Order: as join's; what the smaller side has without a match comes last.
 * Ownership: the closure is copied; the RDD is the session's. Errors: as join.
 *
 *     VonkRdd *all = vonk_rdd_full_join(clicks, Click, users, User, Profile, put_name);
 *     return vonk_rdd_print_csv(all);
 */
#define vonk_rdd_full_join(a, A, b, B, Out, fn, ...)                                               \
    VONK__JOIN(3, a, A, b, B, Out, fn, ##__VA_ARGS__)

/* --- the macros' --- */

#define VONK__JOIN(kind, a, A, b, B, Out, fn, ...)                                                 \
    vonk__rdd_join(                                                                                \
        (a), (b), kind, &A##_vonk, &B##_vonk, &Out##_vonk,                                         \
        VONK__CALL(fn, void (*)(VonkTask *, const A *, const B *, Out *), ##__VA_ARGS__))

VONK_API VonkRdd *vonk__rdd_combine(VonkRdd *rdd, bool has_keys, const VonkRecordType *in,
                                    const VonkRecordType *acc, const void *zero, VonkCall create,
                                    VonkCall add, VonkCall merge);
VONK_API VonkRdd *vonk__rdd_count_by_key(VonkRdd *rdd, const VonkRecordType *out);
VONK_API VonkRdd *vonk__rdd_count_by_value(VonkRdd *rdd, const VonkRecordType *out);
VONK_API VonkRdd *vonk__rdd_filter_by_range(VonkRdd *rdd, const VonkRecordType *type,
                                            const void *low, const void *high);
VONK_API VonkRdd *vonk__rdd_join(VonkRdd *a, VonkRdd *b, int kind, const VonkRecordType *a_type,
                                 const VonkRecordType *b_type, const VonkRecordType *out,
                                 VonkCall call);

#endif
#ifdef __cplusplus
}
#endif
#endif
