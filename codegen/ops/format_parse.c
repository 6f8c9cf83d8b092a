/*
 * format_parse.c -- to_date and to_timestamp: text by template; see by_template.h
 *
 * As lenient as PostgreSQL: blanks may stand anywhere, any punctuation for any other; what follows
 * the last field is not looked at.
 */
#include <stdio.h>
#include <string.h>

#include "codegen/ops/by_template.h"
#include "core/data/calendar.h"

typedef struct Found {
    int64_t year, month, day, day_of_year, hour, minute, second, second_of_day, micros, julian;
    bool has_year, has_month, has_day, has_day_of_year, has_julian, has_second_of_day;
    bool is_12_hours, is_afternoon, has_half_day, is_bc;
} Found;

typedef struct Parser {
    OpCtx *ctx;
    const char *at, *end;
    Found found;
} Parser;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(Parser *parser)
{
    while (parser->at < parser->end && is_blank(*parser->at))
        parser->at++;
}

static void bad_value(Parser *parser, const FormatNode *node, size_t bytes)
{
    char text[64];
    size_t left = (size_t)(parser->end - parser->at);
    int length;

    bytes = bytes < left ? bytes : left;
    length = snprintf(text, sizeof text, "\"%.*s\" for \"%.*s\"", (int)(bytes < 20 ? bytes : 20),
                      parser->at, (int)node->bytes, node->start);
    op__raise_text(parser->ctx, OPERR_TEMPLATE_VALUE,
                   op_text_copy(parser->ctx, text, (size_t)length));
}

/* Digits; no more than `most` where the next field has digits too. */
static int64_t take_number(Parser *parser, const FormatNode *node, int most, int *digits_out)
{
    const char *start;
    bool is_negative = false;
    int64_t number = 0;

    skip_blanks(parser);
    if (parser->at < parser->end && (*parser->at == '-' || *parser->at == '+') &&
        node->field == FORMAT_YEAR)
        is_negative = *parser->at++ == '-';
    start = parser->at;
    while (parser->at < parser->end && is_digit(*parser->at) && parser->at - start < most)
        number = number * 10 + (*parser->at++ - '0');
    *digits_out = (int)(parser->at - start);
    if (parser->at == start)
        bad_value(parser, node, node->digits == 0 ? 1 : node->digits);
    return is_negative ? -number : number;
}

/* Which of the names the text goes on with; without a case. */
static int64_t take_name(Parser *parser, const FormatNode *node, const char *const *names,
                         uint32_t count, size_t length_max)
{
    skip_blanks(parser);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]), same = 0;

        length = length < length_max ? length : length_max;
        while (same < length && parser->at + same < parser->end &&
               (parser->at[same] | 0x20) == (names[i][same] | 0x20))
            same++;
        if (same == length) {
            parser->at += length;
            return i;
        }
    }
    bad_value(parser, node, node->bytes);
    return 0;
}

/* A year of fewer than four digits is the one nearest to 2020. */
static int64_t near_2020(int64_t year)
{
    if (year < 70)
        return year + 2000;
    if (year < 100)
        return year + 1900;
    if (year < 520)
        return year + 2000;
    return year < 1000 ? year + 1000 : year;
}

static void take_fraction(Parser *parser, const FormatNode *node)
{
    int digits;
    int64_t number = take_number(parser, node, node->digits, &digits);

    for (; digits < 6; digits++)
        number *= 10;
    parser->found.micros = number;
}

static void take_pair(Parser *parser, const FormatNode *node)
{
    static const char *const plain[] = {"AM", "PM", "AD", "BC"};
    static const char *const dotted[] = {"A.M.", "P.M.", "A.D.", "B.C."};
    bool is_era = node->field == FORMAT_ERA;
    int64_t which =
        take_name(parser, node, (node->has_dots ? dotted : plain) + (is_era ? 2 : 0), 2, 4);

    if (is_era) {
        parser->found.is_bc = which == 1;
    } else {
        parser->found.has_half_day = true;
        parser->found.is_afternoon = which == 1;
    }
}

/* Where digits follow at once, a field takes its own number of them only. */
static int most_digits(const FormatNode *node, const char *next, const char *end)
{
    bool in_quotes = false;
    FormatNode following;
    bool is_open = !op__format_next(&next, end, &in_quotes, &following) ||
                   following.field == FORMAT_TEXT || following.digits == 0;

    return is_open ? 9 : node->digits;
}

static void take_field(Parser *parser, const FormatNode *node, const char *next,
                       const char *template_end)
{
    Found *found = &parser->found;
    int digits, most = most_digits(node, next, template_end);

    switch (node->field) {
    case FORMAT_YEAR:
        found->has_year = true;
        found->year = take_number(parser, node, most, &digits);
        if (node->digits < 4 && digits < 4)
            found->year = near_2020(found->year);
        break;
    case FORMAT_MONTH:
        found->has_month = true;
        found->month = take_number(parser, node, most, &digits);
        break;
    case FORMAT_MONTH_NAME:
    case FORMAT_MONTH_SHORT:
        found->has_month = true;
        found->month = 1 + take_name(parser, node, op__month_names, 12,
                                     node->field == FORMAT_MONTH_NAME ? 9 : 3);
        break;
    case FORMAT_DAY:
        found->has_day = true;
        found->day = take_number(parser, node, most, &digits);
        break;
    case FORMAT_DAY_OF_YEAR:
        found->has_day_of_year = true;
        found->day_of_year = take_number(parser, node, most, &digits);
        break;
    case FORMAT_DAY_NAME: /* read, and not used: as PostgreSQL */
    case FORMAT_DAY_SHORT:
        take_name(parser, node, op__day_names, 7, node->field == FORMAT_DAY_NAME ? 9 : 3);
        break;
    case FORMAT_JULIAN:
        found->julian = take_number(parser, node, 10, &digits);
        found->has_julian = found->julian > 0; /* 0 says nothing, to PostgreSQL */
        if (found->julian > INT32_MAX || (parser->at < parser->end && is_digit(*parser->at)))
            op_raise(parser->ctx, OPERR_JULIAN_RANGE);
        break;
    case FORMAT_HOUR_12:
    case FORMAT_HOUR_24:
        found->is_12_hours = node->field == FORMAT_HOUR_12;
        found->hour = take_number(parser, node, most, &digits);
        break;
    case FORMAT_MINUTE:
        found->minute = take_number(parser, node, most, &digits);
        break;
    case FORMAT_SECOND:
        found->second = take_number(parser, node, most, &digits);
        break;
    case FORMAT_SECOND_OF_DAY:
        found->has_second_of_day = true;
        found->second_of_day = take_number(parser, node, 9, &digits);
        break;
    case FORMAT_FRACTION:
        take_fraction(parser, node);
        break;
    case FORMAT_HALF_DAY:
    case FORMAT_ERA:
        take_pair(parser, node);
        break;
    default:
        op__raise_text(parser->ctx, OPERR_TEMPLATE, str_make(node->start, node->bytes));
        break;
    }
}

/* Punctuation stands for any other, and for none; letters and quoted text for one character. */
static void skip_text(Parser *parser, const FormatNode *node)
{
    bool is_mark = !node->is_quoted && !is_letter(*node->start) && !is_digit(*node->start);

    if (is_mark)
        skip_blanks(parser);
    if (parser->at == parser->end || (is_mark && is_blank(*node->start)))
        return;
    if (is_mark && (is_letter(*parser->at) || is_digit(*parser->at)))
        return;
    parser->at++;
}

static void out_of_range(Parser *parser, Str text)
{
    op__raise_text(parser->ctx, OPERR_TEMPLATE_RANGE, text);
}

static int64_t days_of(Parser *parser, Str text)
{
    Found *found = &parser->found;
    int64_t year = found->has_year ? found->year : 0, month = found->month, day = found->day;

    if (found->has_julian)
        return found->julian + CALENDAR_DAYS_MIN;
    if (found->is_bc || year < 0)
        year = year < 0 ? year + 1 : 1 - year;
    if (found->has_day_of_year) {
        if (found->day_of_year < 1 || found->day_of_year > 365 + calendar_is_leap(year))
            out_of_range(parser, text);
        return calendar_days(year, 1, 1) + found->day_of_year - 1;
    }
    month = found->has_month ? month : 1;
    day = found->has_day ? day : 1;
    if (month < 1 || month > 12 || day < 1 || day > calendar_month_days(year, (int32_t)month) ||
        year > 294276) {
        out_of_range(parser, text);
        return 0;
    }
    return calendar_days(year, (int32_t)month, (int32_t)day);
}

static int64_t micros_of(Parser *parser, Str text)
{
    Found *found = &parser->found;
    int64_t hour = found->hour;

    if (found->has_second_of_day) {
        if (found->second_of_day >= 86400)
            out_of_range(parser, text);
        return found->second_of_day * MICROS_PER_SECOND + found->micros;
    }
    if (found->is_12_hours && (hour < 1 || hour > 12)) {
        char number[24];
        int length = snprintf(number, sizeof number, "%lld", (long long)hour);

        op__raise_text(parser->ctx, OPERR_TEMPLATE_HOUR,
                       op_text_copy(parser->ctx, number, (size_t)length));
        return 0;
    }
    if (found->has_half_day && hour <= 12)
        hour = hour % 12 + (found->is_afternoon ? 12 : 0);
    if (hour > 23 || found->minute > 59 || found->second > 59)
        out_of_range(parser, text);
    return hour * MICROS_PER_HOUR + found->minute * MICROS_PER_MINUTE +
           found->second * MICROS_PER_SECOND + found->micros;
}

/* ctx says whether that went well. */
static void parse(OpCtx *ctx, Str text, Str template, int64_t *days_out, int64_t *micros_out)
{
    const char *at = str_bytes(&template), *end = at + template.length;
    Parser parser = {.ctx = ctx, .at = str_bytes(&text)};
    bool in_quotes = false;
    FormatNode node;

    *days_out = *micros_out = 0;
    parser.end = parser.at + text.length;
    while (ctx->error == 0 && parser.at < parser.end &&
           op__format_next(&at, end, &in_quotes, &node)) {
        if (node.field == FORMAT_TEXT)
            skip_text(&parser, &node);
        else
            take_field(&parser, &node, at, end);
    }
    if (ctx->error == 0)
        *days_out = days_of(&parser, text);
    if (ctx->error == 0)
        *micros_out = micros_of(&parser, text);
}

int64_t op__to_timestamp(OpCtx *ctx, Str text, Str template)
{
    int64_t days, micros, result;

    parse(ctx, text, template, &days, &micros);
    if (ctx->error != 0)
        return 0;
    if (__builtin_mul_overflow(days, MICROS_PER_DAY, &result) ||
        __builtin_add_overflow(result, micros, &result) || result < CALENDAR_MICROS_MIN) {
        op_raise(ctx, OPERR_TIMESTAMP_RANGE);
        return 0;
    }
    return result;
}

int32_t op__to_date(OpCtx *ctx, Str text, Str template)
{
    int64_t days, micros;

    parse(ctx, text, template, &days, &micros);
    return (int32_t)days; /* of a year below 300000, or a Julian day below 2^31 */
}
