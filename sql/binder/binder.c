/* binder.c -- the entry point, and how errors get their place */
#include <stdio.h>

#include "core/base/stop_check.h"
#include "sql/binder/binder_internal.h"

Status bind__fail_at(Binder *b, int32_t offset, Status status, const char *sqlstate,
                     const char *format, ...)
{
    char message[ERROR_MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return bind__place_error(b, offset, error_set_state(b->err, status, sqlstate, "%s", message));
}

Status bind__not_supported(Binder *b, int32_t offset, const char *format, ...)
{
    char message[ERROR_MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return bind__place_error(b, offset,
                             error_set(b->err, ST_NOT_SUPPORTED, "not supported: %s", message));
}

Status bind__place_error(Binder *b, int32_t offset, Status status)
{
    if (b->views == NULL)
        error_at(b->err, offset);
    return status;
}

Status bind__enter(Binder *b, int32_t offset)
{
    Status status;

    TRY(stop_check(b->request->cancelled, b->err));
    if (++b->depth <= BINDER_DEPTH_MAX)
        return ST_OK;
    status = bind__fail_at(b, offset, ST_BAD_INPUT, "54001", "stack depth limit exceeded");
    error_hint(b->err, "The statement nests more than %d levels deep.", BINDER_DEPTH_MAX);
    return status;
}

Status bind_select_statement(const BindRequest *request, const AstSelect *select, Error *err,
                             const Plan **plan_out)
{
    Binder b = {
        .request = request,
        .arena = request->arena,
        .ids = request->ids,
        .err = err,
    };

    *plan_out = NULL;
    TRY(bind__query_plan(&b, NULL, select, plan_out));
    TRY(bind__check_long_numbers(&b, *plan_out));
    if (b.shared_count > 0)
        *plan_out = bind__cte_inline_single(&b, *plan_out);
    return arena_check(request->arena, err);
}

Status bind_assignment_cast(const BindRequest *request, const Expr *expr, Type type, Error *err,
                            const Expr **expr_out)
{
    Binder b = {
        .request = request,
        .arena = request->arena,
        .ids = request->ids,
        .err = err,
    };

    *expr_out = expr;
    if (!bind__can_cast(expr->type, type, CAST_ASSIGNMENT))
        return error_set_state(err, ST_BAD_INPUT, "42846", "cannot cast type %s to %s",
                               type_name(request->arena, expr->type),
                               type_name(request->arena, type));
    return bind__coerce(&b, expr, type, expr_out);
}
