/*
 * arena.h -- memory that is freed together
 *
 *     arena_new -> arena_alloc, ... -> (arena_reset) -> arena_free
 *
 * Five lifetimes, five arenas, one tree: session > query > stage > task > batch. Freeing a parent
 * frees its children first and runs what arena_on_free registered, newest first. The arena is
 * always a parameter; there is no current arena.
 *
 * For plan-sized memory. arena_alloc never returns NULL: past its cap the arena still serves the
 * request, but arena_check() reports "the query is too large" at the end of the phase; only
 * malloc itself failing ends the process. What grows with the data is a MemPool's (mem_pool.h).
 *
 * Thread: one arena, one thread at a time. Children of one parent may live on different threads
 * as long as creating and freeing them is not concurrent.
 */
#ifndef VONK_CORE_BASE_ARENA_H
#define VONK_CORE_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "core/base/status.h"

typedef struct Arena Arena;

enum { ARENA_NO_CAP = 0 };

/* parent may be NULL. name is borrowed (a literal). cap_bytes counts this arena only. Free with
 * arena_free, or by freeing the parent. */
Arena *arena_new(Arena *parent, const char *name, size_t cap_bytes);
void arena_free(Arena *arena); /* accepts NULL */

/* Frees children and contents, keeps the arena and its largest block. */
void arena_reset(Arena *arena);

/* Zeroed memory aligned to 16 bytes; bytes == 0 gives a valid unique pointer. */
void *arena_alloc(Arena *arena, size_t bytes) __attribute__((malloc, returns_nonnull));

/* As arena_alloc, contents undefined: for buffers that are filled at once. */
void *arena_alloc_raw(Arena *arena, size_t bytes) __attribute__((malloc, returns_nonnull));

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count)                                                            \
    ((Type *)arena_alloc((arena), arena_array_bytes((count), sizeof(Type))))

/* count * size; ends the process when that overflows (no honest caller can need it). */
size_t arena_array_bytes(size_t count, size_t size);

/* Copies live in the arena, NUL-terminated. */
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t bytes);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(Arena *arena, const char *format, va_list args);
void *arena_copy(Arena *arena, const void *bytes, size_t byte_count);

/* Runs free_fn(object) when the arena is reset or freed. */
void arena_on_free(Arena *arena, void (*free_fn)(void *object), void *object);

/* Bytes handed out by this arena, its children not counted. */
size_t arena_used_bytes(const Arena *arena);

/* ST_BAD_INPUT "the query is too large" (54001) when the cap has been passed. */
MUST_CHECK Status arena_check(const Arena *arena, Error *err);

#endif
