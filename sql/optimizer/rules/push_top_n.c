/*
 * push_top_n
 *
 *     Limit 3                     Limit 3                    Limit 3            Project a, b + 1
 *       Sort a                      Sort a                     Sort a             Limit 3
 *         Left Join         =>        Left Join                  Project    =>      Sort a
 *           L (a)                       Limit 3                    X                  X
 *           R                             Sort a
 *                                           L (a)
 *                                       R
 *
 *     a UNION ALL: each input keeps its own first rows.
 *
 * Each left row of a left or mark join is there at least once and in order, so its first rows are
 * among those of the first left rows.
 *
 * Why:  fewer rows are joined, and what a projection computes it computes for the rows shown.
 *
 * Not when:
 *   (1) the input has no more rows than that anyway: it would go on for ever.
 *   (2) there is no end (LIMIT ALL).
 *   (3) a key is none of the left side's, or is computed by the projection.
 *   (4) the projection computes nothing, and below it is no join or union to go on into; or it is
 *       volatile.
 */
#include "sql/optimizer/rules/rules.h"

static int64_t rows_needed(const PlanLimit *limit)
{
    return limit->fetch_rows > ALL_ROWS - limit->skip_rows ? ALL_ROWS
                                                           : limit->skip_rows + limit->fetch_rows;
}

/* The sort's keys over the columns that map names them by below; NULL when one is computed. (3) */
static const SortKey *keys_below(Arena *arena, const PlanSort *sort, const ColumnMap *map)
{
    SortKey *keys = arena_copy(arena, sort->keys.items, sort->keys.count * sizeof *keys);

    for (uint32_t i = 0; i < sort->keys.count; i++) {
        const Expr *source = NULL;

        for (uint32_t j = 0; j < map->count; j++)
            if (map->from[j] == keys[i].column)
                source = map->to[j];
        if (source == NULL || source->kind != EXPR_COLUMN)
            return NULL;
        keys[i].column = source->column;
    }
    return keys;
}

static bool keeps_left_rows(const PlanJoin *join)
{
    return join != NULL && (join->kind == JOIN_LEFT || join->kind == JOIN_MARK);
}

/* The first rows of input by the keys. */
static const Plan *first_rows(Arena *arena, const Plan *input, uint32_t key_count,
                              const SortKey *keys, int64_t rows)
{
    return plan_limit(arena, plan_sort(arena, input, key_count, keys), 0, rows);
}

static const Plan *into_join(RuleCtx *rc, const PlanSort *sort, const PlanJoin *join, int64_t rows)
{
    const Plan *left = join->head.inputs[0];
    const Plan *inputs[2] = {left, join->head.inputs[1]};

    if (!keeps_left_rows(join) || plan_row_bounds(left).max <= rows || /* (1) */
        !column_set_contains(plan_output(rc->arena, left),
                             plan_used_columns(rc->arena, &sort->head)))
        return &sort->head; /* (3) */
    inputs[0] = first_rows(rc->arena, left, sort->keys.count, sort->keys.items, rows);
    return plan_with_input(rc->arena, &sort->head,
                           plan_with_inputs(rc->arena, &join->head, inputs));
}

static const Plan *into_union(RuleCtx *rc, const PlanSort *sort, const PlanUnion *set, int64_t rows)
{
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, set->head.input_count);

    for (uint32_t i = 0; i < set->head.input_count; i++) {
        ColumnMap map = set_map(rc->arena, &set->head, i);
        const SortKey *keys = keys_below(rc->arena, sort, &map);
        const Plan *input = set->head.inputs[i];

        inputs[i] = keys == NULL || plan_row_bounds(input).max <= rows
                        ? input /* (1) */
                        : first_rows(rc->arena, input, sort->keys.count, keys, rows);
    }
    return plan_with_input(rc->arena, &sort->head, plan_with_inputs(rc->arena, &set->head, inputs));
}

/* (4) */
static bool is_worth_it(const PlanProject *project)
{
    const Plan *below = project->head.inputs[0];
    bool found = below->kind == PLAN_UNION || keeps_left_rows(plan_as_join(below));

    for (uint32_t i = 0; i < project->exprs.count; i++) {
        if (expr_is_volatile(project->exprs.items[i]))
            return false;
        found |= project->exprs.items[i]->arg_count > 0;
    }
    return found;
}

static const Plan *through_project(RuleCtx *rc, const PlanLimit *limit, const PlanSort *sort,
                                   const PlanProject *project)
{
    ColumnMap map = project_map(rc->arena, project);
    const SortKey *keys = is_worth_it(project) ? keys_below(rc->arena, sort, &map) : NULL;

    if (keys == NULL)
        return &limit->head;
    return plan_with_input(
        rc->arena, &project->head,
        plan_limit(rc->arena, plan_sort(rc->arena, project->head.inputs[0], sort->keys.count, keys),
                   limit->skip_rows, limit->fetch_rows));
}

static const Plan *push_top_n(RuleCtx *rc, const Plan *plan)
{
    const PlanLimit *limit = plan_as_limit(plan);
    const PlanSort *sort = plan_as_sort(plan->inputs[0]);
    int64_t rows = rows_needed(limit);
    const Plan *input;

    if (sort == NULL || rows == ALL_ROWS)
        return plan; /* (2) */
    input = sort->head.inputs[0];
    if (input->kind == PLAN_PROJECT)
        return through_project(rc, limit, sort, (const PlanProject *)input);
    if (input->kind == PLAN_JOIN)
        return plan_with_input(rc->arena, plan, into_join(rc, sort, (const PlanJoin *)input, rows));
    if (input->kind == PLAN_UNION)
        return plan_with_input(rc->arena, plan,
                               into_union(rc, sort, (const PlanUnion *)input, rows));
    return plan;
}

const Rule rule_push_top_n = {
    .name = "push_top_n",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_LIMIT,
    .rewrite = push_top_n,
};
