/* utf8_check.c -- see utf8_check.h */
#include "core/base/utf8_check.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the sequence that starts here, 0 when it is none (Unicode 15, table 3-7). */
static size_t sequence_bytes(const uint8_t *at, size_t left)
{
    uint8_t first = at[0], low = 0x80, high = 0xbf;
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (length == 0 || first > 0xf4 || length > left)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (length > 1 && (at[1] < low || at[1] > high))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool utf8_is_valid(const char *text, size_t byte_count)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint64_t high_bits = 0x8080808080808080;

    while (byte_count > 0) {
        uint64_t word;
        size_t length;

        if (byte_count >= sizeof word) {
            memcpy(&word, at, sizeof word);
            if ((word & high_bits) == 0) {
                at += sizeof word;
                byte_count -= sizeof word;
                continue;
            }
        }
        length = sequence_bytes(at, byte_count);
        if (length == 0)
            return false;
        at += length;
        byte_count -= length;
    }
    return true;
}

bool utf8_is_ascii(const void *bytes, size_t byte_count)
{
    const uint8_t *at = bytes;
    uint64_t seen = 0;

    for (; byte_count >= 64; at += 64, byte_count -= 64) {
        uint64_t words[8];

        memcpy(words, at, sizeof words);
        seen |= (words[0] | words[1]) | (words[2] | words[3]) | (words[4] | words[5]) |
                (words[6] | words[7]);
    }
    for (size_t i = 0; i < byte_count; i++)
        seen |= at[i];
    return (seen & 0x8080808080808080) == 0;
}
