/* date_slow.c -- age, make_date and make_timestamp; see date.h */
#include <stdio.h>

#include "codegen/ops/date.h"

typedef struct Moment {
    CalendarDay day;
    int64_t micros;
} Moment;

static Moment moment_of(int64_t micros)
{
    int64_t days = calendar_day_of_micros(micros);

    return (Moment){calendar_of_days(days),
                    (int64_t)((uint64_t)micros - (uint64_t)days * (uint64_t)MICROS_PER_DAY)};
}

/* later - earlier, borrowing days from the earlier one's month. */
static Interval count_up(Moment later, Moment earlier)
{
    int64_t months = (later.day.year - earlier.day.year) * 12 + later.day.month - earlier.day.month;
    int64_t days = later.day.day - earlier.day.day;
    int64_t micros = later.micros - earlier.micros;

    if (micros < 0) {
        micros += MICROS_PER_DAY;
        days--;
    }
    if (days < 0) {
        days += calendar_month_days(earlier.day.year, earlier.day.month);
        months--;
    }
    return (Interval){(int32_t)months, (int32_t)days, micros};
}

Interval op__age(int64_t a, int64_t b)
{
    Interval span;

    if (a >= b)
        return count_up(moment_of(a), moment_of(b));
    span = count_up(moment_of(b), moment_of(a));
    return (Interval){-span.months, -span.days, -span.micros};
}

int32_t op__make_date(OpCtx *ctx, int32_t year, int32_t month, int32_t day)
{
    int64_t told = year < 0 ? (int64_t)year + 1 : year; /* -1 is 1 BC is year 0 */
    int64_t days;

    if (year == 0 || year < -6000 || year > 6000000 || month < 1 || month > 12 || day < 1 ||
        day > calendar_month_days(told, month)) {
        char text[64];
        int length = snprintf(text, sizeof text, "%d-%02d-%02d", year, month, day);

        op__raise_text(ctx, OPERR_DATE_FIELD, op_text_copy(ctx, text, (size_t)length));
        return 0;
    }
    days = calendar_days(told, month, day);
    return op_checked_date(ctx, days);
}

int64_t op__make_timestamp(OpCtx *ctx, int32_t date, int32_t hour, int32_t minute, double second)
{
    bool is_day_end = hour == 24 && minute == 0 && second == 0;

    if (hour < 0 || (hour > 23 && !is_day_end) || minute < 0 || minute > 59 ||
        !(second >= 0 && second <= 60)) {
        char text[64];
        int length = snprintf(text, sizeof text, "%d:%02d:%02g", hour, minute, second);

        op__raise_text(ctx, OPERR_TIME_FIELD, op_text_copy(ctx, text, (size_t)length));
        return 0;
    }
    return op_shift_timestamp(
        ctx, date, 0, 0, 0, ((int64_t)hour * 60 + minute) * 60000000 + (int64_t)rint(second * 1e6));
}
