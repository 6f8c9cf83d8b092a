/*
 * scheduler_sim.c -- proves the scheduler by seeded schedules of faults
 *
 *     scheduler_sim [--count N] [--from SEED]     N schedules; every 64th twice, for the trace
 *     scheduler_sim --seed SEED [--trace]         one schedule
 *
 * What is checked, and how to read a trace: docs/scheduler.md.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

enum { REPLAY_EVERY = 64 };

static Sim sim;

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    uint64_t count = 1000, from = 1, steps = 0, attempts = 0, trace;
    bool is_traced = false;
    double started = now_seconds();

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            is_traced = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--count") == 0) {
            count = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--from") == 0) {
            from = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            from = strtoull(argv[++i], NULL, 10);
            count = 1;
        } else {
            fprintf(stderr,
                    "usage: scheduler_sim [--count N] [--from SEED] | --seed SEED [--trace]\n");
            return 2;
        }
    }
    sim.attempts = calloc(ATTEMPTS_MAX, sizeof *sim.attempts);
    sim.events = calloc(EVENTS_MAX, sizeof *sim.events);
    for (uint64_t seed = from; seed < from + count; seed++) {
        trace = sim_run(&sim, seed, is_traced);
        steps += sim.steps;
        attempts += sim.attempt_count;
        if (seed % REPLAY_EVERY == 0)
            MUST(&sim, sim_run(&sim, seed, false) == trace);
    }
    printf("%llu schedules, %llu events, %llu attempts, %.1f s\n%llu passed, 0 failed\n",
           (unsigned long long)count, (unsigned long long)steps, (unsigned long long)attempts,
           now_seconds() - started, (unsigned long long)count);
    free(sim.attempts);
    free(sim.events);
    return 0;
}
