/*
 * executor.c -- executors: slots, loss, drain, heartbeats
 *
 *     ALIVE     -- drain            -->  DRAINING (nothing new; DRAINED when nothing runs)
 *     ALIVE, DRAINING  -- lost, or silent for executor_timeout_ms  -->  LOST
 *     LOST      -- no output is registered there any more  -->  forgotten
 *
 * An executor with a free slot is in `offers` until it was asked and nothing fitted, then in `idle`
 * until something changes. So a slot is looked at once a change, not once a call. One whose slots
 * are taken, but where short tasks may wait, is in `ahead`, and asked after the others.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

Executor *sched__executor(const Scheduler *scheduler, ExecutorId id)
{
    return slot_table_find(&scheduler->executors, id);
}

ExecutorId sched__executor_id(const Executor *executor)
{
    return slot_handle(&executor->head);
}

static Executor *find_alive(const Scheduler *scheduler, ExecutorId id)
{
    Executor *executor = sched__executor(scheduler, id);

    return executor == NULL || executor->state == EXECUTOR_LOST ? NULL : executor;
}

/* --- offers --- */

bool sched__is_usable(const Executor *executor)
{
    return executor->state == EXECUTOR_ALIVE && executor->excluded_until_ms == 0;
}

void sched__offer(Scheduler *scheduler, Executor *executor)
{
    if (!sched__is_usable(executor) || executor->free_slots == 0)
        return;
    sched__unoffer(executor);
    executor->offered_in = sched__has_slot(executor) ? &scheduler->offers : &scheduler->ahead;
    list_push(executor->offered_in, &executor->offer_node);
}

bool sched__has_slot(const Executor *executor)
{
    return executor->room - executor->free_slots < executor->slots;
}

void sched__set_idle(Scheduler *scheduler, Executor *executor)
{
    sched__unoffer(executor);
    executor->offered_in = &scheduler->idle;
    list_push(&scheduler->idle, &executor->offer_node);
}

void sched__unoffer(Executor *executor)
{
    if (executor->offered_in != NULL)
        list_remove(executor->offered_in, &executor->offer_node);
    executor->offered_in = NULL;
}

void sched__wake_idle(Scheduler *scheduler)
{
    while (!list_is_empty(&scheduler->idle)) {
        Executor *executor = LIST_OWNER(scheduler->idle.first, Executor, offer_node);

        sched__unoffer(executor);
        sched__offer(scheduler, executor);
    }
}

static void check_drained(Scheduler *scheduler, Executor *executor)
{
    if (executor->state != EXECUTOR_DRAINING || executor->is_drain_reported ||
        !list_is_empty(&executor->attempts))
        return;
    executor->is_drain_reported = true;
    list_push(&scheduler->drained, &executor->action_node);
}

void sched__slot_freed(Scheduler *scheduler, Executor *executor)
{
    sched__offer(scheduler, executor);
    check_drained(scheduler, executor);
}

/* --- coming and going --- */

static Host *host_of(Scheduler *scheduler, uint32_t number)
{
    if (number >= scheduler->host_count) {
        uint32_t count =
            number + 1 > 2 * scheduler->host_count ? number + 1 : 2 * scheduler->host_count;
        Host *hosts = ARENA_ARRAY(scheduler->arena, Host, count);

        if (scheduler->host_count > 0)
            memcpy(hosts, scheduler->hosts, scheduler->host_count * sizeof *hosts);
        scheduler->hosts = hosts;
        scheduler->host_count = count;
    }
    return &scheduler->hosts[number];
}

ExecutorId scheduler_executor_added(Scheduler *scheduler, const ExecutorSpec *spec)
{
    Executor *executor = slot_table_take(&scheduler->executors);

    CHECK(spec->slots > 0);
    snprintf(executor->name, sizeof executor->name, "%s", spec->name);
    executor->host = spec->host;
    executor->slots = spec->slots;
    executor->room = executor->free_slots = spec->slots + spec->ahead;
    executor->heard_ms = scheduler->now_ms;
    list_push(&scheduler->heard, &executor->heard_node);
    host_of(scheduler, spec->host)->executor_count++;
    scheduler->usable_count++;
    sched__offer(scheduler, executor);
    sched__wake_idle(scheduler); /* tasks that avoid an executor have another now */
    return sched__executor_id(executor);
}

/* It has ended by itself. */
typedef struct Crash {
    AttemptId blamed; /* 0: not known */
} Crash;

/* Its attempts go back to their queues. After a crash the one that is to blame has failed; where
 * that is not known, those that had a slot, the oldest ones. */
static void lose_attempts(Scheduler *scheduler, Executor *executor, const Crash *crash,
                          const char *reason)
{
    const Attempt *culprit =
        crash == NULL ? NULL : slot_table_find(&scheduler->attempts, crash->blamed);
    bool is_known = culprit != NULL && culprit->executor == executor;
    uint32_t suspects = crash == NULL || is_known ? 0 : executor->slots;
    char lost[ERROR_MESSAGE_BYTES / 2], crashed[ERROR_MESSAGE_BYTES / 2];

    snprintf(lost, sizeof lost, "%s was lost: %s", executor->name, reason);
    snprintf(crashed, sizeof crashed, "%s: %s", executor->name, reason);
    while (!list_is_empty(&executor->attempts)) {
        Attempt *attempt = LIST_OWNER(executor->attempts.first, Attempt, executor_node);

        if ((is_known && attempt == culprit) || suspects > 0) {
            suspects -= suspects > 0;
            sched__attempt_crashed(scheduler, attempt, crashed);
        } else {
            sched__attempt_lost(scheduler, attempt, lost);
        }
    }
}

static void lose_caches(Scheduler *scheduler, Executor *executor)
{
    while (!list_is_empty(&executor->caches))
        sched__cache_drop(scheduler, LIST_OWNER(executor->caches.first, Task, cache.node));
}

void sched__executor_forget(Scheduler *scheduler, Executor *executor)
{
    if (executor->state != EXECUTOR_LOST || !list_is_empty(&executor->outputs) ||
        executor->action_node.is_linked)
        return;
    slot_table_give_back(&scheduler->executors, executor);
}

static void lose(Scheduler *scheduler, Executor *executor, BlockFate fate, const Crash *crash,
                 const char *reason)
{
    if (sched__is_usable(executor))
        scheduler->usable_count--;
    else
        sched__exclusion_end(scheduler, executor);
    if (executor->state == EXECUTOR_DRAINING)
        list_drop(&scheduler->drained, &executor->action_node);
    executor->state = EXECUTOR_LOST;
    sched__unoffer(executor);
    list_remove(&scheduler->heard, &executor->heard_node);
    host_of(scheduler, executor->host)->executor_count--;
    if (list_is_empty(&scheduler->heard))
        scheduler->starving_ms = scheduler->now_ms;
    lose_attempts(scheduler, executor, crash, reason);
    lose_caches(scheduler, executor);
    if (fate == BLOCKS_LOST)
        sched__outputs_drop_all(scheduler, executor);
    sched__exclusion_balance(scheduler);
    sched__wake_idle(scheduler);
}

static void lose_one(Scheduler *scheduler, ExecutorId id, BlockFate fate, const Crash *crash,
                     const char *reason)
{
    Executor *executor = sched__executor(scheduler, id);

    if (executor == NULL)
        return;
    if (executor->state != EXECUTOR_LOST)
        lose(scheduler, executor, fate, crash, reason);
    else if (fate == BLOCKS_LOST)
        sched__outputs_drop_all(scheduler, executor);
    sched__executor_forget(scheduler, executor);
    sched__settle(scheduler);
}

void scheduler_executor_lost(Scheduler *scheduler, ExecutorId id, BlockFate fate,
                             const char *reason)
{
    lose_one(scheduler, id, fate, NULL, reason);
}

void scheduler_executor_crashed(Scheduler *scheduler, ExecutorId id, BlockFate fate,
                                AttemptId blamed, const char *reason)
{
    lose_one(scheduler, id, fate, &(Crash){blamed}, reason);
}

void scheduler_host_lost(Scheduler *scheduler, uint32_t host, const char *reason)
{
    for (uint32_t i = 0; i < scheduler->executors.used_count; i++) {
        Executor *executor = slot_table_at(&scheduler->executors, i);

        if (executor != NULL && executor->host == host)
            scheduler_executor_lost(scheduler, sched__executor_id(executor), BLOCKS_LOST, reason);
    }
}

void scheduler_executor_drain(Scheduler *scheduler, ExecutorId id)
{
    Executor *executor = find_alive(scheduler, id);

    if (executor == NULL || executor->state == EXECUTOR_DRAINING)
        return;
    if (sched__is_usable(executor))
        scheduler->usable_count--;
    else
        sched__exclusion_end(scheduler, executor);
    executor->state = EXECUTOR_DRAINING;
    sched__unoffer(executor);
    sched__exclusion_balance(scheduler);
    sched__wake_idle(scheduler);
    check_drained(scheduler, executor);
}

/* --- heartbeats --- */

void sched__executor_heard(Scheduler *scheduler, Executor *executor)
{
    executor->heard_ms = scheduler->now_ms;
    list_remove(&scheduler->heard, &executor->heard_node);
    list_push(&scheduler->heard, &executor->heard_node);
}

static void give_up(Scheduler *scheduler, Executor *executor, const char *reason)
{
    lose(scheduler, executor,
         scheduler->config.blocks_outlive_executors ? BLOCKS_KEPT : BLOCKS_LOST, NULL, reason);
    executor->gone_reason = reason;
    list_push(&scheduler->gone, &executor->action_node);
}

/* Tasks that were cancelled and go on: their executors are of no use. */
static void give_up_stubborn(Scheduler *scheduler)
{
    while (scheduler->config.cancel_timeout_ms != 0 && !list_is_empty(&scheduler->cancelling)) {
        Attempt *attempt = LIST_OWNER(scheduler->cancelling.first, Attempt, cancel_node);

        if (scheduler->now_ms - attempt->cancelled_ms < scheduler->config.cancel_timeout_ms)
            return;
        give_up(scheduler, attempt->executor, "it did not stop a task that was cancelled");
    }
}

void sched__executor_tick(Scheduler *scheduler)
{
    const SchedulerConfig *config = &scheduler->config;

    give_up_stubborn(scheduler);
    while (config->executor_timeout_ms != 0 && !list_is_empty(&scheduler->heard)) {
        Executor *executor = LIST_OWNER(scheduler->heard.first, Executor, heard_node);

        if (scheduler->now_ms - executor->heard_ms < config->executor_timeout_ms)
            return;
        give_up(scheduler, executor, "it was silent for too long");
    }
}

/* Attempts that the executor does not know: lost, or still on their way to it. */
static void settle_unnamed(Scheduler *scheduler, Executor *executor, uint64_t launches_taken)
{
    LIST_EACH(node, &executor->attempts)
    {
        Attempt *attempt = LIST_OWNER(node, Attempt, executor_node);

        if (attempt->beat == executor->beat)
            continue;
        if (attempt->launch_number <= launches_taken)
            sched__attempt_lost(scheduler, attempt, "its executor did not know of it");
        else if (!attempt->action_node.is_linked &&
                 scheduler->now_ms - attempt->sent_ms >= scheduler->config.launch_timeout_ms)
            list_push(attempt->is_cancelled ? &scheduler->cancels : &scheduler->relaunches,
                      &attempt->action_node);
    }
}

uint32_t scheduler_heartbeat(Scheduler *scheduler, ExecutorId id, uint64_t launches_taken,
                             const AttemptId *attempts, uint32_t attempt_count,
                             AttemptId *unwanted_out, bool *is_known_out)
{
    Executor *executor = find_alive(scheduler, id);
    uint32_t unwanted = 0;

    *is_known_out = executor != NULL;
    if (executor == NULL)
        return 0;
    sched__executor_heard(scheduler, executor);
    executor->beat++;
    for (uint32_t i = 0; i < attempt_count; i++) {
        Attempt *attempt = slot_table_find(&scheduler->attempts, attempts[i]);
        bool is_its = attempt != NULL && attempt->executor == executor;

        if (is_its)
            attempt->beat = executor->beat;
        if (!is_its || attempt->is_cancelled)
            unwanted_out[unwanted++] = attempts[i];
    }
    settle_unnamed(scheduler, executor, launches_taken);
    sched__settle(scheduler);
    return unwanted;
}
