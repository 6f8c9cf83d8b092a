/*
 * pointer_map.h -- what is known of a thing, found by the thing's address
 *
 *     PointerMap done = {0};
 *     pointer_map_set(&done, arena, plan, copy);
 *     const Plan *copy = pointer_map_get(&done, plan);      NULL: nothing is
 *
 * Open addressing in an arena; a zeroed one is empty. Keys and values are borrowed and not NULL.
 */
#ifndef VONK_CORE_BASE_POINTER_MAP_H
#define VONK_CORE_BASE_POINTER_MAP_H

#include <stdint.h>

#include "core/base/arena.h"

typedef struct PointerEntry {
    const void *key;
    const void *value;
} PointerEntry;

typedef struct PointerMap {
    uint32_t count, capacity; /* at most half full */
    PointerEntry *entries;
} PointerMap;

const void *pointer_map_get(const PointerMap *map, const void *key);
/* Instead of what was known. */
void pointer_map_set(PointerMap *map, Arena *arena, const void *key, const void *value);

#endif
