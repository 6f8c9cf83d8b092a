/*
 * csv_infer.c -- delimiter, header and types from a sample
 *
 * The delimiter is the candidate that cuts most records into the same number (over one) of
 * fields. A column's type is the narrowest that all its sampled fields have: boolean, bigint,
 * double precision, date, timestamp, text. The first record is a header when some column's type
 * would be narrower without it, or when all columns are text and its fields are distinct and none
 * is empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "formats/csv/csv_internal.h"

enum { SAMPLE_RECORDS = 20480, DELIMITER_RECORDS = 200 };

/* --- the delimiter --- */

typedef struct Score {
    uint32_t records; /* that have `fields` fields */
    uint32_t fields;
    uint32_t all_records;
} Score;

static void skip_lines(CsvCursor *cursor, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *newline = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));

        cursor->at = newline == NULL ? cursor->end : newline + 1;
    }
}

/* The sample's cursor behind a byte order mark and the lines to skip. */
static CsvCursor first_cursor(const CsvDialect *dialect, const CsvChunk *chunk)
{
    CsvCursor cursor = {dialect, chunk->bytes, chunk->bytes + chunk->byte_count, chunk->is_whole};

    if (chunk->byte_count >= 3 && memcmp(chunk->bytes, "\xef\xbb\xbf", 3) == 0)
        cursor.at += 3;
    skip_lines(&cursor, dialect->skip_lines);
    return cursor;
}

static bool is_blank(const CsvField *fields, uint32_t count)
{
    return count == 1 && fields[0].length == 0 && !fields[0].is_quoted;
}

static Score score_delimiter(CsvDialect dialect, char delimiter, const CsvChunk *chunk)
{
    Score score = {0};
    CsvCursor cursor;
    CsvField first;
    uint32_t count;
    bool open_quote;

    dialect.delimiter = delimiter;
    cursor = first_cursor(&dialect, chunk);
    while (score.all_records < DELIMITER_RECORDS &&
           csv_next_record(&cursor, &first, 1, &count, &open_quote) == CSV_RECORD) {
        if (is_blank(&first, count))
            continue;
        if (score.all_records == 0)
            score.fields = count;
        score.records += count == score.fields;
        score.all_records++;
    }
    return score;
}

static char infer_delimiter(const CsvDialect *dialect, const CsvChunk *chunk)
{
    static const char candidates[] = {',', '\t', ';', '|'};
    Score best = {0};
    char delimiter = ',';

    for (size_t i = 0; i < sizeof candidates; i++) {
        Score score = score_delimiter(*dialect, candidates[i], chunk);

        if (score.fields > 1 && (score.records > best.records ||
                                 (score.records == best.records && score.fields > best.fields))) {
            best = score;
            delimiter = candidates[i];
        }
    }
    return delimiter;
}

/* --- types --- */

/* What the fields seen so far allow. */
typedef struct Candidates {
    bool any_value, boolean, integer, real, date, timestamp;
} Candidates;

static const Candidates all_candidates = {false, true, true, true, true, true};

static void narrow(Candidates *types, const char *text, uint32_t length)
{
    bool boolean;
    int64_t integer;
    double real;
    int32_t days;

    types->any_value = true;
    /* words that look like truth only: 0 and 1 are integers */
    types->boolean = types->boolean && length >= 4 && (text[0] | 0x20) >= 'a' &&
                     value_parse_bool(text, length, &boolean) == PARSE_OK;
    types->integer = types->integer && value_parse_int8(text, length, &integer) == PARSE_OK;
    types->real = types->real && value_parse_float8(text, length, &real) == PARSE_OK;
    types->date = types->date && length == 10 && text[4] == '-' &&
                  value_parse_date(text, length, &days) == PARSE_OK;
    types->timestamp = types->timestamp && length >= 10 && text[4] == '-' &&
                       value_parse_timestamp(text, length, &integer) == PARSE_OK;
}

static TypeId candidate_type(const Candidates *types)
{
    if (!types->any_value)
        return TYPE_TEXT;
    if (types->boolean)
        return TYPE_BOOL;
    if (types->integer)
        return TYPE_INT8;
    if (types->real)
        return TYPE_FLOAT8;
    if (types->date)
        return TYPE_DATE;
    return types->timestamp ? TYPE_TIMESTAMP : TYPE_TEXT;
}

typedef struct Sample {
    Arena *arena;
    const CsvDialect *dialect;
    uint32_t column_count;
    CsvField *fields; /* of one record */
    Candidates *types;
    Candidates *header_types; /* with the first record */
    Str *names;               /* the first record's fields */
    uint32_t record_count;
    uint64_t byte_count;
} Sample;

static void note_record(Sample *sample, Candidates *types)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        Str text;

        if (csv_is_null(sample->dialect, &sample->fields[i]))
            continue;
        text = sample->fields[i].is_escaped
                   ? csv_unescape(sample->arena, sample->dialect, &sample->fields[i])
                   : str_make(sample->fields[i].text, sample->fields[i].length);
        narrow(&types[i], str_bytes(&text), text.length);
    }
}

/* The first record: its field count is the table's. */
static Status read_first(Sample *sample, CsvCursor *cursor, const char *path, Error *err)
{
    bool open_quote;
    uint32_t count;
    CsvStep step;

    do {
        step = csv_next_record(cursor, sample->fields, CSV_COLUMNS_MAX, &count, &open_quote);
    } while (step == CSV_RECORD && is_blank(sample->fields, count));
    if (step == CSV_MORE && open_quote)
        return error_set_state(err, ST_BAD_INPUT, "22P04",
                               "\"%s\", line 1: unterminated CSV quoted field", path);
    if (step == CSV_MORE)
        return error_set(err, ST_BAD_INPUT, "\"%s\": the first line has no end within %zu bytes",
                         path, (size_t)(cursor->end - cursor->at));
    if (step == CSV_END)
        count = 0;
    if (count > CSV_COLUMNS_MAX)
        return error_set(err, ST_BAD_INPUT, "\"%s\" has %u columns; the limit is %d", path, count,
                         CSV_COLUMNS_MAX);
    sample->column_count = count;
    sample->types = ARENA_ARRAY(sample->arena, Candidates, count);
    sample->header_types = ARENA_ARRAY(sample->arena, Candidates, count);
    sample->names = ARENA_ARRAY(sample->arena, Str, count);
    for (uint32_t i = 0; i < count; i++) {
        sample->types[i] = sample->header_types[i] = all_candidates;
        sample->names[i] = csv_unescape(sample->arena, sample->dialect, &sample->fields[i]);
        sample->names[i] = str_copy(sample->arena, sample->names[i]);
    }
    note_record(sample, sample->header_types);
    return ST_OK;
}

/* Records of another field count are left to the reader, which says where they are. */
static void read_rest(Sample *sample, CsvCursor *cursor, uint32_t record_limit)
{
    const char *start = cursor->at;
    bool open_quote;
    uint32_t count;

    for (uint32_t i = 0; i < record_limit; i++) {
        if (csv_next_record(cursor, sample->fields, CSV_COLUMNS_MAX, &count, &open_quote) !=
            CSV_RECORD)
            break;
        if (count != sample->column_count || is_blank(sample->fields, count))
            continue;
        note_record(sample, sample->types);
        sample->record_count++;
    }
    sample->byte_count += (uint64_t)(cursor->at - start);
}

static bool has_distinct_names(const Sample *sample)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (sample->names[i].length == 0)
            return false;
        for (uint32_t j = 0; j < i && j < 1000; j++)
            if (str_equal(sample->names[i], sample->names[j]))
                return false;
    }
    return true;
}

/* A header widens some column's type; a file of text alone has one when it may be one. */
static bool infer_header(const Sample *sample)
{
    bool all_text = true;

    for (uint32_t i = 0; i < sample->column_count; i++) {
        Candidates both = sample->header_types[i];
        TypeId with, without = candidate_type(&sample->types[i]);

        both.boolean &= sample->types[i].boolean;
        both.integer &= sample->types[i].integer;
        both.real &= sample->types[i].real;
        both.date &= sample->types[i].date;
        both.timestamp &= sample->types[i].timestamp;
        with = candidate_type(&both);
        if (sample->types[i].any_value && without != TYPE_TEXT && with == TYPE_TEXT)
            return true;
        all_text &= with == TYPE_TEXT;
    }
    return all_text && has_distinct_names(sample);
}

/* --- the schema --- */

static const char *column_name(Sample *sample, uint32_t column, bool has_header,
                               const TableColumn *earlier)
{
    const char *name;

    if (!has_header || sample->names[column].length == 0)
        return arena_printf(sample->arena, "column%u", column);
    name = arena_strndup(sample->arena, str_bytes(&sample->names[column]),
                         sample->names[column].length);
    for (uint32_t i = 0, copies = 1; i < column; i++) {
        if (strcmp(earlier[i].name, name) == 0) {
            name = arena_printf(sample->arena, "%.*s_%u", (int)sample->names[column].length,
                                str_bytes(&sample->names[column]), copies++);
            i = UINT32_MAX; /* look at all of them again */
        }
    }
    return name;
}

static Type column_type(const Sample *sample, const CsvOptions *options, uint32_t column,
                        bool has_header)
{
    Candidates types = sample->types[column];

    if (options->all_text)
        return type_of(TYPE_TEXT);
    if (!has_header) {
        const Candidates *first = &sample->header_types[column];

        types.any_value |= first->any_value;
        types.boolean &= first->boolean;
        types.integer &= first->integer;
        types.real &= first->real;
        types.date &= first->date;
        types.timestamp &= first->timestamp;
    }
    return type_of(candidate_type(&types));
}

/* columns = 'a bigint, b text': the names and types of all columns. */
static Status named_columns(Arena *arena, const char *text, uint32_t column_count,
                            TableColumn *columns, Error *err)
{
    static const struct {
        const char *word;
        TypeId type;
    } words[] = {{"boolean", TYPE_BOOL},     {"smallint", TYPE_INT2},
                 {"integer", TYPE_INT4},     {"int", TYPE_INT4},
                 {"bigint", TYPE_INT8},      {"real", TYPE_FLOAT4},
                 {"double", TYPE_FLOAT8},    {"double precision", TYPE_FLOAT8},
                 {"text", TYPE_TEXT},        {"varchar", TYPE_TEXT},
                 {"date", TYPE_DATE},        {"timestamp", TYPE_TIMESTAMP},
                 {"interval", TYPE_INTERVAL}};
    char *rest = arena_strdup(arena, text);
    uint32_t count = 0;

    while (*rest != '\0') {
        char name[256], word[64];
        int used = 0, precision, scale;
        size_t i = 0;

        if (sscanf(rest, " %255[^ ,] %63[^,(]%n", name, word, &used) != 2 || count == column_count)
            break;
        for (size_t end = strlen(word); end > 0 && word[end - 1] == ' '; end--)
            word[end - 1] = '\0';
        rest += used;
        columns[count] = (TableColumn){.name = arena_strdup(arena, name), .is_nullable = true};
        if ((strcmp(word, "numeric") == 0 || strcmp(word, "decimal") == 0) &&
            sscanf(rest, "(%d,%d)%n", &precision, &scale, &used) == 2 && precision >= 1 &&
            precision <= DECIMAL_DIGITS && scale >= 0 && scale <= precision) {
            columns[count].type = type_decimal(precision, scale);
            rest += used;
        } else {
            while (i < sizeof words / sizeof words[0] && strcmp(words[i].word, word) != 0)
                i++;
            if (i == sizeof words / sizeof words[0])
                return error_set_state(err, ST_BAD_INPUT, "42704", "type \"%s\" does not exist",
                                       word);
            columns[count].type = type_of(words[i].type);
        }
        count++;
        rest += strspn(rest, " ");
        if (*rest == ',')
            rest++;
    }
    if (count == column_count && *rest == '\0')
        return ST_OK;
    error_set_state(err, ST_BAD_INPUT, "22023",
                    "CSV option \"columns\" names %u columns; the file has %u", count,
                    column_count);
    error_hint(err, "Write it as columns = 'a bigint, b numeric(12,2), c text'.");
    return ST_BAD_INPUT;
}

Status csv_infer(Arena *arena, const char *path, const CsvOptions *options, uint32_t chunk_count,
                 const CsvChunk *chunks, Error *err, CsvSchema *schema_out)
{
    CsvSchema schema = {.dialect = options->dialect};
    CsvDialect *dialect = ARENA_NEW(arena, CsvDialect);
    Sample sample = {.arena = arena, .dialect = dialect};
    uint32_t limit = options->sample_all ? UINT32_MAX : SAMPLE_RECORDS;
    TableColumn *columns;
    CsvCursor cursor;

    if (!options->has_delimiter)
        schema.dialect.delimiter = infer_delimiter(&schema.dialect, &chunks[0]);
    *dialect = schema.dialect;
    sample.fields = ARENA_ARRAY(arena, CsvField, CSV_COLUMNS_MAX);
    cursor = first_cursor(dialect, &chunks[0]);
    TRY(read_first(&sample, &cursor, path, err));
    read_rest(&sample, &cursor, limit);
    for (uint32_t i = 1; i < chunk_count; i++) {
        cursor = (CsvCursor){dialect, chunks[i].bytes, chunks[i].bytes + chunks[i].byte_count,
                             chunks[i].is_whole};
        skip_lines(&cursor, 1);
        read_rest(&sample, &cursor, limit);
    }
    if (!options->has_header_option)
        schema.dialect.has_header = infer_header(&sample);
    columns = ARENA_ARRAY(arena, TableColumn, sample.column_count);
    for (uint32_t i = 0; i < sample.column_count; i++)
        columns[i] =
            (TableColumn){.name = column_name(&sample, i, schema.dialect.has_header, columns),
                          .type = column_type(&sample, options, i, schema.dialect.has_header),
                          .is_nullable = true};
    if (options->columns != NULL)
        TRY(named_columns(arena, options->columns, sample.column_count, columns, err));
    schema.column_count = sample.column_count;
    schema.columns = columns;
    schema.record_bytes =
        sample.record_count == 0 ? 64 : (double)sample.byte_count / (double)sample.record_count;
    *schema_out = schema;
    return ST_OK;
}
