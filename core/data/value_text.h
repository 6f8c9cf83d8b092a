/*
 * value_text.h -- values as PostgreSQL prints them, and back
 *
 *     value_print(&value, 0, buffer)           -> length        value_parse(type, text, length,
 *                                                               ...)
 *
 * The typed functions below them are for those who have a column of one type at hand: the CSV
 * reader, casts, the result writers. None allocates; none depends on the process's locale.
 *
 * Not supported: the infinite dates, timestamps and numerics, and numeric NaN.
 */
#ifndef VONK_CORE_DATA_VALUE_TEXT_H
#define VONK_CORE_DATA_VALUE_TEXT_H

#include "core/data/value.h"

/* Enough for the text of any value that is no text itself. */
enum { VALUE_TEXT_BYTES = 128 };

enum ValuePrintFlag {
    VALUE_PRINT_SHORT_BOOL = 1 /* t and f, as psql's tables; else true and false */
};

/* The text of a value that is not NULL: in buffer[VALUE_TEXT_BYTES], or for a text value its own
 * bytes. Not NUL-terminated. char(n) is padded by nobody: callers that must, do. */
const char *value_print(const Value *value, uint32_t flags, char *buffer, uint32_t *length_out);
/* As value_print, for a value that lies somewhere else. */
const char *value_print_at(Type type, const void *address, uint32_t flags, char *buffer,
                           uint32_t *length_out);
/* A NUL-terminated copy in the arena; "NULL" of a NULL. */
const char *value_print_arena(Arena *arena, const Value *value);

/* Each writes to a buffer of VALUE_TEXT_BYTES and returns the length. */
uint32_t value_print_int8(int64_t number, char *buffer);
uint32_t value_print_decimal(Int128 unscaled, int32_t scale, char *buffer);
uint32_t value_print_float4(float number, char *buffer); /* shortest that reads back the same */
uint32_t value_print_float8(double number, char *buffer);
uint32_t value_print_date(int32_t days, char *buffer);
uint32_t value_print_timestamp(int64_t micros, char *buffer);
uint32_t value_print_interval(Interval interval, char *buffer);

typedef enum ParseResult {
    PARSE_OK,
    PARSE_SYNTAX,      /* 22P02, for dates and times 22007                          */
    PARSE_RANGE,       /* 22003, for dates and times 22008: right form, but too big  */
    PARSE_FIELD,       /* 22008: month 13, 30 February                               */
    PARSE_PRECISION,   /* 22003: numeric(p,s) has too few digits before its point    */
    PARSE_TOO_LONG,    /* 22001: text is longer than varchar(n) allows               */
    PARSE_UNSUPPORTED, /* infinity, NaN where Vonk has no such value                 */
} ParseResult;

/* Each accepts blanks around the value and leaves *out alone when it fails. */
ParseResult value_parse_bool(const char *text, size_t length, bool *out);
ParseResult value_parse_int2(const char *text, size_t length, int16_t *out);
ParseResult value_parse_int4(const char *text, size_t length, int32_t *out);
ParseResult value_parse_int8(const char *text, size_t length, int64_t *out);
/* Rounds half away from zero to the scale. */
ParseResult value_parse_decimal(const char *text, size_t length, int32_t precision, int32_t scale,
                                Int128 *out);
ParseResult value_parse_float4(const char *text, size_t length, float *out);
ParseResult value_parse_float8(const char *text, size_t length, double *out);
ParseResult value_parse_date(const char *text, size_t length, int32_t *out);
ParseResult value_parse_timestamp(const char *text, size_t length, int64_t *out);

/* A bare number in an interval counts units: INTERVAL '3' MONTH. Finer fields are cut off by
 * interval_restrict. INTERVAL_ANY: bare numbers are seconds and nothing is cut off. */
typedef enum IntervalField {
    INTERVAL_ANY,
    INTERVAL_YEAR,
    INTERVAL_MONTH,
    INTERVAL_YEAR_TO_MONTH,
    INTERVAL_DAY,
    INTERVAL_HOUR,
    INTERVAL_MINUTE,
    INTERVAL_SECOND,
    INTERVAL_DAY_TO_HOUR,
    INTERVAL_DAY_TO_MINUTE,
    INTERVAL_DAY_TO_SECOND,
    INTERVAL_HOUR_TO_MINUTE,
    INTERVAL_HOUR_TO_SECOND,
    INTERVAL_MINUTE_TO_SECOND
} IntervalField;
ParseResult value_parse_interval(const char *text, size_t length, IntervalField field,
                                 Interval *out);

/* Text of any type as a value of it; text values borrow. Errors are PostgreSQL's. */
MUST_CHECK Status value_parse(Type type, const char *text, size_t length, Error *err,
                              Value *value_out);
ParseResult value_parse_result(Type type, const char *text, size_t length, Value *value_out);
/* Says in PostgreSQL's words why text is no value of the type; returns ST_BAD_INPUT. */
Status value_parse_error(ParseResult result, Type type, const char *text, size_t length,
                         Error *err);

/* DETAIL of "numeric field overflow". */
void value_precision_detail(Error *err, int32_t precision, int32_t scale);

#endif
