/* text_internal.h -- what the text_*.c files of value_text.h share */
#ifndef VONK_CORE_DATA_TEXT_INTERNAL_H
#define VONK_CORE_DATA_TEXT_INTERNAL_H

#include "core/data/value_text.h"

/* Bytes [at, end). */
typedef struct Slice {
    const char *at, *end;
} Slice;

static inline bool text__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool text__is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline char text__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool text__is_letter(char c)
{
    return text__lower(c) >= 'a' && text__lower(c) <= 'z';
}

/* Without blanks at both ends. */
static inline Slice text__trim(const char *text, size_t length)
{
    Slice slice = {text, text + length};

    while (slice.at < slice.end && text__is_blank(*slice.at))
        slice.at++;
    while (slice.at < slice.end && text__is_blank(slice.end[-1]))
        slice.end--;
    return slice;
}

/* Whether the slice is this lower-case word, whatever its case. */
bool text__equals_word(Slice slice, const char *word);

/* Decimal digits without sign; returns their count (1..20). */
uint32_t text__print_uint64(uint64_t number, char *buffer);

/* At least `digits` digits, zero-padded. */
uint32_t text__print_padded(uint64_t number, uint32_t digits, char *buffer);

/* [-]HH:MM:SS[.ffffff] of a time span, as intervals and timestamps print it. */
uint32_t text__print_time(uint64_t micros, char *buffer);

/* HH:MM[:SS[.ffffff]] or MM:SS.ffffff at *text, which moves past it. Hours are unlimited. */
ParseResult text__scan_time(Slice *text, int64_t *micros_out);

/* Digits at *text into *number_out (at most 18, else false); text moves past them. */
bool text__scan_digits(Slice *text, int64_t *number_out, uint32_t *count_out);

/* The letters at *text; text moves past them. */
Slice text__scan_word(Slice *text);

#endif
