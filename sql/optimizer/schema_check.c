/* schema_check.c -- a rule may not change what a plan produces: ids, types, order */
#include "sql/optimizer/optimizer_internal.h"

static Status differs(const Rule *rule, const Plan *before, uint32_t i, const char *how, Error *err)
{
    return error_set(
        err, ST_INTERNAL, "optimizer rule %s %s column %u (\"%s\") of a %s", rule->name, how, i + 1,
        i < before->column_count ? before->columns[i].name : "?", plan_kind_name(before->kind));
}

Status opt__schema_check(const Rule *rule, const Plan *before, const Plan *after, Error *err)
{
    if (before->column_count != after->column_count)
        return error_set(err, ST_INTERNAL, "optimizer rule %s made %u columns of a %s's %u",
                         rule->name, after->column_count, plan_kind_name(before->kind),
                         before->column_count);
    for (uint32_t i = 0; i < before->column_count; i++) {
        const PlanColumn *was = &before->columns[i];
        const PlanColumn *is = &after->columns[i];

        if (was->id != is->id)
            return differs(rule, before, i, "changed the id of", err);
        if (!type_equal(was->type, is->type))
            return differs(rule, before, i, "changed the type of", err);
        if (is->is_nullable && !was->is_nullable)
            return differs(rule, before, i, "made nullable", err);
    }
    return ST_OK;
}
