/*
 * vonk/rdd_actions.h -- actions: they run the job, and wait for it
 *
 * An action plans the whole lineage, runs the stages that are missing, and gives its answer. Two
 * actions on one RDD compute it twice, unless it is persisted. Errors: of the lineage first, then
 * of the job: user functions (with the record's number), files, memory; results are zero or NULL
 * then.
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

/* --- counting --- */

/*
 * How many records. Columns that only the records need are not read.
 *
 *     int64_t count;
 *     status = vonk_rdd_count(words, &count, &error);
 */
VONK_API VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error);

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

/* --- about the RDD --- */

/*
 * How many partitions it has. Files may be looked at; no job runs.
 *
 *     uint32_t partitions;
 *     status = vonk_rdd_partition_count(words, &partitions, &error);
 */
VONK_API VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error);

/*
 * The plan as an action would run it: lineage, stages, exchanges; an error's message when there is
 * one. Lives as long as the session.
 *
 *     const char *plan = vonk_rdd_explain(counts);
 *     return puts(plan) < 0;
 */
VONK_API const char *vonk_rdd_explain(VonkRdd *rdd);

/* --- the macros' --- */

VONK_API const void *vonk__records_data(const VonkRecords *records, const VonkRecordType *type);
VONK_API VonkStatus vonk__rdd_reduce(VonkRdd *rdd, const VonkRecordType *in,
                                     const VonkRecordType *acc, const void *zero, VonkCall add,
                                     VonkCall merge, void *result, bool *found_out,
                                     VonkError *error);
VONK_API VonkStatus vonk__rdd_lookup(VonkRdd *rdd, const VonkRecordType *type, const void *key,
                                     VonkRecords **records_out, VonkError *error);
VONK_API VonkStatus vonk__rdd_foreach(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                                      VonkError *error);

#endif
#ifdef __cplusplus
}
#endif
#endif
