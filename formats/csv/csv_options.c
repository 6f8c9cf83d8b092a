/* csv_options.c -- what the user says about a CSV file; see csv_internal.h */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/csv/csv_internal.h"

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static Status bad_option(const char *name, const char *value, const char *wanted, Error *err)
{
    return error_set_state(err, ST_BAD_INPUT, "22023", "CSV option \"%s\" is \"%s\"; wanted: %s",
                           name, value, wanted);
}

static Status read_char(const char *name, const char *value, char *char_out, Error *err)
{
    if (strcmp(value, "\\t") == 0 || strcasecmp(value, "tab") == 0)
        value = "\t";
    if (strlen(value) != 1 || value[0] == '\n' || value[0] == '\r')
        return bad_option(name, value, "one character", err);
    *char_out = value[0];
    return ST_OK;
}

static Status read_switch(const char *name, const char *value, bool *on_out, Error *err)
{
    static const char *const on[] = {"true", "on", "yes", "1", "match", NULL};
    static const char *const off[] = {"false", "off", "no", "0", NULL};

    if (!is_one_of(value, on) && !is_one_of(value, off))
        return bad_option(name, value, "true or false", err);
    *on_out = is_one_of(value, on);
    return ST_OK;
}

static Status read_skip(const char *name, const char *value, uint32_t *lines_out, Error *err)
{
    char *end;
    unsigned long lines = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end != '\0' || lines > 1000000)
        return bad_option(name, value, "a number of lines", err);
    *lines_out = (uint32_t)lines;
    return ST_OK;
}

static Status read_quote(const char *name, const char *value, CsvOptions *options, Error *err)
{
    options->has_quote = true;
    options->dialect.quote = 0;
    return value[0] == '\0' ? ST_OK : read_char(name, value, &options->dialect.quote, err);
}

static Status unknown_option(const char *name, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "42601", "option \"%s\" not recognized for CSV", name);
    error_hint(err, "Options: delimiter, header, quote, escape, null, skip, columns, all_text, "
                    "sample_all.");
    return ST_BAD_INPUT;
}

static Status read_option(Arena *arena, const char *name, const char *value, CsvOptions *options,
                          Error *err)
{
    static const char *const delimiters[] = {"delimiter", "delim", "sep", NULL};
    static const char *const nulls[] = {"null", "nullstr", NULL};
    static const char *const texts[] = {"all_text", "all_varchar", NULL};

    if (is_one_of(name, delimiters)) {
        options->has_delimiter = true;
        return read_char(name, value, &options->dialect.delimiter, err);
    }
    if (is_one_of(name, nulls)) {
        options->dialect.null_text = arena_strdup(arena, value);
        return ST_OK;
    }
    if (is_one_of(name, texts))
        return read_switch(name, value, &options->all_text, err);
    if (strcasecmp(name, "header") == 0) {
        options->has_header_option = true;
        return read_switch(name, value, &options->dialect.has_header, err);
    }
    if (strcasecmp(name, "quote") == 0)
        return read_quote(name, value, options, err);
    if (strcasecmp(name, "escape") == 0) {
        options->has_escape = true;
        return read_char(name, value, &options->dialect.escape, err);
    }
    if (strcasecmp(name, "skip") == 0)
        return read_skip(name, value, &options->dialect.skip_lines, err);
    if (strcasecmp(name, "sample_all") == 0)
        return read_switch(name, value, &options->sample_all, err);
    if (strcasecmp(name, "columns") == 0) {
        options->columns = arena_strdup(arena, value);
        return ST_OK;
    }
    return unknown_option(name, err);
}

Status csv_read_options(Arena *arena, OptionList list, CsvOptions *options_out, Error *err)
{
    *options_out = (CsvOptions){.dialect = {.delimiter = ',', .quote = '"'}};
    for (uint32_t i = 0; i < list.count; i++)
        TRY(read_option(arena, list.items[2 * i], list.items[2 * i + 1], options_out, err));
    if (!options_out->has_escape)
        options_out->dialect.escape = options_out->dialect.quote;
    if (options_out->dialect.delimiter == options_out->dialect.quote)
        return error_set_state(err, ST_BAD_INPUT, "22023",
                               "CSV delimiter and quote must be different");
    return ST_OK;
}
