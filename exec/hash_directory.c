/* hash_directory.c -- see hash_directory.h */
#include "exec/hash_directory.h"

#include <string.h>

enum { SLOTS_FIRST = 1024 };

void hash_directory_init(HashDirectory *directory, uint32_t hash_offset, MemPool *pool,
                         const char *consumer)
{
    *directory = (HashDirectory){.pool = pool, .consumer = consumer, .hash_offset = hash_offset};
}

void hash_directory_fini(HashDirectory *directory)
{
    mem_pool_release(directory->pool, directory->slots, hash_directory_bytes(directory));
    directory->slots = NULL;
    directory->slot_count = 0;
}

void hash_directory_clear(HashDirectory *directory)
{
    if (directory->slots != NULL)
        memset(directory->slots, 0, hash_directory_bytes(directory));
}

static void fill(HashDirectory *directory, const RowStore *rows)
{
    uint64_t mask = directory->slot_count - 1;

    for (uint32_t c = 0; c < rows->chunk_count; c++)
        for (uint32_t i = 0; i < rows->chunks[c].row_count; i++) {
            char *row = rows->chunks[c].rows + (size_t)i * rows->row_bytes;
            uint64_t hash = hash_of_row(directory, row), at = hash & mask;

            while (directory->slots[at] != 0)
                at = (at + 1) & mask;
            directory->slots[at] = (hash & ~HASH_ADDRESS_MASK) | (uint64_t)(uintptr_t)row;
        }
}

Status hash_directory_grow(HashDirectory *directory, const RowStore *rows, uint64_t more,
                           Error *err)
{
    uint64_t count = directory->slot_count == 0 ? SLOTS_FIRST : directory->slot_count;
    void *slots;

    while (count / 2 < rows->row_count + more)
        count *= 2;
    TRY(mem_pool_alloc(directory->pool, count * sizeof(uint64_t), directory->consumer, err,
                       &slots));
    mem_pool_release(directory->pool, directory->slots, hash_directory_bytes(directory));
    directory->slots = slots;
    directory->slot_count = count;
    memset(slots, 0, hash_directory_bytes(directory));
    fill(directory, rows);
    return ST_OK;
}
