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

enum { FIRST_MS = 1000, EVERY_MS = 200, LINE_BYTES = 256 };

struct Progress {
    const Result *result;
    int64_t start_ns;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_over;
    bool is_drawn;
};

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

    if (!terminal_can_move(STDERR_FILENO))
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
