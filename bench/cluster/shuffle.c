/*
 * shuffle.c -- records of 96 bytes that go to another partition by a key that nothing can guess
 *
 *     shuffle.c ROWS
 *
 * Executors and the job's object are there after a first, small one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vonk/vonk.h>

VONK_RECORD(Wide, VONK_KEY(int8, key), VONK_FIELD(int8, a), VONK_FIELD(int8, b),
            VONK_FIELD(int8, c), VONK_FIELD(int8, d), VONK_FIELD(int8, e), VONK_FIELD(int8, f),
            VONK_FIELD(int8, g), VONK_FIELD(int8, h), VONK_FIELD(int8, i), VONK_FIELD(int8, j),
            VONK_FIELD(int8, k));
VONK_RECORD(One, VONK_FIELD(int8, v));

enum { PARTITIONS = 8 };

static int64_t mixed(int64_t x)
{
    uint64_t bits = (uint64_t)x * 0x9e3779b97f4a7c15u;

    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    return (int64_t)(bits ^ bits >> 27);
}

static void widen(VonkTask *task, const VonkNumber *number, Wide *wide)
{
    int64_t x = mixed(number->value);

    (void)task;
    *wide = (Wide){x,
                   mixed(x + 1),
                   mixed(x + 2),
                   mixed(x + 3),
                   mixed(x + 4),
                   mixed(x + 5),
                   mixed(x + 6),
                   mixed(x + 7),
                   mixed(x + 8),
                   mixed(x + 9),
                   mixed(x + 10),
                   mixed(x + 11)};
}

static void fold(VonkTask *task, const Wide *wide, One *one)
{
    (void)task;
    one->v = (wide->key ^ wide->a ^ wide->b ^ wide->c ^ wide->d ^ wide->e ^ wide->f ^ wide->g ^
              wide->h ^ wide->i ^ wide->j ^ wide->k) &
             1023;
}

static double seconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    int64_t rows[2] = {1000, argc == 2 ? atoll(argv[1]) : 1000000};
    VonkError error;

    for (int i = 0; i < 2; i++) {
        VonkRdd *wide = vonk_rdd_map(vonk_rdd_range(session, 0, rows[i], 1, PARTITIONS), VonkNumber,
                                     Wide, widen);
        double sum, start = seconds();

        wide = vonk_rdd_partition_by(wide, PARTITIONS);
        if (vonk_rdd_sum(vonk_rdd_map(wide, Wide, One, fold), "v", &sum, &error) != VONK_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        if (i == 1)
            printf("%.0f\nseconds: %.6f\n", sum, seconds() - start);
    }
    return 0;
}
