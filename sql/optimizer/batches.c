/*
 * batches.c -- the whole strategy on one page: which rules run, in which order
 *
 * A batch runs to a fixed point before the next one starts. Order within a batch matters only
 * where a comment says so: whatever a rule makes possible is found in the next pass.
 */
#include "sql/optimizer/optimizer_internal.h"
#include "sql/optimizer/rules/rules.h"

/* What executors do not know: subqueries in expressions, then dependent joins. */
static const Rule *const lowering[] = {
    &rule_lower_subqueries,          &rule_unnest_dependent_joins,
    &rule_lower_string_agg, /* before DISTINCT, which it sees to itself */
    &rule_lower_distinct_aggregates, NULL,
};

static const Rule *const rewrite[] = {
    &rule_inline_shared,

    /* expressions; constants first, they decide most of the rest */
    &rule_fold_constants,
    &rule_simplify_nulls,
    &rule_simplify_boolean,
    &rule_simplify_comparisons,
    &rule_unwrap_casts,
    &rule_date_parts_to_ranges,
    &rule_substring_to_prefix,
    &rule_simplify_arithmetic,
    &rule_simplify_like,
    &rule_push_into_case,
    &rule_simplify_case,
    &rule_factor_or,
    &rule_merge_in_lists,
    &rule_merge_or_ranges,
    &rule_propagate_constants,
    &rule_simplify_predicates,
    &rule_merge_ranges,

    /* filters down */
    &rule_merge_filters,
    &rule_push_filter_through_project,
    &rule_push_filter_through_join,
    &rule_push_filter_through_aggregate,
    &rule_push_filter_through_set,
    &rule_push_filter_through_sort,
    &rule_push_filter_through_call,
    &rule_push_call_filter,
    &rule_push_call_filter_through_join,
    &rule_push_join_condition,
    &rule_infer_filters,

    /* joins to simpler kinds, once the filters have reached them */
    &rule_simplify_single_joins,
    &rule_push_single_join, /* what is left of them */
    &rule_simplify_mark_joins,
    &rule_reduce_outer_joins,
    &rule_reduce_anti_joins,
    &rule_limit_exists,
    &rule_remove_one_row_joins,

    /* less to do */
    &rule_propagate_empty,
    &rule_flatten_unions,
    &rule_remove_sorts,
    &rule_remove_distinct,
    &rule_setops_to_joins,
    &rule_drop_group_keys,
    &rule_split_sums,
    &rule_answer_from_statistics,
    &rule_push_limit,
    &rule_push_top_n,
    &rule_skip_unread_fields,
    &rule_merge_projects,
    &rule_prune_columns, /* last: the others may leave columns unused */
    NULL,
};

/* These add filters, which must not be done twice. */
static const Rule *const split_joins[] = {&rule_split_or_by_side, NULL};
static const Rule *const share_filters[] = {&rule_push_filter_into_shared, NULL};
static const Rule *const unshare[] = {&rule_inline_shared_by_cost, NULL};
static const Rule *const split_scans[] = {&rule_split_or_by_column, NULL};

/* Filters are where they will stay. */
static const Rule *const into_scans[] = {
    &rule_simplify_boolean,      &rule_merge_in_lists,
    &rule_merge_or_ranges,       &rule_merge_ranges,
    &rule_merge_filters,         &rule_starts_with_to_range,
    &rule_push_filter_into_scan, NULL,
};

/* By cost. What is common is looked for last: what differs in a filter is not the same. */
static const Rule *const join_order[] = {&rule_join_order, NULL};
static const Rule *const share[] = {&rule_share_subplans, NULL};

static const Rule *const finish[] = {
    &rule_merge_projects,
    &rule_prune_columns,
    &rule_order_conjuncts,
    &rule_narrow_decimals, /* last: it makes expressions that others would undo */
    NULL,
};

const RuleBatch opt__batches[] = {
    {"lowering", 1, lowering},       {"rewrite", 10, rewrite},
    {"split joins", 1, split_joins}, {"share filters", 1, share_filters},
    {"unshare", 1, unshare},         {"rewrite again", 10, rewrite},
    {"split scans", 1, split_scans}, {"into scans", 4, into_scans},
    {"join order", 1, join_order},   {"share", 1, share},
    {"finish", 1, finish},
};

const uint32_t opt__batch_count = sizeof opt__batches / sizeof opt__batches[0];
