/*
 * user_task.h -- what surrounds a user's function while it runs
 *
 *     user_task_init -> { user_task_begin (a function) -> the calls ... -> user_task_check ->
 *         user_task_reset (a batch is done) } -> user_task_fini
 *
 * Holds what VonkTask shows to the function, the memory it asks for, and the error it raises. While
 * a function runs, its thread can tell which one and on which record: a crash is reported with
 * both.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_USER_TASK_H
#define VONK_EXEC_USER_TASK_H

#include <signal.h>

#include "core/base/mem_pool.h"
#include "core/plan/record.h"
#include "exec/operator.h"
#include "vonk/udf.h"

typedef struct UserMemory UserMemory;

typedef struct UserTask {
    VonkTask task; /* first: functions are given its address */
    const UserFunction *function;
    uint64_t record; /* its number among those that this function got in this partition, from 1 */
    const VonkIn *reading;          /* of it, `record` were read, with those in it; NULL: of none */
    const volatile bool *cancelled; /* the job's flag */
    MemPool *pool;
    UserMemory *memory; /* newest first */
    Error error;        /* of vonk_fail, or of memory refused */
    struct UserShared *shared;
    struct UserCounts **counts;
    uint64_t dropped; /* records that it emitted, and nobody wanted */
} UserTask;

/* node: whose functions they are; NULL: of what follows the plan. */
void user_task_init(UserTask *user, const ExecContext *context, const Plan *node);
void user_task_fini(UserTask *user);

/* Calls of function follow. */
void user_task_begin(UserTask *user, const UserFunction *function);

/* The function that runs, while what it reads is made or what it emits is passed on. */
typedef struct UserPlace {
    const UserFunction *function;
    const void *closure;
    uint64_t record;
} UserPlace;

UserPlace user_task_pause(const UserTask *user);
void user_task_resume(UserTask *user, UserPlace place);

/* No function runs. The error of the last one, naming function, record and partition. */
MUST_CHECK Status user_task_end(UserTask *user, Error *err);

/* Frees what functions asked for. */
void user_task_reset(UserTask *user);
/* When it is more than a block: what is left of a few small requests is not worth the call. */
void user_task_reset_if_large(UserTask *user);

/* Where this thread notes whose function runs: what compiled code sets between its steps. */
VonkTask **user_task_running(void);

/* Whether anybody wants what functions emit; vonk_task_is_cancelled tells them when nobody does. */
void user_task_set_wanted(UserTask *user, bool is_wanted);

static inline bool user_task_is_wanted(const UserTask *user)
{
    return user->task.is_cancelled == user->cancelled;
}

/* The function that runs emitted so many more, which nobody wants. It can only end by itself: one
 * that goes on and on is named on standard error, and the process ends, as with a crash. */
void user_task_drop(UserTask *user, uint64_t count);

/* Fails the task: the first error counts. */
void user_task_fail(UserTask *user, const Error *err);

/* Makes SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT of a user's function name it on standard error
 * before the process ends as it would have; exit() too, and then its status is this one. For
 * programs that run jobs; once. */
enum { USER_TASK_EXIT = 70 };
void user_task_report_crashes(void);

/* Between them this thread runs the job itself, by that function: a crash of it is named, too. */
void user_task_begin_job(const char *function);
void user_task_end_job(void);

/* What this thread does from now on is that attempt's: a crash says so. 0: nobody's. */
void user_task_blame(uint64_t attempt);
/* The attempt that a line of such a report names; 0: none. */
uint64_t user_task_blamed(const char *line);

/* The calling thread runs users' functions: where a crash of too deep a recursion is reported from.
 * user_task_crash_stack_fini before the thread ends. */
enum { CRASH_STACK_BYTES = 16 << 10 };
typedef struct CrashStack {
    stack_t before;
    const char *low_before; /* of the thread's stack */
    char bytes[CRASH_STACK_BYTES];
} CrashStack;
void user_task_crash_stack_init(CrashStack *stack);
void user_task_crash_stack_fini(CrashStack *stack);

#endif
