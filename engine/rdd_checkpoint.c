/*
 * rdd_checkpoint.c -- records that stand for their lineage: a plan that reads them, nothing below
 *
 *     reliable    a folder of Parquet files, one a partition, which outlive the session
 *     local       the blocks of the job that made them, which spill as all do
 */
#include "core/rdd/block_table.h"
#include "engine/rdd_internal.h"
#include "formats/format.h"

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

    if (rdd_run(rdd_whole(rdd), &err, &run) != ST_OK)
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

/* A record's texts need not be UTF-8. A file is a partition, however many row groups it has. */
VonkRdd *vonk_rdd_checkpoint(VonkRdd *rdd, const char *folder)
{
    static const char *const options[] = {"text", "bytes", "splits", "files"};

    if (rdd_is_failed(rdd))
        return rdd;

    RddSession *rdds = rdd->rdds;
    Error err = ERROR_NONE;
    VonkRdd saved = *rdd;
    Table *table;

    saved.job_out = NULL; /* it is waited for, also of vonk_rdd_async */
    if (vonk_rdd_save_as_parquet(&saved, folder, (VonkError *)&err) != VONK_OK ||
        format_open_table(folder, "parquet", (OptionList){2, options}, rdds->jobs->pool, &err,
                          &table) != ST_OK)
        return rdd_failed(rdds, &err);
    return rdd_scan(rdds, table, rdd->layout);
}
