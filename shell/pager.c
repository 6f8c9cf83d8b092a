/* pager.c -- see pager.h */
#include "shell/pager.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/status.h"

enum { PAGER_WORDS_MAX = 16, PAGER_TEXT_BYTES = 512 };

extern char **environ;

static const char *pager_command(void)
{
    const char *command = getenv("VONK_PAGER");

    if (command == NULL)
        command = getenv("PAGER");
    return command == NULL ? "less" : command;
}

/* Splits at blanks, without a shell. False: empty, cat, or too long. */
static bool split_command(char *text, char **words)
{
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count + 1 == PAGER_WORDS_MAX)
            return false;
        words[count++] = word;
    }
    words[count] = NULL;
    return count > 0 && strcmp(words[0], "cat") != 0;
}

static pid_t spawn(char **words, int read_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return 0;
    if (posix_spawn_file_actions_adddup2(&actions, read_fd, STDIN_FILENO) != 0 ||
        posix_spawnp(&pid, words[0], &actions, NULL, words, environ) != 0)
        pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

pid_t pager_start(int *pipe_fd_out)
{
    const char *command = pager_command();
    char text[PAGER_TEXT_BYTES];
    char *words[PAGER_WORDS_MAX];
    int fds[2];
    pid_t pid;

    if (strlen(command) >= sizeof text)
        return 0;
    memcpy(text, command, strlen(command) + 1);
    if (!split_command(text, words) || pipe2(fds, O_CLOEXEC) != 0)
        return 0;
    /* as git does: quit if it fits, keep colours, do not wrap, leave the text on the screen */
    setenv("LESS", "FRSX", 0);
    pid = spawn(words, fds[0]);
    close(fds[0]);
    if (pid == 0)
        close(fds[1]);
    *pipe_fd_out = fds[1];
    return pid;
}
