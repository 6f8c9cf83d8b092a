/* bind_operator.c -- operators on bound operands, and comparisons of values and rows */
#include "sql/binder/binder_internal.h"

enum { FUNCS_OF_A_NAME_MAX = 8 };

/* --- calls --- */

static bool takes_decimals(const Signature *signature)
{
    for (uint32_t i = 0; i < signature->arg_count; i++)
        if (signature->args[i] == TYPE_DECIMAL)
            return true;
    return false;
}

Status bind__make_call(Binder *b, const Signature *signature, const Expr *const *args,
                       int32_t offset, const Expr **expr_out)
{
    const Expr *cast[OP_ARGS_MAX];
    bool makes_integer = signature->result == TYPE_DECIMAL; /* of no numeric: factorial */
    Type type = makes_integer ? type_decimal(DECIMAL_DIGITS, 0) : type_of(signature->result);

    for (uint32_t i = 0; i < signature->arg_count; i++)
        cast[i] = args[i];
    if (takes_decimals(signature))
        return bind__make_decimal_call(b, signature, cast, offset, expr_out);
    for (uint32_t i = 0; i < signature->arg_count; i++) {
        bool is_text = signature->args[i] == TYPE_TEXT && type_is_text(cast[i]->type);

        if (signature->args[i] == TYPE_ID_COUNT) /* takes anything */
            TRY(bind__coerce_unknown_to_text(b, cast[i], &cast[i]));
        else if (!is_text)
            TRY(bind__coerce(b, cast[i], type_of(signature->args[i]), &cast[i]));
    }
    *expr_out = bind__expr_at(
        b, expr_call(b->arena, signature->func, type, signature->arg_count, cast), offset);
    return ST_OK;
}

/* "integer + text", or "- text": as PostgreSQL's op_signature_string. */
static const char *operator_text(Binder *b, const char *op, const Expr *left, const Expr *right)
{
    const char *right_name = bind__type_message_name(right->type);

    if (left == NULL)
        return arena_printf(b->arena, "%s %s", op, right_name);
    return arena_printf(b->arena, "%s %s %s", bind__type_message_name(left->type), op, right_name);
}

static Status operator_error(Binder *b, ResolveResult result, const char *op, const Expr *left,
                             const Expr *right, int32_t offset)
{
    const char *text = operator_text(b, op, left, right);
    Status status;

    if (result == RESOLVE_AMBIGUOUS) {
        status =
            bind__fail_at(b, offset, ST_BAD_INPUT, "42725", "operator is not unique: %s", text);
        error_hint(b->err, "Could not choose a best candidate operator. You might need to add "
                           "explicit type casts.");
        return status;
    }
    status = bind__fail_at(b, offset, ST_BAD_INPUT, "42883", "operator does not exist: %s", text);
    error_hint(b->err, left == NULL ? "No operator matches the given name and argument type. You "
                                      "might need to add an explicit type cast."
                                    : "No operator matches the given name and argument types. You "
                                      "might need to add explicit type casts.");
    return status;
}

/* Text || anything, anything || text: what is no text becomes it. */
static Status make_concat(Binder *b, const Expr *left, const Expr *right, int32_t offset,
                          const Expr **expr_out)
{
    const Expr *args[2] = {left, right};
    Type text = type_of(TYPE_TEXT);

    if (!type_is_text(left->type) && !type_is_text(right->type) && !bind__is_unknown(left) &&
        !bind__is_unknown(right))
        return operator_error(b, RESOLVE_NO_MATCH, "||", left, right, offset);
    for (uint32_t i = 0; i < 2; i++)
        if (!type_is_text(args[i]->type))
            TRY(bind__coerce(b, args[i], text, &args[i]));
    *expr_out = bind__expr_at(b, expr_call(b->arena, FUNC_CONCAT_OP, text, 2, args), offset);
    return ST_OK;
}

static bool is_pattern_operator(const char *op)
{
    return strcmp(op, "~") == 0 || strcmp(op, "~*") == 0 || strcmp(op, "!~") == 0 ||
           strcmp(op, "!~*") == 0;
}

/* Says "not supported" of operators that PostgreSQL has; ST_OK for others. */
static Status refuse_known_operator(Binder *b, const char *op, int32_t offset)
{
    static const char *const names[] = {"->", "->>", "#>", "#>>", "@>", "<@",  "?",   "?|",
                                        "?&", "&&",  "@@", "@?",  "#-", "-|-", "@-@", "##"};

    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(op, names[i]) == 0)
            return bind__not_supported(b, offset, "operator %s", op);
    return ST_OK;
}

/* Operators that functions.def has under a word. */
static const char *function_of_operator(const char *op, bool is_unary)
{
    if (!is_unary)
        return strcmp(op, "^") == 0 ? "power" : strcmp(op, "^@") == 0 ? "starts_with" : op;
    if (strcmp(op, "@") == 0)
        return "abs";
    if (strcmp(op, "|/") == 0)
        return "sqrt";
    return strcmp(op, "||/") == 0 ? "cbrt" : op;
}

/* LIKE's four operators. */
static bool like_by_name(const char *op, FuncId *func_out, bool *is_negated_out)
{
    *is_negated_out = op[0] == '!';
    if (*is_negated_out)
        op++;
    *func_out = op[0] == '~' && op[1] == '~' && op[2] == '*' ? FUNC_ILIKE : FUNC_LIKE;
    return strcmp(op, *func_out == FUNC_LIKE ? "~~" : "~~*") == 0;
}

static Status resolve_operator(Binder *b, const char *op, uint32_t func_count, const FuncId *funcs,
                               const Expr *left, const Expr *right, int32_t offset,
                               const Expr **expr_out)
{
    const Expr *args[2] = {left, right};
    const Expr *const *first = left == NULL ? args + 1 : args;
    uint32_t arg_count = left == NULL ? 1 : 2;
    Signature signature;
    ResolveResult result =
        bind__resolve_overload(func_count, funcs, arg_count, first, true, &signature);

    if (result == RESOLVE_OK)
        return bind__make_call(b, &signature, first, offset, expr_out);
    if (result == RESOLVE_NO_NAME)
        TRY(refuse_known_operator(b, op, offset));
    return operator_error(b, result, op, left, right, offset);
}

static Status make_like(Binder *b, const char *op, FuncId func, bool is_negated, const Expr *left,
                        const Expr *right, int32_t offset, const Expr **expr_out)
{
    TRY(resolve_operator(b, op, 1, &func, left, right, offset, expr_out));
    if (is_negated)
        *expr_out = expr_call1(b->arena, FUNC_NOT, type_of(TYPE_BOOL), *expr_out);
    return ST_OK;
}

Status bind__make_operator(Binder *b, const char *op, const Expr *left, const Expr *right,
                           int32_t offset, const Expr **expr_out)
{
    FuncId funcs[FUNCS_OF_A_NAME_MAX];
    uint32_t func_count;
    FuncId func;
    bool is_negated;

    if (left != NULL && bind__comparison_by_name(op, &func))
        return bind__make_comparison(b, func, left, right, offset, expr_out);
    if (left != NULL && strcmp(op, "||") == 0)
        return make_concat(b, left, right, offset, expr_out);
    if (left != NULL && like_by_name(op, &func, &is_negated))
        return make_like(b, op, func, is_negated, left, right, offset, expr_out);
    if (left != NULL && is_pattern_operator(op))
        return bind__not_supported(b, offset, "regular expressions");
    if (left == NULL && strcmp(op, "+") == 0 && type_is_number(right->type)) {
        *expr_out = right;
        return ST_OK;
    }
    func_count = bind__functions_by_name(function_of_operator(op, left == NULL), true, funcs,
                                         FUNCS_OF_A_NAME_MAX);
    return resolve_operator(b, op, func_count, funcs, left, right, offset, expr_out);
}

/* --- comparisons --- */

bool bind__comparison_by_name(const char *op, FuncId *func_out)
{
    static const FuncId funcs[] = {FUNC_EQ, FUNC_NE, FUNC_LT, FUNC_LE, FUNC_GT, FUNC_GE};

    for (uint32_t i = 0; i < sizeof funcs / sizeof *funcs; i++)
        if (strcmp(op, func_name(funcs[i])) == 0) {
            *func_out = funcs[i];
            return true;
        }
    return false;
}

static bool integer_fits(const Value *value, Type type)
{
    Int128 number = value_as_int128(value);

    switch (type.id) {
    case TYPE_INT2:
        return number >= INT16_MIN && number <= INT16_MAX;
    case TYPE_INT4:
        return number >= INT32_MIN && number <= INT32_MAX;
    default:
        return true;
    }
}

/* smallint_column = 5: the constant takes the column's type, so that the column stays bare. */
static bool narrow_constant(const Expr *column, const Expr *constant)
{
    return column->kind != EXPR_CONST && constant->kind == EXPR_CONST && !constant->value.is_null &&
           type_is_integer(column->type) && type_is_integer(constant->type) &&
           integer_fits(&constant->value, column->type);
}

static Status unify_resolved(Binder *b, TypeId type, const Expr **left, const Expr **right)
{
    const Expr **sides[2] = {left, right};

    for (uint32_t i = 0; i < 2; i++) {
        bool is_text = type == TYPE_TEXT && type_is_text((*sides[i])->type);
        bool is_number = type == TYPE_DECIMAL && !bind__is_unknown(*sides[i]);

        if (!is_text && !is_number)
            TRY(bind__coerce(b, *sides[i], type_of(type), sides[i]));
    }
    return type == TYPE_DECIMAL ? bind__unify_decimals(b, left, right) : ST_OK;
}

/* A literal or varchar beside a char(n) is compared as one: blanks behind do not count. */
static Status as_char(Binder *b, const Expr *beside, const Expr **expr)
{
    if (beside->type.id != TYPE_CHAR ||
        !(bind__is_unknown_text(*expr) || (*expr)->type.id == TYPE_VARCHAR))
        return ST_OK;
    return bind__coerce(b, *expr, type_of(TYPE_CHAR), expr);
}

/* Every type is compared with itself; varchar and char as text. */
static TypeId compared_type(const Expr *expr)
{
    return type_is_text(expr->type) ? TYPE_TEXT : (TypeId)expr->type.id;
}

Status bind__unify_comparison(Binder *b, FuncId func, const Expr **left, const Expr **right,
                              int32_t offset)
{
    bool is_distinct = func == FUNC_DISTINCT_FROM || func == FUNC_NOT_DISTINCT_FROM;
    FuncId op = is_distinct ? FUNC_EQ : func;
    const Expr *args[2] = {*left, *right};
    Signature signature;
    ResolveResult result;

    if (narrow_constant(*left, *right))
        return bind__coerce(b, *right, (*left)->type, right);
    if (narrow_constant(*right, *left))
        return bind__coerce(b, *left, (*right)->type, left);
    if (bind__is_unknown(*left) && bind__is_unknown(*right))
        return unify_resolved(b, TYPE_TEXT, left, right);
    TRY(as_char(b, *left, right));
    TRY(as_char(b, *right, left));
    if (bind__is_unknown(*left) || bind__is_unknown(*right) ||
        (*left)->type.id == (*right)->type.id)
        return unify_resolved(b, compared_type(bind__is_unknown(*left) ? *right : *left), left,
                              right);
    result = bind__resolve_overload(1, &op, 2, args, true, &signature);
    if (result != RESOLVE_OK)
        return operator_error(b, result, func_name(op), *left, *right, offset);
    return unify_resolved(b, signature.args[0], left, right);
}

Status bind__make_comparison(Binder *b, FuncId func, const Expr *left, const Expr *right,
                             int32_t offset, const Expr **expr_out)
{
    TRY(bind__unify_comparison(b, func, &left, &right, offset));
    *expr_out =
        bind__expr_at(b, expr_call2(b->arena, func, type_of(TYPE_BOOL), left, right), offset);
    return ST_OK;
}

Status bind__operator(Binder *b, Scope *scope, const AstOp *op, const Expr **expr_out)
{
    const Expr *left = NULL, *right;
    FuncId func;

    if (op->op.schema != NULL)
        return bind__fail_at(b, op->head.offset, ST_BAD_INPUT, "3F000",
                             "schema \"%s\" does not exist", op->op.schema);
    if (op->left != NULL && bind__comparison_by_name(op->op.name, &func))
        return bind__comparison(b, scope, func, op->left, op->right, op->head.offset, expr_out);
    if (op->left != NULL)
        TRY(bind__expr(b, scope, op->left, &left));
    TRY(bind__expr(b, scope, op->right, &right));
    return bind__make_operator(b, op->op.name, left, right, op->head.offset, expr_out);
}
