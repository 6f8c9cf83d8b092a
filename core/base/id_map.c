/* id_map.c -- see id_map.h */
#include "core/base/id_map.h"

#include <stdlib.h>

#include "core/base/heap.h"

enum { CAPACITY_LEAST = 16 };

/* Where it would be if nothing else were there. */
static uint32_t home(const IdMap *map, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (map->capacity - 1);
}

static uint32_t next(const IdMap *map, uint32_t slot)
{
    return (slot + 1) & (map->capacity - 1);
}

/* Its entry, or the free one where it belongs. */
static IdEntry *find(const IdMap *map, uint64_t id)
{
    uint32_t slot = home(map, id);

    while (map->entries[slot].is_used && map->entries[slot].id != id)
        slot = next(map, slot);
    return &map->entries[slot];
}

static void grow(IdMap *map)
{
    IdMap more = {.count = map->count,
                  .capacity = map->capacity == 0 ? CAPACITY_LEAST : map->capacity * 2};

    more.entries = heap_new(more.capacity * sizeof *more.entries);
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->entries[i].is_used)
            *find(&more, map->entries[i].id) = map->entries[i];
    free(map->entries);
    *map = more;
}

void id_map_fini(IdMap *map)
{
    free(map->entries);
    *map = (IdMap){0};
}

bool id_map_get(const IdMap *map, uint64_t id, uint64_t *value_out)
{
    const IdEntry *entry = map->count == 0 ? NULL : find(map, id);

    if (entry == NULL || !entry->is_used)
        return false;
    if (value_out != NULL)
        *value_out = entry->value;
    return true;
}

void id_map_set(IdMap *map, uint64_t id, uint64_t value)
{
    IdEntry *entry;

    if (2 * (map->count + 1) > map->capacity)
        grow(map);
    entry = find(map, id);
    map->count += !entry->is_used;
    *entry = (IdEntry){.id = id, .value = value, .is_used = true};
}

/* What stands behind the gap and could not be found across it moves into it. */
static void close_gap(IdMap *map, uint32_t gap)
{
    for (uint32_t slot = next(map, gap); map->entries[slot].is_used; slot = next(map, slot)) {
        uint32_t from = home(map, map->entries[slot].id);
        uint32_t mask = map->capacity - 1;

        if (((slot - from) & mask) < ((slot - gap) & mask))
            continue; /* its home lies behind the gap */
        map->entries[gap] = map->entries[slot];
        gap = slot;
    }
    map->entries[gap] = (IdEntry){0};
}

bool id_map_drop(IdMap *map, uint64_t id)
{
    IdEntry *entry = map->count == 0 ? NULL : find(map, id);

    if (entry == NULL || !entry->is_used)
        return false;
    map->count--;
    close_gap(map, (uint32_t)(entry - map->entries));
    return true;
}
