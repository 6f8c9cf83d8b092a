/* master_status.c -- what `vonk status` shows: JSON for programs, text for people */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster/master_state_internal.h"

enum { PAST_SHOWN = 10 };

static const char *const executor_states[] = {
    [EXECUTOR_ORDERED] = "starting",
    [EXECUTOR_RUNNING] = "running",
    [EXECUTOR_STOPPING] = "stopping",
};
static const char *const application_states[] = {
    [APPLICATION_AWAITED] = "awaited",
    [APPLICATION_ALIVE] = "running",
    [APPLICATION_KILLED] = "killed",
};
static const char *const past_kinds[] = {
    [PAST_WORKER] = "worker",
    [PAST_APPLICATION] = "application",
    [PAST_EXECUTOR] = "executor",
    [PAST_PROCESS] = "process",
};

static int64_t ms(int64_t duration_ns)
{
    return duration_ns / 1000000;
}

static const char *policy_name(const MasterState *state)
{
    return state->config.schedule == SCHEDULE_FIFO ? "fifo" : "fair";
}

/* The nth of the last that ended, the newest first; NULL: no more. */
static const MasterPast *recent(const MasterState *state, uint64_t nth)
{
    return nth >= state->past_count || nth >= PAST_MAX
               ? NULL
               : &state->past[(state->past_count - 1 - nth) % PAST_MAX];
}

/* --- JSON --- */

static void add_text(StrBuf *to, const char *key, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *printable = arena_alloc(to->arena, bytes); /* a message may be cut within a character */

    master__copy_text(printable, bytes, text);
    strbuf_printf(to, ", \"%s\": ", key);
    strbuf_add_json(to, printable);
}

static void add_number(StrBuf *to, const char *key, int64_t number)
{
    strbuf_printf(to, ", \"%s\": %" PRId64, key, number);
}

static void separate(StrBuf *to, bool is_first)
{
    strbuf_puts(to, is_first ? "\n    " : ",\n    ");
}

static void worker_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    strbuf_puts(to, ",\n  \"workers\": [");
    for (uint32_t i = 0; i < state->worker_count; i++) {
        const MasterWorker *worker = &state->workers[i];

        separate(to, i == 0);
        strbuf_printf(to, "{\"id\": %" PRId64, worker->id);
        add_text(to, "name", worker->name);
        add_text(to, "state", worker->is_draining ? "draining" : "alive");
        add_number(to, "pid", worker->pid);
        add_number(to, "cores", worker->cores);
        add_number(to, "used_cores", worker->used_cores);
        add_number(to, "memory_bytes", worker->memory_bytes);
        add_number(to, "used_memory_bytes", worker->used_memory_bytes);
        add_number(to, "executors", worker->executor_count);
        add_number(to, "silent_ms", ms(now_ns - worker->heard_ns));
        add_number(to, "registered_ms", ms(now_ns - worker->registered_ns));
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

static void stages_json(const MasterApplication *application, StrBuf *to)
{
    strbuf_puts(to, ", \"stages\": [");
    for (uint32_t i = 0; i < application->stage_count; i++) {
        const NamedStage *stage = &application->stages[i];

        strbuf_printf(to, "%s{\"stage\": %" PRId64, i == 0 ? "" : ", ", stage->line.stage);
        add_text(to, "name", stage->name);
        add_number(to, "tasks", stage->line.tasks);
        add_number(to, "done", stage->line.done);
        add_number(to, "running", stage->line.running);
        add_number(to, "failed", stage->line.failed);
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

static void application_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    strbuf_puts(to, ",\n  \"applications\": [");
    for (uint32_t i = 0; i < state->application_count; i++) {
        const MasterApplication *application = &state->applications[i];

        separate(to, i == 0);
        strbuf_printf(to, "{\"id\": %" PRId64, application->id);
        add_text(to, "name", application->name);
        add_text(to, "state", application_states[application->state]);
        add_text(to, "driver_host", application->host);
        add_number(to, "driver_port", application->port);
        add_number(to, "driver", application->owner);
        add_number(to, "executors_wanted", application->wanted);
        add_number(to, "executors", application->executor_count);
        add_number(to, "cores", application->used_cores);
        add_number(to, "silent_ms", ms(now_ns - application->heard_ns));
        add_number(to, "registered_ms", ms(now_ns - application->registered_ns));
        add_text(to, "problem", application->problem);
        add_text(to, "waits", application->waits);
        stages_json(application, to);
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

/* The application that its process has registered; NULL: none yet, or not any more. */
static const MasterApplication *application_of(const MasterState *state, const MasterDriver *driver)
{
    for (uint32_t i = 0; i < state->application_count; i++)
        if (driver->process != 0 && state->applications[i].process == driver->process)
            return &state->applications[i];
    return NULL;
}

static void driver_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    strbuf_puts(to, ",\n  \"drivers\": [");
    for (uint32_t i = 0; i < state->driver_count; i++) {
        const MasterDriver *driver = &state->drivers[i];
        const MasterApplication *application = application_of(state, driver);

        separate(to, i == 0);
        strbuf_printf(to, "{\"id\": %" PRId64, driver->id);
        add_text(to, "name", driver->name);
        add_text(to, "state", master__driver_state_name(driver));
        strbuf_printf(to, ", \"supervised\": %s", driver->is_supervised ? "true" : "false");
        add_number(to, "application", application == NULL ? 0 : application->id);
        add_number(to, "restarts", driver->restarts);
        add_number(to, "exit_code", driver->exit_code);
        add_text(to, "reason", driver->reason);
        add_text(to, "log", master__driver_log(driver, to->arena));
        add_number(to, "submitted_ms", ms(now_ns - driver->submitted_ns));
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

static void executor_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    bool is_first = true;

    strbuf_puts(to, ",\n  \"executors\": [");
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterExecutor *executor = &state->executors[i];

        if (executor->driver != 0)
            continue;
        separate(to, is_first);
        is_first = false;
        strbuf_printf(to, "{\"id\": %" PRId64, executor->id);
        add_number(to, "application", executor->application);
        add_number(to, "worker", executor->worker);
        add_text(to, "state", executor_states[executor->state]);
        add_number(to, "cores", executor->cores);
        add_number(to, "memory_bytes", executor->memory_bytes);
        add_number(to, "started_ms", ms(now_ns - executor->started_ns));
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

static void past_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    const MasterPast *past;

    strbuf_puts(to, ",\n  \"ended\": [");
    for (uint64_t i = 0; (past = recent(state, i)) != NULL; i++) {
        separate(to, i == 0);
        strbuf_printf(to, "{\"id\": %" PRId64, past->id);
        add_text(to, "kind", past_kinds[past->kind]);
        if (past->of != 0)
            add_number(to, past->kind == PAST_PROCESS ? "driver" : "application", past->of);
        add_text(to, past->of != 0 ? "worker" : "name", past->name);
        add_text(to, "reason", past->reason);
        add_number(to, "ended_ms", ms(now_ns - past->ended_ns));
        strbuf_putc(to, '}');
    }
    strbuf_puts(to, "]");
}

static void masters_json(const MasterState *state, StrBuf *to)
{
    if (state->address[0] == '\0')
        return;
    strbuf_puts(to, ",\n  \"masters\": {\"leader\": ");
    strbuf_add_json(to, state->address);
    strbuf_puts(to, ", \"standbys\": [");
    for (uint32_t i = 0; i < state->standby_count; i++) {
        strbuf_puts(to, i == 0 ? "" : ", ");
        strbuf_add_json(to, state->standbys[i]);
    }
    strbuf_puts(to, "]}");
}

void master_status_json(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    strbuf_puts(to, "{\n  \"version\": ");
    strbuf_add_json(to, state->config.build.version);
    add_text(to, "schedule", policy_name(state));
    add_number(to, "up_ms", ms(now_ns - state->started_ns));
    masters_json(state, to);
    worker_json(state, now_ns, to);
    application_json(state, now_ns, to);
    driver_json(state, now_ns, to);
    executor_json(state, now_ns, to);
    past_json(state, now_ns, to);
    strbuf_puts(to, "\n}\n");
}

/* --- text --- */

/* "12 s", "3 min", "5 h" */
static void add_age(StrBuf *to, int64_t duration_ns)
{
    int64_t seconds = duration_ns / 1000000000;

    if (seconds < 120)
        strbuf_printf(to, "%" PRId64 " s", seconds);
    else if (seconds < 7200)
        strbuf_printf(to, "%" PRId64 " min", seconds / 60);
    else
        strbuf_printf(to, "%" PRId64 " h", seconds / 3600);
}

static void workers_text(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    for (uint32_t i = 0; i < state->worker_count; i++) {
        const MasterWorker *worker = &state->workers[i];
        char used[BYTES_TEXT_MAX], all[BYTES_TEXT_MAX];

        strbuf_printf(to, "  worker %" PRId64 "  %s  %d of %d cores, %s of %s in use", worker->id,
                      worker->name, worker->used_cores, worker->cores,
                      str_of_bytes((uint64_t)worker->used_memory_bytes, used),
                      str_of_bytes((uint64_t)worker->memory_bytes, all));
        if (worker->is_draining)
            strbuf_puts(to, ", draining");
        if (now_ns - worker->heard_ns > 3000000000) {
            strbuf_puts(to, ", silent for ");
            add_age(to, now_ns - worker->heard_ns);
        }
        strbuf_putc(to, '\n');
    }
}

static void executors_text(const MasterState *state, const MasterApplication *application,
                           StrBuf *to)
{
    for (uint32_t i = 0; i < state->executor_count; i++) {
        const MasterExecutor *executor = &state->executors[i];
        char memory[BYTES_TEXT_MAX];

        if (executor->application == application->id)
            strbuf_printf(to, "    executor %" PRId64 "  %s on %s: %d cores, %s\n", executor->id,
                          executor_states[executor->state],
                          master__worker(state, executor->worker)->name, executor->cores,
                          str_of_bytes((uint64_t)executor->memory_bytes, memory));
    }
}

static void applications_text(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    for (uint32_t i = 0; i < state->application_count; i++) {
        const MasterApplication *application = &state->applications[i];

        strbuf_printf(to, "  application %" PRId64 "  %s  %s for ", application->id,
                      application->name, application_states[application->state]);
        add_age(to, now_ns - application->registered_ns);
        strbuf_printf(to, ", driver %s:%u\n", application->host, application->port);
        executors_text(state, application, to);
        for (uint32_t s = 0; s < application->stage_count; s++) {
            const NamedStage *stage = &application->stages[s];

            strbuf_printf(to, "    stage %" PRId64 "  %s  %d of %d tasks done, %d running",
                          stage->line.stage, stage->name, stage->line.done, stage->line.tasks,
                          stage->line.running);
            if (stage->line.failed > 0)
                strbuf_printf(to, ", %d failed", stage->line.failed);
            strbuf_putc(to, '\n');
        }
        if (application->waits[0] != '\0')
            strbuf_printf(to, "    waits: %s\n", application->waits);
        if (application->problem[0] != '\0')
            strbuf_printf(to, "    problem: %s\n", application->problem);
    }
}

static void drivers_text(const MasterState *state, StrBuf *to)
{
    for (uint32_t i = 0; i < state->driver_count; i++) {
        const MasterDriver *driver = &state->drivers[i];
        const MasterApplication *application = application_of(state, driver);

        strbuf_printf(to, "  driver %" PRId64 "  %s  %s", driver->id, driver->name,
                      master__driver_state_name(driver));
        if (application != NULL)
            strbuf_printf(to, " as application %" PRId64, application->id);
        if (driver->restarts > 0)
            strbuf_printf(to, ", started again %u time%s", driver->restarts,
                          driver->restarts == 1 ? "" : "s");
        if (driver->reason[0] != '\0')
            strbuf_printf(to, ": %s", driver->reason);
        if (driver->worker[0] != '\0')
            strbuf_printf(to, "\n    log %s", master__driver_log(driver, to->arena));
        strbuf_putc(to, '\n');
    }
}

void master_note_standbys(MasterState *state, const char *address, const char *const *standbys,
                          uint32_t count)
{
    master__copy_text(state->address, sizeof state->address, address);
    state->standby_count = count < MASTER_STANDBYS_MAX ? count : MASTER_STANDBYS_MAX;
    for (uint32_t i = 0; i < state->standby_count; i++)
        master__copy_text(state->standbys[i], sizeof state->standbys[i], standbys[i]);
}

static void masters_text(const MasterState *state, StrBuf *to)
{
    if (state->address[0] == '\0')
        return;
    strbuf_printf(to, "  master %s leads; ", state->address);
    for (uint32_t i = 0; i < state->standby_count; i++)
        strbuf_printf(to, "%s%s", i == 0 ? "" : ", ", state->standbys[i]);
    strbuf_printf(to, "%s\n",
                  state->standby_count == 0   ? "no other stands by"
                  : state->standby_count == 1 ? " stands by"
                                              : " stand by");
}

void master_status_text(const MasterState *state, int64_t now_ns, StrBuf *to)
{
    MasterCounts counts = master_counts(state);
    const MasterPast *past;

    strbuf_printf(to, "Vonk %s, %s, up for ", state->config.build.version, policy_name(state));
    add_age(to, now_ns - state->started_ns);
    strbuf_printf(to, ": %d workers, %d applications, %d executors\n", counts.workers,
                  counts.applications, counts.executors);
    masters_text(state, to);
    workers_text(state, now_ns, to);
    applications_text(state, now_ns, to);
    drivers_text(state, to);
    for (uint64_t i = 0; i < PAST_SHOWN && (past = recent(state, i)) != NULL; i++) {
        strbuf_printf(to, "  ended: %s %" PRId64 "  %s  ", past_kinds[past->kind], past->id,
                      past->name);
        add_age(to, now_ns - past->ended_ns);
        strbuf_printf(to, " ago: %s\n", past->reason);
    }
}
