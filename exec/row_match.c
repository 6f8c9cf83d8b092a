/* row_match.c -- equality and order of row fields; see row_layout.h */
#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "exec/row_layout.h"

static inline Int128 interval_micros(Interval interval)
{
    const Int128 day_micros = (Int128)86400 * 1000000;

    return ((Int128)interval.months * 30 + interval.days) * day_micros + interval.micros;
}

#define LOAD(Type, name, from)                                                                     \
    Type name;                                                                                     \
    memcpy(&name, (from), sizeof name)

#define DEFINE_BITS_EQUAL(suffix, CType)                                                           \
    static inline bool equal_##suffix(const void *x, const void *y)                                \
    {                                                                                              \
        LOAD(CType, a, x);                                                                         \
        LOAD(CType, b, y);                                                                         \
        return a == b;                                                                             \
    }
DEFINE_BITS_EQUAL(8, uint8_t)
DEFINE_BITS_EQUAL(16, uint16_t)
DEFINE_BITS_EQUAL(32, uint32_t)
DEFINE_BITS_EQUAL(64, uint64_t)
DEFINE_BITS_EQUAL(128, UInt128)

static inline bool equal_float32(const void *x, const void *y)
{
    LOAD(float, a, x);
    LOAD(float, b, y);
    return a == b || (isnan(a) && isnan(b));
}

static inline bool equal_float64(const void *x, const void *y)
{
    LOAD(double, a, x);
    LOAD(double, b, y);
    return a == b || (isnan(a) && isnan(b));
}

static inline bool equal_str(const void *x, const void *y)
{
    LOAD(Str, a, x);
    LOAD(Str, b, y);
    return str_equal(a, b);
}

static inline bool equal_interval(const void *x, const void *y)
{
    LOAD(Interval, a, x);
    LOAD(Interval, b, y);
    return interval_micros(a) == interval_micros(b);
}

/* One switch per physical form: MACRO(suffix of the equal_ function). */
#define FOR_PHYS(phys, MACRO)                                                                      \
    switch (phys) {                                                                                \
    case PHYS_BOOL:                                                                                \
        MACRO(8);                                                                                  \
        break;                                                                                     \
    case PHYS_INT16:                                                                               \
        MACRO(16);                                                                                 \
        break;                                                                                     \
    case PHYS_INT32:                                                                               \
        MACRO(32);                                                                                 \
        break;                                                                                     \
    case PHYS_INT64:                                                                               \
        MACRO(64);                                                                                 \
        break;                                                                                     \
    case PHYS_INT128:                                                                              \
        MACRO(128);                                                                                \
        break;                                                                                     \
    case PHYS_FLOAT32:                                                                             \
        MACRO(float32);                                                                            \
        break;                                                                                     \
    case PHYS_FLOAT64:                                                                             \
        MACRO(float64);                                                                            \
        break;                                                                                     \
    case PHYS_STR:                                                                                 \
        MACRO(str);                                                                                \
        break;                                                                                     \
    case PHYS_INTERVAL:                                                                            \
        MACRO(interval);                                                                           \
        break;                                                                                     \
    default:                                                                                       \
        UNREACHABLE("physical form");                                                              \
    }

/* What matching one field needs; the loops below are made once per form and value kind. */
typedef struct MatchField {
    uint32_t offset, null_byte;
    uint8_t null_mask;
    const char *values; /* row r's lies at stride * r, or stride * codes[r] */
    size_t stride;
    const uint32_t *codes;
    const uint64_t *validity;
    bool is_const;
    const uint32_t *selection;
    void *const *rows;
    uint32_t *candidates;
    uint32_t *rejected;
    uint32_t rejected_count;
} MatchField;

static void set_column(MatchField *m, const Column *column)
{
    bool is_dictionary = column->form == COLUMN_DICT;

    m->is_const = column->form == COLUMN_CONST;
    m->values = is_dictionary ? (const char *)column->dictionary->values : column->values;
    m->stride = m->is_const ? 0 : phys_bytes(type_phys(column->type));
    m->codes = is_dictionary ? column->codes : NULL;
    m->validity = column->validity;
}

/* Branch-free: each candidate is written to both lists, and one of the counts moves on. */
#define MATCH_LOOP(suffix, value_row, column_null)                                                 \
    for (uint32_t k = 0; k < count; k++) {                                                         \
        uint32_t i = m->candidates[k];                                                             \
        uint32_t at = m->selection ? m->selection[i] : i;                                          \
        const char *row = m->rows[i];                                                              \
        bool row_null = ((const uint8_t *)row)[m->null_byte] & m->null_mask;                       \
        bool is_null = (column_null);                                                              \
        bool same =                                                                                \
            row_null == is_null &&                                                                 \
            (is_null || equal_##suffix(m->values + m->stride * (value_row), row + m->offset));     \
        m->candidates[kept] = i;                                                                   \
        m->rejected[m->rejected_count] = i;                                                        \
        kept += same;                                                                              \
        m->rejected_count += !same;                                                                \
    }

/* FLAT without NULLs: the common case. */
static uint32_t match_valid(MatchField *m, Phys phys, uint32_t count)
{
    uint32_t kept = 0;

#define MATCH_VALID(suffix) MATCH_LOOP(suffix, at, false)
    FOR_PHYS(phys, MATCH_VALID)
    return kept;
}

static uint32_t match_any(MatchField *m, Phys phys, uint32_t count)
{
    uint32_t kept = 0;

#define MATCH_ANY(suffix)                                                                          \
    MATCH_LOOP(suffix, m->codes != NULL ? m->codes[at] : at,                                       \
               m->validity != NULL && !bitmap_get(m->validity, m->is_const ? 0 : at))
    FOR_PHYS(phys, MATCH_ANY)
    return kept;
}

uint32_t row_match(const RowLayout *layout, uint32_t key_count, const Column *columns,
                   const uint32_t *selection, void *const *rows, uint32_t *candidates,
                   uint32_t count, uint32_t *rejected, uint32_t *rejected_count_out)
{
    MatchField match = {
        .selection = selection, .rows = rows, .candidates = candidates, .rejected = rejected};

    for (uint32_t f = 0; f < key_count && count > 0; f++) {
        match.offset = layout->fields[f].offset;
        match.null_byte = layout->null_offset + f / 8;
        match.null_mask = (uint8_t)(1u << (f % 8));
        set_column(&match, &columns[f]);
        if (columns[f].form == COLUMN_FLAT && columns[f].validity == NULL)
            count = match_valid(&match, layout->fields[f].phys, count);
        else
            count = match_any(&match, layout->fields[f].phys, count);
    }
    *rejected_count_out = match.rejected_count;
    return count;
}

bool row_equal(const RowLayout *layout, uint32_t key_count, const void *a, const void *b)
{
    for (uint32_t f = 0; f < key_count; f++) {
        const void *x = row_value(layout, a, f), *y = row_value(layout, b, f);
        bool is_null = row_is_null(layout, a, f);
        bool same = false;

        if (is_null != row_is_null(layout, b, f))
            return false;
        if (is_null)
            continue;
#define SAME(suffix) same = equal_##suffix(x, y)
        FOR_PHYS(layout->fields[f].phys, SAME)
        if (!same)
            return false;
    }
    return true;
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return a < b ? -1 : a > b;
}

#define COMPARE(CType)                                                                             \
    do {                                                                                           \
        LOAD(CType, a_, x);                                                                        \
        LOAD(CType, b_, y);                                                                        \
        return a_ < b_ ? -1 : a_ > b_;                                                             \
    } while (0)

static int compare_intervals(const void *x, const void *y)
{
    LOAD(Interval, a, x);
    LOAD(Interval, b, y);
    Int128 a_micros = interval_micros(a), b_micros = interval_micros(b);

    return a_micros < b_micros ? -1 : a_micros > b_micros;
}

static int compare_floats(Phys phys, const void *x, const void *y)
{
    if (phys == PHYS_FLOAT32) {
        LOAD(float, a, x);
        LOAD(float, b, y);
        return compare_doubles(a, b);
    }
    LOAD(double, a, x);
    LOAD(double, b, y);
    return compare_doubles(a, b);
}

static int compare_texts(const void *x, const void *y)
{
    LOAD(Str, a, x);
    LOAD(Str, b, y);
    return str_compare(a, b);
}

int row_compare_field(const RowLayout *layout, uint32_t field, const void *a, const void *b)
{
    const void *x = row_value(layout, a, field), *y = row_value(layout, b, field);

    switch (layout->fields[field].phys) {
    case PHYS_BOOL:
        COMPARE(uint8_t);
    case PHYS_INT16:
        COMPARE(int16_t);
    case PHYS_INT32:
        COMPARE(int32_t);
    case PHYS_INT64:
        COMPARE(int64_t);
    case PHYS_INT128:
        COMPARE(Int128);
    case PHYS_FLOAT32:
    case PHYS_FLOAT64:
        return compare_floats(layout->fields[field].phys, x, y);
    case PHYS_STR:
        return compare_texts(x, y);
    case PHYS_INTERVAL:
        return compare_intervals(x, y);
    default:
        UNREACHABLE("physical form");
    }
}
