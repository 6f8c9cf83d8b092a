/* scheduler_check.c -- the invariants of docs/scheduler.md, as far as the state shows them */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

static uint32_t list_length(const List *list)
{
    uint32_t length = 0;

    LIST_EACH(node, list)
    length++;
    return length;
}

static bool is_missing(const Task *task)
{
    return task->state == TASK_PENDING || task->state == TASK_RUNNING;
}

/* --- tasks and stages --- */

static void check_task(const Task *task)
{
    const Stage *stage = task->stage;
    bool is_running = task->state == TASK_RUNNING;

    CHECK((task->attempt_count > 0) == is_running && task->attempt_count <= 2); /* S6 */
    CHECK((task->output.kind != PLACE_NONE) ==
          (task->state == TASK_DONE && !stage->is_result)); /* S3 */
    CHECK(task->output.kind != PLACE_EXECUTOR || task->output.node.is_linked);
    CHECK(task->cache.kind != PLACE_EXECUTOR ||
          (task->cache.node.is_linked && task->cache.executor->state != EXECUTOR_LOST));
    CHECK(task->queue_node.is_linked == (task->state == TASK_PENDING || task->is_speculative));
    CHECK(!task->is_speculative || (is_running && task->attempt_count == 1));
    CHECK(!(stage->is_result && task->state == TASK_DONE) || task->is_counted); /* S2 */
    CHECK(task->attempt_count < 2 || task->attempts[0]->executor != task->attempts[1]->executor);
    for (uint32_t i = 0; i < task->attempt_count; i++)
        CHECK(task->attempts[i]->task == task && !task->attempts[i]->is_cancelled);
}

/* S4, S5: every output that a linked child needs is there or being made. */
static void check_edge(const StageEdge *edge)
{
    const Stage *child = edge->child, *parent = edge->parent;

    CHECK(edge->node.is_linked);
    for (uint32_t i = 0; i < child->task_count; i++) {
        PartitionRange range = {.count = parent->task_count};

        if (!is_missing(&child->tasks[i]) || child->tasks[i].cache.kind != PLACE_NONE)
            continue;
        if (edge->ranges != NULL)
            range = edge->ranges[i];
        for (uint32_t p = 0; p < range.count; p++)
            CHECK(parent->tasks[range.first + p].state != TASK_IDLE);
        if (edge->ranges == NULL)
            return;
    }
}

static void check_stage_counts(const Stage *stage)
{
    uint32_t missing = 0, inputs = 0, running = 0, done = 0, pending = 0, attempts = 0;

    for (uint32_t i = 0; i < stage->task_count; i++) {
        const Task *task = &stage->tasks[i];

        check_task(task);
        missing += is_missing(task);
        inputs += is_missing(task) && task->cache.kind == PLACE_NONE;
        running += task->state == TASK_RUNNING;
        pending += task->state == TASK_PENDING;
        done += task->state == TASK_DONE;
        attempts += task->attempt_count;
    }
    CHECK(missing == stage->missing && inputs == stage->missing_inputs);
    CHECK(running == stage->running_tasks && done == stage->done_count);
    CHECK(pending == stage->plain.count + stage->cached.count);
    CHECK(stage->plain.count ==
          list_length(&stage->plain.plain) + list_length(&stage->plain.choosy));
    CHECK(stage->cached.count ==
          list_length(&stage->cached.plain) + list_length(&stage->cached.choosy));
    CHECK(attempts == list_length(&stage->running) && attempts <= stage->attempt_count);
}

static void check_stage(const Stage *stage)
{
    uint32_t waits_for = 0, targets = 0;

    check_stage_counts(stage);
    CHECK(stage->missing == 0 || sched__is_demanded(stage)); /* S7 */
    CHECK(stage->is_linked == (stage->missing_inputs > 0));
    CHECK(stage->is_ready == sched__has_launchable(stage)); /* S8 */
    for (uint32_t i = 0; i < stage->edge_count; i++) {
        CHECK(stage->edges[i].node.is_linked == stage->is_linked);
        waits_for += stage->is_linked && stage->edges[i].parent->missing > 0;
        if (stage->is_linked)
            check_edge(&stage->edges[i]);
    }
    CHECK(waits_for == stage->waits_for);
    LIST_EACH(node, &stage->jobs)
    {
        const StageJob *job = LIST_OWNER(node, StageJob, stage_node);

        CHECK(job->stage == stage && job->job->state == JOB_RUNNING);
        CHECK(job->ready_node.is_linked == stage->is_ready);
        targets += job->is_target;
    }
    CHECK(targets == stage->target_count);
    CHECK(stage->missing == 0 || !list_is_empty(&stage->jobs)); /* S8 */
    CHECK(stage->references > 0 || stage->is_released || stage->attempt_count > 0);
}

/* --- executors, jobs --- */

static void check_executor(const Executor *executor)
{
    bool can_take = sched__is_usable(executor) && executor->free_slots > 0;

    CHECK(executor->free_slots + list_length(&executor->attempts) == executor->room); /* S1 */
    CHECK(executor->offer_node.is_linked == can_take);                                /* S8 */
    CHECK(executor->heard_node.is_linked == (executor->state != EXECUTOR_LOST));
    CHECK(executor->excluded_node.is_linked == (executor->excluded_until_ms != 0));
    if (executor->state == EXECUTOR_LOST) {
        CHECK(list_is_empty(&executor->attempts) && list_is_empty(&executor->caches));
        CHECK(!list_is_empty(&executor->outputs) || executor->action_node.is_linked); /* S10 */
    }
    LIST_EACH(node, &executor->attempts)
    {
        const Attempt *attempt = LIST_OWNER(node, Attempt, executor_node);

        CHECK(attempt->head.is_live && attempt->executor == executor);
        CHECK(attempt->is_cancelled == !attempt->stage_node.is_linked);
    }
}

static uint32_t check_executors(const Scheduler *scheduler)
{
    uint32_t usable = 0, alive = 0, attempts = 0;

    for (uint32_t i = 0; i < scheduler->executors.used_count; i++) {
        const Executor *executor = slot_table_at(&scheduler->executors, i);

        if (executor == NULL)
            continue;
        check_executor(executor);
        CHECK(executor->excluded_until_ms == 0 || executor->excluded_until_ms > scheduler->now_ms);
        usable += sched__is_usable(executor);
        alive += executor->state == EXECUTOR_ALIVE;
        attempts += list_length(&executor->attempts);
    }
    CHECK(usable == scheduler->usable_count);
    CHECK(alive == 0 || usable > 0); /* S9 */
    return attempts;
}

/* A job's share is the attempts it is charged for, of those that count. */
static uint32_t charged_to(const Scheduler *scheduler, JobId id)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < scheduler->attempts.used_count; i++) {
        const Attempt *attempt = slot_table_at(&scheduler->attempts, i);

        count += attempt != NULL && !attempt->is_cancelled && attempt->job == id;
    }
    return count;
}

static void check_jobs(const Scheduler *scheduler)
{
    uint32_t running[POOLS_MAX] = {0};

    LIST_EACH(node, &scheduler->all_jobs)
    {
        const Job *job = LIST_OWNER(node, Job, all_node);

        if (job->shared != NULL)
            continue;
        if (job->state != JOB_RUNNING) {
            CHECK(list_is_empty(&job->nodes) && job->is_reported == !job->action_node.is_linked);
            CHECK((job->error != NULL) == (job->state == JOB_FAILED));
            continue;
        }
        CHECK(job->stage->missing > 0 && !list_is_empty(&job->nodes)); /* S8 */
        CHECK(job->running == charged_to(scheduler, slot_handle(&job->head)));
        CHECK(job->pool_node.is_linked == !list_is_empty(&job->ready));
        running[job->pool] += job->running;
    }
    for (uint32_t i = 0; i < scheduler->pool_count; i++)
        CHECK(running[i] == scheduler->pools[i].running);
}

void scheduler_check(const Scheduler *scheduler)
{
    CHECK(list_is_empty(&scheduler->dirty));
    CHECK(check_executors(scheduler) == scheduler->attempts.live_count);
    for (uint32_t i = 0; i < scheduler->stages.used_count; i++) {
        const Stage *stage = slot_table_at(&scheduler->stages, i);

        if (stage != NULL)
            check_stage(stage);
    }
    check_jobs(scheduler);
}
