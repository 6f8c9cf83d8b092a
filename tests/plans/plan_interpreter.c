/* plan_interpreter.c -- see plan_interpreter.h */
#include "tests/plans/plan_interpreter.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "tests/plans/interpreter_internal.h"

void interpreter__add_row(Interpreter *in, Rows *rows, const Value *row)
{
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity == 0 ? 8 : rows->capacity * 2;
        const Value **items = ARENA_ARRAY(in->arena, const Value *, capacity);

        if (rows->count > 0)
            memcpy(items, rows->items, rows->count * sizeof *items);
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = arena_copy(in->arena, row, rows->column_count * sizeof *row);
}

static Rows no_rows(const Plan *plan)
{
    return (Rows){.column_count = plan->column_count};
}

static Status spend(Interpreter *in)
{
    if (in->steps_left == 0)
        return error_set(in->err, ST_NOT_SUPPORTED, "interpreter: too many steps");
    in->steps_left--;
    return ST_OK;
}

static Env env_of(const Plan *plan, const Value *row, const Env *outer)
{
    return (Env){plan->column_count, plan->columns, row, outer};
}

/* --- leaves --- */

static Status run_scan(Interpreter *in, const PlanScan *scan, const Env *env, Rows *out)
{
    Rows table = in->table_rows(in->arena, scan->table);

    for (uint32_t i = 0; i < table.count; i++) {
        Value *row = ARENA_ARRAY(in->arena, Value, scan->head.column_count);
        Env row_env = env_of(&scan->head, row, env);
        bool is_kept = true;

        TRY(spend(in));
        for (uint32_t c = 0; c < scan->head.column_count; c++)
            row[c] = table.items[i][scan->table_columns.items[c]];
        for (uint32_t p = 0; is_kept && p < scan->predicates.count; p++)
            TRY(interpreter__holds(in, scan->predicates.items[p], &row_env, &is_kept));
        if (is_kept)
            interpreter__add_row(in, out, row);
    }
    return ST_OK;
}

static Status run_values(Interpreter *in, const PlanValues *values, const Env *env, Rows *out)
{
    for (uint32_t i = 0; i < values->rows.count; i++) {
        Value *row = ARENA_ARRAY(in->arena, Value, values->head.column_count);

        for (uint32_t c = 0; c < values->head.column_count; c++)
            TRY(interpreter__expr(in, values->rows.items[i].items[c], env, &row[c]));
        interpreter__add_row(in, out, row);
    }
    return ST_OK;
}

/* --- one input --- */

static Status run_filter(Interpreter *in, const PlanFilter *filter, const Env *env, Rows *out)
{
    Rows rows;

    TRY(interpreter__plan(in, filter->head.inputs[0], env, &rows));
    for (uint32_t i = 0; i < rows.count; i++) {
        Env row_env = env_of(filter->head.inputs[0], rows.items[i], env);
        bool holds;

        TRY(interpreter__holds(in, filter->predicate, &row_env, &holds));
        if (holds)
            interpreter__add_row(in, out, rows.items[i]);
    }
    return ST_OK;
}

static Status run_project(Interpreter *in, const PlanProject *project, const Env *env, Rows *out)
{
    Rows rows;

    TRY(interpreter__plan(in, project->head.inputs[0], env, &rows));
    for (uint32_t i = 0; i < rows.count; i++) {
        Env row_env = env_of(project->head.inputs[0], rows.items[i], env);
        Value *row = ARENA_ARRAY(in->arena, Value, project->exprs.count);

        for (uint32_t c = 0; c < project->exprs.count; c++)
            TRY(interpreter__expr(in, project->exprs.items[c], &row_env, &row[c]));
        interpreter__add_row(in, out, row);
    }
    return ST_OK;
}

static bool same_keys(const Plan *input, ColumnList keys, const Value *a, const Value *b)
{
    for (uint32_t i = 0; i < keys.count; i++) {
        int32_t at = plan_column_index(input, keys.ids[i]);

        if (!interpreter__same_value(&a[at], &b[at]))
            return false;
    }
    return true;
}

static Status add_group(Interpreter *in, const PlanAggregate *aggregate, const Rows *group,
                        const Env *env, Rows *out)
{
    const Plan *input = aggregate->head.inputs[0];
    Value *row = ARENA_ARRAY(in->arena, Value, aggregate->head.column_count);
    uint32_t key_count = aggregate->keys.count;

    for (uint32_t i = 0; i < key_count; i++)
        row[i] = group->items[0][plan_column_index(input, aggregate->keys.ids[i])];
    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        TRY(interpreter__agg(in, aggregate->aggs.items[i], input->columns, group, env,
                             &row[key_count + i]));
    interpreter__add_row(in, out, row);
    return ST_OK;
}

static Status run_aggregate(Interpreter *in, const PlanAggregate *aggregate, const Env *env,
                            Rows *out)
{
    const Plan *input = aggregate->head.inputs[0];
    Rows rows;
    bool *is_done;

    TRY(interpreter__plan(in, input, env, &rows));
    if (aggregate->keys.count == 0)
        return add_group(in, aggregate, &rows, env, out);
    is_done = ARENA_ARRAY(in->arena, bool, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) {
        Rows group = {.column_count = rows.column_count};

        if (is_done[i])
            continue;
        for (uint32_t j = i; j < rows.count; j++)
            if (!is_done[j] && same_keys(input, aggregate->keys, rows.items[i], rows.items[j])) {
                is_done[j] = true;
                interpreter__add_row(in, &group, rows.items[j]);
            }
        TRY(add_group(in, aggregate, &group, env, out));
    }
    return ST_OK;
}

static int compare_nullable(const Value *a, const Value *b, const SortKey *key)
{
    int order;

    if (a->is_null || b->is_null)
        return a->is_null == b->is_null ? 0 : a->is_null == key->nulls_first ? -1 : 1;
    order = type_is_text(a->type) ? str_compare(a->str, b->str) : value_compare(a, b);
    return key->is_descending ? -order : order;
}

static Status run_sort(Interpreter *in, const PlanSort *sort, const Env *env, Rows *out)
{
    const Plan *input = sort->head.inputs[0];

    TRY(interpreter__plan(in, input, env, out));
    for (uint32_t i = 1; i < out->count; i++) {
        const Value *row = out->items[i];
        uint32_t j = i;

        for (; j > 0; j--) {
            int order = 0;

            for (uint32_t k = 0; order == 0 && k < sort->keys.count; k++) {
                int32_t at = plan_column_index(input, sort->keys.items[k].column);

                order = compare_nullable(&out->items[j - 1][at], &row[at], &sort->keys.items[k]);
            }
            if (order <= 0)
                break;
            out->items[j] = out->items[j - 1];
        }
        out->items[j] = row;
    }
    return ST_OK;
}

static Status run_limit(Interpreter *in, const PlanLimit *limit, const Env *env, Rows *out)
{
    Rows rows;

    TRY(interpreter__plan(in, limit->head.inputs[0], env, &rows));
    for (uint32_t i = 0; i < rows.count; i++)
        if (i >= limit->skip_rows && i - limit->skip_rows < limit->fetch_rows)
            interpreter__add_row(in, out, rows.items[i]);
    return ST_OK;
}

static bool same_rows(const Value *a, const Value *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!interpreter__same_value(&a[i], &b[i]))
            return false;
    return true;
}

static bool is_same_group(const PlanGroupLimit *limit, const Value *a, const Value *b)
{
    for (uint32_t k = 0; k < limit->keys.count; k++) {
        int32_t at = plan_column_index(limit->head.inputs[0], limit->keys.ids[k]);

        if (!same_rows(&a[at], &b[at], 1))
            return false;
    }
    return true;
}

/* In the input's order once sorted: which rows of a group come first is what counts. */
static Status run_group_limit(Interpreter *in, const PlanGroupLimit *limit, const Env *env,
                              Rows *out)
{
    const Plan *sorted =
        plan_sort(in->arena, limit->head.inputs[0], limit->order.count, limit->order.items);
    Rows rows;

    TRY(interpreter__plan(in, sorted, env, &rows));
    for (uint32_t i = 0; i < rows.count; i++) {
        int64_t number = 0;

        for (uint32_t j = 0; j < i; j++)
            number += is_same_group(limit, rows.items[i], rows.items[j]);
        if (number >= limit->skip_rows && number - limit->skip_rows < limit->fetch_rows)
            interpreter__add_row(in, out, rows.items[i]);
    }
    return ST_OK;
}

/* --- joins --- */

typedef struct JoinRun {
    Interpreter *in;
    const PlanJoin *join;
    const Env *env;
    Rows *out;
    bool *right_matched;
} JoinRun;

static const Value *nulls_of(Interpreter *in, const Plan *plan)
{
    Value *row = ARENA_ARRAY(in->arena, Value, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        row[i] = value_null(plan->columns[i].type);
    return row;
}

static void add_pair(JoinRun *run, const Value *left, const Value *right)
{
    uint32_t left_count = run->join->head.inputs[0]->column_count;
    uint32_t right_count = run->join->head.inputs[1]->column_count;
    Value *row = ARENA_ARRAY(run->in->arena, Value, left_count + right_count);

    memcpy(row, left, left_count * sizeof *row);
    memcpy(row + left_count, right, right_count * sizeof *row);
    interpreter__add_row(run->in, run->out, row);
}

typedef struct Matches {
    uint32_t count;     /* pairs that meet the condition */
    bool has_true_mark; /* null_aware, over those pairs */
    bool has_null_mark;
} Matches;

static Status try_pairs(JoinRun *run, const Value *left, const Rows *rights, Matches *matches)
{
    const PlanJoin *join = run->join;
    bool makes_pairs = join->kind == JOIN_INNER || join->kind == JOIN_LEFT ||
                       join->kind == JOIN_FULL || join->kind == JOIN_SINGLE;

    *matches = (Matches){0};
    for (uint32_t r = 0; r < rights->count; r++) {
        Env left_env = env_of(join->head.inputs[0], left, run->env);
        Env pair_env = env_of(join->head.inputs[1], rights->items[r], &left_env);
        Value mark;
        bool holds;

        TRY(spend(run->in));
        TRY(interpreter__holds(run->in, join->condition, &pair_env, &holds));
        if (!holds)
            continue;
        matches->count++;
        if (run->right_matched != NULL)
            run->right_matched[r] = true;
        if (makes_pairs)
            add_pair(run, left, rights->items[r]);
        if (join->null_aware == NULL)
            continue;
        TRY(interpreter__expr(run->in, join->null_aware, &pair_env, &mark));
        matches->has_null_mark |= mark.is_null;
        matches->has_true_mark |= !mark.is_null && mark.boolean;
    }
    return ST_OK;
}

static void add_marked(JoinRun *run, const Value *left, const Matches *matches)
{
    uint32_t count = run->join->head.inputs[0]->column_count;
    Value *row = ARENA_ARRAY(run->in->arena, Value, count + 1);

    memcpy(row, left, count * sizeof *row);
    if (run->join->null_aware == NULL)
        row[count] = value_bool(matches->count > 0);
    else if (matches->has_true_mark)
        row[count] = value_bool(true);
    else
        row[count] = matches->has_null_mark ? value_null(type_of(TYPE_BOOL)) : value_bool(false);
    interpreter__add_row(run->in, run->out, row);
}

static Status join_row(JoinRun *run, const Value *left, const Rows *rights)
{
    Matches matches;
    bool is_kept;

    TRY(try_pairs(run, left, rights, &matches));
    switch ((JoinKind)run->join->kind) {
    case JOIN_INNER:
        return ST_OK;
    case JOIN_SINGLE:
        if (matches.count > 1)
            return error_set_state(run->in->err, ST_BAD_INPUT, "21000", "more than one row");
        /* fall through */
    case JOIN_LEFT:
    case JOIN_FULL:
        if (matches.count == 0)
            add_pair(run, left, nulls_of(run->in, run->join->head.inputs[1]));
        return ST_OK;
    case JOIN_SEMI:
        if (matches.count > 0)
            interpreter__add_row(run->in, run->out, left);
        return ST_OK;
    case JOIN_ANTI:
        is_kept = run->join->null_aware == NULL ? matches.count == 0
                                                : !matches.has_true_mark && !matches.has_null_mark;
        if (is_kept)
            interpreter__add_row(run->in, run->out, left);
        return ST_OK;
    case JOIN_MARK:
        add_marked(run, left, &matches);
        return ST_OK;
    default:
        return error_set(run->in->err, ST_NOT_SUPPORTED, "interpreter: a physical join");
    }
}

static Status run_join(Interpreter *in, const PlanJoin *join, const Env *env, Rows *out)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    bool is_dependent =
        column_set_overlaps(plan_free_columns(in->arena, right), plan_output(in->arena, left));
    JoinRun run = {.in = in, .join = join, .env = env, .out = out};
    Rows lefts, rights = {0};

    TRY(interpreter__plan(in, left, env, &lefts));
    if (!is_dependent) {
        TRY(interpreter__plan(in, right, env, &rights));
        if (join->kind == JOIN_FULL)
            run.right_matched = ARENA_ARRAY(in->arena, bool, rights.count);
    }
    for (uint32_t i = 0; i < lefts.count; i++) {
        Env left_env = env_of(left, lefts.items[i], env);

        if (is_dependent)
            TRY(interpreter__plan(in, right, &left_env, &rights));
        TRY(join_row(&run, lefts.items[i], &rights));
    }
    for (uint32_t r = 0; run.right_matched != NULL && r < rights.count; r++)
        if (!run.right_matched[r])
            add_pair(&run, nulls_of(in, left), rights.items[r]);
    return ST_OK;
}

/* --- sets --- */

/* Input i's rows under the node's own columns. */
static Status run_mapped(Interpreter *in, const Plan *plan, uint32_t i, const Env *env, Rows *out)
{
    const Plan *input = plan->inputs[i];
    Rows rows;

    TRY(interpreter__plan(in, input, env, &rows));
    for (uint32_t r = 0; r < rows.count; r++) {
        Value *row = ARENA_ARRAY(in->arena, Value, plan->column_count);

        for (uint32_t c = 0; c < plan->column_count; c++)
            row[c] = rows.items[r][plan_column_index(input, plan_maps(plan)[i].ids[c])];
        interpreter__add_row(in, out, row);
    }
    return ST_OK;
}

static uint32_t count_rows(const Rows *rows, const Value *row)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rows->count; i++)
        count += same_rows(rows->items[i], row, rows->column_count);
    return count;
}

/* How often a row that the sides have l and r times comes out. */
static uint32_t setop_count(const PlanSetop *setop, uint32_t l, uint32_t r)
{
    bool is_intersect = setop->kind == SETOP_INTERSECT;

    if (!setop->is_all)
        return is_intersect ? l > 0 && r > 0 : l > 0 && r == 0;
    if (is_intersect)
        return l < r ? l : r;
    return l > r ? l - r : 0;
}

static Status run_setop(Interpreter *in, const PlanSetop *setop, const Env *env, Rows *out)
{
    Rows left = no_rows(&setop->head), right = no_rows(&setop->head), seen = no_rows(&setop->head);

    TRY(run_mapped(in, &setop->head, 0, env, &left));
    TRY(run_mapped(in, &setop->head, 1, env, &right));
    for (uint32_t i = 0; i < left.count; i++) {
        const Value *row = left.items[i];
        uint32_t times;

        if (count_rows(&seen, row) > 0)
            continue;
        interpreter__add_row(in, &seen, row);
        times = setop_count(setop, count_rows(&left, row), count_rows(&right, row));
        while (times-- > 0)
            interpreter__add_row(in, out, row);
    }
    return ST_OK;
}

/* --- generate_series of integers that count up by one, for each row of the input --- */

static Status run_series(Interpreter *in, const PlanTableFunction *series, const Env *env,
                         Rows *out)
{
    const Plan *plan = &series->head;
    Rows rows;

    if (plan->input_count == 0 || plan->columns[plan->column_count - 1].type.id != TYPE_INT8)
        return error_set(in->err, ST_NOT_SUPPORTED, "interpreter: such a series");
    TRY(interpreter__plan(in, plan->inputs[0], env, &rows));
    for (uint32_t r = 0; r < rows.count; r++) {
        Env row_env = env_of(plan->inputs[0], rows.items[r], env);
        Value ends[3];

        for (uint32_t i = 0; i < 3; i++)
            TRY(interpreter__expr(in, series->args.items[i], &row_env, &ends[i]));
        for (Int128 i = value_as_int128(&ends[0]); i <= value_as_int128(&ends[1]); i++) {
            Value *row = ARENA_ARRAY(in->arena, Value, plan->column_count);

            TRY(spend(in));
            memcpy(row, rows.items[r], rows.column_count * sizeof *row);
            row[rows.column_count] = value_int8((int64_t)i);
            interpreter__add_row(in, out, row);
        }
    }
    return ST_OK;
}

/* --- */

Status interpreter__plan(Interpreter *in, const Plan *plan, const Env *env, Rows *rows_out)
{
    *rows_out = no_rows(plan);
    TRY(spend(in));
    switch (plan->kind) {
    case PLAN_SCAN:
        return run_scan(in, (const PlanScan *)plan, env, rows_out);
    case PLAN_VALUES:
        return run_values(in, (const PlanValues *)plan, env, rows_out);
    case PLAN_FILTER:
        return run_filter(in, (const PlanFilter *)plan, env, rows_out);
    case PLAN_PROJECT:
        return run_project(in, (const PlanProject *)plan, env, rows_out);
    case PLAN_AGGREGATE:
        return run_aggregate(in, (const PlanAggregate *)plan, env, rows_out);
    case PLAN_SORT:
        return run_sort(in, (const PlanSort *)plan, env, rows_out);
    case PLAN_LIMIT:
        return run_limit(in, (const PlanLimit *)plan, env, rows_out);
    case PLAN_GROUP_LIMIT:
        return run_group_limit(in, (const PlanGroupLimit *)plan, env, rows_out);
    case PLAN_JOIN:
        return run_join(in, (const PlanJoin *)plan, env, rows_out);
    case PLAN_TABLE_FUNCTION:
        return run_series(in, (const PlanTableFunction *)plan, env, rows_out);
    case PLAN_SETOP:
        return run_setop(in, (const PlanSetop *)plan, env, rows_out);
    case PLAN_UNION:
        for (uint32_t i = 0; i < plan->input_count; i++)
            TRY(run_mapped(in, plan, i, env, rows_out));
        return ST_OK;
    case PLAN_SHARED:
        return run_mapped(in, plan, 0, env, rows_out);
    default:
        return error_set(in->err, ST_NOT_SUPPORTED, "interpreter: %s", plan_kind_name(plan->kind));
    }
}

Status interpret_plan(Interpreter *interpreter, const Plan *plan, Rows *rows_out)
{
    return interpreter__plan(interpreter, plan, NULL, rows_out);
}

bool rows_equal_as_bags(Arena *arena, const Rows *a, const Rows *b)
{
    bool *is_taken = ARENA_ARRAY(arena, bool, b->count);

    if (a->count != b->count || a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t j = 0;

        while (j < b->count &&
               (is_taken[j] || !same_rows(a->items[i], b->items[j], a->column_count)))
            j++;
        if (j == b->count)
            return false;
        is_taken[j] = true;
    }
    return true;
}

const char *rows_print(Arena *arena, const Rows *rows)
{
    StrBuf buf = {.arena = arena};

    for (uint32_t i = 0; i < rows->count; i++) {
        for (uint32_t c = 0; c < rows->column_count; c++) {
            const Expr *value = expr_const(arena, rows->items[i][c]);

            strbuf_printf(&buf, "%s%s", c == 0 ? "  " : ", ", expr_print(arena, value));
        }
        strbuf_putc(&buf, '\n');
    }
    return strbuf_text(&buf);
}
