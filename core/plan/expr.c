/* expr.c -- making and asking expressions; see expr.h */
#include "core/plan/expr.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/equal_pairs.h"

static Expr *new_expr(Arena *arena, ExprKind kind, Type type)
{
    Expr *expr = ARENA_NEW(arena, Expr);

    expr->kind = kind;
    expr->type = type;
    expr->sql_offset = -1;
    return expr;
}

static void set_args(Arena *arena, Expr *expr, uint32_t arg_count, const Expr *const *args)
{
    expr->arg_count = arg_count;
    expr->args = arena_copy(arena, args, arg_count * sizeof *args);
}

const Expr *expr_column(Arena *arena, ColumnId column, Type type)
{
    Expr *expr = new_expr(arena, EXPR_COLUMN, type);

    expr->column = column;
    return expr;
}

const Expr *expr_const(Arena *arena, Value value)
{
    Expr *expr = new_expr(arena, EXPR_CONST, value.type);

    expr->value = value_copy(arena, value);
    return expr;
}

const Expr *expr_true(Arena *arena)
{
    return expr_const(arena, value_bool(true));
}

const Expr *expr_call(Arena *arena, FuncId func, Type type, uint32_t arg_count,
                      const Expr *const *args)
{
    Expr *expr = new_expr(arena, EXPR_CALL, type);

    expr->func = func;
    set_args(arena, expr, arg_count, args);
    return expr;
}

const Expr *expr_call1(Arena *arena, FuncId func, Type type, const Expr *a)
{
    return expr_call(arena, func, type, 1, &a);
}

const Expr *expr_call2(Arena *arena, FuncId func, Type type, const Expr *a, const Expr *b)
{
    return expr_call(arena, func, type, 2, (const Expr *[]){a, b});
}

const Expr *expr_cast(Arena *arena, const Expr *expr, Type type)
{
    Expr *cast;

    if (type_equal(expr->type, type))
        return expr;
    cast = new_expr(arena, EXPR_CALL, type);
    cast->func = FUNC_CAST;
    cast->sql_offset = expr->sql_offset;
    set_args(arena, cast, 1, &expr);
    return cast;
}

const Expr *expr_agg(Arena *arena, AggId agg, Type type, uint32_t arg_count,
                     const Expr *const *args, bool is_distinct, const Expr *filter)
{
    Expr *expr = new_expr(arena, EXPR_AGG, type);

    expr->agg = agg;
    expr->is_distinct = is_distinct;
    expr->filter = filter;
    set_args(arena, expr, arg_count, args);
    return expr;
}

const Expr *expr_agg_to_state(Arena *arena, const Expr *agg)
{
    Expr *half = arena_copy(arena, agg, sizeof *half);

    half->step = AGG_TO_STATE;
    half->type = type_of(TYPE_TEXT);
    return half;
}

const Expr *expr_agg_of_states(Arena *arena, const Expr *agg, const Expr *states)
{
    const Expr *args[] = {states, expr_const(arena, value_null(agg->args[0]->type))};
    Expr *half = arena_copy(arena, agg, sizeof *half);

    half->step = AGG_OF_STATES;
    half->filter = NULL;
    set_args(arena, half, 2, args);
    return half;
}

const Expr *expr_subquery(Arena *arena, SubqueryKind kind, Type type, FuncId comparison,
                          const Plan *plan, uint32_t arg_count, const Expr *const *args)
{
    Expr *expr = new_expr(arena, EXPR_SUBQUERY, type);

    expr->subquery = kind;
    expr->func = comparison;
    expr->plan = plan;
    set_args(arena, expr, arg_count, args);
    return expr;
}

const Expr *expr_with_args(Arena *arena, const Expr *expr, const Expr *const *args)
{
    Expr *copy;

    if (expr->arg_count == 0 || memcmp(args, expr->args, expr->arg_count * sizeof *args) == 0)
        return expr;
    copy = arena_copy(arena, expr, sizeof *expr);
    set_args(arena, copy, expr->arg_count, args);
    return copy;
}

/* --- conjunctions --- */

static uint32_t count_and_parts(const Expr *predicate)
{
    uint32_t count = 0;

    if (expr_is_true(predicate))
        return 0;
    if (predicate->kind != EXPR_CALL || predicate->func != FUNC_AND)
        return 1;
    for (uint32_t i = 0; i < predicate->arg_count; i++)
        count += count_and_parts(predicate->args[i]);
    return count;
}

static uint32_t fill_and_parts(const Expr *predicate, const Expr **parts)
{
    uint32_t count = 0;

    if (expr_is_true(predicate))
        return 0;
    if (predicate->kind != EXPR_CALL || predicate->func != FUNC_AND) {
        parts[0] = predicate;
        return 1;
    }
    for (uint32_t i = 0; i < predicate->arg_count; i++)
        count += fill_and_parts(predicate->args[i], parts + count);
    return count;
}

uint32_t expr_split_and(Arena *arena, const Expr *predicate, const Expr *const **parts_out)
{
    uint32_t count = count_and_parts(predicate);
    const Expr **parts = ARENA_ARRAY(arena, const Expr *, count);

    fill_and_parts(predicate, parts);
    *parts_out = parts;
    return count;
}

const Expr *expr_join_and(Arena *arena, uint32_t count, const Expr *const *parts)
{
    if (count == 0)
        return NULL;
    if (count == 1)
        return parts[0];
    return expr_call(arena, FUNC_AND, type_of(TYPE_BOOL), count, parts);
}

const Expr *expr_and(Arena *arena, const Expr *a, const Expr *b)
{
    const Expr *const *a_parts, *const *b_parts;
    uint32_t a_count = expr_split_and(arena, a, &a_parts);
    uint32_t b_count = expr_split_and(arena, b, &b_parts);
    const Expr **all = ARENA_ARRAY(arena, const Expr *, a_count + b_count);

    if (a_count > 0)
        memcpy(all, a_parts, a_count * sizeof *all);
    if (b_count > 0)
        memcpy(all + a_count, b_parts, b_count * sizeof *all);
    return expr_join_and(arena, a_count + b_count, all);
}

/* --- asking --- */

static bool args_equal(const Expr *a, const Expr *b, EqualPairs *pairs)
{
    if (a->arg_count != b->arg_count)
        return false;
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (!expr__equal(a->args[i], b->args[i], pairs))
            return false;
    return true;
}

bool expr__equal(const Expr *a, const Expr *b, EqualPairs *pairs)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind || !type_equal(a->type, b->type))
        return false;
    switch (a->kind) {
    case EXPR_COLUMN:
        return a->column == b->column;
    case EXPR_CONST:
        return value_identical(&a->value, &b->value);
    case EXPR_CALL:
        return a->func == b->func && args_equal(a, b, pairs);
    case EXPR_AGG:
        return a->agg == b->agg && a->is_distinct == b->is_distinct && a->step == b->step &&
               expr__equal(a->filter, b->filter, pairs) && args_equal(a, b, pairs);
    case EXPR_SUBQUERY:
        return a->subquery == b->subquery && a->func == b->func && args_equal(a, b, pairs) &&
               plan__equal(a->plan, b->plan, pairs);
    }
    UNREACHABLE("expression kind");
}

bool expr_equal(const Expr *a, const Expr *b)
{
    return expr__equal(a, b, NULL);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

uint64_t expr_hash(const Expr *expr)
{
    uint64_t hash = 0;

    if (expr == NULL)
        return 0;
    hash = mix(expr->kind, expr->type.id);
    switch (expr->kind) {
    case EXPR_COLUMN:
        return mix(hash, expr->column);
    case EXPR_CONST:
        return mix(hash, value_hash(&expr->value));
    case EXPR_CALL:
        hash = mix(hash, expr->func);
        break;
    case EXPR_AGG:
        hash = mix(mix(hash, expr->agg), expr_hash(expr->filter) + expr->is_distinct);
        hash = mix(hash, expr->step);
        break;
    case EXPR_SUBQUERY:
        hash = mix(hash, expr->subquery);
        break;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        hash = mix(hash, expr_hash(expr->args[i]));
    return hash;
}

bool expr_is_const(const Expr *expr)
{
    return expr != NULL && expr->kind == EXPR_CONST;
}

bool expr_is_true(const Expr *expr)
{
    return expr == NULL || (expr->kind == EXPR_CONST && expr->type.id == TYPE_BOOL &&
                            !expr->value.is_null && expr->value.boolean);
}

bool expr_is_false_or_null(const Expr *expr)
{
    return expr != NULL && expr->kind == EXPR_CONST &&
           (expr->value.is_null || (expr->type.id == TYPE_BOOL && !expr->value.boolean));
}

void expr_visit(const Expr *expr, bool (*fn)(void *context, const Expr *expr), void *context)
{
    if (expr == NULL || !fn(context, expr))
        return;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        expr_visit(expr->args[i], fn, context);
    expr_visit(expr->filter, fn, context);
}

/* Whether some part of expr satisfies test. */
static bool any_part(const Expr *expr, bool (*test)(const Expr *part))
{
    if (expr == NULL)
        return false;
    if (test(expr))
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (any_part(expr->args[i], test))
            return true;
    return any_part(expr->filter, test);
}

static bool is_subquery(const Expr *expr)
{
    return expr->kind == EXPR_SUBQUERY;
}

static bool is_agg(const Expr *expr)
{
    return expr->kind == EXPR_AGG;
}

static bool is_volatile_call(const Expr *expr)
{
    return expr->kind == EXPR_CALL && (func_properties(expr->func) & FUNC_VOLATILE) != 0;
}

/* A cast may fail unless it widens; LAZY functions never do by themselves. */
static bool cast_may_fail(const Expr *cast)
{
    Type from = cast->args[0]->type, to = cast->type;

    if (from.id == TYPE_NULL)
        return false;
    if (type_is_integer(from) && type_is_integer(to))
        return to.id < from.id;
    if (type_is_text(to))
        return false;
    if (type_is_float(to))
        return !type_is_number(from) || (from.id == TYPE_FLOAT8 && to.id == TYPE_FLOAT4);
    if (from.id == TYPE_DATE && to.id == TYPE_TIMESTAMP)
        return false;
    if (to.id == TYPE_DECIMAL && from.id == TYPE_DECIMAL)
        return to.scale < from.scale || to.precision - to.scale < from.precision - from.scale;
    if (to.id == TYPE_DECIMAL && type_is_integer(from)) {
        int digits = from.id == TYPE_INT2 ? 5 : from.id == TYPE_INT4 ? 10 : 19;

        return to.precision - to.scale < digits;
    }
    return true;
}

static bool call_may_fail(const Expr *expr)
{
    OpType args[OP_ARGS_MAX];
    const Op *op;

    if (expr->kind == EXPR_SUBQUERY)
        return true;
    if (expr->kind != EXPR_CALL)
        return false;
    if (expr->func == FUNC_CAST)
        return cast_may_fail(expr);
    if (func_properties(expr->func) & FUNC_LAZY)
        return false;
    if (expr->arg_count > OP_ARGS_MAX)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = optype_of(expr->args[i]->type);
    op = op_find(expr->func, expr->arg_count, args);
    return op == NULL || op->may_fail;
}

bool expr_has_subquery(const Expr *expr)
{
    return any_part(expr, is_subquery);
}

bool expr_has_agg(const Expr *expr)
{
    return any_part(expr, is_agg);
}

bool expr_is_volatile(const Expr *expr)
{
    return any_part(expr, is_volatile_call);
}

bool expr_may_fail(const Expr *expr)
{
    return any_part(expr, call_may_fail);
}

/* --- rewriting --- */

const Expr *expr_rewrite(Arena *arena, const Expr *expr, ExprRewriteFn fn, void *context)
{
    const Expr *rewritten = expr;
    const Expr *filter;

    if (expr == NULL)
        return NULL;
    if (expr->arg_count > 0) {
        const Expr **args = ARENA_ARRAY(arena, const Expr *, expr->arg_count);

        for (uint32_t i = 0; i < expr->arg_count; i++)
            args[i] = expr_rewrite(arena, expr->args[i], fn, context);
        rewritten = expr_with_args(arena, expr, args);
    }
    filter = expr_rewrite(arena, expr->filter, fn, context);
    if (filter != expr->filter) {
        Expr *copy = arena_copy(arena, rewritten, sizeof *rewritten);

        copy->filter = filter;
        rewritten = copy;
    }
    return fn(context, rewritten);
}

typedef struct Substitution {
    Arena *arena;
    const ColumnMap *map;
} Substitution;

static const Expr *substitute_one(void *context, const Expr *expr)
{
    const Substitution *substitution = context;

    if (expr->kind == EXPR_COLUMN) {
        for (uint32_t i = 0; i < substitution->map->count; i++)
            if (substitution->map->from[i] == expr->column)
                return substitution->map->to[i];
        return expr;
    }
    if (expr->kind == EXPR_SUBQUERY) {
        const Plan *plan = plan_substitute(substitution->arena, expr->plan, substitution->map);
        Expr *copy;

        if (plan == expr->plan)
            return expr;
        copy = arena_copy(substitution->arena, expr, sizeof *expr);
        copy->plan = plan;
        return copy;
    }
    return expr;
}

const Expr *expr_substitute(Arena *arena, const Expr *expr, const ColumnMap *map)
{
    Substitution substitution = {arena, map};

    return map->count == 0 ? expr : expr_rewrite(arena, expr, substitute_one, &substitution);
}
