/*
 * application.h -- a driver as a member of a cluster: known to the master, with its own executors
 *
 *     driver_new -> application_open -> jobs -> application_close -> driver_free
 *
 * The master sees to it that executors run as long as the application says that it is there; they
 * come to the backend that is made here (driver_backend.h). While there is no master, what runs
 * goes on; a new one is told of the application again.
 *
 * Thread: open and close from one; else none is needed.
 */
#ifndef VONK_CLUSTER_APPLICATION_H
#define VONK_CLUSTER_APPLICATION_H

#include "cluster/driver_backend.h"

typedef struct Application Application;

/* As a hash of rpc_driver_fetch_object: the application's event log, what is kept of it. */
#define APPLICATION_EVENTS UINT64_C(1)

typedef struct ApplicationOptions {
    const char *master_url;  /* vonk://host:port[,host:port] */
    const char *name;        /* for the status */
    const char *host;        /* where executors reach this process; NULL: the one that the master
                              * is reached from */
    const char *secret_file; /* NULL: the environment's */
    uint32_t executors;      /* wanted; 0: one on each worker */
    uint32_t executor_cores; /* 0: all that are free on a worker */
    uint64_t executor_memory_bytes; /* 0: the share of the cores */
    void *context;
    BlockOutput *(*find_output)(void *context, uint64_t id); /* see BackendOptions */
} ApplicationOptions;

/* The store must be the driver's, and have no outputs yet. Copies the options. */
MUST_CHECK Status application_open(Driver *driver, BlockStore *store,
                                   const ApplicationOptions *options, Error *err,
                                   Application **application_out);
void application_close(Application *application); /* accepts NULL */

/* Executors that are here now. */
ClusterSize application_size(Application *application);

#endif
