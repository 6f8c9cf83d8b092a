/*
 * sample_stage.h -- a stage that looks at some of the rows before a range exchange moves all
 *
 *     Exchange range (key)             fragment 0: Scan windows, key only      makes a sample
 *       Call parse              =>     fragment 1: Call parse over Scan lines  into ranges
 *         Scan lines
 *
 * Its tasks run what makes the rows on windows that are spread over their shares (TableClass), and
 * have no rows to give, just a sample of keys. So rows are made, and moved, once: else they are
 * kept until all of them have been sampled. docs/adr/0015.
 *
 * Windows depend on splits, and on how many partitions there will be, alone.
 */
#ifndef VONK_CORE_RDD_SAMPLE_STAGE_H
#define VONK_CORE_RDD_SAMPLE_STAGE_H

#include "core/rdd/fragment.h"

/* What such a stage runs: what makes the rows of the range exchange, cut down to its keys. NULL:
 * making some of them is not cheap, or not the same as making all. Lives in the arena. */
MUST_CHECK Status sample_plan_make(Arena *arena, const PlanExchange *ranges, Error *err,
                                   const Plan **plan_out);

bool fragment_is_sample(const Fragment *fragment);

/* What a task of the stage reads of a split. */
SplitWindows sample_windows(const Fragment *fragment, const Table *table, const Split *split,
                            Arena *arena);

/* Whether a task that failed has to be reported: what a value or a function has against a row is
 * said by the stage that makes all of them, which meets the same row. */
bool sample_failure_counts(const Error *err);

#endif
