/*
 * worker_internal.h -- what the threads of a worker share
 *
 *     worker_main.c      main thread: starts, stops, reaps, keeps logs, watches memory
 *     worker_heartbeat.c asks the master what to do, and puts it on the board
 *     worker_chores.c    tells of ends, removes folders: what may take its time
 *     worker_child.c     one executor's process, from fork to reaping
 *     worker_user.c      the user that such processes run as
 *     worker_folder.c    removes what they leave
 *     worker_keeper.c    the process that serves what executors have kept
 */
#ifndef VONK_CLUSTER_WORKER_INTERNAL_H
#define VONK_CLUSTER_WORKER_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>

#include "cluster/driver_job.h"
#include "cluster/log_file.h"
#include "cluster/membership.h"
#include "cluster/worker_main.h"
#include "core/base/str.h"

enum {
    CHILDREN_MAX = 256,
    FOLDERS_MAX = 1024, /* of applications */
    CHORES_MAX = 2048,
    REASON_BYTES = 512,
    DRIVER_HOST_BYTES = 256,
    LAST_LINE_BYTES = 240
};

/* --- the user that executors and drivers run as --- */

typedef struct RunAs {
    bool is_other; /* than the worker's own; else all is empty */
    const char *name, *home;
    uid_t user;
    gid_t group;
    gid_t *groups;
    size_t group_count;
} RunAs;

/* name NULL: the worker's own. ST_BAD_INPUT: there is none, or this process may not become it.
 * Lives in the arena. */
MUST_CHECK Status run_as_find(const char *name, Arena *arena, Error *err, RunAs *user_out);
/* The worker's folder lets the user pass, and the user comes there. Before there are threads. */
MUST_CHECK Status run_as_prepare(const RunAs *user, const char *dir, Error *err);
/* In a new process; false: errno. */
bool run_as_become(const RunAs *user);
/* A folder that this process has made just now, and what it has put there, become the user's. */
MUST_CHECK Status run_as_give(const RunAs *user, const char *path, Error *err);

/* A folder that is the worker's, in which the user finds what is its own. */
MUST_CHECK Status worker__make_passage(const RunAs *user, const char *path, Error *err);

/* --- any process of a worker's --- */

enum { PROCESS_TEXT_BYTES = 32, NAMES_MAX = 32 };

/* All texts are made before: between fork and exec nothing may be. */
typedef struct ProcessSpec {
    const char *program, *cwd;    /* cwd NULL: the worker's */
    const char *const *arguments; /* NULL at the end, as environment */
    char *environment[NAMES_MAX];
    char names[NAMES_MAX][PATH_MAX];
    const RunAs *user; /* NULL: the worker's */
    int output;        /* its standard output and error                        */
    int listener;      /* it has that as PROCESS_LISTENER; -1: it has none     */
    int secret;        /* it has that as PROCESS_SECRET; -1: there is none     */
    int keep_key;      /* it has that as PROCESS_KEEP_KEY; -1: there is none   */
} ProcessSpec;

enum { PROCESS_LISTENER = 3, PROCESS_SECRET = 4, PROCESS_KEEP_KEY = 5 };
/* As the process names them, wherever a file with a secret is named. */
#define PROCESS_SECRET_NAME   "fd:4"
#define PROCESS_KEEP_KEY_NAME "fd:5"

/* What a program needs of this process's environment, and TMPDIR. After its user is set. */
void worker__fill_environment(ProcessSpec *spec, const char *temporary);
void worker__add_environment(ProcessSpec *spec, const char *name, const char *value);
/* -1: errno says why not. From the main thread: it dies with that. */
pid_t worker__fork(const ProcessSpec *spec);

/* --- the keeper's process --- */

typedef struct Keeper {
    int listener; /* -1: there is none */
    uint16_t port;
    pid_t pid; /* 0: none runs */
    int64_t start_at_ns;
    int64_t keep_bytes; /* an application's; 0: nothing is kept */
    /* Of this worker's life, and nobody's else: what the keys of encrypted files come from. */
    unsigned char key[SECRET_KEY_BYTES];
} Keeper;

struct Worker;
/* Its socket, from now on; without one executors keep nothing. */
void keeper_open(struct Worker *worker, const ChannelKeys *keys);
/* Starts it when there is none. Returns how long until the next look. */
int keeper_watch(struct Worker *worker, int64_t now_ns);
void keeper_ended(Keeper *keeper, int64_t now_ns);
void keeper_close(Keeper *keeper);

/* --- an executor's process --- */

typedef enum ChildState {
    CHILD_NONE,
    CHILD_FETCHES, /* a driver's package is brought */
    CHILD_ORDERED, /* the main thread starts it */
    CHILD_RUNS,
    CHILD_ENDED, /* until the master was told, or could not be */
} ChildState;

typedef struct Child {
    ChildState state;
    int64_t executor, application;
    char driver_host[DRIVER_HOST_BYTES];
    uint16_t driver_port;
    int32_t cores;
    int64_t memory_bytes; /* 0: as much as the worker has */
    bool is_unwanted;     /* the master wants it stopped */
    int64_t driver;       /* not 0: it is a process of that driver's, and no executor */
    int64_t owner;        /* the driver whose application's executor it is; or 0 */
    Arena *arena;         /* of job; a driver's */
    DriverJob job;
    char problem[REASON_BYTES]; /* it cannot be started; or "" */

    /* the main thread's */
    pid_t pid;
    int output; /* its standard output and error come here; -1: closed */
    LogFile log;
    char last_line[LAST_LINE_BYTES];
    size_t line_bytes;
    int64_t kill_at_ns; /* 0: not told to end */
    char why_killed[REASON_BYTES];
} Child;

/* Starts the process and opens its log; what does not work is its end, too (*err). */
MUST_CHECK Status child_start(Child *child, const struct Worker *worker, Error *err);
/* What it wrote goes to its log. */
void child_read_output(Child *child);
/* Memory in use that is its own; 0 when it cannot be known. */
int64_t child_memory_bytes(const Child *child);
/* Asks it to end; a second later it is made to. */
void child_ask_to_end(Child *child, int64_t now_ns);
void child_kill(Child *child);

typedef struct ChildEnd {
    int32_t exit_code; /* or EXIT_CODE_NONE */
    bool has_crashed;  /* by itself, or by what it has used: not by somebody's signal, nor as it
                        * should */
    uint64_t attempt;  /* that has done it; 0: not known */
} ChildEnd;
#define CHILD_NOT_STARTED ((ChildEnd){.exit_code = EXIT_CODE_NONE})

/* After its process has ended: the group too, the log's end, and in words why. was_unwanted: it was
 * told to. */
ChildEnd child_finish(Child *child, int wait_status, bool was_unwanted, char reason[REASON_BYTES]);

/* Who its process is, among those who know the cluster's secret. */
Identity child_identity(const Child *child);

/* "DIR/app-1/executor-2", or "DIR/driver-3/process-4", in a buffer of PATH_MAX; executor 0: what it
 * is in. */
void child_folder(const WorkerOptions *options, const Child *child, int64_t executor, char *path);

/* "DIR/packages/HASH" */
void package_path(const WorkerOptions *options, ContentHash package, char *path);

/* --- what the threads share --- */

typedef struct ChoreQueue ChoreQueue;

typedef struct Worker {
    const WorkerOptions *options;
    const RpcModule *rpc;
    const ChannelKeys *keys;
    RpcPool *pool;
    char name[128];
    int64_t incarnation;
    RunAs user; /* of executors and drivers */
    int secret; /* a descriptor that the keeper is given; -1: there is none */
    int wake;   /* an eventfd: the board has changed */
    ChoreQueue *tell_master, *tell_drivers, *fetches, *others;
    Keeper keeper; /* the main thread's */

    pthread_mutex_t lock; /* of all below, but what is the main thread's */
    pthread_cond_t changed;
    bool is_stopping, is_refused; /* refused: err says why */
    Error err;
    MasterUrl master;
    int64_t id; /* 0: not registered */
    int64_t reports, orders_seen, last_id;
    Child children[CHILDREN_MAX];
    uint32_t folder_count;
    int64_t folders[FOLDERS_MAX];
} Worker;

void worker__wake(Worker *worker);

/* The thread that talks to the master; the argument is the Worker. */
void *worker__heartbeat_main(void *opaque);

/* --- chores: one thread, one after the other --- */

typedef enum ChoreKind {
    CHORE_TELL_MASTER,
    CHORE_TELL_DRIVER,
    CHORE_REMOVE_FOLDER,
    CHORE_FETCH_PACKAGE
} ChoreKind;

typedef struct Chore {
    ChoreKind kind;
    int64_t executor, application;
    bool has_crashed;
    uint64_t attempt; /* as of ChildEnd */
    int64_t owner;    /* as a child's */
    char driver_host[DRIVER_HOST_BYTES];
    uint16_t driver_port;
    int64_t driver; /* as a child's */
    int32_t exit_code;
    ContentHash package;
    char text[PATH_MAX]; /* the reason; or the folder */
} Chore;

MUST_CHECK Status chores_start(Worker *worker, Arena *arena, Error *err, ChoreQueue **queue_out);
/* When there are too many, the oldest is dropped: the master sees ends from heartbeats as well, and
 * folders go with the worker. */
void chores_add(ChoreQueue *queue, const Chore *chore);
/* Does what is left, and ends the thread. Accepts NULL. */
void chores_stop(ChoreQueue *queue);

/* Of those that drivers have left, the last ones stay. */
void worker__remove_old_logs(const char *dir);

/* Removes a folder and all below it, or a file; symbolic links are not followed. */
void worker__remove_folder(const char *path);

#endif
