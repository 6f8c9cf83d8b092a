/* master_applications.c -- see master_state.h: what comes from drivers */
#include <inttypes.h>
#include <stdio.h>

#include "cluster/master_state_internal.h"
#include "core/base/log.h"

static const char area[] = "master";

/* How long the executors of one that had another master before are awaited. */
enum { RETURN_NS = 1000000000 };

/* --- they come --- */

static MasterApplication *add_application(MasterState *state, int64_t id, int64_t now_ns)
{
    MasterApplication *application;

    if (state->application_count == MASTER_APPLICATIONS_MAX)
        return NULL;
    application = &state->applications[state->application_count++];
    *application = (MasterApplication){.id = id, .registered_ns = now_ns, .heard_ns = now_ns};
    return application;
}

MasterApplication *master__await_application(MasterState *state, int64_t id, int64_t owner,
                                             int64_t now_ns)
{
    MasterApplication *application = master__application(state, id);

    if (application != NULL)
        return application;
    application = add_application(state, id, now_ns);
    if (application != NULL)
        if (owner != 0) /* else its executors may have told */
            application->owner = owner;
    return application;
}

static MasterApplication *find_incarnation(const MasterState *state, int64_t incarnation)
{
    for (uint32_t i = 0; i < state->application_count; i++)
        if (state->applications[i].state != APPLICATION_AWAITED &&
            state->applications[i].incarnation == incarnation)
            return &state->applications[i];
    return NULL;
}

static Status check_application(const MasterState *state, const ApplicationInfo *info, Error *err)
{
    TRY(master__check_build(state, &info->build, "driver", err));
    if (info->executors < 0 || info->executor_cores < 0 || info->executor_memory_bytes < 0 ||
        info->application < 0 || info->running < 0 || info->driver.port == 0 ||
        info->driver.host[0] == '\0' || strlen(info->driver.host) >= HOST_BYTES)
        return error_set(err, ST_BAD_INPUT,
                         "an application has a driver's address, and its numbers are positive");
    return ST_OK;
}

static Status killed(int64_t id, Error *err)
{
    return error_set_state(err, ST_CANCELLED, SQLSTATE_KILLED,
                           "application %" PRId64 " was ended by vonk kill", id);
}

/* The driver whose process it is; 0: no worker runs that. A driver that has proved to be one may
 * register what is its own. */
static Status find_owner(const MasterState *state, const ApplicationInfo *info, Error *err,
                         int64_t *owner_out)
{
    const MasterExecutor *process = master__executor(state, info->process);

    *owner_out = info->caller;
    if (info->caller != 0 &&
        (info->process == 0 || (process != NULL && process->driver != info->caller)))
        return error_set(err, ST_BAD_INPUT,
                         "driver %" PRId64 " may not register an application of another process's",
                         info->caller);
    if (info->caller == 0 && process != NULL)
        *owner_out = process->driver;
    return ST_OK;
}

/* A driver's process that has ended, or is about to: it was told so, and may not have heard yet. */
static bool is_given_up(const MasterState *state, int64_t process)
{
    const MasterExecutor *known = master__executor(state, process);

    return known == NULL ? master__past(state, PAST_PROCESS, process) != NULL
                         : known->state == EXECUTOR_STOPPING;
}

/* Its executors may be there already. */
static MasterApplication *fit_application(MasterState *state, const ApplicationInfo *info,
                                          int64_t owner, int64_t now_ns)
{
    MasterApplication *application = NULL;
    int64_t id = info->application;

    if (id != 0)
        application = master__application(state, id);
    if (application != NULL && application->state == APPLICATION_AWAITED &&
        (info->caller == 0 || application->owner == owner))
        return application;
    if (id == 0 || id >= state->config.first_id || application != NULL)
        id = state->next_id++;
    return add_application(state, id, now_ns);
}

/* More are adopted than it wants when its workers came first. */
static void stop_surplus(MasterState *state, const MasterApplication *application)
{
    for (uint32_t i = state->executor_count; i-- > 0;) {
        MasterExecutor *executor = &state->executors[i];

        if (executor->application == application->id && executor->state != EXECUTOR_STOPPING &&
            application->wanted > 0 && application->executor_count > (uint32_t)application->wanted)
            master__stop_executor(state, executor);
    }
}

Status master_register_application(MasterState *state, const ApplicationInfo *info, int64_t now_ns,
                                   Error *err, int64_t *application_out)
{
    MasterApplication *application = find_incarnation(state, info->incarnation);
    const MasterPast *past;
    int64_t owner;

    *application_out = 0;
    TRY(check_application(state, info, err));
    TRY(find_owner(state, info, err, &owner));
    if (application != NULL) { /* the same call again */
        if (application->state == APPLICATION_KILLED)
            return killed(application->id, err);
        application->heard_ns = now_ns;
        *application_out = application->id;
        return ST_OK;
    }
    if (info->process != 0 && is_given_up(state, info->process))
        return error_set_state(err, ST_CANCELLED, SQLSTATE_KILLED,
                               "this process of a driver was given up");
    past = info->application == 0 ? NULL : master__past(state, PAST_APPLICATION, info->application);
    if (past != NULL && past->is_killed && past->incarnation == info->incarnation)
        return killed(past->id, err);
    application = fit_application(state, info, owner, now_ns);
    if (application == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "there are %d applications already",
                         MASTER_APPLICATIONS_MAX);
    application->state = APPLICATION_ALIVE;
    application->incarnation = info->incarnation;
    application->process = info->process;
    application->owner = owner;
    application->heard_ns = now_ns;
    application->port = info->driver.port;
    application->wanted = info->executors;
    application->cores = info->executor_cores;
    application->memory_bytes = info->executor_memory_bytes;
    if (info->application != 0) { /* their workers are about to say so */
        application->returning = info->running;
        application->return_until_ns = now_ns + RETURN_NS;
    }
    master__copy_text(application->name, sizeof application->name, info->name);
    master__copy_text(application->host, sizeof application->host, info->driver.host);
    LOG_INFO(area, "application %" PRId64 " (%s) has registered: driver %s:%u, %d executors wanted",
             application->id, application->name, application->host, application->port,
             application->wanted);
    *application_out = application->id;
    stop_surplus(state, application);
    master__place(state, now_ns);
    return ST_OK;
}

/* --- they live --- */

static MasterApplication *calling_application(const MasterState *state, int64_t id,
                                              int64_t incarnation, Error *err, Status *status_out)
{
    MasterApplication *application = master__application(state, id);
    const MasterPast *past = master__past(state, PAST_APPLICATION, id);

    *status_out = ST_OK;
    if (application != NULL && application->incarnation == incarnation &&
        application->state == APPLICATION_ALIVE)
        return application;
    if ((application != NULL && application->incarnation == incarnation &&
         application->state == APPLICATION_KILLED) ||
        (past != NULL && past->is_killed && past->incarnation == incarnation))
        *status_out = killed(id, err);
    else
        *status_out = error_set(err, ST_BAD_INPUT,
                                "the master does not know application %" PRId64 " (any more)", id);
    return NULL;
}

static void keep_stages(MasterApplication *application, const StageLine *stages, uint32_t count)
{
    uint32_t skipped = count > STAGE_LINES_MAX ? count - STAGE_LINES_MAX : 0; /* the oldest */

    application->stage_count = count - skipped;
    for (uint32_t i = 0; i < application->stage_count; i++) {
        NamedStage *stage = &application->stages[i];

        stage->line = stages[skipped + i];
        master__copy_text(stage->name, sizeof stage->name, stage->line.name);
    }
}

Status master_application_heartbeat(MasterState *state, int64_t application, int64_t incarnation,
                                    const StageLine *stages, uint32_t stage_count, int64_t now_ns,
                                    Arena *arena, Error *err, ApplicationNews *news_out)
{
    Status status;
    MasterApplication *known = calling_application(state, application, incarnation, err, &status);
    int64_t *draining;

    *news_out = (ApplicationNews){.problem = ""};
    if (known == NULL)
        return status;
    known->heard_ns = now_ns;
    keep_stages(known, stages, stage_count);
    draining = ARENA_ARRAY(arena, int64_t, known->executor_count);
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterExecutor *executor = &state->executors[i];

        if (executor->application != known->id || executor->state == EXECUTOR_STOPPING)
            continue;
        news_out->executors += executor->state == EXECUTOR_RUNNING;
        if (master__worker(state, executor->worker)->is_draining)
            draining[news_out->draining_count++] = executor->id;
    }
    news_out->draining = draining;
    news_out->problem =
        arena_strdup(arena, known->problem[0] != '\0' ? known->problem : known->waits);
    return ST_OK;
}

Status master_release_executor(MasterState *state, int64_t application, int64_t incarnation,
                               int64_t executor, const char *reason, int64_t now_ns, Error *err)
{
    Status status;
    MasterApplication *known = calling_application(state, application, incarnation, err, &status);
    MasterExecutor *released = master__executor(state, executor);

    if (known == NULL)
        return status;
    known->heard_ns = now_ns;
    if (released == NULL || released->application != known->id ||
        released->state == EXECUTOR_STOPPING)
        return ST_OK;
    LOG_INFO(area, "executor %" PRId64 " is released by its driver: %.200s", executor, reason);
    master__stop_executor(state, released);
    master__place(state, now_ns);
    return ST_OK;
}

/* --- they end --- */

static void remove_application(MasterState *state, MasterApplication *application,
                               const char *reason, int64_t now_ns)
{
    uint32_t at = (uint32_t)(application - state->applications);
    MasterPast *past = master__remember(state, PAST_APPLICATION, application->id, application->name,
                                        reason, now_ns);

    past->is_killed = application->state == APPLICATION_KILLED;
    past->incarnation = application->incarnation;
    LOG_INFO(area, "application %" PRId64 " (%s) has ended: %s", application->id, application->name,
             reason);
    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].application == application->id)
            master__stop_executor(state, &state->executors[i]);
    state->application_count--;
    memmove(&state->applications[at], &state->applications[at + 1],
            (state->application_count - at) * sizeof *state->applications);
}

Status master_end_application(MasterState *state, int64_t application, int64_t incarnation,
                              int64_t now_ns, Error *err)
{
    MasterApplication *known = master__application(state, application);

    (void)err;
    if (known == NULL || known->incarnation != incarnation)
        return ST_OK; /* it has ended, then */
    remove_application(
        state, known, known->state == APPLICATION_KILLED ? "killed" : "its driver is done", now_ns);
    master__place(state, now_ns);
    return ST_OK;
}

void master__end_applications_of(MasterState *state, int64_t process, int64_t driver,
                                 const char *reason, int64_t now_ns)
{
    for (uint32_t i = state->application_count; i-- > 0;) {
        MasterApplication *application = &state->applications[i];

        if (application->state == APPLICATION_AWAITED
                ? application->owner == driver
                : process != 0 && application->process == process)
            remove_application(state, application, reason, now_ns);
    }
}

Status master_kill(MasterState *state, int64_t id, int64_t now_ns, Error *err)
{
    MasterApplication *known = master__application(state, id);

    if (master__kill_driver(state, id, now_ns)) {
        master__place(state, now_ns);
        return ST_OK;
    }
    if (known == NULL)
        return error_set(err, ST_BAD_INPUT, "there is no application %" PRId64 ", and no driver",
                         id);
    if (known->state == APPLICATION_KILLED)
        return ST_OK;
    LOG_INFO(area, "application %" PRId64 " (%s) is killed", known->id, known->name);
    known->state = APPLICATION_KILLED;
    known->heard_ns = now_ns;
    known->waits[0] = '\0';
    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].application == known->id)
            master__stop_executor(state, &state->executors[i]);
    master__place(state, now_ns);
    return ST_OK;
}

void master__end_silent_applications(MasterState *state, int64_t now_ns)
{
    static const char *const reasons[] = {
        [APPLICATION_AWAITED] = "its driver has not come back",
        [APPLICATION_ALIVE] = "its driver was silent for too long",
        [APPLICATION_KILLED] = "killed",
    };

    for (uint32_t i = state->application_count; i-- > 0;) {
        MasterApplication *application = &state->applications[i];

        if (now_ns - application->heard_ns >= state->config.silence_ns)
            remove_application(state, application, reasons[application->state], now_ns);
    }
}
