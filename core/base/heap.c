/* heap.c -- see heap.h */
#include "core/base/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void heap_refused(size_t bytes)
{
    fprintf(stderr, "vonk: the operating system refused %zu bytes of memory\n", bytes);
    fflush(stderr);
    abort();
}

void *heap_new(size_t bytes)
{
    void *memory = calloc(1, bytes == 0 ? 1 : bytes);

    if (memory == NULL)
        heap_refused(bytes);
    return memory;
}

char *heap_strdup(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        heap_refused(strlen(text) + 1);
    return copy;
}
