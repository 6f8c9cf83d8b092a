/* block_store_internal.h -- what block_store.c and block_remote.c share */
#ifndef VONK_CORE_RDD_BLOCK_STORE_INTERNAL_H
#define VONK_CORE_RDD_BLOCK_STORE_INTERNAL_H

#include <pthread.h>

#include "core/base/list.h"
#include "core/base/spill_file.h"
#include "core/rdd/block_pack.h"
#include "core/rdd/block_store.h"

/* A block, in memory, packed or not, or in the file; in one place at a time. */
typedef struct Kept {
    Block *block;        /* NULL: elsewhere, or lost */
    PackedBlock *packed; /* as well              */
    BlockForm form;      /* of what is in memory or in the file */
    uint64_t offset;     /* in the file */
    uint32_t rows;
    bool is_in_file;
} Kept;

typedef struct Cell {
    Kept *items;
    uint32_t count, capacity;
} Cell;

struct MapBlocks {
    BlockStore *store;
    Arena *arena;
    ListNode node; /* of store->all */
    uint64_t place;
    uint64_t hash; /* of all, once it is in an output */
    uint32_t reduce_count;
    Cell *cells; /* by reduce partition */
};

/* What is known of a map task's blocks that are elsewhere. */
typedef struct Elsewhere {
    RemoteBlocks at;
    uint64_t copy;    /* a place that has the same; 0: none */
    uint64_t version; /* of the output, when it changed */
} Elsewhere;

struct BlockOutput {
    _Atomic uint32_t references;
    BlockStore *store;
    ListNode node;          /* of store->outputs */
    _Atomic uint32_t level; /* KeepLevel */
    uint32_t user_count;    /* jobs that make it or read it */
    uint32_t map_count, reduce_count, column_count;
    PlanColumn *columns;
    uint64_t id;
    MapBlocks **maps;     /* NULL: not here */
    Elsewhere *elsewhere; /* by map; NULL: never was any */
    uint64_t version;     /* counts up when one of them changes */
    pthread_mutex_t copies;
    Arena *arena; /* what is plan-sized */
};

struct BlockStore {
    pthread_mutex_t lock; /* of all that follows, and of all outputs and blocks */
    MemPool *pool;
    const char *spill_folder;
    Arena *arena;
    SpillFile *file;
    BlockSource *source;
    uint64_t last_id;
    bool has_failed; /* the file, when it was written last: error says how */
    Error error;
    List all;     /* MapBlocks, the oldest first */
    List outputs; /* BlockOutputs */
};

/* What follows: with the store's lock. */

/* What of the map task's blocks is here and counts: others may count instead. NULL: nothing. */
MapBlocks *store__usable(const BlockOutput *output, uint32_t map);
RemoteBlocks store__remote(const BlockOutput *output, uint32_t map);
void store__set_remote(BlockOutput *output, uint32_t map, RemoteBlocks at);
void store__drop_map(BlockOutput *output, uint32_t map);
/* A copy counts from now on; false: there is none. */
bool store__turn_to_copy(BlockOutput *output, uint32_t map);
void store__forget_copies(BlockOutput *output, uint64_t place);

#endif
