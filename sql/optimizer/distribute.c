/* distribute.c -- see distribute.h. One function a kind of node: where its rows are becomes where
 * they must be. */
#include "sql/optimizer/distribute.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/call_fields.h"
#include "sql/optimizer/distribute_aggregate.h"
#include "sql/optimizer/distribute_internal.h"

typedef struct SharedSpread {
    int64_t shared_id;
    Spread spread;
    struct SharedSpread *next;
} SharedSpread;

Status distribute_splits(Table *table, Arena *arena, Error *err, uint32_t *count_out,
                         const Split **splits_out)
{
    return table->class->splits(table, arena, DISTRIBUTE_SPLIT_BYTES, err, count_out, splits_out);
}

/* --- exchanges --- */

uint32_t distribute__at_most(uint32_t partitions)
{
    return partitions > DISTRIBUTE_PARTITIONS_MAX ? DISTRIBUTE_PARTITIONS_MAX : partitions;
}

static bool same_columns(ColumnList a, ColumnList b)
{
    return a.count == b.count &&
           (a.count == 0 || memcmp(a.ids, b.ids, a.count * sizeof *a.ids) == 0);
}

/* For functions over records, who may see the partition that they are in. */
static Spread hashed_as_said(Distributor *to, Spread input, ColumnList keys, uint32_t partitions)
{
    if (input.kind == SPREAD_HASH && same_columns(input.keys, keys) &&
        input.partitions == partitions)
        return input;
    return (Spread){.plan = plan_exchange(to->arena, EXCHANGE_HASH, input.plan, partitions, keys),
                    .partitions = partitions,
                    .kind = SPREAD_HASH,
                    .keys = keys};
}

/* An exchange that was just made, and nobody else has seen. */
static void advise(const Plan *exchange)
{
    ((PlanExchange *)(uintptr_t)exchange)->width = EXCHANGE_ADVISED;
}

Spread distribute__hashed(Distributor *to, Spread input, ColumnList keys, uint32_t partitions)
{
    Spread hashed = hashed_as_said(to, input, keys, partitions);

    if (hashed.plan != input.plan)
        advise(hashed.plan);
    return hashed;
}

static bool same_placement(const Spread *a, const Spread *b)
{
    return a->partitions == b->partitions && user_function_equal(&a->partitioner, &b->partitioner);
}

Spread distribute__placed(Distributor *to, Spread input, ColumnList keys, const Spread *like)
{
    Spread placed = {.partitions = like->partitions,
                     .kind = SPREAD_PLACE,
                     .keys = keys,
                     .partitioner = like->partitioner,
                     .placed = like->placed};

    if (input.kind == SPREAD_PLACE && same_columns(input.keys, keys) &&
        same_placement(&input, like))
        return input;
    for (uint32_t i = 0; i < keys.count; i++) {
        const PlanColumn *column = plan_column(input.plan, keys.ids[i]);
        const RecordField *field = &like->placed->fields[i];

        if (!type_equal(column->type, field->type) ||
            (column->is_nullable && field->null_offset == RECORD_NEVER_NULL))
            return (Spread){.plan = NULL};
    }
    placed.plan = plan_exchange_place(to->arena, input.plan, like->partitions, keys, like->placed,
                                      like->partitioner);
    return placed;
}

Spread distribute__gathered(Distributor *to, Spread input)
{
    if (input.partitions == 1)
        return input;
    return (Spread){.plan =
                        plan_exchange(to->arena, EXCHANGE_GATHER, input.plan, 1, (ColumnList){0}),
                    .partitions = 1};
}

const Plan *distribute__broadcast(Distributor *to, Spread input)
{
    return plan_exchange(to->arena, EXCHANGE_BROADCAST, input.plan, 1, (ColumnList){0});
}

/* The columns of a record that are its key. */
static ColumnList key_columns(Arena *arena, const RecordLayout *layout, ColumnList args)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, args.count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < args.count; i++)
        if (layout->fields[i].is_key)
            ids[count++] = args.ids[i];
    return (ColumnList){count, ids};
}

static ColumnList all_columns(Arena *arena, const Plan *plan)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    return (ColumnList){plan->column_count, ids};
}

/* --- rows stay where they are --- */

static Status visit_scan(Distributor *to, const Plan *plan, Spread *out)
{
    const Split *splits;
    uint32_t count;

    TRY(distribute_splits(plan_as_scan(plan)->table, to->arena, to->err, &count, &splits));
    *out = (Spread){.plan = plan, .partitions = count == 0 ? 1 : count};
    if (out->partitions == 1 && to->deal > 1)
        *out = (Spread){
            .plan = plan_exchange(to->arena, EXCHANGE_DEAL, plan, to->deal, (ColumnList){0}),
            .partitions = to->deal};
    return ST_OK;
}

bool distribute__has_columns(const Plan *plan, ColumnList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (plan_column(plan, list.ids[i]) == NULL)
            return false;
    return true;
}

static Status visit_narrow(Distributor *to, const Plan *plan, Spread *out)
{
    bool is_ordered;

    TRY(distribute__visit(to, plan->inputs[0], out));
    out->plan = plan_with_input(to->arena, plan, out->plan);
    is_ordered = out->kind == SPREAD_RANGE;
    for (uint32_t i = 0; is_ordered && i < out->order.count; i++)
        is_ordered = plan_column(plan, out->order.items[i].column) != NULL;
    if ((out->kind == SPREAD_RANGE && !is_ordered) || !distribute__has_columns(plan, out->keys))
        *out = (Spread){.plan = out->plan, .partitions = out->partitions};
    return ST_OK;
}

/* The columns in the call's output that were those of its input; false: not all are there. */
static bool after_filters(Arena *arena, const PlanCall *call, ColumnList *ids)
{
    ColumnId *after = ARENA_ARRAY(arena, ColumnId, ids->count);

    for (uint32_t i = 0; i < ids->count; i++) {
        uint32_t at = 0;

        while (at < call->args.count && call->args.ids[at] != ids->ids[i])
            at++;
        if (at == call->args.count)
            return false;
        after[i] = call->head.columns[at].id;
    }
    ids->ids = after;
    return true;
}

static Status visit_filters(Distributor *to, const PlanCall *call, Spread *out)
{
    SortKey *order;
    ColumnId *ids;
    ColumnList by;

    TRY(distribute__visit(to, call->head.inputs[0], out));
    out->plan = plan_with_input(to->arena, &call->head, out->plan);
    order = arena_copy(to->arena, out->order.items, out->order.count * sizeof *order);
    ids = ARENA_ARRAY(to->arena, ColumnId, out->order.count);
    for (uint32_t i = 0; i < out->order.count; i++)
        ids[i] = order[i].column;
    by = (ColumnList){out->order.count, ids};
    if (!after_filters(to->arena, call, &out->keys) || !after_filters(to->arena, call, &by)) {
        *out = (Spread){.plan = out->plan, .partitions = out->partitions};
        return ST_OK;
    }
    for (uint32_t i = 0; i < by.count; i++)
        order[i].column = by.ids[i];
    out->order.items = order;
    return ST_OK;
}

/* The column of the call's output that a column of its input is, whatever the record; a key where
 * there are several. false: none is. */
static bool after_functions(const PlanCall *call, ColumnId before, ColumnId *after_out)
{
    const RecordLayout *out = call->steps.last->out;
    bool is_found = false;

    for (uint32_t i = 0; i < out->field_count; i++) {
        uint32_t from;

        if ((is_found && !out->fields[i].is_key) || !call_passes_field(call, i, &from) ||
            call->args.ids[from] != before)
            continue;
        *after_out = call->head.columns[i].id;
        is_found = true;
        if (out->fields[i].is_key)
            break;
    }
    return is_found;
}

/* Keys that functions leave alone keep the rows where they are. */
static Status visit_call(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanCall *call = plan_as_call(plan);
    Spread input;
    ColumnId *keys;
    bool keeps_keys;

    if (call_only_filters(call))
        return visit_filters(to, call, out);
    TRY(distribute__visit(to, plan->inputs[0], &input));
    keeps_keys = input.kind == SPREAD_HASH || input.kind == SPREAD_PLACE;
    keys = ARENA_ARRAY(to->arena, ColumnId, input.keys.count);
    for (uint32_t i = 0; keeps_keys && i < input.keys.count; i++)
        keeps_keys = after_functions(call, input.keys.ids[i], &keys[i]);
    *out = (Spread){.plan = plan_with_input(to->arena, plan, input.plan),
                    .partitions = input.partitions};
    if (keeps_keys) {
        out->kind = input.kind;
        out->partitioner = input.partitioner;
        out->placed = input.placed;
        out->keys = (ColumnList){input.keys.count, keys};
    }
    return ST_OK;
}

static Status visit_union(Distributor *to, const Plan *plan, Spread *out)
{
    const Plan **inputs = ARENA_ARRAY(to->arena, const Plan *, plan->input_count);
    uint32_t partitions = 0;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        Spread input;

        TRY(distribute__visit(to, plan->inputs[i], &input));
        inputs[i] = input.plan;
        partitions += input.partitions;
    }
    *out = (Spread){.plan = plan_with_inputs(to->arena, plan, inputs), .partitions = partitions};
    return ST_OK;
}

/* The spread's columns under the SHARED node's ids; false: not all have one. */
static bool shared_ids(const PlanShared *shared, uint32_t count, ColumnId *ids)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;

        while (at < shared->maps[0].count && shared->maps[0].ids[at] != ids[i])
            at++;
        if (at == shared->maps[0].count)
            return false;
        ids[i] = shared->head.columns[at].id;
    }
    return true;
}

/* Where the rows are, as a reader of the shared plan sees it. */
static Spread shared_spread(Distributor *to, const PlanShared *shared, Spread input)
{
    ColumnId *keys = arena_copy(to->arena, input.keys.ids, input.keys.count * sizeof *keys);
    SortKey *order = arena_copy(to->arena, input.order.items, input.order.count * sizeof *order);
    bool is_known = shared_ids(shared, input.keys.count, keys);

    for (uint32_t i = 0; i < input.order.count; i++)
        is_known &= shared_ids(shared, 1, &order[i].column);
    if (!is_known)
        return (Spread){.partitions = input.partitions};
    input.keys.ids = keys;
    input.order.items = order;
    return input;
}

/* Computed once, and kept for all who read it. */
static Status visit_shared(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanShared *shared = plan_as_shared(plan);
    const Expr **exprs = ARENA_ARRAY(to->arena, const Expr *, plan->column_count);
    SharedSpread *known = to->shared;

    while (known != NULL && known->shared_id != shared->shared_id)
        known = known->next;
    if (known == NULL) {
        known = ARENA_NEW(to->arena, SharedSpread);
        known->shared_id = shared->shared_id;
        TRY(distribute__visit(to, plan->inputs[0], &known->spread));
        if (known->spread.plan->kind != PLAN_EXCHANGE) /* else its blocks are read again */
            known->spread.plan = plan_exchange_keep(to->arena, known->spread.plan, 0, KEEP_DEFAULT);
        known->next = to->shared;
        to->shared = known;
    }
    for (uint32_t i = 0; i < plan->column_count; i++)
        exprs[i] = expr_column(to->arena, shared->maps[0].ids[i], plan->columns[i].type);
    *out = shared_spread(to, shared, known->spread);
    out->plan =
        plan_project(to->arena, known->spread.plan, plan->column_count, exprs, plan->columns);
    return ST_OK;
}

/* --- exchanges that the plan has --- */

static Status visit_exchange(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanExchange *exchange = plan_as_exchange(plan);
    Spread input;
    PlanExchange *copy;

    TRY(distribute__visit(to, plan->inputs[0], &input));
    *out = input;
    if (exchange->kind == EXCHANGE_KEEP) {
        out->plan = plan_with_input(to->arena, plan, input.plan);
        return ST_OK;
    }
    if (exchange->kind == EXCHANGE_MERGE && exchange->partitions >= input.partitions)
        return ST_OK;
    copy = arena_copy(to->arena, plan_with_input(to->arena, plan, input.plan), sizeof *copy);
    if (exchange->kind != EXCHANGE_RANGE)
        copy->order = (SortKeyList){0};
    if (copy->partitions == 0)
        copy->partitions = distribute__at_most(input.partitions);
    *out = (Spread){.plan = &copy->head, .partitions = (uint32_t)copy->partitions};
    if (exchange->kind == EXCHANGE_HASH) {
        *out = hashed_as_said(to, input, exchange->keys, (uint32_t)copy->partitions);
    } else if (exchange->kind == EXCHANGE_RANGE) {
        out->kind = SPREAD_RANGE;
        out->order = exchange->order;
    } else if (exchange->kind == EXCHANGE_PLACE) {
        *out = distribute__placed(to, input, exchange->keys,
                                  &(Spread){.partitions = (uint32_t)copy->partitions,
                                            .partitioner = exchange->partitioner,
                                            .placed = exchange->placed});
    }
    if (exchange->kind != EXCHANGE_RANGE && exchange->order.count > 0)
        out->plan = plan_sort(to->arena, out->plan, exchange->order.count, exchange->order.items);
    return ST_OK;
}

/* --- records --- */

static bool is_by(const Spread *spread, ColumnList keys, uint32_t partitions)
{
    if (partitions != 0 && partitions != spread->partitions)
        return false;
    return spread->partitions == 1 ||
           ((spread->kind == SPREAD_HASH || spread->kind == SPREAD_PLACE) &&
            same_columns(spread->keys, keys));
}

static Spread meet(Distributor *to, Spread input, bool has_keys, ColumnList keys,
                   uint32_t partitions)
{
    return has_keys ? hashed_as_said(to, input, keys, partitions) : distribute__gathered(to, input);
}

static Status visit_combine(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanCombine *combine = plan_as_combine(plan);
    const CombineSpec *spec = combine->spec;
    ColumnList keys = key_columns(to->arena, spec->in, combine->args);
    uint32_t partitions;
    CombineSpec *final;
    Spread input;

    if (combine->is_partial)
        return visit_narrow(to, plan, out);
    TRY(distribute__visit(to, plan->inputs[0], &input));
    partitions = spec->partitions == 0 ? distribute__at_most(input.partitions) : spec->partitions;
    if (is_by(&input, keys, spec->has_keys ? spec->partitions : 1) || spec->merge.call == NULL) {
        if (!is_by(&input, keys, spec->has_keys ? spec->partitions : 1))
            input = meet(to, input, spec->has_keys, keys, partitions);
        *out = (Spread){.plan = plan_with_input(to->arena, plan, input.plan),
                        .partitions = input.partitions,
                        .kind = input.kind,
                        .partitioner = input.partitioner,
                        .placed = input.placed,
                        .keys = key_columns(to->arena, spec->acc, all_columns(to->arena, plan))};
        return ST_OK;
    }
    input.plan = plan_combine(to->arena, input.plan, combine->args, spec, true,
                              plan_record_columns(to->arena, spec->acc, to->ids));
    input.kind = SPREAD_ANY;
    keys = key_columns(to->arena, spec->acc, all_columns(to->arena, input.plan));
    input = meet(to, input, spec->has_keys, keys, partitions);
    final = ARENA_NEW(to->arena, CombineSpec);
    *final = (CombineSpec){.in = spec->acc,
                           .acc = spec->acc,
                           .add = spec->merge,
                           .merge = spec->merge,
                           .empty = spec->empty,
                           .has_keys = spec->has_keys};
    *out = (Spread){.plan = plan_combine(to->arena, input.plan, all_columns(to->arena, input.plan),
                                         final, false, plan->columns),
                    .partitions = input.partitions,
                    .kind = input.kind,
                    .keys = key_columns(to->arena, spec->acc, all_columns(to->arena, plan))};
    return ST_OK;
}

/* All inputs lie by their keys in the same way already. */
static bool lie_alike(const Spread *inputs, const ColumnList *keys, uint32_t count,
                      uint32_t partitions)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_by(&inputs[i], keys[i], partitions) || inputs[i].kind != inputs[0].kind ||
            !same_placement(&inputs[i], &inputs[0]))
            return false;
    return true;
}

/* A user's partitioner that says where one of the inputs lies says it of all: of several, the one
 * with the most partitions. false: there is none that can. */
static bool meet_as_placed(Distributor *to, Spread *inputs, const ColumnList *keys, uint32_t count,
                           uint32_t partitions)
{
    const Spread *like = NULL;
    Spread placed[GROUP_INPUTS_MAX];

    for (uint32_t i = 0; i < count; i++)
        if (inputs[i].kind == SPREAD_PLACE && is_by(&inputs[i], keys[i], partitions) &&
            (like == NULL || inputs[i].partitions > like->partitions))
            like = &inputs[i];
    for (uint32_t i = 0; like != NULL && i < count; i++) {
        placed[i] = distribute__placed(to, inputs[i], keys[i], like);
        if (placed[i].plan == NULL)
            return false;
    }
    if (like != NULL)
        memcpy(inputs, placed, count * sizeof *placed);
    return like != NULL;
}

static Status visit_group(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanGroup *group = plan_as_group(plan);
    const GroupSpec *spec = group->spec;
    Spread inputs[GROUP_INPUTS_MAX];
    ColumnList keys[GROUP_INPUTS_MAX];
    const Plan *plans[GROUP_INPUTS_MAX];
    uint32_t partitions = 0, abreast = plan->input_count - spec->last_is_for_all;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        TRY(distribute__visit(to, plan->inputs[i], &inputs[i]));
        keys[i] = key_columns(to->arena, spec->in[i], group->args[i]);
        if (inputs[i].partitions > partitions)
            partitions = inputs[i].partitions;
    }
    for (uint32_t i = 0; !spec->has_keys && i < abreast; i++)
        if (inputs[i].partitions != inputs[0].partitions)
            return error_set(to->err, ST_BAD_INPUT,
                             "%s reads inputs of %u and %u partitions side by side: they must have "
                             "as many",
                             user_function_name(&spec->function), inputs[0].partitions,
                             inputs[i].partitions);
    if (spec->has_keys && !lie_alike(inputs, keys, plan->input_count, spec->partitions) &&
        !meet_as_placed(to, inputs, keys, plan->input_count, spec->partitions)) {
        partitions = spec->partitions == 0 ? distribute__at_most(partitions) : spec->partitions;
        for (uint32_t i = 0; i < plan->input_count; i++)
            inputs[i] = hashed_as_said(to, inputs[i], keys[i], partitions);
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        plans[i] = i < abreast ? inputs[i].plan : distribute__broadcast(to, inputs[i]);
    *out = (Spread){.plan = plan_with_inputs(to->arena, plan, plans),
                    .partitions = inputs[0].partitions};
    return ST_OK;
}

/* --- SQL --- */

/* Rows alike in keys meet. */
static Spread met(Distributor *to, Spread input, ColumnList keys)
{
    if (keys.count == 0)
        return distribute__gathered(to, input);
    return is_by(&input, keys, 0)
               ? input
               : distribute__hashed(to, input, keys, distribute__at_most(input.partitions));
}

static Status visit_keyed(Distributor *to, const Plan *plan, ColumnList keys, Spread *out)
{
    TRY(distribute__visit(to, plan->inputs[0], out));
    *out = met(to, *out, keys);
    out->plan = plan_with_input(to->arena, plan, out->plan);
    return ST_OK;
}

static Status visit_aggregate(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    const Plan *begun;

    TRY(distribute__visit(to, plan->inputs[0], out));
    if (is_by(out, aggregate->keys, 0) || !distribute_can_halve(aggregate)) {
        *out = met(to, *out, aggregate->keys);
        out->plan = plan_with_input(to->arena, plan, out->plan);
        return ST_OK;
    }
    begun = distribute_begin_aggregate(to->arena, to->ids, aggregate, out->plan);
    *out = met(to, (Spread){.plan = begun, .partitions = out->partitions}, aggregate->keys);
    out->plan = distribute_finish_aggregate(to->arena, to->ids, aggregate, begun, out->plan);
    return ST_OK;
}

static Status visit_sort(Distributor *to, const Plan *plan, Spread *out)
{
    SortKeyList order = plan_as_sort(plan)->keys;

    TRY(distribute__visit(to, plan->inputs[0], out));
    if (out->partitions > 1 && !(out->kind == SPREAD_RANGE && sort_keys_equal(out->order, order))) {
        *out = (Spread){.plan = plan_exchange_range(to->arena, out->plan,
                                                    distribute__at_most(out->partitions), order),
                        .partitions = distribute__at_most(out->partitions),
                        .kind = SPREAD_RANGE,
                        .order = order};
        advise(out->plan);
    }
    out->plan = plan_with_input(to->arena, plan, out->plan);
    return ST_OK;
}

/* A partition need not give more rows than all of them may. */
static Status visit_limit(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanLimit *limit = plan_as_limit(plan);
    int64_t most = limit->fetch_rows == ALL_ROWS || limit->skip_rows > ALL_ROWS - limit->fetch_rows
                       ? ALL_ROWS
                       : limit->skip_rows + limit->fetch_rows;

    TRY(distribute__visit(to, plan->inputs[0], out));
    if (out->partitions > 1 && most != ALL_ROWS)
        out->plan = plan_limit(to->arena, out->plan, 0, most);
    *out = distribute__gathered(to, *out);
    out->plan = plan_with_input(to->arena, plan, out->plan);
    return ST_OK;
}

static Status visit_top_n(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanTopN *top = plan_as_top_n(plan);

    TRY(distribute__visit(to, plan->inputs[0], out));
    if (out->partitions > 1) {
        PlanTopN *part =
            arena_copy(to->arena, plan_with_input(to->arena, plan, out->plan), sizeof *part);

        part->skip_rows = 0;
        part->fetch_rows = top->skip_rows + top->fetch_rows;
        out->plan = &part->head;
    }
    *out = distribute__gathered(to, *out);
    out->plan = plan_with_input(to->arena, plan, out->plan);
    return ST_OK;
}

static Status visit_write(Distributor *to, const Plan *plan, Spread *out)
{
    TRY(distribute__visit(to, plan->inputs[0], out));
    if (!plan_as_write(plan)->is_parts)
        *out = distribute__gathered(to, *out);
    *out = (Spread){.plan = plan_with_input(to->arena, plan, out->plan),
                    .partitions = out->partitions};
    return ST_OK;
}

/* --- all kinds --- */

Status distribute__visit(Distributor *to, const Plan *plan, Spread *out)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return visit_scan(to, plan, out);
    case PLAN_TABLE_FUNCTION:
        if (plan->input_count > 0)
            return visit_narrow(to, plan, out);
        *out = (Spread){.plan = plan, .partitions = 1};
        return ST_OK;
    case PLAN_VALUES:
        *out = (Spread){.plan = plan, .partitions = 1};
        return ST_OK;
    case PLAN_FILTER:
    case PLAN_PROJECT:
        return visit_narrow(to, plan, out);
    case PLAN_CALL:
        return visit_call(to, plan, out);
    case PLAN_COMBINE:
        return visit_combine(to, plan, out);
    case PLAN_GROUP:
        return visit_group(to, plan, out);
    case PLAN_EXCHANGE:
        return visit_exchange(to, plan, out);
    case PLAN_UNION:
        return visit_union(to, plan, out);
    case PLAN_SHARED:
        return visit_shared(to, plan, out);
    case PLAN_AGGREGATE:
        return visit_aggregate(to, plan, out);
    case PLAN_GROUP_LIMIT:
        return visit_keyed(to, plan, plan_as_group_limit(plan)->keys, out);
    case PLAN_GROUP_CONCAT:
        return visit_keyed(to, plan, plan_as_group_concat(plan)->keys, out);
    case PLAN_SORT:
        return visit_sort(to, plan, out);
    case PLAN_LIMIT:
        return visit_limit(to, plan, out);
    case PLAN_TOP_N:
        return visit_top_n(to, plan, out);
    case PLAN_WRITE:
        return visit_write(to, plan, out);
    case PLAN_HASH_JOIN:
    case PLAN_NESTED_JOIN:
        return distribute__join(to, plan, out);
    case PLAN_JOIN:
    case PLAN_SETOP:
    case PLAN_KIND_COUNT:
        break;
    }
    return error_set(to->err, ST_INTERNAL, "a plan that is not physical cannot be distributed: %s",
                     plan_kind_name(plan->kind));
}

Status distribute(Arena *arena, PlanIds *ids, const Plan *physical, uint32_t deal, Error *err,
                  const Plan **plan_out)
{
    Distributor to = {.arena = arena, .ids = ids, .deal = distribute__at_most(deal), .err = err};
    Spread spread;

    *plan_out = NULL;
    TRY(distribute__visit(&to, physical, &spread));
    *plan_out = distribute_drop_columns(arena, spread.plan);
    TRY(arena_check(arena, err));
    return plan_check(arena, *plan_out, (ColumnSet){0}, err);
}
