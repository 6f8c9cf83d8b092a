/* group_sum.c -- sums of the values of each key; prints their number and a checksum */
#include <stdio.h>
#include <vonk/vonk.h>

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));

static void add(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

static void mix(VonkTask *task, const Pair *in, Pair *out)
{
    (void)task;
    out->k = 1;
    out->v = in->k * (in->v % 1000);
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    char sql[1000];
    VonkRdd *pairs, *sums;

    if (argc != 2)
        return 2;
    snprintf(sql, sizeof sql, "SELECT k, v FROM read_parquet('%s')", argv[1]);
    pairs = vonk_rdd_sql(session, Pair, sql);
    sums = vonk_rdd_reduce_by_key(pairs, Pair, add);
    return vonk_rdd_print_csv(
        vonk_rdd_reduce_by_key(vonk_rdd_map(sums, Pair, Pair, mix), Pair, add));
}
