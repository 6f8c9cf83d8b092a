/*
 * csv_internal.h -- what the files of formats/csv share
 *
 *     file -csv_input.c-> bytes -csv_index.c-> where fields end -csv_convert.c-> columns
 *
 * The grammar (docs/adr/0003-csv-grammar.md): a quote opens only at a field's start (blanks before
 * it do not count), inside quotes a quote is written twice or behind `escape`, and what follows
 * the closing quote up to the delimiter is plain text. Records end at newlines outside quotes, \r
 * before \n is dropped. An unquoted empty field is NULL; so is a quoted one in a column that is
 * not text.
 */
#ifndef VONK_FORMATS_CSV_CSV_INTERNAL_H
#define VONK_FORMATS_CSV_CSV_INTERNAL_H

#include "core/base/file.h"
#include "core/base/stream_codec.h"
#include "formats/format.h"

enum {
    CSV_COLUMNS_MAX = 16384,
    CSV_NULL_TEXTS_MAX = 8,
    CSV_BLOCK_BYTES = 256 << 10,      /* read and indexed at once: stays in the cache  */
    CSV_RECORD_BYTES_MAX = 256 << 20, /* longer ones are taken for an unclosed quote   */
    CSV_NO_FIELD = UINT32_MAX,        /* the file has no such column                   */
};

typedef struct CsvDialect {
    char delimiter;
    char quote;   /* 0: none */
    char escape;  /* equal to quote: doubled */
    char newline; /* \n, or \r in files that have nothing else */
    char comment; /* a record that starts with it is none; 0: none */
    bool has_header;
    uint32_t skip_lines;
    /* Unquoted fields that are NULL; none given: the empty one. The empty field of a column that is
     * not text is NULL all the same. */
    uint32_t null_count;
    const char *null_texts[CSV_NULL_TEXTS_MAX];
    const char *date_format, *timestamp_format; /* as strptime's; NULL: PostgreSQL's input */
} CsvDialect;

/* What the user said; unset fields are inferred. */
typedef struct CsvOptions {
    CsvDialect dialect;
    bool has_delimiter, has_quote, has_escape, has_header_option, has_comment, has_skip;
    bool has_codec;
    StreamCodec codec;
    bool all_text;
    bool ignore_errors;  /* records that cannot be read are left out */
    bool null_padding;   /* short records end in NULLs               */
    bool union_by_name;  /* files may lack columns                   */
    int64_t sample_rows; /* -1: all */
    const char *columns; /* "a bigint, b text": all columns' names and types    */
    const char *types;   /* "b text, a numeric(12,2)": types of some, by name   */
    const char *names;   /* "a, b": names of the first columns                  */
    bool force_quote_all;
    const char *force_quote; /* writing: columns that are always quoted */
} CsvOptions;

/* For reading or for writing: the other's options are refused. */
MUST_CHECK Status csv_read_options(Arena *arena, OptionList list, bool is_writing,
                                   CsvOptions *options_out, Error *err);
MUST_CHECK Status csv_check_dialect(const CsvDialect *dialect, Error *err);

/* --- csv_input.c --- */

/* Bytes of a file from a place on, decompressed on the way. */
typedef struct CsvInput {
    File *file;
    uint64_t at; /* of the (compressed) file */
    Inflater *inflater;
    void *block; /* compressed bytes */
    size_t block_start, block_end;
    bool is_between; /* compressed: the stream may end here */
} CsvInput;

/* The codec by what the file starts with, else by its name. */
MUST_CHECK Status csv_detect_codec(const char *path, Error *err, StreamCodec *codec_out);
/* offset is 0 for compressed files. Close also after a failure. */
MUST_CHECK Status csv_input_open(CsvInput *input, const char *path, StreamCodec codec,
                                 uint64_t offset, MemPool *pool, Error *err);
/* Up to bytes more; *got_out 0 only at the end. */
MUST_CHECK Status csv_input_read(CsvInput *input, char *to, size_t bytes, Error *err,
                                 size_t *got_out);
void csv_input_close(CsvInput *input, MemPool *pool);
/* A pipe's bytes in a file without a name; *descriptor_out keeps it, *path_out (in the arena)
 * opens it. A regular file: -1 and the path itself. */
MUST_CHECK Status csv_spool(Arena *arena, const char *path, Error *err, int *descriptor_out,
                            const char **path_out);

/* --- csv_index.c --- */

typedef enum CsvState {
    CSV_RECORD_START,
    CSV_FIELD_START, /* or blanks behind it      */
    CSV_UNQUOTED,
    CSV_QUOTED,
    CSV_ESCAPED,      /* in quotes, behind an escape */
    CSV_QUOTE_CLOSED, /* or the first of two quotes  */
    CSV_COMMENT
} CsvState;

/* A record: its field i is text[ends[first + i] + 1 .. ends[first + i + 1]). */
typedef struct CsvRow {
    uint32_t first;
    uint32_t field_count;
} CsvRow;

/* Where the records of a text and their fields end. */
typedef struct CsvIndex {
    const CsvDialect *dialect;
    MemPool *pool;
    const char *text;
    uint32_t *ends;
    size_t end_count, end_capacity;
    CsvRow *rows;
    size_t row_count, row_capacity;
    bool is_ascii;
    /* for guessing the dialect */
    uint64_t quoted_fields, stray_quotes;
} CsvIndex;

void csv_index_init(CsvIndex *index, const CsvDialect *dialect, MemPool *pool);
void csv_index_fini(CsvIndex *index);

/*
 * Finds the records of text, which starts at a record; is_last: it reaches the end of the data, so
 * its last record needs no newline. *used_out: bytes of whole records. *state_out: at the end of
 * the text; CSV_QUOTED and is_last: a quote was never closed.
 */
MUST_CHECK Status csv_index_text(CsvIndex *index, const char *text, size_t bytes, bool is_last,
                                 Error *err, size_t *used_out, CsvState *state_out);

/* The state behind the bytes. */
CsvState csv_run_states(const CsvDialect *dialect, CsvState state, const char *text, size_t bytes);
/* How many bytes until a record starts; bytes and another state when none does. */
size_t csv_find_record(const CsvDialect *dialect, CsvState *state, const char *text, size_t bytes);

/* A field without its outer quotes. */
typedef struct CsvField {
    const char *text;
    uint32_t length;
    bool is_quoted;  /* then never a NULL text                              */
    bool is_escaped; /* has escapes or text behind its quotes: csv_unescape */
} CsvField;

CsvField csv_quoted_field(const CsvDialect *dialect, const char *start, const char *end);

static inline CsvField csv_field(const CsvIndex *index, CsvRow row, uint32_t place)
{
    const char *start = index->text + (uint32_t)(index->ends[row.first + place] + 1);
    const char *end = index->text + index->ends[row.first + place + 1];

    if (place + 1 == row.field_count && end > start && end[-1] == '\r')
        end--;
    if (end > start && (*start == index->dialect->quote || *start == ' '))
        return csv_quoted_field(index->dialect, start, end);
    return (CsvField){.text = start, .length = (uint32_t)(end - start)};
}

/* Whether a line is nothing but its end. */
static inline bool csv_is_blank(const CsvIndex *index, CsvRow row)
{
    CsvField field = csv_field(index, row, 0);

    return row.field_count == 1 && field.length == 0 && !field.is_quoted;
}

/* The field's text without quotes and escapes, in the arena where it differs. */
Str csv_field_text(Arena *arena, const CsvDialect *dialect, const CsvField *field);

/* --- csv_dialect.c --- */

/* The start of a file, or a piece of it that starts anywhere. */
typedef struct CsvChunk {
    const char *bytes;
    size_t byte_count;
    bool is_whole; /* reaches the end of the file */
} CsvChunk;

/* Fills what the options leave open from the file's start. */
MUST_CHECK Status csv_infer_dialect(const char *path, const CsvOptions *options,
                                    const CsvChunk *start, MemPool *pool, Error *err,
                                    CsvDialect *dialect_out);
/* Bytes of a byte order mark, of the lines to skip, and of blank lines and comments behind them. */
size_t csv_data_start(const CsvDialect *dialect, const char *bytes, size_t byte_count);

/* --- csv_infer.c --- */

typedef struct CsvSample CsvSample;

typedef struct CsvSchema {
    uint32_t column_count;
    const TableColumn *columns;
    const char **formats; /* of dates and timestamps that are not written as PostgreSQL does */
    const bool *is_named; /* the user said the type */
    double record_bytes;  /* mean of the sample */
} CsvSchema;

/* The first record's names; then what each column's fields allow. Lives in the arena. */
MUST_CHECK Status csv_sample_new(Arena *arena, const char *path, const CsvOptions *options,
                                 const CsvDialect *dialect, const CsvChunk *start, MemPool *pool,
                                 Error *err, CsvSample **sample_out);
/* Records of another chunk: from the file's middle (its first, cut line is left out), or behind a
 * header of another file: columns[field] says which column a field is. */
MUST_CHECK Status csv_sample_add(CsvSample *sample, const CsvChunk *chunk, bool is_start,
                                 const uint32_t *columns, uint32_t field_count, MemPool *pool,
                                 Error *err);
bool csv_sample_has_header(const CsvSample *sample);
/* Whether the chunk holds that many whole records. */
MUST_CHECK Status csv_has_records(const CsvDialect *dialect, const CsvChunk *start, size_t count,
                                  MemPool *pool, Error *err, bool *has_out);
/* The fields of the first record of another file's start, as names. */
MUST_CHECK Status csv_read_names(Arena *arena, const CsvDialect *dialect, const CsvChunk *start,
                                 MemPool *pool, Error *err, uint32_t *count_out,
                                 const char *const **names_out);
/* The first file's names; other files' further columns are added to them. */
MUST_CHECK Status csv_sample_names(CsvSample *sample, bool has_header, Error *err);
uint32_t csv_sample_column(CsvSample *sample, const char *name, bool may_add);
uint32_t csv_sample_column_count(const CsvSample *sample);
uint32_t csv_sample_field_count(const CsvSample *sample);
const char *csv_sample_column_name(const CsvSample *sample, uint32_t column);
MUST_CHECK Status csv_sample_schema(CsvSample *sample, Error *err, CsvSchema *schema_out);

/* --- csv_types.c --- */

/* "a bigint, b numeric(12,2)"; names_only: "a, b". At most count_max. */
MUST_CHECK Status csv_parse_columns(Arena *arena, const char *option, const char *text,
                                    bool names_only, uint32_t count_max, TableColumn *columns,
                                    uint32_t *count_out, Error *err);

/* --- csv_time.c --- */

/* Text as the format (strptime's %Y %y %m %d %b %B %H %I %M %S %f %p %j, a fraction behind %S, %z
 * as Z or +00) has it, as days or microseconds. False: it is none. */
bool csv_parse_time(const char *format, const char *text, size_t length, int64_t *days_out,
                    int64_t *micros_out);
/* Whether the format is one that csv_parse_time knows and that says a date. */
bool csv_is_time_format(const char *format);
/* Forms that are looked for; NULL at the end. Timestamps: with a time behind it. */
extern const char *const csv_date_formats[];
extern const char *const csv_timestamp_formats[];

/* --- csv_splits.c --- */

/* What state a file is in at places of it, found once. NULL: quotes do not matter. */
typedef struct CsvStates CsvStates;
/* The state at the data's start and each multiple of so many bytes behind it is kept; elsewhere, it
 * is found by reading from there. */
enum { CSV_PIECE_BYTES = 1 << 20 };
CsvStates *csv_states_new(Arena *arena, const CsvDialect *dialect, uint64_t data_start,
                          uint64_t file_bytes);
/* The state behind the first newline at or behind offset - 1 (the file's start: offset itself),
 * which is CSV_RECORD_START or CSV_QUOTED. */
MUST_CHECK Status csv_state_at(CsvStates *states, const File *file, uint64_t offset,
                               const ScanRequest *request, Error *err, CsvState *state_out);
/* Finds what is between two places before others ask for it. */
MUST_CHECK Status csv_states_note(CsvStates *states, const File *file, uint64_t start, uint64_t end,
                                  const ScanRequest *request, Error *err);

/* --- csv_convert.c --- */

typedef struct CsvConvert {
    Arena *arena; /* of the column */
    const CsvIndex *index;
    uint32_t row_count;
    const CsvRow *rows;
    const uint32_t *selection; /* rows wanted, ascending; NULL: all */
    uint32_t selected_count;
    bool ignores_errors; /* bad_rows gets a bit for each row that is none */
    uint64_t *bad_rows;
} CsvConvert;

/* Field `place` of each wanted row as a FLAT column; text borrows from the fields where it can.
 * CSV_NO_FIELD, and places that a row does not have: NULL. On failure *bad_row_out is the row. */
MUST_CHECK Status csv_convert(const CsvConvert *work, uint32_t place, const TableColumn *column,
                              const char *format, bool is_named, Error *err, Column *column_out,
                              uint32_t *bad_row_out);

/* Whether the field is NULL under the dialect, in a column of text or another. */
bool csv_is_null(const CsvDialect *dialect, const CsvField *field, bool is_text);

/* --- csv_table.c: the table; csv_read.c: its scans --- */

typedef struct CsvFile {
    const char *path; /* to open          */
    const char *name; /* to tell the user */
    StreamCodec codec;
    uint64_t data_start; /* behind a byte order mark, lines to skip, and blank ones */
    FileStamp stamp;     /* when the table was opened                               */
    bool is_spooled;     /* it was a pipe                                           */
    uint32_t field_count;
    const uint32_t *places; /* field of column i, or CSV_NO_FIELD; NULL: field i */
    CsvStates *states;
} CsvFile;

typedef struct CsvTable {
    Table head;
    Arena *arena;
    MemPool *pool;
    CsvOptions options;
    CsvDialect dialect;
    CsvSchema schema;
    uint32_t file_count;
    CsvFile *files;
    TableStatistics statistics;
} CsvTable;

MUST_CHECK Status csv_table_open(uint32_t path_count, const char *const *paths, OptionList options,
                                 MemPool *pool, Error *err, Table **table_out);
/* Of so many files, all zeroed; finished, it is open. */
CsvTable *csv_table_new(uint32_t file_count, MemPool *pool);
Table *csv_table_finish(CsvTable *table);
MUST_CHECK Status csv_scan_open(const Table *table, const Split *split, const ScanRequest *request,
                                Error *err, TableScan **scan_out);
MUST_CHECK Status csv_scan_next(TableScan *scan, Error *err, Batch *batch_out,
                                bool *exact_filters_out);
void csv_scan_close(TableScan *scan);

/* --- csv_wire.c --- */
const TableFile *csv_table_files(const Table *table, Arena *arena, uint32_t *count_out);
MUST_CHECK Status csv_table_write(const Table *table, WireWriter *to, Error *err);
MUST_CHECK Status csv_table_receive(uint32_t file_count, const TableFile *files, WireReader *from,
                                    MemPool *pool, Error *err, Table **table_out);

/* --- csv_write.c --- */
MUST_CHECK Status csv_writer_open(const char *path, uint32_t column_count,
                                  const TableColumn *columns, OptionList options, MemPool *pool,
                                  Error *err, TableWriter **writer_out);
MUST_CHECK Status csv_writer_add(TableWriter *writer, const Batch *batch, Error *err);
MUST_CHECK Status csv_writer_finish(TableWriter *writer, bool is_synced, Error *err);
void csv_writer_abort(TableWriter *writer);

#endif
