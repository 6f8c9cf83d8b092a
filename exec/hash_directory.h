/*
 * hash_directory.h -- finds rows of a RowStore by hash: open addressing over tagged addresses
 *
 *     slot   | tag 16 (of the hash) | address 48 |  -->  row, with its whole hash at hash_offset
 *
 *     hash_directory_reserve -> { at = hash_directory_start; while ((row = hash_directory_next))
 *         compare keys; hash_directory_put where next found a free slot } ...
 *
 * Looking a key up touches one line of the directory, and mostly just the row that has the key.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_HASH_DIRECTORY_H
#define VONK_EXEC_HASH_DIRECTORY_H

#include "core/base/prefetch.h"
#include "exec/row_layout.h"

enum { HASH_TAG_SHIFT = 48 };

#define HASH_ADDRESS_MASK ((UINT64_C(1) << HASH_TAG_SHIFT) - 1)

typedef struct HashDirectory {
    MemPool *pool;
    const char *consumer;
    uint32_t hash_offset; /* in a row */
    uint64_t *slots;      /* 0: free  */
    uint64_t slot_count;  /* a power of two, at least twice the rows */
} HashDirectory;

void hash_directory_init(HashDirectory *directory, uint32_t hash_offset, MemPool *pool,
                         const char *consumer);
void hash_directory_fini(HashDirectory *directory); /* accepts a zeroed one */

/* Forgets all rows; keeps its memory. */
void hash_directory_clear(HashDirectory *directory);

/* Room for `more` rows beside all of the store, which it knows. On failure all is as it was. */
MUST_CHECK Status hash_directory_grow(HashDirectory *directory, const RowStore *rows, uint64_t more,
                                      Error *err);

MUST_CHECK static inline Status
hash_directory_reserve(HashDirectory *directory, const RowStore *rows, uint64_t more, Error *err)
{
    return directory->slot_count / 2 >= rows->row_count + more
               ? ST_OK
               : hash_directory_grow(directory, rows, more, err);
}

static inline size_t hash_directory_bytes(const HashDirectory *directory)
{
    return directory->slot_count * sizeof(uint64_t);
}

static inline char *hash_slot_row(uint64_t slot)
{
    return (char *)(uintptr_t)(slot & HASH_ADDRESS_MASK); /* NULL of a free one */
}

static inline uint64_t hash_directory_start(const HashDirectory *directory, uint64_t hash)
{
    return hash & (directory->slot_count - 1);
}

/* The next row whose hash has the same tag, and *at behind it; NULL: the slot at *at is free. */
static inline char *hash_directory_next(const HashDirectory *directory, uint64_t hash, uint64_t *at)
{
    uint64_t mask = directory->slot_count - 1;

    for (;; *at = (*at + 1) & mask) {
        uint64_t slot = directory->slots[*at];

        if (slot == 0)
            return NULL;
        if ((slot ^ hash) >> HASH_TAG_SHIFT != 0)
            continue;
        *at = (*at + 1) & mask;
        return hash_slot_row(slot);
    }
}

/* Also writes the hash into the row. */
static inline void hash_directory_put(HashDirectory *directory, uint64_t hash, uint64_t at,
                                      char *row)
{
    directory->slots[at] = (hash & ~HASH_ADDRESS_MASK) | (uint64_t)(uintptr_t)row;
    __builtin_memcpy(row + directory->hash_offset, &hash, sizeof hash);
}

static inline uint64_t hash_of_row(const HashDirectory *directory, const char *row)
{
    uint64_t hash;

    __builtin_memcpy(&hash, row + directory->hash_offset, sizeof hash);
    return hash;
}

/* Look-ups one after the other do best when each asks for what a later one will touch: its slot
 * first, and once that has come, its row. */
PREFETCHER void hash_directory_prefetch_slot(const HashDirectory *directory, uint64_t hash)
{
    __builtin_prefetch(&directory->slots[hash & (directory->slot_count - 1)]);
}

/* The row that a look-up will probably come to, or NULL: one of the first two slots has its tag,
 * mostly. Without a branch, as which of them is a matter of luck. */
static inline const char *hash_directory_likely(const HashDirectory *directory, uint64_t hash)
{
    uint64_t mask = directory->slot_count - 1;
    uint64_t first = directory->slots[hash & mask], second = directory->slots[(hash + 1) & mask];
    uint64_t is_first = (((first ^ hash) >> HASH_TAG_SHIFT) - 1) >> 63; /* 1 or 0 */

    return hash_slot_row(second ^ ((first ^ second) & -is_first));
}

PREFETCHER void hash_directory_prefetch_row(const HashDirectory *directory, uint32_t row_bytes,
                                            uint64_t hash)
{
    const char *row = hash_directory_likely(directory, hash);

    __builtin_prefetch(row, 1);
    __builtin_prefetch(row + row_bytes - 1, 1);
}

/* What the next look-ups will touch is asked for level by level: each level's addresses stand in
 * the one before, which has come by then. */
PREFETCHER void hash_directory_prefetch(const HashDirectory *directory, uint32_t row_bytes,
                                        const uint64_t *hashes, uint32_t count)
{
    uint64_t mask = directory->slot_count - 1;

    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&directory->slots[hashes[i] & mask]);
    for (uint32_t i = 0; i < count; i++)
        hash_directory_prefetch_row(directory, row_bytes, hashes[i]);
}

#endif
