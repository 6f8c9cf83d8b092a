/*
 * unnest_dependent_joins
 *
 *     Single Join (dependent)              Left Join k = o.k
 *       Scan o                               Scan o
 *       Aggregate avg(v)            =>       Aggregate keys k, avg(v)
 *         Filter k = o.k                       Scan t
 *           Scan t
 *
 * Why:  a right input that uses the left one's columns would have to run once per left row. After
 *       this rule no join is dependent; it is required, executors know no other joins.
 *
 * The correlated predicates are pulled out to be the join's condition where that is possible
 * (unnest_pull.c). Else the domain, the distinct values of the left columns in use, is pushed down
 * into the right input (unnest_domain.c), and the join compares its values:
 *
 *     Join (dependent)            Join l.c IS NOT DISTINCT FROM d.c
 *       L                  =>       L
 *       R                           R, for every row of D = DISTINCT c of L
 *
 * Outer joins first: what remains correlated inside is on the left input's columns then, however
 * many levels the SQL was nested.
 *
 * Not when: never.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/rules/unnest.h"

static const Plan *unnest(RuleCtx *rc, PlanMemo *memo, const Plan *plan);

/* --- with the predicates pulled out --- */

/* The join's own columns of joined: deferred ones computed, under the join's names and ids. */
static const Plan *compute_deferred(RuleCtx *rc, const Plan *joined, const MapVec *deferred,
                                    const Plan *like)
{
    ColumnVec outputs = {.arena = rc->arena};

    if (deferred->count == 0)
        return plan_select_like(rc->arena, joined, like);
    for (uint32_t i = 0; i < like->column_count; i++) {
        const PlanColumn *column = &like->columns[i];
        const Expr *expr = map_vec_find(deferred, column->id);

        column_vec_add(&outputs, expr != NULL ? expr : expr_of_column(rc->arena, column), *column);
    }
    return column_vec_project(&outputs, joined);
}

/* deferred only where `is_there` holds, NULL elsewhere. */
static MapVec guard_deferred(RuleCtx *rc, const MapVec *deferred, const Expr *is_there)
{
    MapVec guarded = {.arena = rc->arena};

    for (uint32_t i = 0; i < deferred->count; i++) {
        const Expr *expr = deferred->to[i];
        const Expr *null = expr_const(rc->arena, value_null(expr->type));

        map_vec_add(&guarded, deferred->from[i], expr_case(rc->arena, is_there, expr, null));
    }
    return guarded;
}

/* Adds a column to the pulled plan that is TRUE in all its rows, NULL where the join pads. */
static const Expr *add_indicator(RuleCtx *rc, Pulled *pulled)
{
    ColumnVec outputs = {.arena = rc->arena};
    PlanColumn column = column_named(rc, type_of(TYPE_BOOL), "is_there", false);

    column_vec_keep_all(&outputs, pulled->plan);
    column_vec_add(&outputs, expr_true(rc->arena), column);
    pulled->plan = column_vec_project(&outputs, pulled->plan);
    return expr_of_column(rc->arena, &column);
}

static const Plan *join_pulled_rows(RuleCtx *rc, const PlanJoin *join, const Plan *left,
                                    Pulled *pulled)
{
    ColumnMap map = map_vec_map(&pulled->deferred);
    const Expr *condition =
        expr_and(rc->arena,
                 join->condition == NULL ? NULL : expr_substitute(rc->arena, join->condition, &map),
                 expr_vec_and(&pulled->predicates));
    const Expr *null_aware =
        join->null_aware == NULL ? NULL : expr_substitute(rc->arena, join->null_aware, &map);
    MapVec deferred = pulled->deferred;

    if ((join->kind == JOIN_LEFT || join->kind == JOIN_SINGLE) && deferred.count > 0)
        deferred = guard_deferred(rc, &deferred, add_indicator(rc, pulled));
    return compute_deferred(rc,
                            plan_join_like(rc->arena, join, (JoinKind)join->kind, left,
                                           pulled->plan, condition, null_aware),
                            &deferred, &join->head);
}

/* --- an aggregate without keys: exactly one row for each left row --- */

/* Every column of the right input as an expression, so that it can be computed anew above. */
static void defer_all(RuleCtx *rc, const Plan *right, Pulled *pulled)
{
    MapVec renamed = {.arena = rc->arena};
    ColumnMap map;

    for (uint32_t i = 0; i < right->column_count; i++) {
        const PlanColumn *column = &right->columns[i];

        if (map_vec_find(&pulled->deferred, column->id) == NULL)
            map_vec_add(&renamed, column->id,
                        expr_column(rc->arena, plan_new_column(rc->ids), column->type));
    }
    map = map_vec_map(&renamed);
    pulled->plan = plan_substitute(rc->arena, pulled->plan, &map);
    for (uint32_t i = 0; i < pulled->predicates.count; i++)
        pulled->predicates.items[i] = expr_substitute(rc->arena, pulled->predicates.items[i], &map);
    for (uint32_t i = 0; i < pulled->deferred.count; i++)
        pulled->deferred.to[i] = expr_substitute(rc->arena, pulled->deferred.to[i], &map);
    for (uint32_t i = 0; i < renamed.count; i++)
        map_vec_add(&pulled->deferred, renamed.from[i], renamed.to[i]);
}

/* The mark of a left row that has exactly one pair. */
static const Expr *mark_of_one_pair(RuleCtx *rc, const Expr *condition, const Expr *null_aware)
{
    if (null_aware == NULL)
        return expr_is_true_call(rc->arena, condition);
    if (condition == NULL)
        return null_aware;
    return expr_case(rc->arena, condition, null_aware, expr_const(rc->arena, value_bool(false)));
}

/* Whether an anti join keeps a left row that has exactly one pair. */
static const Expr *anti_of_one_pair(RuleCtx *rc, const Expr *condition, const Expr *null_aware)
{
    const Expr *mark = mark_of_one_pair(rc, condition, null_aware);

    return expr_call1(rc->arena, FUNC_IS_FALSE, type_of(TYPE_BOOL), mark);
}

static const Plan *join_pulled_scalar(RuleCtx *rc, const PlanJoin *join, const Plan *left,
                                      Pulled *pulled)
{
    bool pads = (join->kind == JOIN_LEFT || join->kind == JOIN_SINGLE) && join->condition != NULL;
    const Expr *condition, *null_aware;
    const Plan *joined;
    MapVec deferred;
    ColumnMap map;

    if (pads)
        defer_all(rc, join->head.inputs[1], pulled);
    map = map_vec_map(&pulled->deferred);
    deferred = pulled->deferred;
    condition = join->condition == NULL ? expr_true(rc->arena)
                                        : expr_substitute(rc->arena, join->condition, &map);
    null_aware =
        join->null_aware == NULL ? NULL : expr_substitute(rc->arena, join->null_aware, &map);
    joined = plan_join(rc->arena, JOIN_LEFT, left, pulled->plan, expr_vec_and(&pulled->predicates));
    if (join->kind == JOIN_INNER || join->kind == JOIN_SEMI)
        joined = plan_filter(rc->arena, joined, condition);
    else if (join->kind == JOIN_ANTI)
        joined = plan_filter(rc->arena, joined, anti_of_one_pair(rc, condition, null_aware));
    else if (join->kind == JOIN_MARK)
        map_vec_add(&deferred, join->mark, mark_of_one_pair(rc, condition, null_aware));
    else if (pads)
        deferred = guard_deferred(rc, &deferred, condition);
    return compute_deferred(rc, joined, &deferred, &join->head);
}

/* --- with the domain pushed down --- */

/* Cheaper to run twice than to keep. */
static bool is_cheap(const Plan *plan)
{
    while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT)
        plan = plan->inputs[0];
    return plan->kind == PLAN_SCAN || plan->kind == PLAN_SHARED || plan->kind == PLAN_VALUES;
}

static bool is_volatile(Arena *arena, const Plan *plan, PlanSeen **seen)
{
    bool found = node_is_volatile(plan);

    if (plan_seen(arena, plan, seen))
        return found;
    for (uint32_t i = 0; !found && i < plan->input_count; i++)
        found = is_volatile(arena, plan->inputs[i], seen);
    return found;
}

/* Another SHARED node over the same input, under columns of its own; map: the old to the new. */
static const Plan *shared_twin(RuleCtx *rc, const PlanShared *shared, ColumnMap *map_out)
{
    uint32_t count = shared->head.column_count;
    PlanColumn *columns = ARENA_ARRAY(rc->arena, PlanColumn, count);
    MapVec map = {.arena = rc->arena};

    for (uint32_t i = 0; i < count; i++) {
        columns[i] = shared->head.columns[i];
        columns[i].id = plan_new_column(rc->ids);
        map_vec_add(&map, shared->head.columns[i].id, expr_of_column(rc->arena, &columns[i]));
    }
    *map_out = map_vec_map(&map);
    return plan_shared(rc->arena, shared->head.inputs[0], shared->shared_id, shared->name,
                       shared->is_materialized, shared->maps, count, columns);
}

/* The plan as a SHARED node that produces the same columns. */
static const PlanShared *share(RuleCtx *rc, const Plan *plan)
{
    const Plan *copy = plan_clone(rc->arena, plan, rc->ids, NULL);
    ColumnId *from = ARENA_ARRAY(rc->arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        from[i] = copy->columns[i].id;
    return plan_as_shared(plan_shared(rc->arena, copy, ++rc->ids->last_shared, "outer", false,
                                      &(ColumnList){plan->column_count, from}, plan->column_count,
                                      plan->columns));
}

static bool produces_all(const Plan *plan, ColumnSet columns)
{
    for (uint32_t i = 0; i < columns.count; i++)
        if (plan_column(plan, columns.ids[i]) == NULL)
            return false;
    return true;
}

/* Joins that keep all left rows and add no values to them: the domain may be taken below. So that
 * many subqueries over one FROM share one source. */
static bool keeps_left_values(const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);

    return plan->kind == PLAN_PROJECT ||
           (join != NULL &&
            (join->kind == JOIN_SINGLE || join->kind == JOIN_MARK || join->kind == JOIN_LEFT));
}

/*
 * A plan with the values of the columns `outer` of `left`: a copy of what is cheap, else another
 * use of it made SHARED. Returns left, with that change; *source_out has its columns under
 * *map_out.
 */
static const Plan *take_source(RuleCtx *rc, const Plan *left, ColumnSet outer,
                               const Plan **source_out, ColumnMap *map_out)
{
    const PlanShared *shared = plan_as_shared(left);

    if (keeps_left_values(left) && produces_all(left->inputs[0], outer)) {
        const Plan **inputs =
            arena_copy(rc->arena, left->inputs, left->input_count * sizeof *inputs);

        inputs[0] = take_source(rc, left->inputs[0], outer, source_out, map_out);
        return plan_with_inputs(rc->arena, left, inputs);
    }
    if (shared == NULL && is_cheap(left) && !is_volatile(rc->arena, left, &(PlanSeen *){NULL})) {
        *source_out = plan_clone(rc->arena, left, rc->ids, map_out);
        return left;
    }
    if (shared == NULL)
        shared = share(rc, left);
    *source_out = shared_twin(rc, shared, map_out);
    return &shared->head;
}

/* The distinct values of left's columns `outer`; left itself may become SHARED for it. */
static Domain make_domain(RuleCtx *rc, const Plan **left, ColumnSet outer)
{
    ColumnId *keys = ARENA_ARRAY(rc->arena, ColumnId, outer.count);
    const Plan *source;
    ColumnMap map;

    *left = take_source(rc, *left, outer, &source, &map);
    for (uint32_t i = 0; i < outer.count; i++) {
        const Expr *key =
            expr_column(rc->arena, outer.ids[i], plan_column(*left, outer.ids[i])->type);

        keys[i] = expr_substitute(rc->arena, key, &map)->column;
    }
    return (Domain){.outer = outer,
                    .plan = plan_aggregate(rc->arena, source, outer.count, keys, 0, NULL, NULL),
                    .shared_id = ++rc->ids->last_shared};
}

static const Plan *join_domain(RuleCtx *rc, PlanMemo *memo, const PlanJoin *join, const Plan *left)
{
    const Plan *right = join->head.inputs[1];
    ColumnSet outer = column_set_intersect(rc->arena, plan_free_columns(rc->arena, right),
                                           plan_output(rc->arena, left));
    Domain domain = make_domain(rc, &left, outer);
    Dependent dependent = unnest_push_domain(rc, &domain, right);
    ExprVec conditions = {.arena = rc->arena};
    const Plan *joined;

    if (rc->status != ST_OK)
        return &join->head;
    plan_memo_note(rc, memo, left, left);
    expr_vec_add_and(&conditions, join->condition);
    for (uint32_t i = 0; i < outer.count; i++)
        expr_vec_add(&conditions,
                     expr_same_value(rc->arena, plan_column(left, outer.ids[i]),
                                     plan_column(dependent.plan, dependent.values[i])));
    joined = plan_join_like(rc->arena, join, (JoinKind)join->kind, left, dependent.plan,
                            expr_vec_and(&conditions), join->null_aware);
    return plan_select_like(rc->arena, joined, &join->head);
}

/* --- the join --- */

/* EXISTS asks only whether there is a row: order, columns and LIMIT 1 do not matter. */
static const Plan *strip_for_exists(RuleCtx *rc, const Plan *plan)
{
    for (;;) {
        const PlanLimit *limit = plan_as_limit(plan);
        const PlanAggregate *aggregate = plan_as_aggregate(plan);
        bool drops = plan->kind == PLAN_SORT || plan->kind == PLAN_PROJECT ||
                     (limit != NULL && limit->skip_rows == 0 && limit->fetch_rows > 0) ||
                     (aggregate != NULL && aggregate->keys.count > 0);

        if (aggregate != NULL && aggregate->keys.count == 0)
            return plan_one_row(rc->arena);
        if (!drops)
            return plan;
        plan = plan->inputs[0];
    }
}

static bool is_exists(const PlanJoin *join)
{
    return (join->kind == JOIN_SEMI || join->kind == JOIN_ANTI || join->kind == JOIN_MARK) &&
           join->condition == NULL && join->null_aware == NULL;
}

static bool is_dependent(RuleCtx *rc, const PlanJoin *join)
{
    return plan_uses_any(rc->arena, join->head.inputs[1],
                         plan_output(rc->arena, join->head.inputs[0]));
}

/* generate_series(1, left.a): made for each left row, in its place. */
static const Plan *join_table_function(RuleCtx *rc, const PlanJoin *join, const Plan *left)
{
    const PlanTableFunction *function = plan_as_table_function(join->head.inputs[1]);
    const Plan *rows =
        plan_table_function(rc->arena, left, (TableFunctionKind)function->function, function->args,
                            function->head.columns[function->head.column_count - 1]);

    return plan_filter(rc->arena, rows, join->condition);
}

static bool is_rows_of_left(const PlanJoin *join)
{
    const Plan *right = join->head.inputs[1];

    return join->kind == JOIN_INNER && right->kind == PLAN_TABLE_FUNCTION &&
           right->input_count == 0;
}

static const Plan *unnest_join(RuleCtx *rc, PlanMemo *memo, const PlanJoin *join)
{
    const Plan *left = unnest(rc, memo, join->head.inputs[0]);
    const Plan *right = join->head.inputs[1];
    Pulled pulled;

    if (is_exists(join))
        right = strip_for_exists(rc, right);
    join = plan_as_join(plan_with_inputs(rc->arena, &join->head, (const Plan *[]){left, right}));
    if (!is_dependent(rc, join))
        return &join->head;
    plan_memo_note(rc, memo, left, left); /* not to be walked again from above */
    if (is_rows_of_left(join))
        return join_table_function(rc, join, left);
    if (!unnest_pull(rc, right, plan_output(rc->arena, left), &pulled))
        return join_domain(rc, memo, join, left);
    return pulled.is_scalar ? join_pulled_scalar(rc, join, left, &pulled)
                            : join_pulled_rows(rc, join, left, &pulled);
}

static const Plan *unnest(RuleCtx *rc, PlanMemo *memo, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);

    if (rc->status != ST_OK || plan_memo_find(memo, plan) != NULL)
        return plan;
    if (join != NULL && is_dependent(rc, join)) {
        plan = unnest_join(rc, memo, join);
        join = plan_as_join(plan);
        CHECK(rc->status != ST_OK || join == NULL || !is_dependent(rc, join));
    }
    return plan_map_inputs(rc, memo, plan, unnest);
}

static const Plan *unnest_dependent_joins(RuleCtx *rc, const Plan *plan)
{
    PlanMemo memo = {0};

    return unnest(rc, &memo, plan);
}

const Rule rule_unnest_dependent_joins = {
    .name = "unnest_dependent_joins",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .is_required = true,
    .rewrite = unnest_dependent_joins,
};
