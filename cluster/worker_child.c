/*
 * worker_child.c -- the process of an executor or a driver; see worker_internal.h
 *
 * Between fork and exec there are only calls that are safe there (the worker has threads), so all
 * texts are made before. The process is a group of its own and dies with the worker's main thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/block_keeper.h"
#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/invariant.h"
#include "exec/user_task.h"

enum {
    EXEC_FAILED = 127,
    FILES_MAX = 65536,
    PROCESSES_MAX = 16384,
    OUTPUT_BYTES = 16384,
    FOLDER_TRIES = 3
};

static const int64_t grace_ns = 1000000000;

/* --- what it is started with --- */

typedef struct Launch {
    ProcessSpec process;
    Arena *arena;
    char texts[8][PROCESS_TEXT_BYTES];
    char driver[DRIVER_HOST_BYTES + 16], folder[PATH_MAX], keep[PATH_MAX + 8];
} Launch;

void child_folder(const WorkerOptions *options, const Child *child, int64_t executor, char *path)
{
    bool is_driver = child->driver != 0;
    int length = snprintf(path, PATH_MAX, "%s/%s-%" PRId64, options->dir,
                          is_driver ? "driver" : "app", child->application);

    if (executor != 0 && length < PATH_MAX)
        snprintf(path + length, (size_t)(PATH_MAX - length), "/%s-%" PRId64,
                 is_driver ? "process" : "executor", executor);
}

void package_path(const WorkerOptions *options, ContentHash package, char *path)
{
    char hash[CONTENT_HASH_TEXT_BYTES];

    content_hash_text(package, hash);
    snprintf(path, PATH_MAX, "%s/packages/%s", options->dir, hash);
}

static char *number_text(Launch *launch, uint32_t at, int64_t number)
{
    snprintf(launch->texts[at], sizeof launch->texts[at], "%" PRId64, number);
    return launch->texts[at];
}

Identity child_identity(const Child *child)
{
    return child->driver != 0 ? (Identity){.driver = child->driver}
                              : (Identity){child->owner, child->application};
}

/* As its keeper knows who asks for what it has kept: without a secret, not the driver. */
static Identity kept_identity(const Worker *worker, const Child *child)
{
    return (Identity){worker->options->secret_file == NULL ? 0 : child->owner, child->application};
}

static void kept_folder(const Worker *worker, const Child *child, char *path)
{
    block_keeper_folder(worker->options->dir, kept_identity(worker, child), path);
}

static void fill_arguments(Launch *launch, const Child *child, const Worker *worker)
{
    const WorkerOptions *options = worker->options;
    const Keeper *keeper = &worker->keeper;
    const char *const arguments[] = {
        "vonk",
        "executor",
        "--driver",
        launch->driver,
        "--executor",
        number_text(launch, 0, child->executor),
        "--application",
        number_text(launch, 1, child->application),
        "--host",
        options->host,
        "--cores",
        number_text(launch, 2, child->cores),
        "--memory",
        number_text(launch, 3, child->memory_bytes),
        "--dir",
        launch->folder,
        "--keep-dir",
        launch->keep,
        "--keep",
        number_text(launch, 4, keeper->keep_bytes),
        "--keeper-port",
        number_text(launch, 5, keeper->port),
        "--keep-key",
        PROCESS_KEEP_KEY_NAME,
        launch->process.secret < 0 ? NULL : "--secret-file",
        PROCESS_SECRET_NAME,
    };
    size_t count = sizeof arguments / sizeof arguments[0];
    const char **words;

    snprintf(launch->driver, sizeof launch->driver,
             strchr(child->driver_host, ':') != NULL ? "[%s]:%u" : "%s:%u", child->driver_host,
             child->driver_port);
    kept_folder(worker, child, launch->keep);
    launch->process.arguments = words = ARENA_ARRAY(launch->arena, const char *, count + 1);
    memcpy(words, arguments, count * sizeof *arguments);
}

/* vonk submit --master URL WORD..., in the folder of its files. */
static void fill_driver(Launch *launch, const Child *child, const Worker *worker)
{
    const MasterUrl *master = &worker->options->master;
    const char **words = ARENA_ARRAY(launch->arena, const char *, child->job.word_count + 5);
    StrBuf url = {.arena = launch->arena};
    size_t count = 0;

    for (uint32_t i = 0; i < master->count; i++)
        strbuf_printf(&url, "%s%s", i == 0 ? "vonk://" : ",",
                      master_url_text(launch->arena, master->masters[i]));
    words[count++] = "vonk";
    words[count++] = "submit";
    words[count++] = "--master";
    words[count++] = strbuf_text(&url);
    memcpy(words + count, child->job.words, child->job.word_count * sizeof *words);
    launch->process.arguments = words;
    launch->process.cwd = launch->folder;
    worker__add_environment(&launch->process, "VONK_DRIVER",
                            number_text(launch, 0, child->executor));
    if (launch->process.secret >= 0)
        worker__add_environment(&launch->process, "VONK_SECRET_FILE", PROCESS_SECRET_NAME);
}

void worker__add_environment(ProcessSpec *spec, const char *name, const char *value)
{
    size_t count = 0;
    int length;

    while (spec->environment[count] != NULL)
        count++;
    CHECK(count + 1 < NAMES_MAX);
    length = snprintf(spec->names[count], sizeof spec->names[count], "%s=%s", name, value);
    if (length < (int)sizeof spec->names[count])
        spec->environment[count] = spec->names[count];
}

/* Only what a program needs: whatever else this process was given may be secret. */
void worker__fill_environment(ProcessSpec *spec, const char *temporary)
{
    static const char *const passed[] = {"PATH",
                                         "LANG",
                                         "LC_ALL",
                                         "TZ",
                                         "VONK_CC",
                                         "LD_LIBRARY_PATH",
                                         "ASAN_OPTIONS",
                                         "UBSAN_OPTIONS",
                                         "TSAN_OPTIONS",
                                         "VONK_JIT",
                                         "VONK_TEST_DAMAGE"};
    static const char *const own[] = {"HOME", "USER", "LOGNAME", "XDG_CACHE_HOME"};
    bool is_other = spec->user != NULL && spec->user->is_other;

    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        if (getenv(passed[i]) != NULL)
            worker__add_environment(spec, passed[i], getenv(passed[i]));
    for (size_t i = 0; i < sizeof own / sizeof own[0] && !is_other; i++)
        if (getenv(own[i]) != NULL)
            worker__add_environment(spec, own[i], getenv(own[i]));
    if (is_other) {
        worker__add_environment(spec, "HOME", spec->user->home);
        worker__add_environment(spec, "USER", spec->user->name);
        worker__add_environment(spec, "LOGNAME", spec->user->name);
    }
    worker__add_environment(spec, "TMPDIR", temporary);
}

/* VONK_TEST_EXECUTOR: another program in its place, for tests of the worker. */
static void fill_launch(Launch *launch, const Child *child, const Worker *worker)
{
    const char *stand_in = child->driver != 0 ? NULL : getenv("VONK_TEST_EXECUTOR");

    launch->process.program = stand_in != NULL ? stand_in : "/proc/self/exe";
    launch->process.user = &worker->user;
    launch->process.listener = -1;
    child_folder(worker->options, child, child->executor, launch->folder);
    worker__fill_environment(&launch->process, launch->folder);
    if (child->driver != 0)
        fill_driver(launch, child, worker);
    else
        fill_arguments(launch, child, worker);
}

/* --- in the new process, before it is another program --- */

static void limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit limits;

    if (getrlimit(resource, &limits) != 0)
        return;
    if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > most)
        limits.rlim_max = most;
    limits.rlim_cur = limits.rlim_max;
    setrlimit(resource, &limits);
}

/* When memory is short the kernel should take an executor, not the worker. */
static void be_first_to_go(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, "500", 3) != 3)
        (void)0; /* then the kernel chooses */
    close(fd);
}

static void complain(const char *what)
{
    const char *why = strerrordesc_np(errno);

    if (write(STDERR_FILENO, what, strlen(what)) < 0 || write(STDERR_FILENO, ": ", 2) < 0 ||
        why == NULL || write(STDERR_FILENO, why, strlen(why)) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
        _exit(EXEC_FAILED);
}

/* Out of the way of what it is to become. */
static int move_up(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD, PROCESS_KEEP_KEY + 1);
}

/* Its standard files and what else it is given; others are closed when it is another program. */
static bool take_files(const ProcessSpec *spec)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int listener = move_up(spec->listener), secret = move_up(spec->secret);
    int keep_key = move_up(spec->keep_key);

    if (dup2(null, STDIN_FILENO) < 0 || dup2(spec->output, STDOUT_FILENO) < 0 ||
        dup2(spec->output, STDERR_FILENO) < 0)
        return false;
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    return (listener < 0 || dup2(listener, PROCESS_LISTENER) >= 0) &&
           (secret < 0 || dup2(secret, PROCESS_SECRET) >= 0) &&
           (keep_key < 0 || dup2(keep_key, PROCESS_KEEP_KEY) >= 0);
}

/* What it may become it is before it asks to die with its worker: another user forgets that. */
static _Noreturn void become(const ProcessSpec *spec, pid_t parent)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    setpgid(0, 0);
    if (!take_files(spec))
        _exit(EXEC_FAILED);
    be_first_to_go();
    if (spec->user != NULL && !run_as_become(spec->user)) {
        complain("it cannot run as another user");
        _exit(EXEC_FAILED);
    }
    if (spec->cwd != NULL && chdir(spec->cwd) != 0) {
        complain("its folder cannot be entered");
        _exit(EXEC_FAILED);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXEC_FAILED); /* the worker is gone already */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_NPROC, PROCESSES_MAX);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(spec->program, (char *const *)(uintptr_t)spec->arguments, spec->environment);
    complain("the program cannot be started");
    _exit(EXEC_FAILED);
}

pid_t worker__fork(const ProcessSpec *spec)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0)
        become(spec, parent);
    if (pid > 0)
        setpgid(pid, pid); /* here too: whoever is first */
    return pid;
}

/* --- from the worker --- */

/* Of the application, the worker's; in it the process's own. That of a driver goes with its last
 * process, which may be now. */
static Status make_own_folder(const Worker *worker, const Child *child, char *path, Error *err)
{
    for (int tries = 1;; tries++) {
        child_folder(worker->options, child, 0, path);
        TRY(worker__make_passage(&worker->user, path, err));
        child_folder(worker->options, child, child->executor, path);
        if (mkdir(path, 0700) == 0)
            return ST_OK;
        if (errno != ENOENT || tries == FOLDER_TRIES)
            return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    }
}

static Status make_folders(const Worker *worker, const Child *child, Error *err)
{
    char path[PATH_MAX + 8];

    TRY(make_own_folder(worker, child, path, err));
    if (child->driver != 0 || !worker->user.is_other)
        return ST_OK;
    TRY(run_as_give(&worker->user, path, err));
    kept_folder(worker, child, path);
    if (mkdir(path, 0700) == 0)
        return run_as_give(&worker->user, path, err);
    return errno == EEXIST ? ST_OK
                           : error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
}

static Status open_log(Child *child, const WorkerOptions *options, Error *err)
{
    char path[PATH_MAX + 8];

    child_folder(options, child, child->driver != 0 ? 0 : child->executor, path);
    memcpy(path + strlen(path), ".log", sizeof ".log");
    return log_file_open(&child->log, path, err);
}

static Status unpack(const Child *child, const Worker *worker, Arena *arena, Error *err)
{
    const WorkerOptions *options = worker->options;
    char path[PATH_MAX], folder[PATH_MAX], *bytes;
    ssize_t got;
    int fd;

    if (child->driver == 0)
        return ST_OK;
    package_path(options, child->job.package, path);
    child_folder(options, child, child->executor, folder);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot read \"%s\"", path);
    bytes = arena_alloc_raw(arena, DRIVER_PACKAGE_BYTES_MAX);
    got = read(fd, bytes, DRIVER_PACKAGE_BYTES_MAX);
    close(fd);
    TRY(driver_package_unpack((WireBytes){bytes, got < 0 ? 0 : (size_t)got}, folder, err));
    return run_as_give(&worker->user, folder, err);
}

static Status fork_child(Child *child, Launch *launch, Error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot make a pipe");
    launch->process.output = ends[1];
    child->pid = worker__fork(&launch->process);
    close(ends[1]);
    if (child->pid < 0) {
        child->pid = 0;
        close(ends[0]);
        return error_set_errno(err, errno, "cannot start a process");
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child->output = ends[0];
    return ST_OK;
}

/* It runs users' code: so it gets the keys of what it is, and not the cluster's secret. */
static Status make_keys(Launch *launch, const Child *child, const Worker *worker, Error *err)
{
    const char *secret_file = worker->options->secret_file;
    ProcessSpec *process = &launch->process;

    process->secret = process->keep_key = -1;
    if (secret_file != NULL)
        TRY(worker->rpc->secret_hand_over(secret_file, child_identity(child), err,
                                          &process->secret));
    if (child->driver != 0)
        return ST_OK;
    return worker->rpc->secret_hand_over_key(worker->keeper.key, kept_identity(worker, child), err,
                                             &process->keep_key);
}

static void close_keys(const ProcessSpec *process)
{
    if (process->secret >= 0)
        close(process->secret);
    if (process->keep_key >= 0)
        close(process->keep_key);
}

Status child_start(Child *child, const Worker *worker, Error *err)
{
    Arena *arena = arena_new(NULL, "launch", ARENA_NO_CAP);
    Launch *launch = ARENA_NEW(arena, Launch);
    Status status;

    child->pid = 0;
    child->output = -1;
    child->log = (LogFile){.fd = -1};
    child->last_line[0] = '\0';
    child->line_bytes = 0;
    child->kill_at_ns = 0;
    child->why_killed[0] = '\0';
    launch->arena = arena;
    status = make_keys(launch, child, worker, err);
    fill_launch(launch, child, worker);
    if (status == ST_OK)
        status = make_folders(worker, child, err);
    if (status == ST_OK)
        status = unpack(child, worker, arena, err);
    if (status == ST_OK)
        status = open_log(child, worker->options, err);
    if (status == ST_OK)
        status = fork_child(child, launch, err);
    if (status != ST_OK)
        log_file_close(&child->log);
    close_keys(&launch->process);
    arena_free(arena);
    return status;
}

/* The last line that has something in it. */
static void note_last_line(Child *child, const char *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++) {
        if (bytes[i] == '\n') {
            child->line_bytes = 0;
            continue;
        }
        if (child->line_bytes + 1 >= sizeof child->last_line)
            continue;
        child->last_line[child->line_bytes++] = bytes[i];
        child->last_line[child->line_bytes] = '\0';
    }
}

void child_read_output(Child *child)
{
    char bytes[OUTPUT_BYTES];
    ssize_t got;

    if (child->output < 0)
        return;
    got = read(child->output, bytes, sizeof bytes);
    if (got > 0) {
        log_file_add(&child->log, bytes, (size_t)got);
        note_last_line(child, bytes, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(child->output);
        child->output = -1;
    }
}

/* "RssAnon:      1234 kB" */
static int64_t line_kib(const char *text, const char *name)
{
    const char *line = strstr(text, name);

    return line == NULL ? 0 : strtoll(line + strlen(name), NULL, 10);
}

int64_t child_memory_bytes(const Child *child)
{
    char path[64], text[4096];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    return (line_kib(text, "\nRssAnon:") + line_kib(text, "\nRssShmem:")) * 1024;
}

void child_ask_to_end(Child *child, int64_t now_ns)
{
    if (child->kill_at_ns != 0)
        return;
    child->kill_at_ns = now_ns + grace_ns;
    kill(child->pid, SIGTERM);
}

void child_kill(Child *child)
{
    kill(-child->pid, SIGKILL);
}

static void describe_end(const Child *child, int wait_status, bool was_unwanted,
                         char reason[REASON_BYTES])
{
    const char *separator = child->last_line[0] == '\0' ? "" : "; its last words: ";

    if (child->why_killed[0] != '\0')
        snprintf(reason, REASON_BYTES, "%s", child->why_killed);
    else if (was_unwanted)
        snprintf(reason, REASON_BYTES, "it was stopped");
    else if (WIFSIGNALED(wait_status))
        snprintf(reason, REASON_BYTES, "signal %d (%s)%s%s", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)), separator, child->last_line);
    else
        snprintf(reason, REASON_BYTES, "exit code %d%s%s", WEXITSTATUS(wait_status), separator,
                 child->last_line);
}

static bool has_crashed(const Child *child, int wait_status)
{
    if (child->why_killed[0] != '\0')
        return true;
    if (WIFEXITED(wait_status))
        return WEXITSTATUS(wait_status) == USER_TASK_EXIT;
    switch (WTERMSIG(wait_status)) {
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGABRT:
    case SIGSYS:
    case SIGTRAP:
        return true;
    default:
        return false;
    }
}

ChildEnd child_finish(Child *child, int wait_status, bool was_unwanted, char reason[REASON_BYTES])
{
    ChildEnd end = CHILD_NOT_STARTED;

    child_kill(child);                                 /* what it has started and left */
    for (int i = 0; i < 64 && child->output >= 0; i++) /* up to what a pipe holds */
        child_read_output(child);
    if (child->output >= 0)
        close(child->output);
    child->output = -1;
    log_file_close(&child->log);
    describe_end(child, wait_status, was_unwanted, reason);
    end.has_crashed = !was_unwanted && has_crashed(child, wait_status);
    if (end.has_crashed && child->why_killed[0] == '\0')
        end.attempt = user_task_blamed(child->last_line);
    if (!was_unwanted && child->why_killed[0] == '\0' && WIFEXITED(wait_status))
        end.exit_code = WEXITSTATUS(wait_status);
    return end;
}
