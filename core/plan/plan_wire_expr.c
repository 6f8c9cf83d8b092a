/* plan_wire_expr.c -- bytes become types, values and expressions, each checked; see plan_wire.h */
#include <string.h>

#include "core/base/utf8_check.h"
#include "core/data/calendar.h"
#include "core/plan/plan_wire_internal.h"

/* --- types and values --- */

Type wire_get_type(WireReader *from)
{
    Type type = {.id = wire_get_u8(from)};

    type.precision = wire_get_u8(from);
    type.scale = wire_get_u8(from);
    type.length = (int32_t)wire_get_u32(from);
    if (from->status != ST_OK)
        return type_of(TYPE_NULL);
    if (type.id >= TYPE_ID_COUNT)
        wire_fail(from, "type %u, of %u", type.id, TYPE_ID_COUNT);
    else if (type.id == TYPE_DECIMAL ? type.precision == 0 || type.precision > DECIMAL_DIGITS ||
                                           type.scale > type.precision
                                     : type.precision != 0 || type.scale != 0)
        wire_fail(from, "%s(%u,%u)", type_id_name((TypeId)type.id), type.precision, type.scale);
    else if (type.length < 0 ||
             (type.length > 0 && type.id != TYPE_VARCHAR && type.id != TYPE_CHAR))
        wire_fail(from, "%s(%d)", type_id_name((TypeId)type.id), type.length);
    return from->status == ST_OK ? type : type_of(TYPE_NULL);
}

static Str get_str(WireReader *from, Arena *arena)
{
    uint32_t byte_count;
    const char *bytes = wire_get_blob(from, &byte_count);

    if (bytes == NULL)
        return str_make("", 0);
    if (!utf8_is_valid(bytes, byte_count))
        wire_fail(from, "a text is not UTF-8");
    return str_copy(arena, str_make(bytes, byte_count));
}

/* A numeric that something is compared with may have more digits than its type. */
static void check_range(WireReader *from, const Value *value)
{
    bool is_right = true;

    switch (value->type.id) {
    case TYPE_DATE:
        is_right = value->int32 >= CALENDAR_DAYS_MIN && value->int32 <= CALENDAR_DAYS_MAX;
        break;
    case TYPE_TIMESTAMP:
        is_right = value->int64 >= CALENDAR_MICROS_MIN;
        break;
    default:
        break;
    }
    if (!is_right)
        wire_fail(from, "a constant is out of the range of its type %s",
                  type_id_name((TypeId)value->type.id));
}

Value wire__get_value(WireReader *from, Type type, Arena *arena)
{
    Value value = value_null(type);
    uint64_t low;
    uint32_t bits;

    if (wire_get_bool(from) || from->status != ST_OK)
        return value;
    value.is_null = false;
    switch (type_phys(type)) {
    case PHYS_BOOL:
        value.boolean = wire_get_bool(from);
        break;
    case PHYS_INT16:
        bits = wire_get_u32(from);
        value.int16 = (int16_t)bits;
        if ((uint32_t)(int32_t)value.int16 != bits)
            wire_fail(from, "a smallint is out of range");
        break;
    case PHYS_INT32:
        value.int32 = (int32_t)wire_get_u32(from);
        break;
    case PHYS_INT64:
        value.int64 = (int64_t)wire_get_u64(from);
        break;
    case PHYS_INT128:
        low = wire_get_u64(from);
        value.int128 = (Int128)((UInt128)wire_get_u64(from) << 64 | low);
        break;
    case PHYS_FLOAT32:
        bits = wire_get_u32(from);
        memcpy(&value.float32, &bits, sizeof bits);
        break;
    case PHYS_FLOAT64:
        value.float64 = wire_get_f64(from);
        break;
    case PHYS_STR:
        value.str = get_str(from, arena);
        break;
    case PHYS_INTERVAL:
        value.interval.months = (int32_t)wire_get_u32(from);
        value.interval.days = (int32_t)wire_get_u32(from);
        value.interval.micros = (int64_t)wire_get_u64(from);
        break;
    case PHYS_COUNT:
        break;
    }
    if (from->status == ST_OK)
        check_range(from, &value);
    return value;
}

/* --- what functions demand --- */

bool wire__is_boolean(Type type)
{
    return type.id == TYPE_BOOL || type.id == TYPE_NULL;
}

/* A value of one may stand where one of the other is expected. */
static bool same_layout(Type a, Type b)
{
    return a.id == TYPE_NULL || b.id == TYPE_NULL ||
           (type_phys(a) == type_phys(b) && a.scale == b.scale);
}

static bool args_are_boolean(const Expr *call, uint32_t from, uint32_t step, uint32_t to)
{
    for (uint32_t i = from; i < to; i += step)
        if (!wire__is_boolean(call->args[i]->type))
            return false;
    return true;
}

static bool args_have_layout(const Expr *call, uint32_t from, uint32_t step)
{
    for (uint32_t i = from; i < call->arg_count; i += step)
        if (!same_layout(call->args[i]->type, call->type))
            return false;
    return true;
}

/* condition, value, condition, value, ..., else (which may be missing) */
static bool is_case(const Expr *call)
{
    bool has_else = call->arg_count % 2 == 1;

    return call->arg_count >= 1 && args_are_boolean(call, 0, 2, call->arg_count - has_else) &&
           args_have_layout(call, 1, 2) &&
           (!has_else || same_layout(call->args[call->arg_count - 1]->type, call->type));
}

/* Some overload has as many arguments. Which one it is, and whether there is one of these types, is
 * the kernel builder's to find. */
static bool has_overload(const Expr *call)
{
    for (int op = 0; op < OP_COUNT_; op++)
        if (op_table[op].func == call->func && op_table[op].arg_count == call->arg_count)
            return true;
    return false;
}

/* Forms that only the kernel builder makes: their scales and fields are arguments, which nobody
 * would check. */
static bool is_builders_own(FuncId func)
{
    switch (func) {
    case FUNC_WIDEN:
    case FUNC_SCALE_UP:
    case FUNC_MUL_WIDE:
    case FUNC_MUL_SCALED:
    case FUNC_DIV_SCALED:
    case FUNC_SIGN_SCALED:
    case FUNC_CEIL_SCALED:
    case FUNC_FLOOR_SCALED:
    case FUNC_ROUND_SCALED:
    case FUNC_TRUNC_SCALED:
    case FUNC_EXTRACT_FIELD:
    case FUNC_DATE_PART_FIELD:
    case FUNC_DATE_TRUNC_FIELD:
        return true;
    default:
        return false;
    }
}

static bool call_is_right(const Expr *call)
{
    uint32_t count = call->arg_count;

    switch (call->func) {
    case FUNC_AND:
    case FUNC_OR:
        return args_are_boolean(call, 0, 1, count) && wire__is_boolean(call->type);
    case FUNC_NOT:
    case FUNC_IS_TRUE:
    case FUNC_IS_FALSE:
        return count == 1 && args_are_boolean(call, 0, 1, count) && wire__is_boolean(call->type);
    case FUNC_IS_NULL:
    case FUNC_IS_NOT_NULL:
        return count == 1 && wire__is_boolean(call->type);
    case FUNC_DISTINCT_FROM:
    case FUNC_NOT_DISTINCT_FROM:
        return count == 2 && wire__is_boolean(call->type);
    case FUNC_CASE:
        return is_case(call);
    case FUNC_COALESCE:
        return count >= 1 && args_have_layout(call, 0, 1);
    case FUNC_GREATEST:
    case FUNC_LEAST:
        return count >= 1 && args_have_layout(call, 0, 1);
    case FUNC_NULLIF:
        return count == 2 && same_layout(call->args[0]->type, call->type);
    case FUNC_IN:
        return count >= 1 && wire__is_boolean(call->type);
    case FUNC_CAST:
        return count == 1;
    case FUNC_CONCAT:
        return type_is_text(call->type);
    case FUNC_CONCAT_WS:
        return count >= 1 && type_is_text(call->type);
    case FUNC_EXTRACT:
    case FUNC_DATE_PART:
    case FUNC_DATE_TRUNC:
        return count == 2;
    default:
        return !is_builders_own(call->func) && has_overload(call);
    }
}

/* --- expressions --- */

static void get_args(PlanReader *reader, Expr *expr, WireItemSize *size)
{
    const Expr **args;

    expr->arg_count = wire_get_count(&reader->from, sizeof(uint32_t), "arguments");
    expr->args = args = ARENA_ARRAY(reader->arena, const Expr *, expr->arg_count);
    for (uint32_t i = 0; reader->from.status == ST_OK && i < expr->arg_count; i++)
        args[i] = wire__get_item(reader, WIRE_ITEM_EXPR, size);
}

static void read_const(PlanReader *reader, Expr *expr)
{
    Type type = wire_get_type(&reader->from);

    expr->value = wire__get_value(&reader->from, type, reader->arena);
    if (reader->from.status == ST_OK && !same_layout(type, expr->type))
        wire_fail(&reader->from, "a constant of another type than its expression");
}

static void read_call(PlanReader *reader, Expr *expr, WireItemSize *size)
{
    expr->func = (FuncId)wire_get_below(&reader->from, FUNC_COUNT_, "function");
    get_args(reader, expr, size);
    if (reader->from.status == ST_OK && !call_is_right(expr))
        wire_fail(&reader->from, "%s does not take these %u arguments", func_name(expr->func),
                  expr->arg_count);
}

/* An aggregate without overloads is one that a rule takes apart. */
static bool agg_takes(AggId agg, uint32_t arg_count)
{
    bool has_overload_of_it = false;

    for (uint32_t i = 0; i < agg_op_count; i++) {
        if (agg_op_table[i].agg != agg)
            continue;
        has_overload_of_it = true;
        if (arg_count == (agg_op_table[i].arg != OPTYPE_NONE))
            return true;
    }
    return !has_overload_of_it && arg_count > 0;
}

static bool step_is_right(const Expr *expr)
{
    switch (expr->step) {
    case AGG_WHOLE:
        return true;
    case AGG_TO_STATE:
        return expr->arg_count == 1 && expr->type.id == TYPE_TEXT;
    case AGG_OF_STATES:
        return expr->arg_count == 2 && agg_takes(expr->agg, 1) && expr->filter == NULL &&
               expr->args[0]->type.id == TYPE_TEXT && expr->args[1]->kind == EXPR_CONST;
    }
    return false;
}

static void read_agg(PlanReader *reader, Expr *expr, WireItemSize *size)
{
    WireReader *from = &reader->from;

    expr->agg = (AggId)wire_get_below(from, AGG_COUNT_, "aggregate");
    expr->is_distinct = wire_get_bool(from);
    expr->step = (AggStep)wire_get_u8(from);
    expr->filter = wire__get_optional(reader, WIRE_ITEM_EXPR, size);
    get_args(reader, expr, size);
    if (from->status != ST_OK)
        return;
    if (expr->filter != NULL && !wire__is_boolean(expr->filter->type))
        wire_fail(from, "the filter of %s is not boolean", agg_name(expr->agg));
    if (!step_is_right(expr))
        wire_fail(from, "%s is no half of an aggregate", agg_name(expr->agg));
    else if (expr->step != AGG_OF_STATES && !agg_takes(expr->agg, expr->arg_count))
        wire_fail(from, "%s does not take %u arguments", agg_name(expr->agg), expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_has_agg(expr->args[i]))
            wire_fail(from, "an aggregate within an aggregate");
    if (expr->filter != NULL && expr_has_agg(expr->filter))
        wire_fail(from, "an aggregate within an aggregate");
}

static void read_subquery(PlanReader *reader, Expr *expr, WireItemSize *size)
{
    WireReader *from = &reader->from;
    bool compares;

    expr->subquery = (SubqueryKind)wire_get_u8(from);
    if (expr->subquery > SUBQUERY_ALL)
        wire_fail(from, "subquery of kind %u", expr->subquery);
    expr->func = (FuncId)wire_get_below(from, FUNC_COUNT_, "function");
    expr->plan = wire__get_item(reader, WIRE_ITEM_PLAN, size);
    get_args(reader, expr, size);
    if (from->status != ST_OK)
        return;
    compares = expr->subquery == SUBQUERY_ANY || expr->subquery == SUBQUERY_ALL;
    if ((compares && expr->arg_count != expr->plan->column_count) ||
        (!compares && expr->arg_count != 0) ||
        (expr->subquery == SUBQUERY_SCALAR && expr->plan->column_count != 1))
        wire_fail(from, "a subquery of %u columns beside %u arguments", expr->plan->column_count,
                  expr->arg_count);
}

const Expr *wire__read_expr(PlanReader *reader, WireItemSize *size)
{
    Expr *expr = ARENA_NEW(reader->arena, Expr);
    WireReader *from = &reader->from;
    uint8_t kind = wire_get_u8(from);

    expr->kind = (ExprKind)kind;
    expr->type = wire_get_type(from);
    expr->sql_offset = (int32_t)wire_get_u32(from);
    if (from->status == ST_OK && expr->sql_offset < -1)
        wire_fail(from, "offset %d in the statement", expr->sql_offset);
    switch (expr->kind) {
    case EXPR_COLUMN:
        expr->column = wire_get_u32(from);
        break;
    case EXPR_CONST:
        read_const(reader, expr);
        break;
    case EXPR_CALL:
        read_call(reader, expr, size);
        break;
    case EXPR_AGG:
        read_agg(reader, expr, size);
        break;
    case EXPR_SUBQUERY:
        read_subquery(reader, expr, size);
        break;
    default:
        wire_fail(from, "expression of kind %u", kind);
        break;
    }
    if (from->status == ST_OK && size->depth > PLAN_WIRE_EXPRS_DEEP_MAX)
        wire_fail(from, "expressions more than %u levels deep", PLAN_WIRE_EXPRS_DEEP_MAX);
    return expr;
}
