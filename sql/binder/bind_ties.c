/*
 * bind_ties.c -- FETCH FIRST n ROWS WITH TIES
 *
 *     Sort k
 *       Anti Join: last.k comes before k
 *         Shared plan
 *         Limit 1, skip n - 1            the last row that LIMIT would give, as last
 *           Sort k
 *             Shared plan
 *
 * With fewer than n rows there is no last one, and nothing is left out.
 */
#include "sql/binder/binder_internal.h"

/* Another reader of the plan; map: its columns to the reader's. */
static const Plan *make_reader(Binder *b, const Plan *plan, int64_t shared_id, ColumnMap *map_out)
{
    uint32_t count = plan->column_count;
    PlanColumn *columns = arena_copy(b->arena, plan->columns, count * sizeof *columns);
    ColumnId *from = ARENA_ARRAY(b->arena, ColumnId, count);
    const Expr **to = ARENA_ARRAY(b->arena, const Expr *, count);

    for (uint32_t i = 0; i < count; i++) {
        from[i] = columns[i].id;
        columns[i].id = plan_new_column(b->ids);
        to[i] = expr_column(b->arena, columns[i].id, columns[i].type);
    }
    b->shared_count++;
    *map_out = (ColumnMap){count, from, to};
    return plan_shared(b->arena, plan, shared_id, "ties", false, &(ColumnList){count, from}, count,
                       columns);
}

static const Expr *mapped(const ColumnMap *map, ColumnId id)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (map->from[i] == id)
            return map->to[i];
    UNREACHABLE("a sort key that is no column");
}

static const Expr *test(Binder *b, FuncId func, const Expr *a)
{
    return expr_call1(b->arena, func, type_of(TYPE_BOOL), a);
}

static const Expr *both(Binder *b, FuncId func, const Expr *a, const Expr *c)
{
    return expr_call2(b->arena, func, type_of(TYPE_BOOL), a, c);
}

/* Whether a comes before c by the key. */
static const Expr *comes_before(Binder *b, const SortKey *key, const Expr *a, const Expr *c)
{
    const Expr *first = key->nulls_first ? a : c, *second = key->nulls_first ? c : a;
    const Expr *by_null =
        both(b, FUNC_AND, test(b, FUNC_IS_NULL, first), test(b, FUNC_IS_NOT_NULL, second));

    return both(b, FUNC_OR, both(b, key->is_descending ? FUNC_GT : FUNC_LT, a, c), by_null);
}

/* a1 before c1, or they are the same and a2 before c2, and so on. */
static const Expr *row_before(Binder *b, uint32_t key_count, const SortKey *keys,
                              const ColumnMap *a, const ColumnMap *c)
{
    const Expr *rest = NULL;

    for (uint32_t i = key_count; i > 0; i--) {
        const Expr *x = mapped(a, keys[i - 1].column), *y = mapped(c, keys[i - 1].column);
        const Expr *before = comes_before(b, &keys[i - 1], x, y);

        if (rest != NULL)
            rest = both(b, FUNC_AND, both(b, FUNC_NOT_DISTINCT_FROM, x, y), rest);
        rest = rest == NULL ? before : both(b, FUNC_OR, before, rest);
    }
    return rest;
}

static const SortKey *map_keys(Binder *b, uint32_t key_count, const SortKey *keys,
                               const ColumnMap *map)
{
    SortKey *copy = arena_copy(b->arena, keys, key_count * sizeof *keys);

    for (uint32_t i = 0; i < key_count; i++)
        copy[i].column = mapped(map, keys[i].column)->column;
    return copy;
}

const Plan *bind__plan_ties(Binder *b, const Plan *plan, uint32_t key_count, const SortKey *keys,
                            const LimitRange *range, Targets *targets)
{
    int64_t shared_id, last_row;
    const Plan *rows, *last;
    ColumnMap row, other;

    if (range->fetch_rows == 0 ||
        __builtin_add_overflow(range->skip_rows, range->fetch_rows, &last_row)) {
        plan = plan_sort(b->arena, plan, key_count, keys);
        return plan_limit(b->arena, plan, range->skip_rows, range->fetch_rows);
    }
    shared_id = ++b->ids->last_shared;
    rows = make_reader(b, plan, shared_id, &row);
    last = make_reader(b, plan, shared_id, &other);
    last = plan_sort(b->arena, last, key_count, map_keys(b, key_count, keys, &other));
    last = plan_limit(b->arena, last, last_row - 1, 1);
    rows = plan_anti_join(b->arena, rows, last, row_before(b, key_count, keys, &other, &row), NULL);
    rows = plan_sort(b->arena, rows, key_count, map_keys(b, key_count, keys, &row));
    for (uint32_t i = 0; i < targets->count; i++)
        targets->items[i].expr = expr_substitute(b->arena, targets->items[i].expr, &row);
    return range->skip_rows == 0 ? rows : plan_limit(b->arena, rows, range->skip_rows, ALL_ROWS);
}
