/*
 * combine_chain.h -- a CALL's compiled loop that puts its records into a COMBINE's accumulator
 *
 *     Combine add                 for each row: keep(task, &pair) ? add(task, &acc, &pair) : -
 *       Call filter keep
 *
 * Without keys there is one accumulator: a variable of the loop, and no record becomes columns. The
 * COMBINE goes on from where the loop left it, and the loop from where the COMBINE is: records that
 * came while there was no code yet were combined before.
 *
 * Thread: that of both operators.
 */
#ifndef VONK_EXEC_COMBINE_CHAIN_H
#define VONK_EXEC_COMBINE_CHAIN_H

#include "exec/chain_code.h"

/* What the chain of that call, whose records go to `combine` alone, may end in; NULL: columns. */
const CombineSpec *op_combine_takes_chain(const Operator *combine, const PlanCall *call);

/* Runs over `count` selected rows of the batch that code was set to. */
MUST_CHECK Status op_combine_run_chain(Operator *combine, ChainCode *code, ChainEntry entry,
                                       uint32_t step_count, uint32_t count, Error *err);

#endif
