/*
 * big_stack.h -- runs a call that may recurse deeply on a stack of its own
 *
 * The stack is mapped lazily: only pages that are touched take memory. Below it lies a guard page.
 */
#ifndef VONK_CORE_BASE_BIG_STACK_H
#define VONK_CORE_BASE_BIG_STACK_H

#include <pthread.h>
#include <stddef.h>

#include "core/base/status.h"

/*
 * Runs fn(context) on a new thread with a stack of stack_bytes and waits for it. What fn returns
 * is returned; ST_OUT_OF_MEMORY or ST_IO when there is no stack or thread to be had. Costs about
 * 0.1 ms. Signals are blocked on that thread.
 */
MUST_CHECK Status big_stack_run(size_t stack_bytes, Status (*fn)(void *context), void *context,
                                Error *err);

/* pthread_create with such a stack, which ends with the thread. An errno, 0: it runs. */
int big_stack_thread(size_t stack_bytes, void *(*fn)(void *context), void *context,
                     pthread_t *thread_out);

#endif
