/* user_text.c -- numbers in texts, for user functions; see vonk/udf.h */
#include "core/data/value_text.h"
#include "vonk/udf.h"

static bool has_blanks(VonkText text)
{
    return text.bytes > 0 &&
           ((unsigned char)text.data[0] <= ' ' || (unsigned char)text.data[text.bytes - 1] <= ' ');
}

/* SQL's reading of the value, but for blanks around it, and 0x10, 0b1 and 1_000. */
bool vonk_text_to_int8(VonkText text, int64_t *value_out)
{
    *value_out = 0;
    for (size_t i = 0; i < text.bytes; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') &&
            (i > 0 || (text.data[i] != '-' && text.data[i] != '+')))
            return false;
    return value_parse_int8(text.data, text.bytes, value_out) == PARSE_OK;
}

bool vonk_text_to_float8(VonkText text, double *value_out)
{
    *value_out = 0;
    return !has_blanks(text) && value_parse_float8(text.data, text.bytes, value_out) == PARSE_OK;
}
