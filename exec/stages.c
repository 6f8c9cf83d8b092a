/* stages.c -- see stages.h. One function a kind of node: its inputs' chains become its own. */
#include "exec/stages.h"

#include "core/base/invariant.h"
#include "exec/stages_internal.h"

static Status build(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                    Error *err);

/* --- sources --- */

static Status build_scan(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                         Error *err)
{
    const PlanScan *scan = plan_as_scan(plan);
    uint32_t wanted = scan->runtime_filters.count;
    JoinFilter **filters = ARENA_ARRAY(builder->arena, JoinFilter *, wanted);
    Draft *draft = stages__start_draft(builder, chain, NULL);

    for (uint32_t i = 0; i < wanted; i++) {
        for (uint32_t f = 0; f < builder->filter_count; f++) {
            const FilterMaker *maker = &builder->filters[f];

            if (join_filter_id(maker->filter) != scan->runtime_filters.items[i].id)
                continue;
            filters[i] = maker->filter;
            stages__depend(builder, draft, maker->stage);
            stages__use(builder, draft, maker->build);
        }
    }
    TRY(op_scan_new(builder->context, builder->arena, scan, needed, filters, err, &draft->source));
    stages__add_operator(builder, plan, draft->source);
    return ST_OK;
}

static Status build_values(StageBuilder *builder, const Plan *plan, Chain *chain, Error *err)
{
    Operator *op;

    TRY(op_values_new(builder->context, builder->arena, plan_as_values(plan), err, &op));
    stages__add_operator(builder, plan, op);
    stages__start_draft(builder, chain, op);
    return ST_OK;
}

/* Over an input it is a streaming operator. */
static Status build_table_function(StageBuilder *builder, const Plan *plan, ColumnSet needed,
                                   Chain *chain, Error *err)
{
    const PlanTableFunction *node = plan_as_table_function(plan);
    Operator *op;

    if (plan->input_count == 0) {
        TRY(op_table_function_new(builder->context, builder->arena, node, err, &op));
        stages__add_operator(builder, plan, op);
        stages__start_draft(builder, chain, op);
        return ST_OK;
    }
    needed = column_set_union(builder->arena, needed, plan_used_columns(builder->arena, plan));
    TRY(build(builder, plan->inputs[0], needed, chain, err));
    TRY(op_series_rows_new(builder->context, builder->arena, node, err, &op));
    stages__add_operator(builder, plan, op);
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

/* --- streaming operators --- */

/* A projection and the filters below it, or filters alone, become one operator. */
static Status build_project(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                            Error *err)
{
    const PlanProject *project = plan_as_project(plan);
    const Plan *below = project != NULL ? plan->inputs[0] : plan;
    const Plan *first = below;
    const Expr *predicate = NULL;
    Operator *op;

    for (; below->kind == PLAN_FILTER; below = below->inputs[0]) {
        predicate = expr_and(builder->arena, plan_as_filter(below)->predicate, predicate);
        needed = column_set_union(builder->arena, needed, plan_used_columns(builder->arena, below));
    }
    if (project != NULL)
        needed = column_set_union(builder->arena, needed, plan_used_columns(builder->arena, plan));
    TRY(build(builder, below, needed, chain, err));
    TRY(op_project_new(builder->context, builder->arena, plan, below, predicate, project, err,
                       &op));
    stages__add_operator(builder, plan, op);
    for (; first != below; first = first->inputs[0])
        if (first != plan)
            stages__note_fused(builder, first, op);
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

static Status push_map(StageBuilder *builder, const Plan *plan, const Plan *input, ColumnList map,
                       Chain *chain, Error *err)
{
    Operator *op;

    TRY(op_map_new(builder->context, builder->arena, plan, input, map, err, &op));
    stages__add_operator(builder, plan, op);
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

static ColumnSet mapped(StageBuilder *builder, ColumnList map)
{
    return column_set_make(builder->arena, map.count, map.ids);
}

/* The inputs' branches one after the other. */
static Status build_union(StageBuilder *builder, const Plan *plan, Chain *chain, Error *err)
{
    const PlanUnion *node = plan_as_union(plan);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        Chain part = {0};

        TRY(build(builder, plan->inputs[i], mapped(builder, node->maps[i]), &part, err));
        TRY(push_map(builder, plan, plan->inputs[i], node->maps[i], &part, err));
        stages__append(builder, chain, &part);
    }
    return ST_OK;
}

/* --- records --- */

static Status build_call(StageBuilder *builder, const Plan *plan, Operator *into, Chain *chain,
                         Error *err)
{
    Operator *op;

    TRY(op_call_new(builder->context, builder->arena, plan_as_call(plan), into, err, &op));
    stages__add_operator(builder, plan, op);
    TRY(build(builder, plan->inputs[0], plan_used_columns(builder->arena, plan), chain, err));
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

static Status build_partial_combine(StageBuilder *builder, const Plan *plan, Chain *chain,
                                    Error *err)
{
    Operator *op;

    TRY(op_combine_new(builder->context, builder->arena, plan_as_combine(plan), err, &op));
    stages__add_operator(builder, plan, op);
    if (plan->inputs[0]->kind == PLAN_CALL)
        TRY(build_call(builder, plan->inputs[0], op, chain, err));
    else
        TRY(build(builder, plan->inputs[0], plan_used_columns(builder->arena, plan), chain, err));
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

/* Behind one row, which sets it off. */
static Status build_group(StageBuilder *builder, const Plan *plan, Chain *chain, Error *err)
{
    Operator *op;

    TRY(op_group_new(builder->context, builder->arena, plan_as_group(plan), err, &op));
    stages__add_operator(builder, plan, op);
    TRY(build_values(builder, plan_one_row(builder->arena), chain, err));
    stages__push(builder, chain, op, NO_STAGE, NULL);
    return ST_OK;
}

/* --- joins --- */

static void remember_filters(StageBuilder *builder, const JoinOperators *ops, uint32_t stage)
{
    for (uint32_t i = 0; i < ops->filter_count; i++) {
        builder->filters = stages__grow(builder->arena, builder->filters, builder->filter_count,
                                        &builder->filter_capacity, sizeof *builder->filters);
        builder->filters[builder->filter_count++] =
            (FilterMaker){.filter = ops->filters[i], .build = ops->build, .stage = stage};
    }
}

/* The right input's stages first: scans of the left input may want what they know. */
static Status build_join(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                         Error *err)
{
    ColumnSet below =
        column_set_union(builder->arena, needed, plan_used_columns(builder->arena, plan));
    JoinOperators ops = {0};
    Chain right = {0};
    uint32_t stage;

    if (plan->kind == PLAN_HASH_JOIN)
        TRY(op_hash_join_new(builder->context, builder->arena, plan_as_hash_join(plan), needed, err,
                             &ops));
    else
        TRY(op_nested_join_new(builder->context, builder->arena, plan_as_nested_join(plan), needed,
                               err, &ops));
    stages__add_operator(builder, NULL, ops.build);
    stages__add_operator(builder, plan, ops.probe);
    if (ops.unmatched != NULL)
        stages__add_operator(builder, NULL, ops.unmatched);
    TRY(build(builder, plan->inputs[1], below, &right, err));
    stage = stages__end(builder, &right, ops.build, NO_STAGE);
    remember_filters(builder, &ops, stage);
    TRY(build(builder, plan->inputs[0], below, chain, err));
    stages__push(builder, chain, ops.probe, stage, ops.build);
    if (ops.unmatched != NULL) {
        Draft *draft = stages__start_draft(builder, chain, ops.unmatched);

        draft->waits_for_earlier = true;
        stages__depend(builder, draft, stage);
        stages__use(builder, draft, ops.build);
        stages__use(builder, draft, ops.probe); /* joins what was spilled */
    }
    return ST_OK;
}

/* --- breakers --- */

static void read_sink(StageBuilder *builder, Chain *chain, Operator *sink, uint32_t stage)
{
    Draft *draft;

    *chain = (Chain){0};
    draft = stages__start_draft(builder, chain, sink);
    stages__depend(builder, draft, stage);
}

static Status make_breaker(StageBuilder *builder, const Plan *plan, Error *err, Operator **op_out)
{
    const ExecContext *context = builder->context;
    Arena *arena = builder->arena;

    switch (plan->kind) {
    case PLAN_AGGREGATE:
        return op_hash_aggregate_new(context, arena, plan_as_aggregate(plan), err, op_out);
    case PLAN_SORT:
        return op_sort_new(context, arena, plan_as_sort(plan), err, op_out);
    case PLAN_GROUP_LIMIT:
        return op_group_limit_new(context, arena, plan_as_group_limit(plan), err, op_out);
    case PLAN_GROUP_CONCAT:
        return op_group_concat_new(context, arena, plan_as_group_concat(plan), err, op_out);
    case PLAN_TOP_N:
        return op_top_n_new(context, arena, plan_as_top_n(plan), err, op_out);
    case PLAN_LIMIT:
        return op_limit_new(context, arena, plan_as_limit(plan), err, op_out);
    case PLAN_WRITE:
        return op_write_new(context, arena, plan_as_write(plan), err, op_out);
    case PLAN_COMBINE:
        return op_combine_new(context, arena, plan_as_combine(plan), err, op_out);
    default:
        return error_set(err, ST_INTERNAL, "the plan has a node that cannot run: %s",
                         plan_kind_name(plan->kind));
    }
}

static Status build_breaker(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                            Error *err)
{
    Operator *op;

    TRY(make_breaker(builder, plan, err, &op));
    stages__add_operator(builder, plan, op);
    needed = column_set_union(builder->arena, needed, plan_used_columns(builder->arena, plan));
    if (plan->kind == PLAN_WRITE)
        needed = plan_output(builder->arena, plan->inputs[0]);
    TRY(build(builder, plan->inputs[0], needed, chain, err));
    read_sink(builder, chain, op, stages__end(builder, chain, op, NO_STAGE));
    return ST_OK;
}

/* The first reader of a shared plan makes it; each reader renames its columns. */
static Status build_shared(StageBuilder *builder, const Plan *plan, Chain *chain, Error *err)
{
    const PlanShared *node = plan_as_shared(plan);
    SharedResult *shared = NULL;

    for (uint32_t i = 0; i < builder->shared_count; i++)
        if (builder->shared[i].shared_id == node->shared_id)
            shared = &builder->shared[i];
    if (shared == NULL) {
        SharedResult made = {.shared_id = node->shared_id};
        Chain input = {0};

        TRY(op_shared_new(builder->context, builder->arena, node, err, &made.op));
        stages__add_operator(builder, NULL, made.op);
        TRY(build(builder, plan->inputs[0], plan_output(builder->arena, plan->inputs[0]), &input,
                  err));
        made.stage = stages__end(builder, &input, made.op, NO_STAGE);
        builder->shared = stages__grow(builder->arena, builder->shared, builder->shared_count,
                                       &builder->shared_capacity, sizeof made);
        shared = &builder->shared[builder->shared_count++];
        *shared = made;
    }
    read_sink(builder, chain, shared->op, shared->stage);
    return push_map(builder, plan, plan->inputs[0], node->maps[0], chain, err);
}

static Status build(StageBuilder *builder, const Plan *plan, ColumnSet needed, Chain *chain,
                    Error *err)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return build_scan(builder, plan, needed, chain, err);
    case PLAN_VALUES:
        return build_values(builder, plan, chain, err);
    case PLAN_TABLE_FUNCTION:
        return build_table_function(builder, plan, needed, chain, err);
    case PLAN_FILTER:
    case PLAN_PROJECT:
        return build_project(builder, plan, needed, chain, err);
    case PLAN_HASH_JOIN:
    case PLAN_NESTED_JOIN:
        return build_join(builder, plan, needed, chain, err);
    case PLAN_UNION:
        return build_union(builder, plan, chain, err);
    case PLAN_SHARED:
        return build_shared(builder, plan, chain, err);
    case PLAN_CALL:
        return build_call(builder, plan, NULL, chain, err);
    case PLAN_COMBINE:
        if (plan_as_combine(plan)->is_partial)
            return build_partial_combine(builder, plan, chain, err);
        return build_breaker(builder, plan, needed, chain, err);
    case PLAN_GROUP:
        return build_group(builder, plan, chain, err);
    default:
        return build_breaker(builder, plan, needed, chain, err);
    }
}

Status stages_build(const ExecContext *context, Arena *arena, const Plan *plan, Error *err,
                    StageSet **set_out)
{
    StageSet *set = ARENA_NEW(arena, StageSet);
    StageBuilder builder = {.context = context, .arena = arena, .set = set};
    const PlanLimit *limit = plan_as_limit(plan);
    const Plan *top = limit == NULL ? plan : plan->inputs[0];
    Chain chain = {0};

    *set_out = set;
    set->queue = result_queue_new(context, arena, top, limit == NULL ? 0 : limit->skip_rows,
                                  limit == NULL ? ALL_ROWS : limit->fetch_rows);
    if (limit != NULL)
        stages__note_fused(&builder, plan, result_queue_operator(set->queue));
    TRY(build(&builder, top, plan_output(arena, plan), &chain, err));
    stages__add_operator(&builder, NULL, result_queue_operator(set->queue));
    stages__end(&builder, &chain, result_queue_operator(set->queue), NO_STAGE);
    return ST_OK;
}
