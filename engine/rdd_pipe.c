/*
 * rdd_pipe.c -- partitions go through a program: lines in, lines out
 *
 *     records -> its standard input        one task, one process; both ends of one socket pair
 *     its standard output -> records       a side, so that neither waits for the other for ever
 *
 * The program is found as execvp finds it; no shell is involved. Its standard error is ours.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/rdd_internal.h"

extern char **environ;

enum { IO_BYTES = 64 << 10, POLL_MS = 100, ARGUMENTS_MAX = 1000 };

/* Arguments stand one behind the other, each with its NUL. */
typedef struct Pipe {
    uint32_t text_offset; /* of the records */
    uint32_t argument_count;
    char arguments[];
} Pipe;

typedef struct Program {
    VonkTask *task;
    const char *name;
    pid_t pid;
    int to, from;        /* -1: closed */
    const char *pending; /* a piece of a record that waits to be written */
    size_t pending_bytes;
    bool is_newline_due;
    char *line; /* read, not emitted yet */
    size_t line_bytes, line_capacity;
    MemPool *pool;
} Program;

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void fail_errno(Program *program, const char *what)
{
    vonk_fail(program->task, "%s \"%s\": %s", what, program->name, strerror(errno));
}

static bool start(Program *program, const Pipe *pipe)
{
    posix_spawn_file_actions_t actions;
    char *arguments[ARGUMENTS_MAX + 1];
    const char *next = pipe->arguments;
    int pair[2], failure;

    for (uint32_t i = 0; i < pipe->argument_count; i++, next += strlen(next) + 1)
        arguments[i] = (char *)(uintptr_t)next;
    arguments[pipe->argument_count] = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        fail_errno(program, "cannot start");
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
    failure = posix_spawnp(&program->pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (failure != 0) {
        close(pair[0]);
        errno = failure;
        fail_errno(program, "cannot start");
        return false;
    }
    program->to = program->from = pair[0];
    return true;
}

/* --- to the program --- */

/* The next piece to write: a record's text, then a newline; false: there is no more. */
static bool next_piece(Program *program, const Pipe *pipe, VonkIn *in)
{
    const char *record;
    VonkText text;

    if (program->is_newline_due) {
        program->pending = "\n";
        program->pending_bytes = 1;
        program->is_newline_due = false;
        return true;
    }
    record = vonk__next(in);
    if (record == NULL)
        return false;
    memcpy(&text, record + pipe->text_offset, sizeof text);
    program->pending = text.data;
    program->pending_bytes = text.bytes;
    program->is_newline_due = true;
    return true;
}

static bool write_some(Program *program, const Pipe *pipe, VonkIn *in)
{
    for (;;) {
        ssize_t done;

        if (program->pending_bytes == 0) {
            if (next_piece(program, pipe, in))
                continue;
            shutdown(program->to, SHUT_WR);
            program->to = -1; /* the same descriptor is read on */
            return !program->task->is_failed;
        }
        done = send(program->to, program->pending, program->pending_bytes,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (done < 0 && errno != EPIPE && errno != ECONNRESET) {
            fail_errno(program, "cannot write to");
            return false;
        }
        if (done < 0) { /* it does not want to read on; records that are left do not matter */
            program->to = -1;
            return true;
        }
        program->pending += done;
        program->pending_bytes -= (size_t)done;
    }
}

/* --- from the program --- */

static bool keep_rest(Program *program, const char *bytes, size_t count)
{
    if (program->line_capacity - program->line_bytes < count) {
        size_t capacity = 2 * program->line_capacity + count;
        void *line = program->line;
        Error err = ERROR_NONE;

        if (mem_pool_realloc(program->pool, &line, program->line_capacity, capacity, "pipe",
                             &err) != ST_OK) {
            user_task_fail((UserTask *)program->task, &err);
            return false;
        }
        program->line = line;
        program->line_capacity = capacity;
    }
    memcpy(program->line + program->line_bytes, bytes, count);
    program->line_bytes += count;
    return true;
}

static void emit_line(Program *program, VonkOut *out)
{
    vonk_emit(out, &(VonkLine){.text = {program->line, program->line_bytes}});
    out->flush(out); /* the line's memory is used again */
    program->line_bytes = 0;
}

/* Whole lines are emitted; the rest waits. */
static bool take_lines(Program *program, const char *bytes, size_t count, VonkOut *out)
{
    while (count > 0) {
        const char *newline = memchr(bytes, '\n', count);
        size_t length = newline == NULL ? count : (size_t)(newline - bytes);

        if (newline != NULL && program->line_bytes == 0) {
            vonk_emit(out, &(VonkLine){.text = {bytes, length}});
        } else {
            if (!keep_rest(program, bytes, length))
                return false;
            if (newline != NULL)
                emit_line(program, out);
        }
        length += newline != NULL;
        bytes += length;
        count -= length;
    }
    out->flush(out);
    return !program->task->is_failed;
}

static bool read_some(Program *program, char *buffer, VonkOut *out)
{
    ssize_t got = recv(program->from, buffer, IO_BYTES, MSG_DONTWAIT);

    if (got > 0)
        return take_lines(program, buffer, (size_t)got, out);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got < 0 && errno != ECONNRESET) {
        fail_errno(program, "cannot read from");
        return false;
    }
    if (program->line_bytes > 0)
        emit_line(program, out);
    program->to = -1;
    close_end(&program->from);
    return true;
}

/* --- both --- */

static bool exchange(Program *program, const Pipe *pipe, VonkIn *in, VonkOut *out, char *buffer)
{
    while (program->from >= 0) {
        struct pollfd wanted = {.fd = program->from,
                                .events = (short)(POLLIN | (program->to >= 0 ? POLLOUT : 0))};

        if (vonk_task_is_cancelled(program->task) || program->task->is_failed)
            return false;
        if (poll(&wanted, 1, POLL_MS) < 0 && errno != EINTR) {
            fail_errno(program, "cannot wait for");
            return false;
        }
        if ((wanted.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            !read_some(program, buffer, out))
            return false;
        if (program->to >= 0 && (wanted.revents & POLLOUT) != 0 && !write_some(program, pipe, in))
            return false;
    }
    return true;
}

static void finish(Program *program, bool is_whole)
{
    int state = 0;

    program->to = -1;
    close_end(&program->from);
    if (!is_whole)
        kill(program->pid, SIGKILL);
    while (waitpid(program->pid, &state, 0) < 0 && errno == EINTR)
        ;
    if (!is_whole || program->task->is_failed)
        return;
    if (WIFSIGNALED(state))
        vonk_fail(program->task, "\"%s\" ended with signal %d", program->name, WTERMSIG(state));
    else if (WEXITSTATUS(state) != 0)
        vonk_fail(program->task, "\"%s\" ended with exit code %d", program->name,
                  WEXITSTATUS(state));
}

static void pipe_partition(VonkTask *task, VonkIn *in, VonkOut *out)
{
    const Pipe *pipe = VONK_CLOSURE(task, Pipe);
    Program program = {.task = task,
                       .name = pipe->arguments,
                       .to = -1,
                       .from = -1,
                       .pool = ((UserTask *)task)->pool};
    char *buffer = vonk_task_alloc(task, IO_BYTES);

    if (buffer == NULL || !start(&program, pipe))
        return;
    finish(&program, exchange(&program, pipe, in, out, buffer));
    mem_pool_release(program.pool, program.line, program.line_capacity);
}

VonkRdd *vonk_rdd_pipe(VonkRdd *rdd, const char *const *arguments)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    const VonkRecordType *in = NULL;
    size_t bytes = 0, count = 0;
    Error err = ERROR_NONE;
    Pipe *pipe;
    char *to;

    for (; arguments != NULL && arguments[count] != NULL; count++)
        bytes += strlen(arguments[count]) + 1;
    if (rdd->layout->field_count != 1 || type_phys(rdd->layout->fields[0].type) != PHYS_STR)
        (void)error_set(&err, ST_BAD_INPUT,
                        "pipe takes records of one text, and record type %s is none",
                        rdd->layout->name);
    else if (count == 0 || count > ARGUMENTS_MAX)
        (void)error_set(&err, ST_BAD_INPUT, "pipe takes a program and up to %d arguments, not %zu",
                        ARGUMENTS_MAX - 1, count);
    if (err.status != ST_OK)
        return rdd_failed(rdds, &err);
    pipe = arena_alloc(rdds->arena, sizeof *pipe + bytes);
    pipe->text_offset = rdd->layout->fields[0].offset;
    pipe->argument_count = (uint32_t)count;
    to = pipe->arguments;
    for (size_t i = 0; i < count; i++, to += strlen(to) + 1)
        memcpy(to, arguments[i], strlen(arguments[i]) + 1);
    return rdd_group(&rdd, 1, false, &in, &VonkLine_vonk,
                     rdd_own_function(rdds, "the pipe", (void (*)(void))pipe_partition, NULL, pipe,
                                      sizeof *pipe + bytes),
                     0);
}
