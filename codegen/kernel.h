/*
 * kernel.h -- typed programs over columns: the scalar work between operators
 *
 *     kernel_build (once a plan)  -> kernel_instance_new (one a thread) -> kernel_filter /
 *                                 kernel_project /
 *     kernel_hash / kernel_aggregate, batch after batch -> kernel_instance_free -> kernel_unref
 *
 * A kernel is built from plan expressions over an input's columns. Its constants are parameters,
 * so two questions that differ in constants only have the same kernel text, and the same compiled
 * code. It runs in one of two tiers:
 *
 *     tier 0   kernel_interpret.c: one ahead-of-time vector primitive per line
 *     tier 1   compiled by LLVM (the module libvonk_jit.so) into one fused loop
 *
 * Both come from the same C functions on values (codegen/ops/) and give the same bits and the
 * same errors. A kernel starts in tier 0; kernel_heat() counts rows, and when compiling pays (or
 * jit=on) the code is made on the compile thread and an instance changes over between two
 * batches.
 *
 * Rows that fail: operations that can raise an error run only for rows that need their result
 * (CASE branches, AND's right side after a FALSE left, FILTER, selected rows). The error returned
 * is that of the first failing row of the batch.
 *
 * Thread: a Kernel is shared and immutable but for its code pointer (atomic); an instance is one
 * thread's.
 */
#ifndef VONK_CODEGEN_KERNEL_H
#define VONK_CODEGEN_KERNEL_H

#include "codegen/code_cache.h"
#include "core/data/batch.h"
#include "core/plan/plan.h"

typedef struct Kernel Kernel;
typedef struct KernelInstance KernelInstance;

typedef enum JitMode { JIT_OFF, JIT_AUTO, JIT_ON } JitMode;

/* What a kernel is to compute. Any part may be empty. */
typedef struct KernelRequest {
    const char *name; /* for EXPLAIN, perf and gdb: "scan.filter"            */
    uint32_t input_count;
    const PlanColumn *inputs; /* the batch's columns, in order                        */
    const Expr *predicate;    /* rows to keep, or NULL                                */
    uint32_t output_count;
    const Expr *const *outputs; /* values to compute for the kept rows                  */
    uint32_t agg_count;
    const Expr *const *aggs; /* AGG calls to update for the kept rows                */
    double expected_rows;    /* for auto: is compiling worth it? -1 unknown          */
    JitMode jit;
    CodeCache *cache;
} KernelRequest;

/* Lives until kernel_unref; copies what it needs of the request (tables and plans are not
 * referred to). */
MUST_CHECK Status kernel_build(const KernelRequest *request, Error *err, Kernel **kernel_out);
Kernel *kernel_ref(Kernel *kernel);
void kernel_unref(Kernel *kernel); /* accepts NULL */

/* The program's text, as EXPLAIN (KERNELS) shows it; lives in the arena. */
const char *kernel_print(Arena *arena, const Kernel *kernel);
/* IR and assembly for EXPLAIN (CODE): compiles now; "" when there is no JIT. */
MUST_CHECK Status kernel_explain_code(Arena *arena, Kernel *kernel, Error *err,
                                      const char **text_out);

typedef struct KernelStatistics {
    uint64_t tier0_rows, tier1_rows;
    bool is_compiled, was_cache_hit;
    double compile_ms;
} KernelStatistics;
KernelStatistics kernel_statistics(const Kernel *kernel);

/* pool: scratch vectors. Results of strings live in the instance until its next call. */
MUST_CHECK Status kernel_instance_new(Kernel *kernel, MemPool *pool, Error *err,
                                      KernelInstance **instance_out);
void kernel_instance_free(KernelInstance *instance); /* accepts NULL */

/* Rows of batch (its selection respected) for which the predicate is TRUE: an ascending selection
 * that lives in the instance until its next call. *selection_out is NULL when all physical rows
 * are kept. */
MUST_CHECK Status kernel_filter(KernelInstance *instance, const Batch *batch, Error *err,
                                const uint32_t **selection_out, uint32_t *count_out);

/*
 * Filters, then computes the outputs. columns_out[output_count] are as long as the batch has
 * physical rows; only the rows of the selection returned hold values. They live until the
 * instance's next call; a bare input column is passed through without a copy.
 */
MUST_CHECK Status kernel_project(KernelInstance *instance, const Batch *batch, Error *err,
                                 Column *columns_out, const uint32_t **selection_out,
                                 uint32_t *count_out);

/*
 * Aggregate states. A group's states lie in one block of kernel_state_bytes(kernel) bytes
 * (aligned to 16), initialised by kernel_state_init. kernel_aggregate filters the batch and
 * updates, for selected row i (counted in the selection passed with the batch), the block at
 * states[i]; states NULL: all rows go to `single`. DISTINCT is not the kernel's: the planner
 * removed it.
 */
size_t kernel_state_bytes(const Kernel *kernel);
void kernel_state_init(const Kernel *kernel, void *block);
MUST_CHECK Status kernel_aggregate(KernelInstance *instance, const Batch *batch,
                                   void *const *states, void *single, Error *err);
/* Adds what from saw to into, as if into had seen from's rows after its own. */
void kernel_state_merge(const Kernel *kernel, void *into, const void *from);
/*
 * Text in states is borrowed from wherever the rows lay. kernel_state_own calls own for each text
 * of more than 12 bytes that the block has taken up since it was last owned (a state notes
 * whether its text is owned; a merge copies the text together with that note): own copies the
 * bytes and makes *text point to the copy. The operator calls it for the blocks a batch has
 * touched, before the batch goes away; owned text outlives all blocks.
 */
typedef Status (*KernelOwnFn)(void *context, Str *text, Error *err);
MUST_CHECK Status kernel_state_own(const Kernel *kernel, void *block, KernelOwnFn own,
                                   void *context, Error *err);
/* True when states can hold text that must be copied to outlive a batch (min, max, first of
 * text). */
bool kernel_state_has_text(const Kernel *kernel);
/* Where in a block texts are: Strs, of no bytes where there is none. offsets has room for one an
 * aggregate; returns how many. */
uint32_t kernel_state_texts(const Kernel *kernel, uint32_t *offsets);
/* The results of count blocks as agg_count columns, in the arena. */
MUST_CHECK Status kernel_state_finish(const Kernel *kernel, Arena *arena, const void *const *blocks,
                                      uint32_t count, Error *err, Column *columns_out);

/* --- hashing and equality of keys, the same everywhere a key is hashed --- */

/* hashes_out[i] for selected row i; NULLs hash alike; -0.0 as 0.0, NaNs alike, numerics after
 * scale alignment by the caller, intervals by their 30-day-month length. Text by XXH3. */
void kernel_hash(uint32_t column_count, const Column *columns, const Batch *batch,
                 uint64_t *hashes_out);

/* --- evaluation of an expression without columns, for constant folding and LIMIT --- */
MUST_CHECK Status kernel_eval_const(Arena *arena, const Expr *expr, Error *err, Value *value_out);

/* OptimizeRequest.eval_filter: how many rows of a sample the predicate keeps. values[i] is
 * columns[i], FLAT and row_count long. */
MUST_CHECK Status kernel_eval_filter(Arena *arena, const Expr *predicate, uint32_t column_count,
                                     const PlanColumn *columns, const Column *values,
                                     uint32_t row_count, Error *err, uint32_t *kept_count_out);

/* The settings "timezone", "now" of a statement: statement time in microseconds since 1970 UTC,
 * for now(). */
#endif
