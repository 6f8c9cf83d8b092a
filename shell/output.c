/* output.c -- see output.h */
#include "shell/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/interrupt.h"
#include "shell/pager.h"

void output_init(Output *output, int fd, const char *name)
{
    struct stat info;

    output->fd = fd;
    output->is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    output->on_shown = NULL;
    output->is_terminal = isatty(fd) == 1;
    output->owns_fd = false;
    output->name = name;
    output->error_number = 0;
    output->pager = 0;
    output->used = 0;
}

Status output_init_file(Output *output, const char *path, Error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return error_set_errno(err, errno, "could not open \"%s\" for writing", path);
    output_init(output, fd, path);
    output->owns_fd = true;
    return ST_OK;
}

void output_on_shown(Output *output, void (*on_shown)(void *context), void *context)
{
    output->on_shown = on_shown;
    output->on_shown_context = context;
}

static void tell_shown(Output *output)
{
    void (*on_shown)(void *context) = output->on_shown;

    output->on_shown = NULL;
    if (on_shown != NULL)
        on_shown(output->on_shown_context);
}

static bool would_wait(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};

    return poll(&wanted, 1, 0) == 0;
}

/* After an interrupt nothing waits for a reader: the signal that would end the wait has come. */
void output_put_buffer(Output *output)
{
    size_t written = 0;

    if (output->used > 0 && !output->is_file)
        tell_shown(output);

    while (written < output->used && output->error_number == 0) {
        size_t count = output->used - written;
        ssize_t n;

        if (interrupt_came()) {
            if (would_wait(output->fd)) {
                output->error_number = EINTR;
                break;
            }
            count = count < PIPE_BUF ? count : PIPE_BUF; /* for which there is room */
        }
        n = write(output->fd, output->buffer + written, count);
        if (n >= 0)
            written += (size_t)n;
        else if (errno != EINTR)
            output->error_number = errno;
    }
    output->used = 0;
}

Status output_flush(Output *output, Error *err)
{
    output_put_buffer(output);
    if (output->error_number == 0 || output->error_number == EPIPE || output->error_number == EINTR)
        return ST_OK;
    return error_set_errno(err, output->error_number, "could not write to %s", output->name);
}

Status output_fini(Output *output, Error *err)
{
    Status status;

    output_end_pager(output);
    status = output_flush(output, err);
    if (output->owns_fd && close(output->fd) != 0 && status == ST_OK)
        status = error_set_errno(err, errno, "could not write to %s", output->name);
    return status;
}

bool output_is_gone(const Output *output)
{
    return output->error_number != 0;
}

void output_end_interrupt(Output *output)
{
    if (output->error_number == EINTR)
        output->error_number = 0;
}

void output_put(Output *output, const char *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        size_t room = OUTPUT_BUFFER_BYTES - output->used;
        size_t part = byte_count < room ? byte_count : room;

        memcpy(output->buffer + output->used, bytes, part);
        output->used += part;
        bytes += part;
        byte_count -= part;
        if (output->used == OUTPUT_BUFFER_BYTES)
            output_put_buffer(output);
    }
}

void output_puts(Output *output, const char *text)
{
    output_put(output, text, strlen(text));
}

void output_repeat(Output *output, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output_putc(output, c);
}

void output_printf(Output *output, const char *format, ...)
{
    char text[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length > 0)
        output_put(output, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void output_begin_pager(Output *output)
{
    int pipe_fd;

    if (!output->is_terminal || output->pager != 0)
        return;
    tell_shown(output);
    output_put_buffer(output);
    output->pager = pager_start(&pipe_fd);
    if (output->pager == 0)
        return;
    output->fd_before_pager = output->fd;
    output->fd = pipe_fd;
    output->is_terminal = false;
}

void output_end_pager(Output *output)
{
    if (output->pager == 0)
        return;
    output_put_buffer(output);
    close(output->fd);
    while (waitpid(output->pager, NULL, 0) < 0 && errno == EINTR) {
    }
    output->fd = output->fd_before_pager;
    output->is_terminal = true;
    output->pager = 0;
    output->error_number = 0; /* the terminal itself is still there */
}
