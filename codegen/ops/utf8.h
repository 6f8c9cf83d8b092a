/* utf8.h -- characters of UTF-8 text; damaged text is walked without leaving it */
#ifndef VONK_CODEGEN_OPS_UTF8_H
#define VONK_CODEGEN_OPS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the character at `at`, its continuation bytes as they come. */
static inline size_t utf8_character_bytes(const char *at, const char *end)
{
    const char *next = at + 1;

    if ((unsigned char)*at < 0x80)
        return 1;
    while (next < end && next - at < 4 && utf8_continues(*next))
        next++;
    return (size_t)(next - at);
}

static inline uint32_t utf8_count(const char *text, uint32_t length)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < length; i++)
        count += !utf8_continues(text[i]);
    return count;
}

/* Past the next `characters`, at most to end. */
static inline const char *utf8_skip(const char *at, const char *end, int64_t characters)
{
    while (characters > 0 && at < end) {
        at += utf8_character_bytes(at, end);
        characters--;
    }
    return at;
}

/* The code point of the character at `at`. */
static inline uint32_t utf8_decode(const char *at, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)at;

    if (bytes == 2)
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (bytes == 3)
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    if (bytes == 4)
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    return p[0];
}

/* Writes 1 to 4 bytes and returns how many. */
static inline size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

#endif
