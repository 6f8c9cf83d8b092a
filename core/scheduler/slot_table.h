/*
 * slot_table.h -- records that outsiders name by a number which is never reused
 *
 * A handle is a slot and the slot's generation: once a record is given back, its handle finds
 * nothing for ever. So a message that comes too late names nothing, instead of something else.
 * Records stay where they are; memory is reused, and given back with the arena.
 *
 * Thread: one call at a time.
 */
#ifndef VONK_CORE_SCHEDULER_SLOT_TABLE_H
#define VONK_CORE_SCHEDULER_SLOT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"

enum { SLOT_NONE = UINT32_MAX, SLOT_CHUNKS = 28 };

typedef struct SlotHead { /* the first member of every record */
    uint32_t slot;
    uint32_t generation; /* from 1 on, so that no handle is 0 */
    uint32_t next_free;
    bool is_live;
} SlotHead;

typedef struct SlotTable {
    Arena *arena;
    size_t record_bytes;
    uint32_t used_count; /* slots that ever were in use */
    uint32_t live_count;
    uint32_t first_free;
    char *chunks[SLOT_CHUNKS]; /* of 4, 8, 16, ... records */
} SlotTable;

void slot_table_init(SlotTable *table, Arena *arena, size_t record_bytes);

/* A zeroed record; the arena owns its memory. */
void *slot_table_take(SlotTable *table);
void slot_table_give_back(SlotTable *table, void *record);

/* NULL when the handle's record is gone, or never was. */
void *slot_table_find(const SlotTable *table, uint64_t handle);

/* The live record in the slot, or NULL; slot < used_count. */
void *slot_table_at(const SlotTable *table, uint32_t slot);

static inline uint64_t slot_handle(const SlotHead *head)
{
    return (uint64_t)head->generation << 32 | head->slot;
}

#endif
