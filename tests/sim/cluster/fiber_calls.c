/*
 * fiber_calls.c -- what waits, or asks for the time or for chance, in the code under test
 *
 * The program is linked with --wrap for each of these: the code calls pthread_mutex_lock and gets
 * __wrap_pthread_mutex_lock. Outside of fibers there is one thread, and locks are no more than
 * that.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/invariant.h"
#include "fiber.h"

/* --- locks --- */

/* In the memory of a pthread_mutex_t, which starts as zeros. */
typedef struct SimMutex {
    uint32_t owner_slot, owner; /* its fiber's; 0: free */
    uint32_t waiting;
} SimMutex;

_Static_assert(sizeof(SimMutex) <= sizeof(pthread_mutex_t), "a lock's memory");

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr);
int __wrap_pthread_cond_destroy(pthread_cond_t *cond);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_broadcast(pthread_cond_t *cond);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *context);
int __wrap_pthread_join(pthread_t thread, void **result_out);
int __wrap_pthread_once(pthread_once_t *once, void (*fn)(void));
int __real_pthread_once(pthread_once_t *once, void (*fn)(void));
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __wrap_getrandom(void *bytes, size_t count, unsigned flags);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t bytes);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
ssize_t __real_write(int fd, const void *bytes, size_t count);
int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int __wrap_flock(int fd, int operation);

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    (void)attr;
    memset(mutex, 0, sizeof *mutex);
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    SimMutex *lock = (SimMutex *)mutex;

    CHECK(lock->owner == 0 || !fiber_is_alive(lock->owner_slot, lock->owner));
    return 0;
}

static void take(SimMutex *lock)
{
    Fiber *self = fiber_self();

    while (lock->owner != 0 && fiber_is_alive(lock->owner_slot, lock->owner)) {
        CHECK(lock->owner != fiber_number(self));
        lock->waiting++;
        (void)fiber_wait(lock, INT64_MAX);
        lock->waiting--;
    }
    lock->owner = fiber_number(self);
    lock->owner_slot = fiber_slot(self);
}

static void give(SimMutex *lock)
{
    CHECK(lock->owner == fiber_number(fiber_self()));
    lock->owner = 0;
    if (lock->waiting > 0)
        fiber_wake_all(lock);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (fiber_self() == NULL)
        return 0;
    fiber_pause();
    take((SimMutex *)mutex);
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (fiber_self() == NULL)
        return 0;
    give((SimMutex *)mutex);
    fiber_pause();
    return 0;
}

/* --- conditions --- */

int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    (void)attr;
    memset(cond, 0, sizeof *cond);
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *cond)
{
    (void)cond;
    return 0;
}

static bool wait_on(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ns)
{
    bool was_woken;

    give((SimMutex *)mutex);
    was_woken = fiber_wait(cond, until_ns);
    take((SimMutex *)mutex);
    return was_woken;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    (void)wait_on(cond, mutex, INT64_MAX);
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    int64_t until_ns = until->tv_sec * INT64_C(1000000000) + until->tv_nsec;

    return wait_on(cond, mutex, until_ns) ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
    if (fiber_self() != NULL)
        fiber_wake_one(cond);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
    if (fiber_self() != NULL)
        fiber_wake_all(cond);
    return 0;
}

/* --- threads --- */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *context)
{
    Fiber *fiber;

    (void)attr;
    CHECK(fiber_self() != NULL);
    fiber = fiber_start(process_self(), fn, context, sim_now_ns());
    *thread = (pthread_t)fiber_number(fiber) << 32 | fiber_slot(fiber);
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result_out)
{
    void *result = fiber_join((uint32_t)thread, (uint32_t)(thread >> 32));

    if (result_out != NULL)
        *result_out = result;
    return 0;
}

int __wrap_pthread_once(pthread_once_t *once, void (*fn)(void))
{
    int failure;

    fiber_hold_on();
    failure = __real_pthread_once(once, fn);
    fiber_let_go_on();
    return failure;
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    (void)how;
    (void)set;
    if (before != NULL)
        sigemptyset(before);
    return 0;
}

/* --- time and chance --- */

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
    (void)left;
    fiber_sleep(duration->tv_sec * INT64_C(1000000000) + duration->tv_nsec);
    return 0;
}

/* The clock of the wall is the one that only goes forward. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    bool is_cpu = clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_PROCESS_CPUTIME_ID;
    int64_t ns = is_cpu ? fiber_cpu_ns() : sim_now_ns();

    *now = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t count, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < count; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)sim_random();
    return (ssize_t)count;
}

/* --- signals, files --- */

/* Descriptors are real, and looked at after each write of the process; a child's end interrupts as
 * SIGCHLD does. */
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    int64_t end_ns = sim_now_ns() + (int64_t)timeout_ms * 1000000;
    int ready = __real_poll(polled, count, 0);

    if (ready != 0)
        return ready;
    (void)fiber_wait(process_self(), end_ns);
    return __real_poll(polled, count, 0);
}

/* What _FORTIFY_SOURCE makes of it. */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t bytes)
{
    CHECK(count <= bytes / sizeof *polled);
    return __wrap_poll(polled, count, timeout_ms);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    ssize_t written = __real_write(fd, bytes, count);

    if (fiber_self() != NULL)
        fiber_wake_all(process_self());
    return written;
}

int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    (void)set;
    (void)info;
    if (!process_self()->is_told_to_end)
        (void)__wrap_nanosleep(timeout, NULL);
    if (process_self()->is_told_to_end)
        return SIGTERM;
    errno = EAGAIN;
    return -1;
}

int __wrap_flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    return 0;
}
