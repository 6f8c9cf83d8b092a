/*
 * subcommand_processes.c -- `vonk master` and `vonk worker`: the long-lived processes of a cluster
 */
#include <string.h>

#include "cluster/master_call.h"
#include "cluster/master_main.h"
#include "cluster/membership.h"
#include "cluster/own_address.h"
#include "cluster/worker_main.h"
#include "shell/cluster_options.h"
#include "shell/subcommands.h"

static bool take_ready_fd(const char *subcommand, const char *text, int *fd_out)
{
    int64_t fd = -1;
    bool is_right = text == NULL || cluster_number(subcommand, "--ready-fd", text, 1 << 20, &fd);

    *fd_out = (int)fd;
    return is_right;
}

static int too_much(const char *subcommand, const char *argument)
{
    fprintf(stderr, "vonk %s: \"%s\" is too much; vonk %s --help tells the usage\n", subcommand,
            argument, subcommand);
    return EXIT_USAGE;
}

/* --- master --- */

static void print_master_usage(FILE *to)
{
    fputs(
        "Usage: vonk master [OPTION]...\n\n"
        "Knows the workers and the applications of a cluster, and says which worker runs\n"
        "executors of which application. Applications go on while it is away.\n\n"
        "  --host HOST         to listen on (default: 127.0.0.1)\n"
        "  --port N            default: 7077; 0: any that is free\n"
        "  --secret-file FILE  default: the one that VONK_SECRET_FILE names; without a secret\n"
        "                      only loopback addresses are used\n"
        "  --schedule          fair (default): free cores go to the application with the fewest;\n"
        "                      fifo: to the one that came first\n"
        "  --zookeeper SERVERS host:2181[,host:2181][/path]: one of the masters that are started\n"
        "                      so leads, the others stand by; all are named in the cluster's URL,\n"
        "                      vonk://host:port,host:port\n"
        "  --dir DIR           where drivers are kept that workers run, so that a master that is\n"
        "                      started again knows them; with --zookeeper they are kept there\n"
        "  --log-file FILE     instead of standard error; a new one is begun at 10 MiB\n"
        "  --ready-fd N        the URL is written there when calls are answered\n",
        to);
}

static bool take_master_options(const ClusterOptions *given, MasterOptions *options)
{
    int64_t port = MASTER_PORT;

    *options = (MasterOptions){
        .host = given->host != NULL ? given->host : "127.0.0.1",
        .secret_file = membership_secret_file(given->secret_file),
        .zookeeper = given->zookeeper,
        .dir = given->dir,
        .log_file = given->log_file,
    };
    if (given->port != NULL && strcmp(given->port, "0") == 0)
        port = 0;
    else if (given->port != NULL &&
             !cluster_number("master", "--port", given->port, UINT16_MAX, &port))
        return false;
    options->port = (uint16_t)port;
    if (given->schedule != NULL && strcmp(given->schedule, "fifo") == 0)
        options->schedule = SCHEDULE_FIFO;
    else if (given->schedule != NULL && strcmp(given->schedule, "fair") != 0) {
        fprintf(stderr, "vonk master: --schedule takes fair or fifo, not \"%s\"\n",
                given->schedule);
        return false;
    }
    return take_ready_fd("master", given->ready_fd, &options->ready_fd);
}

int subcommand_master(int argc, char **argv)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("host", host),
                                          CLUSTER_TEXT("port", port),
                                          CLUSTER_TEXT("schedule", schedule),
                                          CLUSTER_TEXT("zookeeper", zookeeper),
                                          CLUSTER_TEXT("dir", dir),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          CLUSTER_TEXT("log-file", log_file),
                                          CLUSTER_TEXT("ready-fd", ready_fd),
                                          {NULL, 0, false}};
    ClusterOptions given;
    MasterOptions options;
    Error err = ERROR_NONE;
    int at = cluster_options_parse(argc, argv, known, &given);

    if (at >= 0 && given.wants_help) {
        print_master_usage(stdout);
        return EXIT_OK;
    }
    if (at >= 0 && at < argc)
        return too_much("master", argv[at]);
    if (at < 0 || !take_master_options(&given, &options))
        return EXIT_USAGE;
    return master_run(&options, &err) == ST_OK ? EXIT_OK : cluster_report("master", &err);
}

/* --- worker --- */

static void print_worker_usage(FILE *to)
{
    fputs("Usage: vonk worker --master URL [OPTION]...\n"
          "       vonk worker --master URL --drain WORKER\n\n"
          "Starts executors on this machine as the master says, and watches them. The second form\n"
          "has a worker get no more, and end when applications have moved elsewhere; vonk status\n"
          "shows its number.\n\n"
          "  --master URL        vonk://host:port (default: VONK_MASTER)\n"
          "  --host HOST         where executors listen: an address that drivers and other\n"
          "                      executors reach (default: the one that reaches the master)\n"
          "  --cores N           to be used (default: all)\n"
          "  --memory SIZE       to be used, e.g. 8GiB (default: three quarters)\n"
          "  --dir DIR           of logs, spill and blocks of executors, this worker's alone\n"
          "                      (default: worker in ~/.local/state/vonk)\n"
          "  --keep SIZE         what tasks made is kept there beyond their executor's end, up to\n"
          "                      so much an application (default: half of what is free; 0: none)\n"
          "  --run-as USER       of executors, and of drivers that it runs; needs root\n"
          "                      (default: the worker's own)\n"
          "  --secret-file FILE  default: the one that VONK_SECRET_FILE names\n"
          "  --log-file FILE     instead of standard error; a new one is begun at 10 MiB\n"
          "  --ready-fd N        a line is written there when the worker is registered\n",
          to);
}

static int drain(Arena *arena, const char *url, const ClusterOptions *given)
{
    Error err = ERROR_NONE;
    int64_t worker;
    MasterCall call;
    Status status;

    if (!cluster_number("worker", "--drain", given->drain, INT64_MAX, &worker))
        return EXIT_USAGE;
    status = master_call_open(arena, url, given->secret_file, &err, &call);
    if (status == ST_OK)
        status = call.rpc->rpc_master_drain_worker(call.pool, call.master, worker,
                                                   master_call_deadline(), &err);
    master_call_close(&call);
    return status == ST_OK ? EXIT_OK : cluster_report("worker", &err);
}

static int work(Arena *arena, const char *url, const ClusterOptions *given)
{
    WorkerOptions options = {
        .host = given->host,
        .dir = cluster_folder(arena, given->dir, "worker"),
        .secret_file = membership_secret_file(given->secret_file),
        .run_as = given->run_as,
        .log_file = given->log_file,
    };
    Error err = ERROR_NONE;

    if (!cluster_keep("worker", given->keep, -1, &options.keep_bytes) ||
        !cluster_cores("worker", given->cores, &options.cores) ||
        !cluster_memory("worker", given->memory, &options.memory_bytes) ||
        !take_ready_fd("worker", given->ready_fd, &options.ready_fd))
        return EXIT_USAGE;
    if (master_url_parse(arena, url, &err, &options.master) != ST_OK)
        return cluster_report("worker", &err);
    if (options.host == NULL &&
        own_address(arena, master_url_address(&options.master), &err, &options.host) != ST_OK)
        return cluster_report("worker", &err);
    return worker_run(&options, &err) == ST_OK ? EXIT_OK : cluster_report("worker", &err);
}

int subcommand_worker(int argc, char **argv)
{
    static const ClusterOption known[] = {
        CLUSTER_TEXT("master", master),     CLUSTER_TEXT("host", host),
        CLUSTER_TEXT("cores", cores),       CLUSTER_TEXT("memory", memory),
        CLUSTER_TEXT("dir", dir),           CLUSTER_TEXT("secret-file", secret_file),
        CLUSTER_TEXT("log-file", log_file), CLUSTER_TEXT("ready-fd", ready_fd),
        CLUSTER_TEXT("drain", drain),       CLUSTER_TEXT("keep", keep),
        CLUSTER_TEXT("run-as", run_as),     {NULL, 0, false}};
    Arena *arena = arena_new(NULL, "worker", ARENA_NO_CAP);
    ClusterOptions given;
    int at = cluster_options_parse(argc, argv, known, &given), code = EXIT_USAGE;
    const char *url = at < 0 ? NULL : cluster_master(arena, given.master);

    if (at >= 0 && given.wants_help) {
        print_worker_usage(stdout);
        code = EXIT_OK;
    } else if (at >= 0 && at < argc) {
        code = too_much("worker", argv[at]);
    } else if (at >= 0 && url == NULL) {
        fputs("vonk worker: --master URL says whose worker this is\n", stderr);
    } else if (at >= 0) {
        code = given.drain != NULL ? drain(arena, url, &given) : work(arena, url, &given);
    }
    arena_free(arena);
    return code;
}
