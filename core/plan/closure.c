/* closure.c -- see closure.h */
#include "core/plan/closure.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Pages as large as the largest that systems have. A process has some 65,000 mappings at most: of
 * many closures, the later ones lie in the arena as all else. */
enum { PAGE_BYTES = 64 << 10, GUARDED_MAX = 8192 };

static atomic_uint guarded;

typedef struct Pages {
    void *start;
    size_t bytes;
} Pages;

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
}

static void unmap(void *opaque)
{
    const Pages *pages = opaque;

    (void)munmap(pages->start, pages->bytes);
    (void)atomic_fetch_sub(&guarded, 1);
}

static void *new_pages(size_t bytes)
{
    void *pages = MAP_FAILED;

    if (atomic_fetch_add(&guarded, 1) < GUARDED_MAX)
        pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages != MAP_FAILED)
        return pages;
    (void)atomic_fetch_sub(&guarded, 1);
    return NULL;
}

const void *closure_copy(Arena *arena, const void *closure, size_t bytes)
{
    size_t page_bytes = whole_pages(bytes);
    Pages *pages;
    void *copy;

    if (bytes == 0)
        return NULL;
    copy = new_pages(page_bytes);
    if (copy == NULL)
        return arena_copy(arena, closure, bytes);
    memcpy(copy, closure, bytes);
    (void)mprotect(copy, page_bytes, PROT_READ); /* where it cannot be, nothing guards it */
    pages = ARENA_NEW(arena, Pages);
    *pages = (Pages){copy, page_bytes};
    arena_on_free(arena, unmap, pages);
    return copy;
}

bool closure_has(const void *copy, size_t bytes, const void *address)
{
    uintptr_t start = (uintptr_t)copy, at = (uintptr_t)address;

    return bytes > 0 && at >= start && at - start < whole_pages(bytes);
}
