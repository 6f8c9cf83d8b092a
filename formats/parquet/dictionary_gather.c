/* dictionary_gather.c -- see dictionary_gather.h */
#include "formats/parquet/dictionary_gather.h"

#include "core/base/invariant.h"
#include "core/data/bitmap.h"
#include "core/data/column.h"
#include "core/data/type.h"

#define GATHER(CType)                                                                              \
    for (uint32_t i = 0; i < count; i++)                                                           \
        ((CType *)to)[selection[i]] = ((const CType *)from)[codes[selection[i]]];                  \
    return

void dictionary_gather(void *to, const void *from, uint32_t value_bytes, const uint32_t *codes,
                       const uint32_t *selection, uint32_t count)
{
    if (selection == NULL) {
        values_gather(from, value_bytes, codes, count, to);
        return;
    }
    switch (value_bytes) {
    case 1:
        GATHER(uint8_t);
    case 2:
        GATHER(uint16_t);
    case 4:
        GATHER(uint32_t);
    case 8:
        GATHER(uint64_t);
    case 16:
        GATHER(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

/* From the back, so that no value is overwritten before it has moved: ones <= i + 1 always. */
#define SPREAD(CType)                                                                              \
    do {                                                                                           \
        CType *target = values;                                                                    \
        for (uint32_t i = count; i-- > 0;) {                                                       \
            bool is_set = bitmap_get(validity, start + i);                                         \
            ones -= is_set;                                                                        \
            target[i] = is_set ? target[ones] : (CType)0;                                          \
        }                                                                                          \
        return;                                                                                    \
    } while (0)

void spread_values(void *values, uint32_t value_bytes, const uint64_t *validity, uint32_t start,
                   uint32_t count, uint32_t ones)
{
    switch (value_bytes) {
    case 1:
        SPREAD(uint8_t);
    case 2:
        SPREAD(uint16_t);
    case 4:
        SPREAD(uint32_t);
    case 8:
        SPREAD(uint64_t);
    case 16:
        SPREAD(UInt128);
    default:
        UNREACHABLE("value size");
    }
}
