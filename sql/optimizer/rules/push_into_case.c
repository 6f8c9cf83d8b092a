/*
 * push_into_case
 *
 *     CASE WHEN p THEN 1 ELSE 0 END = 1     =>   CASE WHEN p THEN TRUE ELSE FALSE END
 *
 * An operation on a CASE whose results are all constants, its other arguments constant, is done for
 * each result now. simplify_case makes p IS TRUE of what is left.
 *
 * Why:  the comparison becomes a predicate over columns, which can be split and pushed; views that
 *       classify rows are filtered by the class's own condition.
 *
 * Not when:
 *   (1) a result or another argument is no constant.
 *   (2) the operation fails for one of them: it is left to fail for the rows that need it.
 *   (3) the operation is volatile, or makes text: repeat('x', CASE ... 1000000 END).
 */
#include "sql/optimizer/rules/rules.h"

static bool is_case_of_constants(const Expr *expr)
{
    if (expr->kind != EXPR_CALL || expr->func != FUNC_CASE)
        return false;
    for (uint32_t i = 1; i < expr->arg_count; i += 2)
        if (expr->args[i]->kind != EXPR_CONST)
            return false;
    return expr->args[expr->arg_count - 1]->kind == EXPR_CONST;
}

/* The one argument that is such a CASE, where the others are constants; else -1. (1) */
static int32_t case_argument(const Expr *expr)
{
    int32_t found = -1;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->kind == EXPR_CONST)
            continue;
        if (found >= 0 || !is_case_of_constants(expr->args[i]))
            return -1;
        found = (int32_t)i;
    }
    return found;
}

/* The operation for one result; NULL when it fails. (2) */
static const Expr *of_result(RuleCtx *rc, const Expr *expr, uint32_t argument, const Expr *result)
{
    const Expr **args = arena_copy(rc->arena, expr->args, expr->arg_count * sizeof *args);
    Error ignored = ERROR_NONE;
    const Expr *call;
    Value value;

    args[argument] = result;
    call = expr_with_args(rc->arena, expr, args);
    if (rc->request->eval_const(rc->arena, call, &ignored, &value) != ST_OK)
        return NULL;
    value.type = expr->type;
    return expr_const(rc->arena, value);
}

static bool is_candidate(const RuleCtx *rc, const Expr *expr)
{
    return expr->kind == EXPR_CALL && rc->request->eval_const != NULL && expr->func != FUNC_CASE &&
           (func_properties(expr->func) & FUNC_VOLATILE) == 0 &&
           type_phys(expr->type) != PHYS_STR; /* (3) */
}

static const Expr *push_into_case(RuleCtx *rc, const Expr *expr)
{
    const Expr *inner, **args;
    int32_t argument;

    if (!is_candidate(rc, expr))
        return expr;
    argument = case_argument(expr);
    if (argument < 0)
        return expr;
    inner = expr->args[argument];
    args = arena_copy(rc->arena, inner->args, inner->arg_count * sizeof *args);
    for (uint32_t i = 0; i < inner->arg_count; i++) {
        bool is_condition = i % 2 == 0 && i + 1 < inner->arg_count;

        if (!is_condition)
            args[i] = of_result(rc, expr, (uint32_t)argument, inner->args[i]);
        if (args[i] == NULL)
            return expr; /* (2) */
    }
    return expr_call(rc->arena, FUNC_CASE, expr->type, inner->arg_count, args);
}

const Rule rule_push_into_case = {
    .name = "push_into_case",
    .root = RULE_ANY_KIND,
    .rewrite_expr = push_into_case,
};
