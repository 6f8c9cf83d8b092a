/* job_compiler.c -- see job_compiler.h */
#include "shell/job_compiler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codegen/user_chain.h"
#include "core/base/file.h"
#include "core/base/hash_text.h"
#include "core/base/module_file.h"
#include "core/base/str.h"

enum {
    COMPILER_ARGUMENTS_MAX = 24,
    DEPENDENCIES_BYTES_MAX = 1 << 20,
    BITCODE_BYTES_MAX = 64 << 20
};

/* --- where things are --- */

static bool ends_with(const char *text, const char *ending)
{
    size_t bytes = strlen(text), ending_bytes = strlen(ending);

    return bytes > ending_bytes && strcmp(text + bytes - ending_bytes, ending) == 0;
}

static bool is_file(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* The folder that has vonk/vonk.h: beside the program, as built or as installed. */
static const char *include_folder(Arena *arena)
{
    static const char *const places[] = {"../include", "../../include", "include"};
    const char *set = getenv("VONK_INCLUDE");
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    if (set != NULL && set[0] != '\0')
        return set;
    if (length <= 0)
        return NULL;
    program[length] = '\0';
    slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *folder = arena_printf(arena, "%s/%s", program, places[i]);

        if (is_file(arena_printf(arena, "%s/vonk/vonk.h", folder)))
            return folder;
    }
    return NULL;
}

static const char *find_compiler(Arena *arena)
{
    static const char *const names[] = {"clang-19", "clang", "gcc", "cc"};
    const char *set = getenv("VONK_CC"), *path = getenv("PATH");

    if (set != NULL && set[0] != '\0')
        return set;
    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (const char *at = path; *at != '\0';) {
            size_t bytes = strcspn(at, ":");
            const char *found = arena_printf(arena, "%.*s/%s", (int)bytes, at, names[i]);

            if (access(found, X_OK) == 0)
                return found;
            at += bytes + (at[bytes] == ':');
        }
    return NULL;
}

static Status make_folder(const char *path, Error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return ST_OK;
    return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
}

static Status cache_folder(Arena *arena, Error *err, const char **folder_out)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (base == NULL || base[0] != '/') {
        if (home == NULL || home[0] != '/')
            return error_set(err, ST_IO,
                             "there is no folder to keep compiled jobs in: neither "
                             "XDG_CACHE_HOME nor HOME is set");
        base = arena_printf(arena, "%s/.cache", home);
    }
    *folder_out = arena_printf(arena, "%s/vonk/jobs", base);
    TRY(make_folder(base, err));
    TRY(make_folder(arena_printf(arena, "%s/vonk", base), err));
    return make_folder(*folder_out, err);
}

/* --- compiling --- */

static Status run_compiler(const char *const *arguments, Error *err)
{
    pid_t child = fork();
    int state = 0;

    if (child < 0)
        return error_set_errno(err, errno, "cannot start \"%s\"", arguments[0]);
    if (child == 0) {
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for \"%s\"", arguments[0]);
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return ST_OK;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127)
        return error_set(err, ST_BAD_INPUT, "cannot run the compiler \"%s\"", arguments[0]);
    return error_set(err, ST_BAD_INPUT, "\"%s\" did not compile the job", arguments[0]);
}

typedef struct Compilation {
    Arena *arena;
    const char *compiler, *include;
    const char *source;       /* a C file, or bitcode made from it */
    const char *dependencies; /* a list of them is written here */
} Compilation;

static Status compile(const Compilation *job, bool to_bitcode, const char *to, Error *err)
{
    const char *arguments[COMPILER_ARGUMENTS_MAX];
    uint32_t count = 0;

    arguments[count++] = job->compiler;
    arguments[count++] = "-O2";
    arguments[count++] = "-g";
    arguments[count++] = "-fPIC";
    if (!ends_with(job->source, ".bc")) {
        arguments[count++] = "-std=gnu11";
        arguments[count++] = "-Wall";
        arguments[count++] = "-fno-math-errno";
        arguments[count++] = "-ffp-contract=off"; /* the same bits whatever the machine can */
        arguments[count++] = arena_printf(job->arena, "-I%s", job->include);
        arguments[count++] = "-MD";
        arguments[count++] = "-MF";
        arguments[count++] = job->dependencies;
    }
    if (to_bitcode) { /* as it stands in the source: it is optimised where it is inlined */
        arguments[count++] = "-Xclang";
        arguments[count++] = "-disable-llvm-passes";
        arguments[count++] = "-emit-llvm";
        arguments[count++] = "-c";
    } else {
        arguments[count++] = "-shared";
        /* the job's own `step` is meant, not the one that libc still has for old programs */
        arguments[count++] = "-Wl,-Bsymbolic";
    }
    arguments[count++] = "-o";
    arguments[count++] = to;
    arguments[count++] = job->source;
    if (!to_bitcode)
        arguments[count++] = "-lm";
    arguments[count] = NULL;
    return run_compiler(arguments, err);
}

static bool is_clang(const char *compiler)
{
    const char *slash = strrchr(compiler, '/');

    return strncmp(slash == NULL ? compiler : slash + 1, "clang", 5) == 0;
}

static Status write_file(const char *path, const void *bytes, size_t count, Error *err)
{
    FILE *file = fopen(path, "we");
    bool is_written = file != NULL && fwrite(bytes, 1, count, file) == count;

    if (file != NULL && fclose(file) != 0)
        is_written = false;
    return is_written ? ST_OK : error_set_errno(err, errno, "cannot write \"%s\"", path);
}

/* The bitcode in the file gets its table; the job goes on without when that cannot be had. */
static Status add_table(const char *path, Error *err)
{
    MemPool *pool = mem_pool_new(NULL, "bitcode", MEM_POOL_NO_LIMIT);
    void *bitcode = NULL, *made = NULL;
    size_t bytes = 0, made_bytes = 0;
    Status status = file_read_whole(path, BITCODE_BYTES_MAX, pool, err, &bitcode, &bytes);

    if (status == ST_OK)
        status = user_code_prepare(bitcode, bytes, err, &made, &made_bytes);
    if (status == ST_OK)
        status = write_file(path, made, made_bytes, err);
    free(made);
    mem_pool_release(pool, bitcode, bytes);
    mem_pool_free(pool);
    return status;
}

static Status compile_all(Compilation *job, const char *to, const char *bitcode, Error *err)
{
    const char *source = job->source;

    if (is_clang(job->compiler)) {
        TRY(compile(job, true, bitcode, err));
        if (add_table(bitcode, NULL) == ST_OK) {
            job->source = bitcode;
            if (compile(job, false, to, NULL) == ST_OK)
                return ST_OK;
            job->source = source;
        }
    }
    return compile(job, false, to, err);
}

Status job_compile_to(Arena *arena, const char *source, const char *object, Error *err)
{
    Compilation job = {.arena = arena,
                       .compiler = find_compiler(arena),
                       .include = include_folder(arena),
                       .source = source,
                       .dependencies = arena_printf(arena, "%s.d", object)};
    const char *temporary = arena_printf(arena, "%s.%ld.tmp", object, (long)getpid());
    const char *bitcode = arena_printf(arena, "%s.%ld.bc", object, (long)getpid());
    Status status;

    if (!is_file(source))
        return error_set_errno(err, errno == 0 ? ENOENT : errno, "could not open \"%s\"", source);
    if (job.compiler == NULL) {
        status = error_set(err, ST_BAD_INPUT, "there is no C compiler");
        error_hint(err, "Install clang-19, or name one with VONK_CC.");
        return status;
    }
    if (job.include == NULL) {
        status = error_set(err, ST_BAD_INPUT, "cannot find vonk/vonk.h");
        error_hint(err, "Set VONK_INCLUDE to the folder that has vonk/vonk.h.");
        return status;
    }
    status = compile_all(&job, temporary, bitcode, err);
    if (status == ST_OK && rename(temporary, object) != 0)
        status = error_set_errno(err, errno, "cannot write \"%s\"", object);
    if (status != ST_OK)
        unlink(temporary);
    unlink(bitcode);
    return status;
}

/* --- the cache --- */

static bool is_newer(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
           (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

/* What an object says about its functions was found by the module that compiles: one that came
 * later may find other facts. (Its time of change: a package's files are older than that.) */
static bool is_of_this_module(const struct stat *made)
{
    char path[4096];
    struct stat module;

    if (!module_find("jit", path, sizeof path) || stat(path, &module) != 0)
        return true;
    module.st_mtim = module.st_ctim;
    return !is_newer(&module, made);
}

/* "object: a.c b.h \" and more lines: none of the files is newer than the object. */
static bool is_up_to_date(const char *object)
{
    Arena *arena = arena_new(NULL, "dependencies", ARENA_NO_CAP);
    MemPool *pool = mem_pool_new(NULL, "dependencies", MEM_POOL_NO_LIMIT);
    struct stat made, info;
    bool is_fresh = stat(object, &made) == 0 && is_of_this_module(&made);
    size_t bytes = 0;
    void *text = NULL;

    if (is_fresh)
        is_fresh = file_read_whole(arena_printf(arena, "%s.d", object), DEPENDENCIES_BYTES_MAX,
                                   pool, NULL, &text, &bytes) == ST_OK;
    if (is_fresh) {
        char *list = arena_strndup(arena, text, bytes), *save = NULL;
        char *word = strtok_r(list, " \t\r\n", &save); /* the object itself */

        while (is_fresh && (word = strtok_r(NULL, " \t\r\n", &save)) != NULL)
            if (strcmp(word, "\\") != 0)
                is_fresh = stat(word, &info) == 0 && !is_newer(&info, &made);
    }
    mem_pool_release(pool, text, bytes);
    mem_pool_free(pool);
    arena_free(arena);
    return is_fresh;
}

Status job_compile(Arena *arena, const char *source, Error *err, const char **object_out)
{
    const char *folder = NULL, *compiler = find_compiler(arena);
    char *absolute = realpath(source, NULL);
    const char *key;

    *object_out = NULL;
    if (absolute == NULL)
        return error_set_errno(err, errno, "could not open \"%s\"", source);
    key = arena_printf(arena, "%s\n%s table %d\n%s", absolute, VONK_VERSION, JOB_TABLE_VERSION,
                       compiler == NULL ? "" : compiler);
    free(absolute);
    TRY(cache_folder(arena, err, &folder));
    *object_out = arena_printf(arena, "%s/%016llx.so", folder,
                               (unsigned long long)hash_text(key, strlen(key)));
    if (is_up_to_date(*object_out))
        return ST_OK;
    return job_compile_to(arena, source, *object_out, err);
}
