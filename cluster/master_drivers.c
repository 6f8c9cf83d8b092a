/*
 * master_drivers.c -- drivers that workers run: submitted, placed, started again, over
 *
 *     waiting -> started (an executor without cores, on a worker) -> finished | failed | killed
 *        ^          |
 *        '----------'  it died, or its worker has, and it is supervised; after a pause
 *
 * A driver is kept (master_next_to_keep) before it is ordered: a master that comes after this one
 * knows whether it may have run, and where. It waits as long as for any silent worker for that one,
 * which brings it, or comes without it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster/master_state_internal.h"
#include "core/base/log.h"

enum { RECORD_FORMAT = 2 };

static const char area[] = "master";
static const WireKind record_kind = {"record of a driver", {'V', 'D', 'R', 'C'}, RECORD_FORMAT, 0};

static const char *const state_names[] = {
    [DRIVER_AWAITED] = "awaited",   [DRIVER_WAITING] = "waiting", [DRIVER_STARTED] = "running",
    [DRIVER_FINISHED] = "finished", [DRIVER_FAILED] = "failed",   [DRIVER_KILLED] = "killed",
};

const char *master__driver_state_name(const MasterDriver *driver)
{
    return state_names[driver->state];
}

MasterDriver *master__driver(const MasterState *state, int64_t id)
{
    for (uint32_t i = 0; i < state->driver_count; i++)
        if (state->drivers[i].id == id)
            return &state->drivers[i];
    return NULL;
}

static bool is_over(const MasterDriver *driver)
{
    return driver->state >= DRIVER_FINISHED;
}

/* --- what is kept --- */

static void change(MasterDriver *driver)
{
    driver->version++;
}

static Status write_record(const MasterDriver *driver, Arena *arena, Error *err,
                           WireBytes *record_out)
{
    WireWriter to = {.arena = arena};

    wire_begin(&to);
    wire_put_u64(&to, (uint64_t)driver->id);
    wire_put_u64(&to, (uint64_t)driver->token);
    wire_put_u32(&to, (uint32_t)driver->state);
    wire_put_u32(&to, (uint32_t)driver->exit_code);
    wire_put_u32(&to, driver->restarts);
    wire_put_text(&to, driver->reason);
    wire_put_text(&to, driver->worker);
    wire_put_blob(&to, driver->job.bytes, (uint32_t)driver->job.byte_count);
    return wire_seal(&to, &record_kind, err, record_out);
}

bool master_has_to_keep(const MasterState *state)
{
    for (uint32_t i = 0; i < state->driver_count; i++)
        if (state->drivers[i].kept_version != state->drivers[i].version)
            return true;
    return state->forgotten_count > 0;
}

bool master_next_to_keep(const MasterState *state, Arena *arena, MasterKept *kept_out)
{
    if (state->forgotten_count > 0) {
        *kept_out = (MasterKept){.driver = state->forgotten[0], .is_forgotten = true};
        return true;
    }
    for (uint32_t i = 0; i < state->driver_count; i++) {
        const MasterDriver *driver = &state->drivers[i];

        if (driver->kept_version == driver->version)
            continue;
        *kept_out = (MasterKept){.driver = driver->id, .version = driver->version};
        if (write_record(driver, arena, NULL, &kept_out->record) != ST_OK)
            continue;
        if (driver->kept_version == 0) /* it never changes */
            kept_out->package =
                (WireBytes){arena_copy(arena, driver->package.bytes, driver->package.byte_count),
                            driver->package.byte_count};
        kept_out->has_no_package = is_over(driver);
        return true;
    }
    return false;
}

void master_kept(MasterState *state, const MasterKept *kept, int64_t now_ns)
{
    MasterDriver *driver = master__driver(state, kept->driver);
    MasterExecutor *process;

    if (kept->is_forgotten && state->forgotten_count > 0) {
        state->forgotten[0] = state->forgotten[--state->forgotten_count];
        return;
    }
    if (driver == NULL)
        return;
    driver->kept_version = kept->version;
    process = master__executor(state, driver->process);
    if (process != NULL) /* its order was held back */
        master__worker(state, process->worker)->has_news = true;
    else
        master__place_drivers(state, now_ns);
}

bool master_is_driver_process(const MasterState *state, int64_t id)
{
    const MasterExecutor *process = master__executor(state, id);

    return (process != NULL && process->driver != 0) ||
           master__past(state, PAST_PROCESS, id) != NULL;
}

/* --- they come --- */

static void forget_driver(MasterState *state, MasterDriver *driver)
{
    arena_free(driver->arena);
    if (driver->kept_version != 0 && state->forgotten_count < MASTER_DRIVERS_MAX)
        state->forgotten[state->forgotten_count++] = driver->id;
    *driver = state->drivers[--state->driver_count];
}

/* Of those that are over the last ones are known; and there must be room. */
static void forget_oldest(MasterState *state)
{
    MasterDriver *oldest = NULL;
    uint32_t over = 0;

    for (uint32_t i = 0; i < state->driver_count; i++) {
        MasterDriver *driver = &state->drivers[i];

        over += is_over(driver);
        if (is_over(driver) && (oldest == NULL || driver->id < oldest->id))
            oldest = driver;
    }
    if (over > DRIVERS_OVER_MAX)
        forget_driver(state, oldest);
}

static uint64_t package_bytes(const MasterState *state)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < state->driver_count; i++)
        sum += state->drivers[i].package.byte_count;
    return sum;
}

static MasterDriver *add_driver(MasterState *state, int64_t id, int64_t token, WireBytes job,
                                WireBytes package, int64_t now_ns, Error *err)
{
    Arena *arena;
    MasterDriver *driver;
    DriverJob read;

    if (state->driver_count == MASTER_DRIVERS_MAX ||
        package_bytes(state) + package.byte_count > MASTER_PACKAGES_BYTES_MAX) {
        error_set(err, ST_NOT_SUPPORTED, "there are %u drivers already, and no room for more",
                  state->driver_count);
        return NULL;
    }
    arena = arena_new(state->arena, "driver", ARENA_NO_CAP);
    if (driver_job_read(job, arena, err, &read) != ST_OK) {
        arena_free(arena);
        return NULL;
    }
    driver = &state->drivers[state->driver_count++];
    *driver = (MasterDriver){
        .id = id,
        .token = token,
        .arena = arena,
        .job = {arena_copy(arena, job.bytes, job.byte_count), job.byte_count},
        .package_arena = arena_new(arena, "package", ARENA_NO_CAP),
        .is_supervised = read.is_supervised,
        .state = DRIVER_WAITING,
        .exit_code = EXIT_CODE_NONE,
        .submitted_ns = now_ns,
        .version = 1,
    };
    driver->package.bytes = arena_copy(driver->package_arena, package.bytes, package.byte_count);
    driver->package.byte_count = package.byte_count;
    master__copy_text(driver->name, sizeof driver->name, read.name);
    return driver;
}

Status master_submit_driver(MasterState *state, const RpcBuild *build, int64_t token, WireBytes job,
                            WireBytes package, int64_t now_ns, Error *err, int64_t *driver_out)
{
    MasterDriver *driver;

    *driver_out = 0;
    TRY(master__check_build(state, build, "submitter", err));
    for (uint32_t i = 0; i < state->driver_count; i++) {
        if (state->drivers[i].token != token)
            continue;
        *driver_out = state->drivers[i].id; /* the same call again */
        return ST_OK;
    }
    driver = add_driver(state, state->next_id, token, job, package, now_ns, err);
    if (driver == NULL)
        return ST_NOT_SUPPORTED;
    state->next_id++;
    *driver_out = driver->id;
    LOG_INFO(area, "driver %" PRId64 " (%s%s) is submitted", driver->id, driver->name,
             driver->is_supervised ? ", supervised" : "");
    forget_oldest(state);
    master__place(state, now_ns);
    return ST_OK;
}

Status master_restore_driver(MasterState *state, WireBytes record, WireBytes package,
                             int64_t now_ns, Error *err)
{
    Arena *arena = arena_new(NULL, "record", ARENA_NO_CAP);
    int64_t id = 0, token = 0;
    MasterDriver read = {0}, *driver = NULL;
    const char *reason = "", *worker = "";
    uint32_t job_bytes = 0;
    WireBytes job = {0};
    WireReader from;
    Status status = wire_unseal(record.bytes, record.byte_count, &record_kind, err, &from);

    if (status == ST_OK) {
        id = (int64_t)wire_get_u64(&from);
        token = (int64_t)wire_get_u64(&from);
        read.state = (DriverState)wire_get_below(&from, DRIVER_KILLED + 1, "states");
        read.exit_code = (int32_t)wire_get_u32(&from);
        read.restarts = wire_get_u32(&from);
        reason = wire_get_name(&from, arena);
        worker = wire_get_name(&from, arena);
        job.bytes = wire_get_blob(&from, &job_bytes);
        job.byte_count = job_bytes;
        status = wire_end(&from);
    }
    if (status == ST_OK) {
        driver = add_driver(state, id, token, job, package, now_ns, err);
        status = driver == NULL ? ST_NOT_SUPPORTED : ST_OK;
    }
    if (driver != NULL) {
        driver->state = read.state == DRIVER_STARTED ? DRIVER_AWAITED : read.state;
        driver->exit_code = read.exit_code;
        driver->restarts = read.restarts;
        driver->kept_version = driver->version;
        if (driver->state == DRIVER_AWAITED)
            driver->pause_until_ns = now_ns + state->config.silence_ns;
        master__copy_text(driver->reason, sizeof driver->reason, reason);
        master__copy_text(driver->worker, sizeof driver->worker, worker);
    }
    arena_free(arena);
    return status;
}

/* --- they end --- */

static void end_driver(MasterDriver *driver, DriverState how, int32_t exit_code, const char *reason)
{
    driver->state = how;
    driver->process = 0;
    driver->exit_code = exit_code;
    driver->package = (WireBytes){0}; /* nobody asks for it any more */
    arena_reset(driver->package_arena);
    snprintf(driver->reason, sizeof driver->reason, "%s", reason);
    change(driver);
    LOG_INFO(area, "driver %" PRId64 " (%s) is over: %s: %s", driver->id, driver->name,
             master__driver_state_name(driver), reason);
}

/* The more of that one after the other, the longer the pause; what has lived for a while has begun
 * well. */
static void start_again(MasterDriver *driver, bool was_quick, const char *reason, int64_t now_ns)
{
    const int64_t first_ns = 100000000, most_ns = 10000000000;
    uint32_t doublings;

    driver->state = DRIVER_WAITING;
    driver->process = 0;
    driver->restarts++;
    driver->quick_ends = was_quick ? driver->quick_ends + 1 : 0;
    doublings = driver->quick_ends < QUICK_ENDS_FREE ? 0 : driver->quick_ends - QUICK_ENDS_FREE + 1;
    driver->pause_until_ns =
        doublings == 0 ? now_ns : now_ns + (doublings >= 8 ? most_ns : first_ns << (doublings - 1));
    snprintf(driver->reason, sizeof driver->reason, "%s", reason);
    change(driver);
    LOG_WARN(area, "driver %" PRId64 " (%s) has died, and is started again: %s", driver->id,
             driver->name, reason);
}

/* That process of it has ended. */
void master__driver_ended(MasterState *state, const MasterExecutor *process, const char *reason,
                          int32_t exit_code, int64_t now_ns)
{
    MasterDriver *driver = master__driver(state, process->driver);
    bool was_quick = now_ns - process->started_ns < state->config.quick_end_ns;

    master__end_applications_of(state, process->id, process->driver, reason, now_ns);
    if (driver == NULL || driver->process != process->id || is_over(driver))
        return;
    driver->shunned_worker = process->worker;
    if (exit_code != EXIT_CODE_NONE)
        end_driver(driver, exit_code == 0 ? DRIVER_FINISHED : DRIVER_FAILED, exit_code, reason);
    else if (driver->is_supervised)
        start_again(driver, was_quick, reason, now_ns);
    else
        end_driver(driver, DRIVER_FAILED, EXIT_CODE_NONE, reason);
}

bool master__kill_driver(MasterState *state, int64_t id, int64_t now_ns)
{
    MasterDriver *driver = master__driver(state, id);
    MasterExecutor *process;

    if (driver == NULL)
        return false;
    process = master__executor(state, driver->process);
    if (!is_over(driver))
        end_driver(driver, DRIVER_KILLED, EXIT_CODE_NONE, "killed");
    if (process != NULL) {
        master__stop_executor(state, process);
        master__end_applications_of(state, process->id, id, "killed", now_ns);
    }
    return true;
}

/* --- where they run --- */

/* A process brings its driver back, unless that is over, or its record says that it was last
 * ordered elsewhere. */
bool master__adopt_driver(MasterState *state, int64_t id, int64_t process, const char *worker)
{
    MasterDriver *driver = master__driver(state, id);

    if (driver == NULL || driver->state != DRIVER_AWAITED || strcmp(driver->worker, worker) != 0)
        return false;
    driver->state = DRIVER_STARTED;
    driver->process = process;
    return true;
}

static uint32_t drivers_on(const MasterState *state, const MasterWorker *worker)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < state->executor_count; i++)
        count += state->executors[i].worker == worker->id && state->executors[i].driver != 0;
    return count;
}

/* The worker with the fewest; another one than where it has just died, if there is one. */
static MasterWorker *find_worker(const MasterState *state, const MasterDriver *driver)
{
    MasterWorker *best = NULL;
    uint32_t best_count = 0;

    for (uint32_t i = 0; i < state->worker_count; i++) {
        MasterWorker *worker = &state->workers[i];
        uint32_t count = drivers_on(state, worker);

        if (worker->is_draining || worker->has_strangers || count >= WORKER_DRIVERS_MAX)
            continue;
        if (worker->id == driver->shunned_worker)
            count += WORKER_DRIVERS_MAX;
        if (best == NULL || count < best_count) {
            best = worker;
            best_count = count;
        }
    }
    return best;
}

static void start_driver(MasterState *state, MasterDriver *driver, MasterWorker *worker,
                         int64_t now_ns)
{
    CHECK(state->executor_count < MASTER_EXECUTORS_MAX);
    state->executors[state->executor_count++] = (MasterExecutor){.id = state->next_id++,
                                                                 .driver = driver->id,
                                                                 .worker = worker->id,
                                                                 .state = EXECUTOR_ORDERED,
                                                                 .started_ns = now_ns};
    worker->executor_count++;
    worker->has_news = true;
    driver->state = DRIVER_STARTED;
    driver->process = state->next_id - 1;
    snprintf(driver->worker, sizeof driver->worker, "%s", worker->name);
    change(driver);
}

/* Nobody will bring it. */
static void end_awaited(MasterState *state, MasterDriver *driver, const char *reason,
                        int64_t now_ns)
{
    master__end_applications_of(state, 0, driver->id, reason, now_ns);
    if (driver->is_supervised)
        start_again(driver, false, reason, now_ns);
    else
        end_driver(driver, DRIVER_FAILED, EXIT_CODE_NONE, reason);
}

void master__end_drivers_of(MasterState *state, const char *worker, int64_t now_ns)
{
    for (uint32_t i = 0; i < state->driver_count; i++)
        if (state->drivers[i].state == DRIVER_AWAITED &&
            strcmp(state->drivers[i].worker, worker) == 0)
            end_awaited(state, &state->drivers[i], "its worker has come back without it", now_ns);
}

void master__place_drivers(MasterState *state, int64_t now_ns)
{
    for (uint32_t i = 0; i < state->driver_count; i++) {
        MasterDriver *driver = &state->drivers[i];
        MasterWorker *worker;

        if (driver->state == DRIVER_AWAITED && now_ns >= driver->pause_until_ns)
            end_awaited(state, driver, "its worker has not come back", now_ns);
        if (driver->state != DRIVER_WAITING || now_ns < driver->pause_until_ns ||
            driver->kept_version != driver->version || /* where nothing can be kept, nobody waits */
            state->executor_count == MASTER_EXECUTORS_MAX)
            continue;
        worker = find_worker(state, driver);
        if (worker != NULL)
            start_driver(state, driver, worker, now_ns);
    }
}

/* --- for workers, and for people --- */

Status master_driver_package(const MasterState *state, int64_t id, Arena *arena, Error *err,
                             WireBytes *package_out)
{
    const MasterDriver *driver = master__driver(state, id);

    *package_out = (WireBytes){0};
    if (driver == NULL || is_over(driver))
        return error_set(err, ST_BAD_INPUT, "driver %" PRId64 " is over, or not known", id);
    *package_out = (WireBytes){arena_copy(arena, driver->package.bytes, driver->package.byte_count),
                               driver->package.byte_count};
    return ST_OK;
}

const char *master__driver_log(const MasterDriver *driver, Arena *arena)
{
    return driver->worker[0] == '\0'
               ? ""
               : arena_printf(arena, "%s/driver-%" PRId64 ".log", driver->worker, driver->id);
}

Status master_driver_status(const MasterState *state, int64_t id, Arena *arena, Error *err,
                            DriverStatus *status_out)
{
    const MasterDriver *driver = master__driver(state, id);

    *status_out = (DriverStatus){.state = "", .reason = "", .log = ""};
    if (driver == NULL)
        return error_set(err, ST_BAD_INPUT, "there is no driver %" PRId64 " (any more)", id);
    *status_out = (DriverStatus){.state = master__driver_state_name(driver),
                                 .is_over = is_over(driver),
                                 .exit_code = driver->exit_code,
                                 .reason = arena_strdup(arena, driver->reason),
                                 .log = master__driver_log(driver, arena)};
    return ST_OK;
}

void master__check_drivers(const MasterState *state)
{
    for (uint32_t i = 0; i < state->driver_count; i++) {
        const MasterDriver *driver = &state->drivers[i];
        const MasterExecutor *process = master__executor(state, driver->process);

        CHECK((driver->state == DRIVER_STARTED) == (driver->process != 0));
        CHECK(driver->process == 0 || (process != NULL && process->driver == driver->id));
    }
}
