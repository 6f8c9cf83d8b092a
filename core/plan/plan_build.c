/* plan_build.c -- making plan nodes; see plan.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/plan.h"

Plan *plan_new(Arena *arena, PlanKind kind, uint32_t input_count, const Plan *const *inputs,
               uint32_t column_count, const PlanColumn *columns)
{
    Plan *plan = arena_alloc(arena, plan_kind_info(kind)->bytes);

    plan->kind = kind;
    plan->input_count = input_count;
    plan->inputs = arena_copy(arena, inputs, input_count * sizeof *inputs);
    plan->column_count = column_count;
    plan->columns = arena_copy(arena, columns, column_count * sizeof *columns);
    plan->estimated_rows = -1;
    return plan;
}

static ExprList copy_exprs(Arena *arena, uint32_t count, const Expr *const *exprs)
{
    return (ExprList){count, arena_copy(arena, exprs, count * sizeof *exprs)};
}

static ColumnList copy_columns(Arena *arena, uint32_t count, const ColumnId *ids)
{
    return (ColumnList){count, arena_copy(arena, ids, count * sizeof *ids)};
}

static const ColumnList *copy_maps(Arena *arena, uint32_t count, const ColumnList *maps)
{
    ColumnList *copies = ARENA_ARRAY(arena, ColumnList, count);

    for (uint32_t i = 0; i < count; i++)
        copies[i] = copy_columns(arena, maps[i].count, maps[i].ids);
    return copies;
}

const Plan *plan_scan(Arena *arena, Table *table, const char *alias, uint32_t count,
                      const uint32_t *table_columns, const PlanColumn *columns)
{
    PlanScan *scan = (PlanScan *)plan_new(arena, PLAN_SCAN, 0, NULL, count, columns);

    scan->table = table;
    scan->alias = alias;
    scan->table_columns =
        (IndexList){count, arena_copy(arena, table_columns, count * sizeof *table_columns)};
    scan->row_limit = ALL_ROWS;
    return &scan->head;
}

const Plan *plan_values(Arena *arena, uint32_t column_count, const PlanColumn *columns,
                        uint32_t row_count, const ExprList *rows)
{
    PlanValues *values = (PlanValues *)plan_new(arena, PLAN_VALUES, 0, NULL, column_count, columns);

    values->rows = (ExprRows){row_count, arena_copy(arena, rows, row_count * sizeof *rows)};
    return &values->head;
}

const Plan *plan_one_row(Arena *arena)
{
    return plan_values(arena, 0, NULL, 1, &(ExprList){0});
}

const Plan *plan_empty(Arena *arena, const Plan *like)
{
    return plan_values(arena, like->column_count, like->columns, 0, NULL);
}

/* The input's columns, then the function's. */
static const PlanColumn *table_function_columns(Arena *arena, const Plan *input, PlanColumn own)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, input->column_count + 1);

    if (input->column_count > 0)
        memcpy(columns, input->columns, input->column_count * sizeof *columns);
    columns[input->column_count] = own;
    return columns;
}

const Plan *plan_table_function(Arena *arena, const Plan *input, TableFunctionKind function,
                                ExprList args, PlanColumn column)
{
    PlanTableFunction *node =
        input == NULL
            ? (PlanTableFunction *)plan_new(arena, PLAN_TABLE_FUNCTION, 0, NULL, 1, &column)
            : (PlanTableFunction *)plan_new(arena, PLAN_TABLE_FUNCTION, 1, &input,
                                            input->column_count + 1,
                                            table_function_columns(arena, input, column));

    node->function = function;
    node->args = copy_exprs(arena, args.count, args.items);
    return &node->head;
}

/* A node of one input that passes its columns through. */
static Plan *new_pass_through(Arena *arena, PlanKind kind, const Plan *input)
{
    Plan *plan = plan_new(arena, kind, 1, &input, 0, NULL);

    plan->column_count = input->column_count;
    plan->columns = input->columns;
    return plan;
}

const Plan *plan_filter(Arena *arena, const Plan *input, const Expr *predicate)
{
    PlanFilter *filter;

    if (expr_is_true(predicate))
        return input;
    filter = (PlanFilter *)new_pass_through(arena, PLAN_FILTER, input);
    filter->predicate = predicate;
    return &filter->head;
}

const Plan *plan_project(Arena *arena, const Plan *input, uint32_t count, const Expr *const *exprs,
                         const PlanColumn *columns)
{
    PlanProject *project = (PlanProject *)plan_new(arena, PLAN_PROJECT, 1, &input, count, columns);

    project->exprs = copy_exprs(arena, count, exprs);
    return &project->head;
}

const Plan *plan_select_columns(Arena *arena, const Plan *input, uint32_t count,
                                const ColumnId *ids)
{
    bool is_same = count == input->column_count;
    const Expr **exprs;
    PlanColumn *columns;

    for (uint32_t i = 0; is_same && i < count; i++)
        is_same = input->columns[i].id == ids[i];
    if (is_same)
        return input;
    exprs = ARENA_ARRAY(arena, const Expr *, count);
    columns = ARENA_ARRAY(arena, PlanColumn, count);
    for (uint32_t i = 0; i < count; i++) {
        const PlanColumn *column = plan_column(input, ids[i]);

        CHECK(column != NULL);
        columns[i] = *column;
        exprs[i] = expr_column(arena, column->id, column->type);
    }
    return plan_project(arena, input, count, exprs, columns);
}

static uint32_t add_columns(PlanColumn *to, uint32_t count, const Plan *from, bool becomes_nullable)
{
    for (uint32_t i = 0; i < from->column_count; i++) {
        to[count + i] = from->columns[i];
        to[count + i].is_nullable |= becomes_nullable;
    }
    return count + from->column_count;
}

const PlanColumn *plan_join_columns(Arena *arena, JoinKind kind, const Plan *left,
                                    const Plan *right, const PlanColumn *mark, uint32_t *count_out)
{
    PlanColumn *columns =
        ARENA_ARRAY(arena, PlanColumn, left->column_count + right->column_count + 1);
    bool pads_left = kind == JOIN_FULL || kind == JOIN_RIGHT_OUTER;
    bool pads_right = kind == JOIN_FULL || kind == JOIN_LEFT || kind == JOIN_SINGLE;
    uint32_t count = 0;

    if (kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI)
        count = add_columns(columns, count, left, pads_left);
    if (kind != JOIN_SEMI && kind != JOIN_ANTI && kind != JOIN_MARK)
        count = add_columns(columns, count, right, pads_right);
    if (kind == JOIN_MARK)
        columns[count++] = *mark;
    *count_out = count;
    return columns;
}

static PlanJoin *new_join(Arena *arena, JoinKind kind, const Plan *left, const Plan *right,
                          const Expr *condition, const PlanColumn *mark)
{
    const Plan *inputs[2] = {left, right};
    uint32_t count;
    const PlanColumn *columns = plan_join_columns(arena, kind, left, right, mark, &count);
    PlanJoin *join = (PlanJoin *)plan_new(arena, PLAN_JOIN, 2, inputs, count, columns);

    join->kind = kind;
    join->condition = expr_is_true(condition) ? NULL : condition;
    return join;
}

const Plan *plan_join(Arena *arena, JoinKind kind, const Plan *left, const Plan *right,
                      const Expr *condition)
{
    CHECK(kind != JOIN_MARK);
    return &new_join(arena, kind, left, right, condition, NULL)->head;
}

const Plan *plan_mark_join(Arena *arena, const Plan *left, const Plan *right, const Expr *condition,
                           const Expr *null_aware, PlanColumn mark)
{
    PlanJoin *join = new_join(arena, JOIN_MARK, left, right, condition, &mark);

    join->null_aware = null_aware;
    join->mark = mark.id;
    return &join->head;
}

const Plan *plan_anti_join(Arena *arena, const Plan *left, const Plan *right, const Expr *condition,
                           const Expr *null_aware)
{
    PlanJoin *join = new_join(arena, JOIN_ANTI, left, right, condition, NULL);

    join->null_aware = null_aware;
    return &join->head;
}

/* The aggregate's output: its keys as the input has them, then the aggregates' own columns. */
static const PlanColumn *aggregate_columns(Arena *arena, const Plan *input, ColumnList keys,
                                           uint32_t agg_count, const PlanColumn *agg_columns)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, keys.count + agg_count);

    for (uint32_t i = 0; i < keys.count; i++) {
        const PlanColumn *column = plan_column(input, keys.ids[i]);

        CHECK(column != NULL);
        columns[i] = *column;
    }
    if (agg_count > 0)
        memcpy(columns + keys.count, agg_columns, agg_count * sizeof *columns);
    return columns;
}

const Plan *plan_aggregate(Arena *arena, const Plan *input, uint32_t key_count,
                           const ColumnId *keys, uint32_t agg_count, const Expr *const *aggs,
                           const PlanColumn *agg_columns)
{
    ColumnList key_list = copy_columns(arena, key_count, keys);
    PlanAggregate *aggregate = (PlanAggregate *)plan_new(
        arena, PLAN_AGGREGATE, 1, &input, key_count + agg_count,
        aggregate_columns(arena, input, key_list, agg_count, agg_columns));

    aggregate->keys = key_list;
    aggregate->aggs = copy_exprs(arena, agg_count, aggs);
    return &aggregate->head;
}

const Plan *plan_distinct(Arena *arena, const Plan *input)
{
    ColumnId *keys = ARENA_ARRAY(arena, ColumnId, input->column_count);

    for (uint32_t i = 0; i < input->column_count; i++)
        keys[i] = input->columns[i].id;
    return plan_aggregate(arena, input, input->column_count, keys, 0, NULL, NULL);
}

const Plan *plan_sort(Arena *arena, const Plan *input, uint32_t key_count, const SortKey *keys)
{
    PlanSort *sort = (PlanSort *)new_pass_through(arena, PLAN_SORT, input);

    sort->keys = (SortKeyList){key_count, arena_copy(arena, keys, key_count * sizeof *keys)};
    return &sort->head;
}

const Plan *plan_sort_keep(Arena *arena, const Plan *plan)
{
    PlanSort *kept;

    if (plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER)
        return plan_with_input(arena, plan, plan_sort_keep(arena, plan->inputs[0]));
    if (plan->kind != PLAN_SORT)
        return plan;
    kept = arena_copy(arena, plan, sizeof *kept);
    kept->is_kept = true;
    return &kept->head;
}

const Plan *plan_limit(Arena *arena, const Plan *input, int64_t skip_rows, int64_t fetch_rows)
{
    PlanLimit *limit = (PlanLimit *)new_pass_through(arena, PLAN_LIMIT, input);

    limit->skip_rows = skip_rows;
    limit->fetch_rows = fetch_rows;
    return &limit->head;
}

const Plan *plan_group_limit(Arena *arena, const Plan *input, uint32_t key_count,
                             const ColumnId *keys, SortKeyList order, int64_t skip_rows,
                             int64_t fetch_rows)
{
    PlanGroupLimit *limit = (PlanGroupLimit *)new_pass_through(arena, PLAN_GROUP_LIMIT, input);

    limit->keys = copy_columns(arena, key_count, keys);
    limit->order = (SortKeyList){order.count,
                                 arena_copy(arena, order.items, order.count * sizeof *order.items)};
    limit->skip_rows = skip_rows;
    limit->fetch_rows = fetch_rows;
    return &limit->head;
}

/* The input's, with result in the place of value. */
static const PlanColumn *group_concat_columns(Arena *arena, const Plan *input, ColumnId value,
                                              PlanColumn result)
{
    PlanColumn *columns = arena_copy(arena, input->columns, input->column_count * sizeof *columns);
    int32_t at = plan_column_index(input, value);

    CHECK(at >= 0);
    columns[at] = result;
    return columns;
}

const Plan *plan_group_concat(Arena *arena, const Plan *input, uint32_t key_count,
                              const ColumnId *keys, SortKeyList order, ColumnId value,
                              ColumnId delimiter, PlanColumn result)
{
    PlanGroupConcat *node =
        (PlanGroupConcat *)plan_new(arena, PLAN_GROUP_CONCAT, 1, &input, input->column_count,
                                    group_concat_columns(arena, input, value, result));

    node->keys = copy_columns(arena, key_count, keys);
    node->order = (SortKeyList){order.count,
                                arena_copy(arena, order.items, order.count * sizeof *order.items)};
    node->value = value;
    node->delimiter = delimiter;
    node->result = result.id;
    return &node->head;
}

const Plan *plan_union(Arena *arena, uint32_t input_count, const Plan *const *inputs,
                       const ColumnList *maps, uint32_t column_count, const PlanColumn *columns)
{
    PlanUnion *node =
        (PlanUnion *)plan_new(arena, PLAN_UNION, input_count, inputs, column_count, columns);

    node->maps = copy_maps(arena, input_count, maps);
    return &node->head;
}

const Plan *plan_setop(Arena *arena, SetopKind kind, bool is_all, const Plan *left,
                       const Plan *right, const ColumnList *maps, uint32_t column_count,
                       const PlanColumn *columns)
{
    const Plan *inputs[2] = {left, right};
    PlanSetop *node = (PlanSetop *)plan_new(arena, PLAN_SETOP, 2, inputs, column_count, columns);

    node->kind = kind;
    node->is_all = is_all;
    node->maps = copy_maps(arena, 2, maps);
    return &node->head;
}

const Plan *plan_shared(Arena *arena, const Plan *input, int64_t shared_id, const char *name,
                        bool is_materialized, const ColumnList *map, uint32_t column_count,
                        const PlanColumn *columns)
{
    PlanShared *node = (PlanShared *)plan_new(arena, PLAN_SHARED, 1, &input, column_count, columns);

    node->shared_id = shared_id;
    node->name = name;
    node->is_materialized = is_materialized;
    node->maps = copy_maps(arena, 1, map);
    return &node->head;
}

const Plan *plan_write(Arena *arena, const Plan *input, const char *path, const char *format,
                       NameList names, OptionList options, PlanColumn count_column)
{
    PlanWrite *node = (PlanWrite *)plan_new(arena, PLAN_WRITE, 1, &input, 1, &count_column);

    node->path = path;
    node->format = format;
    node->names =
        (NameList){names.count, arena_copy(arena, names.items, names.count * sizeof *names.items)};
    node->options =
        (OptionList){options.count, arena_copy(arena, options.items,
                                               2 * (size_t)options.count * sizeof *options.items)};
    return &node->head;
}

const ColumnList *plan_maps(const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_UNION:
        return ((const PlanUnion *)plan)->maps;
    case PLAN_SETOP:
        return ((const PlanSetop *)plan)->maps;
    case PLAN_SHARED:
        return ((const PlanShared *)plan)->maps;
    default:
        return NULL;
    }
}

/* --- the same node over other inputs --- */

static void refresh_join_columns(Arena *arena, Plan *plan, JoinKind kind, ColumnId mark)
{
    const PlanColumn *mark_column = mark == 0 ? NULL : &plan->columns[plan->column_count - 1];

    plan->columns = plan_join_columns(arena, kind, plan->inputs[0], plan->inputs[1], mark_column,
                                      &plan->column_count);
}

/* Bare columns of a projection follow their source's nullability. */
static void refresh_project_columns(Arena *arena, PlanProject *project)
{
    PlanColumn *columns =
        arena_copy(arena, project->head.columns, project->head.column_count * sizeof *columns);

    for (uint32_t i = 0; i < project->head.column_count; i++) {
        const Expr *expr = project->exprs.items[i];
        const PlanColumn *source =
            expr->kind == EXPR_COLUMN ? plan_column(project->head.inputs[0], expr->column) : NULL;

        if (source != NULL)
            columns[i].is_nullable = source->is_nullable;
    }
    project->head.columns = columns;
}

static void refresh_columns(Arena *arena, Plan *plan)
{
    switch (plan->kind) {
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_GROUP_LIMIT:
    case PLAN_TOP_N:
    case PLAN_EXCHANGE:
        plan->column_count = plan->inputs[0]->column_count;
        plan->columns = plan->inputs[0]->columns;
        break;
    case PLAN_GROUP_CONCAT: {
        const PlanGroupConcat *concat = (const PlanGroupConcat *)plan;

        plan->columns = group_concat_columns(arena, plan->inputs[0], concat->value,
                                             *plan_column(plan, concat->result));
        plan->column_count = plan->inputs[0]->column_count;
        break;
    }
    case PLAN_TABLE_FUNCTION:
        plan->columns =
            table_function_columns(arena, plan->inputs[0], plan->columns[plan->column_count - 1]);
        plan->column_count = plan->inputs[0]->column_count + 1;
        break;
    case PLAN_PROJECT:
        refresh_project_columns(arena, (PlanProject *)plan);
        break;
    case PLAN_JOIN:
        refresh_join_columns(arena, plan, ((PlanJoin *)plan)->kind, ((PlanJoin *)plan)->mark);
        break;
    case PLAN_HASH_JOIN:
        refresh_join_columns(arena, plan, ((PlanHashJoin *)plan)->kind,
                             ((PlanHashJoin *)plan)->mark);
        break;
    case PLAN_NESTED_JOIN:
        refresh_join_columns(arena, plan, ((PlanNestedJoin *)plan)->kind,
                             ((PlanNestedJoin *)plan)->mark);
        break;
    case PLAN_AGGREGATE: {
        PlanAggregate *aggregate = (PlanAggregate *)plan;

        plan->columns =
            aggregate_columns(arena, plan->inputs[0], aggregate->keys, aggregate->aggs.count,
                              plan->columns + aggregate->keys.count);
        break;
    }
    default:
        break;
    }
}

const Plan *plan_with_inputs(Arena *arena, const Plan *plan, const Plan *const *inputs)
{
    Plan *copy;

    if (plan->input_count == 0 ||
        memcmp(inputs, plan->inputs, plan->input_count * sizeof *inputs) == 0)
        return plan;
    copy = arena_copy(arena, plan, plan_kind_info(plan->kind)->bytes);
    copy->inputs = arena_copy(arena, inputs, plan->input_count * sizeof *inputs);
    refresh_columns(arena, copy);
    return copy;
}

const Plan *plan_with_input(Arena *arena, const Plan *plan, const Plan *input)
{
    CHECK(plan->input_count == 1);
    return plan_with_inputs(arena, plan, &input);
}

const Plan *plan_with_rows(Arena *arena, const Plan *plan, double estimated_rows)
{
    Plan *copy = arena_copy(arena, plan, plan_kind_info(plan->kind)->bytes);

    copy->estimated_rows = estimated_rows;
    return copy;
}

const Plan *plan_with_shift(Arena *arena, const Plan *plan, uint32_t partition_shift)
{
    Plan *copy;

    if (plan->partition_shift == partition_shift)
        return plan;
    copy = arena_copy(arena, plan, plan_kind_info(plan->kind)->bytes);
    copy->partition_shift = partition_shift;
    return copy;
}
