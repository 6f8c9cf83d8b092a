/*
 * combined.c -- accumulators of every kind, by functions that can be inlined and some that cannot
 *
 * Prints what comes out, errors included: the same whether functions are inlined or called.
 */
#include <math.h>

#include "shown.h"

VONK_RECORD(Word, VONK_KEY(text, word), VONK_FIELD(int8, n), VONK_FIELD(float8, x));
VONK_RECORD(Mixed, VONK_NULLABLE_KEY(int4, a), VONK_NULLABLE_KEY(text, b), VONK_FIELD(int8, n));
VONK_RECORD(Real, VONK_KEY(float8, k), VONK_FIELD(numeric(30, 2), sum), VONK_FIELD(bool, odd));
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Spread, VONK_KEY(int8, k), VONK_FIELD(int8, low), VONK_FIELD(int8, high),
            VONK_NULLABLE(int8, last), VONK_FIELD(int4, count));
VONK_RECORD(Longest, VONK_KEY(int8, k), VONK_FIELD(text, longest), VONK_FIELD(int8, n));
VONK_RECORD(Only, VONK_KEY(text, word), VONK_FIELD(int8, n));
VONK_RECORD(Share, VONK_FIELD(float8, x));
VONK_RECORD(Scale, VONK_FIELD(int8, by));

static int64_t calls; /* no constant: who uses it is not inlined */

static uint64_t mixed_of(int64_t i)
{
    return (uint64_t)i * 0x9e3779b97f4a7c15u >> 20;
}

/* Of 0 to 40 bytes. */
static VonkText text_of(VonkTask *task, uint64_t number, uint64_t bytes)
{
    char *text = vonk_task_alloc(task, bytes);

    for (uint64_t i = 0; text != NULL && i < bytes; i++)
        text[i] = (char)('a' + (number + i * i) % 26);
    return (VonkText){text, bytes};
}

static void to_word(VonkTask *task, const VonkNumber *in, Word *out)
{
    uint64_t number = mixed_of(in->value) % 701;

    out->word = text_of(task, number, number % 41);
    out->n = in->value;
    out->x = (double)in->value / 7;
}

static void to_mixed(VonkTask *task, const VonkNumber *in, Mixed *out)
{
    uint64_t number = mixed_of(in->value);

    out->a_is_null = number % 5 == 0;
    out->a = (int32_t)(number % 7);
    out->b_is_null = number % 3 == 0;
    out->b = text_of(task, number % 11, number % 11 * 3);
    out->n = in->value;
}

static void to_real(VonkTask *task, const VonkNumber *in, Real *out)
{
    static const double keys[] = {0.0, -0.0, NAN, 1.5, INFINITY, -1e300};

    (void)task;
    out->k = keys[mixed_of(in->value) % 6];
    out->sum = in->value;
    out->odd = in->value % 2 != 0;
}

static void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    out->k = (int64_t)(mixed_of(in->value) % 997) - 300;
    if (out->k == -300) /* what marks free slots in a table of such keys */
        out->k = (int64_t)UINT64_C(0x8d3c5a1f72b4e697);
    out->v = in->value;
}

/* --- adding --- */

static void add_word(VonkTask *task, Word *sum, const Word *more)
{
    (void)task;
    sum->n += more->n;
    sum->x += more->x;
}

static void keep_largest(VonkTask *task, Word *sum, const Word *more)
{
    (void)task;
    if (more->n % 1000 > sum->n % 1000)
        *sum = *more;
}

static void add_mixed(VonkTask *task, Mixed *sum, const Mixed *more)
{
    (void)task;
    sum->n = sum->n * 31 + more->n;
}

static void add_real(VonkTask *task, Real *sum, const Real *more)
{
    (void)task;
    sum->sum += more->sum;
    sum->odd ^= more->odd;
}

static void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

static void add_only(VonkTask *task, Only *sum, const Only *more)
{
    (void)task;
    sum->n += more->n;
}

static void add_and_count(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
    calls++;
}

static void begin_spread(VonkTask *task, const Pair *in, Spread *out)
{
    int64_t by = VONK_CLOSURE(task, Scale)->by;

    *out =
        (Spread){.k = -1, .low = in->v * by, .high = in->v * by, .last_is_null = true, .count = 1};
}

static void widen(VonkTask *task, Spread *acc, const Pair *in)
{
    int64_t v = in->v * VONK_CLOSURE(task, Scale)->by;

    acc->low = v < acc->low ? v : acc->low;
    acc->high = v > acc->high ? v : acc->high;
    acc->last = v;
    acc->last_is_null = false;
    acc->count++;
}

static void unite(VonkTask *task, Spread *acc, const Spread *more)
{
    (void)task;
    acc->low = more->low < acc->low ? more->low : acc->low;
    acc->high = more->high > acc->high ? more->high : acc->high;
    acc->last = more->last;
    acc->last_is_null = more->last_is_null;
    acc->count += more->count;
}

static void take_word(VonkTask *task, Longest *acc, const Word *in)
{
    (void)task;
    if (in->word.bytes > acc->longest.bytes)
        acc->longest = in->word;
    acc->n++;
}

static void longer(VonkTask *task, Longest *acc, const Longest *more)
{
    (void)task;
    if (more->longest.bytes > acc->longest.bytes)
        acc->longest = more->longest;
    acc->n += more->n;
}

static void to_longest(VonkTask *task, const Word *in, Longest *out)
{
    (void)task;
    *out = (Longest){.k = in->n % 13, .longest = in->word, .n = 1};
}

static void add_until(VonkTask *task, Pair *sum, const Pair *more)
{
    if (more->v == 3210)
        vonk_fail(task, "no %d here", 3210);
    sum->v += more->v;
}

/* Some rows are many records, most are none: their sum depends on where one begins to add. */
static void spread_out(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task;
    for (int64_t i = 0; i < in->value % 4; i++)
        vonk_emit(out, &(Share){.x = (double)in->value / (double)(3 + i) * 1.1 + 0.7});
}

static bool is_small(VonkTask *task, const Share *in)
{
    (void)task;
    return in->x < 90000;
}

static bool is_large(VonkTask *task, const Share *in)
{
    (void)task;
    return in->x > 1e9;
}

static void add_share(VonkTask *task, Share *sum, const Share *more)
{
    (void)task;
    sum->x += more->x;
}

static void add_share_until(VonkTask *task, Share *sum, const Share *more)
{
    if (more->x > 4567)
        vonk_fail(task, "no %d", 4567);
    sum->x += more->x;
}

static void begin_until(VonkTask *task, const Pair *in, Pair *out)
{
    if (in->k == 77 && in->v < 6000)
        vonk_fail(task, "no key %d", 77);
    *out = *in;
}

/* --- */

static void whole(VonkRdd *words, VonkRdd *pairs)
{
    VonkError error = {0};
    Longest longest = {0}, zero = {0};
    Spread spread = {0};
    Pair sum = {0}, largest_key = {0};
    Word word = {0};
    bool found = false, found_word = false, found_none = true;

    if (vonk_rdd_aggregate(words, Word, Longest, &zero, take_word, longer, &longest, &error) !=
            VONK_OK ||
        vonk_rdd_aggregate(pairs, Pair, Spread, &(Spread){.low = 99999}, widen, unite, &spread,
                           &error, VONK_WITH((Scale){3})) != VONK_OK ||
        vonk_rdd_reduce(pairs, Pair, add_pair, &sum, &found, &error) != VONK_OK ||
        vonk_rdd_reduce(words, Word, keep_largest, &word, &found_word, &error) != VONK_OK ||
        vonk_rdd_reduce(vonk_rdd_filter_by_range(pairs, Pair, &(Pair){.k = 10000}, NULL), Pair,
                        add_pair, &largest_key, &found_none, &error) != VONK_OK)
        printf("--- whole: %s\n", error.message);
    printf("--- whole: %.*s %lld; %lld %lld %lld %d; %lld %d; %.*s %lld %d; %d\n",
           (int)longest.longest.bytes, longest.longest.data, (long long)longest.n,
           (long long)spread.low, (long long)spread.high, (long long)spread.last, spread.count,
           (long long)sum.v, found, (int)word.word.bytes, word.word.data, (long long)word.n,
           found_word, found_none);
}

/* The loop of the calls adds to the accumulator itself. */
static void without_columns(VonkSession *session)
{
    VonkRdd *numbers = vonk_rdd_range(session, 0, 300000, 1, 2);
    VonkRdd *shares =
        vonk_rdd_filter(vonk_rdd_flat_map(numbers, VonkNumber, Share, spread_out), Share, is_small);
    VonkError error = {0};
    Share sum = {0}, none = {0};
    bool found = false, found_none = true;

    if (vonk_rdd_reduce(shares, Share, add_share, &sum, &found, &error) != VONK_OK ||
        vonk_rdd_reduce(vonk_rdd_filter(vonk_rdd_filter(shares, Share, is_large), Share, is_small),
                        Share, add_share, &none, &found_none, &error) != VONK_OK)
        printf("--- without columns: %s\n", error.message);
    printf("--- without columns: %.17g %d %d\n", sum.x, found, found_none);
    if (vonk_rdd_reduce(shares, Share, add_share_until, &sum, &found, &error) != VONK_OK)
        printf("--- fails without columns: %s | %.*s\n", error.message,
               (int)strcspn(error.detail, "\n"), error.detail);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *numbers = vonk_rdd_range(session, 0, 20000, 1, 3);
    VonkRdd *words = vonk_rdd_map(numbers, VonkNumber, Word, to_word);
    VonkRdd *mixed = vonk_rdd_map(numbers, VonkNumber, Mixed, to_mixed);
    VonkRdd *reals = vonk_rdd_map(numbers, VonkNumber, Real, to_real);
    VonkRdd *pairs = vonk_rdd_map(numbers, VonkNumber, Pair, to_pair);

    (void)argc;
    (void)argv;
    print("texts", vonk_rdd_reduce_by_key(words, Word, add_word));
    print("the whole record is taken", vonk_rdd_reduce_by_key(words, Word, keep_largest));
    print("several keys, NULLs", vonk_rdd_reduce_by_key(mixed, Mixed, add_mixed));
    print("reals", vonk_rdd_reduce_by_key(reals, Real, add_real));
    print("numbers", vonk_rdd_reduce_by_key(pairs, Pair, add_pair));
    print("cannot be inlined", vonk_rdd_reduce_by_key(pairs, Pair, add_and_count));
    print("created", vonk_rdd_combine_by_key(pairs, Pair, Spread, begin_spread, widen, unite,
                                             VONK_WITH((Scale){2})));
    print("from zero", vonk_rdd_aggregate_by_key(pairs, Pair, Spread, &(Spread){.low = 5}, widen,
                                                 unite, VONK_WITH((Scale){-1})));
    print("folded", vonk_rdd_fold_by_key(pairs, Pair, &(Pair){0}, add_pair));
    print("texts that are no keys",
          vonk_rdd_reduce_by_key(vonk_rdd_map(words, Word, Longest, to_longest), Longest, longer));
    print("of a query",
          vonk_rdd_reduce_by_key(
              vonk_rdd_sql(
                  session, Only,
                  "SELECT CASE WHEN x % 3 = 0 THEN 'always the same long text' ELSE 'x' || "
                  "x % 10 END, x FROM generate_series(1::bigint, 5000) g(x) WHERE x % 7 <> 0"),
              Only, add_only));
    whole(words, pairs);
    without_columns(session);
    count("add fails", vonk_rdd_reduce_by_key(pairs, Pair, add_until));
    count("create fails",
          vonk_rdd_combine_by_key(pairs, Pair, Pair, begin_until, add_pair, add_pair));
    return 0;
}
