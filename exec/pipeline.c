/* pipeline.c -- see pipeline.h. Locals of operators are opened when a thread takes its first split.
 */
#include "exec/pipeline.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/invariant.h"

typedef struct Local {
    Operator *op;
    void *local;
    bool is_open;
} Local;

/* Between an operator and the next: counts what goes through. */
struct Emitter {
    StageRun *run; /* NULL: emitter_to's */
    Operator *from;
    Operator *to; /* NULL: the sink's own emitter, which leads nowhere */
    void *to_local;
    Emitter *to_emitter;
    uint64_t rows, batches;
    int64_t busy_ns; /* spent in `from` alone */
};

typedef struct BranchRun {
    void *cursor;
    Emitter *emitters; /* source's, then one an operator, then the sink's */
    uint32_t emitter_count;
    bool is_open, is_source_open;
} BranchRun;

struct StageRun {
    Stage *stage;
    const ExecContext *context;
    Arena *arena;
    uint32_t thread;
    uint32_t local_count;
    Local *locals; /* one an operator of the stage, the sink last */
    BranchRun *branches;
    bool has_split;
    bool is_split_done; /* no more rows of it are wanted */
    bool is_at_end;     /* it is the one for end_input   */
    uint32_t split;     /* in the feed */
    uint32_t branch;
    int64_t mark_ns; /* analyze: CPU time when the operator that runs now took over */
};

/* --- operators --- */

void operator_add_kernel(Operator *op, Arena *arena, Kernel *kernel)
{
    Kernel **grown = ARENA_ARRAY(arena, Kernel *, op->kernel_count + 1);

    if (op->kernel_count > 0)
        memcpy(grown, op->kernels, op->kernel_count * sizeof *grown);
    grown[op->kernel_count++] = kernel;
    op->kernels = grown;
}

void operator_note_bytes(Operator *op, uint64_t bytes)
{
    uint64_t peak = atomic_load(&op->peak_bytes);

    while (peak < bytes && !atomic_compare_exchange_weak(&op->peak_bytes, &peak, bytes))
        continue;
}

void operator_release(Operator *op)
{
    if (op->is_open && op->class->close != NULL)
        op->class->close(op);
    op->is_open = false;
    for (uint32_t i = 0; i < op->kernel_count; i++) {
        KernelStatistics one = kernel_statistics(op->kernels[i]);

        op->kernel.tier0_rows += one.tier0_rows;
        op->kernel.tier1_rows += one.tier1_rows;
        op->kernel.is_compiled |= one.is_compiled;
        op->kernel.was_cache_hit |= one.was_cache_hit;
        op->kernel.compile_ms += one.compile_ms;
        kernel_unref(op->kernels[i]);
    }
    op->kernel_count = 0;
}

static Status operator_open(Operator *op, Error *err)
{
    if (op->is_open)
        return ST_OK;
    op->is_open = true; /* also when it fails: close tidies up what was begun */
    return op->class->open == NULL ? ST_OK : op->class->open(op, err);
}

/* --- stages --- */

Status stage_open(Stage *stage, Error *err)
{
    uint32_t split_count = 0;

    for (uint32_t i = 0; i < stage->branch_count; i++) {
        Branch *branch = &stage->branches[i];

        TRY(operator_open(branch->source, err));
        branch->first_split = split_count;
        branch->split_count = branch->source->class->split_count(branch->source);
        split_count += branch->split_count;
    }
    for (uint32_t i = 0; i < stage->op_count; i++) {
        TRY(operator_open(stage->ops[i], err));
        if (stage->is_last_of_feed && stage->ops[i]->class->end_input != NULL)
            stage->ends_input = stage->ops[i];
    }
    TRY(operator_open(stage->feed->sink, err));
    split_count += stage->ends_input != NULL;
    stage->split_base = stage->feed->split_count;
    stage->split_count = split_count;
    stage->feed->split_count += split_count;
    return ST_OK;
}

void stage_release(Stage *stage)
{
    for (uint32_t i = 0; i < stage->use_count; i++) {
        CHECK(stage->uses[i]->use_count > 0);
        if (--stage->uses[i]->use_count == 0)
            operator_release(stage->uses[i]);
    }
}

/* --- one thread's run --- */

Status run_open(Stage *stage, const ExecContext *context, uint32_t thread, Error *err,
                StageRun **run_out)
{
    Arena *arena = arena_new(NULL, "stage run", ARENA_NO_CAP);
    StageRun *run = ARENA_NEW(arena, StageRun);

    (void)err;
    *run = (StageRun){.stage = stage, .context = context, .arena = arena, .thread = thread};
    run->local_count = stage->op_count + 1;
    run->locals = ARENA_ARRAY(arena, Local, run->local_count);
    for (uint32_t i = 0; i < stage->op_count; i++)
        run->locals[i].op = stage->ops[i];
    run->locals[stage->op_count].op = stage->feed->sink;
    run->branches = ARENA_ARRAY(arena, BranchRun, stage->branch_count);
    *run_out = run;
    return ST_OK;
}

static Status local_open(StageRun *run, Operator *op, Error *err, void **local_out)
{
    for (uint32_t i = 0; i < run->local_count; i++) {
        Local *local = &run->locals[i];

        if (local->op != op)
            continue;
        if (!local->is_open) {
            local->is_open = true;
            if (op->class->local_open != NULL)
                TRY(op->class->local_open(op, run->thread, err, &local->local));
        }
        *local_out = local->local;
        return ST_OK;
    }
    UNREACHABLE("an operator that its stage does not know");
}

static Status branch_open(StageRun *run, Branch *branch, BranchRun *branch_run, Error *err)
{
    uint32_t count = branch->op_count + 2;
    Emitter *emitters = ARENA_ARRAY(run->arena, Emitter, count);

    branch_run->emitters = emitters;
    branch_run->emitter_count = count;
    branch_run->is_open = true;
    for (uint32_t i = 0; i < count; i++) {
        bool is_last = i == count - 1;
        Operator *to = i < branch->op_count ? branch->ops[i] : run->stage->feed->sink;

        emitters[i] = (Emitter){.run = run,
                                .from = i == 0 ? branch->source : emitters[i - 1].to,
                                .to = is_last ? NULL : to,
                                .to_emitter = is_last ? NULL : &emitters[i + 1]};
        if (!is_last)
            TRY(local_open(run, to, err, &emitters[i].to_local));
    }
    return ST_OK;
}

static Status open_source(StageRun *run, Branch *branch, BranchRun *branch_run, Error *err)
{
    const OperatorClass *class = branch->source->class;
    bool was_open = branch_run->is_source_open;

    branch_run->is_source_open = true;
    return was_open || class->source_open == NULL
               ? ST_OK
               : class->source_open(branch->source, run->thread, err, &branch_run->cursor);
}

/* Behind the last split: what its operator has kept leaves by the first branch. */
static Status take_end(StageRun *run, Error *err)
{
    Stage *stage = run->stage;
    Branch *branch = &stage->branches[0];

    CHECK(run->context->threads == 1);
    CHECK(branch->op_count > 0 && branch->ops[branch->op_count - 1] == stage->ends_input);
    run->branch = 0;
    run->is_at_end = true;
    run->has_split = true;
    return run->branches[0].is_open ? ST_OK : branch_open(run, branch, &run->branches[0], err);
}

/* Takes the next split, if there is one; has_split says so. */
static Status take_split(StageRun *run, Error *err)
{
    Stage *stage = run->stage;
    uint32_t split = atomic_fetch_add(&stage->next_split, 1), number = 0;
    BranchRun *branch_run;
    Branch *branch;

    if (split >= stage->split_count ||
        stage->split_base + split >= atomic_load(&stage->feed->split_limit))
        return ST_OK;
    run->split = stage->split_base + split;
    run->is_split_done = false;
    if (stage->ends_input != NULL && split == stage->split_count - 1)
        return take_end(run, err);
    while (split >= stage->branches[number].first_split + stage->branches[number].split_count)
        number++;
    branch = &stage->branches[number];
    branch_run = &run->branches[number];
    run->branch = number;
    if (!branch_run->is_open)
        TRY(branch_open(run, branch, branch_run, err));
    TRY(open_source(run, branch, branch_run, err));
    run->has_split = true;
    return branch->source->class->source_split(branch->source, branch_run->cursor,
                                               split - branch->first_split, err);
}

/* Analyze: charges the time since the last switch to `emitter`'s operator. */
static void charge(StageRun *run, Emitter *emitter)
{
    int64_t now_ns;

    if (run == NULL || !run->context->analyze)
        return;
    now_ns = clock_thread_cpu_ns();
    emitter->busy_ns += now_ns - run->mark_ns;
    run->mark_ns = now_ns;
}

static Status end_split(StageRun *run, Error *err)
{
    BranchRun *branch_run = &run->branches[run->branch];

    for (uint32_t i = 0; i + 1 < branch_run->emitter_count; i++) {
        Emitter *emitter = &branch_run->emitters[i];
        Operator *op = emitter->to;

        if (op->class->end_split != NULL)
            TRY(op->class->end_split(op, emitter->to_local, run->split, emitter->to_emitter, err));
        charge(run, emitter->to_emitter);
    }
    run->has_split = false;
    return ST_OK;
}

static Status end_input(StageRun *run, Error *err)
{
    BranchRun *branch_run = &run->branches[run->branch];
    Emitter *emitter = &branch_run->emitters[branch_run->emitter_count - 3];

    TRY(emitter->to->class->end_input(emitter->to, emitter->to_local, run->split,
                                      emitter->to_emitter, err));
    charge(run, emitter->to_emitter);
    run->is_at_end = false;
    return end_split(run, err);
}

Status run_step(StageRun *run, Error *err, bool *is_done_out)
{
    BranchRun *branch_run;
    Operator *source;
    Batch batch = {0};

    *is_done_out = false;
    if (atomic_load_explicit(run->context->stop, memory_order_relaxed))
        return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    if (run->context->analyze)
        run->mark_ns = clock_thread_cpu_ns();
    if (!run->has_split) {
        TRY(take_split(run, err));
        *is_done_out = !run->has_split;
        if (!run->has_split)
            return ST_OK;
    }
    if (run->is_at_end)
        return end_input(run, err);
    branch_run = &run->branches[run->branch];
    source = run->stage->branches[run->branch].source;
    if (!emit_is_done(&branch_run->emitters[0]))
        TRY(source->class->source_next(source, branch_run->cursor, err, &batch));
    if (batch.row_count == 0) {
        charge(run, &branch_run->emitters[0]);
        return end_split(run, err);
    }
    batch.split = run->split;
    return emit(&branch_run->emitters[0], &batch, err);
}

Status run_combine(StageRun *run, Error *err)
{
    Operator *sink = run->stage->feed->sink;
    Local *local = &run->locals[run->local_count - 1];
    Status status = ST_OK;

    if (local->is_open && sink->class->combine != NULL) {
        pthread_mutex_lock(&run->stage->feed->combine_lock);
        status = sink->class->combine(sink, local->local, err);
        pthread_mutex_unlock(&run->stage->feed->combine_lock);
    }
    return status;
}

uint32_t run_split(const StageRun *run)
{
    return run->split;
}

static void add_statistics(Emitter *emitter)
{
    atomic_fetch_add(&emitter->from->rows, emitter->rows);
    atomic_fetch_add(&emitter->from->batches, emitter->batches);
    atomic_fetch_add(&emitter->from->busy_ns, (uint64_t)emitter->busy_ns);
}

void run_close(StageRun *run)
{
    if (run == NULL)
        return;
    for (uint32_t i = 0; i < run->stage->branch_count; i++) {
        BranchRun *branch_run = &run->branches[i];
        Operator *source = run->stage->branches[i].source;

        if (!branch_run->is_open)
            continue;
        if (branch_run->is_source_open && source->class->source_close != NULL)
            source->class->source_close(source, branch_run->cursor);
        for (uint32_t e = 0; e < branch_run->emitter_count; e++)
            if (branch_run->emitters[e].from != NULL)
                add_statistics(&branch_run->emitters[e]);
    }
    for (uint32_t i = 0; i < run->local_count; i++) {
        Local *local = &run->locals[i];

        if (local->is_open && local->op->class->local_close != NULL)
            local->op->class->local_close(local->op, local->local);
    }
    arena_free(run->arena);
}

/* --- what operators call --- */

Emitter *emitter_to(Arena *arena, Operator *to)
{
    Emitter *emitter = ARENA_NEW(arena, Emitter);

    emitter->to = to;
    return emitter;
}

Status emit(Emitter *emitter, const Batch *batch, Error *err)
{
    Status status;

    if (batch->selected_count == 0)
        return ST_OK;
    ASSERT(emitter->run == NULL || batch->split == emitter->run->split);
    emitter->rows += batch->selected_count;
    emitter->batches++;
    charge(emitter->run, emitter);
    status = emitter->to->class->consume(emitter->to, emitter->to_local, batch, emitter->to_emitter,
                                         err);
    charge(emitter->run, emitter->to_emitter);
    return status;
}

bool emit_is_done(const Emitter *emitter)
{
    const StageRun *run = emitter->run;

    if (run == NULL)
        return false;
    return run->is_split_done ||
           run->split >= atomic_load_explicit(&run->stage->feed->split_limit, memory_order_relaxed);
}

void emit_stop_split(Emitter *emitter)
{
    emitter->run->is_split_done = true;
}

void emit_stop_after(Emitter *emitter, uint32_t split)
{
    Feed *feed = emitter->run->stage->feed;
    uint32_t limit = atomic_load(&feed->split_limit);

    while (split + 1 < limit &&
           !atomic_compare_exchange_weak(&feed->split_limit, &limit, split + 1))
        continue;
}
