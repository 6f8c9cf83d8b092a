/*
 * bind_setop.c -- VALUES, and UNION, INTERSECT, EXCEPT
 *
 * Chains of UNION are one node with many inputs. Column by column both sides get one type, as
 * PostgreSQL does it: pair after pair from the left, literals of unknown type following the other
 * side.
 */
#include "sql/binder/binder_internal.h"

/* --- VALUES --- */

static Status bind_value_rows(Binder *b, Scope *scope, const AstSelect *select,
                              const Expr ***rows_out)
{
    uint32_t width = select->rows[0].count;

    *rows_out = ARENA_ARRAY(b->arena, const Expr *, (size_t)select->row_count *width);
    scope->clause = CLAUSE_VALUES;
    for (uint32_t i = 0; i < select->row_count; i++) {
        AstExprs row = select->rows[i];

        if (row.count != width)
            return bind__fail_at(b, row.count > 0 ? row.items[0]->offset : select->offset,
                                 ST_BAD_INPUT, "42601", "VALUES lists must all be the same length");
        for (uint32_t j = 0; j < width; j++)
            TRY(bind__expr(b, scope, row.items[j], &(*rows_out)[(size_t)i * width + j]));
    }
    return ST_OK;
}

/* One type down each column. */
static Status unify_value_columns(Binder *b, uint32_t row_count, uint32_t width, const Expr **cells,
                                  PlanColumn *columns)
{
    const Expr **column = ARENA_ARRAY(b->arena, const Expr *, row_count);

    for (uint32_t j = 0; j < width; j++) {
        bool is_nullable = false;

        for (uint32_t i = 0; i < row_count; i++)
            column[i] = cells[(size_t)i * width + j];
        TRY(bind__coerce_all_common(b, "VALUES", row_count, column, &columns[j].type));
        for (uint32_t i = 0; i < row_count; i++) {
            cells[(size_t)i * width + j] = column[i];
            is_nullable |= column[i]->kind != EXPR_CONST || column[i]->value.is_null;
        }
        columns[j].id = plan_new_column(b->ids);
        columns[j].name = arena_printf(b->arena, "column%u", j + 1);
        columns[j].is_nullable = is_nullable;
    }
    return ST_OK;
}

static bool is_plain_row(Binder *b, uint32_t width, const Expr *const *row)
{
    for (uint32_t j = 0; j < width; j++)
        if (row[j]->kind != EXPR_CONST &&
            (expr_has_subquery(row[j]) || expr_columns(b->arena, row[j]).count > 0))
            return false;
    return true;
}

/* Rows with outer columns or subqueries: a union of one-row projections. */
static const Plan *union_of_rows(Binder *b, uint32_t row_count, uint32_t width,
                                 const Expr *const *cells, const PlanColumn *columns)
{
    const Plan **inputs = ARENA_ARRAY(b->arena, const Plan *, row_count);
    ColumnList *maps = ARENA_ARRAY(b->arena, ColumnList, row_count);

    for (uint32_t i = 0; i < row_count; i++) {
        PlanColumn *own = arena_copy(b->arena, columns, width * sizeof *columns);
        ColumnId *ids = ARENA_ARRAY(b->arena, ColumnId, width);

        for (uint32_t j = 0; j < width; j++)
            ids[j] = own[j].id = plan_new_column(b->ids);
        inputs[i] =
            plan_project(b->arena, plan_one_row(b->arena), width, cells + (size_t)i * width, own);
        maps[i] = (ColumnList){width, ids};
    }
    return plan_union(b->arena, row_count, inputs, maps, width, columns);
}

static const Plan *plan_rows(Binder *b, uint32_t row_count, uint32_t width,
                             const Expr *const *cells, const PlanColumn *columns)
{
    ExprList *rows = ARENA_ARRAY(b->arena, ExprList, row_count);

    for (uint32_t i = 0; i < row_count; i++) {
        rows[i] = (ExprList){width, cells + (size_t)i * width};
        if (!is_plain_row(b, width, rows[i].items))
            return union_of_rows(b, row_count, width, cells, columns);
    }
    return plan_values(b->arena, width, columns, row_count, rows);
}

/* The plan's columns as outputs. */
static void open_columns(Binder *b, const Plan *plan, Query *query)
{
    *query = (Query){.plan = plan, .count = plan->column_count};
    query->outputs = ARENA_ARRAY(b->arena, Output, plan->column_count);
    for (uint32_t i = 0; i < plan->column_count; i++)
        query->outputs[i] =
            (Output){.expr = expr_column(b->arena, plan->columns[i].id, plan->columns[i].type),
                     .name = plan->columns[i].name,
                     .offset = -1};
}

Status bind__values(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    uint32_t width = select->rows[0].count;
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, width);
    const Expr **cells;

    TRY(bind_value_rows(b, scope, select, &cells));
    TRY(unify_value_columns(b, select->row_count, width, cells, columns));
    open_columns(b, plan_rows(b, select->row_count, width, cells, columns), query_out);
    return ST_OK;
}

/* --- set operations --- */

/* The left side so far: a union of queries that are still open at the top. */
typedef struct Branches {
    uint32_t count, capacity;
    Query *queries;
    bool is_distinct; /* duplicates are to be removed in the end */
} Branches;

static void add_branch(Binder *b, Branches *branches, const Query *query)
{
    if (branches->count == branches->capacity) {
        uint32_t capacity = branches->capacity == 0 ? 4 : branches->capacity * 2;
        Query *queries = ARENA_ARRAY(b->arena, Query, capacity);

        if (branches->count > 0)
            memcpy(queries, branches->queries, branches->count * sizeof *queries);
        branches->queries = queries;
        branches->capacity = capacity;
    }
    branches->queries[branches->count++] = *query;
}

static const char *setop_name(AstSetopKind setop)
{
    static const char *const names[] = {[AST_SETOP_UNION] = "UNION",
                                        [AST_SETOP_INTERSECT] = "INTERSECT",
                                        [AST_SETOP_EXCEPT] = "EXCEPT"};

    return names[setop];
}

/* Gives column j of all branches and of the right side their common type. */
static Status unify_column(Binder *b, const Branches *branches, Query *right, uint32_t j,
                           const char *name)
{
    const Expr *pair[2] = {branches->queries[0].outputs[j].expr, right->outputs[j].expr};
    Type type;

    TRY(bind__common_type(b, name, 2, pair, &type));
    for (uint32_t i = 0; i < branches->count; i++)
        TRY(bind__coerce(b, branches->queries[i].outputs[j].expr, type,
                         &branches->queries[i].outputs[j].expr));
    return bind__coerce(b, right->outputs[j].expr, type, &right->outputs[j].expr);
}

static Status unify_sides(Binder *b, const Branches *branches, Query *right,
                          const AstSelect *select)
{
    const char *name = setop_name(select->setop);

    if (branches->queries[0].count != right->count)
        return bind__fail_at(
            b, right->count > 0 ? bind__expr_start(right->outputs[0].expr) : select->right->offset,
            ST_BAD_INPUT, "42601", "each %s query must have the same number of columns", name);
    for (uint32_t j = 0; j < right->count; j++)
        TRY(unify_column(b, branches, right, j, name));
    return ST_OK;
}

/* Closes the queries; columns are new ones under the first query's names. */
static Status close_inputs(Binder *b, uint32_t count, Query *queries, const Plan **plans,
                           ColumnList *maps, PlanColumn *columns)
{
    for (uint32_t i = 0; i < count; i++) {
        ColumnId *ids = ARENA_ARRAY(b->arena, ColumnId, queries[i].count);

        TRY(bind__query_close(b, &queries[i], &plans[i]));
        for (uint32_t j = 0; j < queries[i].count; j++) {
            ids[j] = plans[i]->columns[j].id;
            columns[j].is_nullable |= plans[i]->columns[j].is_nullable;
        }
        maps[i] = (ColumnList){queries[i].count, ids};
    }
    for (uint32_t j = 0; j < queries[0].count; j++) {
        columns[j].id = plan_new_column(b->ids);
        columns[j].type = plans[0]->columns[j].type;
        columns[j].name = queries[0].outputs[j].name;
    }
    return ST_OK;
}

/* The branches as one plan. */
static Status close_branches(Binder *b, Branches *branches, Query *query_out)
{
    uint32_t width = branches->queries[0].count;
    const Plan **plans = ARENA_ARRAY(b->arena, const Plan *, branches->count);
    ColumnList *maps = ARENA_ARRAY(b->arena, ColumnList, branches->count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, width);
    const Plan *plan;

    if (branches->count == 1 && !branches->is_distinct) {
        *query_out = branches->queries[0];
        return ST_OK;
    }
    TRY(close_inputs(b, branches->count, branches->queries, plans, maps, columns));
    plan = plan_union(b->arena, branches->count, plans, maps, width, columns);
    if (branches->is_distinct)
        plan = plan_distinct(b->arena, plan);
    open_columns(b, plan, query_out);
    return ST_OK;
}

/* INTERSECT and EXCEPT: the left side becomes one plan, then the two of them. */
static Status combine_two(Binder *b, Branches *branches, Query *right, const AstSelect *select)
{
    SetopKind kind = select->setop == AST_SETOP_INTERSECT ? SETOP_INTERSECT : SETOP_EXCEPT;
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, right->count);
    const Plan *plans[2];
    ColumnList maps[2];
    Query both[2];

    TRY(close_branches(b, branches, &both[0]));
    both[1] = *right;
    TRY(close_inputs(b, 2, both, plans, maps, columns));
    open_columns(b,
                 plan_setop(b->arena, kind, select->setop_all, plans[0], plans[1], maps,
                            right->count, columns),
                 &branches->queries[0]);
    branches->count = 1;
    branches->is_distinct = false;
    return ST_OK;
}

static Status add_side(Binder *b, Branches *branches, Query *right, const AstSelect *select)
{
    TRY(unify_sides(b, branches, right, select));
    if (select->setop != AST_SETOP_UNION)
        return combine_two(b, branches, right, select);
    if (select->setop_all && branches->is_distinct) {
        TRY(close_branches(b, branches, &branches->queries[0]));
        branches->count = 1;
        branches->is_distinct = false;
    }
    add_branch(b, branches, right);
    branches->is_distinct |= !select->setop_all;
    return ST_OK;
}

/* A set operation without clauses of its own: part of the chain around it. */
static bool is_plain_setop(const AstSelect *select)
{
    return select->kind == AST_SELECT_SETOP && select->with == NULL &&
           select->order_by.count == 0 && select->limit == NULL && select->limit_offset == NULL &&
           select->locking == NULL && !select->limit_with_ties;
}

static Status bind_chain(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    Branches branches = {0};
    const AstSelect **chain;
    const AstSelect *leftmost = select->left;
    uint32_t count = 1;
    Query query;

    for (; is_plain_setop(leftmost); leftmost = leftmost->left)
        count++;
    chain = ARENA_ARRAY(b->arena, const AstSelect *, count);
    chain[0] = select;
    for (uint32_t i = 1; i < count; i++)
        chain[i] = chain[i - 1]->left;
    TRY(bind__query(b, scope, leftmost, &query));
    add_branch(b, &branches, &query);
    for (uint32_t i = count; i > 0; i--) {
        TRY(bind__query(b, scope, chain[i - 1]->right, &query));
        TRY(add_side(b, &branches, &query, chain[i - 1]));
    }
    return close_branches(b, &branches, query_out);
}

/* --- ORDER BY over a set operation: result columns only --- */

static Status check_setop_order(Binder *b, const Targets *targets, const Tail *tail)
{
    for (uint32_t i = 0; i < tail->key_count; i++)
        if (tail->keys[i].output >= targets->visible_count) {
            Status status = bind__fail_at(b, tail->keys[i].offset, ST_NOT_SUPPORTED, "0A000",
                                          "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");

            error_detail(b->err,
                         "Only result column names can be used, not expressions or functions.");
            error_hint(b->err, "Add the expression/function to every SELECT, or move the UNION "
                               "into a FROM clause.");
            return status;
        }
    return ST_OK;
}

Status bind__setop(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    Tail tail = {.key_count = select->order_by.count};
    AstFrom from = {.kind = AST_FROM_SUBQUERY, .offset = select->offset};
    Targets targets = {0};
    const Plan *plan;

    TRY(bind_chain(b, scope, select, query_out));
    if (is_plain_setop(select))
        return ST_OK;
    TRY(bind__query_close(b, query_out, &plan));
    open_columns(b, plan, query_out);
    scope->visible = (VisibleList){0, 0, NULL};
    TRY(bind__add_range(b, scope, &from, NULL, NULL, plan->column_count,
                        bind__range_columns_of_plan(b, plan), &scope->visible));
    for (uint32_t i = 0; i < query_out->count; i++)
        bind__targets_add(b, &targets, query_out->outputs[i]);
    targets.visible_count = targets.count;
    TRY(bind__order_by(b, scope, &targets, select->order_by, &tail.keys));
    TRY(check_setop_order(b, &targets, &tail));
    TRY(bind__limit(b, scope, select, &tail.limit));
    return bind__plan_tail(b, plan, &targets, &tail, query_out);
}
