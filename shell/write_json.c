/*
 * write_json.c -- json, an array of objects, and jsonl, an object a line
 *
 * Numbers are JSON numbers with all their digits (numeric with its scale); NaN and infinities are
 * strings, as JSON has none; dates and timestamps are ISO 8601 strings.
 */
#include <string.h>

#include "shell/result_writer.h"

typedef struct JsonWriter {
    ResultWriter head;
    bool has_rows;
} JsonWriter;

static void put_quoted(Output *output, const char *text, size_t bytes, size_t pad_spaces)
{
    size_t plain = 0; /* start of bytes not yet written */

    output_putc(output, '"');
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        output_put(output, text + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\')
            output_printf(output, "\\%c", c);
        else if (c == '\n')
            output_puts(output, "\\n");
        else if (c == '\t')
            output_puts(output, "\\t");
        else
            output_printf(output, "\\u%04x", c);
    }
    output_put(output, text + plain, bytes - plain);
    output_repeat(output, ' ', pad_spaces);
    output_putc(output, '"');
}

/* NaN and Infinity begin with letters, numbers with a digit or a sign. */
static bool is_json_number(const char *text, size_t bytes)
{
    size_t first = bytes > 0 && text[0] == '-';

    return first < bytes && text[first] >= '0' && text[first] <= '9';
}

/* 1999-01-08 04:05:06 as 1999-01-08T04:05:06 */
static void put_timestamp(Output *output, const Cell *cell)
{
    const char *blank = memchr(cell->text, ' ', cell->bytes);
    size_t date_bytes = blank == NULL ? cell->bytes : (size_t)(blank - cell->text);

    output_putc(output, '"');
    output_put(output, cell->text, date_bytes);
    if (blank != NULL) {
        output_putc(output, 'T');
        output_put(output, blank + 1, cell->bytes - date_bytes - 1);
    }
    output_putc(output, '"');
}

static void put_cell(Output *output, Type type, const Cell *cell)
{
    if (cell->is_null)
        output_puts(output, "null");
    else if (type.id == TYPE_BOOL ||
             (type_is_number(type) && is_json_number(cell->text, cell->bytes)))
        output_put(output, cell->text, cell->bytes);
    else if (type.id == TYPE_TIMESTAMP)
        put_timestamp(output, cell);
    else
        put_quoted(output, cell->text, cell->bytes, cell->pad_spaces);
}

static void put_object(const ResultWriter *writer, const Batch *batch, uint32_t row)
{
    Output *output = writer->output;
    char buffer[CELL_BUFFER_BYTES];

    output_putc(output, '{');
    for (uint32_t i = 0; i < batch->column_count; i++) {
        Cell cell = cell_at(&batch->columns[i], row, 0, buffer);

        if (i > 0)
            output_putc(output, ',');
        put_quoted(output, writer->columns[i].name, strlen(writer->columns[i].name), 0);
        output_putc(output, ':');
        put_cell(output, batch->columns[i].type, &cell);
    }
    output_putc(output, '}');
}

static void json_begin(ResultWriter *head)
{
    output_putc(head->output, '[');
}

static void json_add(ResultWriter *head, const Batch *batch)
{
    JsonWriter *writer = (JsonWriter *)head;

    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(head->output); row++) {
        output_puts(head->output, writer->has_rows ? ",\n " : "");
        writer->has_rows = true;
        put_object(head, batch, row);
    }
}

static void json_end(ResultWriter *head)
{
    output_puts(head->output, "]\n");
}

const ResultWriterClass result_writer_json = {
    .struct_bytes = sizeof(JsonWriter), .begin = json_begin, .add = json_add, .end = json_end};

static void jsonl_add(ResultWriter *head, const Batch *batch)
{
    for (uint32_t row = 0; row < batch->row_count && !output_is_gone(head->output); row++) {
        put_object(head, batch, row);
        output_putc(head->output, '\n');
    }
}

const ResultWriterClass result_writer_jsonl = {.struct_bytes = sizeof(ResultWriter),
                                               .add = jsonl_add};
