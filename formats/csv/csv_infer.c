/*
 * csv_infer.c -- header, names and types from a sample
 *
 * A column's type is the narrowest that all its sampled fields have: boolean, bigint,
 * numeric(38,0), double precision, date, timestamp, text. Numbers with leading zeros or a plus
 * sign are text (zip codes, telephone numbers); nan and inf are numbers only beside others; a date
 * whose day and month cannot be told apart anywhere stays text. The first record is a header when
 * some column's type would be narrower without it, or when all columns are text and its fields
 * are distinct and none is empty.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "formats/csv/csv_internal.h"

/* What the fields seen so far allow. */
typedef struct Candidates {
    bool any_value, any_finite;
    bool boolean, integer, whole, real, date, timestamp;
    uint32_t date_forms, timestamp_forms; /* bit i: csv_date_formats[i] */
} Candidates;

static const Candidates all_candidates = {.boolean = true,
                                          .integer = true,
                                          .whole = true,
                                          .real = true,
                                          .date = true,
                                          .timestamp = true,
                                          .date_forms = UINT32_MAX,
                                          .timestamp_forms = UINT32_MAX};

struct CsvSample {
    Arena *arena;
    const char *path;
    const CsvOptions *options;
    const CsvDialect *dialect;
    uint32_t field_count; /* of the first file */
    uint32_t column_count, column_capacity;
    const char **names;
    Candidates *types;        /* of all but the first record */
    Candidates *header_types; /* of the first record         */
    const char **first;       /* its fields                  */
    bool is_first_short;      /* it has fewer than the others */
    bool has_header;
    uint64_t record_count, byte_count;
};

/* --- one field --- */

static bool is_word_of_truth(const char *text, uint32_t length)
{
    static const char *const words[] = {"true", "false", "t", "f", "yes", "no"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t at = 0;

        while (at < length && (text[at] | 0x20) == words[i][at])
            at++;
        if (at == length && words[i][at] == '\0')
            return true;
    }
    return false;
}

/* Whether the number keeps all its characters' meaning as a number. */
static bool is_plain_number(const char *text, uint32_t length)
{
    uint32_t at = length > 0 && text[0] == '-';

    return at < length && text[at] != '+' &&
           !(text[at] == '0' && at + 1 < length && text[at + 1] >= '0' && text[at + 1] <= '9');
}

static void narrow_numbers(Candidates *types, const char *text, uint32_t length)
{
    int64_t integer;
    double real;
    uint32_t digits = 0;

    if (!types->real)
        return; /* nor is it anything narrower */
    if (!is_plain_number(text, length) || value_parse_float8(text, length, &real) != PARSE_OK) {
        types->integer = types->whole = types->real = false;
        return;
    }
    types->any_finite |= real - real == 0;
    types->integer = types->integer && value_parse_int8(text, length, &integer) == PARSE_OK;
    for (uint32_t i = text[0] == '-'; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        digits++;
    types->whole = types->whole && digits <= DECIMAL_DIGITS && digits == length - (text[0] == '-');
    /* a double would round them: numbers too long for numeric are text */
    if (digits > DECIMAL_DIGITS && digits == length - (text[0] == '-'))
        types->real = false;
}

/* Behind the seconds nothing, Z, or an offset of zero: others would be lost. */
static bool has_no_offset(const char *text, uint32_t length)
{
    for (uint32_t i = 11; i < length; i++)
        if ((text[i] == '+' || text[i] == '-') && strspn(text + i + 1, "0:") < length - i - 1)
            return false;
    return true;
}

static uint32_t narrow_forms(uint32_t forms, const char *const *formats, const char *text,
                             uint32_t length)
{
    int64_t days, micros;

    for (uint32_t i = 0; formats[i] != NULL && forms != 0; i++)
        if ((forms >> i & 1) && !csv_parse_time(formats[i], text, length, &days, &micros))
            forms &= ~(UINT32_C(1) << i);
    return forms;
}

static void narrow_times(Candidates *types, const char *text, uint32_t length)
{
    bool is_iso = length >= 10 && text[4] == '-' && text[7] == '-';
    int64_t micros;
    int32_t days;

    types->date =
        types->date && is_iso && length == 10 && value_parse_date(text, length, &days) == PARSE_OK;
    types->timestamp =
        types->timestamp && is_iso && (length == 10 || text[10] == ' ' || text[10] == 'T') &&
        has_no_offset(text, length) && value_parse_timestamp(text, length, &micros) == PARSE_OK;
    if (length < 8 || length > 40 || is_iso)
        types->date_forms = types->timestamp_forms = 0;
    types->date_forms = narrow_forms(types->date_forms, csv_date_formats, text, length);
    types->timestamp_forms =
        narrow_forms(types->timestamp_forms, csv_timestamp_formats, text, length);
}

/* A format that the user named decides alone. */
static void narrow_named_times(Candidates *types, const CsvDialect *dialect, const char *text,
                               uint32_t length)
{
    int64_t days, micros;

    if (dialect->date_format != NULL) {
        types->date =
            types->date && csv_parse_time(dialect->date_format, text, length, &days, &micros);
        types->date_forms = 0;
    }
    if (dialect->timestamp_format != NULL) {
        types->timestamp = types->timestamp &&
                           csv_parse_time(dialect->timestamp_format, text, length, &days, &micros);
        types->timestamp_forms = 0;
    }
}

static void narrow(Candidates *types, const CsvDialect *dialect, const char *text, uint32_t length)
{
    Candidates before = *types;

    types->any_value = true;
    types->boolean = types->boolean && is_word_of_truth(text, length);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    while (length > 0 && *text == ' ')
        text++, length--;
    narrow_numbers(types, text, length);
    narrow_times(types, text, length);
    if (dialect->date_format != NULL)
        types->date = before.date;
    if (dialect->timestamp_format != NULL)
        types->timestamp = before.timestamp;
    narrow_named_times(types, dialect, text, length);
}

static Candidates both(const Candidates *a, const Candidates *b)
{
    return (Candidates){.any_value = a->any_value || b->any_value,
                        .any_finite = a->any_finite || b->any_finite,
                        .boolean = a->boolean && b->boolean,
                        .integer = a->integer && b->integer,
                        .whole = a->whole && b->whole,
                        .real = a->real && b->real,
                        .date = a->date && b->date,
                        .timestamp = a->timestamp && b->timestamp,
                        .date_forms = a->date_forms & b->date_forms,
                        .timestamp_forms = a->timestamp_forms & b->timestamp_forms};
}

/* The one form that is left; NULL when there is none, or days and months may be either. */
static const char *only_form(uint32_t forms, const char *const *formats)
{
    const char *found = NULL;

    for (uint32_t i = 0; formats[i] != NULL; i++) {
        if (!(forms >> i & 1))
            continue;
        if (found != NULL)
            return NULL;
        found = formats[i];
    }
    return found;
}

static Type candidate_type(const Candidates *types, const CsvDialect *dialect,
                           const char **format_out)
{
    *format_out = NULL;
    if (!types->any_value)
        return type_of(TYPE_TEXT);
    if (types->boolean)
        return type_of(TYPE_BOOL);
    if (types->integer)
        return type_of(TYPE_INT8);
    if (types->whole)
        return type_decimal(DECIMAL_DIGITS, 0);
    if (types->real && types->any_finite)
        return type_of(TYPE_FLOAT8);
    if (types->date) {
        *format_out = dialect->date_format;
        return type_of(TYPE_DATE);
    }
    if (types->timestamp) {
        *format_out = dialect->timestamp_format;
        return type_of(TYPE_TIMESTAMP);
    }
    *format_out = only_form(types->date_forms, csv_date_formats);
    if (*format_out != NULL)
        return type_of(TYPE_DATE);
    *format_out = only_form(types->timestamp_forms, csv_timestamp_formats);
    return type_of(*format_out != NULL ? TYPE_TIMESTAMP : TYPE_TEXT);
}

/* --- records --- */

static void note_field(CsvSample *sample, const CsvField *field, Candidates *types)
{
    Str text;

    if (csv_is_null(sample->dialect, field, false))
        return;
    text = csv_field_text(sample->arena, sample->dialect, field);
    narrow(types, sample->dialect, str_bytes(&text), text.length);
}

/* columns[field] is field's column, NULL: itself. */
static void note_rows(CsvSample *sample, const CsvIndex *index, size_t first_row,
                      const uint32_t *columns, uint32_t field_count)
{
    size_t limit =
        sample->options->sample_rows < 0 ? SIZE_MAX : (size_t)sample->options->sample_rows;

    for (size_t i = first_row; i < index->row_count && i - first_row < limit; i++) {
        CsvRow row = index->rows[i];

        if (row.field_count != field_count || (field_count > 1 && csv_is_blank(index, row)))
            continue;
        for (uint32_t j = 0; j < field_count; j++) {
            CsvField field = csv_field(index, row, j);

            note_field(sample, &field, &sample->types[columns == NULL ? j : columns[j]]);
        }
        sample->record_count++;
        sample->byte_count += index->ends[row.first + row.field_count] - index->ends[row.first];
    }
}

/* Index of the chunk's records; *first_row_out: the first that is not blank. */
static Status index_chunk(CsvIndex *index, const CsvDialect *dialect, const CsvChunk *chunk,
                          size_t start, MemPool *pool, Error *err, size_t *first_row_out)
{
    size_t used;
    CsvState state;

    csv_index_init(index, dialect, pool);
    TRY(csv_index_text(index, chunk->bytes + start, chunk->byte_count - start, chunk->is_whole, err,
                       &used, &state));
    *first_row_out = 0;
    while (*first_row_out < index->row_count && csv_is_blank(index, index->rows[*first_row_out]))
        ++*first_row_out;
    return ST_OK;
}

static const char *field_name(Arena *arena, const CsvDialect *dialect, const CsvField *field)
{
    Str text = csv_field_text(arena, dialect, field);
    const char *start = str_bytes(&text), *end = start + text.length;

    while (start < end && *start == ' ')
        start++;
    while (start < end && end[-1] == ' ')
        end--;
    return arena_strndup(arena, start, (size_t)(end - start));
}

static void grow_columns(CsvSample *sample, uint32_t capacity)
{
    const char **names = ARENA_ARRAY(sample->arena, const char *, capacity);
    Candidates *types = ARENA_ARRAY(sample->arena, Candidates, capacity);
    Candidates *header_types = ARENA_ARRAY(sample->arena, Candidates, capacity);

    if (sample->column_count > 0) {
        memcpy(names, sample->names, sample->column_count * sizeof *names);
        memcpy(types, sample->types, sample->column_count * sizeof *types);
        memcpy(header_types, sample->header_types, sample->column_count * sizeof *header_types);
    }
    for (uint32_t i = sample->column_count; i < capacity; i++)
        types[i] = header_types[i] = all_candidates;
    sample->names = names;
    sample->types = types;
    sample->header_types = header_types;
    sample->column_capacity = capacity;
}

/* How many fields the most records behind the first have. */
static uint32_t commonest_count(const CsvIndex *index, size_t first_row, uint32_t otherwise)
{
    enum { ROWS = 200 };
    uint32_t best = otherwise, best_rows = 0;
    size_t end = index->row_count - first_row < ROWS ? index->row_count : first_row + ROWS;

    for (size_t i = first_row; i < end; i++) {
        uint32_t rows = 0;

        for (size_t j = first_row; j < end; j++)
            rows += index->rows[j].field_count == index->rows[i].field_count;
        if (rows > best_rows && !csv_is_blank(index, index->rows[i])) {
            best = index->rows[i].field_count;
            best_rows = rows;
        }
    }
    return best;
}

/* Whether the last field of all records behind the first is empty: each ends in a delimiter. */
static bool ends_in_delimiters(const CsvIndex *index, size_t first_row, uint32_t field_count)
{
    for (size_t i = first_row; i < index->row_count; i++) {
        CsvRow row = index->rows[i];

        if (row.field_count == field_count && csv_field(index, row, field_count - 1).length > 0)
            return false;
    }
    return true;
}

static Status count_given(CsvSample *sample, uint32_t *count_out, Error *err)
{
    TableColumn *named;

    if (sample->options->columns == NULL)
        return ST_OK;
    named = ARENA_ARRAY(sample->arena, TableColumn, CSV_COLUMNS_MAX + 1);
    return csv_parse_columns(sample->arena, "columns", sample->options->columns, false,
                             CSV_COLUMNS_MAX, named, count_out, err);
}

/*
 * The first record says how many columns there are, unless most others have more: then it lacks
 * the name of the first column when it lacks one (row names, as R writes them), else of the last.
 */
static Status note_first(CsvSample *sample, const CsvIndex *index, size_t row_place, Error *err)
{
    CsvRow row = row_place < index->row_count ? index->rows[row_place] : (CsvRow){0};
    uint32_t count, shift;

    count = row_place < index->row_count ? commonest_count(index, row_place + 1, row.field_count)
                                         : row.field_count;
    count = count > row.field_count ? count : row.field_count;
    if (row_place >= index->row_count) /* a file without records has the columns that it is given */
        TRY(count_given(sample, &count, err));
    if (count > CSV_COLUMNS_MAX)
        return error_set(err, ST_BAD_INPUT, "\"%s\" has %u columns; the limit is %d", sample->path,
                         count, CSV_COLUMNS_MAX);
    shift = count == row.field_count + 1 && !ends_in_delimiters(index, row_place + 1, count);
    grow_columns(sample, count + 1);
    sample->field_count = sample->column_count = count;
    sample->first = ARENA_ARRAY(sample->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        sample->first[i] = "";
    for (uint32_t i = 0; i < row.field_count; i++) {
        CsvField field = csv_field(index, row, i);

        sample->first[i + shift] = field_name(sample->arena, sample->dialect, &field);
        note_field(sample, &field, &sample->header_types[i + shift]);
    }
    sample->is_first_short = count > row.field_count;
    return ST_OK;
}

Status csv_sample_new(Arena *arena, const char *path, const CsvOptions *options,
                      const CsvDialect *dialect, const CsvChunk *start, MemPool *pool, Error *err,
                      CsvSample **sample_out)
{
    CsvSample *sample = ARENA_NEW(arena, CsvSample);
    size_t data_start = csv_data_start(dialect, start->bytes, start->byte_count), first = 0;
    CsvIndex index;
    Status status = index_chunk(&index, dialect, start, data_start, pool, err, &first);

    *sample = (CsvSample){.arena = arena, .path = path, .options = options, .dialect = dialect};
    if (status == ST_OK && index.row_count == 0 && !start->is_whole)
        status = error_set(err, ST_BAD_INPUT, "\"%s\": the first line has no end within %zu bytes",
                           path, start->byte_count);
    if (status == ST_OK)
        status = note_first(sample, &index, first, err);
    if (status == ST_OK)
        note_rows(sample, &index, first + 1, NULL, sample->field_count);
    csv_index_fini(&index);
    *sample_out = sample;
    return status;
}

/* A chunk from the middle may start inside quotes: then its records are not the file's. */
static bool looks_cut_right(const CsvIndex *index, uint32_t field_count)
{
    size_t right = 0;

    for (size_t i = 0; i < index->row_count; i++)
        right += index->rows[i].field_count == field_count;
    return 4 * right >= 3 * index->row_count;
}

Status csv_sample_add(CsvSample *sample, const CsvChunk *chunk, bool is_start,
                      const uint32_t *columns, uint32_t field_count, MemPool *pool, Error *err)
{
    size_t start = csv_data_start(sample->dialect, chunk->bytes, chunk->byte_count), first = 0;
    CsvIndex index;
    Status status;

    if (!is_start) {
        const char *newline = memchr(chunk->bytes, sample->dialect->newline, chunk->byte_count);

        start = newline == NULL ? chunk->byte_count : (size_t)(newline - chunk->bytes) + 1;
    }
    status = index_chunk(&index, sample->dialect, chunk, start, pool, err, &first);
    if (status == ST_OK && (is_start || looks_cut_right(&index, field_count)))
        note_rows(sample, &index, first + (is_start && sample->has_header), columns, field_count);
    csv_index_fini(&index);
    return status;
}

Status csv_has_records(const CsvDialect *dialect, const CsvChunk *start, size_t count,
                       MemPool *pool, Error *err, bool *has_out)
{
    size_t data_start = csv_data_start(dialect, start->bytes, start->byte_count), first = 0;
    CsvIndex index;
    Status status = index_chunk(&index, dialect, start, data_start, pool, err, &first);

    *has_out = index.row_count - first >= count;
    csv_index_fini(&index);
    return status;
}

Status csv_read_names(Arena *arena, const CsvDialect *dialect, const CsvChunk *start, MemPool *pool,
                      Error *err, uint32_t *count_out, const char *const **names_out)
{
    size_t data_start = csv_data_start(dialect, start->bytes, start->byte_count), first = 0;
    const char **names = NULL;
    CsvIndex index;
    Status status = index_chunk(&index, dialect, start, data_start, pool, err, &first);

    *count_out = 0;
    if (status == ST_OK && first < index.row_count) {
        *count_out = index.rows[first].field_count;
        names = ARENA_ARRAY(arena, const char *, *count_out);
        for (uint32_t i = 0; i < *count_out; i++) {
            CsvField field = csv_field(&index, index.rows[first], i);

            names[i] = field_name(arena, dialect, &field);
        }
    }
    csv_index_fini(&index);
    *names_out = names;
    return status;
}

/* --- the header --- */

static bool has_distinct_names(const CsvSample *sample)
{
    for (uint32_t i = 0; i < sample->field_count; i++) {
        if (sample->first[i][0] == '\0')
            return false;
        for (uint32_t j = 0; j < i && j < 1000; j++)
            if (strcmp(sample->first[i], sample->first[j]) == 0)
                return false;
    }
    return sample->field_count > 0;
}

bool csv_sample_has_header(const CsvSample *sample)
{
    bool all_text = true;
    const char *format;

    if (sample->is_first_short)
        return true;
    for (uint32_t i = 0; i < sample->field_count; i++) {
        Candidates all = both(&sample->types[i], &sample->header_types[i]);
        bool is_text = candidate_type(&all, sample->dialect, &format).id == TYPE_TEXT;

        if (sample->types[i].any_value && is_text &&
            candidate_type(&sample->types[i], sample->dialect, &format).id != TYPE_TEXT)
            return true;
        all_text &= is_text;
    }
    return all_text && has_distinct_names(sample);
}

/* --- names --- */

uint32_t csv_sample_column_count(const CsvSample *sample)
{
    return sample->column_count;
}

uint32_t csv_sample_field_count(const CsvSample *sample)
{
    return sample->field_count;
}

const char *csv_sample_column_name(const CsvSample *sample, uint32_t column)
{
    return sample->names[column];
}

uint32_t csv_sample_column(CsvSample *sample, const char *name, bool may_add)
{
    for (uint32_t i = 0; i < sample->column_count; i++)
        if (strcmp(sample->names[i], name) == 0)
            return i;
    if (!may_add || sample->column_count == CSV_COLUMNS_MAX)
        return CSV_NO_FIELD;
    if (sample->column_count == sample->column_capacity)
        grow_columns(sample, 2 * sample->column_capacity);
    sample->names[sample->column_count] = arena_strdup(sample->arena, name);
    return sample->column_count++;
}

/* Without a name it is column7; names that are there twice get a number. */
static const char *unique_name(CsvSample *sample, uint32_t column, const char *wanted)
{
    const char *name = wanted[0] == '\0' ? arena_printf(sample->arena, "column%u", column) : wanted;

    for (uint32_t i = 0, copies = 1; i < column; i++) {
        if (strcmp(sample->names[i], name) == 0) {
            name = arena_printf(sample->arena, "%s_%u", wanted, copies++);
            i = UINT32_MAX; /* look at all of them again */
        }
    }
    return name;
}

Status csv_sample_names(CsvSample *sample, bool has_header, Error *err)
{
    TableColumn *named = ARENA_ARRAY(sample->arena, TableColumn, sample->field_count + 1);
    uint32_t named_count = 0;

    sample->has_header = has_header;
    if (sample->options->names != NULL)
        TRY(csv_parse_columns(sample->arena, "names", sample->options->names, true,
                              sample->field_count, named, &named_count, err));
    for (uint32_t i = 0; i < sample->field_count; i++)
        sample->names[i] = i < named_count
                               ? named[i].name
                               : unique_name(sample, i, has_header ? sample->first[i] : "");
    if (!has_header)
        for (uint32_t i = 0; i < sample->field_count; i++)
            sample->types[i] = both(&sample->types[i], &sample->header_types[i]);
    return ST_OK;
}

/* --- the schema --- */

static Status no_such_column(const CsvSample *sample, const char *name, Error *err)
{
    const char *nearest = NULL;
    uint32_t nearest_distance = 4;

    for (uint32_t i = 0; i < sample->column_count; i++) {
        uint32_t distance = str_edit_distance(name, sample->names[i], nearest_distance);

        if (distance < nearest_distance) {
            nearest = sample->names[i];
            nearest_distance = distance;
        }
    }
    error_set_state(err, ST_BAD_INPUT, "42703",
                    "CSV option \"types\": column \"%s\" is not in \"%s\"", name, sample->path);
    if (nearest != NULL)
        error_hint(err, "Did you mean \"%s\"?", nearest);
    return ST_BAD_INPUT;
}

/* types = 'zip text, amount numeric(12,2)', and columns = '...' for all. */
static Status apply_types(CsvSample *sample, TableColumn *columns, bool *is_named, Error *err)
{
    const CsvOptions *options = sample->options;
    TableColumn *named = ARENA_ARRAY(sample->arena, TableColumn, sample->column_count + 1);
    uint32_t count = 0;

    if (options->columns != NULL) {
        TRY(csv_parse_columns(sample->arena, "columns", options->columns, false,
                              sample->column_count, named, &count, err));
        if (count != sample->column_count)
            return error_set_state(err, ST_BAD_INPUT, "22023",
                                   "CSV option \"columns\" names %u columns; \"%s\" has %u", count,
                                   sample->path, sample->column_count);
        memcpy(columns, named, count * sizeof *columns);
        memset(is_named, true, count);
    }
    if (options->types == NULL)
        return ST_OK;
    TRY(csv_parse_columns(sample->arena, "types", options->types, false, sample->column_count,
                          named, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = csv_sample_column(sample, named[i].name, false);

        if (place == CSV_NO_FIELD)
            return no_such_column(sample, named[i].name, err);
        columns[place].type = named[i].type;
        is_named[place] = true;
    }
    return ST_OK;
}

Status csv_sample_schema(CsvSample *sample, Error *err, CsvSchema *schema_out)
{
    uint32_t count = sample->column_count;
    TableColumn *columns = ARENA_ARRAY(sample->arena, TableColumn, count + 1);
    bool *is_named = ARENA_ARRAY(sample->arena, bool, count + 1);
    const char **formats = ARENA_ARRAY(sample->arena, const char *, count + 1);

    for (uint32_t i = 0; i < count; i++) {
        Type type = candidate_type(&sample->types[i], sample->dialect, &formats[i]);

        columns[i] = (TableColumn){.name = sample->names[i],
                                   .type = sample->options->all_text ? type_of(TYPE_TEXT) : type,
                                   .is_nullable = true};
    }
    TRY(apply_types(sample, columns, is_named, err));
    for (uint32_t i = 0; i < count; i++) {
        if (!is_named[i])
            continue;
        formats[i] = columns[i].type.id == TYPE_DATE        ? sample->dialect->date_format
                     : columns[i].type.id == TYPE_TIMESTAMP ? sample->dialect->timestamp_format
                                                            : NULL;
    }
    *schema_out = (CsvSchema){.column_count = count,
                              .columns = columns,
                              .formats = formats,
                              .is_named = is_named,
                              .record_bytes =
                                  sample->record_count == 0
                                      ? 64
                                      : (double)sample->byte_count / (double)sample->record_count};
    return ST_OK;
}
