/*
 * rdd_checkpoint.c -- records that stand for their lineage: a plan that reads them, nothing below
 *
 *     reliable    a folder of Parquet files, one a partition, which outlive the session
 *     local       the blocks of the job that made them, which spill as all do
 */
#include "core/rdd/block_table.h"
#include "engine/rdd_internal.h"
#include "formats/format.h"
#include "sql/optimizer/distribute.h"

static TableColumn *table_columns(Arena *arena, const VonkRdd *rdd)
{
    TableColumn *columns = ARENA_ARRAY(arena, TableColumn, rdd->layout->field_count);

    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        columns[i] =
            (TableColumn){.name = rdd->layout->fields[i].name,
                          .type = rdd->layout->fields[i].type,
                          .is_nullable = rdd->layout->fields[i].null_offset != RECORD_NEVER_NULL};
    return columns;
}

/* --- local --- */

VonkRdd *vonk_rdd_local_checkpoint(VonkRdd *rdd)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    BlockOutput *output;
    VonkRdd *fixed;
    Table *table;
    RddRun run;

    if (rdd_run(rdd, &err, &run) != ST_OK)
        return rdd_failed(rdds, &err);
    output = job_take_output(run.job);
    table = checkpoint_table_new(output, "checkpoint", rdd->layout->field_count,
                                 table_columns(run.arena, rdd));
    rdd_run_close(&run);
    fixed = rdd_scan(rdds, table, rdd->layout);
    fixed->blocks = output;
    block_output_unref(output); /* the table has it */
    return fixed;
}

/* --- reliable --- */

/* One file: however many row groups it has, it is one partition. */
static Status open_part(RddSession *rdds, const char *path, Error *err, Table **table_out)
{
    static const char *const any_text[] = {"text", "bytes"}; /* a record's need not be UTF-8 */
    const Split *splits;
    uint32_t count;
    Table *file;

    *table_out = NULL;
    TRY(format_open_table(path, "parquet", (OptionList){1, any_text}, rdds->jobs->pool, err,
                          &file));
    if (distribute_splits(file, rdds->arena, err, &count, &splits) == ST_OK)
        *table_out = slice_table_new(file, count, splits);
    table_unref(file);
    return *table_out == NULL ? err->status : ST_OK;
}

static VonkRdd *read_parts(RddSession *rdds, const char *folder, const RecordLayout *layout,
                           uint32_t partitions)
{
    Arena *arena = rdds->arena;
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, partitions);
    ColumnList *maps = ARENA_ARRAY(arena, ColumnList, partitions);
    Error err = ERROR_NONE;

    for (uint32_t p = 0; p < partitions; p++) {
        Table *part;

        if (open_part(rdds, arena_printf(arena, "%s/part-%05u.parquet", folder, p), &err, &part) !=
            ST_OK)
            return rdd_failed(rdds, &err);
        inputs[p] = rdd_scan(rdds, part, layout)->plan;
        maps[p] = rdd_columns(arena, inputs[p]);
    }
    if (partitions == 1)
        return rdd_new(rdds, inputs[0], layout);
    return rdd_new(rdds,
                   plan_union(arena, partitions, inputs, maps, layout->field_count,
                              plan_record_columns(arena, layout, &rdds->ids)),
                   layout);
}

VonkRdd *vonk_rdd_checkpoint(VonkRdd *rdd, const char *folder)
{
    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    uint32_t partitions;

    if (rdd_partition_count(rdds, rdd->plan, &err, &partitions) != ST_OK ||
        vonk_rdd_save_as_parquet(rdd, folder, (VonkError *)&err) != VONK_OK)
        return rdd_failed(rdds, &err);
    return read_parts(rdds, folder, rdd->layout, partitions);
}
