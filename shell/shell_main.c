/*
 * shell_main.c -- the program `vonk`: chooses the subcommand
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/subcommands.h"

static int subcommand_version(int argc, char **argv);
static int subcommand_help(int argc, char **argv);

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} subcommands[] = {
    {"sql", subcommand_sql, "run SQL over a folder of Parquet and CSV files, or type it"},
    {"version", subcommand_version, "show the version"},
    {"help", subcommand_help, "show this"},
};

enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof subcommands[0] };

static int subcommand_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
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

static int subcommand_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
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

    open_standard_files();
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
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "vonk: there is no command \"%s\"; vonk help lists them\n", name);
    return EXIT_USAGE;
}
