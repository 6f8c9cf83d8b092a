/* rpc_bytes.c -- see rpc_bytes.h */
#include "cluster/rpc/rpc_bytes.h"

#include <glib.h>

GByteArray *rpc_bytes_of(WireBytes bytes)
{
    GByteArray *array = g_byte_array_sized_new((guint)bytes.byte_count);

    return g_byte_array_append(array, bytes.bytes, (guint)bytes.byte_count);
}

void rpc_bytes_free(GByteArray *array)
{
    if (array != NULL)
        g_byte_array_unref(array);
}

WireBytes rpc_bytes_copy(const GByteArray *array, Arena *arena)
{
    if (array == NULL || array->len == 0)
        return (WireBytes){0};
    return (WireBytes){arena_copy(arena, array->data, array->len), array->len};
}

void rpc_bytes_give(WireBytes bytes, GByteArray **answer)
{
    rpc_bytes_free(*answer);
    *answer = rpc_bytes_of(bytes);
}
