/*
 * plan_wire_check.c -- what a node that came from elsewhere must hold before anything looks at it
 *
 * plan_check (plan_check.c) finds mistakes of rules, and trusts nodes to have the shape that their
 * makers give them. Here that shape itself is checked, node by node, as each is read.
 */
#include "core/base/invariant.h"
#include "core/plan/plan_wire_internal.h"

typedef struct NodeCheck {
    PlanReader *reader;
    const Plan *plan;
    bool is_right;
    bool allows_aggs;
} NodeCheck;

static void demand(NodeCheck *check, bool holds, const char *what)
{
    if (!holds && check->reader->from.status == ST_OK)
        wire_fail(&check->reader->from, "%s: %s", plan_kind_name(check->plan->kind), what);
    check->is_right &= holds;
}

/* --- columns --- */

static bool same_columns(const PlanColumn *a, const PlanColumn *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (a[i].id != b[i].id || !type_equal(a[i].type, b[i].type))
            return false;
    return true;
}

static void check_passes_rows(NodeCheck *check)
{
    const Plan *plan = check->plan, *input = plan->inputs[0];

    demand(check,
           plan->column_count == input->column_count &&
               same_columns(plan->columns, input->columns, plan->column_count),
           "its columns are not its input's");
}

static void check_ids(NodeCheck *check, ColumnList list, const Plan *input, const char *what)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (plan_column(input, list.ids[i]) == NULL)
            demand(check, false, what);
}

static void check_keys(NodeCheck *check, SortKeyList keys)
{
    for (uint32_t i = 0; i < keys.count; i++) {
        const PlanColumn *column = plan_column(check->plan->inputs[0], keys.items[i].column);

        demand(check, column != NULL && type_equal(column->type, keys.items[i].type),
               "a sort key is not a column of its input");
    }
}

static void check_maps(NodeCheck *check, const ColumnList *maps)
{
    const Plan *plan = check->plan;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        demand(check, maps[i].count == plan->column_count,
               "it does not map as many columns as it has");
        for (uint32_t j = 0; check->is_right && j < maps[i].count; j++) {
            const PlanColumn *from = plan_column(plan->inputs[i], maps[i].ids[j]);

            demand(check, from != NULL && type_equal(from->type, plan->columns[j].type),
                   "it maps a column that its input does not have with that type");
        }
    }
}

static void check_rows(NodeCheck *check, int64_t skip_rows, int64_t fetch_rows)
{
    demand(check, skip_rows >= 0 && fetch_rows >= 0, "a negative number of rows");
}

/* --- expressions: types of the columns they use, aggregates where those belong --- */

static bool check_part(void *context, const Expr *expr)
{
    NodeCheck *check = context;

    if (expr->kind == EXPR_AGG)
        demand(check, check->allows_aggs, "an aggregate where none may be");
    if (expr->kind == EXPR_COLUMN) {
        const PlanColumn *column = NULL;

        for (uint32_t i = 0; column == NULL && i < check->plan->input_count; i++)
            column = plan_column(check->plan->inputs[i], expr->column);
        if (column == NULL && check->plan->kind == PLAN_SCAN)
            column = plan_column(check->plan, expr->column);
        /* a column of an outer plan is left to wire__check_plan */
        if (column != NULL)
            demand(check, type_equal(column->type, expr->type),
                   "a column has another type than the expression that names it");
    }
    return check->is_right;
}

static void check_expr(void *context, const Expr *expr)
{
    expr_visit(expr, check_part, context);
}

static void check_exprs(NodeCheck *check)
{
    check->allows_aggs = check->plan->kind == PLAN_AGGREGATE;
    plan_visit_exprs(check->plan, check_expr, check);
}

static void check_boolean(NodeCheck *check, const Expr *expr, const char *what)
{
    demand(check, expr == NULL || wire__is_boolean(expr->type), what);
}

static void check_types(NodeCheck *check, ExprList list, const PlanColumn *columns)
{
    for (uint32_t i = 0; i < list.count; i++)
        demand(check, type_equal(list.items[i]->type, columns[i].type),
               "an expression has another type than its column");
}

/* --- kinds of nodes --- */

static uint32_t count_columns(const Expr *expr, ColumnId *first)
{
    uint32_t count = 0;

    if (expr->kind == EXPR_COLUMN) {
        count = *first != 0 && *first != expr->column;
        *first = expr->column;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        count += count_columns(expr->args[i], first);
    return count;
}

static void check_scan(NodeCheck *check, const PlanScan *scan)
{
    const Plan *plan = check->plan;
    const Table *table = scan->table;

    demand(check, scan->table_columns.count == plan->column_count,
           "it does not read as many columns as it has");
    for (uint32_t i = 0; check->is_right && i < plan->column_count; i++) {
        uint32_t column = scan->table_columns.items[i];

        demand(check,
               column < table->column_count && table->columns[column].refused == NULL &&
                   type_equal(table->columns[column].type, plan->columns[i].type),
               "its table has no such column of that type");
    }
    for (uint32_t i = 0; check->is_right && i < scan->predicates.count; i++) {
        ColumnId first = 0;

        check_boolean(check, scan->predicates.items[i], "a predicate is not boolean");
        demand(check, count_columns(scan->predicates.items[i], &first) == 0 && first != 0,
               "a predicate is not over one column");
        demand(check, !expr_has_subquery(scan->predicates.items[i]), "a predicate has a subquery");
    }
    for (uint32_t i = 0; i < scan->runtime_filters.count; i++)
        demand(check, plan_column(plan, scan->runtime_filters.items[i].column) != NULL,
               "a runtime filter is for a column that it does not have");
    demand(check, scan->row_limit >= 0, "a negative number of rows");
}

static void check_values(NodeCheck *check, ExprRows rows)
{
    for (uint32_t i = 0; check->is_right && i < rows.count; i++) {
        demand(check, rows.items[i].count == check->plan->column_count,
               "a row is not as long as it has columns");
        if (check->is_right)
            check_types(check, rows.items[i], check->plan->columns);
    }
}

static void check_table_function(NodeCheck *check, const PlanTableFunction *node)
{
    const Plan *plan = check->plan;
    uint32_t before = plan->input_count == 0 ? 0 : plan->inputs[0]->column_count;

    demand(check, node->function == TABLE_FUNCTION_GENERATE_SERIES, "no such function");
    demand(check, plan->input_count <= 1 && node->args.count == 3, "it takes three arguments");
    demand(check, plan->column_count == before + 1, "it adds one column");
    if (check->is_right && before > 0)
        demand(check, same_columns(plan->columns, plan->inputs[0]->columns, before),
               "its columns are not its input's and its own");
    for (uint32_t i = 0; check->is_right && i < 2; i++)
        demand(check, type_equal(node->args.items[i]->type, plan->columns[before].type),
               "its arguments have another type than its column");
    if (check->is_right && plan->columns[before].type.id != TYPE_TIMESTAMP)
        demand(check, type_equal(node->args.items[2]->type, plan->columns[before].type),
               "its step has another type than its column");
}

static void check_join(NodeCheck *check, int32_t kind, bool is_physical, ColumnId mark,
                       const Expr *null_aware)
{
    const Plan *plan = check->plan;
    const PlanColumn *columns, *last = NULL;
    uint32_t count;

    demand(check, kind >= 0 && kind <= (is_physical ? JOIN_RIGHT_ANTI : JOIN_SINGLE),
           "no such kind of join");
    demand(check, (kind == JOIN_MARK) == (mark != 0), "a mark belongs to a mark join");
    demand(check, null_aware == NULL || kind == JOIN_MARK || kind == JOIN_ANTI,
           "a comparison that knows NULL belongs to a mark or anti join");
    if (!check->is_right)
        return;
    if (kind == JOIN_MARK) {
        last = plan->column_count == 0 ? NULL : &plan->columns[plan->column_count - 1];
        demand(check, last != NULL && last->id == mark && last->type.id == TYPE_BOOL,
               "its last column is not its mark");
        if (!check->is_right)
            return;
    }
    columns = plan_join_columns(check->reader->arena, (JoinKind)kind, plan->inputs[0],
                                plan->inputs[1], last, &count);
    demand(check, count == plan->column_count && same_columns(columns, plan->columns, count),
           "its columns are not those of its inputs");
}

static bool join_types_match(Type a, Type b)
{
    return type_phys(a) == type_phys(b) && a.scale == b.scale;
}

static void check_hash_join(NodeCheck *check, const PlanHashJoin *join)
{
    uint32_t count = join->left_keys.count;

    check_join(check, join->kind, true, join->mark, join->null_aware);
    demand(check, count > 0 && join->right_keys.count == count && join->null_equal.count == count,
           "its lists of keys are not of one length");
    for (uint32_t i = 0; check->is_right && i < count; i++)
        demand(check,
               join_types_match(join->left_keys.items[i]->type, join->right_keys.items[i]->type),
               "two keys have different types");
    check_boolean(check, join->residual, "its condition is not boolean");
    check_boolean(check, join->null_aware, "its condition is not boolean");
    for (uint32_t i = 0; i < join->runtime_filters.count; i++)
        demand(check,
               join->runtime_filters.items[i].kind == FILTER_KEY &&
                   join->runtime_filters.items[i].key < count,
               "a runtime filter is of a key that it does not have");
}

static void check_aggregate(NodeCheck *check, const PlanAggregate *node)
{
    const Plan *plan = check->plan;
    uint32_t keys = node->keys.count;

    demand(check, node->part >= 0 && node->part <= AGGREGATE_PARTIAL, "no such part");
    demand(check, plan->column_count == (uint64_t)keys + node->aggs.count,
           "its columns are not its keys and aggregates");
    for (uint32_t i = 0; check->is_right && i < keys; i++) {
        const PlanColumn *column = plan_column(plan->inputs[0], node->keys.ids[i]);

        demand(check, column != NULL && same_columns(column, &plan->columns[i], 1),
               "a key is not a column of its input");
    }
    for (uint32_t i = 0; check->is_right && i < node->aggs.count; i++)
        demand(check, node->aggs.items[i]->kind == EXPR_AGG, "not an aggregate");
    if (check->is_right)
        check_types(check, node->aggs, plan->columns + keys);
}

static void check_group_concat(NodeCheck *check, const PlanGroupConcat *node)
{
    const Plan *plan = check->plan, *input = plan->inputs[0];
    const PlanColumn *value = plan_column(input, node->value);
    const PlanColumn *delimiter = plan_column(input, node->delimiter);
    int32_t at = plan_column_index(input, node->value);

    demand(check,
           value != NULL && delimiter != NULL && type_is_text(value->type) &&
               type_is_text(delimiter->type),
           "its value and delimiter are not texts of its input");
    demand(check, plan->column_count == input->column_count, "its columns are not its input's");
    for (uint32_t i = 0; check->is_right && i < plan->column_count; i++)
        demand(check,
               i == (uint32_t)at
                   ? plan->columns[i].id == node->result && type_is_text(plan->columns[i].type)
                   : same_columns(&plan->columns[i], &input->columns[i], 1),
               "its columns are not its input's");
    check_ids(check, node->keys, input, "a key is not a column of its input");
    check_keys(check, node->order);
}

static void check_write(NodeCheck *check, const PlanWrite *node)
{
    const Plan *plan = check->plan;

    demand(check, node->path != NULL && node->format != NULL, "without a path or format");
    demand(check, plan->column_count == 1 && plan->columns[0].type.id == TYPE_INT8,
           "its column is not a count");
    demand(check, node->names.count == plan->inputs[0]->column_count,
           "it has not as many names as columns");
}

/* --- records --- */

static void check_args(NodeCheck *check, ColumnList args, const Plan *input,
                       const RecordLayout *layout)
{
    demand(check, args.count == layout->field_count, "a record has not as many columns as fields");
    for (uint32_t i = 0; check->is_right && i < args.count; i++) {
        const PlanColumn *column = plan_column(input, args.ids[i]);

        demand(check, column != NULL && type_equal(column->type, layout->fields[i].type),
               "a field is not a column of its input");
    }
}

static void check_makes(NodeCheck *check, const RecordLayout *layout)
{
    const Plan *plan = check->plan;

    demand(check, plan->column_count == layout->field_count,
           "its columns are not the fields of what it makes");
    for (uint32_t i = 0; check->is_right && i < plan->column_count; i++)
        demand(check, type_equal(plan->columns[i].type, layout->fields[i].type),
               "a column has another type than its field");
}

static void check_exchange(NodeCheck *check, const PlanExchange *node)
{
    bool is_placed = node->kind == EXCHANGE_PLACE;
    bool counts = node->kind != EXCHANGE_KEEP && node->kind != EXCHANGE_BROADCAST;

    demand(check, node->kind >= 0 && node->kind <= EXCHANGE_SAMPLE, "no such kind of exchange");
    demand(check,
           node->partitions >= (counts ? 1 : 0) && node->partitions <= WIRE_EXCHANGE_PARTITIONS_MAX,
           "so many partitions are not possible");
    demand(check,
           node->keep_level >= 0 && node->keep_level < 2 * KEEP_TWO_REPLICAS &&
               (node->keep_id == 0 || (node->keep_level & KEEP_DEFAULT) != 0),
           "no such level to keep rows at");
    demand(check, node->width >= 0 && node->width <= EXCHANGE_ADVISED, "no such width");
    check_passes_rows(check);
    check_ids(check, node->keys, check->plan->inputs[0], "a key is not a column of its input");
    check_keys(check, node->order);
    demand(check,
           (node->kind != EXCHANGE_RANGE && node->kind != EXCHANGE_SAMPLE) || node->order.count > 0,
           "ranges without an order");
    demand(check, node->order.count == 0 || node->partitions > 0, "an order of no partitions");
    demand(check,
           is_placed == (node->partitioner.call != NULL) && is_placed == (node->placed != NULL),
           "a partitioner belongs to an exchange of its kind");
    if (check->is_right && is_placed)
        check_args(check, node->keys, check->plan->inputs[0], node->placed);
}

static void check_group(NodeCheck *check, const PlanGroup *node)
{
    const Plan *plan = check->plan;

    demand(check, plan->input_count == node->spec->input_count,
           "it has not as many inputs as its function reads");
    for (uint32_t i = 0; check->is_right && i < plan->input_count; i++)
        check_args(check, node->args[i], plan->inputs[i], node->spec->in[i]);
    check_makes(check, node->spec->out);
}

/* --- all --- */

static void check_kind(NodeCheck *check)
{
    const Plan *plan = check->plan;

    switch (plan->kind) {
    case PLAN_SCAN:
        check_scan(check, (const PlanScan *)plan);
        break;
    case PLAN_VALUES:
        check_values(check, ((const PlanValues *)plan)->rows);
        break;
    case PLAN_TABLE_FUNCTION:
        check_table_function(check, (const PlanTableFunction *)plan);
        break;
    case PLAN_FILTER:
        check_passes_rows(check);
        demand(check, ((const PlanFilter *)plan)->predicate != NULL, "without a predicate");
        check_boolean(check, ((const PlanFilter *)plan)->predicate, "its predicate is not boolean");
        break;
    case PLAN_PROJECT:
        demand(check, ((const PlanProject *)plan)->exprs.count == plan->column_count,
               "it does not compute as many columns as it has");
        if (check->is_right)
            check_types(check, ((const PlanProject *)plan)->exprs, plan->columns);
        break;
    case PLAN_JOIN: {
        const PlanJoin *join = (const PlanJoin *)plan;

        check_join(check, join->kind, false, join->mark, join->null_aware);
        check_boolean(check, join->condition, "its condition is not boolean");
        check_boolean(check, join->null_aware, "its condition is not boolean");
        break;
    }
    case PLAN_NESTED_JOIN: {
        const PlanNestedJoin *join = (const PlanNestedJoin *)plan;

        check_join(check, join->kind, true, join->mark, join->null_aware);
        check_boolean(check, join->condition, "its condition is not boolean");
        check_boolean(check, join->null_aware, "its condition is not boolean");
        for (uint32_t i = 0; i < join->runtime_filters.count; i++)
            demand(check, join->runtime_filters.items[i].kind != FILTER_KEY,
                   "a runtime filter is of a key that it does not have");
        break;
    }
    case PLAN_HASH_JOIN:
        check_hash_join(check, (const PlanHashJoin *)plan);
        break;
    case PLAN_AGGREGATE:
        check_aggregate(check, (const PlanAggregate *)plan);
        break;
    case PLAN_SORT:
        check_passes_rows(check);
        check_keys(check, ((const PlanSort *)plan)->keys);
        break;
    case PLAN_TOP_N: {
        const PlanTopN *top = (const PlanTopN *)plan;

        check_passes_rows(check);
        check_keys(check, top->keys);
        check_rows(check, top->skip_rows, top->fetch_rows);
        break;
    }
    case PLAN_LIMIT:
        check_passes_rows(check);
        check_rows(check, ((const PlanLimit *)plan)->skip_rows,
                   ((const PlanLimit *)plan)->fetch_rows);
        break;
    case PLAN_GROUP_LIMIT: {
        const PlanGroupLimit *limit = (const PlanGroupLimit *)plan;

        check_passes_rows(check);
        check_ids(check, limit->keys, plan->inputs[0], "a key is not a column of its input");
        check_keys(check, limit->order);
        check_rows(check, limit->skip_rows, limit->fetch_rows);
        break;
    }
    case PLAN_GROUP_CONCAT:
        check_group_concat(check, (const PlanGroupConcat *)plan);
        break;
    case PLAN_SETOP:
        demand(check,
               ((const PlanSetop *)plan)->kind >= 0 &&
                   ((const PlanSetop *)plan)->kind <= SETOP_EXCEPT,
               "no such kind of set operation");
        check_maps(check, plan_maps(plan));
        break;
    case PLAN_UNION:
        demand(check, plan->input_count > 0, "without inputs");
        check_maps(check, plan_maps(plan));
        break;
    case PLAN_SHARED:
        check_maps(check, plan_maps(plan));
        break;
    case PLAN_WRITE:
        check_write(check, (const PlanWrite *)plan);
        break;
    case PLAN_CALL: {
        const PlanCall *call = (const PlanCall *)plan;

        demand(check, call->steps.count > 0, "without functions");
        if (check->is_right)
            check_args(check, call->args, plan->inputs[0], call->steps.first->in);
        if (check->is_right)
            check_makes(check, call->steps.last->out);
        break;
    }
    case PLAN_COMBINE: {
        const PlanCombine *combine = (const PlanCombine *)plan;

        check_args(check, combine->args, plan->inputs[0], combine->spec->in);
        check_makes(check, combine->spec->acc);
        break;
    }
    case PLAN_GROUP:
        check_group(check, (const PlanGroup *)plan);
        break;
    case PLAN_EXCHANGE:
        check_exchange(check, (const PlanExchange *)plan);
        break;
    case PLAN_KIND_COUNT:
        UNREACHABLE("kind of a node");
    }
}

void wire__check_node(PlanReader *reader, const Plan *plan)
{
    NodeCheck check = {.reader = reader, .plan = plan, .is_right = true};

    check_kind(&check);
    if (check.is_right)
        check_exprs(&check);
}

/* --- the whole plan --- */

typedef struct SharedInput {
    int64_t id;
    const Plan *input;
    struct SharedInput *next;
} SharedInput;

static void check_shared(PlanReader *reader)
{
    const WireTable *plans = &reader->items[WIRE_ITEM_PLAN];
    SharedInput *buckets[256] = {0};

    for (uint32_t i = 0; i < plans->count; i++) {
        const PlanShared *shared = plan_as_shared(plans->items[i]);
        SharedInput **bucket, *entry;

        if (shared == NULL)
            continue;
        bucket = &buckets[(uint64_t)shared->shared_id % 256];
        for (entry = *bucket; entry != NULL && entry->id != shared->shared_id; entry = entry->next)
            ;
        if (entry == NULL) {
            entry = ARENA_NEW(reader->arena, SharedInput);
            *entry = (SharedInput){shared->shared_id, shared->head.inputs[0], *bucket};
            *bucket = entry;
        } else if (entry->input != shared->head.inputs[0]) {
            wire_fail(&reader->from, "two plans are shared as %lld", (long long)shared->shared_id);
        }
    }
}

void wire__check_plan(PlanReader *reader, const Plan *plan)
{
    Error err = ERROR_NONE;

    check_shared(reader);
    if (reader->from.status == ST_OK &&
        plan_check(reader->arena, plan, (ColumnSet){0}, &err) != ST_OK)
        wire_fail(&reader->from, "%s", err.message);
}
