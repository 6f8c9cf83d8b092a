/*
 * fuzz_parser.c -- any bytes as SQL: an error or a tree; a tree's text gives the same text again
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "core/base/big_stack.h"
#include "core/base/invariant.h"
#include "shell/line_splitter.h"
#include "sql/parser/ast_print.h"
#include "sql/parser/parse.h"

enum { BIG_STACK_BYTES = 256 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

typedef struct Input {
    const char *text;
    size_t bytes;
} Input;

/* What the tree does not keep, and so cannot be printed: see ast_print.h. AstOther is <what>. */
static bool is_printable(const char *printed)
{
    for (const char *at = strchr(printed, '<'); at != NULL; at = strchr(at + 1, '<'))
        if (isalpha((unsigned char)at[1]))
            return false;
    return strstr(printed, "TABLESAMPLE") == NULL && strstr(printed, "RECURSIVE VIEW") == NULL &&
           strlen(printed) < SQL_BYTES_MAX;
}

static void check_statement(Arena *arena, const AstStatement *statement)
{
    const char *printed = ast_print_statement(arena, statement);
    AstStatements again;
    Error err = ERROR_NONE;

    CHECK(statement->offset >= 0 && statement->text_bytes == strlen(statement->text));
    if (!is_printable(printed))
        return;
    /* brackets make it deeper: that may be refused */
    if (parse_sql(arena, printed, strlen(printed), NULL, &err, &again) != ST_OK)
        CHECK(strcmp(err.sqlstate, "42601") != 0);
    else
        CHECK(again.count == 1 && strcmp(ast_print_statement(arena, again.items[0]), printed) == 0);
}

static Status check_parser(void *context)
{
    const Input *input = context;
    Arena *arena = arena_new(NULL, "fuzz", ARENA_NO_CAP);
    AstStatements statements;
    Error err = ERROR_NONE;

    if (parse_sql(arena, input->text, input->bytes, NULL, &err, &statements) != ST_OK)
        CHECK(err.message[0] != '\0' && err.sql_offset <= (int64_t)input->bytes);
    for (uint32_t i = 0; i < statements.count; i++)
        check_statement(arena, statements.items[i]);
    arena_free(arena);
    return ST_OK;
}

/* Pieces follow one another and end. */
static void check_splitter(const Input *input)
{
    size_t at = 0;
    Piece piece;

    do {
        piece = line_splitter_next(input->text, input->bytes, at, true);
        CHECK(piece.next <= input->bytes && piece.start >= at && piece.end <= input->bytes);
        CHECK(piece.next > at || piece.kind == PIECE_NOTHING);
        at = piece.next;
    } while (piece.kind != PIECE_NOTHING);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    Input input = {.text = (const char *)bytes, .bytes = byte_count};

    check_splitter(&input);
    (void)!big_stack_run(BIG_STACK_BYTES, check_parser, &input, NULL);
    return 0;
}
