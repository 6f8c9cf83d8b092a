/*
 * semantics_nulls.c -- a NULL in a field that has none, as SQL may give it: an error that names the
 * field, for whoever reads the record; argument: an empty folder to write to
 */
#include <unistd.h>

#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Loose, VONK_NULLABLE_KEY(int8, k), VONK_NULLABLE(int8, v));
VONK_RECORD(Wide, VONK_KEY(int8, k), VONK_FIELD(text, t), VONK_FIELD(bool, b), VONK_FIELD(int8, v),
            VONK_FIELD(numeric(30, 2), n), VONK_NULLABLE(text, maybe));
VONK_RECORD(Sides, VONK_KEY(int8, k), VONK_NULLABLE(int8, a), VONK_NULLABLE(int8, b));

static const char *root;

static const char *path_of(const char *name)
{
    static char paths[4][500];
    static int next;

    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", root, name);
    return paths[next];
}

/* --- functions --- */

void add_sides(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    (void)task;
    *out =
        (Pair){.k = a != NULL ? a->k : b->k, .v = (a == NULL ? 0 : a->v) + (b == NULL ? 0 : b->v)};
}

void put_sides(VonkTask *task, const Pair *a, const Pair *b, Sides *out)
{
    (void)task;
    *out = (Sides){.k = a != NULL ? a->k : b->k, .a_is_null = a == NULL, .b_is_null = b == NULL};
    if (a != NULL)
        out->a = a->v;
    if (b != NULL)
        out->b = b->v;
}

static int64_t calls; /* no constant: who uses it is not inlined */

void add_called(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    add_sides(task, a, b, out);
    calls += out->k < 0;
}

void add_loose(VonkTask *task, const Pair *a, const Loose *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a == NULL ? -1 : a->k, .v = b == NULL || b->v_is_null ? -1 : b->v};
}

void add_more(VonkTask *task, const Sides *a, const Pair *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a != NULL ? a->k : b->k};
    if (a != NULL)
        out->v = (a->a_is_null ? 0 : a->a) + (a->b_is_null ? 0 : a->b);
    if (b != NULL)
        out->v += b->v;
}

/* Reads all fields of b. */
void add_wide(VonkTask *task, const Pair *a, const Wide *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a == NULL ? -1 : a->k};
    if (b != NULL)
        out->v = (int64_t)b->t.bytes + b->b + b->v + (int64_t)b->n + (int64_t)b->maybe.bytes;
}

void count_both(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    Pair sum = {0};

    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(a, Pair)) != NULL; sum.v += pair->v)
        sum.k = pair->k;
    for (const Pair *pair; (pair = VONK_NEXT(b, Pair)) != NULL; sum.v += pair->v)
        sum.k = pair->k;
    vonk_emit(out, &sum);
}

void see(VonkTask *task, const Pair *in)
{
    if (in->v == INT64_MIN)
        vonk_fail(task, "no");
}

void see_wide(VonkTask *task, const Wide *in)
{
    if (in->v == INT64_MIN || in->t.bytes > 5 || in->b != 1)
        vonk_fail(task, "no");
}

/* --- cases --- */

/* Keys 1 to 4; v is NULL of odd ones. */
static VonkRdd *with_nulls(VonkSession *session)
{
    return vonk_rdd_sql(session, Pair,
                        "SELECT x, CASE WHEN x % 2 = 0 THEN x END "
                        "FROM generate_series(1, 4) AS g(x)");
}

/* So many keys from `from` on; v is k. */
static VonkRdd *without(VonkSession *session, int from, int count)
{
    char sql[100];

    snprintf(sql, sizeof sql, "SELECT x, x FROM generate_series(%d, %d) AS g(x)", from,
             from + count - 1);
    return vonk_rdd_sql(session, Pair, sql);
}

/* The sum of v, when there are so many records. */
static int64_t sum_of(VonkRdd *rdd, size_t wanted)
{
    VonkRecords *records;
    VonkError error;
    const Pair *pairs;
    int64_t sum = 0;

    if (vonk_rdd_collect(rdd, &records, &error) != VONK_OK) {
        fail_with(&error, "sum");
        return -1;
    }
    pairs = VONK_RECORDS(records, Pair);
    for (size_t i = 0; i < vonk_records_count(records); i++)
        sum += pairs[i].v;
    if (vonk_records_count(records) != wanted)
        sum = -1;
    vonk_records_free(records);
    return sum;
}

#define NULL_IN_V(rdd, name) REFUSED(rdd, VONK_BAD_INPUT, "NULL in field \"v\"", name)

/* The action fails as REFUSED says. */
static void check_refused(VonkStatus status, VonkError *error, const char *name)
{
    if (status == VONK_BAD_INPUT && strstr(error->message, "NULL in field \"v\"") != NULL)
        check(true, name);
    else
        fail_with(error, name);
    *error = (VonkError){0};
}

static void test_sides_that_are_there(VonkSession *session)
{
    VonkRdd *nulls = with_nulls(session), *pairs = without(session, 0, 50);

    NULL_IN_V(vonk_rdd_join(nulls, Pair, nulls, Pair, Pair, add_sides), "join");
    NULL_IN_V(vonk_rdd_left_join(nulls, Pair, pairs, Pair, Pair, add_sides), "left_join: in a");
    NULL_IN_V(vonk_rdd_right_join(pairs, Pair, nulls, Pair, Pair, add_sides), "right_join: in b");
    NULL_IN_V(vonk_rdd_cartesian(pairs, Pair, nulls, Pair, Pair, add_sides), "cartesian");
    NULL_IN_V(vonk_rdd_cogroup(pairs, Pair, nulls, Pair, Pair, count_both), "cogroup: in b");
    NULL_IN_V(vonk_rdd_cogroup(nulls, Pair, pairs, Pair, Pair, count_both), "cogroup: in a");
}

/* All fields of a side that may be missing are NULL in some pairs; a record that is there has none
 * in those that have none. */
static void test_sides_that_may_be_missing(VonkSession *session)
{
    VonkRdd *nulls = with_nulls(session), *pairs = without(session, 0, 50);
    VonkRdd *others = without(session, 100, 50), *some = without(session, 2, 1);

    NULL_IN_V(vonk_rdd_left_join(pairs, Pair, nulls, Pair, Pair, add_sides), "left_join: in b");
    NULL_IN_V(vonk_rdd_right_join(nulls, Pair, pairs, Pair, Pair, add_sides), "right_join: in a");
    NULL_IN_V(vonk_rdd_full_join(pairs, Pair, nulls, Pair, Pair, add_sides), "full_join: in b");
    NULL_IN_V(vonk_rdd_full_join(nulls, Pair, pairs, Pair, Pair, add_sides), "full_join: in a");
    NULL_IN_V(vonk_rdd_full_join(nulls, Pair, others, Pair, Pair, add_sides),
              "full_join: in a, without a match");
    NULL_IN_V(vonk_rdd_full_join(others, Pair, nulls, Pair, Pair, add_sides),
              "full_join: in b, without a match");
    NULL_IN_V(vonk_rdd_left_join(pairs, Pair, nulls, Pair, Pair, add_called),
              "left_join: in b, a function that is called");
    NULL_IN_V(vonk_rdd_left_join(pairs, Pair, nulls, Pair, Pair, add_sides, VONK_PARTITIONS(5)),
              "left_join: in b, in five partitions");
    check(sum_of(vonk_rdd_left_join(others, Pair, nulls, Pair, Pair, add_sides), 50) == 6225,
          "left_join: nobody sees b's records without a match");
    check(sum_of(vonk_rdd_left_join(some, Pair, nulls, Pair, Pair, add_sides), 1) == 4,
          "left_join: b's record that is seen has no NULL");
    check(sum_of(vonk_rdd_full_join(some, Pair, others, Pair, Pair, add_sides), 51) == 6227,
          "full_join: both sides may be missing, and nothing else is NULL");
}

static void test_fields_of_all_types(VonkSession *session)
{
    static const char *const fields[] = {"t", "b", "v", "n"};
    VonkRdd *pairs = without(session, 0, 3000);

    for (int i = 0; i < 4; i++) {
        char sql[300], words[40], name[60];

        snprintf(sql, sizeof sql,
                 "SELECT x, CASE WHEN x <> %d THEN 'text' END, CASE WHEN x <> %d THEN true END, "
                 "CASE WHEN x <> %d THEN 1 END, CASE WHEN x <> %d THEN 1.25 END, NULL "
                 "FROM generate_series(1000, 4000) AS g(x)",
                 i == 0 ? 2000 : -1, i == 1 ? 2000 : -1, i == 2 ? 2000 : -1, i == 3 ? 2000 : -1);
        snprintf(words, sizeof words, "NULL in field \"%s\"", fields[i]);
        snprintf(name, sizeof name, "left_join: a NULL in the only b's %s", fields[i]);
        REFUSED(
            vonk_rdd_left_join(pairs, Pair, vonk_rdd_sql(session, Wide, sql), Wide, Pair, add_wide),
            VONK_BAD_INPUT, words, name);
    }
    check(sum_of(vonk_rdd_left_join(pairs, Pair,
                                    vonk_rdd_sql(session, Wide,
                                                 "SELECT x, 'text', true, 1, 1.25, NULL "
                                                 "FROM generate_series(1000, 4000) AS g(x)"),
                                    Wide, Pair, add_wide),
                 3000) == 2000 * 131,
          "left_join: a NULL in a field that may be NULL");
}

/* However many rows are in a batch, and whether the function is compiled or called. */
static void test_first_row(VonkSession *session)
{
    VonkRdd *rows = vonk_rdd_sql(session, Wide,
                                 "SELECT x, CASE WHEN x <> 700 THEN 'text' END, "
                                 "CASE WHEN x <> 701 THEN true END, "
                                 "CASE WHEN x <> 699 THEN x END, 1, NULL "
                                 "FROM generate_series(1, 3000) AS g(x)");
    VonkError error = {0};

    check_refused(vonk_rdd_foreach(rows, Wide, see_wide, &error), &error,
                  "the first record with a NULL is the one that the error is of");
}

static void test_null_keys(VonkSession *session)
{
    VonkRdd *pairs = without(session, 0, 5);
    VonkRdd *keys = vonk_rdd_sql(session, Pair,
                                 "SELECT CASE WHEN x <> 7 THEN x END, 1 "
                                 "FROM generate_series(3, 7) AS g(x)");
    VonkRdd *loose = vonk_rdd_sql(session, Loose,
                                  "SELECT CASE WHEN x <> 7 THEN x END, NULL::bigint "
                                  "FROM generate_series(3, 7) AS g(x)");

    REFUSED(vonk_rdd_full_join(pairs, Pair, keys, Pair, Pair, add_sides), VONK_BAD_INPUT,
            "NULL in field \"k\"", "full_join: a NULL in b's key");
    REFUSED(vonk_rdd_full_join(keys, Pair, pairs, Pair, Pair, add_sides), VONK_BAD_INPUT,
            "NULL in field \"k\"", "full_join: a NULL in a's key");
    check(sum_of(vonk_rdd_left_join(pairs, Pair, keys, Pair, Pair, add_sides), 5) == 12,
          "left_join: b's record whose key is NULL has no match");
    check(sum_of(vonk_rdd_full_join(pairs, Pair, loose, Loose, Pair, add_loose), 8) == -8,
          "full_join: NULL in a key that may be NULL");
}

static void test_joins_of_joins(VonkSession *session)
{
    VonkRdd *nulls = with_nulls(session), *pairs = without(session, 0, 6);
    VonkRdd *left = vonk_rdd_left_join(pairs, Pair, without(session, 3, 9), Pair, Sides, put_sides);
    VonkRdd *wrong = vonk_rdd_left_join(pairs, Pair, nulls, Pair, Sides, put_sides);

    check(sum_of(vonk_rdd_full_join(left, Sides, pairs, Pair, Pair, add_more), 6) == 42,
          "full_join of a left_join: what its function made is NULL where it may be");
    NULL_IN_V(vonk_rdd_full_join(left, Sides, nulls, Pair, Pair, add_more),
              "full_join of a left_join: in b");
    NULL_IN_V(vonk_rdd_full_join(wrong, Sides, pairs, Pair, Pair, add_more),
              "full_join of a left_join: below");
    NULL_IN_V(vonk_rdd_right_join(wrong, Sides, pairs, Pair, Pair, add_more),
              "right_join of a left_join: below");
    NULL_IN_V(vonk_rdd_left_join(left, Sides, nulls, Pair, Pair, add_more),
              "left_join of a left_join: in b");
}

/* Where a file is read and a filter keeps some rows; more than a batch. */
static void test_tables(VonkSession *session)
{
    VonkRdd *pairs = without(session, 0, 9000), *other;
    char sql[700];
    VonkError error;

    if (vonk_rdd_save_as_parquet(vonk_rdd_sql(session, Loose,
                                              "SELECT x, CASE WHEN x % 1000 <> 7 THEN x END "
                                              "FROM generate_series(0, 8000) AS g(x)"),
                                 path_of("loose"), &error) != VONK_OK) {
        fail_with(&error, "save");
        return;
    }
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s')", path_of("loose"));
    other = vonk_rdd_sql(session, Pair, sql);
    NULL_IN_V(vonk_rdd_left_join(pairs, Pair, other, Pair, Pair, add_sides), "left_join of a file");
    NULL_IN_V(vonk_rdd_full_join(other, Pair, pairs, Pair, Pair, add_sides), "full_join of a file");
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s') WHERE v IS NOT NULL",
             path_of("loose"));
    check(sum_of(vonk_rdd_left_join(pairs, Pair, vonk_rdd_sql(session, Pair, sql), Pair, Pair,
                                    add_sides),
                 9000) == 40495500 + 32004000 - 28056,
          "left_join of a file without its NULLs");
}

/* --- without a function in between --- */

static void test_driver(VonkSession *session)
{
    VonkRdd *nulls = with_nulls(session);
    VonkRecords *records;
    VonkIterator *iterator;
    VonkError error = {0};
    VonkStatus status;
    Pair pair;
    bool found;

    check_refused(vonk_rdd_collect(nulls, &records, &error), &error, "collect");
    check_refused(vonk_rdd_first(nulls, Pair, &pair, &found, &error), &error, "first");
    check_refused(
        vonk_rdd_collect(vonk_rdd_sort_by(vonk_rdd_distinct(nulls), "v"), &records, &error), &error,
        "collect what was sorted");
    status = vonk_rdd_iterate(nulls, &iterator, &error);
    while (status == VONK_OK && VONK_ITERATE(iterator, Pair) != NULL)
        continue;
    if (status == VONK_OK)
        status = vonk_iterator_free(iterator, &error);
    check_refused(status, &error, "iterate");
    check_refused(vonk_rdd_foreach(nulls, Pair, see, &error), &error, "foreach");
    check(count_of(nulls) == 4, "count looks at no field");
}

static void test_outputs(VonkSession *session)
{
    VonkRdd *nulls = with_nulls(session);
    VonkError error = {0};

    check_refused(vonk_rdd_save(nulls, path_of("nulls.csv"), "csv", &error), &error, "save");
    check(access(path_of("nulls.csv"), F_OK) != 0, "... leaves no file");
    check_refused(vonk_rdd_save_as_csv(nulls, path_of("nulls"), &error), &error, "save_as_csv");
    check(access(path_of("nulls"), F_OK) != 0, "... leaves no folder");
    check_refused(vonk_rdd_save_as_parquet(nulls, path_of("nulls"), &error), &error,
                  "save_as_parquet");
    check(vonk_rdd_print_csv(nulls) == 1, "print_csv");
    NULL_IN_V(vonk_rdd_checkpoint(nulls, path_of("nulls")), "checkpoint");
    NULL_IN_V(vonk_rdd_local_checkpoint(nulls), "local_checkpoint");
    REFUSED(
        vonk_rdd_checkpoint(vonk_rdd_sql(session, VonkLine, "SELECT NULL::text"), path_of("lines")),
        VONK_BAD_INPUT, "NULL in field \"text\"", "checkpoint of lines");
    check(vonk_rdd_save_as_text(vonk_rdd_sql(session, VonkLine, "SELECT NULL::text"),
                                path_of("lines"), &error) == VONK_BAD_INPUT &&
              strstr(error.message, "NULL in field \"text\"") != NULL,
          "save_as_text");
    check(vonk_rdd_save_as_csv(vonk_rdd_sql(session, Loose, "SELECT NULL::bigint, NULL::bigint"),
                               path_of("fine"), &error) == VONK_OK,
          "save_as_csv: NULL in fields that may be NULL");
}

/* SQL sees the NULLs that it gave. */
static void test_sql(VonkSession *session)
{
    VonkError error = {0};

    if (vonk_rdd_register(with_nulls(session), "nulls", &error) != VONK_OK) {
        fail_with(&error, "register");
        return;
    }
    check(sum_of(vonk_rdd_sql(session, Pair, "SELECT 1, count(*) FROM nulls WHERE v IS NULL"), 1) ==
              2,
          "a registered RDD's NULLs");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    root = argc > 1 ? argv[1] : ".";
    test_sides_that_are_there(session);
    test_sides_that_may_be_missing(session);
    test_fields_of_all_types(session);
    test_first_row(session);
    test_null_keys(session);
    test_joins_of_joins(session);
    test_tables(session);
    test_driver(session);
    test_outputs(session);
    test_sql(session);
    return finish();
}
