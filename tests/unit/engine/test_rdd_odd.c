/*
 * test_rdd_odd.c -- RDD calls that are given what nobody should give them, and keys of all kinds:
 * an answer as SQL's, or an error that says what is wrong; under ASan, nothing leaks
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vonk/vonk.h"

VONK_RECORD(Pair, VONK_NULLABLE_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Other, VONK_KEY(text, k), VONK_FIELD(int8, v));
VONK_RECORD(Ticket, VONK_FIELD(int8, ticket));
VONK_RECORD(Real, VONK_NULLABLE(float8, x));
VONK_RECORD(PairCount, VONK_NULLABLE_KEY(int8, k), VONK_FIELD(int8, n));

static VonkSession *session, *another;
static VonkError error;

static void setup(void)
{
    ck_assert_int_eq(vonk_session_open(NULL, &session, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_open(NULL, &another, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "threads", "3", &error), VONK_OK);
}

static void teardown(void)
{
    vonk_session_close(session);
    vonk_session_close(another);
}

/* --- functions --- */

static void copy_pair(VonkTask *task, const Pair *in, Pair *out)
{
    (void)task;
    *out = *in;
}

static void emit_pair(VonkTask *task, const Pair *in, VonkOut *out)
{
    (void)task;
    vonk_emit(out, in);
}

static bool is_any(VonkTask *task, const Pair *in)
{
    (void)task, (void)in;
    return true;
}

static void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

static void read_pairs(VonkTask *task, VonkIn *in, VonkOut *out)
{
    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL;)
        vonk_emit(out, pair);
}

static void read_both(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    read_pairs(task, a, out);
    read_pairs(task, b, out);
}

static void read_three(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkOut *out)
{
    read_both(task, a, b, out);
    read_pairs(task, c, out);
}

static void read_indexed(VonkTask *task, uint32_t partition, VonkIn *in, VonkOut *out)
{
    (void)partition;
    read_pairs(task, in, out);
}

static void read_array(VonkTask *task, const Pair *pairs, size_t count, VonkOut *out)
{
    (void)task;
    for (size_t i = 0; i < count; i++)
        vonk_emit(out, &pairs[i]);
}

static void read_only(VonkTask *task, VonkIn *in)
{
    (void)task;
    while (VONK_NEXT(in, Pair) != NULL)
        ;
}

static void look(VonkTask *task, const Pair *in)
{
    (void)task, (void)in;
}

static void join_pairs(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    (void)task;
    *out = *(a != NULL ? a : b);
}

static void number_pair(VonkTask *task, const Pair *in, int64_t index, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->k, .v = index};
}

static void key_number(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    out->k = in->value % 10;
    out->k_is_null = in->value % 10 == 9;
}

static void see_pair(VonkTask *task, const Pair *at, uint32_t before, uint32_t after, Pair *out)
{
    (void)task;
    *out = at[0];
    out->v = before + after;
}

static uint32_t far_away(VonkTask *task, const Pair *in, uint32_t n)
{
    (void)task, (void)in;
    return n;
}

static double twice(VonkTask *task, const Pair *in)
{
    (void)task;
    return in->v == 7 ? NAN : 1;
}

static void emit_nothing(VonkTask *task, VonkOut *out)
{
    (void)task, (void)out;
}

static void measure(VonkTask *task, const VonkLine *in, VonkNumber *out)
{
    (void)task;
    out->value = (int64_t)in->text.bytes;
}

/* --- RDDs --- */

static VonkRdd *pairs_of(VonkSession *of, int64_t count, uint32_t partitions)
{
    return vonk_rdd_key_by(vonk_rdd_range(of, 0, count, 1, partitions), VonkNumber, Pair,
                           key_number);
}

static VonkRdd *pairs(int64_t count, uint32_t partitions)
{
    return pairs_of(session, count, partitions);
}

static int64_t count_of(VonkRdd *rdd)
{
    int64_t count;

    if (vonk_rdd_count(rdd, &count, &error) == VONK_OK)
        return count;
    printf("%s (%s)\n", error.message, error.detail);
    return -1;
}

#define REFUSED(call, words)                                                                       \
    do {                                                                                           \
        memset(&error, 0, sizeof error);                                                           \
        VonkStatus refused_as = (call);                                                            \
        if (refused_as == VONK_OK || strstr(error.message, (words)) == NULL)                       \
            ck_abort_msg("%s: status %d, \"%s\"", #call, (int)refused_as, error.message);          \
    } while (0)

static VonkStatus try_count(VonkRdd *rdd)
{
    int64_t count;
    VonkStatus status = vonk_rdd_count(rdd, &count, &error);

    if (status == VONK_OK)
        printf("%lld records\n", (long long)count);
    return status;
}

/* --- NULL --- */

START_TEST(calls_on_null_give_null)
{
    VonkRdd *none = NULL, *splits[2] = {pairs(1, 1), pairs(1, 1)}, *good = pairs(5, 2);
    Pair zero = {0};
    const VonkRdd *const all[] = {
        vonk_rdd_text_file(NULL, "x"),
        vonk_rdd_whole_text_files(NULL, "x"),
        vonk_rdd_binary_records(NULL, "x", 1),
        vonk_rdd_parallelize(NULL, Pair, &zero, 1, 1),
        vonk_rdd_range(NULL, 0, 1, 1, 1),
        vonk_rdd_sql(NULL, Pair, "SELECT 1"),
        vonk_rdd_generate(NULL, 1, Pair, emit_nothing),
        vonk_rdd_map(none, Pair, Pair, copy_pair),
        vonk_rdd_flat_map(none, Pair, Pair, emit_pair),
        vonk_rdd_filter(none, Pair, is_any),
        vonk_rdd_map_values(none, Pair, Pair, copy_pair),
        vonk_rdd_flat_map_values(none, Pair, Pair, emit_pair),
        vonk_rdd_key_by(none, VonkNumber, Pair, key_number),
        vonk_rdd_keys(none, Ticket),
        vonk_rdd_values(none, VonkNumber),
        vonk_rdd_zip_with_index(none, Pair, Pair, number_pair),
        vonk_rdd_zip_with_unique_id(none, Pair, Pair, number_pair),
        vonk_rdd_sample(none, 0.5, 1),
        vonk_rdd_sample_with_replacement(none, 0.5, 1),
        vonk_rdd_sample_by_key(none, Pair, 1, twice),
        vonk_rdd_take_sample(none, 1, 1),
        vonk_rdd_map_partitions(none, Pair, Pair, read_pairs),
        vonk_rdd_map_partitions_with_index(none, Pair, Pair, read_indexed),
        vonk_rdd_glom(none, Pair, Pair, read_array),
        vonk_rdd_pipe(none, NULL),
        vonk_rdd_prefix_sum(none, Pair, add_pair),
        vonk_rdd_window(none, Pair, 1, 1, Pair, see_pair),
        vonk_rdd_reduce_by_key(none, Pair, add_pair),
        vonk_rdd_fold_by_key(none, Pair, &zero, add_pair),
        vonk_rdd_combine_by_key(none, Pair, Pair, copy_pair, add_pair, add_pair),
        vonk_rdd_count_by_key(none, PairCount),
        vonk_rdd_count_by_value(none, PairCount),
        vonk_rdd_group_by_key(none, Pair, Pair, read_pairs),
        vonk_rdd_group_by(none, VonkNumber, Pair, key_number, Pair, read_pairs),
        vonk_rdd_cogroup(none, Pair, none, Pair, Pair, read_both),
        vonk_rdd_filter_by_range(none, Pair, &zero, NULL),
        vonk_rdd_subtract_by_key(none, none),
        vonk_rdd_join(none, Pair, none, Pair, Pair, join_pairs),
        vonk_rdd_union(none, none),
        vonk_rdd_distinct(none),
        vonk_rdd_intersection(none, none),
        vonk_rdd_subtract(none, none),
        vonk_rdd_cartesian(none, Pair, none, Pair, Pair, join_pairs),
        vonk_rdd_zip(none, Pair, none, Pair, Pair, join_pairs),
        vonk_rdd_zip_partitions(none, Pair, none, Pair, Pair, read_both),
        vonk_rdd_repartition(none, 1),
        vonk_rdd_coalesce(none, 1),
        vonk_rdd_partition_by(none, 1),
        vonk_rdd_partition_with(none, Pair, 1, far_away),
        vonk_rdd_repartition_and_sort_within_partitions(none, 1, NULL),
        vonk_rdd_sort_by(none, NULL),
        vonk_rdd_sort_by_key(none),
        vonk_rdd_merge_sorted(none, none, "k"),
        vonk_rdd_take(none, 1),
        vonk_rdd_take_ordered(none, 1, "k"),
        vonk_rdd_top(none, 1, "k"),
        vonk_rdd_persist(none),
        vonk_rdd_persist_at(none, 1),
        vonk_rdd_checkpoint(none, "x"),
        vonk_rdd_local_checkpoint(none)};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != NULL)
            ck_abort_msg("call %zu on NULL gives something", i);
    vonk_rdd_random_split(none, (double[]){1, 1}, 2, 1, splits);
    ck_assert(splits[0] == NULL && splits[1] == NULL);
    vonk_rdd_random_split(good, (double[]){1, 1}, 2, 1, NULL);
    vonk_rdd_random_split(good, NULL, 2, 1, splits);
    REFUSED(try_count(splits[1]), "the weights of a split are NULL");
    vonk_rdd_unpersist(none);
    REFUSED(try_count(vonk_rdd_union(good, none)), "RDD 2 of 2 is NULL");
    REFUSED(try_count(vonk_rdd_join(none, Pair, good, Pair, Pair, join_pairs)), "RDD 1 of 2");
    REFUSED(try_count(vonk_rdd_cogroup3(good, Pair, good, Pair, none, Pair, Pair, read_three)),
            "read_three: RDD 3 of 3 is NULL");
    REFUSED(try_count(vonk_rdd_zip(good, Pair, none, Pair, Pair, join_pairs)), "RDD 2 of 2");
}
END_TEST

START_TEST(actions_refuse_null)
{
    VonkRdd *none = NULL, *good = pairs(20, 3);
    VonkRecords *records = (VonkRecords *)&error;
    VonkIterator *iterator;
    VonkJob *job;
    VonkStats stats;
    Pair pair, zero = {0};
    int64_t count, buckets[2];
    double number, edges[3];
    uint32_t partitions;
    bool is;

    REFUSED(vonk_rdd_collect(none, &records, &error), "the RDD is NULL");
    ck_assert_ptr_null(records);
    ck_assert_uint_eq(vonk_records_count(NULL), 0);
    ck_assert_ptr_null(VONK_RECORDS(NULL, Pair));
    vonk_records_free(NULL);
    REFUSED(vonk_rdd_iterate(none, &iterator, &error), "the RDD is NULL");
    ck_assert_ptr_null(VONK_ITERATE(iterator, Pair));
    ck_assert_int_eq(vonk_iterator_free(NULL, &error), VONK_OK);
    REFUSED(vonk_rdd_count(none, &count, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_is_empty(none, &is, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_count_approx_distinct(none, 0.1, &count, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_reduce(none, Pair, add_pair, &pair, &is, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_fold(none, Pair, &zero, add_pair, &pair, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_tree_reduce(none, Pair, 2, add_pair, &pair, &is, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_first(none, Pair, &pair, &is, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_max(none, Pair, "v", &pair, &is, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_stats(none, "v", &stats, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_mean(none, "v", &number, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_histogram(none, "v", 2, edges, buckets, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_lookup(none, Pair, &pair, &records, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_foreach(none, Pair, look, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_foreach_partition(none, Pair, read_only, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_save(none, "x", "csv", &error), "the RDD is NULL");
    REFUSED(vonk_rdd_save_as_text(none, "x", &error), "the RDD is NULL");
    REFUSED(vonk_rdd_register(none, "x", &error), "the RDD is NULL");
    REFUSED(vonk_rdd_partition_count(none, &partitions, &error), "the RDD is NULL");
    REFUSED(vonk_rdd_count(vonk_rdd_async(none, &job), &count, &error), "the RDD is NULL");
    ck_assert_ptr_null(job);
    ck_assert_str_eq(vonk_rdd_explain(none), "the RDD is NULL");
    ck_assert_ptr_null(vonk_rdd_explain_as(good, NULL));
    ck_assert_int_eq(vonk_rdd_print_csv(none), 1);

    REFUSED(vonk_rdd_collect(good, NULL, &error), "records_out is NULL");
    REFUSED(vonk_rdd_iterate(good, NULL, &error), "iterator_out is NULL");
    REFUSED(vonk_rdd_count(good, NULL, &error), "count_out is NULL");
    REFUSED(vonk_rdd_is_empty(good, NULL, &error), "is_empty_out is NULL");
    REFUSED(vonk_rdd_first(good, Pair, NULL, NULL, &error), "the place of the result is NULL");
    REFUSED(vonk_rdd_stats(good, "v", NULL, &error), "stats_out is NULL");
    REFUSED(vonk_rdd_histogram_of(good, "v", NULL, 1, buckets, &error), "the edges is NULL");
    REFUSED(vonk_rdd_lookup(good, Pair, NULL, &records, &error), "the key is NULL");
    REFUSED(vonk_rdd_save(good, NULL, "csv", &error), "the path is NULL");
    REFUSED(vonk_rdd_save_as_csv(good, NULL, &error), "the folder is NULL");
    REFUSED(vonk_rdd_register(good, NULL, &error), "the name is NULL");
    REFUSED(vonk_rdd_partition_count(good, NULL, &error), "count_out is NULL");
    REFUSED(vonk_rdd_count(vonk_rdd_async(good, NULL), &count, &error), "job_out is NULL");
    REFUSED(vonk_rdd_count(vonk_rdd_async(good, &job), NULL, &error), "count_out is NULL");
    ck_assert_ptr_null(job);
    REFUSED(try_count(vonk_rdd_checkpoint(good, NULL)), "the folder is NULL");
    REFUSED(try_count(vonk_rdd_text_file(session, NULL)), "no path");
    REFUSED(try_count(vonk_rdd_sql(session, Pair, NULL)), "the SQL is NULL");
    REFUSED(try_count(vonk_rdd_parallelize(session, Pair, NULL, 1, 1)), "array of records is NULL");
    ck_assert_int_eq(count_of(vonk_rdd_parallelize(session, Pair, NULL, 0, 3)), 0);
    ck_assert_int_eq(vonk_rdd_count(good, &count, NULL), VONK_OK); /* errors need not be wanted */
    ck_assert_int_eq(vonk_rdd_count(none, &count, NULL), VONK_BAD_INPUT);
    ck_assert_int_eq(vonk_rdd_first(good, Pair, &pair, NULL, NULL), VONK_OK);
}
END_TEST

START_TEST(jobs_and_shared_values_refuse_null)
{
    VonkBroadcast broadcast;
    VonkAccumulator none = {0}, absurd = {77};

    ck_assert_int_eq(vonk_job_poll(NULL), VONK_JOB_FAILED);
    vonk_job_cancel(NULL);
    vonk_job_free(NULL);
    ck_assert_uint_eq(vonk_job_progress(NULL).tasks, 0);
    REFUSED(vonk_job_wait(NULL, &error), "the job is NULL");
    REFUSED(vonk_pool_add(NULL, "x", &(VonkPool){0}, &error), "the session is NULL");
    REFUSED(vonk_pool_add(session, NULL, &(VonkPool){0}, &error), "the name of a pool is NULL");
    REFUSED(vonk_pool_add(session, "x", NULL, &error), "the pool is NULL");
    REFUSED(vonk_job_pool(NULL, "x", &error), "the session is NULL");
    REFUSED(vonk_job_pool(session, "x", &error), "there is no pool \"x\"");
    vonk_job_group(NULL, "x");
    vonk_job_tag(NULL, "x");
    vonk_job_untag(NULL, "x");
    vonk_cancel_group(NULL, "x");
    vonk_cancel_tag(NULL, "x");
    vonk_cancel_group(session, NULL);
    vonk_cancel_tag(session, NULL);
    ck_assert_uint_eq(vonk_accumulator(NULL).id, 0);
    ck_assert_int_eq(vonk_accumulator_value(session, none), 0);
    ck_assert_int_eq(vonk_accumulator_value(session, absurd), 0);
    ck_assert_double_eq(vonk_accumulator_float8(NULL, absurd), 0);
    vonk_accumulator_reset(session, absurd);
    vonk_accumulator_reset(NULL, none);
    REFUSED(vonk_broadcast(NULL, Pair, NULL, 0, &broadcast, &error), "the session is NULL");
    REFUSED(vonk_broadcast(session, Pair, NULL, 1, &broadcast, &error), "array of records is NULL");
    REFUSED(vonk_broadcast(session, Pair, NULL, 0, NULL, &error), "broadcast_out is NULL");
    ck_assert_int_eq(vonk_broadcast(session, Pair, NULL, 0, &broadcast, &error), VONK_OK);
    vonk_broadcast_destroy(session, (VonkBroadcast){99});
    vonk_broadcast_destroy(NULL, broadcast);
}
END_TEST

/* --- numbers that make no sense --- */

START_TEST(partitions)
{
    VonkRdd *good = pairs(100, 3),
            *absurd[] = {
                vonk_rdd_range(session, 0, 10, 1, 0),
                vonk_rdd_range(session, 0, 10, 1, (uint32_t)-1),
                vonk_rdd_generate(session, 0, Pair, emit_nothing),
                vonk_rdd_generate(session, 1u << 31, Pair, emit_nothing),
                vonk_rdd_parallelize(session, Pair, &(Pair){0}, 1, 0),
                vonk_rdd_parallelize(session, Pair, &(Pair){0}, 1, (uint32_t)-5),
                vonk_rdd_repartition(good, 0),
                vonk_rdd_repartition(good, (uint32_t)-1),
                vonk_rdd_coalesce(good, 0),
                vonk_rdd_partition_by(good, 0),
                vonk_rdd_partition_by(good, (uint32_t)-1),
                vonk_rdd_partition_with(good, Pair, 0, far_away),
                vonk_rdd_partition_with(good, Pair, (uint32_t)-1, far_away),
                vonk_rdd_repartition_and_sort_within_partitions(good, 0, NULL),
                vonk_rdd_reduce_by_key(good, Pair, add_pair, VONK_PARTITIONS((uint32_t)-1)),
                vonk_rdd_group_by_key(good, Pair, Pair, read_pairs, VONK_PARTITIONS(1u << 30)),
                vonk_rdd_join(good, Pair, good, Pair, Pair, join_pairs,
                              VONK_PARTITIONS((uint32_t)-2))};
    uint32_t count;

    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        memset(&error, 0, sizeof error);
        if (try_count(absurd[i]) != VONK_BAD_INPUT ||
            strstr(error.message, "an RDD has 1 to 100000 partitions, not ") == NULL)
            ck_abort_msg("%zu: %s", i, error.message);
    }
    REFUSED(try_count(absurd[1]), "not -1");
    ck_assert_int_eq(count_of(vonk_rdd_range(session, 0, 3, 1, 500)), 3);
    ck_assert_int_eq(count_of(vonk_rdd_repartition(good, 700)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_partition_by(good, 700)), 100);
    ck_assert_int_eq(
        vonk_rdd_partition_count(vonk_rdd_coalesce(good, (uint32_t)-1), &count, &error), VONK_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(count_of(vonk_rdd_reduce_by_key(good, Pair, add_pair, VONK_PARTITIONS(300))),
                     10);
    REFUSED(try_count(vonk_rdd_partition_with(good, Pair, 4, far_away)), "far_away");
}
END_TEST

START_TEST(how_many)
{
    VonkRdd *good = pairs(100, 3);

    ck_assert_int_eq(count_of(vonk_rdd_take(good, INT64_MAX)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_take(good, INT64_MAX - 1)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_take(good, 0)), 0);
    ck_assert_int_eq(count_of(vonk_rdd_take_sample(good, INT64_MAX, 3)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_take_sample(good, 0, 3)), 0);
    ck_assert_int_eq(count_of(vonk_rdd_top(good, INT64_MAX - 1, "v")), 100);
    ck_assert_int_eq(count_of(vonk_rdd_take_ordered(good, 1LL << 40, "k, v")), 100);
    REFUSED(try_count(vonk_rdd_take(good, -1)), "-1 records cannot be taken");
    REFUSED(try_count(vonk_rdd_top(good, INT64_MIN, "v")), "cannot be taken");
    REFUSED(try_count(vonk_rdd_take_sample(good, -7, 1)), "-7 records cannot be taken");
    REFUSED(try_count(vonk_rdd_range(session, 0, 9, 0, 1)), "step");
    ck_assert_int_eq(count_of(vonk_rdd_range(session, 9, 0, 1, 4)), 0);
    ck_assert_int_eq(count_of(vonk_rdd_range(session, INT64_MAX, INT64_MIN, INT64_MIN, 4)), 2);
    ck_assert_int_eq(
        count_of(vonk_rdd_take(vonk_rdd_range(session, INT64_MIN, INT64_MAX, 1, 9), 5)), 5);
    REFUSED(try_count(vonk_rdd_window(good, Pair, (uint32_t)-1, 0, Pair, see_pair)), "65536");
    ck_assert_int_eq(count_of(vonk_rdd_window(good, Pair, 65536, 65536, Pair, see_pair)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_window(good, Pair, 0, 0, Pair, see_pair)), 100);
    REFUSED(try_count(vonk_rdd_binary_records(session, "/dev/null", 0)), "records of 0 bytes");
}
END_TEST

START_TEST(ratios)
{
    const double wrong[] = {NAN, -0.1, 1.1, INFINITY, -INFINITY};
    VonkRdd *good = pairs(100, 3), *splits[2];
    int64_t count;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        REFUSED(try_count(vonk_rdd_sample(good, wrong[i], 1)), "a fraction from 0 to 1, not");
        if (wrong[i] != 1.1)
            REFUSED(try_count(vonk_rdd_sample_with_replacement(good, wrong[i], 1)), "not");
        if (wrong[i] != 1.1) {
            vonk_rdd_random_split(good, (double[]){1, wrong[i]}, 2, 1, splits);
            REFUSED(try_count(splits[0]), "weight 1 of a split is");
        }
        REFUSED(vonk_rdd_count_approx_distinct(good, wrong[i], &count, &error), "0.0021 to 0.26");
    }
    ck_assert_int_eq(count_of(vonk_rdd_sample(good, 0, 1)), 0);
    ck_assert_int_eq(count_of(vonk_rdd_sample(good, 1, 1)), 100);
    ck_assert_int_eq(count_of(vonk_rdd_sample(good, -0.0, 1)), 0);
    ck_assert_int_eq(count_of(vonk_rdd_sample_with_replacement(good, 0, 1)), 0);
    vonk_rdd_random_split(good, (double[]){0, 1}, 2, 1, splits);
    ck_assert(count_of(splits[0]) == 0 && count_of(splits[1]) == 100);
    vonk_rdd_random_split(good, (double[]){0, 0}, 2, 1, splits);
    REFUSED(try_count(splits[1]), "add up to 0");
    vonk_rdd_random_split(good, (double[]){1e308, 1e308}, 2, 1, splits);
    REFUSED(try_count(splits[1]), "add up to inf");
    vonk_rdd_random_split(good, (double[]){1}, 0, 1, splits);
    REFUSED(try_count(vonk_rdd_sample_by_key(good, Pair, 1, twice)),
            "twice: a sample keeps a fraction from 0 to 1, not nan");
}
END_TEST

START_TEST(spreads)
{
    const Real far[] = {{.x = -1.7e308}, {.x = 1.7e308}, {.x = 0}, {.x_is_null = true}};
    const Real near[] = {{.x = 1}, {.x = 1.0000000000000002}, {.x = 1}};
    const Real odd[] = {{.x = 1}, {.x = NAN}, {.x = INFINITY}};
    VonkRdd *rdd = vonk_rdd_parallelize(session, Real, far, 4, 2);
    double edges[11];
    int64_t counts[10], total = 0;
    VonkStats stats;

    ck_assert_int_eq(vonk_rdd_histogram(rdd, "x", 10, edges, counts, &error), VONK_OK);
    for (int i = 0; i < 10; i++) {
        ck_assert(isfinite(edges[i]));
        total += counts[i];
    }
    ck_assert_int_eq(total, 3);
    total = 0;
    rdd = vonk_rdd_parallelize(session, Real, near, 3, 2);
    ck_assert_int_eq(vonk_rdd_histogram(rdd, "x", 10, edges, counts, &error), VONK_OK);
    for (int i = 0; i < 10; i++)
        total += counts[i];
    ck_assert_int_eq(total, 3);
    REFUSED(vonk_rdd_histogram(rdd, "x", 0, edges, counts, &error), "1 to 1048576 buckets");
    REFUSED(vonk_rdd_histogram(rdd, "x", (size_t)-1, edges, counts, &error), "1 to 1048576");
    REFUSED(vonk_rdd_histogram_of(rdd, "x", (double[]){0, NAN}, 1, counts, &error), "ascend");
    REFUSED(vonk_rdd_histogram_of(rdd, "x", (double[]){2, 1}, 1, counts, &error), "ascend");
    REFUSED(vonk_rdd_stats(rdd, "y", &stats, &error), "no field \"y\"");
    REFUSED(vonk_rdd_stats(rdd, NULL, &stats, &error), "no field \"\"");
    rdd = vonk_rdd_parallelize(session, Real, odd, 3, 2);
    REFUSED(vonk_rdd_histogram(rdd, "x", 2, edges, counts, &error), "finite");
    ck_assert_int_eq(vonk_rdd_stats(rdd, "x", &stats, &error), VONK_OK);
    ck_assert(isnan(stats.sum) && isnan(stats.max) && stats.min == 1 && stats.count == 3);
    rdd = vonk_rdd_parallelize(session, Real, NULL, 0, 2);
    ck_assert_int_eq(vonk_rdd_stats(rdd, "x", &stats, &error), VONK_OK);
    ck_assert(stats.count == 0 && stats.sum == 0);
    REFUSED(vonk_rdd_histogram(rdd, "x", 2, edges, counts, &error), "needs values");
}
END_TEST

START_TEST(orders)
{
    static const struct {
        const char *order, *words;
    } wrong[] = {{"", "names no field"},        {"k,", "names no field"},
                 {",k", "names no field"},      {"nobody", "no field \"nobody\""},
                 {"k sideways", "field \"k\""}, {"k desc asc", "field \"k\""},
                 {"k nulls", "field \"k\""},    {"k asc nulls first v", "field \"k\""}};
    VonkRdd *good = pairs(100, 3), *tickets = vonk_rdd_sql(session, Ticket, "SELECT 1::bigint");
    Pair pair;
    bool found;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        REFUSED(try_count(vonk_rdd_sort_by(good, wrong[i].order)), wrong[i].words);
    REFUSED(try_count(vonk_rdd_sort_by(tickets, NULL)), "record type Ticket has no key");
    ck_assert_int_eq(vonk_rdd_max(good, Pair, "k nulls first", &pair, &found, &error), VONK_OK);
    ck_assert(found && !pair.k_is_null && pair.k == 8);
    ck_assert_int_eq(vonk_rdd_max(good, Pair, NULL, &pair, &found, &error), VONK_OK);
    ck_assert(pair.k_is_null);
    ck_assert_int_eq(vonk_rdd_min(good, Pair, "k desc nulls last, k, k", &pair, &found, &error),
                     VONK_OK);
    ck_assert(!pair.k_is_null && pair.k == 8);
}
END_TEST

/* What a sample draws from does not depend on the names of fields. */
START_TEST(a_field_called_ticket)
{
    VonkRdd *tickets =
        vonk_rdd_sql(session, Ticket, "SELECT x FROM generate_series(1::bigint, 1000) g(x)");
    VonkRecords *records;
    int64_t total = 0;

    ck_assert_int_eq(vonk_rdd_collect(vonk_rdd_take_sample(tickets, 10, 5), &records, &error),
                     VONK_OK);
    for (size_t i = 0; i < 10; i++)
        total += VONK_RECORDS(records, Ticket)[i].ticket;
    ck_assert_int_gt(total, 500); /* and not 1 to 10 */
    vonk_records_free(records);
}
END_TEST

/* --- what does not belong together --- */

START_TEST(two_sessions)
{
    VonkRdd *mine = pairs(10, 2), *theirs = pairs_of(another, 10, 2);
    VonkRdd *const mixed[] = {vonk_rdd_union(mine, theirs),
                              vonk_rdd_intersection(mine, theirs),
                              vonk_rdd_subtract(mine, theirs),
                              vonk_rdd_subtract_by_key(mine, theirs),
                              vonk_rdd_join(mine, Pair, theirs, Pair, Pair, join_pairs),
                              vonk_rdd_full_join(theirs, Pair, mine, Pair, Pair, join_pairs),
                              vonk_rdd_cartesian(mine, Pair, theirs, Pair, Pair, join_pairs),
                              vonk_rdd_cogroup(mine, Pair, theirs, Pair, Pair, read_both),
                              vonk_rdd_zip(mine, Pair, theirs, Pair, Pair, join_pairs),
                              vonk_rdd_zip_partitions(mine, Pair, theirs, Pair, Pair, read_both),
                              vonk_rdd_merge_sorted(mine, theirs, "k")};

    for (size_t i = 0; i < sizeof mixed / sizeof mixed[0]; i++)
        REFUSED(try_count(mixed[i]), "RDDs of two sessions");
}
END_TEST

START_TEST(other_records)
{
    VonkRdd *good = pairs(10, 2), *numbers = vonk_rdd_range(session, 0, 10, 1, 2);
    VonkRdd *texts = vonk_rdd_sql(session, Other, "SELECT 'a', 1::bigint");
    VonkRecords *records;
    VonkIterator *iterator;
    Pair pair;
    bool found;

    REFUSED(try_count(vonk_rdd_map(numbers, Pair, Pair, copy_pair)),
            "copy_pair takes records of type Pair");
    REFUSED(try_count(vonk_rdd_map(numbers, VonkLine, VonkNumber, measure)), "measure");
    REFUSED(try_count(vonk_rdd_union(good, numbers)), "union of records of type Pair with");
    REFUSED(try_count(vonk_rdd_join(good, Pair, numbers, Pair, Pair, join_pairs)), "join_pairs");
    REFUSED(try_count(vonk_rdd_subtract_by_key(good, texts)), "have not the same types");
    REFUSED(try_count(vonk_rdd_partition_by(numbers, 2)), "VonkNumber has no key");
    REFUSED(try_count(vonk_rdd_keys(good, Other)), "are not the key of record type Pair");
    REFUSED(try_count(vonk_rdd_count_by_key(good, Other)), "have not the same types");
    REFUSED(try_count(vonk_rdd_pipe(good, (const char *const[]){"cat", NULL})), "one text");
    REFUSED(try_count(vonk_rdd_pipe(vonk_rdd_sql(session, VonkLine, "SELECT 'a'"), NULL)),
            "a program");
    REFUSED(vonk_rdd_first(numbers, Pair, &pair, &found, &error), "first takes records of type");
    ck_assert_int_eq(vonk_rdd_collect(numbers, &records, &error), VONK_OK);
    ck_assert_ptr_null(VONK_RECORDS(records, Pair));
    vonk_records_free(records);
    ck_assert_int_eq(vonk_rdd_iterate(numbers, &iterator, &error), VONK_OK);
    ck_assert_ptr_null(VONK_ITERATE(iterator, Pair));
    REFUSED(vonk_iterator_free(iterator, &error), "VonkNumber");
    REFUSED(vonk_rdd_save(good, "/nowhere/at/all", "csv", &error), "/nowhere/at/all");
    REFUSED(vonk_rdd_save(good, "/tmp/x", "papyrus", &error), "papyrus");
    REFUSED(vonk_rdd_save_as_csv(good, "/nowhere/at/all", &error), "/nowhere/at");
    REFUSED(vonk_rdd_save_as_csv(good, "", &error), "");
}
END_TEST

/* --- what is over --- */

START_TEST(after_the_end)
{
    VonkRdd *kept = vonk_rdd_persist(pairs(100, 3)), *fixed = vonk_rdd_local_checkpoint(kept);
    VonkIterator *iterator;
    VonkRecords *records, *late;
    VonkSession *closed;
    VonkJob *job;
    VonkRdd *rdd;

    vonk_rdd_unpersist(kept);
    vonk_rdd_unpersist(kept);
    ck_assert_int_eq(count_of(kept), 100);
    ck_assert_int_eq(count_of(fixed), 100);
    vonk_rdd_unpersist(fixed);
    REFUSED(try_count(fixed), "");
    vonk_rdd_unpersist(vonk_rdd_map(kept, Pair, Pair, copy_pair)); /* keeps nothing */
    vonk_session_cancel(session);
    ck_assert_int_eq(count_of(kept), 100); /* a cancel is for what runs */

    ck_assert_int_eq(vonk_session_open(NULL, &closed, &error), VONK_OK);
    rdd = pairs_of(closed, 100000, 5);
    ck_assert_int_eq(vonk_rdd_collect(rdd, &records, &error), VONK_OK);
    ck_assert_int_eq(vonk_rdd_iterate(rdd, &iterator, &error), VONK_OK);
    ck_assert_ptr_nonnull(VONK_ITERATE(iterator, Pair));
    ck_assert_int_eq(vonk_rdd_collect(vonk_rdd_async(rdd, &job), &late, &error), VONK_OK);
    vonk_session_close(closed); /* what is left of it may be looked at, and must be freed */
    ck_assert_uint_eq(vonk_records_count(records), 100000);
    ck_assert_ptr_nonnull(VONK_RECORDS(records, Pair));
    while (VONK_ITERATE(iterator, Pair) != NULL)
        ;
    vonk_iterator_free(iterator, &error);
    if (vonk_job_wait(job, &error) == VONK_OK)
        ck_assert_uint_eq(vonk_records_count(late), 100000);
    vonk_job_free(job);
    vonk_records_free(late);
    vonk_records_free(records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("odd calls of RDDs");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, calls_on_null_give_null);
    tcase_add_test(tests, actions_refuse_null);
    tcase_add_test(tests, jobs_and_shared_values_refuse_null);
    tcase_add_test(tests, partitions);
    tcase_add_test(tests, how_many);
    tcase_add_test(tests, ratios);
    tcase_add_test(tests, spreads);
    tcase_add_test(tests, orders);
    tcase_add_test(tests, a_field_called_ticket);
    tcase_add_test(tests, two_sessions);
    tcase_add_test(tests, other_records);
    tcase_add_test(tests, after_the_end);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
