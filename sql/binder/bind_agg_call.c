/*
 * bind_agg_call.c -- a call of an aggregate: whose it is, and what it becomes
 *
 * An aggregate belongs to the innermost SELECT whose columns its arguments use (its own when they
 * use none): sum(outer.a) in a subquery is the outer query's. It is noted in that scope and stands
 * for a column from then on, so that the subquery sees a column of the outer query.
 */
#include "sql/binder/binder_internal.h"

typedef struct AggWord {
    const char *word;
    AggId agg;
} AggWord;

static const AggWord agg_words[] = {
    {"every", AGG_BOOL_AND}, {"stddev", AGG_STDDEV_SAMP}, {"variance", AGG_VAR_SAMP}};

/* Aggregates of PostgreSQL that Vonk does not have. */
static const char *const other_aggs[] = {"array_agg",
                                         "json_agg",
                                         "jsonb_agg",
                                         "json_object_agg",
                                         "jsonb_object_agg",
                                         "xmlagg",
                                         "mode",
                                         "percentile_cont",
                                         "percentile_disc",
                                         "range_agg",
                                         "range_intersect_agg",
                                         "grouping",
                                         "any_value"};

static bool find_agg(const char *name, AggId *agg_out)
{
    for (uint32_t i = 0; i < sizeof agg_words / sizeof *agg_words; i++)
        if (strcmp(agg_words[i].word, name) == 0) {
            *agg_out = agg_words[i].agg;
            return true;
        }
    for (uint32_t agg = 0; agg < AGG_COUNT_; agg++)
        if (agg != AGG_FIRST && strcmp(agg_name((AggId)agg), name) == 0) {
            *agg_out = (AggId)agg;
            return true;
        }
    return false;
}

static bool is_other_agg(const char *name)
{
    for (uint32_t i = 0; i < sizeof other_aggs / sizeof *other_aggs; i++)
        if (strcmp(other_aggs[i], name) == 0)
            return true;
    return false;
}

bool bind__is_agg_name(const char *name)
{
    AggId agg;

    return find_agg(name, &agg) || is_other_agg(name);
}

/* --- whose aggregate --- */

static ColumnSet used_columns(Binder *b, uint32_t arg_count, const Expr *const *args,
                              const Expr *filter)
{
    ColumnSet all = {0, NULL};

    for (uint32_t i = 0; i < arg_count; i++)
        all = column_set_union(b->arena, all, expr_columns(b->arena, args[i]));
    if (filter != NULL)
        all = column_set_union(b->arena, all, expr_columns(b->arena, filter));
    return all;
}

/* The innermost scope that makes one of the columns; scope itself when none does. */
static Scope *owning_scope(Scope *scope, ColumnSet columns)
{
    for (Scope *level = scope; level != NULL; level = level->outer)
        for (uint32_t i = 0; i < columns.count; i++)
            if (scope__is_agg(level, columns.ids[i]) ||
                scope__range_column(level, columns.ids[i], NULL) != NULL)
                return level;
    return scope;
}

static const char *refusing_clause(Clause clause)
{
    switch (clause) {
    case CLAUSE_WHERE:
        return "WHERE";
    case CLAUSE_GROUP_BY:
        return "GROUP BY";
    case CLAUSE_LIMIT:
        return "LIMIT";
    case CLAUSE_OFFSET:
        return "OFFSET";
    case CLAUSE_JOIN_ON:
    case CLAUSE_JOIN_USING:
        return "JOIN conditions";
    case CLAUSE_VALUES:
        return "VALUES";
    case CLAUSE_FROM_FUNCTION:
        return "functions in FROM";
    case CLAUSE_FILTER:
        return "FILTER";
    case CLAUSE_FROM:
        return "FROM clause of their own query level";
    default:
        return NULL;
    }
}

static Status check_place(Binder *b, const Scope *owner, ColumnSet columns, uint32_t arg_count,
                          const Expr *const *args, int32_t offset)
{
    const char *clause = refusing_clause(owner->clause);
    for (uint32_t i = 0; i < columns.count; i++) {
        if (!scope__is_agg(owner, columns.ids[i]))
            continue;
        for (uint32_t j = 0; j < arg_count; j++) {
            int32_t nested = bind__expr_find_column(args[j], columns.ids[i]);

            offset = nested >= 0 ? nested : offset;
        }
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42803",
                             "aggregate function calls cannot be nested");
    }
    if (clause != NULL)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42803",
                             "aggregate functions are not allowed in %s", clause);
    return ST_OK;
}

/* The scope's column for the aggregate: an equal one is computed once. */
static const Expr *note_agg(Binder *b, Scope *owner, const Expr *agg, const char *name)
{
    for (uint32_t i = 0; i < owner->agg_count; i++)
        if (expr_equal(owner->aggs[i].expr, agg))
            return expr_column(b->arena, owner->aggs[i].id, agg->type);
    if (owner->agg_count == owner->agg_capacity) {
        uint32_t capacity = owner->agg_capacity == 0 ? 8 : owner->agg_capacity * 2;
        ScopeAgg *aggs = ARENA_ARRAY(b->arena, ScopeAgg, capacity);

        if (owner->agg_count > 0)
            memcpy(aggs, owner->aggs, owner->agg_count * sizeof *aggs);
        owner->aggs = aggs;
        owner->agg_capacity = capacity;
    }
    owner->aggs[owner->agg_count] =
        (ScopeAgg){.expr = agg, .id = plan_new_column(b->ids), .name = name};
    return expr_column(b->arena, owner->aggs[owner->agg_count++].id, agg->type);
}

/* --- its overload --- */

static Status no_such_agg(Binder *b, const AstFunc *func, uint32_t arg_count,
                          const Expr *const *args, ResolveResult result)
{
    StrBuf types = {.arena = b->arena};
    bool is_ambiguous = result == RESOLVE_AMBIGUOUS;
    Status status;

    for (uint32_t i = 0; i < arg_count; i++)
        strbuf_printf(&types, "%s%s", i > 0 ? ", " : "", bind__type_message_name(args[i]->type));
    status =
        is_ambiguous
            ? bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42725",
                            "function %s(%s) is not unique", func->name.name, strbuf_text(&types))
            : bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42883",
                            "function %s(%s) does not exist", func->name.name, strbuf_text(&types));
    error_hint(b->err, is_ambiguous ? "Could not choose a best candidate function. You might need "
                                      "to add explicit type casts."
                                    : "No function matches the given name and argument types. You "
                                      "might need to add explicit type casts.");
    return status;
}

/* Brings the argument to the overload's type. */
static Status cast_agg_arg(Binder *b, AggId agg, TypeId wanted, const Expr **arg)
{
    TypeId given = (TypeId)(*arg)->type.id;

    if (wanted == (TypeId)TYPE_ID_COUNT || (wanted == TYPE_TEXT && given == TYPE_CHAR))
        return bind__coerce_unknown_to_text(b, *arg, arg);
    if (wanted == TYPE_DECIMAL && !bind__is_unknown(*arg)) {
        Type type = bind__decimal_type_of(*arg);

        /* an overload may have 128-bit words only */
        if (agg_op_find(agg, optype_of(type)) == NULL)
            type = type_decimal(DECIMAL_DIGITS, type.scale);
        return bind__coerce(b, *arg, type, arg);
    }
    return bind__coerce(b, *arg, type_of(wanted), arg);
}

/* The variance family of integers is computed as numeric, not as the preferred double precision. */
static Status widen_integers(Binder *b, AggId agg, const Expr **arg)
{
    bool is_variance = agg == AGG_VAR_POP || agg == AGG_VAR_SAMP || agg == AGG_STDDEV_POP ||
                       agg == AGG_STDDEV_SAMP;

    if (!is_variance || !type_is_integer((*arg)->type))
        return ST_OK;
    return bind__coerce(b, *arg, type_decimal(DECIMAL_DIGITS, 0), arg);
}

static Type agg_result_type(AggId agg, const Expr *arg)
{
    const AggOp *op = agg_op_find(agg, optype_of(arg->type));

    CHECK(op != NULL);
    if (op->result == OPTYPE_ANY || (op->result == OPTYPE_TEXT && type_is_text(arg->type)))
        return arg->type;
    return bind__decimal_agg_type(agg, op->result, bind__decimal_type_of(arg));
}

static bool is_of_pairs(AggId agg)
{
    return agg >= AGG_CORR && agg <= AGG_REGR_SYY;
}

/* Whether all arguments, two of them, can be of that type without being asked. */
static bool are_two_of(TypeId type, uint32_t arg_count, const Expr *const *args)
{
    if (arg_count != 2)
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (!bind__is_unknown(args[i]) &&
            !bind__can_cast(args[i]->type, type_of(type), CAST_IMPLICIT))
            return false;
    return true;
}

/* (y, x) as one argument. */
static Status make_pair(Binder *b, const AstFunc *func, uint32_t *arg_count, const Expr **args)
{
    if (!are_two_of(TYPE_FLOAT8, *arg_count, args))
        return no_such_agg(b, func, *arg_count, args, RESOLVE_NO_MATCH);
    for (uint32_t i = 0; i < 2; i++)
        TRY(bind__coerce(b, args[i], type_of(TYPE_FLOAT8), &args[i]));
    args[0] =
        expr_call2(b->arena, FUNC_FLOAT_PAIR, type_decimal(DECIMAL_DIGITS, 0), args[0], args[1]);
    *arg_count = 1;
    return ST_OK;
}

/* string_agg(value, delimiter ORDER BY key, ...): see aggregates.def. */
static Status make_string_agg(Binder *b, const AstFunc *func, uint32_t arg_count,
                              const Expr *const *args, const Expr *const *keys, const Expr *filter,
                              const Expr **expr_out)
{
    uint32_t key_count = func->order_by.count;
    const Expr **all = ARENA_ARRAY(b->arena, const Expr *, key_count + 3);
    char *letters = arena_alloc(b->arena, key_count + 1);
    Type text = type_of(TYPE_TEXT);

    if (!are_two_of(TYPE_TEXT, arg_count, args))
        return no_such_agg(b, func, arg_count, args, RESOLVE_NO_MATCH);
    for (uint32_t i = 0; i < 2; i++)
        TRY(bind__coerce(b, args[i], text, &all[i]));
    for (uint32_t i = 0; i < key_count; i++) {
        const AstSortKey *key = &func->order_by.items[i];
        bool nulls_first = key->has_nulls ? key->nulls_first : key->is_descending;

        letters[i] = (char)((key->is_descending ? 'd' : 'a') - (nulls_first ? 'a' - 'A' : 0));
        all[3 + i] = keys[i];
    }
    letters[key_count] = '\0';
    all[2] = expr_const(b->arena, value_text(b->arena, letters));
    *expr_out = bind__expr_at(
        b, expr_agg(b->arena, AGG_STRING_AGG, text, key_count + 3, all, func->is_distinct, filter),
        func->head.offset);
    return ST_OK;
}

static Status make_agg(Binder *b, const AstFunc *func, AggId agg, uint32_t arg_count,
                       const Expr **args, const Expr *filter, const Expr **expr_out)
{
    Type type = type_of(TYPE_INT8);
    ResolveResult result;
    TypeId wanted;

    if (agg != AGG_COUNT_STAR) {
        if (is_of_pairs(agg))
            TRY(make_pair(b, func, &arg_count, args));
        if (arg_count == 1)
            TRY(widen_integers(b, agg, &args[0]));
        result = bind__resolve_aggregate(agg, arg_count, args, &wanted);
        if (result != RESOLVE_OK)
            return no_such_agg(b, func, arg_count, args, result);
        TRY(cast_agg_arg(b, agg, wanted, &args[0]));
        type = agg_result_type(agg, args[0]);
    }
    *expr_out =
        bind__expr_at(b, expr_agg(b->arena, agg, type, arg_count, args, func->is_distinct, filter),
                      func->head.offset);
    return ST_OK;
}

/* --- the call --- */

static Status check_agg_call(Binder *b, const AstFunc *func)
{
    int32_t offset = func->head.offset;

    if (func->over != NULL)
        return bind__not_supported(b, offset, "window functions");
    if (is_other_agg(func->name.name))
        return bind__not_supported(b, offset, "aggregate function %s", func->name.name);
    if (func->is_within_group)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42809",
                             "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP",
                             func->name.name);
    if (func->is_variadic)
        return bind__not_supported(b, offset, "VARIADIC");
    if (func->arg_count == 0 && !func->is_star)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42809",
                             "%s(*) must be used to call a parameterless aggregate function",
                             func->name.name);
    return ST_OK;
}

/* ORDER BY inside the call: only string_agg depends on it, but it must be right. */
static Status bind_agg_order(Binder *b, Scope *scope, const AstFunc *func, const Expr *arg,
                             const Expr **keys)
{
    for (uint32_t i = 0; i < func->order_by.count; i++) {
        TRY(bind__expr_known(b, scope, func->order_by.items[i].expr, &keys[i]));
        if (func->order_by.items[i].using_operator != NULL)
            return bind__not_supported(b, func->order_by.items[i].offset, "ORDER BY ... USING");
        if (func->is_distinct && !expr_equal(keys[i], arg))
            return bind__fail_at(
                b, func->order_by.items[i].expr->offset, ST_BAD_INPUT, "42P10",
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in "
                "argument list");
    }
    return ST_OK;
}

static Status bind_agg_args(Binder *b, Scope *scope, const AstFunc *func, const Expr **args,
                            const Expr **keys, const Expr **filter)
{
    Clause clause = scope->clause;

    for (uint32_t i = 0; i < func->arg_count; i++) {
        if (func->args[i].name != NULL)
            return bind__not_supported(b, func->args[i].offset, "named arguments");
        TRY(bind__expr(b, scope, func->args[i].expr, &args[i]));
    }
    TRY(bind_agg_order(b, scope, func, func->arg_count > 0 ? args[0] : NULL, keys));
    *filter = NULL;
    if (func->filter == NULL)
        return ST_OK;
    scope->clause = CLAUSE_FILTER;
    TRY(bind__condition(b, scope, func->filter, "FILTER", filter));
    scope->clause = clause;
    return ST_OK;
}

Status bind__agg_call(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out)
{
    const Expr **args = ARENA_ARRAY(b->arena, const Expr *, func->arg_count);
    const Expr **keys = ARENA_ARRAY(b->arena, const Expr *, func->order_by.count);
    const Expr *filter, *agg_expr = NULL;
    uint32_t set_count = scope->set_count;
    ColumnSet columns;
    Scope *owner;
    AggId agg;

    TRY(check_agg_call(b, func));
    if (!find_agg(func->name.name, &agg))
        return bind__not_supported(b, func->head.offset, "aggregate function %s", func->name.name);
    if (func->is_star && agg == AGG_COUNT)
        agg = AGG_COUNT_STAR;
    else if (func->is_star)
        return no_such_agg(b, func, 0, NULL, RESOLVE_NO_MATCH);
    TRY(bind_agg_args(b, scope, func, args, keys, &filter));
    TRY(bind__refuse_sets(b, scope, set_count, func->head.offset, "aggregate function calls"));
    columns = column_set_union(b->arena, used_columns(b, func->arg_count, args, filter),
                               used_columns(b, func->order_by.count, keys, NULL));
    owner = owning_scope(scope, columns);
    TRY(check_place(b, owner, columns, func->arg_count, args, func->head.offset));
    if (agg == AGG_STRING_AGG)
        TRY(make_string_agg(b, func, func->arg_count, args, keys, filter, &agg_expr));
    else
        TRY(make_agg(b, func, agg, func->arg_count, args, filter, &agg_expr));
    *expr_out = bind__expr_at(b, note_agg(b, owner, agg_expr, func->name.name), func->head.offset);
    return ST_OK;
}
