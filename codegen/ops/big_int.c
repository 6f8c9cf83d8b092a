/* big_int.c -- see big_int.h */
#include "codegen/ops/big_int.h"

#include <string.h>

#include "core/base/invariant.h"

BigInt big_of_words(uint32_t count, const uint64_t *words)
{
    BigInt big = {{0}};

    if (count > 0)
        memcpy(big.word, words, count * sizeof *words);
    return big;
}

bool big_is_zero(const BigInt *a)
{
    for (int i = 0; i < BIG_WORDS; i++)
        if (a->word[i] != 0)
            return false;
    return true;
}

int big_compare(const BigInt *a, const BigInt *b)
{
    for (int i = BIG_WORDS - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

void big_add(BigInt *a, const BigInt *b)
{
    UInt128 carry = 0;

    for (int i = 0; i < BIG_WORDS; i++) {
        carry += (UInt128)a->word[i] + b->word[i];
        a->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    CHECK(carry == 0);
}

void big_add_small(BigInt *a, uint64_t b)
{
    BigInt small = big_of_words(1, &b);

    big_add(a, &small);
}

void big_subtract(BigInt *a, const BigInt *b)
{
    uint64_t borrow = 0;

    for (int i = 0; i < BIG_WORDS; i++) {
        UInt128 difference = (UInt128)a->word[i] - b->word[i] - borrow;

        a->word[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    CHECK(borrow == 0);
}

void big_multiply(BigInt *a, uint64_t b)
{
    UInt128 carry = 0;

    for (int i = 0; i < BIG_WORDS; i++) {
        carry += (UInt128)a->word[i] * b;
        a->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    CHECK(carry == 0);
}

void big_multiply_pow10(BigInt *a, int32_t digits)
{
    for (; digits > 0; digits--)
        big_multiply(a, 10);
}

void big_square(BigInt *a)
{
    BigInt square = {{0}};

    for (int i = 0; i < BIG_WORDS; i++) {
        UInt128 carry = 0;

        if (a->word[i] == 0)
            continue;
        CHECK(i < BIG_WORDS / 2);
        for (int j = 0; i + j < BIG_WORDS; j++) {
            carry += (UInt128)a->word[i] * a->word[j] + square.word[i + j];
            square.word[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    *a = square;
}

void big_divide(BigInt *a, uint64_t b)
{
    UInt128 rest = 0;

    for (int i = BIG_WORDS - 1; i >= 0; i--) {
        rest = rest << 64 | a->word[i];
        a->word[i] = (uint64_t)(rest / b);
        rest %= b;
    }
}

void big_shift_left(BigInt *a, uint32_t bits)
{
    BigInt shifted = {{0}};
    uint32_t words = bits / 64, rest = bits % 64;

    for (uint32_t i = 0; i < BIG_WORDS; i++) {
        if (a->word[i] == 0)
            continue;
        CHECK(i + words < BIG_WORDS);
        shifted.word[i + words] |= a->word[i] << rest;
        if (rest > 0 && a->word[i] >> (64 - rest) != 0) {
            CHECK(i + words + 1 < BIG_WORDS);
            shifted.word[i + words + 1] |= a->word[i] >> (64 - rest);
        }
    }
    *a = shifted;
}

bool big_to_int128(const BigInt *a, Int128 *out)
{
    for (int i = 2; i < BIG_WORDS; i++)
        if (a->word[i] != 0)
            return false;
    *out = (Int128)((UInt128)a->word[1] << 64 | a->word[0]);
    return *out >= 0;
}

static bool big_bit(const BigInt *a, int32_t bit)
{
    return (a->word[bit / 64] >> (bit % 64)) & 1;
}

UInt128 big_head(const BigInt *a, int32_t bits, int32_t *dropped_out)
{
    int32_t top = BIG_WORDS * 64 - 1, lowest;
    UInt128 head = 0;

    while (top >= 0 && !big_bit(a, top))
        top--;
    lowest = top - bits + 1 > 0 ? top - bits + 1 : 0;
    for (int32_t bit = top; bit >= lowest; bit--)
        head = head << 1 | big_bit(a, bit);
    for (int32_t bit = 0; bit < lowest; bit++)
        head |= big_bit(a, bit);
    *dropped_out = lowest;
    return head;
}
