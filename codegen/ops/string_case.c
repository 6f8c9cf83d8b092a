/* string_case.c -- functions that go through a text character by character; see string.h */
#include "codegen/ops/string.h"

/* Pairs of capital (even) and small (odd) letters in the Latin Extended-A block, with its odd
 * parts. */
static uint32_t lower_latin_a(uint32_t code)
{
    if (code == 0x130) /* dotted capital I */
        return 'i';
    if (code == 0x178) /* Y with diaeresis */
        return 0xff;
    if ((code >= 0x139 && code <= 0x147) || (code >= 0x179 && code <= 0x17d))
        return code + (code & 1); /* there the capitals are odd */
    return code == 0x138 || code == 0x149 || code == 0x17f ? code : code | 1;
}

static uint32_t upper_latin_a(uint32_t code)
{
    if (code == 0x131) /* dotless i */
        return 'I';
    if (code == 0x17f) /* long s */
        return 'S';
    if ((code >= 0x13a && code <= 0x148) || (code >= 0x17a && code <= 0x17e))
        return code - !(code & 1);
    return code == 0x138 || code == 0x149 || code == 0x130 || code == 0x178 ? code : code & ~1u;
}

static uint32_t lower_code(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    if (code >= 0xc0 && code <= 0xde && code != 0xd7)
        return code + 32;
    if (code >= 0x100 && code <= 0x17f)
        return lower_latin_a(code);
    if ((code >= 0x391 && code <= 0x3a1) || (code >= 0x3a3 && code <= 0x3ab))
        return code + 32;
    if (code == 0x386)
        return 0x3ac;
    if (code >= 0x388 && code <= 0x38a)
        return code + 37;
    if (code == 0x38c)
        return 0x3cc;
    if (code == 0x38e || code == 0x38f)
        return code + 63;
    if (code >= 0x410 && code <= 0x42f)
        return code + 32;
    if (code >= 0x400 && code <= 0x40f)
        return code + 80;
    return code;
}

static uint32_t upper_code(uint32_t code)
{
    if (code < 0x80)
        return code >= 'a' && code <= 'z' ? code - 32 : code;
    if (code == 0xb5)
        return 0x39c;
    if (code == 0xff)
        return 0x178;
    if (code >= 0xe0 && code <= 0xfe && code != 0xf7)
        return code - 32;
    if (code >= 0x100 && code <= 0x17f)
        return upper_latin_a(code);
    if (code == 0x3c2) /* final sigma */
        return 0x3a3;
    if (code >= 0x3b1 && code <= 0x3cb)
        return code - 32;
    if (code == 0x3ac)
        return 0x386;
    if (code >= 0x3ad && code <= 0x3af)
        return code - 37;
    if (code == 0x3cc)
        return 0x38c;
    if (code == 0x3cd || code == 0x3ce)
        return code - 63;
    if (code >= 0x430 && code <= 0x44f)
        return code - 32;
    if (code >= 0x450 && code <= 0x45f)
        return code - 80;
    return code;
}

static bool is_word_code(uint32_t code)
{
    return (code >= '0' && code <= '9') || lower_code(code) != code || upper_code(code) != code ||
           code == 0xdf;
}

/* Changes the case of the letters a to z (or A to Z, from) in as many leading groups of 8 bytes as
 * are ASCII; returns their bytes. */
static size_t change_ascii(const char *at, size_t bytes, char from, char *to)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t done = 0;

    for (; done + 8 <= bytes; done += 8) {
        uint64_t group, is_letter;

        memcpy(&group, at + done, 8);
        if ((group & tops) != 0)
            break;
        /* a byte's top bit: at least `from`, and not past the 26th letter */
        is_letter = (group + ones * (uint64_t)(0x80 - from)) &
                    ~(group + ones * (uint64_t)(0x80 - from - 26)) & tops;
        group ^= is_letter >> 2; /* 0x20 */
        memcpy(to + done, &group, 8);
    }
    return done;
}

Str op__change_case(OpCtx *ctx, Str text, CaseChange change)
{
    const char *at = str_bytes(&text), *end = at + text.length;
    const char *asked_at = at;
    char short_text[STR_INLINE_BYTES + 4], *out, *to;
    bool in_word = false;

    /* no letter's other case is more than one byte longer */
    out = text.length * 2 <= sizeof short_text ? short_text
                                               : op_text_new(ctx, text.length * (size_t)2);
    if (out == NULL)
        return text;
    to = out;
    if (change != CASE_INITCAP) {
        size_t bytes = change_ascii(at, text.length, change == CASE_UPPER ? 'a' : 'A', to);

        at += bytes;
        to += bytes;
    }
    while (at < end && !op_must_stop_at(ctx, at, &asked_at)) {
        size_t bytes = utf8_character_bytes(at, end);
        uint32_t code = utf8_decode(at, bytes);
        bool to_upper = change == CASE_UPPER || (change == CASE_INITCAP && !in_word);
        uint32_t changed = to_upper ? upper_code(code) : lower_code(code);

        if (change == CASE_INITCAP)
            in_word = is_word_code(code);
        if (changed == code) {
            memcpy(to, at, bytes);
            to += bytes;
        } else {
            to += utf8_encode(changed, to);
        }
        at += bytes;
    }
    return str_make(out, (uint32_t)(to - out));
}

Str op__reverse(OpCtx *ctx, Str text)
{
    const char *at = str_bytes(&text), *end = at + text.length, *asked_at = at;
    char short_text[STR_INLINE_BYTES], *out, *to;

    out = text.length <= sizeof short_text ? short_text : op_text_new(ctx, text.length);
    if (out == NULL)
        return text;
    for (to = out + text.length; at < end && !op_must_stop_at(ctx, at, &asked_at);) {
        size_t bytes = utf8_character_bytes(at, end);

        to -= bytes;
        memcpy(to, at, bytes);
        at += bytes;
    }
    return str_make(out, text.length);
}

/* The place of the character at `at` in set, counted from 0, or -1. */
static int64_t character_index(const char *at, size_t bytes, Str set)
{
    const char *member = str_bytes(&set), *end = member + set.length;

    for (int64_t index = 0; member < end; index++) {
        size_t member_bytes = utf8_character_bytes(member, end);

        if (member_bytes == bytes && memcmp(member, at, bytes) == 0)
            return index;
        member += member_bytes;
    }
    return -1;
}

Str op__translate(OpCtx *ctx, Str text, Str from, Str to)
{
    const char *at = str_bytes(&text), *end = at + text.length;
    const char *to_bytes = str_bytes(&to), *to_end = to_bytes + to.length, *asked_at = at;
    char *out = op_text_new(ctx, (size_t)text.length * 4), *next = out;

    if (out == NULL)
        return text;
    while (at < end && !op_must_stop_at(ctx, at, &asked_at)) {
        size_t bytes = utf8_character_bytes(at, end);
        int64_t index = character_index(at, bytes, from);
        const char *source = index < 0 ? at : utf8_skip(to_bytes, to_end, index);
        const char *source_end = index < 0 ? end : to_end;

        if (source < source_end) { /* else there is nothing in its place: it is dropped */
            size_t source_bytes = utf8_character_bytes(source, source_end);

            memcpy(next, source, source_bytes);
            next += source_bytes;
        }
        at += bytes;
    }
    return str_make(out, (uint32_t)(next - out));
}
