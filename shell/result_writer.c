/* result_writer.c -- see result_writer.h */
#include "shell/result_writer.h"

#include <string.h>

#include "shell/text_width.h"

static const struct {
    const char *name;
    const ResultWriterClass *class;
} formats[OUTPUT_FORMAT_COUNT] = {
#define FORMAT_ROW(WORD, name, class) {name, &class},
    OUTPUT_FORMATS(FORMAT_ROW)
#undef FORMAT_ROW
};

bool output_format_find(const char *name, OutputFormat *format_out)
{
    for (int i = 0; i < OUTPUT_FORMAT_COUNT; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format_out = (OutputFormat)i;
            return true;
        }
    }
    return false;
}

const char *output_format_name(OutputFormat format)
{
    return formats[format].name;
}

ResultWriter *result_writer_new(Arena *arena, Output *output, WriterStyle style,
                                uint32_t column_count, const PlanColumn *columns)
{
    const ResultWriterClass *class = formats[style.format].class;
    ResultWriter *writer = arena_alloc(arena, class->struct_bytes);

    writer->class = class;
    writer->arena = arena;
    writer->output = output;
    writer->style = style;
    writer->column_count = column_count;
    writer->columns = columns;
    if (class->begin != NULL)
        class->begin(writer);
    return writer;
}

void result_writer_add(ResultWriter *writer, const Batch *batch)
{
    writer->class->add(writer, batch);
    writer->row_count += batch->row_count;
}

void result_writer_end(ResultWriter *writer)
{
    if (writer->class->end != NULL)
        writer->class->end(writer);
}

static uint32_t char_padding(Type type, const Cell *cell)
{
    size_t characters;

    if (type.id != TYPE_CHAR || type.length <= 0)
        return 0;
    characters = text_characters(cell->text, cell->bytes);
    return characters < (size_t)type.length ? (uint32_t)((size_t)type.length - characters) : 0;
}

Cell cell_at(const Column *column, size_t row, uint32_t flags, char *buffer)
{
    Cell cell = {.is_null = column_is_null(column, row), .text = ""};

    if (cell.is_null)
        return cell;
    cell.text =
        value_print_at(column->type, column_value(column, row),
                       flags & CELL_SHORT_BOOL ? VALUE_PRINT_SHORT_BOOL : 0, buffer, &cell.bytes);
    cell.pad_spaces = char_padding(column->type, &cell);
    return cell;
}

/* --- none: reads everything, shows nothing --- */

static void none_add(ResultWriter *writer, const Batch *batch)
{
    (void)writer;
    (void)batch;
}

const ResultWriterClass result_writer_none = {.struct_bytes = sizeof(ResultWriter),
                                              .add = none_add};
