/*
 * plans.c -- small plans with all that moves rows: shuffles, ranges of samples, joins of two
 * shuffles or with a side that goes to all, and what is kept for later jobs
 *
 * Made once, before all schedules, from the numbers of fibers_begin.
 */
#include "core/base/invariant.h"
#include "world.h"

enum { SEVERAL = 5 };

static struct {
    Arena *arena;
    Table *table;
    PlanIds ids;
    uint32_t kept_count;
    const Plan *kept[KEPT];
} plans;

/* --- one step --- */

static const Plan *scan(void)
{
    PlanColumn columns[2];

    for (uint32_t i = 0; i < 2; i++)
        columns[i] = (PlanColumn){plan_new_column(&plans.ids), plans.table->columns[i].type,
                                  i == 0 ? "k" : "word", true};
    return plan_scan(plans.arena, plans.table, "t", 2, (uint32_t[]){0, 1}, columns);
}

/* By the key, to so many; how many tasks then read it may depend on its size. */
static const Plan *meet(const Plan *input, ColumnId key, uint32_t partitions)
{
    const Plan *plan = plan_exchange(plans.arena, EXCHANGE_HASH, input, partitions,
                                     (ColumnList){1, (ColumnId[]){key}});

    if (sim_chance(500)) /* nobody else has seen it */
        ((PlanExchange *)(uintptr_t)plan)->width = EXCHANGE_ADVISED;
    return plan;
}

static const Plan *count_by(const Plan *input, ColumnId key)
{
    PlanColumn count = {plan_new_column(&plans.ids), type_of(TYPE_INT8), "count", false};
    const Expr *agg =
        expr_agg(plans.arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);

    return plan_aggregate(plans.arena, meet(input, key, 1 + sim_below(SEVERAL)), 1,
                          (ColumnId[]){key}, 1, &agg, &count);
}

/* By all columns: samples, ranges, a sort within each. */
static const Plan *sort_all(const Plan *input)
{
    SortKey *keys = ARENA_ARRAY(plans.arena, SortKey, input->column_count);
    const Plan *ranges;

    for (uint32_t i = 0; i < input->column_count; i++)
        keys[i] = (SortKey){.column = input->columns[i].id, .type = input->columns[i].type};
    ranges = plan_exchange_range(plans.arena, input, 1 + sim_below(SEVERAL),
                                 (SortKeyList){input->column_count, keys});
    return plan_sort(plans.arena, ranges, input->column_count, keys);
}

/* The same rows in columns of their own. */
static const Plan *renamed(const Plan *input)
{
    uint32_t count = input->column_count;
    const Expr **exprs = ARENA_ARRAY(plans.arena, const Expr *, count);
    PlanColumn *columns = arena_copy(plans.arena, input->columns, count * sizeof *columns);

    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = expr_column(plans.arena, columns[i].id, columns[i].type);
        columns[i].id = plan_new_column(&plans.ids);
    }
    return plan_project(plans.arena, input, count, exprs, columns);
}

/* Rows of the plan, and the same in another order, one below the other, in some partitions. */
static const Plan *put_together(const Plan *left)
{
    Arena *arena = plans.arena;
    const Plan *inputs[] = {left, sort_all(left)};
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, left->column_count);
    PlanColumn *columns = arena_copy(arena, left->columns, left->column_count * sizeof *columns);
    ColumnList maps[2];

    for (uint32_t c = 0; c < left->column_count; c++) {
        ids[c] = columns[c].id;
        columns[c].id = plan_new_column(&plans.ids);
    }
    maps[0] = maps[1] = (ColumnList){left->column_count, ids};
    return meet(plan_union(arena, 2, inputs, maps, left->column_count, columns), columns[0].id,
                1 + sim_below(SEVERAL));
}

/* With the counts of another plan, each key of which is there once; to_all: they go to all. */
static const Plan *join_counts(const Plan *left, const Plan *other, bool to_all)
{
    static const JoinKind kinds[] = {JOIN_INNER, JOIN_LEFT, JOIN_SEMI, JOIN_FULL};
    Arena *arena = plans.arena;
    JoinKind kind = kinds[sim_below(to_all ? 3 : 4)];
    uint32_t key = sim_below(left->column_count), other_key = 0, partitions, count;
    const PlanColumn *columns;
    const Plan *inputs[2];
    PlanHashJoin *join;

    while (other_key < other->column_count &&
           other->columns[other_key].type.id != left->columns[key].type.id)
        other_key++;
    if (other_key == other->column_count)
        return left;
    partitions = 1 + sim_below(SEVERAL);
    inputs[1] = renamed(count_by(other, other->columns[other_key].id));
    inputs[0] = to_all ? left : meet(left, left->columns[key].id, partitions);
    inputs[1] = to_all ? plan_exchange(arena, EXCHANGE_BROADCAST, inputs[1], 1, (ColumnList){0})
                       : meet(inputs[1], inputs[1]->columns[0].id, partitions);
    columns = plan_join_columns(arena, kind, inputs[0], inputs[1], NULL, &count);
    join = (PlanHashJoin *)plan_new(arena, PLAN_HASH_JOIN, 2, inputs, count, columns);
    join->kind = kind;
    for (uint32_t side = 0; side < 2; side++) {
        const PlanColumn *column = &inputs[side]->columns[side == 0 ? key : 0];
        const Expr **expr = ARENA_NEW(arena, const Expr *);

        *expr = expr_column(arena, column->id, column->type);
        *(side == 0 ? &join->left_keys : &join->right_keys) = (ExprList){1, expr};
    }
    join->null_equal = (BoolList){1, ARENA_NEW(arena, bool)};
    return &join->head;
}

/* --- plans --- */

static const Plan *source(void)
{
    return plans.kept_count > 0 && sim_chance(800) ? plans.kept[sim_below(plans.kept_count)]
                                                   : scan();
}

static const Plan *grow(const Plan *plan, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++)
        switch (sim_below(6)) {
        case 0:
            plan = count_by(plan, plan->columns[sim_below(plan->column_count)].id);
            break;
        case 1:
            plan = sort_all(plan);
            break;
        case 2:
            plan = put_together(plan);
            break;
        case 3:
            plan = plan_exchange(plans.arena, sim_chance(500) ? EXCHANGE_DEAL : EXCHANGE_GATHER,
                                 plan, 1 + sim_below(SEVERAL), (ColumnList){0});
            break;
        default:
            plan = join_counts(plan, source(), sim_chance(400));
            break;
        }
    return plan;
}

/* Some of them of what is kept itself. */
static void make_kept(void)
{
    static const uint32_t levels[] = {KEEP_MEMORY,
                                      KEEP_DISK,
                                      KEEP_DISK | KEEP_TWO_REPLICAS,
                                      KEEP_MEMORY | KEEP_COMPRESSED,
                                      KEEP_MEMORY | KEEP_TWO_REPLICAS,
                                      KEEP_DEFAULT | KEEP_TWO_REPLICAS};

    _Static_assert(KEPT == sizeof levels / sizeof *levels, "a level for each");
    for (uint32_t i = 0; i < KEPT; i++) {
        plans.kept[i] = plan_exchange_keep(plans.arena, grow(source(), 1 + sim_below(2)),
                                           (int64_t)i + 1, levels[i]);
        plans.kept_count++;
    }
}

void plans_begin(Arena *arena, Table *table)
{
    plans.arena = arena;
    plans.table = table;
    make_kept();
}

const Plan *plans_draw(void)
{
    const Plan *plan = grow(source(), 1 + sim_below(3));

    return sim_chance(500) ? sort_all(plan) : plan;
}
