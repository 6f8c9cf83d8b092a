/*
 * skip_unread_fields
 *
 *     Call  map to_pair: reads id, price         Call  map to_pair
 *       Scan orders (id, name, price)      =>      Project id, '' AS name, price
 *                                                    Scan orders (id, name, price)
 *
 * The functions of a call, or of a Combine, read fields of its record; which, the job's bitcode
 * says (core/plan/call_fields.h). What none of them reads becomes a constant.
 *
 * Why:  prune_columns finds nobody who reads the column then: the scan never decodes it.
 *
 * Not when:
 *   (1) some function is not known, or only filters see the record: it comes out as it went in;
 *       or it becomes an accumulator.
 *   (2) the column is a constant already.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

static bool is_constant(const Plan *input, ColumnId id)
{
    const PlanProject *project = plan_as_project(input);
    int32_t at = project == NULL ? -1 : plan_column_index(input, id);

    return at >= 0 && project->exprs.items[at]->kind == EXPR_CONST;
}

static bool reads_field(const Plan *plan, uint32_t field)
{
    return plan->kind == PLAN_CALL ? call_reads_field(plan_as_call(plan), field)
                                   : combine_reads_field(plan_as_combine(plan)->spec, field);
}

static const Plan *with_args(RuleCtx *rc, const Plan *plan, const Plan *input, ColumnList args)
{
    const Plan *copy = plan_with_input(rc->arena, plan, input);

    if (plan->kind == PLAN_CALL) {
        PlanCall *call = arena_copy(rc->arena, copy, sizeof *call);

        call->args = args;
        return &call->head;
    }
    PlanCombine *combine = arena_copy(rc->arena, copy, sizeof *combine);

    combine->args = args;
    return &combine->head;
}

static const Plan *skip_unread_fields(RuleCtx *rc, const Plan *plan)
{
    bool is_call = plan->kind == PLAN_CALL, is_changed = false;
    const Plan *input;
    const Expr **exprs;
    PlanColumn *columns;
    ColumnList args;
    ColumnId *ids;

    if (!is_call && plan->kind != PLAN_COMBINE)
        return plan;
    args = is_call ? plan_as_call(plan)->args : plan_as_combine(plan)->args;
    input = plan->inputs[0];
    exprs = ARENA_ARRAY(rc->arena, const Expr *, args.count);
    columns = ARENA_ARRAY(rc->arena, PlanColumn, args.count);
    ids = ARENA_ARRAY(rc->arena, ColumnId, args.count);
    for (uint32_t i = 0; i < args.count; i++) {
        columns[i] = *plan_column(input, args.ids[i]);
        exprs[i] = expr_column(rc->arena, columns[i].id, columns[i].type);
        if (!reads_field(plan, i) && !is_constant(input, columns[i].id)) { /* (1), (2) */
            exprs[i] = expr_const(rc->arena, value_zero(columns[i].type));
            columns[i].is_nullable = false;
            columns[i].id = plan_new_column(rc->ids);
            is_changed = true;
        }
        ids[i] = columns[i].id;
    }
    if (!is_changed)
        return plan;
    return with_args(rc, plan, plan_project(rc->arena, input, args.count, exprs, columns),
                     (ColumnList){args.count, ids});
}

const Rule rule_skip_unread_fields = {
    .name = "skip_unread_fields",
    .walk = RULE_TOP_DOWN,
    .root = RULE_ANY_KIND,
    .rewrite = skip_unread_fields,
};
