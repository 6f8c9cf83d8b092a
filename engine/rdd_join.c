/*
 * rdd_join.c -- joins of RDDs: SQL's joins, and a function over the pair that each row is
 *
 *     Call pair put_name                     a pair is one record: A's fields, then B's
 *       Join left on a.key = b.key
 *         Project a's columns, true            NULL after the join: the side is missing
 *         Project b's columns, true
 *
 * So the optimizer chooses the side to build on, prunes columns and pushes filters as it does for
 * SQL.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "engine/rdd_internal.h"

enum { KIND_INNER, KIND_LEFT, KIND_FULL };

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + 15) & ~15u;
}

/* A's fields, a's indicator, B's fields, b's indicator. In a pair every field may be NULL, as a
 * side may be missing: what records have no place for is noted behind them. */
static RecordLayout *pair_layout(Arena *arena, const RecordLayout *a, const RecordLayout *b,
                                 RecordPair *pair_out)
{
    RecordLayout *layout = ARENA_NEW(arena, RecordLayout);
    uint32_t count = a->field_count + b->field_count + 2, at = 0;
    RecordField *fields = ARENA_ARRAY(arena, RecordField, count);
    uint32_t notes = aligned(a->bytes) + aligned(b->bytes);
    const RecordLayout *sides[2] = {a, b};
    uint32_t missing[2];

    for (uint32_t side = 0; side < 2; side++) {
        uint32_t base = side == 0 ? 0 : aligned(a->bytes);

        for (uint32_t i = 0; i < sides[side]->field_count; i++) {
            RecordField *field = &fields[at++];

            *field = sides[side]->fields[i];
            field->offset += base;
            field->null_offset =
                field->null_offset == RECORD_NEVER_NULL ? notes++ : field->null_offset + base;
        }
        missing[side] = notes + 1;
        fields[at++] = (RecordField){.name = side == 0 ? "has a" : "has b",
                                     .type = type_of(TYPE_BOOL),
                                     .offset = notes,
                                     .null_offset = notes + 1};
        notes += 2;
    }
    *pair_out = (RecordPair){.second_offset = aligned(a->bytes),
                             .first_missing = missing[0],
                             .second_missing = missing[1]};
    *layout = (RecordLayout){
        .name = "pair", .bytes = aligned(notes), .field_count = count, .fields = fields};
    return layout;
}

/* The plan's columns and TRUE. */
static const Plan *with_indicator(RddSession *rdds, const Plan *plan)
{
    Arena *arena = rdds->arena;
    uint32_t count = plan->column_count + 1;
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, count);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count);

    for (uint32_t i = 0; i < plan->column_count; i++) {
        columns[i] = plan->columns[i];
        exprs[i] = expr_column(arena, columns[i].id, columns[i].type);
    }
    exprs[count - 1] = expr_const(arena, value_bool(true));
    columns[count - 1] = (PlanColumn){
        .id = plan_new_column(&rdds->ids), .type = type_of(TYPE_BOOL), .name = "present"};
    return plan_project(arena, plan, count, exprs, columns);
}

static const Expr *keys_equal(Arena *arena, const Plan *a, const RecordLayout *a_layout,
                              const Plan *b, const RecordLayout *b_layout)
{
    const Expr *all = NULL;
    uint32_t j = 0;

    for (uint32_t i = 0; i < a_layout->field_count; i++) {
        if (!a_layout->fields[i].is_key)
            continue;
        while (!b_layout->fields[j].is_key)
            j++;
        all = expr_and(arena, all,
                       expr_call2(arena, FUNC_EQ, type_of(TYPE_BOOL),
                                  expr_column(arena, a->columns[i].id, a->columns[i].type),
                                  expr_column(arena, b->columns[j].id, b->columns[j].type)));
        j++;
    }
    return all;
}

VonkRdd *vonk__rdd_join(VonkRdd *a, VonkRdd *b, int kind, const VonkRecordType *a_type,
                        const VonkRecordType *b_type, const VonkRecordType *out, VonkCall call)
{
    static const JoinKind kinds[] = {
        [KIND_INNER] = JOIN_INNER, [KIND_LEFT] = JOIN_LEFT, [KIND_FULL] = JOIN_FULL};
    RddSession *rdds = a->rdds;
    Arena *arena = rdds->arena;
    RecordPair *pair = ARENA_NEW(arena, RecordPair);
    CallStep step = {.kind = CALL_PAIR, .function = rdd_function(rdds, call), .pair = pair};
    const RecordLayout *left_layout, *right_layout;
    Error err = ERROR_NONE;
    const Plan *left, *right, *join;

    if (a->plan == NULL || b->plan == NULL)
        return a->plan == NULL ? a : b;
    if (a->rdds != b->rdds)
        (void)error_set(&err, ST_BAD_INPUT, "%s joins RDDs of two sessions", call.name);
    step.out = rdd_layout(rdds, out, &err);
    if (err.status != ST_OK || rdd_check_keyed(a, a_type, call.name, &err, &left_layout) != ST_OK ||
        rdd_check_keyed(b, b_type, call.name, &err, &right_layout) != ST_OK ||
        rdd_check_same_keys(left_layout, right_layout, call.name, &err) != ST_OK)
        return rdd_failed(rdds, &err);
    step.in = pair_layout(arena, left_layout, right_layout, pair);
    left = with_indicator(rdds, a->plan);
    right = with_indicator(rdds, plan_clone(arena, b->plan, &rdds->ids, NULL));
    join = plan_join(arena, kinds[kind], left, right,
                     keys_equal(arena, left, left_layout, right, right_layout));
    return rdd_new(rdds,
                   plan_call(arena, join, rdd_columns(arena, join), &step,
                             plan_record_columns(arena, step.out, &rdds->ids)),
                   step.out);
}
