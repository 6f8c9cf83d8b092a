/*
 * short_of_memory.c -- calls whose tasks hold more than a small limit allows
 *
 *     short_of_memory.c CALL RECORDS
 *
 * Prints the records that come out: the same ones in the same order, whatever memory there is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vonk/vonk.h>

VONK_RECORD(Row, VONK_KEY(int8, k), VONK_KEY(text, t), VONK_FIELD(int8, v),
            VONK_NULLABLE(float8, x));
VONK_RECORD(Both, VONK_FIELD(int8, k), VONK_FIELD(int8, a), VONK_FIELD(int8, b),
            VONK_FIELD(text, t));

enum { PARTITIONS = 3 };

static uint64_t mixed(uint64_t number)
{
    number *= 0x9e3779b97f4a7c15u;
    return ((number ^ number >> 29) * 0xbf58476d1ce4e5b9u) >> 8;
}

static void fill(VonkTask *task, int64_t number, uint64_t key, Row *out)
{
    char *text = vonk_task_alloc(task, 64);

    if (text == NULL)
        return;
    *out = (Row){.k = (int64_t)key, .v = number, .x_is_null = number % 7 == 0};
    out->t.data = text;
    out->t.bytes =
        (size_t)snprintf(text, 64, "%*s%lld", (int)(key % 20), "", (long long)mixed(key));
    out->x = (double)(number % 1000) / 8;
}

/* Keys that come about twice. */
void spread(VonkTask *task, const VonkNumber *in, Row *out)
{
    uint64_t count = (uint64_t)*VONK_CLOSURE(task, int64_t);

    fill(task, in->value, mixed((uint64_t)in->value) % (count / 2), out);
}

/* As those, but some have no partner. */
void spread_more(VonkTask *task, const VonkNumber *in, Row *out)
{
    uint64_t count = (uint64_t)*VONK_CLOSURE(task, int64_t);

    fill(task, in->value, count / 8 + mixed((uint64_t)in->value + count) % (count / 2), out);
}

/* All of one key. */
void alike(VonkTask *task, const VonkNumber *in, Row *out)
{
    fill(task, in->value, 3, out);
}

void put(VonkTask *task, const Row *a, const Row *b, Both *out)
{
    (void)task;
    *out = (Both){.k = a == NULL ? b->k : a->k,
                  .a = a == NULL ? -1 : a->v,
                  .b = b == NULL ? -1 : b->v,
                  .t = b == NULL ? a->t : b->t};
}

/* What it makes depends on the order of the records. */
void chain(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Both all = {.a = 1};

    (void)task;
    for (const Row *row; (row = VONK_NEXT(in, Row)) != NULL; all.b++)
        all = (Both){.k = row->k, .a = all.a * 31 + row->v, .b = all.b, .t = row->t};
    vonk_emit(out, &all);
}

void chain_both(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    chain(task, a, out);
    chain(task, b, out);
}

void add(VonkTask *task, Row *sum, const Row *more)
{
    (void)task;
    sum->v = sum->v * 31 + more->v;
    if (!more->x_is_null)
        sum->x = more->x;
}

void without_v(VonkTask *task, const Row *in, Row *out)
{
    (void)task;
    *out = *in;
    out->v = 0;
    out->x = 0;
}

VONK_RECORD(Group, VONK_FIELD(int8, k), VONK_FIELD(text, t), VONK_FIELD(int8, n),
            VONK_FIELD(text, least), VONK_FIELD(text, most), VONK_NULLABLE(float8, mean));

/* Keys of a record and more: groups of which each has a few rows, and so many texts as states. */
static const char sql_groups[] =
    "SELECT k, t, count(*) AS n, min(t || v) AS least, max('v of this record is ' || v) AS most, "
    "avg(x) AS mean FROM rows_a GROUP BY k, t";

/* So few that they come in the order of their first rows, and too large for memory all the same. */
static const char sql_few_groups[] =
    "SELECT k % 60000 AS k, repeat('0123456789', 25) || k % 60000 AS t, count(*) AS n, "
    "min(repeat('of all', 200) || v) AS least, max('v of this record is ' || v) AS most, avg(x) AS "
    "mean "
    "FROM rows_a GROUP BY 1, 2";

/* Rows that one input has twice, the other one, or neither. */
#define SETS_OF(operation)                                                                         \
    "SELECT * FROM (SELECT k, t, x FROM rows_a UNION ALL SELECT k, t, x FROM rows_a WHERE v % 3 "  \
    "= 0) a " operation " (SELECT k, t, x FROM rows_a WHERE v % 2 = 0 UNION ALL SELECT k, t, 1 "   \
    "FROM rows_a)"

VONK_RECORD(Sets, VONK_FIELD(int8, k), VONK_FIELD(text, t), VONK_NULLABLE(float8, x));

static const char *const sets[][2] = {{"sql_intersect", SETS_OF("INTERSECT")},
                                      {"sql_intersect_all", SETS_OF("INTERSECT ALL")},
                                      {"sql_except", SETS_OF("EXCEPT")},
                                      {"sql_except_all", SETS_OF("EXCEPT ALL")},
                                      {"sql_union", SETS_OF("UNION")}};

VONK_RECORD(Distinct, VONK_FIELD(int8, k), VONK_FIELD(int8, texts), VONK_FIELD(int8, numbers),
            VONK_FIELD(float8, sum), VONK_FIELD(int8, n));

static const char sql_distinct[] =
    "SELECT k % 1009 AS k, count(DISTINCT t) AS texts, count(DISTINCT v) AS numbers, "
    "sum(DISTINCT x) AS sum, count(*) AS n FROM rows_a GROUP BY 1";

static VonkRdd *made_by(VonkSession *session, VonkRdd *a, VonkRdd *b, VonkRdd *few, VonkRdd *same,
                        const char *call)
{
    VonkError error;
    VonkRdd *keys_a = vonk_rdd_map(a, Row, Row, without_v);
    VonkRdd *keys_b = vonk_rdd_map(b, Row, Row, without_v);

    if (vonk_rdd_register(a, "rows_a", &error) != VONK_OK)
        return NULL;
    if (strcmp(call, "join") == 0)
        return vonk_rdd_join(a, Row, b, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "left_join") == 0)
        return vonk_rdd_left_join(a, Row, b, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "right_join") == 0)
        return vonk_rdd_right_join(a, Row, b, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "full_join") == 0)
        return vonk_rdd_full_join(a, Row, b, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "skewed_join") == 0)
        return vonk_rdd_join(few, Row, same, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "skewed_full_join") == 0)
        return vonk_rdd_full_join(vonk_rdd_union(few, a), Row, vonk_rdd_union(same, b), Row, Both,
                                  put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "skewed_left_join") == 0)
        return vonk_rdd_left_join(few, Row, same, Row, Both, put, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "cartesian") == 0)
        return vonk_rdd_cartesian(few, Row, a, Row, Both, put);
    if (strcmp(call, "cogroup") == 0)
        return vonk_rdd_cogroup(a, Row, b, Row, Both, chain_both, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "group_by_key") == 0)
        return vonk_rdd_group_by_key(a, Row, Both, chain, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "one_group") == 0)
        return vonk_rdd_group_by_key(same, Row, Both, chain, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "reduce_by_key") == 0)
        return vonk_rdd_reduce_by_key(a, Row, add, VONK_PARTITIONS(PARTITIONS));
    if (strcmp(call, "sort_by") == 0)
        return vonk_rdd_sort_by(a, "t DESC, x");
    if (strcmp(call, "sort_by_key") == 0)
        return vonk_rdd_sort_by_key(a);
    if (strcmp(call, "sort_within") == 0)
        return vonk_rdd_repartition_and_sort_within_partitions(a, PARTITIONS, "x DESC, k");
    if (strcmp(call, "merge_sorted") == 0)
        return vonk_rdd_merge_sorted(vonk_rdd_sort_by(a, "x, t"), vonk_rdd_sort_by(b, "x, t"),
                                     "x, t");
    if (strcmp(call, "distinct") == 0)
        return vonk_rdd_distinct(keys_a);
    if (strcmp(call, "sql_groups") == 0)
        return vonk_rdd_sql(session, Group, sql_groups);
    if (strcmp(call, "sql_few_groups") == 0)
        return vonk_rdd_sql(session, Group, sql_few_groups);
    if (strcmp(call, "sql_distinct") == 0)
        return vonk_rdd_sql(session, Distinct, sql_distinct);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(call, sets[i][0]) == 0)
            return vonk_rdd_sql(session, Sets, sets[i][1]);
    if (strcmp(call, "subtract") == 0)
        return vonk_rdd_subtract(keys_a, keys_b);
    if (strcmp(call, "subtract_by_key") == 0)
        return vonk_rdd_subtract_by_key(a, b);
    if (strcmp(call, "intersection") == 0)
        return vonk_rdd_intersection(keys_a, keys_b);
    if (strcmp(call, "repartition") == 0)
        return vonk_rdd_repartition(a, 2);
    if (strcmp(call, "coalesce") == 0)
        return vonk_rdd_coalesce(a, 1);
    if (strcmp(call, "persist") == 0)
        return vonk_rdd_union(vonk_rdd_persist(a), vonk_rdd_repartition(vonk_rdd_persist(a), 2));
    return NULL;
}

int vonk_main(VonkSession *s, int argc, char **argv)
{
    int64_t count = argc == 3 ? atoll(argv[2]) : 0;
    VonkRdd *numbers = vonk_rdd_range(s, 0, count, 1, 4), *made;

    if (count < 100)
        return 2;
    made = made_by(s, vonk_rdd_map(numbers, VonkNumber, Row, spread, VONK_WITH(count)),
                   vonk_rdd_map(numbers, VonkNumber, Row, spread_more, VONK_WITH(count)),
                   vonk_rdd_map(vonk_rdd_range(s, 0, 3, 1, 2), VonkNumber, Row, alike),
                   vonk_rdd_map(numbers, VonkNumber, Row, alike), argv[1]);
    return made == NULL ? 3 : vonk_rdd_print_csv(made);
}
