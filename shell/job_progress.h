/*
 * job_progress.h -- a line on standard error while a job's RDDs are computed
 *
 *      stage 2 of 3 [=====>      ] 12 of 48 tasks, 2 running  4 s  (combine add)
 *
 * Drawn by a thread of its own, when a job takes longer than a second; wiped as soon as it ends, so
 * that it is out of the way of what the program prints then.
 *
 * Thread: one thread begins and ends it.
 */
#ifndef VONK_SHELL_JOB_PROGRESS_H
#define VONK_SHELL_JOB_PROGRESS_H

#include "vonk/vonk.h"

typedef struct JobProgressLine JobProgressLine;

/* Before the session's first RDD. NULL when there is nobody to see it (standard error is no
 * terminal) or no thread to be had. */
JobProgressLine *job_progress_begin(VonkSession *session);

/* No job runs any more, and the session still is. Accepts NULL. */
void job_progress_end(JobProgressLine *line);

#endif
