/* csv_records.c -- bytes to fields; see csv_internal.h */
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "formats/csv/csv_internal.h"

/* Bytes looked at together: one bit a byte in a mask. */
enum { SCAN_BYTES = 64 };

/* One bit for each of the 64 bytes at `at` that is the delimiter, the quote, the escape or a
 * newline. */
#ifdef __SSE2__
static uint64_t special_bytes(const char *at, const CsvDialect *dialect)
{
    const __m128i wanted[4] = {_mm_set1_epi8(dialect->delimiter), _mm_set1_epi8('\n'),
                               _mm_set1_epi8(dialect->quote), _mm_set1_epi8(dialect->escape)};
    uint64_t mask = 0;

    for (int i = 0; i < SCAN_BYTES; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, wanted[0]), _mm_cmpeq_epi8(bytes, wanted[1])),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, wanted[2]), _mm_cmpeq_epi8(bytes, wanted[3])));

        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << i;
    }
    return mask;
}
#else
static uint64_t special_bytes(const char *at, const CsvDialect *dialect)
{
    uint64_t mask = 0;

    for (int i = 0; i < SCAN_BYTES; i++) {
        bool is_special = at[i] == dialect->delimiter || at[i] == '\n' || at[i] == dialect->quote ||
                          at[i] == dialect->escape;

        mask |= (uint64_t)is_special << i;
    }
    return mask;
}
#endif

/* The next delimiter, quote, escape or newline at or behind `at`, or end. */
static const char *next_special(const char *at, const char *end, const CsvDialect *dialect)
{
    while (end - at >= SCAN_BYTES) {
        uint64_t mask = special_bytes(at, dialect);

        if (mask != 0)
            return at + __builtin_ctzll(mask);
        at += SCAN_BYTES;
    }
    for (; at < end; at++)
        if (*at == dialect->delimiter || *at == '\n' || *at == dialect->quote ||
            *at == dialect->escape)
            return at;
    return end;
}

/* Skips what a quote at *at has opened; false when the closing one is not in the buffer. */
static bool skip_quoted(const char **at, const char *end, const CsvDialect *dialect,
                        CsvField *field)
{
    const char *inside = *at + 1;

    for (;;) {
        while (inside < end && *inside != dialect->quote && *inside != dialect->escape)
            inside++;
        if (inside == end)
            return false;
        if (*inside == dialect->escape && inside + 1 < end &&
            (dialect->escape != dialect->quote || inside[1] == dialect->quote)) {
            field->is_escaped = true;
            inside += 2;
            continue;
        }
        if (*inside == dialect->quote) {
            *at = inside + 1;
            return true;
        }
        inside++;
    }
}

/* Takes the quotes off a field that is one quoted text; others with quotes need unescaping. */
static void finish_field(CsvField *field, const char *start, const char *end,
                         const CsvDialect *dialect)
{
    field->text = start;
    field->length = (uint32_t)(end - start);
    if (!field->is_quoted)
        return;
    if (!field->is_escaped && field->length >= 2 && start[0] == dialect->quote &&
        memchr(start + 1, dialect->quote, field->length - 1) == end - 1) {
        field->text++;
        field->length -= 2;
    } else {
        field->is_escaped = true;
    }
}

CsvStep csv_next_record(CsvCursor *cursor, CsvField *fields, uint32_t field_max,
                        uint32_t *count_out, bool *open_quote_out)
{
    const CsvDialect *dialect = cursor->dialect;
    const char *at = cursor->at, *start = at, *end = cursor->end;
    CsvField field = {0};
    uint32_t count = 0;

    *open_quote_out = false;
    *count_out = 0;
    if (at == end)
        return cursor->is_last ? CSV_END : CSV_MORE;
    for (;;) {
        const char *field_end;
        bool is_record_end;

        at = next_special(at, end, dialect);
        if (at == end && !cursor->is_last)
            return CSV_MORE;
        if (at < end && *at == dialect->quote && dialect->quote != 0) {
            field.is_quoted = true;
            if (!skip_quoted(&at, end, dialect, &field)) {
                *open_quote_out = true;
                return CSV_MORE;
            }
            continue;
        }
        if (at < end && *at != dialect->delimiter && *at != '\n') {
            at++; /* an escape outside quotes is a byte like others */
            continue;
        }
        is_record_end = at == end || *at == '\n';
        field_end = is_record_end && at > start && at[-1] == '\r' ? at - 1 : at;
        finish_field(&field, start, field_end, dialect);
        if (count < field_max)
            fields[count] = field;
        count++;
        if (at < end)
            at++;
        if (is_record_end)
            break;
        start = at;
        field = (CsvField){0};
    }
    cursor->at = at;
    *count_out = count;
    return CSV_RECORD;
}

Str csv_unescape(Arena *arena, const CsvDialect *dialect, const CsvField *field)
{
    char *text = arena_alloc_raw(arena, field->length);
    uint32_t length = 0;
    bool is_inside = false;

    for (uint32_t i = 0; i < field->length; i++) {
        char c = field->text[i];

        if (is_inside && c == dialect->escape && i + 1 < field->length &&
            (dialect->escape != dialect->quote || field->text[i + 1] == dialect->quote)) {
            text[length++] = field->text[++i];
        } else if (c == dialect->quote) {
            is_inside = !is_inside;
        } else {
            text[length++] = c;
        }
    }
    return str_make(text, length);
}
