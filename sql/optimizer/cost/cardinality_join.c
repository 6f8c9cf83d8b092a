/*
 * cardinality_join.c -- rows of joins
 *
 *     L join R on a = x          |L| |R| / max(values of a, values of x)
 *     ... and b = y              the pairs (a, b) of one table are no more than its rows
 */
#include <math.h>

#include "sql/optimizer/cost/cost_internal.h"

/* A semi join never surely keeps nothing, an anti join neither. */
#define PART_MIN 0.001

/* Values that one side's key can take, once the other side's certainty is used too: a guess says
 * "at most one row a value", which a foreign key belies. */
static double known_domain(const ColumnEstimate *column, const ColumnEstimate *other)
{
    if (column->distinct_is_guess)
        return fmin(column->domain_count, other->domain_count);
    return column->domain_count;
}

/*
 * A key of few values refers to one of many, of which predicates leave few: info_type_id = it.id
 * AND it.info = 'rating'. Queries mostly ask for values that are there: the middle between what all
 * values alike would give and what those that occur would give.
 */
static double presence(const ColumnEstimate *few, const ColumnEstimate *many)
{
    if (few->distinct_is_guess || many->distinct_is_guess ||
        few->domain_count >= many->domain_count || many->distinct_count > few->domain_count)
        return 1;
    return sqrt(many->domain_count / fmax(1, few->domain_count));
}

double estimate_keys_selectivity(uint32_t key_count, const ColumnEstimate *left,
                                 const ColumnEstimate *right, double left_base_rows,
                                 double right_base_rows)
{
    double left_product = 1, right_product = 1, not_null = 1;
    bool left_is_capped, right_is_capped;

    if (key_count == 1)
        not_null = presence(&left[0], &right[0]) * presence(&right[0], &left[0]);
    for (uint32_t i = 0; i < key_count; i++) {
        left_product = fmin(1e18, left_product * fmax(1, known_domain(&left[i], &right[i])));
        right_product = fmin(1e18, right_product * fmax(1, known_domain(&right[i], &left[i])));
        not_null *= (1 - left[i].null_fraction) * (1 - right[i].null_fraction);
    }
    left_is_capped = key_count > 1 && left_product > left_base_rows;
    right_is_capped = key_count > 1 && right_product > right_base_rows;
    if (left_is_capped)
        left_product = fmax(1, left_base_rows);
    if (right_is_capped)
        right_product = fmax(1, right_base_rows);
    /* Both have fewer rows than combinations: the smaller one is the key, the other refers to it.
     */
    if (left_is_capped && right_is_capped)
        return not_null / fmin(left_product, right_product);
    return not_null / fmax(left_product, right_product);
}

/* --- conditions --- */

typedef struct Keys {
    uint32_t count;
    ColumnEstimate *left, *right;
    uint32_t other_count;
    const Expr **others;
} Keys;

static bool is_of(const Plan *plan, const Expr *expr)
{
    return expr->kind == EXPR_COLUMN && plan_column_index(plan, expr->column) >= 0;
}

static void add_key(Keys *keys, const Scope *scope, const Expr *left, const Expr *right)
{
    keys->left[keys->count] = cost__expr(scope, left);
    keys->right[keys->count++] = cost__expr(scope, right);
}

/* Splits the condition in equalities of the two sides' columns and the rest. */
static Keys split_condition(const Scope *scope, const Expr *condition)
{
    Arena *arena = scope->estimator->arena;
    const Plan *left = scope->plans[0], *right = scope->plans[1];
    const Expr *const *parts;
    uint32_t count = expr_split_and(arena, condition, &parts);
    Keys keys = {.left = ARENA_ARRAY(arena, ColumnEstimate, count),
                 .right = ARENA_ARRAY(arena, ColumnEstimate, count),
                 .others = ARENA_ARRAY(arena, const Expr *, count)};

    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = parts[i];
        bool is_equality = part->kind == EXPR_CALL && part->arg_count == 2 &&
                           (part->func == FUNC_EQ || part->func == FUNC_NOT_DISTINCT_FROM);

        if (is_equality && is_of(left, part->args[0]) && is_of(right, part->args[1]))
            add_key(&keys, scope, part->args[0], part->args[1]);
        else if (is_equality && is_of(right, part->args[0]) && is_of(left, part->args[1]))
            add_key(&keys, scope, part->args[1], part->args[0]);
        else
            keys.others[keys.other_count++] = part;
    }
    return keys;
}

static Scope join_scope(Estimator *estimator, const Plan *left, const Plan *right)
{
    return (Scope){
        .estimator = estimator,
        .plan_count = 2,
        .plans = {left, right},
        .rels = {estimate_plan(estimator, left), estimate_plan(estimator, right)},
    };
}

double estimate_join_selectivity(Estimator *estimator, const Plan *left, const Plan *right,
                                 const Expr *condition)
{
    Scope scope = join_scope(estimator, left, right);
    Keys keys = split_condition(&scope, condition);

    return estimate_keys_selectivity(keys.count, keys.left, keys.right, scope.rels[0]->base_rows,
                                     scope.rels[1]->base_rows) *
           cost__conjuncts_selectivity(&scope, keys.other_count, keys.others);
}

/* The part of left rows with a match on the right. */
static double part_with_match(Estimator *estimator, const Plan *left, const Plan *right,
                              const Expr *condition)
{
    Scope scope = join_scope(estimator, left, right);
    Keys keys = split_condition(&scope, condition);
    double part = 1, others, each;

    for (uint32_t i = 0; i < keys.count; i++) {
        double values = fmax(1, known_domain(&keys.left[i], &keys.right[i]));

        part = fmin(part, keys.right[i].distinct_count / values);
        part *= 1 - keys.left[i].null_fraction;
    }
    /* of several equal rows on the right, one must satisfy the rest */
    others = cost__conjuncts_selectivity(&scope, keys.other_count, keys.others);
    each = scope.rels[1]->rows;
    for (uint32_t i = 0; i < keys.count; i++)
        each = fmin(each, scope.rels[1]->rows / fmax(1, keys.right[i].distinct_count));
    part *= 1 - pow(1 - others, fmax(each, fmin(1, scope.rels[1]->rows)));
    return fmin(1, fmax(PART_MIN, part));
}

double estimate_join_rows(Estimator *estimator, JoinKind kind, const Plan *left, const Plan *right,
                          const Expr *condition)
{
    double left_rows = estimate_plan(estimator, left)->rows;
    double right_rows = estimate_plan(estimator, right)->rows;
    double inner = 0;

    if (kind == JOIN_INNER || kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_RIGHT_OUTER)
        inner =
            left_rows * right_rows * estimate_join_selectivity(estimator, left, right, condition);
    switch (kind) {
    case JOIN_INNER:
        return inner;
    case JOIN_LEFT:
        return fmax(inner, left_rows);
    case JOIN_RIGHT_OUTER:
        return fmax(inner, right_rows);
    case JOIN_FULL:
        return fmax(inner, left_rows + right_rows - fmin(inner, fmin(left_rows, right_rows)));
    case JOIN_SEMI:
        return left_rows * part_with_match(estimator, left, right, condition);
    case JOIN_ANTI:
        return left_rows * fmax(PART_MIN, 1 - part_with_match(estimator, left, right, condition));
    case JOIN_RIGHT_SEMI:
        return right_rows * part_with_match(estimator, right, left, condition);
    case JOIN_RIGHT_ANTI:
        return right_rows * fmax(PART_MIN, 1 - part_with_match(estimator, right, left, condition));
    case JOIN_MARK:
    case JOIN_SINGLE:
        return left_rows;
    }
    return left_rows;
}

/* --- the node --- */

/* A physical join's keys and the rest as one condition. */
static const Expr *hash_join_condition(Arena *arena, const PlanHashJoin *join)
{
    const Expr **parts = ARENA_ARRAY(arena, const Expr *, join->left_keys.count + 1);
    uint32_t count = 0;

    for (uint32_t i = 0; i < join->left_keys.count; i++)
        parts[count++] = expr_call2(arena, FUNC_EQ, type_of(TYPE_BOOL), join->left_keys.items[i],
                                    join->right_keys.items[i]);
    if (join->residual != NULL)
        parts[count++] = join->residual;
    return expr_join_and(arena, count, parts);
}

static JoinKind join_parts(Arena *arena, const Plan *plan, const Expr **condition_out)
{
    if (plan->kind == PLAN_JOIN) {
        *condition_out = plan_as_join(plan)->condition;
        if (plan_as_join(plan)->kind == JOIN_ANTI)
            *condition_out = expr_and(arena, *condition_out, plan_as_join(plan)->null_aware);
        return (JoinKind)plan_as_join(plan)->kind;
    }
    if (plan->kind == PLAN_HASH_JOIN) {
        *condition_out = hash_join_condition(arena, plan_as_hash_join(plan));
        return (JoinKind)plan_as_hash_join(plan)->kind;
    }
    *condition_out = plan_as_nested_join(plan)->condition;
    return (JoinKind)plan_as_nested_join(plan)->kind;
}

/* The input column that becomes column `index`: mostly it stands where the join's kind has it. */
static const ColumnEstimate *input_column(const Scope *scope, ColumnId id, uint32_t index)
{
    for (uint32_t side = 0; side < 2; side++) {
        const Plan *input = scope->plans[side];

        if (index < input->column_count && input->columns[index].id == id)
            return &scope->rels[side]->columns[index];
        index -= input->column_count;
    }
    return cost__scope_column(scope, id);
}

static ColumnEstimate output_column(const Scope *scope, const PlanColumn *column, uint32_t index,
                                    double rows)
{
    const ColumnEstimate *below = input_column(scope, column->id, index);
    ColumnEstimate out = below != NULL ? *below : cost__unknown_column(column->type, rows);

    out.distinct_count = fmax(fmin(1, rows), fmin(out.distinct_count, rows));
    return out;
}

const RelEstimate *cost__estimate_join(Estimator *estimator, const Plan *plan)
{
    const Expr *condition = NULL;
    JoinKind kind = join_parts(estimator->arena, plan, &condition);
    Scope scope = join_scope(estimator, plan->inputs[0], plan->inputs[1]);
    RelEstimate *out = ARENA_NEW(estimator->arena, RelEstimate);
    ColumnEstimate *columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, plan->column_count);

    out->rows = estimate_join_rows(estimator, kind, plan->inputs[0], plan->inputs[1], condition);
    out->base_rows = fmax(out->rows, fmax(scope.rels[0]->base_rows, scope.rels[1]->base_rows));
    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] = output_column(&scope, &plan->columns[i], i, out->rows);
    out->columns = columns;
    return out;
}
