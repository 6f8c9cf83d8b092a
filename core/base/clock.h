/*
 * clock.h -- time that only goes forward
 *
 * Durations are differences of clock_now_ns(); the wall clock (dates, now()) is somebody else's.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_BASE_CLOCK_H
#define VONK_CORE_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some fixed moment of this boot (CLOCK_MONOTONIC). */
int64_t clock_now_ns(void);

/* CPU time that the calling thread has used, in nanoseconds. */
int64_t clock_thread_cpu_ns(void);

static inline double clock_ms(int64_t duration_ns)
{
    return (double)duration_ns / 1e6;
}

#endif
