/*
 * local_cluster.h -- a whole cluster on this machine: `vonk cluster up N` and `down`
 *
 * The folder has the processes' ids in a file (with their start times, so that nobody else's
 * process is ever ended), logs, and a folder a worker:
 *
 *     vonk cluster 1
 *     process master 4711 20163425
 *     process worker-1 4712 20163429
 *     url vonk://127.0.0.1:36321
 *
 * Thread: one process at a time works on a folder; a lock sees to it.
 */
#ifndef VONK_CLUSTER_LOCAL_CLUSTER_H
#define VONK_CLUSTER_LOCAL_CLUSTER_H

#include "core/base/arena.h"

enum { LOCAL_WORKERS_MAX = 64, LOCAL_MASTERS_MAX = 8 };

typedef struct LocalClusterOptions {
    const char *dir;           /* absolute; made when it is not there */
    uint32_t workers, masters; /* of several one leads; they need zookeeper */
    const char *zookeeper;
    int32_t cores;        /* shared out among the workers; each has one at least */
    int64_t memory_bytes; /* so is this */
    const char *secret_file, *schedule;
    const char *run_as; /* the user of executors; NULL: this process's */
} LocalClusterOptions;

/* Returns when all workers are registered; what was started has ended again after an error. */
MUST_CHECK Status local_cluster_up(const LocalClusterOptions *options, Arena *arena, Error *err,
                                   const char **url_out);

/* Waits until all processes have ended, and removes what is theirs in the folder. *was_up_out:
 * there was something to end or to remove. */
MUST_CHECK Status local_cluster_down(const char *dir, Arena *arena, Error *err, bool *was_up_out);

/* Of a cluster that is up in the folder; NULL: none. */
const char *local_cluster_url(const char *dir, Arena *arena);

#endif
