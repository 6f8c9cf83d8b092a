/*
 * bind_function_forms.c -- functions that are other expressions
 *
 *     num_nulls(a, b)                 CASE WHEN a IS NULL THEN 1 ELSE 0 END + ...
 *     make_interval(days => 3)        interval '1 day' * 3
 *     make_timestamp(y, m, d, ...)    make_timestamp(make_date(y, m, d), ...)
 *     (a, b) OVERLAPS (c, d)          comparisons of the four
 *     scale(x)                        what x's type says, NULL for NULL
 *     pg_typeof(x)                    its name
 *     to_number(x, '99D9')            ... of the template's scale
 *     format('%s is %L', a, b)        concat(a, ' is ', quote_nullable(b)), for a constant format
 */
#include "sql/binder/binder_internal.h"

typedef struct Call {
    Binder *b;
    const AstFunc *func;
    uint32_t arg_count;
    const Expr **args;
} Call;

static const Expr *placed(const Call *call, const Expr *expr)
{
    return bind__expr_at(call->b, expr, call->func->head.offset);
}

static const Expr *text_const(const Call *call, const char *text)
{
    return placed(call, expr_const(call->b->arena, value_text(call->b->arena, text)));
}

static const Expr *case_when(const Call *call, const Expr *condition, const Expr *then,
                             const Expr *otherwise)
{
    const Expr *args[] = {condition, then, otherwise};

    return placed(call, expr_call(call->b->arena, FUNC_CASE, otherwise->type, 3, args));
}

static const Expr *is_null(const Call *call, const Expr *expr)
{
    return expr_call1(call->b->arena, FUNC_IS_NULL, type_of(TYPE_BOOL), expr);
}

static Status again(const Call *call, const Expr *expr, const Expr **copy_out)
{
    return bind__reuse_expr(call->b, expr, copy_out);
}

/* --- num_nulls, num_nonnulls --- */

static Status count_nulls(const Call *call, const Expr **expr_out)
{
    bool wants_nulls = strcmp(call->func->name.name, "num_nulls") == 0;
    Arena *arena = call->b->arena;
    const Expr *sum = NULL;

    if (call->arg_count == 0)
        return bind__no_such_function(call->b, call->func, 0, call->args, RESOLVE_NO_MATCH);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const Expr *one;

        TRY(bind__coerce_unknown_to_text(call->b, call->args[i], &call->args[i]));
        one = case_when(call, is_null(call, call->args[i]),
                        expr_const(arena, value_int4(wants_nulls)),
                        expr_const(arena, value_int4(!wants_nulls)));
        sum = sum == NULL ? one : expr_call2(arena, FUNC_ADD, type_of(TYPE_INT4), sum, one);
    }
    *expr_out = placed(call, sum);
    return ST_OK;
}

/* --- pg_typeof, scale --- */

static Status name_type(const Call *call, const Expr **expr_out)
{
    const Expr *arg = call->args[0];

    *expr_out =
        text_const(call, bind__is_unknown(arg) ? "unknown" : bind__type_message_name(arg->type));
    return ST_OK;
}

static Status make_scale(const Call *call, const Expr **expr_out)
{
    const Expr *arg = call->args[0];
    Arena *arena = call->b->arena;
    Type type;

    if (!bind__can_cast(arg->type, type_of(TYPE_DECIMAL), CAST_IMPLICIT))
        return bind__no_such_function(call->b, call->func, 1, call->args, RESOLVE_NO_MATCH);
    TRY(bind__coerce(call->b, arg, type_of(TYPE_DECIMAL), &arg));
    type = arg->type;
    *expr_out =
        case_when(call, is_null(call, arg), expr_const(arena, value_null(type_of(TYPE_INT4))),
                  expr_const(arena, value_int4(type.scale)));
    return ST_OK;
}

/* --- make_interval, make_timestamp --- */

typedef struct IntervalPart {
    const char *name;
    Interval unit;
} IntervalPart;

static const IntervalPart interval_parts[] = {
    {"years", {.months = 12}},
    {"months", {.months = 1}},
    {"weeks", {.days = 7}},
    {"days", {.days = 1}},
    {"hours", {.micros = 3600000000}},
    {"mins", {.micros = 60000000}},
    {"secs", {.micros = 1000000}},
};

enum { INTERVAL_PARTS = sizeof interval_parts / sizeof *interval_parts, SECONDS_PART = 6 };

/* Which part argument i is: by its place, or by its name. */
static Status interval_part(const Call *call, uint32_t i, uint32_t *part_out)
{
    const char *name = call->func->args[i].name;

    for (*part_out = name == NULL ? i : 0; *part_out < INTERVAL_PARTS; ++*part_out)
        if (name == NULL || strcmp(interval_parts[*part_out].name, name) == 0)
            return ST_OK;
    return bind__no_such_function(call->b, call->func, call->arg_count, call->args,
                                  RESOLVE_NO_MATCH);
}

static Status add_interval_part(const Call *call, uint32_t part, const Expr *arg, const Expr **sum)
{
    Type type = type_of(part == SECONDS_PART ? TYPE_FLOAT8 : TYPE_INT4);
    Value unit = value_null(type_of(TYPE_INTERVAL));
    const Expr *product;

    if (!bind__can_cast(arg->type, type, CAST_IMPLICIT))
        return bind__no_such_function(call->b, call->func, call->arg_count, call->args,
                                      RESOLVE_NO_MATCH);
    TRY(bind__coerce(call->b, arg, type, &arg));
    unit.is_null = false;
    unit.interval = interval_parts[part].unit;
    TRY(bind__make_operator(call->b, "*", expr_const(call->b->arena, unit), arg,
                            call->func->head.offset, &product));
    if (*sum == NULL)
        *sum = product;
    else
        TRY(bind__make_operator(call->b, "+", *sum, product, call->func->head.offset, sum));
    return ST_OK;
}

static Status make_interval(const Call *call, const Expr **expr_out)
{
    Value none = value_null(type_of(TYPE_INTERVAL));
    bool is_given[INTERVAL_PARTS] = {false};
    uint32_t part;

    *expr_out = NULL;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        TRY(interval_part(call, i, &part));
        if (is_given[part])
            return bind__fail_at(call->b, call->func->args[i].offset, ST_BAD_INPUT, "42601",
                                 "argument name \"%s\" used more than once",
                                 interval_parts[part].name);
        is_given[part] = true;
        TRY(add_interval_part(call, part, call->args[i], expr_out));
    }
    none.is_null = false;
    none.interval = (Interval){0};
    if (*expr_out == NULL)
        *expr_out = expr_const(call->b->arena, none);
    *expr_out = placed(call, *expr_out);
    return ST_OK;
}

static Status make_timestamp(const Call *call, const Expr **expr_out)
{
    const Expr *parts[4];

    for (uint32_t i = 0; i < call->arg_count; i++) {
        Type type = type_of(i == 5 ? TYPE_FLOAT8 : TYPE_INT4);

        if (!bind__can_cast(call->args[i]->type, type, CAST_IMPLICIT))
            return bind__no_such_function(call->b, call->func, call->arg_count, call->args,
                                          RESOLVE_NO_MATCH);
        TRY(bind__coerce(call->b, call->args[i], type, &call->args[i]));
    }
    parts[0] =
        placed(call, expr_call(call->b->arena, FUNC_MAKE_DATE, type_of(TYPE_DATE), 3, call->args));
    memcpy(parts + 1, call->args + 3, 3 * sizeof *parts);
    *expr_out = placed(
        call, expr_call(call->b->arena, FUNC_MAKE_TIMESTAMP, type_of(TYPE_TIMESTAMP), 4, parts));
    return ST_OK;
}

/* --- to_number --- */

/* Digits after the point in the template. */
static int32_t template_scale(const Str *template)
{
    const char *at = str_bytes(template), *end = at + template->length;
    int32_t scale = 0;

    while (at < end && *at != '.' && *at != 'D' && *at != 'd')
        at++;
    for (; at < end; at++)
        scale += *at == '9' || *at == '0';
    return scale;
}

static Status make_to_number(const Call *call, const Expr **expr_out)
{
    const Expr *args[3] = {call->args[0], call->args[1], NULL};
    int32_t scale;

    if (!bind__is_unknown(args[0]) && !type_is_text(args[0]->type))
        return bind__no_such_function(call->b, call->func, 2, call->args, RESOLVE_NO_MATCH);
    if (!bind__is_unknown_text(args[1]))
        return bind__not_supported(call->b, call->func->head.offset,
                                   "to_number with a template that is no literal");
    scale = template_scale(&args[1]->value.str);
    if (scale > DECIMAL_DIGITS)
        return bind__not_supported(call->b, call->func->head.offset,
                                   "numeric of more than %d digits", DECIMAL_DIGITS);
    for (uint32_t i = 0; i < 2; i++)
        TRY(bind__coerce_unknown_to_text(call->b, args[i], &args[i]));
    args[2] = expr_const(call->b->arena, value_int4(scale));
    *expr_out = placed(call, expr_call(call->b->arena, FUNC_TO_NUMBER,
                                       type_decimal(DECIMAL_DIGITS, scale), 3, args));
    return ST_OK;
}

/* --- OVERLAPS --- */

/* One period: its start, which is the one end known when one is NULL, and its end. */
typedef struct Period {
    const Expr *start, *end;
} Period;

static Status make_period(const Call *call, const Expr *from, const Expr *to, Period *period_out)
{
    const Expr *ends[2] = {from, to}, *again_ends[2], *nulls[2], *any_null;
    Arena *arena = call->b->arena;
    Type type;

    if (to->type.id == TYPE_INTERVAL) {
        TRY(again(call, from, &from));
        TRY(bind__make_operator(call->b, "+", from, to, call->func->head.offset, &ends[1]));
    }
    TRY(bind__coerce_all_common(call->b, "OVERLAPS", 2, ends, &type));
    if (type.id != TYPE_DATE && type.id != TYPE_TIMESTAMP)
        return bind__no_such_function(call->b, call->func, call->arg_count, call->args,
                                      RESOLVE_NO_MATCH);
    for (uint32_t i = 0; i < 2; i++) {
        TRY(again(call, ends[i], &again_ends[i]));
        TRY(again(call, ends[i], &nulls[i]));
        nulls[i] = is_null(call, nulls[i]);
    }
    any_null = expr_call(arena, FUNC_OR, type_of(TYPE_BOOL), 2, nulls);
    period_out->start = expr_call(arena, FUNC_LEAST, type, 2, ends);
    period_out->end = case_when(call, any_null, expr_const(arena, value_null(type)),
                                expr_call(arena, FUNC_GREATEST, type, 2, again_ends));
    return ST_OK;
}

static Status compare(const Call *call, FuncId func, const Expr *a, const Expr *c,
                      const Expr **expr_out)
{
    TRY(again(call, a, &a));
    TRY(again(call, c, &c));
    return bind__make_comparison(call->b, func, a, c, call->func->head.offset, expr_out);
}

/* Of periods of which the first starts earlier: whether the second starts before the first ends. */
static Status starts_inside(const Call *call, const Period *first, const Period *second,
                            const Expr **expr_out)
{
    Arena *arena = call->b->arena;
    const Expr *inside, *first_end, *second_end, *unknown[2];

    TRY(compare(call, FUNC_LT, second->start, first->end, &inside));
    TRY(again(call, first->end, &first_end));
    TRY(again(call, second->end, &second_end));
    unknown[0] = is_null(call, first_end);
    unknown[1] = is_null(call, second_end);
    *expr_out = case_when(call, inside, expr_const(arena, value_bool(true)),
                          case_when(call, expr_call(arena, FUNC_OR, type_of(TYPE_BOOL), 2, unknown),
                                    expr_const(arena, value_null(type_of(TYPE_BOOL))),
                                    expr_const(arena, value_bool(false))));
    return ST_OK;
}

/* PostgreSQL's overlaps_timestamp, with what it says of NULLs. */
static Status make_overlaps(const Call *call, const Expr **expr_out)
{
    Arena *arena = call->b->arena;
    const Expr *before, *after, *same, *if_before, *if_after, *ends[2];
    const Expr *unknown = expr_const(arena, value_null(type_of(TYPE_BOOL)));
    Period a, c;

    for (uint32_t i = 0; i < 4; i++)
        if (bind__is_unknown(call->args[i]))
            TRY(bind__coerce(call->b, call->args[i], type_of(TYPE_TIMESTAMP), &call->args[i]));
    TRY(make_period(call, call->args[0], call->args[1], &a));
    TRY(make_period(call, call->args[2], call->args[3], &c));
    TRY(compare(call, FUNC_LT, a.start, c.start, &before));
    TRY(compare(call, FUNC_GT, a.start, c.start, &after));
    TRY(compare(call, FUNC_EQ, a.start, c.start, &same));
    TRY(starts_inside(call, &a, &c, &if_before));
    TRY(starts_inside(call, &c, &a, &if_after));
    TRY(again(call, a.end, &ends[0]));
    TRY(again(call, c.end, &ends[1]));
    for (uint32_t i = 0; i < 2; i++)
        ends[i] = is_null(call, ends[i]);
    same = case_when(call, same,
                     case_when(call, expr_call(arena, FUNC_OR, type_of(TYPE_BOOL), 2, ends),
                               unknown, expr_const(arena, value_bool(true))),
                     unknown);
    *expr_out = case_when(call, before, if_before, case_when(call, after, if_after, same));
    return ST_OK;
}

/* --- quote_nullable, quote_literal, format --- */

/* text as a literal, NULL as the word. */
static const Expr *quote_nullable(const Call *call, const Expr *text)
{
    Type type = type_of(TYPE_TEXT);
    const Expr *args[2] = {expr_call1(call->b->arena, FUNC_QUOTE_LITERAL, type, text),
                           text_const(call, "NULL")};

    return placed(call, expr_call(call->b->arena, FUNC_COALESCE, type, 2, args));
}

/* Of any type, cast to text: true is 'true', where format's %L has 't'. */
static Status make_quote_nullable(const Call *call, const Expr **expr_out)
{
    TRY(bind__coerce(call->b, call->args[0], type_of(TYPE_TEXT), &call->args[0]));
    *expr_out = quote_nullable(call, call->args[0]);
    return ST_OK;
}

static Status make_quote_literal(const Call *call, const Expr **expr_out)
{
    Type type = type_of(TYPE_TEXT);

    TRY(bind__coerce(call->b, call->args[0], type, &call->args[0]));
    *expr_out = placed(call, expr_call(call->b->arena, FUNC_QUOTE_LITERAL, type, 1, call->args));
    return ST_OK;
}

/* One %-item: %[place$][-][width]type */
typedef struct FormatItem {
    uint32_t place; /* from 1; 0: the next */
    bool is_left;
    int32_t width;
    char type;
} FormatItem;

static const char *read_number(const char *at, int32_t *number_out)
{
    *number_out = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (*number_out < 100000)
            *number_out = *number_out * 10 + (*at - '0');
    return at;
}

static const char *read_item(const char *at, FormatItem *item_out)
{
    const char *behind;
    int32_t number;

    *item_out = (FormatItem){0};
    behind = read_number(at, &number);
    if (behind > at && *behind == '$') {
        item_out->place = (uint32_t)number;
        at = behind + 1;
    }
    for (; *at == '-'; at++)
        item_out->is_left = true;
    at = read_number(at, &item_out->width);
    item_out->type = *at;
    return *at == '\0' ? at : at + 1;
}

/* text padded to the width, never cut. */
static Status pad_item(const Call *call, const FormatItem *item, const Expr **text)
{
    Arena *arena = call->b->arena;
    const Expr *length, *args[2] = {NULL, expr_const(arena, value_int4(item->width))};

    if (item->width == 0)
        return ST_OK;
    *text = expr_call(arena, FUNC_CONCAT, type_of(TYPE_TEXT), 1, text); /* '' for NULL */
    TRY(again(call, *text, &length));
    args[0] = expr_call1(arena, FUNC_LENGTH, type_of(TYPE_INT4), length);
    length = expr_call(arena, FUNC_GREATEST, type_of(TYPE_INT4), 2, args);
    *text =
        expr_call2(arena, item->is_left ? FUNC_RPAD : FUNC_LPAD, type_of(TYPE_TEXT), *text, length);
    return ST_OK;
}

static Status format_item(const Call *call, const FormatItem *item, uint32_t place,
                          const Expr **text_out)
{
    if (item->type != 's' && item->type != 'L')
        return item->type == 'I'
                   ? bind__not_supported(call->b, call->func->head.offset, "%%I in format")
                   : bind__fail_at(call->b, call->func->head.offset, ST_BAD_INPUT, "22023",
                                   "unrecognized format() type specifier \"%c\"", item->type);
    if (place >= call->arg_count)
        return bind__fail_at(call->b, call->func->head.offset, ST_BAD_INPUT, "22023",
                             "too few arguments for format()");
    TRY(again(call, call->args[place], text_out));
    TRY(bind__output_text(call->b, text_out));
    if (item->type == 'L')
        *text_out = quote_nullable(call, *text_out);
    return pad_item(call, item, text_out);
}

static Status make_format(const Call *call, const Expr **expr_out)
{
    const Expr *format = call->args[0];
    Arena *arena = call->b->arena;
    StrBuf plain = {.arena = arena};
    const Expr **pieces;
    uint32_t count = 0, place = 0;
    const char *text;

    if (!bind__is_unknown_text(format))
        return bind__not_supported(call->b, call->func->head.offset,
                                   "format with a format that is no literal");
    text = arena_strndup(arena, str_bytes(&format->value.str), format->value.str.length);
    pieces = ARENA_ARRAY(arena, const Expr *, 2 * strlen(text) + 2);
    pieces[count++] = text_const(call, "");
    while (*text != '\0') {
        FormatItem item;

        if (*text != '%' || text[1] == '%') {
            text += *text == '%';
            strbuf_putc(&plain, *text++);
            continue;
        }
        if (plain.length > 0)
            pieces[count++] = text_const(call, strbuf_text(&plain));
        plain = (StrBuf){.arena = arena};
        text = read_item(text + 1, &item);
        place = item.place != 0 ? item.place : place + 1;
        TRY(format_item(call, &item, place, &pieces[count++]));
    }
    if (plain.length > 0)
        pieces[count++] = text_const(call, strbuf_text(&plain));
    *expr_out = placed(call, expr_call(arena, FUNC_CONCAT, type_of(TYPE_TEXT), count, pieces));
    return ST_OK;
}

/* --- which --- */

static const struct {
    const char *name;
    uint32_t arg_min, arg_max;
    Status (*make)(const Call *call, const Expr **expr_out);
} forms[] = {
    {"num_nulls", 0, UINT32_MAX, count_nulls},
    {"num_nonnulls", 0, UINT32_MAX, count_nulls},
    {"pg_typeof", 1, 1, name_type},
    {"scale", 1, 1, make_scale},
    {"make_interval", 0, 7, make_interval},
    {"make_timestamp", 6, 6, make_timestamp},
    {"to_number", 2, 2, make_to_number},
    {"quote_nullable", 1, 1, make_quote_nullable},
    {"quote_literal", 1, 1, make_quote_literal},
    {"overlaps", 4, 4, make_overlaps},
    {"format", 1, UINT32_MAX, make_format},
};

Status bind__function_form(Binder *b, Scope *scope, const AstFunc *func, bool *is_one_out,
                           const Expr **expr_out)
{
    Call call = {.b = b, .func = func, .arg_count = func->arg_count};

    *is_one_out = false;
    for (uint32_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, func->name.name) != 0 || func->arg_count < forms[i].arg_min ||
            func->arg_count > forms[i].arg_max)
            continue;
        call.args = ARENA_ARRAY(b->arena, const Expr *, func->arg_count);
        for (uint32_t j = 0; j < func->arg_count; j++)
            TRY(bind__expr(b, scope, func->args[j].expr, &call.args[j]));
        *is_one_out = true;
        return forms[i].make(&call, expr_out);
    }
    return ST_OK;
}
