/*
 * launcher.h -- `vonk submit --launcher NAME`: a job on the nodes of Slurm, Ray or Dask
 *
 * A script for each is in `launchers`: it starts a master here and workers there, runs `vonk submit
 * --master URL` with the rest of the command line, and ends them (cluster/launchers).
 */
#ifndef VONK_SHELL_LAUNCHER_H
#define VONK_SHELL_LAUNCHER_H

#include "core/base/arena.h"

typedef struct LauncherOptions {
    const char *name;      /* slurm, ray, dask          */
    const char *executors; /* what was given; NULL: not */
    const char *executor_cores;
    const char *executor_memory;
} LauncherOptions;

/* Goes on as the script; arguments are those of vonk submit without --launcher and its name, with
 * NULL behind them. Returns only when it cannot. */
MUST_CHECK Status launcher_become(Arena *arena, const LauncherOptions *options, char **arguments,
                                  Error *err);

#endif
