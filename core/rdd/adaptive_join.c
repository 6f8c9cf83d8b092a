/*
 * adaptive_join.c -- a join that moves both sides sends one to all instead, once that is known to
 * be small
 *
 *     join fragment: Join              join fragment: Join
 *                      Exchange hash a   =>            a's own plan
 *                      Exchange hash b                 Exchange broadcast
 *     fragment a: ...                    fragment a:     Exchange hash b     (in its place)
 *     fragment b: ...                    fragment b: ...                     (it was made)
 *
 * When:
 *   (1) every row of the join depends on one row of a and the whole of b's key, and nobody above
 *       relies on where rows are.
 *   (2) a is read here only, and has not begun: it waits for b where b may well be small.
 */
#include "core/rdd/adaptive_internal.h"
#include "sql/optimizer/distribute.h"

/* So many times too large may the estimate of a side be that others wait for; one that says what
 * there is in a table is not. */
#define ESTIMATE_DOUBT 16.0

/* To move rows costs as much as to add them to the tables of so many tasks. */
enum { MOVED_AGAIN = 3 };

/* Down from the plan while rows are treated one by one, to what has two sides or is a leaf. */
static const Plan *skip_row_wise(const Plan *plan)
{
    for (;;) {
        const PlanAggregate *aggregate = plan_as_aggregate(plan);

        switch (plan->kind) {
        case PLAN_FILTER:
        case PLAN_PROJECT:
        case PLAN_LIMIT:
        case PLAN_TOP_N:
        case PLAN_WRITE:
            plan = plan->inputs[0];
            break;
        case PLAN_AGGREGATE:
            if (aggregate->part != AGGREGATE_PARTIAL)
                return plan;
            plan = plan->inputs[0];
            break;
        case PLAN_HASH_JOIN:
        case PLAN_NESTED_JOIN:
            if (!fragment_is_broadcast(plan->inputs[0]) && !fragment_is_broadcast(plan->inputs[1]))
                return plan;
            plan = plan->inputs[fragment_is_broadcast(plan->inputs[0])];
            break;
        default:
            return plan;
        }
    }
}

static const FragmentSource *hashed_source(const Fragment *fragment, const Plan *side)
{
    const Plan *leaf = skip_row_wise(side);
    const PlanExchange *exchange = plan_as_exchange(leaf);

    if (exchange == NULL || exchange->kind != EXCHANGE_HASH || exchange->width != EXCHANGE_ADVISED)
        return NULL;
    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf == leaf)
            return &fragment->sources[i];
    return NULL;
}

static double rows_of(const Plan *plan)
{
    while (plan->estimated_rows < 0 && (plan->kind == PLAN_EXCHANGE || plan->kind == PLAN_PROJECT))
        plan = plan->inputs[0];
    return plan->estimated_rows;
}

/* Whether it is rows of a table, all of them. */
static bool is_counted(const Plan *plan)
{
    const PlanScan *scan;

    while (plan->kind == PLAN_EXCHANGE || plan->kind == PLAN_PROJECT)
        plan = plan->inputs[0];
    scan = plan_as_scan(plan);
    return scan != NULL && scan->predicates.count == 0 && scan->runtime_filters.count == 0;
}

/* Of the probe side. Scans that know the join's keys drop what has no partner. */
static double moved_rows(const JoinTurn *turn)
{
    double rows = rows_of(turn->join->head.inputs[0]), joined = turn->join->head.estimated_rows;
    bool is_filtered = turn->join->runtime_filters.count > 0 && joined >= 0;

    return rows >= 0 && is_filtered && joined < rows ? joined : rows;
}

/* The build side has been moved by its keys, and has to be moved again. */
static bool pays(const FragmentSet *set, const JoinTurn *turn, double rows, double bytes)
{
    return distribute_repeating_pays(
        rows, bytes, set->items[turn->probe].partition_count + MOVED_AGAIN, moved_rows(turn));
}

bool adaptive_find_turn(const FragmentSet *set, const Fragment *fragment,
                        const AdaptiveSettings *settings, JoinTurn *turn_out)
{
    const Plan *plan = skip_row_wise(fragment->plan), *build;
    const PlanHashJoin *join = plan_as_hash_join(plan);
    const FragmentSource *sides[2];
    double rows;

    if (!settings->turns_joins || join == NULL || join->null_aware != NULL ||
        !distribute_may_repeat((JoinKind)join->kind, 1) ||
        !adaptive__is_free(set, fragment, settings) || adaptive__is_relied_on(fragment)) /* (1) */
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        sides[i] = hashed_source(fragment, plan->inputs[i]);
        if (sides[i] == NULL)
            return false;
    }
    *turn_out = (JoinTurn){.reader = fragment->id,
                           .probe = sides[0]->producer,
                           .build = sides[1]->producer,
                           .join = join};
    if (sides[0] == sides[1] || set->items[turn_out->probe].reader_count != 1 ||
        turn_out->build > turn_out->probe || !fragment_is_measured(&set->items[turn_out->build]))
        return false; /* (2) */
    build = plan->inputs[1];
    rows = is_counted(build) ? rows_of(build) : rows_of(build) / ESTIMATE_DOUBT;
    return rows < 0 || pays(set, turn_out, rows, rows * distribute_row_bytes(build));
}

bool adaptive_turns(const FragmentSet *set, const JoinTurn *turn, uint64_t rows, uint64_t bytes)
{
    return pays(set, turn, (double)rows, (double)bytes);
}

/* --- the change --- */

static const Plan *replace(Arena *arena, const Plan *plan, const Plan *from, const Plan *to)
{
    const Plan **inputs;

    if (plan == from)
        return to;
    if (plan->kind == PLAN_EXCHANGE || plan->input_count == 0)
        return plan;
    inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = replace(arena, plan->inputs[i], from, to);
    return plan_with_inputs(arena, plan, inputs);
}

static void count_readers(const FragmentSet *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        set->items[i].reader_count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        for (uint32_t s = 0; s < set->items[i].source_count; s++)
            if (set->items[i].sources[s].leaf->kind == PLAN_EXCHANGE)
                set->items[set->items[i].sources[s].producer].reader_count++;
}

void adaptive_turn(const FragmentSet *set, const JoinTurn *turn, Arena *arena)
{
    Fragment *reader = &set->items[turn->reader], *probe = &set->items[turn->probe];
    const Plan *join = &turn->join->head, *build = join->inputs[1];
    const Plan *probe_leaf = hashed_source(reader, join->inputs[0])->leaf;
    const Plan *sent =
        plan_with_rows(arena, plan_exchange(arena, EXCHANGE_BROADCAST, build, 1, (ColumnList){0}),
                       build->estimated_rows);
    uint32_t known_count = reader->source_count + probe->source_count + 1;
    FragmentSource *known = ARENA_ARRAY(arena, FragmentSource, known_count);
    const Plan *inputs[2] = {replace(arena, join->inputs[0], probe_leaf, probe->plan), sent};
    Fragment sender = {.id = probe->id, .exchange = plan_as_exchange(sent), .reduce_count = 1};

    known[0] = (FragmentSource){.leaf = sent, .partition_count = 1, .producer = probe->id};
    for (uint32_t i = 0; i < reader->source_count; i++)
        known[1 + i] = reader->sources[i];
    for (uint32_t i = 0; i < probe->source_count; i++)
        known[1 + reader->source_count + i] = probe->sources[i];
    fragment_set_plan(reader, arena,
                      replace(arena, reader->plan, join, plan_with_inputs(arena, join, inputs)),
                      known_count, known);
    fragment_set_plan(&sender, arena, build, known_count, known);
    *probe = sender;
    count_readers(set);
}
