/*
 * physical_null_aware.c -- x NOT IN (SELECT y ...) by hash, NULLs or not
 *
 * Where neither x nor y can be NULL, the comparison joins the condition, and the join is as any
 * other. Else two facts about the right side decide what a NULL means, its number of rows n and
 * of rows whose y is not NULL m (per group, when the condition k = c correlates the two sides):
 *
 *     Anti [x = y unless null]         Anti x = y [and k = c]
 *       L                        =>      Filter n IS NULL OR n = 0 OR (x IS NOT NULL AND m = n)
 *       R                                  Left Join [k = c]
 *                                            L
 *                                            Aggregate [c] count(*) n, count(y) m
 *                                              Shared R
 *                                        Shared R
 *
 * and for Mark the mark becomes
 *     CASE WHEN found THEN TRUE WHEN n IS NULL OR n = 0 THEN FALSE
 *          WHEN x IS NULL OR m < n THEN NULL ELSE FALSE END
 *
 * Why:  without it, every pair would have to be tried.
 *
 * Not when:
 *   (1) the comparison is of rows, (a, b) NOT IN (...), or no equality: pairs are tried.
 *   (2) the condition is more than equalities of the two sides: there are no groups.
 *   (3) x is volatile: it is evaluated twice.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/physical_internal.h"

enum { KEYS_MAX = 16 };

typedef struct Lowering {
    RuleCtx *rc;
    Arena *arena;
    const PlanJoin *join;
    uint32_t key_count;
    const JoinKey *keys;
    JoinKey compared;        /* x and y                                            */
    const Plan *matched;     /* Shared R: y, c...                                 */
    const Plan *counted;     /* Shared R again                                    */
    const Expr *row_count;   /* n                                                 */
    const Expr *value_count; /* m                                                 */
} Lowering;

static bool is_never_null(const Plan *left, const Plan *right, const Expr *expr)
{
    const PlanColumn *column;

    if (expr->kind == EXPR_CONST)
        return !expr->value.is_null;
    if (expr->kind == EXPR_COLUMN) {
        column = plan_column(left, expr->column);
        if (column == NULL)
            column = plan_column(right, expr->column);
        return column != NULL && !column->is_nullable;
    }
    if (expr->kind != EXPR_CALL)
        return false;
    switch (expr->func) {
    case FUNC_CAST:
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_NOT:
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_never_null(left, right, expr->args[i]))
            return false;
    }
    return true;
}

static const Plan *as_plain_join(RuleCtx *rc, const PlanJoin *join)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    const Expr *condition = expr_and(rc->arena, join->condition, join->null_aware);

    if (join->kind == JOIN_ANTI)
        return plan_anti_join(rc->arena, left, right, condition, NULL);
    return plan_mark_join(rc->arena, left, right, condition, NULL,
                          *plan_column(&join->head, join->mark));
}

/* y and c... of the right input, computed once and read twice under ids of their own. */
static void share_right(Lowering *low)
{
    Arena *arena = low->arena;
    uint32_t count = low->key_count + 1;
    const Expr *exprs[KEYS_MAX + 1];
    PlanColumn columns[KEYS_MAX + 1];
    ColumnId ids[KEYS_MAX + 1];
    const Plan *projected, *copies[2];
    int64_t shared_id = ++low->rc->ids->last_shared;

    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = i == 0 ? low->compared.right : low->keys[i - 1].right;
        ids[i] = plan_new_column(low->rc->ids);
        columns[i] = (PlanColumn){.id = ids[i],
                                  .type = exprs[i]->type,
                                  .name = i == 0 ? "value" : "key",
                                  .is_nullable = true};
    }
    projected = plan_project(arena, low->join->head.inputs[1], count, exprs, columns);
    for (uint32_t copy = 0; copy < 2; copy++) {
        ColumnList map = {count, ids};

        for (uint32_t i = 0; i < count; i++)
            columns[i].id = plan_new_column(low->rc->ids);
        copies[copy] =
            plan_shared(arena, projected, shared_id, "not in", false, &map, count, columns);
    }
    low->matched = copies[0];
    low->counted = copies[1];
}

static const Expr *column_of(Arena *arena, const Plan *plan, uint32_t index)
{
    return expr_column(arena, plan->columns[index].id, plan->columns[index].type);
}

static const Plan *count_rows(Lowering *low)
{
    Arena *arena = low->arena;
    Type type = type_of(TYPE_INT8);
    const Expr *value = column_of(arena, low->counted, 0);
    const Expr *aggs[2] = {expr_agg(arena, AGG_COUNT_STAR, type, 0, NULL, false, NULL),
                           expr_agg(arena, AGG_COUNT, type, 1, &value, false, NULL)};
    PlanColumn columns[2] = {{plan_new_column(low->rc->ids), type, "rows", false},
                             {plan_new_column(low->rc->ids), type, "values", false}};
    ColumnId keys[KEYS_MAX];

    for (uint32_t i = 0; i < low->key_count; i++)
        keys[i] = low->counted->columns[i + 1].id;
    low->row_count = expr_column(arena, columns[0].id, type);
    low->value_count = expr_column(arena, columns[1].id, type);
    return plan_aggregate(arena, low->counted, low->key_count, keys, 2, aggs, columns);
}

/* k = c [and x = y] against a plan of the columns y, c... */
static const Expr *equalities(const Lowering *low, const Plan *right, uint32_t first_key,
                              bool with_value)
{
    Arena *arena = low->arena;
    const Expr *parts[KEYS_MAX + 1];
    uint32_t count = 0;

    for (uint32_t i = 0; i < low->key_count; i++)
        parts[count++] = expr_call2(
            arena, low->keys[i].null_equal ? FUNC_NOT_DISTINCT_FROM : FUNC_EQ, type_of(TYPE_BOOL),
            low->keys[i].left, column_of(arena, right, first_key + i));
    if (with_value)
        parts[count++] = expr_call2(arena, FUNC_EQ, type_of(TYPE_BOOL), low->compared.left,
                                    column_of(arena, right, 0));
    return expr_join_and(arena, count, parts);
}

/* left with n and m beside each row. */
static const Plan *with_counts(Lowering *low, const Plan *left)
{
    const Plan *counts = count_rows(low);

    if (low->key_count == 0)
        return plan_join(low->arena, JOIN_INNER, left, counts, NULL);
    return plan_join(low->arena, JOIN_LEFT, left, counts, equalities(low, counts, 0, false));
}

static const Expr *call2(Arena *arena, FuncId func, const Expr *a, const Expr *b)
{
    return expr_call2(arena, func, type_of(TYPE_BOOL), a, b);
}

static const Expr *call1(Arena *arena, FuncId func, const Expr *a)
{
    return expr_call1(arena, func, type_of(TYPE_BOOL), a);
}

/* n IS NULL OR n = 0 */
static const Expr *has_no_rows(const Lowering *low)
{
    Arena *arena = low->arena;

    return call2(arena, FUNC_OR, call1(arena, FUNC_IS_NULL, low->row_count),
                 call2(arena, FUNC_EQ, low->row_count, expr_const(arena, value_int8(0))));
}

static const Plan *lower_anti(Lowering *low)
{
    Arena *arena = low->arena;
    const Plan *left = low->join->head.inputs[0];
    const Plan *counted = with_counts(low, left);
    const Plan *kept;
    const Expr *known = call2(arena, FUNC_AND, call1(arena, FUNC_IS_NOT_NULL, low->compared.left),
                              call2(arena, FUNC_EQ, low->value_count, low->row_count));
    kept = plan_filter(arena, counted, call2(arena, FUNC_OR, has_no_rows(low), known));
    return plan_anti_join(arena, kept, low->matched, equalities(low, low->matched, 1, true), NULL);
}

static const Plan *lower_mark(Lowering *low)
{
    Arena *arena = low->arena;
    Type type = type_of(TYPE_BOOL);
    const PlanColumn *mark = plan_column(&low->join->head, low->join->mark);
    PlanColumn found = {plan_new_column(low->rc->ids), type, "found", false};
    const Plan *marked = plan_mark_join(arena, low->join->head.inputs[0], low->matched,
                                        equalities(low, low->matched, 1, true), NULL, found);
    const Plan *counted = with_counts(low, marked);
    const Expr *unknown = call2(arena, FUNC_OR, call1(arena, FUNC_IS_NULL, low->compared.left),
                                call2(arena, FUNC_LT, low->value_count, low->row_count));
    const Expr *when[7] = {expr_column(arena, found.id, type),
                           expr_const(arena, value_bool(true)),
                           has_no_rows(low),
                           expr_const(arena, value_bool(false)),
                           unknown,
                           expr_const(arena, value_null(type)),
                           expr_const(arena, value_bool(false))};
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, low->join->head.column_count);

    for (uint32_t i = 0; i < low->join->head.column_count; i++) {
        const PlanColumn *column = &low->join->head.columns[i];

        exprs[i] = column == mark ? expr_call(arena, FUNC_CASE, type, 7, when)
                                  : expr_column(arena, column->id, column->type);
    }
    return plan_project(arena, counted, low->join->head.column_count, exprs,
                        low->join->head.columns);
}

const Plan *physical_lower_null_aware(RuleCtx *rc, const PlanJoin *join)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    Lowering low = {.rc = rc, .arena = rc->arena, .join = join};
    const JoinKey *compared;
    const Expr *residual;
    uint32_t compared_count;

    if (join->null_aware == NULL || (join->kind != JOIN_ANTI && join->kind != JOIN_MARK))
        return &join->head;
    if (is_never_null(left, right, join->null_aware))
        return as_plain_join(rc, join);
    compared_count =
        physical_split_condition(rc->arena, left, right, join->null_aware, &compared, &residual);
    if (compared_count != 1 || residual != NULL || compared->null_equal ||
        expr_is_volatile(compared->left)) /* (1) (3) */
        return &join->head;
    low.compared = compared[0];
    low.key_count =
        physical_split_condition(rc->arena, left, right, join->condition, &low.keys, &residual);
    if (residual != NULL || low.key_count > KEYS_MAX) /* (2) */
        return &join->head;
    share_right(&low);
    return join->kind == JOIN_ANTI ? lower_anti(&low) : lower_mark(&low);
}
