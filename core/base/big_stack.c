/* big_stack.c -- see big_stack.h */
#include "core/base/big_stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct BigStackCall {
    Status (*fn)(void *context);
    void *context;
    Status status;
} BigStackCall;

static void *call_main(void *argument)
{
    BigStackCall *call = argument;

    call->status = call->fn(call->context);
    return NULL;
}

/* The thread starts with all signals blocked: they stay with the program's own threads. */
static int create_thread(pthread_t *thread, const pthread_attr_t *attr, BigStackCall *call)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, attr, call_main, call);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int run_on(char *stack, size_t stack_bytes, BigStackCall *call)
{
    pthread_attr_t attr;
    pthread_t thread;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    error = pthread_attr_setstack(&attr, stack, stack_bytes);
    if (error == 0)
        error = create_thread(&thread, &attr, call);
    if (error == 0)
        error = pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    return error;
}

Status big_stack_run(size_t stack_bytes, Status (*fn)(void *context), void *context, Error *err)
{
    BigStackCall call = {.fn = fn, .context = context, .status = ST_OK};
    size_t guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t map_bytes = stack_bytes + guard_bytes;
    char *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    int error;

    if (map == MAP_FAILED)
        return error_set(err, ST_OUT_OF_MEMORY, "no address space for a stack of %zu bytes",
                         stack_bytes);
    error = mprotect(map, guard_bytes, PROT_NONE) == 0 ? 0 : errno;
    if (error == 0)
        error = run_on(map + guard_bytes, stack_bytes, &call);
    munmap(map, map_bytes);
    if (error != 0)
        return error_set_errno(err, error, "could not start a thread");
    return call.status;
}

int big_stack_thread(size_t stack_bytes, void *(*fn)(void *context), void *context,
                     pthread_t *thread_out)
{
    pthread_attr_t attr;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attr, stack_bytes);
    if (error == 0)
        error = pthread_create(thread_out, &attr, fn, context);
    pthread_attr_destroy(&attr);
    return error;
}
