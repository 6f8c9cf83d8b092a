/* line_splitter.c -- see line_splitter.h */
#include "shell/line_splitter.h"

#include <string.h>

#include "sql/parser/sql_lexer.h"

typedef struct Splitter {
    SqlLexer lexer;
    size_t brackets; /* open ones */
    Piece piece;
    PieceProgress *progress; /* or NULL */
} Splitter;

static size_t line_end(const char *text, size_t bytes, size_t at)
{
    const char *end = memchr(text + at, '\n', bytes - at);

    return end == NULL ? bytes : (size_t)(end - text);
}

static Piece command_piece(const SqlLexer *lexer, size_t start)
{
    size_t end = line_end(lexer->text, lexer->bytes, start);

    return (Piece){.kind = PIECE_COMMAND,
                   .start = start,
                   .end = end,
                   .next = end < lexer->bytes ? end + 1 : end};
}

/* \g or \gx at the token: the statement before it ends. False: it is another backslash. */
static bool end_at_go(Splitter *splitter, size_t start)
{
    const char *text = splitter->lexer.text;
    size_t bytes = splitter->lexer.bytes;
    size_t at = start + 1;
    bool is_expanded = false;

    if (at >= bytes || text[at] != 'g')
        return false;
    at++;
    if (at < bytes && text[at] == 'x') {
        is_expanded = true;
        at++;
    }
    if (at < bytes && text[at] != '\n' && text[at] != ' ' && text[at] != ';')
        return false;
    splitter->piece.kind = PIECE_STATEMENT;
    splitter->piece.is_expanded = is_expanded;
    splitter->piece.next = at < bytes ? at + 1 : at;
    return true;
}

static PieceNeed unterminated_need(const SqlLexer *lexer, SqlToken token)
{
    if (token.kind == SQL_TOKEN_END)
        return NEED_COMMENT_END;
    return lexer->text[token.start] == '"' ? NEED_DOUBLE_QUOTE : NEED_QUOTE;
}

/* False: the piece is complete. */
static bool take_token(Splitter *splitter, SqlToken token)
{
    const SqlLexer *lexer = &splitter->lexer;

    if (splitter->progress != NULL)
        *splitter->progress = (PieceProgress){.start = splitter->piece.start,
                                              .at = token.start,
                                              .brackets = splitter->brackets,
                                              .end = splitter->piece.end,
                                              .need = splitter->piece.need};
    if (sql_token_is_char(lexer, token, '('))
        splitter->brackets++;
    else if (sql_token_is_char(lexer, token, ')') && splitter->brackets > 0)
        splitter->brackets--;
    if (sql_token_is_char(lexer, token, ';') && splitter->brackets == 0) {
        splitter->piece.kind = PIECE_STATEMENT;
        splitter->piece.next = token.end;
        return false;
    }
    if (sql_token_is_char(lexer, token, '\\') && end_at_go(splitter, token.start))
        return false;
    splitter->piece.end = token.end;
    splitter->piece.need = token.is_unterminated    ? unterminated_need(lexer, token)
                           : splitter->brackets > 0 ? NEED_BRACKET
                                                    : NEED_SEMICOLON;
    return true;
}

static void finish(Splitter *splitter, SqlToken end, bool is_last)
{
    splitter->piece.kind = is_last ? PIECE_STATEMENT : PIECE_INCOMPLETE;
    splitter->piece.next = splitter->lexer.bytes;
    if (end.is_unterminated)
        splitter->piece.need = NEED_COMMENT_END;
}

/* From a token of the piece to its end. */
static Piece split(Splitter *splitter, SqlToken token, bool is_last)
{
    while (token.kind != SQL_TOKEN_END && take_token(splitter, token))
        token = sql_lexer_next(&splitter->lexer);
    if (token.kind == SQL_TOKEN_END)
        finish(splitter, token, is_last);
    return splitter->piece;
}

static Piece split_first(Splitter *splitter, bool is_last)
{
    SqlToken token = sql_lexer_next(&splitter->lexer);

    while (sql_token_is_char(&splitter->lexer, token, ';'))
        token = sql_lexer_next(&splitter->lexer);
    splitter->piece.start = token.start;
    if (token.kind == SQL_TOKEN_END) {
        bool is_open = token.is_unterminated && !is_last;
        size_t bytes = splitter->lexer.bytes;

        return (Piece){.kind = is_open ? PIECE_INCOMPLETE : PIECE_NOTHING,
                       .need = NEED_COMMENT_END,
                       .start = token.start,
                       .end = bytes,
                       .next = bytes};
    }
    if (sql_token_is_char(&splitter->lexer, token, '\\'))
        return command_piece(&splitter->lexer, token.start);
    return split(splitter, token, is_last);
}

Piece line_splitter_next(const char *text, size_t bytes, size_t at, bool is_last)
{
    Splitter splitter = {.lexer = {.text = text, .bytes = bytes, .at = at}};

    return split_first(&splitter, is_last);
}

Piece line_splitter_resume(const char *text, size_t bytes, PieceProgress *progress)
{
    Splitter splitter = {
        .lexer = {.text = text, .bytes = bytes, .at = progress->at},
        .brackets = progress->brackets,
        .piece = {.start = progress->start, .end = progress->end, .need = progress->need},
        .progress = progress};

    if (progress->at <= progress->start) { /* not past the first token */
        splitter.lexer.at = progress->start;
        return split_first(&splitter, false);
    }
    return split(&splitter, sql_lexer_next(&splitter.lexer), false);
}
