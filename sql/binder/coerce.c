/*
 * coerce.c -- casts between types, literals of unknown type, common types
 *
 * can_cast follows pg_cast: numbers widen by themselves, text comes from anything by assignment,
 * anything is read from text only when it is asked for.
 */
#include <strings.h>

#include "core/base/stop_check.h"
#include "core/data/calendar.h"
#include "core/data/value_text.h"
#include "sql/binder/binder_internal.h"

#define MICROS_A_DAY INT64_C(86400000000)

bool bind__is_unknown(const Expr *expr)
{
    return expr->kind == EXPR_CONST && expr->type.id == TYPE_NULL;
}

bool bind__is_unknown_text(const Expr *expr)
{
    return bind__is_unknown(expr) && !expr->value.is_null;
}

const char *bind__type_message_name(Type type)
{
    return type_id_name((TypeId)type.id);
}

/* --- which casts there are --- */

/* int2 < int4 < int8 < numeric < float4 < float8: TypeId's order. */
static bool number_cast(Type from, Type to, CastContext context)
{
    return to.id > from.id || context >= CAST_ASSIGNMENT;
}

bool bind__can_cast(Type from, Type to, CastContext context)
{
    if (from.id == to.id || from.id == TYPE_NULL)
        return true;
    if (type_is_number(from) && type_is_number(to))
        return number_cast(from, to, context);
    if (type_is_text(to))
        return type_is_text(from) || context >= CAST_ASSIGNMENT;
    if (type_is_text(from))
        return context == CAST_EXPLICIT;
    if (from.id == TYPE_DATE && to.id == TYPE_TIMESTAMP)
        return true;
    if (from.id == TYPE_TIMESTAMP && to.id == TYPE_DATE)
        return context >= CAST_ASSIGNMENT;
    if ((from.id == TYPE_BOOL && to.id == TYPE_INT4) ||
        (from.id == TYPE_INT4 && to.id == TYPE_BOOL))
        return context == CAST_EXPLICIT;
    return false;
}

/* --- casting --- */

static bool is_unconstrained(Type type)
{
    return type.id == TYPE_DECIMAL && type.precision == 0;
}

static const Expr *typed_null(Binder *b, Type type, int32_t offset)
{
    if (is_unconstrained(type))
        type = type_decimal(DECIMAL64_DIGITS, 0);
    return bind__expr_at(b, expr_const(b->arena, value_null(type)), offset);
}

static const Expr *literal_as_text(Binder *b, const Expr *literal, Type type)
{
    Value value = literal->value;

    value.type = type;
    return bind__expr_at(b, expr_const(b->arena, value), literal->sql_offset);
}

/* 'now' and its kin mean the statement's time, as date or timestamp. */
static bool read_time_word(Binder *b, const char *word, Type type, Value *value_out)
{
    static const struct {
        const char *word;
        int32_t days; /* from today */
    } words[] = {{"today", 0}, {"tomorrow", 1}, {"yesterday", -1}, {"now", 0}};
    int64_t now = b->request->now_micros, day = calendar_day_of_micros(now);

    if (type.id != TYPE_DATE && type.id != TYPE_TIMESTAMP)
        return false;
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(words[i].word, word) != 0)
            continue;
        *value_out = value_null(type);
        value_out->is_null = false;
        if (type.id == TYPE_DATE)
            value_out->int32 = (int32_t)(day + words[i].days);
        else
            value_out->int64 =
                strcmp(words[i].word, "now") == 0 ? now : (day + words[i].days) * MICROS_A_DAY;
        return true;
    }
    return false;
}

/* An explicit cast cuts text off where an implicit one complains: varchar(n) is asked to cast. */
static Status cut_text(Binder *b, const Expr *text, Type type, const Expr **expr_out)
{
    const Expr *cast = expr_cast(b->arena, text, type);
    Value value;

    TRY(bind__place_error(b, text->sql_offset,
                          b->request->eval_const(b->arena, cast, b->err, &value)));
    *expr_out = bind__expr_at(b, expr_const(b->arena, value), text->sql_offset);
    return ST_OK;
}

/* A string literal read as a value of the type. */
static Status read_literal(Binder *b, const Expr *literal, Type type, const Expr **expr_out)
{
    const Str *text = &literal->value.str;
    Value value;

    if (type_is_text(type) && type.length == 0 && type.id != TYPE_CHAR) {
        *expr_out = literal_as_text(b, literal, type);
        return ST_OK;
    }
    if (type_is_text(type))
        return cut_text(b, literal_as_text(b, literal, type_of(TYPE_TEXT)), type, expr_out);
    if (is_unconstrained(type))
        type = bind__decimal_of_cast(literal);
    if (!read_time_word(b, arena_strndup(b->arena, str_bytes(text), text->length), type, &value))
        TRY(bind__place_error(b, literal->sql_offset,
                              value_parse(type, str_bytes(text), text->length, b->err, &value)));
    *expr_out = bind__expr_at(b, expr_const(b->arena, value), literal->sql_offset);
    return ST_OK;
}

/* A cast of a constant is done at once, unless it fails: it may be one that is never reached. */
static const Expr *fold_cast(Binder *b, const Expr *cast)
{
    Value value;

    if (cast->kind != EXPR_CALL || cast->func != FUNC_CAST || cast->args[0]->kind != EXPR_CONST)
        return cast;
    if (cast->args[0]->value.is_null)
        return typed_null(b, cast->type, cast->sql_offset);
    if (b->request->eval_const(b->arena, cast, NULL, &value) != ST_OK)
        return cast;
    return bind__expr_at(b, expr_const(b->arena, value), cast->sql_offset);
}

Status bind__coerce(Binder *b, const Expr *expr, Type type, const Expr **expr_out)
{
    TRY(stop_check(b->request->cancelled, b->err)); /* folding a long list's casts takes a while */
    if (bind__is_unknown(expr)) {
        if (bind__is_unknown_text(expr))
            return read_literal(b, expr, type, expr_out);
        *expr_out = typed_null(b, type, expr->sql_offset);
        return ST_OK;
    }
    if (bind__is_long_number(expr))
        return type_is_float(type) ? read_literal(b, expr, type, expr_out)
                                   : bind__refuse_long_number(b, expr);
    if (is_unconstrained(type))
        type = bind__decimal_of_cast(expr);
    *expr_out = fold_cast(b, expr_cast(b->arena, expr, type));
    return ST_OK;
}

Status bind__cast_explicitly(Binder *b, const Expr *expr, Type type, int32_t offset,
                             const Expr **expr_out)
{
    if (!bind__can_cast(expr->type, type, CAST_EXPLICIT))
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42846", "cannot cast type %s to %s",
                             bind__type_message_name(expr->type), bind__type_message_name(type));
    return bind__coerce(b, expr, type, expr_out);
}

Status bind__coerce_unknown_to_text(Binder *b, const Expr *expr, const Expr **expr_out)
{
    *expr_out = expr;
    return bind__is_unknown(expr) ? bind__coerce(b, expr, type_of(TYPE_TEXT), expr_out) : ST_OK;
}

Status bind__coerce_to_bool(Binder *b, const Expr *expr, const char *construct,
                            const Expr **expr_out)
{
    if (expr->type.id != TYPE_BOOL && !bind__is_unknown(expr))
        return bind__fail_at(b, bind__expr_start(expr), ST_BAD_INPUT, "42804",
                             "argument of %s must be type boolean, not type %s", construct,
                             bind__type_message_name(expr->type));
    return bind__coerce(b, expr, type_of(TYPE_BOOL), expr_out);
}

/* --- common types --- */

/* The type's own kind, before numeric digits and text lengths are looked at. */
static bool choose_common_id(uint32_t count, const Expr *const *exprs, Type *type,
                             const Expr **misfit)
{
    *type = type_of(TYPE_NULL);
    for (uint32_t i = 0; i < count; i++) {
        Type next = exprs[i]->type;
        bool is_preferred = type->id == TYPE_FLOAT8 || type->id == TYPE_TEXT;

        if (bind__is_unknown(exprs[i]) || next.id == type->id)
            continue;
        if (type->id == TYPE_NULL) {
            *type = next;
            continue;
        }
        if (type_category(*type) != type_category(next)) {
            *misfit = exprs[i];
            return false;
        }
        if (!is_preferred && bind__can_cast(*type, next, CAST_IMPLICIT) &&
            !bind__can_cast(next, *type, CAST_IMPLICIT))
            *type = next;
    }
    return true;
}

/* Digits enough for all numerics; a length only when all texts have it: a literal has none. */
static Type widen_common(Type type, uint32_t count, const Expr *const *exprs)
{
    bool is_first = true;

    for (uint32_t i = 0; i < count; i++) {
        if (bind__is_unknown(exprs[i]) &&
            !(type.id == TYPE_DECIMAL && bind__is_unknown_text(exprs[i]))) {
            if (type_is_text(type)) {
                type.length = 0;
                is_first = false;
            }
            continue;
        }
        if (type.id == TYPE_DECIMAL) {
            Type own = bind__is_unknown(exprs[i]) ? bind__decimal_of_cast(exprs[i])
                                                  : bind__decimal_type_of(exprs[i]);

            type = is_first ? own : bind__decimal_common(type, own);
        } else if (type_is_text(type)) {
            bool is_same = exprs[i]->type.id == type.id;
            int32_t length = is_same ? exprs[i]->type.length : 0;

            type.length = is_first || type.length == length ? length : 0;
        }
        is_first = false;
    }
    return type;
}

bool bind__find_common_type(uint32_t count, const Expr *const *exprs, Type *type_out)
{
    const Expr *misfit;

    if (!choose_common_id(count, exprs, type_out, &misfit))
        return false;
    if (type_out->id == TYPE_NULL)
        *type_out = type_of(TYPE_TEXT);
    *type_out = widen_common(*type_out, count, exprs);
    for (uint32_t i = 0; i < count; i++)
        if (!bind__is_unknown(exprs[i]) &&
            !bind__can_cast(exprs[i]->type, *type_out, CAST_IMPLICIT))
            return false;
    return true;
}

Status bind__common_type(Binder *b, const char *construct, uint32_t count, const Expr *const *exprs,
                         Type *type_out)
{
    const Expr *misfit = NULL;

    if (!choose_common_id(count, exprs, type_out, &misfit))
        return bind__fail_at(b, bind__expr_start(misfit), ST_BAD_INPUT, "42804",
                             "%s types %s and %s cannot be matched", construct,
                             bind__type_message_name(*type_out),
                             bind__type_message_name(misfit->type));
    if (type_out->id == TYPE_NULL)
        *type_out = type_of(TYPE_TEXT);
    *type_out = widen_common(*type_out, count, exprs);
    for (uint32_t i = 0; i < count; i++)
        if (!bind__is_unknown(exprs[i]) &&
            !bind__can_cast(exprs[i]->type, *type_out, CAST_IMPLICIT))
            return bind__fail_at(b, bind__expr_start(exprs[i]), ST_BAD_INPUT, "42846",
                                 "%s could not convert type %s to %s", construct,
                                 bind__type_message_name(exprs[i]->type),
                                 bind__type_message_name(*type_out));
    return ST_OK;
}

Status bind__coerce_all_common(Binder *b, const char *construct, uint32_t count, const Expr **exprs,
                               Type *type_out)
{
    TRY(bind__common_type(b, construct, count, exprs, type_out));
    for (uint32_t i = 0; i < count; i++)
        TRY(bind__coerce(b, exprs[i], *type_out, &exprs[i]));
    return ST_OK;
}

/* --- nullability --- */

/* Functions that return no NULL for arguments without one. */
static bool keeps_not_null(FuncId func)
{
    switch (func) {
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_NOT:
    case FUNC_CAST:
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
    case FUNC_DIV:
    case FUNC_MOD:
    case FUNC_NEG:
    case FUNC_LIKE:
    case FUNC_ILIKE:
    case FUNC_CONCAT_OP:
    case FUNC_SUBSTRING:
    case FUNC_EXTRACT:
    case FUNC_IN:
        return true;
    default:
        return false;
    }
}

static bool call_is_nullable(const Plan *plan, const Expr *call)
{
    bool any_nullable = false, all_nullable = true;

    switch (call->func) {
    case FUNC_IS_NULL:
    case FUNC_IS_NOT_NULL:
    case FUNC_IS_TRUE:
    case FUNC_IS_FALSE:
    case FUNC_DISTINCT_FROM:
    case FUNC_NOT_DISTINCT_FROM:
        return false;
    default:
        break;
    }
    for (uint32_t i = 0; i < call->arg_count; i++) {
        bool is_condition = call->func == FUNC_CASE && i % 2 == 0 && i + 1 < call->arg_count;
        bool is_nullable = !is_condition && bind__expr_is_nullable(plan, call->args[i]);

        any_nullable |= is_nullable;
        all_nullable &= is_nullable;
    }
    if (call->func == FUNC_COALESCE || call->func == FUNC_GREATEST || call->func == FUNC_LEAST)
        return all_nullable;
    if (call->func == FUNC_CASE || keeps_not_null(call->func))
        return any_nullable;
    return true;
}

bool bind__expr_is_nullable(const Plan *plan, const Expr *expr)
{
    const PlanColumn *column;

    switch (expr->kind) {
    case EXPR_CONST:
        return expr->value.is_null;
    case EXPR_COLUMN:
        column = plan_column(plan, expr->column);
        return column == NULL || column->is_nullable;
    case EXPR_CALL:
        return call_is_nullable(plan, expr);
    case EXPR_SUBQUERY:
        return expr->subquery != SUBQUERY_EXISTS;
    default:
        return true;
    }
}
