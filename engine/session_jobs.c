/* session_jobs.c -- see session_jobs.h */
#include "engine/session_jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/spill_file.h"
#include "engine/plan_transport.h"
#include "engine/session_internal.h"

/* What a task needs to get along: a partial table, blocks that it reads and writes. */
enum { TASK_BYTES_MIN = 32 << 20, SLOTS_GUESS = 4 };

static const char *spill_folder(const Session *session, Arena *arena)
{
    const char *set = session->config.spill_dir;
    const char *temporary = getenv("TMPDIR");

    if (set != NULL && set[0] != '\0')
        return arena_strdup(arena, set);
    return temporary != NULL && temporary[0] != '\0' ? arena_strdup(arena, temporary) : "/tmp";
}

/* The pool asks for what a task needs: blocks that wait may go to the disk. */
static uint64_t make_room(void *store, uint64_t bytes)
{
    return block_store_spill(store, bytes);
}

bool session_on_cluster(const Session *session)
{
    const char *master = session->config.master;

    return master[0] != '\0' && strcmp(master, "local") != 0;
}

static BlockOutput *find_output(void *transport, uint64_t id)
{
    return plan_transport_served(transport, id);
}

static const char *application_name(const Config *config)
{
    return config->application_name[0] == '\0' ? program_invocation_short_name
                                               : config->application_name;
}

static Status join_cluster(const Session *session, SessionJobs *jobs)
{
    const Config *config = &session->config;
    TransportSpec spec = {.pool = jobs->pool, .store = jobs->store};
    ApplicationOptions options = {.master_url = config->master,
                                  .name = application_name(config),
                                  .secret_file =
                                      config->secret_file[0] == '\0' ? NULL : config->secret_file,
                                  .executors = (uint32_t)config->executors,
                                  .executor_cores = (uint32_t)config->executor_cores,
                                  .executor_memory_bytes = config->executor_memory,
                                  .find_output = find_output};

    options.context = jobs->transport = plan_transport_new(&spec);
    jobs->wire = plan_transport_hooks(jobs->transport);
    return application_open(jobs->driver, jobs->store, &options, &jobs->unreachable,
                            &jobs->application);
}

/* To a file, if it is wanted; what is kept in memory costs no call of the system. */
static Status begin_events(const Session *session, SessionJobs *jobs)
{
    const Config *config = &session->config;
    EventLog *events = driver_events(jobs->driver);

    if (config->event_log[0] != '\0')
        TRY(event_log_to_folder(events, config->event_log, &jobs->unreachable));
    event_begin(events, "application");
    event_text(events, "name", application_name(config));
    event_text(events, "version", VONK_VERSION);
    event_text(events, "master", session_on_cluster(session) ? config->master : "local");
    event_number(events, "pid", getpid());
    event_end(events);
    return ST_OK;
}

SessionJobs *session_jobs(Session *session)
{
    SessionJobs *jobs = session->jobs;
    SchedulerConfig scheduler;
    Arena *arena;

    if (jobs != NULL)
        return jobs;
    arena = arena_new(NULL, "jobs", ARENA_NO_CAP);
    jobs = ARENA_NEW(arena, SessionJobs);
    jobs->arena = arena;
    jobs->pool =
        mem_pool_new(session->pool, "jobs", config_resources(&session->config).memory_bytes);
    jobs->store = block_store_new(jobs->pool, spill_folder(session, arena));
    mem_pool_on_pressure(jobs->pool, make_room, jobs->store);
    scheduler = session_on_cluster(session)
                    ? cluster_backend_config()
                    : thread_backend_config(session->config.test_faults != 0);
    jobs->driver = driver_new(jobs->store, &scheduler);
    driver_set_observer(jobs->driver, session->job_observer);
    jobs->unreachable = ERROR_NONE;
    if (begin_events(session, jobs) != ST_OK || !session_on_cluster(session) ||
        join_cluster(session, jobs) != ST_OK)
        jobs->threads = thread_backend_new(jobs->driver); /* the driver must have one */
    session->jobs = jobs;
    return jobs;
}

void session_name_rdds(Session *session, NamedRdds rdds)
{
    session->rdds = rdds;
}

void session_observe_jobs(Session *session, JobObserver observer)
{
    session->job_observer = observer;
}

/* Fewer tasks at once are slower, but go on; the answer does not know how many there were. */
static uint32_t tasks_at_once(const Resources *resources)
{
    uint64_t fit = resources->memory_bytes / TASK_BYTES_MIN;

    if (fit >= resources->threads)
        return resources->threads;
    return fit == 0 ? 1 : (uint32_t)fit;
}

/* What differs on a cluster. */
static void run_elsewhere(SessionJobs *jobs, JobRequest *request)
{
    uint32_t slots = application_size(jobs->application).slots;

    request->wire = &jobs->wire;
    request->is_wired = false;
    request->faults = test_faults_default(0);
    request->stream_partitions = slots == 0 ? SLOTS_GUESS : slots; /* they are about to come */
}

Status session_job_request(Session *session, const Plan *distributed, Error *err,
                           JobRequest *request_out)
{
    SessionJobs *jobs = session_jobs(session);
    const Config *config = &session->config;
    Resources resources = config_resources(config);
    uint32_t threads = tasks_at_once(&resources);

    if (config->spill_encryption)
        TRY(spill_files_encrypt(err));
    mem_pool_set_limit(jobs->pool, resources.memory_bytes);
    *request_out = (JobRequest){.plan = distributed,
                                .batch_rows = (uint32_t)config->batch_rows,
                                .jit = config->jit,
                                .cache = session_code_cache(session),
                                .spill_bytes = resources.memory_bytes / 2 / threads,
                                .cancelled = &session->cancelled,
                                .faults = test_faults_default((uint64_t)config->test_faults),
                                .is_wired = config->test_wire,
                                .codec = config->shuffle_compression,
                                .encrypts = config->spill_encryption,
                                .stream_partitions = threads};
    if (jobs->application != NULL) {
        run_elsewhere(jobs, request_out);
        return ST_OK;
    }
    if (jobs->unreachable.status != ST_OK) {
        if (err != NULL)
            *err = jobs->unreachable;
        return jobs->unreachable.status;
    }
    return thread_backend_resize(jobs->threads, threads, err);
}

void session_jobs_free(SessionJobs *jobs)
{
    if (jobs == NULL)
        return;
    thread_backend_free(jobs->threads);
    application_close(jobs->application);
    plan_transport_free(jobs->transport);
    driver_free(jobs->driver);
    block_store_free(jobs->store);
    mem_pool_free(jobs->pool);
    arena_free(jobs->arena);
}
