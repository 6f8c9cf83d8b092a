/*
 * line_editor.h -- lines typed at a terminal, with editing, history and completion (libedit)
 *
 * The only file that knows libedit.
 */
#ifndef VONK_SHELL_LINE_EDITOR_H
#define VONK_SHELL_LINE_EDITOR_H

#include "shell/complete.h"

typedef struct LineEditor LineEditor;

typedef enum LineEnd { LINE_READ, LINE_INTERRUPTED, LINE_END_OF_INPUT } LineEnd;

/* history_path NULL: none is kept. Borrows source. NULL: no memory. */
LineEditor *line_editor_open(const char *history_path, const CompleteSource *source);
void line_editor_close(LineEditor *editor); /* accepts NULL */

/* A line with its line break, valid until the next call. typed_before: lines of the same
 * statement, for completion. */
LineEnd line_editor_read(LineEditor *editor, const char *prompt, const char *typed_before,
                         const char **line_out);

/* A statement for the history, and to its file. */
void line_editor_remember(LineEditor *editor, const char *text, size_t bytes);

#endif
