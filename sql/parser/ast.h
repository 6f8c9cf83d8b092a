/*
 * ast.h -- SQL text as a tree: what the parser hands to the binder
 *
 *     SELECT a + 1 AS b FROM t WHERE c LIKE 'x%'
 *
 *     AstSelectStmt -> AstSelect
 *       targets   AstTarget "b"  -> AstOp "+" (AstColumn a, AstConst 1)
 *       from      AstFromTable "t"
 *       where     AstLike (AstColumn c, AstConst 'x%')
 *
 * Names have been folded to lower case as PostgreSQL does (quoted ones are kept). Nothing has been
 * looked up: AstColumn may be a column or a whole row, AstFunc a function, an aggregate or an
 * unknown name. What PostgreSQL's grammar accepts and Vonk does not know is a node all the same
 * (AstOther, AstOtherStmt, or a field such as AstFunc.over), so that the binder can say "not
 * supported: ..." with its place.
 *
 * offset is a node's byte offset in the text given to parse_sql, -1 when it is not known. It is
 * where PostgreSQL would put its caret: the operator of an AstOp, the first byte of most others.
 *
 * Nodes are immutable, live in the arena given to parse_sql and borrow nothing from its text. A
 * list is a count and an array, NULL when the count is 0. Pointers are NULL where a clause is
 * absent. Trees may be AST_DEPTH_MAX deep (parse.h); AstStatement.depth says how deep this one is.
 */
#ifndef VONK_SQL_PARSER_AST_H
#define VONK_SQL_PARSER_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum AstExprKind {
#define AST_EXPR(WORD, Struct, prefix) AST_##WORD,
#include "sql/parser/ast_nodes.def"
} AstExprKind;

typedef enum AstFromKind {
#define AST_FROM_ITEM(WORD, Struct, prefix) AST_FROM_##WORD,
#include "sql/parser/ast_nodes.def"
} AstFromKind;

typedef enum AstStmtKind {
#define AST_STMT(WORD, Struct, prefix) AST_STMT_##WORD,
#include "sql/parser/ast_nodes.def"
} AstStmtKind;

/* The common head of all expressions. */
typedef struct AstExpr {
    AstExprKind kind;
    int32_t offset;
} AstExpr;

typedef struct AstSelect AstSelect;

typedef struct AstExprs {
    uint32_t count;
    const AstExpr *const *items;
} AstExprs;

typedef struct AstNames {
    uint32_t count;
    const char *const *items;
} AstNames;

/* [schema.]name of a table, view, function, type or operator. pg_catalog is dropped from functions,
 * types and operators, as the grammar itself adds it. */
typedef struct AstName {
    const char *schema; /* NULL: none. "db.schema" when there were three parts */
    const char *name;
    int32_t offset;
} AstName;

/* One key of ORDER BY. */
typedef struct AstSortKey {
    const AstExpr *expr; /* may be an AstConst integer: then an output column's number */
    bool is_descending;
    bool has_nulls; /* NULLS FIRST or LAST was written; else first when descending */
    bool nulls_first;
    const char *using_operator; /* USING <, else NULL */
    int32_t offset;
} AstSortKey;

typedef struct AstSortKeys {
    uint32_t count;
    const AstSortKey *items;
} AstSortKeys;

/* --- types ----------------------------------------------------------------------------------- */

/* Bits of AstTypeName.interval_fields: interval '1' YEAR, interval '1 2' DAY TO SECOND. */
enum {
    AST_INTERVAL_MONTH = 1 << 1,
    AST_INTERVAL_YEAR = 1 << 2,
    AST_INTERVAL_DAY = 1 << 3,
    AST_INTERVAL_HOUR = 1 << 10,
    AST_INTERVAL_MINUTE = 1 << 11,
    AST_INTERVAL_SECOND = 1 << 12
};

/*
 * Names of the grammar's own types are PostgreSQL's internal ones:
 *     int, integer -> int4      bigint -> int8      smallint -> int2      boolean -> bool
 *     real -> float4            double precision, float -> float8         decimal -> numeric
 *     char(3) -> bpchar {3}     char -> bpchar {1}  varchar(9) -> varchar {9}
 *     timestamp(3) -> timestamp {3}   timestamp with time zone -> timestamptz
 * Others are as written: text, date, int4, hugeint.
 */
typedef struct AstTypeName {
    AstName name;
    uint32_t modifier_count; /* numeric(12, 2): 2 */
    const int64_t *modifiers;
    uint32_t interval_fields;  /* interval only: bits above, 0 = all */
    bool has_other_modifiers;  /* modifiers that are no integers: t('x') */
    uint32_t array_dimensions; /* int[][]: 2 */
    bool is_set;               /* SETOF t */
    bool is_percent_type;      /* t.a%TYPE */
    int32_t offset;
} AstTypeName;

/* --- expressions ------------------------------------------------------------------------------ */

/* a: {"a"}; s.t.a: {"s", "t", "a"}; *: {} with is_star; t.*: {"t"} with is_star. */
typedef struct AstColumn {
    AstExpr head;
    AstNames names;
    bool is_star;
} AstColumn;

typedef enum AstConstKind {
    AST_CONST_NULL,
    AST_CONST_BOOL,    /* boolean                                                          */
    AST_CONST_INTEGER, /* integer: fits int4 (PostgreSQL's int4 constant)                  */
    AST_CONST_NUMBER,  /* text: digits, point, exponent: 1.50, 3000000000, 1e-3. int8 or numeric */
    AST_CONST_STRING,  /* text: of unknown type                                            */
    AST_CONST_BITS     /* text: b1010 or x1f                                               */
} AstConstKind;

typedef struct AstConst {
    AstExpr head;
    AstConstKind const_kind;
    bool boolean;
    int32_t integer;
    const char *text; /* NUL-terminated; without quotes and escapes */
    uint32_t text_bytes;
} AstConst;

typedef struct AstParam {
    AstExpr head;
    uint32_t number; /* from 1 */
} AstParam;

/* a + b + c is (a + b) + c: chains are deep on the left, up to AST_DEPTH_MAX. Operators are any
 * characters of PostgreSQL's, "!=" comes as "<>". */
typedef struct AstOp {
    AstExpr head;
    AstName op;
    const AstExpr *left; /* NULL: prefix operator */
    const AstExpr *right;
} AstOp;

typedef enum AstLogicKind { AST_LOGIC_AND, AST_LOGIC_OR, AST_LOGIC_NOT } AstLogicKind;

/* Chains of one kind are one flat node: a AND b AND c has three args. NOT has one. */
typedef struct AstLogic {
    AstExpr head;
    AstLogicKind logic;
    AstExprs args;
} AstLogic;

typedef struct AstArg {
    const char *name; /* f(name => expr), else NULL */
    const AstExpr *expr;
    int32_t offset;
} AstArg;

typedef struct AstWindow AstWindow;

/*
 * Also the grammar's special syntaxes, as PostgreSQL resolves them:
 *     substring(x from 2 for 3)        substring(x, 2, 3)
 *     position(a in b)                 position(b, a)
 *     trim(both a from b), trim(b)     btrim(b, a), btrim(b); ltrim for leading, rtrim for trailing
 *     overlay(a placing b from 1)      overlay(a, b, 1)
 *     x AT TIME ZONE z                 timezone(z, x)
 *     current_date, localtimestamp(3)  current_date(), localtimestamp(3); also current_time,
 *                                      current_timestamp, localtime, current_user, ...
 * is_syntax is set on these. A named option of a table function may also be written
 * read_csv('f', header = true): that is an AstOp "=" between an AstColumn and the value.
 */
typedef struct AstFunc {
    AstExpr head;
    AstName name;
    uint32_t arg_count;
    const AstArg *args;
    AstSortKeys order_by;  /* agg(x ORDER BY y), and WITHIN GROUP (ORDER BY y) */
    const AstExpr *filter; /* FILTER (WHERE ...) */
    const AstWindow *over; /* OVER ... */
    bool is_star;          /* count(*) */
    bool is_distinct;      /* count(DISTINCT x) */
    bool is_variadic;      /* f(VARIADIC x) */
    bool is_within_group;
    bool is_syntax;
} AstFunc;

typedef struct AstExtract {
    AstExpr head;
    const char *field; /* "year", as written, in lower case when it was no string */
    const AstExpr *arg;
} AstExtract;

/* Typed literals too: date '1994-01-01' is a cast of a string constant. */
typedef struct AstCast {
    AstExpr head;
    const AstExpr *arg;
    const AstTypeName *type;
} AstCast;

typedef struct AstWhen {
    const AstExpr *condition; /* a value to compare with when the CASE has an arg */
    const AstExpr *result;
    int32_t offset;
} AstWhen;

typedef struct AstCase {
    AstExpr head;
    const AstExpr *arg;
    uint32_t when_count;
    const AstWhen *whens;
    const AstExpr *otherwise;
} AstCase;

typedef enum AstChoiceKind {
    AST_CHOICE_COALESCE,
    AST_CHOICE_NULLIF, /* two args */
    AST_CHOICE_GREATEST,
    AST_CHOICE_LEAST
} AstChoiceKind;

typedef struct AstChoice {
    AstExpr head;
    AstChoiceKind choice;
    AstExprs args;
} AstChoice;

typedef struct AstInList {
    AstExpr head;
    const AstExpr *arg;
    AstExprs items;
    bool is_negated;
} AstInList;

typedef struct AstBetween {
    AstExpr head;
    const AstExpr *arg;
    const AstExpr *low;
    const AstExpr *high;
    bool is_symmetric;
    bool is_negated;
} AstBetween;

typedef enum AstLikeKind { AST_LIKE_LIKE, AST_LIKE_ILIKE, AST_LIKE_SIMILAR } AstLikeKind;

typedef struct AstLike {
    AstExpr head;
    AstLikeKind like;
    const AstExpr *arg;
    const AstExpr *pattern;
    const AstExpr *escape;
    bool is_negated;
} AstLike;

typedef enum AstIsKind { AST_IS_NULL, AST_IS_TRUE, AST_IS_FALSE, AST_IS_UNKNOWN } AstIsKind;

typedef struct AstIs {
    AstExpr head;
    AstIsKind is;
    const AstExpr *arg;
    bool is_negated;
} AstIs;

typedef struct AstIsDistinct {
    AstExpr head;
    const AstExpr *left;
    const AstExpr *right;
    bool is_negated; /* IS NOT DISTINCT FROM */
} AstIsDistinct;

typedef enum AstSubqueryKind {
    AST_SUBQUERY_SCALAR, /* (SELECT ...)                                             */
    AST_SUBQUERY_EXISTS, /* EXISTS (SELECT ...)                                      */
    AST_SUBQUERY_IN,     /* arg IN (SELECT ...); NOT IN is AST_LOGIC_NOT around it   */
    AST_SUBQUERY_ANY,    /* arg op ANY (SELECT ...)                                  */
    AST_SUBQUERY_ALL,    /* arg op ALL (SELECT ...)                                  */
    AST_SUBQUERY_ARRAY   /* ARRAY(SELECT ...)                                        */
} AstSubqueryKind;

typedef struct AstSubquery {
    AstExpr head;
    AstSubqueryKind subquery;
    const AstExpr *arg; /* IN, ANY, ALL; may be an AstRow */
    AstName op;         /* ANY, ALL; name NULL for others. LIKE ANY has op "~~" */
    const AstSelect *select;
} AstSubquery;

/* arg op ANY (array expression) */
typedef struct AstQuantified {
    AstExpr head;
    const AstExpr *arg;
    AstName op;
    const AstExpr *array;
    bool is_all;
} AstQuantified;

typedef struct AstRow {
    AstExpr head;
    AstExprs items;
    bool is_explicit; /* the word ROW was written */
} AstRow;

typedef struct AstArray {
    AstExpr head;
    AstExprs items;
} AstArray;

typedef struct AstCollate {
    AstExpr head;
    const AstExpr *arg;
    AstName collation;
} AstCollate;

typedef enum AstGroupingKind {
    AST_GROUPING_EMPTY, /* ()                                          */
    AST_GROUPING_ROLLUP,
    AST_GROUPING_CUBE,
    AST_GROUPING_SETS /* items: AstGroupingSet, AstRow or expressions */
} AstGroupingKind;

typedef struct AstGroupingSet {
    AstExpr head;
    AstGroupingKind grouping;
    AstExprs items;
} AstGroupingSet;

/* "not supported: <what>" */
typedef struct AstOther {
    AstExpr head;
    const char *what; /* "array subscripts", "XML expressions", ... */
} AstOther;

/* --- windows ---------------------------------------------------------------------------------- */

typedef enum AstFrameUnit { AST_FRAME_RANGE, AST_FRAME_ROWS, AST_FRAME_GROUPS } AstFrameUnit;

typedef enum AstBoundKind {
    AST_BOUND_UNBOUNDED_PRECEDING,
    AST_BOUND_PRECEDING, /* offset PRECEDING */
    AST_BOUND_CURRENT_ROW,
    AST_BOUND_FOLLOWING, /* offset FOLLOWING */
    AST_BOUND_UNBOUNDED_FOLLOWING
} AstBoundKind;

typedef enum AstExclusion {
    AST_EXCLUDE_NOTHING,
    AST_EXCLUDE_CURRENT_ROW,
    AST_EXCLUDE_GROUP,
    AST_EXCLUDE_TIES
} AstExclusion;

struct AstWindow {
    const char *name;     /* WINDOW name AS (...), and OVER name: then nothing else is set */
    const char *ref_name; /* OVER (ref_name ...) */
    AstExprs partition_by;
    AstSortKeys order_by;
    bool has_frame; /* else RANGE UNBOUNDED PRECEDING, the fields below say so */
    AstFrameUnit unit;
    AstBoundKind start, end;
    const AstExpr *start_offset, *end_offset;
    AstExclusion exclusion;
    int32_t offset;
};

/* --- FROM ------------------------------------------------------------------------------------- */

/* AS name (column, ...) */
typedef struct AstAlias {
    const char *name; /* NULL: none */
    AstNames columns;
} AstAlias;

typedef struct AstFrom {
    AstFromKind kind;
    int32_t offset; /* of a join: of its left side, or of the JOIN's condition */
    AstAlias alias;
} AstFrom;

typedef struct AstFroms {
    uint32_t count;
    const AstFrom *const *items;
} AstFroms;

/* "dir/x.parquet" in double quotes is a table with that name: the binder tells it by its look. */
typedef struct AstFromTable {
    AstFrom head;
    AstName name;
    bool is_only;       /* FROM ONLY t */
    const char *sample; /* TABLESAMPLE's method, "bernoulli"; NULL: none */
} AstFromTable;

/* Also FROM (VALUES ...) AS v. */
typedef struct AstFromSubquery {
    AstFrom head;
    const AstSelect *select;
    bool is_lateral;
} AstFromSubquery;

/* FROM f(x) [WITH ORDINALITY]. Functions have no LATERAL of their own: they always see what is
 * left of them. */
typedef struct AstFromFunction {
    AstFrom head;
    AstExprs calls;    /* one; more for ROWS FROM (f(x), g(y)). AstFunc or another kind */
    bool is_rows_from; /* ROWS FROM (...) was written */
    bool is_lateral;   /* the word LATERAL was written */
    bool has_ordinality;
    bool has_column_types; /* AS t (a int, b text): names are in the alias, types are dropped */
} AstFromFunction;

typedef enum AstJoinKind {
    AST_JOIN_INNER,
    AST_JOIN_LEFT,
    AST_JOIN_RIGHT,
    AST_JOIN_FULL,
    AST_JOIN_CROSS /* no condition of any kind */
} AstJoinKind;

typedef struct AstFromJoin {
    AstFrom head; /* alias: (a JOIN b ...) AS x */
    AstJoinKind join;
    const AstFrom *left, *right;
    bool is_natural;
    AstNames using_columns;
    const char *using_alias; /* USING (a) AS x */
    const AstExpr *on;
} AstFromJoin;

/* --- SELECT ----------------------------------------------------------------------------------- */

typedef struct AstTarget {
    const char *name;    /* AS name, else NULL: the binder makes one up */
    const AstExpr *expr; /* may be an AstColumn with is_star */
    int32_t offset;
} AstTarget;

typedef enum AstMaterialize {
    AST_MATERIALIZE_DEFAULT,
    AST_MATERIALIZE_ALWAYS,
    AST_MATERIALIZE_NEVER
} AstMaterialize;

typedef struct AstCte {
    const char *name;
    AstNames columns;
    AstMaterialize materialize;
    const AstSelect *select; /* NULL: an INSERT, UPDATE, ...; see other */
    const char *other;       /* "INSERT" when select is NULL */
    bool has_search_or_cycle;
    int32_t offset;
} AstCte;

typedef struct AstWith {
    bool is_recursive; /* the word was written; a CTE need not refer to itself */
    uint32_t cte_count;
    const AstCte *ctes;
    int32_t offset;
} AstWith;

typedef enum AstSelectKind { AST_SELECT_PLAIN, AST_SELECT_VALUES, AST_SELECT_SETOP } AstSelectKind;
typedef enum AstSetopKind { AST_SETOP_UNION, AST_SETOP_INTERSECT, AST_SETOP_EXCEPT } AstSetopKind;
typedef enum AstDistinct { AST_DISTINCT_NONE, AST_DISTINCT_ALL, AST_DISTINCT_ON } AstDistinct;

/* TABLE t is SELECT * FROM t. */
struct AstSelect {
    AstSelectKind kind;
    int32_t offset;
    const AstWith *with;

    /* PLAIN */
    AstDistinct distinct;
    AstExprs distinct_on;
    uint32_t target_count; /* 0 is allowed: SELECT FROM t */
    const AstTarget *targets;
    AstFroms from; /* a, b: a cross join */
    const AstExpr *where;
    AstExprs group_by; /* integers are output columns' numbers */
    bool group_distinct;
    const AstExpr *having;
    uint32_t window_count;
    const AstWindow *windows;

    /* VALUES; rows may differ in length: an error for the binder to tell */
    uint32_t row_count;
    const AstExprs *rows;

    /* SETOP; chains are deep on the left: a UNION b UNION c is (a UNION b) UNION c */
    AstSetopKind setop;
    bool setop_all;
    const AstSelect *left, *right;

    /* all kinds */
    AstSortKeys order_by;
    const AstExpr *limit;        /* LIMIT ALL is a NULL constant; FETCH FIRST too comes here */
    const AstExpr *limit_offset; /* OFFSET */
    bool limit_with_ties;
    const char *locking; /* "FOR UPDATE", ... */
};

/* --- statements ------------------------------------------------------------------------------- */

/* The common head of all statements. */
typedef struct AstStatement {
    AstStmtKind kind;
    int32_t offset;   /* of its first word in the whole text                              */
    const char *text; /* its source without the semicolon and surrounding space: a copy   */
    uint32_t text_bytes;
    uint32_t depth;       /* nesting of its deepest expression, subquery or join              */
    uint32_t param_count; /* the highest $n                                                  */
} AstStatement;

typedef struct AstStatements {
    uint32_t count;
    const AstStatement *const *items;
} AstStatements;

/* name [value]: of EXPLAIN and COPY. The name is in lower case. */
typedef struct AstOption {
    const char *name;
    const char *value; /* as text; NULL when there was none. '*' and lists: see below */
    AstNames list;     /* (a, b) as the value: then value is NULL; * is {"*"} */
    int32_t offset;
} AstOption;

typedef struct AstOptions {
    uint32_t count;
    const AstOption *items;
} AstOptions;

typedef struct AstSelectStmt {
    AstStatement head;
    const AstSelect *select;
} AstSelectStmt;

typedef struct AstCreateView {
    AstStatement head;
    AstName name;
    AstNames columns;
    bool is_replace;
    bool is_temporary;
    bool is_recursive;  /* CREATE RECURSIVE VIEW */
    AstOptions options; /* WITH (...) and WITH CHECK OPTION */
    const AstSelect *select;
    const char *select_text; /* the query's source, to keep the view as text */
    int32_t select_offset;   /* of select_text in the whole text */
} AstCreateView;

typedef struct AstCreateTableAs {
    AstStatement head;
    AstName name;
    AstNames columns;
    bool if_not_exists;
    bool is_temporary;
    bool is_materialized_view;
    bool with_no_data;
    const char *access_method; /* USING parquet, else NULL */
    AstOptions options;        /* WITH (...) */
    const AstSelect *select;   /* NULL: CREATE TABLE AS EXECUTE */
} AstCreateTableAs;

typedef struct AstDrop {
    AstStatement head;
    bool is_view; /* else a table */
    bool if_exists;
    bool is_cascade;
    uint32_t name_count;
    const AstName *names;
} AstDrop;

typedef struct AstCopy {
    AstStatement head;
    bool is_from;
    AstName table; /* name NULL: select */
    AstNames columns;
    const AstSelect *select; /* COPY (SELECT ...) TO; NULL for a table and for other queries */
    const char *path;        /* NULL: STDIN or STDOUT */
    bool is_program;
    AstOptions options;
    const AstExpr *where; /* COPY FROM ... WHERE */
} AstCopy;

/* Options are in `options` in the order written: EXPLAIN ANALYZE x is {"analyze"}. */
typedef struct AstExplain {
    AstStatement head;
    AstOptions options;
    const AstStatement *statement;
} AstExplain;

typedef enum AstSetKind {
    AST_SET_VALUE,
    AST_SET_DEFAULT,
    AST_SET_RESET,
    AST_SET_RESET_ALL
} AstSetKind;

/* SET a.b = v [, v]; SET a.b TO DEFAULT; RESET a.b; RESET ALL. */
typedef struct AstSet {
    AstStatement head;
    AstSetKind set;
    const char *name; /* "a.b"; NULL for RESET ALL */
    AstNames values;  /* as text: true, 4, 'x' -> x */
    bool is_local;
} AstSet;

typedef struct AstShow {
    AstStatement head;
    const char *name; /* "a.b", or "all" */
} AstShow;

/* BEGIN, COMMIT and the like: what psql prints when done. */
typedef struct AstTransaction {
    AstStatement head;
    const char *tag;
    bool is_undo; /* ROLLBACK, savepoints, two phases: what needs real transactions */
} AstTransaction;

/* "not supported: <what>" */
typedef struct AstOtherStmt {
    AstStatement head;
    const char *what; /* "INSERT", "CREATE INDEX", ... */
} AstOtherStmt;

/* --- casts: typed, or NULL when it is another kind (or NULL) --- */

#define AST_EXPR(WORD, Struct, prefix)                                                             \
    static inline const Struct *ast_as_##prefix(const AstExpr *expr)                               \
    {                                                                                              \
        return expr != NULL && expr->kind == AST_##WORD ? (const Struct *)expr : NULL;             \
    }
#define AST_FROM_ITEM(WORD, Struct, prefix)                                                        \
    static inline const Struct *ast_from_as_##prefix(const AstFrom *item)                          \
    {                                                                                              \
        return item != NULL && item->kind == AST_FROM_##WORD ? (const Struct *)item : NULL;        \
    }
#define AST_STMT(WORD, Struct, prefix)                                                             \
    static inline const Struct *ast_stmt_as_##prefix(const AstStatement *statement)                \
    {                                                                                              \
        return statement != NULL && statement->kind == AST_STMT_##WORD ? (const Struct *)statement \
                                                                       : NULL;                     \
    }
#include "sql/parser/ast_nodes.def"

#endif
