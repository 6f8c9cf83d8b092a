/*
 * str.h -- text values of 16 bytes, slices, and a growing text buffer
 *
 * Str is the value of a text column. Up to 12 bytes stand in the value itself; of longer ones the
 * first 4 stand there, so that most comparisons never leave the column, and the bytes belong to
 * somebody else (Neumann & Freitag, "Umbra", CIDR 2020):
 *
 *     length 5   | 'h' 'e' 'l' 'l' | 'o' 0 0 0 0 0 0 0 |
 *     length 21  | 'w' 'o' 'r' 'l' |  const char *data   |   data[0..21), the head repeated
 *
 * Unused inline bytes are zero: two short values are equal when their 16 bytes are. Text is UTF-8
 * without NUL termination. Order is by bytes (PostgreSQL's "C" collation).
 */
#ifndef VONK_CORE_BASE_STR_H
#define VONK_CORE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/arena.h"

enum { STR_INLINE_BYTES = 12, STR_HEAD_BYTES = 4 };

typedef struct Str {
    uint32_t length; /* bytes */
    char head[STR_HEAD_BYTES];
    union {
        char tail[8];
        const char *data;
    };
} Str;

_Static_assert(sizeof(Str) == 16, "Str is two registers wide");

/* The bytes; valid as long as *text itself (short) or what it points to (long). */
static inline const char *str_bytes(const Str *text)
{
    return text->length <= STR_INLINE_BYTES ? text->head : text->data;
}

/* Borrows data when length > 12. */
static inline Str str_make(const char *data, uint32_t length)
{
    Str text = {.length = length, .head = {0}, .tail = {0}};

    if (length <= STR_INLINE_BYTES) {
        /* head and tail are adjacent; memcpy to the struct keeps the compiler informed */
        if (length > 0)
            memcpy((char *)&text + offsetof(Str, head), data, length);
    } else {
        memcpy(text.head, data, STR_HEAD_BYTES);
        text.data = data;
    }
    return text;
}

static inline bool str_equal(Str a, Str b)
{
    uint64_t a_first, b_first, a_second, b_second;

    memcpy(&a_first, &a, 8);
    memcpy(&b_first, &b, 8);
    if (a_first != b_first)
        return false;
    memcpy(&a_second, (const char *)&a + 8, 8);
    memcpy(&b_second, (const char *)&b + 8, 8);
    if (a_second == b_second)
        return true;
    return a.length > STR_INLINE_BYTES && memcmp(a.data, b.data, a.length) == 0;
}

/* < 0, 0, > 0 as memcmp, the shorter first where one is the other's prefix. */
static inline int str_compare(Str a, Str b)
{
    uint32_t shorter = a.length < b.length ? a.length : b.length;
    uint32_t a_head, b_head;
    int order;

    memcpy(&a_head, a.head, 4);
    memcpy(&b_head, b.head, 4);
    if (a_head != b_head)
        return __builtin_bswap32(a_head) < __builtin_bswap32(b_head) ? -1 : 1;
    order = memcmp(str_bytes(&a), str_bytes(&b), shorter);
    if (order != 0)
        return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

/* A copy whose bytes live in the arena (short texts need none). */
static inline Str str_copy(Arena *arena, Str text)
{
    if (text.length > STR_INLINE_BYTES)
        text.data = arena_copy(arena, text.data, text.length);
    return text;
}

/* Text that grows: start from {.arena = arena}; text is always NUL-terminated once touched. */
typedef struct StrBuf {
    Arena *arena;
    char *text;
    size_t length;
    size_t capacity;
} StrBuf;

void strbuf_add(StrBuf *buf, const char *bytes, size_t byte_count);
void strbuf_puts(StrBuf *buf, const char *text);
void strbuf_putc(StrBuf *buf, char c);
void strbuf_printf(StrBuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void strbuf_add_json(StrBuf *buf, const char *text); /* quoted for JSON */

/* The text so far, "" when nothing was added. */
const char *strbuf_text(const StrBuf *buf);

/* "512 B", "14.8 MiB", in the buffer, which is returned. */
enum { BYTES_TEXT_MAX = 32 };
const char *str_of_bytes(uint64_t bytes, char buffer[BYTES_TEXT_MAX]);

/* Levenshtein distance (1966), cut off at limit: for "did you mean". */
uint32_t str_edit_distance(const char *a, const char *b, uint32_t limit);

#endif
