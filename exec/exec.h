/*
 * exec.h -- a physical plan runs, and its rows come out
 *
 *     exec_start -> exec_next, ... -> exec_close
 *
 * The plan is cut into stages (pipelines between breakers); the scheduler
 * (core/scheduler/scheduler.h) says which tasks run when; worker threads run them. Rows come out
 * in the plan's order: by split, then by sequence, whatever the threads did.
 *
 * Thread: one thread calls these; exec_cancel may come from any.
 */
#ifndef VONK_EXEC_EXEC_H
#define VONK_EXEC_EXEC_H

#include "codegen/kernel.h"

typedef struct Execution Execution;

/* The batch (no selection) lives until it returns. */
typedef Status (*ExecSinkFn)(void *context, const Batch *batch, Error *err);

typedef struct ExecRequest {
    const Plan *plan;    /* physical; borrowed until exec_close      */
    MemPool *pool;       /* the query's budget                       */
    uint32_t threads;    /* at least 1                               */
    uint32_t batch_rows; /* 1..BATCH_ROWS_MAX: 2048 but in tests      */
    JitMode jit;
    CodeCache *cache;             /* NULL: no JIT                             */
    const atomic_bool *cancelled; /* may be NULL                        */
    bool analyze;                 /* keep times per operator                  */
    uint32_t partition;           /* told to user functions: which one this is */
    uint32_t partition_count;     /* 0: the plan is not partitioned           */
    struct UserShared *shared;    /* for user functions; NULL: nothing        */
    struct UserCounts **counts;   /* of the attempt; with shared              */
    const char *spill_folder;     /* as ExecContext's                         */
    size_t spill_bytes;
    ExecSinkFn sink; /* of a partition: gets all rows, as they are made, while exec_next runs, which
                        says the end alone; NULL: none */
    void *sink_context;
} ExecRequest;

/* Worker threads start with the first exec_next. */
MUST_CHECK Status exec_start(const ExecRequest *request, Error *err, Execution **execution_out);

/* The next rows; row_count 0 at the end. The batch (no selection) lives until the next call. */
MUST_CHECK Status exec_next(Execution *execution, Error *err, Batch *batch_out);

/* The batch that exec_next gave last becomes the caller's: it outlives the execution and its pool.
 * NULL: there is none. Free with exec_kept_free, from any thread. */
typedef struct StoredBatch KeptBatch;
KeptBatch *exec_keep_batch(Execution *execution);
void exec_kept_free(KeptBatch *kept); /* accepts NULL */

/* Cancels what still runs, waits for it, frees everything. Accepts NULL. */
void exec_close(Execution *execution);

/* From any thread, also from a signal handler. */
void exec_cancel(Execution *execution);

/* For the progress bar: from any thread. */
typedef struct ExecProgress {
    uint64_t rows_done;
    uint64_t bytes_done, bytes_total; /* of scans */
} ExecProgress;
ExecProgress exec_progress(const Execution *execution);

/* One a physical plan node, in the order of a pre-order walk that goes into the input of SHARED
 * nodes once (plan_seen). */
typedef struct OperatorStatistics {
    const Plan *node;
    uint32_t depth;
    uint32_t stage;
    uint64_t rows; /* emitted           */
    uint64_t batches;
    double cpu_ms;         /* over all threads  */
    uint64_t memory_bytes; /* peak              */
    uint64_t read_bytes, pruned_rows;
    KernelStatistics kernel; /* sum over the operator's kernels */
} OperatorStatistics;

/* After the last exec_next and before exec_close; lives in the arena. */
uint32_t exec_statistics(const Execution *execution, Arena *arena,
                         const OperatorStatistics **rows_out);

/* EXPLAIN (STAGES): stages, their pipelines, and what each waits for. */
const char *exec_print_stages(Arena *arena, const Plan *physical);
/* EXPLAIN (KERNELS): every kernel's text. EXPLAIN (CODE): with IR and assembly too. */
MUST_CHECK Status exec_print_kernels(Arena *arena, const Plan *physical, bool with_code,
                                     CodeCache *cache, Error *err, const char **text_out);

#endif
