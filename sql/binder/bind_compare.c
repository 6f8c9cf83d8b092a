/* bind_compare.c -- comparisons as SQL writes them: rows, IN lists, BETWEEN, LIKE, IS DISTINCT */
#include "sql/binder/binder_internal.h"

static const Expr *combine(Binder *b, FuncId func, uint32_t count, const Expr *const *parts)
{
    return count == 1 ? parts[0] : expr_call(b->arena, func, type_of(TYPE_BOOL), count, parts);
}

static const Expr *negate(Binder *b, const Expr *expr, bool is_negated)
{
    return is_negated ? expr_call1(b->arena, FUNC_NOT, type_of(TYPE_BOOL), expr) : expr;
}

/* --- rows --- */

/* < of < and <=: what decides before the last column. */
static FuncId strict_part(FuncId func)
{
    return func == FUNC_LE ? FUNC_LT : func == FUNC_GE ? FUNC_GT : func;
}

/* (a, b) < (c, d): a < c OR (a = c AND b < d) */
static Status order_rows(Binder *b, FuncId func, uint32_t count, const Expr *const *left,
                         const Expr *const *right, int32_t offset, const Expr **expr_out)
{
    const Expr *rest, *before, *equal;

    TRY(bind__make_comparison(b, func, left[count - 1], right[count - 1], offset, &rest));
    for (uint32_t i = count - 1; i > 0; i--) {
        const Expr *left_again, *right_again;

        TRY(bind__reuse_expr(b, left[i - 1], &left_again));
        TRY(bind__reuse_expr(b, right[i - 1], &right_again));
        TRY(bind__make_comparison(b, strict_part(func), left[i - 1], right[i - 1], offset,
                                  &before));
        TRY(bind__make_comparison(b, FUNC_EQ, left_again, right_again, offset, &equal));
        rest = combine(b, FUNC_AND, 2, (const Expr *[]){equal, rest});
        rest = combine(b, FUNC_OR, 2, (const Expr *[]){before, rest});
    }
    *expr_out = rest;
    return ST_OK;
}

Status bind__compare_rows(Binder *b, FuncId func, uint32_t count, const Expr *const *left,
                          const Expr *const *right, int32_t offset, const Expr **expr_out)
{
    bool is_any = func == FUNC_NE || func == FUNC_DISTINCT_FROM;
    bool is_all = func == FUNC_EQ || func == FUNC_NOT_DISTINCT_FROM;
    const Expr **parts;

    if (!is_any && !is_all)
        return order_rows(b, func, count, left, right, offset, expr_out);
    parts = ARENA_ARRAY(b->arena, const Expr *, count);
    for (uint32_t i = 0; i < count; i++)
        TRY(bind__make_comparison(b, func, left[i], right[i], offset, &parts[i]));
    *expr_out = combine(b, is_any ? FUNC_OR : FUNC_AND, count, parts);
    return ST_OK;
}

static Status bind_row_comparison(Binder *b, Scope *scope, FuncId func, const AstRow *left,
                                  const AstRow *right, int32_t offset, const Expr **expr_out)
{
    const Expr **left_items, **right_items;

    if (left->items.count != right->items.count)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42601",
                             "unequal number of entries in row expressions");
    if (left->items.count == 0)
        return bind__fail_at(b, offset, ST_NOT_SUPPORTED, "0A000",
                             "cannot compare rows of zero length");
    TRY(bind__exprs(b, scope, left->items, &left_items));
    TRY(bind__exprs(b, scope, right->items, &right_items));
    return bind__compare_rows(b, func, left->items.count, left_items, right_items, offset,
                              expr_out);
}

Status bind__comparison(Binder *b, Scope *scope, FuncId func, const AstExpr *left,
                        const AstExpr *right, int32_t offset, const Expr **expr_out)
{
    const AstRow *left_row = ast_as_row(left), *right_row = ast_as_row(right);
    const AstSubquery *subquery = ast_as_subquery(right);
    const Expr *a, *c;

    if (left_row != NULL && right_row != NULL)
        return bind_row_comparison(b, scope, func, left_row, right_row, offset, expr_out);
    if (left_row != NULL && subquery != NULL && subquery->subquery == AST_SUBQUERY_SCALAR)
        return bind__row_subquery(b, scope, func, left_row, subquery, offset, expr_out);
    TRY(bind__expr(b, scope, left, &a));
    TRY(bind__expr(b, scope, right, &c));
    return bind__make_comparison(b, func, a, c, offset, expr_out);
}

Status bind__is_distinct(Binder *b, Scope *scope, const AstIsDistinct *is, const Expr **expr_out)
{
    FuncId func = is->is_negated ? FUNC_NOT_DISTINCT_FROM : FUNC_DISTINCT_FROM;

    return bind__comparison(b, scope, func, is->left, is->right, is->head.offset, expr_out);
}

/* --- IN (list) --- */

static bool has_row(const AstInList *in)
{
    bool found = ast_as_row(in->arg) != NULL;

    for (uint32_t i = 0; i < in->items.count; i++)
        found |= ast_as_row(in->items.items[i]) != NULL;
    return found;
}

/* (a, b) IN ((1, 2), (3, 4)): one comparison for each item. */
static Status bind_in_rows(Binder *b, Scope *scope, const AstInList *in, const Expr **expr_out)
{
    const AstRow *needle = ast_as_row(in->arg);
    const Expr **parts = ARENA_ARRAY(b->arena, const Expr *, in->items.count);
    const Expr **left, **right;

    if (needle == NULL)
        return bind__not_supported(b, in->arg->offset, "comparing a value with a row");
    TRY(bind__exprs(b, scope, needle->items, &left));
    for (uint32_t i = 0; i < in->items.count; i++) {
        const AstRow *row = ast_as_row(in->items.items[i]);

        if (row == NULL)
            return bind__not_supported(b, in->items.items[i]->offset,
                                       "comparing a value with a row");
        if (row->items.count != needle->items.count || row->items.count == 0)
            return bind__fail_at(b, in->head.offset, ST_BAD_INPUT, "42601",
                                 "unequal number of entries in row expressions");
        TRY(bind__exprs(b, scope, row->items, &right));
        for (uint32_t j = 0; i > 0 && j < needle->items.count; j++)
            TRY(bind__reuse_expr(b, left[j], &left[j]));
        TRY(bind__compare_rows(b, FUNC_EQ, row->items.count, left, right, in->head.offset,
                               &parts[i]));
    }
    *expr_out = combine(b, FUNC_OR, in->items.count, parts);
    return ST_OK;
}

/* Numerics of a list are all brought to the needle's final scale and word; this may change it, so
 * the list is gone through twice. */
static Status unify_list(Binder *b, const Expr **needle, uint32_t count, const Expr **items,
                         int32_t offset)
{
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < count; i++)
            TRY(bind__unify_comparison(b, FUNC_EQ, needle, &items[i], offset));
    return ST_OK;
}

/* needle IN (constants) OR needle = item OR ... */
static Status make_in(Binder *b, const Expr *needle, uint32_t count, const Expr **items,
                      int32_t offset, const Expr **expr_out)
{
    const Expr **in = ARENA_ARRAY(b->arena, const Expr *, count + 1);
    const Expr **parts = ARENA_ARRAY(b->arena, const Expr *, count + 2);
    uint32_t in_count = 1, part_count = 0;
    bool has_null = false;
    Type boolean = type_of(TYPE_BOOL);

    in[0] = needle;
    for (uint32_t i = 0; i < count; i++) {
        const Expr *again;

        if (items[i]->kind != EXPR_CONST) {
            TRY(bind__reuse_expr(b, needle, &again));
            parts[part_count++] =
                bind__expr_at(b, expr_call2(b->arena, FUNC_EQ, boolean, again, items[i]), offset);
        } else if (items[i]->value.is_null)
            has_null = true;
        else
            in[in_count++] = items[i];
    }
    if (in_count == 2)
        parts[part_count++] =
            bind__expr_at(b, expr_call2(b->arena, FUNC_EQ, boolean, needle, in[1]), offset);
    else if (in_count > 2)
        parts[part_count++] =
            bind__expr_at(b, expr_call(b->arena, FUNC_IN, boolean, in_count, in), offset);
    if (has_null)
        parts[part_count++] = expr_const(b->arena, value_null(boolean));
    *expr_out = combine(b, FUNC_OR, part_count, parts);
    return ST_OK;
}

/* PostgreSQL compares in one common type when there is one, else item by item. */
static bool has_common_type(Binder *b, const Expr *needle, uint32_t count, const Expr **items,
                            Type *type_out)
{
    const Expr **all = ARENA_ARRAY(b->arena, const Expr *, count + 1);

    all[0] = needle;
    memcpy(all + 1, items, count * sizeof *items);
    return needle->kind != EXPR_CONST && bind__find_common_type(count + 1, all, type_out);
}

/* Literals of unknown type are read as the common type, not as the needle's. */
static Status type_literals(Binder *b, Type type, uint32_t count, const Expr **items)
{
    if (type.id == TYPE_DECIMAL || type_is_text(type))
        type = type_of((TypeId)type.id);
    for (uint32_t i = 0; i < count; i++)
        if (bind__is_unknown(items[i]))
            TRY(bind__coerce(b, items[i], type, &items[i]));
    return ST_OK;
}

Status bind__in_list(Binder *b, Scope *scope, const AstInList *in, const Expr **expr_out)
{
    const Expr *needle;
    const Expr **items;
    bool is_in;
    Type type;

    if (has_row(in)) {
        TRY(bind_in_rows(b, scope, in, expr_out));
        *expr_out = negate(b, *expr_out, in->is_negated);
        return ST_OK;
    }
    TRY(bind__expr(b, scope, in->arg, &needle));
    TRY(bind__exprs(b, scope, in->items, &items));
    is_in = has_common_type(b, needle, in->items.count, items, &type);
    if (is_in)
        TRY(type_literals(b, type, in->items.count, items));
    if (is_in && type.id == TYPE_DECIMAL)
        is_in = bind__decimals_share_scale(needle, in->items.count, items);
    if (is_in) {
        TRY(unify_list(b, &needle, in->items.count, items, in->head.offset));
        TRY(make_in(b, needle, in->items.count, items, in->head.offset, expr_out));
    } else {
        for (uint32_t i = 0; i < in->items.count; i++) {
            TRY(bind__make_comparison(b, FUNC_EQ, needle, items[i], in->head.offset, &items[i]));
            TRY(bind__reuse_expr(b, needle, &needle));
        }
        *expr_out = combine(b, FUNC_OR, in->items.count, items);
    }
    *expr_out = negate(b, *expr_out, in->is_negated);
    return ST_OK;
}

/* --- ANY and ALL of an array --- */

/* LIKE, ILIKE and their negations. */
static bool is_like_operator(const char *op)
{
    op += op[0] == '!';
    return strcmp(op, "~~") == 0 || strcmp(op, "~~*") == 0;
}

/* needle op item, for each of them: OR for ANY, AND for ALL. */
static Status compare_items(Binder *b, Scope *scope, const AstQuantified *any, AstExprs list,
                            const Expr **expr_out)
{
    const Expr *needle, **items;

    TRY(bind__expr(b, scope, any->arg, &needle));
    TRY(bind__exprs(b, scope, list, &items));
    if (is_like_operator(any->op.name))
        needle = bind__padded(b, needle);
    for (uint32_t i = 0; i < list.count; i++) {
        TRY(bind__make_operator(b, any->op.name, needle, items[i], any->head.offset, &items[i]));
        TRY(bind__reuse_expr(b, needle, &needle));
    }
    *expr_out = combine(b, any->is_all ? FUNC_AND : FUNC_OR, list.count, items);
    return ST_OK;
}

/* x = ANY (ARRAY[1, 2]) is x IN (1, 2). */
Status bind__quantified_array(Binder *b, Scope *scope, const AstQuantified *any,
                              const Expr **expr_out)
{
    const AstArray *array = ast_as_array(any->array);
    AstInList in = {.head = any->head, .arg = any->arg};
    FuncId func;

    if (array == NULL)
        return bind__not_supported(b, any->array->offset, "arrays");
    if (array->items.count == 0)
        return bind__fail_at(b, any->array->offset, ST_BAD_INPUT, "42P18",
                             "cannot determine type of empty array");
    if (is_like_operator(any->op.name))
        return compare_items(b, scope, any, array->items, expr_out);
    if (!bind__comparison_by_name(any->op.name, &func))
        return bind__not_supported(b, any->head.offset, "operator %s with ANY or ALL",
                                   any->op.name);
    if (func != (any->is_all ? FUNC_NE : FUNC_EQ))
        return compare_items(b, scope, any, array->items, expr_out);
    in.head.kind = AST_IN_LIST;
    in.items = array->items;
    in.is_negated = any->is_all;
    return bind__in_list(b, scope, &in, expr_out);
}

/* --- BETWEEN --- */

/* a >= low AND a <= high, or its negation a < low OR a > high. */
static Status make_between(Binder *b, const Expr *arg, const Expr *low, const Expr *high,
                           bool is_negated, int32_t offset, const Expr **expr_out)
{
    const Expr *parts[2], *again;

    TRY(bind__reuse_expr(b, arg, &again));
    TRY(bind__make_comparison(b, is_negated ? FUNC_LT : FUNC_GE, arg, low, offset, &parts[0]));
    TRY(bind__make_comparison(b, is_negated ? FUNC_GT : FUNC_LE, again, high, offset, &parts[1]));
    *expr_out = combine(b, is_negated ? FUNC_OR : FUNC_AND, 2, parts);
    return ST_OK;
}

Status bind__between(Binder *b, Scope *scope, const AstBetween *between, const Expr **expr_out)
{
    const Expr *arg, *low, *high, *ways[2];
    int32_t offset = between->head.offset;

    TRY(bind__expr(b, scope, between->arg, &arg));
    TRY(bind__expr(b, scope, between->low, &low));
    TRY(bind__expr(b, scope, between->high, &high));
    if (!between->is_symmetric)
        return make_between(b, arg, low, high, between->is_negated, offset, expr_out);
    TRY(make_between(b, arg, low, high, between->is_negated, offset, &ways[0]));
    TRY(bind__reuse_expr(b, arg, &arg));
    TRY(bind__reuse_expr(b, low, &low));
    TRY(bind__reuse_expr(b, high, &high));
    TRY(make_between(b, arg, high, low, between->is_negated, offset, &ways[1]));
    *expr_out = combine(b, between->is_negated ? FUNC_AND : FUNC_OR, 2, ways);
    return ST_OK;
}

/* --- LIKE --- */

/* The pattern with another escape character, computed at once where both are literals. */
static Status apply_escape(Binder *b, Scope *scope, const AstLike *like, const Expr **pattern)
{
    const Expr *args[2] = {*pattern, NULL}, *call;
    Type text = type_of(TYPE_TEXT);
    Value value;

    TRY(bind__expr(b, scope, like->escape, &args[1]));
    for (uint32_t i = 0; i < 2; i++)
        if (!bind__is_unknown(args[i]) && !type_is_text(args[i]->type))
            return bind__make_operator(b, "~~", args[0], args[1], like->head.offset, pattern);
    for (uint32_t i = 0; i < 2; i++)
        TRY(bind__coerce_unknown_to_text(b, args[i], &args[i]));
    call = bind__expr_at(b, expr_call(b->arena, FUNC_LIKE_ESCAPE, text, 2, args),
                         like->escape->offset);
    *pattern = call;
    if (args[0]->kind != EXPR_CONST || args[1]->kind != EXPR_CONST)
        return ST_OK;
    TRY(bind__place_error(b, call->sql_offset,
                          b->request->eval_const(b->arena, call, b->err, &value)));
    *pattern = bind__expr_at(b, expr_const(b->arena, value), args[0]->sql_offset);
    return ST_OK;
}

Status bind__like(Binder *b, Scope *scope, const AstLike *like, const Expr **expr_out)
{
    bool is_ilike = like->like == AST_LIKE_ILIKE;
    const char *op = like->is_negated ? (is_ilike ? "!~~*" : "!~~") : (is_ilike ? "~~*" : "~~");
    const Expr *arg, *pattern;

    if (like->like == AST_LIKE_SIMILAR)
        return bind__not_supported(b, like->head.offset, "SIMILAR TO");
    TRY(bind__expr(b, scope, like->arg, &arg));
    TRY(bind__expr(b, scope, like->pattern, &pattern));
    arg = bind__padded(b, arg);
    if (like->escape != NULL)
        TRY(apply_escape(b, scope, like, &pattern));
    return bind__make_operator(b, op, arg, pattern, like->head.offset, expr_out);
}

const Expr *bind__padded(Binder *b, const Expr *expr)
{
    const Expr *length = expr_const(b->arena, value_int4(expr->type.length));

    if (expr->type.id != TYPE_CHAR || expr->type.length <= 0)
        return expr;
    return bind__expr_at(b, expr_call2(b->arena, FUNC_RPAD, type_of(TYPE_TEXT), expr, length),
                         expr->sql_offset);
}
