/*
 * lower_subqueries
 *
 *     Filter a = 1 AND EXISTS (Q)             Semi Join (dependent)
 *       X                              =>       Filter a = 1
 *                                                 X
 *                                               Q
 *
 *     where it stands                       becomes
 *     WHERE EXISTS (Q), x op ANY (Q)        semi join
 *     WHERE NOT EXISTS (Q)                  anti join
 *     WHERE x op ALL (Q), NOT x op ANY (Q)  anti join that knows NULLs, on the negated comparison
 *     EXISTS, ANY, ALL anywhere else        mark join, and its mark in the expression
 *     scalar (Q) anywhere                   single join, and its column in the expression
 *     ON of an outer join                   WHERE of the inner side, which becomes LATERAL
 *
 * Why:  joins can be unnested, ordered and hashed; an expression that runs a plan per row cannot.
 *       What comes out may be correlated (the right input uses the left one's columns):
 *       unnest_dependent_joins.c is next.
 *
 * Not when:
 *   (1) a subquery in the ON of a FULL JOIN uses both sides: there is no inner side to move it to,
 *       and PostgreSQL does not do it either.
 *   (2) row comparisons other than = and <>: refused with their position.
 *
 * A scalar subquery in a branch of CASE or COALESCE becomes a single join on that branch's
 * condition: more than one row is an error only for rows that take the branch.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/rules/rules.h"

/* The plan under an expression's node; joins are added to it as subqueries are found. */
typedef struct Site {
    RuleCtx *rc;
    PlanMemo *memo; /* SHARED inputs, those in subqueries included */
    const Plan *plan;
} Site;

static const Plan *lower_plan(RuleCtx *rc, PlanMemo *memo, const Plan *plan);
static const Expr *lower_expr(Site *site, const Expr *expr, const Expr *guard);

static Type bool_type(void)
{
    return type_of(TYPE_BOOL);
}

/* --- comparisons of ANY and ALL --- */

/* args[i] = columns[i] for all i, or for `<>` args[i] <> columns[i] for some i. */
static const Expr *row_comparison(RuleCtx *rc, FuncId func, const Expr *subquery, const Plan *plan)
{
    ExprVec parts = {.arena = rc->arena};
    Type type = bool_type();

    for (uint32_t i = 0; i < subquery->arg_count; i++)
        expr_vec_add(&parts, expr_call2(rc->arena, func, type, subquery->args[i],
                                        expr_of_column(rc->arena, &plan->columns[i])));
    if (parts.count == 1)
        return parts.items[0];
    if (func != FUNC_EQ && func != FUNC_NE) {
        Status status = error_set(rc->err, ST_NOT_SUPPORTED,
                                  "not supported: comparing rows with a subquery by %s",
                                  func_name(func)); /* (2) */
        error_at(rc->err, subquery->sql_offset);
        rule_fail(rc, status, plan);
    }
    return expr_call(rc->arena, func == FUNC_NE ? FUNC_OR : FUNC_AND, type, parts.count,
                     parts.items);
}

/* x op ALL (Q) is NOT (x negated-op ANY (Q)). */
static FuncId negate_comparison(FuncId func)
{
    FuncId negated = func;

    CHECK(func_negate_comparison(func, &negated));
    return negated;
}

/* A comparison by another operation (LIKE ANY) has no negation of its own. */
static const Expr *negated_row_comparison(RuleCtx *rc, const Expr *subquery, const Plan *plan)
{
    FuncId negated;

    if (func_negate_comparison(subquery->func, &negated))
        return row_comparison(rc, negate_comparison(subquery->func), subquery, plan);
    return expr_not(rc->arena, row_comparison(rc, subquery->func, subquery, plan));
}

/* --- subqueries inside an expression --- */

static const Expr *attach_mark(Site *site, const Expr *subquery, const Plan *plan)
{
    Arena *arena = site->rc->arena;
    bool is_exists = subquery->subquery == SUBQUERY_EXISTS;
    PlanColumn mark = column_named(site->rc, bool_type(), "mark", !is_exists);
    const Expr *null_aware = NULL;

    if (subquery->subquery == SUBQUERY_ANY)
        null_aware = row_comparison(site->rc, subquery->func, subquery, plan);
    else if (subquery->subquery == SUBQUERY_ALL)
        null_aware = negated_row_comparison(site->rc, subquery, plan);
    site->plan = plan_mark_join(arena, site->plan, plan, NULL, null_aware, mark);
    if (subquery->subquery == SUBQUERY_ALL)
        return expr_not(arena, expr_of_column(arena, &mark));
    return expr_of_column(arena, &mark);
}

static const Expr *attach_subquery(Site *site, const Expr *subquery, const Expr *guard)
{
    const Plan *plan = lower_plan(site->rc, site->memo, subquery->plan);

    if (subquery->subquery != SUBQUERY_SCALAR)
        return attach_mark(site, subquery, plan);
    site->plan = plan_join(site->rc->arena, JOIN_SINGLE, site->plan, plan, guard);
    return expr_of_column(site->rc->arena, &plan->columns[0]);
}

/* The condition under which CASE comes to its next branch, or COALESCE to its next argument. */
static const Expr *and_not_true(Arena *arena, const Expr *guard, const Expr *condition)
{
    return expr_and(arena, guard, expr_not(arena, expr_is_true_call(arena, condition)));
}

static void lower_case_args(Site *site, const Expr *expr, const Expr *guard, const Expr **args)
{
    Arena *arena = site->rc->arena;
    uint32_t i;

    for (i = 0; i + 1 < expr->arg_count; i += 2) {
        args[i] = lower_expr(site, expr->args[i], guard);
        args[i + 1] = lower_expr(site, expr->args[i + 1], expr_and(arena, guard, args[i]));
        guard = and_not_true(arena, guard, args[i]);
    }
    if (i < expr->arg_count)
        args[i] = lower_expr(site, expr->args[i], guard);
}

static void lower_coalesce_args(Site *site, const Expr *expr, const Expr *guard, const Expr **args)
{
    Arena *arena = site->rc->arena;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        args[i] = lower_expr(site, expr->args[i], guard);
        guard = expr_and(arena, guard, expr_call1(arena, FUNC_IS_NULL, bool_type(), args[i]));
    }
}

static void lower_args(Site *site, const Expr *expr, const Expr *guard, const Expr **args)
{
    if (expr->kind == EXPR_CALL && expr->func == FUNC_CASE)
        lower_case_args(site, expr, guard, args);
    else if (expr->kind == EXPR_CALL && expr->func == FUNC_COALESCE)
        lower_coalesce_args(site, expr, guard, args);
    else
        for (uint32_t i = 0; i < expr->arg_count; i++)
            args[i] = lower_expr(site, expr->args[i], guard);
}

/* expr with its subqueries replaced by columns of joins added to site->plan. guard: the condition,
 * over site->plan's columns, under which expr is evaluated (NULL: always). */
static const Expr *lower_expr(Site *site, const Expr *expr, const Expr *guard)
{
    Arena *arena = site->rc->arena;
    const Expr **args;
    const Expr *filter;

    if (expr == NULL || !expr_has_subquery(expr))
        return expr;
    args = ARENA_ARRAY(arena, const Expr *, expr->arg_count);
    lower_args(site, expr, guard, args);
    filter = lower_expr(site, expr->filter, guard);
    if (filter != expr->filter)
        expr = expr_agg(arena, expr->agg, expr->type, expr->arg_count, args, expr->is_distinct,
                        filter);
    else
        expr = expr_with_args(arena, expr, args);
    return expr->kind == EXPR_SUBQUERY ? attach_subquery(site, expr, guard) : expr;
}

/* --- conjuncts of a filter --- */

/* WHERE [NOT] EXISTS (Q), x op ANY/ALL (Q) as a semi or anti join; false when it is another. */
static bool lower_conjunct_to_join(Site *site, const Expr *conjunct)
{
    Arena *arena = site->rc->arena;
    bool is_negated = false;
    const Plan *plan;

    while (conjunct->kind == EXPR_CALL && conjunct->func == FUNC_NOT) {
        is_negated = !is_negated;
        conjunct = conjunct->args[0];
    }
    if (conjunct->kind != EXPR_SUBQUERY || conjunct->subquery == SUBQUERY_SCALAR)
        return false;
    if (conjunct->arg_count > 0) {
        const Expr **args = ARENA_ARRAY(arena, const Expr *, conjunct->arg_count);

        lower_args(site, conjunct, NULL, args);
        conjunct = expr_with_args(arena, conjunct, args);
    }
    plan = lower_plan(site->rc, site->memo, conjunct->plan);
    if (conjunct->subquery == SUBQUERY_EXISTS)
        site->plan = plan_join(arena, is_negated ? JOIN_ANTI : JOIN_SEMI, site->plan, plan, NULL);
    else if (conjunct->subquery == SUBQUERY_ANY && !is_negated)
        site->plan = plan_join(arena, JOIN_SEMI, site->plan, plan,
                               row_comparison(site->rc, conjunct->func, conjunct, plan));
    else if (conjunct->subquery == SUBQUERY_ANY)
        site->plan = plan_anti_join(arena, site->plan, plan, NULL,
                                    row_comparison(site->rc, conjunct->func, conjunct, plan));
    else if (!is_negated)
        site->plan = plan_anti_join(arena, site->plan, plan, NULL,
                                    negated_row_comparison(site->rc, conjunct, plan));
    else
        site->plan = plan_join(arena, JOIN_SEMI, site->plan, plan,
                               negated_row_comparison(site->rc, conjunct, plan));
    return true;
}

/* Filters input by a predicate that has subqueries; plain conjuncts go first, so that the joins
 * see fewer rows. */
static const Plan *lower_predicate(RuleCtx *rc, PlanMemo *memo, const Plan *input,
                                   const Expr *predicate)
{
    ExprVec plain = {.arena = rc->arena}, others = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count = expr_split_and(rc->arena, predicate, &parts);
    Site site = {rc, memo, input};

    for (uint32_t i = 0; i < count; i++)
        if (!expr_has_subquery(parts[i]))
            expr_vec_add(&plain, parts[i]);
    site.plan = plan_filter(rc->arena, site.plan, expr_vec_and(&plain));
    for (uint32_t i = 0; i < count; i++)
        if (expr_has_subquery(parts[i]) && !lower_conjunct_to_join(&site, parts[i]))
            expr_vec_add(&others, lower_expr(&site, parts[i], NULL));
    site.plan = plan_filter(rc->arena, site.plan, expr_vec_and(&others));
    return plan_select_like(rc->arena, site.plan, input);
}

/* --- nodes --- */

static const Plan *lower_project(RuleCtx *rc, PlanMemo *memo, const PlanProject *project)
{
    Site site = {rc, memo, project->head.inputs[0]};
    const Expr **exprs = ARENA_ARRAY(rc->arena, const Expr *, project->exprs.count);

    for (uint32_t i = 0; i < project->exprs.count; i++)
        exprs[i] = lower_expr(&site, project->exprs.items[i], NULL);
    return plan_project(rc->arena, site.plan, project->exprs.count, exprs, project->head.columns);
}

static const Plan *lower_aggregate(RuleCtx *rc, PlanMemo *memo, const PlanAggregate *aggregate)
{
    Site site = {rc, memo, aggregate->head.inputs[0]};
    const Expr **aggs = ARENA_ARRAY(rc->arena, const Expr *, aggregate->aggs.count);

    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        aggs[i] = lower_expr(&site, aggregate->aggs.items[i], NULL);
    return plan_aggregate(rc->arena, site.plan, aggregate->keys.count, aggregate->keys.ids,
                          aggregate->aggs.count, aggs,
                          aggregate->head.columns + aggregate->keys.count);
}

static const Plan *refuse_join(RuleCtx *rc, const Expr *condition, const Plan *plan)
{
    Status status = error_set(rc->err, ST_NOT_SUPPORTED,
                              "not supported: a subquery over both sides of a FULL JOIN");

    error_at(rc->err, condition->sql_offset);
    return rule_fail(rc, status, plan); /* (1) */
}

/* Subqueries over one side (or none) of a join become columns of that side. */
static const Plan *lower_join_one_side(RuleCtx *rc, PlanMemo *memo, const PlanJoin *join,
                                       uint32_t side)
{
    const Plan *inputs[2] = {join->head.inputs[0], join->head.inputs[1]};
    Site site = {rc, memo, inputs[side]};
    const Expr *condition = lower_expr(&site, join->condition, NULL);
    const Plan *joined;

    inputs[side] = site.plan;
    joined = plan_join(rc->arena, (JoinKind)join->kind, inputs[0], inputs[1], condition);
    return plan_select_like(rc->arena, joined, &join->head);
}

typedef struct SubqueryColumns {
    Arena *arena;
    ColumnSet columns;
} SubqueryColumns;

/* CASE and COALESCE guard the subqueries in them: their own columns count too. */
static bool note_subquery_columns(void *context, const Expr *expr)
{
    SubqueryColumns *noted = context;
    bool is_guard = expr->kind == EXPR_CALL &&
                    (expr->func == FUNC_CASE || expr->func == FUNC_COALESCE) &&
                    expr_has_subquery(expr);

    if (expr->kind != EXPR_SUBQUERY && !is_guard)
        return true;
    noted->columns =
        column_set_union(noted->arena, noted->columns, expr_columns(noted->arena, expr));
    return false;
}

/* Columns that joins made of the subqueries in expr will use. */
static ColumnSet subquery_columns(Arena *arena, const Expr *expr)
{
    SubqueryColumns noted = {.arena = arena};

    expr_visit(expr, note_subquery_columns, &noted);
    return noted.columns;
}

static const Plan *lower_join(RuleCtx *rc, PlanMemo *memo, const PlanJoin *join)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    ColumnSet used = subquery_columns(rc->arena, join->condition);
    bool uses_left = column_set_overlaps(used, plan_output(rc->arena, left));
    bool uses_right = column_set_overlaps(used, plan_output(rc->arena, right));

    if (join->kind == JOIN_INNER)
        return lower_predicate(rc, memo, plan_join(rc->arena, JOIN_INNER, left, right, NULL),
                               join->condition);
    if (!uses_left && join->kind != JOIN_FULL)
        return lower_join_one_side(rc, memo, join, 1);
    if (!uses_left || !uses_right)
        return lower_join_one_side(rc, memo, join, uses_left ? 0 : 1);
    if (join->kind == JOIN_FULL)
        return refuse_join(rc, join->condition, &join->head);
    right = lower_predicate(rc, memo, right, join->condition);
    return plan_join(rc->arena, (JoinKind)join->kind, left, right, NULL);
}

static void note_subquery(void *context, const Expr *expr)
{
    *(bool *)context |= expr_has_subquery(expr);
}

static const Plan *refuse_node(RuleCtx *rc, const Plan *plan)
{
    return rule_fail(rc,
                     error_set(rc->err, ST_NOT_SUPPORTED, "not supported: a subquery in a %s",
                               plan_kind_name(plan->kind)),
                     plan);
}

/* The node's own expressions; its inputs are done. */
static const Plan *lower_node(RuleCtx *rc, PlanMemo *memo, const Plan *plan)
{
    bool has_subquery = false;

    plan_visit_exprs(plan, note_subquery, &has_subquery);
    if (!has_subquery)
        return plan;
    switch (plan->kind) {
    case PLAN_FILTER:
        return lower_predicate(rc, memo, plan->inputs[0], ((const PlanFilter *)plan)->predicate);
    case PLAN_PROJECT:
        return lower_project(rc, memo, (const PlanProject *)plan);
    case PLAN_AGGREGATE:
        return lower_aggregate(rc, memo, (const PlanAggregate *)plan);
    case PLAN_JOIN:
        return lower_join(rc, memo, (const PlanJoin *)plan);
    case PLAN_VALUES:
        return lower_plan(rc, memo, values_as_projects(rc, (const PlanValues *)plan));
    default:
        return refuse_node(rc, plan);
    }
}

static const Plan *lower_plan(RuleCtx *rc, PlanMemo *memo, const Plan *plan)
{
    if (rc->status != ST_OK)
        return plan;
    return lower_node(rc, memo, plan_map_inputs(rc, memo, plan, lower_plan));
}

static const Plan *lower_subqueries(RuleCtx *rc, const Plan *plan)
{
    PlanMemo memo = {0};

    return lower_plan(rc, &memo, plan);
}

const Rule rule_lower_subqueries = {
    .name = "lower_subqueries",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .is_required = true,
    .rewrite = lower_subqueries,
};
