/*
 * shell.h -- what `vonk sql` knows while it runs
 *
 *     shell_open -> shell_run_text | shell_run_file | repl_run, ... -> shell_close
 *
 * Results go to shell->output, everything else to standard error. One thread.
 */
#ifndef VONK_SHELL_SHELL_H
#define VONK_SHELL_SHELL_H

#include "engine/session.h"
#include "shell/error_text.h"
#include "shell/result_writer.h"

struct Repl;

typedef struct Shell {
    Session *session;
    Arena *arena;         /* of the shell: names, settings; statements have their own */
    const char *database; /* folder, or NULL */
    Output *output;       /* standard output, --output or \o */
    Output *standard_output;
    Output *file_output; /* NULL: none */
    OutputFormat format;
    ExpandMode expand;
    const char *null_text;
    bool is_interactive;
    bool has_timing;
    bool has_color; /* on standard error */
    bool wants_quit;
    uint32_t include_depth; /* of \i */
    struct Repl *repl;      /* NULL: there is no prompt */
} Shell;

/* How a run ended. */
typedef enum RunEnd {
    RUN_OK,
    RUN_FAILED, /* a statement failed; the error has been shown */
    RUN_INTERRUPTED,
    RUN_QUIT /* \q, or nobody reads the output any more */
} RunEnd;

/* Runs all pieces of source from `at`; stops at the first that fails. is_last: text that lacks its
 * semicolon is a statement too. *next_out (may be NULL): what has been run, up to the start of an
 * incomplete statement. */
RunEnd shell_run_text(Shell *shell, const SourceText *source, size_t at, bool is_last,
                      size_t *next_out);

/* Runs a file, "-" is standard input, which is run as it comes. */
RunEnd shell_run_file(Shell *shell, const char *path);

/* Runs one statement, text[start, end) of source. */
RunEnd shell_run_statement(Shell *shell, const SourceText *source, size_t start, size_t end,
                           bool is_expanded);

/* Shows an error; source may be NULL. */
void shell_report(Shell *shell, const Error *err, const SourceText *source, size_t start);

/* Sends results to a file from now on; NULL: to standard output again. */
MUST_CHECK Status shell_set_output(Shell *shell, const char *path, Error *err);

/* For a writer of results as things stand. */
WriterStyle shell_style(const Shell *shell);

/* A table of texts that the shell itself made (\d, \df), in the current format. NULL is NULL. */
void shell_write_texts(Shell *shell, Arena *arena, const char *title, uint32_t column_count,
                       const char *const *names, uint32_t row_count,
                       const char *const *const *rows);

#endif
