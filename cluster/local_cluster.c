/* local_cluster.c -- see local_cluster.h */
#include "cluster/local_cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/local_process.h"
#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/invariant.h"

enum { PROCESSES_MAX = LOCAL_WORKERS_MAX + LOCAL_MASTERS_MAX };

static const int64_t start_ns = 20000000000, end_ns = 8000000000;
static const char state_name[] = "cluster.state", lock_name[] = "cluster.lock";

typedef struct LocalCluster {
    const char *dir;
    Arena *arena;
    int lock;
    const char *url; /* NULL: not known */
    uint32_t count;
    LocalProcess processes[PROCESSES_MAX]; /* masters first */
} LocalCluster;

/* --- the folder --- */

static Status make_folders(Arena *arena, const char *dir, Error *err)
{
    char *path = arena_strdup(arena, dir);
    struct stat folder;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    if (stat(path, &folder) != 0)
        return error_set_errno(err, errno, "cannot look at the folder \"%s\"", path);
    if (!S_ISDIR(folder.st_mode) || folder.st_uid != geteuid())
        return error_set(err, ST_BAD_INPUT, "\"%s\" is no folder of yours", path);
    return ST_OK;
}

static Status lock_cluster(LocalCluster *cluster, Error *err)
{
    const char *path = arena_printf(cluster->arena, "%s/%s", cluster->dir, lock_name);

    cluster->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (cluster->lock < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", path);
    if (flock(cluster->lock, LOCK_EX | LOCK_NB) == 0)
        return ST_OK;
    return error_set(err, ST_BAD_INPUT, "vonk cluster works on \"%s\" already", cluster->dir);
}

/* "master", "master.log", "master.log.1", "master-2.log", "worker-3.log", "worker-3" */
static bool is_ours(const char *name)
{
    bool is_master = strncmp(name, "master", 6) == 0;

    if (strcmp(name, state_name) == 0)
        return true;
    if (!is_master && strncmp(name, "worker", 6) != 0)
        return false;
    name += 6;
    if (name[0] == '-') {
        size_t digits = strspn(name + 1, "0123456789");

        if (digits == 0)
            return false;
        name += 1 + digits;
    } else if (!is_master) {
        return false;
    }
    return name[0] == '\0' || strncmp(name, ".log", 4) == 0;
}

static bool remove_ours(const LocalCluster *cluster)
{
    DIR *folder = opendir(cluster->dir);
    bool had_some = false;

    if (folder == NULL)
        return false;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!is_ours(entry->d_name))
            continue;
        had_some = true;
        worker__remove_folder(arena_printf(cluster->arena, "%s/%s", cluster->dir, entry->d_name));
    }
    closedir(folder);
    return had_some;
}

/* --- the file of processes --- */

static void add_line(const LocalCluster *cluster, const char *line)
{
    const char *path = arena_printf(cluster->arena, "%s/%s", cluster->dir, state_name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        fprintf(stderr, "vonk cluster: cannot write \"%s\": %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void add_process_line(const LocalCluster *cluster, const LocalProcess *process)
{
    add_line(cluster, arena_printf(cluster->arena, "process %s %d %" PRIu64 "\n", process->name,
                                   (int)process->pid, process->start_time));
}

static void read_line(LocalCluster *cluster, const char *line)
{
    char word[512];
    uint64_t start_time;
    int pid;

    if (sscanf(line, "process %63s %d %" SCNu64, word, &pid, &start_time) == 3 && pid > 0 &&
        cluster->count < PROCESSES_MAX)
        cluster->processes[cluster->count++] =
            (LocalProcess){arena_strdup(cluster->arena, word), pid, start_time};
    else if (sscanf(line, "url %511s", word) == 1)
        cluster->url = arena_strdup(cluster->arena, word);
}

static void read_state(LocalCluster *cluster)
{
    FILE *file = fopen(arena_printf(cluster->arena, "%s/%s", cluster->dir, state_name), "re");
    char line[1024];

    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        read_line(cluster, line);
    fclose(file);
}

static uint32_t count_alive(const LocalCluster *cluster)
{
    uint32_t alive = 0;

    for (uint32_t i = 0; i < cluster->count; i++) {
        int fd = local_process_open(&cluster->processes[i]);

        if (fd < 0)
            continue;
        close(fd);
        alive++;
    }
    return alive;
}

/* --- ending --- */

/* Workers first: they end their executors, and tell the master. */
static void end_all(LocalCluster *cluster)
{
    uint32_t masters = 0;

    while (masters < cluster->count && strncmp(cluster->processes[masters].name, "master", 6) == 0)
        masters++;
    local_processes_end(cluster->processes + masters, cluster->count - masters,
                        clock_now_ns() + end_ns);
    local_processes_end(cluster->processes, masters, clock_now_ns() + end_ns);
    cluster->count = 0;
}

static void close_cluster(LocalCluster *cluster, bool is_removed)
{
    if (cluster->lock < 0)
        return;
    if (is_removed) {
        unlink(arena_printf(cluster->arena, "%s/%s", cluster->dir, lock_name));
        rmdir(cluster->dir); /* stays when somebody else has something in it */
    }
    close(cluster->lock);
}

Status local_cluster_down(const char *dir, Arena *arena, Error *err, bool *was_up_out)
{
    LocalCluster cluster = {.dir = dir, .arena = arena, .lock = -1};
    struct stat folder;
    Status status;

    *was_up_out = false;
    if (stat(dir, &folder) != 0)
        return ST_OK;
    status = lock_cluster(&cluster, err);
    if (status == ST_OK) {
        read_state(&cluster);
        end_all(&cluster);
        *was_up_out = remove_ours(&cluster);
    }
    close_cluster(&cluster, status == ST_OK);
    return status;
}

const char *local_cluster_url(const char *dir, Arena *arena)
{
    LocalCluster cluster = {.dir = dir, .arena = arena, .lock = -1};

    read_state(&cluster);
    return count_alive(&cluster) > 0 ? cluster.url : NULL;
}

/* --- starting --- */

static Status start(LocalCluster *cluster, const char *name, const char *const *arguments,
                    Error *err, int *ready_out)
{
    LocalProcess *process = &cluster->processes[cluster->count];
    Status status;

    process->name = name;
    status = local_process_start(process, arguments, err, ready_out);
    if (status == ST_OK) {
        cluster->count++;
        add_process_line(cluster, process);
    }
    return status;
}

enum { WORDS_MAX = 24 };

/* A command line that grows; what has no value is left out. */
static void add_option(const char **words, const char *name, const char *value)
{
    uint32_t count = 0;

    if (value == NULL)
        return;
    while (words[count] != NULL)
        count++;
    CHECK(count + 2 < WORDS_MAX);
    words[count] = name;
    words[count + 1] = value;
}

/* With several, each is in the URL, and what they keep is in ZooKeeper. */
static Status start_master(LocalCluster *cluster, const LocalClusterOptions *options,
                           uint32_t number, Error *err)
{
    Arena *arena = cluster->arena;
    const char *name = number == 0 ? "master" : arena_printf(arena, "master-%u", number + 1);
    const char *arguments[WORDS_MAX] = {
        "vonk",       "master",
        "--host",     "127.0.0.1",
        "--port",     "0",
        "--schedule", options->schedule,
        "--log-file", arena_printf(arena, "%s/%s.log", cluster->dir, name)};
    const char *url;
    Status status;
    int ready;

    add_option(arguments, "--secret-file", options->secret_file);
    add_option(arguments, "--zookeeper", options->zookeeper);
    if (options->zookeeper == NULL)
        add_option(arguments, "--dir", arena_printf(arena, "%s/master", cluster->dir));
    status = start(cluster, name, arguments, err, &ready);
    if (status == ST_OK)
        status = local_process_ready(&cluster->processes[number], ready, clock_now_ns() + start_ns,
                                     arena, err, &url);
    if (status == ST_OK)
        cluster->url =
            number == 0 ? url : arena_printf(arena, "%s,%s", cluster->url, url + strlen("vonk://"));
    if (ready >= 0)
        close(ready);
    return status;
}

/* Its part of what there is. */
static int64_t part(int64_t all, uint32_t parts, uint32_t number)
{
    return all / parts + (number < all % parts ? 1 : 0);
}

static Status start_worker(LocalCluster *cluster, const LocalClusterOptions *options,
                           uint32_t number, Error *err, int *ready_out)
{
    Arena *arena = cluster->arena;
    int64_t cores = part(options->cores, options->workers, number);
    const char *name = arena_printf(arena, "worker-%u", number + 1);
    const char *arguments[WORDS_MAX] = {
        "vonk",       "worker",
        "--master",   cluster->url,
        "--host",     "127.0.0.1",
        "--cores",    arena_printf(arena, "%" PRId64, cores < 1 ? 1 : cores),
        "--memory",   arena_printf(arena, "%" PRId64, options->memory_bytes / options->workers),
        "--dir",      arena_printf(arena, "%s/%s", cluster->dir, name),
        "--log-file", arena_printf(arena, "%s/%s.log", cluster->dir, name)};

    add_option(arguments, "--secret-file", options->secret_file);
    add_option(arguments, "--run-as", options->run_as);
    return start(cluster, name, arguments, err, ready_out);
}

static Status start_workers(LocalCluster *cluster, const LocalClusterOptions *options, Error *err)
{
    int64_t deadline = clock_now_ns() + start_ns;
    int ready[LOCAL_WORKERS_MAX];
    uint32_t started = 0;
    Status status = ST_OK;
    const char *line;

    while (status == ST_OK && started < options->workers) {
        ready[started] = -1;
        status = start_worker(cluster, options, started, err, &ready[started]);
        started++;
    }
    for (uint32_t i = 0; i < started; i++) {
        if (status == ST_OK)
            status = local_process_ready(&cluster->processes[options->masters + i], ready[i],
                                         deadline, cluster->arena, err, &line);
        if (ready[i] >= 0)
            close(ready[i]);
    }
    return status;
}

static Status refuse_second(const LocalCluster *cluster, Error *err)
{
    error_set(err, ST_BAD_INPUT, "a cluster is up in \"%s\" already%s%s", cluster->dir,
              cluster->url != NULL ? ": " : "", cluster->url != NULL ? cluster->url : "");
    error_hint(err, "vonk cluster down ends it; --dir names another folder.");
    return ST_BAD_INPUT;
}

static Status start_all(LocalCluster *cluster, const LocalClusterOptions *options, Error *err)
{
    Status status = ST_OK;

    read_state(cluster);
    if (count_alive(cluster) > 0)
        return refuse_second(cluster, err);
    cluster->count = 0;
    cluster->url = NULL;
    remove_ours(cluster);
    add_line(cluster, "vonk cluster 1\n");
    for (uint32_t i = 0; i < options->masters && status == ST_OK; i++)
        status = start_master(cluster, options, i, err);
    if (status == ST_OK)
        status = start_workers(cluster, options, err);
    if (status == ST_OK) {
        add_line(cluster, arena_printf(cluster->arena, "url %s\n", cluster->url));
        return ST_OK;
    }
    end_all(cluster);
    error_detail(err, "The logs are in \"%s\".", cluster->dir);
    return status;
}

Status local_cluster_up(const LocalClusterOptions *options, Arena *arena, Error *err,
                        const char **url_out)
{
    LocalCluster cluster = {.dir = options->dir, .arena = arena, .lock = -1};
    Status status;

    *url_out = NULL;
    if (options->workers < 1 || options->workers > LOCAL_WORKERS_MAX)
        return error_set(err, ST_BAD_INPUT, "a cluster on one machine has 1 to %d workers",
                         LOCAL_WORKERS_MAX);
    if (options->masters < 1 || options->masters > LOCAL_MASTERS_MAX ||
        (options->masters > 1 && options->zookeeper == NULL)) {
        error_set(err, ST_BAD_INPUT, "a cluster has a master, or up to %d with ZooKeeper",
                  LOCAL_MASTERS_MAX);
        error_hint(err, "--zookeeper host:2181 says where it is.");
        return ST_BAD_INPUT;
    }
    TRY(make_folders(arena, options->dir, err));
    if (options->run_as != NULL && chmod(options->dir, 0711) != 0)
        return error_set_errno(err, errno, "cannot let others pass the folder \"%s\"",
                               options->dir);
    status = lock_cluster(&cluster, err);
    if (status == ST_OK)
        status = start_all(&cluster, options, err);
    *url_out = cluster.url;
    close_cluster(&cluster, false);
    return status;
}
