/* driver_events.c -- what a driver says in its event log (docs/events.md) */
#include "core/base/clock.h"
#include "core/rdd/driver_internal.h"

void driver__say_stage(Driver *driver, JobStage *stage)
{
    const Fragment *fragment = stage->fragment;
    int64_t *inputs = ARENA_ARRAY(stage->job->arena, int64_t, fragment->source_count);
    uint32_t input_count = 0;

    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE)
            inputs[input_count++] = stage->job->stages[fragment->sources[i].producer].number;
    stage->number = ++driver->stage_count;
    event_begin(driver->events, "stage");
    event_number(driver->events, "stage", stage->number);
    event_text(driver->events, "name", stage->name);
    event_number(driver->events, "tasks", fragment->partition_count);
    event_number(driver->events, "skipped", stage->report.skipped);
    event_numbers(driver->events, "inputs", input_count, inputs);
    if (stage->change != NULL)
        event_text(driver->events, "changed", stage->change);
    event_end(driver->events);
}

void driver__say_target(Driver *driver, JobStage *stage, PartitionRange range)
{
    stage->target_number = ++driver->job_count;
    stage->target_began_ms = clock_now_ns() / 1000000;
    event_begin(driver->events, "job");
    event_number(driver->events, "job", stage->target_number);
    event_number(driver->events, "stage", stage->number);
    event_number(driver->events, "first", range.first);
    event_number(driver->events, "partitions", range.count);
    event_end(driver->events);
}

void driver__say_target_ended(Driver *driver, const JobStage *stage, JobState state,
                              const Error *err)
{
    static const char *const states[] = {
        [JOB_SUCCEEDED] = "succeeded", [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled"};

    event_begin(driver->events, "job_ended");
    event_number(driver->events, "job", stage->target_number);
    event_text(driver->events, "state", states[state]);
    event_number(driver->events, "ms", clock_now_ns() / 1000000 - stage->target_began_ms);
    if (err->status != ST_OK)
        event_text(driver->events, "error", err->message);
    event_end(driver->events);
    event_log_flush(driver->events);
}

void driver__say_executor(Driver *driver, ExecutorId executor, const ExecutorSpec *spec)
{
    event_begin(driver->events, "executor");
    event_number(driver->events, "executor", (int64_t)executor);
    event_text(driver->events, "name", spec->name);
    event_number(driver->events, "slots", spec->slots);
    event_end(driver->events);
}

void driver__say_executor_lost(Driver *driver, ExecutorId executor, BlockFate fate,
                               const char *reason)
{
    event_begin(driver->events, "executor_lost");
    event_number(driver->events, "executor", (int64_t)executor);
    event_text(driver->events, "blocks", fate == BLOCKS_LOST ? "lost" : "kept");
    event_text(driver->events, "reason", reason);
    event_end(driver->events);
}

void driver__say_copy(Driver *driver, uint64_t output, uint32_t partition, ExecutorId executor)
{
    event_begin(driver->events, "copy");
    event_number(driver->events, "output", (int64_t)output);
    event_number(driver->events, "partition", partition);
    event_number(driver->events, "executor", (int64_t)executor);
    event_end(driver->events);
}

void driver__say_task(Driver *driver, const TaskLaunch *launch, const TaskResult *result,
                      const char *outcome)
{
    const JobStage *stage = launch->stage;

    event_begin(driver->events, "task");
    event_number(driver->events, "stage", stage->number);
    event_number(driver->events, "partition", launch->partition);
    event_number(driver->events, "attempt", launch->number + 1);
    event_number(driver->events, "executor", (int64_t)launch->executor);
    event_text(driver->events, "outcome", outcome);
    event_number(driver->events, "cpu_us", (int64_t)(result->cpu_ms * 1000));
    if (result->status == ST_OK) {
        event_number(driver->events, "rows", (int64_t)result->rows);
        event_number(driver->events, "bytes", (int64_t)result->bytes);
        event_number(driver->events, "stored_bytes", (int64_t)result->stored_bytes);
        event_hash(driver->events, "hash", result->hash);
    } else {
        event_text(driver->events, "error", result->error.message);
    }
    event_end(driver->events);
}
