/*
 * local_process.h -- processes of this machine that are nobody's children: started, known again,
 * ended
 */
#ifndef VONK_CLUSTER_LOCAL_PROCESS_H
#define VONK_CLUSTER_LOCAL_PROCESS_H

#include <sys/types.h>

#include "core/base/arena.h"

typedef struct LocalProcess {
    const char *name;
    pid_t pid;
    uint64_t start_time; /* of /proc/PID/stat: tells it from one that has its pid later */
} LocalProcess;

/* This program with these arguments (NULL behind the last), in a session of its own; "--ready-fd 3"
 * is added. What comes through that pipe is read from *ready_out. */
MUST_CHECK Status local_process_start(LocalProcess *process, const char *const *arguments,
                                      Error *err, int *ready_out);

/* The first line that comes, without its end. ST_IO: none in time, or the process has ended. */
MUST_CHECK Status local_process_ready(const LocalProcess *process, int ready, int64_t deadline_ns,
                                      Arena *arena, Error *err, const char **line_out);

/* A descriptor of the process (pidfd), if it is alive and the one that is meant; else -1. */
int local_process_open(const LocalProcess *process);

/* Asks all of them to end, and makes those that have not until the deadline. Waits for all. */
void local_processes_end(const LocalProcess *processes, uint32_t count, int64_t deadline_ns);

#endif
