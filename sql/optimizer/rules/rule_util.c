/* rule_util.c -- what the files of several rules need; see rules.h */
#include <string.h>

#include "sql/optimizer/rules/rules.h"

/* Room for one more of items; the old array stays in the arena. */
static void *grow(Arena *arena, const void *items, uint32_t count, uint32_t *capacity,
                  size_t item_bytes)
{
    uint32_t more = *capacity == 0 ? 8 : *capacity * 2;
    void *copy = arena_alloc(arena, arena_array_bytes(more, item_bytes));

    if (count > 0)
        memcpy(copy, items, count * item_bytes);
    *capacity = more;
    return copy;
}

void expr_vec_add(ExprVec *vec, const Expr *expr)
{
    if (vec->count == vec->capacity)
        vec->items = grow(vec->arena, vec->items, vec->count, &vec->capacity, sizeof *vec->items);
    vec->items[vec->count++] = expr;
}

void expr_vec_add_and(ExprVec *vec, const Expr *predicate)
{
    const Expr *const *parts;
    uint32_t count = expr_split_and(vec->arena, predicate, &parts);

    for (uint32_t i = 0; i < count; i++)
        expr_vec_add(vec, parts[i]);
}

const Expr *expr_vec_and(const ExprVec *vec)
{
    return expr_join_and(vec->arena, vec->count, vec->items);
}

void column_vec_add(ColumnVec *vec, const Expr *expr, PlanColumn column)
{
    if (vec->count == vec->capacity) {
        uint32_t capacity = vec->capacity;

        vec->exprs = grow(vec->arena, vec->exprs, vec->count, &capacity, sizeof *vec->exprs);
        vec->columns =
            grow(vec->arena, vec->columns, vec->count, &vec->capacity, sizeof *vec->columns);
    }
    vec->exprs[vec->count] = expr;
    vec->columns[vec->count++] = column;
}

void column_vec_keep(ColumnVec *vec, const Plan *input, ColumnId id)
{
    const PlanColumn *column = plan_column(input, id);

    for (uint32_t i = 0; i < vec->count; i++)
        if (vec->columns[i].id == id)
            return;
    column_vec_add(vec, expr_of_column(vec->arena, column), *column);
}

void column_vec_keep_all(ColumnVec *vec, const Plan *input)
{
    for (uint32_t i = 0; i < input->column_count; i++)
        column_vec_keep(vec, input, input->columns[i].id);
}

const Plan *column_vec_project(const ColumnVec *vec, const Plan *input)
{
    return plan_project(vec->arena, input, vec->count, vec->exprs, vec->columns);
}

void map_vec_add(MapVec *vec, ColumnId from, const Expr *to)
{
    if (vec->count == vec->capacity) {
        uint32_t capacity = vec->capacity;

        vec->from = grow(vec->arena, vec->from, vec->count, &capacity, sizeof *vec->from);
        vec->to = grow(vec->arena, vec->to, vec->count, &vec->capacity, sizeof *vec->to);
    }
    vec->from[vec->count] = from;
    vec->to[vec->count++] = to;
}

const Expr *map_vec_find(const MapVec *vec, ColumnId from)
{
    for (uint32_t i = 0; i < vec->count; i++)
        if (vec->from[i] == from)
            return vec->to[i];
    return NULL;
}

ColumnMap map_vec_map(const MapVec *vec)
{
    return (ColumnMap){vec->count, vec->from, vec->to};
}

/* --- walking --- */

static void note_volatile(void *context, const Expr *expr)
{
    *(bool *)context |= expr_is_volatile(expr);
}

bool node_is_volatile(const Plan *plan)
{
    bool is_volatile = false;

    plan_visit_exprs(plan, note_volatile, &is_volatile);
    return is_volatile;
}

const Plan *plan_memo_find(const PlanMemo *memo, const Plan *before)
{
    return pointer_map_get(&memo->after, before);
}

void plan_memo_note(RuleCtx *rc, PlanMemo *memo, const Plan *before, const Plan *after)
{
    pointer_map_set(&memo->after, rc->arena, before, after);
}

static const Plan *map_shared_input(RuleCtx *rc, PlanMemo *memo, const Plan *input, PlanMapFn fn)
{
    const Plan *after = plan_memo_find(memo, input);

    if (after == NULL) {
        after = fn(rc, memo, input);
        plan_memo_note(rc, memo, input, after);
    }
    return after;
}

const Plan *plan_map_inputs(RuleCtx *rc, PlanMemo *memo, const Plan *plan, PlanMapFn fn)
{
    const Plan **inputs;

    if (plan->input_count == 0)
        return plan;
    inputs = ARENA_ARRAY(rc->arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = plan->kind == PLAN_SHARED ? map_shared_input(rc, memo, plan->inputs[i], fn)
                                              : fn(rc, memo, plan->inputs[i]);
    return plan_with_inputs(rc->arena, plan, inputs);
}

/* --- asking --- */

bool expr_uses_any(Arena *arena, const Expr *expr, ColumnSet columns)
{
    return expr != NULL && column_set_overlaps(expr_columns(arena, expr), columns);
}

bool expr_uses_only(Arena *arena, const Expr *expr, ColumnSet columns)
{
    return expr == NULL || column_set_contains(columns, expr_columns(arena, expr));
}

bool plan_uses_any(Arena *arena, const Plan *plan, ColumnSet columns)
{
    return column_set_overlaps(plan_free_columns(arena, plan), columns);
}

/* A constant that a / b and a % b are defined for, whatever a is. */
static bool is_safe_divisor(const Expr *expr)
{
    double value;

    if (expr->kind != EXPR_CONST || expr->value.is_null || !type_is_number(expr->type))
        return false;
    value = value_as_double(&expr->value);
    return value != 0 && value != -1;
}

/* A field that every date and timestamp has. */
static bool is_date_field(const Expr *field)
{
    static const char *const names[] = {"year", "month",  "day",     "quarter", "week", "dow",
                                        "doy",  "isodow", "isoyear", "decade",  "epoch"};

    if (field->kind != EXPR_CONST || field->value.is_null || !type_is_text(field->type))
        return false;
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (field->value.str.length == strlen(names[i]) &&
            memcmp(str_bytes(&field->value.str), names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static bool is_date(Type type)
{
    return type.id == TYPE_DATE || type.id == TYPE_TIMESTAMP;
}

/* An odd number of backslashes at the end escapes nothing: LIKE raises an error then. */
static bool is_sound_pattern(const Expr *pattern)
{
    const char *text;
    uint32_t end, backslashes = 0;

    if (pattern->kind != EXPR_CONST || !type_is_text(pattern->type))
        return false;
    if (pattern->value.is_null)
        return true;
    text = str_bytes(&pattern->value.str);
    for (end = pattern->value.str.length; end > 0 && text[end - 1] == '\\'; end--)
        backslashes++;
    return backslashes % 2 == 0;
}

static bool is_const_at_least(const Expr *expr, int32_t least)
{
    return expr->kind == EXPR_CONST && expr->type.id == TYPE_INT4 && !expr->value.is_null &&
           expr->value.int32 >= least;
}

bool type_holds_all(Type from, Type to)
{
    if (type_is_integer(from) && type_is_integer(to))
        return to.id >= from.id;
    if (type_is_integer(from) && to.id == TYPE_DECIMAL) {
        int digits = from.id == TYPE_INT2 ? 5 : from.id == TYPE_INT4 ? 10 : 19;

        return to.precision - to.scale >= digits;
    }
    if (from.id == TYPE_INT2 || from.id == TYPE_INT4)
        return to.id == TYPE_FLOAT8;
    if (from.id == TYPE_DECIMAL && to.id == TYPE_DECIMAL)
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    return from.id == TYPE_DATE && to.id == TYPE_TIMESTAMP;
}

/* Operations that their types or constants make safe. */
static bool is_made_safe(const Expr *call)
{
    switch (call->func) {
    case FUNC_CAST:
        return type_holds_all(call->args[0]->type, call->type) && !is_date(call->type);
    case FUNC_LIKE:
    case FUNC_ILIKE:
        return is_sound_pattern(call->args[1]);
    case FUNC_SUBSTRING:
        return call->arg_count == 3 && is_const_at_least(call->args[2], 0);
    case FUNC_DIV:
    case FUNC_MOD:
        return type_is_integer(call->type) && is_safe_divisor(call->args[1]);
    case FUNC_EXTRACT:
    case FUNC_DATE_PART:
        return is_date_field(call->args[0]) && is_date(call->args[1]->type);
    default:
        return false;
    }
}

/* To a numeric that rounds nothing and has room for 20 digits before the point. */
static bool is_wide_cast(Type from, Type to)
{
    if (to.id != TYPE_DECIMAL)
        return type_holds_all(from, to);
    return (type_is_integer(from) || (from.id == TYPE_DECIMAL && to.scale >= from.scale)) &&
           to.precision - to.scale >= 20;
}

/* Operations that fail only past limits that data does not come near: numerics of 38 digits,
 * doubles of 1e308, dates in the year 294276, texts of a gigabyte. */
static bool fails_only_past_limits(const Expr *expr)
{
    switch (expr->func) {
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
    case FUNC_NEG:
        return expr->type.id == TYPE_DECIMAL || expr->type.id == TYPE_FLOAT8 || is_date(expr->type);
    case FUNC_DIV:
        return is_safe_divisor(expr->args[1]);
    case FUNC_CAST:
        return is_wide_cast(expr->args[0]->type, expr->type);
    case FUNC_DATE_TRUNC:
        return is_date_field(expr->args[0]) && is_date(expr->args[1]->type);
    case FUNC_LOWER:
    case FUNC_UPPER:
    case FUNC_INITCAP:
    case FUNC_REVERSE:
    case FUNC_CONCAT_OP:
    case FUNC_REPLACE:
    case FUNC_TRANSLATE:
        return true;
    default:
        return false;
    }
}

/* Whether the operation itself can raise an error, whatever its arguments do. LAZY ones only pass
 * on their arguments' errors. */
static bool operation_may_fail(const Expr *call)
{
    Expr columns[OP_ARGS_MAX], copy = *call;
    const Expr *args[OP_ARGS_MAX];

    if (call->arg_count > OP_ARGS_MAX)
        return !(func_properties(call->func) & FUNC_LAZY);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        columns[i] = (Expr){.kind = EXPR_COLUMN, .type = call->args[i]->type};
        args[i] = &columns[i];
    }
    copy.args = args;
    return expr_may_fail(&copy);
}

bool expr_is_risky(const Expr *expr)
{
    if (expr == NULL || !expr_may_fail(expr))
        return false;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_is_risky(expr->args[i]))
            return true;
    if (expr_is_risky(expr->filter))
        return true;
    if (expr->kind == EXPR_SUBQUERY)
        return true;
    if (expr->kind != EXPR_CALL || is_made_safe(expr) || fails_only_past_limits(expr))
        return false;
    return operation_may_fail(expr);
}

bool expr_can_fail(const Expr *expr)
{
    if (expr == NULL || !expr_may_fail(expr))
        return false;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_can_fail(expr->args[i]))
            return true;
    if (expr->kind != EXPR_CALL || expr_can_fail(expr->filter))
        return true;
    return !is_made_safe(expr) && operation_may_fail(expr);
}

/* --- making --- */

ColumnMap project_map(Arena *arena, const PlanProject *project)
{
    ColumnId *from = ARENA_ARRAY(arena, ColumnId, project->exprs.count);

    for (uint32_t i = 0; i < project->exprs.count; i++)
        from[i] = project->head.columns[i].id;
    return (ColumnMap){project->exprs.count, from, project->exprs.items};
}

ColumnMap set_map(Arena *arena, const Plan *set, uint32_t i)
{
    ColumnId *from = ARENA_ARRAY(arena, ColumnId, set->column_count);
    const Expr **to = ARENA_ARRAY(arena, const Expr *, set->column_count);

    for (uint32_t j = 0; j < set->column_count; j++) {
        from[j] = set->columns[j].id;
        to[j] = expr_column(arena, plan_maps(set)[i].ids[j], set->columns[j].type);
    }
    return (ColumnMap){set->column_count, from, to};
}

PlanColumn column_named(RuleCtx *rc, Type type, const char *name, bool is_nullable)
{
    return (PlanColumn){
        .id = plan_new_column(rc->ids), .type = type, .name = name, .is_nullable = is_nullable};
}

const Expr *expr_of_column(Arena *arena, const PlanColumn *column)
{
    return expr_column(arena, column->id, column->type);
}

const Expr *expr_same_value(Arena *arena, const PlanColumn *a, const PlanColumn *b)
{
    FuncId func = a->is_nullable && b->is_nullable ? FUNC_NOT_DISTINCT_FROM : FUNC_EQ;

    return expr_call2(arena, func, type_of(TYPE_BOOL), expr_of_column(arena, a),
                      expr_of_column(arena, b));
}

const Expr *expr_not(Arena *arena, const Expr *expr)
{
    return expr_call1(arena, FUNC_NOT, type_of(TYPE_BOOL), expr);
}

const Expr *expr_is_true_call(Arena *arena, const Expr *expr)
{
    return expr_call1(arena, FUNC_IS_TRUE, type_of(TYPE_BOOL), expr);
}

const Expr *expr_case(Arena *arena, const Expr *when, const Expr *then, const Expr *otherwise)
{
    return expr_call(arena, FUNC_CASE, then->type, 3, (const Expr *[]){when, then, otherwise});
}

bool func_negate_comparison(FuncId func, FuncId *negated_out)
{
    static const FuncId pairs[][2] = {{FUNC_EQ, FUNC_NE},
                                      {FUNC_LT, FUNC_GE},
                                      {FUNC_GT, FUNC_LE},
                                      {FUNC_DISTINCT_FROM, FUNC_NOT_DISTINCT_FROM}};

    for (uint32_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (uint32_t side = 0; side < 2; side++)
            if (pairs[i][side] == func) {
                *negated_out = pairs[i][1 - side];
                return true;
            }
    return false;
}

const Plan *plan_map_predicate(RuleCtx *rc, const Plan *plan, PredicateMapFn fn)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan);
    const Expr *before = filter != NULL ? filter->predicate : join != NULL ? join->condition : NULL;
    const Expr *after = before == NULL ? NULL : fn(rc->arena, before);

    if (after == before)
        return plan;
    if (filter != NULL)
        return plan_filter(rc->arena, plan->inputs[0], after);
    return plan_join_like(rc->arena, join, (JoinKind)join->kind, plan->inputs[0], plan->inputs[1],
                          after, join->null_aware);
}

const Plan *plan_filter_below(RuleCtx *rc, const Plan *filter, const ExprVec *below,
                              const ExprVec *stays)
{
    const Plan *node = filter->inputs[0];
    const Plan *input;

    if (below->count == 0)
        return filter;
    input = plan_filter(rc->arena, node->inputs[0], expr_vec_and(below));
    return plan_filter(rc->arena, plan_with_input(rc->arena, node, input), expr_vec_and(stays));
}

const Plan *plan_join_like(Arena *arena, const PlanJoin *join, JoinKind kind, const Plan *left,
                           const Plan *right, const Expr *condition, const Expr *null_aware)
{
    if (kind == JOIN_MARK)
        return plan_mark_join(arena, left, right, condition, null_aware,
                              join->head.columns[join->head.column_count - 1]);
    if (kind == JOIN_ANTI)
        return plan_anti_join(arena, left, right, condition, null_aware);
    return plan_join(arena, kind, left, right, condition);
}

const Plan *plan_select_like(Arena *arena, const Plan *plan, const Plan *like)
{
    ColumnId *ids = ARENA_ARRAY(arena, ColumnId, like->column_count);

    for (uint32_t i = 0; i < like->column_count; i++)
        ids[i] = like->columns[i].id;
    return plan_select_columns(arena, plan, like->column_count, ids);
}

static const Plan *values_row_as_project(RuleCtx *rc, const PlanValues *values, uint32_t row,
                                         bool keeps_ids)
{
    ColumnVec outputs = {.arena = rc->arena};

    for (uint32_t i = 0; i < values->head.column_count; i++) {
        PlanColumn column = values->head.columns[i];

        if (!keeps_ids)
            column.id = plan_new_column(rc->ids);
        column_vec_add(&outputs, values->rows.items[row].items[i], column);
    }
    return column_vec_project(&outputs, plan_one_row(rc->arena));
}

const Plan *values_as_projects(RuleCtx *rc, const PlanValues *values)
{
    uint32_t row_count = values->rows.count, column_count = values->head.column_count;
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, row_count);
    ColumnList *maps = ARENA_ARRAY(rc->arena, ColumnList, row_count);

    if (row_count == 1)
        return values_row_as_project(rc, values, 0, true);
    for (uint32_t row = 0; row < row_count; row++) {
        ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, column_count);

        inputs[row] = values_row_as_project(rc, values, row, false);
        for (uint32_t i = 0; i < column_count; i++)
            ids[i] = inputs[row]->columns[i].id;
        maps[row] = (ColumnList){column_count, ids};
    }
    return plan_union(rc->arena, row_count, inputs, maps, column_count, values->head.columns);
}

const Plan *shared_as_copy(RuleCtx *rc, const PlanShared *shared)
{
    ColumnMap map;
    const Plan *copy = plan_clone(rc->arena, shared->head.inputs[0], rc->ids, &map);
    ColumnVec outputs = {.arena = rc->arena};

    for (uint32_t i = 0; i < shared->head.column_count; i++) {
        const Expr *source =
            expr_column(rc->arena, shared->maps[0].ids[i], shared->head.columns[i].type);

        column_vec_add(&outputs, expr_substitute(rc->arena, source, &map), shared->head.columns[i]);
    }
    return column_vec_project(&outputs, copy);
}

const Plan *share_plan(RuleCtx *rc, const Plan *plan, int64_t shared_id, const char *name,
                       MapVec *map)
{
    PlanColumn *columns = ARENA_ARRAY(rc->arena, PlanColumn, plan->column_count);
    ColumnId *from = ARENA_ARRAY(rc->arena, ColumnId, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++) {
        from[i] = plan->columns[i].id;
        columns[i] = plan->columns[i];
        columns[i].id = plan_new_column(rc->ids);
        map_vec_add(map, from[i], expr_of_column(rc->arena, &columns[i]));
    }
    return plan_shared(rc->arena, plan, shared_id, name, false,
                       &(ColumnList){plan->column_count, from}, plan->column_count, columns);
}

const Expr *same_values(Arena *arena, uint32_t count, const Plan *left, const ColumnId *left_ids,
                        const Plan *right, const ColumnId *right_ids)
{
    ExprVec parts = {.arena = arena};

    for (uint32_t i = 0; i < count; i++)
        expr_vec_add(&parts, expr_same_value(arena, plan_column(left, left_ids[i]),
                                             plan_column(right, right_ids[i])));
    return expr_vec_and(&parts);
}

/* --- user functions --- */

const Plan *rule_add_call_step(RuleCtx *rc, const Plan *plan, ColumnList *args,
                               const CallStep *step, const PlanColumn *columns)
{
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, step->out->field_count);

    if (columns == NULL)
        columns = plan_record_columns(rc->arena, step->out, rc->ids);
    for (uint32_t i = 0; i < step->out->field_count; i++)
        ids[i] = columns[i].id;
    plan = plan_call(rc->arena, plan, *args, step, columns);
    *args = (ColumnList){step->out->field_count, ids};
    return plan;
}

bool exchange_places_by_row(const PlanExchange *exchange)
{
    return exchange->kind == EXCHANGE_HASH || exchange->kind == EXCHANGE_PLACE ||
           exchange->kind == EXCHANGE_RANGE || exchange->kind == EXCHANGE_GATHER ||
           exchange->kind == EXCHANGE_MERGE;
}
