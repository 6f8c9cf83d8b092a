/* join_gather.c -- columns out of a join table's rows; see join.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

Status join_buffers_init(const Join *join, Arena *arena, ColumnBuffers *buffers, Error *err)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, join->kept_count);

    for (uint32_t i = 0; i < join->kept_count; i++)
        columns[i] = join->right->columns[join->kept[i]];
    return column_buffers_init(buffers, arena, join->context->pool, join->kept_count, columns,
                               BATCH_ROWS_MAX, "hash join", err);
}

/* field: the first row's value. */
ALWAYS_INLINE void gather(size_t value_bytes, const char *field, size_t row_bytes,
                          const uint32_t *matches, uint32_t count, const uint32_t *at, char *to)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t place = at == NULL ? i : at[i];

        memcpy(to + place * value_bytes, field + matches[i] * row_bytes, value_bytes);
    }
}

ALWAYS_INLINE void gather_maybe(size_t value_bytes, const char *field, size_t row_bytes,
                                const uint32_t *matches, uint32_t count, const uint32_t *at,
                                char *to)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t place = at == NULL ? i : at[i];

        if (matches[i] == JOIN_NO_MATCH)
            memset(to + place * value_bytes, 0, value_bytes);
        else
            memcpy(to + place * value_bytes, field + matches[i] * row_bytes, value_bytes);
    }
}

#define GATHER(bytes)                                                                              \
    if (has_gaps)                                                                                  \
        gather_maybe(bytes, field, row_bytes, matches, count, at, to);                             \
    else if (at == NULL)                                                                           \
        gather(bytes, field, row_bytes, matches, count, NULL, to);                                 \
    else                                                                                           \
        gather(bytes, field, row_bytes, matches, count, at, to);                                   \
    break

static void gather_field(uint32_t value_bytes, const char *field, size_t row_bytes,
                         const uint32_t *matches, uint32_t count, const uint32_t *at, bool has_gaps,
                         char *to)
{
    switch (value_bytes) {
    case 1:
        GATHER(1);
    case 2:
        GATHER(2);
    case 4:
        GATHER(4);
    case 8:
        GATHER(8);
    case 16:
        GATHER(16);
    default:
        UNREACHABLE("value size");
    }
}

static bool has_gap(const uint32_t *matches, uint32_t count)
{
    uint32_t found = 0; /* as wide as a match: so it becomes vectors */

    for (uint32_t i = 0; i < count; i++)
        found |= matches[i] == JOIN_NO_MATCH ? UINT32_MAX : 0;
    return found != 0;
}

Column join_gather(const Join *join, ColumnBuffers *buffers, uint32_t place,
                   const uint32_t *matches, uint32_t count, const uint32_t *at, uint32_t row_count,
                   bool is_padded)
{
    const JoinField *field = &join->layout.columns[place];
    const char *rows = join->table.rows;
    size_t row_bytes = join->layout.row_bytes;
    uint64_t *validity = buffers->validity[place];
    Column column = {.type = join->right->columns[join->kept[place]].type,
                     .form = COLUMN_FLAT,
                     .values = buffers->values[place]};
    bool has_gaps = has_gap(matches, count), has_nulls = has_gaps || is_padded;

    gather_field((uint32_t)phys_bytes(field->phys), rows + field->offset, row_bytes, matches, count,
                 at, has_gaps, buffers->values[place]);
    if (!has_nulls && field->null_offset == JOIN_NEVER_NULL)
        return column;
    bitmap_fill(validity, row_count, !is_padded);
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = matches[i] == JOIN_NO_MATCH ||
                       (field->null_offset != JOIN_NEVER_NULL &&
                        rows[matches[i] * row_bytes + (size_t)field->null_offset] != 0);

        bitmap_put(validity, at == NULL ? i : at[i], !is_null);
        has_nulls |= is_null;
    }
    if (has_nulls)
        column.validity = validity;
    return column;
}
