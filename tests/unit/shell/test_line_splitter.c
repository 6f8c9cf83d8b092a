/*
 * test_line_splitter.c -- where statements end
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/line_splitter.h"

/* Pieces as S[text], X[text] (ended by \gx), C[command], and at the end what is missing. */
typedef struct Row {
    const char *text;
    const char *pieces;
} Row;

static const Row rows[] = {
    {"", ""},
    {"  -- c\n ;; \n", ""},
    {"select 1;", "S[select 1]"},
    {" select 1 ; select 2;", "S[select 1]S[select 2]"},
    {"select 1", "need ;"},
    {"select ';'", "need ;"},
    {"select ';", "need '"},
    {"select \";", "need \""},
    {"select $$;", "need '"},
    {"select /* ;", "need */"},
    {"/* ;", "need */"},
    {"select (1;2", "need )"},
    {"select (1;2);", "S[select (1;2)]"},
    {"select ')' ) ;", "S[select ')' )]"},
    {"select 1 -- ;\n;", "S[select 1]"},
    {"select 1 -- end", "need ;"},
    {"select $a$;$$;$a$;", "S[select $a$;$$;$a$]"},
    {"select 1 \\g", "S[select 1]"},
    {"select 1 \\gx\nselect 2;", "X[select 1]S[select 2]"},
    {"\\d\n", "C[\\d]"},
    {"\\d t\nselect 1;", "C[\\d t]S[select 1]"},
    {"select 1; \\x\nselect 2;", "S[select 1]C[\\x]S[select 2]"},
    {"select '\\g';", "S[select '\\g']"},
};

static const char *pieces_of(const char *text)
{
    static const char *const needs[] = {"need ;", "need '", "need \"", "need */", "need )"};
    static const char *const kinds[] = {"", "S", "C", ""};
    static char printed[512];
    size_t bytes = strlen(text), at = 0;
    char *to = printed;
    Piece piece;

    printed[0] = '\0';
    do {
        piece = line_splitter_next(text, bytes, at, false);
        ck_assert_uint_le(piece.start, piece.end);
        ck_assert_uint_le(piece.next, bytes);
        if (piece.kind == PIECE_INCOMPLETE)
            to = stpcpy(to, needs[piece.need]);
        if (piece.kind == PIECE_STATEMENT || piece.kind == PIECE_COMMAND)
            to += snprintf(to, sizeof printed - (size_t)(to - printed), "%s[%.*s]",
                           piece.is_expanded ? "X" : kinds[piece.kind],
                           (int)(piece.end - piece.start), text + piece.start);
        at = piece.next;
    } while (piece.kind == PIECE_STATEMENT || piece.kind == PIECE_COMMAND);
    return printed;
}

START_TEST(test_pieces)
{
    ck_assert_str_eq(pieces_of(rows[_i].text), rows[_i].pieces);
}
END_TEST

START_TEST(test_last_text_is_a_statement)
{
    Piece piece = line_splitter_next("select 'a", 9, 0, true);

    ck_assert_int_eq(piece.kind, PIECE_STATEMENT);
    ck_assert_uint_eq(piece.end, 9);
    piece = line_splitter_next("select 1 -- x\n", 14, 0, true);
    ck_assert_int_eq(piece.kind, PIECE_STATEMENT);
    ck_assert_uint_eq(piece.end, 8);
    ck_assert_int_eq(line_splitter_next("/* a", 4, 0, true).kind, PIECE_NOTHING);
}
END_TEST

/* Cut after every line, and after every byte: what is resumed is what is split anew. */
START_TEST(test_resumed)
{
    static const char text[] =
        "\nselect ( 'a\n;b'\n'c' /* ;\n( */ , \"x\n;\" -- ;\n || $$ ; $t$ $$\n"
        ", (1\n- -2) \n) \\gx\nselect 2;";
    bool by_line = _i == 0;
    PieceProgress progress = {0};
    Piece piece, anew;

    for (size_t bytes = 1; bytes < sizeof text; bytes++) {
        if (by_line && text[bytes - 1] != '\n')
            continue;
        piece = line_splitter_resume(text, bytes, &progress);
        anew = line_splitter_next(text, bytes, 0, false);
        ck_assert_msg(piece.kind == anew.kind && piece.next == anew.next, "at %zu: kind %d, not %d",
                      bytes, (int)piece.kind, (int)anew.kind);
        if (piece.kind == PIECE_INCOMPLETE)
            ck_assert_msg(piece.need == anew.need && piece.start == anew.start &&
                              piece.end == anew.end,
                          "at %zu: need %d, not %d", bytes, (int)piece.need, (int)anew.need);
        if (piece.kind == PIECE_STATEMENT)
            return;
    }
    ck_abort_msg("no statement");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("line_splitter");
    TCase *cases = tcase_create("line_splitter");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(cases, test_pieces, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(cases, test_last_text_is_a_statement);
    tcase_add_loop_test(cases, test_resumed, 0, 2);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
