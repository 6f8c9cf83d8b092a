/*
 * interpret_op.c -- operations over the rows of a batch; see kernel_instance.h
 *
 * Dense, where there is a dense loop and enough rows are wanted: all rows are computed, and when
 * any of them fails, those that are wanted are computed again one by one. Else sparse: the rows
 * wanted, those with a NULL argument left out where they could fail or hold bad pointers.
 */
#include "codegen/kernel_instance.h"

static uint32_t run_sparse_op(const KernelInstance *instance, uint32_t index,
                              const VectorCall *call)
{
    return instance->states[index].vector->sparse(call);
}

/* NULL wherever an argument is. *is_null: everywhere, for a constant argument is NULL. */
static const uint64_t *combine_validity(const Column *const *args, uint32_t arg_count,
                                        uint32_t row_count, uint64_t *room, bool *is_null)
{
    const uint64_t *validity = NULL;

    *is_null = false;
    for (uint32_t i = 0; i < arg_count; i++) {
        if (args[i]->validity == NULL)
            continue;
        if (args[i]->form == COLUMN_CONST) {
            *is_null |= column_is_null(args[i], 0);
        } else if (validity == NULL || validity == args[i]->validity) {
            validity = args[i]->validity;
        } else {
            for (uint32_t word = 0; word < bitmap_words(row_count); word++)
                room[word] = validity[word] & args[i]->validity[word];
            validity = room;
        }
    }
    return validity;
}

static void set_null(KernelInstance *instance, uint32_t index)
{
    static const uint64_t none = 0;

    memset(instance->states[index].values, 0, 16);
    instance->registers[index] = (Column){.type = instance->kernel->lines[index].type,
                                          .form = COLUMN_CONST,
                                          .values = instance->states[index].values,
                                          .validity = &none};
}

/* All arguments are constants: one value for all rows, if any row wants it. */
static void run_const(KernelInstance *instance, uint32_t index, LineSparseFn run, VectorCall *call)
{
    const KernelLine *line = &instance->kernel->lines[index];
    Rows rows = interpret__rows(instance, line->guard);

    call->count = rows.count > 0;
    if (run(instance, index, call) < call->count)
        interpret__fail(instance, rows_at(rows, 0));
    instance->registers[index] =
        (Column){.type = line->type, .form = COLUMN_CONST, .values = call->out};
}

static bool dense_pays(const KernelInstance *instance, const LineState *state, Rows rows)
{
    uint32_t weight = state->is_costly ? 2 : 8;

    return rows.count > 0 && (rows.selection == NULL || rows.count * weight >= instance->row_count);
}

static bool run_dense(const KernelInstance *instance, const LineState *state, Rows rows,
                      const VectorCall *call)
{
    uint32_t pattern = 0;
    VectorCall all = *call;

    for (uint32_t i = 0; i < OP_ARGS_MAX - 1; i++)
        pattern |= (call->args[i] != NULL && call->steps[i] == 0 ? 1u : 0u) << i;
    if (pattern >= VECTOR_PATTERNS || state->vector->dense[pattern] == NULL ||
        (call->args[OP_ARGS_MAX - 1] != NULL && call->steps[OP_ARGS_MAX - 1] != 0) ||
        !dense_pays(instance, state, rows))
        return false;
    all.count = instance->row_count;
    return state->vector->dense[pattern](&all) == 0;
}

static void run_rows(KernelInstance *instance, uint32_t index, LineSparseFn run, VectorCall *call,
                     const uint64_t *validity)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    Rows rows = interpret__rows(instance, line->guard);
    uint32_t done;

    if (state->vector != NULL && run_dense(instance, state, rows, call))
        return;
    if (validity != NULL) {
        rows.count = rows_where_valid(rows, validity, instance->scratch);
        rows.selection = instance->scratch;
    }
    call->count = rows.count;
    call->selection = rows.selection;
    done = run(instance, index, call);
    if (done < rows.count)
        interpret__fail(instance, rows_at(rows, done));
}

static void run_line(KernelInstance *instance, uint32_t index, LineSparseFn run)
{
    const KernelLine *line = &instance->kernel->lines[index];
    LineState *state = &instance->states[index];
    const Column *args[OP_ARGS_MAX];
    VectorCall call = {.ctx = &instance->ctx, .out = state->values};
    const uint64_t *validity;
    bool is_null, is_const = true;

    if (interpret__entries(instance, index, run))
        return;
    for (uint32_t i = 0; i < line->arg_count; i++) {
        args[i] = interpret__flat(instance, line->args[i]);
        call.args[i] = args[i]->values;
        call.steps[i] = args[i]->form == COLUMN_CONST ? 0 : UINT32_MAX;
        is_const &= args[i]->form == COLUMN_CONST;
    }
    validity =
        combine_validity(args, line->arg_count, instance->row_count, state->validity, &is_null);
    if (is_null) {
        set_null(instance, index);
        return;
    }
    if (is_const) {
        run_const(instance, index, run, &call);
        return;
    }
    run_rows(instance, index, run, &call, validity);
    instance->registers[index] = (Column){
        .type = line->type, .form = COLUMN_FLAT, .values = state->values, .validity = validity};
}

void interpret__op(KernelInstance *instance, uint32_t index)
{
    run_line(instance, index, run_sparse_op);
}

/* Membership never fails. */
static uint32_t run_sparse_in(const KernelInstance *instance, uint32_t index,
                              const VectorCall *call)
{
    const KernelLine *line = &instance->kernel->lines[index];
    const ValueSet *set = instance->kernel->sets[line->index];
    size_t bytes = phys_bytes(type_phys(instance->kernel->lines[line->args[0]].type));
    uint8_t *out = call->out;

    for (uint32_t k = 0; k < call->count; k++) {
        uint32_t i = call->selection == NULL ? k : call->selection[k];

        out[i] = value_set_has(set, (const char *)call->args[0] + (i & call->steps[0]) * bytes);
    }
    return call->count;
}

void interpret__in(KernelInstance *instance, uint32_t index)
{
    run_line(instance, index, run_sparse_in);
}
