/* semantics_cases.c -- what is easily forgotten: empty RDDs and partitions, one record, skew, keys
 * that are NULL or many times there, more partitions than records, unions of unions, actions again,
 * closures that change after they were used, iterators, pools */
#include "semantics.h"

VONK_RECORD(Pair, VONK_NULLABLE_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Both, VONK_NULLABLE(int8, k), VONK_FIELD(int8, a), VONK_FIELD(int8, b));
VONK_RECORD(Factor, VONK_FIELD(int8, by));

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

/* Keys 0, 1, 2 and NULL. */
void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->value % 4, .k_is_null = in->value % 4 == 3, .v = in->value};
}

void one_key(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = 5, .v = in->value};
}

void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

void first_of(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Pair *pair = VONK_NEXT(in, Pair);

    (void)task;
    vonk_emit(out, pair);
}

void put_both(VonkTask *task, const Pair *a, const Pair *b, Both *out)
{
    (void)task;
    *out = (Both){.k_is_null = true, .a = a == NULL ? -1 : a->v, .b = b == NULL ? -1 : b->v};
}

void count_partitions(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    int64_t count = 0;

    (void)task;
    while (VONK_NEXT(a, Pair) != NULL)
        count += 1000;
    while (VONK_NEXT(b, Pair) != NULL)
        count++;
    vonk_emit(out, &(VonkNumber){.value = count});
}

void times(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    out->value = in->value * VONK_CLOSURE(task, Factor)->by;
}

static int64_t sum_of(VonkRdd *rdd)
{
    VonkNumber sum = {0};
    VonkError error;
    bool found;

    if (vonk_rdd_reduce(rdd, VonkNumber, add_number, &sum, &found, &error) == VONK_OK)
        return found ? sum.value : 0;
    fail_with(&error, "sum");
    return -1;
}

/* Every call by key, on RDDs of so many records in so many partitions. */
static void test_sizes(VonkSession *session, int64_t count, uint32_t partitions)
{
    int64_t keys = count < 4 ? count : 4;
    VonkRdd *rdd = vonk_rdd_map(numbers(session, count, partitions), VonkNumber, Pair, to_pair);
    VonkRdd *one = vonk_rdd_map(numbers(session, count > 0, 3), VonkNumber, Pair, to_pair);
    bool right;

    right = count_of(rdd) == count;
    right &= count_of(vonk_rdd_reduce_by_key(rdd, Pair, add_pair)) == keys;
    right &= count_of(vonk_rdd_group_by_key(rdd, Pair, Pair, first_of)) == keys;
    right &= count_of(vonk_rdd_group_by_key(rdd, Pair, Pair, first_of, VONK_PARTITIONS(7))) == keys;
    right &= count_of(vonk_rdd_cogroup(rdd, Pair, one, Pair, VonkNumber, count_partitions)) == keys;
    right &= count_of(vonk_rdd_distinct(rdd)) == count;
    right &= count_of(vonk_rdd_sort_by(rdd, "v DESC")) == count;
    right &= count_of(vonk_rdd_repartition(rdd, 9)) == count;
    right &= count_of(vonk_rdd_coalesce(rdd, 2)) == count;
    right &= count_of(vonk_rdd_partition_by(rdd, 11)) == count;
    right &= count_of(vonk_rdd_union(rdd, one)) == count + (count > 0);
    right &= count_of(vonk_rdd_intersection(rdd, rdd)) == count;
    right &= count_of(vonk_rdd_subtract(rdd, rdd)) == 0;
    right &= count_of(vonk_rdd_subtract_by_key(rdd, one)) == count - (count + 3) / 4;
    right &= count_of(vonk_rdd_join(rdd, Pair, one, Pair, Both, put_both)) == (count + 3) / 4;
    right &= count_of(vonk_rdd_left_join(rdd, Pair, one, Pair, Both, put_both)) == count;
    right &= count_of(vonk_rdd_take_ordered(rdd, 3, "v")) == (count < 3 ? count : 3);
    check(right, count == 0   ? "nothing in some partitions"
                 : count == 1 ? "one record"
                 : count < 10 ? "more partitions than records"
                              : "records in all partitions");
}

static void test_duplicates(VonkSession *session)
{
    VonkRdd *a = vonk_rdd_map(numbers(session, 400, 5), VonkNumber, Pair, to_pair);
    VonkRdd *b = vonk_rdd_map(numbers(session, 40, 3), VonkNumber, Pair, to_pair);
    VonkRdd *skewed = vonk_rdd_map(numbers(session, 50000, 6), VonkNumber, Pair, one_key);
    VonkRdd *joined;
    uint32_t partitions;
    VonkError error;

    check(count_of(vonk_rdd_join(a, Pair, b, Pair, Both, put_both)) == 4 * 100 * 10,
          "each record of a key meets each: NULL is a key");
    joined = vonk_rdd_join(a, Pair, b, Pair, Both, put_both, VONK_PARTITIONS(13));
    check(count_of(joined) == 4 * 100 * 10 &&
              vonk_rdd_partition_count(joined, &partitions, &error) == VONK_OK && partitions == 13,
          "a join into so many partitions");
    check(count_of(vonk_rdd_full_join(a, Pair, skewed, Pair, Both, put_both)) == 400 + 50000,
          "no key in common");
    check(count_of(vonk_rdd_cogroup(skewed, Pair, b, Pair, VonkNumber, count_partitions)) == 5,
          "one key for all of an input");
    check(sum_of(vonk_rdd_cogroup(skewed, Pair, b, Pair, VonkNumber, count_partitions)) ==
              50000 * 1000 + 40,
          "... all records are seen");
}

static void test_unions(VonkSession *session)
{
    VonkRdd *rdd = numbers(session, 10, 2), *left = rdd, *right = rdd, *balanced = rdd;
    uint32_t partitions;
    VonkError error;

    for (int i = 0; i < 200; i++) {
        left = vonk_rdd_union(left, rdd);
        right = vonk_rdd_union(rdd, right);
    }
    for (int i = 0; i < 8; i++)
        balanced = vonk_rdd_union(balanced, balanced);
    check(count_of(left) == 2010 && sum_of(left) == 201 * 45, "unions of unions, on the left");
    check(count_of(right) == 2010 && sum_of(right) == 201 * 45, "unions of unions, on the right");
    check(count_of(balanced) == 2560 && sum_of(balanced) == 256 * 45, "a union with itself");
    check(vonk_rdd_partition_count(left, &partitions, &error) == VONK_OK && partitions == 402,
          "a union has the partitions of both");
    check(count_of(vonk_rdd_distinct(vonk_rdd_union(left, balanced))) == 10,
          "a shuffle of unions of unions");
}

static void test_again(VonkSession *session)
{
    Factor factor = {.by = 3};
    VonkRdd *rdd =
        vonk_rdd_map(numbers(session, 1000, 4), VonkNumber, VonkNumber, times, VONK_WITH(factor));
    VonkRdd *other;
    bool right = true;

    factor.by = 5; /* the copy is the RDD's */
    for (int i = 0; i < 4; i++)
        right &= sum_of(rdd) == 3 * 499500 && count_of(rdd) == 1000;
    check(right, "a closure is copied; actions again give the same");
    other =
        vonk_rdd_map(numbers(session, 1000, 4), VonkNumber, VonkNumber, times, VONK_WITH(factor));
    check(sum_of(vonk_rdd_union(rdd, other)) == 8 * 499500, "two closures of one function");
}

void counted(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    *out = *in;
    vonk_accumulate(task, *VONK_CLOSURE(task, VonkAccumulator), 1);
}

/* Partitions are made as they are read, not all of them first. */
static void test_iterator(VonkSession *session)
{
    VonkAccumulator calls = vonk_accumulator(session);
    VonkRdd *rdd = vonk_rdd_map(numbers(session, 64000, 640), VonkNumber, VonkNumber, counted,
                                VONK_WITH(calls));
    VonkIterator *iterator;
    VonkError error = {0};
    int64_t seen = 0, early;
    bool right = true;

    if (vonk_rdd_iterate(rdd, &iterator, &error) != VONK_OK) {
        fail_with(&error, "iterate");
        return;
    }
    right &= VONK_ITERATE(iterator, VonkNumber) != NULL;
    early = vonk_accumulator_value(session, calls);
    for (const VonkNumber *number; (number = VONK_ITERATE(iterator, VonkNumber)) != NULL;)
        right &= number->value == ++seen;
    check(vonk_iterator_free(iterator, &error) == VONK_OK && right && seen == 63999, "iterate all");
    check(early > 0 && early < 20000, "the first record comes before all are made");
    if (vonk_rdd_iterate(vonk_rdd_sort_by(rdd, "value DESC"), &iterator, &error) != VONK_OK) {
        fail_with(&error, "iterate a sort");
        return;
    }
    seen = 64000;
    for (const VonkNumber *number; (number = VONK_ITERATE(iterator, VonkNumber)) != NULL;)
        right &= number->value == --seen;
    check(vonk_iterator_free(iterator, &error) == VONK_OK && right && seen == 0,
          "iterate what was shuffled");
}

/* What other jobs lose meanwhile (in tests of faults their executors die) is made again. */
static void test_iterator_beside_jobs(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_repartition(numbers(session, 2000, 4), 100);
    VonkRdd *other = vonk_rdd_repartition(numbers(session, 100, 20), 20);
    VonkIterator *iterator;
    VonkError error = {0};
    int64_t sum = 0, seen = 0;
    bool right = true;

    if (vonk_rdd_iterate(rdd, &iterator, &error) != VONK_OK) {
        fail_with(&error, "iterate beside jobs");
        return;
    }
    for (const VonkNumber *number; (number = VONK_ITERATE(iterator, VonkNumber)) != NULL;) {
        sum += number->value;
        if (seen++ % 50 == 0)
            right &= count_of(other) == 100;
    }
    if (vonk_iterator_free(iterator, &error) != VONK_OK)
        fail_with(&error, "iterate beside jobs");
    else
        check(right && seen == 2000 && sum == 1999000, "iterate beside jobs");
}

static void test_pools(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_reduce_by_key(
        vonk_rdd_map(numbers(session, 20000, 8), VonkNumber, Pair, to_pair), Pair, add_pair);
    VonkError error;
    VonkJob *jobs[4];
    int64_t counts[4];
    bool right = true;

    check(vonk_pool_add(session, "fair", &(VonkPool){.is_fair = true, .weight = 3, .min_share = 1},
                        &error) == VONK_OK,
          "a pool");
    check(vonk_pool_add(session, "fair", &(VonkPool){0}, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "already") != NULL,
          "a pool that is there");
    check(vonk_job_pool(session, "slow", &error) == VONK_BAD_INPUT &&
              strstr(error.message, "slow") != NULL,
          "a pool that is not there");
    for (int i = 0; i < 4; i++) {
        right &= vonk_job_pool(session, i % 2 == 0 ? "fair" : "default", &error) == VONK_OK;
        right &= vonk_rdd_count(vonk_rdd_async(rdd, &jobs[i]), &counts[i], &error) == VONK_OK;
    }
    right &= vonk_job_pool(session, NULL, &error) == VONK_OK;
    for (int i = 0; i < 4; i++) {
        right &= vonk_job_wait(jobs[i], &error) == VONK_OK && counts[i] == 4;
        vonk_job_free(jobs[i]);
    }
    check(right && count_of(rdd) == 4, "jobs in two pools");
}

/* A task of a union that reads more tasks' blocks than it may miss one by one. */
static void test_many_inputs(VonkSession *session)
{
    VonkRdd *pairs = vonk_rdd_map(numbers(session, 1000, 200), VonkNumber, Pair, to_pair);
    VonkRdd *sums = vonk_rdd_reduce_by_key(pairs, Pair, add_pair, VONK_PARTITIONS(30));
    VonkRdd *both = vonk_rdd_union(sums, vonk_rdd_parallelize(session, Pair, NULL, 0, 1));

    check(count_of(vonk_rdd_take_sample(both, 20, 1)) == 4, "a union that reads 200 tasks");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_sizes(session, 0, 5);
    test_sizes(session, 0, 1);
    test_sizes(session, 1, 1);
    test_sizes(session, 1, 6);
    test_sizes(session, 5, 40);
    test_sizes(session, 1000, 7);
    test_duplicates(session);
    test_unions(session);
    test_again(session);
    test_iterator(session);
    test_iterator_beside_jobs(session);
    test_pools(session);
    test_many_inputs(session);
    return finish();
}
