/* op_values.c -- constant rows: VALUES, and the one row of zero columns below SELECT 42. One split.
 */
#include <string.h>

#include "exec/operators.h"

typedef struct ValuesOp {
    Operator op;
    const PlanValues *node;
    Arena *arena;
    char **values; /* a column each */
    uint64_t **validity;
    bool *has_nulls;
} ValuesOp;

typedef struct ValuesCursor {
    const ValuesOp *op;
    uint32_t next_row;
    Arena *arena;
    Column *columns;
    uint64_t **validity;
} ValuesCursor;

static Status evaluate_row(ValuesOp *op, uint32_t row, Error *err)
{
    const ExprList *exprs = &op->node->rows.items[row];

    for (uint32_t i = 0; i < op->node->head.column_count; i++) {
        size_t value_bytes = phys_bytes(type_phys(op->node->head.columns[i].type));
        Value value;

        if (exprs->items[i]->kind == EXPR_CONST)
            value = exprs->items[i]->value;
        else
            TRY(kernel_eval_const(op->arena, exprs->items[i], err, &value));
        if (value.is_null) {
            op->has_nulls[i] = true;
            continue;
        }
        bitmap_set(op->validity[i], row);
        memcpy(op->values[i] + row * value_bytes, value.bytes, value_bytes);
    }
    return ST_OK;
}

static Status values_open(Operator *base, Error *err)
{
    ValuesOp *op = (ValuesOp *)base;
    uint32_t column_count = op->node->head.column_count, row_count = op->node->rows.count;

    op->values = ARENA_ARRAY(op->arena, char *, column_count);
    op->validity = ARENA_ARRAY(op->arena, uint64_t *, column_count);
    op->has_nulls = ARENA_ARRAY(op->arena, bool, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        size_t value_bytes = phys_bytes(type_phys(op->node->head.columns[i].type));

        op->values[i] = arena_alloc(op->arena, arena_array_bytes(row_count, value_bytes));
        op->validity[i] = ARENA_ARRAY(op->arena, uint64_t, bitmap_words(row_count));
    }
    for (uint32_t row = 0; row < row_count; row++)
        TRY(evaluate_row(op, row, err));
    return ST_OK;
}

static uint32_t values_split_count(Operator *base)
{
    return ((ValuesOp *)base)->node->rows.count > 0;
}

static double values_row_estimate(Operator *base)
{
    return ((ValuesOp *)base)->node->rows.count;
}

static Status values_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    Arena *arena = arena_new(NULL, "values", ARENA_NO_CAP);
    ValuesCursor *cursor = ARENA_NEW(arena, ValuesCursor);
    uint32_t column_count = base->node->column_count;

    (void)thread, (void)err;
    cursor->op = (const ValuesOp *)base;
    cursor->arena = arena;
    cursor->columns = ARENA_ARRAY(arena, Column, column_count);
    cursor->validity = ARENA_ARRAY(arena, uint64_t *, column_count);
    for (uint32_t i = 0; i < column_count; i++)
        cursor->validity[i] = ARENA_ARRAY(arena, uint64_t, bitmap_words(BATCH_ROWS_MAX));
    *cursor_out = cursor;
    return ST_OK;
}

static Status values_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    (void)base, (void)split, (void)err;
    ((ValuesCursor *)opaque)->next_row = 0;
    return ST_OK;
}

static Status values_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    ValuesCursor *cursor = opaque;
    const ValuesOp *op = cursor->op;
    uint32_t row = cursor->next_row, count = op->node->rows.count - row;

    (void)err;
    if (count > base->context->batch_rows)
        count = base->context->batch_rows;
    for (uint32_t i = 0; i < base->node->column_count && count > 0; i++) {
        Type type = base->node->columns[i].type;
        Column *column = &cursor->columns[i];

        *column = (Column){.type = type,
                           .form = COLUMN_FLAT,
                           .values = op->values[i] + row * phys_bytes(type_phys(type))};
        if (!op->has_nulls[i])
            continue;
        bitmap_copy(cursor->validity[i], 0, op->validity[i], row, count);
        column->validity = cursor->validity[i];
    }
    *batch_out = (Batch){.column_count = base->node->column_count,
                         .row_count = count,
                         .columns = cursor->columns,
                         .selected_count = count,
                         .sequence = row};
    cursor->next_row += count;
    return ST_OK;
}

static void values_source_close(Operator *base, void *opaque)
{
    (void)base;
    if (opaque != NULL)
        arena_free(((ValuesCursor *)opaque)->arena);
}

static const OperatorClass values_class = {
    .name = "values",
    .open = values_open,
    .split_count = values_split_count,
    .source_open = values_source_open,
    .source_split = values_source_split,
    .source_next = values_source_next,
    .source_close = values_source_close,
    .row_estimate = values_row_estimate,
};

Status op_values_new(const ExecContext *context, Arena *arena, const PlanValues *node, Error *err,
                     Operator **op_out)
{
    ValuesOp *op = ARENA_NEW(arena, ValuesOp);

    (void)err;
    op->op = (Operator){.class = &values_class, .context = context, .node = &node->head};
    op->node = node;
    op->arena = arena;
    *op_out = &op->op;
    return ST_OK;
}
