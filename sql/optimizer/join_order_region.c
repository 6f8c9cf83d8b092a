/*
 * join_order_region.c -- a tree of joins becomes relations, operators and what keeps them apart
 *
 *     Join a.x = b.x
 *       Semi Join b.y = c.y            relations a b c
 *         b, c                         {a} - {b} inner,  {b} -> {c} semi
 *       a
 *
 * Operators keep the conflict rules of CD-C (Moerkotte, Fender & Eich, "On the correct and complete
 * enumeration of the core search space", SIGMOD 2013): for every operator below another, tables say
 * whether the two may change places.
 *
 *     assoc      (a x b) y c  =  a x (b y c)
 *     l-asscom   (a x b) y c  =  (a y c) x b
 *     r-asscom   a x (b y c)  =  b y (a x c)
 *
 * FULL, MARK and SINGLE joins stay where they are: their inputs are regions of their own. A tree of
 * more relations than a word has bits is cut: what is too far down is one relation, and a region of
 * its own.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "sql/optimizer/join_order_internal.h"

static bool orders_kind(int32_t kind)
{
    return kind == JOIN_INNER || kind == JOIN_LEFT || kind == JOIN_SEMI || kind == JOIN_ANTI;
}

/* A projection that only drops or reorders columns. */
static bool only_selects(const Plan *plan)
{
    const PlanProject *project = plan_as_project(plan);

    if (project == NULL)
        return false;
    for (uint32_t i = 0; i < project->exprs.count; i++) {
        if (project->exprs.items[i]->kind != EXPR_COLUMN ||
            project->exprs.items[i]->column != plan->columns[i].id)
            return false;
    }
    return true;
}

static const PlanJoin *as_ordered_join(const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);

    if (join == NULL || !orders_kind(join->kind))
        return NULL;
    if ((join->condition != NULL && expr_is_volatile(join->condition)) ||
        (join->null_aware != NULL && expr_is_volatile(join->null_aware)))
        return NULL;
    return join;
}

bool region_starts(const Plan *root)
{
    return as_ordered_join(root) != NULL;
}

bool region_passes(const Plan *plan)
{
    return only_selects(plan) && (region_starts(plan->inputs[0]) || region_passes(plan->inputs[0]));
}

/* Relations of a tree of joins, or most of them. */
static uint32_t count_relations(const Plan *plan, uint32_t most)
{
    uint32_t left;

    while (region_passes(plan))
        plan = plan->inputs[0];
    if (!region_starts(plan) || most == 1)
        return 1;
    left = count_relations(plan->inputs[0], most);
    return left == most ? most : left + count_relations(plan->inputs[1], most - left);
}

void region_cut(const Plan *join, uint32_t relations_max, uint32_t input_max_out[2])
{
    uint32_t left = count_relations(join->inputs[0], relations_max - 1);
    uint32_t right = count_relations(join->inputs[1], relations_max - 1);

    if (left + right > relations_max)
        right = right < relations_max / 2 ? right : relations_max / 2;
    input_max_out[0] = relations_max - right;
    input_max_out[1] = right;
}

/* --- operators --- */

static JoinOp *new_op(Region *region)
{
    if (region->op_count == region->op_capacity) {
        uint32_t capacity = region->op_capacity == 0 ? 32 : 2 * region->op_capacity;
        JoinOp *more = ARENA_ARRAY(region->arena, JoinOp, capacity);

        if (region->op_count > 0)
            memcpy(more, region->ops, region->op_count * sizeof *more);
        region->ops = more;
        region->op_capacity = capacity;
    }
    return &region->ops[region->op_count++];
}

static int32_t relation_of_column(const Region *region, ColumnId id)
{
    for (uint32_t i = 0; i < region->relation_count; i++) {
        if (plan_column_index(region->relations[i].plan, id) >= 0)
            return (int32_t)i;
    }
    return -1;
}

/* Relations that an expression speaks of; false: of something outside the region, too. */
static bool used_relations(const Region *region, const Expr *expr, RelSet *set_out)
{
    ColumnSet columns = {0};

    *set_out = 0;
    if (expr != NULL)
        columns = expr_columns(region->arena, expr);
    for (uint32_t i = 0; i < columns.count; i++) {
        int32_t relation = relation_of_column(region, columns.ids[i]);

        if (relation < 0)
            return false;
        *set_out |= relset_of((uint32_t)relation);
    }
    return true;
}

/* True when the condition cannot be TRUE where all columns of the set are NULL: some conjunct is a
 * comparison of strict expressions that uses one. */
static bool is_strict_over(const Region *region, const Expr *expr, RelSet set, bool *uses_set)
{
    if (expr->kind == EXPR_CONST)
        return true;
    if (expr->kind == EXPR_COLUMN) {
        int32_t relation = relation_of_column(region, expr->column);

        *uses_set |= relation >= 0 && (relset_of((uint32_t)relation) & set) != 0;
        return true;
    }
    if (expr->kind != EXPR_CALL ||
        (expr->func != FUNC_CAST && (func_properties(expr->func) & FUNC_STRICT) == 0))
        return false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!is_strict_over(region, expr->args[i], set, uses_set))
            return false;
    }
    return true;
}

static bool rejects_nulls(const Region *region, const Expr *condition, RelSet set)
{
    const Expr *const *parts;
    uint32_t count = expr_split_and(region->arena, condition, &parts);

    for (uint32_t i = 0; i < count; i++) {
        bool uses_set = false;

        if (is_strict_over(region, parts[i], set, &uses_set) && uses_set)
            return true;
    }
    return false;
}

/* --- who may change places with whom --- */

static bool is_assoc(const Region *region, const JoinOp *a, const JoinOp *b)
{
    if (a->kind == JOIN_INNER)
        return true; /* b is inner, semi, anti or left */
    /* (r1 left r2) left r3 on r2.x = r3.x: padded r2 rows must find no r3 row */
    return a->kind == JOIN_LEFT && b->kind == JOIN_LEFT &&
           rejects_nulls(region, a->condition, a->tree_right) &&
           rejects_nulls(region, b->condition, a->tree_right);
}

static bool is_left_asscom(const JoinOp *a, const JoinOp *b)
{
    (void)a;
    (void)b;
    return true; /* all pairs of inner, semi, anti and left */
}

static bool is_right_asscom(const JoinOp *a, const JoinOp *b)
{
    return a->kind == JOIN_INNER && b->kind == JOIN_INNER;
}

static void add_rule(ConflictRule *rules, uint32_t *count, RelSet when, RelSet needed)
{
    rules[*count] = (ConflictRule){when, needed};
    ++*count;
}

/* What the operator below uses of a side, when it uses some; else the whole side. */
static RelSet used_side(RelSet side, const JoinOp *op)
{
    return (side & op->uses) != 0 ? side & op->uses : side;
}

/* The sides an operator needs: what it uses; all of a side of which it uses nothing. */
static void set_sides(JoinOp *op)
{
    op->left = op->uses & op->tree_left;
    op->right = op->uses & op->tree_right;
    if (op->left == 0 || op->right == 0) {
        op->left = op->tree_left;
        op->right = op->tree_right;
    }
    op->uses = op->left | op->right;
}

/* Rules that always bite become part of the sides; rules that cannot are dropped. */
static void settle_rules(JoinOp *op, ConflictRule *rules)
{
    bool changed = true;
    uint32_t kept = 0;

    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < op->rule_count; i++) {
            RelSet sides = op->left | op->right;

            if ((rules[i].when & sides) == 0 || relset_has_all(sides, rules[i].needed))
                continue;
            op->left |= rules[i].needed & op->tree_left;
            op->right |= rules[i].needed & op->tree_right;
            changed = true;
        }
    }
    for (uint32_t i = 0; i < op->rule_count; i++) {
        if (!relset_has_all(op->left | op->right, rules[i].needed))
            rules[kept++] = rules[i];
    }
    op->rule_count = kept;
}

/* Rules of op against the operators in its left input, ops[left_from..right_from), and in its
 * right one, ops[right_from..own_from). */
static void add_conflict_rules(Region *region, JoinOp *op, uint32_t left_from, uint32_t right_from,
                               uint32_t own_from)
{
    ConflictRule *rules =
        ARENA_ARRAY(region->arena, ConflictRule, 2 * (size_t)(own_from - left_from));
    uint32_t count = 0;

    for (uint32_t i = left_from; i < own_from; i++) {
        const JoinOp *below = &region->ops[i];

        if (i < right_from) {
            if (!is_assoc(region, below, op))
                add_rule(rules, &count, below->tree_right, used_side(below->tree_left, below));
            if (!is_left_asscom(below, op))
                add_rule(rules, &count, below->tree_left, used_side(below->tree_right, below));
        } else {
            if (!is_assoc(region, op, below))
                add_rule(rules, &count, below->tree_left, used_side(below->tree_right, below));
            if (!is_right_asscom(op, below))
                add_rule(rules, &count, below->tree_right, used_side(below->tree_left, below));
        }
    }
    op->rule_count = count;
    op->rules = rules;
    settle_rules(op, rules);
}

/* --- the tree --- */

typedef struct Subtree {
    RelSet relations;
    uint32_t first_op;
    bool is_bad; /* speaks of columns from outside */
} Subtree;

static Subtree collect(Region *region, const Plan *plan, uint32_t relations_max);

static Subtree collect_relation(Region *region, const Plan *plan)
{
    Subtree tree = {.first_op = region->op_count};
    const RelEstimate *estimate = estimate_plan(estimator_of(region->rc), plan);

    CHECK(region->relation_count < REGION_RELATIONS_MAX);
    if (plan_free_columns(region->arena, plan).count > 0) {
        tree.is_bad = true;
        return tree;
    }
    tree.relations = relset_of(region->relation_count);
    region->relations[region->relation_count++] =
        (Relation){.plan = plan, .rows = estimate->rows, .base_rows = estimate->base_rows};
    return tree;
}

static bool add_op(Region *region, JoinKind kind, const Expr *condition, const Expr *null_aware,
                   Subtree left, Subtree right, uint32_t own_from)
{
    JoinOp *op = new_op(region);
    RelSet more;

    *op = (JoinOp){.kind = kind,
                   .condition = condition,
                   .null_aware = null_aware,
                   .tree_left = left.relations,
                   .tree_right = right.relations,
                   .factor = 1};
    if (!used_relations(region, condition, &op->uses) || !used_relations(region, null_aware, &more))
        return false;
    op->uses |= more;
    set_sides(op);
    add_conflict_rules(region, op, left.first_op, right.first_op, own_from);
    region->has_constraints |= kind != JOIN_INNER || op->rule_count > 0;
    return true;
}

static Subtree collect_join(Region *region, const PlanJoin *join, const uint32_t input_max[2])
{
    Estimator *estimator = estimator_of(region->rc);
    Subtree left = collect(region, join->head.inputs[0], input_max[0]);
    Subtree right = collect(region, join->head.inputs[1], input_max[1]);
    Subtree tree = {.relations = left.relations | right.relations,
                    .first_op = left.first_op,
                    .is_bad = left.is_bad || right.is_bad};
    uint32_t own_from = region->op_count, count;
    const Expr *const *parts;

    if (tree.is_bad)
        return tree;
    if (join->kind != JOIN_INNER) {
        double rows = estimate_plan(estimator, &join->head)->rows;
        double left_rows = estimate_plan(estimator, join->head.inputs[0])->rows;

        tree.is_bad = !add_op(region, (JoinKind)join->kind, join->condition, join->null_aware, left,
                              right, own_from);
        region->ops[own_from].factor = left_rows > 0 ? rows / left_rows : 1;
        return tree;
    }
    count = expr_split_and(region->arena, join->condition, &parts);
    if (count == 0)
        tree.is_bad = !add_op(region, JOIN_INNER, NULL, NULL, left, right, own_from);
    for (uint32_t i = 0; i < count && !tree.is_bad; i++) {
        tree.is_bad = !add_op(region, JOIN_INNER, parts[i], NULL, left, right, own_from);
        region->ops[own_from + i].factor = estimate_join_selectivity(
            estimator, join->head.inputs[0], join->head.inputs[1], parts[i]);
    }
    return tree;
}

static Subtree collect(Region *region, const Plan *plan, uint32_t relations_max)
{
    uint32_t input_max[2];

    while (region_passes(plan))
        plan = plan->inputs[0];
    if (!region_starts(plan) || relations_max == 1)
        return collect_relation(region, plan);
    region_cut(plan, relations_max, input_max);
    return collect_join(region, plan_as_join(plan), input_max);
}

/* --- classes of equal columns --- */

/* Of columns of two relations: a = a, and b = c of one relation, are filters. */
static bool is_plain_equality(const Region *region, const JoinOp *op)
{
    const Expr *expr = op->condition;

    return op->kind == JOIN_INNER && op->rule_count == 0 && expr != NULL &&
           expr->kind == EXPR_CALL && expr->func == FUNC_EQ && expr->arg_count == 2 &&
           expr->args[0]->kind == EXPR_COLUMN && expr->args[1]->kind == EXPR_COLUMN &&
           type_phys(expr->args[0]->type) == type_phys(expr->args[1]->type) &&
           expr->args[0]->type.scale == expr->args[1]->type.scale && relset_count(op->left) == 1 &&
           relset_count(op->right) == 1 &&
           relation_of_column(region, expr->args[0]->column) !=
               relation_of_column(region, expr->args[1]->column);
}

static EqualClass *class_of(Region *region, ColumnId id)
{
    for (uint32_t c = 0; c < region->class_count; c++) {
        for (uint32_t m = 0; m < region->classes[c].member_count; m++) {
            if (region->classes[c].members[m].column->column == id)
                return &region->classes[c];
        }
    }
    return NULL;
}

static void add_member(Region *region, EqualClass *class, const Expr *column)
{
    uint32_t relation = (uint32_t)relation_of_column(region, column->column);

    class->members[class->member_count++] = (ClassMember){
        .relation = relation,
        .column = column,
        .estimate = estimate_column(estimator_of(region->rc), region->relations[relation].plan,
                                    column->column)};
    class->relations |= relset_of(relation);
}

static EqualClass *new_class(Region *region)
{
    EqualClass *class = &region->classes[region->class_count++];

    /* a class has one member a relation: put_in_class() */
    *class =
        (EqualClass){.members = ARENA_ARRAY(region->arena, ClassMember, region->relation_count)};
    return class;
}

static void merge_classes(EqualClass *into, EqualClass *from)
{
    for (uint32_t i = 0; i < from->member_count; i++)
        into->members[into->member_count++] = from->members[i];
    into->relations |= from->relations;
    from->member_count = 0;
    from->relations = 0;
}

/*
 * The equality joins or widens a class. A class has at most one column of a relation: that two of
 * them are equal would have to be tested by someone. Then the equality stays an operator.
 */
static bool put_in_class(Region *region, const JoinOp *op)
{
    const Expr *left = op->condition->args[0], *right = op->condition->args[1];
    EqualClass *a = class_of(region, left->column), *b = class_of(region, right->column);

    if (a != NULL && a == b)
        return true;
    if (a != NULL && b != NULL) {
        if ((a->relations & b->relations) != 0)
            return false;
        merge_classes(a, b);
        return true;
    }
    if (a == NULL && b == NULL) {
        a = new_class(region);
        add_member(region, a, left);
        add_member(region, a, right);
        return true;
    }
    if (a == NULL) {
        a = b;
        right = left;
    }
    if ((a->relations & relset_of((uint32_t)relation_of_column(region, right->column))) != 0)
        return false;
    add_member(region, a, right);
    return true;
}

static void find_classes(Region *region)
{
    region->classes = ARENA_ARRAY(region->arena, EqualClass, region->op_count);
    for (uint32_t i = 0; i < region->op_count; i++) {
        JoinOp *op = &region->ops[i];

        op->is_in_class = is_plain_equality(region, op) && put_in_class(region, op);
    }
}

/* --- the hypergraph --- */

static void add_edge(Region *region, RelSet left, RelSet right)
{
    region->neighbors[relset_first(left)] |= right;
    region->neighbors[relset_first(right)] |= left;
}

static void find_edges(Region *region)
{
    region->wide = ARENA_ARRAY(region->arena, const JoinOp *,
                               (size_t)region->op_count + region->relation_count);
    for (uint32_t c = 0; c < region->class_count; c++) {
        RelSet members = region->classes[c].relations;

        for (RelSet rest = members; rest != 0; rest &= rest - 1)
            region->neighbors[relset_first(rest)] |= members & ~relset_of(relset_first(rest));
    }
    for (uint32_t i = 0; i < region->op_count; i++) {
        const JoinOp *op = &region->ops[i];

        if (op->is_in_class)
            continue;
        if (op->condition != NULL && relset_count(op->left) == 1 && relset_count(op->right) == 1)
            add_edge(region, op->left, op->right);
        else
            region->wide[region->wide_count++] = op;
    }
}

bool region_collect(RuleCtx *rc, Arena *arena, const Plan *root, Region *region)
{
    Subtree tree;

    *region = (Region){.rc = rc, .arena = arena};
    tree = collect(region, root, REGION_RELATIONS_MAX);
    if (tree.is_bad || region->relation_count < 3)
        return false;
    find_classes(region);
    find_edges(region);
    region_connect(region);
    return true;
}

/* --- parts without any edge between them --- */

static RelSet part_of(const Region *region, uint32_t relation)
{
    RelSet part = relset_of(relation), before = 0;

    while (part != before) {
        before = part;
        for (RelSet rest = part; rest != 0; rest &= rest - 1)
            part |= region->neighbors[relset_first(rest)];
        for (uint32_t i = 0; i < region->wide_count; i++) {
            RelSet ends = region->wide[i]->left | region->wide[i]->right;

            if ((ends & part) != 0)
                part |= ends;
        }
    }
    return part;
}

void region_connect(Region *region)
{
    RelSet all = region->relation_count == 64 ? ~(RelSet)0 : relset_of(region->relation_count) - 1;
    RelSet connected = part_of(region, 0);

    while (connected != all) {
        RelSet part = part_of(region, relset_first(all & ~connected));
        JoinOp *cross = ARENA_NEW(region->arena, JoinOp);

        *cross = (JoinOp){.kind = JOIN_INNER,
                          .uses = connected | part,
                          .left = connected,
                          .right = part,
                          .factor = 1};
        region->wide[region->wide_count++] = cross;
        connected |= part;
    }
}
