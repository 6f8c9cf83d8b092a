/* table_printer.c -- see table_printer.h */
#include "shell/table_printer.h"

#include <stdio.h>
#include <string.h>

#include "shell/text_width.h"

static const char ellipsis[] = "\xe2\x80\xa6"; /* one cell wide */

static void measure(TableCell *cell)
{
    const char *line = cell->text;

    cell->width = 0;
    cell->lines = 0;
    while (line != NULL) {
        const char *end = strchr(line, '\n');
        size_t bytes = end == NULL ? strlen(line) : (size_t)(end - line);
        uint32_t width = (uint32_t)text_width(line, bytes);

        cell->width = width > cell->width ? width : cell->width;
        cell->lines++;
        line = end == NULL ? NULL : end + 1;
    }
}

static bool is_printable_ascii(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

TableCell table_cell_make(Arena *arena, const char *text, size_t bytes, size_t pad_spaces)
{
    StrBuf buf = {.arena = arena};
    TableCell cell = {.is_null = false};

    if (pad_spaces == 0 && is_printable_ascii(text, bytes)) {
        cell.text = arena_strndup(arena, text, bytes);
        cell.width = (uint32_t)bytes;
        cell.lines = 1;
        return cell;
    }
    text_add_printable(&buf, text, bytes);
    for (size_t i = 0; i < pad_spaces; i++)
        strbuf_putc(&buf, ' ');
    cell.text = strbuf_text(&buf);
    measure(&cell);
    return cell;
}

void table_column_fit(TableColumnLayout *column, const TableCell *cell)
{
    if (cell->width > column->width)
        column->width = cell->width;
}

/* " a | b " */
static size_t line_width(const TableColumnLayout *columns, uint32_t count, uint32_t widest)
{
    size_t width = count > 0 ? count - 1 : 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = columns[i].width;

        width += 2 + (columns[i].can_shrink && own > widest ? widest : own);
    }
    return width;
}

bool table_shrink(TableColumnLayout *columns, uint32_t count, size_t width, bool *was_cut_out)
{
    uint32_t widest = 0;

    *was_cut_out = false;
    for (uint32_t i = 0; i < count; i++)
        widest = columns[i].can_shrink && columns[i].width > widest ? columns[i].width : widest;
    if (line_width(columns, count, widest) <= width)
        return true;
    if (line_width(columns, count, TABLE_WIDTH_MIN) > width)
        return false;
    while (widest > TABLE_WIDTH_MIN && line_width(columns, count, widest) > width)
        widest--;
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].can_shrink && columns[i].width > widest)
            columns[i].width = widest;
    *was_cut_out = true;
    return true;
}

/* The n-th line of a cell, "" past its end. */
static const char *cell_line(const TableCell *cell, uint32_t n, size_t *bytes_out)
{
    const char *line = cell->text;
    const char *end;

    *bytes_out = 0;
    if (n >= cell->lines)
        return "";
    for (; n > 0; n--)
        line = strchr(line, '\n') + 1;
    end = strchr(line, '\n');
    *bytes_out = end == NULL ? strlen(line) : (size_t)(end - line);
    return line;
}

/* As text_width, without a look at cells that need none: their only line is all of them. */
static size_t line_cells(const TableCell *cell, const char *line, size_t bytes)
{
    return cell->lines == 1 ? cell->width : text_width(line, bytes);
}

/* Writes the line, cut to width if it may be; returns the cells that it took. */
static size_t put_cut(Output *output, const char *line, size_t bytes, size_t needed, size_t width,
                      bool can_cut)
{
    size_t prefix;

    if (needed <= width || !can_cut || width == 0) {
        output_put(output, line, bytes);
        return needed;
    }
    prefix = text_prefix_bytes(line, bytes, width - 1);
    output_put(output, line, prefix);
    output_puts(output, ellipsis);
    return text_width(line, prefix) + 1;
}

static void put_padding(Output *output, size_t width, size_t taken)
{
    if (taken < width)
        output_repeat(output, ' ', width - taken);
}

static void put_cell_line(Output *output, const TableColumnLayout *column, const TableCell *cell,
                          uint32_t n, bool is_last_column)
{
    size_t bytes;
    const char *line = cell_line(cell, n, &bytes);
    bool has_more = n + 1 < cell->lines;
    size_t needed = n < cell->lines ? line_cells(cell, line, bytes) : 0;
    size_t taken;

    output_putc(output, ' ');
    if (column->is_number)
        put_padding(output, column->width, needed);
    taken = put_cut(output, line, bytes, needed, column->width, column->can_shrink);
    /* psql leaves no blanks at the end of a line */
    if (!column->is_number && (!is_last_column || has_more))
        put_padding(output, column->width, taken);
    if (has_more)
        output_putc(output, '+');
    else if (!is_last_column)
        output_putc(output, ' ');
}

void table_put_row(Output *output, const TableColumnLayout *columns, uint32_t count,
                   const TableCell *cells)
{
    uint32_t lines = 1;

    for (uint32_t i = 0; i < count; i++)
        lines = cells[i].lines > lines ? cells[i].lines : lines;
    for (uint32_t n = 0; n < lines; n++) {
        for (uint32_t i = 0; i < count; i++) {
            output_puts(output, i == 0 ? "" : "|");
            put_cell_line(output, &columns[i], &cells[i], n, i + 1 == count);
        }
        output_putc(output, '\n');
    }
}

static void put_rule(Output *output, const TableColumnLayout *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        output_puts(output, i == 0 ? "" : "+");
        output_repeat(output, '-', columns[i].width + 2);
    }
    output_puts(output, count == 0 ? "--\n" : "\n");
}

void table_put_heading(Output *output, const TableColumnLayout *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const TableCell *heading = &columns[i].heading;
        size_t bytes = strlen(heading->text);
        size_t width = heading->width < columns[i].width ? heading->width : columns[i].width;
        size_t left = (columns[i].width - width) / 2;
        size_t taken;

        output_puts(output, i == 0 ? " " : "| ");
        output_repeat(output, ' ', left);
        taken = put_cut(output, heading->text, bytes, heading->width, columns[i].width,
                        columns[i].can_shrink);
        put_padding(output, columns[i].width, left + taken);
        output_putc(output, ' ');
    }
    output_puts(output, count == 0 ? "" : "\n");
    put_rule(output, columns, count);
}

/* -[ RECORD 1 ]-+---- with the + over the bar between headings and values, if there is room */
static void put_record_rule(Output *output, ExpandedLayout layout, uint64_t record)
{
    char title[64];
    size_t taken =
        (size_t)snprintf(title, sizeof title, "-[ RECORD %llu ]", (unsigned long long)record);
    size_t bar = layout.heading_width + 1;
    size_t end = layout.heading_width + layout.value_width + 3;

    output_puts(output, title);
    for (; taken < end; taken++)
        output_putc(output, taken == bar ? '+' : '-');
    output_putc(output, '\n');
}

void table_put_record(Output *output, const TableColumnLayout *columns, uint32_t count,
                      ExpandedLayout layout, uint64_t record, const TableCell *cells)
{
    put_record_rule(output, layout, record);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t n = 0; n < cells[i].lines; n++) {
            size_t bytes;
            const char *line = cell_line(&cells[i], n, &bytes);

            output_puts(output, n == 0 ? columns[i].heading.text : "");
            put_padding(output, layout.heading_width, n == 0 ? columns[i].heading.width : 0);
            output_puts(output, bytes > 0 ? " | " : " |");
            output_put(output, line, bytes);
            output_puts(output, n + 1 < cells[i].lines ? "+\n" : "\n");
        }
    }
}
