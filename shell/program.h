/*
 * program.h -- the user's own programs: a pager, an editor
 */
#ifndef VONK_SHELL_PROGRAM_H
#define VONK_SHELL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROGRAM_WORDS_MAX = 16, PROGRAM_TEXT_BYTES = 512 };

/* A command cut at blanks, without a shell: words[0] is the program, NULL ends them. */
typedef struct Program {
    char text[PROGRAM_TEXT_BYTES];
    char *words[PROGRAM_WORDS_MAX];
} Program;

/* argument (NULL: none) becomes the last word; it is borrowed. False: no words, or too many. */
bool program_parse(Program *program, const char *command, const char *argument);

/* Starts it with stdin_fd as standard input (-1: ours). 0: it could not be started. */
pid_t program_start(const Program *program, int stdin_fd);

/* Waits for its end; true when it went well. */
bool program_wait(pid_t pid);

#endif
