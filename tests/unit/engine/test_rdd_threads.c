/*
 * test_rdd_threads.c -- jobs on RDDs at once: in the background, cancelled from other threads, over
 * what is kept and let go meanwhile, with broadcast values and counters; under TSan, what a race
 * would spoil
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "vonk/vonk.h"

enum { RECORDS = 20000, KEYS = 101, JOBS = 6, ROUNDS = 12, SESSIONS = 3 };

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Named, VONK_KEY(int8, k), VONK_FIELD(text, name), VONK_FIELD(int8, v));

typedef struct Shared {
    VonkBroadcast names;
    VonkAccumulator records, weight;
} Shared;

/* --- functions --- */

static void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->value % KEYS, .v = in->value};
}

static void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

static void name_pair(VonkTask *task, const Pair *in, Named *out)
{
    const Shared *shared = VONK_CLOSURE(task, Shared);
    size_t count;
    const Named *names = VONK_BROADCAST(task, shared->names, Named, &count);

    if (names == NULL)
        return;
    *out = (Named){.k = in->k, .name = names[(size_t)in->k % count].name, .v = in->v};
    vonk_accumulate(task, shared->records, 1);
    vonk_accumulate_float8(task, shared->weight, 0.5);
}

static void put_together(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a->k, .v = a->v + b->v};
}

/* Goes on until it is told to stop. */
static void dawdle(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    *out = *in;
    while (!vonk_task_is_cancelled(task))
        ;
}

/* --- what they run on --- */

static VonkSession *open_session(const char *memory)
{
    VonkSession *session;
    VonkError error;

    ck_assert_int_eq(vonk_session_open(NULL, &session, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "threads", "4", &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "memory", memory, &error), VONK_OK);
    return session;
}

static VonkRdd *pairs(VonkSession *session, uint32_t partitions)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, RECORDS, 1, partitions), VonkNumber, Pair,
                        to_pair);
}

static int64_t count_of(VonkRdd *rdd)
{
    VonkError error;
    int64_t count;

    if (vonk_rdd_count(rdd, &count, &error) == VONK_OK)
        return count;
    printf("%s (%s)\n", error.message, error.detail);
    return -1;
}

/* --- stories --- */

typedef struct Watch {
    VonkJob **jobs;
    atomic_bool is_over;
    atomic_ulong seen;
} Watch;

static void *watch(void *opaque)
{
    Watch *all = opaque;

    while (!atomic_load(&all->is_over))
        for (int i = 0; i < JOBS; i++) {
            VonkJobProgress progress = vonk_job_progress(all->jobs[i]);

            atomic_fetch_add(&all->seen,
                             progress.done + (vonk_job_poll(all->jobs[i]) == VONK_JOB_DONE));
        }
    return NULL;
}

/* Jobs over one RDD that is kept, and let go while they run; somebody looks on. */
START_TEST(kept_shared_and_watched)
{
    static const unsigned levels[] = {VONK_MEMORY | VONK_DISK, VONK_MEMORY, VONK_DISK,
                                      VONK_MEMORY | VONK_COMPRESSED};
    VonkSession *session = open_session("256MiB");
    Named names[] = {{.name = vonk_text("odd")}, {.name = vonk_text("even")}};
    Shared shared = {.records = vonk_accumulator(session), .weight = vonk_accumulator(session)};
    VonkError error;

    ck_assert_int_eq(vonk_broadcast(session, Named, names, 2, &shared.names, &error), VONK_OK);
    for (int round = 0; round < 4; round++) {
        VonkRdd *kept =
            vonk_rdd_persist_at(vonk_rdd_partition_by(pairs(session, 5), 4), levels[round]);
        VonkRdd *named = vonk_rdd_map(kept, Pair, Named, name_pair, VONK_WITH(shared));
        VonkJob *jobs[JOBS];
        int64_t counts[JOBS];
        Watch all = {.jobs = jobs};
        pthread_t watcher;

        vonk_accumulator_reset(session, shared.records);
        for (int i = 0; i < JOBS; i++)
            ck_assert_int_eq(
                vonk_rdd_count(
                    vonk_rdd_async(i % 2 ? named : vonk_rdd_reduce_by_key(kept, Pair, add_pair),
                                   &jobs[i]),
                    &counts[i], &error),
                VONK_OK);
        ck_assert_int_eq(pthread_create(&watcher, NULL, watch, &all), 0);
        vonk_rdd_unpersist(kept);
        ck_assert_int_eq(count_of(vonk_rdd_count_by_key(kept, Pair)), KEYS);
        vonk_rdd_unpersist(kept);
        for (int i = 0; i < JOBS; i++) {
            ck_assert_int_eq(vonk_job_wait(jobs[i], &error), VONK_OK);
            ck_assert_int_eq(counts[i], i % 2 ? RECORDS : KEYS);
        }
        atomic_store(&all.is_over, true);
        pthread_join(watcher, NULL);
        for (int i = 0; i < JOBS; i++)
            vonk_job_free(jobs[i]);
        ck_assert_int_eq(vonk_accumulator_value(session, shared.records), JOBS / 2 * RECORDS);
        ck_assert_double_eq(vonk_accumulator_float8(session, shared.weight),
                            (round + 1) * (JOBS / 2) * RECORDS * 0.5);
    }
    vonk_broadcast_destroy(session, shared.names);
    vonk_session_close(session);
}
END_TEST

typedef struct Canceller {
    VonkSession *session;
    VonkJob *job;
    int way;
} Canceller;

static void *cancel(void *opaque)
{
    const Canceller *what = opaque;

    while (what->way % 2 == 0 && vonk_job_progress(what->job).running == 0 &&
           vonk_job_poll(what->job) == VONK_JOB_RUNNING)
        ; /* every other time as soon as can be */
    if (what->way % 4 == 0)
        vonk_job_cancel(what->job);
    else if (what->way % 4 == 1)
        vonk_cancel_group(what->session, "dawdlers");
    else if (what->way % 4 == 2)
        vonk_cancel_tag(what->session, "slow");
    else
        vonk_session_cancel(what->session);
    return NULL;
}

/* What goes on for ever is cancelled, each way, from another thread; what runs beside it is not. */
START_TEST(cancelled)
{
    VonkSession *session = open_session("256MiB");
    VonkError error;

    ck_assert_int_eq(
        vonk_pool_add(session, "fair", &(VonkPool){.is_fair = true, .weight = 2}, &error), VONK_OK);
    for (int round = 0; round < ROUNDS; round++) {
        VonkRdd *endless =
            vonk_rdd_map(vonk_rdd_range(session, 0, 2, 1, 2), VonkNumber, VonkNumber, dawdle);
        Canceller what = {.session = session, .way = round};
        bool is_of_all = round % 4 == 3;
        VonkJob *beside = NULL;
        pthread_t canceller;
        int64_t endless_count, count;

        ck_assert_int_eq(vonk_job_pool(session, round % 3 == 0 ? "fair" : NULL, &error), VONK_OK);
        vonk_job_group(session, "dawdlers");
        vonk_job_tag(session, "slow");
        ck_assert_int_eq(vonk_rdd_count(vonk_rdd_async(endless, &what.job), &endless_count, &error),
                         VONK_OK);
        vonk_job_group(session, NULL);
        vonk_job_untag(session, NULL);
        if (!is_of_all)
            ck_assert_int_eq(vonk_rdd_count(vonk_rdd_async(vonk_rdd_reduce_by_key(pairs(session, 3),
                                                                                  Pair, add_pair),
                                                           &beside),
                                            &count, &error),
                             VONK_OK);
        ck_assert_int_eq(pthread_create(&canceller, NULL, cancel, &what), 0);
        ck_assert_int_eq(vonk_job_wait(what.job, &error), VONK_CANCELLED);
        pthread_join(canceller, NULL);
        if (beside != NULL) {
            ck_assert_int_eq(vonk_job_wait(beside, &error), VONK_OK);
            ck_assert_int_eq(count, KEYS);
        }
        vonk_job_free(beside);
        vonk_job_free(what.job);
    }
    ck_assert_int_eq(count_of(pairs(session, 3)), RECORDS);
    vonk_session_close(session);
}
END_TEST

/* Blocks and attempts are lost on the way. */
static void *run_session(void *opaque)
{
    VonkSession *session = open_session("256MiB");
    VonkRdd *all = pairs(session, 4), *sums, *joined;
    VonkIterator *iterator;
    VonkJob *left_alone;
    VonkRecords *never_read;
    VonkError error;
    int64_t sum = 0;

    ck_assert_int_eq(vonk_session_set(session, "test.faults", opaque, &error), VONK_OK);
    sums = vonk_rdd_reduce_by_key(all, Pair, add_pair);
    joined = vonk_rdd_join(all, Pair, vonk_rdd_persist(sums), Pair, Pair, put_together,
                           VONK_PARTITIONS(3));
    ck_assert_int_eq(count_of(joined), RECORDS);
    ck_assert_int_eq(vonk_rdd_iterate(vonk_rdd_sort_by(sums, "v DESC"), &iterator, &error),
                     VONK_OK);
    for (const Pair *pair; (pair = VONK_ITERATE(iterator, Pair)) != NULL;)
        sum += pair->v;
    ck_assert_int_eq(vonk_iterator_free(iterator, &error), VONK_OK);
    ck_assert_int_eq(sum, (int64_t)RECORDS * (RECORDS - 1) / 2);
    ck_assert_int_eq(vonk_rdd_iterate(joined, &iterator, &error), VONK_OK);
    ck_assert_ptr_nonnull(VONK_ITERATE(iterator, Pair));
    ck_assert_int_eq(vonk_rdd_collect(vonk_rdd_async(joined, &left_alone), &never_read, &error),
                     VONK_OK);
    vonk_iterator_free(iterator, &error); /* long before its end */
    vonk_session_close(session);
    vonk_job_free(left_alone);
    return NULL;
}

START_TEST(sessions_side_by_side)
{
    static char faults[SESSIONS][2] = {"0", "5", "6"};
    pthread_t threads[SESSIONS];

    for (int i = 0; i < SESSIONS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_session, faults[i]), 0);
    for (int i = 0; i < SESSIONS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs on RDDs at once");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, kept_shared_and_watched);
    tcase_add_test(tests, cancelled);
    tcase_add_test(tests, sessions_side_by_side);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
