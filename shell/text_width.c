/* text_width.c -- see text_width.h */
#include "shell/text_width.h"

#include <wchar.h>

/* One character: its bytes (at least 1) and, in *cells_out, its width. */
static size_t next_character(const char *text, size_t bytes, size_t *cells_out)
{
    unsigned char first = (unsigned char)text[0];
    mbstate_t state = {0};
    wchar_t wide;
    size_t length;
    int cells;

    *cells_out = 1;
    if (first < 0x80)
        return 1;
    length = mbrtowc(&wide, text, bytes, &state);
    if (length == (size_t)-1 || length == (size_t)-2 || length == 0)
        return 1;
    cells = wcwidth(wide);
    *cells_out = cells < 0 ? 1 : (size_t)cells;
    return length;
}

size_t text_width(const char *text, size_t bytes)
{
    size_t width = 0, cells;

    for (size_t at = 0; at < bytes;) {
        at += next_character(text + at, bytes - at, &cells);
        width += cells;
    }
    return width;
}

size_t text_prefix_bytes(const char *text, size_t bytes, size_t width)
{
    size_t at = 0, used = 0, cells;

    while (at < bytes) {
        size_t length = next_character(text + at, bytes - at, &cells);

        if (used + cells > width)
            break;
        used += cells;
        at += length;
    }
    return at;
}

size_t text_characters(const char *text, size_t bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* C1 controls are two bytes in UTF-8, C2 80 .. C2 9F; some terminals obey them. */
static bool is_c1_control(const char *text, size_t bytes)
{
    return bytes >= 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] >= 0x80 &&
           (unsigned char)text[1] < 0xA0;
}

void text_add_printable(StrBuf *buf, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\r') {
            strbuf_puts(buf, "\\r");
        } else if (c == '\t') {
            strbuf_puts(buf, "    ");
        } else if (is_c1_control(text + i, bytes - i)) {
            strbuf_printf(buf, "\\u00%02X", (unsigned char)text[i + 1]);
            i++;
        } else if ((c < 0x20 && c != '\n') || c == 0x7F) {
            strbuf_printf(buf, "\\x%02X", c);
        } else {
            strbuf_putc(buf, (char)c);
        }
    }
}
