/*
 * op_hash_agg.c -- GROUP BY, DISTINCT, and aggregates of everything
 *
 *     consume   keys -> groups (agg_table.h) -> one kernel updates all aggregates' states; groups
 *               that a task has no memory for are spilled (agg_spill.h)
 *     finish    repeated groups become one (agg_merger.h)
 *     source    op_hash_agg_source.c
 *
 * first(x) needs no state: it shows its group's first row, as the keys do, so it is a dependent
 * of the group.
 */
#include "exec/op_hash_agg_internal.h"

#include <string.h>

#include "core/base/invariant.h"

static const char consumer_name[] = "hash aggregate";

typedef struct AggLocal {
    struct AggLocal *next;
    bool is_combined; /* the operator has taken it */
    KernelInstance *instance;
    KernelInstance *first_instance;
    AggTable table;
    Column *columns; /* of the group's fields */
    Column *firsts;  /* results of first_kernel */
    void *states[BATCH_ROWS_MAX];
} AggLocal;

/* --- making --- */

static bool is_kept_by_row(const Expr *agg)
{
    return agg->agg == AGG_FIRST;
}

static Status check_aggs(const PlanAggregate *node, Error *err)
{
    for (uint32_t i = 0; i < node->aggs.count; i++) {
        const Expr *agg = node->aggs.items[i];

        if (agg->is_distinct && !(agg_properties(agg->agg) & AGG_DUPLICATES_DO_NOT_MATTER))
            return error_set(err, ST_INTERNAL, "an aggregate of distinct values reached execution");
        if (is_kept_by_row(agg) && agg->filter != NULL)
            return error_set(err, ST_NOT_SUPPORTED, "not supported: FILTER with first()");
    }
    return ST_OK;
}

/* Sorts the aggregates into those of the kernel and the dependents. */
static void assign_outputs(HashAggregate *self, Arena *arena, const Expr **kernel_aggs,
                           const Expr **first_args)
{
    const PlanAggregate *node = self->node;

    self->outputs = ARENA_ARRAY(arena, AggOutput, node->aggs.count);
    for (uint32_t i = 0; i < node->aggs.count; i++) {
        const Expr *agg = node->aggs.items[i];

        if (is_kept_by_row(agg)) {
            first_args[self->first_count] = agg->args[0];
            self->outputs[i] =
                (AggOutput){.is_field = true, .index = node->keys.count + self->first_count++};
        } else {
            kernel_aggs[self->kernel_agg_count] = agg;
            self->outputs[i] = (AggOutput){.index = self->kernel_agg_count++};
        }
    }
}

static Status build_kernels(HashAggregate *self, Arena *arena, const Expr *const *kernel_aggs,
                            const Expr *const *first_args, Error *err)
{
    const Plan *input = self->node->head.inputs[0];
    KernelRequest request = {.name = "hash aggregate",
                             .input_count = input->column_count,
                             .inputs = input->columns,
                             .agg_count = self->kernel_agg_count,
                             .aggs = kernel_aggs,
                             .expected_rows = input->estimated_rows,
                             .jit = self->op.context->jit,
                             .cache = self->op.context->cache};

    if (self->kernel_agg_count > 0) {
        TRY(kernel_build(&request, err, &self->kernel));
        operator_add_kernel(&self->op, arena, self->kernel);
    }
    if (self->first_count > 0) {
        request.name = "hash aggregate.first";
        request.agg_count = 0;
        request.output_count = self->first_count;
        request.outputs = first_args;
        TRY(kernel_build(&request, err, &self->first_kernel));
        operator_add_kernel(&self->op, arena, self->first_kernel);
    }
    return ST_OK;
}

static void merge_states(void *context, void *into, const void *from)
{
    kernel_state_merge(context, into, from);
}

static void fill_spec(HashAggregate *self, Arena *arena, const Expr *const *first_args)
{
    const PlanAggregate *node = self->node;
    const Plan *input = node->head.inputs[0];
    uint32_t field_count = node->keys.count + self->first_count;
    Type *types = ARENA_ARRAY(arena, Type, field_count);
    AggSpec *spec = &self->spec;

    self->key_inputs = ARENA_ARRAY(arena, uint32_t, node->keys.count);
    for (uint32_t k = 0; k < node->keys.count; k++) {
        int32_t index = plan_column_index(input, node->keys.ids[k]);

        CHECK(index >= 0);
        self->key_inputs[k] = (uint32_t)index;
        types[k] = input->columns[index].type;
    }
    for (uint32_t f = 0; f < self->first_count; f++)
        types[node->keys.count + f] = first_args[f]->type;
    *spec = (AggSpec){.key_count = node->keys.count,
                      .state_merge = merge_states,
                      .context = self->kernel,
                      .pool = self->op.context->pool,
                      .consumer = consumer_name,
                      .stop = self->op.context->stop,
                      .expected_groups = node->head.estimated_rows};
    spec->expected_rows =
        input->estimated_rows < 0 ? -1 : input->estimated_rows / self->op.context->threads;
    if (self->kernel != NULL) {
        void *template;

        spec->state_bytes = (uint32_t)kernel_state_bytes(self->kernel);
        template = arena_alloc(arena, spec->state_bytes);
        kernel_state_init(self->kernel, template);
        spec->state_template = template;
        self->has_text_states = kernel_state_has_text(self->kernel);
    }
    spec->layout = row_layout_make(arena, sizeof(AggHead), field_count, types, spec->state_bytes);
}

Status op_hash_aggregate_new(const ExecContext *context, Arena *arena, const PlanAggregate *node,
                             Error *err, Operator **op_out)
{
    HashAggregate *self = ARENA_NEW(arena, HashAggregate);
    const Expr **kernel_aggs = ARENA_ARRAY(arena, const Expr *, node->aggs.count);
    const Expr **first_args = ARENA_ARRAY(arena, const Expr *, node->aggs.count);

    self->op = (Operator){.class = &hash_aggregate_class,
                          .context = context,
                          .node = &node->head,
                          .input_column_count = node->head.inputs[0]->column_count,
                          .input_columns = node->head.inputs[0]->columns};
    self->node = node;
    self->arena = arena;
    *op_out = &self->op;
    TRY(check_aggs(node, err));
    assign_outputs(self, arena, kernel_aggs, first_args);
    TRY(build_kernels(self, arena, kernel_aggs, first_args, err));
    fill_spec(self, arena, first_args);
    agg_merger_init(&self->merger, &self->spec);
    return ST_OK;
}

/* --- a thread's part --- */

static void local_free(HashAggregate *self, AggLocal *local)
{
    if (local == NULL)
        return;
    kernel_instance_free(local->instance);
    kernel_instance_free(local->first_instance);
    agg_table_fini(&local->table);
    mem_pool_release(self->op.context->pool, local->columns,
                     2 * self->spec.layout.field_count * sizeof(Column));
    mem_pool_release(self->op.context->pool, local, sizeof *local);
}

static Status local_fill(HashAggregate *self, AggLocal *local, Error *err)
{
    MemPool *pool = self->op.context->pool;
    uint32_t field_count = self->spec.layout.field_count;
    void *columns;

    TRY(mem_pool_alloc(pool, 2 * field_count * sizeof(Column), consumer_name, err, &columns));
    local->columns = columns;
    local->firsts = local->columns + field_count;
    if (self->kernel != NULL)
        TRY(kernel_instance_new(self->kernel, pool, err, &local->instance));
    if (self->first_kernel != NULL)
        TRY(kernel_instance_new(self->first_kernel, pool, err, &local->first_instance));
    return agg_table_init(&local->table, &self->spec, err);
}

/* The operator's arena is nobody's while several threads open their parts. */
static Status open_spill(HashAggregate *self, Error *err)
{
    const ExecContext *context = self->op.context;
    uint32_t *offsets, count;

    if (!agg_spill_is_possible(context, &self->spec) || self->spill.is_open)
        return ST_OK;
    offsets = ARENA_ARRAY(self->arena, uint32_t, self->kernel_agg_count);
    count = self->kernel == NULL ? 0 : kernel_state_texts(self->kernel, offsets);
    return agg_spill_open(&self->spill, self->arena, &self->spec, context, count, offsets, err);
}

static Status agg_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    HashAggregate *self = (HashAggregate *)op;
    void *memory;
    Status status;

    (void)thread;
    *local_out = NULL;
    TRY(mem_pool_alloc(op->context->pool, sizeof(AggLocal), consumer_name, err, &memory));
    memset(memory, 0, offsetof(AggLocal, states));
    status = open_spill(self, err);
    if (status == ST_OK)
        status = local_fill(self, memory, err);
    if (status != ST_OK)
        local_free(self, memory);
    else
        *local_out = memory;
    return status;
}

static void agg_local_close(Operator *op, void *local)
{
    AggLocal *part = local;

    if (part != NULL && !part->is_combined)
        local_free((HashAggregate *)op, part);
}

static Status own_text(void *context, Str *text, Error *err)
{
    return text_store_own(context, text, err);
}

static Status own_states(HashAggregate *self, AggLocal *local, uint32_t count, Error *err)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(kernel_state_own(self->kernel, local->states[i], own_text, &local->table.texts, err));
    return ST_OK;
}

/* The batch's columns in the order of the groups' fields. */
static Status choose_columns(HashAggregate *self, AggLocal *local, const Batch *batch, Error *err)
{
    uint32_t key_count = self->spec.key_count, count;
    const uint32_t *selection;

    for (uint32_t k = 0; k < key_count; k++)
        local->columns[k] = batch->columns[self->key_inputs[k]];
    if (self->first_count == 0)
        return ST_OK;
    TRY(kernel_project(local->first_instance, batch, err, local->firsts, &selection, &count));
    memcpy(local->columns + key_count, local->firsts, self->first_count * sizeof(Column));
    return ST_OK;
}

/* The batch's groups; those of earlier ones make room for them where memory is short. */
static Status find_groups(HashAggregate *self, AggLocal *local, const Batch *batch, uint64_t place,
                          Error *err)
{
    Status status;

    if (self->spec.key_count == 0)
        return agg_table_find_only(&local->table, batch, local->columns, place, err, local->states);
    if (!self->spill.is_open)
        return agg_table_find(&local->table, batch, local->columns, place, err, local->states);
    if (agg_spill_is_due(&self->spill, &local->table))
        TRY(agg_spill_write(&self->spill, &local->table, err));
    agg_spill_note(&self->spill, &local->table);
    status = agg_table_find(&local->table, batch, local->columns, place, err, local->states);
    if (status != ST_OUT_OF_MEMORY)
        return status;
    agg_spill_undo(&self->spill, &local->table);
    TRY(agg_spill_write(&self->spill, &local->table, err));
    return agg_table_find(&local->table, batch, local->columns, place, err, local->states);
}

/* Texts that states have taken up live on, also where only the file has room for them. */
static Status keep_texts(HashAggregate *self, AggLocal *local, const Batch *batch, Error *err)
{
    bool has_keys = self->spec.key_count > 0;
    Status status = own_states(self, local, has_keys ? batch->selected_count : 1, err);

    return status == ST_OUT_OF_MEMORY && self->spill.is_open
               ? agg_spill_write(&self->spill, &local->table, err)
               : status;
}

static Status agg_consume(Operator *op, void *local_memory, const Batch *batch, Emitter *emitter,
                          Error *err)
{
    HashAggregate *self = (HashAggregate *)op;
    AggLocal *local = local_memory;
    bool has_keys = self->spec.key_count > 0;
    uint64_t place;

    (void)emitter;
    if (batch->selected_count == 0)
        return ST_OK;
    TRY(place_first(batch, err, &place));
    TRY(choose_columns(self, local, batch, err));
    TRY(find_groups(self, local, batch, place, err));
    if (self->kernel == NULL)
        return ST_OK;
    TRY(kernel_aggregate(local->instance, batch, has_keys ? local->states : NULL,
                         has_keys ? NULL : local->states[0], err));
    return self->has_text_states ? keep_texts(self, local, batch, err) : ST_OK;
}

static Status agg_combine(Operator *op, void *local_memory, Error *err)
{
    HashAggregate *self = (HashAggregate *)op;
    AggLocal *local = local_memory;

    if (self->spill.has_begun)
        TRY(agg_spill_write(&self->spill, &local->table, err));
    agg_table_end(&local->table);
    kernel_instance_free(local->instance);
    kernel_instance_free(local->first_instance);
    local->instance = NULL;
    local->first_instance = NULL;
    local->is_combined = true;
    local->next = self->locals;
    self->locals = local;
    return agg_merger_add(&self->merger, &local->table, err);
}

/* --- finish --- */

static Status agg_finish_begin(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    HashAggregate *self = (HashAggregate *)op;

    *task_count_out = 0;
    if (self->spill.has_begun)
        return phase == 0 ? agg_spill_finish(&self->spill, err) : ST_OK;
    if (phase == 0 && self->spec.key_count == 0 && self->merger.row_count == 0) {
        TRY(agg_table_init(&self->empty, &self->spec, err));
        TRY(agg_table_add_empty(&self->empty, err));
        TRY(agg_merger_add(&self->merger, &self->empty, err));
    }
    operator_note_bytes(op, agg_merger_bytes(&self->merger));
    return agg_merger_begin(&self->merger, phase, err, task_count_out);
}

static Status agg_finish_task(Operator *op, uint32_t phase, uint32_t task, uint32_t thread,
                              Error *err)
{
    (void)thread;
    return agg_merger_task(&((HashAggregate *)op)->merger, phase, task, err);
}

static void agg_close(Operator *op)
{
    HashAggregate *self = (HashAggregate *)op;

    agg_merger_fini(&self->merger);
    agg_spill_close(&self->spill);
    for (AggLocal *local = self->locals, *next; local != NULL; local = next) {
        next = local->next;
        local_free(self, local);
    }
    self->locals = NULL;
    agg_table_fini(&self->empty);
}

const OperatorClass hash_aggregate_class = {.name = "hash aggregate",
                                            .local_open = agg_local_open,
                                            .consume = agg_consume,
                                            .local_close = agg_local_close,
                                            .close = agg_close,
                                            .combine = agg_combine,
                                            .finish_begin = agg_finish_begin,
                                            .finish_task = agg_finish_task,
                                            .split_count = hash_aggregate_split_count,
                                            .source_open = hash_aggregate_source_open,
                                            .source_split = hash_aggregate_source_split,
                                            .source_next = hash_aggregate_source_next,
                                            .source_close = hash_aggregate_source_close};
