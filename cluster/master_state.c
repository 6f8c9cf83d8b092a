/* master_state.c -- see master_state.h: what comes from workers, and what time does */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster/master_state_internal.h"
#include "core/base/log.h"
#include "core/base/utf8_check.h"
#include "exec/user_task.h"

static const char area[] = "master";

MasterState *master_state_new(Arena *arena, const MasterConfig *config, int64_t now_ns)
{
    MasterState *state = ARENA_NEW(arena, MasterState);

    CHECK(config->first_id > 0);
    *state = (MasterState){
        .arena = arena,
        .config = *config,
        .started_ns = now_ns,
        .next_id = config->first_id,
        .workers = ARENA_ARRAY(arena, MasterWorker, MASTER_WORKERS_MAX),
        .applications = ARENA_ARRAY(arena, MasterApplication, MASTER_APPLICATIONS_MAX),
        .executors = ARENA_ARRAY(arena, MasterExecutor, MASTER_EXECUTORS_MAX),
        .drivers = ARENA_ARRAY(arena, MasterDriver, MASTER_DRIVERS_MAX),
        .forgotten = ARENA_ARRAY(arena, int64_t, MASTER_DRIVERS_MAX),
        .past = ARENA_ARRAY(arena, MasterPast, PAST_MAX),
    };
    return state;
}

void master_state_free(MasterState *state)
{
    if (state != NULL)
        arena_free(state->arena);
}

/* --- what is known --- */

MasterWorker *master__worker(const MasterState *state, int64_t id)
{
    for (uint32_t i = 0; i < state->worker_count; i++)
        if (state->workers[i].id == id)
            return &state->workers[i];
    return NULL;
}

MasterApplication *master__application(const MasterState *state, int64_t id)
{
    for (uint32_t i = 0; i < state->application_count; i++)
        if (state->applications[i].id == id)
            return &state->applications[i];
    return NULL;
}

MasterExecutor *master__executor(const MasterState *state, int64_t id)
{
    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].id == id)
            return &state->executors[i];
    return NULL;
}

/* Of the printable character at text; 0: it is none, but a byte of something else. */
static size_t printable_bytes(const char *text)
{
    unsigned char lead = (unsigned char)text[0];
    size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (lead < 0x80)
        return lead >= ' ' && lead < 127;
    if (strnlen(text, bytes) < bytes || !utf8_is_valid(text, bytes))
        return 0;
    return lead == 0xc2 && (unsigned char)text[1] < 0xa0 ? 0 : bytes; /* those control terminals */
}

void master__copy_text(char *to, size_t bytes, const char *text)
{
    size_t length = 0;

    while (*text != '\0' && length + 1 < bytes) {
        size_t count = printable_bytes(text);

        if (length + count >= bytes)
            break;
        if (count == 0)
            to[length++] = '?';
        memcpy(to + length, text, count);
        length += count;
        text += count == 0 ? 1 : count;
    }
    to[length] = '\0';
}

MasterPast *master__remember(MasterState *state, PastKind kind, int64_t id, const char *name,
                             const char *reason, int64_t now_ns)
{
    MasterPast *past = &state->past[state->past_count++ % PAST_MAX];

    *past = (MasterPast){.kind = kind, .id = id, .ended_ns = now_ns};
    snprintf(past->name, sizeof past->name, "%s", name);
    snprintf(past->reason, sizeof past->reason, "%s", reason);
    return past;
}

const MasterPast *master__past(const MasterState *state, PastKind kind, int64_t id)
{
    uint64_t count = state->past_count < PAST_MAX ? state->past_count : PAST_MAX;

    for (uint64_t i = 0; i < count; i++)
        if (state->past[i].kind == kind && state->past[i].id == id)
            return &state->past[i];
    return NULL;
}

Status master__check_build(const MasterState *state, const RpcBuild *build, const char *who,
                           Error *err)
{
    const RpcBuild *mine = &state->config.build;

    if (strcmp(build->version, mine->version) == 0 && build->vocabulary == mine->vocabulary)
        return ST_OK;
    error_set(err, ST_NOT_SUPPORTED,
              "the master is Vonk %s (%016" PRIx64 "), and the %s is Vonk %.40s (%016" PRIx64 ")",
              mine->version, mine->vocabulary, who, build->version, build->vocabulary);
    error_hint(err, "All processes of a cluster are of one build: install the same everywhere.");
    return ST_NOT_SUPPORTED;
}

/* --- executors --- */

void master__stop_executor(MasterState *state, MasterExecutor *executor)
{
    MasterApplication *application = master__application(state, executor->application);

    if (executor->state == EXECUTOR_STOPPING)
        return;
    executor->state = EXECUTOR_STOPPING;
    master__worker(state, executor->worker)->has_news = true;
    if (application != NULL) {
        application->executor_count--;
        application->used_cores -= executor->cores;
    }
}

/* Its process is no more. */
static void forget_executor(MasterState *state, MasterExecutor *executor)
{
    MasterWorker *worker = master__worker(state, executor->worker);
    uint32_t at = (uint32_t)(executor - state->executors);

    master__stop_executor(state, executor);
    worker->used_cores -= executor->cores;
    worker->used_memory_bytes -= executor->memory_bytes;
    worker->executor_count--;
    state->executor_count--;
    memmove(&state->executors[at], &state->executors[at + 1],
            (state->executor_count - at) * sizeof *state->executors);
}

/* It ended soon after its start: the more of that one after the other, the longer the pause. */
static void note_quick_end(MasterApplication *application, const MasterWorker *worker,
                           const char *reason, int64_t now_ns)
{
    const int64_t first_ns = 100000000, most_ns = 10000000000;
    uint32_t doublings;

    application->quick_ends++;
    application->quick_end_ns = now_ns;
    application->shunned_worker = worker->id;
    if (application->quick_ends < QUICK_ENDS_FREE)
        return;
    doublings = application->quick_ends - QUICK_ENDS_FREE;
    application->pause_until_ns = now_ns + (doublings >= 7 ? most_ns : first_ns << doublings);
    snprintf(application->problem, sizeof application->problem,
             "%u executors in a row ended at once; the last one, on %s: %s",
             application->quick_ends, worker->name, reason);
    LOG_WARN(area, "application %" PRId64 ": %s", application->id, application->problem);
}

static void process_gone(MasterState *state, MasterExecutor *process, const char *reason,
                         int32_t exit_code, int64_t now_ns)
{
    MasterExecutor ended = *process;

    LOG_INFO(area, "the process of driver %" PRId64 " on %s has ended: %s", ended.driver,
             master__worker(state, ended.worker)->name, reason);
    master__remember(state, PAST_PROCESS, ended.id, master__worker(state, ended.worker)->name,
                     reason, now_ns)
        ->of = ended.driver;
    forget_executor(state, process);
    master__driver_ended(state, &ended, reason, exit_code, now_ns);
}

static void executor_gone(MasterState *state, MasterExecutor *executor, const char *reason,
                          int32_t exit_code, int64_t now_ns)
{
    MasterApplication *application = master__application(state, executor->application);
    const MasterWorker *worker = master__worker(state, executor->worker);
    bool was_wanted = executor->state != EXECUTOR_STOPPING;
    MasterPast *past;

    if (executor->driver != 0) {
        process_gone(state, executor, reason, exit_code, now_ns);
        return;
    }
    LOG_INFO(area, "executor %" PRId64 " of application %" PRId64 " on %s has ended: %s",
             executor->id, executor->application, worker->name, reason);
    past = master__remember(state, PAST_EXECUTOR, executor->id, worker->name, reason, now_ns);
    past->of = executor->application;
    if (was_wanted && application != NULL) {
        if (now_ns - executor->started_ns < state->config.quick_end_ns)
            note_quick_end(application, worker, reason, now_ns);
        if (exit_code != EXIT_CODE_NONE && exit_code != USER_TASK_EXIT)
            application->doubted_ns = now_ns;
    }
    forget_executor(state, executor);
}

/* An executor lives that was started after the last one that ended too soon. */
static void forgive_quick_ends(MasterState *state, int64_t now_ns)
{
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterExecutor *executor = &state->executors[i];
        MasterApplication *application = master__application(state, executor->application);

        if (application == NULL || application->quick_ends == 0 ||
            executor->state != EXECUTOR_RUNNING ||
            executor->started_ns < application->quick_end_ns ||
            now_ns - executor->started_ns < state->config.quick_end_ns)
            continue;
        application->quick_ends = 0;
        application->problem[0] = '\0';
    }
}

/* --- workers come --- */

static void give_up_worker(MasterState *state, MasterWorker *worker, const char *reason,
                           int64_t now_ns)
{
    uint32_t at = (uint32_t)(worker - state->workers);

    LOG_WARN(area, "worker %" PRId64 " (%s) is given up: %s", worker->id, worker->name, reason);
    master__remember(state, PAST_WORKER, worker->id, worker->name, reason, now_ns);
    for (uint32_t i = state->executor_count; i-- > 0;) {
        MasterExecutor *executor = &state->executors[i];

        if (executor->worker != worker->id)
            continue;
        executor->started_ns = now_ns - state->config.quick_end_ns; /* that was not its fault */
        executor_gone(state, executor, reason, EXIT_CODE_NONE, now_ns);
    }
    state->worker_count--;
    memmove(&state->workers[at], &state->workers[at + 1],
            (state->worker_count - at) * sizeof *state->workers);
}

/* Whether somebody wants what a worker brings along: only what an earlier master has ordered, for
 * an application that may come again. */
static bool is_welcome(MasterState *state, const RunningExecutor *running, int64_t now_ns)
{
    const MasterApplication *application;

    if (running->executor >= state->config.first_id || running->application <= 0 ||
        running->cores <= 0 || running->memory_bytes <= 0 ||
        master__past(state, PAST_APPLICATION, running->application) != NULL)
        return false;
    application = master__await_application(state, running->application, running->owner, now_ns);
    return application != NULL && application->state != APPLICATION_KILLED &&
           (application->owner == 0 || application->owner == running->owner) &&
           (application->wanted == 0 ||
            application->executor_count < (uint32_t)application->wanted);
}

static bool is_welcome_driver(MasterState *state, const RunningExecutor *running,
                              const MasterWorker *worker)
{
    return running->executor < state->config.first_id && running->cores == 0 &&
           running->memory_bytes == 0 &&
           master__adopt_driver(state, running->driver, running->executor, worker->name);
}

static void adopt_executor(MasterState *state, MasterWorker *worker, const RunningExecutor *running,
                           int64_t now_ns)
{
    MasterApplication *application;
    uint32_t at = state->executor_count;

    if (running->executor <= 0 || running->executor >= state->next_id || running->cores < 0 ||
        running->memory_bytes < 0 || running->cores > worker->cores - worker->used_cores ||
        running->memory_bytes > worker->memory_bytes - worker->used_memory_bytes ||
        master__executor(state, running->executor) != NULL ||
        state->executor_count == MASTER_EXECUTORS_MAX ||
        !(running->driver != 0 ? is_welcome_driver(state, running, worker)
                               : is_welcome(state, running, now_ns)))
        return; /* its next report has it in vain: it is stopped */
    while (at > 0 && state->executors[at - 1].id > running->executor)
        at--;
    memmove(&state->executors[at + 1], &state->executors[at],
            (state->executor_count - at) * sizeof *state->executors);
    state->executor_count++;
    state->executors[at] = (MasterExecutor){
        .id = running->executor,
        .application = running->driver != 0 ? 0 : running->application,
        .driver = running->driver,
        .worker = worker->id,
        .state = EXECUTOR_RUNNING,
        .cores = running->cores,
        .memory_bytes = running->memory_bytes,
        .started_ns = now_ns - state->config.quick_end_ns,
    };
    worker->used_cores += running->cores;
    worker->used_memory_bytes += running->memory_bytes;
    worker->executor_count++;
    if (running->driver != 0)
        return;
    application = master__application(state, running->application);
    application->executor_count++;
    application->used_cores += running->cores;
}

static Status check_worker(const MasterState *state, const WorkerInfo *info, Error *err)
{
    TRY(master__check_build(state, &info->build, "worker", err));
    if (info->name[0] == '\0' || info->cores <= 0 || info->memory_bytes <= 0 || info->last_id < 0 ||
        info->last_id > INT64_MAX / 2)
        return error_set(err, ST_BAD_INPUT, "a worker has a name, cores and memory");
    if (state->config.last_id != 0 && info->last_id > state->config.last_id)
        return error_set_state(err, ST_IO, SQLSTATE_STANDBY,
                               "the worker has had orders of a master that leads after this one");
    return ST_OK;
}

Status master_register_worker(MasterState *state, const WorkerInfo *info, int64_t now_ns,
                              Error *err, int64_t *worker_out)
{
    MasterWorker *worker;
    char name[MASTER_NAME_BYTES];

    *worker_out = 0;
    TRY(check_worker(state, info, err));
    master__copy_text(name, sizeof name, info->name);
    for (uint32_t i = state->worker_count; i-- > 0;) {
        worker = &state->workers[i];
        if (worker->incarnation == info->incarnation) { /* the same call again */
            worker->heard_ns = now_ns;
            *worker_out = worker->id;
            return ST_OK;
        }
        if (strcmp(worker->name, name) == 0)
            give_up_worker(state, worker, "its process was started anew", now_ns);
    }
    if (state->worker_count == MASTER_WORKERS_MAX)
        return error_set(err, ST_NOT_SUPPORTED, "there are %d workers already", MASTER_WORKERS_MAX);
    if (info->last_id >= state->next_id)
        state->next_id = info->last_id + 1;
    worker = &state->workers[state->worker_count++];
    *worker = (MasterWorker){
        .id = state->next_id++, /* a new one: what is on its way from before is not heard */
        .incarnation = info->incarnation,
        .pid = info->pid,
        .cores = info->cores,
        .memory_bytes = info->memory_bytes,
        .registered_ns = now_ns,
        .heard_ns = now_ns,
        .has_strangers = true, /* until its first report says otherwise */
    };
    memcpy(worker->name, name, sizeof name);
    for (uint32_t i = 0; i < info->running_count; i++)
        adopt_executor(state, worker, &info->running[i], now_ns);
    master__end_drivers_of(state, worker->name, now_ns);
    LOG_INFO(area,
             "worker %" PRId64 " (%s, pid %d) has registered: %d cores, %.1f GiB, %u executors",
             worker->id, worker->name, worker->pid, worker->cores,
             (double)worker->memory_bytes / (1 << 30), worker->executor_count);
    *worker_out = worker->id;
    master__place(state, now_ns);
    return ST_OK;
}

/* --- workers report --- */

static MasterWorker *reporting_worker(const MasterState *state, int64_t id, int64_t incarnation,
                                      Error *err)
{
    MasterWorker *worker = master__worker(state, id);

    if (worker != NULL && worker->incarnation == incarnation)
        return worker;
    error_set(err, ST_BAD_INPUT, "the master does not know worker %" PRId64 " (any more)", id);
    return NULL;
}

static bool has_id(const int64_t *ids, uint32_t count, int64_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

Status master_worker_report(MasterState *state, const WorkerReport *report, int64_t now_ns,
                            Error *err)
{
    MasterWorker *worker = reporting_worker(state, report->worker, report->incarnation, err);

    if (worker == NULL)
        return ST_BAD_INPUT;
    if (report->number <= worker->last_number)
        return error_set(err, ST_CANCELLED, "worker %" PRId64 " has sent a later report before",
                         report->worker);
    worker->last_number = report->number;
    worker->heard_ns = now_ns;
    worker->has_strangers = false;
    for (uint32_t i = 0; i < report->executor_count; i++) {
        const MasterExecutor *executor = master__executor(state, report->executors[i]);

        worker->has_strangers |= executor == NULL || executor->worker != worker->id;
    }
    for (uint32_t i = state->executor_count; i-- > 0;) {
        MasterExecutor *executor = &state->executors[i];

        if (executor->worker != worker->id)
            continue;
        if (!has_id(report->executors, report->executor_count, executor->id)) {
            if (executor->id <= report->orders_seen)
                executor_gone(state, executor, "its process is gone", EXIT_CODE_NONE, now_ns);
        } else if (executor->state == EXECUTOR_ORDERED) {
            executor->state = EXECUTOR_RUNNING;
            executor->started_ns = now_ns;
            if (executor->driver != 0)
                LOG_INFO(area, "driver %" PRId64 " runs on %s", executor->driver, worker->name);
            else
                LOG_INFO(area,
                         "executor %" PRId64 " of application %" PRId64 " runs on %s: %d cores",
                         executor->id, executor->application, worker->name, executor->cores);
        }
    }
    master__place(state, now_ns);
    return ST_OK;
}

bool master_worker_has_news(const MasterState *state, int64_t worker, int64_t incarnation)
{
    const MasterWorker *known = master__worker(state, worker);

    return known == NULL || known->incarnation != incarnation || known->has_news;
}

/* Whether its folders can go. */
static bool is_over(const MasterState *state, int64_t application, int64_t now_ns)
{
    if (master__application(state, application) != NULL)
        return false;
    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].application == application)
            return false;
    /* one of another master's: it may come yet */
    return application >= state->config.first_id ||
           master__past(state, PAST_APPLICATION, application) != NULL ||
           now_ns - state->started_ns > state->config.silence_ns;
}

/* A driver's process is ordered when the driver is kept as it is now. */
static bool is_kept(const MasterState *state, const MasterExecutor *executor)
{
    const MasterDriver *driver = master__driver(state, executor->driver);

    return driver == NULL || driver->kept_version == driver->version;
}

static ExecutorOrder order_of(const MasterState *state, const MasterExecutor *executor,
                              Arena *arena)
{
    const MasterApplication *application = master__application(state, executor->application);
    const MasterDriver *driver = master__driver(state, executor->driver);

    if (driver != NULL)
        return (ExecutorOrder){.executor = executor->id,
                               .application = driver->id,
                               .driver = {.host = ""},
                               .job = {arena_copy(arena, driver->job.bytes, driver->job.byte_count),
                                       driver->job.byte_count}};
    CHECK(application != NULL);
    return (ExecutorOrder){
        .executor = executor->id,
        .application = executor->application,
        .driver = {arena_strdup(arena, application->host), application->port},
        .cores = executor->cores,
        .memory_bytes = executor->memory_bytes,
        .owner = application->owner,
    };
}

Status master_worker_orders(MasterState *state, const WorkerReport *report, int64_t now_ns,
                            Arena *arena, Error *err, WorkerOrders *orders_out)
{
    MasterWorker *worker = reporting_worker(state, report->worker, report->incarnation, err);
    ExecutorOrder *start;
    int64_t *stop, *ended;

    *orders_out = (WorkerOrders){0};
    if (worker == NULL)
        return ST_BAD_INPUT;
    worker->has_news = false;
    start = ARENA_ARRAY(arena, ExecutorOrder, worker->executor_count);
    stop = ARENA_ARRAY(arena, int64_t, (size_t)report->executor_count + worker->executor_count);
    ended = ARENA_ARRAY(arena, int64_t, report->application_count);
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterExecutor *executor = &state->executors[i];

        if (executor->worker != worker->id || executor->id <= report->orders_seen)
            continue;
        if (executor->state == EXECUTOR_ORDERED && !is_kept(state, executor))
            break; /* nor what comes after it: ids are seen in their order */
        if (executor->state == EXECUTOR_ORDERED)
            start[orders_out->start_count++] = order_of(state, executor, arena);
        else if (executor->state ==
                 EXECUTOR_STOPPING) /* then it has seen it, and never starts it */
            stop[orders_out->stop_count++] = executor->id;
    }
    for (uint32_t i = 0; i < report->executor_count; i++) {
        const MasterExecutor *executor = master__executor(state, report->executors[i]);

        if (executor == NULL || executor->worker != worker->id ||
            executor->state == EXECUTOR_STOPPING)
            stop[orders_out->stop_count++] = report->executors[i];
    }
    for (uint32_t i = 0; i < report->application_count; i++)
        if (is_over(state, report->applications[i], now_ns))
            ended[orders_out->ended_count++] = report->applications[i];
    orders_out->start = start;
    orders_out->stop = stop;
    orders_out->ended = ended;
    orders_out->leave =
        worker->is_draining && worker->executor_count == 0 && report->executor_count == 0;
    return ST_OK;
}

Status master_executor_ended(MasterState *state, int64_t worker, int64_t incarnation,
                             int64_t executor, const char *reason, int32_t exit_code,
                             int64_t now_ns, Error *err)
{
    MasterExecutor *known;
    char text[MASTER_REASON_BYTES];

    if (reporting_worker(state, worker, incarnation, err) == NULL)
        return ST_BAD_INPUT;
    known = master__executor(state, executor);
    if (known == NULL || known->worker != worker)
        return ST_OK; /* it was seen before */
    master__copy_text(text, sizeof text, reason);
    executor_gone(state, known, text, exit_code, now_ns);
    master__place(state, now_ns);
    return ST_OK;
}

Status master_end_worker(MasterState *state, int64_t worker, int64_t incarnation, int64_t now_ns,
                         Error *err)
{
    MasterWorker *known = reporting_worker(state, worker, incarnation, err);

    if (known == NULL)
        return ST_BAD_INPUT;
    give_up_worker(state, known, "it has ended", now_ns);
    master__place(state, now_ns);
    return ST_OK;
}

Status master_drain_worker(MasterState *state, int64_t worker, int64_t now_ns, Error *err)
{
    MasterWorker *known = master__worker(state, worker);

    if (known == NULL)
        return error_set(err, ST_BAD_INPUT, "there is no worker %" PRId64, worker);
    if (known->is_draining)
        return ST_OK;
    LOG_INFO(area, "worker %" PRId64 " (%s) drains", known->id, known->name);
    known->is_draining = true;
    known->has_news = true;
    known->drain_until_ns = now_ns + state->config.drain_ns;
    master__place(state, now_ns);
    return ST_OK;
}

/* --- time --- */

static void stop_drained(MasterState *state, int64_t now_ns)
{
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterWorker *worker = master__worker(state, state->executors[i].worker);

        if (worker->is_draining && now_ns >= worker->drain_until_ns)
            master__stop_executor(state, &state->executors[i]);
    }
}

void master_state_tick(MasterState *state, int64_t now_ns)
{
    for (uint32_t i = state->worker_count; i-- > 0;)
        if (now_ns - state->workers[i].heard_ns >= state->config.silence_ns)
            give_up_worker(state, &state->workers[i], "it was silent for too long", now_ns);
    master__end_silent_applications(state, now_ns);
    stop_drained(state, now_ns);
    forgive_quick_ends(state, now_ns);
    master__place(state, now_ns);
}

MasterCounts master_counts(const MasterState *state)
{
    MasterCounts counts = {.workers = (int32_t)state->worker_count};

    for (uint32_t i = 0; i < state->application_count; i++)
        counts.applications += state->applications[i].state == APPLICATION_ALIVE;
    for (uint32_t i = 0; i < state->executor_count; i++)
        counts.executors +=
            state->executors[i].state == EXECUTOR_RUNNING && state->executors[i].driver == 0;
    return counts;
}

void master_state_check(const MasterState *state)
{
    int64_t last_id = 0;

    for (uint32_t w = 0; w < state->worker_count; w++) {
        const MasterWorker *worker = &state->workers[w];
        int32_t cores = 0;
        int64_t memory_bytes = 0;

        for (uint32_t e = 0; e < state->executor_count; e++) {
            if (state->executors[e].worker != worker->id)
                continue;
            cores += state->executors[e].cores;
            memory_bytes += state->executors[e].memory_bytes;
        }
        CHECK(cores == worker->used_cores && cores <= worker->cores);
        CHECK(memory_bytes == worker->used_memory_bytes && memory_bytes <= worker->memory_bytes);
        CHECK(master__worker(state, worker->id) == worker);
    }
    for (uint32_t e = 0; e < state->executor_count; e++) {
        const MasterExecutor *executor = &state->executors[e];

        CHECK(executor->id > last_id && executor->id < state->next_id);
        CHECK(master__worker(state, executor->worker) != NULL);
        CHECK(executor->state == EXECUTOR_STOPPING ||
              master__application(state, executor->application) != NULL ||
              master__driver(state, executor->driver) != NULL);
        last_id = executor->id;
    }
    for (uint32_t a = 0; a < state->application_count; a++) {
        const MasterApplication *application = &state->applications[a];
        uint32_t executors = 0;

        for (uint32_t e = 0; e < state->executor_count; e++)
            executors += state->executors[e].application == application->id &&
                         state->executors[e].state != EXECUTOR_STOPPING;
        CHECK(executors == application->executor_count);
        CHECK(application->wanted == 0 || application->state != APPLICATION_ALIVE ||
              executors <= (uint32_t)application->wanted);
        CHECK(application->state != APPLICATION_KILLED || executors == 0);
        CHECK(master__application(state, application->id) == application);
    }
    master__check_drivers(state);
}
