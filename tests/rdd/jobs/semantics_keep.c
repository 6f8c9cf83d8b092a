/* semantics_keep.c -- what persist keeps, at each level; with an argument "short": under a budget
 * of memory that does not hold it all */
#include <stdatomic.h>
#include <string.h>

#include "semantics.h"

VONK_RECORD(Row, VONK_KEY(int8, k), VONK_FIELD(text, t), VONK_NULLABLE(float8, x));

enum { PARTITIONS = 16 };

static int64_t records_all = 20000;
static _Atomic int64_t calls;

void make_row(VonkTask *task, const VonkNumber *in, Row *out)
{
    char *text = vonk_task_alloc(task, 64);

    atomic_fetch_add(&calls, 1);
    if (text == NULL)
        return;
    *out = (Row){.k = in->value,
                 .t = {text, (size_t)snprintf(text, 64, "record number %lld of all, in text",
                                              (long long)in->value)},
                 .x = (double)in->value / 3,
                 .x_is_null = in->value % 7 == 0};
}

/* Depends on each byte of each record, and on their order. */
void fold(VonkTask *task, VonkIn *in, VonkOut *out)
{
    uint64_t sum = 1;

    (void)task;
    for (const Row *row; (row = VONK_NEXT(in, Row)) != NULL;) {
        sum = sum * 31 + (uint64_t)row->k + (row->x_is_null ? 5 : (uint64_t)(row->x * 3));
        for (size_t i = 0; i < row->t.bytes; i++)
            sum = sum * 31 + (unsigned char)row->t.data[i];
    }
    vonk_emit(out, &(VonkNumber){.value = (int64_t)(sum >> 1)});
}

static VonkRdd *rows(VonkSession *session)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, records_all, 1, PARTITIONS), VonkNumber, Row,
                        make_row);
}

/* One number for all partitions' folds. */
static uint64_t digest(VonkRdd *rdd)
{
    VonkRecords *records;
    VonkError error;
    uint64_t sum = 0;

    if (vonk_rdd_collect(vonk_rdd_map_partitions(rdd, Row, VonkNumber, fold), &records, &error) !=
        VONK_OK) {
        fail_with(&error, "digest");
        return 0;
    }
    for (size_t i = 0; i < vonk_records_count(records); i++)
        sum = sum * 31 + (uint64_t)VONK_RECORDS(records, VonkNumber)[i].value;
    vonk_records_free(records);
    return sum;
}

static const struct {
    unsigned keep;
    const char *name, *shown;
} levels[] = {{VONK_MEMORY, "memory", "kept in memory ("},
              {VONK_MEMORY | VONK_COMPRESSED, "memory, compressed", "kept in memory, compressed ("},
              {VONK_MEMORY | VONK_DISK, "memory and disk", "kept ("},
              {VONK_MEMORY | VONK_DISK | VONK_COMPRESSED, "memory and disk, compressed",
               "kept, compressed ("},
              {VONK_DISK, "disk", "kept on disk ("},
              {VONK_DISK | VONK_COMPRESSED, "disk, compressed", "kept on disk, compressed ("},
              {VONK_MEMORY | VONK_TWO_REPLICAS, "two replicas", "kept in memory ("},
              {0, NULL, NULL}};

/* With enough memory and no faults nothing is computed twice, whatever the level. */
static void test_level(VonkSession *session, int level, uint64_t expected, bool is_short)
{
    VonkRdd *kept = vonk_rdd_persist_at(rows(session), levels[level].keep);
    int64_t first;
    uint64_t seen[3];

    atomic_store(&calls, 0);
    for (int i = 0; i < 3; i++) {
        seen[i] = digest(kept);
        if (i == 0)
            first = atomic_load(&calls);
    }
    check(seen[0] == expected && seen[1] == expected && seen[2] == expected, levels[level].name);
    check(strstr(vonk_rdd_explain(vonk_rdd_map_partitions(kept, Row, VonkNumber, fold)),
                 levels[level].shown) != NULL,
          "a level in the lineage");
    if (getenv("EXPECT_CALLS") != NULL) {
        /* packed, all of it fits */
        bool is_kept = !is_short || (levels[level].keep & (VONK_DISK | VONK_COMPRESSED)) != 0;

        check(first == records_all, "made once by the first job");
        check(is_kept ? atomic_load(&calls) == records_all : atomic_load(&calls) > records_all,
              is_kept ? "kept for the next job" : "dropped, and made again");
    }
    vonk_rdd_unpersist(kept);
    check(digest(kept) == expected, "after unpersist");
}

/* Two jobs at once make and read the same, while it is given back. */
static void test_unpersist_while_running(VonkSession *session, uint64_t expected)
{
    for (int level = 0; levels[level].name != NULL; level++) {
        VonkRdd *kept = vonk_rdd_persist_at(rows(session), levels[level].keep);
        VonkRdd *folded = vonk_rdd_map_partitions(kept, Row, VonkNumber, fold);
        VonkJob *jobs[2];
        VonkRecords *records[2];
        VonkError error;

        for (int i = 0; i < 2; i++)
            if (vonk_rdd_collect(vonk_rdd_async(folded, &jobs[i]), &records[i], &error) !=
                VONK_OK) {
                fail_with(&error, "start");
                return;
            }
        vonk_rdd_unpersist(kept);
        for (int i = 0; i < 2; i++) {
            uint64_t sum = 0;

            if (vonk_job_wait(jobs[i], &error) != VONK_OK) {
                fail_with(&error, "unpersist while running");
                return;
            }
            for (size_t r = 0; r < vonk_records_count(records[i]); r++)
                sum = sum * 31 + (uint64_t)VONK_RECORDS(records[i], VonkNumber)[r].value;
            check(sum == expected, "unpersist while running");
            vonk_records_free(records[i]);
            vonk_job_free(jobs[i]);
        }
        check(digest(kept) == expected, "after unpersist while running");
        vonk_rdd_unpersist(kept);
    }
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    bool is_short = argc > 1 && strcmp(argv[1], "short") == 0;
    uint64_t expected;

    if (is_short)
        records_all = 800000;
    expected = digest(rows(session));
    for (int level = 0; levels[level].name != NULL; level++)
        test_level(session, level, expected, is_short);
    if (!is_short)
        test_unpersist_while_running(session, expected);
    REFUSED(vonk_rdd_persist_at(rows(session), VONK_COMPRESSED), VONK_BAD_INPUT, "level 4",
            "neither memory nor disk");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
