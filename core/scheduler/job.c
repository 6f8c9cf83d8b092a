/*
 * job.c -- jobs, and whose turn it is
 *
 *     RUNNING -- its stage misses nothing --> SUCCEEDED
 *     RUNNING -- a stage that it needs failed --> FAILED
 *     RUNNING -- cancel --> CANCELLED
 *
 * A slot goes to the pool that is furthest below its share, there to the oldest job (FIFO) or the
 * one with the fewest running tasks (FAIR), there to the lowest stage with a task for the executor.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

/* --- pools --- */

uint32_t scheduler_add_pool(Scheduler *scheduler, PoolOrder order, uint32_t weight,
                            uint32_t min_share)
{
    CHECK(scheduler->pool_count < POOLS_MAX && weight > 0);
    scheduler->pools[scheduler->pool_count] =
        (Pool){.order = order, .weight = weight, .min_share = min_share};
    return scheduler->pool_count++;
}

/* Below its min_share first, by how far; then by running tasks for its weight. */
static bool goes_before(const Pool *a, const Pool *b)
{
    bool a_needs = a->running < a->min_share, b_needs = b->running < b->min_share;

    if (a_needs != b_needs)
        return a_needs;
    if (a_needs)
        return (uint64_t)a->running * b->min_share < (uint64_t)b->running * a->min_share;
    return (uint64_t)a->running * b->weight < (uint64_t)b->running * a->weight;
}

static Pool *next_pool(Scheduler *scheduler)
{
    Pool *best = NULL;

    for (uint32_t i = 0; i < scheduler->pool_count; i++) {
        Pool *pool = &scheduler->pools[i];

        if (pool->tried != scheduler->pass && !list_is_empty(&pool->ready) &&
            (best == NULL || goes_before(pool, best)))
            best = pool;
    }
    if (best != NULL)
        best->tried = scheduler->pass;
    return best;
}

static Job *next_job(Scheduler *scheduler, Pool *pool, Job *last)
{
    Job *best = NULL;

    if (pool->order == POOL_FIFO) {
        ListNode *node = last == NULL ? pool->ready.first : last->pool_node.next;

        return node == NULL ? NULL : LIST_OWNER(node, Job, pool_node);
    }
    LIST_EACH(node, &pool->ready)
    {
        Job *job = LIST_OWNER(node, Job, pool_node);

        if (job->tried != scheduler->pass && (best == NULL || job->running < best->running))
            best = job;
    }
    if (best != NULL)
        best->tried = scheduler->pass;
    return best;
}

Task *sched__choose(Scheduler *scheduler, const Executor *executor, Job **job_out)
{
    Pool *pool;

    scheduler->pass++;
    while ((pool = next_pool(scheduler)) != NULL) {
        Job *job = NULL;

        while ((job = next_job(scheduler, pool, job)) != NULL)
            LIST_EACH(node, &job->ready)
            {
                Stage *stage = LIST_OWNER(node, StageJob, ready_node)->stage;
                Task *task = sched__pick(scheduler, stage, executor);

                *job_out = job;
                if (task != NULL)
                    return task;
            }
    }
    return NULL;
}

void sched__job_charge(Scheduler *scheduler, JobId id, int change)
{
    Job *job = slot_table_find(&scheduler->jobs, id);

    if (job == NULL || job->state != JOB_RUNNING)
        return; /* an ended job has given its share back */
    job->running += (uint32_t)change;
    scheduler->pools[job->pool].running += (uint32_t)change;
}

static ListNode *behind_older_jobs(const Pool *pool, const Job *job)
{
    ListNode *after = pool->ready.last;

    while (after != NULL && LIST_OWNER(after, Job, pool_node)->number > job->number)
        after = after->prev;
    return after;
}

static ListNode *behind_lower_stages(const Job *job, const Stage *stage)
{
    ListNode *after = job->ready.last;

    while (after != NULL && LIST_OWNER(after, StageJob, ready_node)->stage->number > stage->number)
        after = after->prev;
    return after;
}

void sched__job_ready(Scheduler *scheduler, StageJob *node, bool is_ready)
{
    Job *job = node->job;
    Pool *pool = &scheduler->pools[job->pool];

    if (is_ready == node->ready_node.is_linked)
        return;
    if (is_ready)
        list_insert(&job->ready, behind_lower_stages(job, node->stage), &node->ready_node);
    else
        list_remove(&job->ready, &node->ready_node);
    if (list_is_empty(&job->ready))
        list_remove(&pool->ready, &job->pool_node);
    else if (!job->pool_node.is_linked)
        list_insert(&pool->ready, behind_older_jobs(pool, job), &job->pool_node);
}

/* --- jobs --- */

static Job *new_job(Scheduler *scheduler)
{
    Job *job = slot_table_take(&scheduler->jobs);

    job->number = ++scheduler->job_number;
    job->submitted_ms = scheduler->now_ms;
    list_push(&scheduler->all_jobs, &job->all_node);
    return job;
}

JobId scheduler_submit_shared(Scheduler *scheduler, uint32_t stage_count, const SharedStage *stages)
{
    Job *job = new_job(scheduler);

    job->arena = arena_new(scheduler->arena, "job", ARENA_NO_CAP);
    job->shared = sched__shared_new(job->arena, stage_count, stages);
    list_push(&scheduler->shared, &job->action_node);
    return slot_handle(&job->head);
}

JobId scheduler_submit(Scheduler *scheduler, const JobSpec *spec)
{
    Stage *stage = sched__stage(scheduler, spec->stage);
    Job *job = new_job(scheduler);

    CHECK(stage != NULL && spec->pool < scheduler->pool_count);
    CHECK(!stage->is_result || !stage->was_targeted);
    CHECK(spec->range.first + spec->range.count <= stage->task_count);
    job->pool = spec->pool;
    job->group = spec->group;
    job->context = spec->context;
    if (spec->tag_count > 0) {
        job->arena = arena_new(scheduler->arena, "job", ARENA_NO_CAP);
        job->tag_count = spec->tag_count;
        job->tags = arena_copy(job->arena, spec->tags, spec->tag_count * sizeof *spec->tags);
    }
    job->stage = stage;
    stage->references++;
    sched__attach_target(scheduler, job, stage, spec->range);
    sched__settle(scheduler);
    return slot_handle(&job->head);
}

void sched__job_end(Scheduler *scheduler, Job *job, JobState state, const Error *err)
{
    if (job->state != JOB_RUNNING)
        return;
    job->state = state;
    if (job->shared != NULL)
        return; /* its END_JOB comes when what runs has ended */
    scheduler->pools[job->pool].running -= job->running;
    if (err != NULL) {
        if (job->arena == NULL)
            job->arena = arena_new(scheduler->arena, "job", ARENA_NO_CAP);
        job->error = arena_copy(job->arena, err, sizeof *err);
    }
    sched__detach_job(scheduler, job);
    sched__drop_reference(scheduler, job->stage);
    job->stage = NULL;
    list_push(&scheduler->ended, &job->action_node);
}

static Job *find_job(const Scheduler *scheduler, JobId id)
{
    Job *job = slot_table_find(&scheduler->jobs, id);

    CHECK(job != NULL);
    return job;
}

JobState scheduler_job_state(const Scheduler *scheduler, JobId id)
{
    return find_job(scheduler, id)->state;
}

const Error *scheduler_job_error(const Scheduler *scheduler, JobId id)
{
    return find_job(scheduler, id)->error;
}

void scheduler_job_release(Scheduler *scheduler, JobId id)
{
    Job *job = find_job(scheduler, id);

    CHECK(job->is_reported);
    arena_free(job->arena);
    list_remove(&scheduler->all_jobs, &job->all_node);
    slot_table_give_back(&scheduler->jobs, job);
}

/* --- cancel --- */

void scheduler_cancel(Scheduler *scheduler, JobId id)
{
    Job *job = slot_table_find(&scheduler->jobs, id);

    if (job == NULL)
        return;
    sched__job_end(scheduler, job, JOB_CANCELLED, NULL);
    sched__settle(scheduler);
}

void scheduler_cancel_group(Scheduler *scheduler, uint64_t group)
{
    LIST_EACH(node, &scheduler->all_jobs)
    {
        Job *job = LIST_OWNER(node, Job, all_node);

        if (group != 0 && job->group == group)
            sched__job_end(scheduler, job, JOB_CANCELLED, NULL);
    }
    sched__settle(scheduler);
}

void scheduler_cancel_tag(Scheduler *scheduler, uint64_t tag)
{
    LIST_EACH(node, &scheduler->all_jobs)
    {
        Job *job = LIST_OWNER(node, Job, all_node);
        bool is_tagged = false;

        for (uint32_t i = 0; i < job->tag_count; i++)
            is_tagged |= job->tags[i] == tag;
        if (is_tagged)
            sched__job_end(scheduler, job, JOB_CANCELLED, NULL);
    }
    sched__settle(scheduler);
}
