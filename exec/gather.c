/* gather.c -- see gather.h */
#include "exec/gather.h"

#include <string.h>

#include "core/base/invariant.h"

static void gather_flat(const void *from, size_t value_bytes, const uint32_t *rows, uint32_t count,
                        void *to)
{
    if (rows == NULL)
        memcpy(to, from, count * value_bytes);
    else
        values_gather(from, value_bytes, rows, count, to);
}

#define REPEAT(CType)                                                                              \
    {                                                                                              \
        CType value;                                                                               \
                                                                                                   \
        memcpy(&value, from, sizeof value);                                                        \
        for (uint32_t i = 0; i < count; i++)                                                       \
            ((CType *)to)[i] = value;                                                              \
    }                                                                                              \
    break

static void repeat(const void *from, size_t value_bytes, uint32_t count, void *to)
{
    switch (value_bytes) {
    case 1:
        memset(to, *(const uint8_t *)from, count);
        break;
    case 2:
        REPEAT(uint16_t);
    case 4:
        REPEAT(uint32_t);
    case 8:
        REPEAT(uint64_t);
    case 16:
        REPEAT(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

void gather_values(const Column *column, const uint32_t *rows, uint32_t count, void *values_out)
{
    size_t value_bytes = phys_bytes(type_phys(column->type));

    if (count == 0)
        return;
    if (column->form == COLUMN_FLAT) {
        gather_flat(column->values, value_bytes, rows, count, values_out);
    } else if (column->form == COLUMN_CONST) {
        repeat(column->values, value_bytes, count, values_out);
    } else {
        const Str *entries = column->dictionary->values;

        for (uint32_t i = 0; i < count; i++)
            ((Str *)values_out)[i] = entries[column->codes[rows == NULL ? i : rows[i]]];
    }
}

/* Bits [start, start + count) become 1. */
static void set_bits(uint64_t *bits, size_t start, size_t count)
{
    if (start % 64 != 0) {
        size_t left = 64 - start % 64, first = left < count ? left : count;

        bits[start / 64] |= ((UINT64_C(1) << first) - 1) << start % 64;
        start += first;
        count -= first;
    }
    if (count > 0)
        bitmap_fill(bits + start / 64, count, true);
}

bool gather_validity(const Column *column, const uint32_t *rows, uint32_t count,
                     uint64_t *validity_out, size_t start)
{
    bool has_nulls = false;

    if (column->validity == NULL) {
        set_bits(validity_out, start, count);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = column_is_null(column, rows == NULL ? i : rows[i]);

        bitmap_put(validity_out, start + i, !is_null);
        has_nulls |= is_null;
    }
    return has_nulls;
}

Column column_of_nulls(Type type)
{
    static const uint64_t none = 0;
    static const UInt128 zero = 0;

    return (Column){.type = type, .form = COLUMN_CONST, .values = &zero, .validity = &none};
}

Status column_buffers_init(ColumnBuffers *buffers, Arena *arena, MemPool *pool,
                           uint32_t column_count, const PlanColumn *columns, uint32_t capacity,
                           const char *consumer, Error *err)
{
    size_t validity_bytes = (bitmap_words(capacity) * sizeof(uint64_t) + 63) & ~(size_t)63;
    size_t bytes = 0;
    char *next;

    *buffers = (ColumnBuffers){.pool = pool,
                               .capacity = capacity,
                               .column_count = column_count,
                               .values = ARENA_ARRAY(arena, void *, column_count),
                               .validity = ARENA_ARRAY(arena, uint64_t *, column_count)};
    for (uint32_t i = 0; i < column_count; i++)
        bytes += ((capacity * phys_bytes(type_phys(columns[i].type)) + 63) & ~(size_t)63) +
                 validity_bytes;
    TRY(mem_pool_alloc(pool, bytes, consumer, err, &buffers->memory));
    memset(buffers->memory, 0, bytes);
    buffers->memory_bytes = bytes;
    next = buffers->memory;
    for (uint32_t i = 0; i < column_count; i++) {
        buffers->values[i] = next;
        next += (capacity * phys_bytes(type_phys(columns[i].type)) + 63) & ~(size_t)63;
        buffers->validity[i] = (uint64_t *)(void *)next;
        next += validity_bytes;
    }
    return ST_OK;
}

void column_buffers_fini(ColumnBuffers *buffers)
{
    if (buffers->pool != NULL)
        mem_pool_release(buffers->pool, buffers->memory, buffers->memory_bytes);
    buffers->memory = NULL;
}

Column gather_column(ColumnBuffers *buffers, uint32_t number, const Column *column,
                     const uint32_t *rows, uint32_t count)
{
    Column out = {.type = column->type, .form = column->form};

    ASSERT(count <= buffers->capacity);
    if (column->form == COLUMN_CONST || rows == NULL)
        return *column;
    if (column->form == COLUMN_DICT) {
        gather_flat(column->codes, sizeof(uint32_t), rows, count, buffers->values[number]);
        out.codes = buffers->values[number];
        out.dictionary = column->dictionary;
    } else {
        gather_values(column, rows, count, buffers->values[number]);
        out.values = buffers->values[number];
    }
    if (column->validity != NULL &&
        gather_validity(column, rows, count, buffers->validity[number], 0))
        out.validity = buffers->validity[number];
    return out;
}
