/*
 * result_writer.h -- a result's rows as text: one writer a format
 *
 *     writer = result_writer_new(...) -> result_writer_add(batch), ... -> result_writer_end
 *
 * csv, tsv, json, jsonl and markdown are written as they come; a table needs to see rows to know
 * its widths (write_table.c). Writers live in the arena given: there is nothing to free.
 *
 * Adding a format: a row in OUTPUT_FORMATS, a ResultWriterClass in a file of its own.
 */
#ifndef VONK_SHELL_RESULT_WRITER_H
#define VONK_SHELL_RESULT_WRITER_H

#include "core/data/value_text.h"
#include "core/plan/plan.h"
#include "shell/output.h"

/* FORMAT(WORD, name, class) */
#define OUTPUT_FORMATS(FORMAT)                                                                     \
    FORMAT(TABLE, "table", result_writer_table)                                                    \
    FORMAT(CSV, "csv", result_writer_csv)                                                          \
    FORMAT(TSV, "tsv", result_writer_tsv)                                                          \
    FORMAT(JSON, "json", result_writer_json)                                                       \
    FORMAT(JSONL, "jsonl", result_writer_jsonl)                                                    \
    FORMAT(MARKDOWN, "markdown", result_writer_markdown)                                           \
    FORMAT(PLAIN, "plain", result_writer_plain)                                                    \
    FORMAT(NONE, "none", result_writer_none)

typedef enum OutputFormat {
#define FORMAT_WORD(WORD, name, class) OUTPUT_##WORD,
    OUTPUT_FORMATS(FORMAT_WORD)
#undef FORMAT_WORD
        OUTPUT_FORMAT_COUNT
} OutputFormat;

typedef enum ExpandMode { EXPAND_OFF, EXPAND_ON, EXPAND_AUTO } ExpandMode;

typedef struct WriterStyle {
    OutputFormat format;
    ExpandMode expand;      /* table: one line a value; AUTO: when it is too wide             */
    size_t terminal_width;  /* table: 0 = as wide as it gets                                  */
    size_t terminal_height; /* table: longer ones go through the pager; 0 = never            */
    const char *null_text;  /* table and markdown                                            */
    bool has_color;
} WriterStyle;

typedef struct ResultWriter ResultWriter;

typedef struct ResultWriterClass {
    size_t struct_bytes;
    void (*begin)(ResultWriter *writer); /* may be NULL */
    /* row_count rows, no selection. */
    void (*add)(ResultWriter *writer, const Batch *batch);
    void (*end)(ResultWriter *writer); /* may be NULL */
} ResultWriterClass;

/* Writers embed this as their first member. */
struct ResultWriter {
    const ResultWriterClass *class;
    Arena *arena;
    Output *output;
    WriterStyle style;
    uint32_t column_count;
    const PlanColumn *columns; /* borrowed */
    uint64_t row_count;        /* before the batch being added */
};

/* By name; false: there is no such format. */
bool output_format_find(const char *name, OutputFormat *format_out);
const char *output_format_name(OutputFormat format);

/* Writes what comes before the rows. Borrows output and columns. */
ResultWriter *result_writer_new(Arena *arena, Output *output, WriterStyle style,
                                uint32_t column_count, const PlanColumn *columns);
void result_writer_add(ResultWriter *writer, const Batch *batch);
void result_writer_end(ResultWriter *writer);

/* --- for writers --- */

enum { CELL_BUFFER_BYTES = VALUE_TEXT_BYTES };

/* A value as text: not NUL-terminated, valid while the batch and the buffer are. */
typedef struct Cell {
    bool is_null;
    const char *text;
    uint32_t bytes;
    uint32_t pad_spaces; /* char(n): blanks behind the text */
} Cell;

enum CellFlag { CELL_SHORT_BOOL = 1 };

Cell cell_at(const Column *column, size_t row, uint32_t flags, char *buffer);

#define WRITER_CLASS(WORD, name, class) extern const ResultWriterClass class;
OUTPUT_FORMATS(WRITER_CLASS)
#undef WRITER_CLASS

#endif
