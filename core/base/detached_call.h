/*
 * detached_call.h -- runs a call that nothing can interrupt so that a cancel need not wait for it
 *
 * The call runs on a thread of its own. When stop is set first, the caller goes on at once and the
 * thread is left behind: it ends by itself and gives back what the call holds.
 */
#ifndef VONK_CORE_BASE_DETACHED_CALL_H
#define VONK_CORE_BASE_DETACHED_CALL_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/status.h"

typedef struct DetachedCall {
    void (*run)(void *context);
    void (*release)(void *context); /* frees context; any thread */
    void *context;                  /* on the heap, nothing in it borrowed */
    size_t stack_bytes;             /* mapped lazily */
} DetachedCall;

/*
 * ST_OK: run has returned, and the context is the caller's to read and release. Else it is, or will
 * be, released: ST_CANCELLED when *stop was set (looked at every few milliseconds),
 * ST_OUT_OF_MEMORY or ST_IO when there is no thread to be had. Costs about 0.1 ms. Signals are
 * blocked on that thread.
 */
MUST_CHECK Status detached_call_run(const DetachedCall *call, const atomic_bool *stop, Error *err);

#endif
