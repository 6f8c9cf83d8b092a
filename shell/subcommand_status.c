/*
 * subcommand_status.c -- `vonk status` and `vonk kill`: what people ask a master
 */
#include <string.h>

#include "cluster/master_call.h"
#include "shell/cluster_options.h"
#include "shell/subcommands.h"

static void print_status_usage(FILE *to)
{
    fputs("Usage: vonk status [--master URL] [--json] [--secret-file FILE]\n\n"
          "Shows workers, applications with their executors and stages, and what has ended.\n\n"
          "  --master URL        default: VONK_MASTER, or what vonk cluster up has started\n"
          "  --json              for programs\n"
          "  --secret-file FILE  default: the one that VONK_SECRET_FILE names\n",
          to);
}

static void print_kill_usage(FILE *to)
{
    fputs("Usage: vonk kill APPLICATION [--master URL] [--secret-file FILE]\n\n"
          "Ends an application: its executors end, and its driver with an error. vonk status\n"
          "shows its number.\n",
          to);
}

/* Says what is wrong; true: nothing is. */
static bool has_master(const char *subcommand, const char *url)
{
    if (url == NULL)
        fprintf(stderr, "vonk %s: --master URL says whom to ask\n", subcommand);
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

static int kill_application(Arena *arena, const char *url, const ClusterOptions *options,
                            const char *number)
{
    Error err = ERROR_NONE;
    int64_t application;
    MasterCall call;
    Status status;

    if (!cluster_number("kill", "APPLICATION", number, INT64_MAX, &application))
        return EXIT_USAGE;
    status = master_call_open(arena, url, options->secret_file, &err, &call);
    if (status == ST_OK)
        status = call.rpc->rpc_master_kill_application(call.pool, call.master, application,
                                                       master_call_deadline(), &err);
    master_call_close(&call);
    return status == ST_OK ? EXIT_OK : cluster_report("kill", &err);
}

int subcommand_status(int argc, char **argv)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("master", master),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          CLUSTER_SWITCH("json", is_json),
                                          {NULL, 0, false}};
    Arena *arena = arena_new(NULL, "status", ARENA_NO_CAP);
    ClusterOptions options;
    int at = cluster_options_parse(argc, argv, known, &options), code = EXIT_USAGE;
    const char *url = at < 0 ? NULL : cluster_master(arena, options.master);

    if (at >= 0 && options.wants_help) {
        print_status_usage(stdout);
        code = EXIT_OK;
    } else if (at >= 0 && at < argc) {
        fprintf(stderr, "vonk status: \"%s\" is too much\n", argv[at]);
    } else if (at >= 0 && has_master("status", url)) {
        code = show_status(arena, url, &options);
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
        fputs("vonk kill: which application? vonk status shows their numbers\n", stderr);
    } else if (at >= 0 && has_master("kill", url)) {
        code = kill_application(arena, url, &options, argv[at]);
    }
    arena_free(arena);
    return code;
}
