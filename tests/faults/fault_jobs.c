/*
 * fault_jobs.c -- the jobs under which calls and allocations fail: a word count and a join
 *
 *     vonk submit fault_jobs.c word_count ROWS | join ROWS       prints a digest of all rows
 *
 * Also part of allocation_driver.c, for jobs "word_count ROWS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vonk/vonk.h>

VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));
VONK_RECORD(Left, VONK_KEY(int8, k), VONK_FIELD(text, t));
VONK_RECORD(Right, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Digest, VONK_FIELD(int8, sum), VONK_FIELD(int8, rows));
VONK_RECORD(Both, VONK_KEY(int8, k), VONK_FIELD(text, t), VONK_FIELD(int8, v));

static VonkText number_text(VonkTask *task, int64_t number)
{
    char *text = vonk_task_alloc(task, 40);

    if (text == NULL)
        return (VonkText){0};
    return (VonkText){text, (size_t)snprintf(text, 40, "this is word %lld", (long long)number)};
}

void split(VonkTask *task, const VonkNumber *number, VonkOut *out)
{
    uint64_t x = (uint64_t)number->value * 2654435761u;

    for (int i = 0; i < 3; i++, x = x * 6364136223846793005u + 1)
        vonk_emit(out, &(Count){.word = number_text(task, (int64_t)(x >> 20) % 1000003), .n = 1});
}

void add(VonkTask *task, Count *sum, const Count *more)
{
    (void)task;
    sum->n += more->n;
}

void make_left(VonkTask *task, const VonkNumber *number, Left *left)
{
    *left = (Left){.k = number->value * 7919 % 100003, .t = number_text(task, number->value)};
}

void make_right(VonkTask *task, const VonkNumber *number, Right *right)
{
    (void)task;
    *right = (Right){.k = number->value * 104729 % 100003, .v = number->value};
}

void put_together(VonkTask *task, const Left *left, const Right *right, Both *both)
{
    (void)task;
    *both = (Both){.k = left->k, .t = left->t, .v = right->v};
}

static int64_t add_bytes(int64_t digest, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        digest = (int64_t)(((uint64_t)digest ^ ((const unsigned char *)bytes)[i]) * 1099511628211u);
    return digest;
}

void digest_count(VonkTask *task, const Count *count, Digest *digest)
{
    (void)task;
    digest->rows = 1;
    digest->sum = add_bytes(count->n, count->word.data, count->word.bytes);
}

void digest_both(VonkTask *task, const Both *both, Digest *digest)
{
    (void)task;
    digest->rows = 1;
    digest->sum = add_bytes(both->k * 31 + both->v, both->t.data, both->t.bytes);
}

/* The order of rows counts. */
void add_digest(VonkTask *task, Digest *sum, const Digest *more)
{
    (void)task;
    sum->sum = (int64_t)((uint64_t)sum->sum * 31 + (uint64_t)more->sum);
    sum->rows += more->rows;
}

static VonkRdd *count_words(VonkSession *session, int64_t rows)
{
    VonkRdd *words =
        vonk_rdd_flat_map(vonk_rdd_range(session, 0, rows, 1, 4), VonkNumber, Count, split);

    return vonk_rdd_map(vonk_rdd_reduce_by_key(words, Count, add, VONK_PARTITIONS(2)), Count,
                        Digest, digest_count);
}

static VonkRdd *join_records(VonkSession *session, int64_t rows)
{
    VonkRdd *left =
        vonk_rdd_map(vonk_rdd_range(session, 0, rows, 1, 4), VonkNumber, Left, make_left);
    VonkRdd *right =
        vonk_rdd_map(vonk_rdd_range(session, 0, rows, 1, 3), VonkNumber, Right, make_right);
    VonkRdd *both = vonk_rdd_join(left, Left, right, Right, Both, put_together);

    return vonk_rdd_map(vonk_rdd_sort_by(both, "k, v, t"), Both, Digest, digest_both);
}

/* "word_count 1000" */
VonkStatus run_fault_job(VonkSession *session, const char *job, uint64_t *digest, VonkError *error);

VonkStatus run_fault_job(VonkSession *session, const char *job, uint64_t *digest, VonkError *error)
{
    int64_t rows = strtoll(strchr(job, ' '), NULL, 10);

    Digest got = {0};
    VonkStatus status =
        vonk_rdd_reduce(job[0] == 'w' ? count_words(session, rows) : join_records(session, rows),
                        Digest, add_digest, &got, NULL, error);

    *digest = (uint64_t)add_bytes(got.sum, &got.rows, sizeof got.rows);
    return status;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    char job[64];
    uint64_t digest;
    VonkError error;

    if (argc != 3)
        return 2;
    snprintf(job, sizeof job, "%s %s", argv[1], argv[2]);
    if (run_fault_job(session, job, &digest, &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\nDETAIL: %s\nHINT: %s\n", error.message, error.detail,
                error.hint);
        return 1;
    }
    printf("%016llx\n", (unsigned long long)digest);
    return 0;
}
