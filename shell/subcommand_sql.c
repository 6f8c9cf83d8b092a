/*
 * subcommand_sql.c -- `vonk sql`: opens a session and runs what the command line says
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/path_list.h"
#include "shell/interrupt.h"
#include "shell/repl.h"
#include "shell/shell.h"
#include "shell/sql_options.h"
#include "shell/subcommands.h"
#include "shell/terminal.h"
#include "sql/parser/sql_keywords.h"

/* A file or a glob, which are one table each; a folder has a table for each of its files. */
static bool is_table(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? !S_ISDIR(info.st_mode) : path[path_glob_start(path)] != '\0';
}

/* "sales" of "data/sales/x?.csv" */
static const char *folder_name_of(Arena *arena, const char *path)
{
    size_t bytes = path_glob_start(path), start;

    while (bytes > 0 && path[bytes - 1] == '/')
        bytes--;
    for (start = bytes; start > 0 && path[start - 1] != '/'; start--)
        continue;
    return bytes == start || path[start] == '.' ? "files"
                                                : arena_strndup(arena, path + start, bytes - start);
}

/* dir/big.csv.gz -> big */
static const char *table_name_of(Arena *arena, const char *path)
{
    static const char *const packings[] = {".gz", ".zst"};
    const char *slash = strrchr(path, '/');
    char *name = arena_strdup(arena, slash == NULL ? path : slash + 1);
    char *dot = strrchr(name, '.');

    if (path[path_glob_start(path)] != '\0' && access(path, F_OK) != 0)
        return folder_name_of(arena, path);
    for (size_t i = 0; i < 2 && dot != NULL; i++) {
        if (strcmp(dot, packings[i]) == 0) {
            *dot = '\0';
            dot = strrchr(name, '.');
        }
    }
    if (dot != NULL && dot != name)
        *dot = '\0';
    return name;
}

static Status run_silently(Session *session, const char *sql, Error *err)
{
    Script *script = NULL;
    Result *result = NULL;
    Status status = script_parse(session, sql, strlen(sql), err, &script);

    if (status == ST_OK)
        status = session_run(session, script_statements(script)->items[0], 0, NULL, err, &result);
    result_free(result);
    script_free(script);
    return status;
}

/* `vonk sql dir/big.parquet`: the file is the table big. */
static Status add_file_as_table(Shell *shell, const char *path, Error *err)
{
    const char *name = table_name_of(shell->arena, path);
    StrBuf sql = {.arena = shell->arena};
    Status status;

    strbuf_puts(&sql, "CREATE VIEW ");
    sql_add_name(&sql, name);
    strbuf_puts(&sql, " AS SELECT * FROM \"");
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '"')
            strbuf_putc(&sql, '"');
        strbuf_putc(&sql, *c);
    }
    strbuf_putc(&sql, '"');
    status = run_silently(shell->session, strbuf_text(&sql), err);
    if (status == ST_OK && shell->is_interactive)
        fprintf(stderr, "The file is the table %s.\n", name);
    err->sql_offset = -1; /* nobody typed that statement */
    return status;
}

static Status open_session(Shell *shell, const SqlOptions *options, Error *err)
{
    const char *path = options->database;
    bool is_file = path != NULL && is_table(path);
    Status status;

    shell->database = is_file ? NULL : path;
    status = session_open(shell->database, err, &shell->session);
    if (status == ST_OK && is_file)
        status = add_file_as_table(shell, path, err);
    return status;
}

/* A wrong value on the command line is wrong usage. */
static bool apply_settings(Shell *shell, const SqlOptions *options)
{
    for (uint32_t i = 0; i < options->setting_count; i++) {
        Error err = ERROR_NONE;

        if (config_set(session_config(shell->session), options->settings[i].name,
                       options->settings[i].value, &err) != ST_OK) {
            shell_report(shell, &err, NULL, 0);
            return false;
        }
    }
    return true;
}

static RunEnd run_jobs(Shell *shell, const SqlOptions *options)
{
    RunEnd end = RUN_OK;

    for (uint32_t i = 0; i < options->job_count && end == RUN_OK; i++) {
        const char *text = options->jobs[i].text;
        SourceText source = {.text = text, .bytes = strlen(text), .first_line = 1};

        end = options->jobs[i].is_file ? shell_run_file(shell, text)
                                       : shell_run_text(shell, &source, 0, true, NULL);
    }
    return end;
}

static RunEnd run(Shell *shell, const SqlOptions *options)
{
    if (options->job_count > 0)
        return run_jobs(shell, options);
    return shell->is_interactive ? repl_run(shell) : shell_run_file(shell, "-");
}

static int exit_status(RunEnd end)
{
    return end == RUN_FAILED ? EXIT_FAILED : end == RUN_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_OK;
}

/* Status of the program, unless writing the rest of the output fails. */
static int close_shell(Shell *shell, int status)
{
    Error err = ERROR_NONE;
    Status closed = shell_set_output(shell, NULL, &err);

    if (closed == ST_OK)
        closed = output_fini(shell->standard_output, &err);
    if (closed != ST_OK && status == EXIT_OK) {
        fprintf(stderr, "ERROR:  %s\n", err.message);
        status = EXIT_FAILED;
    }
    session_close(shell->session);
    return status;
}

static int run_shell(Shell *shell, const SqlOptions *options)
{
    Error err = ERROR_NONE;
    Status status = open_session(shell, options, &err);

    if (status == ST_OK && !apply_settings(shell, options))
        return EXIT_USAGE;
    if (status == ST_OK && options->output != NULL)
        status = shell_set_output(shell, options->output, &err);
    if (status == ST_OK)
        return exit_status(run(shell, options));
    shell_report(shell, &err, NULL, 0);
    return EXIT_FAILED;
}

static void init_shell(Shell *shell, const SqlOptions *options, Arena *arena)
{
    *shell = (Shell){.arena = arena,
                     .output = ARENA_NEW(arena, Output),
                     .format = options->format,
                     .expand = EXPAND_AUTO,
                     .null_text = "NULL",
                     .is_interactive = options->job_count == 0 && isatty(STDIN_FILENO) == 1,
                     .has_timing = options->has_timing,
                     .has_color = terminal_has_color(STDERR_FILENO)};
    shell->standard_output = shell->output;
    output_init(shell->output, STDOUT_FILENO, "standard output");
}

int subcommand_sql(int argc, char **argv)
{
    Arena *arena = arena_new(NULL, "shell", ARENA_NO_CAP);
    int status = EXIT_USAGE;
    SqlOptions options;
    Shell shell;

    if (sql_options_parse(arena, argc, argv, &options)) {
        if (options.wants_help) {
            sql_options_print_help();
            status = EXIT_OK;
        } else {
            init_shell(&shell, &options, arena);
            interrupt_catch(shell.is_interactive);
            status = close_shell(&shell, run_shell(&shell, &options));
        }
    }
    arena_free(arena);
    return status;
}
