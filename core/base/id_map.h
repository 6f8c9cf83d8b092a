/*
 * id_map.h -- numbers found by numbers: what is known of an id, as long as it is wanted
 *
 *     IdMap versions = {0};
 *     id_map_set(&versions, output, 7);
 *     if (id_map_get(&versions, output, &version)) ...
 *     id_map_drop(&versions, output); id_map_fini(&versions);
 *
 * Open addressing, at most half full; a zeroed one is empty. Memory is as for small objects
 * (heap.h).
 */
#ifndef VONK_CORE_BASE_ID_MAP_H
#define VONK_CORE_BASE_ID_MAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct IdEntry {
    uint64_t id, value;
    bool is_used;
} IdEntry;

typedef struct IdMap {
    uint32_t count, capacity;
    IdEntry *entries;
} IdMap;

void id_map_fini(IdMap *map);

/* False: nothing is known of it. value_out may be NULL. */
bool id_map_get(const IdMap *map, uint64_t id, uint64_t *value_out);
/* Instead of what was known. */
void id_map_set(IdMap *map, uint64_t id, uint64_t value);
/* False: nothing was known. */
bool id_map_drop(IdMap *map, uint64_t id);

/* A thing as a value; NULL: nothing is known. */
static inline void id_map_set_thing(IdMap *map, uint64_t id, void *thing)
{
    id_map_set(map, id, (uint64_t)(uintptr_t)thing);
}

static inline void *id_map_thing(const IdMap *map, uint64_t id)
{
    uint64_t value;

    return id_map_get(map, id, &value) ? (void *)(uintptr_t)value : (void *)0;
}

#endif
