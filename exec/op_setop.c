/*
 * op_setop.c -- INTERSECT and EXCEPT [ALL]: both inputs are grouped by all columns, and each
 * side's rows counted
 *
 *     operator of input 0: a sink, whose groups stay with it
 *     operator of input 1: a sink of the other input; its finish merges all groups, and it is the
 *         source
 *
 * Rows come out in the order of the first input, and look as they did where they first came.
 * Groups that only the second input has are made too, and dropped at the end.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/agg_merger.h"
#include "exec/operator.h"

static const char consumer_name[] = "set operation";

typedef struct SetCounts {
    uint64_t rows[2]; /* of either input */
} SetCounts;

typedef struct SetLocal {
    struct SetLocal *next;
    bool is_combined;
    AggTable table;
    Column *columns;
    void *states[BATCH_ROWS_MAX];
} SetLocal;

typedef struct Setop {
    Operator op;
    const PlanSetop *node;
    uint32_t input;
    struct Setop *first; /* the operator of input 0; of itself there */
    uint32_t *columns;   /* output column j is this input's columns[j] */
    AggSpec spec;        /* input 0's is used */
    SetLocal *locals;    /* combined ones     */
    AggMerger merger;    /* input 1's is used */
} Setop;

/* Every row of the second input comes after all of the first's. */
static uint64_t second_place(uint64_t place)
{
    return place | (uint64_t)1 << 63;
}

/* --- a thread's part --- */

static void local_free(Setop *self, SetLocal *local)
{
    agg_table_fini(&local->table);
    mem_pool_release(self->op.context->pool, local->columns,
                     self->op.node->column_count * sizeof(Column));
    mem_pool_release(self->op.context->pool, local, sizeof *local);
}

static Status setop_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    Setop *self = (Setop *)op;
    void *memory, *columns;
    SetLocal *local;
    Status status;

    (void)thread;
    *local_out = NULL;
    TRY(mem_pool_alloc(op->context->pool, sizeof(SetLocal), consumer_name, err, &memory));
    local = memory;
    memset(local, 0, offsetof(SetLocal, states));
    status = mem_pool_alloc(op->context->pool, op->node->column_count * sizeof(Column),
                            consumer_name, err, &columns);
    local->columns = columns;
    if (status == ST_OK)
        status = agg_table_init(&local->table, &self->first->spec, err);
    if (status != ST_OK)
        local_free(self, local);
    else
        *local_out = local;
    return status;
}

static void setop_local_close(Operator *op, void *local_memory)
{
    SetLocal *local = local_memory;

    if (local != NULL && !local->is_combined)
        local_free((Setop *)op, local);
}

static Status setop_consume(Operator *op, void *local_memory, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    Setop *self = (Setop *)op;
    SetLocal *local = local_memory;
    uint64_t place;

    (void)emitter;
    TRY(place_first(batch, err, &place));
    if (self->input == 1)
        place = second_place(place);
    for (uint32_t c = 0; c < op->node->column_count; c++)
        local->columns[c] = batch->columns[self->columns[c]];
    if (op->node->column_count == 0)
        TRY(agg_table_find_only(&local->table, batch, local->columns, place, err, local->states));
    else
        TRY(agg_table_find(&local->table, batch, local->columns, place, err, local->states));
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t group = op->node->column_count == 0 ? 0 : i;

        ((SetCounts *)local->states[group])->rows[self->input]++;
    }
    return ST_OK;
}

static Status setop_combine(Operator *op, void *local_memory, Error *err)
{
    Setop *self = (Setop *)op;
    SetLocal *local = local_memory;

    (void)err;
    agg_table_end(&local->table);
    local->is_combined = true;
    local->next = self->locals;
    self->locals = local;
    return ST_OK;
}

/* --- finish --- */

static void merge_counts(void *context, void *into, const void *from)
{
    SetCounts *a = into;
    const SetCounts *b = from;

    (void)context;
    a->rows[0] += b->rows[0];
    a->rows[1] += b->rows[1];
}

/* How often a row comes out. */
static uint64_t result_count(const PlanSetop *node, const SetCounts *counts)
{
    uint64_t first = counts->rows[0], second = counts->rows[1];

    if (node->kind == SETOP_INTERSECT && node->is_all)
        return first < second ? first : second;
    if (node->kind == SETOP_INTERSECT)
        return first > 0 && second > 0;
    if (node->is_all)
        return first > second ? first - second : 0;
    return first > 0 && second == 0;
}

static bool is_in_result(const void *context, const void *state)
{
    return result_count(context, state) > 0;
}

static Status setop_finish_begin(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    Setop *self = (Setop *)op;
    Setop *const sides[2] = {self->first, self};

    *task_count_out = 0;
    if (self->input == 0)
        return ST_OK;
    for (uint32_t s = 0; s < 2 && phase == 0; s++)
        for (SetLocal *local = sides[s]->locals; local != NULL; local = local->next)
            TRY(agg_merger_add(&self->merger, &local->table, err));
    operator_note_bytes(op, agg_merger_bytes(&self->merger));
    return agg_merger_begin(&self->merger, phase, err, task_count_out);
}

static Status setop_finish_task(Operator *op, uint32_t phase, uint32_t task, uint32_t thread,
                                Error *err)
{
    (void)thread;
    return agg_merger_task(&((Setop *)op)->merger, phase, task, err);
}

static void setop_close(Operator *op)
{
    Setop *self = (Setop *)op;

    agg_merger_fini(&self->merger);
    for (SetLocal *local = self->locals, *next; local != NULL; local = next) {
        next = local->next;
        local_free(self, local);
    }
    self->locals = NULL;
}

/* --- source --- */

typedef struct SetCursor {
    Arena *arena;
    RowReader reader;
    const void **batch_rows;
    void *const *rows; /* left of the split; of the first one `repeats` have come out */
    uint64_t row_count;
    uint64_t repeats;
    uint32_t split;
    uint64_t sequence;
} SetCursor;

static uint32_t setop_split_count(Operator *op)
{
    return agg_merger_split_count(&((Setop *)op)->merger);
}

static Status setop_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    const Setop *self = (Setop *)op;
    Arena *arena = arena_new(NULL, "set operation source", ARENA_NO_CAP);
    SetCursor *cursor = ARENA_NEW(arena, SetCursor);

    (void)thread;
    *cursor_out = cursor;
    cursor->arena = arena;
    cursor->batch_rows = ARENA_ARRAY(arena, const void *, op->context->batch_rows);
    return row_reader_init(&cursor->reader, &self->first->spec.layout, op->context->batch_rows,
                           arena, op->context->pool, consumer_name, err);
}

static void setop_source_close(Operator *op, void *cursor_memory)
{
    SetCursor *cursor = cursor_memory;

    (void)op;
    if (cursor == NULL)
        return;
    row_reader_fini(&cursor->reader);
    arena_free(cursor->arena);
}

static Status setop_source_split(Operator *op, void *cursor_memory, uint32_t split, Error *err)
{
    SetCursor *cursor = cursor_memory;

    (void)err;
    cursor->split = split;
    cursor->sequence = 0;
    cursor->repeats = 0;
    agg_merger_split(&((Setop *)op)->merger, split, &cursor->rows, &cursor->row_count);
    return ST_OK;
}

/* Pointers to the next rows, each group's as often as it comes out. */
static uint32_t repeat_rows(const Setop *self, SetCursor *cursor, uint32_t batch_rows)
{
    uint32_t tail_offset = self->first->spec.layout.tail_offset, count = 0;

    while (count < batch_rows && cursor->row_count > 0) {
        const void *row = cursor->rows[0];
        const SetCounts *counts = (const void *)((const char *)row + tail_offset);
        uint64_t left = result_count(self->node, counts) - cursor->repeats;

        if (left > batch_rows - count)
            left = batch_rows - count;
        for (uint64_t i = 0; i < left; i++)
            cursor->batch_rows[count++] = row;
        cursor->repeats += left;
        if (cursor->repeats == result_count(self->node, counts)) {
            cursor->rows++;
            cursor->row_count--;
            cursor->repeats = 0;
        }
    }
    return count;
}

static Status setop_source_next(Operator *op, void *cursor_memory, Error *err, Batch *batch_out)
{
    SetCursor *cursor = cursor_memory;
    uint32_t count = repeat_rows((Setop *)op, cursor, op->context->batch_rows);

    (void)err;
    *batch_out = (Batch){.column_count = op->node->column_count,
                         .row_count = count,
                         .columns = cursor->reader.columns,
                         .selected_count = count,
                         .split = cursor->split,
                         .sequence = cursor->sequence};
    if (count > 0)
        row_reader_read(&cursor->reader, cursor->batch_rows, count);
    cursor->sequence += count;
    return ST_OK;
}

static const OperatorClass setop_class = {.name = "set operation",
                                          .local_open = setop_local_open,
                                          .consume = setop_consume,
                                          .local_close = setop_local_close,
                                          .close = setop_close,
                                          .combine = setop_combine,
                                          .finish_begin = setop_finish_begin,
                                          .finish_task = setop_finish_task,
                                          .split_count = setop_split_count,
                                          .source_open = setop_source_open,
                                          .source_split = setop_source_split,
                                          .source_next = setop_source_next,
                                          .source_close = setop_source_close};

static void fill_spec(Setop *self, Arena *arena)
{
    const Plan *node = self->op.node;
    Type *types = ARENA_ARRAY(arena, Type, node->column_count);

    for (uint32_t c = 0; c < node->column_count; c++)
        types[c] = node->columns[c].type;
    self->spec = (AggSpec){.key_count = node->column_count,
                           .state_bytes = sizeof(SetCounts),
                           .state_template = ARENA_NEW(arena, SetCounts),
                           .state_merge = merge_counts,
                           .context = (void *)(uintptr_t)self->node,
                           .pool = self->op.context->pool,
                           .consumer = consumer_name,
                           .stop = self->op.context->stop,
                           .expected_rows = -1,
                           .expected_groups = -1};
    self->spec.layout =
        row_layout_make(arena, sizeof(AggHead), node->column_count, types, self->spec.state_bytes);
}

Status op_setop_new(const ExecContext *context, Arena *arena, const PlanSetop *node, uint32_t input,
                    Operator *first, Error *err, Operator **op_out)
{
    Setop *self = ARENA_NEW(arena, Setop);
    const Plan *child = node->head.inputs[input];

    (void)err;
    CHECK(input <= 1 && (input == 0) == (first == NULL));
    self->op = (Operator){.class = &setop_class,
                          .context = context,
                          .node = &node->head,
                          .input_column_count = child->column_count,
                          .input_columns = child->columns};
    self->node = node;
    self->input = input;
    self->first = input == 0 ? self : (Setop *)first;
    self->columns = ARENA_ARRAY(arena, uint32_t, node->head.column_count);
    for (uint32_t c = 0; c < node->head.column_count; c++) {
        int32_t column = plan_column_index(child, node->maps[input].ids[c]);

        CHECK(column >= 0);
        self->columns[c] = (uint32_t)column;
    }
    fill_spec(self, arena);
    agg_merger_init(&self->merger, &self->first->spec);
    self->merger.keeps = is_in_result;
    *op_out = &self->op;
    return ST_OK;
}
