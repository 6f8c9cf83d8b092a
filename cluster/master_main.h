/*
 * master_main.h -- the process `vonk master`: master_state.h behind a server
 *
 * With ZooKeeper one of several leads (master_election.h); the others answer that they do not.
 */
#ifndef VONK_CLUSTER_MASTER_MAIN_H
#define VONK_CLUSTER_MASTER_MAIN_H

#include "cluster/master_state.h"

typedef struct MasterOptions {
    const char *host; /* to listen on */
    uint16_t port;    /* 0: any */
    const char *secret_file;
    MasterSchedule schedule;
    const char *zookeeper; /* NULL: this is the only master */
    const char *dir;       /* where that keeps drivers; NULL: it does not, over its end */
    const char *log_file;  /* NULL: standard error */
    int ready_fd;          /* gets the URL in a line when calls are answered; -1: none */
} MasterOptions;

/* Until SIGTERM or SIGINT; workers and applications go on without it. Calls are answered by threads
 * of the server, so that the calling process should do nothing else. */
MUST_CHECK Status master_run(const MasterOptions *options, Error *err);

#endif
