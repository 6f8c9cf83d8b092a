/* rdd_sets.c -- unions and set operations: SQL's; see rdd_internal.h */
#include "engine/rdd_internal.h"

/* Two RDDs of the same records; otherwise false, and *failed_out is what the call gives. */
static bool check_pair(VonkRdd *a, VonkRdd *b, const char *function, VonkRdd **failed_out)
{
    Error err = ERROR_NONE;

    if (!rdd_check_together((VonkRdd *[]){a, b}, 2, function, failed_out))
        return false;
    if (rdd_layouts_equal(a->layout, b->layout))
        return true;
    (void)error_set(&err, ST_BAD_INPUT, "%s of records of type %s with records of type %s",
                    function, a->layout->name, b->layout->name);
    *failed_out = rdd_failed(a->rdds, &err);
    return false;
}

VonkRdd *vonk_rdd_union(VonkRdd *a, VonkRdd *b)
{
    VonkRdd *failed;

    if (!check_pair(a, b, "union", &failed))
        return failed;

    RddSession *rdds = a->rdds;
    const Plan *inputs[2] = {a->plan, b->plan};
    ColumnList maps[2];

    for (uint32_t i = 0; i < 2; i++)
        maps[i] = rdd_columns(rdds->arena, inputs[i]);
    return rdd_new(rdds,
                   plan_union(rdds->arena, 2, inputs, maps, a->layout->field_count,
                              plan_record_columns(rdds->arena, a->layout, &rdds->ids)),
                   a->layout);
}

VonkRdd *vonk_rdd_distinct(VonkRdd *rdd)
{
    if (rdd_is_failed(rdd))
        return rdd;
    return rdd_new(rdd->rdds, plan_distinct(rdd->rdds->arena, rdd->plan), rdd->layout);
}

/* plan's rows that match one of b's, or none: all fields compared, NULL as a value. plan has the
 * columns of a. */
static VonkRdd *matching(VonkRdd *a, const Plan *plan, VonkRdd *b, JoinKind kind)
{
    RddSession *rdds = a->rdds;
    RecordLayout whole = *a->layout;
    const Plan *right = rdd_apart(rdds->arena, &rdds->ids, b->plan);

    whole.fields = rdd_all_keys(rdds->arena, a->layout);
    return rdd_new(rdds,
                   plan_join(rdds->arena, kind, plan, right,
                             rdd_keys_equal(rdds->arena, plan, &whole, right, &whole)),
                   a->layout);
}

/* As a join it spills; a set operation holds its rows. */
VonkRdd *vonk_rdd_intersection(VonkRdd *a, VonkRdd *b)
{
    VonkRdd *failed;

    if (!check_pair(a, b, "intersection", &failed))
        return failed;
    return matching(a, plan_distinct(a->rdds->arena, a->plan), b, JOIN_SEMI);
}

/* EXCEPT that keeps duplicates. */
VonkRdd *vonk_rdd_subtract(VonkRdd *a, VonkRdd *b)
{
    VonkRdd *failed;

    return check_pair(a, b, "subtract", &failed) ? matching(a, a->plan, b, JOIN_ANTI) : failed;
}
