/*
 * ast_print_expr.c -- expressions as text: one small function a kind, print__expr chooses
 */
#include <inttypes.h>
#include <string.h>

#include "sql/parser/ast_print_internal.h"
#include "sql/parser/sql_keywords.h"

void print__exprs(StrBuf *buf, const AstExprs *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        print__expr(buf, exprs->items[i]);
    }
}

void print__names(StrBuf *buf, const AstNames *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        sql_add_name(buf, names->items[i]);
    }
}

void print__bracketed_names(StrBuf *buf, const AstNames *names)
{
    if (names->count == 0)
        return;
    strbuf_puts(buf, " (");
    print__names(buf, names);
    strbuf_putc(buf, ')');
}

void print__name(StrBuf *buf, const AstName *name)
{
    if (name->schema != NULL) {
        sql_add_name(buf, name->schema);
        strbuf_putc(buf, '.');
    }
    sql_add_name(buf, name->name);
}

static void print_column(StrBuf *buf, const AstColumn *column)
{
    for (uint32_t i = 0; i < column->names.count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ".");
        sql_add_name(buf, column->names.items[i]);
    }
    if (column->is_star)
        strbuf_puts(buf, column->names.count == 0 ? "*" : ".*");
}

static void print_const(StrBuf *buf, const AstConst *constant)
{
    switch (constant->const_kind) {
    case AST_CONST_NULL:
        strbuf_puts(buf, "NULL");
        break;
    case AST_CONST_BOOL:
        strbuf_puts(buf, constant->boolean ? "TRUE" : "FALSE");
        break;
    case AST_CONST_INTEGER:
        strbuf_printf(buf, "%" PRId32, constant->integer);
        break;
    case AST_CONST_NUMBER:
        strbuf_puts(buf, constant->text);
        break;
    case AST_CONST_STRING:
        sql_add_string(buf, constant->text);
        break;
    case AST_CONST_BITS: /* b1010: the prefix stands in the text */
        strbuf_putc(buf, constant->text[0]);
        sql_add_string(buf, constant->text + 1);
        break;
    }
}

static void print_operator(StrBuf *buf, const AstName *op)
{
    if (op->schema == NULL) {
        strbuf_puts(buf, op->name);
        return;
    }
    strbuf_puts(buf, "OPERATOR(");
    sql_add_name(buf, op->schema);
    strbuf_printf(buf, ".%s)", op->name);
}

/* Chains are deep on the left: brackets first, then left to right, without recursion. */
static void print_op(StrBuf *buf, const AstOp *op)
{
    const AstOp *leftmost = op;
    uint32_t count = 1;
    const AstOp **chain;

    while (ast_as_op(leftmost->left) != NULL) {
        leftmost = ast_as_op(leftmost->left);
        count++;
    }
    chain = ARENA_ARRAY(buf->arena, const AstOp *, count);
    for (uint32_t i = count; i > 0; i--, op = ast_as_op(op->left)) {
        chain[i - 1] = op;
        strbuf_putc(buf, '(');
    }
    if (leftmost->left != NULL) {
        print__expr(buf, leftmost->left);
        strbuf_putc(buf, ' ');
    }
    for (uint32_t i = 0; i < count; i++) {
        strbuf_puts(buf, i == 0 ? "" : " ");
        print_operator(buf, &chain[i]->op);
        strbuf_putc(buf, ' ');
        print__expr(buf, chain[i]->right);
        strbuf_putc(buf, ')');
    }
}

static void print_logic(StrBuf *buf, const AstLogic *logic)
{
    strbuf_puts(buf, logic->logic == AST_LOGIC_NOT ? "(NOT " : "(");
    for (uint32_t i = 0; i < logic->args.count; i++) {
        if (i > 0)
            strbuf_puts(buf, logic->logic == AST_LOGIC_AND ? " AND " : " OR ");
        print__expr(buf, logic->args.items[i]);
    }
    strbuf_putc(buf, ')');
}

static void print_args(StrBuf *buf, const AstFunc *func)
{
    strbuf_puts(buf, func->is_star ? "*" : func->is_distinct ? "DISTINCT " : "");
    for (uint32_t i = 0; i < func->arg_count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        if (func->is_variadic && i + 1 == func->arg_count)
            strbuf_puts(buf, "VARIADIC ");
        if (func->args[i].name != NULL) {
            sql_add_name(buf, func->args[i].name);
            strbuf_puts(buf, " => ");
        }
        print__expr(buf, func->args[i].expr);
    }
}

/* current_date and its like: words of the grammar, without brackets unless there is a precision. */
static bool is_value_function(const AstFunc *func)
{
    return func->is_syntax && func->arg_count <= 1 &&
           (strncmp(func->name.name, "current_", strlen("current_")) == 0 ||
            strncmp(func->name.name, "localtime", strlen("localtime")) == 0 ||
            strcmp(func->name.name, "user") == 0 || strcmp(func->name.name, "session_user") == 0);
}

static void print_func(StrBuf *buf, const AstFunc *func)
{
    if (is_value_function(func)) {
        strbuf_puts(buf, func->name.name);
        if (func->arg_count == 0)
            return;
    } else {
        print__name(buf, &func->name);
    }
    strbuf_putc(buf, '(');
    print_args(buf, func);
    if (!func->is_within_group)
        print__sort_keys(buf, &func->order_by);
    strbuf_putc(buf, ')');
    if (func->is_within_group) {
        strbuf_puts(buf, " WITHIN GROUP (");
        print__sort_keys(buf, &func->order_by);
        strbuf_putc(buf, ')');
    }
    if (func->filter != NULL) {
        strbuf_puts(buf, " FILTER (WHERE ");
        print__expr(buf, func->filter);
        strbuf_putc(buf, ')');
    }
    if (func->over != NULL) {
        strbuf_puts(buf, " OVER ");
        if (func->over->name != NULL)
            sql_add_name(buf, func->over->name);
        else
            print__window(buf, func->over);
    }
}

static void print_extract(StrBuf *buf, const AstExtract *extract)
{
    strbuf_puts(buf, "EXTRACT(");
    sql_add_string(buf, extract->field);
    strbuf_puts(buf, " FROM ");
    print__expr(buf, extract->arg);
    strbuf_putc(buf, ')');
}

static void print_cast(StrBuf *buf, const AstCast *cast)
{
    strbuf_puts(buf, "CAST(");
    print__expr(buf, cast->arg);
    strbuf_puts(buf, " AS ");
    print__type(buf, cast->type);
    strbuf_putc(buf, ')');
}

static void print_case(StrBuf *buf, const AstCase *case_expr)
{
    strbuf_puts(buf, "CASE");
    if (case_expr->arg != NULL) {
        strbuf_putc(buf, ' ');
        print__expr(buf, case_expr->arg);
    }
    for (uint32_t i = 0; i < case_expr->when_count; i++) {
        strbuf_puts(buf, " WHEN ");
        print__expr(buf, case_expr->whens[i].condition);
        strbuf_puts(buf, " THEN ");
        print__expr(buf, case_expr->whens[i].result);
    }
    if (case_expr->otherwise != NULL) {
        strbuf_puts(buf, " ELSE ");
        print__expr(buf, case_expr->otherwise);
    }
    strbuf_puts(buf, " END");
}

static void print_choice(StrBuf *buf, const AstChoice *choice)
{
    static const char *const words[] = {"COALESCE", "NULLIF", "GREATEST", "LEAST"};

    strbuf_printf(buf, "%s(", words[choice->choice]);
    print__exprs(buf, &choice->args);
    strbuf_putc(buf, ')');
}

static void print_in_list(StrBuf *buf, const AstInList *in)
{
    strbuf_putc(buf, '(');
    print__expr(buf, in->arg);
    strbuf_puts(buf, in->is_negated ? " NOT IN (" : " IN (");
    print__exprs(buf, &in->items);
    strbuf_puts(buf, "))");
}

static void print_between(StrBuf *buf, const AstBetween *between)
{
    strbuf_putc(buf, '(');
    print__expr(buf, between->arg);
    strbuf_puts(buf, between->is_negated ? " NOT BETWEEN " : " BETWEEN ");
    strbuf_puts(buf, between->is_symmetric ? "SYMMETRIC " : "");
    print__expr(buf, between->low);
    strbuf_puts(buf, " AND ");
    print__expr(buf, between->high);
    strbuf_putc(buf, ')');
}

static void print_like(StrBuf *buf, const AstLike *like)
{
    static const char *const words[] = {"LIKE", "ILIKE", "SIMILAR TO"};

    strbuf_putc(buf, '(');
    print__expr(buf, like->arg);
    strbuf_printf(buf, " %s%s ", like->is_negated ? "NOT " : "", words[like->like]);
    print__expr(buf, like->pattern);
    if (like->escape != NULL) {
        strbuf_puts(buf, " ESCAPE ");
        print__expr(buf, like->escape);
    }
    strbuf_putc(buf, ')');
}

static void print_is(StrBuf *buf, const AstIs *is)
{
    static const char *const words[] = {"NULL", "TRUE", "FALSE", "UNKNOWN"};

    strbuf_putc(buf, '(');
    print__expr(buf, is->arg);
    strbuf_printf(buf, " IS %s%s)", is->is_negated ? "NOT " : "", words[is->is]);
}

static void print_is_distinct(StrBuf *buf, const AstIsDistinct *is)
{
    strbuf_putc(buf, '(');
    print__expr(buf, is->left);
    strbuf_printf(buf, " IS %sDISTINCT FROM ", is->is_negated ? "NOT " : "");
    print__expr(buf, is->right);
    strbuf_putc(buf, ')');
}

static void print_subquery(StrBuf *buf, const AstSubquery *subquery)
{
    static const char *const words[] = {"", "EXISTS ", "IN ", "ANY ", "ALL ", "ARRAY"};

    if (subquery->arg != NULL) {
        strbuf_putc(buf, '(');
        print__expr(buf, subquery->arg);
        strbuf_putc(buf, ' ');
    }
    if (subquery->op.name != NULL) {
        print_operator(buf, &subquery->op);
        strbuf_putc(buf, ' ');
    }
    strbuf_printf(buf, "%s(", words[subquery->subquery]);
    print__select(buf, subquery->select);
    strbuf_puts(buf, subquery->arg != NULL ? "))" : ")");
}

static void print_quantified(StrBuf *buf, const AstQuantified *quantified)
{
    strbuf_putc(buf, '(');
    print__expr(buf, quantified->arg);
    strbuf_putc(buf, ' ');
    print_operator(buf, &quantified->op);
    strbuf_puts(buf, quantified->is_all ? " ALL (" : " ANY (");
    print__expr(buf, quantified->array);
    strbuf_puts(buf, "))");
}

static void print_row(StrBuf *buf, const AstRow *row)
{
    strbuf_puts(buf, row->is_explicit ? "ROW(" : "(");
    print__exprs(buf, &row->items);
    strbuf_putc(buf, ')');
}

static void print_array(StrBuf *buf, const AstArray *array)
{
    strbuf_puts(buf, "ARRAY[");
    print__exprs(buf, &array->items);
    strbuf_putc(buf, ']');
}

static void print_collate(StrBuf *buf, const AstCollate *collate)
{
    strbuf_putc(buf, '(');
    print__expr(buf, collate->arg);
    strbuf_puts(buf, " COLLATE ");
    print__name(buf, &collate->collation);
    strbuf_putc(buf, ')');
}

static void print_grouping_set(StrBuf *buf, const AstGroupingSet *set)
{
    static const char *const words[] = {"", "ROLLUP ", "CUBE ", "GROUPING SETS "};

    strbuf_printf(buf, "%s(", words[set->grouping]);
    print__exprs(buf, &set->items);
    strbuf_putc(buf, ')');
}

void print__expr(StrBuf *buf, const AstExpr *expr)
{
    switch (expr->kind) {
    case AST_COLUMN:
        print_column(buf, ast_as_column(expr));
        break;
    case AST_CONST:
        print_const(buf, ast_as_const(expr));
        break;
    case AST_PARAM:
        strbuf_printf(buf, "$%u", ast_as_param(expr)->number);
        break;
    case AST_OP:
        print_op(buf, ast_as_op(expr));
        break;
    case AST_LOGIC:
        print_logic(buf, ast_as_logic(expr));
        break;
    case AST_FUNC:
        print_func(buf, ast_as_func(expr));
        break;
    case AST_EXTRACT:
        print_extract(buf, ast_as_extract(expr));
        break;
    case AST_CAST:
        print_cast(buf, ast_as_cast(expr));
        break;
    case AST_CASE:
        print_case(buf, ast_as_case(expr));
        break;
    case AST_CHOICE:
        print_choice(buf, ast_as_choice(expr));
        break;
    case AST_IN_LIST:
        print_in_list(buf, ast_as_in_list(expr));
        break;
    case AST_BETWEEN:
        print_between(buf, ast_as_between(expr));
        break;
    case AST_LIKE:
        print_like(buf, ast_as_like(expr));
        break;
    case AST_IS:
        print_is(buf, ast_as_is(expr));
        break;
    case AST_IS_DISTINCT:
        print_is_distinct(buf, ast_as_is_distinct(expr));
        break;
    case AST_SUBQUERY:
        print_subquery(buf, ast_as_subquery(expr));
        break;
    case AST_QUANTIFIED:
        print_quantified(buf, ast_as_quantified(expr));
        break;
    case AST_ROW:
        print_row(buf, ast_as_row(expr));
        break;
    case AST_ARRAY:
        print_array(buf, ast_as_array(expr));
        break;
    case AST_COLLATE:
        print_collate(buf, ast_as_collate(expr));
        break;
    case AST_GROUPING_SET:
        print_grouping_set(buf, ast_as_grouping_set(expr));
        break;
    case AST_OTHER:
        strbuf_printf(buf, "<%s>", ast_as_other(expr)->what);
        break;
    }
}

const char *ast_print_expr(Arena *arena, const AstExpr *expr)
{
    StrBuf buf = {.arena = arena};

    print__expr(&buf, expr);
    return strbuf_text(&buf);
}
