/*
 * calendar.h -- days, months and years of the proleptic Gregorian calendar
 *
 *     calendar_days(1970, 1, 1) == 0        year 0 is 1 BC, year -1 is 2 BC
 *
 * Everything is inline and free of tables: kernels compile it into their loops. The algorithms are
 * Howard Hinnant's (chrono-compatible low-level date algorithms): years begin in March, so that
 * the leap day is the last one.
 */
#ifndef VONK_CORE_DATA_CALENDAR_H
#define VONK_CORE_DATA_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define MICROS_PER_SECOND ((int64_t)1000000)
#define MICROS_PER_MINUTE (60 * MICROS_PER_SECOND)
#define MICROS_PER_HOUR   (3600 * MICROS_PER_SECOND)
#define MICROS_PER_DAY    (86400 * MICROS_PER_SECOND)

/* What PostgreSQL's date can be: 4714-11-24 BC (Julian day 0) to 5874897-12-31. */
#define CALENDAR_DAYS_MIN (-2440588)
#define CALENDAR_DAYS_MAX 2145042905
/* 4714-11-24 BC 00:00 to the last microsecond that 64 bits since 1970 can say (294247-01-10). */
#define CALENDAR_MICROS_MIN  (CALENDAR_DAYS_MIN * MICROS_PER_DAY)
#define CALENDAR_MICROS_MAX  INT64_MAX
#define CALENDAR_JULIAN_1970 2440588

typedef struct CalendarDay {
    int64_t year;  /* 0 is 1 BC */
    int32_t month; /* 1..12     */
    int32_t day;   /* 1..31     */
} CalendarDay;

static inline bool calendar_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int32_t calendar_month_days(int64_t year, int32_t month)
{
    if (month == 2)
        return calendar_is_leap(year) ? 29 : 28;
    return 30 + ((month + (month >> 3)) & 1);
}

/* Days since 1970-01-01; any year within +-10^12, month 1..12. */
static inline int64_t calendar_days(int64_t year, int32_t month, int32_t day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static inline CalendarDay calendar_of_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153;
    int32_t month = (int32_t)(mp < 10 ? mp + 3 : mp - 9);

    return (CalendarDay){.year = (int64_t)yoe + era * 400 + (month <= 2),
                         .month = month,
                         .day = (int32_t)(doy - (153 * mp + 2) / 5 + 1)};
}

/* Floor division: the day that holds a microsecond, also before 1970. */
static inline int64_t calendar_day_of_micros(int64_t micros)
{
    int64_t day = micros / MICROS_PER_DAY;

    return day - (micros % MICROS_PER_DAY < 0);
}

/* 0 Sunday .. 6 Saturday */
static inline int32_t calendar_weekday(int64_t days)
{
    int64_t weekday = (days + 4) % 7;

    return (int32_t)(weekday < 0 ? weekday + 7 : weekday);
}

/* Days since 1970 of the Monday that begins the ISO week with this day. */
static inline int64_t calendar_iso_monday(int64_t days)
{
    int32_t weekday = calendar_weekday(days);

    return days - (weekday == 0 ? 6 : weekday - 1);
}

/* The ISO year of a day, and its week there (1..53): the week belongs to its Thursday's year. */
static inline int64_t calendar_iso_year(int64_t days, int32_t *week_out)
{
    int64_t thursday = calendar_iso_monday(days) + 3;
    int64_t year = calendar_of_days(thursday).year;

    *week_out = (int32_t)((thursday - calendar_days(year, 1, 1)) / 7 + 1);
    return year;
}

#endif
