/* interrupt.c -- see interrupt.h */
#include "shell/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { EXIT_STATUS_INTERRUPTED = 130 };

static _Atomic(Session *) watched;
static atomic_uint interrupts;
static atomic_bool stays_alive;

/* Only what is safe in a signal handler. */
static void on_signal(int signal_number)
{
    Session *session = atomic_load(&watched);

    (void)signal_number;
    if (atomic_fetch_add(&interrupts, 1) > 0 && !atomic_load(&stays_alive))
        _exit(EXIT_STATUS_INTERRUPTED);
    if (session != NULL)
        session_cancel(session);
}

void interrupt_catch(bool has_prompt)
{
    struct sigaction action = {.sa_handler = on_signal};

    atomic_store(&stays_alive, has_prompt);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    if (!has_prompt)
        sigaction(SIGTERM, &action, NULL);
}

void interrupt_watch(Session *session)
{
    atomic_store(&watched, session);
}

bool interrupt_came(void)
{
    return atomic_load(&interrupts) > 0;
}

void interrupt_reset(void)
{
    atomic_store(&interrupts, 0);
}
