/*
 * kernel_aggregate.c -- a batch's rows into aggregate states; see kernel.h
 *
 * Adding to states in memory, row by row, waits for each addition to come back from memory when the
 * next row is of the same group. So when a batch has few groups, its rows are sorted by group
 * first, and each aggregate adds a group's rows up in registers.
 */
#include <string.h>

#include "codegen/group_rows.h"
#include "codegen/kernel_compiled.h"
#include "core/base/invariant.h"

enum { SPLIT_ROWS_MIN = 256, SPLIT_AGGS_MIN = 3, STATE_BYTES_MAX = 512 };

/* Where a batch's rows go: all into single, or each into its own, by physical row. */
typedef struct Targets {
    void *single; /* or NULL */
    void *const *states;
    Groups groups; /* of the rows wanted; count 0: not grouped */
} Targets;

/* FIRST, of any type: only the first row of a group counts. */
static void update_first(const KernelAgg *agg, const Column *column, Rows rows,
                         const Targets *targets)
{
    size_t bytes = phys_bytes(type_phys(agg->types.arg));

    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows_at(rows, k);
        char *block = targets->single != NULL ? targets->single : targets->states[row];

        first_add((FirstState *)(void *)(block + agg->state_offset), column_value(column, row),
                  bytes, column_is_null(column, row));
        if (targets->single != NULL)
            return;
    }
}

/* Rows are states. */
static void update_merged(KernelInstance *instance, const KernelAgg *agg, const Column *column,
                          Rows rows, const Targets *targets)
{
    size_t bytes = agg_state_bytes(agg->op);
    _Alignas(16) char state[STATE_BYTES_MAX];

    CHECK(bytes <= sizeof state);
    for (uint32_t k = 0; k < rows.count; k++) {
        uint32_t row = rows_at(rows, k);
        char *block = targets->single != NULL ? targets->single : targets->states[row];
        const Str *from = column_value(column, row);

        if (column_is_null(column, row))
            continue;
        if (from->length != bytes) {
            instance->status =
                error_set(&instance->error, ST_CORRUPT, "a state of %s has %u bytes instead of %zu",
                          agg_name(agg_op_table[agg->op].agg), from->length, bytes);
            return;
        }
        memcpy(state, str_bytes(from), bytes);
        agg_merge(agg->op, block + agg->state_offset, state);
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

static void update_agg(KernelInstance *instance, const KernelAgg *agg, const Targets *targets)
{
    Rows rows = interpret__rows(instance, agg->filter);
    VectorAggCall call = {.states = targets->states, .offset = agg->state_offset};
    VectorAgg loops = vector_agg(agg->op);
    bool takes_all = agg->filter == NO_REGISTER;

    if (agg->arg != NO_REGISTER) {
        const Column *column = interpret__flat(instance, agg->arg);

        if (agg->step == AGG_OF_STATES) {
            update_merged(instance, agg, column, rows, targets);
            return;
        }
        if (agg->op == AGGOP_first_any) {
            update_first(agg, column, rows, targets);
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
    if (targets->single != NULL) {
        call.single = (char *)targets->single + agg->state_offset;
        loops.single(&call);
    } else if (takes_all && targets->groups.count > 0) {
        update_groups(agg, &targets->groups, loops.single, call);
    } else {
        loops.many(&call);
    }
}

/* states: in the order of the batch's selection. */
static void spread_states(KernelInstance *instance, const Batch *batch, void *const *states,
                          Targets *targets)
{
    targets->states = states;
    if (batch->selection != NULL) {
        for (uint32_t i = 0; i < batch->selected_count; i++)
            instance->row_states[batch->selection[i]] = states[i];
        targets->states = instance->row_states;
    }
    if (instance->kernel->agg_count >= SPLIT_AGGS_MIN && instance->base.count >= SPLIT_ROWS_MIN)
        group_rows(instance->base, targets->states, instance->grouped, &targets->groups);
}

Status kernel_aggregate(KernelInstance *instance, const Batch *batch, void *const *states,
                        void *single, Error *err)
{
    const Kernel *kernel = instance->kernel;
    Targets targets = {.single = states == NULL ? single : NULL};

    if (!compiled__run(instance, batch)) {
        kernel__filter_rows(instance, batch);
        interpret__lines(instance, batch, kernel->filter_line_count, kernel->line_count);
    }
    if (instance->status != ST_OK || instance->base.count == 0)
        return kernel__finish(instance, err);
    if (states != NULL)
        spread_states(instance, batch, states, &targets);
    for (uint32_t i = 0; i < kernel->agg_count; i++)
        if (!kernel->aggs[i].is_shared)
            update_agg(instance, &kernel->aggs[i], &targets);
    return kernel__finish(instance, err);
}
