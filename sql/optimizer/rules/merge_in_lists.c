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

/* What an argument of an OR compares, and the next argument that compares the same. */
typedef struct Alternative {
    const Expr *needle; /* NULL: it is not to be merged */
    uint32_t next;      /* 0: none */
    bool is_taken;      /* by the one before */
} Alternative;

static Alternative *find_alternatives(Arena *arena, const Expr *any)
{
    Alternative *alternatives = ARENA_ARRAY(arena, Alternative, any->arg_count);
    ListItem *items = ARENA_ARRAY(arena, ListItem, any->arg_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < any->arg_count; i++) {
        const Expr *needle = alternatives[i].needle = needle_of(any->args[i]);

        if (needle != NULL)
            items[count++] = (ListItem){expr_hash(needle), i, needle};
    }
    if (count > 1)
        qsort(items, count, sizeof *items, by_hash);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t before = i - 1;

        while (items[before].hash == items[i].hash &&
               !expr_equal(items[before].value, items[i].value) && before > 0)
            before--;
        if (items[before].hash != items[i].hash || !expr_equal(items[before].value, items[i].value))
            continue;
        alternatives[items[before].place].next = items[i].place;
        alternatives[items[i].place].is_taken = true;
    }
    return alternatives;
}

static const Expr *merge_or(RuleCtx *rc, const Expr *expr)
{
    ExprVec parts = {.arena = rc->arena};
    const Alternative *alternatives = find_alternatives(rc->arena, expr);

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        ExprVec values = {.arena = rc->arena};
        uint32_t from = i;

        if (alternatives[i].is_taken)
            continue;
        if (alternatives[i].next == 0) {
            expr_vec_add(&parts, expr->args[i]);
            continue;
        }
        do {
            for (uint32_t k = 1; k < expr->args[from]->arg_count; k++)
                expr_vec_add(&values, expr->args[from]->args[k]);
            from = alternatives[from].next;
        } while (from != 0);
        values.count = drop_duplicates(rc->arena, values.count, values.items);
        expr_vec_add(&parts, make_in(rc, alternatives[i].needle, values.count, values.items));
    }
    if (parts.count == expr->arg_count)
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
