/*
 * distribute_filters.c -- what a join's build side knows reaches scans beyond an exchange
 *
 *     HashJoin l = r [filter 1]           HashJoin l = r
 *       Exchange hash (l)                   Exchange hash (l)
 *         Scan t [filter 1 on l]      =>      HashJoin semi l = k [filter 2]
 *       Exchange hash (r)                       Scan t [filter 2 on l]
 *         Scan u                                Exchange broadcast
 *                                                 Project r AS k
 *                                                   (1)
 *                                           (1) Exchange hash (r)
 *                                                 Scan u
 *
 * The keys are sent to all tasks of the scan, where a join that only asks for them makes the filter
 * anew; what it drops could not have found a match. A side that is broadcast has its keys with it.
 *
 * Why:  what is dropped is not moved; nor are its other columns decoded.
 *
 * Not when:
 *   (1) the keys are too many for every task to hold, or a good part of what is scanned.
 *   (2) no exchange stands between: the join and the scan are in one task, and tell each other.
 */
#include "sql/optimizer/distribute.h"
#include "sql/optimizer/distribute_internal.h"

/* (1) So many rows are scanned for each key that a task has to take. */
#define SCANNED_A_KEY_LEAST 2.0
#define KEY_BYTES           16.0

/* An exchange, before and after. */
typedef struct Swap {
    const Plan *before, *after;
    struct Swap *next;
} Swap;

typedef struct Sending {
    Distributor *to;
    uint32_t filter; /* its id */
    double key_rows;
    const Plan *source; /* the keys, broadcast; NULL: only counted so far */
    const Expr *key;
    uint32_t scan_count; /* that want it */
    Swap *swaps;
    Status status;
} Sending;

static const RuntimeFilter *find_filter(RuntimeFilterList filters, uint32_t id)
{
    for (uint32_t i = 0; i < filters.count; i++)
        if (filters.items[i].id == id)
            return &filters.items[i];
    return NULL;
}

/* The filters, that one under another id. */
static RuntimeFilterList renamed(Arena *arena, RuntimeFilterList filters, uint32_t from,
                                 uint32_t to)
{
    RuntimeFilter *items = arena_copy(arena, filters.items, filters.count * sizeof *items);

    for (uint32_t i = 0; i < filters.count; i++)
        if (items[i].id == from)
            items[i].id = to;
    return (RuntimeFilterList){filters.count, items};
}

static const Plan *with_semi_join(Sending *sending, const PlanScan *scan,
                                  const RuntimeFilter *filter)
{
    Distributor *to = sending->to;
    uint32_t id = ++to->ids->last_filter, column_count;
    PlanScan *copy = arena_copy(to->arena, scan, sizeof *copy);
    const Plan *inputs[2] = {&copy->head, sending->source};
    const PlanColumn *column = plan_column(&scan->head, filter->column), *columns;
    const Expr *left = expr_column(to->arena, column->id, column->type);
    RuntimeFilter made = {.id = id, .kind = FILTER_KEY, .column = filter->column};
    bool null_equal = false;
    PlanHashJoin *join;

    copy->runtime_filters = renamed(to->arena, scan->runtime_filters, filter->id, id);
    columns = plan_join_columns(to->arena, JOIN_SEMI, inputs[0], inputs[1], NULL, &column_count);
    join = (PlanHashJoin *)plan_new(to->arena, PLAN_HASH_JOIN, 2, inputs, column_count, columns);
    join->kind = JOIN_SEMI;
    join->left_keys = (ExprList){1, arena_copy(to->arena, &left, sizeof left)};
    join->right_keys = (ExprList){1, arena_copy(to->arena, &sending->key, sizeof left)};
    join->null_equal = (BoolList){1, arena_copy(to->arena, &null_equal, sizeof null_equal)};
    join->runtime_filters = (RuntimeFilterList){1, arena_copy(to->arena, &made, sizeof made)};
    return plan_with_rows(to->arena, &join->head, scan->head.estimated_rows);
}

static const Plan *send_to_scan(Sending *sending, const PlanScan *scan)
{
    const RuntimeFilter *filter = find_filter(scan->runtime_filters, sending->filter);
    const Split *splits;
    uint32_t count = 0;
    double rows = 0;

    if (filter == NULL)
        return &scan->head;
    sending->status =
        distribute_splits(scan->table, sending->to->arena, sending->to->err, &count, &splits);
    for (uint32_t i = 0; i < count; i++)
        rows += splits[i].row_count;
    if (sending->status != ST_OK ||
        rows < sending->key_rows * count * SCANNED_A_KEY_LEAST) /* (1) */
        return &scan->head;
    sending->scan_count++;
    return sending->source == NULL ? &scan->head : with_semi_join(sending, scan, filter);
}

/* is_beyond: an exchange stands between the join and the plan (2). */
static const Plan *send_to(Sending *sending, const Plan *plan, bool is_beyond)
{
    Arena *arena = sending->to->arena;
    const Plan **inputs, *made;
    Swap *swap;

    if (plan->kind == PLAN_SCAN)
        return is_beyond ? send_to_scan(sending, plan_as_scan(plan)) : plan;
    if (plan->kind == PLAN_EXCHANGE) {
        is_beyond = true;
        for (swap = sending->swaps; swap != NULL; swap = swap->next)
            if (swap->before == plan)
                return swap->after;
    }
    inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count && sending->status == ST_OK; i++)
        inputs[i] = send_to(sending, plan->inputs[i], is_beyond);
    if (sending->status != ST_OK)
        return plan;
    made = plan_with_inputs(arena, plan, inputs);
    if (plan->kind == PLAN_EXCHANGE) { /* who else reads it reads the same */
        swap = ARENA_NEW(arena, Swap);
        *swap = (Swap){.before = plan, .after = made, .next = sending->swaps};
        sending->swaps = swap;
    }
    return made;
}

/* The key's values for every task; what the join itself reads may become an exchange, so that it is
 * computed once. */
static void make_source(Sending *sending, const Plan **right)
{
    Distributor *to = sending->to;
    PlanColumn column = {.name = "key", .type = sending->key->type, .is_nullable = true};
    const PlanExchange *exchange = plan_as_exchange(*right);
    const Plan *keys;

    if (exchange != NULL && exchange->kind == EXCHANGE_BROADCAST) {
        sending->source = *right;
        return;
    }
    if (exchange == NULL)
        *right = plan_with_rows(to->arena, plan_exchange_keep(to->arena, *right, 0, KEEP_DEFAULT),
                                (*right)->estimated_rows);
    column.id = plan_new_column(to->ids);
    keys = plan_project(to->arena, *right, 1, &sending->key, &column);
    sending->key = expr_column(to->arena, column.id, column.type);
    sending->source = distribute__broadcast(
        to, (Spread){.plan = plan_with_rows(to->arena, keys, sending->key_rows)});
}

/* The filters of the join, as they are to be sent. */
static Sending sending_of(Distributor *to, const PlanHashJoin *join, uint32_t number)
{
    const RuntimeFilter *filter = &join->runtime_filters.items[number];

    return (Sending){.to = to,
                     .filter = filter->id,
                     .key_rows = join->head.inputs[1]->estimated_rows,
                     .key = join->right_keys.items[filter->key],
                     .status = ST_OK};
}

Status distribute__wants_keys(Distributor *to, const PlanHashJoin *join, const Plan *left,
                              bool *wants_out)
{
    *wants_out = false;
    for (uint32_t i = 0; i < join->runtime_filters.count; i++) {
        Sending sending = sending_of(to, join, i);

        (void)send_to(&sending, left, true);
        TRY(sending.status);
        *wants_out |= sending.scan_count > 0;
    }
    return ST_OK;
}

Status distribute__send_filters(Distributor *to, const PlanHashJoin *join, const Plan **left,
                                const Plan **right)
{
    double rows = join->head.inputs[1]->estimated_rows;

    for (uint32_t i = 0; i < join->runtime_filters.count; i++) {
        Sending sending = sending_of(to, join, i);

        if (rows < 0 || rows * KEY_BYTES > BROADCAST_BYTES_MAX) /* (1) */
            continue;
        (void)send_to(&sending, *left, false);
        TRY(sending.status);
        if (sending.scan_count == 0)
            continue;
        make_source(&sending, right);
        sending.swaps = NULL;
        *left = send_to(&sending, *left, false);
        TRY(sending.status);
    }
    return ST_OK;
}
