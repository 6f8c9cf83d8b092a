/*
 * csv_internal.h -- what the files of formats/csv share
 *
 *     bytes -> csv_records.c -> fields of records -> csv_convert.c -> columns
 *
 * The grammar is PostgreSQL's COPY CSV: a quote anywhere toggles quoting, inside quotes a quote is
 * written twice (or behind `escape`), records end at newlines outside quotes, \r before them is
 * dropped. So whether a byte is quoted follows from the number of quotes before it, which is how
 * large files are cut (csv_splits.c). An unquoted empty field is NULL, a quoted one is empty text.
 */
#ifndef VONK_FORMATS_CSV_CSV_INTERNAL_H
#define VONK_FORMATS_CSV_CSV_INTERNAL_H

#include "core/base/file.h"
#include "core/base/stream_codec.h"
#include "formats/format.h"

enum {
    CSV_COLUMNS_MAX = 16384,
    CSV_BLOCK_BYTES = 1 << 20,        /* read at once                                 */
    CSV_RECORD_BYTES_MAX = 256 << 20, /* longer ones are taken for an unclosed quote  */
};

typedef struct CsvDialect {
    char delimiter;
    char quote;            /* 0: none */
    char escape;           /* equal to quote: doubled */
    const char *null_text; /* unquoted field that is NULL, beside the empty one; NULL: none */
    bool has_header;
    uint32_t skip_lines;
} CsvDialect;

/* What the user said; unset fields are inferred. */
typedef struct CsvOptions {
    CsvDialect dialect;
    bool has_delimiter, has_quote, has_escape, has_header_option;
    bool all_text;
    bool sample_all;
    const char *columns; /* "a bigint, b text" */
} CsvOptions;

/* --- csv_records.c --- */

/* A field within the buffer: without its outer quotes when has_quotes and they enclose it all. */
typedef struct CsvField {
    const char *text;
    uint32_t length;
    bool is_quoted;  /* some part was: then never NULL                     */
    bool is_escaped; /* has doubled quotes, escapes or quotes inside: csv_unescape must run */
} CsvField;

typedef enum CsvStep { CSV_RECORD, CSV_MORE, CSV_END } CsvStep;

/* Where a reader of records stands in a buffer. */
typedef struct CsvCursor {
    const CsvDialect *dialect;
    const char *at, *end;
    bool is_last; /* end is the end of the data: a record may end there */
} CsvCursor;

/*
 * Reads one record into fields[0..field_max): *count_out says how many there are, also when more
 * than field_max. CSV_MORE: the record is not whole in the buffer, the cursor has not moved.
 * CSV_END: no record is left. *open_quote_out: CSV_MORE because of an unclosed quote (at the last
 * byte of the data that is an error).
 */
CsvStep csv_next_record(CsvCursor *cursor, CsvField *fields, uint32_t field_max,
                        uint32_t *count_out, bool *open_quote_out);

/* The field's text without quotes and escapes, in the arena. */
Str csv_unescape(Arena *arena, const CsvDialect *dialect, const CsvField *field);

/* --- csv_infer.c --- */

typedef struct CsvSchema {
    CsvDialect dialect;
    uint32_t column_count;
    const TableColumn *columns;
    double record_bytes; /* mean of the sample */
} CsvSchema;

MUST_CHECK Status csv_read_options(Arena *arena, OptionList list, CsvOptions *options_out,
                                   Error *err);

/* From chunks of the file: the first from its start, others from anywhere (their first, cut, line
 * is left out). Lives in the arena. */
typedef struct CsvChunk {
    const char *bytes;
    size_t byte_count;
    bool is_whole; /* reaches the end of the file */
} CsvChunk;
MUST_CHECK Status csv_infer(Arena *arena, const char *path, const CsvOptions *options,
                            uint32_t chunk_count, const CsvChunk *chunks, Error *err,
                            CsvSchema *schema_out);

/* --- csv_splits.c --- */

/* Cuts the file at record ends about every target_bytes; offsets[0] is data_start, the last is the
 * file's size; count ranges. In the arena. */
MUST_CHECK Status csv_cut(const File *file, const CsvDialect *dialect, uint64_t data_start,
                          uint64_t target_bytes, Arena *arena, MemPool *pool, Error *err,
                          uint32_t *count_out, const uint64_t **offsets_out);

/* --- csv_convert.c --- */

/* fields[row * stride] for each row as a FLAT column in the arena; text borrows from the fields
 * where it can. On failure *bad_row_out is the row. */
MUST_CHECK Status csv_convert(Arena *arena, const CsvDialect *dialect, Type type,
                              const CsvField *fields, uint32_t stride, uint32_t row_count,
                              Error *err, Column *column_out, uint32_t *bad_row_out);

/* Whether the field is NULL under the dialect. */
bool csv_is_null(const CsvDialect *dialect, const CsvField *field);

/* --- csv_read.c and csv_write.c: the rows of format_csv --- */
MUST_CHECK Status csv_table_open(uint32_t path_count, const char *const *paths, OptionList options,
                                 MemPool *pool, Error *err, Table **table_out);
MUST_CHECK Status csv_writer_open(const char *path, uint32_t column_count,
                                  const TableColumn *columns, OptionList options, MemPool *pool,
                                  Error *err, TableWriter **writer_out);
MUST_CHECK Status csv_writer_add(TableWriter *writer, const Batch *batch, Error *err);
MUST_CHECK Status csv_writer_finish(TableWriter *writer, Error *err);
void csv_writer_abort(TableWriter *writer);

#endif
