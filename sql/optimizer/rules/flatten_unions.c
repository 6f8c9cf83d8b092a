/*
 * flatten_unions
 *
 *     Union                    Union
 *       Union         =>         A
 *         A                      B
 *         B                      C
 *       C
 *
 * And below DISTINCT: the DISTINCT of an input of the union, which A UNION B UNION C makes, is not
 * needed when the whole is made distinct again.
 *
 * Why:  rows are handed up once, and limits and filters meet one node.
 *
 * Not when:
 *   (1) an input's DISTINCT stands below a UNION ALL that nobody makes distinct.
 *         SELECT a FROM t UNION ALL (SELECT b FROM u UNION SELECT c FROM v)
 */
#include "sql/optimizer/rules/rules.h"

typedef struct Flat {
    Arena *arena;
    uint32_t count;
    const Plan **inputs;
    ColumnList *maps;
} Flat;

/* A union, or (below DISTINCT) a union made distinct, whose inputs may be taken over. */
static const PlanUnion *inner_union(const Plan *input, bool is_below_distinct)
{
    const PlanAggregate *distinct = plan_as_aggregate(input);

    if (is_below_distinct && distinct != NULL && distinct->aggs.count == 0)
        return plan_as_union(distinct->head.inputs[0]); /* (1) */
    return plan_as_union(input);
}

/* The inner union's columns behind `outer`, as input i of the inner one has them. */
static ColumnList compose(Flat *flat, const PlanUnion *inner, uint32_t i, ColumnList outer)
{
    ColumnId *ids = ARENA_ARRAY(flat->arena, ColumnId, outer.count);

    for (uint32_t j = 0; j < outer.count; j++) {
        int32_t at = plan_column_index(&inner->head, outer.ids[j]);

        ids[j] = at < 0 ? 0 : inner->maps[i].ids[at];
    }
    return (ColumnList){outer.count, ids};
}

static const Plan *flatten(RuleCtx *rc, const PlanUnion *set, bool is_below_distinct)
{
    const Plan *plan = &set->head;
    Flat flat = {.arena = rc->arena};
    uint32_t total = 0;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        const PlanUnion *inner = inner_union(plan->inputs[i], is_below_distinct);

        total += inner == NULL ? 1 : inner->head.input_count;
    }
    if (total == plan->input_count)
        return plan;
    flat.inputs = ARENA_ARRAY(rc->arena, const Plan *, total);
    flat.maps = ARENA_ARRAY(rc->arena, ColumnList, total);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const PlanUnion *inner = inner_union(plan->inputs[i], is_below_distinct);

        if (inner == NULL) {
            flat.inputs[flat.count] = plan->inputs[i];
            flat.maps[flat.count++] = set->maps[i];
            continue;
        }
        for (uint32_t j = 0; j < inner->head.input_count; j++) {
            flat.inputs[flat.count] = inner->head.inputs[j];
            flat.maps[flat.count++] = compose(&flat, inner, j, set->maps[i]);
        }
    }
    return plan_union(rc->arena, total, flat.inputs, flat.maps, plan->column_count, plan->columns);
}

static const Plan *flatten_unions(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);

    if (plan->kind == PLAN_UNION)
        return flatten(rc, (const PlanUnion *)plan, false);
    if (aggregate != NULL && aggregate->aggs.count == 0 && plan->inputs[0]->kind == PLAN_UNION &&
        aggregate->keys.count == plan->inputs[0]->column_count)
        return plan_with_input(rc->arena, plan,
                               flatten(rc, (const PlanUnion *)plan->inputs[0], true));
    return plan;
}

const Rule rule_flatten_unions = {
    .name = "flatten_unions",
    .root = RULE_ANY_KIND,
    .rewrite = flatten_unions,
};
