/* event_log.c -- see event_log.h */
#include "core/rdd/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/str.h"

/* What goes when the kept lines are too many: so that each is moved a few times only. */
enum { DROPPED_BYTES = EVENT_LOG_KEPT_BYTES / 4 };

struct EventLog {
    pthread_mutex_t lock;
    Arena *arena;
    Arena *line_arena;
    StrBuf line;
    StrBuf kept;
    FILE *file; /* NULL: none, or it could not be written to */
    const char *path;
};

EventLog *event_log_new(void)
{
    Arena *arena = arena_new(NULL, "events", ARENA_NO_CAP);
    EventLog *log = ARENA_NEW(arena, EventLog);

    log->arena = arena;
    log->line_arena = arena_new(arena, "event", ARENA_NO_CAP);
    log->kept.arena = arena;
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

/* --- the file --- */

static void give_up(EventLog *log)
{
    LOG_WARN("events", "\"%s\" cannot be written to: %s; what comes now is not in it", log->path,
             strerror(errno));
    (void)fclose(log->file);
    log->file = NULL;
}

void event_log_free(EventLog *log)
{
    if (log == NULL)
        return;
    if (log->file != NULL && fclose(log->file) != 0)
        LOG_WARN("events", "\"%s\" is not complete: %s", log->path, strerror(errno));
    pthread_mutex_destroy(&log->lock);
    arena_free(log->arena);
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Status event_log_to_folder(EventLog *log, const char *folder, Error *err)
{
    int descriptor;

    log->path =
        arena_printf(log->arena, "%s/vonk-%" PRId64 "-%d.jsonl", folder, wall_ms(), (int)getpid());
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set(err, ST_IO, "cannot make the folder \"%s\" for event logs: %s", folder,
                         strerror(errno));
    descriptor = open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return error_set(err, ST_IO, "cannot make the event log \"%s\": %s", log->path,
                         strerror(errno));
    log->file = fdopen(descriptor, "w");
    if (log->file == NULL) {
        close(descriptor);
        return error_set(err, ST_OUT_OF_MEMORY, "no memory for an event log");
    }
    return ST_OK;
}

void event_log_flush(EventLog *log)
{
    pthread_mutex_lock(&log->lock);
    if (log->file != NULL && fflush(log->file) != 0)
        give_up(log);
    pthread_mutex_unlock(&log->lock);
}

/* --- lines --- */

/* The oldest lines, a good part of them at once. */
static void drop_oldest(StrBuf *kept)
{
    const char *end = memchr(kept->text + DROPPED_BYTES, '\n', kept->length - DROPPED_BYTES);
    size_t dropped = end == NULL ? kept->length : (size_t)(end + 1 - kept->text);

    kept->length -= dropped;
    memmove(kept->text, kept->text + dropped, kept->length + 1);
}

void event_begin(EventLog *log, const char *kind)
{
    pthread_mutex_lock(&log->lock);
    arena_reset(log->line_arena);
    log->line = (StrBuf){.arena = log->line_arena};
    strbuf_printf(&log->line, "{\"event\": \"%s\", \"time_ms\": %" PRId64, kind, wall_ms());
}

void event_end(EventLog *log)
{
    strbuf_puts(&log->line, "}\n");
    if (log->line.length <= DROPPED_BYTES) {
        if (log->kept.length + log->line.length > EVENT_LOG_KEPT_BYTES)
            drop_oldest(&log->kept);
        strbuf_add(&log->kept, log->line.text, log->line.length);
    }
    if (log->file != NULL && fwrite(log->line.text, 1, log->line.length, log->file) == 0)
        give_up(log);
    pthread_mutex_unlock(&log->lock);
}

void event_text(EventLog *log, const char *key, const char *text)
{
    if (text == NULL)
        return;
    strbuf_printf(&log->line, ", \"%s\": ", key);
    strbuf_add_json(&log->line, text);
}

void event_number(EventLog *log, const char *key, int64_t number)
{
    strbuf_printf(&log->line, ", \"%s\": %" PRId64, key, number);
}

void event_numbers(EventLog *log, const char *key, uint32_t count, const int64_t *numbers)
{
    strbuf_printf(&log->line, ", \"%s\": [", key);
    for (uint32_t i = 0; i < count; i++)
        strbuf_printf(&log->line, "%s%" PRId64, i == 0 ? "" : ", ", numbers[i]);
    strbuf_putc(&log->line, ']');
}

void event_hash(EventLog *log, const char *key, uint64_t hash)
{
    if (hash != 0)
        strbuf_printf(&log->line, ", \"%s\": \"%016" PRIx64 "\"", key, hash);
}

WireBytes event_log_kept(EventLog *log, Arena *arena)
{
    WireBytes kept;

    pthread_mutex_lock(&log->lock);
    kept.byte_count = log->kept.length;
    kept.bytes = arena_copy(arena, strbuf_text(&log->kept), log->kept.length);
    pthread_mutex_unlock(&log->lock);
    return kept;
}
