/*
 * plan_graph.c -- nodes that several others read, as RDDs have them, become SHARED
 *
 *     Join -------------.              Join
 *       Call f           \               Call f
 *         Combine  <------ Apart   =>      Shared #1
 *           ...                              Combine       made once
 *                                              ...
 *                                        Shared #1
 *
 * Each reader gets a copy, with ids of its own, of what is quickly made again (functions over a
 * scan, as in Spark); of what rows meet for it gets a SHARED node, and all of them have one input.
 * So a loop that uses an RDD twice a round makes a plan that grows by as much with each round.
 */
#include "core/base/pointer_map.h"
#include "core/plan/plan.h"

typedef struct SharedInput {
    const Plan *plan;
    int64_t shared_id;
} SharedInput;

typedef struct Copier {
    Arena *arena;
    PlanIds *ids;
    PointerMap met, met_again; /* nodes; those that more than one reads */
    PointerMap met_shared;     /* inputs of SHARED nodes                */
    PointerMap shared;         /* ... -> their SharedInput              */
    PointerMap inputs;         /* of SHARED nodes -> what they became   */
    PointerMap free;           /* ids that a plan below may use freely -> PlanColumn now */
} Copier;

/* The node whose fields are rewritten, and what its inputs became. */
typedef struct NodeCopy {
    Copier *copier;
    const Plan *before;
    const Plan *const *inputs;
    const PlanColumn *columns; /* NULL: not yet made */
} NodeCopy;

static const Plan *copy_plan(Copier *copier, const Plan *plan);

/* --- readers --- */

static bool is_apart(const Plan *plan)
{
    return plan->kind == PLAN_SHARED && plan_as_shared(plan)->shared_id == PLAN_APART;
}

/* Rows of several partitions or inputs meet in it: it is not made twice. */
static bool rows_meet(const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_JOIN:
    case PLAN_AGGREGATE:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
    case PLAN_SETOP:
    case PLAN_COMBINE:
    case PLAN_EXCHANGE:
        return true;
    case PLAN_GROUP:
        return plan->input_count > 1 || plan_as_group(plan)->spec->has_keys;
    default:
        return false;
    }
}

static void count_readers(Copier *copier, const Plan *plan);

static bool count_in_subquery(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_SUBQUERY)
        count_readers(context, expr->plan);
    return true;
}

static void count_in_expr(void *context, const Expr *expr)
{
    expr_visit(expr, count_in_subquery, context);
}

/* What is made again for each reader reads what is below it once more. */
static void count_readers(Copier *copier, const Plan *plan)
{
    bool is_met, is_met_again;

    while (is_apart(plan))
        plan = plan->inputs[0];
    is_met = pointer_map_get(&copier->met, plan) != NULL;
    is_met_again = pointer_map_get(&copier->met_again, plan) != NULL;
    pointer_map_set(is_met ? &copier->met_again : &copier->met, copier->arena, plan, plan);
    if (is_met_again || (is_met && rows_meet(plan)))
        return;
    plan_visit_exprs(plan, count_in_expr, copier);
    if (plan->kind == PLAN_SHARED) { /* all of one id are one reader */
        if (pointer_map_get(&copier->met_shared, plan->inputs[0]) != NULL)
            return;
        pointer_map_set(&copier->met_shared, copier->arena, plan->inputs[0], plan);
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        count_readers(copier, plan->inputs[i]);
}

/* --- ids --- */

static const void *id_key(ColumnId id)
{
    return (const void *)(uintptr_t)id;
}

static const PlanColumn *column_below(const NodeCopy *copy, ColumnId id, uint32_t input)
{
    for (uint32_t i = 0; i < copy->before->input_count; i++) {
        int32_t at = input == PLAN_ANY_INPUT || input == i
                         ? plan_column_index(copy->before->inputs[i], id)
                         : -1;

        if (at >= 0)
            return &copy->inputs[i]->columns[at];
    }
    return NULL;
}

static const PlanColumn *column_now(const NodeCopy *copy, ColumnId id, uint32_t input)
{
    const PlanColumn *now = column_below(copy, id, input);
    int32_t at = copy->columns == NULL ? -1 : plan_column_index(copy->before, id);

    if (now == NULL && at >= 0)
        now = &copy->columns[at];
    return now != NULL ? now : pointer_map_get(&copy->copier->free, id_key(id));
}

static ColumnId copied_id(void *context, ColumnId id, uint32_t input)
{
    const PlanColumn *now = column_now(context, id, input);

    return now == NULL ? id : now->id;
}

/* What a plan in an expression, or a join's right side, may use without producing it. */
static void note_free(Copier *copier, const Plan *before, const Plan *after)
{
    for (uint32_t i = 0; i < before->column_count; i++)
        pointer_map_set(&copier->free, copier->arena, id_key(before->columns[i].id),
                        &after->columns[i]);
}

static const Expr *copy_part(void *context, const Expr *expr)
{
    const NodeCopy *copy = context;
    Arena *arena = copy->copier->arena;
    Expr *subquery;

    if (expr->kind == EXPR_COLUMN) {
        const PlanColumn *now = column_now(copy, expr->column, PLAN_ANY_INPUT);

        return now == NULL ? expr : expr_column(arena, now->id, expr->type);
    }
    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    for (uint32_t i = 0; i < copy->before->input_count; i++)
        note_free(copy->copier, copy->before->inputs[i], copy->inputs[i]);
    subquery = arena_copy(arena, expr, sizeof *subquery);
    subquery->plan = copy_plan(copy->copier, expr->plan);
    return subquery;
}

static const Expr *copy_expr(void *context, Arena *arena, const Expr *expr)
{
    return expr_rewrite(arena, expr, copy_part, context);
}

/* --- copies --- */

/* Columns that come from below have ids already; the others get new ones. */
static const PlanColumn *copy_columns(const NodeCopy *copy)
{
    const Plan *before = copy->before;
    const PlanProject *project = plan_as_project(before);
    bool is_renamed = plan_maps(before) != NULL;
    PlanColumn *columns =
        arena_copy(copy->copier->arena, before->columns, before->column_count * sizeof *columns);

    for (uint32_t i = 0; i < before->column_count; i++) {
        const PlanColumn *now = NULL;

        if (project != NULL && project->exprs.items[i]->kind == EXPR_COLUMN)
            now = column_now(copy, columns[i].id, PLAN_ANY_INPUT);
        else if (project == NULL && !is_renamed)
            now = column_below(copy, columns[i].id, PLAN_ANY_INPUT);
        columns[i].id = now != NULL ? now->id : plan_new_column(copy->copier->ids);
    }
    return columns;
}

static const Plan *copy_input(Copier *copier, const Plan *plan, const Plan *input)
{
    const Plan *after = plan->kind == PLAN_SHARED ? pointer_map_get(&copier->inputs, input) : NULL;

    if (after != NULL)
        return after;
    after = copy_plan(copier, input);
    if (plan->kind == PLAN_SHARED)
        pointer_map_set(&copier->inputs, copier->arena, input, after);
    return after;
}

static const Plan *copy_node(Copier *copier, const Plan *plan)
{
    const Plan **inputs = ARENA_ARRAY(copier->arena, const Plan *, plan->input_count);
    NodeCopy copy = {copier, plan, inputs, NULL};
    PlanRewriter how = {copy_expr, copied_id, &copy};

    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = copy_input(copier, plan, plan->inputs[i]);
        if (plan->kind == PLAN_JOIN && i == 0)
            note_free(copier, plan->inputs[0], inputs[0]);
    }
    copy.columns = copy_columns(&copy);
    return plan_rewrite_node(copier->arena, plan, inputs, copy.columns, &how);
}

/* One more reader of what is made once. */
static const Plan *read_shared(Copier *copier, const Plan *plan)
{
    const SharedInput *known = pointer_map_get(&copier->shared, plan);
    PlanColumn *columns =
        arena_copy(copier->arena, plan->columns, plan->column_count * sizeof *columns);
    ColumnId *ids = ARENA_ARRAY(copier->arena, ColumnId, plan->column_count);
    ColumnList map = {plan->column_count, ids};

    if (known == NULL) {
        SharedInput *input = ARENA_NEW(copier->arena, SharedInput);

        input->plan = copy_node(copier, plan);
        input->shared_id = ++copier->ids->last_shared;
        pointer_map_set(&copier->shared, copier->arena, plan, input);
        known = input;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        ids[i] = known->plan->columns[i].id;
        columns[i].id = plan_new_column(copier->ids);
    }
    return plan_shared(copier->arena, known->plan, known->shared_id, "records", true, &map,
                       plan->column_count, columns);
}

static const Plan *copy_plan(Copier *copier, const Plan *plan)
{
    while (is_apart(plan))
        plan = plan->inputs[0];
    return rows_meet(plan) && pointer_map_get(&copier->met_again, plan) != NULL
               ? read_shared(copier, plan)
               : copy_node(copier, plan);
}

const Plan *plan_from_graph(Arena *arena, const Plan *plan, PlanIds *ids)
{
    Copier copier = {.arena = arena, .ids = ids};

    count_readers(&copier, plan);
    return copy_plan(&copier, plan);
}
