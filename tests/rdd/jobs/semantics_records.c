/*
 * semantics_records.c -- calls a record or a partition at a time: keys, samples, numbers, zips,
 * neighbours
 */
#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Named, VONK_NULLABLE_KEY(text, name), VONK_FIELD(int8, v), VONK_NULLABLE(text, note));
VONK_RECORD(Name, VONK_NULLABLE(text, name));
VONK_RECORD(Rest, VONK_FIELD(int8, v), VONK_NULLABLE(text, note));
VONK_RECORD(Keyed, VONK_KEY(text, parity), VONK_NESTED(Named, value));
VONK_RECORD(Numbered, VONK_FIELD(int8, index), VONK_FIELD(int8, value));
VONK_RECORD(Line, VONK_FIELD(text, text));
VONK_RECORD(Around, VONK_FIELD(int8, at), VONK_FIELD(int8, before), VONK_FIELD(int8, after),
            VONK_FIELD(int8, sum));

/* --- functions --- */

void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->value % 7, .v = in->value};
}

void wreck_key(VonkTask *task, const Pair *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = -1, .v = in->v + 1};
}

void twice(VonkTask *task, const Pair *in, VonkOut *out)
{
    (void)task;
    for (int64_t i = 0; i < in->v % 3; i++)
        vonk_emit(out, &(Pair){.k = -5, .v = in->v});
}

void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

void find_parity(VonkTask *task, const Named *in, Keyed *out)
{
    (void)task;
    out->parity = vonk_text(in->v % 2 == 0 ? "even" : "odd");
}

void number(VonkTask *task, const VonkNumber *in, int64_t index, Numbered *out)
{
    (void)task;
    *out = (Numbered){.index = index, .value = in->value};
}

void say_partition(VonkTask *task, uint32_t partition, VonkIn *in, VonkOut *out)
{
    int64_t count = 0;

    (void)task;
    while (VONK_NEXT(in, VonkNumber) != NULL)
        count++;
    vonk_emit(out, &(Numbered){.index = partition, .value = count});
}

void median(VonkTask *task, const Line *lines, size_t count, VonkOut *out)
{
    (void)task;
    if (count > 0)
        vonk_emit(out, &lines[count / 2]);
    else
        vonk_emit(out, &(Line){.text = vonk_text("(none)")});
}

void print_number(VonkTask *task, const VonkNumber *in, Line *out)
{
    char *text = vonk_task_alloc(task, 64);

    if (text != NULL)
        out->text = (VonkText){
            text, (size_t)snprintf(text, 64, "a rather long number: %lld", (long long)in->value)};
}

void pair_up(VonkTask *task, const VonkNumber *a, const Line *b, Named *out)
{
    (void)task;
    *out = (Named){.name = b->text, .v = a->value, .note_is_null = true};
}

void make_some(VonkTask *task, VonkOut *out)
{
    for (int64_t i = 0; i < vonk_task_partition(task); i++)
        vonk_emit(out, &(VonkNumber){.value = vonk_task_partition(task) * 100 + i});
}

void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

void keep_longer(VonkTask *task, Line *sum, const Line *more)
{
    (void)task;
    if (more->text.bytes > sum->text.bytes ||
        (more->text.bytes == sum->text.bytes && vonk_text_compare(more->text, sum->text) > 0))
        sum->text = more->text;
}

void look_around(VonkTask *task, const VonkNumber *at, uint32_t before, uint32_t after, Around *out)
{
    (void)task;
    *out = (Around){.at = at->value, .before = before, .after = after};
    for (int64_t i = -(int64_t)before; i <= (int64_t)after; i++)
        out->sum += at[i].value;
}

void lines_around(VonkTask *task, const Line *at, uint32_t before, uint32_t after, Line *out)
{
    (void)task;
    *out = at[before > 0 ? -1 : (after > 0 ? 1 : 0)];
}

bool not_a_multiple(VonkTask *task, const VonkNumber *in)
{
    return in->value % *VONK_CLOSURE(task, int64_t) != 0;
}

bool is_in_middle(VonkTask *task, const VonkNumber *in)
{
    (void)task;
    return in->value >= 40 && in->value < 60;
}

double fraction_by_key(VonkTask *task, const Pair *in)
{
    (void)task;
    return in->k == 0 ? 0 : in->k == 1 ? 1 : 0.5;
}

double bad_fraction(VonkTask *task, const Pair *in)
{
    (void)task;
    return in->k == 6 ? 1.5 : 0;
}

/* --- cases --- */

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

static VonkRdd *pairs(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_map(numbers(session, count, partitions), VonkNumber, Pair, to_pair);
}

static VonkRdd *names(VonkSession *session)
{
    Named rows[] = {{.name = {"anna", 4}, .v = 1, .note = {"x", 1}},
                    {.name_is_null = true, .v = 2, .note_is_null = true},
                    {.name = {"bert", 4}, .v = 3, .note = {"", 0}}};

    return vonk_rdd_parallelize(session, Named, rows, 3, 5); /* more partitions than rows */
}

static void test_map_values(VonkSession *session)
{
    VonkRdd *placed = vonk_rdd_partition_by(pairs(session, 700, 3), 5);
    bool right = true;

    {
        COLLECT(vonk_rdd_reduce_by_key(vonk_rdd_map_values(placed, Pair, Pair, wreck_key), Pair,
                                       add_pair),
                Pair, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].k >= 0 && got[i].k < 7 &&
                     got[i].v == 100 * got[i].k + 7 * (99 * 100 / 2) + 100;
        check(right && count == 7, "map_values keeps keys, whatever the function does to them");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_flat_map_values(placed, Pair, Pair, twice), Pair, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].k == got[i].v % 7;
        check(right && count == 233 + 2 * 233, "flat_map_values keeps keys");
        LET_GO(got);
    }
}

static void test_key_by(VonkSession *session)
{
    COLLECT(vonk_rdd_key_by(names(session), Named, Keyed, find_parity), Keyed, got, count);

    check(count == 3 && vonk_text_equal(got[0].parity, vonk_text("odd")) &&
              vonk_text_equal(got[1].parity, vonk_text("even")) &&
              vonk_text_equal(got[0].value.name, vonk_text("anna")) && got[1].value.name_is_null &&
              got[1].value.note_is_null && got[2].value.v == 3 && !got[2].value.note_is_null,
          "key_by puts a key before the record, NULLs included");
    LET_GO(got);
}

static void test_keys_values(VonkSession *session)
{
    {
        COLLECT(vonk_rdd_keys(names(session), Name), Name, got, count);
        check(count == 3 && vonk_text_equal(got[0].name, vonk_text("anna")) &&
                  got[1].name_is_null && !got[2].name_is_null,
              "keys");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_values(names(session), Rest), Rest, got, count);
        check(count == 3 && got[0].v == 1 && got[1].note_is_null && !got[2].note_is_null, "values");
        LET_GO(got);
    }
    REFUSED(vonk_rdd_keys(names(session), Rest), VONK_BAD_INPUT, "Rest", "keys of another type");
    REFUSED(vonk_rdd_values(names(session), Name), VONK_BAD_INPUT, "Name",
            "values of another type");
}

static void test_unique_id(VonkSession *session)
{
    bool seen[400] = {false}, right = true;
    COLLECT(vonk_rdd_zip_with_unique_id(numbers(session, 100, 7), VonkNumber, Numbered, number),
            Numbered, got, count);

    for (size_t i = 0; i < count; i++) {
        right &= got[i].index >= 0 && got[i].index < 400 && !seen[got[i].index];
        if (right)
            seen[got[i].index] = true;
    }
    check(right && count == 100 && got[0].index == 0 && got[1].index == 7,
          "zip_with_unique_id: partition + n * number");
    LET_GO(got);
}

/* Spark: what a union's inputs are does not depend on their being in a union. */
static void test_union_partitions(VonkSession *session)
{
    VonkRdd *a = numbers(session, 10, 2), *b = numbers(session, 10, 4);
    VonkRdd *indexed = vonk_rdd_zip_with_index(b, VonkNumber, Numbered, number);
    VonkRdd *sampled = vonk_rdd_sample(numbers(session, 1000, 4), 0.5, 7);
    bool right = true;

    {
        COLLECT(vonk_rdd_union(vonk_rdd_zip_with_index(a, VonkNumber, Numbered, number), indexed),
                Numbered, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].index == got[i].value && got[i].value == (int64_t)i % 10;
        check(right && count == 20, "zip_with_index within a union");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_union(a, vonk_rdd_union(a, sampled)), VonkNumber, got, count);
        COLLECT(sampled, VonkNumber, alone, alone_count);
        right = count == alone_count + 20;
        for (size_t i = 0; right && i < alone_count; i++)
            right = got[20 + i].value == alone[i].value;
        check(right, "a sample is the same within a union of unions");
        LET_GO(got);
        LET_GO(alone);
    }
    {
        VonkRdd *said = vonk_rdd_map_partitions_with_index(b, VonkNumber, Numbered, say_partition);
        COLLECT(vonk_rdd_union(said, said), Numbered, got, count);

        for (size_t i = 0; i < count; i++)
            right &= got[i].index == (int64_t)i % 4;
        check(right && count == 8, "a partition's number within a union is the input's");
        LET_GO(got);
    }
}

static void test_partitions(VonkSession *session)
{
    {
        COLLECT(vonk_rdd_map_partitions_with_index(numbers(session, 5, 9), VonkNumber, Numbered,
                                                   say_partition),
                Numbered, got, count);
        int64_t total = 0;
        bool right = count == 9;

        for (size_t i = 0; i < count; i++) {
            right &= got[i].index == (int64_t)i && got[i].value <= 1;
            total += got[i].value;
        }
        check(right && total == 5, "map_partitions_with_index runs for empty partitions too");
        LET_GO(got);
    }
    {
        VonkRdd *lines = vonk_rdd_map(numbers(session, 9000, 2), VonkNumber, Line, print_number);
        COLLECT(
            vonk_rdd_glom(vonk_rdd_union(lines, vonk_rdd_parallelize(session, Line, NULL, 0, 1)),
                          Line, Line, median),
            Line, got, count);

        check(count == 3 && vonk_text_equal(got[0].text, vonk_text("a rather long number: 2250")) &&
                  vonk_text_equal(got[1].text, vonk_text("a rather long number: 6750")) &&
                  vonk_text_equal(got[2].text, vonk_text("(none)")),
              "glom: a partition as an array, texts included");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_generate(session, 5, VonkNumber, make_some), VonkNumber, got, count);
        check(count == 10 && got[0].value == 100 && got[9].value == 403, "generate");
        LET_GO(got);
    }
}

static void test_zip(VonkSession *session)
{
    VonkRdd *a = numbers(session, 5000, 3);
    VonkRdd *b = vonk_rdd_map(a, VonkNumber, Line, print_number);
    VonkRdd *c = vonk_rdd_map(numbers(session, 4999, 3), VonkNumber, Line, print_number);
    bool right = true;
    COLLECT(vonk_rdd_zip(a, VonkNumber, b, Line, Named, pair_up), Named, got, count);

    for (size_t i = 0; i < count; i++) {
        char text[64];

        snprintf(text, sizeof text, "a rather long number: %zu", i);
        right &= got[i].v == (int64_t)i && vonk_text_equal(got[i].name, vonk_text(text));
    }
    check(right && count == 5000, "zip");
    LET_GO(got);
    REFUSED(vonk_rdd_zip(a, VonkNumber, c, Line, Named, pair_up), VONK_BAD_INPUT, "more records",
            "zip of other numbers of records");
    REFUSED(vonk_rdd_zip(a, VonkNumber, vonk_rdd_coalesce(b, 2), Line, Named, pair_up),
            VONK_BAD_INPUT, "partitions", "zip of other numbers of partitions");
}

static void test_samples(VonkSession *session)
{
    VonkRdd *all = numbers(session, 20000, 6), *parts[3], *none[2];
    VonkRdd *by_key = vonk_rdd_sample_by_key(pairs(session, 7000, 4), Pair, 3, fraction_by_key);
    int64_t counts[3];
    bool right = true;

    vonk_rdd_random_split(all, (double[]){1, 2, 1}, 3, 11, parts);
    for (int i = 0; i < 3; i++)
        counts[i] = count_of(parts[i]);
    check(counts[0] + counts[1] + counts[2] == 20000 && counts[1] > 9500 && counts[1] < 10500 &&
              counts[0] > 4700 && counts[0] < 5300,
          "random_split: by weight, and none is lost");
    check(count_of(vonk_rdd_distinct(
              vonk_rdd_union(vonk_rdd_union(parts[0], parts[1]), parts[2]))) == 20000,
          "random_split: each in one part");
    vonk_rdd_random_split(all, (double[]){0, -1}, 2, 11, none);
    REFUSED(none[1], VONK_BAD_INPUT, "weight", "a weight below 0");
    counts[0] = count_of(vonk_rdd_sample_with_replacement(all, 2.5, 5));
    check(counts[0] > 49000 && counts[0] < 51000 &&
              count_of(vonk_rdd_sample_with_replacement(all, 0, 5)) == 0,
          "sample_with_replacement");
    check(count_of(vonk_rdd_sample(all, 0, 1)) == 0 &&
              count_of(vonk_rdd_sample(all, 1, 1)) == 20000,
          "samples of nothing and of all");
    {
        int64_t of[7] = {0};
        COLLECT(by_key, Pair, got, count);

        for (size_t i = 0; i < count; i++)
            of[got[i].k]++;
        for (int k = 2; k < 7; k++)
            right &= of[k] > 430 && of[k] < 570;
        check(right && of[0] == 0 && of[1] == 1000, "sample_by_key");
        LET_GO(got);
    }
    REFUSED(vonk_rdd_sample_by_key(pairs(session, 70, 4), Pair, 3, bad_fraction), VONK_BAD_INPUT,
            "bad_fraction", "a fraction of more than 1 names the function");
}

static void test_prefix_sum(VonkSession *session)
{
    int64_t divisor = 1;
    VonkRdd *spread = vonk_rdd_filter(numbers(session, 4000, 40), VonkNumber, is_in_middle);
    VonkRdd *none =
        vonk_rdd_filter(numbers(session, 100, 4), VonkNumber, not_a_multiple, VONK_WITH(divisor));
    VonkRdd *lines = vonk_rdd_map(numbers(session, 300, 5), VonkNumber, Line, print_number);
    bool right = true;

    {
        COLLECT(vonk_rdd_prefix_sum(numbers(session, 5000, 9), VonkNumber, add_number), VonkNumber,
                got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].value == (int64_t)(i * (i + 1) / 2);
        check(right && count == 5000, "prefix_sum");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_prefix_sum(spread, VonkNumber, add_number), VonkNumber, got, count);
        check(count == 20 && got[0].value == 40 && got[19].value == (40 + 59) * 10,
              "prefix_sum through empty partitions");
        LET_GO(got);
    }
    check(count_of(vonk_rdd_prefix_sum(none, VonkNumber, add_number)) == 0,
          "prefix_sum of nothing");
    {
        COLLECT(vonk_rdd_prefix_sum(lines, Line, keep_longer), Line, got, count);
        check(count == 300 && vonk_text_equal(got[0].text, vonk_text("a rather long number: 0")) &&
                  vonk_text_equal(got[150].text, vonk_text("a rather long number: 150")) &&
                  vonk_text_equal(got[299].text, vonk_text("a rather long number: 299")),
              "prefix_sum with texts");
        LET_GO(got);
    }
}

static void check_window(VonkSession *session, int64_t count, uint32_t partitions, uint32_t before,
                         uint32_t after)
{
    char name[100];
    bool right = true;
    COLLECT(vonk_rdd_window(numbers(session, count, partitions), VonkNumber, before, after, Around,
                            look_around),
            Around, got, got_count);

    for (int64_t i = 0; i < (int64_t)got_count; i++) {
        int64_t from = i < before ? 0 : i - before;
        int64_t to = i + after >= count ? count - 1 : i + after;

        right &= got[i].at == i && got[i].before == i - from && got[i].after == to - i &&
                 got[i].sum == (from + to) * (to - from + 1) / 2;
    }
    snprintf(name, sizeof name, "window of %u and %u over %lld in %u", before, after,
             (long long)count, partitions);
    check(right && (int64_t)got_count == count, name);
    LET_GO(got);
}

static void test_window(VonkSession *session)
{
    check_window(session, 5000, 3, 2, 2);
    check_window(session, 5000, 3, 0, 0);
    check_window(session, 50, 20, 7, 3);
    check_window(session, 50, 20, 3, 7);
    check_window(session, 30, 20, 1, 3);
    check_window(session, 10, 40, 4, 4);
    check_window(session, 3, 2, 100, 100);
    check_window(session, 0, 2, 5, 5);
    check_window(session, 6000, 2, 3000, 1);
    {
        COLLECT(
            vonk_rdd_window(vonk_rdd_map(numbers(session, 9000, 4), VonkNumber, Line, print_number),
                            Line, 2, 1, Line, lines_around),
            Line, got, count);
        bool right = count == 9000;

        for (size_t i = 0; right && i < count; i++) {
            char text[64];

            snprintf(text, sizeof text, "a rather long number: %zu", i == 0 ? 1 : i - 1);
            right = vonk_text_equal(got[i].text, vonk_text(text));
        }
        check(right, "window over texts");
        LET_GO(got);
    }
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_map_values(session);
    test_key_by(session);
    test_keys_values(session);
    test_unique_id(session);
    test_union_partitions(session);
    test_partitions(session);
    test_zip(session);
    test_samples(session);
    test_prefix_sum(session);
    test_window(session);
    return finish();
}
