/* task_run.c -- see task_run.h */
#include "core/rdd/task_run.h"

#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/rdd/block_table.h"
#include "core/rdd/partition_writer.h"
#include "core/rdd/sample_stage.h"
#include "exec/exec.h"
#include "exec/user_shared.h"

/* Faults of tests: less than a stage bears, and a slow attempt's nap. */
enum { FAULTS_IN_ROW_MAX = 1, DEATHS_MAX = 2, SLOW_MS = 20 };

typedef struct TaskRun {
    StageWork *work;
    uint32_t partition, number;
    const atomic_bool *stop;
    TaskResult *result;
    Arena *arena;
    uint32_t table_count;
    Table **tables;         /* to be let go */
    uint32_t *sources;      /* by table: the fragment's source; UINT32_MAX: a scan */
    _Atomic uint32_t *lost; /* by table: the map task whose blocks are gone */
    uint64_t taken, total;  /* of its share, as far as it looks at just some of it */
} TaskRun;

void stage_work_init(StageWork *work, const Fragment *fragment)
{
    *work = (StageWork){.fragment = fragment};
}

void task_result_fini(TaskResult *result)
{
    user_counts_free(result->counts);
    arena_free(result->report_arena);
    result->counts = NULL;
    result->report_arena = NULL;
    result->sample = result->sizes = (WireBytes){0};
}

/* --- what it reads --- */

/* Faults of a test: some of what is about to be read is gone. */
static void lose_blocks(const TaskRun *run, BlockOutput *output, PartitionRange maps)
{
    StageWork *work = run->work;

    for (uint32_t m = maps.first; m < maps.first + maps.count; m++)
        if (test_fault(&work->faults, FAULT_LOSE_BLOCK, work->fragment->id, run->partition,
                       run->number, m) &&
            atomic_fetch_add(&work->faults_in_row, 1) < FAULTS_IN_ROW_MAX)
            block_output_drop(output, m);
}

/* The tasks that made what is read; several partitions have the same ones, or neighbours. */
static PartitionRange read_maps(const PlanExchange *exchange, const BlockOutput *output,
                                const TaskShare *share)
{
    PartitionRange maps = exchange_maps(exchange, block_output_map_count(output),
                                        block_output_reduce_count(output), share->first);

    if (share->source != NO_SOURCE)
        return share->maps;
    if (exchange->kind == EXCHANGE_KEEP)
        maps.count = share->count;
    return maps;
}

static Table *exchange_table(TaskRun *run, const FragmentSource *source, const TaskShare *share,
                             uint32_t number)
{
    const PlanExchange *exchange = plan_as_exchange(source->leaf);
    BlockOutput *output = run->work->inputs[run->sources[number]];
    PartitionRange maps = read_maps(exchange, output, share);
    BlockRange range = {.map_from = maps.first, .map_to = maps.first + maps.count, .reduce_to = 1};

    if (exchange->kind != EXCHANGE_KEEP && exchange->kind != EXCHANGE_BROADCAST) {
        range.reduce = share->first;
        range.reduce_to = share->first + share->count;
    }
    range.is_shared = exchange->kind == EXCHANGE_BROADCAST;
    lose_blocks(run, output, maps);
    return block_table_new(output, range, source->leaf->column_count, source->leaf->columns,
                           &run->lost[number]);
}

/* The split, or what a task that samples looks at of it. */
static Table *scan_table(TaskRun *run, Table *table, const Split *split)
{
    SplitWindows windows = {1, split, 1, 1};

    if (split == NULL)
        return slice_table_new(table, 0, NULL);
    if (fragment_is_sample(run->work->fragment))
        windows = sample_windows(run->work->fragment, table, split, run->arena);
    run->taken = windows.taken;
    run->total = windows.total;
    return slice_table_new(table, windows.count, windows.items);
}

static Table *table_of(void *context, const FragmentSource *source, const TaskShare *share)
{
    TaskRun *run = context;
    uint32_t number = run->table_count++;
    bool is_any = share->first < source->split_count;

    run->sources[number] = UINT32_MAX;
    if (source->leaf->kind == PLAN_SCAN) {
        run->tables[number] = scan_table(run, plan_as_scan(source->leaf)->table,
                                         is_any ? &source->splits[share->first] : NULL);
    } else {
        run->sources[number] = (uint32_t)(source - run->work->fragment->sources);
        run->tables[number] = exchange_table(run, source, share, number);
    }
    return run->tables[number];
}

static uint32_t count_leaves(const Plan *plan)
{
    uint32_t count = plan->kind == PLAN_SCAN || plan->kind == PLAN_EXCHANGE;

    if (plan->kind == PLAN_EXCHANGE)
        return 1;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count += count_leaves(plan->inputs[i]);
    return count;
}

/* --- running --- */

static Status write_rows(void *writer, const Batch *batch, Error *err)
{
    return partition_writer_add(writer, batch, err);
}

static Status move_rows(TaskRun *run, Execution *execution, PartitionWriter *writer, Error *err)
{
    Batch none;

    TaskResult *result = run->result;

    TRY(exec_next(execution, err, &none));
    TRY(partition_writer_finish(writer, err, &result->blocks));
    if (!fragment_is_sampled(run->work->fragment) && !fragment_is_measured(run->work->fragment))
        return ST_OK;
    result->report_arena = arena_new(NULL, "report", ARENA_NO_CAP);
    result->sample = partition_writer_sample(writer, run->taken, run->total, result->report_arena);
    result->sizes = partition_writer_sizes(writer, result->report_arena);
    return ST_OK;
}

/* What a task reads that does nothing but move rows. */
static uint64_t moved_bytes(const TaskRun *run)
{
    const Fragment *fragment = run->work->fragment;
    TaskShare share = fragment_share(fragment, run->partition);
    uint64_t bytes = 0;

    if (plan_as_exchange(fragment->plan)->kind != EXCHANGE_KEEP)
        return 0;
    for (uint32_t i = 0; i < share.count; i++)
        bytes += block_output_bytes(run->work->inputs[0], share.first + i);
    return bytes;
}

static Status run_plan(TaskRun *run, Error *err)
{
    const StageWork *work = run->work;
    const Ranges *ranges = work->has_ranges ? &work->ranges : NULL;
    uint32_t partition_count = work->fragment->partition_count;
    MemPool *pool = block_store_pool(work->store);
    ExecRequest exec = {.pool = pool,
                        .threads = 1,
                        .batch_rows = work->batch_rows,
                        .jit = work->jit,
                        .cache = work->cache,
                        .cancelled = run->stop,
                        .partition = run->partition,
                        .partition_count = partition_count,
                        .spill_folder = block_store_spill_folder(work->store),
                        .spill_bytes = work->spill_bytes,
                        .shared = work->shared,
                        .counts = &run->result->counts,
                        .sink = write_rows};
    ExecContext context = {.pool = pool,
                           .stop = run->stop,
                           .partition = run->partition,
                           .partition_count = partition_count,
                           .shared = work->shared,
                           .counts = &run->result->counts};
    PartitionWriter *writer = NULL;
    Execution *execution = NULL;
    UserTask user;
    Status status;

    user_task_init(&user, &context, NULL);
    exec.plan = fragment_restrict(work->fragment, run->arena, run->partition, table_of, run);
    status = partition_writer_open(run->arena, work->fragment, run->partition, ranges, work->store,
                                   &user, err, &writer);
    exec.sink_context = writer;
    if (status == ST_OK && work->fragment->plan->kind == PLAN_EXCHANGE)
        partition_writer_expect(writer, moved_bytes(run));
    if (status == ST_OK)
        status = exec_start(&exec, err, &execution);
    if (status == ST_OK)
        status = move_rows(run, execution, writer, err);
    exec_close(execution);
    partition_writer_close(writer);
    user_task_fini(&user);
    return status;
}

static void note_lost_place(const TaskRun *run)
{
    TaskResult *result = run->result;

    if (result->has_lost_input)
        result->lost_place =
            block_output_remote(run->work->inputs[result->lost_source], result->lost_map).place;
}

static void note_lost_input(TaskRun *run)
{
    for (uint32_t i = 0; i < run->table_count; i++) {
        uint32_t map = atomic_load(&run->lost[i]);

        if (run->sources[i] == UINT32_MAX || map == UINT32_MAX)
            continue;
        run->result->has_lost_input = true;
        run->result->lost_source = run->sources[i];
        run->result->lost_map = map;
        return;
    }
}

static Status run_attempt(TaskRun *run, Error *err)
{
    uint32_t leaves = count_leaves(run->work->fragment->plan);
    Status status;

    run->tables = ARENA_ARRAY(run->arena, Table *, leaves);
    run->sources = ARENA_ARRAY(run->arena, uint32_t, leaves);
    run->lost = arena_alloc(run->arena, leaves * sizeof *run->lost);
    for (uint32_t i = 0; i < leaves; i++)
        atomic_store(&run->lost[i], UINT32_MAX);
    status = run_plan(run, err);
    if (status != ST_OK) {
        note_lost_input(run);
        note_lost_place(run);
    }
    for (uint32_t i = 0; i < run->table_count; i++)
        table_unref(run->tables[i]);
    return block_store_explain(run->work->store, status, err);
}

/* It has sampled what will make the stage fail that makes all of the rows. */
static void give_up_sampling(const TaskRun *run)
{
    TaskResult *result = run->result;

    result->status = ST_OK;
    result->error = ERROR_NONE;
    result->blocks = map_blocks_new(run->work->store, run->work->fragment->reduce_count);
    if (result->report_arena == NULL)
        result->report_arena = arena_new(NULL, "report", ARENA_NO_CAP);
    result->sample = range_sampler_take(NULL, 1, 1, result->report_arena);
}

/* What is made goes where it stays. */
static void settle(const TaskRun *run)
{
    TaskResult *result = run->result;

    result->status =
        map_blocks_settle(result->blocks, run->work->level, run->work->codec, &result->error);
    if (result->status == ST_OK)
        return;
    map_blocks_free(result->blocks);
    result->blocks = NULL;
}

/* --- faults of tests --- */

static void nap(const TaskRun *run)
{
    struct timespec millisecond = {.tv_nsec = 1000000};

    for (int i = 0; i < SLOW_MS && !atomic_load(run->stop); i++)
        nanosleep(&millisecond, NULL);
}

static void die(const TaskRun *run)
{
    StageWork *work = run->work;
    TaskResult *result = run->result;
    uint32_t stage = work->fragment->id, partition = run->partition, number = run->number;

    result->executor_died =
        test_fault(&work->faults, FAULT_KILL_EXECUTOR, stage, partition, number, 0) &&
        atomic_fetch_add(&work->deaths, 1) < DEATHS_MAX;
    if (!result->executor_died &&
        !test_fault(&work->faults, FAULT_KILL_ATTEMPT, stage, partition, number, 0))
        return;
    map_blocks_free(result->blocks);
    result->blocks = NULL;
    result->status = error_set(&result->error, ST_CANCELLED, "a fault of a test");
}

void task_run(StageWork *work, uint32_t partition, uint32_t number, const atomic_bool *stop,
              TaskResult *result_out)
{
    int64_t start = clock_thread_cpu_ns();
    TaskRun run = {.work = work,
                   .partition = partition,
                   .number = number,
                   .stop = stop,
                   .result = result_out,
                   .taken = 1,
                   .total = 1,
                   .arena = arena_new(NULL, "task", ARENA_NO_CAP)};

    *result_out = (TaskResult){.error = ERROR_NONE};
    if (test_fault(&work->faults, FAULT_SLOW_ATTEMPT, work->fragment->id, partition, number, 0))
        nap(&run);
    result_out->status = run_attempt(&run, &result_out->error);
    arena_free(run.arena);
    if (result_out->status != ST_OK && fragment_is_sample(work->fragment) &&
        !sample_failure_counts(&result_out->error))
        give_up_sampling(&run);
    if (result_out->status == ST_OK)
        settle(&run);
    if (result_out->status == ST_OK)
        die(&run);
    if (result_out->blocks != NULL) {
        result_out->hash = map_blocks_hash(result_out->blocks);
        result_out->rows = map_blocks_rows(result_out->blocks);
        result_out->bytes = map_blocks_bytes(result_out->blocks);
        result_out->stored_bytes = map_blocks_stored_bytes(result_out->blocks);
    }
    result_out->cpu_ms = (double)(clock_thread_cpu_ns() - start) / 1e6;
}
