/* vector_mask.c -- see vector_mask.h */
#include "codegen/vector/vector_mask.h"

#include "codegen/vector/vector_loops.h"

#define MASK_LOOP(EXPRESSION)                                                                      \
    for (uint32_t i = 0; i < count; i++)                                                           \
        out[i] = (uint8_t)(EXPRESSION);                                                            \
    break

static void combine(LineKind kind, const uint8_t *x, const uint8_t *y, uint32_t count,
                    uint8_t *restrict out)
{
    switch (kind) {
    case LINE_MASK_AND:
        MASK_LOOP(x[i] & y[i]);
    case LINE_MASK_OR:
        MASK_LOOP(x[i] | y[i]);
    case LINE_MASK_AND_NOT:
        MASK_LOOP(x[i] & (y[i] ^ 1));
    default: /* LINE_MASK_NOT */
        MASK_LOOP(x[i] ^ 1);
    }
}

static void where_valid(const uint8_t *values, uint8_t flip, const uint64_t *validity,
                        uint32_t count, uint8_t *restrict out)
{
    for (uint32_t i = 0; i < count; i += 64) {
        uint64_t word = validity == NULL ? UINT64_MAX : validity[i / 64];

        for (uint32_t j = 0; j < 64; j++)
            out[i + j] = (uint8_t)((values[i + j] ^ flip) & (word >> j));
    }
}

static void of_bits(const uint64_t *bits, uint64_t flip, uint32_t count, uint8_t *restrict out)
{
    for (uint32_t i = 0; i < count; i += 64) {
        uint64_t word = bits[i / 64] ^ flip;

        for (uint32_t j = 0; j < 64; j++)
            out[i + j] = (uint8_t)((word >> j) & 1);
    }
}

#define SELECT_LOOP(THEN, ELSE)                                                                    \
    for (uint32_t i = 0; i < count; i++)                                                           \
    out[i] = mask[i] ? (THEN) : (ELSE)

#define SELECT_WIDTH(width, T)                                                                     \
    static void select_##width(const uint8_t *mask, SelectSide then, SelectSide otherwise,         \
                               uint32_t count, T *restrict out)                                    \
    {                                                                                              \
        const T *a = then.values, *b = otherwise.values;                                           \
        const T a0 = a[0], b0 = b[0];                                                              \
        if (then.is_const && otherwise.is_const)                                                   \
            SELECT_LOOP(a0, b0);                                                                   \
        else if (then.is_const)                                                                    \
            SELECT_LOOP(a0, b[i]);                                                                 \
        else if (otherwise.is_const)                                                               \
            SELECT_LOOP(a[i], b0);                                                                 \
        else                                                                                       \
            SELECT_LOOP(a[i], b[i]);                                                               \
    }

SELECT_WIDTH(1, uint8_t)
SELECT_WIDTH(2, uint16_t)
SELECT_WIDTH(4, uint32_t)
SELECT_WIDTH(8, uint64_t)
SELECT_WIDTH(16, UInt128)

static void select_values(size_t width, const uint8_t *mask, SelectSide then, SelectSide otherwise,
                          uint32_t count, void *out)
{
    if (count == 0)
        return;
    switch (width) {
    case 1:
        select_1(mask, then, otherwise, count, out);
        break;
    case 2:
        select_2(mask, then, otherwise, count, out);
        break;
    case 4:
        select_4(mask, then, otherwise, count, out);
        break;
    case 8:
        select_8(mask, then, otherwise, count, out);
        break;
    default:
        select_16(mask, then, otherwise, count, out);
        break;
    }
}

#define VECTOR_MASKS VECTOR_PASTE(vector_masks_, VECTOR_LEVEL)
const VectorMasks VECTOR_MASKS = {combine, where_valid, of_bits, select_values};
