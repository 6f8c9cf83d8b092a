/*
 * batches.c -- the whole strategy on one page: which rules run, in which order
 *
 * A batch runs to a fixed point before the next one starts. Order within a batch matters only
 * where a comment says so: whatever a rule makes possible is found in the next pass.
 */
#include "sql/optimizer/optimizer_internal.h"
#include "sql/optimizer/rules/rules.h"

const RuleBatch opt__batches[] = {
    /* What executors do not know: subqueries in expressions, then dependent joins. */
    {"lowering",
     1,
     {
         &rule_lower_subqueries,
         &rule_unnest_dependent_joins,
         &rule_lower_distinct_aggregates,
     }},

    {"rewrite",
     10,
     {
         &rule_inline_shared,
         /* filters down */
         &rule_merge_filters, &rule_push_filter_through_project, &rule_push_filter_through_join,
         &rule_push_filter_through_aggregate, &rule_push_filter_through_set,
         &rule_push_filter_through_sort, &rule_push_join_condition,
         /* joins to simpler kinds; after the filters have reached them */
         &rule_simplify_single_joins, &rule_simplify_mark_joins, &rule_reduce_outer_joins,
         &rule_reduce_anti_joins, &rule_limit_exists, &rule_remove_one_row_joins,
         /* less to do */
         &rule_propagate_empty, &rule_flatten_unions, &rule_remove_sorts, &rule_remove_distinct,
         &rule_push_limit, &rule_merge_projects,
         &rule_prune_columns, /* last: the others may leave columns unused */
     }},

    /* Needs the filters where they will stay. */
    {"into scans",
     4,
     {
         &rule_merge_filters,
         &rule_push_filter_into_scan,
     }},
};

const uint32_t opt__batch_count = sizeof opt__batches / sizeof opt__batches[0];
