/* row_columns.c -- columns into rows and rows into columns; see row_layout.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/row_layout.h"

/* Sized copies compile to single moves; rows need no alignment beyond 8. */
#define FOR_VALUE_BYTES(value_bytes, MACRO)                                                        \
    switch (value_bytes) {                                                                         \
    case 1:                                                                                        \
        MACRO(1);                                                                                  \
        break;                                                                                     \
    case 2:                                                                                        \
        MACRO(2);                                                                                  \
        break;                                                                                     \
    case 4:                                                                                        \
        MACRO(4);                                                                                  \
        break;                                                                                     \
    case 8:                                                                                        \
        MACRO(8);                                                                                  \
        break;                                                                                     \
    case 16:                                                                                       \
        MACRO(16);                                                                                 \
        break;                                                                                     \
    default:                                                                                       \
        UNREACHABLE("value size");                                                                 \
    }

static void write_values(uint32_t offset, const Column *column, const uint32_t *selection,
                         uint32_t count, void *const *rows)
{
    size_t value_bytes = phys_bytes(type_phys(column->type));
    const char *values = column->values;

    if (column->form == COLUMN_DICT) {
        for (uint32_t i = 0; i < count; i++)
            memcpy((char *)rows[i] + offset, column_value(column, selection ? selection[i] : i),
                   sizeof(Str));
        return;
    }
#define WRITE_CONST(bytes)                                                                         \
    for (uint32_t i = 0; i < count; i++)                                                           \
    memcpy((char *)rows[i] + offset, values, bytes)
#define WRITE_SELECTED(bytes)                                                                      \
    for (uint32_t i = 0; i < count; i++)                                                           \
    memcpy((char *)rows[i] + offset, values + (size_t)selection[i] * (bytes), bytes)
#define WRITE_ALL(bytes)                                                                           \
    for (uint32_t i = 0; i < count; i++)                                                           \
    memcpy((char *)rows[i] + offset, values + (size_t)i * (bytes), bytes)
    if (column->form == COLUMN_CONST)
        FOR_VALUE_BYTES(value_bytes, WRITE_CONST)
    else if (selection != NULL)
        FOR_VALUE_BYTES(value_bytes, WRITE_SELECTED)
    else
        FOR_VALUE_BYTES(value_bytes, WRITE_ALL)
}

static void write_nulls(const RowLayout *layout, uint32_t field, const Column *column,
                        const uint32_t *selection, uint32_t count, void *const *rows)
{
    uint32_t byte = layout->null_offset + field / 8;
    uint8_t mask = (uint8_t)(1u << (field % 8));
    uint32_t offset = layout->fields[field].offset;
    size_t value_bytes = phys_bytes(layout->fields[field].phys);

    for (uint32_t i = 0; i < count; i++) {
        if (!column_is_null(column, selection ? selection[i] : i))
            continue;
        ((uint8_t *)rows[i])[byte] |= mask;
        memset((char *)rows[i] + offset, 0, value_bytes);
    }
}

static Status own_texts(uint32_t offset, TextStore *store, uint32_t count, void *const *rows,
                        Error *err)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(text_store_own(store, (Str *)(void *)((char *)rows[i] + offset), err));
    return ST_OK;
}

Status row_write(const RowLayout *layout, TextStore *store, const Column *columns,
                 const uint32_t *selection, uint32_t count, void *const *rows, Error *err)
{
    if (layout->null_bytes > 0)
        for (uint32_t i = 0; i < count; i++)
            memset((char *)rows[i] + layout->null_offset, 0, layout->null_bytes);
    for (uint32_t f = 0; f < layout->field_count; f++) {
        uint32_t offset = layout->fields[f].offset;

        ASSERT(type_phys(columns[f].type) == layout->fields[f].phys);
        write_values(offset, &columns[f], selection, count, rows);
        if (columns[f].validity != NULL)
            write_nulls(layout, f, &columns[f], selection, count, rows);
        if (layout->fields[f].phys == PHYS_STR && store != NULL)
            TRY(own_texts(offset, store, count, rows, err));
    }
    return ST_OK;
}

/* --- back into columns --- */

static size_t align64(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

Status row_reader_init(RowReader *reader, const RowLayout *layout, uint32_t row_capacity,
                       Arena *arena, MemPool *pool, const char *consumer, Error *err)
{
    size_t validity_bytes = align64(bitmap_words(row_capacity) * sizeof(uint64_t));
    char *next;

    *reader = (RowReader){.layout = layout, .pool = pool, .row_capacity = row_capacity};
    reader->columns = ARENA_ARRAY(arena, Column, layout->field_count);
    for (uint32_t f = 0; f < layout->field_count; f++)
        reader->memory_bytes +=
            align64(row_capacity * phys_bytes(layout->fields[f].phys)) + validity_bytes;
    TRY(mem_pool_alloc(pool, reader->memory_bytes, consumer, err, &reader->memory));
    next = reader->memory;
    for (uint32_t f = 0; f < layout->field_count; f++) {
        reader->columns[f] = (Column){.type = layout->fields[f].type, .form = COLUMN_FLAT};
        reader->columns[f].values = next;
        next += align64(row_capacity * phys_bytes(layout->fields[f].phys)) + validity_bytes;
    }
    return ST_OK;
}

void row_reader_fini(RowReader *reader)
{
    mem_pool_release(reader->pool, reader->memory, reader->memory_bytes);
    *reader = (RowReader){0};
}

static void read_values(uint32_t offset, size_t value_bytes, const void *const *rows,
                        uint32_t count, char *values)
{
#define READ(bytes)                                                                                \
    for (uint32_t i = 0; i < count; i++)                                                           \
    memcpy(values + (size_t)i * (bytes), (const char *)rows[i] + offset, bytes)
    FOR_VALUE_BYTES(value_bytes, READ)
}

/* Whether some row is null; then validity is filled in. */
static bool read_nulls(const RowLayout *layout, uint32_t field, const void *const *rows,
                       uint32_t count, uint64_t *validity)
{
    uint32_t byte = layout->null_offset + field / 8, shift = field % 8;
    bool has_null = false;

    if (layout->null_bytes == 0)
        return false;
    for (uint32_t start = 0; start < count; start += 64) {
        uint32_t end = count - start < 64 ? count - start : 64;
        uint64_t nulls = 0;

        for (uint32_t i = 0; i < end; i++)
            nulls |= (uint64_t)((((const uint8_t *)rows[start + i])[byte] >> shift) & 1) << i;
        validity[start / 64] = ~nulls;
        has_null |= nulls != 0;
    }
    return has_null;
}

Column row_read_field(const RowLayout *layout, uint32_t field, const void *const *rows,
                      uint32_t count, void *values, uint64_t *validity)
{
    const RowField *f = &layout->fields[field];
    bool has_null = read_nulls(layout, field, rows, count, validity);

    read_values(f->offset, phys_bytes(f->phys), rows, count, values);
    return (Column){.type = f->type,
                    .form = COLUMN_FLAT,
                    .values = values,
                    .validity = has_null ? validity : NULL};
}

void row_reader_read(RowReader *reader, const void *const *rows, uint32_t count)
{
    const RowLayout *layout = reader->layout;

    ASSERT(count <= reader->row_capacity);
    for (uint32_t f = 0; f < layout->field_count; f++) {
        char *values = (char *)(uintptr_t)reader->columns[f].values;
        size_t values_bytes = align64(reader->row_capacity * phys_bytes(layout->fields[f].phys));

        reader->columns[f] = row_read_field(layout, f, rows, count, values,
                                            (uint64_t *)(void *)(values + values_bytes));
    }
}
