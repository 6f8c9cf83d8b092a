/* user_text.c -- numbers in texts, for user functions; see vonk/udf.h */
#include "core/data/value_text.h"
#include "vonk/udf.h"

static bool has_blanks(VonkText text)
{
    return text.bytes > 0 &&
           ((unsigned char)text.data[0] <= ' ' || (unsigned char)text.data[text.bytes - 1] <= ' ');
}

/* SQL's reading of the value, but for blanks around it, and 0x10, 0b1 and 1_000. */
enum { DIGITS_MAX = 18 }; /* of numbers that an int64 always holds */

bool vonk_text_to_int8(VonkText text, int64_t *value_out)
{
    size_t sign_bytes = text.bytes > 0 && (text.data[0] == '-' || text.data[0] == '+');
    int64_t value = 0;

    *value_out = 0;
    for (size_t i = sign_bytes; i < text.bytes; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';

        if (digit > 9)
            return false;
        if (i < DIGITS_MAX)
            value = value * 10 + (int64_t)digit;
    }
    if (text.bytes > DIGITS_MAX)
        return value_parse_int8(text.data, text.bytes, value_out) == PARSE_OK;
    *value_out = sign_bytes > 0 && text.data[0] == '-' ? -value : value;
    return text.bytes > sign_bytes;
}

bool vonk_text_to_float8(VonkText text, double *value_out)
{
    *value_out = 0;
    return !has_blanks(text) && value_parse_float8(text.data, text.bytes, value_out) == PARSE_OK;
}
