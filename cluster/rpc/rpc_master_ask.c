/* rpc_master_ask.c -- the asking half of rpc_master.h */
#include "cluster/rpc/rpc_bytes.h"
#include "cluster/rpc/rpc_call.h"
#include "cluster/rpc/rpc_master.h"
#include "vrpc_master.h"

/* --- messages --- */

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static GArray *ids_of(const int64_t *ids, uint32_t count)
{
    GArray *array = g_array_sized_new(FALSE, FALSE, sizeof(gint64), count);

    if (count > 0)
        g_array_append_vals(array, ids, count);
    return array;
}

static const int64_t *take_ids(const GArray *array, Arena *arena, uint32_t *count_out)
{
    *count_out = array == NULL ? 0 : array->len;
    return *count_out == 0 ? NULL : arena_copy(arena, array->data, array->len * sizeof(int64_t));
}

static vrpcBuild *build_of(RpcBuild build)
{
    return g_object_new(VRPC_TYPE_BUILD, "version", build.version, "vocabulary",
                        (gint64)build.vocabulary, NULL);
}

/* --- workers --- */

static vrpcWorkerInfo *worker_of(const WorkerInfo *info)
{
    vrpcBuild *build = build_of(info->build);
    GPtrArray *running = g_ptr_array_new_with_free_func(g_object_unref);
    vrpcWorkerInfo *worker;

    for (uint32_t i = 0; i < info->running_count; i++) {
        const RunningExecutor *one = &info->running[i];

        g_ptr_array_add(running,
                        g_object_new(VRPC_TYPE_RUNNING_EXECUTOR, "executor", (gint64)one->executor,
                                     "application", (gint64)one->application, "cores",
                                     (gint)one->cores, "memory_bytes", (gint64)one->memory_bytes,
                                     "driver", (gint64)one->driver, "owner", (gint64)one->owner,
                                     NULL));
    }
    worker = g_object_new(VRPC_TYPE_WORKER_INFO, "build", build, "name", info->name, "pid",
                          (gint)info->pid, "cores", (gint)info->cores, "memory_bytes",
                          (gint64)info->memory_bytes, "incarnation", (gint64)info->incarnation,
                          "last_id", (gint64)info->last_id, "running", running, NULL);
    g_ptr_array_unref(running);
    g_object_unref(build);
    return worker;
}

Status rpc_master_register_worker(RpcPool *pool, RpcAddress master, const WorkerInfo *info,
                                  int64_t deadline_ns, Error *err, int64_t *worker_out)
{
    vrpcWorkerInfo *worker;
    gint64 answer = 0;
    gboolean is_answered;
    RpcCall call;

    *worker_out = 0;
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    worker = worker_of(info);
    is_answered = vrpc_master_client_register_worker(call.client, &answer, worker, &call.failure,
                                                     &call.error);
    g_object_unref(worker);
    TRY(rpc_call_end(&call, is_answered, err));
    *worker_out = answer;
    return ST_OK;
}

static void take_orders(const vrpcWorkerOrders *answer, Arena *arena, WorkerOrders *orders_out)
{
    ExecutorOrder *start = ARENA_ARRAY(arena, ExecutorOrder, answer->start->len);

    for (guint i = 0; i < answer->start->len; i++) {
        const vrpcExecutorOrder *one = g_ptr_array_index(answer->start, i);

        start[i] = (ExecutorOrder){
            .executor = one->executor,
            .application = one->application,
            .driver = {arena_strdup(arena, text_or_empty(one->driver->host)),
                       (uint16_t)one->driver->port},
            .cores = one->cores,
            .memory_bytes = one->memory_bytes,
            .job = rpc_bytes_copy(one->job, arena),
            .owner = one->owner,
        };
    }
    *orders_out = (WorkerOrders){.start = start, .start_count = answer->start->len};
    orders_out->stop = take_ids(answer->stop, arena, &orders_out->stop_count);
    orders_out->ended = take_ids(answer->ended, arena, &orders_out->ended_count);
    orders_out->leave = answer->leave;
}

Status rpc_master_worker_heartbeat(RpcPool *pool, RpcAddress master, const WorkerReport *report,
                                   int32_t wait_ms, int64_t deadline_ns, Arena *arena, Error *err,
                                   WorkerOrders *orders_out)
{
    GArray *executors, *applications;
    vrpcWorkerOrders *answer;
    vrpcWorkerReport *message;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *orders_out = (WorkerOrders){0};
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    executors = ids_of(report->executors, report->executor_count);
    applications = ids_of(report->applications, report->application_count);
    message = g_object_new(VRPC_TYPE_WORKER_REPORT, "worker", (gint64)report->worker, "incarnation",
                           (gint64)report->incarnation, "number", (gint64)report->number,
                           "orders_seen", (gint64)report->orders_seen, "executors", executors,
                           "applications", applications, NULL);
    answer = g_object_new(VRPC_TYPE_WORKER_ORDERS, NULL);
    is_answered = vrpc_master_client_worker_heartbeat(call.client, &answer, message, wait_ms,
                                                      &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        take_orders(answer, arena, orders_out);
    g_clear_object(&answer);
    g_object_unref(message);
    g_array_unref(executors);
    g_array_unref(applications);
    return status;
}

Status rpc_master_executor_ended(RpcPool *pool, RpcAddress master, int64_t worker,
                                 int64_t incarnation, int64_t executor, const char *reason,
                                 int32_t exit_code, int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered = vrpc_master_client_executor_ended(call.client, worker, incarnation, executor,
                                                    reason, exit_code, &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

Status rpc_master_end_worker(RpcPool *pool, RpcAddress master, int64_t worker, int64_t incarnation,
                             int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered =
        vrpc_master_client_end_worker(call.client, worker, incarnation, &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

Status rpc_master_drain_worker(RpcPool *pool, RpcAddress master, int64_t worker,
                               int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered = vrpc_master_client_drain_worker(call.client, worker, &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

/* --- drivers --- */

static vrpcApplicationInfo *application_of(const ApplicationInfo *info)
{
    vrpcBuild *build = build_of(info->build);
    vrpcAddress *driver = g_object_new(VRPC_TYPE_ADDRESS, "host", info->driver.host, "port",
                                       (gint)info->driver.port, NULL);
    vrpcApplicationInfo *application = g_object_new(
        VRPC_TYPE_APPLICATION_INFO, "build", build, "name", info->name, "driver", driver,
        "executors", (gint)info->executors, "executor_cores", (gint)info->executor_cores,
        "executor_memory_bytes", (gint64)info->executor_memory_bytes, "incarnation",
        (gint64)info->incarnation, "application", (gint64)info->application, "process",
        (gint64)info->process, "running", (gint)info->running, NULL);

    g_object_unref(driver);
    g_object_unref(build);
    return application;
}

Status rpc_master_register_application(RpcPool *pool, RpcAddress master,
                                       const ApplicationInfo *info, int64_t deadline_ns, Error *err,
                                       int64_t *application_out)
{
    vrpcApplicationInfo *application;
    gint64 answer = 0;
    gboolean is_answered;
    RpcCall call;

    *application_out = 0;
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    application = application_of(info);
    is_answered = vrpc_master_client_register_application(call.client, &answer, application,
                                                          &call.failure, &call.error);
    g_object_unref(application);
    TRY(rpc_call_end(&call, is_answered, err));
    *application_out = answer;
    return ST_OK;
}

static GPtrArray *stages_of(const StageLine *stages, uint32_t count)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_object_unref);

    for (uint32_t i = 0; i < count; i++)
        g_ptr_array_add(list,
                        g_object_new(VRPC_TYPE_STAGE_LINE, "stage", (gint64)stages[i].stage, "name",
                                     stages[i].name, "tasks", (gint)stages[i].tasks, "done",
                                     (gint)stages[i].done, "running", (gint)stages[i].running,
                                     "failed", (gint)stages[i].failed, NULL));
    return list;
}

Status rpc_master_application_heartbeat(RpcPool *pool, RpcAddress master, int64_t application,
                                        int64_t incarnation, const StageLine *stages,
                                        uint32_t stage_count, int64_t deadline_ns, Arena *arena,
                                        Error *err, ApplicationNews *news_out)
{
    vrpcApplicationNews *answer;
    GPtrArray *progress;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *news_out = (ApplicationNews){.problem = ""};
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    progress = stages_of(stages, stage_count);
    answer = g_object_new(VRPC_TYPE_APPLICATION_NEWS, NULL);
    is_answered = vrpc_master_client_application_heartbeat(
        call.client, &answer, application, incarnation, progress, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK) {
        news_out->executors = answer->executors;
        news_out->problem = arena_strdup(arena, text_or_empty(answer->problem));
        news_out->draining = take_ids(answer->draining, arena, &news_out->draining_count);
    }
    g_clear_object(&answer);
    g_ptr_array_unref(progress);
    return status;
}

Status rpc_master_release_executor(RpcPool *pool, RpcAddress master, int64_t application,
                                   int64_t incarnation, int64_t executor, const char *reason,
                                   int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered = vrpc_master_client_release_executor(call.client, application, incarnation,
                                                      executor, reason, &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

Status rpc_master_end_application(RpcPool *pool, RpcAddress master, int64_t application,
                                  int64_t incarnation, int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered = vrpc_master_client_end_application(call.client, application, incarnation,
                                                     &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

/* --- drivers that workers run --- */

Status rpc_master_submit_driver(RpcPool *pool, RpcAddress master, RpcBuild build, int64_t token,
                                WireBytes job, WireBytes package, int64_t deadline_ns, Error *err,
                                int64_t *driver_out)
{
    GByteArray *job_bytes, *package_bytes;
    vrpcBuild *sent;
    gint64 answer = 0;
    gboolean is_answered;
    RpcCall call;

    *driver_out = 0;
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    sent = build_of(build);
    job_bytes = rpc_bytes_of(job);
    package_bytes = rpc_bytes_of(package);
    is_answered = vrpc_master_client_submit_driver(call.client, &answer, sent, token, job_bytes,
                                                   package_bytes, &call.failure, &call.error);
    rpc_bytes_free(package_bytes);
    rpc_bytes_free(job_bytes);
    g_object_unref(sent);
    TRY(rpc_call_end(&call, is_answered, err));
    *driver_out = answer;
    return ST_OK;
}

Status rpc_master_fetch_package(RpcPool *pool, RpcAddress master, int64_t driver,
                                int64_t deadline_ns, Arena *arena, Error *err,
                                WireBytes *package_out)
{
    GByteArray *answer = NULL;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *package_out = (WireBytes){0};
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered =
        vrpc_master_client_fetch_package(call.client, &answer, driver, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *package_out = rpc_bytes_copy(answer, arena);
    rpc_bytes_free(answer);
    return status;
}

Status rpc_master_driver_status(RpcPool *pool, RpcAddress master, int64_t driver,
                                int64_t deadline_ns, Arena *arena, Error *err,
                                DriverStatus *status_out)
{
    vrpcDriverStatus *answer;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *status_out = (DriverStatus){.state = "", .reason = "", .log = ""};
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    answer = g_object_new(VRPC_TYPE_DRIVER_STATUS, NULL);
    is_answered =
        vrpc_master_client_driver_status(call.client, &answer, driver, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *status_out =
            (DriverStatus){arena_strdup(arena, text_or_empty(answer->state)), answer->is_over,
                           answer->exit_code, arena_strdup(arena, text_or_empty(answer->reason)),
                           arena_strdup(arena, text_or_empty(answer->log))};
    g_clear_object(&answer);
    return status;
}

/* --- people --- */

Status rpc_master_kill_application(RpcPool *pool, RpcAddress master, int64_t application,
                                   int64_t deadline_ns, Error *err)
{
    gboolean is_answered;
    RpcCall call;

    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered =
        vrpc_master_client_kill_application(call.client, application, &call.failure, &call.error);
    return rpc_call_end(&call, is_answered, err);
}

Status rpc_master_status(RpcPool *pool, RpcAddress master, bool is_json, int64_t deadline_ns,
                         Arena *arena, Error *err, const char **text_out)
{
    gchar *answer = NULL;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *text_out = "";
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    is_answered =
        vrpc_master_client_status(call.client, &answer, is_json, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *text_out = arena_strdup(arena, text_or_empty(answer));
    g_free(answer);
    return status;
}

Status rpc_master_counts(RpcPool *pool, RpcAddress master, int64_t deadline_ns, Error *err,
                         MasterCounts *counts_out)
{
    vrpcMasterCounts *answer;
    gboolean is_answered;
    Status status;
    RpcCall call;

    *counts_out = (MasterCounts){0};
    TRY(rpc_call_begin(&call, pool, master, VRPC_TYPE_MASTER_CLIENT, deadline_ns, err));
    answer = g_object_new(VRPC_TYPE_MASTER_COUNTS, NULL);
    is_answered = vrpc_master_client_counts(call.client, &answer, &call.failure, &call.error);
    status = rpc_call_end(&call, is_answered, err);
    if (status == ST_OK)
        *counts_out = (MasterCounts){answer->workers, answer->applications, answer->executors};
    g_clear_object(&answer);
    return status;
}
