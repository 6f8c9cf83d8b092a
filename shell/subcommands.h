/*
 * subcommands.h -- `vonk <name> ...`: each takes its own argv (argv[0] is its name) and returns the
 * program's exit status
 *
 *     0 all went well   1 something failed   2 wrong usage   130 interrupted
 */
#ifndef VONK_SHELL_SUBCOMMANDS_H
#define VONK_SHELL_SUBCOMMANDS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* subcommand_sql.c: SQL from the command line, files, standard input or a prompt. */
int subcommand_sql(int argc, char **argv);

/* subcommand_submit.c: a job, and the compiler for jobs. */
int subcommand_submit(int argc, char **argv);
int subcommand_cc(int argc, char **argv);

/* subcommand_cluster.c: a secret; a whole cluster on this machine. */
int subcommand_cluster(int argc, char **argv);

/* subcommand_processes.c: the long-lived processes of a cluster. */
int subcommand_master(int argc, char **argv);
int subcommand_worker(int argc, char **argv);

/* subcommand_executor.c: what a worker starts. */
int subcommand_executor(int argc, char **argv);

/* subcommand_keeper.c: as well. */
int subcommand_keeper(int argc, char **argv);

/* subcommand_status.c: what people ask a master. */
int subcommand_status(int argc, char **argv);
int subcommand_kill(int argc, char **argv);

/* subcommand_metrics.c: for Prometheus. */
int subcommand_metrics(int argc, char **argv);

#endif
