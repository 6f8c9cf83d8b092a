/*
 * cluster_options.h -- what the command lines of the cluster's subcommands have in common
 */
#ifndef VONK_SHELL_CLUSTER_OPTIONS_H
#define VONK_SHELL_CLUSTER_OPTIONS_H

#include <getopt.h>
#include <stdio.h>

#include "core/base/arena.h"

typedef struct ClusterOptions {
    const char *master, *host, *port, *cores, *memory, *dir, *secret_file, *schedule, *log_file;
    const char *zookeeper, *ready_fd, *drain, *driver, *executor, *application, *listener;
    const char *from, *keep, *keep_dir, *keep_key, *keeper_port, *run_as, *tls, *revoke, *days,
        *masters;
    bool is_json, with_lineage, wants_token, wants_help;
} ClusterOptions;

/* An option of a subcommand: its name, where its text goes (offsetof; a bool takes none). */
typedef struct ClusterOption {
    const char *name;
    size_t offset;
    bool is_switch;
} ClusterOption;

#define CLUSTER_TEXT(name, field)   {name, offsetof(ClusterOptions, field), false}
#define CLUSTER_SWITCH(name, field) {name, offsetof(ClusterOptions, field), true}

/* The index of the first argument that is no option, argv being permuted; -1: the usage was wrong,
 * which was said. known ends with a name that is NULL; --help is known to all. */
int cluster_options_parse(int argc, char **argv, const ClusterOption *known,
                          ClusterOptions *options_out);

/* "4": a number from 1 to most; false: said what is wrong. */
bool cluster_number(const char *subcommand, const char *option, const char *text, int64_t most,
                    int64_t *number_out);

/* --memory: else three quarters of what the machine (or its cgroup) has. --cores: else those that
 * this process may use. */
bool cluster_memory(const char *subcommand, const char *text, int64_t *bytes_out);
/* --keep, which may be 0; standard_bytes when there is no text. */
bool cluster_keep(const char *subcommand, const char *text, int64_t standard_bytes,
                  int64_t *bytes_out);
bool cluster_cores(const char *subcommand, const char *text, int32_t *cores_out);

/* Says on standard error what went wrong; EXIT_FAILED. */
int cluster_report(const char *subcommand, const Error *err);

/* Of a session, which asks the master when it has something to ask: says what is wrong with the
 * URL; true: nothing is. */
bool cluster_url_is_good(const char *subcommand, const char *url);

/* As an absolute path; where none is given, a folder of that name in ~/.local/state/vonk. */
const char *cluster_folder(Arena *arena, const char *given, const char *standard);

/* --master, or VONK_MASTER, or the cluster that `vonk cluster up` started; NULL: none. */
const char *cluster_master(Arena *arena, const char *given);

#endif
