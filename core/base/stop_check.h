/* stop_check.h -- whether the work should stop, asked every now and then by long loops */
#ifndef VONK_CORE_BASE_STOP_CHECK_H
#define VONK_CORE_BASE_STOP_CHECK_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/status.h"

/* stop may be NULL: never. */
MUST_CHECK static inline Status stop_check(const atomic_bool *stop, Error *err)
{
    if (stop == NULL || !atomic_load_explicit(stop, memory_order_relaxed))
        return ST_OK;
    return error_set(err, ST_CANCELLED, "canceling statement due to user request");
}

#endif
