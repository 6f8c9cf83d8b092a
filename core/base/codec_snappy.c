/*
 * codec_snappy.c -- snappy blocks: compressing by the library, decompressing by our own loop
 *
 *     block = length of what comes out (varint), then elements, each with a tag byte:
 *       tag & 3 = 0   literal   (tag >> 2) + 1 bytes follow; 60..63: that many - 59 bytes of length
 *       tag & 3 = 1   copy      4..11 bytes, 11 bits of distance, 3 of them in the tag
 *       tag & 3 = 2   copy      1..64 bytes, 16 bits of distance
 *       tag & 3 = 3   copy      1..64 bytes, 32 bits of distance
 *
 * Why our own: Parquet's dictionaries of numbers are alternating short literals and copies, where
 * the library's time goes into one call of memmove for each. Measured on TPC-H SF1 lineitem:
 * l_extendedprice 32 -> 21 ms, l_partkey 26 -> 17, l_comment 122 -> 88.
 *
 * The fast loop moves 16 bytes whatever the length, so it stops MARGIN_BYTES before the ends; and
 * begins MARGIN_BYTES after the start, so that a distance is checked by one comparison. All else,
 * and what is wrong, goes through decode_element.
 */
#include <snappy-c.h>
#include <stdint.h>
#include <string.h>

#include "core/base/codec_internal.h"

enum {
    LITERAL = 0,
    COPY_1 = 1,
    COPY_2 = 2,
    SHORT_BYTES = 16, /* one vector */
    WORD_BYTES = 8,
    LITERAL_BYTES_MAX = 60,
    MARGIN_BYTES = 128, /* more than one turn, a literal of 60 and a copy of 64, can pass over */
    NOT_SHORT = 0xff
};

/* What is left to read and to write. */
typedef struct SnappyState {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_start, *out_end;
} SnappyState;

static bool read_length(SnappyState *state, size_t *length_out)
{
    *length_out = 0;
    for (int shift = 0; shift < 35 && state->in < state->in_end; shift += 7) {
        uint8_t byte = *state->in++;

        *length_out |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool decode_literal(SnappyState *state)
{
    size_t length = (size_t)(*state->in++ >> 2) + 1;

    if (length > LITERAL_BYTES_MAX) {
        size_t length_bytes = length - LITERAL_BYTES_MAX;
        uint32_t less_one = 0;

        if ((size_t)(state->in_end - state->in) < length_bytes)
            return false;
        memcpy(&less_one, state->in, length_bytes);
        state->in += length_bytes;
        length = (size_t)less_one + 1;
    }
    if (length > (size_t)(state->in_end - state->in) ||
        length > (size_t)(state->out_end - state->out))
        return false;
    memcpy(state->out, state->in, length);
    state->in += length;
    state->out += length;
    return true;
}

/* to[0..length) = what stands distance bytes before, which may be what is being written: then the
 * last distance bytes repeat. room: bytes that may be overwritten. */
static void copy_within(uint8_t *to, size_t distance, size_t length, size_t room)
{
    if (length + 2 * WORD_BYTES <= room) {
        for (; distance < WORD_BYTES && length > 0; distance *= 2) {
            for (size_t i = 0; i < distance; i++) /* what repeats becomes twice as long */
                to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
            to += distance;
            length = length > distance ? length - distance : 0;
        }
        for (size_t i = 0; i < length; i += WORD_BYTES)
            memcpy(to + i, to + i - distance, WORD_BYTES);
        return;
    }
    for (size_t i = 0; i < length; i++)
        to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
}

static bool decode_copy(SnappyState *state)
{
    uint32_t tag = *state->in, kind = tag & 3, distance = 0;
    size_t distance_bytes = kind == COPY_1 ? 1 : kind == COPY_2 ? 2 : 4;
    size_t length = kind == COPY_1 ? 4 + (tag >> 2 & 7) : (tag >> 2) + 1;

    if ((size_t)(state->in_end - state->in) < 1 + distance_bytes)
        return false;
    memcpy(&distance, state->in + 1, distance_bytes);
    if (kind == COPY_1)
        distance |= (tag >> 5) << 8;
    if (distance == 0 || distance > (size_t)(state->out - state->out_start) ||
        length > (size_t)(state->out_end - state->out))
        return false;
    state->in += 1 + distance_bytes;
    copy_within(state->out, distance, length, (size_t)(state->out_end - state->out));
    state->out += length;
    return true;
}

/* One element, carefully. False when it is damaged. */
static bool decode_element(SnappyState *state)
{
    return (*state->in & 3) == LITERAL ? decode_literal(state) : decode_copy(state);
}

/* Of copy tags: length, and the bits of the distance that stand in the tag (from bit 8 on). */
#define COPY_TAG(tag)                                                                              \
    ((tag) % 4 == COPY_1   ? (4 + (tag) / 4 % 8) | ((tag) / 32) << 8                               \
     : (tag) % 4 == COPY_2 ? (tag) / 4 + 1                                                         \
                           : NOT_SHORT)
#define TAGS_4(tag)  COPY_TAG(tag), COPY_TAG((tag) + 1), COPY_TAG((tag) + 2), COPY_TAG((tag) + 3)
#define TAGS_16(tag) TAGS_4(tag), TAGS_4((tag) + 4), TAGS_4((tag) + 8), TAGS_4((tag) + 12)
#define TAGS_64(tag) TAGS_16(tag), TAGS_16((tag) + 16), TAGS_16((tag) + 32), TAGS_16((tag) + 48)

static const uint16_t copy_tags[256] = {TAGS_64(0), TAGS_64(64), TAGS_64(128), TAGS_64(192)};

/* All is read before any is written: the two may overlap. */
static inline void move_16(uint8_t *to, const uint8_t *from)
{
    uint8_t held[SHORT_BYTES];

    memcpy(held, from, SHORT_BYTES);
    memcpy(to, held, SHORT_BYTES);
}

/* Short elements as long as they come; stops in front of anything else. */
static inline __attribute__((always_inline)) void short_elements(SnappyState *state)
{
    const uint8_t *in = state->in, *in_last = state->in_end - MARGIN_BYTES;
    uint8_t *out = state->out, *out_last = state->out_end - MARGIN_BYTES;
    const uint8_t *out_start = state->out_start;

    while (in < in_last && out < out_last) {
        size_t tag = *in, kind, length, distance;
        uint32_t word, copy;

        if ((tag & 3) == LITERAL) {
            length = (tag >> 2) + 1;
            if (length > LITERAL_BYTES_MAX)
                break;
            move_16(out, in + 1);
            if (__builtin_expect(length > SHORT_BYTES, 0))
                memcpy(out + SHORT_BYTES, in + 1 + SHORT_BYTES, 3 * SHORT_BYTES);
            out += length;
            in += length + 1;
            tag = *in;
            if (__builtin_expect((tag & 3) == LITERAL, 0))
                continue;
        }
        kind = tag & 3;
        memcpy(&word, in + 1, sizeof word);
        copy = copy_tags[tag];
        length = copy & 0xff;
        distance = (copy & 0xff00) | (word & (((uint32_t)1 << 8 * kind) - 1));
        /* length <= distance <= bytes written, in one comparison: smaller distances wrap around */
        if (distance - length > (size_t)(out - out_start) - length || length == NOT_SHORT)
            break;
        move_16(out, out - distance);
        if (__builtin_expect(length > SHORT_BYTES, 0))
            for (size_t i = SHORT_BYTES; i < length; i += SHORT_BYTES)
                move_16(out + i, out + i - distance);
        out += length;
        in += kind + 1;
    }
    state->in = in;
    state->out = out;
}

#if defined(__x86_64__)

/* The same with bzhi, which masks in one step. */
__attribute__((target("bmi,bmi2"))) static void short_elements_bmi2(SnappyState *state)
{
    short_elements(state);
}

static void decode_short_elements(SnappyState *state)
{
    if (__builtin_cpu_supports("bmi2"))
        short_elements_bmi2(state);
    else
        short_elements(state);
}

#else

static void decode_short_elements(SnappyState *state)
{
    short_elements(state);
}

#endif

static bool snappy_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                              size_t to_bytes)
{
    SnappyState state = {.in = from,
                         .in_end = (const uint8_t *)from + from_bytes,
                         .out = to,
                         .out_start = to,
                         .out_end = (uint8_t *)to + to_bytes};
    size_t promised;

    (void)slot;
    if (!read_length(&state, &promised) || promised != to_bytes)
        return false;
    while (state.in < state.in_end) {
        if (state.in_end - state.in > MARGIN_BYTES && state.out - state.out_start > MARGIN_BYTES &&
            state.out_end - state.out > MARGIN_BYTES)
            decode_short_elements(&state);
        if (!decode_element(&state))
            return false;
    }
    return state.out == state.out_end;
}

static size_t snappy_compress_block(void **slot, int level, const void *from, size_t from_bytes,
                                    void *to, size_t to_room)
{
    size_t written = to_room;

    (void)slot;
    (void)level;
    return snappy_compress(from, from_bytes, to, &written) == SNAPPY_OK ? written : 0;
}

/* The best a copy does is 64 bytes out of 3 (two-byte offsets) */
const CodecClass codec__snappy = {.name = "snappy",
                                  .expansion_max = 64,
                                  .decompress = snappy_decompress,
                                  .bound = snappy_max_compressed_length,
                                  .compress = snappy_compress_block};
