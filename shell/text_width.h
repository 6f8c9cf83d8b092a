/*
 * text_width.h -- how wide text is on a terminal, and making it safe to show there
 */
#ifndef VONK_SHELL_TEXT_WIDTH_H
#define VONK_SHELL_TEXT_WIDTH_H

#include "core/base/str.h"

/* Cells that UTF-8 text takes; bytes that are no UTF-8 take one each. Needs setlocale(LC_CTYPE). */
size_t text_width(const char *text, size_t bytes);

/* Bytes of the longest prefix that is at most width cells wide. */
size_t text_prefix_bytes(const char *text, size_t bytes, size_t width);

/* Characters (code points) of UTF-8 text. */
size_t text_characters(const char *text, size_t bytes);

/* Appends text with control characters spelt out, so that no value can steer the terminal: \x1B,
 * \r, a tab as spaces. Line breaks are kept. */
void text_add_printable(StrBuf *buf, const char *text, size_t bytes);

#endif
