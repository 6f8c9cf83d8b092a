/* key_hash.c -- kernel_hash: the hashes of a batch's key columns; see key_hash.h */
#include "codegen/key_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "codegen/kernel.h"
#include "core/base/invariant.h"

/* A dictionary of at most so many entries is hashed entry by entry first. */
enum { SMALL_DICTIONARY = 512 };

uint64_t key__hash_long_text(const char *bytes, uint32_t length)
{
    return XXH3_64bits(bytes, length);
}

static uint64_t hash_bool(uint8_t value)
{
    return key_hash_word(value);
}

static uint64_t hash_int16(int16_t value)
{
    return key_hash_word((uint64_t)value);
}

static uint64_t hash_int32(int32_t value)
{
    return key_hash_word((uint64_t)value);
}

static uint64_t hash_int64(int64_t value)
{
    return key_hash_word((uint64_t)value);
}

static uint64_t hash_float32(float value)
{
    return key_hash_float8((double)value);
}

uint64_t key_hash_value(Phys phys, const void *value)
{
    switch (phys) {
    case PHYS_BOOL:
        return hash_bool(*(const uint8_t *)value);
    case PHYS_INT16:
        return hash_int16(*(const int16_t *)value);
    case PHYS_INT32:
        return hash_int32(*(const int32_t *)value);
    case PHYS_INT64:
        return hash_int64(*(const int64_t *)value);
    case PHYS_INT128:
        return key_hash_int128(*(const Int128 *)value);
    case PHYS_FLOAT32:
        return hash_float32(*(const float *)value);
    case PHYS_FLOAT64:
        return key_hash_float8(*(const double *)value);
    case PHYS_STR:
        return key_hash_text(*(const Str *)value);
    case PHYS_INTERVAL:
        return key_hash_interval(*(const Interval *)value);
    case PHYS_COUNT:
        break;
    }
    UNREACHABLE("physical form");
}

/* The rows to hash, and whether theirs is the first column. */
typedef struct Target {
    const uint32_t *selection;
    uint32_t count;
    bool is_first;
    uint64_t *hashes;
} Target;

static inline void put_hash(const Target *target, uint32_t i, uint64_t hash)
{
    target->hashes[i] = target->is_first ? hash : key_hash_combine(target->hashes[i], hash);
}

#define HASH_FLAT(name, T, HASH)                                                                   \
    static void hash_flat_##name(const Target *target, const T *values)                            \
    {                                                                                              \
        if (target->selection == NULL)                                                             \
            for (uint32_t i = 0; i < target->count; i++)                                           \
                put_hash(target, i, HASH(values[i]));                                              \
        else                                                                                       \
            for (uint32_t i = 0; i < target->count; i++)                                           \
                put_hash(target, i, HASH(values[target->selection[i]]));                           \
    }

HASH_FLAT(bool, uint8_t, hash_bool)
HASH_FLAT(int16, int16_t, hash_int16)
HASH_FLAT(int32, int32_t, hash_int32)
HASH_FLAT(int64, int64_t, hash_int64)
HASH_FLAT(int128, Int128, key_hash_int128)
HASH_FLAT(float32, float, hash_float32)
HASH_FLAT(float64, double, key_hash_float8)
HASH_FLAT(str, Str, key_hash_text)
HASH_FLAT(interval, Interval, key_hash_interval)

static void hash_flat(const Target *target, const Column *column)
{
    switch (type_phys(column->type)) {
    case PHYS_BOOL:
        hash_flat_bool(target, column->values);
        break;
    case PHYS_INT16:
        hash_flat_int16(target, column->values);
        break;
    case PHYS_INT32:
        hash_flat_int32(target, column->values);
        break;
    case PHYS_INT64:
        hash_flat_int64(target, column->values);
        break;
    case PHYS_INT128:
        hash_flat_int128(target, column->values);
        break;
    case PHYS_FLOAT32:
        hash_flat_float32(target, column->values);
        break;
    case PHYS_FLOAT64:
        hash_flat_float64(target, column->values);
        break;
    case PHYS_STR:
        hash_flat_str(target, column->values);
        break;
    case PHYS_INTERVAL:
        hash_flat_interval(target, column->values);
        break;
    case PHYS_COUNT:
        UNREACHABLE("physical form");
    }
}

static uint32_t row_of(const Target *target, uint32_t i)
{
    return target->selection == NULL ? i : target->selection[i];
}

static void hash_dictionary(const Target *target, const Column *column)
{
    const Dictionary *dictionary = column->dictionary;
    uint64_t entries[SMALL_DICTIONARY];

    if (dictionary->value_count <= SMALL_DICTIONARY && dictionary->value_count <= target->count) {
        for (uint32_t i = 0; i < dictionary->value_count; i++)
            entries[i] = key_hash_text(dictionary->values[i]);
        for (uint32_t i = 0; i < target->count; i++)
            put_hash(target, i, entries[column->codes[row_of(target, i)]]);
        return;
    }
    for (uint32_t i = 0; i < target->count; i++)
        put_hash(target, i, key_hash_text(dictionary->values[column->codes[row_of(target, i)]]));
}

/* Rows with NULLs, and columns that are one value throughout. */
static void hash_slowly(const Target *target, const Column *column)
{
    Phys phys = type_phys(column->type);

    for (uint32_t i = 0; i < target->count; i++) {
        uint32_t row = row_of(target, i);

        put_hash(target, i,
                 column_is_null(column, row) ? KEY_HASH_NULL
                                             : key_hash_value(phys, column_value(column, row)));
    }
}

static void hash_const(const Target *target, const Column *column)
{
    uint64_t hash = column_is_null(column, 0)
                        ? KEY_HASH_NULL
                        : key_hash_value(type_phys(column->type), column->values);

    for (uint32_t i = 0; i < target->count; i++)
        put_hash(target, i, hash);
}

void kernel_hash(uint32_t column_count, const Column *columns, const Batch *batch,
                 uint64_t *hashes_out)
{
    Target target = {.selection = batch->selection,
                     .count = batch->selected_count,
                     .is_first = true,
                     .hashes = hashes_out};

    if (column_count == 0)
        memset(hashes_out, 0, target.count * sizeof *hashes_out);
    for (uint32_t i = 0; i < column_count; i++) {
        const Column *column = &columns[i];

        if (column->form == COLUMN_CONST)
            hash_const(&target, column);
        else if (column->validity != NULL)
            hash_slowly(&target, column);
        else if (column->form == COLUMN_DICT)
            hash_dictionary(&target, column);
        else
            hash_flat(&target, column);
        target.is_first = false;
    }
}
