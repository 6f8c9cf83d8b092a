/*
 * pg_to_ast_expr.c -- expressions: one small function a kind, pg__expr chooses
 *
 * Operators are in pg_to_ast_op.c, calls in pg_to_ast_func.c.
 */
#include <string.h>

#include "sql/parser/parse.h"
#include "sql/parser/pg_to_ast_internal.h"

void *pg__new_expr(PgToAst *c, size_t struct_bytes, AstExprKind kind, int32_t offset)
{
    AstExpr *head = arena_alloc(c->arena, struct_bytes);

    *head = (AstExpr){.kind = kind, .offset = offset};
    return head;
}

Status pg__enter(PgToAst *c, int32_t offset)
{
    if (c->depth == AST_DEPTH_MAX) {
        Status status = error_set_state(c->err, ST_BAD_INPUT, "54001", "statement too complex");

        error_detail(c->err, "Its expressions and subqueries are more than %d levels deep.",
                     (int)AST_DEPTH_MAX);
        error_at(c->err, offset);
        return status;
    }
    c->depth++;
    if (c->depth > c->depth_max)
        c->depth_max = c->depth;
    return ST_OK;
}

void pg__leave(PgToAst *c)
{
    c->depth--;
}

Status pg__not_supported(PgToAst *c, int32_t offset, const char *what)
{
    Status status = error_set(c->err, ST_NOT_SUPPORTED, "not supported: %s", what);

    error_at(c->err, offset);
    return status;
}

Status pg__unexpected(PgToAst *c, const char *where)
{
    return error_set(c->err, ST_INTERNAL, "the parser returned an unexpected node in %s", where);
}

Status pg__exprs(PgToAst *c, size_t count, PgQuery__Node *const *nodes, AstExprs *out)
{
    const AstExpr **items = ARENA_ARRAY(c->arena, const AstExpr *, count);

    *out = (AstExprs){.count = 0};
    for (size_t i = 0; i < count; i++) {
        TRY(pg__expr(c, nodes[i], &items[i]));
        if (items[i] == NULL)
            return pg__unexpected(c, "a list of expressions");
    }
    *out = (AstExprs){.count = (uint32_t)count, .items = items};
    return ST_OK;
}

/* "not supported: <what>" is for the binder to say: the node keeps its place. */
static Status other(PgToAst *c, int32_t offset, const char *what, const AstExpr **out)
{
    AstOther *expr = PG_EXPR(c, AstOther, AST_OTHER, offset);

    expr->what = what;
    *out = &expr->head;
    return ST_OK;
}

static Status column(PgToAst *c, const PgQuery__ColumnRef *ref, const AstExpr **out)
{
    AstColumn *expr = PG_EXPR(c, AstColumn, AST_COLUMN, ref->location);
    size_t count = ref->n_fields;

    expr->is_star = count > 0 && ref->fields[count - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
    expr->names = pg__names(c, expr->is_star ? count - 1 : count, ref->fields);
    *out = &expr->head;
    return ST_OK;
}

static void set_const_text(PgToAst *c, AstConst *expr, AstConstKind kind, const char *text)
{
    size_t bytes = strlen(text);

    expr->const_kind = kind;
    expr->text = arena_strndup(c->arena, text, bytes);
    expr->text_bytes = (uint32_t)bytes;
}

/* The grammar negates 2147483648 as text; the result is an int4 all the same. */
static void set_number(PgToAst *c, AstConst *expr, const char *text)
{
    if (strcmp(text, "-2147483648") == 0) {
        expr->const_kind = AST_CONST_INTEGER;
        expr->integer = INT32_MIN;
    } else {
        set_const_text(c, expr, AST_CONST_NUMBER, text);
    }
}

static Status constant(PgToAst *c, const PgQuery__AConst *value, const AstExpr **out)
{
    AstConst *expr = PG_EXPR(c, AstConst, AST_CONST, value->location);

    switch (value->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        expr->const_kind = AST_CONST_INTEGER;
        expr->integer = value->ival->ival;
        break;
    case PG_QUERY__A__CONST__VAL_FVAL:
        set_number(c, expr, value->fval->fval);
        break;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        expr->const_kind = AST_CONST_BOOL;
        expr->boolean = value->boolval->boolval;
        break;
    case PG_QUERY__A__CONST__VAL_SVAL:
        set_const_text(c, expr, AST_CONST_STRING, value->sval->sval);
        break;
    case PG_QUERY__A__CONST__VAL_BSVAL:
        set_const_text(c, expr, AST_CONST_BITS, value->bsval->bsval);
        break;
    default:
        expr->const_kind = AST_CONST_NULL;
        break;
    }
    *out = &expr->head;
    return ST_OK;
}

static Status param(PgToAst *c, const PgQuery__ParamRef *ref, const AstExpr **out)
{
    AstParam *expr = PG_EXPR(c, AstParam, AST_PARAM, ref->location);

    if (ref->number < 1) {
        Status status = error_set_state(c->err, ST_BAD_INPUT, "42P02", "there is no parameter $%d",
                                        (int)ref->number);

        error_at(c->err, ref->location);
        return status;
    }
    expr->number = (uint32_t)ref->number;
    if (expr->number > c->param_count)
        c->param_count = expr->number;
    *out = &expr->head;
    return ST_OK;
}

static Status logic(PgToAst *c, const PgQuery__BoolExpr *bool_expr, const AstExpr **out)
{
    AstLogic *expr = PG_EXPR(c, AstLogic, AST_LOGIC, bool_expr->location);

    expr->logic = bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? AST_LOGIC_AND
                  : bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? AST_LOGIC_OR
                                                                           : AST_LOGIC_NOT;
    TRY(pg__exprs(c, bool_expr->n_args, bool_expr->args, &expr->args));
    *out = &expr->head;
    return ST_OK;
}

static Status cast(PgToAst *c, const PgQuery__TypeCast *type_cast, const AstExpr **out)
{
    AstCast *expr = PG_EXPR(c, AstCast, AST_CAST, type_cast->location);

    TRY(pg__expr(c, type_cast->arg, &expr->arg));
    if (expr->arg == NULL || type_cast->type_name == NULL)
        return pg__unexpected(c, "a cast");
    TRY(pg__type(c, type_cast->type_name, &expr->type));
    /* type 'literal' has no place of its own: its type's then */
    if (expr->head.offset < 0)
        expr->head.offset = expr->type->offset;
    *out = &expr->head;
    return ST_OK;
}

static Status when(PgToAst *c, const PgQuery__Node *node, AstWhen *out)
{
    if (node->node_case != PG_QUERY__NODE__NODE_CASE_WHEN)
        return pg__unexpected(c, "CASE");
    out->offset = node->case_when->location;
    TRY(pg__expr(c, node->case_when->expr, &out->condition));
    TRY(pg__expr(c, node->case_when->result, &out->result));
    if (out->condition == NULL || out->result == NULL)
        return pg__unexpected(c, "WHEN");
    return ST_OK;
}

static Status case_when(PgToAst *c, const PgQuery__CaseExpr *case_expr, const AstExpr **out)
{
    AstCase *expr = PG_EXPR(c, AstCase, AST_CASE, case_expr->location);
    AstWhen *whens = ARENA_ARRAY(c->arena, AstWhen, case_expr->n_args);

    TRY(pg__expr(c, case_expr->arg, &expr->arg));
    for (size_t i = 0; i < case_expr->n_args; i++)
        TRY(when(c, case_expr->args[i], &whens[i]));
    expr->when_count = (uint32_t)case_expr->n_args;
    expr->whens = whens;
    TRY(pg__expr(c, case_expr->defresult, &expr->otherwise));
    *out = &expr->head;
    return ST_OK;
}

static Status choice(PgToAst *c, AstChoiceKind kind, int32_t offset, size_t count,
                     PgQuery__Node *const *args, const AstExpr **out)
{
    AstChoice *expr = PG_EXPR(c, AstChoice, AST_CHOICE, offset);

    expr->choice = kind;
    TRY(pg__exprs(c, count, args, &expr->args));
    *out = &expr->head;
    return ST_OK;
}

static Status coalesce(PgToAst *c, const PgQuery__CoalesceExpr *expr, const AstExpr **out)
{
    return choice(c, AST_CHOICE_COALESCE, expr->location, expr->n_args, expr->args, out);
}

static Status min_max(PgToAst *c, const PgQuery__MinMaxExpr *expr, const AstExpr **out)
{
    AstChoiceKind kind =
        expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? AST_CHOICE_GREATEST : AST_CHOICE_LEAST;

    return choice(c, kind, expr->location, expr->n_args, expr->args, out);
}

static Status is(PgToAst *c, AstIsKind kind, bool is_negated, const PgQuery__Node *arg,
                 int32_t offset, const AstExpr **out)
{
    AstIs *expr = PG_EXPR(c, AstIs, AST_IS, offset);

    expr->is = kind;
    expr->is_negated = is_negated;
    TRY(pg__expr(c, arg, &expr->arg));
    if (expr->arg == NULL)
        return pg__unexpected(c, "IS");
    *out = &expr->head;
    return ST_OK;
}

static Status null_test(PgToAst *c, const PgQuery__NullTest *test, const AstExpr **out)
{
    bool is_negated = test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;

    return is(c, AST_IS_NULL, is_negated, test->arg, test->location, out);
}

static Status boolean_test(PgToAst *c, const PgQuery__BooleanTest *test, const AstExpr **out)
{
    switch (test->booltesttype) {
    case PG_QUERY__BOOL_TEST_TYPE__IS_TRUE:
        return is(c, AST_IS_TRUE, false, test->arg, test->location, out);
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE:
        return is(c, AST_IS_TRUE, true, test->arg, test->location, out);
    case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE:
        return is(c, AST_IS_FALSE, false, test->arg, test->location, out);
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE:
        return is(c, AST_IS_FALSE, true, test->arg, test->location, out);
    case PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN:
        return is(c, AST_IS_UNKNOWN, false, test->arg, test->location, out);
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN:
        return is(c, AST_IS_UNKNOWN, true, test->arg, test->location, out);
    default:
        return pg__unexpected(c, "IS");
    }
}

/* ANY without an operator is IN. */
static AstSubqueryKind subquery_kind(const PgQuery__SubLink *link)
{
    switch (link->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        return AST_SUBQUERY_EXISTS;
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
        return AST_SUBQUERY_ALL;
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
        return link->n_oper_name == 0 ? AST_SUBQUERY_IN : AST_SUBQUERY_ANY;
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
        return AST_SUBQUERY_ARRAY;
    default:
        return AST_SUBQUERY_SCALAR;
    }
}

static Status subquery(PgToAst *c, const PgQuery__SubLink *link, const AstExpr **out)
{
    AstSubquery *expr = PG_EXPR(c, AstSubquery, AST_SUBQUERY, link->location);

    expr->subquery = subquery_kind(link);
    TRY(pg__expr(c, link->testexpr, &expr->arg));
    if (link->n_oper_name > 0)
        expr->op = pg__name(c, link->n_oper_name, link->oper_name, link->location);
    if (link->subselect == NULL)
        return pg__unexpected(c, "a subquery");
    TRY(pg__select_node(c, link->subselect, &expr->select));
    *out = &expr->head;
    return ST_OK;
}

static Status row(PgToAst *c, const PgQuery__RowExpr *row_expr, const AstExpr **out)
{
    AstRow *expr = PG_EXPR(c, AstRow, AST_ROW, row_expr->location);

    expr->is_explicit = row_expr->row_format == PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
    TRY(pg__exprs(c, row_expr->n_args, row_expr->args, &expr->items));
    *out = &expr->head;
    return ST_OK;
}

static Status array(PgToAst *c, const PgQuery__AArrayExpr *array_expr, const AstExpr **out)
{
    AstArray *expr = PG_EXPR(c, AstArray, AST_ARRAY, array_expr->location);

    TRY(pg__exprs(c, array_expr->n_elements, array_expr->elements, &expr->items));
    *out = &expr->head;
    return ST_OK;
}

static Status collate(PgToAst *c, const PgQuery__CollateClause *clause, const AstExpr **out)
{
    AstCollate *expr = PG_EXPR(c, AstCollate, AST_COLLATE, clause->location);

    TRY(pg__expr(c, clause->arg, &expr->arg));
    if (expr->arg == NULL)
        return pg__unexpected(c, "COLLATE");
    expr->collation = pg__name(c, clause->n_collname, clause->collname, clause->location);
    *out = &expr->head;
    return ST_OK;
}

static Status grouping_set(PgToAst *c, const PgQuery__GroupingSet *set, const AstExpr **out)
{
    AstGroupingSet *expr = PG_EXPR(c, AstGroupingSet, AST_GROUPING_SET, set->location);

    expr->grouping =
        set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_ROLLUP ? AST_GROUPING_ROLLUP
        : set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE ? AST_GROUPING_CUBE
        : set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS ? AST_GROUPING_SETS
                                                                      : AST_GROUPING_EMPTY;
    TRY(pg__exprs(c, set->n_content, set->content, &expr->items));
    *out = &expr->head;
    return ST_OK;
}

/* x[1], (row).field, (row).*: placed at what they select from. */
static Status indirection(PgToAst *c, const PgQuery__AIndirection *indirect, const AstExpr **out)
{
    const AstExpr *arg;
    bool is_subscript = indirect->n_indirection > 0 &&
                        indirect->indirection[0]->node_case == PG_QUERY__NODE__NODE_A_INDICES;

    TRY(pg__expr(c, indirect->arg, &arg));
    return other(c, arg == NULL ? -1 : arg->offset,
                 is_subscript ? "array subscripts" : "selecting a field of a row", out);
}

static Status convert(PgToAst *c, const PgQuery__Node *node, const AstExpr **out)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return column(c, node->column_ref, out);
    case PG_QUERY__NODE__NODE_A_CONST:
        return constant(c, node->a_const, out);
    case PG_QUERY__NODE__NODE_PARAM_REF:
        return param(c, node->param_ref, out);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return pg__a_expr(c, node->a_expr, out);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return logic(c, node->bool_expr, out);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return pg__func(c, node->func_call, out);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return pg__value_function(c, node->sqlvalue_function, out);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return cast(c, node->type_cast, out);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return case_when(c, node->case_expr, out);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return coalesce(c, node->coalesce_expr, out);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return min_max(c, node->min_max_expr, out);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return null_test(c, node->null_test, out);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return boolean_test(c, node->boolean_test, out);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return subquery(c, node->sub_link, out);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return row(c, node->row_expr, out);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        return array(c, node->a_array_expr, out);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return collate(c, node->collate_clause, out);
    case PG_QUERY__NODE__NODE_GROUPING_SET:
        return grouping_set(c, node->grouping_set, out);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        return indirection(c, node->a_indirection, out);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return other(c, node->grouping_func->location, "GROUPING", out);
    case PG_QUERY__NODE__NODE_XML_EXPR:
        return other(c, node->xml_expr->location, "XML expressions", out);
    case PG_QUERY__NODE__NODE_XML_SERIALIZE:
        return other(c, node->xml_serialize->location, "XML expressions", out);
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
        return other(c, node->set_to_default->location, "DEFAULT in this place", out);
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR:
        return other(c, -1, "WHERE CURRENT OF", out);
    default:
        return other(c, -1, "this kind of expression", out);
    }
}

Status pg__expr(PgToAst *c, const PgQuery__Node *node, const AstExpr **out)
{
    *out = NULL;
    if (node == NULL || node->node_case == PG_QUERY__NODE__NODE__NOT_SET)
        return ST_OK;
    TRY(pg__enter(c, -1));
    TRY(convert(c, node, out));
    pg__leave(c);
    return ST_OK;
}
