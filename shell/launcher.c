/* launcher.c -- see launcher.h */
#include "shell/launcher.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/module_file.h"
#include "core/base/str.h"
#include "engine/config.h"

static bool is_known(const char *name)
{
    static const char *const names[] = {"slurm", "ray", "dask"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The path of the script: where it is installed, or in the sources. */
static Status find_script(Arena *arena, const char *name, Error *err, const char **path_out)
{
    static const char *const places[] = {"../share/vonk/launchers", "../../cluster/launchers"};
    char folder[PATH_MAX];

    *path_out = NULL;
    if (!is_known(name))
        return error_set(err, ST_BAD_INPUT, "--launcher takes slurm, ray or dask, not \"%s\"",
                         name);
    module_own_folder(folder, sizeof folder);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *path_out = arena_printf(arena, "%s%s/%s", folder, places[i], name);
        if (access(*path_out, X_OK) == 0)
            return ST_OK;
    }
    return error_set(err, ST_IO, "the launcher %s is not installed beside this program", name);
}

/* The scripts read numbers from the environment. */
static Status pass_number(const char *option, const char *variable, const char *text, Error *err)
{
    char *end;
    long number;

    if (text == NULL)
        return unsetenv(variable) == 0 ? ST_OK : error_set_errno(err, errno, "%s", variable);
    errno = 0;
    number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1)
        return error_set(err, ST_BAD_INPUT, "%s takes a number, not \"%s\"", option, text);
    return setenv(variable, text, 1) == 0 ? ST_OK : error_set_errno(err, errno, "%s", variable);
}

static Status pass_memory(Arena *arena, const char *text, Error *err)
{
    const uint64_t mib = UINT64_C(1) << 20;
    const char *number = NULL;
    uint64_t bytes;

    if (text != NULL) {
        TRY(config_parse_bytes(text, &bytes, err));
        number = arena_printf(arena, "%" PRIu64, bytes / mib + (bytes % mib != 0));
    }
    return pass_number("--executor-memory", "VONK_EXECUTOR_MIB", number, err);
}

Status launcher_become(Arena *arena, const LauncherOptions *options, char **arguments, Error *err)
{
    char program[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *script, **words;
    size_t count = 0;

    if (bytes < 0)
        return error_set_errno(err, errno, "cannot tell where this program is");
    program[bytes] = '\0';
    TRY(find_script(arena, options->name, err, &script));
    TRY(pass_number("--executors", "VONK_EXECUTORS", options->executors, err));
    TRY(pass_number("--executor-cores", "VONK_EXECUTOR_CORES", options->executor_cores, err));
    TRY(pass_memory(arena, options->executor_memory, err));
    while (arguments[count] != NULL)
        count++;
    words = ARENA_ARRAY(arena, const char *, count + 3);
    words[0] = script;
    words[1] = program;
    memcpy(words + 2, arguments, (count + 1) * sizeof *words);
    execv(script, (char **)(uintptr_t)words);
    return error_set_errno(err, errno, "cannot run \"%s\"", script);
}
