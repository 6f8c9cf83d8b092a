/* op_union.c -- columns picked and renamed: the inputs of a UNION, the readers of a shared plan */
#include "exec/operators.h"

typedef struct MapOp {
    Operator op;
    const uint32_t *picks;
} MapOp;

typedef struct MapLocal {
    Arena *arena;
    Column *columns;
} MapLocal;

static Status map_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    Arena *arena = arena_new(NULL, "map", ARENA_NO_CAP);
    MapLocal *local = ARENA_NEW(arena, MapLocal);

    (void)thread, (void)err;
    local->arena = arena;
    local->columns = ARENA_ARRAY(arena, Column, base->node->column_count);
    *local_out = local;
    return ST_OK;
}

static void map_local_close(Operator *base, void *opaque)
{
    (void)base;
    if (opaque != NULL)
        arena_free(((MapLocal *)opaque)->arena);
}

static Status map_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                          Error *err)
{
    const MapOp *op = (const MapOp *)base;
    MapLocal *local = opaque;
    Batch out = *batch;

    out.column_count = base->node->column_count;
    out.columns = local->columns;
    for (uint32_t i = 0; i < out.column_count; i++) {
        local->columns[i] = batch->columns[op->picks[i]];
        local->columns[i].type = base->node->columns[i].type;
    }
    return emit(emitter, &out, err);
}

static const OperatorClass map_class = {
    .name = "union",
    .local_open = map_local_open,
    .consume = map_consume,
    .local_close = map_local_close,
};

Status op_map_new(const ExecContext *context, Arena *arena, const Plan *node, const Plan *input,
                  ColumnList map, Error *err, Operator **op_out)
{
    MapOp *op = ARENA_NEW(arena, MapOp);
    uint32_t *picks = ARENA_ARRAY(arena, uint32_t, map.count);

    op->op = (Operator){.class = &map_class,
                        .context = context,
                        .node = node,
                        .input_column_count = input->column_count,
                        .input_columns = input->columns};
    for (uint32_t i = 0; i < map.count; i++) {
        int32_t index = plan_column_index(input, map.ids[i]);

        if (index < 0)
            return error_set(err, ST_INTERNAL, "a mapped column is missing in its input");
        picks[i] = (uint32_t)index;
    }
    op->picks = picks;
    *op_out = &op->op;
    return ST_OK;
}
