/*
 * op_combine.c -- records of one key become one accumulator, by user functions
 *
 *     partial    streaming: passes its accumulators on at the end of its input, and whenever the
 *                table has outgrown the cache
 *     whole      a breaker: takes all of its input, then hands the accumulators out
 *
 * A plan with records runs one partition on one thread (core/scheduler), so there is one table.
 * Where the functions' bitcode is at hand, a compiled loop adds a batch's records to accumulators
 * that were found before; else records are made, and added one by one.
 *
 * The order of combining is that of the rows. A whole table that outgrows its memory is spilled; a
 * partial one is small, and passed on by what the rows are: it is looked at behind windows of rows
 * that are counted from the first, whatever batches and splits they come in, and however much
 * memory there is. So the blocks that a task makes are the same each time.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/combine_chain.h"
#include "exec/combine_spill.h"
#include "exec/operators.h"
#include "exec/record_io.h"

/* A partial table larger than this is passed on. One that has found fewer than one record in
 * GAIN_LEAST to have a known key, of PROBE_ROWS, is not worth its time: what it has is passed on,
 * and then each record as it comes. Behind PASS_ROWS it is tried again, and each time that this was
 * in vain behind twice as many, up to PASS_ROWS_MAX. */
enum {
    PARTIAL_BYTES_MAX = 16 << 20,
    PROBE_ROWS = 1 << 16,
    GAIN_LEAST = 4,
    PASS_ROWS = 1 << 22,
    PASS_ROWS_MAX = 1 << 26
};

/* Unless its keys are numbers of so narrow a range that an array of it is not larger either, and
 * RANGE_ROWS records are expected for each: then some will have a known key, however late. To add
 * to an array costs less than to pass on. It goes on so, until it has found OUTSIDE_KEYS_MAX keys
 * that are not in the range. */
enum { RANGE_ROWS = 2, OUTSIDE_KEYS_MAX = PROBE_ROWS / 2 };

/* After so many rows, or bytes of text in them, a partial table is looked at. */
enum { WINDOW_ROWS = 1 << 13, WINDOW_TEXT_BYTES = 4 << 20 };

enum { PIECE_ROWS = 1024 };

typedef struct PartialState {
    uint64_t window_rows, window_bytes;
    uint64_t rows;                     /* since it was tried, or given up */
    uint64_t pass_rows;                /* behind which it is tried again  */
    bool is_passed;                    /* it is not worth its time        */
    bool has_range;                    /* it is an array                  */
    uint32_t *part;                    /* room for a selection            */
    uint32_t text_count, *text_places; /* columns of the input that are texts of records */
} PartialState;

typedef struct CombineOp {
    Operator op;
    const PlanCombine *node;
    const uint32_t *places;
    Arena *arena;
    UserTask user;
    bool is_ready;
    char *records; /* of a batch of input */
    size_t records_bytes;
    CombineTable table;
    CombineSpill spill; /* of a whole one */
    ChainCode code;
    void **accs;         /* of a batch: by row        */
    void *first;         /* room for an accumulator   */
    uint32_t key_number; /* the first field that is one */
    uint32_t key_bytes;  /* of its values, when keys are read of its column; 0: of records */
    const Column **args;
    PartialState partial; /* outlives splits, and stages that feed one sink */
} CombineOp;

/* What reads accumulators back into columns. */
typedef struct CombineCursor {
    Arena *arena;
    char *records;
    size_t records_bytes;
    ColumnBuffers buffers;
    Column *columns;
    CombinePlace place; /* of the table, or, when it was spilled: */
    SpillMerge merge;
    uint64_t next; /* its number */
} CombineCursor;

/* --- input --- */

static Status combine_open(Operator *base, Error *err)
{
    CombineOp *op = (CombineOp *)base;
    const RecordLayout *in = op->node->spec->in;
    void *records;

    CHECK(base->context->threads == 1);
    op->records_bytes = (size_t)BATCH_ROWS_MAX * in->bytes;
    TRY(mem_pool_alloc(base->context->pool, op->records_bytes, base->class->name, err, &records));
    op->records = records;
    user_task_init(&op->user, base->context, base->node);
    combine_table_init(&op->table, op->arena, op->node->spec, base->context->pool, &op->user,
                       base->class->name);
    op->is_ready = true;
    if (combine_table_reads_column(&op->table))
        op->key_bytes = phys_bytes(type_phys(in->fields[op->key_number].type));
    TRY(chain_code_open(&op->code, base->context, op->arena, (CallStepList){0}, op->node->spec,
                        base->node, err));
    if (op->node->is_partial || !op->node->spec->has_keys)
        return ST_OK;
    return combine_spill_init(&op->spill, op->arena, base->context, &op->table, err);
}

static void combine_close(Operator *base)
{
    CombineOp *op = (CombineOp *)base;

    if (op->is_ready) {
        chain_code_close(&op->code);
        combine_spill_fini(&op->spill);
        combine_table_fini(&op->table);
        user_task_fini(&op->user);
    }
    mem_pool_release(base->context->pool, op->records, op->records_bytes);
    op->records = NULL;
    op->is_ready = false;
}

static void set_args(CombineOp *op, const Batch *batch)
{
    for (uint32_t i = 0; i < op->node->args.count; i++)
        op->args[i] = &batch->columns[op->places[i]];
}

/* The batch's rows as records. */
static Status read_records(CombineOp *op, const Batch *batch, Error *err)
{
    uint32_t rows[BATCH_ROWS_MAX];

    TRY(stop_check(op->op.context->stop, err));
    set_args(op, batch);
    for (uint32_t i = 0; i < batch->selected_count; i++)
        rows[i] = batch_row(batch, i);
    return records_from_columns(op->node->spec->in, op->args, rows, batch->selected_count,
                                op->records, err);
}

/* --- by the compiled loop: accumulators are found, then each record is added to its own --- */

/* The accumulators of rows [from, from + count) of the selected ones. */
static Status find_accs(CombineOp *op, const Batch *batch, uint32_t from, uint32_t count,
                        Error *err, uint32_t *found_out)
{
    const char *values = NULL, *records = op->records + (size_t)from * op->node->spec->in->bytes;
    const uint32_t *rows = batch->selection == NULL ? NULL : batch->selection + from;
    bool is_new;

    *found_out = count;
    if (!op->node->spec->has_keys) {
        TRY(combine_table_find_only(&op->table, err, &op->code.call.acc, &is_new));
        op->code.call.has_acc = !is_new;
        return ST_OK;
    }
    if (op->key_bytes > 0)
        values = (const char *)op->code.values[op->key_number] +
                 (rows == NULL ? (size_t)from * op->key_bytes : 0);
    return combine_table_find(&op->table, values, rows, records, count, err, op->accs + from,
                              found_out);
}

static Status run_code(CombineOp *op, ChainEntry entry, uint32_t from, uint32_t count, Error *err)
{
    ChainCode *code = &op->code;
    Status status;

    if (count == 0)
        return ST_OK;
    for (uint32_t k = 0; k < code->function_count; k++)
        code->users[k].record = op->table.record_number;
    code->call.accs = op->accs;
    status = chain_code_run(code, entry, from, count, err);
    op->table.record_number += count;
    return status;
}

/* *done_out rows are in the table. What was found is still near when it is added to. */
static Status add_pieces(CombineOp *op, ChainEntry entry, const Batch *batch, Error *err,
                         uint32_t *done_out)
{
    Status status = ST_OK;
    Error failure;

    for (*done_out = 0; status == ST_OK && *done_out < batch->selected_count;) {
        uint32_t left = batch->selected_count - *done_out, found;

        status =
            find_accs(op, batch, *done_out, left < PIECE_ROWS ? left : PIECE_ROWS, err, &found);
        if (run_code(op, entry, *done_out, found, &failure) != ST_OK) {
            *err = failure;
            return failure.status;
        }
        *done_out += found;
    }
    return status;
}

static Status add_by_code(CombineOp *op, ChainEntry entry, const Batch *batch, Error *err)
{
    size_t record_bytes = op->node->spec->in->bytes;
    uint32_t done;
    Status status;

    TRY(stop_check(op->op.context->stop, err));
    set_args(op, batch);
    TRY(chain_code_set(&op->code, batch, op->args, err));
    if (op->node->spec->has_keys && op->key_bytes == 0)
        TRY(read_records(op, batch, err));
    status = add_pieces(op, entry, batch, err, &done);
    chain_code_reset(&op->code);
    if (chain_code_has_failed(&op->code) || op->spill.table == NULL ||
        !combine_spill_is_due(&op->spill, status))
        return status;
    TRY(read_records(op, batch, err));
    return combine_spill_begin(&op->spill, op->records + done * record_bytes,
                               batch->selected_count - done, err);
}

/* --- by the loop of the call below, which adds to the only accumulator --- */

/* Columns would have refused, or changed, what functions leave there. */
static bool is_plain(const RecordField *field)
{
    return field->null_offset == RECORD_NEVER_NULL && field->type.id != TYPE_DECIMAL &&
           field->type.length == 0;
}

static bool is_same_record(const RecordLayout *a, const RecordLayout *b)
{
    bool is_same = a->bytes == b->bytes && a->field_count == b->field_count;

    for (uint32_t i = 0; is_same && i < a->field_count; i++)
        is_same = a->fields[i].offset == b->fields[i].offset && is_plain(&a->fields[i]) &&
                  type_equal(a->fields[i].type, b->fields[i].type) && is_plain(&b->fields[i]);
    return is_same;
}

const CombineSpec *op_combine_takes_chain(const Operator *base, const PlanCall *call)
{
    const PlanCombine *node = ((const CombineOp *)base)->node;
    const Plan *plan = &call->head;

    if (node->spec->has_keys || !is_same_record(call->steps.last->out, node->spec->in))
        return NULL;
    for (uint32_t i = 0; i < node->args.count; i++)
        if (node->args.ids[i] != plan->columns[i].id)
            return NULL;
    return node->spec;
}

Status op_combine_run_chain(Operator *base, ChainCode *code, ChainEntry entry, uint32_t step_count,
                            uint32_t count, Error *err)
{
    CombineOp *op = (CombineOp *)base;
    const CombineSpec *spec = op->node->spec;
    uint64_t number = op->table.record_number;
    ChainCall *call = &code->call;
    Status status;
    bool is_new;

    call->has_acc = combine_table_count(&op->table) > 0;
    if (call->has_acc)
        TRY(combine_table_find_only(&op->table, err, &call->acc, &is_new));
    else if (spec->zero != NULL)
        memcpy(op->first, spec->zero, spec->acc->bytes);
    if (!call->has_acc)
        call->acc = op->first;
    is_new = !call->has_acc;
    for (uint32_t k = step_count; k < code->function_count; k++)
        code->users[k].record = number;
    status = chain_code_run(code, entry, 0, count, err);
    op->table.record_number += call->out_count;
    if (status != ST_OK || !is_new || !call->has_acc)
        return status;
    TRY(combine_table_find_only(&op->table, err, &call->acc, &is_new));
    memcpy(call->acc, op->first, spec->acc->bytes);
    return ST_OK;
}

static Status combine_add(CombineOp *op, const Batch *batch, Error *err)
{
    ChainEntry entry = op->spill.has_begun ? NULL : chain_code_entry(&op->code);
    uint32_t done;

    if (entry != NULL) {
        TRY(add_by_code(op, entry, batch, err));
        operator_note_bytes(&op->op, combine_table_bytes(&op->table));
        return ST_OK;
    }
    TRY(read_records(op, batch, err));
    if (op->spill.table != NULL)
        TRY(combine_spill_add(&op->spill, op->records, batch->selected_count, err));
    else
        TRY(combine_table_add(&op->table, op->records, batch->selected_count, err, &done));
    user_task_reset(&op->user);
    operator_note_bytes(&op->op, combine_table_bytes(&op->table));
    return ST_OK;
}

/* --- output --- */

static void cursor_close(CombineOp *op, CombineCursor *cursor)
{
    if (cursor == NULL)
        return;
    spill_merge_fini(&cursor->merge);
    column_buffers_fini(&cursor->buffers);
    mem_pool_release(op->op.context->pool, cursor->records, cursor->records_bytes);
    arena_free(cursor->arena);
}

static Status cursor_open(CombineOp *op, Error *err, CombineCursor **cursor_out)
{
    const RecordLayout *acc = op->node->spec->acc;
    uint32_t rows = op->op.context->batch_rows;
    Arena *arena = arena_new(NULL, "combine", ARENA_NO_CAP);
    CombineCursor *cursor = ARENA_NEW(arena, CombineCursor);
    void *records = NULL;
    Status status;

    *cursor_out = NULL;
    cursor->arena = arena;
    cursor->columns = ARENA_ARRAY(arena, Column, acc->field_count);
    status =
        mem_pool_alloc(op->op.context->pool, (size_t)rows * acc->bytes, "combine", err, &records);
    cursor->records = records;
    cursor->records_bytes = (size_t)rows * acc->bytes;
    if (status == ST_OK)
        status =
            column_buffers_init(&cursor->buffers, arena, op->op.context->pool, acc->field_count,
                                op->node->head.columns, rows, "combine", err);
    if (status != ST_OK) {
        cursor_close(op, cursor);
        return status;
    }
    *cursor_out = cursor;
    return ST_OK;
}

/* The next accumulators; row_count 0 at the end. */
static Status cursor_next(CombineOp *op, CombineCursor *cursor, Error *err, Batch *batch_out)
{
    const RecordLayout *acc = op->node->spec->acc;
    uint32_t rows = op->op.context->batch_rows, count;

    if (op->spill.has_begun)
        TRY(spill_merge_take(&cursor->merge, cursor->records, acc->bytes, rows, err, &count));
    else
        count = combine_table_read(&op->table, &cursor->place, rows, cursor->records);
    *batch_out = (Batch){.column_count = acc->field_count,
                         .row_count = count,
                         .columns = cursor->columns,
                         .selected_count = count,
                         .sequence = cursor->next};
    cursor->next += count;
    return columns_from_records(acc, cursor->records, count, &cursor->buffers, cursor->columns,
                                err);
}

/* --- partial: streaming --- */

typedef struct PartialLocal {
    CombineCursor *cursor;
    uint32_t split;
    uint64_t sequence;
} PartialLocal;

static Status partial_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    CombineOp *op = (CombineOp *)base;
    PartialLocal *local = ARENA_NEW(op->arena, PartialLocal);

    (void)thread;
    TRY(cursor_open(op, err, &local->cursor));
    *local_out = local;
    return ST_OK;
}

static void partial_local_close(Operator *base, void *opaque)
{
    PartialLocal *local = opaque;

    if (local != NULL)
        cursor_close((CombineOp *)base, local->cursor);
}

static Status pass_on(CombineOp *op, PartialLocal *local, Emitter *emitter, Error *err)
{
    Batch batch;

    local->cursor->place = (CombinePlace){0};
    local->cursor->next = 0;
    for (;;) {
        TRY(cursor_next(op, local->cursor, err, &batch));
        if (batch.row_count == 0)
            break;
        batch.split = local->split;
        batch.sequence = local->sequence;
        local->sequence += batch.row_count;
        TRY(emit(emitter, &batch, err));
    }
    combine_table_clear(&op->table);
    return ST_OK;
}

/* Records that are accumulators already go on in their columns, untouched. */
static bool is_acc_already(const CombineOp *op, const Batch *batch)
{
    const CombineSpec *spec = op->node->spec;

    return spec->zero == NULL && spec->create.call == NULL && batch->selection == NULL;
}

/* Each record as an accumulator of its own. */
static Status pass_records(CombineOp *op, PartialLocal *local, const Batch *batch, Emitter *emitter,
                           Error *err)
{
    const RecordLayout *acc = op->node->spec->acc;
    CombineCursor *cursor = local->cursor;
    Batch out = {.column_count = acc->field_count,
                 .row_count = batch->selected_count,
                 .columns = cursor->columns,
                 .selected_count = batch->selected_count,
                 .split = local->split,
                 .sequence = local->sequence};

    if (is_acc_already(op, batch)) {
        for (uint32_t i = 0; i < acc->field_count; i++)
            cursor->columns[i] = batch->columns[op->places[i]];
    } else {
        TRY(read_records(op, batch, err));
        TRY(combine_table_begin_each(&op->table, op->records, out.row_count, cursor->records, err));
        TRY(columns_from_records(acc, cursor->records, out.row_count, &cursor->buffers,
                                 cursor->columns, err));
    }
    local->sequence += out.row_count;
    TRY(emit(emitter, &out, err));
    user_task_reset(&op->user);
    return ST_OK;
}

/* Follows from the rows alone; how much room was asked for does not. Up to three slots in four have
 * a key. */
static uint64_t partial_bytes(const CombineOp *op)
{
    uint64_t key_bytes = op->table.has_slots ? CHAIN_SLOT_BYTES + CHAIN_SLOT_BYTES / 2
                                             : op->table.records.row_bytes + 2 * sizeof(uint64_t);

    return combine_table_count_outside(&op->table) * key_bytes + op->table.texts.used_bytes;
}

static void partial_init(PartialState *state, Arena *arena, const RecordLayout *in,
                         const uint32_t *places)
{
    state->part = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    state->text_places = ARENA_ARRAY(arena, uint32_t, in->field_count);
    for (uint32_t i = 0; i < in->field_count; i++)
        if (type_phys(in->fields[i].type) == PHYS_STR)
            state->text_places[state->text_count++] = places[i];
}

/* Of the batch's selected rows [from, from + count). */
static uint64_t column_text_bytes(const Column *column, const Batch *batch, uint32_t from,
                                  uint32_t count)
{
    const Str *values = column->values;
    uint64_t bytes = 0;

    if (column->form == COLUMN_FLAT && batch->selection == NULL)
        for (uint32_t i = from; i < from + count; i++)
            bytes += values[i].length;
    else
        for (uint32_t i = from; i < from + count; i++)
            bytes += ((const Str *)column_value(column, batch_row(batch, i)))->length;
    return bytes;
}

static uint64_t text_bytes(const CombineOp *op, const Batch *batch, uint32_t from, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < op->partial.text_count; i++)
        bytes += column_text_bytes(&batch->columns[op->partial.text_places[i]], batch, from, count);
    return bytes;
}

/* How many of the selected rows, from one on, are of the window at hand; notes them. */
static uint32_t take_of_window(CombineOp *op, const Batch *batch, uint32_t from)
{
    PartialState *state = &op->partial;
    uint64_t left = (state->is_passed ? state->pass_rows : WINDOW_ROWS) - state->window_rows;
    uint32_t count =
        batch->selected_count - from < left ? batch->selected_count - from : (uint32_t)left;
    uint64_t bytes = state->is_passed ? 0 : text_bytes(op, batch, from, count);

    if (state->window_bytes + bytes >= WINDOW_TEXT_BYTES) {
        bytes = 0;
        count = 0;
        while (state->window_bytes + bytes < WINDOW_TEXT_BYTES)
            bytes += text_bytes(op, batch, from + count++, 1);
    }
    state->window_bytes += bytes;
    state->window_rows += count;
    return count;
}

/* So many of the batch's selected rows; part lives as long as op->partial.part is left alone. */
static Batch part_of_batch(CombineOp *op, const Batch *batch, uint32_t from, uint32_t count)
{
    Batch part = *batch;

    if (count == batch->selected_count)
        return part;
    for (uint32_t i = 0; i < count; i++)
        op->partial.part[i] = batch_row(batch, from + i);
    part.selection = op->partial.part;
    part.selected_count = count;
    return part;
}

/* Is it worth its time? The first PROBE_ROWS tell: whether fewer than one in GAIN_LEAST of them had
 * a known key, or fewer of those so far than would become that many. For the more keys are known,
 * the more records have one; but hardly more than in proportion. */
static bool gains_nothing(CombineOp *op)
{
    PartialState *state = &op->partial;
    bool was_probing = state->rows < PROBE_ROWS;
    uint64_t known, tried;

    state->rows += state->window_rows;
    known = state->rows - combine_table_count(&op->table);
    tried = state->rows < PROBE_ROWS ? state->rows : PROBE_ROWS;
    return was_probing && known * PROBE_ROWS * GAIN_LEAST < state->rows * tried;
}

/* How many keys an array should have that goes on instead of the table, from *low_out on; 0: it is
 * not worth its time either. */
static uint64_t range_worth(const CombineOp *op, uint64_t *low_out)
{
    const ExecContext *context = op->op.context;
    const CombineSpec *spec = op->node->spec;
    uint64_t span = combine_table_extent(&op->table, low_out);
    double rows_to_come = op->node->head.inputs[0]->estimated_rows;

    if (context->partition_count > 1)
        rows_to_come /= context->partition_count;
    if (span > PARTIAL_BYTES_MAX / spec->acc->bytes || rows_to_come < RANGE_ROWS * (double)span)
        return 0;
    return span;
}

static Status end_window(CombineOp *op, PartialLocal *local, Emitter *emitter, Error *err)
{
    PartialState *state = &op->partial;
    bool was_passed = state->is_passed;
    bool gives_up = state->has_range ? combine_table_count_outside(&op->table) > OUTSIDE_KEYS_MAX
                                     : !was_passed && gains_nothing(op);
    uint64_t low, span = gives_up && !state->has_range ? range_worth(op, &low) : 0;

    state->is_passed = gives_up && span == 0;
    if (state->is_passed && state->pass_rows < PASS_ROWS_MAX)
        state->pass_rows = state->pass_rows == 0 ? PASS_ROWS : 2 * state->pass_rows;
    if (was_passed || gives_up)
        state->rows = 0;
    state->window_rows = state->window_bytes = 0;
    if (gives_up || partial_bytes(op) > PARTIAL_BYTES_MAX)
        TRY(pass_on(op, local, emitter, err));
    if (!gives_up)
        return ST_OK;
    combine_table_drop_range(&op->table);
    state->has_range = span > 0;
    return span > 0 ? combine_table_set_range(&op->table, low, span, err) : ST_OK;
}

static Status partial_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                              Error *err)
{
    CombineOp *op = (CombineOp *)base;
    PartialState *state = &op->partial;
    PartialLocal *local = opaque;

    local->split = batch->split;
    for (uint32_t from = 0, count; from < batch->selected_count; from += count) {
        Batch part;

        count = take_of_window(op, batch, from);
        part = part_of_batch(op, batch, from, count);
        if (state->is_passed)
            TRY(pass_records(op, local, &part, emitter, err));
        else
            TRY(combine_add(op, &part, err));
        if (state->window_rows >= (state->is_passed ? state->pass_rows : WINDOW_ROWS) ||
            state->window_bytes >= WINDOW_TEXT_BYTES)
            TRY(end_window(op, local, emitter, err));
    }
    return ST_OK;
}

static Status partial_end_split(Operator *base, void *opaque, uint32_t split, Emitter *emitter,
                                Error *err)
{
    (void)base, (void)split, (void)emitter, (void)err;
    ((PartialLocal *)opaque)->sequence = 0;
    return ST_OK;
}

static Status partial_end_input(Operator *base, void *opaque, uint32_t split, Emitter *emitter,
                                Error *err)
{
    PartialLocal *local = opaque;

    local->split = split;
    return pass_on((CombineOp *)base, local, emitter, err);
}

static const OperatorClass partial_class = {
    .name = "combine partially",
    .open = combine_open,
    .local_open = partial_local_open,
    .consume = partial_consume,
    .end_split = partial_end_split,
    .end_input = partial_end_input,
    .local_close = partial_local_close,
    .close = combine_close,
};

/* --- whole: a breaker --- */

static Status whole_consume(Operator *base, void *local, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    (void)local;
    (void)emitter;
    return combine_add((CombineOp *)base, batch, err);
}

/* Without keys, no record at all gives the record for that, where there is one. */
static Status whole_finish(Operator *base, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    CombineOp *op = (CombineOp *)base;
    const CombineSpec *spec = op->node->spec;
    CombineTable *table = &op->table;

    *task_count_out = 0;
    if (phase == 0 && op->spill.has_begun)
        return combine_spill_finish(&op->spill, err);
    if (phase > 0 || spec->has_keys || spec->empty == NULL || combine_table_count(table) > 0)
        return ST_OK;
    return combine_table_put(table, spec->empty, err);
}

static uint32_t whole_split_count(Operator *base)
{
    const CombineOp *op = (const CombineOp *)base;

    return op->spill.has_begun || combine_table_count(&op->table) > 0;
}

static Status whole_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return cursor_open((CombineOp *)base, err, (CombineCursor **)cursor_out);
}

/* There is one. */
static Status whole_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    CombineOp *op = (CombineOp *)base;
    CombineCursor *cursor = opaque;

    (void)split;
    cursor->place = (CombinePlace){0};
    cursor->next = 0;
    if (!op->spill.has_begun)
        return ST_OK;
    return spill_merge_init(&cursor->merge, &op->spill.space, op->spill.results, err);
}

static Status whole_source_next(Operator *base, void *cursor, Error *err, Batch *batch_out)
{
    TRY(stop_check(base->context->stop, err));
    return cursor_next((CombineOp *)base, cursor, err, batch_out);
}

static void whole_source_close(Operator *base, void *cursor)
{
    cursor_close((CombineOp *)base, cursor);
}

static const OperatorClass whole_class = {
    .name = "combine",
    .open = combine_open,
    .consume = whole_consume,
    .close = combine_close,
    .finish_begin = whole_finish,
    .split_count = whole_split_count,
    .source_open = whole_source_open,
    .source_split = whole_source_split,
    .source_next = whole_source_next,
    .source_close = whole_source_close,
};

Status op_combine_new(const ExecContext *context, Arena *arena, const PlanCombine *node, Error *err,
                      Operator **op_out)
{
    CombineOp *op = ARENA_NEW(arena, CombineOp);
    const Plan *input = node->head.inputs[0];
    uint32_t *places = ARENA_ARRAY(arena, uint32_t, node->args.count);

    (void)err;
    for (uint32_t i = 0; i < node->args.count; i++)
        places[i] = (uint32_t)plan_column_index(input, node->args.ids[i]);
    op->op = (Operator){.class = node->is_partial ? &partial_class : &whole_class,
                        .context = context,
                        .node = &node->head,
                        .input_column_count = input->column_count,
                        .input_columns = input->columns};
    op->node = node;
    op->places = places;
    op->arena = arena;
    op->args = ARENA_ARRAY(arena, const Column *, node->args.count);
    op->accs = ARENA_ARRAY(arena, void *, BATCH_ROWS_MAX);
    op->first = arena_alloc(arena, node->spec->acc->bytes);
    if (node->is_partial)
        partial_init(&op->partial, arena, node->spec->in, places);
    while (node->spec->has_keys && !node->spec->in->fields[op->key_number].is_key)
        op->key_number++;
    op->op.makes_more_rows = true;
    *op_out = &op->op;
    return ST_OK;
}
