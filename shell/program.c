/* program.c -- see program.h */
#include "shell/program.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool program_parse(Program *program, const char *command, const char *argument)
{
    char *rest = NULL;
    size_t count = 0;

    if (strlen(command) >= sizeof program->text)
        return false;
    memcpy(program->text, command, strlen(command) + 1);
    for (char *word = strtok_r(program->text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count + 2 >= PROGRAM_WORDS_MAX)
            return false;
        program->words[count++] = word;
    }
    if (count == 0)
        return false;
    program->words[count++] = (char *)(uintptr_t)argument;
    program->words[count] = NULL;
    return true;
}

pid_t program_start(const Program *program, int stdin_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return 0;
    if ((stdin_fd >= 0 &&
         posix_spawn_file_actions_adddup2(&actions, stdin_fd, STDIN_FILENO) != 0) ||
        posix_spawnp(&pid, program->words[0], &actions, NULL, program->words, environ) != 0)
        pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

bool program_wait(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
