/*
 * parquet_schema.h -- a Parquet schema as the columns of a table, and what its values become
 *
 * Each field below the root is one column. Columns of types that Vonk does not have (lists, maps,
 * records, times, ...) are listed too, of type unknown, and refused when they are selected.
 */
#ifndef VONK_FORMATS_PARQUET_PARQUET_SCHEMA_H
#define VONK_FORMATS_PARQUET_PARQUET_SCHEMA_H

#include "core/data/type.h"
#include "formats/parquet/parquet_footer.h"

/* How one stored value becomes one of ours. */
typedef enum ParquetConvert {
    CONVERT_COPY, /* same bytes */
    CONVERT_BOOL,
    CONVERT_INT8_TO_INT16, /* INT32 that promises to hold an int8 */
    CONVERT_INT16,
    CONVERT_UINT8_TO_INT16,
    CONVERT_UINT16_TO_INT32,
    CONVERT_UINT32_TO_INT64,
    CONVERT_UINT64_TO_INT128,
    CONVERT_INT32_TO_INT64,
    CONVERT_INT32_TO_INT128,
    CONVERT_INT64_TO_INT128,
    CONVERT_MILLIS,    /* to microseconds */
    CONVERT_NANOS,     /* to microseconds, rounded down */
    CONVERT_INT96,     /* nanoseconds of the day, Julian day */
    CONVERT_HALF,      /* FLOAT16 */
    CONVERT_INTERVAL,  /* months, days, milliseconds */
    CONVERT_DECIMAL64, /* big-endian two's complement */
    CONVERT_DECIMAL128,
    CONVERT_TEXT
} ParquetConvert;

typedef struct ParquetColumn {
    const char *name;
    const char *refused; /* "list": the type that is not supported; NULL: it is */
    Type type;
    bool is_nullable;
    bool is_bytes;     /* text only as long as it is UTF-8: nothing says that it is text */
    bool is_unchecked; /* any bytes are a text, as the reader wants it */
    uint32_t leaf;     /* index of its column chunks */
    ParquetPhysical physical;
    ParquetConvert convert;
    uint32_t raw_bytes; /* of a stored value; 0: each has its own length */
    uint32_t value_bytes;
} ParquetColumn;

/* The columns of a footer's schema, in the arena. */
void parquet__schema_columns(const ParquetFooter *footer, Arena *arena, uint32_t *count_out,
                             ParquetColumn **columns_out);

/* True when both read as the same column: name, type. */
bool parquet__column_matches(const ParquetColumn *a, const ParquetColumn *b);

#endif
