/*
 * job_progress.c -- see job_progress.h
 *
 * The driver tells of jobs' begins and ends with its lock held, and the line's lock is taken
 * within. So the line asks the driver how far it is without its own lock, and draws only if no job
 * has ended since.
 */
#include "shell/job_progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "engine/api_internal.h"
#include "shell/progress.h"
#include "shell/terminal.h"

enum { FIRST_MS = 1000, EVERY_MS = 200, LINE_BYTES = 256 };

struct JobProgressLine {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Driver *driver;
    uint32_t running; /* jobs */
    uint64_t ended;   /* jobs, so far */
    int64_t begun_ns; /* when the first of those that run began */
    bool is_drawn, is_over;
};

/* With the lock. */
static void wipe(JobProgressLine *line)
{
    if (line->is_drawn)
        dprintf(STDERR_FILENO, "\r\x1b[K");
    line->is_drawn = false;
}

static void job_began(void *opaque, Driver *driver)
{
    JobProgressLine *line = opaque;

    pthread_mutex_lock(&line->lock);
    line->driver = driver;
    if (line->running++ == 0)
        line->begun_ns = clock_now_ns();
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->lock);
}

static void job_ended(void *opaque)
{
    JobProgressLine *line = opaque;

    pthread_mutex_lock(&line->lock);
    line->running--;
    line->ended++;
    wipe(line);
    pthread_mutex_unlock(&line->lock);
}

/* With the lock, which it gives up. At most so long, less when it is over. */
static void wait_ms(JobProgressLine *line, int64_t ms)
{
    int64_t until = clock_now_ns() + ms * 1000000;
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    while (!line->is_over && pthread_cond_timedwait(&line->changed, &line->lock, &at) == 0) {
    }
}

/* With the lock, which it gives up meanwhile. */
static void draw(JobProgressLine *line)
{
    double seconds = clock_ms(clock_now_ns() - line->begun_ns) / 1000;
    uint64_t ended = line->ended;
    char text[LINE_BYTES];
    JobProgress seen;

    pthread_mutex_unlock(&line->lock);
    seen = driver_progress(line->driver);
    progress_job_line(&seen, seconds, terminal_width(STDERR_FILENO) - 1, text, sizeof text);
    pthread_mutex_lock(&line->lock);
    if (line->ended != ended)
        return;
    dprintf(STDERR_FILENO, "\r%s\x1b[K", text);
    line->is_drawn = true;
}

static void *line_main(void *opaque)
{
    JobProgressLine *line = opaque;

    pthread_mutex_lock(&line->lock);
    while (!line->is_over) {
        int64_t ms = line->running == 0
                         ? FIRST_MS
                         : FIRST_MS - (int64_t)clock_ms(clock_now_ns() - line->begun_ns);

        if (line->running > 0 && ms <= 0) {
            draw(line);
            ms = EVERY_MS;
        }
        wait_ms(line, ms < EVERY_MS ? EVERY_MS : ms);
    }
    pthread_mutex_unlock(&line->lock);
    return NULL;
}

JobProgressLine *job_progress_begin(VonkSession *session)
{
    JobProgressLine *line;
    pthread_condattr_t attr;

    if (!terminal_can_move(STDERR_FILENO))
        return NULL;
    line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    pthread_mutex_init(&line->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&line->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&line->thread, NULL, line_main, line) != 0) {
        free(line);
        return NULL;
    }
    api_session_observe(session, (JobObserver){line, job_began, job_ended});
    return line;
}

void job_progress_end(JobProgressLine *line)
{
    if (line == NULL)
        return;
    pthread_mutex_lock(&line->lock);
    line->is_over = true;
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->lock);
    pthread_join(line->thread, NULL);
    wipe(line);
    pthread_cond_destroy(&line->changed);
    pthread_mutex_destroy(&line->lock);
    free(line);
}
