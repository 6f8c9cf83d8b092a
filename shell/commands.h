/*
 * commands.h -- backslash commands: \d, \x, \timing, ...
 */
#ifndef VONK_SHELL_COMMANDS_H
#define VONK_SHELL_COMMANDS_H

#include "shell/shell.h"

/* Runs a line that begins with a backslash; it is cut into words in place. */
RunEnd command_run(Shell *shell, char *line);

/* What is typed behind a command: up to COMMAND_ARGS_MAX words, quotes taken off. */
enum { COMMAND_ARGS_MAX = 8 };
typedef struct CommandArgs {
    uint32_t count;
    const char *items[COMMAND_ARGS_MAX];
} CommandArgs;

typedef RunEnd (*CommandFn)(Shell *shell, const CommandArgs *args);

typedef struct CommandRow {
    const char *name;
    const char *arguments;
    CommandFn run;
    const char *what;
} CommandRow;

uint32_t command_rows(const CommandRow **rows_out);

#define COMMAND(name, arguments, function, what) RunEnd function(Shell *, const CommandArgs *);
#include "shell/commands.def"
#undef COMMAND

#endif
