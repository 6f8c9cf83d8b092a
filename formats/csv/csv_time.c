/*
 * csv_time.c -- dates and timestamps in other forms than PostgreSQL's, by strptime's formats
 *
 * Numbers may lack leading zeros ("1/2/2024"), but for %Y, which has four digits. %S takes a
 * fraction. No locale: months and AM/PM are English.
 */
#include <string.h>
#include <strings.h>

#include "core/data/calendar.h"
#include "formats/csv/csv_internal.h"

const char *const csv_date_formats[] = {"%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y",
                                        "%d-%m-%Y", "%m-%d-%Y", NULL};
const char *const csv_timestamp_formats[] = {"%Y/%m/%d %H:%M:%S",
                                             "%d/%m/%Y %H:%M:%S",
                                             "%m/%d/%Y %H:%M:%S",
                                             "%d.%m.%Y %H:%M:%S",
                                             "%d-%m-%Y %H:%M:%S",
                                             "%m-%d-%Y %H:%M:%S",
                                             "%Y/%m/%d %H:%M",
                                             "%d/%m/%Y %H:%M",
                                             "%m/%d/%Y %H:%M",
                                             "%d.%m.%Y %H:%M",
                                             "%d-%m-%Y %H:%M",
                                             "%m-%d-%Y %H:%M",
                                             NULL};

static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};

typedef struct Reader {
    const char *at, *end;
} Reader;

typedef struct Fields {
    int year, month, day, hour, minute, second, micros, year_day;
    bool is_12_hours, is_pm;
} Fields;

static bool read_number(Reader *reader, int digits_min, int digits_max, int low, int high, int *out)
{
    int number = 0, digits = 0;

    while (digits < digits_max && reader->at < reader->end && *reader->at >= '0' &&
           *reader->at <= '9') {
        number = number * 10 + (*reader->at++ - '0');
        digits++;
    }
    *out = number;
    return digits >= digits_min && number >= low && number <= high;
}

/* ".123": up to six digits count. */
static void read_fraction(Reader *reader, int *micros)
{
    int unit = 100000;

    *micros = 0;
    if (reader->at == reader->end || *reader->at != '.')
        return;
    for (reader->at++; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
         reader->at++, unit /= 10)
        *micros += unit * (*reader->at - '0');
}

static bool read_month(Reader *reader, bool is_whole, int *month)
{
    for (int i = 0; i < 12; i++) {
        size_t bytes = is_whole ? strlen(months[i]) : 3;

        if ((size_t)(reader->end - reader->at) >= bytes &&
            strncasecmp(reader->at, months[i], bytes) == 0) {
            reader->at += bytes;
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool read_half(Reader *reader, Fields *fields)
{
    if (reader->end - reader->at < 2 || (reader->at[1] | 0x20) != 'm' ||
        ((reader->at[0] | 0x20) != 'a' && (reader->at[0] | 0x20) != 'p'))
        return false;
    fields->is_pm = (reader->at[0] | 0x20) == 'p';
    fields->is_12_hours = true;
    reader->at += 2;
    return true;
}

/* UTC only: another offset would have to be kept, and there is no type for it yet. */
static bool read_zone(Reader *reader)
{
    static const char *const zeros[] = {"Z", "+00:00", "+0000", "+00", "-00:00", "UTC", NULL};

    for (const char *const *zero = zeros; *zero != NULL; zero++) {
        size_t bytes = strlen(*zero);

        if ((size_t)(reader->end - reader->at) >= bytes && memcmp(reader->at, *zero, bytes) == 0) {
            reader->at += bytes;
            return true;
        }
    }
    return false;
}

static bool read_field(char letter, Reader *reader, Fields *fields)
{
    switch (letter) {
    case 'Y':
        return read_number(reader, 4, 4, 1, 9999, &fields->year);
    case 'y':
        if (!read_number(reader, 2, 2, 0, 99, &fields->year))
            return false;
        fields->year += fields->year < 69 ? 2000 : 1900; /* as POSIX has it */
        return true;
    case 'm':
        return read_number(reader, 1, 2, 1, 12, &fields->month);
    case 'd':
        return read_number(reader, 1, 2, 1, 31, &fields->day);
    case 'j':
        return read_number(reader, 3, 3, 1, 366, &fields->year_day);
    case 'b':
        return read_month(reader, false, &fields->month);
    case 'B':
        return read_month(reader, true, &fields->month);
    case 'H':
        return read_number(reader, 1, 2, 0, 23, &fields->hour);
    case 'I':
        fields->is_12_hours = true;
        return read_number(reader, 1, 2, 1, 12, &fields->hour);
    case 'M':
        return read_number(reader, 1, 2, 0, 59, &fields->minute);
    case 'S':
        if (!read_number(reader, 1, 2, 0, 59, &fields->second))
            return false;
        read_fraction(reader, &fields->micros);
        return true;
    case 'f': {
        Reader digits = *reader;
        int unit = 100000;

        for (fields->micros = 0;
             reader->at < reader->end && unit > 0 && *reader->at >= '0' && *reader->at <= '9';
             reader->at++, unit /= 10)
            fields->micros += unit * (*reader->at - '0');
        return reader->at > digits.at;
    }
    case 'p':
        return read_half(reader, fields);
    case 'z':
        return read_zone(reader);
    case '%':
        return reader->at < reader->end && *reader->at++ == '%';
    default:
        return false;
    }
}

static bool finish(const Fields *fields, int64_t *days_out, int64_t *micros_out)
{
    int hour = fields->hour;

    if (fields->is_12_hours)
        hour = hour % 12 + (fields->is_pm ? 12 : 0);
    if (fields->year_day > 0) {
        if (fields->year_day > 365 + calendar_is_leap(fields->year))
            return false;
        *days_out = calendar_days(fields->year, 1, 1) + fields->year_day - 1;
    } else {
        if (fields->day > calendar_month_days(fields->year, fields->month))
            return false;
        *days_out = calendar_days(fields->year, fields->month, fields->day);
    }
    *micros_out =
        ((hour * 60 + fields->minute) * 60 + fields->second) * INT64_C(1000000) + fields->micros;
    return true;
}

bool csv_parse_time(const char *format, const char *text, size_t length, int64_t *days_out,
                    int64_t *micros_out)
{
    Fields fields = {.year = 1970, .month = 1, .day = 1};
    Reader reader = {text, text + length};

    for (; *format != '\0'; format++) {
        if (*format == '%') {
            if (!read_field(*++format, &reader, &fields))
                return false;
        } else if (reader.at == reader.end || *reader.at++ != *format) {
            return false;
        }
    }
    return reader.at == reader.end && finish(&fields, days_out, micros_out);
}

bool csv_is_time_format(const char *format)
{
    bool has_year = false, has_day = false;

    for (; *format != '\0'; format++) {
        if (*format != '%')
            continue;
        if (*++format == '\0' || strchr("YymdbBjHIMSfpz%", *format) == NULL)
            return false;
        has_year |= *format == 'Y' || *format == 'y';
        has_day |= *format == 'd' || *format == 'j';
    }
    return has_year && has_day;
}
