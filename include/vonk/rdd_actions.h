/*
 * vonk/rdd_actions.h -- actions: they run the job, and wait for it (or not: vonk_rdd_async)
 *
 * Cost: a job; an action plans the whole lineage, runs the stages that are missing, and gives its
 * answer. Two actions on one RDD compute it twice, unless it is persisted. Order: by partition,
 * then within it: answers are the same each time. Ownership: records and iterators are the
 * caller's, who frees them. Errors: of the lineage first, then of the job: user functions (with the
 * record's number), files, memory; results are zero or NULL then. Of a stage's partitions that
 * fail, the lowest one's error is told, each time; of stages that run side by side, that of the one
 * that has failed first: the others are not waited for.
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
 * All records, in one array.
 * Cost: a job; memory of the session's budget for all records. Order: by partition, then within it.
 * Ownership: the caller frees them with vonk_records_free. Errors: of the lineage, then of the job;
 * more than the budget. *records_out is NULL then.
 *
 *     VonkStatus status = vonk_rdd_collect(counts, &records, &error);
 *     const Count *all = VONK_RECORDS(records, Count);
 */
VONK_API VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error);

/*
 * How many there are; 0 of NULL.
 * Cost: none. Order: does not matter. Ownership: borrows the records. Errors: none.
 *
 *     for (size_t i = 0; i < vonk_records_count(records); i++)
 *         total += VONK_RECORDS(records, Count)[i].n;
 */
VONK_API size_t vonk_records_count(const VonkRecords *records);

/*
 * The array; NULL when the records are of another type, or NULL themselves.
 * Cost: none. Order: that of the RDD's records. Ownership: the records', until vonk_records_free.
 * Errors: none but NULL.
 *
 *     const Count *all = VONK_RECORDS(records, Count);
 *     total = vonk_records_count(records) > 0 ? all[0].n : 0;
 */
#define VONK_RECORDS(records, Type) ((const Type *)vonk__records_data((records), &Type##_vonk))

/*
 * Frees the array and its texts. Accepts NULL.
 * Cost: none. Order: does not matter; the session may be closed already. Ownership: takes the
 * records. Errors: none.
 *
 *     status = vonk_rdd_collect(counts, &records, &error);
 *     vonk_records_free(records);
 */
VONK_API void vonk_records_free(VonkRecords *records);

/* --- record by record --- */

typedef struct VonkIterator VonkIterator;

/*
 * The records are read one by one, in bounded memory. Partitions of the last stage are made as they
 * are read, one a thread at a time, each whole before its first record comes, and let go then.
 * Cost: a job; what is before a shuffle is made first, the rest as it is read. Order: by partition,
 * then within it. Ownership: the caller frees the iterator with vonk_iterator_free. Errors: of the
 * lineage; of the job, which may come late: from vonk_iterator_free.
 *
 *     status = vonk_rdd_iterate(counts, &iterator, &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_iterate(VonkRdd *rdd, VonkIterator **iterator_out, VonkError *error);

/*
 * The next record, with its texts; NULL at the end, and after an error, which vonk_iterator_free
 * tells.
 * Cost: waits for the next partition. Order: by partition, then within it. Ownership: the
 * iterator's, until the next record is asked for. Errors: NULL: of the job; an iterator of other
 * records.
 *
 *     for (const Count *count; (count = VONK_ITERATE(iterator, Count)) != NULL;)
 *         total += count->n;
 */
#define VONK_ITERATE(iterator, Type) ((const Type *)vonk__iterator_next((iterator), &Type##_vonk))

/*
 * Ends it, also before the end. Accepts NULL.
 * Cost: cancels what still runs. Order: does not matter. Ownership: takes the iterator. Errors:
 * what went wrong on the way.
 *
 *     status = vonk_iterator_free(iterator, &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_iterator_free(VonkIterator *iterator, VonkError *error);

/* --- counting --- */

/*
 * How many records. Columns that only the records need are not read.
 * Cost: a job. Order: does not matter. Ownership: nothing is kept. Errors: of the lineage, then of
 * the job; *count_out is 0 then.
 *
 *     int64_t count;
 *     status = vonk_rdd_count(words, &count, &error);
 */
VONK_API VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error);

/*
 * Whether there is no record at all.
 * Cost: a job; each partition stops at its first record. Order: does not matter. Ownership: nothing
 * is kept. Errors: of the lineage, then of the job; *is_empty_out is false then.
 *
 *     bool is_empty;
 *     status = vonk_rdd_is_empty(words, &is_empty, &error);
 */
VONK_API VonkStatus vonk_rdd_is_empty(VonkRdd *rdd, bool *is_empty_out, VonkError *error);

/*
 * About how many records differ, by HyperLogLog: wrong by relative_sd (0.0021 to 0.26) on average.
 * The same each time.
 * Cost: a job, no shuffle: each partition makes a sketch of (1.05 / relative_sd)^2 bytes. Order:
 * does not matter. Ownership: nothing is kept. Errors: of the lineage, then of the job; a
 * relative_sd that cannot be had.
 *
 *     int64_t about;
 *     status = vonk_rdd_count_approx_distinct(words, 0.01, &about, &error);
 */
VONK_API VonkStatus vonk_rdd_count_approx_distinct(VonkRdd *rdd, double relative_sd,
                                                   int64_t *count_out, VonkError *error);

/* --- all records in one --- */

/*
 * fn adds the second record to the first; it must be associative: void fn(VonkTask *, Type *, const
 * Type *). *found is false when there is no record.
 * Cost: a job; a record a partition is gathered. Order: that of the rows, partition by partition.
 * Ownership: texts of the result live as long as the session; the closure is copied. Errors: other
 * records; of the lineage, then of the job; vonk_fail. *result is zeroed then.
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
 * Cost: a job; an accumulator a partition is gathered. Order: that of the rows, partition by
 * partition. Ownership: *zero and the closure are copied; texts of the result live as long as the
 * session. Errors: other records; of the lineage, then of the job; vonk_fail.
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
 * Cost: a job; a record a partition is gathered. Order: that of the rows, partition by partition.
 * Ownership: *zero and the closure are copied; texts of the result live as long as the session.
 * Errors: other records; of the lineage, then of the job; vonk_fail.
 *
 *     VonkNumber zero = {0};
 *     status = vonk_rdd_fold(numbers, VonkNumber, &zero, add_number, &sum, &error);
 */
#define vonk_rdd_fold(rdd, Type, zero, fn, result, error, ...)                                     \
    vonk_rdd_aggregate(rdd, Type, Type, zero, fn, fn, result, error, ##__VA_ARGS__)

/*
 * As reduce, for many partitions or large sums: partitions' sums are added up in `depth` levels of
 * tasks, not in one.
 * Cost: a job of `depth` stages. Order: that of the rows, partition by partition. Ownership: as
 * reduce's. Errors: as reduce's; a depth of 0.
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
 * Cost: a job of `depth` stages. Order: that of the rows, partition by partition. Ownership: as
 * aggregate's. Errors: as aggregate's; a depth of 0.
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
 * The first record; *found is false when there is none.
 * Cost: a job; each partition stops at its first record. Order: the first of the first partition
 * that has one. Ownership: texts live as long as the session. Errors: other records; of the
 * lineage, then of the job. *result is zeroed then.
 *
 *     VonkLine line;
 *     status = vonk_rdd_first(lines, VonkLine, &line, &found, &error);
 */
#define vonk_rdd_first(rdd, Type, result, found, error)                                            \
    vonk__rdd_first((rdd), &Type##_vonk, VONK__OUT(result, Type), (found), (error))

/*
 * The record that sort_by would put last (order NULL: by the key).
 * Cost: a job; each partition keeps one. Order: of equal ones the first. Ownership: texts live as
 * long as the session. Errors: other records; an order as sort_by's; of the lineage, then of the
 * job.
 *
 *     Count most;
 *     status = vonk_rdd_max(counts, Count, "n", &most, &found, &error);
 */
#define vonk_rdd_max(rdd, Type, order, result, found, error)                                       \
    vonk__rdd_extreme((rdd), true, &Type##_vonk, (order), VONK__OUT(result, Type), (found), (error))

/*
 * As max, the record that sort_by would put first.
 * Cost: a job; each partition keeps one. Order: of equal ones the first. Ownership: texts live as
 * long as the session. Errors: other records; an order as sort_by's; of the lineage, then of the
 * job.
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
 * All of it in one pass.
 * Cost: a job; a state a partition is gathered. Order: does not matter: sums are exact. Ownership:
 * nothing is kept. Errors: a field that is not there, or no number; an overflow; of the lineage,
 * then of the job.
 *
 *     VonkStats stats;
 *     status = vonk_rdd_stats(sales, "price", &stats, &error);
 */
VONK_API VonkStatus vonk_rdd_stats(VonkRdd *rdd, const char *field, VonkStats *stats_out,
                                   VonkError *error);

/*
 * The sum; 0 of nothing.
 * Cost: a job, as stats. Order: does not matter: sums are exact. Ownership: nothing is kept.
 * Errors: as stats.
 *
 *     double sum_of_prices;
 *     status = vonk_rdd_sum(sales, "price", &sum_of_prices, &error);
 */
VONK_API VonkStatus vonk_rdd_sum(VonkRdd *rdd, const char *field, double *sum_out,
                                 VonkError *error);

/*
 * The mean; NaN of nothing.
 * Cost: a job, as stats. Order: does not matter: sums are exact. Ownership: nothing is kept.
 * Errors: as stats.
 *
 *     double mean_price;
 *     status = vonk_rdd_mean(sales, "price", &mean_price, &error);
 */
VONK_API VonkStatus vonk_rdd_mean(VonkRdd *rdd, const char *field, double *mean_out,
                                  VonkError *error);

/*
 * The population's variance; NaN of nothing.
 * Cost: a job, as stats. Order: does not matter: sums are exact. Ownership: nothing is kept.
 * Errors: as stats.
 *
 *     double variance;
 *     status = vonk_rdd_variance(sales, "price", &variance, &error);
 */
VONK_API VonkStatus vonk_rdd_variance(VonkRdd *rdd, const char *field, double *variance_out,
                                      VonkError *error);

/*
 * How many values lie between the least and the largest, in bucket_count buckets of equal width,
 * whose edges (bucket_count + 1) it finds first. A bucket has its lower end, the last one both.
 * Cost: a job, which keeps the values until all have been seen. Order: does not matter. Ownership:
 * the arrays are the caller's. Errors: as stats; no values, infinite ones, NaN; no bucket, or more
 * than 1,048,576.
 *
 *     double edges[11]; int64_t in_bucket[10];
 *     status = vonk_rdd_histogram(sales, "price", 10, edges, in_bucket, &error);
 */
VONK_API VonkStatus vonk_rdd_histogram(VonkRdd *rdd, const char *field, size_t bucket_count,
                                       double *edges_out, int64_t *counts_out, VonkError *error);

/*
 * As histogram, with given edges, which ascend; what lies outside is not counted.
 * Cost: a job. Order: does not matter. Ownership: the arrays are the caller's. Errors: as stats;
 * edges that do not ascend; no bucket, or more than 1,048,576.
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
 * Cost: a job; all partitions that may hold the key. Order: by partition, then within it.
 * Ownership: the caller frees them with vonk_records_free; *key is copied. Errors: other records;
 * no key; as collect.
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
 * Cost: a job. Order: within a partition; partitions run side by side. Ownership: the closure is
 * copied. Errors: other records; of the lineage, then of the job; vonk_fail.
 *
 *     status = vonk_rdd_foreach(lines, VonkLine, send, &error);
 *     return status != VONK_OK;
 */
#define vonk_rdd_foreach(rdd, In, fn, error, ...)                                                  \
    vonk__rdd_foreach((rdd), &In##_vonk,                                                           \
                      VONK__CALL(fn, void (*)(VonkTask *, const In *), ##__VA_ARGS__), (error))

/*
 * Runs fn once a partition, also for empty ones: void fn(VonkTask *, VonkIn *).
 * Cost: a job. Order: within a partition; partitions run side by side. Ownership: the closure is
 * copied. Errors: other records; of the lineage, then of the job; vonk_fail.
 *
 *     status = vonk_rdd_foreach_partition(lines, VonkLine, send_all, &error);
 *     return status != VONK_OK;
 */
#define vonk_rdd_foreach_partition(rdd, In, fn, error, ...)                                        \
    vonk__rdd_foreach_partition(                                                                   \
        (rdd), &In##_vonk, VONK__CALL(fn, void (*)(VonkTask *, VonkIn *), ##__VA_ARGS__), (error))

/*
 * Prints the records as CSV with a header on standard output. Returns an exit code: 0, or 1 after
 * an error, which it has printed on standard error.
 * Cost: a job; what it makes waits in blocks. Order: by partition, then within it. Ownership:
 * nothing is kept. Errors: of the lineage, then of the job; an output that cannot be written.
 *
 *     VonkRdd *top = vonk_rdd_top(counts, 10, "n");
 *     return vonk_rdd_print_csv(top);
 */
VONK_API int vonk_rdd_print_csv(VonkRdd *rdd);

/*
 * Writes the records to one file, which appears whole or not at all; format "parquet" or "csv".
 * Cost: a job; one task writes. Order: by partition, then within it. Ownership: the file is the
 * caller's. Errors: of the lineage; another format, a place that cannot be written: said before the
 * job runs; of the job.
 *
 *     status = vonk_rdd_save(counts, "counts.parquet", "parquet", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save(VonkRdd *rdd, const char *path, const char *format,
                                  VonkError *error);

/*
 * Writes an RDD of one text field as lines: part-00000.txt and so on in a folder, a file a
 * partition. The folder appears when all is in it, or not at all. NULL, where the field may be
 * that, is an empty line. The system writes files to the disk by and by, so that a power cut may
 * take what was saved seconds before, as with Spark; after SET sync_saves = on it is on the disk
 * when this returns.
 * Cost: a job; each task writes its part. Order: a file has its partition's. Ownership: the files
 * are the caller's. Errors: the folder is there already; records of other fields; of the lineage,
 * then of the job.
 *
 *     status = vonk_rdd_save_as_text(lines, "copy", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_text(VonkRdd *rdd, const char *folder, VonkError *error);

/*
 * As save_as_text, each part a CSV file with a header. Texts are written as they are; SQL refuses
 * to read those that are no UTF-8.
 * Cost: a job; each task writes its part. Order: a file has its partition's. Ownership: the files
 * are the caller's. Errors: the folder is there already; of the lineage, then of the job.
 *
 *     status = vonk_rdd_save_as_csv(counts, "counts", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_csv(VonkRdd *rdd, const char *folder, VonkError *error);

/*
 * As save_as_text, each part a Parquet file. Texts are written as they are; SQL refuses to read
 * those that are no UTF-8, which a checkpoint may have.
 * Cost: a job; each task writes its part. Order: a file has its partition's. Ownership: the files
 * are the caller's. Errors: the folder is there already; of the lineage, then of the job, an
 * interval that Parquet cannot hold (see vonk_rdd_checkpoint) among them.
 *
 *     status = vonk_rdd_save_as_parquet(counts, "counts", &error);
 *     return status != VONK_OK;
 */
VONK_API VonkStatus vonk_rdd_save_as_parquet(VonkRdd *rdd, const char *folder, VonkError *error);

/* --- about the RDD --- */

/*
 * How many partitions it has.
 * Cost: plans, and may look at files; no job runs. Order: the same each time, as long as files stay
 * the same. Ownership: nothing is kept. Errors: of the lineage; files that cannot be looked at.
 *
 *     uint32_t partitions;
 *     status = vonk_rdd_partition_count(words, &partitions, &error);
 */
VONK_API VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error);

/*
 * The plan as an action would run it, stage by stage: what each does, how many tasks it has, where
 * its rows go, which stages it reads; which fields functions read, whether they are pure, inlined
 * (where the setting jit has their loop compiled) or called by pointer.
 * Cost: plans; no job runs. Order: stages come before those that read them. Ownership: lives as
 * long as the session. Errors: the text is the error's message.
 *
 *     const char *plan = vonk_rdd_explain(counts);
 *     return puts(plan) < 0;
 */
VONK_API const char *vonk_rdd_explain(VonkRdd *rdd);

/*
 * The same in another format: "text", "json" (with the hash, rows and bytes of each partition that
 * is kept) or "dot" (a box a stage).
 * Cost: plans; no job runs. Order: stages come before those that read them. Ownership: lives as
 * long as the session. Errors: the text is the error's message; NULL: another format.
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
