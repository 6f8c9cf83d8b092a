/* str.c -- see str.h */
#include "core/base/str.h"

#include <stdio.h>

#include "core/base/invariant.h"

static void strbuf_grow(StrBuf *buf, size_t more_bytes)
{
    size_t needed = buf->length + more_bytes + 1;
    size_t capacity = buf->capacity == 0 ? 64 : buf->capacity;
    char *grown;

    if (needed <= buf->capacity)
        return;
    while (capacity < needed)
        capacity *= 2;
    grown = arena_alloc_raw(buf->arena, capacity);
    if (buf->length > 0)
        memcpy(grown, buf->text, buf->length);
    buf->text = grown;
    buf->capacity = capacity;
}

void strbuf_add(StrBuf *buf, const char *bytes, size_t byte_count)
{
    strbuf_grow(buf, byte_count);
    if (byte_count > 0)
        memcpy(buf->text + buf->length, bytes, byte_count);
    buf->length += byte_count;
    buf->text[buf->length] = '\0';
}

void strbuf_puts(StrBuf *buf, const char *text)
{
    strbuf_add(buf, text, strlen(text));
}

void strbuf_putc(StrBuf *buf, char c)
{
    strbuf_add(buf, &c, 1);
}

void strbuf_add_json(StrBuf *buf, const char *text)
{
    strbuf_putc(buf, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_printf(buf, "\\%c", *text);
        else if (*text == '\n')
            strbuf_puts(buf, "\\n");
        else if ((unsigned char)*text < 0x20)
            strbuf_printf(buf, "\\u%04x", (unsigned char)*text);
        else
            strbuf_putc(buf, *text);
    }
    strbuf_putc(buf, '"');
}

void strbuf_printf(StrBuf *buf, const char *format, ...)
{
    va_list args;
    int bytes;

    va_start(args, format);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(bytes >= 0);
    strbuf_grow(buf, (size_t)bytes);
    va_start(args, format);
    vsnprintf(buf->text + buf->length, (size_t)bytes + 1, format, args);
    va_end(args);
    buf->length += (size_t)bytes;
}

const char *strbuf_text(const StrBuf *buf)
{
    return buf->text == NULL ? "" : buf->text;
}

const char *str_of_bytes(uint64_t bytes, char buffer[BYTES_TEXT_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(buffer, BYTES_TEXT_MAX, "%llu B", (unsigned long long)bytes);
        return buffer;
    }
    for (; size >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        size /= 1024;
    snprintf(buffer, BYTES_TEXT_MAX, "%.1f %s", size, units[unit]);
    return buffer;
}

uint32_t str_edit_distance(const char *a, const char *b, uint32_t limit)
{
    enum { LONGEST = 64 };
    uint32_t row[LONGEST + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > LONGEST || b_length > LONGEST)
        return limit;
    for (uint32_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a_length; i++) {
        uint32_t diagonal = row[0];

        row[0] = i;
        for (uint32_t j = 1; j <= b_length; j++) {
            uint32_t above = row[j];
            uint32_t best = diagonal + (a[i - 1] != b[j - 1]);

            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b_length] < limit ? row[b_length] : limit;
}
