/*
 * null_analysis.c -- for which columns a NULL makes an expression NULL, or a predicate not TRUE
 *
 *     a + b > 1 OR a < 0      null: {a}    rejected: {a}
 *     a IS NOT NULL AND b = 1               rejected: {a, b}
 */
#include "sql/optimizer/rules/rules.h"

typedef ColumnSet (*AnalyzeFn)(Arena *arena, const Expr *expr);

static ColumnSet union_of(Arena *arena, const Expr *expr, AnalyzeFn fn)
{
    ColumnSet set = {0};

    for (uint32_t i = 0; i < expr->arg_count; i++)
        set = column_set_union(arena, set, fn(arena, expr->args[i]));
    return set;
}

static ColumnSet intersection_of(Arena *arena, const Expr *expr, AnalyzeFn fn)
{
    ColumnSet set = {0};

    for (uint32_t i = 0; i < expr->arg_count; i++)
        set = i == 0 ? fn(arena, expr->args[0])
                     : column_set_intersect(arena, set, fn(arena, expr->args[i]));
    return set;
}

ColumnSet expr_null_columns(Arena *arena, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return column_set_make(arena, 1, &expr->column);
    if (expr->kind != EXPR_CALL)
        return (ColumnSet){0};
    if (func_properties(expr->func) & FUNC_STRICT)
        return union_of(arena, expr, expr_null_columns);
    switch (expr->func) {
    case FUNC_CAST:
    case FUNC_NOT:
    case FUNC_IN:
    case FUNC_NULLIF:
        return expr_null_columns(arena, expr->args[0]);
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_COALESCE:
    case FUNC_GREATEST:
    case FUNC_LEAST:
        return intersection_of(arena, expr, expr_null_columns);
    default:
        return (ColumnSet){0};
    }
}

/* expr is not FALSE when one of these is NULL. */
static ColumnSet not_false_columns(Arena *arena, const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->func == FUNC_IS_NULL)
        return expr_null_columns(arena, expr->args[0]);
    if (expr->kind == EXPR_CALL && expr->func == FUNC_OR)
        return union_of(arena, expr, not_false_columns);
    if (expr->kind == EXPR_CALL && expr->func == FUNC_AND)
        return intersection_of(arena, expr, not_false_columns);
    return expr_null_columns(arena, expr);
}

ColumnSet expr_rejected_columns(Arena *arena, const Expr *expr)
{
    if (expr == NULL)
        return (ColumnSet){0};
    if (expr->kind != EXPR_CALL)
        return expr_null_columns(arena, expr);
    switch (expr->func) {
    case FUNC_AND:
        return union_of(arena, expr, expr_rejected_columns);
    case FUNC_OR:
        return intersection_of(arena, expr, expr_rejected_columns);
    case FUNC_IS_NOT_NULL:
    case FUNC_IS_FALSE:
        return expr_null_columns(arena, expr->args[0]);
    case FUNC_IS_TRUE:
        return expr_rejected_columns(arena, expr->args[0]);
    case FUNC_NOT:
        return not_false_columns(arena, expr->args[0]);
    default:
        return expr_null_columns(arena, expr);
    }
}
