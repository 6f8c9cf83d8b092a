/* text_number.c -- booleans, integers and numerics as text and back; see value_text.h */
#include "core/data/decimal.h"
#include "core/data/text_internal.h"

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

bool text__equals_word(Slice slice, const char *word)
{
    for (; slice.at < slice.end && *word != '\0'; slice.at++, word++)
        if (text__lower(*slice.at) != *word)
            return false;
    return slice.at == slice.end && *word == '\0';
}

uint32_t text__print_uint64(uint64_t number, char *buffer)
{
    char digits[20];
    uint32_t at = sizeof digits;

    while (number >= 100) {
        at -= 2;
        memcpy(digits + at, digit_pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(digits + at, digit_pairs + number * 2, 2);
    } else {
        digits[--at] = (char)('0' + number);
    }
    memcpy(buffer, digits + at, sizeof digits - at);
    return (uint32_t)sizeof digits - at;
}

uint32_t text__print_padded(uint64_t number, uint32_t digits, char *buffer)
{
    char text[20];
    uint32_t length = text__print_uint64(number, text);
    uint32_t zeros = length < digits ? digits - length : 0;

    memset(buffer, '0', zeros);
    memcpy(buffer + zeros, text, length);
    return zeros + length;
}

uint32_t value_print_int8(int64_t number, char *buffer)
{
    if (number >= 0)
        return text__print_uint64((uint64_t)number, buffer);
    buffer[0] = '-';
    return 1 + text__print_uint64(-(uint64_t)number, buffer + 1);
}

/* All digits of up to 39, at least `digits` of them. */
static uint32_t print_uint128(UInt128 number, uint32_t digits, char *buffer)
{
    const uint64_t e18 = (uint64_t)DECIMAL_E18;
    uint32_t used;

    if (number <= UINT64_MAX)
        return text__print_padded((uint64_t)number, digits, buffer);
    used = print_uint128(number / e18, digits > 18 ? digits - 18 : 0, buffer);
    return used + text__print_padded((uint64_t)(number % e18), 18, buffer + used);
}

uint32_t value_print_decimal(Int128 unscaled, int32_t scale, char *buffer)
{
    char digits[VALUE_TEXT_BYTES];
    uint32_t length = print_uint128(decimal_magnitude(unscaled), (uint32_t)scale + 1, digits);
    uint32_t whole = length - (uint32_t)scale, used = 0;

    if (unscaled < 0)
        buffer[used++] = '-';
    memcpy(buffer + used, digits, whole);
    used += whole;
    if (scale > 0) {
        buffer[used++] = '.';
        memcpy(buffer + used, digits + whole, (size_t)scale);
        used += (uint32_t)scale;
    }
    return used;
}

/* --- parsing --- */

/* PostgreSQL takes any unambiguous beginning of true, false, yes, no; on, off; 1, 0. */
ParseResult value_parse_bool(const char *text, size_t length, bool *out)
{
    static const struct {
        const char *word;
        size_t shortest;
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    Slice slice = text__trim(text, length);
    size_t given = (size_t)(slice.end - slice.at);

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char beginning[8];

        if (given < words[i].shortest || given > strlen(words[i].word))
            continue;
        memcpy(beginning, words[i].word, given);
        beginning[given] = '\0';
        if (text__equals_word(slice, beginning)) {
            *out = words[i].value;
            return PARSE_OK;
        }
    }
    return PARSE_SYNTAX;
}

ParseResult value_parse_int8(const char *text, size_t length, int64_t *out)
{
    const char *p = text, *end = text + length, *first;
    bool is_negative = false, is_too_big = false;
    uint64_t number = 0;

    while (p < end && text__is_blank(*p))
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        is_negative = *p++ == '-';
    for (first = p; p < end && text__is_digit(*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (p - first >= 18 && (number > (UINT64_MAX - digit) / 10)) {
            is_too_big = true;
            continue;
        }
        number = number * 10 + digit;
    }
    if (p == first)
        return PARSE_SYNTAX;
    while (p < end && text__is_blank(*p))
        p++;
    if (p < end)
        return PARSE_SYNTAX;
    if (is_too_big || number > (uint64_t)INT64_MAX + is_negative)
        return PARSE_RANGE;
    *out = (int64_t)(is_negative ? -number : number);
    return PARSE_OK;
}

ParseResult value_parse_int4(const char *text, size_t length, int32_t *out)
{
    int64_t number;
    ParseResult result = value_parse_int8(text, length, &number);

    if (result != PARSE_OK)
        return result;
    if (number != (int32_t)number)
        return PARSE_RANGE;
    *out = (int32_t)number;
    return PARSE_OK;
}

ParseResult value_parse_int2(const char *text, size_t length, int16_t *out)
{
    int64_t number;
    ParseResult result = value_parse_int8(text, length, &number);

    if (result != PARSE_OK)
        return result;
    if (number != (int16_t)number)
        return PARSE_RANGE;
    *out = (int16_t)number;
    return PARSE_OK;
}

typedef struct Digits {
    Slice all; /* digits with at most one point among them */
    int64_t power;
    bool is_negative;
} Digits;

static ParseResult scan_decimal(Slice text, Digits *digits)
{
    bool any_digit = false, after_point = false;
    const char *p = text.at;

    *digits = (Digits){.power = 0};
    if (p < text.end && (*p == '-' || *p == '+'))
        digits->is_negative = *p++ == '-';
    digits->all.at = p;
    for (; p < text.end && (text__is_digit(*p) || (*p == '.' && !after_point)); p++) {
        after_point |= *p == '.';
        any_digit |= *p != '.';
    }
    digits->all.end = p;
    if (!any_digit)
        return text__equals_word((Slice){p, text.end}, "nan") ||
                       text__equals_word((Slice){p, text.end}, "infinity") ||
                       text__equals_word((Slice){p, text.end}, "inf")
                   ? PARSE_UNSUPPORTED
                   : PARSE_SYNTAX;
    if (p < text.end && (*p == 'e' || *p == 'E')) {
        if (value_parse_int8(p + 1, (size_t)(text.end - p - 1), &digits->power) != PARSE_OK ||
            text__is_blank(p[1]))
            return PARSE_SYNTAX;
        if (digits->power > 1000 || digits->power < -1000)
            return digits->power > 0 ? PARSE_PRECISION : PARSE_RANGE;
        return PARSE_OK;
    }
    return p == text.end ? PARSE_OK : PARSE_SYNTAX;
}

/*
 * Takes digits up to the scale, looks at the next one to round, and skips the rest:
 *     12.3456 to scale 2: 1234|5 6 -> 1235
 */
static ParseResult gather_decimal(const Digits *digits, int32_t precision, int32_t scale,
                                  Int128 *out)
{
    UInt128 number = 0, limit = (UInt128)decimal_pow10(precision);
    UInt128 tenth =
        limit / 10; /* from here on no digit more fits; ten times 38 digits may wrap around */
    int64_t before_point = 0, index = 0, to_take;

    for (const char *p = digits->all.at; p < digits->all.end && *p != '.'; p++)
        before_point++;
    to_take = before_point + digits->power + scale;
    for (const char *p = digits->all.at; p < digits->all.end; p++) {
        if (*p == '.')
            continue;
        if (index == to_take)
            number += *p >= '5';
        if (index++ >= to_take)
            break;
        if (number >= tenth)
            return PARSE_PRECISION;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    for (; index < to_take && number != 0; index++) {
        if (number >= tenth)
            return PARSE_PRECISION;
        number *= 10;
    }
    if (number >= limit)
        return PARSE_PRECISION;
    *out = digits->is_negative ? -(Int128)number : (Int128)number;
    return PARSE_OK;
}

ParseResult value_parse_decimal(const char *text, size_t length, int32_t precision, int32_t scale,
                                Int128 *out)
{
    Slice slice = text__trim(text, length);
    Digits digits;
    ParseResult result = scan_decimal(slice, &digits);

    if (result == PARSE_RANGE) { /* 1e-5000 is 0 */
        *out = 0;
        return PARSE_OK;
    }
    return result == PARSE_OK ? gather_decimal(&digits, precision, scale, out) : result;
}
