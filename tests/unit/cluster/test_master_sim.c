/*
 * test_master_sim.c -- whole clusters from a seed: masters, workers and drivers on a network that
 * loses, delays and repeats, with processes that end at any time, and masters that go on for a
 * while although another one leads
 *
 *     test_master_sim                     so many seeds as VONK_SIM_SEEDS says
 *     VONK_SIM_SEED=4711 test_master_sim  one, with the master's log
 *
 * Some drivers are processes on workers: they are submitted, end by themselves or die, and are
 * known to the next master from what this one has kept.
 *
 * For 60 simulated seconds everything goes wrong; for 60 more nothing does. At every step the
 * state's invariants hold, and no worker runs more than it has cores for. In the end each
 * application that lives has what it wants and fits, and nothing else is left anywhere; what was
 * submitted is over as it should be, or runs once, and without supervision it was started once at
 * most.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster/driver_job.h"
#include "cluster/master_state.h"
#include "core/base/log.h"

enum {
    WORKERS = 4,
    DRIVERS = 4,
    JOBS = 6,
    IDS = 64,
    CHILDREN = 16,
    FOLDERS = 32,
    MESSAGES = 4096,
    STEP_MS = 10,
    BAD_MS = 60000,
    END_MS = 120000,
    CALL_MS = 500,
    EPOCH = 1000000 /* between the first ids of two masters */
};

static const int64_t ms_ns = 1000000;

typedef enum MessageKind {
    M_REGISTER_WORKER,
    M_WORKER_HEARTBEAT,
    M_EXECUTOR_ENDED,
    M_REGISTER_APPLICATION,
    M_APPLICATION_HEARTBEAT,
    M_RELEASE,
    M_END_APPLICATION,
    M_SUBMIT,
    M_ANSWER_ID, /* to who asked */
    M_ANSWER_ORDERS,
    M_ANSWER_ALIVE,
    M_ANSWER_ERROR,
    M_ANSWER_SUBMIT,
    M_ANSWER_ENDED,
} MessageKind;

typedef struct Message {
    MessageKind kind;
    int64_t due_ms;
    uint32_t from;       /* a worker's or a driver's number */
    int64_t process;     /* its incarnation: an answer is for nobody else */
    int64_t call;        /* its number, which the answer has too */
    int64_t id;          /* of the sender, or what is answered */
    int64_t executor;    /* ended, released */
    int64_t orders_seen; /* and last_id */
    bool is_killed;
    int32_t exit_code;
    uint32_t child_count, folder_count;
    RunningExecutor children[CHILDREN];
    int64_t folders[FOLDERS];
    uint32_t start_count, stop_count, ended_count;
    RunningExecutor start[CHILDREN];
    int64_t stop[2 * CHILDREN], ended[FOLDERS];
} Message;

typedef struct SimWorker {
    int64_t incarnation, id, known_id, orders_seen, last_id; /* id 0: not registered */
    int64_t down_until_ms, next_call_ms, call_until_ms, call;
    int32_t cores;
    uint32_t child_count, folder_count;
    RunningExecutor children[CHILDREN];
    bool is_unwanted[CHILDREN];
    /* of processes of drivers */
    bool is_ended[CHILDREN]; /* but no master was heard to know */
    int32_t exit_code[CHILDREN];
    int64_t until_ms[CHILDREN], tell_ms[CHILDREN];
    int64_t folders[FOLDERS];
} SimWorker;

typedef struct SimJob {
    int64_t token, id, submit_ms, duration_ms; /* id 0: not answered; duration 0: for ever */
    bool is_supervised, was_killed;
    bool was_heard; /* a master has answered that it knows how it ended */
    int32_t exit_code;
    uint32_t starts, given_count;
    int64_t given[IDS]; /* ids that masters have given it: the last that is kept counts */
} SimJob;

typedef struct SimKept {
    int64_t driver; /* 0: nothing */
    unsigned char record[2048];
    size_t record_bytes;
} SimKept;

typedef enum DriverState { DRIVER_OFF, DRIVER_ON, DRIVER_DONE } DriverState;

typedef struct SimDriver {
    DriverState state;
    int64_t incarnation, id, known_id, start_ms, end_ms;
    int64_t next_call_ms, call_until_ms, call;
    int32_t wanted, cores;
    bool was_killed;
} SimDriver;

typedef struct Sim {
    uint64_t random;
    int64_t now_ms, next_incarnation, next_call, first_id, master_down_until_ms;
    bool is_bad; /* things go wrong now */
    uint32_t loss, repeat, delay_ms, keep_steps;
    Arena *arena, *scratch;
    MasterState *master; /* NULL: down */
    MasterState *old;    /* does not know yet that another one leads; NULL: none */
    Arena *old_arena;
    int64_t old_until_ms;
    MasterSchedule schedule;
    SimWorker workers[WORKERS];
    SimDriver drivers[DRIVERS];
    SimJob jobs[JOBS];
    SimKept kept[JOBS];
    uint32_t message_count;
    Message messages[MESSAGES];
} Sim;

static Sim sim;

/* --- chance --- */

static uint64_t draw(void)
{
    uint64_t z = sim.random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(draw() % limit);
}

/* Once in so many ms, on average. */
static bool happens(uint32_t every_ms)
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

static void send_message(const Message *message)
{
    bool is_answer = message->kind >= M_ANSWER_ID;

    if (sim.is_bad && below(100) < sim.loss)
        return;
    deliver_later(message);
    if (sim.is_bad && !is_answer && below(100) < sim.repeat)
        deliver_later(message);
}

/* --- the master's side --- */

static int64_t now_ns(void)
{
    return sim.now_ms * ms_ns + 1;
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
                            .application = m->id};
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

static SimJob *job_of(int64_t driver)
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
static void at_master(const Message *m)
{
    bool is_for_old = sim.old != NULL && below(2) == 0;

    if (is_for_old)
        swap_masters();
    if (sim.master != NULL)
        master_takes(m);
    if (is_for_old)
        swap_masters();
}

/* --- workers --- */

static uint32_t find_child(const SimWorker *worker, int64_t executor)
{
    for (uint32_t i = 0; i < worker->child_count; i++)
        if (worker->children[i].executor == executor)
            return i;
    return CHILDREN;
}

static void start_process(SimWorker *worker, uint32_t at, int64_t driver)
{
    SimJob *job = job_of(driver);

    worker->is_ended[at] = false;
    worker->tell_ms[at] = 0;
    worker->until_ms[at] = INT64_MAX;
    ck_assert_ptr_nonnull(job);
    ck_assert(!job->was_heard); /* never once more */
    job->starts++;
    ck_assert(job->is_supervised || job->starts == 1);
    worker->exit_code[at] = job->exit_code;
    if (job->duration_ms != 0)
        worker->until_ms[at] = sim.now_ms + job->duration_ms;
}

static void start_child(SimWorker *worker, const RunningExecutor *order)
{
    uint32_t f = 0;
    int32_t cores = order->cores;

    if (order->executor <= worker->orders_seen)
        return;
    worker->orders_seen = worker->last_id = order->executor;
    ck_assert_uint_lt(worker->child_count, CHILDREN);
    for (uint32_t i = 0; i < worker->child_count; i++)
        cores += worker->children[i].cores;
    ck_assert_int_le(cores, worker->cores);
    worker->is_unwanted[worker->child_count] = false;
    worker->children[worker->child_count++] = *order;
    if (order->driver != 0) {
        start_process(worker, worker->child_count - 1, order->driver);
        return;
    }
    while (f < worker->folder_count && worker->folders[f] != order->application)
        f++;
    if (f == worker->folder_count && f < FOLDERS)
        worker->folders[worker->folder_count++] = order->application;
}

static void remove_child(SimWorker *worker, uint32_t at)
{
    uint32_t last = --worker->child_count;

    worker->children[at] = worker->children[last];
    worker->is_unwanted[at] = worker->is_unwanted[last];
    worker->is_ended[at] = worker->is_ended[last];
    worker->exit_code[at] = worker->exit_code[last];
    worker->until_ms[at] = worker->until_ms[last];
    worker->tell_ms[at] = worker->tell_ms[last];
}

static void end_child(SimWorker *worker, uint32_t at)
{
    Message message = {.kind = M_EXECUTOR_ENDED,
                       .from = (uint32_t)(worker - sim.workers),
                       .process = worker->incarnation,
                       .id = worker->known_id,
                       .executor = worker->children[at].executor};

    remove_child(worker, at);
    send_message(&message);
}

/* How a driver's process has ended is said until it was heard. */
static void tell_end(SimWorker *worker, uint32_t at)
{
    Message message = {.kind = M_EXECUTOR_ENDED,
                       .from = (uint32_t)(worker - sim.workers),
                       .process = worker->incarnation,
                       .id = worker->id,
                       .executor = worker->children[at].executor,
                       .orders_seen = worker->children[at].driver,
                       .exit_code = worker->exit_code[at]};

    if (sim.now_ms < worker->tell_ms[at] || worker->id == 0)
        return;
    worker->tell_ms[at] = sim.now_ms + 200;
    send_message(&message);
}

static void end_process(SimWorker *worker, uint32_t at, int32_t exit_code)
{
    if (worker->is_ended[at])
        return;
    worker->is_ended[at] = true;
    worker->exit_code[at] = exit_code;
}

static void remove_folder(SimWorker *worker, int64_t application)
{
    for (uint32_t i = 0; i < worker->child_count; i++)
        if (worker->children[i].application == application)
            return;
    for (uint32_t f = 0; f < worker->folder_count; f++)
        if (worker->folders[f] == application)
            worker->folders[f--] = worker->folders[--worker->folder_count];
}

static void obey(SimWorker *worker, const Message *m)
{
    for (uint32_t i = 0; i < m->start_count; i++)
        start_child(worker, &m->start[i]);
    for (uint32_t i = 0; i < m->stop_count; i++) {
        uint32_t at = find_child(worker, m->stop[i]);

        if (at < CHILDREN)
            worker->is_unwanted[at] = true;
        else if (m->stop[i] > worker->orders_seen)
            worker->orders_seen = m->stop[i];
    }
    for (uint32_t i = 0; i < m->ended_count; i++)
        remove_folder(worker, m->ended[i]);
}

static void at_worker(SimWorker *worker, const Message *m)
{
    uint32_t ended = find_child(worker, m->executor);

    if (m->kind == M_ANSWER_ENDED) {
        if (m->process == worker->incarnation && worker->down_until_ms <= sim.now_ms &&
            ended < CHILDREN && worker->is_ended[ended])
            remove_child(worker, ended);
        return;
    }
    if (m->process != worker->incarnation || m->call != worker->call ||
        worker->down_until_ms > sim.now_ms)
        return;
    worker->call = 0;
    worker->next_call_ms = sim.now_ms + (m->kind == M_ANSWER_ERROR ? 50 : 200);
    if (m->kind == M_ANSWER_ID)
        worker->id = worker->known_id = m->id;
    else if (m->kind == M_ANSWER_ORDERS)
        obey(worker, m);
    else
        worker->id = 0;
    if (worker->id > worker->last_id)
        worker->last_id = worker->id;
}

static void call_master(SimWorker *worker)
{
    Message message = {.kind = worker->id != 0 ? M_WORKER_HEARTBEAT : M_REGISTER_WORKER,
                       .from = (uint32_t)(worker - sim.workers),
                       .process = worker->incarnation,
                       .call = worker->call = sim.next_call++,
                       .id = worker->known_id,
                       .orders_seen = worker->id != 0 ? worker->orders_seen : worker->last_id,
                       .child_count = worker->child_count,
                       .folder_count = worker->folder_count};

    memcpy(message.children, worker->children, sizeof message.children);
    memcpy(message.folders, worker->folders, sizeof message.folders);
    worker->call_until_ms = sim.now_ms + CALL_MS;
    send_message(&message);
}

static void start_worker(SimWorker *worker)
{
    int32_t cores = worker->cores;

    *worker =
        (SimWorker){.incarnation = sim.next_incarnation++, .cores = cores, .down_until_ms = 0};
}

static void step_children(SimWorker *worker)
{
    uint32_t victim =
        worker->child_count > 0 && happens(3000) ? below(worker->child_count) : CHILDREN;

    for (uint32_t i = worker->child_count; i-- > 0;) {
        bool dies = i == victim || (worker->is_unwanted[i] && below(20) == 0);

        if (worker->children[i].driver == 0) {
            if (dies)
                end_child(worker, i);
            continue;
        }
        if (dies)
            end_process(worker, i, EXIT_CODE_NONE);
        else if (sim.now_ms >= worker->until_ms[i])
            end_process(worker, i, worker->exit_code[i]);
        if (worker->is_ended[i])
            tell_end(worker, i);
    }
}

static void step_worker(SimWorker *worker)
{
    if (worker->down_until_ms > sim.now_ms)
        return;
    if (worker->down_until_ms != 0)
        start_worker(worker); /* its children have ended with the one before */
    if (happens(20000)) {
        worker->child_count = 0;
        worker->down_until_ms = sim.now_ms + below(15000) + STEP_MS;
        return;
    }
    if (happens(30000)) /* it hangs for a while, and comes back as what it was */
        worker->next_call_ms = sim.now_ms + below(15000);
    step_children(worker);
    if (worker->call != 0 && sim.now_ms >= worker->call_until_ms)
        worker->call = 0;
    if (worker->call == 0 && sim.now_ms >= worker->next_call_ms)
        call_master(worker);
}

/* --- drivers --- */

static void at_driver(SimDriver *driver, const Message *m)
{
    if (m->process != driver->incarnation || m->call != driver->call || driver->state != DRIVER_ON)
        return;
    driver->call = 0;
    driver->next_call_ms = sim.now_ms + (m->kind == M_ANSWER_ERROR ? 50 : 300);
    if (m->kind == M_ANSWER_ID)
        driver->id = driver->known_id = m->id;
    else if (m->kind == M_ANSWER_ERROR && m->is_killed)
        driver->state = DRIVER_DONE;
    else if (m->kind == M_ANSWER_ERROR)
        driver->id = 0;
}

static void call_for(SimDriver *driver, MessageKind kind, int64_t executor)
{
    Message message = {.kind = kind,
                       .from = (uint32_t)(driver - sim.drivers),
                       .process = driver->incarnation,
                       .id = driver->known_id,
                       .executor = executor};

    if (kind == M_REGISTER_APPLICATION || kind == M_APPLICATION_HEARTBEAT) {
        message.call = driver->call = sim.next_call++;
        driver->call_until_ms = sim.now_ms + CALL_MS;
    }
    send_message(&message);
}

static void release_one(SimDriver *driver)
{
    for (uint32_t w = 0; w < WORKERS; w++)
        for (uint32_t c = 0; c < sim.workers[w].child_count; c++)
            if (sim.workers[w].children[c].application == driver->known_id) {
                call_for(driver, M_RELEASE, sim.workers[w].children[c].executor);
                return;
            }
}

static void step_driver(SimDriver *driver)
{
    if (driver->state == DRIVER_OFF && sim.now_ms >= driver->start_ms)
        driver->state = DRIVER_ON;
    if (driver->state != DRIVER_ON)
        return;
    if (driver->end_ms != 0 && sim.now_ms >= driver->end_ms) {
        call_for(driver, M_END_APPLICATION, 0);
        driver->state = DRIVER_DONE;
        return;
    }
    if (happens(10000))
        release_one(driver);
    if (happens(60000))
        driver->next_call_ms = sim.now_ms + below(15000); /* silent for a while */
    if (driver->call != 0 && sim.now_ms >= driver->call_until_ms)
        driver->call = 0;
    if (driver->call == 0 && sim.now_ms >= driver->next_call_ms)
        call_for(driver, driver->id != 0 ? M_APPLICATION_HEARTBEAT : M_REGISTER_APPLICATION, 0);
}

/* --- jobs --- */

/* Until it was answered; then its processes are known to be its. */
static void step_job(SimJob *job)
{
    Message message = {.kind = M_SUBMIT, .from = (uint32_t)(job - sim.jobs), .process = job->token};

    if (job->id == 0 && sim.now_ms >= job->submit_ms) {
        job->submit_ms = sim.now_ms + CALL_MS;
        send_message(&message);
    }
}

static SimKept *kept_of(int64_t driver)
{
    SimKept *free_one = NULL;

    for (uint32_t k = 0; k < JOBS; k++) {
        if (sim.kept[k].driver == driver)
            return &sim.kept[k];
        if (sim.kept[k].driver == 0)
            free_one = &sim.kept[k];
    }
    return free_one;
}

/* One thing at a time, when it pleases; the old master's session is over. */
static void keep(void)
{
    MasterKept kept;

    while (!(sim.is_bad && below(sim.keep_steps) != 0) &&
           master_next_to_keep(sim.master, sim.scratch, &kept)) {
        SimKept *place = kept_of(kept.driver);

        ck_assert(place != NULL && kept.record.byte_count <= sizeof place->record);
        place->driver = kept.driver;
        place->record_bytes = kept.record.byte_count;
        memcpy(place->record, kept.record.bytes, kept.record.byte_count);
        master_kept(sim.master, &kept, now_ns());
    }
}

static void restore(void)
{
    for (uint32_t k = 0; k < JOBS; k++) {
        WireBytes record = {sim.kept[k].record, sim.kept[k].record_bytes};
        Error err = ERROR_NONE;

        if (sim.kept[k].driver != 0)
            ck_assert_msg(master_restore_driver(sim.master, record, (WireBytes){"package", 7},
                                                now_ns(), &err) == ST_OK,
                          "%s", err.message);
    }
}

/* --- the world --- */

static void start_master(void)
{
    MasterConfig config = {.build = {"1.0", 7},
                           .schedule = sim.schedule,
                           .first_id = sim.first_id,
                           .last_id = sim.first_id + EPOCH - 1,
                           .silence_ns = 10000 * ms_ns,
                           .quick_end_ns = 1000 * ms_ns,
                           .drain_ns = 60000 * ms_ns};

    sim.first_id += EPOCH;
    arena_reset(sim.arena);
    sim.master = master_state_new(sim.arena, &config, now_ns());
    restore();
}

static void kill_something(void)
{
    SimJob *job = &sim.jobs[below(JOBS)];

    if (below(2) == 0)
        (void)!master_kill(sim.master, sim.drivers[below(DRIVERS)].known_id, now_ns(), NULL);
    else if (job->id != 0 && master_kill(sim.master, job->id, now_ns(), NULL) == ST_OK)
        job->was_killed = true; /* or was to be: it may not have been kept */
}

/* It is stopped, or cut off: another one is elected, and it goes on. */
static void grow_old(void)
{
    Arena *arena = sim.old_arena;

    sim.old = sim.master;
    sim.old_until_ms = sim.now_ms + below(8000);
    sim.old_arena = sim.arena;
    sim.arena = arena;
}

static void step_master(void)
{
    if (sim.now_ms >= sim.old_until_ms)
        sim.old = NULL;
    if (sim.old != NULL && sim.now_ms % 100 == 0)
        master_state_tick(sim.old, now_ns());
    if (sim.master != NULL && happens(30000)) {
        if (below(2) == 0)
            grow_old();
        sim.master = NULL;
        sim.master_down_until_ms = sim.now_ms + below(5000);
    }
    if (sim.master == NULL && sim.now_ms >= sim.master_down_until_ms)
        start_master();
    if (sim.master == NULL)
        return;
    if (happens(60000))
        kill_something();
    keep();
    if (sim.now_ms % 100 == 0)
        master_state_tick(sim.master, now_ns());
    master_state_check(sim.master);
}

static void deliver(void)
{
    for (uint32_t i = 0; i < sim.message_count; i++) {
        Message message = sim.messages[i];

        if (message.due_ms > sim.now_ms)
            continue;
        sim.messages[i--] = sim.messages[--sim.message_count];
        if (message.kind < M_ANSWER_ID)
            at_master(&message);
        else if (message.kind == M_ANSWER_SUBMIT)
            sim.jobs[message.from].id = message.id;
        else if (message.kind == M_ANSWER_ORDERS || message.kind == M_ANSWER_ENDED ||
                 (message.kind == M_ANSWER_ID && message.executor == 0) ||
                 (message.kind == M_ANSWER_ERROR && message.id == 0))
            at_worker(&sim.workers[message.from], &message);
        else
            at_driver(&sim.drivers[message.from], &message);
    }
    arena_reset(sim.scratch);
}

static void start_world(uint64_t seed)
{
    Arena *arena = sim.arena, *old_arena = sim.old_arena, *scratch = sim.scratch;

    memset(&sim, 0, sizeof sim);
    sim.arena = arena;
    sim.old_arena = old_arena;
    sim.scratch = scratch;
    sim.random = seed;
    sim.next_incarnation = sim.next_call = 1;
    sim.first_id = EPOCH;
    sim.is_bad = true;
    sim.loss = below(30);
    sim.repeat = below(50);
    sim.delay_ms = 1 + below(300);
    sim.keep_steps = 1 + below(200);
    sim.schedule = below(2) == 0 ? SCHEDULE_FAIR : SCHEDULE_FIFO;
    for (uint32_t w = 0; w < WORKERS; w++)
        sim.workers[w] =
            (SimWorker){.incarnation = sim.next_incarnation++, .cores = 1 + (int32_t)below(4)};
    for (uint32_t d = 0; d < DRIVERS; d++)
        sim.drivers[d] = (SimDriver){.incarnation = sim.next_incarnation++,
                                     .start_ms = below(BAD_MS),
                                     .end_ms = below(2) == 0 ? 0 : 1000 + below(END_MS - 30000),
                                     .wanted = 1 + (int32_t)below(5),
                                     .cores = 1};
    for (uint32_t j = 0; j < JOBS; j++)
        sim.jobs[j] = (SimJob){.token = sim.next_incarnation++,
                               .submit_ms = below(BAD_MS),
                               .duration_ms = below(3) == 0 ? 0 : 100 + below(10000),
                               .is_supervised = below(2) == 0,
                               .exit_code = below(2) == 0 ? 0 : 3};
    start_master();
}

/* --- in the end --- */

static bool is_process_of(int64_t driver, int64_t executor)
{
    uint32_t found = 0;

    for (uint32_t w = 0; w < WORKERS; w++)
        for (uint32_t c = 0; c < sim.workers[w].child_count; c++)
            found += sim.workers[w].children[c].driver == driver;
    return found == (executor != 0);
}

static void check_job(uint64_t seed, const SimJob *job)
{
    DriverStatus news;
    Status status = master_driver_status(sim.master, job->id, sim.scratch, NULL, &news);

    ck_assert_msg(job->id != 0 && status == ST_OK, "seed %llu: a job was lost",
                  (unsigned long long)seed);
    ck_assert_msg(is_process_of(job->id, !news.is_over), "seed %llu: a job that is %s",
                  (unsigned long long)seed, news.state);
    if (strcmp(news.state, "killed") == 0)
        ck_assert(job->was_killed);
    else if (!news.is_over)
        ck_assert_str_eq(news.state, "running");
    else if (news.exit_code == EXIT_CODE_NONE)
        ck_assert_msg(!job->is_supervised, "seed %llu: a supervised job is given up: %s",
                      (unsigned long long)seed, news.reason);
    else
        ck_assert(news.exit_code == job->exit_code && job->duration_ms != 0);
    ck_assert_msg(!job->was_heard || job->was_killed || news.exit_code == job->exit_code,
                  "seed %llu: how a job ended is forgotten: %s", (unsigned long long)seed,
                  news.reason);
    ck_assert_msg(news.is_over || job->duration_ms == 0, "seed %llu: a job hangs",
                  (unsigned long long)seed);
}

static const SimDriver *driver_of(int64_t application)
{
    for (uint32_t d = 0; d < DRIVERS; d++)
        if (sim.drivers[d].state == DRIVER_ON && sim.drivers[d].known_id == application)
            return &sim.drivers[d];
    return NULL;
}

static void check_end(uint64_t seed)
{
    int32_t cores = 0, wanted = 0, running = 0, applications = 0;
    MasterCounts counts;

    ck_assert_ptr_nonnull(sim.master);
    for (uint32_t j = 0; j < JOBS; j++)
        check_job(seed, &sim.jobs[j]);
    counts = master_counts(sim.master);
    for (uint32_t w = 0; w < WORKERS; w++) {
        const SimWorker *worker = &sim.workers[w];

        cores += worker->cores;
        for (uint32_t c = 0; c < worker->child_count; c++) {
            running += worker->children[c].driver == 0;
            ck_assert_msg(worker->children[c].driver != 0 ||
                              driver_of(worker->children[c].application) != NULL,
                          "seed %llu: an executor of nobody", (unsigned long long)seed);
        }
        for (uint32_t f = 0; f < worker->folder_count; f++)
            ck_assert_msg(driver_of(worker->folders[f]) != NULL, "seed %llu: a folder of nobody",
                          (unsigned long long)seed);
    }
    for (uint32_t d = 0; d < DRIVERS; d++) {
        applications += sim.drivers[d].state == DRIVER_ON;
        wanted += sim.drivers[d].state == DRIVER_ON ? sim.drivers[d].wanted : 0;
    }
    ck_assert_msg(counts.workers == WORKERS && counts.applications == applications,
                  "seed %llu: %d workers, %d of %d applications", (unsigned long long)seed,
                  counts.workers, counts.applications, applications);
    ck_assert_msg(counts.executors == running && running == (wanted < cores ? wanted : cores),
                  "seed %llu: %d cores, %d wanted, %d run, the master knows %d",
                  (unsigned long long)seed, cores, wanted, running, counts.executors);
}

static void run_seed(uint64_t seed)
{
    start_world(seed);
    for (sim.now_ms = STEP_MS; sim.now_ms <= END_MS; sim.now_ms += STEP_MS) {
        sim.is_bad = sim.now_ms < BAD_MS;
        step_master();
        for (uint32_t w = 0; w < WORKERS; w++)
            step_worker(&sim.workers[w]);
        for (uint32_t d = 0; d < DRIVERS; d++)
            step_driver(&sim.drivers[d]);
        for (uint32_t j = 0; j < JOBS; j++)
            step_job(&sim.jobs[j]);
        deliver();
    }
    check_end(seed);
}

START_TEST(test_seeds)
{
    const char *one = getenv("VONK_SIM_SEED"), *count = getenv("VONK_SIM_SEEDS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t seeds = one != NULL ? 1 : count != NULL ? strtoull(count, NULL, 10) : 100;

    log_set_level(one != NULL ? LOG_DEBUG : LOG_OFF);
    sim.arena = arena_new(NULL, "sim", ARENA_NO_CAP);
    sim.old_arena = arena_new(NULL, "sim", ARENA_NO_CAP);
    sim.scratch = arena_new(NULL, "sim", ARENA_NO_CAP);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        run_seed(seed);
    arena_free(sim.arena);
    arena_free(sim.old_arena);
    arena_free(sim.scratch);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("seeds");
    Suite *suite = suite_create("master_sim");
    SRunner *runner;
    int failed;

    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, test_seeds);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
