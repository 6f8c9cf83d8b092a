/*
 * vonk/rdd_shared.h -- between the driver and its tasks: accumulators and broadcast values
 *
 * Both are small handles that a closure carries (VONK_WITH); tasks use them by udf.h's calls.
 */
#ifndef VONK_RDD_SHARED_H
#define VONK_RDD_SHARED_H

#include "vonk/rdd_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

/*
 * A new counter, at 0. Tasks add to it (vonk_accumulate); what a job adds is there when the action
 * returns, each partition's once, however often its task ran. A job that computes an RDD again
 * counts again: persist it, or count in the action.
 * Cost: none. Order: sums do not depend on it. Ownership: the session's; the handle is a small
 * value that a closure may have. Errors: none; of a NULL session, a counter that is none.
 *
 *     Counters counters = {.empty_lines = vonk_accumulator(session)};
 *     VonkRdd *words = vonk_rdd_flat_map(lines, VonkLine, Count, split, VONK_WITH(counters));
 */
VONK_API VonkAccumulator vonk_accumulator(VonkSession *session);

/*
 * What was added as integers.
 * Cost: none. Order: complete when the action has returned. Ownership: nothing is kept. Errors:
 * none; 0 of no counter.
 *
 *     VonkAccumulator empty_lines = vonk_accumulator(session);
 *     total = vonk_accumulator_value(session, empty_lines);
 */
VONK_API int64_t vonk_accumulator_value(VonkSession *session, VonkAccumulator accumulator);

/*
 * What was added as doubles (vonk_accumulate_float8).
 * Cost: none. Order: complete when the action has returned; the sum is exact before it is rounded.
 * Ownership: nothing is kept. Errors: none; 0 of no counter.
 *
 *     VonkAccumulator weight = vonk_accumulator(session);
 *     double all = vonk_accumulator_float8(session, weight);
 */
VONK_API double vonk_accumulator_float8(VonkSession *session, VonkAccumulator accumulator);

/*
 * Back to 0.
 * Cost: none. Order: not while a job runs that adds to it. Ownership: the session's, as before.
 * Errors: none.
 *
 *     VonkAccumulator errors = vonk_accumulator(session);
 *     vonk_accumulator_reset(session, errors);
 */
VONK_API void vonk_accumulator_reset(VonkSession *session, VonkAccumulator accumulator);

/*
 * count records of Type for all tasks to read (VONK_BROADCAST). For what is small and needed
 * everywhere; what a function needs alone may be its closure.
 * Cost: one copy a process, sent when a task first asks for it. Order: the array's. Ownership:
 * copied now with their texts; lives as long as the session. Errors: a record type that cannot be;
 * NULL for an array or a place.
 *
 *     Counters counters = {0};
 *     status = vonk_broadcast(session, User, known_users, 2, &counters.users, &error);
 */
#define vonk_broadcast(session, Type, records, count, broadcast_out, error)                        \
    vonk__broadcast((session), &Type##_vonk, VONK__IN(records, Type), (count), (broadcast_out),    \
                    (error))

/*
 * Functions that still ask for it fail.
 * Cost: none. Order: not while a job runs that reads it. Ownership: the value goes with the
 * session's memory; executors let go of their copies when they next get work. Errors: none; no
 * effect on no value.
 *
 *     VonkBroadcast stale = {0};
 *     vonk_broadcast_destroy(session, stale);
 */
VONK_API void vonk_broadcast_destroy(VonkSession *session, VonkBroadcast broadcast);

/* --- the macros' --- */

VONK_API VonkStatus vonk__broadcast(VonkSession *session, const VonkRecordType *type,
                                    const void *records, size_t count, VonkBroadcast *broadcast_out,
                                    VonkError *error);

#endif
#ifdef __cplusplus
}
#endif
#endif
