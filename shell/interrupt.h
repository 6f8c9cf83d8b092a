/*
 * interrupt.h -- Ctrl-C cancels what runs
 *
 * Pressed again before that has ended, it ends the program, unless there is a prompt to return to.
 *
 * A program has one terminal and one set of signal handlers, so this is the shell's only state
 * that is not passed around.
 */
#ifndef VONK_SHELL_INTERRUPT_H
#define VONK_SHELL_INTERRUPT_H

#include "engine/session.h"

/* Catches SIGINT; without a prompt SIGTERM too, so that what is half written is cleaned up. */
void interrupt_catch(bool has_prompt);
/* From now on an interrupt cancels session's work; NULL: nothing runs. */
void interrupt_watch(Session *session);
/* Whether one came since the last interrupt_reset. */
bool interrupt_came(void);
void interrupt_reset(void);

#endif
