/*
 * worker_main.h -- the process `vonk worker`: starts executors as the master says, and watches them
 */
#ifndef VONK_CLUSTER_WORKER_MAIN_H
#define VONK_CLUSTER_WORKER_MAIN_H

#include "cluster/master_url.h"

typedef struct WorkerOptions {
    MasterUrl master;
    const char *host; /* where its executors listen */
    int32_t cores;
    int64_t memory_bytes;
    const char *dir;    /* of folders of applications; this worker's alone */
    int64_t keep_bytes; /* of an application's blocks there, beyond their executors' end; 0: none;
                         * -1: half of what is free when it starts                           */
    const char *secret_file;
    const char *run_as;   /* the user that executors and drivers run as; NULL: this process's */
    const char *log_file; /* NULL: standard error */
    int ready_fd;         /* gets a line when the worker is registered; -1: none */
} WorkerOptions;

/* Until SIGTERM or SIGINT, or until it was drained. Its executors end before it, and its folders
 * are removed. Called on the main thread, once. */
MUST_CHECK Status worker_run(const WorkerOptions *options, Error *err);

#endif
