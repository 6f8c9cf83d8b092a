/*
 * share_subplans
 *
 *     Join                            Join
 *       Aggregate                       Shared #1
 *         Join a = b                      Aggregate
 *           ...                =>           Join a = b ...
 *       Filter c > 1                    Filter c > 1
 *         Aggregate                       Shared #1
 *           Join a = b
 *             ...
 *
 * Runs once, when filters and columns are where they will stay: subplans that differ in a filter
 * are not the same. The largest common subplan is taken; what is common below it goes with it.
 *
 * Why:  views and subqueries that repeat each other's joins and groups compute them once.
 *
 * Not when:
 *   (1) it is no more than scans, filters and projections: reading again is cheaper than keeping.
 *   (2) it is volatile: each place must see its own rows.
 *   (3) it is correlated.
 *   (4) as many rows would be kept as are read to make them.
 */
#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/rules/rules.h"

/* (4) Kept rows may be this part of the rows read. */
#define KEPT_PART_MAX 0.5

/* A join or an aggregate, and what stands for it and its likes. */
typedef struct Met {
    const Plan *plan;
    uint64_t hash;    /* alike for all that are the same but for column ids */
    bool is_met;      /* find() has been there                              */
    struct Met *like; /* the first one that is the same                     */
    bool is_shared;
    int64_t shared_id;
    const Plan *input; /* made once for all: plan's copy under new ids */
    struct Met *next;
} Met;

typedef struct Sharer {
    RuleCtx *rc;
    Met *met;
    PlanMemo memo;
} Sharer;

/* --- is it worth it --- */

typedef struct Contents {
    double rows_read;
    bool has_work; /* a join or an aggregate */
    bool is_volatile;
    PlanSeen *seen;
} Contents;

static void look_into(Sharer *sharer, const Plan *plan, Contents *contents)
{
    contents->is_volatile |= node_is_volatile(plan);
    contents->has_work |= plan->kind == PLAN_JOIN || plan->kind == PLAN_AGGREGATE;
    if (plan->input_count == 0)
        contents->rows_read += estimate_plan(estimator_of(sharer->rc), plan)->base_rows;
    if (plan_seen(sharer->rc->arena, plan, &contents->seen))
        return;
    for (uint32_t i = 0; i < plan->input_count; i++)
        look_into(sharer, plan->inputs[i], contents);
}

static bool is_worth_it(Sharer *sharer, const Plan *plan)
{
    Contents contents = {0};
    double rows;

    if (plan_free_columns(sharer->rc->arena, plan).count > 0)
        return false; /* (3) */
    look_into(sharer, plan, &contents);
    rows = estimate_plan(estimator_of(sharer->rc), plan)->rows;
    return contents.has_work && !contents.is_volatile &&
           rows <= KEPT_PART_MAX * contents.rows_read; /* (1) (2) (4) */
}

/* --- the same but for column ids --- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

/* Notes the plan's joins and aggregates with their hashes, and gives its own. */
static uint64_t note_candidates(Sharer *sharer, const Plan *plan)
{
    const PlanScan *scan = plan_as_scan(plan);
    const PlanShared *shared = plan_as_shared(plan);
    uint64_t hash = mix(plan->kind, plan->column_count);
    Met *met;

    if (scan != NULL)
        hash = mix(hash, (uint64_t)(uintptr_t)scan->table);
    if (shared != NULL)
        hash = mix(hash, (uint64_t)shared->shared_id);
    for (uint32_t i = 0; i < plan->column_count; i++)
        hash = mix(hash, plan->columns[i].type.id);
    if (shared != NULL && plan_memo_find(&sharer->memo, plan->inputs[0]) != NULL)
        return hash;
    if (shared != NULL)
        plan_memo_note(sharer->rc, &sharer->memo, plan->inputs[0], plan->inputs[0]);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        uint64_t below = note_candidates(sharer, plan->inputs[i]);

        hash = shared != NULL ? hash : mix(hash, below);
    }
    if (plan->kind == PLAN_JOIN || plan->kind == PLAN_AGGREGATE) {
        met = ARENA_NEW(sharer->rc->arena, Met);
        *met = (Met){.plan = plan, .hash = hash, .next = sharer->met};
        sharer->met = met;
    }
    return hash;
}

static bool is_only_one(const Sharer *sharer, const Met *met)
{
    for (const Met *other = sharer->met; other != NULL; other = other->next)
        if (other != met && other->hash == met->hash)
            return false;
    return true;
}

/* Pairs the columns that a produces with those of b; false: the trees have not one shape. */
static bool pair_columns(const Plan *a, const Plan *b, MapVec *map)
{
    if (a->kind != b->kind || a->input_count != b->input_count ||
        a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->input_count; i++)
        if (a->inputs[i] != b->inputs[i] && !pair_columns(a->inputs[i], b->inputs[i], map))
            return false;
    for (uint32_t i = 0; i < a->column_count; i++)
        if (map_vec_find(map, a->columns[i].id) == NULL)
            map_vec_add(map, a->columns[i].id, expr_of_column(map->arena, &b->columns[i]));
    return true;
}

static bool is_same(Arena *arena, const Plan *a, const Plan *b)
{
    MapVec pairs = {.arena = arena};
    ColumnMap map;

    if (!pair_columns(a, b, &pairs))
        return false;
    map = map_vec_map(&pairs);
    return plan_equal(plan_substitute(arena, a, &map), b);
}

/* --- finding --- */

static Met *find_like(Sharer *sharer, const Met *met)
{
    for (Met *other = sharer->met; other != NULL; other = other->next)
        if (other->is_met && other->like == NULL && other->hash == met->hash && other != met &&
            is_same(sharer->rc->arena, other->plan, met->plan))
            return other;
    return NULL;
}

static Met *met_of(const Sharer *sharer, const Plan *plan)
{
    if (plan->kind != PLAN_JOIN && plan->kind != PLAN_AGGREGATE)
        return NULL;
    for (Met *met = sharer->met; met != NULL; met = met->next)
        if (met->plan == plan)
            return met;
    return NULL;
}

/* From the root down: below a plan that is shared nothing more is looked for. */
static void find(Sharer *sharer, const Plan *plan)
{
    Met *met = met_of(sharer, plan);

    if (plan->kind == PLAN_SHARED) {
        if (plan_memo_find(&sharer->memo, plan->inputs[0]) != NULL)
            return;
        plan_memo_note(sharer->rc, &sharer->memo, plan->inputs[0], plan->inputs[0]);
    }
    if (met != NULL && !is_only_one(sharer, met) && is_worth_it(sharer, plan)) {
        met->like = find_like(sharer, met);
        met->is_met = true;
        if (met->like != NULL) {
            met->like->is_shared = true;
            return;
        }
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        find(sharer, plan->inputs[i]);
}

/* --- sharing --- */

static const Plan *share(Sharer *sharer, const Plan *plan);

static const Plan *share_inputs(Sharer *sharer, const Plan *plan)
{
    const Plan **inputs = ARENA_ARRAY(sharer->rc->arena, const Plan *, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        const Plan *before = plan->inputs[i];

        inputs[i] = plan->kind == PLAN_SHARED ? plan_memo_find(&sharer->memo, before) : NULL;
        if (inputs[i] != NULL)
            continue;
        inputs[i] = share(sharer, before);
        if (plan->kind == PLAN_SHARED)
            plan_memo_note(sharer->rc, &sharer->memo, before, inputs[i]);
    }
    return plan_with_inputs(sharer->rc->arena, plan, inputs);
}

/* plan's columns under its own ids, read from what first's input gives. */
static const Plan *reader(Sharer *sharer, Met *first, const Plan *plan)
{
    RuleCtx *rc = sharer->rc;
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, plan->column_count);
    ColumnList map = {plan->column_count, ids};

    if (first->input == NULL) {
        first->input = plan_clone(rc->arena, share_inputs(sharer, first->plan), rc->ids, NULL);
        first->shared_id = ++rc->ids->last_shared;
    }
    for (uint32_t i = 0; i < plan->column_count; i++)
        ids[i] = first->input->columns[i].id;
    return plan_shared(rc->arena, first->input, first->shared_id, "common", false, &map,
                       plan->column_count, plan->columns);
}

static const Plan *share(Sharer *sharer, const Plan *plan)
{
    Met *met = met_of(sharer, plan);

    if (met != NULL && met->like != NULL)
        return reader(sharer, met->like, plan);
    if (met != NULL && met->is_shared)
        return reader(sharer, met, plan);
    return share_inputs(sharer, plan);
}

static const Plan *share_subplans(RuleCtx *rc, const Plan *plan)
{
    Sharer sharer = {.rc = rc};
    bool any = false;

    estimator_prepare(estimator_of(rc), plan);
    note_candidates(&sharer, plan);
    sharer.memo = (PlanMemo){0};
    find(&sharer, plan);
    for (const Met *met = sharer.met; met != NULL; met = met->next)
        any |= met->is_shared;
    if (!any)
        return plan;
    sharer.memo = (PlanMemo){0};
    return share(&sharer, plan);
}

const Rule rule_share_subplans = {
    .name = "share_subplans",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = share_subplans,
};
