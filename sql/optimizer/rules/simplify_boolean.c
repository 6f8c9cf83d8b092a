/*
 * simplify_boolean
 *
 *     a AND (b AND c)      =>   a AND b AND c
 *     a AND TRUE AND a     =>   a                  a OR FALSE      =>   a
 *     a AND FALSE          =>   FALSE              a OR TRUE       =>   TRUE
 *     a AND (a OR b)       =>   a                  a OR (a AND b)  =>   a
 *     NOT (a AND b < c)    =>   NOT a OR b >= c
 *     NOT a IS NULL        =>   a IS NOT NULL
 *     a = TRUE             =>   a
 *
 * Each holds for NULL too: a AND NULL is left alone, it is FALSE or NULL as a is.
 *
 * Why:  conjuncts can be pushed down one by one, and equal parts are found.
 *
 * Not when:
 *   (1) parts are volatile: two calls of one function are not one.
 */
#include "sql/optimizer/rules/rules.h"

/* Past this many parts equal ones are not looked for: it takes a comparison of every two. */
enum { PARTS_COMPARED_MAX = 200 };

static bool is_call(const Expr *expr, FuncId func)
{
    return expr->kind == EXPR_CALL && expr->func == func;
}

static bool is_bool_const(const Expr *expr, bool value)
{
    return expr->kind == EXPR_CONST && expr->type.id == TYPE_BOOL && !expr->value.is_null &&
           expr->value.boolean == value;
}

static Type bool_type(void)
{
    return type_of(TYPE_BOOL);
}

static bool has_part(const ExprVec *parts, const Expr *expr)
{
    for (uint32_t i = 0; i < parts->count; i++)
        if (expr_equal(parts->items[i], expr))
            return true;
    return false;
}

/* Is one of whole's arguments among parts? a AND (a OR b): the OR adds nothing. */
static bool is_absorbed(const ExprVec *parts, const Expr *whole, FuncId other)
{
    if (!is_call(whole, other))
        return false;
    for (uint32_t i = 0; i < whole->arg_count; i++)
        if (has_part(parts, whole->args[i]))
            return true;
    return false;
}

/* --- AND and OR --- */

/* Adds expr's parts, flattened; false when one of them decides the whole. */
static bool add_parts(ExprVec *parts, const Expr *expr, bool is_and)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const Expr *arg = expr->args[i];

        if (is_bool_const(arg, is_and))
            continue;
        if (is_bool_const(arg, !is_and))
            return false;
        if (is_call(arg, expr->func)) {
            if (!add_parts(parts, arg, is_and))
                return false;
        } else if (parts->count > PARTS_COMPARED_MAX || !has_part(parts, arg) ||
                   expr_is_volatile(arg)) { /* (1) */
            expr_vec_add(parts, arg);
        }
    }
    return true;
}

static void absorb(ExprVec *parts, FuncId other)
{
    uint32_t kept = 0;
    ExprVec all = *parts;
    bool changed = false;

    for (uint32_t i = 0; i < parts->count; i++)
        changed |= is_absorbed(parts, parts->items[i], other);
    if (!changed)
        return;
    all.items = arena_copy(parts->arena, parts->items, parts->count * sizeof *parts->items);
    for (uint32_t i = 0; i < all.count; i++)
        if (!is_absorbed(&all, all.items[i], other) || expr_is_volatile(all.items[i]))
            parts->items[kept++] = all.items[i];
    parts->count = kept;
}

static const Expr *simplify_and_or(RuleCtx *rc, const Expr *expr)
{
    bool is_and = expr->func == FUNC_AND, changed;
    ExprVec parts = {.arena = rc->arena};

    if (!add_parts(&parts, expr, is_and))
        return expr_const(rc->arena, value_bool(!is_and));
    if (parts.count <= PARTS_COMPARED_MAX)
        absorb(&parts, is_and ? FUNC_OR : FUNC_AND);
    if (parts.count == 0)
        return expr_const(rc->arena, value_bool(is_and));
    if (parts.count == 1)
        return parts.items[0];
    changed = parts.count != expr->arg_count;
    for (uint32_t i = 0; !changed && i < parts.count; i++)
        changed = parts.items[i] != expr->args[i];
    return changed ? expr_call(rc->arena, expr->func, expr->type, parts.count, parts.items) : expr;
}

/* --- NOT --- */

static const Expr *negate(RuleCtx *rc, const Expr *expr)
{
    return expr_call1(rc->arena, FUNC_NOT, bool_type(), expr);
}

static const Expr *simplify_not(RuleCtx *rc, const Expr *expr)
{
    const Expr *arg = expr->args[0];
    FuncId negated;

    if (arg->kind != EXPR_CALL)
        return expr;
    switch (arg->func) {
    case FUNC_NOT:
        return arg->args[0];
    case FUNC_IS_NULL:
        return expr_call1(rc->arena, FUNC_IS_NOT_NULL, bool_type(), arg->args[0]);
    case FUNC_IS_NOT_NULL:
        return expr_call1(rc->arena, FUNC_IS_NULL, bool_type(), arg->args[0]);
    case FUNC_AND:
    case FUNC_OR: {
        const Expr **args = ARENA_ARRAY(rc->arena, const Expr *, arg->arg_count);

        for (uint32_t i = 0; i < arg->arg_count; i++)
            args[i] = simplify_not(rc, negate(rc, arg->args[i]));
        return expr_call(rc->arena, arg->func == FUNC_AND ? FUNC_OR : FUNC_AND, bool_type(),
                         arg->arg_count, args);
    }
    default:
        if (!func_negate_comparison(arg->func, &negated))
            return expr;
        return expr_call2(rc->arena, negated, bool_type(), arg->args[0], arg->args[1]);
    }
}

/* --- comparisons of booleans --- */

static const Expr *simplify_bool_comparison(RuleCtx *rc, const Expr *expr)
{
    const Expr *a = expr->args[0], *b = expr->args[1];
    bool is_eq = expr->func == FUNC_EQ;

    if (is_bool_const(a, true) || is_bool_const(a, false)) {
        const Expr *swap = a;

        a = b;
        b = swap;
    }
    if (a->type.id != TYPE_BOOL)
        return expr;
    if (is_bool_const(b, is_eq))
        return a;
    return is_bool_const(b, !is_eq) ? simplify_not(rc, negate(rc, a)) : expr;
}

static const Expr *simplify_boolean(RuleCtx *rc, const Expr *expr)
{
    if (expr->kind != EXPR_CALL)
        return expr;
    switch (expr->func) {
    case FUNC_AND:
    case FUNC_OR:
        return simplify_and_or(rc, expr);
    case FUNC_NOT:
        return simplify_not(rc, expr);
    case FUNC_EQ:
    case FUNC_NE:
        return simplify_bool_comparison(rc, expr);
    default:
        return expr;
    }
}

const Rule rule_simplify_boolean = {
    .name = "simplify_boolean",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_boolean,
};
