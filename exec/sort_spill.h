/*
 * sort_spill.h -- a sort of more than a task's memory: sorted runs in a file, merged at the end
 *
 *     sort_spill_open -> sort_spill_run, ... -> sort_spill_merge -> sort_spill_next, ...
 *         -> sort_spill_close
 *
 * Runs are written in the order in which their rows came, so that of equal rows those of an earlier
 * run come first.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_SORT_SPILL_H
#define VONK_EXEC_SORT_SPILL_H

#include "exec/row_spill.h"
#include "exec/sorter.h"

typedef struct SortSpill {
    Arena *arena; /* NULL: this sort does not spill */
    const SortSpec *spec;
    SortKeyLayout order; /* all parts, compared in the rows */
    SpillSpace space;
    RowSpill rows;
    SpillWriter writer; /* made at once: when it is needed there is no memory */
    uint32_t run_count;
    SpillRun runs[MERGE_RUNS_MAX];
    RowMerge merge;
    uint64_t sequence;
} SortSpill;

MUST_CHECK Status sort_spill_open(SortSpill *spill, const SortSpec *spec, const char *folder,
                                  uint32_t batch_rows, Error *err);
void sort_spill_close(SortSpill *spill); /* accepts a zeroed one */

/* Sorts the run's rows and writes them; the run is empty then. */
MUST_CHECK Status sort_spill_run(SortSpill *spill, SortRun *run, Error *err);

/* Runs become a result. */
MUST_CHECK Status sort_spill_merge(SortSpill *spill, Error *err);
/* The next rows, 0 at the end. */
MUST_CHECK Status sort_spill_next(SortSpill *spill, Error *err, Batch *batch_out);

#endif
