/* rpc_master_answer.c -- the answering half of rpc_master.h */
#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_bytes.h"
#include "cluster/rpc/rpc_master.h"
#include "cluster/rpc/rpc_server_internal.h"
#include "vrpc_master.h"

typedef struct MasterService {
    vrpcMasterHandler parent;
    MasterHandler handler;
} MasterService;

typedef struct MasterServiceClass {
    vrpcMasterHandlerClass parent;
} MasterServiceClass;

GType master_service_get_type(void);
G_DEFINE_TYPE(MasterService, master_service, VRPC_TYPE_MASTER_HANDLER)

static const MasterHandler *handler_of(vrpcMasterIf *iface)
{
    return &((MasterService *)iface)->handler;
}

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static RpcBuild build_from(const vrpcBuild *build)
{
    return (RpcBuild){text_or_empty(build->version), (uint64_t)build->vocabulary};
}

/* --- workers --- */

static gboolean service_register_worker(vrpcMasterIf *iface, gint64 *worker_out,
                                        const vrpcWorkerInfo *worker, vrpcCallError **failure,
                                        GError **error)
{
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    RunningExecutor *running = ARENA_ARRAY(arena, RunningExecutor, worker->running->len);
    WorkerInfo info = {
        .build = build_from(worker->build),
        .name = text_or_empty(worker->name),
        .pid = worker->pid,
        .cores = worker->cores,
        .memory_bytes = worker->memory_bytes,
        .incarnation = worker->incarnation,
        .last_id = worker->last_id,
        .running = running,
        .running_count = worker->running->len,
    };
    Error err = ERROR_NONE;
    int64_t id = 0;
    Status status;

    (void)error;
    for (guint i = 0; i < worker->running->len; i++) {
        const vrpcRunningExecutor *one = g_ptr_array_index(worker->running, i);

        running[i] = (RunningExecutor){one->executor,     one->application, one->cores,
                                       one->memory_bytes, one->driver,      one->owner};
    }
    status = handler_of(iface)->register_worker(handler_of(iface)->context, &info, &err, &id);
    *worker_out = id;
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static void add_ids(GArray *array, const int64_t *ids, uint32_t count)
{
    if (count > 0)
        g_array_append_vals(array, ids, count);
}

static void put_orders(vrpcWorkerOrders *to, const WorkerOrders *orders)
{
    for (uint32_t i = 0; i < orders->start_count; i++) {
        const ExecutorOrder *one = &orders->start[i];
        vrpcAddress *driver = g_object_new(VRPC_TYPE_ADDRESS, "host", one->driver.host, "port",
                                           (gint)one->driver.port, NULL);
        GByteArray *job = rpc_bytes_of(one->job);

        g_ptr_array_add(to->start,
                        g_object_new(VRPC_TYPE_EXECUTOR_ORDER, "executor", (gint64)one->executor,
                                     "application", (gint64)one->application, "driver", driver,
                                     "cores", (gint)one->cores, "memory_bytes",
                                     (gint64)one->memory_bytes, "job", job, "owner",
                                     (gint64)one->owner, NULL));
        rpc_bytes_free(job);
        g_object_unref(driver);
    }
    add_ids(to->stop, orders->stop, orders->stop_count);
    add_ids(to->ended, orders->ended, orders->ended_count);
    g_object_set(to, "leave", (gboolean)orders->leave, NULL); /* the lists are its own already */
}

static gboolean service_worker_heartbeat(vrpcMasterIf *iface, vrpcWorkerOrders **orders_out,
                                         const vrpcWorkerReport *message, const gint32 wait_ms,
                                         vrpcCallError **failure, GError **error)
{
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    WorkerReport report = {
        .worker = message->worker,
        .incarnation = message->incarnation,
        .number = message->number,
        .orders_seen = message->orders_seen,
        .executors = (const int64_t *)(const void *)message->executors->data,
        .executor_count = message->executors->len,
        .applications = (const int64_t *)(const void *)message->applications->data,
        .application_count = message->applications->len,
    };
    WorkerOrders orders = {0};
    Error err = ERROR_NONE;
    Status status;

    (void)error;
    status = handler_of(iface)->worker_heartbeat(handler_of(iface)->context, &report, wait_ms,
                                                 arena, &err, &orders);
    if (status == ST_OK)
        put_orders(*orders_out, &orders);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_executor_ended(vrpcMasterIf *iface, const gint64 worker,
                                       const gint64 incarnation, const gint64 executor,
                                       const gchar *reason, const gint32 exit_code,
                                       vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->executor_ended(handler->context, worker, incarnation, executor,
                                               text_or_empty(reason), exit_code, &err),
                       &err, failure);
}

static gboolean service_end_worker(vrpcMasterIf *iface, const gint64 worker,
                                   const gint64 incarnation, vrpcCallError **failure,
                                   GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->end_worker(handler->context, worker, incarnation, &err), &err,
                       failure);
}

static gboolean service_drain_worker(vrpcMasterIf *iface, const gint64 worker,
                                     vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->drain_worker(handler->context, worker, &err), &err, failure);
}

/* --- drivers --- */

static gboolean service_register_application(vrpcMasterIf *iface, gint64 *application_out,
                                             const vrpcApplicationInfo *application,
                                             vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    ApplicationInfo info = {
        .build = build_from(application->build),
        .name = text_or_empty(application->name),
        .driver = {text_or_empty(application->driver->host), (uint16_t)application->driver->port},
        .executors = application->executors,
        .executor_cores = application->executor_cores,
        .executor_memory_bytes = application->executor_memory_bytes,
        .incarnation = application->incarnation,
        .application = application->application,
        .process = application->process,
        .running = application->running,
        .caller = rpc_caller().driver,
    };
    Error err = ERROR_NONE;
    int64_t id = 0;
    Status status = handler->register_application(handler->context, &info, &err, &id);

    (void)error;
    *application_out = id;
    return call_answer(status, &err, failure);
}

static gboolean service_application_heartbeat(vrpcMasterIf *iface, vrpcApplicationNews **news_out,
                                              const gint64 application, const gint64 incarnation,
                                              const GPtrArray *progress, vrpcCallError **failure,
                                              GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    StageLine *stages = ARENA_ARRAY(arena, StageLine, progress->len);
    ApplicationNews news = {.problem = ""};
    Error err = ERROR_NONE;
    Status status;

    (void)error;
    for (guint i = 0; i < progress->len; i++) {
        const vrpcStageLine *one = g_ptr_array_index(progress, i);

        stages[i] = (StageLine){
            one->stage, text_or_empty(one->name), one->tasks, one->done, one->running, one->failed};
    }
    status = handler->application_heartbeat(handler->context, application, incarnation, stages,
                                            progress->len, arena, &err, &news);
    if (status == ST_OK) {
        add_ids((*news_out)->draining, news.draining, news.draining_count);
        g_object_set(*news_out, "executors", (gint)news.executors, "problem", news.problem, NULL);
    }
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_release_executor(vrpcMasterIf *iface, const gint64 application,
                                         const gint64 incarnation, const gint64 executor,
                                         const gchar *reason, vrpcCallError **failure,
                                         GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->release_executor(handler->context, application, incarnation,
                                                 executor, text_or_empty(reason), &err),
                       &err, failure);
}

static gboolean service_end_application(vrpcMasterIf *iface, const gint64 application,
                                        const gint64 incarnation, vrpcCallError **failure,
                                        GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->end_application(handler->context, application, incarnation, &err),
                       &err, failure);
}

/* --- drivers that workers run --- */

static WireBytes bytes_from(const GByteArray *array)
{
    return array == NULL ? (WireBytes){0} : (WireBytes){array->data, array->len};
}

static gboolean service_submit_driver(vrpcMasterIf *iface, gint64 *driver_out,
                                      const vrpcBuild *build, const gint64 token,
                                      const GByteArray *job, const GByteArray *package,
                                      vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;
    int64_t id = 0;
    Status status = handler->submit_driver(handler->context, build_from(build), token,
                                           bytes_from(job), bytes_from(package), &err, &id);

    (void)error;
    *driver_out = id;
    return call_answer(status, &err, failure);
}

static gboolean service_fetch_package(vrpcMasterIf *iface, GByteArray **package_out,
                                      const gint64 driver, vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    WireBytes package;
    Status status = handler->fetch_package(handler->context, driver, arena, &err, &package);

    (void)error;
    if (status == ST_OK)
        rpc_bytes_give(package, package_out);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_driver_status(vrpcMasterIf *iface, vrpcDriverStatus **status_out,
                                      const gint64 driver, vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    DriverStatus answer = {.state = ""};
    Error err = ERROR_NONE;
    Status status = handler->driver_status(handler->context, driver, arena, &err, &answer);

    (void)error;
    if (status == ST_OK)
        g_object_set(*status_out, "state", answer.state, "is_over", (gboolean)answer.is_over,
                     "exit_code", (gint)answer.exit_code, "reason", answer.reason, "log",
                     answer.log, NULL);
    arena_free(arena);
    return call_answer(status, &err, failure);
}

/* --- people --- */

static gboolean service_kill_application(vrpcMasterIf *iface, const gint64 application,
                                         vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Error err = ERROR_NONE;

    (void)error;
    return call_answer(handler->kill_application(handler->context, application, &err), &err,
                       failure);
}

static gboolean service_status(vrpcMasterIf *iface, gchar **text_out, const gboolean is_json,
                               vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    Arena *arena = arena_new(NULL, "call", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    const char *text = "";
    Status status = handler->status(handler->context, is_json, arena, &err, &text);

    (void)error;
    if (status == ST_OK) {
        g_free(*text_out);
        *text_out = g_strdup(text);
    }
    arena_free(arena);
    return call_answer(status, &err, failure);
}

static gboolean service_counts(vrpcMasterIf *iface, vrpcMasterCounts **counts_out,
                               vrpcCallError **failure, GError **error)
{
    const MasterHandler *handler = handler_of(iface);
    MasterCounts counts = {0};
    Error err = ERROR_NONE;
    Status status = handler->counts(handler->context, &err, &counts);

    (void)error;
    if (status == ST_OK)
        g_object_set(*counts_out, "workers", (gint)counts.workers, "applications",
                     (gint)counts.applications, "executors", (gint)counts.executors, NULL);
    return call_answer(status, &err, failure);
}

/* --- the service --- */

static void master_service_class_init(MasterServiceClass *class)
{
    class->parent.register_worker = service_register_worker;
    class->parent.worker_heartbeat = service_worker_heartbeat;
    class->parent.executor_ended = service_executor_ended;
    class->parent.end_worker = service_end_worker;
    class->parent.drain_worker = service_drain_worker;
    class->parent.register_application = service_register_application;
    class->parent.application_heartbeat = service_application_heartbeat;
    class->parent.release_executor = service_release_executor;
    class->parent.end_application = service_end_application;
    class->parent.submit_driver = service_submit_driver;
    class->parent.fetch_package = service_fetch_package;
    class->parent.driver_status = service_driver_status;
    class->parent.kill_application = service_kill_application;
    class->parent.status = service_status;
    class->parent.counts = service_counts;
}

static void master_service_init(MasterService *service)
{
    service->handler = (MasterHandler){0};
}

Status rpc_master_serve(const RpcEndpoint *endpoint, const MasterHandler *handler, Error *err,
                        RpcServer **server_out)
{
    static const char *const calls[] = {"register_worker",
                                        "worker_heartbeat",
                                        "executor_ended",
                                        "end_worker",
                                        "drain_worker",
                                        "register_application",
                                        "application_heartbeat",
                                        "release_executor",
                                        "end_application",
                                        "submit_driver",
                                        "fetch_package",
                                        "driver_status",
                                        "kill_application",
                                        "status",
                                        "counts",
                                        NULL};
    MasterService *service = g_object_new(master_service_get_type(), NULL);
    ThriftProcessor *processor = g_object_new(VRPC_TYPE_MASTER_PROCESSOR, "handler", service, NULL);
    Status status;

    service->handler = *handler;
    status = rpc_server_start(endpoint, processor, calls, err, server_out);
    g_object_unref(processor);
    g_object_unref(service);
    return status;
}
