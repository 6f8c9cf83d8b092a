/*
 * physical.c -- the plan that executors run, made node by node from the logical one
 *
 *     Limit (Sort x)     =>   TopN x                when few rows are kept
 *     Join               =>   HashJoin, NestedJoin  (physical_join.c)
 *     Intersect, Except  =>   Aggregate             (physical_setop.c)
 *     all else           =>   itself
 *
 * Every node gets its estimated rows. Nodes of one shared_id keep one input.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/physical_internal.h"

/* TOP_N keeps its rows in memory, and all threads do; past this, sort. */
#define TOP_N_ROWS_MAX 100000

/* What became of the input of SHARED nodes. */
typedef struct Made {
    const Plan *logical;
    const Plan *physical;
    struct Made *next;
} Made;

typedef struct Builder {
    RuleCtx *rc;
    Made *shared;
} Builder;

static const Plan *build(Builder *builder, const Plan *plan);

static const Plan *build_shared_input(Builder *builder, const Plan *input)
{
    Made *made;

    for (made = builder->shared; made != NULL; made = made->next) {
        if (made->logical == input)
            return made->physical;
    }
    made = ARENA_NEW(builder->rc->arena, Made);
    made->logical = input;
    made->physical = build(builder, input);
    made->next = builder->shared;
    builder->shared = made;
    return made->physical;
}

/* The rows kept and skipped are few enough to hold. */
static bool is_small(const PlanLimit *limit)
{
    return limit->fetch_rows != ALL_ROWS && limit->skip_rows <= TOP_N_ROWS_MAX &&
           limit->fetch_rows <= TOP_N_ROWS_MAX - limit->skip_rows;
}

static const Plan *build_top_n(Builder *builder, const PlanLimit *limit, const PlanSort *sort)
{
    const Plan *input = build(builder, sort->head.inputs[0]);
    PlanTopN *top = (PlanTopN *)plan_new(builder->rc->arena, PLAN_TOP_N, 1, &input,
                                         input->column_count, input->columns);

    top->keys = sort->keys;
    top->skip_rows = limit->skip_rows;
    top->fetch_rows = limit->fetch_rows;
    return &top->head;
}

/* A file's columns are in the order of its input's, which a join may have changed. */
static const Plan *in_order_of(RuleCtx *rc, const Plan *plan, const Plan *like)
{
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, like->column_count);
    const Plan *ordered;

    for (uint32_t i = 0; i < like->column_count; i++)
        ids[i] = like->columns[i].id;
    ordered = plan_select_columns(rc->arena, plan, like->column_count, ids);
    return ordered == plan ? plan : plan_with_rows(rc->arena, ordered, plan->estimated_rows);
}

static const Plan *build_inputs(Builder *builder, const Plan *plan)
{
    Arena *arena = builder->rc->arena;
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = plan->kind == PLAN_SHARED ? build_shared_input(builder, plan->inputs[i])
                                              : build(builder, plan->inputs[i]);
        if (plan->kind == PLAN_WRITE)
            inputs[i] = in_order_of(builder->rc, inputs[i], plan->inputs[i]);
    }
    return plan_with_inputs(arena, plan, inputs);
}

static const Plan *build_join(Builder *builder, const PlanJoin *join)
{
    const Plan *lowered = physical_lower_null_aware(builder->rc, join);

    if (lowered != &join->head)
        return build(builder, lowered);
    return physical_add_filters(builder->rc, join,
                                physical_join(builder->rc, join,
                                              build(builder, join->head.inputs[0]),
                                              build(builder, join->head.inputs[1])));
}

static const Plan *build_setop(Builder *builder, const PlanSetop *setop)
{
    return build(builder, physical_lower_setop(builder->rc, setop));
}

static const Plan *build(Builder *builder, const Plan *plan)
{
    const PlanLimit *limit = plan_as_limit(plan);
    const PlanSort *sort = limit == NULL ? NULL : plan_as_sort(plan->inputs[0]);
    const Plan *made;

    if (sort != NULL && is_small(limit) && !opt__is_off(builder->rc, "top_n"))
        made = build_top_n(builder, limit, sort);
    else if (plan->kind == PLAN_JOIN)
        made = build_join(builder, plan_as_join(plan));
    else if (plan->kind == PLAN_SETOP)
        made = build_setop(builder, plan_as_setop(plan));
    else
        made = build_inputs(builder, plan);
    return plan_with_rows(builder->rc->arena, made,
                          estimate_plan(estimator_of(builder->rc), plan)->rows);
}

Status physical_plan_build(RuleCtx *rc, const Plan *logical, const Plan **physical_out)
{
    Builder builder = {.rc = rc};

    *physical_out = NULL;
    estimator_prepare(estimator_of(rc), logical);
    *physical_out = in_order_of(rc, build(&builder, logical), logical);
    TRY(rc->status);
    return plan_check(rc->arena, *physical_out, (ColumnSet){0}, rc->err);
}
