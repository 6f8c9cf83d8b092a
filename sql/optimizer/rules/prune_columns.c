/*
 * prune_columns
 *
 *     Project a                          Project a
 *       Join a = b                         Join a = b
 *         Scan t (a, c, d)       =>          Scan t (a)
 *         Aggregate keys b, sum(e)           Aggregate keys b
 *           Scan u (b, e, f)                   Scan u (b)
 *
 * From the root down, each node learns which of its columns are needed, drops the others, and asks
 * its inputs for what it needs itself. A mark join whose mark nobody reads goes away; so does a
 * left join that adds no column in use, and at most one match to a row.
 *
 * Why:  what is not read need not be decoded, computed, hashed or carried along.
 *
 * Not when:
 *   (1) INTERSECT, EXCEPT and DISTINCT compare whole rows: all columns are needed.
 *   (2) group keys: dropping one would merge groups.
 *   (3) rows that are kept for later jobs: those may need other columns.
 *   (4) users' functions take whole records; their filters only what they read of them.
 *
 * Nodes of one shared_id need one input for all of them: passes are repeated until the needs seen
 * in a pass are those that it was run with.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

typedef struct SharedNeed {
    int64_t shared_id;
    ColumnSet used_in_pass; /* what the input was pruned to */
    ColumnSet seen_in_pass;
    const Plan *pruned; /* NULL: not yet in this pass */
    struct SharedNeed *next;
} SharedNeed;

typedef struct Pruner {
    Arena *arena;
    SharedNeed *shared;
} Pruner;

static const Plan *prune(Pruner *pruner, const Plan *plan, ColumnSet needed);

static ColumnSet needed_with(Pruner *pruner, ColumnSet needed, const Expr *expr)
{
    return expr == NULL
               ? needed
               : column_set_union(pruner->arena, needed, expr_columns(pruner->arena, expr));
}

static const Plan *prune_input(Pruner *pruner, const Plan *plan, ColumnSet needed)
{
    return plan_with_input(pruner->arena, plan, prune(pruner, plan->inputs[0], needed));
}

/* --- leaves --- */

static const Plan *prune_scan(Pruner *pruner, const PlanScan *scan, ColumnSet needed)
{
    uint32_t *table_columns = ARENA_ARRAY(pruner->arena, uint32_t, scan->head.column_count);
    PlanColumn *columns = ARENA_ARRAY(pruner->arena, PlanColumn, scan->head.column_count);
    uint32_t count = 0;
    PlanScan *copy;

    for (uint32_t i = 0; i < scan->predicates.count; i++)
        needed = needed_with(pruner, needed, scan->predicates.items[i]);
    for (uint32_t i = 0; i < scan->head.column_count; i++)
        if (column_set_has(needed, scan->head.columns[i].id)) {
            table_columns[count] = scan->table_columns.items[i];
            columns[count++] = scan->head.columns[i];
        }
    if (count == scan->head.column_count)
        return &scan->head;
    copy = arena_copy(pruner->arena, scan, sizeof *scan);
    copy->head.column_count = count;
    copy->head.columns = columns;
    copy->table_columns = (IndexList){count, table_columns};
    return &copy->head;
}

static const Plan *prune_values(Pruner *pruner, const PlanValues *values, ColumnSet needed)
{
    uint32_t old_count = values->head.column_count, count = 0;
    PlanColumn *columns = ARENA_ARRAY(pruner->arena, PlanColumn, old_count);
    ExprList *rows = ARENA_ARRAY(pruner->arena, ExprList, values->rows.count);

    for (uint32_t i = 0; i < old_count; i++)
        if (column_set_has(needed, values->head.columns[i].id))
            columns[count++] = values->head.columns[i];
    if (count == old_count)
        return &values->head;
    for (uint32_t row = 0; row < values->rows.count; row++) {
        const Expr **items = ARENA_ARRAY(pruner->arena, const Expr *, count);
        uint32_t at = 0;

        for (uint32_t i = 0; i < old_count; i++)
            if (column_set_has(needed, values->head.columns[i].id))
                items[at++] = values->rows.items[row].items[i];
        rows[row] = (ExprList){count, items};
    }
    return plan_values(pruner->arena, count, columns, values->rows.count, rows);
}

/* --- project and aggregate --- */

static const Plan *prune_project(Pruner *pruner, const PlanProject *project, ColumnSet needed)
{
    ColumnVec outputs = {.arena = pruner->arena};
    ColumnSet below = {0};
    const Plan *input;

    for (uint32_t i = 0; i < project->exprs.count; i++) {
        const Expr *expr = project->exprs.items[i];

        if (!column_set_has(needed, project->head.columns[i].id))
            continue;
        column_vec_add(&outputs, expr, project->head.columns[i]);
        below = needed_with(pruner, below, expr);
    }
    input = prune(pruner, project->head.inputs[0], below);
    if (outputs.count == project->exprs.count)
        return plan_with_input(pruner->arena, &project->head, input);
    return column_vec_project(&outputs, input);
}

static const Plan *prune_aggregate(Pruner *pruner, const PlanAggregate *aggregate, ColumnSet needed)
{
    uint32_t key_count = aggregate->keys.count;
    ColumnSet below = column_set_make(pruner->arena, key_count, aggregate->keys.ids); /* (2) */
    ColumnVec aggs = {.arena = pruner->arena};
    const Plan *input;

    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        const PlanColumn *column = &aggregate->head.columns[key_count + i];

        if (!column_set_has(needed, column->id))
            continue;
        column_vec_add(&aggs, aggregate->aggs.items[i], *column);
        below = needed_with(pruner, below, aggregate->aggs.items[i]);
    }
    if (key_count == 0 && aggs.count == 0)
        return plan_one_row(pruner->arena);
    input = prune(pruner, aggregate->head.inputs[0], below);
    if (aggs.count == aggregate->aggs.count)
        return plan_with_input(pruner->arena, &aggregate->head, input);
    return plan_aggregate(pruner->arena, input, key_count, aggregate->keys.ids, aggs.count,
                          aggs.exprs, aggs.columns);
}

/* --- joins and sets --- */

static const Plan *prune_join(Pruner *pruner, const PlanJoin *join, ColumnSet needed)
{
    const Plan *inputs[2];

    if (join->kind == JOIN_MARK && !column_set_has(needed, join->mark))
        return prune(pruner, join->head.inputs[0], needed);
    if (join->kind == JOIN_LEFT &&
        !column_set_overlaps(needed, plan_output(pruner->arena, join->head.inputs[1])) &&
        join_matches_at_most_one(pruner->arena, join))
        return prune(pruner, join->head.inputs[0], needed);
    needed = needed_with(pruner, needed, join->condition);
    needed = needed_with(pruner, needed, join->null_aware);
    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = prune(pruner, join->head.inputs[i], needed);
    return plan_with_inputs(pruner->arena, &join->head, inputs);
}

/* The input's columns that a map names at the positions that are kept. */
static ColumnSet mapped_needs(Pruner *pruner, const Plan *plan, ColumnList map, ColumnSet needed)
{
    ColumnId *ids = ARENA_ARRAY(pruner->arena, ColumnId, map.count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        if (column_set_has(needed, plan->columns[i].id))
            ids[count++] = map.ids[i];
    return column_set_make(pruner->arena, count, ids);
}

static ColumnList prune_map(Pruner *pruner, const Plan *plan, ColumnList map, ColumnSet needed)
{
    ColumnId *ids = ARENA_ARRAY(pruner->arena, ColumnId, map.count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        if (column_set_has(needed, plan->columns[i].id))
            ids[count++] = map.ids[i];
    return (ColumnList){count, ids};
}

static const PlanColumn *prune_own_columns(Pruner *pruner, const Plan *plan, ColumnSet needed,
                                           uint32_t *count_out)
{
    PlanColumn *columns = ARENA_ARRAY(pruner->arena, PlanColumn, plan->column_count);

    *count_out = 0;
    for (uint32_t i = 0; i < plan->column_count; i++)
        if (column_set_has(needed, plan->columns[i].id))
            columns[(*count_out)++] = plan->columns[i];
    return columns;
}

static const Plan *prune_union(Pruner *pruner, const PlanUnion *set, ColumnSet needed)
{
    const Plan *plan = &set->head;
    const Plan **inputs = ARENA_ARRAY(pruner->arena, const Plan *, plan->input_count);
    ColumnList *maps = ARENA_ARRAY(pruner->arena, ColumnList, plan->input_count);
    uint32_t count;
    const PlanColumn *columns = prune_own_columns(pruner, plan, needed, &count);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] =
            prune(pruner, plan->inputs[i], mapped_needs(pruner, plan, set->maps[i], needed));
        maps[i] = prune_map(pruner, plan, set->maps[i], needed);
    }
    if (count == plan->column_count)
        return plan_with_inputs(pruner->arena, plan, inputs);
    return plan_union(pruner->arena, plan->input_count, inputs, maps, count, columns);
}

/* (1) all that the maps name. */
static const Plan *prune_setop(Pruner *pruner, const PlanSetop *setop)
{
    const Plan *inputs[2];

    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = prune(pruner, setop->head.inputs[i],
                          column_set_make(pruner->arena, setop->maps[i].count, setop->maps[i].ids));
    return plan_with_inputs(pruner->arena, &setop->head, inputs);
}

/* --- shared --- */

static SharedNeed *shared_need(Pruner *pruner, int64_t shared_id)
{
    SharedNeed *need;

    for (need = pruner->shared; need != NULL; need = need->next)
        if (need->shared_id == shared_id)
            return need;
    need = ARENA_NEW(pruner->arena, SharedNeed);
    need->shared_id = shared_id;
    need->next = pruner->shared;
    pruner->shared = need;
    return need;
}

static const Plan *prune_shared(Pruner *pruner, const PlanShared *shared, ColumnSet needed)
{
    const Plan *plan = &shared->head;
    SharedNeed *need = shared_need(pruner, shared->shared_id);
    ColumnSet wanted = mapped_needs(pruner, plan, shared->maps[0], needed);
    ColumnList map = prune_map(pruner, plan, shared->maps[0], needed);
    uint32_t count;
    const PlanColumn *columns = prune_own_columns(pruner, plan, needed, &count);

    need->seen_in_pass = column_set_union(pruner->arena, need->seen_in_pass, wanted);
    if (need->pruned == NULL)
        need->pruned = prune(pruner, plan->inputs[0], need->used_in_pass);
    if (count == plan->column_count)
        return plan_with_input(pruner->arena, plan, need->pruned);
    return plan_shared(pruner->arena, need->pruned, shared->shared_id, shared->name,
                       shared->is_materialized, &map, count, columns);
}

/* Readies the needs for another pass; false when the last one was run with the right ones. */
static bool start_next_pass(Pruner *pruner)
{
    bool grew = false;

    for (SharedNeed *need = pruner->shared; need != NULL; need = need->next) {
        grew |= !column_set_contains(need->used_in_pass, need->seen_in_pass);
        need->used_in_pass =
            column_set_union(pruner->arena, need->used_in_pass, need->seen_in_pass);
        need->seen_in_pass = (ColumnSet){0};
        need->pruned = NULL;
    }
    return grew;
}

/* --- */

/* Nodes that pass columns on, and use some themselves. */
static const Plan *prune_passing(Pruner *pruner, const Plan *plan, ColumnSet needed)
{
    return prune_input(
        pruner, plan,
        column_set_union(pruner->arena, needed, plan_used_columns(pruner->arena, plan)));
}

static bool some_filter_reads(const PlanCall *call, const RecordField *field)
{
    for (const CallStep *step = call->steps.last; step != NULL; step = step->before)
        if (call_step_reads(step, field))
            return true;
    return false;
}

/* Users' filters: what they do not read, and nobody above, is no part of their records (4). */
static const Plan *prune_call(Pruner *pruner, const PlanCall *call, ColumnSet needed)
{
    Arena *arena = pruner->arena;
    const CallStep *const *steps = call_steps(arena, call->steps);
    RecordLayout *layout = arena_copy(arena, call->steps.first->in, sizeof *layout);
    RecordField *fields = ARENA_ARRAY(arena, RecordField, layout->field_count);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, layout->field_count);
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, layout->field_count);
    ColumnId *made = ARENA_ARRAY(arena, ColumnId, layout->field_count);
    ColumnList args = {.ids = ids};
    const Plan *plan;

    for (uint32_t i = 0; call_only_filters(call) && i < layout->field_count; i++) {
        if (!column_set_has(needed, call->head.columns[i].id) &&
            !some_filter_reads(call, &layout->fields[i]))
            continue;
        fields[args.count] = layout->fields[i];
        columns[args.count] = call->head.columns[i];
        ids[args.count++] = call->args.ids[i];
    }
    if (!call_only_filters(call) || args.count == layout->field_count || args.count == 0)
        return prune_input(pruner, &call->head, plan_used_columns(arena, &call->head));
    layout->fields = fields;
    layout->field_count = args.count;
    plan = prune(pruner, call->head.inputs[0], column_set_make(arena, args.count, ids));
    for (uint32_t i = 0; i < args.count; i++)
        made[i] = columns[i].id;
    for (uint32_t i = 0; i < call->steps.count; i++) {
        CallStep step = *steps[i];

        step.in = step.out = layout;
        plan = plan_call(arena, plan, args, &step, columns);
        args.ids = made;
    }
    return plan;
}

static const Plan *prune_group(Pruner *pruner, const PlanGroup *group)
{
    const Plan **inputs = ARENA_ARRAY(pruner->arena, const Plan *, group->head.input_count);

    for (uint32_t i = 0; i < group->head.input_count; i++)
        inputs[i] = prune(pruner, group->head.inputs[i],
                          column_set_make(pruner->arena, group->args[i].count, group->args[i].ids));
    return plan_with_inputs(pruner->arena, &group->head, inputs);
}

/* (3) */
static const Plan *prune_exchange(Pruner *pruner, const PlanExchange *exchange, ColumnSet needed)
{
    const Plan *plan = &exchange->head;

    if (exchange->kind == EXCHANGE_KEEP)
        needed = plan_output(pruner->arena, plan);
    return prune_input(
        pruner, plan,
        column_set_union(pruner->arena, needed, plan_used_columns(pruner->arena, plan)));
}

/* plan with at least the needed columns. */
static const Plan *prune(Pruner *pruner, const Plan *plan, ColumnSet needed)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return prune_scan(pruner, (const PlanScan *)plan, needed);
    case PLAN_VALUES:
        return prune_values(pruner, (const PlanValues *)plan, needed);
    case PLAN_FILTER:
        return prune_input(pruner, plan,
                           needed_with(pruner, needed, ((const PlanFilter *)plan)->predicate));
    case PLAN_PROJECT:
        return prune_project(pruner, (const PlanProject *)plan, needed);
    case PLAN_AGGREGATE:
        return prune_aggregate(pruner, (const PlanAggregate *)plan, needed);
    case PLAN_JOIN:
        return prune_join(pruner, (const PlanJoin *)plan, needed);
    case PLAN_SORT:
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
        return prune_passing(pruner, plan, needed);
    case PLAN_TABLE_FUNCTION:
        return plan->input_count == 0 ? plan : prune_passing(pruner, plan, needed);
    case PLAN_LIMIT:
        return prune_input(pruner, plan, needed);
    case PLAN_UNION:
        return prune_union(pruner, (const PlanUnion *)plan, needed);
    case PLAN_SETOP:
        return prune_setop(pruner, (const PlanSetop *)plan);
    case PLAN_SHARED:
        return prune_shared(pruner, (const PlanShared *)plan, needed);
    case PLAN_CALL:
        return prune_call(pruner, (const PlanCall *)plan, needed);
    case PLAN_COMBINE:
        return prune_input(pruner, plan, plan_used_columns(pruner->arena, plan));
    case PLAN_GROUP:
        return prune_group(pruner, (const PlanGroup *)plan);
    case PLAN_EXCHANGE:
        return prune_exchange(pruner, (const PlanExchange *)plan, needed);
    case PLAN_WRITE:
        return prune_input(pruner, plan, plan_output(pruner->arena, plan->inputs[0]));
    default:
        return plan;
    }
}

const Plan *prune_to_columns(Arena *arena, const Plan *plan, ColumnSet needed)
{
    Pruner pruner = {.arena = arena};

    return prune(&pruner, plan, needed);
}

static const Plan *prune_columns(RuleCtx *rc, const Plan *plan)
{
    Pruner pruner = {.arena = rc->arena};
    const Plan *pruned;

    do {
        pruned = prune(&pruner, plan, plan_output(rc->arena, plan));
    } while (start_next_pass(&pruner));
    return pruned;
}

const Rule rule_prune_columns = {
    .name = "prune_columns",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = prune_columns,
};
