/*
 * binder_internal.h -- what the binder's files share
 *
 *     Binder   one statement being bound: arena, ids, where errors go
 *     Scope    one SELECT: what its FROM offers, its aggregates, the SELECT around it
 *     Query    a bound SELECT that is still open at the top: a plan, and expressions over it
 *
 * A literal whose type is not known yet is a constant of type TYPE_NULL: a bare NULL (is_null), or
 * text in value.str (not is_null). coerce.c gives it a type; none leaves the binder.
 *
 * A function that fails has set binder->err with its position. Everything lives in the arena.
 */
#ifndef VONK_SQL_BINDER_BINDER_INTERNAL_H
#define VONK_SQL_BINDER_BINDER_INTERNAL_H

#include <string.h>

#include "core/base/invariant.h"
#include "sql/binder/binder.h"

enum {
    BINDER_DEPTH_MAX = 2000,    /* nested expressions, joins and queries */
    BINDER_REUSED_MAX = 500000, /* nodes of expressions that SQL names once and plans twice */
    BINDER_COLUMNS_MAX = 20000, /* of a result */
    BINDER_VIEW_DEPTH_MAX = 100
};

/* A view that is being bound: names on this chain may not come again. */
typedef struct ViewFrame {
    const struct ViewFrame *outer;
    const char *name;
} ViewFrame;

typedef struct Binder {
    const BindRequest *request;
    Arena *arena;
    PlanIds *ids;
    Error *err;
    uint32_t depth;
    uint32_t reused_nodes;  /* see bind__reuse_expr */
    uint32_t shared_count;  /* PlanShared nodes made for WITH */
    bool has_long_numbers;  /* see bind__check_long_numbers */
    const ViewFrame *views; /* inside a view, offsets are not the statement's */
} Binder;

/* --- scopes (scope.c) --- */

typedef struct RangeColumn {
    const char *name;
    ColumnId id;
    Type type;
} RangeColumn;

/* A table, subquery, function or join in FROM. */
typedef struct RangeItem {
    const char *name;       /* its alias or name; NULL: a join without alias */
    const char *table_name; /* what the alias stands for, for error messages; or NULL */
    uint32_t column_count;
    const RangeColumn *columns;
} RangeItem;

/* A RangeItem as one place in the query sees it (PostgreSQL's ParseNamespaceItem). */
typedef struct Visible {
    const RangeItem *item;
    bool name_visible;    /* t.a finds it */
    bool columns_visible; /* a finds its columns, * lists them */
    bool lateral_only;    /* only LATERAL items may look at it yet */
    bool lateral_ok;      /* false: on the wrong side of an outer join */
} Visible;

typedef struct VisibleList {
    uint32_t count;
    uint32_t capacity;
    Visible *items;
} VisibleList;

typedef enum Clause {
    CLAUSE_NONE,
    CLAUSE_SELECT,
    CLAUSE_WHERE,
    CLAUSE_HAVING,
    CLAUSE_GROUP_BY,
    CLAUSE_ORDER_BY,
    CLAUSE_DISTINCT_ON,
    CLAUSE_LIMIT,
    CLAUSE_OFFSET,
    CLAUSE_JOIN_ON,
    CLAUSE_JOIN_USING,
    CLAUSE_VALUES,
    CLAUSE_FROM_FUNCTION,
    CLAUSE_FILTER,
    CLAUSE_FROM
} Clause;

/* A WITH query. While it is being bound, plan is NULL. */
typedef struct Cte {
    struct Cte *outer; /* the names seen besides it */
    const char *name;
    const Plan *plan;
    uint32_t column_count;
    const RangeColumn *columns;
    int64_t shared_id;
    bool is_future;       /* a later one of the same WITH: known only to say so */
    bool is_materialized; /* the user's word */
    bool is_copied; /* NOT MATERIALIZED, or correlated: every reference has a copy of its own */
    bool was_used;
} Cte;

/* An aggregate of a scope: refers to rows of its FROM, and is seen as a column above. */
typedef struct ScopeAgg {
    const Expr *expr; /* EXPR_AGG */
    ColumnId id;
    const char *name;
} ScopeAgg;

typedef struct Scope {
    struct Scope *outer;
    Cte *ctes;
    VisibleList visible;
    uint32_t range_count, range_capacity; /* all of FROM, seen or not */
    const RangeItem **ranges;
    Clause clause;
    bool lateral_active;
    uint32_t agg_count, agg_capacity;
    ScopeAgg *aggs;
    uint32_t set_count; /* set-returning calls in the select list, */
    const Plan *sets;   /* ... and the rows they make for a row */
} Scope;

typedef struct ResolvedColumn {
    const RangeColumn *column;
    const RangeItem *item;
} ResolvedColumn;

void scope__init(Scope *scope, Scope *outer);
void scope__add_range(Binder *b, Scope *scope, const RangeItem *item);
void bind__visible_add(Binder *b, VisibleList *list, Visible visible);
void bind__visible_append(Binder *b, VisibleList *list, const VisibleList *more);
void bind__visible_set_lateral(VisibleList *list, bool lateral_only, bool lateral_ok);

/* A column by its bare name; with local_only just this scope's. *found->column NULL: none. */
Status scope__find_column(Binder *b, Scope *scope, const char *name, int32_t offset,
                          bool local_only, ResolvedColumn *found_out);
/* The FROM item that t in t.a or t.* means; NULL: none. */
Status scope__find_item(Binder *b, Scope *scope, const char *name, int32_t offset,
                        const RangeItem **item_out);
/* A column or t.column as an expression, or PostgreSQL's error with its hint. */
Status scope__resolve(Binder *b, Scope *scope, const AstColumn *column, const Expr **expr_out);
Status scope__missing_item(Binder *b, Scope *scope, const char *name, int32_t offset);
Status scope__check_alias_unique(Binder *b, const VisibleList *left, const VisibleList *right);
/* The column of the scope's FROM with that id, and whose it is; or NULL. */
const RangeColumn *scope__range_column(const Scope *scope, ColumnId id, const RangeItem **item_out);
/* Whether the column stands for one of the scope's aggregates. */
bool scope__is_agg(const Scope *scope, ColumnId id);
Cte *scope__find_cte(const Scope *scope, const char *name);

/* --- queries --- */

typedef struct Output {
    const Expr *expr; /* over the plan's columns; may be of unknown type */
    const char *name;
    int32_t offset;
} Output;

typedef struct Query {
    const Plan *plan;
    uint32_t count;
    Output *outputs;
} Query;

/* Any SELECT, VALUES or set operation. (bind_select.c) */
Status bind__query(Binder *b, Scope *outer, const AstSelect *select, Query *query_out);
/* ... as a plan whose columns are exactly its outputs, types known; ids unique. */
Status bind__query_plan(Binder *b, Scope *outer, const AstSelect *select, const Plan **plan_out);
/* Projects the outputs; unknown types become text. */
Status bind__query_close(Binder *b, Query *query, const Plan **plan_out);
Status bind__query_resolve_output(Binder *b, Output *output);
/* VALUES and UNION, INTERSECT, EXCEPT without their ORDER BY and LIMIT. */
Status bind__values(Binder *b, Scope *scope, const AstSelect *select, Query *query_out);
Status bind__setop(Binder *b, Scope *scope, const AstSelect *select, Query *query_out);
/* WITH: adds to scope->ctes. */
Status bind__with(Binder *b, Scope *scope, const AstWith *with);
/* The WITH query once more: its plan, and its columns as this reference sees them. */
Status bind__cte_reference(Binder *b, Cte *cte, int32_t offset, const Plan **plan_out,
                           RangeColumn **columns_out);
/* Replaces the nodes of WITH queries that are read once by the queries themselves. */
const Plan *bind__cte_inline_single(Binder *b, const Plan *plan);

/* ORDER BY, DISTINCT and LIMIT. (bind_order.c) */
typedef struct OrderKey {
    uint32_t output; /* index in the targets */
    bool is_descending;
    bool nulls_first;
    int32_t offset;
} OrderKey;

/* The select list as it grows hidden columns: the first visible_count are the result. */
typedef struct Targets {
    uint32_t count, capacity, visible_count;
    Output *items;
} Targets;

uint32_t bind__targets_add(Binder *b, Targets *targets, Output output);
/* Index of the equal target, adding a hidden one if there is none. */
uint32_t bind__targets_find_or_add(Binder *b, Targets *targets, const Expr *expr, int32_t offset);
/* An ORDER BY, GROUP BY or DISTINCT ON item, PostgreSQL's rules on names and numbers: *target_out
 * is the target it means, or TARGET_NONE. */
#define TARGET_NONE UINT32_MAX
Status bind__target_reference(Binder *b, Scope *scope, const Targets *targets, const AstExpr *item,
                              Clause clause, uint32_t *target_out, const Expr **expr_out);
Status bind__order_by(Binder *b, Scope *scope, Targets *targets, AstSortKeys keys,
                      OrderKey **keys_out);
/* LIMIT's two numbers; without LIMIT 0 and ALL_ROWS. */
typedef struct LimitRange {
    int64_t skip_rows, fetch_rows;
    bool with_ties;
} LimitRange;

Status bind__limit(Binder *b, Scope *scope, const AstSelect *select, LimitRange *range_out);
/* What stands above a select list: DISTINCT, ORDER BY, LIMIT. */
typedef struct Tail {
    AstDistinct distinct;
    uint32_t on_count;
    const uint32_t *on_targets; /* DISTINCT ON */
    uint32_t key_count;
    OrderKey *keys;
    LimitRange limit;
} Tail;

Status bind__distinct(Binder *b, Scope *scope, Targets *targets, const AstSelect *select,
                      Tail *tail);
/* FETCH FIRST ... WITH TIES of the plan, not sorted yet, by these keys, which are columns of it;
 * the targets become the result's columns. (bind_ties.c) */
const Plan *bind__plan_ties(Binder *b, const Plan *plan, uint32_t key_count, const SortKey *keys,
                            const LimitRange *range, Targets *targets);
/* Plans the tail over plan; the visible targets are the query's outputs. */
Status bind__plan_tail(Binder *b, const Plan *plan, Targets *targets, const Tail *tail,
                       Query *query_out);
/* --- FROM (bind_from.c, bind_join.c, bind_table_function.c) --- */

/* FROM's plan, NULL when there is no FROM; fills scope->visible. */
Status bind__from_list(Binder *b, Scope *scope, AstFroms from, const Plan **plan_out);
Status bind__from_item(Binder *b, Scope *scope, const AstFrom *from, const Plan **plan_out,
                       VisibleList *visible_out);
Status bind__from_join(Binder *b, Scope *scope, const AstFromJoin *join, const Plan **plan_out,
                       VisibleList *visible_out);
Status bind__from_function(Binder *b, Scope *scope, const AstFromFunction *from,
                           const Plan **plan_out, VisibleList *visible_out);
/* generate_series as a plan of one column. */
Status bind__series(Binder *b, const AstFunc *func, const Expr **args, const char *name,
                    const Plan **plan_out);
/* A scan of the whole table as one visible item. */
Status bind__scan(Binder *b, Scope *scope, Table *table, const char *name, const AstFrom *from,
                  const Plan **plan_out, VisibleList *visible_out);
/* Makes the plan's columns one visible item under the alias (or name) and its column aliases. */
Status bind__add_range(Binder *b, Scope *scope, const AstFrom *from, const char *name,
                       const char *table_name, uint32_t column_count, RangeColumn *columns,
                       VisibleList *visible_out);
RangeColumn *bind__range_columns_of_plan(Binder *b, const Plan *plan);

/* --- aggregation (bind_aggregate.c) --- */

typedef struct Grouping {
    bool is_grouped; /* GROUP BY or an aggregate or HAVING is there */
    uint32_t key_count;
    const Expr **keys;
} Grouping;

Status bind__group_by(Binder *b, Scope *scope, Targets *targets, const AstSelect *select,
                      Grouping *grouping_out);
/* Aggregates the plan and rewrites targets and having to its columns. */
Status bind__plan_grouping(Binder *b, Scope *scope, Grouping *grouping, Targets *targets,
                           const Expr **having, const Plan **plan);
/* An aggregate call. (bind_agg_call.c) */
bool bind__is_agg_name(const char *name);
Status bind__agg_call(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out);

/* --- expressions --- */

/* May be of unknown type. A row is an error. (bind_expr.c) */
Status bind__expr(Binder *b, Scope *scope, const AstExpr *ast, const Expr **expr_out);
/* ... with the literal made text where its type stays unknown. */
Status bind__expr_known(Binder *b, Scope *scope, const AstExpr *ast, const Expr **expr_out);
/* A condition; construct is "WHERE", "JOIN/ON", ... for the error. */
Status bind__condition(Binder *b, Scope *scope, const AstExpr *ast, const char *construct,
                       const Expr **expr_out);
Status bind__exprs(Binder *b, Scope *scope, AstExprs asts, const Expr ***exprs_out);
const Expr *bind__expr_at(Binder *b, const Expr *expr, int32_t offset);
/* Where the expression begins, for errors about all of it: "a" of "a + 1", not "+". */
int32_t bind__expr_start(const Expr *expr);
/* Where the expression (its subqueries included) uses the column, or -1. */
int32_t bind__expr_find_column(const Expr *expr, ColumnId id);
/* expr once more, for an expression that needs it twice: subqueries get columns of their own, and
 * what nested doubling adds up to is bounded. */
Status bind__reuse_expr(Binder *b, const Expr *expr, const Expr **copy_out);
const char *bind__target_name(const AstExpr *ast);

Status bind__const(Binder *b, const AstConst *literal, const Expr **expr_out);
Status bind__cast(Binder *b, Scope *scope, const AstCast *cast, const Expr **expr_out);
/* The type of a bare word (date, int4, ...); false when it is none. */
bool bind__type_by_word(const char *word, Type *type_out);

Status bind__operator(Binder *b, Scope *scope, const AstOp *op, const Expr **expr_out);
Status bind__in_list(Binder *b, Scope *scope, const AstInList *in, const Expr **expr_out);
Status bind__quantified_array(Binder *b, Scope *scope, const AstQuantified *any,
                              const Expr **expr_out);
Status bind__between(Binder *b, Scope *scope, const AstBetween *between, const Expr **expr_out);
/* A char(n) as it is shown: n characters, blanks behind (it is kept without them). Other
 * expressions as they are. */
const Expr *bind__padded(Binder *b, const Expr *expr);
Status bind__like(Binder *b, Scope *scope, const AstLike *like, const Expr **expr_out);
Status bind__is_distinct(Binder *b, Scope *scope, const AstIsDistinct *is, const Expr **expr_out);
/* Rows are allowed on both sides. */
Status bind__comparison(Binder *b, Scope *scope, FuncId func, const AstExpr *left,
                        const AstExpr *right, int32_t offset, const Expr **expr_out);
bool bind__comparison_by_name(const char *op, FuncId *func_out);
/* Two rows of bound values, count > 0. */
Status bind__compare_rows(Binder *b, FuncId func, uint32_t count, const Expr *const *left,
                          const Expr *const *right, int32_t offset, const Expr **expr_out);
/* (a, b) = (SELECT x, y) */
Status bind__row_subquery(Binder *b, Scope *scope, FuncId func, const AstRow *row,
                          const AstSubquery *ast, int32_t offset, const Expr **expr_out);

Status bind__subquery(Binder *b, Scope *scope, const AstSubquery *ast, const Expr **expr_out);
/* generate_series in a select list: a column that bind__plan_sets makes. (bind_set_call.c) */
bool bind__is_set_call(const AstFunc *func);
Status bind__set_call(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out);
/* Refuses set-returning calls in what was bound since the scope had set_count of them. */
Status bind__refuse_sets(Binder *b, const Scope *scope, uint32_t set_count, int32_t offset,
                         const char *where);
const Plan *bind__plan_sets(Binder *b, const Scope *scope, const Plan *plan);
/* Functions that are other expressions: make_interval, OVERLAPS, pg_typeof, ...; sets *is_one_out
 * when the call is one. (bind_function_forms.c) */
Status bind__function_form(Binder *b, Scope *scope, const AstFunc *func, bool *is_one_out,
                           const Expr **expr_out);
Status bind__function(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out);
/* As a type's output function writes it: t, where a cast would give true. */
Status bind__output_text(Binder *b, const Expr **arg);
Status bind__extract(Binder *b, Scope *scope, const char *field, int32_t field_offset,
                     const AstExpr *arg, int32_t offset, const Expr **expr_out);

/* --- types --- */

typedef enum CastContext { CAST_IMPLICIT, CAST_ASSIGNMENT, CAST_EXPLICIT } CastContext;

bool bind__is_unknown(const Expr *expr);
bool bind__is_unknown_text(const Expr *expr); /* a string literal, not NULL */
/* A numeric literal of more than 38 digits, which only a double can be (1e150): a constant whose
 * text is in value.str. (bind_literal.c) */
bool bind__is_long_number(const Expr *expr);
Status bind__refuse_long_number(Binder *b, const Expr *number);
/* Refuses the plan when one is left in it. */
Status bind__check_long_numbers(Binder *b, const Plan *plan);
bool bind__can_cast(Type from, Type to, CastContext context);
/* expr as a value of that type; the caller has checked can_cast. A numeric target without precision
 * takes what the value needs. Unknown literals are read: their errors carry their position. */
Status bind__coerce(Binder *b, const Expr *expr, Type type, const Expr **expr_out);
/* can_cast, or the error 42846 "cannot cast type ..." */
Status bind__cast_explicitly(Binder *b, const Expr *expr, Type type, int32_t offset,
                             const Expr **expr_out);
/* Text stays text; what is unknown becomes it. */
Status bind__coerce_unknown_to_text(Binder *b, const Expr *expr, const Expr **expr_out);
Status bind__coerce_to_bool(Binder *b, const Expr *expr, const char *construct,
                            const Expr **expr_out);
/* PostgreSQL's select_common_type; construct ("CASE", "UNION", ...) for the error 42804. */
Status bind__common_type(Binder *b, const char *construct, uint32_t count, const Expr *const *exprs,
                         Type *type_out);
/* As common_type; false where PostgreSQL would report the error. */
bool bind__find_common_type(uint32_t count, const Expr *const *exprs, Type *type_out);
Status bind__coerce_all_common(Binder *b, const char *construct, uint32_t count, const Expr **exprs,
                               Type *type_out);
/* A name for messages: "numeric" without its digits, as PostgreSQL's format_type_be. */
const char *bind__type_message_name(Type type);
/* Whether a column of this expression over the plan can be NULL. */
bool bind__expr_is_nullable(const Plan *plan, const Expr *expr);

/* --- overloads (resolve.c) --- */

/* A name's overloads for some argument types. */
typedef struct Signature {
    FuncId func;
    uint32_t arg_count;
    TypeId args[OP_ARGS_MAX];
    TypeId result;
} Signature;

typedef enum ResolveResult {
    RESOLVE_OK,
    RESOLVE_NO_NAME,
    RESOLVE_NO_MATCH,
    RESOLVE_AMBIGUOUS
} ResolveResult;

/* funcs: every function of that name. */
ResolveResult bind__resolve_overload(uint32_t func_count, const FuncId *funcs, uint32_t arg_count,
                                     const Expr *const *args, bool is_operator,
                                     Signature *signature_out);
ResolveResult bind__resolve_aggregate(AggId agg, uint32_t arg_count, const Expr *const *args,
                                      TypeId *arg_out);
/* Functions of that SQL name (hidden ones too when is_operator); the count. */
uint32_t bind__functions_by_name(const char *name, bool is_operator, FuncId *funcs,
                                 uint32_t capacity);
/* 42883 or 42725, with a hint. */
Status bind__no_such_function(Binder *b, const AstFunc *func, uint32_t arg_count,
                              const Expr *const *args, ResolveResult result);
/* The call with its arguments cast to what the overload takes. */
Status bind__make_call(Binder *b, const Signature *signature, const Expr *const *args,
                       int32_t offset, const Expr **expr_out);
/* A binary operator by PostgreSQL's name on bound operands. */
Status bind__make_operator(Binder *b, const char *op, const Expr *left, const Expr *right,
                           int32_t offset, const Expr **expr_out);
/* func is EQ..GE, or one of the DISTINCT_FROMs. */
Status bind__make_comparison(Binder *b, FuncId func, const Expr *left, const Expr *right,
                             int32_t offset, const Expr **expr_out);
/* Gives both sides the type they are compared in. */
Status bind__unify_comparison(Binder *b, FuncId func, const Expr **left, const Expr **right,
                              int32_t offset);

/* --- numeric's precision and scale (decimal_rules.c) --- */

/* The numeric type that holds an integer or numeric expression; constants: exactly their digits. */
Type bind__decimal_type_of(const Expr *expr);
Type bind__decimal_common(Type a, Type b);
/* The type that a cast of expr to numeric without precision gives. */
Type bind__decimal_of_cast(const Expr *expr);
/* Digits of a decimal literal such as 1.50 or 1e-3; false when it is not one. */
bool bind__decimal_literal(const char *text, size_t bytes, int *digits_out, int *scale_out);
/* A call of a function that takes numerics; args are cast. */
Status bind__make_decimal_call(Binder *b, const Signature *signature, const Expr **args,
                               int32_t offset, const Expr **expr_out);
Status bind__unify_decimals(Binder *b, const Expr **left, const Expr **right);
/* Whether 38 digits hold all of them, numerics or integers, at the scale they are compared in. */
bool bind__decimals_share_scale(const Expr *needle, uint32_t count, const Expr *const *items);
Type bind__decimal_agg_type(AggId agg, OpType result, Type arg);

/* --- errors --- */

/* Sets the error and its place (none inside views). Returns status. */
Status bind__fail_at(Binder *b, int32_t offset, Status status, const char *sqlstate,
                     const char *format, ...) PRINTF_LIKE(5, 6);
/* ST_NOT_SUPPORTED "not supported: ..." */
Status bind__not_supported(Binder *b, int32_t offset, const char *format, ...) PRINTF_LIKE(3, 4);
/* Adds the place to an error that was set elsewhere; returns status. */
Status bind__place_error(Binder *b, int32_t offset, Status status);
Status bind__enter(Binder *b, int32_t offset); /* ST_BAD_INPUT 54001 when too deep */
static inline void bind__leave(Binder *b)
{
    b->depth--;
}

#endif
