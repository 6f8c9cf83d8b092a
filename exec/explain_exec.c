/* explain_exec.c -- stages, kernels and statistics for EXPLAIN; see exec.h */
#include <stdatomic.h>

#include "exec/exec_internal.h"

/* --- EXPLAIN (STAGES) and (KERNELS): operators are made, but not run --- */

typedef struct DryRun {
    Arena *arena;
    MemPool *pool;
    atomic_bool stop;
    ExecContext context;
    StageSet *set;
} DryRun;

static Status dry_run_init(DryRun *run, Arena *arena, const Plan *physical, JitMode jit,
                           CodeCache *cache, Error *err)
{
    run->arena = arena_new(arena, "explain", ARENA_NO_CAP);
    run->pool = mem_pool_new(NULL, "explain", MEM_POOL_NO_LIMIT);
    atomic_init(&run->stop, false);
    run->context = (ExecContext){.pool = run->pool,
                                 .threads = 1,
                                 .batch_rows = BATCH_ROWS_MAX,
                                 .jit = jit,
                                 .cache = cache,
                                 .stop = &run->stop};
    run->set = NULL;
    return stages_build(&run->context, run->arena, physical, err, &run->set);
}

static void dry_run_fini(DryRun *run)
{
    stages_release(run->set);
    arena_free(run->arena);
    mem_pool_free(run->pool);
}

static const char *operator_text(Arena *arena, const Operator *op)
{
    const PlanScan *scan = plan_as_scan(op->node);

    if (scan != NULL)
        return arena_printf(arena, "scan %s",
                            scan->alias != NULL ? scan->alias : scan->table->name);
    return op->class->name;
}

static void print_stage(StrBuf *buf, const Stage *stage)
{
    strbuf_printf(buf, "Stage %u", stage->id);
    for (uint32_t i = 0; i < stage->depend_count; i++)
        strbuf_printf(buf, "%s%u", i == 0 ? " (after " : ", ", stage->depends[i]);
    strbuf_puts(buf, stage->depend_count > 0 ? ")\n" : "\n");
    for (uint32_t i = 0; i < stage->branch_count; i++) {
        const Branch *branch = &stage->branches[i];

        strbuf_printf(buf, "  %s", operator_text(buf->arena, branch->source));
        for (uint32_t o = 0; o < branch->op_count; o++)
            strbuf_printf(buf, " -> %s", operator_text(buf->arena, branch->ops[o]));
        strbuf_printf(buf, " -> %s%s\n", operator_text(buf->arena, stage->feed->sink),
                      stage->is_last_of_feed ? "" : " (more to come)");
    }
}

const char *exec_print_stages(Arena *arena, const Plan *physical)
{
    StrBuf buf = {.arena = arena};
    Error err = ERROR_NONE;
    DryRun run;

    if (dry_run_init(&run, arena, physical, JIT_OFF, NULL, &err) != ST_OK)
        strbuf_printf(&buf, "no stages: %s\n", err.message);
    else
        for (uint32_t i = 0; i < run.set->stage_count; i++)
            print_stage(&buf, run.set->stages[i]);
    dry_run_fini(&run);
    return strbuf_text(&buf);
}

static Status print_kernels(StrBuf *buf, const StageSet *set, bool with_code, Error *err)
{
    for (uint32_t i = 0; i < set->operator_count; i++) {
        const Operator *op = set->operators[i];

        for (uint32_t k = 0; k < op->kernel_count; k++) {
            const char *code = "";

            strbuf_printf(buf, "%s%s:\n%s", buf->length == 0 ? "" : "\n",
                          operator_text(buf->arena, op), kernel_print(buf->arena, op->kernels[k]));
            if (with_code)
                TRY(kernel_explain_code(buf->arena, op->kernels[k], err, &code));
            strbuf_puts(buf, code);
        }
    }
    return ST_OK;
}

Status exec_print_kernels(Arena *arena, const Plan *physical, bool with_code, CodeCache *cache,
                          Error *err, const char **text_out)
{
    StrBuf buf = {.arena = arena};
    DryRun run;
    Status status = dry_run_init(&run, arena, physical, JIT_AUTO, cache, err);

    if (status == ST_OK)
        status = print_kernels(&buf, run.set, with_code, err);
    dry_run_fini(&run);
    *text_out = strbuf_text(&buf);
    return status;
}

/* --- EXPLAIN ANALYZE --- */

static uint32_t count_nodes(Arena *arena, const Plan *plan, PlanSeen **seen)
{
    uint32_t count = 1;

    if (plan_seen(arena, plan, seen))
        return count;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count += count_nodes(arena, plan->inputs[i], seen);
    return count;
}

static KernelStatistics kernels_of(const Operator *op)
{
    KernelStatistics sum = op->kernel;

    for (uint32_t i = 0; i < op->kernel_count; i++) {
        KernelStatistics one = kernel_statistics(op->kernels[i]);

        sum.tier0_rows += one.tier0_rows;
        sum.tier1_rows += one.tier1_rows;
        sum.is_compiled |= one.is_compiled;
        sum.was_cache_hit |= one.was_cache_hit;
        sum.compile_ms += one.compile_ms;
    }
    return sum;
}

/* A node may have several: a join's build, probe and what comes after, the inputs of a union. */
static void add_operator(OperatorStatistics *row, const Operator *op)
{
    KernelStatistics kernel = kernels_of(op);

    if (!op->is_read_by_others) {
        row->rows += atomic_load(&op->rows);
        row->batches += atomic_load(&op->batches);
    }
    row->cpu_ms += (double)atomic_load(&op->busy_ns) / 1e6;
    row->memory_bytes += atomic_load(&op->peak_bytes);
    row->read_bytes += atomic_load(&op->read_bytes);
    row->pruned_rows += atomic_load(&op->pruned_rows);
    row->kernel.tier0_rows += kernel.tier0_rows;
    row->kernel.tier1_rows += kernel.tier1_rows;
    row->kernel.is_compiled |= kernel.is_compiled;
    row->kernel.was_cache_hit |= kernel.was_cache_hit;
    row->kernel.compile_ms += kernel.compile_ms;
}

static void describe(const Execution *execution, OperatorStatistics *row)
{
    const StageSet *set = execution->set;
    const NodeOperator *found = stages_find_node(set, row->node);

    if (found == NULL)
        return;
    row->stage = found->stage;
    if (found->is_fused) {
        row->rows = atomic_load(&found->op->rows);
        row->batches = atomic_load(&found->op->batches);
        return;
    }
    for (uint32_t i = 0; i < set->operator_count; i++)
        if (set->operators[i]->node == row->node &&
            set->operators[i] != result_queue_operator(set->queue))
            add_operator(row, set->operators[i]);
}

typedef struct StatisticsWalk {
    const Execution *execution;
    Arena *arena;
    PlanSeen *seen;
    OperatorStatistics *rows;
    uint32_t next;
} StatisticsWalk;

static void fill(StatisticsWalk *walk, const Plan *plan, uint32_t depth)
{
    OperatorStatistics *row = &walk->rows[walk->next++];

    *row = (OperatorStatistics){.node = plan, .depth = depth};
    describe(walk->execution, row);
    if (plan_seen(walk->arena, plan, &walk->seen))
        return;
    for (uint32_t i = 0; i < plan->input_count; i++)
        fill(walk, plan->inputs[i], depth + 1);
}

uint32_t exec_statistics(const Execution *execution, Arena *arena,
                         const OperatorStatistics **rows_out)
{
    const Plan *plan = execution->request.plan;
    StatisticsWalk walk = {.execution = execution, .arena = arena};
    PlanSeen *seen = NULL;

    walk.rows = ARENA_ARRAY(arena, OperatorStatistics, count_nodes(arena, plan, &seen));
    fill(&walk, plan, 0);
    *rows_out = walk.rows;
    return walk.next;
}
