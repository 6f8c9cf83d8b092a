/* empty_tasks.c -- how many tasks of one number each a running application does in a second */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vonk/vonk.h>

static double seconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Executors and the job's object are there after the first. */
int vonk_main(VonkSession *session, int argc, char **argv)
{
    uint32_t sizes[2] = {2, argc == 2 ? (uint32_t)atoi(argv[1]) : 20000};
    VonkError error;

    for (int i = 0; i < 2; i++) {
        double start = seconds();
        int64_t rows;

        if (vonk_rdd_count(vonk_rdd_range(session, 0, sizes[i], 1, sizes[i]), &rows, &error) !=
            VONK_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        if (i == 1)
            printf("%lld\nseconds: %.6f\n", (long long)rows, seconds() - start);
    }
    return 0;
}
