/* column_set.c -- sorted sets of column ids; see expr.h */
#include <stdlib.h>

#include "core/plan/plan.h"

static int compare_ids(const void *a, const void *b)
{
    ColumnId x = *(const ColumnId *)a, y = *(const ColumnId *)b;

    return x < y ? -1 : x > y;
}

/* A plan's columns mostly are. */
static bool is_ascending(uint32_t count, const ColumnId *ids)
{
    for (uint32_t i = 1; i < count; i++)
        if (ids[i - 1] > ids[i])
            return false;
    return true;
}

ColumnSet column_set_make(Arena *arena, uint32_t count, const ColumnId *ids)
{
    ColumnId *sorted = arena_copy(arena, ids, count * sizeof *ids);
    uint32_t kept = 0;

    if (!is_ascending(count, ids))
        qsort(sorted, count, sizeof *sorted, compare_ids);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || sorted[kept - 1] != sorted[i])
            sorted[kept++] = sorted[i];
    return (ColumnSet){kept, sorted};
}

ColumnSet column_set_union(Arena *arena, ColumnSet a, ColumnSet b)
{
    ColumnId *ids;
    uint32_t i = 0, j = 0, count = 0;

    if (a.count == 0)
        return b;
    if (b.count == 0)
        return a;
    ids = ARENA_ARRAY(arena, ColumnId, a.count + b.count);
    while (i < a.count || j < b.count) {
        if (j == b.count || (i < a.count && a.ids[i] < b.ids[j])) {
            ids[count++] = a.ids[i++];
        } else {
            i += i < a.count && a.ids[i] == b.ids[j];
            ids[count++] = b.ids[j++];
        }
    }
    return (ColumnSet){count, ids};
}

/* The ids of a that are (keep_common) or are not in b. */
static ColumnSet select_ids(Arena *arena, ColumnSet a, ColumnSet b, bool keep_common)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, a.count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < a.count; i++)
        if (column_set_has(b, a.ids[i]) == keep_common)
            ids[count++] = a.ids[i];
    return (ColumnSet){count, ids};
}

ColumnSet column_set_minus(Arena *arena, ColumnSet a, ColumnSet b)
{
    return a.count == 0 || b.count == 0 ? a : select_ids(arena, a, b, false);
}

ColumnSet column_set_intersect(Arena *arena, ColumnSet a, ColumnSet b)
{
    return select_ids(arena, a, b, true);
}

bool column_set_has(ColumnSet set, ColumnId id)
{
    return set.count > 0 && bsearch(&id, set.ids, set.count, sizeof id, compare_ids) != NULL;
}

bool column_set_contains(ColumnSet outer, ColumnSet inner)
{
    for (uint32_t i = 0; i < inner.count; i++)
        if (!column_set_has(outer, inner.ids[i]))
            return false;
    return true;
}

bool column_set_overlaps(ColumnSet a, ColumnSet b)
{
    for (uint32_t i = 0; i < a.count; i++)
        if (column_set_has(b, a.ids[i]))
            return true;
    return false;
}

/* The input of SHARED nodes, which may be many: looked at once, or WITH upon WITH would take time
 * that doubles with each. */
typedef struct SharedFree {
    const Plan *input;
    ColumnSet columns;
    struct SharedFree *next;
} SharedFree;

typedef struct IdCollector {
    Arena *arena;
    SharedFree **known;
    uint32_t count;
    uint32_t capacity;
    ColumnId *ids;
} IdCollector;

static void collect_id(IdCollector *collector, ColumnId id)
{
    if (collector->count == collector->capacity) {
        uint32_t capacity = collector->capacity == 0 ? 8 : collector->capacity * 2;
        ColumnId *ids = ARENA_ARRAY(collector->arena, ColumnId, capacity);

        for (uint32_t i = 0; i < collector->count; i++)
            ids[i] = collector->ids[i];
        collector->ids = ids;
        collector->capacity = capacity;
    }
    collector->ids[collector->count++] = id;
}

static ColumnSet free_columns(Arena *arena, const Plan *plan, SharedFree **known);

static bool collect_columns(void *context, const Expr *expr)
{
    IdCollector *collector = context;

    if (expr->kind == EXPR_COLUMN)
        collect_id(collector, expr->column);
    if (expr->kind == EXPR_SUBQUERY) {
        ColumnSet outer = free_columns(collector->arena, expr->plan, collector->known);

        for (uint32_t i = 0; i < outer.count; i++)
            collect_id(collector, outer.ids[i]);
    }
    return true;
}

ColumnSet expr_columns(Arena *arena, const Expr *expr)
{
    SharedFree *known = NULL;
    IdCollector collector = {.arena = arena, .known = &known};

    expr_visit(expr, collect_columns, &collector);
    return column_set_make(arena, collector.count, collector.ids);
}

ColumnSet plan_output(Arena *arena, const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return column_set_make(arena, plan->column_count, ids);
}

static void collect_from_expr(void *context, const Expr *expr)
{
    expr_visit(expr, collect_columns, context);
}

static void collect_keys(IdCollector *collector, SortKeyList keys)
{
    for (uint32_t i = 0; i < keys.count; i++)
        collect_id(collector, keys.items[i].column);
}

static void collect_map(IdCollector *collector, ColumnList map)
{
    for (uint32_t i = 0; i < map.count; i++)
        collect_id(collector, map.ids[i]);
}

static void collect_maps(IdCollector *collector, const ColumnList *maps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        collect_map(collector, maps[i]);
}

static void collect_exchange(IdCollector *collector, const PlanExchange *exchange)
{
    collect_map(collector, exchange->keys);
    collect_keys(collector, exchange->order);
}

static ColumnSet used_columns(Arena *arena, const Plan *plan, SharedFree **known)
{
    IdCollector collector = {.arena = arena, .known = known};

    plan_visit_exprs(plan, collect_from_expr, &collector);
    if (plan->kind == PLAN_AGGREGATE)
        collect_map(&collector, ((const PlanAggregate *)plan)->keys);
    else if (plan->kind == PLAN_SORT)
        collect_keys(&collector, ((const PlanSort *)plan)->keys);
    else if (plan->kind == PLAN_GROUP_LIMIT) {
        collect_map(&collector, ((const PlanGroupLimit *)plan)->keys);
        collect_keys(&collector, ((const PlanGroupLimit *)plan)->order);
    } else if (plan->kind == PLAN_GROUP_CONCAT) {
        const PlanGroupConcat *concat = (const PlanGroupConcat *)plan;

        collect_map(&collector, concat->keys);
        collect_keys(&collector, concat->order);
        collect_id(&collector, concat->value);
        collect_id(&collector, concat->delimiter);
    } else if (plan->kind == PLAN_TOP_N)
        collect_keys(&collector, ((const PlanTopN *)plan)->keys);
    else if (plan->kind == PLAN_CALL)
        collect_map(&collector, ((const PlanCall *)plan)->args);
    else if (plan->kind == PLAN_COMBINE)
        collect_map(&collector, ((const PlanCombine *)plan)->args);
    else if (plan->kind == PLAN_GROUP)
        collect_maps(&collector, ((const PlanGroup *)plan)->args, plan->input_count);
    else if (plan->kind == PLAN_EXCHANGE)
        collect_exchange(&collector, (const PlanExchange *)plan);
    else if (plan_maps(plan) != NULL)
        collect_maps(&collector, plan_maps(plan), plan->input_count);
    return column_set_make(arena, collector.count, collector.ids);
}

ColumnSet plan_used_columns(Arena *arena, const Plan *plan)
{
    SharedFree *known = NULL;

    return used_columns(arena, plan, &known);
}

static ColumnSet free_in_shared(Arena *arena, const Plan *input, SharedFree **known)
{
    SharedFree *entry;

    for (entry = *known; entry != NULL; entry = entry->next)
        if (entry->input == input)
            return entry->columns;
    entry = ARENA_NEW(arena, SharedFree);
    entry->input = input;
    entry->columns = free_columns(arena, input, known);
    entry->next = *known;
    *known = entry;
    return entry->columns;
}

static ColumnSet free_columns(Arena *arena, const Plan *plan, SharedFree **known)
{
    ColumnSet used = used_columns(arena, plan, known);
    ColumnSet made = {0}, free_below = {0};

    if (plan->kind == PLAN_SCAN) /* predicates speak of the scan's own columns */
        return column_set_minus(arena, used, plan_output(arena, plan));
    for (uint32_t i = 0; i < plan->input_count; i++) {
        ColumnSet below = plan->kind == PLAN_SHARED ? free_in_shared(arena, plan->inputs[i], known)
                                                    : free_columns(arena, plan->inputs[i], known);

        made = column_set_union(arena, made, plan_output(arena, plan->inputs[i]));
        free_below = column_set_union(arena, free_below, below);
    }
    used = column_set_minus(arena, used, made);
    /* a join's right input may use the left one's columns */
    if (plan->kind == PLAN_JOIN)
        free_below = column_set_minus(arena, free_below, plan_output(arena, plan->inputs[0]));
    return column_set_union(arena, used, free_below);
}

ColumnSet plan_free_columns(Arena *arena, const Plan *plan)
{
    SharedFree *known = NULL;

    return free_columns(arena, plan, &known);
}
