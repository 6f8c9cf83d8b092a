/* number_cast.c -- the slow casts between floats, numerics and texts; see cast.h */
#include <stdio.h>

#include "codegen/ops/cast.h"

/* The digits of a finite double as PostgreSQL's float8_numeric takes them: "%.15g". */
Int128 op__float_decimal(OpCtx *ctx, double a, int32_t digits, int32_t precision, int32_t scale)
{
    char printed[64], plain[64];
    uint32_t used = 0;
    bool in_exponent = false;
    Int128 value = 0;

    if (!isfinite(a)) {
        op_raise(ctx, isnan(a) ? OPERR_NAN_TO_NUMERIC : OPERR_INF_TO_NUMERIC);
        return 0;
    }
    snprintf(printed, sizeof printed, "%.*e", digits - 1, a);
    for (const char *p = printed; *p != '\0'; p++) { /* the locale's point, whatever it is */
        in_exponent |= *p == 'e';
        if ((*p >= '0' && *p <= '9') || *p == '-' || in_exponent)
            plain[used++] = *p;
        else if (used > 0 && plain[used - 1] != '.')
            plain[used++] = '.';
    }
    if (value_parse_decimal(plain, used, precision, scale, &value) != PARSE_OK)
        op__raise_precision(ctx, precision, scale);
    return value;
}

double op__decimal_float8(Int128 a, int32_t scale)
{
    char text[VALUE_TEXT_BYTES];
    double number = 0;
    ParseResult result = value_parse_float8(text, value_print_decimal(a, scale, text), &number);

    (void)result; /* 38 digits always fit */
    return number;
}

float op__decimal_float4(Int128 a, int32_t scale)
{
    char text[VALUE_TEXT_BYTES];
    float number = 0;
    ParseResult result = value_parse_float4(text, value_print_decimal(a, scale, text), &number);

    (void)result;
    return number;
}

Str op__cut_text(Str a, bool is_char, int32_t length)
{
    const char *bytes = str_bytes(&a);
    uint32_t end = a.length;

    if (length > 0 && a.length > (uint32_t)length) {
        int32_t characters = 0;

        for (end = 0; end < a.length; end++)
            if (((unsigned char)bytes[end] & 0xc0) != 0x80 && characters++ == length)
                break;
    }
    while (is_char && end > 0 && bytes[end - 1] == ' ')
        end--;
    return end == a.length ? a : str_make(bytes, end);
}
