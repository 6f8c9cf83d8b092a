/*
 * kernel_aggregate.c -- a batch's rows into aggregate states; see kernel.h
 *
 * Adding to states in memory, row by row, waits for each addition to come back from memory when the
 * next row is of the same group. So when a batch has few groups, its rows are sorted by group
 * first, and each aggregate adds a group's rows up in registers.
 */
#include "codegen/kernel_instance.h"

enum { GROUPS_MAX = 16, SLOTS = 64, SPLIT_ROWS_MIN = 256, SPLIT_AGGS_MIN = 3 };

/* The wanted rows by group: rows[starts[g] .. starts[g + 1]) are those of states[g]. */
typedef struct Groups {
    uint32_t count; /* 0: not split */
    uint32_t starts[GROUPS_MAX + 1];
    void *states[GROUPS_MAX];
    const uint32_t *rows;
} Groups;

static uint32_t slot_of(const void *state)
{
    uintptr_t address = (uintptr_t)state;

    return (uint32_t)((address >> 4 ^ address >> 10 ^ address >> 16) % SLOTS);
}

/* Numbers each row's group; false when there are too many, or two fall into one slot. */
static bool number_groups(const KernelInstance *instance, Groups *groups, uint8_t *numbers,
                          uint32_t *sizes)
{
    void *slot_state[SLOTS] = {NULL};
    uint8_t slot_number[SLOTS];

    for (uint32_t k = 0; k < instance->base.count; k++) {
        void *state = instance->row_states[rows_at(instance->base, k)];
        uint32_t slot = slot_of(state);

        if (slot_state[slot] != state) {
            if (slot_state[slot] != NULL || groups->count == GROUPS_MAX)
                return false;
            slot_state[slot] = state;
            slot_number[slot] = (uint8_t)groups->count;
            sizes[groups->count] = 0;
            groups->states[groups->count++] = state;
        }
        numbers[k] = slot_number[slot];
        sizes[numbers[k]]++;
    }
    return true;
}

static void split_groups(const KernelInstance *instance, Groups *groups)
{
    uint8_t numbers[BATCH_ROWS_MAX];
    uint32_t next[GROUPS_MAX], sizes[GROUPS_MAX];

    *groups = (Groups){.rows = instance->grouped};
    if (instance->kernel->agg_count < SPLIT_AGGS_MIN || instance->base.count < SPLIT_ROWS_MIN)
        return;
    if (!number_groups(instance, groups, numbers, sizes)) {
        groups->count = 0;
        return;
    }
    for (uint32_t g = 0; g < groups->count; g++) {
        next[g] = groups->starts[g];
        groups->starts[g + 1] = groups->starts[g] + sizes[g];
    }
    for (uint32_t k = 0; k < instance->base.count; k++)
        instance->grouped[next[numbers[k]]++] = rows_at(instance->base, k);
}

/* FIRST, of any type: only the first row of a group counts. */
static void update_first(const KernelAgg *agg, const Column *column, Rows rows,
                         void *const *row_states, void *single)
{
    size_t bytes = phys_bytes(type_phys(agg->types.arg));

    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows_at(rows, k);
        char *block = single != NULL ? single : row_states[row];

        first_add((FirstState *)(void *)(block + agg->state_offset), column_value(column, row),
                  bytes, column_is_null(column, row));
        if (single != NULL)
            return;
    }
}

static void update_groups(const KernelAgg *agg, const Groups *groups, VectorAggFn single,
                          VectorAggCall call)
{
    for (uint32_t g = 0; g < groups->count; g++) {
        call.single = (char *)groups->states[g] + agg->state_offset;
        call.selection = groups->rows + groups->starts[g];
        call.count = groups->starts[g + 1] - groups->starts[g];
        single(&call);
    }
}

/* single NULL: into the states of the rows. */
static void update_agg(KernelInstance *instance, const KernelAgg *agg, const Groups *groups,
                       void *single)
{
    Rows rows = interpret__rows(instance, agg->filter);
    VectorAggCall call = {.states = instance->row_states, .offset = agg->state_offset};
    VectorAgg loops = vector_agg(agg->op);
    bool takes_all = agg->filter == NO_REGISTER;

    if (agg->arg != NO_REGISTER) {
        const Column *column = interpret__flat(instance, agg->arg);

        if (agg->op == AGGOP_first_any) {
            update_first(agg, column, rows, instance->row_states, single);
            return;
        }
        if (column->form == COLUMN_CONST && column_is_null(column, 0))
            return;
        if (column->form != COLUMN_CONST && column->validity != NULL) {
            rows.count = rows_where_valid(rows, column->validity, instance->scratch);
            rows.selection = instance->scratch;
            takes_all = false;
        }
        call.values = column->values;
        call.step = column->form == COLUMN_CONST ? 0 : UINT32_MAX;
    }
    call.count = rows.count;
    call.selection = rows.selection;
    if (single != NULL) {
        call.single = (char *)single + agg->state_offset;
        loops.single(&call);
    } else if (takes_all && groups->count > 0) {
        update_groups(agg, groups, loops.single, call);
    } else {
        loops.many(&call);
    }
}

Status kernel_aggregate(KernelInstance *instance, const Batch *batch, void *const *states,
                        void *single, Error *err)
{
    const Kernel *kernel = instance->kernel;
    Groups groups = {.count = 0};

    kernel__filter_rows(instance, batch);
    interpret__lines(instance, batch, kernel->filter_line_count, kernel->line_count);
    if (instance->status != ST_OK || instance->base.count == 0)
        return kernel__finish(instance, err);
    if (states != NULL) { /* from the order of the batch's selection to physical rows */
        for (uint32_t i = 0; i < batch->selected_count; i++)
            instance->row_states[batch_row(batch, i)] = states[i];
        split_groups(instance, &groups);
        single = NULL;
    }
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        update_agg(instance, &kernel->aggs[i], &groups, single);
    return kernel__finish(instance, err);
}
