/*
 * op_group.c -- a user's function reads the records of one key, or of a whole partition
 *
 *     with keys      all inputs are read into a table; then the function runs once a key. A table
 *                    that outgrows its memory is spilled by hash; then it runs part by part, and
 *                    what it makes is put into the order of keys again
 *     without        the function runs once and reads its inputs as they come
 *
 * Inputs are executions of their own that are pulled; what the function emits is pushed on. The
 * operator stands behind a source of one row, which sets it off: a plan with records runs one
 * partition on one thread (core/scheduler).
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/exec.h"
#include "exec/group_table.h"
#include "exec/operators.h"
#include "exec/record_io.h"
#include "exec/spill_resolve.h"
#include "exec/user_task.h"

typedef void (*GroupFunction1)(VonkTask *, VonkIn *, VonkOut *);
typedef void (*GroupFunction2)(VonkTask *, VonkIn *, VonkIn *, VonkOut *);
typedef void (*GroupFunction3)(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkOut *);
typedef void (*GroupFunction4)(VonkTask *, VonkIn *, VonkIn *, VonkIn *, VonkIn *, VonkOut *);

typedef struct GroupOp {
    Operator op;
    const PlanGroup *node;
} GroupOp;

typedef struct GroupInput {
    VonkIn in; /* first */
    struct GroupLocal *local;
    uint32_t number;
    Execution *execution;
    char *records; /* of a batch */
    size_t records_bytes;
    const Column **args;
    const GroupRecord *record; /* with keys: the next one */
} GroupInput;

typedef struct GroupLocal {
    const GroupOp *op;
    Arena *arena;
    UserTask user;
    GroupInput inputs[GROUP_INPUTS_MAX];
    VonkOut out;
    char *out_records;
    size_t out_bytes;
    ColumnBuffers buffers;
    Column *columns;
    GroupTable table;
    SpillSpace space;
    SpillSet set;         /* made at once: when it is needed there is no memory */
    SpillWriter *results; /* where what the function makes goes; NULL: on       */
    const GroupEntry *group;
    Emitter *emitter;
    Error *err;
    Status status;
    uint32_t split;
    uint64_t sequence;
} GroupLocal;

/* --- what the function makes --- */

enum { GROUP_OUT = GROUP_INPUTS_MAX }; /* kind of spilled records, beside the inputs */

static Status pass_on(GroupLocal *local, uint32_t count, Error *err)
{
    const GroupSpec *spec = local->op->node->spec;
    Batch batch = {.column_count = spec->out->field_count,
                   .row_count = count,
                   .columns = local->columns,
                   .selected_count = count,
                   .split = local->split,
                   .sequence = local->sequence};

    TRY(columns_from_records(spec->out, local->out_records, count, &local->buffers, local->columns,
                             err));
    local->sequence += count;
    return emit(local->emitter, &batch, err);
}

static Status spill_out(GroupLocal *local, uint32_t count, Error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        SpilledRecord record = {.kind = GROUP_OUT,
                                .hash = local->group->hash,
                                .first = local->group->number,
                                .record = local->out_records + (size_t)i * local->out.record_bytes};

        TRY(spill_write(local->results, &record, err));
    }
    return ST_OK;
}

static void flush_out(VonkOut *out)
{
    GroupLocal *local = (GroupLocal *)((char *)out - offsetof(GroupLocal, out));
    uint32_t count = (uint32_t)((size_t)(out->next - local->out_records) / out->record_bytes);
    UserPlace place = user_task_pause(&local->user);

    out->next = local->out_records;
    if (count == 0 || local->status != ST_OK || local->user.task.is_failed)
        return;
    if (local->results == NULL && !user_task_is_wanted(&local->user)) {
        user_task_drop(&local->user, count);
        return;
    }
    local->status = local->results == NULL ? pass_on(local, count, local->err)
                                           : spill_out(local, count, local->err);
    user_task_set_wanted(&local->user, !emit_is_done(local->emitter));
    if (local->status != ST_OK)
        user_task_fail(&local->user, local->err);
    user_task_resume(&local->user, place);
}

/* --- what it reads --- */

/* The next batch of an input as records; 0 at the end. */
static Status read_records(GroupInput *input, Error *err, uint32_t *count_out)
{
    GroupLocal *local = input->local;
    const PlanGroup *node = local->op->node;
    ColumnList args = node->args[input->number];
    Batch batch;

    *count_out = 0;
    TRY(exec_next(input->execution, err, &batch));
    if (batch.row_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < args.count; i++)
        input->args[i] =
            &batch.columns[plan_column_index(node->head.inputs[input->number], args.ids[i])];
    *count_out = batch.row_count;
    return records_from_columns(node->spec->in[input->number], input->args, NULL, batch.row_count,
                                input->records, err);
}

static bool fill_from_execution(VonkIn *in)
{
    GroupInput *input = (GroupInput *)in;
    GroupLocal *local = input->local;
    UserPlace place = user_task_pause(&local->user);
    uint32_t count = 0;

    flush_out(&local->out); /* texts of what was emitted may be those of the batch that goes */
    if (local->status != ST_OK || local->user.task.is_failed || emit_is_done(local->emitter))
        return false;
    local->status = read_records(input, local->err, &count);
    if (local->status != ST_OK)
        user_task_fail(&local->user, local->err);
    place.record += local->user.reading == in ? count : 0;
    user_task_resume(&local->user, place);
    in->next = input->records;
    in->end = input->records + (size_t)count * in->record_bytes;
    return local->status == ST_OK && count > 0;
}

static bool fill_from_group(VonkIn *in)
{
    GroupInput *input = (GroupInput *)in;

    if (input->record == NULL)
        return false;
    in->next = group_record_bytes(input->record);
    in->end = in->next + in->record_bytes;
    input->record = input->record->next;
    return true;
}

static void rewind_group(VonkIn *in)
{
    GroupInput *input = (GroupInput *)in;

    in->next = in->end = NULL;
    input->record = input->local->group->links[input->number].first;
}

/* --- running it --- */

static void call_function(GroupLocal *local)
{
    const GroupSpec *spec = local->op->node->spec;
    void (*call)(void) = spec->function.call;
    VonkTask *task = &local->user.task;
    GroupInput *in = local->inputs;

    switch (spec->input_count) {
    case 1:
        ((GroupFunction1)call)(task, &in[0].in, &local->out);
        return;
    case 2:
        ((GroupFunction2)call)(task, &in[0].in, &in[1].in, &local->out);
        return;
    case 3:
        ((GroupFunction3)call)(task, &in[0].in, &in[1].in, &in[2].in, &local->out);
        return;
    case 4:
        ((GroupFunction4)call)(task, &in[0].in, &in[1].in, &in[2].in, &in[3].in, &local->out);
        return;
    default:
        UNREACHABLE("inputs of a group");
    }
}

/* The function's error; none once nobody wants more: it may have missed what it did not get. */
static Status end_function(GroupLocal *local, Error *err)
{
    if (local->status == ST_OK && emit_is_done(local->emitter))
        local->user.task.is_failed = false;
    return user_task_end(&local->user, err);
}

/* Calls the function for each group of the table. */
static Status run_table(GroupLocal *local, Error *err)
{
    const GroupSpec *spec = local->op->node->spec;
    GroupPlace place = {0};
    uint64_t number = 0;

    while ((local->group = group_table_next(&local->table, &place)) != NULL &&
           !emit_is_done(local->emitter)) {
        for (uint32_t i = 0; i < spec->input_count; i++) {
            local->inputs[i].in.next = local->inputs[i].in.end = NULL;
            local->inputs[i].record = local->group->links[i].first;
        }
        TRY(stop_check(local->op->op.context->stop, err));
        user_task_begin(&local->user, &spec->function);
        local->user.record = ++number;
        call_function(local);
        TRY(user_task_end(&local->user, err));
        if (local->user.memory != NULL || local->results != NULL) {
            flush_out(&local->out); /* it may point there; is of this group */
            TRY(user_task_end(&local->user, err));
            user_task_reset(&local->user);
        }
    }
    return ST_OK;
}

/* --- more than memory holds --- */

static Status table_add(void *opaque, const SpilledRecord *record, Error *err, bool *is_added_out)
{
    Status status = group_table_add_spilled(&((GroupLocal *)opaque)->table, record, err);

    *is_added_out = status == ST_OK;
    return status;
}

static Status table_dump(void *opaque, SpillSet *set, Error *err)
{
    GroupTable *table = &((GroupLocal *)opaque)->table;
    GroupPlace place = {0};
    SpilledRecord record;

    while (group_table_next_record(table, &place, &record))
        TRY(spill_set_add(set, &record, err));
    group_table_empty(table);
    return ST_OK;
}

static Status table_finish(void *opaque, SpillWriter *results, Error *err)
{
    GroupLocal *local = opaque;

    local->results = results;
    TRY(run_table(local, err));
    local->results = NULL;
    group_table_empty(&local->table);
    return ST_OK;
}

static size_t table_bytes(void *opaque)
{
    return group_table_bytes(&((GroupLocal *)opaque)->table);
}

static void table_print_key(void *opaque, const SpilledRecord *record, char *text,
                            size_t text_bytes)
{
    const GroupSpec *spec = ((GroupLocal *)opaque)->op->node->spec;

    record_keys_print(spec->in[record->kind], record->record, text, text_bytes);
}

static Status spill_records(GroupLocal *local, uint32_t input, uint32_t from, uint32_t count,
                            Error *err)
{
    GroupTable *table = &local->table;
    size_t bytes = table->spec->in[input]->bytes;
    const char *records = local->inputs[input].records;

    record_keys_hash(&table->keys[input][input], records, count, table->row_hashes);
    for (uint32_t i = from; i < count; i++) {
        SpilledRecord record = {.kind = input,
                                .hash = table->row_hashes[i],
                                .first = table->record_number++,
                                .record = (char *)records + i * bytes};

        TRY(spill_set_add(&local->set, &record, err));
    }
    return ST_OK;
}

/* A batch of an input, into the table, or the table and it to the disk. */
static Status gather_batch(GroupLocal *local, uint32_t input, uint32_t count, Error *err,
                           bool *is_spilled)
{
    uint32_t done = 0;
    Status status;

    if (*is_spilled)
        return spill_records(local, input, 0, count, err);
    status = group_table_add(&local->table, input, local->inputs[input].records, count, err, &done);
    if (local->set.memory == NULL || (status != ST_OK && status != ST_OUT_OF_MEMORY))
        return status;
    if (status == ST_OK && group_table_bytes(&local->table) <= local->op->op.context->spill_bytes)
        return ST_OK;
    *is_spilled = true;
    TRY(table_dump(local, &local->set, err));
    return spill_records(local, input, done, count, err);
}

static Status gather_groups(GroupLocal *local, Error *err, bool *is_spilled_out)
{
    *is_spilled_out = false;
    for (uint32_t i = 0; i < local->op->node->spec->input_count; i++) {
        uint32_t count;

        do {
            TRY(stop_check(local->op->op.context->stop, err));
            TRY(read_records(&local->inputs[i], err, &count));
            TRY(gather_batch(local, i, count, err, is_spilled_out));
        } while (count > 0);
    }
    return ST_OK;
}

static Status emit_results(GroupLocal *local, SpillMerge *merge, Error *err)
{
    uint32_t rows = local->op->op.context->batch_rows, count;

    for (;;) {
        TRY(stop_check(local->op->op.context->stop, err));
        TRY(spill_merge_take(merge, local->out_records, local->out.record_bytes, rows, err,
                             &count));
        if (count == 0)
            return ST_OK;
        TRY(pass_on(local, count, err));
    }
}

static Status run_spilled(GroupLocal *local, Error *err)
{
    SpillClient client = {.context = local,
                          .bytes_max = local->op->op.context->spill_bytes,
                          .add = table_add,
                          .dump = table_dump,
                          .finish = table_finish,
                          .bytes = table_bytes,
                          .print_key = table_print_key,
                          .stop = local->op->op.context->stop};
    SpillRun results[SPILL_PARTS];
    SpillMerge merge;
    Status status;

    TRY(spill_set_finish(&local->set, err));
    spill_set_fini(&local->set);
    TRY(spill_resolve(&client, &local->set, err, results));
    status = spill_merge_init(&merge, &local->space, results, err);
    if (status == ST_OK)
        status = emit_results(local, &merge, err);
    spill_merge_fini(&merge);
    return status;
}

static Status run_groups(GroupLocal *local, Error *err)
{
    bool is_spilled;

    TRY(gather_groups(local, err, &is_spilled));
    return is_spilled ? run_spilled(local, err) : run_table(local, err);
}

static Status run_whole(GroupLocal *local, Error *err)
{
    user_task_begin(&local->user, &local->op->node->spec->function);
    local->user.reading = &local->inputs[0].in;
    call_function(local);
    local->user.reading = NULL;
    return end_function(local, err);
}

static Status group_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    GroupLocal *local = opaque;

    (void)base;
    local->emitter = emitter;
    local->err = err;
    local->split = batch->split;
    user_task_set_wanted(&local->user, true);
    if (local->op->node->spec->has_keys)
        TRY(run_groups(local, err));
    else
        TRY(run_whole(local, err));
    flush_out(&local->out);
    return user_task_end(&local->user, err);
}

/* --- opening and closing --- */

static void group_local_close(Operator *base, void *opaque)
{
    GroupLocal *local = opaque;
    MemPool *pool = base->context->pool;

    if (local == NULL)
        return;
    for (uint32_t i = 0; i < GROUP_INPUTS_MAX; i++) {
        exec_close(local->inputs[i].execution);
        mem_pool_release(pool, local->inputs[i].records, local->inputs[i].records_bytes);
    }
    group_table_fini(&local->table);
    spill_set_fini(&local->set);
    spill_space_fini(&local->space);
    user_task_fini(&local->user);
    column_buffers_fini(&local->buffers);
    mem_pool_release(pool, local->out_records, local->out_bytes);
    arena_free(local->arena);
}

static Status open_input(GroupLocal *local, uint32_t number, Error *err)
{
    const PlanGroup *node = local->op->node;
    const ExecContext *context = local->op->op.context;
    GroupInput *input = &local->inputs[number];
    ExecRequest request = {.plan = node->head.inputs[number],
                           .pool = context->pool,
                           .threads = 1,
                           .batch_rows = context->batch_rows,
                           .jit = context->jit,
                           .cache = context->cache,
                           .cancelled =
                               context->cancelled != NULL ? context->cancelled : context->stop,
                           .partition = context->partition,
                           .partition_count = context->partition_count,
                           .shared = context->shared,
                           .counts = context->counts,
                           .spill_folder = context->spill_folder,
                           .spill_bytes = context->spill_bytes};
    size_t bytes = (size_t)context->batch_rows * node->spec->in[number]->bytes;
    void *records;

    *input = (GroupInput){.local = local, .number = number};
    input->in.record_bytes = node->spec->in[number]->bytes;
    input->in.fill = node->spec->has_keys ? fill_from_group : fill_from_execution;
    input->in.rewind = node->spec->has_keys ? rewind_group : NULL;
    input->args = ARENA_ARRAY(local->arena, const Column *, node->args[number].count);
    TRY(mem_pool_alloc(context->pool, bytes, local->op->op.class->name, err, &records));
    input->records = records;
    input->records_bytes = bytes;
    return exec_start(&request, err, &input->execution);
}

static Status open_output(GroupLocal *local, Error *err)
{
    const PlanGroup *node = local->op->node;
    const ExecContext *context = local->op->op.context;
    const RecordLayout *out = node->spec->out;
    void *records;

    TRY(column_buffers_init(&local->buffers, local->arena, context->pool, out->field_count,
                            node->head.columns, context->batch_rows, local->op->op.class->name,
                            err));
    local->columns = ARENA_ARRAY(local->arena, Column, out->field_count);
    local->out_bytes = (size_t)context->batch_rows * out->bytes;
    TRY(mem_pool_alloc(context->pool, local->out_bytes, local->op->op.class->name, err, &records));
    local->out_records = records;
    memset(records, 0, local->out_bytes);
    local->out = (VonkOut){.next = records,
                           .end = local->out_records + local->out_bytes,
                           .record_bytes = out->bytes,
                           .flush = flush_out};
    return ST_OK;
}

static Status open_table(GroupLocal *local, Error *err)
{
    const Operator *op = &local->op->op;
    const GroupSpec *spec = local->op->node->spec;
    const char *folder = op->context->spill_folder;

    group_table_init(&local->table, local->arena, spec, op->context->pool, op->class->name);
    if (folder == NULL)
        return ST_OK;
    spill_space_init(&local->space, folder, op->context->pool, op->class->name);
    for (uint32_t i = 0; i < spec->input_count; i++)
        local->space.kinds[i] = local->table.shapes[i];
    local->space.kinds[GROUP_OUT] = record_shape_make(local->arena, spec->out);
    return spill_set_init(&local->set, &local->space, 0, err);
}

static Status group_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    const GroupOp *op = (const GroupOp *)base;
    const GroupSpec *spec = op->node->spec;
    Arena *arena = arena_new(NULL, "group", ARENA_NO_CAP);
    GroupLocal *local = ARENA_NEW(arena, GroupLocal);
    Status status;

    (void)thread;
    CHECK(base->context->threads == 1);
    local->op = op;
    local->arena = arena;
    user_task_init(&local->user, base->context, base->node);
    status = open_output(local, err);
    if (status == ST_OK && spec->has_keys)
        status = open_table(local, err);
    for (uint32_t i = 0; status == ST_OK && i < spec->input_count; i++)
        status = open_input(local, i, err);
    if (status != ST_OK) {
        group_local_close(base, local);
        return status;
    }
    *local_out = local;
    return ST_OK;
}

static const OperatorClass group_class = {
    .name = "group",
    .local_open = group_local_open,
    .consume = group_consume,
    .local_close = group_local_close,
};

Status op_group_new(const ExecContext *context, Arena *arena, const PlanGroup *node, Error *err,
                    Operator **op_out)
{
    GroupOp *op = ARENA_NEW(arena, GroupOp);

    (void)err;
    op->op = (Operator){.class = &group_class, .context = context, .node = &node->head};
    op->op.makes_more_rows = true;
    op->node = node;
    *op_out = &op->op;
    return ST_OK;
}
