/*
 * vonk/rdd.h -- collections of records, cut into partitions, made lazily from other ones
 *
 *     VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));
 *
 *     void split(VonkTask *task, const VonkLine *line, VonkOut *out) { ... }
 *     void add(VonkTask *task, Count *sum, const Count *more) { sum->n += more->n; }
 *
 *     int vonk_main(VonkSession *session, int argc, char **argv)
 *     {
 *         VonkRdd *lines = vonk_rdd_text_file(session, argv[1]);
 *         VonkRdd *words = vonk_rdd_flat_map(lines, VonkLine, Count, split);
 *         VonkRdd *counts = vonk_rdd_reduce_by_key(words, Count, add);
 *
 *         return vonk_rdd_print_csv(vonk_rdd_top(counts, 10, "n"));
 *     }
 *
 * A transformation only notes what is to be done: a node of the same logical plan that SQL becomes,
 * with its inputs as its lineage. An action optimizes the plan, cuts it into stages where rows
 * change partitions (a shuffle), runs them, and computes again what is lost on the way.
 *
 * Cost is said at each call: narrow (a partition is made of the same partition of its input, rows
 * flow through) or shuffle (rows move between partitions, through blocks that may spill). Order:
 * rows have a place, by partition and then within it; narrow calls keep it. What comes out depends
 * on the data and the calls, never on threads or time.
 *
 * Errors are kept: an RDD made of a failed one has its error, and the action reports the first. So
 * calls can be chained without looking. Handles belong to their session and are freed with it.
 *
 * Record types are named in calls (Count), and the types of functions are checked by the compiler.
 * Optional things come last, in any order:
 *
 *     VONK_WITH(value)          the function's closure: a copy of value travels with it
 *     VONK_PARTITIONS(n)        how many partitions a shuffle makes (otherwise as its input has)
 *
 * C only (C11, gcc or clang). Thread: as the session's, one at a time.
 */
#ifndef VONK_RDD_H
#define VONK_RDD_H

#include "vonk/session.h"
#include "vonk/udf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct VonkRdd VonkRdd;

#ifndef __cplusplus

/* What the built-in sources give. */
VONK_RECORD(VonkLine, VONK_FIELD(text, text));
VONK_RECORD(VonkFile, VONK_FIELD(text, path), VONK_FIELD(text, text));
VONK_RECORD(VonkNumber, VONK_FIELD(int8, value));

typedef void (*VonkAnyFunction)(void);

/* A function as calls take it; made by the macros. */
typedef struct VonkCall {
    const char *name;
    VonkAnyFunction function;
    const void *closure;
    size_t closure_bytes;
    uint32_t partitions;
} VonkCall;

#define VONK_WITH(value)   .closure = &(value), .closure_bytes = sizeof(value)
#define VONK_PARTITIONS(n) .partitions = (n)

/* fn, once the compiler has found it to be of that type. */
#define VONK__CALL(fn, Type, ...)                                                                  \
    (VonkCall)                                                                                     \
    {                                                                                              \
        .name = #fn, .function = (VonkAnyFunction) _Generic(&(fn), Type: &(fn)), ##__VA_ARGS__     \
    }

/* --- sources --- */

/*
 * The lines of the files that path names (a file, a folder, a glob; .gz and .zst are decompressed),
 * without their newlines: VonkLine. Partitions: pieces of about 32 MiB, in the order of paths and
 * lines; a compressed file is one. Errors: at the action, when a file cannot be read.
 *
 *     VonkRdd *lines = vonk_rdd_text_file(session, "logs/2026-*.log.gz");
 *     vonk_rdd_print_csv(vonk_rdd_take(lines, 10));
 */
VONK_API VonkRdd *vonk_rdd_text_file(VonkSession *session, const char *path);

/*
 * One VonkFile (path, text) a file: for small files that make sense only whole. A partition a file.
 *
 *     VonkRdd *files = vonk_rdd_whole_text_files(session, "pages");
 *     vonk_rdd_print_csv(files);
 */
VONK_API VonkRdd *vonk_rdd_whole_text_files(VonkSession *session, const char *path);

/*
 * The count records of the array at records, copied now, in `partitions` runs of equal length.
 *
 *     Point points[] = {{1, 2}, {3, 4}};
 *     VonkRdd *rdd = vonk_rdd_parallelize(session, Point, points, 2, 1);
 */
#define vonk_rdd_parallelize(session, Type, records, count, partitions)                            \
    vonk__rdd_parallelize((session), &Type##_vonk, (1 ? (records) : (const Type *)NULL), (count),  \
                          (partitions))

/*
 * The numbers from `from` up to, not including, `to` by `step` (not 0): VonkNumber.
 *
 *     VonkRdd *numbers = vonk_rdd_range(session, 0, 1000000, 1, 8);
 *     vonk_rdd_count(numbers, &count, NULL);
 */
VONK_API VonkRdd *vonk_rdd_range(VonkSession *session, int64_t from, int64_t to, int64_t step,
                                 uint32_t partitions);

/*
 * The rows of a query; its columns, in order, are the fields of Type. The query and what is done to
 * its rows are one plan: a filter here may end up in the scan of a file.
 *
 *     VonkRdd *big = vonk_rdd_sql(session, Order, "SELECT id, price FROM orders WHERE price > 10");
 */
#define vonk_rdd_sql(session, Type, sql) vonk__rdd_sql((session), &Type##_vonk, (sql))

/* --- a record at a time (narrow) --- */

/*
 * One record for each: void fn(VonkTask *, const In *, Out *); *out is zeroed before.
 *
 *     VonkRdd *lengths = vonk_rdd_map(lines, VonkLine, Length, measure);
 */
#define vonk_rdd_map(rdd, In, Out, fn, ...)                                                        \
    vonk__rdd_step((rdd), 0, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, Out *), ##__VA_ARGS__))

/*
 * Any number of records for each: void fn(VonkTask *, const In *, VonkOut *).
 *
 *     VonkRdd *words = vonk_rdd_flat_map(lines, VonkLine, Count, split);
 */
#define vonk_rdd_flat_map(rdd, In, Out, fn, ...)                                                   \
    vonk__rdd_step((rdd), 1, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, VonkOut *), ##__VA_ARGS__))

/*
 * The records for which fn says true: bool fn(VonkTask *, const In *).
 *
 *     VonkRdd *errors = vonk_rdd_filter(lines, VonkLine, is_error);
 */
#define vonk_rdd_filter(rdd, In, fn, ...)                                                          \
    vonk__rdd_step((rdd), 2, &In##_vonk, &In##_vonk,                                               \
                   VONK__CALL(fn, bool (*)(VonkTask *, const In *), ##__VA_ARGS__))

/*
 * As map, for a function that leaves the key as it is: records stay where a shuffle by key has put
 * them, and the next ..._by_key needs none. The key fields of In are copied to those of Out.
 *
 *     VonkRdd *halves = vonk_rdd_map_values(counts, Count, Count, halve);
 */
#define vonk_rdd_map_values(rdd, In, Out, fn, ...)                                                 \
    vonk__rdd_step((rdd), 3, &In##_vonk, &Out##_vonk,                                              \
                   VONK__CALL(fn, void (*)(VonkTask *, const In *, Out *), ##__VA_ARGS__))

/*
 * fn also gets the record's number: counting from 0 through all partitions. Runs a job first that
 * counts the partitions. void fn(VonkTask *, const In *, int64_t index, Out *).
 *
 *     VonkRdd *numbered = vonk_rdd_zip_with_index(lines, VonkLine, Numbered, number);
 */
#define vonk_rdd_zip_with_index(rdd, In, Out, fn, ...)                                             \
    vonk__rdd_step(                                                                                \
        (rdd), 4, &In##_vonk, &Out##_vonk,                                                         \
        VONK__CALL(fn, void (*)(VonkTask *, const In *, int64_t, Out *), ##__VA_ARGS__))

/* --- a partition at a time (narrow) --- */

/*
 * fn reads a whole partition and emits what it likes: void fn(VonkTask *, VonkIn *, VonkOut *).
 * vonk_task_partition says which one it is.
 *
 *     VonkRdd *sums = vonk_rdd_map_partitions(numbers, VonkNumber, Sum, sum_all);
 */
#define vonk_rdd_map_partitions(rdd, In, Out, fn, ...)                                             \
    vonk__rdd_group((VonkRdd *[]){(rdd)}, 1, false, (const VonkRecordType *[]){&In##_vonk},        \
                    &Out##_vonk,                                                                   \
                    VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * The same partitions of two RDDs side by side; both must have as many.
 * void fn(VonkTask *, VonkIn *a, VonkIn *b, VonkOut *).
 *
 *     VonkRdd *pairs = vonk_rdd_zip_partitions(left, A, right, B, Pair, pair_up);
 */
#define vonk_rdd_zip_partitions(a, A, b, B, Out, fn, ...)                                          \
    vonk__rdd_group(                                                                               \
        (VonkRdd *[]){(a), (b)}, 2, false, (const VonkRecordType *[]){&A##_vonk, &B##_vonk},       \
        &Out##_vonk,                                                                               \
        VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * A part of the records, each kept with probability `fraction` (0 to 1), decided by seed, partition
 * and number: the same ones each time. Narrow.
 *
 *     VonkRdd *some = vonk_rdd_sample(words, 0.01, 42);
 */
VONK_API VonkRdd *vonk_rdd_sample(VonkRdd *rdd, double fraction, uint64_t seed);

/* --- several RDDs --- */

/*
 * The records of both, a's partitions before b's; of the same record type. Narrow.
 *
 *     VonkRdd *all = vonk_rdd_union(old, new);
 */
VONK_API VonkRdd *vonk_rdd_union(VonkRdd *a, VonkRdd *b);

/*
 * As SQL's DISTINCT, INTERSECT and EXCEPT: each record once. Shuffle.
 *
 *     VonkRdd *both = vonk_rdd_intersection(left, right);
 */
VONK_API VonkRdd *vonk_rdd_distinct(VonkRdd *rdd);
VONK_API VonkRdd *vonk_rdd_intersection(VonkRdd *a, VonkRdd *b);
VONK_API VonkRdd *vonk_rdd_subtract(VonkRdd *a, VonkRdd *b);

/* --- by key: the fields declared as VONK_KEY --- */

/*
 * One record a key: fn adds the second to the first, in the order of the rows. Combined within each
 * partition before the shuffle. void fn(VonkTask *, Type *sum, const Type *more); it leaves the key
 * as it is. Order: by the first arrival of each key.
 *
 *     VonkRdd *counts = vonk_rdd_reduce_by_key(words, Count, add);
 */
#define vonk_rdd_reduce_by_key(rdd, Type, fn, ...)                                                 \
    vonk__rdd_combine((rdd), true, &Type##_vonk, &Type##_vonk, NULL, (VonkCall){0},                \
                      VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),   \
                      VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__))

/*
 * Each key's records go into an accumulator that starts as *zero (whose key does not matter): add
 * takes a record in, merge another partition's accumulator. zero must not change a sum that it is
 * merged into.
 *     void add(VonkTask *, Acc *, const In *);  void merge(VonkTask *, Acc *, const Acc *)
 *
 *     VonkRdd *means = vonk_rdd_aggregate_by_key(sales, Sale, Mean, &(Mean){0}, add, merge);
 */
#define vonk_rdd_aggregate_by_key(rdd, In, Acc, zero, add, merge, ...)                             \
    vonk__rdd_combine((rdd), true, &In##_vonk, &Acc##_vonk, (1 ? (zero) : (const Acc *)NULL),      \
                      (VonkCall){0},                                                               \
                      VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),     \
                      VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__))

/*
 * As aggregate_by_key, but `create` makes the accumulator of a key's first record.
 *     void create(VonkTask *, const In *, Acc *)
 *
 *     VonkRdd *ranges = vonk_rdd_combine_by_key(sales, Sale, Range, first, widen, unite);
 */
#define vonk_rdd_combine_by_key(rdd, In, Acc, create, add, merge, ...)                             \
    vonk__rdd_combine((rdd), true, &In##_vonk, &Acc##_vonk, NULL,                                  \
                      VONK__CALL(create, void (*)(VonkTask *, const In *, Acc *), ##__VA_ARGS__),  \
                      VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),     \
                      VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__))

/*
 * fn reads all records of one key: void fn(VonkTask *, VonkIn *, VonkOut *). They are gathered in
 * memory; prefer reduce and aggregate where they do. Shuffle.
 *
 *     VonkRdd *sessions = vonk_rdd_group_by_key(clicks, Click, Session, cut);
 */
#define vonk_rdd_group_by_key(rdd, In, Out, fn, ...)                                               \
    vonk__rdd_group((VonkRdd *[]){(rdd)}, 1, true, (const VonkRecordType *[]){&In##_vonk},         \
                    &Out##_vonk,                                                                   \
                    VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * fn reads the records of one key of two RDDs; one side may have none. The keys' types must agree.
 * void fn(VonkTask *, VonkIn *a, VonkIn *b, VonkOut *). Shuffle, but where both lie by key already.
 *
 *     VonkRdd *merged = vonk_rdd_cogroup(clicks, Click, users, User, Profile, merge);
 */
#define vonk_rdd_cogroup(a, A, b, B, Out, fn, ...)                                                 \
    vonk__rdd_group(                                                                               \
        (VonkRdd *[]){(a), (b)}, 2, true, (const VonkRecordType *[]){&A##_vonk, &B##_vonk},        \
        &Out##_vonk,                                                                               \
        VONK__CALL(fn, void (*)(VonkTask *, VonkIn *, VonkIn *, VonkOut *), ##__VA_ARGS__))

/*
 * One record for each pair of records of equal keys: void fn(VonkTask *, const A *, const B *, Out
 * *). NULL keys match nothing. In outer joins the side without a match is NULL. Shuffle, or the
 * smaller side is sent to every partition.
 *
 *     VonkRdd *named = vonk_rdd_join(clicks, Click, users, User, Named, put_name);
 */
#define vonk_rdd_join(a, A, b, B, Out, fn, ...) VONK__JOIN(0, a, A, b, B, Out, fn, ##__VA_ARGS__)
#define vonk_rdd_left_join(a, A, b, B, Out, fn, ...)                                               \
    VONK__JOIN(1, a, A, b, B, Out, fn, ##__VA_ARGS__)
#define vonk_rdd_full_join(a, A, b, B, Out, fn, ...)                                               \
    VONK__JOIN(2, a, A, b, B, Out, fn, ##__VA_ARGS__)
#define VONK__JOIN(kind, a, A, b, B, Out, fn, ...)                                                 \
    vonk__rdd_join(                                                                                \
        (a), (b), kind, &A##_vonk, &B##_vonk, &Out##_vonk,                                         \
        VONK__CALL(fn, void (*)(VonkTask *, const A *, const B *, Out *), ##__VA_ARGS__))

/* --- where records are --- */

/*
 * The same records dealt to n partitions of equal size. Shuffle.
 *
 *     VonkRdd *even = vonk_rdd_repartition(rdd, 16);
 */
VONK_API VonkRdd *vonk_rdd_repartition(VonkRdd *rdd, uint32_t n);

/*
 * At most n partitions: neighbours are put together, order is kept.
 *
 *     VonkRdd *one = vonk_rdd_coalesce(rdd, 1);
 */
VONK_API VonkRdd *vonk_rdd_coalesce(VonkRdd *rdd, uint32_t n);

/*
 * Records of equal keys in the same one of n partitions, by hash. Calls by key that follow need no
 * shuffle. Shuffle.
 *
 *     VonkRdd *placed = vonk_rdd_persist(vonk_rdd_partition_by(links, 8));
 */
VONK_API VonkRdd *vonk_rdd_partition_by(VonkRdd *rdd, uint32_t n);

/*
 * fn says which of n partitions a record goes to; equal keys must go to the same one.
 * uint32_t fn(VonkTask *, const Type *, uint32_t n). Shuffle.
 *
 *     VonkRdd *placed = vonk_rdd_partition_with(links, Link, 8, by_site);
 */
#define vonk_rdd_partition_with(rdd, Type, n, fn, ...)                                             \
    vonk__rdd_place(                                                                               \
        (rdd), &Type##_vonk, (n),                                                                  \
        VONK__CALL(fn, uint32_t (*)(VonkTask *, const Type *, uint32_t), ##__VA_ARGS__))

/*
 * Sorted by fields, as SQL's ORDER BY says it: "n DESC, word"; ties keep their order. Partitions
 * become ranges that a sample finds. Shuffle.
 *
 *     VonkRdd *sorted = vonk_rdd_sort_by(counts, "n DESC, word");
 */
VONK_API VonkRdd *vonk_rdd_sort_by(VonkRdd *rdd, const char *order);
/* By the key fields, ascending. */
VONK_API VonkRdd *vonk_rdd_sort_by_key(VonkRdd *rdd);

/* The first n records, in one partition; of each partition no more are made. */
VONK_API VonkRdd *vonk_rdd_take(VonkRdd *rdd, int64_t n);

/*
 * The n records that sort_by would put first, respectively last (largest first).
 *
 *     vonk_rdd_print_csv(vonk_rdd_top(counts, 10, "n"));
 */
VONK_API VonkRdd *vonk_rdd_take_ordered(VonkRdd *rdd, int64_t n, const char *order);
VONK_API VonkRdd *vonk_rdd_top(VonkRdd *rdd, int64_t n, const char *order);

/* --- keeping --- */

/*
 * The records are kept once an action has made them, for later actions: in memory, spilled when
 * that is short. A partition that is lost is made again. Returns the RDD to go on with.
 *
 *     VonkRdd *links = vonk_rdd_persist(vonk_rdd_partition_by(edges, 8));
 */
VONK_API VonkRdd *vonk_rdd_persist(VonkRdd *rdd);
/* Gives the memory back; later actions compute the records again, and keep them again. */
VONK_API void vonk_rdd_unpersist(VonkRdd *rdd);

/* --- actions: these run the job --- */

/* How many records. Error VONK_...: what the job ended with; *count is 0 then.
 *
 *     int64_t count;
 *     vonk_rdd_count(words, &count, &error);
 */
VONK_API VonkStatus vonk_rdd_count(VonkRdd *rdd, int64_t *count_out, VonkError *error);

/* All records in one array, texts included; of the RDD's own type. */
typedef struct VonkRecords VonkRecords;
VONK_API VonkStatus vonk_rdd_collect(VonkRdd *rdd, VonkRecords **records_out, VonkError *error);
VONK_API size_t vonk_records_count(const VonkRecords *records);
VONK_API const void *vonk__records_data(const VonkRecords *records, const VonkRecordType *type);
/* The array; NULL when the records are of another type. Valid until vonk_records_free.
 *
 *     const Count *counts = VONK_RECORDS(records, Count);
 */
#define VONK_RECORDS(records, Type) ((const Type *)vonk__records_data((records), &Type##_vonk))
VONK_API void vonk_records_free(VonkRecords *records); /* accepts NULL */

/*
 * All records in one: fn adds the second to the first, in the order of the rows, partition by
 * partition. *found is false when there is no record. Texts of the result live as long as the
 * session.
 *     void fn(VonkTask *, Type *, const Type *)
 *
 *     vonk_rdd_reduce(numbers, VonkNumber, add, &sum, &found, &error);
 */
#define vonk_rdd_reduce(rdd, Type, fn, result, found, error, ...)                                  \
    vonk__rdd_reduce((rdd), &Type##_vonk, &Type##_vonk, NULL,                                      \
                     VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),    \
                     VONK__CALL(fn, void (*)(VonkTask *, Type *, const Type *), ##__VA_ARGS__),    \
                     (1 ? (result) : (Type *)NULL), (found), (error))

/* As aggregate_by_key, of all records; no record at all gives *zero.
 *
 *     vonk_rdd_aggregate(sales, Sale, Mean, &(Mean){0}, add, merge, &mean, &error);
 */
#define vonk_rdd_aggregate(rdd, In, Acc, zero, add, merge, result, error, ...)                     \
    vonk__rdd_reduce((rdd), &In##_vonk, &Acc##_vonk, (1 ? (zero) : (const Acc *)NULL),             \
                     VONK__CALL(add, void (*)(VonkTask *, Acc *, const In *), ##__VA_ARGS__),      \
                     VONK__CALL(merge, void (*)(VonkTask *, Acc *, const Acc *), ##__VA_ARGS__),   \
                     (1 ? (result) : (Acc *)NULL), NULL, (error))

/* Runs fn on every record, in its partition: void fn(VonkTask *, const In *). What it does to the
 * world it may do more than once.
 *
 *     vonk_rdd_foreach(rows, Row, send, &error);
 */
#define vonk_rdd_foreach(rdd, In, fn, error, ...)                                                  \
    vonk__rdd_foreach((rdd), &In##_vonk,                                                           \
                      VONK__CALL(fn, void (*)(VonkTask *, const In *), ##__VA_ARGS__), (error))

/* Prints the records as CSV with a header on standard output. Returns an exit code: 0, or 1 after
 * an error, which it has printed. */
VONK_API int vonk_rdd_print_csv(VonkRdd *rdd);

/* Writes the records to one file, which appears whole or not at all; format "parquet" or "csv". */
VONK_API VonkStatus vonk_rdd_save(VonkRdd *rdd, const char *path, const char *format,
                                  VonkError *error);

/* The RDD's partitions. */
VONK_API VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error);

/* The plan as the last action on it would run it: lineage, stages, exchanges. Lives as long as the
 * session; an error's message when there is one. */
VONK_API const char *vonk_rdd_explain(VonkRdd *rdd);

/* --- the macros' --- */

VONK_API VonkRdd *vonk__rdd_parallelize(VonkSession *session, const VonkRecordType *type,
                                        const void *records, size_t count, uint32_t partitions);
VONK_API VonkRdd *vonk__rdd_sql(VonkSession *session, const VonkRecordType *type, const char *sql);
VONK_API VonkRdd *vonk__rdd_step(VonkRdd *rdd, int kind, const VonkRecordType *in,
                                 const VonkRecordType *out, VonkCall call);
VONK_API VonkRdd *vonk__rdd_group(VonkRdd *const *rdds, uint32_t count, bool has_keys,
                                  const VonkRecordType *const *in, const VonkRecordType *out,
                                  VonkCall call);
VONK_API VonkRdd *vonk__rdd_combine(VonkRdd *rdd, bool has_keys, const VonkRecordType *in,
                                    const VonkRecordType *acc, const void *zero, VonkCall create,
                                    VonkCall add, VonkCall merge);
VONK_API VonkRdd *vonk__rdd_join(VonkRdd *a, VonkRdd *b, int kind, const VonkRecordType *a_type,
                                 const VonkRecordType *b_type, const VonkRecordType *out,
                                 VonkCall call);
VONK_API VonkRdd *vonk__rdd_place(VonkRdd *rdd, const VonkRecordType *type, uint32_t n,
                                  VonkCall call);
VONK_API VonkStatus vonk__rdd_reduce(VonkRdd *rdd, const VonkRecordType *in,
                                     const VonkRecordType *acc, const void *zero, VonkCall add,
                                     VonkCall merge, void *result, bool *found_out,
                                     VonkError *error);
VONK_API VonkStatus vonk__rdd_foreach(VonkRdd *rdd, const VonkRecordType *in, VonkCall call,
                                      VonkError *error);

#endif

#ifdef __cplusplus
}
#endif
#endif
