/*
 * subcommand_keeper.c -- `vonk keeper`: what a worker starts, to serve what its executors have kept
 */
#include <signal.h>
#include <unistd.h>

#include "cluster/block_keeper.h"
#include "cluster/membership.h"
#include "core/base/log.h"
#include "shell/cluster_options.h"
#include "shell/subcommands.h"

static void print_usage(FILE *to)
{
    fputs("Usage: vonk keeper --dir DIR --listener FD [--secret-file FILE] [--keep-key FILE]\n\n"
          "Serves the blocks that executors of one worker have kept. Started by that worker.\n",
          to);
}

/* Until a signal ends the process: it has nothing that would have to be put away. */
static int serve(const KeeperOptions *options)
{
    Error err = ERROR_NONE;
    BlockKeeper *keeper;

    signal(SIGPIPE, SIG_IGN);
    if (block_keeper_new(options, &err, &keeper) != ST_OK)
        return cluster_report("keeper", &err);
    for (;;)
        pause();
}

int subcommand_keeper(int argc, char **argv)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("dir", dir),
                                          CLUSTER_TEXT("listener", listener),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          CLUSTER_TEXT("keep-key", keep_key),
                                          {NULL, 0, false}};
    ClusterOptions given;
    int at = cluster_options_parse(argc, argv, known, &given);
    KeeperOptions options = {.dir = given.dir, .keep_key = given.keep_key};
    int64_t listener;

    if (at < 0)
        return EXIT_USAGE;
    if (given.wants_help) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (at < argc || given.dir == NULL || given.listener == NULL) {
        fputs("vonk keeper: a worker starts it; vonk keeper --help tells the usage\n", stderr);
        return EXIT_USAGE;
    }
    if (!cluster_number("keeper", "--listener", given.listener, INT32_MAX, &listener))
        return EXIT_USAGE;
    options.listener = (int)listener;
    options.secret_file = membership_secret_file(given.secret_file);
    return serve(&options);
}
