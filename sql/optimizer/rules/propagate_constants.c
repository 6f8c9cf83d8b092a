/*
 * propagate_constants
 *
 *     Filter a = 5 AND b > a * 2           Filter a = 5 AND b > 5 * 2
 *       X                            =>      X
 *
 *     Project a + 1                        Project 5 + 1
 *       Filter a = 5                 =>      Filter a = 5
 *         X                                    X
 *
 * Why:  what is left is over fewer columns: it folds, it can be pushed further down, and a scan can
 *       be asked for it.
 *
 * Not when:
 *   (1) equal values may differ: floats (0.0 and -0.0), intervals.
 *   (2) the result is a predicate and may fail: conjuncts have no order, so it might be evaluated
 *       for rows where a is not 5.
 *         SELECT * FROM t WHERE a = 5 AND b + a > 7
 *   (3) the column stands alone, or in a join's a = b: that is what keys and maps are made of.
 *   (4) it is the fact itself.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_same_when_equal(Type type)
{
    return !type_is_float(type) && type.id != TYPE_INTERVAL; /* (1) */
}

/* column = constant: the constant under the column's own type; else NULL. */
static const Expr *value_of_fact(Arena *arena, const Expr *fact)
{
    Value value;

    if (!expr_is_column_bound(fact) || fact->func != FUNC_EQ ||
        !is_same_when_equal(fact->args[0]->type))
        return NULL;
    value = fact->args[1]->value;
    value.type = fact->args[0]->type;
    return expr_const(arena, value);
}

/* The columns that the facts say the value of. */
static ColumnMap map_of_facts(Arena *arena, const ExprVec *facts)
{
    MapVec map = {.arena = arena};

    for (uint32_t i = 0; i < facts->count; i++) {
        const Expr *value = value_of_fact(arena, facts->items[i]);

        if (value != NULL && map_vec_find(&map, facts->items[i]->args[0]->column) == NULL)
            map_vec_add(&map, facts->items[i]->args[0]->column, value);
    }
    return map_vec_map(&map);
}

/* (3) */
static bool is_bare(const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->func == FUNC_EQ)
        return expr->args[0]->kind == EXPR_COLUMN && expr->args[1]->kind == EXPR_COLUMN;
    return expr->kind == EXPR_COLUMN;
}

static bool uses_mapped(Arena *arena, const Expr *expr, const ColumnMap *map)
{
    return map->count > 0 &&
           expr_uses_any(arena, expr, column_set_make(arena, map->count, map->from));
}

/* --- filters: by their input's facts, then by their own --- */

static const Expr *fold(void *context, const Expr *expr)
{
    return rule_fold_constants.rewrite_expr(context, expr);
}

static const Expr *substitute_in_predicate(RuleCtx *rc, const Expr *part, const ColumnMap *map)
{
    const Expr *made;

    if (!uses_mapped(rc->arena, part, map))
        return part;
    made = expr_rewrite(rc->arena, expr_substitute(rc->arena, part, map), fold, rc);
    return expr_can_fail(made) ? part : made; /* (2) */
}

static const Plan *propagate_in_filter(RuleCtx *rc, const PlanFilter *filter)
{
    Arena *arena = rc->arena;
    ExprVec facts = plan_facts(arena, filter->head.inputs[0]);
    ColumnMap below = map_of_facts(arena, &facts), own;
    ExprVec parts = {.arena = arena}, made = {.arena = arena};
    bool changed = false;

    expr_vec_add_and(&parts, filter->predicate);
    own = map_of_facts(arena, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        const Expr *part = substitute_in_predicate(rc, parts.items[i], &below);

        if (part == parts.items[i] && value_of_fact(arena, part) == NULL) /* (4) */
            part = substitute_in_predicate(rc, part, &own);
        changed |= part != parts.items[i];
        expr_vec_add(&made, part);
    }
    return changed ? plan_filter(arena, filter->head.inputs[0], expr_vec_and(&made))
                   : &filter->head;
}

/* --- projections and joins: by their inputs' facts --- */

static const Plan *propagate_in_project(RuleCtx *rc, const PlanProject *project)
{
    Arena *arena = rc->arena;
    ExprVec facts = plan_facts(arena, project->head.inputs[0]);
    ColumnMap map = map_of_facts(arena, &facts);
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, project->exprs.count);
    bool changed = false;

    for (uint32_t i = 0; i < project->exprs.count; i++) {
        const Expr *expr = project->exprs.items[i];

        exprs[i] = is_bare(expr) || !uses_mapped(arena, expr, &map)
                       ? expr
                       : expr_substitute(arena, expr, &map);
        changed |= exprs[i] != project->exprs.items[i];
    }
    return changed ? plan_project(arena, project->head.inputs[0], project->exprs.count, exprs,
                                  project->head.columns)
                   : &project->head;
}

static bool has_more_than_keys(uint32_t count, const Expr *const *parts)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_bare(parts[i]))
            return true;
    return false;
}

static const Plan *propagate_in_join(RuleCtx *rc, const PlanJoin *join)
{
    Arena *arena = rc->arena;
    const Expr *const *parts;
    uint32_t count = expr_split_and(arena, join->condition, &parts);
    ExprVec facts = {.arena = arena}, made = {.arena = arena};
    bool changed = false;
    ColumnMap map;

    if (!has_more_than_keys(count, parts))
        return &join->head;
    for (uint32_t side = 0; side < 2; side++) {
        ExprVec below = plan_facts(arena, join->head.inputs[side]);

        for (uint32_t i = 0; i < below.count; i++)
            expr_vec_add(&facts, below.items[i]);
    }
    map = map_of_facts(arena, &facts);
    for (uint32_t i = 0; i < count; i++) {
        const Expr *part =
            is_bare(parts[i]) ? parts[i] : substitute_in_predicate(rc, parts[i], &map);

        changed |= part != parts[i];
        expr_vec_add(&made, part);
    }
    if (!changed)
        return &join->head;
    return plan_join_like(arena, join, (JoinKind)join->kind, join->head.inputs[0],
                          join->head.inputs[1], expr_vec_and(&made), join->null_aware);
}

static const Plan *propagate_constants(RuleCtx *rc, const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_FILTER:
        return propagate_in_filter(rc, (const PlanFilter *)plan);
    case PLAN_PROJECT:
        return propagate_in_project(rc, (const PlanProject *)plan);
    case PLAN_JOIN:
        return propagate_in_join(rc, (const PlanJoin *)plan);
    default:
        return plan;
    }
}

const Rule rule_propagate_constants = {
    .name = "propagate_constants",
    .root = RULE_ANY_KIND,
    .rewrite = propagate_constants,
};
