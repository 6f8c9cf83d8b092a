/*
 * plan_facts.c -- predicates that hold for every row a plan produces
 *
 *     Project a, b AS c
 *       Join a = b              facts: a > 1, a = c
 *         Filter a > 1
 *         ...
 */
#include "sql/optimizer/rules/rules.h"

/* A shared plan counts as many levels: WITH upon WITH would be walked ever again. */
enum { FACTS_MAX = 256, FACTS_DEPTH_MAX = 64, FACTS_SHARED_LEVELS = 24 };

static void collect(Arena *arena, const Plan *plan, uint32_t depth, ExprVec *out);

static void add_over(ExprVec *out, const ExprVec *facts, ColumnSet columns)
{
    for (uint32_t i = 0; i < facts->count; i++)
        if (expr_uses_only(out->arena, facts->items[i], columns))
            expr_vec_add(out, facts->items[i]);
}

/* Facts of the input under the names that a projection or map gives its columns. */
static void add_renamed(ExprVec *out, const ExprVec *facts, const ColumnMap *map, const Plan *plan)
{
    MapVec renames = {.arena = out->arena};
    ColumnSet known;
    ColumnMap back;

    for (uint32_t i = 0; i < map->count; i++) {
        const Expr *source = map->to[i];

        if (source->kind == EXPR_COLUMN && map_vec_find(&renames, source->column) == NULL)
            map_vec_add(&renames, source->column, expr_of_column(out->arena, &plan->columns[i]));
    }
    known = column_set_make(out->arena, renames.count, renames.from);
    back = map_vec_map(&renames);
    for (uint32_t i = 0; i < facts->count; i++)
        if (expr_uses_only(out->arena, facts->items[i], known))
            expr_vec_add(out, expr_substitute(out->arena, facts->items[i], &back));
}

static void collect_join(Arena *arena, const PlanJoin *join, uint32_t depth, ExprVec *out)
{
    switch ((JoinKind)join->kind) {
    case JOIN_INNER:
        collect(arena, join->head.inputs[0], depth, out);
        collect(arena, join->head.inputs[1], depth, out);
        expr_vec_add_and(out, join->condition);
        return;
    case JOIN_LEFT:
    case JOIN_SINGLE:
    case JOIN_SEMI:
    case JOIN_ANTI:
    case JOIN_MARK:
        collect(arena, join->head.inputs[0], depth, out);
        return;
    default:
        return;
    }
}

static void collect(Arena *arena, const Plan *plan, uint32_t depth, ExprVec *out)
{
    ExprVec below = {.arena = arena};

    if (depth > FACTS_DEPTH_MAX || out->count > FACTS_MAX)
        return;
    switch (plan->kind) {
    case PLAN_SCAN:
        for (uint32_t i = 0; i < ((const PlanScan *)plan)->predicates.count; i++)
            expr_vec_add(out, ((const PlanScan *)plan)->predicates.items[i]);
        return;
    case PLAN_FILTER:
        collect(arena, plan->inputs[0], depth + 1, out);
        expr_vec_add_and(out, ((const PlanFilter *)plan)->predicate);
        return;
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_GROUP_LIMIT:
        collect(arena, plan->inputs[0], depth + 1, out);
        return;
    case PLAN_PROJECT:
    case PLAN_SHARED: {
        ColumnMap map = plan->kind == PLAN_PROJECT ? project_map(arena, (const PlanProject *)plan)
                                                   : set_map(arena, plan, 0);

        collect(arena, plan->inputs[0],
                depth + (plan->kind == PLAN_SHARED ? FACTS_SHARED_LEVELS : 1), &below);
        add_renamed(out, &below, &map, plan);
        return;
    }
    case PLAN_AGGREGATE: {
        const PlanAggregate *aggregate = (const PlanAggregate *)plan;

        collect(arena, plan->inputs[0], depth + 1, &below);
        add_over(out, &below, column_set_make(arena, aggregate->keys.count, aggregate->keys.ids));
        return;
    }
    case PLAN_JOIN:
        collect_join(arena, (const PlanJoin *)plan, depth + 1, out);
        return;
    default:
        return;
    }
}

ExprVec plan_facts(Arena *arena, const Plan *plan)
{
    ExprVec facts = {.arena = arena};

    collect(arena, plan, 0, &facts);
    return facts;
}

bool types_compare_alike(Type a, Type b)
{
    return type_phys(a) == type_phys(b) && type_category(a) == type_category(b) &&
           a.scale == b.scale;
}

bool expr_is_column_bound(const Expr *expr)
{
    if (expr->kind != EXPR_CALL || expr->arg_count != 2)
        return false;
    switch (expr->func) {
    case FUNC_EQ:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        return expr->args[0]->kind == EXPR_COLUMN && expr->args[1]->kind == EXPR_CONST &&
               !expr->args[1]->value.is_null &&
               types_compare_alike(expr->args[0]->type, expr->args[1]->type);
    default:
        return false;
    }
}

/* Does the value meet the bound? */
bool value_meets_bound(const Value *value, const Expr *bound)
{
    int order = value_compare(value, &bound->args[1]->value);

    switch (bound->func) {
    case FUNC_EQ:
        return order == 0;
    case FUNC_LT:
        return order < 0;
    case FUNC_LE:
        return order <= 0;
    case FUNC_GT:
        return order > 0;
    case FUNC_GE:
        return order >= 0;
    default:
        return false;
    }
}

static bool is_upper(FuncId func)
{
    return func == FUNC_LT || func == FUNC_LE;
}

bool expr_bound_implies(const Expr *known, const Expr *bound)
{
    const Value *value;

    if (!expr_is_column_bound(known) || !expr_is_column_bound(bound) ||
        known->args[0]->column != bound->args[0]->column)
        return false;
    value = &known->args[1]->value;
    if (known->func == FUNC_EQ)
        return value_meets_bound(value, bound);
    if (bound->func == FUNC_EQ || is_upper(known->func) != is_upper(bound->func))
        return false;
    if (value_compare(value, &bound->args[1]->value) == 0)
        return known->func == bound->func || known->func == FUNC_LT || known->func == FUNC_GT;
    return value_meets_bound(value, bound);
}
