/* op_hash_agg_internal.h -- shared by op_hash_agg*.c only */
#ifndef VONK_EXEC_OP_HASH_AGG_INTERNAL_H
#define VONK_EXEC_OP_HASH_AGG_INTERNAL_H

#include "exec/agg_merger.h"
#include "exec/agg_spill.h"
#include "exec/operator.h"

/* Where an aggregate's result comes from. */
typedef struct AggOutput {
    bool is_field;  /* a dependent of the group: field `index` of its row */
    uint32_t index; /* else result `index` of the kernel                  */
} AggOutput;

struct AggLocal;

typedef struct HashAggregate {
    Operator op;
    const PlanAggregate *node;
    Kernel *kernel; /* NULL: no aggregates; the driver lets go of it */
    uint32_t kernel_agg_count;
    bool has_text_states;
    Kernel *first_kernel; /* arguments of first(); NULL: there are none */
    uint32_t first_count;
    uint32_t *key_inputs; /* the input column of key k     */
    AggOutput *outputs;   /* one an aggregate              */
    AggSpec spec;

    struct AggLocal *locals; /* combined ones */
    AggTable empty;          /* for an aggregate of everything without rows */
    AggMerger merger;
    AggSpill spill; /* of the only thread's table */
    Arena *arena;
} HashAggregate;

extern const OperatorClass hash_aggregate_class;

/* --- op_hash_agg_source.c --- */
uint32_t hash_aggregate_split_count(Operator *op);
MUST_CHECK Status hash_aggregate_source_open(Operator *op, uint32_t thread, Error *err,
                                             void **cursor_out);
MUST_CHECK Status hash_aggregate_source_split(Operator *op, void *cursor, uint32_t split,
                                              Error *err);
MUST_CHECK Status hash_aggregate_source_next(Operator *op, void *cursor, Error *err,
                                             Batch *batch_out);
void hash_aggregate_source_close(Operator *op, void *cursor);

#endif
