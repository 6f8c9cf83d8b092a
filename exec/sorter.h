/*
 * sorter.h -- rows in the order of their keys; rows of equal keys in the order they came
 *
 *     a thread:      sort_run_init -> sort_run_add, ... -> sort_run_end
 *     then:          sorter_add_run, ... ; for phase 0, 1, ...: sorter_begin, sorter_task in
 *                    parallel, until 0 tasks
 *     at last:       sort_cursor_open -> sort_cursor_seek -> sort_cursor_next, ...; sorter_fini
 *
 * A run keeps an entry for each row (sorter_shape.h): its key, and the row itself or where it lies.
 * Only entries move. Texts are copied, unless what they lie in can be held (core/data/batch.h).
 *
 *     phase 0   entries of all runs, in the order of their splits, are dealt to buckets by sampled
 *               splitters; of their keys only bytes stay that differ somewhere. A bucket is a list
 *               of small blocks for each task, so that nothing is counted first, and memory of the
 *               runs that has been read becomes memory of blocks.
 *     phase 1   each bucket is sorted by radix in a core's own cache, and written back to its
 *               blocks; open keys of equal words are compared in the rows
 *
 * What came in order stays where it is: then there are no phases. Either way the result is a list
 * of pieces, each of some entries in order.
 *
 * Each step keeps the order of equal keys, and a split's rows are all in one run, so places need
 * not be compared.
 *
 * Thread: a run is one thread's; sorter_task calls of one phase may run at once, as may cursors;
 * the rest is one thread's.
 */
#ifndef VONK_EXEC_SORTER_H
#define VONK_EXEC_SORTER_H

#include "exec/operator.h"
#include "exec/sorter_shape.h"

/* Entries [start, start + count) of a run come from one split. */
typedef struct SortSegment {
    uint32_t split;
    uint64_t start, count;
} SortSegment;

typedef struct SortScratch SortScratch;

typedef struct SortRun {
    struct SortRun *next; /* for whoever keeps a list */
    const SortSpec *spec;
    const SortShape *shape; /* of its entries */
    RowStore rows;          /* unless they are in the entries */
    TextStore texts;
    TextMemory **held; /* what texts lie in that were not copied */
    uint32_t held_count, held_capacity;
    uint64_t held_bytes;
    RowStore entries;
    SortSegment *segments;
    uint32_t segment_count, segment_capacity;
    bool ascends; /* within each segment */
    bool is_last_open;
    uint64_t last_words[SORT_KEY_WORDS_MAX];
    uint64_t first_words[SORT_KEY_WORDS_MAX];
    uint64_t differences[SORT_KEY_WORDS_MAX]; /* bits in which some key differs from the first */
    SortScratch *scratch;
} SortRun;

MUST_CHECK Status sort_run_init(SortRun *run, const SortSpec *spec, Error *err);
/* Batches of one split come one after the other. */
MUST_CHECK Status sort_run_add(SortRun *run, const Batch *batch, Error *err);
/* Memory was refused to sort_run_add: what it did is undone, so that row_count rows are left.
 * False: it has lost some. */
bool sort_run_undo(SortRun *run, uint64_t row_count);
/* Entries of the null-free shape get the other. */
MUST_CHECK Status sort_run_widen(SortRun *run, Error *err);
/* Frees what only adding needs. */
void sort_run_end(SortRun *run);
void sort_run_fini(SortRun *run); /* accepts a zeroed one */
uint64_t sort_run_bytes(const SortRun *run);

/* A chunk of a run's entries, freed when all pieces of it have been dealt. */
typedef struct SortChunk {
    SortRun *run;
    uint32_t index;
    _Atomic uint32_t pieces_left;
} SortChunk;

/* Neighbouring entries: of one run, chunk and split, or of the result. */
typedef struct SortPiece {
    uint32_t split;
    uint32_t count;
    uint64_t *entries;
    uint64_t first; /* the place of its first entry among all */
    SortChunk *chunk;
} SortPiece;

typedef struct SortDealer SortDealer;

typedef struct Sorter {
    const SortSpec *spec;
    SortRun *runs;
    uint32_t run_count;
    uint64_t row_count;

    const SortShape *shape; /* of all runs, from phase 0 on */
    bool is_packed;         /* entries have packed keys; else those of the shape */
    SortMoves pack, unpack;
    uint32_t words, stride; /* of entries as they lie in the pieces */
    SortPiece *pieces;      /* the input's, at the end the result's */
    uint32_t piece_count, piece_capacity;

    SortChunk *chunks;
    uint32_t chunk_count;
    uint32_t dealer_count; /* tasks of phase 0 */
    SortDealer *dealers;
    uint32_t bucket_count;
    uint64_t *splitters; /* bucket_count - 1, and one above all keys */
    struct SortGuess *guess;
    uint64_t peak_bytes;
} Sorter;

void sorter_init(Sorter *sorter, const SortSpec *spec);
void sorter_fini(Sorter *sorter); /* accepts a zeroed one; the runs stay the caller's */

/* Borrows the run until sorter_fini. */
void sorter_add_run(Sorter *sorter, SortRun *run);

MUST_CHECK Status sorter_begin(Sorter *sorter, uint32_t phase, Error *err,
                               uint32_t *task_count_out);
MUST_CHECK Status sorter_task(Sorter *sorter, uint32_t phase, uint32_t task, Error *err);

/* Sorts entries; open keys of equal words are told apart by the rows. Equal keys keep their order.
 * temp has room for as many. */
MUST_CHECK Status sorter_sort_entries(const SortSpec *spec, uint32_t words, uint32_t stride,
                                      uint64_t *entries, uint64_t *temp, uint64_t count,
                                      Error *err);

/* --- the result --- */

typedef struct SortCursor SortCursor;

/* *cursor_out goes to sort_cursor_close also when this fails. */
MUST_CHECK Status sort_cursor_open(const Sorter *sorter, uint32_t batch_rows, Error *err,
                                   SortCursor **cursor_out);
void sort_cursor_close(SortCursor *cursor); /* accepts NULL */

/* Rows [start, start + count) come next, as those of a split. */
void sort_cursor_seek(SortCursor *cursor, uint32_t split, uint64_t start, uint64_t count);
/* All columns of the input; 0 rows at the end. */
void sort_cursor_next(SortCursor *cursor, Batch *batch_out);

/* The next rows' addresses, of a spec that is not inline: how many, up to `count`; 0 at the end. */
uint32_t sort_cursor_rows(SortCursor *cursor, uint32_t count, void **rows_out);

#endif
