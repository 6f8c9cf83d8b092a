/* semantics_jobs.c -- jobs in the background, groups and tags, checkpoints; argument: a folder */
#include <time.h>

#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Row, VONK_FIELD(int8, i), VONK_NULLABLE(text, t));
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

static VonkJob *start(VonkRdd *rdd)
{
    VonkJob *job = NULL;
    VonkError error;

    if (vonk_rdd_start(rdd, &job, &error) != VONK_OK)
        fail_with(&error, "start");
    return job;
}

static void test_jobs(VonkSession *session)
{
    VonkRdd *sums = vonk_rdd_reduce_by_key(
        vonk_rdd_map(numbers(session, 10000, 5), VonkNumber, Pair, to_pair), Pair, add_pair);
    VonkJob *jobs[3] = {start(sums), start(numbers(session, 777, 9)), start(sums)};
    VonkRecords *records = NULL;
    VonkError error;
    int64_t count, total = 0;

    check(count_of(sums) == 10, "an action beside jobs in the background");
    check(vonk_job_wait(jobs[0], &records, &error) == VONK_OK &&
              vonk_records_count(records) == 10 && vonk_job_poll(jobs[0]) == VONK_JOB_DONE,
          "a job in the background");
    for (size_t i = 0; records != NULL && i < vonk_records_count(records); i++)
        total += VONK_RECORDS(records, Pair)[i].v;
    check(total == 49995000, "... and its records");
    vonk_records_free(records);
    check(vonk_job_count(jobs[1], &count, &error) == VONK_OK && count == 777, "count of a job");
    vonk_job_free(jobs[0]);
    vonk_job_free(jobs[1]);
    vonk_job_free(jobs[2]);
    check(true, "a job nobody waited for");
}

static void test_cancel(VonkSession *session)
{
    VonkJob *job = start(slow(session));
    VonkRecords *records;
    VonkJobProgress seen;
    VonkError error;

    do
        seen = vonk_job_progress(job);
    while (seen.running == 0 && vonk_job_poll(job) == VONK_JOB_RUNNING);
    check(seen.stages == 1 && seen.tasks == 4 && seen.running > 0, "progress");
    vonk_job_cancel(job);
    check(vonk_job_wait(job, &records, &error) == VONK_CANCELLED && records == NULL &&
              vonk_job_poll(job) == VONK_JOB_CANCELLED,
          "cancel");
    vonk_job_free(job);
    job = start(vonk_rdd_map(numbers(session, 4, 2), VonkNumber, VonkNumber, refuse));
    check(vonk_job_wait(job, &records, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "refuse: never") != NULL &&
              vonk_job_poll(job) == VONK_JOB_FAILED,
          "a job that fails");
    vonk_job_free(job);
}

static void test_groups(VonkSession *session)
{
    VonkJob *a, *b, *c;
    VonkError error;

    vonk_job_group(session, "slow ones");
    a = start(slow(session));
    vonk_job_group(session, NULL);
    vonk_job_tag(session, "x");
    vonk_job_tag(session, "y");
    b = start(slow(session));
    vonk_job_untag(session, "y");
    c = start(numbers(session, 10, 2));
    vonk_cancel_group(session, "another");
    vonk_cancel_tag(session, "another");
    check(vonk_job_poll(a) == VONK_JOB_RUNNING && vonk_job_poll(b) == VONK_JOB_RUNNING,
          "other groups and tags are left alone");
    vonk_cancel_group(session, "slow ones");
    check(vonk_job_wait(a, NULL, &error) == VONK_CANCELLED, "a group is cancelled");
    vonk_cancel_tag(session, "y");
    check(vonk_job_wait(b, NULL, &error) == VONK_CANCELLED, "a tag is cancelled");
    check(vonk_job_wait(c, NULL, &error) == VONK_OK, "... and nobody without it");
    vonk_job_untag(session, NULL);
    vonk_job_free(a);
    vonk_job_free(b);
    vonk_job_free(c);
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

static void test_checkpoints(VonkSession *session, const char *root)
{
    VonkRdd *rdd = vonk_rdd_map(numbers(session, 9000, 7), VonkNumber, Row, make_row);
    VonkRdd *few = vonk_rdd_map(numbers(session, 3, 7), VonkNumber, Row, make_row);
    VonkRdd *fixed, *bytes;
    uint32_t partitions;
    VonkError error;
    char path[500];

    snprintf(path, sizeof path, "%s/checkpoint", root);
    check_checkpoint(rdd, vonk_rdd_checkpoint(rdd, path), "checkpoint");
    REFUSED(vonk_rdd_checkpoint(rdd, path), VONK_BAD_INPUT, "already",
            "a checkpoint that is there");
    bytes = vonk_rdd_map(numbers(session, 5000, 3), VonkNumber, Row, make_bytes);
    snprintf(path, sizeof path, "%s/bytes", root);
    check_checkpoint(bytes, vonk_rdd_checkpoint(bytes, path), "checkpoint of bytes");
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
    if (argc != 2)
        return 2;
    test_jobs(session);
    test_cancel(session);
    test_groups(session);
    test_checkpoints(session, argv[1]);
    return finish();
}
