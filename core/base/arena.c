/* arena.c -- see arena.h. Blocks double from 4 KiB to 1 MiB; larger requests get their own. */
#include "core/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/invariant.h"

enum { FIRST_BLOCK_BYTES = 4096, LAST_BLOCK_BYTES = 1 << 20, ALIGN_BYTES = 16 };

typedef struct Block {
    struct Block *next; /* older */
    size_t size;        /* bytes behind this header */
    size_t used;
    size_t pad;
} Block;

typedef struct Cleanup {
    struct Cleanup *next;
    void (*free_fn)(void *object);
    void *object;
} Cleanup;

struct Arena {
    Arena *parent;
    Arena *first_child;
    Arena *next_sibling;
    Arena *prev_sibling;
    const char *name;
    size_t cap_bytes;
    size_t used_bytes;
    size_t next_block_bytes;
    Block *blocks; /* newest first */
    Cleanup *cleanups;
};

_Static_assert(sizeof(Block) % ALIGN_BYTES == 0, "block contents stay aligned");

static void *malloc_or_die(size_t bytes)
{
    void *memory = malloc(bytes);

    if (memory == NULL)
        heap_refused(bytes);
    return memory;
}

Arena *arena_new(Arena *parent, const char *name, size_t cap_bytes)
{
    Arena *arena = malloc_or_die(sizeof *arena);

    *arena = (Arena){.parent = parent,
                     .name = name,
                     .cap_bytes = cap_bytes,
                     .next_block_bytes = FIRST_BLOCK_BYTES};
    if (parent != NULL) {
        arena->next_sibling = parent->first_child;
        if (parent->first_child != NULL)
            parent->first_child->prev_sibling = arena;
        parent->first_child = arena;
    }
    return arena;
}

static void free_children_and_objects(Arena *arena)
{
    while (arena->first_child != NULL)
        arena_free(arena->first_child);
    while (arena->cleanups != NULL) {
        Cleanup *cleanup = arena->cleanups;

        arena->cleanups = cleanup->next;
        cleanup->free_fn(cleanup->object);
    }
}

void arena_reset(Arena *arena)
{
    Block *largest = NULL;

    free_children_and_objects(arena);
    for (Block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (block->size <= LAST_BLOCK_BYTES && (largest == NULL || block->size > largest->size)) {
            free(largest);
            largest = block;
        } else {
            free(block);
        }
    }
    if (largest != NULL) {
        largest->next = NULL;
        largest->used = 0;
    }
    arena->blocks = largest;
    arena->used_bytes = 0;
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    free_children_and_objects(arena);
    for (Block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    if (arena->prev_sibling != NULL)
        arena->prev_sibling->next_sibling = arena->next_sibling;
    else if (arena->parent != NULL)
        arena->parent->first_child = arena->next_sibling;
    if (arena->next_sibling != NULL)
        arena->next_sibling->prev_sibling = arena->prev_sibling;
    free(arena);
}

/* zeroed: what the system gives is, and pages of it that nobody touches take no memory. */
static Block *add_block(Arena *arena, size_t bytes, bool zeroed)
{
    size_t size = arena->next_block_bytes;
    Block *block;

    if (arena->next_block_bytes < LAST_BLOCK_BYTES)
        arena->next_block_bytes *= 2;
    if (size < bytes)
        size = bytes;
    block = zeroed ? calloc(1, sizeof *block + size) : malloc(sizeof *block + size);
    if (block == NULL)
        heap_refused(sizeof *block + size);
    *block = (Block){.size = size};
    /* A block made for one huge request goes behind the newest, which may have room left. */
    if (bytes > LAST_BLOCK_BYTES && arena->blocks != NULL) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

static size_t round_up(size_t bytes)
{
    size_t wanted = bytes == 0 ? ALIGN_BYTES : bytes;

    CHECK(wanted <= SIZE_MAX - ALIGN_BYTES - sizeof(Block));
    return (wanted + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
}

static void *take(Arena *arena, Block *block, size_t wanted)
{
    char *memory = (char *)(block + 1) + block->used;

    block->used += wanted;
    arena->used_bytes += wanted;
    return memory;
}

void *arena_alloc_raw(Arena *arena, size_t bytes)
{
    size_t wanted = round_up(bytes);
    Block *block = arena->blocks;

    if (block == NULL || block->size - block->used < wanted)
        block = add_block(arena, wanted, false);
    return take(arena, block, wanted);
}

void *arena_alloc(Arena *arena, size_t bytes)
{
    if (bytes > LAST_BLOCK_BYTES)
        return take(arena, add_block(arena, round_up(bytes), true), round_up(bytes));
    return memset(arena_alloc_raw(arena, bytes), 0, bytes);
}

size_t arena_array_bytes(size_t count, size_t size)
{
    size_t bytes;

    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    return bytes;
}

void *arena_copy(Arena *arena, const void *bytes, size_t byte_count)
{
    void *copy = arena_alloc_raw(arena, byte_count);

    if (byte_count > 0)
        memcpy(copy, bytes, byte_count);
    return copy;
}

char *arena_strndup(Arena *arena, const char *text, size_t bytes)
{
    char *copy = arena_alloc_raw(arena, bytes + 1);

    if (bytes > 0)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(Arena *arena, const char *format, va_list args)
{
    va_list again;
    int bytes;
    char *text;

    va_copy(again, args);
    bytes = vsnprintf(NULL, 0, format, again);
    va_end(again);
    CHECK(bytes >= 0);
    text = arena_alloc_raw(arena, (size_t)bytes + 1);
    vsnprintf(text, (size_t)bytes + 1, format, args);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_on_free(Arena *arena, void (*free_fn)(void *object), void *object)
{
    Cleanup *cleanup = arena_alloc(arena, sizeof *cleanup);

    *cleanup = (Cleanup){.next = arena->cleanups, .free_fn = free_fn, .object = object};
    arena->cleanups = cleanup;
}

size_t arena_used_bytes(const Arena *arena)
{
    return arena->used_bytes;
}

Status arena_check(const Arena *arena, Error *err)
{
    if (arena->cap_bytes == ARENA_NO_CAP || arena->used_bytes <= arena->cap_bytes)
        return ST_OK;
    error_set_state(err, ST_BAD_INPUT, "54001", "the query is too large");
    error_detail(err, "Its %s needs %zu bytes; the limit is %zu.", arena->name, arena->used_bytes,
                 arena->cap_bytes);
    return ST_BAD_INPUT;
}
