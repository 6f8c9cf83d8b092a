/*
 * block_source.h -- blocks that lie elsewhere: what a block store asks of whoever can bring them
 *
 *     open (whose blocks, for one reduce partition) -> next, ... -> close
 *
 * core/rdd knows no connections: a cluster's fetcher is one of these (cluster/block_fetcher.h).
 *
 * Thread: open, forget and forget_map may come from any thread; a fetch is one thread's.
 */
#ifndef VONK_CORE_RDD_BLOCK_SOURCE_H
#define VONK_CORE_RDD_BLOCK_SOURCE_H

#include "core/rdd/block.h"

typedef struct BlockSource BlockSource;
typedef struct BlockFetch BlockFetch;

/* What one map task made, and where it is. */
typedef struct RemoteBlocks {
    uint64_t place; /* an ExecutorId; 0: nowhere */
    uint64_t hash;  /* map_blocks_hash; 0: not known */
    uint64_t rows, bytes;
    bool is_kept; /* it outlives its place (block_keep.h) */
} RemoteBlocks;

/* The SQLSTATE of an ST_CORRUPT error of who has not answered, or has nothing any more; with the
 * usual one (status_sqlstate) only what that map task made is damaged, or missing. */
#define SQLSTATE_PLACE_LOST "08006"

/* The hash of a map task that made no block: nothing of it has to be brought. */
#define NO_BLOCKS_HASH UINT64_C(0x9e3779b97f4a7c15)

typedef struct WantedMap {
    uint32_t map, first; /* of its blocks, that one and those behind it */
    RemoteBlocks at;
} WantedMap;

/* Borrowed until the fetch is closed. */
typedef struct FetchRequest {
    uint64_t output; /* block_output_id */
    uint32_t reduce, column_count;
    const PlanColumn *columns;
    MemPool *pool; /* what blocks count in */
    uint32_t map_count;
    const WantedMap *maps;
    const atomic_bool *stop; /* true: nobody waits any more; NULL: never */
} FetchRequest;

typedef struct BlockSourceClass {
    MUST_CHECK Status (*open)(BlockSource *source, const FetchRequest *request, Error *err,
                              BlockFetch **fetch_out);
    /* The next block of the map at hand, checked; NULL: it has no more, and the next map is at
     * hand. ST_CORRUPT: what the map task made cannot be had (SQLSTATE_PLACE_LOST), or is damaged.
     */
    MUST_CHECK Status (*next)(BlockFetch *fetch, Error *err, Block **block_out);
    void (*close)(BlockFetch *fetch); /* accepts NULL */
    /* Nobody wants any of the output, or what that map task made there. NULL: nobody is told. */
    void (*forget)(BlockSource *source, uint64_t output);
    void (*forget_map)(BlockSource *source, uint64_t output, uint32_t map, uint64_t place);
} BlockSourceClass;

struct BlockSource {
    const BlockSourceClass *class;
};

#endif
