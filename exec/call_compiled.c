/* call_compiled.c -- see call_compiled.h */
#include "exec/call_compiled.h"

#include "core/base/stop_check.h"
#include "exec/record_io.h"

static bool flush(ChainCall *call, uint32_t count);

static void make_output(CompiledCall *compiled, Arena *arena)
{
    const RecordLayout *layout = compiled->layout;
    ChainCall *call = &compiled->code.call;

    compiled->out_nulls = ARENA_ARRAY(arena, uint8_t *, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].null_offset != RECORD_NEVER_NULL)
            compiled->out_nulls[i] = ARENA_ARRAY(arena, uint8_t, compiled->out->capacity);
    call->out_values = compiled->out->values;
    call->out_nulls = compiled->out_nulls;
    call->out_capacity = compiled->out->capacity;
    call->flush = flush;
}

Status call_compiled_open(CompiledCall *compiled, const ExecContext *context, Arena *arena,
                          const PlanCall *node, ColumnBuffers *out, Column *columns, Error *err)
{
    *compiled = (CompiledCall){.layout = node->steps.last->out, .out = out, .columns = columns};
    TRY(chain_code_open(&compiled->code, context, arena, node->steps, NULL, &node->head, err));
    if (compiled->code.entry != NULL)
        make_output(compiled, arena);
    return ST_OK;
}

void call_compiled_close(CompiledCall *compiled)
{
    chain_code_close(&compiled->code);
}

static Status pass_on(CompiledCall *compiled, uint32_t count)
{
    if (count == 0)
        return ST_OK;
    TRY(columns_from_arrays(compiled->layout, (const uint8_t *const *)compiled->out_nulls,
                            compiled->code.call.is_text_too_long, count, compiled->out,
                            compiled->columns, compiled->err));
    return compiled->emit(compiled->emit_context, count);
}

/* From within the loop. */
static bool flush(ChainCall *call, uint32_t count)
{
    CompiledCall *compiled = (CompiledCall *)((char *)call - offsetof(CompiledCall, code.call));
    VonkTask **running = user_task_running(), *before = *running;
    UserTask *user = before == NULL ? &compiled->code.users[0] : (UserTask *)before;

    if (!user_task_is_wanted(user)) {
        user_task_drop(user, count);
        compiled->status = stop_check(compiled->code.context->stop, compiled->err);
        return compiled->status == ST_OK;
    }
    *running = NULL;
    compiled->status = pass_on(compiled, count);
    *running = before;
    if (compiled->status == ST_OK)
        compiled->status = stop_check(compiled->code.context->stop, compiled->err);
    return compiled->status == ST_OK;
}

Status call_compiled_run(CompiledCall *compiled, ChainEntry code, const uint64_t *numbers,
                         const Batch *batch, const Column *const *args,
                         Status (*emit_columns)(void *context, uint32_t count), void *context,
                         Error *err)
{
    ChainCall *call = &compiled->code.call;

    chain_code_begin(&compiled->code, numbers);
    TRY(chain_code_set(&compiled->code, batch, args, err));
    compiled->emit = emit_columns;
    compiled->emit_context = context;
    compiled->err = err;
    compiled->status = ST_OK;
    /* without a flat_map a row makes one record at most: what is made of a run fits */
    for (uint32_t at = 0; at < batch->selected_count;) {
        uint32_t left = batch->selected_count - at, room = call->out_capacity;
        uint32_t count = left < room ? left : room;
        Status status;

        call->out_count = 0;
        status = chain_code_run(&compiled->code, code, at, count, err);
        at += count;
        TRY(compiled->status);
        TRY(status);
        TRY(pass_on(compiled, call->out_count));
    }
    chain_code_reset(&compiled->code);
    return ST_OK;
}
