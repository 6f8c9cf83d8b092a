/*
 * line_splitter.h -- where statements end in text that may go on
 *
 *     "select 1; select ';' -- ;\n" -> STATEMENT "select 1", then INCOMPLETE "select ';' -- ;"
 *
 * A statement ends at a semicolon outside strings, quoted names, comments and brackets, or at \g or
 * \gx. A line that begins with a backslash where no statement has begun is a command of the shell.
 */
#ifndef VONK_SHELL_LINE_SPLITTER_H
#define VONK_SHELL_LINE_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum PieceKind {
    PIECE_NOTHING, /* only space and comments were left    */
    PIECE_STATEMENT,
    PIECE_COMMAND,   /* \d lineitem, to the end of its line */
    PIECE_INCOMPLETE /* a statement has begun: more text is needed */
} PieceKind;

/* Why a statement is incomplete, for the prompt. */
typedef enum PieceNeed {
    NEED_SEMICOLON,
    NEED_QUOTE,
    NEED_DOUBLE_QUOTE,
    NEED_COMMENT_END,
    NEED_BRACKET
} PieceNeed;

typedef struct Piece {
    PieceKind kind;
    PieceNeed need;
    size_t start, end; /* without the semicolon or \g                 */
    size_t next;       /* where the next piece begins                 */
    bool is_expanded;  /* ended by \gx                                */
} Piece;

/* The piece at or after `at`. is_last: no more text comes, so that what is left is a statement. */
Piece line_splitter_next(const char *text, size_t bytes, size_t at, bool is_last);

/* How far a piece has been looked at, for text that grows: all zero where it begins. */
typedef struct PieceProgress {
    size_t start;    /* of the piece */
    size_t at;       /* of its last token, which more text may make longer; 0: none was seen */
    size_t brackets; /* open before that token */
    size_t end;      /* of the piece without it */
    PieceNeed need;
} PieceProgress;

/* The piece at the text's start, or what it is so far; looks only at what has been added behind the
 * text since the last call. */
Piece line_splitter_resume(const char *text, size_t bytes, PieceProgress *progress);

#endif
