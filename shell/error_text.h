/*
 * error_text.h -- errors for people: the line, a caret, what to do
 *
 *     ERROR:  column "quantty" does not exist
 *     LINE 2:   sum(quantty)
 *                   ^
 *     HINT:  Perhaps you meant "quantity".
 */
#ifndef VONK_SHELL_ERROR_TEXT_H
#define VONK_SHELL_ERROR_TEXT_H

#include "core/base/str.h"

/* The text that a statement stands in. */
typedef struct SourceText {
    const char *file; /* NULL: typed, or -c */
    const char *text;
    size_t bytes;
    uint32_t first_line; /* number of text's first line in the file, from 1 */
} SourceText;

/* The error as text with line breaks. statement_start: what err->sql_offset counts from.
 * source NULL: the error is about no SQL. */
void error_text_add(StrBuf *buf, const Error *err, const SourceText *source, size_t statement_start,
                    bool has_color);

#endif
