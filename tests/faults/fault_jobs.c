/*
 * fault_jobs.c -- the jobs under which calls and allocations fail
 *
 *     vonk submit fault_jobs.c word_count ROWS       prints a digest of all rows
 *
 * The others: run_fault_job.
 *
 * Also part of allocation_driver.c, for jobs "word_count ROWS".
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* --- groups, order, what is kept --- */

void meet(VonkTask *task, VonkIn *left, VonkIn *right, VonkOut *out)
{
    Both both = {0};

    (void)task;
    for (const Left *l; (l = VONK_NEXT(left, Left)) != NULL; both.v++) {
        both.k = l->k;
        both.t = l->t;
    }
    for (const Right *r; (r = VONK_NEXT(right, Right)) != NULL;) {
        both.k = r->k;
        both.v = both.v * 31 + r->v;
    }
    vonk_emit(out, &both);
}

typedef struct Known {
    VonkBroadcast numbers;
    VonkAccumulator seen;
} Known;

void look_up(VonkTask *task, const Right *right, Right *out)
{
    const Known *known = VONK_CLOSURE(task, Known);
    size_t count;
    const VonkNumber *numbers = VONK_BROADCAST(task, known->numbers, VonkNumber, &count);

    if (numbers == NULL)
        return;
    vonk_accumulate(task, known->seen, right->v);
    *out = (Right){.k = right->k, .v = numbers[(uint64_t)right->v % count].value};
}

void number_record(VonkTask *task, const Right *right, int64_t index, Right *out)
{
    (void)task;
    *out = (Right){.k = right->k, .v = right->v * 31 + index};
}

void digest_right(VonkTask *task, const Right *right, Digest *digest)
{
    (void)task;
    digest->rows = 1;
    digest->sum = add_bytes(right->k * 31, &right->v, sizeof right->v);
}

void digest_line(VonkTask *task, const VonkLine *line, Digest *digest)
{
    (void)task;
    digest->rows = 1;
    digest->sum = add_bytes(1, line->text.data, line->text.bytes);
}

void write_line(VonkTask *task, const Left *left, VonkLine *line)
{
    (void)task;
    line->text = left->t;
}

static VonkRdd *left_records(VonkSession *session, int64_t rows)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, rows, 1, 4), VonkNumber, Left, make_left);
}

static VonkRdd *right_records(VonkSession *session, int64_t rows)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, rows, 1, 3), VonkNumber, Right, make_right);
}

static VonkStatus digest_of(VonkRdd *rdd, Digest *got, VonkError *error)
{
    return vonk_rdd_reduce(rdd, Digest, add_digest, got, NULL, error);
}

static VonkStatus cogroup_records(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkRdd *met = vonk_rdd_cogroup(left_records(session, rows), Left, right_records(session, rows),
                                    Right, Both, meet);

    return digest_of(vonk_rdd_map(met, Both, Digest, digest_both), got, error);
}

static VonkStatus sort_records(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkRdd *sorted = vonk_rdd_sort_by(right_records(session, rows), "v DESC");

    sorted = vonk_rdd_zip_with_index(sorted, Right, Right, number_record);
    return digest_of(vonk_rdd_map(sorted, Right, Digest, digest_right), got, error);
}

static VonkStatus look_up_records(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    static VonkNumber numbers[1000];
    Known known = {.seen = vonk_accumulator(session)};
    VonkStatus status;

    for (int64_t i = 0; i < 1000; i++)
        numbers[i].value = i * i;
    status = vonk_broadcast(session, VonkNumber, numbers, 1000, &known.numbers, error);
    if (status == VONK_OK)
        status = digest_of(vonk_rdd_map(vonk_rdd_map(right_records(session, rows), Right, Right,
                                                     look_up, VONK_WITH(known)),
                                        Right, Digest, digest_right),
                           got, error);
    got->sum ^= vonk_accumulator_value(session, known.seen);
    vonk_broadcast_destroy(session, known.numbers);
    return status;
}

static VonkStatus keep_records(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkRdd *kept = vonk_rdd_persist_at(vonk_rdd_partition_by(left_records(session, rows), 3),
                                        VONK_DISK | VONK_COMPRESSED);
    VonkRdd *fixed = vonk_rdd_local_checkpoint(
        vonk_rdd_join(kept, Left, right_records(session, rows), Right, Both, put_together));
    Digest first = {0};
    VonkStatus status = digest_of(vonk_rdd_map(fixed, Both, Digest, digest_both), &first, error);

    if (status == VONK_OK)
        status = digest_of(vonk_rdd_map(fixed, Both, Digest, digest_both), got, error);
    if (status == VONK_OK && (first.sum != got->sum || first.rows != got->rows))
        got->rows = -1;
    vonk_rdd_unpersist(kept);
    vonk_rdd_unpersist(fixed);
    return status;
}

/* --- files --- */

/* A name that is nobody else's, in the folder for temporary files. */
static void name_folder(char name[300])
{
    const char *folder = getenv("TMPDIR");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, 300, "%s/saved.%d.%lld.%ld", folder == NULL ? "/tmp" : folder, (int)getpid(),
             (long long)now.tv_sec, now.tv_nsec);
}

static void remove_folder(const char *name)
{
    DIR *folder = opendir(name);
    char path[600];

    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(name);
}

/* A save that has failed leaves nothing. */
static VonkStatus check_gone(const char *name, VonkStatus status, VonkError *error)
{
    if (access(name, F_OK) == 0) {
        *error = (VonkError){.status = VONK_INTERNAL};
        snprintf(error->message, sizeof error->message, "it has left \"%s\"", name);
        return VONK_INTERNAL;
    }
    return status;
}

static VonkStatus save_text(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkStatus status;
    char name[300];

    name_folder(name);
    status = vonk_rdd_save_as_text(
        vonk_rdd_map(left_records(session, rows), Left, VonkLine, write_line), name, error);
    if (status != VONK_OK)
        return check_gone(name, status, error);
    status = digest_of(
        vonk_rdd_map(vonk_rdd_text_file(session, name), VonkLine, Digest, digest_line), got, error);
    remove_folder(name);
    return status;
}

static VonkStatus save_parquet(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkStatus status;
    char name[300], sql[400];

    name_folder(name);
    status = vonk_rdd_save_as_parquet(right_records(session, rows), name, error);
    if (status != VONK_OK)
        return check_gone(name, status, error);
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s/*')", name);
    status = digest_of(vonk_rdd_map(vonk_rdd_sql(session, Right, sql), Right, Digest, digest_right),
                       got, error);
    remove_folder(name);
    return status;
}

static VonkStatus checkpoint(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    VonkStatus status;
    char name[300];

    name_folder(name);
    status =
        digest_of(vonk_rdd_map(vonk_rdd_checkpoint(
                                   vonk_rdd_repartition(right_records(session, rows), 5), name),
                               Right, Digest, digest_right),
                  got, error);
    remove_folder(name);
    return status;
}

/* --- all of them --- */

static VonkStatus word_count(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    return digest_of(count_words(session, rows), got, error);
}

static VonkStatus join(VonkSession *session, int64_t rows, Digest *got, VonkError *error)
{
    return digest_of(join_records(session, rows), got, error);
}

/* "word_count 1000" */
VonkStatus run_fault_job(VonkSession *session, const char *job, uint64_t *digest, VonkError *error);

VonkStatus run_fault_job(VonkSession *session, const char *job, uint64_t *digest, VonkError *error)
{
    static const struct {
        const char *name;
        VonkStatus (*run)(VonkSession *session, int64_t rows, Digest *got, VonkError *error);
    } jobs[] = {{"word_count", word_count},   {"join", join},
                {"cogroup", cogroup_records}, {"sort", sort_records},
                {"look_up", look_up_records}, {"keep", keep_records},
                {"save_text", save_text},     {"save_parquet", save_parquet},
                {"checkpoint", checkpoint}};
    size_t name_bytes = strcspn(job, " ");
    Digest got = {0};
    VonkStatus status = VONK_INTERNAL;

    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (strlen(jobs[i].name) == name_bytes && memcmp(jobs[i].name, job, name_bytes) == 0)
            status = jobs[i].run(session, strtoll(job + name_bytes, NULL, 10), &got, error);
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
