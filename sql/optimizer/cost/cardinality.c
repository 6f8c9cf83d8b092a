/*
 * cardinality.c -- one estimate a plan node, from its inputs' estimates; see cardinality.h
 */
#include "sql/optimizer/cost/cardinality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "sql/optimizer/cost/cost_internal.h"

#define ROWS_OF_SERIES 1000.0
/* Past so many groups, keys are taken to depend on each other. */
#define GROUPS_INDEPENDENT 10000.0

Estimator *estimator_of(RuleCtx *rc)
{
    if (rc->estimator == NULL) {
        rc->estimator = ARENA_NEW(rc->arena, Estimator);
        rc->estimator->arena = rc->arena;
        rc->estimator->request = rc->request;
    }
    return rc->estimator;
}

double estimate_distinct_drawn(double distinct_count, double rows)
{
    if (distinct_count <= 1 || rows <= 0)
        return fmin(distinct_count, fmax(rows, 0));
    return fmin(rows, distinct_count * -expm1(-rows / distinct_count));
}

/* --- the memory --- */

static uint32_t memo_slot(const Estimator *estimator, const Plan *plan)
{
    uint32_t mask = estimator->memo_capacity - 1;
    uint32_t slot = (uint32_t)(((uintptr_t)plan >> 4) * 0x9E3779B97F4A7C15u >> 32) & mask;

    while (estimator->memo_plans[slot] != NULL && estimator->memo_plans[slot] != plan)
        slot = (slot + 1) & mask;
    return slot;
}

static void memo_grow(Estimator *estimator)
{
    Estimator old = *estimator;

    estimator->memo_capacity = old.memo_capacity == 0 ? 64 : old.memo_capacity * 2;
    estimator->memo_plans = ARENA_ARRAY(estimator->arena, const Plan *, estimator->memo_capacity);
    estimator->memo_estimates =
        ARENA_ARRAY(estimator->arena, const RelEstimate *, estimator->memo_capacity);
    for (uint32_t i = 0; i < old.memo_capacity; i++) {
        if (old.memo_plans[i] != NULL) {
            uint32_t slot = memo_slot(estimator, old.memo_plans[i]);

            estimator->memo_plans[slot] = old.memo_plans[i];
            estimator->memo_estimates[slot] = old.memo_estimates[i];
        }
    }
}

static void memo_add(Estimator *estimator, const Plan *plan, const RelEstimate *estimate)
{
    uint32_t slot;

    if (2 * (estimator->memo_count + 1) > estimator->memo_capacity)
        memo_grow(estimator);
    slot = memo_slot(estimator, plan);
    estimator->memo_plans[slot] = plan;
    estimator->memo_estimates[slot] = estimate;
    estimator->memo_count++;
}

/* --- what is wanted --- */

typedef struct Wanted {
    Arena *arena;
    ColumnSet columns;
    bool joins;
    PlanSeen *seen;
} Wanted;

static void want_columns(void *context, const Expr *expr)
{
    Wanted *wanted = context;

    wanted->columns =
        column_set_union(wanted->arena, wanted->columns, expr_columns(wanted->arena, expr));
}

static void want_of(Wanted *wanted, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);

    if (plan->kind == PLAN_JOIN || plan->kind == PLAN_HASH_JOIN || plan->kind == PLAN_NESTED_JOIN)
        wanted->joins = true;
    if (plan->kind == PLAN_JOIN || plan->kind == PLAN_HASH_JOIN || plan->kind == PLAN_FILTER ||
        plan->kind == PLAN_NESTED_JOIN)
        plan_visit_exprs(plan, want_columns, wanted);
    if (aggregate != NULL)
        wanted->columns = column_set_union(
            wanted->arena, wanted->columns,
            column_set_make(wanted->arena, aggregate->keys.count, aggregate->keys.ids));
    if (plan_seen(wanted->arena, plan, &wanted->seen))
        return;
    for (uint32_t i = 0; i < plan->input_count; i++)
        want_of(wanted, plan->inputs[i]);
}

void estimator_prepare(Estimator *estimator, const Plan *plan)
{
    Wanted wanted = {.arena = estimator->arena, .columns = estimator->wanted};

    want_of(&wanted, plan);
    estimator->wanted = wanted.columns;
    estimator->use_samples |= wanted.joins;
}

/* --- helpers --- */

static Scope scope_of(Estimator *estimator, const Plan *plan, const RelEstimate *rel)
{
    return (Scope){.estimator = estimator, .plan_count = 1, .plans = {plan}, .rels = {rel}};
}

/* columns of rel thinned out to that many rows. */
static void thin_out(ColumnEstimate *columns, uint32_t count, double rows_before, double rows)
{
    if (rows >= rows_before)
        return;
    for (uint32_t i = 0; i < count; i++) {
        double distinct = columns[i].distinct_count;
        double each = rows_before / fmax(1, distinct);
        /* a value is gone when all its rows are */
        double stay = 1 - pow(1 - rows / fmax(rows_before, 1), fmax(1, each));

        columns[i].distinct_count = fmax(1, fmin(rows, distinct * stay));
    }
}

static RelEstimate *new_estimate(Estimator *estimator, double rows, double base_rows,
                                 const ColumnEstimate *columns)
{
    RelEstimate *estimate = ARENA_NEW(estimator->arena, RelEstimate);

    *estimate = (RelEstimate){.rows = rows, .base_rows = base_rows, .columns = columns};
    return estimate;
}

static ColumnEstimate *copy_columns(Estimator *estimator, const RelEstimate *rel, uint32_t count)
{
    return arena_copy(estimator->arena, rel->columns, count * sizeof(ColumnEstimate));
}

/* --- scans and filters --- */

static ColumnEstimate *scan_columns(Estimator *estimator, const PlanScan *scan, TableFacts *facts)
{
    ColumnEstimate *columns =
        ARENA_ARRAY(estimator->arena, ColumnEstimate, scan->head.column_count);

    for (uint32_t i = 0; i < scan->head.column_count; i++)
        columns[i] =
            *cost__table_column(estimator, facts, scan->table_columns.items[i],
                                column_set_has(estimator->wanted, scan->head.columns[i].id));
    return columns;
}

/* A scan with its own predicates and those of the filters right above it, tried together. */
static const RelEstimate *estimate_filtered_scan(Estimator *estimator, const PlanScan *scan,
                                                 uint32_t more_count, const Expr *const *more)
{
    TableFacts *facts = cost__table_facts(estimator, scan->table);
    uint32_t count = scan->predicates.count + more_count;
    const Expr **parts = ARENA_ARRAY(estimator->arena, const Expr *, count);
    ColumnEstimate *columns = scan_columns(estimator, scan, facts);
    RelEstimate *rel = new_estimate(estimator, facts->rows, facts->rows, columns);
    Scope scope = scope_of(estimator, &scan->head, rel);

    for (uint32_t i = 0; i < count; i++)
        parts[i] = i < more_count ? more[i] : scan->predicates.items[i - more_count];
    rel->rows = facts->rows * cost__scan_selectivity(&scope, scan, count, parts);
    cost__narrow_columns(&scan->head, columns, count, parts);
    thin_out(columns, scan->head.column_count, facts->rows, rel->rows);
    if (scan->row_limit != ALL_ROWS)
        rel->rows = fmin(rel->rows, (double)scan->row_limit);
    return rel;
}

static const RelEstimate *estimate_filter(Estimator *estimator, const PlanFilter *filter)
{
    const Plan *input = filter->head.inputs[0];
    const Expr *const *parts;
    uint32_t count = expr_split_and(estimator->arena, filter->predicate, &parts);
    const RelEstimate *below;
    ColumnEstimate *columns;
    double rows;
    Scope scope;

    if (input->kind == PLAN_SCAN && plan_as_scan(input)->row_limit == ALL_ROWS)
        return estimate_filtered_scan(estimator, plan_as_scan(input), count, parts);
    below = estimate_plan(estimator, input);
    scope = scope_of(estimator, input, below);
    rows = below->rows * cost__conjuncts_selectivity(&scope, count, parts);
    columns = copy_columns(estimator, below, filter->head.column_count);
    cost__narrow_columns(input, columns, count, parts);
    thin_out(columns, filter->head.column_count, below->rows, rows);
    return new_estimate(estimator, rows, below->base_rows, columns);
}

/* --- other nodes of one input --- */

static const RelEstimate *estimate_project(Estimator *estimator, const PlanProject *project)
{
    const Plan *input = project->head.inputs[0];
    const RelEstimate *below = estimate_plan(estimator, input);
    Scope scope = scope_of(estimator, input, below);
    ColumnEstimate *columns =
        ARENA_ARRAY(estimator->arena, ColumnEstimate, project->head.column_count);

    for (uint32_t i = 0; i < project->head.column_count; i++)
        columns[i] = cost__expr(&scope, project->exprs.items[i]);
    return new_estimate(estimator, below->rows, below->base_rows, columns);
}

static int compare_descending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* Groups: the product of the keys' distinct values, damped once it is large. */
static double group_count(Estimator *estimator, const Plan *input, const RelEstimate *below,
                          ColumnList keys)
{
    double *distinct = ARENA_ARRAY(estimator->arena, double, keys.count);
    double product = 1, damping = 0.5;

    if (keys.count == 0)
        return 1;
    for (uint32_t i = 0; i < keys.count; i++) {
        const ColumnEstimate *key = &below->columns[plan_column_index(input, keys.ids[i])];

        distinct[i] = fmax(1, key->domain_count) + (key->null_fraction > 0);
    }
    qsort(distinct, keys.count, sizeof *distinct, compare_descending);
    for (uint32_t i = 0; i < keys.count; i++) {
        if (product * distinct[i] <= GROUPS_INDEPENDENT || i == 0) {
            product *= distinct[i];
        } else {
            product = fmin(1e15, product * pow(distinct[i], damping));
            damping /= 2;
        }
    }
    return fmax(fmin(below->rows, 1), estimate_distinct_drawn(product, below->rows));
}

/* What an aggregate gives per group of `each` rows, taking its argument as evenly spread. */
static ColumnEstimate aggregate_column(const Scope *scope, const Expr *agg, double groups,
                                       double each)
{
    ColumnEstimate out = cost__unknown_column(agg->type, groups);
    ColumnEstimate arg = {.deviation = -1};
    double middle, variance;

    out.distinct_is_guess = false;
    if (agg->arg_count > 0)
        arg = cost__expr(scope, agg->args[0]);
    middle = (arg.low + arg.high) / 2;
    variance = (arg.high - arg.low) * (arg.high - arg.low) / 12;
    if (agg->agg == AGG_MIN || agg->agg == AGG_MAX || agg->agg == AGG_FIRST) {
        arg.distinct_count = arg.domain_count = fmin(arg.distinct_count, groups);
        return arg;
    }
    if (agg->filter != NULL || agg->is_distinct)
        return out;
    if (agg->agg == AGG_COUNT_STAR || agg->agg == AGG_COUNT) {
        out.mean = each;
        out.deviation = sqrt(each);
        /* few counts lie further from the mean than four deviations */
        out.distinct_count = out.domain_count = fmin(groups, 1 + 8 * out.deviation);
    } else if (agg->agg == AGG_SUM && arg.has_line) {
        out.mean = each * middle;
        out.deviation = sqrt(each * (variance + middle * middle));
    } else if (agg->agg == AGG_AVG && arg.has_line) {
        out.mean = middle;
        out.deviation = sqrt(variance / fmax(1, each));
        out.has_line = true;
        out.low = arg.low;
        out.high = arg.high;
    }
    return out;
}

static const RelEstimate *estimate_aggregate(Estimator *estimator, const PlanAggregate *aggregate)
{
    const Plan *input = aggregate->head.inputs[0];
    const RelEstimate *below = estimate_plan(estimator, input);
    Scope scope = scope_of(estimator, input, below);
    double groups = group_count(estimator, input, below, aggregate->keys);
    ColumnEstimate *columns =
        ARENA_ARRAY(estimator->arena, ColumnEstimate, aggregate->head.column_count);

    for (uint32_t i = 0; i < aggregate->keys.count; i++) {
        columns[i] = below->columns[plan_column_index(input, aggregate->keys.ids[i])];
        columns[i].distinct_count = fmin(columns[i].distinct_count, groups);
    }
    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        columns[aggregate->keys.count + i] = aggregate_column(
            &scope, aggregate->aggs.items[i], groups, below->rows / fmax(1, groups));
    return new_estimate(estimator, groups, groups, columns);
}

static const RelEstimate *estimate_cut(Estimator *estimator, const Plan *plan, int64_t skip,
                                       int64_t fetch)
{
    const RelEstimate *below = estimate_plan(estimator, plan->inputs[0]);
    double rows = fmax(0, below->rows - (double)skip);
    ColumnEstimate *columns;

    if (fetch != ALL_ROWS)
        rows = fmin(rows, (double)fetch);
    columns = copy_columns(estimator, below, plan->column_count);
    thin_out(columns, plan->column_count, below->rows, rows);
    return new_estimate(estimator, rows, below->base_rows, columns);
}

static const RelEstimate *estimate_group_limit(Estimator *estimator, const PlanGroupLimit *limit)
{
    const Plan *input = limit->head.inputs[0];
    const RelEstimate *below = estimate_plan(estimator, input);
    double groups = group_count(estimator, input, below, limit->keys);
    double each = fmax(0, below->rows / fmax(1, groups) - (double)limit->skip_rows);
    ColumnEstimate *columns = copy_columns(estimator, below, input->column_count);
    double rows;

    if (limit->fetch_rows != ALL_ROWS)
        each = fmin(each, (double)limit->fetch_rows);
    rows = fmin(below->rows, groups * each);
    thin_out(columns, input->column_count, below->rows, rows);
    return new_estimate(estimator, rows, below->base_rows, columns);
}

static const RelEstimate *estimate_group_concat(Estimator *estimator, const PlanGroupConcat *concat)
{
    const Plan *input = concat->head.inputs[0];
    const RelEstimate *below = estimate_plan(estimator, input);
    double groups = group_count(estimator, input, below, concat->keys);
    ColumnEstimate *columns = copy_columns(estimator, below, input->column_count);

    thin_out(columns, input->column_count, below->rows, groups);
    columns[plan_column_index(input, concat->value)] =
        cost__unknown_column(type_of(TYPE_TEXT), groups);
    return new_estimate(estimator, groups, groups, columns);
}

/* --- set operations --- */

static const ColumnEstimate *mapped_column(Estimator *estimator, const Plan *plan, uint32_t input,
                                           uint32_t column)
{
    const Plan *below = plan->inputs[input];
    ColumnId id = plan_maps(plan)[input].ids[column];

    return &estimate_plan(estimator, below)->columns[plan_column_index(below, id)];
}

static void unite_column(ColumnEstimate *out, const ColumnEstimate *more)
{
    out->distinct_count = fmax(out->distinct_count, more->distinct_count);
    out->domain_count = fmax(out->domain_count, more->domain_count);
    out->distinct_is_guess |= more->distinct_is_guess;
    out->null_fraction = fmax(out->null_fraction, more->null_fraction);
    out->has_line &= more->has_line;
    out->low = fmin(out->low, more->low);
    out->high = fmax(out->high, more->high);
    out->has_bounds &= more->has_bounds;
    out->min = more->min < out->min ? more->min : out->min;
    out->max = more->max > out->max ? more->max : out->max;
    out->deviation = -1;
}

/* UNION ALL, INTERSECT, EXCEPT, SHARED: columns are renamed. */
static const RelEstimate *estimate_mapped(Estimator *estimator, const Plan *plan)
{
    ColumnEstimate *columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, plan->column_count);
    double rows = 0;

    for (uint32_t i = 0; i < plan->input_count; i++) {
        double more = estimate_plan(estimator, plan->inputs[i])->rows;

        if (plan->kind != PLAN_SETOP)
            rows += more;
        else if (i == 0)
            rows = more;
        else if (((const PlanSetop *)plan)->kind == SETOP_INTERSECT)
            rows = fmin(rows, more);
        for (uint32_t c = 0; c < plan->column_count; c++) {
            if (i == 0)
                columns[c] = *mapped_column(estimator, plan, i, c);
            else
                unite_column(&columns[c], mapped_column(estimator, plan, i, c));
        }
    }
    return new_estimate(estimator, rows, rows, columns);
}

/* --- leaves --- */

static const RelEstimate *estimate_values(Estimator *estimator, const PlanValues *values)
{
    double rows = values->rows.count;
    uint32_t count = values->head.column_count;
    ColumnEstimate *columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, count);
    RelEstimate none = {.rows = 1};
    Scope scope = scope_of(estimator, &values->head, &none);

    for (uint32_t c = 0; c < count; c++) {
        columns[c] = cost__unknown_column(values->head.columns[c].type, rows);
        columns[c].distinct_is_guess = false;
        for (uint32_t row = 0; row < values->rows.count; row++) {
            const Expr *expr = values->rows.items[row].items[c];
            ColumnEstimate value;

            if (expr->kind != EXPR_CONST) {
                columns[c].has_line = columns[c].has_bounds = false;
                break;
            }
            value = cost__expr(&scope, expr);
            if (row == 0)
                columns[c] = value;
            else
                unite_column(&columns[c], &value);
        }
        columns[c].distinct_count = columns[c].domain_count = fmax(1, rows);
    }
    return new_estimate(estimator, rows, rows, columns);
}

static const RelEstimate *estimate_series(Estimator *estimator, const PlanTableFunction *node)
{
    uint32_t last = node->head.column_count - 1;
    ColumnEstimate *columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, last + 1);
    ColumnEstimate *column = &columns[last];
    double ends[3] = {0, ROWS_OF_SERIES - 1, 1}, rows = ROWS_OF_SERIES;
    bool is_known = node->args.count >= 2;

    for (uint32_t i = 0; i < node->args.count && i < 3; i++) {
        const Expr *arg = node->args.items[i];

        is_known &= arg->kind == EXPR_CONST && cost__value_on_line(&arg->value, &ends[i]);
    }
    if (is_known && ends[2] != 0)
        rows = fmax(0, floor((ends[1] - ends[0]) / ends[2]) + 1);
    *column = cost__unknown_column(node->head.columns[last].type, rows);
    if (is_known) {
        column->distinct_is_guess = false;
        column->has_line = true;
        column->low = fmin(ends[0], ends[1]);
        column->high = fmax(ends[0], ends[1]);
    }
    if (last > 0) {
        const RelEstimate *below = estimate_plan(estimator, node->head.inputs[0]);

        memcpy(columns, below->columns, last * sizeof *columns);
        rows *= below->rows;
    }
    return new_estimate(estimator, rows, rows, columns);
}

static const RelEstimate *estimate_write(Estimator *estimator, const Plan *plan)
{
    ColumnEstimate *column = ARENA_NEW(estimator->arena, ColumnEstimate);

    *column = cost__unknown_column(plan->columns[0].type, 1);
    return new_estimate(estimator, 1, 1, column);
}

/* What functions make of rows nobody knows: as many, of any value. */
static const RelEstimate *estimate_records(Estimator *estimator, const Plan *plan)
{
    ColumnEstimate *columns = ARENA_ARRAY(estimator->arena, ColumnEstimate, plan->column_count);
    double rows = 0;

    for (uint32_t i = 0; i < plan->input_count; i++)
        rows += estimate_plan(estimator, plan->inputs[i])->rows;
    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] = cost__unknown_column(plan->columns[i].type, rows);
    return new_estimate(estimator, rows, rows, columns);
}

static const RelEstimate *estimate_node(Estimator *estimator, const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return estimate_filtered_scan(estimator, plan_as_scan(plan), 0, NULL);
    case PLAN_VALUES:
        return estimate_values(estimator, plan_as_values(plan));
    case PLAN_TABLE_FUNCTION:
        return estimate_series(estimator, plan_as_table_function(plan));
    case PLAN_FILTER:
        return estimate_filter(estimator, plan_as_filter(plan));
    case PLAN_PROJECT:
        return estimate_project(estimator, plan_as_project(plan));
    case PLAN_JOIN:
    case PLAN_HASH_JOIN:
    case PLAN_NESTED_JOIN:
        return cost__estimate_join(estimator, plan);
    case PLAN_AGGREGATE:
        return estimate_aggregate(estimator, plan_as_aggregate(plan));
    case PLAN_SORT:
        return estimate_plan(estimator, plan->inputs[0]);
    case PLAN_LIMIT:
        return estimate_cut(estimator, plan, plan_as_limit(plan)->skip_rows,
                            plan_as_limit(plan)->fetch_rows);
    case PLAN_GROUP_LIMIT:
        return estimate_group_limit(estimator, plan_as_group_limit(plan));
    case PLAN_GROUP_CONCAT:
        return estimate_group_concat(estimator, plan_as_group_concat(plan));
    case PLAN_TOP_N:
        return estimate_cut(estimator, plan, plan_as_top_n(plan)->skip_rows,
                            plan_as_top_n(plan)->fetch_rows);
    case PLAN_UNION:
    case PLAN_SETOP:
    case PLAN_SHARED:
        return estimate_mapped(estimator, plan);
    case PLAN_WRITE:
        return estimate_write(estimator, plan);
    case PLAN_EXCHANGE:
        return estimate_plan(estimator, plan->inputs[0]);
    case PLAN_CALL:
    case PLAN_COMBINE:
    case PLAN_GROUP:
        return estimate_records(estimator, plan);
    case PLAN_KIND_COUNT:
        break;
    }
    UNREACHABLE("plan kind");
}

const RelEstimate *estimate_plan(Estimator *estimator, const Plan *plan)
{
    const RelEstimate *estimate;

    if (estimator->memo_capacity > 0) {
        estimate = estimator->memo_estimates[memo_slot(estimator, plan)];
        if (estimate != NULL)
            return estimate;
    }
    estimate = estimate_node(estimator, plan);
    memo_add(estimator, plan, estimate);
    return estimate;
}

ColumnEstimate estimate_column(Estimator *estimator, const Plan *plan, ColumnId id)
{
    const RelEstimate *rel = estimate_plan(estimator, plan);
    int32_t index = plan_column_index(plan, id);

    return index >= 0 ? rel->columns[index] : cost__unknown_column(type_of(TYPE_NULL), rel->rows);
}

double estimate_selectivity(Estimator *estimator, const Plan *plan, const Expr *predicate)
{
    Scope scope = scope_of(estimator, plan, estimate_plan(estimator, plan));

    return cost__selectivity(&scope, predicate);
}
