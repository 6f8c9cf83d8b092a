/* plan_check.c -- the invariants of a plan; see plan_check in plan.h */
#include "core/base/invariant.h"
#include "core/plan/plan.h"

typedef struct Checker {
    Arena *arena;
    const Plan *node;
    ColumnSet visible;
    Error *err;
    Status status;
} Checker;

static Status fail(Checker *checker, const char *what, ColumnId id)
{
    if (checker->status == ST_OK)
        checker->status = error_set(checker->err, ST_INTERNAL, "plan check: %s (column #%u) in: %s",
                                    what, id, plan_print_node(checker->arena, checker->node));
    return checker->status;
}

static void check_subplan(Checker *checker, const Plan *plan)
{
    if (checker->status == ST_OK)
        checker->status = plan_check(checker->arena, plan, checker->visible, checker->err);
}

static bool check_part(void *context, const Expr *expr)
{
    Checker *checker = context;

    if (expr->kind == EXPR_COLUMN && !column_set_has(checker->visible, expr->column))
        fail(checker, "a column is used but not produced below", expr->column);
    if (expr->kind == EXPR_SUBQUERY)
        check_subplan(checker, expr->plan);
    if (expr->kind == EXPR_CALL &&
        (expr->func == FUNC_AND || expr->func == FUNC_OR || expr->func == FUNC_NOT))
        for (uint32_t i = 0; i < expr->arg_count; i++)
            if (expr->args[i]->type.id != TYPE_BOOL && expr->args[i]->type.id != TYPE_NULL)
                fail(checker, "an argument of AND, OR or NOT is not boolean", 0);
    return true;
}

static void check_expr(void *context, const Expr *expr)
{
    expr_visit(expr, check_part, context);
}

static void check_boolean(Checker *checker, const Expr *predicate)
{
    if (predicate != NULL && predicate->type.id != TYPE_BOOL && predicate->type.id != TYPE_NULL)
        fail(checker, "a predicate is not boolean", 0);
}

static void check_used(Checker *checker, const ColumnId *ids, uint32_t count, const Plan *input)
{
    for (uint32_t i = 0; i < count; i++)
        if (plan_column(input, ids[i]) == NULL)
            fail(checker, "a key or map names a column that the input lacks", ids[i]);
}

static void check_unique_columns(Checker *checker)
{
    const Plan *plan = checker->node;
    ColumnSet set = plan_output(checker->arena, plan);

    if (set.count != plan->column_count)
        fail(checker, "a column id is produced twice", 0);
    for (uint32_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].id == 0 || plan->columns[i].name == NULL)
            fail(checker, "a column without id or name", plan->columns[i].id);
}

static void check_list_types(Checker *checker, ExprList list, const PlanColumn *columns)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (!type_equal(list.items[i]->type, columns[i].type))
            fail(checker, "an expression has another type than its column", columns[i].id);
}

static void check_maps(Checker *checker, const ColumnList *maps)
{
    const Plan *plan = checker->node;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (maps[i].count != plan->column_count) {
            fail(checker, "a map is not as long as the node has columns", 0);
            continue;
        }
        check_used(checker, maps[i].ids, maps[i].count, plan->inputs[i]);
        for (uint32_t j = 0; j < maps[i].count; j++) {
            const PlanColumn *source = plan_column(plan->inputs[i], maps[i].ids[j]);

            if (source != NULL && !type_equal(source->type, plan->columns[j].type))
                fail(checker, "a mapped column has another type", plan->columns[j].id);
        }
    }
}

static void check_sort_keys(Checker *checker, SortKeyList keys)
{
    for (uint32_t i = 0; i < keys.count; i++)
        check_used(checker, &keys.items[i].column, 1, checker->node->inputs[0]);
}

/* args are the record's fields, one for one. */
static void check_record(Checker *checker, ColumnList args, const Plan *input,
                         const RecordLayout *layout)
{
    check_used(checker, args.ids, args.count, input);
    if (args.count != layout->field_count) {
        fail(checker, "a record has not as many columns as fields", 0);
        return;
    }
    for (uint32_t i = 0; i < args.count; i++) {
        const PlanColumn *column = plan_column(input, args.ids[i]);

        if (column != NULL && !type_equal(column->type, layout->fields[i].type))
            fail(checker, "a record's field has another type than its column", column->id);
    }
}

static void check_node(Checker *checker)
{
    const Plan *plan = checker->node;

    switch (plan->kind) {
    case PLAN_FILTER:
        check_boolean(checker, ((const PlanFilter *)plan)->predicate);
        break;
    case PLAN_PROJECT:
        check_list_types(checker, ((const PlanProject *)plan)->exprs, plan->columns);
        break;
    case PLAN_JOIN:
        check_boolean(checker, ((const PlanJoin *)plan)->condition);
        check_boolean(checker, ((const PlanJoin *)plan)->null_aware);
        break;
    case PLAN_HASH_JOIN: {
        const PlanHashJoin *join = (const PlanHashJoin *)plan;

        check_boolean(checker, join->residual);
        if (join->left_keys.count == 0 || join->left_keys.count != join->right_keys.count ||
            join->left_keys.count != join->null_equal.count)
            fail(checker, "a hash join's key lists differ in length or are empty", 0);
        break;
    }
    case PLAN_AGGREGATE: {
        const PlanAggregate *aggregate = (const PlanAggregate *)plan;

        check_used(checker, aggregate->keys.ids, aggregate->keys.count, plan->inputs[0]);
        check_list_types(checker, aggregate->aggs, plan->columns + aggregate->keys.count);
        break;
    }
    case PLAN_SORT:
        check_sort_keys(checker, ((const PlanSort *)plan)->keys);
        break;
    case PLAN_GROUP_LIMIT: {
        const PlanGroupLimit *limit = (const PlanGroupLimit *)plan;

        check_used(checker, limit->keys.ids, limit->keys.count, plan->inputs[0]);
        check_sort_keys(checker, limit->order);
        break;
    }
    case PLAN_GROUP_CONCAT: {
        const PlanGroupConcat *concat = (const PlanGroupConcat *)plan;

        check_used(checker, concat->keys.ids, concat->keys.count, plan->inputs[0]);
        check_used(checker, &concat->value, 1, plan->inputs[0]);
        check_used(checker, &concat->delimiter, 1, plan->inputs[0]);
        check_sort_keys(checker, concat->order);
        break;
    }
    case PLAN_TOP_N:
        check_sort_keys(checker, ((const PlanTopN *)plan)->keys);
        break;
    case PLAN_CALL:
        check_record(checker, ((const PlanCall *)plan)->args, plan->inputs[0],
                     ((const PlanCall *)plan)->steps.first->in);
        break;
    case PLAN_COMBINE:
        check_record(checker, ((const PlanCombine *)plan)->args, plan->inputs[0],
                     ((const PlanCombine *)plan)->spec->in);
        break;
    case PLAN_GROUP:
        for (uint32_t i = 0; i < plan->input_count; i++)
            check_record(checker, ((const PlanGroup *)plan)->args[i], plan->inputs[i],
                         ((const PlanGroup *)plan)->spec->in[i]);
        break;
    case PLAN_EXCHANGE:
        check_used(checker, ((const PlanExchange *)plan)->keys.ids,
                   ((const PlanExchange *)plan)->keys.count, plan->inputs[0]);
        check_sort_keys(checker, ((const PlanExchange *)plan)->order);
        break;
    case PLAN_VALUES:
        for (uint32_t i = 0; i < ((const PlanValues *)plan)->rows.count; i++)
            check_list_types(checker, ((const PlanValues *)plan)->rows.items[i], plan->columns);
        break;
    default:
        if (plan_maps(plan) != NULL)
            check_maps(checker, plan_maps(plan));
        break;
    }
}

static Status check_tree(Arena *arena, const Plan *plan, ColumnSet allowed_free, PlanSeen **checked,
                         Error *err)
{
    Checker checker = {.arena = arena, .node = plan, .visible = allowed_free, .err = err};

    check_unique_columns(&checker);
    for (uint32_t i = 0; checker.status == ST_OK && i < plan->input_count; i++) {
        ColumnSet free_below = allowed_free;

        if (plan->kind == PLAN_JOIN && i == 1)
            free_below = column_set_union(arena, free_below, plan_output(arena, plan->inputs[0]));
        if (!plan_seen(arena, plan, checked))
            TRY(check_tree(arena, plan->inputs[i], free_below, checked, err));
        checker.visible =
            column_set_union(arena, checker.visible, plan_output(arena, plan->inputs[i]));
    }
    if (plan->kind == PLAN_SCAN)
        checker.visible = column_set_union(arena, checker.visible, plan_output(arena, plan));
    plan_visit_exprs(plan, check_expr, &checker);
    if (checker.status == ST_OK)
        check_node(&checker);
    return checker.status;
}

Status plan_check(Arena *arena, const Plan *plan, ColumnSet allowed_free, Error *err)
{
    PlanSeen *checked = NULL;

    return check_tree(arena, plan, allowed_free, &checked, err);
}
