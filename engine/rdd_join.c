/*
 * rdd_join.c -- joins of RDDs: SQL's joins, and a function over the pair that each row is
 *
 *     Call pair put_name                     a pair is one record: A's fields, then B's
 *       Project a's columns, true, b's columns, present
 *         Join left on a.key = b.key
 *           a
 *           Project b's columns, true as present     NULL after the join: the side is missing
 *
 * So the optimizer chooses the side to build on, prunes columns and pushes filters as it does for
 * SQL.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "engine/rdd_internal.h"

enum { KIND_INNER, KIND_LEFT, KIND_RIGHT, KIND_FULL, KIND_CROSS };

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + 15) & ~15u;
}

static bool may_be_missing(int kind, uint32_t side)
{
    return kind == KIND_FULL || kind == (side == 0 ? KIND_RIGHT : KIND_LEFT);
}

/* A's fields, a's indicator, B's fields, b's indicator. Every field of a side that may be missing
 * may be NULL, but those of records that have no place for it only where the side is: that is noted
 * behind the records. */
static RecordLayout *pair_layout(Arena *arena, int kind, const RecordLayout *a,
                                 const RecordLayout *b, RecordPair *pair_out)
{
    RecordLayout *layout = ARENA_NEW(arena, RecordLayout);
    uint32_t count = a->field_count + b->field_count + 2, at = 0;
    RecordField *fields = ARENA_ARRAY(arena, RecordField, count);
    uint32_t notes = aligned(a->bytes) + aligned(b->bytes);
    const RecordLayout *sides[2] = {a, b};
    uint32_t missing[2];

    for (uint32_t side = 0; side < 2; side++) {
        uint32_t base = side == 0 ? 0 : aligned(a->bytes);
        uint32_t indicator = at + sides[side]->field_count;

        for (uint32_t i = 0; i < sides[side]->field_count; i++) {
            RecordField *field = &fields[at++];

            *field = sides[side]->fields[i];
            field->offset += base;
            if (field->null_offset != RECORD_NEVER_NULL) {
                field->null_offset += base;
            } else if (may_be_missing(kind, side)) {
                field->null_offset = notes++;
                field->present = indicator;
            }
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
                             .second_missing = missing[1],
                             .notes_offset = aligned(a->bytes) + aligned(b->bytes)};
    *layout = (RecordLayout){.name = arena_printf(arena, "%s and %s", a->name, b->name),
                             .bytes = aligned(notes),
                             .field_count = count,
                             .fields = fields};
    return layout;
}

/* How a side's indicator is named, before and after the join. */
static PlanColumn indicator(RddSession *rdds)
{
    return (PlanColumn){
        .id = plan_new_column(&rdds->ids), .type = type_of(TYPE_BOOL), .name = "present"};
}

static void add_columns(Arena *arena, const Plan *plan, uint32_t from, uint32_t count,
                        const Expr **exprs, PlanColumn *columns)
{
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = plan->columns[from + i];
        exprs[i] = expr_column(arena, columns[i].id, columns[i].type);
    }
}

/* The plan's columns and TRUE. */
static const Plan *with_indicator(RddSession *rdds, const Plan *plan)
{
    Arena *arena = rdds->arena;
    uint32_t count = plan->column_count;
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, count + 1);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count + 1);

    add_columns(arena, plan, 0, count, exprs, columns);
    exprs[count] = expr_const(arena, value_bool(true));
    columns[count] = indicator(rdds);
    return plan_project(arena, plan, count + 1, exprs, columns);
}

/* NULL keys are equal to each other, as they are wherever records meet by key. */
const Expr *rdd_keys_equal(Arena *arena, const Plan *a, const RecordLayout *a_layout, const Plan *b,
                           const RecordLayout *b_layout)
{
    const Expr *all = NULL;
    uint32_t j = 0;

    for (uint32_t i = 0; i < a_layout->field_count; i++) {
        bool may_be_null;

        if (!a_layout->fields[i].is_key)
            continue;
        while (!b_layout->fields[j].is_key)
            j++;
        may_be_null = a_layout->fields[i].null_offset != RECORD_NEVER_NULL &&
                      b_layout->fields[j].null_offset != RECORD_NEVER_NULL;
        all = expr_and(arena, all,
                       expr_call2(arena, may_be_null ? FUNC_NOT_DISTINCT_FROM : FUNC_EQ,
                                  type_of(TYPE_BOOL),
                                  expr_column(arena, a->columns[i].id, a->columns[i].type),
                                  expr_column(arena, b->columns[j].id, b->columns[j].type)));
        j++;
    }
    return all;
}

typedef struct Side {
    const Plan *plan;
    bool may_be_missing; /* then its last column says so */
} Side;

static uint32_t own_count(const Side *side)
{
    return side->plan->column_count - side->may_be_missing;
}

/* A's columns and its indicator, b's and its own, whichever side of the join is which. */
static const Plan *pairs(RddSession *rdds, const Plan *join, const Side sides[2], bool is_turned)
{
    Arena *arena = rdds->arena;
    uint32_t count = own_count(&sides[0]) + own_count(&sides[1]) + 2, at = 0;
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, count);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count);

    for (uint32_t k = 0; k < 2; k++) {
        const Side *side = &sides[k];
        uint32_t from = (k == 1) != is_turned ? sides[1 - k].plan->column_count : 0;

        add_columns(arena, join, from, side->plan->column_count, exprs + at, columns + at);
        at += side->plan->column_count;
        if (side->may_be_missing)
            continue;
        exprs[at] = expr_const(arena, value_bool(true));
        columns[at++] = indicator(rdds);
    }
    return plan_project(arena, join, count, exprs, columns);
}

/* Pairs of a's and b's records. */
static const Plan *join_pairs(RddSession *rdds, int kind, const Plan *a,
                              const RecordLayout *a_layout, const Plan *b,
                              const RecordLayout *b_layout)
{
    static const JoinKind kinds[] = {[KIND_INNER] = JOIN_INNER,
                                     [KIND_LEFT] = JOIN_LEFT,
                                     [KIND_RIGHT] = JOIN_LEFT,
                                     [KIND_FULL] = JOIN_FULL,
                                     [KIND_CROSS] = JOIN_INNER};
    bool is_turned = kind == KIND_RIGHT;
    Side sides[2] = {{.plan = a, .may_be_missing = may_be_missing(kind, 0)},
                     {.plan = b, .may_be_missing = may_be_missing(kind, 1)}};
    const Expr *condition = NULL;

    for (uint32_t k = 0; k < 2; k++)
        if (sides[k].may_be_missing)
            sides[k].plan = with_indicator(rdds, sides[k].plan);
    if (kind != KIND_CROSS)
        condition = rdd_keys_equal(rdds->arena, sides[0].plan, a_layout, sides[1].plan, b_layout);
    return pairs(rdds,
                 plan_join(rdds->arena, kinds[kind], sides[is_turned].plan, sides[!is_turned].plan,
                           condition),
                 sides, is_turned);
}

static Status check_sides(VonkRdd *a, VonkRdd *b, int kind, const char *name, Error *err)
{
    if (kind == KIND_CROSS)
        return ST_OK;
    TRY(rdd_check_keys(a->layout, name, err));
    return rdd_check_same_keys(a->layout, b->layout, name, err);
}

VonkRdd *vonk__rdd_join(VonkRdd *a, VonkRdd *b, int kind, const VonkRecordType *a_type,
                        const VonkRecordType *b_type, const VonkRecordType *out, VonkCall call)
{
    VonkRdd *failed;

    if (!rdd_check_together((VonkRdd *[]){a, b}, 2, call.name, &failed))
        return failed;

    RddSession *rdds = a->rdds;
    Arena *arena = rdds->arena;
    RecordPair *pair = ARENA_NEW(arena, RecordPair);
    CallStep step = {.kind = CALL_PAIR, .function = rdd_function(rdds, call), .pair = pair};
    const RecordLayout *left_layout, *right_layout;
    Error err = ERROR_NONE;
    const Plan *join;

    step.out = rdd_layout(rdds, out, &err);
    if (step.out == NULL || rdd_check_input(a, a_type, call.name, &err, &left_layout) != ST_OK ||
        rdd_check_input(b, b_type, call.name, &err, &right_layout) != ST_OK ||
        check_sides(a, b, kind, call.name, &err) != ST_OK ||
        (call.partitions != 0 && rdd_check_partitions(call.partitions, &err) != ST_OK))
        return rdd_failed(rdds, &err);
    if (call.partitions != 0 && kind != KIND_CROSS) { /* where they lie so, a join moves no rows */
        a = vonk_rdd_partition_by(a, call.partitions);
        b = vonk_rdd_partition_by(b, call.partitions);
    }
    step.in = pair_layout(arena, kind, left_layout, right_layout, pair);
    join = join_pairs(rdds, kind, a->plan, left_layout, rdd_apart(rdds->arena, &rdds->ids, b->plan),
                      right_layout);
    return rdd_new(rdds,
                   plan_call(arena, join, rdd_columns(arena, join), &step,
                             plan_record_columns(arena, step.out, &rdds->ids)),
                   step.out);
}
