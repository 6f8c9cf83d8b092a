/*
 * or_parts.c -- what an OR says of some columns alone
 *
 *     (a = 1 AND b = 2) OR (a = 3 AND c = 4)      over {a}: a = 1 OR a = 3; over {b}: nothing
 */
#include "sql/optimizer/rules/rules.h"

static const Expr *side_of_branch(Arena *arena, const Expr *branch, ColumnSet columns)
{
    ExprVec own = {.arena = arena};
    const Expr *const *parts;
    uint32_t count = expr_split_and(arena, branch, &parts);

    for (uint32_t i = 0; i < count; i++) {
        ColumnSet used = expr_columns(arena, parts[i]);

        if (used.count > 0 && column_set_contains(columns, used) && !expr_can_fail(parts[i]) &&
            !expr_is_volatile(parts[i]))
            expr_vec_add(&own, parts[i]);
    }
    return expr_vec_and(&own);
}

/* What the OR says of these columns alone, or NULL. */
static const Expr *side_of_or(Arena *arena, const Expr *expr, ColumnSet columns)
{
    ExprVec branches = {.arena = arena};

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const Expr *branch = side_of_branch(arena, expr->args[i], columns);

        if (branch == NULL)
            return NULL;
        expr_vec_add(&branches, branch);
    }
    return expr_call(arena, FUNC_OR, expr->type, branches.count, branches.items);
}

void or_parts_over(Arena *arena, uint32_t count, const Expr *const *parts, ColumnSet columns,
                   ExprVec *found)
{
    for (uint32_t i = 0; i < count; i++) {
        const Expr *own = NULL;

        if (parts[i]->kind == EXPR_CALL && parts[i]->func == FUNC_OR &&
            !expr_uses_only(arena, parts[i], columns))
            own = side_of_or(arena, parts[i], columns);
        if (own != NULL)
            expr_vec_add(found, own);
    }
}
