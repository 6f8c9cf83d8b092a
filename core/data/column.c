/* column.c -- see column.h */
#include "core/data/column.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/invariant.h"

uint64_t dictionary_new_id(void)
{
    static _Atomic uint64_t last_id;

    return atomic_fetch_add(&last_id, 1) + 1;
}

static const uint64_t *copy_validity(Arena *arena, const Column *column, const uint32_t *selection,
                                     size_t row_count)
{
    uint64_t *validity;

    if (column->validity == NULL)
        return NULL;
    validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(row_count));
    if (selection == NULL && column->form != COLUMN_CONST) {
        bitmap_copy(validity, 0, column->validity, 0, row_count);
        return validity;
    }
    for (size_t i = 0; i < row_count; i++)
        bitmap_put(validity, i, !column_is_null(column, selection ? selection[i] : i));
    return validity;
}

#define GATHER(CType)                                                                              \
    for (size_t i = 0; i < count; i++)                                                             \
        ((CType *)to)[i] = ((const CType *)from)[rows[i]];                                         \
    break

void values_gather(const void *from, size_t value_bytes, const uint32_t *rows, size_t count,
                   void *to)
{
    switch (value_bytes) {
    case 1:
        GATHER(uint8_t);
    case 2:
        GATHER(uint16_t);
    case 4:
        GATHER(uint32_t);
    case 8:
        GATHER(uint64_t);
    case 16:
        GATHER(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

Column column_copy(Arena *arena, const Column *column, const uint32_t *selection, size_t row_count,
                   bool copy_text)
{
    Phys phys = type_phys(column->type);
    size_t value_bytes = phys_bytes(phys);
    char *values = arena_alloc_raw(arena, arena_array_bytes(row_count, value_bytes));
    const uint64_t *validity = copy_validity(arena, column, selection, row_count);

    if (column->form == COLUMN_FLAT && selection == NULL && row_count > 0)
        memcpy(values, column->values, row_count * value_bytes);
    else if (column->form == COLUMN_FLAT && row_count > 0)
        values_gather(column->values, value_bytes, selection, row_count, values);
    else
        for (size_t i = 0; i < row_count; i++)
            memcpy(values + i * value_bytes, column_value(column, selection ? selection[i] : i),
                   value_bytes);
    if (phys == PHYS_STR && copy_text) {
        Str *texts = (Str *)(void *)values;

        for (size_t i = 0; i < row_count; i++) {
            bool is_null = validity != NULL && !bitmap_get(validity, i);

            texts[i] = is_null ? str_make("", 0) : str_copy(arena, texts[i]);
        }
    }
    return (Column){
        .type = column->type, .form = COLUMN_FLAT, .values = values, .validity = validity};
}
