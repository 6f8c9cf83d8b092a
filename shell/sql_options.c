/* sql_options.c -- see sql_options.h */
#include "shell/sql_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "shell/cluster_options.h"
#include "shell/nearest.h"

enum {
    OPTION_FORMAT = 256,
    OPTION_OUTPUT,
    OPTION_THREADS,
    OPTION_MEMORY,
    OPTION_SPILL_DIR,
    OPTION_MASTER,
    OPTION_SECRET_FILE,
    OPTION_TIMING,
    OPTION_SET,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"command", required_argument, NULL, 'c'},
    {"file", required_argument, NULL, 'f'},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"spill-dir", required_argument, NULL, OPTION_SPILL_DIR},
    {"master", required_argument, NULL, OPTION_MASTER},
    {"secret-file", required_argument, NULL, OPTION_SECRET_FILE},
    {"timing", no_argument, NULL, OPTION_TIMING},
    {"set", required_argument, NULL, OPTION_SET},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0}};

void sql_options_print_help(void)
{
    puts(
        "Usage: vonk sql [DATABASE] [OPTION]...\n"
        "\n"
        "DATABASE is a folder whose files and sub-folders are its tables (lineitem.parquet is\n"
        "lineitem), or one file. Without -c and -f, statements are read from standard input; at a\n"
        "terminal there is a prompt.\n"
        "\n"
        "  -c, --command SQL     run the statements, then exit; may be given several times\n"
        "  -f, --file FILE       run a file, - is standard input\n"
        "      --format FORMAT   table (default), csv, tsv, json, jsonl, markdown, plain or none\n"
        "      --output FILE     write results to FILE\n"
        "      --threads N       worker threads (default: one a core)\n"
        "      --memory SIZE     memory that a query may use, e.g. 2GiB (default: from the "
        "machine)\n"
        "      --spill-dir DIR   folder for data that does not fit in memory (of jobs)\n"
        "      --master URL      where queries run: local, local[N] for N threads, or\n"
        "                        vonk://host:port\n"
        "      --secret-file FILE\n"
        "                        the cluster's (default: what VONK_SECRET_FILE names)\n"
        "      --timing          show how long each statement takes\n"
        "      --set NAME=VALUE  change a setting; SHOW ALL lists them\n"
        "      --help            show this\n"
        "\n"
        "Exit status: 0 all statements ran, 1 one failed, 2 wrong usage, 130 interrupted.");
}

static bool complain_end(void)
{
    fputs("vonk sql --help lists the options.\n", stderr);
    return false;
}

static bool complain(const char *format, const char *text)
{
    fputs("vonk sql: ", stderr);
    fprintf(stderr, format, text);
    fputs("\n", stderr);
    return complain_end();
}

static bool add_setting(SqlOptions *options, const char *name, const char *value)
{
    options->settings[options->setting_count++] = (SqlSetting){.name = name, .value = value};
    return true;
}

/* NAME=VALUE, cut in a copy. */
static bool add_set_option(SqlOptions *options, Arena *arena, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return complain("--set takes NAME=VALUE, not \"%s\"", text);
    return add_setting(options, arena_strndup(arena, text, (size_t)(equals - text)), equals + 1);
}

/* local, local[N]; clusters have their own URLs. */
static bool set_master(SqlOptions *options, Arena *arena, const char *url)
{
    static const char prefix[] = "local[";
    size_t length = strlen(url);

    if (strcmp(url, "local") == 0 || strcmp(url, "local[*]") == 0)
        return true;
    if (strncmp(url, prefix, strlen(prefix)) == 0 && url[length - 1] == ']') {
        const char *number =
            arena_strndup(arena, url + strlen(prefix), length - strlen(prefix) - 1);

        if (number[0] < '1' || number[0] > '9' || number[strspn(number, "0123456789")] != '\0')
            return complain("--master local[N] takes a number of threads, not \"%s\"", number);
        return add_setting(options, "threads", number);
    }
    if (strncmp(url, "vonk://", strlen("vonk://")) == 0)
        return cluster_url_is_good("sql", url) && add_setting(options, "master", url);
    return complain("--master takes local, local[N] or vonk://host:port, not \"%s\"", url);
}

static bool set_format(SqlOptions *options, const char *name)
{
    if (output_format_find(name, &options->format))
        return true;
    return complain(
        "there is no format \"%s\": table, csv, tsv, json, jsonl, markdown, plain, none", name);
}

/* --formt: perhaps --format */
static bool complain_unknown(const char *typed)
{
    Nearest nearest = nearest_to(typed + strspn(typed, "-"));

    for (const struct option *option = long_options; option->name != NULL; option++)
        nearest_offer(&nearest, option->name);
    if (nearest.name == NULL || strncmp(typed, "--", 2) != 0)
        return complain("there is no option %s", typed);
    fprintf(stderr, "vonk sql: there is no option %s: perhaps you meant --%s\n", typed,
            nearest.name);
    return complain_end();
}

static bool add_job(SqlOptions *options, bool is_file, const char *text)
{
    options->jobs[options->job_count++] = (SqlJob){.is_file = is_file, .text = text};
    return true;
}

/* getopt_long stops behind a long option; a short one may stand among others: -xc */
static const char *unknown_option(char **argv)
{
    static char one[] = "-?";

    if (optopt == 0 || strncmp(argv[optind - 1], "--", 2) == 0)
        return argv[optind - 1];
    one[1] = (char)optopt;
    return one;
}

static bool take_option(SqlOptions *options, Arena *arena, int option, char **argv)
{
    switch (option) {
    case 'c':
        return add_job(options, false, optarg);
    case 'f':
        return add_job(options, true, optarg);
    case OPTION_FORMAT:
        return set_format(options, optarg);
    case OPTION_OUTPUT:
        options->output = optarg;
        return true;
    case OPTION_THREADS:
        return add_setting(options, "threads", optarg);
    case OPTION_MEMORY:
        return add_setting(options, "memory", optarg);
    case OPTION_SPILL_DIR:
        return add_setting(options, "spill_dir", optarg);
    case OPTION_MASTER:
        return set_master(options, arena, optarg);
    case OPTION_SECRET_FILE:
        return add_setting(options, "secret_file", optarg);
    case OPTION_TIMING:
        options->has_timing = true;
        return true;
    case OPTION_SET:
        return add_set_option(options, arena, optarg);
    case OPTION_HELP:
        options->wants_help = true;
        return true;
    case ':':
        return complain("%s needs an argument", argv[optind - 1]);
    default:
        return complain_unknown(unknown_option(argv));
    }
}

bool sql_options_parse(Arena *arena, int argc, char **argv, SqlOptions *options_out)
{
    int option;

    *options_out = (SqlOptions){
        .format = OUTPUT_TABLE,
        .jobs = ARENA_ARRAY(arena, SqlJob, (size_t)argc),
        .settings = ARENA_ARRAY(arena, SqlSetting, (size_t)argc),
    };
    optind = 0; /* glibc: start anew, so that tests may parse twice */
    while ((option = getopt_long(argc, argv, ":c:f:", long_options, NULL)) != -1)
        if (!take_option(options_out, arena, option, argv))
            return false;
    if (optind < argc)
        options_out->database = argv[optind++];
    if (optind < argc)
        return complain("there can be one DATABASE only, \"%s\" is too many", argv[optind]);
    return true;
}
