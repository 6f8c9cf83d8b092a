/* pi.c -- how many of n points of the unit square lie in the circle */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Hits, VONK_FIELD(int8, n));

static uint64_t mixed(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void throw(VonkTask * task, const VonkNumber *in, Hits *out)
{
    uint64_t bits = mixed((uint64_t)in->value * UINT64_C(0x9e3779b97f4a7c15));
    double x = (double)(bits >> 32) * 0x1p-32, y = (double)(uint32_t)bits * 0x1p-32;

    (void)task;
    out->n = x * x + y * y < 1;
}

static void add(VonkTask *task, Hits *sum, const Hits *more)
{
    (void)task;
    sum->n += more->n;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkError error;
    Hits hits;
    bool found;

    if (argc != 2)
        return 2;
    if (vonk_rdd_reduce(vonk_rdd_map(vonk_rdd_range(session, 0, atoll(argv[1]), 1, 16), VonkNumber,
                                     Hits, throw),
                        Hits, add, &hits, &found, &error) != VONK_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%lld\n", (long long)hits.n);
    return 0;
}
