/*
 * repl.h -- the prompt: reads lines, runs statements as they become whole
 */
#ifndef VONK_SHELL_REPL_H
#define VONK_SHELL_REPL_H

#include "shell/shell.h"

typedef struct Repl Repl;

/* Until \q or the end of the input. A statement that fails does not end it. */
RunEnd repl_run(Shell *shell);

/* --- for commands; shell->repl is NULL away from a prompt --- */

/* The statement typed so far; when none has been begun, the last one that ran. Valid until the
 * next call. */
const char *repl_text(const Repl *repl);
/* As if text had been typed instead. */
void repl_set_text(Repl *repl, const char *text);
/* What has been typed so far and before, oldest first. */
void repl_list_history(const Repl *repl, Output *output);

#endif
