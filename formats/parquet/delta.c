/* delta.c -- see delta.h */
#include "formats/parquet/delta.h"

#include <string.h>

#include "formats/parquet/bit_unpack.h"
#include "formats/parquet/value_convert.h"

enum {
    VARINT_BYTES_MAX = 10,
    BLOCK_VALUES_MAX = 1 << 20,
    DELTA_WIDTH_MAX = 64, /* of 32-bit numbers, too: a difference of two may take 33 */
    GROUP = 8             /* numbers that take whole bytes, whatever their width */
};

static const char *const bad_header = "a delta header is not valid";
static const char *const too_short = "delta-coded values end too early";

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value_out)
{
    uint64_t value = 0;

    for (int i = 0; i < VARINT_BYTES_MAX && *at < end; i++) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ -(value & 1);
}

const char *delta_begin(const uint8_t *bytes, size_t byte_count, DeltaReader *reader_out)
{
    uint64_t block_values, miniblocks, values, first;

    *reader_out = (DeltaReader){.at = bytes, .end = bytes + byte_count};
    if (!read_varint(&reader_out->at, reader_out->end, &block_values) ||
        !read_varint(&reader_out->at, reader_out->end, &miniblocks) ||
        !read_varint(&reader_out->at, reader_out->end, &values) ||
        !read_varint(&reader_out->at, reader_out->end, &first))
        return bad_header;
    if (block_values == 0 || block_values > BLOCK_VALUES_MAX || miniblocks == 0 ||
        miniblocks > block_values / GROUP || block_values % miniblocks != 0 ||
        block_values / miniblocks % GROUP != 0 || values > INT32_MAX)
        return bad_header;
    reader_out->block_values = (uint32_t)block_values;
    reader_out->miniblock_count = (uint32_t)miniblocks;
    reader_out->miniblock_values = (uint32_t)(block_values / miniblocks);
    reader_out->value_count = (uint32_t)values;
    reader_out->first = unzigzag(first);
    return NULL;
}

/* A number of up to 64 bits at a bit: two loads when it spans nine bytes. */
static uint64_t load_bits(const uint8_t *from, uint64_t bit, uint32_t width)
{
    uint64_t low, high = 0;
    uint32_t shift = (uint32_t)(bit % 8);

    if (width == 0)
        return 0;
    memcpy(&low, from + bit / 8, sizeof low);
    if (shift + width > 64)
        high = (uint64_t)from[bit / 8 + 8] << (64 - shift);
    low = low >> shift | high;
    return width == 64 ? low : low & (((uint64_t)1 << width) - 1);
}

static void store(void *to, uint32_t value_bytes, uint32_t i, uint64_t value)
{
    if (value_bytes == 4)
        ((uint32_t *)to)[i] = (uint32_t)value;
    else
        ((uint64_t *)to)[i] = value;
}

/* count deltas of one miniblock, added up from *last on. */
static void read_miniblock(const uint8_t *from, uint32_t width, uint64_t delta_min, uint32_t count,
                           uint32_t value_bytes, uint64_t *last, void *to, uint32_t start)
{
    uint64_t value = *last;

    for (uint32_t i = 0; i < count;) {
        uint32_t step = count - i < GROUP ? count - i : GROUP;
        uint32_t group[GROUP];

        if (width > 0 && width <= 32)
            bit_unpack_groups(from + (size_t)i / GROUP * width, width, 1, group);
        for (uint32_t k = 0; k < step; k++, i++) {
            uint64_t delta =
                width > 0 && width <= 32 ? group[k] : load_bits(from, (uint64_t)i * width, width);

            value += delta_min + delta;
            store(to, value_bytes, start + i, value);
        }
    }
    *last = value;
}

const char *delta_read(DeltaReader *reader, uint32_t value_bytes, void *to)
{
    uint64_t last = reader->first;
    uint32_t done = 1;

    if (reader->value_count == 0)
        return NULL;
    store(to, value_bytes, 0, last);
    while (done < reader->value_count) {
        const uint8_t *widths;
        uint64_t delta_min;

        if (!read_varint(&reader->at, reader->end, &delta_min) ||
            (size_t)(reader->end - reader->at) < reader->miniblock_count)
            return too_short;
        widths = reader->at;
        reader->at += reader->miniblock_count;
        for (uint32_t m = 0; m < reader->miniblock_count && done < reader->value_count; m++) {
            uint32_t left = reader->value_count - done;
            uint32_t count = left < reader->miniblock_values ? left : reader->miniblock_values;
            size_t there = (size_t)(reader->end - reader->at);
            size_t needed = ((size_t)count * widths[m] + 7) / 8;
            size_t whole = (size_t)reader->miniblock_values * widths[m] / 8;

            if (widths[m] > DELTA_WIDTH_MAX || needed > there)
                return too_short;
            read_miniblock(reader->at, widths[m], unzigzag(delta_min), count, value_bytes, &last,
                           to, done);
            reader->at += whole < there ? whole : there;
            done += count;
        }
    }
    return NULL;
}

const char *delta_length_texts(const uint8_t *bytes, size_t byte_count, const int32_t *lengths,
                               uint32_t count, Str *to)
{
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || (size_t)lengths[i] > byte_count)
            return "a delta-coded length is out of range";
        to[i] = value_make_text(bytes, (uint32_t)lengths[i]);
        bytes += lengths[i];
        byte_count -= (size_t)lengths[i];
    }
    return NULL;
}

const char *delta_prefix_measure(const int32_t *prefixes, const Str *suffixes, uint32_t count,
                                 uint64_t *byte_count_out)
{
    uint64_t total = 0, previous = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (prefixes[i] < 0 || (uint64_t)prefixes[i] > previous)
            return "a delta-coded prefix is longer than the text before";
        previous = (uint64_t)prefixes[i] + suffixes[i].length;
        if (previous > INT32_MAX)
            return "a delta-coded text is too long";
        total += previous;
    }
    *byte_count_out = total;
    return NULL;
}

void delta_prefix_texts(const int32_t *prefixes, const Str *suffixes, uint32_t count, char *bytes,
                        Str *to)
{
    const char *previous = bytes;

    for (uint32_t i = 0; i < count; i++) {
        char *start = bytes;

        memcpy(bytes, previous, (size_t)prefixes[i]);
        bytes += prefixes[i];
        memcpy(bytes, str_bytes(&suffixes[i]), suffixes[i].length);
        bytes += suffixes[i].length;
        to[i] = str_make(start, (uint32_t)(bytes - start));
        previous = start;
    }
}

/* Value i of 4 or 8 bytes, one of each stream: the compiler makes vectors of it. */
#define BYTE(CType, k) (CType)((CType)from[(k) * (size_t)count + i] << 8 * (k))

static void merge_4(const uint8_t *restrict from, uint32_t count, uint8_t *restrict to)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value =
            BYTE(uint32_t, 0) | BYTE(uint32_t, 1) | BYTE(uint32_t, 2) | BYTE(uint32_t, 3);

        memcpy(to + (size_t)i * sizeof value, &value, sizeof value);
    }
}

static void merge_8(const uint8_t *restrict from, uint32_t count, uint8_t *restrict to)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = BYTE(uint64_t, 0) | BYTE(uint64_t, 1) | BYTE(uint64_t, 2) |
                         BYTE(uint64_t, 3) | BYTE(uint64_t, 4) | BYTE(uint64_t, 5) |
                         BYTE(uint64_t, 6) | BYTE(uint64_t, 7);

        memcpy(to + (size_t)i * sizeof value, &value, sizeof value);
    }
}

void byte_stream_merge(const uint8_t *from, uint32_t count, uint32_t value_bytes, uint8_t *to)
{
    if (value_bytes == 4)
        merge_4(from, count, to);
    else if (value_bytes == 8)
        merge_8(from, count, to);
    else
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < value_bytes; k++)
                to[(size_t)i * value_bytes + k] = from[(size_t)k * count + i];
}
