/*
 * vonk/rdd_sources.h -- where RDDs come from
 *
 * Cost: nothing is read before an action; then each partition is read by the task that needs it.
 * Order: the same records in the same partitions each time. Ownership: handles are the session's;
 * arrays are copied. Errors: what cannot be found or read, and queries that are wrong, are kept to
 * the action; so is a file that was written to since its RDD was made: make a new one of it.
 */
#ifndef VONK_RDD_SOURCES_H
#define VONK_RDD_SOURCES_H

#include "vonk/rdd_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/*
 * The lines of the files that path names (a file, a folder, a glob; .gz and .zst are decompressed),
 * without the newline or carriage return and newline that end them, bytes as they are: VonkLine.
 * Partitions are pieces of about 32 MiB; a compressed file is one.
 * Cost: narrow; each task reads its piece. Order: of paths, then of lines. Ownership: path is
 * copied; the RDD is the session's. Errors: nothing is there; at the action, a file that cannot be
 * read.
 *
 *     VonkRdd *lines = vonk_rdd_text_file(session, "logs/2026-*.log.gz");
 *     return vonk_rdd_print_csv(vonk_rdd_take(lines, 10));
 */
VONK_API VonkRdd *vonk_rdd_text_file(VonkSession *session, const char *path);

/*
 * One VonkFile (path, text) a file, a partition a file: for small files that make sense only whole.
 * Cost: narrow; a task holds its file. Order: of paths. Ownership: path is copied; the RDD is the
 * session's. Errors: as text_file; a file of more than 1 GiB.
 *
 *     VonkRdd *files = vonk_rdd_whole_text_files(session, "pages");
 *     return vonk_rdd_print_csv(files);
 */
VONK_API VonkRdd *vonk_rdd_whole_text_files(VonkSession *session, const char *path);

/*
 * Files of records of record_bytes bytes each, one behind the other: VonkLine, whose text is the
 * record's bytes as they are (they need be no UTF-8: take them apart before SQL sees them).
 * Cost: narrow; partitions as text_file's. Order: of paths, then of records. Ownership: path is
 * copied; the RDD is the session's. Errors: no bytes a record; at the action, a file that ends in
 * the middle of one.
 *
 *     VonkRdd *records = vonk_rdd_binary_records(session, "sort/input", 100);
 *     VonkRdd *parsed = vonk_rdd_map(records, VonkLine, VonkNumber, measure);
 */
VONK_API VonkRdd *vonk_rdd_binary_records(VonkSession *session, const char *path,
                                          uint32_t record_bytes);

/*
 * The count records of the array at records, in `partitions` runs of equal length (some may be
 * empty).
 * Cost: copies the array now; narrow. Order: the array's. Ownership: records and texts are copied;
 * the RDD is the session's. Errors: 0 partitions or more than 100,000; a value that its field's
 * type does not allow; no memory.
 *
 *     Point points[] = {{.x = 1, .y = 2}, {.x = 3, .y = 4}};
 *     VonkRdd *rdd = vonk_rdd_parallelize(session, Point, points, 2, 1);
 */
#define vonk_rdd_parallelize(session, Type, records, count, partitions)                            \
    vonk__rdd_parallelize((session), &Type##_vonk, VONK__IN(records, Type), (count), (partitions))

/*
 * The numbers from `from` up to, not including, `to` by `step`: VonkNumber.
 * Cost: narrow; numbers are made as they are read. Order: ascending through the partitions
 * (descending for a step below 0). Ownership: the RDD is the session's. Errors: a step of 0; 0
 * partitions or more than 100,000.
 *
 *     VonkRdd *numbers = vonk_rdd_range(session, 0, 1000000, 1, 8);
 *     return vonk_rdd_print_csv(vonk_rdd_sample(numbers, 0.001, 42));
 */
VONK_API VonkRdd *vonk_rdd_range(VonkSession *session, int64_t from, int64_t to, int64_t step,
                                 uint32_t partitions);

/*
 * The rows of a query; its columns, in order, are the fields of Type. The query and what is done to
 * its rows are one plan: a filter here may end up in the scan of a file.
 * Cost: as the query's plan: scans are narrow; joins, groups and sorts shuffle. Order: the query's.
 * Ownership: sql is copied; the RDD is the session's. Errors: of the SQL, and columns that do not
 * fit, kept to the action; at the action, of its values, a NULL in a field that has none among
 * them.
 *
 *     VonkRdd *big = vonk_rdd_sql(session, Sale, "SELECT shop, price FROM sales WHERE price > 10");
 *     return vonk_rdd_print_csv(vonk_rdd_take(big, 10));
 */
#define vonk_rdd_sql(session, Type, sql) vonk__rdd_sql((session), &Type##_vonk, (sql))

/*
 * Makes the RDD a table for the session's SQL, with the record's fields as columns: for the queries
 * of vonk_rdd_sql and for vonk_query's statements, COPY and CREATE TABLE ... AS among them. The
 * query and the RDD become one plan, which runs as a job. Replaces an RDD of that name.
 * Cost: nothing runs now. Order: of rows, only where the query asks for it. Ownership: name is
 * copied; the session keeps the RDD. Errors: the RDD's; a name that a table has.
 *
 *     VonkStatus registered = vonk_rdd_register(counts, "counts", &error);
 *     VonkRdd *rare = vonk_rdd_sql(session, Count, "SELECT word, n FROM counts WHERE n < 3");
 */
VONK_API VonkStatus vonk_rdd_register(VonkRdd *rdd, const char *name, VonkError *error);

/*
 * As many partitions as asked for, each of what fn emits: void fn(VonkTask *, VonkOut *), which
 * tells them apart by vonk_task_partition.
 * Cost: narrow. Order: as emitted. Ownership: the closure is copied; the RDD is the session's.
 * Errors: 0 partitions or more than 100,000; vonk_fail.
 *
 *     VonkRdd *darts = vonk_rdd_generate(session, 64, Point, throw_darts);
 *     return vonk_rdd_print_csv(vonk_rdd_take(darts, 10));
 */
#define vonk_rdd_generate(session, partitions, Out, fn, ...)                                       \
    vonk__rdd_generate((session), (partitions), &Out##_vonk,                                       \
                       VONK__CALL(fn, void (*)(VonkTask *, VonkOut *), ##__VA_ARGS__))

/* --- the macros' --- */

VONK_API VonkRdd *vonk__rdd_parallelize(VonkSession *session, const VonkRecordType *type,
                                        const void *records, size_t count, uint32_t partitions);
VONK_API VonkRdd *vonk__rdd_sql(VonkSession *session, const VonkRecordType *type, const char *sql);
VONK_API VonkRdd *vonk__rdd_generate(VonkSession *session, uint32_t partitions,
                                     const VonkRecordType *out, VonkCall call);

#endif
#ifdef __cplusplus
}
#endif
#endif
