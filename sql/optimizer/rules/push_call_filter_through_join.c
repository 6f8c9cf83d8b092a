/*
 * push_call_filter_through_join
 *
 *     Call  pair put_name, map f, filter is_big        Call  pair put_name, map f
 *       Join a.k = b.k                                   Join a.k = b.k
 *         A (k, price)                         =>          Call  filter is_big
 *         B (k, name)                                        A (k, price)
 *                                                          B (k, name)
 *
 * A user's filter moves below the functions before it, and below joins and combines, to where the
 * fields that it reads come from. There its record is made of the columns that are those fields;
 * the other columns go with it, behind what it knows of its record.
 *
 * Why:  a join or a shuffle gets fewer rows, and the functions before the filter fewer records.
 *
 * Not when:
 *   (1) the filter or a function before it does more than make its output of its input, or is not
 *       known.
 *   (2) the filter may not bear every record (UserCode.is_total): the join drops some, of which it
 *       would get all.
 *   (3) a field that it reads is made by a function, or they come from two sides.
 *   (4) the side is padded with NULLs by the join.
 *   (5) no join, combine, exchange or sort would get fewer rows: it stays in its loop.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

/* The filter, and which column each field that it reads is. */
typedef struct Moving {
    const CallStep *step;
    uint32_t count;
    const RecordField **fields;
    ColumnId *ids;
} Moving;

/* With the ids that the same columns have in an input of the node. */
typedef bool (*RenameFn)(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out);

static bool rename(RuleCtx *rc, const Moving *moving, const Plan *plan, uint32_t input, RenameFn fn,
                   Moving *below_out)
{
    *below_out = *moving;
    below_out->ids = ARENA_ARRAY(rc->arena, ColumnId, moving->count);
    for (uint32_t i = 0; i < moving->count; i++)
        if (!fn(plan, input, moving->ids[i], &below_out->ids[i]))
            return false;
    return true;
}

static bool same_id(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out)
{
    *id_out = id;
    return plan_column(plan->inputs[input], id) != NULL;
}

static bool id_in_project(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out)
{
    const Expr *expr = plan_as_project(plan)->exprs.items[plan_column_index(plan, id)];

    (void)input;
    *id_out = expr->column;
    return expr->kind == EXPR_COLUMN;
}

static bool id_in_union(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out)
{
    *id_out = plan_as_union(plan)->maps[input].ids[plan_column_index(plan, id)];
    return true;
}

static bool id_in_call(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out)
{
    const PlanCall *call = plan_as_call(plan);
    uint32_t field;

    (void)input;
    if (!call_passes_field(call, (uint32_t)plan_column_index(plan, id), &field))
        return false; /* (3) */
    *id_out = call->args.ids[field];
    return true;
}

/* Keys alone: all records of a key go, or none. */
static bool id_in_combine(const Plan *plan, uint32_t input, ColumnId id, ColumnId *id_out)
{
    const PlanCombine *combine = plan_as_combine(plan);
    const CombineSpec *spec = combine->spec;
    uint32_t at = (uint32_t)plan_column_index(plan, id), number = 0;

    (void)input;
    if (!spec->has_keys || !spec->acc->fields[at].is_key)
        return false;
    for (uint32_t i = 0; i < at; i++)
        number += spec->acc->fields[i].is_key;
    for (uint32_t i = 0; i < spec->in->field_count; i++)
        if (spec->in->fields[i].is_key && number-- == 0) {
            *id_out = combine->args.ids[i];
            return true;
        }
    return false;
}

/* --- where it arrives --- */

static uint32_t place(uint32_t *bytes, uint32_t size)
{
    uint32_t at = (*bytes + size - 1) / size * size;

    *bytes = at + size;
    return at;
}

static const RecordField *read_field(const Moving *moving, ColumnId id)
{
    for (uint32_t i = 0; i < moving->count; i++)
        if (moving->ids[i] == id)
            return moving->fields[i];
    return NULL;
}

/* A record as the filter knows it, and behind it a field for each column that it does not read. */
static const RecordLayout *wide_layout(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    RecordLayout *layout = ARENA_NEW(rc->arena, RecordLayout);
    RecordField *fields = ARENA_ARRAY(rc->arena, RecordField, plan->column_count);
    uint32_t bytes = moving->step->in->bytes;

    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        const RecordField *own = read_field(moving, column->id);
        RecordField *field = &fields[i];

        *field = (RecordField){
            .name = column->name, .type = column->type, .null_offset = RECORD_NEVER_NULL};
        field->offset = own != NULL ? own->offset
                                    : place(&bytes, (uint32_t)phys_bytes(type_phys(column->type)));
        if (own != NULL) {
            field->name = own->name;
            field->null_offset = own->null_offset;
        }
        if (field->null_offset == RECORD_NEVER_NULL && column->is_nullable)
            field->null_offset = place(&bytes, 1);
    }
    *layout = (RecordLayout){.name = moving->step->in->name,
                             .bytes = (bytes + 15) & ~15u,
                             .field_count = plan->column_count,
                             .fields = fields};
    return layout;
}

/* NULL: two fields of the filter's record are one column, or one has another type. */
static const Plan *put(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    CallStep step = *moving->step;
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < moving->count; i++) {
        if (!type_equal(plan_column(plan, moving->ids[i])->type, moving->fields[i]->type))
            return NULL;
        for (uint32_t k = 0; k < i; k++)
            if (moving->ids[k] == moving->ids[i])
                return NULL;
    }
    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = plan->columns[i].id;
    step.in = step.out = wide_layout(rc, plan, moving);
    return plan_call(rc->arena, plan, (ColumnList){plan->column_count, ids}, &step, plan->columns);
}

/* --- the way down --- */

static const Plan *descend(RuleCtx *rc, const Plan *plan, const Moving *moving);

static const Plan *descend_or_put(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    const Plan *moved = descend(rc, plan, moving);

    return moved != NULL ? moved : put(rc, plan, moving);
}

static const Plan *into_input(RuleCtx *rc, const Plan *plan, const Moving *moving, RenameFn fn,
                              bool is_gain)
{
    const Plan *input = plan->inputs[0];
    Moving below;

    if (!rename(rc, moving, plan, 0, fn, &below))
        return NULL;
    input = is_gain ? descend_or_put(rc, input, &below) : descend(rc, input, &below);
    return input == NULL ? NULL : plan_with_input(rc->arena, plan, input);
}

static const Plan *into_join(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    JoinKind kind = (JoinKind)plan_as_join(plan)->kind;
    const Plan *inputs[2] = {plan->inputs[0], plan->inputs[1]};
    uint32_t sides = kind == JOIN_FULL ? 0 : kind == JOIN_INNER ? 2 : 1; /* (4) */

    for (uint32_t side = 0; side < sides; side++) {
        Moving below;

        if (!rename(rc, moving, plan, side, same_id, &below))
            continue; /* (3) */
        inputs[side] = descend_or_put(rc, plan->inputs[side], &below);
        return inputs[side] == NULL ? NULL : plan_with_inputs(rc->arena, plan, inputs);
    }
    return NULL;
}

static const Plan *into_union(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, plan->input_count);
    bool is_gain = false;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        Moving below;

        if (!rename(rc, moving, plan, i, id_in_union, &below))
            return NULL;
        inputs[i] = descend(rc, plan->inputs[i], &below);
        is_gain |= inputs[i] != NULL;
        if (inputs[i] == NULL)
            inputs[i] = put(rc, plan->inputs[i], &below);
        if (inputs[i] == NULL)
            return NULL;
    }
    return is_gain ? plan_with_inputs(rc->arena, plan, inputs) : NULL;
}

static bool is_pure(const UserFunction *function)
{
    return function->call == NULL || (function->code != NULL && function->code->is_pure);
}

/* plan over rows of which the filter has dropped some; NULL: nothing is gained (5), or it cannot */
static const Plan *descend(RuleCtx *rc, const Plan *plan, const Moving *moving)
{
    const CombineSpec *spec;

    switch (plan->kind) {
    case PLAN_FILTER:
        return into_input(rc, plan, moving, same_id, false);
    case PLAN_PROJECT:
        return into_input(rc, plan, moving, id_in_project, false);
    case PLAN_CALL:
        return call_is_pure(plan_as_call(plan)) /* (1) */
                   ? into_input(rc, plan, moving, id_in_call, false)
                   : NULL;
    case PLAN_SORT:
        return into_input(rc, plan, moving, same_id, true);
    case PLAN_EXCHANGE:
        return exchange_places_by_row(plan_as_exchange(plan))
                   ? into_input(rc, plan, moving, same_id, true)
                   : NULL;
    case PLAN_COMBINE:
        spec = plan_as_combine(plan)->spec;
        return is_pure(&spec->create) && is_pure(&spec->add) && is_pure(&spec->merge) /* (1) */
                   ? into_input(rc, plan, moving, id_in_combine, true)
                   : NULL;
    case PLAN_JOIN:
        return into_join(rc, plan, moving);
    case PLAN_UNION:
        return into_union(rc, plan, moving);
    default:
        return NULL;
    }
}

/* --- where it starts --- */

/* What the step reads, as columns of the call's input; false: it stays. */
static bool find_moving(RuleCtx *rc, const PlanCall *call, const CallStep *step, Moving *moving_out)
{
    const RecordLayout *layout = step->in;
    uint32_t in;

    *moving_out =
        (Moving){.step = step,
                 .fields = ARENA_ARRAY(rc->arena, const RecordField *, layout->field_count),
                 .ids = ARENA_ARRAY(rc->arena, ColumnId, layout->field_count)};
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (!call_step_reads(step, &layout->fields[i]))
            continue;
        if (!call_step_gets_field(call, step, i, &in))
            return false; /* (3) */
        moving_out->fields[moving_out->count] = &layout->fields[i];
        moving_out->ids[moving_out->count++] = call->args.ids[in];
    }
    return moving_out->count > 0;
}

/* The call without that step, over other rows. */
static const Plan *without_step(RuleCtx *rc, const PlanCall *call, uint32_t step, const Plan *input)
{
    const CallStep *const *steps = call_steps(rc->arena, call->steps);
    uint32_t last = call->steps.count - 1;
    const Plan *at = input;
    ColumnList args = call->args;

    if (last == 0) { /* the columns go by the call's names */
        const Expr **exprs = ARENA_ARRAY(rc->arena, const Expr *, args.count);

        for (uint32_t i = 0; i < args.count; i++)
            exprs[i] = expr_column(rc->arena, args.ids[i], plan_column(input, args.ids[i])->type);
        return plan_project(rc->arena, input, args.count, exprs, call->head.columns);
    }
    last -= step == last;
    for (uint32_t i = 0; i < call->steps.count; i++)
        if (i != step)
            at = rule_add_call_step(rc, at, &args, steps[i], i == last ? call->head.columns : NULL);
    return at;
}

static const Plan *push_call_filter_through_join(RuleCtx *rc, const Plan *plan)
{
    const PlanCall *call = plan_as_call(plan);
    const CallStep *const *steps = call_steps(rc->arena, call->steps);

    for (uint32_t i = 0; i < call->steps.count && call_step_is_pure(steps[i]); i++) { /* (1) */
        const Plan *input;
        Moving moving;

        if (steps[i]->kind != CALL_FILTER || !steps[i]->function.code->is_total || /* (2) */
            !find_moving(rc, call, steps[i], &moving))
            continue;
        input = descend(rc, plan->inputs[0], &moving);
        if (input != NULL)
            return without_step(rc, call, i, input);
    }
    return plan;
}

const Rule rule_push_call_filter_through_join = {
    .name = "push_call_filter_through_join",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_CALL,
    .rewrite = push_call_filter_through_join,
};
