/*
 * by_template.h -- to_char, to_date, to_timestamp: values by PostgreSQL's templates
 *
 *     format_number.c  '99,999.99'     format_date.c  'DD Mon YYYY' out     format_parse.c  and in
 *
 * Templates are read anew for each value: they are short.
 */
#ifndef VONK_CODEGEN_OPS_BY_TEMPLATE_H
#define VONK_CODEGEN_OPS_BY_TEMPLATE_H

#include "codegen/ops/op_context.h"

/* number: digits, perhaps with a sign and a point. */
Str op__to_char_number(OpCtx *ctx, Str number, Str template);
Str op__to_char_float8(OpCtx *ctx, double number, Str template);
Str op__to_char_timestamp(OpCtx *ctx, int64_t micros, Str template);
/* At that scale, which is the template's digits after the point. Text that does not follow the
 * template is refused: PostgreSQL takes what it finds. */
Int128 op__to_number(OpCtx *ctx, Str text, Str template, int32_t scale);
/* Microseconds, and days since 1970. */
int64_t op__to_timestamp(OpCtx *ctx, Str text, Str template);
int32_t op__to_date(OpCtx *ctx, Str text, Str template);

/* --- what both directions know of date templates (format_date.c) --- */

typedef enum FormatField {
    FORMAT_TEXT, /* a character as it is */
    FORMAT_YEAR, /* of `digits` digits */
    FORMAT_YEAR_COMMA,
    FORMAT_ISO_YEAR,
    FORMAT_MONTH,
    FORMAT_MONTH_NAME,
    FORMAT_MONTH_SHORT,
    FORMAT_MONTH_ROMAN,
    FORMAT_DAY,
    FORMAT_DAY_OF_YEAR,
    FORMAT_ISO_DAY_OF_YEAR,
    FORMAT_DAY_OF_WEEK,
    FORMAT_ISO_DAY_OF_WEEK,
    FORMAT_DAY_NAME,
    FORMAT_DAY_SHORT,
    FORMAT_WEEK,
    FORMAT_ISO_WEEK,
    FORMAT_WEEK_OF_MONTH,
    FORMAT_CENTURY,
    FORMAT_JULIAN,
    FORMAT_QUARTER,
    FORMAT_HOUR_12,
    FORMAT_HOUR_24,
    FORMAT_MINUTE,
    FORMAT_SECOND,
    FORMAT_SECOND_OF_DAY,
    FORMAT_FRACTION, /* of `digits` digits */
    FORMAT_HALF_DAY,
    FORMAT_ERA,
    FORMAT_UNKNOWN /* known to PostgreSQL only */
} FormatField;

typedef enum FormatCase { FORMAT_UPPER, FORMAT_LOWER, FORMAT_INITIAL } FormatCase;

typedef struct FormatNode {
    FormatField field;
    FormatCase letters;
    uint8_t digits;
    bool has_dots;     /* A.M. */
    bool is_fill;      /* FM: no padding */
    bool has_ordinal;  /* TH */
    bool is_quoted;    /* FORMAT_TEXT between quotes */
    const char *start; /* in the template */
    uint32_t bytes;
} FormatNode;

/* Takes the next node off the template; false at its end. in_quotes starts as false. */
bool op__format_next(const char **at, const char *end, bool *in_quotes, FormatNode *node);

extern const char *const op__month_names[12];
extern const char *const op__day_names[7];

/* --- operations --- */

static inline Str op_to_char_number(OpCtx *ctx, Str number, Str template)
{
    return op__to_char_number(ctx, number, template);
}

static inline Str op_to_char_float8(OpCtx *ctx, double number, Str template)
{
    return op__to_char_float8(ctx, number, template);
}

static inline Str op_to_char_timestamp(OpCtx *ctx, int64_t micros, Str template)
{
    return op__to_char_timestamp(ctx, micros, template);
}

static inline Int128 op_to_number_text(OpCtx *ctx, Str text, Str template, int32_t scale)
{
    return op__to_number(ctx, text, template, scale);
}

static inline int64_t op_to_timestamp_text(OpCtx *ctx, Str text, Str template)
{
    return op__to_timestamp(ctx, text, template);
}

static inline int32_t op_to_date_text(OpCtx *ctx, Str text, Str template)
{
    return op__to_date(ctx, text, template);
}

#endif
