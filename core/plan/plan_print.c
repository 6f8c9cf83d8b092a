/* plan_print.c -- plans and expressions as text for people and golden tests */
#include "core/base/invariant.h"
#include "core/plan/plan.h"

static void print_expr(StrBuf *buf, const Expr *expr, uint32_t indent);
static void print_plan(StrBuf *buf, const Plan *plan, uint32_t indent);

static void print_args(StrBuf *buf, const Expr *expr, uint32_t first, const char *separator,
                       uint32_t indent)
{
    for (uint32_t i = first; i < expr->arg_count; i++) {
        if (i > first)
            strbuf_puts(buf, separator);
        print_expr(buf, expr->args[i], indent);
    }
}

static void print_value(StrBuf *buf, const Value *value)
{
    if (value->is_null)
        strbuf_puts(buf, "null");
    else if (type_phys(value->type) == PHYS_STR)
        strbuf_printf(buf, "'%.*s'", (int)value->str.length, str_bytes(&value->str));
    else if (type_phys(value->type) == PHYS_INTERVAL)
        strbuf_printf(buf, "interval(%d, %d, %lld)", value->interval.months, value->interval.days,
                      (long long)value->interval.micros);
    else
        strbuf_printf(buf, "%.15g", value_as_double(value));
}

static bool is_infix(FuncId func)
{
    switch (func) {
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
    case FUNC_DIV:
    case FUNC_MOD:
    case FUNC_LIKE:
    case FUNC_ILIKE:
    case FUNC_CONCAT_OP:
    case FUNC_DISTINCT_FROM:
    case FUNC_NOT_DISTINCT_FROM:
        return true;
    default:
        return false;
    }
}

static bool is_postfix(FuncId func)
{
    return func == FUNC_IS_NULL || func == FUNC_IS_NOT_NULL || func == FUNC_IS_TRUE ||
           func == FUNC_IS_FALSE;
}

static void print_case(StrBuf *buf, const Expr *expr, uint32_t indent)
{
    strbuf_puts(buf, "case");
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        strbuf_puts(buf, " when ");
        print_expr(buf, expr->args[i], indent);
        strbuf_puts(buf, " then ");
        print_expr(buf, expr->args[i + 1], indent);
    }
    if (expr->arg_count % 2 == 1) {
        strbuf_puts(buf, " else ");
        print_expr(buf, expr->args[expr->arg_count - 1], indent);
    }
    strbuf_puts(buf, " end");
}

static void print_call(StrBuf *buf, const Expr *expr, uint32_t indent)
{
    const char *name = func_name(expr->func);

    if (expr->func == FUNC_CASE) {
        print_case(buf, expr, indent);
    } else if (expr->func == FUNC_CAST) {
        print_args(buf, expr, 0, ", ", indent);
        strbuf_printf(buf, "::%s", type_name(buf->arena, expr->type));
    } else if (expr->func == FUNC_IN && expr->arg_count > 0) {
        print_expr(buf, expr->args[0], indent);
        strbuf_puts(buf, " in (");
        print_args(buf, expr, 1, ", ", indent);
        strbuf_putc(buf, ')');
    } else if (is_infix(expr->func) && expr->arg_count >= 2) {
        strbuf_putc(buf, '(');
        print_args(buf, expr, 0, arena_printf(buf->arena, " %s ", name), indent);
        strbuf_putc(buf, ')');
    } else if (is_postfix(expr->func)) {
        print_args(buf, expr, 0, ", ", indent);
        strbuf_printf(buf, " %s", name);
    } else {
        strbuf_printf(buf, "%s(", name);
        print_args(buf, expr, 0, ", ", indent);
        strbuf_putc(buf, ')');
    }
}

static void print_agg(StrBuf *buf, const Expr *expr, uint32_t indent)
{
    if (expr->agg == AGG_COUNT_STAR) {
        strbuf_puts(buf, "count(*)");
    } else {
        strbuf_printf(buf, "%s(%s", agg_name(expr->agg), expr->is_distinct ? "distinct " : "");
        print_args(buf, expr, 0, ", ", indent);
        strbuf_putc(buf, ')');
    }
    if (expr->filter != NULL) {
        strbuf_puts(buf, " filter (where ");
        print_expr(buf, expr->filter, indent);
        strbuf_putc(buf, ')');
    }
}

static void print_subquery(StrBuf *buf, const Expr *expr, uint32_t indent)
{
    static const char *const words[] = {[SUBQUERY_EXISTS] = "exists",
                                        [SUBQUERY_SCALAR] = "scalar",
                                        [SUBQUERY_ANY] = "any",
                                        [SUBQUERY_ALL] = "all"};

    if (expr->arg_count > 0) {
        strbuf_putc(buf, '(');
        print_args(buf, expr, 0, ", ", indent);
        strbuf_printf(buf, ") %s ", func_name(expr->func));
    }
    strbuf_printf(buf, "%s (\n", words[expr->subquery]);
    print_plan(buf, expr->plan, indent + 4);
    strbuf_printf(buf, "%*s)", (int)indent + 2, "");
}

static void print_expr(StrBuf *buf, const Expr *expr, uint32_t indent)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
        strbuf_printf(buf, "#%u", expr->column);
        return;
    case EXPR_CONST:
        print_value(buf, &expr->value);
        return;
    case EXPR_CALL:
        print_call(buf, expr, indent);
        return;
    case EXPR_AGG:
        print_agg(buf, expr, indent);
        return;
    case EXPR_SUBQUERY:
        print_subquery(buf, expr, indent);
        return;
    }
    UNREACHABLE("expression kind");
}

const char *expr_print(Arena *arena, const Expr *expr)
{
    StrBuf buf = {.arena = arena};

    if (expr == NULL)
        return "true";
    print_expr(&buf, expr, 0);
    return strbuf_text(&buf);
}

/* --- plans --- */

static void print_ids(StrBuf *buf, ColumnList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        strbuf_printf(buf, "%s#%u", i == 0 ? "" : ", ", list.ids[i]);
}

static void print_keys(StrBuf *buf, SortKeyList keys)
{
    for (uint32_t i = 0; i < keys.count; i++) {
        const SortKey *key = &keys.items[i];

        strbuf_printf(buf, "%s#%u%s%s", i == 0 ? "" : ", ", key->column,
                      key->is_descending ? " desc" : "",
                      key->nulls_first == key->is_descending ? ""
                      : key->nulls_first                     ? " nulls first"
                                                             : " nulls last");
    }
}

static void print_exprs(StrBuf *buf, ExprList list, uint32_t indent)
{
    for (uint32_t i = 0; i < list.count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        print_expr(buf, list.items[i], indent);
    }
}

static void print_rows_field(StrBuf *buf, ExprRows rows, uint32_t indent)
{
    enum { ROWS_SHOWN = 3 };

    strbuf_printf(buf, " %u row%s", rows.count, rows.count == 1 ? "" : "s");
    for (uint32_t i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
        strbuf_puts(buf, " (");
        print_exprs(buf, rows.items[i], indent);
        strbuf_putc(buf, ')');
    }
    if (rows.count > ROWS_SHOWN)
        strbuf_puts(buf, " ...");
}

/* Fields that every reader knows by their place need no name in front. */
static void print_field(StrBuf *buf, const Plan *plan, const PlanField *field, uint32_t indent)
{
    const void *at = (const char *)plan + field->offset;

#define AS(Type) (*(const Type *)at)
    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        if (*(const Expr *const *)at != NULL) {
            strbuf_printf(buf, " %s: ", field->name);
            print_expr(buf, *(const Expr *const *)at, indent);
        }
        return;
    case PLAN_FIELD_EXPRS:
        if (AS(ExprList).count > 0) {
            strbuf_printf(buf, " %s: ", field->name);
            print_exprs(buf, AS(ExprList), indent);
        }
        return;
    case PLAN_FIELD_ROWS:
        print_rows_field(buf, AS(ExprRows), indent);
        return;
    case PLAN_FIELD_COLUMNS:
        if (AS(ColumnList).count > 0) {
            strbuf_printf(buf, " %s: ", field->name);
            print_ids(buf, AS(ColumnList));
        }
        return;
    case PLAN_FIELD_KEYS:
        strbuf_printf(buf, " %s: ", field->name);
        print_keys(buf, AS(SortKeyList));
        return;
    case PLAN_FIELD_MAPS:
        for (uint32_t i = 0; i < plan->input_count; i++) {
            strbuf_puts(buf, i == 0 ? " [" : " [");
            print_ids(buf, (*(const ColumnList *const *)at)[i]);
            strbuf_putc(buf, ']');
        }
        return;
    case PLAN_FIELD_I64:
        if (AS(int64_t) != ALL_ROWS)
            strbuf_printf(buf, " %s: %lld", field->name, (long long)AS(int64_t));
        return;
    case PLAN_FIELD_BOOL:
        if (AS(bool))
            strbuf_printf(buf, " %s", field->name);
        return;
    case PLAN_FIELD_TEXT:
        if (*(const char *const *)at != NULL)
            strbuf_printf(buf, " %s", *(const char *const *)at);
        return;
    case PLAN_FIELD_TABLE:
        strbuf_printf(buf, " %s", AS(Table *)->name);
        return;
    case PLAN_FIELD_FILTERS:
        for (uint32_t i = 0; i < AS(RuntimeFilterList).count; i++)
            strbuf_printf(buf, " runtime filter %u: #%u", AS(RuntimeFilterList).items[i].id,
                          AS(RuntimeFilterList).items[i].column);
        return;
    case PLAN_FIELD_COLUMN:
    case PLAN_FIELD_INDEXES:
    case PLAN_FIELD_BOOLS:
    case PLAN_FIELD_ENUM:
    case PLAN_FIELD_NAMES:
    case PLAN_FIELD_OPTIONS:
        return; /* the columns, or the kind in front, say it */
    }
#undef AS
}

static void print_kind(StrBuf *buf, const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_JOIN:
        strbuf_printf(buf, "%s ", join_kind_name(((const PlanJoin *)plan)->kind));
        break;
    case PLAN_HASH_JOIN:
        strbuf_printf(buf, "%s ", join_kind_name(((const PlanHashJoin *)plan)->kind));
        break;
    case PLAN_NESTED_JOIN:
        strbuf_printf(buf, "%s ", join_kind_name(((const PlanNestedJoin *)plan)->kind));
        break;
    case PLAN_SETOP:
        strbuf_puts(buf,
                    ((const PlanSetop *)plan)->kind == SETOP_EXCEPT ? "Except " : "Intersect ");
        break;
    default:
        break;
    }
    strbuf_puts(buf, plan_kind_name(plan->kind));
}

static void print_columns(StrBuf *buf, const Plan *plan)
{
    strbuf_puts(buf, " -> (");
    for (uint32_t i = 0; i < plan->column_count; i++)
        strbuf_printf(buf, "%s%s#%u", i == 0 ? "" : ", ", plan->columns[i].name,
                      plan->columns[i].id);
    strbuf_putc(buf, ')');
    if (plan->estimated_rows >= 0)
        strbuf_printf(buf, " rows=%.0f", plan->estimated_rows);
}

static void print_node(StrBuf *buf, const Plan *plan, uint32_t indent)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);

    print_kind(buf, plan);
    for (uint32_t i = 0; i < info->field_count; i++)
        print_field(buf, plan, &info->fields[i], indent);
    print_columns(buf, plan);
}

static void print_plan(StrBuf *buf, const Plan *plan, uint32_t indent)
{
    strbuf_printf(buf, "%*s", (int)indent, "");
    print_node(buf, plan, indent);
    strbuf_putc(buf, '\n');
    for (uint32_t i = 0; i < plan->input_count; i++)
        print_plan(buf, plan->inputs[i], indent + 2);
}

const char *plan_print(Arena *arena, const Plan *plan)
{
    StrBuf buf = {.arena = arena};

    print_plan(&buf, plan, 0);
    return strbuf_text(&buf);
}

const char *plan_print_node(Arena *arena, const Plan *plan)
{
    StrBuf buf = {.arena = arena};

    print_node(&buf, plan, 0);
    return strbuf_text(&buf);
}
