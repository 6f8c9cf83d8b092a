/* detached_call.c -- see detached_call.h */
#include "core/base/detached_call.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/heap.h"
#include "core/base/stop_check.h"

enum { LOOK_AROUND_NS = 5000000 };

/* Shared by both threads; whoever comes last frees it. */
typedef struct Meeting {
    pthread_mutex_t lock;
    pthread_cond_t done_or_left;
    DetachedCall call;
    bool is_done, is_left;
} Meeting;

static Meeting *meeting_new(const DetachedCall *call)
{
    Meeting *meeting = heap_new(sizeof *meeting);
    pthread_condattr_t attributes;

    meeting->call = *call;
    pthread_mutex_init(&meeting->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&meeting->done_or_left, &attributes);
    pthread_condattr_destroy(&attributes);
    return meeting;
}

static void meeting_free(Meeting *meeting)
{
    pthread_cond_destroy(&meeting->done_or_left);
    pthread_mutex_destroy(&meeting->lock);
    free(meeting);
}

static void *call_main(void *argument)
{
    Meeting *meeting = argument;
    bool is_left;

    meeting->call.run(meeting->call.context);
    pthread_mutex_lock(&meeting->lock);
    meeting->is_done = true;
    is_left = meeting->is_left;
    pthread_cond_signal(&meeting->done_or_left);
    pthread_mutex_unlock(&meeting->lock);
    if (is_left) {
        meeting->call.release(meeting->call.context);
        meeting_free(meeting);
    }
    return NULL;
}

/* The thread starts with all signals blocked: they stay with the program's own threads. */
static int create_thread(Meeting *meeting, pthread_t *thread)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attr, meeting->call.stack_bytes);
    if (error == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(thread, &attr, call_main, meeting);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attr);
    return error;
}

/* Whether the call ended; else it is left to its thread. */
static bool wait_for(Meeting *meeting, const atomic_bool *stop)
{
    bool is_done;

    pthread_mutex_lock(&meeting->lock);
    while (!meeting->is_done && !(stop != NULL && atomic_load(stop))) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_AROUND_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&meeting->done_or_left, &meeting->lock, &until);
    }
    is_done = meeting->is_done;
    meeting->is_left = !is_done;
    pthread_mutex_unlock(&meeting->lock);
    return is_done;
}

Status detached_call_run(const DetachedCall *call, const atomic_bool *stop, Error *err)
{
    Meeting *meeting = meeting_new(call);
    pthread_t thread;
    int error = create_thread(meeting, &thread);

    if (error != 0) {
        meeting_free(meeting);
        call->release(call->context);
        return error_set_errno(err, error, "could not start a thread");
    }
    if (!wait_for(meeting, stop)) {
        pthread_detach(thread);
        return stop_check(stop, err);
    }
    pthread_join(thread, NULL);
    meeting_free(meeting);
    return ST_OK;
}
