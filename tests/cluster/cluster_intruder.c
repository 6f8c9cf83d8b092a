/*
 * cluster_intruder.c -- makes every call of a service that there is, with a key that is not for it
 *
 *     cluster_intruder --secret-file FILE --application N master|driver|executor|blocks HOST:PORT
 *
 * application: whose blocks are asked for, and who it says it is. A line for each call, of its name
 * in the IDL and what came of it:
 *
 *     kill_application 42501 app/7 may not kill an application
 *     status ok
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/block_wire.h"
#include "cluster/master_call.h"
#include "core/base/clock.h"

typedef struct Intruder {
    const RpcModule *rpc;
    RpcPool *pool;
    RpcAddress at;
    int64_t application;
    Arena *arena;
    Error err;
} Intruder;

static int64_t soon(void)
{
    return clock_now_ns() + INT64_C(20000000000);
}

static void tell(Intruder *intruder, const char *call, Status status)
{
    if (status == ST_OK)
        printf("%s ok\n", call);
    else
        printf("%s %s %s\n", call, intruder->err.sqlstate[0] == '\0' ? "-" : intruder->err.sqlstate,
               intruder->err.message);
    intruder->err = ERROR_NONE;
}

/* The functions of a service all begin and end alike. */
#define CALL(name, function, ...) tell(in, name, in->rpc->function(in->pool, in->at, __VA_ARGS__))

static void call_workers(Intruder *in)
{
    WorkerInfo worker = {.build = membership_build(),
                         .name = "intruder:/nowhere",
                         .pid = 1,
                         .cores = 64,
                         .memory_bytes = INT64_C(1) << 40,
                         .incarnation = 4711};
    WorkerReport report = {.worker = 1, .incarnation = 4711, .number = 1};
    WorkerOrders orders;
    int64_t id;

    CALL("register_worker", rpc_master_register_worker, &worker, soon(), &in->err, &id);
    CALL("worker_heartbeat", rpc_master_worker_heartbeat, &report, 0, soon(), in->arena, &in->err,
         &orders);
    CALL("executor_ended", rpc_master_executor_ended, 1, 1, 1, "", 0, soon(), &in->err);
    CALL("end_worker", rpc_master_end_worker, 1, 1, soon(), &in->err);
    CALL("drain_worker", rpc_master_drain_worker, 1, soon(), &in->err);
}

static void call_applications(Intruder *in)
{
    ApplicationInfo info = {.build = membership_build(),
                            .name = "intruder",
                            .driver = {"127.0.0.1", 9},
                            .executors = 1,
                            .incarnation = 4711,
                            .application = in->application};
    ApplicationNews news;
    int64_t id;

    CALL("register_application", rpc_master_register_application, &info, soon(), &in->err, &id);
    CALL("application_heartbeat", rpc_master_application_heartbeat, in->application, 4711, NULL, 0,
         soon(), in->arena, &in->err, &news);
    CALL("release_executor", rpc_master_release_executor, in->application, 4711, 1, "", soon(),
         &in->err);
    CALL("end_application", rpc_master_end_application, in->application, 4711, soon(), &in->err);
    CALL("kill_application", rpc_master_kill_application, in->application, soon(), &in->err);
}

static void call_master(Intruder *in)
{
    DriverStatus status;
    MasterCounts counts;
    WireBytes package;
    const char *text;
    int64_t id;

    call_workers(in);
    call_applications(in);
    CALL("submit_driver", rpc_master_submit_driver, membership_build(), 4711, (WireBytes){0},
         (WireBytes){0}, soon(), &in->err, &id);
    CALL("fetch_package", rpc_master_fetch_package, 1, soon(), in->arena, &in->err, &package);
    CALL("driver_status", rpc_master_driver_status, 1, soon(), in->arena, &in->err, &status);
    CALL("status", rpc_master_status, true, soon(), in->arena, &in->err, &text);
    CALL("counts", rpc_master_counts, soon(), &in->err, &counts);
}

static void call_blocks(Intruder *in)
{
    FetchMap map = {.map = 0};
    FetchWanted wanted = {.owner = {in->application, 1}, .output = 1, .map_count = 1, .maps = &map};
    WireWriter to = {.arena = in->arena};
    BlockPiece piece;

    fetch_wanted_put(&to, &wanted);
    CALL("fetch", rpc_blocks_fetch, (BlockName){.owner = wanted.owner, .output = 1}, 0, 1, soon(),
         in->arena, &in->err, &piece);
    CALL("fetch_many", rpc_blocks_fetch_many, (WireBytes){to.bytes, to.length}, soon(), NULL, NULL,
         &in->err);
}

static void call_driver(Intruder *in)
{
    ExecutorHello hello = {.version = VONK_VERSION,
                           .vocabulary = membership_build().vocabulary,
                           .executor = 4711,
                           .address = {"127.0.0.1", 9},
                           .slots = 1,
                           .application = in->application};
    WireBytes answer;
    BlockPiece piece;
    uint64_t place;

    CALL("register_executor", rpc_driver_register_executor, &hello, soon(), &in->err, &place);
    CALL("executor_ended", rpc_driver_executor_ended, &(ExecutorEnd){1, "", true, 0}, soon(),
         &in->err);
    CALL("report", rpc_driver_report, 1, (WireBytes){0}, soon(), in->arena, &in->err, &answer);
    CALL("fetch_object", rpc_driver_fetch_object, 1, 0, 1, soon(), in->arena, &in->err, &piece);
    CALL("ask_chunk", rpc_driver_ask_chunk, (WireBytes){0}, soon(), in->arena, &in->err, &answer);
    call_blocks(in);
}

static void call_executor(Intruder *in)
{
    BlockPiece piece;

    CALL("deliver", rpc_executor_deliver, (WireBytes){0}, soon(), &in->err);
    CALL("fetch_object", rpc_executor_fetch_object, 1, 0, 1, soon(), in->arena, &in->err, &piece);
    call_blocks(in);
}

static Status intrude(Intruder *intruder, const char *secret_file, const char *service,
                      const char *address)
{
    ChannelKeys *keys;
    MasterUrl url;
    Error *err = &intruder->err;

    TRY(rpc_module(err, &intruder->rpc));
    TRY(membership_keys(intruder->rpc, secret_file, err, &keys));
    TRY(master_url_parse(intruder->arena, arena_printf(intruder->arena, "vonk://%s", address), err,
                         &url));
    intruder->at = master_url_address(&url);
    intruder->pool = intruder->rpc->rpc_pool_new(keys, 1);
    if (strcmp(service, "master") == 0)
        call_master(intruder);
    else if (strcmp(service, "driver") == 0)
        call_driver(intruder);
    else if (strcmp(service, "executor") == 0)
        call_executor(intruder);
    else
        call_blocks(intruder);
    intruder->rpc->rpc_pool_free(intruder->pool);
    if (keys != NULL)
        intruder->rpc->channel_keys_free(keys);
    return ST_OK;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"secret-file", required_argument, NULL, 's'},
                                          {"application", required_argument, NULL, 'a'},
                                          {NULL, 0, NULL, 0}};
    Intruder intruder = {.arena = arena_new(NULL, "intruder", ARENA_NO_CAP), .err = ERROR_NONE};
    const char *secret_file = NULL;
    Status status = ST_OK;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 's')
            secret_file = optarg;
        else if (option == 'a')
            intruder.application = atoll(optarg);
        else
            return 2;
    }
    if (optind + 2 != argc)
        return 2;
    status = intrude(&intruder, secret_file, argv[optind], argv[optind + 1]);
    if (status != ST_OK)
        fprintf(stderr, "%s\n", intruder.err.message);
    arena_free(intruder.arena);
    return status == ST_OK ? 0 : 1;
}
