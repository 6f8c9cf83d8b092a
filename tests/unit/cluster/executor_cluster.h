/*
 * executor_cluster.h -- a driver and executors in the process of a test
 *
 *     executor_cluster_setup -> open_cluster -> answers -> close_cluster ->
 *         executor_cluster_teardown
 *
 * They have connections between them, on loopback. Each test has all of this anew.
 */
#ifndef VONK_TESTS_UNIT_CLUSTER_EXECUTOR_CLUSTER_H
#define VONK_TESTS_UNIT_CLUSTER_EXECUTOR_CLUSTER_H

#include <pthread.h>

#include "cluster/block_keeper.h"
#include "cluster/driver_backend.h"
#include "cluster/executor_process.h"
#include "core/rdd/block_keep.h"
#include "core/rdd/rdd_job.h"

enum { FILES = 6, REDUCES = 5, EXECUTORS_MAX = 8 };

extern Arena *arena;
extern Table *table; /* of FILES files: k, word */
extern const RpcModule *rpc;
extern Codec codec; /* of what executors make */
extern bool encrypts;
extern KeepKey keep_key;      /* of application 1, once an executor has it */
extern atomic_bool cancelled; /* the job at hand        */

void executor_cluster_setup(void);
void executor_cluster_teardown(void);

/* --- the data and the jobs --- */

const char *part_path(int number);
const Plan *scan(void);
/* count(*) by word, the words meeting in REDUCES partitions */
const Plan *count_words(void);
/* All rows by word and k: a sample, ranges, a sort within each. */
const Plan *sort_rows(void);

/* --- the cluster --- */

typedef struct TestExecutor {
    Executor *executor; /* NULL: none runs */
    int64_t number;
    pthread_t thread;
} TestExecutor;

typedef struct Cluster {
    BlockStore *store;
    Driver *driver;
    RpcPool *rpc_pool;
    ClusterBackend *backend;
    TestExecutor executors[EXECUTORS_MAX];
    uint32_t damage_every;
    BlockKeeper *keeper; /* NULL: what executors make goes with them */
    uint64_t keep_bytes;
    int64_t last_number;
} Cluster;

/* damage_every: of so many blocks that are sent one is damaged; 0: none. */
Cluster open_cluster(uint32_t executors, uint32_t damage_every);
/* As open_cluster, with a keeper. */
Cluster open_keeping_cluster(uint32_t executors, uint64_t keep_bytes);
void close_cluster(Cluster *cluster);
void start_executor(Cluster *cluster, uint32_t at);
void end_executor(TestExecutor *executor);

const char *kept_folder(void);
/* The folder, in which there must be nothing. */
void remove_kept(void);

/* An object that executors ask the driver for: bytes that follow from its hash. */
enum { OBJECT_BYTES = (16 << 20) + 12345 };
/* What the driver gives as an object. */
void fill_object(char *bytes, uint64_t offset, uint32_t byte_count);

/* --- answers --- */

/* The rows as text; NULL: *err. made (may be NULL) is called once the result is made, before any of
 * it is read. */
const char *answer_with(Driver *driver, const Plan *plan, uint32_t stream,
                        void (*made)(void *context), void *context, Error *err);
const char *answer(Driver *driver, const Plan *plan, uint32_t stream, Error *err);
const char *answer_of_threads(const Plan *plan);
void check_answer(Cluster *cluster, const Plan *plan, uint32_t stream, const char *right);

#endif
