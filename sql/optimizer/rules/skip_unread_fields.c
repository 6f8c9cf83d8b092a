/*
 * skip_unread_fields
 *
 *     Call  map to_pair: reads id, price         Call  map to_pair
 *       Scan orders (id, name, price)      =>      Project id, '' AS name, price
 *                                                    Scan orders (id, name, price)
 *
 * The functions of a call read fields of its record; which, the job's bitcode says
 * (core/plan/call_fields.h). What none of them reads becomes a constant.
 *
 * Why:  prune_columns finds nobody who reads the column then: the scan never decodes it.
 *
 * Not when:
 *   (1) some function is not known, or only filters see the record: it comes out as it went in.
 *   (2) the column is a constant already.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

/* What stands for a field that nobody reads; NULL for types that have no plain constant. */
static const Expr *stand_in(Arena *arena, Type type)
{
    switch (type.id) {
    case TYPE_BOOL:
        return expr_const(arena, value_bool(false));
    case TYPE_INT4:
        return expr_const(arena, value_int4(0));
    case TYPE_INT8:
        return expr_const(arena, value_int8(0));
    case TYPE_FLOAT8:
        return expr_const(arena, value_float8(0));
    case TYPE_TEXT:
        return expr_const(arena, value_text(arena, ""));
    default:
        return NULL;
    }
}

static bool is_constant(const Plan *input, ColumnId id)
{
    const PlanProject *project = plan_as_project(input);
    int32_t at = project == NULL ? -1 : plan_column_index(input, id);

    return at >= 0 && project->exprs.items[at]->kind == EXPR_CONST;
}

static const Plan *skip_unread_fields(RuleCtx *rc, const Plan *plan)
{
    const PlanCall *call = plan_as_call(plan);
    const Plan *input = plan->inputs[0];
    const Expr **exprs = ARENA_ARRAY(rc->arena, const Expr *, call->args.count);
    PlanColumn *columns = ARENA_ARRAY(rc->arena, PlanColumn, call->args.count);
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, call->args.count);
    bool is_changed = false;
    PlanCall *copy;

    for (uint32_t i = 0; i < call->args.count; i++) {
        const PlanColumn *column = plan_column(input, call->args.ids[i]);

        exprs[i] = NULL;
        if (!call_reads_field(call, i) && !is_constant(input, column->id)) /* (1), (2) */
            exprs[i] = stand_in(rc->arena, column->type);
        is_changed |= exprs[i] != NULL;
        if (exprs[i] == NULL)
            exprs[i] = expr_column(rc->arena, column->id, column->type);
        columns[i] = *column;
        columns[i].is_nullable = column->is_nullable && exprs[i]->kind == EXPR_COLUMN;
        if (exprs[i]->kind != EXPR_COLUMN)
            columns[i].id = plan_new_column(rc->ids);
        ids[i] = columns[i].id;
    }
    if (!is_changed)
        return plan;
    copy = arena_copy(
        rc->arena,
        plan_with_input(rc->arena, plan,
                        plan_project(rc->arena, input, call->args.count, exprs, columns)),
        sizeof *copy);
    copy->args = (ColumnList){call->args.count, ids};
    return &copy->head;
}

const Rule rule_skip_unread_fields = {
    .name = "skip_unread_fields",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_CALL,
    .rewrite = skip_unread_fields,
};
