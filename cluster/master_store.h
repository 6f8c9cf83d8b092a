/*
 * master_store.h -- where a master keeps what one that comes after it must know: named values
 *
 *     master_store_folder, or a leader's in ZooKeeper (master_election.h)
 *         -> store_restore, store_keep, ...
 *
 * A driver is "driver-<id>", its record, and "driver-<id>.<n>", the pieces of its package, which
 * are put before the record: what has a record is whole.
 *
 * Thread: one at a time.
 */
#ifndef VONK_CLUSTER_MASTER_STORE_H
#define VONK_CLUSTER_MASTER_STORE_H

#include "cluster/driver_job.h"
#include "cluster/master_state.h"

enum { STORE_VALUE_BYTES_MAX = 256 << 10 };

typedef struct MasterStore {
    void *context;
    Status (*put)(void *context, const char *name, const void *bytes, uint32_t byte_count,
                  Error *err);
    Status (*remove)(void *context, const char *name, Error *err); /* also what is not there */
    Status (*list)(void *context, Arena *arena, Error *err, const char ***names_out,
                   uint32_t *count_out);
    /* bytes NULL: it is not there. */
    Status (*get)(void *context, const char *name, Arena *arena, Error *err, WireBytes *bytes_out);
} MasterStore;

/* In files of a folder, which is made; its path is borrowed. */
MUST_CHECK Status master_store_folder(const char *folder, Error *err, MasterStore *store_out);

MUST_CHECK Status store_keep(const MasterStore *store, const MasterKept *kept, Error *err);
/* Where the ids of a master begin that starts now: at that one, or, when the clock has gone back,
 * above all that masters with this store have given. */
MUST_CHECK Status store_next_ids(const MasterStore *store, int64_t by_clock, Error *err,
                                 int64_t *first_id_out);
/* All drivers; those that cannot be read are left out, and said. */
MUST_CHECK Status store_restore(const MasterStore *store, MasterState *state, int64_t now_ns,
                                Error *err);

#endif
