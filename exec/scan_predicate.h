/*
 * scan_predicate.h -- a plan's conjuncts as a scan takes them: what prunes, and what keeps rows
 *
 * keep runs the conjunct's kernel over a batch of its one column, with one kernel instance a
 * thread.
 */
#ifndef VONK_EXEC_SCAN_PREDICATE_H
#define VONK_EXEC_SCAN_PREDICATE_H

#include "core/plan/table.h"
#include "exec/operator.h"

typedef struct KeepKernel {
    Kernel *kernel;
    MemPool *pool;
    KernelInstance **instances; /* by thread, made when first used */
    uint32_t thread_count;
} KeepKernel;

/* conjunct is over one column of the node. The predicate's values and kernel live in the arena; its
 * kernel becomes op's. */
MUST_CHECK Status scan_predicate_make(const ExecContext *context, Arena *arena, Operator *op,
                                      const PlanScan *node, const Expr *conjunct, Error *err,
                                      ScanPredicate *predicate_out);

/* Frees the instances. */
void scan_predicate_close(ScanPredicate *predicate);

#endif
