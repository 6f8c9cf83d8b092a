/*
 * kernel_instance.h -- one thread's state while it runs a kernel in tier 0
 *
 *     start: rows, selection of the batch     (interpret__begin)
 *     lines in order, each into registers[i]  (interpret__lines)
 *     errors: the first failing row so far cuts off all rows behind it, and the lines go on; so
 *         the error that
 *             is left at the end is that of the first failing row, whichever line it was in
 *
 * Vectors come from one block of the pool, and are shared by registers whose lives do not overlap.
 */
#ifndef VONK_CODEGEN_KERNEL_INSTANCE_H
#define VONK_CODEGEN_KERNEL_INSTANCE_H

#include "codegen/kernel_internal.h"
#include "codegen/text_heap.h"
#include "codegen/vector/vector.h"

/* Rows in ascending order; selection NULL: rows 0..count-1. */
typedef struct Rows {
    const uint32_t *selection;
    uint32_t count;
} Rows;

/* What an operation over one dictionary-encoded text gave, entry by entry, kept while the
 * dictionary stays the same. */
typedef struct EntryCache {
    uint64_t dictionary_id; /* 0: none                                                           */
    uint32_t entry_count, capacity, done_count;
    bool is_unusable;  /* some entry fails: rows are computed one by one                     */
    void *values;      /* one an entry                                                      */
    uint64_t *done;    /* bit per entry: computed                                           */
    Dictionary result; /* of text results                                                   */
    TextHeap heap;
} EntryCache;

/* What a line needs besides its program. */
typedef struct LineState {
    const VectorOp *vector; /* LINE_OP */
    bool is_costly;         /* a dense loop does not pay when few rows are wanted */
    void *values;           /* BATCH_ROWS_MAX of them */
    uint64_t *validity;
    uint8_t *valid_bytes; /* compiled code's validity, of lines that are nullable */
    bool is_read;         /* by some other line, also as its guard */
    uint32_t *guarded;    /* selection of its mask, for masks that are guards */
    uint32_t guarded_count;
    bool has_guarded; /* for this batch */
    Str *flat_values; /* decoded text of a dictionary-encoded register, in flat */
    Column flat;
    bool has_flat;
    EntryCache *entries;
} LineState;

struct KernelInstance {
    Kernel *kernel;
    MemPool *pool;
    void *block; /* values, validities and selections of all lines */
    size_t block_bytes;
    LineState *states; /* per line */
    Column *registers; /* per line */
    OpCtx ctx;
    TextHeap heap;

    uint32_t row_count; /* physical rows that still count: fewer once a row failed */
    Rows base;          /* rows wanted: of the batch, then those that the predicate keeps */
    uint32_t *kept;     /* BATCH_ROWS_MAX: the predicate's selection */
    uint32_t *scratch;  /* BATCH_ROWS_MAX */
    uint8_t *wanted;    /* kernel_compiled: of all rows, 1 where wanted */
    uint8_t *true_bytes, *false_bytes; /* masks of all rows and of none */
    void **row_states;                 /* kernel_aggregate: the state of each physical row */
    uint32_t *grouped;                 /* kernel_aggregate: rows by group, BATCH_ROWS_MAX */
    uint32_t failed_batches;           /* that compiled code could not finish */
    void **call_arrays;                /* compiled__array_count pointers, for compiled code */
    Status status;                     /* of the first failing row so far */
    Error error;
};

static inline uint32_t rows_at(Rows rows, uint32_t i)
{
    return rows.selection == NULL ? i : rows.selection[i];
}

/* --- kernel.c --- */

/* Runs the filter's lines and leaves the rows it keeps as the rows wanted. */
void kernel__filter_rows(KernelInstance *instance, const Batch *batch);
Status kernel__finish(const KernelInstance *instance, Error *err);

/* --- kernel_interpret.c --- */

void interpret__begin(KernelInstance *instance, const Batch *batch);
void interpret__lines(KernelInstance *instance, const Batch *batch, uint32_t from, uint32_t to);
/* Leaves only the rows of the mask as wanted. */
void interpret__keep(KernelInstance *instance, uint32_t mask);
/* Rows wanted by what has this guard. */
Rows interpret__rows(KernelInstance *instance, uint32_t guard);
/* The register as FLAT or CONST, dictionaries decoded. */
const Column *interpret__flat(KernelInstance *instance, uint32_t reg);
/* The error in instance->ctx, raised at that row: it counts unless an earlier row failed already.
 */
void interpret__fail(KernelInstance *instance, uint32_t row);
/* Memory refused: ends everything. */
void interpret__refuse(KernelInstance *instance, Status status, const Error *error);

/* --- interpret_op.c --- */
void interpret__op(KernelInstance *instance, uint32_t index);
void interpret__in(KernelInstance *instance, uint32_t index);

/* --- interpret_entries.c --- */

/* Sparse evaluation of a line with one of its arguments replaced. */
typedef uint32_t (*LineSparseFn)(const KernelInstance *instance, uint32_t index,
                                 const VectorCall *call);
/* When the line depends on one dictionary-encoded text and constants: fills its register. */
bool interpret__entries(KernelInstance *instance, uint32_t index, LineSparseFn run);
void entry_cache_fini(EntryCache *cache, MemPool *pool);

/* --- interpret_mask.c --- */
void interpret__mask(KernelInstance *instance, uint32_t index);
void interpret__select(KernelInstance *instance, uint32_t index);
void interpret__bool(KernelInstance *instance, uint32_t index);
/* Entries of rows whose byte is 1 (rows at their bit, for the second) into out; their count. */
uint32_t rows_where_true(Rows rows, const uint8_t *mask, uint32_t *out);
uint32_t rows_where_valid(Rows rows, const uint64_t *validity, uint32_t *out);
void pack_mask(const uint8_t *mask, uint32_t count, uint64_t *bits);

#endif
