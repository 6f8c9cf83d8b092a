/*
 * vonk/rdd_records.h -- a function runs for each record, or for each partition
 *
 * Cost: narrow; a partition is made of the same partition of the input, whose rows flow through.
 * Order: partitions and their order are kept unless a call says otherwise. Ownership: handles are
 * the session's; closures are copied. Errors: a function of another type does not compile; an RDD
 * of another record type fails at the action, as does whatever the function reports with vonk_fail.
 */
#ifndef VONK_RDD_RECORDS_H
#define VONK_RDD_RECORDS_H

#include "vonk/rdd_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/* --- a record at a time --- */

/*
 * One record for each: void fn(VonkTask *, const In *, Out *); *out is zeroed before.
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an
 * RDD of other records; vonk_fail.
 *
 *     VonkRdd *lengths = vonk_rdd_map(lines, VonkLine, VonkNumber, measure);
 *     return vonk_rdd_print_csv(lengths);
 */
#define vonk_rdd_map(rdd, In, Out, fn, ...)                                                        \
    vonk__rdd_step((rdd), 0, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, Out *), ##__VA_ARGS__))

/*
 * Any number of records for each: void fn(VonkTask *, const In *, VonkOut *).
 * Cost: narrow. Order: kept; a record's are as emitted. Ownership: the closure is copied; the RDD
 * is the session's. Errors: an RDD of other records; emitting another type than Out; vonk_fail.
 *
 *     VonkRdd *words = vonk_rdd_flat_map(lines, VonkLine, Count, split);
 *     return vonk_rdd_print_csv(words);
 */
#define vonk_rdd_flat_map(rdd, In, Out, fn, ...)                                                   \
    vonk__rdd_step((rdd), 1, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, VonkOut *), ##__VA_ARGS__))

/*
 * The records for which fn says true: bool fn(VonkTask *, const In *).
 * Cost: narrow; a pure fn may run below joins and exchanges. Order: kept. Ownership: the closure is
 * copied; the RDD is the session's. Errors: an RDD of other records; vonk_fail.
 *
 *     VonkRdd *errors = vonk_rdd_filter(lines, VonkLine, is_error);
 *     return vonk_rdd_print_csv(errors);
 */
#define vonk_rdd_filter(rdd, In, fn, ...)                                                          \
    vonk__rdd_step((rdd), 2, &In##_vonk, &In##_vonk,                                               \
                   VONK__CALL(fn, bool (*)(VonkTask *, const In *), ##__VA_ARGS__))

/*
 * As map, but the key stays: whatever fn does, the key fields of In are copied to those of Out. So
 * records stay where a shuffle by key has put them, and the next ..._by_key needs none.
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an
 * RDD of other records; no key, or another one in Out; vonk_fail.
 *
 *     VonkRdd *halves = vonk_rdd_map_values(counts, Count, Count, halve);
 *     return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(halves, Count, add));
 */
#define vonk_rdd_map_values(rdd, In, Out, fn, ...)                                                 \
    vonk__rdd_step((rdd), 3, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, Out *), ##__VA_ARGS__))

/*
 * As flat_map, but all that fn emits for a record gets that record's key.
 * Cost: narrow. Order: kept; a record's are as emitted. Ownership: the closure is copied; the RDD
 * is the session's. Errors: an RDD of other records; no key, or another one in Out; vonk_fail.
 *
 *     VonkRdd *units = vonk_rdd_flat_map_values(counts, Count, Count, one_by_one);
 *     return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(units, Count, add));
 */
#define vonk_rdd_flat_map_values(rdd, In, Out, fn, ...)                                            \
    vonk__rdd_step((rdd), 4, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, VonkOut *), ##__VA_ARGS__))

/*
 * Each record with a key in front. Out has the key's fields and, in order, the fields of In (or one
 * VONK_NESTED(In, ...)), which are copied; fn fills in the key: void fn(VonkTask *, const In *, Out
 * *).
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an
 * RDD of other records; an Out without key, or without place for In; vonk_fail.
 *
 *     VonkRdd *keyed = vonk_rdd_key_by(lines, VonkLine, LineOfDay, find_day);
 *     return vonk_rdd_print_csv(vonk_rdd_count_by_key(keyed, DayCount));
 */
#define vonk_rdd_key_by(rdd, In, Out, fn, ...)                                                     \
    vonk__rdd_key_by((rdd), &In##_vonk, &Out##_vonk,                                               \
                     VONK__CALL(fn, void (*)(VonkTask *, const In *, Out *), ##__VA_ARGS__))

/*
 * The keys alone, one a record (not distinct): Key's fields are the RDD's key fields. No function
 * runs; what is not asked for is not read.
 * Cost: narrow. Order: kept. Ownership: the RDD is the session's. Errors: other fields than the
 * key's.
 *
 *     VonkRdd *words = vonk_rdd_keys(counts, Word);
 *     return vonk_rdd_print_csv(vonk_rdd_distinct(words));
 */
#define vonk_rdd_keys(rdd, Key) vonk__rdd_keys((rdd), &Key##_vonk)

/*
 * The records without their keys: Value's fields are the RDD's other fields.
 * Cost: narrow. Order: kept. Ownership: the RDD is the session's. Errors: other fields than those
 * behind the key.
 *
 *     VonkRdd *numbers = vonk_rdd_values(counts, VonkNumber);
 *     return vonk_rdd_print_csv(numbers);
 */
#define vonk_rdd_values(rdd, Value) vonk__rdd_values((rdd), &Value##_vonk)

/*
 * fn also gets the record's number, counting from 0 through all partitions: void fn(VonkTask *,
 * const In *, int64_t index, Out *).
 * Cost: narrow, after partitions are counted: records that are more than read are made once, and
 * wait in blocks. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors:
 * an RDD of other records; vonk_fail.
 *
 *     VonkRdd *numbered = vonk_rdd_zip_with_index(lines, VonkLine, NumberedLine, number);
 *     return vonk_rdd_print_csv(numbered);
 */
#define vonk_rdd_zip_with_index(rdd, In, Out, fn, ...)                                             \
    vonk__rdd_index(                                                                               \
        (rdd), true, &In##_vonk, &Out##_vonk,                                                      \
        VONK__CALL(fn, void (*)(VonkTask *, const In *, int64_t, Out *), ##__VA_ARGS__))

/*
 * As zip_with_index, with numbers that differ but leave gaps, and nothing is counted before: of n
 * partitions, partition p has p, p + n, p + 2n, ...
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an
 * RDD of other records; vonk_fail.
 *
 *     VonkRdd *named = vonk_rdd_zip_with_unique_id(lines, VonkLine, NumberedLine, number);
 *     return vonk_rdd_print_csv(named);
 */
#define vonk_rdd_zip_with_unique_id(rdd, In, Out, fn, ...)                                         \
    vonk__rdd_index(                                                                               \
        (rdd), false, &In##_vonk, &Out##_vonk,                                                     \
        VONK__CALL(fn, void (*)(VonkTask *, const In *, int64_t, Out *), ##__VA_ARGS__))

/* --- samples --- */

/*
 * A part of the records, each kept with probability `fraction` (0 to 1), decided by seed, partition
 * and number: the same ones each time.
 * Cost: narrow. Order: kept. Ownership: the RDD is the session's. Errors: a fraction that is not
 * from 0 to 1.
 *
 *     VonkRdd *some = vonk_rdd_sample(words, 0.01, 42);
 *     return vonk_rdd_print_csv(some);
 */
VONK_API VonkRdd *vonk_rdd_sample(VonkRdd *rdd, double fraction, uint64_t seed);

/*
 * Each record 0, 1, 2, ... times, `fraction` on average (a Poisson distribution); the same each
 * time.
 * Cost: narrow. Order: kept; copies stand together. Ownership: the RDD is the session's. Errors: a
 * fraction that is not from 0 to 1,000,000.
 *
 *     VonkRdd *bootstrap = vonk_rdd_sample_with_replacement(words, 1.0, 42);
 *     return vonk_rdd_print_csv(bootstrap);
 */
VONK_API VonkRdd *vonk_rdd_sample_with_replacement(VonkRdd *rdd, double fraction, uint64_t seed);

/*
 * As sample, with a fraction that fn gives for the record's key: double fn(VonkTask *, const In *).
 * Cost: narrow. Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an
 * RDD of other records, or without key; at the action, a fraction that is not from 0 to 1;
 * vonk_fail.
 *
 *     VonkRdd *some = vonk_rdd_sample_by_key(counts, Count, 42, fraction_of);
 *     return vonk_rdd_print_csv(some);
 */
#define vonk_rdd_sample_by_key(rdd, In, seed, fn, ...)                                             \
    vonk__rdd_sample_by_key((rdd), &In##_vonk, (seed),                                             \
                            VONK__CALL(fn, double (*)(VonkTask *, const In *), ##__VA_ARGS__))

/*
 * n of the records (all, when there are fewer), each set of n as likely as another; the same ones
 * each time, in one partition.
 * Cost: each partition keeps n, which are gathered. Order: by chance. Ownership: the RDD is the
 * session's. Errors: n below 0.
 *
 *     VonkRdd *some = vonk_rdd_take_sample(words, 100, 42);
 *     return vonk_rdd_print_csv(some);
 */
VONK_API VonkRdd *vonk_rdd_take_sample(VonkRdd *rdd, int64_t n, uint64_t seed);

/*
 * Each record in one of count RDDs, by chance in proportion to the weights; together they have all
 * of them.
 * Cost: narrow; each of the RDDs reads all records, so persist what is split. Order: kept.
 * Ownership: weights are copied; the RDDs are the session's. Errors: kept in each of splits_out: a
 * weight below 0, or NaN; all are 0.
 *
 *     VonkRdd *parts[2];
 *     vonk_rdd_random_split(words, (double[]){0.8, 0.2}, 2, 42, parts);
 */
VONK_API void vonk_rdd_random_split(VonkRdd *rdd, const double *weights, size_t count,
                                    uint64_t seed, VonkRdd **splits_out);

/* --- a partition at a time --- */

/*
 * fn reads a whole partition, also an empty one, and emits what it likes: void fn(VonkTask *,
 * VonkIn *, VonkOut *). A record is there until the next one is read.
 * Cost: narrow; rows flow through. Order: as emitted. Ownership: the closure is copied; the RDD is
 * the session's. Errors: an RDD of other records; vonk_fail.
 *
 *     VonkRdd *sums = vonk_rdd_map_partitions(numbers, VonkNumber, VonkNumber, sum_all);
 *     return vonk_rdd_print_csv(sums);
 */
#define vonk_rdd_map_partitions(rdd, In, Out, fn, ...)                                             \
    vonk__rdd_group((VonkRdd *[]){(rdd)}, 1, false, (const VonkRecordType *[]){&In##_vonk},        \
                    &Out##_vonk,                                                                   \
                    VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * As map_partitions, with the partition's number: void fn(VonkTask *, uint32_t partition, VonkIn *,
 * VonkOut *).
 * Cost: narrow; rows flow through. Order: as emitted. Ownership: the closure is copied; the RDD is
 * the session's. Errors: an RDD of other records; vonk_fail.
 *
 *     VonkRdd *rest = vonk_rdd_map_partitions_with_index(lines, VonkLine, VonkLine, skip_header);
 *     return vonk_rdd_print_csv(rest);
 */
#define vonk_rdd_map_partitions_with_index(rdd, In, Out, fn, ...)                                  \
    vonk__rdd_partitions(                                                                          \
        (rdd), VONK__WITH_INDEX, &In##_vonk, &Out##_vonk,                                          \
        VONK__CALL(fn, void (*)(VonkTask *, uint32_t, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * As map_partitions, with the partition as an array: void fn(VonkTask *, const In *records, size_t
 * count, VonkOut *).
 * Cost: narrow; the partition is held in memory. Order: the array has the partition's; then as
 * emitted. Ownership: the array is the task's; the closure is copied; the RDD is the session's.
 * Errors: an RDD of other records; a partition that does not fit into memory; vonk_fail.
 *
 *     VonkRdd *medians = vonk_rdd_glom(numbers, VonkNumber, VonkNumber, median);
 *     return vonk_rdd_print_csv(medians);
 */
#define vonk_rdd_glom(rdd, In, Out, fn, ...)                                                       \
    vonk__rdd_partitions(                                                                          \
        (rdd), VONK__GLOM, &In##_vonk, &Out##_vonk,                                                \
        VONK__CALL(fn, void (*)(VonkTask *, const In *, size_t, VonkOut *), ##__VA_ARGS__))

/*
 * Each partition goes through a program: the records (of one text) are the lines of its standard
 * input, the lines of its standard output are the records: VonkLine. arguments: the program (found
 * by PATH; no shell) and its arguments, NULL at the end. One process a partition, also for empty
 * ones.
 * Cost: narrow; lines flow through. Order: as printed. Ownership: arguments are copied; the RDD is
 * the session's. Errors: records of other fields; at the action, it cannot start, or ends with
 * another exit code than 0.
 *
 *     VonkRdd *upper = vonk_rdd_pipe(lines, (const char *const[]){"tr", "a-z", "A-Z", NULL});
 *     return vonk_rdd_print_csv(upper);
 */
VONK_API VonkRdd *vonk_rdd_pipe(VonkRdd *rdd, const char *const *arguments);

/* --- a record and its neighbours --- */

/*
 * Each record becomes the sum of all up to and including it, in the order of the rows, through all
 * partitions: void fn(VonkTask *, Type *sum, const Type *more), which must be associative.
 * Cost: narrow, after each partition is added up: the records, made once, wait in blocks. Order:
 * kept. Ownership: the closure is copied; the RDD is the session's. Errors: an RDD of other
 * records; vonk_fail.
 *
 *     VonkRdd *balances = vonk_rdd_prefix_sum(payments, Payment, add_payment);
 *     return vonk_rdd_print_csv(balances);
 */
#define vonk_rdd_prefix_sum(rdd, Type, fn, ...)                                                    \
    vonk__rdd_prefix_sum(                                                                          \
        (rdd), &Type##_vonk,                                                                       \
        VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__))

/*
 * For each record, fn sees up to `before` records before it and `after` behind it, also those of
 * other partitions; at the ends of the RDD there are fewer. They are at[-before] to at[after]: void
 * fn(VonkTask *, const In *at, uint32_t before, uint32_t after, Out *).
 * Cost: narrow, after the records at partitions' ends are found: all, made once, wait in blocks.
 * Order: kept. Ownership: the closure is copied; the RDD is the session's. Errors: an RDD of other
 * records; more than 65,536 on a side; vonk_fail.
 *
 *     VonkRdd *smooth = vonk_rdd_window(numbers, VonkNumber, 3, 3, VonkNumber, average);
 *     return vonk_rdd_print_csv(smooth);
 */
#define vonk_rdd_window(rdd, In, before, after, Out, fn, ...)                                      \
    vonk__rdd_window((rdd), (before), (after), &In##_vonk, &Out##_vonk,                            \
                     VONK__CALL(fn, void (*)(VonkTask *, const In *, uint32_t, uint32_t, Out *),   \
                                ##__VA_ARGS__))

/* --- the macros' --- */

enum { VONK__WITH_INDEX, VONK__GLOM };

VONK_API VonkRdd *vonk__rdd_step(VonkRdd *rdd, int kind, const VonkRecordType *in,
                                 const VonkRecordType *out, VonkCall call);
VONK_API VonkRdd *vonk__rdd_index(VonkRdd *rdd, bool is_consecutive, const VonkRecordType *in,
                                  const VonkRecordType *out, VonkCall call);
VONK_API VonkRdd *vonk__rdd_key_by(VonkRdd *rdd, const VonkRecordType *in,
                                   const VonkRecordType *out, VonkCall call);
VONK_API VonkRdd *vonk__rdd_keys(VonkRdd *rdd, const VonkRecordType *type);
VONK_API VonkRdd *vonk__rdd_values(VonkRdd *rdd, const VonkRecordType *type);
VONK_API VonkRdd *vonk__rdd_sample_by_key(VonkRdd *rdd, const VonkRecordType *in, uint64_t seed,
                                          VonkCall call);
VONK_API VonkRdd *vonk__rdd_group(VonkRdd *const *rdds, uint32_t count, bool has_keys,
                                  const VonkRecordType *const *in, const VonkRecordType *out,
                                  VonkCall call);
VONK_API VonkRdd *vonk__rdd_partitions(VonkRdd *rdd, int kind, const VonkRecordType *in,
                                       const VonkRecordType *out, VonkCall call);
VONK_API VonkRdd *vonk__rdd_prefix_sum(VonkRdd *rdd, const VonkRecordType *type, VonkCall call);
VONK_API VonkRdd *vonk__rdd_window(VonkRdd *rdd, uint32_t before, uint32_t after,
                                   const VonkRecordType *in, const VonkRecordType *out,
                                   VonkCall call);

#endif
#ifdef __cplusplus
}
#endif
#endif
