/*
 * column.h -- a run of values of one type
 *
 *     FLAT    values[row]                       validity bit row
 *     CONST   values[0] for every row           validity bit 0
 *     DICT    dictionary->values[codes[row]]    validity bit row; only for PHYS_STR
 *
 * A column borrows everything it points to. Whoever made it says how long that lives; in a
 * pipeline: until the source is asked for the next batch. To keep values, copy them.
 *
 * values of rows that are null are zeroed or otherwise harmless: computing on them is allowed,
 * reading meaning into them is not (codes of null rows are 0 or another valid code).
 */
#ifndef VONK_CORE_DATA_COLUMN_H
#define VONK_CORE_DATA_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/data/bitmap.h"
#include "core/data/type.h"

typedef enum ColumnForm { COLUMN_FLAT, COLUMN_CONST, COLUMN_DICT } ColumnForm;

/* The distinct values that codes refer to. id differs between dictionaries that may differ, so
 * that what was computed once per entry can be kept while the id stays the same; never 0. */
typedef struct Dictionary {
    const Str *values;
    uint32_t value_count;
    uint64_t id;
} Dictionary;

typedef struct Column {
    Type type;
    ColumnForm form;
    const void *values;           /* aligned to the value's size; NULL for DICT         */
    const uint64_t *validity;     /* NULL: no row is null                               */
    const uint32_t *codes;        /* DICT only                                          */
    const Dictionary *dictionary; /* DICT only                                          */
} Column;

static inline bool column_is_null(const Column *column, size_t row)
{
    return column->validity != NULL &&
           !bitmap_get(column->validity, column->form == COLUMN_CONST ? 0 : row);
}

/* The value's address, whatever the form. */
static inline const void *column_value(const Column *column, size_t row)
{
    if (column->form == COLUMN_DICT)
        return &column->dictionary->values[column->codes[row]];
    if (column->form == COLUMN_CONST)
        row = 0;
    return (const char *)column->values + row * phys_bytes(type_phys(column->type));
}

/* A dictionary id that no other call in this process returns. */
uint64_t dictionary_new_id(void);

/* to[i] = from[rows[i]] for i in [0, count): values of 1, 2, 4, 8 or 16 bytes. */
void values_gather(const void *from, size_t value_bytes, const uint32_t *rows, size_t count,
                   void *to);

/* A FLAT column of row_count rows with the same values, in the arena: rows selection[0..row_count)
 * of *column, or its first row_count rows when selection is NULL. Bytes of long texts are copied
 * too when copy_text is set; else they are borrowed as before. */
Column column_copy(Arena *arena, const Column *column, const uint32_t *selection, size_t row_count,
                   bool copy_text);

#endif
