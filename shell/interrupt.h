/*
 * interrupt.h -- Ctrl-C: cancels what runs; pressed again before that has ended, ends the program
 *
 * A program has one terminal and one set of signal handlers, so this is the shell's only state
 * that is not passed around.
 */
#ifndef VONK_SHELL_INTERRUPT_H
#define VONK_SHELL_INTERRUPT_H

#include "engine/session.h"

/* From now on SIGINT and SIGTERM cancel session's work; NULL: nothing runs. */
void interrupt_watch(Session *session);
/* Whether one came since the last interrupt_reset. */
bool interrupt_came(void);
void interrupt_reset(void);

#endif
