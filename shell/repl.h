/*
 * repl.h -- the prompt: reads lines, runs statements as they become whole
 */
#ifndef VONK_SHELL_REPL_H
#define VONK_SHELL_REPL_H

#include "shell/shell.h"

/* Until \q or the end of the input. A statement that fails does not end it. */
RunEnd repl_run(Shell *shell);

#endif
