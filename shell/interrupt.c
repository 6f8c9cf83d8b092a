/* interrupt.c -- see interrupt.h */
#include "shell/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { EXIT_STATUS_INTERRUPTED = 130 };

static _Atomic(Session *) watched;
static atomic_uint interrupts;

/* Only what is safe in a signal handler. */
static void on_signal(int signal_number)
{
    Session *session = atomic_load(&watched);

    (void)signal_number;
    if (atomic_fetch_add(&interrupts, 1) > 0)
        _exit(EXIT_STATUS_INTERRUPTED);
    if (session != NULL)
        session_cancel(session);
}

void interrupt_watch(Session *session)
{
    struct sigaction action = {.sa_handler = on_signal};

    atomic_store(&watched, session);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_came(void)
{
    return atomic_load(&interrupts) > 0;
}

void interrupt_reset(void)
{
    atomic_store(&interrupts, 0);
}
