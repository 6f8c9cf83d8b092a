/* hybrid_write.c -- see hybrid_write.h */
#include "formats/parquet/hybrid_write.h"

enum { GROUP = 8, PACKED_GROUPS_MAX = 1 << 20 };

uint32_t hybrid_width(uint32_t largest)
{
    return largest == 0 ? 0 : 32 - (uint32_t)__builtin_clz(largest);
}

static void put_varint(ByteBuffer *out, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        byte_buffer_byte(out, (uint8_t)(value | 0x80));
    byte_buffer_byte(out, (uint8_t)value);
}

static void put_repeat(ByteBuffer *out, uint32_t number, uint32_t count, uint32_t width)
{
    put_varint(out, count << 1);
    byte_buffer_add(out, &number, (width + 7) / 8);
}

/* Numbers [0, count) and zeros up to whole groups of eight. */
static void put_packed(ByteBuffer *out, const uint32_t *numbers, uint32_t count, uint32_t width)
{
    uint32_t group_count = (count + GROUP - 1) / GROUP, filled = 0;
    uint64_t word = 0;
    uint8_t *to;

    put_varint(out, group_count << 1 | 1);
    to = byte_buffer_room(out, (size_t)group_count * width);
    if (to == NULL)
        return;
    for (uint32_t i = 0; i < group_count * GROUP; i++) {
        word |= (uint64_t)(i < count ? numbers[i] : 0) << filled;
        for (filled += width; filled >= 8; filled -= 8, word >>= 8)
            *to++ = (uint8_t)word;
    }
}

/* How many numbers from the first on are equal. */
static uint32_t repeats(const uint32_t *numbers, uint32_t count)
{
    uint32_t same = 1;

    while (same < count && numbers[same] == numbers[0])
        same++;
    return same;
}

void hybrid_write(ByteBuffer *out, const uint32_t *numbers, uint32_t count, uint32_t width)
{
    uint32_t packed = 0; /* numbers waiting in front of `at`, whole groups */

    for (uint32_t at = 0; at < count;) {
        uint32_t same = repeats(numbers + at, count - at);

        if (same >= GROUP) {
            if (packed > 0)
                put_packed(out, numbers + at - packed, packed, width);
            packed = 0;
            put_repeat(out, numbers[at], same, width);
            at += same;
            continue;
        }
        /* a bit-packed run must hold whole groups, unless it is the last */
        same = count - at < GROUP ? count - at : GROUP;
        packed += same;
        at += same;
        if (packed == PACKED_GROUPS_MAX * GROUP || at == count) {
            put_packed(out, numbers + at - packed, packed, width);
            packed = 0;
        }
    }
}
