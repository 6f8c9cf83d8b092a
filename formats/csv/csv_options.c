/* csv_options.c -- what the user says about a CSV file; see csv_internal.h */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/csv/csv_internal.h"

enum { VALUE_BYTES_MAX = 60, NEAR = 4 };

typedef Status (*SetOption)(Arena *arena, const char *name, const char *value, CsvOptions *options,
                            Error *err);

static Status bad_option(const char *name, const char *value, const char *wanted, Error *err)
{
    return error_set_state(err, ST_BAD_INPUT, "22023", "CSV option \"%s\" is \"%.*s\"; wanted: %s",
                           name, VALUE_BYTES_MAX, value, wanted);
}

static Status read_char(const char *name, const char *value, char *char_out, Error *err)
{
    if (strcmp(value, "\\t") == 0 || strcasecmp(value, "tab") == 0)
        value = "\t";
    if (strlen(value) != 1 || value[0] == '\n' || value[0] == '\r' || (value[0] & 0x80) != 0)
        return bad_option(name, value, "one character (ASCII)", err);
    *char_out = value[0];
    return ST_OK;
}

static Status read_switch(const char *name, const char *value, bool *on_out, Error *err)
{
    static const char *const words[] = {"true",  "on",  "yes", "1", "match",
                                        "false", "off", "no",  "0", NULL};

    for (int i = 0; words[i] != NULL; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *on_out = i < 5;
            return ST_OK;
        }
    }
    return bad_option(name, value, "true or false", err);
}

static Status read_count(const char *name, const char *value, int64_t low, int64_t high,
                         int64_t *count_out, Error *err)
{
    char *end;
    long long count = strtoll(value, &end, 10);

    if (*value == '\0' || *end != '\0' || count < low || count > high)
        return bad_option(name, value, low < 0 ? "a number of records, or -1 for all" : "a number",
                          err);
    *count_out = count;
    return ST_OK;
}

static Status set_delimiter(Arena *arena, const char *name, const char *value, CsvOptions *options,
                            Error *err)
{
    (void)arena;
    options->has_delimiter = true;
    return read_char(name, value, &options->dialect.delimiter, err);
}

static Status set_quote(Arena *arena, const char *name, const char *value, CsvOptions *options,
                        Error *err)
{
    (void)arena;
    options->has_quote = true;
    options->dialect.quote = 0;
    return value[0] == '\0' ? ST_OK : read_char(name, value, &options->dialect.quote, err);
}

static Status set_escape(Arena *arena, const char *name, const char *value, CsvOptions *options,
                         Error *err)
{
    (void)arena;
    options->has_escape = true;
    return read_char(name, value, &options->dialect.escape, err);
}

static Status set_comment(Arena *arena, const char *name, const char *value, CsvOptions *options,
                          Error *err)
{
    (void)arena;
    options->has_comment = true;
    options->dialect.comment = 0;
    return value[0] == '\0' ? ST_OK : read_char(name, value, &options->dialect.comment, err);
}

static Status set_header(Arena *arena, const char *name, const char *value, CsvOptions *options,
                         Error *err)
{
    (void)arena;
    options->has_header_option = true;
    return read_switch(name, value, &options->dialect.has_header, err);
}

static Status add_null(Arena *arena, const char *name, const char *value, CsvOptions *options,
                       Error *err)
{
    CsvDialect *dialect = &options->dialect;

    if (dialect->null_count == CSV_NULL_TEXTS_MAX)
        return error_set_state(err, ST_BAD_INPUT, "22023", "CSV option \"%s\" is there %d times",
                               name, CSV_NULL_TEXTS_MAX + 1);
    dialect->null_texts[dialect->null_count++] = arena_strdup(arena, value);
    return ST_OK;
}

static Status set_skip(Arena *arena, const char *name, const char *value, CsvOptions *options,
                       Error *err)
{
    int64_t lines = 0;

    (void)arena;
    options->has_skip = true;
    TRY(read_count(name, value, 0, 1000000, &lines, err));
    options->dialect.skip_lines = (uint32_t)lines;
    return ST_OK;
}

static Status set_codec(Arena *arena, const char *name, const char *value, CsvOptions *options,
                        Error *err)
{
    static const struct {
        const char *word;
        StreamCodec codec;
    } words[] = {{"gzip", STREAM_GZIP},
                 {"gz", STREAM_GZIP},
                 {"zstd", STREAM_ZSTD},
                 {"none", STREAM_PLAIN},
                 {"uncompressed", STREAM_PLAIN}};

    (void)arena;
    options->has_codec = strcasecmp(value, "auto") != 0 && strcasecmp(value, "auto_detect") != 0;
    if (!options->has_codec)
        return ST_OK;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i].word) == 0) {
            options->codec = words[i].codec;
            return ST_OK;
        }
    }
    return bad_option(name, value, "gzip, zstd, none or auto", err);
}

static Status set_time_format(const char *name, const char *value, const char **format_out,
                              Arena *arena, Error *err)
{
    if (!csv_is_time_format(value))
        return bad_option(name, value, "a date's form, such as '%d/%m/%Y' or '%Y-%m-%d %H:%M:%S'",
                          err);
    *format_out = arena_strdup(arena, value);
    return ST_OK;
}

static Status set_date_format(Arena *arena, const char *name, const char *value,
                              CsvOptions *options, Error *err)
{
    return set_time_format(name, value, &options->dialect.date_format, arena, err);
}

static Status set_timestamp_format(Arena *arena, const char *name, const char *value,
                                   CsvOptions *options, Error *err)
{
    return set_time_format(name, value, &options->dialect.timestamp_format, arena, err);
}

static Status set_columns(Arena *arena, const char *name, const char *value, CsvOptions *options,
                          Error *err)
{
    (void)name;
    (void)err;
    options->columns = arena_strdup(arena, value);
    return ST_OK;
}

static Status set_types(Arena *arena, const char *name, const char *value, CsvOptions *options,
                        Error *err)
{
    (void)name;
    (void)err;
    options->types = arena_strdup(arena, value);
    return ST_OK;
}

static Status set_names(Arena *arena, const char *name, const char *value, CsvOptions *options,
                        Error *err)
{
    (void)name;
    (void)err;
    options->names = arena_strdup(arena, value);
    return ST_OK;
}

static Status set_all_text(Arena *arena, const char *name, const char *value, CsvOptions *options,
                           Error *err)
{
    (void)arena;
    return read_switch(name, value, &options->all_text, err);
}

static Status set_sample_all(Arena *arena, const char *name, const char *value, CsvOptions *options,
                             Error *err)
{
    bool all = false;

    (void)arena;
    TRY(read_switch(name, value, &all, err));
    if (all)
        options->sample_rows = -1;
    return ST_OK;
}

static Status set_sample_size(Arena *arena, const char *name, const char *value,
                              CsvOptions *options, Error *err)
{
    (void)arena;
    TRY(read_count(name, value, -1, INT32_MAX, &options->sample_rows, err));
    return options->sample_rows == 0 ? bad_option(name, value, "at least 1", err) : ST_OK;
}

static Status set_ignore_errors(Arena *arena, const char *name, const char *value,
                                CsvOptions *options, Error *err)
{
    (void)arena;
    return read_switch(name, value, &options->ignore_errors, err);
}

static Status set_null_padding(Arena *arena, const char *name, const char *value,
                               CsvOptions *options, Error *err)
{
    (void)arena;
    return read_switch(name, value, &options->null_padding, err);
}

static Status set_union_by_name(Arena *arena, const char *name, const char *value,
                                CsvOptions *options, Error *err)
{
    (void)arena;
    return read_switch(name, value, &options->union_by_name, err);
}

static Status set_encoding(Arena *arena, const char *name, const char *value, CsvOptions *options,
                           Error *err)
{
    (void)arena;
    (void)name;
    (void)options;
    if (strcasecmp(value, "utf-8") == 0 || strcasecmp(value, "utf8") == 0)
        return ST_OK;
    error_set_state(err, ST_NOT_SUPPORTED, "0A000", "not supported: CSV files in encoding \"%.*s\"",
                    VALUE_BYTES_MAX, value);
    error_hint(err, "Vonk reads and writes UTF-8: iconv -f %.40s -t UTF-8 FILE converts one.",
               value);
    return ST_NOT_SUPPORTED;
}

static Status set_force_quote(Arena *arena, const char *name, const char *value,
                              CsvOptions *options, Error *err)
{
    (void)name;
    (void)err;
    options->force_quote_all = strcmp(value, "*") == 0 || strcasecmp(value, "true") == 0;
    options->force_quote = arena_strdup(arena, value);
    return ST_OK;
}

enum { READING = 1, WRITING = 2, OTHER_NAME = 4 };

static const struct {
    const char *name;
    unsigned use; /* OTHER_NAME: of the one above it */
    SetOption set;
} option_table[] = {
    {"delimiter", READING | WRITING, set_delimiter},
    {"delim", READING | WRITING | OTHER_NAME, set_delimiter},
    {"sep", READING | WRITING | OTHER_NAME, set_delimiter},
    {"header", READING | WRITING, set_header},
    {"quote", READING | WRITING, set_quote},
    {"escape", READING | WRITING, set_escape},
    {"null", READING | WRITING, add_null},
    {"nullstr", READING | WRITING | OTHER_NAME, add_null},
    {"compression", READING | WRITING, set_codec},
    {"encoding", READING | WRITING, set_encoding},
    {"force_quote", WRITING, set_force_quote},
    {"columns", READING, set_columns},
    {"types", READING, set_types},
    {"dtypes", READING | OTHER_NAME, set_types},
    {"column_types", READING | OTHER_NAME, set_types},
    {"names", READING, set_names},
    {"column_names", READING | OTHER_NAME, set_names},
    {"all_text", READING, set_all_text},
    {"all_varchar", READING | OTHER_NAME, set_all_text},
    {"skip", READING, set_skip},
    {"comment", READING, set_comment},
    {"dateformat", READING, set_date_format},
    {"date_format", READING | OTHER_NAME, set_date_format},
    {"timestampformat", READING, set_timestamp_format},
    {"timestamp_format", READING | OTHER_NAME, set_timestamp_format},
    {"ignore_errors", READING, set_ignore_errors},
    {"null_padding", READING, set_null_padding},
    {"union_by_name", READING, set_union_by_name},
    {"sample_size", READING, set_sample_size},
    {"sample_all", READING | OTHER_NAME, set_sample_all},
};

enum { OPTION_COUNT = sizeof option_table / sizeof option_table[0] };

/* "Did you mean", and all that there are. */
static Status unknown_option(const char *name, unsigned use, Error *err)
{
    Arena *arena = arena_new(NULL, "CSV options", ARENA_NO_CAP);
    StrBuf list = {.arena = arena};
    const char *nearest = NULL;
    uint32_t nearest_distance = NEAR;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        uint32_t distance = str_edit_distance(name, option_table[i].name, NEAR);

        if ((option_table[i].use & use) == 0)
            continue;
        if (distance < nearest_distance && distance < strlen(name)) {
            nearest = option_table[i].name;
            nearest_distance = distance;
        }
        if ((option_table[i].use & OTHER_NAME) == 0)
            strbuf_printf(&list, "%s%s", list.length == 0 ? "" : ", ", option_table[i].name);
    }
    error_set_state(err, ST_BAD_INPUT, "42601", "option \"%.*s\" not recognized for CSV",
                    VALUE_BYTES_MAX, name);
    error_hint(err, "%s%s%sOptions for %s: %s.", nearest == NULL ? "" : "Did you mean \"",
               nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"? ",
               use == READING ? "reading" : "writing", strbuf_text(&list));
    arena_free(arena);
    return ST_BAD_INPUT;
}

Status csv_check_dialect(const CsvDialect *dialect, Error *err)
{
    if (dialect->quote != 0 && dialect->delimiter == dialect->quote)
        return error_set_state(err, ST_BAD_INPUT, "22023",
                               "CSV delimiter and quote must be different");
    if (dialect->comment != 0 &&
        (dialect->comment == dialect->quote || dialect->comment == dialect->delimiter))
        return error_set_state(err, ST_BAD_INPUT, "22023",
                               "CSV comment must differ from the delimiter and the quote");
    for (uint32_t i = 0; i < dialect->null_count; i++)
        if (strchr(dialect->null_texts[i], dialect->delimiter) != NULL ||
            strpbrk(dialect->null_texts[i], "\r\n") != NULL)
            return error_set_state(err, ST_BAD_INPUT, "22023",
                                   "CSV delimiter and newlines must not stand in the NULL text");
    return ST_OK;
}

Status csv_read_options(Arena *arena, OptionList list, bool is_writing, CsvOptions *options_out,
                        Error *err)
{
    unsigned use = is_writing ? WRITING : READING;

    *options_out = (CsvOptions){.dialect = {.delimiter = ',', .quote = '"', .newline = '\n'},
                                .sample_rows = 20480};
    for (uint32_t i = 0; i < list.count; i++) {
        const char *name = list.items[2 * i];
        size_t place = 0;

        while (place < OPTION_COUNT && (strcasecmp(option_table[place].name, name) != 0 ||
                                        (option_table[place].use & use) == 0))
            place++;
        if (place == OPTION_COUNT)
            return unknown_option(name, use, err);
        TRY(option_table[place].set(arena, name, list.items[2 * i + 1], options_out, err));
    }
    if (!options_out->has_escape)
        options_out->dialect.escape = options_out->dialect.quote;
    return csv_check_dialect(&options_out->dialect, err);
}
