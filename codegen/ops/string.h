/*
 * string.h -- functions of text
 *
 * Positions and lengths count UTF-8 characters. Parts of a text borrow its bytes; what is new is
 * allocated with op_text_new. Case is changed for Latin, Greek and Cyrillic letters, one character
 * at a time, without regard to a locale.
 */
#ifndef VONK_CODEGEN_OPS_STRING_H
#define VONK_CODEGEN_OPS_STRING_H

#include "codegen/ops/op_context.h"
#include "codegen/ops/utf8.h"

typedef enum CaseChange { CASE_LOWER, CASE_UPPER, CASE_INITCAP } CaseChange;

enum TrimSide { TRIM_LEFT = 1, TRIM_RIGHT = 2, TRIM_BOTH = 3 };

/* string_case.c */
Str op__change_case(OpCtx *ctx, Str text, CaseChange change);
Str op__reverse(OpCtx *ctx, Str text);
Str op__translate(OpCtx *ctx, Str text, Str from, Str to);

/* string_build.c */
Str op__pad(OpCtx *ctx, Str text, int32_t length, Str fill, bool on_left);
Str op__repeat(OpCtx *ctx, Str text, int32_t count);
Str op__replace(OpCtx *ctx, Str text, Str from, Str to);
Str op__overlay(OpCtx *ctx, Str text, Str part, int32_t from, int32_t count);
Str op__chr(OpCtx *ctx, int32_t code);
Str op__to_hex(OpCtx *ctx, uint64_t number);
Str op__quote_literal(OpCtx *ctx, Str text);

/* string_find.c */
Str op__split_part(OpCtx *ctx, Str text, Str delimiter, int32_t field);
int32_t op__strpos(Str text, Str part);
Str op__trim(Str text, Str characters, int32_t sides);

/* md5.c */
Str op__md5(OpCtx *ctx, Str text);

static inline Str op_slice(const char *from, const char *to)
{
    return str_make(from, (uint32_t)(to - from));
}

static inline Str op_concat_text(OpCtx *ctx, Str a, Str b)
{
    size_t length = (size_t)a.length + b.length;
    char short_text[STR_INLINE_BYTES], *text = short_text;

    if (length > STR_INLINE_BYTES)
        text = op_text_new(ctx, length);
    if (text == NULL)
        return a;
    memcpy(text, str_bytes(&a), a.length);
    memcpy(text + a.length, str_bytes(&b), b.length);
    return str_make(text, (uint32_t)length);
}

/* --- parts --- */

/* Characters [from, until) counted from 1; both may lie outside. */
static inline Str op_characters(Str text, int64_t from, int64_t until)
{
    const char *bytes = str_bytes(&text), *end = bytes + text.length, *start;

    from = from < 1 ? 1 : from;
    if (until <= from)
        return str_make("", 0);
    start = utf8_skip(bytes, end, from - 1);
    return op_slice(start, utf8_skip(start, end, until - from));
}

static inline Str op_substring_from(OpCtx *ctx, Str text, int32_t from)
{
    const char *bytes = str_bytes(&text), *end = bytes + text.length;

    (void)ctx;
    return op_slice(utf8_skip(bytes, end, (int64_t)from - 1), end);
}

static inline Str op_substring_from_for(OpCtx *ctx, Str text, int32_t from, int32_t count)
{
    op_raise_if(ctx, count < 0, OPERR_SUBSTRING_LENGTH);
    return op_characters(text, from, (int64_t)from + count);
}

static inline uint32_t op_text_characters(Str text)
{
    return utf8_count(str_bytes(&text), text.length);
}

static inline Str op_left_text(OpCtx *ctx, Str text, int32_t count)
{
    int64_t until = count >= 0 ? count : (int64_t)op_text_characters(text) + count;

    (void)ctx;
    return op_characters(text, 1, until + 1);
}

static inline Str op_right_text(OpCtx *ctx, Str text, int32_t count)
{
    int64_t all = (int64_t)op_text_characters(text);
    int64_t skipped = count >= 0 ? all - count : -(int64_t)count;

    (void)ctx;
    return op_characters(text, skipped + 1, all + 1);
}

static inline Str op_overlay_from_for(OpCtx *ctx, Str text, Str part, int32_t from, int32_t count)
{
    return op__overlay(ctx, text, part, from, count);
}

static inline Str op_overlay_from(OpCtx *ctx, Str text, Str part, int32_t from)
{
    return op__overlay(ctx, text, part, from, (int32_t)op_text_characters(part));
}

static inline Str op_split_part_text(OpCtx *ctx, Str text, Str delimiter, int32_t field)
{
    return op__split_part(ctx, text, delimiter, field);
}

/* --- numbers of a text --- */

static inline int32_t op_length_text(OpCtx *ctx, Str text)
{
    (void)ctx;
    return (int32_t)op_text_characters(text);
}

static inline int32_t op_octet_length_text(OpCtx *ctx, Str text)
{
    (void)ctx;
    return (int32_t)text.length;
}

static inline int32_t op_bit_length_text(OpCtx *ctx, Str text)
{
    (void)ctx;
    return (int32_t)(text.length * 8);
}

static inline int32_t op_strpos_text(OpCtx *ctx, Str text, Str part)
{
    (void)ctx;
    return op__strpos(text, part);
}

static inline int32_t op_ascii_text(OpCtx *ctx, Str text)
{
    const char *bytes = str_bytes(&text);

    (void)ctx;
    if (text.length == 0)
        return 0;
    return (int32_t)utf8_decode(bytes, utf8_character_bytes(bytes, bytes + text.length));
}

/* --- new texts --- */

static inline Str op_chr_int4(OpCtx *ctx, int32_t code)
{
    return op__chr(ctx, code);
}

static inline Str op_lower_text(OpCtx *ctx, Str text)
{
    return op__change_case(ctx, text, CASE_LOWER);
}

static inline Str op_upper_text(OpCtx *ctx, Str text)
{
    return op__change_case(ctx, text, CASE_UPPER);
}

static inline Str op_initcap_text(OpCtx *ctx, Str text)
{
    return op__change_case(ctx, text, CASE_INITCAP);
}

static inline Str op_reverse_text(OpCtx *ctx, Str text)
{
    return op__reverse(ctx, text);
}

static inline Str op_lpad_fill(OpCtx *ctx, Str text, int32_t length, Str fill)
{
    return op__pad(ctx, text, length, fill, true);
}

static inline Str op_lpad_text(OpCtx *ctx, Str text, int32_t length)
{
    return op__pad(ctx, text, length, str_make(" ", 1), true);
}

static inline Str op_rpad_fill(OpCtx *ctx, Str text, int32_t length, Str fill)
{
    return op__pad(ctx, text, length, fill, false);
}

static inline Str op_rpad_text(OpCtx *ctx, Str text, int32_t length)
{
    return op__pad(ctx, text, length, str_make(" ", 1), false);
}

#define STRING_TRIM(name, SIDES)                                                                   \
    static inline Str op_##name##_chars(OpCtx *ctx, Str text, Str characters)                      \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return op__trim(text, characters, SIDES);                                                  \
    }                                                                                              \
    static inline Str op_##name##_text(OpCtx *ctx, Str text)                                       \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return op__trim(text, str_make(" ", 1), SIDES);                                            \
    }

STRING_TRIM(ltrim, TRIM_LEFT)
STRING_TRIM(rtrim, TRIM_RIGHT)
STRING_TRIM(btrim, TRIM_BOTH)

static inline Str op_repeat_text(OpCtx *ctx, Str text, int32_t count)
{
    return op__repeat(ctx, text, count);
}

static inline Str op_replace_text(OpCtx *ctx, Str text, Str from, Str to)
{
    return op__replace(ctx, text, from, to);
}

static inline Str op_translate_text(OpCtx *ctx, Str text, Str from, Str to)
{
    return op__translate(ctx, text, from, to);
}

static inline Str op_md5_text(OpCtx *ctx, Str text)
{
    return op__md5(ctx, text);
}

static inline Str op_to_hex_int4(OpCtx *ctx, int32_t number)
{
    return op__to_hex(ctx, (uint32_t)number);
}

static inline Str op_to_hex_int8(OpCtx *ctx, int64_t number)
{
    return op__to_hex(ctx, (uint64_t)number);
}

static inline Str op_quote_literal_text(OpCtx *ctx, Str text)
{
    return op__quote_literal(ctx, text);
}

#endif
