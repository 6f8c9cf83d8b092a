/* complete.c -- see complete.h */
#include "shell/complete.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "shell/function_names.h"
#include "sql/parser/sql_keywords.h"
#include "sql/parser/sql_lexer.h"

enum { TOKENS_MAX = 4096, RELATIONS_MAX = 16, FILES_MAX = 4096 };

static const char *const sql_words[] = {
#define WORD(word) word,
#include "shell/complete_words.def"
#undef WORD
};

/* The work of one call. */
typedef struct Completer {
    const CompleteSource *source;
    Arena *arena;
    SqlLexer lexer;
    uint32_t token_count;
    SqlToken *tokens; /* all that are whole: the word being typed is not among them */
    const char *word; /* being typed: not NUL-terminated */
    size_t word_bytes;
    uint32_t count, capacity;
    const char **items;
} Completer;

static void add(Completer *c, const char *candidate)
{
    if (c->count == c->capacity) {
        uint32_t capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
        const char **items = ARENA_ARRAY(c->arena, const char *, capacity);

        if (c->count > 0)
            memcpy(items, c->items, c->count * sizeof *items);
        c->items = items;
        c->capacity = capacity;
    }
    c->items[c->count++] = candidate;
}

static void add_if_match(Completer *c, const char *name)
{
    if (strncasecmp(name, c->word, c->word_bytes) == 0)
        add(c, name);
}

/* Names that need quotes get them. */
static void add_name(Completer *c, const char *name)
{
    StrBuf quoted = {.arena = c->arena};

    if (strncasecmp(name, c->word, c->word_bytes) != 0)
        return;
    sql_add_name(&quoted, name);
    add(c, strbuf_text(&quoted));
}

/* Words follow the case of what has been typed. */
static void add_word(Completer *c, const char *word)
{
    bool is_upper = c->word_bytes > 0 && isupper((unsigned char)c->word[0]);
    char *copy;

    if (strncasecmp(word, c->word, c->word_bytes) != 0)
        return;
    copy = arena_strdup(c->arena, word);
    for (char *at = copy; is_upper && *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    add(c, copy);
}

typedef uint32_t (*NamesFn)(void *context, Arena *arena, const char *const **names_out);

static void add_all(Completer *c, NamesFn names_of, void (*add_one)(Completer *, const char *))
{
    const char *const *names;
    uint32_t count = names_of(c->source->context, c->arena, &names);

    for (uint32_t i = 0; i < count; i++)
        add_one(c, names[i]);
}

static void add_columns(Completer *c, const char *relation)
{
    const char *const *names;
    uint32_t count = c->source->columns(c->source->context, c->arena, relation, &names);

    for (uint32_t i = 0; i < count; i++)
        add_name(c, names[i]);
}

/* The name that a word or quoted name stands for; lives in the arena. */
static const char *token_name(const Completer *c, SqlToken token)
{
    const char *start = c->lexer.text + token.start;
    size_t bytes = token.end - token.start;
    char *name;

    if (token.kind == SQL_TOKEN_QUOTED_NAME && bytes >= 2)
        return arena_strndup(c->arena, start + 1, bytes - 2);
    name = arena_strndup(c->arena, start, bytes);
    for (char *at = name; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return name;
}

static bool token_is(const Completer *c, int64_t index, const char *word)
{
    return index >= 0 && index < c->token_count && sql_token_is(&c->lexer, c->tokens[index], word);
}

static bool is_name_token(const Completer *c, uint32_t index)
{
    return index < c->token_count && (c->tokens[index].kind == SQL_TOKEN_WORD ||
                                      c->tokens[index].kind == SQL_TOKEN_QUOTED_NAME);
}

static bool follows_relation_word(const Completer *c, int64_t index)
{
    static const char *const words[] = {"from", "join", "table", "view", "copy", "update", "into"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (token_is(c, index - 1, words[i]))
            return true;
    return false;
}

/* FROM a, b: the comma goes on with a list of tables. */
static bool is_relation_place(const Completer *c, int64_t index)
{
    if (follows_relation_word(c, index))
        return true;
    if (index < 2 || !sql_token_is_char(&c->lexer, c->tokens[index - 1], ','))
        return false;
    for (int64_t i = index - 1; i > 0; i--) {
        if (token_is(c, i, "from"))
            return true;
        if (token_is(c, i, "where") || token_is(c, i, "select") || token_is(c, i, "by") ||
            token_is(c, i, "on"))
            return false;
    }
    return false;
}

/* The relation whose name or alias is qualifier: orders o, orders AS o. */
static const char *relation_of(const Completer *c, const char *qualifier)
{
    for (uint32_t i = 0; i < c->token_count; i++) {
        uint32_t alias = i + 1 + token_is(c, i + 1, "as");

        if (!is_name_token(c, i) || !is_relation_place(c, i))
            continue;
        if (strcmp(token_name(c, c->tokens[i]), qualifier) == 0 ||
            (is_name_token(c, alias) && strcmp(token_name(c, c->tokens[alias]), qualifier) == 0))
            return token_name(c, c->tokens[i]);
    }
    return qualifier;
}

/* Where FROM has not been typed yet, any table's columns may be meant. */
static void add_columns_of_all(Completer *c)
{
    const char *const *names;
    uint32_t count = c->source->relations(c->source->context, c->arena, &names);

    for (uint32_t i = 0; i < count && i < RELATIONS_MAX; i++)
        add_columns(c, names[i]);
}

static void add_columns_in_scope(Completer *c)
{
    uint32_t relation_count = 0;

    for (uint32_t i = 0; i < c->token_count && relation_count < RELATIONS_MAX; i++) {
        if (is_name_token(c, i) && is_relation_place(c, i)) {
            add_columns(c, token_name(c, c->tokens[i]));
            relation_count++;
        }
    }
    if (relation_count == 0 && c->word_bytes > 0)
        add_columns_of_all(c);
}

static void add_functions(Completer *c)
{
    for (int func = 0; func < FUNC_COUNT_; func++)
        if (function_is_callable((FuncId)func))
            add_word(c, func_name((FuncId)func));
    for (int agg = 0; agg < AGG_COUNT_; agg++)
        if (aggregate_is_callable((AggId)agg))
            add_word(c, agg_name((AggId)agg));
}

static void complete_expression(Completer *c)
{
    add_columns_in_scope(c);
    if (c->word_bytes == 0)
        return; /* everything would be too much */
    for (size_t i = 0; i < sizeof sql_words / sizeof sql_words[0]; i++)
        add_word(c, sql_words[i]);
    add_functions(c);
}

/* Tokens of what has been typed, but for the word at the cursor. */
static void read_tokens(Completer *c, size_t bytes)
{
    SqlToken token = sql_lexer_next(&c->lexer);

    c->tokens = ARENA_ARRAY(c->arena, SqlToken, TOKENS_MAX);
    while (token.kind != SQL_TOKEN_END && c->token_count < TOKENS_MAX) {
        c->tokens[c->token_count++] = token;
        token = sql_lexer_next(&c->lexer);
    }
    c->word = c->lexer.text + bytes;
    if (c->token_count == 0)
        return;
    token = c->tokens[c->token_count - 1];
    if (token.kind == SQL_TOKEN_WORD && token.end == bytes) {
        c->word = c->lexer.text + token.start;
        c->word_bytes = token.end - token.start;
        c->token_count--;
    }
}

static void complete_sql(Completer *c)
{
    int64_t last = (int64_t)c->token_count - 1;

    if (last >= 1 && sql_token_is_char(&c->lexer, c->tokens[last], '.') &&
        is_name_token(c, (uint32_t)last - 1))
        add_columns(c, relation_of(c, token_name(c, c->tokens[last - 1])));
    else if (token_is(c, last, "set") || token_is(c, last, "show") || token_is(c, last, "reset"))
        add_all(c, c->source->settings, add_if_match);
    else if (is_relation_place(c, last + 1))
        add_all(c, c->source->relations, add_name);
    else
        complete_expression(c);
}

/* Files whose path begins with the quoted text typed so far. */
static void complete_file(Completer *c, const char *typed, size_t bytes)
{
    const char *path = arena_strndup(c->arena, typed, bytes);
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash == NULL ? "." : arena_strndup(c->arena, path, (size_t)(slash - path) + 1);
    const char *prefix = slash == NULL ? path : slash + 1;
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    c->word = typed + (prefix - path);
    c->word_bytes = strlen(prefix);
    while (dir != NULL && c->count < FILES_MAX && (entry = readdir(dir)) != NULL) {
        struct stat info;
        bool is_folder;

        if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, c->word_bytes) != 0)
            continue;
        is_folder = fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
        add(c, arena_printf(c->arena, "%s%s", entry->d_name, is_folder ? "/" : ""));
    }
    if (dir != NULL)
        closedir(dir);
}

/* \i FILE and the like */
static bool takes_file(const char *text)
{
    return strchr("ioews", text[1]) != NULL && text[2] == ' ';
}

/* \ti, or the argument of \d: text is a line that begins with a backslash. True: it is a file. */
static bool complete_command(Completer *c, const char *text, size_t bytes)
{
    const char *blank = memchr(text, ' ', bytes);

    if (blank == NULL) {
        c->word = text + 1;
        c->word_bytes = bytes - 1;
        add_all(c, c->source->commands, add_if_match);
        return false;
    }
    c->word = text + bytes;
    while (c->word > text && c->word[-1] != ' ') {
        c->word--;
        c->word_bytes++;
    }
    if (takes_file(text)) {
        complete_file(c, c->word, c->word_bytes);
        return true;
    }
    if (strncmp(text, "\\set ", 5) == 0)
        add_all(c, c->source->settings, add_if_match);
    else
        add_all(c, c->source->relations, add_name);
    return false;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Completions finish(Completer *c, bool is_file)
{
    Completions result = {.word_bytes = c->word_bytes, .items = c->items, .is_file = is_file};

    if (c->count > 0)
        qsort(c->items, c->count, sizeof *c->items, compare_items);
    for (uint32_t i = 0; i < c->count; i++)
        if (result.count == 0 || strcmp(result.items[result.count - 1], c->items[i]) != 0)
            result.items[result.count++] = c->items[i];
    return result;
}

Completions complete(const CompleteSource *source, Arena *arena, const char *text, size_t bytes)
{
    Completer c = {.source = source, .arena = arena, .lexer = {.text = text, .bytes = bytes}};
    SqlToken last;

    if (bytes > 0 && text[0] == '\\') {
        bool is_file = complete_command(&c, text, bytes);

        return finish(&c, is_file);
    }
    read_tokens(&c, bytes);
    if (c.token_count > 0) {
        last = c.tokens[c.token_count - 1];
        if (last.is_unterminated && (text[last.start] == '"' || text[last.start] == '\'')) {
            complete_file(&c, text + last.start + 1, bytes - last.start - 1);
            /* FROM "orders: a table's name may stand in quotes too */
            if (text[last.start] == '"' && c.word == text + last.start + 1)
                add_all(&c, c.source->relations, add_if_match);
            return finish(&c, true);
        }
    }
    complete_sql(&c);
    return finish(&c, false);
}

size_t complete_common_bytes(const Completions *completions)
{
    size_t common = completions->count == 0 ? 0 : strlen(completions->items[0]);

    for (uint32_t i = 1; i < completions->count; i++) {
        size_t same = 0;

        while (same < common && completions->items[0][same] == completions->items[i][same])
            same++;
        common = same;
    }
    return common;
}
