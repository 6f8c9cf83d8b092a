/*
 * operator.h -- what every executor operator looks like
 *
 *     source ─next─> batch ─consume─> operator ─emit─> operator ─emit─> sink
 *
 * A pipeline has a source, streaming operators, and a sink. Its source's rows come in numbered
 * splits; worker threads take splits in ascending order from one shared counter. A sink is also
 * the source of a later pipeline (a breaker): aggregate, sort, join build.
 *
 * A pipeline's life, all of it driven by exec/pipeline.c:
 *
 *     open                     once, when all pipelines it waits for are done; one op at a time
 *     local_open               once a thread that takes part
 *       consume ... end_split  for each batch; after the last batch of each split
 *     end_input                on the one thread there is, as if in one split more
 *     combine                  once a thread, after its last split; serialised (no lock needed)
 *     finish_begin             says how many finish tasks the next phase has (0: done)
 *       finish_task(i)         in parallel; then finish_begin again, until it says 0
 *     (the operator is now a source: split_count, then source_open/next per split in parallel)
 *     local_close, close
 *
 * Same bits, whatever the threads: which thread takes which split varies from run to run, so
 * nothing that reaches a result may depend on it. Rows have places (split, sequence); combine
 * into an order by those, or by hash.
 *
 * Memory that grows with the data comes from context->pool.
 */
#ifndef VONK_EXEC_OPERATOR_H
#define VONK_EXEC_OPERATOR_H

#include "codegen/kernel.h"

typedef struct ExecContext {
    MemPool *pool;
    uint32_t threads;
    uint32_t batch_rows; /* 1..BATCH_ROWS_MAX */
    JitMode jit;
    CodeCache *cache;
    const atomic_bool *cancelled; /* the request's, for functions that run long; NULL: stop is it */
    const atomic_bool *stop;      /* cancelled, or another task failed: return ST_CANCELLED soon */
    bool analyze;
    uint32_t partition; /* which of the stage's, and of how many: for user functions */
    uint32_t partition_count;
    struct UserShared *shared; /* for user functions (user_shared.h); NULL: nothing */
    struct UserCounts **counts;
    const char *spill_folder; /* NULL: none; what does not fit is refused        */
    size_t spill_bytes;       /* what an operator that can spill should hold at most */
} ExecContext;

typedef struct Operator Operator;
typedef struct Emitter Emitter;

/* Hands a batch to the next operator of the pipeline; returns when it has been dealt with. The
 * batch's split must be the one being consumed, and its sequence this operator's own running
 * count of rows for that split. */
MUST_CHECK Status emit(Emitter *emitter, const Batch *batch, Error *err);

/* An emitter that leads to one operator, which has no local state and stands in no pipeline. Lives
 * in the arena. */
Emitter *emitter_to(Arena *arena, Operator *to);

/* True when nobody downstream wants more rows of this split (LIMIT reached): stop making them. */
bool emit_is_done(const Emitter *emitter);

/* For sinks, which get an emitter that leads nowhere: no more rows are wanted of the split being
 * consumed; none of the splits after `split`. Rows may still come. */
void emit_stop_split(Emitter *emitter);
void emit_stop_after(Emitter *emitter, uint32_t split);

typedef struct OperatorClass {
    const char *name; /* "hash aggregate" */

    Status (*open)(Operator *op, Error *err);
    Status (*local_open)(Operator *op, uint32_t thread, Error *err, void **local_out);
    Status (*consume)(Operator *op, void *local, const Batch *batch, Emitter *emitter, Error *err);
    Status (*end_split)(Operator *op, void *local, uint32_t split, Emitter *emitter, Error *err);
    /* Of operators whose state outlives splits; where splits are cut depends on what was spilled.
     * For the last ones before a sink, where there is one thread. */
    Status (*end_input)(Operator *op, void *local, uint32_t split, Emitter *emitter, Error *err);
    void (*local_close)(Operator *op, void *local); /* accepts NULL */
    void (*close)(Operator *op);

    /* sinks */
    Status (*combine)(Operator *op, void *local, Error *err);
    Status (*finish_begin)(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out);
    Status (*finish_task)(Operator *op, uint32_t phase, uint32_t task, uint32_t thread, Error *err);

    /* sources: sinks that have finished, scans, constants. Batches live until the next call on
     * the same cursor. row_count 0: the split is done. */
    uint32_t (*split_count)(Operator *op);
    Status (*source_open)(Operator *op, uint32_t thread, Error *err, void **cursor_out);
    Status (*source_split)(Operator *op, void *cursor, uint32_t split, Error *err);
    Status (*source_next)(Operator *op, void *cursor, Error *err, Batch *batch_out);
    void (*source_close)(Operator *op, void *cursor); /* accepts NULL */
    double (*row_estimate)(Operator *op);             /* of all splits; NULL: not known */
} OperatorClass;

/* Operators embed this as their first member. NULL functions are no-ops. */
struct Operator {
    const OperatorClass *class;
    const ExecContext *context;
    const Plan *node;            /* what it executes                                     */
    uint32_t input_column_count; /* of the batches it consumes                           */
    const PlanColumn *input_columns;
    uint32_t kernel_count; /* what operator_add_kernel was given                   */
    Kernel **kernels;
    bool is_read_by_others; /* its rows count at the nodes that read them */
    bool makes_more_rows;   /* may emit many rows for one it gets; decided when it opens  */
    bool is_open;           /* the driver's note: open was called, close was not yet   */
    uint32_t use_count;     /* stages that still need it: the driver closes it at 0    */

    /* for EXPLAIN ANALYZE; the driver counts rows, batches and time */
    _Atomic uint64_t rows; /* emitted */
    _Atomic uint64_t batches;
    _Atomic uint64_t busy_ns;
    _Atomic uint64_t peak_bytes; /* set by operators that keep data */
    _Atomic uint64_t read_bytes, pruned_rows;
    KernelStatistics kernel; /* the sum over kernels, taken when they are let go */
};

/* Takes the kernel: the driver prints it, sums up its statistics and lets go of it when the
 * operator is closed (or never was opened). Makers build their kernels at once, so that EXPLAIN
 * (KERNELS) can show them without running. */
void operator_add_kernel(Operator *op, Arena *arena, Kernel *kernel);

/* Closes the operator if it is open and lets go of its kernels; the driver does so. Makers call
 * it when they fail. */
void operator_release(Operator *op);

/* Raises op->peak_bytes. */
void operator_note_bytes(Operator *op, uint64_t bytes);

/* Makers. arena: the execution's. The operator is freed with the arena after its class's close. */
MUST_CHECK Status op_hash_aggregate_new(const ExecContext *context, Arena *arena,
                                        const PlanAggregate *node, Error *err, Operator **op_out);
MUST_CHECK Status op_sort_new(const ExecContext *context, Arena *arena, const PlanSort *node,
                              Error *err, Operator **op_out);
MUST_CHECK Status op_group_limit_new(const ExecContext *context, Arena *arena,
                                     const PlanGroupLimit *node, Error *err, Operator **op_out);
MUST_CHECK Status op_group_concat_new(const ExecContext *context, Arena *arena,
                                      const PlanGroupConcat *node, Error *err, Operator **op_out);
MUST_CHECK Status op_top_n_new(const ExecContext *context, Arena *arena, const PlanTopN *node,
                               Error *err, Operator **op_out);
MUST_CHECK Status op_write_new(const ExecContext *context, Arena *arena, const PlanWrite *node,
                               Error *err, Operator **op_out);

#endif
