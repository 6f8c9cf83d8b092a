/* join_probe_op.h -- one thread's probing: shared by op_join_probe.c and op_join_pairs.c */
#ifndef VONK_EXEC_JOIN_PROBE_OP_H
#define VONK_EXEC_JOIN_PROBE_OP_H

#include "exec/join.h"

/* Below one row in so many, matches are gathered to a batch of their own. */
enum { SPARSE_PART = 4 };

typedef struct ProbeLocal {
    Arena *arena;
    const Join *join;
    JoinProbe probe;
    JoinRangeCursor range;
    KernelInstance *keys, *residual, *null_aware;
    ColumnBuffers left_buffers;  /* by left column */
    ColumnBuffers right_buffers; /* by kept column */
    Column *key_columns;
    Column *pair_columns; /* left, then right */
    Column *out_columns;
    struct CrossBlock *blocks; /* of probe__cross; NULL: none yet */
    uint32_t *rows, *matches;  /* pairs: batch rows and the table's */
    uint32_t *padded_rows, *padded_matches;
    uint8_t *states; /* pairs: by batch row, what is known */
    uint8_t *mark;   /* by batch row */
    uint64_t *mark_validity;
    uint32_t split;
    uint64_t sequence;
} ProbeLocal;

static inline Join *join_of_probe(Operator *base)
{
    return (Join *)((char *)base - offsetof(Join, probe));
}

/* Rows of pairs, gathered. */
MUST_CHECK Status probe__emit_pairs(ProbeLocal *local, const Batch *batch, const uint32_t *rows,
                                    const uint32_t *matches, uint32_t count, Emitter *emitter,
                                    Error *err);
/* The left columns and the mark. */
MUST_CHECK Status probe__emit_left(ProbeLocal *local, const Batch *batch, const uint32_t *selection,
                                   uint32_t count, bool mark_has_nulls, Emitter *emitter,
                                   Error *err);
/* local->out_columns; sequence numbers are counted here. */
MUST_CHECK Status probe__emit_columns(ProbeLocal *local, uint32_t row_count,
                                      const uint32_t *selection, uint32_t selected_count,
                                      Emitter *emitter, Error *err);
void probe__mark_build(const Join *join, const uint32_t *matches, uint32_t count);

/* After join_probe_start: all pairs of the batch. */
MUST_CHECK Status probe__pairs(ProbeLocal *local, const Batch *batch, Emitter *emitter, Error *err);

/* Whether each left row meets all of the table, and probe__cross is the better way; same rows, in
 * the same order. */
bool probe__can_cross(const ProbeLocal *local);
MUST_CHECK Status probe__cross(ProbeLocal *local, const Batch *batch, Emitter *emitter, Error *err);
void probe__cross_close(ProbeLocal *local);

#endif
