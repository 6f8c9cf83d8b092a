/*
 * join_order_internal.h -- a region of joins as a hypergraph, and the plans found for its parts
 *
 *     join_order.c          finds regions in the plan, has them solved, puts the result back
 *     join_order_region.c   a tree of joins -> relations, operators, conflict rules, classes
 *     join_order_table.c    the best plan known for each set of relations
 *     join_order_dphyp.c    dynamic programming over connected subgraphs
 *     join_order_greedy.c   for regions too large for that
 *
 * Relations are numbered 0..63; a set of them is a word.
 */
#ifndef VONK_SQL_OPTIMIZER_JOIN_ORDER_INTERNAL_H
#define VONK_SQL_OPTIMIZER_JOIN_ORDER_INTERNAL_H

#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/optimizer_internal.h"

typedef uint64_t RelSet;

enum { REGION_RELATIONS_MAX = 64 };

static inline RelSet relset_of(uint32_t relation)
{
    return (RelSet)1 << relation;
}

static inline uint32_t relset_first(RelSet set)
{
    return (uint32_t)__builtin_ctzll(set);
}

static inline uint32_t relset_last(RelSet set)
{
    return 63 - (uint32_t)__builtin_clzll(set);
}

static inline uint32_t relset_count(RelSet set)
{
    return (uint32_t)__builtin_popcountll(set);
}

static inline bool relset_has_all(RelSet outer, RelSet inner)
{
    return (inner & ~outer) == 0;
}

/* The relations 0..relation: those that an enumeration starting at `relation` must not touch. */
static inline RelSet relset_up_to(uint32_t relation)
{
    return relation == 63 ? ~(RelSet)0 : relset_of(relation + 1) - 1;
}

/* Where any of `when` is, all of `needed` must be (Moerkotte, Fender & Eich, SIGMOD 2013, CD-C). */
typedef struct ConflictRule {
    RelSet when;
    RelSet needed;
} ConflictRule;

/*
 * A join operator: one conjunct of an inner join, or a whole LEFT, SEMI or ANTI join. It is applied
 * where its sides come together: left in one input, right in the other. A cross product is an
 * INNER one without a condition: there is nothing to apply, but operators above may not be taken
 * apart from it (conflict rules), and it is an edge.
 */
typedef struct JoinOp {
    JoinKind kind;
    const Expr *condition; /* NULL: TRUE                                              */
    const Expr *null_aware;
    RelSet uses;                  /* relations that the condition speaks of                   */
    RelSet left, right;           /* what must be in the one input and in the other           */
    RelSet tree_left, tree_right; /* the inputs it had in the query as written             */
    uint32_t rule_count;
    const ConflictRule *rules;
    /* INNER: part of pairs that satisfy it. Others: rows it gives per left row. */
    double factor;
    bool is_in_class; /* an equality that a class stands for: no edge of its own       */
} JoinOp;

/* Columns of different relations that are equal in the end: any two of them may be compared. */
typedef struct ClassMember {
    uint32_t relation;
    const Expr *column;
    ColumnEstimate estimate;
} ClassMember;

typedef struct EqualClass {
    RelSet relations;
    uint32_t member_count;
    ClassMember *members;
} EqualClass;

typedef struct Relation {
    const Plan *plan;
    double rows;
    double base_rows;
} Relation;

typedef struct Region {
    RuleCtx *rc;
    Arena *arena; /* freed when the region is solved */
    uint32_t relation_count;
    Relation relations[REGION_RELATIONS_MAX];
    uint32_t op_count, op_capacity;
    JoinOp *ops;
    uint32_t class_count;
    EqualClass *classes;
    bool has_constraints; /* some operator is not a free inner equality or predicate */
    /* the hypergraph: one-to-one edges by relation, and the others as operators */
    RelSet neighbors[REGION_RELATIONS_MAX];
    uint32_t wide_count;
    const JoinOp **wide;
} Region;

/* The best plan known for a set of relations. */
typedef struct Solution {
    RelSet set;
    RelSet left, right; /* its inputs; both 0: one relation */
    double rows;
    double cost;
    uint32_t op; /* the LEFT, SEMI or ANTI applied last; OP_INNER: an inner join */
} Solution;

#define OP_INNER UINT32_MAX

typedef struct SolutionTable {
    Region *region;
    uint32_t count, capacity; /* a power of two */
    Solution *slots;          /* set 0: free    */
} SolutionTable;

/* --- join_order_region.c --- */

/* false: nothing to order there, or nothing that may be. */
bool region_collect(RuleCtx *rc, Arena *arena, const Plan *root, Region *region);
/* Is root the top of a region? */
bool region_starts(const Plan *root);
/* How many of the relations that a region has left each input of one of its joins may bring in; at
 * 1 the input is a relation, whatever it is. */
void region_cut(const Plan *join, uint32_t relations_max, uint32_t input_max_out[2]);
/* A projection that a region goes through: it only drops or reorders columns of a join. */
bool region_passes(const Plan *plan);
/* Joins the separate parts of the graph by edges without condition. */
void region_connect(Region *region);

/* --- join_order_table.c --- */
void solutions_init(SolutionTable *table, Region *region);
const Solution *solutions_find(const SolutionTable *table, RelSet set);
/* Joins two solved sets if the operators between them allow, and keeps the plan if it is the best
 * for their union. false: not allowed. */
bool solutions_join(SolutionTable *table, RelSet a, RelSet b);
/* Rows of that join; -1: not allowed. */
double solutions_try(const SolutionTable *table, RelSet a, RelSet b);
const Plan *solutions_plan(const SolutionTable *table, RelSet set);

/* --- the two searches: true when there is a plan for all relations --- */
bool solve_by_dphyp(SolutionTable *table, uint32_t step_max, uint32_t set_max);
bool solve_greedily(SolutionTable *table);

#endif
