/*
 * block_wire.h -- many blocks in one call: which are wanted, and what came of it
 *
 *     wanted:  whose (0: of the process that is asked; else of one that has ended), output, reduce
 *              partition, then map tasks, each with the hash that it should have (0: any) and the
 *              number of its first block that is wanted
 *     answer:  entries in the order of the map tasks, about 1 MiB with their blocks; what does not
 *              fit is asked for again. Blocks of some size come behind the entries, in their order:
 *              they are copied neither here nor there
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_BLOCK_WIRE_H
#define VONK_CLUSTER_BLOCK_WIRE_H

#include "cluster/rpc/rpc_blocks.h"
#include "core/rdd/block_pack.h"

enum { FETCH_MAPS_MAX = 4096, FETCH_ANSWER_BYTES = 1 << 20, FETCH_BEHIND_LEAST = 4096 };

typedef struct FetchMap {
    uint32_t map, first;
    uint64_t hash;
} FetchMap;

typedef struct FetchWanted {
    BlockOwner owner;
    uint64_t output;
    uint32_t reduce;
    uint32_t map_count;
    const FetchMap *maps;
} FetchWanted;

void fetch_wanted_put(WireWriter *to, const FetchWanted *wanted);
/* Lives in the arena. */
MUST_CHECK Status fetch_wanted_take(WireBytes bytes, Arena *arena, Error *err,
                                    FetchWanted *wanted_out);

typedef enum FetchEntryKind {
    FETCH_BLOCK,  /* a block, whole                                              */
    FETCH_BEHIND, /* one whose bytes come behind the entries                     */
    FETCH_LARGE,  /* one that comes in pieces (Blocks.fetch); ends the answer    */
    FETCH_END,    /* the map task at hand has no more for the reduce partition   */
    FETCH_LOST,   /* what it made is not here, damaged, or something else (reason) */
    FETCH_GONE    /* nothing of the output is here any more (reason)             */
} FetchEntryKind;

typedef struct FetchEntry {
    FetchEntryKind kind;
    uint32_t number;
    BlockForm form;
    const void *data;   /* FETCH_BLOCK: borrowed, form.stored_bytes; to be put: FETCH_BEHIND too */
    const char *reason; /* FETCH_LOST, FETCH_GONE */
} FetchEntry;

FetchEntry fetch_entry_take(WireReader *from, Arena *arena);

/* An answer in the making; an arena, and else zeros. */
typedef struct FetchAnswer {
    WireWriter said;
    uint64_t behind_bytes;
    uint32_t behind_count;
    WireBytes behind[BLOCKS_BEHIND_MAX];
} FetchAnswer;

/* Of a block of so many bytes: whole, behind the entries, or in pieces. */
FetchEntryKind fetch_kind(uint64_t bytes);
/* Whether it has something, and no room for so many bytes more. */
bool fetch_answer_is_full(const FetchAnswer *to, uint64_t bytes);
/* data must stay where it is when its block goes behind. */
void fetch_answer_put(FetchAnswer *to, const FetchEntry *entry);
/* Lives in its arena. */
BlocksAnswer fetch_answer_end(const FetchAnswer *to);

#endif
