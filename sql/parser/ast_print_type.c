/*
 * ast_print_type.c -- type names as text
 */
#include <inttypes.h>
#include <string.h>

#include "sql/parser/ast_print_internal.h"
#include "sql/parser/sql_keywords.h"

/* Names of the grammar's own that are written without quotes. */
static bool is_grammar_type(const char *name)
{
    static const char *const names[] = {"bit",  "interval",  "numeric",
                                        "time", "timestamp", "varchar"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static const struct {
    uint32_t field;
    const char *word;
} interval_fields[] = {{AST_INTERVAL_YEAR, "YEAR"},     {AST_INTERVAL_MONTH, "MONTH"},
                       {AST_INTERVAL_DAY, "DAY"},       {AST_INTERVAL_HOUR, "HOUR"},
                       {AST_INTERVAL_MINUTE, "MINUTE"}, {AST_INTERVAL_SECOND, "SECOND"}};

enum { INTERVAL_FIELD_COUNT = sizeof interval_fields / sizeof interval_fields[0] };

/* {day, hour, minute}: DAY TO MINUTE. */
static void print_interval_fields(StrBuf *buf, uint32_t fields)
{
    int first = -1, last = -1;

    for (int i = 0; i < INTERVAL_FIELD_COUNT; i++) {
        if ((fields & interval_fields[i].field) == 0)
            continue;
        first = first < 0 ? i : first;
        last = i;
    }
    if (first < 0)
        return;
    strbuf_printf(buf, " %s", interval_fields[first].word);
    if (last > first)
        strbuf_printf(buf, " TO %s", interval_fields[last].word);
}

static void print_modifiers(StrBuf *buf, const AstTypeName *type)
{
    if (type->modifier_count == 0)
        return;
    strbuf_putc(buf, '(');
    for (uint32_t i = 0; i < type->modifier_count; i++)
        strbuf_printf(buf, "%s%" PRId64, i == 0 ? "" : ", ", type->modifiers[i]);
    strbuf_putc(buf, ')');
}

void print__type(StrBuf *buf, const AstTypeName *type)
{
    strbuf_puts(buf, type->is_set ? "SETOF " : "");
    if (type->name.schema == NULL && is_grammar_type(type->name.name))
        strbuf_puts(buf, type->name.name);
    else
        print__name(buf, &type->name);
    print_interval_fields(buf, type->interval_fields);
    print_modifiers(buf, type);
    strbuf_puts(buf, type->is_percent_type ? "%TYPE" : "");
    for (uint32_t i = 0; i < type->array_dimensions; i++)
        strbuf_puts(buf, "[]");
}

const char *ast_print_type(Arena *arena, const AstTypeName *type)
{
    StrBuf buf = {.arena = arena};

    print__type(&buf, type);
    return strbuf_text(&buf);
}
