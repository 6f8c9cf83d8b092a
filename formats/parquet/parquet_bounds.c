/* parquet_bounds.c -- see parquet_bounds.h */
#include "formats/parquet/parquet_bounds.h"

#include <math.h>
#include <string.h>

#include "formats/parquet/value_convert.h"

static bool is_float_stored(const ParquetColumn *column)
{
    return column->physical == PARQUET_FLOAT || column->physical == PARQUET_DOUBLE ||
           column->convert == CONVERT_HALF;
}

/* Signed integers and what is stored as such: their order was never in doubt. */
static bool is_signed_integer(const ParquetColumn *column)
{
    return (column->physical == PARQUET_INT32 || column->physical == PARQUET_INT64) &&
           column->convert != CONVERT_UINT8_TO_INT16 &&
           column->convert != CONVERT_UINT16_TO_INT32 &&
           column->convert != CONVERT_UINT32_TO_INT64 &&
           column->convert != CONVERT_UINT64_TO_INT128;
}

/* One bound as a value; false when it cannot be used. */
static bool read_bound(const ParquetColumn *column, ThriftBytes bytes, Value *value_out)
{
    uint8_t raw[64] = {0}; /* conversions load whole words */

    *value_out = value_null(column->type);
    if (bytes.bytes == NULL)
        return false;
    value_out->is_null = false;
    if (column->convert == CONVERT_TEXT) {
        value_out->str = str_make((const char *)bytes.bytes, bytes.length);
        return true;
    }
    if (column->raw_bytes == 0) {
        Str text = str_make((const char *)bytes.bytes, bytes.length);

        return value_convert_texts(column, &text, 1, value_out->bytes) == NULL;
    }
    if (bytes.length != column->raw_bytes || bytes.length > sizeof raw / 2)
        return false;
    memcpy(raw, bytes.bytes, bytes.length);
    if (value_convert_fixed(column, raw, 1, value_out->bytes) != NULL)
        return false;
    return !is_float_stored(column) || !isnan(value_as_double(value_out));
}

/* Numbers are, unless the writer says that they are not; texts only when it says so (4). */
static bool is_exact(const ParquetColumn *column, int8_t is_said_exact)
{
    return column->raw_bytes > 0 ? is_said_exact != 0 : is_said_exact == 1;
}

ParquetBounds parquet__bounds(const ParquetColumn *column, uint8_t order,
                              const ParquetStatistics *statistics, int64_t row_count)
{
    ParquetBounds bounds = {.null_count = statistics->null_count, .row_count = row_count};
    ThriftBytes min = statistics->min, max = statistics->max;

    if (bounds.null_count < -1 || bounds.null_count > row_count)
        bounds.null_count = -1;
    if (!column->is_nullable)
        bounds.null_count = 0;
    if (column->refused != NULL || column->convert == CONVERT_INT96 ||
        column->convert == CONVERT_INTERVAL)
        return bounds; /* (5) */
    if (order == PARQUET_ORDER_UNDEFINED && !is_signed_integer(column))
        return bounds; /* (1) */
    if (min.bytes == NULL && max.bytes == NULL && is_signed_integer(column)) {
        min = statistics->legacy_min; /* (2) */
        max = statistics->legacy_max;
    }
    bounds.has_min = read_bound(column, min, &bounds.min);
    bounds.has_max = read_bound(column, max, &bounds.max);
    bounds.max_leaves_out_nan = is_float_stored(column) && statistics->nan_count != 0;
    if (is_float_stored(column) && (!bounds.has_min || !bounds.has_max))
        bounds.has_min = bounds.has_max = false; /* (3) */
    if (bounds.has_min && bounds.has_max && value_compare(&bounds.min, &bounds.max) > 0)
        bounds.has_min = bounds.has_max = false; /* nonsense: trust none of it */
    bounds.is_exact =
        is_exact(column, statistics->min_is_exact) && is_exact(column, statistics->max_is_exact);
    return bounds;
}

static bool is_nan(const Value *value)
{
    return type_is_float(value->type) && isnan(value_as_double(value));
}

static bool is_below_min(const ParquetBounds *bounds, const Value *value, bool or_equal)
{
    int order;

    if (!bounds->has_min)
        return false;
    order = value_compare(value, &bounds->min);
    return order < 0 || (or_equal && order == 0);
}

static bool is_above_max(const ParquetBounds *bounds, const Value *value, bool or_equal)
{
    int order;

    if (!bounds->has_max)
        return false;
    order = value_compare(value, &bounds->max);
    return order > 0 || (or_equal && order == 0);
}

static bool may_equal(const ParquetBounds *bounds, const Value *value)
{
    if (value->is_null)
        return false;
    if (is_nan(value))
        return true;
    return !is_below_min(bounds, value, false) && !is_above_max(bounds, value, false);
}

/* Some value greater than (or equal to) this one? NaN would be. */
static bool may_exceed(const ParquetBounds *bounds, const Value *value, bool or_equal)
{
    return bounds->max_leaves_out_nan || !is_above_max(bounds, value, !or_equal);
}

static bool may_differ(const ParquetBounds *bounds, const Value *value)
{
    return !bounds->has_min || !bounds->has_max || !bounds->is_exact ||
           bounds->max_leaves_out_nan || value_compare(&bounds->min, value) != 0 ||
           value_compare(&bounds->max, value) != 0;
}

static bool all_null(const ParquetBounds *bounds)
{
    return bounds->null_count >= 0 && bounds->null_count == bounds->row_count;
}

bool parquet__bounds_may_match(const ParquetBounds *bounds, const ScanPredicate *predicate)
{
    const Value *value = predicate->values;

    if (predicate->kind == PREDICATE_OTHER)
        return true;
    if (predicate->kind == PREDICATE_IS_NULL)
        return bounds->null_count != 0;
    if (all_null(bounds))
        return false;
    if (predicate->kind == PREDICATE_IS_NOT_NULL)
        return true;
    if (predicate->kind == PREDICATE_IN) {
        for (uint32_t i = 0; i < predicate->value_count; i++)
            if (may_equal(bounds, &value[i]))
                return true;
        return false;
    }
    if (predicate->value_count != 1)
        return true;
    if (value->is_null)
        return false;
    switch (predicate->kind) {
    case PREDICATE_EQ:
        return may_equal(bounds, value);
    case PREDICATE_NE:
        return may_differ(bounds, value);
    case PREDICATE_LT:
        return !is_below_min(bounds, value, true);
    case PREDICATE_LE:
        return !is_below_min(bounds, value, false);
    case PREDICATE_GT:
        return may_exceed(bounds, value, false);
    case PREDICATE_GE:
        return may_exceed(bounds, value, true);
    default:
        return true;
    }
}

bool parquet__predicate_is_ready(const ScanPredicate *predicate)
{
    return predicate->ready == NULL || atomic_load_explicit(predicate->ready, memory_order_acquire);
}
