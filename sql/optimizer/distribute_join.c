/*
 * distribute_join.c -- where the rows of a join's inputs meet
 *
 *     one side to every partition of the other    when it is small, or every row is to meet every
 *                                                 one: the other's rows stay
 *     both where a user's partitioner says        when it says so of one already
 *     both by the hash of the keys                else
 *     both to one partition                       when there are no keys, and none may be repeated
 */
#include "core/base/invariant.h"
#include "sql/optimizer/distribute.h"
#include "sql/optimizer/distribute_internal.h"

/* Moving a row by hash costs so many times what adding one to a table does. */
#define MOVE_COST 4.0
/* Reading a row again is worth it where it meets so many. */
#define PAIRS_OF_A_ROW 8.0
/* Of a value whose type does not say. */
#define VALUE_BYTES_GUESS 24.0

bool distribute_may_repeat(JoinKind kind, uint32_t side)
{
    switch (kind) {
    case JOIN_INNER:
        return true;
    case JOIN_LEFT:
    case JOIN_SEMI:
    case JOIN_ANTI:
    case JOIN_MARK:
    case JOIN_SINGLE:
        return side == 1;
    case JOIN_RIGHT_OUTER:
    case JOIN_RIGHT_SEMI:
    case JOIN_RIGHT_ANTI:
        return side == 0;
    case JOIN_FULL:
        return false;
    }
    return false;
}

/* An inner join builds the smaller side, its right one. */
static bool should_repeat(JoinKind kind, uint32_t side)
{
    return distribute_may_repeat(kind, side) && (kind != JOIN_INNER || side == 1);
}

static double value_bytes(Type type)
{
    switch (type_phys(type)) {
    case PHYS_BOOL:
        return 1;
    case PHYS_INT16:
        return 2;
    case PHYS_INT32:
    case PHYS_FLOAT32:
        return 4;
    case PHYS_INT64:
    case PHYS_FLOAT64:
        return 8;
    default:
        return VALUE_BYTES_GUESS;
    }
}

double distribute_row_bytes(const Plan *plan)
{
    double bytes = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        bytes += value_bytes(plan->columns[i].type);
    return bytes;
}

typedef struct Sides {
    const Plan *plan; /* the join as it was */
    const PlanHashJoin *hash;
    JoinKind kind;
    bool
        wants_keys; /* the right one's are known to all tasks of the left one, one way or another */
    Spread at[2];
} Sides;

static ExprList keys_of(const Sides *join, uint32_t side)
{
    return side == 0 ? join->hash->left_keys : join->hash->right_keys;
}

/* Which of the join's keys is that column of the side; the count of keys: none. */
static uint32_t find_key(ExprList keys, ColumnId column)
{
    uint32_t i = 0;

    while (i < keys.count &&
           (keys.items[i]->kind != EXPR_COLUMN || keys.items[i]->column != column))
        i++;
    return i;
}

/* Whether a user's partitioner has put the side's rows where some, or all, of their keys say. */
static bool is_placed(const Sides *join, uint32_t side)
{
    const Spread *at = &join->at[side];
    ExprList keys = keys_of(join, side);
    bool is_by_keys = at->kind == SPREAD_PLACE;

    for (uint32_t i = 0; is_by_keys && i < at->keys.count; i++)
        is_by_keys = find_key(keys, at->keys.ids[i]) < keys.count;
    return is_by_keys;
}

/* Rows that an exchange by keys would move. */
static double moved_rows(const Sides *join, uint32_t side)
{
    const Spread *at = &join->at[side];
    ExprList keys = keys_of(join, side);
    bool is_by_keys = at->kind == SPREAD_HASH && at->keys.count == keys.count;

    for (uint32_t i = 0; is_by_keys && i < keys.count; i++)
        is_by_keys = find_key(keys, at->keys.ids[i]) == i;
    return is_by_keys || is_placed(join, side) ? 0 : join->plan->inputs[side]->estimated_rows;
}

bool distribute_repeating_pays(double rows, double bytes, uint32_t other_partitions,
                               double moved_rows)
{
    return bytes <= BROADCAST_BYTES_MAX &&
           (moved_rows < 0 || rows * other_partitions <= MOVE_COST * moved_rows);
}

/* Whether to repeat that side costs less than to move both. */
static bool is_better_repeated(const Sides *join, uint32_t side)
{
    const Plan *plan = join->plan->inputs[side], *other = join->plan->inputs[1 - side];
    double moved = other->estimated_rows < 0 ? -1 : moved_rows(join, 0) + moved_rows(join, 1);
    double rows = plan->estimated_rows;

    return rows >= 0 && distribute_repeating_pays(rows, rows * distribute_row_bytes(plan),
                                                  join->at[1 - side].partitions, moved);
}

/* The keys as columns: what is more than a bare one is computed below the exchange. */
static ColumnList name_keys(Distributor *to, const Plan **input, ExprList exprs)
{
    uint32_t count = (*input)->column_count;
    PlanColumn *columns = ARENA_ARRAY(to->arena, PlanColumn, count + exprs.count);
    const Expr **items = ARENA_ARRAY(to->arena, const Expr *, count + exprs.count);
    ColumnId *ids = ARENA_ARRAY(to->arena, ColumnId, exprs.count);

    for (uint32_t i = 0; i < count; i++) {
        columns[i] = (*input)->columns[i];
        items[i] = expr_column(to->arena, columns[i].id, columns[i].type);
    }
    for (uint32_t i = 0; i < exprs.count; i++) {
        ids[i] = exprs.items[i]->column;
        if (exprs.items[i]->kind == EXPR_COLUMN)
            continue;
        ids[i] = plan_new_column(to->ids);
        items[count] = exprs.items[i];
        columns[count++] = (PlanColumn){
            .id = ids[i], .name = "key", .type = exprs.items[i]->type, .is_nullable = true};
    }
    if (count > (*input)->column_count)
        *input = plan_with_rows(to->arena, plan_project(to->arena, *input, count, items, columns),
                                (*input)->estimated_rows);
    return (ColumnList){exprs.count, ids};
}

/* A side goes where the partitioner of the other one says. */
static bool meet_as_placed(Distributor *to, Sides *join)
{
    bool is_left = is_placed(join, 0), is_right = is_placed(join, 1);
    uint32_t like =
        is_left && is_right ? join->at[1].partitions > join->at[0].partitions : is_right;
    const Spread *at = &join->at[like];
    ColumnId *ids = ARENA_ARRAY(to->arena, ColumnId, at->keys.count);
    Spread other = join->at[1 - like];
    ColumnList named;

    if (!is_left && !is_right)
        return false;
    named = name_keys(to, &other.plan, keys_of(join, 1 - like));
    for (uint32_t i = 0; i < at->keys.count; i++)
        ids[i] = named.ids[find_key(keys_of(join, like), at->keys.ids[i])];
    other = distribute__placed(to, other, (ColumnList){at->keys.count, ids}, at);
    if (other.plan == NULL)
        return false;
    join->at[1 - like] = other;
    return true;
}

static void meet_by_keys(Distributor *to, Sides *join)
{
    uint32_t left = join->at[0].partitions, right = join->at[1].partitions;
    uint32_t partitions = distribute__at_most(left > right ? left : right);

    if (meet_as_placed(to, join))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        ColumnList keys = name_keys(to, &join->at[i].plan, keys_of(join, i));

        join->at[i] = distribute__hashed(to, join->at[i], keys, partitions);
    }
}

/* Each row of an inner join without keys meets all of the other side: either may be repeated. The
 * more partitions there are, the more tasks share the pairs. */
static bool is_left_repeated(const Sides *join)
{
    const Spread *left = &join->at[0], *right = &join->at[1];
    double rows = join->plan->inputs[1]->estimated_rows;

    return join->hash == NULL && join->kind == JOIN_INNER &&
           right->partitions >= 2 * left->partitions &&
           (rows < 0 || rows >= PAIRS_OF_A_ROW * right->partitions);
}

/* The rows of both meet. Returns which side's partitions the join has. */
static uint32_t meet(Distributor *to, Sides *join)
{
    bool is_null_aware = join->hash != NULL && join->hash->null_aware != NULL;
    bool must_repeat = join->hash == NULL || is_null_aware; /* rows need not be alike to count */

    if (join->at[0].partitions == 1 && join->at[1].partitions == 1)
        return 0;
    if (is_left_repeated(join)) {
        join->at[0] = (Spread){.plan = distribute__broadcast(to, join->at[0])};
        return 1;
    }
    for (uint32_t i = 2; i-- > 0;)
        if (should_repeat(join->kind, i) &&
            ((must_repeat && i == 1) || is_better_repeated(join, i))) {
            join->at[i] = (Spread){.plan = distribute__broadcast(to, join->at[i])};
            return 1 - i;
        }
    if (!must_repeat) {
        meet_by_keys(to, join);
        return 0;
    }
    for (uint32_t i = 0; i < 2; i++)
        join->at[i] = distribute__gathered(to, join->at[i]);
    return 0;
}

/* Without the keys that were named for the exchanges. */
static const Plan *as_before(Distributor *to, const Plan *before, const Plan *made)
{
    ColumnId *ids = ARENA_ARRAY(to->arena, ColumnId, before->column_count);
    const Plan *plan;

    for (uint32_t i = 0; i < before->column_count; i++)
        ids[i] = before->columns[i].id;
    plan = plan_select_columns(to->arena, made, before->column_count, ids);
    return plan == made ? made : plan_with_rows(to->arena, plan, before->estimated_rows);
}

/* Each row of the output is one of the right input, and lies where that lay; its left columns may
 * be those of a row that there is not. */
static bool keeps_right(JoinKind kind)
{
    return kind == JOIN_RIGHT_OUTER || kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
}

Status distribute__join(Distributor *to, const Plan *plan, Spread *out)
{
    const PlanHashJoin *hash = plan_as_hash_join(plan);
    Sides join = {.plan = plan,
                  .hash = hash,
                  .kind = (JoinKind)(hash != NULL ? hash->kind : plan_as_nested_join(plan)->kind)};
    const Plan *inputs[2];
    uint32_t side;

    for (uint32_t i = 0; i < 2; i++)
        TRY(distribute__visit(to, plan->inputs[i], &join.at[i]));
    if (hash != NULL)
        TRY(distribute__wants_keys(to, hash, join.at[0].plan, &join.wants_keys));
    side = meet(to, &join);
    if (side == 0 && keeps_right(join.kind))
        side = 1;
    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = join.at[i].plan;
    if (hash != NULL)
        TRY(distribute__send_filters(to, hash, &inputs[0], &inputs[1]));
    *out = join.at[side];
    out->plan = as_before(to, plan, plan_with_inputs(to->arena, plan, inputs));
    if ((out->kind != SPREAD_HASH && out->kind != SPREAD_PLACE) || join.kind == JOIN_FULL ||
        !distribute__has_columns(out->plan, out->keys))
        *out = (Spread){.plan = out->plan, .partitions = out->partitions};
    return ST_OK;
}
