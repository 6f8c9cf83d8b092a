/*
 * executor_hooks.h -- how an executor finds what plans name: files by their paths, blocks and
 * jobs' objects at its driver
 *
 * Thread: any.
 */
#ifndef VONK_ENGINE_EXECUTOR_HOOKS_H
#define VONK_ENGINE_EXECUTOR_HOOKS_H

#include "cluster/executor_process.h"

typedef struct ExecutorHooks ExecutorHooks;

/* Borrows the executor. */
ExecutorHooks *executor_hooks_new(Executor *executor);
/* When the executor is gone. */
void executor_hooks_free(ExecutorHooks *hooks);

const PlanWireHooks *executor_hooks_of(const ExecutorHooks *hooks);

#endif
