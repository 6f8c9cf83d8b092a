/*
 * plan_properties.c -- what a plan's shape says about its rows: how many, and unique on what
 *
 *     Aggregate keys k              unique on {k}
 *       Join k = j                  at most as many rows as ...
 */
#include "sql/optimizer/rules/rules.h"

/* Shared plans in shared plans are looked into so deep: WITH upon WITH is walked ever again. */
enum { SHARED_LEVELS_MAX = 3 };

static int64_t add_rows(int64_t a, int64_t b)
{
    return a > ALL_ROWS - b ? ALL_ROWS : a + b;
}

static int64_t multiply_rows(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) ? ALL_ROWS : product;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least_one(int64_t a)
{
    return a > 1 ? a : 1;
}

static RowBounds row_bounds(uint32_t levels, const Plan *plan);

static RowBounds join_bounds(uint32_t levels, const PlanJoin *join)
{
    RowBounds left = row_bounds(levels, join->head.inputs[0]);
    RowBounds right = row_bounds(levels, join->head.inputs[1]);
    bool is_cross = join->condition == NULL;

    switch ((JoinKind)join->kind) {
    case JOIN_INNER:
        return (RowBounds){is_cross ? multiply_rows(left.min, right.min) : 0,
                           multiply_rows(left.max, right.max)};
    case JOIN_LEFT:
        return (RowBounds){left.min, multiply_rows(left.max, at_least_one(right.max))};
    case JOIN_SINGLE:
    case JOIN_MARK:
        return left;
    case JOIN_SEMI:
    case JOIN_ANTI:
        return (RowBounds){0, left.max};
    default:
        return (RowBounds){0, ALL_ROWS};
    }
}

static RowBounds limit_bounds(uint32_t levels, const PlanLimit *limit)
{
    RowBounds input = row_bounds(levels, limit->head.inputs[0]);
    int64_t most = input.max == ALL_ROWS          ? ALL_ROWS
                   : input.max > limit->skip_rows ? input.max - limit->skip_rows
                                                  : 0;
    int64_t least = input.min > limit->skip_rows ? input.min - limit->skip_rows : 0;

    return (RowBounds){smaller(least, limit->fetch_rows), smaller(most, limit->fetch_rows)};
}

static RowBounds union_bounds(uint32_t levels, const Plan *plan)
{
    RowBounds sum = {0, 0};

    for (uint32_t i = 0; i < plan->input_count; i++) {
        RowBounds input = row_bounds(levels, plan->inputs[i]);

        sum = (RowBounds){add_rows(sum.min, input.min), add_rows(sum.max, input.max)};
    }
    return sum;
}

static RowBounds row_bounds(uint32_t levels, const Plan *plan)
{
    RowBounds input;

    switch (plan->kind) {
    case PLAN_VALUES: {
        int64_t rows = ((const PlanValues *)plan)->rows.count;

        return (RowBounds){rows, rows};
    }
    case PLAN_FILTER:
        return (RowBounds){0, row_bounds(levels, plan->inputs[0]).max};
    case PLAN_PROJECT:
    case PLAN_SORT:
        return row_bounds(levels, plan->inputs[0]);
    case PLAN_SHARED:
        return levels == 0 ? (RowBounds){0, ALL_ROWS} : row_bounds(levels - 1, plan->inputs[0]);
    case PLAN_JOIN:
        return join_bounds(levels, (const PlanJoin *)plan);
    case PLAN_AGGREGATE:
        if (((const PlanAggregate *)plan)->keys.count == 0)
            return (RowBounds){1, 1};
        input = row_bounds(levels, plan->inputs[0]);
        return (RowBounds){input.min > 0, input.max};
    case PLAN_LIMIT:
        return limit_bounds(levels, (const PlanLimit *)plan);
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
        return (RowBounds){0, row_bounds(levels, plan->inputs[0]).max};
    case PLAN_UNION:
        return union_bounds(levels, plan);
    case PLAN_SETOP:
        return (RowBounds){0, row_bounds(levels, plan->inputs[0]).max};
    case PLAN_WRITE:
        return (RowBounds){1, 1};
    default:
        return (RowBounds){0, ALL_ROWS};
    }
}

RowBounds plan_row_bounds(const Plan *plan)
{
    return row_bounds(SHARED_LEVELS_MAX, plan);
}

/* --- uniqueness --- */

/* The input's columns that a projection, or a map, passes under the ids in columns. */
static ColumnSet through_map(Arena *arena, const ColumnMap *map, ColumnSet columns)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, map->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < map->count; i++)
        if (map->to[i]->kind == EXPR_COLUMN && column_set_has(columns, map->from[i]))
            ids[count++] = map->to[i]->column;
    return column_set_make(arena, count, ids);
}

/* Columns of `right` that the condition makes equal to something of columns alone. */
static ColumnSet bound_columns(Arena *arena, const Expr *condition, const Plan *right,
                               ColumnSet columns)
{
    const Expr *const *parts;
    uint32_t count = expr_split_and(arena, condition, &parts);
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, count);
    uint32_t bound = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (parts[i]->kind != EXPR_CALL ||
            (parts[i]->func != FUNC_EQ && parts[i]->func != FUNC_NOT_DISTINCT_FROM))
            continue;
        for (uint32_t side = 0; side < 2; side++) {
            const Expr *column = parts[i]->args[side], *other = parts[i]->args[1 - side];

            if (column->kind == EXPR_COLUMN && plan_column(right, column->column) != NULL &&
                expr_uses_only(arena, other, columns)) {
                ids[bound++] = column->column;
                break;
            }
        }
    }
    return column_set_make(arena, bound, ids);
}

static bool is_unique_on(Arena *arena, uint32_t levels, const Plan *plan, ColumnSet columns);

static bool join_is_unique_on(Arena *arena, uint32_t levels, const PlanJoin *join,
                              ColumnSet columns)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    ColumnSet bound;

    switch ((JoinKind)join->kind) {
    case JOIN_SEMI:
    case JOIN_ANTI:
    case JOIN_MARK:
    case JOIN_SINGLE:
        return is_unique_on(arena, levels, left, columns);
    case JOIN_INNER:
    case JOIN_LEFT:
        break;
    default:
        return false;
    }
    bound = bound_columns(arena, join->condition, right, plan_output(arena, left));
    if (is_unique_on(arena, levels, left, columns) &&
        is_unique_on(arena, levels, right, column_set_union(arena, columns, bound)))
        return true;
    if (join->kind != JOIN_INNER)
        return false;
    bound = bound_columns(arena, join->condition, left, plan_output(arena, right));
    return is_unique_on(arena, levels, right, columns) &&
           is_unique_on(arena, levels, left, column_set_union(arena, columns, bound));
}

static bool is_unique_on(Arena *arena, uint32_t levels, const Plan *plan, ColumnSet columns)
{
    switch (plan->kind) {
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
        if (is_unique_on(arena, levels, plan->inputs[0], columns))
            return true;
        break;
    case PLAN_GROUP_CONCAT: {
        const PlanGroupConcat *concat = (const PlanGroupConcat *)plan;

        return column_set_contains(columns,
                                   column_set_make(arena, concat->keys.count, concat->keys.ids));
    }
    case PLAN_GROUP_LIMIT: {
        const PlanGroupLimit *limit = (const PlanGroupLimit *)plan;

        if (is_unique_on(arena, levels, plan->inputs[0], columns))
            return true;
        return limit->fetch_rows == 1 &&
               column_set_contains(columns,
                                   column_set_make(arena, limit->keys.count, limit->keys.ids));
    }
    case PLAN_PROJECT: {
        ColumnMap map = project_map(arena, (const PlanProject *)plan);

        return is_unique_on(arena, levels, plan->inputs[0], through_map(arena, &map, columns));
    }
    case PLAN_SHARED: {
        ColumnMap map = set_map(arena, plan, 0);

        return levels > 0 &&
               is_unique_on(arena, levels - 1, plan->inputs[0], through_map(arena, &map, columns));
    }
    case PLAN_AGGREGATE: {
        const PlanAggregate *aggregate = (const PlanAggregate *)plan;

        return column_set_contains(
            columns, column_set_make(arena, aggregate->keys.count, aggregate->keys.ids));
    }
    case PLAN_JOIN:
        return join_is_unique_on(arena, levels, (const PlanJoin *)plan, columns);
    case PLAN_SETOP:
        if (!((const PlanSetop *)plan)->is_all &&
            column_set_contains(columns, plan_output(arena, plan)))
            return true;
        break;
    default:
        break;
    }
    return row_bounds(levels, plan).max <= 1;
}

bool plan_is_unique_on(Arena *arena, const Plan *plan, ColumnSet columns)
{
    return is_unique_on(arena, SHARED_LEVELS_MAX, plan, columns);
}

bool join_matches_at_most_one(Arena *arena, const PlanJoin *join)
{
    const Plan *right = join->head.inputs[1];
    ColumnSet left_columns = plan_output(arena, join->head.inputs[0]);

    return plan_is_unique_on(arena, right,
                             bound_columns(arena, join->condition, right, left_columns));
}
