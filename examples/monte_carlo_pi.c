/*
 * monte_carlo_pi.c -- pi, by throwing darts at a square
 *
 *     vonk submit examples/monte_carlo_pi.c 200000000
 *
 * Each partition has random numbers of its own, which its number decides: the answer is the same
 * each time, wherever its tasks run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Throws, VONK_FIELD(int8, darts), VONK_FIELD(int8, hits));

enum { PARTITIONS = 64 };

/* splitmix64: the top 53 bits are a number from 0 to 1 */
static double next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

void throw_darts(VonkTask *task, VonkOut *out)
{
    uint64_t random = (uint64_t)vonk_task_partition(task) << 40;
    Throws throws = {.darts = *VONK_CLOSURE(task, int64_t)};

    for (int64_t i = 0; i < throws.darts; i++) {
        double x = next_random(&random), y = next_random(&random);

        throws.hits += x * x + y * y < 1;
        if (i % 1000000 == 0 && vonk_task_is_cancelled(task))
            return;
    }
    vonk_emit(out, &throws);
}

void add(VonkTask *task, Throws *sum, const Throws *more)
{
    (void)task;
    sum->darts += more->darts;
    sum->hits += more->hits;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *throws;
    VonkError error;
    int64_t darts;
    Throws all;
    bool found;

    if (argc != 2) {
        fprintf(stderr, "usage: monte_carlo_pi.c DARTS\n");
        return 2;
    }
    darts = (atoll(argv[1]) + PARTITIONS - 1) / PARTITIONS; /* a partition */
    throws = vonk_rdd_generate(session, PARTITIONS, Throws, throw_darts, VONK_WITH(darts));
    if (vonk_rdd_reduce(throws, Throws, add, &all, &found, &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    printf("%lld of %lld: pi is about %.6f\n", (long long)all.hits, (long long)all.darts,
           4 * (double)all.hits / (double)all.darts);
    return 0;
}
