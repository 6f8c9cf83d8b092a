/*
 * distribute_columns.c -- exchanges carry what is read above them
 *
 *     HashJoin a = b                  HashJoin a = b
 *       Exchange hash (a)               Exchange hash (a)
 *         HashJoin c = d          =>      Project a
 *           Scan t (a, c)                   HashJoin c = d
 *           Exchange broadcast                Scan t (a, c)
 *             Scan u (d)                      Exchange broadcast
 *       ...                                     Scan u (d)
 *
 * Why:  what crosses an exchange is copied, hashed, kept, and maybe sent.
 *
 * Not when:
 *   (1) rows are kept for later jobs: those may need other columns.
 *   (2) users' functions take whole records; sets compare whole rows.
 *
 * First a walk notes what is read of each exchange, by all who read it; then inputs are narrowed.
 */
#include "sql/optimizer/distribute.h"
#include "sql/optimizer/distribute_internal.h"
#include "sql/optimizer/rules/rules.h"

typedef struct ExchangeNeed {
    const Plan *exchange;
    ColumnSet needed;
    const Plan *made; /* NULL: not yet */
    struct ExchangeNeed *next;
} ExchangeNeed;

typedef struct Narrower {
    Arena *arena;
    ExchangeNeed *needs;
} Narrower;

static ExchangeNeed *need_of(Narrower *to, const Plan *exchange)
{
    ExchangeNeed *need = to->needs;

    while (need != NULL && need->exchange != exchange)
        need = need->next;
    if (need != NULL)
        return need;
    need = ARENA_NEW(to->arena, ExchangeNeed);
    *need = (ExchangeNeed){.exchange = exchange, .next = to->needs};
    to->needs = need;
    return need;
}

/* --- what is read --- */

/* What a node reads of its input besides what it passes on. */
static ColumnSet own_reads(Arena *arena, const Plan *plan, uint32_t input)
{
    const ColumnList *maps =
        plan->kind == PLAN_GROUP ? plan_as_group(plan)->args : plan_maps(plan); /* (2) */
    const PlanExchange *exchange = plan_as_exchange(plan);

    if (plan->kind == PLAN_WRITE || (exchange != NULL && exchange->keep_id != 0)) /* (1) */
        return plan_output(arena, plan->inputs[0]);
    if (maps != NULL)
        return column_set_make(arena, maps[input].count, maps[input].ids);
    return plan_used_columns(arena, plan);
}

static ColumnSet project_reads(Arena *arena, const PlanProject *project, ColumnSet needed)
{
    ColumnSet reads = {0};

    for (uint32_t i = 0; i < project->exprs.count; i++)
        if (column_set_has(needed, project->head.columns[i].id))
            reads = column_set_union(arena, reads, expr_columns(arena, project->exprs.items[i]));
    return reads;
}

static void note(Narrower *to, const Plan *plan, ColumnSet needed)
{
    ExchangeNeed *need;

    if (plan->kind == PLAN_EXCHANGE) {
        need = need_of(to, plan);
        needed = column_set_union(to->arena, needed, own_reads(to->arena, plan, 0));
        if (need->needed.count > 0 && column_set_contains(need->needed, needed))
            return; /* nor does anything below need more */
        needed = need->needed = column_set_union(to->arena, need->needed, needed);
        note(to, plan->inputs[0], needed);
        return;
    }
    if (plan->kind == PLAN_PROJECT) {
        note(to, plan->inputs[0], project_reads(to->arena, plan_as_project(plan), needed));
        return;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        note(to, plan->inputs[i],
             column_set_union(to->arena, needed, own_reads(to->arena, plan, i)));
}

/* --- what is left --- */

static const Plan *narrow(Narrower *to, const Plan *plan, ColumnSet needed);

/* Columns of a projection are computed only where they are read. */
static const Plan *narrow_project(Narrower *to, const PlanProject *project, ColumnSet needed)
{
    const Plan *plan = &project->head;
    PlanColumn *columns = ARENA_ARRAY(to->arena, PlanColumn, plan->column_count);
    const Expr **exprs = ARENA_ARRAY(to->arena, const Expr *, plan->column_count);
    const Plan *input = narrow(to, plan->inputs[0], project_reads(to->arena, project, needed));
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        if (column_set_has(needed, plan->columns[i].id)) {
            columns[count] = plan->columns[i];
            exprs[count++] = project->exprs.items[i];
        }
    if (count == plan->column_count)
        return plan_with_input(to->arena, plan, input);
    return plan_with_rows(to->arena, plan_project(to->arena, input, count, exprs, columns),
                          plan->estimated_rows);
}

static const Plan *only(Arena *arena, const Plan *plan, ColumnSet needed)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);
    uint32_t count = 0;
    const Plan *made;

    for (uint32_t i = 0; i < plan->column_count; i++)
        if (column_set_has(needed, plan->columns[i].id))
            ids[count++] = plan->columns[i].id;
    made = plan_select_columns(arena, plan, count, ids);
    return made == plan ? plan : plan_with_rows(arena, made, plan->estimated_rows);
}

static const Plan *narrow_exchange(Narrower *to, const Plan *plan)
{
    ExchangeNeed *need = need_of(to, plan);

    if (need->made == NULL)
        need->made = plan_with_input(
            to->arena, plan,
            only(to->arena, narrow(to, plan->inputs[0], need->needed), need->needed));
    return need->made;
}

/* plan with at least the needed columns of those it has. */
static const Plan *narrow(Narrower *to, const Plan *plan, ColumnSet needed)
{
    const Plan **inputs;

    if (plan->kind == PLAN_EXCHANGE)
        return narrow_exchange(to, plan);
    if (plan->kind == PLAN_PROJECT)
        return narrow_project(to, plan_as_project(plan), needed);
    inputs = ARENA_ARRAY(to->arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = narrow(to, plan->inputs[i],
                           column_set_union(to->arena, needed, own_reads(to->arena, plan, i)));
    return plan_with_inputs(to->arena, plan, inputs);
}

const Plan *distribute_drop_columns(Arena *arena, const Plan *plan)
{
    Narrower to = {.arena = arena};
    ColumnSet all = plan_output(arena, plan);

    note(&to, plan, all);
    return narrow(&to, plan, all);
}

const Plan *distribute_only_columns(Arena *arena, const Plan *plan, ColumnSet needed)
{
    return prune_to_columns(arena, plan, needed);
}
