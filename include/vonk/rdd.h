/*
 * vonk/rdd.h -- collections of records, cut into partitions, made lazily from other ones
 *
 *     VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));
 *
 *     void split(VonkTask *task, const VonkLine *line, VonkOut *out) { ... }
 *     void add(VonkTask *task, Count *sum, const Count *more) { sum->n += more->n; }
 *
 *     int vonk_main(VonkSession *session, int argc, char **argv)
 *     {
 *         VonkRdd *lines = vonk_rdd_text_file(session, argv[1]);
 *         VonkRdd *words = vonk_rdd_flat_map(lines, VonkLine, Count, split);
 *         VonkRdd *counts = vonk_rdd_reduce_by_key(words, Count, add);
 *
 *         return vonk_rdd_print_csv(vonk_rdd_top(counts, 10, "n"));
 *     }
 *
 * A transformation only notes what is to be done: a node of the same logical plan that SQL becomes,
 * with its inputs as its lineage. An action optimizes the plan, cuts it into stages where rows
 * change partitions (a shuffle), runs them, and computes again what is lost on the way.
 *
 * Cost is said at each call: narrow (a partition is made of the same partition of its input, rows
 * flow through) or shuffle (rows move between partitions, through blocks that may spill). Order:
 * rows have a place, by partition and then within it; narrow calls keep it. What comes out depends
 * on the data and the calls, never on threads or time.
 *
 * Errors are kept: an RDD made of a failed one has its error, and the action reports the first. So
 * calls can be chained without looking; a call on NULL gives NULL, and the action says so. Handles
 * belong to their session and are freed with it.
 *
 * Record types are named in calls (Count), and the types of functions are checked by the compiler.
 * Optional things come last, in any order:
 *
 *     VONK_WITH(value)          the function's closure: a copy of value travels with it
 *     VONK_PARTITIONS(n)        how many partitions a shuffle makes (otherwise as its input has)
 *
 * The calls are in these, in the order of a job's life; `make docs` makes pages of them:
 *
 *     rdd_sources.h   files, arrays, ranges, queries                      -> RDD
 *     rdd_records.h   a function a record, or a partition; samples        RDD -> RDD, narrow
 *     rdd_keys.h      by key: reduce, group, count, cogroup, join         RDD -> RDD, shuffle
 *     rdd_sets.h      union, distinct, intersection, cartesian, zip       RDDs -> RDD
 *     rdd_places.h    partitions, order, keeping                          RDD -> RDD
 *     rdd_jobs.h      jobs in the background; groups and tags
 *     rdd_shared.h    accumulators, broadcast values
 *     rdd_actions.h   collect, count, reduce, statistics, saving          RDD -> an answer
 *
 * These are macros: a compound literal with a comma in it stands in parentheses, as an argument:
 * (&(Pair){.k = 1, .v = 2}).
 *
 * C only (C11, gcc or clang). Thread: as the session's, one at a time.
 */
#ifndef VONK_RDD_H
#define VONK_RDD_H

#include "vonk/rdd_actions.h"
#include "vonk/rdd_jobs.h"
#include "vonk/rdd_keys.h"
#include "vonk/rdd_places.h"
#include "vonk/rdd_records.h"
#include "vonk/rdd_sets.h"
#include "vonk/rdd_shared.h"
#include "vonk/rdd_sources.h"
#include "vonk/rdd_types.h"

#endif
