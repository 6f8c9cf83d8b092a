/* hash_text.c -- see hash_text.h */
#include "core/base/hash_text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_text(const char *bytes, size_t byte_count)
{
    return XXH3_64bits(bytes, byte_count);
}
