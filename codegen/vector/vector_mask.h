/*
 * vector_mask.h -- tier 0's loops over masks, NULL bits and choices, for each CPU level; see
 * vector.h
 *
 * A mask is a byte a row, 0 or 1. Rows come in groups of 64 where bits are involved: vectors have
 * room for BATCH_ROWS_MAX rows, so the last group is computed whole; what is read from columns
 * ends with their last row, and callers give the rows behind the last whole group to the slow
 * functions.
 */
#ifndef VONK_CODEGEN_VECTOR_VECTOR_MASK_H
#define VONK_CODEGEN_VECTOR_VECTOR_MASK_H

#include "codegen/kernel_internal.h"

/* One side of a choice: indexed by row, or one value for all. */
typedef struct SelectSide {
    const void *values;
    bool is_const;
} SelectSide;

typedef struct VectorMasks {
    /* LINE_MASK_...; y is x where there is only one */
    void (*combine)(LineKind kind, const uint8_t *x, const uint8_t *y, uint32_t count,
                    uint8_t *out);
    /* out = (values ^ flip) where valid, else 0; count is a multiple of 64 */
    void (*where_valid)(const uint8_t *values, uint8_t flip, const uint64_t *validity,
                        uint32_t count, uint8_t *out);
    /* The bits, flipped with flip, as bytes; up to a multiple of 64 */
    void (*of_bits)(const uint64_t *bits, uint64_t flip, uint32_t count, uint8_t *out);
    /* Values of 1, 2, 4, 8 or 16 bytes */
    void (*select)(size_t width, const uint8_t *mask, SelectSide then, SelectSide otherwise,
                   uint32_t count, void *out);
} VectorMasks;

extern const VectorMasks vector_masks_base;
#ifdef VONK_VECTOR_V3
extern const VectorMasks vector_masks_v3;
#endif

/* For this CPU. */
const VectorMasks *vector_masks(void);

#endif
