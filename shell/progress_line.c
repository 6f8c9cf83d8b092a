/* progress_line.c -- the text of the progress bar */
#include <stdio.h>
#include <string.h>

#include "shell/progress.h"

enum { BAR_CELLS = 24 };

/* 1234567 as 1.23M and what follows it. */
static void format_count(char *text, size_t bytes, double count, const char *between,
                         const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t i = 0;

    while (count >= 1000 && i + 1 < sizeof prefixes / sizeof prefixes[0]) {
        count /= 1000;
        i++;
    }
    snprintf(text, bytes,
             i == 0       ? "%.0f%s%s%s"
             : count < 10 ? "%.2f%s%s%s"
                          : "%.1f%s%s%s",
             count, between, prefixes[i], unit);
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

void progress_job_line(const JobProgress *seen, double seconds, size_t width, char *line,
                       size_t line_bytes)
{
    char bar[BAR_CELLS + 3] = "", retries[32] = "", jobs[32] = "";

    format_bar(bar, seen->tasks > 0 ? (double)seen->done / seen->tasks : 0);
    if (seen->retries > 0)
        snprintf(retries, sizeof retries, ", %u run again", seen->retries);
    if (seen->jobs > 1)
        snprintf(jobs, sizeof jobs, "  %u jobs", seen->jobs);
    if (seen->stage == 0)
        snprintf(line, line_bytes, " running  %.0f s%s", seconds, jobs);
    else
        snprintf(line, line_bytes,
                 " stage %u of %u %s %u of %u tasks, %u running%s  %.0f s%s  (%s)", seen->stage,
                 seen->stages, bar, seen->done, seen->tasks, seen->running, retries, seconds, jobs,
                 seen->name);
    if (strlen(line) > width)
        line[width] = '\0';
}

void progress_line(ExecProgress seen, double seconds, size_t width, char *line, size_t line_bytes)
{
    char bar[BAR_CELLS + 3] = "", rows[32], done[32], total[32], left[32];
    double part = seen.bytes_total > 0 ? (double)seen.bytes_done / (double)seen.bytes_total : 0;

    part = part > 1 ? 1 : part;
    format_count(rows, sizeof rows, (double)seen.rows_done, "", " rows");
    format_count(done, sizeof done, (double)seen.bytes_done, " ", "B");
    format_count(total, sizeof total, (double)seen.bytes_total, " ", "B");
    format_time_left(left, sizeof left, part, seconds);
    format_bar(bar, part);
    if (seen.bytes_total > 0)
        snprintf(line, line_bytes, " %s %3.0f%%  %s  %s of %s  %s", bar, part * 100, rows, done,
                 total, left);
    else if (seen.rows_done > 0)
        snprintf(line, line_bytes, " %s  %.0f s", rows, seconds);
    else
        snprintf(line, line_bytes, " running  %.0f s", seconds);
    if (strlen(line) > width)
        line[width] = '\0';
}
