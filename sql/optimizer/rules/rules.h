/* rules.h -- the rules, and what their files share (rule_util.c) */
#ifndef VONK_SQL_OPTIMIZER_RULES_RULES_H
#define VONK_SQL_OPTIMIZER_RULES_RULES_H

#include "core/base/pointer_map.h"
#include "sql/optimizer/rule.h"

#define RULE(name)          extern const Rule rule_##name;
#define REQUIRED_RULE(name) extern const Rule rule_##name;
#include "sql/optimizer/rules/rules.def"

/* --- lists of expressions that grow, in the query's arena --- */
typedef struct ExprVec {
    Arena *arena;
    uint32_t count;
    uint32_t capacity;
    const Expr **items;
} ExprVec;

void expr_vec_add(ExprVec *vec, const Expr *expr);
/* Each conjunct of predicate (NULL: none). */
void expr_vec_add_and(ExprVec *vec, const Expr *predicate);
const Expr *expr_vec_and(const ExprVec *vec); /* NULL of none */

/* --- columns that grow, each with the expression that computes it --- */
typedef struct ColumnVec {
    Arena *arena;
    uint32_t count;
    uint32_t capacity;
    const Expr **exprs;
    PlanColumn *columns;
} ColumnVec;

void column_vec_add(ColumnVec *vec, const Expr *expr, PlanColumn column);
/* The input's column under its own id, unless it is in vec already. */
void column_vec_keep(ColumnVec *vec, const Plan *input, ColumnId id);
void column_vec_keep_all(ColumnVec *vec, const Plan *input);
const Plan *column_vec_project(const ColumnVec *vec, const Plan *input);

/* --- column maps that grow --- */
typedef struct MapVec {
    Arena *arena;
    uint32_t count;
    uint32_t capacity;
    ColumnId *from;
    const Expr **to;
} MapVec;

void map_vec_add(MapVec *vec, ColumnId from, const Expr *to);
const Expr *map_vec_find(const MapVec *vec, ColumnId from); /* or NULL */
ColumnMap map_vec_map(const MapVec *vec);

/* The plan with at least the needed columns, as prune_columns has it below a node that needs them;
 * nothing in it is shared. */
const Plan *prune_to_columns(Arena *arena, const Plan *plan, ColumnSet needed);

/* --- walking --- */

/* An expression of the node itself is volatile. */
bool node_is_volatile(const Plan *plan);

/* What a walk made of the inputs of SHARED nodes, by their pointers: all nodes of one shared_id
 * keep one input. Starts as {0}. */
typedef struct PlanMemo {
    PointerMap after; /* by what it was before */
} PlanMemo;

const Plan *plan_memo_find(const PlanMemo *memo, const Plan *before); /* or NULL */
void plan_memo_note(RuleCtx *rc, PlanMemo *memo, const Plan *before, const Plan *after);

typedef const Plan *(*PlanMapFn)(RuleCtx *rc, PlanMemo *memo, const Plan *plan);
/* plan over what fn makes of its inputs; of the input of a SHARED node once. */
const Plan *plan_map_inputs(RuleCtx *rc, PlanMemo *memo, const Plan *plan, PlanMapFn fn);

/* --- making --- */

/* Another reader of a plan that several read: a SHARED node under columns of its own, to which
 * map leads from the plan's. */
const Plan *share_plan(RuleCtx *rc, const Plan *plan, int64_t shared_id, const char *name,
                       MapVec *map);
/* One more step over args, which become what it makes. columns: those; NULL: new ones. */
const Plan *rule_add_call_step(RuleCtx *rc, const Plan *plan, ColumnList *args,
                               const CallStep *step, const PlanColumn *columns);
/* Where a row goes depends on the row alone, and rows are not kept for others. */
bool exchange_places_by_row(const PlanExchange *exchange);
/* left's and right's columns are alike, pair by pair; NULLs are. NULL of none. */
const Expr *same_values(Arena *arena, uint32_t count, const Plan *left, const ColumnId *left_ids,
                        const Plan *right, const ColumnId *right_ids);

/* --- asking --- */
/* Every value of `from` is a value of `to`, in the same order. */
bool type_holds_all(Type from, Type to);
bool expr_uses_any(Arena *arena, const Expr *expr, ColumnSet columns);
bool expr_uses_only(Arena *arena, const Expr *expr, ColumnSet columns);
/* Whether plan has free columns in the set. */
bool plan_uses_any(Arena *arena, const Plan *plan, ColumnSet columns);
/* May it raise an error for some row's data that is no overflow of a wide number? Division, casts
 * from text, ... Such an expression must not be evaluated for rows that SQL would not evaluate it
 * for. */
bool expr_is_risky(const Expr *expr);

/* Whether evaluating expr can raise an error at all: expr_may_fail, but for operations that their
 * constants make safe: LIKE with a well-formed pattern, substring of a length that is not
 * negative. */
bool expr_can_fail(const Expr *expr);

/* Columns of which a NULL makes the expression NULL (null_analysis.c). */
ColumnSet expr_null_columns(Arena *arena, const Expr *expr);
/* Columns of which a NULL makes the predicate FALSE or NULL; NULL stands for TRUE. */
ColumnSet expr_rejected_columns(Arena *arena, const Expr *predicate);

/* Predicates that hold for each of the plan's rows (plan_facts.c). */
ExprVec plan_facts(Arena *arena, const Plan *plan);
/* Values of the two compare as they lie in memory: numeric(15,2) and numeric(4,2). */
bool types_compare_alike(Type a, Type b);
/* column =, <, <=, >, >= constant, of types that compare alike, the constant not null. */
bool expr_is_column_bound(const Expr *expr);
bool value_meets_bound(const Value *value, const Expr *bound);
/* Where known holds, bound does: a > 5, a > 3. */
bool expr_bound_implies(const Expr *known, const Expr *bound);

/* Adds, for each part that is an OR over these and other columns, what all its branches say of
 * these alone, as far as it can neither fail nor vary (or_parts.c). */
void or_parts_over(Arena *arena, uint32_t count, const Expr *const *parts, ColumnSet columns,
                   ExprVec *found);

/* How many rows a plan can have, as far as its shape tells (plan_properties.c). */
typedef struct RowBounds {
    int64_t min;
    int64_t max; /* ALL_ROWS: unknown */
} RowBounds;
RowBounds plan_row_bounds(const Plan *plan);
/* No two rows are alike in these columns, as far as the shape tells. */
bool plan_is_unique_on(Arena *arena, const Plan *plan, ColumnSet columns);
/* A left row has at most one pair that meets the condition. */
bool join_matches_at_most_one(Arena *arena, const PlanJoin *join);

/* --- making --- */
/* A projection's columns -> their expressions. */
ColumnMap project_map(Arena *arena, const PlanProject *project);
/* The columns of a union, set operation or shared node -> those of its input i. */
ColumnMap set_map(Arena *arena, const Plan *set, uint32_t i);
typedef const Expr *(*PredicateMapFn)(Arena *arena, const Expr *predicate);
/* The filter, or join, with what fn makes of its predicate; any other plan as it is. */
const Plan *plan_map_predicate(RuleCtx *rc, const Plan *plan, PredicateMapFn fn);
/* A filter over a node: of its parts, those of `below` (said in the columns of the node's input) go
 * below the node, those of `stays` stay. The filter as it was when none goes. */
const Plan *plan_filter_below(RuleCtx *rc, const Plan *filter, const ExprVec *below,
                              const ExprVec *stays);
/* The join over other inputs and conditions; kind, mark and mark's column as they were. */
const Plan *plan_join_like(Arena *arena, const PlanJoin *join, JoinKind kind, const Plan *left,
                           const Plan *right, const Expr *condition, const Expr *null_aware);
/* plan's columns as like has them, in like's order. */
const Plan *plan_select_like(Arena *arena, const Plan *plan, const Plan *like);
/* VALUES with other expressions than constants: one projection, or a union of them. */
const Plan *values_as_projects(RuleCtx *rc, const PlanValues *values);
/* The SHARED node's own copy of its input, under its columns. */
const Plan *shared_as_copy(RuleCtx *rc, const PlanShared *shared);
/* inline_shared.c: SHARED nodes with one reader become their inputs; where wants_copies says so,
 * each of several readers gets a copy. */
typedef bool (*WantsCopies)(RuleCtx *rc, const PlanShared *shared, uint32_t reader_count);
const Plan *inline_shared_where(RuleCtx *rc, const Plan *plan, WantsCopies wants_copies);

PlanColumn column_named(RuleCtx *rc, Type type, const char *name, bool is_nullable); /* fresh id */
const Expr *expr_of_column(Arena *arena, const PlanColumn *column);
/* a = b where one of them is never null, else a IS NOT DISTINCT FROM b. */
const Expr *expr_same_value(Arena *arena, const PlanColumn *a, const PlanColumn *b);
const Expr *expr_not(Arena *arena, const Expr *expr);
const Expr *expr_is_true_call(Arena *arena, const Expr *expr); /* expr IS TRUE */
const Expr *expr_case(Arena *arena, const Expr *when, const Expr *then, const Expr *otherwise);
/* The comparison that is true when func is false and the reverse, NULL alike: = and <>, < and >=.
 */
bool func_negate_comparison(FuncId func, FuncId *negated_out);

#endif
