/*
 * subcommand_executor.c -- `vonk executor`: what a worker starts, for one application
 */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/executor_process.h"
#include "cluster/master_url.h"
#include "cluster/membership.h"
#include "core/base/block_memory.h"
#include "core/base/log.h"
#include "engine/executor_hooks.h"
#include "exec/user_task.h"
#include "shell/cluster_options.h"
#include "shell/subcommands.h"

/* What still runs when it should have ended is left to the system. */
enum { END_SECONDS = 3 };

enum { IDLE_BYTES = 2 << 20 };       /* of blocks that tasks have freed */
enum { MMAP_BYTES_MIN = 128 << 10 }; /* malloc has the system map larger blocks one by one */

static Executor *running; /* for the signal's handler */

static void print_usage(FILE *to)
{
    fputs("Usage: vonk executor --driver HOST:PORT --executor ID --application ID --dir DIR\n"
          "                     [OPTION]...\n\n"
          "Runs tasks of one application. Started by a worker.\n\n"
          "  --host HOST         where the driver and other executors reach it\n"
          "                      (default: 127.0.0.1)\n"
          "  --cores N           tasks at a time (default: all cores)\n"
          "  --memory SIZE       for tasks and blocks (default: three quarters)\n"
          "  --keep-dir DIR      where what tasks make is kept beyond this process's end,\n"
          "  --keep SIZE         in so many bytes (default: 0, nothing)\n"
          "  --keeper-port N     where the host serves what is there\n"
          "  --keep-key FILE     the key of what is encrypted there (default: nothing is)\n"
          "  --secret-file FILE  default: the one that VONK_SECRET_FILE names\n",
          to);
}

static void on_signal(int number)
{
    (void)number;
    executor_stop(running);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Memory that is free is the system's again: who has more than it may is ended, however much of it
 * lies idle between what is in use. Else malloc keeps what was freed for blocks of that size, which
 * those of the next phase are not. */
static void give_memory_back(void)
{
    block_memory_keep(IDLE_BYTES);
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES_MIN);
#endif
}

static Status run(const ExecutorOptions *options, Error *err)
{
    ExecutorHooks *hooks;
    Executor *executor;
    Status status;

    give_memory_back();
    TRY(executor_new(options, err, &executor));
    running = executor;
    watch_signals();
    hooks = executor_hooks_new(executor);
    status = executor_run(executor, executor_hooks_of(hooks), err);
    alarm(END_SECONDS);
    executor_end(executor);
    executor_hooks_free(hooks); /* holds tables, whose memory is of the executor's pool */
    executor_free(executor);
    return status;
}

static CodeCache *make_cache(void)
{
    char directory[4096];
    bool on_disk = code_cache_default_directory(directory, sizeof directory);

    return code_cache_new(on_disk ? directory : NULL, (uint64_t)256 << 20, false);
}

/* For tests of what damaged blocks do. */
static uint32_t damage_every(void)
{
    const char *text = getenv("VONK_TEST_DAMAGE");

    return text == NULL ? 0 : (uint32_t)strtoul(text, NULL, 10);
}

static int start(const ClusterOptions *given)
{
    Arena *arena = arena_new(NULL, "executor", ARENA_NO_CAP);
    ExecutorOptions options = {.host = given->host != NULL ? given->host : "127.0.0.1",
                               .folder = given->dir,
                               .keep_folder = given->keep_dir,
                               .keep_key = given->keep_key,
                               .secret_file = membership_secret_file(given->secret_file),
                               .damage_every = damage_every()};
    int64_t memory_bytes = 0, keep_bytes = 0, keeper_port = 0;
    Error err = ERROR_NONE;
    MasterUrl driver;
    int32_t cores = 0;
    int code = EXIT_USAGE;
    Status status;

    if (cluster_number("executor", "--executor", given->executor, INT64_MAX, &options.executor) &&
        cluster_number("executor", "--application", given->application, INT64_MAX,
                       &options.application) &&
        cluster_cores("executor", given->cores, &cores) &&
        cluster_memory("executor", given->memory, &memory_bytes) &&
        cluster_keep("executor", given->keep, 0, &keep_bytes) &&
        (keep_bytes == 0 || given->keep_dir == NULL || given->keeper_port == NULL ||
         cluster_number("executor", "--keeper-port", given->keeper_port, UINT16_MAX,
                        &keeper_port))) {
        options.cores = (uint32_t)cores;
        options.memory_bytes = (uint64_t)memory_bytes;
        options.keep_bytes = (uint64_t)keep_bytes;
        options.keep_least_ms = EXECUTOR_KEEP_LEAST_MS;
        options.keeper_port = (uint16_t)keeper_port;
        status =
            master_url_parse(arena, arena_printf(arena, "vonk://%s", given->driver), &err, &driver);
        options.driver = master_url_address(&driver);
        options.cache = make_cache();
        user_task_report_crashes();
        if (status == ST_OK)
            status = run(&options, &err);
        code_cache_free(options.cache);
        code = status == ST_OK ? EXIT_OK : cluster_report("executor", &err);
    }
    arena_free(arena);
    return code;
}

int subcommand_executor(int argc, char **argv)
{
    static const ClusterOption known[] = {CLUSTER_TEXT("driver", driver),
                                          CLUSTER_TEXT("executor", executor),
                                          CLUSTER_TEXT("application", application),
                                          CLUSTER_TEXT("host", host),
                                          CLUSTER_TEXT("cores", cores),
                                          CLUSTER_TEXT("memory", memory),
                                          CLUSTER_TEXT("dir", dir),
                                          CLUSTER_TEXT("keep", keep),
                                          CLUSTER_TEXT("keep-dir", keep_dir),
                                          CLUSTER_TEXT("keep-key", keep_key),
                                          CLUSTER_TEXT("keeper-port", keeper_port),
                                          CLUSTER_TEXT("secret-file", secret_file),
                                          {NULL, 0, false}};
    ClusterOptions given;
    int at = cluster_options_parse(argc, argv, known, &given);

    if (at < 0)
        return EXIT_USAGE;
    if (given.wants_help) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (at < argc || given.driver == NULL || given.executor == NULL || given.application == NULL ||
        given.dir == NULL) {
        fputs("vonk executor: a worker starts it; vonk executor --help tells the usage\n", stderr);
        return EXIT_USAGE;
    }
    log_set_level(LOG_INFO);
    return start(&given);
}
