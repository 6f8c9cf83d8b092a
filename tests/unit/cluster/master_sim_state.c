/* master_sim_state.c -- chance, the network, and masters; see master_sim.h */
#include "master_sim.h"

Sim sim;

/* --- chance --- */

uint64_t draw(void)
{
    uint64_t z = sim.random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t below(uint32_t limit)
{
    return (uint32_t)(draw() % limit);
}

/* Once in so many ms, on average. */
bool happens(uint32_t every_ms)
{
    return sim.is_bad && below(every_ms / STEP_MS) == 0;
}

/* --- the network --- */

static void deliver_later(const Message *message)
{
    Message *copy = &sim.messages[sim.message_count];

    ck_assert_uint_lt(sim.message_count, MESSAGES);
    *copy = *message;
    copy->due_ms = sim.now_ms + STEP_MS + (sim.is_bad ? below(sim.delay_ms) : 0);
    if (sim.is_bad && below(50) == 0)
        copy->due_ms += below(5000); /* very late */
    sim.message_count++;
}

void send_message(const Message *message)
{
    bool is_answer = message->kind >= M_ANSWER_ID;

    if (sim.is_bad && below(100) < sim.loss)
        return;
    deliver_later(message);
    if (sim.is_bad && !is_answer && below(100) < sim.repeat)
        deliver_later(message);
}

/* --- the master's side --- */

int64_t now_ns(void)
{
    return sim.now_ms * MS_NS + 1;
}

static void answer(const Message *to, Status status, const Error *err, Message *with)
{
    with->from = to->from;
    with->process = to->process;
    with->call = to->call;
    if (status != ST_OK) {
        with->is_killed = strcmp(err->sqlstate, SQLSTATE_KILLED) == 0;
        with->id = to->kind <= M_EXECUTOR_ENDED ? 0 : 1; /* whose */
        with->kind = M_ANSWER_ERROR;
    }
    send_message(with);
}

static void on_register_worker(const Message *m)
{
    char name[16];
    WorkerInfo info = {.build = {"1.0", 7},
                       .name = name,
                       .cores = sim.workers[m->from].cores,
                       .memory_bytes = sim.workers[m->from].cores * 1000,
                       .incarnation = m->process,
                       .last_id = m->orders_seen,
                       .running = m->children,
                       .running_count = m->child_count};
    Message reply = {.kind = M_ANSWER_ID};
    Error err = ERROR_NONE;
    Status status;

    snprintf(name, sizeof name, "w%u", m->from);
    status = master_register_worker(sim.master, &info, now_ns(), &err, &reply.id);
    answer(m, status, &err, &reply);
}

static void put_orders(const WorkerOrders *orders, Message *reply)
{
    ck_assert_uint_le(orders->start_count, CHILDREN);
    ck_assert_uint_le(orders->stop_count, 2 * CHILDREN);
    reply->kind = M_ANSWER_ORDERS;
    reply->start_count = orders->start_count;
    for (uint32_t i = 0; i < orders->start_count; i++)
        reply->start[i] = (RunningExecutor){
            orders->start[i].executor, orders->start[i].application, orders->start[i].cores,
            orders->start[i].memory_bytes,
            orders->start[i].job.byte_count > 0 ? orders->start[i].application : 0};
    for (uint32_t i = 0; i < orders->stop_count; i++)
        reply->stop[reply->stop_count++] = orders->stop[i];
    for (uint32_t i = 0; i < orders->ended_count; i++)
        reply->ended[reply->ended_count++] = orders->ended[i];
}

static void on_worker_heartbeat(const Message *m)
{
    int64_t executors[CHILDREN];
    WorkerReport report = {.worker = m->id,
                           .incarnation = m->process,
                           .number = m->call,
                           .orders_seen = m->orders_seen,
                           .executors = executors,
                           .executor_count = m->child_count,
                           .applications = m->folders,
                           .application_count = m->folder_count};
    WorkerOrders orders = {0};
    Message reply = {0};
    Error err = ERROR_NONE;
    Status status;

    for (uint32_t i = 0; i < m->child_count; i++)
        executors[i] = m->children[i].executor;
    status = master_worker_report(sim.master, &report, now_ns(), &err);
    if (status == ST_OK)
        status = master_worker_orders(sim.master, &report, now_ns(), sim.scratch, &err, &orders);
    if (status == ST_OK)
        put_orders(&orders, &reply);
    answer(m, status, &err, &reply);
}

static void on_register_application(const Message *m)
{
    ApplicationInfo info = {.build = {"1.0", 7},
                            .name = "test",
                            .driver = {"127.0.0.1", 4000},
                            .executors = sim.drivers[m->from].wanted,
                            .executor_cores = sim.drivers[m->from].cores,
                            .incarnation = m->process,
                            .application = m->id,
                            .running = (int32_t)below(3)};
    Message reply = {.kind = M_ANSWER_ID};
    Error err = ERROR_NONE;
    Status status = master_register_application(sim.master, &info, now_ns(), &err, &reply.id);

    reply.executor = 1; /* for a driver */
    answer(m, status, &err, &reply);
}

static void on_application_heartbeat(const Message *m)
{
    Message reply = {.kind = M_ANSWER_ALIVE};
    ApplicationNews news;
    Error err = ERROR_NONE;
    Status status = master_application_heartbeat(sim.master, m->id, m->process, NULL, 0, now_ns(),
                                                 sim.scratch, &err, &news);

    answer(m, status, &err, &reply);
}

SimJob *job_of(int64_t driver)
{
    for (uint32_t j = 0; j < JOBS; j++)
        for (uint32_t i = 0; i < sim.jobs[j].given_count; i++)
            if (sim.jobs[j].given[i] == driver)
                return &sim.jobs[j];
    return NULL;
}

/* The master that answers knows how it has ended; it may be another process's end, though. */
static void note_heard(SimJob *job)
{
    DriverStatus news;

    if (job != NULL && job->given_count > 0 &&
        master_driver_status(sim.master, job->given[job->given_count - 1], sim.scratch, NULL,
                             &news) == ST_OK)
        job->was_heard |= news.is_over && news.exit_code != EXIT_CODE_NONE;
}

/* What is answered is kept; what is not yet is asked again. */
static void on_executor_ended(const Message *m)
{
    Message reply = {.kind = M_ANSWER_ENDED, .executor = m->executor};
    SimJob *job = job_of(m->orders_seen);

    if (master_executor_ended(sim.master, m->id, m->process, m->executor, "test", m->exit_code,
                              now_ns(), NULL) == ST_OK &&
        !master_has_to_keep(sim.master)) {
        note_heard(job);
        answer(m, ST_OK, NULL, &reply);
    }
}

static void note_given(SimJob *job, int64_t id)
{
    if (job->given_count > 0 && job->given[job->given_count - 1] == id)
        return;
    ck_assert_uint_lt(job->given_count, IDS);
    job->given[job->given_count++] = id;
}

static void on_submit(const Message *m)
{
    static const RpcBuild build = {"1.0", 7};
    const char *const words[] = {"job.so"};
    DriverJob job = {.name = "job",
                     .is_supervised = sim.jobs[m->from].is_supervised,
                     .word_count = 1,
                     .words = words};
    Message reply = {.kind = M_ANSWER_SUBMIT};
    WireBytes bytes;

    ck_assert_int_eq(driver_job_write(&job, sim.scratch, NULL, &bytes), ST_OK);
    ck_assert_int_eq(master_submit_driver(sim.master, &build, m->process, bytes,
                                          (WireBytes){"package", 7}, now_ns(), NULL, &reply.id),
                     ST_OK);
    note_given(&sim.jobs[m->from], reply.id);
    if (!master_has_to_keep(sim.master))
        answer(m, ST_OK, NULL, &reply);
}

static void master_takes(const Message *m)
{
    switch (m->kind) {
    case M_REGISTER_WORKER:
        on_register_worker(m);
        break;
    case M_WORKER_HEARTBEAT:
        on_worker_heartbeat(m);
        break;
    case M_EXECUTOR_ENDED:
        on_executor_ended(m);
        break;
    case M_SUBMIT:
        on_submit(m);
        break;
    case M_REGISTER_APPLICATION:
        on_register_application(m);
        break;
    case M_APPLICATION_HEARTBEAT:
        on_application_heartbeat(m);
        break;
    case M_RELEASE:
        (void)!master_release_executor(sim.master, m->id, m->process, m->executor, "test", now_ns(),
                                       NULL);
        break;
    case M_END_APPLICATION:
        (void)!master_end_application(sim.master, m->id, m->process, now_ns(), NULL);
        break;
    default:
        ck_abort();
    }
    master_state_check(sim.master);
}

static void swap_masters(void)
{
    MasterState *old = sim.old;

    sim.old = sim.master;
    sim.master = old;
}

/* The old one hears half of what is said. */
void at_master(const Message *m)
{
    bool is_for_old = sim.old != NULL && below(2) == 0;

    if (is_for_old)
        swap_masters();
    if (sim.master != NULL)
        master_takes(m);
    if (is_for_old)
        swap_masters();
}
