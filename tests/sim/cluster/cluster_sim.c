/*
 * cluster_sim.c -- proves clusters by seeded schedules of faults: the code of all processes in one
 *
 *     cluster_sim [--count N] [--from SEED] [--jobs N]    N schedules, some at a time
 *     cluster_sim --seed SEED [--trace]                   one, with the logs of all processes
 *     cluster_sim --only worker [--every MS] [--count N]  one kind of fault: how long jobs take
 *
 * Each schedule runs in a process of its own, which has all that was prepared before (world.h).
 */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "world.h"

enum { JOBS_MAX = 16, FAILURES_SHOWN = 10 };

pid_t __real_waitpid(pid_t pid, int *status_out, int flags);
int __real_clock_gettime(clockid_t clock, struct timespec *now);

typedef struct Run {
    pid_t pid; /* 0: none */
    uint64_t seed;
    char folder[96];
} Run;

static char folder[64];
static bool is_ready;
static WorldOnly only = {.every_ms = 1000};
SimCounts *sim_counts;

static double now_seconds(void)
{
    struct timespec now;

    __real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *place)
{
    (void)file;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void *prepare(void *context)
{
    (void)context;
    jobs_begin(folder);
    is_ready = true;
    return NULL;
}

static bool are_jobs_ready(void)
{
    return is_ready;
}

static void start(Run *run, uint64_t seed, uint32_t slot, bool is_traced)
{
    run->seed = seed;
    snprintf(run->folder, sizeof run->folder, "%s/run-%u", folder, slot);
    mkdir(run->folder, 0700);
    fflush(NULL);
    run->pid = fork();
    if (run->pid == 0)
        world_run(seed, run->folder, only, is_traced);
}

/* Waits for one; whether it went well. */
static bool finish(Run *runs, uint32_t *slot_out)
{
    int status = 0;
    pid_t pid = __real_waitpid(-1, &status, 0);

    *slot_out = 0;
    while (runs[*slot_out].pid != pid)
        ++*slot_out;
    runs[*slot_out].pid = 0;
    remove_folder(runs[*slot_out].folder);
    if (WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 1))
        printf("seed %llu: ended with wait status %d\n", (unsigned long long)runs[*slot_out].seed,
               status);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static uint64_t run_all(uint64_t from, uint64_t count, uint32_t jobs, bool is_traced)
{
    Run runs[JOBS_MAX] = {0};
    uint64_t next = from, running = 0, failed = 0;

    for (uint32_t slot = 0; slot < jobs && next < from + count; slot++, running++)
        start(&runs[slot], next++, slot, is_traced);
    while (running > 0) {
        uint32_t slot;

        failed += !finish(runs, &slot);
        running--;
        if (next < from + count && failed < FAILURES_SHOWN) {
            start(&runs[slot], next++, slot, is_traced);
            running++;
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    uint64_t count = 1000, from = 1, failed;
    uint32_t jobs = 1;
    bool is_traced = false;
    double started = now_seconds();

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            is_traced = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--count") == 0) {
            count = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--jobs") == 0) {
            jobs = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--from") == 0) {
            from = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--only") == 0) {
            only.fault = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--every") == 0) {
            only.every_ms = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            from = strtoull(argv[++i], NULL, 10);
            count = 1;
        } else {
            fprintf(stderr, "usage: cluster_sim [--count N] [--from SEED] [--jobs N] "
                            "[--only FAULT [--every MS]] | --seed SEED [--trace]\n");
            return 2;
        }
    }
    snprintf(folder, sizeof folder, "%s/vonk-cluster-sim-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    sim_counts =
        mmap(NULL, sizeof *sim_counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mkdtemp(folder) == NULL || jobs == 0 || jobs > JOBS_MAX || sim_counts == MAP_FAILED)
        return 2;
    fibers_begin(1, 0);
    (void)fiber_start(process_new("prepare", 0, NULL), prepare, NULL, sim_now_ns());
    (void)fibers_run(are_jobs_ready);
    fibers_end();
    failed = run_all(from, count, jobs, is_traced);
    remove_folder(folder);
    printf("%" PRIu64 " schedules, %" PRIu64 " s of theirs: %" PRIu64 " faults, %" PRIu64
           " jobs with the right answer, %" PRIu64 " with an error, %" PRIu64
           " kept partitions read, %" PRIu64 " switches, %.1f s\n",
           count, sim_counts->seconds, sim_counts->faults, sim_counts->right, sim_counts->failed,
           sim_counts->kept, sim_counts->switches, now_seconds() - started);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
    return failed == 0 ? 0 : 1;
}
