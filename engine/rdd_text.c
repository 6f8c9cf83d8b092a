/* rdd_text.c -- numbers in texts, for user functions: read as SQL reads them, blanks refused */
#include "core/data/value_text.h"
#include "vonk/udf.h"

static bool has_blanks(VonkText text)
{
    const unsigned char *data = (const unsigned char *)text.data;

    return text.bytes == 0 || data[0] <= ' ' || data[text.bytes - 1] <= ' ';
}

bool vonk_text_to_int8(VonkText text, int64_t *value_out)
{
    *value_out = 0;
    return !has_blanks(text) && value_parse_int8(text.data, text.bytes, value_out) == PARSE_OK;
}

bool vonk_text_to_float8(VonkText text, double *value_out)
{
    *value_out = 0;
    return !has_blanks(text) && value_parse_float8(text.data, text.bytes, value_out) == PARSE_OK;
}
