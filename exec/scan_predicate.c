/* scan_predicate.c -- see scan_predicate.h */
#include "exec/scan_predicate.h"

#include <string.h>

#include "core/base/invariant.h"

/* --- which kind --- */

static bool comparison_kind(FuncId func, PredicateKind *kind)
{
    switch (func) {
    case FUNC_EQ:
        *kind = PREDICATE_EQ;
        return true;
    case FUNC_NE:
        *kind = PREDICATE_NE;
        return true;
    case FUNC_LT:
        *kind = PREDICATE_LT;
        return true;
    case FUNC_LE:
        *kind = PREDICATE_LE;
        return true;
    case FUNC_GT:
        *kind = PREDICATE_GT;
        return true;
    case FUNC_GE:
        *kind = PREDICATE_GE;
        return true;
    default:
        return false;
    }
}

/* 5 < x is x > 5 */
static PredicateKind flipped(PredicateKind kind)
{
    switch (kind) {
    case PREDICATE_LT:
        return PREDICATE_GT;
    case PREDICATE_LE:
        return PREDICATE_GE;
    case PREDICATE_GT:
        return PREDICATE_LT;
    case PREDICATE_GE:
        return PREDICATE_LE;
    default:
        return kind;
    }
}

/* A constant that compares with the column's values as they are. */
static bool is_value_of(const Expr *expr, Type type)
{
    return expr->kind == EXPR_CONST && !expr->value.is_null &&
           type_phys(expr->value.type) == type_phys(type) &&
           type_category(expr->value.type) == type_category(type) &&
           expr->value.type.scale == type.scale;
}

static void take_values(Arena *arena, const Expr *const *constants, uint32_t count, Type type,
                        ScanPredicate *predicate)
{
    Value *values = ARENA_ARRAY(arena, Value, count);

    for (uint32_t i = 0; i < count; i++) {
        values[i] = constants[i]->value;
        values[i].type = type;
    }
    predicate->values = values;
    predicate->value_count = count;
}

static void classify(Arena *arena, const Expr *expr, Type type, ScanPredicate *predicate)
{
    PredicateKind kind;

    predicate->kind = PREDICATE_OTHER;
    if (expr->kind != EXPR_CALL || expr->arg_count == 0)
        return;
    if (expr->func == FUNC_IS_NULL && expr->args[0]->kind == EXPR_COLUMN) {
        predicate->kind = PREDICATE_IS_NULL;
    } else if (expr->func == FUNC_IS_NOT_NULL && expr->args[0]->kind == EXPR_COLUMN) {
        predicate->kind = PREDICATE_IS_NOT_NULL;
    } else if (expr->func == FUNC_IN && expr->args[0]->kind == EXPR_COLUMN) {
        for (uint32_t i = 1; i < expr->arg_count; i++)
            if (!is_value_of(expr->args[i], type))
                return;
        predicate->kind = PREDICATE_IN;
        take_values(arena, expr->args + 1, expr->arg_count - 1, type, predicate);
    } else if (comparison_kind(expr->func, &kind) && expr->arg_count == 2) {
        bool is_flipped = expr->args[1]->kind == EXPR_COLUMN;
        const Expr *const *constant = &expr->args[is_flipped ? 0 : 1];

        if (expr->args[is_flipped]->kind != EXPR_COLUMN || !is_value_of(*constant, type))
            return;
        predicate->kind = is_flipped ? flipped(kind) : kind;
        take_values(arena, constant, 1, type, predicate);
    }
}

/* --- keeping rows --- */

static Status keep_slice(KernelInstance *instance, const Column *column, uint32_t row_count,
                         uint32_t base, const uint32_t *selection, uint32_t count, uint32_t *kept,
                         uint32_t *kept_count, Error *err)
{
    Batch batch = {.column_count = 1,
                   .row_count = row_count,
                   .columns = column,
                   .selection = selection,
                   .selected_count = count};
    const uint32_t *rows;
    uint32_t row_total;

    if (count == 0)
        return ST_OK;
    TRY(kernel_filter(instance, &batch, err, &rows, &row_total));
    for (uint32_t i = 0; i < row_total; i++)
        kept[*kept_count + i] = base + (rows == NULL ? i : rows[i]);
    *kept_count += row_total;
    return ST_OK;
}

/* Rows [base, ...) of the column; base is a multiple of 64. */
static Column from_row(const Column *column, uint32_t base)
{
    Column part = *column;

    if (column->form == COLUMN_CONST)
        return part;
    if (column->form == COLUMN_DICT)
        part.codes += base;
    else
        part.values =
            (const char *)part.values + (size_t)base * phys_bytes(type_phys(column->type));
    if (part.validity != NULL)
        part.validity += base / 64;
    return part;
}

/* A dictionary may have more entries than a batch has rows: BATCH_ROWS_MAX at a time. */
static Status keep_many(KernelInstance *instance, const Column *column, uint32_t row_count,
                        const uint32_t *selection, uint32_t count, uint32_t *kept,
                        uint32_t *kept_count, Error *err)
{
    uint32_t shifted[BATCH_ROWS_MAX];
    uint32_t next = 0;

    _Static_assert(BATCH_ROWS_MAX % 64 == 0, "slices start at whole words");
    for (uint32_t base = 0; base < row_count; base += BATCH_ROWS_MAX) {
        uint32_t rows = row_count - base < BATCH_ROWS_MAX ? row_count - base : BATCH_ROWS_MAX;
        Column part = from_row(column, base);
        uint32_t now = rows;

        if (selection != NULL) {
            for (now = 0; next < count && selection[next] < base + rows; now++, next++)
                shifted[now] = selection[next] - base;
        }
        TRY(keep_slice(instance, &part, rows, base, selection == NULL ? NULL : shifted, now, kept,
                       kept_count, err));
    }
    return ST_OK;
}

static Status keep(void *opaque, uint32_t thread, const Column *column, uint32_t row_count,
                   const uint32_t *selection, uint32_t count, uint32_t *kept,
                   uint32_t *kept_count_out, Error *err)
{
    KeepKernel *keeper = opaque;
    KernelInstance **instance = &keeper->instances[thread];

    ASSERT(thread < keeper->thread_count);
    *kept_count_out = 0;
    if (*instance == NULL)
        TRY(kernel_instance_new(keeper->kernel, keeper->pool, err, instance));
    if (row_count <= BATCH_ROWS_MAX)
        return keep_slice(*instance, column, row_count, 0, selection, count, kept, kept_count_out,
                          err);
    return keep_many(*instance, column, row_count, selection, count, kept, kept_count_out, err);
}

/* --- life --- */

static bool find_column(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        *(ColumnId *)context = expr->column;
    return true;
}

Status scan_predicate_make(const ExecContext *context, Arena *arena, Operator *op,
                           const PlanScan *node, const Expr *conjunct, Error *err,
                           ScanPredicate *predicate_out)
{
    KeepKernel *keeper = ARENA_NEW(arena, KeepKernel);
    ColumnId id = 0;
    int32_t index;
    KernelRequest request = {.name = "scan.filter",
                             .input_count = 1,
                             .predicate = conjunct,
                             .expected_rows = -1,
                             .jit = context->jit,
                             .cache = context->cache};

    expr_visit(conjunct, find_column, &id);
    index = plan_column_index(&node->head, id);
    if (index < 0)
        return error_set(err, ST_INTERNAL, "a scan's predicate uses a column it does not have");
    request.inputs = &node->head.columns[index];
    if (node->table->class->statistics != NULL)
        request.expected_rows = node->table->class->statistics(node->table).row_count;
    TRY(kernel_build(&request, err, &keeper->kernel));
    operator_add_kernel(op, arena, keeper->kernel);
    keeper->pool = context->pool;
    keeper->thread_count = context->threads;
    keeper->instances = ARENA_ARRAY(arena, KernelInstance *, context->threads);
    *predicate_out = (ScanPredicate){
        .column = node->table_columns.items[index], .keep = keep, .context = keeper};
    classify(arena, conjunct, node->head.columns[index].type, predicate_out);
    return ST_OK;
}

void scan_predicate_close(ScanPredicate *predicate)
{
    KeepKernel *keeper = predicate->context;

    for (uint32_t i = 0; i < keeper->thread_count; i++) {
        kernel_instance_free(keeper->instances[i]);
        keeper->instances[i] = NULL;
    }
}
