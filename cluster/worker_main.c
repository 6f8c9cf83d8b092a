/*
 * worker_main.c -- the main thread of a worker; see worker_main.h and worker_internal.h
 *
 *     poll: a signal, the board, an executor's output, time
 *         -> start what was ordered, reap what ended, stop what is not wanted, look at memory
 *
 * Only this thread forks: a process that asks to die with its parent dies with the thread.
 */
#include "cluster/worker_main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum {
    IDLE_MS = 1000,
    WATCH_MS = 100,
    CLOSE_WATCH_MS = 10,
    STRAYS_END_MS = 1000,
    CONNECTIONS_KEPT = 16,
    CHILDREN_TEXT_BYTES = 16384, /* of a file below /proc */
    LOCK_NS = 1000000000,        /* that its folder is another's until that is an error */
    LOCK_NAP_NS = 10000000
};

static const char area[] = "worker";
static const char lock_name[] = "worker.lock", packages_name[] = "packages";

void worker__wake(Worker *worker)
{
    uint64_t one = 1;

    if (write(worker->wake, &one, sizeof one) != (ssize_t)sizeof one)
        LOG_WARN(area, "the main thread is not woken: %s", strerror(errno));
}

/* --- executors --- */

/* Once it counts as ended, its place may be the next one's: all is read from it before. */
static void end_child(Worker *worker, Child *child, ChildEnd end, const char *reason)
{
    Chore chore = {.executor = child->executor,
                   .has_crashed = end.has_crashed,
                   .attempt = end.attempt,
                   .application = child->application,
                   .driver_port = child->driver_port,
                   .driver = child->driver,
                   .owner = child->owner,
                   .exit_code = end.exit_code};
    Chore removal = chore;

    removal.kind = CHORE_REMOVE_FOLDER;
    child_folder(worker->options, child, child->executor, removal.text);
    snprintf(chore.text, sizeof chore.text, "%s", reason);
    memcpy(chore.driver_host, child->driver_host, sizeof chore.driver_host);
    if (child->driver != 0)
        LOG_INFO(area, "driver %" PRId64 " has ended: %s", child->driver, reason);
    else
        LOG_INFO(area, "executor %" PRId64 " of application %" PRId64 " has ended: %s",
                 child->executor, child->application, reason);
    pthread_mutex_lock(&worker->lock);
    child->state = CHILD_ENDED;
    pthread_mutex_unlock(&worker->lock);
    chore.kind = CHORE_TELL_DRIVER;
    if (chore.driver == 0)
        chores_add(worker->tell_drivers, &chore);
    chore.kind = CHORE_TELL_MASTER;
    chores_add(worker->tell_master, &chore);
    chores_add(worker->others, &removal);
}

static void start_child(Worker *worker, Child *child)
{
    Error err = ERROR_NONE;
    Status status = child->problem[0] != '\0' ? error_set(&err, ST_IO, "%s", child->problem)
                                              : child_start(child, worker, &err);

    if (status != ST_OK) {
        end_child(worker, child, CHILD_NOT_STARTED, err.message);
        return;
    }
    if (child->driver != 0)
        LOG_INFO(area, "driver %" PRId64 " starts: pid %d", child->driver, (int)child->pid);
    else
        LOG_INFO(area, "executor %" PRId64 " of application %" PRId64 " starts: pid %d, %d cores",
                 child->executor, child->application, (int)child->pid, child->cores);
    pthread_mutex_lock(&worker->lock);
    child->state = CHILD_RUNS;
    pthread_mutex_unlock(&worker->lock);
}

/* What the heartbeat's thread may have changed. */
typedef struct BoardView {
    ChildState state;
    bool is_unwanted;
} BoardView;

static BoardView look_at(Worker *worker, const Child *child)
{
    BoardView view;

    pthread_mutex_lock(&worker->lock);
    view = (BoardView){child->state, child->is_unwanted || worker->is_stopping};
    pthread_mutex_unlock(&worker->lock);
    return view;
}

static void follow_board(Worker *worker, int64_t now)
{
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        Child *child = &worker->children[i];
        BoardView view = look_at(worker, child);

        if (view.state == CHILD_ORDERED && view.is_unwanted)
            end_child(worker, child, CHILD_NOT_STARTED, "it was stopped before it was started");
        else if (view.state == CHILD_ORDERED)
            start_child(worker, child);
        else if (view.state == CHILD_RUNS && view.is_unwanted)
            child_ask_to_end(child, now);
        if (view.state == CHILD_RUNS && child->kill_at_ns != 0 && now >= child->kill_at_ns)
            child_kill(child);
    }
}

static bool is_ours(Worker *worker, pid_t pid)
{
    bool is_known = pid == worker->keeper.pid;

    for (uint32_t i = 0; i < CHILDREN_MAX && !is_known; i++)
        is_known = look_at(worker, &worker->children[i]).state == CHILD_RUNS &&
                   worker->children[i].pid == pid;
    return is_known;
}

/* What somebody has started who has ended has come to this process (PR_SET_CHILD_SUBREAPER), also
 * where it has left the group. How many there were: what they have started comes when they end. */
static uint32_t end_strays(Worker *worker)
{
    uint32_t count = 0;
    char text[CHILDREN_TEXT_BYTES], *at = text, *end;
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    text[got < 0 ? 0 : got] = '\0';
    for (long pid = strtol(at, &end, 10); end != at; pid = strtol(at, &end, 10)) {
        if (!is_ours(worker, (pid_t)pid)) {
            kill((pid_t)pid, SIGKILL);
            count++;
        }
        at = end;
    }
    return count;
}

static void reap(Worker *worker)
{
    bool has_ended = false;
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        has_ended = true;
        if (pid == worker->keeper.pid)
            keeper_ended(&worker->keeper, clock_now_ns());
        for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
            Child *child = &worker->children[i];
            BoardView view = look_at(worker, child);
            char reason[REASON_BYTES];
            ChildEnd end;

            if (view.state != CHILD_RUNS || child->pid != pid)
                continue;
            end = child_finish(child, wait_status, view.is_unwanted, reason);
            end_child(worker, child, end, reason);
            break;
        }
    }
    if (has_ended)
        (void)end_strays(worker);
}

/* How long until the next look: the nearer to its limit one is, the sooner. */
static int watch_memory(Worker *worker)
{
    int next_ms = IDLE_MS;

    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        Child *child = &worker->children[i];
        char used_text[BYTES_TEXT_MAX], limit_text[BYTES_TEXT_MAX];
        int64_t used, most;

        if (look_at(worker, child).state != CHILD_RUNS)
            continue;
        used = child_memory_bytes(child);
        most = child->memory_bytes > 0 ? child->memory_bytes : worker->options->memory_bytes;
        if (used > most && child->why_killed[0] == '\0') {
            snprintf(child->why_killed, sizeof child->why_killed,
                     "it used %s of its %s memory, and was ended",
                     str_of_bytes((uint64_t)used, used_text),
                     str_of_bytes((uint64_t)most, limit_text));
            LOG_WARN(area, "%s %" PRId64 ": %s", child->driver != 0 ? "driver" : "executor",
                     child->driver != 0 ? child->driver : child->executor, child->why_killed);
            child_kill(child);
        }
        if (used > most / 2 || child->kill_at_ns != 0)
            next_ms = CLOSE_WATCH_MS;
        else if (next_ms > WATCH_MS)
            next_ms = WATCH_MS;
    }
    return next_ms;
}

static uint32_t count_living(Worker *worker)
{
    uint32_t count = 0;

    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        count += worker->children[i].state == CHILD_FETCHES ||
                 worker->children[i].state == CHILD_ORDERED ||
                 worker->children[i].state == CHILD_RUNS;
    pthread_mutex_unlock(&worker->lock);
    return count;
}

/* --- the loop --- */

static bool is_stopping(Worker *worker)
{
    bool answer;

    pthread_mutex_lock(&worker->lock);
    answer = worker->is_stopping;
    pthread_mutex_unlock(&worker->lock);
    return answer;
}

static void take_signals(Worker *worker, int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        LOG_INFO(area, "ends: %s", strsignal((int)info.ssi_signo));
        pthread_mutex_lock(&worker->lock);
        worker->is_stopping = true;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
    }
}

static void wait_for_something(Worker *worker, int signals, int timeout_ms)
{
    struct pollfd polled[2 + CHILDREN_MAX] = {{.fd = signals, .events = POLLIN},
                                              {.fd = worker->wake, .events = POLLIN}};
    Child *of[CHILDREN_MAX];
    nfds_t count = 2;
    uint64_t ignored;

    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        Child *child = &worker->children[i];

        if (look_at(worker, child).state != CHILD_RUNS || child->output < 0)
            continue;
        of[count - 2] = child;
        polled[count++] = (struct pollfd){.fd = child->output, .events = POLLIN};
    }
    if (poll(polled, count, timeout_ms) < 0 && errno != EINTR)
        LOG_ERROR(area, "cannot wait: %s", strerror(errno));
    if (polled[0].revents != 0)
        take_signals(worker, signals);
    if (polled[1].revents != 0 && read(worker->wake, &ignored, sizeof ignored) < 0)
        LOG_DEBUG(area, "woken for nothing");
    for (nfds_t i = 2; i < count; i++)
        if (polled[i].revents != 0)
            child_read_output(of[i - 2]);
}

static void watch_executors(Worker *worker, int signals, LogFile *log)
{
    int timeout_ms = 0, keeper_ms;

    while (!is_stopping(worker) || count_living(worker) > 0) {
        wait_for_something(worker, signals, timeout_ms);
        reap(worker);
        keeper_ms = keeper_watch(worker, clock_now_ns());
        follow_board(worker, clock_now_ns());
        timeout_ms = watch_memory(worker);
        if (keeper_ms < timeout_ms)
            timeout_ms = keeper_ms;
        log_file_follow(log);
    }
    for (int i = 0; i < STRAYS_END_MS && end_strays(worker) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        reap(worker);
    }
}

/* --- its folder --- */

static Status make_folder(const char *dir, Error *err)
{
    char path[PATH_MAX];

    if (strlen(dir) + 64 > sizeof path)
        return error_set(err, ST_BAD_INPUT, "the folder's path is too long: \"%.200s...\"", dir);
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    return ST_OK;
}

/* Of a worker that was killed: what it had just forked has its descriptors a moment longer. */
static bool take_lock(int fd)
{
    int64_t end_ns = clock_now_ns() + LOCK_NS;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_now_ns() >= end_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_NAP_NS}, NULL);
    }
    return true;
}

/* The lock lasts as long as the descriptor. */
static Status lock_folder(const char *dir, Error *err, int *lock_out)
{
    char path[PATH_MAX];
    struct stat file;

    *lock_out = -1;
    TRY(make_folder(dir, err));
    snprintf(path, sizeof path, "%s/%s", dir, lock_name);
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return error_set_errno(err, errno, "cannot write \"%s\"", path);
        if (!take_lock(fd)) {
            close(fd);
            error_set(err, ST_BAD_INPUT, "the folder \"%s\" is another worker's", dir);
            error_hint(err, "Give each worker a --dir of its own.");
            return ST_BAD_INPUT;
        }
        if (fstat(fd, &file) == 0 && file.st_nlink > 0) {
            *lock_out = fd;
            return ST_OK;
        }
        close(fd); /* its owner has just removed it */
    }
}

/* Folders of applications and drivers: what a worker left behind that was killed, or this one at
 * its end. Logs of drivers stay. */
static void remove_folders(const char *dir)
{
    DIR *folder = opendir(dir);
    char path[PATH_MAX + 256];

    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, "app-", 4) != 0 && strcmp(entry->d_name, packages_name) != 0 &&
            (strncmp(entry->d_name, "driver-", 7) != 0 || strchr(entry->d_name, '.') != NULL))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        worker__remove_folder(path);
    }
    closedir(folder);
}

static void unlock_folder(const char *dir, int lock)
{
    char path[PATH_MAX];

    if (lock < 0)
        return;
    remove_folders(dir);
    snprintf(path, sizeof path, "%s/%s", dir, lock_name);
    unlink(path);
    close(lock);
}

/* --- the process --- */

/* The keeper, which is a member, reads the secret from this. */
static Status open_secret(Worker *worker, Error *err)
{
    const char *secret_file = worker->options->secret_file;

    return secret_file == NULL
               ? ST_OK
               : worker->rpc->secret_hand_over(secret_file, (Identity){0}, err, &worker->secret);
}

static Status init_worker(Worker *worker, const WorkerOptions *options, const ChannelKeys *keys,
                          Error *err)
{
    pthread_condattr_t monotonic;
    char host[64] = "";

    worker->options = options;
    worker->master = options->master;
    worker->incarnation = membership_incarnation();
    worker->keys = keys;
    worker->pool = worker->rpc->rpc_pool_new(keys, CONNECTIONS_KEPT);
    worker->keeper = (Keeper){.listener = -1};
    worker->secret = -1;
    gethostname(host, sizeof host - 1);
    snprintf(worker->name, sizeof worker->name, "%s:%s", host, options->dir);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake < 0)
        return error_set_errno(err, errno, "cannot make an event");
    return open_secret(worker, err);
}

static int block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads */
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Wakes the heartbeat that waits there, too. */
static void say_good_bye(Worker *worker)
{
    RpcAddress master;
    Error err = ERROR_NONE;
    int64_t id;

    pthread_mutex_lock(&worker->lock);
    id = worker->id;
    master = master_url_address(&worker->master);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (id != 0 &&
        worker->rpc->rpc_master_end_worker(worker->pool, master, id, worker->incarnation,
                                           clock_now_ns() + INT64_C(1000000000), &err) != ST_OK)
        LOG_INFO(area, "the master is not told of this worker's end: %s", err.message);
}

static Status work(Worker *worker, Arena *arena, int signals, LogFile *log, Error *err)
{
    pthread_t heartbeat;
    Status status = chores_start(worker, arena, err, &worker->tell_master);
    int failure = 0;

    if (status == ST_OK)
        status = chores_start(worker, arena, err, &worker->tell_drivers);
    if (status == ST_OK)
        status = chores_start(worker, arena, err, &worker->others);
    if (status == ST_OK)
        status = chores_start(worker, arena, err, &worker->fetches);
    if (status == ST_OK) {
        failure = pthread_create(&heartbeat, NULL, worker__heartbeat_main, worker);
        if (failure != 0)
            status = error_set_errno(err, failure, "cannot start a thread");
    }
    if (status == ST_OK) {
        watch_executors(worker, signals, log);
        say_good_bye(worker);
        pthread_join(heartbeat, NULL);
    }
    chores_stop(worker->fetches);
    chores_stop(worker->tell_master);
    chores_stop(worker->tell_drivers);
    chores_stop(worker->others);
    if (status == ST_OK && worker->is_refused) {
        *err = worker->err;
        status = err->status;
    }
    return status;
}

static void fini_worker(Worker *worker)
{
    if (worker->pool == NULL)
        return;
    keeper_close(&worker->keeper);
    worker->rpc->rpc_pool_free(worker->pool);
    if (worker->wake >= 0)
        close(worker->wake);
    if (worker->secret >= 0)
        close(worker->secret);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
}

Status worker_run(const WorkerOptions *options, Error *err)
{
    Arena *arena = arena_new(NULL, "worker", ARENA_NO_CAP);
    Worker *worker = ARENA_NEW(arena, Worker);
    LogFile *log = ARENA_NEW(arena, LogFile);
    ChannelKeys *keys = NULL;
    int lock = -1, signals = block_signals();
    Status status;

    if (log_level() < LOG_INFO)
        log_set_level(LOG_INFO);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    status = rpc_module(err, &worker->rpc);
    if (status == ST_OK && signals < 0)
        status = error_set_errno(err, errno, "cannot wait for signals");
    if (status == ST_OK)
        status = membership_keys(worker->rpc, options->secret_file, err, &keys);
    if (status == ST_OK)
        status = run_as_find(options->run_as, arena, err, &worker->user);
    if (status == ST_OK)
        status = lock_folder(options->dir, err, &lock);
    if (status == ST_OK)
        status = run_as_prepare(&worker->user, options->dir, err);
    if (status == ST_OK)
        status = init_worker(worker, options, keys, err);
    if (status == ST_OK && options->log_file != NULL)
        status = log_file_become_output(log, options->log_file, err);
    if (status == ST_OK) {
        remove_folders(options->dir);
        keeper_open(worker, keys);
        LOG_INFO(area, "starts: %d cores, folder %s, %s%s%s", options->cores, options->dir,
                 options->secret_file != NULL ? "with a secret" : "no secret: loopback only",
                 worker->user.is_other ? ", executors run as " : "",
                 worker->user.is_other ? worker->user.name : "");
        status = work(worker, arena, signals, log, err);
    }
    fini_worker(worker);
    unlock_folder(options->dir, lock);
    if (keys != NULL)
        worker->rpc->channel_keys_free(keys);
    if (signals >= 0)
        close(signals);
    arena_free(arena);
    return status;
}
