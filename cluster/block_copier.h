/*
 * block_copier.h -- second copies of what other executors keep for later jobs
 *
 *     block_copier_new -> block_copier_add, ... (its thread copies)
 *     block_copier_made (copies that there are) -> block_copier_told (the driver knows of them)
 *         -> block_copier_free
 *
 * One map task after the other, so that tasks keep the memory and the network. Of what cannot be
 * copied (no memory, its executor has gone) the driver is told so: then there is one copy.
 *
 * Thread: any; news is called on the copier's own.
 */
#ifndef VONK_CLUSTER_BLOCK_COPIER_H
#define VONK_CLUSTER_BLOCK_COPIER_H

#include "core/rdd/block_store.h"

typedef struct BlockCopier BlockCopier;

typedef struct BlockCopy {
    uint64_t output; /* block_output_id */
    uint32_t map;
    uint64_t hash; /* 0: it could not be made */
} BlockCopy;

/* news: there are copies that the driver does not know of. */
BlockCopier *block_copier_new(void (*news)(void *context), void *context);
/* What is under way is given up. Accepts NULL. */
void block_copier_free(BlockCopier *copier);

/* Takes the reference. More than so many that wait are not copied. */
enum { COPIES_WAIT_MAX = 1 << 14 };
void block_copier_add(BlockCopier *copier, BlockOutput *output, uint32_t map);

bool block_copier_has_news(BlockCopier *copier);
/* The oldest first; lives in the arena. */
const BlockCopy *block_copier_made(BlockCopier *copier, Arena *arena, uint32_t *count_out);
void block_copier_told(BlockCopier *copier, uint32_t count);

#endif
