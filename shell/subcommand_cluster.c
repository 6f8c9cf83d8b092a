/*
 * subcommand_cluster.c -- `vonk cluster init`, `up N` and `down`
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cluster/local_cluster.h"
#include "cluster/membership.h"
#include "shell/cluster_options.h"
#include "shell/subcommands.h"

static const char name[] = "cluster";

static void print_usage(FILE *to)
{
    fputs(
        "Usage: vonk cluster init --secret-file FILE\n"
        "       vonk cluster init --tls DIR [--days N] NODE[=ADDRESS,...]...\n"
        "       vonk cluster init --tls DIR --revoke NODE\n"
        "       vonk cluster up N [--dir DIR] [--secret-file FILE] [--cores N] [--memory SIZE]\n"
        "                         [--schedule fair|fifo] [--run-as USER]\n"
        "                         [--masters N --zookeeper SERVERS]\n"
        "       vonk cluster down [--dir DIR]\n\n"
        "init makes a secret: copy the file to every machine of a cluster, readable for its\n"
        "owner alone. Who has it is a member. Without one a cluster is for one machine only.\n"
        "With --tls each node has a key pair of its own, DIR/NODE.pem, which is then its\n"
        "--secret-file; DIR/ca.pem makes more of them, and is for no node. A node is only\n"
        "believed at its addresses: its name, those that are given, and loopback; =* is any.\n"
        "--revoke shuts one out where DIR/revoked is copied beside the nodes' files.\n\n"
        "up starts a master and N workers on this machine, waits until they are ready, and\n"
        "prints the master's URL; down ends them, and removes what they have left.\n\n"
        "  --dir DIR           of logs and of what the workers keep (default: in ~/.local/state)\n"
        "  --secret-file FILE  default: the one that VONK_SECRET_FILE names, or none\n"
        "  --cores N           to be shared out among the workers (default: the machine's)\n"
        "  --memory SIZE       so is this, e.g. 8GiB (default: three quarters of the machine's)\n"
        "  --schedule          who gets free cores: who has the fewest, or who came first\n"
        "  --days N            how long key pairs are valid (default: 825)\n"
        "  --run-as USER       of executors; needs root (default: the user's own)\n"
        "  --masters N         one of them leads, by ZooKeeper at host:2181[,host:2181][/path]\n",
        to);
}

static int init(const ClusterOptions *options)
{
    const char *path = membership_secret_file(options->secret_file);
    const RpcModule *rpc;
    Error err = ERROR_NONE;
    Status status;

    if (path == NULL) {
        fputs("vonk cluster init: --secret-file FILE says where the secret goes\n", stderr);
        return EXIT_USAGE;
    }
    status = rpc_module(&err, &rpc);
    if (status == ST_OK)
        status = rpc->secret_make(path, &err);
    if (status != ST_OK)
        return cluster_report("cluster init", &err);
    fprintf(stderr, "The cluster's secret is in \"%s\". Whoever can read it is a member.\n", path);
    return EXIT_OK;
}

/* The file may have been moved to the node; but who misspells a name shuts nobody out. */
static bool has_node_file(const char *folder, const char *node)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.pem", folder, node);
    return access(path, F_OK) == 0;
}

static int revoke_node(const ClusterOptions *options)
{
    const RpcModule *rpc;
    Error err = ERROR_NONE;
    Status status = rpc_module(&err, &rpc);

    if (status == ST_OK)
        status = rpc->node_keys_revoke(options->tls, options->revoke, &err);
    if (status != ST_OK)
        return cluster_report("cluster init", &err);
    fprintf(stderr,
            "\"%s/revoked\" names node %s now. Copy it beside the file of each other node: it is "
            "read at once.\n",
            options->tls, options->revoke);
    if (!has_node_file(options->tls, options->revoke))
        fprintf(stderr, "No %s.pem is in \"%s\": is this how the node is called?\n",
                options->revoke, options->tls);
    return EXIT_OK;
}

static int init_nodes(const ClusterOptions *options, char **names, int count)
{
    enum { DAYS = 825, DAYS_MAX = 3650 };
    const RpcModule *rpc;
    Error err = ERROR_NONE;
    int64_t days = DAYS;
    Status status;

    if (count == 0) {
        fputs("vonk cluster init: --tls DIR NODE... says for which nodes\n", stderr);
        return EXIT_USAGE;
    }
    if (options->days != NULL && !cluster_number(name, "--days", options->days, DAYS_MAX, &days))
        return EXIT_USAGE;
    status = rpc_module(&err, &rpc);
    if (status == ST_OK)
        status = rpc->node_keys_make(options->tls, (const char *const *)names, (uint32_t)count,
                                     (int)days, &err);
    if (status != ST_OK)
        return cluster_report("cluster init", &err);
    fprintf(stderr,
            "Each node's file in \"%s\" is for that node alone. Whoever can read ca.pem makes "
            "members.\n",
            options->tls);
    return EXIT_OK;
}

static int up(const ClusterOptions *options, const char *count, Arena *arena)
{
    LocalClusterOptions cluster = {
        .dir = cluster_folder(arena, options->dir, "cluster"),
        .secret_file = membership_secret_file(options->secret_file),
        .schedule = options->schedule != NULL ? options->schedule : "fair",
        .run_as = options->run_as,
    };
    const char *url;
    Error err = ERROR_NONE;
    int64_t number, masters = 1;

    if (!cluster_number(name, "up", count, LOCAL_WORKERS_MAX, &number))
        return EXIT_USAGE;
    cluster.workers = (uint32_t)number;
    if (options->masters != NULL &&
        !cluster_number(name, "--masters", options->masters, LOCAL_MASTERS_MAX, &masters))
        return EXIT_USAGE;
    cluster.masters = (uint32_t)masters;
    cluster.zookeeper = options->zookeeper;
    if (!cluster_cores(name, options->cores, &cluster.cores) ||
        !cluster_memory(name, options->memory, &cluster.memory_bytes))
        return EXIT_USAGE;
    if (local_cluster_up(&cluster, arena, &err, &url) != ST_OK)
        return cluster_report("cluster up", &err);
    if (cluster.secret_file == NULL)
        fputs("No secret: the cluster is for the users of this machine, and for all of them.\n",
              stderr);
    puts(url);
    return EXIT_OK;
}

static int down(const ClusterOptions *options, Arena *arena)
{
    const char *dir = cluster_folder(arena, options->dir, "cluster");
    Error err = ERROR_NONE;
    bool was_up;

    if (local_cluster_down(dir, arena, &err, &was_up) != ST_OK)
        return cluster_report("cluster down", &err);
    if (!was_up)
        fprintf(stderr, "There is no cluster in \"%s\".\n", dir);
    return EXIT_OK;
}

static int run(int argc, char **argv, Arena *arena)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("dir", dir),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          CLUSTER_TEXT("cores", cores),
                                          CLUSTER_TEXT("memory", memory),
                                          CLUSTER_TEXT("schedule", schedule),
                                          CLUSTER_TEXT("run-as", run_as),
                                          CLUSTER_TEXT("tls", tls),
                                          CLUSTER_TEXT("revoke", revoke),
                                          CLUSTER_TEXT("days", days),
                                          CLUSTER_TEXT("masters", masters),
                                          CLUSTER_TEXT("zookeeper", zookeeper),
                                          {NULL, 0, false}};
    ClusterOptions options;
    int at = cluster_options_parse(argc, argv, known, &options);
    const char *verb = at >= 0 && at < argc ? argv[at] : "";
    bool is_up = strcmp(verb, "up") == 0;
    bool is_for_nodes = strcmp(verb, "init") == 0 && options.tls != NULL;
    int most = is_up ? 2 : 1;

    if (at < 0)
        return EXIT_USAGE;
    if (options.wants_help || verb[0] == '\0') {
        print_usage(options.wants_help ? stdout : stderr);
        return options.wants_help ? EXIT_OK : EXIT_USAGE;
    }
    if (is_for_nodes)
        return options.revoke != NULL ? revoke_node(&options)
                                      : init_nodes(&options, argv + at + 1, argc - at - 1);
    if (argc - at > most) {
        fprintf(stderr, "vonk cluster %s: \"%s\" is too much\n", verb, argv[at + most]);
        return EXIT_USAGE;
    }
    if (is_up)
        return up(&options, argc - at == 2 ? argv[at + 1] : "", arena);
    if (strcmp(verb, "init") == 0)
        return init(&options);
    if (strcmp(verb, "down") == 0)
        return down(&options, arena);
    fprintf(stderr, "vonk cluster: \"%s\" is none of init, up, down\n", verb);
    return EXIT_USAGE;
}

int subcommand_cluster(int argc, char **argv)
{
    Arena *arena = arena_new(NULL, "cluster", ARENA_NO_CAP);
    int code = run(argc, argv, arena);

    arena_free(arena);
    return code;
}
