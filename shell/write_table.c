/*
 * write_table.c -- aligned tables: rows are held until their widths are known
 *
 * Up to HELD_BYTES_MAX of text is held; what comes after is written as it comes, with the widths
 * seen so far. On a terminal, wide columns of text are cut with an ellipsis to fit; what does not
 * fit even so is written expanded. Longer than the screen: through the pager.
 */
#include <string.h>

#include "shell/result_writer.h"
#include "shell/table_printer.h"

enum { HELD_BYTES_MAX = 8 << 20 };

typedef struct TableWriter {
    ResultWriter head;
    TableColumnLayout *columns;
    Arena *rows_arena; /* cells of held rows, then of the row being written */
    TableCell **held;  /* row by row */
    size_t held_count, held_capacity;
    uint64_t line_count; /* of held rows */
    ExpandedLayout expanded;
    bool is_expanded;
    bool has_begun; /* widths are settled, the heading is written */
    bool was_cut;
    uint64_t rows_written;
} TableWriter;

/* A heading has one line, whatever the name. */
static TableCell make_heading(Arena *arena, const char *name)
{
    char *text = arena_strdup(arena, name);

    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
    return table_cell_make(arena, text, strlen(text), 0);
}

static void table_begin(ResultWriter *head)
{
    TableWriter *writer = (TableWriter *)head;

    writer->columns = ARENA_ARRAY(head->arena, TableColumnLayout, head->column_count);
    writer->rows_arena = arena_new(head->arena, "table rows", ARENA_NO_CAP);
    for (uint32_t i = 0; i < head->column_count; i++) {
        TableColumnLayout *column = &writer->columns[i];

        column->heading = make_heading(head->arena, head->columns[i].name);
        column->is_number = type_is_number(head->columns[i].type);
        column->can_shrink = !column->is_number;
        table_column_fit(column, &column->heading);
        if (column->heading.width > writer->expanded.heading_width)
            writer->expanded.heading_width = column->heading.width;
    }
}

static void make_row(TableWriter *writer, const Batch *batch, uint32_t row, TableCell *cells)
{
    char buffer[CELL_BUFFER_BYTES];

    for (uint32_t i = 0; i < batch->column_count; i++) {
        Cell cell = cell_at(&batch->columns[i], row, CELL_SHORT_BOOL, buffer);
        const char *text = cell.is_null ? writer->head.style.null_text : cell.text;
        size_t bytes = cell.is_null ? strlen(text) : cell.bytes;

        cells[i] = table_cell_make(writer->rows_arena, text, bytes, cell.pad_spaces);
        cells[i].is_null = cell.is_null;
    }
}

static void hold_row(TableWriter *writer, const Batch *batch, uint32_t row)
{
    TableCell *cells = ARENA_ARRAY(writer->rows_arena, TableCell, batch->column_count);
    uint32_t lines = 1;

    make_row(writer, batch, row, cells);
    for (uint32_t i = 0; i < batch->column_count; i++) {
        table_column_fit(&writer->columns[i], &cells[i]);
        lines = cells[i].lines > lines ? cells[i].lines : lines;
        if (cells[i].width > writer->expanded.value_width)
            writer->expanded.value_width = cells[i].width;
    }
    if (writer->held_count == writer->held_capacity) {
        size_t capacity = writer->held_capacity == 0 ? 64 : 2 * writer->held_capacity;
        TableCell **held = ARENA_ARRAY(writer->rows_arena, TableCell *, capacity);

        if (writer->held_count > 0)
            memcpy(held, writer->held, writer->held_count * sizeof *held);
        writer->held = held;
        writer->held_capacity = capacity;
    }
    writer->held[writer->held_count++] = cells;
    writer->line_count += lines;
}

static void choose_layout(TableWriter *writer)
{
    const WriterStyle *style = &writer->head.style;
    bool fits =
        style->terminal_width == 0 || table_shrink(writer->columns, writer->head.column_count,
                                                   style->terminal_width, &writer->was_cut);

    writer->is_expanded = style->expand == EXPAND_ON || (!fits && style->expand == EXPAND_AUTO);
    if (writer->is_expanded)
        writer->was_cut = false;
}

static void begin_output(TableWriter *writer)
{
    const WriterStyle *style = &writer->head.style;
    uint64_t lines = writer->line_count + 4;

    choose_layout(writer);
    if (writer->is_expanded)
        lines = writer->held_count * (uint64_t)(writer->head.column_count + 1);
    if (style->terminal_height > 0 && lines > style->terminal_height)
        output_begin_pager(writer->head.output);
    if (!writer->is_expanded)
        table_put_heading(writer->head.output, writer->columns, writer->head.column_count);
    writer->has_begun = true;
}

static void write_row(TableWriter *writer, const TableCell *cells)
{
    writer->rows_written++;
    if (writer->is_expanded)
        table_put_record(writer->head.output, writer->columns, writer->head.column_count,
                         writer->expanded, writer->rows_written, cells);
    else
        table_put_row(writer->head.output, writer->columns, writer->head.column_count, cells);
}

static void write_held_rows(TableWriter *writer)
{
    begin_output(writer);
    for (size_t i = 0; i < writer->held_count; i++)
        write_row(writer, writer->held[i]);
    arena_reset(writer->rows_arena);
    writer->held = NULL;
    writer->held_count = 0;
}

static void table_add(ResultWriter *head, const Batch *batch)
{
    TableWriter *writer = (TableWriter *)head;

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(head->output); row++) {
        if (writer->has_begun) {
            TableCell *cells = ARENA_ARRAY(writer->rows_arena, TableCell, batch->column_count);

            make_row(writer, batch, row, cells);
            write_row(writer, cells);
            arena_reset(writer->rows_arena);
            continue;
        }
        hold_row(writer, batch, row);
        if (arena_used_bytes(writer->rows_arena) > HELD_BYTES_MAX)
            write_held_rows(writer);
    }
}

static void table_end(ResultWriter *head)
{
    TableWriter *writer = (TableWriter *)head;
    Output *output = head->output;

    if (!writer->has_begun)
        write_held_rows(writer);
    if (!writer->is_expanded || writer->rows_written == 0)
        output_printf(output, "(%llu row%s)%s\n", (unsigned long long)writer->rows_written,
                      writer->rows_written == 1 ? "" : "s",
                      writer->was_cut ? " (values are cut to fit: \\x shows them whole)" : "");
    output_putc(output, '\n');
    output_end_pager(output);
}

const ResultWriterClass result_writer_table = {
    .struct_bytes = sizeof(TableWriter), .begin = table_begin, .add = table_add, .end = table_end};
