/*
 * join_order
 *
 *     Join b.y = c.y               Join a.x = b.x
 *       Join a.x = b.x      =>       Join b.y = c.y
 *         a, b                         b, c
 *       c                            a
 *
 * Why:  the order in which joins are written says nothing of their cost. Small intermediate results
 *       first, and hash tables on small inputs, often make a query a hundred times faster.
 *
 * A region is a tree of inner, left, semi and anti joins. Each is solved by dynamic programming, or
 * greedily when that would take too many steps. Estimates are rough: where the new order is not
 * cheaper than the one written, that stays.
 *
 * Not when:
 *   (1) the region has fewer than three relations: physical_join.c chooses the side to build.
 *   (2) a join's inputs depend on each other (LATERAL not yet unnested), or a condition is
 *       volatile.
 *   (3) the search would need more memory than any order saves.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/join_order_internal.h"
#include "sql/optimizer/rules/rules.h"

/*
 * Subsets looked at before the search is given up: as many as there are rows to join, for a better
 * order of few rows saves little. STEPS_MAX take 10 to 30 ms, and are enough for a clique of 12
 * relations, a star of 16, a chain of 64.
 */
#define STEPS_MIN     50000
#define STEPS_MAX     1500000
#define STEPS_PER_SET 30

#define ARENA_BYTES_MAX ((size_t)64 << 20)

static const Plan *order_joins(RuleCtx *rc, PlanMemo *memo, const Plan *plan);

static uint32_t steps_worth(const Region *region)
{
    double rows = 0;

    for (uint32_t i = 0; i < region->relation_count; i++)
        rows += region->relations[i].base_rows;
    return rows < STEPS_MIN ? STEPS_MIN : rows > STEPS_MAX ? STEPS_MAX : (uint32_t)rows;
}

static const Plan *solve(Region *region)
{
    uint32_t step_max = steps_worth(region);
    SolutionTable table;
    RelSet all = relset_up_to(region->relation_count - 1);

    solutions_init(&table, region);
    if (!solve_by_dphyp(&table, step_max, step_max / STEPS_PER_SET)) {
        solutions_init(&table, region);
        if (!solve_greedily(&table))
            return NULL;
    }
    return solutions_plan(&table, all);
}

/* The region's relations may hold regions of their own: those come first. */
static const Plan *order_relations(RuleCtx *rc, PlanMemo *memo, const Plan *plan,
                                   uint32_t relations_max)
{
    const Plan *inputs[2];
    uint32_t input_max[2];

    if (region_passes(plan))
        return plan_with_input(rc->arena, plan,
                               order_relations(rc, memo, plan->inputs[0], relations_max));
    if (relations_max == 1 || !region_starts(plan))
        return order_joins(rc, memo, plan);
    region_cut(plan, relations_max, input_max);
    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = order_relations(rc, memo, plan->inputs[i], input_max[i]);
    return plan_with_inputs(rc->arena, plan, inputs);
}

static const Plan *order_region(RuleCtx *rc, PlanMemo *memo, const Plan *plan)
{
    Arena *arena = arena_new(rc->arena, "join order", ARENA_BYTES_MAX);
    Region *region = ARENA_NEW(arena, Region);
    const Plan *before = order_relations(rc, memo, plan, REGION_RELATIONS_MAX);
    const Plan *after = NULL;
    Error ignored = ERROR_NONE;

    if (region_collect(rc, arena, before, region)) /* (1) (2) */
        after = solve(region);
    if (arena_check(arena, &ignored) != ST_OK)
        after = NULL; /* (3) */
    arena_free(arena);
    if (after == NULL || plan_equal(before, after))
        return before;
    return plan_select_like(rc->arena, after, before);
}

static const Plan *order_joins(RuleCtx *rc, PlanMemo *memo, const Plan *plan)
{
    if (region_starts(plan))
        return order_region(rc, memo, plan);
    return plan_map_inputs(rc, memo, plan, order_joins);
}

static const Plan *join_order(RuleCtx *rc, const Plan *plan)
{
    PlanMemo memo = {0};

    estimator_prepare(estimator_of(rc), plan);
    return order_joins(rc, &memo, plan);
}

const Rule rule_join_order = {
    .name = "join_order",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = join_order,
};
