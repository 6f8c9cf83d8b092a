/* semantics_context.c -- what functions share with the driver: accumulators, broadcast values,
 * closures; and which record is named */
#include <sys/mman.h>
#include <unistd.h>

#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Name, VONK_FIELD(int8, k), VONK_FIELD(text, name));
VONK_RECORD(Named, VONK_FIELD(int8, v), VONK_FIELD(text, name));

typedef struct Shared {
    VonkAccumulator records, weight, even;
    VonkBroadcast names;
} Shared;

void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    const Shared *shared = VONK_CLOSURE(task, Shared);

    vonk_accumulate(task, shared->records, 1);
    vonk_accumulate_float8(task, shared->weight, 0.1 * (double)in->value);
    if (in->value % 2 == 0)
        vonk_accumulate(task, shared->even, in->value);
    *out = (Pair){.k = in->value % 5, .v = in->value};
}

void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

void put_name(VonkTask *task, const Pair *in, Named *out)
{
    size_t count;
    const Name *names = VONK_BROADCAST(task, VONK_CLOSURE(task, Shared)->names, Name, &count);

    out->v = in->v;
    for (size_t i = 0; i < count; i++)
        if (names[i].k == in->k)
            out->name = names[i].name;
}

void wrong_broadcast(VonkTask *task, const Pair *in, Pair *out)
{
    size_t count;

    *out = *in;
    (void)VONK_BROADCAST(task, VONK_CLOSURE(task, Shared)->names, Pair, &count);
}

void wrong_accumulator(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    *out = *in;
    vonk_accumulate(task, (VonkAccumulator){12345}, 1);
}

static VonkRdd *numbers(VonkSession *session, int64_t count, uint32_t partitions)
{
    return vonk_rdd_range(session, 0, count, 1, partitions);
}

static void test_accumulators(VonkSession *session)
{
    Shared shared = {.records = vonk_accumulator(session),
                     .weight = vonk_accumulator(session),
                     .even = vonk_accumulator(session)};
    VonkRdd *rdd =
        vonk_rdd_map(numbers(session, 10000, 9), VonkNumber, Pair, to_pair, VONK_WITH(shared));
    VonkRdd *kept = vonk_rdd_persist(rdd);
    double weight;

    check(vonk_accumulator_value(session, shared.records) == 0, "an accumulator starts at 0");
    check(count_of(vonk_rdd_reduce_by_key(rdd, Pair, add_pair)) == 5 &&
              vonk_accumulator_value(session, shared.records) == 10000 &&
              vonk_accumulator_value(session, shared.even) == 24995000,
          "a partition counts once, whatever happened to its task");
    weight = vonk_accumulator_float8(session, shared.weight);
    check(weight > 4999499.99 && weight < 4999500.01, "an accumulator of doubles");
    check(count_of(vonk_rdd_reduce_by_key(rdd, Pair, add_pair)) == 5 &&
              vonk_accumulator_value(session, shared.records) == 20000,
          "a second job counts again");
    vonk_accumulator_reset(session, shared.records);
    for (int i = 0; i < 3; i++)
        check(count_of(vonk_rdd_reduce_by_key(kept, Pair, add_pair)) == 5 &&
                  vonk_accumulator_value(session, shared.records) == 10000,
              "kept partitions count once");
    vonk_rdd_unpersist(kept);
    REFUSED(vonk_rdd_map(numbers(session, 5, 1), VonkNumber, VonkNumber, wrong_accumulator),
            VONK_BAD_INPUT, "wrong_accumulator: there is no accumulator",
            "an accumulator that is not there");
}

static void test_broadcast(VonkSession *session)
{
    Name names[] = {{0, {"zero", 4}}, {1, {"one", 3}}, {2, {"a name of more than 12 bytes", 28}}};
    Shared shared = {.records = vonk_accumulator(session),
                     .weight = vonk_accumulator(session),
                     .even = vonk_accumulator(session)};
    VonkError error;
    VonkRdd *pairs;
    bool right = true;

    check(vonk_broadcast(session, Name, names, 3, &shared.names, &error) == VONK_OK, "broadcast");
    names[2].name = vonk_text("changed"); /* too late */
    pairs = vonk_rdd_map(numbers(session, 100, 3), VonkNumber, Pair, to_pair, VONK_WITH(shared));
    {
        COLLECT(vonk_rdd_map(pairs, Pair, Named, put_name, VONK_WITH(shared)), Named, got, count);
        static const char *const expected[] = {"zero", "one", "a name of more than 12 bytes", "",
                                               ""};

        for (size_t i = 0; i < count; i++)
            right &= vonk_text_equal(got[i].name, vonk_text(expected[got[i].v % 5]));
        check(right && count == 100, "a broadcast value, texts included, as it was");
        LET_GO(got);
    }
    REFUSED(vonk_rdd_map(pairs, Pair, Pair, wrong_broadcast, VONK_WITH(shared)), VONK_BAD_INPUT,
            "wrong_broadcast", "a broadcast value as another type");
    vonk_broadcast_destroy(session, shared.names);
    REFUSED(vonk_rdd_map(pairs, Pair, Named, put_name, VONK_WITH(shared)), VONK_BAD_INPUT,
            "put_name: broadcast value 1 was destroyed", "a broadcast value that was destroyed");
    shared.names = (VonkBroadcast){77};
    REFUSED(vonk_rdd_map(pairs, Pair, Named, put_name, VONK_WITH(shared)), VONK_BAD_INPUT,
            "put_name: there is no broadcast value 77", "a broadcast value that never was");
}

/* An RDD under a name is a table as any other: also in subqueries, twice, and with others. */
static void test_register(VonkSession *session)
{
    Shared shared = {.records = vonk_accumulator(session),
                     .weight = vonk_accumulator(session),
                     .even = vonk_accumulator(session)};
    VonkRdd *rdd =
        vonk_rdd_map(numbers(session, 100, 3), VonkNumber, Pair, to_pair, VONK_WITH(shared));
    VonkError error;
    VonkResult *result;

    check(vonk_rdd_register(rdd, "pairs", &error) == VONK_OK, "register");
    check(count_of(vonk_rdd_sql(
              session, Pair, "SELECT k, sum(v)::bigint FROM pairs WHERE v >= 50 GROUP BY k")) == 5,
          "SQL over an RDD");
    {
        COLLECT(vonk_rdd_reduce_by_key(
                    vonk_rdd_sql(session, Pair,
                                 "WITH w AS (SELECT k, v FROM pairs WHERE v < 20) "
                                 "SELECT a.k, b.v FROM w a JOIN w b ON a.v = b.v "
                                 "WHERE a.v IN (SELECT v + 1 FROM pairs WHERE k = 2)"),
                    Pair, add_pair),
                Pair, got, count);
        check(count == 1 && got[0].k == 3 && got[0].v == 3 + 8 + 13 + 18,
              "SQL over an RDD, again and again, and functions over its rows");
        LET_GO(got);
    }
    check(vonk_rdd_register(numbers(session, 7, 2), "pairs", &error) == VONK_OK &&
              count_of(vonk_rdd_sql(session, VonkNumber, "SELECT value FROM pairs")) == 7,
          "another RDD takes the name");
    check(vonk_query(session, "SELECT count(*) FROM pairs", NULL, 0, &result, &error) == VONK_OK &&
              vonk_result_next_row(result, &error) == VONK_ROW &&
              strcmp(vonk_result_text(result, 0), "7") == 0,
          "a query of the session's");
    vonk_result_free(result);
}

/* --- closures of functions that read on --- */

typedef struct Factor {
    int64_t by;
} Factor;

#define FACTOR (VONK_CLOSURE(task, Factor)->by)

void times_index(VonkTask *task, const VonkNumber *in, int64_t index, VonkNumber *out)
{
    out->value = in->value + index * FACTOR;
}

void times_next(VonkTask *task, const VonkNumber *at, uint32_t before, uint32_t after,
                VonkNumber *out)
{
    (void)before;
    out->value = at->value + (after > 0 ? at[1].value * FACTOR : 0);
}

void times_other(VonkTask *task, const VonkNumber *a, const VonkNumber *b, VonkNumber *out)
{
    out->value = a->value + b->value * FACTOR;
}

void times_each(VonkTask *task, uint32_t partition, VonkIn *in, VonkOut *out)
{
    (void)partition;
    for (const VonkNumber *number; (number = VONK_NEXT(in, VonkNumber)) != NULL;)
        vonk_emit(out, &(VonkNumber){number->value * FACTOR});
}

void times_all(VonkTask *task, const VonkNumber *numbers, size_t count, VonkOut *out)
{
    for (size_t i = 0; i < count; i++)
        vonk_emit(out, &(VonkNumber){numbers[i].value * FACTOR});
}

void times_made(VonkTask *task, VonkOut *out)
{
    for (int64_t i = 0; i < 5000; i++)
        vonk_emit(out, &(VonkNumber){i * FACTOR});
}

void times_sum(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    sum->value += more->value * FACTOR / 3;
}

static int64_t sum_of(VonkRdd *rdd)
{
    VonkError error = {0};
    double sum = -1;

    if (vonk_rdd_sum(rdd, "value", &sum, &error) != VONK_OK)
        fail_with(&error, "sum");
    return (int64_t)sum;
}

/* Records come and go in buffers; the closure stays what it was. */
static void test_closures(VonkSession *session)
{
    enum { N = 15000 }; /* 5,000 a partition: several buffers */
    const int64_t sum = (int64_t)N * (N - 1) / 2;
    VonkRdd *rdd = numbers(session, N, 3);
    Factor factor = {3};

    check(sum_of(vonk_rdd_zip_with_index(rdd, VonkNumber, VonkNumber, times_index,
                                         VONK_WITH(factor))) == 4 * sum,
          "zip_with_index keeps its closure");
    check(sum_of(vonk_rdd_zip_with_unique_id(rdd, VonkNumber, VonkNumber, times_index,
                                             VONK_WITH(factor))) == 4 * sum,
          "zip_with_unique_id keeps its closure");
    check(sum_of(vonk_rdd_window(rdd, VonkNumber, 0, 1, VonkNumber, times_next,
                                 VONK_WITH(factor))) == 4 * sum,
          "window keeps its closure");
    check(sum_of(vonk_rdd_zip(rdd, VonkNumber, rdd, VonkNumber, VonkNumber, times_other,
                              VONK_WITH(factor))) == 4 * sum,
          "zip keeps its closure");
    check(sum_of(vonk_rdd_map_partitions_with_index(rdd, VonkNumber, VonkNumber, times_each,
                                                    VONK_WITH(factor))) == 3 * sum,
          "map_partitions_with_index keeps its closure");
    check(sum_of(vonk_rdd_glom(rdd, VonkNumber, VonkNumber, times_all, VONK_WITH(factor))) ==
              3 * sum,
          "glom keeps its closure");
    check(sum_of(vonk_rdd_generate(session, 3, VonkNumber, times_made, VONK_WITH(factor))) ==
              3 * 3 * (5000 * 4999 / 2),
          "generate keeps its closure");
    check(sum_of(vonk_rdd_prefix_sum(numbers(session, 600, 3), VonkNumber, times_sum,
                                     VONK_WITH(factor))) == 600 * 599 / 2 * 601 / 3,
          "prefix_sum keeps its closure");
}

/* --- the record that is named --- */

#define FAIL_AT(number, at)                                                                        \
    if ((number) == (at))                                                                          \
    vonk_fail(task, "no %d", (int)(at))

void refuse_index(VonkTask *task, const VonkNumber *in, int64_t index, VonkNumber *out)
{
    out->value = index;
    FAIL_AT(in->value, 7000);
}

void refuse_window(VonkTask *task, const VonkNumber *at, uint32_t before, uint32_t after,
                   VonkNumber *out)
{
    out->value = before + after;
    FAIL_AT(at->value, 7000);
}

void refuse_zip(VonkTask *task, const VonkNumber *a, const VonkNumber *b, VonkNumber *out)
{
    out->value = b->value;
    FAIL_AT(a->value, 7000);
}

void refuse_read(VonkTask *task, VonkIn *in, VonkOut *out)
{
    for (const VonkNumber *number; (number = VONK_NEXT(in, VonkNumber)) != NULL;) {
        FAIL_AT(number->value, 7000);
        vonk_emit(out, number);
    }
}

static void test_record_numbers(VonkSession *session)
{
    VonkRdd *rdd = numbers(session, 15000, 3);
    VonkRdd *refused[] = {
        vonk_rdd_zip_with_index(rdd, VonkNumber, VonkNumber, refuse_index),
        vonk_rdd_window(rdd, VonkNumber, 2, 3, VonkNumber, refuse_window),
        vonk_rdd_zip(rdd, VonkNumber, rdd, VonkNumber, VonkNumber, refuse_zip),
        vonk_rdd_map_partitions(rdd, VonkNumber, VonkNumber, refuse_read),
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        VonkError error = {0};
        int64_t count;

        check(vonk_rdd_count(refused[i], &count, &error) == VONK_BAD_INPUT &&
                  strstr(error.detail, "record 2001 of partition 1") != NULL,
              "the record at hand is named, whatever was read ahead");
    }
}

/* --- functions of which no more is wanted --- */

void emit_for_ever(VonkTask *task, VonkOut *out)
{
    for (int64_t i = 0; !vonk_task_is_cancelled(task); i++)
        vonk_emit(out, &(VonkNumber){i});
}

void emit_more_for_ever(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    for (int64_t i = in->value; !vonk_task_is_cancelled(task); i++)
        vonk_emit(out, &(VonkNumber){i});
}

void want_all(VonkTask *task, VonkIn *in, VonkOut *out)
{
    int64_t count = 0;

    for (const VonkNumber *number; (number = VONK_NEXT(in, VonkNumber)) != NULL; count++) {
        vonk_accumulate(task, VONK_CLOSURE(task, Shared)->records, 1);
        vonk_emit(out, number);
    }
    if (count < 100000)
        vonk_fail(task, "records are missing");
}

static void test_unwanted(VonkSession *session)
{
    Shared shared = {.records = vonk_accumulator(session)};
    VonkRdd *rdd = numbers(session, 200000, 2);

    check(count_of(vonk_rdd_take(vonk_rdd_generate(session, 3, VonkNumber, emit_for_ever), 5)) == 5,
          "a generator that looks ends when no more is wanted");
    check(count_of(vonk_rdd_take(vonk_rdd_flat_map(rdd, VonkNumber, VonkNumber, emit_more_for_ever),
                                 5)) == 5,
          "so does a flat_map");
    check(count_of(vonk_rdd_take(
              vonk_rdd_map_partitions(rdd, VonkNumber, VonkNumber, want_all, VONK_WITH(shared)),
              5)) == 5 &&
              vonk_accumulator_value(session, shared.records) < 100000,
          "a partition is read as far as its records are wanted");
    check(count_of(vonk_rdd_map_partitions(rdd, VonkNumber, VonkNumber, want_all,
                                           VONK_WITH(shared))) == 200000,
          "and else to its end");
}

/* The first word of x's with one other byte among them, whichever, and wherever that is; what
 * follows the text is no part of it. */
static bool ends_word_rightly(char *text, size_t length, size_t at, char byte)
{
    bool is_space = byte != 0 && strchr(" \t\n\v\f\r", byte) != NULL;
    size_t start = is_space && at == 0 ? 1 : 0, end = is_space && at > 0 ? at : length;
    VonkText rest = {text, length}, word;

    memset(text, 'x', length);
    text[at] = byte;
    return vonk_text_next_word(&rest, &word) == (end > start) && word.data == text + start &&
           word.bytes == end - start && rest.data == text + end && rest.bytes == length - end;
}

/* In memory where more follows, and at the end of all memory. */
static void test_words(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char behind[64], *end = pages + page;
    bool right = pages != MAP_FAILED && mprotect(end, page, PROT_NONE) == 0;
    VonkText rest = {NULL, 0}, word;

    for (size_t length = 1; right && length <= 40; length++)
        for (size_t at = 0; at < length; at++)
            for (int byte = 0; byte < 256; byte++) {
                memset(behind, byte % 2 == 0 ? 'x' : ' ', sizeof behind);
                right &= ends_word_rightly(behind, length, at, (char)byte) &&
                         ends_word_rightly(end - length, length, at, (char)byte);
            }
    check(right, "a word ends at white space, or with the text, and nowhere else");
    check(!vonk_text_next_word(&rest, &word), "no text has no word");
    rest = (VonkText){end, 0};
    check(!vonk_text_next_word(&rest, &word), "nor has one that lies nowhere");
    munmap(pages, 2 * page);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_accumulators(session);
    test_broadcast(session);
    test_register(session);
    test_closures(session);
    test_record_numbers(session);
    test_unwanted(session);
    test_words();
    return finish();
}
