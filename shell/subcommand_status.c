/*
 * subcommand_status.c -- `vonk status` and `vonk kill`: what people ask a master
 */
#include <json-c/json.h>
#include <string.h>

#include "cluster/application.h"
#include "cluster/master_call.h"
#include "core/base/file.h"
#include "shell/cluster_options.h"
#include "shell/event_report.h"
#include "shell/subcommands.h"

enum { LOG_BYTES_MAX = 1 << 30 };

static void print_status_usage(FILE *to)
{
    fputs(
        "Usage: vonk status [--master URL] [--json] [--secret-file FILE]\n"
        "       vonk status --lineage APPLICATION [--master URL] [--secret-file FILE]\n"
        "       vonk status --from LOG [--lineage]\n\n"
        "Shows masters, workers, applications with their executors and stages, drivers that "
        "workers\n"
        "run with their logs, and what has ended; or what the jobs of one application did.\n\n"
        "  --lineage           of each stage what its partitions have: rows, and the hash that "
        "they\n"
        "                      must have again when they are lost and made anew\n"
        "  --from LOG          an event log, of a session whose setting event_log names a folder\n"
        "  --master URL        default: VONK_MASTER, or what vonk cluster up has started\n"
        "  --json              for programs\n"
        "  --secret-file FILE  default: the one that VONK_SECRET_FILE names\n",
        to);
}

static void print_kill_usage(FILE *to)
{
    fputs("Usage: vonk kill NUMBER [--master URL] [--secret-file FILE]\n\n"
          "Ends an application: its executors end, and its driver with an error; or a driver that\n"
          "a worker runs: its process ends. vonk status shows their numbers.\n",
          to);
}

/* Says what is wrong; true: nothing is. */
static bool has_master(const char *subcommand, const char *url)
{
    if (url == NULL)
        fprintf(stderr, "vonk %s: no cluster is up here; --master URL says whom to ask\n",
                subcommand);
    return url != NULL;
}

static int show_status(Arena *arena, const char *url, const ClusterOptions *options)
{
    Error err = ERROR_NONE;
    const char *text = "";
    MasterCall call;
    Status status = master_call_open(arena, url, options->secret_file, &err, &call);

    if (status == ST_OK)
        status = call.rpc->rpc_master_status(call.pool, call.master, options->is_json,
                                             master_call_deadline(), arena, &err, &text);
    master_call_close(&call);
    if (status != ST_OK)
        return cluster_report("status", &err);
    fputs(text, stdout);
    return EXIT_OK;
}

/* --- what one application did --- */

/* False: it is no event log. */
static bool print_report(Arena *arena, const char *text, size_t byte_count, bool with_lineage)
{
    StrBuf report = {.arena = arena};
    bool has_events = event_report(text, byte_count, with_lineage, &report);

    if (has_events)
        fputs(strbuf_text(&report), stdout);
    return has_events;
}

static int show_log(Arena *arena, const char *path, bool with_lineage)
{
    MemPool *pool = mem_pool_new(NULL, "event log", MEM_POOL_NO_LIMIT);
    Error err = ERROR_NONE;
    void *text = NULL;
    size_t byte_count = 0;
    Status status = file_read_whole(path, LOG_BYTES_MAX, pool, &err, &text, &byte_count);

    if (status == ST_OK && !print_report(arena, text, byte_count, with_lineage))
        status =
            error_set(&err, ST_BAD_INPUT, "\"%s\" is no event log: there is no event in it", path);
    mem_pool_release(pool, text, byte_count);
    mem_pool_free(pool);
    return status == ST_OK ? EXIT_OK : cluster_report("status", &err);
}

/* Where the application's driver answers, by the master's status; and to whom. */
static Status find_driver(const char *status_json, int64_t application, Arena *arena, Error *err,
                          RpcAddress *driver_out, Identity *as_out)
{
    json_object *status = json_tokener_parse(status_json), *list = NULL, *host, *port, *driver;
    size_t count = json_object_object_get_ex(status, "applications", &list)
                       ? json_object_array_length(list)
                       : 0;

    *driver_out = (RpcAddress){0};
    *as_out = (Identity){0};
    for (size_t i = 0; i < count; i++) {
        json_object *item = json_object_array_get_idx(list, i), *id;

        if (json_object_object_get_ex(item, "id", &id) &&
            json_object_get_int64(id) == application &&
            json_object_object_get_ex(item, "driver_host", &host) &&
            json_object_object_get_ex(item, "driver_port", &port) &&
            json_object_object_get_ex(item, "driver", &driver)) {
            *driver_out = (RpcAddress){arena_strdup(arena, json_object_get_string(host)),
                                       (uint16_t)json_object_get_int(port)};
            *as_out = (Identity){json_object_get_int64(driver), application};
        }
    }
    json_object_put(status);
    if (driver_out->host == NULL)
        return error_set(err, ST_BAD_INPUT,
                         "there is no application %lld; of one that has ended its event log tells: "
                         "vonk status --from LOG --lineage",
                         (long long)application);
    return ST_OK;
}

static int show_lineage(Arena *arena, const char *url, const ClusterOptions *options,
                        const char *number)
{
    Error err = ERROR_NONE;
    BlockPiece events = {0};
    const char *json = "";
    int64_t application;
    RpcAddress driver;
    MasterCall call;
    Identity as;
    Status status;

    if (!cluster_number("status", "APPLICATION", number, INT64_MAX, &application))
        return EXIT_USAGE;
    status = master_call_open(arena, url, options->secret_file, &err, &call);
    if (status == ST_OK)
        status = call.rpc->rpc_master_status(call.pool, call.master, true, master_call_deadline(),
                                             arena, &err, &json);
    if (status == ST_OK)
        status = find_driver(json, application, arena, &err, &driver, &as);
    if (status == ST_OK) {
        call.rpc->rpc_pool_speak_as(call.pool, as);
        status = call.rpc->rpc_driver_fetch_object(call.pool, driver, APPLICATION_EVENTS, 0,
                                                   BLOCK_PIECE_BYTES_MAX, master_call_deadline(),
                                                   arena, &err, &events);
    }
    master_call_close(&call);
    if (status != ST_OK)
        return cluster_report("status", &err);
    (void)print_report(arena, events.bytes, events.byte_count, true); /* it has registered */
    return EXIT_OK;
}

static int kill_application(Arena *arena, const char *url, const ClusterOptions *options,
                            const char *number)
{
    Error err = ERROR_NONE;
    int64_t application;
    MasterCall call;
    Status status;

    if (!cluster_number("kill", "NUMBER", number, INT64_MAX, &application))
        return EXIT_USAGE;
    status = master_call_open(arena, url, options->secret_file, &err, &call);
    if (status == ST_OK)
        status = call.rpc->rpc_master_kill_application(call.pool, call.master, application,
                                                       master_call_deadline(), &err);
    master_call_close(&call);
    return status == ST_OK ? EXIT_OK : cluster_report("kill", &err);
}

static int show(Arena *arena, const char *url, const ClusterOptions *options, int count,
                char **words)
{
    bool of_one = options->with_lineage && options->from == NULL;

    if (options->is_json && (of_one || options->from != NULL)) {
        fputs("vonk status: --json is for the master's answer; an event log is JSON as it is\n",
              stderr);
        return EXIT_USAGE;
    }
    if (of_one && count == 0) {
        fputs("vonk status: --lineage of which application? vonk status shows their numbers\n",
              stderr);
        return EXIT_USAGE;
    }
    if (count > (of_one ? 1 : 0)) {
        fprintf(stderr, "vonk status: \"%s\" is too much\n", words[of_one ? 1 : 0]);
        return EXIT_USAGE;
    }
    if (options->from != NULL)
        return show_log(arena, options->from, options->with_lineage);
    if (!has_master("status", url))
        return EXIT_USAGE;
    return of_one ? show_lineage(arena, url, options, words[0]) : show_status(arena, url, options);
}

int subcommand_status(int argc, char **argv)
{
    static const ClusterOption known[] = {
        CLUSTER_TEXT("master", master),  CLUSTER_TEXT("secret-file", secret_file),
        CLUSTER_TEXT("from", from),      CLUSTER_SWITCH("lineage", with_lineage),
        CLUSTER_SWITCH("json", is_json), {NULL, 0, false}};
    Arena *arena = arena_new(NULL, "status", ARENA_NO_CAP);
    ClusterOptions options;
    int at = cluster_options_parse(argc, argv, known, &options), code = EXIT_USAGE;
    const char *url = at < 0 ? NULL : cluster_master(arena, options.master);

    if (at >= 0 && options.wants_help) {
        print_status_usage(stdout);
        code = EXIT_OK;
    } else if (at >= 0) {
        code = show(arena, url, &options, argc - at, argv + at);
    }
    arena_free(arena);
    return code;
}

int subcommand_kill(int argc, char **argv)
{
    static const ClusterOption known[] = {
        CLUSTER_TEXT("master", master), CLUSTER_TEXT("secret-file", secret_file), {NULL, 0, false}};
    Arena *arena = arena_new(NULL, "kill", ARENA_NO_CAP);
    ClusterOptions options;
    int at = cluster_options_parse(argc, argv, known, &options), code = EXIT_USAGE;
    const char *url = at < 0 ? NULL : cluster_master(arena, options.master);

    if (at >= 0 && options.wants_help) {
        print_kill_usage(stdout);
        code = EXIT_OK;
    } else if (at >= 0 && argc - at != 1) {
        fputs("vonk kill: which application, or driver? vonk status shows their numbers\n", stderr);
    } else if (at >= 0 && has_master("kill", url)) {
        code = kill_application(arena, url, &options, argv[at]);
    }
    arena_free(arena);
    return code;
}
