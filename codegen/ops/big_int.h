/*
 * big_int.h -- unsigned integers of 1,024 bits, for the results of aggregates
 *
 * Enough for everything done with them; what would pass the end is a fault (CHECK).
 */
#ifndef VONK_CODEGEN_OPS_BIG_INT_H
#define VONK_CODEGEN_OPS_BIG_INT_H

#include "core/data/type.h"

enum { BIG_WORDS = 16 };

typedef struct BigInt {
    uint32_t count;           /* words up to the highest that is not 0 */
    uint64_t word[BIG_WORDS]; /* the least significant first; 0 from count on */
} BigInt;

BigInt big_of_words(uint32_t count, const uint64_t *words);
bool big_is_zero(const BigInt *a);
int big_compare(const BigInt *a, const BigInt *b);
void big_add(BigInt *a, const BigInt *b);
void big_add_small(BigInt *a, uint64_t b);
void big_subtract(BigInt *a, const BigInt *b); /* a >= b */
void big_multiply(BigInt *a, uint64_t b);
void big_multiply_pow10(BigInt *a, int32_t digits);
void big_multiply_big(BigInt *a, const BigInt *b);
void big_square(BigInt *a);             /* of up to 512 bits */
void big_divide(BigInt *a, uint64_t b); /* rounds down; b > 0 */
void big_shift_left(BigInt *a, uint32_t bits);
bool big_to_int128(const BigInt *a, Int128 *out); /* false: does not fit */

/* The leading `bits` bits (64 to 127), the last one set if any bit below them is: a is about
 * head * 2^dropped. */
UInt128 big_head(const BigInt *a, int32_t bits, int32_t *dropped_out);

#endif
