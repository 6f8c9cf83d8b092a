/* slot_table.c -- see slot_table.h */
#include "core/scheduler/slot_table.h"

#include <string.h>

#include "core/base/invariant.h"

enum { FIRST_CHUNK_LOG = 2 };

void slot_table_init(SlotTable *table, Arena *arena, size_t record_bytes)
{
    *table = (SlotTable){.arena = arena, .record_bytes = record_bytes, .first_free = SLOT_NONE};
}

static uint32_t chunk_of(uint32_t slot)
{
    return 31 - FIRST_CHUNK_LOG - (uint32_t)__builtin_clz(slot + (1u << FIRST_CHUNK_LOG));
}

static SlotHead *head_at(const SlotTable *table, uint32_t slot)
{
    uint32_t chunk = chunk_of(slot);
    uint32_t in_chunk = slot + (1u << FIRST_CHUNK_LOG) - (1u << (FIRST_CHUNK_LOG + chunk));

    return (SlotHead *)(void *)(table->chunks[chunk] + (size_t)in_chunk * table->record_bytes);
}

void *slot_table_take(SlotTable *table)
{
    SlotHead *head;
    SlotHead next = {.generation = 1, .is_live = true};

    if (table->first_free != SLOT_NONE) {
        head = head_at(table, table->first_free);
        next.slot = head->slot;
        next.generation = head->generation + 1;
        table->first_free = head->next_free;
        memset(head, 0, table->record_bytes);
    } else {
        uint32_t chunk = chunk_of(table->used_count);

        CHECK(chunk < SLOT_CHUNKS);
        if (table->chunks[chunk] == NULL)
            table->chunks[chunk] =
                ARENA_ARRAY(table->arena, char, table->record_bytes << (FIRST_CHUNK_LOG + chunk));
        next.slot = table->used_count++;
        head = head_at(table, next.slot);
    }
    *head = next;
    table->live_count++;
    return head;
}

void slot_table_give_back(SlotTable *table, void *record)
{
    SlotHead *head = record;

    CHECK(head->is_live);
    head->is_live = false;
    head->next_free = table->first_free;
    table->first_free = head->slot;
    table->live_count--;
}

void *slot_table_at(const SlotTable *table, uint32_t slot)
{
    SlotHead *head = head_at(table, slot);

    return head->is_live ? head : NULL;
}

void *slot_table_find(const SlotTable *table, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;
    SlotHead *head;

    if (slot >= table->used_count)
        return NULL;
    head = head_at(table, slot);
    return head->is_live && slot_handle(head) == handle ? head : NULL;
}
