/* filter_map.c -- a filter and a map of pairs, then their sum; with "sql": the same as one query */
#include <stdio.h>
#include <string.h>
#include <vonk/vonk.h>

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Sum, VONK_FIELD(int8, sum));

static bool is_wanted(VonkTask *task, const Pair *in)
{
    (void)task;
    return in->v > 100 && in->k < 900000;
}

static void weigh(VonkTask *task, const Pair *in, Sum *out)
{
    (void)task;
    out->sum = in->k * 3 + in->v;
}

static void add(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->sum += more->sum;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    char sql[1000];
    VonkError error;
    Sum sum;
    bool found;

    if (argc != 3)
        return 2;
    if (strcmp(argv[2], "sql") == 0) {
        snprintf(
            sql, sizeof sql,
            "SELECT sum(k * 3 + v)::bigint FROM read_parquet('%s') WHERE v > 100 AND k < 900000",
            argv[1]);
        return vonk_rdd_print_csv(vonk_rdd_sql(session, Sum, sql));
    }
    snprintf(sql, sizeof sql, "SELECT k, v FROM read_parquet('%s')", argv[1]);
    if (vonk_rdd_reduce(
            vonk_rdd_map(vonk_rdd_filter(vonk_rdd_sql(session, Pair, sql), Pair, is_wanted), Pair,
                         Sum, weigh),
            Sum, add, &sum, &found, &error) != VONK_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("sum\n%lld\n", (long long)sum.sum);
    return 0;
}
