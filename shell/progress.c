/* progress.c -- see progress.h */
#include "shell/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "shell/terminal.h"

enum { FIRST_MS = 1000, EVERY_MS = 200, BAR_CELLS = 24, LINE_BYTES = 256 };

struct Progress {
    const Result *result;
    int64_t start_ns;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_over;
    bool is_drawn;
};

/* 1234567 as 1.23M. */
static void format_count(char *text, size_t bytes, double count, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t i = 0;

    while (count >= 1000 && i + 1 < sizeof prefixes / sizeof prefixes[0]) {
        count /= 1000;
        i++;
    }
    snprintf(text, bytes,
             i == 0       ? "%.0f %s%s"
             : count < 10 ? "%.2f %s%s"
                          : "%.1f %s%s",
             count, prefixes[i], unit);
}

static void format_bar(char *text, double part)
{
    size_t full = (size_t)(part * BAR_CELLS);

    text[0] = '[';
    for (size_t i = 0; i < BAR_CELLS; i++)
        text[i + 1] = i < full ? '=' : i == full ? '>' : ' ';
    text[BAR_CELLS + 1] = ']';
    text[BAR_CELLS + 2] = '\0';
}

static void format_time_left(char *text, size_t bytes, double part, double seconds)
{
    double left = part > 0.01 ? seconds * (1 - part) / part : -1;

    if (left < 0)
        snprintf(text, bytes, "%.0f s", seconds);
    else if (left < 100)
        snprintf(text, bytes, "%.0f s left", left);
    else
        snprintf(text, bytes, "%.0f min left", left / 60);
}

void progress_line(ExecProgress seen, double seconds, size_t width, char *line, size_t line_bytes)
{
    char bar[BAR_CELLS + 3] = "", rows[32], done[32], total[32], left[32];
    double part = seen.bytes_total > 0 ? (double)seen.bytes_done / (double)seen.bytes_total : 0;

    part = part > 1 ? 1 : part;
    format_count(rows, sizeof rows, (double)seen.rows_done, "rows");
    format_count(done, sizeof done, (double)seen.bytes_done, "B");
    format_count(total, sizeof total, (double)seen.bytes_total, "B");
    format_time_left(left, sizeof left, part, seconds);
    format_bar(bar, part);
    if (seen.bytes_total > 0)
        snprintf(line, line_bytes, " %s %3.0f%%  %s  %s of %s  %s", bar, part * 100, rows, done,
                 total, left);
    else
        snprintf(line, line_bytes, " %s  %.0f s", rows, seconds);
    if (strlen(line) > width)
        line[width] = '\0';
}

static void draw(Progress *progress)
{
    char line[LINE_BYTES];
    double seconds = clock_ms(clock_now_ns() - progress->start_ns) / 1000;

    progress_line(result_progress(progress->result), seconds, terminal_width(STDERR_FILENO) - 1,
                  line, sizeof line);
    dprintf(STDERR_FILENO, "\r%s\x1b[K", line);
    progress->is_drawn = true;
}

/* Sleeps until the time has passed or the statement is over. */
static void wait_ms(Progress *progress, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!progress->is_over &&
           pthread_cond_timedwait(&progress->changed, &progress->mutex, &until) == 0) {
    }
}

static void *progress_main(void *argument)
{
    Progress *progress = argument;

    pthread_mutex_lock(&progress->mutex);
    wait_ms(progress, FIRST_MS);
    while (!progress->is_over) {
        draw(progress);
        wait_ms(progress, EVERY_MS);
    }
    pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

Progress *progress_begin(const Result *result)
{
    Progress *progress;
    pthread_condattr_t attr;

    if (isatty(STDERR_FILENO) != 1)
        return NULL;
    progress = calloc(1, sizeof *progress);
    if (progress == NULL)
        return NULL;
    progress->result = result;
    progress->start_ns = clock_now_ns();
    pthread_mutex_init(&progress->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&progress->thread, NULL, progress_main, progress) == 0)
        return progress;
    free(progress);
    return NULL;
}

void progress_end(Progress *progress)
{
    if (progress == NULL)
        return;
    pthread_mutex_lock(&progress->mutex);
    progress->is_over = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->mutex);
    pthread_join(progress->thread, NULL);
    if (progress->is_drawn)
        dprintf(STDERR_FILENO, "\r\x1b[K");
    pthread_cond_destroy(&progress->changed);
    pthread_mutex_destroy(&progress->mutex);
    free(progress);
}
