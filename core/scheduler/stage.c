/*
 * stage.c -- which stages work, and for whom
 *
 * A stage is demanded by jobs that target it and by children that want inputs. Demanded, it has its
 * missing partitions made: those that are TASK_IDLE become PENDING. It wants inputs itself while
 * one of its missing partitions has no cached input; then its parents are demanded, and so on back
 * through the lineage, just as far as something is missing. What has a cached input may launch at
 * once, the rest when no parent misses an output.
 *
 *     not demanded  -- a child links, or a job targets it -->  missing > 0: works; 0: skipped
 *     works         -- missing 0                          -->  complete: children wait less
 *     complete      -- an output is lost, still demanded  -->  works: children wait again
 *     any           -- the last child unlinks, no target  -->  not demanded: attempts are cancelled
 *
 * Changes to tasks mark stages dirty; sched__settle brings links up to date, child before parent,
 * without recursion: lineages are long.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

Stage *sched__stage(const Scheduler *scheduler, StageId id)
{
    return slot_table_find(&scheduler->stages, id);
}

StageId sched__stage_id(const Stage *stage)
{
    return slot_handle(&stage->head);
}

static Stage *find_stage(const Scheduler *scheduler, StageId id)
{
    Stage *stage = sched__stage(scheduler, id);

    CHECK(stage != NULL && stage->references > 0);
    return stage;
}

bool sched__is_demanded(const Stage *stage)
{
    return stage->target_count > 0 || !list_is_empty(&stage->children);
}

/* --- new --- */

static const PartitionRange *copy_ranges(Stage *stage, const StageParent *parent,
                                         uint32_t parent_count)
{
    if (parent->ranges == NULL)
        return NULL;
    for (uint32_t i = 0; i < stage->task_count; i++)
        CHECK(parent->ranges[i].first <= parent_count &&
              parent->ranges[i].count <= parent_count - parent->ranges[i].first);
    return arena_copy(stage->arena, parent->ranges, stage->task_count * sizeof *parent->ranges);
}

static void copy_hosts(Stage *stage, const StageSpec *spec)
{
    uint32_t count;

    if (spec->host_offsets == NULL)
        return;
    count = spec->host_offsets[spec->partition_count];
    stage->host_offsets = arena_copy(stage->arena, spec->host_offsets,
                                     (spec->partition_count + (size_t)1) * sizeof(uint32_t));
    stage->hosts = arena_copy(stage->arena, spec->hosts, count * sizeof(uint32_t));
    stage->host_nodes = ARENA_ARRAY(stage->arena, HostNode, count);
    for (uint32_t i = 0; i < stage->task_count; i++)
        for (uint32_t h = stage->host_offsets[i]; h < stage->host_offsets[i + 1]; h++)
            stage->host_nodes[h].task = &stage->tasks[i];
}

StageId scheduler_add_stage(Scheduler *scheduler, const StageSpec *spec)
{
    Stage *stage = slot_table_take(&scheduler->stages);

    stage->arena = arena_new(scheduler->arena, "stage", ARENA_NO_CAP);
    stage->name = arena_strdup(stage->arena, spec->name);
    stage->context = spec->context;
    stage->is_result = spec->is_result;
    stage->number = ++scheduler->stage_number;
    stage->references = 1;
    stage->task_count = spec->partition_count;
    stage->doomed = UINT32_MAX;
    stage->turn_us = -1;
    stage->edge_count = spec->parent_count;
    stage->tasks = ARENA_ARRAY(stage->arena, Task, spec->partition_count);
    stage->edges = ARENA_ARRAY(stage->arena, StageEdge, spec->parent_count);
    for (uint32_t i = 0; i < stage->task_count; i++)
        stage->tasks[i].stage = stage;
    for (uint32_t i = 0; i < stage->edge_count; i++) {
        Stage *parent = find_stage(scheduler, spec->parents[i].stage);

        CHECK(!parent->is_result);
        parent->references++;
        stage->edges[i] =
            (StageEdge){.child = stage,
                        .parent = parent,
                        .ranges = copy_ranges(stage, &spec->parents[i], parent->task_count)};
    }
    copy_hosts(stage, spec);
    return sched__stage_id(stage);
}

/* --- release --- */

void sched__check_release(Scheduler *scheduler, Stage *stage)
{
    if (stage->references > 0 || stage->attempt_count > 0 || stage->is_released)
        return;
    CHECK(!sched__is_demanded(stage) && stage->missing == 0);
    stage->is_released = true;
    list_push(&scheduler->released, &stage->release_node);
}

void sched__drop_reference(Scheduler *scheduler, Stage *stage)
{
    CHECK(stage->references > 0);
    stage->references--;
    sched__check_release(scheduler, stage);
}

void scheduler_stage_unref(Scheduler *scheduler, StageId id)
{
    sched__drop_reference(scheduler, find_stage(scheduler, id));
}

void sched__release(Scheduler *scheduler, Stage *stage, SchedulerAction *action)
{
    CHECK(stage->attempt_count == 0 && stage->missing == 0);
    action->kind = ACTION_RELEASE_STAGE;
    action->stage = sched__stage_id(stage);
    action->context = stage->context;
    for (uint32_t i = 0; i < stage->task_count; i++) {
        sched__output_drop(scheduler, &stage->tasks[i]);
        sched__cache_drop(scheduler, &stage->tasks[i]);
    }
    list_drop(&scheduler->dirty, &stage->dirty_node);
    for (uint32_t i = 0; i < stage->edge_count; i++)
        sched__drop_reference(scheduler, stage->edges[i].parent);
    arena_free(stage->arena);
    slot_table_give_back(&scheduler->stages, stage);
}

/* --- jobs that work on a stage --- */

static bool works_for(const Stage *stage, const Job *job)
{
    LIST_EACH(node, &stage->jobs)
    if (LIST_OWNER(node, StageJob, stage_node)->job == job)
        return true;
    return false;
}

static StageJob *add_job(Scheduler *scheduler, Stage *stage, Job *job, bool is_target)
{
    StageJob *node;

    if (!is_target && works_for(stage, job))
        return NULL;
    node = slot_table_take(&scheduler->stage_jobs);
    node->stage = stage;
    node->job = job;
    node->is_target = is_target;
    list_push(&stage->jobs, &node->stage_node);
    list_push(&job->nodes, &node->job_node);
    stage->target_count += is_target;
    if (stage->is_ready)
        sched__job_ready(scheduler, node, true);
    stage->jobs_changed = true;
    sched__touch(scheduler, stage);
    return node;
}

static void remove_job(Scheduler *scheduler, StageJob *node)
{
    sched__job_ready(scheduler, node, false);
    list_remove(&node->stage->jobs, &node->stage_node);
    list_remove(&node->job->nodes, &node->job_node);
    node->stage->target_count -= node->is_target;
    slot_table_give_back(&scheduler->stage_jobs, node);
}

/* The parent works for all that the child works for. */
static void pass_jobs_on(Scheduler *scheduler, const Stage *child, Stage *parent)
{
    if (parent->missing == 0)
        return;
    LIST_EACH(node, &child->jobs)
    add_job(scheduler, parent, LIST_OWNER(node, StageJob, stage_node)->job, false);
}

void sched__update_ready(Scheduler *scheduler, Stage *stage)
{
    bool is_ready = sched__has_launchable(stage);

    if (is_ready == stage->is_ready)
        return;
    stage->is_ready = is_ready;
    stage->preferred_ms = scheduler->now_ms;
    LIST_EACH(node, &stage->jobs)
    sched__job_ready(scheduler, LIST_OWNER(node, StageJob, stage_node), is_ready);
    if (is_ready)
        sched__wake_idle(scheduler);
}

/* --- what is missing --- */

void sched__touch(Scheduler *scheduler, Stage *stage)
{
    if (!stage->dirty_node.is_linked)
        list_push(&scheduler->dirty, &stage->dirty_node);
}

/* The stage has begun, or ceased, to miss outputs: its children wait for one more, or one less. */
static void tell_children(Scheduler *scheduler, Stage *stage)
{
    LIST_EACH(node, &stage->children)
    {
        Stage *child = LIST_OWNER(node, StageEdge, node)->child;

        if (stage->missing > 0) {
            child->waits_for++;
            pass_jobs_on(scheduler, child, stage);
        } else {
            child->waits_for--;
        }
        sched__touch(scheduler, child);
    }
}

static void add_missing(Scheduler *scheduler, Task *task, int change)
{
    Stage *stage = task->stage;
    bool was_complete = stage->missing == 0;

    stage->missing += (uint32_t)change;
    if (task->cache.kind == PLACE_NONE) {
        stage->missing_inputs += (uint32_t)change;
        stage->needs_changed |= change > 0;
    }
    if (was_complete != (stage->missing == 0))
        tell_children(scheduler, stage);
    sched__touch(scheduler, stage);
}

void sched__task_wanted(Scheduler *scheduler, Task *task)
{
    Stage *stage = task->stage;
    uint32_t partition = (uint32_t)(task - stage->tasks);

    CHECK(task->state == TASK_IDLE);
    if (partition < stage->sound) /* another job wants it: its error would come first */
        stage->sound = partition;
    task->state = TASK_PENDING;
    task->failures = task->losses = 0;
    add_missing(scheduler, task, 1);
    sched__enqueue(scheduler, task);
}

void sched__task_done(Scheduler *scheduler, Task *task, TaskState state)
{
    CHECK(state == TASK_IDLE || state == TASK_DONE);
    CHECK(task->state == TASK_PENDING || task->state == TASK_RUNNING);
    sched__cancel_attempts(scheduler, task);
    sched__no_speculation(task);
    if (task->state == TASK_PENDING)
        sched__dequeue(task);
    else
        task->stage->running_tasks--;
    task->state = (uint8_t)state;
    task->stage->done_count += state == TASK_DONE;
    add_missing(scheduler, task, -1);
}

static void want_range(Scheduler *scheduler, Stage *stage, PartitionRange range)
{
    for (uint32_t i = 0; i < range.count; i++)
        if (stage->tasks[range.first + i].state == TASK_IDLE)
            sched__task_wanted(scheduler, &stage->tasks[range.first + i]);
}

static bool wants_inputs(const Task *task)
{
    return (task->state == TASK_PENDING || task->state == TASK_RUNNING) &&
           task->cache.kind == PLACE_NONE;
}

static void want_inputs(Scheduler *scheduler, const StageEdge *edge)
{
    const Stage *child = edge->child;

    if (edge->ranges == NULL) {
        want_range(scheduler, edge->parent, (PartitionRange){.count = edge->parent->task_count});
        return;
    }
    for (uint32_t i = 0; i < child->task_count; i++)
        if (wants_inputs(&child->tasks[i]))
            want_range(scheduler, edge->parent, edge->ranges[i]);
}

/* Nobody demands the stage any more. */
static void withdraw(Scheduler *scheduler, Stage *stage)
{
    for (uint32_t i = 0; i < stage->task_count && stage->missing > 0; i++) {
        Task *task = &stage->tasks[i];

        if (task->state == TASK_PENDING || task->state == TASK_RUNNING)
            sched__task_done(scheduler, task, TASK_IDLE);
    }
    stage->doomed = UINT32_MAX;
    stage->sound = 0;
    sched__touch(scheduler, stage);
}

/* --- links --- */

static void link_parents(Scheduler *scheduler, Stage *stage)
{
    stage->is_linked = true;
    for (uint32_t i = 0; i < stage->edge_count; i++) {
        StageEdge *edge = &stage->edges[i];

        want_inputs(scheduler, edge);
        list_push(&edge->parent->children, &edge->node);
        stage->waits_for += edge->parent->missing > 0;
        pass_jobs_on(scheduler, stage, edge->parent);
    }
}

static void unlink_parents(Scheduler *scheduler, Stage *stage)
{
    stage->is_linked = false;
    for (uint32_t i = 0; i < stage->edge_count; i++) {
        StageEdge *edge = &stage->edges[i];

        list_remove(&edge->parent->children, &edge->node);
        stage->waits_for -= edge->parent->missing > 0;
        if (!sched__is_demanded(edge->parent))
            withdraw(scheduler, edge->parent);
    }
    CHECK(stage->waits_for == 0);
}

/* Every target has what it wanted; the stage works for nobody. */
static void stage_complete(Scheduler *scheduler, Stage *stage)
{
    ListNode *node = stage->jobs.first;

    stage->fetch_failures = 0;
    while (node != NULL) {
        StageJob *job = LIST_OWNER(node, StageJob, stage_node);

        if (job->is_target)
            sched__job_end(scheduler, job->job, JOB_SUCCEEDED, NULL);
        else
            remove_job(scheduler, job);
        node = stage->jobs.first;
    }
}

/* No partition below the doomed one is still to be made. One that was made before has no error. */
static bool is_doom_due(Stage *stage)
{
    if (stage->doomed == UINT32_MAX)
        return false;
    for (; stage->sound < stage->doomed; stage->sound++) {
        const Task *task = &stage->tasks[stage->sound];

        if ((task->state == TASK_PENDING || task->state == TASK_RUNNING) && !task->has_hash)
            return false;
    }
    return true;
}

static void settle_stage(Scheduler *scheduler, Stage *stage)
{
    bool wants;

    if (is_doom_due(stage))
        sched__fail_stage(scheduler, stage, stage->doom);
    wants = stage->missing_inputs > 0;
    if (wants && !stage->is_linked) {
        link_parents(scheduler, stage);
    } else if (!wants && stage->is_linked) {
        unlink_parents(scheduler, stage);
    } else if (wants && (stage->jobs_changed || stage->needs_changed)) {
        for (uint32_t i = 0; i < stage->edge_count; i++) {
            if (stage->needs_changed && stage->edges[i].ranges != NULL)
                want_inputs(scheduler, &stage->edges[i]);
            pass_jobs_on(scheduler, stage, stage->edges[i].parent);
        }
    }
    stage->jobs_changed = stage->needs_changed = false;
    sched__update_ready(scheduler, stage);
    if (stage->missing == 0)
        stage_complete(scheduler, stage);
}

void sched__settle(Scheduler *scheduler)
{
    ListNode *node;

    while ((node = list_take(&scheduler->dirty)) != NULL)
        settle_stage(scheduler, LIST_OWNER(node, Stage, dirty_node));
}

/* --- targets --- */

void sched__attach_target(Scheduler *scheduler, Job *job, Stage *stage, PartitionRange range)
{
    if (range.count == 0)
        range.count = stage->task_count;
    stage->was_targeted = true;
    add_job(scheduler, stage, job, true);
    want_range(scheduler, stage, range);
}

void sched__detach_job(Scheduler *scheduler, Job *job)
{
    while (!list_is_empty(&job->nodes))
        remove_job(scheduler, LIST_OWNER(job->nodes.first, StageJob, job_node));
    if (!sched__is_demanded(job->stage))
        withdraw(scheduler, job->stage);
}

/* --- failure --- */

static void walk_to(Scheduler *scheduler, List *walk, Stage *stage)
{
    if (stage->mark == scheduler->mark)
        return;
    stage->mark = scheduler->mark;
    list_push(walk, &stage->walk_node);
}

void sched__fail_stage(Scheduler *scheduler, Stage *stage, const Error *err)
{
    List walk = {0};
    ListNode *at;

    scheduler->mark++;
    walk_to(scheduler, &walk, stage);
    for (at = walk.first; at != NULL; at = at->next)
        LIST_EACH(node, &LIST_OWNER(at, Stage, walk_node)->children)
    walk_to(scheduler, &walk, LIST_OWNER(node, StageEdge, node)->child);
    while ((at = list_take(&walk)) != NULL) {
        ListNode *node = LIST_OWNER(at, Stage, walk_node)->jobs.first;

        while (node != NULL) {
            StageJob *job = LIST_OWNER(node, StageJob, stage_node);

            node = node->next;
            if (job->is_target)
                sched__job_end(scheduler, job->job, JOB_FAILED, err);
        }
    }
}

void sched__doom(Scheduler *scheduler, const Task *task, const Error *err)
{
    Stage *stage = task->stage;
    uint32_t partition = (uint32_t)(task - stage->tasks);

    if (stage->doomed <= partition)
        return;
    if (stage->doom == NULL)
        stage->doom = ARENA_NEW(stage->arena, Error);
    *stage->doom = *err;
    stage->doomed = partition;
    sched__touch(scheduler, stage);
}

StageProgress scheduler_stage_progress(const Scheduler *scheduler, StageId id)
{
    const Stage *stage = find_stage(scheduler, id);

    return (StageProgress){.partitions = stage->task_count,
                           .done = stage->done_count,
                           .running = stage->running_tasks,
                           .waiting = stage->missing - stage->running_tasks,
                           .attempt = stage->stage_attempt};
}
