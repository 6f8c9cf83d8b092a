/*
 * pager.h -- less, or what PAGER says
 */
#ifndef VONK_SHELL_PAGER_H
#define VONK_SHELL_PAGER_H

#include <sys/types.h>

/* Starts the pager; *pipe_fd_out is where its text goes. 0: there is none, or it could not be
 * started. VONK_PAGER goes before PAGER; "" or "cat" mean none. */
pid_t pager_start(int *pipe_fd_out);

#endif
