/*
 * sorter.h -- rows in the order of their keys; rows of equal keys in the order they came
 *
 *     a thread:      sort_run_init -> sort_run_add, ... -> sort_run_end
 *     then:          sorter_add_run, ... ; for phase 0, 1, ...: sorter_begin, sorter_task in
 *                    parallel, until 0 tasks
 *     at last:       sorter->rows[0 .. row_count) -> sorter_fini, sort_run_fini
 *
 * A run keeps whole rows (row_layout.h), and an entry for each: the words of its key
 * (sort_key.h), then the row's address, whose lowest bit says that the key is open. Only entries
 * move.
 *
 *     phase 0   entries of all runs, in the order of their splits, are counted into buckets by
 *               sampled splitters
 *     phase 1   ... and scattered there; of the words only bytes stay that differ somewhere
 *     phase 2   each bucket is sorted by radix; open keys of equal words are compared in the rows
 *
 * Each step keeps the order of equal keys, and a split's rows are all in one run, so places need
 * not be compared.
 *
 * Thread: a run is one thread's; sorter_task calls of one phase may run at once, the rest is one
 * thread's.
 */
#ifndef VONK_EXEC_SORTER_H
#define VONK_EXEC_SORTER_H

#include <stdatomic.h>

#include "exec/row_layout.h"
#include "exec/sort_key.h"

typedef struct SortSpec {
    SortKeyLayout key;
    RowLayout rows; /* the input's columns in order, any head */
    MemPool *pool;
    const char *consumer;
    const atomic_bool *stop;
    uint32_t threads;
} SortSpec;

/* Entries [start, start + count) of a run come from one split. */
typedef struct SortSegment {
    uint32_t split;
    uint64_t start, count;
} SortSegment;

typedef struct SortScratch SortScratch;

typedef struct SortRun {
    struct SortRun *next; /* for whoever keeps a list */
    const SortSpec *spec;
    RowStore rows;
    TextStore texts;
    RowStore entries;
    SortSegment *segments;
    uint32_t segment_count, segment_capacity;
    uint64_t first_words[SORT_KEY_WORDS_MAX];
    uint64_t differences[SORT_KEY_WORDS_MAX]; /* bits in which some key differs from the first */
    SortScratch *scratch;
} SortRun;

MUST_CHECK Status sort_run_init(SortRun *run, const SortSpec *spec, Error *err);
/* Batches of one split come one after the other. */
MUST_CHECK Status sort_run_add(SortRun *run, const Batch *batch, Error *err);
/* Frees what only adding needs. */
void sort_run_end(SortRun *run);
void sort_run_fini(SortRun *run); /* accepts a zeroed one */
uint64_t sort_run_bytes(const SortRun *run);

enum { SORT_ENTRY_OPEN = 1 }; /* in the lowest bit of an entry's row address */

/* Neighbouring entries, of one run and one split. */
typedef struct SortPiece {
    uint32_t split;
    uint32_t count;
    const uint64_t *entries;
    uint64_t first; /* the place of its first entry among all */
} SortPiece;

/* Bytes of one word of the key that go to a word of the packed key. */
typedef struct SortMove {
    uint8_t from_word, from_shift, to_word, to_shift;
    uint64_t mask;
} SortMove;

typedef struct Sorter {
    const SortSpec *spec;
    SortRun *runs;
    uint32_t run_count;

    SortPiece *pieces;
    uint32_t piece_count, piece_capacity;
    uint32_t move_count;
    SortMove moves[SORT_KEY_WORDS_MAX * 8];
    uint32_t packed_words;

    uint32_t task_count; /* of phases 0 and 1 */
    uint32_t bucket_count;
    uint64_t *splitters; /* bucket_count - 1 */
    uint64_t *counts;    /* by task and bucket; then where to write */
    uint16_t *buckets;   /* of each entry */
    uint64_t *starts;    /* of each bucket, and the end */
    uint64_t *entries;   /* packed, by bucket */

    uint64_t row_count;
    void **rows; /* the result */
} Sorter;

void sorter_init(Sorter *sorter, const SortSpec *spec);
void sorter_fini(Sorter *sorter); /* accepts a zeroed one; the runs stay the caller's */

/* Borrows the run until the last phase is done. */
void sorter_add_run(Sorter *sorter, SortRun *run);

/* Held by the runs, and by the sorter in its phases. */
uint64_t sorter_bytes(const Sorter *sorter);

MUST_CHECK Status sorter_begin(Sorter *sorter, uint32_t phase, Error *err,
                               uint32_t *task_count_out);
MUST_CHECK Status sorter_task(Sorter *sorter, uint32_t phase, uint32_t task, Error *err);

/* Sorts entries of `words` key words, packed or not; open keys of equal words are told apart by
 * the rows. Equal keys keep their order. temp has room for as many entries. */
MUST_CHECK Status sorter_sort_entries(const SortSpec *spec, uint32_t words, uint64_t *entries,
                                      uint64_t *temp, uint64_t count, Error *err);

static inline void *sorter_entry_row(uint64_t address)
{
    return (void *)(uintptr_t)(address & ~(uint64_t)SORT_ENTRY_OPEN);
}

#endif
