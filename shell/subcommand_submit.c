/*
 * subcommand_submit.c -- `vonk submit JOB.{c,so} [ARG]...` and `vonk cc`
 *
 *     job.c -> compiler -> job.so (kept) -> dlopen -> vonk_main(session, argc, argv) -> exit code
 *
 * The job's object finds Vonk's functions in this program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api_internal.h"
#include "exec/user_task.h"
#include "shell/error_text.h"
#include "shell/interrupt.h"
#include "shell/job_compiler.h"
#include "shell/job_progress.h"
#include "shell/launcher.h"
#include "shell/subcommands.h"
#include "shell/submit_driver.h"
#include "vonk/vonk.h"

typedef int (*JobMain)(VonkSession *session, int argc, char **argv);

enum { SETTINGS_MAX = 64 };

typedef struct SubmitOptions {
    const char *lineage; /* a path; NULL: none */
    LauncherOptions launcher;
    int launcher_at, launcher_words;          /* where it is in argv */
    const char *master;                       /* NULL: local                     */
    const char *cluster;                      /* vonk://...; NULL: none */
    const char *secret_file;                  /* NULL: the environment's */
    const char *threads;                      /* of local[N]: "N]"; NULL: as set */
    const char *name;                         /* NULL: the job's */
    bool is_on_cluster, is_supervised, waits; /* its driver */
    const char *files;
    uint32_t setting_count;
    const char *settings[SETTINGS_MAX]; /* NAME=VALUE */
    char memory[64];                    /* one of them; "": not given */
} SubmitOptions;

static int report(const Error *err)
{
    fprintf(stderr, "vonk: %s\n", err->message);
    if (err->detail[0] != '\0')
        fprintf(stderr, "DETAIL: %s\n", err->detail);
    if (err->hint[0] != '\0')
        fprintf(stderr, "HINT: %s\n", err->hint);
    return EXIT_FAILED;
}

static void print_usage(FILE *to)
{
    fputs(
        "Usage: vonk submit [OPTION]... JOB.{c,so} [ARGUMENT]...\n\n"
        "  --master URL      local, local[N] for N threads, or vonk://host:port\n"
        "  --secret-file FILE\n"
        "                    the cluster's (default: what VONK_SECRET_FILE names)\n"
        "  --set NAME=VALUE  a setting of the session (SHOW ALL lists them)\n"
        "  --memory SIZE     as --set memory=SIZE: what a query may take of this process, e.g. "
        "4GB\n"
        "  --name NAME       of the job, for messages\n"
        "  --deploy-mode cluster\n"
        "                    the driver is a process that a worker starts, in a folder with the\n"
        "                    job's files; its number is printed, and vonk status shows it, and\n"
        "                    where its log is; vonk kill ends it\n"
        "  --supervise       it is started again when its process dies, or its worker\n"
        "  --files A,B       for that folder\n"
        "  --wait            until it is over; its exit code is this one's\n"
        "  --lineage FILE    what each stage made goes there: a line of JSON a job, with hashes\n"
        "  --launcher NAME   slurm, ray or dask: on the nodes of that cluster, for this job alone\n"
        "  --executors N, --executor-cores N, --executor-memory SIZE\n"
        "                    on a cluster: how many, and what each has; with --launcher one a "
        "node\n"
        "  -h, --help        this\n\n"
        "JOB.c is compiled (clang-19, or what VONK_CC names) and kept; it defines\n"
        "  int vonk_main(VonkSession *session, int argc, char **argv)\n"
        "argv[0] is the job's path. The exit code is what vonk_main returns.\n",
        to);
}

static bool add_setting(SubmitOptions *options, const char *text)
{
    if (strchr(text, '=') == NULL || options->setting_count == SETTINGS_MAX) {
        fprintf(stderr, "vonk submit: --set takes NAME=VALUE, not \"%s\"\n", text);
        return false;
    }
    options->settings[options->setting_count++] = text;
    return true;
}

static bool set_memory(SubmitOptions *options, const char *size)
{
    if (strlen("memory=") + strlen(size) >= sizeof options->memory) {
        fprintf(stderr, "vonk submit: --memory takes a size, not \"%s\"\n", size);
        return false;
    }
    (void)snprintf(options->memory, sizeof options->memory, "memory=%s", size);
    return add_setting(options, options->memory);
}

/* local, local[*], or local[N] */
static bool set_master(SubmitOptions *options, const char *url)
{
    size_t bytes = strlen(url);

    options->master = url;
    options->threads = options->cluster = NULL;
    if (strcmp(url, "local") == 0 || strcmp(url, "local[*]") == 0)
        return true;
    if (strncmp(url, "local[", 6) == 0 && bytes > 7 && url[bytes - 1] == ']' && url[6] != '0' &&
        strspn(url + 6, "0123456789") == bytes - 7) {
        options->threads = url + 6;
        return true;
    }
    if (strncmp(url, "vonk://", strlen("vonk://")) == 0) {
        options->cluster = url;
        return true;
    }
    fprintf(stderr, "vonk submit: --master takes local, local[N] or vonk://host:port, not \"%s\"\n",
            url);
    return false;
}

static void take_launcher(SubmitOptions *options, int option, char **argv)
{
    LauncherOptions *launcher = &options->launcher;

    if (option == 'L') {
        launcher->name = optarg;
        options->launcher_words = optarg == argv[optind - 1] ? 2 : 1; /* --launcher=NAME is one */
        options->launcher_at = optind - options->launcher_words;
    } else if (option == 'E') {
        launcher->executors = optarg;
    } else if (option == 'C') {
        launcher->executor_cores = optarg;
    } else if (option == 'M') {
        launcher->executor_memory = optarg;
    }
}

static bool set_deploy_mode(SubmitOptions *options, const char *mode)
{
    options->is_on_cluster = strcmp(mode, "cluster") == 0;
    if (options->is_on_cluster || strcmp(mode, "client") == 0)
        return true;
    fprintf(stderr, "vonk submit: --deploy-mode takes client or cluster, not \"%s\"\n", mode);
    return false;
}

static bool is_deploy_mode_right(const SubmitOptions *options)
{
    bool has_more = options->is_supervised || options->waits || options->files != NULL;

    if (!options->is_on_cluster && has_more)
        fputs("vonk submit: --supervise, --files and --wait are for --deploy-mode cluster\n",
              stderr);
    else if (options->is_on_cluster && options->cluster == NULL)
        fputs("vonk submit: --deploy-mode cluster needs --master vonk://host:port\n", stderr);
    else if (options->is_on_cluster && options->lineage != NULL)
        fputs("vonk submit: --lineage writes where the driver runs: not with --deploy-mode "
              "cluster\n",
              stderr);
    else
        return true;
    return false;
}

static bool is_launcher_right(const SubmitOptions *options)
{
    const LauncherOptions *launcher = &options->launcher;

    if (launcher->name != NULL && options->master != NULL)
        fputs("vonk submit: --launcher starts a cluster, --master names one: not both\n", stderr);
    else if (launcher->name == NULL && options->cluster == NULL &&
             (launcher->executors != NULL || launcher->executor_cores != NULL ||
              launcher->executor_memory != NULL))
        fputs("vonk submit: --executors, --executor-cores and --executor-memory are for "
              "clusters\n",
              stderr);
    else
        return true;
    return false;
}

static void take_text(SubmitOptions *options, int option)
{
    if (option == 'l')
        options->lineage = optarg;
    else if (option == 'n')
        options->name = optarg;
    else if (option == 'f')
        options->files = optarg;
    else if (option == 'k')
        options->secret_file = optarg;
    else if (option == 'S')
        options->is_supervised = true;
    else if (option == 'w')
        options->waits = true;
}

/* The index of the job in argv; 0 after --help, -1 on wrong usage. */
static int parse_options(int argc, char **argv, SubmitOptions *options)
{
    static const struct option known[] = {{"master", required_argument, NULL, 'm'},
                                          {"secret-file", required_argument, NULL, 'k'},
                                          {"set", required_argument, NULL, 's'},
                                          {"memory", required_argument, NULL, 'y'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"lineage", required_argument, NULL, 'l'},
                                          {"launcher", required_argument, NULL, 'L'},
                                          {"executors", required_argument, NULL, 'E'},
                                          {"executor-cores", required_argument, NULL, 'C'},
                                          {"executor-memory", required_argument, NULL, 'M'},
                                          {"deploy-mode", required_argument, NULL, 'd'},
                                          {"supervise", no_argument, NULL, 'S'},
                                          {"files", required_argument, NULL, 'f'},
                                          {"wait", no_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "+h", known, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return 0;
        }
        take_text(options, option);
        take_launcher(options, option, argv);
        if ((option == 'm' && !set_master(options, optarg)) ||
            (option == 's' && !add_setting(options, optarg)) ||
            (option == 'y' && !set_memory(options, optarg)) ||
            (option == 'd' && !set_deploy_mode(options, optarg)) || option == '?')
            return -1;
    }
    if (!is_launcher_right(options) || !is_deploy_mode_right(options))
        return -1;
    if (optind < argc)
        return optind;
    fputs("vonk submit: which job? vonk submit --help says more\n", stderr);
    return -1;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t bytes = strlen(text), ending_bytes = strlen(ending);

    return bytes > ending_bytes && strcmp(text + bytes - ending_bytes, ending) == 0;
}

static Status find_object(Arena *arena, const char *job, Error *err, const char **object_out)
{
    *object_out = job;
    if (ends_with(job, ".c"))
        return job_compile(arena, job, err, object_out);
    return ends_with(job, ".so")
               ? ST_OK
               : error_set(err, ST_BAD_INPUT, "\"%s\" is neither a .c file nor a shared object",
                           job);
}

static Status load_job(Arena *arena, const char *job, Error *err, JobMain *main_out)
{
    const char *object;
    void *handle;

    *main_out = NULL;
    TRY(find_object(arena, job, err, &object));
    if (strchr(object, '/') == NULL)
        object = arena_printf(arena, "./%s", object);
    handle = dlopen(object, RTLD_NOW | RTLD_LOCAL); /* never closed: plans name its functions */
    if (handle == NULL)
        return error_set(err, ST_BAD_INPUT, "cannot load the job: %s", dlerror());
    *(void **)main_out = dlsym(handle, "vonk_main");
    if (*main_out == NULL)
        return error_set(err, ST_BAD_INPUT, "\"%s\" does not define vonk_main", job);
    return ST_OK;
}

static Status open_lineage(const char *path, Error *err, FILE **file_out)
{
    *file_out = NULL;
    if (path == NULL)
        return ST_OK;
    *file_out = fopen(path, "we");
    return *file_out != NULL ? ST_OK : error_set_errno(err, errno, "cannot write \"%s\"", path);
}

static Status set_if_given(VonkSession *session, const char *name, const char *value, Error *err)
{
    return value == NULL ? ST_OK : (Status)vonk_session_set(session, name, value, (VonkError *)err);
}

static Status open_session(Arena *arena, const SubmitOptions *options, const char *job, Error *err,
                           VonkSession **session_out)
{
    VonkError *error = (VonkError *)err;

    TRY((Status)vonk_session_open(NULL, session_out, error));
    TRY(set_if_given(*session_out, "master", options->cluster, err));
    TRY(set_if_given(*session_out, "secret_file", options->secret_file, err));
    TRY(set_if_given(*session_out, "application_name",
                     options->name != NULL ? options->name : basename(job), err));
    TRY(set_if_given(*session_out, "executors", options->launcher.executors, err));
    TRY(set_if_given(*session_out, "executor_cores", options->launcher.executor_cores, err));
    TRY(set_if_given(*session_out, "executor_memory", options->launcher.executor_memory, err));
    if (options->threads != NULL) {
        const char *number =
            arena_printf(arena, "%.*s", (int)strlen(options->threads) - 1, options->threads);

        TRY((Status)vonk_session_set(*session_out, "threads", number, error));
    }
    for (uint32_t i = 0; i < options->setting_count; i++) {
        const char *name = options->settings[i], *equals = strchr(name, '=');

        name = arena_printf(arena, "%.*s", (int)(equals - name), name);
        TRY((Status)vonk_session_set(*session_out, name, equals + 1, error));
    }
    return ST_OK;
}

static int run_job(JobMain job_main, VonkSession *session, FILE *lineage, int argc, char **argv)
{
    JobProgressLine *line;
    CrashStack stack;
    int code;

    user_task_report_crashes();
    user_task_crash_stack_init(&stack);
    api_session_note_lineage(session, lineage);
    interrupt_catch(false);
    interrupt_watch(session->session);
    line = job_progress_begin(session);
    user_task_begin_job("vonk_main");
    code = job_main(session, argc, argv);
    user_task_end_job();
    job_progress_end(line);
    interrupt_watch(NULL);
    user_task_crash_stack_fini(&stack);
    return interrupt_came() ? EXIT_INTERRUPTED : code;
}

/* argv without --launcher. */
static Status become_launcher(Arena *arena, const SubmitOptions *options, char **argv, Error *err)
{
    char **launcher = argv + options->launcher_at, **behind = launcher + options->launcher_words;

    do
        *launcher++ = *behind;
    while (*behind++ != NULL);
    return launcher_become(arena, &options->launcher, argv + 1, err);
}

/* The words of its command line where it runs: the session's settings, the job, its arguments. */
static Status hand_over(Arena *arena, const SubmitOptions *options, int argc, char **argv,
                        Error *err, int *code_out)
{
    const LauncherOptions *sizes = &options->launcher;
    const char *name = options->name != NULL ? options->name : basename(argv[0]);
    const char *const named[][2] = {{"--name", name},
                                    {"--executors", sizes->executors},
                                    {"--executor-cores", sizes->executor_cores},
                                    {"--executor-memory", sizes->executor_memory}};
    const char **words =
        ARENA_ARRAY(arena, const char *, 2 * (options->setting_count + 4) + (size_t)argc);
    SubmitDriver driver = {.master = options->cluster,
                           .name = options->name != NULL ? options->name : argv[0],
                           .files = options->files,
                           .secret_file = options->secret_file,
                           .is_supervised = options->is_supervised,
                           .waits = options->waits,
                           .words = words};

    TRY(find_object(arena, argv[0], err, &driver.object));
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (named[i][1] == NULL)
            continue;
        words[driver.word_count++] = named[i][0];
        words[driver.word_count++] = named[i][1];
    }
    for (uint32_t i = 0; i < options->setting_count; i++) {
        if (strncmp(options->settings[i], "secret_file=", 12) == 0) { /* of this machine */
            driver.secret_file = options->settings[i] + 12;
            continue;
        }
        words[driver.word_count++] = "--set";
        words[driver.word_count++] = options->settings[i];
    }
    words[driver.word_count++] = submit_driver_object(arena, driver.object);
    for (int i = 1; i < argc; i++)
        words[driver.word_count++] = argv[i];
    return submit_driver(arena, &driver, err, code_out);
}

static int submit_to_cluster(const SubmitOptions *options, int argc, char **argv)
{
    Arena *arena = arena_new(NULL, "submit", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    int code;

    if (hand_over(arena, options, argc, argv, &err, &code) != ST_OK)
        code = report(&err);
    arena_free(arena);
    return code;
}

int subcommand_submit(int argc, char **argv)
{
    SubmitOptions options = {0};
    int at = parse_options(argc, argv, &options), code = EXIT_OK;
    Arena *arena;
    Error err = ERROR_NONE;
    FILE *lineage = NULL;
    VonkSession *session = NULL;
    JobMain job_main = NULL;
    Status status;

    if (at <= 0)
        return at == 0 ? EXIT_OK : EXIT_USAGE;
    if (options.is_on_cluster)
        return submit_to_cluster(&options, argc - at, argv + at);
    arena = arena_new(NULL, "submit", ARENA_NO_CAP);
    status = options.launcher.name != NULL ? become_launcher(arena, &options, argv, &err)
                                           : load_job(arena, argv[at], &err, &job_main);
    if (status == ST_OK)
        status = open_session(arena, &options, argv[at], &err, &session);
    if (status == ST_OK)
        status = open_lineage(options.lineage, &err, &lineage);
    if (status == ST_OK)
        code = run_job(job_main, session, lineage, argc - at, argv + at);
    if (status == ST_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = error_set_errno(&err, errno, "could not write to standard output");
    vonk_session_close(session);
    if (lineage != NULL && (ferror(lineage) | fclose(lineage)) != 0 && status == ST_OK)
        status = error_set(&err, ST_IO, "cannot write \"%s\"", options.lineage);
    if (status != ST_OK && code == EXIT_OK)
        code = report(&err);
    arena_free(arena);
    return code;
}

int subcommand_cc(int argc, char **argv)
{
    const char *source = NULL, *object = NULL;
    Arena *arena = arena_new(NULL, "cc", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    int code = EXIT_OK;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            object = argv[++i];
        else if (argv[i][0] != '-' && source == NULL)
            source = argv[i];
        else
            code = EXIT_USAGE;
    }
    if (code == EXIT_USAGE || source == NULL || !ends_with(source, ".c")) {
        fputs("Usage: vonk cc JOB.c [-o JOB.so]\n", stderr);
        arena_free(arena);
        return EXIT_USAGE;
    }
    if (object == NULL)
        object = arena_printf(arena, "%.*sso", (int)strlen(source) - 1, source);
    if (job_compile_to(arena, source, object, &err) != ST_OK)
        code = report(&err);
    arena_free(arena);
    return code;
}
