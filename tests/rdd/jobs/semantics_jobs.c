/* semantics_jobs.c -- jobs in the background, groups and tags, checkpoints; argument: a folder */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Row, VONK_FIELD(int8, i), VONK_NULLABLE(text, t));
VONK_RECORD(Lengths, VONK_FIELD(varchar(3), v), VONK_NULLABLE(char(4), c));
VONK_RECORD(Span, VONK_FIELD(interval, span));
VONK_RECORD(Place, VONK_FIELD(int8, partition), VONK_FIELD(int8, value));

void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->value % 10, .v = in->value};
}

void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

/* The last of three is negative. */
void make_span(VonkTask *task, const VonkNumber *in, Span *out)
{
    (void)task;
    *out = (Span){{.days = in->value == 2 ? -1 : 5, .microseconds = 5000 * in->value}};
}

/* Goes on until it is told to stop. */
void dawdle(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    struct timespec moment = {.tv_nsec = 1000000};

    *out = *in;
    for (int i = 0; i < 60000 && !vonk_task_is_cancelled(task); i++)
        nanosleep(&moment, NULL);
}

void refuse(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    *out = *in;
    vonk_fail(task, "never");
}

void make_row(VonkTask *task, const VonkNumber *in, Row *out)
{
    char *text = vonk_task_alloc(task, 40);

    if (text == NULL)
        return;
    *out = (Row){.i = in->value, .t_is_null = in->value % 7 == 3};
    out->t = (VonkText){text, (size_t)snprintf(text, 40, "row number %lld", (long long)in->value)};
}

void say_place(VonkTask *task, uint32_t partition, VonkIn *in, VonkOut *out)
{
    (void)task;
    for (const Row *row; (row = VONK_NEXT(in, Row)) != NULL;)
        vonk_emit(out, &(Place){.partition = partition, .value = row->i});
}

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

static VonkRdd *slow(VonkSession *session)
{
    return vonk_rdd_map(numbers(session, 4, 4), VonkNumber, VonkNumber, dawdle);
}

static VonkJob *start(VonkRdd *rdd, VonkRecords **records)
{
    VonkJob *job;
    VonkError error;

    if (vonk_rdd_collect(vonk_rdd_async(rdd, &job), records, &error) != VONK_OK)
        fail_with(&error, "start");
    return job;
}

static void test_jobs(VonkSession *session)
{
    VonkRdd *sums = vonk_rdd_reduce_by_key(
        vonk_rdd_map(numbers(session, 10000, 5), VonkNumber, Pair, to_pair), Pair, add_pair);
    VonkRecords *records[3];
    VonkJob *jobs[3] = {start(sums, &records[0]), start(numbers(session, 777, 9), &records[1]),
                        start(sums, &records[2])};
    VonkError error;
    int64_t total = 0;

    check(count_of(sums) == 10, "an action beside jobs in the background");
    check(vonk_job_wait(jobs[0], &error) == VONK_OK && vonk_records_count(records[0]) == 10 &&
              vonk_job_poll(jobs[0]) == VONK_JOB_DONE,
          "a job in the background");
    check(vonk_job_wait(jobs[0], &error) == VONK_OK && vonk_records_count(records[0]) == 10,
          "... waited for twice");
    for (size_t i = 0; i < vonk_records_count(records[0]); i++)
        total += VONK_RECORDS(records[0], Pair)[i].v;
    check(total == 49995000, "... and its records");
    check(vonk_job_wait(jobs[1], &error) == VONK_OK && vonk_records_count(records[1]) == 777,
          "another job's records");
    vonk_job_free(jobs[0]);
    vonk_job_free(jobs[1]);
    vonk_job_free(jobs[2]);
    check(records[2] == NULL, "a job nobody waited for");
    vonk_records_free(records[0]);
    vonk_records_free(records[1]);
}

static void test_cancel(VonkSession *session)
{
    VonkRecords *records;
    VonkJob *job = start(slow(session), &records);
    VonkJobProgress seen;
    VonkError error;

    do
        seen = vonk_job_progress(job);
    while (seen.running == 0 && vonk_job_poll(job) == VONK_JOB_RUNNING);
    check(seen.stages == 1 && seen.tasks == 4 && seen.running > 0, "progress");
    vonk_job_cancel(job);
    check(vonk_job_wait(job, &error) == VONK_CANCELLED && records == NULL &&
              vonk_job_poll(job) == VONK_JOB_CANCELLED,
          "cancel");
    vonk_job_free(job);
    job = start(vonk_rdd_map(numbers(session, 4, 2), VonkNumber, VonkNumber, refuse), &records);
    check(vonk_job_wait(job, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "refuse: never") != NULL &&
              vonk_job_poll(job) == VONK_JOB_FAILED && records == NULL,
          "a job that fails");
    check(vonk_job_wait(job, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "refuse: never") != NULL,
          "... and says so each time");
    vonk_job_free(job);
}

/* --- each action, waited for and in the background --- */

void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

void look_at(VonkTask *task, const Pair *pair)
{
    vonk_accumulate(task, *VONK_CLOSURE(task, VonkAccumulator), pair->v);
}

void look_at_all(VonkTask *task, VonkIn *in)
{
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL;)
        look_at(task, pair);
}

/* What an action has given. */
typedef struct Given {
    VonkRecords *records;
    VonkNumber number;
    VonkStats stats;
    Pair pair;
    double value, edges[5];
    int64_t count, buckets[4];
    bool is;
} Given;

enum { ACTIONS = 24 };

/* The i-th action on the pairs, or on their values. */
static VonkStatus act(int i, VonkRdd *pairs, VonkRdd *values, VonkAccumulator seen,
                      const char *folder, Given *given, VonkError *error)
{
    static const VonkNumber zero;
    static const double edges[] = {0, 10, 100, 1000, 10000};
    const Pair key = {.k = 3};
    char path[500];

    snprintf(path, sizeof path, "%s/%d", folder, i);
    switch (i) {
    case 0:
        return vonk_rdd_collect(pairs, &given->records, error);
    case 1:
        return vonk_rdd_count(pairs, &given->count, error);
    case 2:
        return vonk_rdd_is_empty(pairs, &given->is, error);
    case 3:
        return vonk_rdd_count_approx_distinct(pairs, 0.01, &given->count, error);
    case 4:
        return vonk_rdd_reduce(values, VonkNumber, add_number, &given->number, &given->is, error);
    case 5:
        return vonk_rdd_fold(values, VonkNumber, &zero, add_number, &given->number, error);
    case 6:
        return vonk_rdd_aggregate(values, VonkNumber, VonkNumber, &zero, add_number, add_number,
                                  &given->number, error);
    case 7:
        return vonk_rdd_tree_reduce(values, VonkNumber, 2, add_number, &given->number, &given->is,
                                    error);
    case 8:
        return vonk_rdd_tree_aggregate(values, VonkNumber, VonkNumber, 3, &zero, add_number,
                                       add_number, &given->number, error);
    case 9:
        return vonk_rdd_first(pairs, Pair, &given->pair, &given->is, error);
    case 10:
        return vonk_rdd_max(pairs, Pair, "v", &given->pair, &given->is, error);
    case 11:
        return vonk_rdd_min(pairs, Pair, "k DESC, v DESC", &given->pair, &given->is, error);
    case 12:
        return vonk_rdd_stats(pairs, "v", &given->stats, error);
    case 13:
        return vonk_rdd_sum(pairs, "v", &given->value, error);
    case 14:
        return vonk_rdd_mean(pairs, "v", &given->value, error);
    case 15:
        return vonk_rdd_variance(pairs, "v", &given->value, error);
    case 16:
        return vonk_rdd_histogram(pairs, "v", 4, given->edges, given->buckets, error);
    case 17:
        return vonk_rdd_histogram_of(pairs, "v", edges, 4, given->buckets, error);
    case 18:
        return vonk_rdd_lookup(pairs, Pair, &key, &given->records, error);
    case 19:
        return vonk_rdd_foreach(pairs, Pair, look_at, error, VONK_WITH(seen));
    case 20:
        return vonk_rdd_foreach_partition(pairs, Pair, look_at_all, error, VONK_WITH(seen));
    case 21:
        return vonk_rdd_save(pairs, path, "parquet", error);
    case 22:
        return vonk_rdd_save_as_csv(pairs, path, error);
    default:
        return vonk_rdd_save_as_parquet(pairs, path, error);
    }
}

static bool same_answers(const Given *a, const Given *b)
{
    size_t count = vonk_records_count(a->records);

    return vonk_records_count(b->records) == count &&
           (count == 0 || memcmp(VONK_RECORDS(a->records, Pair), VONK_RECORDS(b->records, Pair),
                                 count * sizeof(Pair)) == 0) &&
           memcmp((const char *)a + sizeof a->records, (const char *)b + sizeof b->records,
                  sizeof *a - sizeof a->records) == 0;
}

/* As act, in the background; nothing is given before the job has been waited for. */
static VonkStatus act_and_wait(int i, VonkRdd *pairs, VonkRdd *values, VonkAccumulator seen,
                               const char *folder, Given *given, VonkError *error)
{
    VonkJob *job, *of_values;
    VonkStatus status = act(i, vonk_rdd_async(pairs, &job), vonk_rdd_async(values, &of_values),
                            seen, folder, given, error);
    char path[500];

    job = job == NULL ? of_values : job;
    check(status == VONK_OK && job != NULL && given->records == NULL && given->count == 0,
          "an action in the background has begun");
    while (vonk_job_poll(job) == VONK_JOB_RUNNING)
        ;
    snprintf(path, sizeof path, "%s/%d", folder, i);
    check(i < 21 || access(path, F_OK) == 0, "what it saves is there when it has ended");
    status = vonk_job_wait(job, error);
    vonk_job_free(job);
    return status;
}

static void test_each_action(VonkSession *session, const char *root)
{
    VonkRdd *pairs = vonk_rdd_map(numbers(session, 10000, 7), VonkNumber, Pair, to_pair);
    VonkRdd *values = numbers(session, 5000, 40);
    VonkAccumulator seen = vonk_accumulator(session);
    VonkError error;
    char folder[400], name[40];

    for (int i = 0; i < ACTIONS; i++) {
        Given now = {0}, later = {0};

        snprintf(name, sizeof name, "action %d in the background", i);
        snprintf(folder, sizeof folder, "%s/now", root);
        if (act(i, pairs, values, seen, folder, &now, &error) != VONK_OK)
            fail_with(&error, name);
        snprintf(folder, sizeof folder, "%s/later", root);
        if (act_and_wait(i, pairs, values, seen, folder, &later, &error) != VONK_OK)
            fail_with(&error, name);
        check(same_answers(&now, &later), name);
        vonk_records_free(now.records);
        vonk_records_free(later.records);
    }
    check(vonk_accumulator_value(session, seen) == (int64_t)4 * 49995000,
          "for each, in the background");
}

/* A folder that cannot be named, a job that fails: nothing is left of what was saved. */
static void test_saves_that_fail(VonkSession *session, const char *root)
{
    VonkRdd *rdd = vonk_rdd_map(numbers(session, 4, 2), VonkNumber, VonkNumber, refuse);
    VonkJob *job;
    VonkError error;
    char folder[400];

    snprintf(folder, sizeof folder, "%s/never/out", root);
    check(vonk_rdd_save_as_csv(vonk_rdd_async(rdd, &job), folder, &error) == VONK_OK &&
              vonk_job_wait(job, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "never") != NULL,
          "a save in the background that fails");
    vonk_job_free(job);
    snprintf(folder, sizeof folder, "%s/never", root);
    check(rmdir(folder) == 0, "... leaves nothing");
}

static void test_groups(VonkSession *session)
{
    VonkJob *a, *b, *c;
    VonkRecords *records[3];
    VonkError error;

    vonk_job_group(session, "slow ones");
    a = start(slow(session), &records[0]);
    vonk_job_group(session, NULL);
    vonk_job_tag(session, "x");
    vonk_job_tag(session, "y");
    b = start(slow(session), &records[1]);
    vonk_job_untag(session, "y");
    c = start(numbers(session, 10, 2), &records[2]);
    vonk_cancel_group(session, "another");
    vonk_cancel_tag(session, "another");
    check(vonk_job_poll(a) == VONK_JOB_RUNNING && vonk_job_poll(b) == VONK_JOB_RUNNING,
          "other groups and tags are left alone");
    vonk_cancel_group(session, "slow ones");
    check(vonk_job_wait(a, &error) == VONK_CANCELLED, "a group is cancelled");
    vonk_cancel_tag(session, "y");
    check(vonk_job_wait(b, &error) == VONK_CANCELLED, "a tag is cancelled");
    check(vonk_job_wait(c, &error) == VONK_OK, "... and nobody without it");
    vonk_job_untag(session, NULL);
    vonk_job_free(a);
    vonk_job_free(b);
    vonk_job_free(c);
    vonk_records_free(records[2]);
}

bool is_not_last(VonkTask *task, const Row *row)
{
    (void)task;
    return row->i < 8000;
}

static void check_checkpoint(VonkRdd *rdd, VonkRdd *fixed, const char *name)
{
    COLLECT(rdd, Row, before, before_count);
    COLLECT(fixed, Row, after, after_count);
    COLLECT(vonk_rdd_map_partitions_with_index(rdd, Row, Place, say_place), Place, was, was_count);
    COLLECT(vonk_rdd_map_partitions_with_index(fixed, Row, Place, say_place), Place, is, is_count);
    bool right = before_count == after_count && was_count == is_count;

    for (size_t i = 0; right && i < before_count; i++)
        right = before[i].i == after[i].i && before[i].t_is_null == after[i].t_is_null &&
                vonk_text_equal(before[i].t, after[i].t) && was[i].partition == is[i].partition;
    check(right, name);
    check(strstr(vonk_rdd_explain(fixed), "call make_") == NULL, "... and its lineage ends there");
    LET_GO(before);
    LET_GO(after);
    LET_GO(was);
    LET_GO(is);
}

/* Bytes that are no UTF-8, zeros among them; texts of all lengths. */
void make_bytes(VonkTask *task, const VonkNumber *in, Row *out)
{
    size_t bytes = (size_t)(in->value % 97);
    unsigned char *text = vonk_task_alloc(task, bytes + 1);

    if (text == NULL)
        return;
    for (size_t i = 0; i < bytes; i++)
        text[i] = (unsigned char)(in->value * 7 + (int64_t)i * 131 + 0x80);
    *out = (Row){.i = in->value, .t = {(const char *)text, bytes}};
}

void make_lengths(VonkTask *task, const VonkNumber *in, Lengths *out)
{
    (void)task;
    *out = (Lengths){.v = vonk_text("abc"), .c = vonk_text("de"), .c_is_null = in->value % 2 == 0};
}

bool has_lengths(VonkTask *task, const Lengths *in)
{
    (void)task;
    return vonk_text_equal(in->v, vonk_text("abc")) &&
           (in->c_is_null || vonk_text_equal(in->c, vonk_text("de")));
}

static void test_checkpoints(VonkSession *session, const char *root)
{
    VonkRdd *rdd = vonk_rdd_map(numbers(session, 9000, 7), VonkNumber, Row, make_row);
    VonkRdd *few = vonk_rdd_map(numbers(session, 3, 7), VonkNumber, Row, make_row);
    VonkRdd *fixed, *bytes;
    uint32_t partitions;
    VonkError error;
    VonkJob *job;
    char path[500];

    snprintf(path, sizeof path, "%s/checkpoint", root);
    check_checkpoint(rdd, vonk_rdd_checkpoint(rdd, path), "checkpoint");
    snprintf(path, sizeof path, "%s/waited", root);
    check_checkpoint(rdd, vonk_rdd_checkpoint(vonk_rdd_async(rdd, &job), path),
                     "checkpoint of an RDD for the background");
    check(job == NULL, "... is waited for");
    REFUSED(vonk_rdd_checkpoint(rdd, path), VONK_BAD_INPUT, "already",
            "a checkpoint that is there");
    bytes = vonk_rdd_map(numbers(session, 5000, 3), VonkNumber, Row, make_bytes);
    snprintf(path, sizeof path, "%s/bytes", root);
    check_checkpoint(bytes, vonk_rdd_checkpoint(bytes, path), "checkpoint of bytes");
    snprintf(path, sizeof path, "%s/lengths", root);
    check(count_of(vonk_rdd_filter(
              vonk_rdd_checkpoint(
                  vonk_rdd_map(numbers(session, 700, 3), VonkNumber, Lengths, make_lengths), path),
              Lengths, has_lengths)) == 700,
          "checkpoint of texts of a length");
    snprintf(path, sizeof path, "%s/spans", root);
    check(count_of(vonk_rdd_checkpoint(
              vonk_rdd_map(numbers(session, 2, 2), VonkNumber, Span, make_span), path)) == 2,
          "checkpoint of intervals");
    snprintf(path, sizeof path, "%s/negative", root);
    REFUSED(vonk_rdd_checkpoint(vonk_rdd_map(numbers(session, 3, 2), VonkNumber, Span, make_span),
                                path),
            VONK_BAD_INPUT, "is an interval that Parquet cannot hold",
            "checkpoint of a negative interval");
    check_checkpoint(rdd, vonk_rdd_local_checkpoint(rdd), "local_checkpoint");
    check_checkpoint(few, vonk_rdd_local_checkpoint(few), "local_checkpoint of empty partitions");
    snprintf(path, sizeof path, "%s/few", root);
    few = vonk_rdd_checkpoint(few, path);
    check(count_of(few) == 3 && vonk_rdd_partition_count(few, &partitions, &error) == VONK_OK &&
              partitions == 7,
          "checkpoint of empty partitions");
    fixed = vonk_rdd_local_checkpoint(rdd);
    for (int round = 0; round < 5; round++) { /* each round lets go of the one before */
        VonkRdd *next = vonk_rdd_local_checkpoint(vonk_rdd_filter(fixed, Row, is_not_last));

        vonk_rdd_unpersist(fixed);
        fixed = next;
    }
    check(count_of(fixed) == 9000 - 1000, "local checkpoints in a loop");
    vonk_rdd_unpersist(fixed);
    REFUSED(fixed, VONK_CORRUPT, "lost", "a local checkpoint that was given back");
    REFUSED(vonk_rdd_local_checkpoint(
                vonk_rdd_map(numbers(session, 4, 2), VonkNumber, VonkNumber, refuse)),
            VONK_BAD_INPUT, "never", "a checkpoint of a job that fails");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    static const char *const folders[] = {"now", "later", "never"};
    char path[500];

    if (argc != 2)
        return 2;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], folders[i]);
        if (mkdir(path, 0777) != 0)
            return 2;
    }
    test_jobs(session);
    test_cancel(session);
    test_each_action(session, argv[1]);
    test_saves_that_fail(session, argv[1]);
    test_groups(session);
    test_checkpoints(session, argv[1]);
    return finish();
}
