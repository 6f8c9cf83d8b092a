/*
 * record_spill.h -- records that memory has no room for: written to a file by hash, read back once
 *
 *     SpillSet (a run for each of 16 parts of the hash): spill_set_add, ... -> spill_set_finish
 *     SpillWriter (one run): spill_write, ... -> spill_writer_finish
 *     SpillReader: spill_reader_next, ...
 *
 * A run is records in the order in which they were written, in chunks that are checked (XXH3)
 * before anything in them is used:
 *
 *     chunk   | record | record | ...
 *     record  | SpillHead | the record, with texts as offsets from its start | texts |  each at 16
 *
 * Memory is asked for when a set, a writer or a reader is made, and for chunks of a single long
 * record; not while records are written.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_RECORD_SPILL_H
#define VONK_EXEC_RECORD_SPILL_H

#include "core/base/arena.h"
#include "core/base/mem_pool.h"
#include "core/base/spill_file.h"
#include "core/plan/record.h"

/* A set cuts by 4 bits of the hash, from bit 47 down: higher ones have chosen the partition. */
enum { SPILL_PARTS = 16, SPILL_LEVELS = 12, SPILL_KINDS_MAX = GROUP_INPUTS_MAX + 1 };

/* texts: fields of a record hold a RecordText, those of a row (row_layout.h) a Str. */
typedef struct RecordShape {
    uint32_t bytes;
    uint32_t text_count;
    const uint32_t *text_offsets;
    bool is_row;
} RecordShape;

/* Lives in the arena. */
RecordShape record_shape_make(Arena *arena, const RecordLayout *layout);

/* What an operator spills: records of some kinds. */
typedef struct SpillSpace {
    SpillFile *file;
    Arena *arena; /* of lists of chunks */
    MemPool *pool;
    const char *consumer;
    RecordShape kinds[SPILL_KINDS_MAX];
} SpillSpace;

/* folder: borrowed. */
void spill_space_init(SpillSpace *space, const char *folder, MemPool *pool, const char *consumer);
void spill_space_fini(SpillSpace *space); /* accepts a zeroed one */

typedef struct SpilledRecord {
    uint32_t kind;
    uint64_t hash;
    uint64_t first; /* the writer's: the place of what it belongs to */
    char *record;   /* valid until the reader goes on */
} SpilledRecord;

typedef struct SpillChunk {
    uint64_t offset, bytes, hash;
} SpillChunk;

typedef struct SpillRun {
    SpillChunk *chunks;
    uint32_t chunk_count, chunk_capacity;
    uint64_t record_count;
    uint64_t hash; /* of its first record */
    bool is_one_hash;
} SpillRun;

/* --- writing --- */

typedef struct SpillWriter {
    SpillSpace *space;
    SpillRun run;
    char *buffer; /* NULL: a set's */
    size_t used;
} SpillWriter;

MUST_CHECK Status spill_writer_init(SpillWriter *writer, SpillSpace *space, Error *err);
void spill_writer_fini(SpillWriter *writer); /* accepts a zeroed one; the run stays */

MUST_CHECK Status spill_write(SpillWriter *writer, const SpilledRecord *record, Error *err);
MUST_CHECK Status spill_writer_finish(SpillWriter *writer, Error *err);

typedef struct SpillSet {
    SpillSpace *space;
    uint32_t level;
    void *memory;
    SpillWriter parts[SPILL_PARTS];
} SpillSet;

MUST_CHECK Status spill_set_init(SpillSet *set, SpillSpace *space, uint32_t level, Error *err);
void spill_set_fini(SpillSet *set); /* accepts a zeroed one; the runs stay */

MUST_CHECK Status spill_set_add(SpillSet *set, const SpilledRecord *record, Error *err);
MUST_CHECK Status spill_set_finish(SpillSet *set, Error *err);

/* --- reading --- */

typedef struct SpillReader {
    const SpillSpace *space;
    SpillRun run;
    uint32_t chunk; /* the next one */
    char *buffer;
    size_t buffer_bytes;
    char *at, *end;
    bool keeps_run; /* which is read again; else its room on the disk is given back */
} SpillReader;

MUST_CHECK Status spill_reader_init(SpillReader *reader, const SpillSpace *space,
                                    const SpillRun *run, Error *err);
void spill_reader_fini(SpillReader *reader); /* accepts a zeroed one */

/* False: the next record is in another chunk, and reading it ends what the last ones point to. */
static inline bool spill_reader_is_within(const SpillReader *reader)
{
    return reader->at < reader->end;
}

/* *is_any_out false: there is none. ST_CORRUPT: the file has other bytes than were written. What is
 * refused memory may be asked again. */
MUST_CHECK Status spill_reader_next(SpillReader *reader, Error *err, SpilledRecord *record_out,
                                    bool *is_any_out);

#endif
