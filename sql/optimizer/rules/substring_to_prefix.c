/*
 * substring_to_prefix
 *
 *     substring(s, 1, 3) = 'abc'      =>   starts_with(s, 'abc')
 *     left(s, 3) <> 'abc'             =>   NOT starts_with(s, 'abc')
 *     left(s, 3) = 'ab'               =>   s = 'ab'                 s is no longer than that
 *
 * Why:  no text is made per row, and a prefix is a range that scans can be asked for.
 *
 * Not when:
 *   (1) the piece does not begin at the first character, or its length is no constant.
 *   (2) the constant is longer than the piece: it is equal to none, but NULL for NULL.
 *   (3) the piece is empty.
 */
#include "sql/optimizer/rules/rules.h"

static bool as_int(const Expr *expr, int64_t *value_out)
{
    if (expr->kind != EXPR_CONST || expr->value.is_null || expr->type.id != TYPE_INT4)
        return false;
    *value_out = expr->value.int32;
    return true;
}

/* The first *length_out characters of a text: that text, else NULL. */
static const Expr *text_of_prefix(const Expr *expr, int64_t *length_out)
{
    int64_t start = 0;

    *length_out = 0;
    if (expr->kind != EXPR_CALL || expr->arg_count < 2)
        return NULL;
    if (expr->func == FUNC_LEFT)
        return as_int(expr->args[1], length_out) ? expr->args[0] : NULL;
    if (expr->func != FUNC_SUBSTRING || expr->arg_count != 3 || !as_int(expr->args[1], &start) ||
        start != 1)
        return NULL; /* (1) */
    return as_int(expr->args[2], length_out) ? expr->args[0] : NULL;
}

static bool length_of(RuleCtx *rc, const Expr *constant, int64_t *length_out)
{
    const Expr *call = expr_call1(rc->arena, FUNC_LENGTH, type_of(TYPE_INT4), constant);
    Error ignored = ERROR_NONE;
    Value value;

    if (rc->request->eval_const == NULL ||
        rc->request->eval_const(rc->arena, call, &ignored, &value) != ST_OK || value.is_null)
        return false;
    *length_out = value.int32;
    return true;
}

static const Expr *substring_to_prefix(RuleCtx *rc, const Expr *expr)
{
    const Expr *text, *constant;
    int64_t piece, length;
    Value value;

    if (expr->kind != EXPR_CALL || (expr->func != FUNC_EQ && expr->func != FUNC_NE) ||
        expr->args[1]->kind != EXPR_CONST || expr->args[1]->value.is_null)
        return expr;
    text = text_of_prefix(expr->args[0], &piece);
    if (text == NULL || !type_is_text(text->type) || piece < 1 ||
        !length_of(rc, expr->args[1], &length) || length > piece)
        return expr; /* (1) (2) (3) */
    value = expr->args[1]->value;
    value.type = text->type;
    constant = expr_const(rc->arena, value);
    if (length < piece)
        return expr_call2(rc->arena, expr->func, expr->type, text, constant);
    text = expr_call2(rc->arena, FUNC_STARTS_WITH, expr->type, text, constant);
    return expr->func == FUNC_EQ ? text : expr_not(rc->arena, text);
}

const Rule rule_substring_to_prefix = {
    .name = "substring_to_prefix",
    .root = RULE_ANY_KIND,
    .rewrite_expr = substring_to_prefix,
};
