/*
 * processes.c -- what workers start: executors and keepers as simulated processes, tasks that take
 * their time, fail or crash
 *
 * Linked with --wrap, as fiber_calls.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/block_keeper.h"
#include "cluster/executor_process.h"
#include "cluster/executor_stages.h"
#include "cluster/worker_internal.h"
#include "core/base/invariant.h"
#include "core/base/log.h"
#include "core/rdd/task_run.h"
#include "network.h"
#include "world.h"

static WorldOdds odds;
static bool is_traced;

/* Declared as what they stand in for: when that changes, these do not compile. */
__typeof__(child_start) __wrap_child_start;
__typeof__(child_finish) __wrap_child_finish;
__typeof__(worker__fork) __wrap_worker__fork;
__typeof__(waitpid) __wrap_waitpid;
__typeof__(signalfd) __wrap_signalfd;
__typeof__(kill) __wrap_kill;
__typeof__(task_run) __wrap_task_run, __real_task_run;
__typeof__(executor_stages_hold) __wrap_executor_stages_hold, __real_executor_stages_hold;
__typeof__(log_line) __wrap_log_line;
__typeof__(rpc_module) __wrap_rpc_module;

void processes_begin(WorldOdds with, bool traced)
{
    odds = with;
    is_traced = traced;
}

void processes_set(WorldOdds with)
{
    odds = with;
}

Status __wrap_rpc_module(Error *err, const RpcModule **module_out)
{
    (void)err;
    *module_out = network_rpc();
    return ST_OK;
}

void __wrap_log_line(LogLevel level, const char *area, const char *format, ...)
{
    const SimProcess *self = process_self();
    va_list values;

    (void)level;
    if (!is_traced)
        return;
    fprintf(stderr, "%10.4f %-12s %s: ", (double)(sim_now_ns() % INT64_C(10000000000000)) / 1e9,
            self == NULL ? "" : self->name, area);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

/* --- executors --- */

enum { FIBERS = 4096, RUNS = 1 << 14 };

typedef struct ExecutorProcess {
    ExecutorOptions options;
    Executor *executor; /* NULL: not yet, or no more */
    uint32_t busy;      /* with what others want     */
} ExecutorProcess;

static uint64_t held_stage[FIBERS]; /* by a fiber: the stage of the attempt at hand */
static uint64_t runs[RUNS];         /* what was run, hashed; 0: free                */

Status __wrap_executor_stages_hold(ExecutorStages *stages, uint64_t stage, Error *err,
                                   ExecutorStage **stage_out)
{
    held_stage[fiber_slot(fiber_self())] = stage;
    return __real_executor_stages_hold(stages, stage, err, stage_out);
}

/* However often its launch comes, an executor runs an attempt once. */
static void note_run(uint32_t partition, uint32_t number)
{
    uint64_t stage = held_stage[fiber_slot(fiber_self())];
    uint64_t key = (stage * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)process_self()->pid << 32 ^
                    (uint64_t)partition << 16 ^ number) *
                   UINT64_C(0xbf58476d1ce4e5b9);
    uint64_t at = key >> 40;

    for (uint32_t tries = 0; tries < RUNS; tries++, at++) {
        if (runs[at % RUNS] == key)
            sim_fail("an attempt is run twice");
        if (runs[at % RUNS] != 0)
            continue;
        runs[at % RUNS] = key;
        return;
    }
}

/* What it works with is its own until it ends. */
static void check_folder(const ExecutorProcess *process)
{
    if (access(process->options.folder, R_OK) != 0)
        sim_fail("the folder of executor %lld is gone", (long long)process->options.executor);
}

/* A worker never runs more than it has cores for. */
static void check_cores(const Worker *worker, const Child *starting)
{
    int32_t cores = starting->cores;

    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        cores += worker->children[i].state == CHILD_RUNS ? worker->children[i].cores : 0;
    if (cores > worker->options->cores)
        sim_fail("a worker of %d cores runs %d", worker->options->cores, cores);
}

bool process_is_executor(const SimProcess *process)
{
    return strncmp(process->name, "executor", 8) == 0;
}

static void *executor_main(void *opaque)
{
    ExecutorProcess *process = opaque;
    Executor *executor;
    Error err = ERROR_NONE;
    Status status = executor_new(&process->options, &err, &executor);

    if (status == ST_OK) {
        process->executor = executor;
        if (process_self()->is_told_to_end)
            executor_stop(executor);
        status = executor_run(executor, jobs_hooks(), &err);
        process->executor = NULL;
        while (process->busy > 0)
            fiber_sleep(1000000);
        executor_free(executor);
    }
    if (status != ST_OK)
        LOG_INFO("executor", "ends: %s", err.message);
    process_kill(process_self(), status == ST_OK ? 0 : 1 << 8);
    return NULL;
}

static ExecutorProcess *executor_of(const SimProcess *process)
{
    return !process->is_dead && process_is_executor(process) ? process->context : NULL;
}

static void *squeeze_main(void *opaque)
{
    ExecutorProcess *process = opaque;

    if (process->executor != NULL) {
        process->busy++;
        (void)block_store_spill(executor_store(process->executor), UINT64_MAX);
        process->busy--;
    }
    return NULL;
}

void process_squeeze(SimProcess *executor)
{
    (void)fiber_start(executor, squeeze_main, executor->context, sim_now_ns());
}

static int is_named_by_number(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

/* Files of outputs; those that are to be used again have other names (block_keep.h). */
static bool has_kept_files(const char *folder)
{
    struct dirent **folders, **files;
    int folder_count = scandir(folder, &folders, is_named_by_number, NULL), file_count = 0;

    for (int i = 0; i < folder_count; i++) {
        char path[PATH_MAX];
        int count;

        snprintf(path, sizeof path, "%s/%.16s", folder, folders[i]->d_name);
        count = scandir(path, &files, is_named_by_number, NULL);
        for (int f = 0; f < count; f++)
            free(files[f]);
        if (count >= 0)
            free(files);
        file_count += count > 0;
        free(folders[i]);
    }
    if (folder_count >= 0)
        free(folders);
    return file_count > 0;
}

/* It goes on meanwhile, but not to its end. */
static const char *what_it_has(ExecutorProcess *process)
{
    static char text[96];
    Arena *arena = arena_new(NULL, "outputs", ARENA_NO_CAP);
    const uint64_t *outputs;
    uint32_t count;

    process->busy++;
    (void)block_store_outputs(executor_store(process->executor), arena, &count, &outputs);
    process->busy--;
    text[0] = '\0';
    if (count > 0)
        snprintf(text, sizeof text, "executor %lld has blocks of output %llu",
                 (long long)process->options.executor, (unsigned long long)outputs[0]);
    else if (has_kept_files(process->options.keep_folder))
        snprintf(text, sizeof text, "files are kept where executor %lld runs",
                 (long long)process->options.executor);
    arena_free(arena);
    return text[0] == '\0' ? NULL : text;
}

const char *process_executors_have(uint32_t driver_host)
{
    const char *has = NULL;

    LIST_EACH(node, processes())
    {
        ExecutorProcess *process = executor_of(LIST_OWNER(node, SimProcess, node));

        if (has == NULL && process != NULL && process->executor != NULL &&
            network_host(process->options.driver.host) == driver_host)
            has = what_it_has(process);
    }
    return has;
}

Status __wrap_child_start(Child *child, const Worker *worker, Error *err)
{
    const WorkerOptions *options = worker->options;
    ExecutorProcess *process = calloc(1, sizeof *process);
    char name[24], path[PATH_MAX];
    SimProcess *self;

    CHECK(process != NULL);
    check_cores(worker, child);
    if (sim_chance(odds.start_fails))
        return error_set(err, ST_IO, "the simulation refuses a process");
    child_folder(options, child, 0, path);
    mkdir(path, 0700);
    block_keeper_folder(options->dir, (Identity){.application = child->application}, path);
    process->options.keep_folder = strdup(path);
    child_folder(options, child, child->executor, path);
    mkdir(path, 0700);
    snprintf(name, sizeof name, "executor %lld", (long long)child->executor);
    self = process_new(name, process_self()->host, process_self());
    process->options.driver = (RpcAddress){strdup(child->driver_host), child->driver_port};
    process->options.executor = child->executor;
    process->options.application = child->application;
    process->options.host = options->host;
    process->options.cores = (uint32_t)child->cores;
    process->options.memory_bytes = 64 << 20;
    process->options.folder = strdup(path);
    process->options.keeper_port = worker->keeper.port;
    process->options.keep_bytes = (uint64_t)worker->keeper.keep_bytes;
    process->options.keep_least_ms = EXECUTOR_KEEP_LEAST_MS;
    self->context = process;
    child->pid = self->pid;
    child->output = -1;
    (void)fiber_start(self, executor_main, process, sim_now_ns() + 2000000 + sim_below(5000000));
    return ST_OK;
}

ChildEnd __wrap_child_finish(Child *child, int wait_status, bool was_unwanted,
                             char reason[REASON_BYTES])
{
    bool has_crashed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSEGV;

    (void)child;
    snprintf(reason, REASON_BYTES, was_unwanted ? "it was stopped" : "wait status %d", wait_status);
    return (ChildEnd){.exit_code = EXIT_CODE_NONE, .has_crashed = has_crashed && !was_unwanted};
}

/* --- keepers --- */

static void *keeper_main(void *opaque)
{
    BlockKeeper *keeper;
    Error err = ERROR_NONE;

    CHECK(block_keeper_new(opaque, &err, &keeper) == ST_OK);
    for (;;)
        fiber_sleep(INT64_C(3600000000000));
    return NULL;
}

pid_t __wrap_worker__fork(const ProcessSpec *spec)
{
    KeeperOptions *options = calloc(1, sizeof *options);
    SimProcess *self = process_new("keeper", process_self()->host, process_self());

    CHECK(options != NULL && strcmp(spec->arguments[1], "keeper") == 0);
    options->dir = strdup(spec->arguments[3]);
    options->host = "keeper";
    options->listener = spec->listener;
    (void)fiber_start(self, keeper_main, options, sim_now_ns() + 1000000);
    return self->pid;
}

/* --- their ends --- */

/* A pipe in which the signals lie. */
int __wrap_signalfd(int fd, const sigset_t *mask, int flags)
{
    int ends[2];

    (void)mask;
    CHECK(fd == -1 && flags == (SFD_CLOEXEC | SFD_NONBLOCK));
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    process_self()->signals = ends[1];
    return ends[0];
}

void process_tell_to_end(SimProcess *process)
{
    struct signalfd_siginfo info = {.ssi_signo = SIGTERM};

    process->is_told_to_end = true;
    if (process->signals > 0)
        CHECK(write(process->signals, &info, sizeof info) == sizeof info);
    fiber_wake_all(process);
}

pid_t __wrap_waitpid(pid_t pid, int *status_out, int flags)
{
    LIST_EACH(node, processes())
    {
        SimProcess *process = LIST_OWNER(node, SimProcess, node);

        if (process->parent != process_self() || !process->is_dead || process->is_reaped ||
            (pid > 0 && process->pid != pid))
            continue;
        process->is_reaped = true;
        if (status_out != NULL)
            *status_out = process->wait_status;
        return process->pid;
    }
    CHECK(flags == WNOHANG); /* who waits has killed it */
    return 0;
}

int __wrap_kill(pid_t pid, int signal_number)
{
    SimProcess *process = process_of_pid(pid < 0 ? -pid : pid);
    ExecutorProcess *executor;

    CHECK(process != NULL);
    if (process->is_dead)
        return 0;
    if (signal_number == SIGKILL) {
        process_kill(process, SIGKILL);
        return 0;
    }
    process->is_told_to_end = true;
    executor = process->context;
    if (executor != NULL && executor->executor != NULL)
        executor_stop(executor->executor);
    return 0;
}

/* --- tasks --- */

/* False: it was told to stop. */
static bool take_time(int64_t ns, const atomic_bool *stop)
{
    int64_t end_ns = sim_now_ns() + ns;

    while (sim_now_ns() < end_ns) {
        int64_t left = end_ns - sim_now_ns();

        fiber_sleep(left < 20000000 ? left : 20000000);
        if (stop != NULL && atomic_load(stop))
            return false;
    }
    return true;
}

static int64_t task_ns(void)
{
    return sim_chance(odds.task_is_slow)
               ? (int64_t)sim_below((uint32_t)(odds.slow_task_ns / 1000)) * 1000
               : (int64_t)sim_below(4000000);
}

void __wrap_task_run(StageWork *work, uint32_t partition, uint32_t number, const atomic_bool *stop,
                     TaskResult *result_out)
{
    bool goes_on;

    if (process_is_executor(process_self())) {
        note_run(partition, number);
        check_folder(process_self()->context);
    }
    goes_on = take_time(task_ns(), stop);
    if (sim_chance(odds.task_crashes))
        process_kill(process_self(), SIGSEGV);
    if (sim_chance(odds.task_fails)) {
        *result_out = (TaskResult){.error = ERROR_NONE};
        result_out->status =
            error_set(&result_out->error, ST_IO, "the simulation lets a task fail");
        return;
    }
    __real_task_run(work, partition, number, stop, result_out);
    if (goes_on && sim_chance(200))
        (void)take_time(task_ns(), stop);
}
