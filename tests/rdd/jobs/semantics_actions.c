/* semantics_actions.c -- answers: one record, folds, trees, statistics, samples, iterators */
#include <math.h>

#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Reading, VONK_FIELD(int4, i), VONK_NULLABLE(float8, x), VONK_FIELD(numeric(12, 2), n),
            VONK_FIELD(text, name));
VONK_RECORD(Line, VONK_FIELD(text, text));

/* --- functions --- */

void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

void keep_longer(VonkTask *task, Line *sum, const Line *more)
{
    (void)task;
    if (more->text.bytes > sum->text.bytes)
        sum->text = more->text;
}

void print_number(VonkTask *task, const VonkNumber *in, Line *out)
{
    char *text = vonk_task_alloc(task, 64);

    if (text != NULL)
        out->text = (VonkText){
            text, (size_t)snprintf(text, 64, "a rather long number: %lld", (long long)in->value)};
}

void measure(VonkTask *task, const VonkNumber *in, Reading *out)
{
    (void)task;
    *out = (Reading){.i = (int32_t)in->value,
                     .x = (double)in->value / 8,
                     .x_is_null = in->value % 10 == 9,
                     .n = in->value * 100,
                     .name = vonk_text("reading")};
}

void nothing(VonkTask *task, VonkIn *in)
{
    while (VONK_NEXT(in, VonkNumber) != NULL)
        if (vonk_task_partition(task) > 1000)
            vonk_fail(task, "there are not so many");
}

void refuse_partition(VonkTask *task, VonkIn *in)
{
    (void)in;
    if (vonk_task_partition(task) == 2)
        vonk_fail(task, "not partition 2");
}

void modulo(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    out->value = in->value % *VONK_CLOSURE(task, int64_t);
}

/* --- cases --- */

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

static VonkRdd *readings(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_map(numbers(session, count, partitions), VonkNumber, Reading, measure);
}

static void test_one(VonkSession *session)
{
    VonkNumber one = {-1};
    Line line;
    VonkError error;
    bool found, is_empty;

    check(vonk_rdd_first(vonk_rdd_range(session, 5, 5000, 1, 9), VonkNumber, &one, &found,
                         &error) == VONK_OK &&
              found && one.value == 5,
          "first");
    check(vonk_rdd_first(numbers(session, 0, 3), VonkNumber, &one, &found, &error) == VONK_OK &&
              !found,
          "first of nothing");
    check(vonk_rdd_max(numbers(session, 777, 5), VonkNumber, "value", &one, &found, &error) ==
                  VONK_OK &&
              found && one.value == 776,
          "max");
    check(vonk_rdd_min(vonk_rdd_map(numbers(session, 777, 5), VonkNumber, Line, print_number), Line,
                       "text DESC", &line, &found, &error) == VONK_OK &&
              found && vonk_text_equal(line.text, vonk_text("a rather long number: 99")),
          "min by a text, descending");
    check(vonk_rdd_min(numbers(session, 0, 5), VonkNumber, "value", &one, &found, &error) ==
                  VONK_OK &&
              !found,
          "min of nothing");
    check(vonk_rdd_max(numbers(session, 9, 5), VonkNumber, "size", &one, &found, &error) ==
                  VONK_BAD_INPUT &&
              !found,
          "max by a field that is not there");
    check(vonk_rdd_first(numbers(session, 9, 5), Line, &line, &found, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "Line") != NULL,
          "first as another type");
    check(vonk_rdd_is_empty(numbers(session, 0, 5), &is_empty, &error) == VONK_OK && is_empty &&
              vonk_rdd_is_empty(numbers(session, 1, 5), &is_empty, &error) == VONK_OK && !is_empty,
          "is_empty");
}

static void test_folds(VonkSession *session)
{
    VonkNumber sum, zero = {0};
    VonkRdd *lines = vonk_rdd_map(numbers(session, 1000, 100), VonkNumber, Line, print_number);
    Line longest;
    VonkError error;
    bool found;

    check(vonk_rdd_fold(numbers(session, 1001, 7), VonkNumber, &zero, add_number, &sum, &error) ==
                  VONK_OK &&
              sum.value == 500500,
          "fold");
    zero.value = -4;
    check(vonk_rdd_fold(numbers(session, 0, 7), VonkNumber, &zero, add_number, &sum, &error) ==
                  VONK_OK &&
              sum.value == -4,
          "fold of nothing");
    zero.value = 0;
    for (uint32_t depth = 1; depth <= 4; depth++) {
        check(vonk_rdd_tree_reduce(numbers(session, 1001, 300), VonkNumber, depth, add_number, &sum,
                                   &found, &error) == VONK_OK &&
                  found && sum.value == 500500,
              "tree_reduce");
        check(vonk_rdd_tree_aggregate(numbers(session, 1001, 2), VonkNumber, VonkNumber, depth,
                                      &zero, add_number, add_number, &sum, &error) == VONK_OK &&
                  sum.value == 500500,
              "tree_aggregate");
    }
    check(vonk_rdd_tree_reduce(lines, Line, 3, keep_longer, &longest, &found, &error) == VONK_OK &&
              vonk_text_equal(longest.text, vonk_text("a rather long number: 100")),
          "tree_reduce of texts: the first of the longest");
    check(vonk_rdd_tree_reduce(numbers(session, 0, 9), VonkNumber, 2, add_number, &sum, &found,
                               &error) == VONK_OK &&
              !found,
          "tree_reduce of nothing");
    check(vonk_rdd_tree_reduce(numbers(session, 1, 9), VonkNumber, 0, add_number, &sum, &found,
                               &error) == VONK_BAD_INPUT,
          "a tree that is 0 deep");
}

static void test_stats(VonkSession *session)
{
    VonkStats stats, other;
    VonkError error;
    double number;

    check(vonk_rdd_stats(readings(session, 1000, 7), "i", &stats, &error) == VONK_OK &&
              stats.count == 1000 && stats.sum == 499500 && stats.mean == 499.5 && stats.min == 0 &&
              stats.max == 999 && stats.variance == 83333.25 &&
              fabs(stats.sample_variance - 83416.66666666667) < 1e-9 &&
              fabs(stats.stdev - sqrt(83333.25)) < 1e-12,
          "stats of integers");
    check(vonk_rdd_stats(readings(session, 1000, 7), "x", &stats, &error) == VONK_OK &&
              stats.count == 900 && stats.max == 124.75 && stats.sum == (499500 - 50400) / 8.0,
          "stats leave NULLs out");
    check(vonk_rdd_stats(readings(session, 1000, 1), "x", &other, &error) == VONK_OK &&
              memcmp(&stats, &other, sizeof stats) == 0,
          "stats are the same bits in other partitions");
    check(vonk_rdd_sum(readings(session, 1000, 3), "n", &number, &error) == VONK_OK &&
              number == 499500 &&
              vonk_rdd_mean(readings(session, 1000, 3), "n", &number, &error) == VONK_OK &&
              number == 499.5 &&
              vonk_rdd_variance(readings(session, 1000, 3), "n", &number, &error) == VONK_OK &&
              number == 83333.25,
          "sum, mean, variance of a numeric");
    check(vonk_rdd_stats(numbers(session, 0, 3), "value", &stats, &error) == VONK_OK &&
              stats.count == 0 && stats.sum == 0 &&
              vonk_rdd_mean(numbers(session, 0, 3), "value", &number, &error) == VONK_OK &&
              isnan(number),
          "stats of nothing");
    check(vonk_rdd_stats(numbers(session, 1, 3), "value", &stats, &error) == VONK_OK &&
              stats.count == 1 && stats.variance == 0 && stats.sample_variance == 0,
          "stats of one");
    check(vonk_rdd_stats(readings(session, 9, 1), "name", &stats, &error) == VONK_BAD_INPUT &&
              vonk_rdd_stats(readings(session, 9, 1), "y", &stats, &error) == VONK_BAD_INPUT,
          "stats of what is no number");
}

static void test_histogram(VonkSession *session)
{
    double edges[11];
    int64_t counts[10];
    VonkError error;
    bool right;

    right =
        vonk_rdd_histogram(numbers(session, 51, 4), "value", 2, edges, counts, &error) == VONK_OK;
    check(right && edges[0] == 0 && edges[1] == 25 && edges[2] == 50 && counts[0] == 25 &&
              counts[1] == 26,
          "histogram: the last bucket has both its ends");
    check(vonk_rdd_histogram_of(numbers(session, 60, 4), "value", (double[]){10, 20, 50}, 2, counts,
                                &error) == VONK_OK &&
              counts[0] == 10 && counts[1] == 31,
          "histogram_of: what lies outside is not counted");
    check(vonk_rdd_histogram(vonk_rdd_range(session, 3, 4, 1, 4), "value", 5, edges, counts,
                             &error) == VONK_OK &&
              counts[0] == 1 && counts[4] == 0,
          "a histogram of one value");
    check(vonk_rdd_histogram(numbers(session, 0, 4), "value", 5, edges, counts, &error) ==
                  VONK_BAD_INPUT &&
              vonk_rdd_histogram_of(numbers(session, 9, 4), "value", (double[]){1, 1}, 1, counts,
                                    &error) == VONK_BAD_INPUT,
          "histograms that cannot be");
}

static void test_distinct(VonkSession *session)
{
    int64_t about, modulus = 5000;
    VonkRdd *some = vonk_rdd_map(numbers(session, 60000, 5), VonkNumber, VonkNumber, modulo,
                                 VONK_WITH(modulus));
    VonkError error;

    check(vonk_rdd_count_approx_distinct(some, 0.01, &about, &error) == VONK_OK && about > 4850 &&
              about < 5150,
          "count_approx_distinct");
    check(vonk_rdd_count_approx_distinct(numbers(session, 200000, 5), 0.05, &about, &error) ==
                  VONK_OK &&
              about > 170000 && about < 230000,
          "count_approx_distinct of many");
    check(vonk_rdd_count_approx_distinct(numbers(session, 0, 5), 0.05, &about, &error) == VONK_OK &&
              about == 0,
          "count_approx_distinct of nothing");
    check(vonk_rdd_count_approx_distinct(numbers(session, 3, 5), 0.05, &about, &error) == VONK_OK &&
              about == 3,
          "count_approx_distinct of a few");
    check(vonk_rdd_count_approx_distinct(numbers(session, 3, 5), 1e-9, &about, &error) ==
              VONK_BAD_INPUT,
          "count_approx_distinct, too exact");
}

static void test_take_sample(VonkSession *session)
{
    bool seen[5000] = {false}, right = true;
    int64_t sum = 0;
    COLLECT(vonk_rdd_take_sample(numbers(session, 5000, 6), 500, 9), VonkNumber, got, count);

    for (size_t i = 0; i < count; i++) {
        right &= !seen[got[i].value];
        seen[got[i].value] = true;
        sum += got[i].value;
    }
    check(right && count == 500 && sum > 500 * 2300 && sum < 500 * 2700, "take_sample");
    check(count_of(vonk_rdd_take_sample(numbers(session, 50, 6), 500, 9)) == 50 &&
              count_of(vonk_rdd_take_sample(numbers(session, 50, 6), 0, 9)) == 0,
          "take_sample of more than there are, and of none");
    LET_GO(got);
}

static void test_iterate(VonkSession *session)
{
    VonkRdd *lines = vonk_rdd_map(numbers(session, 9000, 6), VonkNumber, Line, print_number);
    VonkIterator *iterator;
    VonkError error;
    int64_t count = 0;
    bool right = true;

    if (vonk_rdd_iterate(lines, &iterator, &error) != VONK_OK) {
        fail_with(&error, "iterate");
        return;
    }
    for (const Line *line; (line = VONK_ITERATE(iterator, Line)) != NULL; count++) {
        char text[64];

        snprintf(text, sizeof text, "a rather long number: %lld", (long long)count);
        right &= vonk_text_equal(line->text, vonk_text(text));
    }
    check(right && count == 9000 && VONK_ITERATE(iterator, Line) == NULL &&
              vonk_iterator_free(iterator, &error) == VONK_OK,
          "iterate");
    check(vonk_rdd_iterate(lines, &iterator, &error) == VONK_OK &&
              VONK_ITERATE(iterator, Line) != NULL && VONK_ITERATE(iterator, VonkNumber) == NULL &&
              vonk_iterator_free(iterator, &error) == VONK_BAD_INPUT,
          "iterate as another type, and not to the end");
    lines = vonk_rdd_map(numbers(session, 0, 3), VonkNumber, Line, print_number);
    check(vonk_rdd_iterate(lines, &iterator, &error) == VONK_OK &&
              VONK_ITERATE(iterator, Line) == NULL && VONK_ITERATE(iterator, Line) == NULL &&
              vonk_iterator_free(iterator, &error) == VONK_OK,
          "iterate nothing");
}

static void test_foreach(VonkSession *session)
{
    VonkError error;

    check(vonk_rdd_foreach_partition(numbers(session, 10, 4), VonkNumber, nothing, &error) ==
              VONK_OK,
          "foreach_partition");
    check(vonk_rdd_foreach_partition(numbers(session, 0, 4), VonkNumber, refuse_partition,
                                     &error) == VONK_BAD_INPUT &&
              strstr(error.message, "refuse_partition: not partition 2") != NULL,
          "foreach_partition runs for empty partitions, and may fail");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_one(session);
    test_folds(session);
    test_stats(session);
    test_histogram(session);
    test_distinct(session);
    test_take_sample(session);
    test_iterate(session);
    test_foreach(session);
    return finish();
}
