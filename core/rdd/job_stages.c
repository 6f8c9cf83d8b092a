/*
 * job_stages.c -- a job's fragments become stages, as soon as it is known what their tasks are
 *
 * Most are known at once. One that is shaped by the sizes of what it reads (adaptive.h) waits until
 * that was made, and what reads it waits as well; meanwhile the job wants the stages that it has.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/plan_wire_here.h"
#include "core/rdd/driver_internal.h"
#include "core/rdd/sample_stage.h"
#include "core/rdd/stage_wire.h"

static BlockOutput *find_output(Driver *driver, JobStage *stage)
{
    const Fragment *fragment = stage->fragment;
    const PlanExchange *exchange = fragment->exchange;
    uint32_t level = KEEP_DEFAULT;
    BlockOutput *output = NULL;

    if (exchange != NULL && exchange->kind == EXCHANGE_KEEP)
        stage->keep_id = exchange->keep_id;
    if (stage->keep_id != 0)
        level = (uint32_t)exchange->keep_level;
    if (stage->keep_id != 0)
        output = driver__find_kept(driver, stage->keep_id);
    if (output != NULL && block_output_map_count(output) == fragment->partition_count)
        return output;
    block_output_unref(output); /* of what the files were then */
    output =
        block_output_new(driver->store, level, fragment->partition_count, fragment->reduce_count,
                         fragment->plan->column_count, fragment->plan->columns);
    if (stage->keep_id != 0)
        driver__keep(driver, stage->keep_id, output);
    return output;
}

/* Partitions that an earlier job has left. */
static void note_kept(Driver *driver, JobStage *stage)
{
    for (uint32_t p = 0; stage->keep_id != 0 && p < stage->fragment->partition_count; p++) {
        LedgerEntry entry = driver__kept_entry(stage->output, p);

        if (entry.hash == 0)
            continue;
        scheduler_output_exists(driver->scheduler, stage->id, p,
                                driver__kept_place(stage->output, p), entry.hash);
        stage->ledger[p] = entry;
        stage->report.skipped++;
    }
}

/* Each task of the stage will take what tasks of the producer make. */
static void count_reads(const JobStage *stage, uint32_t source, JobStage *producer)
{
    for (uint32_t p = 0; p < stage->fragment->partition_count; p++) {
        PartitionRange maps = driver__taken(stage, source, p);

        for (uint32_t m = maps.first; m < maps.first + maps.count; m++)
            producer->reads_left[m]++;
    }
}

static void add_stage(Driver *driver, Job *job, JobStage *stage)
{
    const Fragment *fragment = stage->fragment;
    Arena *arena = job->arena;
    StageParent *parents = ARENA_ARRAY(arena, StageParent, fragment->source_count + 1);
    StageSpec spec = {
        .partition_count = fragment->partition_count, .parents = parents, .context = stage};
    const JobRequest *request = &job->request;

    stage->name = arena_printf(arena, "%u: %s", fragment->id, fragment_label(fragment, arena));
    stage->output = find_output(driver, stage);
    block_output_begin_use(stage->output);
    stage->launches = ARENA_ARRAY(arena, uint32_t, fragment->partition_count);
    stage->ledger = ARENA_ARRAY(arena, LedgerEntry, fragment->partition_count);
    stage->reads_left = ARENA_ARRAY(arena, uint32_t, fragment->partition_count);
    stage->is_let_go = ARENA_ARRAY(arena, bool, fragment->partition_count);
    stage->misses = ARENA_ARRAY(arena, uint32_t, fragment->partition_count);
    stage->takes = ARENA_ARRAY(arena, const PartitionRange *, fragment->source_count);
    stage->report = (StageReport){.name = stage->name,
                                  .tasks = fragment->partition_count,
                                  .fragment = fragment,
                                  .ledger = stage->ledger,
                                  .change = stage->change};
    if (fragment_is_measured(fragment))
        stage->sizes = ARENA_ARRAY(arena, uint64_t,
                                   (size_t)fragment->partition_count * fragment->reduce_count);
    stage_work_init(&stage->work, stage->wired == NULL ? fragment : stage->wired);
    if (fragment_is_sampled(fragment)) {
        stage->range_arena = arena_new(NULL, "samples", ARENA_NO_CAP);
        stage->samples = ARENA_ARRAY(stage->range_arena, WireBytes, fragment->partition_count);
    }
    stage->work.store = driver->store;
    stage->work.level = block_output_level(stage->output);
    stage->work.batch_rows = request->batch_rows;
    stage->work.jit = request->jit;
    stage->work.cache = request->cache;
    stage->work.spill_bytes = request->spill_bytes;
    stage->work.shared = request->shared;
    stage->work.faults = request->faults;
    stage->work.inputs = ARENA_ARRAY(arena, BlockOutput *, fragment->source_count);
    for (uint32_t i = 0; i < fragment->source_count; i++) {
        JobStage *producer = &job->stages[fragment->sources[i].producer];

        if (fragment->sources[i].leaf->kind != PLAN_EXCHANGE)
            continue;
        stage->work.inputs[i] = producer->output;
        stage->takes[i] = fragment_takes(&job->fragments, fragment, i, arena);
        count_reads(stage, i, producer);
        producer->readers_left--;
        parents[spec.parent_count++] =
            (StageParent){producer->id, fragment_reads(&job->fragments, fragment, i, arena)};
    }
    if (fragment->sampler != NO_FRAGMENT &&
        fragment_is_sample(&job->fragments.items[fragment->sampler])) /* else it reads its rows */
        parents[spec.parent_count++] = (StageParent){job->stages[fragment->sampler].id, NULL};
    spec.name = stage->name;
    stage->id = scheduler_add_stage(driver->scheduler, &spec);
    list_push(&driver->stages, &stage->node);
    stage->is_added = true;
    job->stage_count++;
    note_kept(driver, stage);
    driver__say_stage(driver, stage);
}

/* --- what an executor elsewhere gets --- */

static StageSettings settings_of(const JobRequest *request)
{
    return (StageSettings){.batch_rows = request->batch_rows,
                           .jit = request->jit,
                           .spill_bytes = request->spill_bytes,
                           .codec = request->codec,
                           .encrypts = request->encrypts};
}

/* The fragment as an executor elsewhere would have it. */
static Status wire_fragment(Job *job, JobStage *stage, Error *err)
{
    StageSettings settings = settings_of(&job->request);
    StageWire *wire = ARENA_NEW(job->arena, StageWire);
    PlanWireHooks hooks;
    WireBytes bytes;

    if (job->here == NULL) {
        job->here = ARENA_NEW(job->arena, WireHere);
        job->here->arena = job->arena;
    }
    hooks = wire_here_hooks(job->here);
    TRY(stage_encode(&job->fragments, stage->fragment, &settings, &hooks, job->arena, err, &bytes));
    TRY(stage_decode(bytes, &hooks, job->arena, err, wire));
    stage->wired = &wire->fragment;
    return ST_OK;
}

static Status encode(Job *job, JobStage *stage, Error *err)
{
    StageSettings settings = settings_of(&job->request);

    if (job->request.wire != NULL)
        TRY(stage_encode(&job->fragments, stage->fragment, &settings, job->request.wire, job->arena,
                         err, &stage->plan));
    return job->request.is_wired ? wire_fragment(job, stage, err) : ST_OK;
}

/* --- which of them are known --- */

/* Whether what is kept of it for later jobs is all there: then nothing of what it reads is. */
static bool is_kept_whole(Driver *driver, const Fragment *fragment)
{
    const PlanExchange *exchange = fragment->exchange;
    BlockOutput *output;
    uint32_t there = 0;

    if (exchange == NULL || exchange->kind != EXCHANGE_KEEP || exchange->keep_id == 0)
        return false;
    output = driver__find_kept(driver, exchange->keep_id);
    if (output != NULL && block_output_map_count(output) == fragment->partition_count)
        for (uint32_t p = 0; p < fragment->partition_count; p++)
            there += block_output_has(output, p);
    block_output_unref(output);
    return there == fragment->partition_count;
}

/* What will have to be made for the result, as far as that can be seen: no other stage waits. */
static void note_needed(Job *job)
{
    job->stages[job->fragments.count - 1].is_needed = true;
    for (uint32_t i = job->fragments.count; i-- > 0;) {
        const Fragment *fragment = &job->fragments.items[i];

        if (!job->stages[i].is_needed || is_kept_whole(job->driver, fragment))
            continue;
        for (uint32_t s = 0; s < fragment->source_count; s++)
            if (fragment->sources[s].leaf->kind == PLAN_EXCHANGE)
                job->stages[fragment->sources[s].producer].is_needed = true;
        if (fragment->sampler != NO_FRAGMENT)
            job->stages[fragment->sampler].is_needed = true;
    }
}

Status job__cut(Job *job, Error *err)
{
    const FragmentSet *set = &job->fragments;

    TRY(fragments_cut(job->arena, job->request.plan, err, &job->fragments));
    job->stages = ARENA_ARRAY(job->arena, JobStage, set->count);
    job->reports = ARENA_ARRAY(job->arena, StageReport, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        job->stages[i].job = job;
        job->stages[i].fragment = &set->items[i];
        job->stages[i].readers_left = set->items[i].reader_count;
    }
    note_needed(job);
    for (uint32_t i = 0; i < set->count; i++) {
        JobStage *stage = &job->stages[i];
        JoinTurn turn;

        stage->waits =
            stage->is_needed && adaptive_waits(set, stage->fragment, &job->request.adaptive);
        if (stage->is_needed &&
            adaptive_find_turn(set, stage->fragment, &job->request.adaptive, &turn))
            job->stages[turn.probe].turn = arena_copy(job->arena, &turn, sizeof turn);
    }
    return ST_OK;
}

/* With the lock. Its producers are stages, and those whose sizes count have made what they make. */
static bool is_known(const JobStage *stage)
{
    const Fragment *fragment = stage->fragment;

    if (stage->turn != NULL)
        return false;
    for (uint32_t i = 0; i < fragment->source_count; i++) {
        const FragmentSource *source = &fragment->sources[i];
        const JobStage *producer = &stage->job->stages[source->producer];

        if (source->leaf->kind != PLAN_EXCHANGE)
            continue;
        if (!producer->is_added && !producer->is_known)
            return false;
        if (stage->waits && !producer->is_made && !fragment_is_broadcast(source->leaf))
            return false;
    }
    return true;
}

static SourceSizes sizes_of(const JobStage *producer, const Plan *leaf, Arena *arena)
{
    uint32_t tasks = producer->fragment->partition_count;
    uint64_t *bytes;

    if (plan_as_exchange(leaf)->kind != EXCHANGE_KEEP)
        return (SourceSizes){tasks, producer->fragment->reduce_count, producer->sizes};
    bytes = ARENA_ARRAY(arena, uint64_t, tasks);
    for (uint32_t p = 0; p < tasks; p++)
        bytes[p] = producer->ledger[p].bytes;
    return (SourceSizes){1, tasks, bytes};
}

/* With the lock. Once, whatever is lost and made again later. */
static void shape(JobStage *stage)
{
    Job *job = stage->job;
    Fragment *fragment = &job->fragments.items[stage->fragment->id];
    SourceSizes *sizes = ARENA_ARRAY(job->arena, SourceSizes, fragment->source_count);
    const char *change;

    fragment_count_tasks(&job->fragments, fragment);
    if (!stage->waits)
        return;
    for (uint32_t i = 0; i < fragment->source_count; i++) {
        const FragmentSource *source = &fragment->sources[i];

        if (source->leaf->kind == PLAN_EXCHANGE && !fragment_is_broadcast(source->leaf))
            sizes[i] = sizes_of(&job->stages[source->producer], source->leaf, job->arena);
    }
    adaptive_shape(fragment, &job->request.adaptive, sizes, job->arena, &change);
    if (change != NULL && stage->change != NULL)
        change = arena_printf(job->arena, "%s; %s", stage->change, change);
    if (change != NULL)
        stage->change = change;
}

static void count_readers_left(Job *job)
{
    for (uint32_t i = 0; i < job->fragments.count; i++)
        job->stages[i].readers_left = 0;
    for (uint32_t i = 0; i < job->fragments.count; i++) {
        const Fragment *fragment = &job->fragments.items[i];

        for (uint32_t s = 0; !job->stages[i].is_added && s < fragment->source_count; s++)
            if (fragment->sources[s].leaf->kind == PLAN_EXCHANGE)
                job->stages[fragment->sources[s].producer].readers_left++;
    }
}

/* With the lock. What the stage's join builds on was made: it is decided what becomes of it. */
static void decide_turn(Job *job, JobStage *stage)
{
    JoinTurn *turn = stage->turn;
    const JobStage *build = &job->stages[turn->build];
    JobStage *reader = &job->stages[turn->reader];
    const FragmentSet *set = &job->fragments;
    size_t cells = (size_t)build->fragment->partition_count * build->fragment->reduce_count;
    uint64_t rows = 0, bytes = 0;
    char text[BYTES_TEXT_MAX];

    stage->turn = NULL;
    for (uint32_t p = 0; p < build->fragment->partition_count; p++)
        rows += build->ledger[p].rows;
    for (size_t i = 0; i < cells; i++)
        bytes += build->sizes[i];
    fragment_count_tasks(set, &set->items[turn->probe]);
    if (!adaptive_turns(set, turn, rows, bytes))
        return;
    adaptive_turn(set, turn, job->arena);
    for (uint32_t i = 0; i < set->count; i++) /* a join in the plan that was taken over */
        if (job->stages[i].turn != NULL && job->stages[i].turn->reader == turn->probe)
            job->stages[i].turn->reader = turn->reader;
    reader->change =
        arena_printf(job->arena, "join: shuffle -> broadcast, %s", str_of_bytes(bytes, text));
    stage->waits = adaptive_waits(set, stage->fragment, &job->request.adaptive);
    reader->waits = adaptive_waits(set, reader->fragment, &job->request.adaptive);
    count_readers_left(job);
}

/* With the lock: the stages that are known now. Returns whether there is one. */
static bool find_known(Job *job)
{
    bool is_any = false;

    for (uint32_t i = 0; i < job->fragments.count; i++) {
        JobStage *stage = &job->stages[i];

        if (stage->turn != NULL && job->stages[stage->turn->build].is_made)
            decide_turn(job, stage);
        if (stage->is_added || stage->is_known || !is_known(stage))
            continue;
        shape(stage);
        stage->is_known = is_any = true;
    }
    return is_any;
}

/* With the lock, which is let go while plans become bytes: nobody else knows of these stages. */
Status job__add_stages(Job *job, Error *err)
{
    Driver *driver = job->driver;
    Status status = ST_OK;

    if (!find_known(job))
        return ST_OK;
    pthread_mutex_unlock(&driver->lock);
    for (uint32_t i = 0; i < job->fragments.count && status == ST_OK; i++)
        if (job->stages[i].is_known && !job->stages[i].is_added)
            status = encode(job, &job->stages[i], err);
    pthread_mutex_lock(&driver->lock);
    driver__tick(driver);
    for (uint32_t i = 0; i < job->fragments.count && status == ST_OK; i++)
        if (job->stages[i].is_known && !job->stages[i].is_added)
            add_stage(driver, job, &job->stages[i]);
    return status;
}
