/* pointer_map.c -- see pointer_map.h */
#include "core/base/pointer_map.h"

static PointerEntry *find(const PointerMap *map, const void *key)
{
    uint32_t mask = map->capacity - 1;
    uint64_t hash = (uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u;

    for (uint32_t slot = (uint32_t)(hash >> 32) & mask;; slot = (slot + 1) & mask)
        if (map->entries[slot].key == key || map->entries[slot].key == NULL)
            return &map->entries[slot];
}

static void grow(PointerMap *map, Arena *arena)
{
    PointerMap more = {.count = map->count,
                       .capacity = map->capacity == 0 ? 16 : map->capacity * 2};

    more.entries = ARENA_ARRAY(arena, PointerEntry, more.capacity);
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != NULL)
            *find(&more, map->entries[i].key) = map->entries[i];
    *map = more;
}

const void *pointer_map_get(const PointerMap *map, const void *key)
{
    return map->count == 0 ? NULL : find(map, key)->value;
}

void pointer_map_set(PointerMap *map, Arena *arena, const void *key, const void *value)
{
    PointerEntry *entry;

    if (2 * (map->count + 1) > map->capacity)
        grow(map, arena);
    entry = find(map, key);
    map->count += entry->key == NULL;
    *entry = (PointerEntry){key, value};
}
