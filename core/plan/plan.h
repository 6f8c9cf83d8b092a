/*
 * plan.h -- the plan: what SQL and RDD calls become, what rules rewrite, what executors run
 *
 *     SELECT a FROM t WHERE b > 1
 *
 *     Project a#1
 *       Filter b#2 > 1
 *         Scan t (a#1, b#2)
 *
 * A node is a tagged struct with a common head (plan_nodes.def lists them). Nodes are immutable
 * and live in the query's arena; unchanged is the same pointer. columns are what a node produces:
 * ids unique in the query, so rules move expressions without renumbering.
 */
#ifndef VONK_CORE_PLAN_PLAN_H
#define VONK_CORE_PLAN_PLAN_H

#include "core/plan/expr.h"
#include "core/plan/record.h"
#include "core/plan/table.h"

typedef enum PlanKind {
#define PLAN(WORD, Struct, prefix, inputs, fields) PLAN_##WORD,
#include "core/plan/plan_nodes.def"
#undef PLAN
    PLAN_KIND_COUNT
} PlanKind;

#define ALL_ROWS INT64_MAX

typedef struct PlanColumn {
    ColumnId id;
    Type type;
    const char *name; /* for people; need not be unique; never NULL */
    bool is_nullable; /* false: never null here                     */
} PlanColumn;

/*
 *            keeps                                            unknown (NULL) condition counts as
 * INNER      pairs that match                                 no match
 * LEFT       pairs, and left rows without match padded        no match
 * FULL       pairs, and both sides' unmatched rows padded     no match
 * SEMI       left rows with a match                           no match
 * ANTI       left rows without one                            no match, but for null_aware
 * MARK       every left row, `mark` TRUE / FALSE / NULL       no match, but for null_aware
 * SINGLE     as LEFT; a second match is error 21000           no match
 * RIGHT_*    (physical only) as LEFT/SEMI/ANTI with the sides' roles exchanged
 *
 * null_aware, for ANTI and MARK, is the comparison of x IN / NOT IN (SELECT y): an expression such
 * as x = y, evaluated on pairs for which `condition` is TRUE. MARK: TRUE if null_aware is TRUE for
 * some pair, else NULL if it is NULL for some, else FALSE. ANTI keeps a left row only when it is
 * FALSE for all its pairs. NULL when there is none: then `condition` alone decides.
 */
typedef enum JoinKind {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_FULL,
    JOIN_SEMI,
    JOIN_ANTI,
    JOIN_MARK,
    JOIN_SINGLE,
    JOIN_RIGHT_OUTER,
    JOIN_RIGHT_SEMI,
    JOIN_RIGHT_ANTI
} JoinKind;

typedef enum SetopKind { SETOP_INTERSECT, SETOP_EXCEPT } SetopKind;

/*
 *            row goes to partition
 * HASH       hash of the key columns modulo partitions: equal keys meet
 * RANGE      by `order`, in ranges that a sample finds: partition 0 has the first
 * DEAL       row by row in turn: partitions of one size
 * MERGE      whole partitions go together, neighbours first: fewer partitions
 * GATHER     0
 * BROADCAST  all
 * KEEP       its own: the rows are kept under keep_id for later jobs (persist, checkpoint); with an
 *            `order`, they are sampled for the ranges of `partitions` partitions
 * PLACE      what the user's partitioner says of its record (columns `keys`)
 * SAMPLE     none: some of the rows are looked at, for the ranges of `partitions` partitions by
 *            `order` (core/rdd/sample_stage.h)
 */
typedef enum ExchangeKind {
    EXCHANGE_HASH,
    EXCHANGE_RANGE,
    EXCHANGE_DEAL,
    EXCHANGE_MERGE,
    EXCHANGE_GATHER,
    EXCHANGE_BROADCAST,
    EXCHANGE_KEEP,
    EXCHANGE_PLACE,
    EXCHANGE_SAMPLE
} ExchangeKind;

/* Who wants the number of an exchange's partitions. */
typedef enum ExchangeWidth {
    EXCHANGE_AS_SAID, /* the user, or the functions that read them: it stays       */
    EXCHANGE_ADVISED  /* nobody: tasks may read several, or a part of one (docs/adr/0011) */
} ExchangeWidth;

/* What of the input's rows an aggregate has seen when its rows come out. */
typedef enum AggregatePart {
    AGGREGATE_WHOLE,
    AGGREGATE_PARTIAL /* some: below an exchange; one key may come out several times */
} AggregatePart;

/* Where an EXCHANGE_KEEP keeps its rows for later jobs: in memory, on the disk, or in memory until
 * that is short and then on the disk. Flags. */
typedef enum KeepLevel {
    KEEP_MEMORY = 1,
    KEEP_DISK = 2,
    KEEP_COMPRESSED = 4,
    KEEP_TWO_REPLICAS = 8, /* at two executors, where there are so many */
    KEEP_DEFAULT = KEEP_MEMORY | KEEP_DISK
} KeepLevel;

typedef enum TableFunctionKind { TABLE_FUNCTION_GENERATE_SERIES } TableFunctionKind;

typedef struct ExprList {
    uint32_t count;
    const Expr *const *items;
} ExprList;

typedef struct ExprRows {
    uint32_t count;
    const ExprList *items; /* each as long as the node has columns */
} ExprRows;

typedef struct ColumnList {
    uint32_t count;
    const ColumnId *ids;
} ColumnList;

typedef struct IndexList {
    uint32_t count;
    const uint32_t *items;
} IndexList;

typedef struct BoolList {
    uint32_t count;
    const bool *items;
} BoolList;

typedef struct NameList {
    uint32_t count;
    const char *const *items;
} NameList;

/* name, value, name, value, ... */
typedef struct OptionList {
    uint32_t count; /* pairs */
    const char *const *items;
} OptionList;

typedef struct SortKey {
    ColumnId column;
    Type type;
    bool is_descending;
    bool nulls_first;
} SortKey;

typedef struct SortKeyList {
    uint32_t count;
    const SortKey *items;
} SortKeyList;

/* A filter made by a join's build side and used by a scan in its probe side: on the join, `column`
 * is the left key's column; on the scan, the column filtered. Matched by id. */
typedef enum RuntimeFilterKind {
    FILTER_KEY,      /* the build side of a hash join has the column's value as its key */
    FILTER_AT_MOST,  /* that of a nested join has a value as large */
    FILTER_AT_LEAST, /* ... or as small */
} RuntimeFilterKind;

typedef struct RuntimeFilter {
    uint32_t id;
    RuntimeFilterKind kind;
    uint32_t key; /* FILTER_KEY: which of the join's keys */
    ColumnId column;
} RuntimeFilter;

typedef struct RuntimeFilterList {
    uint32_t count;
    const RuntimeFilter *items;
} RuntimeFilterList;

struct Plan {
    PlanKind kind;
    uint32_t input_count;
    uint32_t column_count;
    const Plan *const *inputs;
    const PlanColumn *columns;
    double estimated_rows; /* -1: not estimated; no part of equality */
    /* In the plan of one partition: below a UNION, functions are told the partition of the input,
     * which is the union's less this. */
    uint32_t partition_shift;
};

/* The node structs: PlanScan { Plan head; ...fields... } and so on. */
#define FIELD_EXPR(name)    const Expr *name;
#define FIELD_EXPRS(name)   ExprList name;
#define FIELD_COLUMN(name)  ColumnId name;
#define FIELD_COLUMNS(name) ColumnList name;
#define FIELD_INDEXES(name) IndexList name;
#define FIELD_BOOLS(name)   BoolList name;
#define FIELD_KEYS(name)    SortKeyList name;
#define FIELD_I64(name)     int64_t name;
#define FIELD_BOOL(name)    bool name;
#define FIELD_ENUM(name)    int32_t name;
#define FIELD_TEXT(name)    const char *name;
#define FIELD_TABLE(name)   Table *name;
#define FIELD_ROWS(name)    ExprRows name;
#define FIELD_MAPS(name)    const ColumnList *name;
#define FIELD_NAMES(name)   NameList name;
#define FIELD_OPTIONS(name) OptionList name;
#define FIELD_FILTERS(name) RuntimeFilterList name;
#define FIELD_STEPS(name)   CallStepList name;
#define FIELD_COMBINE(name) const CombineSpec *name;
#define FIELD_GROUP(name)   const GroupSpec *name;
#define FIELD_PLACE(name)   UserFunction name;
#define FIELD_LAYOUT(name)  const RecordLayout *name;

#define F(Struct, KIND, name) FIELD_##KIND(name)
#define PLAN(WORD, Struct, prefix, inputs, fields)                                                 \
    typedef struct Struct {                                                                        \
        Plan head;                                                                                 \
        fields                                                                                     \
    } Struct;
#include "core/plan/plan_nodes.def"
#undef PLAN

/* plan_as_scan(p): typed, or NULL when p is another kind (or NULL). */
#define PLAN(WORD, Struct, prefix, inputs, fields)                                                 \
    static inline const Struct *plan_as_##prefix(const Plan *plan)                                 \
    {                                                                                              \
        return plan != NULL && plan->kind == PLAN_##WORD ? (const Struct *)plan : NULL;            \
    }
#include "core/plan/plan_nodes.def"
#undef PLAN

/* Numbers that are unique in one query; one per query, shared by binder and optimizer. */
typedef struct PlanIds {
    ColumnId last_column;
    uint32_t last_shared;
    uint32_t last_filter;
} PlanIds;

static inline ColumnId plan_new_column(PlanIds *ids)
{
    return ++ids->last_column;
}

/* A node's fields by name and place, for loops that walk any node (plan_fields.c). */
typedef enum PlanFieldKind {
    PLAN_FIELD_EXPR,
    PLAN_FIELD_EXPRS,
    PLAN_FIELD_COLUMN,
    PLAN_FIELD_COLUMNS,
    PLAN_FIELD_INDEXES,
    PLAN_FIELD_BOOLS,
    PLAN_FIELD_KEYS,
    PLAN_FIELD_I64,
    PLAN_FIELD_BOOL,
    PLAN_FIELD_ENUM,
    PLAN_FIELD_TEXT,
    PLAN_FIELD_TABLE,
    PLAN_FIELD_ROWS,
    PLAN_FIELD_MAPS,
    PLAN_FIELD_NAMES,
    PLAN_FIELD_OPTIONS,
    PLAN_FIELD_FILTERS,
    PLAN_FIELD_STEPS,
    PLAN_FIELD_COMBINE,
    PLAN_FIELD_GROUP,
    PLAN_FIELD_PLACE,
    PLAN_FIELD_LAYOUT
} PlanFieldKind;

typedef struct PlanField {
    PlanFieldKind kind;
    uint32_t offset;
    const char *name;
} PlanField;

typedef struct PlanKindInfo {
    const char *name; /* "hash_join" */
    size_t bytes;     /* of the node's struct */
    int input_count;  /* -1: any number */
    uint32_t field_count;
    const PlanField *fields;
} PlanKindInfo;

const PlanKindInfo *plan_kind_info(PlanKind kind);

/* A node of that kind with zeroed fields, still to be filled in by its maker; arrays are copied. */
Plan *plan_new(Arena *arena, PlanKind kind, uint32_t input_count, const Plan *const *inputs,
               uint32_t column_count, const PlanColumn *columns);

/* What a join of that kind produces; mark may be NULL. Sets *count_out. */
const PlanColumn *plan_join_columns(Arena *arena, JoinKind kind, const Plan *left,
                                    const Plan *right, const PlanColumn *mark, uint32_t *count_out);

/* --- making nodes of records (plan_build_record.c): as below; specs, layouts and closures are
 * borrowed for as long as the plan lives --- */

/* One more step over the record of columns args; columns: what it makes, one a field. A call on the
 * record of a call becomes one node. */
const Plan *plan_call(Arena *arena, const Plan *input, ColumnList args, const CallStep *step,
                      const PlanColumn *columns);
const Plan *plan_combine(Arena *arena, const Plan *input, ColumnList args, const CombineSpec *spec,
                         bool is_partial, const PlanColumn *columns);
const Plan *plan_group(Arena *arena, const Plan *const *inputs, const ColumnList *args,
                       const GroupSpec *spec, const PlanColumn *columns);
/* partitions: ignored where the kind says how many. */
const Plan *plan_exchange(Arena *arena, ExchangeKind kind, const Plan *input, int64_t partitions,
                          ColumnList keys);
const Plan *plan_exchange_range(Arena *arena, const Plan *input, int64_t partitions,
                                SortKeyList order);
const Plan *plan_exchange_sample(Arena *arena, const Plan *input, int64_t partitions,
                                 SortKeyList order);
const Plan *plan_exchange_keep(Arena *arena, const Plan *input, int64_t keep_id, uint32_t level);
const Plan *plan_exchange_place(Arena *arena, const Plan *input, int64_t partitions,
                                ColumnList keys, const RecordLayout *layout,
                                UserFunction partitioner);

/* One column a field of the layout, with fresh ids. */
const PlanColumn *plan_record_columns(Arena *arena, const RecordLayout *layout, PlanIds *ids);

/* --- making (plan_build.c): nodes live in the arena; arrays given are copied --- */

/* columns[i] is the table's column table_columns[i] under the id given. */
const Plan *plan_scan(Arena *arena, Table *table, const char *alias, uint32_t count,
                      const uint32_t *table_columns, const PlanColumn *columns);
const Plan *plan_values(Arena *arena, uint32_t column_count, const PlanColumn *columns,
                        uint32_t row_count, const ExprList *rows);
const Plan *plan_one_row(Arena *arena);
/* No rows, the same columns as like. */
const Plan *plan_empty(Arena *arena, const Plan *like);
/* input NULL: none */
const Plan *plan_table_function(Arena *arena, const Plan *input, TableFunctionKind function,
                                ExprList args, PlanColumn column);
/* input itself when predicate is NULL or TRUE. */
const Plan *plan_filter(Arena *arena, const Plan *input, const Expr *predicate);
const Plan *plan_project(Arena *arena, const Plan *input, uint32_t count, const Expr *const *exprs,
                         const PlanColumn *columns);
/* A projection to these of the input's columns; input itself when they are all, in order. */
const Plan *plan_select_columns(Arena *arena, const Plan *input, uint32_t count,
                                const ColumnId *ids);
const Plan *plan_join(Arena *arena, JoinKind kind, const Plan *left, const Plan *right,
                      const Expr *condition);
/* mark is a boolean column; null_aware may be NULL. */
const Plan *plan_mark_join(Arena *arena, const Plan *left, const Plan *right, const Expr *condition,
                           const Expr *null_aware, PlanColumn mark);
const Plan *plan_anti_join(Arena *arena, const Plan *left, const Plan *right, const Expr *condition,
                           const Expr *null_aware);
/* agg_columns names the aggregates' results. */
const Plan *plan_aggregate(Arena *arena, const Plan *input, uint32_t key_count,
                           const ColumnId *keys, uint32_t agg_count, const Expr *const *aggs,
                           const PlanColumn *agg_columns);
const Plan *plan_distinct(Arena *arena, const Plan *input); /* an aggregate over all columns */
const Plan *plan_sort(Arena *arena, const Plan *input, uint32_t key_count, const SortKey *keys);
/* The order of the plan's rows, if a sort makes it, as one that is kept. */
const Plan *plan_sort_keep(Arena *arena, const Plan *plan);
const Plan *plan_limit(Arena *arena, const Plan *input, int64_t skip_rows, int64_t fetch_rows);
const Plan *plan_group_limit(Arena *arena, const Plan *input, uint32_t key_count,
                             const ColumnId *keys, SortKeyList order, int64_t skip_rows,
                             int64_t fetch_rows);
/* result takes the place of value. */
const Plan *plan_group_concat(Arena *arena, const Plan *input, uint32_t key_count,
                              const ColumnId *keys, SortKeyList order, ColumnId value,
                              ColumnId delimiter, PlanColumn result);
const Plan *plan_union(Arena *arena, uint32_t input_count, const Plan *const *inputs,
                       const ColumnList *maps, uint32_t column_count, const PlanColumn *columns);
const Plan *plan_setop(Arena *arena, SetopKind kind, bool is_all, const Plan *left,
                       const Plan *right, const ColumnList *maps, uint32_t column_count,
                       const PlanColumn *columns);
const Plan *plan_shared(Arena *arena, const Plan *input, int64_t shared_id, const char *name,
                        bool is_materialized, const ColumnList *map, uint32_t column_count,
                        const PlanColumn *columns);
const Plan *plan_write(Arena *arena, const Plan *input, const char *path, const char *format,
                       NameList names, OptionList options, PlanColumn count_column);

/* The same node over other inputs, output columns recomputed where they follow from the inputs
 * (types and nullability may change, ids that remain may not); the node itself when all inputs
 * are the same pointers. */
const Plan *plan_with_inputs(Arena *arena, const Plan *plan, const Plan *const *inputs);
const Plan *plan_with_input(Arena *arena, const Plan *plan,
                            const Plan *input); /* nodes of one input */
/* A shallow copy with another estimate. */
const Plan *plan_with_rows(Arena *arena, const Plan *plan, double estimated_rows);
/* With another partition_shift; the same pointer when it has that one. */
const Plan *plan_with_shift(Arena *arena, const Plan *plan, uint32_t partition_shift);

/* The maps of a UNION, SETOP or SHARED (one per input); NULL for other kinds. */
const ColumnList *plan_maps(const Plan *plan);

/* --- asking --- */
const PlanColumn *plan_column(const Plan *plan, ColumnId id); /* of its output, or NULL */
int32_t plan_column_index(const Plan *plan, ColumnId id);     /* or -1 */
ColumnSet plan_output(Arena *arena, const Plan *plan);
/* For walks that need look at each input of SHARED nodes, and of the EXCHANGEs that they become,
 * only once, or WITH upon WITH would take time that doubles with each: plan is such a node whose
 * input was met; else notes it. *seen starts as NULL. */
typedef struct PlanSeen PlanSeen;
bool plan_seen(Arena *arena, const Plan *plan, PlanSeen **seen);
/* Columns used in the plan that nothing in it produces: what it is correlated on. */
ColumnSet plan_free_columns(Arena *arena, const Plan *plan);
/* Columns that the node's own expressions use (not its inputs'). */
ColumnSet plan_used_columns(Arena *arena, const Plan *plan);
bool plan_is_empty(const Plan *plan);      /* VALUES of zero rows              */
const char *plan_kind_name(PlanKind kind); /* "Hash Join" */
const char *join_kind_name(JoinKind kind); /* "left", "right semi" */
const char *exchange_kind_name(ExchangeKind kind);

/* Same kinds, fields and columns; estimates and sql offsets ignored. */
bool plan_equal(const Plan *a, const Plan *b);
bool sort_keys_equal(SortKeyList a, SortKeyList b);

/* Calls fn for each expression of the node itself. */
void plan_visit_exprs(const Plan *plan, void (*fn)(void *context, const Expr *expr), void *context);
/* The node with each of its own expressions rewritten by expr_rewrite; itself when none changed. */
const Plan *plan_rewrite_exprs(Arena *arena, const Plan *plan, ExprRewriteFn fn, void *context);
/* What is done to each expression, and to each column's id: one that a map has of that input. */
enum { PLAN_ANY_INPUT = UINT32_MAX };
typedef struct PlanRewriter {
    const Expr *(*expr)(void *context, Arena *arena, const Expr *expr);
    ColumnId (*column)(void *context, ColumnId id, uint32_t input);
    void *context;
} PlanRewriter;
/* A copy of the node over those inputs and with those columns, its fields rewritten. */
const Plan *plan_rewrite_node(Arena *arena, const Plan *plan, const Plan *const *inputs,
                              const PlanColumn *columns, const PlanRewriter *how);
/*
 * The whole tree (subquery plans included) with columns replaced: in expressions by any expression;
 * in keys, maps and the columns that nodes produce only where map->to is a column. Serves to rename
 * a plan's columns and to replace the free columns of a correlated one.
 */
const Plan *plan_substitute(Arena *arena, const Plan *plan, const ColumnMap *map);
/* A copy in which every produced column has a fresh id; map_out (may be NULL) says which became
 * which. */
const Plan *plan_clone(Arena *arena, const Plan *plan, PlanIds *ids, ColumnMap *map_out);

/* The shared_id of a SHARED node that only gives its input other ids. */
enum { PLAN_APART = 0 };
/* A plan of nodes that several read, directly or under other ids (PLAN_APART), becomes one that may
 * be walked as a tree: plan_graph.c. */
const Plan *plan_from_graph(Arena *arena, const Plan *plan, PlanIds *ids);

/* One line a node, two spaces a level, with fields, columns and estimates; lives in the arena. */
const char *plan_print(Arena *arena, const Plan *plan);
/* One node's line without its inputs and without indentation. */
const char *plan_print_node(Arena *arena, const Plan *plan);

/* ST_INTERNAL when a node breaks an invariant: an id used but not produced (unless in
 * allowed_free), a type that does not fit, a column id produced twice, a predicate that is not
 * boolean. */
MUST_CHECK Status plan_check(Arena *arena, const Plan *plan, ColumnSet allowed_free, Error *err);

#endif
