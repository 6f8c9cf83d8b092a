/*
 * line_editor.h -- lines typed at a terminal, with editing, history and completion (libedit)
 *
 * The only file that knows libedit.
 */
#ifndef VONK_SHELL_LINE_EDITOR_H
#define VONK_SHELL_LINE_EDITOR_H

#include "shell/complete.h"
#include "shell/output.h"

typedef struct LineEditor LineEditor;

typedef enum LineEnd { LINE_READ, LINE_INTERRUPTED, LINE_END_OF_INPUT } LineEnd;

/* history_path NULL: none is kept. Borrows source. NULL: no memory. */
LineEditor *line_editor_open(const char *history_path, const CompleteSource *source);
void line_editor_close(LineEditor *editor); /* accepts NULL */

/* A line with its line break, valid until the next call. typed_before: lines of the same
 * statement, for completion. */
LineEnd line_editor_read(LineEditor *editor, const char *prompt, const char *typed_before,
                         const char **line_out);

/* Drops lines that were pasted and not yet read. */
void line_editor_forget_pasted(LineEditor *editor);

/* A statement, of one line or more, for the history and to its file. */
void line_editor_remember(LineEditor *editor, const char *text, size_t bytes);

/* The history, oldest first. */
void line_editor_list(LineEditor *editor, Output *output);

#endif
