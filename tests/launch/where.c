/*
 * where.c -- where the tasks of a job ran
 *
 *     vonk submit where.c TASKS FOLDER CODE
 *     16 tasks, 120, in 2 processes
 *
 * Each process that has a task leaves a file in the folder. A task goes on when two are there, so
 * that no process does them all, and a file "gate"; the job ends with the code.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vonk/vonk.h>

VONK_RECORD(Place, VONK_KEY(int8, pid), VONK_FIELD(int8, tasks), VONK_FIELD(int8, numbers));

typedef struct Meeting {
    char folder[256];
} Meeting;

static bool may_go_on(const char *path)
{
    DIR *folder = opendir(path);
    bool is_open = false;
    int processes = 0;

    if (folder == NULL)
        return false;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        processes += strncmp(entry->d_name, "process-", 8) == 0;
        is_open |= strcmp(entry->d_name, "gate") == 0;
    }
    closedir(folder);
    return is_open && processes >= 2;
}

void stay(VonkTask *task, VonkOut *out)
{
    const Meeting *meeting = VONK_CLOSURE(task, Meeting);
    struct timespec nap = {.tv_nsec = 10000000};
    char path[300];
    FILE *file;

    snprintf(path, sizeof path, "%s/process-%d", meeting->folder, (int)getpid());
    file = fopen(path, "w");
    if (file == NULL) {
        vonk_fail(task, "cannot write %s", path);
        return;
    }
    fclose(file);
    while (!may_go_on(meeting->folder))
        nanosleep(&nap, NULL);
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
    int64_t tasks = 0, numbers = 0;
    Meeting meeting = {""};
    VonkRdd *places;
    VonkRecords *records;
    VonkError error;

    if (argc != 4 || strlen(argv[2]) >= sizeof meeting.folder)
        return 2;
    memcpy(meeting.folder, argv[2], strlen(argv[2]) + 1);
    places = vonk_rdd_generate(session, (uint32_t)atoi(argv[1]), Place, stay, VONK_WITH(meeting));
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
