/*
 * op_sort.c -- ORDER BY: rows are kept, sorted (sorter.h), and come out in splits of equal size
 *
 * Rows of equal keys keep the order of their places. A LIMIT of each group, and a concatenation of
 * each group's texts, sort by the group's keys first; then one task walks the sorted rows, and
 * lists those that it wants.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/operator.h"
#include "exec/row_source.h"
#include "exec/sort_spill.h"
#include "exec/sorter.h"

enum { SPLIT_ROWS = 32 * 1024 };

static const char consumer_name[] = "sort";

typedef struct Sort {
    Operator op;
    SortSpec spec;
    Sorter sorter;
    uint64_t row_count; /* that come out */
    void **rows;        /* unless SORT_ALL: those that come out, of as many as were sorted */

    enum { SORT_ALL, SORT_LIMIT_GROUPS, SORT_CONCAT_GROUPS } kind;
    bool is_sorted;
    uint32_t group_field_count;
    const uint32_t *group_fields;          /* the rows' fields that make a group */
    uint64_t skip_rows, fetch_rows;        /* SORT_LIMIT_GROUPS */
    uint32_t value_field, delimiter_field; /* SORT_CONCAT_GROUPS */
    TextStore texts;                       /* the concatenations */
    SortSpill spill;                       /* of a task */
} Sort;

enum { CONCAT_BYTES_MAX = 1 << 30 };

typedef struct SortLocal {
    SortRun run; /* the sorter's list of runs leads here */
    bool is_combined;
} SortLocal;

static void local_free(Operator *op, SortLocal *local)
{
    sort_run_fini(&local->run);
    mem_pool_release(op->context->pool, local, sizeof *local);
}

static Status sort_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    Sort *self = (Sort *)op;
    void *memory;
    SortLocal *local;
    Status status;

    (void)thread;
    *local_out = NULL;
    TRY(mem_pool_alloc(op->context->pool, sizeof(SortLocal), consumer_name, err, &memory));
    local = memory;
    memset(local, 0, sizeof *local);
    status = sort_run_init(&local->run, &self->spec, err);
    if (status == ST_OK && self->kind == SORT_ALL && op->context->threads == 1 &&
        op->context->spill_folder != NULL && self->spill.arena == NULL)
        status = sort_spill_open(&self->spill, &self->spec, op->context->spill_folder,
                                 op->context->batch_rows, err);
    if (status != ST_OK)
        local_free(op, local);
    else
        *local_out = local;
    return status;
}

static void sort_local_close(Operator *op, void *local_memory)
{
    SortLocal *local = local_memory;

    if (local != NULL && !local->is_combined)
        local_free(op, local);
}

static Status sort_consume(Operator *op, void *local, const Batch *batch, Emitter *emitter,
                           Error *err)
{
    Sort *self = (Sort *)op;
    SortRun *run = &((SortLocal *)local)->run;
    uint64_t before = run->entries.row_count;
    Status status = sort_run_add(run, batch, err);

    (void)emitter;
    if (self->spill.arena == NULL)
        return status;
    if (status == ST_OUT_OF_MEMORY && before > 0 && sort_run_undo(run, before)) {
        TRY(sort_spill_run(&self->spill, run, err));
        return sort_run_add(run, batch, err);
    }
    if (status == ST_OK && sort_run_bytes(run) > op->context->spill_bytes / 2)
        return sort_spill_run(&self->spill, run, err);
    return status;
}

static Status sort_combine(Operator *op, void *local_memory, Error *err)
{
    Sort *self = (Sort *)op;
    SortLocal *local = local_memory;

    if (self->spill.run_count > 0)
        TRY(sort_spill_run(&self->spill, &local->run, err));
    sort_run_end(&local->run);
    local->is_combined = true;
    sorter_add_run(&self->sorter, &local->run);
    return ST_OK;
}

/* After the sorter's phases one more, where groups are to be cut. */
static Status sort_finish_begin(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    Sort *self = (Sort *)op;

    *task_count_out = 0;
    if (self->is_sorted)
        return ST_OK;
    if (self->spill.run_count > 0) {
        self->is_sorted = true;
        return sort_spill_merge(&self->spill, err);
    }
    TRY(sorter_begin(&self->sorter, phase, err, task_count_out));
    operator_note_bytes(op, self->sorter.peak_bytes);
    if (*task_count_out > 0)
        return ST_OK;
    self->row_count = self->sorter.row_count;
    self->is_sorted = true;
    *task_count_out = self->kind != SORT_ALL && self->row_count > 0 ? 1 : 0;
    return ST_OK;
}

static bool is_same_group(const Sort *self, const void *a, const void *b)
{
    for (uint32_t i = 0; i < self->group_field_count; i++) {
        uint32_t field = self->group_fields[i];
        bool is_null = row_is_null(&self->spec.shape.rows, a, field);

        if (is_null != row_is_null(&self->spec.shape.rows, b, field) ||
            (!is_null && row_compare_field(&self->spec.shape.rows, field, a, b) != 0))
            return false;
    }
    return true;
}

/* Lists all rows in order. */
static Status list_rows(Sort *self, Error *err)
{
    uint64_t count = self->sorter.row_count, listed = 0;
    SortCursor *cursor;
    void *rows;
    Status status;

    TRY(mem_pool_alloc(self->spec.pool, count * sizeof *self->rows, consumer_name, err, &rows));
    self->rows = rows;
    status = sort_cursor_open(&self->sorter, BATCH_ROWS_MAX, err, &cursor);
    if (status == ST_OK)
        sort_cursor_seek(cursor, 0, 0, count);
    for (uint32_t more = 1; status == ST_OK && more > 0; listed += more)
        more = sort_cursor_rows(cursor, BATCH_ROWS_MAX, self->rows + listed);
    sort_cursor_close(cursor);
    return status;
}

/* Moves the rows that are wanted of each group to the front of all rows. */
static Status cut_groups(Sort *self, Error *err)
{
    void **rows = self->rows;
    const void *last = NULL;
    uint64_t kept = 0, number = 0; /* of the row in its group */

    for (uint64_t i = 0; i < self->sorter.row_count; i++) {
        if ((i & 0xffff) == 0)
            TRY(stop_check(self->spec.stop, err));
        number = last != NULL && is_same_group(self, last, rows[i]) ? number + 1 : 0;
        last = rows[i];
        if (number >= self->skip_rows && number - self->skip_rows < self->fetch_rows)
            rows[kept++] = rows[i];
    }
    self->row_count = kept;
    return ST_OK;
}

/* --- concatenations --- */

static Str text_of(const Sort *self, const void *row, uint32_t field)
{
    Str text;

    if (row_is_null(&self->spec.shape.rows, row, field))
        return str_make("", 0);
    memcpy(&text, row_value(&self->spec.shape.rows, row, field), sizeof text);
    return text;
}

static char *append(char *to, Str text)
{
    memcpy(to, str_bytes(&text), text.length);
    return to + text.length;
}

/* The texts of rows[0..count), each but the first behind its delimiter, in buffer. */
static void concat_rows(const Sort *self, void *const *rows, uint64_t count, char *buffer)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            buffer = append(buffer, text_of(self, rows[i], self->delimiter_field));
        buffer = append(buffer, text_of(self, rows[i], self->value_field));
    }
}

static uint64_t concat_bytes(const Sort *self, void *const *rows, uint64_t count)
{
    uint64_t bytes = text_of(self, rows[0], self->value_field).length;

    for (uint64_t i = 1; i < count; i++)
        bytes += (uint64_t)text_of(self, rows[i], self->delimiter_field).length +
                 text_of(self, rows[i], self->value_field).length;
    return bytes;
}

/* rows[0] gets the concatenation of the group's texts. */
static Status concat_group(Sort *self, void *const *rows, uint64_t count, Error *err)
{
    uint64_t bytes = concat_bytes(self, rows, count);
    void *buffer;
    Status status;
    Str text;

    if (count == 1)
        return ST_OK;
    if (bytes > CONCAT_BYTES_MAX)
        return error_set_state(err, ST_BAD_INPUT, "54000", "string_agg makes a text over 1 GiB");
    TRY(mem_pool_alloc(self->spec.pool, bytes + 1, consumer_name, err, &buffer));
    concat_rows(self, rows, count, buffer);
    text = str_make(buffer, (uint32_t)bytes);
    status = text_store_own(&self->texts, &text, err);
    mem_pool_release(self->spec.pool, buffer, bytes + 1);
    memcpy((char *)rows[0] + self->spec.shape.rows.fields[self->value_field].offset, &text,
           sizeof text);
    return status;
}

static Status concat_groups(Sort *self, Error *err)
{
    void **rows = self->rows;
    uint64_t count = self->sorter.row_count, start = 0;

    self->row_count = 0;
    for (uint64_t i = 1; i <= count; i++) {
        if ((i & 0xffff) == 0)
            TRY(stop_check(self->spec.stop, err));
        if (i < count && is_same_group(self, rows[start], rows[i]))
            continue;
        TRY(concat_group(self, rows + start, i - start, err));
        rows[self->row_count++] = rows[start];
        start = i;
    }
    return ST_OK;
}

static Status sort_finish_task(Operator *op, uint32_t phase, uint32_t task, uint32_t thread,
                               Error *err)
{
    Sort *self = (Sort *)op;

    (void)thread;
    if (!self->is_sorted)
        return sorter_task(&self->sorter, phase, task, err);
    TRY(list_rows(self, err));
    return self->kind == SORT_LIMIT_GROUPS ? cut_groups(self, err) : concat_groups(self, err);
}

static void sort_close(Operator *op)
{
    Sort *self = (Sort *)op;
    SortRun *run = self->sorter.runs, *next;

    mem_pool_release(self->spec.pool, self->rows, self->sorter.row_count * sizeof *self->rows);
    self->rows = NULL;
    sorter_fini(&self->sorter);
    for (; run != NULL; run = next) {
        next = run->next;
        local_free(op, (SortLocal *)(void *)run);
    }
    sorter_init(&self->sorter, &self->spec);
    text_store_fini(&self->texts);
    sort_spill_close(&self->spill);
    self->row_count = 0;
    self->is_sorted = false;
}

/* --- source --- */

static uint32_t sort_split_count(Operator *op)
{
    const Sort *self = (Sort *)op;

    if (self->spill.run_count > 0)
        return 1;
    return (uint32_t)((self->row_count + SPLIT_ROWS - 1) / SPLIT_ROWS);
}

static Status sort_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    SortCursor *cursor;
    Status status = sort_cursor_open(&((Sort *)op)->sorter, op->context->batch_rows, err, &cursor);

    (void)thread;
    *cursor_out = cursor;
    return status;
}

static Status sort_source_split(Operator *op, void *cursor, uint32_t split, Error *err)
{
    const Sort *self = (Sort *)op;
    uint64_t start = (uint64_t)split * SPLIT_ROWS, count = self->row_count - start;

    (void)err;
    if (self->spill.run_count > 0)
        return ST_OK;
    sort_cursor_seek(cursor, split, start, count < SPLIT_ROWS ? count : SPLIT_ROWS);
    return ST_OK;
}

static Status sort_source_next(Operator *op, void *cursor, Error *err, Batch *batch_out)
{
    Sort *self = (Sort *)op;

    if (self->spill.run_count > 0)
        return sort_spill_next(&self->spill, err, batch_out);
    sort_cursor_next(cursor, batch_out);
    return ST_OK;
}

static void sort_source_close(Operator *op, void *cursor)
{
    (void)op;
    sort_cursor_close(cursor);
}

/* --- source, of groups --- */

static Status group_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return row_source_open(op->context, &((Sort *)op)->spec.shape.rows, consumer_name, err,
                           cursor_out);
}

static Status group_source_split(Operator *op, void *cursor, uint32_t split, Error *err)
{
    const Sort *self = (Sort *)op;
    uint64_t start = (uint64_t)split * SPLIT_ROWS, count = self->row_count - start;

    (void)err;
    row_source_split(cursor, split, self->rows + start, count < SPLIT_ROWS ? count : SPLIT_ROWS);
    return ST_OK;
}

static Status group_source_next(Operator *op, void *cursor, Error *err, Batch *batch_out)
{
    (void)op;
    (void)err;
    row_source_next(cursor, batch_out);
    return ST_OK;
}

static void group_source_close(Operator *op, void *cursor)
{
    (void)op;
    row_source_close(cursor);
}

#define SINK_FUNCTIONS                                                                             \
    .name = "sort", .local_open = sort_local_open, .consume = sort_consume,                        \
    .local_close = sort_local_close, .close = sort_close, .combine = sort_combine,                 \
    .finish_begin = sort_finish_begin, .finish_task = sort_finish_task,                            \
    .split_count = sort_split_count

static const OperatorClass sort_class = {
    SINK_FUNCTIONS, .source_open = sort_source_open, .source_split = sort_source_split,
    .source_next = sort_source_next, .source_close = sort_source_close};

static const OperatorClass group_sort_class = {
    SINK_FUNCTIONS, .source_open = group_source_open, .source_split = group_source_split,
    .source_next = group_source_next, .source_close = group_source_close};

static Sort *sort_new(const ExecContext *context, Arena *arena, const Plan *node,
                      const SortKeyList *keys, const OperatorClass *class)
{
    Sort *self = ARENA_NEW(arena, Sort);
    const Plan *input = node->inputs[0];

    self->op = (Operator){.class = class,
                          .context = context,
                          .node = node,
                          .input_column_count = input->column_count,
                          .input_columns = input->columns};
    self->spec = sort_spec_make(arena, input, keys, 0, class == &sort_class);
    self->spec.pool = context->pool;
    self->spec.consumer = consumer_name;
    self->spec.stop = context->stop;
    self->spec.threads = context->threads;
    sorter_init(&self->sorter, &self->spec);
    text_store_init(&self->texts, context->pool, consumer_name);
    return self;
}

Status op_sort_new(const ExecContext *context, Arena *arena, const PlanSort *node, Error *err,
                   Operator **op_out)
{
    (void)err;
    *op_out = &sort_new(context, arena, &node->head, &node->keys, &sort_class)->op;
    return ST_OK;
}

/* Sorted by the groups' keys, then by order. */
static Sort *group_sort_new(const ExecContext *context, Arena *arena, const Plan *node,
                            ColumnList groups, SortKeyList order)
{
    SortKey *keys = ARENA_ARRAY(arena, SortKey, groups.count + order.count);
    uint32_t *fields = ARENA_ARRAY(arena, uint32_t, groups.count);
    Sort *self;

    for (uint32_t i = 0; i < groups.count; i++) {
        const PlanColumn *key = plan_column(node->inputs[0], groups.ids[i]);

        keys[i] = (SortKey){.column = key->id, .type = key->type};
        fields[i] = (uint32_t)plan_column_index(node->inputs[0], key->id);
    }
    if (order.count > 0)
        memcpy(keys + groups.count, order.items, order.count * sizeof *keys);
    self = sort_new(context, arena, node, &(SortKeyList){groups.count + order.count, keys},
                    &group_sort_class);
    self->group_field_count = groups.count;
    self->group_fields = fields;
    return self;
}

Status op_group_limit_new(const ExecContext *context, Arena *arena, const PlanGroupLimit *node,
                          Error *err, Operator **op_out)
{
    Sort *self = group_sort_new(context, arena, &node->head, node->keys, node->order);

    (void)err;
    self->kind = SORT_LIMIT_GROUPS;
    self->skip_rows = (uint64_t)node->skip_rows;
    self->fetch_rows = (uint64_t)node->fetch_rows;
    *op_out = &self->op;
    return ST_OK;
}

Status op_group_concat_new(const ExecContext *context, Arena *arena, const PlanGroupConcat *node,
                           Error *err, Operator **op_out)
{
    Sort *self = group_sort_new(context, arena, &node->head, node->keys, node->order);
    const Plan *input = node->head.inputs[0];

    (void)err;
    self->kind = SORT_CONCAT_GROUPS;
    self->value_field = (uint32_t)plan_column_index(input, node->value);
    self->delimiter_field = (uint32_t)plan_column_index(input, node->delimiter);
    *op_out = &self->op;
    return ST_OK;
}
