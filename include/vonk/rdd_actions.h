/*
 * vonk/rdd_actions.h -- actions: they run the job, and wait for it
 *
 * Cost: a job; an action plans the whole lineage, runs the stages that are missing, and gives its
 * answer. Two actions on one RDD compute it twice, unless it is persisted. Order: by partition,
 * then within it: answers are the same each time. Ownership: records and iterators are the
 * caller's, who frees them. Errors: of the lineage first, then of the job: user functions
 * (with the record's number), files, memory; results are zero or NULL then.
 */
#ifndef VONK_RDD_ACTIONS_H
#define VONK_RDD_ACTIONS_H

#include "vonk/rdd_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/* --- the records themselves --- */

/* All records of an RDD in one array, with their texts. */
typedef struct VonkRecords VonkRecords;

/*
 * All records, in their order, in memory of the session's budget. Free with vonk_records_free.
 *
 *     VonkStatus status = vonk_rdd_collect(counts, &records, &error);
 *     const Count *all = VONK_RECORDS(records, Count);
 */
VONK_API VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error);

/*
 * How many there are.
 *
 *     for (size_t i = 0; i < vonk_records_count(records); i++)
 *         total += VONK_RECORDS(records, Count)[i].n;
 */
VONK_API size_t vonk_records_count(const VonkRecords *records);

/*
 * The array; NULL when the records are of another type. Valid until vonk_records_free.
 *
 *     const Count *all = VONK_RECORDS(records, Count);
 *     total = vonk_records_count(records) > 0 ? all[0].n : 0;
 */
#define VONK_RECORDS(records, Type) ((const Type *)vonk__records_data((records), &Type##_vonk))

/*
 * Accepts NULL.
 *
 *     status = vonk_rdd_collect(counts, &records, &error);
 *     vonk_records_free(records);
 */
VONK_API void vonk_records_free(VonkRecords *records);

/* --- record by record --- */

typedef struct VonkIterator VonkIterator;

/*
 * The records are read one by one, in order, in bounded memory. Partitions of the last stage are
 * made as they are read, one a thread at a time, and let go then; what is before a shuffle is made
 * first. So an error may come late. Free with vonk_iterator_free.
 *
 *     status = vonk_rdd_iterate(counts, &iterator, &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_iterate(VonkRdd *rdd, VonkIterator **iterator_out, VonkError *error);

/*
 * The next record, with its texts, valid until the next one is asked for; NULL at the end, &
 * after an error, which vonk_iterator_free tells.
 *
 *     for (const Count *count; (count = VONK_ITERATE(iterator, Count)) != NULL;)
 *         total += count->n;
 */
#define VONK_ITERATE(iterator, Type) ((const Type *)vonk__iterator_next((iterator), &Type##_vonk))

/*
 * Ends it, also before the end. What went wrong on the way. Accepts NULL.
 *
 *     status = vonk_iterator_free(iterator, &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_iterator_free(VonkIterator *iterator, VonkError *error);

/* --- counting --- */

/*
 * How many records. Columns that only the records need are not read.
 *
 *     int64_t count;
 *     status = vonk_rdd_count(words, &count, &error);
 */
VONK_API VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error);

/*
 * Whether there is no record at all. Only the first one is made.
 *
 *     bool is_empty;
 *     status = vonk_rdd_is_empty(words, &is_empty, &error);
 */
VONK_API VonkStatus vonk_rdd_is_empty(VonkRdd *rdd, bool *is_empty_out, VonkError *error);

/*
 * About how many records differ, by HyperLogLog: wrong by relative_sd (0.0021 to 0.26) on average.
 * No shuffle: each partition makes a sketch of (1.05 / relative_sd)^2 bytes. The same each time.
 *
 *     int64_t about;
 *     status = vonk_rdd_count_approx_distinct(words, 0.01, &about, &error);
 */
VONK_API VonkStatus vonk_rdd_count_approx_distinct(VonkRdd *rdd, double relative_sd,
                                                   int64_t *count_out, VonkError *error);

/* --- all records in one --- */

/*
 * fn adds the second record to the first, in the order of the rows, partition by partition; it must
 * be associative: void fn(VonkTask *, Type *, const Type *). *found is false when there is no
 * record. Texts of the result live as long as the session.
 *
 *     status = vonk_rdd_reduce(numbers, VonkNumber, add_number, &sum, &found, &error);
 *     total = found ? sum.value : 0;
 */
#define vonk_rdd_reduce(rdd, Type, fn, result, found, error, ...)                                  \
    vonk__rdd_reduce((rdd), &Type##_vonk, &Type##_vonk, NULL,                                      \
                     VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),    \
                     VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),    \
                     VONK__OUT(result, Type), (found), (error))

/*
 * As aggregate_by_key, of all records; no record at all gives *zero.
 *
 *     Mean mean;
 *     status = vonk_rdd_aggregate(sales, Sale, Mean, &(Mean){0}, take_in, unite, &mean, &error);
 */
#define vonk_rdd_aggregate(rdd, In, Acc, zero, add, merge, result, error, ...)                     \
    vonk__rdd_reduce((rdd), &In##_vonk, &Acc##_vonk, VONK__IN(zero, Acc),                          \
                     VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),      \
                     VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__),   \
                     VONK__OUT(result, Acc), NULL, (error))

/*
 * As reduce, from *zero on, which must not change what it is added to; no record gives *zero.
 *
 *     VonkNumber zero = {0};
 *     status = vonk_rdd_fold(numbers, VonkNumber, &zero, add_number, &sum, &error);
 */
#define vonk_rdd_fold(rdd, Type, zero, fn, result, error, ...)                                     \
    vonk_rdd_aggregate(rdd, Type, Type, zero, fn, fn, result, error, ##__VA_ARGS__)

/*
 * As reduce, for many partitions or large sums: partitions' sums are added up in `depth` levels of
 * tasks, not in one.
 *
 *     status = vonk_rdd_tree_reduce(numbers, VonkNumber, 2, add_number, &sum, &found, &error);
 *     total = found ? sum.value : 0;
 */
#define vonk_rdd_tree_reduce(rdd, Type, depth, fn, result, found, error, ...)                      \
    vonk__rdd_tree((rdd), (depth), &Type##_vonk, &Type##_vonk, NULL,                               \
                   VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),      \
                   VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),      \
                   VONK__OUT(result, Type), (found), (error))

/*
 * As aggregate, in `depth` levels.
 *
 *     Mean mean, zero = {0};
 *     status = vonk_rdd_tree_aggregate(sales, Sale, Mean, 2, &zero, take_in, unite, &mean, &error);
 */
#define vonk_rdd_tree_aggregate(rdd, In, Acc, depth, zero, add, merge, result, error, ...)         \
    vonk__rdd_tree((rdd), (depth), &In##_vonk, &Acc##_vonk, VONK__IN(zero, Acc),                   \
                   VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),        \
                   VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__),     \
                   VONK__OUT(result, Acc), NULL, (error))

/* --- one record --- */

/*
 * The first record; *found is false when there is none. Only that one is made. Texts live as long
 * as the session.
 *
 *     VonkLine line;
 *     status = vonk_rdd_first(lines, VonkLine, &line, &found, &error);
 */
#define vonk_rdd_first(rdd, Type, result, found, error)                                            \
    vonk__rdd_first((rdd), &Type##_vonk, VONK__OUT(result, Type), (found), (error))

/*
 * The record that sort_by would put first, respectively last.
 *
 *     Count most;
 *     status = vonk_rdd_max(counts, Count, "n", &most, &found, &error);
 */
#define vonk_rdd_max(rdd, Type, order, result, found, error)                                       \
    vonk__rdd_extreme((rdd), true, &Type##_vonk, (order), VONK__OUT(result, Type), (found), (error))

/*
 * As max, the record that sort_by would put first.
 *
 *     Count least;
 *     status = vonk_rdd_min(counts, Count, "n", &least, &found, &error);
 */
#define vonk_rdd_min(rdd, Type, order, result, found, error)                                       \
    vonk__rdd_extreme((rdd), false, &Type##_vonk, (order), VONK__OUT(result, Type), (found),       \
                      (error))

/* --- numbers of a field: any of SQL's number types; NULLs do not count --- */

/* All are of doubles; sums are exact before they are rounded, whatever the order. */
typedef struct VonkStats {
    int64_t count; /* that are not NULL; the rest is 0 when there are none */
    double sum, mean, min, max;
    double variance, stdev;               /* of the population */
    double sample_variance, sample_stdev; /* of a sample of it; 0 for a single value */
} VonkStats;

/*
 * All of it in one pass. Errors: a field that is not there, or no number; an overflow.
 *
 *     VonkStats stats;
 *     status = vonk_rdd_stats(sales, "price", &stats, &error);
 */
VONK_API VonkStatus vonk_rdd_stats(VonkRdd *rdd, const char *field, VonkStats *stats_out,
                                   VonkError *error);

/*
 * The sum; 0 of nothing.
 *
 *     double sum_of_prices;
 *     status = vonk_rdd_sum(sales, "price", &sum_of_prices, &error);
 */
VONK_API VonkStatus vonk_rdd_sum(VonkRdd *rdd, const char *field, double *sum_out,
                                 VonkError *error);

/*
 * The mean; NaN of nothing.
 *
 *     double mean_price;
 *     status = vonk_rdd_mean(sales, "price", &mean_price, &error);
 */
VONK_API VonkStatus vonk_rdd_mean(VonkRdd *rdd, const char *field, double *mean_out,
                                  VonkError *error);

/*
 * The population's variance; NaN of nothing.
 *
 *     double variance;
 *     status = vonk_rdd_variance(sales, "price", &variance, &error);
 */
VONK_API VonkStatus vonk_rdd_variance(VonkRdd *rdd, const char *field, double *variance_out,
                                      VonkError *error);

/*
 * How many values lie between the least and the largest, in bucket_count buckets of equal width,
 * whose edges (bucket_count + 1) it finds first. A bucket has its lower end, the last one both.
 * Errors: no values, infinite ones, NaN.
 *
 *     double edges[11]; int64_t in_bucket[10];
 *     status = vonk_rdd_histogram(sales, "price", 10, edges, in_bucket, &error);
 */
VONK_API VonkStatus vonk_rdd_histogram(VonkRdd *rdd, const char *field, size_t bucket_count,
                                       double *edges_out, int64_t *counts_out, VonkError *error);

/*
 * As histogram, with given edges, which ascend; what lies outside is not counted.
 *
 *     int64_t in_bucket[2];
 *     status = vonk_rdd_histogram_of(sales, "price", (double[]){0, 10, 100}, 2, in_bucket, &error);
 */
VONK_API VonkStatus vonk_rdd_histogram_of(VonkRdd *rdd, const char *field, const double *edges,
                                          size_t bucket_count, int64_t *counts_out,
                                          VonkError *error);

/* --- records of one key --- */

/*
 * The records whose key is that of *key (a record of Type, of which only the key counts), as
 * collect gives them. What cannot hold the key is not read.
 *
 *     status = vonk_rdd_lookup(counts, Count, &low, &records, &error);
 *     total = status == VONK_OK ? (int64_t)vonk_records_count(records) : -1;
 */
#define vonk_rdd_lookup(rdd, Type, key, records, error)                                            \
    vonk__rdd_lookup((rdd), &Type##_vonk, VONK__IN(key, Type), (records), (error))

/* --- effects --- */

/*
 * Runs fn on every record, in its partition: void fn(VonkTask *, const In *). What it does to the
 * world it may do more than once: a task that fails is run again.
 *
 *     status = vonk_rdd_foreach(lines, VonkLine, send, &error);
 *     return status != VONK_OK;
 */
#define vonk_rdd_foreach(rdd, In, fn, error, ...)                                                  \
    vonk__rdd_foreach((rdd), &In##_vonk,                                                           \
                      VONK__CALL(fn, void (*)(VonkTask *, const In *), ##__VA_ARGS__), (error))

/*
 * Runs fn once a partition, also for empty ones: void fn(VonkTask *, VonkIn *).
 *
 *     status = vonk_rdd_foreach_partition(lines, VonkLine, send_all, &error);
 *     return status != VONK_OK;
 */
#define vonk_rdd_foreach_partition(rdd, In, fn, error, ...)                                        \
    vonk__rdd_foreach_partition(                                                                   \
        (rdd), &In##_vonk, VONK__CALL(fn, void (*)(VonkTask *, VonkIn *), ##__VA_ARGS__), (error))

/*
 * Prints the records as CSV with a header on standard output. Returns an exit code: 0, or 1 after
 * an error, which it has printed.
 *
 *     VonkRdd *top = vonk_rdd_top(counts, 10, "n");
 *     return vonk_rdd_print_csv(top);
 */
VONK_API int vonk_rdd_print_csv(VonkRdd *rdd);

/*
 * Writes the records, in their order, to one file, which appears whole or not at all; format
 * "parquet" or "csv".
 *
 *     status = vonk_rdd_save(counts, "counts.parquet", "parquet", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save(VonkRdd *rdd, const char *path, const char *format,
                                  VonkError *error);

/*
 * Writes an RDD of one text field as lines: part-00000.txt and so on in a folder, a file a
 * partition. The folder appears when all is on the disk, or not at all. A NULL is an empty line.
 * Errors: the folder is there already; records of other fields.
 *
 *     status = vonk_rdd_save_as_text(lines, "copy", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_text(VonkRdd *rdd, const char *folder, VonkError *error);

/*
 * As save_as_text, each part a CSV file with a header.
 *
 *     status = vonk_rdd_save_as_csv(counts, "counts", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_csv(VonkRdd *rdd, const char *folder, VonkError *error);

/*
 * As save_as_text, each part a Parquet file.
 *
 *     status = vonk_rdd_save_as_parquet(counts, "counts", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_parquet(VonkRdd *rdd, const char *folder, VonkError *error);

/* --- about the RDD --- */

/*
 * How many partitions it has. Files may be looked at; no job runs.
 *
 *     uint32_t partitions;
 *     status = vonk_rdd_partition_count(words, &partitions, &error);
 */
VONK_API VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error);

/*
 * The plan as an action would run it, stage by stage: what each does, how many tasks it has, where
 * its rows go, which stages it reads. An error's message when there is one. Lives as long as the
 * session.
 *
 *     const char *plan = vonk_rdd_explain(counts);
 *     return puts(plan) < 0;
 */
VONK_API const char *vonk_rdd_explain(VonkRdd *rdd);

/*
 * The same in another format: "text", "json" (with the hash, rows and bytes of each partition that
 * is kept) or "dot" (a box a stage). Any other gives NULL.
 *
 *     const char *graph = vonk_rdd_explain_as(counts, "dot");
 *     return puts(graph) < 0;
 */
VONK_API const char *vonk_rdd_explain_as(VonkRdd *rdd, const char *format);

/* --- the macros' --- */

VONK_API const void *vonk__records_data(const VonkRecords *records, const VonkRecordType *type);
VONK_API VonkStatus vonk__rdd_reduce(VonkRdd *rdd, const VonkRecordType *in,
                                     const VonkRecordType *acc, const void *zero, VonkCall add,
                                     VonkCall merge, void *result, bool *found_out,
                                     VonkError *error);
VONK_API VonkStatus vonk__rdd_tree(VonkRdd *rdd, uint32_t depth, const VonkRecordType *in,
                                   const VonkRecordType *acc, const void *zero, VonkCall add,
                                   VonkCall merge, void *result, bool *found_out, VonkError *error);
VONK_API VonkStatus vonk__rdd_first(VonkRdd *rdd, const VonkRecordType *type, void *result,
                                    bool *found_out, VonkError *error);
VONK_API VonkStatus vonk__rdd_extreme(VonkRdd *rdd, bool is_max, const VonkRecordType *type,
                                      const char *order, void *result, bool *found_out,
                                      VonkError *error);
VONK_API const void *vonk__iterator_next(VonkIterator *iterator, const VonkRecordType *type);
VONK_API VonkStatus vonk__rdd_foreach_partition(VonkRdd *rdd, const VonkRecordType *in,
                                                VonkCall call, VonkError *error);
VONK_API VonkStatus vonk__rdd_lookup(VonkRdd *rdd, const VonkRecordType *type, const void *key,
                                     VonkRecords **records_out, VonkError *error);
VONK_API VonkStatus vonk__rdd_foreach(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                                      VonkError *error);

#endif
#ifdef __cplusplus
}
#endif
#endif
