/* error_text.c -- see error_text.h */
#include "shell/error_text.h"

#include <string.h>

#include "shell/text_width.h"

enum { LINE_WIDTH_MAX = 100, LINE_BEFORE_CARET_MAX = 60 };

static const char red[] = "\x1b[1;31m", plain[] = "\x1b[0m";

/* The line that holds offset. */
typedef struct Line {
    uint32_t number;
    size_t start, end;
} Line;

static Line find_line(const SourceText *source, size_t offset)
{
    Line line = {.number = source->first_line};

    for (size_t at = 0; at < offset; at++) {
        if (source->text[at] == '\n') {
            line.number++;
            line.start = at + 1;
        }
    }
    line.end = line.start;
    while (line.end < source->bytes && source->text[line.end] != '\n')
        line.end++;
    return line;
}

/* Moves at back to the start of a UTF-8 character. */
static size_t character_start(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* LINE 3: ...the part of the line around offset..., and a caret below. */
static void add_line(StrBuf *buf, const SourceText *source, size_t offset)
{
    Line line = find_line(source, offset);
    size_t from = line.start, to = line.end;
    StrBuf shown = {.arena = buf->arena};
    size_t caret;

    if (offset - from > LINE_BEFORE_CARET_MAX)
        from = character_start(source->text, offset - LINE_BEFORE_CARET_MAX);
    if (to - from > LINE_WIDTH_MAX)
        to = character_start(source->text, from + LINE_WIDTH_MAX);
    strbuf_printf(&shown, "LINE %u: %s", line.number, from > line.start ? "..." : "");
    text_add_printable(&shown, source->text + from, offset - from);
    caret = text_width(strbuf_text(&shown), shown.length);
    text_add_printable(&shown, source->text + offset, to > offset ? to - offset : 0);
    strbuf_printf(buf, "%s%s\n%*s^\n", strbuf_text(&shown), to < line.end ? "..." : "", (int)caret,
                  "");
}

static void add_head(StrBuf *buf, const Error *err, const SourceText *source, size_t offset,
                     bool has_color)
{
    if (source != NULL && source->file != NULL)
        strbuf_printf(buf, "vonk:%s:%u: ", source->file, find_line(source, offset).number);
    strbuf_printf(buf, "%sERROR:%s  ", has_color ? red : "", has_color ? plain : "");
    text_add_printable(buf, err->message, strlen(err->message));
    strbuf_putc(buf, '\n');
}

static void add_more(StrBuf *buf, const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    strbuf_printf(buf, "%s:  ", label);
    text_add_printable(buf, text, strlen(text));
    strbuf_putc(buf, '\n');
}

void error_text_add(StrBuf *buf, const Error *err, const SourceText *source, size_t statement_start,
                    bool has_color)
{
    size_t offset = statement_start;

    if (err->sql_offset >= 0)
        offset += (size_t)err->sql_offset;
    if (source != NULL && offset > source->bytes)
        offset = source->bytes;
    add_head(buf, err, source, offset, has_color);
    if (source != NULL && err->sql_offset >= 0)
        add_line(buf, source, offset);
    add_more(buf, "DETAIL", err->detail);
    add_more(buf, "HINT", err->hint);
}
