/*
 * worker_keeper.c -- the process that serves what executors have kept; see worker_internal.h
 *
 * The worker holds the socket and never listens to it: it is the keeper's, each one's in turn, so
 * that its port stays, and who connects while there is none waits a moment instead of being
 * refused. When the worker ends, socket and keeper go: whoever is refused knows that what was kept
 * is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/worker_internal.h"
#include "core/base/log.h"

static const char area[] = "worker";

/* Between two starts; then one that cannot be started costs little. */
static const int64_t pause_ns = 100000000;

/* Half of what is free in the folder's disk. */
static int64_t standard_bytes(const char *dir)
{
    struct statvfs disk;

    return statvfs(dir, &disk) == 0 ? (int64_t)(disk.f_bavail * disk.f_frsize / 2) : 0;
}

void keeper_open(Worker *worker, const ChannelKeys *keys)
{
    const WorkerOptions *options = worker->options;
    Keeper *keeper = &worker->keeper;
    int64_t bytes = options->keep_bytes >= 0 ? options->keep_bytes : standard_bytes(options->dir);
    Error err = ERROR_NONE;

    if (bytes == 0)
        return;
    if (getrandom(keeper->key, sizeof keeper->key, 0) != (ssize_t)sizeof keeper->key) {
        LOG_WARN(area, "what executors make goes with them: there are no random numbers for a key");
        return;
    }
    if (worker->rpc->channel_listen(options->host, 0, keys, &err, &keeper->listener,
                                    &keeper->port) != ST_OK) {
        LOG_WARN(area, "what executors make goes with them: %s", err.message);
        keeper->listener = -1;
        return;
    }
    keeper->keep_bytes = bytes;
}

static void start(Worker *worker)
{
    const WorkerOptions *options = worker->options;
    Arena *arena = arena_new(NULL, "keeper", ARENA_NO_CAP);
    ProcessSpec *spec = ARENA_NEW(arena, ProcessSpec);
    char listener[PROCESS_TEXT_BYTES];
    const char *const arguments[] = {"vonk",
                                     "keeper",
                                     "--dir",
                                     options->dir,
                                     "--listener",
                                     listener,
                                     "--keep-key",
                                     PROCESS_KEEP_KEY_NAME,
                                     worker->secret < 0 ? NULL : "--secret-file",
                                     PROCESS_SECRET_NAME,
                                     NULL};
    Error err = ERROR_NONE;
    int key;
    pid_t pid;

    if (worker->rpc->secret_hand_over_key(worker->keeper.key, (Identity){0}, &err, &key) != ST_OK) {
        LOG_WARN(area, "the keeper of blocks cannot be started: %s", err.message);
        arena_free(arena);
        return;
    }
    snprintf(listener, sizeof listener, "%d", PROCESS_LISTENER);
    *spec = (ProcessSpec){.program = "/proc/self/exe",
                          .arguments = arguments,
                          .output = STDERR_FILENO,
                          .listener = worker->keeper.listener,
                          .secret = worker->secret,
                          .keep_key = key};
    worker__fill_environment(spec, options->dir);
    pid = worker__fork(spec);
    if (pid < 0)
        LOG_WARN(area, "the keeper of blocks cannot be started: %s", strerror(errno));
    worker->keeper.pid = pid < 0 ? 0 : pid;
    if (key >= 0)
        close(key);
    arena_free(arena);
}

int keeper_watch(Worker *worker, int64_t now_ns)
{
    Keeper *keeper = &worker->keeper;

    if (keeper->listener < 0 || keeper->pid != 0)
        return INT32_MAX;
    if (now_ns >= keeper->start_at_ns) {
        keeper->start_at_ns = now_ns + pause_ns;
        start(worker);
    }
    return keeper->pid != 0 ? INT32_MAX : (int)((keeper->start_at_ns - now_ns) / 1000000 + 1);
}

void keeper_ended(Keeper *keeper, int64_t now_ns)
{
    LOG_WARN(area, "the keeper of blocks has ended: another one is started");
    keeper->pid = 0;
    if (keeper->start_at_ns < now_ns)
        keeper->start_at_ns = now_ns;
}

void keeper_close(Keeper *keeper)
{
    if (keeper->pid != 0) {
        kill(keeper->pid, SIGKILL);
        waitpid(keeper->pid, NULL, 0);
    }
    if (keeper->listener >= 0)
        close(keeper->listener);
    *keeper = (Keeper){.listener = -1};
}
