/*
 * where.c -- where the tasks of a job ran
 *
 *     vonk submit where.c TASKS MILLISECONDS CODE
 *     16 tasks, 120, in 2 processes
 *
 * Each task takes that long, so that no process can do them all; the job ends with the code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <vonk/vonk.h>

VONK_RECORD(Place, VONK_KEY(int8, pid), VONK_FIELD(int8, tasks), VONK_FIELD(int8, numbers));

void stay(VonkTask *task, VonkOut *out)
{
    int64_t ms = *VONK_CLOSURE(task, int64_t);
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&left, NULL);
    vonk_emit(out, &(Place){.pid = getpid(), .tasks = 1, .numbers = vonk_task_partition(task)});
}

void add(VonkTask *task, Place *sum, const Place *more)
{
    (void)task;
    sum->tasks += more->tasks;
    sum->numbers += more->numbers;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    int64_t ms = argc == 4 ? atoll(argv[2]) : 0, tasks = 0, numbers = 0;
    VonkRdd *places;
    VonkRecords *records;
    VonkError error;

    if (argc != 4)
        return 2;
    places = vonk_rdd_generate(session, (uint32_t)atoi(argv[1]), Place, stay, VONK_WITH(ms));
    places = vonk_rdd_reduce_by_key(places, Place, add);
    if (vonk_rdd_collect(places, &records, &error) != VONK_OK) {
        fprintf(stderr, "ERROR: %s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < vonk_records_count(records); i++) {
        const Place *place = &VONK_RECORDS(records, Place)[i];

        tasks += place->tasks;
        numbers += place->numbers;
        if (place->pid == getpid())
            printf("in the driver: ");
    }
    printf("%lld tasks, %lld, in %zu processes\n", (long long)tasks, (long long)numbers,
           vonk_records_count(records));
    vonk_records_free(records);
    return atoi(argv[3]);
}
