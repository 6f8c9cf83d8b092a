/*
 * extract.h -- EXTRACT, date_part and date_trunc
 *
 * EXTRACT gives an integer scaled by op_date_field_scale; date_part the same as a double.
 */
#ifndef VONK_CODEGEN_OPS_EXTRACT_H
#define VONK_CODEGEN_OPS_EXTRACT_H

#include "codegen/ops/date_field.h"
#include "core/data/calendar.h"
#include "core/data/decimal.h"

/* There is no year 0: year 0 of the calendar is 1 BC, told as -1. */
static inline int64_t op_told_year(int64_t year)
{
    return year - (year <= 0);
}

static inline int64_t op_year_part(int32_t field, int64_t year)
{
    switch (field) {
    case FIELD_DECADE:
        return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10);
    case FIELD_CENTURY:
        return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
    case FIELD_MILLENNIUM:
        return year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000);
    default:
        return op_told_year(year);
    }
}

static inline int64_t op_extract_day(OpCtx *ctx, int32_t field, int64_t days, TypeId source)
{
    CalendarDay day = calendar_of_days(days);
    int32_t week, weekday;

    switch (field) {
    case FIELD_DAY:
        return day.day;
    case FIELD_MONTH:
        return day.month;
    case FIELD_QUARTER:
        return (day.month + 2) / 3;
    case FIELD_YEAR:
    case FIELD_DECADE:
    case FIELD_CENTURY:
    case FIELD_MILLENNIUM:
        return op_year_part(field, day.year);
    case FIELD_WEEK:
        calendar_iso_year(days, &week);
        return week;
    case FIELD_ISOYEAR:
        return op_told_year(calendar_iso_year(days, &week));
    case FIELD_DOW:
        return calendar_weekday(days);
    case FIELD_ISODOW:
        weekday = calendar_weekday(days);
        return weekday == 0 ? 7 : weekday;
    case FIELD_DOY:
        return days - calendar_days(day.year, 1, 1) + 1;
    default:
        op__raise_field(ctx, field, source);
        return 0;
    }
}

static inline int64_t op_extract_time(OpCtx *ctx, int32_t field, int64_t micros, TypeId source)
{
    switch (field) {
    case FIELD_MICROSECOND:
    case FIELD_MILLISECOND: /* scale 3 */
    case FIELD_SECOND:      /* scale 6 */
        return micros % MICROS_PER_MINUTE;
    case FIELD_MINUTE:
        return micros % MICROS_PER_HOUR / MICROS_PER_MINUTE;
    case FIELD_HOUR:
        return micros / MICROS_PER_HOUR;
    default:
        op__raise_field(ctx, field, source);
        return 0;
    }
}

static inline int64_t op_extract_field_date(OpCtx *ctx, int32_t field, int32_t days)
{
    if (field == FIELD_EPOCH)
        return (int64_t)days * 86400;
    if (field == FIELD_JULIAN)
        return (int64_t)days + CALENDAR_JULIAN_1970;
    return op_extract_day(ctx, field, days, TYPE_DATE);
}

static inline int64_t op_extract_field_timestamp(OpCtx *ctx, int32_t field, int64_t micros)
{
    int64_t day = calendar_day_of_micros(micros);

    if (field == FIELD_EPOCH)
        return micros;
    if (field <= FIELD_HOUR)
        return op_extract_time(
            ctx, field, (int64_t)((uint64_t)micros - (uint64_t)day * (uint64_t)MICROS_PER_DAY),
            TYPE_TIMESTAMP);
    return op_extract_day(ctx, field, day, TYPE_TIMESTAMP);
}

static inline int64_t op_extract_field_interval(OpCtx *ctx, int32_t field, Interval a)
{
    int64_t quarter_days, epoch = 0;

    switch (field) {
    case FIELD_DAY:
        return a.days;
    case FIELD_MONTH:
        return a.months % 12;
    case FIELD_QUARTER:
        return a.months % 12 / 3 + 1;
    case FIELD_YEAR:
        return a.months / 12;
    case FIELD_DECADE:
        return a.months / 120;
    case FIELD_CENTURY:
        return a.months / 1200;
    case FIELD_MILLENNIUM:
        return a.months / 12000;
    case FIELD_EPOCH: /* a year has 365.25 days here: count quarters of days */
        quarter_days =
            (int64_t)(a.months / 12) * 1461 + (int64_t)(a.months % 12) * 120 + (int64_t)a.days * 4;
        if (__builtin_mul_overflow(quarter_days, MICROS_PER_DAY / 4, &epoch) ||
            __builtin_add_overflow(epoch, a.micros, &epoch))
            op_raise(ctx, OPERR_INTERVAL_RANGE);
        return epoch;
    default:
        return op_extract_time(ctx, field, a.micros, TYPE_INTERVAL);
    }
}

/* --- date_trunc --- */

static inline int64_t op_trunc_year(int32_t field, int64_t year)
{
    switch (field) {
    case FIELD_DECADE:
        return year > 0 ? year / 10 * 10 : -((8 - (year - 1)) / 10) * 10;
    case FIELD_CENTURY:
        return year > 0 ? (year + 99) / 100 * 100 - 99 : -((99 - (year - 1)) / 100) * 100 + 1;
    case FIELD_MILLENNIUM:
        return year > 0 ? (year + 999) / 1000 * 1000 - 999
                        : -((999 - (year - 1)) / 1000) * 1000 + 1;
    default:
        return year;
    }
}

/* The unit of a field that is a fixed number of microseconds, else 0. */
static inline int64_t op_field_micros(int32_t field)
{
    switch (field) {
    case FIELD_MICROSECOND:
        return 1;
    case FIELD_MILLISECOND:
        return 1000;
    case FIELD_SECOND:
        return MICROS_PER_SECOND;
    case FIELD_MINUTE:
        return MICROS_PER_MINUTE;
    case FIELD_HOUR:
        return MICROS_PER_HOUR;
    default:
        return 0;
    }
}

static inline int64_t op_date_trunc_field_timestamp(OpCtx *ctx, int32_t field, int64_t micros)
{
    int64_t unit = op_field_micros(field), days = calendar_day_of_micros(micros), rest, result;
    CalendarDay day;

    if (unit != 0) {
        rest = micros % unit;
        rest += rest < 0 ? unit : 0;
        op_raise_if(ctx, __builtin_sub_overflow(micros, rest, &result), OPERR_TIMESTAMP_RANGE);
        return result;
    }
    day = calendar_of_days(days);
    switch (field) {
    case FIELD_DAY:
        break;
    case FIELD_WEEK:
        days = calendar_iso_monday(days);
        break;
    case FIELD_MONTH:
        days = calendar_days(day.year, day.month, 1);
        break;
    case FIELD_QUARTER:
        days = calendar_days(day.year, (day.month - 1) / 3 * 3 + 1, 1);
        break;
    case FIELD_YEAR:
    case FIELD_DECADE:
    case FIELD_CENTURY:
    case FIELD_MILLENNIUM:
        days = calendar_days(op_trunc_year(field, day.year), 1, 1);
        break;
    default:
        op__raise_trunc_field(ctx, field, TYPE_TIMESTAMP);
        return 0;
    }
    op_raise_if(ctx,
                days < CALENDAR_DAYS_MIN || __builtin_mul_overflow(days, MICROS_PER_DAY, &result),
                OPERR_TIMESTAMP_RANGE);
    return (int64_t)((uint64_t)days * (uint64_t)MICROS_PER_DAY);
}

static inline Interval op_date_trunc_field_interval(OpCtx *ctx, int32_t field, Interval a)
{
    int64_t unit = op_field_micros(field);
    int32_t months = 0;

    if (unit != 0) {
        a.micros -= a.micros % unit;
        return a;
    }
    switch (field) {
    case FIELD_DAY:
        a.micros = 0;
        return a;
    case FIELD_MONTH:
        months = 1;
        break;
    case FIELD_QUARTER:
        months = 3;
        break;
    case FIELD_YEAR:
        months = 12;
        break;
    case FIELD_DECADE:
        months = 120;
        break;
    case FIELD_CENTURY:
        months = 1200;
        break;
    case FIELD_MILLENNIUM:
        months = 12000;
        break;
    default:
        op__raise_trunc_field(ctx, field, TYPE_INTERVAL);
        return a;
    }
    return (Interval){a.months / months * months, 0, 0};
}

/* --- the same with the field's name, and as double precision --- */

static inline int32_t op_field_of_name(OpCtx *ctx, Str name, TypeId source)
{
    DateField field = op__date_field(name);

    if (field == FIELD_UNKNOWN)
        op__raise_field_name(ctx, name, source);
    return (int32_t)field;
}

#define EXTRACT_FORMS(source, T, TYPE)                                                             \
    static inline int64_t op_extract_##source(OpCtx *ctx, Str name, T a)                           \
    {                                                                                              \
        int32_t field = op_field_of_name(ctx, name, TYPE);                                         \
        return ctx->error != 0 ? 0 : op_extract_field_##source(ctx, field, a);                     \
    }                                                                                              \
    static inline double op_date_part_field_##source(OpCtx *ctx, int32_t field, T a)               \
    {                                                                                              \
        int64_t part;                                                                              \
                                                                                                   \
        if (TYPE == TYPE_DATE && field >= FIELD_MICROSECOND && field <= FIELD_HOUR)                \
            return 0; /* date_part takes a date for the timestamp of its midnight */               \
        part = op_extract_field_##source(ctx, field, a);                                           \
        return (double)part / (double)decimal_pow10_64[op_date_field_scale(field, TYPE)];          \
    }                                                                                              \
    static inline double op_date_part_##source(OpCtx *ctx, Str name, T a)                          \
    {                                                                                              \
        int32_t field = op_field_of_name(ctx, name, TYPE);                                         \
        return ctx->error != 0 ? 0 : op_date_part_field_##source(ctx, field, a);                   \
    }

EXTRACT_FORMS(date, int32_t, TYPE_DATE)
EXTRACT_FORMS(timestamp, int64_t, TYPE_TIMESTAMP)
EXTRACT_FORMS(interval, Interval, TYPE_INTERVAL)

static inline int64_t op_date_trunc_timestamp(OpCtx *ctx, Str name, int64_t a)
{
    int32_t field = op_field_of_name(ctx, name, TYPE_TIMESTAMP);

    return ctx->error != 0 ? 0 : op_date_trunc_field_timestamp(ctx, field, a);
}

static inline Interval op_date_trunc_interval(OpCtx *ctx, Str name, Interval a)
{
    int32_t field = op_field_of_name(ctx, name, TYPE_INTERVAL);

    return ctx->error != 0 ? a : op_date_trunc_field_interval(ctx, field, a);
}

#endif
