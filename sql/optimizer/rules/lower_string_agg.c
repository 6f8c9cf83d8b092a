/*
 * lower_string_agg
 *
 *     Aggregate k, count(*), string_agg(x, d ORDER BY y)     Left Join k = k2 (NULLs are equal)
 *       X                                               =>     Aggregate k, count(*)
 *                                                                Shared X
 *                                                              Group Concat k2, order y, x, d
 *                                                                Filter x IS NOT NULL
 *                                                                  Shared X
 *
 *     string_agg(DISTINCT x, d): over Aggregate k2, x, d, in the order of x unless told another.
 *
 * Why:  kernels keep states of fixed size, in no order; rows in order are what sorting is for.
 *
 * Not when: there is no string_agg.
 */
#include "core/base/invariant.h"
#include "sql/optimizer/rules/rules.h"

/* Places of string_agg's arguments. */
enum { ARG_VALUE, ARG_DELIMITER, ARG_LETTERS, ARG_KEYS };

typedef struct Lowering {
    RuleCtx *rc;
    Arena *arena;
    const PlanAggregate *aggregate;
    int64_t shared_id; /* of the aggregate's input */
} Lowering;

static bool is_string_agg(const Expr *agg)
{
    return agg->agg == AGG_STRING_AGG;
}

static const Plan *use_input(const Lowering *lo, MapVec *map, ColumnId *keys_out)
{
    const Plan *input =
        share_plan(lo->rc, lo->aggregate->head.inputs[0], lo->shared_id, "input", map);

    for (uint32_t i = 0; i < lo->aggregate->keys.count; i++)
        keys_out[i] = map_vec_find(map, lo->aggregate->keys.ids[i])->column;
    return input;
}

/* Keys and the other aggregates: a row for each group. */
static const Plan *plain_branch(const Lowering *lo, ColumnId *keys_out)
{
    const PlanAggregate *aggregate = lo->aggregate;
    MapVec map_vec = {.arena = lo->arena};
    const Plan *input = use_input(lo, &map_vec, keys_out);
    ColumnMap map = map_vec_map(&map_vec);
    ColumnVec aggs = {.arena = lo->arena};

    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        if (!is_string_agg(aggregate->aggs.items[i]))
            column_vec_add(&aggs, expr_substitute(lo->arena, aggregate->aggs.items[i], &map),
                           aggregate->head.columns[aggregate->keys.count + i]);
    if (aggregate->keys.count == 0 && aggs.count == 0)
        return plan_one_row(lo->arena);
    return plan_aggregate(lo->arena, input, aggregate->keys.count, keys_out, aggs.count, aggs.exprs,
                          aggs.columns);
}

/* Column `expr` of the projection to be, new unless it is there. */
static PlanColumn add_output(const Lowering *lo, ColumnVec *outputs, const Expr *expr,
                             const char *name)
{
    PlanColumn column;

    for (uint32_t i = 0; i < outputs->count; i++)
        if (expr_equal(outputs->exprs[i], expr))
            return outputs->columns[i];
    column = column_named(lo->rc, expr->type, name, true);
    column_vec_add(outputs, expr, column);
    return column;
}

/* A text column of its own, whatever else is the same expression: it will be written to. */
static PlanColumn add_value(const Lowering *lo, ColumnVec *outputs, const Expr *expr)
{
    PlanColumn column = column_named(lo->rc, expr->type, "value", true);

    column_vec_add(outputs, expr, column);
    return column;
}

static SortKey sort_key(const PlanColumn *column, char letter)
{
    return (SortKey){.column = column->id,
                     .type = column->type,
                     .is_descending = letter == 'd' || letter == 'D',
                     .nulls_first = letter == 'A' || letter == 'D'};
}

/* What the concatenation reads. */
typedef struct Parts {
    ColumnVec outputs;
    ColumnId *keys; /* of the groups */
    PlanColumn value, delimiter;
    SortKeyList order;
} Parts;

static Parts parts_of(const Lowering *lo, const Expr *agg, const Plan *input, const ColumnId *keys)
{
    uint32_t key_count = lo->aggregate->keys.count, order_count = agg->arg_count - ARG_KEYS;
    SortKey *order = ARENA_ARRAY(lo->arena, SortKey, order_count + 1);
    const char *letters = str_bytes(&agg->args[ARG_LETTERS]->value.str);
    Parts parts = {.outputs = {.arena = lo->arena},
                   .keys = ARENA_ARRAY(lo->arena, ColumnId, key_count)};

    for (uint32_t i = 0; i < key_count; i++) {
        parts.keys[i] = keys[i];
        column_vec_keep(&parts.outputs, input, keys[i]);
    }
    parts.value = add_value(lo, &parts.outputs, agg->args[ARG_VALUE]);
    parts.delimiter = add_output(lo, &parts.outputs, agg->args[ARG_DELIMITER], "delimiter");
    for (uint32_t i = 0; i < order_count; i++) {
        PlanColumn key = add_output(lo, &parts.outputs, agg->args[ARG_KEYS + i], "order");

        order[i] = sort_key(&key, letters[i]);
    }
    if (agg->is_distinct && order_count == 0)
        order[order_count++] = sort_key(&parts.value, 'a');
    parts.order = (SortKeyList){order_count, order};
    return parts;
}

static const Plan *concat_branch(const Lowering *lo, const Expr *agg, PlanColumn result,
                                 ColumnId *keys_out)
{
    MapVec map_vec = {.arena = lo->arena};
    const Plan *plan = use_input(lo, &map_vec, keys_out);
    ColumnMap map = map_vec_map(&map_vec);
    const Expr *value;
    Parts parts;

    agg = expr_substitute(lo->arena, agg, &map);
    value = agg->args[ARG_VALUE];
    plan =
        plan_filter(lo->arena, plan,
                    expr_and(lo->arena, agg->filter,
                             expr_call1(lo->arena, FUNC_IS_NOT_NULL, type_of(TYPE_BOOL), value)));
    parts = parts_of(lo, agg, plan, keys_out);
    plan = column_vec_project(&parts.outputs, plan);
    if (agg->is_distinct)
        plan = plan_distinct(lo->arena, plan);
    return plan_group_concat(lo->arena, plan, lo->aggregate->keys.count, parts.keys, parts.order,
                             parts.value.id, parts.delimiter.id, result);
}

static const Plan *lower_string_agg(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    uint32_t key_count = aggregate->keys.count;
    Lowering lo = {.rc = rc, .arena = rc->arena, .aggregate = aggregate};
    ColumnId *keys = ARENA_ARRAY(rc->arena, ColumnId, key_count);
    ColumnVec outputs = {.arena = rc->arena};
    const Plan *joined = NULL;

    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        ColumnId *own = ARENA_ARRAY(rc->arena, ColumnId, key_count);
        const Plan *next;

        if (!is_string_agg(aggregate->aggs.items[i]))
            continue;
        if (joined == NULL) {
            lo.shared_id = ++rc->ids->last_shared;
            joined = plain_branch(&lo, keys);
        }
        next = concat_branch(&lo, aggregate->aggs.items[i], plan->columns[key_count + i], own);
        joined = plan_join(rc->arena, JOIN_LEFT, joined, next,
                           same_values(rc->arena, key_count, joined, keys, next, own));
    }
    if (joined == NULL)
        return plan;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        ColumnId source = i < key_count ? keys[i] : plan->columns[i].id;

        column_vec_add(&outputs, expr_column(rc->arena, source, plan->columns[i].type),
                       plan->columns[i]);
    }
    return column_vec_project(&outputs, joined);
}

const Rule rule_lower_string_agg = {
    .name = "lower_string_agg",
    .root = PLAN_AGGREGATE,
    .is_required = true,
    .rewrite = lower_string_agg,
};
