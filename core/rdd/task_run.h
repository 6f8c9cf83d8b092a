/*
 * task_run.h -- one attempt of one task: a fragment's plan over one partition's share
 *
 * What an executor does, wherever it is: it finds the inputs in a block store, runs the plan, and
 * has blocks, or says why not. It decides nothing.
 *
 * Thread: any number of tasks of a stage at once.
 */
#ifndef VONK_CORE_RDD_TASK_RUN_H
#define VONK_CORE_RDD_TASK_RUN_H

#include "codegen/kernel.h"
#include "core/base/wire.h"
#include "core/rdd/block_store.h"
#include "core/rdd/fragment.h"
#include "core/rdd/ranges.h"
#include "core/rdd/test_faults.h"

/* Of a thread that runs tasks: an operator above another one is a frame or two. */
enum { TASK_STACK_BYTES = 64 << 20 };

/* What the tasks of a stage have in common. */
typedef struct StageWork {
    const Fragment *fragment;
    BlockStore *store;
    uint32_t level;       /* where blocks stay (KeepLevel) */
    Codec codec;          /* they are packed with          */
    BlockOutput **inputs; /* by source of the fragment; NULL for a scan */
    uint32_t batch_rows;
    JitMode jit;
    CodeCache *cache;
    size_t spill_bytes;        /* what an operator that can spill should hold at most */
    struct UserShared *shared; /* for user functions; NULL: nothing */
    TestFaults faults;
    _Atomic uint32_t faults_in_row; /* of inputs, since a success counted: fewer than end the job */
    _Atomic uint32_t deaths;        /* of executors: so few that there is progress */

    bool has_ranges; /* before its first task, when its rows go by ranges */
    Ranges ranges;
} StageWork;

void stage_work_init(StageWork *work, const Fragment *fragment);

typedef struct TaskResult {
    Status status;
    Error error;
    bool has_lost_input; /* the reason: of that source, what its producer's task lost_map made */
    uint32_t lost_source, lost_map;
    uint64_t lost_place; /* where it looked for that; 0: here */
    bool executor_died;  /* a fault of a test */
    MapBlocks *blocks;   /* of a task that succeeded; NULL: they are not in this process */
    uint64_t hash, rows, bytes, stored_bytes; /* stored: as it is sent */
    Arena *report_arena;                      /* of what follows; NULL: it is borrowed */
    WireBytes sample;                         /* for ranges */
    WireBytes sizes; /* by partition that it made rows for: bytes, as uint64; see
                        fragment_is_measured */
    bool is_kept;    /* what it made outlives its executor (block_keep.h) */
    double cpu_ms;
    WireBytes counts_bytes;    /* user_counts_encode, of a task elsewhere */
    struct UserCounts *counts; /* what its functions counted; user_counts_free */
} TaskResult;

/* Lets go of all that it holds but its blocks. */
void task_result_fini(TaskResult *result);

/* number: which attempt of this partition, from 0. stop: true makes it end soon. */
void task_run(StageWork *work, uint32_t partition, uint32_t number, const atomic_bool *stop,
              TaskResult *result_out);

#endif
