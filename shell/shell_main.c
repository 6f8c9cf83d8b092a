/*
 * shell_main.c -- the program `vonk`: chooses the subcommand
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/nearest.h"
#include "shell/subcommands.h"

static int subcommand_version(int argc, char **argv);
static int subcommand_help(int argc, char **argv);

typedef struct Subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} Subcommand;

static const Subcommand subcommands[] = {
    {"sql", subcommand_sql, "run SQL over a folder of Parquet and CSV files, or type it"},
    {"submit", subcommand_submit, "run a job: a C file whose vonk_main works on RDDs"},
    {"cc", subcommand_cc, "compile a job to a shared object"},
    {"cluster", subcommand_cluster, "a cluster on this machine: up, down; init makes a secret"},
    {"master", subcommand_master, "be the master of a cluster"},
    {"worker", subcommand_worker, "be a worker of a cluster: start and watch executors"},
    {"executor", subcommand_executor, "run tasks of one application: what a worker starts"},
    {"keeper", subcommand_keeper, "serve what executors have kept: what a worker starts"},
    {"status", subcommand_status, "show a cluster's workers, applications and executors"},
    {"metrics", subcommand_metrics, "metrics of a cluster, for Prometheus"},
    {"kill", subcommand_kill, "end an application"},
    {"version", subcommand_version, "show the version"},
    {"help", subcommand_help, "show this"},
};

enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof subcommands[0] };

static const Subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

static int unknown_subcommand(const char *name)
{
    Nearest nearest = nearest_to(name);

    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        nearest_offer(&nearest, subcommands[i].name);
    if (nearest.name != NULL)
        fprintf(stderr, "vonk: there is no command \"%s\": perhaps you meant \"%s\"\n", name,
                nearest.name);
    else
        fprintf(stderr, "vonk: there is no command \"%s\"; vonk help lists them\n", name);
    return EXIT_USAGE;
}

static int unwanted(const char *argument)
{
    fprintf(stderr, "vonk: \"%s\" is too much; vonk help tells the usage\n", argument);
    return EXIT_USAGE;
}

static int subcommand_version(int argc, char **argv)
{
    if (argc > 1)
        return unwanted(argv[1]);
    puts("vonk " VONK_VERSION);
    return EXIT_OK;
}

static void print_help(FILE *to)
{
    fputs("Usage: vonk COMMAND [ARGUMENT]...\n\n", to);
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        fprintf(to, "  vonk %-8s  %s\n", subcommands[i].name, subcommands[i].what);
    fputs("\nvonk sql --help lists the options of vonk sql. For a first look:\n\n"
          "  vonk sql -c \"SELECT * FROM read_parquet('path/to/file.parquet') LIMIT 5\"\n"
          "  vonk sql path/to/folder\n",
          to);
}

/* vonk help sql is vonk sql --help */
static int subcommand_help(int argc, char **argv)
{
    static const char *const without[] = {"cc", "version", "help"};
    char help[] = "--help";
    char *help_of[] = {argc > 1 ? argv[1] : NULL, help, NULL};
    const Subcommand *subcommand = argc > 1 ? find_subcommand(argv[1]) : NULL;

    if (argc > 2)
        return unwanted(argv[2]);
    if (argc > 1 && subcommand == NULL)
        return unknown_subcommand(argv[1]);
    for (size_t i = 0; subcommand != NULL && i < sizeof without / sizeof without[0]; i++)
        if (strcmp(subcommand->name, without[i]) == 0)
            subcommand = NULL;
    if (subcommand != NULL)
        return subcommand->run(2, help_of);
    print_help(stdout);
    return EXIT_OK;
}

/* A file opened later must not become standard output by chance. */
static void open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const Subcommand *subcommand;

    open_standard_files();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow: an error of write, as a full disk is */
    /* only characters: numbers and messages stay the same everywhere */
    setlocale(LC_CTYPE, "C.UTF-8");
    if (name == NULL) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    subcommand = find_subcommand(name);
    return subcommand != NULL ? subcommand->run(argc - 1, argv + 1) : unknown_subcommand(name);
}
