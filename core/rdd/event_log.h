/*
 * event_log.h -- what the jobs of an application did, as lines of JSON
 *
 *     event_log_new -> (event_log_to_folder) -> event_begin, event_number, ..., event_end, ...
 *         -> event_log_free
 *
 * The last lines stay in memory, for whoever asks a driver that runs; all of them go to a file if
 * there is a folder for it. The log is an aid: a file that cannot be written to is said once, and
 * jobs go on. docs/events.md has the events.
 *
 * Thread: any; an event is built by one thread while others wait.
 */
#ifndef VONK_CORE_RDD_EVENT_LOG_H
#define VONK_CORE_RDD_EVENT_LOG_H

#include "core/base/arena.h"
#include "core/base/wire.h"

enum { EVENT_LOG_KEPT_BYTES = 1 << 20 };

typedef struct EventLog EventLog;

EventLog *event_log_new(void);
void event_log_free(EventLog *log); /* accepts NULL */

/* All that comes from now on, to a new file of the folder, which is its owner's alone. */
MUST_CHECK Status event_log_to_folder(EventLog *log, const char *folder, Error *err);

/* What is kept, at most EVENT_LOG_KEPT_BYTES: whole lines; lives in the arena. */
WireBytes event_log_kept(EventLog *log, Arena *arena);

/* --- an event: a line --- */

void event_begin(EventLog *log, const char *kind);
void event_text(EventLog *log, const char *key, const char *text); /* NULL: nothing */
void event_number(EventLog *log, const char *key, int64_t number);
void event_numbers(EventLog *log, const char *key, uint32_t count, const int64_t *numbers);
/* A content hash, in hexadecimal; 0: nothing. */
void event_hash(EventLog *log, const char *key, uint64_t hash);
void event_end(EventLog *log);

/* What was said so far is in the file. */
void event_log_flush(EventLog *log);

#endif
