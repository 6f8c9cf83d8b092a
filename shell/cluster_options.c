/* cluster_options.c -- see cluster_options.h */
#include "shell/cluster_options.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/local_cluster.h"
#include "cluster/master_url.h"
#include "engine/config.h"
#include "shell/nearest.h"
#include "shell/subcommands.h"

enum { OPTIONS_MAX = 16, HELP = 256, MEMORY_LEAST = 1 << 20 };

static int complain_unknown(const char *subcommand, const char *typed, const ClusterOption *known)
{
    Nearest nearest = nearest_to(typed + strspn(typed, "-"));

    for (const ClusterOption *option = known; option->name != NULL; option++)
        nearest_offer(&nearest, option->name);
    if (nearest.name != NULL)
        fprintf(stderr, "vonk %s: there is no option %s: perhaps you meant --%s\n", subcommand,
                typed, nearest.name);
    else
        fprintf(stderr, "vonk %s: there is no option %s; vonk %s --help lists them\n", subcommand,
                typed, subcommand);
    return -1;
}

int cluster_options_parse(int argc, char **argv, const ClusterOption *known,
                          ClusterOptions *options_out)
{
    struct option long_options[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, HELP}};
    int option, count = 0;

    *options_out = (ClusterOptions){0};
    for (; known[count].name != NULL && count < OPTIONS_MAX; count++)
        long_options[count + 1] =
            (struct option){known[count].name,
                            known[count].is_switch ? no_argument : required_argument, NULL, count};
    optind = 0;
    while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (option == HELP || option == 'h') {
            options_out->wants_help = true;
        } else if (option == ':') {
            fprintf(stderr, "vonk %s: %s needs an argument\n", argv[0], argv[optind - 1]);
            return -1;
        } else if (option == '?') {
            return complain_unknown(argv[0], argv[optind - 1], known);
        } else if (known[option].is_switch) {
            *(bool *)((char *)options_out + known[option].offset) = true;
        } else {
            *(const char **)(void *)((char *)options_out + known[option].offset) = optarg;
        }
    }
    return optind;
}

bool cluster_number(const char *subcommand, const char *option, const char *text, int64_t most,
                    int64_t *number_out)
{
    char *end;

    errno = 0;
    *number_out = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *number_out >= 1 && *number_out <= most)
        return true;
    fprintf(stderr, "vonk %s: %s takes a number from 1 to %lld, not \"%s\"\n", subcommand, option,
            (long long)most, text);
    return false;
}

static int64_t machine_memory(void)
{
    Arena *arena = arena_new(NULL, "config", ARENA_NO_CAP);
    Config config;
    uint64_t bytes;

    config_init(&config, arena);
    bytes = config_resources(&config).memory_bytes;
    arena_free(arena);
    return (int64_t)bytes;
}

static int32_t machine_cores(void)
{
    cpu_set_t cores;

    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (int32_t)CPU_COUNT(&cores) : 1;
}

bool cluster_memory(const char *subcommand, const char *text, int64_t *bytes_out)
{
    Error err = ERROR_NONE;
    uint64_t bytes;

    *bytes_out = machine_memory();
    if (text == NULL)
        return true;
    if (config_parse_bytes(text, &bytes, &err) != ST_OK || bytes < MEMORY_LEAST ||
        bytes > INT64_MAX) {
        fprintf(stderr, "vonk %s: --memory takes a size as 2GiB, not \"%s\"\n", subcommand, text);
        return false;
    }
    *bytes_out = (int64_t)bytes;
    return true;
}

bool cluster_keep(const char *subcommand, const char *text, int64_t standard_bytes,
                  int64_t *bytes_out)
{
    Error err = ERROR_NONE;
    uint64_t bytes;

    *bytes_out = standard_bytes;
    if (text == NULL)
        return true;
    if (config_parse_bytes(text, &bytes, &err) != ST_OK || bytes > INT64_MAX) {
        fprintf(stderr, "vonk %s: --keep takes a size as 20GiB, or 0, not \"%s\"\n", subcommand,
                text);
        return false;
    }
    *bytes_out = (int64_t)bytes;
    return true;
}

bool cluster_cores(const char *subcommand, const char *text, int32_t *cores_out)
{
    int64_t number = machine_cores();
    bool is_right = text == NULL || cluster_number(subcommand, "--cores", text, 4096, &number);

    *cores_out = (int32_t)number;
    return is_right;
}

int cluster_report(const char *subcommand, const Error *err)
{
    fprintf(stderr, "vonk %s: %s\n", subcommand, err->message);
    if (err->detail[0] != '\0')
        fprintf(stderr, "DETAIL: %s\n", err->detail);
    if (err->hint[0] != '\0')
        fprintf(stderr, "HINT: %s\n", err->hint);
    return EXIT_FAILED;
}

const char *cluster_folder(Arena *arena, const char *given, const char *standard)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char here[PATH_MAX];

    if (given != NULL && given[0] == '/')
        return given;
    if (given != NULL && getcwd(here, sizeof here) != NULL)
        return arena_printf(arena, "%s/%s", here, given);
    if (state != NULL && state[0] == '/')
        return arena_printf(arena, "%s/vonk/%s", state, standard);
    if (home != NULL && home[0] == '/')
        return arena_printf(arena, "%s/.local/state/vonk/%s", home, standard);
    return arena_printf(arena, "/var/lib/vonk/%s", standard);
}

const char *cluster_master(Arena *arena, const char *given)
{
    const char *url = given != NULL ? given : getenv("VONK_MASTER");

    if (url != NULL && url[0] != '\0')
        return url;
    return local_cluster_url(cluster_folder(arena, NULL, "cluster"), arena);
}

bool cluster_url_is_good(const char *subcommand, const char *url)
{
    Arena *arena = arena_new(NULL, "URL", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    MasterUrl parsed;
    bool is_good = master_url_parse(arena, url, &err, &parsed) == ST_OK;

    if (!is_good)
        (void)cluster_report(subcommand, &err);
    arena_free(arena);
    return is_good;
}
