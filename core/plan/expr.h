/*
 * expr.h -- expressions over the columns of a plan node's inputs
 *
 *     a + 1 > b        CALL >  (CALL + (COLUMN a, CONST 1), COLUMN b)
 *
 * Columns are named by ColumnId, unique in a query: an expression keeps its meaning wherever a
 * rule moves it, as long as the ids it uses are produced below. An id that no input produces is
 * free: the plan it stands in is correlated, and an outer plan supplies it.
 *
 * Expressions are immutable and live in the query's arena. Unchanged is the same pointer.
 * A subquery stands in an expression only until the optimizer's unnesting rules have run.
 */
#ifndef VONK_CORE_PLAN_EXPR_H
#define VONK_CORE_PLAN_EXPR_H

#include "core/data/value.h"

typedef struct Plan Plan;
typedef struct Expr Expr;
typedef uint32_t ColumnId; /* 0 is no column */

typedef enum FuncId {
#define FUNC(word, name, properties) FUNC_##word,
#include "core/plan/functions.def"
    FUNC_COUNT_
} FuncId;

typedef enum AggId {
#define AGG(word, name, properties) AGG_##word,
#include "core/plan/aggregates.def"
    AGG_COUNT_
} AggId;

enum FuncProperty {
    FUNC_STRICT = 1,
    FUNC_LAZY = 2,
    FUNC_COMMUTES = 4,
    FUNC_VOLATILE = 8,
    FUNC_HIDDEN = 16
};

enum AggProperty { AGG_SKIPS_NULL = 1, AGG_ZERO_IS_EMPTY = 2, AGG_DUPLICATES_DO_NOT_MATTER = 4 };

/* An aggregate may be computed in two halves: of some of the rows, a state as bytes (TEXT); of such
 * states, the result. */
typedef enum AggStep {
    AGG_WHOLE,
    AGG_TO_STATE,
    AGG_OF_STATES /* arguments: the states; a NULL of the type that TO_STATE's argument had */
} AggStep;

typedef enum ExprKind { EXPR_COLUMN, EXPR_CONST, EXPR_CALL, EXPR_AGG, EXPR_SUBQUERY } ExprKind;

typedef enum SubqueryKind {
    SUBQUERY_EXISTS, /* no arguments                                                          */
    SUBQUERY_SCALAR, /* no arguments; one column, at most one row, else error 21000            */
    SUBQUERY_ANY,    /* args op ANY (plan); IN is = ANY                                        */
    SUBQUERY_ALL     /* args op ALL (plan); NOT IN is <> ALL                                   */
} SubqueryKind;

struct Expr {
    ExprKind kind;
    Type type;
    int32_t sql_offset; /* byte offset in the statement, or -1; no part of equality           */

    ColumnId column; /* COLUMN                                                                  */
    Value value;     /* CONST                                                                   */

    FuncId func;      /* CALL; SUBQUERY ANY/ALL: the comparison                                  */
    AggId agg;        /* AGG                                                                     */
    bool is_distinct; /* AGG                                                                    */
    AggStep step;     /* AGG                                                                     */
    const Expr *filter; /* AGG: FILTER (WHERE ...), or NULL                                     */

    SubqueryKind subquery; /* SUBQUERY                                                          */
    const Plan *plan;      /* SUBQUERY: its columns pair with args in order                     */

    uint32_t arg_count; /* CALL, AGG, SUBQUERY                                                  */
    const Expr *const *args;
};

/* --- making: all live in the arena --- */
const Expr *expr_column(Arena *arena, ColumnId column, Type type);
const Expr *expr_const(Arena *arena, Value value); /* copies text */
const Expr *expr_true(Arena *arena);
const Expr *expr_call(Arena *arena, FuncId func, Type type, uint32_t arg_count,
                      const Expr *const *args); /* copies the array */
const Expr *expr_call1(Arena *arena, FuncId func, Type type, const Expr *a);
const Expr *expr_call2(Arena *arena, FuncId func, Type type, const Expr *a, const Expr *b);
const Expr *expr_cast(Arena *arena, const Expr *expr, Type type); /* expr itself when it has it */
const Expr *expr_agg(Arena *arena, AggId agg, Type type, uint32_t arg_count,
                     const Expr *const *args, bool is_distinct, const Expr *filter);
/* The halves of an aggregate of one argument; states is a column of TEXT. */
const Expr *expr_agg_to_state(Arena *arena, const Expr *agg);
const Expr *expr_agg_of_states(Arena *arena, const Expr *agg, const Expr *states);
const Expr *expr_subquery(Arena *arena, SubqueryKind kind, Type type, FuncId comparison,
                          const Plan *plan, uint32_t arg_count, const Expr *const *args);

/* expr with other arguments; expr itself when all are the same pointers. */
const Expr *expr_with_args(Arena *arena, const Expr *expr, const Expr *const *args);

/* --- conjunctions: NULL stands for TRUE in predicates --- */

/* Flattens nested ANDs into an arena array; 0 of NULL or TRUE. */
uint32_t expr_split_and(Arena *arena, const Expr *predicate, const Expr *const **parts_out);
/* NULL of none, the part of one, else one AND. */
const Expr *expr_join_and(Arena *arena, uint32_t count, const Expr *const *parts);
const Expr *expr_and(Arena *arena, const Expr *a, const Expr *b); /* either may be NULL */

/* --- asking --- */
bool expr_equal(const Expr *a, const Expr *b); /* NULLs equal; sql_offset ignored */
uint64_t expr_hash(const Expr *expr);
bool expr_is_const(const Expr *expr);
bool expr_is_true(const Expr *expr);          /* NULL or constant TRUE     */
bool expr_is_false_or_null(const Expr *expr); /* constant FALSE or NULL */
bool expr_has_subquery(const Expr *expr);
bool expr_has_agg(const Expr *expr);
bool expr_is_volatile(const Expr *expr);
bool expr_may_fail(const Expr *expr); /* some operation in it can raise an error */

/* Calls fn for expr and everything below, arguments after their parent; fn returns false to stay
 * out of an expression's arguments. Plans in subqueries are not entered. */
void expr_visit(const Expr *expr, bool (*fn)(void *context, const Expr *expr), void *context);

/* Rewrites bottom-up: fn sees each expression after its arguments. Plans are not entered. */
typedef const Expr *(*ExprRewriteFn)(void *context, const Expr *expr);
const Expr *expr_rewrite(Arena *arena, const Expr *expr, ExprRewriteFn fn, void *context);

/* --- sets of columns: sorted arrays in an arena; immutable --- */
typedef struct ColumnSet {
    uint32_t count;
    const ColumnId *ids; /* ascending */
} ColumnSet;

ColumnSet expr_columns(Arena *arena, const Expr *expr); /* free columns of subqueries included */
ColumnSet column_set_make(Arena *arena, uint32_t count, const ColumnId *ids);
ColumnSet column_set_union(Arena *arena, ColumnSet a, ColumnSet b);
ColumnSet column_set_minus(Arena *arena, ColumnSet a, ColumnSet b);
ColumnSet column_set_intersect(Arena *arena, ColumnSet a, ColumnSet b);
bool column_set_has(ColumnSet set, ColumnId id);
bool column_set_contains(ColumnSet outer, ColumnSet inner);
bool column_set_overlaps(ColumnSet a, ColumnSet b);

/* --- replacing columns by expressions --- */
typedef struct ColumnMap {
    uint32_t count;
    const ColumnId *from;
    const Expr *const *to;
} ColumnMap;
/* Subqueries' plans are entered. */
const Expr *expr_substitute(Arena *arena, const Expr *expr, const ColumnMap *map);

/* --- names --- */
const char *func_name(FuncId func);
/* The comparison with its sides exchanged, > for <; any other function itself. */
FuncId func_mirrored(FuncId func);
uint32_t func_properties(FuncId func);
const char *agg_name(AggId agg);
uint32_t agg_properties(AggId agg);

/* SQL-like text, columns by name where known: "(l_quantity#7 < 24.00)". Lives in the arena. */
const char *expr_print(Arena *arena, const Expr *expr);

/* --- overloads: rows of functions.def --- */
typedef enum OpId {
#define OP1(word, c, result, a, error)           OP_##c,
#define OP2(word, c, result, a, b, error)        OP_##c,
#define OP3(word, c, result, a, b, c_, error)    OP_##c,
#define OP4(word, c, result, a, b, c_, d, error) OP_##c,
#include "core/plan/functions.def"
    OP_COUNT_
} OpId;

/* A type word of the .def files. */
typedef enum OpType {
    OPTYPE_NONE,
    OPTYPE_ANY,
    OPTYPE_BOOL,
    OPTYPE_INT2,
    OPTYPE_INT4,
    OPTYPE_INT8,
    OPTYPE_DEC64,
    OPTYPE_DEC128,
    OPTYPE_FLOAT4,
    OPTYPE_FLOAT8,
    OPTYPE_TEXT,
    OPTYPE_DATE,
    OPTYPE_TIMESTAMP,
    OPTYPE_INTERVAL
} OpType;

enum { OP_ARGS_MAX = 4 };

typedef struct Op {
    OpId id;
    FuncId func;
    const char *name; /* "add_int4" */
    OpType result;
    uint32_t arg_count;
    OpType args[OP_ARGS_MAX];
    bool may_fail;
} Op;

extern const Op op_table[OP_COUNT_];

typedef struct AggOp {
    AggId agg;
    const char *name; /* "sum_int4" */
    OpType result;
    OpType arg;
} AggOp;

extern const AggOp agg_op_table[];
extern const uint32_t agg_op_count;

OpType optype_of(Type type);
/* A Type of that word; numeric words give precision 18 or 38 and scale 0. */
Type optype_type(OpType word);
/* The overload whose arguments are exactly these, or NULL. */
const Op *op_find(FuncId func, uint32_t arg_count, const OpType *args);
const AggOp *agg_op_find(AggId agg, OpType arg);

#endif
