/*
 * join_order_table.c -- the best plan known for each set of relations
 *
 *     cost = rows out + rows probed + rows built, weighted, summed over all joins (C_out and the
 *            price of hash tables)
 *
 * Joining two sets applies every operator whose columns come together there. Classes of equal
 * columns contribute one equality each.
 */
#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "sql/optimizer/join_order_internal.h"

#define COST_OUT   1.0
#define COST_PROBE 0.5
#define COST_BUILD 2.0

/* --- the table --- */

/* Every bit of the set counts in the low ones: sets of late relations have only high bits. */
static uint32_t hash_of(RelSet set)
{
    set = (set ^ set >> 32) * 0x9E3779B97F4A7C15u;
    set = (set ^ set >> 29) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(set >> 32);
}

static uint32_t slot_of(const SolutionTable *table, RelSet set)
{
    uint32_t mask = table->capacity - 1;
    uint32_t slot = hash_of(set) & mask;

    while (table->slots[slot].set != 0 && table->slots[slot].set != set)
        slot = (slot + 1) & mask;
    return slot;
}

static void grow(SolutionTable *table)
{
    SolutionTable old = *table;

    table->capacity = old.capacity == 0 ? 256 : 2 * old.capacity;
    table->slots = ARENA_ARRAY(table->region->arena, Solution, table->capacity);
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].set != 0)
            table->slots[slot_of(table, old.slots[i].set)] = old.slots[i];
    }
}

static Solution *find_or_add(SolutionTable *table, RelSet set)
{
    Solution *solution;

    if (2 * (table->count + 1) > table->capacity)
        grow(table);
    solution = &table->slots[slot_of(table, set)];
    if (solution->set == 0) {
        *solution = (Solution){.set = set, .rows = -1, .cost = INFINITY, .op = OP_INNER};
        table->count++;
    }
    return solution;
}

const Solution *solutions_find(const SolutionTable *table, RelSet set)
{
    const Solution *solution = &table->slots[slot_of(table, set)];

    return solution->set == 0 ? NULL : solution;
}

void solutions_init(SolutionTable *table, Region *region)
{
    *table = (SolutionTable){.region = region};
    for (uint32_t i = 0; i < region->relation_count; i++) {
        Solution *solution = find_or_add(table, relset_of(i));

        solution->rows = region->relations[i].rows;
        solution->cost = 0;
    }
}

/* --- what applies between two sets --- */

static bool is_cross(const JoinOp *op)
{
    return op->kind == JOIN_INNER && op->condition == NULL;
}

typedef enum OpState {
    OP_ELSEWHERE, /* not both of its sides come together here */
    OP_APPLIES,
    OP_APPLIES_EXCHANGED, /* left is in b, right in a */
    OP_FORBIDS
} OpState;

static OpState op_state(const JoinOp *op, RelSet a, RelSet b)
{
    RelSet both = a | b;
    bool straight, exchanged;

    if (is_cross(op) || !relset_has_all(both, op->uses) || relset_has_all(a, op->uses) ||
        relset_has_all(b, op->uses))
        return OP_ELSEWHERE;
    straight = relset_has_all(a, op->left) && relset_has_all(b, op->right);
    exchanged = relset_has_all(b, op->left) && relset_has_all(a, op->right);
    if (!straight && !exchanged)
        return OP_FORBIDS;
    for (uint32_t i = 0; i < op->rule_count; i++) {
        if ((op->rules[i].when & both) != 0 && !relset_has_all(both, op->rules[i].needed))
            return OP_FORBIDS;
    }
    return straight ? OP_APPLIES : OP_APPLIES_EXCHANGED;
}

typedef struct Meeting {
    bool is_allowed;
    bool is_exchanged; /* the one that is not inner wants b on the left */
    uint32_t op;       /* that one, or OP_INNER                         */
    double factor;     /* of the inner operators                        */
} Meeting;

static bool class_meets(const EqualClass *class, RelSet a, RelSet b)
{
    return (class->relations & a) != 0 && (class->relations & b) != 0;
}

static Meeting meet(const Region *region, RelSet a, RelSet b)
{
    Meeting meeting = {.is_allowed = true, .op = OP_INNER, .factor = 1};
    uint32_t inner_count = 0, other_count = 0;

    for (uint32_t i = 0; i < region->op_count; i++) {
        const JoinOp *op = &region->ops[i];
        OpState state;

        if (op->is_in_class)
            continue;
        state = op_state(op, a, b);
        if (state == OP_FORBIDS)
            return (Meeting){.is_allowed = false};
        if (state == OP_ELSEWHERE)
            continue;
        if (op->kind == JOIN_INNER) {
            inner_count++;
            meeting.factor *= op->factor;
        } else {
            other_count++;
            meeting.op = i;
            meeting.is_exchanged = state == OP_APPLIES_EXCHANGED;
        }
    }
    for (uint32_t c = 0; c < region->class_count && other_count > 0; c++)
        inner_count += class_meets(&region->classes[c], a, b);
    /* an outer, semi or anti join is applied alone */
    meeting.is_allowed = other_count == 0 || (other_count == 1 && inner_count == 0);
    return meeting;
}

/* --- rows --- */

/* A class's representative in a set: the column of fewest values. */
static const ClassMember *representative(const EqualClass *class, RelSet set)
{
    const ClassMember *best = NULL;

    for (uint32_t i = 0; i < class->member_count; i++) {
        const ClassMember *member = &class->members[i];

        if ((relset_of(member->relation) & set) != 0 &&
            (best == NULL || member->estimate.domain_count < best->estimate.domain_count))
            best = member;
    }
    return best;
}

/* A relation with a column of every class that meets bounds the combinations of their values. */
static double combinations_max(const Region *region, RelSet set, RelSet in_all_classes)
{
    double rows = INFINITY;

    for (RelSet rest = set & in_all_classes; rest != 0; rest &= rest - 1)
        rows = fmin(rows, region->relations[relset_first(rest)].base_rows);
    return rows;
}

static double classes_selectivity(const Region *region, RelSet a, RelSet b)
{
    enum { KEYS_MAX = 16 };
    ColumnEstimate left[KEYS_MAX], right[KEYS_MAX];
    RelSet in_all = ~(RelSet)0;
    uint32_t count = 0;

    for (uint32_t c = 0; c < region->class_count && count < KEYS_MAX; c++) {
        const EqualClass *class = &region->classes[c];

        if (!class_meets(class, a, b))
            continue;
        left[count] = representative(class, a)->estimate;
        right[count++] = representative(class, b)->estimate;
        in_all &= class->relations;
    }
    if (count == 0)
        return 1;
    return estimate_keys_selectivity(count, left, right, combinations_max(region, a, in_all),
                                     combinations_max(region, b, in_all));
}

static double meeting_rows(const Region *region, const Meeting *meeting, const Solution *a,
                           const Solution *b)
{
    if (meeting->op != OP_INNER)
        return (meeting->is_exchanged ? b : a)->rows * region->ops[meeting->op].factor;
    return a->rows * b->rows * meeting->factor * classes_selectivity(region, a->set, b->set);
}

/* --- joining --- */

static double join_cost(const Solution *left, const Solution *right, bool may_exchange, double rows)
{
    double probe = left->rows, build = right->rows;

    if (may_exchange && probe < build) {
        probe = right->rows;
        build = left->rows;
    }
    return left->cost + right->cost + COST_OUT * rows + COST_PROBE * probe + COST_BUILD * build;
}

bool solutions_join(SolutionTable *table, RelSet a, RelSet b)
{
    Region *region = table->region;
    Solution *both = find_or_add(table, a | b);
    const Solution *left = solutions_find(table, a), *right = solutions_find(table, b);
    Meeting meeting = {.is_allowed = true, .op = OP_INNER, .factor = 1};
    double cost;

    /* without constraints the operators are only needed for the rows, the same in any order */
    if (region->has_constraints || both->rows < 0)
        meeting = meet(region, a, b);
    if (!meeting.is_allowed)
        return false;
    if (both->rows < 0)
        both->rows = meeting_rows(region, &meeting, left, right);
    if (meeting.op != OP_INNER && meeting.is_exchanged) {
        const Solution *other = left;

        left = right;
        right = other;
    }
    cost = join_cost(left, right, true, both->rows);
    if (cost < both->cost) {
        both->cost = cost;
        both->left = left->set;
        both->right = right->set;
        both->op = meeting.op;
    }
    return true;
}

double solutions_try(const SolutionTable *table, RelSet a, RelSet b)
{
    Meeting meeting = meet(table->region, a, b);

    if (!meeting.is_allowed)
        return -1;
    return meeting_rows(table->region, &meeting, solutions_find(table, a),
                        solutions_find(table, b));
}

/* --- back to a plan --- */

static const Expr *class_equality(const Region *region, const EqualClass *class, RelSet a, RelSet b)
{
    const ClassMember *left = representative(class, a), *right = representative(class, b);

    return expr_call2(region->rc->arena, FUNC_EQ, type_of(TYPE_BOOL), left->column, right->column);
}

/* The condition of the inner join of a and b. */
static const Expr *inner_condition(const Region *region, RelSet a, RelSet b)
{
    const Expr **parts =
        ARENA_ARRAY(region->arena, const Expr *, region->class_count + region->op_count);
    uint32_t count = 0;

    for (uint32_t c = 0; c < region->class_count; c++) {
        if (class_meets(&region->classes[c], a, b))
            parts[count++] = class_equality(region, &region->classes[c], a, b);
    }
    for (uint32_t i = 0; i < region->op_count; i++) {
        const JoinOp *op = &region->ops[i];

        if (!op->is_in_class && op_state(op, a, b) != OP_ELSEWHERE)
            parts[count++] = op->condition;
    }
    return expr_join_and(region->rc->arena, count, parts);
}

static const Plan *inner_join(const SolutionTable *table, const Solution *solution)
{
    Arena *arena = table->region->rc->arena;
    RelSet left = solution->left, right = solution->right;

    if (solutions_find(table, left)->rows < solutions_find(table, right)->rows) {
        left = solution->right;
        right = solution->left;
    }
    return plan_join(arena, JOIN_INNER, solutions_plan(table, left), solutions_plan(table, right),
                     inner_condition(table->region, left, right));
}

const Plan *solutions_plan(const SolutionTable *table, RelSet set)
{
    const Solution *solution = solutions_find(table, set);
    Arena *arena = table->region->rc->arena;
    const Plan *left, *right;
    const JoinOp *op;

    CHECK(solution != NULL && solution->rows >= 0);
    if (solution->left == 0)
        return table->region->relations[relset_first(set)].plan;
    if (solution->op == OP_INNER)
        return inner_join(table, solution);
    op = &table->region->ops[solution->op];
    left = solutions_plan(table, solution->left);
    right = solutions_plan(table, solution->right);
    if (op->kind == JOIN_ANTI)
        return plan_anti_join(arena, left, right, op->condition, op->null_aware);
    return plan_join(arena, op->kind, left, right, op->condition);
}
