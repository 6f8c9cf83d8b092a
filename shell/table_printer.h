/*
 * table_printer.h -- the layout of aligned tables, apart from where rows come from
 *
 *      id | name          -[ RECORD 1 ]--
 *     ----+------         id   | 1
 *       1 | Ann           name | Ann
 *
 * As psql prints them: numbers to the right, other values to the left, headings centred, values
 * of several lines with a + at the end of each but the last.
 */
#ifndef VONK_SHELL_TABLE_PRINTER_H
#define VONK_SHELL_TABLE_PRINTER_H

#include "shell/output.h"

#include "core/base/arena.h"

/* One value, made printable (text_add_printable): may have several lines. */
typedef struct TableCell {
    const char *text; /* NUL-terminated */
    uint32_t width;   /* of its widest line */
    uint32_t lines;
    bool is_null;
} TableCell;

typedef struct TableColumnLayout {
    TableCell heading;
    bool is_number;
    bool can_shrink; /* text may be cut to fit the terminal */
    uint32_t width;
} TableColumnLayout;

/* Makes a cell of any bytes; lives in the arena. */
TableCell table_cell_make(Arena *arena, const char *text, size_t bytes, size_t pad_spaces);

/* Widens column so that the cell fits. */
void table_column_fit(TableColumnLayout *column, const TableCell *cell);

/* Cuts columns that may shrink until a line takes at most width cells. False: it cannot be done
 * with TABLE_WIDTH_MIN cells each; then nothing is changed. *was_cut_out: something was cut. */
enum { TABLE_WIDTH_MIN = 12 };
bool table_shrink(TableColumnLayout *columns, uint32_t count, size_t width, bool *was_cut_out);

void table_put_heading(Output *output, const TableColumnLayout *columns, uint32_t count);
void table_put_row(Output *output, const TableColumnLayout *columns, uint32_t count,
                   const TableCell *cells);

/* Widths of an expanded table: of its headings, and of its widest value. */
typedef struct ExpandedLayout {
    uint32_t heading_width;
    uint32_t value_width;
} ExpandedLayout;

void table_put_record(Output *output, const TableColumnLayout *columns, uint32_t count,
                      ExpandedLayout layout, uint64_t record, const TableCell *cells);

#endif
