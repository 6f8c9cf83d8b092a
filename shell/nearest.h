/*
 * nearest.h -- the known name nearest to a mistyped one: "did you mean"
 *
 *     nearest_to(typed) -> nearest_offer(name), ... -> nearest.name, NULL when none is near
 */
#ifndef VONK_SHELL_NEAREST_H
#define VONK_SHELL_NEAREST_H

#include <string.h>

#include "core/base/str.h"

typedef struct Nearest {
    const char *typed;
    const char *name;
    uint32_t distance; /* a name must be nearer than this */
} Nearest;

static inline Nearest nearest_to(const char *typed)
{
    size_t length = strlen(typed);

    /* one letter in three may be wrong, and up to three */
    return (Nearest){.typed = typed,
                     .distance = length < 3   ? 1
                                 : length < 9 ? 1 + (uint32_t)length / 3
                                              : 4};
}

static inline void nearest_offer(Nearest *nearest, const char *name)
{
    uint32_t distance = str_edit_distance(nearest->typed, name, nearest->distance);

    if (distance < nearest->distance) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

#endif
