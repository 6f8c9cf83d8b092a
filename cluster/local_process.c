/* local_process.c -- see local_process.h */
#include "cluster/local_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

enum { ARGUMENTS_MAX = 32, READY_FD = 3, LINE_BYTES = 512, KILLED_MS = 5000 };

/* --- knowing it again --- */

/* The 22nd word of /proc/PID/stat; 0: there is no such process, or only its remains. */
static uint64_t start_time_of(pid_t pid)
{
    char path[64], text[1024], *at;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    at = strrchr(text, ')'); /* behind the program's name, which may hold anything */
    if (at == NULL || at[1] == '\0' || at[2] == 'Z')
        return 0;
    for (int word = 2; word < 22 && at != NULL; word++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

int local_process_open(const LocalProcess *process)
{
    int fd = pidfd_open(process->pid, 0);

    if (fd < 0 || start_time_of(process->pid) == process->start_time)
        return fd;
    close(fd);
    return -1;
}

/* --- starting --- */

static _Noreturn void become(char **arguments, int ready)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (ready != READY_FD && dup2(ready, READY_FD) < 0)
        _exit(127);
    if (ready == READY_FD)
        fcntl(READY_FD, F_SETFD, 0);
    if (null == READY_FD) /* cannot be: the pipe has at least two above */
        _exit(127);
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(READY_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execv("/proc/self/exe", arguments);
    _exit(127);
}

Status local_process_start(LocalProcess *process, const char *const *arguments, Error *err,
                           int *ready_out)
{
    char *all[ARGUMENTS_MAX];
    size_t count = 0;
    int ends[2];

    *ready_out = -1;
    for (; arguments[count] != NULL && count + 4 < ARGUMENTS_MAX; count++)
        all[count] = (char *)(uintptr_t)arguments[count];
    all[count++] = (char *)(uintptr_t)"--ready-fd";
    all[count++] = (char *)(uintptr_t)"3";
    all[count] = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot make a pipe");
    process->pid = fork();
    if (process->pid == 0)
        become(all, ends[1]);
    close(ends[1]);
    if (process->pid < 0) {
        close(ends[0]);
        return error_set_errno(err, errno, "cannot start a process");
    }
    process->start_time = start_time_of(process->pid);
    *ready_out = ends[0];
    return ST_OK;
}

Status local_process_ready(const LocalProcess *process, int ready, int64_t deadline_ns,
                           Arena *arena, Error *err, const char **line_out)
{
    char line[LINE_BYTES];
    size_t length = 0;

    *line_out = NULL;
    while (length + 1 < sizeof line) {
        struct pollfd polled = {.fd = ready, .events = POLLIN};
        int64_t left_ms = (deadline_ns - clock_now_ns()) / 1000000;
        ssize_t got;

        if (left_ms <= 0)
            return error_set(err, ST_IO, "the %s is not ready in time", process->name);
        if (poll(&polled, 1, (int)left_ms) <= 0)
            continue;
        got = read(ready, line + length, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ST_IO, "the %s has ended at its start", process->name);
        if (line[length] == '\n')
            break;
        length++;
    }
    *line_out = arena_strndup(arena, line, length);
    return ST_OK;
}

/* --- ending --- */

/* Waits for one; false: the time is over. */
static bool wait_for_end(int fd, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        int64_t left_ms = (deadline_ns - clock_now_ns() + 999999) / 1000000;
        int ready = poll(&polled, 1, left_ms < 0 ? 0 : (int)left_ms);

        if (ready > 0)
            return true;
        if (ready == 0)
            return false;
        if (errno != EINTR)
            return true;
    }
}

void local_processes_end(const LocalProcess *processes, uint32_t count, int64_t deadline_ns)
{
    for (uint32_t i = 0; i < count; i++) {
        int fd = local_process_open(&processes[i]);

        if (fd < 0)
            continue;
        pidfd_send_signal(fd, SIGTERM, NULL, 0);
        pidfd_send_signal(fd, SIGCONT, NULL, 0); /* one that was stopped ends, too */
        close(fd);
    }
    for (uint32_t i = 0; i < count; i++) {
        int fd = local_process_open(&processes[i]);

        if (fd >= 0 && !wait_for_end(fd, deadline_ns)) {
            pidfd_send_signal(fd, SIGKILL, NULL, 0);
            wait_for_end(fd, clock_now_ns() + KILLED_MS * INT64_C(1000000));
        }
        if (fd >= 0)
            close(fd);
        waitpid(processes[i].pid, NULL, WNOHANG); /* when it is a child of this process */
    }
}
