/* kernel_interpret.c -- tier 0: a kernel's lines, one after the other; see kernel_instance.h */
#include "core/base/invariant.h"

#include "codegen/kernel_instance.h"

void interpret__begin(KernelInstance *instance, const Batch *batch)
{
    instance->row_count = batch->row_count;
    instance->base = (Rows){.selection = batch->selection, .count = batch->selected_count};
    instance->status = ST_OK;
    instance->ctx.error = 0;
    text_heap_reset(&instance->heap, &instance->ctx);
    for (uint32_t i = 0; i < instance->kernel->line_count; i++) {
        instance->states[i].has_guarded = false;
        instance->states[i].has_flat = false;
    }
}

/* --- errors --- */

static Rows cut(Rows rows, uint32_t row_count)
{
    if (rows.selection == NULL)
        rows.count = rows.count < row_count ? rows.count : row_count;
    else
        while (rows.count > 0 && rows.selection[rows.count - 1] >= row_count)
            rows.count--;
    return rows;
}

void interpret__fail(KernelInstance *instance, uint32_t row)
{
    instance->status = kernel__op_error(&instance->ctx, &instance->error);
    instance->ctx.error = 0;
    instance->row_count = instance->status == ST_OUT_OF_MEMORY ? 0 : row;
    instance->base = cut(instance->base, instance->row_count);
}

void interpret__refuse(KernelInstance *instance, Status status, const Error *error)
{
    instance->status = status;
    instance->error = *error;
    instance->row_count = 0;
    instance->base.count = 0;
}

/* --- rows --- */

Rows interpret__rows(KernelInstance *instance, uint32_t guard)
{
    LineState *state;
    const Column *mask;

    if (guard == NO_REGISTER)
        return instance->base;
    mask = &instance->registers[guard];
    if (mask->form == COLUMN_CONST)
        return *(const uint8_t *)mask->values ? instance->base : (Rows){NULL, 0};
    state = &instance->states[guard];
    if (!state->has_guarded) {
        state->guarded_count = rows_where_true(instance->base, mask->values, state->guarded);
        state->has_guarded = true;
    }
    return cut((Rows){state->guarded, state->guarded_count}, instance->row_count);
}

void interpret__keep(KernelInstance *instance, uint32_t mask)
{
    const Column *column = &instance->registers[mask];

    for (uint32_t i = 0; i < instance->kernel->line_count; i++)
        instance->states[i].has_guarded = false;
    if (column->form == COLUMN_CONST) {
        if (!*(const uint8_t *)column->values)
            instance->base = (Rows){instance->kept, 0};
        return;
    }
    instance->base.count = rows_where_true(instance->base, column->values, instance->kept);
    instance->base.selection = instance->kept;
}

/* --- registers --- */

static void decode(const Column *column, Rows rows, Str *out)
{
    const Str *entries = column->dictionary->values;

    if (column->dictionary->value_count == 0) /* then all rows are NULL */
        return;
    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows_at(rows, k);

        out[row] = entries[column->codes[row]];
    }
}

const Column *interpret__flat(KernelInstance *instance, uint32_t reg)
{
    LineState *state = &instance->states[reg];
    const Column *column = &instance->registers[reg];
    Error error = ERROR_NONE;
    void *memory;

    if (column->form != COLUMN_DICT)
        return column;
    if (state->has_flat)
        return &state->flat;
    if (state->flat_values == NULL) {
        Status status = mem_pool_alloc(instance->pool, BATCH_ROWS_MAX * sizeof(Str),
                                       "decoded texts", &error, &memory);

        if (status != ST_OK) { /* no row is computed any more: any column does */
            interpret__refuse(instance, status, &error);
            state->flat = (Column){.type = column->type, .form = COLUMN_FLAT, .values = ""};
            return &state->flat;
        }
        state->flat_values = memset(memory, 0, BATCH_ROWS_MAX * sizeof(Str));
    }
    decode(column, instance->base, state->flat_values);
    state->flat = (Column){.type = column->type,
                           .form = COLUMN_FLAT,
                           .values = state->flat_values,
                           .validity = column->validity};
    state->has_flat = true;
    return &state->flat;
}

static void load_input(KernelInstance *instance, const Batch *batch, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];

    instance->registers[index] = batch->columns[line->index];
    if (!line->is_nullable)
        instance->registers[index].validity = NULL;
}

static void load_param(KernelInstance *instance, uint32_t index)
{
    const KernelLine *line = &instance->kernel->lines[index];

    instance->registers[index] = value_as_column(&instance->kernel->params[line->index]);
}

void interpret__lines(KernelInstance *instance, const Batch *batch, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        switch (instance->kernel->lines[i].kind) {
        case LINE_INPUT:
            load_input(instance, batch, i);
            break;
        case LINE_PARAM:
            load_param(instance, i);
            break;
        case LINE_OP:
            interpret__op(instance, i);
            break;
        case LINE_IN:
            interpret__in(instance, i);
            break;
        case LINE_SELECT:
            interpret__select(instance, i);
            break;
        case LINE_BOOL:
            interpret__bool(instance, i);
            break;
        default:
            interpret__mask(instance, i);
            break;
        }
    }
}
