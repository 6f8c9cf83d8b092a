/* big_int.c -- see big_int.h */
#include "codegen/ops/big_int.h"

#include <string.h>

#include "core/base/invariant.h"

static void trim(BigInt *a)
{
    while (a->count > 0 && a->word[a->count - 1] == 0)
        a->count--;
}

/* A word that is carried out of those in use. */
static void append(BigInt *a, uint64_t carry)
{
    if (carry == 0)
        return;
    CHECK(a->count < BIG_WORDS);
    a->word[a->count++] = carry;
}

BigInt big_of_words(uint32_t count, const uint64_t *words)
{
    BigInt big = {.count = count};

    if (count > 0)
        memcpy(big.word, words, count * sizeof *words);
    trim(&big);
    return big;
}

bool big_is_zero(const BigInt *a)
{
    return a->count == 0;
}

int big_compare(const BigInt *a, const BigInt *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i > 0; i--)
        if (a->word[i - 1] != b->word[i - 1])
            return a->word[i - 1] < b->word[i - 1] ? -1 : 1;
    return 0;
}

void big_add(BigInt *a, const BigInt *b)
{
    UInt128 carry = 0;

    a->count = a->count > b->count ? a->count : b->count;
    for (uint32_t i = 0; i < a->count; i++) {
        carry += (UInt128)a->word[i] + b->word[i];
        a->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    append(a, (uint64_t)carry);
}

void big_add_small(BigInt *a, uint64_t b)
{
    BigInt small = big_of_words(1, &b);

    big_add(a, &small);
}

void big_subtract(BigInt *a, const BigInt *b)
{
    uint64_t borrow = 0;

    CHECK(b->count <= a->count);
    for (uint32_t i = 0; i < a->count; i++) {
        UInt128 difference = (UInt128)a->word[i] - b->word[i] - borrow;

        a->word[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    CHECK(borrow == 0);
    trim(a);
}

void big_multiply(BigInt *a, uint64_t b)
{
    UInt128 carry = 0;

    for (uint32_t i = 0; i < a->count; i++) {
        carry += (UInt128)a->word[i] * b;
        a->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    append(a, (uint64_t)carry);
    trim(a);
}

void big_multiply_pow10(BigInt *a, int32_t digits)
{
    for (; digits > 0; digits--)
        big_multiply(a, 10);
}

void big_multiply_big(BigInt *a, const BigInt *b)
{
    BigInt product = {.count = a->count + b->count};

    CHECK(product.count <= BIG_WORDS);
    for (uint32_t i = 0; i < a->count; i++) {
        UInt128 carry = 0;

        for (uint32_t j = 0; j < b->count; j++) {
            carry += (UInt128)a->word[i] * b->word[j] + product.word[i + j];
            product.word[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        product.word[i + b->count] = (uint64_t)carry;
    }
    trim(&product);
    *a = product;
}

void big_square(BigInt *a)
{
    BigInt copy = *a;

    big_multiply_big(a, &copy);
}

void big_divide(BigInt *a, uint64_t b)
{
    UInt128 rest = 0;

    for (uint32_t i = a->count; i > 0; i--) {
        rest = rest << 64 | a->word[i - 1];
        a->word[i - 1] = (uint64_t)(rest / b);
        rest %= b;
    }
    trim(a);
}

void big_shift_left(BigInt *a, uint32_t bits)
{
    BigInt shifted = {.count = 0};
    uint32_t words = bits / 64, rest = bits % 64;
    uint64_t carry = 0;

    if (a->count == 0)
        return;
    CHECK(a->count + words <= BIG_WORDS);
    for (uint32_t i = 0; i < a->count; i++) {
        shifted.word[i + words] = a->word[i] << rest | carry;
        carry = a->word[i] >> 1 >> (63 - rest);
    }
    shifted.count = a->count + words;
    append(&shifted, carry);
    *a = shifted;
}

bool big_to_int128(const BigInt *a, Int128 *out)
{
    if (a->count > 2)
        return false;
    *out = (Int128)((UInt128)a->word[1] << 64 | a->word[0]);
    return *out >= 0;
}

UInt128 big_head(const BigInt *a, int32_t bits, int32_t *dropped_out)
{
    UInt128 head, below;
    uint32_t top = a->count;
    int32_t unused,
        cut; /* leading zeros of the highest word; bits of the top three words cut off */
    bool is_cut = false;

    *dropped_out = 0;
    if (top <= 1)
        return a->word[0];
    unused = __builtin_clzll(a->word[top - 1]);
    head = (UInt128)a->word[top - 1] << 64 | a->word[top - 2];
    below = top > 2 ? a->word[top - 3] : 0;
    if (unused > 0)
        head = head << unused | below >> (64 - unused);
    cut = 128 - bits; /* head now begins with a 1 */
    if ((int32_t)top * 64 - unused <= bits) {
        return head >> unused;
    }
    is_cut = (head & (((UInt128)1 << cut) - 1)) != 0 || (uint64_t)below << unused != 0;
    for (uint32_t i = 0; i + 3 < top && !is_cut; i++)
        is_cut = a->word[i] != 0;
    *dropped_out = (int32_t)top * 64 - unused - bits;
    return head >> cut | is_cut;
}
