/*
 * delta_write.c -- see delta_write.h
 *
 * Blocks of 128 numbers in miniblocks of 32: what other writers make, so what all readers know. The
 * differences of 32-bit numbers wrap at 32 bits, for none to need more.
 */
#include "formats/parquet/delta_write.h"

#include <string.h>

enum {
    BLOCK = 128,
    MINIBLOCKS = 4,
    MINIBLOCK = BLOCK / MINIBLOCKS,
    VARINT_BYTES_MAX = 10,
    BLOCK_BYTES_MAX = VARINT_BYTES_MAX + MINIBLOCKS + BLOCK * 8 + 8, /* 8: of the last store */
    SAMPLES = 32                                                     /* blocks looked at */
};

static uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t value_at(const void *values, uint32_t i, uint32_t value_bytes)
{
    return value_bytes == 4 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
}

/* Differences of count numbers, each to the one before it. */
static void subtract(const void *values, uint32_t from, uint32_t count, uint32_t value_bytes,
                     int64_t *deltas)
{
    if (value_bytes == 4) {
        const uint32_t *numbers = (const uint32_t *)values + from;

        for (uint32_t i = 0; i < count; i++)
            deltas[i] = (int32_t)(numbers[i] - (numbers - 1)[i]);
    } else {
        const uint64_t *numbers = (const uint64_t *)values + from;

        for (uint32_t i = 0; i < count; i++)
            deltas[i] = (int64_t)(numbers[i] - (numbers - 1)[i]);
    }
}

/* A block of differences, above the least of them: its miniblocks' widths. */
typedef struct DeltaBlock {
    int64_t least;
    uint64_t above[BLOCK]; /* zeros behind the last one */
    uint8_t widths[MINIBLOCKS];
} DeltaBlock;

static void make_block(const void *values, uint32_t from, uint32_t count, uint32_t value_bytes,
                       DeltaBlock *block)
{
    uint64_t mask = value_bytes == 4 ? UINT32_MAX : UINT64_MAX;
    int64_t deltas[BLOCK] = {0};

    subtract(values, from, count, value_bytes, deltas);
    block->least = deltas[0];
    for (uint32_t i = 1; i < count; i++)
        block->least = deltas[i] < block->least ? deltas[i] : block->least;
    for (uint32_t i = 0; i < count; i++)
        block->above[i] = ((uint64_t)deltas[i] - (uint64_t)block->least) & mask;
    memset(block->above + count, 0, (BLOCK - count) * sizeof *block->above);
    for (uint32_t m = 0; m < MINIBLOCKS; m++) {
        uint64_t bits = 0;

        for (uint32_t i = 0; i < MINIBLOCK; i++)
            bits |= block->above[m * MINIBLOCK + i];
        block->widths[m] = (uint8_t)(bits == 0 ? 0 : 64 - __builtin_clzll(bits));
    }
}

/* A miniblock's numbers take whole words of 32 bits; up to 8 bytes more are written over. */
static uint8_t *put_packed(uint8_t *to, const uint64_t *numbers, uint32_t width)
{
    uint64_t word = 0;
    uint32_t filled = 0;

    if (width == 0)
        return to;
    for (uint32_t i = 0; i < MINIBLOCK; i++) {
        word |= numbers[i] << filled;
        filled += width;
        if (filled < 64)
            continue;
        memcpy(to, &word, sizeof word);
        to += sizeof word;
        filled -= 64;
        word = filled == 0 ? 0 : numbers[i] >> (width - filled);
    }
    memcpy(to, &word, sizeof word);
    return to + filled / 8;
}

static uint8_t *put_block(uint8_t *to, const DeltaBlock *block, uint32_t count)
{
    to = put_varint(to, zigzag(block->least));
    memcpy(to, block->widths, MINIBLOCKS);
    to += MINIBLOCKS;
    for (uint32_t m = 0; m * MINIBLOCK < count; m++)
        to = put_packed(to, block->above + (size_t)m * MINIBLOCK, block->widths[m]);
    return to;
}

static void add_room(ByteBuffer *out, size_t room, const uint8_t *start, const uint8_t *end)
{
    out->count -= room - (size_t)(end - start);
}

void delta_write(ByteBuffer *out, const void *values, uint32_t count, uint32_t value_bytes)
{
    enum { HEADER_BYTES_MAX = 4 * VARINT_BYTES_MAX };
    uint8_t *start = byte_buffer_room(out, HEADER_BYTES_MAX), *at;

    if (start == NULL)
        return;
    at = put_varint(put_varint(put_varint(start, BLOCK), MINIBLOCKS), count);
    at = put_varint(at, count == 0 ? 0 : zigzag(value_at(values, 0, value_bytes)));
    add_room(out, HEADER_BYTES_MAX, start, at);
    for (uint32_t i = 1; i < count; i += BLOCK) {
        uint32_t step = count - i < BLOCK ? count - i : BLOCK;
        DeltaBlock block;

        start = byte_buffer_room(out, BLOCK_BYTES_MAX);
        if (start == NULL)
            return;
        make_block(values, i, step, value_bytes, &block);
        add_room(out, BLOCK_BYTES_MAX, start, put_block(start, &block, step));
    }
}

uint32_t delta_bits(const void *values, uint32_t count, uint32_t value_bytes)
{
    uint32_t blocks = count / BLOCK, bits = 0, seen = 0;
    uint32_t step = blocks / SAMPLES + 1;

    for (uint32_t b = 0; b < blocks; b += step, seen++) {
        DeltaBlock block;

        make_block(values, b * BLOCK + 1, BLOCK - 1, value_bytes, &block);
        for (uint32_t m = 0; m < MINIBLOCKS; m++)
            bits += block.widths[m];
    }
    return seen == 0 ? value_bytes * 8 : bits / (seen * MINIBLOCKS) + 1;
}
