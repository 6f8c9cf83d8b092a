/*
 * key_hash.h -- hashes of single values, the same wherever a key is hashed
 *
 * Equal values (SQL's =, NULL as one value) of one physical form hash alike: -0.0 as 0.0, all
 * NaNs alike, intervals by their length.
 */
#ifndef VONK_CODEGEN_KEY_HASH_H
#define VONK_CODEGEN_KEY_HASH_H

#include "codegen/ops/compare.h"

#define KEY_HASH_NULL UINT64_C(0x9ae16a3b2f90404f)

/* The two halves of a 128-bit product, folded: every input bit reaches every output bit. */
static inline uint64_t key_hash_mix(uint64_t a, uint64_t b)
{
    UInt128 product = (UInt128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t key_hash_word(uint64_t word)
{
    return key_hash_mix(word ^ UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db));
}

static inline uint64_t key_hash_two_words(uint64_t low, uint64_t high)
{
    return key_hash_mix(low ^ UINT64_C(0xa0761d6478bd642f), high ^ UINT64_C(0xe7037ed1a0b428db));
}

/* The hash of a row: that of its columns so far, and the next one's. */
static inline uint64_t key_hash_combine(uint64_t row, uint64_t column)
{
    return key_hash_mix(row ^ UINT64_C(0x8ebc6af09c88c6e3), column ^ UINT64_C(0x589965cc75374cc3));
}

static inline uint64_t key_hash_float8(double value)
{
    uint64_t bits;

    value = value == 0 ? 0 : value != value ? __builtin_nan("") : value;
    memcpy(&bits, &value, sizeof bits);
    return key_hash_word(bits);
}

static inline uint64_t key_hash_int128(Int128 value)
{
    return key_hash_two_words((uint64_t)value, (uint64_t)((UInt128)value >> 64));
}

static inline uint64_t key_hash_interval(Interval value)
{
    return key_hash_int128(op_interval_span(value));
}

/* XXH3, out of line. (key_hash.c) */
uint64_t key__hash_long_text(const char *bytes, uint32_t length);

/* Short texts are their 16 bytes. */
static inline uint64_t key_hash_text(Str text)
{
    uint64_t words[2];

    if (text.length > STR_INLINE_BYTES)
        return key__hash_long_text(text.data, text.length);
    memcpy(words, &text, sizeof words);
    return key_hash_two_words(words[0], words[1]);
}

/* Of any physical form. */
uint64_t key_hash_value(Phys phys, const void *value);

#endif
