/*
 * cluster_driver.c -- a driver that does nothing, for tests of masters and workers
 *
 *     cluster_driver --master URL [--executors N] [--cores N] [--memory BYTES] [--name NAME]
 *                    [--secret-file FILE]
 *
 * Prints a line for each thing it hears; ends its application when standard input ends.
 *
 *     application 17          it is registered
 *     news 2 PROBLEM          so many executors run
 *     ended 18 REASON         from the worker
 *     killed                  exit code 3
 */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/master_call.h"
#include "core/base/clock.h"

enum { BEAT_MS = 50 };

typedef struct TestDriver {
    const RpcModule *rpc;
    RpcPool *pool;
    RpcServer *server;
    MasterUrl master;
    ApplicationInfo info;
    int64_t id;
    char said[1024];
} TestDriver;

static Status on_executor_ended(void *context, const ExecutorEnd *end, Error *err)
{
    (void)context;
    (void)err;
    printf("ended %" PRId64 " %s%s\n", end->executor, end->reason,
           end->has_crashed ? " (crashed)" : "");
    return ST_OK;
}

static int64_t soon(void)
{
    return clock_now_ns() + INT64_C(2000000000);
}

static Status register_anew(TestDriver *driver, Error *err)
{
    driver->info.application = driver->id;
    TRY(driver->rpc->rpc_master_register_application(driver->pool,
                                                     master_url_address(&driver->master),
                                                     &driver->info, soon(), err, &driver->id));
    printf("application %" PRId64 "\n", driver->id);
    return ST_OK;
}

static void release_drained(TestDriver *driver, const ApplicationNews *news)
{
    for (uint32_t i = 0; i < news->draining_count; i++)
        if (driver->rpc->rpc_master_release_executor(
                driver->pool, master_url_address(&driver->master), driver->id,
                driver->info.incarnation, news->draining[i], "drained", soon(), NULL) != ST_OK)
            printf("not released\n");
}

static Status beat(TestDriver *driver, Arena *arena, Error *err)
{
    StageLine stage = {1, "scan of nothing", 10, 4, 2, 0};
    ApplicationNews news;
    char line[sizeof driver->said];

    TRY(driver->rpc->rpc_master_application_heartbeat(
        driver->pool, master_url_address(&driver->master), driver->id, driver->info.incarnation,
        &stage, 1, soon(), arena, err, &news));
    driver->info.running = news.executors;
    snprintf(line, sizeof line, "news %d %s", news.executors, news.problem);
    if (strcmp(line, driver->said) != 0)
        puts(line);
    memcpy(driver->said, line, sizeof line);
    release_drained(driver, &news);
    return ST_OK;
}

/* With the one of the masters that leads. */
static Status register_first(TestDriver *driver, Error *err)
{
    Status status = register_anew(driver, err);

    for (uint32_t i = 1; i < driver->master.count && status == ST_IO; i++) {
        master_url_next(&driver->master);
        status = register_anew(driver, err);
    }
    return status;
}

/* As a driver does: the one that leads may be another by now. */
static Status tell_the_end(TestDriver *driver, Error *err)
{
    Status status = ST_IO;

    for (uint32_t i = 0; i < driver->master.count && status == ST_IO; i++) {
        status = driver->rpc->rpc_master_end_application(
            driver->pool, master_url_address(&driver->master), driver->id, driver->info.incarnation,
            soon(), err);
        if (status == ST_IO)
            master_url_next(&driver->master);
    }
    return status;
}

/* False: it was killed. */
static bool live(TestDriver *driver)
{
    Arena *arena = arena_new(NULL, "beat", ARENA_NO_CAP);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    bool is_registered = true, is_killed = false;
    Error err = ERROR_NONE;

    while (!is_killed && poll(&input, 1, BEAT_MS) == 0) {
        Status status;

        arena_reset(arena);
        status = is_registered ? beat(driver, arena, &err) : register_anew(driver, &err);
        if (status == ST_IO)
            master_url_next(&driver->master);
        else if (status != ST_OK)
            is_registered = false;
        else if (status == ST_OK)
            is_registered = true;
        is_killed = status != ST_OK && strcmp(err.sqlstate, SQLSTATE_KILLED) == 0;
    }
    arena_free(arena);
    return !is_killed;
}

static Status run(TestDriver *driver, const char *url, const char *secret_file, Arena *arena,
                  Error *err, bool *is_killed_out)
{
    DriverHandler handler = {.executor_ended = on_executor_ended};
    RpcEndpoint endpoint = {.host = "127.0.0.1"};
    ChannelKeys *keys = NULL;

    TRY(rpc_module(err, &driver->rpc));
    TRY(membership_keys(driver->rpc, secret_file, err, &keys));
    TRY(master_url_parse(arena, url, err, &driver->master));
    endpoint.keys = keys;
    TRY(driver->rpc->rpc_driver_serve(&endpoint, &handler, err, &driver->server));
    driver->pool = driver->rpc->rpc_pool_new(keys, 4);
    driver->info.build = membership_build();
    driver->info.driver = (RpcAddress){"127.0.0.1", driver->rpc->rpc_server_port(driver->server)};
    driver->info.incarnation = membership_incarnation();
    TRY(register_first(driver, err));
    *is_killed_out = !live(driver);
    if (!*is_killed_out)
        TRY(tell_the_end(driver, err));
    driver->rpc->rpc_server_stop(driver->server);
    driver->rpc->rpc_pool_free(driver->pool);
    if (keys != NULL)
        driver->rpc->channel_keys_free(keys);
    return ST_OK;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"master", required_argument, NULL, 'm'},
                                          {"executors", required_argument, NULL, 'e'},
                                          {"cores", required_argument, NULL, 'c'},
                                          {"memory", required_argument, NULL, 'b'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"secret-file", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    Arena *arena = arena_new(NULL, "driver", ARENA_NO_CAP);
    TestDriver driver = {.info = {.name = "test", .executors = 1, .executor_cores = 1}};
    const char *url = "", *secret_file = NULL;
    bool is_killed = false;
    Error err = ERROR_NONE;
    int option;
    Status status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'm')
            url = optarg;
        else if (option == 'e')
            driver.info.executors = atoi(optarg);
        else if (option == 'c')
            driver.info.executor_cores = atoi(optarg);
        else if (option == 'b')
            driver.info.executor_memory_bytes = atoll(optarg);
        else if (option == 'n')
            driver.info.name = optarg;
        else if (option == 's')
            secret_file = optarg;
        else
            return 2;
    }
    status = run(&driver, url, secret_file, arena, &err, &is_killed);
    if (status != ST_OK)
        fprintf(stderr, "%s\n", err.message);
    else if (is_killed)
        puts("killed");
    arena_free(arena);
    return status != ST_OK ? 1 : is_killed ? 3 : 0;
}
