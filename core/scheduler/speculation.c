/*
 * speculation.c -- a second attempt for tasks that take much longer than the others of their stage
 *
 * Run times are counted in buckets that grow by an eighth, so that the median costs no sorting and
 * is right to 12%.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

enum { PER_DOUBLING = 8, PER_DOUBLING_LOG = 3, LOOK_EVERY_MS = 100 };

/* 0 to 7 ms have a bucket each; from there on, eight a doubling. */
static uint32_t bucket_of(int64_t duration_ms)
{
    uint64_t value = duration_ms < 0 ? 0 : (uint64_t)duration_ms;
    uint32_t log, bucket;

    if (value < PER_DOUBLING)
        return (uint32_t)value;
    log = 63 - (uint32_t)__builtin_clzll(value);
    bucket = ((log - PER_DOUBLING_LOG + 1) << PER_DOUBLING_LOG) +
             (uint32_t)(value >> (log - PER_DOUBLING_LOG) & (PER_DOUBLING - 1));
    return bucket < DURATION_BUCKETS ? bucket : DURATION_BUCKETS - 1;
}

/* The longest duration of the bucket. */
static int64_t bucket_end_ms(uint32_t bucket)
{
    uint32_t doubling = bucket >> PER_DOUBLING_LOG;

    if (doubling == 0)
        return bucket;
    return ((int64_t)(PER_DOUBLING + (bucket & (PER_DOUBLING - 1)) + 1) << (doubling - 1)) - 1;
}

void sched__duration_seen(Scheduler *scheduler, Stage *stage, int64_t duration_ms)
{
    if (!scheduler->config.speculates)
        return;
    if (stage->durations == NULL)
        stage->durations = ARENA_ARRAY(stage->arena, uint32_t, DURATION_BUCKETS);
    stage->durations[bucket_of(duration_ms)]++;
}

static int64_t median_ms(const Stage *stage)
{
    uint64_t total = 0, seen = 0;

    for (uint32_t i = 0; i < DURATION_BUCKETS; i++)
        total += stage->durations[i];
    for (uint32_t i = 0; i < DURATION_BUCKETS; i++) {
        seen += stage->durations[i];
        if (2 * seen >= total)
            return bucket_end_ms(i);
    }
    UNREACHABLE("a median of nothing");
}

static void find_stragglers(Scheduler *scheduler, Stage *stage)
{
    const SchedulerConfig *config = &scheduler->config;
    int64_t limit;

    if (stage->durations == NULL ||
        (uint64_t)stage->done_count * 100 <
            (uint64_t)stage->task_count * config->speculation_quantile_percent)
        return;
    limit = median_ms(stage) * config->speculation_slower_percent / 100;
    if (limit < config->speculation_min_ms)
        limit = config->speculation_min_ms;
    LIST_EACH(node, &stage->running)
    {
        Attempt *attempt = LIST_OWNER(node, Attempt, stage_node);
        Task *task = attempt->task;

        if (scheduler->now_ms - attempt->launched_ms <= limit)
            return;
        if (task->attempt_count == 1 && !task->is_speculative)
            sched__speculate_on(scheduler, task);
    }
}

void sched__speculation_tick(Scheduler *scheduler)
{
    if (!scheduler->config.speculates || list_is_empty(&scheduler->speculating) ||
        scheduler->now_ms < scheduler->speculation_ms)
        return;
    scheduler->speculation_ms = scheduler->now_ms + LOOK_EVERY_MS;
    LIST_EACH(node, &scheduler->speculating)
    find_stragglers(scheduler, LIST_OWNER(node, Stage, speculation_node));
}
