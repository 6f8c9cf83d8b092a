/*
 * unnest.h -- the two roads by which a correlated plan becomes independent of its outer columns
 *
 *     unnest_pull.c    its correlated predicates come out, to be the join's condition
 *     unnest_domain.c  the outer columns' values come in, as a relation joined to it
 *
 * unnest_dependent_joins.c chooses.
 */
#ifndef VONK_SQL_OPTIMIZER_RULES_UNNEST_H
#define VONK_SQL_OPTIMIZER_RULES_UNNEST_H

#include "sql/optimizer/rules/rules.h"

/*
 *     Project  o.x * sum#9                    plan         Aggregate keys k#5, sum(v) AS sum#9
 *       Aggregate sum(v) AS sum#9       =>                   Scan t
 *         Filter k#5 = o.k                    predicates   k#5 = o.k
 *           Scan t                            deferred     the projection's column: o.x * sum#9
 */
typedef struct Pulled {
    const Plan *plan;   /* free of outer columns */
    ExprVec predicates; /* over plan's and the outer columns: which rows belong to an outer row */
    MapVec deferred;    /* columns that plan lacks: computed of a row and its outer row */
    bool is_scalar;     /* an aggregate without keys: each outer row has one row, its deferred
                           columns those of NULLs where plan has no row that belongs to it */
} Pulled;

/* False when plan's shape does not allow it; then *out means nothing. */
bool unnest_pull(RuleCtx *rc, const Plan *plan, ColumnSet outer, Pulled *out);

/* The distinct values of some outer columns; each use has its own columns. */
typedef struct Domain {
    ColumnSet outer;
    const Plan *plan; /* columns pair with outer.ids */
    int64_t shared_id;
} Domain;

/* A plan that holds, for every row of the domain, the rows of the correlated plan. */
typedef struct Dependent {
    const Plan *plan;       /* the correlated plan's columns, and more */
    const ColumnId *values; /* the columns that hold the domain's values, paired with outer.ids */
} Dependent;

/* Fails through rule_fail() for what has no such form. */
Dependent unnest_push_domain(RuleCtx *rc, const Domain *domain, const Plan *plan);

/* limit for each group of rows alike in keys; all of input's columns. */
const Plan *unnest_group_limit(RuleCtx *rc, const Plan *input, uint32_t key_count,
                               const ColumnId *keys, const PlanLimit *limit);

#endif
