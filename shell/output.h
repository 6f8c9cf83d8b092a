/*
 * output.h -- where results go: a buffered file descriptor, perhaps through a pager
 *
 *     output_init -> output_put, ... -> output_flush, ... -> output_fini
 *
 * Errors are kept: after the first failed write everything is dropped, and output_flush says what
 * happened. A reader that went away (EPIPE: `| head`, a pager that was left) is no error but a
 * reason to stop: output_is_gone.
 */
#ifndef VONK_SHELL_OUTPUT_H
#define VONK_SHELL_OUTPUT_H

#include <sys/types.h>

#include "core/base/status.h"

#include <stddef.h>

enum { OUTPUT_BUFFER_BYTES = 1 << 16 };

typedef struct Output {
    int fd;
    bool is_terminal; /* fd is one and no pager stands before it */
    bool owns_fd;
    const char *name;                /* for errors: a path, or "standard output"; borrowed */
    int error_number;                /* of the first write that failed, 0: none */
    pid_t pager;                     /* 0: none */
    bool is_file;                    /* nobody watches it grow */
    void (*on_shown)(void *context); /* see output_on_shown */
    void *on_shown_context;
    int fd_before_pager;
    size_t used;
    char buffer[OUTPUT_BUFFER_BYTES];
} Output;

/* Writes to fd, which stays open. */
void output_init(Output *output, int fd, const char *name);
/* Creates or empties the file. */
MUST_CHECK Status output_init_file(Output *output, const char *path, Error *err);
/* Flushes; closes a file. The error, if any, of all writes. */
MUST_CHECK Status output_fini(Output *output, Error *err);

void output_put(Output *output, const char *bytes, size_t byte_count);
void output_puts(Output *output, const char *text);
void output_put_buffer(Output *output); /* writes what is held, without an answer */
static inline void output_putc(Output *output, char c)
{
    if (output->used == OUTPUT_BUFFER_BYTES)
        output_put_buffer(output);
    output->buffer[output->used++] = c;
}

void output_repeat(Output *output, char c, size_t count);
void output_printf(Output *output, const char *format, ...) PRINTF_LIKE(2, 3);

MUST_CHECK Status output_flush(Output *output, Error *err);
/* Nobody reads any more, or after Ctrl-C a write would have had to wait. */
bool output_is_gone(const Output *output);
/* The interrupt is over: write again. */
void output_end_interrupt(Output *output);

/* Calls on_shown once, before the next bytes go to a terminal, pager or pipe: whoever else draws on
 * the terminal must stop. NULL: nobody. */
void output_on_shown(Output *output, void (*on_shown)(void *context), void *context);

/* Sends what follows through the user's pager, if output is a terminal and the pager can be
 * started. SIGPIPE must be ignored. */
void output_begin_pager(Output *output);
/* Waits until the user leaves it. No-op without one. */
void output_end_pager(Output *output);

#endif
