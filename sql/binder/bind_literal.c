/* bind_literal.c -- constants, names of types, casts and typed literals */
#include "core/data/value_text.h"
#include "sql/binder/binder_internal.h"

/* --- constants --- */

static bool read_integer(const char *text, uint32_t bytes, Int128 *number_out)
{
    bool is_negative = bytes > 0 && text[0] == '-';
    Int128 number = 0;
    uint32_t i = is_negative;

    if (i == bytes || bytes > 20)
        return false;
    for (; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (text[i] - '0');
    }
    *number_out = is_negative ? -number : number;
    return true;
}

/* A literal whose type the context decides. */
static const Expr *unknown_text(Binder *b, const AstConst *literal)
{
    Value value = value_null(type_of(TYPE_NULL));

    value.is_null = false;
    value.str = str_copy(b->arena, str_make(literal->text, literal->text_bytes));
    return bind__expr_at(b, expr_const(b->arena, value), literal->head.offset);
}

/* A numeric of more digits than there are: a constant of numeric without precision, its text in
 * value.str. The context may make a double of it; where none does, it is refused. */
static const Expr *long_number(Binder *b, const AstConst *literal)
{
    Value value = unknown_text(b, literal)->value;

    value.type = type_of(TYPE_DECIMAL);
    b->has_long_numbers = true;
    return bind__expr_at(b, expr_const(b->arena, value), literal->head.offset);
}

/* 3000000000 is bigint; 1.50, 1e-3 and what is too large for bigint are numeric. */
static Status bind_number(Binder *b, const AstConst *literal, const Expr **expr_out)
{
    Int128 number;
    int digits, scale;

    if (read_integer(literal->text, literal->text_bytes, &number) && number >= INT64_MIN &&
        number <= INT64_MAX) {
        Value value = number >= INT32_MIN && number <= INT32_MAX ? value_int4((int32_t)number)
                                                                 : value_int8((int64_t)number);

        *expr_out = bind__expr_at(b, expr_const(b->arena, value), literal->head.offset);
        return ST_OK;
    }
    if (!bind__decimal_literal(literal->text, literal->text_bytes, &digits, &scale))
        return bind__not_supported(b, literal->head.offset, "this form of a number");
    if (digits <= DECIMAL_DIGITS)
        return bind__coerce(b, unknown_text(b, literal), type_decimal(digits, scale), expr_out);
    *expr_out = long_number(b, literal);
    return ST_OK;
}

bool bind__is_long_number(const Expr *expr)
{
    return expr->kind == EXPR_CONST && expr->type.id == TYPE_DECIMAL && expr->type.precision == 0;
}

Status bind__refuse_long_number(Binder *b, const Expr *number)
{
    Status status = bind__not_supported(b, number->sql_offset,
                                        "numeric literals of more than %d digits", DECIMAL_DIGITS);

    error_hint(b->err, "Beside double precision, or cast to it, such a literal is a double.");
    return status;
}

typedef struct LongSearch {
    Arena *arena;
    const Expr *found;
    PlanSeen *seen;
} LongSearch;

static void find_long_in_plan(LongSearch *search, const Plan *plan);

static bool find_long(void *context, const Expr *expr)
{
    LongSearch *search = context;

    if (bind__is_long_number(expr))
        search->found = expr;
    if (expr->kind == EXPR_SUBQUERY)
        find_long_in_plan(search, expr->plan);
    return search->found == NULL;
}

static void find_long_in_expr(void *context, const Expr *expr)
{
    expr_visit(expr, find_long, context);
}

static void find_long_in_plan(LongSearch *search, const Plan *plan)
{
    if (plan_seen(search->arena, plan, &search->seen))
        return;
    plan_visit_exprs(plan, find_long_in_expr, search);
    for (uint32_t i = 0; i < plan->input_count && search->found == NULL; i++)
        find_long_in_plan(search, plan->inputs[i]);
}

Status bind__check_long_numbers(Binder *b, const Plan *plan)
{
    LongSearch search = {.arena = b->arena};

    if (b->has_long_numbers)
        find_long_in_plan(&search, plan);
    return search.found == NULL ? ST_OK : bind__refuse_long_number(b, search.found);
}

Status bind__const(Binder *b, const AstConst *literal, const Expr **expr_out)
{
    switch (literal->const_kind) {
    case AST_CONST_NULL:
        *expr_out = expr_const(b->arena, value_null(type_of(TYPE_NULL)));
        break;
    case AST_CONST_BOOL:
        *expr_out = expr_const(b->arena, value_bool(literal->boolean));
        break;
    case AST_CONST_INTEGER:
        *expr_out = expr_const(b->arena, value_int4(literal->integer));
        break;
    case AST_CONST_NUMBER:
        return bind_number(b, literal, expr_out);
    case AST_CONST_STRING:
        *expr_out = unknown_text(b, literal);
        break;
    case AST_CONST_BITS:
        return bind__not_supported(b, literal->head.offset, "bit strings");
    }
    *expr_out = bind__expr_at(b, *expr_out, literal->head.offset);
    return ST_OK;
}

/* --- names of types --- */

typedef struct TypeWord {
    const char *word;
    TypeId id;
} TypeWord;

static const TypeWord type_words[] = {
    {"bool", TYPE_BOOL},        {"int2", TYPE_INT2},       {"int4", TYPE_INT4},
    {"int8", TYPE_INT8},        {"numeric", TYPE_DECIMAL}, {"float4", TYPE_FLOAT4},
    {"float8", TYPE_FLOAT8},    {"text", TYPE_TEXT},       {"varchar", TYPE_VARCHAR},
    {"bpchar", TYPE_CHAR},      {"date", TYPE_DATE},       {"timestamp", TYPE_TIMESTAMP},
    {"interval", TYPE_INTERVAL}};

/* Types that PostgreSQL has and Vonk does not. */
static const char *const other_types[] = {
    "time",      "timetz",    "timestamptz", "bytea",      "uuid",      "json",    "jsonb",
    "xml",       "money",     "inet",        "cidr",       "macaddr",   "bit",     "varbit",
    "oid",       "regclass",  "regtype",     "name",       "char",      "point",   "line",
    "box",       "path",      "polygon",     "circle",     "tsvector",  "tsquery", "int4range",
    "int8range", "numrange",  "daterange",   "tsrange",    "tstzrange", "pg_lsn",  "record",
    "jsonpath",  "refcursor", "cstring",     "anyelement", "unknown",   "regproc", "regprocedure"};

bool bind__type_by_word(const char *word, Type *type_out)
{
    for (uint32_t i = 0; i < sizeof type_words / sizeof *type_words; i++)
        if (strcmp(type_words[i].word, word) == 0) {
            *type_out = type_of(type_words[i].id);
            return true;
        }
    return false;
}

static Status unknown_type(Binder *b, const AstTypeName *name)
{
    const char *best = NULL;
    uint32_t best_distance = 3;
    Status status;

    for (uint32_t i = 0; i < sizeof other_types / sizeof *other_types; i++)
        if (strcmp(other_types[i], name->name.name) == 0)
            return bind__not_supported(b, name->offset, "type %s", name->name.name);
    status = bind__fail_at(b, name->offset, ST_BAD_INPUT, "42704", "type \"%s\" does not exist",
                           name->name.name);
    for (uint32_t i = 0; i < sizeof type_words / sizeof *type_words; i++) {
        uint32_t distance = str_edit_distance(name->name.name, type_words[i].word, best_distance);

        if (distance < best_distance && distance <= strlen(name->name.name) / 2) {
            best = type_words[i].word;
            best_distance = distance;
        }
    }
    if (best != NULL)
        error_hint(b->err, "Perhaps you meant the type \"%s\".", best);
    return status;
}

static Status apply_decimal_modifiers(Binder *b, const AstTypeName *name, Type *type)
{
    int64_t precision = name->modifiers[0];
    int64_t scale = name->modifier_count > 1 ? name->modifiers[1] : 0;

    if (name->modifier_count > 2)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023",
                             "invalid NUMERIC type modifier");
    if (precision < 1 || precision > 1000)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023",
                             "NUMERIC precision %lld must be between 1 and 1000",
                             (long long)precision);
    if (scale < -1000 || scale > 1000)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023",
                             "NUMERIC scale %lld must be between -1000 and 1000", (long long)scale);
    if (precision > DECIMAL_DIGITS)
        return bind__not_supported(b, name->offset, "numeric of more than %d digits",
                                   DECIMAL_DIGITS);
    if (scale < 0 || scale > precision)
        return bind__not_supported(b, name->offset, "a numeric scale outside of 0..precision");
    *type = type_decimal((int)precision, (int)scale);
    return ST_OK;
}

static Status apply_length(Binder *b, const AstTypeName *name, Type *type)
{
    const char *word = type->id == TYPE_CHAR ? "char" : "varchar";

    if (name->modifier_count != 1)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023", "invalid type modifier");
    if (name->modifiers[0] < 1)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023",
                             "length for type %s must be at least 1", word);
    if (name->modifiers[0] > 10485760)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "22023",
                             "length for type %s cannot exceed 10485760", word);
    type->length = (int32_t)name->modifiers[0];
    return ST_OK;
}

static Status apply_modifiers(Binder *b, const AstTypeName *name, Type *type)
{
    if (name->has_other_modifiers)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "42601",
                             "type modifiers must be simple constants or identifiers");
    if (name->modifier_count == 0)
        return ST_OK;
    switch (type->id) {
    case TYPE_DECIMAL:
        return apply_decimal_modifiers(b, name, type);
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return apply_length(b, name, type);
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
        if (name->modifier_count == 1 && name->modifiers[0] >= 6)
            return ST_OK;
        return bind__not_supported(b, name->offset, "precision of type %s",
                                   bind__type_message_name(*type));
    default:
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "42601",
                             "type modifier is not allowed for type \"%s\"", name->name.name);
    }
}

static Status bind_type_name(Binder *b, const AstTypeName *name, Type *type_out)
{
    *type_out = type_of(TYPE_NULL);
    if (name->is_set || name->is_percent_type)
        return bind__not_supported(b, name->offset, "SETOF and %%TYPE");
    if (name->array_dimensions > 0)
        return bind__not_supported(b, name->offset, "arrays");
    if (name->name.schema != NULL && strcmp(name->name.schema, "public") != 0)
        return bind__fail_at(b, name->offset, ST_BAD_INPUT, "3F000", "schema \"%s\" does not exist",
                             name->name.schema);
    if (name->name.schema != NULL || !bind__type_by_word(name->name.name, type_out))
        return unknown_type(b, name);
    return apply_modifiers(b, name, type_out);
}

/* --- casts --- */

/* interval '3' DAY: PostgreSQL's field ranges. */
static IntervalField interval_field(uint32_t fields)
{
    static const struct {
        uint32_t fields;
        IntervalField field;
    } ranges[] = {
        {AST_INTERVAL_YEAR, INTERVAL_YEAR},
        {AST_INTERVAL_MONTH, INTERVAL_MONTH},
        {AST_INTERVAL_DAY, INTERVAL_DAY},
        {AST_INTERVAL_HOUR, INTERVAL_HOUR},
        {AST_INTERVAL_MINUTE, INTERVAL_MINUTE},
        {AST_INTERVAL_SECOND, INTERVAL_SECOND},
        {AST_INTERVAL_YEAR | AST_INTERVAL_MONTH, INTERVAL_YEAR_TO_MONTH},
        {AST_INTERVAL_DAY | AST_INTERVAL_HOUR, INTERVAL_DAY_TO_HOUR},
        {AST_INTERVAL_DAY | AST_INTERVAL_HOUR | AST_INTERVAL_MINUTE, INTERVAL_DAY_TO_MINUTE},
        {AST_INTERVAL_DAY | AST_INTERVAL_HOUR | AST_INTERVAL_MINUTE | AST_INTERVAL_SECOND,
         INTERVAL_DAY_TO_SECOND},
        {AST_INTERVAL_HOUR | AST_INTERVAL_MINUTE, INTERVAL_HOUR_TO_MINUTE},
        {AST_INTERVAL_HOUR | AST_INTERVAL_MINUTE | AST_INTERVAL_SECOND, INTERVAL_HOUR_TO_SECOND},
        {AST_INTERVAL_MINUTE | AST_INTERVAL_SECOND, INTERVAL_MINUTE_TO_SECOND}};

    for (uint32_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].fields == fields)
            return ranges[i].field;
    return INTERVAL_ANY;
}

/* Fields finer than the range's last are cut off. */
static Interval restrict_interval(Interval interval, uint32_t fields)
{
    const int64_t minute = INT64_C(60000000);

    if (fields & AST_INTERVAL_SECOND)
        return interval;
    if (fields & AST_INTERVAL_MINUTE)
        interval.micros -= interval.micros % minute;
    else if (fields & AST_INTERVAL_HOUR)
        interval.micros -= interval.micros % (60 * minute);
    else
        interval.micros = 0;
    if ((fields & (AST_INTERVAL_MINUTE | AST_INTERVAL_HOUR | AST_INTERVAL_DAY)) == 0)
        interval.days = 0;
    if (fields == AST_INTERVAL_YEAR)
        interval.months -= interval.months % 12;
    return interval;
}

static Status bind_interval_fields(Binder *b, const AstCast *cast, const Expr *arg,
                                   const Expr **expr_out)
{
    uint32_t fields = cast->type->interval_fields;
    Type type = type_of(TYPE_INTERVAL);
    Value value = value_null(type);
    const Str *text = &arg->value.str;
    ParseResult result;

    if (!bind__is_unknown_text(arg))
        return bind__not_supported(b, cast->head.offset, "interval fields unless of a literal");
    result = value_parse_interval(str_bytes(text), text->length, interval_field(fields),
                                  &value.interval);
    if (result != PARSE_OK)
        return bind__place_error(
            b, arg->sql_offset,
            value_parse_error(result, type, str_bytes(text), text->length, b->err));
    value.is_null = false;
    value.interval = restrict_interval(value.interval, fields);
    *expr_out = bind__expr_at(b, expr_const(b->arena, value), arg->sql_offset);
    return ST_OK;
}

/* a::int begins with its operand, CAST (a AS int) with the word. */
static int32_t cast_start(const AstCast *cast, const Expr *arg)
{
    int32_t start = bind__expr_start(arg);

    return start >= 0 && start < cast->head.offset ? start : cast->head.offset;
}

Status bind__cast(Binder *b, Scope *scope, const AstCast *cast, const Expr **expr_out)
{
    const AstConst *literal = ast_as_const(cast->arg);
    const Expr *arg;
    Type type;

    TRY(bind_type_name(b, cast->type, &type));
    if (literal != NULL && literal->const_kind == AST_CONST_NUMBER && type_is_float(type))
        arg = unknown_text(b, literal); /* 1e300::float8 is read directly: numeric is too short */
    else
        TRY(bind__expr(b, scope, cast->arg, &arg));
    if (type.id == TYPE_INTERVAL && cast->type->interval_fields != 0)
        return bind_interval_fields(b, cast, arg, expr_out);
    TRY(bind__cast_explicitly(b, arg, type, cast->head.offset, expr_out));
    if (!bind__is_unknown(arg) && *expr_out != arg)
        *expr_out = bind__expr_at(b, *expr_out, cast_start(cast, arg));
    return ST_OK;
}
