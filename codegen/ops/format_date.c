/* format_date.c -- timestamps by template: to_char; see by_template.h */
#include <stdio.h>
#include <string.h>

#include "codegen/ops/by_template.h"
#include "core/data/calendar.h"

const char *const op__month_names[12] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
const char *const op__day_names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

/* --- templates --- */

typedef struct Pattern {
    const char *word; /* in capitals; longer ones before those they begin with */
    FormatField field;
    uint8_t digits;
} Pattern;

static const Pattern patterns[] = {{"Y,YYY", FORMAT_YEAR_COMMA, 4},
                                   {"YYYY", FORMAT_YEAR, 4},
                                   {"YYY", FORMAT_YEAR, 3},
                                   {"YY", FORMAT_YEAR, 2},
                                   {"Y", FORMAT_YEAR, 1},
                                   {"IYYY", FORMAT_ISO_YEAR, 4},
                                   {"IYY", FORMAT_ISO_YEAR, 3},
                                   {"IY", FORMAT_ISO_YEAR, 2},
                                   {"IDDD", FORMAT_ISO_DAY_OF_YEAR, 3},
                                   {"ID", FORMAT_ISO_DAY_OF_WEEK, 1},
                                   {"IW", FORMAT_ISO_WEEK, 2},
                                   {"I", FORMAT_ISO_YEAR, 1},
                                   {"MONTH", FORMAT_MONTH_NAME, 0},
                                   {"MON", FORMAT_MONTH_SHORT, 0},
                                   {"MI", FORMAT_MINUTE, 2},
                                   {"MM", FORMAT_MONTH, 2},
                                   {"MS", FORMAT_FRACTION, 3},
                                   {"RM", FORMAT_MONTH_ROMAN, 0},
                                   {"DDD", FORMAT_DAY_OF_YEAR, 3},
                                   {"DD", FORMAT_DAY, 2},
                                   {"DAY", FORMAT_DAY_NAME, 0},
                                   {"DY", FORMAT_DAY_SHORT, 0},
                                   {"D", FORMAT_DAY_OF_WEEK, 1},
                                   {"WW", FORMAT_WEEK, 2},
                                   {"W", FORMAT_WEEK_OF_MONTH, 1},
                                   {"CC", FORMAT_CENTURY, 2},
                                   {"J", FORMAT_JULIAN, 0},
                                   {"Q", FORMAT_QUARTER, 1},
                                   {"HH24", FORMAT_HOUR_24, 2},
                                   {"HH12", FORMAT_HOUR_12, 2},
                                   {"HH", FORMAT_HOUR_12, 2},
                                   {"SSSSS", FORMAT_SECOND_OF_DAY, 0},
                                   {"SSSS", FORMAT_SECOND_OF_DAY, 0},
                                   {"SS", FORMAT_SECOND, 2},
                                   {"US", FORMAT_FRACTION, 6},
                                   {"FF1", FORMAT_FRACTION, 1},
                                   {"FF2", FORMAT_FRACTION, 2},
                                   {"FF3", FORMAT_FRACTION, 3},
                                   {"FF4", FORMAT_FRACTION, 4},
                                   {"FF5", FORMAT_FRACTION, 5},
                                   {"FF6", FORMAT_FRACTION, 6},
                                   {"A.M.", FORMAT_HALF_DAY, 0},
                                   {"P.M.", FORMAT_HALF_DAY, 0},
                                   {"AM", FORMAT_HALF_DAY, 0},
                                   {"PM", FORMAT_HALF_DAY, 0},
                                   {"A.D.", FORMAT_ERA, 0},
                                   {"B.C.", FORMAT_ERA, 0},
                                   {"AD", FORMAT_ERA, 0},
                                   {"BC", FORMAT_ERA, 0},
                                   {"TZH", FORMAT_UNKNOWN, 0},
                                   {"TZM", FORMAT_UNKNOWN, 0},
                                   {"TZ", FORMAT_UNKNOWN, 0},
                                   {"OF", FORMAT_UNKNOWN, 0},
                                   {"TM", FORMAT_UNKNOWN, 0},
                                   {"FX", FORMAT_UNKNOWN, 0},
                                   {"SP", FORMAT_UNKNOWN, 0}};

static bool is_name(FormatField field)
{
    return field == FORMAT_MONTH_NAME || field == FORMAT_MONTH_SHORT || field == FORMAT_DAY_NAME ||
           field == FORMAT_DAY_SHORT;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* word in capitals, in small letters, or (initial) with a capital in front only. */
static bool matches(const char *at, size_t left, const char *word, FormatCase letters)
{
    size_t length = strlen(word);

    if (length > left)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_upper = letters == FORMAT_UPPER || (letters == FORMAT_INITIAL && i == 0);

        if (at[i] != (is_upper ? word[i] : lower(word[i])))
            return false;
    }
    return true;
}

static bool find_pattern(const char *at, size_t left, FormatNode *node)
{
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        FormatCase last = is_name(patterns[i].field) ? FORMAT_INITIAL : FORMAT_LOWER;

        for (FormatCase letters = FORMAT_UPPER; letters <= last; letters++) {
            if (!matches(at, left, patterns[i].word, letters))
                continue;
            node->field = patterns[i].field;
            node->digits = patterns[i].digits;
            node->letters = letters;
            node->has_dots = strchr(patterns[i].word, '.') != NULL;
            node->bytes = (uint32_t)strlen(patterns[i].word);
            return true;
        }
    }
    return false;
}

static bool starts_with(const char *at, const char *end, const char *word)
{
    return matches(at, (size_t)(end - at), word, FORMAT_UPPER) ||
           matches(at, (size_t)(end - at), word, FORMAT_LOWER);
}

/* A character of text; a backslash makes the next one text. */
static void take_text(const char **at, const char *end, bool in_quotes, FormatNode *node)
{
    if (**at == '\\' && *at + 1 < end && (in_quotes || (*at)[1] == '"'))
        (*at)++;
    node->field = FORMAT_TEXT;
    node->start = *at;
    node->bytes = 1;
    while (*at + node->bytes < end && ((*at)[node->bytes] & 0xc0) == 0x80)
        node->bytes++;
    node->is_quoted = in_quotes;
    *at += node->bytes;
}

bool op__format_next(const char **at, const char *end, bool *in_quotes, FormatNode *node)
{
    *node = (FormatNode){.start = *at};
    while (*at < end && **at == '"') {
        *in_quotes = !*in_quotes;
        (*at)++;
    }
    if (*at == end)
        return false;
    if (!*in_quotes && starts_with(*at, end, "FM")) {
        node->is_fill = true;
        *at += 2;
        if (*at == end)
            return false;
    }
    node->start = *at;
    if (*in_quotes || !find_pattern(*at, (size_t)(end - *at), node)) {
        take_text(at, end, *in_quotes, node);
        return true;
    }
    *at += node->bytes;
    if (starts_with(*at, end, "TH")) {
        node->has_ordinal = true;
        *at += 2;
    }
    return true;
}

/* --- writing --- */

typedef struct Moment {
    CalendarDay day;
    int64_t days, micros; /* of the day */
    int32_t day_of_year;
} Moment;

typedef struct Writer {
    char *at, *end;
} Writer;

static void put(Writer *writer, const char *text, size_t length)
{
    if (length <= (size_t)(writer->end - writer->at)) {
        memcpy(writer->at, text, length);
        writer->at += length;
    }
}

static const char *ordinal(int64_t number, bool is_upper)
{
    static const char *const upper[] = {"TH", "ST", "ND", "RD"}, *const small[] = {"th", "st", "nd",
                                                                                   "rd"};
    int64_t last = number % 10;
    bool is_plain = last > 3 || number % 100 / 10 == 1;

    return (is_upper ? upper : small)[is_plain ? 0 : last];
}

static void put_number(Writer *writer, const FormatNode *node, int64_t number, int width)
{
    char text[32];
    int length =
        snprintf(text, sizeof text, "%0*lld", node->is_fill ? 0 : width, (long long)number);

    put(writer, text, (size_t)length);
    if (node->has_ordinal)
        put(writer, ordinal(number < 0 ? -number : number, node->start[node->bytes] == 'T'), 2);
}

static void put_name(Writer *writer, const FormatNode *node, const char *name, size_t length,
                     size_t width)
{
    char text[16];

    for (size_t i = 0; i < length; i++) {
        bool is_upper = node->letters == FORMAT_UPPER;
        char c = lower(name[i]);

        if (is_upper || (node->letters == FORMAT_INITIAL && i == 0))
            c = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
        text[i] = c;
    }
    for (; length < width && !node->is_fill; length++)
        text[length] = ' ';
    put(writer, text, length);
}

static void put_pair(Writer *writer, const FormatNode *node, const char *letters)
{
    char text[4] = {letters[0], letters[1], 0, 0};
    size_t length = 2;

    if (node->has_dots) {
        memcpy(text, (char[4]){letters[0], '.', letters[1], '.'}, 4);
        length = 4;
    }
    put_name(writer, node, text, length, 0);
}

static void put_year(Writer *writer, const FormatNode *node, int64_t year)
{
    static const int64_t powers[] = {1, 10, 100, 1000};

    year = year <= 0 ? 1 - year : year; /* of BC */
    put_number(writer, node, node->digits == 4 ? year : year % powers[node->digits], node->digits);
}

static void put_comma_year(Writer *writer, const FormatNode *node, int64_t year)
{
    char text[32];
    int length;

    year = year <= 0 ? 1 - year : year;
    length = snprintf(text, sizeof text, "%lld,%03lld", (long long)(year / 1000),
                      (long long)(year % 1000));
    put(writer, text, (size_t)length);
    if (node->has_ordinal)
        put(writer, ordinal(year, node->start[node->bytes] == 'T'), 2);
}

static void put_fraction(Writer *writer, const FormatNode *node, int64_t micros)
{
    for (int digits = node->digits; digits < 6; digits++)
        micros /= 10;
    put_number(
        writer,
        &(FormatNode){.has_ordinal = node->has_ordinal, .start = node->start, .bytes = node->bytes},
        micros, node->digits);
}

static int64_t iso_day_of_year(const Moment *moment)
{
    int32_t week;

    calendar_iso_year(moment->days, &week);
    return (week - 1) * 7 + (calendar_weekday(moment->days) + 6) % 7 + 1;
}

static int64_t century(int64_t year)
{
    return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
}

/* Fields of the day alone. */
static void put_day_field(Writer *writer, const FormatNode *node, const Moment *moment)
{
    static const char *const roman[12] = {"I",   "II",   "III", "IV", "V",  "VI",
                                          "VII", "VIII", "IX",  "X",  "XI", "XII"};
    const CalendarDay *day = &moment->day;
    int32_t weekday = calendar_weekday(moment->days), week;
    const char *name;

    switch (node->field) {
    case FORMAT_YEAR:
        put_year(writer, node, day->year);
        break;
    case FORMAT_YEAR_COMMA:
        put_comma_year(writer, node, day->year);
        break;
    case FORMAT_ISO_YEAR:
        put_year(writer, node, calendar_iso_year(moment->days, &week));
        break;
    case FORMAT_MONTH:
        put_number(writer, node, day->month, 2);
        break;
    case FORMAT_MONTH_NAME:
        name = op__month_names[day->month - 1];
        put_name(writer, node, name, strlen(name), 9);
        break;
    case FORMAT_MONTH_SHORT:
        put_name(writer, node, op__month_names[day->month - 1], 3, 0);
        break;
    case FORMAT_MONTH_ROMAN:
        put_name(writer, node, roman[day->month - 1], strlen(roman[day->month - 1]), 4);
        break;
    case FORMAT_DAY:
        put_number(writer, node, day->day, 2);
        break;
    case FORMAT_DAY_OF_YEAR:
        put_number(writer, node, moment->day_of_year, 3);
        break;
    case FORMAT_ISO_DAY_OF_YEAR:
        put_number(writer, node, iso_day_of_year(moment), 3);
        break;
    case FORMAT_DAY_OF_WEEK:
        put_number(writer, node, weekday + 1, 0);
        break;
    case FORMAT_ISO_DAY_OF_WEEK:
        put_number(writer, node, weekday == 0 ? 7 : weekday, 0);
        break;
    case FORMAT_DAY_NAME:
        put_name(writer, node, op__day_names[weekday], strlen(op__day_names[weekday]), 9);
        break;
    case FORMAT_DAY_SHORT:
        put_name(writer, node, op__day_names[weekday], 3, 0);
        break;
    case FORMAT_WEEK:
        put_number(writer, node, (moment->day_of_year - 1) / 7 + 1, 2);
        break;
    case FORMAT_ISO_WEEK:
        calendar_iso_year(moment->days, &week);
        put_number(writer, node, week, 2);
        break;
    case FORMAT_WEEK_OF_MONTH:
        put_number(writer, node, (day->day - 1) / 7 + 1, 0);
        break;
    case FORMAT_CENTURY:
        put_number(writer, node, century(day->year), day->year > 0 ? 2 : 3);
        break;
    case FORMAT_JULIAN:
        put_number(writer, node, moment->days - CALENDAR_DAYS_MIN, 0);
        break;
    case FORMAT_QUARTER:
        put_number(writer, node, (day->month - 1) / 3 + 1, 0);
        break;
    default: /* FORMAT_ERA */
        put_pair(writer, node, day->year <= 0 ? "BC" : "AD");
        break;
    }
}

static void put_field(Writer *writer, const FormatNode *node, const Moment *moment)
{
    int64_t hour = moment->micros / MICROS_PER_HOUR;

    switch (node->field) {
    case FORMAT_TEXT:
        put(writer, node->start, node->bytes);
        break;
    case FORMAT_HOUR_12:
        put_number(writer, node, hour % 12 == 0 ? 12 : hour % 12, 2);
        break;
    case FORMAT_HOUR_24:
        put_number(writer, node, hour, 2);
        break;
    case FORMAT_MINUTE:
        put_number(writer, node, moment->micros / MICROS_PER_MINUTE % 60, 2);
        break;
    case FORMAT_SECOND:
        put_number(writer, node, moment->micros / MICROS_PER_SECOND % 60, 2);
        break;
    case FORMAT_SECOND_OF_DAY:
        put_number(writer, node, moment->micros / MICROS_PER_SECOND, 0);
        break;
    case FORMAT_FRACTION:
        put_fraction(writer, node, moment->micros % MICROS_PER_SECOND);
        break;
    case FORMAT_HALF_DAY:
        put_pair(writer, node, hour >= 12 ? "PM" : "AM");
        break;
    default:
        put_day_field(writer, node, moment);
        break;
    }
}

Str op__to_char_timestamp(OpCtx *ctx, int64_t micros, Str template)
{
    enum { FIELD_BYTES_MAX = 24 }; /* of what a byte of the template can become */
    const char *at = str_bytes(&template), *end = at + template.length;
    size_t room = (size_t)template.length * FIELD_BYTES_MAX;
    Moment moment = {.days = calendar_day_of_micros(micros)};
    char *out = op_text_new(ctx, room);
    Writer writer = {out, out + room};
    bool in_quotes = false;
    FormatNode node;

    if (out == NULL)
        return str_make("", 0);
    moment.day = calendar_of_days(moment.days);
    moment.micros = (int64_t)((uint64_t)micros - (uint64_t)moment.days * (uint64_t)MICROS_PER_DAY);
    moment.day_of_year = (int32_t)(moment.days - calendar_days(moment.day.year, 1, 1)) + 1;
    while (op__format_next(&at, end, &in_quotes, &node)) {
        if (node.field == FORMAT_UNKNOWN) {
            op__raise_text(ctx, OPERR_TEMPLATE, str_make(node.start, node.bytes));
            return str_make("", 0);
        }
        put_field(&writer, &node, &moment);
    }
    return str_make(out, (uint32_t)(writer.at - out));
}
