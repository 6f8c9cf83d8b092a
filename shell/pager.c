/* pager.c -- see pager.h */
#include "shell/pager.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/program.h"

static const char *pager_command(void)
{
    const char *command = getenv("VONK_PAGER");

    if (command == NULL)
        command = getenv("PAGER");
    return command == NULL ? "less" : command;
}

pid_t pager_start(int *pipe_fd_out)
{
    Program program;
    int fds[2];
    pid_t pid;

    if (!program_parse(&program, pager_command(), NULL) || strcmp(program.words[0], "cat") == 0 ||
        pipe2(fds, O_CLOEXEC) != 0)
        return 0;
    /* as git does: quit if it fits, keep colours, do not wrap, leave the text on the screen */
    setenv("LESS", "FRSX", 0);
    pid = program_start(&program, fds[0]);
    close(fds[0]);
    if (pid == 0)
        close(fds[1]);
    *pipe_fd_out = fds[1];
    return pid;
}
