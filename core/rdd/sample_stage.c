/* sample_stage.c -- see sample_stage.h */
#include "core/rdd/sample_stage.h"

#include "core/plan/call_fields.h"
#include "sql/optimizer/distribute.h"

/*
 * Rows that lie together may be alike, as in files that are sorted: so many windows a partition
 * keep the largest partition of those within an eighth of the mean. All windows together are a
 * small part of a task's share, or of the bytes below, which are read in no time.
 */
enum {
    WINDOWS_A_PARTITION = 16,
    WINDOWS_MOST = 256, /* of a task */
    ONE_IN = 64,
    LEAST_BYTES = 2 << 20 /* of all tasks */
};

/* --- whether --- */

static WindowRequest request_of(uint64_t partitions, uint64_t tasks)
{
    uint64_t count = (WINDOWS_A_PARTITION * partitions + tasks - 1) / tasks;

    if (count < WINDOWS_A_PARTITION)
        count = WINDOWS_A_PARTITION;
    return (WindowRequest){.count = count > WINDOWS_MOST ? WINDOWS_MOST : (uint32_t)count,
                           .one_in = ONE_IN,
                           .least_bytes = LEAST_BYTES / tasks};
}

static Status scan_has_windows(const PlanScan *scan, Arena *arena, Error *err, bool *has_out)
{
    const TableClass *class = scan->table->class;
    WindowRequest request = request_of(1, 1);
    const Split *splits;
    uint32_t count;

    *has_out = class->windows != NULL && scan->runtime_filters.count == 0;
    if (!*has_out)
        return ST_OK;
    TRY(distribute_splits(scan->table, arena, err, &count, &splits));
    for (uint32_t i = 0; i < count && *has_out; i++)
        *has_out = class->windows(scan->table, arena, &splits[i], &request).count > 0;
    return ST_OK;
}

static void note_volatile(void *is_any, const Expr *expr)
{
    *(bool *)is_any |= expr_is_volatile(expr);
}

/* A row is made of one row, the same each time. */
static bool node_is_cheap(const Plan *plan)
{
    bool is_volatile = false;

    switch (plan->kind) {
    case PLAN_SCAN:
    case PLAN_FILTER:
    case PLAN_PROJECT:
        plan_visit_exprs(plan, note_volatile, &is_volatile);
        return !is_volatile;
    case PLAN_CALL:
        return call_is_repeatable(plan_as_call(plan));
    case PLAN_UNION:
        return true;
    default:
        return false;
    }
}

static Status plan_is_cheap(const Plan *plan, Arena *arena, Error *err, bool *is_cheap_out)
{
    *is_cheap_out = node_is_cheap(plan);
    if (*is_cheap_out && plan->kind == PLAN_SCAN)
        return scan_has_windows(plan_as_scan(plan), arena, err, is_cheap_out);
    for (uint32_t i = 0; i < plan->input_count && *is_cheap_out; i++)
        TRY(plan_is_cheap(plan->inputs[i], arena, err, is_cheap_out));
    return ST_OK;
}

Status sample_plan_make(Arena *arena, const PlanExchange *ranges, Error *err, const Plan **plan_out)
{
    const Plan *rows = ranges->head.inputs[0];
    ColumnId *keys = ARENA_ARRAY(arena, ColumnId, ranges->order.count);
    bool is_cheap;

    *plan_out = NULL;
    TRY(plan_is_cheap(rows, arena, err, &is_cheap));
    if (!is_cheap)
        return ST_OK;
    for (uint32_t i = 0; i < ranges->order.count; i++)
        keys[i] = ranges->order.items[i].column;
    *plan_out =
        distribute_only_columns(arena, rows, column_set_make(arena, ranges->order.count, keys));
    return ST_OK;
}

/* --- running --- */

bool fragment_is_sample(const Fragment *fragment)
{
    return fragment->exchange != NULL && fragment->exchange->kind == EXCHANGE_SAMPLE;
}

SplitWindows sample_windows(const Fragment *fragment, const Table *table, const Split *split,
                            Arena *arena)
{
    WindowRequest request =
        request_of((uint64_t)fragment->exchange->partitions, fragment->partition_count);

    return table->class->windows(table, arena, split, &request);
}

bool sample_failure_counts(const Error *err)
{
    return err->status == ST_CANCELLED || err->status == ST_IO || err->status == ST_OUT_OF_MEMORY;
}
