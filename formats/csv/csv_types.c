/* csv_types.c -- columns = 'a bigint, "b c" numeric(12,2)': lists of names and types */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "formats/csv/csv_internal.h"

enum { WORD_BYTES = 64 };

static const struct {
    const char *word;
    TypeId type;
} type_words[] = {{"boolean", TYPE_BOOL},       {"bool", TYPE_BOOL},
                  {"smallint", TYPE_INT2},      {"int2", TYPE_INT2},
                  {"integer", TYPE_INT4},       {"int", TYPE_INT4},
                  {"int4", TYPE_INT4},          {"bigint", TYPE_INT8},
                  {"int8", TYPE_INT8},          {"real", TYPE_FLOAT4},
                  {"float4", TYPE_FLOAT4},      {"float", TYPE_FLOAT8},
                  {"double", TYPE_FLOAT8},      {"double precision", TYPE_FLOAT8},
                  {"float8", TYPE_FLOAT8},      {"text", TYPE_TEXT},
                  {"varchar", TYPE_TEXT},       {"string", TYPE_TEXT},
                  {"date", TYPE_DATE},          {"timestamp", TYPE_TIMESTAMP},
                  {"datetime", TYPE_TIMESTAMP}, {"timestamp without time zone", TYPE_TIMESTAMP},
                  {"interval", TYPE_INTERVAL}};

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* A name as it is, or in double quotes. NULL: there is none. */
static const char *read_name(Arena *arena, const char **at, bool names_only)
{
    const char *start = skip_blanks(*at);
    size_t bytes;

    if (*start == '"') {
        StrBuf name = {.arena = arena};

        for (start++; *start != '\0' && (*start != '"' || start[1] == '"'); start++) {
            strbuf_putc(&name, *start);
            start += *start == '"';
        }
        if (*start != '"')
            return NULL;
        *at = start + 1;
        return name.length == 0 ? NULL : strbuf_text(&name);
    }
    bytes = strcspn(start, names_only ? "," : ", \t\n");
    *at = start + bytes;
    while (bytes > 0 && start[bytes - 1] == ' ')
        bytes--;
    return bytes == 0 ? NULL : arena_strndup(arena, start, bytes);
}

/* numeric, numeric(p), numeric(p,s) and kin. */
static bool read_decimal(const char *word, const char **at, Type *type_out)
{
    int precision = DECIMAL_DIGITS, scale = 0, used = 0;

    if (strcasecmp(word, "numeric") != 0 && strcasecmp(word, "decimal") != 0)
        return false;
    if (**at == '(' && sscanf(*at, "( %d , %d )%n", &precision, &scale, &used) != 2 &&
        sscanf(*at, "( %d )%n", &precision, &used) != 1)
        return false;
    if ((**at == '(' && used == 0) || precision < 1 || precision > DECIMAL_DIGITS || scale < 0 ||
        scale > precision)
        return false;
    *at += used;
    *type_out = type_decimal(precision, scale);
    return true;
}

static Status read_type(const char **at, Type *type_out, Error *err)
{
    char word[WORD_BYTES] = "";
    const char *start = skip_blanks(*at);
    size_t bytes = strcspn(start, ",(");
    size_t kept = bytes < WORD_BYTES ? bytes : WORD_BYTES - 1;
    int length = 0, used = 0;

    memcpy(word, start, kept);
    while (kept > 0 && isspace((unsigned char)word[kept - 1]))
        word[--kept] = '\0';
    *at = start + bytes;
    if (read_decimal(word, at, type_out))
        return ST_OK;
    for (size_t i = 0; i < sizeof type_words / sizeof type_words[0]; i++) {
        if (strcasecmp(type_words[i].word, word) != 0)
            continue;
        *type_out = type_of(type_words[i].type);
        if (**at == '(' && type_words[i].type == TYPE_TEXT &&
            sscanf(*at, "( %d )%n", &length, &used) == 1 && used > 0)
            *at += used; /* varchar(n): a file's texts have no limit */
        return **at == '(' ? error_set_state(err, ST_BAD_INPUT, "42601",
                                             "type modifier is not allowed for type \"%s\"", word)
                           : ST_OK;
    }
    return error_set_state(err, ST_BAD_INPUT, "42704", "type \"%s\" does not exist", word);
}

Status csv_parse_columns(Arena *arena, const char *option, const char *text, bool names_only,
                         uint32_t count_max, TableColumn *columns, uint32_t *count_out, Error *err)
{
    const char *at = skip_blanks(text);
    uint32_t count = 0;

    *count_out = 0;
    for (; *at != '\0'; count++) {
        TableColumn column = {.is_nullable = true};

        column.name = read_name(arena, &at, names_only);
        if (column.name == NULL)
            break;
        if (!names_only)
            TRY(read_type(&at, &column.type, err));
        at = skip_blanks(at);
        if ((*at != ',' && *at != '\0') || count == count_max)
            break;
        columns[count] = column;
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    *count_out = count;
    if (*at == '\0' && count > 0)
        return ST_OK;
    if (count == count_max && count > 0)
        return error_set_state(err, ST_BAD_INPUT, "22023",
                               "CSV option \"%s\" names more columns than the %u of the file",
                               option, count_max);
    error_set_state(err, ST_BAD_INPUT, "42601", "CSV option \"%s\" cannot be read at \"%.40s\"",
                    option, at);
    error_hint(err,
               names_only ? "Write it as %s = 'a, b, \"c, d\"'."
                          : "Write it as %s = 'a bigint, b numeric(12,2), \"c d\" text'.",
               option);
    return ST_BAD_INPUT;
}
