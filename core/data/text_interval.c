/*
 * text_interval.c -- intervals as text and back; see value_text.h
 *
 * Prints PostgreSQL's style: "1 year 2 mons -3 days +04:05:06.5". Reads that, "1-2" (years-months),
 * "3 4:05:06", numbers with units and fractions, "... ago", and ISO 8601: "P1Y2M3DT4H5M6S".
 */
#include <math.h>

#include "core/data/calendar.h"
#include "core/data/text_internal.h"

static uint32_t print_part(int64_t value, const char *unit, bool *is_first, bool *was_negative,
                           char *out)
{
    uint32_t used = 0;
    size_t unit_bytes = strlen(unit);

    if (value == 0)
        return 0;
    if (!*is_first)
        out[used++] = ' ';
    if (*was_negative && value > 0)
        out[used++] = '+';
    used += value_print_int8(value, out + used);
    out[used++] = ' ';
    memcpy(out + used, unit, unit_bytes);
    used += (uint32_t)unit_bytes;
    if (value != 1)
        out[used++] = 's';
    *was_negative = value < 0;
    *is_first = false;
    return used;
}

uint32_t value_print_interval(Interval interval, char *buffer)
{
    bool is_first = true, was_negative = false;
    uint32_t used = print_part(interval.months / 12, "year", &is_first, &was_negative, buffer);

    used += print_part(interval.months % 12, "mon", &is_first, &was_negative, buffer + used);
    used += print_part(interval.days, "day", &is_first, &was_negative, buffer + used);
    if (!is_first && interval.micros == 0)
        return used;
    if (!is_first)
        buffer[used++] = ' ';
    if (interval.micros < 0)
        buffer[used++] = '-';
    else if (was_negative)
        buffer[used++] = '+';
    return used + text__print_time(interval.micros < 0 ? -(uint64_t)interval.micros
                                                       : (uint64_t)interval.micros,
                                   buffer + used);
}

/* --- parsing --- */

typedef enum Unit {
    UNIT_NONE,
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_AGO
} Unit;

static Unit unit_of_word(Slice word)
{
    static const struct {
        const char *word;
        Unit unit;
    } units[] = {{"microsecond", UNIT_MICROSECOND},
                 {"microseconds", UNIT_MICROSECOND},
                 {"microsecon", UNIT_MICROSECOND},
                 {"usec", UNIT_MICROSECOND},
                 {"usecs", UNIT_MICROSECOND},
                 {"us", UNIT_MICROSECOND},
                 {"useconds", UNIT_MICROSECOND},
                 {"millisecond", UNIT_MILLISECOND},
                 {"milliseconds", UNIT_MILLISECOND},
                 {"msec", UNIT_MILLISECOND},
                 {"msecs", UNIT_MILLISECOND},
                 {"ms", UNIT_MILLISECOND},
                 {"second", UNIT_SECOND},
                 {"seconds", UNIT_SECOND},
                 {"sec", UNIT_SECOND},
                 {"secs", UNIT_SECOND},
                 {"s", UNIT_SECOND},
                 {"minute", UNIT_MINUTE},
                 {"minutes", UNIT_MINUTE},
                 {"min", UNIT_MINUTE},
                 {"mins", UNIT_MINUTE},
                 {"m", UNIT_MINUTE},
                 {"hour", UNIT_HOUR},
                 {"hours", UNIT_HOUR},
                 {"hr", UNIT_HOUR},
                 {"hrs", UNIT_HOUR},
                 {"h", UNIT_HOUR},
                 {"day", UNIT_DAY},
                 {"days", UNIT_DAY},
                 {"d", UNIT_DAY},
                 {"week", UNIT_WEEK},
                 {"weeks", UNIT_WEEK},
                 {"w", UNIT_WEEK},
                 {"month", UNIT_MONTH},
                 {"months", UNIT_MONTH},
                 {"mon", UNIT_MONTH},
                 {"mons", UNIT_MONTH},
                 {"year", UNIT_YEAR},
                 {"years", UNIT_YEAR},
                 {"yr", UNIT_YEAR},
                 {"yrs", UNIT_YEAR},
                 {"y", UNIT_YEAR},
                 {"decade", UNIT_DECADE},
                 {"decades", UNIT_DECADE},
                 {"dec", UNIT_DECADE},
                 {"decs", UNIT_DECADE},
                 {"century", UNIT_CENTURY},
                 {"centuries", UNIT_CENTURY},
                 {"cent", UNIT_CENTURY},
                 {"c", UNIT_CENTURY},
                 {"millennium", UNIT_MILLENNIUM},
                 {"millennia", UNIT_MILLENNIUM},
                 {"mil", UNIT_MILLENNIUM},
                 {"mils", UNIT_MILLENNIUM},
                 {"ago", UNIT_AGO}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text__equals_word(word, units[i].word))
            return units[i].unit;
    return UNIT_NONE;
}

/* The sum so far, wide enough that no single part overflows it. A unit may come only once. */
typedef struct Sum {
    Int128 months, days, micros;
    uint32_t seen_units; /* bit per Unit */
} Sum;

static bool is_new_unit(Sum *sum, uint32_t unit_bits)
{
    bool is_new = (sum->seen_units & unit_bits) == 0;

    sum->seen_units |= unit_bits;
    return is_new;
}

static void add_micros(Sum *sum, int64_t whole, double fraction, int64_t unit_micros)
{
    sum->micros += (Int128)whole * unit_micros + (Int128)rint(fraction * (double)unit_micros);
}

static void add_days(Sum *sum, int64_t whole, double fraction)
{
    sum->days += whole;
    add_micros(sum, 0, fraction, MICROS_PER_DAY);
}

static void add_day_fraction(Sum *sum, double days)
{
    double whole = trunc(days);

    add_days(sum, (int64_t)whole, days - whole);
}

static void add_part(Sum *sum, Unit unit, int64_t whole, double fraction)
{
    static const int32_t months_of[] = {
        [UNIT_YEAR] = 12, [UNIT_DECADE] = 120, [UNIT_CENTURY] = 1200, [UNIT_MILLENNIUM] = 12000};

    switch (unit) {
    case UNIT_NONE:
    case UNIT_AGO:
    case UNIT_SECOND:
        add_micros(sum, whole, fraction, MICROS_PER_SECOND);
        break;
    case UNIT_MICROSECOND:
        add_micros(sum, whole, fraction, 1);
        break;
    case UNIT_MILLISECOND:
        add_micros(sum, whole, fraction, 1000);
        break;
    case UNIT_MINUTE:
        add_micros(sum, whole, fraction, MICROS_PER_MINUTE);
        break;
    case UNIT_HOUR:
        add_micros(sum, whole, fraction, MICROS_PER_HOUR);
        break;
    case UNIT_DAY:
        add_days(sum, whole, fraction);
        break;
    case UNIT_WEEK:
        sum->days += (Int128)whole * 7;
        add_day_fraction(sum, fraction * 7);
        break;
    case UNIT_MONTH:
        sum->months += whole;
        add_day_fraction(sum, fraction * 30);
        break;
    case UNIT_YEAR:
    case UNIT_DECADE:
    case UNIT_CENTURY:
    case UNIT_MILLENNIUM:
        sum->months += (Int128)whole * months_of[unit] + (Int128)rint(fraction * months_of[unit]);
        break;
    }
}

static void skip_blanks(Slice *text)
{
    while (text->at < text->end && (text__is_blank(*text->at) || *text->at == '@'))
        text->at++;
}

/* digits[.digits]; the fraction carries the sign too. */
static ParseResult scan_amount(Slice *text, bool is_negative, int64_t *whole_out,
                               double *fraction_out)
{
    int64_t whole = 0;
    uint32_t digits = 0;
    double fraction = 0;
    bool has_digits = text->at < text->end && text__is_digit(*text->at);

    if (has_digits && !text__scan_digits(text, &whole, &digits))
        return PARSE_RANGE;
    if (text->at < text->end && *text->at == '.') {
        Slice start = {text->at, text->at + 1};

        while (start.end < text->end && text__is_digit(*start.end))
            start.end++;
        if (start.end - start.at == 1 && !has_digits)
            return PARSE_SYNTAX;
        text->at = start.end;
        if (start.end - start.at > 1 &&
            value_parse_float8(start.at, (size_t)(start.end - start.at), &fraction) != PARSE_OK)
            fraction = 0;
    } else if (!has_digits) {
        return PARSE_SYNTAX;
    }
    *whole_out = is_negative ? -whole : whole;
    *fraction_out = is_negative ? -fraction : fraction;
    return PARSE_OK;
}

static Unit unit_of_field(IntervalField field)
{
    switch (field) {
    case INTERVAL_YEAR:
        return UNIT_YEAR;
    case INTERVAL_MONTH:
    case INTERVAL_YEAR_TO_MONTH:
        return UNIT_MONTH;
    case INTERVAL_DAY:
        return UNIT_DAY;
    case INTERVAL_HOUR:
    case INTERVAL_DAY_TO_HOUR:
        return UNIT_HOUR;
    case INTERVAL_MINUTE:
    case INTERVAL_DAY_TO_MINUTE:
    case INTERVAL_HOUR_TO_MINUTE:
        return UNIT_MINUTE;
    default:
        return UNIT_SECOND;
    }
}

static bool looks_like_time(Slice text)
{
    if (text.at < text.end && (*text.at == '+' || *text.at == '-'))
        text.at++;
    if (text.at == text.end || !text__is_digit(*text.at))
        return false;
    while (text.at < text.end && text__is_digit(*text.at))
        text.at++;
    return text.at < text.end && *text.at == ':';
}

/* One part: a time, years-months, or a number with its unit. */
static ParseResult take_part(Slice *text, IntervalField field, Sum *sum)
{
    bool is_negative = false;
    int64_t whole, micros, months;
    double fraction;
    uint32_t digits;
    Unit unit;
    ParseResult result;

    if (*text->at == '-' || *text->at == '+') {
        is_negative = *text->at++ == '-';
        skip_blanks(text); /* 1 month - 1 day */
        if (text->at == text->end || *text->at == '-' || *text->at == '+')
            return PARSE_SYNTAX;
    }
    if (looks_like_time(*text)) {
        result = text__scan_time(text, &micros);
        if (result == PARSE_OK)
            sum->micros += is_negative ? -micros : micros;
        if (!is_new_unit(sum, 1u << UNIT_HOUR | 1u << UNIT_MINUTE | 1u << UNIT_SECOND))
            return PARSE_SYNTAX;
        return result;
    }
    result = scan_amount(text, is_negative, &whole, &fraction);
    if (result != PARSE_OK)
        return result;
    if (text->at + 1 < text->end && *text->at == '-' && text__is_digit(text->at[1])) {
        text->at++; /* 1-2: a year and two months */
        if (!text__scan_digits(text, &months, &digits) || months > 11)
            return PARSE_FIELD;
        if (text->at < text->end && *text->at == '-')
            return PARSE_SYNTAX; /* 2024-02-29 is a date */
        if (!is_new_unit(sum, 1u << UNIT_YEAR | 1u << UNIT_MONTH))
            return PARSE_SYNTAX;
        sum->months += (Int128)whole * 12 + (is_negative ? -months : months);
        return PARSE_OK;
    }
    skip_blanks(text);
    if (text->at < text->end && text__is_letter(*text->at)) {
        unit = unit_of_word(text__scan_word(text));
        if (unit == UNIT_NONE || unit == UNIT_AGO || (text->at < text->end && *text->at == '-'))
            return PARSE_SYNTAX; /* 1 year-1 day: PostgreSQL takes "year-1" for a date */
    } else {
        unit = looks_like_time(*text)  ? UNIT_DAY
               : text->at == text->end ? unit_of_field(field)
                                       : UNIT_NONE;
        if (unit == UNIT_NONE)
            return PARSE_SYNTAX;
    }
    if (!is_new_unit(sum, 1u << unit))
        return PARSE_SYNTAX;
    add_part(sum, unit, whole, fraction);
    return PARSE_OK;
}

/* P1Y2M3W4DT5H6M7.5S, after the P. */
static ParseResult take_iso(Slice text, Sum *sum)
{
    bool is_time = false, any_part = false;

    while (text.at < text.end) {
        bool is_negative = false;
        int64_t whole;
        double fraction;
        Unit unit = UNIT_NONE;
        ParseResult result;

        if (*text.at == 'T' && !is_time) {
            is_time = true;
            text.at++;
            continue;
        }
        if (*text.at == '-' || *text.at == '+')
            is_negative = *text.at++ == '-';
        result = scan_amount(&text, is_negative, &whole, &fraction);
        if (result != PARSE_OK)
            return result;
        if (text.at == text.end)
            return PARSE_SYNTAX;
        switch (*text.at++) {
        case 'Y':
            unit = is_time ? UNIT_NONE : UNIT_YEAR;
            break;
        case 'M':
            unit = is_time ? UNIT_MINUTE : UNIT_MONTH;
            break;
        case 'W':
            unit = is_time ? UNIT_NONE : UNIT_WEEK;
            break;
        case 'D':
            unit = is_time ? UNIT_NONE : UNIT_DAY;
            break;
        case 'H':
            unit = is_time ? UNIT_HOUR : UNIT_NONE;
            break;
        case 'S':
            unit = is_time ? UNIT_SECOND : UNIT_NONE;
            break;
        default:
            break;
        }
        if (unit == UNIT_NONE)
            return PARSE_SYNTAX;
        add_part(sum, unit, whole, fraction);
        any_part = true;
    }
    return any_part ? PARSE_OK : PARSE_SYNTAX;
}

static ParseResult take_parts(Slice text, IntervalField field, Sum *sum)
{
    bool any_part = false;

    for (;;) {
        ParseResult result;

        skip_blanks(&text);
        if (text.at == text.end)
            return any_part ? PARSE_OK : PARSE_SYNTAX;
        if (text__is_letter(*text.at)) {
            if (unit_of_word(text__scan_word(&text)) != UNIT_AGO || text.at != text.end ||
                !any_part)
                return PARSE_SYNTAX;
            *sum = (Sum){-sum->months, -sum->days, -sum->micros, 0};
            return PARSE_OK;
        }
        result = take_part(&text, field, sum);
        if (result != PARSE_OK)
            return result;
        any_part = true;
    }
}

/* Cuts off what is finer than the field: INTERVAL '1 day 2 hours' DAY is one day. */
static void restrict_to_field(IntervalField field, Interval *interval)
{
    switch (field) {
    case INTERVAL_YEAR:
        *interval = (Interval){.months = interval->months / 12 * 12};
        break;
    case INTERVAL_MONTH:
    case INTERVAL_YEAR_TO_MONTH:
        *interval = (Interval){.months = interval->months};
        break;
    case INTERVAL_DAY:
        interval->micros = 0;
        break;
    case INTERVAL_HOUR:
    case INTERVAL_DAY_TO_HOUR:
        interval->micros -= interval->micros % MICROS_PER_HOUR;
        break;
    case INTERVAL_MINUTE:
    case INTERVAL_DAY_TO_MINUTE:
    case INTERVAL_HOUR_TO_MINUTE:
        interval->micros -= interval->micros % MICROS_PER_MINUTE;
        break;
    default:
        break;
    }
}

ParseResult value_parse_interval(const char *text, size_t length, IntervalField field,
                                 Interval *out)
{
    Slice slice = text__trim(text, length);
    Sum sum = {0, 0, 0, 0};
    Interval interval;
    ParseResult result;

    if (slice.at < slice.end && *slice.at == 'P')
        result = take_iso((Slice){slice.at + 1, slice.end}, &sum);
    else if (text__equals_word(slice, "infinity") || text__equals_word(slice, "-infinity"))
        result = PARSE_UNSUPPORTED;
    else
        result = take_parts(slice, field, &sum);
    if (result != PARSE_OK)
        return result;
    interval = (Interval){(int32_t)sum.months, (int32_t)sum.days, (int64_t)sum.micros};
    if (interval.months != sum.months || interval.days != sum.days || interval.micros != sum.micros)
        return PARSE_RANGE;
    restrict_to_field(field, &interval);
    *out = interval;
    return PARSE_OK;
}
