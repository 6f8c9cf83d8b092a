/* plan_build_record.c -- making the nodes of records and exchanges; see plan.h */
#include "core/base/invariant.h"
#include "core/plan/plan.h"

static ColumnList copy_columns(Arena *arena, ColumnList list)
{
    return (ColumnList){list.count, arena_copy(arena, list.ids, list.count * sizeof *list.ids)};
}

const PlanColumn *plan_record_columns(Arena *arena, const RecordLayout *layout, PlanIds *ids)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, layout->field_count);

    for (uint32_t i = 0; i < layout->field_count; i++)
        columns[i] =
            (PlanColumn){.id = plan_new_column(ids),
                         .type = layout->fields[i].type,
                         .name = layout->fields[i].name,
                         .is_nullable = layout->fields[i].null_offset != RECORD_NEVER_NULL};
    return columns;
}

const CallStep *const *call_steps(Arena *arena, CallStepList steps)
{
    const CallStep **items = ARENA_ARRAY(arena, const CallStep *, steps.count);
    uint32_t at = steps.count;

    for (const CallStep *step = steps.last; step != NULL; step = step->before)
        items[--at] = step;
    CHECK(at == 0);
    return items;
}

bool record_layouts_match(const RecordLayout *a, const RecordLayout *b)
{
    if (a == b)
        return true;
    if (a->bytes != b->bytes || a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (!type_equal(a->fields[i].type, b->fields[i].type) ||
            a->fields[i].offset != b->fields[i].offset ||
            a->fields[i].null_offset != b->fields[i].null_offset)
            return false;
    return true;
}

/* The call takes the record that the call below makes, as it is. */
static bool follows(const PlanCall *below, ColumnList args, const CallStep *step)
{
    if (below == NULL || args.count != below->head.column_count ||
        !record_layouts_match(below->steps.last->out, step->in))
        return false;
    for (uint32_t i = 0; i < args.count; i++)
        if (args.ids[i] != below->head.columns[i].id)
            return false;
    return true;
}

const Plan *plan_call(Arena *arena, const Plan *input, ColumnList args, const CallStep *step,
                      const PlanColumn *columns)
{
    const PlanCall *below = plan_as_call(input);
    CallStep *own = arena_copy(arena, step, sizeof *own);
    PlanCall *call;

    if (follows(below, args, step)) {
        args = below->args;
        input = below->head.inputs[0];
        own->before = below->steps.last;
    } else {
        below = NULL;
        own->before = NULL;
    }
    call = (PlanCall *)plan_new(arena, PLAN_CALL, 1, &input, step->out->field_count, columns);
    call->args = copy_columns(arena, args);
    call->steps = (CallStepList){below == NULL ? 1 : below->steps.count + 1,
                                 below == NULL ? own : below->steps.first, own};
    return &call->head;
}

const Plan *plan_combine(Arena *arena, const Plan *input, ColumnList args, const CombineSpec *spec,
                         bool is_partial, const PlanColumn *columns)
{
    PlanCombine *combine =
        (PlanCombine *)plan_new(arena, PLAN_COMBINE, 1, &input, spec->acc->field_count, columns);

    combine->args = copy_columns(arena, args);
    combine->spec = spec;
    combine->is_partial = is_partial;
    return &combine->head;
}

const Plan *plan_group(Arena *arena, const Plan *const *inputs, const ColumnList *args,
                       const GroupSpec *spec, const PlanColumn *columns)
{
    PlanGroup *group = (PlanGroup *)plan_new(arena, PLAN_GROUP, spec->input_count, inputs,
                                             spec->out->field_count, columns);
    ColumnList *copies = ARENA_ARRAY(arena, ColumnList, spec->input_count);

    for (uint32_t i = 0; i < spec->input_count; i++)
        copies[i] = copy_columns(arena, args[i]);
    group->args = copies;
    group->spec = spec;
    return &group->head;
}

static PlanExchange *new_exchange(Arena *arena, ExchangeKind kind, const Plan *input)
{
    PlanExchange *exchange = (PlanExchange *)plan_new(arena, PLAN_EXCHANGE, 1, &input,
                                                      input->column_count, input->columns);

    exchange->kind = kind;
    return exchange;
}

const Plan *plan_exchange(Arena *arena, ExchangeKind kind, const Plan *input, int64_t partitions,
                          ColumnList keys)
{
    PlanExchange *exchange = new_exchange(arena, kind, input);

    exchange->partitions = kind == EXCHANGE_GATHER ? 1 : partitions;
    exchange->keys = copy_columns(arena, keys);
    return &exchange->head;
}

static const Plan *ordered_exchange(Arena *arena, ExchangeKind kind, const Plan *input,
                                    int64_t partitions, SortKeyList order)
{
    PlanExchange *exchange = new_exchange(arena, kind, input);

    exchange->partitions = partitions;
    exchange->order = (SortKeyList){
        order.count, arena_copy(arena, order.items, order.count * sizeof *order.items)};
    return &exchange->head;
}

const Plan *plan_exchange_range(Arena *arena, const Plan *input, int64_t partitions,
                                SortKeyList order)
{
    return ordered_exchange(arena, EXCHANGE_RANGE, input, partitions, order);
}

const Plan *plan_exchange_sample(Arena *arena, const Plan *input, int64_t partitions,
                                 SortKeyList order)
{
    return ordered_exchange(arena, EXCHANGE_SAMPLE, input, partitions, order);
}

const Plan *plan_exchange_keep(Arena *arena, const Plan *input, int64_t keep_id, uint32_t level)
{
    PlanExchange *exchange = new_exchange(arena, EXCHANGE_KEEP, input);

    exchange->keep_id = keep_id;
    exchange->keep_level = level;
    return &exchange->head;
}

const Plan *plan_exchange_place(Arena *arena, const Plan *input, int64_t partitions,
                                ColumnList keys, const RecordLayout *layout,
                                UserFunction partitioner)
{
    PlanExchange *exchange = new_exchange(arena, EXCHANGE_PLACE, input);

    exchange->partitions = partitions;
    exchange->keys = copy_columns(arena, keys);
    exchange->partitioner = partitioner;
    exchange->placed = layout;
    return &exchange->head;
}
