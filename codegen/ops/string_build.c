/* string_build.c -- functions that put texts together; see string.h */
#include <stdio.h>

#include "codegen/ops/like.h"
#include "codegen/ops/string.h"

/* Characters [0, count) of the endless repetition of fill. */
static char *add_fill(OpCtx *ctx, char *to, Str fill, int64_t count)
{
    const char *bytes = str_bytes(&fill), *end = bytes + fill.length, *at = bytes, *asked_at = to;

    for (; count > 0 && !op_must_stop_at(ctx, to, &asked_at); count--) {
        size_t character = utf8_character_bytes(at, end);

        memcpy(to, at, character);
        to += character;
        at += character;
        if (at == end)
            at = bytes;
    }
    return to;
}

Str op__pad(OpCtx *ctx, Str text, int32_t length, Str fill, bool on_left)
{
    int64_t wanted = length < 0 ? 0 : length;
    int64_t given = op_text_characters(text);
    char *out, *to;
    Str kept;

    if (wanted <= given || fill.length == 0)
        return op_characters(text, 1, wanted + 1);
    kept = text;
    out = to = op_text_new(ctx, kept.length + (size_t)(wanted - given) * 4);
    if (out == NULL)
        return text;
    if (on_left)
        to = add_fill(ctx, to, fill, wanted - given);
    memcpy(to, str_bytes(&kept), kept.length);
    to += kept.length;
    if (!on_left)
        to = add_fill(ctx, to, fill, wanted - given);
    return str_make(out, (uint32_t)(to - out));
}

Str op__repeat(OpCtx *ctx, Str text, int32_t count)
{
    size_t piece, total;
    char *out;

    if (count <= 0 || text.length == 0)
        return str_make("", 0);
    total = (size_t)text.length * (size_t)count;
    out = op_text_new(ctx, total);
    if (out == NULL)
        return text;
    /* whole texts: what is there already is copied, which doubles it */
    piece =
        text.length < OP_PIECE_BYTES ? OP_PIECE_BYTES - OP_PIECE_BYTES % text.length : text.length;
    memcpy(out, str_bytes(&text), text.length);
    for (size_t done = text.length, part; done < total; done += part) {
        part = done < piece ? done : piece;
        part = part < total - done ? part : total - done;
        if (op__must_stop(ctx, part))
            return text;
        memcpy(out + done, out, part);
    }
    return str_make(out, (uint32_t)total);
}

Str op__replace(OpCtx *ctx, Str text, Str from, Str to)
{
    const char *at = str_bytes(&text), *end = at + text.length, *found;
    const char *from_bytes = str_bytes(&from), *to_bytes = str_bytes(&to), *asked_at = at;
    size_t count = 0;
    char *out, *next;

    if (from.length == 0)
        return text;
    for (const char *p = at; (p = op__find(p, end, from_bytes, from.length)) != NULL;
         p += from.length) {
        if (op_must_stop_at(ctx, p, &asked_at))
            return text;
        count++;
    }
    if (count == 0)
        return text;
    out = next = op_text_new(ctx, text.length - count * from.length + count * to.length);
    if (out == NULL)
        return text;
    asked_at = out;
    while ((found = op__find(at, end, from_bytes, from.length)) != NULL) {
        memcpy(next, at, (size_t)(found - at));
        next += found - at;
        memcpy(next, to_bytes, to.length);
        next += to.length;
        at = found + from.length;
        if (op_must_stop_at(ctx, next, &asked_at))
            return text;
    }
    memcpy(next, at, (size_t)(end - at));
    next += end - at;
    return str_make(out, (uint32_t)(next - out));
}

Str op__overlay(OpCtx *ctx, Str text, Str part, int32_t from, int32_t count)
{
    Str before, after;

    if (from <= 0) {
        op_raise(ctx, OPERR_SUBSTRING_LENGTH);
        return text;
    }
    if ((int64_t)from + count > INT32_MAX) {
        op_raise(ctx, OPERR_INT4_RANGE);
        return text;
    }
    before = op_characters(text, 1, from);
    after = op_characters(text, (int64_t)from + count, INT64_MAX);
    return op_concat_text(ctx, op_concat_text(ctx, before, part), after);
}

Str op__chr(OpCtx *ctx, int32_t code)
{
    char bytes[16];

    if (code <= 0) {
        op_raise(ctx, code == 0 ? OPERR_CHR_NULL : OPERR_CHR_NEGATIVE);
        return str_make("", 0);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        int length = snprintf(bytes, sizeof bytes, "%d", code);

        op__raise_text(ctx, code > 0x10ffff ? OPERR_CHR_RANGE : OPERR_CHR_INVALID,
                       str_make(bytes, (uint32_t)length));
        return str_make("", 0);
    }
    return str_make(bytes, (uint32_t)utf8_encode((uint32_t)code, bytes));
}

Str op__to_hex(OpCtx *ctx, uint64_t number)
{
    char bytes[16];
    size_t at = sizeof bytes;

    do {
        bytes[--at] = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number != 0);
    return op_text_copy(ctx, bytes + at, sizeof bytes - at);
}

/* 'it''s', and E'a\\b' where there is a backslash. */
Str op__quote_literal(OpCtx *ctx, Str text)
{
    const char *bytes = str_bytes(&text);
    char *out = op_text_new(ctx, 2 * (size_t)text.length + 3), *to = out;

    if (out == NULL)
        return text;
    if (memchr(bytes, '\\', text.length) != NULL)
        *to++ = 'E';
    *to++ = '\'';
    for (uint32_t i = 0; i < text.length; i++) {
        if (bytes[i] == '\'' || bytes[i] == '\\')
            *to++ = bytes[i];
        *to++ = bytes[i];
    }
    *to++ = '\'';
    return str_make(out, (uint32_t)(to - out));
}
