/* plan_print.c -- plans and expressions as text for people and golden tests */
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "core/plan/call_fields.h"
#include "core/plan/plan_brief.h"

typedef struct NamedColumn {
    const char *name; /* NULL: a free place of the table */
    ColumnId id;
    bool is_shared; /* brief: another one has the same name */
} NamedColumn;

/* Text to be written, and the names of the columns in it (none: an expression on its own). */
typedef struct Printer {
    StrBuf buf;
    uint32_t name_count, name_capacity; /* by id: open addressing, at most half full */
    NamedColumn *names;
    bool is_brief;
    PlanSeen *seen;   /* inputs of SHARED nodes that stand above already */
    PlanSeen *looked; /* ... whose columns' names have been noted */
} Printer;

static void print_expr(Printer *to, const Expr *expr, uint32_t indent);
static void print_plan(Printer *to, const Plan *plan, uint32_t indent);

static void print_args(Printer *to, const Expr *expr, uint32_t first, const char *separator,
                       uint32_t indent)
{
    for (uint32_t i = first; i < expr->arg_count; i++) {
        if (i > first)
            strbuf_puts(&to->buf, separator);
        print_expr(to, expr->args[i], indent);
    }
}

/* Where the id is, or is to be put. */
static NamedColumn *find_name(const Printer *to, ColumnId id)
{
    uint32_t mask = to->name_capacity - 1, at = (id * 0x9e3779b1u >> 8) & mask;

    while (to->names[at].name != NULL && to->names[at].id != id)
        at = (at + 1) & mask;
    return &to->names[at];
}

/* name#7, or #7 where no name is known */
static void print_column(Printer *to, ColumnId id)
{
    const NamedColumn *column = to->name_capacity == 0 ? NULL : find_name(to, id);
    const char *name = column == NULL ? NULL : column->name;

    if (to->is_brief && name != NULL && !column->is_shared)
        strbuf_puts(&to->buf, name);
    else
        strbuf_printf(&to->buf, "%s#%u", name == NULL ? "" : name, id);
}

static void print_value(Printer *to, const Value *value)
{
    bool is_quoted = !value->is_null && !type_is_number(value->type) && value->type.id != TYPE_BOOL;

    strbuf_puts(&to->buf, is_quoted ? "'" : "");
    strbuf_puts(&to->buf, value_print_arena(to->buf.arena, value));
    strbuf_puts(&to->buf, is_quoted ? "'" : "");
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

static void print_case(Printer *to, const Expr *expr, uint32_t indent)
{
    strbuf_puts(&to->buf, "case");
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        strbuf_puts(&to->buf, " when ");
        print_expr(to, expr->args[i], indent);
        strbuf_puts(&to->buf, " then ");
        print_expr(to, expr->args[i + 1], indent);
    }
    if (expr->arg_count % 2 == 1) {
        strbuf_puts(&to->buf, " else ");
        print_expr(to, expr->args[expr->arg_count - 1], indent);
    }
    strbuf_puts(&to->buf, " end");
}

static void print_call(Printer *to, const Expr *expr, uint32_t indent)
{
    const char *name = func_name(expr->func);

    if (expr->func == FUNC_CASE) {
        print_case(to, expr, indent);
    } else if (expr->func == FUNC_CAST) {
        print_args(to, expr, 0, ", ", indent);
        strbuf_printf(&to->buf, "::%s", type_name(to->buf.arena, expr->type));
    } else if (expr->func == FUNC_IN && expr->arg_count > 0) {
        print_expr(to, expr->args[0], indent);
        strbuf_puts(&to->buf, " in (");
        print_args(to, expr, 1, ", ", indent);
        strbuf_putc(&to->buf, ')');
    } else if (is_infix(expr->func) && expr->arg_count >= 2) {
        strbuf_putc(&to->buf, '(');
        print_args(to, expr, 0, arena_printf(to->buf.arena, " %s ", name), indent);
        strbuf_putc(&to->buf, ')');
    } else if (is_postfix(expr->func)) {
        print_args(to, expr, 0, ", ", indent);
        strbuf_printf(&to->buf, " %s", name);
    } else {
        strbuf_printf(&to->buf, "%s(", name);
        print_args(to, expr, 0, ", ", indent);
        strbuf_putc(&to->buf, ')');
    }
}

static void print_agg(Printer *to, const Expr *expr, uint32_t indent)
{
    static const char *const steps[] = {
        [AGG_WHOLE] = "", [AGG_TO_STATE] = "state of ", [AGG_OF_STATES] = "merged "};

    if (expr->agg == AGG_COUNT_STAR) {
        strbuf_puts(&to->buf, "count(*)");
    } else {
        strbuf_printf(&to->buf, "%s%s(%s", steps[expr->step], agg_name(expr->agg),
                      expr->is_distinct ? "distinct " : "");
        print_args(to, expr, 0, ", ", indent);
        strbuf_putc(&to->buf, ')');
    }
    if (expr->filter != NULL) {
        strbuf_puts(&to->buf, " filter (where ");
        print_expr(to, expr->filter, indent);
        strbuf_putc(&to->buf, ')');
    }
}

static void print_subquery(Printer *to, const Expr *expr, uint32_t indent)
{
    static const char *const words[] = {[SUBQUERY_EXISTS] = "exists",
                                        [SUBQUERY_SCALAR] = "scalar",
                                        [SUBQUERY_ANY] = "any",
                                        [SUBQUERY_ALL] = "all"};

    if (expr->arg_count > 0) {
        strbuf_putc(&to->buf, '(');
        print_args(to, expr, 0, ", ", indent);
        strbuf_printf(&to->buf, ") %s ", func_name(expr->func));
    }
    strbuf_printf(&to->buf, "%s (\n", words[expr->subquery]);
    print_plan(to, expr->plan, indent + 4);
    strbuf_printf(&to->buf, "%*s)", (int)indent + 2, "");
}

static void print_expr(Printer *to, const Expr *expr, uint32_t indent)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
        print_column(to, expr->column);
        return;
    case EXPR_CONST:
        print_value(to, &expr->value);
        return;
    case EXPR_CALL:
        print_call(to, expr, indent);
        return;
    case EXPR_AGG:
        print_agg(to, expr, indent);
        return;
    case EXPR_SUBQUERY:
        print_subquery(to, expr, indent);
        return;
    }
    UNREACHABLE("expression kind");
}

const char *expr_print(Arena *arena, const Expr *expr)
{
    Printer to = {.buf = {.arena = arena}};

    if (expr == NULL)
        return "true";
    print_expr(&to, expr, 0);
    return strbuf_text(&to.buf);
}

/* --- plans --- */

static void print_ids(Printer *to, ColumnList list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        strbuf_puts(&to->buf, i == 0 ? "" : ", ");
        print_column(to, list.ids[i]);
    }
}

static void print_keys(Printer *to, SortKeyList keys)
{
    for (uint32_t i = 0; i < keys.count; i++) {
        const SortKey *key = &keys.items[i];

        strbuf_puts(&to->buf, i == 0 ? "" : ", ");
        print_column(to, key->column);
        strbuf_printf(&to->buf, "%s%s", key->is_descending ? " desc" : "",
                      key->nulls_first == key->is_descending ? ""
                      : key->nulls_first                     ? " nulls first"
                                                             : " nulls last");
    }
}

static void print_exprs(Printer *to, ExprList list, uint32_t indent)
{
    for (uint32_t i = 0; i < list.count; i++) {
        strbuf_puts(&to->buf, i == 0 ? "" : ", ");
        print_expr(to, list.items[i], indent);
    }
}

static void print_rows_field(Printer *to, ExprRows rows, uint32_t indent)
{
    enum { ROWS_SHOWN = 3 };

    strbuf_printf(&to->buf, " %u row%s", rows.count, rows.count == 1 ? "" : "s");
    for (uint32_t i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
        strbuf_puts(&to->buf, " (");
        print_exprs(to, rows.items[i], indent);
        strbuf_putc(&to->buf, ')');
    }
    if (rows.count > ROWS_SHOWN)
        strbuf_puts(&to->buf, " ...");
}

/* "zip of pair_up": the engine's own, and the user's that it calls */
static const char *printed_name(Printer *to, const UserFunction *function)
{
    return function->inner == NULL
               ? function->name
               : arena_printf(to->buf.arena, "%s %s", function->name, function->inner->name);
}

/* " (reads: a, b; pure; inlined)", or " (by pointer)" where nothing is known of the function */
static void print_facts(Printer *to, const CallStep *step, bool is_inlined)
{
    const UserCode *code = step->function.code;
    const char *separator = "";

    if (code == NULL) {
        strbuf_puts(&to->buf, " (by pointer)");
        return;
    }
    strbuf_puts(&to->buf, " (reads:");
    for (uint32_t i = 0; i < step->in->field_count; i++) {
        if (!call_step_reads(step, &step->in->fields[i]))
            continue;
        strbuf_printf(&to->buf, "%s %s", separator, step->in->fields[i].name);
        separator = ",";
    }
    strbuf_printf(&to->buf, "%s%s%s)", separator[0] == '\0' ? " nothing" : "",
                  code->is_pure ? "; pure" : "", is_inlined ? "; inlined" : "; by pointer");
}

static void print_steps(Printer *to, CallStepList steps)
{
    static const char *const words[] = {
        [CALL_MAP] = "map",           [CALL_MAP_INDEXED] = "map with index",
        [CALL_FLAT_MAP] = "flat map", [CALL_FILTER] = "filter",
        [CALL_FOREACH] = "for each",  [CALL_PAIR] = "pair"};
    enum { STEPS_SHOWN = 8 };
    const CallStep *const *items = call_steps(to->buf.arena, steps);
    bool are_inlined = call_steps_can_inline(steps);

    for (uint32_t i = 0; i < steps.count && i < STEPS_SHOWN; i++) {
        strbuf_printf(&to->buf, "%s %s %s", i == 0 ? "" : ",", words[items[i]->kind],
                      printed_name(to, &items[i]->function));
        print_facts(to, items[i], are_inlined);
    }
    if (steps.count > STEPS_SHOWN)
        strbuf_printf(&to->buf, ", and %u more", steps.count - STEPS_SHOWN);
}

static void print_combine(Printer *to, const CombineSpec *spec)
{
    const char *separator = "";

    strbuf_printf(&to->buf, " %s%s", printed_name(to, &spec->add), spec->has_keys ? " by key" : "");
    if (spec->add.code == NULL) {
        strbuf_puts(&to->buf, " (by pointer)");
        return;
    }
    strbuf_puts(&to->buf, " (reads:");
    for (uint32_t i = 0; i < spec->in->field_count; i++) {
        if (!combine_reads_field(spec, i))
            continue;
        strbuf_printf(&to->buf, "%s %s", separator, spec->in->fields[i].name);
        separator = ",";
    }
    strbuf_puts(&to->buf, combine_can_inline(spec) ? "; inlined)" : "; by pointer)");
}

/* Fields that every reader knows by their place need no name in front. */
static void print_field(Printer *to, const Plan *plan, const PlanField *field, uint32_t indent)
{
    const void *at = (const char *)plan + field->offset;

#define AS(Type) (*(const Type *)at)
    switch (field->kind) {
    case PLAN_FIELD_EXPR:
        if (*(const Expr *const *)at != NULL) {
            strbuf_printf(&to->buf, " %s: ", field->name);
            print_expr(to, *(const Expr *const *)at, indent);
        }
        return;
    case PLAN_FIELD_EXPRS:
        if (AS(ExprList).count > 0) {
            strbuf_printf(&to->buf, " %s: ", field->name);
            print_exprs(to, AS(ExprList), indent);
        }
        return;
    case PLAN_FIELD_ROWS:
        print_rows_field(to, AS(ExprRows), indent);
        return;
    case PLAN_FIELD_COLUMNS:
        if (AS(ColumnList).count > 0) {
            strbuf_printf(&to->buf, " %s: ", field->name);
            print_ids(to, AS(ColumnList));
        }
        return;
    case PLAN_FIELD_KEYS:
        strbuf_printf(&to->buf, " %s: ", field->name);
        print_keys(to, AS(SortKeyList));
        return;
    case PLAN_FIELD_MAPS:
        for (uint32_t i = 0; i < plan->input_count; i++) {
            strbuf_puts(&to->buf, i == 0 ? " [" : " [");
            print_ids(to, (*(const ColumnList *const *)at)[i]);
            strbuf_putc(&to->buf, ']');
        }
        return;
    case PLAN_FIELD_I64:
        if (AS(int64_t) != ALL_ROWS)
            strbuf_printf(&to->buf, " %s: %lld", field->name, (long long)AS(int64_t));
        return;
    case PLAN_FIELD_BOOL:
        if (AS(bool))
            strbuf_printf(&to->buf, " %s", field->name);
        return;
    case PLAN_FIELD_TEXT:
        if (*(const char *const *)at != NULL)
            strbuf_printf(&to->buf, " %s", *(const char *const *)at);
        return;
    case PLAN_FIELD_TABLE:
        strbuf_printf(&to->buf, " %s", AS(Table *)->name);
        return;
    case PLAN_FIELD_FILTERS:
        for (uint32_t i = 0; i < AS(RuntimeFilterList).count; i++) {
            strbuf_printf(&to->buf, " runtime filter %u: ", AS(RuntimeFilterList).items[i].id);
            print_column(to, AS(RuntimeFilterList).items[i].column);
        }
        return;
    case PLAN_FIELD_STEPS:
        print_steps(to, AS(CallStepList));
        return;
    case PLAN_FIELD_COMBINE:
        print_combine(to, *(const CombineSpec *const *)at);
        return;
    case PLAN_FIELD_GROUP:
        strbuf_printf(&to->buf, " %s%s (by pointer)",
                      printed_name(to, &(*(const GroupSpec *const *)at)->function),
                      (*(const GroupSpec *const *)at)->has_keys ? " by key" : "");
        return;
    case PLAN_FIELD_PLACE:
        if (AS(UserFunction).call != NULL)
            strbuf_printf(&to->buf, " %s (by pointer)", AS(UserFunction).name);
        return;
    case PLAN_FIELD_LAYOUT:
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

static void print_kind(Printer *to, const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_JOIN:
        strbuf_printf(&to->buf, "%s ", join_kind_name(((const PlanJoin *)plan)->kind));
        break;
    case PLAN_HASH_JOIN:
        strbuf_printf(&to->buf, "%s ", join_kind_name(((const PlanHashJoin *)plan)->kind));
        break;
    case PLAN_NESTED_JOIN:
        strbuf_printf(&to->buf, "%s ", join_kind_name(((const PlanNestedJoin *)plan)->kind));
        break;
    case PLAN_EXCHANGE:
        strbuf_printf(&to->buf, "%s ",
                      exchange_kind_name((ExchangeKind)((const PlanExchange *)plan)->kind));
        break;
    case PLAN_SETOP:
        strbuf_puts(&to->buf,
                    ((const PlanSetop *)plan)->kind == SETOP_EXCEPT ? "Except " : "Intersect ");
        break;
    default:
        break;
    }
    strbuf_puts(&to->buf, plan_kind_name(plan->kind));
}

static void print_columns(Printer *to, const Plan *plan)
{
    strbuf_puts(&to->buf, " -> (");
    for (uint32_t i = 0; i < plan->column_count; i++)
        strbuf_printf(&to->buf, "%s%s#%u", i == 0 ? "" : ", ", plan->columns[i].name,
                      plan->columns[i].id);
    strbuf_putc(&to->buf, ')');
    if (plan->estimated_rows >= 0)
        strbuf_printf(&to->buf, " rows=%.0f", plan->estimated_rows);
}

static void print_node(Printer *to, const Plan *plan, uint32_t indent)
{
    const PlanKindInfo *info = plan_kind_info(plan->kind);

    print_kind(to, plan);
    for (uint32_t i = 0; i < info->field_count; i++)
        print_field(to, plan, &info->fields[i], indent);
    if (!to->is_brief)
        print_columns(to, plan);
}

/* What several read is printed below the first of them; whether it is there already. */
static bool print_node_once(Printer *to, const Plan *plan, uint32_t indent)
{
    bool is_above = plan_seen(to->buf.arena, plan, &to->seen);

    print_node(to, plan, indent);
    if (is_above)
        strbuf_puts(&to->buf, ", as above");
    return is_above;
}

static void print_plan(Printer *to, const Plan *plan, uint32_t indent)
{
    bool is_above;

    strbuf_printf(&to->buf, "%*s", (int)indent, "");
    is_above = print_node_once(to, plan, indent);
    strbuf_putc(&to->buf, '\n');
    for (uint32_t i = 0; !is_above && i < plan->input_count; i++)
        print_plan(to, plan->inputs[i], indent + 2);
}

static void note_names(Printer *to, const Plan *plan);

static bool note_subquery_names(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_SUBQUERY)
        note_names(context, expr->plan);
    return true;
}

static void note_expr_names(void *context, const Expr *expr)
{
    expr_visit(expr, note_subquery_names, context);
}

static void note_name(Printer *to, ColumnId id, const char *name)
{
    NamedColumn *before = to->names, *column;
    uint32_t capacity = to->name_capacity;

    if (to->name_count * 2 >= capacity) {
        to->name_capacity = capacity == 0 ? 64 : capacity * 2;
        to->names = ARENA_ARRAY(to->buf.arena, NamedColumn, to->name_capacity);
        for (uint32_t i = 0; i < capacity; i++)
            if (before[i].name != NULL)
                *find_name(to, before[i].id) = before[i];
    }
    column = find_name(to, id);
    to->name_count += column->name == NULL;
    *column = (NamedColumn){.name = name, .id = id};
}

static void note_names(Printer *to, const Plan *plan)
{
    bool is_noted = plan_seen(to->buf.arena, plan, &to->looked);

    for (uint32_t i = 0; !is_noted && i < plan->input_count; i++)
        note_names(to, plan->inputs[i]);
    plan_visit_exprs(plan, note_expr_names, to);
    for (uint32_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].name != NULL)
            note_name(to, plan->columns[i].id, plan->columns[i].name);
}

const char *plan_print(Arena *arena, const Plan *plan)
{
    Printer to = {.buf = {.arena = arena}};

    note_names(&to, plan);
    print_plan(&to, plan, 0);
    return strbuf_text(&to.buf);
}

const char *plan_print_node(Arena *arena, const Plan *plan)
{
    Printer to = {.buf = {.arena = arena}};

    note_names(&to, plan);
    print_node(&to, plan, 0);
    return strbuf_text(&to.buf);
}

/* --- brief --- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const NamedColumn *)a)->name, ((const NamedColumn *)b)->name);
}

static void find_shared_names(Printer *to)
{
    NamedColumn *columns = ARENA_ARRAY(to->buf.arena, NamedColumn, to->name_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < to->name_capacity; i++)
        if (to->names[i].name != NULL)
            columns[count++] = to->names[i];
    if (count > 1)
        qsort(columns, count, sizeof *columns, compare_names);
    for (uint32_t i = 1; i < count; i++)
        if (strcmp(columns[i].name, columns[i - 1].name) == 0)
            find_name(to, columns[i].id)->is_shared = find_name(to, columns[i - 1].id)->is_shared =
                true;
}

static uint32_t count_lines(Arena *arena, const Plan *plan, PlanSeen **seen)
{
    uint32_t count = 1;

    if (plan_seen(arena, plan, seen))
        return count;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count += count_lines(arena, plan->inputs[i], seen);
    return count;
}

static void add_lines(Printer *to, const Plan *plan, const char **lines, uint32_t *next)
{
    bool is_above;

    to->buf = (StrBuf){.arena = to->buf.arena};
    is_above = print_node_once(to, plan, 0);
    lines[(*next)++] = strbuf_text(&to->buf);
    for (uint32_t i = 0; !is_above && i < plan->input_count; i++)
        add_lines(to, plan->inputs[i], lines, next);
}

const char *const *plan_brief_lines(Arena *arena, const Plan *plan, uint32_t *count_out)
{
    Printer to = {.buf = {.arena = arena}, .is_brief = true};
    PlanSeen *seen = NULL;
    const char **lines = ARENA_ARRAY(arena, const char *, count_lines(arena, plan, &seen));

    note_names(&to, plan);
    find_shared_names(&to);
    *count_out = 0;
    add_lines(&to, plan, lines, count_out);
    return lines;
}
