/*
 * text_date.c -- dates and timestamps as text and back; see value_text.h
 *
 * Prints ISO 8601 ("2024-02-29 13:00:00.25", years before 1 with " BC"). Reads what PostgreSQL
 * reads with DateStyle "ISO, MDY": ISO dates, 20240229, 2/29/2024, Feb 29, 2024, 29-Feb-2024; a
 * time; a zone, which a timestamp without time zone ignores.
 */
#include "core/data/calendar.h"
#include "core/data/text_internal.h"

static uint32_t print_day(int64_t days, char *buffer, bool *is_bc_out)
{
    CalendarDay day = calendar_of_days(days);
    uint64_t year = (uint64_t)(day.year > 0 ? day.year : 1 - day.year);
    uint32_t used = text__print_padded(year, 4, buffer);

    buffer[used++] = '-';
    used += text__print_padded((uint64_t)day.month, 2, buffer + used);
    buffer[used++] = '-';
    used += text__print_padded((uint64_t)day.day, 2, buffer + used);
    *is_bc_out = day.year <= 0;
    return used;
}

static uint32_t add_bc(bool is_bc, char *buffer, uint32_t used)
{
    if (!is_bc)
        return used;
    memcpy(buffer + used, " BC", 3);
    return used + 3;
}

uint32_t value_print_date(int32_t days, char *buffer)
{
    bool is_bc;
    uint32_t used = print_day(days, buffer, &is_bc);

    return add_bc(is_bc, buffer, used);
}

uint32_t text__print_time(uint64_t micros, char *buffer)
{
    uint64_t seconds = micros / 1000000, fraction = micros % 1000000;
    uint32_t used = text__print_padded(seconds / 3600, 2, buffer);

    buffer[used++] = ':';
    used += text__print_padded(seconds / 60 % 60, 2, buffer + used);
    buffer[used++] = ':';
    used += text__print_padded(seconds % 60, 2, buffer + used);
    if (fraction == 0)
        return used;
    buffer[used++] = '.';
    used += text__print_padded(fraction, 6, buffer + used);
    while (buffer[used - 1] == '0')
        used--;
    return used;
}

uint32_t value_print_timestamp(int64_t micros, char *buffer)
{
    int64_t day = calendar_day_of_micros(micros);
    bool is_bc;
    uint32_t used = print_day(day, buffer, &is_bc);

    buffer[used++] = ' ';
    used += text__print_time((uint64_t)micros - (uint64_t)day * (uint64_t)MICROS_PER_DAY,
                             buffer + used);
    return add_bc(is_bc, buffer, used);
}

/* --- parsing --- */

bool text__scan_digits(Slice *text, int64_t *number_out, uint32_t *count_out)
{
    int64_t number = 0;
    uint32_t count = 0;

    for (; text->at < text->end && text__is_digit(*text->at); text->at++, count++)
        if (count < 18)
            number = number * 10 + (*text->at - '0');
    *number_out = number;
    *count_out = count;
    return count > 0 && count <= 18;
}

Slice text__scan_word(Slice *text)
{
    Slice word = {text->at, text->at};

    while (word.end < text->end && text__is_letter(*word.end))
        word.end++;
    text->at = word.end;
    return word;
}

static bool next_is(const Slice *text, char c)
{
    return text->at < text->end && *text->at == c;
}

/* .123456789 -> 123457; text moves past the digits. */
static int64_t scan_fraction_micros(Slice *text)
{
    int64_t micros = 0, unit = 100000;
    bool rounds_up = false;

    for (; text->at < text->end && text__is_digit(*text->at); text->at++) {
        int64_t digit = *text->at - '0';

        if (unit > 0)
            micros += digit * unit;
        else if (unit == 0)
            rounds_up = digit >= 5;
        unit = unit > 0 ? (unit == 1 ? 0 : unit / 10) : -1;
    }
    return micros + rounds_up;
}

ParseResult text__scan_time(Slice *text, int64_t *micros_out)
{
    int64_t hours, minutes, seconds = 0, micros = 0;
    uint32_t digits;

    if (!text__scan_digits(text, &hours, &digits) || !next_is(text, ':'))
        return PARSE_SYNTAX;
    text->at++;
    if (!text__scan_digits(text, &minutes, &digits))
        return PARSE_SYNTAX;
    if (next_is(text, ':')) {
        text->at++;
        if (!text__scan_digits(text, &seconds, &digits))
            return PARSE_SYNTAX;
    } else if (next_is(text, '.')) { /* 12:34.5 is minutes and seconds */
        seconds = minutes;
        minutes = hours;
        hours = 0;
    }
    if (next_is(text, '.')) {
        text->at++;
        micros = scan_fraction_micros(text);
    }
    if (minutes > 59 || seconds > 60 || hours > 2562047787)
        return PARSE_FIELD;
    *micros_out = hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE +
                  seconds * MICROS_PER_SECOND + micros;
    return PARSE_OK;
}

/* What has been seen of a date and time so far. */
typedef struct Parts {
    int64_t year, month, day;
    bool has_year, has_month, has_day, has_date, has_time, is_bc, is_pm, is_am;
    uint32_t year_digits;
    int64_t micros;
} Parts;

/* 1..12, or 0: at least three letters of a month's name. */
static int64_t month_of_word(Slice word)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    size_t length = (size_t)(word.end - word.at);

    for (int64_t i = 0; i < 12; i++) {
        Slice name = {months[i], months[i] + strlen(months[i])};
        size_t j = 0;

        while (j < length && name.at + j < name.end && text__lower(word.at[j]) == name.at[j])
            j++;
        if (j == length && (length == 3 || name.at + j == name.end))
            return i + 1;
    }
    return text__equals_word(word, "sept") ? 9 : 0;
}

static bool is_weekday_word(Slice word)
{
    static const char *const days[] = {
        "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sun", "mon",
        "tue",    "tues",   "wed",     "weds",      "thu",      "thur",   "thurs",    "fri", "sat"};

    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
        if (text__equals_word(word, days[i]))
            return true;
    return false;
}

static void set_year(Parts *parts, int64_t year, uint32_t digits)
{
    parts->year = year;
    parts->year_digits = digits;
    parts->has_year = true;
}

static void set_month(Parts *parts, int64_t month)
{
    parts->month = month;
    parts->has_month = true;
}

static void set_day(Parts *parts, int64_t day)
{
    parts->day = day;
    parts->has_day = true;
}

/* A number that stands alone: 20240229, or the day or year beside a month's name. */
static ParseResult take_number(Parts *parts, int64_t number, uint32_t digits)
{
    if (digits == 8 && !parts->has_date && !parts->has_month) {
        set_year(parts, number / 10000, 4);
        set_month(parts, number / 100 % 100);
        set_day(parts, number % 100);
        parts->has_date = true;
        return PARSE_OK;
    }
    if (digits == 6 && parts->has_date && !parts->has_time) { /* 134501 */
        parts->has_time = true;
        if (number / 10000 > 24 || number / 100 % 100 > 59 || number % 100 > 60)
            return PARSE_FIELD;
        parts->micros = number / 10000 * MICROS_PER_HOUR + number / 100 % 100 * MICROS_PER_MINUTE +
                        number % 100 * MICROS_PER_SECOND;
        return PARSE_OK;
    }
    if (digits <= 2 && !parts->has_day)
        set_day(parts, number);
    else if (!parts->has_year)
        set_year(parts, number, digits);
    else
        return PARSE_SYNTAX;
    return PARSE_OK;
}

/* first[-/.]second[-/.]third; any of them may be a month's name. */
static ParseResult take_separated(Parts *parts, Slice *text, int64_t first, uint32_t first_digits)
{
    int64_t field[3] = {first, 0, 0}, month_name = 0;
    uint32_t digits[3] = {first_digits, 0, 0}, count = 1, month_at = 0;
    char separator = *text->at;

    while (count < 3 && next_is(text, separator)) {
        text->at++;
        if (text->at < text->end && text__is_letter(*text->at)) {
            month_name = month_of_word(text__scan_word(text));
            if (month_name == 0)
                return PARSE_SYNTAX;
            month_at = count;
        } else if (!text__scan_digits(text, &field[count], &digits[count])) {
            return PARSE_SYNTAX;
        }
        count++;
    }
    if (count < 3 || parts->has_year || parts->has_month || parts->has_day)
        return PARSE_SYNTAX;
    if (month_name != 0) { /* 8-Jan-1999 or 1999-Jan-08 */
        uint32_t year_at = digits[0] >= 3 ? 0 : 2;

        if (month_at != 1)
            return PARSE_SYNTAX;
        set_month(parts, month_name);
        set_year(parts, field[year_at], digits[year_at]);
        set_day(parts, field[2 - year_at]);
    } else if (digits[0] >= 3) {
        set_year(parts, field[0], digits[0]);
        set_month(parts, field[1]);
        set_day(parts, field[2]);
    } else {
        set_month(parts, field[0]);
        set_day(parts, field[1]);
        set_year(parts, field[2], digits[2]);
    }
    parts->has_date = true;
    return PARSE_OK;
}

static ParseResult take_word(Parts *parts, Slice word)
{
    int64_t month = month_of_word(word);

    if (month != 0) {
        if (parts->has_month)
            return PARSE_SYNTAX;
        set_month(parts, month);
    } else if (text__equals_word(word, "bc")) {
        parts->is_bc = true;
    } else if (text__equals_word(word, "am") && parts->has_time) {
        parts->is_am = true;
    } else if (text__equals_word(word, "pm") && parts->has_time) {
        parts->is_pm = true;
    } else if (text__equals_word(word, "infinity") || text__equals_word(word, "now") ||
               text__equals_word(word, "today") || text__equals_word(word, "tomorrow") ||
               text__equals_word(word, "yesterday")) {
        return PARSE_UNSUPPORTED;
    } else if (text__equals_word(word, "epoch")) {
        set_year(parts, 1970, 4);
        set_month(parts, 1);
        set_day(parts, 1);
        parts->has_date = true;
    } else if (!text__equals_word(word, "ad") && !text__equals_word(word, "t") &&
               !(parts->has_time &&
                 (text__equals_word(word, "z") || text__equals_word(word, "utc") ||
                  text__equals_word(word, "gmt"))) &&
               !is_weekday_word(word)) {
        return PARSE_SYNTAX;
    }
    return PARSE_OK;
}

/* +02, -05:30: read over. */
static ParseResult skip_zone(Slice *text)
{
    text->at++;
    if (text->at == text->end || !text__is_digit(*text->at))
        return PARSE_SYNTAX;
    while (text->at < text->end && (text__is_digit(*text->at) || *text->at == ':'))
        text->at++;
    return PARSE_OK;
}

static ParseResult take_digits(Parts *parts, Slice *text)
{
    Slice start = *text;
    int64_t number;
    uint32_t digits;
    ParseResult result;

    if (!text__scan_digits(text, &number, &digits))
        return PARSE_SYNTAX;
    if (next_is(text, ':')) {
        if (parts->has_time)
            return PARSE_SYNTAX;
        *text = start;
        result = text__scan_time(text, &parts->micros);
        parts->has_time = true;
        return result == PARSE_OK && parts->micros > MICROS_PER_DAY ? PARSE_FIELD : result;
    }
    if (next_is(text, '-') || next_is(text, '/') || next_is(text, '.'))
        return take_separated(parts, text, number, digits);
    return take_number(parts, number, digits);
}

static ParseResult scan_parts(Slice text, Parts *parts)
{
    ParseResult result = PARSE_OK;

    *parts = (Parts){.year = 0};
    while (result == PARSE_OK) {
        while (text.at < text.end && (text__is_blank(*text.at) || *text.at == ','))
            text.at++;
        if (text.at == text.end)
            break;
        if (text__is_digit(*text.at))
            result = take_digits(parts, &text);
        else if (text__is_letter(*text.at))
            result = take_word(parts, text__scan_word(&text));
        else if (parts->has_time && (*text.at == '+' || *text.at == '-'))
            result = skip_zone(&text);
        else
            result = PARSE_SYNTAX;
    }
    return result;
}

/* Checks the parts and makes days of them. */
static ParseResult days_of_parts(Parts *parts, int64_t *days_out)
{
    if (!parts->has_year || !parts->has_month || !parts->has_day)
        return PARSE_SYNTAX;
    if (parts->year_digits <= 2 && !parts->is_bc)
        parts->year += parts->year < 70 ? 2000 : 1900;
    if (parts->year == 0)
        return PARSE_FIELD;
    if (parts->is_bc)
        parts->year = 1 - parts->year;
    if (parts->year > 6000000 || parts->year < -6000)
        return PARSE_RANGE;
    if (parts->month < 1 || parts->month > 12 || parts->day < 1 ||
        parts->day > calendar_month_days(parts->year, (int32_t)parts->month))
        return PARSE_FIELD;
    *days_out = calendar_days(parts->year, (int32_t)parts->month, (int32_t)parts->day);
    return PARSE_OK;
}

static ParseResult parse_date_time(const char *text, size_t length, int64_t *days_out,
                                   int64_t *micros_out)
{
    Parts parts;
    ParseResult result = scan_parts(text__trim(text, length), &parts);

    if (result == PARSE_OK)
        result = days_of_parts(&parts, days_out);
    if (result != PARSE_OK)
        return result;
    if (parts.is_am || parts.is_pm) {
        if (parts.micros >= 13 * MICROS_PER_HOUR || parts.micros < MICROS_PER_HOUR)
            return PARSE_FIELD;
        parts.micros %= 12 * MICROS_PER_HOUR;
        parts.micros += parts.is_pm ? 12 * MICROS_PER_HOUR : 0;
    }
    *micros_out = parts.micros;
    return PARSE_OK;
}

/* 2024-02-29 and nothing else, the form of nearly every file. */
static bool parse_plain_date(const char *p, size_t length, int64_t *days_out)
{
    static const uint8_t places[] = {0, 1, 2, 3, 5, 6, 8, 9};
    int32_t digit[8], year, month, day;

    if (length != 10 || p[4] != '-' || p[7] != '-')
        return false;
    for (int i = 0; i < 8; i++) {
        if (!text__is_digit(p[places[i]]))
            return false;
        digit[i] = p[places[i]] - '0';
    }
    year = digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3];
    month = digit[4] * 10 + digit[5];
    day = digit[6] * 10 + digit[7];
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > calendar_month_days(year, month))
        return false;
    *days_out = calendar_days(year, month, day);
    return true;
}

ParseResult value_parse_date(const char *text, size_t length, int32_t *out)
{
    int64_t days, micros;

    if (!parse_plain_date(text, length, &days)) {
        ParseResult result = parse_date_time(text, length, &days, &micros);

        if (result != PARSE_OK)
            return result;
    }
    if (days < CALENDAR_DAYS_MIN || days > CALENDAR_DAYS_MAX)
        return PARSE_RANGE;
    *out = (int32_t)days;
    return PARSE_OK;
}

ParseResult value_parse_timestamp(const char *text, size_t length, int64_t *out)
{
    int64_t days, micros = 0, whole;
    ParseResult result;

    if (!parse_plain_date(text, length, &days)) {
        result = parse_date_time(text, length, &days, &micros);
        if (result != PARSE_OK)
            return result;
    }
    if (days < CALENDAR_DAYS_MIN || __builtin_mul_overflow(days, MICROS_PER_DAY, &whole) ||
        __builtin_add_overflow(whole, micros, &whole))
        return PARSE_RANGE;
    *out = whole;
    return PARSE_OK;
}
