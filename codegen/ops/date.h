/*
 * date.h -- arithmetic of dates, timestamps and intervals
 *
 * Adding an interval adds its months (the day is cut to the month's length), then its days, then
 * its microseconds.
 */
#ifndef VONK_CODEGEN_OPS_DATE_H
#define VONK_CODEGEN_OPS_DATE_H

#include <math.h>

#include "codegen/ops/op_context.h"
#include "core/data/calendar.h"

/* --- date and days --- */

static inline int32_t op_checked_date(OpCtx *ctx, int64_t days)
{
    op_raise_if(ctx, days < CALENDAR_DAYS_MIN || days > CALENDAR_DAYS_MAX, OPERR_DATE_RANGE);
    return (int32_t)days;
}

static inline int32_t op_add_date_int4(OpCtx *ctx, int32_t date, int32_t days)
{
    return op_checked_date(ctx, (int64_t)date + days);
}

static inline int32_t op_add_int4_date(OpCtx *ctx, int32_t days, int32_t date)
{
    return op_checked_date(ctx, (int64_t)date + days);
}

static inline int32_t op_sub_date_int4(OpCtx *ctx, int32_t date, int32_t days)
{
    return op_checked_date(ctx, (int64_t)date - days);
}

static inline int32_t op_sub_date(OpCtx *ctx, int32_t a, int32_t b)
{
    (void)ctx;
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

/* --- timestamp and interval --- */

/* A day, some months later; the day of the month is cut to what that month has. */
static inline int64_t op_add_months(int64_t days, int64_t months)
{
    CalendarDay day = calendar_of_days(days);
    int64_t month = day.year * 12 + (day.month - 1) + months;
    int64_t year = month / 12 - (month % 12 < 0);
    int32_t month_of_year = (int32_t)(month - year * 12) + 1;
    int32_t last_day = calendar_month_days(year, month_of_year);

    return calendar_days(year, month_of_year, day.day < last_day ? day.day : last_day);
}

static inline int64_t op_shift_timestamp(OpCtx *ctx, int64_t day, int64_t micros_of_day,
                                         int64_t months, int64_t days, int64_t micros)
{
    Int128 result;

    if (months != 0)
        day = op_add_months(day, months);
    result = (Int128)(day + days) * MICROS_PER_DAY + micros_of_day + micros;
    op_raise_if(ctx, result < CALENDAR_MICROS_MIN || result > CALENDAR_MICROS_MAX,
                OPERR_TIMESTAMP_RANGE);
    return (int64_t)result;
}

static inline int64_t op_add_timestamp_interval(OpCtx *ctx, int64_t a, Interval b)
{
    int64_t day = calendar_day_of_micros(a);
    int64_t of_day = (int64_t)((uint64_t)a - (uint64_t)day * (uint64_t)MICROS_PER_DAY);

    return op_shift_timestamp(ctx, day, of_day, b.months, b.days, b.micros);
}

static inline int64_t op_add_interval_timestamp(OpCtx *ctx, Interval b, int64_t a)
{
    return op_add_timestamp_interval(ctx, a, b);
}

static inline int64_t op_sub_timestamp_interval(OpCtx *ctx, int64_t a, Interval b)
{
    int64_t day = calendar_day_of_micros(a);
    int64_t of_day = (int64_t)((uint64_t)a - (uint64_t)day * (uint64_t)MICROS_PER_DAY);

    op_raise_if(ctx, b.micros == INT64_MIN, OPERR_TIMESTAMP_RANGE);
    return op_shift_timestamp(ctx, day, of_day, -(int64_t)b.months, -(int64_t)b.days,
                              (int64_t)-(uint64_t)b.micros);
}

static inline int64_t op_add_date_interval(OpCtx *ctx, int32_t date, Interval b)
{
    return op_shift_timestamp(ctx, date, 0, b.months, b.days, b.micros);
}

static inline int64_t op_add_interval_date(OpCtx *ctx, Interval b, int32_t date)
{
    return op_add_date_interval(ctx, date, b);
}

static inline int64_t op_sub_date_interval(OpCtx *ctx, int32_t date, Interval b)
{
    op_raise_if(ctx, b.micros == INT64_MIN, OPERR_TIMESTAMP_RANGE);
    return op_shift_timestamp(ctx, date, 0, -(int64_t)b.months, -(int64_t)b.days,
                              (int64_t)-(uint64_t)b.micros);
}

/* --- intervals --- */

/* Whole days of microseconds become days; both parts get one sign. */
static inline Interval op_justify_hours_interval(OpCtx *ctx, Interval a)
{
    int64_t whole = a.micros / MICROS_PER_DAY, days = a.days + whole;

    a.micros -= whole * MICROS_PER_DAY;
    if (days > 0 && a.micros < 0) {
        a.micros += MICROS_PER_DAY;
        days--;
    } else if (days < 0 && a.micros > 0) {
        a.micros -= MICROS_PER_DAY;
        days++;
    }
    op_raise_if(ctx, days != (int32_t)days, OPERR_INTERVAL_RANGE);
    a.days = (int32_t)days;
    return a;
}

static inline Interval op_justify_days_interval(OpCtx *ctx, Interval a)
{
    int32_t whole = a.days / 30;
    int64_t months = (int64_t)a.months + whole;

    a.days -= whole * 30;
    if (months > 0 && a.days < 0) {
        a.days += 30;
        months--;
    } else if (months < 0 && a.days > 0) {
        a.days -= 30;
        months++;
    }
    op_raise_if(ctx, months != (int32_t)months, OPERR_INTERVAL_RANGE);
    a.months = (int32_t)months;
    return a;
}

static inline Interval op_justify_interval_interval(OpCtx *ctx, Interval a)
{
    int64_t micros = a.micros % MICROS_PER_DAY;
    int64_t days = a.days + a.micros / MICROS_PER_DAY;
    int64_t months = a.months + days / 30;

    days %= 30;
    if (months > 0 && (days < 0 || (days == 0 && micros < 0))) {
        days += 30;
        months--;
    } else if (months < 0 && (days > 0 || (days == 0 && micros > 0))) {
        days -= 30;
        months++;
    }
    if (days > 0 && micros < 0) {
        micros += MICROS_PER_DAY;
        days--;
    } else if (days < 0 && micros > 0) {
        micros -= MICROS_PER_DAY;
        days++;
    }
    op_raise_if(ctx, months != (int32_t)months, OPERR_INTERVAL_RANGE);
    return (Interval){(int32_t)months, (int32_t)days, micros};
}

static inline Interval op_sub_timestamp(OpCtx *ctx, int64_t a, int64_t b)
{
    Interval difference = {0, 0, 0};

    if (__builtin_sub_overflow(a, b, &difference.micros)) {
        op_raise(ctx, OPERR_INTERVAL_RANGE);
        return difference;
    }
    return op_justify_hours_interval(ctx, difference);
}

static inline Interval op_add_interval(OpCtx *ctx, Interval a, Interval b)
{
    Interval sum;
    bool overflowed = __builtin_add_overflow(a.months, b.months, &sum.months);

    overflowed |= __builtin_add_overflow(a.days, b.days, &sum.days);
    overflowed |= __builtin_add_overflow(a.micros, b.micros, &sum.micros);
    op_raise_if(ctx, overflowed, OPERR_INTERVAL_RANGE);
    return sum;
}

static inline Interval op_sub_interval(OpCtx *ctx, Interval a, Interval b)
{
    Interval difference;
    bool overflowed = __builtin_sub_overflow(a.months, b.months, &difference.months);

    overflowed |= __builtin_sub_overflow(a.days, b.days, &difference.days);
    overflowed |= __builtin_sub_overflow(a.micros, b.micros, &difference.micros);
    op_raise_if(ctx, overflowed, OPERR_INTERVAL_RANGE);
    return difference;
}

static inline Interval op_neg_interval(OpCtx *ctx, Interval a)
{
    return op_sub_interval(ctx, (Interval){0, 0, 0}, a);
}

static inline double op_round_micros(double seconds)
{
    return rint(seconds * 1e6) / 1e6;
}

/*
 * From the exact products (or quotients) of the three parts: fractions cascade down, a month's to
 * 30 days, a day's to 24 hours. '1 mon' * 1.5 is one month and 15 days.
 */
static inline Interval op_interval_of_parts(OpCtx *ctx, double months, double days, double micros)
{
    Interval result = {0, 0, 0};
    double month_days, seconds, total;

    if (!(months >= -2147483648.0 && months <= 2147483647.0 && days >= -2147483648.0 &&
          days <= 2147483647.0)) {
        op_raise(ctx, OPERR_INTERVAL_RANGE);
        return result;
    }
    result.months = (int32_t)months;
    month_days = op_round_micros((months - result.months) * 30);
    seconds = op_round_micros((days - (int32_t)days + month_days - (int32_t)month_days) * 86400);
    total = (double)(int32_t)days + (int32_t)(seconds / 86400) + (int32_t)month_days;
    seconds -= (int32_t)(seconds / 86400) * 86400.0;
    micros = rint(micros + seconds * 1e6);
    if (!(micros >= -9223372036854775808.0 && micros < 9223372036854775808.0) ||
        !(total >= -2147483648.0 && total <= 2147483647.0)) {
        op_raise(ctx, OPERR_INTERVAL_RANGE);
        return result;
    }
    result.days = (int32_t)total;
    result.micros = (int64_t)micros;
    return result;
}

static inline Interval op_mul_interval_float8(OpCtx *ctx, Interval a, double factor)
{
    return op_interval_of_parts(ctx, a.months * factor, a.days * factor, (double)a.micros * factor);
}

static inline Interval op_mul_float8_interval(OpCtx *ctx, double factor, Interval a)
{
    return op_mul_interval_float8(ctx, a, factor);
}

static inline Interval op_div_interval_float8(OpCtx *ctx, Interval a, double divisor)
{
    if (divisor == 0) {
        op_raise(ctx, OPERR_DIVISION_BY_ZERO);
        return a;
    }
    return op_interval_of_parts(ctx, a.months / divisor, a.days / divisor,
                                (double)a.micros / divisor);
}

/* Years, months, days and time between two timestamps, as people count them. (date_slow.c) */
Interval op__age(int64_t a, int64_t b);
int32_t op__make_date(OpCtx *ctx, int32_t year, int32_t month, int32_t day);

static inline Interval op_age_timestamp(OpCtx *ctx, int64_t a, int64_t b)
{
    (void)ctx;
    return op__age(a, b);
}

static inline int32_t op_make_date_int4(OpCtx *ctx, int32_t year, int32_t month, int32_t day)
{
    return op__make_date(ctx, year, month, day);
}

int64_t op__make_timestamp(OpCtx *ctx, int32_t date, int32_t hour, int32_t minute, double second);

static inline int64_t op_make_timestamp_date(OpCtx *ctx, int32_t date, int32_t hour, int32_t minute,
                                             double second)
{
    return op__make_timestamp(ctx, date, hour, minute, second);
}

/* Seconds since 1970; to the nearest microsecond. */
static inline int64_t op_to_timestamp_float8(OpCtx *ctx, double seconds)
{
    double micros = rint(seconds * 1e6);

    if (!(micros >= -9223372036854775808.0 && micros < 9223372036854775808.0)) {
        op_raise(ctx, OPERR_TIMESTAMP_RANGE);
        return 0;
    }
    return op_shift_timestamp(ctx, 0, 0, 0, 0, (int64_t)micros);
}

static inline int64_t op_date_bin_timestamp(OpCtx *ctx, Interval stride, int64_t value,
                                            int64_t origin)
{
    Int128 width = (Int128)stride.days * MICROS_PER_DAY + stride.micros;
    Int128 distance = (Int128)value - origin, rest;

    op_raise_if(ctx, stride.months != 0, OPERR_STRIDE_MONTHS);
    if (stride.months != 0 || width <= 0) {
        op_raise_if(ctx, stride.months == 0, OPERR_STRIDE_POSITIVE);
        return 0;
    }
    rest = distance % width;
    rest += rest < 0 ? width : 0;
    return (int64_t)(value - rest);
}

static inline uint8_t op_isfinite_date(OpCtx *ctx, int32_t value)
{
    (void)ctx;
    (void)value;
    return 1;
}

static inline uint8_t op_isfinite_timestamp(OpCtx *ctx, int64_t value)
{
    (void)ctx;
    (void)value;
    return 1;
}

static inline uint8_t op_isfinite_interval(OpCtx *ctx, Interval value)
{
    (void)ctx;
    (void)value;
    return 1;
}

#endif
