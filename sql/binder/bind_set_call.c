/*
 * bind_set_call.c -- set-returning calls in a select list
 *
 *     SELECT id, generate_series(1, n) * 10 FROM t
 *       =>
 *     SELECT id, s * 10 FROM t, LATERAL generate_series(1, n) AS s
 *
 * PostgreSQL runs several such calls of one list side by side, padding the shorter with NULLs: of
 * two, only equal ones are taken.
 */
#include "sql/binder/binder_internal.h"

static bool same_args(ExprList a, ExprList c)
{
    for (uint32_t i = 0; i < a.count && i < c.count; i++)
        if (!expr_equal(a.items[i], c.items[i]))
            return false;
    return a.count == c.count;
}

bool bind__is_set_call(const AstFunc *func)
{
    return strcmp(func->name.name, "generate_series") == 0;
}

Status bind__set_call(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out)
{
    const Expr **args = ARENA_ARRAY(b->arena, const Expr *, func->arg_count);
    const PlanTableFunction *known, *made;
    const Plan *plan;

    if (scope->clause != CLAUSE_SELECT)
        return bind__not_supported(b, func->head.offset,
                                   "set-returning functions outside of FROM and the select list");
    for (uint32_t i = 0; i < func->arg_count; i++)
        TRY(bind__expr(b, scope, func->args[i].expr, &args[i]));
    TRY(bind__series(b, func, args, func->name.name, &plan));
    known = scope->sets == NULL ? NULL : plan_as_table_function(scope->sets);
    made = plan_as_table_function(plan);
    if (scope->sets == NULL) {
        scope->sets = plan;
    } else if (known == NULL || made == NULL || !same_args(known->args, made->args)) {
        bind__not_supported(b, func->head.offset, "several set-returning functions in one list");
        error_hint(b->err,
                   "Join them in FROM: FROM generate_series(...) AS a, generate_series(...) AS b.");
        return ST_NOT_SUPPORTED;
    }
    scope->set_count++;
    *expr_out = bind__expr_at(
        b, expr_column(b->arena, scope->sets->columns[0].id, scope->sets->columns[0].type),
        func->head.offset);
    return ST_OK;
}

Status bind__refuse_sets(Binder *b, const Scope *scope, uint32_t set_count, int32_t offset,
                         const char *where)
{
    if (scope->set_count == set_count)
        return ST_OK;
    return bind__fail_at(b, offset, ST_NOT_SUPPORTED, "0A000",
                         "set-returning functions are not allowed in %s", where);
}

const Plan *bind__plan_sets(Binder *b, const Scope *scope, const Plan *plan)
{
    return scope->sets == NULL ? plan : plan_join(b->arena, JOIN_INNER, plan, scope->sets, NULL);
}
