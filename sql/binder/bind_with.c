/*
 * bind_with.c -- WITH queries
 *
 * Each is bound once, where it is defined. Every reference becomes a Shared node with columns of
 * its own; when the whole statement is bound, those that stayed alone are replaced by the query
 * itself (bind__cte_inline_single), MATERIALIZED or not: the rows are the same. A query that uses
 * columns of an outer query cannot be computed once: each reference gets a copy of it, as with
 * NOT MATERIALIZED.
 */
#include "sql/binder/binder_internal.h"

/* --- defining --- */

static Status name_cte_columns(Binder *b, Cte *cte, const AstCte *ast)
{
    RangeColumn *columns = bind__range_columns_of_plan(b, cte->plan);

    if (ast->columns.count > cte->plan->column_count)
        return bind__fail_at(b, ast->offset, ST_BAD_INPUT, "42P10",
                             "WITH query \"%s\" has %u columns available but %u columns specified",
                             ast->name, cte->plan->column_count, ast->columns.count);
    for (uint32_t i = 0; i < ast->columns.count; i++)
        columns[i].name = ast->columns.items[i];
    cte->column_count = cte->plan->column_count;
    cte->columns = columns;
    return ST_OK;
}

static Status check_cte(Binder *b, const AstWith *with, uint32_t index)
{
    const AstCte *ast = &with->ctes[index];

    if (ast->select == NULL)
        return bind__not_supported(b, ast->offset, "%s in WITH", ast->other);
    if (ast->has_search_or_cycle)
        return bind__not_supported(b, ast->offset, "SEARCH and CYCLE");
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(with->ctes[i].name, ast->name) == 0)
            return bind__fail_at(b, ast->offset, ST_BAD_INPUT, "42712",
                                 "WITH query name \"%s\" specified more than once", ast->name);
    return ST_OK;
}

static Cte *push_cte(Binder *b, Scope *scope, const char *name)
{
    Cte *cte = ARENA_NEW(b->arena, Cte);

    *cte = (Cte){.outer = scope->ctes, .name = name};
    scope->ctes = cte;
    return cte;
}

static Status define_cte(Binder *b, Scope *scope, const AstCte *ast, Cte *cte)
{
    const Plan *plan;

    TRY(bind__query_plan(b, scope, ast->select, &plan));
    cte->plan = plan;
    cte->is_copied =
        ast->materialize == AST_MATERIALIZE_NEVER || plan_free_columns(b->arena, plan).count > 0;
    if (!cte->is_copied)
        cte->shared_id = ++b->ids->last_shared;
    cte->is_materialized = ast->materialize == AST_MATERIALIZE_ALWAYS;
    return name_cte_columns(b, cte, ast);
}

/* All names stand in the scope from the start: WITH RECURSIVE sees them, so that recursion is
 * refused where it happens; else they only tell of a forward reference. */
Status bind__with(Binder *b, Scope *scope, const AstWith *with)
{
    Cte **ctes = ARENA_ARRAY(b->arena, Cte *, with->cte_count);

    for (uint32_t i = 0; i < with->cte_count; i++) {
        TRY(check_cte(b, with, i));
        ctes[i] = push_cte(b, scope, with->ctes[i].name);
        ctes[i]->is_future = !with->is_recursive;
    }
    for (uint32_t i = 0; i < with->cte_count; i++) {
        TRY(define_cte(b, scope, &with->ctes[i], ctes[i]));
        ctes[i]->is_future = false;
    }
    return ST_OK;
}

/* --- referring --- */

/* The first reference takes the plan itself, the others copies. */
static const Plan *copy_reference(Binder *b, Cte *cte, RangeColumn *columns)
{
    const Plan *plan = cte->plan;

    if (cte->was_used) {
        plan = plan_clone(b->arena, plan, b->ids, NULL);
        for (uint32_t i = 0; i < cte->column_count; i++)
            columns[i].id = plan->columns[i].id;
    }
    cte->was_used = true;
    return plan;
}

Status bind__cte_reference(Binder *b, Cte *cte, int32_t offset, const Plan **plan_out,
                           RangeColumn **columns_out)
{
    uint32_t count = cte->column_count;
    RangeColumn *columns = arena_copy(b->arena, cte->columns, count * sizeof *columns);
    PlanColumn *produced;
    ColumnId *ids = ARENA_ARRAY(b->arena, ColumnId, count);

    *columns_out = columns;
    if (cte->plan == NULL)
        return bind__not_supported(b, offset, "recursive WITH queries");
    if (cte->is_copied) {
        *plan_out = copy_reference(b, cte, columns);
        return ST_OK;
    }
    produced = arena_copy(b->arena, cte->plan->columns, count * sizeof *produced);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = produced[i].id;
        produced[i].id = columns[i].id = plan_new_column(b->ids);
        produced[i].name = columns[i].name;
    }
    b->shared_count++;
    *plan_out = plan_shared(b->arena, cte->plan, cte->shared_id, cte->name, cte->is_materialized,
                            &(ColumnList){count, ids}, count, produced);
    return ST_OK;
}

/* --- inlining what is read once --- */

typedef struct Inliner {
    Binder *b;
    uint32_t *uses;       /* of each shared_id */
    const Plan **inlined; /* its input, once that has been gone through */
} Inliner;

static void count_uses(Inliner *inliner, const Plan *plan);

static bool count_in_subquery(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_SUBQUERY)
        count_uses(context, expr->plan);
    return true;
}

static void count_in_expr(void *context, const Expr *expr)
{
    expr_visit(expr, count_in_subquery, context);
}

static void count_uses(Inliner *inliner, const Plan *plan)
{
    if (plan->kind == PLAN_SHARED && inliner->uses[((const PlanShared *)plan)->shared_id]++ > 0)
        return;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count_uses(inliner, plan->inputs[i]);
    plan_visit_exprs(plan, count_in_expr, inliner);
}

static const Plan *inline_plan(Inliner *inliner, const Plan *plan);

static const Expr *inline_subquery(void *context, const Expr *expr)
{
    Inliner *inliner = context;
    const Plan *plan;
    Expr *copy;

    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    plan = inline_plan(inliner, expr->plan);
    if (plan == expr->plan)
        return expr;
    copy = arena_copy(inliner->b->arena, expr, sizeof *expr);
    copy->plan = plan;
    return copy;
}

/* plan's columns under the names of like's, whose ids they have. */
static const Plan *with_names_of(Arena *arena, const Plan *plan, const Plan *like)
{
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, like->column_count);
    bool are_same = true;

    for (uint32_t i = 0; i < like->column_count; i++) {
        const PlanColumn *column = &like->columns[i];

        exprs[i] = expr_column(arena, column->id, column->type);
        are_same &= strcmp(plan_column(plan, column->id)->name, column->name) == 0;
    }
    return are_same ? plan : plan_project(arena, plan, like->column_count, exprs, like->columns);
}

/* The query itself, its columns renamed to those of the reference. */
static const Plan *replace_shared(Inliner *inliner, const PlanShared *shared, const Plan *input)
{
    Arena *arena = inliner->b->arena;
    uint32_t count = shared->head.column_count;
    const Expr **to = ARENA_ARRAY(arena, const Expr *, count);
    ColumnMap map = {count, shared->maps[0].ids, to};

    for (uint32_t i = 0; i < count; i++)
        to[i] = expr_column(arena, shared->head.columns[i].id, shared->head.columns[i].type);
    return with_names_of(arena, plan_substitute(arena, input, &map), &shared->head);
}

static const Plan *inline_shared(Inliner *inliner, const PlanShared *shared)
{
    int64_t id = shared->shared_id;

    if (inliner->inlined[id] == NULL)
        inliner->inlined[id] = inline_plan(inliner, shared->head.inputs[0]);
    if (inliner->uses[id] == 1)
        return replace_shared(inliner, shared, inliner->inlined[id]);
    return plan_with_input(inliner->b->arena, &shared->head, inliner->inlined[id]);
}

static const Plan *inline_plan(Inliner *inliner, const Plan *plan)
{
    const Plan **inputs;

    if (plan->kind == PLAN_SHARED)
        return inline_shared(inliner, (const PlanShared *)plan);
    inputs = ARENA_ARRAY(inliner->b->arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = inline_plan(inliner, plan->inputs[i]);
    plan = plan_with_inputs(inliner->b->arena, plan, inputs);
    return plan_rewrite_exprs(inliner->b->arena, plan, inline_subquery, inliner);
}

const Plan *bind__cte_inline_single(Binder *b, const Plan *plan)
{
    size_t count = (size_t)b->ids->last_shared + 1;
    Inliner inliner = {.b = b};

    inliner.uses = ARENA_ARRAY(b->arena, uint32_t, count);
    inliner.inlined = ARENA_ARRAY(b->arena, const Plan *, count);
    count_uses(&inliner, plan);
    return inline_plan(&inliner, plan);
}
