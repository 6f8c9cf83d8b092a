/*
 * narrow_decimals
 *
 *     sum(CAST(price AS numeric(31,4)) * CAST(1 - discount AS numeric(31,4)))
 *       =>
 *     sum(price * (1 - discount))          numeric(18,4): price <= 104949.50, 0.90 <= 1 - discount
 *
 * Why:  by the type rules a product of two numeric(15,2) has 30 digits and needs 128 bits, three
 *       times as slow as 64. The files' min and max say that its values fit 18 digits.
 *
 * The operations still check for overflow: were a file's statistics wrong, the query would fail,
 * not lie. Where the wide type can be seen, a cast restores it; sum and avg of 64-bit numerics give
 * 38 digits all the same, and comparisons give booleans.
 *
 * Not when:
 *   (1) bounds are not known: a column without statistics, a division, a function.
 *   (2) some value may have more than 18 digits.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/decimal.h"
#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/optimizer_internal.h"
#include "sql/optimizer/rules/rules.h"

/* What an expression becomes: of the same type, and, when that can be, in 64 bits. */
typedef struct Form {
    const Expr *same;
    const Expr *narrow; /* numeric(18, same scale), or NULL */
    ColumnEstimate bounds;
} Form;

typedef struct Narrower {
    RuleCtx *rc;
    Arena *arena;
    uint32_t plan_count;
    const Plan *plans[2]; /* whose columns the expression uses */
} Narrower;

static Form narrow(const Narrower *narrower, const Expr *expr);

static bool is_wide(Type type)
{
    return type.id == TYPE_DECIMAL && type.precision > DECIMAL64_DIGITS;
}

static bool fits(const ColumnEstimate *bounds) /* (1) (2) */
{
    return bounds->has_bounds && decimal_fits(bounds->min, DECIMAL64_DIGITS) &&
           decimal_fits(bounds->max, DECIMAL64_DIGITS);
}

static Type narrow_type(Type type)
{
    return type_decimal(DECIMAL64_DIGITS, type.scale);
}

static ColumnEstimate column_bounds(const Narrower *narrower, ColumnId id)
{
    for (uint32_t i = 0; i < narrower->plan_count; i++) {
        if (plan_column_index(narrower->plans[i], id) >= 0)
            return estimate_column(estimator_of(narrower->rc), narrower->plans[i], id);
    }
    return (ColumnEstimate){.has_bounds = false};
}

static Form narrow_const(const Narrower *narrower, const Expr *expr)
{
    Form form = {.same = expr};
    Value value = expr->value;

    if (value.is_null || (!type_is_integer(expr->type) && expr->type.id != TYPE_DECIMAL))
        return form;
    form.bounds.has_bounds = true;
    form.bounds.min = form.bounds.max = value_as_int128(&value);
    if (is_wide(expr->type) && expr->type.scale <= DECIMAL64_DIGITS && fits(&form.bounds))
        form.narrow = expr_const(
            narrower->arena, value_decimal(form.bounds.min, DECIMAL64_DIGITS, expr->type.scale));
    return form;
}

/* --- calls --- */

static bool gives_value(const Expr *expr, uint32_t arg)
{
    return expr->func == FUNC_COALESCE || arg % 2 == 1 || arg + 1 == expr->arg_count;
}

/* CASE and COALESCE are narrow when all their values are. */
static void narrow_choice(const Narrower *narrower, const Expr *expr, const Form *args, Form *form)
{
    const Expr **narrowed = ARENA_ARRAY(narrower->arena, const Expr *, expr->arg_count);
    bool is_first = true;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const ColumnEstimate *bounds = &args[i].bounds;

        narrowed[i] = args[i].same;
        if (!gives_value(expr, i))
            continue;
        if (args[i].same->kind == EXPR_CONST && args[i].same->value.is_null) {
            narrowed[i] = expr_const(narrower->arena, value_null(narrow_type(expr->type)));
            continue;
        }
        if (args[i].narrow == NULL || args[i].narrow->type.scale != expr->type.scale ||
            !bounds->has_bounds)
            return;
        narrowed[i] = args[i].narrow;
        if (is_first || bounds->min < form->bounds.min)
            form->bounds.min = bounds->min;
        if (is_first || bounds->max > form->bounds.max)
            form->bounds.max = bounds->max;
        is_first = false;
    }
    form->bounds.has_bounds = !is_first;
    if (is_wide(expr->type) && !is_first)
        form->narrow = expr_call(narrower->arena, expr->func, narrow_type(expr->type),
                                 expr->arg_count, narrowed);
}

/* CAST(x AS wide): x itself where the scale stays; CAST(narrow x AS anything) skips the wide x. */
static void narrow_cast(const Narrower *narrower, const Expr *expr, const Form *arg, Form *form)
{
    Type source = expr->args[0]->type;

    if (is_wide(source) && arg->narrow != NULL)
        form->same = expr_cast(narrower->arena, arg->narrow, expr->type);
    if (!is_wide(expr->type) || expr->type.scale > DECIMAL64_DIGITS || !fits(&form->bounds))
        return;
    if (source.id == TYPE_DECIMAL && source.scale == expr->type.scale)
        form->narrow = arg->narrow != NULL ? arg->narrow : NULL;
    else if (arg->narrow != NULL || type_is_integer(source))
        form->narrow = expr_cast(narrower->arena, arg->narrow != NULL ? arg->narrow : arg->same,
                                 narrow_type(expr->type));
}

static bool is_arithmetic(const Expr *expr)
{
    return expr->func == FUNC_ADD || expr->func == FUNC_SUB || expr->func == FUNC_MUL ||
           expr->func == FUNC_NEG;
}

static bool is_comparison(FuncId func)
{
    return func == FUNC_EQ || func == FUNC_NE || func == FUNC_LT || func == FUNC_LE ||
           func == FUNC_GT || func == FUNC_GE;
}

static bool all_narrow(const Expr *expr, const Form *args)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (args[i].narrow == NULL)
            return false;
    }
    return true;
}

static const Expr *with_narrow_args(const Narrower *narrower, const Expr *expr, Type type,
                                    const Form *args)
{
    const Expr **narrowed = ARENA_ARRAY(narrower->arena, const Expr *, expr->arg_count);

    for (uint32_t i = 0; i < expr->arg_count; i++)
        narrowed[i] = args[i].narrow;
    return expr_call(narrower->arena, expr->func, type, expr->arg_count, narrowed);
}

static bool has_wide_arg(const Expr *expr)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (is_wide(expr->args[i]->type))
            return true;
    }
    return false;
}

/* A wide value that has a narrow form, computed so and shown wide; an operation on 64-bit numbers
 * that widens its result is as good. */
static void show_wide(const Narrower *narrower, const Expr *expr, Form *form)
{
    if (form->narrow != NULL && is_wide(expr->type) && expr->func != FUNC_CAST &&
        has_wide_arg(expr))
        form->same = expr_cast(narrower->arena, form->narrow, expr->type);
}

static Form narrow_call(const Narrower *narrower, const Expr *expr)
{
    Form *args = ARENA_ARRAY(narrower->arena, Form, expr->arg_count);
    const Expr **same = ARENA_ARRAY(narrower->arena, const Expr *, expr->arg_count);
    ColumnEstimate bounds[2] = {{0}};
    Form form = {0};

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        args[i] = narrow(narrower, expr->args[i]);
        same[i] = args[i].same;
        if (i < 2)
            bounds[i] = args[i].bounds;
    }
    form.same = expr_with_args(narrower->arena, expr, same);
    if (expr->func == FUNC_CASE || expr->func == FUNC_COALESCE) {
        narrow_choice(narrower, expr, args, &form);
    } else if (expr->arg_count >= 1 && expr->arg_count <= 2) {
        estimate_call_bounds(expr, bounds, &form.bounds);
        if (expr->func == FUNC_CAST)
            narrow_cast(narrower, expr, &args[0], &form);
        else if (is_arithmetic(expr) && is_wide(expr->type) && fits(&form.bounds) &&
                 expr->type.scale <= DECIMAL64_DIGITS && all_narrow(expr, args))
            form.narrow = with_narrow_args(narrower, expr, narrow_type(expr->type), args);
        else if (is_comparison(expr->func) && is_wide(expr->args[0]->type) &&
                 all_narrow(expr, args))
            form.same = with_narrow_args(narrower, expr, expr->type, args);
    }
    show_wide(narrower, expr, &form);
    return form;
}

/* sum and avg take either width and give 38 digits; count takes anything. */
static Form narrow_agg(const Narrower *narrower, const Expr *expr)
{
    Form form = {.same = expr};
    const Expr *filter = expr->filter == NULL ? NULL : narrow(narrower, expr->filter).same;
    const Expr *arg;
    Form narrowed;

    if (expr->arg_count != 1) {
        if (filter != expr->filter)
            form.same = expr_agg(narrower->arena, expr->agg, expr->type, expr->arg_count,
                                 expr->args, expr->is_distinct, filter);
        return form;
    }
    narrowed = narrow(narrower, expr->args[0]);
    arg = narrowed.same;
    if ((expr->agg == AGG_SUM || expr->agg == AGG_AVG || expr->agg == AGG_COUNT) &&
        is_wide(expr->args[0]->type) && narrowed.narrow != NULL)
        arg = narrowed.narrow;
    if (arg != expr->args[0] || filter != expr->filter)
        form.same =
            expr_agg(narrower->arena, expr->agg, expr->type, 1, &arg, expr->is_distinct, filter);
    return form;
}

static Form narrow(const Narrower *narrower, const Expr *expr)
{
    Form form = {.same = expr};

    if (expr->kind == EXPR_CONST)
        form = narrow_const(narrower, expr);
    else if (expr->kind == EXPR_COLUMN)
        form.bounds = column_bounds(narrower, expr->column);
    else if (expr->kind == EXPR_CALL)
        form = narrow_call(narrower, expr);
    else if (expr->kind == EXPR_AGG)
        form = narrow_agg(narrower, expr);
    if (form.narrow == NULL && expr->type.id == TYPE_DECIMAL && !is_wide(expr->type))
        form.narrow = form.same;
    return form;
}

/* --- nodes --- */

static Narrower narrower_of(RuleCtx *rc, const Plan *plan)
{
    /* a union of many has no expressions */
    Narrower narrower = {
        .rc = rc, .arena = rc->arena, .plan_count = plan->input_count <= 2 ? plan->input_count : 0};

    for (uint32_t i = 0; i < narrower.plan_count; i++)
        narrower.plans[i] = plan->inputs[i];
    return narrower;
}

static const Expr *narrow_same(const Narrower *narrower, const Expr *expr)
{
    return expr == NULL ? NULL : narrow(narrower, expr).same;
}

/* true: some became another. */
static bool narrow_list(const Narrower *narrower, ExprList list, ExprList *list_out)
{
    const Expr **items = ARENA_ARRAY(narrower->arena, const Expr *, list.count);
    bool changed = false;

    for (uint32_t i = 0; i < list.count; i++) {
        items[i] = narrow(narrower, list.items[i]).same;
        changed |= items[i] != list.items[i];
    }
    *list_out = (ExprList){list.count, items};
    return changed;
}

static const Plan *narrow_join(const Narrower *narrower, const PlanJoin *join)
{
    const Expr *condition = narrow_same(narrower, join->condition);
    const Expr *null_aware = narrow_same(narrower, join->null_aware);
    PlanJoin *copy;

    if (condition == join->condition && null_aware == join->null_aware)
        return &join->head;
    copy = arena_copy(narrower->arena, join, sizeof *copy);
    copy->condition = condition;
    copy->null_aware = null_aware;
    return &copy->head;
}

static bool is_group_key(const PlanAggregate *aggregate, ColumnId id)
{
    for (uint32_t i = 0; i < aggregate->keys.count; i++) {
        if (aggregate->keys.ids[i] == id)
            return true;
    }
    return false;
}

/* Aggregate over Project: a computed column is handed over narrow, under a new id, and shown wide
 * where the aggregates read it; sums then drop the cast. The same pointer when there is none. */
static const Plan *narrow_handover(RuleCtx *rc, const PlanAggregate *aggregate)
{
    const PlanProject *project = plan_as_project(aggregate->head.inputs[0]);
    MapVec shown = {.arena = rc->arena};
    Narrower narrower;
    const Expr **exprs, **aggs;
    PlanColumn *columns;
    PlanAggregate *copy;
    ColumnMap map;

    if (project == NULL)
        return &aggregate->head;
    narrower = narrower_of(rc, &project->head);
    exprs = arena_copy(rc->arena, project->exprs.items, project->exprs.count * sizeof *exprs);
    columns = arena_copy(rc->arena, project->head.columns, project->exprs.count * sizeof *columns);
    for (uint32_t i = 0; i < project->exprs.count; i++) {
        Form form;

        if (!is_wide(columns[i].type) || is_group_key(aggregate, columns[i].id))
            continue;
        form = narrow(&narrower, exprs[i]);
        if (form.narrow == NULL)
            continue;
        exprs[i] = form.narrow;
        columns[i].type = form.narrow->type;
        columns[i].id = plan_new_column(rc->ids);
        map_vec_add(&shown, project->head.columns[i].id,
                    expr_cast(rc->arena, expr_of_column(rc->arena, &columns[i]),
                              project->head.columns[i].type));
    }
    map = map_vec_map(&shown);
    if (map.count == 0)
        return &aggregate->head;
    aggs = ARENA_ARRAY(rc->arena, const Expr *, aggregate->aggs.count);
    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        aggs[i] = expr_substitute(rc->arena, aggregate->aggs.items[i], &map);
    copy = (PlanAggregate *)plan_with_input(
        rc->arena, &aggregate->head,
        plan_project(rc->arena, project->head.inputs[0], project->exprs.count, exprs, columns));
    copy->aggs.items = aggs;
    return &copy->head;
}

static const Plan *narrow_aggregate(RuleCtx *rc, const PlanAggregate *aggregate)
{
    const Plan *plan = narrow_handover(rc, aggregate);
    const PlanAggregate *handed = plan_as_aggregate(plan);
    Narrower narrower = narrower_of(rc, plan);
    PlanAggregate *copy;
    ExprList aggs;

    if (!narrow_list(&narrower, handed->aggs, &aggs))
        return plan;
    copy = arena_copy(rc->arena, handed, sizeof *copy);
    copy->aggs = aggs;
    return &copy->head;
}

static const Plan *narrow_node(RuleCtx *rc, PlanMemo *memo, const Plan *before)
{
    const Plan *plan;
    Narrower narrower;
    ExprList exprs;

    if (before->kind == PLAN_AGGREGATE)
        before = narrow_aggregate(rc, plan_as_aggregate(before));
    plan = plan_map_inputs(rc, memo, before, narrow_node);
    narrower = narrower_of(rc, plan);
    if (plan->kind == PLAN_FILTER) {
        const Expr *predicate = narrow_same(&narrower, plan_as_filter(plan)->predicate);

        return predicate == plan_as_filter(plan)->predicate
                   ? plan
                   : plan_filter(rc->arena, plan->inputs[0], predicate);
    }
    if (plan->kind == PLAN_PROJECT && narrow_list(&narrower, plan_as_project(plan)->exprs, &exprs))
        return plan_project(rc->arena, plan->inputs[0], exprs.count, exprs.items, plan->columns);
    if (plan->kind == PLAN_JOIN)
        return narrow_join(&narrower, plan_as_join(plan));
    return plan;
}

static const Plan *narrow_decimals(RuleCtx *rc, const Plan *plan)
{
    PlanMemo memo = {0};

    estimator_prepare(estimator_of(rc), plan);
    return narrow_node(rc, &memo, plan);
}

const Rule rule_narrow_decimals = {
    .name = "narrow_decimals",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = narrow_decimals,
};
