/* hybrid.c -- see hybrid.h */
#include "formats/parquet/hybrid.h"

#include <string.h>

enum { VARINT_BYTES_MAX = 5 };

/* A run's header; false at the end of the bytes. */
static bool read_header(const uint8_t **at, const uint8_t *end, uint32_t *header_out)
{
    uint64_t header = 0;

    for (int i = 0; i < VARINT_BYTES_MAX && *at < end; i++) {
        uint8_t byte = *(*at)++;

        header |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *header_out = (uint32_t)header;
            return header <= UINT32_MAX;
        }
    }
    return false;
}

HybridReader hybrid_reader(const uint8_t *bytes, size_t byte_count, uint32_t width)
{
    return (HybridReader){.at = bytes,
                          .end = bytes + byte_count,
                          .width = width,
                          .repeats_left = width == 0 ? UINT32_MAX : 0};
}

/* Numbers of a run of `groups` that the bytes really hold: the last run of a page may be cut. */
static uint32_t packed_count(const HybridReader *reader, uint32_t groups)
{
    uint64_t promised = (uint64_t)groups * 8;
    uint64_t there = (uint64_t)(reader->end - reader->at) * 8 / reader->width;

    promised = promised < there ? promised : there;
    return promised > UINT32_MAX ? UINT32_MAX : (uint32_t)promised;
}

static bool next_run(HybridReader *reader)
{
    uint32_t header, value_bytes = (reader->width + 7) / 8;

    if (reader->width == 0) {
        reader->repeats_left = UINT32_MAX;
        return true;
    }
    if (!read_header(&reader->at, reader->end, &header))
        return false;
    if (header & 1) {
        reader->packed_left = packed_count(reader, header >> 1);
        return true;
    }
    if ((size_t)(reader->end - reader->at) < value_bytes)
        return false;
    reader->repeat_value = 0;
    memcpy(&reader->repeat_value, reader->at, value_bytes);
    reader->at += value_bytes;
    reader->repeats_left = header >> 1;
    return true;
}

/* Takes the next group into the spare numbers. */
static void take_group(HybridReader *reader)
{
    uint32_t count = reader->packed_left < 8 ? reader->packed_left : 8;

    if (count < 8) { /* what follows the cut run's bytes is not part of it */
        uint8_t last[HYBRID_WIDTH_MAX + BIT_UNPACK_SLOP_BYTES] = {0};

        memcpy(last, reader->at, (size_t)(reader->end - reader->at));
        bit_unpack_groups(last, reader->width, 1, reader->spare);
        reader->at = reader->end;
    } else {
        bit_unpack_groups(reader->at, reader->width, 1, reader->spare);
        reader->at += reader->width;
    }
    reader->packed_left -= count;
    reader->spare_start = 0;
    reader->spare_end = count;
}

static uint32_t take_spare(HybridReader *reader, uint32_t *to, uint32_t count, uint32_t *largest)
{
    uint32_t spare = reader->spare_end - reader->spare_start;

    count = count < spare ? count : spare;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = reader->spare[reader->spare_start++];

        *largest = value > *largest ? value : *largest;
        if (to != NULL)
            to[i] = value;
    }
    return count;
}

static void fill(uint32_t *to, uint32_t value, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = value;
}

/* Numbers of the current run; 0 when it is used up. to NULL: passes over them. */
static uint32_t take_run(HybridReader *reader, uint32_t *to, uint32_t count, uint32_t *largest)
{
    uint32_t group_count, seen = 0;

    if (reader->spare_start < reader->spare_end)
        return take_spare(reader, to, count, largest);
    if (reader->repeats_left > 0) {
        count = count < reader->repeats_left ? count : reader->repeats_left;
        if (to != NULL)
            fill(to, reader->repeat_value, count);
        reader->repeats_left -= count;
        *largest = reader->repeat_value > *largest ? reader->repeat_value : *largest;
        return count;
    }
    if (reader->packed_left == 0)
        return 0;
    group_count = (count < reader->packed_left ? count : reader->packed_left) / 8;
    if (group_count == 0) {
        take_group(reader);
        return take_spare(reader, to, count, largest);
    }
    if (to != NULL)
        seen = bit_unpack_groups(reader->at, reader->width, group_count, to);
    reader->at += (size_t)group_count * reader->width;
    reader->packed_left -= group_count * 8;
    *largest = seen > *largest ? seen : *largest;
    return group_count * 8;
}

bool hybrid_read(HybridReader *reader, uint32_t *to, uint32_t count, uint32_t *largest_out)
{
    *largest_out = 0;
    while (count > 0) {
        uint32_t taken = take_run(reader, to, count, largest_out);

        if (taken == 0 && !next_run(reader))
            return false;
        to += taken;
        count -= taken;
    }
    return true;
}

bool hybrid_skip(HybridReader *reader, uint32_t count)
{
    uint32_t largest = 0;

    while (count > 0) {
        uint32_t taken = take_run(reader, NULL, count, &largest);

        if (taken == 0 && !next_run(reader))
            return false;
        count -= taken;
    }
    return true;
}

LevelReader level_reader(const uint8_t *bytes, size_t byte_count)
{
    return (LevelReader){.at = bytes, .end = bytes + byte_count};
}

LevelReader level_reader_old(const uint8_t *bytes, size_t byte_count)
{
    return (LevelReader){.at = bytes,
                         .end = bytes + byte_count,
                         .left =
                             byte_count > UINT32_MAX / 8 ? UINT32_MAX : (uint32_t)byte_count * 8,
                         .is_packed = true,
                         .is_old = true};
}

static bool next_level_run(LevelReader *reader)
{
    uint32_t header;
    uint64_t promised, there;

    if (reader->is_old)
        return false;
    if (reader->is_packed) { /* leave the run that ended */
        reader->at += reader->start / 8;
        reader->is_packed = false;
    }
    if (!read_header(&reader->at, reader->end, &header))
        return false;
    reader->is_packed = header & 1;
    reader->start = 0;
    if (reader->is_packed) {
        promised = (uint64_t)(header >> 1) * 8;
        there = (uint64_t)(reader->end - reader->at) * 8;
        promised = promised < there ? promised : there;
        reader->left = promised > UINT32_MAX - 7 ? UINT32_MAX - 7 : (uint32_t)promised;
        return true;
    }
    if (reader->at == reader->end || *reader->at > 1)
        return false;
    reader->repeat_bit = *reader->at++ == 1;
    reader->left = header >> 1;
    return true;
}

enum { STEP_BITS = 56 }; /* fit one 8-byte load from any bit of its first byte */

/* The packed run's next count <= STEP_BITS levels as the low bits of a word. */
static uint64_t packed_levels(const LevelReader *reader, uint32_t count)
{
    uint64_t word = 0;

    if (reader->is_old) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t bit = reader->start + i;

            word |= (uint64_t)(reader->at[bit / 8] >> (7 - bit % 8) & 1) << i;
        }
        return word;
    }
    memcpy(&word, reader->at + reader->start / 8, sizeof word);
    return word >> (reader->start % 8) & (((uint64_t)1 << count) - 1);
}

/* Overwrites count <= STEP_BITS bits from start on. */
static void put_bits(uint64_t *bits, uint32_t start, uint64_t word, uint32_t count)
{
    uint64_t mask = ((uint64_t)1 << count) - 1;
    uint32_t shift = start % 64;

    bits += start / 64;
    bits[0] = (bits[0] & ~(mask << shift)) | word << shift;
    if (shift + count > 64)
        bits[1] = (bits[1] & ~(mask >> (64 - shift))) | word >> (64 - shift);
}

bool level_read(LevelReader *reader, uint64_t *bits, uint32_t start, uint32_t count,
                uint32_t *ones_out)
{
    uint32_t ones = 0;

    *ones_out = 0;
    while (count > 0) {
        uint32_t step = count < STEP_BITS ? count : STEP_BITS;
        uint64_t word;

        if (reader->left == 0) {
            if (!next_level_run(reader))
                return false;
            continue;
        }
        if (bits == NULL && !reader->is_packed)
            step = count; /* counting a run of any length is one step */
        step = step < reader->left ? step : reader->left;
        if (reader->is_packed)
            word = packed_levels(reader, step);
        else
            word = reader->repeat_bit ? ((uint64_t)1 << step % 64) - 1 : 0;
        if (reader->is_packed)
            ones += (uint32_t)__builtin_popcountll(word);
        else
            ones += reader->repeat_bit ? step : 0;
        if (bits != NULL)
            put_bits(bits, start, word, step);
        if (reader->is_packed)
            reader->start += step;
        reader->left -= step;
        start += step;
        count -= step;
    }
    *ones_out = ones;
    return true;
}
