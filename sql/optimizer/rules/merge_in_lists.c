/*
 * merge_in_lists
 *
 *     a = 1 OR a = 2 OR a IN (2, 3) OR b     =>   a IN (1, 2, 3) OR b
 *     a IN (5)                               =>   a = 5
 *     a IN (1, 1, 2)                         =>   a IN (1, 2)
 *
 * Why:  a list is one look-up, and a scan can be asked for it.
 *
 * Not when:
 *   (1) what is compared is volatile.
 *   (2) the list has something other than constants.
 */
#include <stdlib.h>

#include "sql/optimizer/rules/rules.h"

typedef struct ListItem {
    uint64_t hash;
    uint32_t place;
    const Expr *value;
} ListItem;

static int by_hash(const void *a, const void *b)
{
    const ListItem *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int by_place(const void *a, const void *b)
{
    const ListItem *x = a, *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

/* The values, each once, in the order they came. */
static uint32_t drop_duplicates(Arena *arena, uint32_t count, const Expr **values)
{
    ListItem *items = ARENA_ARRAY(arena, ListItem, count);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++)
        items[i] = (ListItem){expr_hash(values[i]), i, values[i]};
    qsort(items, count, sizeof *items, by_hash);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !expr_equal(items[kept - 1].value, items[i].value))
            items[kept++] = items[i];
    qsort(items, kept, sizeof *items, by_place);
    for (uint32_t i = 0; i < kept; i++)
        values[i] = items[i].value;
    return kept;
}

/* needle IN (values): an equality when there is one. */
static const Expr *make_in(RuleCtx *rc, const Expr *needle, uint32_t count, const Expr **values)
{
    const Expr **args = ARENA_ARRAY(rc->arena, const Expr *, count + 1);

    if (count == 1)
        return expr_call2(rc->arena, FUNC_EQ, type_of(TYPE_BOOL), needle, values[0]);
    args[0] = needle;
    for (uint32_t i = 0; i < count; i++)
        args[i + 1] = values[i];
    return expr_call(rc->arena, FUNC_IN, type_of(TYPE_BOOL), count + 1, args);
}

/* a = constant or a IN (constants): what is compared, else NULL. */
static const Expr *needle_of(const Expr *expr)
{
    if (expr->kind != EXPR_CALL || (expr->func != FUNC_EQ && expr->func != FUNC_IN) ||
        expr->args[0]->kind == EXPR_CONST)
        return NULL;
    for (uint32_t i = 1; i < expr->arg_count; i++)
        if (expr->args[i]->kind != EXPR_CONST ||
            !types_compare_alike(expr->args[i]->type, expr->args[0]->type))
            return NULL;                                           /* (2) */
    return expr_is_volatile(expr->args[0]) ? NULL : expr->args[0]; /* (1) */
}

static const Expr *shorten_in(RuleCtx *rc, const Expr *expr)
{
    uint32_t count = expr->arg_count - 1, kept;
    const Expr **values;

    if (needle_of(expr) == NULL)
        return expr;
    values = arena_copy(rc->arena, expr->args + 1, count * sizeof *values);
    kept = drop_duplicates(rc->arena, count, values);
    return kept == count && count > 1 ? expr : make_in(rc, expr->args[0], kept, values);
}

static const Expr *merge_or(RuleCtx *rc, const Expr *expr)
{
    ExprVec parts = {.arena = rc->arena};
    bool *is_taken = ARENA_ARRAY(rc->arena, bool, expr->arg_count);
    bool changed = false;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const Expr *needle = needle_of(expr->args[i]);
        ExprVec values = {.arena = rc->arena};
        uint32_t merged = 0;

        if (is_taken[i])
            continue;
        if (needle == NULL) {
            expr_vec_add(&parts, expr->args[i]);
            continue;
        }
        for (uint32_t j = i; j < expr->arg_count; j++) {
            const Expr *other = is_taken[j] ? NULL : needle_of(expr->args[j]);

            if (other == NULL || !expr_equal(needle, other))
                continue;
            is_taken[j] = true;
            merged++;
            for (uint32_t k = 1; k < expr->args[j]->arg_count; k++)
                expr_vec_add(&values, expr->args[j]->args[k]);
        }
        values.count = drop_duplicates(rc->arena, values.count, values.items);
        expr_vec_add(&parts,
                     merged == 1 ? expr->args[i] : make_in(rc, needle, values.count, values.items));
        changed |= merged > 1;
    }
    if (!changed)
        return expr;
    return parts.count == 1 ? parts.items[0]
                            : expr_call(rc->arena, FUNC_OR, expr->type, parts.count, parts.items);
}

static const Expr *merge_in_lists(RuleCtx *rc, const Expr *expr)
{
    if (expr->kind != EXPR_CALL)
        return expr;
    if (expr->func == FUNC_OR)
        return merge_or(rc, expr);
    return expr->func == FUNC_IN ? shorten_in(rc, expr) : expr;
}

const Rule rule_merge_in_lists = {
    .name = "merge_in_lists",
    .root = RULE_ANY_KIND,
    .rewrite_expr = merge_in_lists,
};
