/* log.c -- see log.h */
#include "core/base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 1000, LINE_BYTES = TEXT_BYTES + 100, LEVEL_COUNT = 5 };

static const char *const level_words[LEVEL_COUNT] = {"OFF", "ERROR", "WARN", "INFO", "DEBUG"};

/* One setting for the process, as standard error is one. */
static _Atomic int current_level = LOG_WARN;

void log_set_level(LogLevel level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load_explicit(&current_level, memory_order_relaxed);
}

bool log_level_parse(const char *text, LogLevel *level_out)
{
    *level_out = LOG_WARN;
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strcasecmp(text, level_words[i]) == 0) {
            *level_out = (LogLevel)i;
            return true;
        }
    }
    return false;
}

/* "2026-11-23T05:00:38.123Z WARN  jit: " */
static size_t write_head(char *line, size_t bytes, LogLevel level, const char *area)
{
    struct timespec now;
    struct tm utc;
    int written;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    written = snprintf(line, bytes,
                       "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %-5s %.30s: ", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       (int)(now.tv_nsec / 1000000), level_words[level], area);
    return written < 0 ? 0 : (size_t)written;
}

void log_line(LogLevel level, const char *area, const char *format, ...)
{
    int saved_errno = errno;
    char line[LINE_BYTES];
    size_t length;
    int text_length;
    va_list args;

    if (level == LOG_OFF || level > log_level())
        return;
    length = write_head(line, sizeof(line) - TEXT_BYTES, level, area);
    va_start(args, format);
    text_length = vsnprintf(line + length, TEXT_BYTES, format, args);
    va_end(args);
    if (text_length > 0)
        length += text_length < TEXT_BYTES ? (size_t)text_length : TEXT_BYTES - 1;
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    }
    line[length++] = '\n';
    /* Nobody can be told when standard error itself is gone. */
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored;
    errno = saved_errno;
}
