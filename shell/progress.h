/*
 * progress.h -- a bar on standard error while a statement takes longer than a second
 *
 *      [=========>          ]  47%  12.3M rows  1.2 of 2.6 GB  3 s left
 *
 * Drawn by a thread of its own, as the statement's thread is busy.
 */
#ifndef VONK_SHELL_PROGRESS_H
#define VONK_SHELL_PROGRESS_H

#include "engine/api_internal.h"

typedef struct Progress Progress;

/* NULL when there is nobody to see it (standard error is no terminal) or no thread to be had.
 * Borrows result until progress_end. */
Progress *progress_begin(const Result *result);
/* Wipes the bar. Accepts NULL. */
void progress_end(Progress *progress);

/* The line without its line end; seconds since the start. For tests. */
void progress_line(ExecProgress seen, double seconds, size_t width, char *line, size_t line_bytes);
void progress_job_line(const JobProgress *seen, double seconds, size_t width, char *line,
                       size_t line_bytes);

#endif
