/*
 * write_delimited.c -- csv, tsv, markdown and plain: a line a row
 *
 *     csv       RFC 4180 with LF: quotes where a value has a comma, a quote, a line break or is
 *               empty; NULL is nothing
 *     tsv       as PostgreSQL's COPY text: \t \n \r \\ escaped; NULL is \N
 *     markdown  | a | b |, numbers right; | escaped, line breaks as <br>
 *     plain     values as they are with tabs between them, no heading: for EXPLAIN and scripts
 */
#include <string.h>

#include "shell/result_writer.h"
#include "shell/text_width.h"

/* --- csv --- */

static bool csv_needs_quotes(const char *text, size_t bytes)
{
    if (bytes == 0)
        return true;
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

static void csv_put(Output *output, const char *text, size_t bytes, size_t pad_spaces)
{
    if (!csv_needs_quotes(text, bytes)) {
        output_put(output, text, bytes);
        output_repeat(output, ' ', pad_spaces);
        return;
    }
    output_putc(output, '"');
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"')
            output_putc(output, '"');
        output_putc(output, text[i]);
    }
    output_repeat(output, ' ', pad_spaces);
    output_putc(output, '"');
}

static void csv_begin(ResultWriter *writer)
{
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (i > 0)
            output_putc(writer->output, ',');
        csv_put(writer->output, writer->columns[i].name, strlen(writer->columns[i].name), 0);
    }
    output_putc(writer->output, '\n');
}

static void csv_add(ResultWriter *writer, const Batch *batch)
{
    char buffer[CELL_BUFFER_BYTES];

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(writer->output); row++) {
        for (uint32_t i = 0; i < batch->column_count; i++) {
            Cell cell = cell_at(&batch->columns[i], row, 0, buffer);

            if (i > 0)
                output_putc(writer->output, ',');
            /* numbers and dates have nothing that needs quotes */
            if (!type_is_text(batch->columns[i].type))
                output_put(writer->output, cell.text, cell.bytes);
            else if (!cell.is_null)
                csv_put(writer->output, cell.text, cell.bytes, cell.pad_spaces);
        }
        output_putc(writer->output, '\n');
    }
}

const ResultWriterClass result_writer_csv = {
    .struct_bytes = sizeof(ResultWriter), .begin = csv_begin, .add = csv_add};

/* --- tsv --- */

static void tsv_put(Output *output, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        switch (text[i]) {
        case '\t':
            output_puts(output, "\\t");
            break;
        case '\n':
            output_puts(output, "\\n");
            break;
        case '\r':
            output_puts(output, "\\r");
            break;
        case '\\':
            output_puts(output, "\\\\");
            break;
        default:
            output_putc(output, text[i]);
            break;
        }
    }
}

static void tsv_begin(ResultWriter *writer)
{
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (i > 0)
            output_putc(writer->output, '\t');
        tsv_put(writer->output, writer->columns[i].name, strlen(writer->columns[i].name));
    }
    output_putc(writer->output, '\n');
}

static void tsv_add(ResultWriter *writer, const Batch *batch)
{
    char buffer[CELL_BUFFER_BYTES];

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(writer->output); row++) {
        for (uint32_t i = 0; i < batch->column_count; i++) {
            Cell cell = cell_at(&batch->columns[i], row, 0, buffer);

            if (i > 0)
                output_putc(writer->output, '\t');
            if (cell.is_null)
                output_puts(writer->output, "\\N");
            else
                tsv_put(writer->output, cell.text, cell.bytes);
            output_repeat(writer->output, ' ', cell.pad_spaces);
        }
        output_putc(writer->output, '\n');
    }
}

const ResultWriterClass result_writer_tsv = {
    .struct_bytes = sizeof(ResultWriter), .begin = tsv_begin, .add = tsv_add};

/* --- markdown --- */

static void markdown_put(Output *output, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '|' || text[i] == '\\')
            output_putc(output, '\\');
        if (text[i] == '\n')
            output_puts(output, "<br>");
        else if (text[i] != '\r')
            output_putc(output, text[i]);
    }
}

static void markdown_begin(ResultWriter *writer)
{
    Output *output = writer->output;

    if (writer->column_count == 0)
        return;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        output_puts(output, i == 0 ? "| " : " | ");
        markdown_put(output, writer->columns[i].name, strlen(writer->columns[i].name));
    }
    output_puts(output, " |\n");
    for (uint32_t i = 0; i < writer->column_count; i++)
        output_puts(output, type_is_number(writer->columns[i].type) ? "|---:" : "|---");
    output_puts(output, "|\n");
}

static void markdown_add(ResultWriter *writer, const Batch *batch)
{
    Output *output = writer->output;
    char buffer[CELL_BUFFER_BYTES];

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(output); row++) {
        for (uint32_t i = 0; i < batch->column_count; i++) {
            Cell cell = cell_at(&batch->columns[i], row, 0, buffer);

            output_puts(output, i == 0 ? "| " : " | ");
            if (cell.is_null)
                output_puts(output, writer->style.null_text);
            else
                markdown_put(output, cell.text, cell.bytes);
        }
        output_puts(output, batch->column_count > 0 ? " |\n" : "");
    }
}

const ResultWriterClass result_writer_markdown = {
    .struct_bytes = sizeof(ResultWriter), .begin = markdown_begin, .add = markdown_add};

/* --- plain --- */

static void plain_add(ResultWriter *writer, const Batch *batch)
{
    char buffer[CELL_BUFFER_BYTES];

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(writer->output); row++) {
        for (uint32_t i = 0; i < batch->column_count; i++) {
            Cell cell = cell_at(&batch->columns[i], row, 0, buffer);

            if (i > 0)
                output_putc(writer->output, '\t');
            output_put(writer->output, cell.text, cell.bytes);
        }
        output_putc(writer->output, '\n');
    }
}

const ResultWriterClass result_writer_plain = {.struct_bytes = sizeof(ResultWriter),
                                               .add = plain_add};
