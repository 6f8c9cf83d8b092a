/* sql_keywords.c -- see sql_keywords.h */
#include "sql/parser/sql_keywords.h"

#include <string.h>

static const char *const keywords[] = {
#define KEYWORD(word) word,
#include "sql/parser/sql_keywords.def"
#undef KEYWORD
};

bool sql_is_keyword(const char *word)
{
    size_t low = 0, high = sizeof keywords / sizeof keywords[0];

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(word, keywords[middle]);

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool is_plain_name(const char *name)
{
    if (!(name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z')))
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!(*c == '_' || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9')))
            return false;
    return !sql_is_keyword(name);
}

static void add_quoted(StrBuf *buf, const char *text, char quote)
{
    strbuf_putc(buf, quote);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == quote)
            strbuf_putc(buf, quote);
        strbuf_putc(buf, *c);
    }
    strbuf_putc(buf, quote);
}

void sql_add_name(StrBuf *buf, const char *name)
{
    if (is_plain_name(name))
        strbuf_puts(buf, name);
    else
        add_quoted(buf, name, '"');
}

void sql_add_string(StrBuf *buf, const char *text)
{
    add_quoted(buf, text, '\'');
}
