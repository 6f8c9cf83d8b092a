/* semantics_rounds.c -- loops that use an RDD more than once a round: the plan grows with the
 * rounds, and what rows meet for is made once */
#include <stdatomic.h>

#include "semantics.h"

VONK_RECORD(Rank, VONK_KEY(int8, k), VONK_FIELD(int8, n));

enum { KEYS = 40 };

/* Fewer where blocks are lost on purpose: each needs the rounds before it again. */
static int rounds_all = 30;

static _Atomic int64_t merges;

void to_rank(VonkTask *task, const VonkNumber *in, Rank *out)
{
    (void)task;
    *out = (Rank){in->value, in->value % 7 + 1};
}

/* Wraps at a prime, so that numbers stay numbers. */
void both(VonkTask *task, const Rank *a, const Rank *b, Rank *out)
{
    (void)task;
    *out = (Rank){a->k, (a->n * 3 + b->n) % 1000003};
}

void next_key(VonkTask *task, const Rank *in, Rank *out)
{
    (void)task;
    *out = (Rank){(in->k + 1) % KEYS, in->n + 1};
}

void add(VonkTask *task, Rank *sum, const Rank *more)
{
    (void)task;
    atomic_fetch_add(&merges, 1);
    sum->n = (sum->n + more->n) % 1000003;
}

static VonkRdd *ranks(VonkSession *session)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, KEYS, 1, 3), VonkNumber, Rank, to_rank);
}

static bool are_right(VonkRdd *rdd, const int64_t *expected, const char *name)
{
    VonkRecords *records;
    VonkError error;
    size_t count, right = 0;

    if (vonk_rdd_collect(rdd, &records, &error) != VONK_OK) {
        fail_with(&error, name);
        return false;
    }
    count = vonk_records_count(records);
    for (size_t i = 0; i < count; i++) {
        const Rank *rank = &VONK_RECORDS(records, Rank)[i];

        right += rank->n == expected[rank->k];
    }
    vonk_records_free(records);
    check(count == KEYS && right == KEYS, name);
    return true;
}

/* As PageRank's: the round before is joined with what was made of it. */
static void test_rounds(VonkSession *session, bool is_kept)
{
    VonkRdd *now = ranks(session);
    int64_t expected[KEYS], before[KEYS];

    for (int k = 0; k < KEYS; k++)
        expected[k] = k % 7 + 1;
    for (int round = 0; round < rounds_all; round++) {
        VonkRdd *moved = vonk_rdd_reduce_by_key(vonk_rdd_map(now, Rank, Rank, next_key), Rank, add);

        now = vonk_rdd_join(now, Rank, moved, Rank, Rank, both);
        if (is_kept)
            now = vonk_rdd_persist(now);
        for (int k = 0; k < KEYS; k++)
            before[k] = expected[k];
        for (int k = 0; k < KEYS; k++)
            expected[k] = (before[k] * 3 + before[(k + KEYS - 1) % KEYS] + 1) % 1000003;
    }
    if (are_right(now, expected, is_kept ? "rounds, persisted" : "rounds") && is_kept)
        are_right(now, expected, "rounds, persisted, again");
}

/* Calls of several shapes that read one RDD twice. */
static void test_shapes(VonkSession *session)
{
    VonkRdd *sums = vonk_rdd_reduce_by_key(ranks(session), Rank, add);
    VonkRdd *x = sums, *both_sides;
    int64_t total = 0;

    for (int round = 0; round < rounds_all; round++)
        x = vonk_rdd_distinct(vonk_rdd_union(x, vonk_rdd_intersection(x, x)));
    check(count_of(x) == KEYS, "unions and intersections with itself");
    for (int round = 0; round < rounds_all; round++)
        x = vonk_rdd_subtract(x, vonk_rdd_subtract(x, x));
    check(count_of(x) == KEYS, "differences with itself");
    both_sides = sums;
    for (int round = 0; round < rounds_all; round++)
        both_sides = vonk_rdd_zip(both_sides, Rank, both_sides, Rank, Rank, both);
    check(count_of(both_sides) == KEYS, "zipped with itself");
    check(count_of(vonk_rdd_union(sums, sums)) == 2 * KEYS, "a union with itself");
    both_sides = vonk_rdd_union(sums, vonk_rdd_map(sums, Rank, Rank, next_key));
    COLLECT(both_sides, Rank, got, count);
    for (size_t i = 0; i < count; i++)
        total += got[i].n;
    check(count == 2 * KEYS && total == 2 * 155 + KEYS, "each reader has its own columns");
    LET_GO(got);
}

/* The function runs as often, however many read the sums. */
static void test_made_once(VonkSession *session)
{
    VonkRdd *twice = vonk_rdd_union(ranks(session), ranks(session));
    VonkRdd *sums = vonk_rdd_reduce_by_key(twice, Rank, add);
    VonkRdd *some = vonk_rdd_filter_by_range(sums, Rank, &(Rank){.k = 3}, NULL);
    int64_t once;

    atomic_store(&merges, 0);
    check(count_of(sums) == KEYS, "sums");
    once = atomic_load(&merges);
    atomic_store(&merges, 0);
    check(count_of(vonk_rdd_join(sums, Rank, some, Rank, Rank, both)) == KEYS - 3,
          "a join with a part of itself");
    if (getenv("EXPECT_CALLS") != NULL)
        check(once >= KEYS && atomic_load(&merges) == once, "what two read is made once");
}

/* A stage that reads what many others made: each of its tasks reads one of them. */
static void test_many_inputs(VonkSession *session)
{
    int inputs = 2 * rounds_all;
    VonkRdd *all = vonk_rdd_reduce_by_key(ranks(session), Rank, add, VONK_PARTITIONS(5));

    for (int i = 1; i < inputs; i++) {
        uint32_t partitions = 1 + (uint32_t)i % 9;
        VonkRdd *more = i % 4 == 0 ? ranks(session)
                                   : vonk_rdd_reduce_by_key(ranks(session), Rank, add,
                                                            VONK_PARTITIONS(partitions));

        all = i % 2 == 0 ? vonk_rdd_union(all, more) : vonk_rdd_union(more, all);
    }
    check(count_of(all) == inputs * KEYS, "a union of many sums");
    COLLECT(vonk_rdd_reduce_by_key(all, Rank, add), Rank, got, count);
    check(count == KEYS, "keys of many sums");
    for (size_t i = 0; i < count; i++)
        if (got[i].n != inputs * (got[i].k % 7 + 1))
            check(false, "each of many sums counts once");
    LET_GO(got);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc, (void)argv;
    if (getenv("WITH_FAULTS") != NULL)
        rounds_all = 2;
    test_rounds(session, false);
    test_rounds(session, true);
    test_shapes(session);
    test_made_once(session);
    test_many_inputs(session);
    return finish();
}
