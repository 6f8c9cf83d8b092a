/*
 * closure.h -- a closure's bytes, where the function that they go with can only read them
 *
 * All threads share one copy, and code that the compiler made counts on that it stays as it is. So
 * it has pages of its own: a function that writes to it, or past its end, ends there and then, and
 * is named, instead of changing what others read.
 *
 * Thread: the arena's.
 */
#ifndef VONK_CORE_PLAN_CLOSURE_H
#define VONK_CORE_PLAN_CLOSURE_H

#include <stdbool.h>

#include "core/base/arena.h"

/* Copies the bytes; they live as long as the arena. NULL for no bytes. */
const void *closure_copy(Arena *arena, const void *closure, size_t bytes);

/* Whether address is in the pages of such a copy. From a signal handler, too. */
bool closure_has(const void *copy, size_t bytes, const void *address);

#endif
