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
#include <stdlib.h>

#include "core/base/pointer_map.h"
#include "core/base/splitmix.h"
#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/rules/rules.h"

/* (4) Kept rows may be this part of the rows read. */
#define KEPT_PART_MAX 0.5

/* A join or an aggregate, and what stands for it and its likes. */
typedef struct Met {
    const Plan *plan;
    uint64_t hash;         /* alike for all that are the same but for column ids */
    struct Met *same_hash; /* the next one that has it, of a ring                */
    bool is_met;           /* find() has been there                              */
    struct Met *like;      /* the first one that is the same                     */
    bool is_shared;
    int64_t shared_id;
    const Plan *input; /* made once for all: plan's copy under new ids */
} Met;

typedef struct Sharer {
    RuleCtx *rc;
    PointerMap mets; /* Met by plan */
    PlanMemo memo;
    bool found_any;
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
    return splitmix(hash + SPLITMIX_STEP + word);
}

static bool hash_part(void *context, const Expr *expr)
{
    uint64_t *hash = context;

    *hash = mix(*hash, ((uint64_t)expr->kind << 32) | expr->type.id);
    *hash = mix(*hash, ((uint64_t)expr->func << 32) | expr->agg);
    if (expr->kind == EXPR_CONST)
        *hash = mix(*hash, value_hash(&expr->value));
    return true;
}

static void hash_expr(void *hash, const Expr *expr)
{
    expr_visit(expr, hash_part, hash);
}

/* Of the node, without its inputs. */
static uint64_t hash_node(const Plan *plan)
{
    const PlanScan *scan = plan_as_scan(plan);
    const PlanShared *shared = plan_as_shared(plan);
    uint64_t hash = mix(plan->kind, plan->column_count);

    if (scan != NULL)
        hash = mix(hash, (uint64_t)(uintptr_t)scan->table);
    for (uint32_t i = 0; scan != NULL && i < scan->table_columns.count; i++)
        hash = mix(hash, scan->table_columns.items[i]);
    if (shared != NULL)
        hash = mix(hash, (uint64_t)shared->shared_id);
    for (uint32_t i = 0; i < plan->column_count; i++)
        hash = mix(hash, plan->columns[i].type.id);
    plan_visit_exprs(plan, hash_expr, &hash);
    return hash;
}

/* Notes the plan's joins and aggregates with their hashes, and gives its own. */
static uint64_t note_candidates(Sharer *sharer, const Plan *plan)
{
    Arena *arena = sharer->rc->arena;
    uint64_t hash = hash_node(plan);

    if (plan->kind == PLAN_SHARED) { /* its id says what it is */
        if (plan_memo_find(&sharer->memo, plan->inputs[0]) == NULL) {
            plan_memo_note(sharer->rc, &sharer->memo, plan->inputs[0], plan->inputs[0]);
            note_candidates(sharer, plan->inputs[0]);
        }
        return hash;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        hash = mix(hash, note_candidates(sharer, plan->inputs[i]));
    if (plan->kind == PLAN_JOIN || plan->kind == PLAN_AGGREGATE) {
        Met *met = ARENA_NEW(arena, Met);

        *met = (Met){.plan = plan, .hash = hash, .same_hash = met};
        pointer_map_set(&sharer->mets, arena, plan, met);
    }
    return hash;
}

static int compare_hashes(const void *a, const void *b)
{
    const Met *x = *(Met *const *)a, *y = *(Met *const *)b;

    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void make_rings(Sharer *sharer)
{
    const PointerMap *map = &sharer->mets;
    Met **mets = ARENA_ARRAY(sharer->rc->arena, Met *, map->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != NULL)
            mets[count++] = (Met *)map->entries[i].value;
    qsort(mets, count, sizeof(Met *), compare_hashes);
    for (uint32_t i = 1; i < count; i++) {
        if (mets[i]->hash != mets[i - 1]->hash)
            continue;
        mets[i]->same_hash = mets[i - 1]->same_hash;
        mets[i - 1]->same_hash = mets[i];
    }
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
    for (Met *other = met->same_hash; other != met && !rule_must_stop(sharer->rc);
         other = other->same_hash)
        if (other->is_met && other->like == NULL &&
            is_same(sharer->rc->arena, other->plan, met->plan))
            return other;
    return NULL;
}

static Met *met_of(const Sharer *sharer, const Plan *plan)
{
    return (Met *)pointer_map_get(&sharer->mets, plan);
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
    if (met != NULL && met->same_hash != met && is_worth_it(sharer, plan)) {
        met->like = find_like(sharer, met);
        met->is_met = true;
        if (met->like != NULL) {
            met->like->is_shared = sharer->found_any = true;
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

    estimator_prepare(estimator_of(rc), plan);
    note_candidates(&sharer, plan);
    make_rings(&sharer);
    sharer.memo = (PlanMemo){0};
    find(&sharer, plan);
    if (!sharer.found_any)
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
