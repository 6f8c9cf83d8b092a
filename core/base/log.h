/*
 * log.h -- one line on standard error for whoever runs the program
 *
 *     2026-11-23T05:00:38.123Z WARN  jit: cache file "ab12" is damaged, compiling again
 *
 * For what no caller can return: an answer to a question goes through Status and Error, never
 * here. A library must be quiet: the level starts at LOG_WARN.
 *
 * Thread: every call may come from any thread; a line is written in one piece.
 */
#ifndef VONK_CORE_BASE_LOG_H
#define VONK_CORE_BASE_LOG_H

#include <stdbool.h>

#include "core/base/status.h"

typedef enum LogLevel { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG } LogLevel;

/* Lines above this level are dropped. */
void log_set_level(LogLevel level);
LogLevel log_level(void);

/* "off", "error", "warn", "info", "debug" in any case; false when it is none of them. */
bool log_level_parse(const char *text, LogLevel *level_out);

/* area names who speaks ("jit", "scheduler"). Line breaks in the text become spaces; a text of
 * more than 1,000 bytes is cut short. Keeps errno. */
void log_line(LogLevel level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);

#define LOG_ERROR(...) log_line(LOG_ERROR, __VA_ARGS__)
#define LOG_WARN(...)  log_line(LOG_WARN, __VA_ARGS__)
#define LOG_INFO(...)  log_line(LOG_INFO, __VA_ARGS__)
#define LOG_DEBUG(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
