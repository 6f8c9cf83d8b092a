/*
 * value.h -- one value with its type: constants in plans, parameters, statistics, results cell by
 * cell
 *
 * Text is borrowed by the Value (Str may point elsewhere); value_copy puts it in an arena.
 */
#ifndef VONK_CORE_DATA_VALUE_H
#define VONK_CORE_DATA_VALUE_H

#include "core/base/str.h"
#include "core/data/column.h"
#include "core/data/type.h"

typedef struct Value {
    Type type;
    bool is_null;
    union {
        uint8_t boolean;
        int16_t int16;
        int32_t int32;
        int64_t int64;
        Int128 int128;
        float float32;
        double float64;
        Str str;
        Interval interval;
        unsigned char bytes[16];
    };
} Value;

Value value_null(Type type);
Value value_zero(Type type); /* 0, false, an empty text, the first day */
Value value_bool(bool value);
Value value_int4(int32_t value);
Value value_int8(int64_t value);
Value value_float8(double value);
Value value_text(Arena *arena, const char *text); /* copies */
Value value_decimal(Int128 unscaled, int precision, int scale);

/* Reads row of column, text borrowed. */
Value value_from_column(const Column *column, size_t row);

/* Copies text bytes into the arena. */
Value value_copy(Arena *arena, Value value);

/* A CONST column over *value, which it borrows. */
Column value_as_column(const Value *value);

/* Same type, both null or same bits/bytes (NaN equals NaN, 0.0 differs from -0.0): for plans. */
bool value_identical(const Value *a, const Value *b);

/* SQL order of two non-null values of the same physical form and scale: NaN after all numbers and
 * equal to itself, -0 equal to 0, text by bytes, intervals as 30-day months. */
int value_compare(const Value *a, const Value *b);

/* XXH3 of type id and bits. */
uint64_t value_hash(const Value *value);

/* Any integer, numeric or date/timestamp value widened; for the numeric kinds unscaled. */
Int128 value_as_int128(const Value *value);

/* A number as a double (numeric: divided by its scale). */
double value_as_double(const Value *value);

#endif
