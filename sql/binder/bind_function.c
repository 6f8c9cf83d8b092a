/* bind_function.c -- function calls by name, and functions that are constants of the statement */
#include "sql/binder/binder_internal.h"

enum { FUNCS_OF_A_NAME_MAX = 8 };

#define MICROS_A_DAY INT64_C(86400000000)

/* Other names of functions that functions.def has. */
static const struct {
    const char *word;
    FuncId func;
} function_aliases[] = {
#define ALIAS(name, word) {name, FUNC_##word},
#include "core/plan/functions.def"
};

static const char *const window_functions[] = {
    "row_number", "rank", "dense_rank",  "percent_rank", "cume_dist", "ntile",
    "lag",        "lead", "first_value", "last_value",   "nth_value"};

static const char *const set_functions[] = {"generate_subscripts", "unnest", "string_to_table"};

static const char *const pattern_functions[] = {
    "regexp_match",  "regexp_matches",        "regexp_replace",
    "regexp_like",   "regexp_count",          "regexp_instr",
    "regexp_substr", "regexp_split_to_table", "regexp_split_to_array"};

/* Functions of PostgreSQL that are not to be had. */
static const char *const other_functions[] = {
#define OTHER(name) #name,
#include "sql/binder/other_functions.def"
#undef OTHER
};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

#define IS_ONE_OF(name, names) is_one_of((name), (names), sizeof(names) / sizeof *(names))

/* --- what a call may not have --- */

static Status not_an_aggregate(Binder *b, const AstFunc *func, const char *what)
{
    return bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42809",
                         "%s specified, but %s is not an aggregate function", what,
                         func->name.name);
}

static Status check_plain_call(Binder *b, const AstFunc *func)
{
    const char *name = func->name.name;

    if (func->over != NULL || func->is_within_group)
        return bind__not_supported(b, func->head.offset,
                                   func->over != NULL ? "window functions"
                                                      : "ordered-set aggregates");
    if (IS_ONE_OF(name, window_functions))
        return bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42809",
                             "window function %s requires an OVER clause", name);
    if (strcmp(name, "timezone") == 0)
        return bind__not_supported(b, func->head.offset, "AT TIME ZONE");
    if (IS_ONE_OF(name, pattern_functions))
        return bind__not_supported(b, func->head.offset, "regular expressions");
    if (IS_ONE_OF(name, set_functions))
        return bind__not_supported(b, func->head.offset, "%s", name);
    if (func->is_star)
        return not_an_aggregate(b, func, arena_printf(b->arena, "%s(*)", name));
    if (func->is_distinct)
        return not_an_aggregate(b, func, "DISTINCT");
    if (func->order_by.count > 0)
        return not_an_aggregate(b, func, "ORDER BY");
    if (func->filter != NULL)
        return not_an_aggregate(b, func, "FILTER");
    if (func->is_variadic)
        return bind__not_supported(b, func->head.offset, "VARIADIC");
    for (uint32_t i = 0; i < func->arg_count; i++)
        if (func->args[i].name != NULL && strcmp(name, "make_interval") != 0)
            return bind__not_supported(b, func->args[i].offset, "named arguments");
    return ST_OK;
}

/* --- constants of the statement --- */

static int64_t floor_days(int64_t micros)
{
    return micros / MICROS_A_DAY - (micros % MICROS_A_DAY < 0);
}

/* now(), current_date, ..., pi(): true when the name is one. */
static Status bind_statement_constant(Binder *b, const AstFunc *func, bool *is_one_out,
                                      const Expr **expr_out)
{
    static const char *const stamps[] = {"now",
                                         "current_timestamp",
                                         "localtimestamp",
                                         "transaction_timestamp",
                                         "statement_timestamp",
                                         "clock_timestamp"};
    static const char *const others[] = {"current_time", "localtime", "timeofday"};
    static const char *const words[] = {"current_user",     "session_user",    "user",
                                        "current_role",     "current_catalog", "current_schema",
                                        "current_database", "version"};
    const char *name = func->name.name;
    bool is_date = strcmp(name, "current_date") == 0;
    Value value;

    *is_one_out = true;
    if (IS_ONE_OF(name, others) && func->arg_count <= 1)
        return bind__not_supported(b, func->head.offset, "%s", name);
    if (IS_ONE_OF(name, words) && func->arg_count == 0 && b->request->session_word != NULL) {
        const char *word = b->request->session_word(b->request->session, b->arena, name);

        *expr_out =
            bind__expr_at(b, expr_const(b->arena, value_text(b->arena, word)), func->head.offset);
        return ST_OK;
    }
    if (strcmp(name, "pi") == 0 && func->arg_count == 0) {
        *expr_out = bind__expr_at(b, expr_const(b->arena, value_float8(3.14159265358979323846)),
                                  func->head.offset);
        return ST_OK;
    }
    *is_one_out = IS_ONE_OF(name, stamps) || is_date;
    if (!*is_one_out)
        return ST_OK;
    if (func->arg_count > 0 && func->is_syntax)
        return bind__not_supported(b, func->head.offset, "precision of %s", name);
    if (func->arg_count > 0) {
        *is_one_out = false;
        return ST_OK;
    }
    value = value_null(type_of(is_date ? TYPE_DATE : TYPE_TIMESTAMP));
    value.is_null = false;
    if (is_date)
        value.int32 = (int32_t)floor_days(b->request->now_micros);
    else
        value.int64 = b->request->now_micros;
    *expr_out = bind__expr_at(b, expr_const(b->arena, value), func->head.offset);
    return ST_OK;
}

/* --- EXTRACT --- */

static const char *lower(Binder *b, const char *text)
{
    char *copy = arena_strdup(b->arena, text);

    for (char *c = copy; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    return copy;
}

/* Digits after the point of a field, as PostgreSQL prints it (of what is known in dates, none). */
static int field_scale(const char *field, Type source)
{
    static const char *const seconds[] = {"second", "seconds", "sec", "secs", "s", "epoch"};
    static const char *const millis[] = {"millisecond", "milliseconds", "msec",   "msecs",
                                         "mseconds",    "ms",           "msecond"};

    if (source.id == TYPE_DATE)
        return 0;
    if (IS_ONE_OF(field, seconds))
        return 6;
    return IS_ONE_OF(field, millis) ? 3 : 0;
}

static Status no_such_extract(Binder *b, const Expr *arg, int32_t offset)
{
    bool is_ambiguous = bind__is_unknown(arg);
    Status status = bind__fail_at(b, offset, ST_BAD_INPUT, is_ambiguous ? "42725" : "42883",
                                  "function pg_catalog.extract(unknown, %s) %s",
                                  bind__type_message_name(arg->type),
                                  is_ambiguous ? "is not unique" : "does not exist");

    error_hint(b->err, is_ambiguous ? "Could not choose a best candidate function. You might need "
                                      "to add explicit type casts."
                                    : "No function matches the given name and argument types. You "
                                      "might need to add explicit type casts.");
    return status;
}

static Status make_extract(Binder *b, const char *field, int32_t field_offset, const Expr *arg,
                           int32_t offset, const Expr **expr_out)
{
    const Expr *args[2] = {NULL, arg};
    FuncId func = FUNC_EXTRACT;
    Signature signature;
    ResolveResult result;
    Type type;

    field = lower(b, field);
    args[0] = bind__expr_at(b, expr_const(b->arena, value_text(b->arena, field)), field_offset);
    result = bind__resolve_overload(1, &func, 2, args, false, &signature);
    if (result != RESOLVE_OK || bind__is_unknown(arg))
        return no_such_extract(b, arg, offset);
    if (strcmp(field, "julian") == 0 && arg->type.id != TYPE_DATE)
        return bind__not_supported(b, field_offset, "extract(julian from timestamp)");
    TRY(bind__make_call(b, &signature, args, offset, expr_out));
    type = type_decimal(DECIMAL64_DIGITS, field_scale(field, arg->type));
    *expr_out =
        bind__expr_at(b, expr_call(b->arena, FUNC_EXTRACT, type, 2, (*expr_out)->args), offset);
    return ST_OK;
}

Status bind__extract(Binder *b, Scope *scope, const char *field, int32_t field_offset,
                     const AstExpr *arg, int32_t offset, const Expr **expr_out)
{
    const Expr *source;

    TRY(bind__expr(b, scope, arg, &source));
    return make_extract(b, field, field_offset, source, offset, expr_out);
}

/* --- concat --- */

Status bind__output_text(Binder *b, const Expr **arg)
{
    Type text = type_of(TYPE_TEXT);
    bool is_bool = (*arg)->type.id == TYPE_BOOL;

    *arg = bind__padded(b, *arg);
    if (type_is_text((*arg)->type))
        return ST_OK;
    TRY(bind__coerce(b, *arg, text, arg));
    if (is_bool)
        *arg = expr_call2(b->arena, FUNC_LEFT, text, *arg, expr_const(b->arena, value_int4(1)));
    return ST_OK;
}

/* concat and concat_ws take anything, as text. */
static Status bind_concat(Binder *b, const AstFunc *func, uint32_t arg_count, const Expr **args,
                          const Expr **expr_out)
{
    bool has_separator = strcmp(func->name.name, "concat_ws") == 0;

    if (arg_count < 1)
        return bind__no_such_function(b, func, arg_count, args, RESOLVE_NO_MATCH);
    for (uint32_t i = 0; i < arg_count; i++)
        TRY(bind__output_text(b, &args[i]));
    *expr_out = bind__expr_at(b,
                              expr_call(b->arena, has_separator ? FUNC_CONCAT_WS : FUNC_CONCAT,
                                        type_of(TYPE_TEXT), arg_count, args),
                              func->head.offset);
    return ST_OK;
}

/* --- age --- */

/* age(x) is age(current_date, x). */
static Status bind_age(Binder *b, const AstFunc *func, const Expr **args, const Expr **expr_out)
{
    Type type = type_of(TYPE_TIMESTAMP);
    Value today = value_null(type);
    const Expr *both[2] = {NULL, NULL};

    if (bind__is_unknown(args[0]))
        return bind__no_such_function(b, func, 1, args, RESOLVE_AMBIGUOUS);
    if (!bind__can_cast(args[0]->type, type, CAST_IMPLICIT))
        return bind__no_such_function(b, func, 1, args, RESOLVE_NO_MATCH);
    today.is_null = false;
    today.int64 = floor_days(b->request->now_micros) * MICROS_A_DAY;
    both[0] = expr_const(b->arena, today);
    TRY(bind__coerce(b, args[0], type, &both[1]));
    *expr_out = bind__expr_at(b, expr_call(b->arena, FUNC_AGE, type_of(TYPE_INTERVAL), 2, both),
                              func->head.offset);
    return ST_OK;
}

/* --- errors --- */

static const char *call_text(Binder *b, const char *name, uint32_t arg_count,
                             const Expr *const *args)
{
    StrBuf text = {.arena = b->arena};

    strbuf_printf(&text, "%s(", name);
    for (uint32_t i = 0; i < arg_count; i++)
        strbuf_printf(&text, "%s%s", i > 0 ? ", " : "", bind__type_message_name(args[i]->type));
    strbuf_putc(&text, ')');
    return strbuf_text(&text);
}

static const char *nearest_function(const char *name)
{
    uint32_t best_distance = strlen(name) > 4 ? 3 : 2;
    const char *best = NULL;

    for (uint32_t func = 0; func < FUNC_COUNT_; func++) {
        const char *candidate = func_name((FuncId)func);
        uint32_t distance;

        if (func_properties((FuncId)func) & (FUNC_LAZY | FUNC_HIDDEN) || candidate[0] < 'a' ||
            candidate[0] > 'z')
            continue;
        distance = str_edit_distance(name, candidate, best_distance);
        if (distance < best_distance && distance <= strlen(name) / 2) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

Status bind__no_such_function(Binder *b, const AstFunc *func, uint32_t arg_count,
                              const Expr *const *args, ResolveResult result)
{
    const char *text = call_text(b, func->name.name, arg_count, args);
    const char *nearest = result == RESOLVE_NO_NAME ? nearest_function(func->name.name) : NULL;
    Status status;

    if (result == RESOLVE_AMBIGUOUS) {
        status = bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42725",
                               "function %s is not unique", text);
        error_hint(b->err, "Could not choose a best candidate function. You might need to add "
                           "explicit type casts.");
        return status;
    }
    status = bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42883",
                           "function %s does not exist", text);
    if (nearest != NULL)
        error_hint(b->err, "Perhaps you meant the function \"%s\".", nearest);
    else
        error_hint(b->err, "No function matches the given name and argument types. You might "
                           "need to add explicit type casts.");
    return status;
}

/* --- the call --- */

/* float8(x), date('2020-01-01'): a call by a type's name is a cast. */
static Status bind_cast_call(Binder *b, const AstFunc *func, uint32_t arg_count,
                             const Expr *const *args, ResolveResult result, const Expr **expr_out)
{
    Type type;

    if (IS_ONE_OF(func->name.name, other_functions))
        return bind__not_supported(b, func->head.offset, "function %s", func->name.name);
    if (arg_count != 1 || !bind__type_by_word(func->name.name, &type) ||
        !bind__can_cast(args[0]->type, type, CAST_EXPLICIT))
        return bind__no_such_function(b, func, arg_count, args, result);
    TRY(bind__coerce(b, args[0], type, expr_out));
    if (!bind__is_unknown(args[0]))
        *expr_out = bind__expr_at(b, *expr_out, func->head.offset);
    return ST_OK;
}

/* Operators have no names to be called by: "+"(1, 2). */
static uint32_t functions_of_call(const char *name, FuncId *funcs)
{
    if (name[0] < 'a' || name[0] > 'z')
        return 0;
    for (uint32_t i = 0; i < sizeof function_aliases / sizeof *function_aliases; i++)
        if (strcmp(function_aliases[i].word, name) == 0) {
            funcs[0] = function_aliases[i].func;
            return 1;
        }
    return bind__functions_by_name(name, false, funcs, FUNCS_OF_A_NAME_MAX);
}

static Status bind_named(Binder *b, const AstFunc *func, uint32_t arg_count,
                         const Expr *const *args, const Expr **expr_out)
{
    FuncId funcs[FUNCS_OF_A_NAME_MAX];
    Signature signature;
    ResolveResult result;
    uint32_t func_count = functions_of_call(func->name.name, funcs);

    result = bind__resolve_overload(func_count, funcs, arg_count, args, false, &signature);
    if (result == RESOLVE_OK)
        return bind__make_call(b, &signature, args, func->head.offset, expr_out);
    return bind_cast_call(b, func, arg_count, args, result, expr_out);
}

/* Of a date or timestamp an empty template makes NULL. */
static Status null_if_empty(Binder *b, const Expr **template)
{
    Type text = type_of(TYPE_TEXT);
    const Expr *args[2];

    if (bind__is_unknown_text(*template) && (*template)->value.str.length > 0)
        return ST_OK;
    TRY(bind__coerce_unknown_to_text(b, *template, template));
    if ((*template)->kind == EXPR_CONST && (*template)->value.is_null)
        return ST_OK;
    args[0] = *template;
    args[1] = expr_const(b->arena, value_text(b->arena, ""));
    *template =
        bind__expr_at(b, expr_call(b->arena, FUNC_NULLIF, text, 2, args), (*template)->sql_offset);
    return ST_OK;
}

/* Integers and numerics go by their text; where the argument has no type, PostgreSQL cannot
 * choose. */
static Status bind_to_char(Binder *b, const AstFunc *func, const Expr **args, const Expr **expr_out)
{
    Type text = type_of(TYPE_TEXT);

    if (bind__is_unknown(args[0]))
        return bind__no_such_function(b, func, 2, args, RESOLVE_AMBIGUOUS);
    if (args[0]->type.id == TYPE_INTERVAL)
        return bind__not_supported(b, func->head.offset, "to_char of an interval");
    if (!bind__is_unknown(args[1]) && !type_is_text(args[1]->type))
        return bind__no_such_function(b, func, 2, args, RESOLVE_NO_MATCH);
    if (!type_is_number(args[0]->type))
        TRY(null_if_empty(b, &args[1]));
    if (!type_is_number(args[0]->type) || type_is_float(args[0]->type))
        return bind_named(b, func, 2, args, expr_out);
    for (uint32_t i = 0; i < 2; i++)
        TRY(bind__coerce(b, args[i], text, &args[i]));
    *expr_out = bind__expr_at(b, expr_call(b->arena, FUNC_TO_CHAR_NUMBER, text, 2, args),
                              func->head.offset);
    return ST_OK;
}

Status bind__function(Binder *b, Scope *scope, const AstFunc *func, const Expr **expr_out)
{
    const Expr **args = ARENA_ARRAY(b->arena, const Expr *, func->arg_count);
    bool is_constant;

    if (func->name.schema != NULL)
        return bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "3F000",
                             "schema \"%s\" does not exist", func->name.schema);
    if (bind__is_agg_name(func->name.name))
        return bind__agg_call(b, scope, func, expr_out);
    TRY(check_plain_call(b, func));
    TRY(bind_statement_constant(b, func, &is_constant, expr_out));
    if (!is_constant)
        TRY(bind__function_form(b, scope, func, &is_constant, expr_out));
    if (is_constant)
        return ST_OK;
    if (bind__is_set_call(func))
        return bind__set_call(b, scope, func, expr_out);
    for (uint32_t i = 0; i < func->arg_count; i++)
        TRY(bind__expr(b, scope, func->args[i].expr, &args[i]));
    if (strcmp(func->name.name, "age") == 0 && func->arg_count == 1)
        return bind_age(b, func, args, expr_out);
    if (strcmp(func->name.name, "substring") == 0 && func->arg_count == 2 &&
        (bind__is_unknown_text(args[1]) || type_is_text(args[1]->type)))
        return bind__not_supported(b, func->head.offset, "regular expressions");
    if (strcmp(func->name.name, "to_char") == 0 && func->arg_count == 2)
        return bind_to_char(b, func, args, expr_out);
    if (strcmp(func->name.name, "octet_length") == 0 && func->arg_count == 1)
        args[0] = bind__padded(b, args[0]);
    if (strcmp(func->name.name, "concat") == 0 || strcmp(func->name.name, "concat_ws") == 0)
        return bind_concat(b, func, func->arg_count, args, expr_out);
    return bind_named(b, func, func->arg_count, args, expr_out);
}
