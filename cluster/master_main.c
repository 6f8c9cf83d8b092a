/*
 * master_main.c -- see master_main.h
 *
 * One lock around the state. A worker's heartbeat waits on the condition until there are orders for
 * it; the main thread lets time pass. A master that stands by has no state; one that has begun to
 * lead has a new one.
 */
#include "cluster/master_main.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cluster/log_file.h"
#include "cluster/master_election.h"
#include "cluster/master_store.h"
#include "cluster/master_url.h"
#include "cluster/membership.h"
#include "cluster/own_address.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum {
    SILENCE_MS = 10000,
    QUICK_END_MS = 1000,
    DRAIN_MS = 60000,
    TICK_MS = 100,
    WAIT_MS_MAX = 2000,
    KEEP_MS = 5000,        /* until what was said is kept */
    CONNECTIONS_MAX = 2048 /* two a worker, two a driver */
};

static const char area[] = "master";

typedef struct Master {
    const MasterOptions *options;
    const RpcModule *rpc;
    const char *address; /* for people */
    Election *election;  /* NULL: the only master, with a store of its own */
    pthread_mutex_t keep_lock;
    bool has_store;
    MasterStore store; /* with keep_lock */

    pthread_mutex_t lock; /* of what follows; taken after keep_lock */
    pthread_cond_t changed;
    bool is_stopping;
    MasterState *state; /* NULL: stands by */
    MasterState *old;   /* what it was, or is */
    int64_t lease_ns;   /* by election_now_ns; INT64_MAX: no standbys */
    char leader[HOST_NAME_MAX + 16];
} Master;

static bool leads(const Master *master)
{
    return master->state != NULL &&
           (master->lease_ns == INT64_MAX || election_now_ns() < master->lease_ns);
}

static Status stands_by(const Master *master, Error *err)
{
    if (master->leader[0] != '\0')
        return error_set_state(err, ST_IO, SQLSTATE_STANDBY,
                               "the master at %s stands by: the one at %s leads", master->address,
                               master->leader);
    return error_set_state(err, ST_IO, SQLSTATE_STANDBY,
                           "the master at %s stands by, and none leads just now", master->address);
}

/* --- calls --- */

/* With the lock, if it may answer. What users' code could say is heard from drivers, of what is
 * theirs; all else from members alone. */
static Status begin(void *context, const char *call, Error *err, Master **master_out)
{
    Master *master = *master_out = context;
    Identity caller = master->rpc->rpc_caller();
    Status status;

    if (call == NULL ? caller.application != 0 : !identity_is_member(caller))
        return master->rpc->rpc_refuse(err, call == NULL ? "speak for an application" : call);
    pthread_mutex_lock(&master->lock);
    if (leads(master))
        return ST_OK;
    status = stands_by(master, err);
    pthread_mutex_unlock(&master->lock);
    return status;
}

/* --- keeping --- */

/* What is new is written, one driver after the other; the state is not locked meanwhile. */
static Status keep(Master *master, const MasterStore *store, Error *err)
{
    Arena *arena = arena_new(NULL, "keep", ARENA_NO_CAP);
    Status status = ST_OK;
    MasterKept kept;

    pthread_mutex_lock(&master->lock);
    while (status == ST_OK && master->state != NULL &&
           master_next_to_keep(master->state, arena, &kept)) {
        const MasterState *state = master->state;

        pthread_mutex_unlock(&master->lock);
        if (store != NULL)
            status = store_keep(store, &kept, err);
        pthread_mutex_lock(&master->lock);
        if (status == ST_OK && master->state == state)
            master_kept(master->state, &kept, clock_now_ns());
        arena_reset(arena);
        pthread_cond_broadcast(&master->changed);
    }
    pthread_mutex_unlock(&master->lock);
    arena_free(arena);
    return status;
}

static void keep_here(Master *master)
{
    Error err = ERROR_NONE;

    pthread_mutex_lock(&master->keep_lock);
    if (keep(master, master->has_store ? &master->store : NULL, &err) != ST_OK)
        LOG_WARN(area, "what a later master should know is not kept: %s", err.message);
    pthread_mutex_unlock(&master->keep_lock);
}

/* Without the lock. */
static void see_to_keeping(Master *master, bool is_needed)
{
    if (is_needed && master->election != NULL)
        election_wake(master->election);
    else if (is_needed)
        keep_here(master);
}

/* With the lock: until all is kept, which an answer stands for. */
static Status await_keeping(Master *master, Error *err)
{
    int64_t until = clock_now_ns() + INT64_C(1000000) * KEEP_MS;
    struct timespec moment = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    for (;;) {
        if (master->is_stopping || !leads(master))
            return stands_by(master, err);
        if (!master_has_to_keep(master->state))
            return ST_OK;
        if (clock_now_ns() >= until)
            return error_set(err, ST_IO, "the master could not keep that: its log says why");
        pthread_cond_timedwait(&master->changed, &master->lock, &moment);
    }
}

/* --- answers --- */

/* Something may have changed for those who wait. */
static Status end(Master *master, Status status)
{
    bool is_needed = master_has_to_keep(master->state);

    pthread_cond_broadcast(&master->changed);
    pthread_mutex_unlock(&master->lock);
    see_to_keeping(master, is_needed);
    return status;
}

/* As end, but ST_OK is said when nobody who comes later would know it otherwise. */
static Status end_kept(Master *master, Status status, Error *err)
{
    Status kept;

    status = end(master, status);
    if (status != ST_OK)
        return status;
    pthread_mutex_lock(&master->lock);
    kept = await_keeping(master, err);
    pthread_mutex_unlock(&master->lock);
    return kept;
}

static Status on_register_worker(void *context, const WorkerInfo *info, Error *err,
                                 int64_t *worker_out)
{
    Master *master;

    TRY(begin(context, "be a worker", err, &master));
    return end(master,
               master_register_worker(master->state, info, clock_now_ns(), err, worker_out));
}

/* With the lock. */
static void wait_for_news(Master *master, const WorkerReport *report, int32_t wait_ms)
{
    int64_t until = clock_now_ns() + (int64_t)wait_ms * 1000000;
    struct timespec moment = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    while (!master->is_stopping && leads(master) &&
           !master_worker_has_news(master->state, report->worker, report->incarnation))
        if (pthread_cond_timedwait(&master->changed, &master->lock, &moment) == ETIMEDOUT)
            break;
}

static Status on_worker_heartbeat(void *context, const WorkerReport *report, int32_t wait_ms,
                                  Arena *arena, Error *err, WorkerOrders *orders_out)
{
    Master *master;
    Status status;

    TRY(begin(context, "be a worker", err, &master));
    status = master_worker_report(master->state, report, clock_now_ns(), err);
    pthread_cond_broadcast(&master->changed);
    if (status == ST_OK) {
        wait_for_news(master, report, wait_ms > WAIT_MS_MAX ? WAIT_MS_MAX : wait_ms);
        status = leads(master) ? master_worker_orders(master->state, report, clock_now_ns(), arena,
                                                      err, orders_out)
                               : stands_by(master, err);
    }
    if (leads(master))
        return end(master, status);
    pthread_mutex_unlock(&master->lock);
    return status;
}

static Status on_executor_ended(void *context, int64_t worker, int64_t incarnation,
                                int64_t executor, const char *reason, int32_t exit_code, Error *err)
{
    Master *master;
    Status status;

    TRY(begin(context, "be a worker", err, &master));
    status = master_executor_ended(master->state, worker, incarnation, executor, reason, exit_code,
                                   clock_now_ns(), err);
    return master_is_driver_process(master->state, executor) ? end_kept(master, status, err)
                                                             : end(master, status);
}

static Status on_end_worker(void *context, int64_t worker, int64_t incarnation, Error *err)
{
    Master *master;

    TRY(begin(context, "end a worker", err, &master));
    return end(master, master_end_worker(master->state, worker, incarnation, clock_now_ns(), err));
}

static Status on_drain_worker(void *context, int64_t worker, Error *err)
{
    Master *master;

    TRY(begin(context, "drain a worker", err, &master));
    return end(master, master_drain_worker(master->state, worker, clock_now_ns(), err));
}

static Status on_register_application(void *context, const ApplicationInfo *info, Error *err,
                                      int64_t *application_out)
{
    Master *master;

    TRY(begin(context, NULL, err, &master));
    return end(master, master_register_application(master->state, info, clock_now_ns(), err,
                                                   application_out));
}

static Status on_application_heartbeat(void *context, int64_t application, int64_t incarnation,
                                       const StageLine *stages, uint32_t stage_count, Arena *arena,
                                       Error *err, ApplicationNews *news_out)
{
    Master *master;
    Status status;

    TRY(begin(context, NULL, err, &master));
    status = master_application_heartbeat(master->state, application, incarnation, stages,
                                          stage_count, clock_now_ns(), arena, err, news_out);
    pthread_mutex_unlock(&master->lock);
    return status;
}

static Status on_release_executor(void *context, int64_t application, int64_t incarnation,
                                  int64_t executor, const char *reason, Error *err)
{
    Master *master;

    TRY(begin(context, NULL, err, &master));
    return end(master, master_release_executor(master->state, application, incarnation, executor,
                                               reason, clock_now_ns(), err));
}

static Status on_end_application(void *context, int64_t application, int64_t incarnation,
                                 Error *err)
{
    Master *master;

    TRY(begin(context, NULL, err, &master));
    return end(master, master_end_application(master->state, application, incarnation,
                                              clock_now_ns(), err));
}

static Status on_kill_application(void *context, int64_t application, Error *err)
{
    Master *master;

    TRY(begin(context, "kill an application", err, &master));
    return end_kept(master, master_kill(master->state, application, clock_now_ns(), err), err);
}

static Status on_submit_driver(void *context, RpcBuild build, int64_t token, WireBytes job,
                               WireBytes package, Error *err, int64_t *driver_out)
{
    Master *master;

    TRY(begin(context, "submit a driver", err, &master));
    return end_kept(master,
                    master_submit_driver(master->state, &build, token, job, package, clock_now_ns(),
                                         err, driver_out),
                    err);
}

static Status on_fetch_package(void *context, int64_t driver, Arena *arena, Error *err,
                               WireBytes *package_out)
{
    Master *master;

    TRY(begin(context, "read what others have submitted", err, &master));
    return end(master, master_driver_package(master->state, driver, arena, err, package_out));
}

static Status on_driver_status(void *context, int64_t driver, Arena *arena, Error *err,
                               DriverStatus *status_out)
{
    Master *master;

    TRY(begin(context, "see what others have submitted", err, &master));
    return end(master, master_driver_status(master->state, driver, arena, err, status_out));
}

static Status on_status(void *context, bool is_json, Arena *arena, Error *err,
                        const char **text_out)
{
    StrBuf text = {.arena = arena};
    Master *master;

    TRY(begin(context, "see what others run", err, &master));
    if (is_json)
        master_status_json(master->state, clock_now_ns(), &text);
    else
        master_status_text(master->state, clock_now_ns(), &text);
    pthread_mutex_unlock(&master->lock);
    *text_out = strbuf_text(&text);
    return ST_OK;
}

static Status on_counts(void *context, Error *err, MasterCounts *counts_out)
{
    Master *master;

    TRY(begin(context, "see what others run", err, &master));
    *counts_out = master_counts(master->state);
    pthread_mutex_unlock(&master->lock);
    return ST_OK;
}

/* --- the process --- */

/* Milliseconds of the wall clock: above all ids of a master that was started before, which has
 * given fewer than a thousand a second. */
static int64_t first_id(void)
{
    const int64_t start_of_2026_s = 1767225600;
    struct timespec now;
    int64_t id;

    clock_gettime(CLOCK_REALTIME, &now);
    id = (now.tv_sec - start_of_2026_s) * 1000 + now.tv_nsec / 1000000;
    return id < 1 ? 1 : id;
}

static MasterState *new_state(const Master *master, int64_t first_id)
{
    MasterConfig config = {
        .build = membership_build(),
        .schedule = master->options->schedule,
        .first_id = first_id,
        .last_id = master->options->zookeeper == NULL ? 0 : first_id + ELECTION_IDS - 1,
        .silence_ns = SILENCE_MS * INT64_C(1000000),
        .quick_end_ns = QUICK_END_MS * INT64_C(1000000),
        .drain_ns = DRAIN_MS * INT64_C(1000000),
    };

    return master_state_new(arena_new(NULL, "master state", ARENA_NO_CAP), &config, clock_now_ns());
}

/* --- the election's --- */

static Status on_lead(void *context, int64_t first_id, const MasterStore *store, Error *err)
{
    Master *master = context;
    MasterState *state = new_state(master, first_id);
    Status status = store_restore(store, state, clock_now_ns(), err);

    master_note_standbys(state, master->address, NULL, 0);
    pthread_mutex_lock(&master->lock);
    master->lease_ns = 0;
    master_state_free(master->old);
    master->old = master->state = state;
    pthread_mutex_unlock(&master->lock);
    return status;
}

static Status on_keep(void *context, const MasterStore *store, Error *err)
{
    return keep(context, store, err);
}

static void on_renew(void *context, int64_t until_ns)
{
    Master *master = context;

    pthread_mutex_lock(&master->lock);
    master->lease_ns = until_ns;
    pthread_cond_broadcast(&master->changed);
    pthread_mutex_unlock(&master->lock);
}

static void on_see(void *context, const char *leader, const char *const *standbys, uint32_t count)
{
    Master *master = context;

    pthread_mutex_lock(&master->lock);
    snprintf(master->leader, sizeof master->leader, "%s", leader == NULL ? "" : leader);
    if (leader != NULL)
        master->state = NULL;
    else if (master->state != NULL)
        master_note_standbys(master->state, master->address, standbys, count);
    pthread_mutex_unlock(&master->lock);
}

/* --- its beginning --- */

static void init_master(Master *master, const MasterOptions *options)
{
    pthread_condattr_t monotonic;

    *master = (Master){.options = options};
    pthread_mutex_init(&master->keep_lock, NULL);
    pthread_mutex_init(&master->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&master->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* The only master leads from the beginning. */
static Status lead_alone(Master *master, Error *err)
{
    const MasterOptions *options = master->options;
    int64_t first = first_id();

    if (options->zookeeper != NULL)
        return ST_OK;
    if (options->dir != NULL) {
        TRY(master_store_folder(options->dir, err, &master->store));
        TRY(store_next_ids(&master->store, first, err, &first));
        master->has_store = true;
    }
    master->lease_ns = INT64_MAX;
    master->old = master->state = new_state(master, first);
    return master->has_store ? store_restore(&master->store, master->state, clock_now_ns(), err)
                             : ST_OK;
}

/* Where others reach it: a wildcard is nobody's address. */
static const char *own_name(const MasterOptions *options, uint16_t port, Arena *arena)
{
    const char *host = options->host;
    char name[HOST_NAME_MAX + 1] = "";

    if ((strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) &&
        gethostname(name, sizeof name - 1) == 0)
        host = name;
    return master_url_text(arena, (RpcAddress){host, port});
}

/* Where this process listens, which others' settings may call the same. */
static const char *own_place(const MasterOptions *options, Arena *arena)
{
    const char *network = own_network(arena);

    return network == NULL ? NULL : arena_printf(arena, "%s %s", options->host, network);
}

static Status stand_for_election(Master *master, const RpcModule *rpc, const char *listens,
                                 Error *err)
{
    ElectionOptions options = {.zookeeper = master->options->zookeeper,
                               .address = master->address,
                               .listens = listens,
                               .context = master,
                               .lead = on_lead,
                               .keep = on_keep,
                               .renew = on_renew,
                               .see = on_see};
    char password[MEMBERSHIP_PASSWORD_BYTES];
    Status status;

    if (options.zookeeper == NULL)
        return ST_OK;
    if (master->options->secret_file != NULL) {
        TRY(membership_password(rpc, master->options->secret_file, "zookeeper", err, password));
        options.password = password;
    }
    status = election_start(&options, err, &master->election);
    explicit_bzero(password, sizeof password);
    return status;
}

static void say_ready(const MasterOptions *options, const char *address, Arena *arena)
{
    const char *line = arena_printf(arena, "vonk://%s\n", address);

    LOG_INFO(area, "answers at vonk://%s (%s)", address,
             options->secret_file != NULL ? "with a secret"
                                          : "no secret: for this machine's users only, and all of "
                                            "them");
    if (options->ready_fd >= 0) {
        if (write(options->ready_fd, line, strlen(line)) < 0)
            LOG_WARN(area, "nobody waits for this master: %s", strerror(errno));
        close(options->ready_fd);
    }
}

/* Until a signal says to end. */
static void let_time_pass(Master *master, const sigset_t *signals, LogFile *log)
{
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};

    for (;;) {
        int number = sigtimedwait(signals, NULL, &tick);
        bool is_needed;

        if (number > 0) {
            LOG_INFO(area, "ends: %s", strsignal(number));
            return;
        }
        pthread_mutex_lock(&master->lock);
        is_needed = leads(master);
        if (is_needed) {
            master_state_tick(master->state, clock_now_ns());
            is_needed = master_has_to_keep(master->state);
        }
        pthread_cond_broadcast(&master->changed);
        pthread_mutex_unlock(&master->lock);
        see_to_keeping(master, is_needed);
        log_file_follow(log);
    }
}

static Status serve(Master *master, const MasterOptions *options, const RpcModule *rpc,
                    const ChannelKeys *keys, Error *err, RpcServer **server_out)
{
    RpcEndpoint endpoint = {.host = options->host,
                            .port = options->port,
                            .keys = keys,
                            .connections_max = CONNECTIONS_MAX};
    MasterHandler handler = {
        .context = master,
        .register_worker = on_register_worker,
        .worker_heartbeat = on_worker_heartbeat,
        .executor_ended = on_executor_ended,
        .end_worker = on_end_worker,
        .drain_worker = on_drain_worker,
        .register_application = on_register_application,
        .application_heartbeat = on_application_heartbeat,
        .release_executor = on_release_executor,
        .end_application = on_end_application,
        .submit_driver = on_submit_driver,
        .fetch_package = on_fetch_package,
        .driver_status = on_driver_status,
        .kill_application = on_kill_application,
        .status = on_status,
        .counts = on_counts,
    };

    return rpc->rpc_master_serve(&endpoint, &handler, err, server_out);
}

static void stop_serving(Master *master, const RpcModule *rpc, RpcServer *server)
{
    pthread_mutex_lock(&master->lock);
    master->is_stopping = true;
    pthread_cond_broadcast(&master->changed);
    pthread_mutex_unlock(&master->lock);
    rpc->rpc_server_stop(server);
}

static void fini_master(Master *master)
{
    pthread_cond_destroy(&master->changed);
    pthread_mutex_destroy(&master->lock);
    pthread_mutex_destroy(&master->keep_lock);
    master_state_free(master->old);
}

Status master_run(const MasterOptions *options, Error *err)
{
    Arena *arena = arena_new(NULL, "master", ARENA_NO_CAP);
    LogFile *log = ARENA_NEW(arena, LogFile);
    ChannelKeys *keys = NULL;
    RpcServer *server = NULL;
    const RpcModule *rpc;
    sigset_t signals;
    Master master;
    Status status;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads */
    signal(SIGPIPE, SIG_IGN);
    if (log_level() < LOG_INFO)
        log_set_level(LOG_INFO);
    init_master(&master, options);
    status = lead_alone(&master, err);
    if (status == ST_OK)
        status = rpc_module(err, &rpc);
    if (status == ST_OK) {
        master.rpc = rpc;
        status = membership_keys(rpc, options->secret_file, err, &keys);
    }
    if (status == ST_OK)
        status = serve(&master, options, rpc, keys, err, &server);
    if (status == ST_OK && options->log_file != NULL)
        status = log_file_become_output(log, options->log_file, err);
    if (status == ST_OK) {
        master.address = own_name(options, rpc->rpc_server_port(server), arena);
        status = stand_for_election(&master, rpc, own_place(options, arena), err);
    }
    if (status == ST_OK) {
        say_ready(options, master.address, arena);
        let_time_pass(&master, &signals, log);
    }
    election_stop(master.election);
    if (server != NULL)
        stop_serving(&master, rpc, server);
    fini_master(&master);
    if (keys != NULL)
        rpc->channel_keys_free(keys);
    arena_free(arena);
    return status;
}
