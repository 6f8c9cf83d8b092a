/*
 * text_float.c -- doubles and floats as the shortest text that reads back the same, and back
 *
 * Printing is Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2020): scale
 * the value and the ends of its rounding interval by one 128-bit power of ten, and take the
 * shortest decimal inside. The layout is PostgreSQL's: plain digits for exponents -4..14 (-4..5
 * for real), else 1.5e+20; and as it does, no text is used that only reads back by rounding a tie.
 *
 * Parsing is exact in doubles for up to 15 digits and powers of ten up to 22 (Clinger, "How to
 * read floating point numbers accurately", 1990), else the C library's strtod in the C locale.
 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "core/data/text_internal.h"

enum { POWER_MIN = -292, FLOAT_DIGITS_MAX = 17 };

static const struct {
    uint64_t high, low;
} power_table[] = {
#include "core/data/text_float_powers.def"
};

typedef struct Decimal {
    uint64_t digits;
    int32_t exponent; /* value = digits * 10^exponent */
} Decimal;

static int32_t floor_log10_pow2(int32_t e)
{
    return (e * 1262611) >> 22;
}

static int32_t floor_log10_three_quarters_pow2(int32_t e)
{
    return (e * 1262611 - 524031) >> 22;
}

static int32_t floor_log2_pow10(int32_t e)
{
    return (e * 1741647) >> 19;
}

/* The upper 64 bits of power * factor / 2^64; bit 0 also says whether anything was cut off. */
static uint64_t round_to_odd(uint64_t high, uint64_t low, uint64_t factor)
{
    UInt128 x = (UInt128)low * factor;
    UInt128 y = (UInt128)high * factor + (uint64_t)(x >> 64);

    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* The shortest decimal nearest to significand * 2^exponent; lower_is_closer: the next smaller
 * float is only half as far away as the next larger one. */
static Decimal shortest_decimal(uint64_t significand, int32_t exponent, bool lower_is_closer)
{
    uint64_t left = 4 * significand - 2 + lower_is_closer;
    uint64_t right = 4 * significand + 2;
    int32_t k =
        lower_is_closer ? floor_log10_three_quarters_pow2(exponent) : floor_log10_pow2(exponent);
    int32_t shift = exponent + floor_log2_pow10(-k) + 1;
    uint64_t high = power_table[-k - POWER_MIN].high, low = power_table[-k - POWER_MIN].low;
    uint64_t lower = round_to_odd(high, low, left << shift) + 1;
    uint64_t middle = round_to_odd(high, low, 4 * significand << shift);
    uint64_t upper = round_to_odd(high, low, right << shift) - 1;
    uint64_t s = middle / 4;

    if (s >= 10) { /* one digit fewer? */
        uint64_t tens = s / 10;
        bool down_fits = lower <= 40 * tens, up_fits = 40 * tens + 40 <= upper;

        if (down_fits != up_fits)
            return (Decimal){tens + up_fits, k + 1};
    }
    bool down_fits = lower <= 4 * s, up_fits = 4 * s + 4 <= upper;

    if (down_fits != up_fits)
        return (Decimal){s + up_fits, k};
    bool rounds_up = middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1));

    return (Decimal){s + rounds_up, k};
}

/* Digits with a point or an exponent; fixed_limit: decimal exponents from here on are scientific.
 */
static uint32_t lay_out(Decimal decimal, int32_t fixed_limit, char *out)
{
    char digits[24];
    uint32_t count, used = 0;
    int32_t exponent;

    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    count = text__print_uint64(decimal.digits, digits);
    exponent = decimal.exponent + (int32_t)count - 1; /* of the first digit */
    if (exponent >= fixed_limit || exponent < -4) {
        out[used++] = digits[0];
        if (count > 1) {
            out[used++] = '.';
            memcpy(out + used, digits + 1, count - 1);
            used += count - 1;
        }
        out[used++] = 'e';
        out[used++] = exponent < 0 ? '-' : '+';
        exponent = abs(exponent);
        if (exponent < 10)
            out[used++] = '0';
        return used + text__print_uint64((uint64_t)exponent, out + used);
    }
    if (exponent < 0) {
        memcpy(out, "0.0000", (size_t)(1 - exponent));
        used = (uint32_t)(1 - exponent);
        memcpy(out + used, digits, count);
        return used + count;
    }
    for (int32_t i = 0; i < (int32_t)count || i <= exponent; i++) {
        if (i == exponent + 1)
            out[used++] = '.';
        out[used++] = i < (int32_t)count ? digits[i] : '0';
    }
    return used;
}

static uint32_t print_special(bool is_nan, bool is_negative, char *buffer)
{
    const char *text = is_nan ? "NaN" : is_negative ? "-Infinity" : "Infinity";
    size_t length = strlen(text);

    memcpy(buffer, text, length);
    return (uint32_t)length;
}

uint32_t value_print_float8(double number, char *buffer)
{
    uint32_t used = 0;
    uint64_t bits, fraction;
    int32_t exponent;

    if (!isfinite(number))
        return print_special(isnan(number), number < 0, buffer);
    if (signbit(number))
        buffer[used++] = '-';
    number = fabs(number);
    if (number < 1e15 && number == (double)(int64_t)number)
        return used + text__print_uint64((uint64_t)number, buffer + used);
    memcpy(&bits, &number, sizeof bits);
    fraction = bits & 0xfffffffffffff;
    exponent = (int32_t)(bits >> 52);
    Decimal decimal = exponent == 0
                          ? shortest_decimal(fraction, -1074, false)
                          : shortest_decimal(fraction | (uint64_t)1 << 52, exponent - 1075,
                                             fraction == 0 && exponent > 1);
    return used + lay_out(decimal, 15, buffer + used);
}

uint32_t value_print_float4(float number, char *buffer)
{
    uint32_t used = 0, bits, fraction;
    int32_t exponent;

    if (!isfinite(number))
        return print_special(isnan(number), number < 0, buffer);
    if (signbit(number))
        buffer[used++] = '-';
    number = fabsf(number);
    if (number < 1e6f && number == (float)(int32_t)number)
        return used + text__print_uint64((uint64_t)number, buffer + used);
    memcpy(&bits, &number, sizeof bits);
    fraction = bits & 0x7fffff;
    exponent = (int32_t)(bits >> 23);
    Decimal decimal = exponent == 0 ? shortest_decimal(fraction, -149, false)
                                    : shortest_decimal(fraction | 1u << 23, exponent - 150,
                                                       fraction == 0 && exponent > 1);
    return used + lay_out(decimal, 6, buffer + used);
}

/* --- parsing --- */

typedef struct Scanned {
    uint64_t digits; /* the first 19 */
    int32_t digit_count;
    int32_t exponent;
    bool is_negative;
    bool is_zero;
} Scanned;

/* [+-] digits [. digits] [e [+-] digits], the whole slice. */
static bool scan_number(Slice text, Scanned *scanned)
{
    const char *p = text.at, *end = text.end;
    bool any_digit = false, after_point = false;
    int32_t exponent = 0;

    *scanned = (Scanned){.is_zero = true};
    if (p < end && (*p == '+' || *p == '-'))
        scanned->is_negative = *p++ == '-';
    for (; p < end && (text__is_digit(*p) || (*p == '.' && !after_point)); p++) {
        if (*p == '.') {
            after_point = true;
            continue;
        }
        any_digit = true;
        exponent -= after_point;
        if (*p != '0')
            scanned->is_zero = false;
        if (scanned->digit_count < 19 && (scanned->digits != 0 || *p != '0')) {
            scanned->digits = scanned->digits * 10 + (uint64_t)(*p - '0');
            scanned->digit_count++;
        } else if (scanned->digits != 0) {
            scanned->digit_count = 20;
            exponent++;
        }
    }
    if (!any_digit)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool is_negative = false;
        int32_t power = 0;

        p++;
        if (p < end && (*p == '+' || *p == '-'))
            is_negative = *p++ == '-';
        if (p == end)
            return false;
        for (; p < end && text__is_digit(*p); p++)
            power = power > 99999 ? power : power * 10 + (*p - '0');
        exponent += is_negative ? -power : power;
    }
    scanned->exponent = exponent;
    return p == end;
}

/* strtod in the C locale, whatever the process has set. */
static double parse_exactly(Slice text, bool as_float)
{
    char small[64], *copy = small;
    size_t length = (size_t)(text.end - text.at);
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    Arena *arena = NULL;
    double number;

    if (length >= sizeof small) {
        arena = arena_new(NULL, "number", ARENA_NO_CAP);
        copy = arena_alloc_raw(arena, length + 1);
    }
    memcpy(copy, text.at, length);
    copy[length] = '\0';
    number = as_float ? (double)strtof_l(copy, NULL, locale) : strtod_l(copy, NULL, locale);
    freelocale(locale);
    arena_free(arena);
    return number;
}

static bool parse_word(Slice text, double *out)
{
    double sign = 1;

    if (text.at < text.end && (*text.at == '-' || *text.at == '+'))
        sign = *text.at++ == '-' ? -1 : 1;
    if (text__equals_word(text, "infinity") || text__equals_word(text, "inf"))
        *out = sign * INFINITY;
    else if (text__equals_word(text, "nan"))
        *out = NAN;
    else
        return false;
    return true;
}

static ParseResult parse_float(const char *bytes, size_t length, bool as_float, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Slice text = text__trim(bytes, length);
    Scanned scanned;
    double number;

    if (!scan_number(text, &scanned))
        return parse_word(text, out) ? PARSE_OK : PARSE_SYNTAX;
    if (scanned.digit_count <= 15 && abs(scanned.exponent) <= 22 && !as_float) {
        number = (double)scanned.digits;
        number = scanned.exponent < 0 ? number / powers[-scanned.exponent]
                                      : number * powers[scanned.exponent];
        *out = scanned.is_negative ? -number : number;
        return PARSE_OK;
    }
    number = parse_exactly(text, as_float);
    if (isinf(number) || (number == 0 && !scanned.is_zero))
        return PARSE_RANGE;
    *out = number;
    return PARSE_OK;
}

ParseResult value_parse_float8(const char *text, size_t length, double *out)
{
    return parse_float(text, length, false, out);
}

ParseResult value_parse_float4(const char *text, size_t length, float *out)
{
    double number;
    ParseResult result = parse_float(text, length, true, &number);

    if (result == PARSE_OK)
        *out = (float)number;
    return result;
}
