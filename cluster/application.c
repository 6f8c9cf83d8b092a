/* application.c -- see application.h */
#include "cluster/application.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cluster/master_url.h"
#include "cluster/membership.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "core/plan/user_object.h"
#include "core/rdd/rdd_job.h"

enum {
    HEARTBEAT_MS = 1000,
    AGAIN_MS = 100, /* another master is asked after one that does not answer, or lead */
    CALL_MS = 3000,
    FIND_MASTER_MS = 10000, /* when the application begins */
    IDLE_CONNECTIONS = 64,
    MASTER_CONNECTIONS = 4,
    PATIENCE_BEATS = 5, /* without an executor, until that is said */
    HOST_BYTES = 64
};

/* An executor that was given up, for the master to know. */
typedef struct GivenUp {
    Arena *arena;
    int64_t executor;
    const char *reason;
    ListNode node;
} GivenUp;

struct Application {
    Arena *arena;
    ApplicationOptions options;
    const RpcModule *rpc;
    ChannelKeys *keys;
    RpcPool *pool, *peers; /* to masters; to executors and keepers */
    Driver *driver;
    ClusterBackend *backend;
    MasterUrl master; /* the thread's, once it runs */
    int64_t id, incarnation;
    uint32_t beats_without;
    char host[HOST_BYTES];
    bool has_thread;
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_ending;
    List given_up;
};

static int64_t deadline(void)
{
    return clock_now_ns() + (int64_t)CALL_MS * 1000000;
}

/* --- where this process is reached --- */

/* The address that packets to the master leave from; none is sent. */
static Status find_host(RpcAddress master, char *host, Error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
    struct sockaddr_storage self;
    socklen_t bytes = sizeof self;
    bool is_known;
    char port[8];
    int fd;

    snprintf(port, sizeof port, "%u", master.port);
    if (getaddrinfo(master.host, port, &hints, &found) != 0)
        return error_set(err, ST_IO, "the host \"%s\" of the master is not known", master.host);
    fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    is_known = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
               getsockname(fd, (struct sockaddr *)&self, &bytes) == 0 &&
               getnameinfo((struct sockaddr *)&self, bytes, host, HOST_BYTES, NULL, 0,
                           NI_NUMERICHOST) == 0;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return is_known ? ST_OK
                    : error_set(err, ST_IO, "there is no way to the master at \"%s\"", master.host);
}

/* --- the master --- */

static void say_registered(const Application *application)
{
    EventLog *events = driver_events(application->driver);

    event_begin(events, "registered");
    event_number(events, "application", application->id);
    event_text(events, "master", application->options.master_url);
    event_end(events);
}

/* Of a driver that a worker has started: the master ends the application with it. */
static int64_t own_process(void)
{
    const char *text = getenv("VONK_DRIVER");

    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static Status register_once(Application *application, Error *err)
{
    const ApplicationOptions *options = &application->options;
    ApplicationInfo info = {
        .build = membership_build(),
        .name = options->name,
        .driver = {application->host, cluster_backend_port(application->backend)},
        .executors = (int32_t)options->executors,
        .executor_cores = (int32_t)options->executor_cores,
        .executor_memory_bytes = (int64_t)options->executor_memory_bytes,
        .incarnation = application->incarnation,
        .application = application->id,
        .running = (int32_t)cluster_backend_size(application->backend).executors,
        .process = own_process()};

    TRY(application->rpc->rpc_master_register_application(
        application->pool, master_url_address(&application->master), &info, deadline(), err,
        &application->id));
    cluster_backend_set_application(application->backend, application->id);
    say_registered(application);
    return ST_OK;
}

/* The first one of the masters that takes it. */
static Status register_anywhere(Application *application, Error *err)
{
    int64_t end_ns = clock_now_ns() + (int64_t)FIND_MASTER_MS * 1000000;
    Status status;

    for (uint32_t tries = 1;; tries++) {
        status = register_once(application, err);
        if (status != ST_IO || (tries % application->master.count == 0 && clock_now_ns() > end_ns))
            return status;
        if (application->master.count == 1 && strcmp(err->sqlstate, SQLSTATE_REFUSED) == 0)
            return status; /* it is not there, or not yet: who calls will see */
        master_url_next(&application->master);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

/* A line of the stage at work. */
static uint32_t describe(Application *application, JobProgress *progress, StageLine *line)
{
    *progress = driver_progress(application->driver);
    if (progress->jobs == 0)
        return 0;
    *line = (StageLine){.stage = progress->stage,
                        .name = progress->name,
                        .tasks = (int32_t)progress->tasks,
                        .done = (int32_t)progress->done,
                        .running = (int32_t)progress->running,
                        .failed = (int32_t)progress->retries};
    return 1;
}

static void take_news(Application *application, const ApplicationNews *news)
{
    for (uint32_t i = 0; i < news->draining_count; i++)
        cluster_backend_drain(application->backend, news->draining[i]);
    if (news->problem == NULL || news->problem[0] == '\0' ||
        cluster_backend_size(application->backend).executors > 0)
        application->beats_without = 0;
    else if (++application->beats_without == PATIENCE_BEATS)
        LOG_WARN("driver", "waits for executors: %s", news->problem);
}

/* The master wants it to end. */
static void was_killed(Application *application, const Error *err)
{
    LOG_WARN("driver", "%s", err->message);
    driver_shut(application->driver, err);
}

/* When to beat again. */
static int64_t beat(Application *application)
{
    Arena *arena = arena_new(NULL, "heartbeat", ARENA_NO_CAP);
    JobProgress progress;
    ApplicationNews news;
    Error err = ERROR_NONE;
    StageLine line;
    uint32_t lines = describe(application, &progress, &line);
    Status status = application->rpc->rpc_master_application_heartbeat(
        application->pool, master_url_address(&application->master), application->id,
        application->incarnation, &line, lines, deadline(), arena, &err, &news);

    if (status == ST_OK)
        take_news(application, &news);
    else if (status == ST_IO)
        master_url_next(&application->master);
    else if (strcmp(err.sqlstate, SQLSTATE_KILLED) == 0)
        was_killed(application, &err);
    else if (register_once(application, &err) != ST_OK) /* the master is a new one */
        LOG_WARN("driver", "the master does not take the application: %s", err.message);
    arena_free(arena);
    return clock_now_ns() +
           INT64_C(1000000) *
               (status == ST_IO && application->master.count > 1 ? AGAIN_MS : HEARTBEAT_MS);
}

/* With the lock. The oldest that was given up is told. */
static void release_one(Application *application)
{
    GivenUp *given = LIST_OWNER(list_take(&application->given_up), GivenUp, node);
    Error err = ERROR_NONE;

    pthread_mutex_unlock(&application->lock);
    if (application->rpc->rpc_master_release_executor(
            application->pool, master_url_address(&application->master), application->id,
            application->incarnation, given->executor, given->reason, deadline(), &err) != ST_OK)
        LOG_INFO("driver", "the master was not told of an executor's end: %s", err.message);
    arena_free(given->arena);
    pthread_mutex_lock(&application->lock);
}

static void *thread_main(void *opaque)
{
    Application *application = opaque;
    int64_t next_ns = clock_now_ns();

    pthread_mutex_lock(&application->lock);
    while (!application->is_ending) {
        struct timespec at = {.tv_sec = next_ns / 1000000000, .tv_nsec = next_ns % 1000000000};

        if (!list_is_empty(&application->given_up)) {
            release_one(application);
        } else if (clock_now_ns() >= next_ns) {
            pthread_mutex_unlock(&application->lock);
            next_ns = beat(application);
            pthread_mutex_lock(&application->lock);
        } else {
            pthread_cond_timedwait(&application->changed, &application->lock, &at);
        }
    }
    pthread_mutex_unlock(&application->lock);
    return NULL;
}

/* From the backend, maybe with the driver's lock: noted, and told by the thread. */
static void on_given_up(void *context, int64_t executor, const char *reason)
{
    Application *application = context;
    Arena *arena = arena_new(NULL, "given up", ARENA_NO_CAP);
    GivenUp *given = ARENA_NEW(arena, GivenUp);

    given->arena = arena;
    given->executor = executor;
    given->reason = arena_strdup(arena, reason);
    pthread_mutex_lock(&application->lock);
    list_push(&application->given_up, &given->node);
    pthread_cond_signal(&application->changed);
    pthread_mutex_unlock(&application->lock);
}

/* --- files of jobs --- */

static Status read_piece(int fd, const char *path, uint64_t offset, uint32_t piece_bytes,
                         Arena *arena, Error *err, BlockPiece *piece_out)
{
    char *bytes = arena_alloc_raw(arena, piece_bytes);
    struct stat info;
    ssize_t count;

    if (fstat(fd, &info) != 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    count = pread(fd, bytes, piece_bytes, (off_t)offset);
    if (count < 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    *piece_out = (BlockPiece){
        .total_bytes = (uint64_t)info.st_size, .bytes = bytes, .byte_count = (uint32_t)count};
    return ST_OK;
}

static BlockOutput *find_output(void *context, uint64_t id)
{
    const ApplicationOptions *options = &((Application *)context)->options;

    return options->find_output == NULL ? NULL : options->find_output(options->context, id);
}

/* In one piece: what is kept changes from call to call. */
static Status events_piece(const Application *application, uint64_t offset, uint32_t piece_bytes,
                           Arena *arena, Error *err, BlockPiece *piece_out)
{
    WireBytes kept = event_log_kept(driver_events(application->driver), arena);

    if (offset != 0 || kept.byte_count > piece_bytes)
        return error_set(err, ST_BAD_INPUT, "an event log is given in one piece");
    *piece_out = (BlockPiece){.total_bytes = kept.byte_count,
                              .bytes = kept.bytes,
                              .byte_count = (uint32_t)kept.byte_count};
    return ST_OK;
}

static Status fetch_object(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                           Arena *arena, Error *err, BlockPiece *piece_out)
{
    const char *path = user_object_path(hash, arena);
    WireBytes piece;
    uint64_t total;
    Status status;
    int fd;

    if (hash == APPLICATION_EVENTS)
        return events_piece(context, offset, piece_bytes, arena, err, piece_out);
    if (driver_shared_piece(((Application *)context)->driver, hash, offset, piece_bytes, arena,
                            &piece, &total)) {
        *piece_out = (BlockPiece){
            .total_bytes = total, .bytes = piece.bytes, .byte_count = (uint32_t)piece.byte_count};
        return ST_OK;
    }
    if (path == NULL)
        return error_set(err, ST_BAD_INPUT, "the driver has no object of that hash");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "could not read \"%s\"", path);
    status = read_piece(fd, path, offset, piece_bytes, arena, err, piece_out);
    close(fd);
    return status;
}

/* --- its life --- */

static void copy_options(Application *application, const ApplicationOptions *options)
{
    Arena *arena = application->arena;

    application->options = *options;
    application->options.master_url = arena_strdup(arena, options->master_url);
    application->options.name = arena_strdup(arena, options->name);
    if (options->secret_file != NULL)
        application->options.secret_file = arena_strdup(arena, options->secret_file);
}

static Status begin(Application *application, BlockStore *store, Error *err)
{
    const ApplicationOptions *options = &application->options;
    BackendOptions backend = {.host = application->host,
                              .context = application,
                              .executor_given_up = on_given_up,
                              .find_output = find_output,
                              .fetch_object = fetch_object};
    int failure;

    TRY(master_url_parse(application->arena, options->master_url, err, &application->master));
    TRY(rpc_module(err, &application->rpc));
    TRY(membership_keys(application->rpc, membership_secret_file(options->secret_file), err,
                        &application->keys));
    application->pool = application->rpc->rpc_pool_new(application->keys, MASTER_CONNECTIONS);
    application->peers = application->rpc->rpc_pool_new(application->keys, IDLE_CONNECTIONS);
    if (options->host != NULL)
        snprintf(application->host, sizeof application->host, "%s", options->host);
    else
        TRY(find_host(master_url_address(&application->master), application->host, err));
    backend.rpc = application->rpc;
    backend.keys = application->keys;
    backend.pool = application->peers;
    TRY(cluster_backend_new(application->driver, store, &backend, err, &application->backend));
    application->incarnation = membership_incarnation();
    TRY(register_anywhere(application, err));
    failure = pthread_create(&application->thread, NULL, thread_main, application);
    if (failure != 0)
        return error_set_errno(err, failure, "cannot start a thread");
    application->has_thread = true;
    return ST_OK;
}

Status application_open(Driver *driver, BlockStore *store, const ApplicationOptions *options,
                        Error *err, Application **application_out)
{
    Arena *arena = arena_new(NULL, "application", ARENA_NO_CAP);
    Application *application = ARENA_NEW(arena, Application);
    pthread_condattr_t attr;
    Status status;

    *application_out = NULL;
    application->arena = arena;
    application->driver = driver;
    copy_options(application, options);
    pthread_mutex_init(&application->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&application->changed, &attr);
    pthread_condattr_destroy(&attr);
    status = begin(application, store, err);
    if (status != ST_OK) {
        application_close(application);
        return status;
    }
    *application_out = application;
    return ST_OK;
}

/* The one that leads may be another by now. */
static void tell_the_end(Application *application)
{
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < application->master.count; i++) {
        if (application->rpc->rpc_master_end_application(
                application->pool, master_url_address(&application->master), application->id,
                application->incarnation, deadline(), &err) != ST_IO)
            return;
        master_url_next(&application->master);
    }
    LOG_INFO("driver", "the master was not told of the end: %s", err.message);
}

static void end_thread(Application *application)
{

    pthread_mutex_lock(&application->lock);
    application->is_ending = true;
    pthread_cond_signal(&application->changed);
    pthread_mutex_unlock(&application->lock);
    pthread_join(application->thread, NULL);
    tell_the_end(application);
}

void application_close(Application *application)
{
    if (application == NULL)
        return;
    if (application->has_thread)
        end_thread(application);
    cluster_backend_free(application->backend);
    while (!list_is_empty(&application->given_up))
        arena_free(LIST_OWNER(list_take(&application->given_up), GivenUp, node)->arena);
    if (application->rpc != NULL) {
        application->rpc->rpc_pool_free(application->pool);
        application->rpc->rpc_pool_free(application->peers);
        application->rpc->channel_keys_free(application->keys);
    }
    pthread_cond_destroy(&application->changed);
    pthread_mutex_destroy(&application->lock);
    arena_free(application->arena);
}

ClusterSize application_size(Application *application)
{
    return cluster_backend_size(application->backend);
}
