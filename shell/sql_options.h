/*
 * sql_options.h -- the command line of `vonk sql`
 */
#ifndef VONK_SHELL_SQL_OPTIONS_H
#define VONK_SHELL_SQL_OPTIONS_H

#include "core/base/arena.h"
#include "shell/result_writer.h"

/* -c and -f, in the order given. */
typedef struct SqlJob {
    bool is_file;
    const char *text; /* SQL, or the file's path */
} SqlJob;

/* NAME=VALUE of --set, and of options that are settings: --threads 4 is threads=4. */
typedef struct SqlSetting {
    const char *name;
    const char *value;
} SqlSetting;

typedef struct SqlOptions {
    const char *database; /* a folder or a file; NULL: none */
    OutputFormat format;
    const char *output; /* path; NULL: standard output */
    bool has_timing;
    bool wants_help;
    uint32_t job_count, setting_count;
    SqlJob *jobs;
    SqlSetting *settings;
} SqlOptions;

/* argv is permuted; what is returned borrows its texts. False: the usage was wrong, and standard
 * error says how. */
bool sql_options_parse(Arena *arena, int argc, char **argv, SqlOptions *options_out);

void sql_options_print_help(void);

#endif
