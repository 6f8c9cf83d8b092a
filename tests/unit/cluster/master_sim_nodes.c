/* master_sim_nodes.c -- workers, drivers and jobs; see master_sim.h */
#include "master_sim.h"

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

void at_worker(SimWorker *worker, const Message *m)
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

void start_worker(SimWorker *worker)
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

void step_worker(SimWorker *worker)
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

void at_driver(SimDriver *driver, const Message *m)
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

void step_driver(SimDriver *driver)
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
void step_job(SimJob *job)
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
void keep(void)
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

void restore(void)
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
